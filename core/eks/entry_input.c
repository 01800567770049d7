/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of CreateAccessEntry and UpdateAccessEntry, and the rules for what they
 * hold. Nothing here changes what the caller sent: policies' values stand beside
 * it, because idempotency compares the parameters as they came.
 */
#include "eks/entry_input.h"

#include "codec/username.h"
#include "eks/body.h"
#include "eks/error.h"

static const struct gw_eks_member members[] = {
    {"principalArn", GW_EKS_STRING, offsetof(struct gw_eks_entry_input, principal_arn)},
    {"kubernetesGroups", GW_EKS_STRINGS, offsetof(struct gw_eks_entry_input, groups)},
    {"tags", GW_EKS_STRING_MAP, offsetof(struct gw_eks_entry_input, tags)},
    {"clientRequestToken", GW_EKS_STRING, offsetof(struct gw_eks_entry_input, token)},
    {"username", GW_EKS_STRING, offsetof(struct gw_eks_entry_input, username)},
    {"type", GW_EKS_STRING, offsetof(struct gw_eks_entry_input, type_name)},
};

static const struct gw_eks_member update_members[] = {
    {"kubernetesGroups", GW_EKS_STRINGS, offsetof(struct gw_eks_entry_input, groups)},
    {"clientRequestToken", GW_EKS_STRING, offsetof(struct gw_eks_entry_input, token)},
    {"username", GW_EKS_STRING, offsetof(struct gw_eks_entry_input, username)},
};

enum gw_status gw_eks_input_decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_eks_entry_input *in = gw_arena_zero(call->arena, 1, sizeof(*in));
    enum gw_status status;

    call->entry = in;
    if (call->op == GW_EKS_UpdateAccessEntry)
        return gw_eks_body_read(call, update_members, GW_COUNT(update_members), in, &in->body, error);
    status = gw_eks_body_read(call, members, GW_COUNT(members), in, &in->body, error);
    if (status == GW_OK)
        in->type = gw_eks_entry_find_type(in->type_name);
    return status;
}

/* The username that somebody chose; {NULL,0} when EKS generates one. */
static struct gw_str given_username(const struct gw_eks_entry_input *in)
{
    return in->username.at != NULL ? in->username : in->chosen_username;
}

/* What would be generated is always good: clients send it back, and a user's long path makes it longer than others may
 * be. */
enum gw_status gw_eks_input_check_username(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_str username = given_username(call->entry);
    struct gw_err err;

    if (username.at == NULL || gw_username_check(username, &err) == GW_OK ||
        gw_str_equal(username, gw_username_default(&call->principal, call->arena)))
        return GW_OK;
    return gw_eks_error_invalid(call, error, "%s", err.text);
}

/* The text is checked first: the message for a prefix repeats it. */
static enum gw_status check_group(const struct gw_eks_call *call, struct gw_str group, struct gw_eks_error *error)
{
    struct gw_str prefix = gw_username_reserved(group);
    struct gw_err err;

    if (gw_username_check_group(group, &err) != GW_OK)
        return gw_eks_error_invalid(call, error, "%s", err.text);
    if (prefix.length == 0)
        return GW_OK;
    return gw_eks_error_refuse(call, error, GW_EKS_InvalidParameterException,
                               gw_arena_printf(call->arena,
                                               "The kubernetes group name %.*s is invalid, it cannot start with %.*s",
                                               GW_STR_ARG(group), GW_STR_ARG(prefix)));
}

enum gw_status gw_eks_input_check_groups(const struct gw_eks_call *call, const struct gw_eks_limits *limits,
                                         struct gw_eks_error *error)
{
    const struct gw_json *groups = call->entry->groups;
    enum gw_status status = GW_OK;

    if (groups == NULL)
        return GW_OK;
    if (groups->as.array.count > limits->groups_per_entry)
        return gw_eks_error_invalid(call, error, "The kubernetesGroups parameter must not have more than %zu items.",
                                    limits->groups_per_entry);
    for (size_t i = 0; status == GW_OK && i < groups->as.array.count; i++)
        status = check_group(call, groups->as.array.items[i].as.string, error);
    return status;
}

static enum gw_status check_tag(const struct gw_eks_call *call, struct gw_str key, struct gw_str value,
                                struct gw_eks_error *error)
{
    struct gw_err err;

