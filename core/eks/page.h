/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_PAGE_H
#define GW_EKS_PAGE_H

/*
 * maxResults and nextToken of the operations that list.
 *
 * A nextToken is the last item that was given, behind a digest over the
 * operation, where it looks, its filter and that item: base64(digest[12] item).
 * It holds no position, so that whatever is created and deleted meanwhile the next
 * page goes on behind that item, also after a restart; and it is refused under
 * another operation, cluster or filter.
 */

#include "eks/service.h"

#define GW_EKS_PAGE_MAX 100

struct gw_eks_paging {
    struct gw_str max_results; /* as sent */
    struct gw_str next_token;
    struct gw_str policy_arn;  /* associatedPolicyArn */
    struct gw_json include;    /* of ListClusters; an array when sent */
    struct gw_store_page page; /* room for GW_EKS_PAGE_MAX items */
    bool is_foreign;           /* the token is none of ours; only of a call that is forwarded */
    /* where the call looked when it was decoded: that of its tokens, also where it looks elsewhere in the end */
    struct gw_str partition;
    struct gw_str account;
    struct gw_str region;
};

/* Makes call->paging from the query, once the labels are decoded. Refused: a maxResults that isn't 1 to 100, a token of
 * another listing unless an upstream answers, whose tokens are its business. An empty token is none. arena */
GW_NODISCARD enum gw_status gw_eks_page_decode(struct gw_eks_call *call, struct gw_eks_error *error);

/* Appends `"nextToken":null`, or the token that goes on behind `last` where the page has more. */
void gw_eks_page_encode_token(const struct gw_eks_call *call, struct gw_str last, struct gw_buf *body);

/* Adds the query's members to the view. */
void gw_eks_page_view(struct gw_eks_call *call);

/* For a listing that is an array in memory, `count` texts in byte order: as gw_store_page does; gives the index of the
 * first item of the page, and how many there are in `*found`. */
size_t gw_eks_page_array(struct gw_eks_call *call, const struct gw_str *texts, size_t count, size_t *found);

#endif
