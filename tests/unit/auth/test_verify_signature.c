/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, signatures, session tokens, presigned requests and the cache of signing
 * keys, as a client meets them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/verify.h"
#include "verify_fixture.h"

/* ---- key and signature ---- */

static void verify__unknown_key__is_unrecognized(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign("AKIDNOBODY", EXAMPLE_SECRET, GW_STR(""));
    assert_refused(403, "UnrecognizedClientException", "The security token included in the request is invalid.");
    begin("GET", "/clusters/prod");
    sign("akidexample", EXAMPLE_SECRET, GW_STR(""));
    assert_refused(403, "UnrecognizedClientException", "The security token included in the request is invalid.");
}

static void verify__disabled_key__is_answered_like_an_unknown_one(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign("AKIDDISABLED", "disabled-secret", GW_STR(""));
    assert_refused(403, "UnrecognizedClientException", "The security token included in the request is invalid.");
}

static void verify__wrong_secret__shows_what_was_to_be_signed(void **unused)
{
    struct gw_str right;

    (void)unused;
    begin("GET", "/clusters/prod%3A?b=2&a=1");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    right = gw_str_slice(gw_http1_header(&request, GW_HEADER_AUTHORIZATION),
                         gw_http1_header(&request, GW_HEADER_AUTHORIZATION).length - 64, 64);
    drop("Authorization");
    sign("AKIDEXAMPLE", "wrong", GW_STR(""));
    assert_finish_refused(
        GW_STR(""), 403, "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for this "
        "request should have been\n'GET\n/clusters/prod%253A\na=1&b=2\nhost:eks.us-east-1.amazonaws.com\n"
        "x-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" EMPTY_HASH
        "'\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20150830T123600Z\n"
        "20150830/us-east-1/eks/aws4_request\n"
        "920e82fd0473b18ffec4b0f716e93b62aebd6bb8ccdfbf7bb2e6b0fa33f16536'\n");
    assert_int_equal(gw_str_search(refusal.message, right), SIZE_MAX);
}

static void verify__mismatch__never_shows_the_token(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    add("X-Amz-Security-Token", "very-secret-token");
    sign("ASIDTOKEN", "wrong", GW_STR(""));
    assert_mismatch(GW_STR(""));
    assert_int_equal(gw_str_search(refusal.message, GW_STR("very-secret-token")), SIZE_MAX);
    assert_int_not_equal(gw_str_search(refusal.message, GW_STR("x-amz-security-token:...\n")), SIZE_MAX);
}

static void verify__endless_request__is_refused_without_the_tail(void **unused)
{
    char *value = gw_arena_alloc(&arena, 20001);

    (void)unused;
    memset(value, 'x', 20000);
    value[20000] = '\0';
    begin("GET", "/clusters/prod");
    add("X-Long", value);
    sign("AKIDEXAMPLE", "wrong", GW_STR(""));
    assert_finish_refused(GW_STR(""), 403, "InvalidSignatureException", MISMATCH);
}

static void verify__signature_in_other_spellings__never_matches(void **unused)
{
    (void)unused;
    for (int kind = 0; kind < 4; kind++) {
        struct gw_str good;
        char *text;

        begin("GET", "/clusters/prod");
        sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
        good = gw_http1_header(&request, GW_HEADER_AUTHORIZATION);
        text = gw_arena_alloc(&arena, good.length + 2);
        memcpy(text, good.at, good.length);
        text[good.length] = '\0';
        for (size_t i = good.length - 64; kind == 0 && i < good.length; i++)
            text[i] = (char)(text[i] >= 'a' ? text[i] - 32 : text[i]);
        if (kind == 1)
            text[good.length - 1] = '\0';
        if (kind == 2)
            memcpy(text + good.length, "0", 2);
        if (kind == 3)
            text[good.length - 1] = text[good.length - 1] == '0' ? '1' : '0';
        drop("Authorization");
        add("Authorization", text);
        assert_mismatch(GW_STR(""));
    }
}

/* Each part that the signature covers, changed after signing. */
static void verify__anything_signed_changed_afterwards__is_a_mismatch(void **unused)
{
    static const char *targets[] = {"/clusters/prod2",  "/clusters/prod/",  "/clusters/Prod",
                                    "/clusters/%70rod", "/clusters/prod?a", "/x/../clusters2"};

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(targets); i++) {
        begin("GET", "/clusters/prod");
        sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
        vector_set_target(&request, gw_str_from(targets[i]));
        assert_mismatch(GW_STR(""));
    }
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    request.method_text = GW_STR("DELETE");
    assert_mismatch(GW_STR(""));
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    request.headers[0].value = GW_STR("eks.us-east-1.amazonaws.com:443");
    assert_mismatch(GW_STR(""));
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    request.headers[1].value = GW_STR("20150830T123601Z");
    assert_mismatch(GW_STR(""));
}

