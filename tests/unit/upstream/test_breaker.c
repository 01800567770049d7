/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target that fails in a row is left alone, then tried by one request.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "upstream/breaker.h"
#include "upstream_fixture.h"

#define GET "GET /clusters HTTP/1.1\r\nHost: a\r\n"

static int setup(void **state)
{
    struct fixture *f = fixture_new(state);

    f->options.breaker_failures = 3;
    f->options.breaker_open_ms = 10000;
    fixture_start(f);
    return 0;
}

static void fail_once(struct fixture *f)
{
    struct ask ask;
    int fd;

    ask_get(&ask, f, GET);
    fd = server_accept(f);
    server_expect(f, fd, "\r\n\r\n");
    server_reset(fd);
    require_outcome(f, &ask, GW_UPSTREAM_UNKNOWN, "");
    ask_fini(&ask);
}

static void reply_once(struct fixture *f, const char *reply)
{
    struct ask ask;
    int fd;

    ask_get(&ask, f, GET);
    fd = server_accept(f);
    server_expect(f, fd, "\r\n\r\n");
    server_send(fd, reply);
    require_outcome(f, &ask, GW_UPSTREAM_REPLIED, "");
    server_require_closed(f, fd);
    ask_fini(&ask);
}

static void require_left_alone(struct fixture *f)
{
    struct ask ask;

    ask_get(&ask, f, GET);
    require_outcome(f, &ask, GW_UPSTREAM_NOT_SENT, "left alone");
    ask_fini(&ask);
    server_require_none(f);
}

#define REFUSED "HTTP/1.1 500 Oops\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

static void failures__in_a_row__open_it(void **state)
{
    struct fixture *f = *state;

    fail_once(f);
    fail_once(f);
    reply_once(f, REFUSED); /* which is a reply */
    fail_once(f);
    fail_once(f);
    assert_int_equal(fixture_counter(f, breaker_opened), 0);
    fail_once(f);
    assert_int_equal(fixture_counter(f, breaker_opened), 1);
    require_left_alone(f);
}

static void open__after_its_time__one_request_tries(void **state)
{
    struct fixture *f = *state;
    struct ask probe;
    int fd;

    for (int i = 0; i < 3; i++)
        fail_once(f);
    fixture_pass(f, f->options.breaker_open_ms);
    ask_get(&probe, f, GET);
    fd = server_accept(f);
    require_left_alone(f);
    server_expect(f, fd, "\r\n\r\n");
    server_reset(fd);
    require_outcome(f, &probe, GW_UPSTREAM_UNKNOWN, "");
    ask_fini(&probe);
    require_left_alone(f);
    assert_int_equal(fixture_counter(f, breaker_opened), 2);
    fixture_pass(f, f->options.breaker_open_ms);
    reply_once(f, REFUSED);
    reply_once(f, REFUSED);
    fail_once(f);
    fail_once(f);
    assert_int_equal(fixture_counter(f, breaker_opened), 2);
}

static void open__others_wait_for_a_connection__they_end_too(void **state)
{
    struct fixture *f = *state;
    struct ask asks[4];
    uint16_t port;
    int fd = server_listen(&port, 0);

    for (size_t i = 0; i < 4; i++) {
        ask_init(&asks[i], f, GET);
        asks[i].call.target.port = port;
        ask_send(&asks[i], f);
    }
    for (size_t i = 0; i < 4; i++) {
        require_outcome(f, &asks[i], GW_UPSTREAM_NOT_SENT, "Connection refused");
        ask_fini(&asks[i]);
    }
    reply_once(f, REFUSED); /* another target */
    (void)close(fd);
}

/* Somebody may ask for what is too large over and over: the others are served all the same. */
static void replies__that_are_too_large_or_break_off__leave_it_closed(void **state)
{
    static const char *const replies[] = {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"};
    struct fixture *f = *state;

    for (int i = 0; i < 8; i++) {
        struct ask ask;
        int fd;

        ask_get(&ask, f, GET);
        fd = server_accept(f);
        server_expect(f, fd, "\r\n\r\n");
        server_send(fd, replies[i % 2]);
        (void)shutdown(fd, SHUT_WR);
        require_outcome(f, &ask, GW_UPSTREAM_UNKNOWN, "");
        (void)close(fd);
        ask_fini(&ask);
    }
    assert_int_equal(fixture_counter(f, breaker_opened), 0);
    reply_once(f, REFUSED);
}

/* Who names targets that don't answer, a region say, must not fill the table with them. */
static void open__of_very_many_targets__leaves_room_for_another(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 1100 * 3; i++) {
        struct ask ask;
        char host[32];

        (void)snprintf(host, sizeof(host), "127.1.%d.%d", i / 3 / 200, 1 + i / 3 % 200);
        ask_init(&ask, f, GET);
        ask.call.target.host = gw_str_from(host);
        ask_send(&ask, f);
        require_outcome(f, &ask, GW_UPSTREAM_NOT_SENT, "refused");
        ask_fini(&ask);
    }
    reply_once(f, REFUSED);
}

static void breaker__probe_that_says_nothing__lets_another_try(void **state)
{
    struct gw_breaker breaker = {0};

    (void)state;
    assert_true(gw_breaker_fail(&breaker, false, 1, 100));
    assert_int_equal(gw_breaker_ask(&breaker, 99), GW_BREAKER_STOP);
    assert_int_equal(gw_breaker_ask(&breaker, 100), GW_BREAKER_PROBE);
    assert_int_equal(gw_breaker_ask(&breaker, 100), GW_BREAKER_STOP);
    gw_breaker_abstain(&breaker);
    assert_int_equal(gw_breaker_ask(&breaker, 100), GW_BREAKER_PROBE);
    assert_false(gw_breaker_fail(&breaker, false, 1, 300)); /* one that was under way */
    assert_true(gw_breaker_fail(&breaker, true, 1, 200));
    assert_int_equal(gw_breaker_ask(&breaker, 199), GW_BREAKER_STOP);
    gw_breaker_succeed(&breaker);
    assert_int_equal(gw_breaker_ask(&breaker, 199), GW_BREAKER_GO);
}

static void breaker__without_a_limit__never_opens(void **state)
{
    struct gw_breaker breaker = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_false(gw_breaker_fail(&breaker, false, 0, 100));
    assert_int_equal(gw_breaker_ask(&breaker, 0), GW_BREAKER_GO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(failures__in_a_row__open_it, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(open__after_its_time__one_request_tries, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(open__of_very_many_targets__leaves_room_for_another, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(open__others_wait_for_a_connection__they_end_too, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(replies__that_are_too_large_or_break_off__leave_it_closed, setup,
                                        fixture_teardown),
        cmocka_unit_test(breaker__probe_that_says_nothing__lets_another_try),
        cmocka_unit_test(breaker__without_a_limit__never_opens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
