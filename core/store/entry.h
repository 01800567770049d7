/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_ENTRY_H
#define GW_STORE_ENTRY_H

/*
 * What the store keeps in front of each cluster, entry and token, in the same
 * block. Only the writer thread reads or writes these links; readers see the
 * public part, which never changes once published.
 */

#include "store/store.h"

/* A ring: the list's head is a link among its members'. */
struct gw_link {
    struct gw_link *previous;
    struct gw_link *next;
};

struct gw_stored_entry {
    uint64_t id;           /* of its row; given at staging, 0 before */
    struct gw_link tokens; /* head of the entry's tokens, oldest first */
    struct gw_shared *reply;
    struct gw_access_entry entry;
};

struct gw_stored_cluster {
    uint64_t id;
    struct gw_link tokens; /* head of the tokens of changes to the cluster itself */
    struct gw_cluster cluster;
};

struct gw_stored_token {
    uint64_t id;
    struct gw_link by_age;   /* all tokens of the store, oldest first */
    struct gw_link by_owner; /* those of one entry or cluster, oldest first */
    struct gw_shared *reply;
    struct gw_store_token token;
};

#define GW_CONTAINER(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void gw_link_init(struct gw_link *link)
{
    link->previous = link;
    link->next = link;
}

static inline bool gw_link_is_empty(const struct gw_link *head)
{
    return head->next == head;
}

static inline void gw_link_append(struct gw_link *head, struct gw_link *link)
{
    link->previous = head->previous;
    link->next = head;
    head->previous->next = link;
    head->previous = link;
}

/* Of a link that is in no list: nothing. */
static inline void gw_link_remove(struct gw_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    gw_link_init(link);
}

/* Moves all members from `from` to the empty `to`. */
static inline void gw_link_move(struct gw_link *to, struct gw_link *from)
{
    if (gw_link_is_empty(from))
        return;
    *to = *from;
    to->next->previous = to;
    to->previous->next = to;
    gw_link_init(from);
}

static inline struct gw_stored_entry *gw_stored_entry(const struct gw_access_entry *entry)
{
    return GW_CONTAINER(entry, struct gw_stored_entry, entry);
}

static inline struct gw_stored_cluster *gw_stored_cluster(const struct gw_cluster *cluster)
{
    return GW_CONTAINER(cluster, struct gw_stored_cluster, cluster);
}

static inline struct gw_stored_token *gw_stored_token(const struct gw_store_token *token)
{
    return GW_CONTAINER(token, struct gw_stored_token, token);
}

#endif