/* ---- tokens and expiry: only after the signature held ---- */

static void verify__session_token__must_be_the_keys_own(void **unused)
{
    static const char words[] = "The security token included in the request is invalid";

    (void)unused;
    begin("GET", "/clusters/prod");
    add("X-Amz-Security-Token", "TOKEN/+==");
    sign("ASIDTOKEN", "token-secret", GW_STR(""));
    assert_accepted(GW_STR(""));
    begin("GET", "/clusters/prod");
    sign("ASIDTOKEN", "token-secret", GW_STR(""));
    assert_finish_refused(GW_STR(""), 403, "UnrecognizedClientException", words);
    begin("GET", "/clusters/prod");
    add("X-Amz-Security-Token", "TOKEN/+=!");
    sign("ASIDTOKEN", "token-secret", GW_STR(""));
    assert_finish_refused(GW_STR(""), 403, "UnrecognizedClientException", words);
    begin("GET", "/clusters/prod");
    add("X-Amz-Security-Token", "TOKEN/+==");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_finish_refused(GW_STR(""), 403, "UnrecognizedClientException", words);
    begin("GET", "/clusters/prod");
    add("X-Amz-Security-Token", "");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_finish_refused(GW_STR(""), 403, "UnrecognizedClientException", words);
}

static void verify__exempt_token_field__is_still_not_taken_unsigned(void **unused)
{
    const struct gw_str exempt[] = {GW_STR("x-amz-security-token")};

    (void)unused;
    options.unsigned_headers = exempt;
    options.unsigned_header_count = 1;
    restart_verifier();
    begin("GET", "/clusters/prod");
    sign("ASIDTOKEN", "token-secret", GW_STR(""));
    add("X-Amz-Security-Token", "TOKEN/+==");
    assert_finish_refused(GW_STR(""), 403, "UnrecognizedClientException",
                          "The security token included in the request is invalid");
}

static void verify__wrong_signature__hides_whether_the_token_was_right(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    add("X-Amz-Security-Token", "wrong");
    sign("ASIDTOKEN", "wrong", GW_STR(""));
    assert_mismatch(GW_STR(""));
    begin("GET", "/clusters/prod");
    sign("AKIDEXPIRES", "wrong", GW_STR(""));
    now_ms = SIGNED_AT + 60000;
    assert_mismatch(GW_STR(""));
}

static void verify__key_past_its_expiration__is_expired(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign("AKIDEXPIRES", "expires-secret", GW_STR(""));
    now_ms = SIGNED_AT + 59999;
    assert_accepted(GW_STR(""));
    now_ms = SIGNED_AT + 60000;
    assert_finish_refused(GW_STR(""), 403, "ExpiredTokenException",
                          "The security token included in the request is expired");
}

/* ---- the query form ---- */

static void verify__presigned__lives_from_date_to_expiry(void **unused)
{
    (void)unused;
    begin_presigned("/clusters/prod", "a=1&", "AKIDEXAMPLE", EXAMPLE_SECRET, "60", "");
    assert_accepted(GW_STR(""));
    assert_true(state.in_query);
    now_ms = SIGNED_AT + 59999;
    assert_accepted(GW_STR(""));
    now_ms = SIGNED_AT + 60000;
    assert_refused(403, "InvalidSignatureException",
                   "Signature expired: 20150830T123600Z is now earlier than 20150830T123600Z (20150830T123700Z - 1 "
                   "min.)");
    now_ms = SIGNED_AT - 300000;
    assert_accepted(GW_STR(""));
    now_ms = SIGNED_AT - 301000;
    assert_refused_starting(403, "InvalidSignatureException", "Signature not yet current: 20150830T123600Z");
}

static void verify__presigned_expiry_out_of_range__is_refused(void **unused)
{
    static const char *bad[] = {"0", "901", "-1", "+60", "60s", "6e1", "18446744073709551617", "604800"};

    (void)unused;
    begin_presigned("/clusters/prod", "", "AKIDEXAMPLE", EXAMPLE_SECRET, "900", "");
    assert_accepted(GW_STR(""));
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        begin_presigned("/clusters/prod", "", "AKIDEXAMPLE", EXAMPLE_SECRET, bad[i], "");
        assert_refused(403, "IncompleteSignatureException",
                       "'X-Amz-Expires' must be a number of seconds from 1 to 900.");
    }
}

static void verify__presigned_parameter_added_afterwards__is_a_mismatch(void **unused)
{
    (void)unused;
    begin_presigned("/clusters/prod", "", "AKIDEXAMPLE", EXAMPLE_SECRET, "60", "");
    vector_set_target(&request, gw_arena_printf(&arena, "%.*s&b=1", GW_STR_ARG(request.target)));
    assert_mismatch(GW_STR(""));
}

