/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns, wake-ups from other threads, periodic calls, cached times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <time.h>

#include "net/loop.h"

struct seen {
    struct gw_loop *loop;
    int wakes;
    int turns;
    int periods;
    int64_t now_ms;
    int clock_reads;
};

static int64_t read_clock(void *ctx)
{
    struct seen *seen = ctx;

    seen->clock_reads++;
    return seen->now_ms;
}

static void count_wake(void *ctx)
{
    ((struct seen *)ctx)->wakes++;
}

static void count_turn(void *ctx)
{
    ((struct seen *)ctx)->turns++;
}

static void stop_at_third(void *ctx)
{
    struct seen *seen = ctx;

    if (++seen->periods == 3)
        gw_loop_stop(seen->loop);
}

static void stop_when_woken(void *ctx)
{
    struct seen *seen = ctx;

    seen->wakes++;
    gw_loop_stop(seen->loop);
}

static void wake__several_times_before_it_is_seen__gives_one_call(void **state)
{
    struct seen seen = {.loop = gw_loop_new(gw_clock_system())};

    (void)state;
    gw_loop_on_wake(seen.loop, count_wake, &seen);
    gw_loop_wake(seen.loop);
    gw_loop_wake(seen.loop);
    gw_loop_wake(seen.loop);
    gw_loop_turn(seen.loop, true);
    gw_loop_turn(seen.loop, false);
    assert_int_equal(seen.wakes, 1);
    gw_loop_wake(seen.loop);
    gw_loop_turn(seen.loop, true);
    assert_int_equal(seen.wakes, 2);
    gw_loop_free(&seen.loop);
    assert_null(seen.loop);
}

static void *wake_from_outside(void *ctx)
{
    gw_loop_wake(((struct seen *)ctx)->loop);
    return NULL;
}

