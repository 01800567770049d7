/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_UPSTREAM_FIXTURE_H
#define GW_TEST_UPSTREAM_FIXTURE_H

/*
 * An upstream pool on a loop that the test turns, with a clock that the test
 * moves, and a server that is nothing but sockets: the test says itself what the
 * server sends, when it closes and when it doesn't answer.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/resolver.h"
#include "upstream/upstream.h"

#define PATIENCE 10000 /* milliseconds before a test gives up */

#define OK_TWO "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct fixture {
    int64_t now_ms;
    struct gw_clock clock;
    struct gw_loop *loop;
    struct gw_upstream *upstream;
    struct gw_upstream_options options;
    int listening;
    uint16_t port;
    struct gw_buf seen; /* what server_expect has read */
};

struct ask {
    struct gw_upstream_call call;
    struct gw_arena arena;
    unsigned done;
    char reply[64]; /* of the body */
};

static int64_t fixture_now(void *ctx)
{
    return ((struct fixture *)ctx)->now_ms;
}

static inline int64_t fixture_patience(void)
{
    return gw_clock_monotonic_ms(gw_clock_system()) + PATIENCE;
}

/* A listening socket on a port of the kernel's choice. */
static inline int server_listen(uint16_t *port, int backlog)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(name);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, length), 0);
    if (backlog > 0)
        assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    *port = ntohs(name.sin_port);
    return fd;
}

/* The options may be changed before fixture_start. */
static inline void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.now_ms = 100000};
    f->clock = (struct gw_clock){f, fixture_now, fixture_now};
    f->options = (struct gw_upstream_options){
        .connect_timeout_ms = 3000,
        .write_timeout_ms = 4000,
        .first_byte_timeout_ms = 5000,
        .total_timeout_ms = 20000,
        .idle_timeout_ms = 8000,
        .connections_max = 4,
        .waiting_max = 4,
        .reply_head_bytes = 4096,
        .reply_body_bytes = 1U << 20,
    };
    f->loop = gw_loop_new(&f->clock);
    f->listening = server_listen(&f->port, 16);
    gw_buf_init(&f->seen, 64U << 20);
}

static inline void fixture_start(struct fixture *f)
{
    f->upstream = gw_upstream_new(f->loop, &f->options);
}

static inline void fixture_fini(struct fixture *f)
{
    gw_upstream_free(&f->upstream);
    gw_loop_free(&f->loop);
    gw_buf_fini(&f->seen);
    if (f->listening >= 0)
        (void)close(f->listening);
}

/* For tests: one that isn't started yet, as the test's state. */
static inline struct fixture *fixture_new(void **state)
{
    struct fixture *f = gw_alloc(sizeof(*f));

    fixture_init(f);
    *state = f;
    return f;
}

static inline int fixture_setup(void **state)
{
    fixture_start(fixture_new(state));
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture_fini(*state);
    free(*state);
    return 0;
}

static inline void fixture_turn(struct fixture *f)
{
    gw_loop_turn(f->loop, false);
    (void)poll(NULL, 0, 1);
}

