/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_CLUSTER_FIELDS_H
#define GW_EKS_CLUSTER_FIELDS_H

/*
 * The members of a cluster as one tree of rows, after the service model's shapes
 * Cluster, CreateClusterRequest and UpdateClusterConfigRequest (botocore 1.44.5):
 * what a request or a configuration gives of a cluster is checked and copied by
 * walking it, and comes out in DescribeCluster's order.
 */

#include "eks/service.h"

enum gw_eks_field_kind {
    GW_EKS_FIELD_TEXT,
    GW_EKS_FIELD_BOOLEAN,
    GW_EKS_FIELD_TIME,  /* seconds since 1970 */
    GW_EKS_FIELD_TEXTS, /* an array of strings */
    GW_EKS_FIELD_TEXT_MAP,
    GW_EKS_FIELD_OBJECT,
    GW_EKS_FIELD_OBJECTS, /* an array of objects */
};

/* Where a member is known; bits. */
enum gw_eks_use {
    GW_EKS_IN_CREATE = 1, /* CreateCluster's body */
    GW_EKS_IN_UPDATE = 2, /* UpdateClusterConfig's body */
    GW_EKS_IN_SHOWN = 4,  /* DescribeCluster's reply, hence the configuration */
};

struct gw_eks_field {
    const char *name; /* NULL ends a table */
    enum gw_eks_field_kind kind;
    unsigned uses;
    const struct gw_eks_field *fields; /* of an object, or of each in an array */
    const char *values;                /* what a text may be, separated by ", "; NULL: anything */
};

extern const struct gw_eks_field gw_eks_cluster_fields[];

/* How a tree is walked. */
struct gw_eks_walk {
    enum gw_eks_use use;
    bool is_strict;   /* unknown members are mistakes; else they are passed over, as EKS does */
    size_t text_max;  /* bytes of a text */
    size_t items_max; /* of an array or map */
    struct gw_arena *arena;
    void (*problem)(void *ctx, const char *path, const char *text); /* "logging.clusterLogging", "must be ..." */
    void *ctx;
};

/* Copies what `object` has of the fields, in their order and without nulls; text is borrowed from `object`. False when
 * there were problems; all of them have been told. arena */
bool gw_eks_fields_take(const struct gw_eks_walk *walk, const struct gw_eks_field *fields, const struct gw_json *object,
                        struct gw_json *taken);

/* The field of that name where `use` has one, NULL when not. */
const struct gw_eks_field *gw_eks_fields_find(const struct gw_eks_field *fields, enum gw_eks_use use,
                                              struct gw_str name);

#endif
