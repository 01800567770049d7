/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each rule beside the message that EKS answers with; README.md says who saw it.
 * Subnets and security groups aren't looked up: there is no EC2 here. What can be
 * told without it is that one subnet is not in two availability zones.
 */
#include "eks/cluster_rules.h"

#include "eks/cluster_document.h"
#include "eks/error.h"

#define VERSION_MIN 30 /* of 1.x; what EKS still created clusters with when it was asked (September 2026) */
#define VERSION_MAX 99

struct cidr {
    uint32_t address;
    unsigned bits;
};

struct range {
    const char *text;
    struct cidr cidr;
};

static const struct range private_ranges[] = {
    {"10.0.0.0/8", {0x0a000000, 8}},
    {"172.16.0.0/12", {0xac100000, 12}},
    {"192.168.0.0/16", {0xc0a80000, 16}},
    {"100.64.0.0/10", {0x64400000, 10}}, /* CGNAT, last: not for services */
};

static uint32_t mask_of(unsigned bits)
{
    return bits == 0 ? 0 : UINT32_MAX << (32 - bits);
}

static bool parse_cidr(struct gw_str text, struct cidr *cidr)
{
    struct gw_str rest = text;
    struct gw_str address = gw_str_split(&rest, '/');
    uint64_t number;

    *cidr = (struct cidr){0, 0};
    for (int i = 0; i < 4; i++) {
        if (address.at == NULL || gw_str_parse_u64(gw_str_split(&address, '.'), 255, &number) != GW_OK)
            return false;
        cidr->address = cidr->address << 8 | (uint32_t)number;
    }
    if (address.at != NULL || rest.at == NULL || gw_str_parse_u64(rest, 32, &number) != GW_OK)
        return false;
    cidr->bits = (unsigned)number;
    return true;
}

static bool contains(const struct cidr *outer, const struct cidr *inner)
{
    return inner->bits >= outer->bits && ((inner->address ^ outer->address) & mask_of(outer->bits)) == 0;
}

static bool is_private(const struct cidr *cidr, size_t ranges)
{
    for (size_t i = 0; i < ranges; i++) {
        if (contains(&private_ranges[i].cidr, cidr))
            return true;
    }
    return false;
}

static bool overlaps(const struct cidr *a, const struct cidr *b)
{
    return contains(a, b) || contains(b, a);
}

static struct gw_str text_of(const struct gw_json *value)
{
    return value != NULL && value->type == GW_JSON_STRING ? value->as.string : GW_STR_NONE;
}

static size_t count_of(const struct gw_json *value)
{
    return value != NULL && value->type == GW_JSON_ARRAY ? value->as.array.count : 0;
}

bool gw_eks_cluster_flag(const struct gw_json *cluster, const char *outer, const char *inner, const char *innermost,
                         bool otherwise)
{
    const struct gw_json *value = gw_json_get(cluster, outer);

    if (inner != NULL)
        value = gw_json_get(value, inner);
    if (innermost != NULL)
        value = gw_json_get(value, innermost);
    return value != NULL && value->type == GW_JSON_BOOL ? value->as.boolean : otherwise;
}

static enum gw_status check_role(const struct gw_eks_call *call, const struct gw_json *parameters,
                                 struct gw_eks_error *error)
{
    struct gw_str arn = text_of(gw_json_get(parameters, "roleArn"));
    struct gw_principal role;

    if (gw_arn_parse_principal(arn, &role) != GW_OK || role.kind != GW_PRINCIPAL_ROLE)
        return gw_eks_error_invalid(call, error, "Invalid Role Arn: '%.*s'", GW_STR_ARG(arn));
    if (!gw_str_equal(role.account, call->account) || !gw_str_equal(role.partition, call->partition))
        return gw_eks_error_refuse(call, error, GW_EKS_AccessDeniedException,
                                   GW_STR("Cross-account pass role is not allowed."));
    return GW_OK;
}

static enum gw_status check_version(const struct gw_eks_call *call, const struct gw_json *parameters,
                                    struct gw_eks_error *error)
{
    struct gw_str version = text_of(gw_json_get(parameters, "version"));
    uint64_t minor;

