/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory engine: three tables that readers follow without locks (table.h),
 * and a list of staged changes that only the writer knows.
 *
 *   entries   partition, account, region, cluster, principal -> access entry
 *   clusters  partition, account, region, cluster            -> how many entries
 *   tokens    operation, partition, account, region, cluster, token -> reply
 *
 * A change is checked when staged, against the newest state of its entry: what
 * an earlier change of the batch will make of it, else what is committed. Commit
 * applies the changes in order and can't fail. Nothing is durable.
 *
 * Tokens leave when their entry does, when it has newer ones past its bound, when
 * they are too old, and when the store holds too many, oldest first.
 */
#include <stdlib.h>

#include "store/entry.h"
#include "store/table.h"

#define STAGED_HEADS 1024 /* chains of the index over staged changes; a power of two */

struct cluster {
    struct gw_store_key key; /* without principal; points behind the struct */
    atomic_size_t count;     /* committed */
    size_t created;          /* staged, not yet committed; writer only */
    size_t deleted;
    size_t users; /* staged changes that point here */
};

struct staged {
    uint64_t hash;
    uint64_t token_hash;
    size_t older;       /* 1 + index of the chain's next, 0 at its end */
    size_t older_token; /* the same, in the chain of the token's hash */
    struct gw_store_key key;
    struct gw_access_entry *entry; /* NULL: deletes */
    struct gw_store_token *token;
    struct cluster *cluster;
    bool creates;
    int64_t now_ms;
};

struct gw_store {
    struct gw_store_options options;
    struct gw_epoch *epoch;
    struct gw_hash_seed seed;
    struct gw_table entries;
    struct gw_table clusters;
    struct gw_table tokens;
    struct gw_link tokens_by_age;
    uint64_t last_version;
    struct staged *staged;
    size_t staged_count;
    size_t staged_capacity;
    size_t staged_heads[STAGED_HEADS]; /* 1 + index of the newest change in the chain */
    size_t token_heads[STAGED_HEADS];  /* the same, of changes with a token */
};

static bool same_cluster(const struct gw_store_key *a, const struct gw_store_key *b)
{
    return gw_str_equal(a->cluster, b->cluster) && gw_str_equal(a->account, b->account) &&
           gw_str_equal(a->region, b->region) && gw_str_equal(a->partition, b->partition);
}

static bool same_key(const struct gw_store_key *a, const struct gw_store_key *b)
{
    return gw_str_equal(a->principal, b->principal) && same_cluster(a, b);
}

static bool entry_has_key(const void *object, const void *key)
{
    const struct gw_access_entry *entry = object;

    return same_key(&entry->key, key);
}

static bool cluster_has_key(const void *object, const void *key)
{
    const struct cluster *cluster = object;

    return same_cluster(&cluster->key, key);
}

static bool token_has_scope(const void *object, const void *key)
{
    const struct gw_store_token *token = object;
    const struct gw_store_token *scope = key;

    return gw_str_equal(token->token, scope->token) && gw_str_equal(token->operation, scope->operation) &&
           gw_str_equal(token->cluster, scope->cluster) && gw_str_equal(token->account, scope->account) &&
           gw_str_equal(token->region, scope->region) && gw_str_equal(token->partition, scope->partition);
}

static uint64_t hash_key(const struct gw_store *store, const struct gw_store_key *key)
{
    const struct gw_str pieces[] = {key->partition, key->account, key->region, key->cluster, key->principal};

    return gw_table_hash(&store->seed, pieces, GW_COUNT(pieces));
}

static uint64_t hash_cluster(const struct gw_store *store, const struct gw_store_key *key)
{
    const struct gw_str pieces[] = {key->partition, key->account, key->region, key->cluster};

    return gw_table_hash(&store->seed, pieces, GW_COUNT(pieces));
}

static uint64_t hash_scope(const struct gw_store *store, const struct gw_store_token *scope)
{
    const struct gw_str pieces[] = {scope->operation, scope->partition, scope->account,
                                    scope->region,    scope->cluster,   scope->token};

    return gw_table_hash(&store->seed, pieces, GW_COUNT(pieces));
}

static void release_entry(void *object)
{
    struct gw_access_entry *entry = object;

    gw_access_entry_free(&entry);
}

static void release_token(void *object)
{
    struct gw_store_token *token = object;

    gw_store_token_free(&token);
}

