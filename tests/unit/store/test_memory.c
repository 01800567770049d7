/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory engine: what is committed is found, what is staged counts for the
 * next change of the batch and for nobody else, tokens come and go with their
 * entries, and readers beside the writer see whole entries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/digest.h"
#include "store/store.h"

#define NOW INT64_C(1795312861811)

struct fixture {
    struct gw_epoch *epoch;
    struct gw_epoch_reader *reader;
    struct gw_store *store;
    size_t cluster_max;
};

static const struct gw_store_options ordinary = {.tokens_max = 100, .tokens_per_entry_max = 3, .token_age_ms = 1000};

static struct gw_store_key key_in(const char *cluster, const char *principal);

static void make_cluster(struct fixture *f, const char *name)
{
    const struct gw_cluster from = {.key = key_in(name, "")};
    struct gw_store_change change = {
        .key = from.key, .cluster_act = GW_STORE_PUT, .cluster = gw_cluster_new(&from), .now_ms = NOW};
    struct gw_err err;

    assert_int_equal(gw_store_stage(f->store, &change), GW_OK);
    assert_null(change.cluster);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
}

static void open_with(struct fixture *f, const struct gw_store_options *options)
{
    f->epoch = gw_epoch_new();
    f->reader = gw_epoch_register(f->epoch);
    f->store = gw_store_open_memory(options, f->epoch, gw_random_system());
    f->cluster_max = 3000;
    gw_epoch_enter(f->reader);
    make_cluster(f, "my-cluster");
    make_cluster(f, "other");
}

static int set_up(void **state)
{
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));

    open_with(f, &ordinary);
    *state = f;
    return 0;
}

static void close_it(struct fixture *f)
{
    gw_epoch_leave(f->reader);
    gw_epoch_unregister(f->reader);
    gw_store_close(&f->store);
    assert_null(f->store);
    gw_epoch_free(&f->epoch);
}

static int tear_down(void **state)
{
    close_it(*state);
    free(*state);
    return 0;
}

static struct gw_store_key key_in(const char *cluster, const char *principal)
{
    return (struct gw_store_key){
        .partition = GW_STR("aws"),
        .account = GW_STR("012345678910"),
        .region = GW_STR("us-west-2"),
        .cluster = gw_str_from(cluster),
        .principal = gw_str_from(principal),
    };
}

static struct gw_store_key key(const char *principal)
{
    return key_in("my-cluster", principal);
}

/* A token's scope: any digest that depends on its text. */
static void scope(const char *token, unsigned char out[GW_STORE_DIGEST])
{
    gw_digest_sha256(gw_str_from(token), out);
}

/* The version of the fixture's cluster. */
static uint64_t cluster_version(struct fixture *f, const struct gw_store_key *at)
{
    return gw_store_find_cluster(f->store, at)->version;
}

static struct gw_access_entry *new_entry(const struct gw_store_key *at, const char *username)
{
    struct gw_access_entry entry = {.key = *at, .username = gw_str_from(username), .reply = gw_str_from(username)};

    return gw_access_entry_new(&entry);
}

/* Stages a put (username not NULL) or a delete; gives entry and token back when refused. */
static enum gw_status stage_at(struct fixture *f, const struct gw_store_key *at, uint64_t version, const char *username,
                               const char *token, int64_t now_ms)
{
    struct gw_store_change change = {.key = *at,
                                     .expected_cluster = cluster_version(f, at),
                                     .entry_act = username != NULL ? GW_STORE_PUT : GW_STORE_DELETE,
                                     .expected_entry = version,
                                     .cluster_entries_max = f->cluster_max,
                                     .now_ms = now_ms};
    enum gw_status status;

    if (username != NULL)
        change.entry = new_entry(at, username);
    if (token != NULL) {
        struct gw_store_token from = {.created_ms = now_ms, .reply = gw_str_from(token)};

        scope(token, from.scope);
        change.token = gw_store_token_new(&from, change.entry);
    }
    status = gw_store_stage(f->store, &change);
    if (status == GW_OK) {
        assert_null(change.entry);
        assert_null(change.token);
    } else {
        assert_true((change.entry != NULL) == (username != NULL));
        assert_true((change.token != NULL) == (token != NULL));
    }
    gw_store_change_drop(&change);
    return status;
}

