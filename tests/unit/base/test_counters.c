/* SPDX-License-Identifier: Apache-2.0 */
/* Counts and buckets shared by threads: what core/base/counters.h promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/counters.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define NOON INT64_C(1795348800)

static struct gw_counters_name name_of(const char *owner, const char *key)
{
    return (struct gw_counters_name){gw_str_from(owner), gw_str_from(key)};
}

static uint64_t add(struct gw_counters *counters, const char *owner, const char *key, int64_t now_s, uint64_t per_s,
                    uint64_t amount)
{
    struct gw_counters_name name = name_of(owner, key);
    uint64_t total = 0;

    assert_int_equal(gw_counters_add(counters, &name, now_s, per_s, amount, &total), GW_OK);
    return total;
}

static uint64_t take(struct gw_counters *counters, const char *key, int64_t now_s, uint64_t rate, uint64_t per_s,
                     uint64_t burst)
{
    struct gw_counters_name name = name_of("p", key);
    struct gw_counters_bucket bucket = {rate, per_s, burst};
    uint64_t wait = 0;

    assert_int_equal(gw_counters_take(counters, &name, now_s, &bucket, 1, &wait), GW_OK);
    return wait;
}

static void add__within_a_window__gives_the_running_total(void **state)
{
    struct gw_counters *counters = gw_counters_new(gw_random_system());

    (void)state;
    assert_int_equal(add(counters, "p", "k", NOON, 60, 1), 1);
    assert_int_equal(add(counters, "p", "k", NOON + 59, 60, 4), 5);
    assert_int_equal(add(counters, "p", "k", NOON + 59, 60, 0), 5);
    assert_int_equal(add(counters, "p", "k", NOON + 60, 60, 1), 1);
    gw_counters_free(&counters);
    assert_null(counters);
}

static void add__owners_keys_and_periods__are_counted_apart(void **state)
{
    struct gw_counters *counters = gw_counters_new(gw_random_system());

    (void)state;
    assert_int_equal(add(counters, "p", "k", NOON, 60, 1), 1);
    assert_int_equal(add(counters, "q", "k", NOON, 60, 1), 1);
    assert_int_equal(add(counters, "p", "l", NOON, 60, 1), 1);
    assert_int_equal(add(counters, "p", "k", NOON, 61, 1), 1);
    assert_int_equal(add(counters, "pk", "", NOON, 60, 1), 1);
    assert_int_equal(take(counters, "k", NOON, 1, 60, 1), 0);
    assert_int_equal(add(counters, "p", "k", NOON, 60, 1), 2);
    assert_int_equal(gw_counters_count(counters), 6);
    gw_counters_free(&counters);
}

static void add__an_instant_slightly_before_the_window__counts_in_it(void **state)
{
    struct gw_counters *counters = gw_counters_new(gw_random_system());

    (void)state;
    assert_int_equal(add(counters, "p", "k", NOON, 60, 1), 1);
    assert_int_equal(add(counters, "p", "k", NOON - 1, 60, 1), 2);
    assert_int_equal(add(counters, "p", "k", NOON - 61, 60, 1), 1);
    gw_counters_free(&counters);
}

static void add__huge_totals__stay_at_the_largest(void **state)
{
    struct gw_counters *counters = gw_counters_new(gw_random_system());
    uint64_t total = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        total = add(counters, "p", "k", NOON, 60, GW_COUNTERS_AMOUNT_MAX);
    assert_true(total == UINT64_C(100) * GW_COUNTERS_AMOUNT_MAX);
    gw_counters_free(&counters);
}

static void add__numbers_out_of_range__are_refused(void **state)
{
    struct gw_counters *counters = gw_counters_new(gw_random_system());
    struct gw_counters_name name = name_of("p", "k");
    uint64_t total;

    (void)state;
    assert_int_equal(gw_counters_add(counters, &name, NOON, 0, 1, &total), GW_E_RANGE);
    assert_int_equal(gw_counters_add(counters, &name, NOON, GW_COUNTERS_PER_MAX + 1, 1, &total), GW_E_RANGE);
    assert_int_equal(gw_counters_add(counters, &name, NOON, 60, GW_COUNTERS_AMOUNT_MAX + UINT64_C(1), &total),
                     GW_E_RANGE);
    assert_int_equal(gw_counters_add(counters, &name, -1, 60, 1, &total), GW_E_RANGE);
    assert_int_equal(gw_counters_count(counters), 0);
    gw_counters_free(&counters);
}

static void add__when_full__is_refused_until_something_ends(void **state)
{
    struct gw_counters *counters = gw_counters_new(gw_random_system());
    struct gw_counters_name name = name_of("p", "one too many");
    char key[16];
    uint64_t total;

    (void)state;
    for (unsigned i = 0; i < GW_COUNTERS_MAX; i++) {
        (void)snprintf(key, sizeof(key), "%u", i);
        assert_int_equal(add(counters, "p", key, NOON, i < 10 ? 60 : 3600, 1), 1);
    }
    assert_int_equal(gw_counters_add(counters, &name, NOON + 59, 3600, 1, &total), GW_E_LIMIT);
    assert_int_equal(gw_counters_count(counters), GW_COUNTERS_MAX);
    assert_int_equal(add(counters, "p", "77", NOON + 59, 3600, 1), 2);
    assert_int_equal(gw_counters_add(counters, &name, NOON + 60, 3600, 1, &total), GW_OK);
    assert_int_equal(gw_counters_count(counters), GW_COUNTERS_MAX - 9);
    assert_int_equal(add(counters, "p", "77", NOON + 60, 3600, 1), 3);
    gw_counters_free(&counters);
}

static void add__refusals_of_a_full_table__cost_next_to_nothing(void **state)
{
    struct gw_counters *counters = gw_counters_new(gw_random_system());
    struct gw_counters_name name = name_of("p", "x");
    struct timespec began;
    struct timespec ended;
    char key[16];
    uint64_t total;

    (void)state;
    for (unsigned i = 0; i < GW_COUNTERS_MAX; i++) {
        (void)snprintf(key, sizeof(key), "%u", i);
        (void)add(counters, "p", key, NOON, 3600, 1);
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &began);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(gw_counters_add(counters, &name, NOON, 3600, 1, &total), GW_E_LIMIT);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended);
    /* A search through all of them each time would take more than ten seconds under a sanitizer, and one without. */
    assert_true(ended.tv_sec - began.tv_sec <= 1);
    gw_counters_free(&counters);
}

