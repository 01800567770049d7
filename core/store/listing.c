/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks of sorted texts, packed one behind the other, under an index of
 * pointers; both immutable. A change copies the chunk it is in and the index, and
 * publishes the new index by one store; what it replaced is retired.
 *
 *   index -> [count | chunk | chunk | chunk ...]
 *                       |
 *                       [count | start 0 | start 1 | ... | end | text0text1text2...]
 *
 * A page is read from a few neighbouring blocks, whatever the number of texts;
 * finding its start takes two binary searches. Chunks split past CHUNK_MAX texts;
 * one that grew at the very end of the set stays full, so that texts which come
 * in order are packed tightly. Two neighbours that fit into half a chunk are
 * joined, so that removals in whatever order leave no index of crumbs.
 */
#include "store/listing.h"

#include <stdlib.h>

#define CHUNK_MAX 128

struct chunk {
    uint32_t count;
    uint32_t starts[]; /* count + 1 of them, then the texts */
};

struct gw_listing_index {
    size_t count; /* of texts */
    size_t chunk_count;
    struct chunk *chunks[];
};

static const char *texts_of(const struct chunk *chunk)
{
    return (const char *)&chunk->starts[chunk->count + 1];
}

static struct gw_str text_at(const struct chunk *chunk, size_t i)
{
    return (struct gw_str){texts_of(chunk) + chunk->starts[i], chunk->starts[i + 1] - chunk->starts[i]};
}

/* new */
static struct chunk *chunk_new(const struct gw_str *texts, size_t count)
{
    size_t bytes = 0;
    struct chunk *chunk;
    char *at;

    for (size_t i = 0; i < count; i++) {
        if (gw_add_overflows(bytes, texts[i].length, &bytes) || bytes > UINT32_MAX / 2)
            gw_fatal("listing: texts too long");
    }
    chunk = gw_alloc(sizeof(*chunk) + (count + 1) * sizeof(chunk->starts[0]) + bytes);
    chunk->count = (uint32_t)count;
    chunk->starts[0] = 0;
    at = (char *)&chunk->starts[count + 1];
    for (size_t i = 0; i < count; i++) {
        if (texts[i].length > 0)
            memcpy(at, texts[i].at, texts[i].length);
        at += texts[i].length;
        chunk->starts[i + 1] = chunk->starts[i] + (uint32_t)texts[i].length;
    }
    return chunk;
}

static void copy(char *to, const char *from, size_t length)
{
    if (length > 0)
        memcpy(to, from, length);
}

/* new: `from` with one text more, whose index becomes `at`. What stands before and behind it is copied in one go. */
static struct chunk *chunk_with(const struct chunk *from, size_t at, struct gw_str text)
{
    size_t before = from->starts[at];
    size_t behind = from->starts[from->count] - before;
    struct chunk *chunk;
    char *texts;

    if (text.length > UINT32_MAX / 2 - before - behind)
        gw_fatal("listing: texts too long");
    chunk = gw_alloc(sizeof(*chunk) + (from->count + 2) * sizeof(chunk->starts[0]) + before + text.length + behind);
    chunk->count = from->count + 1;
    memcpy(chunk->starts, from->starts, (at + 1) * sizeof(chunk->starts[0]));
    for (size_t i = at; i <= from->count; i++)
        chunk->starts[i + 1] = from->starts[i] + (uint32_t)text.length;
    texts = (char *)&chunk->starts[chunk->count + 1];
    copy(texts, texts_of(from), before);
    copy(texts + before, text.at, text.length);
    copy(texts + before + text.length, texts_of(from) + before, behind);
    return chunk;
}

