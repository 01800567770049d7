/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access policies: their table and ARNs, and associations when the store has moved
 * between the answer and the commit.
 */
#include "fixture.h"

#include "eks/access_policy.h"

#define POLICY(name) "arn:aws:eks::aws:cluster-access-policy/" name
#define VIEW         POLICY("AmazonEKSViewPolicy")

static struct gw_eks_call *begin_associate(struct fixture *f, const char *label, const char *body)
{
    struct gw_eks_call *call = begin(f, GW_EKS_AssociateAccessPolicy);

    call->raw_labels[1] = gw_str_from(label);
    call->label_count = 2;
    call->body = gw_str_from(body);
    return call;
}

static enum gw_status associate(struct fixture *f, const char *policy, const char *scope)
{
    (void)begin_associate(f, ROLE_RAW,
                          gw_arena_printf(&f->arena, "{\"policyArn\":\"%s\",\"accessScope\":%s}", policy, scope).at);
    return run(f);
}

static void policies__are_sorted_and_listed_but_for_two(void **state)
{
    size_t listed = 0;
    size_t linked = 0;

    (void)state;
    for (size_t i = 0; i < gw_eks_policy_count; i++) {
        if (i > 0)
            assert_true(gw_str_compare(gw_eks_policies[i - 1].name, gw_eks_policies[i].name) < 0);
        listed += gw_eks_policies[i].is_listed;
        linked += gw_eks_policies[i].is_linked_only;
    }
    assert_int_equal(listed, 33);
    assert_int_equal(gw_eks_policy_count, 35);
    assert_int_equal(linked, 7);
}

static void find__every_policy__by_the_arn_that_is_made_of_it(void **state)
{
    struct fixture *f = *state;

    begin(f, GW_EKS_AssociateAccessPolicy)->partition = GW_STR("aws-us-gov");
    for (size_t i = 0; i < gw_eks_policy_count; i++) {
        const struct gw_eks_policy *found = NULL;
        struct gw_str arn = gw_eks_policy_arn(&f->call, &gw_eks_policies[i]);

        assert_true(gw_str_starts(arn, GW_STR("arn:aws-us-gov:eks::aws:cluster-access-policy/A")));
        assert_int_equal(gw_eks_policy_check_form(&f->call, arn, &f->error), GW_OK);
        assert_int_equal(gw_eks_policy_find(&f->call, arn, &found, &f->error), GW_OK);
        assert_ptr_equal(found, &gw_eks_policies[i]);
    }
}

/* Nothing shorter than the ARN is it, whatever follows it in memory. */
static void find__every_beginning_of_an_arn__is_another_text(void **state)
{
    struct fixture *f = *state;
    struct gw_str arn = GW_STR(VIEW);
    size_t form = strlen(POLICY(""));

    begin(f, GW_EKS_AssociateAccessPolicy);
    for (size_t length = 0; length < arn.length; length++) {
        const struct gw_eks_policy *found = NULL;
        struct gw_str part = gw_str_slice(arn, 0, length);

        assert_int_equal(gw_eks_policy_check_form(&f->call, part, &f->error), length > form ? GW_OK : GW_E_DENIED);
        assert_int_equal(gw_eks_policy_find(&f->call, part, &found, &f->error), GW_E_DENIED);
        assert_null(found);
    }
    assert_int_equal(gw_eks_policy_check_form(&f->call, GW_STR_NONE, &f->error), GW_E_DENIED);
}

/* No caller can make such an entry; AWS's services can. */
static void associate__a_service_linked_roles_own_policy__is_for_it(void **state)
{
    static const char principal[] = "arn:aws:iam::012345678910:role/aws-service-role/x.amazonaws.com/R";
    static const char label[] = "arn:aws:iam::012345678910:role%2Faws-service-role%2Fx.amazonaws.com%2FR";
    struct fixture *f = *state;
    struct gw_eks_env env = make_env(f);
    struct gw_err err;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}"); /* so that there is a cluster */
    begin(f, GW_EKS_CreateAccessEntry)->body = gw_arena_printf(&f->arena, "{\"principalArn\":\"%s\"}", principal);
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    assert_int_equal(gw_eks_prepare(&f->call, &env, &f->result, &f->error), GW_OK);
    assert_int_equal(gw_store_stage(f->store, &f->result.change), GW_OK);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
    (void)begin_associate(
        f, label, "{\"policyArn\":\"" POLICY("AmazonEKSComputePolicy") "\",\"accessScope\":{\"type\":\"cluster\"}}");
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    assert_int_equal(gw_eks_prepare(&f->call, &env, &f->result, &f->error), GW_OK);
    gw_eks_result_drop(&f->result);
}

static void associate__prepared_again_after_another__has_both(void **state)
{
    struct fixture *f = *state;
    struct gw_store_change late;
    struct gw_eks_call waiting;
    struct gw_eks_env env = make_env(f);
    struct gw_err err;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    (void)begin_associate(f, ROLE_RAW, "{\"policyArn\":\"" VIEW "\",\"accessScope\":{\"type\":\"cluster\"}}");
    assert_int_equal(run_to_prepare(f), GW_OK);
    late = f->result.change;
    waiting = f->call;
    assert_int_equal(associate(f, POLICY("AmazonEKSEditPolicy"), "{\"type\":\"cluster\"}"), GW_OK);
    assert_int_equal(gw_store_stage(f->store, &late), GW_E_STALE);
    gw_store_change_drop(&late);
    assert_int_equal(gw_eks_prepare(&waiting, &env, &f->result, &f->error), GW_OK);
    assert_int_equal(f->result.change.entry->association_count, 2);
    assert_int_equal(gw_store_stage(f->store, &f->result.change), GW_OK);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
}

static void associate__at_the_limit__changes_but_doesnt_add(void **state)
{
    struct fixture *f = *state;

    f->limits.policies_per_entry = 2;
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(associate(f, VIEW, "{\"type\":\"cluster\"}"), GW_OK);
    assert_int_equal(associate(f, POLICY("AmazonEKSEditPolicy"), "{\"type\":\"cluster\"}"), GW_OK);
    assert_int_equal(associate(f, POLICY("AmazonEKSAdminPolicy"), "{\"type\":\"cluster\"}"), GW_E_DENIED);
    expect_error(f, T_REQUEST, "An access entry can't have more than 2 access policies associated.");
    f->now_ms += 5;
    assert_int_equal(associate(f, VIEW, "{\"type\":\"namespace\",\"namespaces\":[\"a\",\"a\"]}"), GW_OK);
    expect_reply_has(f, "\"namespaces\":[\"a\"]},\"associatedAt\":1685475163.532,\"modifiedAt\":1685475163.537}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(policies__are_sorted_and_listed_but_for_two),
        EKS_TEST(find__every_policy__by_the_arn_that_is_made_of_it),
        EKS_TEST(find__every_beginning_of_an_arn__is_another_text),
        EKS_TEST(associate__a_service_linked_roles_own_policy__is_for_it),
        EKS_TEST(associate__prepared_again_after_another__has_both),
        EKS_TEST(associate__at_the_limit__changes_but_doesnt_add),
    };

    return cmocka_run_group_tests_name("eks/access_policy", tests, NULL, NULL);
}
