/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From settings to the option structs of the rooms. Every setting is read, also
 * after one was wrong, so that all problems are listed. Rules that concern one
 * setting, or two without looking at the world, are here; what must be opened or
 * resolved to be judged is in check.c.
 */
#include "config/config.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/settings.h"

#define ANY_REGION_DEFAULT "us-east-1"

static void refuse(const struct gw_settings *settings, enum gw_option_id id, struct gw_str value)
{
    gw_settings_problem(settings, id, "is \"%.*s\"; accepted: %s", value.length > 80 ? 80 : (int)value.length, value.at,
                        gw_option_rows[id].accepted);
}

static void read_size(const struct gw_settings *settings, enum gw_option_id id, size_t *size)
{
    uint64_t value;

    if (gw_settings_integer(settings, id, &value))
        *size = (size_t)value;
}

static void read_unsigned(const struct gw_settings *settings, enum gw_option_id id, unsigned *number)
{
    uint64_t value;

    if (gw_settings_integer(settings, id, &value))
        *number = (unsigned)value; /* every such row's upper bound fits */
}

/* Readers report; a setting that couldn't be read keeps its zero, and the configuration is dropped in the end. */
static void read_text(const struct gw_settings *settings, enum gw_option_id id, struct gw_str *value)
{
    (void)gw_settings_text(settings, id, value);
}

static void read_seconds(const struct gw_settings *settings, enum gw_option_id id, unsigned *milliseconds)
{
    (void)gw_settings_seconds(settings, id, milliseconds);
}

static void read_boolean(const struct gw_settings *settings, enum gw_option_id id, bool *value)
{
    (void)gw_settings_boolean(settings, id, value);
}

/* "unix:run/socket" gets its folder; other addresses stay. */
static struct gw_str resolve_address(const struct gw_settings *settings, enum gw_option_id id, struct gw_str address)
{
    struct gw_str path = gw_str_slice(address, 5, address.length);

    if (!gw_str_starts(address, GW_STR("unix:")) || path.length == 0 || path.at[0] == '/')
        return address;
    path = gw_settings_resolve(settings->arena, settings->given[id].folder, path);
    return gw_arena_printf(settings->arena, "unix:%.*s", GW_STR_ARG(path));
}

static void read_unix_mode(const struct gw_settings *settings, unsigned *mode)
{
    struct gw_str text = GW_STR_NONE;
    unsigned bits = 0;

    if (!gw_settings_text(settings, GW_OPTION_UNIX_MODE, &text))
        return;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '7')
            bits = 07777;
        bits = bits << 3 | (unsigned)(text.at[i] - '0');
    }
    if (text.length < 3 || text.length > 4 || bits > 0777)
        refuse(settings, GW_OPTION_UNIX_MODE, text);
    else
        *mode = bits;
}

static void read_workers(const struct gw_settings *settings, unsigned *workers)
{
    const struct gw_given *given = &settings->given[GW_OPTION_WORKERS];
    uint64_t number = 0;

    if (given->json == NULL && gw_str_is(given->text, "auto"))
        return;
    if (given->json != NULL && given->json->type == GW_JSON_INTEGER && given->json->as.integer > 0)
        number = (uint64_t)given->json->as.integer;
    else if (given->json == NULL && gw_str_parse_u64(given->text, 256, &number) != GW_OK)
        number = 0;
    if (number < 1 || number > 256)
        gw_settings_problem(settings, GW_OPTION_WORKERS, "is no such number; accepted: %s",
                            gw_option_rows[GW_OPTION_WORKERS].accepted);
    else
        *workers = (unsigned)number;
}

/* A name of a host, with or without a port, as in a Host header. */
static bool is_host(struct gw_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] <= ' ' || text.at[i] >= 0x7f || memchr("/\\@?#,\"", text.at[i], 7) != NULL)
            return false;
    }
    return text.length <= 260;
}

static void fill_admin(const struct gw_settings *settings, struct gw_config *config)
{
    read_text(settings, GW_OPTION_STATUS, &config->status);
    config->status = resolve_address(settings, GW_OPTION_STATUS, config->status);
    read_text(settings, GW_OPTION_ADMIN, &config->admin);
    config->admin = resolve_address(settings, GW_OPTION_ADMIN, config->admin);
    read_text(settings, GW_OPTION_ADMIN_TOKEN, &config->admin_token);
    (void)gw_settings_path(settings, GW_OPTION_ADMIN_TOKEN_FILE, &config->admin_token_file);
    if (config->admin_token.at != NULL && config->admin_token_file.at != NULL)
        gw_settings_problem(settings, GW_OPTION_ADMIN_TOKEN_FILE,
                            "there is an admin_token already; one of the two is accepted");
}

