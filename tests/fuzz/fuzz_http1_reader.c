/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a server sends in answer to one request. What comes of them
 * must not depend on where they are cut: the first byte of the input says into
 * pieces of which size. Nor must it depend on whether a large body is put together
 * or passed on.
 */
#include <stdlib.h>

#include "codec/http1_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct gw_http1_limits limits = {.head_bytes = 2048, .headers = 16, .body_bytes = 4096};

struct result {
    enum gw_status status;
    size_t taken; /* bytes when it was known */
    struct gw_arena arena;
    struct gw_http1_reader reader;
    struct gw_http1_reply reply;
    size_t offer_above;
    struct gw_buf passed; /* of a body that was split */
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Each piece is an allocation of its own, freed before the next. */
static void read_pieces(struct result *result, struct gw_str text, size_t piece)
{
    struct gw_err err = {""};

    gw_arena_init(&result->arena, 0);
    gw_http1_reader_init(&result->reader, &limits);
    gw_http1_reader_begin(&result->reader, &result->arena, &result->reply);
    gw_buf_init(&result->passed, limits.body_bytes);
    result->reader.offer_above = result->offer_above;
    result->status = GW_AGAIN;
    for (result->taken = 0; result->status == GW_AGAIN && result->taken < text.length;) {
        struct gw_str slice = gw_str_slice(text, result->taken, piece);
        char *copy = gw_memdup(slice.at, slice.length);

        result->status = gw_http1_reader_take(&result->reader, (struct gw_str){copy, slice.length}, &err);
        result->taken += slice.length;
        if (result->status == GW_AGAIN && result->reader.is_split)
            gw_buf_append(&result->passed, copy, slice.length);
        if (result->reader.offered)
            gw_buf_append_str(&result->passed, gw_http1_reader_split(&result->reader));
        free(copy);
    }
    if (result->status == GW_OK && result->reader.is_split) {
        gw_buf_append_str(&result->passed, result->reader.body);
        result->reader.body = gw_arena_str(&result->arena, gw_buf_str(&result->passed));
    }
    gw_buf_fini(&result->passed);
    require((err.text[0] != '\0') == (result->status != GW_OK && result->status != GW_AGAIN));
}

static void fini(struct result *result)
{
    gw_http1_reader_fini(&result->reader);
    gw_arena_fini(&result->arena);
}

static void check_whole(const struct result *result)
{
    size_t sum = 0;

    require(result->reader.body.length <= limits.body_bytes);
    require(result->reply.chunked || result->reader.body.length == result->reply.content_length);
    (void)gw_http1_reply_keeps(&result->reply);
    for (size_t i = 0; i < result->reply.fields.header_count; i++) {
        struct gw_str value = result->reply.fields.headers[i].value;

        for (size_t j = 0; j < value.length; j++)
            sum += (unsigned char)value.at[j];
    }
    for (size_t i = 0; i < result->reader.body.length; i++)
        sum += (unsigned char)result->reader.body.at[i];
    require(sum != SIZE_MAX);
}

/* Cut anywhere, a reply that is whole is the same; what follows it may be noticed or come too late to be. */
static void compare(const struct result *whole, const struct result *cut, size_t size)
{
    if (whole->status == GW_OK) {
        require(cut->status == GW_OK && cut->taken == size);
        require(gw_str_equal(whole->reader.body, cut->reader.body));
        require(whole->reply.status == cut->reply.status);
    } else if (cut->status == GW_OK) {
        require(cut->taken < size && whole->status == GW_E_SYNTAX);
    } else {
        require((whole->status == GW_AGAIN) == (cut->status == GW_AGAIN));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = {(const char *)data + 1, size - 1};
    struct result whole = {.offer_above = SIZE_MAX};
    struct result cut = {.offer_above = SIZE_MAX};
    struct result split = {.offer_above = 8};

    if (size < 2 || size > 16384)
        return 0;
    read_pieces(&whole, text, text.length);
    read_pieces(&cut, text, 1 + data[0]);
    read_pieces(&split, text, 1 + data[0]);
    if (whole.status == GW_OK)
        check_whole(&whole);
    if (cut.status == GW_OK)
        check_whole(&cut);
    compare(&whole, &cut, text.length);
    require(split.status == cut.status && split.taken == cut.taken);
    if (cut.status == GW_OK)
        require(gw_str_equal(cut.reader.body, split.reader.body));
    fini(&whole);
    fini(&cut);
    fini(&split);
    return 0;
}
