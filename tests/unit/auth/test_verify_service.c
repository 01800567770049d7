/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose scopes are good depends on what is asked for: those of a service for its
 * own operations, and a global service's in every region.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/verify.h"
#include "verify_fixture.h"

#define FORM GW_STR("Action=GetCallerIdentity&Version=2011-06-15")

static void ask_sts(const char *scope_region, const char *scope_service)
{
    asked = (struct gw_verify_service){GW_STR_INIT("sts"), true};
    region = scope_region;
    service = scope_service;
    begin("POST", "/");
    add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, FORM);
}

static void ask_eks(const char *scope_service)
{
    asked = (struct gw_verify_service){GW_STR_INIT("eks"), false};
    region = "us-east-1";
    service = scope_service;
    begin("GET", "/clusters/prod");
    sign("AKIDEXAMPLE", EXAMPLE_SECRET, GW_STR(""));
}

static void verify__scope_of_another_service__is_refused_both_ways(void **unused)
{
    (void)unused;
    ask_eks("sts");
    assert_refused(403, "InvalidSignatureException", "Credential should be scoped to correct service: 'eks'. ");
    ask_sts("us-east-1", "eks");
    assert_refused(403, "InvalidSignatureException", "Credential should be scoped to correct service: 'sts'. ");
    ask_sts("us-east-1", "sts");
    assert_accepted(FORM);
    assert_true(gw_str_is(state.region, "us-east-1"));
    assert_true(gw_str_is(state.place, "us-east-1/sts"));
    ask_eks("eks");
    assert_accepted(GW_STR(""));
}

static void verify__global_service__takes_every_well_formed_region(void **unused)
{
    static const char *const good[] = {"eu-central-1", "us-gov-west-1", "aws-global", "mars-north-7"};
    static const char *const bad[] = {"Us-East-1", "us_east_1", "us-east-1.",
                                      "a2345678901234567890123456789012345678901234567890123456789012345"};

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(good); i++) {
        ask_sts(good[i], "sts");
        assert_accepted(FORM);
        assert_true(gw_str_is(state.region, good[i]));
    }
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        ask_sts(bad[i], "sts");
        assert_refused_starting(403, "InvalidSignatureException", "Credential should be scoped to a valid region, not");
    }
}

/* Were the cache to mix them up, the second would be checked with the first one's key. */
static void verify__one_secret_for_two_services__has_a_signing_key_for_each(void **unused)
{
    (void)unused;
    ask_eks("eks");
    assert_accepted(GW_STR(""));
    ask_sts("us-east-1", "sts");
    assert_accepted(FORM);
    assert_int_equal(gw_verify_cached(verifier), 2);
    ask_eks("eks");
    assert_accepted(GW_STR(""));
    ask_sts("us-east-1", "sts");
    assert_accepted(FORM);
    assert_int_equal(gw_verify_cached(verifier), 2);
}

static void verify__scope_relabelled_afterwards__is_a_mismatch(void **unused)
{
    struct gw_str authorization;
    char *forged;

    (void)unused;
    ask_eks("eks");
    assert_accepted(GW_STR(""));
    ask_sts("us-east-1", "eks");
    authorization = gw_http1_header(&request, GW_HEADER_AUTHORIZATION);
    forged = gw_arena_alloc(&arena, authorization.length + 1);
    memcpy(forged, authorization.at, authorization.length);
    forged[authorization.length] = '\0';
    memcpy(strstr(forged, "/eks/"), "/sts/", 5);
    drop("Authorization");
    add("Authorization", forged);
    assert_mismatch(FORM);
}

static void verify__presigned_for_a_global_service__is_accepted(void **unused)
{
    (void)unused;
    asked = (struct gw_verify_service){GW_STR_INIT("sts"), true};
    service = "sts";
    region = "eu-west-1";
    begin_presigned("/", "Action=GetCallerIdentity&", "AKIDEXAMPLE", EXAMPLE_SECRET, "60", "");
    assert_accepted(GW_STR(""));
    assert_true(gw_str_is(state.place, "eu-west-1/sts"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verify__scope_of_another_service__is_refused_both_ways),
        TEST(verify__global_service__takes_every_well_formed_region),
        TEST(verify__one_secret_for_two_services__has_a_signing_key_for_each),
        TEST(verify__scope_relabelled_afterwards__is_a_mismatch),
        TEST(verify__presigned_for_a_global_service__is_accepted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
