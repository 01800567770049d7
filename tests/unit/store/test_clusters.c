/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clusters as data: what hangs from one goes with it, changes see the newest
 * state of cluster and entry within a batch, and what is rolled back never was.
 */
#include "cluster_case.h"

static void cluster__put_updated_and_deleted__is_found_and_listed_accordingly(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key_in("other", "");
    uint64_t first;

    expect_clusters(f, "my-cluster");
    assert_null(gw_store_find_cluster(f->store, &at));
    put_cluster(f, "other");
    first = version_of(f, "other");
    assert_true(first > 0);
    expect_clusters(f, "my-cluster other");
    assert_int_equal(gw_store_count_clusters(f->store), 2);
    put_cluster(f, "other");
    assert_true(version_of(f, "other") > first);
    expect_clusters(f, "my-cluster other");
    assert_int_equal(gw_store_count_clusters(f->store), 2);
    delete_cluster(f, "other");
    assert_null(gw_store_find_cluster(f->store, &at));
    expect_clusters(f, "my-cluster");
    assert_int_equal(gw_store_count_clusters(f->store), 1);
}

static void cluster__every_part_of_its_key__counts(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key("");
    struct gw_str *const parts[] = {&at.partition, &at.account, &at.region, &at.cluster};

    for (size_t i = 0; i < GW_COUNT(parts); i++) {
        struct gw_str kept = *parts[i];

        *parts[i] = GW_STR("other");
        assert_null(gw_store_find_cluster(f->store, &at));
        *parts[i] = kept;
    }
    at.principal = GW_STR("not read");
    assert_non_null(gw_store_find_cluster(f->store, &at));
}

static void cluster_update__its_entries_and_their_policies__stay(void **state)
{
    struct fixture *f = *state;

    put_entry_with(f, "my-cluster", "a", "PQ");
    put(f, "b", "x", "t1", NOW);
    put_cluster(f, "my-cluster");
    expect_entries(f, "my-cluster", "a b");
    expect_with_policy(f, "my-cluster", "P", "a");
    assert_non_null(find(f, "a"));
    assert_non_null(find_token(f, "t1", NOW));
    assert_int_equal(count_cluster(f, "my-cluster"), 2);
}

static void cluster_delete__all_that_hangs_from_it__goes_along(void **state)
{
    struct fixture *f = *state;
    char name[16];

    put_cluster(f, "other");
    put_entry_with(f, "other", "a", "P");
    f->cluster_max = SIZE_MAX;
    for (int i = 0; i < 1000; i++) { /* several times what a cascade looks up at once */
        (void)snprintf(name, sizeof(name), "p%d", i);
        assert_int_equal(stage_entry_with(f, "my-cluster", name, i % 2 == 0 ? "P" : "PQ"), GW_OK);
    }
    commit(f);
    put(f, "a", "x", "t1", NOW);
    assert_int_equal(stage_cluster(f, "my-cluster", version_of(f, "my-cluster"), GW_STORE_PUT, "t2"), GW_OK);
    commit(f);
    assert_non_null(find_arn(f, "p999"));
    delete_cluster(f, "my-cluster");
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "p%d", i);
        assert_null(find(f, name));
        assert_null(find_arn(f, name));
    }
    assert_null(find_token(f, "t1", NOW));
    assert_null(find_token(f, "t2", NOW));
    expect_entries(f, "my-cluster", "");
    expect_with_policy(f, "my-cluster", "P", "");
    expect_with_policy(f, "my-cluster", "Q", "");
    assert_int_equal(count_cluster(f, "my-cluster"), 0);
    expect_clusters(f, "other");
    expect_entries(f, "other", "a");
    expect_with_policy(f, "other", "P", "a");
    assert_int_equal(gw_store_count(f->store), 1);
}

static void cluster_delete__and_made_again__has_nothing_of_the_first(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key("a");

    put_entry_with(f, "my-cluster", "a", "P");
    delete_cluster(f, "my-cluster");
    assert_int_equal(stage_at(f, &at, 0, "x", NULL, NOW), GW_E_STALE);
    put_cluster(f, "my-cluster");
    assert_null(find(f, "a"));
    expect_entries(f, "my-cluster", "");
    expect_with_policy(f, "my-cluster", "P", "");
    put_entry_with(f, "my-cluster", "a", "Q");
    expect_entries(f, "my-cluster", "a");
    expect_with_policy(f, "my-cluster", "P", "");
    expect_with_policy(f, "my-cluster", "Q", "a");
}

