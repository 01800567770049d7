/* SPDX-License-Identifier: Apache-2.0 */
/* Lua patterns by the reference manual, and the steps that bound them. */
#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "script/pattern.h"

static enum gw_status find(const char *pattern_text, const char *subject, struct gw_pattern_match *match)
{
    struct gw_pattern pattern;
    struct gw_err err;
    *match = (struct gw_pattern_match){.subject = gw_str_from(subject), .steps = 100000};
    if (gw_pattern_compile(gw_str_from(pattern_text), false, &pattern, &err) != GW_OK)
        fail_msg("%s: %s", pattern_text, err.text);
    return gw_pattern_find(&pattern, match, 0);
}

static void find__matches__are_where_the_manual_says(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *subject;
        size_t start; /* SIZE_MAX: none */
        size_t end;
    } rows[] = {
        {"", "abc", 0, 0},
        {"b", "abc", 1, 2},
        {"^b", "abc", SIZE_MAX, 0},
        {"c$", "abc", 2, 3},
        {"a$b", "a$b", 0, 3},
        {"a.c", "abc", 0, 3},
        {"%.", "a.c", 1, 2},
        {"a*", "aaab", 0, 3},
        {"a-b", "aaab", 0, 4},
        {"a+", "baa", 1, 3},
        {"ab?c", "ac", 0, 2},
        {"ab?c", "abc", 0, 3},
        {"[a-c]+", "xxabcx", 2, 5},
        {"[^a-c]+", "abxxc", 2, 4},
        {"[]]", "a]", 1, 2},
        {"[^]]", "]a", 1, 2},
        {"[a-]", "-", 0, 1},
        {"[%a_]+", "1ab_c", 1, 5},
        {"[%]]", "]", 0, 1},
        {"%d+", "ab123", 2, 5},
        {"%D+", "12ab", 2, 4},
        {"%x+", "xyzfF0", 3, 6},
        {"%s", "a b", 1, 2},
        {"%b()", "a(b(c)d)e", 1, 8},
        {"%f[%w]%w+", "  ab ", 2, 4},
        {"(a)(b)", "xab", 1, 3},
        {"(.)%1", "abb", 1, 3},
        {"x*", "abc", 0, 0},
        {"%%", "a%", 1, 2},
        {"^", "abc", 0, 0},
        {"$", "abc", 3, 3},
        {"[%w%.]+$", "//a.b", 2, 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_pattern_match match;
        enum gw_status status = find(rows[i].pattern, rows[i].subject, &match);
        if (rows[i].start == SIZE_MAX ? status != GW_E_MISSING
                                      : status != GW_OK || match.start != rows[i].start || match.end != rows[i].end)
            fail_msg("%s in %s", rows[i].pattern, rows[i].subject);
    }
}

static void captures__backtracking__gives_the_last_ones(void **state)
{
    (void)state;
    struct gw_pattern_match match;
    assert_int_equal(find("(a*)(a)()b", "aaab", &match), GW_OK);
    assert_int_equal(match.captures[0].length, 2);
    assert_int_equal(match.captures[1].start, 2);
    assert_true(match.captures[2].position);
    assert_int_equal(match.captures[2].start, 3);
}

static void compile__malformed__says_why(void **state)
{
    (void)state;
    static const char *const rows[] = {"%", "[a", "[", "[%", "(a", "a)", "%b", "%bx", "%f", "%fa", "%1", "(%1)", "%0"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gw_pattern pattern;
        struct gw_err err = {""};
        if (gw_pattern_compile(gw_str_from(rows[i]), false, &pattern, &err) != GW_E_SYNTAX || err.text[0] == '\0')
            fail_msg("%s", rows[i]);
    }
}

static void compile__too_long__is_a_limit(void **state)
{
    (void)state;
    char text[2000];
    struct gw_pattern pattern;
    memset(text, 'a', sizeof text);
    assert_int_equal(gw_pattern_compile((struct gw_str){text, 257}, false, &pattern, NULL), GW_E_LIMIT);
    assert_int_equal(gw_pattern_compile((struct gw_str){text, 256}, false, &pattern, NULL), GW_OK);
    assert_int_equal(gw_pattern_compile((struct gw_str){text, 1025}, false, &pattern, NULL), GW_E_LIMIT);
    memset(text, '(', sizeof text);
    assert_int_equal(gw_pattern_compile((struct gw_str){text, 33}, false, &pattern, NULL), GW_E_LIMIT);
}

static void find__catastrophic_pattern__runs_out_of_steps(void **state)
{
    (void)state;
    struct gw_pattern_match match;
    char subject[4001];
    memset(subject, 'a', 4000);
    subject[4000] = '\0';
    assert_int_equal(find(".-.-.-b", subject, &match), GW_E_LIMIT);
    assert_true(match.steps < 0);
    assert_true(match.steps > -10);
}

static void find__long_subject__needs_no_stack(void **state)
{
    (void)state;
    static char subject[1000001];
    struct gw_pattern pattern;
    memset(subject, 'a', 1000000);
    struct gw_pattern_match match = {.subject = {subject, 1000000}, .steps = 10000000};
    assert_int_equal(gw_pattern_compile(GW_STR("^(a*)$"), false, &pattern, NULL), GW_OK);
    assert_int_equal(gw_pattern_find(&pattern, &match, 0), GW_OK);
    assert_int_equal(match.captures[0].length, 1000000);
}

static void compile__literal_caret__matches_itself(void **state)
{
    (void)state;
    struct gw_pattern pattern;
    struct gw_pattern_match match = {.subject = GW_STR_INIT("a^b"), .steps = 100};
    assert_int_equal(gw_pattern_compile(GW_STR("^b"), true, &pattern, NULL), GW_OK);
    assert_int_equal(gw_pattern_find(&pattern, &match, 0), GW_OK);
    assert_int_equal(match.start, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__matches__are_where_the_manual_says),
        cmocka_unit_test(captures__backtracking__gives_the_last_ones),
        cmocka_unit_test(compile__malformed__says_why),
        cmocka_unit_test(compile__too_long__is_a_limit),
        cmocka_unit_test(find__catastrophic_pattern__runs_out_of_steps),
        cmocka_unit_test(find__long_subject__needs_no_stack),
        cmocka_unit_test(compile__literal_caret__matches_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
