/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListAssociatedAccessPolicies: by policy ARN in byte order. nextToken stands
 * before the list, as in EKS's replies.
 */
#include "eks/access_entry.h"
#include "eks/access_policy.h"
#include "eks/body.h"
#include "eks/cluster.h"
#include "eks/handlers.h"
#include "eks/page.h"
#include "eks/principal.h"
#include "eks/view.h"

static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_principal_decode_entry(call, error);

    return status == GW_OK ? gw_eks_page_decode(call, error) : status;
}

static enum gw_status answer(struct gw_eks_call *call, const struct gw_access_entry *entry,
                             struct gw_eks_result *result, struct gw_eks_error *error)
{
    struct gw_str *arns = gw_arena_zero(call->arena, entry->association_count, sizeof(*arns));
    size_t first;
    size_t found;
    struct gw_buf body;

    for (size_t i = 0; i < entry->association_count; i++)
        arns[i] = entry->associations[i].policy_arn;
    first = gw_eks_page_array(call, arns, entry->association_count, &found);
    gw_eks_body_begin(&body);
    gw_buf_append_lit(&body, "{\"clusterName\":");
    gw_json_encode_string(call->cluster, &body);
    gw_buf_append_lit(&body, ",\"principalArn\":");
    gw_json_encode_string(call->principal.arn, &body);
    gw_buf_append_byte(&body, ',');
    gw_eks_page_encode_token(call, found > 0 ? arns[first + found - 1] : GW_STR_NONE, &body);
    gw_buf_append_lit(&body, ",\"associatedAccessPolicies\":[");
    for (size_t i = first; i < first + found; i++) {
        if (i > first)
            gw_buf_append_byte(&body, ',');
        gw_eks_policy_encode(&entry->associations[i], &body);
    }
    gw_buf_append_lit(&body, "]}");
    return gw_eks_body_finish(call, &body, &result->reply, error);
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    const struct gw_access_entry *entry;
    enum gw_status status = gw_eks_cluster_enter_entries(call, env, result, error);

    if (status == GW_OK)
        status = gw_eks_entry_find(call, env, &entry, error);
    return status == GW_OK ? answer(call, entry, result, error) : status;
}

static void view(struct gw_eks_call *call)
{
    gw_eks_view_entry_labels(call);
    gw_eks_page_view(call);
}

const struct gw_eks_handler gw_eks_list_associated_access_policies = {decode, NULL, prepare, view};
