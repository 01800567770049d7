/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listener that clients take for their HTTPS_PROXY: CONNECT, then TLS with the
 * server itself. The tunnel that is given leads to gate.example:443.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "server_tls_fixture.h"

#define GET(path)   "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define CONNECT     "CONNECT gate.example:443 HTTP/1.1\r\nHost: gate.example:443\r\n\r\n"
#define ESTABLISHED "HTTP/1.1 200 Connection established\r\n\r\n"

static bool on_connect(void *ctx, struct gw_str authority)
{
    (void)ctx;
    return gw_str_is(authority, "gate.example:443");
}

static struct fixture *start(struct tls_fixture *t)
{
    return tls_start(t, on_connect, gw_server_listen_proxy);
}

/* What comes back is the 200 alone; the session begins behind it. */
static void ask(struct fixture *f, struct client *c, const char *connect, size_t piece)
{
    char got[256];
    size_t length = 0;
    int64_t until_ms = fixture_patience();

    for (size_t at = 0; at < strlen(connect); at += piece) {
        size_t left = strlen(connect) - at;

        client_send_bytes(c->fd, connect + at, left < piece ? left : piece);
        fixture_turn(f, -1);
    }
    while (length < strlen(ESTABLISHED)) {
        ssize_t some = recv(c->fd, got + length, strlen(ESTABLISHED) - length, MSG_DONTWAIT);

        assert_true(some != 0 && gw_clock_monotonic_ms(gw_clock_system()) < until_ms);
        length += some > 0 ? (size_t)some : 0;
        fixture_turn(f, c->fd);
    }
    assert_memory_equal(got, ESTABLISHED, strlen(ESTABLISHED));
}

static void assert_serves(struct fixture *f, struct client *c)
{
    struct gw_buf text;

    client_shake(f, c);
    gw_buf_init(&text, 1 << 20);
    client_say(c, GET("/a"));
    assert_true(client_hear(f, c, &text, "path=/a body= ip="));
    client_say(c, GET("/b"));
    assert_true(client_hear(f, c, &text, "path=/b body= ip="));
    client_close(c);
    gw_buf_fini(&text);
}

static void connect__to_a_host_that_is_served__begins_a_session(void **state)
{
    struct fixture *f = start(*state);
    struct client c;

    client_open(f, &c, NULL);
    ask(f, &c, CONNECT, SIZE_MAX / 2);
    assert_serves(f, &c);
    client_open(f, &c, NULL);
    ask(f, &c, "CONNECT gate.example:443 HTTP/1.0\r\nProxy-Authorization: Basic eDp5\r\n\r\n", SIZE_MAX / 2);
    assert_serves(f, &c);
    assert_int_equal(f->refused, 0);
}

static void connect__byte_by_byte__is_understood(void **state)
{
    struct fixture *f = start(*state);
    struct client c;

    client_open(f, &c, NULL);
    ask(f, &c, CONNECT, 1);
    assert_serves(f, &c);
}

