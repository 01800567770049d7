/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large replies that are taken in pieces: at the receiver's pace, broken off by
 * either side, and what becomes of the connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "upstream_fixture.h"

#include "taker.h"

#define GET "GET /clusters HTTP/1.1\r\nHost: a\r\n"

static int setup(void **state)
{
    struct fixture *f = fixture_new(state);

    f->options.breaker_failures = 1;
    f->options.breaker_open_ms = 1000000;
    fixture_start(f);
    return 0;
}

static void server_pour(struct fixture *f, int fd, const char *bytes, size_t length)
{
    int64_t until_ms = fixture_patience();

    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

        assert_true(gw_clock_monotonic_ms(gw_clock_system()) < until_ms);
        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
        }
        fixture_turn(f);
    }
}

/* Under way: the server has the request. */
static int taker_begin(struct taker *taker, struct fixture *f)
{
    int fd;

    taker_init(taker, f, GET);
    ask_send(&taker->ask, f);
    fd = server_accept(f);
    server_expect(f, fd, "\r\n\r\n");
    return fd;
}

static void require_next_is_answered(struct fixture *f, int fd)
{
    struct ask ask;

    ask_get(&ask, f, GET);
    if (fd < 0)
        fd = server_accept(f);
    server_expect(f, fd, "\r\n\r\n");
    server_send(fd, OK_TWO);
    require_reply(f, &ask, 200, "ok");
    ask_fini(&ask);
    (void)close(fd);
}

static void pieces__large_reply__are_all_of_it_and_the_connection_goes_on(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    size_t head;
    char *reply = large_reply(&head);
    int fd = taker_begin(&taker, f);

    server_pour(f, fd, reply, head + LARGE);
    require_outcome(f, &taker.ask, GW_UPSTREAM_REPLIED, "");
    require_large(&taker);
    assert_int_equal(taker.heads, 1);
    assert_true(taker.pieces > 1);
    assert_true(taker.ask.call.reply_body.length > 0);
    assert_true(taker.ask.arena.taken < LARGE);
    require_next_is_answered(f, fd);
    server_require_none(f);
    taker_fini(&taker);
    free(reply);
}

static void pieces__head_byte_by_byte__begin_when_it_is_there(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    size_t head;
    char *reply = large_reply(&head);
    int fd = taker_begin(&taker, f);

    for (size_t i = 0; i < head; i++) {
        assert_int_equal(taker.heads, 0);
        server_send_bytes(fd, reply + i, 1);
        fixture_turn(f);
    }
    fixture_until(f, taker.pieces == 1);
    assert_int_equal(taker.got.length, 0);
    server_pour(f, fd, reply + head, LARGE);
    require_outcome(f, &taker.ask, GW_UPSTREAM_REPLIED, "");
    require_large(&taker);
    (void)close(fd);
    taker_fini(&taker);
    free(reply);
}

static void pieces__not_wanted__reply_is_whole(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    size_t head;
    char *reply = large_reply(&head);
    int fd = taker_begin(&taker, f);

    taker.declines = true;
    server_pour(f, fd, reply, head + LARGE);
    require_outcome(f, &taker.ask, GW_UPSTREAM_REPLIED, "");
    require_large(&taker);
    assert_int_equal(taker.heads, 1);
    assert_int_equal(taker.pieces, 0);
    assert_int_equal(taker.ask.call.reply_body.length, LARGE);
    assert_true(gw_str_is(taker.ask.call.reply.fields.headers[0].value, "b"));
    (void)close(fd);
    taker_fini(&taker);
    free(reply);
}

static void pieces__small_or_chunked_reply__are_not_asked_for(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    char *chunk = gw_alloc(100000);
    int fd = taker_begin(&taker, f);

    server_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n");
    memset(chunk, 'x', 100000);
    server_pour(f, fd, chunk, 65536);
    require_outcome(f, &taker.ask, GW_UPSTREAM_REPLIED, "");
    assert_int_equal(taker.ask.call.reply_body.length, 65536);
    taker.ask.done = 0;
    ask_send(&taker.ask, f);
    server_expect(f, fd, "\r\n\r\n");
    server_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n");
    server_pour(f, fd, chunk, 100000);
    server_send(fd, "\r\n0\r\n\r\n");
    require_outcome(f, &taker.ask, GW_UPSTREAM_REPLIED, "");
    assert_int_equal(taker.ask.call.reply_body.length, 100000);
    assert_int_equal(taker.heads + taker.pieces, 0);
    (void)close(fd);
    taker_fini(&taker);
    free(chunk);
}

