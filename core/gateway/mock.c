/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clock, ids and remembered deletions of a mock. An id is the beginning of
 *
 *   SHA-256(seed, what, partition, account, region, cluster, principal, times)
 *
 * where `times` says how often that very thing has been made before: it moves
 * when a creation is committed, so a change that is prepared again, or overtaken
 * by another, gets the id that it would have had; and since nothing but the
 * thing's own history counts, runs that differ in the order of unrelated
 * requests get the same ids.
 */
#include "gateway/mock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "codec/digest.h"
#include "codec/time.h"

#define SALT                16
#define GW_MOCK_DELETED_MAX 10000
#define GW_MOCK_MADE_MAX    1000000

#define CLOCK_RUNS INT64_MIN
#define CLOCK_LAST INT64_C(253402300799999) /* the end of the year 9999 */

/* What ids are made for (eks/service.h), and what is remembered of deletions. */
static const struct gw_str entry_word = GW_STR_INIT("access-entry");
static const struct gw_str cluster_word = GW_STR_INIT("cluster");
static const struct gw_str update_word = GW_STR_INIT("update");
static const struct gw_str deleted_word = GW_STR_INIT("deleted");

struct gw_mock {
    struct gw_mock_options options;
    _Atomic int64_t clock_ms; /* CLOCK_RUNS, or where it stands */
    struct gw_eks_ids ids;
    struct gw_eks_ids first_ids; /* as if nothing had been made before */
    struct gw_commit_watch watch;
    struct gw_fault_table *faults;
    struct gw_requests *requests;
    unsigned char salt[SALT];              /* of the keys of the tallies: strangers choose names */
    bool has_taken_salt;                   /* another process's */
    pthread_rwlock_t whole;                /* held for writing while the state is replaced as a whole */
    pthread_mutex_t lock;                  /* of the history */
    const struct gw_mock_history *offered; /* the writer's: of the job that is staged */
    struct gw_mock_history history;        /* ids are counted only where they are seeded */
};

enum gw_status gw_mock_clock_parse(struct gw_str text, struct gw_mock_clock *clock)
{
    struct gw_str frozen = GW_STR("frozen:");
    int64_t ms;

    if (gw_str_is(text, "system")) {
        *clock = (struct gw_mock_clock){.frozen = false};
        return GW_OK;
    }
    if (!gw_str_starts(text, frozen) || gw_time_parse_iso(gw_str_slice(text, frozen.length, SIZE_MAX), &ms) != GW_OK)
        return GW_E_SYNTAX;
    *clock = (struct gw_mock_clock){.frozen = true, .ms = ms};
    return GW_OK;
}

enum gw_status gw_mock_ids_parse(struct gw_str text, struct gw_mock_ids *ids)
{
    struct gw_str seeded = GW_STR("seeded:");
    uint64_t seed;

    if (gw_str_is(text, "random")) {
        *ids = (struct gw_mock_ids){.seeded = false};
        return GW_OK;
    }
    if (!gw_str_starts(text, seeded) ||
        gw_str_parse_u64(gw_str_slice(text, seeded.length, SIZE_MAX), UINT64_MAX, &seed) != GW_OK)
        return GW_E_SYNTAX;
    *ids = (struct gw_mock_ids){.seeded = true, .seed = seed};
    return GW_OK;
}

struct gw_mock_clock gw_mock_clock_get(const struct gw_mock *mock)
{
    int64_t clock_ms = atomic_load_explicit(&mock->clock_ms, memory_order_relaxed);

    return clock_ms == CLOCK_RUNS ? (struct gw_mock_clock){.frozen = false}
                                  : (struct gw_mock_clock){.frozen = true, .ms = clock_ms};
}

void gw_mock_clock_set(struct gw_mock *mock, const struct gw_mock_clock *clock)
{
    atomic_store(&mock->clock_ms, clock->frozen ? clock->ms : CLOCK_RUNS);
}

enum gw_status gw_mock_clock_step(struct gw_mock *mock, int64_t step_ms)
{
    int64_t from = atomic_load(&mock->clock_ms);
    int64_t to;

    do {
        if (from == CLOCK_RUNS)
            return GW_E_DENIED;
        if (__builtin_add_overflow(from, step_ms, &to) || to < 0 || to > CLOCK_LAST)
            return GW_E_RANGE;
    } while (!atomic_compare_exchange_weak(&mock->clock_ms, &from, to));
    return GW_OK;
}

