/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request heads (RFC 9112): the request line, and what the fields say about
 * framing, host and connection. Field lines themselves are http1_fields.c,
 * chunked bodies http1_chunks.c. The end of the head is looked for first, so that
 * the rest of the reader never meets a line that is still arriving:
 *
 *   [CRLF] method SP target SP "HTTP/1." ("0" | "1") CRLF *(field CRLF) CRLF
 */
#include "codec/http1_fields.h"

#define refuse gw_http1_fields_refuse

/* GW_OK: a blank line is in `data`. Line ends are CRLF only, which is checked here as the bytes come. */
static enum gw_status find_end(struct gw_str data, size_t *scanned, struct gw_http1_error *error)
{
    size_t from = *scanned;

    if (data.length > 0 && data.at[0] != '\r' && !gw_http1_is(data.at[0], GW_HTTP1_TOKEN))
        return refuse(error, 400, "the request does not begin with a method");
    if (from == 0 && data.length >= 4 && memcmp(data.at + data.length - 4, "\r\n\r\n", 4) == 0)
        return GW_OK;
    while (from < data.length) {
        const char *lf = memchr(data.at + from, '\n', data.length - from);
        size_t at;

        if (lf == NULL)
            break;
        at = (size_t)(lf - data.at);
        if (at == 0 || lf[-1] != '\r')
            return refuse(error, 400, "a line ends in a bare LF");
        if (at >= 3 && lf[-2] == '\n')
            return GW_OK;
        from = at + 1;
    }
    *scanned = data.length;
    return GW_AGAIN;
}

static enum gw_method name_method(struct gw_str text)
{
    static const struct gw_str names[] = {
        [GW_METHOD_GET] = GW_STR_INIT("GET"),       [GW_METHOD_HEAD] = GW_STR_INIT("HEAD"),
        [GW_METHOD_POST] = GW_STR_INIT("POST"),     [GW_METHOD_PUT] = GW_STR_INIT("PUT"),
        [GW_METHOD_DELETE] = GW_STR_INIT("DELETE"), [GW_METHOD_OPTIONS] = GW_STR_INIT("OPTIONS"),
        [GW_METHOD_PATCH] = GW_STR_INIT("PATCH"),
    };

    for (size_t i = 0; i < GW_COUNT(names); i++) {
        if (gw_str_equal(text, names[i]))
            return (enum gw_method)i;
    }
    return GW_METHOD_OTHER;
}

/* `*cursor` is behind the second space; the version and CRLF must be all that is left of the line. */
static enum gw_status read_version(const char **cursor, const char *end, unsigned *minor, struct gw_http1_error *error)
{
    const char *at = *cursor;

    if (end - at < 10 || memcmp(at, "HTTP/", 5) != 0 || at[6] != '.' || at[8] != '\r' || at[9] != '\n' || at[5] < '0' ||
        at[5] > '9' || at[7] < '0' || at[7] > '9')
        return refuse(error, 400, "the request line does not end in an HTTP version");
    if (at[5] != '1' || at[7] > '1')
        return refuse(error, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    *minor = (unsigned)(at[7] - '0');
    *cursor = at + 10;
    return GW_OK;
}

static enum gw_status read_request_line(const char **cursor, const char *end, struct gw_http1_request *request,
                                        struct gw_http1_error *error)
{
    const char *method = *cursor;
    const char *at = method;
    const char *target;

    while (at < end && gw_http1_is(*at, GW_HTTP1_TOKEN))
        at++;
    if (GW_UNLIKELY(at == method || at >= end || *at != ' '))
        return refuse(error, 400, "the request line does not begin with a method and one space");
    request->method_text = (struct gw_str){method, (size_t)(at - method)};
    request->method = name_method(request->method_text);
    target = ++at;
    while (at < end && gw_http1_is(*at, GW_HTTP1_TARGET))
        at++;
    if (GW_UNLIKELY(at == target || at >= end || *at != ' '))
        return refuse(error, 400, "the request target is empty or holds a byte that is not allowed");
    request->target = (struct gw_str){target, (size_t)(at - target)};
    *cursor = ++at;
    return read_version(cursor, end, &request->minor, error);
}

/* Digits only, 1 to 65535. */
static bool is_port(struct gw_str port)
{
    uint64_t number;

    return gw_str_parse_u64(port, 65535, &number) == GW_OK && number > 0;
}

/* The length of the host part of `host`, 0 when it is not one: letters, digits, "-._~", or an address in brackets. */
static size_t host_length(struct gw_str host)
{
    size_t at = 0;

    if (host.at[0] != '[') {
        while (at < host.length && gw_http1_is(host.at[at], GW_HTTP1_HOST))
            at++;
        return at;
    }
    for (at = 1; at < host.length; at++) {
        char c = host.at[at];

        if (c == ']')
            return at > 1 ? at + 1 : 0;
        if (!gw_http1_is(c, GW_HTTP1_HEX) && c != ':' && c != '.')
            return 0;
    }
    return 0;
}

static bool is_host(struct gw_str host)
{
    size_t length = host.length > 0 ? host_length(host) : 0;

    if (length == 0)
        return false;
    if (length == host.length)
        return true;
    return host.at[length] == ':' && is_port(gw_str_slice(host, length + 1, SIZE_MAX));
}

static enum gw_status read_host(struct gw_http1_request *request, struct gw_http1_error *error)
{
    if (request->index[GW_HEADER_HOST] == 0)
        return refuse(error, 400, "there is no Host header");
    request->host = gw_http1_header(request, GW_HEADER_HOST);
    if (!is_host(request->host))
        return refuse(error, 400, "the Host header is not a host and an optional port");
    return GW_OK;
}

/* Absolute form (RFC 9112 3.2.2): the authority must be the Host header's, then it is cut off. */
static enum gw_status cut_authority(struct gw_http1_request *request, struct gw_http1_error *error)
{
    struct gw_str target = request->target;
    struct gw_str authority;
    size_t start;
    size_t slash;

