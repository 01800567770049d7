/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens in the order in which one needs the other. Credentials are fetched by
 * threads of theirs; the gateway doesn't wait for them, and answers 503 meanwhile.
 */
#include "cli/upstream.h"

#include <unistd.h>

#include "base/log.h"
#include "config/credentials.h"

#define WAIT_MS 5000

static enum gw_status open_tls(struct gw_cli_upstream *upstream, const struct gw_config *config, struct gw_err *err)
{
    struct gw_tls_client_options options = {.ca_file = config->upstream_ca_file};

    return gw_tls_client_new(&options, &upstream->tls, err);
}

static void open_credentials(struct gw_cli_upstream *upstream, const struct gw_config *config, struct gw_epoch *epoch)
{
    struct gw_credentials_options options;

    if (!gw_config_has_credentials(config))
        return;
    gw_config_credentials_options(config, environ, &options);
    options.epoch = epoch;
    upstream->credentials = gw_credentials_new(&options);
}

enum gw_status gw_cli_upstream_open(struct gw_cli_upstream *upstream, const struct gw_config *config,
                                    struct gw_epoch *epoch, struct gw_gateway_upstream *options, struct gw_err *err)
{
    enum gw_status status;

    if (config->mode == GW_GATEWAY_STANDALONE)
        return GW_OK;
    status = open_tls(upstream, config, err);
    if (status != GW_OK)
        return status;
    open_credentials(upstream, config, epoch);
    *options = config->upstream;
    options->pool = config->upstream_pool;
    options->pool.tls = upstream->tls;
    options->credentials = upstream->credentials;
    options->assumes = config->assumes;
    return GW_OK;
}

static const char *signer_of(const struct gw_config *config)
{
    if (config->credentials == GW_CONFIG_CREDENTIALS_CALLER)
        return "signed with the caller's own key";
    return config->assumes.arn.at != NULL
               ? "signed as a role that is assumed for the caller"
               : "signed with the gateway's own credentials, whose rights all callers have that "
                 "policies let through";
}

void gw_cli_upstream_log(const struct gw_config *config)
{
    if (config->mode == GW_GATEWAY_STANDALONE)
        return;
    gw_log(GW_LOG_INFO, "upstream", "%s goes to %.*s, %s",
           config->mode == GW_GATEWAY_PROXY ? "everything" : "everything but access entries",
           GW_STR_ARG(config->upstream.endpoint),
           config->auth == GW_GATEWAY_AUTH_UPSTREAM ? "as it was signed" : signer_of(config));
}

void gw_cli_upstream_wait(const struct gw_cli_upstream *upstream)
{
    if (upstream->credentials != NULL && !gw_credentials_wait(upstream->credentials, WAIT_MS))
        gw_log(GW_LOG_WARN, "upstream",
               "the gateway's own credentials aren't there yet; requests are answered 503 meanwhile");
}

bool gw_cli_upstream_is_ready(const struct gw_cli_upstream *upstream)
{
    return upstream->credentials == NULL || gw_credentials_wait(upstream->credentials, 0);
}

void gw_cli_upstream_close(struct gw_cli_upstream *upstream)
{
    gw_credentials_free(&upstream->credentials);
    if (upstream->tls != NULL)
        gw_tls_context_release(&upstream->tls);
}
