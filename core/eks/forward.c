/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request that goes on, from the call that came. Operations with a handler of
 * their own have decoded their body; for all others any.c has.
 */
#include "eks/forward.h"

#include "codec/uri.h"
#include "eks/access_policy.h"
#include "eks/any.h"
#include "eks/cluster_input.h"
#include "eks/entry_input.h"
#include "eks/error.h"

/* Members with the model's trait idempotencyToken, in bodies. */
static const bool takes_token[GW_EKS_OP_COUNT] = {
    [GW_EKS_AssociateEncryptionConfig] = true,
    [GW_EKS_AssociateIdentityProviderConfig] = true,
    [GW_EKS_CreateAccessEntry] = true,
    [GW_EKS_CreateAddon] = true,
    [GW_EKS_CreateCapability] = true,
    [GW_EKS_CreateCluster] = true,
    [GW_EKS_CreateEksAnywhereSubscription] = true,
    [GW_EKS_CreateFargateProfile] = true,
    [GW_EKS_CreateNodegroup] = true,
    [GW_EKS_CreatePodIdentityAssociation] = true,
    [GW_EKS_DisassociateIdentityProviderConfig] = true,
    [GW_EKS_RegisterCluster] = true,
    [GW_EKS_UpdateAccessEntry] = true,
    [GW_EKS_UpdateAddon] = true,
    [GW_EKS_UpdateCapability] = true,
    [GW_EKS_UpdateClusterConfig] = true,
    [GW_EKS_UpdateClusterVersion] = true,
    [GW_EKS_UpdateEksAnywhereSubscription] = true,
    [GW_EKS_UpdateNodegroupConfig] = true,
    [GW_EKS_UpdateNodegroupVersion] = true,
    [GW_EKS_UpdatePodIdentityAssociation] = true,
};

bool gw_eks_takes_token(enum gw_eks_op op)
{
    return takes_token[op];
}

/* The body as it was read, NULL when none was. */
static const struct gw_json *body_of(const struct gw_eks_call *call)
{
    if (call->entry != NULL)
        return &call->entry->body;
    if (call->cluster_input != NULL)
        return &call->cluster_input->body;
    return call->any == NULL ? NULL : &call->any->body;
}

bool gw_eks_has_token(const struct gw_eks_call *call)
{
    const struct gw_json *token = gw_json_get(body_of(call), "clientRequestToken");

    return token != NULL && token->type == GW_JSON_STRING && token->as.string.length > 0;
}

static enum gw_status append_label(const struct gw_eks_call *call, struct gw_str raw, enum gw_uri_kind kind,
                                   struct gw_buf *path)
{
    struct gw_str label;

    if (gw_uri_decode(raw, kind, call->arena, &label) != GW_OK || gw_str_is(label, ".") || gw_str_is(label, "..") ||
        label.length == 0)
        return GW_E_SYNTAX;
    gw_uri_encode(label, false, path);
    return GW_OK;
}

enum gw_status gw_eks_forward_path(const struct gw_eks_call *call, struct gw_buf *path)
{
    struct gw_str rest = gw_str_from(gw_eks_ops[call->op].path + 1);
    size_t label = 0;

    while (rest.at != NULL) {
        struct gw_str segment = gw_str_split(&rest, '/');

        gw_buf_append_byte(path, '/');
        if (segment.length == 0 || segment.at[0] != '{')
            gw_buf_append_str(path, segment);
        else if (append_label(call, call->raw_labels[label++], gw_eks_any_label_kind(segment), path) != GW_OK)
            return GW_E_SYNTAX;
    }
    return path->overflowed ? GW_E_LIMIT : GW_OK;
}

void gw_eks_forward_query(const struct gw_sigv4_query *query, struct gw_buf *text)
{
    bool is_first = true;

    for (size_t i = 0; i < query->count; i++) {
        const struct gw_sigv4_param *param = &query->items[i];

        if (gw_str_equal_nocase(gw_str_slice(param->name, 0, 6), GW_STR("x-amz-")))
            continue;
        if (!is_first)
            gw_buf_append_byte(text, '&');
        gw_buf_append_str(text, param->canonical_name);
        gw_buf_append_byte(text, '=');
        gw_buf_append_str(text, param->canonical_value);
        is_first = false;
    }
}

bool gw_eks_has_choices(const struct gw_eks_call *call)
{
    if (call->cluster_input != NULL && call->cluster_input->default_tag_count > 0)
        return true;
    return call->entry != NULL && (call->entry->chosen_username.at != NULL || call->entry->default_tag_count > 0);
}

static void add_choices(const struct gw_eks_call *call, struct gw_json *body)
{
    const struct gw_pair *tags;
    size_t count;

    if (call->entry != NULL && call->entry->chosen_username.at != NULL)
        gw_json_set(call->arena, body, GW_STR("username"), gw_json_string(call->entry->chosen_username));
    if (call->entry != NULL && call->entry->default_tag_count > 0) {
        tags = gw_eks_input_tags(call, &count);
        gw_json_set(call->arena, body, GW_STR("tags"), gw_json_pairs(call->arena, tags, count));
    }
    if (call->cluster_input != NULL && call->cluster_input->default_tag_count > 0) {
        tags = gw_eks_cluster_input_tags(call, &count);
        gw_json_set(call->arena, body, GW_STR("tags"), gw_json_pairs(call->arena, tags, count));
    }
}

