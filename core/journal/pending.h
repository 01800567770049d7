/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_PENDING_H
#define GW_JOURNAL_PENDING_H

/*
 * The changes of which the records behind the store's last commit don't say what
 * became of them.
 */

#include "base/arena.h"
#include "journal/journal.h"

#define GW_PENDING_MAX ((size_t)1 << 20)

struct gw_pending_change {
    uint64_t sequence;
    enum gw_journal_outcome outcome; /* what is to be told */
};

struct gw_pending {
    const struct gw_journal_start *start;
    bool counts;        /* the records that follow are of changes to this store */
    bool is_foreign;    /* they are of changes to a store that lasts, and that isn't this one as it is now */
    bool is_older;      /* there are such changes */
    bool is_full;       /* there were more than GW_PENDING_MAX */
    uint64_t committed; /* the most that a record says of the store... */
    uint64_t said_by;   /* ...and which */
    struct gw_pending_change *changes;
    size_t count;
    size_t capacity;
    struct gw_arena arena; /* for the record that is looked at */
};

void gw_pending_init(struct gw_pending *pending, const struct gw_journal_start *start);
void gw_pending_fini(struct gw_pending *pending);
/* As if it had seen no record. */
void gw_pending_reset(struct gw_pending *pending);

/* Looks at a record; `ctx` is a struct gw_pending. For struct gw_walk. */
void gw_pending_on_record(void *ctx, uint64_t sequence, struct gw_str line);

#endif
