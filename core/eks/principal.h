/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_PRINCIPAL_H
#define GW_EKS_PRINCIPAL_H

/*
 * Which IAM principals may have an access entry.
 */

#include "eks/access_entry.h"

/* Sets call->principal from `arn`. Refused (E5): anything but the ARN of an IAM role, user or root. */
GW_NODISCARD enum gw_status gw_eks_principal_decode(struct gw_eks_call *call, struct gw_str arn,
                                                    struct gw_eks_error *error);

/* The same for a path label, which is decoded once: `%3A` and `:` are one ARN. */
GW_NODISCARD enum gw_status gw_eks_principal_decode_label(struct gw_eks_call *call, struct gw_str label,
                                                          struct gw_eks_error *error);

/* Cluster and principal from the two first labels: all there is to decode of an operation on one entry without a body.
 */
GW_NODISCARD enum gw_status gw_eks_principal_decode_entry(struct gw_eks_call *call, struct gw_eks_error *error);

/* Whoever changes an entry: not of a service-linked role (E7). */
GW_NODISCARD enum gw_status gw_eks_principal_check_linked(const struct gw_eks_call *call, struct gw_eks_error *error);

/* Node types: a role (E8) of the cluster's account (E9). */
GW_NODISCARD enum gw_status gw_eks_principal_check_type(const struct gw_eks_call *call, const struct gw_eks_type *type,
                                                        struct gw_eks_error *error);

/* Refused (E6): a principal of another partition, which can't exist for this one; and one that env->principals hasn't,
 * where that is given. */
GW_NODISCARD enum gw_status gw_eks_principal_check_exists(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                                          struct gw_eks_error *error);

#endif
