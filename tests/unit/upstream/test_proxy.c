/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which proxy a setting names, who goes around it, and what it is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "upstream/proxy.h"

static void parse__url__gives_its_parts(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
        const char *login;
    } cases[] = {
        {"http://proxy.example:3128", "proxy.example", 3128, NULL},
        {"http://proxy.example:3128/", "proxy.example", 3128, NULL},
        {"HTTP://proxy", "proxy", 80, NULL},
        {"proxy:8080", "proxy", 8080, NULL},
        {"http://[::1]:8080", "::1", 8080, NULL},
        {"http://me:se%40cret@10.0.0.1:1", "10.0.0.1", 1, "me:se%40cret"},
        {"me@proxy:1", "proxy", 1, "me"},
        {"http://me:a@b@proxy:1", "proxy", 1, "me:a@b"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_upstream_proxy proxy;
        struct gw_err err;

        assert_int_equal(gw_upstream_proxy_parse(gw_str_from(cases[i].text), &proxy, &err), GW_OK);
        assert_true(gw_str_is(proxy.host, cases[i].host));
        assert_int_equal(proxy.port, cases[i].port);
        assert_true(gw_str_equal(proxy.login, gw_str_from(cases[i].login)));
    }
}

static void parse__what_is_no_proxy__is_refused_without_repeating_it(void **state)
{
    static const char *const texts[] = {
        "",
        "http://",
        "https://me:geheim@proxy:1",
        "socks5://me:geheim@proxy:1",
        "http://proxy:0",
        "http://proxy:65536",
        "http://proxy:x",
        "http://me:geheim@proxy/path",
        "http://me:%0d%0aX:geheim@proxy:1",
        "http://me:geheim%@proxy:1",
        "http://pro xy:1",
        "http://[::1:1",
        "http://a\r\nHost: b",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct gw_upstream_proxy proxy;
        struct gw_err err;

        if (gw_upstream_proxy_parse(gw_str_from(texts[i]), &proxy, &err) != GW_E_SYNTAX)
            fail_msg("%s was taken", texts[i]);
        assert_null(strstr(err.text, "geheim"));
    }
}

static void spares__rules__are_those_of_curl_and_go(void **state)
{
    static const struct {
        const char *rules;
        const char *host;
        uint16_t port;
        bool spared;
    } cases[] = {
        {"", "a.example", 443, false},
        {"*", "a.example", 443, true},
        {"a.example", "a.example", 443, true},
        {"A.Example", "a.exaMPLE", 443, true},
        {"a.example", "a.example.", 443, true},
        {"a.example", "b.a.example", 443, true},
        {"a.example", "ba.example", 443, false},
        {"a.example", "example", 443, false},
        {".example", "a.example", 443, true},
        {"*.example", "a.example", 443, true},
        {".example", "example", 443, true},
        {".", "example", 443, false},
        {"x, a.example ,y", "a.example", 443, true},
        {"x a.example", "a.example", 443, true},
        {"a.example:443", "a.example", 443, true},
        {"a.example:444", "a.example", 443, false},
        {"a.example:", "a.example", 443, false},
        {"10.0.0.0/8", "10.1.2.3", 443, true},
        {"10.0.0.0/8", "11.1.2.3", 443, false},
        {"10.1.2.3", "10.1.2.3", 443, true},
        {"10.1.2.3:443", "10.1.2.3", 443, true},
        {"10.1.2.3:1", "10.1.2.3", 443, false},
        {"1.2.3", "10.1.2.3", 443, false},
        {"fd00::/8", "fd12::1", 443, true},
        {"fd12::1", "fd12::1", 443, true},
        {"[fd12::1]", "fd12::1", 443, true},
        {"[fd12::1]:443", "fd12::1", 443, true},
        {"[fd12::1]:1", "fd12::1", 443, false},
        {"[fd12::1", "fd12::1", 443, false},
        {"", "127.0.0.1", 443, true},
        {"", "127.9.9.9", 443, true},
        {"", "::1", 443, true},
        {"", "LocalHost", 443, true},
        {"", "localhost.example", 443, false},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        const struct gw_upstream_target target = {
            .host = gw_str_from(cases[i].host), .port = cases[i].port, .is_tls = true};

        if (gw_upstream_proxy_spares(gw_str_from(cases[i].rules), &target) != cases[i].spared)
            fail_msg("'%s' for %s:%u", cases[i].rules, cases[i].host, (unsigned)cases[i].port);
    }
}

static void require_request(const char *setting, const char *host, const char *expected)
{
    const struct gw_upstream_target target = {.host = gw_str_from(host), .port = 443, .is_tls = true};
    struct gw_upstream_proxy proxy;
    struct gw_err err;
    struct gw_buf text;

    gw_buf_init(&text, 4096);
    assert_int_equal(gw_upstream_proxy_parse(gw_str_from(setting), &proxy, &err), GW_OK);
    gw_upstream_proxy_ask(&proxy, &target, &text);
    if (!gw_str_is(gw_buf_str(&text), expected))
        fail_msg("%.*s", (int)text.length, text.at);
    gw_buf_fini(&text);
}

static void ask__target__is_named_and_the_login_shown(void **state)
{
    (void)state;
    require_request("http://p:1", "a.example", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    require_request("http://p:1", "fd12::1", "CONNECT [fd12::1]:443 HTTP/1.1\r\nHost: [fd12::1]:443\r\n\r\n");
    require_request("http://Aladdin:open%20sesame@p:1", "a.example",
                    "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n"
                    "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
    require_request("http://me@p:1", "a.example",
                    "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n"
                    "Proxy-Authorization: Basic bWU6\r\n\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__url__gives_its_parts),
        cmocka_unit_test(parse__what_is_no_proxy__is_refused_without_repeating_it),
        cmocka_unit_test(spares__rules__are_those_of_curl_and_go),
        cmocka_unit_test(ask__target__is_named_and_the_login_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
