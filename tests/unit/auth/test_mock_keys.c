/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of a mock: who they are, that every account is a key, and that tokens
 * which SDKs send along don't matter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/secret.h"
#include "auth/verify.h"
#include "verify_fixture.h"

#define ACCOUNT "000000000000"
#define UNKNOWN "The security token included in the request is invalid."

static int start_mock(void **unused)
{
    start(unused);
    gw_keyring_free(&keyring);
    return gw_keyring_mock(GW_STR(ACCOUNT), GW_STR("aws"), &keyring, &err) == GW_OK ? 0 : -1;
}

static void assert_key(const char *id, const char *secret, const char *arn)
{
    const struct gw_key *key = gw_keyring_resolve(keyring, gw_str_from(id), &arena);

    assert_non_null(key);
    assert_true(gw_str_is(key->id, id));
    assert_true(gw_str_is(gw_secret_text(key->secret), gw_arena_printf(&arena, "AWS4%s", secret).at));
    assert_true(gw_str_is(key->owner.arn, arn));
    assert_null(key->session_token.at);
    assert_true(key->expires_ms == INT64_MAX);
    assert_false(key->disabled);
}

static void assert_unknown(const char *id)
{
    assert_null(gw_keyring_resolve(keyring, gw_str_from(id), &arena));
}

static void keyring_mock__listed_keys__are_users_of_the_account_given(void **unused)
{
    (void)unused;
    assert_int_equal(gw_keyring_count(keyring), 3);
    assert_key("test", "test", "arn:aws:iam::" ACCOUNT ":user/test");
    assert_key("testing", "testing", "arn:aws:iam::" ACCOUNT ":user/testing");
    assert_key("AKIDEXAMPLE", EXAMPLE_SECRET, "arn:aws:iam::" ACCOUNT ":user/quickstart");
    assert_true(gw_keyring_has_example(keyring));
    assert_unknown("Test");
    assert_unknown("");
}

static void keyring_mock__twelve_digits__are_that_accounts_root(void **unused)
{
    (void)unused;
    assert_key("123456789012", "test", "arn:aws:iam::123456789012:root");
    assert_key(ACCOUNT, "test", "arn:aws:iam::" ACCOUNT ":root");
    assert_null(gw_keyring_find(keyring, GW_STR("123456789012")));
    assert_int_equal(gw_keyring_count(keyring), 3);
    assert_unknown("12345678901");
    assert_unknown("1234567890123");
    assert_unknown("12345678901a");
    assert_unknown("-12345678901");
}

static void keyring_mock__other_partition__is_the_accounts_too(void **unused)
{
    (void)unused;
    gw_keyring_free(&keyring);
    assert_int_equal(gw_keyring_mock(GW_STR("111122223333"), GW_STR("aws-cn"), &keyring, &err), GW_OK);
    assert_key("test", "test", "arn:aws-cn:iam::111122223333:user/test");
    assert_key("123456789012", "test", "arn:aws-cn:iam::123456789012:root");
}

static void keyring_mock__account_or_partition_out_of_form__is_refused(void **unused)
{
    struct gw_keyring *none = NULL;

    (void)unused;
    assert_int_equal(gw_keyring_mock(GW_STR("12345678901"), GW_STR("aws"), &none, &err), GW_E_SYNTAX);
    assert_string_equal(err.text, "the account of a mock's keys must be twelve digits");
    assert_int_equal(gw_keyring_mock(GW_STR(ACCOUNT), GW_STR("aws:x"), &none, &err), GW_E_SYNTAX);
    assert_string_equal(err.text, "the partition of a mock's keys must be one of AWS's, like aws");
    assert_null(none);
}

static void keyring_resolve__keys_from_a_file__know_no_account_but_those_listed(void **unused)
{
    (void)unused;
    load_keys(keys_text);
    assert_unknown("123456789012");
    assert_ptr_equal(gw_keyring_resolve(keyring, GW_STR("AKIDEXAMPLE"), &arena),
                     gw_keyring_find(keyring, GW_STR("AKIDEXAMPLE")));
}

static void verify__account_as_key__is_the_caller(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign("123456789012", "test", GW_STR(""));
    assert_accepted(GW_STR(""));
    assert_true(gw_str_is(caller.access_key, "123456789012"));
    assert_true(gw_str_is(caller.identity.arn, "arn:aws:iam::123456789012:root"));
    assert_true(gw_str_is(caller.identity.account, "123456789012"));
    assert_int_equal(caller.identity.kind, GW_PRINCIPAL_ROOT);
    begin("GET", "/clusters/prod");
    sign("123456789012", "testing", GW_STR(""));
    assert_mismatch(GW_STR(""));
    begin("GET", "/clusters/prod");
    sign("1234567890123", "test", GW_STR(""));
    assert_refused(403, "UnrecognizedClientException", UNKNOWN);
}

static void verify__any_session_token__passes_with_a_mocks_key(void **unused)
{
    static const char *const ids[] = {"test", "210987654321"};
    static const char *const tokens[] = {"", "test", "FwoGZXIvYXdzEXAMPLE/+=="};

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(ids); i++) {
        for (size_t k = 0; k < GW_COUNT(tokens); k++) {
            begin("GET", "/clusters/prod");
            add("X-Amz-Security-Token", tokens[k]);
            sign(ids[i], "test", GW_STR(""));
            assert_accepted(GW_STR(""));
        }
        begin("GET", "/clusters/prod");
        sign(ids[i], "test", GW_STR(""));
        assert_accepted(GW_STR(""));
    }
    begin_presigned("/clusters/prod", "", "test", "test", "60", "some%2Ftoken");
    assert_accepted(GW_STR(""));
}

static void verify__token_of_a_mocks_key__must_be_signed_all_the_same(void **unused)
{
    (void)unused;
    begin("GET", "/clusters/prod");
    sign("test", "test", GW_STR(""));
    add("X-Amz-Security-Token", "token");
    assert_refused_starting(403, "InvalidSignatureException", "There were headers present in the request which were");
}

static void verify__a_thousand_accounts__share_one_signing_key(void **unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++) {
        begin("GET", "/clusters/prod");
        sign(gw_arena_printf(&arena, "%012d", i).at, "test", GW_STR(""));
        assert_accepted(GW_STR(""));
    }
    assert_int_equal(gw_verify_cached(verifier), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_mock, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keyring_mock__listed_keys__are_users_of_the_account_given),
        TEST(keyring_mock__twelve_digits__are_that_accounts_root),
        TEST(keyring_mock__other_partition__is_the_accounts_too),
        TEST(keyring_mock__account_or_partition_out_of_form__is_refused),
        TEST(keyring_resolve__keys_from_a_file__know_no_account_but_those_listed),
        TEST(verify__account_as_key__is_the_caller),
        TEST(verify__any_session_token__passes_with_a_mocks_key),
        TEST(verify__token_of_a_mocks_key__must_be_signed_all_the_same),
        TEST(verify__a_thousand_accounts__share_one_signing_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