    if (gw_str_equal_nocase(gw_str_slice(target, 0, 7), GW_STR("http://")))
        start = 7;
    else if (gw_str_equal_nocase(gw_str_slice(target, 0, 8), GW_STR("https://")))
        start = 8;
    else
        return refuse(error, 400, "the request target is not a path");
    slash = gw_str_find(target, '/', start);
    authority = gw_str_slice(target, start, slash - start);
    if (!gw_str_equal_nocase(authority, request->host))
        return refuse(error, 400, "the request target and the Host header disagree");
    request->target = slash < target.length ? gw_str_slice(target, slash, SIZE_MAX) : GW_STR("/");
    return GW_OK;
}

static enum gw_status read_target(struct gw_http1_request *request, struct gw_http1_error *error)
{
    const char *mark;

    if (GW_UNLIKELY(request->target.at[0] != '/')) {
        enum gw_status status = cut_authority(request, error);

        if (status != GW_OK)
            return status;
    }
    request->path = request->target;
    request->query = GW_STR_NONE;
    mark = memchr(request->target.at, '?', request->target.length);
    if (mark != NULL) {
        request->path.length = (size_t)(mark - request->target.at);
        request->query = gw_str_slice(request->target, request->path.length + 1, SIZE_MAX);
    }
    return GW_OK;
}

static enum gw_status read_coding(struct gw_http1_request *request, struct gw_http1_error *error)
{
    struct gw_str value = gw_http1_header(request, GW_HEADER_TRANSFER_ENCODING);

    if (request->index[GW_HEADER_CONTENT_LENGTH] != 0)
        return refuse(error, 400, "Content-Length and Transfer-Encoding exclude each other");
    if (request->minor == 0)
        return refuse(error, 400, "HTTP/1.0 has no Transfer-Encoding");
    if (!gw_str_equal_nocase(value, GW_STR("chunked")))
        return refuse(error, 400, "the only transfer coding spoken here is chunked");
    request->chunked = true;
    return GW_OK;
}

static enum gw_status read_length(struct gw_http1_request *request, const struct gw_http1_limits *limits,
                                  struct gw_http1_error *error)
{
    struct gw_str value = gw_http1_header(request, GW_HEADER_CONTENT_LENGTH);
    enum gw_status status = gw_str_parse_u64(value, UINT64_MAX, &request->content_length);

    if (status == GW_E_RANGE || (status == GW_OK && request->content_length > limits->body_bytes))
        return refuse(error, 413, "the body is larger than this server accepts");
    if (status != GW_OK)
        return refuse(error, 400, "Content-Length is not a number");
    request->has_length = true;
    return GW_OK;
}

/* Methods whose body some readers skip and others read. */
static bool forbids_body(const struct gw_http1_request *request)
{
    return request->method == GW_METHOD_HEAD || request->method == GW_METHOD_OPTIONS ||
           (request->method == GW_METHOD_OTHER && gw_str_is(request->method_text, "TRACE"));
}

static enum gw_status read_framing(struct gw_http1_request *request, const struct gw_http1_limits *limits,
                                   struct gw_http1_error *error)
{
    enum gw_status status = GW_OK;

