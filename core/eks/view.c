/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views of a call. CloudTrail names path labels as the URI template does (the
 * cluster is `name`) and leaves them percent-encoded; policies see the SDK's names
 * and decoded values, which each operation adds itself.
 */
#include "eks/view.h"

static struct gw_json empty_object(struct gw_arena *arena)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};

    object.as.object.members = gw_arena_alloc(arena, GW_EKS_VIEW_MAX * sizeof(*object.as.object.members));
    return object;
}

void gw_eks_view_add(struct gw_json *object, const char *name, struct gw_json value)
{
    if (object->as.object.count == GW_EKS_VIEW_MAX)
        gw_fatal("more than %d members in the view of a call", GW_EKS_VIEW_MAX);
    object->as.object.members[object->as.object.count++] = (struct gw_json_member){gw_str_from(name), value};
}

void gw_eks_view_begin(struct gw_eks_call *call)
{
    struct gw_str path = gw_str_from(gw_eks_ops[call->op].path);
    size_t label = 0;

    call->input = empty_object(call->arena);
    call->request_parameters = empty_object(call->arena);
    while (path.at != NULL && label < call->label_count) {
        struct gw_str segment = gw_str_split(&path, '/');

        if (segment.length > 2 && segment.at[0] == '{') {
            struct gw_str name = gw_arena_str(call->arena, gw_str_slice(segment, 1, segment.length - 2));

            gw_eks_view_add(&call->request_parameters, name.at, gw_json_string(call->raw_labels[label++]));
        }
    }
}

void gw_eks_view_entry_labels(struct gw_eks_call *call)
{
    if (call->cluster.at != NULL)
        gw_eks_view_add(&call->input, "clusterName", gw_json_string(call->cluster));
    if (call->has_principal)
        gw_eks_view_add(&call->input, "principalArn", gw_json_string(call->principal.arn));
}
