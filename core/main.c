/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate VERB ARGUMENT...: finds the verb and hands over. What a verb does is in
 * the file of cli/ that has its name.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} verbs[] = {
    {"serve", gw_cli_serve, "run the gateway"},
    {"mock", gw_cli_mock, "run a throw-away service for tests; needs no file"},
    {"check", gw_cli_check, "load configuration, keys and policies; print every problem"},
    {"explain", gw_cli_explain, "tell what serve would make of a request, check by check"},
    {"test", gw_cli_test, "run specs of policies in the production sandbox, without a server"},
    {"keys", gw_cli_keys, "add, list, enable, disable, remove keys of the key file"},
    {"ctl", gw_cli_ctl, "speak to the admin listener of a running one: health, reload, drain, ..."},
    {"backup", gw_cli_backup, "copy the database, also while a gateway runs"},
    {"restore", gw_cli_restore, "put a backup in the place of the database"},
    {"audit", gw_cli_audit, "verify audit files, show what is in them"},
    {"replay", gw_cli_replay, "ask policies about recorded requests; print what would differ"},
    {"options", gw_cli_options, "print every setting: type, default, what is accepted, meaning"},
    {"version", gw_cli_version, "print the version, and those of the libraries"},
};

static void print_help(FILE *to)
{
    (void)fprintf(to, "usage: eksgate VERB [ARGUMENT]...\n\n"
                      "A gateway that stands where a client expects Amazon EKS.\n\n");
    for (size_t i = 0; i < GW_COUNT(verbs); i++)
        (void)fprintf(to, "  %-9s %s\n", verbs[i].name, verbs[i].summary);
    (void)fprintf(to, "\neksgate VERB --help says more.\n");
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;

    if (name == NULL) {
        print_help(stderr);
        return GW_EXIT_USAGE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return GW_EXIT_DONE;
    }
    if (strcmp(name, "--version") == 0)
        name = "version";
    for (size_t i = 0; i < GW_COUNT(verbs); i++) {
        if (strcmp(name, verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    }
    (void)fprintf(stderr, "eksgate: there is no verb %s; eksgate --help lists them\n", name);
    return GW_EXIT_USAGE;
}
