/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeleteCluster: gone at once, with its entries, their associations and all
 * tokens. There are no node groups here that could hold a cluster back (E24). A
 * mock deletes only what is there: it makes no cluster to delete it.
 */
#include "eks/cluster.h"
#include "eks/cluster_document.h"
#include "eks/cluster_input.h"
#include "eks/error.h"
#include "eks/handlers.h"

/* Protection holds for an active cluster; one that is being created or has failed may go. */
static bool is_protected(const struct gw_cluster *cluster, struct gw_arena *arena)
{
    struct gw_json document = gw_eks_cluster_read(cluster, arena);
    const struct gw_json *protection = gw_json_get(&document, "deletionProtection");
    const struct gw_json *status = gw_json_get(&document, "status");

    return protection != NULL && protection->type == GW_JSON_BOOL && protection->as.boolean && status != NULL &&
           status->type == GW_JSON_STRING &&
           (gw_str_is(status->as.string, "ACTIVE") || gw_str_is(status->as.string, "UPDATING"));
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    struct gw_store_key key = gw_eks_cluster_key(call);
    const struct gw_cluster *cluster = gw_store_find_cluster(env->store, &key);

    if (cluster == NULL)
        return gw_eks_cluster_refuse_missing(call, error);
    if (is_protected(cluster, call->arena))
        return gw_eks_error_refuse(
            call, error, GW_EKS_InvalidRequestException,
            gw_arena_printf(call->arena,
                            "Cluster %.*s has deletion protection enabled; disable it with UpdateClusterConfig before "
                            "you delete the cluster.",
                            GW_STR_ARG(call->cluster)));
    result->cluster = cluster;
    result->is_change = true;
    result->change.key = key;
    result->change.now_ms = env->wall_ms;
    result->change.expected_cluster = cluster->version;
    result->change.cluster_act = GW_STORE_DELETE;
    result->reply = gw_eks_cluster_reply(cluster, GW_STR("DELETING"), call->arena);
    return GW_OK;
}

const struct gw_eks_handler gw_eks_delete_cluster = {gw_eks_cluster_decode_label, NULL, prepare,
                                                     gw_eks_cluster_view_label};
