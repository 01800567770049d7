/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TagResource merges: tags sent replace those of the same key, the others stay.
 * Tags keep their order, new ones follow.
 */
#include "codec/username.h"
#include "eks/body.h"
#include "eks/error.h"
#include "eks/handlers.h"
#include "eks/tag.h"

static const struct gw_eks_member members[] = {
    {"tags", GW_EKS_STRING_MAP, offsetof(struct gw_eks_tag_input, tags)},
};

static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_tag_decode(call, error);

    if (status != GW_OK)
        return status;
    return gw_eks_body_read(call, members, GW_COUNT(members), call->tag, &call->tag->body, error);
}

static enum gw_status check(struct gw_eks_call *call, const struct gw_eks_limits *limits, struct gw_eks_error *error)
{
    const struct gw_json *tags = call->tag->tags;
    struct gw_err err;

    (void)limits;
    if (tags == NULL)
        return gw_eks_error_invalid(call, error, "The tags parameter is required.");
    if (tags->as.object.count == 0 || tags->as.object.count > GW_TAGS_MAX)
        return gw_eks_error_invalid(call, error, "The tags parameter must have 1 to %d tags.", GW_TAGS_MAX);
    for (size_t i = 0; i < tags->as.object.count; i++) {
        const struct gw_json_member *tag = &tags->as.object.members[i];

        if (gw_username_check_tag(tag->name, tag->value.as.string, &err) != GW_OK)
            return gw_eks_error_invalid(call, error, "%s", err.text);
    }
    return GW_OK;
}

static void set(struct gw_pair *tags, size_t *count, struct gw_str key, struct gw_str value)
{
    size_t at = 0;

    while (at < *count && !gw_str_equal(tags[at].key, key))
        at++;
    tags[at] = (struct gw_pair){key, value};
    *count += at == *count;
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    const struct gw_json *sent = call->tag->tags;
    struct gw_eks_tagged tagged;
    struct gw_pair *tags;
    size_t count;
    enum gw_status status = gw_eks_tag_enter(call, env, result, &tagged, error);

    if (status != GW_OK)
        return status;
    tags = gw_arena_zero(call->arena, tagged.count + sent->as.object.count, sizeof(*tags));
    count = tagged.count;
    if (count > 0)
        memcpy(tags, tagged.tags, count * sizeof(*tags));
    for (size_t i = 0; i < sent->as.object.count; i++)
        set(tags, &count, sent->as.object.members[i].name, sent->as.object.members[i].value.as.string);
    return gw_eks_tag_put(call, env, &tagged, tags, count, result, error);
}

const struct gw_eks_handler gw_eks_tag_resource = {decode, check, prepare, gw_eks_tag_view};