/* Stages a create of an entry in a cluster of that version, staged or not. */
static enum gw_status stage_in(struct fixture *f, uint64_t cluster, const char *principal, uint64_t version,
                               const char *username)
{
    struct gw_store_key at = key(principal);
    struct gw_store_change change = change_at(f, &at, version);

    change.expected_cluster = cluster;
    if (username == NULL)
        change.entry_act = GW_STORE_DELETE;
    else
        change.entry = new_entry(&at, username);
    return stage_change(f, &change);
}

static void cluster_delete__and_made_again_in_one_batch__takes_entries_of_the_second_only(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key("");
    uint64_t first = version_of(f, "my-cluster");
    uint64_t old_entry;
    uint64_t second;

    put(f, "a", "old", "t1", NOW);
    put(f, "b", "old", "t2", NOW);
    old_entry = find(f, "a")->version;
    assert_int_equal(stage_cluster(f, "my-cluster", first, GW_STORE_DELETE, NULL), GW_OK);
    assert_int_equal(stage_in(f, first, "c", 0, "x"), GW_E_STALE);
    assert_int_equal(stage_in(f, 0, "c", 0, "x"), GW_E_STALE);
    second = stage_cluster_at(f, &at, 0);
    assert_int_equal(stage_in(f, first, "c", 0, "x"), GW_E_STALE);
    assert_int_equal(stage_in(f, second, "a", old_entry, "x"), GW_E_STALE);
    assert_int_equal(stage_in(f, second, "a", old_entry, NULL), GW_E_STALE);
    assert_int_equal(stage_in(f, second, "a", 0, "new"), GW_OK);
    assert_int_equal(stage_in(f, second, "a", 0, "newer"), GW_E_STALE);
    commit(f);
    assert_int_equal(version_of(f, "my-cluster"), second);
    assert_true(gw_str_is(find(f, "a")->username, "new"));
    assert_null(find(f, "b"));
    assert_null(find_token(f, "t1", NOW));
    assert_null(find_token(f, "t2", NOW));
    expect_entries(f, "my-cluster", "a");
    expect_clusters(f, "my-cluster");
    assert_int_equal(gw_store_count(f->store), 1);
    assert_int_equal(gw_store_count_clusters(f->store), 1);
}

static void cluster_delete__behind_changes_of_its_entries__takes_them_along(void **state)
{
    struct fixture *f = *state;
    uint64_t version = version_of(f, "my-cluster");
    struct gw_store_key c = key("c");

    put(f, "a", "x", "t1", NOW);
    put(f, "b", "x", NULL, NOW);
    assert_int_equal(stage(f, "a", find(f, "a")->version, "updated"), GW_OK);
    assert_int_equal(stage(f, "b", find(f, "b")->version, NULL), GW_OK);
    assert_int_equal(stage_at(f, &c, 0, "new", "t2", NOW), GW_OK);
    assert_int_equal(stage_cluster(f, "my-cluster", version, GW_STORE_DELETE, NULL), GW_OK);
    assert_int_equal(stage_cluster(f, "my-cluster", version, GW_STORE_DELETE, NULL), GW_E_STALE);
    assert_int_equal(stage(f, "a", find(f, "a")->version, NULL), GW_E_STALE);
    commit(f);
    assert_int_equal(gw_store_count(f->store), 0);
    assert_null(find_token(f, "t1", NOW));
    assert_null(find_token(f, "t2", NOW));
    assert_null(find_arn(f, "arn:my-cluster/a"));
    assert_null(find_arn(f, "arn:my-cluster/c"));
    expect_entries(f, "my-cluster", "");
    expect_scopes(f, "");
}

static void cluster__made_and_deleted_in_one_batch__never_was(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key_in("other", "");
    uint64_t version = stage_cluster_at(f, &at, 0);

    assert_int_equal(stage_cluster(f, "other", version, GW_STORE_DELETE, NULL), GW_OK);
    assert_int_equal(stage_cluster(f, "other", version, GW_STORE_PUT, NULL), GW_E_STALE);
    commit(f);
    assert_null(gw_store_find_cluster(f->store, &at));
    expect_clusters(f, "my-cluster");
    assert_int_equal(gw_store_count_clusters(f->store), 1);
}