static void take__a_fresh_bucket__gives_the_burst_then_says_when(void **state)
{
    struct gw_counters *counters = gw_counters_new(gw_random_system());

    (void)state;
    assert_int_equal(take(counters, "k", NOON, 10, 60, 2), 0);
    assert_int_equal(take(counters, "k", NOON, 10, 60, 2), 0);
    assert_int_equal(take(counters, "k", NOON, 10, 60, 2), 6);
    assert_int_equal(take(counters, "k", NOON + 5, 10, 60, 2), 1);
    assert_int_equal(take(counters, "k", NOON + 6, 10, 60, 2), 0);
    assert_int_equal(take(counters, "k", NOON + 6, 10, 60, 2), 6);
    gw_counters_free(&counters);
}

static void take__rates_that_divide_badly__lose_nothing(void **state)
{
    struct gw_counters *counters = gw_counters_new(gw_random_system());
    unsigned taken = 0;

    (void)state;
    for (int64_t second = 0; second <= 7000; second++)
        taken += take(counters, "k", NOON + second, 3, 7, 2) == 0;
    assert_int_equal(taken, 2 + 7000 * 3 / 7);
    gw_counters_free(&counters);
}

static void take__after_a_long_pause__has_the_burst_and_no_more(void **state)
{
    struct gw_counters *counters = gw_counters_new(gw_random_system());

    (void)state;
    assert_int_equal(take(counters, "k", NOON, 1, 1, 2), 0);
    assert_int_equal(take(counters, "k", NOON + 1000000, 1, 1, 2), 0);
    assert_int_equal(take(counters, "k", NOON + 1000000, 1, 1, 2), 0);
    assert_int_equal(take(counters, "k", NOON + 1000000, 1, 1, 2), 1);
    gw_counters_free(&counters);
}

