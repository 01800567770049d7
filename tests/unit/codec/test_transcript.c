/* SPDX-License-Identifier: Apache-2.0 */
/* Requests out of what clients print of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "codec/http1.h"
#include "codec/python.h"
#include "codec/sigv4_compare.h"
#include "codec/transcript.h"

static struct gw_arena arena;
static struct gw_err err;

static int setup(void **state)
{
    (void)state;
    gw_arena_init(&arena, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gw_arena_fini(&arena);
    return 0;
}

static struct gw_str sample(const char *name)
{
    char path[256];
    struct gw_buf text;
    struct gw_str kept;

    (void)snprintf(path, sizeof(path), GW_TEST_DATA "/transcripts/%s", name);
    gw_buf_init(&text, (size_t)1 << 20);
    assert_int_equal(gw_file_read(path, &text, &err), GW_OK);
    kept = gw_arena_str(&arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return kept;
}

static void assert_str(struct gw_str text, const char *wanted)
{
    if (!gw_str_is(text, wanted))
        fail_msg("'%.*s' is not '%s'", GW_STR_ARG(text), wanted);
}

static struct gw_http1_request parse(struct gw_str head)
{
    const struct gw_http1_limits limits = {16384, 64, 1 << 20};
    struct gw_http1_request request;
    struct gw_http1_error error;
    size_t scanned = 0;

    if (gw_http1_parse_head(head, &limits, &scanned, &request, &error) != GW_OK)
        fail_msg("%s:\n%.*s", error.reason, GW_STR_ARG(head));
    return request;
}

static struct gw_transcript read_good(struct gw_str text, enum gw_transcript_kind kind)
{
    struct gw_transcript transcript;

    if (gw_transcript_read(text, &arena, &transcript, &err) != GW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(transcript.kind, kind);
    return transcript;
}

static void transcript_read__aws_create__is_the_request_that_was_sent(void **state)
{
    struct gw_transcript one = read_good(sample("aws-create.log"), GW_TRANSCRIPT_BOTOCORE);
    struct gw_http1_request request = parse(one.head);

    (void)state;
    assert_int_equal(one.requests, 1);
    assert_str(request.target, "/clusters/my-cluster/access-entries");
    assert_str(request.host, "127.0.0.1:18123");
    assert_true(one.has_body);
    assert_int_equal(one.body.length, request.content_length);
    assert_true(gw_str_starts(one.canonical, GW_STR("POST\n/clusters/my-cluster/access-entries\n\ncontent-type:")));
    assert_int_equal(gw_str_search(one.canonical, GW_STR("DEBUG")), SIZE_MAX);
    assert_true(gw_str_starts(one.string_to_sign, GW_STR("AWS4-HMAC-SHA256\n2026")));
}

static void transcript_read__quotes_in_a_body__are_unescaped(void **state)
{
    struct gw_transcript one = read_good(sample("aws-quotes.log"), GW_TRANSCRIPT_BOTOCORE);

    (void)state;
    assert_true(gw_str_search(one.body, GW_STR("\"a\": \"it's \\\"q\\\" \\u00e9\\\\\"")) != SIZE_MAX);
    assert_int_equal(one.body.length, parse(one.head).content_length);
}

static void transcript_read__a_form__is_encoded_as_it_was_sent(void **state)
{
    struct gw_transcript one = read_good(sample("aws-sts.log"), GW_TRANSCRIPT_BOTOCORE);

    (void)state;
    assert_str(one.body, "Action=GetCallerIdentity&Version=2011-06-15");
    assert_int_equal(one.body.length, parse(one.head).content_length);
}

static void transcript_read__a_query__stays_as_it_was_sent(void **state)
{
    struct gw_transcript one = read_good(sample("aws-list.log"), GW_TRANSCRIPT_BOTOCORE);

    (void)state;
    assert_str(parse(one.head).query, "associatedPolicyArn=arn%3Aaws%3Aeks%3A%3Aaws%3Acluster-access-policy%2FAmazonEKS"
                                      "ViewPolicy&maxResults=3");
}

static void transcript_read__curl__has_a_head_and_no_body(void **state)
{
    struct gw_transcript one = read_good(sample("curl-create.log"), GW_TRANSCRIPT_CURL);
    struct gw_http1_request request = parse(one.head);

    (void)state;
    assert_str(request.method_text, "POST");
    assert_int_equal(request.header_count, 7);
    assert_false(one.has_body);
    assert_null(one.canonical.at);
}

static void transcript_read__curl_over_http2__is_one_of_http1(void **state)
{
    struct gw_transcript one = read_good(GW_STR("* noise\n> GET /a HTTP/2\n> Host: b\n> accept: */*\n> \n< HTTP/2 200\n"
                                                "> POST /last HTTP/2\n> Host: b\n>\n"),
                                         GW_TRANSCRIPT_CURL);

    (void)state;
    assert_int_equal(one.requests, 2);
    assert_str(one.head, "POST /last HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_true(one.has_body);
}

