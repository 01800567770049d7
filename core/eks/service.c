/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The room's front: tables walked from the .def files, and dispatch over the
 * operations that are served. What an operation does stands in its own file; what
 * all of them share in cluster, principal, access_entry, entry_input and token.
 */
#include "eks/service.h"

#include "eks/any.h"
#include "eks/cluster_input.h"
#include "eks/entry_input.h"
#include "eks/error.h"
#include "eks/handlers.h"
#include "eks/view.h"

const struct gw_eks_op_info gw_eks_ops[GW_EKS_OP_COUNT] = {
#define GW_EKS_OPERATION(name, method, path) {#name, GW_METHOD_##method, path},
#include "eks/operations.def"
#undef GW_EKS_OPERATION
};

const struct gw_eks_service gw_eks_service_eks = {
    .name = GW_STR_INIT("eks"),
    .event_source = GW_STR_INIT("eks.amazonaws.com"),
};

const struct gw_eks_service gw_eks_service_sts = {
    .name = GW_STR_INIT("sts"),
    .event_source = GW_STR_INIT("sts.amazonaws.com"),
    .global = true,
    .query = true,
};

const char *const gw_eks_model_version = "2017-11-01 (botocore 1.44.5)";

const struct gw_str gw_eks_member_names[] = {
#define GW_EKS_MEMBER(name) GW_STR_INIT(#name),
#include "eks/members.def"
#undef GW_EKS_MEMBER
};

const size_t gw_eks_member_name_count = GW_COUNT(gw_eks_member_names);

static const struct gw_eks_handler *const handlers[GW_EKS_OP_COUNT] = {
    [GW_EKS_CreateCluster] = &gw_eks_create_cluster,
    [GW_EKS_DescribeCluster] = &gw_eks_describe_cluster,
    [GW_EKS_DeleteCluster] = &gw_eks_delete_cluster,
    [GW_EKS_ListClusters] = &gw_eks_list_clusters,
    [GW_EKS_UpdateClusterConfig] = &gw_eks_update_cluster_config,
    [GW_EKS_DescribeUpdate] = &gw_eks_describe_update,
    [GW_EKS_ListUpdates] = &gw_eks_list_updates,
    [GW_EKS_CreateAccessEntry] = &gw_eks_create_access_entry,
    [GW_EKS_DescribeAccessEntry] = &gw_eks_describe_access_entry,
    [GW_EKS_GetCallerIdentity] = &gw_eks_get_caller_identity,
    [GW_EKS_ListAccessEntries] = &gw_eks_list_access_entries,
    [GW_EKS_UpdateAccessEntry] = &gw_eks_update_access_entry,
    [GW_EKS_DeleteAccessEntry] = &gw_eks_delete_access_entry,
    [GW_EKS_AssociateAccessPolicy] = &gw_eks_associate_access_policy,
    [GW_EKS_DisassociateAccessPolicy] = &gw_eks_disassociate_access_policy,
    [GW_EKS_ListAssociatedAccessPolicies] = &gw_eks_list_associated_access_policies,
    [GW_EKS_ListAccessPolicies] = &gw_eks_list_access_policies,
    [GW_EKS_TagResource] = &gw_eks_tag_resource,
    [GW_EKS_UntagResource] = &gw_eks_untag_resource,
    [GW_EKS_ListTagsForResource] = &gw_eks_list_tags_for_resource,
};

bool gw_eks_is_served(enum gw_eks_op op)
{
    return handlers[op] != NULL;
}

/* The models' names say it; some of the readers are POST (DescribeIdentityProviderConfig, ListInsights, and STS's). */
bool gw_eks_is_read_only(enum gw_eks_op op)
{
    struct gw_str name = gw_str_from(gw_eks_ops[op].name);

    return gw_str_starts(name, GW_STR("Describe")) || gw_str_starts(name, GW_STR("List")) ||
           gw_str_starts(name, GW_STR("Get"));
}

static const struct gw_eks_handler *handler_of(const struct gw_eks_call *call)
{
    return handlers[call->op] == NULL && call->is_forwarded ? &gw_eks_any : handlers[call->op];
}

enum gw_status gw_eks_decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    const struct gw_eks_handler *handler = handler_of(call);
    enum gw_status status;

    call->input = call->request_parameters = (struct gw_json){.type = GW_JSON_NULL};
    if (handler == NULL)
        return gw_eks_error_refuse(call, error, GW_EKS_NotImplementedException,
                                   gw_arena_printf(call->arena, "%s is not served here.", gw_eks_ops[call->op].name));
    status = handler->decode(call, error);
    if (status == GW_OK && call->is_forwarded && handler != &gw_eks_any)
        status = gw_eks_any_decode_rest(call, error);
    return status;
}

void gw_eks_view_input(struct gw_eks_call *call)
{
    const struct gw_eks_handler *handler = handler_of(call);

    if (call->input.type == GW_JSON_OBJECT)
        return;
    gw_eks_view_begin(call);
    if (handler == NULL)
        return;
    handler->view(call);
    if (call->is_forwarded && handler != &gw_eks_any)
        gw_eks_any_view_rest(call);
}

enum gw_status gw_eks_check(struct gw_eks_call *call, const struct gw_eks_limits *limits, struct gw_eks_error *error)
{
    const struct gw_eks_handler *handler = handlers[call->op];

    return handler->check == NULL ? GW_OK : handler->check(call, limits, error);
}

