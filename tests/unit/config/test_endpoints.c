/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setting `policy.endpoints`: what is read of it, and what is said of what is
 * wrong; never what a header holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_case.h"

#define CONFIG(endpoints) "return { keys = {}, policy = { endpoints = " endpoints " } }"

static void endpoints__tables_and_urls__are_read_side_by_side(void **state)
{
    const struct gw_fetch_endpoint *opa;
    const struct gw_fetch_endpoint *approvals;
    struct config_case one;
    char expected[128];

    (void)state;
    config_case_open(&one, "c.lua",
                     CONFIG("{ opa = 'http://[::1]:8181/v1/data/', approvals = { url = 'https://a.example', timeout_ms "
                            "= 250, reply_bytes = 1024, ca = 'ca.crt', headers = { Authorization = 'Bearer x' } } }"));
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    assert_int_equal(one.config->endpoint_count, 2);
    opa = &one.config->endpoints[gw_str_is(one.config->endpoints[0].name, "opa") ? 0 : 1];
    approvals = opa == one.config->endpoints ? opa + 1 : one.config->endpoints;
    assert_true(gw_str_is(opa->name, "opa"));
    assert_true(gw_str_is(opa->target.host, "::1"));
    assert_int_equal(opa->target.port, 8181);
    assert_false(opa->target.is_tls);
    assert_true(gw_str_is(opa->base, "/v1/data"));
    assert_true(gw_str_is(opa->fields, ""));
    assert_int_equal(opa->timeout_ms, 1000);
    assert_int_equal(opa->reply_bytes, 65536);
    assert_true(gw_str_is(approvals->name, "approvals"));
    assert_true(approvals->target.is_tls);
    assert_int_equal(approvals->target.port, 443);
    assert_true(gw_str_is(approvals->base, ""));
    assert_true(gw_str_is(approvals->fields, "Authorization: Bearer x\r\n"));
    assert_int_equal(approvals->timeout_ms, 250);
    assert_int_equal(approvals->reply_bytes, 1024);
    (void)snprintf(expected, sizeof(expected), "%s/ca.crt", one.folder);
    assert_true(gw_str_is(approvals->ca_file, expected));
    config_case_close(&one);
}

static void endpoints__as_text__are_names_and_urls(void **state)
{
    const char *const sets[] = {"policy.endpoints=opa=http://127.0.0.1:8181/v1?,b=http://b"};
    const char *const good[] = {"policy.endpoints=opa=http://127.0.0.1:8181/v1, b=http://b"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua", "return { keys = {} }");
    assert_int_equal(config_case_load(&one, sets, 1, NULL), GW_E_SYNTAX);
    config_case_assert_says(&one, "--set: policy.endpoints.opa: url: its path holds");
    config_case_close(&one);
    config_case_open(&one, "c.lua", "return { keys = {} }");
    config_case_assert_good(&one, config_case_load(&one, good, 1, NULL));
    assert_int_equal(one.config->endpoint_count, 2);
    assert_true(gw_str_is(one.config->endpoints[1].name, "b"));
    assert_int_equal(one.config->endpoints[1].target.port, 80);
    config_case_close(&one);
    config_case_open(&one, "c.lua", "return { keys = {} }");
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    assert_int_equal(one.config->endpoint_count, 0);
    config_case_close(&one);
}

static void require_said(const char *config, const char *words)
{
    struct config_case one;

    config_case_open(&one, "c.lua", config);
    assert_int_equal(config_case_load(&one, NULL, 0, NULL), GW_E_SYNTAX);
    config_case_assert_says(&one, words);
    if (strstr(config_case_text(&one), "s3cret") != NULL)
        fail_msg("a header is shown: %s", config_case_text(&one));
    config_case_close(&one);
}

static void endpoints__what_is_wrong__is_said_and_no_header_is_shown(void **state)
{
    (void)state;
    require_said(CONFIG("{ a = 1 }"), "policy.endpoints.a: is of type");
    require_said(CONFIG("{ 'http://a' }"), "policy.endpoints: is no table");
    require_said(CONFIG("'http://a'"), "policy.endpoints: is no table");
    require_said(CONFIG("{ ['a b'] = 'http://a' }"), "a name is 1 to 64");
    require_said(CONFIG("{ a = {} }"), "policy.endpoints.a: url: is missing");
    require_said(CONFIG("{ a = { url = 5 } }"), "url: accepted: a text");
    require_said(CONFIG("{ a = 'ftp://a' }"), "url: is no https://HOST");
    require_said(CONFIG("{ a = 'http://' }"), "url: is no https://HOST");
    require_said(CONFIG("{ a = 'http:' }"), "url: is no https://HOST");
    require_said(CONFIG("{ a = '' }"), "url: is no https://HOST");
    require_said(CONFIG("{ a = 'http://user:s3cret@a/' }"), "url: is no https://HOST");
    require_said(CONFIG("{ a = 'http://a/../b' }"), "url: its path holds");
    require_said(CONFIG("{ a = 'http://a/b?c=d' }"), "url: its path holds");
    require_said(CONFIG("{ a = 'http://a//b' }"), "url: its path holds");
    require_said(CONFIG("{ a = { url = 'http://a', timeout_ms = 9 } }"), "timeout_ms: accepted: a whole number, 10..");
    require_said(CONFIG("{ a = { url = 'http://a', timeout_ms = 10001 } }"), "timeout_ms");
    require_said(CONFIG("{ a = { url = 'http://a', timeout_ms = 10.5 } }"), "timeout_ms");
    require_said(CONFIG("{ a = { url = 'http://a', reply_bytes = 1048577 } }"), "reply_bytes");
    require_said(CONFIG("{ a = { url = 'http://a', ca = 'x' } }"), "ca: is for https");
    require_said(CONFIG("{ a = { url = 'https://a', ca = 5 } }"), "ca: accepted");
    require_said(CONFIG("{ a = { url = 'http://a', header = {} } }"), "there is no header; accepted: url");
    require_said(CONFIG("{ a = { url = 'http://a', headers = 's3cret' } }"), "headers: accepted: a table");
    require_said(CONFIG("{ a = { url = 'http://a', headers = { Host = 's3cret' } } }"), "headers: Host: is no header");
    require_said(CONFIG("{ a = { url = 'http://a', headers = { X = 's3cret\\r\\nY: z' } } }"),
                 "headers: X: is no text");
    require_said(CONFIG("{ a = { url = 'http://a', headers = { X = 5 } } }"), "headers: X: is no text");
}

static void check__a_ca_that_is_not_there__is_named(void **state)
{
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua", CONFIG("{ a = { url = 'https://a', ca = 'missing.crt' } }"));
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    gw_config_check(one.config, &one.problems);
    config_case_assert_says(&one, "policy.endpoints: a: ");
    config_case_assert_says(&one, "missing.crt");
    config_case_close(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints__tables_and_urls__are_read_side_by_side),
        cmocka_unit_test(endpoints__as_text__are_names_and_urls),
        cmocka_unit_test(endpoints__what_is_wrong__is_said_and_no_header_is_shown),
        cmocka_unit_test(check__a_ca_that_is_not_there__is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
