/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change is checked when staged, against the newest state of its cluster and
 * entry: what an earlier change of the batch will make of them, else what is
 * committed. Staged changes are found again by the hash of their entry's key and
 * of their token; those of a cluster itself through its node.
 */
#include <stdlib.h>

#include "store/engine.h"

/* The newest staged change of the entry, NULL when the batch has none. */
static const struct gw_staged *find_staged(const struct gw_store *store, uint64_t hash, const struct gw_store_key *key)
{
    size_t at = store->staged_heads[(size_t)hash % GW_STAGED_HEADS];

    for (; at != 0; at = store->staged[at - 1].older) {
        const struct gw_staged *one = &store->staged[at - 1];

        if (one->hash == hash && gw_engine_same_entry(&one->key, key))
            return one;
    }
    return NULL;
}

/* The entry as the batch will have left it, NULL when absent: also when its cluster is deleted behind it. */
static const struct gw_access_entry *find_newest_entry(const struct gw_store *store, const struct gw_cluster_node *node,
                                                       uint64_t hash, const struct gw_store_key *key)
{
    const struct gw_staged *one = find_staged(store, hash, key);
    size_t at = one == NULL ? 0 : (size_t)(one - store->staged) + 1;

    if (node->deleted_at > at)
        return NULL;
    return one != NULL ? one->entry : gw_table_find(&store->entries, hash, key);
}

static const struct gw_cluster *find_newest_cluster(const struct gw_store *store, const struct gw_cluster_node *node)
{
    return node->cluster_at > 0 ? store->staged[node->cluster_at - 1].cluster : atomic_load(&node->record);
}

/* True when another change has taken the token since this one was prepared: it is the other's retry, or a misuse, and
 * preparing it anew tells which. */
static bool is_token_taken(const struct gw_store *store, uint64_t hash, const struct gw_store_token *token,
                           int64_t now_ms)
{
    const struct gw_store_token *committed = gw_table_find(&store->tokens, hash, token->scope);

    if (committed != NULL && !gw_engine_is_too_old(store, committed, now_ms))
        return true;
    for (size_t at = store->token_heads[(size_t)hash % GW_STAGED_HEADS]; at != 0;
         at = store->staged[at - 1].older_token) {
        const struct gw_staged *one = &store->staged[at - 1];

        if (one->token_hash == hash && memcmp(one->token->scope, token->scope, sizeof(token->scope)) == 0)
            return true;
    }
    return false;
}

/* Puts the change into the list and its chains. */
static void push_staged(struct gw_store *store, const struct gw_staged *one)
{
    struct gw_staged *slot;

    if (store->staged_count == store->staged_capacity) {
        store->staged_capacity = store->staged_capacity > 0 ? store->staged_capacity * 2 : 64;
        store->staged = gw_realloc(store->staged, store->staged_capacity * sizeof(*store->staged));
    }
    slot = &store->staged[store->staged_count++];
    *slot = *one;
    if (one->entry_act != GW_STORE_KEEP) {
        size_t *head = &store->staged_heads[(size_t)one->hash % GW_STAGED_HEADS];

        slot->older = *head;
        *head = store->staged_count;
    }
    if (one->token != NULL) {
        size_t *head = &store->token_heads[(size_t)one->token_hash % GW_STAGED_HEADS];

        slot->older_token = *head;
        *head = store->staged_count;
    }
}

/* Versions: what the change was based on is still what there is. */
static enum gw_status check_versions(const struct gw_store *store, const struct gw_store_change *change,
                                     const struct gw_cluster_node *node, const struct gw_access_entry *entry)
{
    const struct gw_cluster *cluster = find_newest_cluster(store, node);

    if (change->expected_cluster != (cluster == NULL ? 0 : cluster->version))
        return GW_E_STALE;
    if (cluster == NULL && change->cluster_act != GW_STORE_PUT)
        return GW_E_STALE;
    if (change->entry_act == GW_STORE_KEEP)
        return GW_OK;
    if (change->cluster_act == GW_STORE_DELETE || change->expected_entry != (entry == NULL ? 0 : entry->version))
        return GW_E_STALE;
    return change->entry_act == GW_STORE_DELETE && entry == NULL ? GW_E_STALE : GW_OK;
}

/* As the batch will have left it. */
static uint64_t newest_policy_version(const struct gw_store *store, const struct gw_cluster_node *node,
                                      struct gw_str policy_arn)
{
    const struct gw_policy_listing *listing = gw_engine_find_policy(node, policy_arn);

    if (listing == NULL)
        return 0;
    return listing->staged_batch == store->batch ? listing->staged_version : atomic_load(&listing->version);
}

static bool is_watched_moved(const struct gw_store *store, const struct gw_store_change *change,
                             const struct gw_cluster_node *node)
{
    return change->watched_policy.at != NULL &&
           newest_policy_version(store, node, change->watched_policy) != change->expected_policy;
}

