/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a form and as text for a document: what decodes is no longer than
 * what came, and decodes the same after it was encoded; what goes into XML is
 * UTF-8 of XML's characters with nothing in it that could end the text.
 */
#include <stdlib.h>

#include "codec/form.h"
#include "codec/uri.h"
#include "codec/utf8.h"
#include "codec/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_piece(struct gw_str piece, struct gw_arena *arena)
{
    struct gw_str decoded;
    struct gw_str again;
    struct gw_buf encoded;

    if (gw_form_decode(piece, arena, &decoded) != GW_OK)
        return;
    require(decoded.length <= piece.length);
    gw_buf_init(&encoded, SIZE_MAX);
    gw_uri_encode(decoded, false, &encoded);
    require(gw_form_decode(gw_buf_str(&encoded), arena, &again) == GW_OK);
    require(gw_str_equal(again, decoded));
    gw_buf_fini(&encoded);
}

static void check_text(struct gw_str text)
{
    struct gw_buf out;
    struct gw_str rest;

    gw_buf_init(&out, SIZE_MAX);
    gw_xml_append_text(text, &out);
    rest = gw_buf_str(&out);
    while (rest.length > 0) {
        uint32_t point = 0;
        size_t step = gw_utf8_step(rest, &point);

        require(step > 0);
        require(point >= 0x20 || point == '\t' || point == '\n');
        require(point != 0xfffe && point != 0xffff);
        require(point != '<' && point != '>' && point != '"' && point != '\'');
        require(point != '&' || gw_str_find(gw_str_slice(rest, 0, 6), ';', 0) < 6);
        rest = gw_str_slice(rest, step, SIZE_MAX);
    }
    gw_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = {(const char *)data, size};
    struct gw_str rest = text;
    struct gw_str name;
    struct gw_str value;
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    check_piece(text, &arena);
    while (gw_uri_query_next(&rest, &name, &value)) {
        check_piece(name, &arena);
        check_piece(value, &arena);
    }
    check_text(text);
    gw_arena_fini(&arena);
    return 0;
}
