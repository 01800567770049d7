/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the upstream is reached: deadlines, bounds, the proxy, whose certificates
 * are believed. What the settings leave open the environment says, in the
 * variables that curl, Go and AWS's tools read.
 */
#include "config/settings.h"
#include "upstream/proxy.h"

#define REPLY_HEAD_BYTES 65536 /* of the upstream's replies */

static void read_unsigned(const struct gw_settings *settings, enum gw_option_id id, unsigned *value)
{
    uint64_t number;

    if (gw_settings_integer(settings, id, &number))
        *value = (unsigned)number;
}

static void read_size(const struct gw_settings *settings, enum gw_option_id id, size_t *value)
{
    uint64_t number;

    if (gw_settings_integer(settings, id, &number))
        *value = (size_t)number;
}

/* The setting, where it is empty the first of the variables that isn't. */
static void read_or_variable(const struct gw_settings *settings, enum gw_option_id id, const char *const names[2],
                             struct gw_str *value)
{
    if (!gw_settings_text(settings, id, value) || value->at != NULL)
        return;
    for (size_t i = 0; i < 2 && value->length == 0; i++) {
        const char *text = gw_settings_variable(settings, names[i]);

        if (text != NULL && text[0] != '\0')
            *value = gw_arena_str(settings->arena, gw_str_from(text));
    }
}

/* What the proxy's URL holds may be a password: it isn't repeated. */
static void read_proxy(const struct gw_settings *settings, struct gw_upstream_options *pool)
{
    static const char *const proxies[2] = {"HTTPS_PROXY", "https_proxy"};
    static const char *const exceptions[2] = {"NO_PROXY", "no_proxy"};
    struct gw_upstream_proxy proxy;
    struct gw_err err;

    read_or_variable(settings, GW_OPTION_UPSTREAM_NO_PROXY, exceptions, &pool->no_proxy);
    read_or_variable(settings, GW_OPTION_UPSTREAM_PROXY, proxies, &pool->proxy);
    if (gw_str_is(pool->proxy, "none"))
        pool->proxy = GW_STR_NONE;
    if (pool->proxy.at == NULL)
        return;
    if (gw_upstream_proxy_parse(pool->proxy, &proxy, &err) != GW_OK)
        gw_settings_problem(settings, GW_OPTION_UPSTREAM_PROXY,
                            "the value (or HTTPS_PROXY) can't be read; accepted: %s",
                            gw_option_rows[GW_OPTION_UPSTREAM_PROXY].accepted);
}

static void read_ca_file(const struct gw_settings *settings, struct gw_str *path)
{
    const char *bundle = gw_settings_variable(settings, "AWS_CA_BUNDLE");

    if (!gw_settings_path(settings, GW_OPTION_UPSTREAM_CA_FILE, path) || path->at != NULL)
        return;
    if (bundle != NULL && bundle[0] != '\0')
        *path = gw_settings_resolve(settings->arena, settings->current_folder, gw_str_from(bundle));
}

void gw_settings_upstream_pool(const struct gw_settings *settings, struct gw_upstream_options *pool,
                               struct gw_str *ca_file)
{
    pool->reply_head_bytes = REPLY_HEAD_BYTES;
    (void)gw_settings_seconds(settings, GW_OPTION_UPSTREAM_CONNECT_TIMEOUT, &pool->connect_timeout_ms);
    (void)gw_settings_seconds(settings, GW_OPTION_UPSTREAM_WRITE_TIMEOUT, &pool->write_timeout_ms);
    (void)gw_settings_seconds(settings, GW_OPTION_UPSTREAM_FIRST_BYTE_TIMEOUT, &pool->first_byte_timeout_ms);
    (void)gw_settings_seconds(settings, GW_OPTION_UPSTREAM_TOTAL_TIMEOUT, &pool->total_timeout_ms);
    (void)gw_settings_seconds(settings, GW_OPTION_UPSTREAM_IDLE_TIMEOUT, &pool->idle_timeout_ms);
    (void)gw_settings_seconds(settings, GW_OPTION_UPSTREAM_BREAKER_TIME, &pool->breaker_open_ms);
    read_unsigned(settings, GW_OPTION_UPSTREAM_BREAKER_FAILURES, &pool->breaker_failures);
    read_size(settings, GW_OPTION_UPSTREAM_CONNECTIONS, &pool->connections_max);
    read_size(settings, GW_OPTION_UPSTREAM_WAITING, &pool->waiting_max);
    read_size(settings, GW_OPTION_UPSTREAM_REPLY_BYTES, &pool->reply_body_bytes);
    read_proxy(settings, pool);
    read_ca_file(settings, ca_file);
}
