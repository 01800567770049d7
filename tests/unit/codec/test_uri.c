/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request targets: what the router may rely on when it matches and decodes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/uri.h"

static struct gw_arena arena;

static int start(void **state)
{
    (void)state;
    gw_arena_init(&arena, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    gw_arena_fini(&arena);
    return 0;
}

static void assert_decodes(const char *piece, enum gw_uri_kind kind, const char *expected)
{
    struct gw_str out = GW_STR_NONE;

    assert_int_equal(gw_uri_decode(gw_str_from(piece), kind, &arena, &out), GW_OK);
    assert_int_equal(out.length, strlen(expected));
    assert_memory_equal(out.at, expected, out.length);
}

static void assert_refused(struct gw_str piece, enum gw_uri_kind kind)
{
    struct gw_str out = GW_STR("untouched");

    assert_int_equal(gw_uri_decode(piece, kind, &arena, &out), GW_E_SYNTAX);
    assert_true(gw_str_is(out, "untouched"));
}

static void uri_decode__escapes__are_decoded_once(void **state)
{
    (void)state;
    assert_decodes("my-cluster", GW_URI_NAME, "my-cluster");
    assert_decodes("%6dy%2Dcluster", GW_URI_NAME, "my-cluster");
    assert_decodes("a+b", GW_URI_NAME, "a+b");
    assert_decodes("%3A", GW_URI_NAME, ":");
    assert_decodes("arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fmy%2frole", GW_URI_ARN,
                   "arn:aws:iam::111122223333:role/my/role");
    assert_decodes("%2541", GW_URI_ARN, "%41");
    assert_decodes("%20%7E", GW_URI_ARN, " ~");
    assert_decodes("", GW_URI_ARN, "");
}

static void uri_decode__nothing_to_decode__is_the_view_itself(void **state)
{
    struct gw_str piece = GW_STR("my-cluster");
    struct gw_str out;

    (void)state;
    assert_int_equal(gw_uri_decode(piece, GW_URI_NAME, &arena, &out), GW_OK);
    assert_ptr_equal(out.at, piece.at);
    assert_int_equal(arena.taken, 0);
}

static void uri_decode__broken_escapes__are_refused(void **state)
{
    static const char *bad[] = {"%", "a%", "%4", "a%4", "%4g", "%g4", "%%41", "%+4", "% 4", "%-1"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        assert_refused(gw_str_from(bad[i]), GW_URI_NAME);
        assert_refused(gw_str_from(bad[i]), GW_URI_ARN);
    }
    assert_refused(gw_str_slice(GW_STR("%41"), 0, 2), GW_URI_ARN);
}

static void uri_decode__names__refuse_separators_and_second_escapes(void **state)
{
    static const char *bad[] = {"a%2Fb", "a%2fb", "a%5Cb", "a\\b",   "a%25b", "a%2541", ".",
                                "..",    "%2e",   "%2E.",  "%2e%2E", "a%00b", "a%0Ab"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(bad); i++)
        assert_refused(gw_str_from(bad[i]), GW_URI_NAME);
}

static void uri_decode__control_and_8bit_bytes__are_refused_everywhere(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char raw[1] = {(char)c};
        char escape[4];

        if (c >= 0x20 && c <= 0x7e)
            continue;
        snprintf(escape, sizeof(escape), "%%%02X", c);
        assert_refused((struct gw_str){raw, 1}, GW_URI_ARN);
        assert_refused((struct gw_str){raw, 1}, GW_URI_NAME);
        assert_refused(gw_str_from(escape), GW_URI_ARN);
        assert_refused(gw_str_from(escape), GW_URI_NAME);
    }
}

static void uri_split_path__plain_paths__give_undecoded_segments(void **state)
{
    struct gw_str segments[4];
    size_t count = 99;

    (void)state;
    assert_int_equal(gw_uri_split_path(GW_STR("/"), segments, 4, &count), GW_OK);
    assert_int_equal(count, 0);
    assert_int_equal(gw_uri_split_path(GW_STR("/clusters/a%2Fb/..."), segments, 4, &count), GW_OK);
    assert_int_equal(count, 3);
    assert_true(gw_str_is(segments[0], "clusters"));
    assert_true(gw_str_is(segments[1], "a%2Fb"));
    assert_true(gw_str_is(segments[2], "..."));
}