    if (gw_username_check_tag(key, value, &err) != GW_OK)
        return gw_eks_error_invalid(call, error, "%s", err.text);
    return GW_OK;
}

static size_t count_sent_tags(const struct gw_eks_entry_input *in)
{
    return in->tags == NULL ? 0 : in->tags->as.object.count;
}

enum gw_status gw_eks_input_check_tags(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    const struct gw_eks_entry_input *in = call->entry;
    size_t sent = count_sent_tags(in);
    enum gw_status status = GW_OK;

    if (sent + in->default_tag_count > GW_TAGS_MAX)
        return gw_eks_error_invalid(call, error, "The tags parameter must not have more than %d tags.", GW_TAGS_MAX);
    for (size_t i = 0; status == GW_OK && i < sent; i++) {
        const struct gw_json_member *tag = &in->tags->as.object.members[i];

        status = check_tag(call, tag->name, tag->value.as.string, error);
    }
    for (size_t i = 0; status == GW_OK && i < in->default_tag_count; i++)
        status = check_tag(call, in->default_tags[i].key, in->default_tags[i].value, error);
    return status;
}

enum gw_status gw_eks_input_check_type(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    if (call->entry->type == NULL)
        return gw_eks_error_invalid(call, error,
                                    "The type parameter must be one of [STANDARD, EC2_LINUX, EC2_WINDOWS, "
                                    "FARGATE_LINUX, HYBRID_LINUX, EC2, HYPERPOD_LINUX].");
    return GW_OK;
}

enum gw_status gw_eks_input_check_node(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    const struct gw_eks_entry_input *in = call->entry;

    if (in->type->is_standard)
        return GW_OK;
    if (in->groups != NULL && in->groups->as.array.count > 0)
        return gw_eks_error_invalid(call, error,
                                    "The specified kubernetesGroups is invalid: setting kubernetesGroups is not "
                                    "allowed when the type is \"%.*s\"",
                                    GW_STR_ARG(in->type->name));
    if (in->username.at != NULL)
        return gw_eks_error_invalid(call, error,
                                    "The specified username is invalid: setting username is not allowed when the type "
                                    "is \"%.*s\"",
                                    GW_STR_ARG(in->type->name));
    return GW_OK;
}

struct gw_str gw_eks_input_username(const struct gw_eks_call *call)
{
    struct gw_str username = given_username(call->entry);

    return username.at != NULL ? username : gw_eks_entry_username(call, call->entry->type);
}

const struct gw_str *gw_eks_input_groups(const struct gw_eks_call *call, size_t *count)
{
    const struct gw_json *sent = call->entry->groups;
    struct gw_str *groups;
    size_t kept = 0;

    if (sent == NULL || sent->as.array.count == 0)
        return gw_eks_entry_groups(call, call->entry->type, count);
    groups = gw_arena_zero(call->arena, sent->as.array.count, sizeof(*groups));
    for (size_t i = 0; i < sent->as.array.count; i++) {
        struct gw_str group = sent->as.array.items[i].as.string;

        if (!gw_str_is_among(groups, kept, group))
            groups[kept++] = group;
    }
    *count = kept;
    return groups;
}

const struct gw_pair *gw_eks_input_tags(const struct gw_eks_call *call, size_t *count)
{
    const struct gw_eks_entry_input *in = call->entry;
    size_t sent = count_sent_tags(in);
    struct gw_pair *tags;

    *count = sent + in->default_tag_count;
    if (*count == 0)
        return NULL;
    tags = gw_arena_zero(call->arena, *count, sizeof(*tags));
    for (size_t i = 0; i < sent; i++) {
        const struct gw_json_member *tag = &in->tags->as.object.members[i];

        tags[i] = (struct gw_pair){tag->name, tag->value.as.string};
    }
    if (in->default_tag_count > 0)
        memcpy(tags + sent, in->default_tags, in->default_tag_count * sizeof(*tags));
    return tags;
}

void gw_eks_input_view(struct gw_eks_call *call)
{
    const struct gw_eks_entry_input *in = call->entry;

    if (in == NULL)
        return;
    if (call->op == GW_EKS_UpdateAccessEntry)
        gw_eks_body_view(call, update_members, GW_COUNT(update_members), &in->body);
    else
        gw_eks_body_view(call, members, GW_COUNT(members), &in->body);
}