static void connect__behind_a_proxy_header__is_understood(void **state)
{
    static const struct gw_str loopback[] = {GW_STR_INIT("127.0.0.0/8")};
    static const char header[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x07\x7f\x00\x00\x01\x12\x34\x00\x50";
    struct tls_fixture *t = *state;
    struct fixture *f;
    struct client c;

    t->f.options.proxy_protocol = true;
    t->f.options.trusted_proxies = loopback;
    t->f.options.trusted_proxy_count = 1;
    f = start(t);
    client_open(f, &c, NULL);
    client_send_bytes(c.fd, header, sizeof(header) - 1);
    ask(f, &c, CONNECT, 5);
    assert_serves(f, &c);
}

static void connect__anything_else__is_refused(void **state)
{
    static const struct {
        const char *bytes;
        unsigned status;
    } rows[] = {
        {"CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n", 403},
        {"CONNECT gate.example:22 HTTP/1.1\r\n\r\n", 403},
        {"CONNECT 127.0.0.1:443 HTTP/1.1\r\n\r\n", 403},
        {"CONNECT gate.example HTTP/1.1\r\n\r\n", 400},
        {"CONNECT / HTTP/1.1\r\nHost: gate.example\r\n\r\n", 400},
        {"CONNECT http://gate.example:443 HTTP/1.1\r\n\r\n", 400},
        {"CONNECT gate.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n", 400},
        {"CONNECT gate.example:443 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", 400},
        {"CONNECT gate.example:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"CONNECT gate.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01", 400},
        {"CONNECT gate.example:443 HTTP/2.0\r\n\r\n", 505},
        {GET("/a"), 400},
        {"GET https://gate.example/a HTTP/1.1\r\nHost: gate.example\r\n\r\n", 400},
        {"connect gate.example:443 HTTP/1.1\r\n\r\n", 400},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
    };
    struct fixture *f = start(*state);

    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct gw_buf text;

        f->refused_status = 0;
        exchange(f, rows[i].bytes, i + 1 < GW_COUNT(rows) ? strlen(rows[i].bytes) : 11, &text);
        if (f->refused_status != rows[i].status)
            fail_msg("%s: %u", rows[i].bytes, f->refused_status);
        assert_false(text_has(&text, "200"));
        gw_buf_fini(&text);
    }
    assert_int_equal(f->heads, 0);
    assert_int_equal(atomic_load(&gw_server_counters_get(f->server)->tls_handshakes), 0);
    f->done = f->refused = 0; /* without a request there is nobody to be done with */
}

static void connect__where_nobody_decides__is_refused(void **state)
{
    struct fixture *f = tls_start(*state, NULL, gw_server_listen_proxy);
    struct gw_buf text;

    exchange(f, CONNECT, strlen(CONNECT), &text);
    require_text(&text, "403");
    gw_buf_fini(&text);
}

static void connect__on_other_listeners__opens_nothing(void **state)
{
    struct fixture *f = tls_start(*state, on_connect, gw_server_listen_tls);
    struct gw_buf text;

    exchange(f, CONNECT, strlen(CONNECT), &text);
    assert_false(text_has(&text, "established"));
    gw_buf_fini(&text);
}

static void connect__too_slow_at_any_step__is_closed(void **state)
{
    struct fixture *f = start(*state);
    struct client silent = {.fd = fixture_connect(f)};
    struct client half = {.fd = fixture_connect(f)};
    struct client shaking;

    client_send(half.fd, "CONNECT gate.ex");
    client_open(f, &shaking, NULL);
    ask(f, &shaking, CONNECT, SIZE_MAX / 2);
    fixture_until(f, server_open(f) == 3);
    f->now_ms += 2000;
    fixture_until(f, server_open(f) == 0);
    client_close(&shaking);
    (void)close(silent.fd);
    (void)close(half.fd);
}

static void connect__ended_halfway__is_closed(void **state)
{
    struct fixture *f = start(*state);
    int fd = fixture_connect(f);

    client_send(fd, "CONNECT gate.ex");
    fixture_idle(f);
    (void)close(fd);
    fixture_until(f, server_open(f) == 0);
}

static void connect__while_the_server_drains__ends(void **state)
{
    struct fixture *f = start(*state);
    struct client c;
    struct gw_buf text;

    client_open(f, &c, NULL);
    ask(f, &c, CONNECT, SIZE_MAX / 2);
    client_shake(f, &c);
    gw_buf_init(&text, 1 << 20);
    client_say(&c, GET("/later"));
    while (f->later_count == 0)
        client_pump(f, &c);
    gw_server_drain(f->server, fixture_on_drained, f);
    fixture_echo(f->later[0], false);
    assert_false(client_hear(f, &c, &text, NULL));
    require_text(&text, "Connection: close");
    fixture_until(f, f->drained);
    client_close(&c);
    gw_buf_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(connect__to_a_host_that_is_served__begins_a_session),
        TEST(connect__byte_by_byte__is_understood),
        TEST(connect__behind_a_proxy_header__is_understood),
        TEST(connect__anything_else__is_refused),
        TEST(connect__where_nobody_decides__is_refused),
        TEST(connect__on_other_listeners__opens_nothing),
        TEST(connect__too_slow_at_any_step__is_closed),
        TEST(connect__ended_halfway__is_closed),
        TEST(connect__while_the_server_drains__ends),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
