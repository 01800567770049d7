/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes between an outgoing connection and its socket, over TLS or not: one
 * system call each. Nothing here knows what the bytes mean.
 */
#include "net/client.h"

#include <errno.h>
#include <sys/socket.h>

#define PIECES 3

void gw_client_set_reading(struct gw_client *client, bool on)
{
    if (client->reading == on)
        return;
    client->reading = on;
    if ((on ? event_add(&client->read_event, NULL) : event_del(&client->read_event)) != 0)
        gw_fatal("an event can't be changed");
}

void gw_client_set_writing(struct gw_client *client, bool on)
{
    if (client->writing == on)
        return;
    client->writing = on;
    if ((on ? event_add(&client->write_event, NULL) : event_del(&client->write_event)) != 0)
        gw_fatal("an event can't be changed");
}

static enum gw_client_io lost(struct gw_client *client, const char *what)
{
    (void)gw_fail(&client->err, GW_E_IO, "%s", what);
    return GW_CLIENT_LOST;
}

static enum gw_client_io lost_by_errno(struct gw_client *client)
{
    char text[128];

    return lost(client, strerror_r(errno, text, sizeof(text)));
}

static enum gw_client_io read_tls(struct gw_client *client, size_t *length)
{
    switch (gw_tls_read(client->tls, client->room->scratch, GW_CLIENT_SCRATCH, length)) {
    case GW_TLS_DONE:
        return GW_CLIENT_SOME;
    case GW_TLS_WANT_WRITE:
        gw_client_set_writing(client, true);
        return GW_CLIENT_NONE;
    case GW_TLS_WANT_READ:
        return GW_CLIENT_NONE;
    case GW_TLS_CLOSED:
        return GW_CLIENT_END;
    case GW_TLS_FAILED:
        break;
    }
    return lost(client, "the TLS connection broke");
}

enum gw_client_io gw_client_read(struct gw_client *client, size_t *length)
{
    ssize_t count;

    if (client->tls != NULL)
        return read_tls(client, length);
    count = recv(client->fd, client->room->scratch, GW_CLIENT_SCRATCH, 0);
    if (GW_LIKELY(count > 0)) {
        *length = (size_t)count;
        return GW_CLIENT_SOME;
    }
    if (count == 0)
        return GW_CLIENT_END;
    return errno == EAGAIN || errno == EINTR ? GW_CLIENT_NONE : lost_by_errno(client);
}

static enum gw_client_io write_tls(struct gw_client *client, const struct iovec *left, size_t count, size_t *taken)
{
    switch (gw_tls_write(client->tls, left, count, taken)) {
    case GW_TLS_DONE:
    case GW_TLS_WANT_READ: /* which is waited for anyway */
    case GW_TLS_WANT_WRITE:
        return GW_CLIENT_NONE;
    case GW_TLS_CLOSED:
    case GW_TLS_FAILED:
        break;
    }
    return lost(client, "the TLS connection broke");
}

static enum gw_client_io write_plain(struct gw_client *client, struct iovec *left, size_t count, size_t *taken)
{
    struct msghdr message = {.msg_iov = left, .msg_iovlen = count};
    ssize_t sent;

    do {
        sent = sendmsg(client->fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN)
        return lost_by_errno(client);
    *taken = sent < 0 ? 0 : (size_t)sent;
    return GW_CLIENT_NONE;
}

enum gw_client_io gw_client_write(struct gw_client *client, const struct gw_str *pieces, size_t count)
{
    struct iovec left[PIECES];
    size_t skip = client->sent;
    size_t all = 0;
    size_t used = 0;
    size_t taken = 0;
    enum gw_client_io got;

    for (size_t i = 0; i < count && used < PIECES; i++) {
        size_t skipped = skip < pieces[i].length ? skip : pieces[i].length;

        skip -= skipped;
        all += pieces[i].length;
        if (skipped < pieces[i].length)
            left[used++] = (struct iovec){(void *)(uintptr_t)(pieces[i].at + skipped), pieces[i].length - skipped};
    }
    got = client->tls != NULL ? write_tls(client, left, used, &taken) : write_plain(client, left, used, &taken);
    client->sent += taken;
    if (got != GW_CLIENT_LOST && client->sent == all)
        return GW_CLIENT_SOME;
    return got;
}
