/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of objects that exist wait for the writer outside the epoch in which
 * they were prepared: what they were based on may be gone by then, so nothing in
 * them may point there.
 */
#include "fixture.h"

static const char update[] = "{\"kubernetesGroups\":[\"g\"]}";
static const char associate[] = "{\"policyArn\":\"arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy\","
                                "\"accessScope\":{\"type\":\"cluster\"}}";
static const char tags[] = "{\"tags\":{\"a\":\"b\"}}";

/* Prepares an operation of the entry's, or on its tags, and gives the change. */
static const struct gw_store_change *prepare(struct fixture *f, enum gw_eks_op op, const char *label, const char *body)
{
    struct gw_eks_call *call = begin(f, op);

    if (op == GW_EKS_TagResource) {
        call->raw_labels[0] = gw_str_from(label);
    } else {
        call->raw_labels[1] = gw_str_from(label);
        call->label_count = 2;
    }
    call->body = gw_str_from(body);
    if (run_to_prepare(f) != GW_OK)
        fail_msg("refused: %s", f->text);
    assert_true(f->result.is_change);
    return &f->result.change;
}

static void expect_own_key(const struct gw_store_change *change)
{
    const struct gw_store_key *own = change->entry != NULL ? &change->entry->key : &change->cluster->key;

    assert_ptr_equal(change->key.partition.at, own->partition.at);
    assert_ptr_equal(change->key.account.at, own->account.at);
    assert_ptr_equal(change->key.region.at, own->region.at);
    assert_ptr_equal(change->key.cluster.at, own->cluster.at);
    assert_ptr_equal(change->key.principal.at, own->principal.at);
}

static void change__of_an_existing_object__has_the_key_of_what_it_carries(void **state)
{
    struct fixture *f = *state;
    const struct gw_store_key key = {GW_STR("aws"), f->account, GW_STR("us-west-2"), GW_STR("my-cluster"),
                                     GW_STR(ROLE)};
    char *arn;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    expect_own_key(prepare(f, GW_EKS_UpdateAccessEntry, ROLE, update));
    gw_eks_result_drop(&f->result);
    expect_own_key(prepare(f, GW_EKS_AssociateAccessPolicy, ROLE, associate));
    gw_eks_result_drop(&f->result);
    arn = gw_str_dup(gw_store_find(f->store, &key)->arn);
    expect_own_key(prepare(f, GW_EKS_TagResource, arn, tags));
    gw_eks_result_drop(&f->result);
    expect_own_key(prepare(f, GW_EKS_TagResource, "arn:aws:eks:us-west-2:012345678910:cluster/my-cluster", tags));
    gw_eks_result_drop(&f->result);
    free(arn);
}

int main(void)
{
    const struct CMUnitTest tests_of_changes[] = {
        EKS_TEST(change__of_an_existing_object__has_the_key_of_what_it_carries),
    };

    return cmocka_run_group_tests(tests_of_changes, NULL, NULL);
}
