/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a connection. gw_conn_process takes it as far as the bytes at hand
 * allow, one step per state; a handler that replies at once is a step like any
 * other, so pipelined requests are a loop and not a recursion. A reply that comes
 * later never enters the handler again from within: what waits in the buffer goes
 * on in the next turn.
 *
 * Reading stays switched on while a handler thinks (switching costs two system
 * calls); bytes that come meanwhile are kept, and only when the buffer is full or
 * the client has closed its side is it switched off.
 */
#include "net/conn.h"

#include <sys/socket.h>

#include "net/proxy.h"

/* What a step says about the connection. */
enum progress {
    GO_ON,   /* another step may follow */
    GO_NEXT, /* a request is done; another step may follow */
    GO_WAIT, /* something must happen first */
    GO_AWAY, /* it is freed */
};

static const char said_continue[] = "HTTP/1.1 100 Continue\r\n\r\n";

static void set_source(struct gw_conn *conn)
{
    conn->source_length = gw_address_print(&conn->peer, conn->source);
}

/* The handler hears the last of its request. */
static void end_request(struct gw_conn *conn)
{
    if (conn->told) {
        conn->told = false;
        conn->server->handler.on_done(conn->server->handler.ctx, conn);
    }
    conn->user = NULL;
    conn->has_request = false;
    conn->body_apart = false;
    gw_conn_pool_give_work(conn);
}

void gw_conn_destroy(struct gw_conn *conn)
{
    struct gw_server *server = conn->server;

    end_request(conn);
    gw_conn_drop_socket(conn);
    gw_conn_deadline_clear(conn);
    gw_link_cut(&conn->all);
    gw_link_cut(&conn->resumed);
    gw_conn_pool_give(conn);
    gw_server_conn_ended(server);
}

static enum progress destroy(struct gw_conn *conn)
{
    gw_conn_destroy(conn);
    return GO_AWAY;
}

/* The connection failed. A handler that still owes a reply, or the rest of one, keeps it until then. */
static void lose(struct gw_conn *conn)
{
    if (conn->state != GW_CONN_WAIT && conn->state != GW_CONN_STREAM) {
        gw_conn_destroy(conn);
        return;
    }
    gw_conn_drop_socket(conn);
    gw_conn_deadline_clear(conn);
    if (conn->state == GW_CONN_STREAM)
        gw_conn_tell_drained(conn);
}

/* The whole input was used: an idle connection holds no buffer. */
static void release_input(struct gw_conn *conn)
{
    gw_conn_pool_give_input(conn);
    conn->start = conn->next = conn->end = 0;
}

static enum progress begin_linger(struct gw_conn *conn)
{
    release_input(conn);
    conn->state = GW_CONN_LINGERING;
    conn->lingered = 0;
    if (conn->tls != NULL)
        gw_tls_end(conn->tls);
    if (shutdown(conn->fd, SHUT_WR) != 0)
        return destroy(conn);
    gw_conn_set_reading(conn, true);
    gw_conn_deadline_set(conn, GW_DEADLINE_LINGER);
    return GO_WAIT;
}

/* The reply is with the kernel, or nobody is there to take it. */
static enum progress finish(struct gw_conn *conn)
{
    bool unread = conn->body_unread || conn->next < conn->end;

    if (conn->fd < 0)
        return destroy(conn);
    end_request(conn);
    conn->served = true;
    conn->fresh = false;
    if (conn->closing || (conn->server->draining && conn->next == conn->end))
        return unread && !conn->eof ? begin_linger(conn) : destroy(conn);
    conn->state = GW_CONN_HEAD;
    conn->start = conn->next;
    conn->scanned = 0;
    if (conn->start == conn->end)
        release_input(conn);
    if (!conn->reading && !conn->eof)
        gw_conn_set_reading(conn, true);
    return GO_NEXT;
}

/* After the PROXY header, if there is one: CONNECT, the handshake or the first head. */
static void begin_session(struct gw_conn *conn)
{
    conn->state = conn->slot != NULL ? GW_CONN_HANDSHAKE : GW_CONN_HEAD;
    if (conn->tunnels)
        conn->state = GW_CONN_CONNECT;
    else if (conn->slot != NULL)
        gw_conn_tls_begin(conn);
}

static enum progress refuse(struct gw_conn *conn, const struct gw_http1_error *error)
{
    struct gw_server *server = conn->server;

    gw_conn_count(&server->counters.refused, 1);
    if (conn->work == NULL)
        gw_conn_pool_take_work(conn);
    conn->state = GW_CONN_WAIT;
    conn->told = true;
    conn->body_unread = true;
    server->handler.on_refused(server->handler.ctx, conn, error);
    return GO_ON;
}

