/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deep copies in one block each, so that an entry is one allocation, close
 * together in memory, and freed by one call that needs to know nothing.
 *
 *   [links | public struct | groups[] | tags[] | text ...]
 *
 * An absent view stays absent, an empty one stays empty.
 */
#include "store/entry.h"

#include <stdlib.h>

static void add_size(size_t *total, size_t size)
{
    if (gw_add_overflows(*total, size, total))
        gw_fatal("entry or token too large");
}

static void add_array(size_t *total, size_t count, size_t size)
{
    size_t bytes;

    if (gw_mul_overflows(count, size, &bytes))
        gw_fatal("entry or token too large");
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

static size_t entry_size(const struct gw_access_entry *from)
{
    const struct gw_str *texts[] = {
        &from->key.partition, &from->key.account, &from->key.region, &from->key.cluster, &from->key.principal,
        &from->arn,           &from->type,        &from->username,   &from->reply,
    };
    size_t size = sizeof(struct gw_stored_entry);

    for (size_t i = 0; i < GW_COUNT(texts); i++)
        add_size(&size, texts[i]->length);
    add_array(&size, from->group_count, sizeof(*from->groups));
    add_array(&size, from->tag_count, sizeof(*from->tags));
    for (size_t i = 0; i < from->group_count; i++)
        add_size(&size, from->groups[i].length);
    for (size_t i = 0; i < from->tag_count; i++) {
        add_size(&size, from->tags[i].key.length);
        add_size(&size, from->tags[i].value.length);
    }
    return size;
}

struct gw_access_entry *gw_access_entry_new(const struct gw_access_entry *from)
{
    struct gw_stored_entry *stored = gw_alloc(entry_size(from));
    struct gw_access_entry *entry = &stored->entry;
    struct gw_str *groups = (struct gw_str *)(void *)(stored + 1);
    struct gw_pair *tags = (struct gw_pair *)(void *)(groups + from->group_count);
    char *at = (char *)(tags + from->tag_count);

    gw_link_init(&stored->tokens);
    *entry = *from;
    pack_key(&at, &entry->key, &from->key);
    entry->arn = pack(&at, from->arn);
    entry->type = pack(&at, from->type);
    entry->username = pack(&at, from->username);
    entry->reply = pack(&at, from->reply);
    entry->groups = from->group_count > 0 ? groups : NULL;
    entry->tags = from->tag_count > 0 ? tags : NULL;
    for (size_t i = 0; i < from->group_count; i++)
        groups[i] = pack(&at, from->groups[i]);
    for (size_t i = 0; i < from->tag_count; i++) {
        tags[i].key = pack(&at, from->tags[i].key);
        tags[i].value = pack(&at, from->tags[i].value);
    }
    return entry;
}

void gw_access_entry_free(struct gw_access_entry **entry)
{
    if (*entry == NULL)
        return;
    free(gw_stored_entry(*entry));
    *entry = NULL;
}

struct gw_store_token *gw_store_token_new(const struct gw_store_token *from)
{
    const struct gw_str *texts[] = {&from->operation, &from->partition, &from->account,   &from->region,
                                    &from->cluster,   &from->token,     &from->principal, &from->reply};
    size_t size = sizeof(struct gw_stored_token);
    struct gw_stored_token *stored;
    char *at;

    for (size_t i = 0; i < GW_COUNT(texts); i++)
        add_size(&size, texts[i]->length);
    stored = gw_alloc(size);
    gw_link_init(&stored->by_age);
    gw_link_init(&stored->by_entry);
    stored->token = *from;
    at = (char *)(stored + 1);
    stored->token.operation = pack(&at, from->operation);
    stored->token.partition = pack(&at, from->partition);
    stored->token.account = pack(&at, from->account);
    stored->token.region = pack(&at, from->region);
    stored->token.cluster = pack(&at, from->cluster);
    stored->token.token = pack(&at, from->token);
    stored->token.principal = pack(&at, from->principal);
    stored->token.reply = pack(&at, from->reply);
    return &stored->token;
}

void gw_store_token_free(struct gw_store_token **token)
{
    if (*token == NULL)
        return;
    free(gw_stored_token(*token));
    *token = NULL;
}
