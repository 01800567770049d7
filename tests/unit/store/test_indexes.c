/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows entries and clusters: listings of scopes and of policies, the index
 * by ARN, and tokens that belong to a cluster.
 */
#include "cluster_case.h"

static struct gw_store_key elsewhere(const char *partition, const char *account, const char *region)
{
    struct gw_store_key at = key("");

    at.partition = gw_str_from(partition);
    at.account = gw_str_from(account);
    at.region = gw_str_from(region);
    return at;
}

static void delete_at(struct fixture *f, const struct gw_store_key *at)
{
    struct gw_store_change change = {
        .key = *at, .expected_cluster = cluster_version(f, at), .cluster_act = GW_STORE_DELETE};

    assert_int_equal(stage_change(f, &change), GW_OK);
    commit(f);
}

static void scopes__with_a_cluster__are_listed_and_no_others(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key china = elsewhere("aws-cn", "012345678910", "cn-north-1");
    struct gw_store_key east = elsewhere("aws", "012345678910", "us-east-1");
    struct gw_store_key other = elsewhere("aws", "999999999999", "us-east-1");

    (void)stage_cluster_at(f, &other, 0);
    (void)stage_cluster_at(f, &china, 0);
    (void)stage_cluster_at(f, &east, 0);
    expect_scopes(f, "aws/012345678910/us-west-2");
    commit(f);
    expect_scopes(f, "aws-cn/012345678910/cn-north-1 aws/012345678910/us-east-1 aws/012345678910/us-west-2 "
                     "aws/999999999999/us-east-1");
    expect_clusters(f, "my-cluster");
    expect_listed(f, page_of_clusters, &china, NULL, "my-cluster");
    delete_at(f, &east);
    delete_at(f, &china);
    expect_listed(f, page_of_clusters, &china, NULL, "");
    expect_scopes(f, "aws/012345678910/us-west-2 aws/999999999999/us-east-1");
    (void)stage_cluster_at(f, &china, 0);
    commit(f);
    expect_scopes(f, "aws-cn/012345678910/cn-north-1 aws/012345678910/us-west-2 aws/999999999999/us-east-1");
    assert_int_equal(gw_store_count_clusters(f->store), 3);
}

static void scopes__one_of_two_clusters_deleted__stay(void **state)
{
    struct fixture *f = *state;

    put_cluster(f, "other");
    delete_cluster(f, "my-cluster");
    expect_scopes(f, "aws/012345678910/us-west-2");
    expect_clusters(f, "other");
    delete_cluster(f, "other");
    expect_scopes(f, "");
    expect_clusters(f, "");
}

static void policies__through_updates__list_the_entries_that_have_them(void **state)
{
    struct fixture *f = *state;

    put_cluster(f, "other");
    put_entry_with(f, "my-cluster", "a", "");
    expect_with_policy(f, "my-cluster", "P", "");
    put_entry_with(f, "my-cluster", "a", "P");
    put_entry_with(f, "my-cluster", "b", "PQ");
    put_entry_with(f, "other", "c", "P");
    expect_with_policy(f, "my-cluster", "P", "a b");
    expect_with_policy(f, "my-cluster", "Q", "b");
    put_entry_with(f, "my-cluster", "a", "QR");
    put_entry_with(f, "my-cluster", "b", "PQ"); /* the same again */
    expect_with_policy(f, "my-cluster", "P", "b");
    expect_with_policy(f, "my-cluster", "Q", "a b");
    expect_with_policy(f, "my-cluster", "R", "a");
    expect_with_policy(f, "other", "P", "c");
    assert_int_equal(stage(f, "b", find(f, "b")->version, NULL), GW_OK);
    commit(f);
    expect_with_policy(f, "my-cluster", "P", "");
    expect_with_policy(f, "my-cluster", "Q", "a");
    expect_entries(f, "my-cluster", "a");
}

static void policies__several_changes_in_one_batch__end_as_the_last_says(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key("a");
    struct gw_association one = {.policy_arn = GW_STR("P")};
    struct gw_access_entry from = {.key = at, .arn = at.principal, .associations = &one, .association_count = 1};
    struct gw_store_change change = change_at(f, &at, 0);
    uint64_t version;

    change.entry = gw_access_entry_new(&from);
    version = 0;
    for (const char *policy = "PQRQ"; *policy != '\0'; policy++) {
        const struct gw_access_entry *made;

        one.policy_arn = (struct gw_str){policy, 1};
        gw_access_entry_free(&change.entry);
        change = change_at(f, &at, version);
        made = change.entry = gw_access_entry_new(&from);
        assert_int_equal(stage_change(f, &change), GW_OK);
        version = made->version;
    }
    commit(f);
    expect_with_policy(f, "my-cluster", "P", "");
    expect_with_policy(f, "my-cluster", "Q", "a");
    expect_with_policy(f, "my-cluster", "R", "");
    expect_with_policy(f, "my-cluster", "absent", "");
}

/* Stages a put of an entry under an ARN. */
static void put_with_arn(struct fixture *f, const char *principal, const char *arn)
{
    struct gw_store_key at = key(principal);
    const struct gw_access_entry *now = gw_store_find(f->store, &at);
    struct gw_access_entry from = {.key = at, .arn = gw_str_from(arn)};
    struct gw_store_change change = change_at(f, &at, now == NULL ? 0 : now->version);

    change.entry = gw_access_entry_new(&from);
    assert_int_equal(stage_change(f, &change), GW_OK);
    commit(f);
}

