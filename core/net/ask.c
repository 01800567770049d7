/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look up -> connect -> [tunnel] -> [TLS] -> send head and body -> read head -> read body
 *
 * Sockets don't block; poll waits, at most until the deadline. Everything that
 * was sent or received is wiped, because most of it is or leads to credentials.
 * An upstream that refuses early ends the sending; its reply is read.
 */
#include "net/ask.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "codec/http1_reply.h"

#define READ_SIZE ((size_t)16 << 10)

struct call {
    const struct gw_ask *ask;
    int64_t deadline_ms;
    int fd;
    struct gw_tls *tls;
    struct gw_buf output;
    struct gw_buf input;
    struct gw_http1_reply reply;
    struct gw_http1_chunks chunks;
    struct gw_ask_reply *result;
    struct gw_err *err;
};

static const struct gw_http1_limits limits = {
    .head_bytes = GW_ASK_HEAD_MAX, .headers = 64, .body_bytes = GW_ASK_REPLY_MAX};

static enum gw_status fail(struct call *call, enum gw_status status, const char *what)
{
    return gw_fail(call->err, status, "%.*s:%u: %s", GW_STR_ARG(call->ask->host), (unsigned)call->ask->port, what);
}

/* Until the socket has one of `events`, or an error. */
static enum gw_status wait_for(struct call *call, short events)
{
    struct pollfd both[2] = {{.fd = call->fd, .events = events}, {.fd = call->ask->stop_fd, .events = POLLIN}};

    for (;;) {
        int64_t left = call->deadline_ms - gw_clock_monotonic_ms(gw_clock_system());
        int count;

        if (left <= 0)
            return fail(call, GW_E_LIMIT, "no whole reply in time");
        count = poll(both, 2, left > INT32_MAX ? INT32_MAX : (int)left); /* a negative stop_fd is skipped */
        if (count < 0 && errno != EINTR)
            return fail(call, GW_E_IO, strerror(errno));
        if (count > 0 && both[1].revents != 0)
            return fail(call, GW_E_BUSY, "stopped");
        if (count > 0 && both[0].revents != 0)
            return GW_OK;
    }
}

/* Closes the socket again where nobody is behind it. */
static enum gw_status connect_to(struct call *call, const struct sockaddr *name, socklen_t length)
{
    int problem = 0;
    socklen_t size = sizeof(problem);

    call->fd = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (call->fd < 0)
        return fail(call, GW_E_MISSING, strerror(errno));
    if (connect(call->fd, name, length) == 0)
        return GW_OK;
    problem = errno;
    if (problem == EINPROGRESS || problem == EINTR) {
        enum gw_status status = wait_for(call, POLLOUT);

        if (status != GW_OK)
            return status;
        if (getsockopt(call->fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
            problem = errno;
    }
    if (problem == 0)
        return GW_OK;
    (void)close(call->fd);
    call->fd = -1;
    return fail(call, GW_E_MISSING, strerror(problem));
}

static enum gw_status connect_one(struct call *call, const struct addrinfo *one)
{
    struct gw_address address = gw_address_from_socket(one->ai_addr);

    if (call->ask->allows != NULL && !call->ask->allows(&address))
        return fail(call, GW_E_DENIED, "is an address that isn't asked over plain HTTP");
    return connect_to(call, one->ai_addr, one->ai_addrlen);
}

/* Each address of the name in turn; one that isn't allowed is no reason to try the next. */
static enum gw_status connect_tcp(struct call *call)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    enum gw_status status = GW_E_MISSING;
    bool is_proxied = call->ask->tunnel.at != NULL;
    struct gw_str name = is_proxied ? call->ask->proxy_host : call->ask->host;
    char host[256];
    char port[8];
    int code;

    if (name.length >= sizeof(host))
        return fail(call, GW_E_MISSING, "is too long a name");
    (void)snprintf(host, sizeof(host), "%.*s", GW_STR_ARG(name));
    (void)snprintf(port, sizeof(port), "%u", (unsigned)(is_proxied ? call->ask->proxy_port : call->ask->port));
    code = getaddrinfo(host, port, &wanted, &found);
    if (code != 0)
        return fail(call, GW_E_MISSING, gai_strerror(code));
    for (struct addrinfo *one = found; one != NULL && status == GW_E_MISSING; one = one->ai_next)
        status = connect_one(call, one);
    freeaddrinfo(found);
    return status;
}

/* GW_AGAIN: it has been waited for, the same call again; GW_E_IO: the peer has ended it. */
static enum gw_status after_tls(struct call *call, enum gw_tls_io io)
{
    enum gw_status status;

