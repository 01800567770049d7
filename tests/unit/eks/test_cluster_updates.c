/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UpdateClusterConfig and the updates it leaves behind.
 */
#include "cluster_case.h"

#define MODE(mode)  "{\"accessConfig\":{\"authenticationMode\":\"" mode "\"}}"
#define WITH(mode)  ",\"accessConfig\":{\"authenticationMode\":\"" mode "\"}"
#define LOGS(types) "{\"logging\":{\"clusterLogging\":[{\"types\":[" types "],\"enabled\":true}]}}"

static enum gw_status update(struct fixture *f, const char *body)
{
    return call_cluster(f, GW_EKS_UpdateClusterConfig, "demo", NULL, body);
}

static void expect_update(struct fixture *f, const char *body)
{
    if (update(f, body) != GW_OK)
        fail_msg("refused: %s", f->text);
}

static void expect_no_update(struct fixture *f, const char *body, const char *message)
{
    assert_int_equal(update(f, body), GW_E_DENIED);
    expect_error(f, T_INVALID, message);
    assert_true(gw_str_is(f->error.cluster_name, "demo"));
    assert_false(f->result.is_change);
}

static void expect_shown(struct fixture *f, const char *piece)
{
    assert_int_equal(describe_cluster(f, "demo"), GW_OK);
    expect_reply_has(f, piece);
}

/* The id in the last reply. */
static const char *id_of(const struct fixture *f, char out[37])
{
    const char *at = strstr(f->text, "\"id\":\"");

    assert_non_null(at);
    memcpy(out, at + 6, 36);
    out[36] = '\0';
    return out;
}

static void access__next_mode__answers_a_finished_update(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(""));
    f->now_ms = 1685475170000;
    expect_update(f, MODE("API_AND_CONFIG_MAP"));
    assert_string_equal(f->text,
                        "{\"update\":{\"id\":\"ff101112-1314-4516-9718-191a1b1c1d1e\",\"status\":\"Successful\","
                        "\"type\":\"AccessConfigUpdate\",\"params\":[{\"type\":\"AuthenticationMode\","
                        "\"value\":\"API_AND_CONFIG_MAP\"}],\"createdAt\":1685475170.000,\"errors\":[]}}");
    expect_shown(f, "\"accessConfig\":{\"authenticationMode\":\"API_AND_CONFIG_MAP\"}");
    expect_shown(f, "\"status\":\"ACTIVE\"");
    assert_int_equal(gw_store_count(f->store), 0); /* no entry comes with it */
    assert_int_equal(call_cluster(f, GW_EKS_ListAccessEntries, "demo", NULL, NULL), GW_OK);
    expect_update(f, MODE("API"));
    expect_shown(f, "\"accessConfig\":{\"authenticationMode\":\"API\"}");
}

static void access__every_other_way__is_e25(void **state)
{
    struct fixture *f = *state;
    static const char *const modes[] = {"CONFIG_MAP", "API_AND_CONFIG_MAP", "API"};
    char body[256];
    char message[128];

    for (size_t from = 0; from < 3; from++) {
        (void)snprintf(body, sizeof(body), "{\"name\":\"demo\",\"roleArn\":\"" ROLE_ARN "\"," VPC WITH("%s") "}",
                       modes[from]);
        expect_cluster(f, body);
        for (size_t to = 0; to < 3; to++) {
            if (to == from + 1)
                continue;
            (void)snprintf(body, sizeof(body), MODE("%s"), modes[to]);
            (void)snprintf(message, sizeof(message), "Unsupported authentication mode update from %s to %s",
                           modes[from], modes[to]);
            expect_no_update(f, body, message);
        }
        assert_int_equal(call_cluster(f, GW_EKS_DeleteCluster, "demo", NULL, NULL), GW_OK);
    }
}

static void access__entries__stay_over_a_change_of_mode(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(WITH("API_AND_CONFIG_MAP")));
    assert_int_equal(gw_store_count(f->store), 1);
    expect_update(f, MODE("API"));
    assert_int_equal(gw_store_count(f->store), 1);
    assert_int_equal(call_cluster(f, GW_EKS_DescribeAccessEntry, "demo", USER, NULL), GW_OK);
}