static void verify__presigned_body__is_bound(void **unused)
{
    (void)unused;
    begin_presigned("/clusters/prod", "", "AKIDEXAMPLE", EXAMPLE_SECRET, "60", "");
    assert_mismatch(GW_STR("{}"));
}

static void verify__presigned_token__comes_from_its_parameter_alone(void **unused)
{
    (void)unused;
    begin_presigned("/clusters/prod", "", "ASIDTOKEN", "token-secret", "60", "TOKEN%2F%2B%3D%3D");
    assert_accepted(GW_STR(""));
    begin_presigned("/clusters/prod", "", "ASIDTOKEN", "token-secret", "60", "other");
    assert_finish_refused(GW_STR(""), 403, "UnrecognizedClientException",
                          "The security token included in the request is invalid");
    begin_presigned("/clusters/prod", "", "ASIDTOKEN", "token-secret", "60", "");
    assert_finish_refused(GW_STR(""), 403, "UnrecognizedClientException",
                          "The security token included in the request is invalid");
}

/* ---- the cache of signing keys ---- */

static void verify__cache__is_filled_by_good_signatures_alone(void **unused)
{
    (void)unused;
    for (int i = 0; i < 50; i++) {
        begin("GET", "/clusters/prod");
        sign(gw_arena_printf(&arena, "AKIDNOBODY%d", i).at, EXAMPLE_SECRET, GW_STR(""));
        assert_int_equal(admit(), GW_E_DENIED);
        begin("GET", "/clusters/prod");
        sign("AKIDEXAMPLE", "wrong", GW_STR(""));
        assert_mismatch(GW_STR(""));
    }
    assert_int_equal(gw_verify_cached(verifier), 0);
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_accepted(GW_STR(""));
    assert_accepted(GW_STR(""));
    assert_int_equal(gw_verify_cached(verifier), 1);
}

static void verify__cached_key__still_refuses_wrong_signatures(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_accepted(GW_STR(""));
    drop("Authorization");
    sign("AKIDEXAMPLE", "wrong", GW_STR(""));
    assert_mismatch(GW_STR(""));
}

/* The AWS SDK for Go kept signing keys of a rotated secret. */
static void verify__rotated_secret__works_at_once_and_the_old_one_no_more(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_accepted(GW_STR(""));
    load_keys("{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"AKIDEXAMPLE\",\"SecretAccessKey\":\"rotated\",\"Arn\":"
              "\"arn:aws:iam::111122223333:user/a\"}]}");
    assert_mismatch(GW_STR(""));
    drop("Authorization");
    sign("AKIDEXAMPLE", "rotated", GW_STR(""));
    assert_accepted(GW_STR(""));
}

static void verify__key_disabled_later__is_refused_although_cached(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_accepted(GW_STR(""));
    load_keys("{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"AKIDEXAMPLE\",\"SecretAccessKey\":\"" EXAMPLE_SECRET
              "\",\"Arn\":\"arn:aws:iam::111122223333:user/a\",\"Disabled\":true}]}");
    assert_refused(403, "UnrecognizedClientException", "The security token included in the request is invalid.");
}

static void verify__cached_key__costs_no_memory(void **unused)
{
    size_t taken;

    (void)unused;
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
    assert_accepted(GW_STR(""));
    taken = arena.taken;
    assert_int_equal(admit(), GW_OK);
    assert_int_equal(arena.taken, taken);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verify__unknown_key__is_unrecognized),
        TEST(verify__disabled_key__is_answered_like_an_unknown_one),
        TEST(verify__wrong_secret__shows_what_was_to_be_signed),
        TEST(verify__mismatch__never_shows_the_token),
        TEST(verify__endless_request__is_refused_without_the_tail),
        TEST(verify__signature_in_other_spellings__never_matches),
        TEST(verify__anything_signed_changed_afterwards__is_a_mismatch),
        TEST(verify__session_token__must_be_the_keys_own),
        TEST(verify__exempt_token_field__is_still_not_taken_unsigned),
        TEST(verify__wrong_signature__hides_whether_the_token_was_right),
        TEST(verify__key_past_its_expiration__is_expired),
        TEST(verify__presigned__lives_from_date_to_expiry),
        TEST(verify__presigned_expiry_out_of_range__is_refused),
        TEST(verify__presigned_parameter_added_afterwards__is_a_mismatch),
        TEST(verify__presigned_body__is_bound),
        TEST(verify__presigned_token__comes_from_its_parameter_alone),
        TEST(verify__cache__is_filled_by_good_signatures_alone),
        TEST(verify__cached_key__still_refuses_wrong_signatures),
        TEST(verify__rotated_secret__works_at_once_and_the_old_one_no_more),
        TEST(verify__key_disabled_later__is_refused_although_cached),
        TEST(verify__cached_key__costs_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
