/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures callbacks with CLOCK_MONOTONIC, which the kernel answers without being
 * entered. getrusage's processor time is as old as the last tick, hence
 * CLOCK_THREAD_CPUTIME_ID for that, and getrusage for context switches alone.
 */
#include "net/stopwatch.h"

#include <sys/resource.h>
#include <time.h>

#include "base/log.h"

static uint64_t read_ns(clockid_t id)
{
    struct timespec now;

    if (clock_gettime(id, &now) != 0)
        gw_fatal("clock_gettime failed");
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static struct gw_stopwatch_usage read_usage(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_THREAD, &usage) != 0)
        gw_fatal("getrusage failed");
    return (struct gw_stopwatch_usage){
        .cpu_ns = read_ns(CLOCK_THREAD_CPUTIME_ID),
        .sleeps = (uint64_t)usage.ru_nvcsw,
        .preemptions = (uint64_t)usage.ru_nivcsw,
    };
}

static void take_sample(struct gw_stopwatch *stopwatch, const struct gw_stopwatch_usage *usage, uint64_t now_ns)
{
    stopwatch->sample = *usage;
    stopwatch->sampled_ns = now_ns;
    stopwatch->turns = 0;
}

enum gw_stopwatch_cause gw_stopwatch_decide(const struct gw_stopwatch_usage *used, uint64_t turns)
{
    if (used->cpu_ns > GW_STOPWATCH_SLOW_NS)
        return GW_STOPWATCH_WORK;
    return used->preemptions == 0 || used->sleeps > turns ? GW_STOPWATCH_WAIT : GW_STOPWATCH_PREEMPTED;
}

const char *gw_stopwatch_cause_name(enum gw_stopwatch_cause cause)
{
    static const char *const names[] = {
        [GW_STOPWATCH_WORK] = "work", [GW_STOPWATCH_WAIT] = "wait", [GW_STOPWATCH_PREEMPTED] = "preempted"};

    return names[cause];
}

static void keep_longest(struct gw_stopwatch *stopwatch, enum gw_stopwatch_cause cause, uint64_t ns)
{
    _Atomic uint64_t *longest = &stopwatch->counters.longest_ns[cause];

    if (ns > atomic_load_explicit(longest, memory_order_relaxed))
        atomic_store_explicit(longest, ns, memory_order_relaxed);
}

static void look_again(struct gw_stopwatch *stopwatch, uint64_t took_ns, uint64_t now_ns)
{
    struct gw_stopwatch_usage now = read_usage();
    struct gw_stopwatch_usage used = {
        .cpu_ns = now.cpu_ns - stopwatch->sample.cpu_ns,
        .sleeps = now.sleeps - stopwatch->sample.sleeps,
        .preemptions = now.preemptions - stopwatch->sample.preemptions,
    };
    enum gw_stopwatch_cause cause = gw_stopwatch_decide(&used, stopwatch->turns);
    _Atomic uint64_t *slow = &stopwatch->counters.slow[cause];
    uint64_t own_ns = used.cpu_ns < took_ns ? used.cpu_ns : took_ns;

    take_sample(stopwatch, &now, now_ns);
    atomic_store_explicit(slow, atomic_load_explicit(slow, memory_order_relaxed) + 1, memory_order_relaxed);
    keep_longest(stopwatch, cause, cause == GW_STOPWATCH_WORK ? own_ns : took_ns);
    gw_log(GW_LOG_DEBUG, "loop", "the callback %s took %llu us, %llu us of them on the processor: %s", stopwatch->what,
           (unsigned long long)(took_ns / 1000), (unsigned long long)(own_ns / 1000), gw_stopwatch_cause_name(cause));
}

/* Ends the callback that runs, if any. */
static void lap(struct gw_stopwatch *stopwatch, uint64_t now_ns)
{
    uint64_t took_ns = now_ns - stopwatch->began_ns;

    if (stopwatch->what == NULL)
        return;
    if (GW_UNLIKELY(took_ns > GW_STOPWATCH_SLOW_NS))
        look_again(stopwatch, took_ns, now_ns);
    else
        keep_longest(stopwatch, GW_STOPWATCH_WORK, took_ns);
}

void gw_stopwatch_begin(struct gw_stopwatch *stopwatch, const char *what)
{
    uint64_t now_ns = read_ns(CLOCK_MONOTONIC);

    lap(stopwatch, now_ns);
    if (now_ns - stopwatch->sampled_ns >= GW_STOPWATCH_SAMPLE_NS) {
        struct gw_stopwatch_usage usage = read_usage();

        take_sample(stopwatch, &usage, now_ns);
    }
    stopwatch->what = what;
    stopwatch->began_ns = now_ns;
}

void gw_stopwatch_end(struct gw_stopwatch *stopwatch)
{
    if (stopwatch->what == NULL)
        return;
    lap(stopwatch, read_ns(CLOCK_MONOTONIC));
    stopwatch->what = NULL;
    stopwatch->turns++;
}
