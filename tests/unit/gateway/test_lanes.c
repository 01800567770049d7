/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes: one at a time in each, in the order of coming, whoever gives up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/lanes.h"

#define A GW_STR("a")
#define B GW_STR("b")

struct one {
    struct gw_lane_place place;
    unsigned woken;
};

static void on_wake(void *ctx)
{
    ((struct one *)ctx)->woken++;
}

static struct gw_lanes *make(struct one *ones, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ones[i] = (struct one){.woken = 0};
        ones[i].place.wake = on_wake;
        ones[i].place.ctx = &ones[i];
    }
    return gw_lanes_new(gw_random_system());
}

static void expect_first(const struct one *ones, size_t count, size_t first)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(gw_lanes_is_first(&ones[i].place), i == first);
}

static void lane__of_several__lets_one_go_at_a_time_in_order(void **state)
{
    struct one ones[3];
    struct gw_lanes *lanes = make(ones, GW_COUNT(ones));

    (void)state;
    assert_int_equal(gw_lanes_enter(lanes, A, &ones[0].place), GW_OK);
    assert_int_equal(gw_lanes_enter(lanes, A, &ones[1].place), GW_AGAIN);
    assert_int_equal(gw_lanes_enter(lanes, A, &ones[2].place), GW_AGAIN);
    for (size_t i = 0; i < GW_COUNT(ones); i++) {
        expect_first(ones, GW_COUNT(ones), i);
        gw_lanes_leave(lanes, &ones[i].place);
        gw_lanes_leave(lanes, &ones[i].place); /* twice is once */
    }
    expect_first(ones, GW_COUNT(ones), SIZE_MAX);
    assert_int_equal(ones[0].woken, 0);
    assert_int_equal(ones[1].woken, 1);
    assert_int_equal(ones[2].woken, 1);
    gw_lanes_free(&lanes);
}

static void lanes__of_other_names__do_not_wait_for_each_other(void **state)
{
    struct one ones[3];
    struct gw_lanes *lanes = make(ones, GW_COUNT(ones));

    (void)state;
    assert_int_equal(gw_lanes_enter(lanes, A, &ones[0].place), GW_OK);
    assert_int_equal(gw_lanes_enter(lanes, B, &ones[1].place), GW_OK);
    assert_int_equal(gw_lanes_enter(lanes, GW_STR(""), &ones[2].place), GW_OK);
    for (size_t i = 0; i < GW_COUNT(ones); i++)
        gw_lanes_leave(lanes, &ones[i].place);
    assert_int_equal(gw_lanes_enter(lanes, A, &ones[1].place), GW_OK); /* as new */
    gw_lanes_leave(lanes, &ones[1].place);
    gw_lanes_free(&lanes);
}

static void lane__left_from_behind__keeps_its_order_and_wakes_nobody(void **state)
{
    struct one ones[4];
    struct gw_lanes *lanes = make(ones, GW_COUNT(ones));

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(gw_lanes_enter(lanes, A, &ones[i].place), i == 0 ? GW_OK : GW_AGAIN);
    gw_lanes_leave(lanes, &ones[1].place);
    gw_lanes_leave(lanes, &ones[2].place); /* the last: who comes next stands behind the first */
    assert_int_equal(gw_lanes_enter(lanes, A, &ones[3].place), GW_AGAIN);
    expect_first(ones, GW_COUNT(ones), 0);
    assert_int_equal(ones[1].woken + ones[2].woken + ones[3].woken, 0);
    gw_lanes_leave(lanes, &ones[0].place);
    expect_first(ones, GW_COUNT(ones), 3);
    assert_int_equal(ones[3].woken, 1);
    gw_lanes_leave(lanes, &ones[3].place);
    gw_lanes_free(&lanes);
}

