/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setting `clusters`: members of DescribeCluster, from files, --set and the
 * environment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_case.h"

#define NO_SETS          NULL, 0
#define CLUSTER(members) "{\"account\":\"012345678910\",\"clusters\":{\"c\":{" members "}}}"

static void assert_str(struct gw_str text, const char *expected)
{
    if (!gw_str_is(text, expected))
        fail_msg("\"%.*s\" is not \"%s\"", GW_STR_ARG(text), expected);
}

/* What the only cluster is given, as JSON. */
static void assert_given(const struct config_case *one, const char *text)
{
    struct gw_buf out;

    assert_int_equal(one->config->cluster_count, 1);
    gw_buf_init(&out, 1 << 20);
    gw_json_encode(&one->config->clusters[0].given, &out);
    assert_str(gw_buf_str(&out), text);
    gw_buf_fini(&out);
}

static void assert_refused(const char *file, const char *const *sets, size_t count, const char *const *says,
                           size_t said)
{
    struct config_case one;

    config_case_open(&one, "c.json", file);
    assert_int_equal(config_case_load(&one, sets, count, NULL), GW_E_SYNTAX);
    for (size_t i = 0; i < said; i++)
        config_case_assert_says(&one, says[i]);
    config_case_close(&one);
}

static void clusters__file_and_sets_add_up(void **state)
{
    char variable[] = "EKSGATE_CLUSTERS__Green__ACCESSCONFIG__AUTHENTICATIONMODE=CONFIG_MAP";
    char *environment[] = {variable, NULL};
    const char *const sets[] = {"clusters.blue.accessConfig.authenticationMode=API_AND_CONFIG_MAP",
                                "clusters.red.accessConfig.authenticationMode=API"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json",
                     "{\"account\":\"012345678910\",\"clusters\":{\"blue\":{\"accessConfig\":{\"authenticationMode\":"
                     "\"API\"}},\"plain\":{}}}");
    config_case_assert_good(&one, config_case_load(&one, sets, 2, environment));
    assert_int_equal(one.config->cluster_count, 4);
    assert_str(one.config->clusters[0].name, "blue");
    assert_int_equal(one.config->clusters[0].mode, GW_EKS_MODE_API_AND_CONFIG_MAP);
    assert_str(one.config->clusters[1].name, "plain");
    assert_int_equal(one.config->clusters[1].mode, GW_EKS_MODE_API);
    assert_str(one.config->clusters[2].name, "Green");
    assert_int_equal(one.config->clusters[2].mode, GW_EKS_MODE_CONFIG_MAP);
    assert_str(one.config->clusters[3].name, "red");
    config_case_close(&one);
}