/* Writes the change into its node's books; the node's batch begins with its first. */
static void book(struct gw_store *store, const struct gw_staged *one, bool creates)
{
    struct gw_cluster_node *node = one->node;

    if (node->users++ == 0)
        node->expected = gw_listing_count(&node->entries);
    if (one->cluster_act != GW_STORE_KEEP)
        node->cluster_at = store->staged_count + 1;
    if (one->cluster_act == GW_STORE_DELETE) {
        node->deleted_at = store->staged_count + 1;
        node->expected = 0;
    }
    if (creates)
        node->expected++;
    if (one->entry_act == GW_STORE_DELETE)
        node->expected--;
}

static bool is_full(const struct gw_cluster_node *node, size_t max)
{
    return (node->users > 0 ? node->expected : gw_listing_count(&node->entries)) >= max;
}

/* Ids of rows: what is put over something keeps that one's. */
static void give_ids(struct gw_store *store, const struct gw_cluster *cluster, const struct gw_access_entry *entry,
                     struct gw_staged *one)
{
    one->makes_cluster = one->cluster != NULL && cluster == NULL;
    one->makes_entry = one->entry != NULL && entry == NULL;
    one->cluster_id = one->makes_cluster ? ++store->last_id : gw_stored_cluster(cluster)->id;
    if (one->cluster != NULL)
        gw_stored_cluster(one->cluster)->id = one->cluster_id;
    if (one->entry_act != GW_STORE_KEEP)
        one->entry_id = one->makes_entry ? ++store->last_id : gw_stored_entry(entry)->id;
    if (one->entry != NULL)
        gw_stored_entry(one->entry)->id = one->entry_id;
    if (one->token != NULL)
        gw_stored_token(one->token)->id = ++store->last_id;
}

/* What the batch keeps of the change. A delete has no text of its own: it keeps that of the entry it deletes, which
 * stays until the batch is applied. */
static void take(struct gw_store *store, struct gw_store_change *change, const struct gw_access_entry *entry,
                 struct gw_staged *one)
{
    if (change->cluster_act == GW_STORE_PUT) {
        one->cluster = change->cluster;
        one->cluster->version = ++store->last_version;
    }
    if (change->entry_act == GW_STORE_PUT) {
        one->entry = change->entry;
        one->entry->version = ++store->last_version;
        one->key = one->entry->key;
    } else if (change->entry_act == GW_STORE_DELETE) {
        one->key = entry->key;
    }
    if (change->entry_act != GW_STORE_KEEP) {
        one->policy_version = ++store->last_version;
        gw_engine_move_policies(store, one, entry, one->entry, true);
    }
    one->token = change->token;
    one->is_clusters_token = change->is_clusters_token || change->entry_act != GW_STORE_PUT;
    give_ids(store, find_newest_cluster(store, one->node), entry, one);
    change->cluster = NULL;
    change->entry = NULL;
    change->token = NULL;
}

enum gw_status gw_store_stage(struct gw_store *store, struct gw_store_change *change)
{
    struct gw_staged one = {
        .cluster_act = change->cluster_act, .entry_act = change->entry_act, .now_ms = change->now_ms};
    const struct gw_access_entry *entry = NULL;
    enum gw_status status;
    bool creates;

    one.node = gw_engine_enter_node(store, &change->key);
    if (change->entry_act != GW_STORE_KEEP) {
        one.hash = gw_engine_hash_entry(store, &change->key);
        entry = find_newest_entry(store, one.node, one.hash, &change->key);
    }
    creates = change->entry_act == GW_STORE_PUT && entry == NULL;
    status = check_versions(store, change, one.node, entry);
    if (status == GW_OK && is_watched_moved(store, change, one.node))
        status = GW_E_STALE;
    if (status == GW_OK && change->token != NULL) {
        one.token_hash = gw_engine_hash_token(store, change->token->scope);
        if (is_token_taken(store, one.token_hash, change->token, one.now_ms))
            status = GW_E_STALE;
    }
    if (status == GW_OK && creates && is_full(one.node, change->cluster_entries_max))
        status = GW_E_LIMIT;
    if (status != GW_OK) {
        gw_engine_leave_node(store, one.node);
        return status;
    }
    take(store, change, entry, &one);
    book(store, &one, creates);
    push_staged(store, &one);
    return GW_OK;
}

void gw_engine_settle(struct gw_store *store, const struct gw_staged *one)
{
    if (--one->node->users == 0)
        one->node->cluster_at = one->node->deleted_at = 0;
    gw_engine_leave_node(store, one->node);
}

void gw_engine_forget_staged(struct gw_store *store)
{
    for (size_t i = 0; i < store->staged_count; i++) {
        store->staged_heads[(size_t)store->staged[i].hash % GW_STAGED_HEADS] = 0;
        store->token_heads[(size_t)store->staged[i].token_hash % GW_STAGED_HEADS] = 0;
    }
    store->staged_count = 0;
    store->batch++;
    store->snapshot = (struct gw_store_snapshot){.name = GW_STR_NONE};
}

void gw_engine_drop_staged(struct gw_store *store)
{
    for (size_t i = 0; i < store->staged_count; i++) {
        struct gw_staged *one = &store->staged[i];

        gw_engine_settle(store, one);
        gw_store_token_free(&one->token);
        gw_access_entry_free(&one->entry);
        gw_cluster_free(&one->cluster);
    }
    gw_engine_forget_staged(store);
}
