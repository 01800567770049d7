/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clusters shown, listed, deleted, and kept apart.
 */
#include "cluster_case.h"

static void describe__unknown_or_malformed__is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(describe_cluster(f, "nowhere"), GW_E_DENIED);
    assert_string_equal(f->text, "{\"clusterName\":null,\"nodegroupName\":null,\"fargateProfileName\":null,"
                                 "\"addonName\":null,\"subscriptionId\":null,"
                                 "\"message\":\"No cluster found for name: nowhere.\"}");
    assert_int_equal(describe_cluster(f, "a%2Fb"), GW_E_DENIED);
    expect_error(f, T_INVALID, BAD_NAME);
    assert_int_equal(describe_cluster(f, "a%zz"), GW_E_DENIED);
    expect_error(f, T_INVALID, BAD_NAME);
    assert_int_equal(describe_cluster(f, ""), GW_E_DENIED);
    expect_error(f, T_INVALID, BAD_NAME);
}

static void delete__takes_entries_with_it_and_answers_deleting(void **state)
{
    struct fixture *f = *state;
    char *made;
    char *at;

    expect_cluster(f, BODY(",\"accessConfig\":{\"authenticationMode\":\"API\"}"));
    made = gw_str_dup(gw_str_from(f->text));
    assert_int_equal(call_cluster(f, GW_EKS_DeleteCluster, "demo", NULL, NULL), GW_OK);
    expect_reply_has(f, "\"status\":\"DELETING\"");
    at = strstr(f->text, "DELETING");
    assert_memory_equal(f->text, made, (size_t)(at - f->text)); /* the only difference */
    assert_string_equal(at + strlen("DELETING"), made + (at - f->text) + strlen("ACTIVE"));
    assert_int_equal(describe_cluster(f, "demo"), GW_E_DENIED);
    expect_error(f, T_MISSING, "No cluster found for name: demo.");
    assert_int_equal(gw_store_count(f->store), 0);
    assert_int_equal(call_cluster(f, GW_EKS_DeleteCluster, "demo", NULL, NULL), GW_E_DENIED);
    expect_error(f, T_MISSING, "No cluster found for name: demo.");
    free(made);
}

static void delete__protected__is_refused(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(",\"deletionProtection\":true"));
    assert_int_equal(call_cluster(f, GW_EKS_DeleteCluster, "demo", NULL, NULL), GW_E_DENIED);
    expect_error(f, T_REQUEST,
                 "Cluster demo has deletion protection enabled; disable it with UpdateClusterConfig before you delete "
                 "the cluster.");
    assert_int_equal(describe_cluster(f, "demo"), GW_OK);
}

static bool always(void *ctx, const struct gw_store_key *key)
{
    (void)ctx;
    (void)key;
    return true;
}

static void delete__in_a_mock__makes_no_cluster_first(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_env env = make_env(f);

    env.makes_cluster = always;
    begin(f, GW_EKS_DeleteCluster)->raw_labels[0] = GW_STR("demo");
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    assert_int_equal(gw_eks_prepare(&f->call, &env, &f->result, &f->error), GW_E_DENIED);
    expect_error(f, T_MISSING, "No cluster found for name: demo.");
}

static void mention__in_a_mock__makes_a_whole_cluster_within_the_limit(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_env env = make_env(f);

    env.makes_cluster = always;
    begin(f, GW_EKS_DescribeCluster)->raw_labels[0] = GW_STR("demo");
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    assert_int_equal(gw_eks_prepare(&f->call, &env, &f->result, &f->error), GW_OK);
    assert_true(f->result.is_change);
    keep_text(f, f->result.reply);
    expect_reply_has(f, "\"roleArn\":\"arn:aws:iam::012345678910:role/eksgate-no-role\"");
    expect_reply_has(f, "\"subnetIds\":[\"subnet-00000000000000001\",\"subnet-00000000000000002\"]");
    expect_reply_has(f, "\"accessConfig\":{\"authenticationMode\":\"API\"}");
    gw_eks_result_drop(&f->result);
    f->limits.clusters = 0;
    assert_int_equal(gw_eks_prepare(&f->call, &env, &f->result, &f->error), GW_E_DENIED);
    expect_error(f, T_LIMIT, "There can't be more than 0 clusters here.");
}

static enum gw_status list(struct fixture *f, const char *query)
{
    begin(f, GW_EKS_ListClusters)->label_count = 0;
    f->call.query = gw_str_from(query);
    return run(f);
}

