/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns with '*' and '?': what core/codec/glob.h promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/glob.h"

#include <stdlib.h>
#include <time.h>

static bool match(const char *pattern, const char *text)
{
    return gw_glob_match(gw_str_from(pattern), gw_str_from(text));
}

static void match__texts_and_patterns__fit_as_they_should(void **state)
{
    static const struct {
        const char *pattern;
        const char *text;
        bool fits;
    } cases[] = {
        {"", "", true},           {"", "a", false},         {"abc", "abc", true},       {"abc", "abcd", false},
        {"abc", "ab", false},     {"*", "", true},          {"*", "abc", true},         {"**", "a", true},
        {"a*c", "ac", true},      {"a*c", "abbbc", true},   {"a*c", "acb", false},      {"*b*", "abc", true},
        {"*b*", "aac", false},    {"?", "", false},         {"?", "a", true},           {"a?c", "abc", true},
        {"a?c", "ac", false},     {"*?b", "aab", true},     {"*?b", "b", false},        {"ab*ba", "aba", false},
        {"*ab*ab", "aab", false}, {"*ab*ab", "abab", true}, {"x*?y*z", "x1y2z", true},  {"*??*", "a", false},
        {"*??*", "ab", true},     {"a*?", "a", false},      {"*a?b*", "aaxb", true},    {"*a?b*", "aab", true},
        {"*a?b*", "ab", false},   {"a.b", "axb", false},    {"%d[1]*", "%d[1]2", true},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        if (match(cases[i].pattern, cases[i].text) != cases[i].fits)
            fail_msg("%s and %s", cases[i].pattern, cases[i].text);
    }
}

/* By definition, slowly. */
static bool match_by_definition(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*')
        return match_by_definition(pattern + 1, text) || (*text != '\0' && match_by_definition(pattern, text + 1));
    return *text != '\0' && (*pattern == '?' || *pattern == *text) && match_by_definition(pattern + 1, text + 1);
}

/* One of 0 to count - 1; the same ones each run. */
static size_t choose(size_t count)
{
    static uint64_t chosen = 7;

    chosen = chosen * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(chosen >> 33) % count;
}

static void fill(char *out, size_t most, const char *bytes, size_t count)
{
    size_t length = choose(most + 1);

    for (size_t i = 0; i < length; i++)
        out[i] = bytes[choose(count)];
    out[length] = '\0';
}

static void match__random_patterns__agree_with_the_definition(void **state)
{
    char pattern[16];
    char text[24];
    unsigned fitting = 0;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        fill(pattern, sizeof(pattern) - 1, "ab*?", 4);
        fill(text, sizeof(text) - 1, "ab", 2);
        if (match(pattern, text) != match_by_definition(pattern, text))
            fail_msg("%s and %s", pattern, text);
        fitting += match(pattern, text);
    }
    assert_in_range(fitting, 10000, 190000);
}

static void match__pieces_longer_than_a_word__are_found(void **state)
{
    char text[600];
    char pattern[600];

    (void)state;
    for (size_t length = 60; length <= 260; length++) {
        memset(text, 'a', sizeof(text));
        text[sizeof(text) - 1] = '\0';
        memset(pattern, 'a', length);
        memcpy(pattern, "*?", 2);
        memcpy(pattern + length - 2, "b*", 3);
        assert_false(match(pattern, text));
        text[500] = 'b';
        assert_true(match(pattern, text));
        text[500 - length / 2] = 'c';
        assert_false(match(pattern, text));
    }
}

static void match__a_pattern_that_is_too_long__fits_nothing(void **state)
{
    char pattern[GW_GLOB_PATTERN_MAX + 2];

    (void)state;
    memset(pattern, '*', sizeof(pattern));
    pattern[GW_GLOB_PATTERN_MAX] = '\0';
    assert_true(match(pattern, "abc"));
    pattern[GW_GLOB_PATTERN_MAX] = '*';
    pattern[GW_GLOB_PATTERN_MAX + 1] = '\0';
    assert_false(match(pattern, "abc"));
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The time for ten times the text is about ten times as much; backtracking would need a hundred times, or for ever. */
static void match__hostile_patterns__take_linear_time(void **state)
{
    static const char *const patterns[] = {"*a*a*a*a*a*a*a*a*a*a*b", "*a?a?a?a?a?a?a?a?a?b*", "*????????????????????b*",
                                           "a*?*?*?*?*?*?*?*b*"};
    size_t length = 1000000;
    char *text = gw_alloc(length);

    (void)state;
    memset(text, 'a', length);
    for (size_t i = 0; i < GW_COUNT(patterns); i++) {
        double began = seconds();

        assert_false(gw_glob_match(gw_str_from(patterns[i]), (struct gw_str){text, length}));
        assert_true(seconds() - began < 1.0);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(match__texts_and_patterns__fit_as_they_should),
        cmocka_unit_test(match__random_patterns__agree_with_the_definition),
        cmocka_unit_test(match__pieces_longer_than_a_word__are_found),
        cmocka_unit_test(match__a_pattern_that_is_too_long__fits_nothing),
        cmocka_unit_test(match__hostile_patterns__take_linear_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