/* Index of the first text that isn't before `text`, chunk->count when all are. */
static size_t lower_bound(const struct chunk *chunk, struct gw_str text)
{
    size_t low = 0;
    size_t high = chunk->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (gw_str_compare(text_at(chunk, middle), text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The chunk that holds `text` or would: the last one whose first text isn't behind it, else the first. */
static size_t find_chunk(const struct gw_listing_index *index, struct gw_str text)
{
    size_t low = 0;
    size_t high = index->chunk_count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (gw_str_compare(text_at(index->chunks[middle], 0), text) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void gw_listing_init(struct gw_listing *listing, struct gw_epoch *epoch)
{
    atomic_init(&listing->index, NULL);
    listing->epoch = epoch;
}

void gw_listing_fini(struct gw_listing *listing)
{
    struct gw_listing_index *index = atomic_exchange(&listing->index, NULL);

    for (size_t i = 0; index != NULL && i < index->chunk_count; i++)
        free(index->chunks[i]);
    free(index);
}

size_t gw_listing_count(const struct gw_listing *listing)
{
    const struct gw_listing_index *index = atomic_load(&listing->index);

    return index == NULL ? 0 : index->count;
}

size_t gw_listing_page(const struct gw_listing *listing, struct gw_store_page *page)
{
    const struct gw_listing_index *index = atomic_load(&listing->index);
    size_t count = 0;
    size_t chunk = 0;
    size_t at = 0;

    page->more = false;
    if (index == NULL)
        return 0;
    if (page->after.at != NULL) {
        chunk = find_chunk(index, page->after);
        at = lower_bound(index->chunks[chunk], page->after);
        if (at < index->chunks[chunk]->count && gw_str_equal(text_at(index->chunks[chunk], at), page->after))
            at++;
    }
    for (; chunk < index->chunk_count; chunk++, at = 0) {
        for (; at < index->chunks[chunk]->count; at++) {
            if (count == page->max) {
                page->more = true;
                return count;
            }
            page->items[count++] = text_at(index->chunks[chunk], at);
        }
    }
    return count;
}

static void release(void *object)
{
    free(object);
}

/* Publishes the index with `drop` chunks from `at` on replaced by `put`; `count` texts in all. */
static void replace(struct gw_listing *listing, size_t at, size_t drop, struct chunk *const *put, size_t put_count,
                    size_t count)
{
    struct gw_listing_index *old = atomic_load(&listing->index);
    size_t old_count = old == NULL ? 0 : old->chunk_count;
    size_t chunk_count = old_count - drop + put_count;
    struct gw_listing_index *fresh = NULL;

    if (chunk_count > 0) {
        fresh = gw_alloc(sizeof(*fresh) + chunk_count * sizeof(fresh->chunks[0]));
        fresh->count = count;
        fresh->chunk_count = chunk_count;
        if (at > 0)
            memcpy(fresh->chunks, old->chunks, at * sizeof(fresh->chunks[0]));
        if (put_count > 0)
            memcpy(fresh->chunks + at, put, put_count * sizeof(fresh->chunks[0]));
        if (at + drop < old_count)
            memcpy(fresh->chunks + at + put_count, old->chunks + at + drop,
                   (old_count - at - drop) * sizeof(fresh->chunks[0]));
    }
    atomic_store(&listing->index, fresh);
    for (size_t i = 0; i < drop; i++)
        gw_epoch_retire(listing->epoch, old->chunks[at + i], release);
    gw_epoch_retire(listing->epoch, old, release);
}

static size_t take_texts(const struct chunk *chunk, struct gw_str *texts)
{
    for (size_t i = 0; i < chunk->count; i++)
        texts[i] = text_at(chunk, i);
    return chunk->count;
}

bool gw_listing_add(struct gw_listing *listing, struct gw_str text)
{
    const struct gw_listing_index *index = atomic_load(&listing->index);
    struct gw_str texts[CHUNK_MAX + 1];
    struct chunk *put[2];
    const struct chunk *chunk;
    size_t which;
    size_t at;
    size_t left;
    size_t count;

    if (index == NULL) {
        put[0] = chunk_new(&text, 1);
        replace(listing, 0, 0, put, 1, 1);
        return true;
    }
    which = find_chunk(index, text);
    chunk = index->chunks[which];
    at = lower_bound(chunk, text);
    if (at < chunk->count && gw_str_equal(text_at(chunk, at), text))
        return false;
    if (chunk->count < CHUNK_MAX) {
        put[0] = chunk_with(chunk, at, text);
        replace(listing, which, 1, put, 1, index->count + 1);
        return true;
    }
    count = take_texts(chunk, texts);
    memmove(texts + at + 1, texts + at, (count - at) * sizeof(texts[0]));
    texts[at] = text;
    count++;
    left = at == count - 1 && which == index->chunk_count - 1 ? CHUNK_MAX : count / 2;
    put[0] = chunk_new(texts, left);
    put[1] = chunk_new(texts + left, count - left);
    replace(listing, which, 1, put, 2, index->count + 1);
    return true;
}

static bool fits(const struct gw_listing_index *index, size_t which, size_t count)
{
    return which < index->chunk_count && index->chunks[which]->count + count <= CHUNK_MAX / 2;
}

bool gw_listing_remove(struct gw_listing *listing, struct gw_str text)
{
    const struct gw_listing_index *index = atomic_load(&listing->index);
    struct gw_str texts[CHUNK_MAX];
    struct chunk *put[1];
    const struct chunk *chunk;
    size_t which;
    size_t at;
    size_t count;
    size_t drop = 1;

    if (index == NULL)
        return false;
    which = find_chunk(index, text);
    chunk = index->chunks[which];
    at = lower_bound(chunk, text);
    count = take_texts(chunk, texts);
    if (at == count || !gw_str_equal(texts[at], text))
        return false;
    count--;
    memmove(texts + at, texts + at + 1, (count - at) * sizeof(texts[0]));
    if (count > 0 && fits(index, which + 1, count)) {
        count += take_texts(index->chunks[which + 1], texts + count);
        drop = 2;
    } else if (count > 0 && which > 0 && fits(index, which - 1, count)) {
        which--;
        memmove(texts + index->chunks[which]->count, texts, count * sizeof(texts[0]));
        count += take_texts(index->chunks[which], texts);
        drop = 2;
    }
    if (count > 0)
        put[0] = chunk_new(texts, count);
    replace(listing, which, drop, put, count > 0 ? 1 : 0, index->count - 1);
    return true;
}

void gw_listing_fill(struct gw_listing *listing, const struct gw_str *texts, size_t count)
{
    size_t chunk_count = (count + CHUNK_MAX - 1) / CHUNK_MAX;
    struct gw_listing_index *index;

    if (count == 0)
        return;
    index = gw_alloc(sizeof(*index) + chunk_count * sizeof(index->chunks[0]));
    index->count = count;
    index->chunk_count = chunk_count;
    for (size_t i = 0; i < chunk_count; i++) {
        size_t start = i * CHUNK_MAX;

        index->chunks[i] = chunk_new(texts + start, count - start < CHUNK_MAX ? count - start : CHUNK_MAX);
    }
    atomic_store(&listing->index, index);
}

void gw_listing_clear(struct gw_listing *listing)
{
    const struct gw_listing_index *index = atomic_load(&listing->index);

    if (index != NULL)
        replace(listing, 0, index->chunk_count, NULL, 0, 0);
}