static void fill_listeners(const struct gw_settings *settings, struct gw_config *config)
{
    struct gw_config_listener *listeners;
    size_t count;

    if (gw_settings_listeners(settings, &listeners, &count)) {
        for (size_t i = 0; i < count; i++)
            listeners[i].address = resolve_address(settings, GW_OPTION_LISTEN, listeners[i].address);
        config->listen = listeners;
        config->listen_count = count;
        if (config->listen_count == 0)
            gw_settings_problem(settings, GW_OPTION_LISTEN, "is empty; accepted: a list of %s",
                                gw_option_rows[GW_OPTION_LISTEN].accepted);
    }
    fill_admin(settings, config);
    (void)gw_settings_texts(settings, GW_OPTION_HOSTS, &config->hosts, &config->host_count);
    for (size_t i = 0; i < config->host_count; i++) {
        if (!is_host(config->hosts[i]))
            refuse(settings, GW_OPTION_HOSTS, config->hosts[i]);
    }
    read_workers(settings, &config->workers);
    read_unix_mode(settings, &config->unix_mode);
}

static bool is_region(struct gw_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.at[i];

        if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') && byte != '-')
            return false;
    }
    return text.length > 0 && text.length <= 64;
}

/* Where nobody signs, nothing in a request says which region is meant: what SDKs go by does, unless it is configured.
 */
static void take_region_of_process(const struct gw_settings *settings, struct gw_config *config)
{
    const struct gw_given *given = &settings->given[GW_OPTION_REGION];
    const char *name = gw_settings_variable(settings, "AWS_REGION");
    bool is_preset = given->text.at != NULL && given->text.at == gw_option_preset(GW_OPTION_REGION, settings->is_mock);
    struct gw_str *region;

    if (name == NULL || name[0] == '\0')
        name = gw_settings_variable(settings, "AWS_DEFAULT_REGION");
    if (name == NULL || name[0] == '\0' || (!is_preset && !config->any_region))
        return;
    region = gw_arena_zero(settings->arena, 1, sizeof(*region));
    *region = gw_arena_str(settings->arena, gw_str_from(name));
    if (!is_region(*region)) {
        gw_settings_problem(settings, GW_OPTION_REGION, "isn't set, and $AWS_REGION is no region name");
        return;
    }
    config->regions = region;
    config->region_count = 1;
}

static void fill_regions(const struct gw_settings *settings, struct gw_config *config)
{
    static const struct gw_str any[] = {GW_STR_INIT(ANY_REGION_DEFAULT)};

    if (!gw_settings_texts(settings, GW_OPTION_REGION, &config->regions, &config->region_count))
        return;
    if (config->region_count == 1 && gw_str_is(config->regions[0], "*")) {
        config->any_region = true;
        config->regions = any;
        return;
    }
    for (size_t i = 0; i < config->region_count; i++) {
        if (!is_region(config->regions[i]))
            refuse(settings, GW_OPTION_REGION, config->regions[i]);
    }
    if (config->region_count == 0)
        refuse(settings, GW_OPTION_REGION, GW_STR(""));
}

static void fill_auth(const struct gw_settings *settings, struct gw_config *config)
{
    struct gw_str word = GW_STR_NONE;
    struct gw_str caller = GW_STR_NONE;

    read_text(settings, GW_OPTION_AUTH, &word);
    read_text(settings, GW_OPTION_CALLER, &caller);
    if (caller.at != NULL && gw_arn_parse_principal(caller, &config->caller) != GW_OK)
        refuse(settings, GW_OPTION_CALLER, caller);
    if (gw_str_is(word, "upstream"))
        config->auth = GW_GATEWAY_AUTH_UPSTREAM;
    if (gw_str_is(word, "none")) {
        config->auth = GW_GATEWAY_AUTH_NONE;
        if (config->account.at == NULL && settings->given[GW_OPTION_ACCOUNT].json == NULL)
            config->account = config->caller.account;
        take_region_of_process(settings, config);
    }
    if (config->auth == GW_GATEWAY_AUTH_NONE && caller.at == NULL && settings->given[GW_OPTION_CALLER].json == NULL)
        gw_settings_problem(settings, GW_OPTION_CALLER, "is missing, and auth is none; accepted: %s",
                            gw_option_rows[GW_OPTION_CALLER].accepted);
    else if (config->auth != GW_GATEWAY_AUTH_NONE && caller.at != NULL && word.at != NULL)
        gw_settings_problem(settings, GW_OPTION_CALLER, "is for auth = \"none\"; leave it out");
}

