/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NET_STOPWATCH_H
#define GW_NET_STOPWATCH_H

/*
 * How long a loop's callbacks take, so that somebody can see that none of them
 * holds up the others. The loop's thread measures, any thread reads the counters.
 *
 * A callback lasts from its begin to the next one's, or to the end of the turn,
 * so that one reading of the clock per callback is enough. One that lasted longer
 * than GW_STOPWATCH_SLOW_NS is looked at again, because on a machine with more to
 * do than processors the time also passes while another process has them:
 *
 *   work       it had the processor for longer than that itself
 *   wait       it hadn't, but slept: for a disk, a lock, a page
 *   preempted  neither; others had the processor
 *
 * The thread's processor time and its context switches cost about a microsecond to
 * read, so they are read at begins that are GW_STOPWATCH_SAMPLE_NS apart or more:
 * the processor time of a slow callback is at most that much too long. A turn that
 * ended since may have slept while waiting for events; a callback that slept once
 * and was preempted too may therefore be called preempted, and is called wait on a
 * machine that is idle otherwise.
 */

#include <stdatomic.h>

#include "base/gw.h"

#define GW_STOPWATCH_SLOW_NS   1000000U
#define GW_STOPWATCH_SAMPLE_NS 250000U

enum gw_stopwatch_cause {
    GW_STOPWATCH_WORK,
    GW_STOPWATCH_WAIT,
    GW_STOPWATCH_PREEMPTED,
    GW_STOPWATCH_CAUSES,
};

/* Written by the loop's thread, read by any (relaxed). */
struct gw_stopwatch_counters {
    /* Since the loop began. Of work it is the processor time, else the time that passed; callbacks that aren't slow are
     * work. */
    _Atomic uint64_t longest_ns[GW_STOPWATCH_CAUSES];
    _Atomic uint64_t slow[GW_STOPWATCH_CAUSES]; /* callbacks longer than GW_STOPWATCH_SLOW_NS */
};

/* What a thread has used of its processor, since it began. */
struct gw_stopwatch_usage {
    uint64_t cpu_ns;
    uint64_t sleeps;      /* context switches that it asked for */
    uint64_t preemptions; /* those that it didn't ask for */
};

/* All zeros is a stopwatch that stands. */
struct gw_stopwatch {
    struct gw_stopwatch_counters counters;
    const char *what; /* the callback that runs; NULL: none */
    uint64_t began_ns;
    struct gw_stopwatch_usage sample; /* as of sampled_ns */
    uint64_t sampled_ns;
    uint64_t turns; /* ended since then: each may have slept once */
};

/* A callback begins; `what` (lives for ever) names it in the log, where slow ones are lines of level debug. */
void gw_stopwatch_begin(struct gw_stopwatch *stopwatch, const char *what);
/* The turn ends: what passes until the next begin is nobody's. */
void gw_stopwatch_end(struct gw_stopwatch *stopwatch);

/* Why a callback was slow, from what the thread has used since the sample before it. Pure. */
enum gw_stopwatch_cause gw_stopwatch_decide(const struct gw_stopwatch_usage *used, uint64_t turns);

const char *gw_stopwatch_cause_name(enum gw_stopwatch_cause cause);

#endif
