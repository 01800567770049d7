/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateCluster: the document, the creator's entry, retries. Rules of a
 * configuration: test_cluster_rules.c.
 */
#include "cluster_case.h"

#include "codec/base64.h"

static const char start_of_reply[] =
    "{\"cluster\":{\"name\":\"demo\",\"arn\":\"arn:aws:eks:us-west-2:012345678910:cluster/demo\","
    "\"createdAt\":1685475163.532,\"version\":\"1.33\","
    "\"endpoint\":\"https://FF000102030405060708090A0B0C0D0E.us-west-2.eks.invalid\","
    "\"roleArn\":\"arn:aws:iam::012345678910:role/eks\","
    "\"resourcesVpcConfig\":{\"subnetIds\":[\"subnet-1\",\"subnet-2\"],\"securityGroupIds\":[],"
    "\"clusterSecurityGroupId\":\"sg-00000000000000000\",\"vpcId\":\"vpc-00000000000000000\","
    "\"endpointPublicAccess\":true,\"endpointPrivateAccess\":false,\"publicAccessCidrs\":[\"0.0.0.0/0\"],"
    "\"controlPlaneEgressMode\":null},"
    "\"kubernetesNetworkConfig\":{\"serviceIpv4Cidr\":\"10.100.0.0/16\",\"serviceIpv6Cidr\":null,"
    "\"ipFamily\":\"ipv4\",\"elasticLoadBalancing\":{\"enabled\":false}},"
    "\"logging\":{\"clusterLogging\":[{\"types\":[\"api\",\"audit\",\"authenticator\",\"controllerManager\","
    "\"scheduler\"],\"enabled\":false}]},"
    "\"identity\":{\"oidc\":{\"issuer\":\"https://oidc.eks.us-west-2.invalid/id/FF000102030405060708090A0B0C0D0E\"}},"
    "\"status\":\"ACTIVE\",\"certificateAuthority\":{\"data\":\"";

static const char end_of_reply[] =
    "\"},\"clientRequestToken\":null,\"platformVersion\":\"eks.1\",\"tags\":{},\"encryptionConfig\":null,"
    "\"connectorConfig\":null,\"id\":null,\"health\":{\"issues\":[]},\"outpostConfig\":null,"
    "\"accessConfig\":{\"authenticationMode\":\"CONFIG_MAP\"},\"upgradePolicy\":{\"supportType\":\"EXTENDED\"},"
    "\"zonalShiftConfig\":null,\"remoteNetworkConfig\":null,\"computeConfig\":null,\"storageConfig\":null,"
    "\"deletionProtection\":false,\"controlPlaneScalingConfig\":{\"tier\":\"standard\"}}}";

static void create__smallest_body__answers_every_member_in_the_models_order(void **state)
{
    struct fixture *f = *state;
    size_t length;

    expect_cluster(f, BODY(""));
    length = strlen(f->text);
    assert_memory_equal(f->text, start_of_reply, sizeof(start_of_reply) - 1);
    assert_true(length > sizeof(start_of_reply) + sizeof(end_of_reply));
    assert_string_equal(f->text + length - (sizeof(end_of_reply) - 1), end_of_reply);
    assert_int_equal(f->result.status, 200);
}

static void create__authority__is_base64_of_pem(void **state)
{
    struct fixture *f = *state;
    static const char member[] = "\"certificateAuthority\":{\"data\":\"";
    static const char first[] = "-----BEGIN CERTIFICATE-----\n";
    static const char last[] = "-----END CERTIFICATE-----\n";
    struct gw_buf pem;
    char *at;

    expect_cluster(f, BODY(""));
    at = strstr(f->text, member);
    assert_non_null(at);
    at += sizeof(member) - 1;
    gw_buf_init(&pem, 4096);
    assert_int_equal(gw_base64_decode((struct gw_str){at, strcspn(at, "\"")}, &pem), GW_OK);
    assert_memory_equal(pem.at, first, sizeof(first) - 1);
    assert_memory_equal(pem.at + pem.length - (sizeof(last) - 1), last, sizeof(last) - 1);
    gw_buf_fini(&pem);
}

