/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server through TLS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "server_tls_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static struct fixture *start(struct tls_fixture *t)
{
    return tls_start(t, NULL, gw_server_listen_tls);
}

static void requests__over_one_session__are_answered(void **state)
{
    struct fixture *f = start(*state);
    struct gw_buf text;
    struct client c;

    client_open(f, &c, NULL);
    client_shake(f, &c);
    gw_buf_init(&text, 1 << 20);
    client_say(&c, GET("/a"));
    assert_true(client_hear(f, &c, &text, "path=/a body= ip=127.0.0.1"));
    client_say(&c, "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_true(client_hear(f, &c, &text, "path=/b body=hello"));
    client_say(&c, GET("/close"));
    assert_false(client_hear(f, &c, &text, NULL));
    require_text(&text, "path=/close");
    assert_int_equal(atomic_load(&gw_server_counters_get(f->server)->tls_handshakes), 1);
    client_close(&c);
    gw_buf_fini(&text);
}

static void small_reply__is_one_record(void **state)
{
    struct fixture *f = start(*state);
    struct gw_buf text;
    struct client c;
    char got[4096];
    size_t length;

    client_open(f, &c, NULL);
    client_shake(f, &c);
    gw_buf_init(&text, 1 << 20);
    client_say(&c, GET("/first")); /* the tickets come before its reply */
    assert_true(client_hear(f, &c, &text, "path=/first body="));
    client_say(&c, GET("/second"));
    client_push(f, &c, SIZE_MAX);
    for (int i = 0; i < 100 && SSL_read_ex(c.ssl, got, sizeof(got), &length) != 1; i++)
        client_pump(f, &c);
    assert_non_null(memmem(got, length, "path=/second", 12));
    client_close(&c);
    gw_buf_fini(&text);
}

static void pipelined__hundreds_of_requests_in_large_records__are_all_answered(void **state)
{
    struct fixture *f = start(*state);
    struct gw_buf asked;
    struct gw_buf text;
    struct client c;
    size_t written;

    client_open(f, &c, NULL);
    client_shake(f, &c);
    gw_buf_init(&text, 1 << 20);
    gw_buf_init(&asked, 1 << 20);
    for (int i = 0; i < 900; i++)
        gw_buf_printf(&asked, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
    gw_buf_printf(&asked, GET("/last"));
    assert_int_equal(SSL_write_ex(c.ssl, asked.at, asked.length, &written), 1);
    assert_true(client_hear(f, &c, &text, "path=/last"));
    for (int i = 0; i < 900; i++) {
        char expected[32];

        (void)snprintf(expected, sizeof(expected), "path=/%d body", i);
        require_text(&text, expected);
    }
    client_close(&c);
    gw_buf_fini(&asked);
    gw_buf_fini(&text);
}

/* While the handler thinks, the input fills; what is inside the session isn't forgotten afterwards. */
static void pipelined__behind_a_slow_request__go_on_when_it_is_answered(void **state)
{
    struct fixture *f = start(*state);
    struct gw_buf asked;
    struct gw_buf text;
    struct client c;
    size_t written;

    client_open(f, &c, NULL);
    client_shake(f, &c);
    gw_buf_init(&text, 1 << 20);
    gw_buf_init(&asked, 1 << 20);
    gw_buf_printf(&asked, GET("/later"));
    for (int i = 0; i < 2000; i++)
        gw_buf_printf(&asked, GET("/x"));
    gw_buf_printf(&asked, GET("/last"));
    assert_int_equal(SSL_write_ex(c.ssl, asked.at, asked.length, &written), 1);
    client_push(f, &c, SIZE_MAX);
    fixture_until(f, f->later_count == 1);
    fixture_idle(f);
    fixture_echo(f->later[0], false);
    assert_true(client_hear(f, &c, &text, "path=/last"));
    assert_int_equal(f->requests, 2002);
    client_close(&c);
    gw_buf_fini(&asked);
    gw_buf_fini(&text);
}

static void request__every_byte_by_itself__is_answered(void **state)
{
    static const char request[] = "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    struct fixture *f = start(*state);
    struct gw_buf text;
    struct client c;
    size_t written;

    client_open(f, &c, NULL);
    while (SSL_do_handshake(c.ssl) != 1) {
        client_push(f, &c, 1);
        client_pump(f, &c);
    }
    client_push(f, &c, 1);
    gw_buf_init(&text, 1 << 20);
    for (size_t i = 0; i < sizeof(request) - 1; i++) { /* a record each, and of each record every byte */
        assert_int_equal(SSL_write_ex(c.ssl, request + i, 1, &written), 1);
        client_push(f, &c, 1);
    }
    assert_true(client_hear(f, &c, &text, "path=/b body=hello"));
    client_close(&c);
    gw_buf_fini(&text);
}

static void bodies__large_ones_both_ways__arrive_whole(void **state)
{
    struct fixture *f = start(*state);
    struct gw_buf text;
    struct client c;
    size_t written;
    char body[100000];

    client_open(f, &c, NULL);
    client_shake(f, &c);
    gw_buf_init(&text, 16U << 20);
    memset(body, 'q', sizeof(body));
    client_say(&c, "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    assert_int_equal(SSL_write_ex(c.ssl, body, sizeof(body), &written), 1);
    client_say(&c, GET("/behind"));
    assert_true(client_hear(f, &c, &text, "path=/behind"));
    require_text(&text, "Content-Length: 100"); /* the echo is longer than the body */
    gw_buf_clear(&text);
    client_say(&c, GET("/big"));
    client_say(&c, GET("/close"));
    assert_false(client_hear(f, &c, &text, NULL));
    assert_true(text.length > BIG);
    require_text(&text, "Content-Length: 4194304");
    assert_non_null(memmem(text.at + BIG, text.length - BIG, "path=/close", 11));
    client_close(&c);
    gw_buf_fini(&text);
}

static void half_close__after_close_notify__the_reply_comes(void **state)
{
    struct fixture *f = start(*state);
    struct gw_buf text;
    struct client c;

    client_open(f, &c, NULL);
    client_shake(f, &c);
    gw_buf_init(&text, 1 << 20);
    client_say(&c, GET("/later"));
    (void)SSL_shutdown(c.ssl); /* no FIN: the end is in the session alone, in the same segment */
    client_push(f, &c, SIZE_MAX);
    fixture_until(f, f->later_count == 1);
    fixture_idle(f);
    fixture_echo(f->later[0], false);
    assert_false(client_hear(f, &c, &text, NULL));
    require_text(&text, "path=/later");
    fixture_until(f, server_open(f) == 0);
    client_close(&c);
    gw_buf_fini(&text);
}

static void client_lost__while_a_handler_works__its_subject_stays_known(void **state)
{
    struct tls_fixture *t = *state;
    struct fixture *f = start(t);
    struct certificate own =
        certificate_make(&(struct certificate_spec){.common_name = "ci", .organisation = "Example", .issuer = &t->ca});
    struct client c;

    client_open(f, &c, &own);
    client_shake(f, &c);
    client_say(&c, GET("/later"));
    client_push(f, &c, SIZE_MAX);
    fixture_until(f, f->later_count == 1);
    assert_true(gw_conn_is_tls(f->later[0]));
    assert_true(gw_str_is(gw_conn_tls_subject(f->later[0]), "CN=ci,O=Example"));
    client_close(&c);
    fixture_until(f, !gw_conn_is_alive(f->later[0]));
    assert_true(gw_str_is(gw_conn_tls_subject(f->later[0]), "CN=ci,O=Example"));
    fixture_echo(f->later[0], false);
    fixture_until(f, server_open(f) == 0);
    certificate_free(&own);
}

static void plain_http__at_a_tls_port__is_told_and_closed(void **state)
{
    struct fixture *f = start(*state);
    struct gw_buf text;

    exchange(f, GET("/"), sizeof(GET("/")) - 1, &text);
    require_text(&text, "HTTP/1.1 400 Bad Request\r\n");
    require_text(&text, "This port speaks TLS");
    assert_int_equal(f->heads, 0);
    gw_buf_fini(&text);
}

static void garbage__instead_of_a_handshake__is_closed(void **state)
{
    static const char garbage[2000] = "\x16\x03\x01\xff\xff\xff";
    struct fixture *f = start(*state);
    struct gw_buf text;

    exchange(f, garbage, sizeof(garbage), &text);
    assert_true(text.length < 100); /* an alert at most */
    fixture_until(f, server_open(f) == 0);
    assert_int_equal(atomic_load(&gw_server_counters_get(f->server)->tls_failed), 1);
    gw_buf_fini(&text);
}

static void handshake__that_stalls_at_any_byte__ends_with_the_head_deadline(void **state)
{
    struct fixture *f = start(*state);
    char hello[4096];
    struct client c;
    int length;

    client_open(f, &c, NULL);
    (void)SSL_do_handshake(c.ssl);
    length = BIO_read(c.out, hello, sizeof(hello));
    assert_true(length > 0);
    client_close(&c);
    for (int sent = 0; sent < length; sent += length / 7) {
        int fd = fixture_connect(f);

        client_send_bytes(fd, hello, (size_t)sent);
        fixture_until(f, server_open(f) == 1);
        fixture_idle(f);
        assert_int_equal(server_open(f), 1);
        f->now_ms += f->options.head_timeout_ms + 200;
        fixture_until(f, server_open(f) == 0);
        (void)close(fd);
    }
}

/* Handshake and head share one deadline. */
static void head__that_never_comes_after_the_handshake__ends_with_the_same_deadline(void **state)
{
    struct fixture *f = start(*state);
    struct gw_buf text;
    struct client c;

    client_open(f, &c, NULL);
    f->now_ms += f->options.head_timeout_ms - 100;
    client_shake(f, &c);
    gw_buf_init(&text, 1 << 20);
    fixture_idle(f);
    assert_int_equal(server_open(f), 1);
    f->now_ms += 400 + f->options.head_timeout_ms;
    assert_false(client_hear(f, &c, &text, NULL));
    assert_int_equal(text.length, 0);
    client_close(&c);
    gw_buf_fini(&text);
}

static void proxy_header__in_one_segment_with_the_hello__comes_before_tls(void **state)
{
    static const char announced[] =
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x11\xcb\x00\x71\x07\x7f\x00\x00\x01\x12\x34\x00\x50"
        "\xea\x00\x02hi";
    static const struct gw_str loopback[] = {GW_STR_INIT("127.0.0.0/8")};
    struct tls_fixture *t = *state;
    struct fixture *f = &t->f;
    char bytes[4096];
    struct gw_buf text;
    struct client c;
    int length;

    f->options.proxy_protocol = true;
    f->options.trusted_proxies = loopback;
    f->options.trusted_proxy_count = 1;
    (void)start(t);
    client_open(f, &c, NULL);
    gw_buf_init(&text, 1 << 20);
    (void)SSL_do_handshake(c.ssl);
    memcpy(bytes, announced, sizeof(announced) - 1);
    length = BIO_read(c.out, bytes + sizeof(announced) - 1, sizeof(bytes) - sizeof(announced));
    client_send_bytes(c.fd, bytes, sizeof(announced) - 1 + (size_t)length);
    client_shake(f, &c);
    client_say(&c, GET("/a"));
    assert_true(client_hear(f, &c, &text, "path=/a body= ip=203.0.113.7"));
    client_close(&c);
    gw_buf_fini(&text);
}

static void slot__another_context__is_for_new_connections_only(void **state)
{
    struct tls_fixture *t = *state;
    struct fixture *f = start(t);
    struct gw_tls_context *context;
    struct gw_buf text;
    struct client before;
    struct client after;
    char name[32];

    client_open(f, &before, NULL);
    client_shake(f, &before);
    gw_buf_init(&text, 1 << 20);
    context = new_context(t, "renewed");
    gw_tls_slot_set(t->slot, &context);
    client_say(&before, GET("/before"));
    assert_true(client_hear(f, &before, &text, "path=/before"));
    client_open(f, &after, NULL);
    client_shake(f, &after);
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(after.ssl)), NID_commonName, name,
                                    sizeof(name));
    assert_string_equal(name, "renewed");
    client_close(&before);
    client_close(&after);
    gw_buf_fini(&text);
}

static void drain__idle_session__ends_with_close_notify_and_a_request_under_way_is_answered(void **state)
{
    struct fixture *f = start(*state);
    struct gw_buf text;
    struct client idle;
    struct client busy;

    client_open(f, &idle, NULL);
    client_open(f, &busy, NULL);
    client_shake(f, &idle);
    client_shake(f, &busy);
    gw_buf_init(&text, 1 << 20);
    client_say(&idle, GET("/x"));
    assert_true(client_hear(f, &idle, &text, "path=/x"));
    client_say(&busy, GET("/later"));
    client_push(f, &busy, SIZE_MAX);
    fixture_until(f, f->later_count == 1);
    gw_server_drain(f->server, fixture_on_drained, f);
    assert_false(client_hear(f, &idle, &text, NULL));
    gw_buf_clear(&text);
    fixture_echo(f->later[0], false);
    assert_false(client_hear(f, &busy, &text, NULL));
    require_text(&text, "Connection: close");
    fixture_until(f, f->drained);
    client_close(&idle);
    client_close(&busy);
    gw_buf_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests__over_one_session__are_answered),
        TEST(small_reply__is_one_record),
        TEST(pipelined__hundreds_of_requests_in_large_records__are_all_answered),
        TEST(pipelined__behind_a_slow_request__go_on_when_it_is_answered),
        TEST(request__every_byte_by_itself__is_answered),
        TEST(bodies__large_ones_both_ways__arrive_whole),
        TEST(half_close__after_close_notify__the_reply_comes),
        TEST(client_lost__while_a_handler_works__its_subject_stays_known),
        TEST(plain_http__at_a_tls_port__is_told_and_closed),
        TEST(garbage__instead_of_a_handshake__is_closed),
        TEST(handshake__that_stalls_at_any_byte__ends_with_the_head_deadline),
        TEST(head__that_never_comes_after_the_handshake__ends_with_the_same_deadline),
        TEST(proxy_header__in_one_segment_with_the_hello__comes_before_tls),
        TEST(slot__another_context__is_for_new_connections_only),
        TEST(drain__idle_session__ends_with_close_notify_and_a_request_under_way_is_answered),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
