/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate check: says whether serve would start with this configuration, and all
 * that keeps it from it. Opens no socket and writes nothing.
 */
#include <stdio.h>

#include "cli/args.h"
#include "cli/cli.h"

static void print_problems_json(const struct gw_config_problems *problems)
{
    struct gw_str rest = gw_buf_str(&problems->text);
    struct gw_buf out;
    bool first = true;

    gw_buf_init(&out, (size_t)1 << 20);
    gw_buf_append_lit(&out, "{\"ok\":false,\"problems\":[");
    while (rest.at != NULL) {
        struct gw_str line = gw_str_split(&rest, '\n');

        if (line.length == 0)
            continue;
        if (!first)
            gw_buf_append_byte(&out, ',');
        first = false;
        gw_json_encode_string(line, &out);
    }
    gw_buf_append_lit(&out, "]}\n");
    (void)fwrite(out.at, 1, out.length, stdout);
    gw_buf_fini(&out);
}

static int print_problems(const struct gw_config_problems *problems, bool json)
{
    if (json)
        print_problems_json(problems);
    else
        (void)fwrite(problems->text.at, 1, problems->text.length, stderr);
    return GW_EXIT_FAILED;
}

static size_t count_keys(const struct gw_config *config)
{
    struct gw_keyring *keyring = NULL;
    struct gw_err err;
    size_t count = 0;

    if (gw_config_keyring(config, &keyring, &err) == GW_OK)
        count = gw_keyring_count(keyring);
    gw_keyring_free(&keyring);
    return count;
}

static struct gw_str address_or_off(struct gw_str address)
{
    return address.at != NULL ? address : GW_STR("off");
}

static void print_summary(const struct gw_config *config)
{
    (void)printf("%.*s: good\n", GW_STR_ARG(config->source));
    for (size_t i = 0; i < config->listen_count; i++)
        (void)printf("  listen    %.*s\n", GW_STR_ARG(config->listen[i]));
    (void)printf("  status    %.*s\n", GW_STR_ARG(address_or_off(config->status)));
    (void)printf("  admin     %.*s\n", GW_STR_ARG(address_or_off(config->admin)));
    (void)printf("  audit     %.*s\n", GW_STR_ARG(address_or_off(config->audit_file)));
    (void)printf("  keys      %zu\n", count_keys(config));
    (void)printf("  policies  %zu\n", config->policies.file_count);
    (void)printf("  clusters  %zu\n", config->cluster_count);
}

static void print_summary_json(const struct gw_config *config)
{
    struct gw_arena arena;
    struct gw_json summary = {.type = GW_JSON_OBJECT};
    struct gw_str *names;
    struct gw_buf out;

    gw_arena_init(&arena, 0);
    gw_buf_init(&out, (size_t)4 << 20);
    names = gw_arena_zero(&arena, config->cluster_count, sizeof(*names));
    for (size_t i = 0; i < config->cluster_count; i++)
        names[i] = config->clusters[i].name;
    gw_json_set(&arena, &summary, GW_STR("ok"), gw_json_bool(true));
    gw_json_set(&arena, &summary, GW_STR("source"), gw_json_string(config->source));
    gw_json_set(&arena, &summary, GW_STR("listen"), gw_json_strings(&arena, config->listen, config->listen_count));
    gw_json_set(&arena, &summary, GW_STR("status"), gw_json_string(address_or_off(config->status)));
    gw_json_set(&arena, &summary, GW_STR("admin"), gw_json_string(address_or_off(config->admin)));
    gw_json_set(&arena, &summary, GW_STR("audit"), gw_json_string(address_or_off(config->audit_file)));
    gw_json_set(&arena, &summary, GW_STR("keys"), gw_json_integer((int64_t)count_keys(config)));
    gw_json_set(&arena, &summary, GW_STR("policies"), gw_json_integer((int64_t)config->policies.file_count));
    gw_json_set(&arena, &summary, GW_STR("clusters"), gw_json_strings(&arena, names, config->cluster_count));
    gw_json_encode(&summary, &out);
    (void)printf("%.*s\n", GW_STR_ARG(gw_buf_str(&out)));
    gw_buf_fini(&out);
    gw_arena_fini(&arena);
}

static int check(const struct gw_args_config *given, bool json)
{
    struct gw_config_source source = gw_args_source(given);
    struct gw_config *config = NULL;
    struct gw_config_problems problems;
    int code = GW_EXIT_DONE;

    gw_config_problems_init(&problems);
    if (gw_config_load(&source, &config, &problems) == GW_OK)
        gw_config_check(config, &problems);
    if (problems.count > 0)
        code = print_problems(&problems, json);
    else if (json)
        print_summary_json(config);
    else
        print_summary(config);
    gw_config_problems_fini(&problems);
    gw_config_free(&config);
    return code;
}

int gw_cli_check(int argc, char **argv)
{
    struct gw_args_config given = {0};
    bool json = false;
    const struct gw_args_option options[] = {GW_ARGS_CONFIG(given), GW_ARGS_JSON(json)};
    const struct gw_args_verb verb = {
        .name = "check",
        .summary = "Loads configuration, keys and policies and prints every problem. Exit code 0: none; 1: some.",
        .options = options,
        .option_count = GW_COUNT(options),
    };
    int code = gw_args_parse(&verb, argc, argv, NULL);

    if (code == GW_ARGS_GO)
        code = check(&given, json);
    gw_args_config_fini(&given);
    return code;
}
