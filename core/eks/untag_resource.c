/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UntagResource: keys that the resource doesn't have are passed over.
 */
#include "codec/username.h"
#include "eks/error.h"
#include "eks/handlers.h"
#include "eks/params.h"
#include "eks/tag.h"

static const struct gw_eks_param members[] = {
    {"tagKeys", GW_EKS_PARAM_TEXTS, offsetof(struct gw_eks_tag_input, tag_keys)},
};

static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_tag_decode(call, error);

    return status == GW_OK ? gw_eks_params_read(call, members, GW_COUNT(members), call->tag, error) : status;
}

static enum gw_status check(struct gw_eks_call *call, const struct gw_eks_limits *limits, struct gw_eks_error *error)
{
    const struct gw_json *keys = &call->tag->tag_keys;
    struct gw_err err;

    (void)limits;
    if (keys->type != GW_JSON_ARRAY)
        return gw_eks_error_invalid(call, error, "The tagKeys parameter is required.");
    if (keys->as.array.count > GW_TAGS_MAX)
        return gw_eks_error_invalid(call, error, "The tagKeys parameter must have 1 to %d keys.", GW_TAGS_MAX);
    for (size_t i = 0; i < keys->as.array.count; i++) {
        if (gw_username_check_tag(keys->as.array.items[i].as.string, GW_STR(""), &err) != GW_OK)
            return gw_eks_error_invalid(call, error, "%s", err.text);
    }
    return GW_OK;
}

static bool is_named(const struct gw_json *keys, struct gw_str key)
{
    for (size_t i = 0; i < keys->as.array.count; i++) {
        if (gw_str_equal(keys->as.array.items[i].as.string, key))
            return true;
    }
    return false;
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    struct gw_eks_tagged tagged;
    struct gw_pair *kept;
    size_t count = 0;
    enum gw_status status = gw_eks_tag_enter(call, env, result, &tagged, error);

    if (status != GW_OK)
        return status;
    kept = gw_arena_zero(call->arena, tagged.count, sizeof(*kept));
    for (size_t i = 0; i < tagged.count; i++) {
        if (!is_named(&call->tag->tag_keys, tagged.tags[i].key))
            kept[count++] = tagged.tags[i];
    }
    return gw_eks_tag_put(call, env, &tagged, kept, count, result, error);
}

const struct gw_eks_handler gw_eks_untag_resource = {decode, check, prepare, gw_eks_tag_view};
