/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory engine: tables that readers follow without locks (table.h), ordered
 * listings (listing.h), and a list of staged changes that only the writer knows.
 *
 *   entries   partition, account, region, cluster, principal -> access entry
 *   arns      access entry ARN                               -> access entry
 *   nodes     partition, account, region, cluster            -> cluster, its listings
 *   scopes    partition, account, region                     -> listing of clusters
 *   tokens    digest of whose token it is                    -> reply
 *
 * Nothing is durable, unless a database is given to it (load.c, write.c).
 */
#include <stdlib.h>

#include "store/engine.h"

static bool same_scope(const struct gw_store_key *a, const struct gw_store_key *b)
{
    return gw_str_equal(a->account, b->account) && gw_str_equal(a->region, b->region) &&
           gw_str_equal(a->partition, b->partition);
}

static bool same_cluster(const struct gw_store_key *a, const struct gw_store_key *b)
{
    return gw_str_equal(a->cluster, b->cluster) && same_scope(a, b);
}

bool gw_engine_same_entry(const struct gw_store_key *a, const struct gw_store_key *b)
{
    return gw_str_equal(a->principal, b->principal) && same_cluster(a, b);
}

static bool entry_has_key(const void *object, const void *key)
{
    const struct gw_access_entry *entry = object;

    return gw_engine_same_entry(&entry->key, key);
}

static bool entry_has_arn(const void *object, const void *key)
{
    const struct gw_access_entry *entry = object;
    const struct gw_str *arn = key;

    return gw_str_equal(entry->arn, *arn);
}

static bool node_has_key(const void *object, const void *key)
{
    const struct gw_cluster_node *node = object;

    return same_cluster(&node->key, key);
}

static bool scope_has_key(const void *object, const void *key)
{
    const struct gw_scope_node *scope = object;

    return same_scope(&scope->key, key);
}

static bool token_has_scope(const void *object, const void *key)
{
    const struct gw_store_token *token = object;

    return memcmp(token->scope, key, sizeof(token->scope)) == 0;
}

uint64_t gw_engine_hash_entry(const struct gw_store *store, const struct gw_store_key *key)
{
    const struct gw_str pieces[] = {key->partition, key->account, key->region, key->cluster, key->principal};

    return gw_table_hash(&store->seed, pieces, GW_COUNT(pieces));
}

uint64_t gw_engine_hash_cluster(const struct gw_store *store, const struct gw_store_key *key)
{
    const struct gw_str pieces[] = {key->partition, key->account, key->region, key->cluster};

    return gw_table_hash(&store->seed, pieces, GW_COUNT(pieces));
}

uint64_t gw_engine_hash_scope(const struct gw_store *store, const struct gw_store_key *key)
{
    const struct gw_str pieces[] = {key->partition, key->account, key->region};

    return gw_table_hash(&store->seed, pieces, GW_COUNT(pieces));
}

uint64_t gw_engine_hash_arn(const struct gw_store *store, struct gw_str arn)
{
    return gw_table_hash(&store->seed, &arn, 1);
}

uint64_t gw_engine_hash_token(const struct gw_store *store, const unsigned char scope[GW_STORE_DIGEST])
{
    const struct gw_str piece = {(const char *)scope, GW_STORE_DIGEST};

    return gw_table_hash(&store->seed, &piece, 1);
}

void gw_engine_release_entry(void *object)
{
    struct gw_access_entry *entry = object;

    gw_access_entry_free(&entry);
}

void gw_engine_release_token(void *object)
{
    struct gw_store_token *token = object;

    gw_store_token_free(&token);
}

static void release_nothing(void *object)
{
    (void)object;
}

static void release_node(void *object)
{
    struct gw_cluster_node *node = object;
    struct gw_cluster *record = atomic_load(&node->record);
    struct gw_policy_listings *policies = atomic_load(&node->policies);

    for (size_t i = 0; policies != NULL && i < policies->count; i++) {
        gw_listing_fini(&policies->items[i]->entries);
        free(policies->items[i]);
    }
    free(policies);
    gw_listing_fini(&node->entries);
    gw_cluster_free(&record);
    free(node);
}

void gw_engine_release_scope(void *object)
{
    struct gw_scope_node *scope = object;

    gw_listing_fini(&scope->clusters);
    free(scope);
}

struct gw_store *gw_store_open_memory(const struct gw_store_options *options, struct gw_epoch *epoch,
                                      const struct gw_random *random)
{
    struct gw_store *store = gw_alloc_zero(1, sizeof(*store));

    store->options = *options;
    store->found = (struct gw_store_found){.is_new = true};
    store->epoch = epoch;
    store->batch = 1;
    gw_random_seed(random, &store->seed);
    gw_table_init(&store->entries, epoch, entry_has_key);
    gw_table_init(&store->arns, epoch, entry_has_arn);
    gw_table_init(&store->nodes, epoch, node_has_key);
    gw_table_init(&store->scopes, epoch, scope_has_key);
    gw_table_init(&store->tokens, epoch, token_has_scope);
    gw_listing_init(&store->scope_names, epoch);
    atomic_init(&store->cluster_count, 0);
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
    gw_table_fini(&s->tokens, gw_engine_release_token);
    gw_table_fini(&s->scopes, gw_engine_release_scope);
    gw_table_fini(&s->nodes, release_node);
    gw_table_fini(&s->arns, release_nothing);
    gw_table_fini(&s->entries, gw_engine_release_entry);
    gw_listing_fini(&s->scope_names);
    gw_database_close(&s->database);
    free(s->staged);
    free(s);
}

const struct gw_store_found *gw_store_found(const struct gw_store *store)
{
    return &store->found;
}