static enum progress step_proxy(struct gw_conn *conn)
{
    struct gw_str data = {NULL, 0};
    enum gw_status status;
    size_t length;

    if (conn->input != NULL)
        data = (struct gw_str){conn->input->bytes, conn->end};
    status = gw_proxy_parse(data, &length, &conn->peer);
    if (status == GW_AGAIN)
        return conn->eof ? destroy(conn) : GO_WAIT;
    if (status != GW_OK) {
        gw_conn_count(&conn->server->counters.refused, 1);
        return destroy(conn);
    }
    set_source(conn);
    begin_session(conn);
    conn->start = conn->next = length;
    if (conn->start == conn->end)
        release_input(conn);
    return GO_ON;
}

static enum gw_status parse_head(struct gw_conn *conn, struct gw_http1_error *error)
{
    struct gw_str data = {conn->input->bytes + conn->start, conn->end - conn->start};

    return gw_http1_parse_head(data, &conn->server->options.limits, &conn->scanned, &conn->work->request, error);
}

/* A chunked body is read behind its head; where that leaves no room the bytes move and the views are made anew. */
static void make_chunk_room(struct gw_conn *conn)
{
    struct gw_http1_error error;

    if (conn->input->capacity - conn->end >= GW_CONN_CHUNK_ROOM)
        return;
    gw_conn_make_room(conn, GW_CONN_CHUNK_ROOM);
    conn->scanned = 0;
    if (parse_head(conn, &error) != GW_OK)
        gw_fatal("a request head reads differently when it has moved");
}

/* Where the body is to go, and whether it is there already. */
static void prepare_body(struct gw_conn *conn)
{
    struct gw_conn_work *work = conn->work;
    size_t length = (size_t)work->request.content_length;

    if (work->request.chunked)
        make_chunk_room(conn);
    conn->next = conn->start + work->request.head_length;
    conn->body_apart = work->request.chunked || length > conn->input->capacity - conn->next;
    conn->body_unread = work->request.chunked || length > conn->end - conn->next;
    if (work->request.chunked) {
        gw_http1_chunks_init(&work->chunks);
    } else if (!conn->body_apart) {
        work->body_view = (struct gw_str){conn->input->bytes + conn->next, length};
        conn->next += conn->body_unread ? 0 : length;
    }
}

static enum progress ask_for_body(struct gw_conn *conn, bool none_came)
{
    struct gw_conn_work *work = conn->work;

    conn->state = GW_CONN_BODY;
    if (conn->body_apart && !work->request.chunked) {
        gw_buf_append(&work->body, conn->input->bytes + conn->next, conn->end - conn->next);
        conn->end = conn->next;
    }
    if (work->request.expect_continue && none_came) {
        struct iovec piece = {(void *)(uintptr_t)said_continue, sizeof(said_continue) - 1};

        gw_conn_send(conn, &piece, 1);
        if (conn->fd < 0)
            return destroy(conn);
    }
    return GO_ON;
}

static enum progress hand_over(struct gw_conn *conn)
{
    conn->state = GW_CONN_WAIT;
    conn->server->handler.on_request(conn->server->handler.ctx, conn);
    return GO_ON;
}

static enum progress begin_request(struct gw_conn *conn)
{
    struct gw_server *server = conn->server;

    conn->has_request = true;
    conn->told = true;
    conn->state = GW_CONN_WAIT;
    conn->closing = false;
    prepare_body(conn);
    gw_conn_find_source(conn);
    gw_conn_count(&server->counters.requests, 1);
    if (server->handler.on_head(server->handler.ctx, conn) != GW_OK || conn->state != GW_CONN_WAIT)
        return GO_ON;
    if (conn->body_unread)
        return ask_for_body(conn, conn->end == conn->next);
    return hand_over(conn);
}

static enum progress step_head(struct gw_conn *conn)
{
    struct gw_http1_error error;
    enum gw_status status;

    if (conn->start == conn->end)
        return conn->eof ? destroy(conn) : GO_WAIT;
    if (conn->work == NULL)
        gw_conn_pool_take_work(conn);
    status = parse_head(conn, &error);
    if (GW_LIKELY(status == GW_OK))
        return begin_request(conn);
    conn->next = conn->end;
    if (status != GW_AGAIN)
        return refuse(conn, &error);
    gw_conn_pool_give_work(conn);
    return conn->eof ? destroy(conn) : GO_WAIT;
}

static enum gw_status read_chunks(struct gw_conn *conn, struct gw_http1_error *error)
{
    struct gw_conn_work *work = conn->work;
    struct gw_str data = {conn->input->bytes + conn->next, conn->end - conn->next};
    size_t consumed = 0;
    enum gw_status status =
        gw_http1_chunks_decode(&work->chunks, data, &conn->server->options.limits, &work->body, &consumed, error);

