/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_ACCESS_ENTRY_H
#define GW_EKS_ACCESS_ENTRY_H

/*
 * An access entry as EKS shows it: its types, what is generated for them, its
 * ARN, and the JSON that Create, Describe and Update answer with.
 */

#include "eks/service.h"

/* A row of types.def. */
struct gw_eks_type {
    struct gw_str name;
    struct gw_str username; /* "": made from the principal */
    struct gw_str groups;   /* separated by blanks */
    bool needs_own_role;    /* E8, E9 */
    bool is_standard;
};

/* The type of that name, STANDARD for {NULL,0}, NULL when there is none. */
const struct gw_eks_type *gw_eks_entry_find_type(struct gw_str name);

/* arena: what EKS generates when the caller chose none. */
struct gw_str gw_eks_entry_username(const struct gw_eks_call *call, const struct gw_eks_type *type);
const struct gw_str *gw_eks_entry_groups(const struct gw_eks_call *call, const struct gw_eks_type *type, size_t *count);

/* arena: arn:P:eks:REGION:ACCOUNT:access-entry/CLUSTER/KIND/PRINCIPAL-ACCOUNT/PRINCIPAL-NAME/ID with a new id. */
struct gw_str gw_eks_entry_arn(const struct gw_eks_call *call, const struct gw_eks_env *env);

/* Where the call's principal has its entry. Views of the call. */
struct gw_store_key gw_eks_entry_key(const struct gw_eks_call *call);

/* The entry of the call's principal. Refused (E2): there is none. borrows: the store's (epoch) */
GW_NODISCARD enum gw_status gw_eks_entry_find(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                              const struct gw_access_entry **entry, struct gw_eks_error *error);

/* E14: only STANDARD entries. */
enum gw_status gw_eks_entry_refuse_type(const struct gw_eks_call *call, struct gw_eks_error *error);

/* {"accessEntry":{...}}, compact, members in the order of EKS's samples. */
void gw_eks_entry_encode(const struct gw_access_entry *entry, struct gw_buf *body);

/* Makes `entry` the change's: its reply is made anew, and is the result's; a token goes with it where the call has one.
 * The change's key and expected_cluster are there already (gw_eks_cluster_enter), expected_entry is the caller's. */
GW_NODISCARD enum gw_status gw_eks_entry_put(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                             struct gw_access_entry *entry, struct gw_eks_result *result,
                                             struct gw_eks_error *error);

#endif
