/* SPDX-License-Identifier: Apache-2.0 */
/* Statuses, explanations, memory: what core/base/gw.h promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/gw.h"

#include <stdlib.h>
#include <string.h>

#include "dies.h"

static void fail__with_text__returns_the_status_and_explains(void **state)
{
    struct gw_err err;

    (void)state;
    assert_int_equal(gw_fail(&err, GW_E_SYNTAX, "%s, line %d", "keys.json", 3), GW_E_SYNTAX);
    assert_string_equal(err.text, "keys.json, line 3");
    assert_int_equal(gw_fail(NULL, GW_E_IO, "nobody asked"), GW_E_IO);
}

static void fail__around_its_own_text__keeps_it(void **state)
{
    struct gw_err err;

    (void)state;
    (void)gw_fail(&err, GW_E_IO, "no such file");
    (void)gw_fail(&err, GW_E_IO, "%s: %s", "keys", err.text);
    assert_string_equal(err.text, "keys: no such file");
}

static void fail__text_longer_than_the_buffer__is_cut_and_terminated(void **state)
{
    struct gw_err err;

    (void)state;
    memset(&err, 'x', sizeof(err));
    (void)gw_fail(&err, GW_E_LIMIT, "%0600d", 1);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void status_name__every_status__has_its_own(void **state)
{
    (void)state;
    for (int i = GW_OK; i <= GW_E_SCRIPT; i++) {
        assert_string_not_equal(gw_status_name((enum gw_status)i), "unknown");
        for (int k = GW_OK; k < i; k++)
            assert_string_not_equal(gw_status_name((enum gw_status)i), gw_status_name((enum gw_status)k));
    }
    assert_string_equal(gw_status_name(GW_E_DENIED), "denied");
}

static void alloc__size_zero__is_a_pointer_that_can_be_freed(void **state)
{
    void *memory = gw_alloc(0);

    (void)state;
    assert_non_null(memory);
    memory = gw_realloc(memory, 0);
    assert_non_null(memory);
    free(memory);
    memory = gw_alloc_zero(0, 8);
    assert_non_null(memory);
    free(memory);
    memory = gw_memdup(NULL, 0);
    assert_non_null(memory);
    free(memory);
}

static void alloc_zero__bytes__are_zero(void **state)
{
    unsigned char *bytes = gw_alloc_zero(100, 3);

    (void)state;
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(bytes[i], 0);
    free(bytes);
}

static void memdup__bytes__are_copied(void **state)
{
    char text[] = "abc";
    char *copy = gw_memdup(text, sizeof(text));

    (void)state;
    text[0] = 'x';
    assert_string_equal(copy, "abc");
    free(copy);
}

static void ask_for_everything(void)
{
    free(gw_alloc_zero(SIZE_MAX / 2, 4));
}

static void break_an_invariant(void)
{
    gw_fatal("on purpose: %d", 1);
}

static void memory__run_out__aborts(void **state)
{
    (void)state;
    assert_true(dies(ask_for_everything));
    assert_true(dies(break_an_invariant));
}

static void wipe__bytes__are_zero(void **state)
{
    unsigned char secret[] = "secret";

    (void)state;
    gw_wipe(secret, sizeof(secret) - 1);
    for (size_t i = 0; i < sizeof(secret); i++)
        assert_int_equal(secret[i], 0);
    gw_wipe(NULL, 0);
}

static void overflow_checks__at_the_edge__tell(void **state)
{
    size_t result = 5;

    (void)state;
    assert_false(gw_add_overflows(SIZE_MAX - 1, 1, &result));
    assert_true(result == SIZE_MAX);
    assert_true(gw_add_overflows(SIZE_MAX, 1, &result));
    assert_false(gw_mul_overflows(SIZE_MAX / 2, 2, &result));
    assert_true(result == SIZE_MAX - 1);
    assert_true(gw_mul_overflows(SIZE_MAX / 2 + 1, 2, &result));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail__with_text__returns_the_status_and_explains),
        cmocka_unit_test(fail__around_its_own_text__keeps_it),
        cmocka_unit_test(fail__text_longer_than_the_buffer__is_cut_and_terminated),
        cmocka_unit_test(status_name__every_status__has_its_own),
        cmocka_unit_test(alloc__size_zero__is_a_pointer_that_can_be_freed),
        cmocka_unit_test(alloc_zero__bytes__are_zero),
        cmocka_unit_test(memdup__bytes__are_copied),
        cmocka_unit_test(memory__run_out__aborts),
        cmocka_unit_test(wipe__bytes__are_zero),
        cmocka_unit_test(overflow_checks__at_the_edge__tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
