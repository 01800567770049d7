/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a path segment, a path and a query: what decodes, encodes back to
 * a spelling that decodes to the same; what splits, joins to the path again.
 */
#include <stdlib.h>

#include "codec/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_piece(struct gw_str text, enum gw_uri_kind kind, struct gw_arena *arena)
{
    struct gw_str decoded;
    struct gw_str again;
    struct gw_buf encoded;

    if (gw_uri_decode(text, kind, arena, &decoded) != GW_OK)
        return;
    for (size_t i = 0; i < decoded.length; i++)
        require(decoded.at[i] >= 0x20 && decoded.at[i] <= 0x7e);
    if (kind == GW_URI_NAME)
        require(gw_str_find(decoded, '/', 0) == decoded.length && gw_str_find(decoded, '%', 0) == decoded.length);
    gw_buf_init(&encoded, SIZE_MAX);
    gw_uri_encode(decoded, false, &encoded);
    require(gw_uri_decode(gw_buf_str(&encoded), kind, arena, &again) == GW_OK);
    require(gw_str_equal(again, decoded));
    gw_buf_fini(&encoded);
}

static void check_path(struct gw_str text)
{
    struct gw_str segments[64];
    struct gw_buf joined;
    size_t count;

    if (gw_uri_split_path(text, segments, GW_COUNT(segments), &count) != GW_OK)
        return;
    gw_buf_init(&joined, SIZE_MAX);
    for (size_t i = 0; i < count; i++) {
        require(segments[i].length > 0);
        gw_buf_append_byte(&joined, '/');
        gw_buf_append_str(&joined, segments[i]);
    }
    require(gw_str_equal(count == 0 ? GW_STR("/") : gw_buf_str(&joined), text));
    gw_buf_fini(&joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = {(const char *)data, size};
    struct gw_str rest = text;
    struct gw_str name;
    struct gw_str value;
    struct gw_arena arena;
    size_t total = 0;

    gw_arena_init(&arena, 0);
    check_piece(text, GW_URI_NAME, &arena);
    check_piece(text, GW_URI_ARN, &arena);
    check_path(text);
    while (gw_uri_query_next(&rest, &name, &value))
        total += name.length + value.length;
    require(total <= size);
    gw_arena_fini(&arena);
    return 0;
}
