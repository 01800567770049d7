/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_UPSTREAM_CREDENTIALS_INNER_H
#define GW_UPSTREAM_CREDENTIALS_INNER_H

/*
 * The inside of struct gw_credentials: for upstream/credentials*.c and their tests.
 *
 * One lock for everything but the two pointers that readers follow; it is held for
 * a few instructions, never over an exchange.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "codec/digest.h"
#include "upstream/credentials_chain.h"

#define GW_CREDENTIALS_THREADS 4 /* the first refreshes the gateway's own too; the others begin when roles queue up */
#define GW_CREDENTIALS_WAITERS 1000 /* of one role */
#define GW_CREDENTIALS_BUCKETS 1024

/* A set in use; counted, so that a thread can sign with one that has been replaced. */
struct gw_credentials_set {
    struct gw_credentials_snapshot snapshot;
    struct gw_secret *secret;
    _Atomic unsigned holders;
    unsigned char digest[GW_DIGEST_SIZE]; /* of everything secret in it: are two the same? */
    int64_t refresh_ms;                   /* wall clock */
    size_t text_length;
    char *text; /* access key, token and provider, one after the other */
};

/* new: held once. `before` (may be NULL): one with the same keys, whose version goes on then. */
struct gw_credentials_set *gw_credentials_set_new(const struct gw_chain_found *found,
                                                  const struct gw_credentials_set *before,
                                                  const struct gw_credentials_options *options);
struct gw_credentials_set *gw_credentials_set_hold(struct gw_credentials_set *set);
/* Accepts NULL; the last holder wipes. */
void gw_credentials_set_drop(struct gw_credentials_set *set);
/* Drops it when no reader of the epoch can see it any more. */
void gw_credentials_set_retire(struct gw_epoch *epoch, struct gw_credentials_set *set);

struct gw_credentials_waiter {
    void (*wake)(void *ctx);
    void *ctx;
};

/* One role, session name and source identity. */
struct gw_credentials_entry {
    struct gw_credentials_entry *chain; /* of its bucket */
    struct gw_credentials_entry *newer; /* by last use */
    struct gw_credentials_entry *older;
    struct gw_credentials_entry *next; /* of the queue */
    struct gw_credentials_role role;   /* views into `text` */
    struct gw_credentials_set *set;    /* NULL: none yet, or expired */
    struct gw_credentials_waiter *waiters;
    size_t waiter_count;
    size_t waiter_room;
    uint64_t doubted;       /* version */
    int64_t retry_ms;       /* monotonic: not before */
    unsigned failures;      /* in a row */
    enum gw_status failure; /* of the last attempt; GW_OK: it went well, or there was none */
    struct gw_err why;
    bool busy; /* in the queue, or being fetched */
    size_t bucket;
    char text[];
};

struct gw_credentials_roles {
    struct gw_hash_seed seed;
    struct gw_credentials_entry *buckets[GW_CREDENTIALS_BUCKETS];
    struct gw_credentials_entry *newest;
    struct gw_credentials_entry *oldest;
    size_t count;
    struct gw_credentials_entry *queue;
    struct gw_credentials_entry **queue_end;
    size_t queued;
};

struct gw_credentials_trouble {
    struct gw_err why;
};

struct gw_credentials {
    struct gw_arena arena; /* the options' texts; wiped */
    struct gw_credentials_options options;
    struct gw_chain_world world;
    struct gw_chain_tls tls;
    _Atomic(struct gw_credentials_set *) current;     /* of the epoch */
    _Atomic(struct gw_credentials_trouble *) trouble; /* of the epoch; why there are none */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
    bool fetching;     /* the gateway's own */
    bool doubted;      /* somebody's wish to fetch at once */
    uint64_t doubt;    /* the version that was doubted last */
    size_t rounds;     /* that are over */
    unsigned failures; /* in a row */
    int64_t retry_ms;  /* monotonic: not before */
    struct gw_credentials_roles roles;
    pthread_t threads[GW_CREDENTIALS_THREADS];
    size_t thread_count;
    size_t idle; /* threads that wait */
};

/* new: without any thread; `ask` and `pause` may be a test's. */
struct gw_credentials *gw_credentials_make(const struct gw_credentials_options *options);

/* The next thing that is due, done on this thread: false when nothing is. `*wait_ms` is then how long until something
 * may be, at most a minute. The lock is held at the call and at the return, not meanwhile. */
bool gw_credentials_step(struct gw_credentials *credentials, int64_t *wait_ms);

/* Waits between attempts: 1 s, 2 s, ... 60 s, up to a quarter less. */
int64_t gw_credentials_backoff(const struct gw_credentials *credentials, unsigned failures);

/* Under the lock. */
void gw_credentials_roles_init(struct gw_credentials *credentials);
void gw_credentials_roles_fini(struct gw_credentials *credentials);
bool gw_credentials_roles_step(struct gw_credentials *credentials);
void gw_credentials_roles_doubt(struct gw_credentials *credentials, uint64_t version);
/* One more thread where there is more to do than threads that wait. */
void gw_credentials_spread(struct gw_credentials *credentials);

#endif
