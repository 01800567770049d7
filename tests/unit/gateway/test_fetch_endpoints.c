/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be said to an endpoint: no path leads out of its URL, no header breaks
 * the message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/fetch.h"

static void is_path__paths_below_the_url__are_taken(void **state)
{
    static const char *const good[] = {
        "/",
        "/x",
        "/v1/data/eks/allow",
        "/x/",
        "/a%20b",
        "/a?b=c&d=%2e%2e",
        "/x?",
        "/a..b",
        "/...",
        "/..a/b",
        "/%E2%82%AC",
        "/a;v=1/b",
        "/arn%3Aaws%2Fr%2Fx",
        "/x?q=a/../b",
        "/~a_b-c.",
        "/a+b,c@d=e",
        "/a:b",
        "/x?a=b?c=d//",
        "/100%25",
        "/100%25%20off",
        "/a%2541b",
        "/100%25zz/..a",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(good); i++) {
        if (!gw_fetch_is_path(gw_str_from(good[i])))
            fail_msg("%s is refused", good[i]);
    }
}

static void is_path__whatever_might_lead_elsewhere__is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "?x",
        "//evil",
        "//evil/x",
        "/a//b",
        "/..",
        "/../x",
        "/a/..",
        "/a/../b",
        "/.",
        "/a/./b",
        "/%2e%2e/b",
        "/%2E%2e",
        "/.%2e/x",
        "/a%2f..%2fb",
        "/a%2F.",
        "/a%5c..",
        "/a\\..\\b",
        "/..;/x",
        "/..;a=b/x",
        "/%2e%2e%3b/",
        "/a b",
        "/a\tb",
        "/a\r\n",
        "/a%0d%0ab",
        "/a%00",
        "/a%7f",
        "/a%",
        "/a%4",
        "/a%zz",
        "/a#b",
        "/a\"b",
        "/\xc3\xa4",
        "/a\x7f",
        "http://a/b",
        "/a?b c",
        "/a?b\r\nX:y",
        "/a?b%0ac",
        "*",
        "/a?b#c",
        "/a|b",
        "/a`b",
        "/a{b}",
        "/<a>",
        "/a^b",
        "/%252e%252e/b",
        "/a%252F..%252Fb",
        "/%25252e./x",
        "/%25%32e%2e/",
        "/%2525252525252541",
        "/%25zz/%252e%252e/b",
        "/a%250ab",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        if (gw_fetch_is_path(gw_str_from(bad[i])))
            fail_msg("%s is taken", bad[i]);
    }
    assert_false(gw_fetch_is_path(GW_STR("/a\0b")));
}

static void is_path__longer_than_it_may_be__is_refused(void **state)
{
    char text[GW_FETCH_PATH_MAX + 1];

    (void)state;
    memset(text, 'a', sizeof(text));
    text[0] = '/';
    assert_true(gw_fetch_is_path((struct gw_str){text, GW_FETCH_PATH_MAX}));
    assert_false(gw_fetch_is_path((struct gw_str){text, GW_FETCH_PATH_MAX + 1}));
}

static void is_field__what_frames_a_message__is_not_for_operators(void **state)
{
    static const char *const bad[] = {
        "",
        "Host",
        "host",
        "content-LENGTH",
        "Transfer-Encoding",
        "Connection",
        "Proxy-Authorization",
        "Content-Type",
        "a b",
        "a:",
        "a\r\nb",
        "Expect",
        "TE",
        "Upgrade",
        "Trailer",
        "\xc3\xa4",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        if (gw_fetch_is_field_name(gw_str_from(bad[i])))
            fail_msg("%s is taken", bad[i]);
    }
    assert_true(gw_fetch_is_field_name(GW_STR("Authorization")));
    assert_true(gw_fetch_is_field_name(GW_STR("X-Api-Key")));
    assert_true(gw_fetch_is_field_value(GW_STR("Bearer abc def")));
    assert_false(gw_fetch_is_field_value(GW_STR("")));
    assert_false(gw_fetch_is_field_value(GW_STR("a\r\nX: y")));
    assert_false(gw_fetch_is_field_value(GW_STR("a\0b")));
    assert_false(gw_fetch_is_field_value(GW_STR(" a")));
    assert_false(gw_fetch_is_field_value(GW_STR("a ")));
    assert_false(gw_fetch_is_field_value(GW_STR("\xff")));
}

static void is_name__letters_digits_and_three_signs(void **state)
{
    (void)state;
    assert_true(gw_fetch_is_name(GW_STR("opa-1.prod_x")));
    assert_false(gw_fetch_is_name(GW_STR("")));
    assert_false(gw_fetch_is_name(GW_STR("a b")));
    assert_false(gw_fetch_is_name(GW_STR("a\0b")));
    assert_false(
        gw_fetch_is_name(GW_STR("12345678901234567890123456789012345678901234567890123456789012345"))); /* 65 */
}

static void endpoints_new__a_ca_that_is_not_there__names_endpoint_and_file(void **state)
{
    const struct gw_fetch_endpoint items[] = {
        {.name = GW_STR("plain"),
         .target = {.host = GW_STR("a"), .port = 80},
         .base = GW_STR(""),
         .fields = GW_STR("")},
        {.name = GW_STR("opa"),
         .target = {.host = GW_STR("b"), .port = 443, .is_tls = true},
         .base = GW_STR(""),
         .fields = GW_STR(""),
         .ca_file = GW_STR("/nonexistent/ca.crt")},
    };
    struct gw_fetch_endpoints *endpoints = NULL;
    struct gw_err err;

    (void)state;
    assert_int_not_equal(gw_fetch_endpoints_new(items, 2, &endpoints, &err), GW_OK);
    assert_null(endpoints);
    assert_memory_equal(err.text, "opa: ", 5);
    assert_non_null(strstr(err.text, "/nonexistent/ca.crt"));
    assert_int_equal(gw_fetch_endpoints_new(items, 1, &endpoints, &err), GW_OK);
    assert_int_equal(gw_fetch_endpoints_find(endpoints, GW_STR("plain")), 0);
    assert_int_equal(gw_fetch_endpoints_find(endpoints, GW_STR("opa")), 1);
    gw_fetch_endpoints_release(&endpoints);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_path__paths_below_the_url__are_taken),
        cmocka_unit_test(is_path__whatever_might_lead_elsewhere__is_refused),
        cmocka_unit_test(is_path__longer_than_it_may_be__is_refused),
        cmocka_unit_test(is_field__what_frames_a_message__is_not_for_operators),
        cmocka_unit_test(is_name__letters_digits_and_three_signs),
        cmocka_unit_test(endpoints_new__a_ca_that_is_not_there__names_endpoint_and_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
