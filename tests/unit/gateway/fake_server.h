/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_FAKE_SERVER_H
#define GW_TEST_FAKE_SERVER_H

/*
 * A stand-in for net/ and upstream/: no sockets, one connection at a time. It
 * defines the functions of net/server.h, net/loop.h and upstream/ that the gateway
 * calls, so that the libraries' own aren't linked. One program includes it once.
 */

#include <pthread.h>
#include <stdlib.h>

#include "gateway/gateway.h"

/* The one that was asked for last comes first. */
struct gw_loop_timer {
    struct gw_loop_timer *next;
    struct gw_loop *loop;
    unsigned delay_ms;
    gw_loop_cb call;
    void *ctx;
};

struct gw_loop {
    struct gw_loop_timer *timers;
    gw_loop_cb on_wake;
    void *wake_ctx;
    gw_loop_cb on_turn;
    void *turn_ctx;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool woken;
    uint64_t turns;
};

struct gw_server {
    struct gw_server_handler handler;
    struct gw_server_options options;
    struct gw_server_counters counters;
};

static struct gw_server *fake_server_made; /* the last one; gone when its owner is */

struct gw_conn {
    struct gw_str subject;
    struct gw_http1_request request;
    struct gw_str body;
    struct gw_arena arena;
    void *user;
    char reply_head[4096];
    char reply_body[8192];
    unsigned replies;
    unsigned drops;
};

/* Nothing is forwarded here. */
struct gw_upstream *gw_upstream_new(struct gw_loop *loop, const struct gw_upstream_options *options)
{
    (void)loop;
    (void)options;
    gw_fatal("no upstream in this test");
}

void gw_upstream_free(struct gw_upstream **upstream)
{
    *upstream = NULL;
}

void gw_upstream_send(struct gw_upstream *upstream, struct gw_upstream_call *call)
{
    (void)upstream;
    (void)call;
    gw_fatal("no upstream in this test");
}

void gw_upstream_resume(struct gw_upstream_call *call)
{
    (void)call;
}

void gw_upstream_cancel(struct gw_upstream_call *call)
{
    (void)call;
}

const struct gw_upstream_counters *gw_upstream_counters_get(const struct gw_upstream *upstream)
{
    (void)upstream;
    return NULL;
}

const struct gw_credentials_snapshot *gw_credentials_get(const struct gw_credentials *credentials, struct gw_err *err)
{
    (void)credentials;
    (void)gw_fail(err, GW_E_MISSING, "no credentials in this test");
    return NULL;
}

enum gw_status gw_credentials_assume(struct gw_credentials *credentials, const struct gw_credentials_role *role,
                                     void (*wake)(void *ctx), void *ctx,
                                     const struct gw_credentials_snapshot **snapshot, struct gw_err *err)
{
    (void)credentials;
    (void)role;
    (void)wake;
    (void)ctx;
    (void)snapshot;
    return gw_fail(err, GW_E_MISSING, "no credentials in this test");
}

void gw_credentials_doubt(struct gw_credentials *credentials, uint64_t version)
{
    (void)credentials;
    (void)version;
}

void gw_loop_on_wake(struct gw_loop *loop, gw_loop_cb call, void *ctx)
{
    loop->on_wake = call;
    loop->wake_ctx = ctx;
}

void gw_loop_on_turn(struct gw_loop *loop, gw_loop_cb call, void *ctx)
{
    loop->on_turn = call;
    loop->turn_ctx = ctx;
}

const struct gw_stopwatch_counters *gw_loop_counters_get(const struct gw_loop *loop)
{
    static const struct gw_stopwatch_counters counters;

    (void)loop;
    return &counters;
}

void gw_loop_every(struct gw_loop *loop, unsigned period_ms, gw_loop_cb call, void *ctx)
{
    (void)loop;
    (void)period_ms;
    (void)call;
    (void)ctx;
}

struct gw_loop_timer *gw_loop_after(struct gw_loop *loop, unsigned delay_ms, gw_loop_cb call, void *ctx)
{
    struct gw_loop_timer *timer = gw_alloc_zero(1, sizeof(*timer));

    *timer = (struct gw_loop_timer){loop->timers, loop, delay_ms, call, ctx};
    loop->timers = timer;
    return timer;
}

void gw_loop_cancel(struct gw_loop_timer **timer)
{
    struct gw_loop_timer **link;

    if (*timer == NULL)
        return;
    link = &(*timer)->loop->timers;
    while (*link != *timer)
        link = &(*link)->next;
    *link = (*timer)->next;
    free(*timer);
    *timer = NULL;
}

/* The time of the newest timer has come. */
static inline void fake_fire(struct gw_loop *loop)
{
    struct gw_loop_timer *timer = loop->timers;
    struct gw_loop_timer due = *timer;

    gw_loop_cancel(&timer);
    due.call(due.ctx);
}

