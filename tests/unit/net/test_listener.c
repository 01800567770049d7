/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets: what addresses mean, when one is in use, unix sockets' files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/listener.h"

struct folder {
    char path[64];
    char socket_path[80];
    char address[96];
};

static int setup(void **state)
{
    struct folder *folder = gw_alloc(sizeof(*folder));

    (void)snprintf(folder->path, sizeof(folder->path), "/tmp/eksgate-test-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    (void)snprintf(folder->socket_path, sizeof(folder->socket_path), "%s/s", folder->path);
    (void)snprintf(folder->address, sizeof(folder->address), "unix:%s", folder->socket_path);
    *state = folder;
    return 0;
}

static int teardown(void **state)
{
    struct folder *folder = *state;

    (void)unlink(folder->socket_path);
    assert_int_equal(rmdir(folder->path), 0);
    free(folder);
    return 0;
}

static void check__good_addresses__tell_what_they_are(void **state)
{
    static const struct {
        const char *address;
        bool is_unix;
        bool is_loopback;
    } cases[] = {
        {"127.0.0.1:8080", false, true}, {"127.9.9.9:0", false, true},  {"localhost:80", false, true},
        {"0.0.0.0:8080", false, false},  {"[::1]:8080", false, true},   {"[::]:65535", false, false},
        {"unix:/run/a", true, true},     {"192.0.2.1:1", false, false},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        bool is_unix;
        bool is_loopback;
        struct gw_err err;

        assert_int_equal(gw_listener_check(gw_str_from(cases[i].address), &is_unix, &is_loopback, &err), GW_OK);
        assert_int_equal(is_unix, cases[i].is_unix);
        assert_int_equal(is_loopback, cases[i].is_loopback);
    }
}

static void check__bad_addresses__are_errors_that_name_them(void **state)
{
    static const char *const addresses[] = {
        "",       "8080",  ":8080",         "127.0.0.1", "127.0.0.1:",     "127.0.0.1:65536", "127.0.0.1:-1",
        "::1:80", "[::1]", "[127.0.0.1]:1", "[::1:80",   "example.org:80", "unix:",           "unix:relative"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(addresses); i++) {
        bool flag;
        struct gw_err err = {""};

        if (gw_listener_check(gw_str_from(addresses[i]), &flag, &flag, &err) == GW_OK)
            fail_msg("%s is taken", addresses[i]);
        assert_non_null(strstr(err.text, addresses[i]));
    }
}

static void check__path_longer_than_the_kernel_takes__is_an_error(void **state)
{
    char address[200];
    bool flag;
    struct gw_err err;

    (void)state;
    memset(address, 'a', sizeof(address));
    memcpy(address, "unix:/", 6);
    assert_int_equal(gw_listener_check((struct gw_str){address, 5 + 107}, &flag, &flag, &err), GW_OK);
    assert_int_equal(gw_listener_check((struct gw_str){address, 5 + 108}, &flag, &flag, &err), GW_E_LIMIT);
}

static unsigned port_of(int fd)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t length = sizeof(name);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    return ntohs(name.sin_port);
}

static void open__port_0_for_several_workers__gives_all_the_same_port(void **state)
{
    struct gw_listener listener;
    struct gw_err err;
    char expected[64];

    (void)state;
    assert_int_equal(gw_listener_open(&listener, GW_STR("127.0.0.1:0"), 3, 0, &err), GW_OK);
    assert_int_equal(listener.count, 3);
    assert_true(port_of(listener.fds[0]) != 0);
    assert_int_equal(port_of(listener.fds[0]), port_of(listener.fds[1]));
    assert_int_equal(port_of(listener.fds[0]), port_of(listener.fds[2]));
    (void)snprintf(expected, sizeof(expected), "127.0.0.1:%u", port_of(listener.fds[0]));
    assert_string_equal(listener.address, expected);
    (void)snprintf(expected, sizeof(expected), "http://127.0.0.1:%u", port_of(listener.fds[0]));
    assert_string_equal(listener.url, expected);
    assert_true(listener.is_loopback && !listener.is_unix);
    gw_listener_close(&listener);
}

static void require_in_use(const char *address, size_t workers)
{
    struct gw_listener second;
    struct gw_err err = {""};

    assert_int_equal(gw_listener_open(&second, gw_str_from(address), workers, 0600, &err), GW_E_IO);
    assert_non_null(strstr(err.text, address));
    assert_non_null(strstr(err.text, "in use"));
    assert_int_equal(second.count, 0);
}

static void open__address_in_use__is_an_error_even_among_sharers(void **state)
{
    struct gw_err err;

    (void)state;
    for (size_t workers = 1; workers <= 2; workers++) {
        struct gw_listener first;

        assert_int_equal(gw_listener_open(&first, GW_STR("127.0.0.1:0"), workers, 0, &err), GW_OK);
        require_in_use(first.address, 1);
        require_in_use(first.address, 2);
        gw_listener_close(&first);
    }
}

