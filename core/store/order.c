/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ARNs begin alike, and each lies in a block of its own: comparing them one by one
 * reads all of that from memory that isn't near, twenty times for each. So what they
 * have in common is skipped once, and the eight bytes behind it are sorted as
 * numbers, side by side; what is equal in those is sorted by the next eight.
 */
#include "store/order.h"

#include <stdlib.h>

struct item {
    uint64_t front; /* eight bytes, the first one highest; 0 past the end */
    struct gw_access_entry *entry;
};

static int compare(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;

    return (x->front > y->front) - (x->front < y->front);
}

static size_t common_length(struct gw_str a, struct gw_str b, size_t at, size_t end)
{
    while (at < end && at < b.length && a.at[at] == b.at[at])
        at++;
    return at;
}

static uint64_t front_of(struct gw_str text, size_t at)
{
    uint64_t front = 0;

    for (size_t i = at; i < at + 8; i++)
        front = front << 8 | (i < text.length ? (unsigned char)text.at[i] : 0U);
    return front;
}

/* Sorts by what is behind the first `at` bytes, in which all are equal. */
static void sort(struct item *items, size_t count, size_t at)
{
    struct gw_str first = items[0].entry->key.principal;
    size_t end = first.length;

    for (size_t i = 1; i < count; i++)
        end = common_length(first, items[i].entry->key.principal, at, end);
    at = end;
    for (size_t i = 0; i < count; i++)
        items[i].front = front_of(items[i].entry->key.principal, at);
    qsort(items, count, sizeof(*items), compare);
    for (size_t i = 0; i < count;) {
        size_t same = 1;

        while (i + same < count && items[i + same].front == items[i].front)
            same++;
        if (same > 1 && same < count)
            sort(items + i, same, at + 8);
        i += same;
    }
}

void gw_order_entries(struct gw_access_entry **entries, size_t count)
{
    struct item *items;

    if (count < 2)
        return;
    items = gw_alloc(count * sizeof(*items));
    for (size_t i = 0; i < count; i++)
        items[i].entry = entries[i];
    sort(items, count, 0);
    for (size_t i = 0; i < count; i++)
        entries[i] = items[i].entry;
    free(items);
}
