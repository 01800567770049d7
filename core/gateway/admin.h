/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_ADMIN_H
#define GW_GATEWAY_ADMIN_H

/*
 * The status and admin listeners, on a thread and loop of their own, so that they
 * answer when workers are busy.
 *
 *   status   GET  /livez /readyz /metrics                safe to expose
 *   admin    the same, and                               loopback, unix socket, or with a token
 *            POST /v1/reload                             200, or 422 and what is wrong
 *            POST /v1/drain                              what SIGTERM does: finish what is under way, end with 0
 *            GET PUT /v1/log-level  {"level":"debug"}    until the next start
 *            any  /v1/mock/...                           where the process is a mock
 *
 * A web page that someone has open must not be able to drive the admin listener:
 * Host must name it, any Origin and a cross-site Sec-Fetch-Site are 403, changes
 * need X-Eksgate-Admin: 1, bodies must be application/json; no CORS headers. That
 * is checked before anything of `struct gw_admin_calls` hears of a request.
 *
 * With a token, everything on the admin listener but /livez and /readyz needs
 * `Authorization: Bearer TOKEN` (RFC 6750), else it is 401. Host may then be any:
 * a page at a rebound name doesn't have the token. Where the listener isn't a
 * loopback one, Host may be any IP address and localhost too: those names can't be
 * rebound, and which of its addresses clients use is not known here.
 */

#include "net/listener.h"
#include "net/server.h"

#define GW_ADMIN_BODY_MAX ((size_t)1 << 20)
/* Bytes of the body of PUT /v1/mock/state, and of any reply under /v1/mock. */
#define GW_ADMIN_MOCK_MAX ((size_t)64 << 20)

/* What the listeners ask of the process. Called on the admin thread. */
struct gw_admin_calls {
    void *ctx;
    bool (*is_ready)(void *ctx);
    void (*metrics)(void *ctx, struct gw_buf *text);
    /* Begins to reload configuration, keys and policies, which may take seconds; returns at once, so that probes are
     * answered meanwhile. What came of it is told by gw_admin_reloaded; none is begun before that. GW_OK, or it can't.
     */
    enum gw_status (*reload)(void *ctx);
    /* Asks the process to drain and end; returns at once. Asking again changes nothing. */
    void (*drain)(void *ctx);
    /* Answers a request whose path is /v1/mock or begins with /v1/mock/; path and query are undecoded, HEAD comes as it
     * is and is answered like GET. NULL: there is no mock here. GW_OK: `reply` is JSON, sent with `*status` (200 before
     * the call). Anything else: `reply` is one line for a person, sent as {"message":...} with `*status`, or 400 where
     * that still says 200. `reply` is empty at first and holds GW_ADMIN_MOCK_MAX bytes at most. */
    enum gw_status (*mock)(void *ctx, const struct gw_http1_request *request, struct gw_str body, unsigned *status,
                           struct gw_buf *reply);
};

/* All borrowed; the token until gw_admin_new returns. */
struct gw_admin_options {
    const struct gw_listener *status; /* NULL: off */
    const struct gw_listener *admin;  /* NULL: off */
    const struct gw_str *hosts;       /* further names for the admin's Host header, with or without port */
    size_t host_count;
    struct gw_str token; /* {NULL,0}: none is asked for */
};

struct gw_admin;

/* new: serves what `options` names on `loop`; the structs are copied. */
struct gw_admin *gw_admin_new(struct gw_loop *loop, const struct gw_admin_options *options,
                              const struct gw_admin_calls *calls);
void gw_admin_free(struct gw_admin **admin);

/* A reload that was begun is over: GW_OK, or what is wrong in `problems` (copied), one per line. Any thread. */
void gw_admin_reloaded(struct gw_admin *admin, enum gw_status status, struct gw_str problems);

#endif
