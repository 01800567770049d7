/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of admin listeners; what is sent and read is in tests/api/ctl_spec.lua. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/ctl_http.h"

static void address_parse__tcp__has_host_port_and_authority(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        const char *port;
        const char *authority;
        const char *url;
    } rows[] = {
        {"127.0.0.1:9180", "127.0.0.1", "9180", "127.0.0.1:9180", "http://127.0.0.1:9180"},
        {"http://127.0.0.1:9180", "127.0.0.1", "9180", "127.0.0.1:9180", "http://127.0.0.1:9180"},
        {"http://localhost:1/", "localhost", "1", "localhost:1", "http://localhost:1"},
        {"[::1]:65535", "::1", "65535", "[::1]:65535", "http://[::1]:65535"},
        {"http://[2001:DB8::192.0.2.1]:80/", "2001:DB8::192.0.2.1", "80", "[2001:DB8::192.0.2.1]:80",
         "http://[2001:DB8::192.0.2.1]:80"},
        {"eksgate-admin.eks_gate.svc:0080", "eksgate-admin.eks_gate.svc", "80", "eksgate-admin.eks_gate.svc:80",
         "http://eksgate-admin.eks_gate.svc:80"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct gw_ctl_address address;
        struct gw_err err = {""};

        assert_int_equal(gw_ctl_address_parse(gw_str_from(rows[i].text), &address, &err), GW_OK);
        assert_false(address.is_unix);
        assert_string_equal(address.host, rows[i].host);
        assert_string_equal(address.port, rows[i].port);
        assert_string_equal(address.authority, rows[i].authority);
        assert_string_equal(address.url, rows[i].url);
    }
}

static void address_parse__unix__is_a_path(void **state)
{
    struct gw_ctl_address address;
    struct gw_err err;

    (void)state;
    assert_int_equal(gw_ctl_address_parse(GW_STR("unix:/run/eksgate/admin.sock"), &address, &err), GW_OK);
    assert_true(address.is_unix);
    assert_string_equal(address.host, "/run/eksgate/admin.sock");
    assert_string_equal(address.authority, "localhost");
    assert_string_equal(address.url, "unix:/run/eksgate/admin.sock");
    assert_int_equal(gw_ctl_address_parse(GW_STR("unix:a b"), &address, &err), GW_OK);
    assert_string_equal(address.host, "a b");
}

static void address_parse__other_forms__are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "/",
        ":1",
        "a",
        "a:",
        "a:b",
        "a:+1",
        "a:1x",
        "a:65536",
        "a:0",
        "a:1:2",
        "::1:80",
        "[]:1",
        "[::1]",
        "[::1]1",
        "[::1]x:1",
        "[::1:1",
        "[a%lo]:1",
        "[g::]:1",
        "a b:1",
        "a\r\nX: y:1",
        "u@a:1",
        "http://",
        "http://a",
        "http:///",
        "http://a:1/b",
        "http://a:1?b",
        "http://a:1//",
        "https://a:1",
        "HTTP://a:1",
        "ftp://a:1",
        "unix:",
    };
    char text[300];
    struct gw_ctl_address address;
    struct gw_err err;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        if (gw_ctl_address_parse(gw_str_from(texts[i]), &address, &err) != GW_E_SYNTAX)
            fail_msg("taken: %s", texts[i]);
    }
    memset(text, 'a', sizeof(text));
    memcpy(text + 254, ":1", 2);
    assert_int_equal(gw_ctl_address_parse((struct gw_str){text, 256}, &address, &err), GW_E_SYNTAX);
    assert_int_equal(gw_ctl_address_parse((struct gw_str){text + 1, 255}, &address, &err), GW_OK);
    memcpy(text, "unix:", 5);
    assert_int_equal(gw_ctl_address_parse((struct gw_str){text, 5 + 108}, &address, &err), GW_E_SYNTAX);
    assert_int_equal(gw_ctl_address_parse((struct gw_str){text, 5 + 107}, &address, &err), GW_OK);
    assert_int_equal(strlen(address.host), 107);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_parse__tcp__has_host_port_and_authority),
        cmocka_unit_test(address_parse__unix__is_a_path),
        cmocka_unit_test(address_parse__other_forms__are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
