/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of requests on clusters. Nothing here changes what the caller sent;
 * what policies add stands beside it, because idempotency compares the parameters
 * as they came.
 */
#include "eks/cluster_input.h"

#include "codec/username.h"
#include "eks/body.h"
#include "eks/error.h"
#include "eks/view.h"

#define TEXT_MAX  2048 /* bytes; the longest ARN */
#define ITEMS_MAX 100
/* Bytes of a request's members as JSON: a cluster's document and its updates are made of them, and bounded by that. */
#define CREATE_MAX ((size_t)64 << 10)
#define UPDATE_MAX ((size_t)16 << 10)

/* Keeps the first problem of a walk. */
struct first_problem {
    struct gw_eks_call *call;
    struct gw_eks_error *error;
    bool has_one;
};

static void on_problem(void *ctx, const char *path, const char *text)
{
    struct first_problem *first = ctx;

    if (first->has_one)
        return;
    first->has_one = true;
    (void)gw_eks_error_invalid(first->call, first->error, "The %s parameter %s.", path, text);
}

static struct gw_eks_walk walk_for(struct first_problem *first, enum gw_eks_use use)
{
    return (struct gw_eks_walk){.use = use,
                                .text_max = TEXT_MAX,
                                .items_max = ITEMS_MAX,
                                .arena = first->call->arena,
                                .problem = on_problem,
                                .ctx = first};
}

static enum gw_status check_size(const struct gw_eks_call *call, size_t max, struct gw_eks_error *error)
{
    struct gw_buf text;
    bool fits;

    gw_buf_init(&text, max);
    gw_json_encode(&call->cluster_input->parameters, &text);
    fits = !text.overflowed;
    gw_buf_fini(&text);
    return fits
               ? GW_OK
               : gw_eks_error_invalid(call, error, "The parameters must not have more than %zu bytes altogether.", max);
}

enum gw_status gw_eks_cluster_input_decode(struct gw_eks_call *call, enum gw_eks_use use, struct gw_eks_error *error)
{
    struct gw_eks_cluster_input *in = gw_arena_zero(call->arena, 1, sizeof(*in));
    struct first_problem first = {call, error, false};
    struct gw_eks_walk walk = walk_for(&first, use);
    const struct gw_json *token;
    enum gw_status status;

    call->cluster_input = in;
    in->use = use;
    status = gw_eks_body_read(call, NULL, 0, in, &in->body, error);
    if (status != GW_OK)
        return status;
    if (!gw_eks_fields_take(&walk, gw_eks_cluster_fields, &in->body, &in->parameters))
        return GW_E_DENIED;
    status = check_size(call, use == GW_EKS_IN_CREATE ? CREATE_MAX : UPDATE_MAX, error);
    if (status != GW_OK)
        return status;
    token = gw_json_get(&in->parameters, "clientRequestToken");
    if (token != NULL)
        in->token = token->as.string;
    in->tags = gw_json_get(&in->parameters, "tags");
    return GW_OK;
}

const struct gw_json *gw_eks_cluster_input_get(const struct gw_eks_call *call, const char *outer, const char *inner)
{
    const struct gw_json *value = gw_json_get(&call->cluster_input->parameters, outer);

    return inner == NULL ? value : gw_json_get(value, inner);
}

const struct gw_pair *gw_eks_cluster_input_tags(const struct gw_eks_call *call, size_t *count)
{
    const struct gw_eks_cluster_input *in = call->cluster_input;
    size_t sent = in->tags == NULL ? 0 : in->tags->as.object.count;
    struct gw_pair *tags = gw_arena_zero(call->arena, sent + in->default_tag_count, sizeof(*tags));

    for (size_t i = 0; i < sent; i++) {
        const struct gw_json_member *tag = &in->tags->as.object.members[i];

        tags[i] = (struct gw_pair){tag->name, tag->value.as.string};
    }
    if (in->default_tag_count > 0)
        memcpy(tags + sent, in->default_tags, in->default_tag_count * sizeof(*tags));
    *count = sent + in->default_tag_count;
    return tags;
}

enum gw_status gw_eks_cluster_input_check_tags(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    size_t count;
    const struct gw_pair *tags = gw_eks_cluster_input_tags(call, &count);
    struct gw_err err;

    if (count > GW_TAGS_MAX)
        return gw_eks_error_invalid(call, error, "The tags parameter must not have more than %d tags.", GW_TAGS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (gw_username_check_tag(tags[i].key, tags[i].value, &err) != GW_OK)
            return gw_eks_error_invalid(call, error, "%s", err.text);
    }
    return GW_OK;
}

/* True when the member alone would be let pass. */
static bool is_well_typed(struct gw_eks_call *call, const struct gw_eks_field *field, const struct gw_json *value)
{
    const struct gw_eks_field fields[] = {*field, {.name = NULL}};
    struct gw_json_member member = {gw_str_from(field->name), *value};
    struct gw_json object = {.type = GW_JSON_OBJECT, .as.object = {&member, 1}};
    struct gw_eks_error ignored = {0};
    struct first_problem first = {call, &ignored, false};
    struct gw_eks_walk walk = walk_for(&first, call->cluster_input->use);
    struct gw_json taken;

    return gw_eks_fields_take(&walk, fields, &object, &taken);
}

void gw_eks_cluster_input_view(struct gw_eks_call *call)
{
    const struct gw_eks_cluster_input *in = call->cluster_input;

    for (const struct gw_eks_field *field = gw_eks_cluster_fields; in != NULL && field->name != NULL; field++) {
        const struct gw_json *value = gw_json_get(&in->body, field->name);

        if ((field->uses & (unsigned)in->use) == 0 || value == NULL || value->type == GW_JSON_NULL)
            continue;
        gw_eks_view_add(&call->request_parameters, field->name, *value);
        if (is_well_typed(call, field, value))
            gw_eks_view_add(&call->input, field->name, *value);
    }
}

void gw_eks_cluster_view_label(struct gw_eks_call *call)
{
    if (call->cluster.at != NULL)
        gw_eks_view_add(&call->input, "name", gw_json_string(call->cluster));
}
