/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and replies over real sockets: keep-alive, pipelining, bodies,
 * refusals, replies that come later, clients that leave.
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

static void connection__two_requests_one_after_the_other__are_both_answered(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, GET("/one"));
    assert_true(client_receive(f, fd, &text, "ip=127.0.0.1", 1));
    require_text(&text, "HTTP/1.1 200 OK\r\nContent-Length: 32\r\nConnection: keep-alive\r\n\r\nGET path=/one body= ");
    client_send(fd, GET("/two"));
    assert_true(client_receive(f, fd, &text, "ip=127.0.0.1", 2));
    require_text(&text, "path=/two");
    assert_int_equal(server_open(f), 1);
    assert_int_equal(f->done, 2);
    (void)close(fd);
    fixture_until(f, server_open(f) == 0);
    gw_buf_fini(&text);
}

static void connection__many_requests_in_one_packet__are_answered_in_order(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf requests;
    struct gw_buf text;
    struct gw_str rest;

    gw_buf_init(&requests, 1 << 20);
    gw_buf_init(&text, 1 << 20);
    for (int i = 0; i < 200; i++)
        gw_buf_printf(&requests, "POST /n%03d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n%03d", i, i);
    client_send_bytes(fd, requests.at, requests.length);
    assert_true(client_receive(f, fd, &text, "ip=127.0.0.1", 200));
    rest = gw_buf_str(&text);
    for (int i = 0; i < 200; i++) {
        char expected[64];
        size_t at;

        (void)snprintf(expected, sizeof(expected), "POST path=/n%03d body=%03d ip", i, i);
        at = gw_str_search(rest, gw_str_from(expected));
        assert_true(at < 200);
        rest = gw_str_slice(rest, at, SIZE_MAX);
    }
    assert_int_equal(f->done, 200);
    (void)close(fd);
    gw_buf_fini(&requests);
    gw_buf_fini(&text);
}

static void connection__a_long_pipeline__lets_others_in_between(void **state)
{
    struct fixture *f = *state;
    int busy = fixture_connect(f);
    int other = fixture_connect(f);
    struct gw_buf requests;
    struct gw_buf text;

    gw_buf_init(&requests, 1 << 20);
    gw_buf_init(&text, 1 << 20);
    for (int i = 0; i < 300; i++)
        gw_buf_append_lit(&requests, GET("/"));
    fixture_until(f, server_open(f) == 2);
    client_send_bytes(busy, requests.at, requests.length);
    client_send(other, GET("/other"));
    while (f->requests == 0)
        gw_loop_turn(f->loop, false);
    /* one turn: a share of the pipeline and the other connection's request, not the whole pipeline */
    assert_true(f->requests < 100);
    assert_true(client_receive(f, other, &text, "path=/other", 1));
    fixture_until(f, f->requests == 301);
    (void)close(busy);
    (void)close(other);
    gw_buf_fini(&requests);
    gw_buf_fini(&text);
}

static void request__cut_at_every_byte__is_answered_alike(void **state)
{
    static const char requests[] = "POST /cut HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
                                   "POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n" GET("/last");
    struct fixture *f = *state;

    for (size_t cut = 1; cut < sizeof(requests) - 1; cut++) {
        int fd = fixture_connect(f);
        struct gw_buf text;

        gw_buf_init(&text, 1 << 20);
        client_send_bytes(fd, requests, cut);
        fixture_turn(f, -1);
        fixture_turn(f, -1);
        client_send_bytes(fd, requests + cut, sizeof(requests) - 1 - cut);
        assert_true(client_receive(f, fd, &text, "ip=127.0.0.1", 3));
        require_text(&text, "POST path=/cut body=body ip");
        require_text(&text, "POST path=/chunked body=abcde ip");
        require_text(&text, "GET path=/last body= ip");
        (void)close(fd);
        gw_buf_fini(&text);
    }
}

static void request__one_byte_at_a_time__is_answered(void **state)
{
    static const char request[] =
        "POST /drip HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        client_send_bytes(fd, request + i, 1);
        fixture_turn(f, -1);
    }
    assert_true(client_receive(f, fd, &text, "path=/drip body=abc", 1));
    (void)close(fd);
    gw_buf_fini(&text);
}

