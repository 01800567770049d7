/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect -> send the head and body -> read the head -> read the body
 *
 * Sockets don't block; poll waits, at most until the deadline. A reply that comes
 * before the request has been sent ends the sending: the server has refused it.
 */
#include "cli/ctl_http.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "codec/http1_reply.h"

#define HEAD_MAX  ((size_t)16 << 10)
#define READ_SIZE ((size_t)64 << 10)

struct call {
    const struct gw_ctl_address *address;
    int64_t deadline_ms;
    int fd;
    struct gw_buf head; /* of the request */
    struct gw_buf input;
    struct gw_http1_reply reply;
    struct gw_http1_chunks chunks;
    struct gw_ctl_reply *result;
    struct gw_err *err;
};

static const struct gw_http1_limits limits = {.head_bytes = HEAD_MAX, .headers = 64, .body_bytes = GW_CTL_REPLY_MAX};

static bool is_host_byte(char byte, bool in_brackets)
{
    if ((byte >= '0' && byte <= '9') || byte == '.')
        return true;
    if (in_brackets)
        return (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F') || byte == ':';
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '_';
}

/* Cuts "host:port" or "[host]:port" in two. */
static bool cut(struct gw_str text, struct gw_str *host, struct gw_str *port, bool *in_brackets)
{
    size_t end;

    *in_brackets = gw_str_starts(text, GW_STR("["));
    end = gw_str_find(text, *in_brackets ? ']' : ':', 0);
    *host = *in_brackets ? gw_str_slice(text, 1, end - 1) : gw_str_slice(text, 0, end);
    *port = gw_str_slice(text, end + (*in_brackets ? 2 : 1), SIZE_MAX);
    if (*in_brackets && gw_str_find(text, ':', end) != end + 1)
        return false;
    for (size_t i = 0; i < host->length; i++) {
        if (!is_host_byte(host->at[i], *in_brackets))
            return false;
    }
    return host->length > 0 && host->length <= 253;
}

static enum gw_status parse_unix(struct gw_str path, struct gw_ctl_address *address, struct gw_err *err)
{
    if (path.length == 0 || path.length >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return gw_fail(err, GW_E_SYNTAX, "unix:%.*s: the path of a unix socket has 1 to %zu bytes", GW_STR_ARG(path),
                       sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
    *address = (struct gw_ctl_address){.is_unix = true, .authority = "localhost"};
    (void)snprintf(address->host, sizeof(address->host), "%.*s", GW_STR_ARG(path));
    (void)snprintf(address->url, sizeof(address->url), "unix:%.*s", GW_STR_ARG(path));
    return GW_OK;
}

enum gw_status gw_ctl_address_parse(struct gw_str text, struct gw_ctl_address *address, struct gw_err *err)
{
    struct gw_str rest = text;
    struct gw_str host;
    struct gw_str port;
    bool in_brackets;
    uint64_t number;

    if (gw_str_starts(text, GW_STR("unix:")))
        return parse_unix(gw_str_slice(text, 5, SIZE_MAX), address, err);
    if (gw_str_starts(rest, GW_STR("http://"))) {
        rest = gw_str_slice(rest, 7, SIZE_MAX);
        if (rest.length > 0 && rest.at[rest.length - 1] == '/')
            rest.length--;
    }
    if (!cut(rest, &host, &port, &in_brackets) || gw_str_parse_u64(port, 65535, &number) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX,
                       "%.*s: is no admin address; accepted: http://HOST:PORT, HOST:PORT or unix:/path",
                       text.length > 200 ? 200 : (int)text.length, text.at);
    if (number == 0)
        return gw_fail(err, GW_E_SYNTAX, "%.*s: port 0 is whichever the kernel chose; the ready line of serve names it",
                       GW_STR_ARG(text));
    *address = (struct gw_ctl_address){.is_unix = false};
    (void)snprintf(address->host, sizeof(address->host), "%.*s", GW_STR_ARG(host));
    (void)snprintf(address->port, sizeof(address->port), "%u", (unsigned)number);
    (void)snprintf(address->authority, sizeof(address->authority), in_brackets ? "[%s]:%s" : "%s:%s", address->host,
                   address->port);
    (void)snprintf(address->url, sizeof(address->url), "http://%.*s", (int)sizeof(address->url) - 8,
                   address->authority);
    return GW_OK;
}

static enum gw_status fail(struct call *call, enum gw_status status, const char *what)
{
    return gw_fail(call->err, status, "%s: %s", call->address->url, what);
}

static enum gw_status fail_late(struct call *call)
{
    return fail(call, GW_E_LIMIT, "no whole reply came in time; --timeout sets how long to wait");
}

/* Waits for `events`; `*got` says which came. */
static enum gw_status wait_for(struct call *call, short events, short *got)
{
    struct pollfd one = {.fd = call->fd, .events = events};

    for (;;) {
        int64_t left = call->deadline_ms - gw_clock_monotonic_ms(gw_clock_system());
        int count;

        if (left <= 0)
            return fail_late(call);
        count = poll(&one, 1, left > INT32_MAX ? INT32_MAX : (int)left);
        if (count < 0 && errno != EINTR)
            return fail(call, GW_E_IO, strerror(errno));
        if (count <= 0)
            continue;
        *got = one.revents;
        return GW_OK;
    }
}

/* Closes the socket again where nobody is behind it. */
static enum gw_status connect_to(struct call *call, const struct sockaddr *name, socklen_t length)
{
    int problem = 0;
    socklen_t size = sizeof(problem);
    short got = 0;

    call->fd = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (call->fd < 0)
        return fail(call, GW_E_MISSING, strerror(errno));
    if (connect(call->fd, name, length) == 0)
        return GW_OK;
    problem = errno;
    if (problem == EINPROGRESS || problem == EINTR) {
        enum gw_status status = wait_for(call, POLLOUT, &got);

        if (status != GW_OK)
            return status;
        if (getsockopt(call->fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
            problem = errno;
    }
    if (problem == 0)
        return GW_OK;
    (void)close(call->fd);
    call->fd = -1;
    return gw_fail(call->err, GW_E_MISSING, "nobody answers at %s: %s", call->address->url, strerror(problem));
}

static enum gw_status connect_unix(struct call *call)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%.*s", (int)sizeof(name.sun_path) - 1, call->address->host);
    return connect_to(call, (const struct sockaddr *)&name, sizeof(name));
}

/* Each address of the name in turn. */
static enum gw_status connect_tcp(struct call *call)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    enum gw_status status = GW_E_MISSING;
    int code = getaddrinfo(call->address->host, call->address->port, &wanted, &found);

    if (code != 0)
        return fail(call, GW_E_MISSING, gai_strerror(code));
    for (struct addrinfo *one = found; one != NULL && status == GW_E_MISSING; one = one->ai_next)
        status = connect_to(call, one->ai_addr, one->ai_addrlen);
    freeaddrinfo(found);
    return status;
}

static void write_head(struct call *call, const struct gw_ctl_request *request)
{
    struct gw_buf *head = &call->head;

    gw_buf_printf(head, "%s %.*s HTTP/1.1\r\nHost: %s\r\nUser-Agent: eksgate-ctl/%s\r\nConnection: close\r\n",
                  request->method, GW_STR_ARG(request->target), call->address->authority, EKSGATE_VERSION);
    if (request->token.at != NULL)
        gw_buf_printf(head, "Authorization: Bearer %.*s\r\n", GW_STR_ARG(request->token));
    if (strcmp(request->method, "GET") != 0)
        gw_buf_printf(head, "X-Eksgate-Admin: 1\r\nContent-Length: %zu\r\n", request->body.length);
    if (request->body.at != NULL)
        gw_buf_append_lit(head, "Content-Type: application/json\r\n");
    gw_buf_append_lit(head, "\r\n");
}

/* Until all is sent or a reply begins. */
static enum gw_status send_all(struct call *call, struct gw_str bytes, bool *refused)
{
    while (bytes.length > 0) {
        ssize_t sent;
        short got = 0;
        enum gw_status status = wait_for(call, POLLOUT | POLLIN, &got);

        if (status != GW_OK)
            return status;
        *refused = (got & (POLLIN | POLLHUP | POLLERR)) != 0;
        if (*refused)
            return GW_OK;
        sent = send(call->fd, bytes.at, bytes.length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            *refused = true; /* what it has sent before it went can still be read */
            return GW_OK;
        }
        bytes = gw_str_slice(bytes, sent < 0 ? 0 : (size_t)sent, SIZE_MAX);
    }
    return GW_OK;
}

/* At least one byte more in call->input, or an error. */
static enum gw_status read_some(struct call *call)
{
    for (;;) {
        ssize_t count;
        short got = 0;
        enum gw_status status = wait_for(call, POLLIN, &got);

        if (status == GW_OK && gw_buf_reserve(&call->input, READ_SIZE) != GW_OK)
            status = fail(call, GW_E_LIMIT, "the reply is too long");
        if (status != GW_OK)
            return status;
        count = recv(call->fd, call->input.at + call->input.length, READ_SIZE, 0);
        if (count > 0) {
            call->input.length += (size_t)count;
            return GW_OK;
        }
        if (count == 0)
            return fail(call, GW_E_IO,
                        call->reply.head_length == 0 && call->input.length == 0
                            ? "the connection was closed without a reply"
                            : "the connection was closed within the reply");
        if (errno != EAGAIN && errno != EINTR)
            return fail(call, GW_E_IO, strerror(errno));
    }
}

static enum gw_status fail_reply(struct call *call, enum gw_status status, const char *why)
{
    return gw_fail(call->err, status, "%s: the reply is not one of eksgate's: %s", call->address->url, why);
}

static enum gw_status read_head(struct call *call)
{
    enum gw_status status = GW_AGAIN;

    while (status == GW_AGAIN) {
        struct gw_err why;

        status = read_some(call);
        if (status != GW_OK)
            return status;
        status = gw_http1_reply_parse(gw_buf_str(&call->input), &limits, &call->reply, &why);
        if (status != GW_OK && status != GW_AGAIN)
            return fail_reply(call, status, why.text);
    }
    call->result->status = call->reply.status;
    gw_buf_consume(&call->input, call->reply.head_length);
    return GW_OK;
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
    if (status == GW_OK && call->input.length > 0)
        return fail_reply(call, GW_E_SYNTAX, "something follows it");
    return status;
}

static enum gw_status exchange(struct call *call, const struct gw_ctl_request *request)
{
    bool refused = false;
    enum gw_status status = call->address->is_unix ? connect_unix(call) : connect_tcp(call);

    if (status == GW_OK)
        status = send_all(call, gw_buf_str(&call->head), &refused);
    if (status == GW_OK && !refused)
        status = send_all(call, request->body, &refused);
    if (status == GW_OK)
        status = read_head(call);
    if (status == GW_OK)
        status = read_body(call);
    return status;
}

enum gw_status gw_ctl_call(const struct gw_ctl_address *address, const struct gw_ctl_request *request,
                           struct gw_ctl_reply *reply, struct gw_err *err)
{
    struct call *call = gw_alloc_zero(1, sizeof(*call));
    enum gw_status status;

    call->address = address;
    call->deadline_ms = gw_clock_monotonic_ms(gw_clock_system()) + request->timeout_ms;
    call->fd = -1;
    call->result = reply;
    gw_buf_init(&reply->body, GW_CTL_REPLY_MAX);
    call->err = err;
    gw_buf_init(&call->head, HEAD_MAX);
    gw_buf_init(&call->input, HEAD_MAX + 2 * READ_SIZE);
    status = gw_buf_reserve(&call->head, HEAD_MAX); /* once: growing would leave copies of the token behind */
    write_head(call, request);
    if (status == GW_OK && call->head.overflowed)
        status = fail(call, GW_E_LIMIT, "the request is too long");
    if (status == GW_OK)
        status = exchange(call, request);
    gw_wipe(call->head.at, call->head.length);
    gw_buf_fini(&call->head);
    gw_buf_fini(&call->input);
    if (call->fd >= 0)
        (void)close(call->fd);
    free(call);
    return status;
}