    switch (io) {
    case GW_TLS_DONE:
        return GW_OK;
    case GW_TLS_WANT_READ:
    case GW_TLS_WANT_WRITE:
        status = wait_for(call, io == GW_TLS_WANT_READ ? POLLIN : POLLOUT);
        return status == GW_OK ? GW_AGAIN : status;
    default:
        return GW_E_IO;
    }
}

static enum gw_status shake_hands(struct call *call)
{
    struct gw_err why = {""};
    enum gw_status status;

    call->tls = gw_tls_connect(call->ask->tls, call->fd, call->ask->host);
    if (call->tls == NULL)
        return fail(call, GW_E_DENIED, "no TLS session for it");
    do {
        status = after_tls(call, gw_tls_handshake(call->tls, &why));
    } while (status == GW_AGAIN);
    if (status == GW_E_IO)
        return fail(call, GW_E_DENIED, why.text[0] != '\0' ? why.text : "the TLS handshake failed");
    return status;
}

/* `*sent` bytes of it; GW_AGAIN: none, and it has been waited for. */
static enum gw_status send_some(struct call *call, struct gw_str bytes, size_t *sent)
{
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes.at, .iov_len = bytes.length};
    ssize_t count;

    *sent = 0;
    if (call->tls != NULL)
        return after_tls(call, gw_tls_write(call->tls, &piece, 1, sent));
    count = send(call->fd, bytes.at, bytes.length, MSG_NOSIGNAL);
    if (count >= 0) {
        *sent = (size_t)count;
        return GW_OK;
    }
    if (errno != EAGAIN && errno != EINTR)
        return GW_E_IO;
    return after_tls(call, GW_TLS_WANT_WRITE);
}

/* GW_OK also where the peer takes no more: what it has answered can still be read. */
static enum gw_status send_all(struct call *call, struct gw_str bytes)
{
    while (bytes.length > 0) {
        size_t sent;
        enum gw_status status = send_some(call, bytes, &sent);

        bytes = gw_str_slice(bytes, sent, SIZE_MAX);
        if (status == GW_E_IO)
            return GW_OK;
        if (status != GW_OK && status != GW_AGAIN)
            return status;
    }
    return GW_OK;
}

/* Some bytes, DONE or not; `*count` 0 with GW_OK: the peer has ended it. */
static enum gw_status receive(struct call *call, char *at, size_t *count)
{
    ssize_t got;
    enum gw_status status;

    *count = 0;
    if (call->tls != NULL) {
        status = after_tls(call, gw_tls_read(call->tls, at, READ_SIZE, count));
        return status == GW_E_IO ? GW_OK : status;
    }
    got = recv(call->fd, at, READ_SIZE, 0);
    if (got >= 0) {
        *count = (size_t)got;
        return GW_OK;
    }
    if (errno != EAGAIN && errno != EINTR)
        return fail(call, GW_E_IO, strerror(errno));
    return after_tls(call, GW_TLS_WANT_READ);
}

/* At least one byte more in call->input, or an error. */
static enum gw_status read_some(struct call *call)
{
    size_t count = 0;
    enum gw_status status;

    if (gw_buf_reserve(&call->input, READ_SIZE) != GW_OK)
        return fail(call, GW_E_LIMIT, "the reply is too long");
    do {
        status = receive(call, call->input.at + call->input.length, &count);
    } while (status == GW_AGAIN);
    if (status != GW_OK)
        return status;
    if (count == 0)
        return fail(call, GW_E_IO, "the connection was closed before a whole reply");
    call->input.length += count;
    return GW_OK;
}

static enum gw_status fail_reply(struct call *call, enum gw_status status, const char *why)
{
    return gw_fail(call->err, status, "%.*s:%u: the reply can't be read: %s", GW_STR_ARG(call->ask->host),
                   (unsigned)call->ask->port, why);
}

static enum gw_status read_head(struct call *call, bool of_tunnel)
{
    enum gw_status status = GW_AGAIN;

    while (status == GW_AGAIN) {
        struct gw_err why;

        status = read_some(call);
        if (status != GW_OK)
            return status;
        status = of_tunnel ? gw_http1_reply_parse_tunnel(gw_buf_str(&call->input), &limits, &call->reply, &why)
                           : gw_http1_reply_parse(gw_buf_str(&call->input), &limits, &call->reply, &why);
        if (status != GW_OK && status != GW_AGAIN)
            return fail_reply(call, status, why.text);
    }
    gw_buf_consume(&call->input, call->reply.head_length);
    return GW_OK;
}

