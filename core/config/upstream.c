/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands behind the gateway, and with that its mode: who answers for access
 * entries, and who for the rest.
 */
#include "config/settings.h"
#include "upstream/template.h"

/* The template with names of the longest kind in the places of {region} and {account}, so that it reads as a URL. */
static struct gw_str fill_in(struct gw_arena *arena, struct gw_str template)
{
    static const struct gw_template_place place = {GW_STR_INIT("us-gov-west-1"), GW_STR_INIT("000000000000")};
    struct gw_str filled = gw_template_fill_in(template, &place, arena);

    return filled.at != NULL ? filled : GW_STR("");
}

static bool is_below(struct gw_str host, struct gw_str domain)
{
    return host.length > domain.length &&
           gw_str_equal_nocase(gw_str_slice(host, host.length - domain.length, domain.length), domain);
}

/* Names that only AWS has. */
static bool is_aws(struct gw_str host)
{
    static const struct gw_str domains[] = {
        GW_STR_INIT(".amazonaws.com"),  GW_STR_INIT(".amazonaws.com.cn"),
        GW_STR_INIT(".api.aws"),        GW_STR_INIT(".api.amazonwebservices.com.cn"),
        GW_STR_INIT(".amazonaws.eu"),   GW_STR_INIT(".c2s.ic.gov"),
        GW_STR_INIT(".sc2s.sgov.gov"),  GW_STR_INIT(".csp.hci.ic.gov"),
        GW_STR_INIT(".cloud.adc-e.uk"),
    };

    for (size_t i = 0; i < GW_COUNT(domains); i++) {
        if (is_below(host, domains[i]))
            return true;
    }
    return false;
}

static void check_aws(const struct gw_settings *settings, const struct gw_config *config, bool is_tls)
{
    if (config->is_mock)
        gw_settings_problem(settings, GW_OPTION_UPSTREAM_ENDPOINT,
                            "is AWS's, which no mock stands in front of; accepted: "
                            "another endpoint, or eksgate serve");
    else if (!is_tls)
        gw_settings_problem(settings, GW_OPTION_UPSTREAM_ENDPOINT, "is AWS's and not https; accepted: https://...");
    else if (config->mode == GW_GATEWAY_OVERLAY)
        gw_settings_problem(
            settings, GW_OPTION_ACCESS_ENTRIES,
            "is store, and upstream.endpoint is AWS's, which has access entries of its own that would be "
            "hidden; accepted: upstream");
}

static void fill_endpoint(const struct gw_settings *settings, struct gw_config *config, bool has_entries)
{
    struct gw_upstream_target target;
    struct gw_err err;

    if (gw_upstream_parse_url(fill_in(settings->arena, config->upstream.endpoint), &target, &err) != GW_OK) {
        gw_settings_problem(settings, GW_OPTION_UPSTREAM_ENDPOINT, "is %.*s; accepted: %s",
                            GW_STR_ARG(config->upstream.endpoint),
                            gw_option_rows[GW_OPTION_UPSTREAM_ENDPOINT].accepted);
        return;
    }
    config->mode = has_entries ? GW_GATEWAY_PROXY : GW_GATEWAY_OVERLAY;
    if (is_aws(target.host))
        check_aws(settings, config, target.is_tls);
    if (config->cluster_count > 0)
        gw_settings_problem(settings, GW_OPTION_CLUSTERS,
                            "are the upstream's where upstream.endpoint is set; leave them "
                            "out");
}

static void read_overlay(const struct gw_settings *settings, struct gw_config *config)
{
    struct gw_str word = GW_STR_NONE;

    (void)gw_settings_seconds(settings, GW_OPTION_OVERLAY_CLUSTER_TTL, &config->overlay.cluster_ttl_ms);
    if (gw_settings_text(settings, GW_OPTION_OVERLAY_AUTHENTICATION_MODE, &word) &&
        gw_eks_auth_mode_parse(word, &config->overlay.authentication_mode) != GW_OK)
        gw_fatal("options.def has other authentication modes than EKS");
}

