/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies put together from pieces, and bodies that are passed on as they come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "codec/http1_reader.h"

#define HEAD "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 10\r\n\r\n"

static const struct gw_http1_limits limits = {.head_bytes = 256, .headers = 8, .body_bytes = 20};

struct reading {
    struct gw_http1_reader reader;
    struct gw_arena arena;
    struct gw_http1_reply reply;
    struct gw_err err;
};

static int setup(void **state)
{
    struct reading *r = gw_alloc_zero(1, sizeof(*r));

    gw_arena_init(&r->arena, 0);
    gw_http1_reader_init(&r->reader, &limits);
    gw_http1_reader_begin(&r->reader, &r->arena, &r->reply);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct reading *r = *state;

    gw_http1_reader_fini(&r->reader);
    gw_arena_fini(&r->arena);
    free(r);
    return 0;
}

/* From memory that is gone afterwards. */
static enum gw_status take(struct reading *r, const char *text)
{
    char *copy = gw_memdup(text, strlen(text));
    enum gw_status status = gw_http1_reader_take(&r->reader, (struct gw_str){copy, strlen(text)}, &r->err);

    free(copy);
    return status;
}

static void take__length_at_the_threshold__is_not_offered(void **state)
{
    struct reading *r = *state;

    r->reader.offer_above = 10;
    assert_int_equal(take(r, HEAD), GW_AGAIN);
    assert_false(r->reader.offered);
    assert_int_equal(take(r, "01234"), GW_AGAIN);
    assert_int_equal(take(r, "56789"), GW_OK);
    assert_true(gw_str_is(r->reader.body, "0123456789"));
}

static void take__nobody_asked_for_offers__none_is_made(void **state)
{
    struct reading *r = *state;

    assert_int_equal(take(r, HEAD), GW_AGAIN);
    assert_false(r->reader.offered);
}

static void take__body_came_with_its_head__is_not_offered(void **state)
{
    struct reading *r = *state;

    r->reader.offer_above = 5;
    assert_int_equal(take(r, HEAD "0123456789"), GW_OK);
    assert_false(r->reader.offered);
    assert_true(gw_str_is(r->reader.body, "0123456789"));
}

static void take__chunked__is_not_offered(void **state)
{
    struct reading *r = *state;

    r->reader.offer_above = 5;
    assert_int_equal(take(r, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n01"), GW_AGAIN);
    assert_false(r->reader.offered);
    assert_int_equal(take(r, "23456789\r\n0\r\n\r\n"), GW_OK);
    assert_true(gw_str_is(r->reader.body, "0123456789"));
}

static void take__announced_too_much__is_limit_before_it_is_offered(void **state)
{
    struct reading *r = *state;

    r->reader.offer_above = 5;
    assert_int_equal(take(r, "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n"), GW_E_LIMIT);
    assert_false(r->reader.offered);
}

static void split__body__is_counted_and_its_last_bytes_given(void **state)
{
    struct reading *r = *state;
    size_t taken;

    r->reader.offer_above = 5;
    assert_int_equal(take(r, "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-"), GW_AGAIN);
    assert_false(r->reader.offered);
    assert_int_equal(take(r, "Length: 10\r\n\r\n012"), GW_AGAIN);
    assert_true(r->reader.offered);
    assert_true(gw_str_is(gw_http1_reader_split(&r->reader), "012"));
    assert_false(r->reader.offered);
    taken = r->arena.taken;
    assert_int_equal(take(r, "345"), GW_AGAIN);
    assert_int_equal(take(r, "67"), GW_AGAIN);
    assert_int_equal(r->arena.taken, taken);
    assert_int_equal(take(r, "89"), GW_OK);
    assert_true(gw_str_is(r->reader.body, "89"));
    assert_true(gw_str_is(r->reply.fields.headers[0].value, "b"));
}

static void split__byte_too_many__is_refused(void **state)
{
    struct reading *r = *state;

    r->reader.offer_above = 5;
    assert_int_equal(take(r, HEAD), GW_AGAIN);
    assert_true(gw_str_is(gw_http1_reader_split(&r->reader), ""));
    assert_int_equal(take(r, "012345678"), GW_AGAIN);
    assert_int_equal(take(r, "9x"), GW_E_SYNTAX);
    assert_string_equal(r->err.text, "bytes follow its end");
}

static void gather__body__is_whole(void **state)
{
    struct reading *r = *state;

    r->reader.offer_above = 5;
    assert_int_equal(take(r, HEAD "0123"), GW_AGAIN);
    assert_true(r->reader.offered);
    gw_http1_reader_gather(&r->reader);
    assert_false(r->reader.offered);
    assert_int_equal(take(r, "456789"), GW_OK);
    assert_true(gw_str_is(r->reader.body, "0123456789"));
    assert_true(gw_str_is(r->reply.fields.headers[0].value, "b"));
}

static void begin__after_one_that_was_split__reads_whole_ones(void **state)
{
    struct reading *r = *state;

    r->reader.offer_above = 5;
    assert_int_equal(take(r, HEAD), GW_AGAIN);
    (void)gw_http1_reader_split(&r->reader);
    assert_int_equal(take(r, "0123456789"), GW_OK);
    gw_http1_reader_begin(&r->reader, &r->arena, &r->reply);
    assert_int_equal(take(r, HEAD "01"), GW_AGAIN);
    assert_false(r->reader.offered);
    assert_int_equal(take(r, "23456789"), GW_OK);
    assert_true(gw_str_is(r->reader.body, "0123456789"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(take__length_at_the_threshold__is_not_offered),
        TEST(take__nobody_asked_for_offers__none_is_made),
        TEST(take__body_came_with_its_head__is_not_offered),
        TEST(take__chunked__is_not_offered),
        TEST(take__announced_too_much__is_limit_before_it_is_offered),
        TEST(split__body__is_counted_and_its_last_bytes_given),
        TEST(split__byte_too_many__is_refused),
        TEST(gather__body__is_whole),
        TEST(begin__after_one_that_was_split__reads_whole_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
