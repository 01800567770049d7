/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong between the gateway and a server, and what is said of the
 * request then: that it can't have been acted on, or that nobody knows. Nothing is
 * sent twice but what may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/alarm.h"
#include "upstream_fixture.h"

#define GET  "GET /clusters HTTP/1.1\r\nHost: a\r\n"
#define POST "POST /clusters HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"

static void ask_repeatable(struct ask *ask, struct fixture *f)
{
    ask_init(ask, f, GET);
    ask->call.may_repeat = true;
    ask_send(ask, f);
}

static int accept_request(struct fixture *f)
{
    int fd = server_accept(f);

    server_expect(f, fd, "\r\n\r\n");
    return fd;
}

static int warm_up(struct fixture *f)
{
    struct ask ask;
    int fd;

    ask_get(&ask, f, GET);
    fd = accept_request(f);
    server_send(fd, OK_TWO);
    require_reply(f, &ask, 200, "ok");
    ask_fini(&ask);
    return fd;
}

/* The server answers a request with `reply` and closes; what is said of it. */
static void require_unknown(struct fixture *f, const char *reply, const char *err)
{
    struct ask ask;
    int fd;

    ask_repeatable(&ask, f);
    fd = accept_request(f);
    server_send(fd, reply);
    (void)shutdown(fd, SHUT_WR);
    require_outcome(f, &ask, GW_UPSTREAM_UNKNOWN, err);
    assert_true(ask.call.connected);
    server_require_closed(f, fd);
    server_require_none(f);
    assert_int_equal(fixture_counter(f, open), 0);
    ask_fini(&ask);
}

static void connect__refused__is_not_sent(void **state)
{
    struct fixture *f = *state;
    uint16_t port;
    int fd = server_listen(&port, 0);
    struct ask ask;

    ask_init(&ask, f, GET);
    ask.call.target.port = port;
    ask_send(&ask, f);
    require_outcome(f, &ask, GW_UPSTREAM_NOT_SENT, "no connection to 127.0.0.1: Connection refused");
    assert_false(ask.call.connected);
    assert_int_equal(fixture_counter(f, not_sent), 1);
    assert_int_equal(fixture_counter(f, open), 0);
    ask_fini(&ask);
    (void)close(fd);
}

/* Fills the queue of a listener, so that further connections stay half open. */
static void connect__nobody_accepts__is_not_sent_after_its_time(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct ask ask;
    uint16_t port;
    int fds[4];
    int listening = server_listen(&port, 1);

    name.sin_port = htons(port);
    for (size_t i = 0; i < 4; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fds[i], (struct sockaddr *)&name, sizeof(name));
    }
    ask_init(&ask, f, GET);
    ask.call.target.port = port;
    ask_send(&ask, f);
    fixture_idle(f);
    assert_int_equal(ask.done, 0);
    fixture_pass(f, f->options.connect_timeout_ms + 10);
    require_outcome(f, &ask, GW_UPSTREAM_NOT_SENT, "the connection took too long");
    ask_fini(&ask);
    for (size_t i = 0; i < 4; i++)
        (void)close(fds[i]);
    (void)close(listening);
}

