/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_FORWARD_H
#define GW_EKS_FORWARD_H

/*
 * Calls that another service answers (call->is_forwarded): what of them is read
 * here, and the request made anew from what was read. Nothing is copied but a body
 * that nobody changed, which has been parsed strictly: a member that is there
 * twice, say, is refused.
 */

#include "codec/sigv4.h"
#include "eks/service.h"

/* True where the model has a clientRequestToken for the operation's body, which makes a repeated request harmless. */
bool gw_eks_takes_token(enum gw_eks_op op);
/* True when the caller of a decoded call sent one. */
bool gw_eks_has_token(const struct gw_eks_call *call);

/* Appends the path: the operation's own, with each label decoded once and encoded anew. GW_E_SYNTAX: a label that can't
 * be written into a path (control and 8-bit bytes, a dot segment). arena: scratch */
GW_NODISCARD enum gw_status gw_eks_forward_path(const struct gw_eks_call *call, struct gw_buf *path);

/* Appends the query without what presigning added. */
void gw_eks_forward_query(const struct gw_sigv4_query *query, struct gw_buf *text);

/* The body: as it came where nothing is added to it, else with `token` ({NULL,0}: none) as clientRequestToken and with
 * what policies chose. arena, or call->body. GW_E_LIMIT past `max` bytes. */
GW_NODISCARD enum gw_status gw_eks_forward_body(const struct gw_eks_call *call, struct gw_str token, size_t max,
                                                struct gw_str *body);

/* True when policies chose something. */
bool gw_eks_has_choices(const struct gw_eks_call *call);

/* Reads a fact from the body of a reply: of DescribeAccessEntry, ListAssociatedAccessPolicies, DescribeCluster. arena:
 * views. GW_E_SYNTAX, GW_E_TYPE: it isn't such a reply. GW_E_LIMIT: a page is behind it. */
GW_NODISCARD enum gw_status gw_eks_forward_fact(enum gw_eks_fact fact, struct gw_str reply, struct gw_arena *arena,
                                                struct gw_eks_facts *facts);

/* A page of ListAccessEntries. */
struct gw_eks_forward_page {
    const struct gw_json *principals; /* array of ARNs, as strings that begin with "arn:" */
    struct gw_str next_token;         /* {NULL,0}: it is the last */
};
/* arena: views. GW_E_SYNTAX, GW_E_TYPE: it isn't such a reply. */
GW_NODISCARD enum gw_status gw_eks_forward_entries(struct gw_str reply, struct gw_arena *arena,
                                                   struct gw_eks_forward_page *page);
/* Whether a ListAssociatedAccessPolicies reply shows an administrator of the whole cluster. Statuses as of
 * gw_eks_forward_fact. arena: scratch */
GW_NODISCARD enum gw_status gw_eks_forward_administers(struct gw_str reply, struct gw_arena *arena, bool *administers);

#endif
