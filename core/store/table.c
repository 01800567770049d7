/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buckets of chains. A chain's node never moves; only its object pointer and the
 * pointer to the next node change, each by one atomic store.
 *
 *   table -> buckets [mask | head | head | head | ...]
 *                            |
 *                            node -> node -> NULL
 *                            |        |
 *                            object   object
 *
 * To grow, a new array with new nodes for the same objects is built aside and
 * published by one store; a reader in the old array goes on there, and the array
 * with its nodes is freed when the last such reader has left its epoch. The
 * writer pays for that, readers don't.
 *
 * Loads and stores are sequentially consistent: together with the store in
 * gw_epoch_enter that orders "I am inside" before "I follow this pointer" on
 * every machine, and on x86 a load costs nothing more.
 */
#include "store/table.h"

#include <stdlib.h>

#define BUCKETS_MIN 64
#define RADIX       11
#define HASH_INLINE 512 /* bytes of a key that are hashed in one go */

struct node {
    _Atomic(struct node *) next;
    uint64_t hash;
    _Atomic(void *) object;
};

struct gw_table_buckets {
    size_t mask;
    _Atomic(struct node *) heads[];
};

static struct gw_table_buckets *buckets_new(size_t count)
{
    size_t size;
    struct gw_table_buckets *buckets;

    if (gw_mul_overflows(count, sizeof(buckets->heads[0]), &size) || gw_add_overflows(size, sizeof(*buckets), &size))
        gw_fatal("table of %zu buckets", count);
    buckets = gw_alloc(size);
    buckets->mask = count - 1;
    for (size_t i = 0; i < count; i++)
        atomic_init(&buckets->heads[i], NULL);
    return buckets;
}

/* The array and its nodes, not their objects. */
static void release_buckets(void *memory)
{
    struct gw_table_buckets *buckets = memory;

    for (size_t i = 0; i <= buckets->mask; i++) {
        struct node *node = atomic_load(&buckets->heads[i]);

        while (node != NULL) {
            struct node *next = atomic_load(&node->next);

            free(node);
            node = next;
        }
    }
    free(buckets);
}

static void release_node(void *memory)
{
    free(memory);
}

void gw_table_init(struct gw_table *table, struct gw_epoch *epoch, bool (*equal)(const void *object, const void *key))
{
    atomic_init(&table->buckets, buckets_new(BUCKETS_MIN));
    atomic_init(&table->count, 0);
    table->epoch = epoch;
    table->equal = equal;
}

void gw_table_fini(struct gw_table *table, void (*release)(void *object))
{
    struct gw_table_buckets *buckets = atomic_load(&table->buckets);

    for (size_t i = 0; i <= buckets->mask; i++) {
        for (struct node *node = atomic_load(&buckets->heads[i]); node != NULL; node = atomic_load(&node->next))
            release(atomic_load(&node->object));
    }
    release_buckets(buckets);
    atomic_store(&table->buckets, NULL);
}

/* For keys longer than the buffer: each piece is hashed under a seed that the ones before it have changed. */
static uint64_t hash_chained(const struct gw_hash_seed *seed, const struct gw_str *pieces, size_t count)
{
    struct gw_hash_seed chained = *seed;
    uint64_t hash = 0;

    for (size_t i = 0; i < count; i++) {
        hash = gw_hash(&chained, pieces[i].at, pieces[i].length);
        chained.k0 = seed->k0 ^ hash;
    }
    return hash;
}

uint64_t gw_table_hash(const struct gw_hash_seed *seed, const struct gw_str *pieces, size_t count)
{
    unsigned char bytes[HASH_INLINE];
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t length = (uint32_t)pieces[i].length;

        if (pieces[i].length > HASH_INLINE || used + sizeof(length) + length > HASH_INLINE)
            return hash_chained(seed, pieces, count);
        memcpy(bytes + used, &length, sizeof(length));
        used += sizeof(length);
        if (length > 0)
            memcpy(bytes + used, pieces[i].at, length);
        used += length;
    }
    return gw_hash(seed, bytes, used);
}

static struct node *find_node(const struct gw_table *table, uint64_t hash, const void *key)
{
    struct gw_table_buckets *buckets = atomic_load(&table->buckets);
    struct node *node = atomic_load(&buckets->heads[(size_t)hash & buckets->mask]);

    for (; node != NULL; node = atomic_load(&node->next)) {
        if (node->hash == hash && table->equal(atomic_load(&node->object), key))
            return node;
    }
    return NULL;
}

void *gw_table_find(const struct gw_table *table, uint64_t hash, const void *key)
{
    struct node *node = find_node(table, hash, key);

    return node == NULL ? NULL : atomic_load(&node->object);
}

size_t gw_table_count(const struct gw_table *table)
{
    return atomic_load_explicit(&table->count, memory_order_relaxed);
}

