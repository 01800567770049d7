/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DescribeAccessEntry: the bytes that Create answered with, every spelling of the
 * path, and what is refused.
 */
#include "fixture.h"

static const char missing[] = "The specified principalArn could not be found. You can view your available access "
                              "entries with 'list-access-entries'.";

static void describe__entry__is_what_create_answered(void **state)
{
    struct fixture *f = *state;
    char reply[sizeof(f->text)];

    expect_created(f, "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"b\",\"a\"],\"tags\":{\"k\":\"v\"}}");
    memcpy(reply, f->text, sizeof(reply));
    f->now_ms += 5000;
    assert_int_equal(describe(f, ROLE_RAW), GW_OK);
    assert_int_equal(f->result.status, 200);
    assert_string_equal(f->text, reply);
    assert_false(f->result.is_change);
}

/* Nothing is copied or built: the reply is the entry's own memory. */
static void describe__reply__is_the_entrys_own_bytes(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key key;
    const struct gw_access_entry *entry;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(describe(f, ROLE_RAW), GW_OK);
    key = (struct gw_store_key){
        .partition = GW_STR("aws"),
        .account = f->account,
        .region = GW_STR("us-west-2"),
        .cluster = GW_STR("my-cluster"),
        .principal = GW_STR(ROLE),
    };
    entry = gw_store_find(f->store, &key);
    assert_non_null(entry);
    assert_ptr_equal(f->result.reply.at, entry->reply.at);
    assert_int_equal(f->call.input.type, GW_JSON_NULL);
    assert_int_equal(f->call.request_parameters.type, GW_JSON_NULL);
}

static void describe__every_spelling_of_the_arn__finds_the_entry(void **state)
{
    static const char *const labels[] = {
        "arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fa%2Fb%2Fn%2B%3D%2C.%40-_",
        "arn%3aaws%3aiam%3a%3a012345678910%3arole%2fa%2fb%2fn%2b%3d%2c.%40-_",
        "arn:aws:iam::012345678910:role%2Fa%2Fb%2Fn+=,.@-_",
        "%61rn:aws:iam::%3012345678910:role%2Fa%2Fb%2Fn%2B=%2C%2E@%2D%5F",
    };
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"arn:aws:iam::012345678910:role/a/b/n+=,.@-_\"}");
    for (size_t i = 0; i < GW_COUNT(labels); i++) {
        assert_int_equal(describe(f, labels[i]), GW_OK);
        expect_reply_has(f, "\"principalArn\":\"arn:aws:iam::012345678910:role/a/b/n+=,.@-_\"");
    }
}

/* A path may hold a percent sign; a second layer of escapes is another name, not the same. */
static void describe__label__is_decoded_once(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"arn:aws:iam::012345678910:role/50%25/r\"}");
    assert_int_equal(describe(f, "arn:aws:iam::012345678910:role%2F50%2525%2Fr"), GW_OK);
    assert_int_equal(describe(f, "arn:aws:iam::012345678910:role%2F50%25%2Fr"), GW_E_DENIED);
    expect_error(f, T_MISSING, missing);
    assert_int_equal(describe(f, "arn%253Aaws%253Aiam%253A%253A012345678910%253Arole%252Fr"), GW_E_DENIED);
    expect_error(f, T_INVALID, "The principalArn parameter format is not valid");
}

static void describe__missing_entry__is_not_found(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(describe(f, ROLE_RAW), GW_E_DENIED);
    expect_error(f, T_MISSING, missing);
    assert_int_equal(gw_eks_error_status(f->error.code), 404);
    assert_string_equal(f->text,
                        "{\"clusterName\":\"my-cluster\",\"nodegroupName\":null,\"fargateProfileName\":null,"
                        "\"addonName\":null,\"subscriptionId\":null,\"message\":\"The specified principalArn could not "
                        "be found. You can view your available access entries with 'list-access-entries'.\"}");
}

static void describe__missing_cluster__is_not_found_and_leaves_its_name_null(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    f->cluster.exists = false;
    assert_int_equal(describe(f, ROLE_RAW), GW_E_DENIED);
    expect_error(f, T_MISSING, "No cluster found for name: my-cluster.");
    assert_string_equal(f->text,
                        "{\"clusterName\":null,\"nodegroupName\":null,\"fargateProfileName\":null,\"addonName\":null,"
                        "\"subscriptionId\":null,\"message\":\"No cluster found for name: my-cluster.\"}");
}

