/* SPDX-License-Identifier: Apache-2.0 */
/* The version of who has a policy, and where: what moves it, and that the writer compares it. */
#include "sqlite_case.h"

static uint64_t version(struct fixture *f, const char *policy)
{
    struct gw_store_key at = key("");

    return gw_store_policy_version(f->store, &at, gw_str_from(policy));
}

/* An entry with one policy: for the whole cluster, or in the namespace. */
static struct gw_access_entry *entry_in(const char *principal, const char *namespace, const char *username)
{
    const struct gw_str namespaces[] = {gw_str_from(namespace == NULL ? "" : namespace)};
    struct gw_association one = {.policy_arn = GW_STR("P"),
                                 .is_cluster_wide = namespace == NULL,
                                 .namespaces = namespaces,
                                 .namespace_count = namespace == NULL ? 0 : 1};
    struct gw_access_entry from = {.key = key(principal),
                                   .arn = gw_str_from(principal),
                                   .username = gw_str_from(username),
                                   .associations = &one,
                                   .association_count = 1};

    return gw_access_entry_new(&from);
}

/* A change of the principal's entry that was decided on that version of the policy P. */
static struct gw_store_change watching(struct fixture *f, const char *principal, uint64_t expected)
{
    struct gw_store_key at = key(principal);
    const struct gw_access_entry *now = gw_store_find(f->store, &at);
    struct gw_store_change change = change_at(f, &at, now == NULL ? 0 : now->version);

    change.watched_policy = GW_STR("P");
    change.expected_policy = expected;
    return change;
}

static enum gw_status stage_put_in(struct fixture *f, const char *principal, const char *namespace, uint64_t expected)
{
    struct gw_store_change change = watching(f, principal, expected);

    change.entry = entry_in(principal, namespace, "u");
    return stage_change(f, &change);
}

static enum gw_status stage_delete(struct fixture *f, const char *principal, uint64_t expected)
{
    struct gw_store_change change = watching(f, principal, expected);

    change.entry_act = GW_STORE_DELETE;
    return stage_change(f, &change);
}

static void put_in(struct fixture *f, const char *principal, const char *namespace)
{
    assert_int_equal(stage_put_in(f, principal, namespace, version(f, "P")), GW_OK);
    commit(f);
}

static void version__of_a_policy__moves_with_who_has_it_and_where(void **state)
{
    struct fixture *f = *state;
    uint64_t seen[6] = {version(f, "P")};

    assert_int_equal(seen[0], 0);
    put_in(f, "a", NULL);
    seen[1] = version(f, "P");
    put_in(f, "b", "n");
    seen[2] = version(f, "P");
    put_in(f, "b", "m");
    seen[3] = version(f, "P");
    put_in(f, "b", NULL);
    seen[4] = version(f, "P");
    assert_int_equal(stage_delete(f, "a", seen[4]), GW_OK);
    commit(f);
    seen[5] = version(f, "P");
    for (size_t i = 1; i < GW_COUNT(seen); i++) {
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(seen[i], seen[k]);
    }
}

static void version__of_a_policy__stays_through_what_does_not_concern_it(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key("a");
    struct gw_store_change change;
    uint64_t before;

    put_in(f, "a", "n");
    before = version(f, "P");
    change = change_at(f, &at, find(f, "a")->version);
    change.entry = entry_in("a", "n", "another username");
    assert_int_equal(stage_change(f, &change), GW_OK);
    commit(f);
    put_entry_with(f, "my-cluster", "b", "Q");
    put_entry_with(f, "my-cluster", "c", "");
    put_cluster(f, "other");
    put_entry_with(f, "other", "a", "P");
    assert_int_equal(version(f, "P"), before);
    assert_int_not_equal(version(f, "Q"), 0);
}

static void change__decided_on_another_version__is_stale(void **state)
{
    struct fixture *f = *state;
    uint64_t before;

    put_in(f, "a", NULL);
    before = version(f, "P");
    put_in(f, "b", NULL);
    assert_int_equal(stage_delete(f, "a", before), GW_E_STALE);
    assert_int_equal(stage_put_in(f, "c", NULL, before), GW_E_STALE);
    assert_int_equal(stage_put_in(f, "c", NULL, 0), GW_E_STALE);
    assert_int_equal(stage_delete(f, "a", version(f, "P")), GW_OK);
    commit(f);
}