/* Each field with its length in front, so that no two lists of fields hash alike. */
static void add_field(struct gw_sha256 *hash, struct gw_str field)
{
    unsigned char length[4] = {(unsigned char)(field.length >> 24), (unsigned char)(field.length >> 16),
                               (unsigned char)(field.length >> 8), (unsigned char)field.length};

    gw_digest_update(hash, length, sizeof(length));
    gw_digest_update(hash, field.at, field.length);
}

static void add_number(struct gw_sha256 *hash, uint64_t number)
{
    unsigned char bytes[8];

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(number >> (56 - 8 * i));
    gw_digest_update(hash, bytes, sizeof(bytes));
}

static void add_thing(struct gw_sha256 *hash, struct gw_str what, const struct gw_store_key *key)
{
    const struct gw_str fields[] = {what, key->partition, key->account, key->region, key->cluster, key->principal};

    for (size_t i = 0; i < GW_COUNT(fields); i++)
        add_field(hash, fields[i]);
}

static void tally_key(const struct gw_mock *mock, struct gw_str what, const struct gw_store_key *key,
                      unsigned char out[GW_DIGEST_SIZE])
{
    struct gw_sha256 hash;

    gw_digest_init(&hash);
    gw_digest_update(&hash, mock->salt, sizeof(mock->salt));
    add_thing(&hash, what, key);
    gw_digest_final(&hash, out);
}

/* The key of a cluster, whatever entry a change touches as well. */
static struct gw_store_key cluster_of(const struct gw_store_key *key)
{
    struct gw_store_key cluster = *key;

    cluster.principal = GW_STR_NONE;
    return cluster;
}

static void derive_id(const struct gw_mock *mock, struct gw_str what, const struct gw_store_key *thing, uint32_t times,
                      unsigned char id[16])
{
    unsigned char digest[GW_DIGEST_SIZE];
    struct gw_sha256 hash;

    gw_digest_init(&hash);
    add_number(&hash, mock->options.ids.seed);
    add_thing(&hash, what, thing);
    add_number(&hash, times);
    gw_digest_final(&hash, digest);
    memcpy(id, digest, 16);
}

static struct gw_store_key thing_of(struct gw_str what, const struct gw_store_key *key)
{
    return gw_str_equal(what, entry_word) ? *key : cluster_of(key);
}

static void make_id(void *ctx, struct gw_str what, const struct gw_store_key *key, unsigned char id[16])
{
    struct gw_mock *mock = ctx;
    struct gw_store_key thing = thing_of(what, key);
    unsigned char digest[GW_DIGEST_SIZE];
    uint32_t times;

    tally_key(mock, what, &thing, digest);
    (void)pthread_mutex_lock(&mock->lock);
    times = gw_tally_get(&mock->history.made, digest);
    (void)pthread_mutex_unlock(&mock->lock);
    derive_id(mock, what, &thing, times, id);
}

static void make_first_id(void *ctx, struct gw_str what, const struct gw_store_key *key, unsigned char id[16])
{
    struct gw_store_key thing = thing_of(what, key);

    derive_id(ctx, what, &thing, 0, id);
}

static void count_made(const struct gw_mock *mock, struct gw_mock_history *history, struct gw_str what,
                       const struct gw_store_key *key)
{
    unsigned char digest[GW_DIGEST_SIZE];

    if (!mock->options.ids.seeded)
        return;
    tally_key(mock, what, key, digest);
    gw_tally_set(&history->made, digest, gw_tally_get(&history->made, digest) + 1);
}

/* Under the lock. */
static void mark_deleted(struct gw_mock *mock, const struct gw_store_key *cluster, bool is_deleted)
{
    unsigned char digest[GW_DIGEST_SIZE];

    tally_key(mock, deleted_word, cluster, digest);
    gw_tally_set(&mock->history.deleted, digest, is_deleted ? 1 : 0);
}

