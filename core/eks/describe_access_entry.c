/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DescribeAccessEntry: two labels decoded, one lookup, and the reply that the
 * entry carries ready-made. Takes no heap memory.
 */
#include "eks/access_entry.h"
#include "eks/cluster.h"
#include "eks/handlers.h"
#include "eks/principal.h"
#include "eks/view.h"

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    const struct gw_access_entry *entry;
    enum gw_status status = gw_eks_cluster_enter_entries(call, env, result, error);

    if (status == GW_OK)
        status = gw_eks_entry_find(call, env, &entry, error);
    if (status == GW_OK)
        result->reply = entry->reply;
    return status;
}

const struct gw_eks_handler gw_eks_describe_access_entry = {gw_eks_principal_decode_entry, NULL, prepare,
                                                            gw_eks_view_entry_labels};
