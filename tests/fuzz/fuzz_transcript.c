/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a client shows of a request, as a repr(), and as a canonical
 * request beside its own first half: nothing is read past the text, a head always
 * ends with a blank line, views stay inside, and two texts are the same only when
 * they are.
 */
#include <stdlib.h>

#include "codec/python.h"
#include "codec/sigv4_compare.h"
#include "codec/transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_transcript(struct gw_str text, struct gw_arena *arena)
{
    struct gw_transcript transcript;
    struct gw_err err;

    if (gw_transcript_read(text, arena, &transcript, &err) != GW_OK)
        return;
    require(transcript.requests > 0);
    require(transcript.head.length >= 2);
    require(transcript.kind == GW_TRANSCRIPT_RAW ||
            gw_str_is(gw_str_slice(transcript.head, transcript.head.length - 2, 2), "\r\n"));
    require(gw_transcript_kind_name(transcript.kind) != NULL);
}

static void check_python(struct gw_str text, struct gw_arena *arena)
{
    struct gw_python cursor = {text.at, text.at + text.length};
    struct gw_str key;

    if (!gw_python_take(&cursor, '{'))
        return;
    while (gw_python_key(&cursor, arena, &key) == GW_OK) {
        require(key.length <= text.length);
        if (gw_python_skip(&cursor) != GW_OK)
            break;
    }
    require(cursor.at <= cursor.end);
}

static void check_compare(struct gw_str text)
{
    struct gw_str half = gw_str_slice(text, 0, text.length / 2);
    struct gw_sigv4_difference difference;

    require(!gw_sigv4_compare(text, text, &difference));
    if (!gw_sigv4_compare(half, text, &difference))
        return;
    require(difference.offset <= half.length);
    require(difference.line >= 1);
    require(gw_sigv4_part_name(difference.part) != NULL);
    require(difference.right.length <= text.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = {(const char *)data, size};
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    check_transcript(text, &arena);
    check_python(text, &arena);
    check_compare(text);
    gw_arena_fini(&arena);
    return 0;
}