static void kinds__none_or_two__are_refused(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(""));
    expect_no_update(f, "{}", "Invalid type for cluster update.");
    expect_no_update(f, "", "Invalid type for cluster update.");
    expect_no_update(f, "{\"accessConfig\":{}}", "Invalid type for cluster update.");
    expect_no_update(f, "{\"roleArn\":\"x\",\"version\":\"1.34\",\"tags\":{}}", "Invalid type for cluster update.");
    expect_no_update(f,
                     "{\"accessConfig\":{\"authenticationMode\":\"API_AND_CONFIG_MAP\"},\"deletionProtection\":true}",
                     "Only one type of update can be allowed.");
    expect_no_update(f, "{\"resourcesVpcConfig\":{\"endpointPrivateAccess\":true,\"subnetIds\":[\"a\",\"b\"]}}",
                     "Only one type of update can be allowed.");
}

static void body__wrong_types__say_which(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(""));
    expect_no_update(f, "[]", "The request body must be a JSON object.");
    expect_no_update(f, "{\"accessConfig\":\"API\"}", "The accessConfig parameter must be an object.");
    expect_no_update(f, MODE("api"),
                     "The accessConfig.authenticationMode parameter must be one of [API, API_AND_CONFIG_MAP, "
                     "CONFIG_MAP].");
    expect_no_update(f, "{\"clientRequestToken\":\"short\",\"deletionProtection\":true}",
                     "The client request token parameter must be between 33 and 126 characters.");
}

static void cluster__unknown__is_e1(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(update(f, MODE("API")), GW_E_DENIED);
    expect_error(f, T_MISSING, "No cluster found for name: demo.");
    assert_int_equal(call_cluster(f, GW_EKS_ListUpdates, "demo", NULL, NULL), GW_E_DENIED);
    expect_error(f, T_MISSING, "No cluster found for name: demo.");
    assert_int_equal(call_cluster(f, GW_EKS_DescribeUpdate, "demo", "x", NULL), GW_E_DENIED);
    expect_error(f, T_MISSING, "No cluster found for name: demo.");
}

static void logging__types_sent__change_and_others_stay(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(",\"logging\":{\"clusterLogging\":[{\"types\":[\"api\"],\"enabled\":true}]}"));
    expect_update(f, LOGS("\"scheduler\",\"audit\""));
    expect_reply_has(f, "\"type\":\"LoggingUpdate\",\"params\":[{\"type\":\"ClusterLogging\",\"value\":"
                        "\"{\\\"clusterLogging\\\":[{\\\"types\\\":[\\\"scheduler\\\",\\\"audit\\\"],"
                        "\\\"enabled\\\":true}]}\"}]");
    expect_shown(f, "\"logging\":{\"clusterLogging\":[{\"types\":[\"api\",\"audit\",\"scheduler\"],\"enabled\":true},"
                    "{\"types\":[\"authenticator\",\"controllerManager\"],\"enabled\":false}]}");
    expect_no_update(f, LOGS("\"api\""), "No changes needed for the logging config provided");
    expect_update(f,
                  "{\"logging\":{\"clusterLogging\":[{\"types\":[\"api\",\"audit\",\"scheduler\"],\"enabled\":false},"
                  "{\"types\":[\"authenticator\"],\"enabled\":true}]}}");
    expect_shown(f, "{\"types\":[\"authenticator\"],\"enabled\":true},");
    expect_update(f, LOGS("\"api\",\"audit\",\"scheduler\",\"controllerManager\""));
    expect_shown(f, "\"logging\":{\"clusterLogging\":[{\"types\":[\"api\",\"audit\",\"authenticator\","
                    "\"controllerManager\",\"scheduler\"],\"enabled\":true}]}");
}

