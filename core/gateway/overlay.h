/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_OVERLAY_H
#define GW_GATEWAY_OVERLAY_H

/*
 * Access entries of this gateway's on clusters of an upstream that knows none
 * (GW_GATEWAY_OVERLAY; eks/overlay.h tells who answers what).
 *
 *   decode -> choose -> authorize: enter ... -> prepare: answer, or what the store says
 *                                               forward -> follow
 *
 * `enter` makes sure that the cluster is there and that the store's row belongs to
 * it: a DescribeCluster, remembered for as long as the setting says, and where the
 * row isn't right a change of the store with a record of the gateway's own. What
 * can't be told refuses the request. `follow` takes up what a forwarded request
 * has done to clusters.
 *
 * Inside of the gateway, like exchange.h.
 */

#include "eks/overlay.h"
#include "gateway/forward.h"

/* All workers': what was seen of clusters lately, and marks by which one can tell that something happened to a cluster
 * of that name since it was asked for. */
struct gw_overlay_memory;

/* new */
struct gw_overlay_memory *gw_overlay_memory_new(const struct gw_random *random);
void gw_overlay_memory_free(struct gw_overlay_memory **memory);

/* Of whose cluster, as whom the upstream sees the caller. Views. */
struct gw_overlay_key {
    struct gw_str access_key;
    struct gw_str account;
    struct gw_str region;
    struct gw_str cluster;
};

/* Moves on with every change of a cluster of that name, anybody's in any region, made or about to be made. Any thread.
 */
uint64_t gw_overlay_memory_mark(const struct gw_overlay_memory *memory, const struct gw_overlay_key *key);
void gw_overlay_memory_touch(struct gw_overlay_memory *memory, const struct gw_overlay_key *key);
/* Keeps scope and front of what was seen; asked for at `asked_ms` (monotonic) with that mark. Any thread. */
void gw_overlay_memory_keep(struct gw_overlay_memory *memory, const struct gw_overlay_key *key,
                            const struct gw_eks_seen *seen, int64_t asked_ms, uint64_t mark);
/* What was seen last, however long ago; false when nothing is remembered. arena: copies, without the document.
 * `asked_ms` and `mark` are those of the asking. Any thread. */
bool gw_overlay_memory_recall(struct gw_overlay_memory *memory, const struct gw_overlay_key *key,
                              struct gw_arena *arena, struct gw_eks_seen *seen, int64_t *asked_ms, uint64_t *mark);

static inline bool gw_overlay_is_on(const struct gw_exchange *exchange)
{
    return exchange->worker->gateway->options.mode == GW_GATEWAY_OVERLAY;
}

/* Sets call->is_forwarded by what was decoded. */
void gw_overlay_choose(struct gw_exchange *exchange);

/* See above, for calls that need it; nothing for others. WAITING: the stage runs again. FAILED: the answer is filled.
 */
enum gw_step gw_overlay_enter(struct gw_exchange *exchange);
/* The next enter looks again. */
void gw_overlay_leave(struct gw_exchange *exchange);

/* The cluster is known not to be there; it is, and the store's row is its. Neither before `enter`. */
bool gw_overlay_is_absent(const struct gw_exchange *exchange);
bool gw_overlay_is_there(const struct gw_exchange *exchange);
/* What policies are told of the cluster is what the upstream shows. Inside an epoch. */
void gw_overlay_fill_facts(const struct gw_exchange *exchange, struct gw_eks_facts *facts);

/* Of a forwarded call: refused where the store couldn't follow. Inside an epoch. */
enum gw_step gw_overlay_check(struct gw_exchange *exchange);

/* True for calls whose answer `answer` fills, in the place of the store. */
bool gw_overlay_answers(const struct gw_exchange *exchange);
enum gw_step gw_overlay_answer(struct gw_exchange *exchange);

/* A request that changes clusters leaves, or has been answered. */
void gw_overlay_touch(const struct gw_exchange *exchange);
/* Behind the upstream's reply to a change, which has been taken into the answer: the store follows. */
enum gw_step gw_overlay_follow(struct gw_exchange *exchange);
/* Behind the reply to a read, `step` as its taking went: what is ours goes into the answer. */
enum gw_step gw_overlay_join(struct gw_exchange *exchange, enum gw_step step);

/* Inside of overlay*.c: */

enum gw_overlay_phase {
    GW_OVERLAY_NEW,
    GW_OVERLAY_ASKS,   /* the upstream is to be asked */
    GW_OVERLAY_ASKED,  /* the upstream's reply is awaited */
    GW_OVERLAY_TOLD,   /* `seen` is there, to be compared with the row */
    GW_OVERLAY_GONE,   /* the upstream has no such cluster; its row is still to go */
    GW_OVERLAY_WRITES, /* the writer has a change of the row */
    GW_OVERLAY_THERE,  /* the row is the cluster's */
    GW_OVERLAY_ABSENT,
};

/* An exchange's. In its arena. */
struct gw_overlay {
    enum gw_overlay_phase phase;
    enum gw_overlay_phase behind; /* of the writing: where to go on */
    struct gw_forward read;
    struct gw_eks_seen seen;
    uint64_t mark; /* from before the upstream was asked */
    int64_t asked_ms;
    unsigned attempts;
    bool is_remembered; /* `seen` is from the memory */
    struct gw_eks_overlay_change change;
    struct gw_store_change drop; /* of the row that goes first */
    struct gw_commit_job job;
    bool is_written;            /* the job is through */
    bool follows;               /* of a forwarded change; `seen` is from its reply */
    enum gw_eks_auth_mode mode; /* of a cluster that is deleted */
};

struct gw_overlay *gw_overlay_of(struct gw_exchange *exchange);
struct gw_overlay_key gw_overlay_key_of(const struct gw_exchange *exchange);
/* Hands the change over, with a record of the gateway's own. GW_OK: the exchange runs on when it is through. */
GW_NODISCARD enum gw_status gw_overlay_write(struct gw_exchange *exchange);

#endif
