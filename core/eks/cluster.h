/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_CLUSTER_H
#define GW_EKS_CLUSTER_H

/*
 * The cluster that a call is about: its name, whether it exists, and whether its
 * authentication mode knows access entries.
 */

#include "eks/service.h"

/* Decodes the first path label into call->cluster. Refused: other bytes than EKS allows in a name (E20), more than 100
 * of them (E21). */
GW_NODISCARD enum gw_status gw_eks_cluster_decode(struct gw_eks_call *call, struct gw_eks_error *error);

/* The same for the operations on clusters themselves, whose parameter is `name` in EKS's words. */
GW_NODISCARD enum gw_status gw_eks_cluster_decode_label(struct gw_eks_call *call, struct gw_eks_error *error);

/* The same for a name that is decoded already. */
GW_NODISCARD enum gw_status gw_eks_cluster_decode_name(struct gw_eks_call *call, struct gw_str name,
                                                       struct gw_eks_error *error);

/* True for what EKS takes as a cluster's name: 1 to 100 letters, digits, - and _, a letter or digit first. */
bool gw_eks_cluster_is_name(struct gw_str name);

/* Where the call's cluster is. Views of the call. */
struct gw_store_key gw_eks_cluster_key(const struct gw_eks_call *call);

/* E1. */
enum gw_status gw_eks_cluster_refuse_missing(const struct gw_eks_call *call, struct gw_eks_error *error);

/* Refused: there are as many clusters as there may be. */
GW_NODISCARD enum gw_status gw_eks_cluster_check_room(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                                      struct gw_eks_error *error);

/* Finds the call's cluster: fills result->cluster and the change's key and expected_cluster. In a mock, one that nobody
 * made is made: it stands in the change then, which is to be committed. Refused: there is none (E1). */
GW_NODISCARD enum gw_status gw_eks_cluster_enter(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                                 struct gw_eks_result *result, struct gw_eks_error *error);

/* The same; refused, too: its mode is CONFIG_MAP (E19). */
GW_NODISCARD enum gw_status gw_eks_cluster_enter_entries(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                                         struct gw_eks_result *result, struct gw_eks_error *error);

#endif
