/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines hold code: as the interpreter itself says of functions that it can be asked about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "script/lines.h"

static void expect_lines(const char *text, const char *expected)
{
    struct gw_source source = {.path = (char *)"x.lua", .bytes = (char *)text, .length = strlen(text)};
    unsigned char *lines = NULL;
    size_t count = 0;
    char found[1024] = "";
    struct gw_err err;
    if (gw_lines_of(&source, &lines, &count, &err) != GW_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(found);
        if (lines[i] != 0)
            (void)snprintf(found + length, sizeof found - length, "%s%zu", length == 0 ? "" : " ", i);
    }
    free(lines);
    assert_string_equal(found, expected);
}

static void lines__of_statements_and_not_of_comments_and_ends(void **state)
{
    (void)state;
    expect_lines("", "");
    expect_lines("-- nothing\n\n", "");
    expect_lines("local a = 1\n-- more\nlocal b = a\n", "1 3");
    expect_lines("return {\n  a = 1,\n  b = f(),\n}\n", "1 2 3 4");
}

/* Lua makes a local function where its end stands. */
static void lines__of_functions_that_nobody_calls(void **state)
{
    (void)state;
    expect_lines("local function f(a)\n  if a then\n    return 1\n  else\n    a = 2\n  end\nend\nreturn f\n",
                 "2 3 5 7 8");
    expect_lines("local p = {}\nfunction p.a()\n  return function(...)\n    return ...\n  end\nend\nreturn p\n",
                 "1 2 4 5 6 7");
}

/* More than 127 lines between two instructions, and more than 128 instructions. */
static void lines__far_apart_and_many(void **state)
{
    (void)state;
    char text[8192] = "local a = 1\n";
    char expected[1024] = "1";
    for (int i = 0; i < 300; i++)
        strncat(text, "\n", sizeof text - strlen(text) - 1);
    for (int i = 302; i < 450; i++) {
        size_t length = strlen(expected);
        strncat(text, "a = a + 1\n", sizeof text - strlen(text) - 1);
        (void)snprintf(expected + length, sizeof expected - length, " %d", i);
    }
    expect_lines(text, expected);
}

static void lines__with_constants_of_every_kind(void **state)
{
    (void)state;
    char text[1024];
    char large[301];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    (void)snprintf(text, sizeof text,
                   "local t = { nil, true, false, 123456789012, 1.5e300, 'short', '%s' }\n"
                   "local u <const> = 'c'\nt.x = u\nfor i = 1, 10 do\n  t[i] = i\nend\ngoto out\n::out::\n",
                   large);
    expect_lines(text, "1 3 4 5 7");
}

static void lines__of_what_is_no_lua__are_an_error(void **state)
{
    (void)state;
    static const char *const texts[] = {"return return", "\x1bLua", "x ="};
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct gw_source source = {.path = (char *)"x.lua", .bytes = (char *)texts[i], .length = strlen(texts[i])};
        unsigned char *lines = NULL;
        size_t count = 0;
        struct gw_err err;
        assert_int_equal(gw_lines_of(&source, &lines, &count, &err), GW_E_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines__of_statements_and_not_of_comments_and_ends),
        cmocka_unit_test(lines__of_functions_that_nobody_calls),
        cmocka_unit_test(lines__far_apart_and_many),
        cmocka_unit_test(lines__with_constants_of_every_kind),
        cmocka_unit_test(lines__of_what_is_no_lua__are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
