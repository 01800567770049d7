/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_CTL_HTTP_H
#define GW_CLI_CTL_HTTP_H

/*
 * One HTTP request to an admin listener and its reply, blocking, without an event
 * loop: over TCP or a unix socket, within one deadline, into memory that has a
 * cap. Whoever answers is not trusted to be eksgate.
 */

#include "base/buf.h"
#include "base/str.h"

#define GW_CTL_REPLY_MAX ((size_t)65 << 20) /* bytes of a reply's body */

/* Where a listener is. */
struct gw_ctl_address {
    bool is_unix;
    char host[256];      /* without brackets; or the socket's path */
    char port[8];        /* "" of a unix socket */
    char authority[280]; /* for Host: "127.0.0.1:9180", "[::1]:9180", "localhost" */
    char url[280];       /* for people: "http://127.0.0.1:9180", "unix:/run/eksgate/admin.sock" */
};

/* "http://HOST:PORT", "HOST:PORT" (HOST: a name, an IPv4 address, an IPv6 address in brackets) or "unix:PATH". */
GW_NODISCARD enum gw_status gw_ctl_address_parse(struct gw_str text, struct gw_ctl_address *address,
                                                 struct gw_err *err);

struct gw_ctl_request {
    const char *method;   /* GET, POST or PUT; what isn't GET says X-Eksgate-Admin: 1 */
    struct gw_str target; /* "/v1/reload", encoded */
    struct gw_str body;   /* application/json; {NULL,0} when there is none */
    struct gw_str token;  /* {NULL,0}: none is shown */
    unsigned timeout_ms;  /* for all of it */
};

struct gw_ctl_reply {
    unsigned status;
    struct gw_buf body; /* new, whatever is returned: the caller's to fini */
};

/* GW_OK: a whole reply is there, whatever its status. GW_E_MISSING: nobody listens there; GW_E_IO, GW_E_LIMIT (too
 * long, or too late), GW_E_SYNTAX (malformed) otherwise; `err` begins with the address. Looking up a name has the
 * resolver's own deadline. */
GW_NODISCARD enum gw_status gw_ctl_call(const struct gw_ctl_address *address, const struct gw_ctl_request *request,
                                        struct gw_ctl_reply *reply, struct gw_err *err);

#endif
