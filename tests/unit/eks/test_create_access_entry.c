/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateAccessEntry: what it answers, and every rule with its words.
 */
#include "fixture.h"

static void create__role__is_answered_in_the_order_of_the_samples(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_string_equal(f->text, "{\"accessEntry\":{\"clusterName\":\"my-cluster\",\"principalArn\":\"" ROLE
                                 "\",\"kubernetesGroups\":[],\"accessEntryArn\":\"arn:aws:eks:us-west-2:012345678910:"
                                 "access-entry/my-cluster/role/012345678910/my-role/" FIRST_ID
                                 "\",\"createdAt\":1685475163.532,\"modifiedAt\":1685475163.532,\"tags\":{},"
                                 "\"username\":\"arn:aws:sts::012345678910:assumed-role/my-role/{{SessionName}}\","
                                 "\"type\":\"STANDARD\"}}");
}

static void create__everything_sent__is_kept_in_the_order_sent(void **state)
{
    struct fixture *f = *state;

    expect_created(f,
                   "{\"type\": \"STANDARD\", \"tags\": {\"z\": \"1\", \"a\": \"\"}, \"username\": \"dev:\xc3\xa9\\\"\","
                   " \"kubernetesGroups\": [\"b\", \"a\"], \"principalArn\": \"" USER "\"}");
    assert_string_equal(f->text, "{\"accessEntry\":{\"clusterName\":\"my-cluster\",\"principalArn\":\"" USER
                                 "\",\"kubernetesGroups\":[\"b\",\"a\"],\"accessEntryArn\":\"arn:aws:eks:us-west-2:"
                                 "012345678910:access-entry/my-cluster/user/012345678910/alice/" FIRST_ID
                                 "\",\"createdAt\":1685475163.532,\"modifiedAt\":1685475163.532,"
                                 "\"tags\":{\"z\":\"1\",\"a\":\"\"},\"username\":\"dev:\xc3\xa9\\\"\","
                                 "\"type\":\"STANDARD\"}}");
}

static void create__user_with_a_path__is_its_own_username(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"arn:aws:iam::012345678910:user/team/alice\"}");
    expect_reply_has(f, "\"username\":\"arn:aws:iam::012345678910:user/team/alice\"");
    expect_reply_has(f, ":access-entry/my-cluster/user/012345678910/alice/" FIRST_ID "\"");
}

static void create__entry_of_a_foreign_account__names_both_accounts_in_its_arn(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"arn:aws:iam::999999999999:role/theirs\"}");
    expect_reply_has(f, "\"arn:aws:eks:us-west-2:012345678910:access-entry/my-cluster/role/999999999999/theirs/");
    expect_reply_has(f, "\"arn:aws:sts::999999999999:assumed-role/theirs/{{SessionName}}\"");
}

static void create__each_node_type__has_its_generated_username_and_groups(void **state)
{
    static const char *const rows[][2] = {
        {"EC2_LINUX", "system:node:{{EC2PrivateDNSName}}"},
        {"EC2_WINDOWS", "system:node:{{EC2PrivateDNSName}}"},
        {"FARGATE_LINUX", "system:node:{{SessionName}}"},
        {"HYBRID_LINUX", "system:node:{{SessionName}}"},
        {"EC2", "system:node:{{SessionName}}"},
        {"HYPERPOD_LINUX", "system:node:{{SessionName}}"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        char body[256];

        (void)snprintf(body, sizeof(body), "{\"principalArn\":\"" ROLE "%zu\",\"type\":\"%s\",\"kubernetesGroups\":[]}",
                       i, rows[i][0]);
        expect_created(f, body);
        (void)snprintf(body, sizeof(body), "\"username\":\"%s\",\"type\":\"%s\"}}", rows[i][1], rows[i][0]);
        expect_reply_has(f, body);
        expect_reply_has(f, "\"kubernetesGroups\":[\"system:nodes\"]");
    }
}

static void create__groups_sent_twice__are_kept_once(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"b\",\"a\",\"b\",\"system\",\"a\"]}");
    expect_reply_has(f, "\"kubernetesGroups\":[\"b\",\"a\",\"system\"]");
}