static void endpoints__members_sent__change_and_others_stay(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(""));
    expect_update(
        f, "{\"resourcesVpcConfig\":{\"publicAccessCidrs\":[\"203.0.113.5/32\"],\"endpointPrivateAccess\":true}}");
    expect_reply_has(f, "\"type\":\"EndpointAccessUpdate\",\"params\":[{\"type\":\"EndpointPrivateAccess\","
                        "\"value\":\"true\"},{\"type\":\"PublicAccessCidrs\",\"value\":\"[\\\"203.0.113.5/32\\\"]\"}]");
    expect_shown(f, "\"resourcesVpcConfig\":{\"subnetIds\":[\"subnet-1\",\"subnet-2\"],\"securityGroupIds\":[],"
                    "\"clusterSecurityGroupId\":\"sg-00000000000000000\",\"vpcId\":\"vpc-00000000000000000\","
                    "\"endpointPublicAccess\":true,\"endpointPrivateAccess\":true,"
                    "\"publicAccessCidrs\":[\"203.0.113.5/32\"],");
    expect_no_update(f, "{\"resourcesVpcConfig\":{\"endpointPublicAccess\":true}}",
                     "Cluster is already at the desired configuration with endpointPrivateAccess: true , "
                     "endpointPublicAccess: true, and Public Endpoint Restrictions: [203.0.113.5/32]");
    expect_update(f, "{\"resourcesVpcConfig\":{\"endpointPublicAccess\":false}}");
    expect_no_update(f, "{\"resourcesVpcConfig\":{\"endpointPrivateAccess\":false}}",
                     "Private and public endpoint access cannot be false");
}

static void vpc__subnets_and_groups__are_replaced(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(""));
    expect_update(f, "{\"resourcesVpcConfig\":{\"subnetIds\":[\"a\",\"b\",\"c\"],\"securityGroupIds\":[\"sg-1\"]}}");
    expect_reply_has(
        f, "\"type\":\"VpcConfigUpdate\",\"params\":[{\"type\":\"Subnets\",\"value\":"
           "\"[\\\"a\\\",\\\"b\\\",\\\"c\\\"]\"},{\"type\":\"SecurityGroups\",\"value\":\"[\\\"sg-1\\\"]\"}]");
    expect_shown(f, "{\"subnetIds\":[\"a\",\"b\",\"c\"],\"securityGroupIds\":[\"sg-1\"],");
    expect_no_update(f, "{\"resourcesVpcConfig\":{\"subnetIds\":[\"a\"]}}",
                     "Subnets specified must be in at least two different AZs");
    expect_no_update(f, "{\"resourcesVpcConfig\":{\"securityGroupIds\":[\"sg-1\"]}}",
                     "Cluster is already at the desired configuration.");
}

static void others__each_kind__maps_onto_the_document(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *body;
        const char *update;
        const char *shown;
    } rows[] = {
        {"{\"upgradePolicy\":{\"supportType\":\"STANDARD\"}}",
         "\"type\":\"UpgradePolicyUpdate\",\"params\":[{\"type\":\"UpgradePolicy\",\"value\":"
         "\"{\\\"supportType\\\":\\\"STANDARD\\\"}\"}]",
         "\"upgradePolicy\":{\"supportType\":\"STANDARD\"}"},
        {"{\"zonalShiftConfig\":{\"enabled\":true}}",
         "\"type\":\"ZonalShiftConfigUpdate\",\"params\":[{\"type\":\"ZonalShiftConfig\",\"value\":"
         "\"{\\\"enabled\\\":true}\"}]",
         "\"zonalShiftConfig\":{\"enabled\":true}"},
        {"{\"deletionProtection\":true}",
         "\"type\":\"DeletionProtectionUpdate\",\"params\":[{\"type\":\"DeletionProtection\",\"value\":\"true\"}]",
         "\"deletionProtection\":true"},
        {"{\"controlPlaneScalingConfig\":{\"tier\":\"tier-xl\"}}",
         "\"type\":\"ControlPlaneScalingConfigUpdate\",\"params\":[{\"type\":\"UpdatedTier\",\"value\":\"tier-xl\"}]",
         "\"controlPlaneScalingConfig\":{\"tier\":\"tier-xl\"}"},
        {"{\"resourcesVpcConfig\":{\"controlPlaneEgressMode\":\"CUSTOMER_ROUTED\"}}",
         "\"type\":\"ControlPlaneEgressUpdate\",\"params\":[{\"type\":\"ControlPlaneEgressMode\",\"value\":"
         "\"CUSTOMER_ROUTED\"}]",
         "\"controlPlaneEgressMode\":\"CUSTOMER_ROUTED\""},
        {"{\"remoteNetworkConfig\":{\"remoteNodeNetworks\":[{\"cidrs\":[\"10.200.0.0/16\"]}]}}",
         "\"type\":\"RemoteNetworkConfigUpdate\",\"params\":[{\"type\":\"RemoteNetworkConfig\",",
         "\"remoteNetworkConfig\":{\"remoteNodeNetworks\":[{\"cidrs\":[\"10.200.0.0/16\"]}]}"},
        {"{\"computeConfig\":{\"enabled\":true},\"storageConfig\":{\"blockStorage\":{\"enabled\":true}},"
         "\"kubernetesNetworkConfig\":{\"elasticLoadBalancing\":{\"enabled\":true},\"ipFamily\":\"ipv4\"}}",
         "\"type\":\"AutoModeUpdate\",\"params\":[{\"type\":\"ComputeConfig\",\"value\":\"{\\\"enabled\\\":true}\"},"
         "{\"type\":\"KubernetesNetworkConfig\",",
         "\"computeConfig\":{\"enabled\":true},\"storageConfig\":{\"blockStorage\":{\"enabled\":true}}"},
    };

    expect_cluster(f, BODY(WITH("API")));
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        expect_update(f, rows[i].body);
        expect_reply_has(f, rows[i].update);
        expect_shown(f, rows[i].shown);
        expect_no_update(f, rows[i].body, "Cluster is already at the desired configuration.");
    }
    assert_int_equal(call_cluster(f, GW_EKS_DeleteCluster, "demo", NULL, NULL), GW_E_DENIED);
    expect_update(f, "{\"deletionProtection\":false}");
    assert_int_equal(call_cluster(f, GW_EKS_DeleteCluster, "demo", NULL, NULL), GW_OK);
}