    if (version.at == NULL ||
        (version.length == 4 && gw_str_starts(version, GW_STR("1.")) &&
         gw_str_parse_u64(gw_str_slice(version, 2, 2), VERSION_MAX, &minor) == GW_OK && minor >= VERSION_MIN))
        return GW_OK;
    return gw_eks_error_invalid(call, error, "unsupported Kubernetes version %.*s", GW_STR_ARG(version));
}

enum gw_status gw_eks_cluster_check_endpoints(const struct gw_eks_call *call, const struct gw_json *cluster,
                                              struct gw_eks_error *error)
{
    if (gw_eks_cluster_flag(cluster, "resourcesVpcConfig", "endpointPublicAccess", NULL, true) ||
        gw_eks_cluster_flag(cluster, "resourcesVpcConfig", "endpointPrivateAccess", NULL, false))
        return GW_OK;
    return gw_eks_error_invalid(call, error, "Private and public endpoint access cannot be false");
}

/* True when all items are one and the same. */
static bool is_one_only(const struct gw_json *subnets)
{
    for (size_t i = 1; i < subnets->as.array.count; i++) {
        if (!gw_str_equal(subnets->as.array.items[i].as.string, subnets->as.array.items[0].as.string))
            return false;
    }
    return true;
}

/* A cluster on an Outpost lives in one zone. */
enum gw_status gw_eks_cluster_check_subnets(const struct gw_eks_call *call, const struct gw_json *cluster,
                                            struct gw_eks_error *error)
{
    const struct gw_json *subnets = gw_json_get(gw_json_get(cluster, "resourcesVpcConfig"), "subnetIds");
    const struct gw_json *outpost = gw_json_get(cluster, "outpostConfig");

    if (count_of(subnets) == 0)
        return gw_eks_error_invalid(call, error, "The resourcesVpcConfig.subnetIds parameter is required.");
    if (is_one_only(subnets) && (outpost == NULL || outpost->type == GW_JSON_NULL))
        return gw_eks_error_invalid(call, error, "Subnets specified must be in at least two different AZs");
    return GW_OK;
}

static enum gw_status refuse_service(const struct gw_eks_call *call, struct gw_str range, const char *rule,
                                     struct gw_eks_error *error)
{
    return gw_eks_error_invalid(call, error, "Invalid Cluster Service Ipv4 CIDR %.*s for the cluster %.*s, %s",
                                GW_STR_ARG(range), GW_STR_ARG(call->cluster), rule);
}

static enum gw_status check_network(const struct gw_eks_call *call, const struct gw_json *parameters,
                                    struct gw_eks_error *error)
{
    const struct gw_json *network = gw_json_get(parameters, "kubernetesNetworkConfig");
    struct gw_str range = text_of(gw_json_get(network, "serviceIpv4Cidr"));
    struct cidr cidr;

    if (range.at == NULL)
        return GW_OK;
    if (gw_str_is(text_of(gw_json_get(network, "ipFamily")), "ipv6"))
        return gw_eks_error_invalid(call, error,
                                    "serviceIpv4Cidr cannot be specified when creating an \"ipv6\" cluster");
    if (!parse_cidr(range, &cidr))
        return refuse_service(call, range, "must be an IPv4 CIDR block", error);
    if (!is_private(&cidr, GW_COUNT(private_ranges) - 1))
        return refuse_service(call, range, "must be within RFC1918 range", error);
    if (cidr.bits < 12 || cidr.bits > 24)
        return refuse_service(call, range, "must have netmask size between /12 and /24 inclusive", error);
    return GW_OK;
}

/* arn:PARTITION:kms:REGION:... of the cluster's own partition and region */
static bool is_key_here(const struct gw_eks_call *call, struct gw_str arn)
{
    const struct gw_str wanted[] = {GW_STR("arn"), call->partition, GW_STR("kms"), call->region};

    for (size_t i = 0; i < GW_COUNT(wanted); i++) {
        if (arn.at == NULL || !gw_str_equal(gw_str_split(&arn, ':'), wanted[i]))
            return false;
    }
    return arn.at != NULL;
}

