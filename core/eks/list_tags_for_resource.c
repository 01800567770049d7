/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListTagsForResource.
 */
#include "eks/body.h"
#include "eks/handlers.h"
#include "eks/tag.h"

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    struct gw_eks_tagged tagged;
    struct gw_buf body;
    enum gw_status status = gw_eks_tag_enter(call, env, result, &tagged, error);

    if (status != GW_OK)
        return status;
    gw_eks_body_begin(&body);
    gw_buf_append_lit(&body, "{\"tags\":{");
    for (size_t i = 0; i < tagged.count; i++) {
        if (i > 0)
            gw_buf_append_byte(&body, ',');
        gw_json_encode_string(tagged.tags[i].key, &body);
        gw_buf_append_byte(&body, ':');
        gw_json_encode_string(tagged.tags[i].value, &body);
    }
    gw_buf_append_lit(&body, "}}");
    return gw_eks_body_finish(call, &body, &result->reply, error);
}

const struct gw_eks_handler gw_eks_list_tags_for_resource = {gw_eks_tag_decode, NULL, prepare, gw_eks_tag_view};
