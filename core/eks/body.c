/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of requests, and the memory of those of replies. Nothing here changes
 * what the caller sent: idempotency compares the parameters as they came.
 */
#include "eks/body.h"

#include "eks/error.h"
#include "eks/view.h"

#define REPLY_USUAL 1024
#define REPLY_MAX   ((size_t)64 << 20) /* far past what the caps on bodies, groups and pages leave possible */

static bool is_array_of(const struct gw_json *value, enum gw_json_type type)
{
    for (size_t i = 0; value->type == GW_JSON_ARRAY && i < value->as.array.count; i++) {
        if (value->as.array.items[i].type != type)
            return false;
    }
    return value->type == GW_JSON_ARRAY;
}

static bool is_string_map(const struct gw_json *value)
{
    for (size_t i = 0; value->type == GW_JSON_OBJECT && i < value->as.object.count; i++) {
        if (value->as.object.members[i].value.type != GW_JSON_STRING)
            return false;
    }
    return value->type == GW_JSON_OBJECT;
}

static bool has_shape(const struct gw_json *value, enum gw_eks_shape shape)
{
    switch (shape) {
    case GW_EKS_STRING:
        return value->type == GW_JSON_STRING;
    case GW_EKS_STRINGS:
        return is_array_of(value, GW_JSON_STRING);
    case GW_EKS_STRING_MAP:
        return is_string_map(value);
    case GW_EKS_BOOLEAN:
        return value->type == GW_JSON_BOOL;
    case GW_EKS_OBJECT:
        return value->type == GW_JSON_OBJECT;
    case GW_EKS_OBJECTS:
        return is_array_of(value, GW_JSON_OBJECT);
    }
    return false;
}

static const char *shape_text(enum gw_eks_shape shape)
{
    static const char *const texts[] = {
        [GW_EKS_STRING] = "a string",
        [GW_EKS_STRINGS] = "an array of strings",
        [GW_EKS_STRING_MAP] = "an object of strings",
        [GW_EKS_BOOLEAN] = "true or false",
        [GW_EKS_OBJECT] = "an object",
        [GW_EKS_OBJECTS] = "an array of objects",
    };

    return texts[shape];
}

/* The member as sent; NULL when absent or null. */
static const struct gw_json *find_sent(const struct gw_json *body, const struct gw_eks_member *member)
{
    const struct gw_json *value = gw_json_get(body, member->name);

    return value == NULL || value->type == GW_JSON_NULL ? NULL : value;
}

static void store_member(void *input, const struct gw_eks_member *member, const struct gw_json *value)
{
    unsigned char *at = (unsigned char *)input + member->offset;

    if (member->shape == GW_EKS_STRING)
        memcpy(at, &value->as.string, sizeof(value->as.string));
    else
        memcpy(at, &value, sizeof(value));
}

static enum gw_status parse(struct gw_eks_call *call, struct gw_json *body, struct gw_eks_error *error)
{
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

enum gw_status gw_eks_body_read_object(const struct gw_eks_call *call, const struct gw_eks_member *members,
                                       size_t count, const char *where, const struct gw_json *object, void *input,
                                       struct gw_eks_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct gw_json *value = find_sent(object, &members[i]);

        if (value == NULL)
            continue;
        if (!has_shape(value, members[i].shape))
            return gw_eks_error_invalid(call, error, "The %s%s%s parameter must be %s.", where, where[0] ? "." : "",
                                        members[i].name, shape_text(members[i].shape));
        store_member(input, &members[i], value);
    }
    return GW_OK;
}

enum gw_status gw_eks_body_read(struct gw_eks_call *call, const struct gw_eks_member *members, size_t count,
                                void *input, struct gw_json *body, struct gw_eks_error *error)
{
    enum gw_status status = parse(call, body, error);

    return status == GW_OK ? gw_eks_body_read_object(call, members, count, "", body, input, error) : status;
}

void gw_eks_body_view(struct gw_eks_call *call, const struct gw_eks_member *members, size_t count,
                      const struct gw_json *body)
{
    for (size_t i = 0; i < count; i++) {
        const struct gw_json *value = find_sent(body, &members[i]);

        if (value == NULL)
            continue;
        gw_eks_view_add(&call->request_parameters, members[i].name, *value);
        if (has_shape(value, members[i].shape))
            gw_eks_view_add(&call->input, members[i].name, *value);
    }
}

void gw_eks_body_begin(struct gw_buf *body)
{
    gw_buf_init(body, REPLY_MAX);
    body->overflowed = gw_buf_reserve(body, REPLY_USUAL) != GW_OK;
}

enum gw_status gw_eks_body_finish(const struct gw_eks_call *call, struct gw_buf *body, struct gw_str *reply,
                                  struct gw_eks_error *error)
{
    enum gw_status status = GW_OK;

    if (body->overflowed)
        status = gw_eks_error_refuse(call, error, GW_EKS_ServerException, GW_STR("The reply is too large."));
    else
        *reply = gw_arena_str(call->arena, gw_buf_str(body));
    gw_buf_fini(body);
    return status;
}
