/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of forms: one spelling undone once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/form.h"

static struct gw_arena arena;

static int start(void **unused)
{
    (void)unused;
    gw_arena_init(&arena, 0);
    return 0;
}

static int stop(void **unused)
{
    (void)unused;
    gw_arena_fini(&arena);
    return 0;
}

static void assert_decoded(const char *piece, struct gw_str wanted)
{
    struct gw_str decoded = GW_STR_NONE;

    assert_int_equal(gw_form_decode(gw_str_from(piece), &arena, &decoded), GW_OK);
    assert_true(gw_str_equal(decoded, wanted));
}

static void form_decode__plus__is_a_space_and_its_escape_a_plus(void **unused)
{
    (void)unused;
    assert_decoded("a+b%2Bc%20d", GW_STR("a b+c d"));
    assert_decoded("++", GW_STR("  "));
}

static void form_decode__escapes__are_undone_once_in_either_case(void **unused)
{
    (void)unused;
    assert_decoded("%41%63tion", GW_STR("Action"));
    assert_decoded("%3d%3D%2525", GW_STR("==%25"));
    assert_decoded("%00%ff", GW_STR("\0\xff"));
}

static void form_decode__nothing_to_undo__takes_no_memory(void **unused)
{
    struct gw_str piece = GW_STR("GetCallerIdentity");
    struct gw_str decoded;

    (void)unused;
    assert_int_equal(gw_form_decode(piece, &arena, &decoded), GW_OK);
    assert_ptr_equal(decoded.at, piece.at);
    assert_decoded("", GW_STR(""));
    assert_int_equal(arena.taken, 0);
}

static void form_decode__broken_escapes__are_syntax_errors(void **unused)
{
    static const char *const broken[] = {"%", "%4", "a%zz", "%4g", "%g4", "%%41", "a+%", "% 1", "%+1", "%@1", "%`1"};
    struct gw_str decoded;

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(broken); i++)
        assert_int_equal(gw_form_decode(gw_str_from(broken[i]), &arena, &decoded), GW_E_SYNTAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(form_decode__plus__is_a_space_and_its_escape_a_plus),
        TEST(form_decode__escapes__are_undone_once_in_either_case),
        TEST(form_decode__nothing_to_undo__takes_no_memory),
        TEST(form_decode__broken_escapes__are_syntax_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