static enum gw_status stage(struct fixture *f, const char *principal, uint64_t version, const char *username)
{
    struct gw_store_key at = key(principal);

    return stage_at(f, &at, version, username, NULL, NOW);
}

static void commit(struct fixture *f)
{
    struct gw_err err;

    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
}

static const struct gw_access_entry *find(struct fixture *f, const char *principal)
{
    struct gw_store_key at = key(principal);

    return gw_store_find(f->store, &at);
}

static size_t count_cluster(struct fixture *f, const char *cluster)
{
    struct gw_store_key at = key_in(cluster, "");

    return gw_store_count_cluster(f->store, &at);
}

static const struct gw_store_token *find_token(struct fixture *f, const char *token, int64_t now_ms)
{
    unsigned char wanted[GW_STORE_DIGEST];

    scope(token, wanted);
    return gw_store_find_token(f->store, wanted, now_ms);
}

/* One committed put with a token. */
static void put(struct fixture *f, const char *principal, const char *username, const char *token, int64_t now_ms)
{
    struct gw_store_key at = key(principal);
    const struct gw_access_entry *now = gw_store_find(f->store, &at);

    assert_int_equal(stage_at(f, &at, now == NULL ? 0 : now->version, username, token, now_ms), GW_OK);
    commit(f);
}

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
    uint64_t cluster = cluster_version(f, &at);
    struct gw_store_change change = {.key = at,
                                     .expected_cluster = cluster,
                                     .entry_act = GW_STORE_PUT,
                                     .cluster_entries_max = 10,
                                     .entry = new_entry(&at, "x")};
    struct gw_access_entry *first = change.entry;

    assert_int_equal(gw_store_stage(f->store, &change), GW_OK);
    change = (struct gw_store_change){.key = at,
                                      .expected_cluster = cluster,
                                      .entry_act = GW_STORE_PUT,
                                      .expected_entry = first->version,
                                      .entry = new_entry(&at, "y")};
    first = change.entry;
    assert_int_equal(gw_store_stage(f->store, &change), GW_OK);
    change = (struct gw_store_change){
        .key = at, .expected_cluster = cluster, .entry_act = GW_STORE_DELETE, .expected_entry = first->version};
    assert_int_equal(gw_store_stage(f->store, &change), GW_OK);
    commit(f);
    assert_null(find(f, "a"));
    assert_int_equal(gw_store_count(f->store), 0);
    assert_int_equal(count_cluster(f, "my-cluster"), 0);
}

static void store_stage__full_cluster__refuses_creates_only(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key elsewhere = key_in("other", "a");

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

static void store_token__of_a_committed_change__is_found_until_it_is_too_old(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "x", "t1", NOW);
    assert_true(gw_str_is(find_token(f, "t1", NOW)->reply, "t1"));
    assert_non_null(find_token(f, "t1", NOW + 1000));
    assert_null(find_token(f, "t1", NOW + 1001));
    assert_null(find_token(f, "t2", NOW));
}

static void store_token__taken_by_another_change__makes_the_second_stale(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key a = key("a");
    struct gw_store_key b = key("b");

    assert_int_equal(stage_at(f, &a, 0, "one", "t1", NOW), GW_OK);
    assert_int_equal(stage_at(f, &b, 0, "two", "t1", NOW), GW_E_STALE);
    gw_store_rollback(f->store);
    assert_int_equal(stage_at(f, &b, 0, "two", "t1", NOW), GW_OK);
    commit(f);
    assert_int_equal(stage_at(f, &a, 0, "one", "t1", NOW + 1000), GW_E_STALE);
    assert_int_equal(stage_at(f, &a, 0, "one", "t1", NOW + 1001), GW_OK);
}

