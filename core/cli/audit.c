/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate audit: reads audit files. Speaks to no gateway and writes nothing.
 */
#include "cli/audit.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} verbs[] = {
    {"verify", gw_audit_verify, "FILE...: is every record there, in its place, and as it was written?"},
    {"show", gw_audit_show, "FILE...: print records, a line each; filters choose which"},
};

static void print_help(FILE *to)
{
    (void)fprintf(
        to, "usage: eksgate audit VERB [ARGUMENT]... FILE...\n\n"
            "Reads audit files, all of them at once or some; the order in which they are named doesn't matter.\n\n");
    for (size_t i = 0; i < GW_COUNT(verbs); i++)
        (void)fprintf(to, "  %-8s %s\n", verbs[i].name, verbs[i].summary);
    (void)fprintf(to, "\neksgate audit VERB --help says more.\n");
}

int gw_cli_audit(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return GW_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return GW_EXIT_DONE;
    }
    for (size_t i = 0; i < GW_COUNT(verbs); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    }
    (void)fprintf(stderr, "eksgate audit: there is no verb %s; eksgate audit --help lists them\n", argv[1]);
    return GW_EXIT_USAGE;
}
