/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server around its connections: accepts in bounded batches, pauses at the
 * cap and out of descriptors, gives connections with more to do their next turn,
 * drains. What a connection does is conn.c.
 */
#include "net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

#define ACCEPT_BATCH      64
#define WARN_EVERY_MS     10000
#define ACCEPT_BATCH_UNIX 8 /* the socket is shared: leave some to other workers */

static void on_acceptable(evutil_socket_t fd, short what, void *ctx);

static struct event *new_event(struct gw_server *server, int fd, short what, event_callback_fn call, void *ctx)
{
    struct event *event = event_new(gw_loop_base(server->loop), fd, what, call, ctx);

    if (event == NULL)
        gw_fatal("no event");
    return event;
}

static void start_timer(struct event *event, suseconds_t ms)
{
    const struct timeval delay = {.tv_sec = 0, .tv_usec = ms * 1000};

    if (event_add(event, &delay) != 0)
        gw_fatal("no timer");
}

static void set_listening(struct gw_server *server, bool on)
{
    for (size_t i = 0; i < server->socket_count; i++) {
        struct gw_server_socket *entry = &server->sockets[i];

        if (entry->listening == on)
            continue;
        entry->listening = on;
        if ((on ? event_add(entry->event, NULL) : event_del(entry->event)) != 0)
            gw_fatal("an event can't be changed");
    }
}

static void update_listening(struct gw_server *server)
{
    set_listening(server, !server->at_cap && !server->out_of_fds && !server->draining);
}

/* The tick runs while there is something to watch. */
static void keep_ticking(struct gw_server *server)
{
    if (server->ticking)
        return;
    server->ticking = true;
    start_timer(server->tick_event, GW_CONN_TICK_MS);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
    struct gw_server *server = ctx;

    (void)fd;
    (void)what;
    gw_loop_begin(server->loop, "tick");
    gw_conn_deadline_check(server);
    if (server->out_of_fds) {
        server->out_of_fds = false;
        update_listening(server);
    }
    if (server->open > 0)
        return;
    server->ticking = false;
    (void)event_del(server->tick_event);
}

/* Takes over the list as it is: what joins it meanwhile is for the next turn. */
static void on_resume(evutil_socket_t fd, short what, void *ctx)
{
    struct gw_server *server = ctx;
    struct gw_link now;

    (void)fd;
    (void)what;
    gw_loop_begin(server->loop, "resume");
    gw_link_init(&now);
    gw_link_splice(&now, &server->resumes);
    while (!gw_link_is_empty(&now)) {
        struct gw_conn *conn = GW_LINK_OF(now.after, struct gw_conn, resumed);

        gw_link_cut(&conn->resumed);
        gw_conn_resume(conn);
    }
    if (server->draining && server->open == 0 && server->drained != NULL) {
        gw_loop_cb drained = server->drained;

        server->drained = NULL;
        drained(server->drained_ctx);
    }
}

void gw_server_resume_later(struct gw_conn *conn)
{
    struct gw_server *server = conn->server;

    if (!gw_link_is_empty(&conn->resumed))
        return;
    if (gw_link_is_empty(&server->resumes))
        start_timer(server->resume_event, 0);
    gw_link_append(&server->resumes, &conn->resumed);
}

void gw_server_conn_ended(struct gw_server *server)
{
    server->open--;
    gw_conn_count(&server->counters.open, -1);
    if (server->freeing)
        return;
    if (server->at_cap && !server->draining) {
        server->at_cap = false;
        update_listening(server);
    }
    if (server->draining && server->open == 0)
        start_timer(server->resume_event, 0);
}

static void pause_accepting(struct gw_server *server, bool *why)
{
    gw_conn_count(&server->counters.pauses, 1);
    *why = true;
    update_listening(server);
    keep_ticking(server);
}

static void open_conn(const struct gw_server_socket *entry, int fd, const struct gw_address *peer)
{
    struct gw_server *server = entry->server;
    struct gw_conn *conn;

    gw_conn_count(&server->counters.accepted, 1);
    if (server->options.proxy_protocol && !gw_address_is_in(peer, server->trusted, server->trusted_count)) {
        gw_conn_count(&server->counters.refused, 1);
        (void)close(fd);
        return;
    }
    conn = gw_conn_pool_take(server);
    conn->fd = fd;
    conn->peer = *peer;
    conn->slot = entry->tls;
    conn->tunnels = entry->tunnels;
    gw_link_append(&server->all, &conn->all);
    server->open++;
    gw_conn_count(&server->counters.open, 1);
    keep_ticking(server);
    gw_conn_start(conn);
}

/* What accept4's error means: true for one that concerns a single connection. */
static bool may_accept_after(struct gw_server *server, int error)
{
    int64_t now = gw_loop_monotonic_ms(server->loop);

    if (error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM)
        return true;
    if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
        return false;
    if (now >= server->warn_after_ms)
        gw_log(GW_LOG_WARN, "listener", "out of descriptors or memory: accepting pauses");
    server->warn_after_ms = now + WARN_EVERY_MS;
    pause_accepting(server, &server->out_of_fds);
    return false;
}