static void auto_mode__rules__hold_on_updates_too(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(""));
    expect_no_update(f, "{\"computeConfig\":{\"enabled\":true}}",
                     "For EKS Auto Mode, please ensure that all required configs, including computeConfig, "
                     "kubernetesNetworkConfig, and blockStorage are all either fully enabled or fully disabled.");
    expect_no_update(f,
                     "{\"computeConfig\":{\"enabled\":true},\"storageConfig\":{\"blockStorage\":{\"enabled\":true}},"
                     "\"kubernetesNetworkConfig\":{\"elasticLoadBalancing\":{\"enabled\":true}}}",
                     "When EKS Auto Mode is enabled, you must use an EKS access config authentication mode of "
                     "API_AND_CONFIG_MAP or API");
    expect_no_update(
        f, "{\"kubernetesNetworkConfig\":{\"serviceIpv4Cidr\":\"10.0.0.0/16\"}}",
        "The kubernetesNetworkConfig.serviceIpv4Cidr parameter can't be changed once a cluster is created.");
    expect_no_update(f, "{\"remoteNetworkConfig\":{}}",
                     "AccessConfig AuthMode must be API_AND_CONFIG_MAP or API when remoteNetworkConfig is specified");
}

static void describe_update__its_id__answers_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    char *made;
    char id[37];

    expect_cluster(f, BODY(""));
    expect_update(f, "{\"deletionProtection\":true}");
    made = gw_str_dup(gw_str_from(f->text));
    expect_update(f, MODE("API_AND_CONFIG_MAP"));
    assert_int_equal(call_cluster(f, GW_EKS_DescribeUpdate, "demo", "ff101112-1314-4516-9718-191a1b1c1d1e", NULL),
                     GW_OK);
    assert_string_equal(f->text, made);
    assert_string_equal(id_of(f, id), "ff101112-1314-4516-9718-191a1b1c1d1e");
    free(made);
}

static void describe_update__unknown__says_which(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(""));
    assert_int_equal(call_cluster(f, GW_EKS_DescribeUpdate, "demo", "some%2Did", NULL), GW_E_DENIED);
    assert_string_equal(f->text, "{\"clusterName\":\"demo\",\"nodegroupName\":null,\"fargateProfileName\":null,"
                                 "\"addonName\":null,\"subscriptionId\":null,"
                                 "\"message\":\"No update found for ID: some-id\"}");
    assert_string_equal(gw_eks_error_name(f->error.code), T_MISSING);
    assert_int_equal(call_cluster(f, GW_EKS_DescribeUpdate, "demo", "%00", NULL), GW_E_DENIED);
    expect_error(f, T_INVALID, "The updateId parameter is not valid text.");
}

