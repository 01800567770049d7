/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of CreateAccessEntry and its like: members by a table, so that decoding,
 * type errors and the view walk the same rows. Nothing here changes what the
 * caller sent: policies' values stand beside it, because idempotency compares the
 * parameters as they came.
 */
#include "eks/entry_input.h"

#include "codec/username.h"
#include "eks/error.h"
#include "eks/view.h"

enum shape {
    SHAPE_STRING,
    SHAPE_STRINGS,
    SHAPE_STRING_MAP,
};

static const struct member {
    const char *name;
    enum shape shape;
    size_t offset; /* of a struct gw_str, or of a const struct gw_json *, in the input */
} members[] = {
    {"principalArn", SHAPE_STRING, offsetof(struct gw_eks_entry_input, principal_arn)},
    {"kubernetesGroups", SHAPE_STRINGS, offsetof(struct gw_eks_entry_input, groups)},
    {"tags", SHAPE_STRING_MAP, offsetof(struct gw_eks_entry_input, tags)},
    {"clientRequestToken", SHAPE_STRING, offsetof(struct gw_eks_entry_input, token)},
    {"username", SHAPE_STRING, offsetof(struct gw_eks_entry_input, username)},
    {"type", SHAPE_STRING, offsetof(struct gw_eks_entry_input, type_name)},
};

static bool has_shape(const struct gw_json *value, enum shape shape)
{
    if (shape == SHAPE_STRING)
        return value->type == GW_JSON_STRING;
    if (shape == SHAPE_STRINGS) {
        for (size_t i = 0; value->type == GW_JSON_ARRAY && i < value->as.array.count; i++) {
            if (value->as.array.items[i].type != GW_JSON_STRING)
                return false;
        }
        return value->type == GW_JSON_ARRAY;
    }
    for (size_t i = 0; value->type == GW_JSON_OBJECT && i < value->as.object.count; i++) {
        if (value->as.object.members[i].value.type != GW_JSON_STRING)
            return false;
    }
    return value->type == GW_JSON_OBJECT;
}

static const char *shape_text(enum shape shape)
{
    switch (shape) {
    case SHAPE_STRING:
        return "a string";
    case SHAPE_STRINGS:
        return "an array of strings";
    case SHAPE_STRING_MAP:
        return "an object of strings";
    }
    return "";
}

/* The member as sent; NULL when absent or null. */
static const struct gw_json *find_sent(const struct gw_eks_entry_input *in, const struct member *member)
{
    const struct gw_json *value = gw_json_get(&in->body, member->name);

    return value == NULL || value->type == GW_JSON_NULL ? NULL : value;
}

static void store_member(struct gw_eks_entry_input *in, const struct member *member, const struct gw_json *value)
{
    unsigned char *at = (unsigned char *)in + member->offset;

    if (member->shape == SHAPE_STRING)
        memcpy(at, &value->as.string, sizeof(value->as.string));
    else
        memcpy(at, &value, sizeof(value));
}

static enum gw_status read_body(struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_json *body = &call->entry->body;
    struct gw_json parsed;
    struct gw_err err;

    if (call->body.length == 0) {
        *body = (struct gw_json){.type = GW_JSON_OBJECT};
        return GW_OK;
    }
    if (gw_json_parse(call->body, call->arena, &parsed, &err) != GW_OK)
        return gw_eks_error_invalid(call, error, "The request body is not valid JSON: %s", err.text);
    if (parsed.type != GW_JSON_OBJECT)
        return gw_eks_error_invalid(call, error, "The request body must be a JSON object.");
    *body = parsed;
    return GW_OK;
}

enum gw_status gw_eks_input_decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_eks_entry_input *in = gw_arena_zero(call->arena, 1, sizeof(*in));
    enum gw_status status;

    call->entry = in;
    status = read_body(call, error);
    if (status != GW_OK)
        return status;
    for (size_t i = 0; i < GW_COUNT(members); i++) {
        const struct gw_json *value = find_sent(in, &members[i]);

        if (value == NULL)
            continue;
        if (!has_shape(value, members[i].shape))
            return gw_eks_error_invalid(call, error, "The %s parameter must be %s.", members[i].name,
                                        shape_text(members[i].shape));
        store_member(in, &members[i], value);
    }
    in->type = gw_eks_entry_find_type(in->type_name);
    return GW_OK;
}

/* The username that somebody chose; {NULL,0} when EKS generates one. */
static struct gw_str given_username(const struct gw_eks_entry_input *in)
{
    return in->username.at != NULL ? in->username : in->chosen_username;
}

enum gw_status gw_eks_input_check_username(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_str username = given_username(call->entry);
    struct gw_err err;

    if (username.at != NULL && gw_username_check(username, &err) != GW_OK)
        return gw_eks_error_invalid(call, error, "%s", err.text);
    return GW_OK;
}

enum gw_status gw_eks_input_check_groups(const struct gw_eks_call *call, const struct gw_eks_limits *limits,
                                         struct gw_eks_error *error)
{
    const struct gw_json *groups = call->entry->groups;
    struct gw_err err;

    if (groups == NULL)
        return GW_OK;
    if (groups->as.array.count > limits->groups_per_entry)
        return gw_eks_error_invalid(call, error, "The kubernetesGroups parameter must not have more than %zu items.",
                                    limits->groups_per_entry);
    for (size_t i = 0; i < groups->as.array.count; i++) {
        if (gw_username_check_group(groups->as.array.items[i].as.string, &err) != GW_OK)
            return gw_eks_error_invalid(call, error, "%s", err.text);
    }
    return GW_OK;
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

static bool holds(const struct gw_str *items, size_t count, struct gw_str wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (gw_str_equal(items[i], wanted))
            return true;
    }
    return false;
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

        if (!holds(groups, kept, group))
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

    for (size_t i = 0; in != NULL && i < GW_COUNT(members); i++) {
        const struct gw_json *value = find_sent(in, &members[i]);

        if (value == NULL)
            continue;
        gw_eks_view_add(&call->request_parameters, members[i].name, *value);
        if (has_shape(value, members[i].shape))
            gw_eks_view_add(&call->input, members[i].name, *value);
    }
}
