/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_SCRIPT_WAYS_OUT_H
#define GW_TEST_SCRIPT_WAYS_OUT_H

/*
 * Hooks that try to get out of the sandbox, as a worker serves them: in slices,
 * with the budget of a request. Each is refused within bounds of processor time,
 * in total and for what other requests wait at a stretch, and the same instance
 * answers the next request. A line per attack says what it took.
 */

#include "bench_of_one.h"

/* A sanitizer makes everything slower, and the interpreter isn't even instrumented. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WAYS_OUT_IS_SLOW  1
#define WAYS_OUT_TOTAL_MS 2000
#define WAYS_OUT_WAIT_MS  1000
#else
#define WAYS_OUT_IS_SLOW  0
#define WAYS_OUT_TOTAL_MS 60
#define WAYS_OUT_WAIT_MS  30
#endif

enum ending {
    KILLED, /* by time or memory */
    KILLED_TIME,
    KILLED_MEMORY,
    FAILED,       /* an ordinary error, or any kill */
    HARMLESS_END, /* refused by Lua or answered: the hook returns deny('survived') */
};

static inline void ways_out_later(void *ctx, struct gw_policy_call *call)
{
    (void)ctx;
    (void)call;
}

static inline void ways_out_wake(void *ctx)
{
    (void)ctx;
}

static inline void check_ending(const struct bench *bench, enum ending ending, enum gw_policy_answer answer)
{
    uint64_t by_time = bench->counters.killed_time;
    uint64_t by_memory = bench->counters.killed_memory;
    assert_int_equal(answer, GW_POLICY_FAILED);
    assert_int_equal(bench->call.stopped, by_time + by_memory > 0);
    if (ending == HARMLESS_END) {
        if (bench->call.refusal.failed)
            fail_msg("it was to end by itself");
        return;
    }
    assert_true(bench->call.refusal.failed);
    assert_int_equal(bench->call.refusal.reason.length, strlen("policy failed"));
    assert_int_equal(by_time + by_memory + bench->counters.failed, 1);
    if (ending == KILLED || (ending == KILLED_MEMORY && WAYS_OUT_IS_SLOW))
        assert_int_equal(by_time + by_memory, 1);
    else if (ending == KILLED_TIME)
        assert_int_equal(by_time, 1);
    else if (ending == KILLED_MEMORY)
        assert_int_equal(by_memory, 1);
}

/* Asks until it is answered, as a worker's loop would. */
static inline enum gw_policy_answer ask_hostile(struct bench *bench, const char *name)
{
    enum gw_policy_answer answer;
    double total = 0;
    double longest = 0;
    do {
        double began = bench_cpu_ms();
        answer = bench_authorize(bench);
        double took = bench_cpu_ms() - began;
        total += took;
        longest = took > longest ? took : longest;
    } while (answer == GW_POLICY_WAITING);
    printf("%-64s %6.2f ms in all, %5.2f at a stretch\n", name, total, longest);
    if (total > WAYS_OUT_TOTAL_MS || longest > WAYS_OUT_WAIT_MS)
        fail_msg("%s took %.1f ms, %.1f at a stretch", name, total, longest);
    return answer;
}

/* `before` is run when the policy is loaded, `code` in its hook. */
static inline void attack_with(const char *name, const char *before, const char *code, enum ending ending)
{
    struct bench bench;
    char text[6000];
    bench_init(&bench);
    bench.services.later = ways_out_later;
    int length = snprintf(text, sizeof text,
                          "local verdict = require('eksgate.verdict')\n%s\nlocal policy = { name = 'p' }\n"
                          "function policy.authorize(req)\nif req.cluster ~= 'hostile' then return nil end\n"
                          "do\n%s\nend\nreturn verdict.deny('survived')\nend\nreturn policy\n",
                          before, code);
    assert_in_range(length, 1, sizeof text - 1);
    bench_add(&bench, "p.lua", text);
    bench_load(&bench);
    bench.call.wake = ways_out_wake;
    bench.request.cluster = GW_STR("hostile");
    enum gw_policy_answer answer = ask_hostile(&bench, name);
    check_ending(&bench, ending, answer);
    bench_finish(&bench);
    bench.request.cluster = GW_STR("my-cluster");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    bench_fini(&bench);
}

static inline void attack(const char *name, const char *code, enum ending ending)
{
    attack_with(name, "", code, ending);
}

#define ATTACK(name, code, ending)                                                                                     \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        attack(#name, code, ending);                                                                                   \
    }

#define ATTACK_WITH(name, before, code, ending)                                                                        \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        attack_with(#name, before, code, ending);                                                                      \
    }

#endif
