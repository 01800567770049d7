/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_CLUSTER_DOCUMENT_H
#define GW_EKS_CLUSTER_DOCUMENT_H

/*
 * A cluster as DescribeCluster shows it: made from what is given and, for the
 * rest, from values that are clearly local.
 */

#include "eks/service.h"

struct gw_eks_cluster_plan {
    struct gw_store_key key;
    enum gw_eks_auth_mode mode;
    const struct gw_json *given; /* object, members in DescribeCluster's shape that win over made ones; NULL: none */
};

/* new: a cluster record with its document. */
struct gw_cluster *gw_eks_cluster_make(const struct gw_eks_cluster_plan *plan, const struct gw_eks_env *env,
                                       struct gw_arena *arena);

/* new: the same cluster with members of its document replaced (top level), and `mode`. */
struct gw_cluster *gw_eks_cluster_change(const struct gw_cluster *cluster, const struct gw_json *members,
                                         enum gw_eks_auth_mode mode, struct gw_arena *arena);

/* arena: the cluster's document; members in their order. */
struct gw_json gw_eks_cluster_read(const struct gw_cluster *cluster, struct gw_arena *arena);

#endif
