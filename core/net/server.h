/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NET_SERVER_H
#define GW_NET_SERVER_H

/*
 * HTTP/1.1 connections of one loop: accepts, reads strictly (codec/http1.h),
 * hands whole requests to a handler, writes replies with one writev, keeps
 * deadlines and caps. Everything runs on the loop's thread.
 *
 *   accept -> [PROXY header] -> [CONNECT] -> [TLS] -> head -> on_head -> [100 Continue] -> body -> on_request ->
 * gw_conn_reply -> on_done -> next
 *
 * One request per connection at a time; pipelined ones wait unread or in the
 * buffer. A connection whose client left keeps its memory until the handler has
 * replied: replying to it is harmless.
 */

#include "base/arena.h"
#include "codec/http1.h"
#include "net/loop.h"

#define GW_SERVER_SOCKETS 16 /* that one server can listen at */

struct gw_server;
struct gw_conn;
struct gw_tls_slot; /* net/tls.h */

struct gw_server_options {
    struct gw_http1_limits limits;
    size_t connections_max;    /* per server; at the cap the listener pauses */
    unsigned head_timeout_ms;  /* from the first byte (of the connection: from accept) to the end of the head */
    unsigned body_timeout_ms;  /* from the end of the head to the end of the body */
    unsigned reply_timeout_ms; /* for the client to take the whole reply */
    unsigned idle_timeout_ms;  /* between requests */
    bool proxy_protocol;       /* every connection must start with a PROXY protocol v2 header, from trusted_proxies */
    /* CIDRs or "unix" (net/address.h): their X-Forwarded-For gives the source address */
    const struct gw_str *trusted_proxies;
    size_t trusted_proxy_count; /* 0: the header is ignored, and with proxy_protocol everybody is closed */
};

/* Counters of one server; written by its thread, read by any (relaxed). */
struct gw_server_counters {
    _Atomic uint64_t accepted;
    _Atomic uint64_t open;
    _Atomic uint64_t requests;
    _Atomic uint64_t refused; /* malformed, too large, too slow */
    _Atomic uint64_t timeouts;
    _Atomic uint64_t tls_handshakes; /* finished */
    _Atomic uint64_t tls_resumed;    /* of them */
    _Atomic uint64_t tls_failed;
    _Atomic uint64_t pauses; /* times the listener stopped accepting at the cap or out of descriptors */
};

/* A reply. `head` is the status line and every field with its CRLF, Content-Length included, except Connection and the
 * blank line, which the server adds. Body is left out for HEAD. */
struct gw_reply {
    struct gw_str head;
    struct gw_str body;
    bool close; /* close the connection afterwards whatever the client asked for */
};

struct gw_server_handler {
    void *ctx;
    /* The head is read. GW_OK: go on (a 100 Continue is sent if asked for and needed). Anything else: the handler has
     * replied, or will; the body is not read and the connection closes after the reply unless there is no body. */
    enum gw_status (*on_head)(void *ctx, struct gw_conn *conn);
    /* The whole body is there. Reply now or later, exactly once, on this thread. */
    void (*on_request)(void *ctx, struct gw_conn *conn);
    /* The server refuses what it read: reply (the connection closes). gw_conn_request() gives NULL when no head was
     * parsed. */
    void (*on_refused)(void *ctx, struct gw_conn *conn, const struct gw_http1_error *error);
    /* After the reply was handed to the kernel or the client was lost, exactly once per request that reached on_head or
     * on_refused: free what gw_conn_user points to. Arena and request are gone after it. */
    void (*on_done)(void *ctx, struct gw_conn *conn);
    /* At a listener for proxy clients: whether a tunnel to HOST:PORT is given; its other end is this server. NULL: none
     * is. */
    bool (*on_connect)(void *ctx, struct gw_str authority);
    /* Of a reply in pieces, where the last was GW_CONN_FULL: the client has taken what there was; or, at any time: it
     * is lost (gw_conn_is_alive). End or break the reply now or later. NULL: replies are whole. */
    void (*on_drained)(void *ctx, struct gw_conn *conn);
};

/* new; `handler` and `options` are copied (arrays behind them borrowed). */
struct gw_server *gw_server_new(struct gw_loop *loop, const struct gw_server_options *options,
                                const struct gw_server_handler *handler);
