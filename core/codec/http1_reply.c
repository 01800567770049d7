/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for the blank line first, then reads
 *
 *   "HTTP/1." ("0" | "1") SP 3DIGIT SP [reason] CRLF *(field CRLF) CRLF
 *
 * The space behind the status may be missing where there is no reason, as some
 * servers have it.
 */
#include "codec/http1_reply.h"

#include "codec/http1_fields.h"

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* GW_OK: a blank line is in `data`. */
static enum gw_status find_end(struct gw_str data, size_t head_max, struct gw_err *err)
{
    size_t end = gw_str_search(data, GW_STR("\r\n\r\n"));

    if (end == SIZE_MAX)
        return data.length < head_max ? GW_AGAIN : gw_fail(err, GW_E_LIMIT, "its head is too long");
    return end + 4 <= head_max ? GW_OK : gw_fail(err, GW_E_LIMIT, "its head is too long");
}

/* What is there so far can still become a reply; says so before an endless line has filled the buffer. */
static bool may_begin(struct gw_str data)
{
    struct gw_str begin = GW_STR("HTTP/1.");
    size_t length = data.length < begin.length ? data.length : begin.length;

    return gw_str_equal(gw_str_slice(data, 0, length), gw_str_slice(begin, 0, length));
}

/* `data` holds a whole head. `*cursor` is left behind the line. */
static enum gw_status read_status_line(const char **cursor, const char *end, struct gw_http1_reply *reply,
                                       struct gw_err *err)
{
    const char *at = *cursor;

    if (end - at < 14 || (at[7] != '0' && at[7] != '1') || at[8] != ' ' || !is_digit(at[9]) || !is_digit(at[10]) ||
        !is_digit(at[11]))
        return gw_fail(err, GW_E_SYNTAX, "it does not begin with an HTTP/1.1 status");
    reply->minor = (unsigned)(at[7] - '0');
    reply->status = (unsigned)(at[9] - '0') * 100 + (unsigned)(at[10] - '0') * 10 + (unsigned)(at[11] - '0');
    if (reply->status < 200 || reply->status > 599)
        return gw_fail(err, GW_E_SYNTAX, "its status is %u", reply->status);
    at += 12;
    if (*at == ' ')
        at = gw_http1_fields_value_end(at, end);
    if (end - at < 2 || at[0] != '\r' || at[1] != '\n')
        return gw_fail(err, GW_E_SYNTAX, "its status line holds a control byte");
    *cursor = at + 2;
    return GW_OK;
}

static enum gw_status read_length(struct gw_http1_reply *reply, const struct gw_http1_limits *limits,
                                  struct gw_err *err)
{
    struct gw_str value = gw_http1_header(&reply->fields, GW_HEADER_CONTENT_LENGTH);
    enum gw_status status = gw_str_parse_u64(value, UINT64_MAX, &reply->content_length);

    if (status == GW_E_RANGE || (status == GW_OK && reply->content_length > limits->body_bytes))
        return gw_fail(err, GW_E_LIMIT, "its body is larger than %zu bytes", limits->body_bytes);
    return status == GW_OK ? GW_OK : gw_fail(err, GW_E_SYNTAX, "its Content-Length is not a number");
}

static enum gw_status read_framing(struct gw_http1_reply *reply, const struct gw_http1_limits *limits,
                                   struct gw_err *err)
{
    bool has_length = reply->fields.index[GW_HEADER_CONTENT_LENGTH] != 0;
    struct gw_str coding = gw_http1_header(&reply->fields, GW_HEADER_TRANSFER_ENCODING);
    bool has_body = reply->status != 204 && reply->status != 304;

    reply->content_length = 0;
    reply->chunked = coding.at != NULL;
    if (reply->chunked && (has_length || reply->minor == 0 || !has_body))
        return gw_fail(err, GW_E_SYNTAX, "it has a Transfer-Encoding where there can be none");
    if (reply->chunked && !gw_str_equal_nocase(coding, GW_STR("chunked")))
        return gw_fail(err, GW_E_SYNTAX, "its Transfer-Encoding is not chunked");
    if (!has_body || reply->chunked)
        return GW_OK;
    if (!has_length)
        return gw_fail(err, GW_E_SYNTAX, "it does not say how long it is");
    return read_length(reply, limits, err);
}

static enum gw_status parse_head(struct gw_str data, const struct gw_http1_limits *limits, struct gw_http1_reply *reply,
                                 struct gw_err *err)
{
    size_t max = limits->headers < GW_HTTP1_HEADERS_MAX ? limits->headers : GW_HTTP1_HEADERS_MAX;
    const char *at = data.at;
    const char *end = data.at + data.length;
    struct gw_http1_error error;
    enum gw_status status;

    if (!may_begin(data))
        return gw_fail(err, GW_E_SYNTAX, "it does not begin with an HTTP/1.1 status");
    status = find_end(data, limits->head_bytes, err);
    if (status != GW_OK)
        return status;
    status = read_status_line(&at, end, reply, err);
    if (status != GW_OK)
        return status;
    status = gw_http1_fields_read(&at, end, max, &reply->fields, &error);
    if (status != GW_OK)
        return gw_fail(err, status, "%s", error.reason);
    reply->head_length = (size_t)(at - data.at);
    return GW_OK;
}

enum gw_status gw_http1_reply_parse(struct gw_str data, const struct gw_http1_limits *limits,
                                    struct gw_http1_reply *reply, struct gw_err *err)
{
    enum gw_status status = parse_head(data, limits, reply, err);

    return status == GW_OK ? read_framing(reply, limits, err) : status;
}

enum gw_status gw_http1_reply_parse_tunnel(struct gw_str data, const struct gw_http1_limits *limits,
                                           struct gw_http1_reply *reply, struct gw_err *err)
{
    enum gw_status status = parse_head(data, limits, reply, err);

    if (status != GW_OK)
        return status;
    reply->content_length = 0;
    reply->chunked = false;
    return GW_OK;
}