static enum gw_status check_encryption(const struct gw_eks_call *call, const struct gw_json *parameters,
                                       struct gw_eks_error *error)
{
    const struct gw_json *configs = gw_json_get(parameters, "encryptionConfig");
    const struct gw_json *resources;
    struct gw_str key;

    if (count_of(configs) > 1)
        return gw_eks_error_invalid(call, error, "The encryptionConfig parameter must not have more than 1 item.");
    if (count_of(configs) == 0)
        return GW_OK;
    resources = gw_json_get(&configs->as.array.items[0], "resources");
    if (count_of(resources) != 1 || !gw_str_is(text_of(&resources->as.array.items[0]), "secrets"))
        return gw_eks_error_invalid(call, error, "Invalid k8s resource for encryption");
    key = text_of(gw_json_get(gw_json_get(&configs->as.array.items[0], "provider"), "keyArn"));
    if (key.at == NULL)
        return gw_eks_error_invalid(call, error, "The encryptionConfig.provider.keyArn parameter is required.");
    if (!is_key_here(call, key))
        return gw_eks_error_invalid(call, error, "The keyArn for encryptionConfig is scoped to invalid aws region.");
    return GW_OK;
}

enum gw_status gw_eks_cluster_check_auto_mode(const struct gw_eks_call *call, const struct gw_json *cluster,
                                              enum gw_eks_auth_mode mode, struct gw_eks_error *error)
{
    const struct gw_json *compute = gw_json_get(cluster, "computeConfig");
    bool computes = gw_eks_cluster_flag(cluster, "computeConfig", "enabled", NULL, false);

    if (computes != gw_eks_cluster_flag(cluster, "kubernetesNetworkConfig", "elasticLoadBalancing", "enabled", false) ||
        computes != gw_eks_cluster_flag(cluster, "storageConfig", "blockStorage", "enabled", false))
        return gw_eks_error_invalid(call, error,
                                    "For EKS Auto Mode, please ensure that all required configs, including "
                                    "computeConfig, kubernetesNetworkConfig, and blockStorage are all either fully "
                                    "enabled or fully disabled.");
    if (count_of(gw_json_get(compute, "nodePools")) > 0 && text_of(gw_json_get(compute, "nodeRoleArn")).length == 0)
        return gw_eks_error_invalid(call, error,
                                    "When Compute Config nodeRoleArn is null or empty, nodePool list cannot be "
                                    "populated.");
    if (computes && mode == GW_EKS_MODE_CONFIG_MAP)
        return gw_eks_error_invalid(call, error,
                                    "When EKS Auto Mode is enabled, you must use an EKS access config authentication "
                                    "mode of API_AND_CONFIG_MAP or API");
    return GW_OK;
}

/* One CIDR of a remote network, `kind` "node" or "pod". */
static enum gw_status check_remote_cidr(const struct gw_eks_call *call, const char *kind, struct gw_str text,
                                        struct gw_str service, struct gw_eks_error *error)
{
    struct cidr cidr;
    struct cidr services;

    if (!parse_cidr(text, &cidr) || !is_private(&cidr, GW_COUNT(private_ranges)))
        return gw_eks_error_invalid(call, error,
                                    "Invalid remote %s network: CIDR %.*s is not part of RFC 1918 or CGNAT", kind,
                                    GW_STR_ARG(text));
    if (parse_cidr(service, &services) && overlaps(&cidr, &services))
        return gw_eks_error_invalid(call, error, "Invalid remote %s network: CIDR %.*s overlaps with service CIDR %.*s",
                                    kind, GW_STR_ARG(text), GW_STR_ARG(service));
    return GW_OK;
}

/* The `index`th CIDR of all networks of a list, {NULL,0} past the last. */
static struct gw_str nth_cidr(const struct gw_json *networks, size_t index)
{
    for (size_t i = 0; i < count_of(networks); i++) {
        const struct gw_json *cidrs = gw_json_get(&networks->as.array.items[i], "cidrs");

        if (index < count_of(cidrs))
            return text_of(&cidrs->as.array.items[index]);
        index -= count_of(cidrs);
    }
    return GW_STR_NONE;
}