static void take__a_clock_set_back__gives_nothing_away_and_goes_on(void **state)
{
    struct gw_counters *counters = gw_counters_new(gw_random_system());

    (void)state;
    assert_int_equal(take(counters, "k", NOON, 1, 60, 1), 0);
    assert_int_equal(take(counters, "k", NOON - 5, 1, 60, 1), 60);
    assert_int_equal(take(counters, "k", NOON - 100000, 1, 60, 1), 60);
    assert_int_equal(take(counters, "k", NOON - 100000 + 60, 1, 60, 1), 0);
    gw_counters_free(&counters);
}

static void take__numbers_out_of_range__are_refused(void **state)
{
    static const struct gw_counters_bucket wrong[] = {{0, 1, 1},
                                                      {1, 0, 1},
                                                      {1, 1, 0},
                                                      {GW_COUNTERS_RATE_MAX + 1, 1, 1},
                                                      {1, 1, GW_COUNTERS_RATE_MAX + 1},
                                                      {1, GW_COUNTERS_PER_MAX + 1, 1}};
    static const struct gw_counters_bucket right = {1, 1, 5};
    struct gw_counters *counters = gw_counters_new(gw_random_system());
    struct gw_counters_name name = name_of("p", "k");
    uint64_t wait;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(wrong); i++)
        assert_int_equal(gw_counters_take(counters, &name, NOON, &wrong[i], 1, &wait), GW_E_RANGE);
    assert_int_equal(gw_counters_take(counters, &name, NOON, &right, 6, &wait), GW_E_RANGE);
    assert_int_equal(gw_counters_take(counters, &name, NOON, &right, 0, &wait), GW_E_RANGE);
    assert_int_equal(gw_counters_take(counters, &name, NOON, &right, UINT64_MAX, &wait), GW_E_RANGE);
    gw_counters_free(&counters);
}

struct team {
    struct gw_counters *counters;
    unsigned taken;
};

#define ROUNDS 20000

static void *count_along(void *ctx)
{
    struct team *team = ctx;
    char key[16];

    for (unsigned i = 0; i < ROUNDS; i++) {
        (void)add(team->counters, "p", "shared", NOON, 3600, 1);
        (void)snprintf(key, sizeof(key), "%u", i % 500);
        (void)add(team->counters, "p", key, NOON + i / 100, 1, 1);
        team->taken += take(team->counters, "bucket", NOON, 1, 3600, 1000) == 0;
    }
    return NULL;
}

static void threads__all_at_once__lose_no_count(void **state)
{
    struct team teams[4] = {{0}};
    pthread_t threads[4];
    struct gw_counters *counters = gw_counters_new(gw_random_system());
    unsigned taken = 0;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(threads); i++) {
        teams[i].counters = counters;
        assert_int_equal(pthread_create(&threads[i], NULL, count_along, &teams[i]), 0);
    }
    for (size_t i = 0; i < GW_COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        taken += teams[i].taken;
    }
    assert_int_equal(add(counters, "p", "shared", NOON, 3600, 0), GW_COUNT(threads) * ROUNDS);
    assert_int_equal(taken, 1000);
    gw_counters_free(&counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add__within_a_window__gives_the_running_total),
        cmocka_unit_test(add__owners_keys_and_periods__are_counted_apart),
        cmocka_unit_test(add__an_instant_slightly_before_the_window__counts_in_it),
        cmocka_unit_test(add__huge_totals__stay_at_the_largest),
        cmocka_unit_test(add__numbers_out_of_range__are_refused),
        cmocka_unit_test(add__when_full__is_refused_until_something_ends),
        cmocka_unit_test(add__refusals_of_a_full_table__cost_next_to_nothing),
        cmocka_unit_test(take__a_fresh_bucket__gives_the_burst_then_says_when),
        cmocka_unit_test(take__rates_that_divide_badly__lose_nothing),
        cmocka_unit_test(take__after_a_long_pause__has_the_burst_and_no_more),
        cmocka_unit_test(take__a_clock_set_back__gives_nothing_away_and_goes_on),
        cmocka_unit_test(take__numbers_out_of_range__are_refused),
        cmocka_unit_test(threads__all_at_once__lose_no_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