void gw_loop_wake(struct gw_loop *loop)
{
    (void)pthread_mutex_lock(&loop->lock);
    loop->woken = true;
    (void)pthread_cond_signal(&loop->cond);
    (void)pthread_mutex_unlock(&loop->lock);
}

void gw_loop_stop(struct gw_loop *loop)
{
    (void)loop;
}

void gw_loop_begin(struct gw_loop *loop, const char *what)
{
    (void)loop;
    (void)what;
}

int64_t gw_loop_wall_ms(const struct gw_loop *loop)
{
    (void)loop;
    return 1440938160000;
}

int64_t gw_loop_monotonic_ms(const struct gw_loop *loop)
{
    (void)loop;
    return 1000000;
}

uint64_t gw_loop_turns(const struct gw_loop *loop)
{
    return loop->turns;
}

/* The end of a turn: what the loop does after its events. */
static inline void fake_turn(struct gw_loop *loop)
{
    loop->on_turn(loop->turn_ctx);
    loop->turns++;
}

/* Waits for the writer's wake-up and answers it. */
static inline void fake_wait(struct gw_loop *loop)
{
    (void)pthread_mutex_lock(&loop->lock);
    while (!loop->woken)
        (void)pthread_cond_wait(&loop->cond, &loop->lock);
    loop->woken = false;
    (void)pthread_mutex_unlock(&loop->lock);
    loop->on_wake(loop->wake_ctx);
}

struct gw_server *gw_server_new(struct gw_loop *loop, const struct gw_server_options *options,
                                const struct gw_server_handler *handler)
{
    struct gw_server *server = gw_alloc_zero(1, sizeof(*server));

    (void)loop;
    server->handler = *handler;
    server->options = *options;
    fake_server_made = server;
    return server;
}

void gw_server_listen(struct gw_server *server, int fd, bool is_unix)
{
    (void)server;
    (void)fd;
    (void)is_unix;
}

void gw_server_free(struct gw_server **server)
{
    free(*server);
    *server = NULL;
}

void gw_server_drain(struct gw_server *server, gw_loop_cb drained, void *ctx)
{
    (void)server;
    drained(ctx);
}

const struct gw_server_counters *gw_server_counters_get(const struct gw_server *server)
{
    return &server->counters;
}

const struct gw_http1_request *gw_conn_request(const struct gw_conn *conn)
{
    return &conn->request;
}

struct gw_str gw_conn_tls_subject(const struct gw_conn *conn)
{
    return conn->subject;
}

struct gw_str gw_conn_body(const struct gw_conn *conn)
{
    return conn->body;
}

struct gw_arena *gw_conn_arena(struct gw_conn *conn)
{
    return &conn->arena;
}

bool gw_conn_is_unix(const struct gw_conn *conn)
{
    (void)conn;
    return false;
}

struct gw_str gw_conn_source_ip(const struct gw_conn *conn)
{
    (void)conn;
    return GW_STR("127.0.0.1");
}

void gw_conn_set_user(struct gw_conn *conn, void *user)
{
    conn->user = user;
}

void *gw_conn_user(const struct gw_conn *conn)
{
    return conn->user;
}

static void keep_text(char *out, size_t size, struct gw_str text)
{
    size_t length = text.length < size ? text.length : size - 1;

    if (length > 0)
        memcpy(out, text.at, length);
    out[length] = '\0';
}

void gw_conn_drop(struct gw_conn *conn)
{
    conn->drops++;
}

bool gw_conn_is_alive(const struct gw_conn *conn)
{
    (void)conn;
    return true;
}

enum gw_conn_flow gw_conn_reply_begin(struct gw_conn *conn, const struct gw_reply *reply, uint64_t length)
{
    (void)conn;
    (void)reply;
    (void)length;
    gw_fatal("no reply comes in pieces in this test");
}

enum gw_conn_flow gw_conn_reply_piece(struct gw_conn *conn, struct gw_str piece)
{
    (void)conn;
    (void)piece;
    gw_fatal("no reply comes in pieces in this test");
}

void gw_conn_reply_end(struct gw_conn *conn, struct gw_str piece)
{
    (void)gw_conn_reply_piece(conn, piece);
}

void gw_conn_reply_break(struct gw_conn *conn)
{
    (void)gw_conn_reply_piece(conn, GW_STR(""));
}

void gw_conn_reply(struct gw_conn *conn, const struct gw_reply *reply)
{
    conn->replies++;
    keep_text(conn->reply_head, sizeof(conn->reply_head), reply->head);
    keep_text(conn->reply_body, sizeof(conn->reply_body), reply->body);
}

#endif