static void reply__cut_at_every_byte__is_unknown(void **state)
{
    struct fixture *f = *state;
    const char *replies[] = {OK_TWO, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"};

    for (size_t i = 0; i < GW_COUNT(replies); i++) {
        for (size_t length = 0; length < strlen(replies[i]); length++) {
            char cut[128];

            (void)snprintf(cut, sizeof(cut), "%.*s", (int)length, replies[i]);
            require_unknown(f, cut, length == 0 ? "before a byte of its reply" : "in the middle of its reply");
        }
    }
}

static void reply__stalls_at_every_byte__is_unknown_after_its_time(void **state)
{
    struct fixture *f = *state;
    size_t whole = strlen(OK_TWO);

    for (size_t length = 0; length < whole; length++) {
        unsigned limit_ms = length == 0 ? f->options.first_byte_timeout_ms : f->options.total_timeout_ms;
        struct ask ask;
        int fd;

        ask_repeatable(&ask, f);
        fd = accept_request(f);
        server_send_bytes(fd, OK_TWO, length);
        fixture_idle(f);
        fixture_pass(f, limit_ms - 100);
        fixture_idle(f);
        assert_int_equal(ask.done, 0);
        fixture_pass(f, 200);
        require_outcome(f, &ask, GW_UPSTREAM_UNKNOWN, length == 0 ? "too long to begin" : "has passed");
        server_require_closed(f, fd);
        ask_fini(&ask);
    }
    server_require_none(f);
}

static void reply__not_as_it_must_be__is_unknown(void **state)
{
    static const char *const replies[][2] = {
        {OK_TWO OK_TWO, "bytes follow"},
        {OK_TWO "\n", "bytes follow"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nok", "bytes follow"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "in the middle"},
        {"HTTP/1.1 204 No Content\r\n\r\nx", "bytes follow"},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok", "bytes follow"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1", "bytes follow"},
        {"HTTP/1.1 100 Continue\r\n\r\n" OK_TWO, "its status is 100"},
        {"HTTP/1.1 103 Early Hints\r\n\r\n" OK_TWO, "its status is 103"},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "its status is 101"},
        {"HTTP/1.1 200 OK\r\n\r\nok", "does not say how long"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok", ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "larger than"},
        {"HTTP/2 200\r\n\r\n", "does not begin with an HTTP/1.1 status"},
        {"SSH-2.0-OpenSSH\r\n", "does not begin with an HTTP/1.1 status"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok", ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "chunked body is malformed"},
    };

    for (size_t i = 0; i < GW_COUNT(replies); i++)
        require_unknown(*state, replies[i][0], replies[i][1]);
}

static void reply__reset__is_unknown(void **state)
{
    struct fixture *f = *state;
    struct ask ask;

    ask_repeatable(&ask, f);
    server_reset(accept_request(f));
    require_outcome(f, &ask, GW_UPSTREAM_UNKNOWN, "before a byte of its reply");
    server_require_none(f);
    ask_fini(&ask);
}

/* The server closes a kept connection in the moment in which the next request goes out on it. */
static void kept__ends_before_a_byte__goes_again_only_if_it_may(void **state)
{
    struct fixture *f = *state;
    struct ask ask;
    int fd = warm_up(f);

    ask_repeatable(&ask, f);
    server_expect(f, fd, "\r\n\r\n");
    (void)close(fd);
    fd = accept_request(f);
    assert_int_equal(fixture_counter(f, retries), 1);
    server_send(fd, OK_TWO);
    require_reply(f, &ask, 200, "ok");
    ask_fini(&ask);

    ask_get(&ask, f, GET);
    server_expect(f, fd, "\r\n\r\n");
    (void)close(fd);
    require_outcome(f, &ask, GW_UPSTREAM_UNKNOWN, "before a byte of its reply");
    server_require_none(f);
    ask_fini(&ask);
}

static void kept__ends_twice__is_unknown_even_if_nothing_can_be_reached_then(void **state)
{
    struct fixture *f = *state;
    struct ask ask;
    int fd = warm_up(f);

    ask_repeatable(&ask, f);
    server_expect(f, fd, "\r\n\r\n");
    (void)close(f->listening);
    f->listening = -1;
    (void)close(fd);
    require_outcome(f, &ask, GW_UPSTREAM_UNKNOWN, "Connection refused");
    assert_true(ask.call.connected);
    ask_fini(&ask);
}

static void kept__ends_after_a_byte__is_unknown(void **state)
{
    struct fixture *f = *state;
    struct ask ask;
    int fd = warm_up(f);

    ask_repeatable(&ask, f);
    server_expect(f, fd, "\r\n\r\n");
    server_send(fd, "H");
    (void)close(fd);
    require_outcome(f, &ask, GW_UPSTREAM_UNKNOWN, "in the middle of its reply");
    server_require_none(f);
    ask_fini(&ask);
}

/* The gateway hasn't seen yet that the server closed; a change must not be the way to find out. */
static void kept__closed_unseen__change_goes_on_a_fresh_one(void **state)
{
    struct fixture *f = *state;
    struct ask ask;
    int fd = warm_up(f);

    fixture_idle(f);
    (void)close(fd);
    ask_init(&ask, f, POST);
    ask.call.body = GW_STR("ab");
    ask_send(&ask, f);
    fd = server_accept(f);
    server_expect(f, fd, "ab");
    server_send(fd, OK_TWO);
    require_reply(f, &ask, 200, "ok");
    ask_fini(&ask);
    (void)close(fd);
}

struct second {
    struct fixture *f;
    struct ask ask;
    int fd;
};

/* From the loop, in the turn in which the kept connection is readable. */
static void send_second(void *ctx)
{
    struct second *second = ctx;

    ask_repeatable(&second->ask, second->f);
}

/* A second reply lies in the socket when the next caller's request goes out: it isn't that caller's. The bell was rung
 * before the bytes came, so it is heard first, in the same turn. */
static void kept__stale_reply__never_reaches_another(void **state)
{
    struct fixture *f = *state;
    struct second second = {.f = f, .fd = warm_up(f)};
    struct gw_alarm *bell = gw_alarm_new_bell(f->loop, "test", send_second, &second);
    int fd;

    fixture_idle(f);
    gw_alarm_ring(bell);
    server_send(second.fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
    gw_loop_turn(f->loop, true);
    assert_int_equal(second.ask.done, 0);
    fd = accept_request(f);
    server_send(fd, OK_TWO);
    require_reply(f, &second.ask, 200, "ok");
    assert_int_equal(fixture_counter(f, retries), 1);
    server_require_closed(f, second.fd);
    ask_fini(&second.ask);
    (void)close(fd);
    gw_alarm_free(&bell);
}

/* Two replies, the second a little behind the first, and a caller that waits for the connection: it doesn't get it
 * before the loop has looked once more. */
static void kept__second_reply_behind_the_first__never_reaches_who_waits(void **state)
{
    struct fixture *f = *state;
    struct ask asks[2];
    int fds[2];

    gw_upstream_free(&f->upstream);
    f->options.connections_max = 1;
    fixture_start(f);
    ask_get(&asks[0], f, GET);
    ask_get(&asks[1], f, GET);
    fds[0] = accept_request(f);
    server_send(fds[0], OK_TWO);
    while (asks[0].done == 0)
        gw_loop_turn(f->loop, true);
    server_send(fds[0], "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
    fds[1] = accept_request(f);
    server_require_closed(f, fds[0]);
    server_send(fds[1], OK_TWO);
    require_reply(f, &asks[1], 200, "ok");
    assert_int_equal(fixture_counter(f, retries), 0);
    for (size_t i = 0; i < 2; i++)
        ask_fini(&asks[i]);
    (void)close(fds[1]);
}

/* A body that the kernel doesn't take at once: the server doesn't read it. */
static int begin_large(struct fixture *f, struct ask *ask, char *body, size_t length)
{
    int fd;

    memset(body, 'x', length);
    ask_init(ask, f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 33554432\r\n");
    ask->call.body = (struct gw_str){body, length};
    ask_send(ask, f);
    fd = server_accept(f);
    fixture_idle(f);
    return fd;
}

#define LARGE (32U << 20)

static void request__not_taken__is_unknown_after_its_time(void **state)
{
    struct fixture *f = *state;
    char *body = gw_alloc(LARGE);
    struct ask ask;
    int fd = begin_large(f, &ask, body, LARGE);

    fixture_pass(f, f->options.write_timeout_ms + 10);
    require_outcome(f, &ask, GW_UPSTREAM_UNKNOWN, "too long to take the request");
    (void)close(fd);
    ask_fini(&ask);
    free(body);
}

static void request__refused_early__reply_is_heard(void **state)
{
    struct fixture *f = *state;
    char *body = gw_alloc(LARGE);
    struct ask ask;
    int fd = begin_large(f, &ask, body, LARGE);

    server_send(fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
    require_reply(f, &ask, 413, "big");
    assert_int_equal(fixture_counter(f, open), 0);
    (void)close(fd);
    ask_fini(&ask);
    free(body);
}

static void request__granted_early__is_unknown(void **state)
{
    struct fixture *f = *state;
    char *body = gw_alloc(LARGE);
    struct ask ask;
    int fd = begin_large(f, &ask, body, LARGE);

    server_send(fd, OK_TWO);
    require_outcome(f, &ask, GW_UPSTREAM_UNKNOWN, "before it had the whole request");
    (void)close(fd);
    ask_fini(&ask);
    free(body);
}

static void waiting__for_too_long__is_not_sent(void **state)
{
    struct fixture *f = *state;
    struct ask asks[5];
    int fds[4];

    for (size_t i = 0; i < 5; i++)
        ask_get(&asks[i], f, GET);
    for (size_t i = 0; i < 4; i++) {
        fds[i] = accept_request(f);
        server_send(fds[i], "H");
    }
    fixture_idle(f);
    fixture_pass(f, f->options.total_timeout_ms + 10);
    for (size_t i = 0; i < 4; i++)
        require_outcome(f, &asks[i], GW_UPSTREAM_UNKNOWN, "has passed");
    require_outcome(f, &asks[4], GW_UPSTREAM_NOT_SENT, "while it waited");
    for (size_t i = 0; i < 5; i++)
        ask_fini(&asks[i]);
    for (size_t i = 0; i < 4; i++)
        (void)close(fds[i]);
}

static void free__under_way__ends_each_call_once(void **state)
{
    struct fixture *f = *state;
    struct ask asks[5];
    int fds[4];

    for (size_t i = 0; i < 5; i++)
        ask_get(&asks[i], f, GET);
    for (size_t i = 0; i < 4; i++)
        fds[i] = accept_request(f);
    gw_upstream_free(&f->upstream);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(asks[i].done, 1);
        assert_int_equal(asks[i].call.outcome, i < 4 ? GW_UPSTREAM_UNKNOWN : GW_UPSTREAM_NOT_SENT);
        ask_fini(&asks[i]);
    }
    for (size_t i = 0; i < 4; i++)
        server_require_closed(f, fds[i]);
}

/* Callers with bodies of their own, served in an order that isn't theirs, some of them with a reset. */
static void replies__many_callers__each_gets_its_own(void **state)
{
    struct fixture *f = *state;
    struct ask asks[8];
    char heads[8][64];
    size_t replied = 0;

    for (size_t i = 0; i < 8; i++) {
        (void)snprintf(heads[i], sizeof(heads[i]), "GET /%zu HTTP/1.1\r\nHost: a\r\n", i);
        ask_init(&asks[i], f, heads[i]);
        asks[i].call.may_repeat = true;
        ask_send(&asks[i], f);
    }
    for (size_t i = 0; i < 8; i++) {
        int fd = i < 4 ? server_accept(f) : -1;
        char reply[128];

        if (fd < 0)
            fd = server_accept(f);
        server_expect(f, fd, "\r\n\r\n");
        (void)snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nme-%c",
                       f->seen.at[5]);
        if (i % 3 == 2)
            server_reset(fd);
        else
            server_send(fd, reply);
        if (i % 3 != 2)
            server_require_closed(f, fd);
    }
    for (size_t i = 0; i < 8; i++) {
        fixture_until(f, asks[i].done == 1);
        if (asks[i].call.outcome == GW_UPSTREAM_REPLIED) {
            assert_int_equal(asks[i].reply[3], '0' + (char)i);
            replied++;
        }
        ask_fini(&asks[i]);
    }
    assert_int_equal(replied, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(connect__refused__is_not_sent, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(connect__nobody_accepts__is_not_sent_after_its_time, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(reply__cut_at_every_byte__is_unknown, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(reply__stalls_at_every_byte__is_unknown_after_its_time, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(reply__not_as_it_must_be__is_unknown, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(reply__reset__is_unknown, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(kept__ends_before_a_byte__goes_again_only_if_it_may, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(kept__ends_twice__is_unknown_even_if_nothing_can_be_reached_then, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(kept__ends_after_a_byte__is_unknown, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(kept__closed_unseen__change_goes_on_a_fresh_one, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(kept__stale_reply__never_reaches_another, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(kept__second_reply_behind_the_first__never_reaches_who_waits, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(request__not_taken__is_unknown_after_its_time, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(request__refused_early__reply_is_heard, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(request__granted_early__is_unknown, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(waiting__for_too_long__is_not_sent, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(free__under_way__ends_each_call_once, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(replies__many_callers__each_gets_its_own, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
