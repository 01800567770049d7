/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AssociateAccessPolicy. The same policy again gets the new scope and another
 * modifiedAt; associatedAt stays.
 *
 *   decode   cluster name, principalArn, body, types, members there
 *   check    policy's form, scope, service-linked
 *   prepare  cluster, mode, entry, its type, policy, who may have it, quota
 */
#include "eks/access_entry.h"
#include "eks/access_policy.h"
#include "eks/body.h"
#include "eks/cluster.h"
#include "eks/error.h"
#include "eks/handlers.h"
#include "eks/principal.h"
#include "eks/view.h"

static const struct gw_eks_member members[] = {
    {"policyArn", GW_EKS_STRING, offsetof(struct gw_eks_association_input, policy_arn)},
    {"accessScope", GW_EKS_OBJECT, offsetof(struct gw_eks_association_input, scope)},
};

static const struct gw_eks_member scope_members[] = {
    {"type", GW_EKS_STRING, offsetof(struct gw_eks_association_input, scope_type)},
    {"namespaces", GW_EKS_STRINGS, offsetof(struct gw_eks_association_input, namespaces)},
};

static enum gw_status read_body(struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_eks_association_input *in = gw_arena_zero(call->arena, 1, sizeof(*in));
    enum gw_status status;

    call->association = in;
    status = gw_eks_body_read(call, members, GW_COUNT(members), in, &in->body, error);
    if (status != GW_OK)
        return status;
    if (in->policy_arn.at == NULL)
        return gw_eks_error_invalid(call, error, "The policyArn parameter is required.");
    if (in->scope == NULL)
        return gw_eks_error_invalid(call, error, "The accessScope parameter is required.");
    return gw_eks_body_read_object(call, scope_members, GW_COUNT(scope_members), "accessScope", in->scope, in, error);
}

static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_principal_decode_entry(call, error);

    return status == GW_OK ? read_body(call, error) : status;
}

static enum gw_status check(struct gw_eks_call *call, const struct gw_eks_limits *limits, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_policy_check_form(call, call->association->policy_arn, error);

    (void)limits;
    if (status == GW_OK)
        status = gw_eks_policy_check_scope(call, call->association, error);
    return status == GW_OK ? gw_eks_principal_check_linked(call, error) : status;
}

/* Policies go to STANDARD entries, and to those of Auto Mode's nodes. */
static enum gw_status check_type(const struct gw_eks_call *call, const struct gw_access_entry *entry,
                                 struct gw_eks_error *error)
{
    if (gw_str_is(entry->type, "STANDARD") || gw_str_is(entry->type, "EC2"))
        return GW_OK;
    return gw_eks_entry_refuse_type(call, error);
}

/* ResourceLimitExceededException isn't among the errors that the model gives this operation. */
static enum gw_status check_policy(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                   const struct gw_access_entry *entry, struct gw_eks_error *error)
{
    struct gw_str arn = call->association->policy_arn;
    const struct gw_eks_policy *policy;
    enum gw_status status = gw_eks_policy_find(call, arn, &policy, error);

    if (status != GW_OK)
        return status;
    if (policy->is_linked_only && !gw_arn_is_service_linked(&call->principal))
        return gw_eks_error_refuse(call, error, GW_EKS_InvalidParameterException,
                                   GW_STR("The specified policyArn can only be associated with service-linked roles"));
    if (gw_eks_policy_index(entry, arn) == entry->association_count &&
        entry->association_count >= env->limits->policies_per_entry)
        return gw_eks_error_refuse(
            call, error, GW_EKS_InvalidRequestException,
            gw_arena_printf(call->arena, "An access entry can't have more than %zu access policies associated.",
                            env->limits->policies_per_entry));
    return GW_OK;
}

/* arena: the entry's associations with this one put where it belongs. */
static struct gw_association *associate(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                        const struct gw_access_entry *entry, size_t *count, size_t *at)
{
    const struct gw_eks_association_input *in = call->association;
    struct gw_association *all = gw_arena_zero(call->arena, entry->association_count + 1, sizeof(*all));
    struct gw_association one = {.policy_arn = in->policy_arn,
                                 .is_cluster_wide = gw_str_is(in->scope_type, "cluster"),
                                 .associated_ms = env->now_ms,
                                 .modified_ms = env->now_ms};
    size_t before = 0;
    bool replaces;

    one.namespaces = gw_eks_policy_namespaces(call, in, &one.namespace_count);
    while (before < entry->association_count &&
           gw_str_compare(entry->associations[before].policy_arn, in->policy_arn) < 0)
        before++;
    replaces = gw_eks_policy_index(entry, in->policy_arn) == before && before < entry->association_count;
    if (replaces)
        one.associated_ms = entry->associations[before].associated_ms;
    *count = entry->association_count + (replaces ? 0 : 1);
    *at = before;
    for (size_t i = 0; i < *count; i++) {
        if (i < before)
            all[i] = entry->associations[i];
        else if (i > before)
            all[i] = entry->associations[replaces ? i : i - 1];
    }
    all[before] = one;
    return all;
}

static enum gw_status answer(const struct gw_eks_call *call, const struct gw_association *association,
                             struct gw_eks_result *result, struct gw_eks_error *error)
{
    struct gw_buf body;

    gw_eks_body_begin(&body);
    gw_buf_append_lit(&body, "{\"clusterName\":");
    gw_json_encode_string(call->cluster, &body);
    gw_buf_append_lit(&body, ",\"principalArn\":");
    gw_json_encode_string(call->principal.arn, &body);
    gw_buf_append_lit(&body, ",\"associatedAccessPolicy\":");
    gw_eks_policy_encode(association, &body);
    gw_buf_append_byte(&body, '}');
    return gw_eks_body_finish(call, &body, &result->reply, error);
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    const struct gw_access_entry *entry;
    const struct gw_association *associations;
    size_t count;
    size_t at;
    enum gw_status status = gw_eks_cluster_enter_entries(call, env, result, error);

    if (status == GW_OK)
        status = gw_eks_entry_find(call, env, &entry, error);
    if (status == GW_OK)
        status = check_type(call, entry, error);
    if (status == GW_OK)
        status = check_policy(call, env, entry, error);
    if (status != GW_OK)
        return status;
    associations = associate(call, env, entry, &count, &at);
    gw_eks_policy_put(entry, associations, count, result);
    return answer(call, &associations[at], result, error);
}

static void view(struct gw_eks_call *call)
{
    gw_eks_view_entry_labels(call);
    if (call->association != NULL)
        gw_eks_body_view(call, members, GW_COUNT(members), &call->association->body);
}

const struct gw_eks_handler gw_eks_associate_access_policy = {decode, check, prepare, view};