static void describe__after_create__answers_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    char *made;

    expect_cluster(f, BODY(",\"tags\":{\"b\":\"2\",\"a\":\"1\"}"));
    made = gw_str_dup(gw_str_from(f->text));
    assert_int_equal(describe_cluster(f, "demo"), GW_OK);
    assert_string_equal(f->text, made);
    expect_reply_has(f, "\"tags\":{\"b\":\"2\",\"a\":\"1\"}");
    free(made);
}

static void created_at__is_a_decimal_with_three_places_after_every_change(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int64_t ms;
        const char *text;
    } times[] = {
        {1795312861811, "\"createdAt\":1795312861.811,"}, {1795312861810, "\"createdAt\":1795312861.810,"},
        {1795312861000, "\"createdAt\":1795312861.000,"}, {1795312861001, "\"createdAt\":1795312861.001,"},
        {1795312860999, "\"createdAt\":1795312860.999,"}, {1, "\"createdAt\":0.001,"},
    };

    for (size_t i = 0; i < GW_COUNT(times); i++) {
        f->now_ms = times[i].ms;
        expect_cluster(f, BODY(""));
        expect_reply_has(f, times[i].text);
        f->now_ms += 5000;
        assert_int_equal(call_cluster(f, GW_EKS_TagResource,
                                      "arn%3Aaws%3Aeks%3Aus-west-2%3A012345678910%3Acluster%2Fdemo", NULL,
                                      "{\"tags\":{\"a\":\"b\"}}"),
                         GW_OK);
        assert_int_equal(describe_cluster(f, "demo"), GW_OK);
        expect_reply_has(f, times[i].text);
        expect_reply_has(f, "\"tags\":{\"a\":\"b\"}");
        assert_int_equal(call_cluster(f, GW_EKS_DeleteCluster, "demo", NULL, NULL), GW_OK);
        expect_reply_has(f, times[i].text);
    }
}

static void create__given_members__stand_in_the_document(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, "{\"name\":\"demo\",\"version\":\"1.34\",\"roleArn\":\"" ROLE_ARN "\",\"unknown\":[{}],"
                      "\"resourcesVpcConfig\":{\"endpointPrivateAccess\":true,\"endpointPublicAccess\":false,"
                      "\"securityGroupIds\":[\"sg-1\"],\"subnetIds\":[\"s1\",\"s2\",\"s3\"],\"vpcId\":\"vpc-mine\"},"
                      "\"kubernetesNetworkConfig\":{\"serviceIpv4Cidr\":\"172.20.0.0/16\"},"
                      "\"logging\":{\"clusterLogging\":[{\"types\":[\"scheduler\",\"audit\"],\"enabled\":true}]},"
                      "\"encryptionConfig\":[{\"provider\":{\"keyArn\":\"arn:aws:kms:us-west-2:012345678910:key/1\"},"
                      "\"resources\":[\"secrets\"]}],"
                      "\"upgradePolicy\":{\"supportType\":\"STANDARD\"},\"zonalShiftConfig\":{\"enabled\":true},"
                      "\"bootstrapSelfManagedAddons\":false,\"deletionProtection\":true,"
                      "\"clientRequestToken\":\"" TOKEN "\"}");
    expect_reply_has(f, "\"version\":\"1.34\"");
    expect_reply_has(f, "\"resourcesVpcConfig\":{\"subnetIds\":[\"s1\",\"s2\",\"s3\"],\"securityGroupIds\":[\"sg-1\"],"
                        "\"clusterSecurityGroupId\":\"sg-00000000000000000\",\"vpcId\":\"vpc-00000000000000000\","
                        "\"endpointPublicAccess\":false,\"endpointPrivateAccess\":true,");
    expect_reply_has(f, "\"kubernetesNetworkConfig\":{\"serviceIpv4Cidr\":\"172.20.0.0/16\",\"serviceIpv6Cidr\":null,");
    expect_reply_has(f, "{\"types\":[\"audit\",\"scheduler\"],\"enabled\":true},"
                        "{\"types\":[\"api\",\"authenticator\",\"controllerManager\"],\"enabled\":false}");
    expect_reply_has(f, "\"encryptionConfig\":[{\"resources\":[\"secrets\"],\"provider\":{\"keyArn\":"
                        "\"arn:aws:kms:us-west-2:012345678910:key/1\"}}]");
    expect_reply_has(f, "\"upgradePolicy\":{\"supportType\":\"STANDARD\"},\"zonalShiftConfig\":{\"enabled\":true},");
    expect_reply_has(f, "\"deletionProtection\":true");
    expect_reply_has(f, "\"clientRequestToken\":null");
    assert_null(strstr(f->text, "bootstrap"));
    assert_null(strstr(f->text, "unknown"));
}

