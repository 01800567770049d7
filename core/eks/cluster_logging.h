/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_CLUSTER_LOGGING_H
#define GW_EKS_CLUSTER_LOGGING_H

/*
 * Which logs a cluster's control plane writes. A request names types to turn on
 * and off, and leaves the others alone; the document names all five, the enabled
 * ones first:
 *
 *   {"clusterLogging":[{"types":["api","audit"],"enabled":true},
 *                      {"types":["authenticator","controllerManager","scheduler"],"enabled":false}]}
 */

#include "codec/json.h"

/* arena: `logging` (NULL: all off) with what `sent` (NULL: nothing) says laid over it. */
struct gw_json gw_eks_logging_lay_over(const struct gw_json *logging, const struct gw_json *sent,
                                       struct gw_arena *arena);

/* True when both turn on the same types. */
bool gw_eks_logging_equal(const struct gw_json *a, const struct gw_json *b);

#endif
