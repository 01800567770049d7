/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies that are handed over in pieces: they arrive as whole ones do, wait for a
 * slow client, and never look whole when they aren't.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define PIECE     65536

static int setup(void **state)
{
    struct fixture *f = gw_alloc(sizeof(*f));

    fixture_init(f);
    fixture_start(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_fini(*state);
    free(*state);
    return 0;
}

/* A client whose request waits for the test's reply, on a connection that takes little at a time. */
static int ask_later(struct fixture *f, const char *request)
{
    int bytes = 2048;
    int fd;

    assert_int_equal(setsockopt(f->listener.fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
    fd = fixture_connect_with(f, 4096);
    client_send(fd, request);
    fixture_until(f, f->later_count == 1);
    return fd;
}

static enum gw_conn_flow begin(struct fixture *f, size_t length, const char *first)
{
    char head[64];
    struct gw_reply reply = {.body = gw_str_from(first)};

    (void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n", length);
    reply.head = gw_str_from(head);
    return gw_conn_reply_begin(f->later[0], &reply, length);
}

/* One piece, in memory that is gone afterwards. */
static enum gw_conn_flow give(struct fixture *f, size_t at)
{
    char *piece = gw_alloc(PIECE);
    enum gw_conn_flow flow;

    for (size_t i = 0; i < PIECE; i++)
        piece[i] = (char)('a' + (at + i) % 23);
    flow = gw_conn_reply_piece(f->later[0], (struct gw_str){piece, PIECE});
    free(piece);
    return flow;
}

/* Until the connection takes no more, or `most` is reached; bytes given. */
static size_t give_until_full(struct fixture *f, size_t at, size_t most)
{
    enum gw_conn_flow flow = GW_CONN_FLOWS;

    for (; at < most && flow == GW_CONN_FLOWS; at += PIECE)
        flow = give(f, at);
    assert_int_not_equal(flow, GW_CONN_LOST);
    return at;
}

static bool ends_with(const struct gw_buf *text, const char *end)
{
    size_t length = strlen(end);

    return text->length >= length && memcmp(text->at + text->length - length, end, length) == 0;
}

/* What is there; false, so that fixture_until goes on. */
static bool receive_some(int fd, struct gw_buf *text)
{
    ssize_t got;

    assert_int_equal(gw_buf_reserve(text, PIECE), GW_OK);
    got = recv(fd, text->at + text->length, PIECE, MSG_DONTWAIT);
    text->length += got > 0 ? (size_t)got : 0;
    return false;
}

/* The client is gone, and the handler hears of it. */
static void require_lost(struct fixture *f)
{
    fixture_until(f, f->emptied > 0 && !gw_conn_is_alive(f->later[0]));
    assert_int_equal(f->done, 0); /* not before the handler is through with it */
}

static void pieces__from_within_on_request__are_a_reply_like_any_other(void **state)
{
    struct fixture *f = *state;
    struct gw_buf text;
    int fd = fixture_connect(f);

    gw_buf_init(&text, 1 << 20);
    client_send(fd, GET("/pieces") GET("/pieces") GET("/after"));
    assert_true(client_receive(f, fd, &text, "path=/after", 1));
    require_text(&text, "Content-Length: 10\r\nConnection: keep-alive\r\n\r\nten bytes!HTTP/1.1 200 OK");
    require_text(&text, "ten bytes!HTTP/1.1 200 OK\r\nContent-Length: 34");
    assert_int_equal(f->emptied, 0);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void pieces__that_come_later__go_out_at_once_and_the_next_request_waits(void **state)
{
    struct fixture *f = *state;
    int fd = ask_later(f, GET("/later") GET("/after"));
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    assert_int_equal(begin(f, 6, ""), GW_CONN_FLOWS);
    assert_true(client_receive(f, fd, &text, "\r\n\r\n", 1));
    assert_int_equal(gw_conn_reply_piece(f->later[0], GW_STR("abc")), GW_CONN_FLOWS);
    assert_true(client_receive(f, fd, &text, "abc", 1));
    f->now_ms += 100000; /* nothing waits for the client: no deadline runs */
    for (int i = 0; i < 150; i++)
        fixture_turn(f, -1);
    assert_int_equal(f->requests, 1);
    gw_conn_reply_end(f->later[0], GW_STR("def"));
    assert_true(client_receive(f, fd, &text, "path=/after", 1));
    require_text(&text, "\r\n\r\nabcdefHTTP/1.1 200 OK");
    (void)close(fd);
    gw_buf_fini(&text);
}

static void pieces__to_a_slow_client__wait_until_it_has_taken_them(void **state)
{
    const size_t length = 32 * PIECE;
    struct fixture *f = *state;
    int fd = ask_later(f, GET("/later"));
    struct gw_buf text;
    size_t given = 0;

    gw_buf_init(&text, 16U << 20);
    (void)begin(f, length + 1, "");
    while (given < length) {
        size_t emptied = f->emptied;

        given = give_until_full(f, given, length);
        if (given == length)
            break;
        fixture_idle(f);
        assert_int_equal(f->emptied, emptied);
        fixture_until(f, f->emptied > emptied || receive_some(fd, &text));
    }
    assert_true(f->emptied > 1);
    gw_conn_reply_end(f->later[0], GW_STR("!"));
    assert_true(client_receive(f, fd, &text, "!", 1));
    for (size_t i = 0, at = text.length - length - 1; i < length; i++)
        assert_int_equal(text.at[at + i], 'a' + i % 23);
    assert_int_equal(f->done, 1);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void pieces__that_the_client_does_not_take__end_at_the_deadline(void **state)
{
    struct fixture *f = *state;
    int fd = ask_later(f, GET("/later"));

    (void)begin(f, 100 * PIECE, "");
    (void)give_until_full(f, 0, 100 * PIECE);
    f->now_ms += 2900;
    for (int i = 0; i < 150; i++)
        fixture_turn(f, -1);
    assert_int_equal(f->emptied, 0);
    f->now_ms += 200;
    require_lost(f);
    assert_int_equal(atomic_load(&gw_server_counters_get(f->server)->timeouts), 1);
    assert_int_equal(give(f, 0), GW_CONN_LOST);
    gw_conn_reply_break(f->later[0]);
    assert_int_equal(f->done, 1);
    assert_int_equal(server_open(f), 0);
    (void)close(fd);
}

static void pieces__to_a_client_that_leaves__are_given_up(void **state)
{
    struct fixture *f = *state;
    int fd = ask_later(f, GET("/later"));

    (void)begin(f, 100 * PIECE, "");
    (void)give_until_full(f, 0, 100 * PIECE);
    (void)close(fd);
    require_lost(f);
    assert_int_equal(f->emptied, 1);
    fixture_idle(f);
    f->now_ms += 100000;
    fixture_idle(f);
    assert_int_equal(f->emptied, 1); /* told once */
    gw_conn_reply_end(f->later[0], GW_STR("x"));
    assert_int_equal(f->done, 1);
    assert_int_equal(server_open(f), 0);
}

static void begin__for_a_client_that_has_left__is_lost(void **state)
{
    const struct linger linger = {.l_onoff = 1};
    struct fixture *f = *state;
    int fd = ask_later(f, GET("/later"));

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    (void)close(fd);
    fixture_until(f, !gw_conn_is_alive(f->later[0]));
    assert_int_equal(begin(f, 10, "abc"), GW_CONN_LOST);
    gw_conn_reply_break(f->later[0]);
    assert_int_equal(f->done, 1);
}

static void require_cut(struct fixture *f, int fd, const char *end)
{
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_receive_all(f, fd, &text);
    require_text(&text, "Content-Length: 10\r\n");
    assert_true(ends_with(&text, end));
    assert_int_equal(f->done, 1);
    assert_int_equal(server_open(f), 0);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void break__closes_before_the_length_that_was_announced(void **state)
{
    struct fixture *f = *state;
    int fd = ask_later(f, GET("/later"));

    (void)begin(f, 10, "abc");
    gw_conn_reply_break(f->later[0]);
    require_cut(f, fd, "\r\n\r\nabc");
}

static void end__before_the_length_that_was_announced__breaks(void **state)
{
    struct fixture *f = *state;
    int fd = ask_later(f, GET("/later"));

    (void)begin(f, 10, "abc");
    gw_conn_reply_end(f->later[0], GW_STR("d"));
    require_cut(f, fd, "\r\n\r\nabcd");
}

static void piece__past_the_length_that_was_announced__breaks(void **state)
{
    struct fixture *f = *state;
    int fd = ask_later(f, GET("/later"));

    (void)begin(f, 10, "abc");
    assert_int_equal(gw_conn_reply_piece(f->later[0], GW_STR("defghijk")), GW_CONN_LOST);
    gw_conn_reply_end(f->later[0], GW_STR(""));
    require_cut(f, fd, "\r\n\r\nabc");
}

static void pieces__of_a_reply_to_head__stay_here(void **state)
{
    struct fixture *f = *state;
    int fd = ask_later(f, "HEAD /later HTTP/1.1\r\nHost: a\r\n\r\n" GET("/after"));
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    assert_int_equal(begin(f, 6, "abc"), GW_CONN_FLOWS);
    assert_int_equal(gw_conn_reply_piece(f->later[0], GW_STR("de")), GW_CONN_FLOWS);
    gw_conn_reply_end(f->later[0], GW_STR("f"));
    assert_true(client_receive(f, fd, &text, "path=/after", 1));
    require_text(&text, "Content-Length: 6\r\nConnection: keep-alive\r\n\r\nHTTP/1.1 200 OK");
    (void)close(fd);
    gw_buf_fini(&text);
}

static void drain__waits_for_a_reply_in_pieces(void **state)
{
    struct fixture *f = *state;
    int fd = ask_later(f, GET("/later"));
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    (void)begin(f, 6, "abc");
    gw_server_drain(f->server, fixture_on_drained, f);
    fixture_idle(f);
    assert_false(f->drained);
    gw_conn_reply_end(f->later[0], GW_STR("def"));
    client_receive_all(f, fd, &text);
    assert_true(ends_with(&text, "\r\n\r\nabcdef"));
    fixture_until(f, f->drained);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void half_closed__client_gets_all_pieces(void **state)
{
    struct fixture *f = *state;
    int fd = ask_later(f, GET("/later"));
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    (void)begin(f, 6, "abc");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    fixture_idle(f);
    gw_conn_reply_end(f->later[0], GW_STR("def"));
    client_receive_all(f, fd, &text);
    assert_true(ends_with(&text, "\r\n\r\nabcdef"));
    (void)close(fd);
    gw_buf_fini(&text);
}

/* The teardown finds that on_done was called. */
static void free__with_a_reply_under_way__is_clean(void **state)
{
    struct fixture *f = *state;
    int fd = ask_later(f, GET("/later"));

    (void)begin(f, 100 * PIECE, "");
    (void)give_until_full(f, 0, 100 * PIECE);
    gw_server_free(&f->server);
    (void)close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces__from_within_on_request__are_a_reply_like_any_other),
        TEST(pieces__that_come_later__go_out_at_once_and_the_next_request_waits),
        TEST(pieces__to_a_slow_client__wait_until_it_has_taken_them),
        TEST(pieces__that_the_client_does_not_take__end_at_the_deadline),
        TEST(pieces__to_a_client_that_leaves__are_given_up),
        TEST(begin__for_a_client_that_has_left__is_lost),
        TEST(break__closes_before_the_length_that_was_announced),
        TEST(end__before_the_length_that_was_announced__breaks),
        TEST(piece__past_the_length_that_was_announced__breaks),
        TEST(pieces__of_a_reply_to_head__stay_here),
        TEST(drain__waits_for_a_reply_in_pieces),
        TEST(half_closed__client_gets_all_pieces),
        TEST(free__with_a_reply_under_way__is_clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
