/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is refused before the key is looked at: each refusal with its status, type
 * and exact words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/verify.h"
#include "verify_fixture.h"

/* ---- a good request ---- */

static void verify__good_signature__names_the_caller(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_accepted(GW_STR(""));
    assert_true(gw_str_is(caller.access_key, "AKIDEXAMPLE"));
    assert_true(gw_str_is(caller.identity.arn, "arn:aws:iam::111122223333:user/team/dev/alice"));
    assert_true(gw_str_is(caller.identity.partition, "aws"));
    assert_true(gw_str_is(caller.identity.account, "111122223333"));
    assert_true(gw_str_is(caller.identity.kind_text, "user"));
    assert_true(gw_str_is(caller.identity.path, "/team/dev/"));
    assert_true(gw_str_is(caller.identity.name, "alice"));
    assert_int_equal(caller.tag_count, 1);
    assert_true(gw_str_is(caller.tags[0].key, "team"));
    assert_true(gw_str_is(caller.tags[0].value, "blue"));
    assert_true(caller.verified);
}

static void verify__caller__outlives_the_keyring(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_accepted(GW_STR(""));
    gw_keyring_free(&keyring);
    assert_true(gw_str_is(caller.identity.name, "alice"));
    assert_true(gw_str_is(caller.identity.account, "111122223333"));
    assert_true(gw_str_is(caller.access_key, "AKIDEXAMPLE"));
    assert_true(gw_str_is(caller.tags[0].value, "blue"));
}

static void verify__body__is_hashed_into_the_signature(void **unused)
{
    (void)unused;
    begin("POST", "/clusters/prod/access-entries");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR("{\"a\":1}"));
    assert_accepted(GW_STR("{\"a\":1}"));
    assert_mismatch(GW_STR("{\"a\":2}"));
    assert_mismatch(GW_STR(""));
}

/* ---- step 1 and 2: escapes, forms ---- */

static void verify__broken_escapes__are_400(void **unused)
{
    (void)unused;
    begin("GET", "/a?x=%4");
    assert_refused(400, "MalformedQueryString", "Incomplete trailing escape % sequence");
    begin("GET", "/a?x=%4G");
    assert_refused(400, "MalformedQueryString", "Illegal hex character in escape % pattern: %4G");
    begin("GET", "/a%2");
    assert_refused(400, "InvalidURIPathException",
                   "The path has an escape % that is not followed by two hexadecimal digits");
    begin("GET", "/a%2x/b");
    assert_refused(400, "InvalidURIPathException",
                   "The path has an escape % that is not followed by two hexadecimal digits");
}

static void verify__no_authentication__is_missing_token(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    assert_refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
}

static void verify__query_form_while_off__is_missing_token(void **unused)
{
    (void)unused;
    options.query_auth = false;
    restart_verifier();
    begin_presigned("/clusters/prod", "", "AKIDEXAMPLE", EXAMPLE_SECRET, "60", "");
    assert_refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
}

static void verify__both_forms__are_refused_even_while_query_is_off(void **unused)
{
    static const char words[] =
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.";

    (void)unused;
    begin_presigned("/clusters/prod", "", "AKIDEXAMPLE", EXAMPLE_SECRET, "60", "");
    add("Authorization", "Bearer x");
    assert_refused(403, "InvalidSignatureException", words);
    options.query_auth = false;
    restart_verifier();
    assert_refused(403, "InvalidSignatureException", words);
}

static void verify__authorization_of_another_kind__is_incomplete(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    add("Authorization", "Bearer abc");
    assert_refused_starting(403, "IncompleteSignatureException",
                            "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 "
                            "and encoded with Base64): '");
    assert_int_equal(gw_str_search(refusal.message, GW_STR("abc")), SIZE_MAX);
    begin("GET", "/clusters/prod");
    add("Authorization", "a=b");
    assert_refused(403, "IncompleteSignatureException",
                   "Authorization header must begin with the algorithm name, which cannot include an equal-sign");
    begin("GET", "/clusters/prod");
    add("Authorization", "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00");
    assert_refused_starting(403, "IncompleteSignatureException",
                            "Authorization header requires 'Credential' parameter. (Hashed with SHA-256 and encoded "
                            "with Base64) Authorization=");
    begin("GET", "/clusters/prod");
    add("Authorization", "AWS4-HMAC-SHA512 Credential=c, SignedHeaders=host, Signature=00");
    assert_refused(403, "IncompleteSignatureException", "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'.");
}

