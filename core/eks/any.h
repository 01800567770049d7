/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_ANY_H
#define GW_EKS_ANY_H

/*
 * Operations that only an upstream answers, read by what all of them share: labels
 * in the path, members in the query, members in a JSON body. Their types aren't
 * known here, but for what the model has in queries.
 */

#include "codec/uri.h"
#include "eks/handlers.h"

struct gw_eks_any_input {
    struct gw_json body;   /* object; one without members where the request has no body */
    struct gw_json params; /* object: members of the query under their names */
    struct gw_json labels; /* object: decoded, under their SDK names */
};

/* Whether the operation's parameters are in the body; else they are in the query. Labels are in the path. */
bool gw_eks_any_has_body(enum gw_eks_op op);

/* How a path's segment "{label}" is decoded. */
enum gw_uri_kind gw_eks_any_label_kind(struct gw_str segment);

/* For operations with a handler of their own, behind its decode: reads query and body whole, so that nothing goes on
 * that policies don't see. GW_E_DENIED: a parameter stands where EKS doesn't read it, or twice. */
GW_NODISCARD enum gw_status gw_eks_any_decode_rest(struct gw_eks_call *call, struct gw_eks_error *error);

/* Adds to both views what the handler's own view left out. */
void gw_eks_any_view_rest(struct gw_eks_call *call);

/* Its check and prepare are NULL: they are the upstream's. */
extern const struct gw_eks_handler gw_eks_any;

#endif
