/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publication: applies the staged changes in their order and can't fail. Every object
 * becomes visible by one store; what it replaced is retired.
 *
 * Tokens leave when the entry or cluster that they belong to does, when it has
 * newer ones past its bound, when they are too old, and when the store holds too
 * many, oldest first.
 */
#include <stdlib.h>

#include "store/engine.h"

#define CASCADE 256 /* entries of a deleted cluster that are looked up at a time */

static void release_cluster(void *object)
{
    struct gw_cluster *cluster = object;

    gw_cluster_free(&cluster);
}

static void release_memory(void *object)
{
    free(object);
}

static void drop_token(struct gw_store *store, struct gw_stored_token *stored)
{
    if (store->database != NULL)
        gw_database_ids_add(&store->database->dropped, stored->id);
    gw_link_remove(&stored->by_age);
    gw_link_remove(&stored->by_owner);
    (void)gw_table_remove(&store->tokens, gw_engine_hash_token(store, stored->token.scope), stored->token.scope);
    gw_epoch_retire(store->epoch, &stored->token, gw_engine_release_token);
}

static struct gw_stored_token *oldest_token(struct gw_link *owner)
{
    return GW_CONTAINER(owner->next, struct gw_stored_token, by_owner);
}

static void drop_tokens(struct gw_store *store, struct gw_link *owner)
{
    while (!gw_link_is_empty(owner))
        drop_token(store, oldest_token(owner));
}

static size_t count_tokens(const struct gw_link *owner)
{
    size_t count = 0;

    for (const struct gw_link *at = owner->next; at != owner; at = at->next)
        count++;
    return count;
}

/* Makes room for one more token, overall and at its owner. */
static void evict_tokens(struct gw_store *store, struct gw_link *owner, int64_t now_ms)
{
    while (!gw_link_is_empty(&store->tokens_by_age)) {
        struct gw_stored_token *oldest = GW_CONTAINER(store->tokens_by_age.next, struct gw_stored_token, by_age);

        if (gw_table_count(&store->tokens) < store->options.tokens_max &&
            !gw_engine_is_too_old(store, &oldest->token, now_ms))
            break;
        drop_token(store, oldest);
    }
    for (size_t count = count_tokens(owner); count > 0 && count >= store->options.tokens_per_entry_max; count--)
        drop_token(store, oldest_token(owner));
}

void gw_engine_keep_token(struct gw_store *store, struct gw_link *owner, struct gw_store_token *token, int64_t now_ms)
{
    struct gw_stored_token *stored = gw_stored_token(token);
    uint64_t hash = gw_engine_hash_token(store, token->scope);
    struct gw_store_token *old = gw_table_find(&store->tokens, hash, token->scope);

    if (old != NULL)
        drop_token(store, gw_stored_token(old));
    evict_tokens(store, owner, now_ms);
    (void)gw_table_put(&store->tokens, hash, token->scope, token);
    gw_link_append(&store->tokens_by_age, &stored->by_age);
    gw_link_append(owner, &stored->by_owner);
}

static void apply_token(struct gw_store *store, struct gw_link *owner, const struct gw_staged *one)
{
    struct gw_store_token *token = one->token;

    if (token == NULL)
        return;
    if (gw_engine_keeps_tokens(store))
        gw_engine_keep_token(store, owner, token, one->now_ms);
    else
        gw_store_token_free(&token);
}

struct gw_policy_listing *gw_engine_enter_policy(struct gw_store *store, struct gw_cluster_node *node,
                                                 struct gw_str policy_arn)
{
    struct gw_policy_listings *old = atomic_load(&node->policies);
    size_t count = old == NULL ? 0 : old->count;
    struct gw_policy_listings *fresh;
    struct gw_policy_listing *made;

    for (size_t i = 0; i < count; i++) {
        if (gw_str_equal(old->items[i]->policy_arn, policy_arn))
            return old->items[i];
    }
    made = gw_alloc(sizeof(*made) + policy_arn.length);
    memset(made, 0, sizeof(*made));
    atomic_init(&made->version, 0);
    made->policy_arn = (struct gw_str){(char *)(made + 1), policy_arn.length};
    memcpy(made + 1, policy_arn.at, policy_arn.length);
    gw_listing_init(&made->entries, store->epoch);
    fresh = gw_alloc(sizeof(*fresh) + (count + 1) * sizeof(fresh->items[0]));
    if (count > 0)
        memcpy(fresh->items, old->items, count * sizeof(fresh->items[0]));
    fresh->items[count] = made;
    fresh->count = count + 1;
    atomic_store(&node->policies, fresh);
    gw_epoch_retire(store->epoch, old, release_memory);
    return made;
}

const struct gw_association *gw_engine_association(const struct gw_access_entry *entry, struct gw_str policy_arn)
{
    for (size_t i = 0; entry != NULL && i < entry->association_count; i++) {
        if (gw_str_equal(entry->associations[i].policy_arn, policy_arn))
            return &entry->associations[i];
    }
    return NULL;
}