#define fixture_until(f, condition)                                                                                    \
    do {                                                                                                               \
        int64_t until_ms = fixture_patience();                                                                         \
        while (!(condition)) {                                                                                         \
            if (gw_clock_monotonic_ms(gw_clock_system()) > until_ms)                                                   \
                fail_msg("never came true: %s", #condition);                                                           \
            fixture_turn(f);                                                                                           \
        }                                                                                                              \
    } while (0)

/* Several turns, in which something that must not happen would happen. */
static inline void fixture_idle(struct fixture *f)
{
    for (int i = 0; i < 5; i++)
        fixture_turn(f);
}

static inline void fixture_pass(struct fixture *f, unsigned ms)
{
    f->now_ms += ms;
}

static inline uint64_t fixture_count(const _Atomic uint64_t *counter)
{
    return atomic_load(counter);
}

#define fixture_counter(f, name) fixture_count(&gw_upstream_counters_get((f)->upstream)->name)

static inline void ask_on_done(void *ctx, struct gw_upstream_call *call)
{
    struct ask *ask = ctx;

    assert_ptr_equal(&ask->call, call);
    ask->done++;
    if (call->outcome == GW_UPSTREAM_REPLIED)
        (void)snprintf(ask->reply, sizeof(ask->reply), "%.*s", GW_STR_ARG(call->reply_body));
}

/* Calls are changed between ask_init and ask_send. */
static inline void ask_init(struct ask *ask, const struct fixture *f, const char *head)
{
    memset(ask, 0, sizeof(*ask));
    gw_arena_init(&ask->arena, 0);
    ask->call = (struct gw_upstream_call){
        .target = {GW_STR("127.0.0.1"), f->port, false},
        .head = gw_str_from(head),
        .arena = &ask->arena,
        .on_done = ask_on_done,
        .ctx = ask,
    };
}

static inline void ask_send(struct ask *ask, struct fixture *f)
{
    unsigned before = ask->done;

    gw_upstream_send(f->upstream, &ask->call);
    assert_int_equal(ask->done, before); /* never from within */
}

/* A GET of `path`, under way. */
static inline void ask_get(struct ask *ask, struct fixture *f, const char *head)
{
    ask_init(ask, f, head);
    ask_send(ask, f);
}

static inline void ask_fini(struct ask *ask)
{
    gw_arena_fini(&ask->arena);
}

static inline void require_outcome(struct fixture *f, struct ask *ask, enum gw_upstream_outcome outcome,
                                   const char *err)
{
    fixture_until(f, ask->done > 0);
    assert_int_equal(ask->done, 1);
    if (ask->call.outcome != outcome || strstr(ask->call.err.text, err) == NULL)
        fail_msg("outcome %d, expected %d; '%s', expected '%s'", (int)ask->call.outcome, (int)outcome,
                 ask->call.err.text, err);
}

static inline void require_reply(struct fixture *f, struct ask *ask, unsigned status, const char *body)
{
    require_outcome(f, ask, GW_UPSTREAM_REPLIED, "");
    assert_int_equal(ask->call.reply.status, status);
    assert_string_equal(ask->reply, body);
}

static inline int server_accept_at(struct fixture *f, int listening)
{
    int fd = -1;

    fixture_until(f, (fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
    return fd;
}

static inline int server_accept(struct fixture *f)
{
    return server_accept_at(f, f->listening);
}

/* Nobody has connected, and nobody does. */
static inline void server_require_none(struct fixture *f)
{
    fixture_idle(f);
    assert_int_equal(accept4(f->listening, NULL, NULL, SOCK_CLOEXEC), -1);
}

static inline bool server_has(struct fixture *f, int fd, const char *needle)
{
    ssize_t got;

    assert_int_equal(gw_buf_reserve(&f->seen, 65536), GW_OK);
    got = recv(fd, f->seen.at + f->seen.length, 65536, MSG_DONTWAIT);
    if (got > 0)
        f->seen.length += (size_t)got;
    return f->seen.length > 0 && gw_str_search(gw_buf_str(&f->seen), gw_str_from(needle)) != SIZE_MAX;
}

/* Reads from the connection until `needle` came. */
static inline void server_expect(struct fixture *f, int fd, const char *needle)
{
    gw_buf_clear(&f->seen);
    fixture_until(f, server_has(f, fd, needle));
}

static inline void server_send_bytes(int fd, const void *bytes, size_t length)
{
    assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

static inline void server_send(int fd, const char *text)
{
    server_send_bytes(fd, text, strlen(text));
}

/* Closes so that the peer sees a reset. */
static inline void server_reset(int fd)
{
    const struct linger linger = {.l_onoff = 1};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(close(fd), 0);
}

/* The gateway has closed the connection: its end, or a reset. */
static inline void server_require_closed(struct fixture *f, int fd)
{
    char byte;
    ssize_t got = 1;

    fixture_until(f, (got = recv(fd, &byte, 1, MSG_DONTWAIT)) == 0 || (got < 0 && errno == ECONNRESET));
    assert_int_equal(close(fd), 0);
}

#endif