    request->chunked = false;
    request->has_length = false;
    request->content_length = 0;
    if (request->index[GW_HEADER_TRANSFER_ENCODING] != 0)
        status = read_coding(request, error);
    else if (request->index[GW_HEADER_CONTENT_LENGTH] != 0)
        status = read_length(request, limits, error);
    if (status != GW_OK)
        return status;
    if ((request->chunked || request->content_length > 0) && forbids_body(request))
        return refuse(error, 400, "a request of this method has no body");
    if (request->method == GW_METHOD_OTHER && gw_str_is(request->method_text, "CONNECT"))
        return refuse(error, 400, "this server opens no tunnels");
    return GW_OK;
}

static enum gw_status read_expect(struct gw_http1_request *request, struct gw_http1_error *error)
{
    request->expect_continue = false;
    if (GW_LIKELY(request->index[GW_HEADER_EXPECT] == 0))
        return GW_OK;
    if (!gw_str_equal_nocase(gw_http1_header(request, GW_HEADER_EXPECT), GW_STR("100-continue")))
        return refuse(error, 417, "the only expectation known here is 100-continue");
    request->expect_continue = request->minor > 0;
    return GW_OK;
}

static bool says_close(struct gw_str value)
{
    while (value.at != NULL) {
        if (gw_str_equal_nocase(gw_str_trim(gw_str_split(&value, ',')), GW_STR("close")))
            return true;
    }
    return false;
}

/* Only "close" counts: names that Connection lists remove nothing, and HTTP/1.0 never keeps the connection. */
static bool keeps_alive(const struct gw_http1_request *request)
{
    size_t first = request->index[GW_HEADER_CONNECTION];

    if (request->minor == 0)
        return false;
    if (first == 0)
        return true;
    for (size_t i = first - 1; i < request->header_count; i++) {
        if (request->headers[i].id == GW_HEADER_CONNECTION && says_close(request->headers[i].value))
            return false;
    }
    return true;
}

static enum gw_status read_meaning(struct gw_http1_request *request, const struct gw_http1_limits *limits,
                                   struct gw_http1_error *error)
{
    enum gw_status status = read_host(request, error);

    if (status == GW_OK)
        status = read_target(request, error);
    if (status == GW_OK)
        status = read_framing(request, limits, error);
    if (status == GW_OK)
        status = read_expect(request, error);
    if (status == GW_OK)
        request->keep_alive = keeps_alive(request);
    return status;
}

/* The request line and the fields, not yet understood. */
static enum gw_status read_lines(struct gw_str data, const struct gw_http1_limits *limits, size_t *scanned,
                                 struct gw_http1_request *request, struct gw_http1_error *error)
{
    const char *at = data.at;
    const char *end = data.at + data.length;
    size_t max = limits->headers < GW_HTTP1_HEADERS_MAX ? limits->headers : GW_HTTP1_HEADERS_MAX;
    enum gw_status status = find_end(data, scanned, error);

    if (status == GW_AGAIN && data.length >= limits->head_bytes)
        return refuse(error, 431, "the request line and headers are too long");
    if (status != GW_OK)
        return status;
    if (*at == '\r' && at[1] != '\n')
        return refuse(error, 400, "the request begins with a bare CR");
    if (*at == '\r')
        at += 2;
    status = read_request_line(&at, end, request, error);
    if (status == GW_OK)
        status = gw_http1_fields_read(&at, end, max, request, error);
    if (status != GW_OK)
        return status;
    request->head_length = (size_t)(at - data.at);
    if (request->head_length > limits->head_bytes)
        return refuse(error, 431, "the request line and headers are too long");
    return GW_OK;
}

enum gw_status gw_http1_parse_head(struct gw_str data, const struct gw_http1_limits *limits, size_t *scanned,
                                   struct gw_http1_request *request, struct gw_http1_error *error)
{
    enum gw_status status = read_lines(data, limits, scanned, request, error);

    return status == GW_OK ? read_meaning(request, limits, error) : status;
}

/* Authority form (RFC 9112 3.2.3). A Host that says something else makes it two requests in one. */
static enum gw_status read_authority(struct gw_http1_request *request, struct gw_http1_error *error)
{
    struct gw_str target = request->target;
    struct gw_str host = gw_http1_header(request, GW_HEADER_HOST);
    size_t length = is_host(target) ? host_length(target) : 0;

    if (length == 0 || length == target.length)
        return refuse(error, 400, "the target of CONNECT is not a host and a port");
    if (request->index[GW_HEADER_HOST] != 0 && !gw_str_equal_nocase(host, target) &&
        !gw_str_equal_nocase(host, gw_str_slice(target, 0, length)))
        return refuse(error, 400, "the request target and the Host header disagree");
    request->host = target;
    return GW_OK;
}

enum gw_status gw_http1_parse_connect(struct gw_str data, const struct gw_http1_limits *limits, size_t *scanned,
                                      struct gw_http1_request *request, struct gw_http1_error *error)
{
    enum gw_status status = read_lines(data, limits, scanned, request, error);

    if (status != GW_OK)
        return status;
    if (!gw_str_is(request->method_text, "CONNECT"))
        return refuse(error, 400, "this address is that of a proxy, and takes CONNECT alone");
    if (request->index[GW_HEADER_TRANSFER_ENCODING] != 0 ||
        (request->index[GW_HEADER_CONTENT_LENGTH] != 0 &&
         !gw_str_is(gw_http1_header(request, GW_HEADER_CONTENT_LENGTH), "0")))
        return refuse(error, 400, "a request of this method has no body");
    return read_authority(request, error);
}
