/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and replies that go as they should, connections that are kept, and
 * those that wait for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "upstream_fixture.h"

#define GET "GET /clusters HTTP/1.1\r\nHost: a\r\n"

/* One exchange on a new connection, which is kept. */
static int warm_up(struct fixture *f)
{
    struct ask ask;
    int fd;

    ask_get(&ask, f, GET);
    fd = server_accept(f);
    server_expect(f, fd, "\r\n\r\n");
    server_send(fd, OK_TWO);
    require_reply(f, &ask, 200, "ok");
    ask_fini(&ask);
    return fd;
}

static void send__request__arrives_as_it_was_given(void **state)
{
    struct fixture *f = *state;
    struct ask ask;
    int fd;

    ask_init(&ask, f, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n");
    ask.call.body = GW_STR("abc");
    ask_send(&ask, f);
    fd = server_accept(f);
    server_expect(f, fd, "abc");
    assert_true(gw_str_is(gw_buf_str(&f->seen), "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                                                "Connection: keep-alive\r\n\r\nabc"));
    server_send(fd, "HTTP/1.1 404 Not Found\r\nContent-Type: x\r\nContent-Length: 4\r\n\r\nnone");
    require_reply(f, &ask, 404, "none");
    assert_true(ask.call.connected);
    assert_true(gw_str_is(gw_http1_header(&ask.call.reply.fields, GW_HEADER_CONTENT_TYPE), "x"));
    (void)close(fd);
    ask_fini(&ask);
}

static void send__next_request__uses_the_kept_connection(void **state)
{
    struct fixture *f = *state;
    int fd = warm_up(f);

    for (int i = 0; i < 3; i++) {
        struct ask ask;

        ask_get(&ask, f, GET);
        server_expect(f, fd, "\r\n\r\n");
        server_send(fd, OK_TWO);
        require_reply(f, &ask, 200, "ok");
        ask_fini(&ask);
    }
    server_require_none(f);
    assert_int_equal(fixture_counter(f, connections), 1);
    assert_int_equal(fixture_counter(f, requests), 4);
    (void)close(fd);
}

static void send__chunked_reply__is_decoded(void **state)
{
    struct fixture *f = *state;
    struct ask ask;
    int fd;

    ask_get(&ask, f, GET);
    fd = server_accept(f);
    server_expect(f, fd, "\r\n\r\n");
    server_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    fixture_idle(f);
    server_send(fd, "2;x=y\r\nde\r\n0\r\n\r\n");
    require_reply(f, &ask, 200, "abcde");
    ask_fini(&ask);
    (void)close(fd);
}

static void send__reply_byte_by_byte__is_put_together(void **state)
{
    struct fixture *f = *state;
    const char *reply = "HTTP/1.1 200 OK\r\nContent-Type: t\r\nContent-Length: 5\r\n\r\nhello";
    struct ask ask;
    int fd;

    ask_get(&ask, f, GET);
    fd = server_accept(f);
    server_expect(f, fd, "\r\n\r\n");
    for (const char *at = reply; *at != '\0'; at++) {
        assert_int_equal(ask.done, 0);
        server_send_bytes(fd, at, 1);
        gw_loop_turn(f->loop, false);
    }
    require_reply(f, &ask, 200, "hello");
    assert_true(gw_str_is(gw_http1_header(&ask.call.reply.fields, GW_HEADER_CONTENT_TYPE), "t"));
    ask_fini(&ask);
    (void)close(fd);
}

static void send__large_bodies__go_both_ways(void **state)
{
    struct fixture *f = *state;
    size_t length = 1U << 20;
    char *body = gw_alloc(length);
    struct ask ask;
    size_t sent = 0;
    int fd;

    memset(body, 'x', length);
    body[length - 1] = '!';
    ask_init(&ask, f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n");
    ask.call.body = (struct gw_str){body, length};
    ask_send(&ask, f);
    fd = server_accept(f);
    server_expect(f, fd, "!");
    server_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
    while (sent < length) {
        ssize_t got = send(fd, body + sent, length - sent, MSG_NOSIGNAL);

        sent += got > 0 ? (size_t)got : 0;
        fixture_turn(f);
    }
    require_outcome(f, &ask, GW_UPSTREAM_REPLIED, "");
    assert_true(gw_str_equal(ask.call.reply_body, ask.call.body));
    ask_fini(&ask);
    free(body);
    (void)close(fd);
}

static void send__reply_says_close__connection_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct ask ask;
    int fd;

    ask_get(&ask, f, GET);
    fd = server_accept(f);
    server_expect(f, fd, "\r\n\r\n");
    server_send(fd, "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok");
    require_reply(f, &ask, 200, "ok");
    server_require_closed(f, fd);
    assert_int_equal(fixture_counter(f, open), 0);
    ask_fini(&ask);
}

static void send__more_than_connections__wait_in_order(void **state)
{
    struct fixture *f = *state;
    struct ask asks[6];
    int fds[4];

    for (size_t i = 0; i < 6; i++)
        ask_get(&asks[i], f, GET);
    for (size_t i = 0; i < 4; i++)
        fds[i] = server_accept(f);
    server_require_none(f);
    assert_int_equal(fixture_counter(f, waiting), 2);
    for (size_t i = 0; i < 4; i++) {
        server_expect(f, fds[i], "\r\n\r\n");
        server_send(fds[i], OK_TWO);
        fixture_idle(f);
    }
    for (size_t i = 0; i < 2; i++) {
        server_expect(f, fds[i], "\r\n\r\n");
        server_send(fds[i], OK_TWO);
    }
    for (size_t i = 0; i < 6; i++) {
        require_reply(f, &asks[i], 200, "ok");
        ask_fini(&asks[i]);
    }
    for (size_t i = 0; i < 4; i++)
        (void)close(fds[i]);
}

static void send__more_than_may_wait__is_not_sent_at_once(void **state)
{
    struct fixture *f = *state;
    struct ask asks[9];

    for (size_t i = 0; i < 8; i++)
        ask_get(&asks[i], f, GET);
    fixture_until(f, fixture_counter(f, waiting) == 4);
    ask_get(&asks[8], f, GET);
    require_outcome(f, &asks[8], GW_UPSTREAM_NOT_SENT, "too many requests wait");
    gw_upstream_free(&f->upstream);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(asks[i].done, 1);
        assert_int_equal(asks[i].call.outcome, i < 4 ? GW_UPSTREAM_UNKNOWN : GW_UPSTREAM_NOT_SENT);
        ask_fini(&asks[i]);
    }
}

static void idle__closed_by_the_server__is_not_used(void **state)
{
    struct fixture *f = *state;
    struct ask ask;
    int fd = warm_up(f);

    assert_int_equal(fixture_counter(f, open), 1);
    (void)close(fd);
    fixture_until(f, fixture_counter(f, open) == 0);
    ask_get(&ask, f, GET);
    fd = server_accept(f);
    server_expect(f, fd, "\r\n\r\n");
    server_send(fd, OK_TWO);
    require_reply(f, &ask, 200, "ok");
    assert_int_equal(fixture_counter(f, retries), 0);
    ask_fini(&ask);
    (void)close(fd);
}

static void idle__for_longer_than_it_may__is_closed(void **state)
{
    struct fixture *f = *state;
    int fd = warm_up(f);

    fixture_pass(f, f->options.idle_timeout_ms - 100);
    fixture_idle(f);
    assert_int_equal(fixture_counter(f, open), 1);
    fixture_pass(f, 200);
    server_require_closed(f, fd);
    assert_int_equal(fixture_counter(f, open), 0);
}

static void idle__bytes_that_nobody_asked_for__close_it(void **state)
{
    struct fixture *f = *state;
    int fd = warm_up(f);

    server_send(fd, OK_TWO);
    server_require_closed(f, fd);
    assert_int_equal(fixture_counter(f, open), 0);
}

/* on_done sends the same call again. */
static void ask_again(void *ctx, struct gw_upstream_call *call)
{
    struct ask *ask = ctx;
    struct fixture *f = (struct fixture *)(uintptr_t)call->body.at;

    if (ask->done++ == 0) {
        call->body = GW_STR_NONE;
        gw_upstream_send(f->upstream, call);
    }
}

static void on_done__sends_again__and_is_called_again(void **state)
{
    struct fixture *f = *state;
    int fd = warm_up(f);
    struct ask ask;

    ask_init(&ask, f, GET);
    ask.call.on_done = ask_again;
    ask.call.body = (struct gw_str){(const char *)f, 0};
    ask_send(&ask, f);
    for (unsigned i = 1; i <= 2; i++) {
        server_expect(f, fd, "\r\n\r\n");
        server_send(fd, OK_TWO);
        fixture_until(f, ask.done == i);
    }
    ask_fini(&ask);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(send__request__arrives_as_it_was_given, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(send__next_request__uses_the_kept_connection, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(send__chunked_reply__is_decoded, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(send__reply_byte_by_byte__is_put_together, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(send__large_bodies__go_both_ways, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(send__reply_says_close__connection_is_not_kept, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(send__more_than_connections__wait_in_order, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(send__more_than_may_wait__is_not_sent_at_once, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(idle__closed_by_the_server__is_not_used, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(idle__for_longer_than_it_may__is_closed, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(idle__bytes_that_nobody_asked_for__close_it, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(on_done__sends_again__and_is_called_again, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
