/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_QUERY_H
#define GW_EKS_QUERY_H

/*
 * The AWS Query protocol: a form in, XML out. Its errors are offered by
 * service.h, since refusals come from everywhere.
 */

#include "eks/service.h"

#define GW_EKS_QUERY_NAMESPACE "https://sts.amazonaws.com/doc/2011-06-15/"

/* What every request of the protocol says; {NULL,0} for what is absent or empty. */
struct gw_eks_query {
    struct gw_str action;
    struct gw_str version;
};

/* Reads the form in the body, and the one in the target's query, which counts the same. Refused: broken escapes, Action
 * or Version twice, no Action. Other parameters are passed over. */
GW_NODISCARD enum gw_status gw_eks_query_decode(const struct gw_eks_call *call, struct gw_eks_query *query,
                                                struct gw_eks_error *error);

/* InvalidAction: there is no such operation of that version. */
enum gw_status gw_eks_query_refuse_action(const struct gw_eks_call *call, const struct gw_eks_query *query,
                                          struct gw_eks_error *error);

/* Appends `<name>text</name>` on a line of its own, `depth` levels deep. */
void gw_eks_query_put(struct gw_buf *out, unsigned depth, const char *name, struct gw_str text);

#endif
