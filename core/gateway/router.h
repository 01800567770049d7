/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_ROUTER_H
#define GW_GATEWAY_ROUTER_H

/*
 * From method and raw path to an operation of operations.def. Segments are
 * compared as they came; labels are handed on undecoded (they are decoded once,
 * after the signature held).
 */

#include "eks/service.h"

struct gw_route {
    enum gw_eks_op op;
    struct gw_str labels[GW_EKS_LABELS_MAX]; /* still encoded; views into the path */
    size_t label_count;
};

struct gw_router;

/* new: the table, built once; read by all workers. */
struct gw_router *gw_router_new(void);
void gw_router_free(struct gw_router **router);

/* GW_E_MISSING when nothing matches, also for a path with empty or dot segments. */
GW_NODISCARD enum gw_status gw_router_match(const struct gw_router *router, enum gw_method method, struct gw_str path,
                                            struct gw_route *route);

#endif
