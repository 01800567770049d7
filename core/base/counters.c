/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 64 shards, each a mutex and an open-addressed table that is rebuilt without
 * its dead entries when it is three quarters full. When all shards together are
 * full, every shard whose earliest end has come is rebuilt; that is looked up,
 * not searched, so that a full table costs next to nothing.
 *
 * A bucket's level is counted in tokens times per_s: every second adds exactly
 * `rate` of these, and nothing is rounded.
 */
#include "base/counters.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SHARDS         64
#define FIRST_CAPACITY 16

struct entry {
    uint64_t id[2]; /* both 0: free */
    uint64_t value; /* count, or level */
    int64_t since;  /* the window's begin, or when the level was so high */
    int64_t until;  /* from then on it makes no difference */
};

struct shard {
    pthread_mutex_t lock;
    struct entry *entries;
    size_t capacity; /* 0 or a power of two */
    size_t used;
    int64_t earliest; /* no entry ends before; after a rebuild exact, else a bound */
};

struct gw_counters {
    struct gw_hash_seed seeds[2];
    _Atomic size_t count;
    struct shard shards[SHARDS];
};

enum kind { KIND_WINDOW = 'w', KIND_BUCKET = 'b' };

struct gw_counters *gw_counters_new(const struct gw_random *random)
{
    struct gw_counters *counters = gw_alloc_zero(1, sizeof(*counters));

    gw_random_seed(random, &counters->seeds[0]);
    gw_random_seed(random, &counters->seeds[1]);
    for (size_t i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_init(&counters->shards[i].lock, NULL);
        counters->shards[i].earliest = INT64_MAX;
    }
    return counters;
}

void gw_counters_free(struct gw_counters **counters)
{
    struct gw_counters *c = *counters;

    if (c == NULL)
        return;
    *counters = NULL;
    for (size_t i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_destroy(&c->shards[i].lock);
        free(c->shards[i].entries);
    }
    free(c);
}

size_t gw_counters_count(const struct gw_counters *counters)
{
    return atomic_load(&counters->count);
}

/* The owner and the key are hashed by themselves first, so that no pair of texts looks like another. */
static void make_id(const struct gw_counters *counters, enum kind kind, const struct gw_counters_name *name,
                    uint64_t per_s, uint64_t id[2])
{
    for (size_t i = 0; i < 2; i++) {
        const struct gw_hash_seed *seed = &counters->seeds[i];
        uint64_t parts[4] = {
            (uint64_t)kind,
            per_s,
            gw_hash(seed, name->owner.at, name->owner.length),
            gw_hash(seed, name->key.at, name->key.length),
        };

        id[i] = gw_hash(seed, parts, sizeof(parts));
    }
    id[0] |= id[0] == 0 && id[1] == 0;
}

static struct shard *shard_of(struct gw_counters *counters, const uint64_t id[2])
{
    return &counters->shards[id[1] % SHARDS];
}

static bool is_free(const struct entry *entry)
{
    return entry->id[0] == 0 && entry->id[1] == 0;
}

/* The entry, or the free one where it belongs. */
static struct entry *locate(struct entry *entries, size_t capacity, const uint64_t id[2])
{
    size_t at = (size_t)id[0] & (capacity - 1);

    while (!is_free(&entries[at]) && (entries[at].id[0] != id[0] || entries[at].id[1] != id[1]))
        at = (at + 1) & (capacity - 1);
    return &entries[at];
}

static size_t count_living(const struct shard *shard, int64_t now_s)
{
    size_t living = 0;

    for (size_t i = 0; i < shard->capacity; i++)
        living += !is_free(&shard->entries[i]) && shard->entries[i].until > now_s;
    return living;
}

/* Without what is over; at most half full afterwards. */
static void rebuild(struct gw_counters *counters, struct shard *shard, int64_t now_s)
{
    size_t living = count_living(shard, now_s);
    struct shard old = *shard;

    shard->capacity = FIRST_CAPACITY;
    while (shard->capacity < (living + 1) * 2)
        shard->capacity *= 2;
    shard->entries = gw_alloc_zero(shard->capacity, sizeof(*shard->entries));
    shard->used = living;
    shard->earliest = INT64_MAX;
    for (size_t i = 0; i < old.capacity; i++) {
        const struct entry *entry = &old.entries[i];

        if (is_free(entry) || entry->until <= now_s)
            continue;
        *locate(shard->entries, shard->capacity, entry->id) = *entry;
        if (entry->until < shard->earliest)
            shard->earliest = entry->until;
    }
    atomic_fetch_sub(&counters->count, old.used - living);
    free(old.entries);
}

static void sweep_all(struct gw_counters *counters, int64_t now_s)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &counters->shards[i];

        (void)pthread_mutex_lock(&shard->lock);
        if (shard->earliest <= now_s)
            rebuild(counters, shard, now_s);
        (void)pthread_mutex_unlock(&shard->lock);
    }
}

/* One more may live: false when there are too many. */
static bool admit(struct gw_counters *counters)
{
    if (atomic_fetch_add(&counters->count, 1) < GW_COUNTERS_MAX)
        return true;
    atomic_fetch_sub(&counters->count, 1);
    return false;
}

