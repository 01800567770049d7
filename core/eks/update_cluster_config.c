/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UpdateClusterConfig: one kind of change per call. It is done at once, and the
 * update that tells of it is remembered.
 *
 *   decode   cluster name, body, types
 *   check    token, exactly one kind
 *   prepare  cluster, replay, the kind's rules, whether it changes anything
 */
#include "eks/cluster.h"
#include "eks/cluster_document.h"
#include "eks/cluster_input.h"
#include "eks/cluster_logging.h"
#include "eks/cluster_rules.h"
#include "eks/cluster_update.h"
#include "eks/error.h"
#include "eks/handlers.h"
#include "eks/token.h"

enum kind {
    KIND_ACCESS,
    KIND_LOGGING,
    KIND_ENDPOINT,
    KIND_VPC,
    KIND_EGRESS,
    KIND_UPGRADE,
    KIND_ZONAL_SHIFT,
    KIND_REMOTE,
    KIND_AUTO_MODE,
    KIND_PROTECTION,
    KIND_SCALING,
};

static const char *const kind_names[] = {
    [KIND_ACCESS] = "AccessConfigUpdate",
    [KIND_LOGGING] = "LoggingUpdate",
    [KIND_ENDPOINT] = "EndpointAccessUpdate",
    [KIND_VPC] = "VpcConfigUpdate",
    [KIND_EGRESS] = "ControlPlaneEgressUpdate",
    [KIND_UPGRADE] = "UpgradePolicyUpdate",
    [KIND_ZONAL_SHIFT] = "ZonalShiftConfigUpdate",
    [KIND_REMOTE] = "RemoteNetworkConfigUpdate",
    [KIND_AUTO_MODE] = "AutoModeUpdate",
    [KIND_PROTECTION] = "DeletionProtectionUpdate",
    [KIND_SCALING] = "ControlPlaneScalingConfigUpdate",
};

/* What of the body belongs to which kind, and the name of its parameter in the update; in the updates' order. */
static const struct part {
    enum kind kind;
    const char *outer;
    const char *inner; /* NULL: the member itself */
    const char *param;
} parts[] = {
    {KIND_ACCESS, "accessConfig", "authenticationMode", "AuthenticationMode"},
    {KIND_LOGGING, "logging", NULL, "ClusterLogging"},
    {KIND_ENDPOINT, "resourcesVpcConfig", "endpointPublicAccess", "EndpointPublicAccess"},
    {KIND_ENDPOINT, "resourcesVpcConfig", "endpointPrivateAccess", "EndpointPrivateAccess"},
    {KIND_ENDPOINT, "resourcesVpcConfig", "publicAccessCidrs", "PublicAccessCidrs"},
    {KIND_VPC, "resourcesVpcConfig", "subnetIds", "Subnets"},
    {KIND_VPC, "resourcesVpcConfig", "securityGroupIds", "SecurityGroups"},
    {KIND_EGRESS, "resourcesVpcConfig", "controlPlaneEgressMode", "ControlPlaneEgressMode"},
    {KIND_UPGRADE, "upgradePolicy", NULL, "UpgradePolicy"},
    {KIND_ZONAL_SHIFT, "zonalShiftConfig", NULL, "ZonalShiftConfig"},
    {KIND_REMOTE, "remoteNetworkConfig", NULL, "RemoteNetworkConfig"},
    {KIND_AUTO_MODE, "computeConfig", NULL, "ComputeConfig"},
    {KIND_AUTO_MODE, "kubernetesNetworkConfig", NULL, "KubernetesNetworkConfig"},
    {KIND_AUTO_MODE, "storageConfig", NULL, "StorageConfig"},
    {KIND_PROTECTION, "deletionProtection", NULL, "DeletionProtection"},
    {KIND_SCALING, "controlPlaneScalingConfig", "tier", "UpdatedTier"},
};

/* The update that a call asks for. */
struct plan {
    enum kind kind;
    enum gw_eks_auth_mode mode; /* afterwards */
    struct gw_json before;      /* the cluster's document */
    struct gw_json after;
};

static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_cluster_decode_label(call, error);

    return status == GW_OK ? gw_eks_cluster_input_decode(call, GW_EKS_IN_UPDATE, error) : status;
}

static enum gw_status find_kind(const struct gw_eks_call *call, enum kind *kind, struct gw_eks_error *error)
{
    bool has_one = false;

    for (size_t i = 0; i < GW_COUNT(parts); i++) {
        if (gw_eks_cluster_input_get(call, parts[i].outer, parts[i].inner) == NULL)
            continue;
        if (has_one && parts[i].kind != *kind)
            return gw_eks_error_invalid(call, error, "Only one type of update can be allowed.");
        *kind = parts[i].kind;
        has_one = true;
    }
    return has_one ? GW_OK : gw_eks_error_invalid(call, error, "Invalid type for cluster update.");
}

