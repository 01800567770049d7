/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_ARENA_H
#define GW_BASE_ARENA_H

/*
 * Memory of one request: taken in small pieces, given back all at once. The
 * first block is kept over a reset, so a steady stream of requests allocates
 * nothing. Under AddressSanitizer every piece is a malloc of its own, so that
 * overruns and uses after reset are seen. One thread at a time.
 */

#include "base/str.h"

struct gw_arena_block;

struct gw_arena {
    struct gw_arena_block *first;
    struct gw_arena_block *current;
    size_t block_size; /* bytes of the first block; later ones double */
    size_t taken;      /* bytes handed out since the last reset */
};

/* No memory is taken before the first piece. `block_size` 0 means 4096. */
void gw_arena_init(struct gw_arena *arena, size_t block_size);

/* Everything handed out becomes invalid; the first block is kept. */
void gw_arena_reset(struct gw_arena *arena);

/* Like reset, and gives the memory back to the system. */
void gw_arena_fini(struct gw_arena *arena);

/* The same for one that held secrets: everything in it is overwritten first. */
void gw_arena_wipe(struct gw_arena *arena);

/* arena: `size` bytes aligned for any type, not zeroed; aborts when memory runs out. */
void *gw_arena_alloc(struct gw_arena *arena, size_t size) __attribute__((returns_nonnull));

/* arena: the same, zeroed; aborts too when count * size doesn't fit. */
void *gw_arena_zero(struct gw_arena *arena, size_t count, size_t size) __attribute__((returns_nonnull));

/* arena: a copy, followed by a NUL that the view doesn't count. */
struct gw_str gw_arena_str(struct gw_arena *arena, struct gw_str text);

/* arena: formatted text, NUL behind it. */
struct gw_str gw_arena_printf(struct gw_arena *arena, const char *format, ...) GW_PRINTF(2, 3);

#endif
