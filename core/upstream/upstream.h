/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_UPSTREAM_UPSTREAM_H
#define GW_UPSTREAM_UPSTREAM_H

/*
 * Requests to the services behind the gateway: one pool of kept connections per
 * worker, everything on that worker's loop. A request goes out as the bytes that
 * it is given as (who signs it is not this file's business) and its reply is read
 * as strictly as a client's request.
 *
 *   send -> [resolve] -> [connect, proxy, TLS] -> write -> head -> body -> on_done
 *
 * Each call ends within its deadlines, in exactly one on_done, from the loop and
 * never from within gw_upstream_send.
 *
 * A large reply may be taken as it comes, in pieces that are nobody's when on_piece
 * has returned. Its receiver sets the pace: while it pauses nothing is read, and
 * the kernel's buffers hold the upstream up; only the total time runs on. What was
 * handed over is part of a reply until on_done says REPLIED: the connection ended
 * too early, or something followed the last byte, and it is UNKNOWN.
 */

#include "base/arena.h"
#include "codec/http1_reply.h"
#include "net/loop.h"
#include "net/tls.h"

#define GW_UPSTREAM_HOST_MAX 255
#define GW_UPSTREAM_LARGE    65536 /* bytes of a body above which on_head is asked; a piece has no more */

struct gw_upstream;
struct gw_resolver;

struct gw_upstream_options {
    struct gw_tls_context *tls;  /* of gw_tls_client_new; borrowed; needed for https */
    struct gw_str proxy;         /* HTTPS_PROXY, for https targets: http://[user:password@]host:port; {NULL,0}: none */
    struct gw_str no_proxy;      /* NO_PROXY: names, .suffixes, addresses, CIDR blocks, *; commas between */
    unsigned connect_timeout_ms; /* name, connection, proxy and handshake together */
    unsigned write_timeout_ms;   /* for the upstream to take the request */
    unsigned first_byte_timeout_ms; /* from the request's last byte to the reply's first */
    unsigned total_timeout_ms;      /* from gw_upstream_send to the reply's last byte, waiting and retries included */
    unsigned idle_timeout_ms;       /* how long a connection is kept between requests */
    size_t connections_max;         /* of one worker to one target */
    size_t waiting_max;             /* requests of one worker that wait for a connection; past it NOT_SENT at once */
    size_t reply_head_bytes;
    size_t reply_body_bytes;
    unsigned breaker_failures;    /* failures in a row of one target after which it is left alone; 0: never */
    unsigned breaker_open_ms;     /* for how long; then one request tries */
    struct gw_resolver *resolver; /* held; NULL: the process's */
};

/* Counters of one worker's; written by its thread, read by any (relaxed). */
struct gw_upstream_counters {
    _Atomic uint64_t requests;
    _Atomic uint64_t connections;       /* opened */
    _Atomic uint64_t handshakes_failed; /* TLS */
    _Atomic uint64_t retries;
    _Atomic uint64_t not_sent;
    _Atomic uint64_t unknown;
    _Atomic uint64_t breaker_opened;
    _Atomic uint64_t waiting; /* now */
    _Atomic uint64_t open;    /* connections now */
};

/* Where a request goes: one pool each. */
struct gw_upstream_target {
    struct gw_str host; /* a name or an IP address, without brackets */
    uint16_t port;
    bool is_tls;
    /* what is connected to in its place, without a proxy; the certificate must be for `host` all the same. {NULL,0}:
     * the host itself */
    struct gw_str connect_host;
    uint16_t connect_port;
};

enum gw_upstream_outcome {
    GW_UPSTREAM_REPLIED,
    GW_UPSTREAM_NOT_SENT, /* the service can't have acted: 503 */
    GW_UPSTREAM_UNKNOWN,  /* bytes of it went out and no whole reply came: it may have acted or not */
};

/* What on_piece says. */
enum gw_upstream_flow {
    GW_UPSTREAM_GO_ON,
    GW_UPSTREAM_PAUSE,   /* until gw_upstream_resume */
    GW_UPSTREAM_GIVE_UP, /* as gw_upstream_cancel */
};

/* One request. The caller keeps it in place until on_done. */
struct gw_upstream_call {
    /* by the caller */
    struct gw_upstream_target target; /* borrowed until on_done, like head and body */
    struct gw_str head; /* request line and every field with its CRLF, Host and Content-Length included; but
                           not Connection and the blank line, which are added */
    struct gw_str body;
    bool may_repeat;        /* it does no harm twice: sent again once where a kept connection ended before a byte of the
                               reply. Where no byte of it went out it is sent again anyway */
    struct gw_arena *arena; /* for the reply; must live until on_done has returned */
    void (*on_done)(void *ctx, struct gw_upstream_call *call); /* may send again, or free the call */
    /* NULL, or: a reply is large, told by its Content-Length (one in chunks never is); `reply` is filled. True: its
     * body goes to on_piece, the first time at once, perhaps with no bytes yet. From neither may anything be called
     * that is declared here. */
    bool (*on_head)(void *ctx, struct gw_upstream_call *call);
    enum gw_upstream_flow (*on_piece)(void *ctx, struct gw_upstream_call *call, struct gw_str piece);
    void *ctx;

    /* filled for on_done */
    enum gw_upstream_outcome outcome;
    struct gw_err err;           /* where it isn't REPLIED: what happened, fit for a log; no secrets */
    struct gw_http1_reply reply; /* REPLIED: views into the arena */
    struct gw_str reply_body; /* after transfer decoding; of a reply in pieces the last, which on_piece isn't given */
    bool connected;           /* bytes of the request went out */

    struct gw_upstream_work *work; /* upstream's own */
};

/* new: copies the options (`tls` is held). Names are looked up on a helper thread that all pools share. */
struct gw_upstream *gw_upstream_new(struct gw_loop *loop, const struct gw_upstream_options *options);
/* Calls that are under way get on_done (UNKNOWN or NOT_SENT) from here. */
void gw_upstream_free(struct gw_upstream **upstream);

/* Waits, connects or uses a kept connection; see above. */
void gw_upstream_send(struct gw_upstream *upstream, struct gw_upstream_call *call);

/* A reply that pauses goes on. Nothing where none does: it has ended, on_done comes. */
void gw_upstream_resume(struct gw_upstream_call *call);
/* Nobody waits for it any more: on_done comes from the loop (UNKNOWN, or NOT_SENT), and its connection is closed. */
void gw_upstream_cancel(struct gw_upstream_call *call);

const struct gw_upstream_counters *gw_upstream_counters_get(const struct gw_upstream *upstream);

/* Splits "https://HOST[:PORT]" or "http://..."; no path but "/", no user. Views into `url`. GW_E_SYNTAX. */
GW_NODISCARD enum gw_status gw_upstream_parse_url(struct gw_str url, struct gw_upstream_target *target,
                                                  struct gw_err *err);
/* The same of what stands behind the "//": HOST[:PORT][/]; `port` where none is given. */
GW_NODISCARD enum gw_status gw_upstream_parse_authority(struct gw_str text, uint16_t port, struct gw_str *host,
                                                        uint16_t *found);

#endif
