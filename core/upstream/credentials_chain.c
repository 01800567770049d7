/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order, the environment, and requests as providers write them. No message
 * holds anything of a secret: variables and files are named, values aren't.
 */
#include "upstream/credentials_chain.h"

#include "base/file.h"
#include "codec/time.h"
#include "net/client.h"
#include "upstream/credentials_files.h"
#include "upstream/proxy.h"

#define TLS_SHARED_MS 60000

static const struct {
    const char *name;
    enum gw_status (*find)(struct gw_chain *chain, struct gw_chain_found *found, struct gw_err *err);
} providers[] = {
    {"environment", gw_chain_environment}, {"profile", gw_chain_profile}, {"web identity", gw_chain_web_identity},
    {"container", gw_chain_container},     {"imds", gw_chain_imds},
};

void gw_chain_init(struct gw_chain *chain, const struct gw_chain_world *world, struct gw_buf *report)
{
    *chain = (struct gw_chain){.world = world, .report = report};
    gw_arena_init(&chain->arena, 0);
}

void gw_chain_fini(struct gw_chain *chain)
{
    gw_tls_context_release(&chain->tls);
    gw_arena_wipe(&chain->arena);
}

struct gw_str gw_chain_variable(const struct gw_chain *chain, const char *name)
{
    char *const *at = chain->world->options->environment;
    size_t length = strlen(name);

    for (; at != NULL && *at != NULL; at++) {
        if (strncmp(*at, name, length) == 0 && (*at)[length] == '=')
            return (*at)[length + 1] != '\0' ? gw_str_from(*at + length + 1) : GW_STR_NONE;
    }
    return GW_STR_NONE;
}

struct gw_str gw_chain_region(struct gw_chain *chain)
{
    struct gw_str region = gw_chain_variable(chain, "AWS_REGION");

    if (region.at == NULL)
        region = gw_chain_variable(chain, "AWS_DEFAULT_REGION");
    if (region.at == NULL)
        region = gw_chain_profile_setting(chain, "region");
    return region.length > 0 ? region : chain->world->options->region;
}

static bool is_expired(const struct gw_chain *chain, const struct gw_aws_keys *keys)
{
    return keys->expires_ms <= gw_clock_wall_ms(chain->world->options->clock);
}

enum gw_status gw_chain_environment(struct gw_chain *chain, struct gw_chain_found *found, struct gw_err *err)
{
    struct gw_aws_keys keys = {.access_key = gw_chain_variable(chain, "AWS_ACCESS_KEY_ID"),
                               .secret_access_key = gw_chain_variable(chain, "AWS_SECRET_ACCESS_KEY"),
                               .session_token = gw_chain_variable(chain, "AWS_SESSION_TOKEN"),
                               .expires_ms = GW_AWS_KEYS_NEVER};
    struct gw_str until = gw_chain_variable(chain, "AWS_CREDENTIAL_EXPIRATION");
    struct gw_err why;

    if (keys.access_key.at == NULL && keys.secret_access_key.at == NULL)
        return gw_fail(err, GW_E_MISSING, "AWS_ACCESS_KEY_ID isn't set");
    if (keys.access_key.at == NULL || keys.secret_access_key.at == NULL)
        return gw_fail(err, GW_E_SYNTAX, "%s isn't set, but its fellow is",
                       keys.access_key.at == NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY");
    if (until.at != NULL && gw_time_parse_iso(until, &keys.expires_ms) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "AWS_CREDENTIAL_EXPIRATION is not a time such as 2026-01-01T00:00:00Z");
    if (gw_aws_keys_check(&keys, &why) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "%s", why.text);
    found->keys = keys;
    found->provider = GW_STR("environment");
    return GW_OK;
}

static enum gw_status find_fixed(const struct gw_credentials_options *options, struct gw_chain_found *found,
                                 struct gw_err *err)
{
    struct gw_err why;

