/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers beside a writer that makes clusters, fills them and deletes them, in
 * batches of every kind: what stays is always found and listed, and whatever is
 * found is whole.
 */
#include "cluster_case.h"

#include <pthread.h>
#include <stdatomic.h>

#define READERS 3
#define ROUNDS  300 /* of the writer at least */
#define LOOKS   200 /* of each reader at least */
#define COMING  40  /* principals of the clusters that come and go */

struct shared {
    struct fixture *f;
    atomic_uint started;
    atomic_uint looked;
    atomic_uint wrong;
    atomic_uint met; /* entries of clusters that come and go */
    atomic_bool done;
};

/* A page of the cluster's entries; false when an item of it isn't whole. */
static bool look_at_coming(struct shared *shared, const char *cluster, struct gw_str policy)
{
    struct gw_store_key at = key_in(cluster, "");
    struct gw_str items[2 * COMING];
    struct gw_store_page page = {.max = GW_COUNT(items), .items = items};
    size_t count = gw_store_page_entries(shared->f->store, &at, policy, &page);

    for (size_t i = 0; i < count; i++) {
        const struct gw_access_entry *entry;

        if (i > 0 && gw_str_compare(items[i - 1], items[i]) >= 0)
            return false;
        at.principal = items[i];
        entry = gw_store_find(shared->f->store, &at);
        if (entry == NULL)
            continue;
        atomic_fetch_add(&shared->met, 1);
        if (!gw_str_equal(entry->key.principal, items[i]) || !gw_str_equal(entry->key.cluster, at.cluster))
            return false;
        entry = gw_store_find_arn(shared->f->store, items[i]); /* their ARNs are their principals */
        if (entry != NULL && !gw_str_equal(entry->arn, items[i]))
            return false;
    }
    return !page.more && count <= COMING;
}

/* What the writer never touches: the cluster that stays, its entries, its policy, its scope. */
static bool look_at_staying(struct shared *shared)
{
    struct gw_store_key at = key("a");
    struct gw_str items[8];
    struct gw_store_page page = {.max = GW_COUNT(items), .items = items};
    const struct gw_cluster *cluster = gw_store_find_cluster(shared->f->store, &at);
    const struct gw_access_entry *entry = gw_store_find(shared->f->store, &at);
    size_t count;
    bool listed = false;

    if (cluster == NULL || !gw_str_is(cluster->document, "{}") || entry == NULL ||
        gw_store_find_arn(shared->f->store, entry->arn) == NULL)
        return false;
    if (gw_store_page_entries(shared->f->store, &at, GW_STR("P"), &page) != 2 || !gw_str_is(items[1], "b"))
        return false;
    if (gw_store_page_entries(shared->f->store, &at, GW_STR_NONE, &page) != 2 || !gw_str_is(items[0], "a"))
        return false;
    count = gw_store_page_clusters(shared->f->store, &at, &page);
    for (size_t i = 0; i < count; i++)
        listed = listed || gw_str_is(items[i], "my-cluster");
    return listed && gw_store_page_scopes(shared->f->store, &page) == 1 &&
           gw_store_count_clusters(shared->f->store) > 0;
}

static void *read_along(void *argument)
{
    struct shared *shared = argument;
    struct gw_epoch_reader *reader = gw_epoch_register(shared->f->epoch);
    bool good = true;

    atomic_fetch_add(&shared->started, 1);
    for (size_t i = 0; !atomic_load(&shared->done); i++) {
        gw_epoch_enter(reader);
        good = look_at_staying(shared) && good;
        good = look_at_coming(shared, i % 2 == 0 ? "c0" : "c1", i % 3 == 0 ? GW_STR("Q") : GW_STR_NONE) && good;
        gw_epoch_leave(reader);
        if (i + 1 == LOOKS)
            atomic_fetch_add(&shared->looked, 1);
    }
    if (!good)
        atomic_fetch_add(&shared->wrong, 1);
    gw_epoch_unregister(reader);
    return NULL;
}

/* Makes a cluster, fills it in one batch, changes policies, updates the cluster that stays, deletes the first; every
 * third time it is made again in the same batch. */
static void write_round(struct fixture *f, size_t round)
{
    const char *cluster = round % 2 == 0 ? "c0" : "c1";
    struct gw_store_key at = key_in(cluster, "");
    char name[16];

    put_cluster(f, cluster);
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < COMING; i++) {
            (void)snprintf(name, sizeof(name), "p%zu", i);
            assert_int_equal(stage_entry_with(f, cluster, name, pass == 0 ? "Q" : i % 2 == 0 ? "PR" : "QR"), GW_OK);
        }
        commit(f);
    }
    put_cluster(f, "my-cluster");
    assert_int_equal(stage_cluster(f, cluster, version_of(f, cluster), GW_STORE_DELETE, NULL), GW_OK);
    if (round % 3 == 0) {
        uint64_t version = stage_cluster_at(f, &at, 0);

        if (round % 2 == 0)
            gw_store_rollback(f->store);
        else
            commit(f);
        assert_int_equal(version_of(f, cluster) == version, round % 2 != 0);
        assert_int_equal(stage_cluster(f, cluster, version_of(f, cluster), GW_STORE_DELETE, NULL), GW_OK);
    }
    commit(f);
    gw_epoch_leave(f->reader); /* the writer's own reader must not hold everything back */
    gw_epoch_enter(f->reader);
}

static void store__readers_beside_clusters_that_come_and_go__see_what_stays(void **state)
{
    struct fixture *f = *state;
    struct shared shared = {.f = f};
    pthread_t threads[READERS];

    put_entry_with(f, "my-cluster", "a", "PQ");
    put_entry_with(f, "my-cluster", "b", "P");
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_along, &shared), 0);
    while (atomic_load(&shared.started) < READERS)
        (void)sched_yield();
    for (size_t round = 0; round < ROUNDS || atomic_load(&shared.looked) < READERS || atomic_load(&shared.met) == 0;
         round++)
        write_round(f, round);
    atomic_store(&shared.done, true);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    expect_clusters(f, "my-cluster");
    expect_entries(f, "my-cluster", "a b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(store__readers_beside_clusters_that_come_and_go__see_what_stays),
    };

    return cmocka_run_group_tests_name("store/cluster_readers", tests, NULL, NULL);
}