static void cluster_stage__wrong_version__is_stale(void **state)
{
    struct fixture *f = *state;
    uint64_t version = version_of(f, "my-cluster");

    assert_int_equal(stage_cluster(f, "my-cluster", 0, GW_STORE_PUT, NULL), GW_E_STALE);
    assert_int_equal(stage_cluster(f, "my-cluster", version + 1, GW_STORE_PUT, NULL), GW_E_STALE);
    assert_int_equal(stage_cluster(f, "my-cluster", version + 1, GW_STORE_DELETE, NULL), GW_E_STALE);
    assert_int_equal(stage_cluster(f, "my-cluster", 0, GW_STORE_DELETE, NULL), GW_E_STALE);
    assert_int_equal(stage_cluster(f, "other", version, GW_STORE_PUT, NULL), GW_E_STALE);
    assert_int_equal(stage_cluster(f, "other", 0, GW_STORE_DELETE, NULL), GW_E_STALE);
    assert_int_equal(stage_cluster(f, "other", 0, GW_STORE_KEEP, NULL), GW_E_STALE);
    commit(f);
    assert_int_equal(version_of(f, "my-cluster"), version);
    expect_clusters(f, "my-cluster");
}

static void entry_stage__cluster_that_changed_meanwhile__is_stale(void **state)
{
    struct fixture *f = *state;
    uint64_t before = version_of(f, "my-cluster");
    struct gw_store_key at = key("");
    uint64_t after;

    put(f, "a", "x", NULL, NOW);
    after = stage_cluster_at(f, &at, before);
    assert_int_equal(stage_in(f, before, "b", 0, "x"), GW_E_STALE);
    assert_int_equal(stage_in(f, before, "a", find(f, "a")->version, NULL), GW_E_STALE);
    assert_int_equal(stage_in(f, after, "b", 0, "x"), GW_OK);
    commit(f);
    assert_int_equal(stage_in(f, before, "c", 0, "x"), GW_E_STALE);
    assert_int_equal(stage_in(f, after, "c", 0, "x"), GW_OK);
    commit(f);
    expect_entries(f, "my-cluster", "a b c");
}

static void cluster_and_entry__in_one_change__come_together(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key_in("other", "a");
    struct gw_store_change change = change_at(f, &at, 0);

    change.cluster_act = GW_STORE_PUT;
    change.cluster = new_cluster(&at);
    change.entry = new_entry(&at, "x");
    change.token = new_token("t1");
    assert_int_equal(stage_change(f, &change), GW_OK);
    commit(f);
    expect_clusters(f, "my-cluster other");
    expect_entries(f, "other", "a");
    assert_non_null(gw_store_find(f->store, &at));
    assert_non_null(find_token(f, "t1", NOW));
    assert_int_equal(stage_at(f, &at, gw_store_find(f->store, &at)->version, NULL, NULL, NOW), GW_OK);
    commit(f);
    assert_null(find_token(f, "t1", NOW)); /* it was the entry's */
    expect_clusters(f, "my-cluster other");
}

static void cluster_delete__with_a_change_of_an_entry__is_stale(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key("a");
    struct gw_store_change change = change_at(f, &at, 0);

    change.cluster_act = GW_STORE_DELETE;
    change.entry = new_entry(&at, "x");
    assert_int_equal(stage_change(f, &change), GW_E_STALE);
    commit(f);
    expect_clusters(f, "my-cluster");
}

static void cluster_limit__staged_creates_and_deletes__count(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key("");
    uint64_t cluster = version_of(f, "my-cluster");

    f->cluster_max = 2;
    put(f, "a", "x", NULL, NOW);
    put(f, "b", "x", NULL, NOW);
    assert_int_equal(stage_in(f, cluster, "c", 0, "x"), GW_E_LIMIT);
    assert_int_equal(stage_cluster(f, "my-cluster", cluster, GW_STORE_DELETE, NULL), GW_OK);
    cluster = stage_cluster_at(f, &at, 0);
    assert_int_equal(stage_in(f, cluster, "c", 0, "x"), GW_OK);
    assert_int_equal(stage_in(f, cluster, "d", 0, "x"), GW_OK);
    assert_int_equal(stage_in(f, cluster, "e", 0, "x"), GW_E_LIMIT);
    gw_store_rollback(f->store);
    cluster = version_of(f, "my-cluster");
    assert_int_equal(stage_in(f, cluster, "c", 0, "x"), GW_E_LIMIT);
    assert_int_equal(stage_in(f, cluster, "a", find(f, "a")->version, NULL), GW_OK);
    assert_int_equal(stage_in(f, cluster, "c", 0, "x"), GW_OK);
    assert_int_equal(stage_in(f, cluster, "a", 0, "x"), GW_E_LIMIT);
    commit(f);
    expect_entries(f, "my-cluster", "b c");
    f->cluster_max = 0;
    put_cluster(f, "other");
    at = key_in("other", "a");
    assert_int_equal(stage_at(f, &at, 0, "x", NULL, NOW), GW_E_LIMIT);
}

