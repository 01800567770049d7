/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request heads: the cases of tests/data/http1/head, each whole, cut at every
 * byte and against an unreadable page; what the reader fills in; its limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/http1.h"
#include "http1_case.h"

static const struct gw_http1_limits limits = {.head_bytes = 16384, .headers = 64, .body_bytes = 1048576};

static enum gw_status parse(struct gw_str data, const struct gw_http1_limits *bounds, struct gw_http1_request *request,
                            struct gw_http1_error *error)
{
    size_t scanned = 0;

    return gw_http1_parse_head(data, bounds, &scanned, request, error);
}

/* "ok keep", "ok close", or the status of the refusal. */
static void say(enum gw_status status, const struct gw_http1_request *request, const struct gw_http1_error *error,
                char out[32])
{
    if (status == GW_OK)
        (void)snprintf(out, 32, "ok %s", request->keep_alive ? "keep" : "close");
    else if (status == GW_AGAIN)
        (void)snprintf(out, 32, "again");
    else
        (void)snprintf(out, 32, "%u", error->status);
}

static void check_verdict(const struct http1_case *one, const char *got, const char *how)
{
    if (strcmp(got, one->expect) != 0 && !(strcmp(one->expect, "ok") == 0 && strcmp(got, "ok keep") == 0))
        fail_msg("%s, %s: expected %s, got %s", one->name, how, one->expect, got);
}

static void run_whole(const struct http1_case *one)
{
    struct gw_http1_request request;
    struct gw_http1_error error;
    struct fence fence;
    char got[32];

    fence_open(&fence);
    say(parse(fence_put(&fence, gw_buf_str(&one->bytes)), &limits, &request, &error), &request, &error, got);
    check_verdict(one, got, "whole");
    fence_close(&fence);
}

/* Bytes come one by one, each time in front of the unreadable page. */
static void run_dripping(const struct http1_case *one)
{
    struct gw_http1_request request;
    struct gw_http1_error error;
    struct fence fence;
    enum gw_status status = GW_AGAIN;
    size_t scanned = 0;
    char got[32];

    fence_open(&fence);
    for (size_t length = 0; length <= one->bytes.length && status == GW_AGAIN; length++) {
        struct gw_str data = fence_put(&fence, (struct gw_str){one->bytes.at, length});

        status = gw_http1_parse_head(data, &limits, &scanned, &request, &error);
    }
    say(status, &request, &error, got);
    check_verdict(one, got, "byte by byte");
    fence_close(&fence);
}