/* What a proxy says behind its head is nobody's: it would be read as the TLS peer's. */
static enum gw_status open_tunnel(struct call *call)
{
    enum gw_status status = send_all(call, call->ask->tunnel);
    char answered[64];

    if (status == GW_OK)
        status = read_head(call, true);
    if (status != GW_OK)
        return status;
    (void)snprintf(answered, sizeof(answered), "the proxy answered %u", call->reply.status);
    if (call->reply.status / 100 != 2)
        return fail(call, GW_E_IO, answered);
    return call->input.length == 0 ? GW_OK : fail(call, GW_E_IO, "the proxy sent more than its answer");
}

/* Moves what has come of the body to the result. GW_AGAIN: there is more of it. */
static enum gw_status take_body(struct call *call)
{
    struct gw_buf *body = &call->result->body;
    size_t left = (size_t)call->reply.content_length - body->length;
    size_t used = call->input.length < left ? call->input.length : left;
    struct gw_http1_error error;
    enum gw_status status;

    if (call->reply.chunked) {
        status = gw_http1_chunks_decode(&call->chunks, gw_buf_str(&call->input), &limits, body, &used, &error);
        if (status == GW_E_LIMIT)
            return fail_reply(call, status, "it is too long");
        if (status != GW_OK && status != GW_AGAIN)
            return fail_reply(call, status, error.reason);
    } else {
        gw_buf_append(body, call->input.at, used);
        status = used == left ? GW_OK : GW_AGAIN;
    }
    gw_buf_consume(&call->input, used);
    return status;
}

static enum gw_status read_body(struct call *call)
{
    enum gw_status status;

    gw_http1_chunks_init(&call->chunks);
    while ((status = take_body(call)) == GW_AGAIN) {
        status = read_some(call);
        if (status != GW_OK)
            return status;
    }
    return status;
}

static enum gw_status exchange(struct call *call)
{
    enum gw_status status = connect_tcp(call);

    if (status == GW_OK && call->ask->tunnel.at != NULL)
        status = open_tunnel(call);
    if (status == GW_OK && call->ask->tls != NULL)
        status = shake_hands(call);
    if (status == GW_OK)
        status = send_all(call, gw_buf_str(&call->output));
    if (status == GW_OK)
        status = read_head(call, false);
    if (status != GW_OK)
        return status;
    call->result->status = call->reply.status;
    return read_body(call);
}

/* Buffers get their final size at once: growing would leave copies behind. */
static enum gw_status prepare(struct call *call)
{
    const struct gw_ask *ask = call->ask;
    size_t input_max = GW_ASK_HEAD_MAX + 2 * READ_SIZE;

    gw_buf_init(&call->result->body, GW_ASK_REPLY_MAX);
    gw_buf_init(&call->output, ask->head.length + ask->body.length + 64);
    gw_buf_init(&call->input, input_max);
    if (ask->head.length > GW_ASK_HEAD_MAX ||
        gw_buf_reserve(&call->output, ask->head.length + ask->body.length + 64) != GW_OK ||
        gw_buf_reserve(&call->input, input_max) != GW_OK ||
        gw_buf_reserve(&call->result->body, GW_ASK_REPLY_MAX) != GW_OK)
        return fail(call, GW_E_LIMIT, "the request is too long");
    gw_buf_append_str(&call->output, ask->head);
    gw_buf_append_lit(&call->output, "Connection: close\r\n\r\n");
    gw_buf_append_str(&call->output, ask->body);
    return GW_OK;
}

static void wipe(struct gw_buf *buf)
{
    if (buf->at != NULL)
        gw_wipe(buf->at, buf->capacity);
    gw_buf_fini(buf);
}

enum gw_status gw_ask(const struct gw_ask *ask, struct gw_ask_reply *reply, struct gw_err *err)
{
    struct call *call = gw_alloc_zero(1, sizeof(*call));
    enum gw_status status;

    *reply = (struct gw_ask_reply){0};
    call->ask = ask;
    call->deadline_ms = gw_clock_monotonic_ms(gw_clock_system()) + ask->timeout_ms;
    call->fd = -1;
    call->result = reply;
    call->err = err;
    status = prepare(call);
    if (status == GW_OK)
        status = exchange(call);
    gw_tls_free(&call->tls);
    if (call->fd >= 0)
        (void)close(call->fd);
    wipe(&call->output);
    wipe(&call->input);
    free(call);
    return status;
}

void gw_ask_reply_fini(struct gw_ask_reply *reply)
{
    wipe(&reply->body);
}
