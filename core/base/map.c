/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear probing at no more than half full. No removal: the maps of eksgate are
 * built once and swapped whole.
 */
#include "base/map.h"

#include <stdlib.h>

struct gw_map_slot {
    uint64_t hash;
    struct gw_str key;
    void *value; /* NULL: free */
};

void gw_map_init(struct gw_map *map, struct gw_hash_seed seed)
{
    *map = (struct gw_map){.seed = seed};
}

void gw_map_fini(struct gw_map *map)
{
    free(map->slots);
    map->slots = NULL;
    map->capacity = 0;
    map->count = 0;
}

/* The slot of the key, or the free one where it belongs. */
static struct gw_map_slot *locate(const struct gw_map *map, struct gw_str key, uint64_t hash)
{
    size_t at = (size_t)hash & (map->capacity - 1);

    while (map->slots[at].value != NULL && (map->slots[at].hash != hash || !gw_str_equal(map->slots[at].key, key)))
        at = (at + 1) & (map->capacity - 1);
    return &map->slots[at];
}

void *gw_map_get(const struct gw_map *map, struct gw_str key)
{
    if (map->capacity == 0)
        return NULL;
    return locate(map, key, gw_hash(&map->seed, key.at, key.length))->value;
}

static void grow(struct gw_map *map)
{
    struct gw_map old = *map;

    map->capacity = old.capacity > 0 ? old.capacity * 2 : 16;
    map->slots = gw_alloc_zero(map->capacity, sizeof(*map->slots));
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].value != NULL)
            *locate(map, old.slots[i].key, old.slots[i].hash) = old.slots[i];
    }
    free(old.slots);
}

enum gw_status gw_map_add(struct gw_map *map, struct gw_str key, void *value)
{
    struct gw_map_slot *slot;
    uint64_t hash = gw_hash(&map->seed, key.at, key.length);

    if ((map->count + 1) * 2 > map->capacity)
        grow(map);
    slot = locate(map, key, hash);
    if (slot->value != NULL)
        return GW_E_DUPLICATE;
    *slot = (struct gw_map_slot){hash, key, value};
    map->count++;
    return GW_OK;
}
