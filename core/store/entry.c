/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deep copies in one block each, so that an entry is one allocation, close
 * together in memory, and freed by one call that needs to know nothing.
 *
 *   [links | public struct | groups[] | tags[] | associations[] | namespaces[] | text ...]
 *
 * An absent view stays absent, an empty one stays empty. The reply stands apart
 * and is counted, because the token of the same change keeps it for longer than
 * an entry that is updated. It holds most of the entry's texts anyway; views point
 * into it where it does.
 */
#include "store/entry.h"

#include <stdlib.h>

static void add_size(size_t *total, size_t size)
{
    if (gw_add_overflows(*total, size, total))
        gw_fatal("an object of the store is too large");
}

static void add_array(size_t *total, size_t count, size_t size)
{
    size_t bytes;

    if (gw_mul_overflows(count, size, &bytes))
        gw_fatal("an object of the store is too large");
    add_size(total, bytes);
}

/* Copies `text` to `*at` and moves on. */
static struct gw_str pack(char **at, struct gw_str text)
{
    struct gw_str packed = {*at, text.length};

    if (text.at == NULL)
        return text;
    if (text.length > 0)
        memcpy(*at, text.at, text.length);
    *at += text.length;
    return packed;
}

static void pack_key(char **at, struct gw_store_key *key, const struct gw_store_key *from)
{
    key->partition = pack(at, from->partition);
    key->account = pack(at, from->account);
    key->region = pack(at, from->region);
    key->cluster = pack(at, from->cluster);
    key->principal = pack(at, from->principal);
}

static size_t count_namespaces(const struct gw_access_entry *from)
{
    size_t count = 0;

    for (size_t i = 0; i < from->association_count; i++)
        add_size(&count, from->associations[i].namespace_count);
    return count;
}

static void add_texts(size_t *size, const struct gw_str *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_size(size, texts[i].length);
}

/* The texts of an entry that are one each, where they will be found. */
struct texts {
    struct gw_str *places[8]; /* in the entry */
    bool copied[8];           /* else it stands in the reply already */
};

/* Searches from `*hint` on first, where the text before it ended. */
static size_t search(struct gw_str within, struct gw_str text, size_t *hint)
{
    size_t at = gw_str_search(gw_str_slice(within, *hint, SIZE_MAX), text);

    if (at != SIZE_MAX)
        at += *hint;
    else if (*hint > 0)
        at = gw_str_search(within, text);
    if (at != SIZE_MAX)
        *hint = at + text.length;
    return at;
}

/* Most of them are in the entry's reply, as they are unless they had to be escaped: memory that isn't taken twice.
 * Those of the key are in the ARN, in this order, and the others in the reply, as eks writes it; any other order only
 * takes longer. */
static void find_texts(struct gw_access_entry *entry, struct texts *texts)
{
    struct gw_str *const places[] = {&entry->key.principal, &entry->arn,           &entry->username,
                                     &entry->type,          &entry->key.partition, &entry->key.region,
                                     &entry->key.account,   &entry->key.cluster};
    struct gw_str arn = GW_STR_NONE;
    size_t hint = 0;

    for (size_t i = 0; i < GW_COUNT(places); i++) {
        struct gw_str within = i >= 4 && arn.at != NULL ? arn : entry->reply;
        size_t at;

        hint = i == 4 ? 0 : hint;
        at = places[i]->length > 0 ? search(within, *places[i], &hint) : SIZE_MAX;
        texts->places[i] = places[i];
        texts->copied[i] = at == SIZE_MAX;
        if (at != SIZE_MAX)
            *places[i] = gw_str_slice(within, at, places[i]->length);
        if (i == 1 && at != SIZE_MAX)
            arn = entry->arn;
    }
}

static size_t entry_size(const struct gw_access_entry *from, const struct texts *texts)
{
    size_t size = sizeof(struct gw_stored_entry);

    for (size_t i = 0; i < GW_COUNT(texts->places); i++)
        add_size(&size, texts->copied[i] ? texts->places[i]->length : 0);
    add_array(&size, from->group_count, sizeof(*from->groups));
    add_array(&size, from->tag_count, sizeof(*from->tags));
    add_array(&size, from->association_count, sizeof(*from->associations));
    add_array(&size, count_namespaces(from), sizeof(struct gw_str));
    add_texts(&size, from->groups, from->group_count);
    for (size_t i = 0; i < from->tag_count; i++) {
        add_size(&size, from->tags[i].key.length);
        add_size(&size, from->tags[i].value.length);
    }
    for (size_t i = 0; i < from->association_count; i++) {
        add_size(&size, from->associations[i].policy_arn.length);
        add_texts(&size, from->associations[i].namespaces, from->associations[i].namespace_count);
    }
    return size;
}

static void pack_texts(char **at, struct gw_str *to, const struct gw_str *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = pack(at, from[i]);
}