/* A refusal never depends on what stands behind the message, nor does an acceptance. */
static void run_pipelined(const struct http1_case *one)
{
    struct gw_http1_request request;
    struct gw_http1_error error;
    struct gw_buf bytes;
    char got[32];

    gw_buf_init(&bytes, 65536);
    gw_buf_append_str(&bytes, gw_buf_str(&one->bytes));
    gw_buf_append_lit(&bytes, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    say(parse(gw_buf_str(&bytes), &limits, &request, &error), &request, &error, got);
    check_verdict(one, got, "with another behind it");
    gw_buf_fini(&bytes);
}

static void head__each_case__has_the_verdict_its_file_names(void **state)
{
    (void)state;
    each_case("head", 150, run_whole);
}

static void head__cut_at_every_byte__has_the_same_verdict(void **state)
{
    (void)state;
    each_case("head", 150, run_dripping);
}

static void head__followed_by_another__has_the_same_verdict(void **state)
{
    (void)state;
    each_case("head", 150, run_pipelined);
}

static void require_str(struct gw_str got, const char *expected)
{
    if (!gw_str_is(got, expected))
        fail_msg("expected '%s', got '%.*s'", expected, GW_STR_ARG(got));
}

static void head__of_a_post__gives_every_part_as_sent(void **state)
{
    static const char text[] = "POST /clusters/a%2Fb/access-entries?x=%20&y HTTP/1.1\r\nhOsT:eks.example:8080 \r\n"
                               "Content-Length: 42\r\nX-Amz-Date:\t20150830T123600Z\r\nexpect: 100-continue\r\n"
                               "X-Other: a  b\r\n\r\nbody";
    struct gw_http1_request request;
    struct gw_http1_error error;

    (void)state;
    assert_int_equal(parse(GW_STR(text), &limits, &request, &error), GW_OK);
    assert_int_equal(request.method, GW_METHOD_POST);
    require_str(request.method_text, "POST");
    require_str(request.target, "/clusters/a%2Fb/access-entries?x=%20&y");
    require_str(request.path, "/clusters/a%2Fb/access-entries");
    require_str(request.query, "x=%20&y");
    require_str(request.host, "eks.example:8080");
    assert_int_equal(request.minor, 1);
    assert_true(request.keep_alive && request.expect_continue && request.has_length && !request.chunked);
    assert_int_equal(request.content_length, 42);
    assert_int_equal(request.head_length, sizeof(text) - 1 - 4);
    assert_int_equal(request.header_count, 5);
    require_str(request.headers[0].name, "hOsT");
    require_str(request.headers[4].name, "X-Other");
    require_str(request.headers[4].value, "a  b");
    assert_int_equal(request.headers[4].id, GW_HEADER_OTHER);
    require_str(gw_http1_header(&request, GW_HEADER_X_AMZ_DATE), "20150830T123600Z");
    assert_null(gw_http1_header(&request, GW_HEADER_AUTHORIZATION).at);
}

static void head__without_query__has_none(void **state)
{
    struct gw_http1_request request;
    struct gw_http1_error error;

    (void)state;
    assert_int_equal(parse(GW_STR("GET /a HTTP/1.1\r\nHost: a\r\n\r\n"), &limits, &request, &error), GW_OK);
    assert_null(request.query.at);
    assert_int_equal(parse(GW_STR("GET /a? HTTP/1.1\r\nHost: a\r\n\r\n"), &limits, &request, &error), GW_OK);
    assert_non_null(request.query.at);
    assert_int_equal(request.query.length, 0);
}

static void head__in_absolute_form__keeps_the_path_only(void **state)
{
    struct gw_http1_request request;
    struct gw_http1_error error;

    (void)state;
    assert_int_equal(parse(GW_STR("GET http://a:1/b?c HTTP/1.1\r\nHost: a:1\r\n\r\n"), &limits, &request, &error),
                     GW_OK);
    require_str(request.target, "/b?c");
    require_str(request.path, "/b");
    assert_int_equal(parse(GW_STR("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n"), &limits, &request, &error), GW_OK);
    require_str(request.path, "/");
}

static void head__same_struct_twice__forgets_the_first(void **state)
{
    struct gw_http1_request request;
    struct gw_http1_error error;

    (void)state;
    assert_int_equal(parse(GW_STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n"
                                  "Connection: close\r\nDate: x\r\n\r\n"),
                           &limits, &request, &error),
                     GW_OK);
    assert_true(request.chunked && request.expect_continue && !request.keep_alive);
    assert_int_equal(parse(GW_STR("GET / HTTP/1.1\r\nHost: b\r\n\r\n"), &limits, &request, &error), GW_OK);
    assert_true(!request.chunked && !request.expect_continue && request.keep_alive && !request.has_length);
    assert_null(gw_http1_header(&request, GW_HEADER_DATE).at);
}

static void head__one_byte_over_the_cap__is_431(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct gw_http1_limits bounds = limits;
    struct gw_http1_request request;
    struct gw_http1_error error;

    (void)state;
    bounds.head_bytes = sizeof(text) - 1;
    assert_int_equal(parse(GW_STR(text), &bounds, &request, &error), GW_OK);
    bounds.head_bytes--;
    assert_int_equal(parse(GW_STR(text), &bounds, &request, &error), GW_E_LIMIT);
    assert_int_equal(error.status, 431);
    /* the same when the end hasn't come yet */
    assert_int_equal(parse(gw_str_slice(GW_STR(text), 0, bounds.head_bytes), &bounds, &request, &error), GW_E_LIMIT);
    assert_int_equal(error.status, 431);
    assert_int_equal(parse(gw_str_slice(GW_STR(text), 0, bounds.head_bytes - 1), &bounds, &request, &error), GW_AGAIN);
}

static enum gw_status parse_with_headers(size_t count, size_t cap, struct gw_http1_error *error)
{
    struct gw_http1_limits bounds = {.head_bytes = 65536, .headers = cap, .body_bytes = 0};
    struct gw_http1_request request;
    struct gw_buf text;
    enum gw_status status;

