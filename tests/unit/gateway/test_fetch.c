/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to endpoints on a real loop, against sockets that the test reads and
 * writes itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/fetch.h"

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

struct fixture {
    struct gw_loop *loop;
    struct gw_fetch_counters counters;
    struct gw_fetch_room *room;
    struct gw_fetcher *fetcher;
    int listener;
    char read[4096]; /* of the last request */
};

/* A request that asks. */
struct asker {
    struct fixture *fixture;
    struct gw_arena arena;
    struct gw_policy_call call;
    struct gw_policy_fetched fetched;
    unsigned woken;
    bool ends; /* and takes the fetcher along, when it is woken */
};

static uint16_t listen_somewhere(int *fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(*fd, 256), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static void open_fixture(struct fixture *f)
{
    struct gw_fetch_endpoints *endpoints = NULL;
    struct gw_err err;
    struct gw_fetch_endpoint items[] = {{
        .name = GW_STR("opa"),
        .target = {.host = GW_STR("127.0.0.1")},
        .base = GW_STR("/v1/data"),
        .fields = GW_STR("Authorization: Bearer t\r\n"),
        .timeout_ms = 150,
        .reply_bytes = 100,
    }};

    *f = (struct fixture){.listener = -1};
    items[0].target.port = listen_somewhere(&f->listener);
    f->loop = gw_loop_new(gw_clock_system());
    f->room = gw_fetch_room_new(f->loop, &f->counters);
    assert_int_equal(gw_fetch_endpoints_new(items, 1, &endpoints, &err), GW_OK);
    f->fetcher = gw_fetcher_new(f->room, endpoints);
    gw_fetch_endpoints_release(&endpoints);
}

static void close_fixture(struct fixture *f)
{
    assert_int_equal(f->counters.under_way, 0);
    gw_fetcher_free(&f->fetcher);
    gw_fetch_room_free(&f->room);
    gw_loop_free(&f->loop);
    (void)close(f->listener);
}

static void on_wake(void *ctx)
{
    struct asker *asker = ctx;

    asker->woken++;
    if (!asker->ends)
        return;
    gw_fetch_forget(&asker->call);
    gw_fetcher_free(&asker->fixture->fetcher);
}

static void open_asker(struct asker *asker, struct fixture *f)
{
    memset(asker, 0, sizeof(*asker));
    asker->fixture = f;
    gw_arena_init(&asker->arena, 0);
    asker->call.arena = &asker->arena;
    asker->call.wake = on_wake;
    asker->call.wake_ctx = asker;
    asker->call.fetcher = f->fetcher;
}

static void close_asker(struct asker *asker)
{
    gw_fetch_forget(&asker->call);
    gw_arena_fini(&asker->arena);
}

static enum gw_status ask(struct asker *asker, struct gw_policy_fetch fetch, struct gw_err *err)
{
    asker->fetched = (struct gw_policy_fetched){.is_done = false};
    return gw_fetch_begin(NULL, &asker->call, &fetch, &asker->fetched, err);
}

static void get(struct asker *asker, const char *path)
{
    struct gw_err err;

    assert_int_equal(ask(asker, (struct gw_policy_fetch){.endpoint = GW_STR("opa"), .path = gw_str_from(path)}, &err),
                     GW_OK);
}

/* Turns until the asker was woken `times` times. */
static void turn_until_woken(struct fixture *f, const struct asker *asker, unsigned times)
{
    while (asker->woken < times)
        gw_loop_turn(f->loop, true);
    assert_int_equal(asker->woken, times);
}

static void turn_until_readable(struct fixture *f, int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    while (poll(&poll_fd, 1, 1) == 0)
        gw_loop_turn(f->loop, false);
}

/* The next connection, with a request read to its blank line and `body` bytes more. */
static int accept_one(struct fixture *f)
{
    int fd;

    turn_until_readable(f, f->listener);
    fd = accept(f->listener, NULL, NULL);
    assert_true(fd >= 0);
    return fd;
}

static void read_request(struct fixture *f, int fd, const char *until)
{
    size_t length = 0;

    f->read[0] = '\0';
    while (strstr(f->read, until) == NULL) {
        ssize_t got;

        turn_until_readable(f, fd);
        got = read(fd, f->read + length, sizeof(f->read) - 1 - length);
        assert_true(got > 0);
        length += (size_t)got;
        f->read[length] = '\0';
    }
}

static void reply(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void fetch__get__goes_below_the_base_with_the_endpoints_fields(void **state)
{
    struct fixture f;
    struct asker asker;
    int fd;

    (void)state;
    open_fixture(&f);
    open_asker(&asker, &f);
    get(&asker, "/eks/allow?a=b");
    fd = accept_one(&f);
    read_request(&f, fd, "\r\n\r\n");
    assert_memory_equal(f.read, "GET /v1/data/eks/allow?a=b HTTP/1.1\r\nHost: 127.0.0.1:", 53);
    assert_non_null(strstr(f.read, "\r\nAuthorization: Bearer t\r\n"));
    assert_null(strstr(f.read, "Content-"));
    assert_int_equal(f.counters.under_way, 1);
    reply(fd, OK_REPLY);
    turn_until_woken(&f, &asker, 1);
    assert_true(asker.fetched.is_done);
    assert_null(asker.fetched.error.at);
    assert_int_equal(asker.fetched.status, 200);
    assert_true(gw_str_is(asker.fetched.content_type, "application/json"));
    assert_true(gw_str_is(asker.fetched.body, "{}"));
    assert_null(asker.call.fetch);
    assert_int_equal(f.counters.begun, 1);
    assert_int_equal(f.counters.failed, 0);
    close_asker(&asker);
    close_fixture(&f);
    (void)close(fd);
}

static void fetch__post__has_its_body_and_uses_the_kept_connection(void **state)
{
    struct fixture f;
    struct asker asker;
    struct gw_err err;
    int fd;

    (void)state;
    open_fixture(&f);
    open_asker(&asker, &f);
    get(&asker, "");
    fd = accept_one(&f);
    read_request(&f, fd, "\r\n\r\n");
    assert_memory_equal(f.read, "GET /v1/data HTTP/1.1\r\n", 23);
    reply(fd, OK_REPLY);
    turn_until_woken(&f, &asker, 1);
    assert_int_equal(ask(&asker,
                         (struct gw_policy_fetch){.endpoint = GW_STR("opa"),
                                                  .path = GW_STR("/x"),
                                                  .is_post = true,
                                                  .content_type = GW_STR("application/json"),
                                                  .body = GW_STR("[1]")},
                         &err),
                     GW_OK);
    read_request(&f, fd, "[1]");
    assert_memory_equal(f.read, "POST /v1/data/x HTTP/1.1\r\n", 26);
    assert_non_null(strstr(f.read, "\r\nContent-Type: application/json\r\nContent-Length: 3\r\n"));
    reply(fd, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
    turn_until_woken(&f, &asker, 2);
    assert_int_equal(asker.fetched.status, 500);
    assert_null(asker.fetched.error.at);
    assert_int_equal(asker.fetched.content_type.length, 0);
    close_asker(&asker);
    close_fixture(&f);
    (void)close(fd);
}

static void fetch__replies_that_are_none__are_errors(void **state)
{
    static const struct {
        const char *reply;
        const char *why;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", "larger"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", ""},
        {"HTTP/1.1 200 OK\r\n\r\n", ""},
        {"HTTP/1.1 100 Continue\r\n\r\n", ""},
        {"nonsense\r\n\r\n", ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}x", ""},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct fixture f;
        struct asker asker;
        int fd;

        open_fixture(&f);
        open_asker(&asker, &f);
        get(&asker, "/x");
        fd = accept_one(&f);
        read_request(&f, fd, "\r\n\r\n");
        reply(fd, cases[i].reply);
        turn_until_woken(&f, &asker, 1);
        assert_non_null(asker.fetched.error.at);
        if (strstr(asker.fetched.error.at, cases[i].why) == NULL)
            fail_msg("%s", asker.fetched.error.at);
        assert_null(strstr(asker.fetched.error.at, "Bearer"));
        assert_null(strstr(asker.fetched.error.at, "within"));
        assert_int_equal(f.counters.failed, 1);
        close_asker(&asker);
        close_fixture(&f);
        (void)close(fd);
    }
}

static void fetch__no_reply_in_time__is_an_error_at_the_endpoints_deadline(void **state)
{
    const struct gw_clock *clock = gw_clock_system();
    struct fixture f;
    struct asker asker;
    int64_t began_ms;
    int64_t took_ms;
    int fd;

    (void)state;
    open_fixture(&f);
    open_asker(&asker, &f);
    began_ms = gw_clock_monotonic_ms(clock);
    get(&asker, "/x");
    fd = accept_one(&f);
    read_request(&f, fd, "\r\n\r\n");
    reply(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{");
    turn_until_woken(&f, &asker, 1);
    took_ms = gw_clock_monotonic_ms(clock) - began_ms;
    assert_true(gw_str_is(asker.fetched.error, "no whole reply within 150 ms"));
    assert_true(took_ms >= 149);
    assert_true(took_ms < 1000);
    close_asker(&asker);
    close_fixture(&f);
    (void)close(fd);
}

static void fetch__nobody_listens__is_an_error(void **state)
{
    struct fixture f;
    struct asker asker;

    (void)state;
    open_fixture(&f);
    open_asker(&asker, &f);
    (void)close(f.listener);
    get(&asker, "/x");
    turn_until_woken(&f, &asker, 1);
    assert_non_null(strstr(asker.fetched.error.at, "127.0.0.1"));
    close_asker(&asker);
    f.listener = -1;
    close_fixture(&f);
}

static void require_refused(struct asker *asker, struct gw_policy_fetch fetch, const char *why)
{
    struct gw_err err;

    assert_int_not_equal(ask(asker, fetch, &err), GW_OK);
    assert_false(asker->fetched.is_done);
    if (strstr(err.text, why) == NULL)
        fail_msg("%s", err.text);
}

static void begin__what_is_out_of_order__is_refused_at_once(void **state)
{
    struct fixture f;
    struct asker asker;
    char *body = gw_alloc_zero(1, GW_POLICY_FETCH_BODY_MAX + 1);

    (void)state;
    open_fixture(&f);
    open_asker(&asker, &f);
    require_refused(&asker, (struct gw_policy_fetch){.endpoint = GW_STR("other")}, "no such endpoint");
    require_refused(&asker, (struct gw_policy_fetch){.endpoint = GW_STR("opa"), .path = GW_STR("/../x")}, "path");
    require_refused(&asker, (struct gw_policy_fetch){.endpoint = GW_STR("opa"), .path = GW_STR("x")}, "path");
    require_refused(
        &asker,
        (struct gw_policy_fetch){.endpoint = GW_STR("opa"), .is_post = true, .content_type = GW_STR("a\r\nX: y")},
        "content type");
    memset(body, 'a', GW_POLICY_FETCH_BODY_MAX);
    require_refused(&asker,
                    (struct gw_policy_fetch){.endpoint = GW_STR("opa"), .is_post = true, .content_type = {body, 257}},
                    "content type");
    require_refused(&asker,
                    (struct gw_policy_fetch){.endpoint = GW_STR("opa"),
                                             .is_post = true,
                                             .content_type = GW_STR("a/b"),
                                             .body = {body, GW_POLICY_FETCH_BODY_MAX + 1}},
                    "bytes");
    assert_int_equal(f.counters.failed, 6);
    assert_int_equal(f.counters.begun, 0);
    asker.call.fetcher = NULL;
    require_refused(&asker, (struct gw_policy_fetch){.endpoint = GW_STR("opa")}, "no such endpoint");
    close_asker(&asker);
    close_fixture(&f);
    free(body);
}

static void begin__one_at_a_time_and_eight_per_request(void **state)
{
    struct fixture f;
    struct asker asker;
    int fd = -1;

    (void)state;
    open_fixture(&f);
    open_asker(&asker, &f);
    for (unsigned i = 0; i < GW_FETCH_PER_REQUEST; i++) {
        get(&asker, "/x");
        require_refused(&asker, (struct gw_policy_fetch){.endpoint = GW_STR("opa")}, "another is under way");
        if (fd < 0)
            fd = accept_one(&f);
        read_request(&f, fd, "\r\n\r\n");
        reply(fd, OK_REPLY);
        turn_until_woken(&f, &asker, i + 1);
    }
    require_refused(&asker, (struct gw_policy_fetch){.endpoint = GW_STR("opa")}, "8 times");
    asker.call.fetch_count = 0; /* as before policies are asked anew */
    asker.call.fetch_count_all = GW_FETCH_PER_REQUEST_ALL;
    require_refused(&asker, (struct gw_policy_fetch){.endpoint = GW_STR("opa")}, "64 times");
    close_asker(&asker);
    close_fixture(&f);
    (void)close(fd);
}

static void begin__more_than_one_endpoint_may_have__is_refused_until_one_ends(void **state)
{
    static struct asker askers[GW_FETCH_PER_ENDPOINT + 1];
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (size_t i = 0; i < GW_COUNT(askers); i++)
        open_asker(&askers[i], &f);
    for (size_t i = 0; i < GW_FETCH_PER_ENDPOINT; i++)
        get(&askers[i], "/x");
    require_refused(&askers[GW_FETCH_PER_ENDPOINT], (struct gw_policy_fetch){.endpoint = GW_STR("opa")}, "too many");
    assert_int_equal(f.counters.under_way, GW_FETCH_PER_ENDPOINT);
    gw_fetch_forget(&askers[3].call);
    while (f.counters.under_way == GW_FETCH_PER_ENDPOINT)
        gw_loop_turn(f.loop, true);
    get(&askers[GW_FETCH_PER_ENDPOINT], "/x");
    turn_until_woken(&f, &askers[GW_FETCH_PER_ENDPOINT], 1); /* at its deadline: all others have ended */
    for (size_t i = 0; i < GW_COUNT(askers); i++) {
        assert_int_equal(askers[i].woken, i != 3);
        close_asker(&askers[i]);
    }
    close_fixture(&f);
}

static void forget__while_it_is_under_way__nobody_is_woken_and_the_connection_ends(void **state)
{
    struct fixture f;
    struct asker asker;
    char byte;
    int fd;

    (void)state;
    open_fixture(&f);
    open_asker(&asker, &f);
    get(&asker, "/x");
    fd = accept_one(&f);
    read_request(&f, fd, "\r\n\r\n");
    close_asker(&asker);
    assert_null(asker.call.fetch);
    turn_until_readable(&f, fd);
    assert_true(read(fd, &byte, 1) <= 0);
    while (f.counters.under_way > 0)
        gw_loop_turn(f.loop, true);
    assert_int_equal(asker.woken, 0);
    assert_false(asker.fetched.is_done);
    close_fixture(&f);
    (void)close(fd);
}

static void forget__between_the_reply_and_the_wake__nobody_is_woken(void **state)
{
    struct fixture f;
    struct asker asker;
    int fd;

    (void)state;
    open_fixture(&f);
    open_asker(&asker, &f);
    get(&asker, "/x");
    fd = accept_one(&f);
    read_request(&f, fd, "\r\n\r\n");
    reply(fd, OK_REPLY);
    while (!asker.fetched.is_done)
        gw_loop_turn(f.loop, true);
    if (asker.woken == 0) {
        close_asker(&asker);
        gw_loop_turn(f.loop, false);
        gw_loop_turn(f.loop, false);
        assert_int_equal(asker.woken, 0);
    } else {
        close_asker(&asker);
    }
    close_fixture(&f);
    (void)close(fd);
}

static void wake__who_wakes_may_end_the_generation(void **state)
{
    struct fixture f;
    struct asker asker;
    int fd;

    (void)state;
    open_fixture(&f);
    open_asker(&asker, &f);
    asker.ends = true;
    get(&asker, "/x");
    fd = accept_one(&f);
    read_request(&f, fd, "\r\n\r\n");
    reply(fd, OK_REPLY);
    turn_until_woken(&f, &asker, 1);
    assert_null(f.fetcher);
    close_asker(&asker);
    close_fixture(&f);
    (void)close(fd);
}

static void free__with_a_forgotten_one_under_way__ends_it(void **state)
{
    struct fixture f;
    struct asker asker;

    (void)state;
    open_fixture(&f);
    open_asker(&asker, &f);
    get(&asker, "/x");
    close_asker(&asker);
    gw_fetcher_free(&f.fetcher);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetch__get__goes_below_the_base_with_the_endpoints_fields),
        cmocka_unit_test(fetch__post__has_its_body_and_uses_the_kept_connection),
        cmocka_unit_test(fetch__replies_that_are_none__are_errors),
        cmocka_unit_test(fetch__no_reply_in_time__is_an_error_at_the_endpoints_deadline),
        cmocka_unit_test(fetch__nobody_listens__is_an_error),
        cmocka_unit_test(begin__what_is_out_of_order__is_refused_at_once),
        cmocka_unit_test(begin__one_at_a_time_and_eight_per_request),
        cmocka_unit_test(begin__more_than_one_endpoint_may_have__is_refused_until_one_ends),
        cmocka_unit_test(forget__while_it_is_under_way__nobody_is_woken_and_the_connection_ends),
        cmocka_unit_test(forget__between_the_reply_and_the_wake__nobody_is_woken),
        cmocka_unit_test(wake__who_wakes_may_end_the_generation),
        cmocka_unit_test(free__with_a_forgotten_one_under_way__ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
