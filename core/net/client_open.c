/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a socket to a connection that takes requests:
 *
 *   connect -> [CONNECT host:port, its reply] -> [TLS handshake] -> OPENED
 *
 * Of a proxy's reply nothing but a 2xx is of use, and no byte may follow it: who
 * is behind the proxy doesn't speak first in TLS.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/client.h"

#define GREETING 8192 /* bytes of a proxy's reply */

static enum gw_status fail_by_errno(struct gw_client *client, int error)
{
    char text[128];

    return gw_fail(&client->err, GW_E_IO, "%s", strerror_r(error, text, sizeof(text)));
}

static socklen_t fill_address(const struct gw_client_peer *peer, struct sockaddr_storage *to)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(peer->port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(peer->port)};

    if (peer->address.kind == GW_ADDRESS_IPV4) {
        memcpy(&in.sin_addr, peer->address.bytes, 4);
        memcpy(to, &in, sizeof(in));
        return sizeof(in);
    }
    memcpy(&in6.sin6_addr, peer->address.bytes, 16);
    memcpy(to, &in6, sizeof(in6));
    return sizeof(in6);
}

static enum gw_status begin_connect(struct gw_client *client)
{
    struct sockaddr_storage to;
    socklen_t length = fill_address(&client->peer, &to);
    int on = 1;

    client->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return fail_by_errno(client, errno);
    if (setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
        return fail_by_errno(client, errno);
    if (connect(client->fd, (const struct sockaddr *)&to, length) != 0 && errno != EINPROGRESS)
        return fail_by_errno(client, errno);
    return GW_OK;
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct gw_client *client = ctx;

    (void)fd;
    (void)what;
    gw_loop_begin(client->room->loop, "upstream read");
    gw_client_on_readable(client);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
    struct gw_client *client = ctx;

    (void)fd;
    (void)what;
    gw_loop_begin(client->room->loop, "upstream write");
    gw_client_on_writable(client);
}

enum gw_status gw_client_open(struct gw_client *client, const struct gw_client_peer *peer)
{
    struct event_base *base = gw_loop_base(client->room->loop);
    enum gw_status status;

    client->peer = *peer;
    client->sent = 0;
    client->used = client->tls_failed = false;
    client->err.text[0] = '\0';
    status = begin_connect(client);
    if (status != GW_OK) {
        if (client->fd >= 0)
            (void)close(client->fd);
        client->fd = -1;
        return status;
    }
    if (event_assign(&client->read_event, base, client->fd, EV_READ | EV_PERSIST, on_readable, client) != 0 ||
        event_assign(&client->write_event, base, client->fd, EV_WRITE | EV_PERSIST, on_writable, client) != 0)
        gw_fatal("an event can't be made");
    client->state = GW_CLIENT_CONNECTING;
    gw_client_set_writing(client, true);
    return GW_OK;
}

static void fail(struct gw_client *client, const char *what)
{
    (void)gw_fail(&client->err, GW_E_IO, "%s", what);
    gw_client_end(client);
}

static void open_up(struct gw_client *client)
{
    gw_client_set_writing(client, false);
    gw_client_set_reading(client, true);
    client->state = GW_CLIENT_IDLE;
    client->room->on_event(client, GW_CLIENT_OPENED);
}

static void go_on_handshaking(struct gw_client *client)
{
    struct gw_err err = {""};
    enum gw_tls_io got = gw_tls_handshake(client->tls, &err);

    switch (got) {
    case GW_TLS_DONE:
        open_up(client);
        return;
    case GW_TLS_WANT_READ:
    case GW_TLS_WANT_WRITE:
        gw_client_set_reading(client, got == GW_TLS_WANT_READ);
        gw_client_set_writing(client, got == GW_TLS_WANT_WRITE);
        return;
    case GW_TLS_CLOSED:
    case GW_TLS_FAILED:
        break;
    }
    client->tls_failed = true;
    (void)gw_fail(&client->err, GW_E_IO, "TLS: %.400s", got == GW_TLS_CLOSED ? "closed by the peer" : err.text);
    gw_client_end(client);
}

static void begin_session(struct gw_client *client)
{
    if (client->peer.tls == NULL) {
        open_up(client);
        return;
    }
    client->state = GW_CLIENT_HANDSHAKING;
    client->tls = gw_tls_connect(client->peer.tls, client->fd, client->peer.name);
    go_on_handshaking(client);
}

static void ask_for_tunnel(struct gw_client *client)
{
    switch (gw_client_write(client, &client->peer.tunnel, 1)) {
    case GW_CLIENT_SOME:
        gw_client_set_writing(client, false);
        gw_client_set_reading(client, true);
        return;
    case GW_CLIENT_NONE:
        gw_client_set_writing(client, true);
        return;
    case GW_CLIENT_END:
    case GW_CLIENT_LOST:
        break;
    }
    gw_client_end(client);
}

/* GW_OK: the tunnel stands. */
static enum gw_status read_greeting(struct gw_client *client, size_t length)
{
    struct gw_http1_limits limits = {.head_bytes = GREETING, .headers = GW_HTTP1_HEADERS_MAX};
    struct gw_str text = {client->greeting, client->greeting_length + length};
    struct gw_http1_reply reply;
    struct gw_err err = {""};
    enum gw_status status;

    client->greeting_length += length;
    status = gw_http1_reply_parse_tunnel(text, &limits, &reply, &err);
    if (status == GW_AGAIN)
        return GW_AGAIN;
    if (status != GW_OK)
        return gw_fail(&client->err, status, "the proxy's reply is not HTTP/1.1: %.300s", err.text);
    if (reply.status / 100 != 2)
        return gw_fail(&client->err, GW_E_DENIED, "the proxy answered %u", reply.status);
    if (reply.head_length < text.length)
        return gw_fail(&client->err, GW_E_SYNTAX, "bytes follow the proxy's reply");
    return GW_OK;
}

static void greet(struct gw_client *client)
{
    size_t length = 0;
    enum gw_client_io got = gw_client_read(client, &length);
    enum gw_status status = GW_E_LIMIT;

    if (got == GW_CLIENT_NONE)
        return;
    if (got != GW_CLIENT_SOME) {
        fail(client, "the proxy closed the connection");
        return;
    }
    if (client->greeting == NULL)
        client->greeting = gw_alloc(GREETING);
    if (length <= GREETING - client->greeting_length) {
        memcpy(client->greeting + client->greeting_length, client->room->scratch, length);
        status = read_greeting(client, length);
    } else {
        (void)gw_fail(&client->err, GW_E_LIMIT, "the proxy's reply is too long");
    }
    if (status == GW_AGAIN)
        return;
    free(client->greeting);
    client->greeting = NULL;
    client->greeting_length = 0;
    if (status == GW_OK)
        begin_session(client);
    else
        gw_client_end(client);
}

static void finish_connect(struct gw_client *client)
{
    int error = 0;
    socklen_t length = sizeof(error);

    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    if (error != 0) {
        (void)fail_by_errno(client, error);
        gw_client_end(client);
    } else if (client->peer.tunnel.at != NULL) {
        client->state = GW_CLIENT_PROXYING;
        ask_for_tunnel(client);
    } else {
        begin_session(client);
    }
}

void gw_client_open_on(struct gw_client *client)
{
    if (client->state == GW_CLIENT_CONNECTING)
        finish_connect(client);
    else if (client->state == GW_CLIENT_HANDSHAKING)
        go_on_handshaking(client);
    else if (client->sent < client->peer.tunnel.length)
        ask_for_tunnel(client);
    else
        greet(client);
}