    found->keys = (struct gw_aws_keys){.access_key = options->fixed->access_key,
                                       .secret_access_key = options->fixed->secret_access_key,
                                       .session_token = options->fixed->session_token,
                                       .expires_ms = GW_AWS_KEYS_NEVER};
    found->provider = GW_STR("configuration");
    if (gw_aws_keys_check(&found->keys, &why) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "configuration: %s", why.text);
    return GW_OK;
}

static enum gw_status check_expiry(struct gw_chain *chain, const struct gw_chain_found *found, struct gw_err *err)
{
    char when[21];

    if (!is_expired(chain, &found->keys))
        return GW_OK;
    gw_time_iso_seconds(found->keys.expires_ms, when);
    return gw_fail(err, GW_E_STALE, "gave credentials that expired at %s", when);
}

enum gw_status gw_chain_find(struct gw_chain *chain, struct gw_chain_found *found, struct gw_err *err)
{
    if (chain->world->options->fixed != NULL)
        return find_fixed(chain->world->options, found, err);
    for (size_t i = 0; i < GW_COUNT(providers); i++) {
        struct gw_err why = {""};
        enum gw_status status = providers[i].find(chain, found, &why);

        if (status == GW_OK)
            status = check_expiry(chain, found, &why);
        if (status == GW_OK)
            return GW_OK;
        if (chain->report != NULL)
            gw_buf_printf(chain->report, "%s: %s\n", providers[i].name, why.text);
        if (status != GW_E_MISSING)
            return gw_fail(err, status, "%s: %s", providers[i].name, why.text);
    }
    return gw_fail(err, GW_E_MISSING, "no provider of credentials is configured");
}

enum gw_status gw_chain_read_file(struct gw_chain *chain, const char *what, struct gw_str path, struct gw_str *text,
                                  struct gw_err *err)
{
    struct gw_str name = gw_arena_str(&chain->arena, path);
    struct gw_err why;
    struct gw_buf buf;
    enum gw_status status;

    gw_buf_init(&buf, GW_CHAIN_FILE_MAX);
    status = gw_buf_reserve(&buf, GW_CHAIN_FILE_MAX); /* once: growing would leave copies behind */
    if (status == GW_OK)
        status = gw_file_read(name.at, &buf, &why);
    if (status == GW_OK)
        *text = gw_arena_str(&chain->arena, gw_buf_str(&buf));
    else
        (void)gw_fail(err, status, "%s: %s", what, why.text);
    gw_wipe(buf.at, buf.length);
    gw_buf_fini(&buf);
    return status == GW_E_MISSING ? GW_E_IO : status;
}

enum gw_status gw_chain_parse_url(struct gw_str url, struct gw_upstream_target *target, struct gw_str *path,
                                  struct gw_err *err)
{
    size_t scheme = gw_str_search(url, GW_STR("://"));
    size_t slash = scheme == SIZE_MAX ? url.length : gw_str_find(url, '/', scheme + 3);

    for (size_t i = 0; i < url.length; i++) {
        if (url.at[i] <= ' ' || url.at[i] >= 0x7f || url.at[i] == '#')
            return gw_fail(err, GW_E_SYNTAX, "is a URL with a byte that it can't have");
    }
    *path = slash == url.length ? GW_STR("/") : gw_str_slice(url, slash, SIZE_MAX);
    return gw_upstream_parse_url(gw_str_slice(url, 0, slash), target, err);
}

struct gw_str gw_chain_host(struct gw_chain *chain, const struct gw_upstream_target *target)
{
    bool in_brackets = gw_str_find(target->host, ':', 0) < target->host.length;
    struct gw_str host = gw_arena_printf(&chain->arena, "%s%.*s%s", in_brackets ? "[" : "", GW_STR_ARG(target->host),
                                         in_brackets ? "]" : "");

    if (target->port == (target->is_tls ? 443 : 80))
        return host;
    return gw_arena_printf(&chain->arena, "%.*s:%u", GW_STR_ARG(host), (unsigned)target->port);
}

void gw_chain_tls_init(struct gw_chain_tls *tls)
{
    *tls = (struct gw_chain_tls){.context = NULL};
    (void)pthread_mutex_init(&tls->lock, NULL);
}

void gw_chain_tls_fini(struct gw_chain_tls *tls)
{
    gw_tls_context_release(&tls->context);
    (void)pthread_mutex_destroy(&tls->lock);
}

static enum gw_status new_tls(struct gw_chain *chain, struct gw_err *err)
{
    struct gw_tls_client_options options = {.ca_file = gw_chain_variable(chain, "AWS_CA_BUNDLE")};