static void create__ipv6__has_a_range_of_that_family(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(",\"kubernetesNetworkConfig\":{\"ipFamily\":\"ipv6\"}"));
    expect_reply_has(f, "{\"serviceIpv4Cidr\":null,\"serviceIpv6Cidr\":\"fd00::/108\",\"ipFamily\":\"ipv6\",");
}

static void create__missing_or_mistyped_members__say_which(void **state)
{
    struct fixture *f = *state;

    expect_no_cluster(f, "", T_INVALID, "The name parameter is required.");
    expect_no_cluster(f, "{\"name\":null}", T_INVALID, "The name parameter is required.");
    expect_no_cluster(f, "{\"name\":\"demo\"," VPC "}", T_INVALID, "The roleArn parameter is required.");
    expect_no_cluster(f, "{\"name\":\"demo\",\"roleArn\":\"" ROLE_ARN "\"}", T_INVALID,
                      "The resourcesVpcConfig parameter is required.");
    expect_no_cluster(f, "{\"name\":7}", T_INVALID, "The name parameter must be a string.");
    expect_no_cluster(f, "[]", T_INVALID, "The request body must be a JSON object.");
    expect_no_cluster(f, BODY(",\"tags\":{\"a\":1}"), T_INVALID, "The tags parameter must be an object of strings.");
    expect_no_cluster(f, BODY(",\"tags\":[]"), T_INVALID, "The tags parameter must be an object of strings.");
    expect_no_cluster(f, BODY(",\"logging\":{\"clusterLogging\":[{\"types\":[\"api\",3]}]}"), T_INVALID,
                      "The logging.clusterLogging.types parameter must be an array of strings.");
    expect_no_cluster(f, BODY(",\"logging\":{\"clusterLogging\":[[]]}"), T_INVALID,
                      "The logging.clusterLogging parameter must be an array of objects.");
    expect_no_cluster(f, BODY(",\"logging\":{\"clusterLogging\":{}}"), T_INVALID,
                      "The logging.clusterLogging parameter must be an array of objects.");
    expect_no_cluster(f, BODY(",\"logging\":[]"), T_INVALID, "The logging parameter must be an object.");
    expect_no_cluster(f, BODY(",\"deletionProtection\":\"true\""), T_INVALID,
                      "The deletionProtection parameter must be true or false.");
    expect_no_cluster(f, BODY(",\"accessConfig\":{\"authenticationMode\":\"api\"}"), T_INVALID,
                      "The accessConfig.authenticationMode parameter must be one of [API, API_AND_CONFIG_MAP, "
                      "CONFIG_MAP].");
    expect_no_cluster(f, BODY(",\"accessConfig\":{\"bootstrapClusterCreatorAdminPermissions\":1}"), T_INVALID,
                      "The accessConfig.bootstrapClusterCreatorAdminPermissions parameter must be true or false.");
}