enum gw_status gw_eks_forward_body(const struct gw_eks_call *call, struct gw_str token, size_t max, struct gw_str *body)
{
    const struct gw_json *read = body_of(call);
    struct gw_json changed = {.type = GW_JSON_OBJECT};
    struct gw_buf text;
    bool overflowed;

    *body = call->body;
    if (read == NULL || (read->as.object.count == 0 && !gw_eks_any_has_body(call->op)))
        *body = GW_STR(""); /* nobody has read one, or it says nothing */
    if (token.at == NULL && !gw_eks_has_choices(call))
        return GW_OK;
    if (read != NULL && read->type == GW_JSON_OBJECT)
        changed = *read;
    if (token.at != NULL)
        gw_json_set(call->arena, &changed, GW_STR("clientRequestToken"), gw_json_string(token));
    add_choices(call, &changed);
    gw_buf_init(&text, max);
    gw_json_encode(&changed, &text);
    overflowed = text.overflowed;
    *body = gw_arena_str(call->arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return overflowed ? GW_E_LIMIT : GW_OK;
}

/* Part of a list is no knowledge: EKS has 20 at most, and 100 were asked for. */
static bool has_more(const struct gw_json *body)
{
    const struct gw_json *token = gw_json_get(body, "nextToken");

    return token != NULL && token->type != GW_JSON_NULL;
}

enum gw_status gw_eks_forward_fact(enum gw_eks_fact fact, struct gw_str reply, struct gw_arena *arena,
                                   struct gw_eks_facts *facts)
{
    struct gw_json body;
    const struct gw_json *value;
    enum gw_status status = gw_json_parse(reply, arena, &body, NULL);

    if (status != GW_OK)
        return status;
    switch (fact) {
    case GW_EKS_FACT_ENTRY:
        value = gw_json_get(&body, "accessEntry");
        if (value == NULL || value->type != GW_JSON_OBJECT)
            return GW_E_TYPE;
        facts->entry = *value;
        facts->has_entry = true;
        return GW_OK;
    case GW_EKS_FACT_ASSOCIATIONS:
        value = gw_json_get(&body, "associatedAccessPolicies");
        if (value == NULL || value->type != GW_JSON_ARRAY)
            return GW_E_TYPE;
        if (has_more(&body))
            return GW_E_LIMIT;
        facts->associations = *value;
        facts->has_entry = true;
        return GW_OK;
    case GW_EKS_FACT_CLUSTER:
        value = gw_json_get(&body, "cluster");
        if (value == NULL || value->type != GW_JSON_OBJECT)
            return GW_E_TYPE;
        facts->cluster = *value;
        facts->has_cluster = true;
        return GW_OK;
    case GW_EKS_FACT_ADMINS: /* of several replies */
        break;
    }
    return GW_E_TYPE;
}

static bool is_arn(const struct gw_json *value)
{
    return value->type == GW_JSON_STRING && gw_str_starts(value->as.string, GW_STR("arn:"));
}

enum gw_status gw_eks_forward_entries(struct gw_str reply, struct gw_arena *arena, struct gw_eks_forward_page *page)
{
    struct gw_json *body = gw_arena_zero(arena, 1, sizeof(*body));
    enum gw_status status = gw_json_parse(reply, arena, body, NULL);
    const struct gw_json *principals;
    const struct gw_json *token;

    if (status != GW_OK)
        return status;
    principals = gw_json_get(body, "accessEntries");
    token = gw_json_get(body, "nextToken");
    if (principals == NULL || principals->type != GW_JSON_ARRAY)
        return GW_E_TYPE;
    for (size_t i = 0; i < principals->as.array.count; i++) {
        if (!is_arn(&principals->as.array.items[i]))
            return GW_E_TYPE;
    }
    if (token != NULL && token->type == GW_JSON_NULL)
        token = NULL;
    if (token != NULL && (token->type != GW_JSON_STRING || token->as.string.length == 0))
        return GW_E_TYPE;
    *page = (struct gw_eks_forward_page){.principals = principals,
                                         .next_token = token == NULL ? GW_STR_NONE : token->as.string};
    return GW_OK;
}

/* What doesn't read as an association is no knowledge. */
static enum gw_status read_association(const struct gw_json *association, bool *administers)
{
    const struct gw_json *arn = gw_json_get(association, "policyArn");
    const struct gw_json *type = gw_json_get(gw_json_get(association, "accessScope"), "type");

    if (arn == NULL || arn->type != GW_JSON_STRING || type == NULL || type->type != GW_JSON_STRING)
        return GW_E_TYPE;
    *administers = gw_str_is(type->as.string, "cluster") && gw_eks_policy_is_admin(arn->as.string);
    return GW_OK;
}

enum gw_status gw_eks_forward_administers(struct gw_str reply, struct gw_arena *arena, bool *administers)
{
    struct gw_eks_facts facts = {.asked = GW_EKS_FACT_ASSOCIATIONS};
    enum gw_status status = gw_eks_forward_fact(GW_EKS_FACT_ASSOCIATIONS, reply, arena, &facts);
    bool found = false;

    for (size_t i = 0; status == GW_OK && !found && i < facts.associations.as.array.count; i++)
        status = read_association(&facts.associations.as.array.items[i], &found);
    if (status == GW_OK)
        *administers = found;
    return status;
}