static void create__null_members__count_as_absent(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":null,\"tags\":null,\"username\":null,"
                      "\"type\":null,\"clientRequestToken\":null}");
    expect_reply_has(f, "\"type\":\"STANDARD\"");
    assert_null(f->result.change.token);
    tear_down(state);
    set_up(state);
    expect_refused(*state, "{\"principalArn\":null}", T_INVALID, T_REQUIRED);
}

static void create__members_that_the_model_lacks__are_ignored(void **state)
{
    expect_created(*state, "{\"principalArn\":\"" ROLE "\",\"clusterName\":7,\"PrincipalArn\":[],\"x\":{\"y\":[1]}}");
}

static void create__body_that_is_no_json_object__is_refused(void **state)
{
    struct fixture *f = *state;

    expect_refused(f, "[]", T_INVALID, "The request body must be a JSON object.");
    expect_refused(f, "\"x\"", T_INVALID, "The request body must be a JSON object.");
    expect_refused(f, "null", T_INVALID, "The request body must be a JSON object.");
    expect_refused(f, "", T_INVALID, T_REQUIRED);
    expect_refused(f, "{}", T_INVALID, T_REQUIRED);
}

static void create__malformed_json__says_where(void **state)
{
    static const char *const bodies[] = {
        "{",
        "{\"principalArn\":\"" ROLE "\"} x",
        "{\"principalArn\":\"" ROLE "\",}",
        "{\"principalArn\":\"" ROLE "\",\"principalArn\":\"" ROLE "\"}",
        "{\"principalArn\":\"\xff\"}",
        " ",
    };
    struct fixture *f = *state;
    struct gw_str words = GW_STR("The request body is not valid JSON: line ");

    for (size_t i = 0; i < GW_COUNT(bodies); i++) {
        assert_int_equal(create(f, bodies[i]), GW_E_DENIED);
        assert_int_equal(f->error.code, GW_EKS_InvalidParameterException);
        assert_true(gw_str_starts(f->error.message, words));
    }
}

static void create__member_of_the_wrong_type__is_named_with_the_type_it_should_have(void **state)
{
    struct fixture *f = *state;

    expect_refused(f, "{\"principalArn\":5}", T_INVALID, "The principalArn parameter must be a string.");
    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"username\":[]}", T_INVALID,
                   "The username parameter must be a string.");
    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"type\":{}}", T_INVALID, "The type parameter must be a string.");
    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"clientRequestToken\":true}", T_INVALID,
                   "The clientRequestToken parameter must be a string.");
    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":\"a\"}", T_INVALID,
                   "The kubernetesGroups parameter must be an array of strings.");
    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"a\",null]}", T_INVALID,
                   "The kubernetesGroups parameter must be an array of strings.");
    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"tags\":[]}", T_INVALID,
                   "The tags parameter must be an object of strings.");
    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"tags\":{\"a\":1}}", T_INVALID,
                   "The tags parameter must be an object of strings.");
}

static void create__principal_of_another_form__is_refused(void **state)
{
    static const char *const arns[] = {
        "",
        "my-role",
        "arn:aws:sts::012345678910:assumed-role/my-role/me",
        "arn:aws:sts::012345678910:federated-user/bob",
        "arn:aws:iam::012345678910:group/g",
        "arn:aws:iam::012345678910:policy/p",
        "arn:aws:iam::012345678910:instance-profile/p",
        "arn:aws:iam::01234567891:role/r",
        "arn:aws:iam::012345678910:role/",
        "arn:nowhere:iam::012345678910:role/r",
        "arn:aws:iam:us-west-2:012345678910:role/r",
        "arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fmy-role",
    };

    for (size_t i = 0; i < GW_COUNT(arns); i++) {
        char body[256];

        (void)snprintf(body, sizeof(body), "{\"principalArn\":\"%s\"}", arns[i]);
        expect_refused(*state, body, T_INVALID, "The principalArn parameter format is not valid");
    }
}

static void create__username_with_a_reserved_prefix__is_refused_by_that_prefix(void **state)
{
    static const char *const prefixes[] = {"system:", "eks:", "aws:", "amazon:", "iam:"};

    for (size_t i = 0; i < GW_COUNT(prefixes); i++) {
        char body[256];
        char message[256];

        (void)snprintf(body, sizeof(body), "{\"principalArn\":\"" ROLE "\",\"username\":\"%sx\"}", prefixes[i]);
        (void)snprintf(message, sizeof(message), "The username must not begin with %s", prefixes[i]);
        expect_refused(*state, body, T_INVALID, message);
    }
    expect_created(*state, "{\"principalArn\":\"" ROLE "\",\"username\":\"sts:x\"}");
}