static bool holds_where(const struct gw_association *a, const struct gw_association *b)
{
    if (a->is_cluster_wide != b->is_cluster_wide || a->namespace_count != b->namespace_count)
        return false;
    for (size_t i = 0; i < a->namespace_count; i++) {
        if (!gw_str_equal(a->namespaces[i], b->namespaces[i]))
            return false;
    }
    return true;
}

static void move_policy(struct gw_store *store, const struct gw_staged *one, struct gw_str policy_arn, bool is_staged)
{
    struct gw_policy_listing *listing = gw_engine_enter_policy(store, one->node, policy_arn);

    if (is_staged) {
        listing->staged_version = one->policy_version;
        listing->staged_batch = store->batch;
    } else {
        atomic_store(&listing->version, one->policy_version);
    }
}

void gw_engine_move_policies(struct gw_store *store, const struct gw_staged *one, const struct gw_access_entry *old,
                             const struct gw_access_entry *fresh, bool is_staged)
{
    for (size_t i = 0; fresh != NULL && i < fresh->association_count; i++) {
        const struct gw_association *now = &fresh->associations[i];
        const struct gw_association *before = gw_engine_association(old, now->policy_arn);

        if (before == NULL || !holds_where(before, now))
            move_policy(store, one, now->policy_arn, is_staged);
    }
    for (size_t i = 0; old != NULL && i < old->association_count; i++) {
        if (!gw_engine_has_policy(fresh, old->associations[i].policy_arn))
            move_policy(store, one, old->associations[i].policy_arn, is_staged);
    }
}

/* Brings the cluster's listings from what `old` says to what `fresh` says; either may be NULL. The versions last:
 * whoever reads one finds what it tells of. */
static void list_entry(struct gw_store *store, const struct gw_staged *one, const struct gw_access_entry *old,
                       const struct gw_access_entry *fresh)
{
    struct gw_cluster_node *node = one->node;

    for (size_t i = 0; fresh != NULL && i < fresh->association_count; i++) {
        if (!gw_engine_has_policy(old, fresh->associations[i].policy_arn))
            (void)gw_listing_add(&gw_engine_enter_policy(store, node, fresh->associations[i].policy_arn)->entries,
                                 fresh->key.principal);
    }
    for (size_t i = 0; old != NULL && i < old->association_count; i++) {
        if (!gw_engine_has_policy(fresh, old->associations[i].policy_arn))
            (void)gw_listing_remove(&gw_engine_enter_policy(store, node, old->associations[i].policy_arn)->entries,
                                    old->key.principal);
    }
    if (old == NULL && fresh != NULL)
        (void)gw_listing_add(&node->entries, fresh->key.principal);
    if (old != NULL && fresh == NULL)
        (void)gw_listing_remove(&node->entries, old->key.principal);
    gw_engine_move_policies(store, one, old, fresh, false);
}

/* Of two entries with the same ARN the one that was put last stands in the table: the other leaves it alone. */
static void forget_arn(struct gw_store *store, const struct gw_access_entry *entry)
{
    uint64_t hash = gw_engine_hash_arn(store, entry->arn);

    if (gw_table_find(&store->arns, hash, &entry->arn) == entry)
        (void)gw_table_remove(&store->arns, hash, &entry->arn);
}

/* The token first: whoever sees the entry sees the token of the change that made it. Listed last: whoever finds it in a
 * listing finds the entry. */
static void put_entry(struct gw_store *store, const struct gw_staged *one)
{
    struct gw_access_entry *old = gw_table_find(&store->entries, one->hash, &one->key);
    struct gw_link *tokens = &gw_stored_entry(one->entry)->tokens;

    if (old != NULL)
        gw_link_move(tokens, &gw_stored_entry(old)->tokens);
    if (!one->is_clusters_token)
        apply_token(store, tokens, one);
    (void)gw_table_put(&store->entries, one->hash, &one->key, one->entry);
    if (old != NULL && !gw_str_equal(old->arn, one->entry->arn))
        forget_arn(store, old);
    (void)gw_table_put(&store->arns, gw_engine_hash_arn(store, one->entry->arn), &one->entry->arn, one->entry);
    list_entry(store, one, old, one->entry);
    gw_epoch_retire(store->epoch, old, gw_engine_release_entry);
}

static void remove_entry(struct gw_store *store, uint64_t hash, const struct gw_store_key *key)
{
    struct gw_access_entry *old = gw_table_remove(&store->entries, hash, key);

    forget_arn(store, old);
    drop_tokens(store, &gw_stored_entry(old)->tokens);
    gw_epoch_retire(store->epoch, old, gw_engine_release_entry);
}

static void delete_entry(struct gw_store *store, struct gw_staged *one)
{
    list_entry(store, one, gw_table_find(&store->entries, one->hash, &one->key), NULL);
    remove_entry(store, one->hash, &one->key);
}

static struct gw_scope_node *scope_new(struct gw_store *store, const struct gw_store_key *key)
{
    size_t length = key->partition.length + 1 + key->account.length + 1 + key->region.length;
    struct gw_scope_node *scope = gw_alloc(sizeof(*scope) + length);
    char *at = (char *)(scope + 1);
    const struct gw_str pieces[] = {key->partition, key->account, key->region};
    struct gw_str *copies[] = {&scope->key.partition, &scope->key.account, &scope->key.region};

