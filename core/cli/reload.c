/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds new snapshots beside the running ones and swaps them only when all of
 * them are in order. Listeners, workers, data folder, and the sizes and deadlines
 * of the HTTP side stay as they were at the start.
 */
#include "cli/reload.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "script/smoke.h"
#include "script/spec.h"

struct gw_reload {
    const struct gw_config_source *source;
    struct gw_gateway *gateway;
    struct gw_certificates *certificates;
    size_t workers;
    bool is_public;
    char *region; /* of the start: the verifier accepts no other before a restart */
    bool audit;   /* of the start: the file is opened then, and nothing a reload reads takes it away */
    pthread_mutex_t lock;
    char *keys_file; /* NULL: keys are a table of the configuration */
    bool has_stamp;
    struct gw_keyring_stamp stamp; /* of the file as it was last looked at */
    _Atomic uint64_t done;
    _Atomic uint64_t failed;
    atomic_bool is_untidy;
};

static enum gw_status open_policies(void *ctx, struct gw_policy_counters *counters,
                                    const struct gw_policy_services *services, void **instance,
                                    const struct gw_policy_hooks **hooks, struct gw_err *err)
{
    struct gw_script_set *set = ctx;
    struct gw_script *script = NULL;
    enum gw_status status;

    status = gw_script_new(set, counters, services, &script, err);
    if (status != GW_OK)
        return status;
    *instance = script;
    *hooks = gw_script_hooks(script);
    return GW_OK;
}

static void close_policies(void *instance)
{
    struct gw_script *script = instance;

    gw_script_free(&script);
}

static void free_set(void *ctx)
{
    struct gw_script_set *set = ctx;

    gw_script_set_free(&set);
}

/* arena: nothing of it lies in the configuration, which goes before the settings do. */
static const struct gw_json *copy_json(const struct gw_json *from, struct gw_arena *arena)
{
    struct gw_json *copy = gw_arena_zero(arena, 1, sizeof(*copy));
    struct gw_buf text;
    struct gw_err err;

    gw_buf_init(&text, SIZE_MAX);
    gw_json_encode(from, &text);
    if (gw_json_parse(gw_buf_str(&text), arena, copy, &err) != GW_OK)
        gw_fatal("a cluster of the configuration: %s", err.text);
    gw_buf_fini(&text);
    return copy;
}

static void copy_clusters(const struct gw_config *config, struct gw_gateway_settings *settings)
{
    struct gw_gateway_cluster *clusters =
        gw_arena_zero(&settings->arena, config->cluster_count, sizeof(*settings->clusters));

    for (size_t i = 0; i < config->cluster_count; i++) {
        clusters[i].name = gw_arena_str(&settings->arena, config->clusters[i].name);
        clusters[i].has_mode = config->clusters[i].has_mode;
        clusters[i].mode = config->clusters[i].mode;
        clusters[i].given = copy_json(&config->clusters[i].given, &settings->arena);
    }
    settings->clusters = clusters;
    settings->cluster_count = config->cluster_count;
}

static bool has_endpoint(const void *ctx, struct gw_str name)
{
    const struct gw_config *config = ctx;

    for (size_t i = 0; i < config->endpoint_count; i++) {
        if (gw_str_equal(config->endpoints[i].name, name))
            return true;
    }
    return false;
}

static enum gw_status smoke_test(const struct gw_config *config, struct gw_script_set *set, struct gw_err *err)
{
    struct gw_smoke_place place = {.partition = config->partition,
                                   .account = config->account,
                                   .region = config->regions[0],
                                   .now_s = gw_clock_wall_ms(gw_clock_system()) / 1000,
                                   .has_endpoint = has_endpoint,
                                   .ctx = config};

    return config->policies_smoke_test ? gw_smoke_ask(set, &place, err) : GW_OK;
}

static enum gw_status self_test(const struct gw_config *config, const struct gw_script_set *set, struct gw_err *err)
{
    struct gw_spec_totals totals;
    enum gw_status status;

    if (!config->policies_self_test)
        return GW_OK;
    status = gw_spec_self_test(set, &totals, err);
    if (status == GW_OK && totals.without > 0)
        gw_log(GW_LOG_WARN, "policies", "%zu of %zu have no spec: nothing of them was tested", totals.without,
               gw_script_set_count(set));
    if (status == GW_OK)
        gw_log(GW_LOG_INFO, "policies", "%zu cases of their specs passed", totals.passed);
    return status;
}

enum gw_status gw_reload_policies(const struct gw_config *config, const struct gw_script_options *options,
                                  struct gw_script_set **set, struct gw_err *err)
{
    struct gw_script_set *fresh = NULL;
    struct gw_err why;
    enum gw_status status = gw_script_set_load(options, &fresh, err);

    if (status != GW_OK)
        return status;
    status = smoke_test(config, fresh, &why);
    if (status == GW_OK)
        status = self_test(config, fresh, &why);
    if (status == GW_OK) {
        *set = fresh;
        return GW_OK;
    }
    gw_script_set_free(&fresh);
    return gw_fail(err, status, "%s: %s", options == &config->shadow ? "shadow" : "policies", why.text);
}

