/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateAccessEntry as a sequence: which rule speaks first, where policies' values
 * come in, and the change that the writer gets.
 */
#include "fixture.h"

/* Which rule speaks first: each body breaks the rule under test and every later one that it can. */

static void order__form_comes_before_meaning(void **state)
{
    struct fixture *f = *state;

    f->cluster_label = GW_STR("-");
    assert_int_equal(create(f, "{"), GW_E_DENIED);
    assert_non_null(strstr(f->text, "The clusterName parameter contains"));
    f->cluster_label = GW_STR("my-cluster");
    expect_refused(f, "{\"tags\":1,\"principalArn\":\"x\",\"username\":\"eks:\"}", T_INVALID,
                   "The tags parameter must be an object of strings.");
    expect_refused(f, "{\"principalArn\":\"x\",\"username\":\"eks:\"}", T_INVALID,
                   "The principalArn parameter format is not valid");
}

static void order__rules_before_the_cluster_lookup(void **state)
{
#define LINKED "\"principalArn\":\"arn:aws:iam::999999999999:role/aws-service-role/x.amazonaws.com/R\""
#define LATER  "\"clientRequestToken\":\"\",\"tags\":{\"aws:\":\"\"}"
    static const struct {
        const char *body;
        const char *begins;
    } rows[] = {
        {"{" LINKED ",\"username\":\"eks:\",\"kubernetesGroups\":[\"aws:\"],\"type\":\"EC2\"," LATER "}",
         "The username must not begin with eks:"},
        {"{" LINKED ",\"kubernetesGroups\":[\"aws:\"],\"type\":\"EC2\"," LATER "}",
         "The kubernetes group name aws: is invalid"},
        {"{" LINKED ",\"type\":\"EC2\"," LATER "}", "The caller is not allowed to modify"},
        {"{\"principalArn\":\"arn:aws:iam::999999999999:user/u\",\"type\":\"EC2\"," LATER "}",
         "AccessEntry principalArn must be IAM role"},
        {"{\"principalArn\":\"arn:aws:iam::999999999999:role/r\",\"type\":\"EC2\"," LATER "}",
         "AccessEntry principalArn must be from the same account"},
        {"{\"principalArn\":\"" USER "\",\"type\":\"NONE\"," LATER "}", "The client request token parameter"},
        {"{\"principalArn\":\"" USER "\",\"type\":\"NONE\",\"tags\":{\"aws:\":\"\"}}", "A tag key must not begin"},
        {"{\"principalArn\":\"" USER "\",\"type\":\"NONE\"}", "The type parameter must be one of"},
        {"{\"principalArn\":\"" ROLE "\",\"type\":\"EC2\",\"username\":\"u\"}",
         "No cluster found for name: my-cluster."},
    };
    struct fixture *f = *state;

    f->cluster.exists = false;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        assert_int_equal(create(f, rows[i].body), GW_E_DENIED);
        if (!gw_str_starts(f->error.message, gw_str_from(rows[i].begins)))
            fail_msg("row %zu: %s", i, f->text);
    }
}

static void order__rules_behind_the_cluster_lookup(void **state)
{
    struct fixture *f = *state;

    f->limits.entries_per_cluster = 1;
    expect_created(f, "{\"principalArn\":\"" ROLE "\",\"clientRequestToken\":\"" TOKEN "\"}");

    f->cluster.mode = GW_EKS_MODE_CONFIG_MAP;
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\",\"clientRequestToken\":\"" TOKEN "\"}"), GW_E_DENIED);
    assert_int_equal(f->error.code, GW_EKS_InvalidRequestException); /* mode before replay */
    f->cluster.mode = GW_EKS_MODE_API;
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\",\"clientRequestToken\":\"" TOKEN
                               "\",\"type\":\"EC2\",\"username\":\"u\"}"),
                     GW_E_DENIED);
    assert_non_null(strstr(f->text, "was used by an earlier request")); /* replay before the type's rules */
    assert_int_equal(
        create(f, "{\"principalArn\":\"" ROLE "\",\"type\":\"EC2\",\"username\":\"u\",\"kubernetesGroups\":[\"g\"]}"),
        GW_E_DENIED);
    assert_non_null(strstr(f->text, "setting kubernetesGroups is not allowed")); /* groups before username */
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\",\"type\":\"EC2\",\"username\":\"u\"}"), GW_E_DENIED);
    assert_non_null(strstr(f->text, "setting username is not allowed")); /* the type's rules before duplicates */
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\"}"), GW_E_DENIED);
    assert_int_equal(f->error.code, GW_EKS_ResourceInUseException); /* duplicates before the quota */
    assert_int_equal(create(f, "{\"principalArn\":\"arn:aws-cn:iam::012345678910:role/r\"}"), GW_E_DENIED);
    assert_int_equal(f->error.code, GW_EKS_InvalidParameterException); /* the principal before the quota */
}