    gw_buf_init(&text, 65536);
    gw_buf_append_lit(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (size_t i = 1; i < count; i++)
        gw_buf_append_lit(&text, "x:\r\n");
    gw_buf_append_lit(&text, "\r\n");
    status = parse(gw_buf_str(&text), &bounds, &request, error);
    if (status == GW_OK)
        assert_int_equal(request.header_count, count);
    gw_buf_fini(&text);
    return status;
}

static void head__one_header_over_the_cap__is_431(void **state)
{
    struct gw_http1_error error;

    (void)state;
    assert_int_equal(parse_with_headers(10, 10, &error), GW_OK);
    assert_int_equal(parse_with_headers(11, 10, &error), GW_E_LIMIT);
    assert_int_equal(error.status, 431);
    assert_int_equal(parse_with_headers(GW_HTTP1_HEADERS_MAX, 100000, &error), GW_OK);
    assert_int_equal(parse_with_headers(GW_HTTP1_HEADERS_MAX + 1, 100000, &error), GW_E_LIMIT);
    assert_int_equal(error.status, 431);
}

/* Every byte at every place of a head: the reader never accepts a byte in a name or target that the grammar forbids. */
static void head__each_byte_value__is_allowed_only_where_the_grammar_has_it(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char name[] = "GET / HTTP/1.1\r\nHost: a\r\nx?y: 1\r\n\r\n";
        char value[] = "GET / HTTP/1.1\r\nHost: a\r\nxy: 1?2345678901234567\r\n\r\n";
        char target[] = "GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n";
        bool token = byte != 0 && byte < 0x7f && byte > 0x20 && strchr("\"(),/:;<=>?@[\\]{}", byte) == NULL;
        struct gw_http1_request request;
        struct gw_http1_error error;

        name[26] = value[30] = target[6] = (char)byte;
        assert_int_equal(parse(GW_STR(name), &limits, &request, &error) == GW_OK, token || byte == ':');
        assert_int_equal(parse(GW_STR(value), &limits, &request, &error) == GW_OK,
                         byte == '\t' || (byte >= 0x20 && byte != 0x7f));
        assert_int_equal(parse(GW_STR(target), &limits, &request, &error) == GW_OK,
                         byte > 0x20 && byte < 0x7f && byte != '#');
    }
}

static void header_id__known_names__in_any_case(void **state)
{
    static const char *const names[GW_HEADER_COUNT] = {
        [GW_HEADER_HOST] = "HoSt",
        [GW_HEADER_AUTHORIZATION] = "authorization",
        [GW_HEADER_CONTENT_LENGTH] = "Content-Length",
        [GW_HEADER_CONTENT_TYPE] = "Content-Type",
        [GW_HEADER_TRANSFER_ENCODING] = "TRANSFER-ENCODING",
        [GW_HEADER_EXPECT] = "Expect",
        [GW_HEADER_DATE] = "date",
        [GW_HEADER_X_AMZ_DATE] = "X-Amz-Date",
        [GW_HEADER_X_AMZ_SECURITY_TOKEN] = "x-amz-security-token",
        [GW_HEADER_X_AMZ_CONTENT_SHA256] = "X-Amz-Content-SHA256",
        [GW_HEADER_USER_AGENT] = "User-Agent",
        [GW_HEADER_ORIGIN] = "Origin",
        [GW_HEADER_SEC_FETCH_SITE] = "Sec-Fetch-Site",
        [GW_HEADER_X_EKSGATE_ADMIN] = "X-Eksgate-Admin",
        [GW_HEADER_CONNECTION] = "Connection",
        [GW_HEADER_X_FORWARDED_FOR] = "X-Forwarded-For",
    };

    (void)state;
    for (size_t id = 1; id < GW_HEADER_COUNT; id++)
        assert_int_equal(gw_http1_header_id(gw_str_from(names[id])), id);
    assert_int_equal(gw_http1_header_id(GW_STR("Hose")), GW_HEADER_OTHER);
    assert_int_equal(gw_http1_header_id(GW_STR("x\ramz\rdate")), GW_HEADER_OTHER);
    assert_int_equal(gw_http1_header_id(GW_STR("")), GW_HEADER_OTHER);
}

static void reason__of_a_known_status__is_its_phrase(void **state)
{
    (void)state;
    assert_string_equal(gw_http1_reason(200), "OK");
    assert_string_equal(gw_http1_reason(422), "Unprocessable Content");
    assert_string_equal(gw_http1_reason(431), "Request Header Fields Too Large");
    assert_string_equal(gw_http1_reason(299), "Unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head__each_case__has_the_verdict_its_file_names),
        cmocka_unit_test(head__cut_at_every_byte__has_the_same_verdict),
        cmocka_unit_test(head__followed_by_another__has_the_same_verdict),
        cmocka_unit_test(head__of_a_post__gives_every_part_as_sent),
        cmocka_unit_test(head__without_query__has_none),
        cmocka_unit_test(head__in_absolute_form__keeps_the_path_only),
        cmocka_unit_test(head__same_struct_twice__forgets_the_first),
        cmocka_unit_test(head__one_byte_over_the_cap__is_431),
        cmocka_unit_test(head__one_header_over_the_cap__is_431),
        cmocka_unit_test(head__each_byte_value__is_allowed_only_where_the_grammar_has_it),
        cmocka_unit_test(header_id__known_names__in_any_case),
        cmocka_unit_test(reason__of_a_known_status__is_its_phrase),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