static void verify__no_date__is_incomplete(void **unused)
{
    (void)unused;
    begin_bare("GET", "/clusters/prod");
    add("Authorization", "AWS4-HMAC-SHA256 Credential=c, SignedHeaders=host, Signature=00");
    assert_refused_starting(403, "IncompleteSignatureException",
                            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (");
}

static void verify__reserved_query_names_in_another_case__are_refused(void **unused)
{
    (void)unused;
    begin_presigned("/clusters/prod", "x-amz-credential=other&", "AKIDEXAMPLE", EXAMPLE_SECRET, "60", "");
    assert_refused(403, "IncompleteSignatureException",
                   "The query-string parameter 'X-Amz-Credential' must be written in exactly this case.");
    begin("GET", "/clusters/prod?X-Amz-date=1");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_refused(403, "IncompleteSignatureException",
                   "The query-string parameter 'X-Amz-Date' must be written in exactly this case.");
}

static void verify__presigned_with_parts_missing__names_them(void **unused)
{
    (void)unused;
    begin_bare("GET", "/clusters/prod?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60"
                      "&X-Amz-Signature=00");
    assert_refused(403, "IncompleteSignatureException",
                   "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must "
                   "include 'X-Amz-SignedHeaders'. Re-examine the query-string parameters.");
}

/* ---- steps 3 and 4: time ---- */

static void verify__odd_dates__are_incomplete(void **unused)
{
    static const char *bad[] = {"2015-08-30T12:36:00Z", "20150830T123600",  "20150230T123600Z",  "20150830T123600z",
                                "20150830 123600Z",     "+2015830T123600Z", "20150830T123600Z0", "yesterday"};

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        struct gw_str words = gw_arena_printf(&arena,
                                              "Date must be in ISO-8601 'basic format'. Got '%s'. See "
                                              "http://en.wikipedia.org/wiki/ISO_8601",
                                              bad[i]);

        begin_bare("GET", "/clusters/prod");
        add("X-Amz-Date", bad[i]);
        sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
        assert_refused(403, "IncompleteSignatureException", words.at);
    }
}

static void verify__edge_of_the_window__is_still_allowed(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    now_ms = SIGNED_AT + 300000;
    assert_accepted(GW_STR(""));
    now_ms = SIGNED_AT + 300999;
    assert_accepted(GW_STR(""));
    now_ms = SIGNED_AT - 300000;
    assert_accepted(GW_STR(""));
}

static void verify__past_the_window__says_both_instants(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    now_ms = SIGNED_AT + 301000;
    assert_refused(403, "InvalidSignatureException",
                   "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 "
                   "min.)");
    now_ms = SIGNED_AT - 301000;
    assert_refused(403, "InvalidSignatureException",
                   "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z "
                   "(20150830T123059Z + 5 min.)");
}

static void verify__window_setting__moves_the_edge_and_the_words(void **unused)
{
    (void)unused;
    options.clock_window_s = 90;
    restart_verifier();
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    now_ms = SIGNED_AT + 90000;
    assert_accepted(GW_STR(""));
    now_ms = SIGNED_AT + 91000;
    assert_refused(403, "InvalidSignatureException",
                   "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T123731Z - 90 "
                   "sec.)");
    options.clock_window_s = 900;
    restart_verifier();
    now_ms = SIGNED_AT - 901000;
    assert_refused(403, "InvalidSignatureException",
                   "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z "
                   "(20150830T122059Z + 15 min.)");
}

static void verify__date_field_instead__is_taken_and_reformatted(void **unused)
{
    static const char *spellings[] = {"Sun, 30 Aug 2015 12:36:00 GMT", "Sun, 30 Aug 2015 12:36:00 -0000"};

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(spellings); i++) {
        begin_bare("GET", "/clusters/prod");
        add("Date", spellings[i]);
        sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
        assert_accepted(GW_STR(""));
    }
}