static void fill_identity(const struct gw_settings *settings, struct gw_config *config)
{
    (void)gw_settings_path(settings, GW_OPTION_DATA, &config->data);
    if (config->data.at == NULL && settings->given[GW_OPTION_DATA].json == NULL)
        refuse(settings, GW_OPTION_DATA, GW_STR(""));
    read_text(settings, GW_OPTION_PARTITION, &config->partition);
    if (!gw_arn_is_partition(config->partition) && settings->given[GW_OPTION_PARTITION].json == NULL)
        refuse(settings, GW_OPTION_PARTITION, config->partition);
    read_text(settings, GW_OPTION_ACCOUNT, &config->account);
    if (config->account.at != NULL && !gw_arn_is_account(config->account))
        refuse(settings, GW_OPTION_ACCOUNT, config->account);
    fill_regions(settings, config);
    fill_auth(settings, config);
    if (gw_settings_clusters(settings, config) && config->cluster_count > 0 && config->account.at == NULL &&
        settings->given[GW_OPTION_ACCOUNT].json == NULL)
        gw_settings_problem(settings, GW_OPTION_ACCOUNT, "is missing, and there are clusters; accepted: %s",
                            gw_option_rows[GW_OPTION_ACCOUNT].accepted);
}

static void fill_keys(const struct gw_settings *settings, struct gw_config *config)
{
    const struct gw_given *given = &settings->given[GW_OPTION_KEYS];
    static const struct gw_json none = {.type = GW_JSON_ARRAY};

    (void)gw_settings_path(settings, GW_OPTION_PRINCIPALS, &config->principals);
    if (given->json == NULL)
        (void)gw_settings_path(settings, GW_OPTION_KEYS, &config->keys_file);
    else if (given->json->type == GW_JSON_ARRAY)
        config->keys = given->json;
    else if (given->json->type == GW_JSON_OBJECT && given->json->as.object.count == 0)
        config->keys = &none;
    else
        gw_settings_problem(settings, GW_OPTION_KEYS, "is of type %s; accepted: %s",
                            gw_json_type_name(given->json->type), gw_option_rows[GW_OPTION_KEYS].accepted);
}

static bool is_block(struct gw_str address, struct gw_str bits, int family, uint64_t most)
{
    unsigned char bytes[16];
    char text[64];
    uint64_t number;

    if (address.length >= sizeof(text))
        return false;
    (void)snprintf(text, sizeof(text), "%.*s", GW_STR_ARG(address));
    return inet_pton(family, text, bytes) == 1 && (bits.at == NULL || gw_str_parse_u64(bits, most, &number) == GW_OK);
}

/* "10.0.0.0/8" stays, "10.0.0.1" becomes "10.0.0.1/32". */
static void fill_proxies(const struct gw_settings *settings, struct gw_server_options *http)
{
    const struct gw_str *items = NULL;
    struct gw_str *blocks;

    if (!gw_settings_texts(settings, GW_OPTION_HTTP_TRUSTED_PROXIES, &items, &http->trusted_proxy_count))
        return;
    blocks = gw_arena_zero(settings->arena, http->trusted_proxy_count, sizeof(*blocks));
    for (size_t i = 0; i < http->trusted_proxy_count; i++) {
        struct gw_str bits = items[i];
        struct gw_str address = gw_str_split(&bits, '/');
        bool four = is_block(address, bits, AF_INET, 32);

        if (!four && !is_block(address, bits, AF_INET6, 128))
            refuse(settings, GW_OPTION_HTTP_TRUSTED_PROXIES, items[i]);
        blocks[i] = bits.at != NULL ? items[i]
                                    : gw_arena_printf(settings->arena, "%.*s/%d", GW_STR_ARG(address), four ? 32 : 128);
    }
    http->trusted_proxies = blocks;
}