static void clusters__without_account__asks_for_it(void **state)
{
    const char *const sets[] = {"clusters.a.accessConfig.authenticationMode=API"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    assert_int_equal(config_case_load(&one, sets, 1, NULL), GW_E_SYNTAX);
    config_case_assert_says(&one, "account: is missing, and there are clusters; accepted: 12 digits");
    config_case_close(&one);
}

static void clusters__every_member__is_taken_in_describe_clusters_order(void **state)
{
    struct config_case one;

    (void)state;
    config_case_open(
        &one, "c.lua",
        "return { account = '012345678910', clusters = { c = { tags = { a = '1' }, version = '1.29', name = 'c',"
        " arn = 'arn:aws:eks:us-west-2:012345678910:cluster/c', createdAt = 1795312861.5, endpoint = 'https://e',"
        " roleArn = 'r', resourcesVpcConfig = { vpcId = 'vpc-1', subnetIds = { 'a' }, endpointPublicAccess = false },"
        " identity = { oidc = { issuer = 'i' } }, status = 'CREATING', certificateAuthority = { data = 'd' },"
        " logging = { clusterLogging = { { types = { 'audit' }, enabled = true } } },"
        " accessConfig = { authenticationMode = 'CONFIG_MAP' }, health = { issues = { { code = 'Other' } } },"
        " deletionProtection = true } }, region = 'us-west-2' }");
    config_case_assert_good(&one, config_case_load(&one, NO_SETS, NULL));
    assert_given(&one,
                 "{\"name\":\"c\",\"arn\":\"arn:aws:eks:us-west-2:012345678910:cluster/c\",\"createdAt\":1795312861.5,"
                 "\"version\":\"1.29\",\"endpoint\":\"https://e\",\"roleArn\":\"r\",\"resourcesVpcConfig\":"
                 "{\"subnetIds\":[\"a\"],\"vpcId\":\"vpc-1\",\"endpointPublicAccess\":false},"
                 "\"logging\":{\"clusterLogging\":[{\"types\":[\"audit\"],\"enabled\":true},{\"types\":[\"api\","
                 "\"authenticator\",\"controllerManager\",\"scheduler\"],\"enabled\":false}]},"
                 "\"identity\":{\"oidc\":{\"issuer\":\"i\"}},\"status\":\"CREATING\",\"certificateAuthority\":"
                 "{\"data\":\"d\"},\"tags\":{\"a\":\"1\"},\"health\":{\"issues\":[{\"code\":\"Other\"}]},"
                 "\"accessConfig\":{\"authenticationMode\":\"CONFIG_MAP\"},\"deletionProtection\":true}");
    assert_true(one.config->clusters[0].has_mode);
    assert_int_equal(one.config->clusters[0].mode, GW_EKS_MODE_CONFIG_MAP);
    config_case_close(&one);
}

static void clusters__sets__go_over_the_file_member_by_member(void **state)
{
    const char *const sets[] = {
        "clusters.c.endpoint=https://two",
        "clusters.c.resourcesVpcConfig.subnetIds=x, y",
        "clusters.c.resourcesVpcConfig.endpointPrivateAccess=true",
        "clusters.c.certificateAuthority.data=d",
        "clusters.c.createdAt=7",
        "clusters.c.tags.team.name=a",
        "clusters.c.tags.team.name=b",
    };
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json",
                     CLUSTER("\"endpoint\":\"https://one\",\"resourcesVpcConfig\":{\"vpcId\":\"v\",\"subnetIds\":"
                             "[\"a\",\"b\"]},\"tags\":{\"first\":\"1\"},\"id\":null"));
    config_case_assert_good(&one, config_case_load(&one, sets, 7, NULL));
    assert_given(&one, "{\"endpoint\":\"https://two\",\"resourcesVpcConfig\":{\"subnetIds\":[\"x\",\"y\"],"
                       "\"vpcId\":\"v\",\"endpointPrivateAccess\":true},\"tags\":{\"first\":\"1\",\"team.name\":"
                       "\"b\"},\"certificateAuthority\":{\"data\":\"d\"},\"createdAt\":7}");
    assert_false(one.config->clusters[0].has_mode);
    assert_int_equal(one.config->clusters[0].mode, GW_EKS_MODE_API);
    config_case_close(&one);
}

static void clusters__environment__folds_members_and_keeps_tags(void **state)
{
    char endpoint[] = "EKSGATE_CLUSTERS__c__RESOURCESVPCCONFIG__VPCID=vpc-9";
    char tag[] = "EKSGATE_CLUSTERS__c__TAGS__Team=A";
    char *environment[] = {endpoint, tag, NULL};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", CLUSTER(""));
    config_case_assert_good(&one, config_case_load(&one, NO_SETS, environment));
    assert_given(&one, "{\"resourcesVpcConfig\":{\"vpcId\":\"vpc-9\"},\"tags\":{\"Team\":\"A\"}}");
    config_case_close(&one);
}

static void clusters__of_wrong_shape__each_is_named(void **state)
{
    static const char *const says[] = {
        "clusters.c.odd: no such member; accepted: name, arn, createdAt, version, endpoint,",
        "clusters.c.resourcesVpcConfig.subnets: no such member; accepted: subnetIds, securityGroupIds,",
        "accessConfig.bootstrapClusterCreatorAdminPermissions: no such member; accepted: authenticationMode\n",
        "clusters.c.accessConfig.authenticationMode: must be one of [API, API_AND_CONFIG_MAP, CONFIG_MAP]",
        "clusters.c.status: must be one of [CREATING, ACTIVE,",
        "clusters.c.version: must be a string",
        "clusters.c.createdAt: must be a number of seconds since 1970",
        "clusters.c.deletionProtection: must be true or false",
        "clusters.c.tags: must be an object of strings",
        "clusters.c.encryptionConfig: must be an array of objects",
        "clusters.c.health.issues.resourceIds: must be an array of strings",
    };

    (void)state;
    assert_refused(CLUSTER("\"odd\":1,\"resourcesVpcConfig\":{\"subnets\":[]},\"version\":1.3,\"createdAt\":\"now\","
                           "\"accessConfig\":{\"bootstrapClusterCreatorAdminPermissions\":true,"
                           "\"authenticationMode\":\"SOME\"},\"status\":\"BUSY\",\"deletionProtection\":\"no\","
                           "\"tags\":{\"a\":1},\"encryptionConfig\":{},"
                           "\"health\":{\"issues\":[{\"resourceIds\":[1]}]}"),
                   NO_SETS, says, GW_COUNT(says));
}