static void pause__nothing_more_is_taken_until_it_is_resumed(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    size_t head;
    char *reply = large_reply(&head);
    int fd = taker_begin(&taker, f);

    taker.next = GW_UPSTREAM_PAUSE;
    server_send_bytes(fd, reply, head + 1000);
    fixture_until(f, taker.pieces == 1);
    server_send_bytes(fd, reply + head + 1000, 1000);
    fixture_pass(f, 19000); /* the upstream has begun: no deadline but the total's */
    fixture_idle(f);
    assert_int_equal(taker.pieces, 1);
    gw_upstream_resume(&taker.ask.call);
    fixture_until(f, taker.pieces == 2);
    gw_upstream_resume(&taker.ask.call);
    gw_upstream_resume(&taker.ask.call); /* of one that doesn't pause: nothing */
    taker.next = GW_UPSTREAM_GO_ON;
    server_pour(f, fd, reply + head + 2000, LARGE - 2000);
    require_outcome(f, &taker.ask, GW_UPSTREAM_REPLIED, "");
    require_large(&taker);
    gw_upstream_resume(&taker.ask.call);
    require_next_is_answered(f, fd);
    taker_fini(&taker);
    free(reply);
}

static void pause__past_the_total_time__is_unknown_and_not_the_upstreams_fault(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    size_t head;
    char *reply = large_reply(&head);
    int fd = taker_begin(&taker, f);

    taker.next = GW_UPSTREAM_PAUSE;
    server_send_bytes(fd, reply, head + 1000);
    fixture_until(f, taker.pieces == 1);
    fixture_pass(f, 20200);
    require_outcome(f, &taker.ask, GW_UPSTREAM_UNKNOWN, "time");
    assert_int_equal(fixture_counter(f, breaker_opened), 0);
    server_require_closed(f, fd);
    require_next_is_answered(f, -1);
    taker_fini(&taker);
    free(reply);
}

static void stream__that_stalls__ends_at_the_total_time(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    size_t head;
    char *reply = large_reply(&head);
    int fd = taker_begin(&taker, f);

    server_send_bytes(fd, reply, head + 1000);
    fixture_until(f, taker.pieces == 1);
    fixture_pass(f, 20200);
    require_outcome(f, &taker.ask, GW_UPSTREAM_UNKNOWN, "time");
    assert_int_equal(fixture_counter(f, breaker_opened), 0);
    server_require_closed(f, fd);
    taker_fini(&taker);
    free(reply);
}

/* The server goes after `length` bytes of the body. */
static void break_off(struct fixture *f, size_t length, bool resets)
{
    struct taker taker;
    size_t head;
    char *reply = large_reply(&head);
    int fd = taker_begin(&taker, f);

    server_pour(f, fd, reply, head + length);
    fixture_until(f, taker.pieces > 0 && (taker.got.length == length));
    if (resets)
        server_reset(fd);
    else
        (void)close(fd);
    require_outcome(f, &taker.ask, GW_UPSTREAM_UNKNOWN, "in the middle of its reply");
    assert_true(taker.ask.call.connected);
    assert_int_equal(taker.got.length, length);
    server_require_none(f); /* it isn't sent again */
    assert_int_equal(fixture_counter(f, open), 0);
    taker_fini(&taker);
    free(reply);
}

static void stream__broken_at_any_point__is_unknown(void **state)
{
    struct fixture *f = *state;
    const size_t points[] = {0, 1, 1000, 65536, 65537, 131072, 200000, LARGE - 2, LARGE - 1};

    f->options.breaker_failures = 0;
    gw_upstream_free(&f->upstream);
    fixture_start(f);
    for (size_t i = 0; i < GW_COUNT(points); i++) {
        break_off(f, points[i], false);
        break_off(f, points[i], true);
    }
    assert_int_equal(fixture_counter(f, unknown), 2 * GW_COUNT(points));
}

static void stream__with_a_byte_too_many__is_unknown_and_its_last_piece_kept_back(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    size_t head;
    char *reply = large_reply(&head);
    int fd = taker_begin(&taker, f);

    server_pour(f, fd, reply, head + LARGE - 1);
    fixture_until(f, taker.got.length == LARGE - 1);
    server_send(fd, "xy");
    require_outcome(f, &taker.ask, GW_UPSTREAM_UNKNOWN, "bytes follow");
    assert_int_equal(taker.got.length, LARGE - 1);
    server_require_closed(f, fd);
    taker_fini(&taker);
    free(reply);
}