static void fill_http(const struct gw_settings *settings, struct gw_config *config)
{
    struct gw_server_options *http = &config->http;

    read_size(settings, GW_OPTION_HTTP_HEAD_BYTES, &http->limits.head_bytes);
    read_size(settings, GW_OPTION_HTTP_HEADERS, &http->limits.headers);
    read_size(settings, GW_OPTION_HTTP_BODY_BYTES, &http->limits.body_bytes);
    read_size(settings, GW_OPTION_HTTP_CONNECTIONS, &http->connections_max);
    read_seconds(settings, GW_OPTION_HTTP_HEAD_TIMEOUT, &http->head_timeout_ms);
    read_seconds(settings, GW_OPTION_HTTP_BODY_TIMEOUT, &http->body_timeout_ms);
    read_seconds(settings, GW_OPTION_HTTP_REPLY_TIMEOUT, &http->reply_timeout_ms);
    read_seconds(settings, GW_OPTION_HTTP_IDLE_TIMEOUT, &http->idle_timeout_ms);
    read_boolean(settings, GW_OPTION_HTTP_CORS_HEADERS, &config->cors_headers);
    read_boolean(settings, GW_OPTION_HTTP_PROXY_PROTOCOL, &http->proxy_protocol);
    fill_proxies(settings, http);
    if (http->proxy_protocol && http->trusted_proxy_count == 0 &&
        settings->given[GW_OPTION_HTTP_TRUSTED_PROXIES].json == NULL)
        gw_settings_problem(settings, GW_OPTION_HTTP_PROXY_PROTOCOL,
                            "needs http.trusted_proxies: the addresses whose PROXY header is believed");
}

/* Lower-case tokens that begin with x-amz-; the date is what the clock window is about and stays signed. */
static bool is_unsigned_header(struct gw_str name)
{
    for (size_t i = 0; i < name.length; i++) {
        char byte = name.at[i];

        if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') && byte != '-')
            return false;
    }
    return gw_str_starts(name, GW_STR("x-amz-")) && name.length > 6 && !gw_str_is(name, "x-amz-date");
}

static void fill_sigv4(const struct gw_settings *settings, struct gw_config *config)
{
    struct gw_verify_options *verify = &config->verify;

    verify->regions = config->regions;
    verify->region_count = config->any_region ? 0 : config->region_count;
    read_unsigned(settings, GW_OPTION_SIGV4_CLOCK_WINDOW, &verify->clock_window_s);
    read_boolean(settings, GW_OPTION_SIGV4_QUERY_AUTH, &verify->query_auth);
    read_unsigned(settings, GW_OPTION_SIGV4_QUERY_EXPIRES_MAX, &verify->query_expires_max_s);
    (void)gw_settings_texts(settings, GW_OPTION_SIGV4_UNSIGNED_HEADERS, &verify->unsigned_headers,
                            &verify->unsigned_header_count);
    for (size_t i = 0; i < verify->unsigned_header_count; i++) {
        if (!is_unsigned_header(verify->unsigned_headers[i]))
            refuse(settings, GW_OPTION_SIGV4_UNSIGNED_HEADERS, verify->unsigned_headers[i]);
    }
}

static void fill_limits(const struct gw_settings *settings, struct gw_config *config)
{
    uint64_t age;

    read_size(settings, GW_OPTION_LIMITS_ENTRIES_PER_CLUSTER, &config->limits.entries_per_cluster);
    read_size(settings, GW_OPTION_LIMITS_GROUPS_PER_ENTRY, &config->limits.groups_per_entry);
    read_size(settings, GW_OPTION_LIMITS_POLICIES_PER_ENTRY, &config->limits.policies_per_entry);
    read_size(settings, GW_OPTION_LIMITS_CLUSTERS, &config->limits.clusters);
    read_size(settings, GW_OPTION_LIMITS_TOKENS, &config->store.tokens_max);
    read_size(settings, GW_OPTION_LIMITS_TOKENS_PER_ENTRY, &config->store.tokens_per_entry_max);
    if (gw_settings_integer(settings, GW_OPTION_LIMITS_TOKEN_AGE, &age))
        config->store.token_age_ms = (int64_t)age * 1000;
    read_size(settings, GW_OPTION_COMMIT_QUEUE, &config->commit_queue_max);
    read_seconds(settings, GW_OPTION_COMMIT_QUEUE_AGE, &config->commit_queue_age_ms);
}

static bool holds_library(struct gw_str folder)
{
    char path[PATH_MAX + 16];

    (void)snprintf(path, sizeof(path), "%.*s/eksgate", GW_STR_ARG(folder));
    return access(path, X_OK) == 0;
}