enum gw_status gw_eks_prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    enum gw_status status;

    *result = (struct gw_eks_result){.status = 200};
    status = handlers[call->op]->prepare(call, env, result, error);
    if (status != GW_OK)
        gw_eks_result_drop(result);
    return status;
}

bool gw_eks_wants_username(const struct gw_eks_call *call, const struct gw_store *store)
{
    const struct gw_eks_entry_input *in = call->entry;
    struct gw_store_key key;
    const struct gw_access_entry *entry;

    if (in == NULL || in->username.at != NULL)
        return false;
    if (call->op != GW_EKS_UpdateAccessEntry)
        return in->type != NULL && in->type->is_standard;
    key = gw_eks_entry_key(call);
    entry = gw_store_find(store, &key);
    return entry != NULL && gw_eks_entry_find_type(entry->type)->is_standard;
}

bool gw_eks_wants_username_of(const struct gw_eks_call *call, const struct gw_json *entry)
{
    const struct gw_json *name = gw_json_get(entry, "type");
    const struct gw_eks_type *type;

    if (call->entry == NULL || call->entry->username.at != NULL || name == NULL || name->type != GW_JSON_STRING)
        return false;
    type = gw_eks_entry_find_type(name->as.string);
    return type != NULL && type->is_standard;
}

bool gw_eks_wants_tags(const struct gw_eks_call *call)
{
    if (call->op == GW_EKS_CreateCluster)
        return call->cluster_input != NULL;
    return call->op == GW_EKS_CreateAccessEntry && call->entry != NULL;
}

const struct gw_json *gw_eks_sent_tags(const struct gw_eks_call *call)
{
    if (call->cluster_input != NULL)
        return call->cluster_input->tags;
    return call->entry == NULL ? NULL : call->entry->tags;
}

void gw_eks_set_username(struct gw_eks_call *call, struct gw_str username)
{
    struct gw_eks_entry_input *in = call->entry;

    if (in == NULL || in->username.at != NULL)
        return;
    if (call->op == GW_EKS_UpdateAccessEntry || (in->type != NULL && in->type->is_standard))
        in->chosen_username = username;
}

/* True when the caller sent a tag of that key, or one was added before. */
static bool has_tag(const struct gw_json *sent, const struct gw_pair *added, size_t count, struct gw_str key)
{
    for (size_t i = 0; sent != NULL && i < sent->as.object.count; i++) {
        if (gw_str_equal(sent->as.object.members[i].name, key))
            return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (gw_str_equal(added[i].key, key))
            return true;
    }
    return false;
}

/* arena: `*defaults`, `*total` of them, with those of `tags` behind it that nobody has. */
static void append_tags(struct gw_eks_call *call, const struct gw_pair *tags, size_t count,
                        const struct gw_pair **defaults, size_t *total)
{
    struct gw_pair *added = gw_arena_zero(call->arena, *total + count, sizeof(*added));
    size_t kept = *total;

    if (kept > 0)
        memcpy(added, *defaults, kept * sizeof(*added));
    for (size_t i = 0; i < count; i++) {
        if (!has_tag(gw_eks_sent_tags(call), added, kept, tags[i].key))
            added[kept++] = tags[i];
    }
    *defaults = added;
    *total = kept;
}

void gw_eks_add_tags(struct gw_eks_call *call, const struct gw_pair *tags, size_t count)
{
    if (count == 0 || !gw_eks_wants_tags(call))
        return;
    if (call->cluster_input != NULL)
        append_tags(call, tags, count, &call->cluster_input->default_tags, &call->cluster_input->default_tag_count);
    else
        append_tags(call, tags, count, &call->entry->default_tags, &call->entry->default_tag_count);
}

void gw_eks_make_id(const struct gw_eks_env *env, struct gw_str what, const struct gw_store_key *key,
                    unsigned char id[16])
{
    if (env->ids != NULL)
        env->ids->make(env->ids->ctx, what, key, id);
    else
        gw_random_fill(env->random, id, 16);
}

void gw_eks_forget_choices(struct gw_eks_call *call)
{
    if (call->cluster_input != NULL) {
        call->cluster_input->default_tags = NULL;
        call->cluster_input->default_tag_count = 0;
    }
    if (call->entry == NULL)
        return;
    call->entry->chosen_username = GW_STR_NONE;
    call->entry->default_tags = NULL;
    call->entry->default_tag_count = 0;
}

void gw_eks_result_drop(struct gw_eks_result *result)
{
    gw_store_change_drop(&result->change);
    result->cluster = NULL;
    result->is_change = false;
}

void gw_eks_stage_error(const struct gw_eks_call *call, enum gw_status status, const struct gw_eks_limits *limits,
                        struct gw_eks_error *error)
{
    enum gw_eks_error_code code = GW_EKS_ServerException;
    struct gw_str message = GW_STR("The change could not be stored.");

    if (status == GW_E_LIMIT) {
        code = GW_EKS_ResourceLimitExceededException;
        message = gw_arena_printf(call->arena, "The cluster %.*s can't have more than %zu access entries.",
                                  GW_STR_ARG(call->cluster), limits->entries_per_cluster);
    } else if (status == GW_E_STALE) {
        code = GW_EKS_ResourceInUseException;
        message = call->has_principal
                      ? GW_STR("The specified access entry resource is being changed by other requests.")
                      : GW_STR("The specified cluster is being changed by other requests.");
    } else if (status == GW_E_BUSY) {
        code = GW_EKS_ServiceUnavailableException;
        message = GW_STR("Too many changes are waiting to be stored.");
    }
    (void)gw_eks_error_refuse(call, error, code, message);
}