/* Closes everything at once; handlers get on_done for what was under way. Not from within a handler's call. */
void gw_server_free(struct gw_server **server);

/* Starts to accept on `fd`; the server doesn't close it. */
void gw_server_listen(struct gw_server *server, int fd, bool is_unix);
/* The same for a listener that speaks TLS, with what the slot has when a connection comes. borrows the slot. A PROXY
 * header comes before the handshake, which must be done within the time for the head. */
void gw_server_listen_tls(struct gw_server *server, int fd, bool is_unix, struct gw_tls_slot *slot);

/* The same for clients that take this server for their HTTPS_PROXY: each connection begins with CONNECT, in the clear,
 * and where on_connect says yes the handshake follows the 200. No connection to anywhere is opened. Anything else is
 * refused; the time for the head covers all of it. */
void gw_server_listen_proxy(struct gw_server *server, int fd, bool is_unix, struct gw_tls_slot *slot);

/* Accepts what waits in the queue, stops accepting, closes idle connections, finishes requests under way (their replies
 * say Connection: close). `drained` is called once, from the loop, when no connection is left; a connection that has
 * said nothing yet is given a second. The listening sockets may be closed as soon as this has returned. */
void gw_server_drain(struct gw_server *server, gw_loop_cb drained, void *ctx);

const struct gw_server_counters *gw_server_counters_get(const struct gw_server *server);

/* The request under way. Valid from on_head to on_done; survives the loss of the client. */
const struct gw_http1_request *gw_conn_request(const struct gw_conn *conn);
struct gw_str gw_conn_body(const struct gw_conn *conn);      /* in on_request and later */
struct gw_arena *gw_conn_arena(struct gw_conn *conn);        /* the request's memory; empty at on_head */
struct gw_str gw_conn_source_ip(const struct gw_conn *conn); /* text, no port; "unix" for unix sockets */
bool gw_conn_is_unix(const struct gw_conn *conn);            /* it came in through a unix socket */
/* The subject of the client's verified certificate (RFC 4514), {NULL,0} for none; as long as the request. */
struct gw_str gw_conn_tls_subject(const struct gw_conn *conn);
bool gw_conn_is_tls(const struct gw_conn *conn);
bool gw_conn_is_alive(const struct gw_conn *conn); /* false once the client is known to be gone */

/* A pointer of the handler's; NULL at the start of each request. */
void gw_conn_set_user(struct gw_conn *conn, void *user);
void *gw_conn_user(const struct gw_conn *conn);

/* Sends the reply; nothing that it points to is needed once this has returned (a short write's rest is copied). Given
 * after on_head, on_request or on_refused has returned, it may call on_done and free the connection before it returns:
 * touch neither the request nor `conn` behind it. It never begins the next request from within. */
void gw_conn_reply(struct gw_conn *conn, const struct gw_reply *reply);

/*
 * A reply in pieces, where it needn't be in memory as a whole: begin instead of gw_conn_reply, any number of pieces,
 * and end or break, exactly once. The time that the client has to take what is there runs while it leaves some of it.
 */
enum gw_conn_flow {
    GW_CONN_FLOWS,
    GW_CONN_FULL, /* the kernel doesn't take all of it: no more pieces before on_drained, lest they heap up */
    GW_CONN_LOST, /* nobody is there to take it: break it, or end it early */
};
/* `head` as ever, with the Content-Length `length`; `body`: its first bytes, may be empty. */
enum gw_conn_flow gw_conn_reply_begin(struct gw_conn *conn, const struct gw_reply *reply, uint64_t length);
enum gw_conn_flow gw_conn_reply_piece(struct gw_conn *conn, struct gw_str piece);
/* The last piece, may be empty. What holds behind gw_conn_reply holds behind these two. Where less than `length` bytes
 * have been given it is broken. */
void gw_conn_reply_end(struct gw_conn *conn, struct gw_str piece);
/* No more is to come: the connection closes before the announced length, so that the reply can't look whole. */
void gw_conn_reply_break(struct gw_conn *conn);

/* Closes the connection in place of a reply: the client sees it end. The same as for gw_conn_reply holds behind it. */
void gw_conn_drop(struct gw_conn *conn);

#endif
