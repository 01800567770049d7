/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that are closed in place of a reply.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

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

/* All that a client gets to see of `request`: reset or end of stream, and no byte. */
static void assert_silent(struct fixture *f, const char *request)
{
    int64_t deadline_ms = fixture_patience();
    int fd = fixture_connect(f);
    char byte;
    ssize_t got;

    client_send(fd, request);
    do {
        assert_true(gw_clock_monotonic_ms(gw_clock_system()) <= deadline_ms);
        fixture_turn(f, fd);
        got = recv(fd, &byte, 1, MSG_DONTWAIT);
    } while (got < 0 && errno == EAGAIN);
    assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
    (void)close(fd);
    fixture_until(f, server_open(f) == 0);
}

static void drop__at_once__ends_the_connection_and_tells_the_handler(void **state)
{
    struct fixture *f = *state;

    assert_silent(f, GET("/drop"));
    assert_int_equal(f->done, 1);
    assert_silent(f, "POST /drop HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    assert_int_equal(f->done, 2);
}

static void drop__on_the_head__reads_no_body(void **state)
{
    struct fixture *f = *state;

    assert_silent(f, "POST /drop-head HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    assert_int_equal(f->done, 1);
    assert_int_equal(f->requests, 0);
}

static void drop__before_a_pipelined_request__answers_none_of_the_rest(void **state)
{
    struct fixture *f = *state;

    assert_silent(f, GET("/drop") GET("/second"));
    assert_int_equal(f->requests, 1);
}

static void drop__behind_an_answered_request__leaves_its_reply(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, GET("/first"));
    assert_true(client_receive(f, fd, &text, "path=/first", 1));
    gw_buf_clear(&text);
    client_send(fd, GET("/drop"));
    client_receive_all(f, fd, &text);
    assert_int_equal(text.length, 0);
    assert_int_equal(f->done, 2);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void drop__given_later__ends_the_connection(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, GET("/later"));
    fixture_until(f, f->later_count == 1);
    gw_conn_drop(f->later[0]);
    assert_int_equal(f->done, 1);
    client_receive_all(f, fd, &text);
    assert_int_equal(text.length, 0);
    assert_int_equal(server_open(f), 0);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void drop__of_a_client_that_has_left__is_harmless(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    const struct linger at_once = {.l_onoff = 1};

    client_send(fd, GET("/later"));
    fixture_until(f, f->later_count == 1);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    (void)close(fd);
    fixture_until(f, !gw_conn_is_alive(f->later[0]));
    gw_conn_drop(f->later[0]);
    assert_int_equal(f->done, 1);
    assert_int_equal(server_open(f), 0);
}

static void drop__while_draining__lets_the_drain_end(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);

    client_send(fd, GET("/later"));
    fixture_until(f, f->later_count == 1);
    gw_server_drain(f->server, fixture_on_drained, f);
    fixture_idle(f);
    assert_false(f->drained);
    gw_conn_drop(f->later[0]);
    fixture_until(f, f->drained);
    (void)close(fd);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(drop__at_once__ends_the_connection_and_tells_the_handler),
        WITH_SERVER(drop__on_the_head__reads_no_body),
        WITH_SERVER(drop__before_a_pipelined_request__answers_none_of_the_rest),
        WITH_SERVER(drop__behind_an_answered_request__leaves_its_reply),
        WITH_SERVER(drop__given_later__ends_the_connection),
        WITH_SERVER(drop__of_a_client_that_has_left__is_harmless),
        WITH_SERVER(drop__while_draining__lets_the_drain_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
