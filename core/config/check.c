/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a configuration names, tried without starting anything: the keys load, the
 * policies compile, the addresses have a form that can be listened on, and nobody
 * from outside gets in with a key that everybody knows.
 */
#include <stdio.h>
#include <unistd.h>

#include "config/config.h"
#include "config/options.h"
#include "config/signing_key.h"
#include "config/token.h"
#include "net/listener.h"
#include "net/server.h"

static void problem(const struct gw_config *config, struct gw_config_problems *problems, enum gw_option_id id,
                    const char *format, ...) GW_PRINTF(4, 5);

static void problem(const struct gw_config *config, struct gw_config_problems *problems, enum gw_option_id id,
                    const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    va_end(args);
    gw_config_problem(problems, "%.*s: %s: %s", GW_STR_ARG(config->origins[id]), gw_option_rows[id].key, text);
}

enum gw_status gw_config_keyring(const struct gw_config *config, struct gw_keyring **keyring, struct gw_err *err)
{
    static const struct gw_json no_keys = {.type = GW_JSON_ARRAY};

    if (config->keys != NULL)
        return gw_keyring_from_json(config->keys, config->origins[GW_OPTION_KEYS].at, keyring, err);
    if (config->keys_file.at != NULL)
        return gw_keyring_load(config->keys_file.at, keyring, err);
    if (config->is_mock)
        return gw_keyring_mock(config->account, config->partition, keyring, err);
    if (config->auth != GW_GATEWAY_AUTH_SIGV4)
        return gw_keyring_from_json(&no_keys, "keys", keyring, err);
    return gw_fail(err, GW_E_MISSING, "is missing; accepted: %s", gw_option_rows[GW_OPTION_KEYS].accepted);
}

/* Gives false when there is nothing more to say about the address. */
static bool check_address(const struct gw_config *config, struct gw_config_problems *problems, enum gw_option_id id,
                          struct gw_str address, bool *is_loopback)
{
    struct gw_err err;
    bool is_unix;

    if (gw_listener_check(address, &is_unix, is_loopback, &err) == GW_OK)
        return true;
    problem(config, problems, id, "%s; accepted: %s", err.text, gw_option_rows[id].accepted);
    return false;
}

static void check_keys(const struct gw_config *config, struct gw_config_problems *problems, bool *has_example)
{
    struct gw_keyring *keyring = NULL;
    struct gw_err err;

    *has_example = false;
    if (gw_config_keyring(config, &keyring, &err) != GW_OK)
        problem(config, problems, GW_OPTION_KEYS, "%s", err.text);
    else
        *has_example = gw_keyring_has_example(keyring);
    gw_keyring_free(&keyring);
}

static void check_listen(const struct gw_config *config, struct gw_config_problems *problems, bool has_example)
{
    if (config->listen_count > GW_SERVER_SOCKETS)
        problem(config, problems, GW_OPTION_LISTEN, "has %zu addresses; accepted: at most %d", config->listen_count,
                GW_SERVER_SOCKETS);
    for (size_t i = 0; i < config->listen_count; i++) {
        bool is_loopback;

        if (!check_address(config, problems, GW_OPTION_LISTEN, config->listen[i].address, &is_loopback) || is_loopback)
            continue;
        if (config->auth == GW_GATEWAY_AUTH_NONE)
            problem(config, problems, GW_OPTION_LISTEN,
                    "%.*s can be reached from outside, and auth = \"none\" lets everybody in; accepted: loopback "
                    "addresses and unix: paths",
                    GW_STR_ARG(config->listen[i].address));
        else if (has_example && !config->is_mock)
            problem(config, problems, GW_OPTION_LISTEN,
                    "%.*s can be reached from outside, and keys holds a key that AWS has published as an example; "
                    "accepted: loopback addresses and unix: paths, or keys of your own",
                    GW_STR_ARG(config->listen[i].address));
    }
}

/* Loads it by itself, so that each that is wrong is named. `dates`: says what is wrong with those, and nothing else. */
static void check_certificate(const struct gw_config *config, struct gw_config_problems *problems,
                              const struct gw_tls_certificate *certificate, bool dates)
{
    struct gw_tls_server_options options = {.certificates = certificate, .certificate_count = 1};
    struct gw_tls_context *context = NULL;
    struct gw_err err = {""};
    enum gw_status status = gw_tls_server_new(&options, &context, &err);

    if (dates ? status == GW_OK && err.text[0] != '\0' : status != GW_OK)
        problem(config, problems, GW_OPTION_LISTEN, "%s", err.text);
    gw_tls_context_release(&context);
}

