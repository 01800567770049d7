/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Behind a proxy: the PROXY protocol and X-Forwarded-For as a server takes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static const struct gw_str loopback[] = {GW_STR_INIT("127.0.0.0/8")};
static const struct gw_str elsewhere[] = {GW_STR_INIT("192.0.2.0/24")};

/* PROXY, TCP over IPv4, 203.0.113.7:4660 to 127.0.0.1:80, one TLV behind. */
static const char announced[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x11\xcb\x00\x71\x07\x7f\x00\x00\x01\x12\x34\x00\x50"
                                "\xea\x00\x02hi";

static int setup(void **state)
{
    struct fixture *f = gw_alloc(sizeof(*f));

    fixture_init(f);
    f->options.proxy_protocol = true;
    f->options.trusted_proxies = loopback;
    f->options.trusted_proxy_count = 1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_fini(*state);
    free(*state);
    return 0;
}

static void proxy_header__from_a_trusted_peer__gives_the_source(void **state)
{
    struct fixture *f = *state;
    struct gw_buf text;
    int fd;

    fixture_start(f);
    gw_buf_init(&text, 1 << 20);
    fd = fixture_connect(f);
    client_send_bytes(fd, announced, sizeof(announced) - 1);
    fixture_idle(f);
    client_send(fd, GET("/a"));
    assert_true(client_receive(f, fd, &text, "path=/a body= ip=203.0.113.7", 1));
    client_send(fd, GET("/b"));
    assert_true(client_receive(f, fd, &text, "path=/b body= ip=203.0.113.7", 1));
    (void)close(fd);
    gw_buf_fini(&text);
}

static void proxy_header__cut_at_every_byte__is_understood(void **state)
{
    struct fixture *f = *state;
    char bytes[256];
    size_t length = sizeof(announced) - 1;
    static const char request[] = GET("/a");

    fixture_start(f);
    memcpy(bytes, announced, length);
    memcpy(bytes + length, request, sizeof(request) - 1);
    length += sizeof(request) - 1;
    for (size_t cut = 1; cut < length; cut++) {
        int fd = fixture_connect(f);
        struct gw_buf text;

        gw_buf_init(&text, 1 << 20);
        client_send_bytes(fd, bytes, cut);
        fixture_turn(f, -1);
        fixture_turn(f, -1);
        client_send_bytes(fd, bytes + cut, length - cut);
        assert_true(client_receive(f, fd, &text, "path=/a body= ip=203.0.113.7", 1));
        (void)close(fd);
        gw_buf_fini(&text);
    }
}

static void proxy_header__missing__closes_without_a_word(void **state)
{
    struct fixture *f = *state;
    struct gw_buf text;

    fixture_start(f);
    exchange(f, GET("/a"), sizeof(GET("/a")) - 1, &text);
    assert_int_equal(text.length, 0);
    assert_int_equal(f->heads + f->refused, 0);
    assert_int_equal(atomic_load(&gw_server_counters_get(f->server)->refused), 1);
    gw_buf_fini(&text);
}

static void proxy_header__late__is_closed_at_the_head_deadline(void **state)
{
    struct fixture *f = *state;
    struct gw_buf text;
    int fd;

    fixture_start(f);
    gw_buf_init(&text, 1 << 20);
    fd = fixture_connect(f);
    client_send_bytes(fd, announced, 20);
    fixture_until(f, server_open(f) == 1);
    f->now_ms += 1100;
    client_receive_all(f, fd, &text);
    assert_int_equal(text.length, 0);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void proxy_header__from_an_untrusted_peer__is_closed(void **state)
{
    struct fixture *f = *state;

    f->options.trusted_proxies = elsewhere;
    fixture_start(f);
    {
        int fd = fixture_connect(f);

        fixture_until(f, atomic_load(&gw_server_counters_get(f->server)->refused) == 1);
        assert_int_equal(server_open(f), 0);
        (void)close(fd);
    }
}

static void require_source(struct fixture *f, const char *headers, const char *ip)
{
    struct gw_buf text;
    char expected[64];
    char request[512];
    int length =
        snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", headers);

    exchange(f, request, (size_t)length, &text);
    (void)snprintf(expected, sizeof(expected), "body= ip=%s", ip);
    assert_true(text.length > strlen(expected));
    if (!gw_str_is(gw_str_slice(gw_buf_str(&text), text.length - strlen(expected), SIZE_MAX), expected))
        fail_msg("not from %s: %.*s", ip, (int)text.length, text.at);
    gw_buf_fini(&text);
}

static void forwarded_for__from_a_trusted_peer__gives_the_source_of_that_request(void **state)
{
    struct fixture *f = *state;

    f->options.proxy_protocol = false;
    fixture_start(f);
    require_source(f, "X-Forwarded-For: 198.51.100.1, 203.0.113.9\r\n", "203.0.113.9");
    require_source(f, "", "127.0.0.1");
    require_source(f, "X-Forwarded-For: not an address\r\n", "127.0.0.1");
}

static void forwarded_for__with_no_trusted_networks__is_ignored(void **state)
{
    struct fixture *f = *state;

    f->options.proxy_protocol = false;
    f->options.trusted_proxy_count = 0;
    fixture_start(f);
    require_source(f, "X-Forwarded-For: 203.0.113.9\r\n", "127.0.0.1");
}

static void proxy_protocol__off__makes_its_header_a_bad_request(void **state)
{
    struct fixture *f = *state;
    struct gw_buf text;

    f->options.proxy_protocol = false;
    fixture_start(f);
    exchange(f, announced, sizeof(announced) - 1, &text);
    require_text(&text, "HTTP/1.1 400");
    gw_buf_fini(&text);
}

#define WITH_OPTIONS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_OPTIONS(proxy_header__from_a_trusted_peer__gives_the_source),
        WITH_OPTIONS(proxy_header__cut_at_every_byte__is_understood),
        WITH_OPTIONS(proxy_header__missing__closes_without_a_word),
        WITH_OPTIONS(proxy_header__late__is_closed_at_the_head_deadline),
        WITH_OPTIONS(proxy_header__from_an_untrusted_peer__is_closed),
        WITH_OPTIONS(forwarded_for__from_a_trusted_peer__gives_the_source_of_that_request),
        WITH_OPTIONS(forwarded_for__with_no_trusted_networks__is_ignored),
        WITH_OPTIONS(proxy_protocol__off__makes_its_header_a_bad_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
