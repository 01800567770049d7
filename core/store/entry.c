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

#define LISTED_MAX 128

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

/* An entry's texts, each where it stands in the reply if it is there, else where it stood before. */
struct texts {
    struct gw_access_entry entry;     /* its texts that are one each */
    struct gw_str listed[LISTED_MAX]; /* groups, then tags: key, value, key, value, ... */
    size_t count;                     /* of those; others aren't searched for */
};

static bool is_within(struct gw_str all, struct gw_str text)
{
    return text.at != NULL && all.at != NULL && (uintptr_t)text.at >= (uintptr_t)all.at &&
           (uintptr_t)text.at < (uintptr_t)all.at + all.length;
}

/* Moves `text` to where it stands in `within`; from `*hint` on first, where the text before it ended. */
static void search(struct gw_str within, struct gw_str *text, size_t *hint)
{
    size_t at = SIZE_MAX;

    if (text->length > 0)
        at = gw_str_search(gw_str_slice(within, *hint, SIZE_MAX), *text);
    if (at != SIZE_MAX)
        at += *hint;
    else if (*hint > 0 && text->length > 0)
        at = gw_str_search(within, *text);
    if (at == SIZE_MAX)
        return;
    *hint = at + text->length;
    *text = gw_str_slice(within, at, text->length);
}

/* Most texts of an entry are in its reply, as they are unless they had to be escaped: memory that isn't taken twice.
 * They are searched for in the order in which eks writes them; in any other it only takes longer. */
static void find_texts(struct texts *texts)
{
    struct gw_access_entry *entry = &texts->entry;
    struct gw_str *const in_arn[] = {&entry->key.partition, &entry->key.region, &entry->key.account,
                                     &entry->key.cluster};
    struct gw_str arn;
    size_t hint = 0;
    size_t next = 0;

    search(entry->reply, &entry->key.principal, &hint);
    for (; next < texts->count && next < entry->group_count; next++)
        search(entry->reply, &texts->listed[next], &hint);
    search(entry->reply, &entry->arn, &hint);
    for (; next < texts->count; next++)
        search(entry->reply, &texts->listed[next], &hint);
    search(entry->reply, &entry->username, &hint);
    search(entry->reply, &entry->type, &hint);
    arn = is_within(entry->reply, entry->arn) ? entry->arn : entry->reply;
    hint = 0;
    for (size_t i = 0; i < GW_COUNT(in_arn); i++)
        search(arn, in_arn[i], &hint);
}

static void take_texts(struct texts *texts, const struct gw_access_entry *from, struct gw_str reply)
{
    texts->entry = *from;
    texts->entry.reply = reply;
    texts->count = 0;
    for (size_t i = 0; i < from->group_count && texts->count < LISTED_MAX; i++)
        texts->listed[texts->count++] = from->groups[i];
    for (size_t i = 0; i < from->tag_count && texts->count + 2 <= LISTED_MAX; i++) {
        texts->listed[texts->count++] = from->tags[i].key;
        texts->listed[texts->count++] = from->tags[i].value;
    }
    find_texts(texts);
}

/* Bytes for the texts that aren't in the reply. */
static void add_unless_within(size_t *size, struct gw_str reply, const struct gw_str *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_size(size, is_within(reply, texts[i]) ? 0 : texts[i].length);
}

static size_t entry_size(const struct texts *texts)
{
    const struct gw_access_entry *from = &texts->entry;
    const struct gw_str single[] = {from->arn,         from->key.partition, from->key.account, from->key.region,
                                    from->key.cluster, from->key.principal, from->username,    from->type};
    size_t size = sizeof(struct gw_stored_entry);

    add_array(&size, from->group_count, sizeof(*from->groups));
    add_array(&size, from->tag_count, sizeof(*from->tags));
    add_array(&size, from->association_count, sizeof(*from->associations));
    add_array(&size, count_namespaces(from), sizeof(struct gw_str));
    add_unless_within(&size, from->reply, single, GW_COUNT(single));
    add_unless_within(&size, from->reply, texts->listed, texts->count);
    for (size_t i = texts->count; i < from->group_count; i++)
        add_size(&size, from->groups[i].length);
    for (size_t i = texts->count < from->group_count ? 0 : (texts->count - from->group_count) / 2; i < from->tag_count;
         i++) {
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

static struct gw_str pack_unless_within(char **at, struct gw_str reply, struct gw_str text)
{
    return is_within(reply, text) ? text : pack(at, text);
}

/* Of the groups and tags, the text with that number: where it was searched for, what was found. */
static struct gw_str listed(const struct texts *texts, size_t number, struct gw_str otherwise)
{
    return number < texts->count ? texts->listed[number] : otherwise;
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

static void pack_single(char **at, struct gw_access_entry *entry)
{
    struct gw_str *const single[] = {&entry->arn,        &entry->key.partition, &entry->key.account,
                                     &entry->key.region, &entry->key.cluster,   &entry->key.principal,
                                     &entry->username,   &entry->type};

    for (size_t i = 0; i < GW_COUNT(single); i++)
        *single[i] = pack_unless_within(at, entry->reply, *single[i]);
}

struct gw_access_entry *gw_access_entry_new(const struct gw_access_entry *from)
{
    struct gw_shared *reply = gw_shared_new(from->reply);
    struct texts texts;
    struct gw_stored_entry *stored;
    struct gw_access_entry *entry;
    struct gw_str *groups;
    struct gw_pair *tags;
    struct gw_association *associations;
    struct gw_str *namespaces;
    char *at;

    take_texts(&texts, from, gw_shared_str(reply));
    stored = gw_alloc(entry_size(&texts));
    entry = &stored->entry;
    groups = (struct gw_str *)(void *)(stored + 1);
    tags = (struct gw_pair *)(void *)(groups + from->group_count);
    associations = (struct gw_association *)(void *)(tags + from->tag_count);
    namespaces = (struct gw_str *)(void *)(associations + from->association_count);
    at = (char *)(namespaces + count_namespaces(from));
    stored->id = 0;
    gw_link_init(&stored->tokens);
    stored->reply = reply;
    *entry = texts.entry;
    pack_single(&at, entry);
    entry->groups = from->group_count > 0 ? groups : NULL;
    entry->tags = from->tag_count > 0 ? tags : NULL;
    entry->associations = from->association_count > 0 ? associations : NULL;
    for (size_t i = 0; i < from->group_count; i++)
        groups[i] = pack_unless_within(&at, entry->reply, listed(&texts, i, from->groups[i]));
    for (size_t i = 0; i < from->tag_count; i++) {
        size_t number = from->group_count + 2 * i;

        tags[i].key = pack_unless_within(&at, entry->reply, listed(&texts, number, from->tags[i].key));
        tags[i].value = pack_unless_within(&at, entry->reply, listed(&texts, number + 1, from->tags[i].value));
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