/* True when another connection may be waiting. */
static bool accept_one(struct gw_server *server, const struct gw_server_socket *entry)
{
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof(peer);
    struct gw_address address = {.kind = GW_ADDRESS_UNIX};
    int fd;

    if (server->open >= server->options.connections_max) {
        pause_accepting(server, &server->at_cap);
        return false;
    }
    fd = accept4(entry->fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return may_accept_after(server, errno);
    if (!entry->is_unix)
        address = gw_address_from_socket((const struct sockaddr *)&peer);
    open_conn(entry, fd, &address);
    return true;
}

static void on_acceptable(evutil_socket_t fd, short what, void *ctx)
{
    const struct gw_server_socket *entry = ctx;
    int batch = entry->is_unix ? ACCEPT_BATCH_UNIX : ACCEPT_BATCH;

    (void)fd;
    (void)what;
    gw_loop_begin(entry->server->loop, "accept");
    while (batch-- > 0 && accept_one(entry->server, entry))
        ;
}

static void add_socket(struct gw_server *server, int fd, bool is_unix, struct gw_tls_slot *slot, bool tunnels)
{
    struct gw_server_socket *entry = &server->sockets[server->socket_count];
    const int on = 1;

    if (server->socket_count == GW_SERVER_SOCKETS)
        gw_fatal("more than %d listening sockets", GW_SERVER_SOCKETS);
    /* inherited by what is accepted */
    if (!is_unix)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    entry->server = server;
    entry->fd = fd;
    entry->is_unix = is_unix;
    entry->tls = slot;
    entry->tunnels = tunnels;
    entry->event = new_event(server, fd, EV_READ | EV_PERSIST, on_acceptable, entry);
    server->socket_count++;
    update_listening(server);
}

void gw_server_listen(struct gw_server *server, int fd, bool is_unix)
{
    gw_server_listen_tls(server, fd, is_unix, NULL);
}

void gw_server_listen_tls(struct gw_server *server, int fd, bool is_unix, struct gw_tls_slot *slot)
{
    add_socket(server, fd, is_unix, slot, false);
}

void gw_server_listen_proxy(struct gw_server *server, int fd, bool is_unix, struct gw_tls_slot *slot)
{
    add_socket(server, fd, is_unix, slot, true);
}

static void read_trusted(struct gw_server *server)
{
    const struct gw_server_options *options = &server->options;

    server->trusted = gw_alloc_zero(options->trusted_proxy_count, sizeof(*server->trusted));
    for (size_t i = 0; i < options->trusted_proxy_count; i++) {
        struct gw_err err;

        if (gw_address_parse_cidr(options->trusted_proxies[i], &server->trusted[server->trusted_count], &err) == GW_OK)
            server->trusted_count++;
        else
            gw_log(GW_LOG_ERROR, "listener", "trusted proxy ignored: %s", err.text);
    }
}

struct gw_server *gw_server_new(struct gw_loop *loop, const struct gw_server_options *options,
                                const struct gw_server_handler *handler)
{
    struct gw_server *server = gw_alloc_zero(1, sizeof(*server));

    server->loop = loop;
    server->options = *options;
    server->handler = *handler;
    gw_link_init(&server->all);
    gw_link_init(&server->resumes);
    for (int i = 0; i < GW_DEADLINE_COUNT; i++)
        gw_link_init(&server->deadlines[i]);
    server->tick_event = new_event(server, -1, EV_PERSIST, on_tick, server);
    server->resume_event = new_event(server, -1, 0, on_resume, server);
    read_trusted(server);
    return server;
}

void gw_server_free(struct gw_server **server)
{
    struct gw_server *dying = *server;

    *server = NULL;
    if (dying == NULL)
        return;
    dying->freeing = true;
    while (!gw_link_is_empty(&dying->all))
        gw_conn_destroy(GW_LINK_OF(dying->all.after, struct gw_conn, all));
    for (size_t i = 0; i < dying->socket_count; i++)
        event_free(dying->sockets[i].event);
    event_free(dying->tick_event);
    event_free(dying->resume_event);
    gw_conn_pool_fini(dying);
    free(dying->trusted);
    free(dying);
}

/* Takes what the kernel has completed already: those clients were told that they are connected. */
static void empty_queues(struct gw_server *server)
{
    for (size_t i = 0; i < server->socket_count; i++) {
        while (server->open < server->options.connections_max && accept_one(server, &server->sockets[i]))
            ;
    }
}

/* A connection that is between requests ends, but for one whose first request may be on its way. */
static void begin_drain(struct gw_conn *conn)
{
    if (conn->state > GW_CONN_HEAD)
        return;
    if (conn->start < conn->end || gw_conn_peek(conn))
        return;
    if (conn->fresh)
        gw_conn_deadline_set(conn, GW_DEADLINE_LINGER);
    else
        gw_conn_destroy(conn);
}

void gw_server_drain(struct gw_server *server, gw_loop_cb drained, void *ctx)
{
    struct gw_link *link = server->all.after;

    if (server->draining)
        return;
    if (!server->at_cap && !server->out_of_fds) {
        empty_queues(server);
        link = server->all.after;
    }
    server->draining = true;
    server->drained = drained;
    server->drained_ctx = ctx;
    update_listening(server);
    while (link != &server->all) {
        struct gw_conn *conn = GW_LINK_OF(link, struct gw_conn, all);

        link = link->after;
        begin_drain(conn);
    }
    if (server->open == 0)
        start_timer(server->resume_event, 0);
}

const struct gw_server_counters *gw_server_counters_get(const struct gw_server *server)
{
    return &server->counters;
}
