/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DisassociateAccessPolicy. A policy that isn't associated, whatever its ARN looks
 * like, isn't found.
 */
#include "codec/uri.h"
#include "eks/access_entry.h"
#include "eks/access_policy.h"
#include "eks/cluster.h"
#include "eks/error.h"
#include "eks/handlers.h"
#include "eks/principal.h"
#include "eks/view.h"

static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_eks_association_input *in = gw_arena_zero(call->arena, 1, sizeof(*in));
    enum gw_status status = gw_eks_principal_decode_entry(call, error);

    if (status != GW_OK)
        return status;
    call->association = in;
    if (gw_uri_decode(call->raw_labels[2], GW_URI_ARN, call->arena, &in->policy_arn) != GW_OK)
        return gw_eks_error_refuse(call, error, GW_EKS_InvalidParameterException,
                                   GW_STR("The policyArn parameter format is not valid"));
    return GW_OK;
}

static enum gw_status check(struct gw_eks_call *call, const struct gw_eks_limits *limits, struct gw_eks_error *error)
{
    (void)limits;
    return gw_eks_principal_check_linked(call, error);
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    const struct gw_access_entry *entry;
    struct gw_association *kept;
    size_t at;
    enum gw_status status = gw_eks_cluster_enter_entries(call, env, result, error);

    if (status == GW_OK)
        status = gw_eks_entry_find(call, env, &entry, error);
    if (status != GW_OK)
        return status;
    at = gw_eks_policy_index(entry, call->association->policy_arn);
    if (at == entry->association_count)
        return gw_eks_error_refuse(call, error, GW_EKS_ResourceNotFoundException,
                                   GW_STR("The specified policyArn is not associated with the specified principalArn. "
                                          "You can view its policies with 'list-associated-access-policies'."));
    kept = gw_arena_zero(call->arena, entry->association_count, sizeof(*kept));
    for (size_t i = 0; i < entry->association_count; i++) {
        if (i != at)
            kept[i < at ? i : i - 1] = entry->associations[i];
    }
    gw_eks_policy_put(entry, kept, entry->association_count - 1, result);
    result->reply = GW_STR("{}");
    return GW_OK;
}

static void view(struct gw_eks_call *call)
{
    gw_eks_view_entry_labels(call);
    if (call->association != NULL && call->association->policy_arn.at != NULL)
        gw_eks_view_add(&call->input, "policyArn", gw_json_string(call->association->policy_arn));
}

const struct gw_eks_handler gw_eks_disassociate_access_policy = {decode, check, prepare, view};
