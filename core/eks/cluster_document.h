/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_CLUSTER_DOCUMENT_H
#define GW_EKS_CLUSTER_DOCUMENT_H

/*
 * A cluster as DescribeCluster shows it: made from what is given and, for the
 * rest, from values that are clearly local (names under .invalid, ids of zeros).
 * Members in the order of the service model, unset ones null.
 */

#include "eks/service.h"

/* The service range of a cluster for which none is given. */
#define GW_EKS_SERVICE_CIDR "10.100.0.0/16"

struct gw_eks_cluster_plan {
    struct gw_store_key key;
    enum gw_eks_auth_mode mode;
    const struct gw_json *given; /* object, members in DescribeCluster's shape that win over made ones; NULL: none */
};

/* new: a cluster record with its document. */
struct gw_cluster *gw_eks_cluster_make(const struct gw_eks_cluster_plan *plan, const struct gw_eks_env *env,
                                       struct gw_arena *arena);

/* new: the same cluster with `mode`, and with members of its document replaced: objects member by member, arrays and
 * tags whole. `members` may be NULL. */
struct gw_cluster *gw_eks_cluster_change(const struct gw_cluster *cluster, const struct gw_json *members,
                                         enum gw_eks_auth_mode mode, struct gw_arena *arena);

/* arena: the cluster's document; members in their order. */
struct gw_json gw_eks_cluster_read(const struct gw_cluster *cluster, struct gw_arena *arena);

/* arena: {"cluster":DOCUMENT}; with another `status` unless that is {NULL,0}. */
struct gw_str gw_eks_cluster_reply(const struct gw_cluster *cluster, struct gw_str status, struct gw_arena *arena);

/* Lays an object over another as gw_eks_cluster_change does. arena; `members` stays as it is. */
void gw_eks_cluster_lay_over(struct gw_arena *arena, struct gw_json *document, const struct gw_json *members);

#endif
