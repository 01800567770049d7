/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handler says: replies, whole in one writev or in pieces, and hanging up.
 * A reply in pieces holds the connection in STREAM. Its bytes are counted: one
 * that is ended before the length that its head announced is broken, so that a
 * client never takes a part for the whole.
 */
#include "net/conn.h"

static const char said_keep_alive[] = "Connection: keep-alive\r\n\r\n";
static const char said_close[] = "Connection: close\r\n\r\n";

static bool closes(const struct gw_conn *conn, const struct gw_reply *reply)
{
    return reply->close || conn->server->draining || conn->body_unread || !conn->has_request ||
           !conn->work->request.keep_alive;
}

static bool is_headless(const struct gw_conn *conn)
{
    return conn->has_request && conn->work->request.method == GW_METHOD_HEAD;
}

/* The head, and as much of the body as there is. */
static void send_reply(struct gw_conn *conn, const struct gw_reply *reply)
{
    bool closing = closes(conn, reply);
    struct iovec pieces[3] = {
        {(void *)(uintptr_t)reply->head.at, reply->head.length},
        {(void *)(uintptr_t)(closing ? said_close : said_keep_alive),
         closing ? sizeof(said_close) - 1 : sizeof(said_keep_alive) - 1},
        {(void *)(uintptr_t)reply->body.at, reply->body.length},
    };

    if (conn->state != GW_CONN_WAIT)
        gw_fatal("a reply that no request waits for");
    conn->closing = closing;
    gw_conn_send(conn, pieces, is_headless(conn) || reply->body.length == 0 ? 2 : 3);
}

/* All of the reply is given. */
static void conclude(struct gw_conn *conn)
{
    conn->state = conn->fd >= 0 && conn->out.length > 0 ? GW_CONN_WRITE : GW_CONN_REPLIED;
    if (!conn->processing)
        gw_conn_finish_later(conn);
}

void gw_conn_reply(struct gw_conn *conn, const struct gw_reply *reply)
{
    send_reply(conn, reply);
    conclude(conn);
}

void gw_conn_drop(struct gw_conn *conn)
{
    if (conn->state != GW_CONN_WAIT)
        gw_fatal("a connection without a request is dropped");
    gw_conn_drop_socket(conn);
    conn->state = GW_CONN_REPLIED;
    if (!conn->processing)
        gw_conn_finish_later(conn);
}

static enum gw_conn_flow tell_flow(struct gw_conn *conn)
{
    if (conn->fd < 0) {
        gw_conn_deadline_clear(conn);
        return GW_CONN_LOST;
    }
    if (!conn->processing)
        gw_conn_settle_deadline(conn);
    return conn->out.length > 0 ? GW_CONN_FULL : GW_CONN_FLOWS;
}

/* False: that is more than was announced, and the client is gone. */
static bool count(struct gw_conn *conn, size_t length)
{
    if (length > conn->reply_left) {
        gw_conn_drop_socket(conn);
        return false;
    }
    conn->reply_left -= length;
    return true;
}

enum gw_conn_flow gw_conn_reply_begin(struct gw_conn *conn, const struct gw_reply *reply, uint64_t length)
{
    send_reply(conn, reply);
    conn->state = GW_CONN_STREAM;
    conn->reply_left = length;
    (void)count(conn, reply->body.length);
    return tell_flow(conn);
}

static void send_piece(struct gw_conn *conn, struct gw_str piece)
{
    struct iovec bytes = {(void *)(uintptr_t)piece.at, piece.length};

    if (conn->state != GW_CONN_STREAM)
        gw_fatal("a piece of a reply that hasn't begun");
    if (piece.length > 0 && count(conn, piece.length) && !is_headless(conn))
        gw_conn_send(conn, &bytes, 1);
}

enum gw_conn_flow gw_conn_reply_piece(struct gw_conn *conn, struct gw_str piece)
{
    send_piece(conn, piece);
    return tell_flow(conn);
}

void gw_conn_reply_end(struct gw_conn *conn, struct gw_str piece)
{
    send_piece(conn, piece);
    if (conn->reply_left > 0)
        gw_conn_drop_socket(conn);
    conclude(conn);
}

void gw_conn_reply_break(struct gw_conn *conn)
{
    if (conn->state != GW_CONN_STREAM)
        gw_fatal("a reply is broken that hasn't begun");
    gw_conn_drop_socket(conn);
    conclude(conn);
}

void gw_conn_tell_drained(struct gw_conn *conn)
{
    conn->server->handler.on_drained(conn->server->handler.ctx, conn);
}
