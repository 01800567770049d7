/* SPDX-License-Identifier: Apache-2.0 */
/* Every check of a signature by itself, for who wants to know why a request is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/explain.h"

#define TIME "20150830T123600Z"
#define NOW  INT64_C(1440938160000)

static const char keys_text[] =
    "{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"AKIDEXAMPLE\",\"SecretAccessKey\":\"wJalrXUtnFEMI/"
    "K7MDENG+bPxRfiCYEXAMPLEKEY\",\"Arn\":\"arn:aws:iam::012345678910:user/quickstart\"},"
    "{\"AccessKeyId\":\"ASIDTOKEN\",\"SecretAccessKey\":\"token-secret\",\"SessionToken\":\"T\",\"Expiration\":"
    "\"2015-08-30T12:35:00Z\",\"Arn\":\"arn:aws:sts::012345678910:assumed-role/dev/carol\"}]}";

static struct gw_arena arena;
static struct gw_keyring *keyring;
static struct gw_verifier *verifier;
static struct gw_http1_request request;
static struct gw_explain_report report;

static int setup(void **state)
{
    static const struct gw_str region = GW_STR_INIT("us-east-1");
    struct gw_verify_options options = {
        .regions = &region, .region_count = 1, .clock_window_s = 300, .query_expires_max_s = 900};
    struct gw_err err;

    (void)state;
    gw_arena_init(&arena, 0);
    verifier = gw_verify_new(&options);
    return gw_keyring_parse(GW_STR(keys_text), "test", &keyring, &err) == GW_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    gw_keyring_free(&keyring);
    gw_verify_free(&verifier);
    gw_arena_fini(&arena);
    return 0;
}

/* What is said of a GET with these fields (each with CRLF) besides Host. */
static void look(const char *fields, bool has_body)
{
    const struct gw_http1_limits limits = {16384, 64, 1 << 20};
    struct gw_str head = gw_arena_printf(&arena, "GET /clusters HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);
    struct gw_explain_request what = {
        .request = &request, .has_body = has_body, .service = {GW_STR_INIT("eks"), false}, .now_ms = NOW};
    struct gw_http1_error error;
    size_t scanned = 0;

    assert_int_equal(gw_http1_parse_head(head, &limits, &scanned, &request, &error), GW_OK);
    gw_explain_signature(verifier, keyring, &what, &arena, &report);
}

/* One letter per check, in order: holds, Fails, can't be told. */
static void assert_outcomes(const char *wanted)
{
    static const char letters[] = {[GW_EXPLAIN_HOLDS] = '.', [GW_EXPLAIN_FAILS] = 'F', [GW_EXPLAIN_OPEN] = '?'};
    char found[GW_EXPLAIN_CHECKS + 1] = "";

    for (size_t i = 0; i < GW_EXPLAIN_CHECKS; i++)
        found[i] = letters[report.findings[i].outcome];
    assert_string_equal(found, wanted);
}

#define SIGNED(credential, names)                                                                                      \
    "Authorization: AWS4-HMAC-SHA256 Credential=" credential ", SignedHeaders=" names                                  \
    ", Signature=0000000000000000000000000000000000000000000000000000000000000000\r\n"

static void explain__a_wrong_signature__fails_alone(void **state)
{
    (void)state;
    look("X-Amz-Date: " TIME "\r\n" SIGNED("AKIDEXAMPLE/20150830/us-east-1/eks/aws4_request", "host;x-amz-date"), true);
    assert_outcomes(".........F..");
    assert_true(report.has_caller);
    assert_true(gw_str_is(report.region, "us-east-1"));
    assert_true(gw_str_starts(report.canonical, GW_STR("GET\n/clusters\n\nhost:h\nx-amz-date:" TIME "\n\n")));
    assert_true(gw_str_starts(report.string_to_sign, GW_STR("AWS4-HMAC-SHA256\n" TIME "\n20150830/us-east-1/eks/")));
}

static void explain__no_form__leaves_the_rest_open(void **state)
{
    (void)state;
    look("", true);
    assert_outcomes(".F???.??.???");
    assert_null(report.canonical.at);
    assert_null(report.region.at);
    look("Authorization: Basic x\r\n", true);
    assert_outcomes(".F???.??.???");
}

static void explain__a_date_that_cannot_be_read__still_finds_the_key(void **state)
{
    (void)state;
    look("X-Amz-Date: yesterday\r\n" SIGNED("AKIDEXAMPLE/20150830/us-east-1/eks/aws4_request", "host;x-amz-date"),
         true);
    assert_outcomes("..F?..?..?..");
    assert_non_null(report.canonical.at);
    assert_null(report.string_to_sign.at);
}

static void explain__a_wrong_scope__still_finds_the_key(void **state)
{
    (void)state;
    look("X-Amz-Date: " TIME "\r\n" SIGNED("AKIDEXAMPLE/20150831/mars/s3/aws4_request", "host"), true);
    assert_outcomes("....F.F..F..");
    assert_true(report.has_caller);
    look("X-Amz-Date: " TIME "\r\n" SIGNED("AKIDEXAMPLE", "host;x-amz-date"), true);
    assert_outcomes("......F?.???");
    assert_false(report.has_caller);
}

static void explain__token_and_expiry__are_told_apart(void **state)
{
    (void)state;
    look("X-Amz-Date: " TIME "\r\n" SIGNED("ASIDTOKEN/20150830/us-east-1/eks/aws4_request", "host;x-amz-date"), true);
    assert_outcomes(".........FFF");
    look("X-Amz-Date: " TIME "\r\nX-Amz-Security-Token: T\r\n" SIGNED("ASIDTOKEN/20150830/us-east-1/eks/aws4_request",
                                                                      "host;x-amz-date;x-amz-security-token"),
         true);
    assert_outcomes(".........F.F");
    assert_true(gw_str_search(report.shown, GW_STR("x-amz-security-token:...\n")) != SIZE_MAX);
}

static void explain__a_body_that_nobody_knows__leaves_the_signature_open(void **state)
{
    (void)state;
    look("X-Amz-Date: " TIME "\r\n" SIGNED("AKIDEXAMPLE/20150830/us-east-1/eks/aws4_request", "host;x-amz-date"),
         false);
    assert_outcomes("........??..");
    assert_true(report.canonical.at[report.canonical.length - 1] == '\n');
    look("X-Amz-Date: " TIME "\r\nX-Amz-Content-Sha256: "
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n" SIGNED(
             "AKIDEXAMPLE/20150830/us-east-1/eks/aws4_request", "host;x-amz-content-sha256;x-amz-date"),
         false);
    assert_outcomes("........?F..");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(explain__a_wrong_signature__fails_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(explain__no_form__leaves_the_rest_open, setup, teardown),
        cmocka_unit_test_setup_teardown(explain__a_date_that_cannot_be_read__still_finds_the_key, setup, teardown),
        cmocka_unit_test_setup_teardown(explain__a_wrong_scope__still_finds_the_key, setup, teardown),
        cmocka_unit_test_setup_teardown(explain__token_and_expiry__are_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(explain__a_body_that_nobody_knows__leaves_the_signature_open, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