/* The runtime library that belongs to this program: as installed, else of the source tree around build/PRESET/. */
static struct gw_str find_library(struct gw_arena *arena)
{
    static const char *const places[] = {"/../share/eksgate/lua", "/../../lua"};
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program));

    while (length > 0 && program[length - 1] != '/')
        length--;
    for (size_t i = 0; length > 0 && i < GW_COUNT(places); i++) {
        struct gw_str folder = gw_arena_printf(arena, "%.*s%s", (int)length - 1, program, places[i]);
        char real[PATH_MAX];

        if (holds_library(folder) && realpath(folder.at, real) != NULL)
            return gw_arena_str(arena, gw_str_from(real));
    }
    return GW_STR("");
}

/* Faults are a mock's: elsewhere a policy that has such a hook is refused. */
static void fill_faults(struct gw_arena *arena, struct gw_config *config)
{
    struct gw_str *errors = gw_arena_zero(arena, GW_EKS_ERROR_COUNT, sizeof(*errors));

    for (size_t i = 0; i < GW_EKS_ERROR_COUNT; i++)
        errors[i] = gw_str_from(gw_eks_error_name((enum gw_eks_error_code)i));
    config->policies.allow_faults = config->is_mock;
    config->policies.known_errors = errors;
    config->policies.known_error_count = GW_EKS_ERROR_COUNT;
}

static void fill_policies(const struct gw_settings *settings, struct gw_config *config)
{
    struct gw_script_options *policies = &config->policies;
    struct gw_str *operations = gw_arena_zero(settings->arena, GW_EKS_OP_COUNT, sizeof(*operations));
    struct gw_str word = GW_STR_NONE;
    struct gw_str library = GW_STR_NONE;
    uint64_t cpu_ms;

    for (size_t i = 0; i < GW_EKS_OP_COUNT; i++)
        operations[i] = gw_str_from(gw_eks_ops[i].name);
    policies->known_operations = operations;
    policies->known_operation_count = GW_EKS_OP_COUNT;
    policies->known_members = gw_eks_member_names;
    policies->known_member_count = gw_eks_member_name_count;
    fill_faults(settings->arena, config);
    (void)gw_settings_texts(settings, GW_OPTION_POLICIES, &policies->files, &policies->file_count);
    read_boolean(settings, GW_OPTION_POLICIES_SELF_TEST, &config->policies_self_test);
    read_boolean(settings, GW_OPTION_POLICIES_SMOKE_TEST, &config->policies_smoke_test);
    read_text(settings, GW_OPTION_DEFAULT_VERDICT, &word);
    policies->default_allow = gw_str_is(word, "allow");
    policies->is_pass_through = config->auth == GW_GATEWAY_AUTH_UPSTREAM;
    if (gw_settings_integer(settings, GW_OPTION_POLICY_CPU_MS, &cpu_ms))
        policies->cpu_ms = cpu_ms;
    read_size(settings, GW_OPTION_POLICY_MEMORY_BYTES, &policies->memory_bytes);
    read_size(settings, GW_OPTION_POLICY_STATE_BYTES, &policies->state_bytes);
    (void)gw_settings_path(settings, GW_OPTION_POLICY_LIBRARY, &library);
    policies->library = library.at != NULL ? library.at : find_library(settings->arena).at;
    config->shadow = *policies;
    config->shadow.cpu_ms = GW_SHADOW_CPU_MS < policies->cpu_ms ? GW_SHADOW_CPU_MS : policies->cpu_ms;
    config->shadow.files = NULL;
    config->shadow.file_count = 0;
    (void)gw_settings_texts(settings, GW_OPTION_SHADOW, &config->shadow.files, &config->shadow.file_count);
}

/* A file below `data`. */
static void read_data_file(const struct gw_settings *settings, const struct gw_config *config, enum gw_option_id id,
                           struct gw_str *path)
{
    read_text(settings, id, path);
    if (path->at != NULL && !(id == GW_OPTION_AUDIT_FILE && gw_str_is(*path, "-")))
        *path = gw_settings_resolve(settings->arena, config->data, *path);
}

