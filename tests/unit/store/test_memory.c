/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory engine and its entries: what is committed is found, what is staged
 * counts for the next change of the batch and for nobody else, and readers beside
 * the writer see whole entries.
 */
#include "store_case.h"

#include <pthread.h>
#include <stdatomic.h>

static void store_find__only_what_is_committed__is_seen(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(stage(f, "a", 0, "first"), GW_OK);
    assert_null(find(f, "a"));
    assert_int_equal(gw_store_count(f->store), 0);
    assert_int_equal(count_cluster(f, "my-cluster"), 0);
    commit(f);
    assert_true(gw_str_is(find(f, "a")->username, "first"));
    assert_true(find(f, "a")->version > 0);
    assert_int_equal(gw_store_count(f->store), 1);
    assert_int_equal(count_cluster(f, "my-cluster"), 1);
}

static void store_find__every_part_of_the_key__counts(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key("a");
    struct gw_str *const parts[] = {&at.partition, &at.account, &at.region, &at.cluster, &at.principal};

    assert_int_equal(stage(f, "a", 0, "x"), GW_OK);
    commit(f);
    for (size_t i = 0; i < GW_COUNT(parts); i++) {
        struct gw_str kept = *parts[i];

        *parts[i] = GW_STR("other");
        assert_null(gw_store_find(f->store, &at));
        *parts[i] = kept;
    }
    assert_non_null(gw_store_find(f->store, &at));
}

static void store_stage__wrong_version__is_stale_and_stays_the_callers(void **state)
{
    struct fixture *f = *state;
    uint64_t version;

    assert_int_equal(stage(f, "a", 1, "x"), GW_E_STALE);
    assert_int_equal(stage(f, "a", 0, NULL), GW_E_STALE);
    assert_int_equal(stage(f, "a", 0, "x"), GW_OK);
    commit(f);
    version = find(f, "a")->version;
    assert_int_equal(stage(f, "a", 0, "y"), GW_E_STALE);
    assert_int_equal(stage(f, "a", version + 1, "y"), GW_E_STALE);
    assert_int_equal(stage(f, "a", version + 1, NULL), GW_E_STALE);
    assert_int_equal(stage(f, "a", version, "y"), GW_OK);
    commit(f);
    assert_true(gw_str_is(find(f, "a")->username, "y"));
    assert_true(find(f, "a")->version > version);
    assert_int_equal(gw_store_count(f->store), 1);
}

static void store_stage__second_create_in_one_batch__is_stale(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(stage(f, "a", 0, "first"), GW_OK);
    assert_int_equal(stage(f, "a", 0, "second"), GW_E_STALE);
    commit(f);
    assert_true(gw_str_is(find(f, "a")->username, "first"));
}

static void store_stage__delete_and_create_again_in_one_batch__both_happen(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "first", "t1", NOW);
    assert_int_equal(stage(f, "a", find(f, "a")->version, NULL), GW_OK);
    assert_int_equal(stage(f, "a", find(f, "a")->version, NULL), GW_E_STALE);
    assert_int_equal(stage(f, "a", 0, "second"), GW_OK);
    commit(f);
    assert_true(gw_str_is(find(f, "a")->username, "second"));
    assert_null(find_token(f, "t1", NOW));
    assert_int_equal(count_cluster(f, "my-cluster"), 1);
    assert_int_equal(gw_store_count(f->store), 1);
}

static void store_stage__create_update_delete_in_one_batch__leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key("a");
    struct gw_store_change change = change_at(f, &at, 0);
    const struct gw_access_entry *first;

    change.entry = new_entry(&at, "x");
    first = change.entry;
    assert_int_equal(stage_change(f, &change), GW_OK);
    change = change_at(f, &at, first->version);
    change.entry = new_entry(&at, "y");
    first = change.entry;
    assert_int_equal(stage_change(f, &change), GW_OK);
    assert_int_equal(stage(f, "a", first->version, NULL), GW_OK);
    commit(f);
    assert_null(find(f, "a"));
    assert_int_equal(gw_store_count(f->store), 0);
    assert_int_equal(count_cluster(f, "my-cluster"), 0);
}

