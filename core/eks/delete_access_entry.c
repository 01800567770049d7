/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeleteAccessEntry: the entry goes, and its associations and tokens with it.
 */
#include "eks/access_entry.h"
#include "eks/cluster.h"
#include "eks/handlers.h"
#include "eks/principal.h"
#include "eks/view.h"

static enum gw_status check(struct gw_eks_call *call, const struct gw_eks_limits *limits, struct gw_eks_error *error)
{
    (void)limits;
    return gw_eks_principal_check_linked(call, error);
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    const struct gw_access_entry *entry;
    enum gw_status status = gw_eks_cluster_enter_entries(call, env, result, error);

    if (status == GW_OK)
        status = gw_eks_entry_find(call, env, &entry, error);
    if (status != GW_OK)
        return status;
    result->is_change = true;
    result->change.key = gw_eks_entry_key(call);
    result->change.entry_act = GW_STORE_DELETE;
    result->change.expected_entry = entry->version;
    result->reply = GW_STR("{}");
    return GW_OK;
}

const struct gw_eks_handler gw_eks_delete_access_entry = {gw_eks_principal_decode_entry, check, prepare,
                                                          gw_eks_view_entry_labels};