static void uri_split_path__ambiguous_paths__are_syntax_errors(void **state)
{
    static const char *bad[] = {"",    "a",       "a/b",    "//",     "/a/",       "/a//b", "//a",  "/.",
                                "/..", "/a/../b", "/a/./b", "/%2e/a", "/a/%2E%2e", "/.%2e", "/%2e."};
    struct gw_str segments[4];
    size_t count = 99;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(bad); i++)
        assert_int_equal(gw_uri_split_path(gw_str_from(bad[i]), segments, 4, &count), GW_E_SYNTAX);
    assert_int_equal(gw_uri_split_path(GW_STR_NONE, segments, 4, &count), GW_E_SYNTAX);
    assert_int_equal(count, 99);
}

static void uri_split_path__more_segments_than_room__is_limit(void **state)
{
    struct gw_str segments[2];
    size_t count;

    (void)state;
    assert_int_equal(gw_uri_split_path(GW_STR("/a/b"), segments, 2, &count), GW_OK);
    assert_int_equal(gw_uri_split_path(GW_STR("/a/b/c"), segments, 2, &count), GW_E_LIMIT);
}

static void uri_query_next__pieces__come_in_order_still_encoded(void **state)
{
    struct gw_str rest = GW_STR("&a=1&&b&c==%3D&=x&a=2&");
    static const char *expected[][2] = {{"a", "1"}, {"b", ""}, {"c", "=%3D"}, {"", "x"}, {"a", "2"}};
    struct gw_str name;
    struct gw_str value;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(expected); i++) {
        assert_true(gw_uri_query_next(&rest, &name, &value));
        assert_true(gw_str_is(name, expected[i][0]));
        assert_true(gw_str_is(value, expected[i][1]));
        assert_non_null(value.at);
    }
    assert_false(gw_uri_query_next(&rest, &name, &value));
    rest = GW_STR_NONE;
    assert_false(gw_uri_query_next(&rest, &name, &value));
    rest = GW_STR("");
    assert_false(gw_uri_query_next(&rest, &name, &value));
}

static void uri_encode__reserved_and_8bit__become_upper_case_escapes(void **state)
{
    struct gw_buf out;

    (void)state;
    gw_buf_init(&out, 1000);
    gw_uri_encode(GW_STR("aZ09-._~/ +%:\xe1\x88\xb4"), false, &out);
    assert_true(gw_str_is(gw_buf_str(&out), "aZ09-._~%2F%20%2B%25%3A%E1%88%B4"));
    gw_buf_clear(&out);
    gw_uri_encode(GW_STR("/a/b c"), true, &out);
    assert_true(gw_str_is(gw_buf_str(&out), "/a/b%20c"));
    gw_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(uri_decode__escapes__are_decoded_once, start, stop),
        cmocka_unit_test_setup_teardown(uri_decode__nothing_to_decode__is_the_view_itself, start, stop),
        cmocka_unit_test_setup_teardown(uri_decode__broken_escapes__are_refused, start, stop),
        cmocka_unit_test_setup_teardown(uri_decode__names__refuse_separators_and_second_escapes, start, stop),
        cmocka_unit_test_setup_teardown(uri_decode__control_and_8bit_bytes__are_refused_everywhere, start, stop),
        cmocka_unit_test(uri_split_path__plain_paths__give_undecoded_segments),
        cmocka_unit_test(uri_split_path__ambiguous_paths__are_syntax_errors),
        cmocka_unit_test(uri_split_path__more_segments_than_room__is_limit),
        cmocka_unit_test(uri_query_next__pieces__come_in_order_still_encoded),
        cmocka_unit_test(uri_encode__reserved_and_8bit__become_upper_case_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