static void wake__from_another_thread__ends_the_waiting(void **state)
{
    struct seen seen = {.loop = gw_loop_new(gw_clock_system())};
    pthread_t thread;

    (void)state;
    gw_loop_on_wake(seen.loop, stop_when_woken, &seen);
    assert_int_equal(pthread_create(&thread, NULL, wake_from_outside, &seen), 0);
    gw_loop_run(seen.loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(seen.wakes, 1);
    gw_loop_free(&seen.loop);
}

static void turn__at_its_end__calls_once(void **state)
{
    struct seen seen = {.loop = gw_loop_new(gw_clock_system())};

    (void)state;
    gw_loop_on_turn(seen.loop, count_turn, &seen);
    gw_loop_turn(seen.loop, false);
    gw_loop_turn(seen.loop, false);
    assert_int_equal(seen.turns, 2);
    gw_loop_free(&seen.loop);
}

static void stop__before_running__ends_the_run(void **state)
{
    struct gw_loop *loop = gw_loop_new(gw_clock_system());

    (void)state;
    gw_loop_stop(loop);
    gw_loop_run(loop); /* returns */
    assert_non_null(gw_loop_base(loop));
    gw_loop_free(&loop);
}

static void every__period__calls_until_stopped(void **state)
{
    struct seen seen = {.loop = gw_loop_new(gw_clock_system())};

    (void)state;
    gw_loop_every(seen.loop, 2, stop_at_third, &seen);
    gw_loop_run(seen.loop);
    assert_int_equal(seen.periods, 3);
    gw_loop_free(&seen.loop);
}

static void after__its_time__calls_once(void **state)
{
    struct seen seen = {.loop = gw_loop_new(gw_clock_system())};
    int64_t began_ms = gw_clock_monotonic_ms(gw_clock_system());

    (void)state;
    (void)gw_loop_after(seen.loop, 20, stop_when_woken, &seen);
    gw_loop_run(seen.loop);
    assert_int_equal(seen.wakes, 1);
    assert_true(gw_clock_monotonic_ms(gw_clock_system()) - began_ms >= 10); /* the loop's clock is a coarse one */
    for (int i = 0; i < 3; i++)
        gw_loop_turn(seen.loop, false);
    assert_int_equal(seen.wakes, 1);
    gw_loop_free(&seen.loop);
}

static void after__cancelled__is_never_called(void **state)
{
    struct seen seen = {.loop = gw_loop_new(gw_clock_system())};
    struct gw_loop_timer *timers[3];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        timers[i] = gw_loop_after(seen.loop, 0, count_wake, &seen);
    gw_loop_cancel(&timers[1]); /* from between two others */
    assert_null(timers[1]);
    gw_loop_cancel(&timers[1]);
    gw_loop_turn(seen.loop, true);
    gw_loop_turn(seen.loop, false);
    assert_int_equal(seen.wakes, 2);
    gw_loop_free(&seen.loop);
}

struct chain {
    struct gw_loop *loop;
    struct gw_loop_timer *other;
    int calls;
};

/* A call may ask for another and cancel one that waits. */
static void call_and_cancel(void *ctx)
{
    struct chain *chain = ctx;

    gw_loop_cancel(&chain->other);
    if (++chain->calls == 2)
        gw_loop_stop(chain->loop);
    else
        (void)gw_loop_after(chain->loop, 1, call_and_cancel, chain);
}

static void after__from_within_a_call__is_called_too(void **state)
{
    struct seen seen = {.loop = gw_loop_new(gw_clock_system())};
    struct chain chain = {.loop = seen.loop};

    (void)state;
    chain.other = gw_loop_after(seen.loop, 60000, count_wake, &seen);
    (void)gw_loop_after(seen.loop, 1, call_and_cancel, &chain);
    gw_loop_run(seen.loop);
    assert_int_equal(chain.calls, 2);
    assert_int_equal(seen.wakes, 0);
    gw_loop_free(&seen.loop);
}

static void free__with_calls_that_wait__makes_none(void **state)
{
    struct seen seen = {.loop = gw_loop_new(gw_clock_system())};

    (void)state;
    (void)gw_loop_after(seen.loop, 0, count_wake, &seen);
    (void)gw_loop_after(seen.loop, 60000, count_wake, &seen);
    gw_loop_free(&seen.loop);
    assert_int_equal(seen.wakes, 0);
}

static void times__within_a_turn__are_read_once(void **state)
{
    struct seen seen = {.now_ms = 5};
    const struct gw_clock clock = {&seen, read_clock, read_clock};
    struct gw_loop *loop = gw_loop_new(&clock);

    (void)state;
    assert_int_equal(gw_loop_wall_ms(loop), 5);
    seen.now_ms = 9;
    assert_int_equal(gw_loop_monotonic_ms(loop), 5);
    assert_int_equal(seen.clock_reads, 2);
    gw_loop_turn(loop, false);
    assert_int_equal(gw_loop_wall_ms(loop), 9);
    gw_loop_free(&loop);
}

static void wait_two_ms(void *ctx)
{
    const struct timespec time = {.tv_nsec = 2000000};

    (void)ctx;
    assert_int_equal(nanosleep(&time, NULL), 0);
}

static uint64_t slow_ones(const struct gw_loop *loop)
{
    const struct gw_stopwatch_counters *counters = gw_loop_counters_get(loop);

    return counters->slow[GW_STOPWATCH_WAIT] + counters->slow[GW_STOPWATCH_PREEMPTED];
}

static void callbacks__of_every_kind__are_measured(void **state)
{
    struct gw_loop *loop = gw_loop_new(gw_clock_system());

    (void)state;
    gw_loop_on_wake(loop, wait_two_ms, NULL);
    gw_loop_wake(loop);
    gw_loop_turn(loop, true);
    assert_int_equal(slow_ones(loop), 1);
    (void)gw_loop_after(loop, 0, wait_two_ms, NULL);
    gw_loop_turn(loop, true);
    assert_int_equal(slow_ones(loop), 2);
    gw_loop_on_turn(loop, wait_two_ms, NULL);
    gw_loop_turn(loop, false);
    assert_int_equal(slow_ones(loop), 3);
    gw_loop_on_turn(loop, NULL, NULL);
    gw_loop_every(loop, 1, wait_two_ms, NULL);
    while (slow_ones(loop) < 5)
        gw_loop_turn(loop, true);
    gw_loop_free(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wake__several_times_before_it_is_seen__gives_one_call),
        cmocka_unit_test(wake__from_another_thread__ends_the_waiting),
        cmocka_unit_test(turn__at_its_end__calls_once),
        cmocka_unit_test(stop__before_running__ends_the_run),
        cmocka_unit_test(every__period__calls_until_stopped),
        cmocka_unit_test(after__its_time__calls_once),
        cmocka_unit_test(after__cancelled__is_never_called),
        cmocka_unit_test(after__from_within_a_call__is_called_too),
        cmocka_unit_test(free__with_calls_that_wait__makes_none),
        cmocka_unit_test(times__within_a_turn__are_read_once),
        cmocka_unit_test(callbacks__of_every_kind__are_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
