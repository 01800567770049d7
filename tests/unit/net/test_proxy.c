/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PROXY protocol's bytes, and which address of X-Forwarded-For counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "net/proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

struct message {
    char bytes[70000];
    size_t length;
};

/* A header whose addresses are `payload` zero bytes but for a first "\x0a\x01\x02\x03". */
static struct gw_str make(struct message *message, int command, int family, size_t payload)
{
    memset(message->bytes, 0, sizeof(message->bytes));
    memcpy(message->bytes, SIGNATURE, 12);
    message->bytes[12] = (char)command;
    message->bytes[13] = (char)family;
    message->bytes[14] = (char)(payload >> 8);
    message->bytes[15] = (char)payload;
    memcpy(message->bytes + 16, "\x0a\x01\x02\x03", 4);
    message->length = 16 + payload;
    return (struct gw_str){message->bytes, message->length};
}

static void require_header(int command, int family, size_t payload, enum gw_status expected, const char *source)
{
    struct message *message = gw_alloc(sizeof(*message));
    struct gw_str data = make(message, command, family, payload);
    struct gw_address address = {.kind = GW_ADDRESS_NONE};
    char text[GW_ADDRESS_TEXT];
    size_t length = 0;

    assert_int_equal(gw_proxy_parse(data, &length, &address), expected);
    if (expected == GW_OK) {
        assert_int_equal(length, 16 + payload);
        (void)gw_address_print(&address, text);
        assert_string_equal(address.kind == GW_ADDRESS_NONE ? "none" : text, source);
        for (size_t cut = 0; cut < data.length; cut++)
            assert_int_equal(gw_proxy_parse(gw_str_slice(data, 0, cut), &length, &address), GW_AGAIN);
    }
    free(message);
}

static void header__of_each_family__gives_its_source(void **state)
{
    (void)state;
    require_header(0x21, 0x11, 12, GW_OK, "10.1.2.3");
    require_header(0x21, 0x11, 60, GW_OK, "10.1.2.3");
    require_header(0x21, 0x21, 36, GW_OK, "a01:203::");
    require_header(0x21, 0x31, 216, GW_OK, "unix");
}

static void header__that_names_nobody__leaves_the_peer(void **state)
{
    (void)state;
    require_header(0x20, 0x00, 0, GW_OK, "none");
    require_header(0x20, 0x11, 12, GW_OK, "none");
    require_header(0x21, 0x00, 5, GW_OK, "none");
}

static void header__malformed__is_refused(void **state)
{
    (void)state;
    require_header(0x11, 0x11, 12, GW_E_SYNTAX, NULL); /* version 1 */
    require_header(0x22, 0x11, 12, GW_E_SYNTAX, NULL); /* no such command */
    require_header(0x21, 0x12, 12, GW_E_SYNTAX, NULL); /* datagrams */
    require_header(0x21, 0x11, 11, GW_E_SYNTAX, NULL); /* too short for its family */
    require_header(0x21, 0x21, 35, GW_E_SYNTAX, NULL);
    require_header(0x21, 0x31, 215, GW_E_SYNTAX, NULL);
    require_header(0x21, 0x11, GW_PROXY_MAX, GW_E_LIMIT, NULL);
    require_header(0x21, 0x11, 65535, GW_E_LIMIT, NULL);
}

static void header__that_does_not_begin_as_one__is_refused_at_once(void **state)
{
    struct gw_address address;
    size_t length;

    (void)state;
    assert_int_equal(gw_proxy_parse(GW_STR("G"), &length, &address), GW_E_SYNTAX);
    assert_int_equal(gw_proxy_parse(GW_STR("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n"), &length, &address), GW_E_SYNTAX);
    assert_int_equal(gw_proxy_parse(GW_STR("\r\n\r\nG"), &length, &address), GW_E_SYNTAX);
    assert_int_equal(gw_proxy_parse(GW_STR(""), &length, &address), GW_AGAIN);
}

