/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NET_RESOLVER_H
#define GW_NET_RESOLVER_H

/*
 * Host names to addresses, for loops that must not wait. getaddrinfo runs on one
 * thread of the process's own, and what it answers is kept for a while: libevent's
 * resolver would not block either, but reads only part of what the C library
 * follows (nsswitch.conf, /etc/hosts with its changes, mDNS, resolv.conf's
 * options), and a gateway that finds another host than curl on the same machine
 * is hard to explain.
 *
 * Numeric addresses and "localhost" are answered at once. An answer is fresh for
 * `fresh_ms`; after that it is still given while a new one is fetched, and where
 * none comes, until it is `stale_ms` old. A failure is remembered for `failed_ms`.
 *
 * Any thread. Nothing here waits for a name server, the last release neither: a
 * lookup that hangs ends on its own, after everybody has left.
 */

#include "base/clock.h"
#include "base/link.h"
#include "net/address.h"

#define GW_RESOLVER_ADDRESSES 16  /* kept of one name */
#define GW_RESOLVER_NAMES     256 /* kept; the one that was asked for longest ago makes room */
#define GW_RESOLVER_QUEUE     64  /* names that wait for the thread */
#define GW_RESOLVER_HOST      255 /* bytes of a name */

struct gw_resolver;

struct gw_resolver_answer {
    struct gw_address addresses[GW_RESOLVER_ADDRESSES]; /* in the order of the C library's preference (RFC 6724) */
    size_t count;
};

struct gw_resolver_options {
    const struct gw_clock *clock;
    unsigned fresh_ms;
    unsigned stale_ms;
    unsigned failed_ms;
    /* What asks, on the thread; `host` ends with a NUL. NULL: getaddrinfo. GW_E_MISSING with `err`. */
    enum gw_status (*look_up)(void *ctx, const char *host, struct gw_resolver_answer *answer, struct gw_err *err);
    void *ctx;
};

/* Somebody who is told that a look-up he asked for has ended: from the thread, with a lock held, so it may only wake.
 */
struct gw_resolver_waiter {
    void (*wake)(void *ctx);
    void *ctx;
    /* the resolver's own */
    struct gw_link link;
    bool waits;
};

/* new: held once. The options' ctx must outlive the process if a look-up may hang. */
struct gw_resolver *gw_resolver_new(const struct gw_resolver_options *options);
/* The process's: held once more; 30 s fresh, an hour stale, failures for 2 s. */
struct gw_resolver *gw_resolver_shared(void);
struct gw_resolver *gw_resolver_hold(struct gw_resolver *resolver);
void gw_resolver_release(struct gw_resolver **resolver);

void gw_resolver_join(struct gw_resolver *resolver, struct gw_resolver_waiter *waiter);
/* No wake comes after it. */
void gw_resolver_leave(struct gw_resolver *resolver, struct gw_resolver_waiter *waiter);

/* GW_OK: `answer` has one address at least. GW_AGAIN: being looked up, `waiter` is woken. GW_E_MISSING: it has none, or
 * no name server answers. GW_E_BUSY: too many names wait. GW_E_SYNTAX: no name. */
GW_NODISCARD enum gw_status gw_resolver_find(struct gw_resolver *resolver, struct gw_resolver_waiter *waiter,
                                             struct gw_str host, struct gw_resolver_answer *answer, struct gw_err *err);

/* None of its addresses answers: what is known is still given, and is looked up anew with the next question. */
void gw_resolver_doubt(struct gw_resolver *resolver, struct gw_str host);

#endif
