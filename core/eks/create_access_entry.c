/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateAccessEntry. The order of the rules is the order of the lines; what EKS
 * is known to check before it looks the cluster up stands in `check`, the rest in
 * `prepare`:
 *
 *   decode   cluster name, body, types, principalArn
 *   check    username, groups, service-linked, type's principal, token, tags, type
 *   prepare  cluster, mode, replay, type's groups and username, duplicate,
 *            principal, quota
 */
#include "eks/cluster.h"
#include "eks/entry_input.h"
#include "eks/error.h"
#include "eks/handlers.h"
#include "eks/principal.h"
#include "eks/token.h"
#include "eks/view.h"

static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_cluster_decode(call, error);

    if (status == GW_OK)
        status = gw_eks_input_decode(call, error);
    if (status != GW_OK)
        return status;
    if (call->entry->principal_arn.at == NULL)
        return gw_eks_error_invalid(call, error, "The principalArn parameter is required.");
    return gw_eks_principal_decode(call, call->entry->principal_arn, error);
}

static enum gw_status check(struct gw_eks_call *call, const struct gw_eks_limits *limits, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_input_check_username(call, error);

    if (status == GW_OK)
        status = gw_eks_input_check_groups(call, limits, error);
    if (status == GW_OK)
        status = gw_eks_principal_check_linked(call, error);
    if (status == GW_OK && call->entry->type != NULL)
        status = gw_eks_principal_check_type(call, call->entry->type, error);
    if (status == GW_OK)
        status = gw_eks_token_check(call, error);
    if (status == GW_OK)
        status = gw_eks_input_check_tags(call, error);
    if (status == GW_OK)
        status = gw_eks_input_check_type(call, error);
    return status;
}

/* Rules that need the store, in EKS's order; `key` is where the entry would be. */
static enum gw_status check_store(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                  const struct gw_store_key *key, struct gw_eks_error *error)
{
    enum gw_status status;

    if (gw_store_find(env->store, key) != NULL)
        return gw_eks_error_refuse(call, error, GW_EKS_ResourceInUseException,
                                   GW_STR("The specified access entry resource is already in use on this cluster."));
    status = gw_eks_principal_check_exists(call, env, error);
    if (status != GW_OK)
        return status;
    if (gw_store_count_cluster(env->store, key) >= env->limits->entries_per_cluster) {
        gw_eks_stage_error(call, GW_E_LIMIT, env->limits, error);
        return GW_E_DENIED;
    }
    return GW_OK;
}

static struct gw_access_entry describe_new_entry(const struct gw_eks_call *call, const struct gw_eks_env *env)
{
    struct gw_access_entry entry = {
        .key = gw_eks_entry_key(call),
        .arn = gw_eks_entry_arn(call, env),
        .type = call->entry->type->name,
        .username = gw_eks_input_username(call),
        .created_ms = env->now_ms,
        .modified_ms = env->now_ms,
    };

    entry.groups = gw_eks_input_groups(call, &entry.group_count);
    entry.tags = gw_eks_input_tags(call, &entry.tag_count);
    return entry;
}

static enum gw_status build(const struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                            struct gw_eks_error *error)
{
    struct gw_access_entry entry = describe_new_entry(call, env);

    result->change.cluster_entries_max = env->limits->entries_per_cluster;
    return gw_eks_entry_put(call, env, &entry, result, error);
}

/* The entry wasn't there when the token was looked for, and is there now: if it was this token's own request that made
 * it in between (tokens are published before entries), this is its retry, not a second create. */
static bool is_retry_after_all(const struct gw_eks_call *call, const struct gw_eks_env *env,
                               struct gw_eks_result *result)
{
    struct gw_eks_error ignored = {0};

    return gw_eks_token_replay(call, env, &result->replayed, &result->reply, &ignored) == GW_OK && result->replayed;
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    struct gw_store_key key = gw_eks_entry_key(call);
    enum gw_status status = gw_eks_cluster_enter_entries(call, env, result, error);

    if (status == GW_OK)
        status = gw_eks_token_replay(call, env, &result->replayed, &result->reply, error);
    if (status != GW_OK || result->replayed)
        return status;
    status = gw_eks_input_check_node(call, error);
    if (status == GW_OK)
        status = check_store(call, env, &key, error);
    if (status != GW_OK)
        return is_retry_after_all(call, env, result) ? GW_OK : status;
    return build(call, env, result, error);
}

static void view(struct gw_eks_call *call)
{
    if (call->cluster.at != NULL)
        gw_eks_view_add(&call->input, "clusterName", gw_json_string(call->cluster));
    gw_eks_input_view(call);
}

const struct gw_eks_handler gw_eks_create_access_entry = {decode, check, prepare, view};
