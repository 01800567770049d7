/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UpdateAccessEntry replaces: groups and username that are not sent return to
 * their defaults. Everything else of the entry stays: ARN, type, tags,
 * associations, createdAt.
 *
 *   decode   cluster name, principalArn, body, types
 *   check    username, groups, service-linked, token
 *   prepare  cluster, mode, replay, entry, its type
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
        status = gw_eks_principal_decode_label(call, call->raw_labels[1], error);
    return status == GW_OK ? gw_eks_input_decode(call, error) : status;
}

static enum gw_status check(struct gw_eks_call *call, const struct gw_eks_limits *limits, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_input_check_username(call, error);

    if (status == GW_OK)
        status = gw_eks_input_check_groups(call, limits, error);
    if (status == GW_OK)
        status = gw_eks_principal_check_linked(call, error);
    return status == GW_OK ? gw_eks_token_check(call, error) : status;
}

static enum gw_status put(struct gw_eks_call *call, const struct gw_eks_env *env, const struct gw_access_entry *old,
                          struct gw_eks_result *result, struct gw_eks_error *error)
{
    struct gw_access_entry entry = *old;

    call->entry->type = gw_eks_entry_find_type(old->type);
    entry.username = gw_eks_input_username(call);
    entry.groups = gw_eks_input_groups(call, &entry.group_count);
    entry.modified_ms = env->now_ms;
    result->change.expected_entry = old->version;
    return gw_eks_entry_put(call, env, &entry, result, error);
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    const struct gw_access_entry *old;
    enum gw_status status = gw_eks_cluster_enter_entries(call, env, result, error);

    if (status == GW_OK)
        status = gw_eks_token_replay(call, env, &result->replayed, &result->reply, error);
    if (status != GW_OK || result->replayed)
        return status;
    status = gw_eks_entry_find(call, env, &old, error);
    if (status != GW_OK)
        return status;
    if (!gw_eks_entry_find_type(old->type)->is_standard)
        return gw_eks_entry_refuse_type(call, error);
    return put(call, env, old, result, error);
}

static void view(struct gw_eks_call *call)
{
    gw_eks_view_entry_labels(call);
    gw_eks_input_view(call);
}

const struct gw_eks_handler gw_eks_update_access_entry = {decode, check, prepare, view};
