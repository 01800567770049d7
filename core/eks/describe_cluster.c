/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DescribeCluster: the document that the store has, whatever the cluster's mode.
 */
#include "eks/cluster.h"
#include "eks/cluster_document.h"
#include "eks/cluster_input.h"
#include "eks/handlers.h"

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_cluster_enter(call, env, result, error);

    if (status == GW_OK)
        result->reply = gw_eks_cluster_reply(result->cluster, GW_STR_NONE, call->arena);
    return status;
}

const struct gw_eks_handler gw_eks_describe_cluster = {gw_eks_cluster_decode_label, NULL, prepare,
                                                       gw_eks_cluster_view_label};
