/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What IAM calls the resource of a call, by the resource types that AWS's service
 * authorization reference gives each action: the access entry where it must exist
 * already, else the cluster that it is in.
 */
#include "eks/access_entry.h"
#include "eks/tag.h"

static struct gw_str cluster_arn(const struct gw_eks_call *call)
{
    return gw_arena_printf(call->arena, "arn:%.*s:eks:%.*s:%.*s:cluster/%.*s", GW_STR_ARG(call->partition),
                           GW_STR_ARG(call->region), GW_STR_ARG(call->account), GW_STR_ARG(call->cluster));
}

/* An entry that isn't there has no id. */
static struct gw_str entry_arn(const struct gw_eks_call *call, const struct gw_store *store)
{
    const struct gw_principal *p = &call->principal;
    struct gw_store_key key = gw_eks_entry_key(call);
    const struct gw_access_entry *entry = gw_store_find(store, &key);

    if (entry != NULL)
        return gw_arena_str(call->arena, entry->arn);
    return gw_arena_printf(call->arena, "arn:%.*s:eks:%.*s:%.*s:access-entry/%.*s/%.*s/%.*s/%.*s/*",
                           GW_STR_ARG(call->partition), GW_STR_ARG(call->region), GW_STR_ARG(call->account),
                           GW_STR_ARG(call->cluster), GW_STR_ARG(p->kind_text), GW_STR_ARG(p->account),
                           GW_STR_ARG(p->name));
}

struct gw_str gw_eks_resource_arn(const struct gw_eks_call *call, const struct gw_store *store)
{
    if (call->tag != NULL)
        return call->tag->resource_arn;
    if (call->cluster.at == NULL)
        return GW_STR("*");
    if (call->has_principal && call->op != GW_EKS_CreateAccessEntry)
        return entry_arn(call, store);
    return cluster_arn(call);
}
