/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CreateCluster refuses of a configuration whose types are in order, in EKS's
 * words; README.md of core/eks says who saw them.
 */
#include "cluster_case.h"

#define AUTO(compute, balancing, storage)                                                                              \
    ",\"computeConfig\":{\"enabled\":" compute                                                                         \
    "},\"kubernetesNetworkConfig\":{\"elasticLoadBalancing\":{\"enabled\":" balancing                                  \
    "}},\"storageConfig\":{\"blockStorage\":{\"enabled\":" storage "}}"
#define API ",\"accessConfig\":{\"authenticationMode\":\"API\"}"
#define ALL_OR_NOTHING                                                                                                 \
    "For EKS Auto Mode, please ensure that all required configs, including computeConfig, kubernetesNetworkConfig, "   \
    "and blockStorage are all either fully enabled or fully disabled."
#define NETWORK(range) ",\"kubernetesNetworkConfig\":{\"serviceIpv4Cidr\":\"" range "\"}"
#define REMOTE(nodes, pods)                                                                                            \
    API ",\"remoteNetworkConfig\":{\"remoteNodeNetworks\":[{\"cidrs\":[" nodes                                         \
        "]}],\"remotePodNetworks\":[{\"cidrs\":[" pods "]}]}"
#define KEY(arn) ",\"encryptionConfig\":[{\"resources\":[\"secrets\"],\"provider\":{\"keyArn\":\"" arn "\"}}]"

static const struct {
    const char *body;
    const char *message;
} refused[] = {
    {BODY(",\"version\":\"1.29\""), "unsupported Kubernetes version 1.29"},
    {BODY(",\"version\":\"1.36.0\""), "unsupported Kubernetes version 1.36.0"},
    {BODY(",\"version\":\"\""), "unsupported Kubernetes version "},
    {BODY(",\"version\":\"2.33\""), "unsupported Kubernetes version 2.33"},
    {BODY(AUTO("true", "false", "false")), ALL_OR_NOTHING},
    {BODY(AUTO("false", "true", "true")), ALL_OR_NOTHING},
    {BODY(API AUTO("true", "true", "false")), ALL_OR_NOTHING},
    {BODY(",\"computeConfig\":{\"enabled\":true}"), ALL_OR_NOTHING},
    {BODY(AUTO("true", "true", "true")),
     "When EKS Auto Mode is enabled, you must use an EKS access config authentication mode of API_AND_CONFIG_MAP or "
     "API"},
    {BODY(",\"computeConfig\":{\"enabled\":false,\"nodePools\":[\"system\"]}"),
     "When Compute Config nodeRoleArn is null or empty, nodePool list cannot be populated."},
    {BODY(",\"kubernetesNetworkConfig\":{\"ipFamily\":\"ipv6\",\"serviceIpv4Cidr\":\"10.0.0.0/16\"}"),
     "serviceIpv4Cidr cannot be specified when creating an \"ipv6\" cluster"},
    {BODY(NETWORK("11.0.0.0/16")),
     "Invalid Cluster Service Ipv4 CIDR 11.0.0.0/16 for the cluster demo, must be within RFC1918 range"},
    {BODY(NETWORK("100.64.0.0/16")),
     "Invalid Cluster Service Ipv4 CIDR 100.64.0.0/16 for the cluster demo, must be within RFC1918 range"},
    {BODY(NETWORK("10.100.0.0/25")), "Invalid Cluster Service Ipv4 CIDR 10.100.0.0/25 for the cluster demo, must have "
                                     "netmask size between /12 and /24 inclusive"},
    {BODY(NETWORK("10.0.0.0/11")), "Invalid Cluster Service Ipv4 CIDR 10.0.0.0/11 for the cluster demo, must have "
                                   "netmask size between /12 and /24 inclusive"},
    {BODY(NETWORK("10.0.0/16")),
     "Invalid Cluster Service Ipv4 CIDR 10.0.0/16 for the cluster demo, must be an IPv4 CIDR block"},
    {BODY(NETWORK("10.0.0.0.0/16")),
     "Invalid Cluster Service Ipv4 CIDR 10.0.0.0.0/16 for the cluster demo, must be an IPv4 CIDR block"},
    {BODY(NETWORK("10.0.0.256/16")),
     "Invalid Cluster Service Ipv4 CIDR 10.0.0.256/16 for the cluster demo, must be an IPv4 CIDR block"},
    {BODY(NETWORK("10.0.0.0")),
     "Invalid Cluster Service Ipv4 CIDR 10.0.0.0 for the cluster demo, must be an IPv4 CIDR block"},
    {BODY(KEY("arn:aws:kms:eu-west-1:012345678910:key/1")),
     "The keyArn for encryptionConfig is scoped to invalid aws region."},
    {BODY(KEY("arn:aws-cn:kms:us-west-2:012345678910:key/1")),
     "The keyArn for encryptionConfig is scoped to invalid aws region."},
    {BODY(KEY("arn:aws:kms:us-west-2")), "The keyArn for encryptionConfig is scoped to invalid aws region."},
    {BODY(",\"encryptionConfig\":[{\"resources\":[\"secrets\"]}]"),
     "The encryptionConfig.provider.keyArn parameter is required."},
    {BODY(",\"encryptionConfig\":[{\"resources\":[\"configmaps\"]}]"), "Invalid k8s resource for encryption"},
    {BODY(",\"encryptionConfig\":[{}]"), "Invalid k8s resource for encryption"},
    {BODY(",\"encryptionConfig\":[{},{}]"), "The encryptionConfig parameter must not have more than 1 item."},
    {BODY(",\"remoteNetworkConfig\":{}"),
     "AccessConfig AuthMode must be API_AND_CONFIG_MAP or API when remoteNetworkConfig is specified"},
    {BODY(API ",\"remoteNetworkConfig\":{\"remotePodNetworks\":[{\"cidrs\":[\"10.1.0.0/16\"]}]}"),
     "remoteNodeNetworks are required when specifying remoteNetworkConfig."},
    {BODY(REMOTE("\"11.0.0.0/16\"", "")),
     "Invalid remote node network: CIDR 11.0.0.0/16 is not part of RFC 1918 or CGNAT"},
    {BODY(REMOTE("\"100.64.0.0/9\"", "")),
     "Invalid remote node network: CIDR 100.64.0.0/9 is not part of RFC 1918 or CGNAT"},
    {BODY(REMOTE("\"10.200.0.0/16\"", "\"8.8.8.0/24\"")),
     "Invalid remote pod network: CIDR 8.8.8.0/24 is not part of RFC 1918 or CGNAT"},
    {BODY(REMOTE("\"10.100.0.0/24\"", "")),
     "Invalid remote node network: CIDR 10.100.0.0/24 overlaps with service CIDR 10.100.0.0/16"},
    {BODY(REMOTE("\"10.200.0.0/16\"", "\"10.200.0.0/24\"")),
     "Invalid remote pod network: CIDR 10.200.0.0/24 overlaps with already existing CIDR 10.200.0.0/16"},
    {"{\"name\":\"demo\",\"roleArn\":\"" ROLE_ARN "\",\"resourcesVpcConfig\":{}}",
     "The resourcesVpcConfig.subnetIds parameter is required."},
    {"{\"name\":\"demo\",\"roleArn\":\"" ROLE_ARN "\",\"resourcesVpcConfig\":{\"subnetIds\":[]}}",
     "The resourcesVpcConfig.subnetIds parameter is required."},
    {"{\"name\":\"demo\",\"roleArn\":\"" ROLE_ARN "\",\"resourcesVpcConfig\":{\"subnetIds\":[\"a\"]}}",
     "Subnets specified must be in at least two different AZs"},
    {"{\"name\":\"demo\",\"roleArn\":\"" ROLE_ARN "\",\"resourcesVpcConfig\":{\"subnetIds\":[\"a\",\"a\"]}}",
     "Subnets specified must be in at least two different AZs"},
    {"{\"name\":\"demo\",\"roleArn\":\"" ROLE_ARN "\",\"resourcesVpcConfig\":{\"subnetIds\":[\"a\",\"b\"],"
     "\"endpointPublicAccess\":false}}",
     "Private and public endpoint access cannot be false"},
    {"{\"name\":\"demo\",\"roleArn\":\"" USER "\"," VPC "}", "Invalid Role Arn: '" USER "'"},
    {"{\"name\":\"demo\",\"roleArn\":\"x\"," VPC "}", "Invalid Role Arn: 'x'"},
};

