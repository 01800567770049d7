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

/* Refused: the cluster doesn't exist (E1), or its mode is CONFIG_MAP (E19). */
GW_NODISCARD enum gw_status gw_eks_cluster_check_entries(const struct gw_eks_call *call,
                                                         const struct gw_eks_cluster *cluster,
                                                         struct gw_eks_error *error);

#endif
