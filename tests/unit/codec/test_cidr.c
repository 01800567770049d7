/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and ranges: what core/codec/cidr.h promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/cidr.h"

#include <stdio.h>
#include <stdlib.h>

static struct gw_ip ip_of(const char *text)
{
    struct gw_ip ip;

    if (gw_ip_parse(gw_str_from(text), &ip) != GW_OK)
        fail_msg("%s", text);
    return ip;
}

static struct gw_cidr range_of(const char *text)
{
    struct gw_cidr range;
    struct gw_err err;

    if (gw_cidr_parse(gw_str_from(text), &range, &err) != GW_OK)
        fail_msg("%s: %s", text, err.text);
    return range;
}

static bool has(const char *text, const char *address)
{
    struct gw_cidr range = range_of(text);
    struct gw_ip ip = ip_of(address);

    return gw_cidr_has(&range, 1, &ip);
}

static void parse__what_is_no_address__is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "0x1.2.3.4",
        "1.2.3.4:80",
        "[::1]",
        "::1%eth0",
        "1::2::3",
        ":::",
        "12345::",
        "g::",
        "::1.2.3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "localhost",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000000",
    };
    struct gw_ip ip;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(wrong); i++) {
        if (gw_ip_parse(gw_str_from(wrong[i]), &ip) != GW_E_SYNTAX)
            fail_msg("%s", wrong[i]);
    }
    assert_int_equal(gw_ip_parse((struct gw_str){"1.2.3.4\0x", 9}, &ip), GW_E_SYNTAX);
}

static void parse__what_is_no_range__is_refused(void **state)
{
    static const char *const wrong[] = {"10.0.0.0/",
                                        "10.0.0.0/33",
                                        "10.0.0.0/08",
                                        "10.0.0.0/-1",
                                        "10.0.0.0/8/8",
                                        "/8",
                                        "::/129",
                                        "::/1x",
                                        "10.0.0.0/ 8",
                                        "10/8",
                                        "10.0.0.1/8",
                                        "fd00::1/8",
                                        "10.0.0.0/+8",
                                        "10.0.0.0/4294967304",
                                        "::ffff:10.0.0.1/104",
                                        "::ffff:10.0.0.0/33"};
    struct gw_cidr range;
    struct gw_err err;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(wrong); i++) {
        if (gw_cidr_parse(gw_str_from(wrong[i]), &range, &err) != GW_E_SYNTAX)
            fail_msg("%s", wrong[i]);
    }
    assert_int_equal(gw_cidr_parse(GW_STR("10.1.2.3/8"), &range, &err), GW_E_SYNTAX);
    assert_string_equal(err.text, "10.1.2.3/8 has bits set behind its prefix; 10.0.0.0/8 is the range that it lies in");
}

static void has__first_and_last_address__are_inside_their_neighbours_outside(void **state)
{
    (void)state;
    assert_true(has("10.16.0.0/12", "10.16.0.0"));
    assert_true(has("10.16.0.0/12", "10.31.255.255"));
    assert_false(has("10.16.0.0/12", "10.15.255.255"));
    assert_false(has("10.16.0.0/12", "10.32.0.0"));
    assert_true(has("10.0.0.7", "10.0.0.7"));
    assert_false(has("10.0.0.7/32", "10.0.0.6"));
    assert_true(has("0.0.0.0/0", "255.255.255.255"));
    assert_true(has("fd00::/8", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    assert_false(has("fd00::/8", "fe00::"));
    assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(has("2001:db8::/33", "2001:db8:8000::"));
    assert_true(has("::/0", "::1"));
}

static void has__mapped_addresses__are_those_of_ipv4(void **state)
{
    (void)state;
    assert_true(has("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_true(has("10.0.0.0/8", "::ffff:a01:203"));
    assert_true(has("::ffff:10.0.0.0/104", "10.1.2.3"));
    assert_true(has("::ffff:0:0/96", "1.2.3.4"));
    assert_true(has("::ffff:10.1.2.3", "10.1.2.3"));
    assert_false(has("::/0", "10.1.2.3"));
    assert_false(has("::/0", "::ffff:10.1.2.3"));
    assert_false(has("0.0.0.0/0", "::1"));
    assert_int_equal(range_of("::ffff:10.0.0.0/104").prefix, 8);
}

static void format__addresses__come_out_short(void **state)
{
    char text[GW_IP_TEXT_SIZE];
    struct gw_ip ip = ip_of("2001:0DB8:0:0:0:0:0:1");

    (void)state;
    gw_ip_format(&ip, text);
    assert_string_equal(text, "2001:db8::1");
    ip = ip_of("::ffff:10.1.2.3");
    gw_ip_format(&ip, text);
    assert_string_equal(text, "10.1.2.3");
}

static void sort__overlapping_ranges__are_joined(void **state)
{
    struct gw_cidr ranges[] = {range_of("10.1.0.0/16"), range_of("fd00::/8"), range_of("10.0.0.0/8"),
                               range_of("10.0.0.0/9"),  range_of("9.9.9.9"),  range_of("10.255.255.255")};
    struct gw_ip inside = ip_of("10.200.0.1");
    struct gw_ip outside = ip_of("11.0.0.0");
    size_t count = gw_cidr_sort(ranges, GW_COUNT(ranges));

    (void)state;
    assert_int_equal(count, 3);
    assert_true(gw_cidr_has(ranges, count, &inside));
    assert_false(gw_cidr_has(ranges, count, &outside));
    assert_int_equal(gw_cidr_sort(ranges, 0), 0);
    assert_false(gw_cidr_has(ranges, 0, &inside));
}

/* One of 0 to count - 1; the same ones each run. */
static int choose(int count)
{
    static uint64_t chosen = 11;

    chosen = chosen * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((chosen >> 33) % (unsigned)count);
}

static void has__many_random_ranges__agrees_with_looking_at_each(void **state)
{
    struct gw_cidr given[200];
    struct gw_cidr sorted[GW_COUNT(given)];
    char text[64];
    unsigned inside = 0;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(given); i++) {
        (void)snprintf(text, sizeof(text), i % 2 == 0 ? "10.%d.%d.0/24" : "fd00:%x:%x::/48", choose(4), choose(256));
        given[i] = range_of(text);
    }
    memcpy(sorted, given, sizeof(given));
    size_t count = gw_cidr_sort(sorted, GW_COUNT(sorted));
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(text, sizeof(text), i % 2 == 0 ? "10.%d.%d.7" : "fd00:%x:%x::7", choose(4), choose(256));
        struct gw_ip ip = ip_of(text);
        bool expected = false;
        for (size_t k = 0; k < GW_COUNT(given); k++)
            expected = expected || gw_cidr_has(&given[k], 1, &ip);
        assert_int_equal(gw_cidr_has(sorted, count, &ip), expected);
        inside += expected;
    }
    assert_in_range(inside, 100, 19900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__what_is_no_address__is_refused),
        cmocka_unit_test(parse__what_is_no_range__is_refused),
        cmocka_unit_test(has__first_and_last_address__are_inside_their_neighbours_outside),
        cmocka_unit_test(has__mapped_addresses__are_those_of_ipv4),
        cmocka_unit_test(format__addresses__come_out_short),
        cmocka_unit_test(sort__overlapping_ranges__are_joined),
        cmocka_unit_test(has__many_random_ranges__agrees_with_looking_at_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