/* swift3 looked at the wrong one (CVE-2015-8466). */
static void verify__both_dates__x_amz_date_alone_counts(void **unused)
{
    (void)unused;
    begin_bare("GET", "/clusters/prod");
    add("Date", "Sun, 30 Aug 2015 12:36:00 GMT");
    add("X-Amz-Date", "20150829T123600Z");
    sign_at("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""), "20150829T123600Z");
    assert_refused_starting(403, "InvalidSignatureException", "Signature expired: 20150829T123600Z");
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    add("Date", "Sat, 29 Aug 2015 12:36:00 GMT");
    assert_accepted(GW_STR(""));
}

/* ---- steps 5 and 6: what must be signed ---- */

static void verify__host_unsigned__is_refused(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign_only("x-amz-date", "AKIDEXAMPLE", EXAMPLE_SECRET);
    assert_refused(403, "InvalidSignatureException",
                   "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
}

static void verify__date_unsigned__is_refused(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign_only("host", "AKIDEXAMPLE", EXAMPLE_SECRET);
    assert_refused(403, "InvalidSignatureException", "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization.");
    begin_bare("GET", "/clusters/prod");
    add("Date", "Sun, 30 Aug 2015 12:36:00 GMT");
    sign_only("host", "AKIDEXAMPLE", EXAMPLE_SECRET);
    assert_refused(403, "InvalidSignatureException", "'Date' must be a 'SignedHeader' in the AWS Authorization.");
}

static void verify__unsigned_x_amz_field__is_refused_in_both_forms(void **unused)
{
    static const char *names[] = {"x-amz-target", "X-Amz-Copy-Source", "X-AMZ-SECURITY-TOKEN", "x-amz-date2", "X-Amz-"};

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        struct gw_str words =
            gw_arena_printf(&arena, "There were headers present in the request which were not signed: '%s'.", names[i]);

        begin("GET", "/clusters/prod");
        sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
        add(names[i], "x");
        assert_refused(403, "InvalidSignatureException", words.at);
        begin_presigned("/clusters/prod", "", "AKIDEXAMPLE", EXAMPLE_SECRET, "60", "");
        add(names[i], "x");
        assert_refused(403, "InvalidSignatureException", words.at);
    }
    begin_presigned("/clusters/prod", "", "AKIDEXAMPLE", EXAMPLE_SECRET, "60", "");
    add("X-Amz-Date", "20150830T123600Z");
    assert_refused_starting(403, "InvalidSignatureException", "There were headers present");
}

static void verify__other_unsigned_fields_and_exempt_ones__are_let_pass(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    add("User-Agent", "x");
    add("amz-sdk-invocation-id", "x");
    add("X-Amzn-Trace-Id", "x");
    add("X-Amz-Cf-Id", "exempt by setting");
    assert_accepted(GW_STR(""));
}

static void verify__signed_field_that_isnt_there__is_a_mismatch(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    add("X-Extra", "");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_accepted(GW_STR(""));
    drop("X-Extra");
    assert_mismatch(GW_STR(""));
}

static void verify__payload_claims_that_are_no_hash__are_refused(void **unused)
{
    static const char *bad[] = {"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                                "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "",
                                "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"};

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        begin("GET", "/clusters/prod");
        add("X-Amz-Content-Sha256", bad[i]);
        sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
        assert_refused(403, "InvalidSignatureException",
                       "'X-Amz-Content-Sha256' must be the SHA-256 of the body as 64 lower-case hexadecimal digits; "
                       "unsigned and streaming payloads are not accepted.");
    }
}

static void verify__payload_claim__is_enforced_against_the_body(void **unused)
{
    (void)unused;
    begin("POST", "/clusters/prod/access-entries");
    add("X-Amz-Content-Sha256", EMPTY_HASH);
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_accepted(GW_STR(""));
    assert_finish_refused(GW_STR("{}"), 403, "InvalidSignatureException",
                          "The provided 'x-amz-content-sha256' header does not match what was computed.");
}

/* ---- step 7: scope ---- */

static void verify__scope_not_five_parts__is_incomplete(void **unused)
{
    static const char *bad[] = {"AKIDEXAMPLE/20150830/us-east-1/eks",
                                "AKIDEXAMPLE/20150830/us-east-1/eks/aws4_request/",
                                "AKID/EXAMPLE/20150830/us-east-1/eks/aws4_request",
                                "/20150830/us-east-1/eks/aws4_request",
                                "AKIDEXAMPLE//us-east-1/eks/aws4_request",
                                "AKIDEXAMPLE/20150830/us-east-1/eks/"};

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        struct gw_str words = gw_arena_printf(
            &arena,
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'",
            bad[i]);

        begin("GET", "/clusters/prod");
        claim(bad[i]);
        assert_refused(403, "IncompleteSignatureException", words.at);
    }
}

