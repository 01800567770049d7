/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_CLUSTER_RULES_H
#define GW_EKS_CLUSTER_RULES_H

/*
 * What EKS asks of a cluster's configuration beyond types. Rules look at an object
 * in DescribeCluster's shape: the parameters of a create, or a document with an
 * update laid over it.
 */

#include "eks/service.h"

/* Those for CreateCluster's parameters, in order: role, version, endpoints and subnets, service range, encryption, Auto
 * Mode (E27), remote networks. */
GW_NODISCARD enum gw_status gw_eks_cluster_check_create(const struct gw_eks_call *call,
                                                        const struct gw_json *parameters, enum gw_eks_auth_mode mode,
                                                        struct gw_eks_error *error);

/* Not both endpoints closed. */
GW_NODISCARD enum gw_status gw_eks_cluster_check_endpoints(const struct gw_eks_call *call,
                                                           const struct gw_json *cluster, struct gw_eks_error *error);

/* Subnets in two zones. */
GW_NODISCARD enum gw_status gw_eks_cluster_check_subnets(const struct gw_eks_call *call, const struct gw_json *cluster,
                                                         struct gw_eks_error *error);

/* Auto Mode: all of its parts or none, node pools need a role, and a mode that knows access entries (E27). */
GW_NODISCARD enum gw_status gw_eks_cluster_check_auto_mode(const struct gw_eks_call *call,
                                                           const struct gw_json *cluster, enum gw_eks_auth_mode mode,
                                                           struct gw_eks_error *error);

/* Remote networks: a mode that knows access entries, node networks there, private ranges, no overlaps. */
GW_NODISCARD enum gw_status gw_eks_cluster_check_remote(const struct gw_eks_call *call, const struct gw_json *cluster,
                                                        enum gw_eks_auth_mode mode, struct gw_eks_error *error);

/* The boolean at outer.inner.innermost (the latter two may be NULL), `otherwise` when absent. */
bool gw_eks_cluster_flag(const struct gw_json *cluster, const char *outer, const char *inner, const char *innermost,
                         bool otherwise);

#endif
