/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_MOCK_H
#define GW_GATEWAY_MOCK_H

/*
 * What a gateway fakes under `eksgate mock`; a gateway that serves has none of it
 * and pays one comparison with NULL.
 *
 *   clock      the time in data (createdAt, modifiedAt); signatures, tokens,
 *              deadlines and Date never see it
 *   ids        of entries, clusters and updates, derived from a number
 *   clusters   made when they are mentioned, unless DeleteCluster deleted them
 *   faults     ordered by an operator (gateway/fault_table.h)
 *   requests   the last ones are kept (gateway/requests.h)
 *
 * Any thread.
 */

#include "eks/service.h"
#include "gateway/commit.h"
#include "gateway/fault_table.h"
#include "gateway/requests.h"
#include "gateway/tally.h"

struct gw_mock_clock {
    bool frozen;
    int64_t ms; /* of a frozen one */
};

struct gw_mock_ids {
    bool seeded;
    uint64_t seed;
};

struct gw_mock_options {
    struct gw_mock_clock clock;
    struct gw_mock_ids ids;
    struct gw_str faults; /* JSON for gw_fault_table_set, in order; {NULL,0}: none */
    size_t requests_max;  /* kept */
};

/* "system", "frozen:2026-01-01T00:00:00Z"; GW_E_SYNTAX. */
GW_NODISCARD enum gw_status gw_mock_clock_parse(struct gw_str text, struct gw_mock_clock *clock);
/* "random", "seeded:4711"; GW_E_SYNTAX. */
GW_NODISCARD enum gw_status gw_mock_ids_parse(struct gw_str text, struct gw_mock_ids *ids);

struct gw_mock;

/* new: the options are copied. `random` is borrowed. */
struct gw_mock *gw_mock_new(const struct gw_mock_options *options, const struct gw_random *random);
void gw_mock_free(struct gw_mock **mock);

/* What changes in the store's description of the world: env->now_ms, ids and makes_cluster. env->wall_ms is filled. */
void gw_mock_fill_env(struct gw_mock *mock, struct gw_eks_env *env);

/* The same for objects that are new to the mock, however often it has made their like: ids as of the first. */
void gw_mock_fill_new(struct gw_mock *mock, struct gw_eks_env *env);

/* Nothing replaces the state as a whole in between: for whoever looks at the store more than once. */
void gw_mock_hold(struct gw_mock *mock);
void gw_mock_let_go(struct gw_mock *mock);

/* What a mock remembers of how its state came about: goes where the state goes. */
struct gw_mock_history {
    struct gw_tally deleted; /* clusters that DeleteCluster deleted */
    struct gw_tally made;    /* how often each thing was made */
};
void gw_mock_history_init(struct gw_mock_history *history);
void gw_mock_history_fini(struct gw_mock_history *history);
/* Makes `history`, initialised, a copy of the mock's. */
void gw_mock_history_get(struct gw_mock *mock, struct gw_mock_history *history);
/* On the writer's thread, from a job's `stage`: what it stages brings a history along, which the mock copies when that
 * is published. Borrowed until then; NULL: the mock's own stays. */
void gw_mock_history_offer(struct gw_mock *mock, const struct gw_mock_history *history);
/* Counts that an entry, or a cluster, was made. */
void gw_mock_history_count(struct gw_mock *mock, struct gw_mock_history *history, const struct gw_store_key *key,
                           bool is_entry);

/* A history as text, for a mock of another process. */
void gw_mock_history_encode(const struct gw_mock *mock, const struct gw_mock_history *history, struct gw_buf *out);
/* Such a text, exactly as it is written, into an initialised history. Before the mock has counted anything: from then
 * on it counts as the one did that wrote the text. GW_E_SYNTAX; GW_E_STALE: it has taken over another's count. */
GW_NODISCARD enum gw_status gw_mock_history_decode(struct gw_mock *mock, struct gw_str text,
                                                   struct gw_mock_history *history);

/* Clock and faults as they were at the start; no requests. */
void gw_mock_begin(struct gw_mock *mock);

/* The clock; a step moves one that is frozen, GW_E_DENIED for one that runs, GW_E_RANGE past the years that it knows.
 */
struct gw_mock_clock gw_mock_clock_get(const struct gw_mock *mock);
void gw_mock_clock_set(struct gw_mock *mock, const struct gw_mock_clock *clock);
GW_NODISCARD enum gw_status gw_mock_clock_step(struct gw_mock *mock, int64_t step_ms);

/* borrows */
struct gw_fault_table *gw_mock_faults(struct gw_mock *mock);
struct gw_requests *gw_mock_requests(struct gw_mock *mock);

/* What it wants to hear of the writer; borrows, as long as the mock lives. */
const struct gw_commit_watch *gw_mock_watch(struct gw_mock *mock);

#endif
