/* SPDX-License-Identifier: Apache-2.0 */
/* What IAM's refusals call the resource of a call. */
#include "fixture.h"

#define ENTRY "arn:aws:eks:us-west-2:012345678910:access-entry/my-cluster/role/012345678910/my-role/"

static void expect_resource(struct fixture *f, struct gw_eks_call *call, const char *resource)
{
    struct gw_str found;

    assert_int_equal(gw_eks_decode(call, &f->error), GW_OK);
    found = gw_eks_resource_arn(call, f->store);
    assert_int_equal(found.length, strlen(resource));
    assert_memory_equal(found.at, resource, found.length);
}

static struct gw_eks_call *begin_entry(struct fixture *f, enum gw_eks_op op)
{
    struct gw_eks_call *call = begin(f, op);

    call->raw_labels[1] = GW_STR(ROLE_RAW);
    call->raw_labels[2] = GW_STR("x");
    call->label_count = 3;
    return call;
}

static void resource__of_operations_on_one_entry__is_the_entry(void **state)
{
    static const enum gw_eks_op ops[] = {GW_EKS_DescribeAccessEntry, GW_EKS_UpdateAccessEntry, GW_EKS_DeleteAccessEntry,
                                         GW_EKS_DisassociateAccessPolicy, GW_EKS_ListAssociatedAccessPolicies};
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(ops); i++)
        expect_resource(f, begin_entry(f, ops[i]), ENTRY "*");
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    for (size_t i = 0; i < GW_COUNT(ops); i++)
        expect_resource(f, begin_entry(f, ops[i]), ENTRY FIRST_ID);
}

static void resource__of_create_and_list__is_the_cluster(void **state)
{
    static const char cluster[] = "arn:aws:eks:us-west-2:012345678910:cluster/my-cluster";
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    expect_resource(f, begin(f, GW_EKS_ListAccessEntries), cluster);
    begin(f, GW_EKS_CreateAccessEntry)->body = GW_STR("{\"principalArn\":\"" ROLE "\"}");
    expect_resource(f, &f->call, cluster);
}

static void resource__without_one__is_everything(void **state)
{
    expect_resource(*state, begin(*state, GW_EKS_ListAccessPolicies), "*");
}

static void resource__of_tags__is_what_they_name(void **state)
{
    struct fixture *f = *state;

    begin(f, GW_EKS_ListTagsForResource)->raw_labels[0] =
        GW_STR("arn:aws:eks:us-west-2:012345678910:cluster%2Fnowhere");
    expect_resource(f, &f->call, "arn:aws:eks:us-west-2:012345678910:cluster/nowhere");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(resource__of_operations_on_one_entry__is_the_entry),
        EKS_TEST(resource__of_create_and_list__is_the_cluster),
        EKS_TEST(resource__without_one__is_everything),
        EKS_TEST(resource__of_tags__is_what_they_name),
    };

    return cmocka_run_group_tests_name("eks/resource", tests, NULL, NULL);
}
