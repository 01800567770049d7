/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ARNs begin alike, and each lies in a block of its own: comparing them one by one
 * reads all of that from memory that isn't near, twenty times for each. So what they
 * have in common is skipped once, and the eight bytes behind it are sorted as
 * numbers, side by side; what is equal in those is sorted by the next eight.
 */
#include "store/order.h"

#include <stdlib.h>

#define DIGIT 11 /* bits of the numbers that are sorted by at a time */
#define FEW   64 /* items that are sorted by insertion */

struct item {
    uint64_t front; /* eight bytes, the first one highest; 0 past the end */
    size_t index;
};

struct sorting {
    const struct gw_str *texts;
    struct item *room; /* for as many items as there are */
};

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

static void sort_few(struct item *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct item one = items[i];
        size_t at = i;

        for (; at > 0 && items[at - 1].front > one.front; at--)
            items[at] = items[at - 1];
        items[at] = one;
    }
}

/* One pass by a digit, to the other side; false when all have the same. */
static bool sort_by_digit(const struct item *from, struct item *to, size_t count, unsigned shift)
{
    size_t starts[(1U << DIGIT) + 1] = {0};
    size_t first = from[0].front >> shift & ((1U << DIGIT) - 1);

    for (size_t i = 0; i < count; i++)
        starts[(from[i].front >> shift & ((1U << DIGIT) - 1)) + 1]++;
    if (starts[first + 1] == count)
        return false;
    for (size_t i = 1; i < GW_COUNT(starts); i++)
        starts[i] += starts[i - 1];
    for (size_t i = 0; i < count; i++)
        to[starts[from[i].front >> shift & ((1U << DIGIT) - 1)]++] = from[i];
    return true;
}

static void sort_by_front(struct item *items, struct item *room, size_t count)
{
    struct item *from = items;
    struct item *to = room;

    if (count < FEW) {
        sort_few(items, count);
        return;
    }
    for (unsigned shift = 0; shift < 64; shift += DIGIT) {
        struct item *sorted = to;

        if (!sort_by_digit(from, to, count, shift))
            continue;
        to = from;
        from = sorted;
    }
    if (from != items)
        memcpy(items, from, count * sizeof(*items));
}

/* Sorts by what is behind the first `at` bytes, in which all are equal. */
static void sort(const struct sorting *sorting, struct item *items, size_t count, size_t at)
{
    struct gw_str first = sorting->texts[items[0].index];
    size_t end = first.length;
    size_t longest = first.length;

    for (size_t i = 1; i < count; i++) {
        struct gw_str text = sorting->texts[items[i].index];

        end = common_length(first, text, at, end);
        longest = text.length > longest ? text.length : longest;
    }
    if (longest <= at)
        return;
    at = end > at ? end : at;
    for (size_t i = 0; i < count; i++)
        items[i].front = front_of(sorting->texts[items[i].index], at);
    sort_by_front(items, sorting->room, count);
    for (size_t i = 0; i < count;) {
        size_t same = 1;

        while (i + same < count && items[i + same].front == items[i].front)
            same++;
        if (same > 1)
            sort(sorting, items + i, same, at + 8);
        i += same;
    }
}

void gw_order_texts(const struct gw_str *texts, size_t count, size_t *order)
{
    struct item *items;
    struct sorting sorting = {.texts = texts};

    if (count == 0)
        return;
    items = gw_alloc(2 * count * sizeof(*items));
    sorting.room = items + count;
    for (size_t i = 0; i < count; i++)
        items[i].index = i;
    sort(&sorting, items, count, 0);
    for (size_t i = 0; i < count; i++)
        order[i] = items[i].index;
    free(items);
}
