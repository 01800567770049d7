/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_MAP_H
#define GW_BASE_MAP_H

/*
 * A table from text to pointer, seeded (base/hash.h), open addressing. It copies
 * neither keys nor values: both must outlive it. One thread at a time, or many
 * that only read.
 */

#include "base/hash.h"

struct gw_map_slot;

struct gw_map {
    struct gw_hash_seed seed;
    struct gw_map_slot *slots;
    size_t capacity; /* 0 or a power of two */
    size_t count;
};

void gw_map_init(struct gw_map *map, struct gw_hash_seed seed);
void gw_map_fini(struct gw_map *map);

/* borrows: the value under `key`, NULL when absent. */
void *gw_map_get(const struct gw_map *map, struct gw_str key);

/* Adds; GW_E_DUPLICATE when the key is there, the old value stays. `value` must not be NULL. */
GW_NODISCARD enum gw_status gw_map_add(struct gw_map *map, struct gw_str key, void *value);

#endif