/* On the writer's thread, before any reader sees the change: whoever finds the cluster gone knows it as deleted. */
static void on_publish(void *ctx, const struct gw_store_change *change)
{
    struct gw_mock *mock = ctx;
    struct gw_store_key cluster = cluster_of(&change->key);

    (void)pthread_mutex_lock(&mock->lock);
    if (change->cluster_act == GW_STORE_DELETE)
        mark_deleted(mock, &cluster, true);
    if (change->cluster_act == GW_STORE_PUT && change->expected_cluster == 0) {
        mark_deleted(mock, &cluster, false);
        count_made(mock, &mock->history, cluster_word, &cluster);
    } else if (change->cluster_act == GW_STORE_PUT) {
        count_made(mock, &mock->history, update_word, &cluster);
    }
    if (change->entry_act == GW_STORE_PUT && change->expected_entry == 0)
        count_made(mock, &mock->history, entry_word, &change->key);
    (void)pthread_mutex_unlock(&mock->lock);
}

/* On the writer's thread, around the moment in which the state becomes another. */
static void on_exclusive(void *ctx, bool begins)
{
    struct gw_mock *mock = ctx;

    if (!begins) {
        (void)pthread_rwlock_unlock(&mock->whole);
        return;
    }
    (void)pthread_rwlock_wrlock(&mock->whole);
    if (mock->offered == NULL)
        return;
    (void)pthread_mutex_lock(&mock->lock);
    gw_tally_copy(&mock->offered->deleted, &mock->history.deleted);
    gw_tally_copy(&mock->offered->made, &mock->history.made);
    (void)pthread_mutex_unlock(&mock->lock);
}

void gw_mock_hold(struct gw_mock *mock)
{
    (void)pthread_rwlock_rdlock(&mock->whole);
}

void gw_mock_let_go(struct gw_mock *mock)
{
    (void)pthread_rwlock_unlock(&mock->whole);
}

static bool makes_cluster(void *ctx, const struct gw_store_key *key)
{
    struct gw_mock *mock = ctx;
    struct gw_store_key cluster = cluster_of(key);
    unsigned char digest[GW_DIGEST_SIZE];
    bool is_deleted;

    tally_key(mock, deleted_word, &cluster, digest);
    (void)pthread_mutex_lock(&mock->lock);
    is_deleted = gw_tally_get(&mock->history.deleted, digest) > 0;
    (void)pthread_mutex_unlock(&mock->lock);
    return !is_deleted;
}

void gw_mock_begin(struct gw_mock *mock)
{
    struct gw_err err;

    gw_mock_clock_set(mock, &mock->options.clock);
    gw_requests_clear(mock->requests);
    gw_fault_table_clear(mock->faults);
    if (mock->options.faults.at != NULL && gw_fault_table_set(mock->faults, mock->options.faults, &err) != GW_OK)
        gw_fatal("faults of the start: %s", err.text);
}

void gw_mock_history_init(struct gw_mock_history *history)
{
    gw_tally_init(&history->deleted, GW_MOCK_DELETED_MAX);
    gw_tally_init(&history->made, GW_MOCK_MADE_MAX);
}

void gw_mock_history_fini(struct gw_mock_history *history)
{
    gw_tally_fini(&history->deleted);
    gw_tally_fini(&history->made);
}

void gw_mock_history_get(struct gw_mock *mock, struct gw_mock_history *history)
{
    (void)pthread_mutex_lock(&mock->lock);
    gw_tally_copy(&mock->history.deleted, &history->deleted);
    gw_tally_copy(&mock->history.made, &history->made);
    (void)pthread_mutex_unlock(&mock->lock);
}

void gw_mock_history_offer(struct gw_mock *mock, const struct gw_mock_history *history)
{
    mock->offered = history;
}

void gw_mock_history_count(struct gw_mock *mock, struct gw_mock_history *history, const struct gw_store_key *key,
                           bool is_entry)
{
    struct gw_str what = is_entry ? entry_word : cluster_word;
    struct gw_store_key thing = thing_of(what, key);

    count_made(mock, history, what, &thing);
}

