/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numeric addresses and networks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/address.h"

static void address__of_each_kind__prints_as_read(void **state)
{
    static const char *const texts[] = {"127.0.0.1", "0.0.0.0", "::1", "2001:db8::ff00:42:8329"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct gw_address address;
        char out[GW_ADDRESS_TEXT];

        assert_int_equal(gw_address_parse(gw_str_from(texts[i]), &address), GW_OK);
        assert_int_equal(gw_address_print(&address, out), strlen(texts[i]));
        assert_string_equal(out, texts[i]);
    }
}

static void address__ipv4_within_ipv6__is_ipv4(void **state)
{
    struct gw_address address;
    char out[GW_ADDRESS_TEXT];

    (void)state;
    assert_int_equal(gw_address_parse(GW_STR("::ffff:192.0.2.1"), &address), GW_OK);
    assert_int_equal(address.kind, GW_ADDRESS_IPV4);
    (void)gw_address_print(&address, out);
    assert_string_equal(out, "192.0.2.1");
}

static void address__anything_else__is_a_syntax_error(void **state)
{
    static const struct gw_str texts[] = {
        GW_STR_INIT(""),          GW_STR_INIT("localhost"), GW_STR_INIT("1.2.3"),
        GW_STR_INIT("1.2.3.256"), GW_STR_INIT("01.2.3.4"),  GW_STR_INIT("1.2.3.4 "),
        GW_STR_INIT("::1%lo"),    GW_STR_INIT("[::1]"),     GW_STR_INIT("1.2.3.4\0x")};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct gw_address address;

        assert_int_equal(gw_address_parse(texts[i], &address), GW_E_SYNTAX);
    }
}

static bool is_in(const char *address_text, const char *network_text)
{
    struct gw_address address = {.kind = GW_ADDRESS_UNIX};
    struct gw_cidr network;
    struct gw_err err;

    if (strcmp(address_text, "unix") != 0)
        assert_int_equal(gw_address_parse(gw_str_from(address_text), &address), GW_OK);
    assert_int_equal(gw_address_parse_cidr(gw_str_from(network_text), &network, &err), GW_OK);
    return gw_address_is_in(&address, &network, 1);
}

static void network__holds_the_addresses_of_its_prefix_only(void **state)
{
    (void)state;
    assert_true(is_in("10.1.2.3", "10.0.0.0/8"));
    assert_false(is_in("11.1.2.3", "10.0.0.0/8"));
    assert_true(is_in("192.168.15.255", "192.168.8.0/21"));
    assert_false(is_in("192.168.16.0", "192.168.8.0/21"));
    assert_true(is_in("1.2.3.4", "1.2.3.4"));
    assert_false(is_in("1.2.3.5", "1.2.3.4/32"));
    assert_true(is_in("1.2.3.4", "0.0.0.0/0"));
    assert_false(is_in("::1", "0.0.0.0/0"));
    assert_true(is_in("::ffff:10.0.0.1", "10.0.0.0/8"));
    assert_true(is_in("2001:db8:1::5", "2001:db8::/32"));
    assert_false(is_in("2001:db9::5", "2001:db8::/32"));
    assert_true(is_in("fd00::1", "::/0"));
    assert_true(is_in("10.9.9.9", "10.1.2.3/8"));
    assert_true(is_in("10.9.9.9", "::ffff:10.0.0.0/104"));
    assert_false(is_in("11.9.9.9", "::ffff:10.0.0.0/104"));
    assert_true(is_in("unix", "unix"));
    assert_false(is_in("127.0.0.1", "unix"));
    assert_false(is_in("unix", "0.0.0.0/0"));
}

static void network__malformed__is_an_error_that_names_it(void **state)
{
    static const char *const texts[] = {"",       "10.0.0.0/",        "10.0.0.0/33", "10.0.0.0/-1",
                                        "::/129", "10.0.0.0/8/8",     "localhost/8", "10.0.0.0/ 8",
                                        "all",    "::ffff:10.0.0.0/8"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct gw_cidr network;
        struct gw_err err = {""};

        if (gw_address_parse_cidr(gw_str_from(texts[i]), &network, &err) == GW_OK)
            fail_msg("%s is taken", texts[i]);
        assert_non_null(strstr(err.text, texts[i]));
    }
}

static void networks__none__hold_nothing(void **state)
{
    struct gw_address address;

    (void)state;
    assert_int_equal(gw_address_parse(GW_STR("127.0.0.1"), &address), GW_OK);
    assert_false(gw_address_is_in(&address, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address__of_each_kind__prints_as_read),
        cmocka_unit_test(address__ipv4_within_ipv6__is_ipv4),
        cmocka_unit_test(address__anything_else__is_a_syntax_error),
        cmocka_unit_test(network__holds_the_addresses_of_its_prefix_only),
        cmocka_unit_test(network__malformed__is_an_error_that_names_it),
        cmocka_unit_test(networks__none__hold_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
