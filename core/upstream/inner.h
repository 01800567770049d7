/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_UPSTREAM_INNER_H
#define GW_UPSTREAM_INNER_H

/*
 * What the files of the upstream pool share; for core/upstream only.
 *
 *   upstream.c  calls: how they begin, end and run out of time
 *   pool.c      who gets a connection, and what its events mean for calls
 *   conn.c      how a connection comes to be, and goes
 *   target.c    pools by target
 *   proxy.c, breaker.c, url.c
 *
 * A work is a call under way. It is in `works` until it has ended; then in `ended`
 * until on_done is called from the loop (one that is replied to is called at
 * once, being there already). A pool makes connections for itself: a work that
 * waits gets the first that is free, no matter for whom it was opened.
 *
 * A connection that was replied on settles for the rest of the loop's turn: it is
 * used again when the kernel has been asked once more what came on it. A server
 * that sends more than one reply mostly does so at once, and what it sends then is
 * seen while the connection is nobody's.
 */

#include "base/hash.h"
#include "base/link.h"
#include "net/alarm.h"
#include "net/client.h"
#include "net/resolver.h"
#include "upstream/breaker.h"
#include "upstream/proxy.h"
#include "upstream/upstream.h"

#define GW_UPSTREAM_TICK_MS    100  /* how late a deadline may be noticed */
#define GW_UPSTREAM_TARGETS    1024 /* pools kept; those that nobody uses make room */
#define GW_UPSTREAM_BUCKETS    256
#define GW_UPSTREAM_ADDRESS_MS 250  /* that one of several addresses is tried at least */
#define GW_UPSTREAM_TRUST_MS   1000 /* a connection that was idle for longer is looked at before it is used */

struct gw_upstream_pool;
struct gw_upstream_conn;

struct gw_upstream_work {
    struct gw_link link;   /* in works or ended */
    struct gw_link queued; /* in pool->waiting */
    struct gw_upstream_call *call;
    struct gw_upstream_pool *pool; /* NULL: it failed before it had one */
    struct gw_upstream_conn *conn; /* NULL: it waits */
    struct gw_client_exchange exchange;
    int64_t ends_ms;
    int64_t queued_ms;
    bool touched;  /* bytes of it went out */
    bool repeated; /* a kept connection failed it: the next one is fresh */
    bool is_probe;
    bool is_paused;
    bool is_given_up; /* by its receiver */
};

struct gw_upstream_conn {
    struct gw_client client; /* first: events are about it */
    struct gw_link all;
    struct gw_link idle; /* in pool->idle or pool->settling */
    struct gw_upstream_pool *pool;
    struct gw_upstream_work *work;
    int64_t deadline_ms;
    int64_t connect_by_ms;
    int64_t idle_ms; /* since when */
    bool opening;
    bool settling;
    bool kept; /* it was idle before its present exchange */
    struct gw_resolver_answer answer;
    size_t first; /* of the answer: tried first */
    size_t tried;
    char *tls_why; /* new: why the first handshake failed, of those that did */
};

struct gw_upstream_pool {
    struct gw_upstream *upstream;
    struct gw_link all; /* the last used is the last */
    struct gw_upstream_pool *next;
    uint64_t hash;
    char *host;
    char *connect_host;               /* NULL: the host */
    struct gw_upstream_target target; /* its texts are the above */
    struct gw_buf tunnel;             /* the request for one; empty: no proxy */
    struct gw_str peer_host;          /* the proxy's, or the target's */
    uint16_t peer_port;
    struct gw_link idle; /* the last used is the first */
    struct gw_link settling;
    size_t settling_count;
    uint64_t settling_turn; /* of the loop */
    struct gw_link waiting;
    size_t waiting_count;
    size_t open;
    size_t opening;
    struct gw_address good; /* the last that a connection came about with */
    bool resolving;
    int64_t resolving_ms; /* since when */
    struct gw_breaker breaker;
};

struct gw_upstream {
    struct gw_loop *loop;
    struct gw_upstream_options options;
    struct gw_upstream_counters counters;
    struct gw_client_room room;
    struct gw_resolver *resolver;
    struct gw_resolver_waiter waiter;
    struct gw_alarm *names_alarm; /* rung by the resolver */
    struct gw_alarm *tick_alarm;
    struct gw_alarm *ended_alarm;
    struct gw_alarm *settled_alarm; /* the turn after works wait for what settles */
    bool settling;                  /* it is set */
    bool ticking;
    bool freeing;
    char *proxy_text; /* a secret */
    char *no_proxy_text;
    bool has_proxy;
    bool proxy_is_bad;
    struct gw_upstream_proxy proxy;
    struct gw_hash_seed seed;
    struct gw_link conns;
    struct gw_link pools;
    struct gw_link works; /* in order of ends_ms */
    struct gw_link ended;
    struct gw_link free_works;
    size_t free_work_count;
    size_t pool_count;
    struct gw_upstream_pool *buckets[GW_UPSTREAM_BUCKETS];
};

/* One thread writes, so no locked instruction is needed. */
static inline void gw_upstream_count(_Atomic uint64_t *counter, int64_t change)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, value + (uint64_t)change, memory_order_relaxed);
}

/* upstream.c: a work that isn't on a connection (any more) and doesn't wait ends; on_done comes from the loop. The
 * call's `err` is filled. */
void gw_upstream_end(struct gw_upstream_work *work);
/* It is replied to: on_done now. */
void gw_upstream_deliver(struct gw_upstream_work *work);
void gw_upstream_keep_ticking(struct gw_upstream *upstream);

/* target.c: NULL: there are too many. */
struct gw_upstream_pool *gw_upstream_pool_get(struct gw_upstream *upstream, const struct gw_upstream_target *target);
void gw_upstream_pool_drop(struct gw_upstream_pool *pool); /* it has no connections, nobody waits */

/* pool.c */
void gw_upstream_on_event(struct gw_client *client, enum gw_client_event event);
bool gw_upstream_on_head(struct gw_client *client);
bool gw_upstream_on_piece(struct gw_client *client, struct gw_str piece);
/* The work goes on a kept connection, or waits for one. */
void gw_upstream_pool_take(struct gw_upstream_pool *pool, struct gw_upstream_work *work);
/* Gives connections to those who wait, opens more. */
void gw_upstream_pool_pump(struct gw_upstream_pool *pool);
/* A work's time is up, wherever it is. */
void gw_upstream_pool_give_up(struct gw_upstream_work *work);
/* Its receiver has left, wherever it is. */
void gw_upstream_pool_cancel(struct gw_upstream_work *work);
void gw_upstream_pool_expire(struct gw_upstream_conn *conn);       /* its deadline has passed */
void gw_upstream_pool_expire_names(struct gw_upstream_pool *pool); /* who waits for a name for too long */
void gw_upstream_pool_close_idle(struct gw_upstream_pool *pool);

/* conn.c: new: counted as open and opening. `since_ms`: when its name was asked for. */
struct gw_upstream_conn *gw_upstream_conn_new(struct gw_upstream_pool *pool, const struct gw_resolver_answer *answer,
                                              int64_t since_ms);
/* On to the next address. GW_E_IO: there is none, or no time; it isn't open. */
GW_NODISCARD enum gw_status gw_upstream_conn_open(struct gw_upstream_conn *conn);
/* Gone, its memory too. Its work, if any, is the caller's business. */
void gw_upstream_conn_close(struct gw_upstream_conn *conn);

#endif