static void request__body_larger_than_the_input_buffer__arrives_whole(void **state)
{
    struct fixture *f = *state;
    struct gw_buf request;
    struct gw_buf text;

    gw_buf_init(&request, 1 << 20);
    gw_buf_append_lit(&request,
                      "POST /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; i < 10000; i++)
        gw_buf_printf(&request, "%09d,", i);
    exchange(f, request.at, request.length, &text);
    require_text(&text, "body=000000000,000000001,");
    require_text(&text, "000009998,000009999, ip=");
    gw_buf_fini(&text);
    gw_buf_fini(&request);
}

static void request__head_larger_than_the_input_buffer__is_read_and_its_chunks_too(void **state)
{
    struct fixture *f = *state;
    struct gw_buf request;
    struct gw_buf text;

    gw_buf_init(&request, 1 << 20);
    gw_buf_append_lit(&request,
                      "POST /wide HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n");
    gw_buf_append_lit(&request, "x-a: ");
    for (int i = 0; i < 16250; i++)
        gw_buf_append_byte(&request, 'a');
    gw_buf_append_lit(&request, "\r\nx-b: ");
    for (int i = 0; i < 14000; i++)
        gw_buf_append_byte(&request, 'b');
    gw_buf_append_lit(&request, "\r\n\r\n");
    for (int i = 0; i < 9000; i++)
        gw_buf_append_lit(&request, "1\r\nc\r\n");
    gw_buf_append_lit(&request, "0\r\n\r\n");
    exchange(f, request.at, request.length, &text);
    require_text(&text, "POST path=/wide body=ccccccccc");
    require_text(&text, "Content-Length: 9034\r\n");
    gw_buf_fini(&text);
    gw_buf_fini(&request);
}

static void request__head_that_fills_the_input_buffer__leaves_room_for_chunks(void **state)
{
    struct fixture *f = *state;

    /* the head ends at every place around the buffer's end */
    for (size_t padding = 16384 - 140; padding < 16384 + 40; padding += 7) {
        struct gw_buf request;
        struct gw_buf text;

        gw_buf_init(&request, 1 << 20);
        gw_buf_append_lit(&request,
                          "POST /tight HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nx: ");
        while (request.length < padding)
            gw_buf_append_byte(&request, 'x');
        gw_buf_append_lit(&request, "\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        exchange(f, request.at, request.length, &text);
        require_text(&text, "POST path=/tight body=hello ip");
        gw_buf_fini(&text);
        gw_buf_fini(&request);
    }
}

static void request__head__gets_a_reply_without_body(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, "HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n" GET("/next"));
    assert_true(client_receive(f, fd, &text, "path=/next", 1));
    require_text(&text, "Content-Length: 31\r\nConnection: keep-alive\r\n\r\nHTTP/1.1 200");
    (void)close(fd);
    gw_buf_fini(&text);
}

static void require_closed_after(struct fixture *f, const char *request, const char *expected)
{
    struct gw_buf text;

    exchange(f, request, strlen(request), &text);
    require_text(&text, expected);
    require_text(&text, "\r\nConnection: close\r\n\r\n");
    gw_buf_fini(&text);
}

static void connection__that_may_not_go_on__says_so_and_closes(void **state)
{
    struct fixture *f = *state;

    require_closed_after(f, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 200");
    require_closed_after(f, "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "HTTP/1.1 200");
    require_closed_after(f, "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1 200");
    require_closed_after(f, GET("/close"), "HTTP/1.1 200");
    assert_int_equal(f->refused, 0);
}

static void request__malformed__is_refused_without_reaching_the_handler(void **state)
{
    struct fixture *f = *state;

    require_closed_after(f, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello" GET("/smuggled"),
                         "HTTP/1.1 400");
    assert_false(f->refused_with_request);
    require_closed_after(f, "GET / HTTP/1.1\nHost: a\n\n", "HTTP/1.1 400");
    require_closed_after(f, "GET / HTTP/1.9\r\nHost: a\r\n\r\n", "HTTP/1.1 505");
    require_closed_after(f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n", "HTTP/1.1 413");
    assert_int_equal(f->heads, 0);
    assert_int_equal(f->refused, 4);
    assert_int_equal(atomic_load(&gw_server_counters_get(f->server)->refused), 4);
}

static void request__chunked_body_malformed__is_refused_after_its_head(void **state)
{
    struct fixture *f = *state;

    require_closed_after(f, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5 junk\r\n",
                         "HTTP/1.1 400");
    assert_true(f->refused_with_request);
    require_closed_after(f, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
                         "HTTP/1.1 413");
    assert_int_equal(f->heads, 2);
    assert_int_equal(f->requests, 0);
    assert_int_equal(f->done, 2);
}

static void expectation__with_nothing_sent__gets_100_then_the_reply(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_true(client_receive(f, fd, &text, "\r\n\r\n", 1));
    assert_true(gw_str_equal(gw_buf_str(&text), GW_STR("HTTP/1.1 100 Continue\r\n\r\n")));
    client_send(fd, "hi");
    assert_true(client_receive(f, fd, &text, "path=/e body=hi", 1));
    (void)close(fd);
    gw_buf_fini(&text);
}

static void expectation__with_the_body_sent_or_none_to_come__gets_no_100(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi");
    assert_true(client_receive(f, fd, &text, "path=/e body=hi", 1));
    client_send(fd, "GET /f HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n");
    assert_true(client_receive(f, fd, &text, "path=/f", 1));
    assert_false(text_has(&text, "100 Continue"));
    (void)close(fd);
    gw_buf_fini(&text);
}

static void expectation__refused_on_the_head__gets_no_100_and_the_connection_ends(void **state)
{
    struct fixture *f = *state;
    struct gw_buf text;
    static const char request[] =
        "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";

    exchange(f, request, sizeof(request) - 1, &text);
    assert_true(gw_str_starts(gw_buf_str(&text), GW_STR("HTTP/1.1 403")));
    require_text(&text, "Connection: close");
    gw_buf_fini(&text);
}

static void refusal__while_the_body_is_still_coming__reaches_the_client(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;
    char *junk = gw_alloc_zero(1, 60000);

    gw_buf_init(&text, 1 << 20);
    client_send(fd, "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    fixture_until(f, f->done == 1);
    client_send_bytes(fd, junk, 60000);
    fixture_idle(f);
    client_receive_all(f, fd, &text);
    require_text(&text, "HTTP/1.1 403");
    assert_int_equal(server_open(f), 1); /* lingers until the client closes */
    (void)close(fd);
    fixture_until(f, server_open(f) == 0);
    free(junk);
    gw_buf_fini(&text);
}

static void lingering__ends_after_a_second_or_a_quarter_megabyte(void **state)
{
    struct fixture *f = *state;
    int slow = fixture_connect(f);
    int fast = fixture_connect(f);
    char junk[4096] = {0};

    client_send(slow, "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n");
    client_send(fast, "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n");
    fixture_until(f, f->done == 2);
    assert_int_equal(server_open(f), 2);
    for (int i = 0; i < 200 && server_open(f) == 2; i++) {
        (void)send(fast, junk, sizeof(junk), MSG_NOSIGNAL);
        fixture_turn(f, -1);
    }
    assert_int_equal(server_open(f), 1);
    f->now_ms += 1100;
    fixture_until(f, server_open(f) == 0);
    (void)close(slow);
    (void)close(fast);
}

static void refusal__on_the_head_with_the_body_there__keeps_the_connection(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" GET("/refuse") GET("/next"));
    assert_true(client_receive(f, fd, &text, "path=/next", 1));
    assert_false(text_has(&text, "Connection: close"));
    (void)close(fd);
    gw_buf_fini(&text);
}

static void answer(struct fixture *f, size_t which)
{
    struct gw_conn *conn = f->later[which];

    fixture_echo(conn, false);
}

static void reply__given_later__is_sent_and_the_next_request_begins_in_another_turn(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, GET("/later"));
    fixture_until(f, f->later_count == 1);
    client_send(fd, GET("/next"));
    fixture_idle(f);
    assert_int_equal(f->heads, 1);
    answer(f, 0);
    assert_int_equal(f->done, 1);
    assert_int_equal(f->heads, 1); /* not from within gw_conn_reply */
    assert_true(client_receive(f, fd, &text, "path=/next", 1));
    require_text(&text, "path=/later");
    (void)close(fd);
    gw_buf_fini(&text);
}

static void refusal__given_later__closes_when_a_body_was_announced(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, "POST /refuse-later HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    fixture_until(f, f->later_count == 1);
    client_send(fd, "hello");
    fixture_idle(f);
    assert_int_equal(f->requests, 0);
    answer(f, 0);
    client_receive_all(f, fd, &text);
    require_text(&text, "Connection: close");
    (void)close(fd);
    gw_buf_fini(&text);
}

static void reply__later_with_more_pipelined_than_the_buffer_holds__answers_all(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf requests;
    struct gw_buf text;

    gw_buf_init(&requests, 1 << 20);
    gw_buf_init(&text, 1 << 22);
    for (int i = 0; i < 1000; i++)
        gw_buf_append_lit(&requests, GET("/many"));
    client_send(fd, GET("/later"));
    client_send_bytes(fd, requests.at, requests.length);
    fixture_until(f, f->later_count == 1);
    fixture_idle(f);
    answer(f, 0);
    assert_true(client_receive(f, fd, &text, "path=/many", 1000));
    (void)close(fd);
    gw_buf_fini(&requests);
    gw_buf_fini(&text);
}

static void client__that_shut_its_writing_side__still_gets_every_reply(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, GET("/later") GET("/second"));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    fixture_until(f, f->later_count == 1);
    fixture_idle(f);
    assert_true(gw_conn_is_alive(f->later[0]));
    answer(f, 0);
    client_receive_all(f, fd, &text);
    require_text(&text, "path=/later");
    require_text(&text, "path=/second");
    fixture_until(f, server_open(f) == 0);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void client__gone_before_the_reply__leaves_the_request_valid(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    client_send(fd, GET("/later"));
    fixture_until(f, f->later_count == 1);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    (void)close(fd); /* a reset */
    fixture_until(f, !gw_conn_is_alive(f->later[0]));
    assert_int_equal(f->done, 0);
    assert_true(gw_str_is(gw_conn_request(f->later[0])->path, "/later"));
    assert_int_equal(server_open(f), 1);
    answer(f, 0);
    assert_int_equal(f->done, 1);
    assert_int_equal(server_open(f), 0);
}

static void client__gone_within_its_body__ends_the_request(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);

    client_send(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    fixture_until(f, f->heads == 1);
    (void)close(fd);
    fixture_until(f, server_open(f) == 0);
    assert_int_equal(f->done, 1);
    assert_int_equal(f->requests + f->refused, 0);
}

static void client__gone_within_its_head__is_forgotten(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);

    client_send(fd, "POST / HTT");
    fixture_until(f, server_open(f) == 1);
    (void)close(fd);
    fixture_until(f, server_open(f) == 0);
    assert_int_equal(f->heads + f->refused + f->done, 0);
}

static void server__freed_with_requests_under_way__tells_the_handler(void **state)
{
    struct fixture *f = *state;
    int waiting = fixture_connect(f);
    int reading = fixture_connect(f);
    int idle = fixture_connect(f);

    client_send(waiting, GET("/later"));
    client_send(reading, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    client_send(idle, "GET ");
    fixture_until(f, f->heads == 2 && server_open(f) == 3);
    gw_server_free(&f->server);
    assert_null(f->server);
    assert_int_equal(f->done, 2);
    (void)close(waiting);
    (void)close(reading);
    (void)close(idle);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(connection__two_requests_one_after_the_other__are_both_answered),
        WITH_SERVER(connection__many_requests_in_one_packet__are_answered_in_order),
        WITH_SERVER(connection__a_long_pipeline__lets_others_in_between),
        WITH_SERVER(request__cut_at_every_byte__is_answered_alike),
        WITH_SERVER(request__one_byte_at_a_time__is_answered),
        WITH_SERVER(request__body_larger_than_the_input_buffer__arrives_whole),
        WITH_SERVER(request__head_larger_than_the_input_buffer__is_read_and_its_chunks_too),
        WITH_SERVER(request__head_that_fills_the_input_buffer__leaves_room_for_chunks),
        WITH_SERVER(request__head__gets_a_reply_without_body),
        WITH_SERVER(connection__that_may_not_go_on__says_so_and_closes),
        WITH_SERVER(request__malformed__is_refused_without_reaching_the_handler),
        WITH_SERVER(request__chunked_body_malformed__is_refused_after_its_head),
        WITH_SERVER(expectation__with_nothing_sent__gets_100_then_the_reply),
        WITH_SERVER(expectation__with_the_body_sent_or_none_to_come__gets_no_100),
        WITH_SERVER(expectation__refused_on_the_head__gets_no_100_and_the_connection_ends),
        WITH_SERVER(refusal__while_the_body_is_still_coming__reaches_the_client),
        WITH_SERVER(lingering__ends_after_a_second_or_a_quarter_megabyte),
        WITH_SERVER(refusal__on_the_head_with_the_body_there__keeps_the_connection),
        WITH_SERVER(reply__given_later__is_sent_and_the_next_request_begins_in_another_turn),
        WITH_SERVER(refusal__given_later__closes_when_a_body_was_announced),
        WITH_SERVER(reply__later_with_more_pipelined_than_the_buffer_holds__answers_all),
        WITH_SERVER(client__that_shut_its_writing_side__still_gets_every_reply),
        WITH_SERVER(client__gone_before_the_reply__leaves_the_request_valid),
        WITH_SERVER(client__gone_within_its_body__ends_the_request),
        WITH_SERVER(client__gone_within_its_head__is_forgotten),
        WITH_SERVER(server__freed_with_requests_under_way__tells_the_handler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