static void create__broken_rule__is_refused_in_ekss_words(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(refused); i++) {
        expect_no_cluster(f, refused[i].body, T_INVALID, refused[i].message);
        assert_true(gw_str_is(f->error.cluster_name, "demo"));
    }
}

static void create__role_of_another_account__is_403(void **state)
{
    struct fixture *f = *state;
    static const char *const roles[] = {"arn:aws:iam::999999999999:role/eks", "arn:aws-cn:iam::012345678910:role/eks"};
    char body[256];

    for (size_t i = 0; i < GW_COUNT(roles); i++) {
        (void)snprintf(body, sizeof(body), "{\"name\":\"demo\",\"roleArn\":\"%s\"," VPC "}", roles[i]);
        expect_no_cluster(f, body, "AccessDeniedException", "Cross-account pass role is not allowed.");
    }
}

static void create__kept_rules__are_let_pass(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {
        BODY(",\"version\":\"1.30\""),
        BODY(API AUTO("true", "true", "true")),
        BODY(AUTO("false", "false", "false")),
        BODY(",\"accessConfig\":{\"authenticationMode\":\"API_AND_CONFIG_MAP\"}" AUTO("true", "true", "true")),
        BODY(",\"computeConfig\":{\"nodePools\":[\"system\"],\"nodeRoleArn\":\"arn:aws:iam::012345678910:role/n\"}"),
        BODY(NETWORK("10.0.0.0/12")),
        BODY(NETWORK("192.168.0.0/24")),
        BODY(NETWORK("172.31.0.0/16")),
        BODY(KEY("arn:aws:kms:us-west-2:999999999999:key/1")),
        BODY(REMOTE("\"10.200.0.0/16\",\"100.64.0.0/10\"", "\"192.168.0.0/16\"")),
        BODY(",\"outpostConfig\":{\"outpostArns\":[\"o\"],\"controlPlaneInstanceType\":\"m5.large\","
             "\"controlPlanePlacement\":{\"groupName\":\"g\"}}"),
        "{\"name\":\"demo\",\"roleArn\":\"" ROLE_ARN "\",\"resourcesVpcConfig\":{\"subnetIds\":[\"a\"]},"
        "\"outpostConfig\":{\"outpostArns\":[\"o\"]}}",
        "{\"name\":\"demo\",\"roleArn\":\"arn:aws:iam::012345678910:role/a/b/c\"," VPC "}",
    };

    for (size_t i = 0; i < GW_COUNT(bodies); i++) {
        expect_cluster(f, bodies[i]);
        assert_int_equal(call_cluster(f, GW_EKS_DeleteCluster, "demo", NULL, NULL), GW_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(create__broken_rule__is_refused_in_ekss_words),
        EKS_TEST(create__role_of_another_account__is_403),
        EKS_TEST(create__kept_rules__are_let_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
