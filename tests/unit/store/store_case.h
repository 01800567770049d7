/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_STORE_CASE_H
#define GW_TEST_STORE_CASE_H

/*
 * What the tests of the memory engine share: a store with the cluster my-cluster
 * in it, a reader inside an epoch, and changes in one line each. One program
 * includes it once, before everything else.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
    struct gw_store_options options;
    char folder[64]; /* of the durable engine's file (sqlite_case.h) */
    char path[96];
};

static inline void commit(struct fixture *f)
{
    struct gw_err err;

    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
}

static inline struct gw_store_key key_in(const char *cluster, const char *principal)
{
    return (struct gw_store_key){
        .partition = GW_STR("aws"),
        .account = GW_STR("012345678910"),
        .region = GW_STR("us-west-2"),
        .cluster = gw_str_from(cluster),
        .principal = gw_str_from(principal),
    };
}

static inline struct gw_store_key key(const char *principal)
{
    return key_in("my-cluster", principal);
}

static inline uint64_t cluster_version(struct fixture *f, const struct gw_store_key *at)
{
    const struct gw_cluster *cluster = gw_store_find_cluster(f->store, at);

    return cluster == NULL ? 0 : cluster->version;
}

/* Stages a put of the cluster at `at`, based on `version` of it, and gives the version that it will have. */
static inline uint64_t stage_cluster_at(struct fixture *f, const struct gw_store_key *at, uint64_t version)
{
    struct gw_cluster from = {.key = *at, .document = GW_STR("{}")};
    struct gw_store_change change = {.key = *at, .expected_cluster = version, .cluster_act = GW_STORE_PUT};
    const struct gw_cluster *cluster;

    from.key.principal = GW_STR_NONE;
    change.cluster = gw_cluster_new(&from);
    cluster = change.cluster;
    assert_int_equal(gw_store_stage(f->store, &change), GW_OK);
    assert_null(change.cluster);
    return cluster->version;
}

/* One committed put of a cluster. */
static inline void put_cluster(struct fixture *f, const char *cluster)
{
    struct gw_store_key at = key_in(cluster, "");

    (void)stage_cluster_at(f, &at, cluster_version(f, &at));
    commit(f);
}

static inline void open_with(struct fixture *f, const struct gw_store_options *options)
{
    f->epoch = gw_epoch_new();
    f->reader = gw_epoch_register(f->epoch);
    f->store = gw_store_open_memory(options, f->epoch, gw_random_system());
    f->cluster_max = 3000;
    gw_epoch_enter(f->reader);
    put_cluster(f, "my-cluster");
}

static inline void close_it(struct fixture *f)
{
    gw_epoch_leave(f->reader);
    gw_epoch_unregister(f->reader);
    gw_store_close(&f->store);
    assert_null(f->store);
    gw_epoch_free(&f->epoch);
}

static inline int set_up(void **state)
{
    static const struct gw_store_options ordinary = {
        .tokens_max = 100, .tokens_per_entry_max = 3, .token_age_ms = 1000};
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));

    open_with(f, &ordinary);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    close_it(*state);
    free(*state);
    return 0;
}

/* A token's scope is made from its text. */
static inline struct gw_store_token scope(const char *token)
{
    struct gw_store_token made = {.reply = GW_STR_NONE};

    gw_digest_sha256(gw_str_from(token), made.scope);
    return made;
}

static inline struct gw_access_entry *new_entry(const struct gw_store_key *at, const char *username)
{
    struct gw_access_entry entry = {.key = *at, .username = gw_str_from(username), .reply = gw_str_from(username)};
    char arn[256];

    (void)snprintf(arn, sizeof(arn), "arn:%.*s/%.*s", GW_STR_ARG(at->cluster), GW_STR_ARG(at->principal));
    entry.arn = gw_str_from(arn);
    return gw_access_entry_new(&entry);
}

/* Of a change of an entry: based on the cluster that is committed. */
static inline struct gw_store_change change_at(struct fixture *f, const struct gw_store_key *at, uint64_t version)
{
    return (struct gw_store_change){.key = *at,
                                    .expected_cluster = cluster_version(f, at),
                                    .entry_act = GW_STORE_PUT,
                                    .expected_entry = version,
                                    .cluster_entries_max = f->cluster_max,
                                    .now_ms = NOW};
}

/* Stages the change; its objects are cleared when it was taken and stay when it was refused. */
static inline enum gw_status stage_change(struct fixture *f, struct gw_store_change *change)
{
    const struct gw_store_change before = *change;
    enum gw_status status = gw_store_stage(f->store, change);

    assert_ptr_equal(change->cluster, status == GW_OK ? NULL : before.cluster);
    assert_ptr_equal(change->entry, status == GW_OK ? NULL : before.entry);
    assert_ptr_equal(change->token, status == GW_OK ? NULL : before.token);
    gw_store_change_drop(change);
    return status;
}

/* Stages a put (username not NULL) or a delete. */
static inline enum gw_status stage_at(struct fixture *f, const struct gw_store_key *at, uint64_t version,
                                      const char *username, const char *token, int64_t now_ms)
{
    struct gw_store_change change = change_at(f, at, version);

    change.now_ms = now_ms;
    if (username != NULL)
        change.entry = new_entry(at, username);
    else
        change.entry_act = GW_STORE_DELETE;
    if (token != NULL) {
        struct gw_store_token from = scope(token);

        from.created_ms = now_ms;
        from.reply = gw_str_from(username);
        change.token = gw_store_token_new(&from, change.entry);
    }
    return stage_change(f, &change);
}

static inline enum gw_status stage(struct fixture *f, const char *principal, uint64_t version, const char *username)
{
    struct gw_store_key at = key(principal);

    return stage_at(f, &at, version, username, NULL, NOW);
}

static inline const struct gw_access_entry *find(struct fixture *f, const char *principal)
{
    struct gw_store_key at = key(principal);

    return gw_store_find(f->store, &at);
}

static inline size_t count_cluster(struct fixture *f, const char *cluster)
{
    struct gw_store_key at = key_in(cluster, "");

    return gw_store_count_cluster(f->store, &at);
}

static inline const struct gw_store_token *find_token(struct fixture *f, const char *token, int64_t now_ms)
{
    struct gw_store_token wanted = scope(token);

    return gw_store_find_token(f->store, wanted.scope, now_ms);
}

/* One committed put with a token. */
static inline void put(struct fixture *f, const char *principal, const char *username, const char *token,
                       int64_t now_ms)
{
    struct gw_store_key at = key(principal);
    const struct gw_access_entry *now = gw_store_find(f->store, &at);

    assert_int_equal(stage_at(f, &at, now == NULL ? 0 : now->version, username, token, now_ms), GW_OK);
    commit(f);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