/* What policies choose passes the same code. */

static void policy__username__stands_where_the_caller_sent_none(void **state)
{
    struct fixture *f = *state;

    f->username = GW_STR("team:my-role:{{SessionName}}");
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    expect_reply_has(f, "\"username\":\"team:my-role:{{SessionName}}\"");
    expect_created(f, "{\"principalArn\":\"" USER "\",\"username\":\"own\"}");
    expect_reply_has(f, "\"username\":\"own\"");
    expect_created(f, "{\"principalArn\":\"" ROLE "2\",\"type\":\"EC2_LINUX\"}");
    expect_reply_has(f, "\"username\":\"system:node:{{EC2PrivateDNSName}}\"");
}

static void policy__username_that_eks_refuses__is_refused(void **state)
{
    struct fixture *f = *state;

    f->username = GW_STR("system:masters");
    expect_refused(f, "{\"principalArn\":\"" ROLE "\"}", T_INVALID, "The username must not begin with system:");
}

static void policy__is_asked_for_a_username__only_where_it_may_choose(void **state)
{
    struct fixture *f = *state;

    begin(f, GW_EKS_CreateAccessEntry)->body = GW_STR("{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    assert_true(gw_eks_wants_username(&f->call, f->store));
    assert_true(gw_eks_wants_tags(&f->call));
    begin(f, GW_EKS_CreateAccessEntry)->body = GW_STR("{\"principalArn\":\"" ROLE "\",\"username\":\"u\"}");
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    assert_false(gw_eks_wants_username(&f->call, f->store));
    begin(f, GW_EKS_CreateAccessEntry)->body = GW_STR("{\"principalArn\":\"" ROLE "\",\"type\":\"EC2\"}");
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    assert_false(gw_eks_wants_username(&f->call, f->store));
    begin(f, GW_EKS_CreateAccessEntry)->body = GW_STR("{\"principalArn\":\"" ROLE "\",\"type\":\"?\"}");
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    assert_false(gw_eks_wants_username(&f->call, f->store));
}

static void policy__tags__follow_those_sent_and_never_replace_one(void **state)
{
    static const struct gw_pair tags[] = {
        {GW_STR_INIT("z"), GW_STR_INIT("policy")},
        {GW_STR_INIT("cost-centre"), GW_STR_INIT("4711")},
        {GW_STR_INIT("cost-centre"), GW_STR_INIT("4712")},
    };
    struct fixture *f = *state;

    f->tags = tags;
    f->tag_count = 3;
    expect_created(f, "{\"principalArn\":\"" ROLE "\",\"tags\":{\"z\":\"sent\",\"a\":\"1\"}}");
    expect_reply_has(f, "\"tags\":{\"z\":\"sent\",\"a\":\"1\",\"cost-centre\":\"4711\"}");
    expect_json(gw_eks_sent_tags(&f->call), "{\"z\":\"sent\",\"a\":\"1\"}");
    expect_created(f, "{\"principalArn\":\"" USER "\"}");
    expect_reply_has(f, "\"tags\":{\"z\":\"policy\",\"cost-centre\":\"4711\"}");
    assert_null(gw_eks_sent_tags(&f->call));
}

static void policy__tag_past_fifty_or_of_a_wrong_form__is_refused(void **state)
{
    static const struct gw_pair extra = {GW_STR_INIT("extra"), GW_STR_INIT("")};
    static const struct gw_pair reserved = {GW_STR_INIT("aws:x"), GW_STR_INIT("")};
    struct fixture *f = *state;
    char *fifty = repeat_json("{\"principalArn\":\"" ROLE "\",\"tags\":{", "\":\"\"", 50, "}}");

    f->tags = &extra;
    f->tag_count = 1;
    expect_refused(f, fifty, T_INVALID, "The tags parameter must not have more than 50 tags.");
    free(fifty);
    f->tags = &reserved;
    expect_refused(f, "{\"principalArn\":\"" ROLE "\"}", T_INVALID,
                   "A tag key must not begin with aws: in upper or lower case.");
}

/* The change that the writer gets. */

static void change__of_a_create__expects_absence_and_carries_the_quota(void **state)
{
    struct fixture *f = *state;

    begin(f, GW_EKS_CreateAccessEntry)->body =
        GW_STR("{\"principalArn\":\"" ROLE "\",\"clientRequestToken\":\"" TOKEN "\"}");
    assert_int_equal(run_to_prepare(f), GW_OK);
    assert_true(f->result.is_change);
    assert_int_equal(f->result.change.expected_entry, 0);
    assert_int_equal(f->result.change.entry_act, GW_STORE_PUT);
    assert_int_equal(f->result.change.expected_cluster, f->result.cluster->version);
    assert_int_equal(f->result.change.cluster_entries_max, 3000);
    assert_int_equal(f->result.change.now_ms, f->now_ms);
    assert_true(gw_str_is(f->result.change.key.principal, ROLE));
    assert_true(gw_str_equal(f->result.change.entry->reply, f->result.reply));
    assert_ptr_equal(f->result.change.token->reply.at, f->result.change.entry->reply.at);
    assert_int_equal(gw_store_count(f->store), 0);
    gw_eks_result_drop(&f->result);
    assert_false(f->result.is_change);
    assert_null(f->result.change.entry);
    assert_null(f->result.change.token);
    gw_eks_result_drop(&f->result);
}

static void change__that_came_second__sees_the_first_when_prepared_again(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_env env;
    struct gw_eks_call late;
    struct gw_eks_result result;

    begin(f, GW_EKS_CreateAccessEntry)->body = GW_STR("{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(run_to_prepare(f), GW_OK);
    late = f->call;
    result = f->result;
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(gw_store_stage(f->store, &result.change), GW_E_STALE);
    gw_eks_result_drop(&result);
    env = make_env(f);
    assert_int_equal(gw_eks_prepare(&late, &env, &result, &f->error), GW_E_DENIED);
    assert_int_equal(f->error.code, GW_EKS_ResourceInUseException);
}

static void stage_error__says_what_the_store_could_not_do(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    gw_eks_stage_error(&f->call, GW_E_LIMIT, &f->limits, &f->error);
    expect_error(f, T_LIMIT, "The cluster my-cluster can't have more than 3000 access entries.");
    gw_eks_stage_error(&f->call, GW_E_STALE, &f->limits, &f->error);
    assert_int_equal(gw_eks_error_status(f->error.code), 409);
    gw_eks_stage_error(&f->call, GW_E_BUSY, &f->limits, &f->error);
    assert_int_equal(gw_eks_error_status(f->error.code), 503);
    gw_eks_stage_error(&f->call, GW_E_IO, &f->limits, &f->error);
    assert_int_equal(gw_eks_error_status(f->error.code), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(order__form_comes_before_meaning),
        EKS_TEST(order__rules_before_the_cluster_lookup),
        EKS_TEST(order__rules_behind_the_cluster_lookup),
        EKS_TEST(policy__username__stands_where_the_caller_sent_none),
        EKS_TEST(policy__username_that_eks_refuses__is_refused),
        EKS_TEST(policy__is_asked_for_a_username__only_where_it_may_choose),
        EKS_TEST(policy__tags__follow_those_sent_and_never_replace_one),
        EKS_TEST(policy__tag_past_fifty_or_of_a_wrong_form__is_refused),
        EKS_TEST(change__of_a_create__expects_absence_and_carries_the_quota),
        EKS_TEST(change__that_came_second__sees_the_first_when_prepared_again),
        EKS_TEST(stage_error__says_what_the_store_could_not_do),
    };

    return cmocka_run_group_tests_name("eks/create_steps", tests, NULL, NULL);
}