/* `namespaces` is room for those of all associations. */
static void pack_associations(char **at, struct gw_association *to, struct gw_str *namespaces,
                              const struct gw_access_entry *from)
{
    for (size_t i = 0; i < from->association_count; i++) {
        const struct gw_association *one = &from->associations[i];

        to[i] = *one;
        to[i].policy_arn = pack(at, one->policy_arn);
        to[i].namespaces = one->namespace_count > 0 ? namespaces : NULL;
        pack_texts(at, namespaces, one->namespaces, one->namespace_count);
        namespaces += one->namespace_count;
    }
}

struct gw_access_entry *gw_access_entry_new(const struct gw_access_entry *from)
{
    struct gw_shared *reply = gw_shared_new(from->reply);
    struct gw_access_entry made = *from;
    struct texts texts;
    struct gw_stored_entry *stored;
    struct gw_access_entry *entry;
    struct gw_str *groups;
    struct gw_pair *tags;
    struct gw_association *associations;
    struct gw_str *namespaces;
    char *at;

    made.reply = gw_shared_str(reply);
    find_texts(&made, &texts);
    stored = gw_alloc(entry_size(from, &texts));
    entry = &stored->entry;
    groups = (struct gw_str *)(void *)(stored + 1);
    tags = (struct gw_pair *)(void *)(groups + from->group_count);
    associations = (struct gw_association *)(void *)(tags + from->tag_count);
    namespaces = (struct gw_str *)(void *)(associations + from->association_count);
    at = (char *)(namespaces + count_namespaces(from));
    stored->id = 0;
    gw_link_init(&stored->tokens);
    stored->reply = reply;
    for (size_t i = 0; i < GW_COUNT(texts.places); i++) {
        if (texts.copied[i])
            *texts.places[i] = pack(&at, *texts.places[i]);
    }
    *entry = made;
    entry->groups = from->group_count > 0 ? groups : NULL;
    entry->tags = from->tag_count > 0 ? tags : NULL;
    entry->associations = from->association_count > 0 ? associations : NULL;
    pack_texts(&at, groups, from->groups, from->group_count);
    for (size_t i = 0; i < from->tag_count; i++) {
        tags[i].key = pack(&at, from->tags[i].key);
        tags[i].value = pack(&at, from->tags[i].value);
    }
    pack_associations(&at, associations, namespaces, from);
    return entry;
}

void gw_access_entry_free(struct gw_access_entry **entry)
{
    struct gw_stored_entry *stored;

    if (*entry == NULL)
        return;
    stored = gw_stored_entry(*entry);
    *entry = NULL;
    gw_shared_drop(&stored->reply);
    free(stored);
}

struct gw_cluster *gw_cluster_new(const struct gw_cluster *from)
{
    const struct gw_str texts[] = {from->key.partition, from->key.account,   from->key.region,
                                   from->key.cluster,   from->key.principal, from->document};
    size_t size = sizeof(struct gw_stored_cluster);
    struct gw_stored_cluster *stored;
    struct gw_str *updates;
    char *at;

    add_texts(&size, texts, GW_COUNT(texts));
    add_array(&size, from->update_count, sizeof(*from->updates));
    add_texts(&size, from->updates, from->update_count);
    stored = gw_alloc(size);
    updates = (struct gw_str *)(void *)(stored + 1);
    at = (char *)(updates + from->update_count);
    stored->id = 0;
    gw_link_init(&stored->tokens);
    stored->cluster = *from;
    pack_key(&at, &stored->cluster.key, &from->key);
    stored->cluster.document = pack(&at, from->document);
    stored->cluster.updates = from->update_count > 0 ? updates : NULL;
    pack_texts(&at, updates, from->updates, from->update_count);
    return &stored->cluster;
}

void gw_cluster_free(struct gw_cluster **cluster)
{
    if (*cluster == NULL)
        return;
    free(gw_stored_cluster(*cluster));
    *cluster = NULL;
}

struct gw_store_token *gw_store_token_new(const struct gw_store_token *from, const struct gw_access_entry *entry)
{
    struct gw_stored_token *stored = gw_alloc(sizeof(*stored));

    stored->id = 0;
    gw_link_init(&stored->by_age);
    gw_link_init(&stored->by_owner);
    if (entry != NULL && gw_str_equal(entry->reply, from->reply))
        stored->reply = gw_shared_hold(gw_stored_entry(entry)->reply);
    else
        stored->reply = gw_shared_new(from->reply);
    stored->token = *from;
    stored->token.reply = gw_shared_str(stored->reply);
    return &stored->token;
}

void gw_store_token_free(struct gw_store_token **token)
{
    struct gw_stored_token *stored;

    if (*token == NULL)
        return;
    stored = gw_stored_token(*token);
    *token = NULL;
    gw_shared_drop(&stored->reply);
    free(stored);
}

void gw_store_change_drop(struct gw_store_change *change)
{
    gw_cluster_free(&change->cluster);
    gw_access_entry_free(&change->entry);
    gw_store_token_free(&change->token);
    *change = (struct gw_store_change){.expected_cluster = 0};
}