static enum gw_status list(struct fixture *f, const char *query)
{
    f->cluster.is_left_alone = true;
    begin(f, GW_EKS_ListUpdates)->raw_labels[0] = GW_STR("demo");
    f->call.query = gw_str_from(query);
    return run(f);
}

static void list_updates__ids__oldest_first_and_null_token(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(""));
    assert_int_equal(list(f, NULL), GW_OK);
    assert_string_equal(f->text, "{\"updateIds\":[],\"nextToken\":null}");
    expect_update(f, MODE("API_AND_CONFIG_MAP"));
    expect_update(f, MODE("API"));
    assert_int_equal(list(f, "maxResults=2"), GW_OK);
    assert_string_equal(f->text, "{\"updateIds\":[\"ff101112-1314-4516-9718-191a1b1c1d1e\","
                                 "\"ff202122-2324-4526-a728-292a2b2c2d2e\"],\"nextToken\":null}");
}

static void list_updates__of_others__are_not_found(void **state)
{
    struct fixture *f = *state;

    expect_cluster(f, BODY(""));
    assert_int_equal(list(f, "nodegroupName=ng"), GW_E_DENIED);
    expect_error(f, T_MISSING, "No node group found for name: ng.");
    assert_int_equal(list(f, "addonName=vpc-cni"), GW_E_DENIED);
    expect_error(f, T_MISSING, "No addon: vpc-cni found in cluster: demo");
    assert_int_equal(list(f, "capabilityName=c"), GW_E_DENIED);
    expect_error(f, T_MISSING, "No capability: c found in cluster: demo");
    assert_int_equal(list(f, "maxResults=0"), GW_E_DENIED);
    expect_error(f, T_INVALID, "The maxResults parameter must be a whole number from 1 to 100.");
}

/* Percent-encodes the token of the last reply behind `query`. */
static bool take_token(const struct fixture *f, char *query, size_t size)
{
    const char *token = strstr(f->text, "\"nextToken\":\"");
    size_t at = (size_t)snprintf(query, size, "maxResults=1&nextToken=");

    if (token == NULL)
        return false;
    for (token += strlen("\"nextToken\":\""); *token != '"'; token++)
        at += (size_t)snprintf(query + at, size - at, "%%%02X", (unsigned)(unsigned char)*token);
    return true;
}

static void list_updates__pages__give_each_once(void **state)
{
    struct fixture *f = *state;
    char query[512] = "maxResults=1";
    size_t pages = 1;

    expect_cluster(f, BODY(""));
    for (size_t i = 0; i < 3; i++)
        expect_update(f, i % 2 == 0 ? "{\"deletionProtection\":true}" : "{\"deletionProtection\":false}");
    assert_int_equal(list(f, query), GW_OK);
    expect_reply_has(f, "{\"updateIds\":[\"ff101112-1314-4516-9718-191a1b1c1d1e\"],");
    while (take_token(f, query, sizeof(query))) {
        assert_int_equal(list(f, query), GW_OK);
        pages++;
    }
    assert_int_equal(pages, 3);
    expect_reply_has(f, "{\"updateIds\":[\"ff303132-3334-4536-b738-393a3b3c3d3e\"],");
}

static void updates__past_100__the_oldest_are_forgotten(void **state)
{
    struct fixture *f = *state;
    char first[37];
    char second[37];
    char query[512];
    size_t count = 0;

    f->random = *gw_random_system(); /* the counting one begins anew after 16 */
    expect_cluster(f, BODY(""));
    for (size_t i = 0; i < 101; i++) {
        expect_update(f, i % 2 == 0 ? "{\"deletionProtection\":true}" : "{\"deletionProtection\":false}");
        if (i < 2)
            (void)id_of(f, i == 0 ? first : second);
        if (i == 50) {
            assert_int_equal(list(f, "maxResults=1"), GW_OK);
            assert_true(take_token(f, query, sizeof(query)));
        }
    }
    assert_int_equal(call_cluster(f, GW_EKS_DescribeUpdate, "demo", first, NULL), GW_E_DENIED);
    assert_int_equal(call_cluster(f, GW_EKS_DescribeUpdate, "demo", second, NULL), GW_OK);
    assert_int_equal(list(f, NULL), GW_OK);
    for (const char *at = f->text; (at = strchr(at, '-')) != NULL; at++)
        count++;
    assert_int_equal(count, 400);            /* four in each id */
    assert_int_equal(list(f, query), GW_OK); /* behind the one that is gone */
    expect_reply_has(f, second);
}

