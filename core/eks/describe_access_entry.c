/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DescribeAccessEntry: two labels decoded, one lookup, and the reply that the
 * entry carries ready-made. Takes no heap memory.
 */
#include "eks/cluster.h"
#include "eks/error.h"
#include "eks/handlers.h"
#include "eks/principal.h"
#include "eks/view.h"

static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_cluster_decode(call, error);

    return status == GW_OK ? gw_eks_principal_decode_label(call, call->raw_labels[1], error) : status;
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env,
                              const struct gw_eks_cluster *cluster, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    struct gw_store_key key = gw_eks_entry_key(call);
    enum gw_status status = gw_eks_cluster_check_entries(call, cluster, error);
    const struct gw_access_entry *entry;

    *result = (struct gw_eks_result){.status = 200};
    if (status != GW_OK)
        return status;
    entry = gw_store_find(env->store, &key);
    if (entry == NULL)
        return gw_eks_error_refuse(call, error, GW_EKS_ResourceNotFoundException,
                                   GW_STR("The specified principalArn could not be found. You can view your available "
                                          "access entries with 'list-access-entries'."));
    result->reply = entry->reply;
    return GW_OK;
}

static void view(struct gw_eks_call *call)
{
    if (call->cluster.at != NULL)
        gw_eks_view_add(&call->input, "clusterName", gw_json_string(call->cluster));
    if (call->has_principal)
        gw_eks_view_add(&call->input, "principalArn", gw_json_string(call->principal.arn));
}

const struct gw_eks_handler gw_eks_describe_access_entry = {decode, NULL, prepare, view};