/* The shard is locked. NULL: there are too many. A new one has until = INT64_MIN. */
static struct entry *find_or_add(struct gw_counters *counters, struct shard *shard, const uint64_t id[2], int64_t now_s)
{
    struct entry *entry;

    if (shard->capacity > 0) {
        entry = locate(shard->entries, shard->capacity, id);
        if (!is_free(entry))
            return entry;
    }
    if ((shard->used + 1) * 4 > shard->capacity * 3)
        rebuild(counters, shard, now_s);
    if (!admit(counters))
        return NULL;
    entry = locate(shard->entries, shard->capacity, id);
    *entry = (struct entry){.id = {id[0], id[1]}, .until = INT64_MIN};
    shard->used++;
    return entry;
}

/* Locks the entry's shard and finds it, making room where there is none; NULL: there is none, nothing is locked. */
static struct entry *begin(struct gw_counters *counters, const uint64_t id[2], int64_t now_s)
{
    struct shard *shard = shard_of(counters, id);

    for (int attempt = 0; attempt < 2; attempt++) {
        struct entry *entry;

        (void)pthread_mutex_lock(&shard->lock);
        entry = find_or_add(counters, shard, id, now_s);
        if (entry != NULL)
            return entry;
        (void)pthread_mutex_unlock(&shard->lock);
        sweep_all(counters, now_s);
    }
    return NULL;
}

static void end(struct gw_counters *counters, const uint64_t id[2], const struct entry *entry)
{
    struct shard *shard = shard_of(counters, id);

    if (entry->until < shard->earliest)
        shard->earliest = entry->until;
    (void)pthread_mutex_unlock(&shard->lock);
}

enum gw_status gw_counters_add(struct gw_counters *counters, const struct gw_counters_name *name, int64_t now_s,
                               uint64_t per_s, uint64_t amount, uint64_t *total)
{
    struct entry *entry;
    uint64_t id[2];
    int64_t per = (int64_t)per_s;

    if (per_s < 1 || per_s > GW_COUNTERS_PER_MAX || amount > GW_COUNTERS_AMOUNT_MAX || now_s < 0)
        return GW_E_RANGE;
    make_id(counters, KIND_WINDOW, name, per_s, id);
    entry = begin(counters, id, now_s);
    if (entry == NULL)
        return GW_E_LIMIT;
    if (entry->until <= now_s || entry->since - per > now_s) {
        entry->since = now_s - now_s % per;
        entry->until = entry->since + per;
        entry->value = 0;
    }
    entry->value = entry->value > INT64_MAX - amount ? INT64_MAX : entry->value + amount;
    *total = entry->value;
    end(counters, id, entry);
    return GW_OK;
}

/* The level now, of a bucket whose most is `most`. */
static uint64_t level_of(const struct entry *entry, const struct gw_counters_bucket *bucket, uint64_t most,
                         int64_t now_s)
{
    uint64_t elapsed = now_s > entry->since ? (uint64_t)(now_s - entry->since) : 0;
    uint64_t level = entry->value < most ? entry->value : most;

    if (entry->until == INT64_MIN || elapsed >= (most - level) / bucket->rate + 1)
        return most;
    level += elapsed * bucket->rate;
    return level < most ? level : most;
}

/* Seconds until `missing` has come in. */
static uint64_t seconds_for(uint64_t missing, uint64_t rate)
{
    return missing / rate + (missing % rate > 0);
}

static bool is_bucket(const struct gw_counters_bucket *bucket, uint64_t amount)
{
    return bucket->per_s >= 1 && bucket->per_s <= GW_COUNTERS_PER_MAX && bucket->rate >= 1 &&
           bucket->rate <= GW_COUNTERS_RATE_MAX && bucket->burst >= 1 && bucket->burst <= GW_COUNTERS_RATE_MAX &&
           amount >= 1 && amount <= bucket->burst;
}

enum gw_status gw_counters_take(struct gw_counters *counters, const struct gw_counters_name *name, int64_t now_s,
                                const struct gw_counters_bucket *bucket, uint64_t amount, uint64_t *wait_s)
{
    struct entry *entry;
    uint64_t id[2];
    uint64_t most = bucket->burst * bucket->per_s;
    uint64_t wanted = amount * bucket->per_s;
    uint64_t level;

    if (!is_bucket(bucket, amount) || now_s < 0)
        return GW_E_RANGE;
    make_id(counters, KIND_BUCKET, name, bucket->per_s, id);
    entry = begin(counters, id, now_s);
    if (entry == NULL)
        return GW_E_LIMIT;
    level = level_of(entry, bucket, most, now_s);
    *wait_s = level >= wanted ? 0 : seconds_for(wanted - level, bucket->rate);
    entry->value = level >= wanted ? level - wanted : level;
    if (entry->until == INT64_MIN || now_s > entry->since || now_s < entry->since - (int64_t)bucket->per_s)
        entry->since = now_s;
    entry->until = entry->since + (int64_t)seconds_for(most - entry->value, bucket->rate);
    end(counters, id, entry);
    return GW_OK;
}
