/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_POOL_H
#define GW_SCRIPT_POOL_H

/*
 * Memory of one Lua state. Small pieces come from slabs and go back to lists by
 * size, so that the state's churn stays in memory that is warm and apart from
 * everybody else's; larger ones are malloc's. Slabs are given back when the pool
 * ends. Under AddressSanitizer every piece is a malloc of its own. One thread.
 *
 * It knows how long the longest text is that lives: what one VM instruction costs
 * depends on that.
 */

#include "base/gw.h"

#define GW_POOL_CLASS   16 /* bytes between two sizes */
#define GW_POOL_CLASSES 16 /* pieces up to 256 bytes */

#define GW_POOL_LONG_BITS    10
#define GW_POOL_LONG         ((size_t)1 << GW_POOL_LONG_BITS) /* texts from here on are told apart */
#define GW_POOL_TEXT_CLASSES 12 /* by powers of two; the last one has all that are longer */

struct gw_pool_piece;
struct gw_pool_slab;

struct gw_pool {
    struct gw_pool_piece *free[GW_POOL_CLASSES];
    struct gw_pool_slab *slabs;
    unsigned char *fresh; /* of the newest slab, not handed out yet */
    size_t fresh_bytes;
    size_t slab_bytes;                  /* of all slabs */
    size_t texts[GW_POOL_TEXT_CLASSES]; /* that live, by length */
};

/* A zeroed pool is empty and ready. */
void gw_pool_fini(struct gw_pool *pool);

/* lua_Alloc's contract with the sizes known: new_size 0 frees, old NULL allocates. Never fails: out of memory aborts.
 */
void *gw_pool_resize(struct gw_pool *pool, void *old, size_t old_size, size_t new_size);

/* A fresh piece of at least GW_POOL_LONG bytes, which is given back like any other, and counted until then. */
void *gw_pool_take_text(struct gw_pool *pool, size_t size);

/* At least half the length of the longest text that lives; 0: none is long. */
size_t gw_pool_longest_text(const struct gw_pool *pool);

#endif
