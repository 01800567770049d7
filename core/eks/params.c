/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk over the query; what isn't in the table is passed over undecoded but
 * for its name.
 */
#include "eks/params.h"

#include "codec/uri.h"
#include "eks/error.h"
#include "eks/view.h"

static const struct gw_eks_param *find_member(const struct gw_eks_param *members, size_t count, struct gw_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (gw_str_is(name, members[i].name))
            return &members[i];
    }
    return NULL;
}

static void *place_of(void *input, const struct gw_eks_param *member)
{
    return (unsigned char *)input + member->offset;
}

static enum gw_status add_text(const struct gw_eks_call *call, struct gw_json *array, struct gw_str value,
                               const struct gw_eks_param *member, struct gw_eks_error *error)
{
    if (array->type != GW_JSON_ARRAY) {
        *array = (struct gw_json){.type = GW_JSON_ARRAY};
        array->as.array.items = gw_arena_zero(call->arena, GW_EKS_PARAM_TEXTS_MAX, sizeof(struct gw_json));
    }
    if (array->as.array.count == GW_EKS_PARAM_TEXTS_MAX)
        return gw_eks_error_invalid(call, error, "The %s parameter must not have more than %d values.", member->name,
                                    GW_EKS_PARAM_TEXTS_MAX);
    array->as.array.items[array->as.array.count++] = gw_json_string(value);
    return GW_OK;
}

static enum gw_status take(const struct gw_eks_call *call, const struct gw_eks_param *member, struct gw_str raw,
                           void *place, struct gw_eks_error *error)
{
    struct gw_str value;

    if (gw_uri_decode(raw, GW_URI_TEXT, call->arena, &value) != GW_OK)
        return gw_eks_error_invalid(call, error, "The %s parameter is not valid text.", member->name);
    if (member->kind == GW_EKS_PARAM_TEXTS)
        return add_text(call, place, value, member, error);
    if (((struct gw_str *)place)->at != NULL)
        return gw_eks_error_invalid(call, error, "The %s parameter must not be given more than once.", member->name);
    *(struct gw_str *)place = value;
    return GW_OK;
}

enum gw_status gw_eks_params_read(const struct gw_eks_call *call, const struct gw_eks_param *members, size_t count,
                                  void *input, struct gw_eks_error *error)
{
    struct gw_str rest = call->query;
    struct gw_str raw_name;
    struct gw_str raw_value;
    enum gw_status status = GW_OK;

    while (status == GW_OK && gw_uri_query_next(&rest, &raw_name, &raw_value)) {
        const struct gw_eks_param *member;
        struct gw_str name;

        if (gw_uri_decode(raw_name, GW_URI_TEXT, call->arena, &name) != GW_OK)
            return gw_eks_error_invalid(call, error, "The query string is not valid text.");
        member = find_member(members, count, name);
        if (member != NULL)
            status = take(call, member, raw_value, place_of(input, member), error);
    }
    return status;
}

void gw_eks_params_view(struct gw_eks_call *call, const struct gw_eks_param *members, size_t count, const void *input)
{
    for (size_t i = 0; i < count; i++) {
        const void *place = (const unsigned char *)input + members[i].offset;
        struct gw_json value = {.type = GW_JSON_NULL};

        if (members[i].kind == GW_EKS_PARAM_TEXTS)
            value = *(const struct gw_json *)place;
        else if (((const struct gw_str *)place)->at != NULL)
            value = gw_json_string(*(const struct gw_str *)place);
        if (value.type == GW_JSON_NULL)
            continue;
        gw_eks_view_add(&call->input, members[i].name, value);
        gw_eks_view_add(&call->request_parameters, members[i].name, value);
    }
}