static void create__overlong_values__are_refused_before_they_are_kept(void **state)
{
    struct fixture *f = *state;
    char *body = repeat_json("{\"name\":\"demo\",\"resourcesVpcConfig\":{\"subnetIds\":[", "\"", 101, "]}}");
    char name[160];
    char *text;

    expect_no_cluster(f, body, T_INVALID,
                      "The resourcesVpcConfig.subnetIds parameter must not have more than 100 items.");
    free(body);
    text = gw_alloc_zero(4096, 1);
    (void)snprintf(text, 4096, "{\"name\":\"demo\",\"version\":\"%02100d\"}", 1);
    expect_no_cluster(f, text, T_INVALID, "The version parameter must not be longer than 2048 bytes.");
    free(text);
    (void)snprintf(name, sizeof(name), "{\"name\":\"%0101d\"}", 1);
    expect_no_cluster(f, name, T_INVALID, "The parameter name should not be greater than 100 characters.");
    assert_null(f->error.cluster_name.at);
}

static void create__names__are_checked_in_ekss_words(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"", "-a", "_a", "a b", "a.b", "a/b", "\xc3\xa4", "a\\u0001"};
    char body[64];

    for (size_t i = 0; i < GW_COUNT(names); i++) {
        (void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", names[i]);
        expect_no_cluster(f, body, T_INVALID, BAD_NAME);
        assert_null(f->error.cluster_name.at);
    }
}

static void create__again__is_in_use_and_names_the_cluster(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(""));
    assert_int_equal(call_cluster(f, GW_EKS_CreateCluster, NULL, NULL, BODY("")), GW_E_DENIED);
    assert_string_equal(f->text, "{\"clusterName\":\"demo\",\"nodegroupName\":null,\"addonName\":null,"
                                 "\"message\":\"Cluster already exists with name: demo\"}");
    assert_string_equal(gw_eks_error_name(f->error.code), T_IN_USE);
}

static void create__tags__have_rules(void **state)
{
    struct fixture *f = *state;
    char *tags = repeat_json("", "\":\"v\"", 51, "");
    char text[2048];

    (void)snprintf(text, sizeof(text), "{\"name\":\"demo\",\"roleArn\":\"" ROLE_ARN "\"," VPC ",\"tags\":{%s}}", tags);
    expect_no_cluster(f, text, T_INVALID, "The tags parameter must not have more than 50 tags.");
    assert_int_equal(call_cluster(f, GW_EKS_CreateCluster, NULL, NULL, BODY(",\"tags\":{\"aws:x\":\"1\"}")),
                     GW_E_DENIED);
    assert_string_equal(gw_eks_error_name(f->error.code), T_INVALID);
    free(tags);
}

static void create__default_tags__follow_those_sent(void **state)
{
    struct fixture *f = *state;
    static const struct gw_pair tags[] = {{GW_STR_INIT("team"), GW_STR_INIT("x")},
                                          {GW_STR_INIT("a"), GW_STR_INIT("9")}};

    f->tags = tags;
    f->tag_count = 2;
    expect_cluster(f, BODY(",\"tags\":{\"a\":\"1\"}"));
    expect_reply_has(f, "\"tags\":{\"a\":\"1\",\"team\":\"x\"}");
}

static void create__limit__refuses_one_more(void **state)
{
    struct fixture *f = *state;

    f->limits.clusters = 1;
    expect_cluster(f, BODY(""));
    assert_int_equal(
        call_cluster(f, GW_EKS_CreateCluster, NULL, NULL, "{\"name\":\"other\",\"roleArn\":\"" ROLE_ARN "\"," VPC "}"),
        GW_E_DENIED);
    expect_error(f, T_LIMIT, "There can't be more than 1 clusters here.");
    assert_int_equal(call_cluster(f, GW_EKS_DeleteCluster, "demo", NULL, NULL), GW_OK);
    expect_cluster(f, BODY(""));
}

