/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stand-ins for EKS usually get wrong, by the numbers of the list in
 * core/eks/README.md; those of the two operations that are served here.
 */
#include "fixture.h"

static void mistake_01__arn_segment_is_access_entry(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    expect_reply_has(f, ":access-entry/my-cluster/");
    assert_null(strstr(f->text, "accessEntry/"));
}

static void mistake_03__auto_mode_username_is_the_session_name(void **state)
{
    expect_created(*state, "{\"principalArn\":\"" ROLE "\",\"type\":\"EC2\"}");
    expect_reply_has(*state, "\"username\":\"system:node:{{SessionName}}\",\"type\":\"EC2\"");
}

static void mistake_04__node_types_have_the_group_system_nodes(void **state)
{
    expect_created(*state, "{\"principalArn\":\"" ROLE "\",\"type\":\"EC2_LINUX\"}");
    expect_reply_has(*state, "\"kubernetesGroups\":[\"system:nodes\"]");
}

static void mistake_05__conflict_text_ends_at_this_cluster(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\"}"), GW_E_DENIED);
    expect_reply_has(f, "is already in use on this cluster.\"}");
}

static void mistake_10__prefix_linked_and_node_errors_precede_no_cluster(void **state)
{
    static const char *const bodies[] = {
        "{\"principalArn\":\"" ROLE "\",\"username\":\"system:x\"}",
        "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"system:masters\"]}",
        "{\"principalArn\":\"arn:aws:iam::012345678910:role/aws-service-role/x.amazonaws.com/R\"}",
        "{\"principalArn\":\"" USER "\",\"type\":\"EC2_LINUX\"}",
        "{\"principalArn\":\"arn:aws:iam::999999999999:role/r\",\"type\":\"EC2_LINUX\"}",
    };
    struct fixture *f = *state;

    f->cluster.exists = false;
    for (size_t i = 0; i < GW_COUNT(bodies); i++) {
        assert_int_equal(create(f, bodies[i]), GW_E_DENIED);
        assert_int_equal(f->error.code, GW_EKS_InvalidParameterException);
    }
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\"}"), GW_E_DENIED);
    expect_error(f, T_MISSING, "No cluster found for name: my-cluster.");
}

static void mistake_11__five_prefixes_are_reserved_and_echoed(void **state)
{
    static const char *const prefixes[] = {"system:", "eks:", "aws:", "amazon:", "iam:"};
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(prefixes); i++) {
        char text[256];

        (void)snprintf(text, sizeof(text), "{\"principalArn\":\"" ROLE "\",\"username\":\"%sx\"}", prefixes[i]);
        assert_int_equal(create(f, text), GW_E_DENIED);
        (void)snprintf(text, sizeof(text), "begin with %s\"", prefixes[i]);
        expect_reply_has(f, text);
        (void)snprintf(text, sizeof(text), "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"%sx\"]}",
                       prefixes[i]);
        assert_int_equal(create(f, text), GW_E_DENIED);
        (void)snprintf(text, sizeof(text), "cannot start with %s\"", prefixes[i]);
        expect_reply_has(f, text);
    }
}

static void mistake_13__times_are_decimal_seconds(void **state)
{
    struct fixture *f = *state;

    f->now_ms = 1685475163005;
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    expect_reply_has(f, "\"createdAt\":1685475163.005,\"modifiedAt\":1685475163.005,");
}

static void mistake_14__escaped_slashes_dont_split(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"arn:aws:iam::012345678910:role/team/dev/my-role\"}");
    assert_int_equal(describe(f, "arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fteam%2Fdev%2Fmy-role"), GW_OK);
    expect_reply_has(f, "\"principalArn\":\"arn:aws:iam::012345678910:role/team/dev/my-role\"");
}

static void mistake_16__colons_may_come_escaped_or_plain(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(describe(f, "arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fmy-role"), GW_OK);
    assert_int_equal(describe(f, "arn:aws:iam::012345678910:role%2Fmy-role"), GW_OK);
}

/* The id of the reply: lower-case hex, 8-4-4-4-12, first byte even. */
static struct gw_str find_id(const struct fixture *f)
{
    const char *at = strstr(f->text, "/my-role/");

    assert_non_null(at);
    return (struct gw_str){at + strlen("/my-role/"), 36};
}

static void mistake_17__ids_are_no_version_4_uuids_and_change_with_each_creation(void **state)
{
    struct fixture *f = *state;
    struct gw_str id;
    char first[36];
    struct gw_store_change removal;
    struct gw_err err;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    id = find_id(f);
    memcpy(first, id.at, sizeof(first));
    for (size_t i = 0; i < id.length; i++)
        assert_non_null(strchr(i == 8 || i == 13 || i == 18 || i == 23 ? "-" : "0123456789abcdef", id.at[i]));
    assert_non_null(strchr("02468ace", first[1]));
    assert_int_not_equal(first[14], '4');
    removal = (struct gw_store_change){.key = {.partition = GW_STR("aws"),
                                               .account = f->account,
                                               .region = GW_STR("us-west-2"),
                                               .cluster = GW_STR("my-cluster"),
                                               .principal = GW_STR(ROLE)},
                                       .entry_act = GW_STORE_DELETE,
                                       .now_ms = f->now_ms};
    removal.expected_cluster = gw_store_find_cluster(f->store, &removal.key)->version;
    removal.expected_entry = gw_store_find(f->store, &removal.key)->version;
    assert_int_equal(gw_store_stage(f->store, &removal), GW_OK);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_memory_not_equal(find_id(f).at, first, sizeof(first));
}

