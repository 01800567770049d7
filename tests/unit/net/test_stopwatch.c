/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callbacks that work, sleep and do neither; what is counted against whom.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include "net/stopwatch.h"

#define MS 1000000

static uint64_t clock_ns(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void spin(uint64_t ns)
{
    uint64_t until_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

    while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until_ns)
        ;
}

static void doze(uint64_t ns)
{
    const struct timespec time = {.tv_nsec = (long)ns};

    assert_int_equal(nanosleep(&time, NULL), 0);
}

static uint64_t slow(const struct gw_stopwatch *stopwatch)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < GW_STOPWATCH_CAUSES; i++)
        sum += stopwatch->counters.slow[i];
    return sum;
}

static void callback__that_spins__worked(void **state)
{
    struct gw_stopwatch stopwatch = {0};

    (void)state;
    gw_stopwatch_begin(&stopwatch, "test");
    spin(3 * MS);
    gw_stopwatch_end(&stopwatch);
    assert_int_equal(stopwatch.counters.slow[GW_STOPWATCH_WORK], 1);
    assert_int_equal(slow(&stopwatch), 1);
    assert_in_range(stopwatch.counters.longest_ns[GW_STOPWATCH_WORK], 3 * MS, 30 * MS);
}

static void callback__that_sleeps__waited(void **state)
{
    struct gw_stopwatch stopwatch = {0};

    (void)state;
    gw_stopwatch_begin(&stopwatch, "test");
    doze(2 * MS);
    gw_stopwatch_end(&stopwatch);
    assert_int_equal(stopwatch.counters.slow[GW_STOPWATCH_WAIT], 1);
    assert_int_equal(slow(&stopwatch), 1);
    assert_true(stopwatch.counters.longest_ns[GW_STOPWATCH_WAIT] >= 2 * MS);
}

static void callback__before_another__isnt_charged_for_it(void **state)
{
    struct gw_stopwatch stopwatch = {0};

    (void)state;
    gw_stopwatch_begin(&stopwatch, "sleeps");
    doze(2 * MS);
    gw_stopwatch_begin(&stopwatch, "works");
    spin(2 * MS);
    gw_stopwatch_begin(&stopwatch, "sleeps");
    doze(2 * MS);
    gw_stopwatch_end(&stopwatch);
    assert_int_equal(stopwatch.counters.slow[GW_STOPWATCH_WAIT], 2);
    assert_int_equal(stopwatch.counters.slow[GW_STOPWATCH_WORK], 1);
}

static void turn__its_waiting_for_events__is_no_callback(void **state)
{
    struct gw_stopwatch stopwatch = {0};

    (void)state;
    gw_stopwatch_end(&stopwatch);
    assert_int_equal(stopwatch.counters.longest_ns[GW_STOPWATCH_WORK], 0);
    gw_stopwatch_begin(&stopwatch, "test");
    gw_stopwatch_end(&stopwatch);
    doze(2 * MS);
    spin(2 * MS);
    gw_stopwatch_end(&stopwatch);
    gw_stopwatch_begin(&stopwatch, "test");
    gw_stopwatch_end(&stopwatch);
    assert_int_equal(slow(&stopwatch) - stopwatch.counters.slow[GW_STOPWATCH_PREEMPTED], 0);
    assert_true(stopwatch.counters.longest_ns[GW_STOPWATCH_WORK] > 0);
}

/* Turn by turn for longer than samples are apart, the work between two samples adds up to less than a slow callback. */
static void callbacks__short_ones__never_add_up(void **state)
{
    struct gw_stopwatch stopwatch = {0};
    uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + 10 * MS;

    (void)state;
    while (clock_ns(CLOCK_MONOTONIC) < until_ns) {
        gw_stopwatch_begin(&stopwatch, "test");
        spin(20000);
        gw_stopwatch_begin(&stopwatch, "test");
        gw_stopwatch_end(&stopwatch);
    }
    assert_int_equal(stopwatch.counters.slow[GW_STOPWATCH_WORK], 0);
    assert_in_range(stopwatch.counters.longest_ns[GW_STOPWATCH_WORK], 20000, MS);
}

static void decide__usage__names_the_cause(void **state)
{
    static const struct {
        struct gw_stopwatch_usage used;
        uint64_t turns;
        enum gw_stopwatch_cause cause;
    } cases[] = {
        {{MS + 1, 0, 0}, 0, GW_STOPWATCH_WORK},
        {{MS + 1, 3, 7}, 0, GW_STOPWATCH_WORK},
        {{MS, 0, 0}, 0, GW_STOPWATCH_WAIT}, /* nobody took the processor from it */
        {{20000, 1, 0}, 0, GW_STOPWATCH_WAIT},
        {{20000, 1, 5}, 0, GW_STOPWATCH_WAIT}, /* slept, and was preempted */
        {{20000, 0, 1}, 0, GW_STOPWATCH_PREEMPTED},
        {{20000, 2, 1}, 2, GW_STOPWATCH_PREEMPTED}, /* two turns slept while they waited for events */
        {{20000, 3, 1}, 2, GW_STOPWATCH_WAIT},
        {{20000, 2, 0}, 2, GW_STOPWATCH_WAIT},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++)
        assert_int_equal(gw_stopwatch_decide(&cases[i].used, cases[i].turns), cases[i].cause);
    assert_string_equal(gw_stopwatch_cause_name(GW_STOPWATCH_WORK), "work");
    assert_string_equal(gw_stopwatch_cause_name(GW_STOPWATCH_WAIT), "wait");
    assert_string_equal(gw_stopwatch_cause_name(GW_STOPWATCH_PREEMPTED), "preempted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callback__that_spins__worked),
        cmocka_unit_test(callback__that_sleeps__waited),
        cmocka_unit_test(callback__before_another__isnt_charged_for_it),
        cmocka_unit_test(turn__its_waiting_for_events__is_no_callback),
        cmocka_unit_test(callbacks__short_ones__never_add_up),
        cmocka_unit_test(decide__usage__names_the_cause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
