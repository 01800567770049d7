/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks in a list; a piece comes from the current block or from a new one that
 * is at least twice as large.
 *
 *   first -> block -> block (current)
 *            [next|capacity|used|bytes ...]
 */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define GW_ARENA_PIECEWISE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GW_ARENA_PIECEWISE 1
#endif
#endif

struct gw_arena_block {
    struct gw_arena_block *next;
    size_t capacity;
    size_t used;
    _Alignas(16) unsigned char bytes[];
};

void gw_arena_init(struct gw_arena *arena, size_t block_size)
{
    *arena = (struct gw_arena){.block_size = block_size > 0 ? block_size : 4096};
}

static struct gw_arena_block *block_new(size_t capacity)
{
    size_t size;
    struct gw_arena_block *block;

    if (gw_add_overflows(capacity, sizeof(*block), &size))
        gw_fatal("arena block of %zu bytes", capacity);
    block = gw_alloc(size);
    block->next = NULL;
    block->capacity = capacity;
    block->used = 0;
    return block;
}

static void free_chain(struct gw_arena_block *block)
{
    while (block != NULL) {
        struct gw_arena_block *next = block->next;

        free(block);
        block = next;
    }
}

void gw_arena_fini(struct gw_arena *arena)
{
    free_chain(arena->first);
    arena->first = NULL;
    arena->current = NULL;
    arena->taken = 0;
}

void gw_arena_wipe(struct gw_arena *arena)
{
    for (struct gw_arena_block *block = arena->first; block != NULL; block = block->next)
        gw_wipe(block->bytes, block->used);
    gw_arena_fini(arena);
}

void gw_arena_reset(struct gw_arena *arena)
{
#ifdef GW_ARENA_PIECEWISE
    gw_arena_fini(arena);
#else
    arena->taken = 0;
    if (arena->first == NULL)
        return;
    free_chain(arena->first->next);
    arena->first->next = NULL;
    arena->first->used = 0;
    arena->current = arena->first;
#endif
}

/* How large the next block is: twice the last one up to a mebibyte, and never less than the piece. */
static size_t next_capacity(const struct gw_arena *arena, size_t size)
{
#ifdef GW_ARENA_PIECEWISE
    (void)arena;
    return size;
#else
    size_t capacity = arena->block_size;

    if (arena->current != NULL && capacity < arena->current->capacity && arena->current->capacity < (size_t)1 << 20)
        capacity = arena->current->capacity;
    if (arena->current != NULL)
        capacity *= 2;
    return capacity < size ? size : capacity;
#endif
}

static void *from_new_block(struct gw_arena *arena, size_t size)
{
    struct gw_arena_block *block = block_new(next_capacity(arena, size));

    block->used = size;
    if (arena->current == NULL)
        arena->first = block;
    else
        arena->current->next = block;
    arena->current = block;
    return block->bytes;
}

void *gw_arena_alloc(struct gw_arena *arena, size_t size)
{
    struct gw_arena_block *block = arena->current;
    size_t rounded;

    if (GW_UNLIKELY(gw_add_overflows(size, 15, &rounded)))
        gw_fatal("arena piece of %zu bytes", size);
    arena->taken += size;
#ifdef GW_ARENA_PIECEWISE
    (void)block;
    return from_new_block(arena, size);
#else
    rounded &= ~(size_t)15;
    if (GW_LIKELY(block != NULL && block->capacity - block->used >= rounded)) {
        void *piece = block->bytes + block->used;

        block->used += rounded;
        return piece;
    }
    return from_new_block(arena, rounded);
#endif
}

void *gw_arena_zero(struct gw_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    void *piece;

    if (GW_UNLIKELY(gw_mul_overflows(count, size, &bytes)))
        gw_fatal("arena array of %zu times %zu bytes", count, size);
    piece = gw_arena_alloc(arena, bytes);
    memset(piece, 0, bytes);
    return piece;
}

struct gw_str gw_arena_str(struct gw_arena *arena, struct gw_str text)
{
    char *copy = gw_arena_alloc(arena, text.length + 1);

    if (text.length > 0)
        memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    return (struct gw_str){copy, text.length};
}

struct gw_str gw_arena_printf(struct gw_arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    int length;
    char *text;

    va_start(args, format);
    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        gw_fatal("bad format in gw_arena_printf");
    text = gw_arena_alloc(arena, (size_t)length + 1);
    (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return (struct gw_str){text, (size_t)length};
}