static enum gw_status check(struct gw_eks_call *call, const struct gw_eks_limits *limits, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_token_check(call, error);
    enum kind kind;

    (void)limits;
    return status == GW_OK ? find_kind(call, &kind, error) : status;
}

/* E25: the way is CONFIG_MAP, API_AND_CONFIG_MAP, API, one step at a time. */
static enum gw_status check_access(const struct gw_eks_call *call, const struct gw_cluster *cluster, struct plan *plan,
                                   struct gw_eks_error *error)
{
    enum gw_eks_auth_mode old = (enum gw_eks_auth_mode)cluster->mode;
    struct gw_str wanted = gw_eks_cluster_input_get(call, "accessConfig", "authenticationMode")->as.string;

    if (gw_eks_auth_mode_parse(wanted, &plan->mode) == GW_OK && plan->mode == old + 1)
        return GW_OK;
    return gw_eks_error_invalid(call, error, "Unsupported authentication mode update from %s to %.*s",
                                gw_eks_auth_mode_name(old), GW_STR_ARG(wanted));
}

static enum gw_status check_logging(const struct gw_eks_call *call, struct plan *plan, struct gw_eks_error *error)
{
    const struct gw_json *old = gw_json_get(&plan->before, "logging");
    struct gw_json fresh = gw_eks_logging_lay_over(old, gw_eks_cluster_input_get(call, "logging", NULL), call->arena);

    if (gw_eks_logging_equal(old, &fresh))
        return gw_eks_error_invalid(call, error, "No changes needed for the logging config provided");
    gw_json_set(call->arena, &plan->after, GW_STR("logging"), fresh);
    return GW_OK;
}

static bool is_same(const struct gw_json *a, const struct gw_json *b)
{
    struct gw_buf texts[2];
    bool same;

    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        const struct gw_json *value = i == 0 ? a : b;

        gw_buf_init(&texts[i], SIZE_MAX);
        if (value != NULL)
            gw_json_encode(value, &texts[i]);
    }
    same = gw_str_equal(gw_buf_str(&texts[0]), gw_buf_str(&texts[1]));
    gw_buf_fini(&texts[0]);
    gw_buf_fini(&texts[1]);
    return same;
}

static enum gw_status refuse_same_endpoints(const struct gw_eks_call *call, const struct gw_json *document,
                                            struct gw_eks_error *error)
{
    const struct gw_json *cidrs = gw_json_get(gw_json_get(document, "resourcesVpcConfig"), "publicAccessCidrs");
    bool is_private = gw_eks_cluster_flag(document, "resourcesVpcConfig", "endpointPrivateAccess", NULL, false);
    bool is_public = gw_eks_cluster_flag(document, "resourcesVpcConfig", "endpointPublicAccess", NULL, false);
    struct gw_str list = GW_STR("");

    for (size_t i = 0; cidrs != NULL && cidrs->type == GW_JSON_ARRAY && i < cidrs->as.array.count; i++)
        list = gw_arena_printf(call->arena, "%.*s%s%.*s", GW_STR_ARG(list), i == 0 ? "" : ", ",
                               GW_STR_ARG(cidrs->as.array.items[i].as.string));
    return gw_eks_error_invalid(call, error,
                                "Cluster is already at the desired configuration with endpointPrivateAccess: %s , "
                                "endpointPublicAccess: %s, and Public Endpoint Restrictions: [%.*s]",
                                is_private ? "true" : "false", is_public ? "true" : "false", GW_STR_ARG(list));
}

static enum gw_status check_endpoints(const struct gw_eks_call *call, const struct plan *plan,
                                      struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_cluster_check_endpoints(call, &plan->after, error);

    if (status == GW_OK &&
        is_same(gw_json_get(&plan->before, "resourcesVpcConfig"), gw_json_get(&plan->after, "resourcesVpcConfig")))
        return refuse_same_endpoints(call, &plan->before, error);
    return status;
}

/* Auto Mode's part of the network is its load balancing; a cluster's ranges and family stay. */
static enum gw_status check_auto_mode(const struct gw_eks_call *call, const struct plan *plan,
                                      struct gw_eks_error *error)
{
    static const char *const fixed[] = {"serviceIpv4Cidr", "ipFamily"};
    const struct gw_json *old = gw_json_get(&plan->before, "kubernetesNetworkConfig");
    const struct gw_json *fresh = gw_json_get(&plan->after, "kubernetesNetworkConfig");

    for (size_t i = 0; i < GW_COUNT(fixed); i++) {
        if (!is_same(gw_json_get(old, fixed[i]), gw_json_get(fresh, fixed[i])))
            return gw_eks_error_invalid(call, error,
                                        "The kubernetesNetworkConfig.%s parameter can't be changed once a cluster is "
                                        "created.",
                                        fixed[i]);
    }
    return gw_eks_cluster_check_auto_mode(call, &plan->after, plan->mode, error);
}

