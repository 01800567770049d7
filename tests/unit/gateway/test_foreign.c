/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests a web page could have had a browser send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "gateway/foreign.h"

static bool is_named(const char *address, bool is_loopback, const char *host)
{
    static const struct gw_str items[] = {GW_STR_INIT("gate.example"), GW_STR_INIT("other.example:1")};
    struct gw_listener listener = {.is_loopback = is_loopback};

    (void)snprintf(listener.address, sizeof(listener.address), "%s", address);
    return gw_foreign_is_named(&listener, (struct gw_foreign_names){items, 2}, gw_str_from(host));
}

static void foreign_is_named__own_address_and_names__hold(void **state)
{
    (void)state;
    assert_true(is_named("127.0.0.1:8080", true, "127.0.0.1:8080"));
    assert_true(is_named("[::1]:8080", true, "[::1]:8080"));
    assert_true(is_named("[::1]:8080", true, "LOCALHOST:8080"));
    assert_true(is_named("127.0.0.1:80", true, "127.0.0.1"));
    assert_true(is_named("[::1]:443", true, "[::1]"));
    assert_true(is_named("127.0.0.1:8080", true, "Gate.Example"));
    assert_true(is_named("127.0.0.1:8080", true, "gate.example:8080"));
    assert_true(is_named("127.0.0.1:8080", true, "other.example:1"));
}

static void foreign_is_named__anything_else__does_not_hold(void **state)
{
    static const char *const hosts[] = {"",          "127.0.0.1",         "127.0.0.1:8081", "evil.example",
                                        "evil:8080", "gate.example:8081", "xgate.example",  "gate.example.",
                                        ":8080",     "localhost:80",      "other.example"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(hosts); i++)
        assert_false(is_named("127.0.0.1:8080", true, hosts[i]));
    assert_false(is_named("192.0.2.1:8080", false, "localhost:8080"));
}

static struct gw_http1_request with_field(enum gw_header_id id, const char *value)
{
    struct gw_http1_request request = {.header_count = 1};

    request.headers[0] = (struct gw_header){.id = id, .value = gw_str_from(value)};
    request.index[id] = 1;
    return request;
}

static void foreign_why__origin_and_other_sites__are_told(void **state)
{
    struct gw_http1_request none = {.header_count = 0};
    struct gw_http1_request origin = with_field(GW_HEADER_ORIGIN, "http://127.0.0.1:8080");
    struct gw_http1_request typed = with_field(GW_HEADER_SEC_FETCH_SITE, "none");
    struct gw_http1_request cross = with_field(GW_HEADER_SEC_FETCH_SITE, "cross-site");
    struct gw_http1_request odd = with_field(GW_HEADER_SEC_FETCH_SITE, "None");

    (void)state;
    assert_null(gw_foreign_why(&none));
    assert_null(gw_foreign_why(&typed));
    assert_non_null(gw_foreign_why(&origin));
    assert_non_null(gw_foreign_why(&cross));
    assert_non_null(gw_foreign_why(&odd));
}

static void foreign_is_type__only_the_type_itself__counts(void **state)
{
    static const struct {
        const char *value;
        bool is_json;
    } cases[] = {
        {"application/json", true},
        {"APPLICATION/json ; charset=utf-8", true},
        {"application/json;", true},
        {"", false},
        {"text/plain; application/json", false},
        {"application/json, text/plain", false},
        {"application/json5", false},
    };
    struct gw_http1_request none = {.header_count = 0};

    (void)state;
    assert_false(gw_foreign_is_type(&none, "application/json"));
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_http1_request request = with_field(GW_HEADER_CONTENT_TYPE, cases[i].value);

        assert_int_equal(gw_foreign_is_type(&request, "application/json"), cases[i].is_json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_is_named__own_address_and_names__hold),
        cmocka_unit_test(foreign_is_named__anything_else__does_not_hold),
        cmocka_unit_test(foreign_why__origin_and_other_sites__are_told),
        cmocka_unit_test(foreign_is_type__only_the_type_itself__counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