static void transcript_read__raw_with_lf__gets_crlf(void **state)
{
    struct gw_transcript one = read_good(GW_STR("GET / HTTP/1.1\nHost: a\n\n{\n}\n"), GW_TRANSCRIPT_RAW);

    (void)state;
    assert_str(one.head, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_str(one.body, "{\n}\n");
}

static void transcript_read__several_requests__the_last_is_taken(void **state)
{
    struct gw_str first = sample("aws-list.log");
    struct gw_str both =
        gw_arena_printf(&arena, "%.*s\n%.*s", GW_STR_ARG(first), GW_STR_ARG(sample("aws-describe.log")));
    struct gw_transcript one = read_good(both, GW_TRANSCRIPT_BOTOCORE);

    (void)state;
    assert_int_equal(one.requests, 2);
    assert_true(gw_str_starts(one.head, GW_STR("GET /clusters/my-cluster/access-entries/arn")));
    assert_true(gw_str_search(one.canonical, GW_STR("role%252Fteam%252Fdev")) != SIZE_MAX);
}

static void transcript_read__what_cannot_be_read__is_told(void **state)
{
    static const char *const texts[] = {
        "",
        "  \t",
        "botocore.endpoint and nothing else",
        "Sending http request: <AWSPreparedRequest method=GET, headers={}>",
        "Sending http request: <AWSPreparedRequest method=GET, url=ftp://a, headers={}>",
        "Sending http request: <AWSPreparedRequest method=GET, url=http://a, headers={'a': b'b\\r\\nc: d'}>",
        "Sending http request: <AWSPreparedRequest method=GET, url=http://a, headers={'a': 1}>",
        "Sending http request: <AWSPreparedRequest method=GET, url=http://a, headers={'a': 'b'",
        "Making request for OperationModel(name=X) with params: {'a': {{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{",
    };
    struct gw_transcript transcript;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        err.text[0] = '\0';
        assert_int_not_equal(gw_transcript_read(gw_str_from(texts[i]), &arena, &transcript, &err), GW_OK);
        assert_int_not_equal(err.text[0], '\0');
    }
}

