/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_UPSTREAM_H
#define GW_CLI_UPSTREAM_H

/*
 * What the gateway needs for what stands behind it, from the configuration: the
 * certificates that it believes, and its own credentials.
 */

#include "config/config.h"

struct gw_cli_upstream {
    struct gw_tls_context *tls;
    struct gw_credentials *credentials;
};

/* Fills `options`, which borrow from `upstream` and `config`. Nothing where nothing is forwarded. */
GW_NODISCARD enum gw_status gw_cli_upstream_open(struct gw_cli_upstream *upstream, const struct gw_config *config,
                                                 struct gw_epoch *epoch, struct gw_gateway_upstream *options,
                                                 struct gw_err *err);
/* Tells the log what is forwarded where, and whose signature it gets. */
void gw_cli_upstream_log(const struct gw_config *config);
/* Before the gateway says that it is ready: waits until its own credentials are there, or known not to be, for a few
 * seconds at most. */
void gw_cli_upstream_wait(const struct gw_cli_upstream *upstream);
/* False while they are still being asked for the first time. */
bool gw_cli_upstream_is_ready(const struct gw_cli_upstream *upstream);
/* Once no worker is left; the epoch must still be there. */
void gw_cli_upstream_close(struct gw_cli_upstream *upstream);

#endif