static void verify__foreign_scope__says_which_part(void **unused)
{
    static const char *cases[][2] = {
        {"AKIDEXAMPLE/20150830/us-west-1/eks/aws4_request",
         "Credential should be scoped to a valid region, not 'us-west-1'. "},
        {"AKIDEXAMPLE/20150830/US-EAST-1/eks/aws4_request",
         "Credential should be scoped to a valid region, not 'US-EAST-1'. "},
        {"AKIDEXAMPLE/20150830/us-east-1/ec2/aws4_request", "Credential should be scoped to correct service: 'eks'. "},
        {"AKIDEXAMPLE/20150830/us-east-1/EKS/aws4_request", "Credential should be scoped to correct service: 'eks'. "},
        {"AKIDEXAMPLE/20150830/us-east-1/eks/aws4",
         "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws4'. "},
        {"AKIDEXAMPLE/20150829/us-east-1/eks/aws4_request",
         "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != "
         "'20150830', from '20150830T123600Z'."},
        {"AKIDEXAMPLE/2015083/us-east-1/eks/aws4_request",
         "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '2015083' != "
         "'20150830', from '20150830T123600Z'."},
        {"AKIDEXAMPLE/+20150830/us-east-1/eks/aws4_request",
         "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '+20150830' != "
         "'20150830', from '20150830T123600Z'."},
        {"AKIDEXAMPLE/20150829/mars/ec2/x",
         "Credential should be scoped to a valid region, not 'mars'. Credential should be scoped to correct service: "
         "'eks'. Credential should be scoped with a valid terminator: 'aws4_request', not 'x'. Date in Credential "
         "scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != '20150830', from "
         "'20150830T123600Z'."},
    };

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        begin("GET", "/clusters/prod");
        claim(cases[i][0]);
        assert_refused(403, "InvalidSignatureException", cases[i][1]);
    }
}

static void verify__any_region_setting__takes_well_formed_names_only(void **unused)
{
    (void)unused;
    options.region_count = 0;
    restart_verifier();
    region = "mars-north-7";
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_accepted(GW_STR(""));
    assert_true(gw_str_is(state.region, "mars-north-7"));
    region = "Mars";
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_refused(403, "InvalidSignatureException", "Credential should be scoped to a valid region, not 'Mars'. ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verify__good_signature__names_the_caller),
        TEST(verify__caller__outlives_the_keyring),
        TEST(verify__body__is_hashed_into_the_signature),
        TEST(verify__broken_escapes__are_400),
        TEST(verify__no_authentication__is_missing_token),
        TEST(verify__query_form_while_off__is_missing_token),
        TEST(verify__both_forms__are_refused_even_while_query_is_off),
        TEST(verify__authorization_of_another_kind__is_incomplete),
        TEST(verify__no_date__is_incomplete),
        TEST(verify__reserved_query_names_in_another_case__are_refused),
        TEST(verify__presigned_with_parts_missing__names_them),
        TEST(verify__odd_dates__are_incomplete),
        TEST(verify__edge_of_the_window__is_still_allowed),
        TEST(verify__past_the_window__says_both_instants),
        TEST(verify__window_setting__moves_the_edge_and_the_words),
        TEST(verify__date_field_instead__is_taken_and_reformatted),
        TEST(verify__both_dates__x_amz_date_alone_counts),
        TEST(verify__host_unsigned__is_refused),
        TEST(verify__date_unsigned__is_refused),
        TEST(verify__unsigned_x_amz_field__is_refused_in_both_forms),
        TEST(verify__other_unsigned_fields_and_exempt_ones__are_let_pass),
        TEST(verify__signed_field_that_isnt_there__is_a_mismatch),
        TEST(verify__payload_claims_that_are_no_hash__are_refused),
        TEST(verify__payload_claim__is_enforced_against_the_body),
        TEST(verify__scope_not_five_parts__is_incomplete),
        TEST(verify__foreign_scope__says_which_part),
        TEST(verify__any_region_setting__takes_well_formed_names_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