static void create__group_with_a_reserved_prefix__is_refused_by_name_and_prefix(void **state)
{
    static const char *const prefixes[] = {"system:", "eks:", "aws:", "amazon:", "iam:"};

    for (size_t i = 0; i < GW_COUNT(prefixes); i++) {
        char body[256];
        char message[256];

        (void)snprintf(body, sizeof(body),
                       "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"ok\",\"%smasters\"]}", prefixes[i]);
        (void)snprintf(message, sizeof(message),
                       "The kubernetes group name %smasters is invalid, it cannot start with %s", prefixes[i],
                       prefixes[i]);
        expect_refused(*state, body, T_INVALID, message);
    }
}

static void create__session_name_without_a_colon_before_it__is_refused(void **state)
{
    struct fixture *f = *state;

    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"username\":\"john{{SessionName}}\"}", T_INVALID,
                   "The username must have a colon before {{SessionName}}.");
    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"username\":\"{{SessionNameRaw}}:\"}", T_INVALID,
                   "The username must have a colon before {{SessionNameRaw}}.");
    expect_created(f, "{\"principalArn\":\"" ROLE "\",\"username\":\"jo:hn{{SessionName}}\"}");
    expect_created(f, "{\"principalArn\":\"" USER "\",\"username\":\"developer\"}");
}

static void create__empty_username_or_group__is_refused(void **state)
{
    struct fixture *f = *state;

    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"username\":\"\"}", T_INVALID,
                   "The username must not be empty.");
    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"\"]}", T_INVALID,
                   "A kubernetes group name must not be empty.");
}

static void create__more_groups_than_the_limit__is_refused(void **state)
{
    struct fixture *f = *state;
    char *hundred = repeat_json("{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[", "\"", 100, "]}");
    char *more = repeat_json("{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[", "\"", 101, "]}");

    expect_refused(f, more, T_INVALID, "The kubernetesGroups parameter must not have more than 100 items.");
    expect_created(f, hundred);
    assert_int_equal(gw_store_count(f->store), 1);
    free(hundred);
    free(more);
}

static void create__service_linked_role__is_refused_whatever_its_type_and_account(void **state)
{
    static const char words[] =
        "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role";
    struct fixture *f = *state;

    expect_refused(f,
                   "{\"principalArn\":\"arn:aws:iam::012345678910:role/aws-service-role/eks.amazonaws.com/"
                   "AWSServiceRoleForAmazonEKS\"}",
                   T_INVALID, words);
    expect_refused(f,
                   "{\"principalArn\":\"arn:aws:iam::999999999999:role/aws-service-role/x.amazonaws.com/R\","
                   "\"type\":\"EC2_LINUX\"}",
                   T_INVALID, words);
}

static void create__node_type_for_a_user__is_refused(void **state)
{
    static const char *const types[] = {"EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "EC2"};
    static const char *const principals[] = {USER, "arn:aws:iam::012345678910:root",
                                             "arn:aws:iam::999999999999:user/alice"};

    for (size_t i = 0; i < GW_COUNT(types) * GW_COUNT(principals); i++) {
        char body[256];

        (void)snprintf(body, sizeof(body), "{\"principalArn\":\"%s\",\"type\":\"%s\"}",
                       principals[i % GW_COUNT(principals)], types[i / GW_COUNT(principals)]);
        expect_refused(*state, body, T_INVALID,
                       "AccessEntry principalArn must be IAM role when using types [EC2_LINUX, EC2_WINDOWS, "
                       "FARGATE_LINUX, HYBRID_LINUX, EC2]");
    }
}

static void create__node_type_for_a_foreign_role__is_refused(void **state)
{
    static const char *const types[] = {"EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "EC2"};

    for (size_t i = 0; i < GW_COUNT(types); i++) {
        char body[256];

        (void)snprintf(body, sizeof(body),
                       "{\"principalArn\":\"arn:aws:iam::999999999999:role/theirs\",\"type\":\"%s\"}", types[i]);
        expect_refused(*state, body, T_INVALID,
                       "AccessEntry principalArn must be from the same account as the cluster when using types "
                       "[EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2]");
    }
}

static void create__unknown_type__is_answered_with_the_types_there_are(void **state)
{
    static const char words[] = "The type parameter must be one of [STANDARD, EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, "
                                "HYBRID_LINUX, EC2, HYPERPOD_LINUX].";
    struct fixture *f = *state;

    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"type\":\"\"}", T_INVALID, words);
    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"type\":\"standard\"}", T_INVALID, words);
    expect_refused(f, "{\"principalArn\":\"" USER "\",\"type\":\"EC2_MACOS\"}", T_INVALID, words);
}

