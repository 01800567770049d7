/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_ADMIN_H
#define GW_GATEWAY_ADMIN_H

/*
 * The status and admin listeners, on a thread and loop of their own, so that they
 * answer when workers are busy.
 *
 *   status   GET /livez /readyz /metrics                 safe to expose
 *   admin    the same, and POST /v1/reload               loopback or unix socket
 *
 * A web page that someone has open must not be able to drive the admin listener:
 * Host must name it, any Origin and a cross-site Sec-Fetch-Site are 403, changes
 * need X-Eksgate-Admin: 1, bodies must be application/json; no CORS headers.
 */

#include "net/listener.h"
#include "net/server.h"

/* What the listeners ask of the process. Called on the admin thread. */
struct gw_admin_calls {
    void *ctx;
    bool (*is_ready)(void *ctx);
    void (*metrics)(void *ctx, struct gw_buf *text);
    /* Reloads configuration, keys and policies; GW_OK, or what is wrong in `problems`, one per line. */
    enum gw_status (*reload)(void *ctx, struct gw_buf *problems);
};

struct gw_admin;

/* new: serves `status` and `admin` (NULL: off) on `loop`; `hosts` are further names for the admin's Host header, with
 * or without port. Listeners and hosts are borrowed. */
struct gw_admin *gw_admin_new(struct gw_loop *loop, const struct gw_listener *status, const struct gw_listener *admin,
                              const struct gw_str *hosts, size_t host_count, const struct gw_admin_calls *calls);
void gw_admin_free(struct gw_admin **admin);

#endif