    if (status == GW_OK)
        conn->next += consumed;
    else
        conn->end = conn->next;
    return status;
}

/* GW_OK: the body is complete. */
static enum gw_status read_body(struct gw_conn *conn, struct gw_http1_error *error)
{
    const struct gw_http1_request *request = &conn->work->request;
    size_t length = (size_t)request->content_length;

    if (request->chunked)
        return read_chunks(conn, error);
    if (conn->body_apart)
        return conn->work->body.length == length ? GW_OK : GW_AGAIN;
    if (conn->end - conn->next < length)
        return GW_AGAIN;
    conn->next += length;
    return GW_OK;
}

static enum progress step_body(struct gw_conn *conn)
{
    struct gw_http1_error error;
    enum gw_status status = read_body(conn, &error);

    if (status == GW_AGAIN)
        return conn->eof ? destroy(conn) : GO_WAIT;
    if (status != GW_OK)
        return refuse(conn, &error);
    conn->body_unread = false;
    if (conn->body_apart && conn->work->body.length > 0)
        conn->work->body_view = gw_buf_str(&conn->work->body);
    return hand_over(conn);
}

static enum progress step_connect(struct gw_conn *conn)
{
    struct gw_http1_error error;
    enum gw_status status = gw_conn_connect(conn, &error);

    if (status == GW_AGAIN)
        return conn->eof ? destroy(conn) : GO_WAIT;
    return status == GW_OK ? GO_ON : refuse(conn, &error);
}

static enum progress step_handshake(struct gw_conn *conn)
{
    enum gw_status status = gw_conn_tls_handshake(conn);

    if (status == GW_AGAIN)
        return GO_WAIT;
    if (status != GW_OK)
        return begin_linger(conn);
    conn->state = GW_CONN_HEAD;
    return GO_WAIT;
}

static enum progress step(struct gw_conn *conn)
{
    switch (conn->state) {
    case GW_CONN_PROXY:
        return step_proxy(conn);
    case GW_CONN_CONNECT:
        return step_connect(conn);
    case GW_CONN_HANDSHAKE:
        return step_handshake(conn);
    case GW_CONN_HEAD:
        return step_head(conn);
    case GW_CONN_BODY:
        return step_body(conn);
    case GW_CONN_REPLIED:
        return finish(conn);
    case GW_CONN_WAIT:
    case GW_CONN_STREAM:
    case GW_CONN_WRITE:
    case GW_CONN_LINGERING:
        break;
    }
    return GO_WAIT;
}

void gw_conn_settle_deadline(struct gw_conn *conn)
{
    enum gw_conn_deadline kind = GW_DEADLINE_NONE;

    if (conn->state <= GW_CONN_HEAD)
        kind = conn->start < conn->end || conn->fresh ? GW_DEADLINE_HEAD : GW_DEADLINE_IDLE;
    else if (conn->state == GW_CONN_BODY)
        kind = GW_DEADLINE_BODY;
    else if (conn->state == GW_CONN_WRITE || (conn->state == GW_CONN_STREAM && conn->out.length > 0 && conn->fd >= 0))
        kind = GW_DEADLINE_REPLY;
    else if (conn->state == GW_CONN_LINGERING)
        return;
    if (kind == GW_DEADLINE_NONE)
        gw_conn_deadline_clear(conn);
    else if (kind != conn->deadline || conn->served)
        gw_conn_deadline_set(conn, kind);
    conn->served = false;
}

void gw_conn_process(struct gw_conn *conn)
{
    enum progress progress = GO_ON;
    int budget = GW_CONN_PIPELINED;

    conn->processing = true;
    while (progress == GO_ON || (progress == GO_NEXT && --budget > 0))
        progress = step(conn);
    if (progress == GO_AWAY)
        return;
    conn->processing = false;
    if (progress == GO_NEXT)
        gw_server_resume_later(conn);
    gw_conn_settle_deadline(conn);
}

static void on_read(struct gw_conn *conn, enum gw_conn_read got)
{
    if (got == GW_CONN_READ_NONE) {
        if (conn->state == GW_CONN_HEAD && conn->start == conn->end)
            release_input(conn);
        return;
    }
    if (got == GW_CONN_READ_LOST) {
        lose(conn);
        return;
    }
    if (got == GW_CONN_READ_END) {
        conn->eof = true;
        gw_conn_set_reading(conn, false);
    }
    gw_conn_process(conn);
}

/* A handler is at work, or a reply is under way. */
static bool is_replying(const struct gw_conn *conn)
{
    return conn->state == GW_CONN_WAIT || conn->state == GW_CONN_STREAM || conn->state == GW_CONN_WRITE;
}