/* What the creator gets. */
static enum gw_status describe_entry(struct fixture *f, const char *principal)
{
    return call_cluster(f, GW_EKS_DescribeAccessEntry, "demo", principal, NULL);
}

static void bootstrap__api_mode__makes_the_creators_entry_and_association(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(",\"accessConfig\":{\"authenticationMode\":\"API\"}"));
    assert_int_equal(describe_entry(f, USER), GW_OK);
    assert_string_equal(
        f->text,
        "{\"accessEntry\":{\"clusterName\":\"demo\",\"principalArn\":\"arn:aws:iam::012345678910:user/alice\","
        "\"kubernetesGroups\":[],\"accessEntryArn\":\"arn:aws:eks:us-west-2:012345678910:access-entry/demo/user/"
        "012345678910/alice/fe101112-1314-1516-1718-191a1b1c1d1e\",\"createdAt\":1685475163.532,"
        "\"modifiedAt\":1685475163.532,\"tags\":{},\"username\":\"arn:aws:iam::012345678910:user/alice\","
        "\"type\":\"STANDARD\"}}");
    assert_int_equal(call_cluster(f, GW_EKS_ListAssociatedAccessPolicies, "demo", USER, NULL), GW_OK);
    assert_string_equal(f->text,
                        "{\"clusterName\":\"demo\",\"principalArn\":\"arn:aws:iam::012345678910:user/alice\","
                        "\"nextToken\":null,\"associatedAccessPolicies\":[{\"policyArn\":"
                        "\"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy\",\"accessScope\":"
                        "{\"type\":\"cluster\",\"namespaces\":[]},\"associatedAt\":1685475163.532,"
                        "\"modifiedAt\":1685475163.532}]}");
}

static void bootstrap__said_no_or_config_map__makes_no_entry(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(",\"accessConfig\":{\"authenticationMode\":\"API\","
                           "\"bootstrapClusterCreatorAdminPermissions\":false}"));
    assert_int_equal(gw_store_count(f->store), 0);
    assert_null(strstr(f->text, "bootstrap"));
    assert_int_equal(call_cluster(f, GW_EKS_DeleteCluster, "demo", NULL, NULL), GW_OK);
    expect_cluster(f, BODY(",\"accessConfig\":{\"bootstrapClusterCreatorAdminPermissions\":true}"));
    assert_int_equal(gw_store_count(f->store), 0);
}

static void bootstrap__sessions_and_root__get_the_entry_of_who_they_are(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *caller;
        const char *principal; /* NULL: nobody */
    } rows[] = {
        {"arn:aws:sts::012345678910:assumed-role/ci/run-7", "arn:aws:iam::012345678910:role/ci"},
        {"arn:aws:iam::012345678910:role/team/ci", "arn:aws:iam::012345678910:role/team/ci"},
        {"arn:aws:iam::012345678910:root", "arn:aws:iam::012345678910:root"},
        {"arn:aws:iam::012345678910:user/a/b", "arn:aws:iam::012345678910:user/a/b"},
        {"arn:aws:sts::012345678910:federated-user/bob", NULL},
    };

    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        f->cluster.is_left_alone = true;
        begin(f, GW_EKS_CreateCluster)->caller = parse_caller(f, rows[i].caller);
        f->call.body = GW_STR(BODY(",\"accessConfig\":{\"authenticationMode\":\"API_AND_CONFIG_MAP\"}"));
        f->call.label_count = 0;
        assert_int_equal(run(f), GW_OK);
        assert_int_equal(gw_store_count(f->store), rows[i].principal == NULL ? 0 : 1);
        if (rows[i].principal != NULL)
            assert_int_equal(describe_entry(f, rows[i].principal), GW_OK);
        assert_int_equal(call_cluster(f, GW_EKS_DeleteCluster, "demo", NULL, NULL), GW_OK);
    }
}