/* Both were decided on the same state, which has two; each would leave one. */
static void change__of_one_batch__sees_what_the_earlier_ones_move(void **state)
{
    struct fixture *f = *state;
    uint64_t both;

    put_in(f, "a", NULL);
    put_in(f, "b", NULL);
    both = version(f, "P");
    assert_int_equal(stage_delete(f, "a", both), GW_OK);
    assert_int_equal(version(f, "P"), both); /* readers see nothing yet */
    assert_int_equal(stage_delete(f, "b", both), GW_E_STALE);
    commit(f);
    expect_with_policy(f, "my-cluster", "P", "b");
    assert_int_not_equal(version(f, "P"), both);
}

static void change__of_the_first_that_has_a_policy__is_seen_in_its_batch(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(stage_put_in(f, "a", NULL, 0), GW_OK);
    assert_int_equal(stage_put_in(f, "b", NULL, 0), GW_E_STALE);
    commit(f);
    expect_with_policy(f, "my-cluster", "P", "a");
}

static void change__of_others__does_not_hinder_one_that_watches(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key("c");
    struct gw_store_change change;
    uint64_t before;

    put_in(f, "a", NULL);
    put_in(f, "b", "n");
    put_entry_with(f, "my-cluster", "c", "Q");
    before = version(f, "P");
    change = change_at(f, &at, find(f, "c")->version);
    change.entry_act = GW_STORE_DELETE;
    assert_int_equal(stage_change(f, &change), GW_OK);
    assert_int_equal(stage_delete(f, "a", before), GW_OK);
    commit(f);
}

static void batch__that_is_dropped__moves_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t before;

    put_in(f, "a", NULL);
    put_in(f, "b", NULL);
    before = version(f, "P");
    assert_int_equal(stage_delete(f, "a", before), GW_OK);
    gw_store_rollback(f->store);
    assert_int_equal(version(f, "P"), before);
    assert_int_equal(stage_delete(f, "b", before), GW_OK);
    commit(f);
    /* nor does one that would have been the first */
    put_cluster(f, "other");
    assert_int_equal(stage_entry_with(f, "other", "a", "P"), GW_OK);
    gw_store_rollback(f->store);
    put_entry_with(f, "other", "b", "P");
}

static void cluster__made_anew__has_other_versions(void **state)
{
    struct fixture *f = *state;
    uint64_t before;

    put_in(f, "a", NULL);
    before = version(f, "P");
    delete_cluster(f, "my-cluster");
    assert_int_equal(version(f, "P"), 0);
    put_cluster(f, "my-cluster");
    assert_int_equal(stage_put_in(f, "a", NULL, before), GW_E_STALE);
    put_in(f, "a", NULL);
    assert_int_not_equal(version(f, "P"), before);
}

/* What was there at the start can be watched like everything else. */
static void version__behind_a_start__is_one(void **state)
{
    struct fixture *f = *state;
    uint64_t loaded;

    put_in(f, "a", NULL);
    put_in(f, "b", NULL);
    reopen(f);
    loaded = version(f, "P");
    assert_int_not_equal(loaded, 0);
    assert_int_equal(stage_delete(f, "a", 0), GW_E_STALE);
    assert_int_equal(stage_delete(f, "a", loaded), GW_OK);
    assert_int_equal(stage_delete(f, "b", loaded), GW_E_STALE);
    commit(f);
    assert_int_not_equal(version(f, "P"), loaded);
    assert_int_equal(stage_delete(f, "b", loaded), GW_E_STALE);
    assert_int_equal(stage_delete(f, "b", version(f, "P")), GW_OK);
    commit(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(version__of_a_policy__moves_with_who_has_it_and_where),
        STORE_TEST(version__of_a_policy__stays_through_what_does_not_concern_it),
        STORE_TEST(change__decided_on_another_version__is_stale),
        STORE_TEST(change__of_one_batch__sees_what_the_earlier_ones_move),
        STORE_TEST(change__of_the_first_that_has_a_policy__is_seen_in_its_batch),
        STORE_TEST(change__of_others__does_not_hinder_one_that_watches),
        STORE_TEST(batch__that_is_dropped__moves_nothing),
        STORE_TEST(cluster__made_anew__has_other_versions),
        DURABLE_TEST(version__behind_a_start__is_one),
    };

    return cmocka_run_group_tests_name("store/policy_versions", tests, NULL, NULL);
}
