/* SPDX-License-Identifier: Apache-2.0 */
/* Who is refused without being asked about, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "gateway/penalty.h"

static const struct gw_penalty_who anna = {GW_STR_INIT("AKIAANNA"), GW_STR_INIT("arn:aws:iam::1:user/anna")};
static const struct gw_penalty_who same_key = {GW_STR_INIT("AKIAANNA"), GW_STR_INIT("127.0.0.1")};
static const struct gw_penalty_who berta = {GW_STR_INIT("AKIABERTA"), GW_STR_INIT("arn:aws:iam::1:user/berta")};

static void stops__three_in_ten_seconds__refuse_for_a_second(void **state)
{
    struct gw_penalty *penalty = gw_penalty_new(gw_random_system());

    (void)state;
    gw_penalty_note(penalty, &anna, 1000);
    gw_penalty_note(penalty, &anna, 5000);
    assert_false(gw_penalty_is_on(penalty, &anna, 5001));
    gw_penalty_note(penalty, &anna, 11000);
    assert_true(gw_penalty_is_on(penalty, &anna, 11000));
    assert_true(gw_penalty_is_on(penalty, &anna, 11999));
    assert_false(gw_penalty_is_on(penalty, &same_key, 11999));
    assert_false(gw_penalty_is_on(penalty, &berta, 11999));
    assert_false(gw_penalty_is_on(penalty, &anna, 12000));
    gw_penalty_note(penalty, &anna, 12500);
    assert_true(gw_penalty_is_on(penalty, &anna, 13000));
    gw_penalty_free(&penalty);
    assert_null(penalty);
}

static void stops__further_apart__refuse_nobody(void **state)
{
    struct gw_penalty *penalty = gw_penalty_new(gw_random_system());

    (void)state;
    for (int64_t now_ms = 0; now_ms < 100000; now_ms += 5001) {
        gw_penalty_note(penalty, &anna, now_ms);
        assert_false(gw_penalty_is_on(penalty, &anna, now_ms));
    }
    gw_penalty_free(&penalty);
}

static void stops__of_very_many_callers__take_no_more_room_and_keep_the_newest(void **state)
{
    struct gw_penalty *penalty = gw_penalty_new(gw_random_system());
    char name[32];

    (void)state;
    for (int i = 0; i < 100000; i++) {
        int length = snprintf(name, sizeof(name), "AKIA%d", i);
        struct gw_penalty_who other = {{name, (size_t)length}, GW_STR("10.0.0.1")};

        gw_penalty_note(penalty, &other, i / 100);
    }
    for (int i = 0; i < GW_PENALTY_STOPS; i++)
        gw_penalty_note(penalty, &anna, 2000);
    assert_true(gw_penalty_is_on(penalty, &anna, 2000));
    assert_false(gw_penalty_is_on(penalty, &berta, 2000));
    gw_penalty_free(&penalty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stops__three_in_ten_seconds__refuse_for_a_second),
        cmocka_unit_test(stops__further_apart__refuse_nobody),
        cmocka_unit_test(stops__of_very_many_callers__take_no_more_room_and_keep_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
