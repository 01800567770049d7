/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retries: what a clientRequestToken promises, and when two requests count as
 * the same.
 */
#include "fixture.h"

#define WITH_TOKEN ",\"clientRequestToken\":\"" TOKEN "\"}"

static const char mismatch[] = "The client request token was used by an earlier request with other parameters.";
static const char length_words[] = "The client request token parameter must be between 33 and 126 characters.";

static void token__retry__gets_the_first_reply_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    char reply[sizeof(f->text)];

    expect_created(f, "{\"principalArn\":\"" ROLE "\"" WITH_TOKEN);
    assert_true(f->result.is_change);
    assert_false(f->result.replayed);
    memcpy(reply, f->text, sizeof(reply));
    f->now_ms += 60000;
    expect_created(f, "{\"principalArn\":\"" ROLE "\"" WITH_TOKEN);
    assert_true(f->result.replayed);
    assert_false(f->result.is_change);
    assert_null(f->result.change.entry);
    assert_string_equal(f->text, reply);
}

static void token__retry_written_differently__is_the_same_request(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\",\"tags\":{\"a\":\"1\",\"b\":\"2\"}" WITH_TOKEN);
    expect_created(f, "{ \"clientRequestToken\" : \"" TOKEN "\", \"tags\" : {\"b\":\"2\", \"\\u0061\":\"1\"},\n"
                      " \"unknown\": 1, \"type\": null, \"principalArn\" : \"" ROLE "\" }");
    assert_true(f->result.replayed);
}

static void token__with_other_parameters__is_refused(void **state)
{
    static const char *const bodies[] = {
        "{\"principalArn\":\"" USER "\",\"kubernetesGroups\":[\"a\",\"b\"],\"tags\":{\"k\":\"v\"}" WITH_TOKEN,
        "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"b\",\"a\"],\"tags\":{\"k\":\"v\"}" WITH_TOKEN,
        "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"ab\"],\"tags\":{\"k\":\"v\"}" WITH_TOKEN,
        "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"a\",\"b\"],\"tags\":{\"k\":\"w\"}" WITH_TOKEN,
        "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"a\",\"b\"],\"tags\":{\"kv\":\"\"}" WITH_TOKEN,
        "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"a\",\"b\"],\"tags\":{}" WITH_TOKEN,
        "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"a\",\"b\"]" WITH_TOKEN,
        "{\"principalArn\":\"" ROLE
        "\",\"kubernetesGroups\":[\"a\",\"b\"],\"tags\":{\"k\":\"v\"},\"username\":\"u\"" WITH_TOKEN,
    };
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE
                      "\",\"kubernetesGroups\":[\"a\",\"b\"],\"tags\":{\"k\":\"v\"}" WITH_TOKEN);
    for (size_t i = 0; i < GW_COUNT(bodies); i++) {
        assert_int_equal(create(f, bodies[i]), GW_E_DENIED);
        expect_error(f, T_INVALID, mismatch);
    }
    assert_int_equal(gw_store_count(f->store), 1);
}

/* Parameters are compared as sent: what EKS would have filled in is still another parameter. */
static void token__default_sent_and_default_left_out__are_different(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"" WITH_TOKEN);
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\",\"type\":\"STANDARD\"" WITH_TOKEN), GW_E_DENIED);
    expect_error(f, T_INVALID, mismatch);
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[]" WITH_TOKEN), GW_E_DENIED);
    expect_error(f, T_INVALID, mismatch);
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\",\"tags\":{}" WITH_TOKEN), GW_E_DENIED);
    expect_error(f, T_INVALID, mismatch);
}

static void token__policies_that_choose_differently_meanwhile__dont_matter(void **state)
{
    static const struct gw_pair tag = {GW_STR_INIT("k"), GW_STR_INIT("v")};
    struct fixture *f = *state;

    f->username = GW_STR("one");
    expect_created(f, "{\"principalArn\":\"" ROLE "\"" WITH_TOKEN);
    f->username = GW_STR("two");
    f->tags = &tag;
    f->tag_count = 1;
    expect_created(f, "{\"principalArn\":\"" ROLE "\"" WITH_TOKEN);
    assert_true(f->result.replayed);
    expect_reply_has(f, "\"username\":\"one\"");
}

static void token__another_token__is_a_duplicate(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"" WITH_TOKEN);
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\",\"clientRequestToken\":\""
                               "1f3c1e0a-9d3b-4c56-8f0e-1234567890ab\"}"),
                     GW_E_DENIED);
    assert_int_equal(f->error.code, GW_EKS_ResourceInUseException);
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\"}"), GW_E_DENIED);
    assert_int_equal(f->error.code, GW_EKS_ResourceInUseException);
}

