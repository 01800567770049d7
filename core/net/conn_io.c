/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes between a connection and its socket (a TLS session's go through conn_tls.c): one read per readable event, one
 * sendmsg per reply; what the kernel doesn't take is copied and sent as it takes
 * more. Nothing here knows what the bytes mean.
 */
#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/proxy.h"

void gw_conn_set_reading(struct gw_conn *conn, bool on)
{
    if (conn->reading == on || conn->fd < 0)
        return;
    conn->reading = on;
    if ((on ? event_add(&conn->read_event, NULL) : event_del(&conn->read_event)) != 0)
        gw_fatal("an event can't be changed");
    if (gw_conn_tls_waits(conn))
        gw_server_resume_later(conn);
}

void gw_conn_drop_socket(struct gw_conn *conn)
{
    if (conn->fd < 0)
        return;
    (void)event_del(&conn->read_event);
    (void)event_del(&conn->write_event);
    if (GW_UNLIKELY(conn->tls != NULL))
        gw_tls_end(conn->tls);
    (void)close(conn->fd);
    conn->reading = false;
    conn->fd = -1;
}

static enum gw_conn_read read_plain(int fd, char *at, size_t room, size_t *length)
{
    ssize_t count = recv(fd, at, room, 0);

    if (GW_LIKELY(count > 0)) {
        *length += (size_t)count;
        return GW_CONN_READ_SOME;
    }
    if (count == 0)
        return GW_CONN_READ_END;
    return errno == EAGAIN || errno == EINTR ? GW_CONN_READ_NONE : GW_CONN_READ_LOST;
}

static enum gw_conn_read read_into(struct gw_conn *conn, char *at, size_t room, size_t *length)
{
    if (GW_UNLIKELY(conn->tls != NULL))
        return gw_conn_tls_read(conn, at, room, length);
    return read_plain(conn->fd, at, room, length);
}

void gw_conn_make_room(struct gw_conn *conn, size_t room)
{
    struct gw_conn_input *input = conn->input;

    if (conn->start > 0) {
        memmove(input->bytes, input->bytes + conn->start, conn->end - conn->start);
        conn->end -= conn->start;
        conn->next -= conn->next < conn->start ? conn->next : conn->start;
        conn->start = 0;
    }
    if (input->capacity - conn->end < room) {
        size_t capacity = input->capacity * 2 > conn->end + room ? input->capacity * 2 : conn->end + room;

        input = gw_realloc(input, sizeof(*input) + capacity);
        input->capacity = capacity;
        conn->input = input;
    }
}

static enum gw_conn_read fill_body(struct gw_conn *conn)
{
    struct gw_buf *body = &conn->work->body;
    size_t left = (size_t)conn->work->request.content_length - body->length;
    size_t room = left < GW_CONN_KEPT ? left : GW_CONN_KEPT;

    if (gw_buf_reserve(body, room) != GW_OK)
        gw_fatal("a body larger than its cap was let in");
    return read_into(conn, body->at + body->length, room, &body->length);
}

/* Of a PROXY header no byte more than it has: what follows is the session's. */
static enum gw_conn_read fill_proxy(struct gw_conn *conn)
{
    size_t wanted = gw_proxy_wanted((struct gw_str){conn->input->bytes, conn->end});

    return read_plain(conn->fd, conn->input->bytes + conn->end, wanted - conn->end, &conn->end);
}

enum gw_conn_read gw_conn_fill(struct gw_conn *conn)
{
    if (conn->body_apart && !conn->work->request.chunked && conn->state == GW_CONN_BODY)
        return fill_body(conn);
    if (conn->input == NULL)
        gw_conn_pool_take_input(conn);
    if (conn->end == conn->input->capacity)
        gw_conn_make_room(conn, 1);
    if (GW_UNLIKELY(conn->slot != NULL && conn->state == GW_CONN_PROXY))
        return fill_proxy(conn);
    return read_into(conn, conn->input->bytes + conn->end, conn->input->capacity - conn->end, &conn->end);
}

enum gw_conn_read gw_conn_discard(struct gw_conn *conn)
{
    enum gw_conn_read got;

    if (conn->input == NULL)
        gw_conn_pool_take_input(conn);
    got = read_plain(conn->fd, conn->input->bytes, conn->input->capacity, &conn->lingered);
    gw_conn_pool_give_input(conn);
    return got;
}

bool gw_conn_peek(const struct gw_conn *conn)
{
    char byte;

    return (conn->tls != NULL && gw_tls_has_pending(conn->tls)) || recv(conn->fd, &byte, 1, MSG_PEEK) > 0;
}

static size_t send_now(struct gw_conn *conn, struct iovec *pieces, size_t count)
{
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    ssize_t sent;

    if (GW_UNLIKELY(conn->tls != NULL))
        return gw_conn_tls_send(conn, pieces, count);
    do {
        sent = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return (size_t)sent;
    if (errno != EAGAIN)
        gw_conn_drop_socket(conn);
    return 0;
}

void gw_conn_send(struct gw_conn *conn, struct iovec *pieces, size_t count)
{
    size_t sent = 0;

    if (conn->fd < 0)
        return;
    if (GW_LIKELY(conn->out.length == 0))
        sent = send_now(conn, pieces, count);
    if (conn->fd < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        size_t skip = sent < pieces[i].iov_len ? sent : pieces[i].iov_len;

        sent -= skip;
        gw_buf_append(&conn->out, (const char *)pieces[i].iov_base + skip, pieces[i].iov_len - skip);
    }
    if (GW_UNLIKELY(conn->out.length > 0) && event_add(&conn->write_event, NULL) != 0)
        gw_fatal("an event can't be added");
}

bool gw_conn_flush(struct gw_conn *conn)
{
    struct iovec rest = {conn->out.at + conn->out_at, conn->out.length - conn->out_at};

    conn->out_at += send_now(conn, &rest, 1);
    if (conn->fd >= 0 && conn->out_at < conn->out.length)
        return false;
    if (conn->fd >= 0)
        (void)event_del(&conn->write_event);
    gw_buf_fini(&conn->out);
    conn->out_at = 0;
    return true;
}