/* What comes meanwhile is kept, as far as there is room. */
static void read_ahead(struct gw_conn *conn)
{
    if (conn->input == NULL || conn->end == conn->input->capacity)
        gw_conn_set_reading(conn, false);
    else
        on_read(conn, gw_conn_fill(conn));
}

static void linger_on(struct gw_conn *conn)
{
    enum gw_conn_read got = gw_conn_discard(conn);

    if (got == GW_CONN_READ_END || got == GW_CONN_READ_LOST || conn->lingered > GW_CONN_LINGER)
        gw_conn_destroy(conn);
}

static void read_on(struct gw_conn *conn)
{
    if (conn->state == GW_CONN_LINGERING)
        linger_on(conn);
    else if (conn->state == GW_CONN_HANDSHAKE)
        gw_conn_process(conn);
    else if (is_replying(conn))
        read_ahead(conn);
    else
        on_read(conn, gw_conn_fill(conn));
}

static void write_on(struct gw_conn *conn)
{
    if (!gw_conn_flush(conn))
        return;
    if (conn->fd < 0) {
        lose(conn);
        return;
    }
    if (conn->state == GW_CONN_WRITE) {
        conn->state = GW_CONN_REPLIED;
        gw_conn_process(conn);
    } else if (conn->state == GW_CONN_STREAM) {
        gw_conn_settle_deadline(conn);
        gw_conn_tell_drained(conn);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct gw_conn *conn = ctx;

    (void)fd;
    (void)what;
    gw_loop_begin(conn->server->loop, "read");
    if (GW_UNLIKELY(conn->write_waits)) {
        conn->write_waits = false;
        if (event_add(&conn->write_event, NULL) != 0)
            gw_fatal("an event can't be added");
        return; /* what can be read is still there in the next turn */
    }
    read_on(conn);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
    struct gw_conn *conn = ctx;

    (void)fd;
    (void)what;
    gw_loop_begin(conn->server->loop, "write");
    if (GW_UNLIKELY(conn->read_waits)) {
        conn->read_waits = false;
        if (conn->out.length == 0)
            (void)event_del(&conn->write_event);
        read_on(conn);
        return;
    }
    if (GW_UNLIKELY(conn->write_waits))
        (void)event_del(&conn->write_event);
    else
        write_on(conn);
}

void gw_conn_resume(struct gw_conn *conn)
{
    enum gw_conn_read got;

    if (!gw_conn_tls_waits(conn) || conn->state == GW_CONN_LINGERING) {
        gw_conn_process(conn);
        return;
    }
    if (is_replying(conn)) {
        read_ahead(conn);
        return;
    }
    got = gw_conn_fill(conn);
    if (got == GW_CONN_READ_NONE)
        gw_conn_process(conn);
    else
        on_read(conn, got);
}

void gw_conn_start(struct gw_conn *conn)
{
    struct gw_server *server = conn->server;
    struct event_base *base = gw_loop_base(server->loop);

    set_source(conn);
    if (server->options.proxy_protocol)
        conn->state = GW_CONN_PROXY;
    else
        begin_session(conn);
    if (event_assign(&conn->read_event, base, conn->fd, EV_READ | EV_PERSIST, on_readable, conn) != 0 ||
        event_assign(&conn->write_event, base, conn->fd, EV_WRITE | EV_PERSIST, on_writable, conn) != 0)
        gw_fatal("an event can't be made");
    gw_conn_set_reading(conn, true);
    gw_conn_settle_deadline(conn);
}

void gw_conn_expire(struct gw_conn *conn, enum gw_conn_deadline kind)
{
    static const struct gw_http1_error late = {408, "the request took too long to arrive"};
    bool quiet = conn->state < GW_CONN_HEAD || (kind == GW_DEADLINE_HEAD && conn->start == conn->end);

    if (kind == GW_DEADLINE_HEAD || kind == GW_DEADLINE_BODY || kind == GW_DEADLINE_REPLY)
        gw_conn_count(&conn->server->counters.timeouts, 1);
    if (conn->state == GW_CONN_STREAM) {
        lose(conn);
        return;
    }
    if (quiet || (kind != GW_DEADLINE_HEAD && kind != GW_DEADLINE_BODY)) {
        gw_conn_destroy(conn);
        return;
    }
    conn->next = conn->end;
    conn->processing = true;
    (void)refuse(conn, &late);
    gw_conn_process(conn);
}

/* The reply came after its request's callback had returned: the next request isn't begun from within. */
void gw_conn_finish_later(struct gw_conn *conn)
{
    enum progress progress = GO_WAIT;

    if (conn->state == GW_CONN_REPLIED)
        progress = finish(conn);
    if (progress == GO_AWAY)
        return;
    if (progress == GO_NEXT && (conn->start < conn->end || conn->eof))
        gw_server_resume_later(conn);
    gw_conn_settle_deadline(conn);
}