static void release_cluster(void *object)
{
    free(object);
}

struct gw_store *gw_store_open_memory(const struct gw_store_options *options, struct gw_epoch *epoch,
                                      const struct gw_random *random)
{
    struct gw_store *store = gw_alloc_zero(1, sizeof(*store));

    store->options = *options;
    store->epoch = epoch;
    gw_random_seed(random, &store->seed);
    gw_table_init(&store->entries, epoch, entry_has_key);
    gw_table_init(&store->clusters, epoch, cluster_has_key);
    gw_table_init(&store->tokens, epoch, token_has_scope);
    gw_link_init(&store->tokens_by_age);
    return store;
}

void gw_store_close(struct gw_store **store)
{
    struct gw_store *s = *store;

    if (s == NULL)
        return;
    *store = NULL;
    gw_store_rollback(s);
    gw_table_fini(&s->tokens, release_token);
    gw_table_fini(&s->clusters, release_cluster);
    gw_table_fini(&s->entries, release_entry);
    free(s->staged);
    free(s);
}

const struct gw_access_entry *gw_store_find(const struct gw_store *store, const struct gw_store_key *key)
{
    return gw_table_find(&store->entries, hash_key(store, key), key);
}

static bool is_too_old(const struct gw_store *store, const struct gw_store_token *token, int64_t now_ms)
{
    return now_ms - token->created_ms > store->options.token_age_ms;
}

const struct gw_store_token *gw_store_find_token(const struct gw_store *store, const struct gw_store_token *scope,
                                                 int64_t now_ms)
{
    const struct gw_store_token *token = gw_table_find(&store->tokens, hash_scope(store, scope), scope);

    return token == NULL || is_too_old(store, token, now_ms) ? NULL : token;
}

size_t gw_store_count_cluster(const struct gw_store *store, const struct gw_store_key *key)
{
    const struct cluster *cluster = gw_table_find(&store->clusters, hash_cluster(store, key), key);

    return cluster == NULL ? 0 : atomic_load_explicit(&cluster->count, memory_order_relaxed);
}

size_t gw_store_count(const struct gw_store *store)
{
    return gw_table_count(&store->entries);
}

static struct gw_str copy_behind(char **at, struct gw_str text)
{
    struct gw_str copy = {*at, text.length};

    if (text.length > 0)
        memcpy(*at, text.at, text.length);
    *at += text.length;
    return copy;
}

static struct cluster *cluster_new(const struct gw_store_key *key)
{
    size_t text = key->partition.length + key->account.length + key->region.length + key->cluster.length;
    struct cluster *cluster = gw_alloc(sizeof(*cluster) + text);
    char *at = (char *)(cluster + 1);

    memset(cluster, 0, sizeof(*cluster));
    atomic_init(&cluster->count, 0);
    cluster->key.partition = copy_behind(&at, key->partition);
    cluster->key.account = copy_behind(&at, key->account);
    cluster->key.region = copy_behind(&at, key->region);
    cluster->key.cluster = copy_behind(&at, key->cluster);
    return cluster;
}

/* The cluster's counter, made when there is none: readers take none and one at 0 for the same. */
static struct cluster *get_cluster(struct gw_store *store, const struct gw_store_key *key)
{
    uint64_t hash = hash_cluster(store, key);
    struct cluster *cluster = gw_table_find(&store->clusters, hash, key);

    if (cluster == NULL) {
        cluster = cluster_new(key);
        (void)gw_table_put(&store->clusters, hash, &cluster->key, cluster);
    }
    return cluster;
}

/* Counters of clusters that have no entry are dropped, so that names mentioned once don't stay. */
static void leave_cluster(struct gw_store *store, struct cluster *cluster)
{
    if (cluster->users > 0 || atomic_load(&cluster->count) > 0)
        return;
    (void)gw_table_remove(&store->clusters, hash_cluster(store, &cluster->key), &cluster->key);
    gw_epoch_retire(store->epoch, cluster, release_cluster);
}

/* The newest staged change of `key`, NULL when the batch has none. */
static const struct staged *find_staged(const struct gw_store *store, uint64_t hash, const struct gw_store_key *key)
{
    size_t at = store->staged_heads[(size_t)hash % STAGED_HEADS];

    for (; at != 0; at = store->staged[at - 1].older) {
        const struct staged *one = &store->staged[at - 1];

        if (one->hash == hash && same_key(&one->key, key))
            return one;
    }
    return NULL;
}