static void open__again_after_closing_with_a_connection__succeeds(void **state)
{
    struct gw_listener listener;
    struct gw_err err;
    struct sockaddr_in name;
    socklen_t length = sizeof(name);
    char address[128];
    int client = socket(AF_INET, SOCK_STREAM, 0);
    int accepted;

    (void)state;
    assert_int_equal(gw_listener_open(&listener, GW_STR("127.0.0.1:0"), 1, 0, &err), GW_OK);
    (void)snprintf(address, sizeof(address), "%s", listener.address);
    assert_int_equal(getsockname(listener.fds[0], (struct sockaddr *)&name, &length), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&name, length), 0);
    accepted = accept(listener.fds[0], NULL, NULL);
    assert_true(accepted >= 0);
    (void)close(accepted); /* this side closes first, so it holds the TIME_WAIT */
    (void)close(client);
    gw_listener_close(&listener);
    assert_int_equal(gw_listener_open(&listener, gw_str_from(address), 2, 0, &err), GW_OK);
    gw_listener_close(&listener);
}

static void open__ipv6__serves_ipv6(void **state)
{
    struct gw_listener listener;
    struct gw_err err;

    (void)state;
    assert_int_equal(gw_listener_open(&listener, GW_STR("[::1]:0"), 1, 0, &err), GW_OK);
    assert_int_equal(strncmp(listener.url, "http://[::1]:", 13), 0);
    gw_listener_close(&listener);
}

static void open__unix__makes_one_socket_with_its_mode_and_removes_it(void **state)
{
    struct folder *folder = *state;
    struct gw_listener listener;
    struct gw_err err;
    struct stat about;
    mode_t before = umask(0777);

    assert_int_equal(gw_listener_open(&listener, gw_str_from(folder->address), 2, 0660, &err), GW_OK);
    (void)umask(before);
    assert_int_equal(listener.fds[0], listener.fds[1]);
    assert_int_equal(stat(folder->socket_path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0660);
    assert_string_equal(listener.url, folder->address);
    require_in_use(folder->address, 1);
    gw_listener_close(&listener);
    assert_int_equal(access(folder->socket_path, F_OK), -1);
}

/* A socket's file whose process is gone. */
static void leave_stale(const struct folder *folder)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", folder->socket_path);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    (void)close(fd);
}

static void open__unix_with_a_stale_file__replaces_it(void **state)
{
    struct folder *folder = *state;
    struct gw_listener listener;
    struct gw_err err;

    leave_stale(folder);
    assert_int_equal(gw_listener_open(&listener, gw_str_from(folder->address), 1, 0600, &err), GW_OK);
    gw_listener_close(&listener);
}

static void open__unix_where_a_plain_file_is__leaves_it_and_fails(void **state)
{
    struct folder *folder = *state;
    struct gw_listener listener;
    struct gw_err err = {""};
    FILE *file = fopen(folder->socket_path, "w");

    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(gw_listener_open(&listener, gw_str_from(folder->address), 1, 0600, &err), GW_E_IO);
    assert_non_null(strstr(err.text, folder->address));
    assert_int_equal(access(folder->socket_path, F_OK), 0);
}

static void close__unix_that_another_has_taken_over__leaves_the_file(void **state)
{
    struct folder *folder = *state;
    struct gw_listener listener;
    struct gw_err err;

    assert_int_equal(gw_listener_open(&listener, gw_str_from(folder->address), 1, 0600, &err), GW_OK);
    assert_int_equal(unlink(folder->socket_path), 0);
    leave_stale(folder);
    gw_listener_close(&listener);
    assert_int_equal(access(folder->socket_path, F_OK), 0);
}

static void open__too_many_workers__is_an_error(void **state)
{
    struct gw_listener listener;
    struct gw_err err;

    (void)state;
    assert_int_equal(gw_listener_open(&listener, GW_STR("127.0.0.1:0"), GW_LISTENER_WORKERS_MAX + 1, 0, &err),
                     GW_E_RANGE);
    assert_int_equal(gw_listener_open(&listener, GW_STR("127.0.0.1:0"), 0, 0, &err), GW_E_RANGE);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check__good_addresses__tell_what_they_are),
        cmocka_unit_test(check__bad_addresses__are_errors_that_name_them),
        cmocka_unit_test(check__path_longer_than_the_kernel_takes__is_an_error),
        cmocka_unit_test(open__port_0_for_several_workers__gives_all_the_same_port),
        cmocka_unit_test(open__address_in_use__is_an_error_even_among_sharers),
        cmocka_unit_test(open__again_after_closing_with_a_connection__succeeds),
        cmocka_unit_test(open__ipv6__serves_ipv6),
        cmocka_unit_test(open__too_many_workers__is_an_error),
        IN_FOLDER(open__unix__makes_one_socket_with_its_mode_and_removes_it),
        IN_FOLDER(open__unix_with_a_stale_file__replaces_it),
        IN_FOLDER(open__unix_where_a_plain_file_is__leaves_it_and_fails),
        IN_FOLDER(close__unix_that_another_has_taken_over__leaves_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
