/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_VIEW_H
#define GW_EKS_VIEW_H

/*
 * The two objects that show a call to policies and to the record. Both have room
 * for GW_EKS_VIEW_MAX members from the start, so that adding one copies nothing.
 */

#include "eks/service.h"

#define GW_EKS_VIEW_MAX 24 /* labels and members of the largest input that is served */

/* Makes both objects anew; request_parameters holds the path labels that are there, as they came. arena */
void gw_eks_view_begin(struct gw_eks_call *call);

/* Adds a member to one of the two. Past GW_EKS_VIEW_MAX it is fatal: members are ours, not the client's. */
void gw_eks_view_add(struct gw_json *object, const char *name, struct gw_json value);

/* Adds what the labels of an operation on one entry say to call->input: clusterName, principalArn. */
void gw_eks_view_entry_labels(struct gw_eks_call *call);

#endif
