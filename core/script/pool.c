/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of free pieces, one per size of 16, 32, ... 256 bytes; a piece's own first
 * bytes link it. What one size gave back another doesn't get: the owner bounds
 * slab_bytes and starts anew when that grows too far. Pieces of GW_POOL_LONG bytes and
 * more say in front of them whether they are a text.
 */
#include "script/pool.h"

#include <stdlib.h>
#include <string.h>

#define SLAB_BYTES ((size_t)16 << 10)

#if defined(__SANITIZE_ADDRESS__)
#define PIECEWISE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PIECEWISE 1
#endif
#endif

struct gw_pool_piece {
    struct gw_pool_piece *next;
};

struct gw_pool_slab {
    struct gw_pool_slab *next;
    _Alignas(16) unsigned char bytes[];
};

struct gw_pool_long {
    _Alignas(16) size_t text; /* its class and one; 0: it is none */
};

void gw_pool_fini(struct gw_pool *pool)
{
    while (pool->slabs != NULL) {
        struct gw_pool_slab *next = pool->slabs->next;

        free(pool->slabs);
        pool->slabs = next;
    }
    *pool = (struct gw_pool){0};
}

#ifdef PIECEWISE

static void *resize(struct gw_pool *pool, void *old, size_t old_size, size_t new_size)
{
    (void)pool;
    (void)old_size;
    if (new_size > 0)
        return gw_realloc(old, new_size);
    free(old);
    return NULL;
}

#else

/* 0 for 1 to 16 bytes, ... GW_POOL_CLASSES and more: malloc's. */
static size_t class_of(size_t size)
{
    return (size - 1) / GW_POOL_CLASS;
}

static void *take_fresh(struct gw_pool *pool, size_t size)
{
    unsigned char *piece;

    if (pool->fresh_bytes < size) {
        struct gw_pool_slab *slab = gw_alloc(sizeof(*slab) + SLAB_BYTES);

        slab->next = pool->slabs;
        pool->slabs = slab;
        pool->fresh = slab->bytes;
        pool->fresh_bytes = SLAB_BYTES;
        pool->slab_bytes += SLAB_BYTES;
    }
    piece = pool->fresh;
    pool->fresh += size;
    pool->fresh_bytes -= size;
    return piece;
}

static void *take(struct gw_pool *pool, size_t size)
{
    size_t class = class_of(size);
    struct gw_pool_piece *piece;

    if (class >= GW_POOL_CLASSES)
        return gw_alloc(size);
    piece = pool->free[class];
    if (piece == NULL)
        return take_fresh(pool, (class + 1) * GW_POOL_CLASS);
    pool->free[class] = piece->next;
    return piece;
}

static void give_back(struct gw_pool *pool, void *old, size_t size)
{
    size_t class = class_of(size);
    struct gw_pool_piece *piece = old;

    if (class >= GW_POOL_CLASSES) {
        free(old);
        return;
    }
    piece->next = pool->free[class];
    pool->free[class] = piece;
}

static void *resize(struct gw_pool *pool, void *old, size_t old_size, size_t new_size)
{
    void *moved;

    if (new_size == 0) {
        if (old != NULL)
            give_back(pool, old, old_size);
        return NULL;
    }
    if (old == NULL)
        return take(pool, new_size);
    if (class_of(old_size) == class_of(new_size) && class_of(old_size) < GW_POOL_CLASSES)
        return old;
    if (class_of(old_size) >= GW_POOL_CLASSES && class_of(new_size) >= GW_POOL_CLASSES)
        return gw_realloc(old, new_size);
    moved = take(pool, new_size);
    memcpy(moved, old, old_size < new_size ? old_size : new_size);
    give_back(pool, old, old_size);
    return moved;
}

#endif

static size_t text_class_of(size_t size)
{
    size_t class = 0;

    for (size >>= GW_POOL_LONG_BITS + 1; size > 0 && class < GW_POOL_TEXT_CLASSES - 1; size >>= 1)
        class ++;
    return class;
}

static struct gw_pool_long *long_of(void *piece)
{
    return (struct gw_pool_long *)piece - 1;
}

static void *take_long(size_t size, size_t text)
{
    struct gw_pool_long *piece = gw_alloc(sizeof(*piece) + size);

    piece->text = text;
    return piece + 1;
}

static void give_back_long(struct gw_pool *pool, void *old)
{
    struct gw_pool_long *piece = long_of(old);

    if (piece->text > 0)
        pool->texts[piece->text - 1]--;
    free(piece);
}

void *gw_pool_take_text(struct gw_pool *pool, size_t size)
{
    size_t class = text_class_of(size);

    pool->texts[class]++;
    return take_long(size, class + 1);
}

size_t gw_pool_longest_text(const struct gw_pool *pool)
{
    for (size_t class = GW_POOL_TEXT_CLASSES; class > 0; class --) {
        if (pool->texts[class - 1] > 0)
            return GW_POOL_LONG << (class - 1);
    }
    return 0;
}

void *gw_pool_resize(struct gw_pool *pool, void *old, size_t old_size, size_t new_size)
{
    bool was_long = old != NULL && old_size >= GW_POOL_LONG;
    void *moved;

    if (!was_long && new_size < GW_POOL_LONG)
        return resize(pool, old, old_size, new_size);
    if (was_long && new_size >= GW_POOL_LONG)
        return (struct gw_pool_long *)gw_realloc(long_of(old), sizeof(struct gw_pool_long) + new_size) + 1;
    moved = new_size >= GW_POOL_LONG ? take_long(new_size, 0) : resize(pool, NULL, 0, new_size);
    if (old != NULL && new_size > 0)
        memcpy(moved, old, old_size < new_size ? old_size : new_size);
    if (was_long)
        give_back_long(pool, old);
    else
        resize(pool, old, old_size, 0);
    return moved;
}
