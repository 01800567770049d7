/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_HANDLERS_H
#define GW_EKS_HANDLERS_H

/*
 * The operations that are served: one row each in service.c, one file each. To
 * add one, write its file, declare its handler here, add its row.
 */

#include "eks/service.h"

struct gw_eks_handler {
    enum gw_status (*decode)(struct gw_eks_call *call, struct gw_eks_error *error);
    /* NULL: there is nothing to check before the cluster is looked up */
    enum gw_status (*check)(struct gw_eks_call *call, const struct gw_eks_limits *limits, struct gw_eks_error *error);
    /* `result` is zeroed with status 200. What it owns when this refuses is dropped by the dispatcher. */
    enum gw_status (*prepare)(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error);
    /* Adds what was decoded to call->input and, where a body has more than the labels, to call->request_parameters. May
     * find a call whose decode failed or never ran. */
    void (*view)(struct gw_eks_call *call);
};

extern const struct gw_eks_handler gw_eks_create_cluster;
extern const struct gw_eks_handler gw_eks_describe_cluster;
extern const struct gw_eks_handler gw_eks_delete_cluster;
extern const struct gw_eks_handler gw_eks_list_clusters;
extern const struct gw_eks_handler gw_eks_update_cluster_config;
extern const struct gw_eks_handler gw_eks_describe_update;
extern const struct gw_eks_handler gw_eks_list_updates;
extern const struct gw_eks_handler gw_eks_create_access_entry;
extern const struct gw_eks_handler gw_eks_describe_access_entry;
extern const struct gw_eks_handler gw_eks_get_caller_identity;
extern const struct gw_eks_handler gw_eks_list_access_entries;
extern const struct gw_eks_handler gw_eks_update_access_entry;
extern const struct gw_eks_handler gw_eks_delete_access_entry;
extern const struct gw_eks_handler gw_eks_associate_access_policy;
extern const struct gw_eks_handler gw_eks_disassociate_access_policy;
extern const struct gw_eks_handler gw_eks_list_associated_access_policies;
extern const struct gw_eks_handler gw_eks_list_access_policies;
extern const struct gw_eks_handler gw_eks_tag_resource;
extern const struct gw_eks_handler gw_eks_untag_resource;
extern const struct gw_eks_handler gw_eks_list_tags_for_resource;

#endif
