/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The creator's entry, made in the change that makes the cluster: STANDARD, with
 * what EKS generates, and AmazonEKSClusterAdminPolicy for the whole cluster.
 */
#include "eks/creator.h"

#include "eks/access_entry.h"
#include "eks/access_policy.h"
#include "eks/cluster_input.h"

bool gw_eks_creator_find(const struct gw_eks_call *call, struct gw_principal *creator)
{
    const struct gw_principal *caller = call->caller;
    struct gw_str arn;

    if (caller == NULL || caller->kind == GW_PRINCIPAL_FEDERATED_USER)
        return false;
    arn = caller->arn;
    if (caller->kind == GW_PRINCIPAL_ASSUMED_ROLE)
        arn = gw_arena_printf(call->arena, "arn:%.*s:iam::%.*s:role/%.*s", GW_STR_ARG(caller->partition),
                              GW_STR_ARG(caller->account), GW_STR_ARG(caller->name));
    return gw_arn_parse_principal(arn, creator) == GW_OK;
}

bool gw_eks_creator_is_wanted(const struct gw_eks_call *call, enum gw_eks_auth_mode mode)
{
    const struct gw_json *bootstrap =
        gw_eks_cluster_input_get(call, "accessConfig", "bootstrapClusterCreatorAdminPermissions");

    return mode != GW_EKS_MODE_CONFIG_MAP && (bootstrap == NULL || bootstrap->as.boolean);
}

static struct gw_str admin_policy(const struct gw_eks_call *call)
{
    for (size_t i = 0; i < gw_eks_policy_count; i++) {
        if (gw_str_is(gw_eks_policies[i].name, "AmazonEKSClusterAdminPolicy"))
            return gw_eks_policy_arn(call, &gw_eks_policies[i]);
    }
    gw_fatal("policies.def lacks AmazonEKSClusterAdminPolicy");
}

enum gw_status gw_eks_creator_add(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                  struct gw_eks_result *result, struct gw_eks_error *error)
{
    struct gw_eks_call own = *call; /* as if the creator had been asked for */
    const struct gw_eks_type *type = gw_eks_entry_find_type(GW_STR_NONE);
    struct gw_association admin = {.is_cluster_wide = true, .associated_ms = env->now_ms, .modified_ms = env->now_ms};
    struct gw_access_entry entry = {.created_ms = env->now_ms,
                                    .modified_ms = env->now_ms,
                                    .type = type->name,
                                    .associations = &admin,
                                    .association_count = 1};

    if (!gw_eks_creator_find(call, &own.principal))
        return GW_OK;
    admin.policy_arn = admin_policy(call);
    entry.key = gw_eks_entry_key(&own);
    entry.arn = gw_eks_entry_arn(&own, env);
    entry.username = gw_eks_entry_username(&own, type);
    result->change.cluster_entries_max = env->limits->entries_per_cluster;
    return gw_eks_entry_put(&own, env, &entry, result, error);
}