static void token__retry__answers_the_first_reply(void **state)
{
    struct fixture *f = *state;
    char *made;

    expect_cluster(f, BODY(""));
    expect_update(f, "{\"deletionProtection\":true,\"clientRequestToken\":\"" TOKEN "\"}");
    made = gw_str_dup(gw_str_from(f->text));
    expect_update(f, "{\"clientRequestToken\":\"" TOKEN "\",\"deletionProtection\":true}");
    assert_string_equal(f->text, made);
    assert_true(f->result.replayed);
    expect_no_update(f, "{\"clientRequestToken\":\"" TOKEN "\",\"deletionProtection\":false}",
                     "The client request token was used by an earlier request with other parameters.");
    free(made);
}

static bool always(void *ctx, const struct gw_store_key *key)
{
    (void)ctx;
    (void)key;
    return true;
}

static void update__of_a_cluster_made_on_mention__changes_that(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_env env = make_env(f);
    struct gw_err err;

    env.makes_cluster = always;
    begin(f, GW_EKS_UpdateClusterConfig)->raw_labels[0] = GW_STR("demo");
    f->call.body = GW_STR("{\"deletionProtection\":true}");
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    assert_int_equal(gw_eks_check(&f->call, &f->limits, &f->error), GW_OK);
    assert_int_equal(gw_eks_prepare(&f->call, &env, &f->result, &f->error), GW_OK);
    assert_int_equal(gw_store_stage(f->store, &f->result.change), GW_OK);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
    expect_shown(f, "\"deletionProtection\":true");
    assert_int_equal(list(f, NULL), GW_OK);
    assert_int_equal(strlen(f->text), strlen("{\"updateIds\":[\"\"],\"nextToken\":null}") + 36);
}

static void view__updates__show_their_members(void **state)
{
    struct fixture *f = *state;

    begin(f, GW_EKS_DescribeUpdate)->raw_labels[0] = GW_STR("demo");
    f->call.raw_labels[1] = GW_STR("a%2Db");
    f->call.label_count = 2;
    f->call.query = GW_STR("addonName=x&odd=1");
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    gw_eks_view_input(&f->call);
    expect_json(&f->call.input, "{\"name\":\"demo\",\"updateId\":\"a-b\",\"addonName\":\"x\"}");
    expect_json(&f->call.request_parameters, "{\"name\":\"demo\",\"updateId\":\"a%2Db\",\"addonName\":\"x\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(access__next_mode__answers_a_finished_update),
        EKS_TEST(access__every_other_way__is_e25),
        EKS_TEST(access__entries__stay_over_a_change_of_mode),
        EKS_TEST(kinds__none_or_two__are_refused),
        EKS_TEST(body__wrong_types__say_which),
        EKS_TEST(cluster__unknown__is_e1),
        EKS_TEST(logging__types_sent__change_and_others_stay),
        EKS_TEST(endpoints__members_sent__change_and_others_stay),
        EKS_TEST(vpc__subnets_and_groups__are_replaced),
        EKS_TEST(others__each_kind__maps_onto_the_document),
        EKS_TEST(auto_mode__rules__hold_on_updates_too),
        EKS_TEST(describe_update__its_id__answers_the_same_bytes),
        EKS_TEST(describe_update__unknown__says_which),
        EKS_TEST(list_updates__ids__oldest_first_and_null_token),
        EKS_TEST(list_updates__of_others__are_not_found),
        EKS_TEST(list_updates__pages__give_each_once),
        EKS_TEST(updates__past_100__the_oldest_are_forgotten),
        EKS_TEST(token__retry__answers_the_first_reply),
        EKS_TEST(update__of_a_cluster_made_on_mention__changes_that),
        EKS_TEST(view__updates__show_their_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
