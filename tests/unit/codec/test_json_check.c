/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which texts are JSON, and where one ends to be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json_check.h"

static void json_check__what_the_grammar_gives__is_taken(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        " [ ] ",
        "0",
        "-0",
        "-12.50e+3",
        "1E9",
        "true",
        "false",
        "null",
        "\"\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"",
        "\"\xc3\xa9\xf0\x9f\x98\x80\"",
        "{\"a\":[1,{\"b\":null}],\"c\":\"d\"}",
        "\r\n{ \"a\" : 1 , \"b\" : [ 2 , 3 ] }\t",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":1,\"a\":2}",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        if (gw_json_check(gw_str_from(texts[i]), NULL) != GW_OK)
            fail_msg("refused: %s", texts[i]);
    }
}

static void json_check__anything_else__is_syntax_error(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "[",
        "{]",
        "[}",
        "{}{}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "01",
        "1.",
        ".5",
        "1e",
        "-",
        "+1",
        "tru",
        "truE",
        "nul",
        "'a'",
        "\"",
        "\"\\",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\t\"",
        "\"\x80\"",
        "\"\xc3\"",
        "\"\xed\xa0\x80\"",
        "{\"a\":1}x",
    };
    struct gw_err err;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        if (gw_json_check(gw_str_from(texts[i]), &err) != GW_E_SYNTAX)
            fail_msg("taken: %s", texts[i]);
    }
    assert_int_equal(gw_json_check((struct gw_str){"1\0", 2}, NULL), GW_E_SYNTAX);
    assert_int_equal(gw_json_check(GW_STR("{\"a\":1,\"b\":x}"), &err), GW_E_SYNTAX);
    assert_string_equal(err.text, "byte 12: is no JSON");
}

static void json_check__nested_as_deep_as_encode_writes__and_no_deeper(void **state)
{
    char text[2 * GW_JSON_CHECK_DEPTH_MAX + 2];

    (void)state;
    memset(text, '[', GW_JSON_CHECK_DEPTH_MAX + 1);
    memset(text + GW_JSON_CHECK_DEPTH_MAX + 1, ']', GW_JSON_CHECK_DEPTH_MAX + 1);
    assert_int_equal(gw_json_check((struct gw_str){text, sizeof(text)}, NULL), GW_E_LIMIT);
    assert_int_equal(gw_json_check((struct gw_str){text + 1, sizeof(text) - 2}, NULL), GW_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_check__what_the_grammar_gives__is_taken),
        cmocka_unit_test(json_check__anything_else__is_syntax_error),
        cmocka_unit_test(json_check__nested_as_deep_as_encode_writes__and_no_deeper),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