static void list__names__in_byte_order_and_null_token(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"b", "a", "B", "a-1", "0"};
    char body[256];

    for (size_t i = 0; i < GW_COUNT(names); i++) {
        (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"roleArn\":\"" ROLE_ARN "\"," VPC "}", names[i]);
        expect_cluster(f, body);
    }
    assert_int_equal(list(f, NULL), GW_OK);
    assert_string_equal(f->text, "{\"clusters\":[\"0\",\"B\",\"a\",\"a-1\",\"b\"],\"nextToken\":null}");
    assert_int_equal(list(f, "include=all&maxResults=100"), GW_OK);
    assert_string_equal(f->text, "{\"clusters\":[\"0\",\"B\",\"a\",\"a-1\",\"b\"],\"nextToken\":null}");
}

static void list__pages__go_on_behind_the_last(void **state)
{
    struct fixture *f = *state;
    char query[256];
    char *token;

    expect_cluster(f, BODY(""));
    expect_cluster(f, "{\"name\":\"other\",\"roleArn\":\"" ROLE_ARN "\"," VPC "}");
    assert_int_equal(list(f, "maxResults=1"), GW_OK);
    expect_reply_has(f, "{\"clusters\":[\"demo\"],\"nextToken\":\"");
    token = strstr(f->text, "\"nextToken\":\"") + 13;
    (void)snprintf(query, sizeof(query), "maxResults=1&nextToken=");
    for (size_t at = strlen(query); *token != '"'; token++)
        at += (size_t)snprintf(query + at, sizeof(query) - at, "%%%02X", (unsigned)(unsigned char)*token);
    assert_int_equal(list(f, query), GW_OK);
    assert_string_equal(f->text, "{\"clusters\":[\"other\"],\"nextToken\":null}");
    begin(f, GW_EKS_ListClusters)->region = GW_STR("eu-west-1"); /* another listing */
    f->call.query = gw_str_from(query);
    assert_int_equal(run(f), GW_E_DENIED);
    assert_string_equal(gw_eks_error_name(f->error.code), T_INVALID);
}

static void list__max_results__is_1_to_100(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"maxResults=0", "maxResults=101", "maxResults=-1", "maxResults=", "maxResults=a"};

    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        assert_int_equal(list(f, bad[i]), GW_E_DENIED);
        expect_error(f, T_INVALID, "The maxResults parameter must be a whole number from 1 to 100.");
    }
}

static void clusters__other_accounts_and_regions__are_out_of_sight(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(""));
    f->account = GW_STR("999999999999");
    assert_int_equal(list(f, NULL), GW_OK);
    assert_string_equal(f->text, "{\"clusters\":[],\"nextToken\":null}");
    assert_int_equal(describe_cluster(f, "demo"), GW_E_DENIED);
    expect_error(f, T_MISSING, "No cluster found for name: demo.");
    assert_int_equal(call_cluster(f, GW_EKS_DeleteCluster, "demo", NULL, NULL), GW_E_DENIED);
    f->account = GW_STR("012345678910");
    begin(f, GW_EKS_DescribeCluster)->region = GW_STR("eu-west-1");
    f->call.raw_labels[0] = GW_STR("demo");
    assert_int_equal(run(f), GW_E_DENIED);
    expect_error(f, T_MISSING, "No cluster found for name: demo.");
    assert_int_equal(describe_cluster(f, "demo"), GW_OK);
}

static void view__create__shows_the_members_under_their_names(void **state)
{
    struct fixture *f = *state;

    begin(f, GW_EKS_CreateCluster)->body = GW_STR(
        "{\"roleArn\":5,\"name\":\"demo\",\"accessConfig\":{\"authenticationMode\":\"API\"},\"odd\":1,\"tags\":null}");
    f->call.label_count = 0;
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_E_DENIED);
    gw_eks_view_input(&f->call);
    expect_json(&f->call.input, "{\"name\":\"demo\",\"accessConfig\":{\"authenticationMode\":\"API\"}}");
    expect_json(&f->call.request_parameters,
                "{\"name\":\"demo\",\"roleArn\":5,\"accessConfig\":{\"authenticationMode\":\"API\"}}");
}

static void view__labels__are_name(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(describe_cluster(f, "my%2Dcluster"), GW_E_DENIED);
    gw_eks_view_input(&f->call);
    expect_json(&f->call.input, "{\"name\":\"my-cluster\"}");
    expect_json(&f->call.request_parameters, "{\"name\":\"my%2Dcluster\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(describe__unknown_or_malformed__is_refused),
        EKS_TEST(delete__takes_entries_with_it_and_answers_deleting),
        EKS_TEST(delete__protected__is_refused),
        EKS_TEST(delete__in_a_mock__makes_no_cluster_first),
        EKS_TEST(mention__in_a_mock__makes_a_whole_cluster_within_the_limit),
        EKS_TEST(list__names__in_byte_order_and_null_token),
        EKS_TEST(list__pages__go_on_behind_the_last),
        EKS_TEST(list__max_results__is_1_to_100),
        EKS_TEST(clusters__other_accounts_and_regions__are_out_of_sight),
        EKS_TEST(view__create__shows_the_members_under_their_names),
        EKS_TEST(view__labels__are_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
