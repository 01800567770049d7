/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_LINK_H
#define GW_BASE_LINK_H

/*
 * Circular lists whose links are members of what they hold. A list is a link of
 * its own; a link that is in no list points to itself, so cutting it is harmless.
 */

#include "base/gw.h"

struct gw_link {
    struct gw_link *before;
    struct gw_link *after;
};

/* The `type` that `link` is the member `member` of. */
#define GW_LINK_OF(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))

static inline void gw_link_init(struct gw_link *link)
{
    link->before = link;
    link->after = link;
}

static inline void gw_link_cut(struct gw_link *link)
{
    link->before->after = link->after;
    link->after->before = link->before;
    gw_link_init(link);
}

/* `link` is in no list. */
static inline void gw_link_append(struct gw_link *list, struct gw_link *link)
{
    link->before = list->before;
    link->after = list;
    list->before->after = link;
    list->before = link;
}

static inline void gw_link_prepend(struct gw_link *list, struct gw_link *link)
{
    gw_link_append(list->after, link);
}

/* The first of a list that isn't empty, cut. */
static inline struct gw_link *gw_link_take(struct gw_link *list)
{
    struct gw_link *first = list->after;

    list->after = first->after;
    list->after->before = list;
    gw_link_init(first);
    return first;
}

/* All of `from` goes to the front of `list`. */
static inline void gw_link_splice(struct gw_link *list, struct gw_link *from)
{
    if (from->after == from)
        return;
    from->before->after = list->after;
    list->after->before = from->before;
    from->after->before = list;
    list->after = from->after;
    gw_link_init(from);
}

static inline bool gw_link_is_empty(const struct gw_link *list)
{
    return list->after == list;
}

#endif
