/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate version: this program's, and of the libraries it was built with (their
 * headers stay in the rooms that use them, so the build says which they are).
 */
#include <stdio.h>

#include "cli/args.h"
#include "cli/cli.h"

static const struct {
    const char *name;
    const char *version;
} libraries[] = {
    {"libevent", EKSGATE_LIBEVENT_VERSION}, {"openssl", EKSGATE_OPENSSL_VERSION}, {"lua", EKSGATE_LUA_VERSION},
    {"jansson", EKSGATE_JANSSON_VERSION},   {"sqlite", EKSGATE_SQLITE_VERSION},
};

int gw_cli_version(int argc, char **argv)
{
    bool json = false;
    const struct gw_args_option options[] = {GW_ARGS_JSON(json)};
    const struct gw_args_verb verb = {
        .name = "version",
        .summary = "Prints the version, and those of the libraries that eksgate was built with.",
        .options = options,
        .option_count = GW_COUNT(options),
    };
    int code = gw_args_parse(&verb, argc, argv, NULL);

    if (code != GW_ARGS_GO)
        return code;
    (void)printf(json ? "{\"eksgate\":\"%s\"" : "eksgate %s\n", EKSGATE_VERSION);
    for (size_t i = 0; i < GW_COUNT(libraries); i++)
        (void)printf(json ? ",\"%s\":\"%s\"" : "%s %s\n", libraries[i].name, libraries[i].version);
    (void)printf("%s", json ? "}\n" : "");
    return GW_EXIT_DONE;
}