static void check_certificates(const struct gw_config *config, struct gw_config_problems *problems)
{
    for (size_t i = 0; i < config->listen_count; i++) {
        const struct gw_tls_server_options *tls = &config->listen[i].tls;
        struct gw_tls_client_options authorities = {.ca_file = tls->client_ca};
        struct gw_tls_context *context = NULL;
        struct gw_err err;

        if (tls->certificate_count > GW_TLS_CERTIFICATES_MAX)
            problem(config, problems, GW_OPTION_LISTEN, "%.*s has more than %d certificates",
                    GW_STR_ARG(config->listen[i].address), GW_TLS_CERTIFICATES_MAX);
        for (size_t k = 0; k < tls->certificate_count; k++)
            check_certificate(config, problems, &tls->certificates[k], false);
        if (tls->client_ca.at != NULL && gw_tls_client_new(&authorities, &context, &err) != GW_OK)
            problem(config, problems, GW_OPTION_LISTEN, "%s", err.text);
        gw_tls_context_release(&context);
    }
}

static void check_upstream_ca(const struct gw_config *config, struct gw_config_problems *problems)
{
    struct gw_tls_client_options authorities = {.ca_file = config->upstream_ca_file};
    struct gw_tls_context *context = NULL;
    struct gw_err err;

    if (config->mode == GW_GATEWAY_STANDALONE || config->upstream_ca_file.at == NULL)
        return;
    if (gw_tls_client_new(&authorities, &context, &err) != GW_OK)
        problem(config, problems, GW_OPTION_UPSTREAM_CA_FILE, "%s", err.text);
    gw_tls_context_release(&context);
}

static void check_endpoints(const struct gw_config *config, struct gw_config_problems *problems)
{
    for (size_t i = 0; i < config->endpoint_count; i++) {
        struct gw_fetch_endpoints *one = NULL;
        struct gw_err err;

        if (config->endpoints[i].ca_file.at != NULL &&
            gw_fetch_endpoints_new(&config->endpoints[i], 1, &one, &err) != GW_OK)
            problem(config, problems, GW_OPTION_POLICY_ENDPOINTS, "%s", err.text);
        gw_fetch_endpoints_release(&one);
    }
}

void gw_config_check_dates(const struct gw_config *config, struct gw_config_problems *problems)
{
    for (size_t i = 0; i < config->listen_count; i++) {
        for (size_t k = 0; k < config->listen[i].tls.certificate_count; k++)
            check_certificate(config, problems, &config->listen[i].tls.certificates[k], true);
    }
}

/* False when there is none; one that is wrong is another problem than its absence. */
static bool check_admin_token(const struct gw_config *config, struct gw_config_problems *problems)
{
    bool in_file = config->admin_token_file.at != NULL;
    struct gw_config_token token;
    struct gw_err err;

    if (gw_config_admin_token(config, &token, &err) != GW_OK) {
        problem(config, problems, in_file ? GW_OPTION_ADMIN_TOKEN_FILE : GW_OPTION_ADMIN_TOKEN, "%s", err.text);
        return true;
    }
    gw_wipe(token.text, sizeof(token.text));
    return token.length > 0;
}

static void check_status_and_admin(const struct gw_config *config, struct gw_config_problems *problems)
{
    bool is_loopback;
    bool has_token;

    if (config->status.at != NULL)
        (void)check_address(config, problems, GW_OPTION_STATUS, config->status, &is_loopback);
    has_token = check_admin_token(config, problems);
    if (config->admin.at == NULL || !check_address(config, problems, GW_OPTION_ADMIN, config->admin, &is_loopback))
        return;
    if (!is_loopback && !has_token)
        problem(config, problems, GW_OPTION_ADMIN, "%.*s can be reached from outside; accepted: %s",
                GW_STR_ARG(config->admin), gw_option_rows[GW_OPTION_ADMIN].accepted);
}

/* Port 0 is another port each time. */
static bool is_same_address(struct gw_str a, struct gw_str b)
{
    bool any_port = a.length > 2 && memcmp(a.at + a.length - 2, ":0", 2) == 0;

    return a.at != NULL && gw_str_equal(a, b) && !any_port;
}

static void check_distinct(const struct gw_config *config, struct gw_config_problems *problems)
{
    for (size_t i = 0; i < config->listen_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (is_same_address(config->listen[i].address, config->listen[j].address))
                problem(config, problems, GW_OPTION_LISTEN, "%.*s is there twice",
                        GW_STR_ARG(config->listen[i].address));
        }
        if (is_same_address(config->listen[i].address, config->status))
            problem(config, problems, GW_OPTION_STATUS, "%.*s is in listen already", GW_STR_ARG(config->status));
        if (is_same_address(config->listen[i].address, config->admin))
            problem(config, problems, GW_OPTION_ADMIN, "%.*s is in listen already", GW_STR_ARG(config->admin));
    }
    if (is_same_address(config->status, config->admin))
        problem(config, problems, GW_OPTION_ADMIN, "%.*s is the address of status already", GW_STR_ARG(config->admin));
}

