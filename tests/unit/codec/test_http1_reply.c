/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of replies: what is read, what is refused, and that no byte behind them is looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "codec/http1_reply.h"

static const struct gw_http1_limits limits = {.head_bytes = 256, .headers = 4, .body_bytes = 100};

/* Of a copy that ends where its memory does. */
static enum gw_status parse_bytes(struct gw_str text, struct gw_http1_reply *reply)
{
    char *copy = gw_memdup(text.at, text.length);
    struct gw_err err = {""};
    enum gw_status status = gw_http1_reply_parse((struct gw_str){copy, text.length}, &limits, reply, &err);

    if (status != GW_OK && status != GW_AGAIN)
        assert_true(strlen(err.text) > 10);
    free(copy);
    return status;
}

static enum gw_status parse(const char *text, struct gw_http1_reply *reply)
{
    return parse_bytes(gw_str_from(text), reply);
}

static void reply_parse__length_or_chunks__are_told(void **state)
{
    struct gw_http1_reply reply;

    (void)state;
    assert_int_equal(parse("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nmore", &reply), GW_OK);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.minor, 1);
    assert_int_equal(reply.content_length, 12);
    assert_int_equal(reply.head_length, 39);
    assert_false(reply.chunked);
    assert_int_equal(parse("HTTP/1.0 503 \r\ncontent-length: 100\r\n\r\n", &reply), GW_OK);
    assert_int_equal(reply.status, 503);
    assert_int_equal(reply.minor, 0);
    assert_int_equal(reply.content_length, 100);
    assert_int_equal(parse("HTTP/1.1 404\r\nTransfer-Encoding: Chunked\r\n\r\n", &reply), GW_OK);
    assert_int_equal(reply.status, 404);
    assert_true(reply.chunked);
    assert_int_equal(reply.content_length, 0);
}

static void reply_parse__status_without_a_body__needs_no_length(void **state)
{
    struct gw_http1_reply reply;

    (void)state;
    assert_int_equal(parse("HTTP/1.1 204 No Content\r\n\r\n", &reply), GW_OK);
    assert_int_equal(reply.content_length, 0);
    assert_int_equal(parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", &reply), GW_OK);
    assert_int_equal(reply.content_length, 0);
    assert_int_equal(parse("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", &reply), GW_E_SYNTAX);
}

static void reply_parse__fields__can_be_asked_for(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Type:  application/json \r\nContent-Length: 0\r\n\r\n";
    struct gw_http1_reply reply;
    struct gw_err err;

    (void)state;
    assert_int_equal(gw_http1_reply_parse(gw_str_from(text), &limits, &reply, &err), GW_OK);
    assert_true(gw_str_is(gw_http1_header(&reply.fields, GW_HEADER_CONTENT_TYPE), "application/json"));
    assert_null(gw_http1_header(&reply.fields, GW_HEADER_DATE).at);
    assert_int_equal(reply.fields.header_count, 2);
}

static void reply_parse__every_prefix__asks_for_more(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\r\n";
    struct gw_http1_reply reply;

    (void)state;
    for (size_t length = 0; length < sizeof(text) - 1; length++)
        assert_int_equal(parse_bytes((struct gw_str){text, length}, &reply), GW_AGAIN);
    assert_int_equal(parse(text, &reply), GW_OK);
}

static void reply_parse__what_is_no_reply__is_refused_at_its_first_bytes(void **state)
{
    static const char *const texts[] = {"h",    "HTTP/2",    "HTTP/0.9", "HTTPS", "SSH-2.0-x\r\n",
                                        "\r\n", " HTTP/1.1", "<html>"};
    struct gw_http1_reply reply;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++)
        assert_int_equal(parse(texts[i], &reply), GW_E_SYNTAX);
    assert_int_equal(parse_bytes((struct gw_str){"\0", 1}, &reply), GW_E_SYNTAX);
}

static void reply_parse__malformed_head__is_refused(void **state)
{
    static const char *const texts[] = {
        "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200\tOK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 199 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n Content-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 0\r\n\r\n",
    };
    struct gw_http1_reply reply;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        if (parse(texts[i], &reply) != GW_E_SYNTAX)
            fail_msg("not refused: %s", texts[i]);
    }
}

static void reply_parse__more_than_the_limits__is_limit(void **state)
{
    char text[512];
    struct gw_http1_reply reply;

    (void)state;
    assert_int_equal(parse("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", &reply), GW_E_LIMIT);
    assert_int_equal(parse("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", &reply), GW_E_LIMIT);
    assert_int_equal(parse("HTTP/1.1 200 OK\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nContent-Length: 0\r\n\r\n", &reply),
                     GW_E_LIMIT);
    memset(text, 'x', sizeof(text));
    memcpy(text, "HTTP/1.1 200 ", 13);
    assert_int_equal(parse_bytes((struct gw_str){text, 255}, &reply), GW_AGAIN);
    assert_int_equal(parse_bytes((struct gw_str){text, 256}, &reply), GW_E_LIMIT);
    memcpy(text + 300, "\r\nContent-Length: 0\r\n\r\n", 23);
    assert_int_equal(parse_bytes((struct gw_str){text, 323}, &reply), GW_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reply_parse__length_or_chunks__are_told),
        cmocka_unit_test(reply_parse__status_without_a_body__needs_no_length),
        cmocka_unit_test(reply_parse__fields__can_be_asked_for),
        cmocka_unit_test(reply_parse__every_prefix__asks_for_more),
        cmocka_unit_test(reply_parse__what_is_no_reply__is_refused_at_its_first_bytes),
        cmocka_unit_test(reply_parse__malformed_head__is_refused),
        cmocka_unit_test(reply_parse__more_than_the_limits__is_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
