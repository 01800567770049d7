/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunked bodies: the cases of tests/data/http1/chunks whole and in two pieces
 * cut at every byte, and the bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/http1.h"
#include "http1_case.h"

static const struct gw_http1_limits limits = {.head_bytes = 16384, .headers = 8, .body_bytes = 1048576};

/* Decodes `data` in pieces of at most `piece` bytes; gives "ok BODY", "again" or the status. */
static void decode(struct gw_str data, size_t piece, char *out, size_t size, size_t *used)
{
    struct gw_http1_chunks chunks;
    struct gw_http1_error error = {0, NULL};
    enum gw_status status = GW_AGAIN;
    struct fence fence;
    struct gw_buf body;

    fence_open(&fence);
    gw_buf_init(&body, limits.body_bytes);
    gw_http1_chunks_init(&chunks);
    *used = 0;
    while (status == GW_AGAIN && *used < data.length) {
        struct gw_str part = fence_put(&fence, gw_str_slice(data, *used, piece));
        size_t consumed;

        status = gw_http1_chunks_decode(&chunks, part, &limits, &body, &consumed, &error);
        if (status == GW_AGAIN)
            assert_int_equal(consumed, part.length);
        *used += consumed;
    }
    if (status == GW_OK)
        (void)snprintf(out, size, "ok %.*s", (int)body.length, body.length > 0 ? body.at : "");
    else if (status == GW_AGAIN)
        (void)snprintf(out, size, "again");
    else
        (void)snprintf(out, size, "%u", error.status);
    gw_buf_fini(&body);
    fence_close(&fence);
}

static void run_in_pieces(const struct http1_case *one)
{
    struct gw_buf expected;

    gw_buf_init(&expected, 256);
    case_unescape(one->expect, &expected);
    gw_buf_append_byte(&expected, '\0');
    for (size_t piece = 1; piece <= one->bytes.length; piece++) {
        char got[256];
        size_t used;

        decode(gw_buf_str(&one->bytes), piece, got, sizeof(got), &used);
        if (strcmp(got, expected.at) != 0)
            fail_msg("%s in pieces of %zu: expected %s, got %s", one->name, piece, expected.at, got);
        if (strncmp(got, "ok", 2) == 0)
            assert_int_equal(used, one->bytes.length);
    }
    gw_buf_fini(&expected);
}

static void chunks__each_case_in_pieces_of_every_size__has_the_verdict_its_file_names(void **state)
{
    (void)state;
    each_case("chunks", 40, run_in_pieces);
}

static void chunks__followed_by_a_request__leave_it_alone(void **state)
{
    char got[64];
    size_t used;

    (void)state;
    decode(GW_STR("2\r\nhi\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), SIZE_MAX, got, sizeof(got), &used);
    assert_string_equal(got, "ok hi");
    assert_int_equal(used, 12);
}

static void repeated(struct gw_buf *text, const char *head, const char *piece, size_t count, const char *tail)
{
    gw_buf_init(text, 1 << 20);
    gw_buf_append_str(text, gw_str_from(head));
    for (size_t i = 0; i < count; i++)
        gw_buf_append_str(text, gw_str_from(piece));
    gw_buf_append_str(text, gw_str_from(tail));
}

static void require_repeated(const char *expected, const char *head, const char *piece, size_t count, const char *tail)
{
    struct gw_buf text;
    char got[64];
    size_t used;

    repeated(&text, head, piece, count, tail);
    decode(gw_buf_str(&text), 4096, got, sizeof(got), &used);
    assert_string_equal(got, expected);
    gw_buf_fini(&text);
}

static void chunks__extension_past_its_bound__is_400(void **state)
{
    (void)state;
    require_repeated("ok ", "0;", "a", GW_HTTP1_CHUNK_LINE - 4, "\r\n\r\n");
    require_repeated("400", "0;", "a", GW_HTTP1_CHUNK_LINE - 1, "\r\n\r\n");
    require_repeated("400", "0;a=\"", "a", 100000, "");
}

static void chunks__trailers_past_their_bounds__are_431(void **state)
{
    (void)state;
    require_repeated("ok ", "0\r\n", "a:b\r\n", limits.headers, "\r\n");
    require_repeated("431", "0\r\n", "a:b\r\n", limits.headers + 1, "\r\n");
    require_repeated("431", "0\r\na:", "b", GW_HTTP1_TRAILER_BYTES, "\r\n\r\n");
}

static void chunks__after_a_refusal__stay_refused(void **state)
{
    struct gw_http1_chunks chunks;
    struct gw_http1_error error;
    struct gw_buf body;
    size_t consumed;

    (void)state;
    gw_buf_init(&body, 16);
    gw_http1_chunks_init(&chunks);
    assert_int_equal(gw_http1_chunks_decode(&chunks, GW_STR("x"), &limits, &body, &consumed, &error), GW_E_SYNTAX);
    assert_int_equal(gw_http1_chunks_decode(&chunks, GW_STR("0\r\n\r\n"), &limits, &body, &consumed, &error),
                     GW_E_SYNTAX);
    assert_int_equal(error.status, 400);
    gw_buf_fini(&body);
}

static void chunks__many_small_ones_past_the_cap__are_413(void **state)
{
    struct gw_http1_limits small = {.head_bytes = 100, .headers = 8, .body_bytes = 10};
    struct gw_http1_chunks chunks;
    struct gw_http1_error error;
    struct gw_buf body;
    size_t consumed;

    (void)state;
    gw_buf_init(&body, small.body_bytes);
    gw_http1_chunks_init(&chunks);
    for (int i = 0; i < 10; i++)
        assert_int_equal(gw_http1_chunks_decode(&chunks, GW_STR("1\r\na\r\n"), &small, &body, &consumed, &error),
                         GW_AGAIN);
    assert_int_equal(gw_http1_chunks_decode(&chunks, GW_STR("1\r\na\r\n"), &small, &body, &consumed, &error),
                     GW_E_LIMIT);
    assert_int_equal(error.status, 413);
    gw_buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks__each_case_in_pieces_of_every_size__has_the_verdict_its_file_names),
        cmocka_unit_test(chunks__followed_by_a_request__leave_it_alone),
        cmocka_unit_test(chunks__extension_past_its_bound__is_400),
        cmocka_unit_test(chunks__trailers_past_their_bounds__are_431),
        cmocka_unit_test(chunks__after_a_refusal__stay_refused),
        cmocka_unit_test(chunks__many_small_ones_past_the_cap__are_413),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