static bool try_policies(const struct gw_config *config, struct gw_config_problems *problems, enum gw_option_id id,
                         const struct gw_script_options *options)
{
    struct gw_script_set *set = NULL;
    struct gw_err err;

    if (gw_script_set_load(options, &set, &err) != GW_OK) {
        problem(config, problems, id, "%s", err.text);
        return false;
    }
    gw_script_set_free(&set);
    return true;
}

/* One by one, so that each that is wrong is named; then together, for what they are to each other. */
static void check_set(const struct gw_config *config, struct gw_config_problems *problems, enum gw_option_id id,
                      const struct gw_script_options *options)
{
    struct gw_script_options one = *options;
    bool good = true;

    if (options->file_count == 0) {
        (void)try_policies(config, problems, id, options); /* whether this Lua is one to run any */
        return;
    }
    if (options->library[0] == '\0') {
        problem(config, problems, GW_OPTION_POLICY_LIBRARY, "none was found beside the program; accepted: %s",
                gw_option_rows[GW_OPTION_POLICY_LIBRARY].accepted);
        return;
    }
    one.file_count = 1;
    for (size_t i = 0; i < options->file_count; i++) {
        one.files = &options->files[i];
        good = try_policies(config, problems, id, &one) && good;
    }
    if (good && options->file_count > 1)
        (void)try_policies(config, problems, id, options);
}

static void check_policies(const struct gw_config *config, struct gw_config_problems *problems)
{
    check_set(config, problems, GW_OPTION_POLICIES, &config->policies);
    if (config->shadow.file_count > 0)
        check_set(config, problems, GW_OPTION_SHADOW, &config->shadow);
}

static void check_principals(const struct gw_config *config, struct gw_config_problems *problems)
{
    struct gw_arena arena;
    struct gw_map map;
    struct gw_err err;

    if (config->principals.at == NULL)
        return;
    gw_arena_init(&arena, 0);
    if (gw_config_principals(config, &arena, &map, &err) == GW_OK)
        gw_map_fini(&map);
    else
        problem(config, problems, GW_OPTION_PRINCIPALS, "%s; accepted: %s", err.text,
                gw_option_rows[GW_OPTION_PRINCIPALS].accepted);
    gw_arena_fini(&arena);
}

static void check_signing_key(const struct gw_config *config, struct gw_config_problems *problems)
{
    struct gw_ed25519_key *key;
    struct gw_err err;

    if (gw_config_signing_key(config, &key, &err) != GW_OK)
        problem(config, problems, GW_OPTION_AUDIT_SIGNING_KEY, "%s", err.text);
    else
        gw_ed25519_free(&key);
}

static void check_faults(const struct gw_config *config, struct gw_config_problems *problems)
{
    struct gw_buf text;
    struct gw_err err;

    if (config->faults_file.at == NULL)
        return;
    gw_buf_init(&text, GW_CONFIG_FAULTS_MAX);
    if (gw_config_faults(config, &text, &err) != GW_OK)
        problem(config, problems, GW_OPTION_FAULTS, "%s", err.text);
    gw_buf_fini(&text);
}

void gw_config_check(const struct gw_config *config, struct gw_config_problems *problems)
{
    bool has_example;

    check_keys(config, problems, &has_example);
    check_principals(config, problems);
    check_faults(config, problems);
    check_signing_key(config, problems);
    check_listen(config, problems, has_example);
    check_certificates(config, problems);
    check_upstream_ca(config, problems);
    check_endpoints(config, problems);
    check_status_and_admin(config, problems);
    check_distinct(config, problems);
    check_policies(config, problems);
}

void gw_config_check_readable(const struct gw_config *config, struct gw_config_problems *problems)
{
    const struct gw_script_options *policies = &config->policies;
    bool has_example = false;

    if (config->keys != NULL || config->keys_file.at != NULL)
        check_keys(config, problems, &has_example);
    check_principals(config, problems);
    check_faults(config, problems);
    check_signing_key(config, problems);
    check_listen(config, problems, has_example);
    check_certificates(config, problems);
    check_upstream_ca(config, problems);
    check_endpoints(config, problems);
    check_status_and_admin(config, problems);
    check_distinct(config, problems);
    if (policies->cpu_ms > 0 && policies->memory_bytes > 0 && policies->state_bytes > 0)
        check_policies(config, problems);
}
