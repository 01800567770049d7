/* SPDX-License-Identifier: Apache-2.0 */
/* Views of text: what core/base/str.h promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

#include <stdlib.h>

static void equal__empty_and_absent__are_the_same_text(void **state)
{
    (void)state;
    assert_true(gw_str_equal(GW_STR(""), GW_STR_NONE));
    assert_true(gw_str_is(gw_str_from(NULL), ""));
    assert_false(gw_str_equal(GW_STR("a"), GW_STR_NONE));
    assert_true(gw_str_equal((struct gw_str){"ab\0c", 4}, (struct gw_str){"ab\0c", 4}));
    assert_false(gw_str_equal((struct gw_str){"ab\0c", 4}, (struct gw_str){"ab\0d", 4}));
}

static void starts__prefixes__are_told_from_others(void **state)
{
    (void)state;
    assert_true(gw_str_starts(GW_STR("arn:aws"), GW_STR("arn:")));
    assert_true(gw_str_starts(GW_STR("arn:"), GW_STR("arn:")));
    assert_true(gw_str_starts(GW_STR_NONE, GW_STR_NONE));
    assert_false(gw_str_starts(GW_STR("arn"), GW_STR("arn:")));
    assert_false(gw_str_starts(GW_STR("brn:"), GW_STR("arn:")));
}

static void slice__outside_the_text__is_clipped(void **state)
{
    (void)state;
    assert_true(gw_str_is(gw_str_slice(GW_STR("hello"), 1, 3), "ell"));
    assert_true(gw_str_is(gw_str_slice(GW_STR("hello"), 3, SIZE_MAX), "lo"));
    assert_true(gw_str_is(gw_str_slice(GW_STR("hello"), 9, 1), ""));
    assert_null(gw_str_slice(GW_STR_NONE, 2, 2).at);
}

static void compare__bytes_and_prefixes__are_in_byte_order(void **state)
{
    (void)state;
    assert_true(gw_str_compare(GW_STR("a"), GW_STR("b")) < 0);
    assert_true(gw_str_compare(GW_STR("ab"), GW_STR("a")) > 0);
    assert_true(gw_str_compare(GW_STR(""), GW_STR_NONE) == 0);
    assert_true(gw_str_compare(GW_STR("a"), GW_STR("\xc3\xa9")) < 0);
    assert_true(gw_str_compare(GW_STR("Z"), GW_STR("a")) < 0);
}

static void equal_nocase__ascii_letters_only__fold(void **state)
{
    (void)state;
    assert_true(gw_str_equal_nocase(GW_STR("Content-TYPE"), GW_STR("content-type")));
    assert_false(gw_str_equal_nocase(GW_STR("a"), GW_STR("ab")));
    assert_false(gw_str_equal_nocase(GW_STR("@["), GW_STR("`{")));
    assert_false(gw_str_equal_nocase(GW_STR("\xc3\x89"), GW_STR("\xc3\xa9")));
}

static void find__byte_absent_or_start_behind__is_the_length(void **state)
{
    struct gw_str text = GW_STR("a/b/c");

    (void)state;
    assert_int_equal(gw_str_find(text, '/', 0), 1);
    assert_int_equal(gw_str_find(text, '/', 2), 3);
    assert_int_equal(gw_str_find(text, '/', 4), 5);
    assert_int_equal(gw_str_find(text, '/', 99), 5);
    assert_int_equal(gw_str_find(GW_STR_NONE, '/', 0), 0);
}

static void search__needle__is_found_at_its_first_place(void **state)
{
    (void)state;
    assert_int_equal(gw_str_search(GW_STR("aabaab"), GW_STR("aab")), 0);
    assert_int_equal(gw_str_search(GW_STR("abababc"), GW_STR("ababc")), 2);
    assert_int_equal(gw_str_search(GW_STR("abc"), GW_STR("bc")), 1);
    assert_int_equal(gw_str_search(GW_STR("abc"), GW_STR("abcd")), SIZE_MAX);
    assert_int_equal(gw_str_search(GW_STR("abc"), GW_STR("cd")), SIZE_MAX);
    assert_int_equal(gw_str_search(GW_STR_NONE, GW_STR("a")), SIZE_MAX);
    assert_int_equal(gw_str_search(GW_STR("abc"), GW_STR("")), 0);
}

static void trim__blanks_at_both_ends__go_and_others_stay(void **state)
{
    (void)state;
    assert_true(gw_str_is(gw_str_trim(GW_STR(" \ta b\t ")), "a b"));
    assert_true(gw_str_is(gw_str_trim(GW_STR(" \t ")), ""));
    assert_true(gw_str_is(gw_str_trim(GW_STR("\r\na")), "\r\na"));
    assert_true(gw_str_is(gw_str_trim(GW_STR_NONE), ""));
}

static void split__until_rest_is_absent__gives_every_piece(void **state)
{
    static const char *const expected[] = {"a", "", "b", ""};
    struct gw_str rest = GW_STR("a,,b,");
    size_t count = 0;

    (void)state;
    while (rest.at != NULL) {
        assert_true(count < GW_COUNT(expected));
        assert_true(gw_str_is(gw_str_split(&rest, ','), expected[count]));
        count++;
    }
    assert_int_equal(count, GW_COUNT(expected));
    rest = GW_STR("");
    assert_true(gw_str_is(gw_str_split(&rest, ','), ""));
    assert_null(rest.at);
}

static void parse_u64__digits__give_the_number(void **state)
{
    uint64_t number = 1;

    (void)state;
    assert_int_equal(gw_str_parse_u64(GW_STR("0"), 10, &number), GW_OK);
    assert_int_equal(number, 0);
    assert_int_equal(gw_str_parse_u64(GW_STR("0010"), 10, &number), GW_OK);
    assert_int_equal(number, 10);
    assert_int_equal(gw_str_parse_u64(GW_STR("18446744073709551615"), UINT64_MAX, &number), GW_OK);
    assert_true(number == UINT64_MAX);
}

static void parse_u64__anything_else__is_refused_and_writes_nothing(void **state)
{
    static const char *const wrong[] = {"", "+5", "-1", " 5", "5 ", "0x5", "5a", "1_000", "\xd9\xa5"};
    uint64_t number = 77;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(wrong); i++)
        assert_int_equal(gw_str_parse_u64(gw_str_from(wrong[i]), UINT64_MAX, &number), GW_E_SYNTAX);
    assert_int_equal(gw_str_parse_u64(GW_STR("11"), 10, &number), GW_E_RANGE);
    assert_int_equal(gw_str_parse_u64(GW_STR("18446744073709551616"), UINT64_MAX, &number), GW_E_RANGE);
    assert_int_equal(gw_str_parse_u64(GW_STR("99999999999999999999999"), UINT64_MAX, &number), GW_E_RANGE);
    assert_int_equal(gw_str_parse_u64(GW_STR("99999999999999999999999x"), UINT64_MAX, &number), GW_E_SYNTAX);
    assert_int_equal(number, 77);
}

static void dup__view__is_a_terminated_copy(void **state)
{
    char *copy = gw_str_dup((struct gw_str){"a\0bcd", 4});

    (void)state;
    assert_memory_equal(copy, "a\0bc", 5);
    free(copy);
    copy = gw_str_dup(GW_STR_NONE);
    assert_string_equal(copy, "");
    free(copy);
}

static void is_among__whole_items__are_found_and_parts_are_not(void **state)
{
    const struct gw_str items[] = {GW_STR_INIT("view"), GW_STR_INIT("admin")};

    (void)state;
    assert_true(gw_str_is_among(items, 2, GW_STR("admin")));
    assert_false(gw_str_is_among(items, 1, GW_STR("admin")));
    assert_false(gw_str_is_among(items, 2, GW_STR("adm")));
    assert_false(gw_str_is_among(NULL, 0, GW_STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal__empty_and_absent__are_the_same_text),
        cmocka_unit_test(starts__prefixes__are_told_from_others),
        cmocka_unit_test(slice__outside_the_text__is_clipped),
        cmocka_unit_test(compare__bytes_and_prefixes__are_in_byte_order),
        cmocka_unit_test(equal_nocase__ascii_letters_only__fold),
        cmocka_unit_test(find__byte_absent_or_start_behind__is_the_length),
        cmocka_unit_test(search__needle__is_found_at_its_first_place),
        cmocka_unit_test(is_among__whole_items__are_found_and_parts_are_not),
        cmocka_unit_test(trim__blanks_at_both_ends__go_and_others_stay),
        cmocka_unit_test(split__until_rest_is_absent__gives_every_piece),
        cmocka_unit_test(parse_u64__digits__give_the_number),
        cmocka_unit_test(parse_u64__anything_else__is_refused_and_writes_nothing),
        cmocka_unit_test(dup__view__is_a_terminated_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
