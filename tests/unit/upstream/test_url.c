/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints are read as what they are, and nothing is taken for one that could be read as another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "upstream/upstream.h"

static void assert_target(const char *url, const char *host, unsigned port, bool is_tls)
{
    struct gw_upstream_target target;
    struct gw_err err;

    assert_int_equal(gw_upstream_parse_url(gw_str_from(url), &target, &err), GW_OK);
    assert_true(gw_str_is(target.host, host));
    assert_int_equal(target.port, port);
    assert_int_equal(target.is_tls, is_tls);
}

static void url__of_every_form__is_read(void **state)
{
    (void)state;
    assert_target("https://eks.us-east-1.amazonaws.com", "eks.us-east-1.amazonaws.com", 443, true);
    assert_target("http://127.0.0.1:5000/", "127.0.0.1", 5000, false);
    assert_target("http://[::1]:65535", "::1", 65535, false);
    assert_target("https://[fd00:ec2::23]", "fd00:ec2::23", 443, true);
    assert_target("http://localhost", "localhost", 80, false);
}

static void url__that_is_none__is_refused(void **state)
{
    static const char *const urls[] = {"",
                                       "localhost:80",
                                       "ftp://a",
                                       "https://",
                                       "https://a/b",
                                       "https://user@a",
                                       "https://a?b",
                                       "http://a:0",
                                       "http://a:65536",
                                       "http://a:+80",
                                       "http://a:80:",
                                       "http://[::1",
                                       "http://::1",
                                       "http://a b",
                                       "http://a:",
                                       "http://[]",
                                       "https://a//",
                                       "http://a#b",
                                       "http://a\r\nb:80",
                                       "HTTP://a"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(urls); i++) {
        struct gw_upstream_target target;
        struct gw_err err;

        if (gw_upstream_parse_url(gw_str_from(urls[i]), &target, &err) != GW_E_SYNTAX)
            fail_msg("%s is taken for an endpoint", urls[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(url__of_every_form__is_read),
        cmocka_unit_test(url__that_is_none__is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