static void clusters__names_that_none_can_have__are_named(void **state)
{
    static const char *const says[] = {
        "clusters.-b: a cluster's name is",
        "clusters.d: accepted: { accessConfig",
        "clusters.e.name: is e by the other settings",
        "clusters.e.arn: is arn:aws:eks:us-west-2:012345678910:cluster/e by the other settings",
    };

    (void)state;
    assert_refused("{\"account\":\"012345678910\",\"region\":\"us-west-2\",\"clusters\":{\"-b\":{},\"d\":7,"
                   "\"e\":{\"name\":\"f\",\"arn\":\"arn:aws:eks:us-west-2:012345678910:cluster/f\"}}}",
                   NO_SETS, says, GW_COUNT(says));
}

static void clusters__sets_of_no_member__are_named(void **state)
{
    static const char *const sets[] = {
        "clusters.c.odd=1",
        "clusters.c.accessConfig=API",
        "clusters.c.accessConfig.odd=1",
        "clusters.c.version.x=1",
        "clusters.c.encryptionConfig.x=1",
        "clusters.c.tags=a",
        "clusters.c.endpoint.=1",
        "clusters.c.deletionProtection=no",
        "clusters.c.createdAt=-1",
        "clusters.c=1",
        "clusters.-b.version=1",
    };
    static const char *const says[] = {
        "--set: clusters.c.odd: no such setting; clusters.NAME.accessConfig.authenticationMode is accepted",
        "--set: clusters.c.accessConfig: no such setting",
        "--set: clusters.c.accessConfig.odd: no such setting",
        "--set: clusters.c.version.x: no such setting",
        "--set: clusters.c.encryptionConfig.x: no such setting",
        "--set: clusters.c.tags: no such setting",
        "--set: clusters.c.endpoint.: no such setting",
        "--set: clusters.c.deletionProtection: must be true or false",
        "--set: clusters.c.createdAt: must be a number of seconds since 1970",
        "--set: clusters.c: no such setting; clusters.NAME.MEMBER is accepted",
        "--set: clusters.-b: a cluster's name is",
    };

    (void)state;
    assert_refused("{\"account\":\"012345678910\"}", sets, GW_COUNT(sets), says, GW_COUNT(says));
}

static void clusters__larger_than_their_caps__are_refused(void **state)
{
    static const char *const tags[] = {"clusters.c.tags: must not have more than 50 tags"};
    static const char *const items[] = {"clusters.c.resourcesVpcConfig.subnetIds: must not have more than 100 items"};
    static const char *const text[] = {"clusters.c.version: must not be longer than 65536 bytes"};
    static const char *const whole[] = {"clusters.c: is larger than 256 KiB"};
    const size_t size = 1 << 20;
    char *file = gw_alloc(size);
    size_t at;

    (void)state;
    at = (size_t)snprintf(file, size, "{\"account\":\"012345678910\",\"clusters\":{\"c\":{\"tags\":{");
    for (int i = 0; i < 51; i++)
        at += (size_t)snprintf(file + at, size - at, "%s\"%d\":\"\"", i == 0 ? "" : ",", i);
    (void)snprintf(file + at, size - at, "}}}}");
    assert_refused(file, NO_SETS, tags, 1);
    at = (size_t)snprintf(file, size,
                          "{\"account\":\"012345678910\",\"clusters\":{\"c\":{\"resourcesVpcConfig\":"
                          "{\"subnetIds\":[");
    for (int i = 0; i < 101; i++)
        at += (size_t)snprintf(file + at, size - at, "%s\"%d\"", i == 0 ? "" : ",", i);
    (void)snprintf(file + at, size - at, "]}}}}");
    assert_refused(file, NO_SETS, items, 1);
    (void)snprintf(file, size, CLUSTER("\"version\":\"%065537d\""), 1);
    assert_refused(file, NO_SETS, text, 1);
    (void)snprintf(file, size,
                   CLUSTER("\"version\":\"%065000d\",\"endpoint\":\"%065000d\",\"roleArn\":\"%065000d\","
                           "\"id\":\"%065000d\",\"platformVersion\":\"%065000d\""),
                   1, 1, 1, 1, 1);
    assert_refused(file, NO_SETS, whole, 1);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters__file_and_sets_add_up),
        cmocka_unit_test(clusters__without_account__asks_for_it),
        cmocka_unit_test(clusters__every_member__is_taken_in_describe_clusters_order),
        cmocka_unit_test(clusters__sets__go_over_the_file_member_by_member),
        cmocka_unit_test(clusters__environment__folds_members_and_keeps_tags),
        cmocka_unit_test(clusters__of_wrong_shape__each_is_named),
        cmocka_unit_test(clusters__names_that_none_can_have__are_named),
        cmocka_unit_test(clusters__sets_of_no_member__are_named),
        cmocka_unit_test(clusters__larger_than_their_caps__are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
