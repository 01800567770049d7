/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection's bytes through its TLS session. Two things differ from a bare
 * socket. A session may hold bytes that the socket no longer shows: whoever stops
 * reading before it is empty comes back in the next turn. And reading may have to
 * wait until the socket takes bytes, writing until it has some: read_waits and
 * write_waits say so to the events of conn.c. (The latter doesn't happen after a
 * handshake without renegotiation; OpenSSL may say it all the same.)
 */
#include "net/conn.h"

#include <sys/socket.h>

#include "base/log.h"

static const char said_plain[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 49\r\n"
                                 "Connection: close\r\n\r\n"
                                 "This port speaks TLS: the URL begins with https.\n";

void gw_conn_tls_begin(struct gw_conn *conn)
{
    struct gw_tls_context *context = gw_tls_slot_hold(conn->slot);

    conn->tls = gw_tls_accept(context, conn->fd);
    gw_tls_context_release(&context);
}

/* The socket must take bytes before reading goes on. */
static void wait_to_read(struct gw_conn *conn)
{
    conn->read_waits = true;
    if (event_add(&conn->write_event, NULL) != 0)
        gw_fatal("an event can't be added");
}

static void come_back(struct gw_conn *conn)
{
    conn->read_again = true;
    gw_server_resume_later(conn);
}

static enum gw_status fail(struct gw_conn *conn, const struct gw_err *err)
{
    gw_conn_count(&conn->server->counters.tls_failed, 1);
    gw_log(GW_LOG_DEBUG, "tls", "a handshake with %.*s failed: %s", (int)conn->source_length, conn->source, err->text);
    if (gw_tls_is_plain_http(conn->tls))
        (void)send(conn->fd, said_plain, sizeof(said_plain) - 1, MSG_NOSIGNAL);
    return GW_E_SYNTAX;
}

enum gw_status gw_conn_tls_handshake(struct gw_conn *conn)
{
    struct gw_server_counters *counters = &conn->server->counters;
    struct gw_err err = {""};

    switch (gw_tls_handshake(conn->tls, &err)) {
    case GW_TLS_DONE:
        gw_conn_count(&counters->tls_handshakes, 1);
        gw_conn_count(&counters->tls_resumed, gw_tls_is_resumed(conn->tls) ? 1 : 0);
        if (gw_tls_has_pending(conn->tls))
            come_back(conn);
        return GW_OK;
    case GW_TLS_WANT_READ:
        return GW_AGAIN;
    case GW_TLS_WANT_WRITE:
        wait_to_read(conn);
        return GW_AGAIN;
    case GW_TLS_CLOSED:
    case GW_TLS_FAILED:
        break;
    }
    return fail(conn, &err);
}

static enum gw_conn_read end_of_reading(struct gw_conn *conn, enum gw_tls_io io)
{
    switch (io) {
    case GW_TLS_WANT_WRITE:
        wait_to_read(conn);
        return GW_CONN_READ_NONE;
    case GW_TLS_CLOSED:
        return GW_CONN_READ_END;
    case GW_TLS_FAILED:
        return GW_CONN_READ_LOST;
    case GW_TLS_DONE:
    case GW_TLS_WANT_READ:
        break;
    }
    return GW_CONN_READ_NONE;
}

enum gw_conn_read gw_conn_tls_read(struct gw_conn *conn, char *at, size_t room, size_t *length)
{
    size_t before = *length;

    conn->read_again = false;
    while (room > 0) {
        size_t count;
        enum gw_tls_io io = gw_tls_read(conn->tls, at, room, &count);

        if (io != GW_TLS_DONE && *length == before)
            return end_of_reading(conn, io);
        if (io == GW_TLS_WANT_WRITE)
            wait_to_read(conn);
        if (io == GW_TLS_CLOSED || io == GW_TLS_FAILED)
            come_back(conn); /* it says so again, after what came before it */
        if (io != GW_TLS_DONE)
            return GW_CONN_READ_SOME;
        *length += count;
        at += count;
        room -= count;
        if (!gw_tls_has_pending(conn->tls))
            return GW_CONN_READ_SOME;
    }
    come_back(conn);
    return GW_CONN_READ_SOME;
}

size_t gw_conn_tls_send(struct gw_conn *conn, const struct iovec *pieces, size_t count)
{
    size_t sent;
    enum gw_tls_io io = gw_tls_write(conn->tls, pieces, count, &sent);

    if (io == GW_TLS_FAILED || io == GW_TLS_CLOSED)
        gw_conn_drop_socket(conn);
    conn->write_waits = io == GW_TLS_WANT_READ;
    if (conn->write_waits)
        gw_conn_set_reading(conn, true);
    return sent;
}