/* The entry as the batch will have left it, NULL when absent. */
static const struct gw_access_entry *find_newest(const struct gw_store *store, uint64_t hash,
                                                 const struct gw_store_key *key)
{
    const struct staged *one = find_staged(store, hash, key);

    return one != NULL ? one->entry : gw_table_find(&store->entries, hash, key);
}

/* True when another change has taken the token since this one was prepared: it is the other's retry, or a misuse, and
 * preparing it anew tells which. */
static bool is_token_taken(const struct gw_store *store, uint64_t hash, const struct gw_store_token *token,
                           int64_t now_ms)
{
    const struct gw_store_token *committed = gw_table_find(&store->tokens, hash, token);

    if (committed != NULL && !is_too_old(store, committed, now_ms))
        return true;
    for (size_t at = store->token_heads[(size_t)hash % STAGED_HEADS]; at != 0; at = store->staged[at - 1].older_token) {
        const struct staged *one = &store->staged[at - 1];

        if (one->token_hash == hash && token_has_scope(one->token, token))
            return true;
    }
    return false;
}

static void push_staged(struct gw_store *store, const struct staged *one)
{
    size_t *head = &store->staged_heads[(size_t)one->hash % STAGED_HEADS];
    size_t *token_head = &store->token_heads[(size_t)one->token_hash % STAGED_HEADS];
    struct staged *slot;

    if (store->staged_count == store->staged_capacity) {
        store->staged_capacity = store->staged_capacity > 0 ? store->staged_capacity * 2 : 64;
        store->staged = gw_realloc(store->staged, store->staged_capacity * sizeof(*store->staged));
    }
    slot = &store->staged[store->staged_count++];
    *slot = *one;
    slot->older = *head;
    *head = store->staged_count;
    if (one->token == NULL)
        return;
    slot->older_token = *token_head;
    *token_head = store->staged_count;
}

static bool is_full(const struct cluster *cluster, size_t max)
{
    return atomic_load(&cluster->count) + cluster->created - cluster->deleted >= max;
}

enum gw_status gw_store_stage(struct gw_store *store, struct gw_store_change *change)
{
    uint64_t hash = hash_key(store, &change->key);
    const struct gw_access_entry *now = find_newest(store, hash, &change->key);
    struct staged one = {.hash = hash, .entry = change->entry, .token = change->token, .now_ms = change->now_ms};

    if (change->expected_version != (now == NULL ? 0 : now->version))
        return GW_E_STALE;
    if (change->entry == NULL && now == NULL)
        return GW_E_STALE;
    if (one.token != NULL) {
        one.token_hash = hash_scope(store, one.token);
        if (is_token_taken(store, one.token_hash, one.token, one.now_ms))
            return GW_E_STALE;
    }
    one.creates = now == NULL;
    one.cluster = get_cluster(store, &change->key);
    if (one.creates && is_full(one.cluster, change->cluster_entries_max)) {
        leave_cluster(store, one.cluster);
        return GW_E_LIMIT;
    }
    one.cluster->users++;
    if (one.creates)
        one.cluster->created++;
    if (change->entry == NULL)
        one.cluster->deleted++;
    else
        change->entry->version = ++store->last_version;
    /* A delete has no text of its own: it keeps that of the entry it deletes, which stays until the batch is applied.
     */
    one.key = change->entry != NULL ? change->entry->key : now->key;
    push_staged(store, &one);
    change->entry = NULL;
    change->token = NULL;
    return GW_OK;
}

static void drop_token(struct gw_store *store, struct gw_stored_token *stored)
{
    gw_link_remove(&stored->by_age);
    gw_link_remove(&stored->by_entry);
    (void)gw_table_remove(&store->tokens, hash_scope(store, &stored->token), &stored->token);
    gw_epoch_retire(store->epoch, &stored->token, release_token);
}

static struct gw_stored_token *oldest_of_entry(struct gw_stored_entry *stored)
{
    return GW_CONTAINER(stored->tokens.next, struct gw_stored_token, by_entry);
}

static size_t count_tokens(const struct gw_stored_entry *stored)
{
    size_t count = 0;

    for (const struct gw_link *at = stored->tokens.next; at != &stored->tokens; at = at->next)
        count++;
    return count;
}