/* Takes `set`. */
static struct gw_policy_source source_of(struct gw_script_set *set)
{
    return (struct gw_policy_source){.ctx = set,
                                     .free_ctx = free_set,
                                     .count = gw_script_set_count(set),
                                     .open = open_policies,
                                     .close = close_policies};
}

/* The policies, and those in the shadow where there are any. */
static enum gw_status open_sets(const struct gw_config *config, struct gw_gateway_settings *settings,
                                struct gw_err *err)
{
    struct gw_script_set *set = NULL;
    enum gw_status status = gw_reload_policies(config, &config->policies, &set, err);

    if (status != GW_OK)
        return status;
    settings->policies = source_of(set);
    if (config->policies.file_count == 0 && config->policies.default_allow)
        settings->policies.open = NULL; /* nobody to ask, and nobody needed */
    if (config->shadow.file_count == 0)
        return GW_OK;
    status = gw_reload_policies(config, &config->shadow, &set, err);
    if (status == GW_OK)
        settings->shadow = source_of(set);
    return status;
}

enum gw_status gw_reload_settings(const struct gw_config *config, size_t workers, struct gw_gateway_settings **settings,
                                  struct gw_err *err)
{
    struct gw_gateway_settings *fresh = gw_gateway_settings_new();
    enum gw_status status;

    fresh->partition = gw_arena_str(&fresh->arena, config->partition);
    fresh->account = gw_arena_str(&fresh->arena, config->account);
    fresh->region = gw_arena_str(&fresh->arena, config->regions[0]);
    copy_clusters(config, fresh);
    fresh->limits = config->limits;
    fresh->audit = config->audit_file.at != NULL;
    fresh->record_reads = config->audit_record == GW_CONFIG_RECORD_ALL;
    fresh->strangers_per_s = (unsigned)((config->audit_strangers_per_s + workers - 1) / workers);
    fresh->cors_headers = config->cors_headers && config->auth != GW_GATEWAY_AUTH_NONE;
    status = open_sets(config, fresh, err);
    if (status == GW_OK && config->endpoint_count > 0)
        status = gw_fetch_endpoints_new(config->endpoints, config->endpoint_count, &fresh->endpoints, err);
    if (status == GW_OK && config->principals.at != NULL) {
        status = gw_config_principals(config, &fresh->arena, &fresh->principals, err);
        fresh->has_principals = true;
    }
    if (status != GW_OK) {
        gw_gateway_settings_free(&fresh);
        return status;
    }
    *settings = fresh;
    return GW_OK;
}

/* Notes which file the keys come from and how it looks now. */
static void watch_keys(struct gw_reload *reload, const struct gw_config *config)
{
    free(reload->keys_file);
    reload->keys_file = config->keys_file.at == NULL ? NULL : gw_str_dup(config->keys_file);
    reload->has_stamp = reload->keys_file != NULL && gw_keyring_stamp(reload->keys_file, &reload->stamp) == GW_OK;
}

struct gw_reload *gw_reload_new(const struct gw_reload_start *start, struct gw_gateway *gateway)
{
    struct gw_reload *reload = gw_alloc_zero(1, sizeof(*reload));

    reload->source = start->source;
    reload->gateway = gateway;
    reload->certificates = start->certificates;
    reload->workers = start->workers;
    reload->is_public = start->is_public;
    reload->region = gw_str_dup(start->config->regions[0]);
    reload->audit = start->config->audit_file.at != NULL;
    (void)pthread_mutex_init(&reload->lock, NULL);
    watch_keys(reload, start->config);
    return reload;
}

void gw_reload_free(struct gw_reload **reload)
{
    struct gw_reload *r = *reload;

    if (r == NULL)
        return;
    *reload = NULL;
    (void)pthread_mutex_destroy(&r->lock);
    free(r->keys_file);
    free(r->region);
    free(r);
}

/* The rule that gw_config_check holds at the start, for keys that come later. */
static enum gw_status check_public(const struct gw_reload *reload, const struct gw_keyring *keyring, struct gw_err *err)
{
    if (!reload->is_public || !gw_keyring_has_example(keyring))
        return GW_OK;
    return gw_fail(
        err, GW_E_DENIED,
        "keys: holds a key that AWS has published as an example, and a listener can be reached from outside; "
        "example keys are for loopback and unix sockets");
}

/* Everything new, or nothing. */
static enum gw_status load_all(struct gw_reload *reload, uint64_t *generation, struct gw_config_problems *problems)
{
    struct gw_config *config = NULL;
    struct gw_gateway_settings *settings = NULL;
    struct gw_keyring *keyring = NULL;
    struct gw_err err = {""};
    enum gw_status status = gw_config_load(reload->source, &config, problems);