static void store_stage__full_cluster__refuses_creates_only(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key elsewhere = key_in("other", "a");

    put_cluster(f, "other");
    f->cluster_max = 2;
    put(f, "a", "x", NULL, NOW);
    assert_int_equal(stage(f, "b", 0, "x"), GW_OK);
    assert_int_equal(stage(f, "c", 0, "x"), GW_E_LIMIT); /* the staged one counts */
    commit(f);
    assert_int_equal(stage(f, "c", 0, "x"), GW_E_LIMIT);
    assert_int_equal(stage(f, "a", find(f, "a")->version, "y"), GW_OK);
    assert_int_equal(stage_at(f, &elsewhere, 0, "x", NULL, NOW), GW_OK);
    assert_int_equal(stage(f, "b", find(f, "b")->version, NULL), GW_OK);
    assert_int_equal(stage(f, "c", 0, "x"), GW_OK); /* the delete made room */
    assert_int_equal(stage(f, "d", 0, "x"), GW_E_LIMIT);
    commit(f);
    assert_int_equal(count_cluster(f, "my-cluster"), 2);
    assert_int_equal(count_cluster(f, "other"), 1);
    assert_int_equal(gw_store_count(f->store), 3);
}

static void store_stage__no_limit__does_not_wrap(void **state)
{
    struct fixture *f = *state;

    f->cluster_max = SIZE_MAX;
    put(f, "a", "x", NULL, NOW);
    assert_int_equal(stage(f, "a", find(f, "a")->version, NULL), GW_OK);
    assert_int_equal(stage(f, "b", 0, "x"), GW_OK);
    commit(f);
    assert_int_equal(count_cluster(f, "my-cluster"), 1);
}

static void store_rollback__everything_staged__never_was(void **state)
{
    struct fixture *f = *state;
    uint64_t version;

    f->cluster_max = 2;
    put(f, "a", "first", "t1", NOW);
    version = find(f, "a")->version;
    assert_int_equal(stage(f, "a", version, NULL), GW_OK);
    assert_int_equal(stage(f, "a", 0, "second"), GW_OK);
    assert_int_equal(stage(f, "b", 0, "x"), GW_OK);
    gw_store_rollback(f->store);
    assert_true(gw_str_is(find(f, "a")->username, "first"));
    assert_int_equal(find(f, "a")->version, version);
    assert_null(find(f, "b"));
    assert_non_null(find_token(f, "t1", NOW));
    assert_int_equal(count_cluster(f, "my-cluster"), 1);
    assert_int_equal(stage(f, "b", 0, "x"), GW_OK); /* the limit is free again */
    assert_int_equal(stage(f, "a", version, "third"), GW_OK);
    commit(f);
    assert_true(gw_str_is(find(f, "a")->username, "third"));
}

static void store_stage__thousands_in_one_batch__all_count(void **state)
{
    struct fixture *f = *state;
    char name[16];

    f->cluster_max = SIZE_MAX;
    for (int i = 0; i < 5000; i++) {
        struct gw_store_key at;

        (void)snprintf(name, sizeof(name), "p%d", i);
        at = key(name);
        assert_int_equal(stage_at(f, &at, 0, name, name, NOW), GW_OK);
    }
    for (int i = 0; i < 5000; i++) {
        struct gw_store_key other = key("other");
        struct gw_store_key at;

        (void)snprintf(name, sizeof(name), "p%d", i);
        at = key(name);
        assert_int_equal(stage_at(f, &at, 0, name, NULL, NOW), GW_E_STALE);
        assert_int_equal(stage_at(f, &other, 0, name, name, NOW), GW_E_STALE);
    }
    commit(f);
    assert_int_equal(count_cluster(f, "my-cluster"), 5000);
}

static void store__thousands_of_entries__are_all_found(void **state)
{
    struct fixture *f = *state;
    char name[16];

    f->cluster_max = SIZE_MAX;
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof(name), "p%d", i);
        assert_int_equal(stage(f, name, 0, name), GW_OK);
        if (i % 100 == 99)
            commit(f);
    }
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof(name), "p%d", i);
        assert_true(gw_str_is(find(f, name)->username, name));
    }
    for (int i = 0; i < 5000; i += 2) {
        (void)snprintf(name, sizeof(name), "p%d", i);
        assert_int_equal(stage(f, name, find(f, name)->version, NULL), GW_OK);
    }
    commit(f);
    assert_int_equal(gw_store_count(f->store), 2500);
    assert_int_equal(count_cluster(f, "my-cluster"), 2500);
    assert_null(find(f, "p0"));
    assert_non_null(find(f, "p1"));
}

#define PRINCIPALS 300
#define STEPS      4000

struct shared {
    struct fixture *f;
    atomic_bool done;
    atomic_uint started;
    atomic_uint wrong;
    atomic_uint found;
};