static enum gw_status check_pods_apart(const struct gw_eks_call *call, const struct gw_json *nodes, struct gw_str pod,
                                       struct gw_eks_error *error)
{
    struct gw_str node;
    struct cidr inner;
    struct cidr outer;

    for (size_t i = 0; (node = nth_cidr(nodes, i)).at != NULL; i++) {
        if (parse_cidr(pod, &inner) && parse_cidr(node, &outer) && overlaps(&inner, &outer))
            return gw_eks_error_invalid(call, error,
                                        "Invalid remote pod network: CIDR %.*s overlaps with already existing CIDR "
                                        "%.*s",
                                        GW_STR_ARG(pod), GW_STR_ARG(node));
    }
    return GW_OK;
}

static enum gw_status check_networks(const struct gw_eks_call *call, const struct gw_json *remote,
                                     struct gw_str service, struct gw_eks_error *error)
{
    const struct gw_json *nodes = gw_json_get(remote, "remoteNodeNetworks");
    const struct gw_json *pods = gw_json_get(remote, "remotePodNetworks");
    enum gw_status status = GW_OK;
    struct gw_str text;

    if (count_of(nodes) > 1 || count_of(pods) > 1)
        return gw_eks_error_invalid(call, error,
                                    "The remoteNetworkConfig parameter must not have more than 1 item in "
                                    "remoteNodeNetworks and in remotePodNetworks.");
    for (size_t i = 0; status == GW_OK && (text = nth_cidr(nodes, i)).at != NULL; i++)
        status = check_remote_cidr(call, "node", text, service, error);
    for (size_t i = 0; status == GW_OK && (text = nth_cidr(pods, i)).at != NULL; i++) {
        status = check_remote_cidr(call, "pod", text, service, error);
        if (status == GW_OK)
            status = check_pods_apart(call, nodes, text, error);
    }
    return status;
}

enum gw_status gw_eks_cluster_check_remote(const struct gw_eks_call *call, const struct gw_json *cluster,
                                           enum gw_eks_auth_mode mode, struct gw_eks_error *error)
{
    const struct gw_json *remote = gw_json_get(cluster, "remoteNetworkConfig");
    struct gw_str service = text_of(gw_json_get(gw_json_get(cluster, "kubernetesNetworkConfig"), "serviceIpv4Cidr"));

    if (remote == NULL || remote->type != GW_JSON_OBJECT)
        return GW_OK;
    if (mode == GW_EKS_MODE_CONFIG_MAP)
        return gw_eks_error_invalid(call, error,
                                    "AccessConfig AuthMode must be API_AND_CONFIG_MAP or API when remoteNetworkConfig "
                                    "is specified");
    if (count_of(gw_json_get(remote, "remoteNodeNetworks")) == 0)
        return gw_eks_error_invalid(call, error,
                                    "remoteNodeNetworks are required when specifying remoteNetworkConfig.");
    return check_networks(call, remote, service.at != NULL ? service : GW_STR(GW_EKS_SERVICE_CIDR), error);
}

enum gw_status gw_eks_cluster_check_create(const struct gw_eks_call *call, const struct gw_json *parameters,
                                           enum gw_eks_auth_mode mode, struct gw_eks_error *error)
{
    enum gw_status status = check_role(call, parameters, error);

    if (status == GW_OK)
        status = check_version(call, parameters, error);
    if (status == GW_OK)
        status = gw_eks_cluster_check_endpoints(call, parameters, error);
    if (status == GW_OK)
        status = gw_eks_cluster_check_subnets(call, parameters, error);
    if (status == GW_OK)
        status = check_network(call, parameters, error);
    if (status == GW_OK)
        status = check_encryption(call, parameters, error);
    if (status == GW_OK)
        status = gw_eks_cluster_check_auto_mode(call, parameters, mode, error);
    return status == GW_OK ? gw_eks_cluster_check_remote(call, parameters, mode, error) : status;
}
