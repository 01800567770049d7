/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 256 sets of four. The memory is taken zeroed and untouched, so that a gateway
 * with a few callers pays for a few pages.
 */
#include "auth/signing_cache.h"

#include <stdlib.h>

#define WAYS 4
#define SETS (GW_SIGNING_CACHE_MAX / WAYS)

struct slot {
    uint64_t version; /* 0: free */
    uint64_t used;    /* the cache's tick when it was last found */
    uint64_t date;
    size_t place_length;
    char place[GW_SIGNING_CACHE_PLACE_MAX];
    struct gw_hmac_key key;
};

struct gw_signing_cache {
    uint64_t tick;
    struct slot slots[SETS][WAYS];
};

struct gw_signing_cache *gw_signing_cache_new(void)
{
    return gw_alloc_zero(1, sizeof(struct gw_signing_cache));
}

void gw_signing_cache_free(struct gw_signing_cache **cache)
{
    struct gw_signing_cache *old = *cache;

    if (old == NULL)
        return;
    for (size_t i = 0; i < SETS; i++) {
        for (size_t k = 0; k < WAYS; k++) {
            if (old->slots[i][k].version != 0)
                gw_wipe(&old->slots[i][k], sizeof(old->slots[i][k]));
        }
    }
    free(old);
    *cache = NULL;
}

static uint64_t number_of(struct gw_str date)
{
    uint64_t number = 0;

    memcpy(&number, date.at, date.length < sizeof(number) ? date.length : sizeof(number));
    return number;
}

/* Nobody can aim at a set: keys get in only with a signature that held. */
static struct slot *set_of(struct gw_signing_cache *cache, uint64_t version, uint64_t date, struct gw_str place)
{
    uint64_t hash = version * 0x9e3779b97f4a7c15U ^ date;

    for (size_t i = 0; i < place.length; i++)
        hash = (hash ^ (unsigned char)place.at[i]) * 0x100000001b3U;
    hash ^= hash >> 32;
    return cache->slots[hash % SETS];
}

static bool holds(const struct slot *slot, uint64_t version, uint64_t date, struct gw_str place)
{
    return slot->version == version && slot->date == date && slot->place_length == place.length &&
           memcmp(slot->place, place.at, place.length) == 0;
}

const struct gw_hmac_key *gw_signing_cache_find(struct gw_signing_cache *cache, uint64_t version, struct gw_str date,
                                                struct gw_str place)
{
    uint64_t day = number_of(date);
    struct slot *set = set_of(cache, version, day, place);

    if (place.length > GW_SIGNING_CACHE_PLACE_MAX)
        return NULL;
    for (size_t i = 0; i < WAYS; i++) {
        if (holds(&set[i], version, day, place)) {
            set[i].used = ++cache->tick;
            return &set[i].key;
        }
    }
    return NULL;
}

void gw_signing_cache_add(struct gw_signing_cache *cache, uint64_t version, struct gw_str date, struct gw_str place,
                          const struct gw_hmac_key *key)
{
    uint64_t day = number_of(date);
    struct slot *set = set_of(cache, version, day, place);
    struct slot *oldest = &set[0];

    if (place.length > GW_SIGNING_CACHE_PLACE_MAX)
        return;
    for (size_t i = 1; i < WAYS; i++) {
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    gw_wipe(oldest, sizeof(*oldest));
    oldest->version = version;
    oldest->used = ++cache->tick;
    oldest->date = day;
    oldest->place_length = place.length;
    memcpy(oldest->place, place.at, place.length);
    oldest->key = *key;
}

size_t gw_signing_cache_count(const struct gw_signing_cache *cache)
{
    size_t count = 0;

    for (size_t i = 0; i < SETS; i++) {
        for (size_t k = 0; k < WAYS; k++)
            count += cache->slots[i][k].version != 0;
    }
    return count;
}
