/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a server sends. Whether a head is taken must not depend on
 * how many bytes stand behind it, nor on how it was cut, and views lie inside.
 */
#include <stdlib.h>

#include "codec/http1_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct gw_http1_limits limits = {.head_bytes = 2048, .headers = 16, .body_bytes = 4096};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_inside(struct gw_str data, struct gw_str view)
{
    require(view.at >= data.at && view.at + view.length <= data.at + data.length);
}

static void check(struct gw_str data, const struct gw_http1_reply *reply)
{
    require(reply->status >= 200 && reply->status <= 599 && reply->minor <= 1);
    require(reply->head_length <= data.length && reply->head_length <= limits.head_bytes);
    require(memcmp(data.at + reply->head_length - 4, "\r\n\r\n", 4) == 0);
    require(reply->content_length <= limits.body_bytes && !(reply->chunked && reply->content_length > 0));
    require(reply->fields.header_count <= limits.headers);
    for (size_t i = 0; i < reply->fields.header_count; i++) {
        require_inside(data, reply->fields.headers[i].name);
        require_inside(data, reply->fields.headers[i].value);
    }
}

/* Of a copy whose end is the end of an allocation. */
static enum gw_status parse(struct gw_str data, struct gw_http1_reply *reply)
{
    char *copy = gw_memdup(data.at, data.length);
    struct gw_str text = {copy, data.length};
    struct gw_err err = {""};
    enum gw_status status = gw_http1_reply_parse(text, &limits, reply, &err);

    require((err.text[0] != '\0') == (status != GW_OK && status != GW_AGAIN));
    if (status == GW_OK)
        check(text, reply);
    free(copy);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = {(const char *)data, size};
    struct gw_http1_reply whole;
    struct gw_http1_reply part;
    enum gw_status status;
    enum gw_status dripping = GW_AGAIN;

    if (size > 2 * limits.head_bytes)
        return 0;
    status = parse(text, &whole);
    for (size_t length = 0; length <= size && dripping == GW_AGAIN; length++)
        dripping = parse(gw_str_slice(text, 0, length), &part);
    require((dripping == GW_OK) == (status == GW_OK) && (dripping == GW_AGAIN) == (status == GW_AGAIN));
    if (status == GW_OK)
        require(part.head_length == whole.head_length && part.content_length == whole.content_length);
    return 0;
}
