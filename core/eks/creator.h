/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_CREATOR_H
#define GW_EKS_CREATOR_H

/*
 * The entry of whoever creates a cluster: an administrator's, unless the request
 * says otherwise (bootstrapClusterCreatorAdminPermissions).
 */

#include "eks/service.h"

/* Whose entry the creator's is: a session's is its role's (whose path no session shows). False for callers that no
 * entry can name. arena */
bool gw_eks_creator_find(const struct gw_eks_call *call, struct gw_principal *creator);

/* True where a cluster of that mode, made by the CreateCluster that `call` is, gets the entry. */
bool gw_eks_creator_is_wanted(const struct gw_eks_call *call, enum gw_eks_auth_mode mode);

/* Puts the entry into the change of `result`, whose cluster is there already. Nothing for callers that no entry can
 * name. */
GW_NODISCARD enum gw_status gw_eks_creator_add(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                               struct gw_eks_result *result, struct gw_eks_error *error);

#endif
