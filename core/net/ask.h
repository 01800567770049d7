/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NET_ASK_H
#define GW_NET_ASK_H

/*
 * One HTTP/1.1 request and its reply, blocking, without an event loop: for threads
 * that have nothing else to do. A connection per request, plain or TLS, within one
 * deadline, into memory that has a cap. Redirects are replies like others. Only
 * looking up a host's name can outlast the deadline (the system's resolver has
 * its own); a numeric address needs none.
 */

#include "base/buf.h"
#include "net/address.h"
#include "net/tls.h"

#define GW_ASK_HEAD_MAX  ((size_t)32 << 10) /* bytes of a request's head, and of a reply's */
#define GW_ASK_REPLY_MAX ((size_t)64 << 10) /* bytes of a reply's body */

struct gw_ask {
    struct gw_str host; /* a name or an IP address, without brackets */
    uint16_t port;
    struct gw_tls_context *tls; /* of gw_tls_client_new, borrowed; NULL: plain */
    /* With TLS: what a proxy is asked for a tunnel to host and port, its blank line included, and where the proxy is.
     * A secret, where it has a login. {NULL,0}: no proxy. */
    struct gw_str tunnel;
    struct gw_str proxy_host;
    uint16_t proxy_port;
    struct gw_str head; /* request line and every field with its CRLF, Host and Content-Length included; Connection and
                           the blank line are added */
    struct gw_str body;
    unsigned timeout_ms;
    /* What the name stands for is connected to only where this is true; NULL: whatever it is. */
    bool (*allows)(const struct gw_address *address);
    int stop_fd; /* the call ends with GW_E_BUSY when it becomes readable; -1: none */
};

struct gw_ask_reply {
    unsigned status;
    struct gw_buf body; /* after transfer decoding */
};

/* `reply` is filled in any case: the caller wipes what needs it and gives the body back with gw_ask_reply_fini.
 * GW_E_MISSING: nobody answers there, or the name is none. GW_E_LIMIT: not in time, or too much. GW_E_DENIED: `allows`,
 * or TLS. GW_E_IO, GW_E_SYNTAX: what came is no whole reply. GW_E_BUSY: stopped. `err` names host and port, and nothing
 * of either message. */
GW_NODISCARD enum gw_status gw_ask(const struct gw_ask *ask, struct gw_ask_reply *reply, struct gw_err *err);

/* Wipes the body and frees it. */
void gw_ask_reply_fini(struct gw_ask_reply *reply);

#endif