    memset(scope, 0, sizeof(*scope));
    scope->text = (struct gw_str){at, length};
    for (size_t i = 0; i < GW_COUNT(pieces); i++) {
        if (i > 0)
            *at++ = '/';
        *copies[i] = (struct gw_str){at, pieces[i].length};
        if (pieces[i].length > 0)
            memcpy(at, pieces[i].at, pieces[i].length);
        at += pieces[i].length;
    }
    gw_listing_init(&scope->clusters, store->epoch);
    return scope;
}

static void list_cluster(struct gw_store *store, const struct gw_store_key *key)
{
    uint64_t hash = gw_engine_hash_scope(store, key);
    struct gw_scope_node *scope = gw_table_find(&store->scopes, hash, key);

    if (scope == NULL) {
        scope = scope_new(store, key);
        (void)gw_table_put(&store->scopes, hash, &scope->key, scope);
        (void)gw_listing_add(&store->scope_names, scope->text);
    }
    (void)gw_listing_add(&scope->clusters, key->cluster);
    atomic_fetch_add(&store->cluster_count, 1);
}

static void unlist_cluster(struct gw_store *store, const struct gw_store_key *key)
{
    uint64_t hash = gw_engine_hash_scope(store, key);
    struct gw_scope_node *scope = gw_table_find(&store->scopes, hash, key);

    (void)gw_listing_remove(&scope->clusters, key->cluster);
    atomic_fetch_sub(&store->cluster_count, 1);
    if (gw_listing_count(&scope->clusters) > 0)
        return;
    (void)gw_listing_remove(&store->scope_names, scope->text);
    (void)gw_table_remove(&store->scopes, hash, key);
    gw_epoch_retire(store->epoch, scope, gw_engine_release_scope);
}

void gw_engine_add_cluster(struct gw_store *store, struct gw_cluster_node *node, struct gw_cluster *cluster)
{
    atomic_store(&node->record, cluster);
    list_cluster(store, &node->key);
}

/* A cluster's token hangs from the record that is put, else from the one that is there. */
static void apply_cluster_token(struct gw_store *store, struct gw_cluster *record, const struct gw_staged *one)
{
    if (one->is_clusters_token)
        apply_token(store, &gw_stored_cluster(record)->tokens, one);
}

static void put_cluster(struct gw_store *store, const struct gw_staged *one)
{
    struct gw_cluster *old = atomic_load(&one->node->record);

    if (old != NULL)
        gw_link_move(&gw_stored_cluster(one->cluster)->tokens, &gw_stored_cluster(old)->tokens);
    apply_cluster_token(store, one->cluster, one);
    atomic_store(&one->node->record, one->cluster);
    if (old == NULL)
        list_cluster(store, &one->node->key);
    gw_epoch_retire(store->epoch, old, release_cluster);
}

/* The cluster's entries leave the table; its listings are emptied. */
static void cascade(struct gw_store *store, struct gw_cluster_node *node)
{
    struct gw_policy_listings *policies = atomic_exchange(&node->policies, NULL);
    struct gw_str principals[CASCADE];
    struct gw_store_page page = {.max = CASCADE, .items = principals};
    size_t count;

    do {
        count = gw_listing_page(&node->entries, &page);
        for (size_t i = 0; i < count; i++) {
            struct gw_store_key key = node->key;

            key.principal = principals[i];
            remove_entry(store, gw_engine_hash_entry(store, &key), &key);
        }
        if (count > 0)
            page.after = principals[count - 1];
    } while (page.more);
    gw_listing_clear(&node->entries);
    for (size_t i = 0; policies != NULL && i < policies->count; i++) {
        gw_listing_clear(&policies->items[i]->entries);
        gw_epoch_retire(store->epoch, policies->items[i], release_memory);
    }
    gw_epoch_retire(store->epoch, policies, release_memory);
}

static void delete_cluster(struct gw_store *store, struct gw_staged *one)
{
    struct gw_cluster *old = atomic_exchange(&one->node->record, NULL);

    unlist_cluster(store, &one->node->key);
    cascade(store, one->node);
    drop_tokens(store, &gw_stored_cluster(old)->tokens);
    gw_epoch_retire(store->epoch, old, release_cluster);
    gw_store_token_free(&one->token);
}

static void apply(struct gw_store *store, struct gw_staged *one)
{
    if (one->cluster_act == GW_STORE_PUT)
        put_cluster(store, one);
    else if (one->cluster_act == GW_STORE_DELETE)
        delete_cluster(store, one);
    else
        apply_cluster_token(store, atomic_load(&one->node->record), one);
    if (one->entry_act == GW_STORE_PUT)
        put_entry(store, one);
    else if (one->entry_act == GW_STORE_DELETE)
        delete_entry(store, one);
    gw_engine_settle(store, one);
}

void gw_engine_publish(struct gw_store *store)
{
    for (size_t i = 0; i < store->staged_count; i++)
        apply(store, &store->staged[i]);
    gw_engine_forget_staged(store);
}