static void stream__under_way__nobody_else_gets_its_connection(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    size_t head;
    char *reply = large_reply(&head);
    int fd = taker_begin(&taker, f);

    server_pour(f, fd, reply, head + LARGE - 1);
    fixture_until(f, taker.got.length == LARGE - 1);
    require_next_is_answered(f, -1);
    server_send_bytes(fd, reply + head + LARGE - 1, 1);
    require_outcome(f, &taker.ask, GW_UPSTREAM_REPLIED, "");
    require_large(&taker);
    fixture_idle(f);
    require_next_is_answered(f, fd);
    taker_fini(&taker);
    free(reply);
}

static void cancel__while_it_pauses__closes_the_connection(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    size_t head;
    char *reply = large_reply(&head);
    int fd = taker_begin(&taker, f);

    taker.next = GW_UPSTREAM_PAUSE;
    server_send_bytes(fd, reply, head + 1000);
    fixture_until(f, taker.pieces == 1);
    gw_upstream_cancel(&taker.ask.call);
    gw_upstream_cancel(&taker.ask.call);
    gw_upstream_resume(&taker.ask.call);
    assert_int_equal(taker.ask.done, 0); /* never from within */
    require_outcome(f, &taker.ask, GW_UPSTREAM_UNKNOWN, "nobody waits");
    gw_upstream_cancel(&taker.ask.call); /* it is over: nothing */
    assert_int_equal(fixture_counter(f, unknown), 0);
    assert_int_equal(fixture_counter(f, breaker_opened), 0);
    server_require_closed(f, fd);
    require_next_is_answered(f, -1);
    taker_fini(&taker);
    free(reply);
}

static void give_up__from_on_piece__closes_the_connection(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    size_t head;
    char *reply = large_reply(&head);
    int fd = taker_begin(&taker, f);

    taker.next = GW_UPSTREAM_GIVE_UP;
    server_send_bytes(fd, reply, head + 1000);
    require_outcome(f, &taker.ask, GW_UPSTREAM_UNKNOWN, "nobody waits");
    assert_int_equal(taker.pieces, 1);
    assert_int_equal(fixture_counter(f, open), 0);
    server_require_closed(f, fd);
    require_next_is_answered(f, -1);
    taker_fini(&taker);
    free(reply);
}

static void cancel__before_a_byte_is_sent__is_not_sent(void **state)
{
    struct fixture *f = *state;
    struct taker takers[5];

    for (size_t i = 0; i < 5; i++) {
        taker_init(&takers[i], f, GET);
        ask_send(&takers[i].ask, f);
    }
    gw_upstream_cancel(&takers[4].ask.call);
    require_outcome(f, &takers[4].ask, GW_UPSTREAM_NOT_SENT, "nobody waits");
    assert_int_equal(fixture_counter(f, not_sent), 0);
    for (size_t i = 0; i < 4; i++) {
        gw_upstream_cancel(&takers[i].ask.call);
        fixture_until(f, takers[i].ask.done == 1);
    }
    assert_int_equal(fixture_counter(f, waiting), 0);
    for (size_t i = 0; i < 5; i++)
        taker_fini(&takers[i]);
}

static void free__with_a_stream_under_way__tells_its_receiver(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    size_t head;
    char *reply = large_reply(&head);
    int fd = taker_begin(&taker, f);

    server_send_bytes(fd, reply, head + 1000);
    fixture_until(f, taker.pieces == 1);
    gw_upstream_free(&f->upstream);
    assert_int_equal(taker.ask.done, 1);
    assert_int_equal(taker.ask.call.outcome, GW_UPSTREAM_UNKNOWN);
    server_require_closed(f, fd);
    taker_fini(&taker);
    free(reply);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces__large_reply__are_all_of_it_and_the_connection_goes_on),
        TEST(pieces__head_byte_by_byte__begin_when_it_is_there),
        TEST(pieces__not_wanted__reply_is_whole),
        TEST(pieces__small_or_chunked_reply__are_not_asked_for),
        TEST(pause__nothing_more_is_taken_until_it_is_resumed),
        TEST(pause__past_the_total_time__is_unknown_and_not_the_upstreams_fault),
        TEST(stream__that_stalls__ends_at_the_total_time),
        TEST(stream__broken_at_any_point__is_unknown),
        TEST(stream__with_a_byte_too_many__is_unknown_and_its_last_piece_kept_back),
        TEST(stream__under_way__nobody_else_gets_its_connection),
        TEST(cancel__while_it_pauses__closes_the_connection),
        TEST(give_up__from_on_piece__closes_the_connection),
        TEST(cancel__before_a_byte_is_sent__is_not_sent),
        TEST(free__with_a_stream_under_way__tells_its_receiver),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
