/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_CLUSTER_CASE_H
#define GW_TEST_CLUSTER_CASE_H

/*
 * Calls on clusters, which the fixture leaves alone.
 */

#include "fixture.h"

#define ROLE_ARN "arn:aws:iam::012345678910:role/eks"
#define VPC      "\"resourcesVpcConfig\":{\"subnetIds\":[\"subnet-1\",\"subnet-2\"]}"
/* The body of a CreateCluster with further members, each with a comma in front. */
#define BODY(more) "{\"name\":\"demo\",\"roleArn\":\"" ROLE_ARN "\"," VPC more "}"

/* `name` is E20's, not the clusterName of operations on sub-resources. */
#define BAD_NAME                                                                                                       \
    "The parameter name contains invalid characters. It should conform to the regular expression "                     \
    "\"^[0-9A-Za-z][A-Za-z0-9-_]*\"In other words, it should start with a number or letter, and can contain numbers, " \
    "letters, dashes, and underscores."

static inline const struct gw_principal *parse_caller(struct fixture *f, const char *arn)
{
    struct gw_principal *caller = gw_arena_zero(&f->arena, 1, sizeof(*caller));

    assert_int_equal(gw_arn_parse_principal(gw_str_from(arn), caller), GW_OK);
    return caller;
}

/* One call with a label for the cluster (NULL: none) and another behind it (NULL: none). */
static inline enum gw_status call_cluster(struct fixture *f, enum gw_eks_op op, const char *label, const char *second,
                                          const char *body)
{
    struct gw_eks_call *call = begin(f, op);

    f->cluster.is_left_alone = true;
    call->caller = parse_caller(f, USER);
    call->label_count = second != NULL ? 2 : label != NULL;
    call->raw_labels[0] = gw_str_from(label);
    call->raw_labels[1] = gw_str_from(second);
    call->body = gw_str_from(body);
    return run(f);
}

static inline void expect_cluster(struct fixture *f, const char *body)
{
    if (call_cluster(f, GW_EKS_CreateCluster, NULL, NULL, body) != GW_OK)
        fail_msg("refused: %s", f->text);
}

static inline void expect_no_cluster(struct fixture *f, const char *body, const char *code, const char *message)
{
    assert_int_equal(call_cluster(f, GW_EKS_CreateCluster, NULL, NULL, body), GW_E_DENIED);
    expect_error(f, code, message);
    assert_int_equal(gw_store_count_clusters(f->store), 0);
}

static inline enum gw_status describe_cluster(struct fixture *f, const char *label)
{
    return call_cluster(f, GW_EKS_DescribeCluster, label, NULL, NULL);
}

#endif
