/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DescribeUpdate: one of the updates that the cluster remembers.
 */
#include "codec/uri.h"
#include "eks/cluster.h"
#include "eks/cluster_input.h"
#include "eks/cluster_update.h"
#include "eks/error.h"
#include "eks/handlers.h"
#include "eks/view.h"

static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_cluster_decode_label(call, error);

    if (status == GW_OK)
        status = gw_eks_update_decode(call, error);
    if (status != GW_OK)
        return status;
    if (gw_uri_decode(call->raw_labels[1], GW_URI_TEXT, call->arena, &call->update->id) != GW_OK)
        return gw_eks_error_invalid(call, error, "The updateId parameter is not valid text.");
    return GW_OK;
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    struct gw_str id = call->update->id;
    enum gw_status status = gw_eks_cluster_enter(call, env, result, error);

    if (status == GW_OK)
        status = gw_eks_update_check_owner(call, error);
    if (status != GW_OK)
        return status;
    for (size_t i = 0; i < result->cluster->update_count; i++) {
        if (gw_str_equal(gw_eks_update_id(result->cluster->updates[i]), id)) {
            result->reply = gw_eks_update_reply(result->cluster->updates[i], call->arena);
            return GW_OK;
        }
    }
    return gw_eks_error_refuse(call, error, GW_EKS_ResourceNotFoundException,
                               gw_arena_printf(call->arena, "No update found for ID: %.*s", GW_STR_ARG(id)));
}

static void view(struct gw_eks_call *call)
{
    gw_eks_cluster_view_label(call);
    if (call->update != NULL && call->update->id.at != NULL)
        gw_eks_view_add(&call->input, "updateId", gw_json_string(call->update->id));
    gw_eks_update_view(call);
}

const struct gw_eks_handler gw_eks_describe_update = {decode, NULL, prepare, view};