static void create__groups_on_a_node_type__are_refused(void **state)
{
    struct fixture *f = *state;

    expect_refused(
        f, "{\"principalArn\":\"" ROLE "\",\"type\":\"EC2_LINUX\",\"kubernetesGroups\":[\"g\"]}", T_INVALID,
        "The specified kubernetesGroups is invalid: setting kubernetesGroups is not allowed when the type is "
        "\"EC2_LINUX\"");
    expect_refused(
        f, "{\"principalArn\":\"" ROLE "\",\"type\":\"HYPERPOD_LINUX\",\"kubernetesGroups\":[\"g\"]}", T_INVALID,
        "The specified kubernetesGroups is invalid: setting kubernetesGroups is not allowed when the type is "
        "\"HYPERPOD_LINUX\"");
}

static void create__username_on_a_node_type__is_refused(void **state)
{
    expect_refused(*state, "{\"principalArn\":\"" ROLE "\",\"type\":\"EC2_LINUX\",\"username\":\"u\"}", T_INVALID,
                   "The specified username is invalid: setting username is not allowed when the type is \"EC2_LINUX\"");
}

static void create__tags_past_fifty__are_refused(void **state)
{
    struct fixture *f = *state;
    char *fifty = repeat_json("{\"principalArn\":\"" ROLE "\",\"tags\":{", "\":\"\"", 50, "}}");
    char *more = repeat_json("{\"principalArn\":\"" ROLE "\",\"tags\":{", "\":\"\"", 51, "}}");

    expect_refused(f, more, T_INVALID, "The tags parameter must not have more than 50 tags.");
    expect_created(f, fifty);
    free(fifty);
    free(more);
}

static void create__tag_that_aws_would_refuse__is_refused(void **state)
{
    struct fixture *f = *state;

    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"tags\":{\"ok\":\"1\",\"AWS:x\":\"1\"}}", T_INVALID,
                   "A tag key must not begin with aws: in upper or lower case.");
    expect_refused(f, "{\"principalArn\":\"" ROLE "\",\"tags\":{\"\":\"1\"}}", T_INVALID,
                   "A tag key must have 1 to 128 characters.");
}

static void create__no_tags_at_all_in_an_empty_object__is_accepted(void **state)
{
    expect_created(*state, "{\"principalArn\":\"" ROLE "\",\"tags\":{}}");
    expect_reply_has(*state, "\"tags\":{}");
}

static void create__same_principal_again__is_in_use(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\",\"type\":\"EC2_LINUX\"}"), GW_E_DENIED);
    expect_error(f, T_IN_USE, "The specified access entry resource is already in use on this cluster.");
    assert_string_equal(f->text, "{\"clusterName\":\"my-cluster\",\"nodegroupName\":null,\"addonName\":null,"
                                 "\"message\":\"The specified access entry resource is already in use on this "
                                 "cluster.\"}");
    assert_int_equal(gw_eks_error_status(f->error.code), 409);
}

static void create__same_principal_elsewhere__is_another_entry(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    f->account = GW_STR("999999999999");
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    f->cluster_label = GW_STR("other");
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(gw_store_count(f->store), 3);
}

static void create__cluster_with_as_many_entries_as_its_quota__is_refused(void **state)
{
    struct fixture *f = *state;

    f->limits.entries_per_cluster = 1;
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(create(f, "{\"principalArn\":\"" USER "\"}"), GW_E_DENIED);
    expect_error(f, T_LIMIT, "The cluster my-cluster can't have more than 1 access entries.");
    assert_string_equal(f->text, "{\"clusterName\":\"my-cluster\",\"nodegroupName\":null,\"subscriptionId\":null,"
                                 "\"message\":\"The cluster my-cluster can't have more than 1 access entries.\"}");
}