/* Makes room for one more token, overall and at its entry. */
static void evict_tokens(struct gw_store *store, struct gw_stored_entry *owner, int64_t now_ms)
{
    while (!gw_link_is_empty(&store->tokens_by_age)) {
        struct gw_stored_token *oldest = GW_CONTAINER(store->tokens_by_age.next, struct gw_stored_token, by_age);

        if (gw_table_count(&store->tokens) < store->options.tokens_max && !is_too_old(store, &oldest->token, now_ms))
            break;
        drop_token(store, oldest);
    }
    for (size_t count = count_tokens(owner); count > 0 && count >= store->options.tokens_per_entry_max; count--)
        drop_token(store, oldest_of_entry(owner));
}

static void apply_token(struct gw_store *store, struct gw_access_entry *owner, const struct staged *one)
{
    struct gw_store_token *token = one->token;
    struct gw_stored_token *stored = gw_stored_token(token);
    struct gw_store_token *old;

    if (store->options.tokens_max == 0 || store->options.tokens_per_entry_max == 0) {
        gw_store_token_free(&token);
        return;
    }
    old = gw_table_find(&store->tokens, one->token_hash, token);
    if (old != NULL)
        drop_token(store, gw_stored_token(old));
    evict_tokens(store, gw_stored_entry(owner), one->now_ms);
    (void)gw_table_put(&store->tokens, one->token_hash, token, token);
    gw_link_append(&store->tokens_by_age, &stored->by_age);
    gw_link_append(&gw_stored_entry(owner)->tokens, &stored->by_entry);
}

/* The token first: whoever sees the entry sees the token of the change that made it. */
static void apply_put(struct gw_store *store, struct staged *one)
{
    struct gw_access_entry *old = gw_table_find(&store->entries, one->hash, &one->key);

    if (old != NULL)
        gw_link_move(&gw_stored_entry(one->entry)->tokens, &gw_stored_entry(old)->tokens);
    if (one->token != NULL)
        apply_token(store, one->entry, one);
    old = gw_table_put(&store->entries, one->hash, &one->key, one->entry);
    gw_epoch_retire(store->epoch, old, release_entry);
}

static void apply_delete(struct gw_store *store, struct staged *one)
{
    struct gw_access_entry *old = gw_table_remove(&store->entries, one->hash, &one->key);

    while (!gw_link_is_empty(&gw_stored_entry(old)->tokens))
        drop_token(store, oldest_of_entry(gw_stored_entry(old)));
    gw_store_token_free(&one->token);
    gw_epoch_retire(store->epoch, old, release_entry);
}

/* Takes the change off its cluster's books. */
static void settle_cluster(struct gw_store *store, const struct staged *one)
{
    struct cluster *cluster = one->cluster;

    cluster->users--;
    if (one->creates)
        cluster->created--;
    if (one->entry == NULL)
        cluster->deleted--;
    leave_cluster(store, cluster);
}

static void apply(struct gw_store *store, struct staged *one)
{
    if (one->creates)
        atomic_fetch_add(&one->cluster->count, 1);
    if (one->entry != NULL) {
        apply_put(store, one);
    } else {
        apply_delete(store, one);
        atomic_fetch_sub(&one->cluster->count, 1);
    }
    settle_cluster(store, one);
}

static void forget_staged(struct gw_store *store)
{
    for (size_t i = 0; i < store->staged_count; i++)
        store->staged_heads[(size_t)store->staged[i].hash % STAGED_HEADS] = 0;
    for (size_t i = 0; i < store->staged_count; i++)
        store->token_heads[(size_t)store->staged[i].token_hash % STAGED_HEADS] = 0;
    store->staged_count = 0;
}

enum gw_status gw_store_commit(struct gw_store *store, struct gw_err *err)
{
    (void)err;
    for (size_t i = 0; i < store->staged_count; i++)
        apply(store, &store->staged[i]);
    forget_staged(store);
    return GW_OK;
}

void gw_store_rollback(struct gw_store *store)
{
    for (size_t i = 0; i < store->staged_count; i++) {
        struct staged *one = &store->staged[i];

        settle_cluster(store, one);
        gw_store_token_free(&one->token);
        gw_access_entry_free(&one->entry);
    }
    forget_staged(store);
}
