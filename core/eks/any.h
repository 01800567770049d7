/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_ANY_H
#define GW_EKS_ANY_H

/*
 * Operations that only an upstream answers, read by what all of them share: labels
 * in the path, members in the query, members in a JSON body. Their types aren't
 * known here, but for what the model has in queries.
 */

#include "eks/handlers.h"

struct gw_eks_any_input {
    struct gw_json body;   /* object; one without members where the request has no body */
    struct gw_json params; /* object: members of the query under their names */
    struct gw_json labels; /* object: decoded, under their SDK names */
};

/* Its check and prepare are NULL: they are the upstream's. */
extern const struct gw_eks_handler gw_eks_any;

#endif