static void store_token__deleted_entry__takes_its_tokens_along(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "x", "t1", NOW);
    put(f, "a", "y", "t2", NOW);
    put(f, "b", "x", "t3", NOW);
    assert_non_null(find_token(f, "t1", NOW));
    assert_int_equal(stage(f, "a", find(f, "a")->version, NULL), GW_OK);
    commit(f);
    assert_null(find_token(f, "t1", NOW));
    assert_null(find_token(f, "t2", NOW));
    assert_non_null(find_token(f, "t3", NOW));
}

static void store_token__too_many_at_one_entry__drops_its_oldest(void **state)
{
    struct fixture *f = *state;

    put(f, "b", "x", "t0", NOW);
    put(f, "a", "x", "t1", NOW);
    put(f, "a", "x", "t2", NOW);
    put(f, "a", "x", "t3", NOW);
    put(f, "a", "x", "t4", NOW);
    assert_non_null(find_token(f, "t0", NOW));
    assert_null(find_token(f, "t1", NOW));
    assert_non_null(find_token(f, "t2", NOW));
    assert_non_null(find_token(f, "t4", NOW));
}

static void store_token__too_many_altogether__drops_the_oldest(void **state)
{
    struct fixture f;
    struct gw_store_options few = {.tokens_max = 2, .tokens_per_entry_max = 16, .token_age_ms = 1000};

    (void)state;
    open_with(&f, &few);
    put(&f, "a", "x", "t1", NOW);
    put(&f, "b", "x", "t2", NOW);
    put(&f, "c", "x", "t3", NOW);
    assert_null(find_token(&f, "t1", NOW));
    assert_non_null(find_token(&f, "t2", NOW));
    assert_non_null(find_token(&f, "t3", NOW));
    close_it(&f);
}

static void store_token__none_allowed__keeps_the_entry_and_no_token(void **state)
{
    struct fixture f;
    struct gw_store_options none = {.tokens_max = 0, .tokens_per_entry_max = 16, .token_age_ms = 1000};

    (void)state;
    open_with(&f, &none);
    put(&f, "a", "x", "t1", NOW);
    assert_non_null(find(&f, "a"));
    assert_null(find_token(&f, "t1", NOW));
    close_it(&f);
}

static void store_token__used_again_after_its_age__stands_for_the_new_change(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "x", "t1", NOW);
    put(f, "b", "x", "t1", NOW + 5000);
    assert_int_equal(find_token(f, "t1", NOW + 5000)->created_ms, NOW + 5000);
    assert_int_equal(stage(f, "a", find(f, "a")->version, NULL), GW_OK);
    commit(f);
    assert_non_null(find_token(f, "t1", NOW + 5000)); /* no longer a's */
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
        cmocka_unit_test_setup_teardown(store_find__only_what_is_committed__is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(store_find__every_part_of_the_key__counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(store_stage__wrong_version__is_stale_and_stays_the_callers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(store_stage__second_create_in_one_batch__is_stale, set_up, tear_down),
        cmocka_unit_test_setup_teardown(store_stage__delete_and_create_again_in_one_batch__both_happen, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(store_stage__create_update_delete_in_one_batch__leaves_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(store_stage__full_cluster__refuses_creates_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(store_stage__no_limit__does_not_wrap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(store_rollback__everything_staged__never_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(store_token__of_a_committed_change__is_found_until_it_is_too_old, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(store_token__taken_by_another_change__makes_the_second_stale, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(store_token__deleted_entry__takes_its_tokens_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(store_token__too_many_at_one_entry__drops_its_oldest, set_up, tear_down),
        cmocka_unit_test(store_token__too_many_altogether__drops_the_oldest),
        cmocka_unit_test(store_token__none_allowed__keeps_the_entry_and_no_token),
        cmocka_unit_test_setup_teardown(store_token__used_again_after_its_age__stands_for_the_new_change, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(store__thousands_of_entries__are_all_found, set_up, tear_down),
        cmocka_unit_test(store__readers_beside_the_writer__see_whole_entries_and_their_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
