/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate options: every setting, as text, as JSON, or as config/README.md, which
 * a test compares with what is printed here.
 */
#include <stdio.h>

#include "cli/args.h"
#include "cli/cli.h"

#define OUTPUT_MAX ((size_t)1 << 20)

/* What the head of config/README.md says besides the table. */
static const char preamble[] =
    "# Settings\n"
    "\n"
    "This page is what `eksgate options --markdown` prints.\n"
    "\n"
    "The configuration is the file given with `-c`, else `$EKSGATE_CONFIG`, else `/etc/eksgate/eksgate.lua`: a Lua "
    "file\n"
    "that returns a table and sees nothing but `env(name, default)`, or a `.json` file that holds the same table.\n"
    "[quickstart.lua](quickstart.lua) is one to try things with, [eksgate.lua](eksgate.lua) shows every setting.\n"
    "\n"
    "- Precedence: `--set KEY=VALUE`, then the environment, then the file, then the default.\n"
    "- Dots nest: `http.body_bytes` is `http = { body_bytes = ... }` in the file, `--set http.body_bytes=...` on the\n"
    "  command line, `EKSGATE_HTTP__BODY_BYTES` in the environment. Commas make lists; nothing after the `=` turns "
    "off\n"
    "  what may be off. A text in the file is read the same way, so that `env()` can stand for any value.\n"
    "- Unknown keys and wrong values are errors; `eksgate check` and `serve` list all of them at once. That holds for\n"
    "  `EKSGATE_` variables too, except those that Kubernetes makes for a Service named eksgate (`EKSGATE_PORT...`,\n"
    "  `EKSGATE_SERVICE_...`) and `tests/run` for its tests. Name the variables that your file reads with `env()`\n"
    "  differently.\n"
    "- A relative `audit.file` is below `data`. Other relative paths start at the folder of the file they are written "
    "in;\n"
    "  in `--set` and the environment, at the current directory.\n"
    "- Durations are seconds, sizes bytes.\n"
    "- Under `eksgate mock` some defaults are others (`mock:`), and some settings exist that are refused elsewhere\n"
    "  (`Of a mock.`). A mock reads a file only when `-c` names one.\n"
    "- `reload` says whether SIGHUP takes a new value up; the others wait for a restart.\n"
    "\n"
    "The key file, which `eksgate keys` edits:\n"
    "\n"
    "```json\n"
    "{\"Version\": 1, \"Keys\": [{\"AccessKeyId\": \"...\", \"SecretAccessKey\": \"...\", \"Arn\": "
    "\"arn:aws:iam::012345678910:user/me\"}]}\n"
    "```\n"
    "\n"
    "Further members of a key: `SessionToken`, `Expiration`, `Tags` (an object), `Disabled`. The file must not be "
    "readable\n"
    "by everybody, nor writable by others than its owner. `keys` may also be a list of such objects in the "
    "configuration,\n"
    "with secrets from `env()`. Keys that AWS has published as examples are taken on loopback and unix listeners "
    "only.\n"
    "\n";

/* In a cell of a table '|' ends the cell. */
static void append_cell(struct gw_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            gw_buf_append_byte(out, '\\');
        gw_buf_append_byte(out, *text);
    }
}

static void print_markdown(struct gw_buf *out)
{
    gw_buf_append_lit(out, preamble);
    gw_buf_append_lit(out,
                      "| setting | type | default | accepted | reload | meaning |\n| --- | --- | --- | --- | --- | "
                      "--- |\n");
    for (size_t i = 0; i < gw_config_option_count; i++) {
        const struct gw_config_option *option = &gw_config_options[i];
        const char *tick = option->preset[0] != '\0' ? "`" : "";

        gw_buf_printf(out, "| `%s` | %s | %s%s%s", option->key, option->type, tick, option->preset, tick);
        if (gw_config_mock_preset(i) != NULL)
            gw_buf_printf(out, "%smock: `%s`", tick[0] != '\0' ? "; " : "", gw_config_mock_preset(i));
        gw_buf_append_lit(out, " | ");
        append_cell(out, option->range);
        gw_buf_printf(out, " | %s | ", option->reloads ? "yes" : "");
        if (gw_config_is_mock_only(i))
            gw_buf_append_lit(out, "Of a mock. ");
        append_cell(out, option->meaning);
        gw_buf_append_lit(out, " |\n");
    }
}

static void append_member(struct gw_buf *out, const char *name, const char *value)
{
    gw_buf_printf(out, "\"%s\":", name);
    if (value == NULL)
        gw_buf_append_lit(out, "null");
    else
        gw_json_encode_string(gw_str_from(value), out);
    gw_buf_append_byte(out, ',');
}

static const char *nothing_or(const char *preset)
{
    return preset[0] != '\0' ? preset : NULL;
}

static void print_json(struct gw_buf *out)
{
    for (size_t i = 0; i < gw_config_option_count; i++) {
        const struct gw_config_option *option = &gw_config_options[i];

        gw_buf_append(out, i == 0 ? "[{" : ",\n{", i == 0 ? 2 : 3);
        append_member(out, "key", option->key);
        append_member(out, "type", option->type);
        append_member(out, "default", nothing_or(option->preset));
        append_member(out, "mockDefault",
                      gw_config_mock_preset(i) != NULL ? gw_config_mock_preset(i) : nothing_or(option->preset));
        append_member(out, "accepted", option->range);
        append_member(out, "meaning", option->meaning);
        gw_buf_printf(out, "\"mockOnly\":%s,\"reloads\":%s}", gw_config_is_mock_only(i) ? "true" : "false",
                      option->reloads ? "true" : "false");
    }
    gw_buf_append_lit(out, "]\n");
}

static void print_text(struct gw_buf *out)
{
    for (size_t i = 0; i < gw_config_option_count; i++) {
        const struct gw_config_option *option = &gw_config_options[i];

        gw_buf_printf(out, "%s = %s", option->key, option->preset[0] != '\0' ? option->preset : "(nothing)");
        if (gw_config_mock_preset(i) != NULL)
            gw_buf_printf(out, "; mock: %s", gw_config_mock_preset(i));
        gw_buf_printf(out, "\n    %s: %s%s\n    %s%s\n", option->type, option->range,
                      option->reloads ? "; taken up by a reload" : "", gw_config_is_mock_only(i) ? "Of a mock. " : "",
                      option->meaning);
    }
}

int gw_cli_options(int argc, char **argv)
{
    bool json = false;
    bool markdown = false;
    const struct gw_args_option options[] = {
        GW_ARGS_JSON(json),
        {.name = "--markdown", .help = "print config/README.md", .is_given = &markdown},
    };
    const struct gw_args_verb verb = {
        .name = "options",
        .summary = "Prints every setting: default, type, what is accepted, meaning.",
        .options = options,
        .option_count = GW_COUNT(options),
    };
    int code = gw_args_parse(&verb, argc, argv, NULL);
    struct gw_buf out;

    if (code != GW_ARGS_GO)
        return code;
    if (json && markdown)
        return gw_args_wrong(&verb, "--json and --markdown exclude each other");
    gw_buf_init(&out, OUTPUT_MAX);
    if (json)
        print_json(&out);
    else if (markdown)
        print_markdown(&out);
    else
        print_text(&out);
    code = fwrite(out.at, 1, out.length, stdout) == out.length ? GW_EXIT_DONE : GW_EXIT_FAILED;
    gw_buf_fini(&out);
    return code;
}
