/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of access policies, and how an association looks. E-numbers are
 * those of the error catalogue, see README.md.
 */
#include "eks/access_policy.h"

#include "codec/time.h"
#include "codec/utf8.h"
#include "eks/error.h"

const struct gw_eks_policy gw_eks_policies[] = {
#define GW_EKS_POLICY(name, linked_only, listed) {GW_STR_INIT(#name), linked_only, listed},
#include "eks/policies.def"
#undef GW_EKS_POLICY
};

const size_t gw_eks_policy_count = GW_COUNT(gw_eks_policies);

#define ARN_BEFORE_NAME ":eks::aws:cluster-access-policy/"
#define ARN_OF_ADMIN    ARN_BEFORE_NAME "AmazonEKSClusterAdminPolicy"

struct gw_str gw_eks_policy_arn(const struct gw_eks_call *call, const struct gw_eks_policy *policy)
{
    return gw_arena_printf(call->arena, "arn:%.*s" ARN_BEFORE_NAME "%.*s", GW_STR_ARG(call->partition),
                           GW_STR_ARG(policy->name));
}

struct gw_str gw_eks_policy_admin(const struct gw_eks_call *call, struct gw_arena *arena)
{
    return gw_arena_printf(arena, "arn:%.*s" ARN_OF_ADMIN, GW_STR_ARG(call->partition));
}

bool gw_eks_policy_is_admin(struct gw_str arn)
{
    struct gw_str rest = arn;

    if (!gw_str_is(gw_str_split(&rest, ':'), "arn"))
        return false;
    return gw_arn_is_partition(gw_str_split(&rest, ':')) && rest.at != NULL && gw_str_is(rest, &(ARN_OF_ADMIN)[1]);
}

/* EKS lets pass, as well formed, a wrong partition, a missing account and a missing region; those are unknown then. */
enum gw_status gw_eks_policy_check_form(const struct gw_eks_call *call, struct gw_str arn, struct gw_eks_error *error)
{
    struct gw_str kind = GW_STR(":cluster-access-policy/");
    struct gw_str rest = arn;
    size_t at = gw_str_search(arn, kind);

    if (arn.at != NULL && at != SIZE_MAX && at + kind.length < arn.length &&
        gw_str_is(gw_str_split(&rest, ':'), "arn") && gw_str_split(&rest, ':').length > 0 && rest.at != NULL &&
        gw_str_is(gw_str_split(&rest, ':'), "eks"))
        return GW_OK;
    return gw_eks_error_refuse(call, error, GW_EKS_InvalidParameterException,
                               GW_STR("The policyArn parameter format is not valid"));
}

/* The name in an ARN of the call's partition; {NULL,0} for any other text. */
static struct gw_str name_of(const struct gw_eks_call *call, struct gw_str arn)
{
    struct gw_str head = GW_STR("arn:");
    struct gw_str middle = GW_STR(ARN_BEFORE_NAME);
    size_t before = head.length + call->partition.length + middle.length;

    if (!gw_str_starts(arn, head) ||
        !gw_str_equal(gw_str_slice(arn, head.length, call->partition.length), call->partition) ||
        !gw_str_starts(gw_str_slice(arn, head.length + call->partition.length, SIZE_MAX), middle))
        return GW_STR_NONE;
    return gw_str_slice(arn, before, SIZE_MAX);
}

enum gw_status gw_eks_policy_find(const struct gw_eks_call *call, struct gw_str arn,
                                  const struct gw_eks_policy **policy, struct gw_eks_error *error)
{
    struct gw_str name = name_of(call, arn);

    for (size_t i = 0; name.at != NULL && i < gw_eks_policy_count; i++) {
        if (gw_str_equal(gw_eks_policies[i].name, name)) {
            *policy = &gw_eks_policies[i];
            return GW_OK;
        }
    }
    return gw_eks_error_refuse(call, error, GW_EKS_ResourceNotFoundException,
                               GW_STR("The specified policyArn could not be found. You can view your available access "
                                      "policies with 'list-access-policies'."));
}

/* 1 to GW_EKS_NAMESPACE_MAX characters, none of them a blank or a control character. */
static bool is_pattern(struct gw_str text)
{
    size_t characters = 0;

    while (text.length > 0 && characters <= GW_EKS_NAMESPACE_MAX) {
        uint32_t point = 0;
        size_t step = gw_utf8_step(text, &point);

        if (step == 0 || point <= 0x20 || (point >= 0x7f && point <= 0xa0))
            return false;
        text = gw_str_slice(text, step, SIZE_MAX);
        characters++;
    }
    return characters >= 1 && characters <= GW_EKS_NAMESPACE_MAX;
}

