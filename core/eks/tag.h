/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_TAG_H
#define GW_EKS_TAG_H

/*
 * Tags of resources that are named by their ARN: access entries and clusters.
 *
 *   arn:P:eks:REGION:ACCOUNT:cluster/NAME
 *   arn:P:eks:REGION:ACCOUNT:access-entry/CLUSTER/KIND/PRINCIPAL-ACCOUNT/PRINCIPAL-NAME/ID
 *
 * The operations have errors of their own: BadRequestException, NotFoundException.
 */

#include "eks/service.h"

struct gw_eks_tag_input {
    struct gw_str resource_arn; /* decoded */
    bool is_cluster;            /* else an access entry, or something that isn't here */
    bool is_entry;              /* it has the form of an access entry's */
    struct gw_json body;
    const struct gw_json *tags; /* TagResource: object of strings */
    struct gw_json tag_keys;    /* UntagResource: array of strings, when sent */
};

/* What a resource's tags are. */
struct gw_eks_tagged {
    const struct gw_cluster *cluster;    /* the resource's, or the resource itself */
    const struct gw_access_entry *entry; /* NULL: the resource is the cluster */
    const struct gw_pair *tags;          /* borrows, or arena */
    size_t count;
};

/* Makes call->tag and reads the ARN from the first label; call->cluster is the cluster that it names. Refused: what
 * isn't an ARN of EKS. */
GW_NODISCARD enum gw_status gw_eks_tag_decode(struct gw_eks_call *call, struct gw_eks_error *error);

/* Refuses: there is no such resource. */
enum gw_status gw_eks_tag_refuse_missing(const struct gw_eks_call *call, struct gw_eks_error *error);

/* Refused: there is no such resource, to this caller. */
GW_NODISCARD enum gw_status gw_eks_tag_find(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                            struct gw_eks_tagged *tagged, struct gw_eks_error *error);

/* The same for a call that is carried out: in a mock a cluster that nobody made is made, as by operations that name it
 * in their path; it stands in the change then. */
GW_NODISCARD enum gw_status gw_eks_tag_enter(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                             struct gw_eks_result *result, struct gw_eks_tagged *tagged,
                                             struct gw_eks_error *error);

/* Gives the resource other tags; the reply is {}. Refused: more than GW_TAGS_MAX. */
GW_NODISCARD enum gw_status gw_eks_tag_put(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                           const struct gw_eks_tagged *tagged, const struct gw_pair *tags, size_t count,
                                           struct gw_eks_result *result, struct gw_eks_error *error);

/* Adds resourceArn and what else the operation has to the view. */
void gw_eks_tag_view(struct gw_eks_call *call);

#endif
