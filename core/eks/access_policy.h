/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_ACCESS_POLICY_H
#define GW_EKS_ACCESS_POLICY_H

/*
 * Access policies, and their association with entries. The ARN of a policy is
 * arn:PARTITION:eks::aws:cluster-access-policy/NAME.
 */

#include "eks/service.h"

/* A row of policies.def. */
struct gw_eks_policy {
    struct gw_str name;
    bool is_linked_only; /* E17 */
    bool is_listed;
};

extern const struct gw_eks_policy gw_eks_policies[]; /* by name, in byte order */
extern const size_t gw_eks_policy_count;

#define GW_EKS_NAMESPACE_MAX  63   /* characters of a pattern */
#define GW_EKS_NAMESPACES_MAX 1000 /* of an association; ours */

/* arena */
struct gw_str gw_eks_policy_arn(const struct gw_eks_call *call, const struct gw_eks_policy *policy);

/* Refused (E4): what isn't the ARN of an access policy, of whatever partition and name. */
GW_NODISCARD enum gw_status gw_eks_policy_check_form(const struct gw_eks_call *call, struct gw_str arn,
                                                     struct gw_eks_error *error);

/* Refused (E3): the call's partition has no such policy. */
GW_NODISCARD enum gw_status gw_eks_policy_find(const struct gw_eks_call *call, struct gw_str arn,
                                               const struct gw_eks_policy **policy, struct gw_eks_error *error);

/* What AssociateAccessPolicy says, in call->association; of a DisassociateAccessPolicy only the ARN. */
struct gw_eks_association_input {
    struct gw_json body;
    struct gw_str policy_arn;
    const struct gw_json *scope;
    struct gw_str scope_type;
    const struct gw_json *namespaces; /* array of strings; NULL: not sent */
};

/* The rules for a scope, once its members are read: its type, E15, E16, namespace patterns. */
GW_NODISCARD enum gw_status gw_eks_policy_check_scope(const struct gw_eks_call *call,
                                                      const struct gw_eks_association_input *in,
                                                      struct gw_eks_error *error);

/* arena: the namespaces sent, in their order, each once. */
const struct gw_str *gw_eks_policy_namespaces(const struct gw_eks_call *call, const struct gw_eks_association_input *in,
                                              size_t *count);

/* AmazonEKSClusterAdminPolicy of the call's partition. Whoever has it for the whole cluster administers it. arena */
struct gw_str gw_eks_policy_admin(const struct gw_eks_call *call, struct gw_arena *arena);
/* True for that policy of whatever partition. */
bool gw_eks_policy_is_admin(struct gw_str arn);

/* {"policyArn":...,"accessScope":{...},"associatedAt":...,"modifiedAt":...} */
void gw_eks_policy_encode(const struct gw_association *association, struct gw_buf *body);

/* Index of the entry's association with the policy; entry->association_count when there is none. */
size_t gw_eks_policy_index(const struct gw_access_entry *entry, struct gw_str policy_arn);

/* Makes a copy of `old` with other associations (by policy ARN in byte order) the change's. Neither modifiedAt nor the
 * entry's reply moves. */
void gw_eks_policy_put(const struct gw_access_entry *old, const struct gw_association *associations, size_t count,
                       struct gw_eks_result *result);

#endif
