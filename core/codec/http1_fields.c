/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field lines of a request head (RFC 9112 5): name ":" OWS value OWS CRLF, with a
 * token as name and nothing between it and the colon. Folded lines, bare CR or
 * LF and control bytes are refused, and so is a second line of a field that the
 * program looks at. What the fields mean is for http1.c.
 */
#include "codec/http1_fields.h"

/* Bits of enum gw_http1_class for each byte, sixteen to a row. */
// clang-format off
const uint8_t gw_http1_classes[256] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* 00 */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* 10 */
    0x04, 0x07, 0x06, 0x05, 0x07, 0x07, 0x07, 0x07, 0x06, 0x06, 0x07, 0x07, 0x06, 0x0f, 0x0f, 0x06, /* 20 */
    0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x06, 0x06, 0x06, 0x06, 0x06, 0x06, /* 30 */
    0x06, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, /* 40 */
    0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x06, 0x06, 0x06, 0x07, 0x0f, /* 50 */
    0x07, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, /* 60 */
    0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x06, 0x07, 0x06, 0x0f, 0x00, /* 70 */
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, /* 80 */
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, /* 90 */
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, /* a0 */
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, /* b0 */
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, /* c0 */
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, /* d0 */
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, /* e0 */
    0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, /* f0 */
};
// clang-format on

enum gw_status gw_http1_fields_refuse(struct gw_http1_error *error, unsigned status, const char *reason)
{
    error->status = status;
    error->reason = reason;
    return status == 413 || status == 431 ? GW_E_LIMIT : GW_E_SYNTAX;
}

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* True when one of eight bytes is below 0x20 or is 0x7f (exact as a yes or no). */
static inline bool holds_control(uint64_t eight)
{
    uint64_t low = (eight - ONES * 0x20) & ~eight;
    uint64_t del = eight ^ (ONES * 0x7f);

    return ((low | ((del - ONES) & ~del)) & HIGHS) != 0;
}

const char *gw_http1_fields_value_end(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t eight;

        memcpy(&eight, at, 8);
        if (holds_control(eight)) {
            for (int i = 0; i < 8; i++) {
                if (!gw_http1_is(at[i], GW_HTTP1_VALUE))
                    return at + i;
            }
        }
        at += 8;
    }
    while (at < end && gw_http1_is(*at, GW_HTTP1_VALUE))
        at++;
    return at;
}

static bool is_name(struct gw_str name, const char *lower)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.at[i];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        if (c != lower[i])
            return false;
    }
    return true;
}

static enum gw_header_id one_of_two(struct gw_str name, const char *first, enum gw_header_id a, const char *second,
                                    enum gw_header_id b)
{
    if (is_name(name, first))
        return a;
    return is_name(name, second) ? b : GW_HEADER_OTHER;
}

enum gw_header_id gw_http1_header_id(struct gw_str name)
{
    switch (name.length) {
    case 4:
        return one_of_two(name, "host", GW_HEADER_HOST, "date", GW_HEADER_DATE);
    case 6:
        return one_of_two(name, "expect", GW_HEADER_EXPECT, "origin", GW_HEADER_ORIGIN);
    case 10:
        if (is_name(name, "x-amz-date"))
            return GW_HEADER_X_AMZ_DATE;
        return one_of_two(name, "user-agent", GW_HEADER_USER_AGENT, "connection", GW_HEADER_CONNECTION);
    case 12:
        return is_name(name, "content-type") ? GW_HEADER_CONTENT_TYPE : GW_HEADER_OTHER;
    case 13:
        return is_name(name, "authorization") ? GW_HEADER_AUTHORIZATION : GW_HEADER_OTHER;
    case 14:
        return one_of_two(name, "content-length", GW_HEADER_CONTENT_LENGTH, "sec-fetch-site", GW_HEADER_SEC_FETCH_SITE);
    case 15:
        return one_of_two(name, "x-forwarded-for", GW_HEADER_X_FORWARDED_FOR, "x-eksgate-admin",
                          GW_HEADER_X_EKSGATE_ADMIN);
    case 17:
        return is_name(name, "transfer-encoding") ? GW_HEADER_TRANSFER_ENCODING : GW_HEADER_OTHER;
    case 20:
        return one_of_two(name, "x-amz-security-token", GW_HEADER_X_AMZ_SECURITY_TOKEN, "x-amz-content-sha256",
                          GW_HEADER_X_AMZ_CONTENT_SHA256);
    default:
        return GW_HEADER_OTHER;
    }
}

static bool may_repeat(enum gw_header_id id)
{
    return id == GW_HEADER_OTHER || id == GW_HEADER_CONNECTION || id == GW_HEADER_X_FORWARDED_FOR;
}

/* Why the line at `at` has no name: nothing was read of it yet. */
static enum gw_status refuse_name(const char *at, const char *end, struct gw_http1_error *error)
{
    if (at < end && (*at == ' ' || *at == '\t'))
        return gw_http1_fields_refuse(error, 400, "a header line begins with white space");
    if (at < end && *at == ':')
        return gw_http1_fields_refuse(error, 400, "a header has an empty name");
    return gw_http1_fields_refuse(error, 400, "a header name holds a byte that is not allowed");
}

static enum gw_status read_field(const char **cursor, const char *end, struct gw_header *field,
                                 struct gw_http1_error *error)
{
    const char *name = *cursor;
    const char *at = name;
    const char *value;
    const char *stop;

    while (at < end && gw_http1_is(*at, GW_HTTP1_TOKEN))
        at++;
    if (GW_UNLIKELY(at == name))
        return refuse_name(at, end, error);
    if (GW_UNLIKELY(at >= end || *at != ':'))
        return gw_http1_fields_refuse(error, 400, "a header name is not followed by a colon");
    field->name = (struct gw_str){name, (size_t)(at - name)};
    at++;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    value = at;
    stop = gw_http1_fields_value_end(at, end);
    if (GW_UNLIKELY(end - stop < 2 || stop[0] != '\r' || stop[1] != '\n'))
        return gw_http1_fields_refuse(error, 400, "a header value holds a control byte, or a bare CR or LF");
    *cursor = stop + 2;
    while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
        stop--;
    field->value = (struct gw_str){value, (size_t)(stop - value)};
    return GW_OK;
}

enum gw_status gw_http1_fields_read(const char **cursor, const char *end, size_t max, struct gw_http1_request *request,
                                    struct gw_http1_error *error)
{
    size_t count = 0;

    memset(request->index, 0, sizeof(request->index));
    while (*cursor < end && **cursor != '\r') {
        struct gw_header *field = &request->headers[count];
        enum gw_status status;

        if (GW_UNLIKELY(count >= max))
            return gw_http1_fields_refuse(error, 431, "too many headers");
        status = read_field(cursor, end, field, error);
        if (GW_UNLIKELY(status != GW_OK))
            return status;
        field->id = gw_http1_header_id(field->name);
        count++;
        if (request->index[field->id] == 0)
            request->index[field->id] = (uint8_t)count;
        else if (GW_UNLIKELY(!may_repeat(field->id)))
            return gw_http1_fields_refuse(error, 400, "a header that may be sent once is repeated");
    }
    request->index[GW_HEADER_OTHER] = 0;
    if (GW_UNLIKELY(end - *cursor < 2 || (*cursor)[1] != '\n'))
        return gw_http1_fields_refuse(error, 400, "a header line ends in a bare CR");
    *cursor += 2;
    request->header_count = count;
    return GW_OK;
}