static void drop_entry(struct fixture *f, const char *principal)
{
    assert_int_equal(stage(f, principal, find(f, principal)->version, NULL), GW_OK);
    commit(f);
    gw_epoch_leave(f->reader); /* what was deleted is freed: a stale pointer would show */
    gw_epoch_reclaim(f->epoch);
    gw_epoch_enter(f->reader);
}

static void arns__through_updates__find_the_newest(void **state)
{
    struct fixture *f = *state;

    put_with_arn(f, "a", "one");
    assert_ptr_equal(find_arn(f, "one"), find(f, "a"));
    put_with_arn(f, "a", "one");
    assert_ptr_equal(find_arn(f, "one"), find(f, "a"));
    put_with_arn(f, "a", "two");
    assert_null(find_arn(f, "one"));
    assert_ptr_equal(find_arn(f, "two"), find(f, "a"));
    drop_entry(f, "a");
    assert_null(find_arn(f, "two"));
    assert_null(find_arn(f, ""));
}

static void arns__two_entries_with_the_same__never_dangle_and_keep_the_other(void **state)
{
    struct fixture *f = *state;

    put_with_arn(f, "a", "same");
    put_with_arn(f, "b", "same");
    assert_ptr_equal(find_arn(f, "same"), find(f, "b"));
    drop_entry(f, "a");
    assert_ptr_equal(find_arn(f, "same"), find(f, "b"));
    put_with_arn(f, "a", "same");
    put_with_arn(f, "b", "other");
    assert_ptr_equal(find_arn(f, "same"), find(f, "a"));
    assert_ptr_equal(find_arn(f, "other"), find(f, "b"));
    put_with_arn(f, "b", "same");
    drop_entry(f, "b");
    assert_null(find_arn(f, "same"));
    assert_null(find_arn(f, "other"));
    drop_entry(f, "a");
    assert_null(find_arn(f, "same"));
}

static void tokens_of_a_cluster__stay_through_its_updates_and_go_with_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(stage_cluster(f, "other", 0, GW_STORE_PUT, "t1"), GW_OK);
    commit(f);
    assert_true(gw_str_is(find_token(f, "t1", NOW)->reply, "t1"));
    assert_int_equal(stage_cluster(f, "other", version_of(f, "other"), GW_STORE_PUT, "t2"), GW_OK);
    commit(f);
    put_cluster(f, "other");
    assert_non_null(find_token(f, "t1", NOW));
    assert_non_null(find_token(f, "t2", NOW));
    assert_int_equal(stage_cluster(f, "other", version_of(f, "other"), GW_STORE_PUT, "t2"), GW_E_STALE);
    assert_int_equal(stage_cluster(f, "other", version_of(f, "other"), GW_STORE_DELETE, "t3"), GW_OK);
    commit(f);
    assert_null(find_token(f, "t1", NOW));
    assert_null(find_token(f, "t2", NOW));
    assert_null(find_token(f, "t3", NOW));
}

static void tokens_of_a_cluster__too_many__drop_the_oldest(void **state)
{
    struct fixture *f = *state;
    char token[16];

    for (int i = 0; i < 5; i++) {
        (void)snprintf(token, sizeof(token), "t%d", i);
        assert_int_equal(stage_cluster(f, "my-cluster", version_of(f, "my-cluster"), GW_STORE_PUT, token), GW_OK);
        commit(f);
    }
    assert_null(find_token(f, "t1", NOW));
    assert_non_null(find_token(f, "t2", NOW));
    assert_non_null(find_token(f, "t4", NOW));
}

static void token__of_a_change_without_a_put__belongs_to_the_cluster(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key("a");
    struct gw_store_change change;

    assert_int_equal(stage_cluster(f, "my-cluster", version_of(f, "my-cluster"), GW_STORE_KEEP, "t1"), GW_OK);
    commit(f);
    assert_non_null(find_token(f, "t1", NOW));
    put(f, "a", "x", NULL, NOW);
    change = change_at(f, &at, find(f, "a")->version);
    change.entry_act = GW_STORE_DELETE;
    change.token = new_token("t2");
    assert_int_equal(stage_change(f, &change), GW_OK);
    commit(f);
    assert_null(find(f, "a"));
    assert_non_null(find_token(f, "t2", NOW));
    delete_cluster(f, "my-cluster");
    assert_null(find_token(f, "t1", NOW));
    assert_null(find_token(f, "t2", NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(scopes__with_a_cluster__are_listed_and_no_others),
        STORE_TEST(scopes__one_of_two_clusters_deleted__stay),
        STORE_TEST(policies__through_updates__list_the_entries_that_have_them),
        STORE_TEST(policies__several_changes_in_one_batch__end_as_the_last_says),
        STORE_TEST(arns__through_updates__find_the_newest),
        STORE_TEST(arns__two_entries_with_the_same__never_dangle_and_keep_the_other),
        STORE_TEST(tokens_of_a_cluster__stay_through_its_updates_and_go_with_it),
        STORE_TEST(tokens_of_a_cluster__too_many__drop_the_oldest),
        STORE_TEST(token__of_a_change_without_a_put__belongs_to_the_cluster),
    };

    return cmocka_run_group_tests_name("store/indexes", tests, NULL, NULL);
}