    if (options.ca_file.at == NULL)
        options.ca_file = gw_chain_profile_setting(chain, "ca_bundle");
    if (options.ca_file.length == 0)
        options.ca_file = GW_STR_NONE;
    return gw_tls_client_new(&options, &chain->tls, err);
}

/* The shared one while it is young, else a new one. */
static enum gw_status make_tls(struct gw_chain *chain, struct gw_err *err)
{
    struct gw_chain_tls *shared = chain->world->tls;
    int64_t now_ms = gw_clock_monotonic_ms(chain->world->options->clock);
    enum gw_status status = GW_OK;

    if (chain->tls != NULL)
        return GW_OK;
    if (shared == NULL)
        return new_tls(chain, err);
    (void)pthread_mutex_lock(&shared->lock);
    if (shared->context != NULL && now_ms - shared->made_ms < TLS_SHARED_MS) {
        chain->tls = gw_tls_context_hold(shared->context);
    } else {
        status = new_tls(chain, err);
        gw_tls_context_release(&shared->context);
        if (status == GW_OK)
            shared->context = gw_tls_context_hold(chain->tls);
        shared->made_ms = now_ms;
    }
    (void)pthread_mutex_unlock(&shared->lock);
    return status;
}

/* Where the request goes through a proxy: which, and what that is asked. The arena is wiped. */
static enum gw_status find_proxy(struct gw_chain *chain, const struct gw_chain_request *request, struct gw_ask *ask,
                                 struct gw_err *err)
{
    const struct gw_credentials_options *options = chain->world->options;
    struct gw_upstream_proxy proxy;
    struct gw_buf text;
    enum gw_status status;

    if (!request->by_proxy || options->proxy.at == NULL ||
        gw_upstream_proxy_spares(options->no_proxy, &request->target))
        return GW_OK;
    status = gw_upstream_proxy_parse(options->proxy, &proxy, err);
    if (status != GW_OK)
        return status;
    gw_buf_init(&text, GW_CLIENT_CONNECT);
    status = gw_buf_reserve(&text, GW_CLIENT_CONNECT); /* once: growing would leave copies behind */
    gw_upstream_proxy_ask(&proxy, &request->target, &text);
    ask->tunnel = gw_arena_str(&chain->arena, gw_buf_str(&text));
    ask->proxy_host = proxy.host;
    ask->proxy_port = proxy.port;
    gw_wipe(text.at, text.length);
    gw_buf_fini(&text);
    return status;
}

enum gw_status gw_chain_ask(struct gw_chain *chain, const struct gw_chain_request *request, struct gw_ask_reply *reply,
                            struct gw_err *err)
{
    struct gw_ask ask = {.host = request->target.host,
                         .port = request->target.port,
                         .body = request->body,
                         .timeout_ms = request->timeout_ms,
                         .allows = request->allows,
                         .stop_fd = chain->world->stop_fd};
    struct gw_str host = gw_chain_host(chain, &request->target);
    struct gw_str length = GW_STR("");

    *reply = (struct gw_ask_reply){0};
    if (request->target.is_tls) {
        enum gw_status status = make_tls(chain, err);

        if (status != GW_OK)
            return status == GW_E_MISSING ? GW_E_IO : status;
        ask.tls = chain->tls;
        status = find_proxy(chain, request, &ask, err);
        if (status != GW_OK)
            return status;
    }
    if (request->body.at != NULL || strcmp(request->method, "GET") != 0)
        length = gw_arena_printf(&chain->arena, "Content-Length: %zu\r\n", request->body.length);
    ask.head = gw_arena_printf(&chain->arena, "%s %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: eksgate/%s\r\n%.*s%.*s",
                               request->method, GW_STR_ARG(request->path), GW_STR_ARG(host), EKSGATE_VERSION,
                               GW_STR_ARG(length), GW_STR_ARG(request->fields));
    return chain->world->ask(chain->world->ctx, &ask, reply, err);
}