/* Requests come without end: one that replaces the state doesn't wait for the last of them. */
static void open_whole(struct gw_mock *mock)
{
    pthread_rwlockattr_t kind;

    (void)pthread_rwlockattr_init(&kind);
    (void)pthread_rwlockattr_setkind_np(&kind, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(&mock->whole, &kind);
    (void)pthread_rwlockattr_destroy(&kind);
}

/* "SALT\n", then the two tallies. The salt is there because the keys are nothing without it. */
void gw_mock_history_encode(const struct gw_mock *mock, const struct gw_mock_history *history, struct gw_buf *out)
{
    for (size_t i = 0; i < SALT; i++)
        gw_buf_printf(out, "%02x", mock->salt[i]);
    gw_buf_append_byte(out, '\n');
    gw_tally_encode(&history->deleted, out);
    gw_tally_encode(&history->made, out);
}

static bool take_salt(struct gw_str *text, unsigned char salt[SALT])
{
    static const char digits[] = "0123456789abcdef";

    if (text->length < (size_t)2 * SALT + 1 || text->at[2 * SALT] != '\n')
        return false;
    for (size_t i = 0; i < (size_t)2 * SALT; i++) {
        const char *digit = memchr(digits, text->at[i], sizeof(digits) - 1);

        if (digit == NULL)
            return false;
        salt[i / 2] = (unsigned char)(salt[i / 2] << 4 | (digit - digits));
    }
    *text = gw_str_slice(*text, (size_t)2 * SALT + 1, SIZE_MAX);
    return true;
}

enum gw_status gw_mock_history_decode(struct gw_mock *mock, struct gw_str text, struct gw_mock_history *history)
{
    unsigned char salt[SALT] = {0};

    if (!take_salt(&text, salt) || gw_tally_decode(&text, &history->deleted) != GW_OK ||
        gw_tally_decode(&text, &history->made) != GW_OK || text.length > 0)
        return GW_E_SYNTAX;
    if (mock->has_taken_salt && memcmp(mock->salt, salt, SALT) != 0)
        return GW_E_STALE;
    memcpy(mock->salt, salt, SALT);
    mock->has_taken_salt = true;
    return GW_OK;
}

struct gw_mock *gw_mock_new(const struct gw_mock_options *options, const struct gw_random *random)
{
    struct gw_mock *mock = gw_alloc_zero(1, sizeof(*mock));
    const struct gw_fault_chance chance = {.seeded = options->ids.seeded, .seed = options->ids.seed, .random = random};

    mock->options = *options;
    if (options->faults.at != NULL)
        mock->options.faults = (struct gw_str){gw_str_dup(options->faults), options->faults.length};
    mock->ids = (struct gw_eks_ids){.ctx = mock, .make = make_id};
    mock->first_ids = (struct gw_eks_ids){.ctx = mock, .make = make_first_id};
    mock->watch = (struct gw_commit_watch){.ctx = mock, .on_publish = on_publish, .on_exclusive = on_exclusive};
    gw_random_fill(random, mock->salt, sizeof(mock->salt));
    (void)pthread_mutex_init(&mock->lock, NULL);
    open_whole(mock);
    gw_mock_history_init(&mock->history);
    mock->faults = gw_fault_table_new(&chance);
    mock->requests = gw_requests_new(options->requests_max);
    gw_mock_begin(mock);
    return mock;
}

void gw_mock_free(struct gw_mock **mock)
{
    struct gw_mock *m = *mock;

    if (m == NULL)
        return;
    *mock = NULL;
    gw_requests_free(&m->requests);
    gw_fault_table_free(&m->faults);
    free((void *)(uintptr_t)m->options.faults.at);
    gw_mock_history_fini(&m->history);
    (void)pthread_rwlock_destroy(&m->whole);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

void gw_mock_fill_env(struct gw_mock *mock, struct gw_eks_env *env)
{
    struct gw_mock_clock clock = gw_mock_clock_get(mock);

    if (clock.frozen)
        env->now_ms = clock.ms;
    if (mock->options.ids.seeded)
        env->ids = &mock->ids;
    env->makes_cluster = makes_cluster;
    env->makes_cluster_ctx = mock;
}

void gw_mock_fill_new(struct gw_mock *mock, struct gw_eks_env *env)
{
    gw_mock_fill_env(mock, env);
    if (env->ids != NULL)
        env->ids = &mock->first_ids;
}

struct gw_fault_table *gw_mock_faults(struct gw_mock *mock)
{
    return mock->faults;
}

struct gw_requests *gw_mock_requests(struct gw_mock *mock)
{
    return mock->requests;
}

const struct gw_commit_watch *gw_mock_watch(struct gw_mock *mock)
{
    return &mock->watch;
}