/* What is connected to in the endpoint's place. */
static void fill_connect(const struct gw_settings *settings, struct gw_config *config)
{
    struct gw_str host;
    uint16_t port;

    if (!gw_settings_text(settings, GW_OPTION_UPSTREAM_CONNECT, &config->upstream.connect) ||
        config->upstream.connect.at == NULL)
        return;
    if (config->upstream.endpoint.at == NULL)
        gw_settings_problem(settings, GW_OPTION_UPSTREAM_CONNECT, "is set, and upstream.endpoint is missing");
    if (gw_upstream_parse_authority(fill_in(settings->arena, config->upstream.connect), 443, &host, &port) != GW_OK)
        gw_settings_problem(settings, GW_OPTION_UPSTREAM_CONNECT, "is %.*s; accepted: %s",
                            GW_STR_ARG(config->upstream.connect), gw_option_rows[GW_OPTION_UPSTREAM_CONNECT].accepted);
}

static void refuse_account(const struct gw_settings *settings, enum gw_option_id id, struct gw_str template)
{
    if (gw_str_search(template, GW_STR("{account}")) != SIZE_MAX)
        gw_settings_problem(settings, id, "holds {account}, which nobody knows with auth = \"upstream\"");
}

/* Who is verified behind the gateway is nobody whom it could sign for, and nothing of the request may change. */
static void check_pass_through(const struct gw_settings *settings, const struct gw_config *config)
{
    if (config->mode != GW_GATEWAY_PROXY)
        gw_settings_problem(settings, GW_OPTION_AUTH,
                            "is upstream, and the upstream doesn't answer everything; accepted: with upstream.endpoint "
                            "and access_entries = \"upstream\"");
    if (config->credentials != GW_CONFIG_CREDENTIALS_ABSENT)
        gw_settings_problem(
            settings, GW_OPTION_UPSTREAM_CREDENTIALS,
            "has no use with auth = \"upstream\": requests keep their callers' signatures; leave it out");
    if (config->assumes.arn.at != NULL)
        gw_settings_problem(
            settings, GW_OPTION_UPSTREAM_ASSUME_ROLE,
            "has no use with auth = \"upstream\": requests keep their callers' signatures; leave it out");
    refuse_account(settings, GW_OPTION_UPSTREAM_ENDPOINT, config->upstream.endpoint);
    refuse_account(settings, GW_OPTION_UPSTREAM_CONNECT, config->upstream.connect);
}

static void check_listeners(const struct gw_settings *settings, const struct gw_config *config)
{
    for (size_t i = 0; i < config->listen_count && config->auth != GW_GATEWAY_AUTH_UPSTREAM; i++) {
        if (config->listen[i].is_proxy)
            gw_settings_problem(settings, GW_OPTION_LISTEN,
                                "item %zu: connect is for auth = \"upstream\"; leave it out", i + 1);
    }
}

/* Emulators tell accounts apart by the key that signs; in front of anything else the gateway is somebody itself. */
static void choose_credentials(const struct gw_settings *settings, struct gw_config *config)
{
    bool has_callers = config->auth == GW_GATEWAY_AUTH_SIGV4;

    if (config->credentials == GW_CONFIG_CREDENTIALS_ABSENT)
        config->credentials = config->mode == GW_GATEWAY_OVERLAY && has_callers ? GW_CONFIG_CREDENTIALS_CALLER
                                                                                : GW_CONFIG_CREDENTIALS_DEFAULT;
    else if (config->credentials == GW_CONFIG_CREDENTIALS_CALLER && !has_callers)
        gw_settings_problem(settings, GW_OPTION_UPSTREAM_CREDENTIALS,
                            "are the caller's, and callers have no keys here unless auth is sigv4");
}

void gw_settings_upstream(const struct gw_settings *settings, struct gw_config *config)
{
    struct gw_str word = GW_STR_NONE;
    bool has_entries;

    (void)gw_settings_text(settings, GW_OPTION_UPSTREAM_ENDPOINT, &config->upstream.endpoint);
    (void)gw_settings_text(settings, GW_OPTION_ACCESS_ENTRIES, &word);
    has_entries = gw_str_is(word, "upstream");
    read_overlay(settings, config);
    if (config->upstream.endpoint.at != NULL)
        fill_endpoint(settings, config, has_entries);
    else if (has_entries)
        gw_settings_problem(settings, GW_OPTION_ACCESS_ENTRIES, "is upstream, and upstream.endpoint is missing");
    fill_connect(settings, config);
    check_listeners(settings, config);
    if (config->auth == GW_GATEWAY_AUTH_UPSTREAM)
        check_pass_through(settings, config);
    else if (config->mode != GW_GATEWAY_STANDALONE)
        choose_credentials(settings, config);
}