static void token__retry__answers_the_first_reply(void **state)
{
    struct fixture *f = *state;
    static const char access[] = "\"accessConfig\":{\"authenticationMode\":\"API\"}";
    char body[512];
    char *made;

    expect_cluster(f, BODY(",\"accessConfig\":{\"authenticationMode\":\"API\"},\"clientRequestToken\":\"" TOKEN "\""));
    made = gw_str_dup(gw_str_from(f->text));
    f->now_ms += 1000;
    (void)snprintf(body, sizeof(body),
                   "{ \"clientRequestToken\" : \"" TOKEN "\", %s, " VPC ", \"tags\":null, \"roleArn\":\"" ROLE_ARN
                   "\", \"name\":\"demo\"}",
                   access);
    expect_cluster(f, body);
    assert_string_equal(f->text, made);
    assert_true(f->result.replayed);
    assert_false(f->result.is_change);
    assert_int_equal(call_cluster(f, GW_EKS_CreateCluster, NULL, NULL, BODY(",\"clientRequestToken\":\"" TOKEN "\"")),
                     GW_E_DENIED);
    expect_error(f, T_INVALID, "The client request token was used by an earlier request with other parameters.");
    free(made);
}

static void token__of_a_creators_entry_that_is_gone__still_answers(void **state)
{
    struct fixture *f = *state;
    static const char body[] =
        BODY(",\"accessConfig\":{\"authenticationMode\":\"API\"},\"clientRequestToken\":\"" TOKEN "\"");

    expect_cluster(f, body);
    assert_int_equal(call_cluster(f, GW_EKS_DeleteAccessEntry, "demo", USER, NULL), GW_OK);
    expect_cluster(f, body);
    assert_true(f->result.replayed);
}

static void token__of_a_deleted_cluster__makes_a_new_one(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(",\"clientRequestToken\":\"" TOKEN "\""));
    assert_int_equal(call_cluster(f, GW_EKS_DeleteCluster, "demo", NULL, NULL), GW_OK);
    expect_cluster(f, BODY(",\"clientRequestToken\":\"" TOKEN "\""));
    assert_false(f->result.replayed);
}

static void token__length__is_checked(void **state)
{
    struct fixture *f = *state;

    expect_no_cluster(f, BODY(",\"clientRequestToken\":\"short\""), T_INVALID,
                      "The client request token parameter must be between 33 and 126 characters.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(create__smallest_body__answers_every_member_in_the_models_order),
        EKS_TEST(create__authority__is_base64_of_pem),
        EKS_TEST(describe__after_create__answers_the_same_bytes),
        EKS_TEST(created_at__is_a_decimal_with_three_places_after_every_change),
        EKS_TEST(create__given_members__stand_in_the_document),
        EKS_TEST(create__ipv6__has_a_range_of_that_family),
        EKS_TEST(create__missing_or_mistyped_members__say_which),
        EKS_TEST(create__overlong_values__are_refused_before_they_are_kept),
        EKS_TEST(create__names__are_checked_in_ekss_words),
        EKS_TEST(create__again__is_in_use_and_names_the_cluster),
        EKS_TEST(create__tags__have_rules),
        EKS_TEST(create__default_tags__follow_those_sent),
        EKS_TEST(create__limit__refuses_one_more),
        EKS_TEST(bootstrap__api_mode__makes_the_creators_entry_and_association),
        EKS_TEST(bootstrap__said_no_or_config_map__makes_no_entry),
        EKS_TEST(bootstrap__sessions_and_root__get_the_entry_of_who_they_are),
        EKS_TEST(token__retry__answers_the_first_reply),
        EKS_TEST(token__of_a_creators_entry_that_is_gone__still_answers),
        EKS_TEST(token__of_a_deleted_cluster__makes_a_new_one),
        EKS_TEST(token__length__is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
