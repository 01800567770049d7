/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a client sends: a request head and, where it announces one,
 * its chunked body. The verdict must not depend on how the bytes are cut, and
 * every view must lie inside them.
 */
#include <stdlib.h>

#include "codec/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct gw_http1_limits limits = {.head_bytes = 4096, .headers = 32, .body_bytes = 4096};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_inside(struct gw_str data, struct gw_str view)
{
    require(view.at >= data.at && view.at + view.length <= data.at + data.length);
}

static void check_request(struct gw_str data, const struct gw_http1_request *request)
{
    require(request->head_length <= data.length && request->head_length <= limits.head_bytes);
    require(request->header_count <= limits.headers && request->minor <= 1);
    require(!(request->chunked && request->has_length));
    require(request->content_length <= limits.body_bytes);
    require_inside(data, request->method_text);
    require_inside(data, request->host);
    require(request->path.length > 0 && request->path.at[0] == '/');
    for (size_t i = 0; i < request->header_count; i++) {
        require_inside(data, request->headers[i].name);
        require_inside(data, request->headers[i].value);
        require(request->headers[i].name.length > 0);
        require(memchr(request->headers[i].value.at, '\n', request->headers[i].value.length) == NULL);
    }
}

/* Feeds ever longer prefixes, copied so that their end is the end of an allocation. */
static enum gw_status parse_dripping(struct gw_str data, struct gw_http1_error *error, size_t *head_length)
{
    struct gw_http1_request request;
    enum gw_status status = GW_AGAIN;
    size_t scanned = 0;

    for (size_t length = 0; length <= data.length && status == GW_AGAIN; length++) {
        char *copy = gw_memdup(data.at, length);

        status = gw_http1_parse_head((struct gw_str){copy, length}, &limits, &scanned, &request, error);
        if (status == GW_OK)
            *head_length = request.head_length;
        free(copy);
    }
    return status;
}

/* The same bytes as what a proxy's client begins with: never read past, and a target with a port where it is taken. */
static void check_connect(struct gw_str data)
{
    struct gw_http1_request request;
    struct gw_http1_error error;
    enum gw_status status = GW_AGAIN;
    size_t scanned = 0;

    for (size_t length = 0; length <= data.length && status == GW_AGAIN; length++) {
        char *copy = gw_memdup(data.at, length);
        struct gw_str seen = {copy, length};

        status = gw_http1_parse_connect(seen, &limits, &scanned, &request, &error);
        if (status == GW_OK) {
            require(request.head_length <= length);
            require_inside(seen, request.host);
            require(gw_str_find(request.host, ':', 0) < request.host.length);
            require(gw_str_find(request.host, '/', 0) == request.host.length);
        }
        free(copy);
    }
}

static enum gw_status decode(struct gw_str data, size_t piece, struct gw_buf *body, size_t *used)
{
    struct gw_http1_chunks chunks;
    struct gw_http1_error error;
    enum gw_status status = GW_AGAIN;

    gw_http1_chunks_init(&chunks);
    *used = 0;
    while (status == GW_AGAIN && *used < data.length) {
        size_t consumed;

        status = gw_http1_chunks_decode(&chunks, gw_str_slice(data, *used, piece), &limits, body, &consumed, &error);
        *used += consumed;
    }
    return status;
}

static void check_chunks(struct gw_str data)
{
    struct gw_buf whole;
    struct gw_buf pieces;
    size_t used_whole;
    size_t used_pieces;
    enum gw_status status;

    gw_buf_init(&whole, limits.body_bytes);
    gw_buf_init(&pieces, limits.body_bytes);
    status = decode(data, SIZE_MAX, &whole, &used_whole);
    require(decode(data, 1, &pieces, &used_pieces) == status);
    if (status == GW_OK)
        require(used_whole == used_pieces && gw_str_equal(gw_buf_str(&whole), gw_buf_str(&pieces)));
    gw_buf_fini(&whole);
    gw_buf_fini(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = {(const char *)data, size};
    struct gw_http1_request request;
    struct gw_http1_error error;
    struct gw_http1_error dripping_error;
    size_t scanned = 0;
    size_t head_length = 0;
    enum gw_status status;

    if (size > 2 * limits.head_bytes)
        return 0;
    status = gw_http1_parse_head(text, &limits, &scanned, &request, &error);
    require((parse_dripping(text, &dripping_error, &head_length) == GW_OK) == (status == GW_OK));
    if (status == GW_OK) {
        check_request(text, &request);
        require(head_length == request.head_length);
        check_chunks(gw_str_slice(text, request.head_length, SIZE_MAX));
    }
    check_chunks(text);
    check_connect(text);
    return 0;
}
