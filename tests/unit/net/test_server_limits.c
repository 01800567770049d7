/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bounds a server: deadlines by a clock that the test moves, the connection
 * cap, descriptors, slow readers; draining; unix sockets and IPv6.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "server_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static int setup(void **state)
{
    struct fixture *f = gw_alloc(sizeof(*f));

    fixture_init(f);
    *state = f;
    return 0;
}

static int setup_started(void **state)
{
    (void)setup(state);
    fixture_start(*state);
    return 0;
}

static int teardown(void **state)
{
    fixture_fini(*state);
    free(*state);
    return 0;
}

static uint64_t timeouts(const struct fixture *f)
{
    return atomic_load(&gw_server_counters_get(f->server)->timeouts);
}

static void head__one_byte_per_half_second__is_408_at_the_deadline(void **state)
{
    static const char request[] = "GET / HTTP/1.1";
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    fixture_until(f, server_open(f) == 1);
    client_send_bytes(fd, request, 1);
    fixture_idle(f);
    f->now_ms += 500;
    client_send_bytes(fd, request + 1, 1);
    fixture_idle(f);
    assert_int_equal(f->refused, 0);
    f->now_ms += 510;
    client_send_bytes(fd, request + 2, 1);
    client_receive_all(f, fd, &text);
    require_text(&text, "HTTP/1.1 408 Request Timeout");
    assert_int_equal(f->refused_status, 408);
    assert_int_equal(timeouts(f), 1);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void head__nothing_ever_sent__is_closed_without_a_word(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    fixture_until(f, server_open(f) == 1);
    f->now_ms += 990;
    fixture_idle(f);
    assert_int_equal(server_open(f), 1);
    f->now_ms += 20;
    client_receive_all(f, fd, &text);
    assert_int_equal(text.length, 0);
    assert_int_equal(f->refused, 0);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void head__of_the_second_request__has_a_deadline_of_its_own(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, GET("/"));
    assert_true(client_receive(f, fd, &text, "path=/", 1));
    f->now_ms += 3000; /* idle is 4000, a head 1000 */
    client_send(fd, "GET /second");
    fixture_idle(f);
    f->now_ms += 900;
    fixture_idle(f);
    assert_int_equal(f->refused, 0);
    f->now_ms += 200;
    client_receive_all(f, fd, &text);
    require_text(&text, "HTTP/1.1 408");
    (void)close(fd);
    gw_buf_fini(&text);
}

static void body__that_does_not_come__is_408_at_the_deadline(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    fixture_until(f, f->heads == 1);
    f->now_ms += 1900;
    client_send(fd, "l");
    fixture_idle(f);
    assert_int_equal(f->refused, 0);
    f->now_ms += 200;
    client_receive_all(f, fd, &text);
    require_text(&text, "HTTP/1.1 408");
    assert_true(f->refused_with_request);
    assert_int_equal(f->done, 1);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void connection__idle_too_long__is_closed_without_a_word(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, GET("/"));
    assert_true(client_receive(f, fd, &text, "ip=127.0.0.1", 1));
    gw_buf_clear(&text);
    f->now_ms += 3900;
    fixture_idle(f);
    client_send(fd, GET("/"));
    assert_true(client_receive(f, fd, &text, "ip=127.0.0.1", 1));
    gw_buf_clear(&text);
    f->now_ms += 3900; /* counted from the last reply */
    for (int i = 0; i < 150; i++)
        fixture_turn(f, -1);
    assert_int_equal(server_open(f), 1);
    f->now_ms += 200;
    client_receive_all(f, fd, &text);
    assert_int_equal(text.length, 0);
    assert_int_equal(timeouts(f), 0);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void handler__that_thinks_long__has_no_deadline(void **state)
{
    struct fixture *f = *state;
    int fd = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, GET("/later"));
    fixture_until(f, f->later_count == 1);
    f->now_ms += 100000;
    for (int i = 0; i < 150; i++)
        fixture_turn(f, -1);
    fixture_echo(f->later[0], false);
    assert_true(client_receive(f, fd, &text, "path=/later", 1));
    (void)close(fd);
    gw_buf_fini(&text);
}

static void squeeze(const struct fixture *f)
{
    int bytes = 2048;

    assert_int_equal(setsockopt(f->listener.fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
}

static void reply__larger_than_the_socket_takes__arrives_whole_and_the_next_too(void **state)
{
    struct fixture *f = *state;
    struct gw_buf text;
    int fd;

    squeeze(f);
    fd = fixture_connect_with(f, 4096);
    gw_buf_init(&text, 16U << 20);
    client_send(fd, GET("/big") GET("/after"));
    fixture_until(f, f->requests == 1);
    assert_int_equal(f->done, 0); /* not with the kernel yet */
    assert_true(client_receive(f, fd, &text, "path=/after", 1));
    assert_true(text.length > BIG);
    assert_int_equal(f->done, 2);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void reply__that_the_client_does_not_take__ends_at_the_deadline(void **state)
{
    struct fixture *f = *state;
    int fd;

    squeeze(f);
    fd = fixture_connect_with(f, 4096);
    client_send(fd, GET("/big"));
    fixture_until(f, f->requests == 1);
    fixture_idle(f);
    f->now_ms += 2900;
    for (int i = 0; i < 150; i++)
        fixture_turn(f, -1);
    assert_int_equal(f->done, 0);
    f->now_ms += 200;
    fixture_until(f, f->done == 1);
    assert_int_equal(server_open(f), 0);
    assert_int_equal(timeouts(f), 1);
    (void)close(fd);
}

static void reply__to_a_client_that_leaves_halfway__is_done(void **state)
{
    struct fixture *f = *state;
    int fd;

    squeeze(f);
    fd = fixture_connect_with(f, 4096);
    client_send(fd, GET("/big"));
    fixture_until(f, f->requests == 1);
    (void)close(fd);
    fixture_until(f, f->done == 1);
    assert_int_equal(server_open(f), 0);
}

static void cap__reached__pauses_the_listener_until_one_leaves(void **state)
{
    struct fixture *f = *state;
    struct gw_buf text;
    int first;
    int second;
    int third;

    f->options.connections_max = 2;
    fixture_start(f);
    gw_buf_init(&text, 1 << 20);
    first = fixture_connect(f);
    second = fixture_connect(f);
    third = fixture_connect(f);
    client_send(third, GET("/third"));
    fixture_until(f, atomic_load(&gw_server_counters_get(f->server)->pauses) == 1);
    fixture_idle(f);
    assert_int_equal(server_open(f), 2);
    assert_int_equal(f->requests, 0);
    (void)close(first);
    assert_true(client_receive(f, third, &text, "path=/third", 1));
    (void)close(second);
    (void)close(third);
    gw_buf_fini(&text);
}

static int highest_fd(void)
{
    DIR *listing = opendir("/proc/self/fd");
    struct dirent *entry;
    int highest = 0;

    assert_non_null(listing);
    while ((entry = readdir(listing)) != NULL) {
        uint64_t number;

        if (gw_str_parse_u64(gw_str_from(entry->d_name), 1 << 20, &number) == GW_OK && (int)number > highest &&
            (int)number != dirfd(listing))
            highest = (int)number;
    }
    (void)closedir(listing);
    return highest;
}

static void descriptors__used_up__pause_the_listener_and_it_tries_again(void **state)
{
    struct fixture *f = *state;
    struct rlimit before;
    struct rlimit tight;
    struct gw_buf text;
    int fd = fixture_connect(f);
    int spare[1024];
    int spares = 0;

    gw_buf_init(&text, 1 << 20);
    client_send(fd, GET("/patient"));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    tight = before;
    tight.rlim_cur = (rlim_t)highest_fd() + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    while (spares < 1024 && (spare[spares] = dup(fd)) >= 0)
        spares++;
    fixture_until(f, atomic_load(&gw_server_counters_get(f->server)->pauses) >= 1);
    assert_int_equal(server_open(f), 0);
    while (spares > 0)
        (void)close(spare[--spares]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(client_receive(f, fd, &text, "path=/patient", 1));
    (void)close(fd);
    gw_buf_fini(&text);
}

static void drain__with_nothing_open__is_over_in_a_turn(void **state)
{
    struct fixture *f = *state;

    gw_server_drain(f->server, fixture_on_drained, f);
    assert_false(f->drained); /* never from within */
    fixture_until(f, f->drained);
}

static void drain__closes_idle_ones_and_finishes_what_is_under_way(void **state)
{
    struct fixture *f = *state;
    int idle = fixture_connect(f);
    int busy = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(idle, GET("/"));
    assert_true(client_receive(f, idle, &text, "path=/", 1));
    client_send(busy, GET("/later"));
    fixture_until(f, f->later_count == 1);
    gw_server_drain(f->server, fixture_on_drained, f);
    gw_buf_clear(&text);
    client_receive_all(f, idle, &text);
    assert_int_equal(text.length, 0);
    fixture_idle(f);
    assert_false(f->drained);
    fixture_echo(f->later[0], false);
    client_receive_all(f, busy, &text);
    require_text(&text, "Connection: close\r\n\r\nGET path=/later");
    fixture_until(f, f->drained);
    (void)close(idle);
    (void)close(busy);
    gw_buf_fini(&text);
}

static void drain__answers_who_is_waiting_in_the_queue(void **state)
{
    struct fixture *f = *state;
    int queued = fixture_connect(f);
    int silent = fixture_connect(f);
    struct gw_buf text;

    gw_buf_init(&text, 1 << 20);
    client_send(queued, GET("/queued"));
    gw_server_drain(f->server, fixture_on_drained, f); /* no turn before it: neither is accepted yet */
    client_receive_all(f, queued, &text);
    require_text(&text, "Connection: close\r\n\r\nGET path=/queued");
    assert_false(f->drained);
    f->now_ms += 1100; /* the one that never says anything holds it for a second at most */
    fixture_until(f, f->drained);
    (void)close(queued);
    (void)close(silent);
    gw_buf_fini(&text);
}

static void drain__ends_with_a_reply_that_was_already_on_its_way(void **state)
{
    struct fixture *f = *state;
    struct gw_buf text;
    int fd;

    squeeze(f);
    fd = fixture_connect_with(f, 4096);
    gw_buf_init(&text, 16U << 20);
    client_send(fd, GET("/big"));
    fixture_until(f, f->requests == 1);
    gw_server_drain(f->server, fixture_on_drained, f);
    client_receive_all(f, fd, &text);
    assert_true(text.length > BIG);
    fixture_until(f, f->drained);
    (void)close(fd);
    gw_buf_fini(&text);
}

static void listener__on_a_unix_socket__names_its_clients_unix(void **state)
{
    struct fixture *f = *state;
    char folder[] = "/tmp/eksgate-test-XXXXXX";
    struct gw_buf text;
    char address[64];
    int fd;

    assert_non_null(mkdtemp(folder));
    (void)snprintf(address, sizeof(address), "unix:%s/s", folder);
    fixture_start_at(f, address);
    fd = fixture_connect(f);
    gw_buf_init(&text, 1 << 20);
    client_send(fd, GET("/local"));
    assert_true(client_receive(f, fd, &text, "path=/local body= ip=unix", 1));
    (void)close(fd);
    gw_buf_fini(&text);
    gw_listener_close(&f->listener);
    assert_int_equal(rmdir(folder), 0); /* the socket's file is gone */
}

static void listener__on_ipv6__names_its_clients_so(void **state)
{
    struct fixture *f = *state;
    struct gw_buf text;
    int fd;

    fixture_start_at(f, "[::1]:0");
    fd = fixture_connect(f);
    gw_buf_init(&text, 1 << 20);
    client_send(fd, GET("/six"));
    assert_true(client_receive(f, fd, &text, "path=/six body= ip=::1", 1));
    (void)close(fd);
    gw_buf_fini(&text);
}

#define STARTED(test)     cmocka_unit_test_setup_teardown(test, setup_started, teardown)
#define NOT_STARTED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STARTED(head__one_byte_per_half_second__is_408_at_the_deadline),
        STARTED(head__nothing_ever_sent__is_closed_without_a_word),
        STARTED(head__of_the_second_request__has_a_deadline_of_its_own),
        STARTED(body__that_does_not_come__is_408_at_the_deadline),
        STARTED(connection__idle_too_long__is_closed_without_a_word),
        STARTED(handler__that_thinks_long__has_no_deadline),
        STARTED(reply__larger_than_the_socket_takes__arrives_whole_and_the_next_too),
        STARTED(reply__that_the_client_does_not_take__ends_at_the_deadline),
        STARTED(reply__to_a_client_that_leaves_halfway__is_done),
        NOT_STARTED(cap__reached__pauses_the_listener_until_one_leaves),
        STARTED(descriptors__used_up__pause_the_listener_and_it_tries_again),
        STARTED(drain__with_nothing_open__is_over_in_a_turn),
        STARTED(drain__closes_idle_ones_and_finishes_what_is_under_way),
        STARTED(drain__answers_who_is_waiting_in_the_queue),
        STARTED(drain__ends_with_a_reply_that_was_already_on_its_way),
        NOT_STARTED(listener__on_a_unix_socket__names_its_clients_unix),
        NOT_STARTED(listener__on_ipv6__names_its_clients_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
