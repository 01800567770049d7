/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_CLUSTER_UPDATE_H
#define GW_EKS_CLUSTER_UPDATE_H

/*
 * Updates of a cluster, as DescribeUpdate shows them:
 *
 *   {"id":...,"status":"Successful","type":"AccessConfigUpdate",
 *    "params":[{"type":"AuthenticationMode","value":"API"}],"createdAt":...,"errors":[]}
 *
 * A cluster remembers its newest GW_EKS_UPDATES_MAX, oldest first.
 */

#include "eks/service.h"

#define GW_EKS_UPDATES_MAX 100

/* What DescribeUpdate and ListUpdates ask for, in call->update. */
struct gw_eks_update_input {
    struct gw_str id; /* of DescribeUpdate; {NULL,0}: not yet decoded */
    struct gw_str nodegroup;
    struct gw_str addon;
    struct gw_str capability;
};

/* Makes call->update from the query. arena */
GW_NODISCARD enum gw_status gw_eks_update_decode(struct gw_eks_call *call, struct gw_eks_error *error);

/* Refused: updates of a node group, add-on or capability; no cluster here has one. */
GW_NODISCARD enum gw_status gw_eks_update_check_owner(const struct gw_eks_call *call, struct gw_eks_error *error);

/* Adds the query's members to the view. */
void gw_eks_update_view(struct gw_eks_call *call);

/* One that is being made. */
struct gw_eks_update {
    const char *type;      /* "AccessConfigUpdate" */
    struct gw_json params; /* array of {type, value} */
};

/* arena: the update as JSON text, with a new id. */
struct gw_str gw_eks_update_encode(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                   const struct gw_eks_update *update);

/* `cluster` with the update behind its others, the oldest dropped where there are too many; views, arena. */
struct gw_cluster gw_eks_update_append(const struct gw_cluster *cluster, struct gw_str update, struct gw_arena *arena);

/* The id of an update's JSON text. View. */
struct gw_str gw_eks_update_id(struct gw_str update);

/* arena: {"update":TEXT} */
struct gw_str gw_eks_update_reply(struct gw_str update, struct gw_arena *arena);

#endif