static void store_rollback__clusters_and_what_hangs_from_them__never_were(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key other = key_in("other", "a");
    struct gw_store_change change = change_at(f, &other, 0);
    uint64_t version;

    put_entry_with(f, "my-cluster", "a", "P");
    version = version_of(f, "my-cluster");
    change.cluster_act = GW_STORE_PUT;
    change.cluster = new_cluster(&other);
    change.entry = new_entry(&other, "x");
    change.token = new_token("t1");
    assert_int_equal(stage_change(f, &change), GW_OK);
    assert_int_equal(stage_entry_with(f, "my-cluster", "a", "Q"), GW_OK);
    assert_int_equal(stage_cluster(f, "my-cluster", version, GW_STORE_DELETE, NULL), GW_OK);
    gw_store_rollback(f->store);
    assert_null(gw_store_find_cluster(f->store, &other));
    assert_null(gw_store_find(f->store, &other));
    assert_null(find_token(f, "t1", NOW));
    assert_int_equal(version_of(f, "my-cluster"), version);
    expect_clusters(f, "my-cluster");
    expect_entries(f, "other", "");
    expect_with_policy(f, "my-cluster", "P", "a");
    expect_with_policy(f, "my-cluster", "Q", "");
    put_cluster(f, "other");
    assert_int_equal(stage_at(f, &other, 0, "y", "t1", NOW), GW_OK);
    assert_int_equal(stage_entry_with(f, "my-cluster", "a", ""), GW_OK);
    commit(f);
    expect_clusters(f, "my-cluster other");
    expect_with_policy(f, "my-cluster", "P", "");
}

static void store_close__staged_changes__are_dropped(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key other = key_in("other", "");

    put_entry_with(f, "my-cluster", "a", "P");
    assert_int_equal(stage_entry_with(f, "my-cluster", "b", "Q"), GW_OK);
    (void)stage_cluster_at(f, &other, 0);
    assert_int_equal(stage(f, "a", find(f, "a")->version, NULL), GW_OK);
    assert_int_equal(stage_cluster(f, "my-cluster", version_of(f, "my-cluster"), GW_STORE_PUT, "t1"), GW_OK);
    /* tear_down closes the store; what is left over shows under the address sanitizer */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(cluster__put_updated_and_deleted__is_found_and_listed_accordingly),
        STORE_TEST(cluster__every_part_of_its_key__counts),
        STORE_TEST(cluster_update__its_entries_and_their_policies__stay),
        STORE_TEST(cluster_delete__all_that_hangs_from_it__goes_along),
        STORE_TEST(cluster_delete__and_made_again__has_nothing_of_the_first),
        STORE_TEST(cluster_delete__and_made_again_in_one_batch__takes_entries_of_the_second_only),
        STORE_TEST(cluster_delete__behind_changes_of_its_entries__takes_them_along),
        STORE_TEST(cluster__made_and_deleted_in_one_batch__never_was),
        STORE_TEST(cluster_stage__wrong_version__is_stale),
        STORE_TEST(entry_stage__cluster_that_changed_meanwhile__is_stale),
        STORE_TEST(cluster_and_entry__in_one_change__come_together),
        STORE_TEST(cluster_delete__with_a_change_of_an_entry__is_stale),
        STORE_TEST(cluster_limit__staged_creates_and_deletes__count),
        STORE_TEST(store_rollback__clusters_and_what_hangs_from_them__never_were),
        STORE_TEST(store_close__staged_changes__are_dropped),
    };

    return cmocka_run_group_tests_name("store/clusters", tests, NULL, NULL);
}
