/* SPDX-License-Identifier: Apache-2.0 */
/* Pass-through: which hosts are the endpoint's, what of a request goes on, what a reply tells of its caller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "gateway/pass.h"

#define AWS "https://eks.{region}.amazonaws.com"

static bool is_host(const char *endpoint, const char *region, const char *host)
{
    return gw_passable_is_host(gw_str_from(endpoint), gw_str_from(region), gw_str_from(host));
}

static void pass_is_host__of_the_endpoint_in_that_region__holds(void **state)
{
    (void)state;
    assert_true(is_host(AWS, "us-west-2", "eks.us-west-2.amazonaws.com"));
    assert_true(is_host(AWS "/", "us-west-2", "EKS.us-west-2.AmazonAWS.com:443"));
    assert_true(is_host(AWS ":443", "us-west-2", "eks.us-west-2.amazonaws.com"));
    assert_true(is_host(AWS ":8443", "us-west-2", "eks.us-west-2.amazonaws.com:8443"));
    assert_true(is_host("http://eks.{region}.example", "a", "eks.a.example:80"));
    assert_true(is_host("http://{region}.{region}.example:5000", "a-1", "a-1.a-1.example:5000"));
    assert_true(is_host("https://eks.example", "us-west-2", "eks.example"));
}

static void pass_is_host__anything_else__does_not_hold(void **state)
{
    static const char *const hosts[] = {
        "",
        "eks.us-east-1.amazonaws.com",
        "eks.us-west-2.amazonaws.com:80",
        "eks.us-west-2.amazonaws.com:8443",
        "eks.us-west-2.amazonaws.com.",
        "eks.us-west-2.amazonaws.com.evil.example",
        "xeks.us-west-2.amazonaws.com",
        "eks.us-west-2.amazonaws.co",
        "eks..amazonaws.com",
        "eks.{region}.amazonaws.com",
        "sts.us-west-2.amazonaws.com",
        "us-west-2",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(hosts); i++) {
        if (is_host(AWS, "us-west-2", hosts[i]))
            fail_msg("%s", hosts[i]);
    }
    assert_false(is_host("http://{region}.{region}.example", "a", "a.b.example"));
}

static bool is_any(const char *endpoint, bool any, const char *host)
{
    static const struct gw_str regions[] = {GW_STR_INIT("us-west-2"), GW_STR_INIT("eu-west-1")};
    struct gw_verify_options options = {.regions = regions, .region_count = any ? 0 : 2};

    return gw_passable_is_any_host(gw_str_from(endpoint), &options, gw_str_from(host));
}

static void pass_is_any_host__accepted_regions__alone_hold(void **state)
{
    (void)state;
    assert_true(is_any(AWS, false, "eks.us-west-2.amazonaws.com:443"));
    assert_true(is_any(AWS, false, "eks.eu-west-1.amazonaws.com:443"));
    assert_false(is_any(AWS, false, "eks.us-east-1.amazonaws.com:443"));
    assert_false(is_any(AWS, false, "eks.us-west-2.amazonaws.com:22"));
    assert_true(is_any(AWS, true, "eks.us-gov-east-1.amazonaws.com:443"));
    assert_true(is_any("https://eks.example", true, "eks.example:443"));
    assert_true(is_any("http://{region}.x.{region}:1", true, "a-b.x.a-b:1"));
    assert_false(is_any("http://{region}.x.{region}:1", true, "a-b.x.a-c:1"));
    assert_false(is_any(AWS, true, "eks.a.b.amazonaws.com:443"));
    assert_false(is_any(AWS, true, "eks..amazonaws.com:443"));
    assert_false(is_any(AWS, true, "eks.us west.amazonaws.com:443"));
    assert_false(is_any(AWS, true, "sts.us-west-2.amazonaws.com:443"));
    assert_false(is_any(AWS, true, "a"));
    assert_false(is_any(AWS, true, ""));
}

static struct gw_http1_request parse(const char *text)
{
    struct gw_http1_limits limits = {16384, 64, 65536};
    struct gw_http1_request request;
    struct gw_http1_error error;
    size_t scanned = 0;

    if (gw_http1_parse_head(gw_str_from(text), &limits, &scanned, &request, &error) != GW_OK)
        fail_msg("%s", error.reason);
    return request;
}

static void assert_goes_on(const char *came, size_t body, const char *expected)
{
    struct gw_http1_request request = parse(came);
    struct gw_buf head;

    gw_buf_init(&head, 65536);
    assert_int_equal(gw_pass_append_head(&request, body, &head), GW_OK);
    gw_buf_append_byte(&head, '\0');
    assert_string_equal(head.at, expected);
    gw_buf_fini(&head);
}

static void pass_head__goes_on_as_it_came(void **state)
{
    (void)state;
    assert_goes_on("GET /a%2Fb/%E4?x=%20&y HTTP/1.1\r\nhost:eks.example\r\nX-Amz-Date:  20260101T000000Z \t\r\n"
                   "x-Odd: \xc3\xa4  b\r\nEmpty:\r\nAuthorization: AWS4 x\r\nX-Odd: again\r\n\r\n",
                   0,
                   "GET /a%2Fb/%E4?x=%20&y HTTP/1.1\r\nhost:eks.example\r\nX-Amz-Date:  20260101T000000Z \t\r\n"
                   "x-Odd: \xc3\xa4  b\r\nEmpty:\r\nAuthorization: AWS4 x\r\nX-Odd: again\r\n");
    assert_goes_on("POST http://eks.example/c HTTP/1.1\r\nHost: eks.example\r\nContent-Length: 2\r\n\r\n", 2,
                   "POST /c HTTP/1.1\r\nHost: eks.example\r\nContent-Length: 2\r\n");
}

static void pass_head__of_this_connection__stays_behind(void **state)
{
    (void)state;
    assert_goes_on("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Mine\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
                   "Proxy-Connection: x\r\nproxy-authorization: Basic x\r\nUpgrade: h2c\r\nTrailer: x\r\nx-mine: 1\r\n"
                   "Expect: 100-continue\r\nconnection: x-too\r\nX-Too: 1\r\nX-Kept: 1\r\n\r\n",
                   0, "GET / HTTP/1.1\r\nHost: a\r\nX-Kept: 1\r\n");
    assert_goes_on("GET / HTTP/1.1\r\nHost: a\r\nConnection: x-amz-date, host, authorization, content-type, date\r\n"
                   "X-Amz-Date: 1\r\nAuthorization: 2\r\nContent-Type: 3\r\nDate: 4\r\n\r\n",
                   0,
                   "GET / HTTP/1.1\r\nHost: a\r\nX-Amz-Date: 1\r\nAuthorization: 2\r\nContent-Type: 3\r\nDate: 4\r\n");
    assert_goes_on("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n", 17,
                   "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 17\r\nX: 1\r\n");
}

static bool may_go(const char *fields, const char *signed_headers)
{
    char text[512];
    struct gw_http1_request request;

    (void)snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    request = parse(text);
    return gw_passable_why_not(&request, gw_str_from(signed_headers)) == NULL;
}

static void pass_why_not__signed_fields_that_would_be_touched__refuse(void **state)
{
    static const char *const hops[] = {"connection", "expect",  "keep-alive",        "proxy-anything",
                                       "te",         "trailer", "transfer-encoding", "upgrade"};

    (void)state;
    assert_true(may_go("Connection: close\r\nTE: x\r\n", "content-type;host;x-amz-date"));
    assert_true(may_go("Connection: x-amz-date\r\n", "host;x-amz-date"));
    assert_true(may_go("Content-Length: 0\r\n", "content-length;host"));
    for (size_t i = 0; i < GW_COUNT(hops); i++)
        assert_false(may_go("", hops[i]));
    assert_false(may_go("Connection: mine\r\nMine: 1\r\n", "host;mine;x-amz-date"));
    assert_false(may_go("Transfer-Encoding: chunked\r\n", "content-length;host"));
    assert_true(may_go("Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n", "host"));
}

static void pass_why_not__what_could_be_read_in_two_ways__refuses(void **state)
{
    static const char *const names[] = {"X-HTTP-Method-Override", "x-http-method", "X-Method-Override",
                                        "X-Original-URL",         "X-Rewrite-URL", "X-Amz-Target"};
    struct gw_http1_request request;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        char field[64];

        (void)snprintf(field, sizeof(field), "%s: DELETE\r\n", names[i]);
        assert_false(may_go(field, "host"));
    }
    request = parse("GET /clusters/a?nextToken=b+c HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(gw_passable_why_not(&request, GW_STR("host")));
    request = parse("GET /clusters/a/node-groups/b;c=d HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(gw_passable_why_not(&request, GW_STR("host")));
    request = parse("GET /clusters/a/node-groups?maxResults=1;nextToken=b HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(gw_passable_why_not(&request, GW_STR("host")));
    request = parse("GET /clusters/a?nextToken=b%2Bc%20d%3B HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_null(gw_passable_why_not(&request, GW_STR("host")));
    assert_true(may_go("Content-Length: 1\r\nContent-Type: application/json\r\n", "host"));
    assert_true(may_go("Content-Length: 1\r\nContent-Type: application/json; charset=UTF-8\r\n", "host"));
    assert_true(may_go("Content-Length: 1\r\nContent-Type: application/x-amz-json-1.1\r\n", "host"));
    assert_true(may_go("Content-Length: 0\r\nContent-Type: text/plain\r\n", "host"));
    assert_false(may_go("Content-Length: 1\r\n", "host"));
    assert_false(may_go("Content-Length: 1\r\nContent-Type: application/cbor\r\n", "host"));
    assert_false(may_go("Content-Length: 1\r\nContent-Type: application/json; charset=utf-16\r\n", "host"));
    assert_false(may_go("Content-Length: 1\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n", "host"));
}

static bool vouches_with(unsigned status, const char *type, const char *message)
{
    struct gw_upstream_call call = {.outcome = GW_UPSTREAM_REPLIED, .reply = {.status = status}};

    if (type != NULL) {
        call.reply.fields.header_count = 1;
        call.reply.fields.headers[0] =
            (struct gw_header){GW_STR("x-amzn-ErrorType"), gw_str_from(type), GW_HEADER_OTHER};
    }
    return gw_pass_is_vouched_for(&call, gw_str_from(message));
}

static bool vouches(unsigned status, const char *type)
{
    return vouches_with(status, type, "m");
}

static void pass_is_vouched_for__what_only_a_verified_caller_gets__holds(void **state)
{
    struct gw_upstream_call none = {.outcome = GW_UPSTREAM_UNKNOWN, .reply = {.status = 200}};

    (void)state;
    assert_true(vouches(200, NULL));
    assert_true(vouches(404, "ResourceNotFoundException"));
    assert_true(vouches(400, "InvalidParameterException"));
    assert_true(vouches_with(403, "AccessDeniedException:http://internal/",
                             "User: arn:aws:iam::012345678910:user/u is not authorized to perform: eks:ListClusters"));
    assert_false(
        vouches_with(403, "AccessDeniedException", "Unable to determine service/operation name to be authorized"));
    assert_false(vouches_with(403, "AccessDeniedException", "User:  is not authorized to perform: eks:ListClusters"));
    assert_true(vouches(409, "com.amazonaws.eks#ResourceInUseException"));
    assert_false(vouches(403, "InvalidSignatureException:http://internal/"));
    assert_false(vouches(403, "UnrecognizedClientException"));
    assert_false(vouches(403, "ExpiredTokenException"));
    assert_false(vouches(403, "IncompleteSignatureException"));
    assert_false(vouches(403, "MissingAuthenticationTokenException"));
    assert_false(vouches(400, "InvalidSignatureException"));
    assert_false(vouches(403, NULL));
    assert_false(vouches(403, "OptInRequired"));
    assert_false(vouches(403, "signaturedoesnotmatch"));
    assert_false(vouches(404, "UnknownOperationException"));
    assert_false(vouches(400, "SerializationException"));
    assert_false(vouches(400, "BadRequestException"));
    assert_false(vouches(413, "RequestEntityTooLargeException"));
    assert_false(vouches(429, "ThrottlingException"));
    assert_false(vouches(500, "ServerException"));
    assert_false(vouches(503, "ServiceUnavailableException"));
    assert_false(vouches(302, NULL));
    assert_false(gw_pass_is_vouched_for(&none, GW_STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pass_is_host__of_the_endpoint_in_that_region__holds),
        cmocka_unit_test(pass_is_host__anything_else__does_not_hold),
        cmocka_unit_test(pass_is_any_host__accepted_regions__alone_hold),
        cmocka_unit_test(pass_head__goes_on_as_it_came),
        cmocka_unit_test(pass_head__of_this_connection__stays_behind),
        cmocka_unit_test(pass_why_not__signed_fields_that_would_be_touched__refuse),
        cmocka_unit_test(pass_why_not__what_could_be_read_in_two_ways__refuses),
        cmocka_unit_test(pass_is_vouched_for__what_only_a_verified_caller_gets__holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