/* The node becomes visible, complete, with the store to the head. */
static void push(struct gw_table_buckets *buckets, uint64_t hash, void *object)
{
    _Atomic(struct node *) *head = &buckets->heads[(size_t)hash & buckets->mask];
    struct node *node = gw_alloc(sizeof(*node));

    atomic_init(&node->next, atomic_load(head));
    node->hash = hash;
    atomic_init(&node->object, object);
    atomic_store(head, node);
}

static void grow(struct gw_table *table, size_t bucket_count)
{
    struct gw_table_buckets *old = atomic_load(&table->buckets);
    struct gw_table_buckets *grown = buckets_new(bucket_count);

    for (size_t i = 0; i <= old->mask; i++) {
        for (struct node *node = atomic_load(&old->heads[i]); node != NULL; node = atomic_load(&node->next))
            push(grown, node->hash, atomic_load(&node->object));
    }
    atomic_store(&table->buckets, grown);
    gw_epoch_retire(table->epoch, old, release_buckets);
}

/* Moves the items from `from` to `to`, sorted by `bits` bits of their hash; those that are equal there keep their
 * order. */
static void sort_by_bits(const struct gw_table_item *from, struct gw_table_item *to, size_t count, unsigned shift,
                         unsigned bits)
{
    size_t starts[(1U << RADIX) + 1] = {0};
    uint64_t mask = (UINT64_C(1) << bits) - 1;

    for (size_t i = 0; i < count; i++)
        starts[(from[i].hash >> shift & mask) + 1]++;
    for (size_t i = 1; i < GW_COUNT(starts); i++)
        starts[i] += starts[i - 1];
    for (size_t i = 0; i < count; i++)
        to[starts[from[i].hash >> shift & mask]++] = from[i];
}

/* By bucket, so that the array and its nodes are written from one end to the other: a million places at random take
 * longer than all the rest. */
static void sort_by_bucket(struct gw_table_item *items, size_t count, size_t mask)
{
    struct gw_table_item *other = gw_alloc(count * sizeof(*other));
    struct gw_table_item *from = items;
    struct gw_table_item *to = other;
    unsigned bits = (unsigned)__builtin_popcountll(mask);

    for (unsigned shift = 0; shift < bits; shift += RADIX) {
        struct gw_table_item *sorted = to;

        sort_by_bits(from, to, count, shift, bits - shift < RADIX ? bits - shift : RADIX);
        to = from;
        from = sorted;
    }
    if (from != items && count > 0)
        memcpy(items, from, count * sizeof(*items));
    free(other);
}

static void fill_one(struct gw_table *table, const struct gw_table_item *item, const struct gw_table_filling *filling)
{
    struct gw_table_buckets *buckets = atomic_load(&table->buckets);
    struct node *node = find_node(table, item->hash, filling->key_of(item->object));

    if (node != NULL) {
        filling->on_same(filling->ctx, atomic_exchange(&node->object, item->object), item->object);
        return;
    }
    push(buckets, item->hash, item->object);
    atomic_fetch_add_explicit(&table->count, 1, memory_order_relaxed);
}

void gw_table_fill(struct gw_table *table, struct gw_table_item *items, size_t count,
                   const struct gw_table_filling *filling)
{
    size_t bucket_count = BUCKETS_MIN;

    while (bucket_count < count)
        bucket_count *= 2;
    if (bucket_count > atomic_load(&table->buckets)->mask + 1)
        grow(table, bucket_count);
    sort_by_bucket(items, count, atomic_load(&table->buckets)->mask);
    for (size_t i = 0; i < count; i++)
        fill_one(table, &items[i], filling);
}

void *gw_table_put(struct gw_table *table, uint64_t hash, const void *key, void *object)
{
    struct node *node = find_node(table, hash, key);

    if (node != NULL)
        return atomic_exchange(&node->object, object);
    if (gw_table_count(table) > atomic_load(&table->buckets)->mask)
        grow(table, (atomic_load(&table->buckets)->mask + 1) * 2);
    push(atomic_load(&table->buckets), hash, object);
    atomic_fetch_add_explicit(&table->count, 1, memory_order_relaxed);
    return NULL;
}

void *gw_table_remove(struct gw_table *table, uint64_t hash, const void *key)
{
    struct gw_table_buckets *buckets = atomic_load(&table->buckets);
    _Atomic(struct node *) *link = &buckets->heads[(size_t)hash & buckets->mask];
    struct node *node;
    void *object;

    while ((node = atomic_load(link)) != NULL && (node->hash != hash || !table->equal(atomic_load(&node->object), key)))
        link = &node->next;
    if (node == NULL)
        return NULL;
    object = atomic_load(&node->object);
    atomic_store(link, atomic_load(&node->next));
    gw_epoch_retire(table->epoch, node, release_node);
    atomic_fetch_sub_explicit(&table->count, 1, memory_order_relaxed);
    return object;
}