static void create__principal_of_another_partition__does_not_exist(void **state)
{
    expect_refused(*state, "{\"principalArn\":\"arn:aws-cn:iam::012345678910:role/r\"}", T_INVALID,
                   "The specified principalArn is invalid: invalid principal.");
}

static void create__cluster_name_with_other_characters__is_refused(void **state)
{
    static const char *const labels[] = {"", "-a", "a.b", "a%2Fb", "a%00", "a%252e", "%2e%2e", "a%", "a b", "a%C3%A9"};
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(labels); i++) {
        f->cluster_label = gw_str_from(labels[i]);
        expect_refused(f, "{\"principalArn\":\"" ROLE "\"}", T_INVALID,
                       "The clusterName parameter contains invalid characters. It should conform to the regular "
                       "expression \"^[0-9A-Za-z][A-Za-z0-9-_]*\"In other words, it should start with a number or "
                       "letter, and can contain numbers, letters, dashes, and underscores.");
        assert_null(f->error.cluster_name.at);
    }
}

static void create__cluster_name_past_a_hundred_characters__is_refused(void **state)
{
    struct fixture *f = *state;
    char name[101];

    memset(name, 'a', sizeof(name));
    f->cluster_label = (struct gw_str){name, 101};
    expect_refused(f, "{\"principalArn\":\"" ROLE "\"}", T_INVALID,
                   "The parameter clusterName should not be greater than 100 characters.");
    f->cluster_label.length = 100;
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
}

static void create__escaped_cluster_name__is_the_name_it_decodes_to(void **state)
{
    struct fixture *f = *state;

    f->cluster_label = GW_STR("my%2dcluster");
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    expect_reply_has(f, "\"clusterName\":\"my-cluster\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(create__role__is_answered_in_the_order_of_the_samples),
        EKS_TEST(create__everything_sent__is_kept_in_the_order_sent),
        EKS_TEST(create__user_with_a_path__is_its_own_username),
        EKS_TEST(create__entry_of_a_foreign_account__names_both_accounts_in_its_arn),
        EKS_TEST(create__each_node_type__has_its_generated_username_and_groups),
        EKS_TEST(create__groups_sent_twice__are_kept_once),
        EKS_TEST(create__null_members__count_as_absent),
        EKS_TEST(create__members_that_the_model_lacks__are_ignored),
        EKS_TEST(create__body_that_is_no_json_object__is_refused),
        EKS_TEST(create__malformed_json__says_where),
        EKS_TEST(create__member_of_the_wrong_type__is_named_with_the_type_it_should_have),
        EKS_TEST(create__principal_of_another_form__is_refused),
        EKS_TEST(create__username_with_a_reserved_prefix__is_refused_by_that_prefix),
        EKS_TEST(create__group_with_a_reserved_prefix__is_refused_by_name_and_prefix),
        EKS_TEST(create__session_name_without_a_colon_before_it__is_refused),
        EKS_TEST(create__empty_username_or_group__is_refused),
        EKS_TEST(create__more_groups_than_the_limit__is_refused),
        EKS_TEST(create__service_linked_role__is_refused_whatever_its_type_and_account),
        EKS_TEST(create__node_type_for_a_user__is_refused),
        EKS_TEST(create__node_type_for_a_foreign_role__is_refused),
        EKS_TEST(create__unknown_type__is_answered_with_the_types_there_are),
        EKS_TEST(create__groups_on_a_node_type__are_refused),
        EKS_TEST(create__username_on_a_node_type__is_refused),
        EKS_TEST(create__tags_past_fifty__are_refused),
        EKS_TEST(create__tag_that_aws_would_refuse__is_refused),
        EKS_TEST(create__no_tags_at_all_in_an_empty_object__is_accepted),
        EKS_TEST(create__same_principal_again__is_in_use),
        EKS_TEST(create__same_principal_elsewhere__is_another_entry),
        EKS_TEST(create__cluster_with_as_many_entries_as_its_quota__is_refused),
        EKS_TEST(create__principal_of_another_partition__does_not_exist),
        EKS_TEST(create__cluster_name_with_other_characters__is_refused),
        EKS_TEST(create__cluster_name_past_a_hundred_characters__is_refused),
        EKS_TEST(create__escaped_cluster_name__is_the_name_it_decodes_to),
    };

    return cmocka_run_group_tests_name("eks/create_access_entry", tests, NULL, NULL);
}