static void describe__cluster_without_access_entries__is_an_invalid_request(void **state)
{
    struct fixture *f = *state;

    f->cluster.mode = GW_EKS_MODE_API_AND_CONFIG_MAP;
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(describe(f, ROLE_RAW), GW_OK);
    f->cluster.mode = GW_EKS_MODE_CONFIG_MAP;
    assert_int_equal(describe(f, ROLE_RAW), GW_E_DENIED);
    expect_error(f, T_REQUEST,
                 "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to "
                 "perform this operation.");
    assert_int_equal(gw_eks_error_status(f->error.code), 400);
}

static void describe__principal_of_another_form__is_refused_before_the_cluster_is_looked_up(void **state)
{
    static const char *const labels[] = {
        "",
        "my-role",
        "arn%3Aaws%3Asts%3A%3A012345678910%3Aassumed-role%2Fmy-role%2Fme",
        "arn%3Aaws%3Aiam%3A%3A012345678910%3Agroup%2Fg",
        "arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fmy-role%",
        "arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fmy-role%0",
        "arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fmy-role%zz",
        "arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fmy%00role",
        "arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fm%C3%BD-role",
    };
    struct fixture *f = *state;

    f->cluster.exists = false;
    for (size_t i = 0; i < GW_COUNT(labels); i++) {
        assert_int_equal(describe(f, labels[i]), GW_E_DENIED);
        expect_error(f, T_INVALID, "The principalArn parameter format is not valid");
    }
}

static void describe__cluster_name_with_other_characters__is_refused_first(void **state)
{
    struct fixture *f = *state;

    f->cluster_label = GW_STR("my%2Fcluster");
    assert_int_equal(describe(f, "x"), GW_E_DENIED);
    assert_int_equal(f->error.code, GW_EKS_InvalidParameterException);
    assert_true(gw_str_starts(f->error.message, GW_STR("The clusterName parameter contains invalid characters. ")));
}

/* Clusters list entries that EKS made for its own roles; clients describe whatever is listed. */
static void describe__service_linked_role__is_looked_up(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(describe(f, "arn:aws:iam::012345678910:role%2Faws-service-role%2Feks.amazonaws.com%2FR"),
                     GW_E_DENIED);
    expect_error(f, T_MISSING, missing);
}

static void describe__entry_of_another_account_or_region_or_partition__is_not_found(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_call *call;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    f->account = GW_STR("999999999999");
    assert_int_equal(describe(f, ROLE_RAW), GW_E_DENIED);
    expect_error(f, T_MISSING, missing);
    f->account = GW_STR("012345678910");
    call = begin(f, GW_EKS_DescribeAccessEntry);
    call->raw_labels[1] = GW_STR(ROLE_RAW);
    call->region = GW_STR("us-east-1");
    assert_int_equal(run(f), GW_E_DENIED);
    call = begin(f, GW_EKS_DescribeAccessEntry);
    call->raw_labels[1] = GW_STR(ROLE_RAW);
    call->partition = GW_STR("aws-cn");
    assert_int_equal(run(f), GW_E_DENIED);
    assert_int_equal(describe(f, ROLE_RAW), GW_OK);
}

static void describe__principals_that_differ_in_case__are_different(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(describe(f, "arn:aws:iam::012345678910:role%2FMy-Role"), GW_E_DENIED);
    expect_error(f, T_MISSING, missing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(describe__entry__is_what_create_answered),
        EKS_TEST(describe__reply__is_the_entrys_own_bytes),
        EKS_TEST(describe__every_spelling_of_the_arn__finds_the_entry),
        EKS_TEST(describe__label__is_decoded_once),
        EKS_TEST(describe__missing_entry__is_not_found),
        EKS_TEST(describe__missing_cluster__is_not_found_and_leaves_its_name_null),
        EKS_TEST(describe__cluster_without_access_entries__is_an_invalid_request),
        EKS_TEST(describe__principal_of_another_form__is_refused_before_the_cluster_is_looked_up),
        EKS_TEST(describe__cluster_name_with_other_characters__is_refused_first),
        EKS_TEST(describe__service_linked_role__is_looked_up),
        EKS_TEST(describe__entry_of_another_account_or_region_or_partition__is_not_found),
        EKS_TEST(describe__principals_that_differ_in_case__are_different),
    };

    return cmocka_run_group_tests_name("eks/describe_access_entry", tests, NULL, NULL);
}
