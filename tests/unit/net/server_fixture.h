/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_SERVER_FIXTURE_H
#define GW_TEST_SERVER_FIXTURE_H

/*
 * A server on a real listening socket, its loop turned by the test itself, with a
 * clock that the test moves. The handler answers by path:
 *
 *   /refuse   403 from on_head          /later   when the test says so
 *   /refuse-later  the same, later      /big     4 MiB      anything else  200 and an echo
 *   /close    200, asks to close            /drop    closes without a reply
 *   /drop-head  the same from on_head       /pieces  200, "ten bytes!" in three pieces
 *
 * The echo: METHOD path=PATH body=BODY ip=SOURCE
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/listener.h"
#include "net/server.h"

#define BIG      (4U << 20)
#define LATER    4
#define PATIENCE 10000 /* milliseconds before a test gives up */

struct fixture {
    int64_t now_ms;
    struct gw_clock clock;
    struct gw_loop *loop;
    struct gw_listener listener;
    struct gw_server *server;
    struct gw_server_options options;
    struct gw_conn *later[LATER];
    size_t later_count;
    size_t heads;
    size_t requests;
    size_t refused;
    size_t done;
    size_t emptied; /* on_drained */
    unsigned refused_status;
    bool refused_with_request;
    bool drained;
};

static int64_t fixture_now(void *ctx)
{
    return ((struct fixture *)ctx)->now_ms;
}

static void fixture_reply(struct gw_conn *conn, unsigned status, struct gw_str body, bool close_after)
{
    struct gw_str head = gw_arena_printf(gw_conn_arena(conn), "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\n", status,
                                         gw_http1_reason(status), body.length);

    gw_conn_reply(conn, &(struct gw_reply){head, body, close_after});
}

static void fixture_echo(struct gw_conn *conn, bool close_after)
{
    const struct gw_http1_request *request = gw_conn_request(conn);
    struct gw_str body = gw_conn_body(conn);
    struct gw_str ip = gw_conn_source_ip(conn);
    struct gw_str text =
        gw_arena_printf(gw_conn_arena(conn), "%.*s path=%.*s body=%.*s ip=%.*s", GW_STR_ARG(request->method_text),
                        GW_STR_ARG(request->path), GW_STR_ARG(body), GW_STR_ARG(ip));

    fixture_reply(conn, 200, text, close_after);
}

static void fixture_hold(struct fixture *f, struct gw_conn *conn)
{
    assert_true(f->later_count < LATER);
    f->later[f->later_count++] = conn;
}

static enum gw_status fixture_on_head(void *ctx, struct gw_conn *conn)
{
    struct fixture *f = ctx;
    struct gw_str path = gw_conn_request(conn)->path;

    f->heads++;
    assert_null(gw_conn_user(conn));
    assert_int_equal(gw_conn_arena(conn)->taken, 0);
    gw_conn_set_user(conn, f);
    if (gw_str_is(path, "/refuse-later")) {
        fixture_hold(f, conn);
        return GW_E_DENIED;
    }
    if (gw_str_is(path, "/drop-head")) {
        gw_conn_drop(conn);
        return GW_E_DENIED;
    }
    if (!gw_str_is(path, "/refuse"))
        return GW_OK;
    fixture_reply(conn, 403, GW_STR("refused"), false);
    return GW_E_DENIED;
}

static void fixture_big(struct gw_conn *conn)
{
    char *body = gw_arena_alloc(gw_conn_arena(conn), BIG);

    memset(body, 'b', BIG);
    fixture_reply(conn, 200, (struct gw_str){body, BIG}, false);
}

static void fixture_pieces(struct gw_conn *conn)
{
    const struct gw_reply reply = {GW_STR("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"), GW_STR("ten"), false};

    assert_int_equal(gw_conn_reply_begin(conn, &reply, 10), GW_CONN_FLOWS);
    assert_int_equal(gw_conn_reply_piece(conn, GW_STR(" by")), GW_CONN_FLOWS);
    gw_conn_reply_end(conn, GW_STR("tes!"));
}

static void fixture_on_request(void *ctx, struct gw_conn *conn)
{
    struct fixture *f = ctx;
    struct gw_str path = gw_conn_request(conn)->path;

    f->requests++;
    assert_ptr_equal(gw_conn_user(conn), f);
    if (gw_str_is(path, "/later"))
        fixture_hold(f, conn);
    else if (gw_str_is(path, "/big"))
        fixture_big(conn);
    else if (gw_str_is(path, "/drop"))
        gw_conn_drop(conn);
    else if (gw_str_is(path, "/pieces"))
        fixture_pieces(conn);
    else
        fixture_echo(conn, gw_str_is(path, "/close"));
}

static void fixture_on_refused(void *ctx, struct gw_conn *conn, const struct gw_http1_error *error)
{
    struct fixture *f = ctx;

    f->refused++;
    f->refused_status = error->status;
    f->refused_with_request = gw_conn_request(conn) != NULL;
    fixture_reply(conn, error->status, gw_str_from(error->reason), false);
}

static void fixture_on_done(void *ctx, struct gw_conn *conn)
{
    struct fixture *f = ctx;

    (void)conn;
    f->done++;
}

static void fixture_on_emptied(void *ctx, struct gw_conn *conn)
{
    struct fixture *f = ctx;

    (void)conn;
    f->emptied++;
}

static inline void fixture_on_drained(void *ctx)
{
    struct fixture *f = ctx;

    assert_false(f->drained);
    f->drained = true;
}