/* The source of a request from 10.0.0.1 with these header lines, 10.0.0.0/8 being trusted. */
static void require_source(const char *peer_text, const char *lines, const char *expected)
{
    static const struct gw_http1_limits limits = {4096, 16, 0};
    struct gw_http1_request request;
    struct gw_http1_error error;
    struct gw_address peer;
    struct gw_address source;
    struct gw_cidr trusted;
    struct gw_err err;
    size_t scanned = 0;
    char head[512];
    char got[GW_ADDRESS_TEXT];

    (void)snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
    assert_int_equal(gw_http1_parse_head(gw_str_from(head), &limits, &scanned, &request, &error), GW_OK);
    assert_int_equal(gw_address_parse_cidr(GW_STR("10.0.0.0/8"), &trusted, &err), GW_OK);
    assert_int_equal(gw_address_parse(gw_str_from(peer_text), &peer), GW_OK);
    source = gw_proxy_source(&request, &peer, &trusted, 1);
    (void)gw_address_print(&source, got);
    if (strcmp(got, expected) != 0)
        fail_msg("%s from %s: expected %s, got %s", lines, peer_text, expected, got);
}

static void source__from_a_trusted_peer__is_the_rightmost_untrusted(void **state)
{
    (void)state;
    require_source("10.0.0.1", "", "10.0.0.1");
    require_source("10.0.0.1", "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1");
    require_source("10.0.0.1", "X-Forwarded-For: 198.51.100.1 , 192.0.2.1,10.2.3.4\r\n", "192.0.2.1");
    require_source("10.0.0.1", "X-Forwarded-For: 198.51.100.1\r\nX-Other: 1.1.1.1\r\nX-Forwarded-For: 192.0.2.1\r\n",
                   "192.0.2.1");
    require_source("10.0.0.1", "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 10.1.1.1\r\n", "198.51.100.1");
    require_source("10.0.0.1", "X-Forwarded-For: 10.3.3.3, 10.4.4.4\r\n", "10.3.3.3");
}

static void source__with_ports_and_brackets__is_the_address(void **state)
{
    (void)state;
    require_source("10.0.0.1", "X-Forwarded-For: 192.0.2.1:4711\r\n", "192.0.2.1");
    require_source("10.0.0.1", "X-Forwarded-For: 2001:db8::1\r\n", "2001:db8::1");
    require_source("10.0.0.1", "X-Forwarded-For: [2001:db8::1]\r\n", "2001:db8::1");
    require_source("10.0.0.1", "X-Forwarded-For: [2001:db8::1]:443\r\n", "2001:db8::1");
}

static void source__behind_garbage__is_the_peer(void **state)
{
    static const char *const garbage[] = {"unknown",
                                          "_hidden",
                                          "1.2.3",
                                          "192.0.2.1:",
                                          "192.0.2.1:99999",
                                          "[2001:db8::1",
                                          "[2001:db8::1]x",
                                          "[192.0.2.1]",
                                          "[]",
                                          "[",
                                          "",
                                          ",",
                                          "192.0.2.1, ",
                                          "192.0.2.1 x",
                                          "192.0.2.1, for=a"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(garbage); i++) {
        char line[128];

        (void)snprintf(line, sizeof(line), "X-Forwarded-For: %s\r\n", garbage[i]);
        require_source("10.0.0.1", line, "10.0.0.1");
    }
    require_source("10.0.0.1", "X-Forwarded-For: junk, 192.0.2.1\r\n", "192.0.2.1");
}

static void source__from_a_stranger__is_the_stranger(void **state)
{
    (void)state;
    require_source("192.0.2.66", "X-Forwarded-For: 10.0.0.1\r\n", "192.0.2.66");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header__of_each_family__gives_its_source),
        cmocka_unit_test(header__that_names_nobody__leaves_the_peer),
        cmocka_unit_test(header__malformed__is_refused),
        cmocka_unit_test(header__that_does_not_begin_as_one__is_refused_at_once),
        cmocka_unit_test(source__from_a_trusted_peer__is_the_rightmost_untrusted),
        cmocka_unit_test(source__with_ports_and_brackets__is_the_address),
        cmocka_unit_test(source__behind_garbage__is_the_peer),
        cmocka_unit_test(source__from_a_stranger__is_the_stranger),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