static void mistake_18__path_stays_in_the_arn_and_leaves_the_username(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"arn:aws:iam::012345678910:role/team/dev/my-role\"}");
    expect_reply_has(f, "\"principalArn\":\"arn:aws:iam::012345678910:role/team/dev/my-role\"");
    expect_reply_has(f, "\"username\":\"arn:aws:sts::012345678910:assumed-role/my-role/{{SessionName}}\"");
    expect_reply_has(f, ":access-entry/my-cluster/role/012345678910/my-role/");
}

static void mistake_19__root_is_accepted_and_assumed_roles_are_not(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"arn:aws:iam::012345678910:root\"}");
    expect_reply_has(f, "\"username\":\"arn:aws:iam::012345678910:root\"");
    expect_reply_has(f, ":access-entry/my-cluster/root/012345678910/root/" FIRST_ID "\"");
    assert_int_equal(describe(f, "arn%3Aaws%3Aiam%3A%3A012345678910%3Aroot"), GW_OK);
    assert_int_equal(create(f, "{\"principalArn\":\"arn:aws:sts::012345678910:assumed-role/my-role/me\"}"),
                     GW_E_DENIED);
    expect_error(f, T_INVALID, "The principalArn parameter format is not valid");
}

static void mistake_22__config_map_clusters_refuse_both_operations(void **state)
{
    struct fixture *f = *state;

    f->cluster.mode = GW_EKS_MODE_CONFIG_MAP;
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\"}"), GW_E_DENIED);
    assert_int_equal(f->error.code, GW_EKS_InvalidRequestException);
    assert_int_equal(describe(f, ROLE_RAW), GW_E_DENIED);
    assert_int_equal(f->error.code, GW_EKS_InvalidRequestException);
}

static void mistake_24__retry_with_the_same_token_is_no_conflict(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++)
        expect_created(f, "{\"principalArn\":\"" ROLE "\",\"clientRequestToken\":\"" TOKEN "\"}");
    assert_int_equal(gw_store_count(f->store), 1);
}

static void mistake_25__hyperpod_exists_and_isnt_bound_to_own_roles(void **state)
{
    expect_created(*state, "{\"principalArn\":\"arn:aws:iam::999999999999:role/r\",\"type\":\"HYPERPOD_LINUX\"}");
    expect_created(*state, "{\"principalArn\":\"" USER "\",\"type\":\"HYPERPOD_LINUX\"}");
}

static void mistake_29__fifty_one_tags_and_empty_segments_are_tested(void **state)
{
    struct fixture *f = *state;
    char *body = repeat_json("{\"principalArn\":\"" ROLE "\",\"tags\":{", "\":\"\"", 51, "}}");

    assert_int_equal(create(f, body), GW_E_DENIED);
    assert_int_equal(f->error.code, GW_EKS_InvalidParameterException);
    free(body);
    f->cluster_label = GW_STR("");
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\"}"), GW_E_DENIED);
    assert_int_equal(f->error.code, GW_EKS_InvalidParameterException);
}

static void mistake_32__record_keeps_name_and_encoding_of_path_parameters(void **state)
{
    struct fixture *f = *state;

    (void)describe(f, ROLE_RAW);
    gw_eks_view_input(&f->call);
    expect_json(&f->call.request_parameters, "{\"name\":\"my-cluster\",\"principalArn\":\"" ROLE_RAW "\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(mistake_01__arn_segment_is_access_entry),
        EKS_TEST(mistake_03__auto_mode_username_is_the_session_name),
        EKS_TEST(mistake_04__node_types_have_the_group_system_nodes),
        EKS_TEST(mistake_05__conflict_text_ends_at_this_cluster),
        EKS_TEST(mistake_10__prefix_linked_and_node_errors_precede_no_cluster),
        EKS_TEST(mistake_11__five_prefixes_are_reserved_and_echoed),
        EKS_TEST(mistake_13__times_are_decimal_seconds),
        EKS_TEST(mistake_14__escaped_slashes_dont_split),
        EKS_TEST(mistake_16__colons_may_come_escaped_or_plain),
        EKS_TEST(mistake_17__ids_are_no_version_4_uuids_and_change_with_each_creation),
        EKS_TEST(mistake_18__path_stays_in_the_arn_and_leaves_the_username),
        EKS_TEST(mistake_19__root_is_accepted_and_assumed_roles_are_not),
        EKS_TEST(mistake_22__config_map_clusters_refuse_both_operations),
        EKS_TEST(mistake_24__retry_with_the_same_token_is_no_conflict),
        EKS_TEST(mistake_25__hyperpod_exists_and_isnt_bound_to_own_roles),
        EKS_TEST(mistake_29__fifty_one_tags_and_empty_segments_are_tested),
        EKS_TEST(mistake_32__record_keeps_name_and_encoding_of_path_parameters),
    };

    return cmocka_run_group_tests_name("eks/mistakes", tests, NULL, NULL);
}