static enum gw_status check_kind(const struct gw_eks_call *call, const struct gw_cluster *cluster, struct plan *plan,
                                 struct gw_eks_error *error)
{
    switch (plan->kind) {
    case KIND_ACCESS:
        return check_access(call, cluster, plan, error);
    case KIND_LOGGING:
        return check_logging(call, plan, error);
    case KIND_ENDPOINT:
        return check_endpoints(call, plan, error);
    case KIND_VPC:
        return gw_eks_cluster_check_subnets(call, &plan->after, error);
    case KIND_REMOTE:
        return gw_eks_cluster_check_remote(call, &plan->after, plan->mode, error);
    case KIND_AUTO_MODE:
        return check_auto_mode(call, plan, error);
    case KIND_EGRESS:
    case KIND_UPGRADE:
    case KIND_ZONAL_SHIFT:
    case KIND_PROTECTION:
    case KIND_SCALING:
        break;
    }
    return GW_OK;
}

/* arena: the document with what was sent laid over it. */
static enum gw_status make_plan(const struct gw_eks_call *call, const struct gw_cluster *cluster, struct plan *plan,
                                struct gw_eks_error *error)
{
    struct gw_json sent = {.type = GW_JSON_OBJECT};
    const struct gw_json *parameters = &call->cluster_input->parameters;
    enum gw_status status = find_kind(call, &plan->kind, error);

    if (status != GW_OK)
        return status;
    for (size_t i = 0; i < parameters->as.object.count; i++) {
        const struct gw_json_member *member = &parameters->as.object.members[i];

        if (!gw_str_is(member->name, "clientRequestToken"))
            gw_json_set(call->arena, &sent, member->name, member->value);
    }
    plan->mode = (enum gw_eks_auth_mode)cluster->mode;
    plan->before = gw_eks_cluster_read(cluster, call->arena);
    plan->after = plan->before;
    gw_eks_cluster_lay_over(call->arena, &plan->after, &sent);
    status = check_kind(call, cluster, plan, error);
    if (status == GW_OK && plan->kind != KIND_ACCESS && is_same(&plan->before, &plan->after))
        return gw_eks_error_invalid(call, error, "Cluster is already at the desired configuration.");
    return status;
}

/* A text is its own value, anything else its JSON. arena */
static struct gw_str param_value(const struct gw_eks_call *call, const struct gw_json *value)
{
    struct gw_str text;
    struct gw_buf out;

    if (value->type == GW_JSON_STRING)
        return value->as.string;
    gw_buf_init(&out, SIZE_MAX);
    gw_json_encode(value, &out);
    text = gw_arena_str(call->arena, gw_buf_str(&out));
    gw_buf_fini(&out);
    return text;
}

static struct gw_json make_params(const struct gw_eks_call *call)
{
    struct gw_json params = {.type = GW_JSON_ARRAY};

    params.as.array.items = gw_arena_zero(call->arena, GW_COUNT(parts), sizeof(struct gw_json));
    for (size_t i = 0; i < GW_COUNT(parts); i++) {
        const struct gw_json *value = gw_eks_cluster_input_get(call, parts[i].outer, parts[i].inner);
        struct gw_pair pairs[2];

        if (value == NULL)
            continue;
        pairs[0] = (struct gw_pair){GW_STR("type"), gw_str_from(parts[i].param)};
        pairs[1] = (struct gw_pair){GW_STR("value"), param_value(call, value)};
        params.as.array.items[params.as.array.count++] = gw_json_pairs(call->arena, pairs, GW_COUNT(pairs));
    }
    return params;
}

/* Takes `fresh`, in the place of the cluster that a mock has made on mention. */
static void put(struct gw_eks_result *result, struct gw_cluster *fresh)
{
    gw_cluster_free(&result->change.cluster);
    result->change.cluster = fresh;
    result->change.cluster_act = GW_STORE_PUT;
    result->cluster = fresh;
    result->is_change = true;
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    struct plan plan;
    struct gw_eks_update update;
    struct gw_cluster like;
    struct gw_str text;
    enum gw_status status = gw_eks_cluster_enter(call, env, result, error);

    if (status == GW_OK)
        status = gw_eks_token_replay(call, env, &result->replayed, &result->reply, error);
    if (status != GW_OK || result->replayed)
        return status;
    status = make_plan(call, result->cluster, &plan, error);
    if (status != GW_OK)
        return status;
    update = (struct gw_eks_update){.type = kind_names[plan.kind], .params = make_params(call)};
    text = gw_eks_update_encode(call, env, &update);
    like = gw_eks_update_append(result->cluster, text, call->arena);
    result->reply = gw_eks_update_reply(text, call->arena);
    put(result, gw_eks_cluster_change(&like, &plan.after, plan.mode, call->arena));
    result->change.token = gw_eks_token_new(call, env, result->reply, NULL);
    return GW_OK;
}

static void view(struct gw_eks_call *call)
{
    gw_eks_cluster_view_label(call);
    gw_eks_cluster_input_view(call);
}

const struct gw_eks_handler gw_eks_update_cluster_config = {decode, check, prepare, view};
