/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hooks cost: the thread's CPU time from a hook's call to its checked answer,
 * without what a spec does in between for an endpoint, and how much its state grew.
 */
#include <stdlib.h>
#include <time.h>

#include "script/spec_inner.h"

#define SAMPLES_MAX ((size_t)1 << 20)

static int64_t thread_cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static size_t bytes_of(lua_State *L)
{
    return (size_t)lua_gc(L, LUA_GCCOUNT, 0) * 1024 + (size_t)lua_gc(L, LUA_GCCOUNTB, 0);
}

static struct gw_spec_samples *samples_of(struct gw_spec *spec, struct gw_str policy, enum gw_policy_hook hook)
{
    for (size_t i = 0; i < spec->sample_count; i++) {
        struct gw_spec_samples *samples = &spec->samples[i];
        if (samples->hook == hook && gw_str_is(policy, samples->policy))
            return samples;
    }
    spec->samples = gw_realloc(spec->samples, (spec->sample_count + 1) * sizeof *spec->samples);
    struct gw_spec_samples *fresh = &spec->samples[spec->sample_count++];
    *fresh = (struct gw_spec_samples){.policy = gw_str_dup(policy), .hook = hook};
    return fresh;
}

void gw_spec_cost_begin(struct gw_spec *spec, lua_State *L, struct gw_str policy, enum gw_policy_hook hook)
{
    spec->current = samples_of(spec, policy, hook);
    spec->spent_ns = 0;
    spec->began_bytes = bytes_of(L);
    spec->began_ns = thread_cpu_ns();
}

void gw_spec_cost_pause(struct gw_spec *spec)
{
    spec->spent_ns += thread_cpu_ns() - spec->began_ns;
}

void gw_spec_cost_go_on(struct gw_spec *spec)
{
    spec->began_ns = thread_cpu_ns();
}

void gw_spec_cost_end(struct gw_spec *spec, lua_State *L)
{
    struct gw_spec_samples *samples = spec->current;
    size_t now_bytes;
    if (samples == NULL)
        return;
    spec->current = NULL;
    gw_spec_cost_pause(spec);
    now_bytes = L == NULL ? spec->began_bytes : bytes_of(L);
    if (samples->calls == SAMPLES_MAX)
        return;
    if (samples->calls == samples->capacity) {
        samples->capacity = samples->capacity == 0 ? 64 : samples->capacity * 2;
        samples->cpu_ns = gw_realloc(samples->cpu_ns, samples->capacity * sizeof *samples->cpu_ns);
        samples->memory = gw_realloc(samples->memory, samples->capacity * sizeof *samples->memory);
    }
    samples->cpu_ns[samples->calls] = spec->spent_ns;
    samples->memory[samples->calls] = now_bytes > spec->began_bytes ? now_bytes - spec->began_bytes : 0;
    samples->calls++;
}

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static int compare_sizes(const void *a, const void *b)
{
    size_t left = *(const size_t *)a;
    size_t right = *(const size_t *)b;
    return left < right ? -1 : left > right;
}

static int compare_costs(const void *a, const void *b)
{
    const struct gw_spec_cost *left = a;
    const struct gw_spec_cost *right = b;
    int order = gw_str_compare(left->policy, right->policy);
    return order != 0 ? order : (int)left->hook - (int)right->hook;
}

size_t gw_spec_costs(struct gw_spec *spec, const struct gw_spec_cost **costs)
{
    free(spec->costs);
    spec->costs = gw_alloc_zero(spec->sample_count + 1, sizeof *spec->costs);
    size_t count = 0;
    for (size_t i = 0; i < spec->sample_count; i++) {
        struct gw_spec_samples *samples = &spec->samples[i];
        if (samples->calls == 0)
            continue;
        qsort(samples->cpu_ns, samples->calls, sizeof *samples->cpu_ns, compare_times);
        qsort(samples->memory, samples->calls, sizeof *samples->memory, compare_sizes);
        spec->costs[count++] = (struct gw_spec_cost){
            .policy = gw_str_from(samples->policy),
            .hook = samples->hook,
            .calls = samples->calls,
            .cpu_ns = samples->cpu_ns[samples->calls / 2],
            .cpu_max_ns = samples->cpu_ns[samples->calls - 1],
            .memory = samples->memory[samples->calls / 2],
            .memory_max = samples->memory[samples->calls - 1],
        };
    }
    if (count > 1)
        qsort(spec->costs, count, sizeof *spec->costs, compare_costs);
    *costs = spec->costs;
    return count;
}

void gw_spec_cost_fini(struct gw_spec *spec)
{
    for (size_t i = 0; i < spec->sample_count; i++) {
        free(spec->samples[i].policy);
        free(spec->samples[i].cpu_ns);
        free(spec->samples[i].memory);
    }
    free(spec->samples);
    free(spec->costs);
}