static void python_string__literals__are_read(void **state)
{
    static const struct {
        const char *text;
        const char *value; /* NULL: refused */
    } cases[] = {
        {"'a'", "a"},
        {"\"it's\"", "it's"},
        {"b'\\xc3\\xa9\\n'", "\xc3\xa9\n"},
        {"'\\xe9'", "\xc3\xa9"},
        {"'\\u20ac\\U0001f600'", "\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"'\\\\\\''", "\\'"},
        {"'a", NULL},
        {"'\\", NULL},
        {"'\\x4'", NULL},
        {"'\\ud800'", NULL},
        {"'\\U00110000'", NULL},
        {"b'\\u0041'", NULL},
        {"'\\q'", NULL},
        {"None", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_python cursor = {cases[i].text, cases[i].text + strlen(cases[i].text)};
        struct gw_str value;
        enum gw_status status = gw_python_string(&cursor, &arena, &value);

        assert_int_equal(status, cases[i].value == NULL ? GW_E_SYNTAX : GW_OK);
        if (status == GW_OK)
            assert_str(value, cases[i].value);
    }
}

static void python_skip__odd_values__are_stepped_over(void **state)
{
    static const char text[] = "{'a': <x object at 0x1, y='}'>, 'b': [(1, 'q)'), {}], 'c': f(d=\"]\"), 'z': 'end'}";
    struct gw_python cursor = {text, text + sizeof(text) - 1};
    struct gw_str key = GW_STR_NONE;
    struct gw_str value;

    (void)state;
    assert_true(gw_python_take(&cursor, '{'));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(gw_python_key(&cursor, &arena, &key), GW_OK);
        assert_int_equal(gw_python_skip(&cursor), GW_OK);
    }
    assert_int_equal(gw_python_key(&cursor, &arena, &key), GW_OK);
    assert_str(key, "z");
    assert_int_equal(gw_python_string(&cursor, &arena, &value), GW_OK);
    assert_int_equal(gw_python_key(&cursor, &arena, &key), GW_E_MISSING);
}

#define CANONICAL(path, query, headers, names, hash) "POST\n" path "\n" query "\n" headers "\n" names "\n" hash

static void sigv4_compare__each_part__is_named(void **state)
{
    static const char base[] = CANONICAL("/a", "a=1&b=2", "host:h\nx-amz-date:1\n", "host;x-amz-date", "00");
    static const struct {
        const char *left;
        enum gw_sigv4_part part;
        const char *name;
    } cases[] = {
        {"PUT\n/a", GW_SIGV4_PART_METHOD, ""},
        {CANONICAL("/b", "a=1&b=2", "host:h\nx-amz-date:1\n", "host;x-amz-date", "00"), GW_SIGV4_PART_PATH, ""},
        {CANONICAL("/a", "a=1&b=3", "host:h\nx-amz-date:1\n", "host;x-amz-date", "00"), GW_SIGV4_PART_QUERY, "b"},
        {CANONICAL("/a", "a=1", "host:h\nx-amz-date:1\n", "host;x-amz-date", "00"), GW_SIGV4_PART_QUERY, "b"},
        {CANONICAL("/a", "a=1&b=2&c", "host:h\nx-amz-date:1\n", "host;x-amz-date", "00"), GW_SIGV4_PART_QUERY, "c"},
        {CANONICAL("/a", "a=1&b=2", "host:g\nx-amz-date:1\n", "host;x-amz-date", "00"), GW_SIGV4_PART_HEADER, "host"},
        {CANONICAL("/a", "a=1&b=2", "accept:x\nhost:h\nx-amz-date:1\n", "accept;host;x-amz-date", "00"),
         GW_SIGV4_PART_HEADER, "accept"},
        {CANONICAL("/a", "a=1&b=2", "host:h\n", "host", "00"), GW_SIGV4_PART_HEADER, "x-amz-date"},
        {CANONICAL("/a", "a=1&b=2", "host:h\nx-amz-date:1\n", "host;x", "00"), GW_SIGV4_PART_SIGNED_HEADERS, ""},
        {CANONICAL("/a", "a=1&b=2", "host:h\nx-amz-date:1\n", "host;x-amz-date", "01"), GW_SIGV4_PART_BODY, ""},
    };
    struct gw_sigv4_difference difference;

    (void)state;
    assert_false(gw_sigv4_compare(
        GW_STR(base), gw_str_from(CANONICAL("/a", "a=1&b=2", "host:h\nx-amz-date:1\n", "host;x-amz-date", "00\n")),
        &difference));
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        assert_true(gw_sigv4_compare(gw_str_from(cases[i].left), GW_STR(base), &difference));
        assert_int_equal(difference.part, cases[i].part);
        assert_str(difference.name, cases[i].name);
    }
    assert_int_equal(difference.offset, sizeof(base) - 2);
    assert_int_equal(difference.line, 8);
    assert_str(difference.left, "01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(transcript_read__aws_create__is_the_request_that_was_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(transcript_read__quotes_in_a_body__are_unescaped, setup, teardown),
        cmocka_unit_test_setup_teardown(transcript_read__a_form__is_encoded_as_it_was_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(transcript_read__a_query__stays_as_it_was_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(transcript_read__curl__has_a_head_and_no_body, setup, teardown),
        cmocka_unit_test_setup_teardown(transcript_read__curl_over_http2__is_one_of_http1, setup, teardown),
        cmocka_unit_test_setup_teardown(transcript_read__raw_with_lf__gets_crlf, setup, teardown),
        cmocka_unit_test_setup_teardown(transcript_read__several_requests__the_last_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(transcript_read__what_cannot_be_read__is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(python_string__literals__are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(python_skip__odd_values__are_stepped_over, setup, teardown),
        cmocka_unit_test(sigv4_compare__each_part__is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
