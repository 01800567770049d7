/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_CLUSTER_INPUT_H
#define GW_EKS_CLUSTER_INPUT_H

/*
 * What a request says of a cluster: the body of CreateCluster and of
 * UpdateClusterConfig. A member that is null counts as not sent; one that the
 * model doesn't have is ignored.
 */

#include "eks/cluster_fields.h"

struct gw_eks_cluster_input {
    enum gw_eks_use use;
    struct gw_json body;        /* object, as sent; null while there is none that could be read */
    struct gw_json parameters;  /* object: what the operation knows of it, in DescribeCluster's order, without nulls */
    struct gw_str token;        /* clientRequestToken; {NULL,0}: not sent */
    const struct gw_json *tags; /* object of strings; NULL: not sent */

    /* by policies */
    const struct gw_pair *default_tags; /* none of them has a key that was sent */
    size_t default_tag_count;
};

/* Makes call->cluster_input from the body. Refused: what isn't a JSON object, members of other types, or larger ones,
 * than `use` knows. arena */
GW_NODISCARD enum gw_status gw_eks_cluster_input_decode(struct gw_eks_call *call, enum gw_eks_use use,
                                                        struct gw_eks_error *error);

/* A member of the parameters, or one inside it; NULL when it wasn't sent. `inner` may be NULL. */
const struct gw_json *gw_eks_cluster_input_get(const struct gw_eks_call *call, const char *outer, const char *inner);

/* The rules for tags, those that policies added included. */
GW_NODISCARD enum gw_status gw_eks_cluster_input_check_tags(const struct gw_eks_call *call, struct gw_eks_error *error);

/* The tags sent, then those added. arena */
const struct gw_pair *gw_eks_cluster_input_tags(const struct gw_eks_call *call, size_t *count);

/* Adds the members sent to call->input (well typed ones) and call->request_parameters (as they are). */
void gw_eks_cluster_input_view(struct gw_eks_call *call);

/* Adds `name`, as the operations on clusters call the cluster, to call->input. */
void gw_eks_cluster_view_label(struct gw_eks_call *call);

#endif
