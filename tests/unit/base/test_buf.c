/* SPDX-License-Identifier: Apache-2.0 */
/* Growing bytes under a cap: what core/base/buf.h promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static void append__many_kinds__are_in_order(void **state)
{
    struct gw_buf buf;

    (void)state;
    gw_buf_init(&buf, 1000);
    gw_buf_append_lit(&buf, "a=");
    gw_buf_append_u64(&buf, 0);
    gw_buf_append_byte(&buf, ',');
    gw_buf_append_u64(&buf, UINT64_MAX);
    gw_buf_append_str(&buf, GW_STR(";"));
    gw_buf_append_str(&buf, GW_STR_NONE);
    gw_buf_printf(&buf, "%03d%s", 7, "");
    assert_false(buf.overflowed);
    assert_true(gw_str_is(gw_buf_str(&buf), "a=0,18446744073709551615;007"));
    gw_buf_fini(&buf);
}

static void append__past_the_cap__sets_overflowed_and_drops_the_rest(void **state)
{
    struct gw_buf buf;

    (void)state;
    gw_buf_init(&buf, 5);
    gw_buf_append_lit(&buf, "abc");
    gw_buf_append_lit(&buf, "def");
    assert_true(buf.overflowed);
    gw_buf_append_lit(&buf, "g");
    gw_buf_printf(&buf, "%s", "h");
    assert_true(gw_str_is(gw_buf_str(&buf), "abc"));
    gw_buf_clear(&buf);
    assert_false(buf.overflowed);
    gw_buf_append_lit(&buf, "vwxyz");
    assert_false(buf.overflowed);
    assert_true(gw_str_is(gw_buf_str(&buf), "vwxyz"));
    gw_buf_fini(&buf);
}

static void printf__exactly_the_cap__fits(void **state)
{
    struct gw_buf buf;

    (void)state;
    gw_buf_init(&buf, 5);
    gw_buf_printf(&buf, "%s", "");
    gw_buf_printf(&buf, "%d", 12345);
    assert_false(buf.overflowed);
    assert_true(gw_str_is(gw_buf_str(&buf), "12345"));
    gw_buf_printf(&buf, "%d", 6);
    assert_true(buf.overflowed);
    gw_buf_fini(&buf);
}

static void reserve__within_cap__gives_writable_room(void **state)
{
    struct gw_buf buf;

    (void)state;
    gw_buf_init(&buf, 10000);
    gw_buf_append_lit(&buf, "x");
    assert_int_equal(gw_buf_reserve(&buf, 9999), GW_OK);
    memset(buf.at + buf.length, 'y', 9999);
    buf.length += 9999;
    assert_int_equal(gw_buf_reserve(&buf, 1), GW_E_LIMIT);
    assert_int_equal(gw_buf_reserve(&buf, SIZE_MAX), GW_E_LIMIT);
    assert_int_equal(buf.at[0], 'x');
    gw_buf_fini(&buf);
}

static void growth__byte_by_byte__keeps_what_was_written(void **state)
{
    struct gw_buf buf;

    (void)state;
    gw_buf_init(&buf, 5000);
    for (size_t i = 0; i < 5000; i++)
        gw_buf_append_byte(&buf, (char)('a' + i % 26));
    assert_false(buf.overflowed);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(buf.at[i], 'a' + i % 26);
    gw_buf_fini(&buf);
}

static void consume__part_and_more_than_all__drops_from_the_front(void **state)
{
    struct gw_buf buf;

    (void)state;
    gw_buf_init(&buf, 100);
    gw_buf_append_lit(&buf, "hello");
    gw_buf_consume(&buf, 2);
    assert_true(gw_str_is(gw_buf_str(&buf), "llo"));
    gw_buf_consume(&buf, 100);
    assert_int_equal(buf.length, 0);
    gw_buf_append_lit(&buf, "again");
    assert_true(gw_str_is(gw_buf_str(&buf), "again"));
    gw_buf_fini(&buf);
}

static void fini__then_append__is_usable_with_the_same_cap(void **state)
{
    struct gw_buf buf;

    (void)state;
    gw_buf_init(&buf, 3);
    gw_buf_append_lit(&buf, "abc");
    gw_buf_fini(&buf);
    assert_null(buf.at);
    gw_buf_append_lit(&buf, "def");
    assert_true(gw_str_is(gw_buf_str(&buf), "def"));
    gw_buf_append_lit(&buf, "g");
    assert_true(buf.overflowed);
    gw_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append__many_kinds__are_in_order),
        cmocka_unit_test(append__past_the_cap__sets_overflowed_and_drops_the_rest),
        cmocka_unit_test(printf__exactly_the_cap__fits),
        cmocka_unit_test(reserve__within_cap__gives_writable_room),
        cmocka_unit_test(growth__byte_by_byte__keeps_what_was_written),
        cmocka_unit_test(consume__part_and_more_than_all__drops_from_the_front),
        cmocka_unit_test(fini__then_append__is_usable_with_the_same_cap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