/* The options may be changed before fixture_start. */
static inline void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.now_ms = 1000};
    f->clock = (struct gw_clock){f, fixture_now, fixture_now};
    f->options = (struct gw_server_options){
        .limits = {.head_bytes = 32768, .headers = 32, .body_bytes = 100000},
        .connections_max = 100,
        .head_timeout_ms = 1000,
        .body_timeout_ms = 2000,
        .reply_timeout_ms = 3000,
        .idle_timeout_ms = 4000,
    };
    f->loop = gw_loop_new(&f->clock);
}

static inline void fixture_start_at(struct fixture *f, const char *address)
{
    const struct gw_server_handler handler = {
        f, fixture_on_head, fixture_on_request, fixture_on_refused, fixture_on_done, NULL, fixture_on_emptied};
    struct gw_err err;

    f->server = gw_server_new(f->loop, &f->options, &handler);
    if (gw_listener_open(&f->listener, gw_str_from(address), 1, 0600, &err) != GW_OK)
        fail_msg("%s", err.text);
    gw_server_listen(f->server, f->listener.fds[0], f->listener.is_unix);
}

static inline void fixture_start(struct fixture *f)
{
    fixture_start_at(f, "127.0.0.1:0");
}

static inline void fixture_fini(struct fixture *f)
{
    gw_server_free(&f->server);
    gw_listener_close(&f->listener);
    gw_loop_free(&f->loop);
    assert_int_equal(f->done, f->heads + (f->refused_with_request ? 0 : f->refused));
}

/* Connects to where the listener is; the socket doesn't block afterwards. */
static inline int fixture_connect_with(const struct fixture *f, int receive_bytes)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    struct timeval patience = {.tv_sec = PATIENCE / 1000};
    int fd;

    memset(&name, 0, sizeof(name));
    assert_int_equal(getsockname(f->listener.fds[0], (struct sockaddr *)&name, &length), 0);
    fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (receive_bytes > 0)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, length), 0);
    return fd;
}

static inline int fixture_connect(const struct fixture *f)
{
    return fixture_connect_with(f, 0);
}

static inline void client_send_bytes(int fd, const void *bytes, size_t length)
{
    assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

static inline void client_send(int fd, const char *text)
{
    client_send_bytes(fd, text, strlen(text));
}

/* One turn, then a millisecond at most for the kernel to bring something to `fd`. */
static inline void fixture_turn(struct fixture *f, int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    gw_loop_turn(f->loop, false);
    (void)poll(&wait, fd >= 0 ? 1 : 0, 1);
}

static inline int64_t fixture_patience(void)
{
    return gw_clock_monotonic_ms(gw_clock_system()) + PATIENCE;
}

#define fixture_until(f, condition)                                                                                    \
    do {                                                                                                               \
        int64_t until_ms = fixture_patience();                                                                         \
        while (!(condition)) {                                                                                         \
            if (gw_clock_monotonic_ms(gw_clock_system()) > until_ms)                                                   \
                fail_msg("never came true: %s", #condition);                                                           \
            fixture_turn(f, -1);                                                                                       \
        }                                                                                                              \
    } while (0)

/* Several turns, in which something that must not happen would happen. */
static inline void fixture_idle(struct fixture *f)
{
    for (int i = 0; i < 5; i++)
        fixture_turn(f, -1);
}

/* Receives into `text` until it holds `count` times `needle`, or the end of the stream; false at the end. */
static inline bool client_receive(struct fixture *f, int fd, struct gw_buf *text, const char *needle, size_t count)
{
    int64_t until_ms = fixture_patience();

    for (;;) {
        struct gw_str rest = gw_buf_str(text);
        size_t seen = 0;
        ssize_t got;

        for (size_t at = 0; needle != NULL && rest.length > 0 && at != SIZE_MAX && seen < count;) {
            at = gw_str_search(rest, gw_str_from(needle));
            if (at != SIZE_MAX) {
                seen++;
                rest = gw_str_slice(rest, at + 1, SIZE_MAX);
            }
        }
        if (needle != NULL && seen >= count)
            return true;
        assert_true(gw_clock_monotonic_ms(gw_clock_system()) <= until_ms);
        fixture_turn(f, fd);
        assert_int_equal(gw_buf_reserve(text, 65536), GW_OK);
        got = recv(fd, text->at + text->length, 65536, MSG_DONTWAIT);
        if (got == 0)
            return false;
        if (got < 0 && errno != EAGAIN)
            fail_msg("the connection was reset: %s", strerror(errno));
        if (got > 0)
            text->length += (size_t)got;
    }
}

/* Everything up to the end of the stream. */
static inline void client_receive_all(struct fixture *f, int fd, struct gw_buf *text)
{
    (void)client_receive(f, fd, text, NULL, 0);
}

static inline bool text_has(const struct gw_buf *text, const char *needle)
{
    return text->length > 0 && gw_str_search(gw_buf_str(text), gw_str_from(needle)) != SIZE_MAX;
}

static inline void require_text(const struct gw_buf *text, const char *needle)
{
    if (!text_has(text, needle))
        fail_msg("'%s' is not in: %.*s", needle, (int)(text->length > 2000 ? 2000 : text->length), text->at);
}

static inline size_t server_open(const struct fixture *f)
{
    return (size_t)atomic_load(&gw_server_counters_get(f->server)->open);
}

/* Sends `request` on a connection of its own and receives all that comes until the server closes. */
static inline void exchange(struct fixture *f, const void *request, size_t length, struct gw_buf *text)
{
    int fd = fixture_connect(f);

    gw_buf_init(text, 64U << 20);
    client_send_bytes(fd, request, length);
    client_receive_all(f, fd, text);
    (void)close(fd);
}

#endif
