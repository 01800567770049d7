/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the upstream is reached: settings first, then what the environment says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_case.h"

static void assert_str(struct gw_str text, const char *expected)
{
    if (!gw_str_is(text, expected))
        fail_msg("\"%.*s\" is not \"%s\"", GW_STR_ARG(text), expected);
}

static void pool__nothing_said__has_defaults(void **state)
{
    const struct gw_upstream_options *pool;
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua", "return {}");
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    pool = &one.config->upstream_pool;
    assert_int_equal(pool->connect_timeout_ms, 3000);
    assert_int_equal(pool->write_timeout_ms, 10000);
    assert_int_equal(pool->first_byte_timeout_ms, 30000);
    assert_int_equal(pool->total_timeout_ms, 60000);
    assert_int_equal(pool->idle_timeout_ms, 20000);
    assert_int_equal(pool->connections_max, 64);
    assert_int_equal(pool->waiting_max, 1000);
    assert_int_equal(pool->reply_body_bytes, 8388608);
    assert_int_equal(pool->breaker_failures, 10);
    assert_int_equal(pool->breaker_open_ms, 5000);
    assert_null(pool->proxy.at);
    assert_null(pool->no_proxy.at);
    assert_null(one.config->upstream_ca_file.at);
    config_case_close(&one);
}

static void pool__environment__fills_what_no_setting_says(void **state)
{
    char lower[] = "https_proxy=http://lower:1";
    char upper[] = "HTTPS_PROXY=http://upper:2";
    char none[] = "NO_PROXY=";
    char no[] = "no_proxy=a.example";
    char bundle[] = "AWS_CA_BUNDLE=/etc/bundle.pem";
    char *environment[] = {lower, upper, none, no, bundle, NULL};
    const char *const sets[] = {"upstream.proxy=http://set:3", "upstream.ca_file=/etc/set.pem"};
    const char *const off[] = {"upstream.proxy=none"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua", "return {}");
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, environment));
    assert_str(one.config->upstream_pool.proxy, "http://upper:2");
    assert_str(one.config->upstream_pool.no_proxy, "a.example");
    assert_str(one.config->upstream_ca_file, "/etc/bundle.pem");
    gw_config_free(&one.config);
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, (char *[]){lower, NULL}));
    assert_str(one.config->upstream_pool.proxy, "http://lower:1");
    gw_config_free(&one.config);
    config_case_assert_good(&one, config_case_load(&one, sets, 2, environment));
    assert_str(one.config->upstream_pool.proxy, "http://set:3");
    assert_str(one.config->upstream_ca_file, "/etc/set.pem");
    gw_config_free(&one.config);
    config_case_assert_good(&one, config_case_load(&one, off, 1, environment));
    assert_null(one.config->upstream_pool.proxy.at);
    config_case_close(&one);
}

static void pool__proxy_that_cannot_be_read__is_refused_without_its_password(void **state)
{
    const char *const sets[] = {"upstream.proxy=socks5://me:geheim@proxy:1080"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua", "return {}");
    assert_int_equal(config_case_load(&one, sets, 1, NULL), GW_E_SYNTAX);
    config_case_assert_says(&one, "--set: upstream.proxy: the value");
    assert_null(strstr(config_case_text(&one), "geheim"));
    config_case_close(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool__nothing_said__has_defaults),
        cmocka_unit_test(pool__environment__fills_what_no_setting_says),
        cmocka_unit_test(pool__proxy_that_cannot_be_read__is_refused_without_its_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