static void token__belongs_to_one_cluster_and_account(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"" WITH_TOKEN);
    f->cluster_label = GW_STR("other");
    expect_created(f, "{\"principalArn\":\"" USER "\"" WITH_TOKEN);
    assert_true(f->result.is_change);
    f->account = GW_STR("999999999999");
    expect_created(f, "{\"principalArn\":\"" ROLE "2\"" WITH_TOKEN);
    assert_true(f->result.is_change);
    assert_int_equal(gw_store_count(f->store), 3);
}

static void token__older_than_its_age__is_forgotten(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"" WITH_TOKEN);
    f->now_ms += (int64_t)25 * 3600 * 1000;
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\"" WITH_TOKEN), GW_E_DENIED);
    assert_int_equal(f->error.code, GW_EKS_ResourceInUseException);
}

static void token__of_a_refused_request__may_be_used_again(void **state)
{
    struct fixture *f = *state;

    f->cluster.exists = false;
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\"" WITH_TOKEN), GW_E_DENIED);
    f->cluster.exists = true;
    expect_created(f, "{\"principalArn\":\"" USER "\"" WITH_TOKEN);
    assert_true(f->result.is_change);
}

static void token__two_at_once__one_creates_and_the_other_is_replayed(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_env env;
    struct gw_eks_call late;
    struct gw_eks_result result;

    begin(f, GW_EKS_CreateAccessEntry)->body = GW_STR("{\"principalArn\":\"" ROLE "\"" WITH_TOKEN);
    assert_int_equal(run_to_prepare(f), GW_OK);
    late = f->call;
    result = f->result;
    expect_created(f, "{\"principalArn\":\"" ROLE "\"" WITH_TOKEN);
    assert_int_equal(gw_store_stage(f->store, &result.change), GW_E_STALE);
    gw_eks_result_drop(&result);
    env = make_env(f);
    assert_int_equal(gw_eks_prepare(&late, &env, &result, &f->error), GW_OK);
    assert_true(result.replayed);
    assert_int_equal(result.reply.length, strlen(f->text));
    assert_memory_equal(result.reply.at, f->text, result.reply.length);
}

static enum gw_status create_with_token_of(struct fixture *f, const char *character, size_t count)
{
    struct gw_buf body;
    enum gw_status status;

    gw_buf_init(&body, 4096);
    gw_buf_append_lit(&body, "{\"principalArn\":\"" ROLE "\",\"clientRequestToken\":\"");
    for (size_t i = 0; i < count; i++)
        gw_buf_append_str(&body, gw_str_from(character));
    gw_buf_append_lit(&body, "\"}");
    begin(f, GW_EKS_CreateAccessEntry)->body = gw_buf_str(&body);
    status = run_to_prepare(f);
    gw_buf_fini(&body);
    if (status == GW_OK)
        gw_eks_result_drop(&f->result);
    else
        expect_error(f, T_INVALID, length_words);
    return status;
}

static void token__shorter_than_33_or_longer_than_126_characters__is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(create_with_token_of(f, "", 1), GW_E_DENIED);
    assert_int_equal(create_with_token_of(f, "x", 32), GW_E_DENIED);
    assert_int_equal(create_with_token_of(f, "x", 33), GW_OK);
    assert_int_equal(create_with_token_of(f, "x", 126), GW_OK);
    assert_int_equal(create_with_token_of(f, "x", 127), GW_E_DENIED);
    assert_int_equal(create_with_token_of(f, "\xc3\xa9", 126), GW_OK);
    assert_int_equal(create_with_token_of(f, "\xc3\xa9", 32), GW_E_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(token__retry__gets_the_first_reply_and_changes_nothing),
        EKS_TEST(token__retry_written_differently__is_the_same_request),
        EKS_TEST(token__with_other_parameters__is_refused),
        EKS_TEST(token__default_sent_and_default_left_out__are_different),
        EKS_TEST(token__policies_that_choose_differently_meanwhile__dont_matter),
        EKS_TEST(token__another_token__is_a_duplicate),
        EKS_TEST(token__belongs_to_one_cluster_and_account),
        EKS_TEST(token__older_than_its_age__is_forgotten),
        EKS_TEST(token__of_a_refused_request__may_be_used_again),
        EKS_TEST(token__two_at_once__one_creates_and_the_other_is_replayed),
        EKS_TEST(token__shorter_than_33_or_longer_than_126_characters__is_refused),
    };

    return cmocka_run_group_tests_name("eks/token", tests, NULL, NULL);
}
