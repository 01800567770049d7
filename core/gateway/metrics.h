/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_METRICS_H
#define GW_GATEWAY_METRICS_H

/*
 * Counters of one worker, written by its thread alone and read by the status
 * listener's (relaxed atomics), and their text in Prometheus' exposition format
 * 0.0.4.
 */

#include <stdatomic.h>

#include "eks/service.h"
#include "gateway/commit.h"
#include "gateway/fetch.h"
#include "gateway/policy.h"
#include "net/server.h"
#include "net/stopwatch.h"
#include "upstream/upstream.h"

#define GW_METRICS_STATUSES 12

struct gw_metrics {
    _Atomic uint64_t requests[GW_EKS_OP_COUNT][GW_METRICS_STATUSES];
#define GW_METRIC(field, name, type, help) _Atomic uint64_t field;
#include "gateway/metrics.def"
#undef GW_METRIC
    struct gw_policy_counters policy;
    struct gw_fetch_counters fetch;
};

/* Adds one; for counters with a single writing thread (no locked instruction). */
static inline void gw_metrics_count(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

void gw_metrics_count_request(struct gw_metrics *metrics, enum gw_eks_op op, unsigned status);

/* Everything that /metrics shows. */
struct gw_metrics_sources {
    const struct gw_metrics *const *workers;
    const struct gw_server_counters *const *servers;
    const struct gw_stopwatch_counters *const *loops;    /* of the workers */
    const struct gw_upstream_counters *const *upstreams; /* of the workers; NULL: nothing is forwarded */
    size_t worker_count;
    const struct gw_commit_counters *commit;
    const struct gw_store_counters *store;     /* NULL: it keeps nothing beyond the process */
    const struct gw_journal_counters *journal; /* NULL: no audit */
    uint64_t entries;
    uint64_t clusters;
    uint64_t keys;
    uint64_t policies;
    uint64_t counters;   /* of policies */
    uint64_t generation; /* of the settings */
    uint64_t reloads;
    uint64_t reloads_failed;
    int64_t started_s;
};

void gw_metrics_encode(const struct gw_metrics_sources *sources, struct gw_buf *out);

#endif
