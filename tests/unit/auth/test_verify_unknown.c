/* SPDX-License-Identifier: Apache-2.0 */
/* What can be told of a signature without the secret: everything but whether it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/verify.h"
#include "verify_fixture.h"

static enum gw_status admit_unknown(void)
{
    memset(&state, 0, sizeof(state));
    memset(&refusal, 0, sizeof(refusal));
    state.service = asked;
    return gw_verify_admit_unknown(verifier, &request, now_ms, &arena, &state, &refusal);
}

static void assert_let_in(struct gw_str body)
{
    if (admit_unknown() != GW_OK)
        fail_msg("%.*s", GW_STR_ARG(refusal.message));
    assert_int_equal(gw_verify_finish_unknown(&state, &request, body, &arena, &caller, &refusal), GW_OK);
}

static void unknown__any_key_and_signature_of_good_form__are_let_in_unverified(void **unused)
{
    (void)unused;
    begin("GET", "/clusters");
    sign("ASIASOMEBODY", "a secret that nobody here knows", GW_STR(""));
    assert_let_in(GW_STR(""));
    assert_true(gw_str_is(caller.access_key, "ASIASOMEBODY"));
    assert_true(gw_str_is(state.region, "us-east-1"));
    assert_false(caller.verified);
    assert_null(caller.identity.arn.at);
    assert_null(caller.identity.account.at);
    assert_int_equal(caller.tag_count, 0);
    assert_null(state.key);
}

/* The keyring has this key, disabled, and that one, with another token: neither is looked at. */
static void unknown__keys_of_ours__mean_nothing(void **unused)
{
    (void)unused;
    begin("GET", "/clusters");
    sign("AKIDDISABLED", "x", GW_STR(""));
    assert_let_in(GW_STR(""));
    begin("GET", "/clusters");
    add("X-Amz-Security-Token", "another");
    sign("ASIDTOKEN", "x", GW_STR(""));
    assert_let_in(GW_STR(""));
}

static void assert_kept_out(const char *type)
{
    assert_int_equal(admit_unknown(), GW_E_DENIED);
    assert_string_equal(refusal.error_type, type);
}

static void unknown__what_no_signature_makes_good__is_refused(void **unused)
{
    (void)unused;
    begin("GET", "/clusters");
    assert_kept_out("MissingAuthenticationTokenException");
    claim("ASIASOMEBODY/20150830/eu-west-1/eks/aws4_request");
    assert_kept_out("InvalidSignatureException");
    begin("GET", "/clusters");
    claim("ASIASOMEBODY/20150830/us-east-1/sts/aws4_request");
    assert_kept_out("InvalidSignatureException");
    begin("GET", "/clusters");
    claim("ASIASOMEBODY/20150830/us-east-1/eks/aws4_request");
    add("X-Amz-Other", "unsigned");
    assert_kept_out("InvalidSignatureException");
    begin("GET", "/clusters");
    sign_only("x-amz-date", "ASIASOMEBODY", "x");
    assert_kept_out("InvalidSignatureException");
    begin("GET", "/clusters");
    claim("ASIASOMEBODY/20150830/us-east-1/eks/aws4_request");
    now_ms = SIGNED_AT + 301000;
    assert_kept_out("InvalidSignatureException");
    begin("GET", "/clusters");
    add("Authorization", "Bearer x");
    now_ms = SIGNED_AT;
    assert_kept_out("IncompleteSignatureException");
}

static void unknown__claim_about_the_body__must_be_true(void **unused)
{
    (void)unused;
    begin("POST", "/clusters");
    add("X-Amz-Content-Sha256", EMPTY_HASH);
    sign("ASIASOMEBODY", "x", GW_STR(""));
    assert_let_in(GW_STR(""));
    assert_int_equal(gw_verify_finish_unknown(&state, &request, GW_STR("{}"), &arena, &caller, &refusal), GW_E_DENIED);
    assert_string_equal(refusal.error_type, "InvalidSignatureException");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unknown__any_key_and_signature_of_good_form__are_let_in_unverified),
        TEST(unknown__keys_of_ours__mean_nothing),
        TEST(unknown__what_no_signature_makes_good__is_refused),
        TEST(unknown__claim_about_the_body__must_be_true),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