    if (status != GW_OK)
        goto out;
    gw_config_check(config, problems);
    if (problems->count > 0) {
        status = GW_E_SYNTAX;
        goto out;
    }
    status = gw_reload_settings(config, reload->workers, &settings, &err);
    if (status == GW_OK)
        status = gw_config_keyring(config, &keyring, &err);
    if (status == GW_OK)
        status = check_public(reload, keyring, &err);
    if (status == GW_OK)
        status = gw_certificates_prepare(reload->certificates, config, &err);
    if (status != GW_OK) {
        gw_config_problem(problems, "%s", err.text);
        goto out;
    }
    settings->region = gw_arena_str(&settings->arena, gw_str_from(reload->region));
    settings->audit = reload->audit;
    watch_keys(reload, config);
    gw_certificates_apply(reload->certificates, true);
    *generation = gw_gateway_apply(reload->gateway, &settings);
    gw_gateway_set_keyring(reload->gateway, &keyring);
    if (gw_gateway_make_clusters(reload->gateway, &err) != GW_OK)
        gw_log(GW_LOG_ERROR, "reload", "%s; everything else was taken up", err.text);
out:
    gw_certificates_apply(reload->certificates, false);
    gw_gateway_settings_free(&settings);
    gw_keyring_free(&keyring);
    gw_config_free(&config);
    return status;
}

static void log_problems(struct gw_str text)
{
    struct gw_str rest = text;

    while (rest.at != NULL) {
        struct gw_str line = gw_str_split(&rest, '\n');

        if (line.length > 0)
            gw_log(GW_LOG_ERROR, "reload", "%.*s", GW_STR_ARG(line));
    }
    gw_log(GW_LOG_ERROR, "reload", "nothing was taken up; the old state stays");
}

enum gw_status gw_reload_all(struct gw_reload *reload, struct gw_buf *problems)
{
    struct gw_config_problems found;
    uint64_t generation;
    enum gw_status status;

    gw_config_problems_init(&found);
    (void)pthread_mutex_lock(&reload->lock);
    status = load_all(reload, &generation, &found);
    (void)pthread_mutex_unlock(&reload->lock);
    atomic_store(&reload->is_untidy, true);
    if (status == GW_OK) {
        atomic_fetch_add(&reload->done, 1);
        gw_log(GW_LOG_INFO, "reload", "configuration, keys, certificates and policies taken up: generation %llu",
               (unsigned long long)generation);
    } else {
        atomic_fetch_add(&reload->failed, 1);
        log_problems(gw_buf_str(&found.text));
        gw_buf_append_str(problems, gw_buf_str(&found.text));
    }
    gw_config_problems_fini(&found);
    return status;
}

static void look_at_certificates(struct gw_reload *reload)
{
    size_t taken_up;
    size_t failed;

    gw_certificates_look(reload->certificates, &taken_up, &failed);
    atomic_fetch_add(&reload->done, taken_up);
    atomic_fetch_add(&reload->failed, failed);
}

static void look_at_keys(struct gw_reload *reload)
{
    struct gw_keyring *keyring = NULL;
    struct gw_keyring_stamp stamp;
    struct gw_err err;

    if (reload->keys_file == NULL)
        return;
    if (gw_keyring_stamp(reload->keys_file, &stamp) != GW_OK) {
        if (reload->has_stamp)
            gw_log(GW_LOG_WARN, "keys", "%s: can't be looked at any more; the old keys stay", reload->keys_file);
        reload->has_stamp = false;
        return;
    }
    if (reload->has_stamp && memcmp(&stamp, &reload->stamp, sizeof(stamp)) == 0)
        return;
    reload->stamp = stamp;
    reload->has_stamp = true;
    if (gw_keyring_load(reload->keys_file, &keyring, &err) != GW_OK || check_public(reload, keyring, &err) != GW_OK) {
        gw_keyring_free(&keyring);
        atomic_fetch_add(&reload->failed, 1);
        gw_log(GW_LOG_ERROR, "keys", "%s; the old keys stay", err.text);
        return;
    }
    atomic_fetch_add(&reload->done, 1);
    gw_log(GW_LOG_INFO, "keys", "%zu keys taken up from %s", gw_keyring_count(keyring), reload->keys_file);
    gw_gateway_set_keyring(reload->gateway, &keyring);
}

void gw_reload_files_if_changed(struct gw_reload *reload)
{
    (void)pthread_mutex_lock(&reload->lock);
    look_at_keys(reload);
    look_at_certificates(reload);
    (void)pthread_mutex_unlock(&reload->lock);
}

/* Settings, sets and states come and go between what stays: without this the pages that they leave free in between are
 * kept, and there are more of them with each reload. */
void gw_reload_tidy(struct gw_reload *reload)
{
    if (!atomic_exchange(&reload->is_untidy, false))
        return;
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

void gw_reload_counts(struct gw_reload *reload, uint64_t *done, uint64_t *failed)
{
    *done = atomic_load(&reload->done);
    *failed = atomic_load(&reload->failed);
}