static enum gw_status check_namespace(const struct gw_eks_call *call, struct gw_str pattern, struct gw_eks_error *error)
{
    if (is_pattern(pattern))
        return GW_OK;
    return gw_eks_error_invalid(call, error,
                                "A namespace of the accessScope parameter must have 1 to %d characters, and no blanks "
                                "or control characters.",
                                GW_EKS_NAMESPACE_MAX);
}

enum gw_status gw_eks_policy_check_scope(const struct gw_eks_call *call, const struct gw_eks_association_input *in,
                                         struct gw_eks_error *error)
{
    size_t count = in->namespaces == NULL ? 0 : in->namespaces->as.array.count;
    bool is_namespace = gw_str_is(in->scope_type, "namespace");
    enum gw_status status = GW_OK;

    if (!is_namespace && !gw_str_is(in->scope_type, "cluster"))
        return gw_eks_error_invalid(call, error, "The accessScope.type parameter must be one of [cluster, namespace].");
    if (!is_namespace && count > 0)
        return gw_eks_error_refuse(
            call, error, GW_EKS_InvalidParameterException,
            GW_STR("accessScope should not include namespaces if the type is not set as namespace"));
    if (is_namespace && count == 0)
        return gw_eks_error_refuse(call, error, GW_EKS_InvalidParameterException,
                                   GW_STR("At least 1 namespace must be provided if the type is set as namespace"));
    if (count > GW_EKS_NAMESPACES_MAX)
        return gw_eks_error_invalid(call, error, "The accessScope parameter must not have more than %d namespaces.",
                                    GW_EKS_NAMESPACES_MAX);
    for (size_t i = 0; i < count && status == GW_OK; i++)
        status = check_namespace(call, in->namespaces->as.array.items[i].as.string, error);
    return status;
}

const struct gw_str *gw_eks_policy_namespaces(const struct gw_eks_call *call, const struct gw_eks_association_input *in,
                                              size_t *count)
{
    size_t sent = in->namespaces == NULL ? 0 : in->namespaces->as.array.count;
    struct gw_str *kept = gw_arena_zero(call->arena, sent, sizeof(*kept));

    *count = 0;
    for (size_t i = 0; i < sent; i++) {
        struct gw_str pattern = in->namespaces->as.array.items[i].as.string;

        if (!gw_str_is_among(kept, *count, pattern))
            kept[(*count)++] = pattern;
    }
    return kept;
}

void gw_eks_policy_encode(const struct gw_association *association, struct gw_buf *body)
{
    gw_buf_append_lit(body, "{\"policyArn\":");
    gw_json_encode_string(association->policy_arn, body);
    if (association->is_cluster_wide)
        gw_buf_append_lit(body, ",\"accessScope\":{\"type\":\"cluster\",\"namespaces\":[");
    else
        gw_buf_append_lit(body, ",\"accessScope\":{\"type\":\"namespace\",\"namespaces\":[");
    for (size_t i = 0; i < association->namespace_count; i++) {
        if (i > 0)
            gw_buf_append_byte(body, ',');
        gw_json_encode_string(association->namespaces[i], body);
    }
    gw_buf_append_lit(body, "]},\"associatedAt\":");
    gw_time_encode_decimal(association->associated_ms, body);
    gw_buf_append_lit(body, ",\"modifiedAt\":");
    gw_time_encode_decimal(association->modified_ms, body);
    gw_buf_append_byte(body, '}');
}

size_t gw_eks_policy_index(const struct gw_access_entry *entry, struct gw_str policy_arn)
{
    size_t at = 0;

    while (at < entry->association_count && !gw_str_equal(entry->associations[at].policy_arn, policy_arn))
        at++;
    return at;
}

void gw_eks_policy_put(const struct gw_access_entry *old, const struct gw_association *associations, size_t count,
                       struct gw_eks_result *result)
{
    struct gw_access_entry entry = *old;

    entry.associations = associations;
    entry.association_count = count;
    result->is_change = true;
    result->change.entry_act = GW_STORE_PUT;
    result->change.expected_entry = old->version;
    result->change.entry = gw_access_entry_new(&entry);
    result->change.key = result->change.entry->key; /* `old` goes with the epoch */
}
