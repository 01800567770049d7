/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate check: says whether serve would start with this configuration, and all
 * that keeps it from it. Listens nowhere and writes nothing; where the gateway needs
 * credentials of its own they are asked for once, and nothing of them is shown but
 * who gave them and until when they last.
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/reload.h"
#include "codec/time.h"
#include "config/credentials.h"
#include "script/interpreter.h"

/* What the gateway signs with. */
struct identity {
    bool is_known;
    struct gw_credentials_found found;
};

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

/* "2026-01-01T00:00:00Z", "never" */
static const char *expiry(const struct identity *identity, char when[21])
{
    if (identity->found.expires_ms == INT64_MAX)
        return "never";
    gw_time_iso_seconds(identity->found.expires_ms, when);
    return when;
}

static void find_identity(const struct gw_config *config, struct identity *identity,
                          struct gw_config_problems *problems)
{
    struct gw_credentials_options options;
    struct gw_buf report;
    struct gw_str rest;
    struct gw_err err;

    identity->is_known = false;
    if (!gw_config_has_credentials(config))
        return;
    gw_config_credentials_options(config, environ, &options);
    gw_buf_init(&report, (size_t)16 << 10);
    identity->is_known = gw_credentials_try(&options, &identity->found, &report, &err) == GW_OK;
    rest = gw_buf_str(&report);
    if (!identity->is_known && rest.length == 0)
        gw_config_problem(problems, "upstream credentials: %s", err.text);
    while (!identity->is_known && rest.length > 0) {
        struct gw_str line = gw_str_split(&rest, '\n');

        gw_config_problem(problems, "upstream credentials: %.*s", GW_STR_ARG(line));
    }
    gw_buf_fini(&report);
}

static struct gw_interpreter interpreter(void)
{
    struct gw_interpreter found = {.is_old = false};
    struct gw_err err;

    if (gw_interpreter_check(&found, &err) != GW_OK)
        found.is_old = false; /* what is wrong with it is among the problems */
    return found;
}

static void print_summary(const struct gw_config *config, const struct identity *identity)
{
    struct gw_interpreter lua = interpreter();
    char when[21];

    (void)printf("%.*s: good\n", GW_STR_ARG(config->source));
    for (size_t i = 0; i < config->listen_count; i++)
        (void)printf("  listen    %.*s%s\n", GW_STR_ARG(config->listen[i].address),
                     config->listen[i].tls.certificate_count > 0 ? " with TLS" : "");
    (void)printf("  status    %.*s\n", GW_STR_ARG(address_or_off(config->status)));
    (void)printf("  admin     %.*s\n", GW_STR_ARG(address_or_off(config->admin)));
    (void)printf("  audit     %.*s\n", GW_STR_ARG(address_or_off(config->audit_file)));
    (void)printf("  keys      %zu\n", count_keys(config));
    (void)printf("  policies  %zu\n", config->policies.file_count);
    if (config->shadow.file_count > 0)
        (void)printf("  shadow    %zu\n", config->shadow.file_count);
    (void)printf("  clusters  %zu\n", config->cluster_count);
    (void)printf("  lua       %s%s%s\n", lua.release, lua.is_old ? " " : "", lua.is_old ? gw_interpreter_warning : "");
    if (identity->is_known)
        (void)printf("upstream credentials: %s, key %s, expires %s\n", identity->found.provider,
                     identity->found.access_key, expiry(identity, when));
}

static void print_summary_json(const struct gw_config *config, const struct identity *identity)
{
    struct gw_interpreter lua = interpreter();
    char when[21];
    struct gw_arena arena;
    struct gw_json summary = {.type = GW_JSON_OBJECT};
    struct gw_str *names;
    struct gw_str *addresses;
    struct gw_buf out;

    gw_arena_init(&arena, 0);
    gw_buf_init(&out, (size_t)4 << 20);
    names = gw_arena_zero(&arena, config->cluster_count, sizeof(*names));
    for (size_t i = 0; i < config->cluster_count; i++)
        names[i] = config->clusters[i].name;
    addresses = gw_arena_zero(&arena, config->listen_count, sizeof(*addresses));
    for (size_t i = 0; i < config->listen_count; i++)
        addresses[i] = config->listen[i].address;
    gw_json_set(&arena, &summary, GW_STR("ok"), gw_json_bool(true));
    gw_json_set(&arena, &summary, GW_STR("source"), gw_json_string(config->source));
    gw_json_set(&arena, &summary, GW_STR("listen"), gw_json_strings(&arena, addresses, config->listen_count));
    gw_json_set(&arena, &summary, GW_STR("status"), gw_json_string(address_or_off(config->status)));
    gw_json_set(&arena, &summary, GW_STR("admin"), gw_json_string(address_or_off(config->admin)));
    gw_json_set(&arena, &summary, GW_STR("audit"), gw_json_string(address_or_off(config->audit_file)));
    gw_json_set(&arena, &summary, GW_STR("keys"), gw_json_integer((int64_t)count_keys(config)));
    gw_json_set(&arena, &summary, GW_STR("policies"), gw_json_integer((int64_t)config->policies.file_count));
    if (config->shadow.file_count > 0)
        gw_json_set(&arena, &summary, GW_STR("shadow"), gw_json_integer((int64_t)config->shadow.file_count));
    gw_json_set(&arena, &summary, GW_STR("clusters"), gw_json_strings(&arena, names, config->cluster_count));
    gw_json_set(&arena, &summary, GW_STR("lua"), gw_json_string(gw_str_from(lua.release)));
    if (lua.is_old)
        gw_json_set(&arena, &summary, GW_STR("luaWarning"), gw_json_string(gw_str_from(gw_interpreter_warning)));
    if (identity->is_known) {
        const struct gw_pair members[] = {
            {GW_STR("provider"), gw_str_from(identity->found.provider)},
            {GW_STR("accessKeyId"), gw_str_from(identity->found.access_key)},
            {GW_STR("expires"), gw_str_from(expiry(identity, when))},
        };

        gw_json_set(&arena, &summary, GW_STR("upstreamCredentials"), gw_json_pairs(&arena, members, GW_COUNT(members)));
    }
    gw_json_encode(&summary, &out);
    (void)printf("%.*s\n", GW_STR_ARG(gw_buf_str(&out)));
    gw_buf_fini(&out);
    gw_arena_fini(&arena);
}

/* What gw_config_check doesn't: whether they answer. */
static void try_policies(const struct gw_config *config, const struct gw_script_options *options,
                         struct gw_config_problems *problems)
{
    struct gw_script_set *set = NULL;
    struct gw_err err;

    if (gw_reload_policies(config, options, &set, &err) != GW_OK)
        gw_config_problem(problems, "%s", err.text);
    gw_script_set_free(&set);
}

static int check(const struct gw_args_config *given, bool json)
{
    struct gw_config_source source = gw_args_source(given);
    struct gw_config *config = NULL;
    struct gw_config_problems problems;
    struct identity identity = {0};
    int code = GW_EXIT_DONE;

    gw_config_problems_init(&problems);
    if (gw_config_load(&source, &config, &problems) == GW_OK) {
        gw_config_check(config, &problems);
        gw_config_check_dates(config, &problems);
        if (problems.count == 0)
            try_policies(config, &config->policies, &problems);
        if (problems.count == 0 && config->shadow.file_count > 0)
            try_policies(config, &config->shadow, &problems);
        find_identity(config, &identity, &problems);
    }
    if (problems.count > 0)
        code = print_problems(&problems, json);
    else if (json)
        print_summary_json(config, &identity);
    else
        print_summary(config, &identity);
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
