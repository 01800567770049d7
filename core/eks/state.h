/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_STATE_H
#define GW_EKS_STATE_H

/*
 * All that a store holds but its tokens, as one JSON text made of the API's own
 * shapes:
 *
 *   {"clusters":[{"cluster":{...},             `cluster` of DescribeCluster; name alone is needed
 *                 "updates":[{...}],           `update` of DescribeUpdate, oldest first
 *                 "accessEntries":[
 *                   {"accessEntry":{...},      that of DescribeAccessEntry; principalArn alone is needed
 *                    "associatedAccessPolicies":[{"policyArn":...,"accessScope":{...},...}]}]}]}
 *
 * What is left out is as EKS would make it; what isn't known is refused. Where a
 * cluster is, its arn says, else the defaults. Times are seconds since 1970, or
 * ISO 8601 texts as the AWS CLI prints them. A text that was written here and is
 * read again gives the same store: ids, ARNs, times and order.
 */

#include "eks/service.h"

/* Where clusters are whose arn doesn't say. */
struct gw_eks_state_place {
    struct gw_str partition;
    struct gw_str account;
    struct gw_str region;
};

struct gw_eks_state_cluster {
    struct gw_cluster *cluster; /* NULL once somebody has taken it; the same for entries */
    struct gw_access_entry **entries;
    size_t entry_count;
    size_t entry_room;
};

struct gw_eks_state {
    struct gw_eks_state_cluster *clusters;
    size_t count;
    size_t room;
    size_t entry_count; /* of all clusters */
};

/* new: what the text holds, checked as a whole: types, forms of ARNs, limits, nothing twice. Of env the time, ids,
 * random bytes and limits are used. Else err names the element: "clusters[0].accessEntries[2].accessEntry.tags: ...".
 */
GW_NODISCARD enum gw_status gw_eks_state_decode(struct gw_str text, const struct gw_eks_state_place *place,
                                                const struct gw_eks_env *env, struct gw_eks_state *state,
                                                struct gw_err *err);
void gw_eks_state_free(struct gw_eks_state *state);

/* Writer's thread, into an empty batch: stages that the store holds this and nothing else. What is staged is the
 * store's; where this isn't GW_OK the batch is to be rolled back. */
GW_NODISCARD enum gw_status gw_eks_state_stage(struct gw_eks_state *state, struct gw_store *store);

/* Writes what the store holds. Inside an epoch, or on the writer's thread, where it is of one moment. */
void gw_eks_state_encode(const struct gw_store *store, struct gw_buf *out);

#endif
