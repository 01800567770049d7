/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_TABLE_H
#define GW_STORE_TABLE_H

/*
 * A hash table that many threads read while one writes. Readers are inside an
 * epoch, take no lock and never wait; a lookup that runs beside a change finds
 * the state before it or after it. What the table gives back to the writer may
 * still be in readers' hands: it goes to gw_epoch_retire, never to free.
 *
 * The table doesn't know its objects: the caller hashes, and `equal` compares.
 */

#include <stdatomic.h>

#include "base/epoch.h"
#include "base/hash.h"

struct gw_table_buckets;

struct gw_table {
    _Atomic(struct gw_table_buckets *) buckets;
    atomic_size_t count;
    struct gw_epoch *epoch;
    bool (*equal)(const void *object, const void *key);
};

/* `epoch` must outlive the table. */
void gw_table_init(struct gw_table *table, struct gw_epoch *epoch, bool (*equal)(const void *object, const void *key));

/* Gives every object to `release` and frees the table; no reader may be inside. */
void gw_table_fini(struct gw_table *table, void (*release)(void *object));

struct gw_table_item {
    uint64_t hash;
    void *object;
};
/* What filling asks of the objects. */
struct gw_table_filling {
    const void *(*key_of)(const void *object);
    void (*on_same)(void *ctx, void *older, void *newer); /* both have the key: the newer one stands */
    void *ctx;
};
/* Writer, of an empty table: puts `count` objects at once, in their order, in a fraction of the time that puts take.
 * The items are in another order afterwards. */
void gw_table_fill(struct gw_table *table, struct gw_table_item *items, size_t count,
                   const struct gw_table_filling *filling);

/* One hash over `count` pieces that depends on where each ends. Takes no memory. */
uint64_t gw_table_hash(const struct gw_hash_seed *seed, const struct gw_str *pieces, size_t count);

/* borrows: the object under `key`, NULL when absent. Readers and the writer. */
void *gw_table_find(const struct gw_table *table, uint64_t hash, const void *key);

/* Objects in the table. Any thread. */
size_t gw_table_count(const struct gw_table *table);

/* Writer: puts `object` where `key` is found, and returns what stood there, NULL when the key is new. */
void *gw_table_put(struct gw_table *table, uint64_t hash, const void *key, void *object);

/* Writer: takes the object out and returns it, NULL when absent. */
void *gw_table_remove(struct gw_table *table, uint64_t hash, const void *key);

#endif