static void lane__with_too_many__turns_others_away(void **state)
{
    struct one ones[GW_LANES_BEHIND_MAX + 2];
    struct gw_lanes *lanes = make(ones, GW_COUNT(ones));
    struct one *last = &ones[GW_LANES_BEHIND_MAX + 1];

    (void)state;
    for (size_t i = 0; i <= GW_LANES_BEHIND_MAX; i++)
        assert_int_equal(gw_lanes_enter(lanes, A, &ones[i].place), i == 0 ? GW_OK : GW_AGAIN);
    assert_int_equal(gw_lanes_enter(lanes, A, &last->place), GW_E_BUSY);
    gw_lanes_leave(lanes, &last->place); /* it is in none */
    expect_first(ones, GW_COUNT(ones), 0);
    gw_lanes_leave(lanes, &ones[7].place);
    assert_int_equal(gw_lanes_enter(lanes, A, &last->place), GW_AGAIN);
    for (size_t i = 0; i < GW_COUNT(ones); i++)
        gw_lanes_leave(lanes, &ones[i].place);
    gw_lanes_free(&lanes);
}

/* Many threads, few lanes. */
struct crowd {
    struct gw_lanes *lanes;
    unsigned inside[4]; /* of a lane: written without a lock by who is its first */
    unsigned went[4];
};

struct walker {
    struct crowd *crowd;
    unsigned number;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool is_woken;
};

static void wake_walker(void *ctx)
{
    struct walker *walker = ctx;

    (void)pthread_mutex_lock(&walker->lock);
    walker->is_woken = true;
    (void)pthread_cond_signal(&walker->woken);
    (void)pthread_mutex_unlock(&walker->lock);
}

static void await(struct walker *walker)
{
    (void)pthread_mutex_lock(&walker->lock);
    while (!walker->is_woken)
        (void)pthread_cond_wait(&walker->woken, &walker->lock);
    walker->is_woken = false;
    (void)pthread_mutex_unlock(&walker->lock);
}

#define ROUNDS  2000
#define WALKERS 8

static void *walk(void *ctx)
{
    struct walker *walker = ctx;
    struct crowd *crowd = walker->crowd;

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct gw_lane_place place = {.wake = wake_walker, .ctx = walker};
        unsigned lane = (walker->number + i) % GW_COUNT(crowd->inside);
        char name = (char)('a' + lane);

        if (gw_lanes_enter(crowd->lanes, (struct gw_str){&name, 1}, &place) == GW_AGAIN)
            await(walker);
        if (!gw_lanes_is_first(&place) || crowd->inside[lane]++ != 0)
            abort();
        crowd->went[lane]++;
        crowd->inside[lane]--;
        gw_lanes_leave(crowd->lanes, &place);
    }
    return NULL;
}

static void lanes__of_many_threads__hold_one_each(void **state)
{
    struct crowd crowd = {.lanes = gw_lanes_new(gw_random_system())};
    struct walker walkers[WALKERS];
    pthread_t threads[WALKERS];

    (void)state;
    for (unsigned i = 0; i < WALKERS; i++) {
        walkers[i] = (struct walker){.crowd = &crowd, .number = i};
        (void)pthread_mutex_init(&walkers[i].lock, NULL);
        (void)pthread_cond_init(&walkers[i].woken, NULL);
        assert_int_equal(pthread_create(&threads[i], NULL, walk, &walkers[i]), 0);
    }
    for (unsigned i = 0; i < WALKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        (void)pthread_cond_destroy(&walkers[i].woken);
        (void)pthread_mutex_destroy(&walkers[i].lock);
    }
    for (size_t i = 0; i < GW_COUNT(crowd.went); i++)
        assert_int_equal(crowd.went[i], WALKERS * ROUNDS / GW_COUNT(crowd.went));
    gw_lanes_free(&crowd.lanes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lane__of_several__lets_one_go_at_a_time_in_order),
        cmocka_unit_test(lanes__of_other_names__do_not_wait_for_each_other),
        cmocka_unit_test(lane__left_from_behind__keeps_its_order_and_wakes_nobody),
        cmocka_unit_test(lane__with_too_many__turns_others_away),
        cmocka_unit_test(lanes__of_many_threads__hold_one_each),
    };

    return cmocka_run_group_tests_name("gateway/lanes", tests, NULL, NULL);
}