static void fill_store(const struct gw_settings *settings, struct gw_config *config)
{
    struct gw_str driver = GW_STR_NONE;

    read_text(settings, GW_OPTION_STORE_DRIVER, &driver);
    read_seconds(settings, GW_OPTION_STORE_BUSY_TIMEOUT, &config->store_busy_ms);
    read_data_file(settings, config, GW_OPTION_STORE_FILE, &config->store_file);
    config->store_is_durable = gw_str_is(driver, "sqlite") && config->mode != GW_GATEWAY_PROXY;
    if (!config->store_is_durable)
        config->store_file = GW_STR_NONE;
    else if (config->store_file.at == NULL && settings->given[GW_OPTION_STORE_FILE].json == NULL)
        refuse(settings, GW_OPTION_STORE_FILE, GW_STR(""));
}

static void fill_audit(const struct gw_settings *settings, struct gw_config *config)
{
    struct gw_str word = GW_STR_NONE;

    read_data_file(settings, config, GW_OPTION_AUDIT_FILE, &config->audit_file);
    read_boolean(settings, GW_OPTION_AUDIT_DURABLE, &config->audit_durable);
    (void)gw_settings_integer(settings, GW_OPTION_AUDIT_MAX_SIZE, &config->audit_max_size);
    (void)gw_settings_path(settings, GW_OPTION_AUDIT_SIGNING_KEY, &config->audit_signing_key);
    read_text(settings, GW_OPTION_AUDIT_RECORD, &word);
    config->audit_record = gw_str_is(word, "all") ? GW_CONFIG_RECORD_ALL : GW_CONFIG_RECORD_CHANGES;
    read_unsigned(settings, GW_OPTION_AUDIT_STRANGERS, &config->audit_strangers_per_s);
}

static void fill(const struct gw_settings *settings, struct gw_config *config)
{
    struct gw_str *origins = gw_arena_zero(settings->arena, GW_OPTION_COUNT, sizeof(*origins));

    for (size_t i = 0; i < GW_OPTION_COUNT; i++)
        origins[i] = settings->given[i].source;
    config->origins = origins;
    fill_listeners(settings, config);
    fill_identity(settings, config);
    fill_keys(settings, config);
    fill_policies(settings, config);
    (void)gw_settings_endpoints(settings, config);
    gw_settings_credentials(settings, config);
    gw_settings_upstream(settings, config);
    fill_store(settings, config);
    fill_audit(settings, config);
    fill_http(settings, config);
    fill_sigv4(settings, config);
    fill_limits(settings, config);
    gw_settings_upstream_pool(settings, &config->upstream_pool, &config->upstream_ca_file);
    gw_settings_mock(settings, config);
    read_seconds(settings, GW_OPTION_DRAIN_TIMEOUT, &config->drain_timeout_ms);
    read_text(settings, GW_OPTION_LOG_LEVEL, &config->log_level);
}

enum gw_status gw_config_load(const struct gw_config_source *source, struct gw_config **config,
                              struct gw_config_problems *problems)
{
    struct gw_config *made = gw_alloc_zero(1, sizeof(*made));
    struct gw_settings settings = {.arena = &made->arena, .problems = problems};
    size_t before = problems->count;

    gw_arena_init(&made->arena, (size_t)16 << 10);
    made->is_mock = source->is_mock;
    made->source = gw_settings_collect(&settings, source);
    fill(&settings, made);
    if (problems->count > before) {
        gw_config_check_readable(made, problems);
        gw_config_free(&made);
        return GW_E_SYNTAX;
    }
    *config = made;
    return GW_OK;
}

enum gw_status gw_config_load_admin(const struct gw_config_source *source, struct gw_config **config,
                                    struct gw_config_problems *problems)
{
    struct gw_config *made = gw_alloc_zero(1, sizeof(*made));
    struct gw_config_problems elsewhere;
    struct gw_settings settings = {.arena = &made->arena, .problems = &elsewhere};
    size_t before = problems->count;

    gw_config_problems_init(&elsewhere);
    gw_arena_init(&made->arena, 0);
    made->source = gw_settings_collect(&settings, source);
    settings.problems = problems;
    fill_admin(&settings, made);
    if (made->admin.at == NULL && made->status.at == NULL && elsewhere.count > 0) {
        gw_buf_append_str(&problems->text, gw_buf_str(&elsewhere.text));
        problems->count += elsewhere.count;
    }
    gw_config_problems_fini(&elsewhere);
    if (problems->count > before) {
        gw_config_free(&made);
        return GW_E_SYNTAX;
    }
    *config = made;
    return GW_OK;
}

void gw_config_free(struct gw_config **config)
{
    if (*config == NULL)
        return;
    gw_arena_wipe(&(*config)->arena);
    free(*config);
    *config = NULL;
}
