/* SPDX-License-Identifier: Apache-2.0 */
/* The system's clocks, and a clock that a test chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#include <time.h>

static void wall__system_clock__agrees_with_time(void **state)
{
    int64_t before = (int64_t)time(NULL);
    int64_t now = gw_clock_wall_ms(gw_clock_system());
    int64_t after = (int64_t)time(NULL);

    (void)state;
    /* time(2) may lag behind by a tick of the kernel's coarse clock. */
    assert_true(now / 1000 >= before && now / 1000 <= after + 1);
}

static void monotonic__read_often__never_goes_back(void **state)
{
    int64_t last = gw_clock_monotonic_ms(gw_clock_system());

    (void)state;
    for (int i = 0; i < 10000; i++) {
        int64_t now = gw_clock_monotonic_ms(gw_clock_system());

        assert_true(now >= last);
        last = now;
    }
}

static int64_t chosen(void *ctx)
{
    return *(const int64_t *)ctx;
}

static void clock__given_by_a_test__is_the_one_read(void **state)
{
    int64_t instant = -5;
    const struct gw_clock clock = {&instant, chosen, chosen};

    (void)state;
    assert_true(gw_clock_wall_ms(&clock) == -5);
    instant = 1700000000123;
    assert_true(gw_clock_monotonic_ms(&clock) == 1700000000123);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wall__system_clock__agrees_with_time),
        cmocka_unit_test(monotonic__read_often__never_goes_back),
        cmocka_unit_test(clock__given_by_a_test__is_the_one_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