const struct gw_store_counters *gw_store_counters(const struct gw_store *store)
{
    return &store->counters;
}

const struct gw_access_entry *gw_store_find(const struct gw_store *store, const struct gw_store_key *key)
{
    return gw_table_find(&store->entries, gw_engine_hash_entry(store, key), key);
}

const struct gw_access_entry *gw_store_find_arn(const struct gw_store *store, struct gw_str arn)
{
    return gw_table_find(&store->arns, gw_engine_hash_arn(store, arn), &arn);
}

static const struct gw_cluster_node *find_node(const struct gw_store *store, const struct gw_store_key *key)
{
    return gw_table_find(&store->nodes, gw_engine_hash_cluster(store, key), key);
}

const struct gw_cluster *gw_store_find_cluster(const struct gw_store *store, const struct gw_store_key *key)
{
    const struct gw_cluster_node *node = find_node(store, key);

    return node == NULL ? NULL : atomic_load(&node->record);
}

bool gw_engine_is_too_old(const struct gw_store *store, const struct gw_store_token *token, int64_t now_ms)
{
    return now_ms - token->created_ms > store->options.token_age_ms;
}

const struct gw_store_token *gw_store_find_token(const struct gw_store *store,
                                                 const unsigned char scope[GW_STORE_DIGEST], int64_t now_ms)
{
    const struct gw_store_token *token = gw_table_find(&store->tokens, gw_engine_hash_token(store, scope), scope);

    return token == NULL || gw_engine_is_too_old(store, token, now_ms) ? NULL : token;
}

const struct gw_policy_listing *gw_engine_find_policy(const struct gw_cluster_node *node, struct gw_str policy_arn)
{
    const struct gw_policy_listings *policies = atomic_load(&node->policies);

    for (size_t i = 0; policies != NULL && i < policies->count; i++) {
        if (gw_str_equal(policies->items[i]->policy_arn, policy_arn))
            return policies->items[i];
    }
    return NULL;
}

size_t gw_store_page_entries(const struct gw_store *store, const struct gw_store_key *key, struct gw_str policy_arn,
                             struct gw_store_page *page)
{
    const struct gw_cluster_node *node = find_node(store, key);
    const struct gw_policy_listing *listing;

    page->more = false;
    if (node == NULL)
        return 0;
    if (policy_arn.at == NULL)
        return gw_listing_page(&node->entries, page);
    listing = gw_engine_find_policy(node, policy_arn);
    return listing == NULL ? 0 : gw_listing_page(&listing->entries, page);
}

uint64_t gw_store_policy_version(const struct gw_store *store, const struct gw_store_key *key, struct gw_str policy_arn)
{
    const struct gw_cluster_node *node = find_node(store, key);
    const struct gw_policy_listing *listing = node == NULL ? NULL : gw_engine_find_policy(node, policy_arn);

    return listing == NULL ? 0 : atomic_load(&listing->version);
}

size_t gw_store_page_clusters(const struct gw_store *store, const struct gw_store_key *key, struct gw_store_page *page)
{
    const struct gw_scope_node *scope = gw_table_find(&store->scopes, gw_engine_hash_scope(store, key), key);

    page->more = false;
    return scope == NULL ? 0 : gw_listing_page(&scope->clusters, page);
}

size_t gw_store_page_scopes(const struct gw_store *store, struct gw_store_page *page)
{
    return gw_listing_page(&store->scope_names, page);
}

size_t gw_store_count_cluster(const struct gw_store *store, const struct gw_store_key *key)
{
    const struct gw_cluster_node *node = find_node(store, key);

    return node == NULL ? 0 : gw_listing_count(&node->entries);
}

size_t gw_store_count(const struct gw_store *store)
{
    return gw_table_count(&store->entries);
}

size_t gw_store_count_clusters(const struct gw_store *store)
{
    return atomic_load_explicit(&store->cluster_count, memory_order_relaxed);
}

static struct gw_str copy_behind(char **at, struct gw_str text)
{
    struct gw_str copy = {*at, text.length};

    if (text.length > 0)
        memcpy(*at, text.at, text.length);
    *at += text.length;
    return copy;
}

static struct gw_cluster_node *node_new(struct gw_store *store, const struct gw_store_key *key)
{
    size_t text = key->partition.length + key->account.length + key->region.length + key->cluster.length;
    struct gw_cluster_node *node = gw_alloc(sizeof(*node) + text);
    char *at = (char *)(node + 1);

    memset(node, 0, sizeof(*node));
    atomic_init(&node->record, NULL);
    atomic_init(&node->policies, NULL);
    gw_listing_init(&node->entries, store->epoch);
    node->key.partition = copy_behind(&at, key->partition);
    node->key.account = copy_behind(&at, key->account);
    node->key.region = copy_behind(&at, key->region);
    node->key.cluster = copy_behind(&at, key->cluster);
    return node;
}

struct gw_cluster_node *gw_engine_enter_node(struct gw_store *store, const struct gw_store_key *key)
{
    uint64_t hash = gw_engine_hash_cluster(store, key);
    struct gw_cluster_node *node = gw_table_find(&store->nodes, hash, key);

    if (node == NULL) {
        node = node_new(store, key);
        (void)gw_table_put(&store->nodes, hash, &node->key, node);
    }
    return node;
}

void gw_engine_leave_node(struct gw_store *store, struct gw_cluster_node *node)
{
    if (node->users > 0 || atomic_load(&node->record) != NULL)
        return;
    (void)gw_table_remove(&store->nodes, gw_engine_hash_cluster(store, &node->key), &node->key);
    gw_epoch_retire(store->epoch, node, release_node);
}
