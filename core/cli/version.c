/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate version: this program's, of the interpreter that runs policies, and of
 * the libraries it was built with (their headers stay in the rooms that use them,
 * so the build says which they are).
 */
#include <stdio.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "codec/json.h"
#include "script/interpreter.h"

static const struct {
    const char *name;
    const char *version;
} libraries[] = {
    {"libevent", EKSGATE_LIBEVENT_VERSION},
    {"openssl", EKSGATE_OPENSSL_VERSION},
    {"jansson", EKSGATE_JANSSON_VERSION},
    {"sqlite", EKSGATE_SQLITE_VERSION},
};

/* The interpreter as it runs here, and what there is to say about it. */
static void print_interpreter(bool json)
{
    struct gw_interpreter lua = {.release = "unknown"};
    struct gw_err err = {""};
    const char *warning = NULL;
    struct gw_buf quoted;

    if (gw_interpreter_check(&lua, &err) != GW_OK)
        warning = err.text;
    else if (lua.is_old)
        warning = gw_interpreter_warning;
    (void)printf(json ? ",\"lua\":\"%s\"" : "lua %s\n", lua.release);
    if (warning == NULL)
        return;
    gw_buf_init(&quoted, 8192);
    gw_json_encode_string(gw_str_from(warning), &quoted);
    if (json)
        (void)printf(",\"luaWarning\":%.*s", GW_STR_ARG(gw_buf_str(&quoted)));
    else
        (void)printf("    %s\n", warning);
    gw_buf_fini(&quoted);
}

int gw_cli_version(int argc, char **argv)
{
    bool json = false;
    const struct gw_args_option options[] = {GW_ARGS_JSON(json)};
    const struct gw_args_verb verb = {
        .name = "version",
        .summary = "Prints the version, the interpreter's that runs policies, and those of the libraries that "
                   "eksgate was built with.",
        .options = options,
        .option_count = GW_COUNT(options),
    };
    int code = gw_args_parse(&verb, argc, argv, NULL);

    if (code != GW_ARGS_GO)
        return code;
    (void)printf(json ? "{\"eksgate\":\"%s\"" : "eksgate %s\n", EKSGATE_VERSION);
    for (size_t i = 0; i < GW_COUNT(libraries); i++)
        (void)printf(json ? ",\"%s\":\"%s\"" : "%s %s\n", libraries[i].name, libraries[i].version);
    print_interpreter(json);
    (void)printf("%s", json ? "}\n" : "");
    return GW_EXIT_DONE;
}