/* An entry is whole when its name, username and reply agree; the entry's token must be there once the entry is. */
static void look_at(struct shared *shared, unsigned turn)
{
    char name[16];
    const struct gw_access_entry *entry;

    (void)snprintf(name, sizeof(name), "p%u", turn % PRINCIPALS);
    entry = find(shared->f, name);
    if (entry == NULL)
        return;
    atomic_fetch_add(&shared->found, 1);
    if (!gw_str_is(entry->key.principal, name) || !gw_str_equal(entry->username, entry->reply))
        atomic_fetch_add(&shared->wrong, 1);
    if (turn % PRINCIPALS == 0 && find_token(shared->f, "kept", NOW) == NULL) /* p0 is never deleted */
        atomic_fetch_add(&shared->wrong, 1);
    if (count_cluster(shared->f, "my-cluster") > PRINCIPALS)
        atomic_fetch_add(&shared->wrong, 1);
}

static void *read_along(void *argument)
{
    struct shared *shared = argument;
    struct gw_epoch_reader *reader = gw_epoch_register(shared->f->epoch);
    unsigned turn = 0;

    atomic_fetch_add(&shared->started, 1);
    while (!atomic_load(&shared->done) || turn < PRINCIPALS) {
        gw_epoch_enter(reader);
        for (int i = 0; i < 8; i++)
            look_at(shared, turn++);
        gw_epoch_leave(reader);
    }
    gw_epoch_unregister(reader);
    return NULL;
}

/* One step of the writer: creates, updates or deletes a principal, with a token now and then. */
static void step(struct fixture *f, unsigned turn)
{
    char name[16];
    char username[24];
    char token[24];
    struct gw_store_key at;
    const struct gw_access_entry *now;
    unsigned principal = turn * 7919 % PRINCIPALS;
    bool deletes;

    (void)snprintf(name, sizeof(name), "p%u", principal);
    (void)snprintf(username, sizeof(username), "u%u", turn);
    (void)snprintf(token, sizeof(token), "t%u", turn);
    at = key(name);
    now = gw_store_find(f->store, &at);
    deletes = now != NULL && principal != 0 && turn % 3 == 0;
    assert_int_equal(stage_at(f, &at, now == NULL ? 0 : now->version, deletes ? NULL : username,
                              turn % 2 == 0 && principal != 0 ? token : NULL, NOW),
                     GW_OK);
    if (turn % 5 == 4)
        gw_store_rollback(f->store);
    else
        commit(f);
}

static void store__readers_beside_the_writer__see_whole_entries_and_their_tokens(void **state)
{
    struct fixture f;
    struct gw_store_options few = {.tokens_max = STEPS, .tokens_per_entry_max = 2, .token_age_ms = 1000};
    struct shared shared = {.f = &f};
    pthread_t threads[3];

    (void)state;
    open_with(&f, &few);
    put(&f, "p0", "first", "kept", NOW);
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_along, &shared), 0);
    while (atomic_load(&shared.started) < GW_COUNT(threads))
        (void)sched_yield();
    for (unsigned turn = 0; turn < STEPS; turn++) {
        step(&f, turn);
        gw_epoch_leave(f.reader); /* the writer's own reader must not hold everything back */
        gw_epoch_enter(f.reader);
    }
    atomic_store(&shared.done, true);
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    assert_true(atomic_load(&shared.found) > 0);
    close_it(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(store_find__only_what_is_committed__is_seen),
        STORE_TEST(store_find__every_part_of_the_key__counts),
        STORE_TEST(store_stage__wrong_version__is_stale_and_stays_the_callers),
        STORE_TEST(store_stage__second_create_in_one_batch__is_stale),
        STORE_TEST(store_stage__delete_and_create_again_in_one_batch__both_happen),
        STORE_TEST(store_stage__create_update_delete_in_one_batch__leaves_nothing),
        STORE_TEST(store_stage__full_cluster__refuses_creates_only),
        STORE_TEST(store_stage__no_limit__does_not_wrap),
        STORE_TEST(store_rollback__everything_staged__never_was),
        STORE_TEST(store_stage__thousands_in_one_batch__all_count),
        STORE_TEST(store__thousands_of_entries__are_all_found),
        cmocka_unit_test(store__readers_beside_the_writer__see_whole_entries_and_their_tokens),
    };

    return cmocka_run_group_tests_name("store/memory", tests, NULL, NULL);
}
