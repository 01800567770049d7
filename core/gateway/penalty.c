/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of 1,024 rows of four, found by a keyed hash, so that nobody can choose
 * whose row they take. In a full row the one that was stopped longest ago goes.
 */
#include "gateway/penalty.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"

#define ROWS 1024
#define WAYS 4

struct caller {
    uint64_t key;                       /* 0: free */
    int64_t stops_ms[GW_PENALTY_STOPS]; /* the newest first */
    size_t stop_count;
    int64_t until_ms;
};

struct gw_penalty {
    pthread_mutex_t lock;
    struct gw_hash_seed seed;
    _Atomic int64_t any_until_ms; /* nobody is refused from here on */
    struct caller rows[ROWS][WAYS];
};

struct gw_penalty *gw_penalty_new(const struct gw_random *random)
{
    struct gw_penalty *penalty = gw_alloc_zero(1, sizeof(*penalty));

    (void)pthread_mutex_init(&penalty->lock, NULL);
    gw_random_seed(random, &penalty->seed);
    atomic_init(&penalty->any_until_ms, INT64_MIN);
    return penalty;
}

void gw_penalty_free(struct gw_penalty **penalty)
{
    if (*penalty == NULL)
        return;
    (void)pthread_mutex_destroy(&(*penalty)->lock);
    free(*penalty);
    *penalty = NULL;
}

static uint64_t key_of(const struct gw_penalty *penalty, const struct gw_penalty_who *who)
{
    uint64_t parts[2] = {gw_hash(&penalty->seed, who->access_key.at, who->access_key.length),
                         gw_hash(&penalty->seed, who->is.at, who->is.length)};

    return gw_hash(&penalty->seed, parts, sizeof(parts)) | 1;
}

static struct caller *row_of(struct gw_penalty *penalty, uint64_t key)
{
    return penalty->rows[(key >> 1) % ROWS];
}

static struct caller *find(struct caller row[WAYS], uint64_t key)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (row[i].key == key)
            return &row[i];
    }
    return NULL;
}

static struct caller *replace(struct caller row[WAYS], uint64_t key)
{
    struct caller *oldest = &row[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (row[i].key == 0 || (oldest->key != 0 && row[i].stops_ms[0] < oldest->stops_ms[0]))
            oldest = &row[i];
    }
    *oldest = (struct caller){.key = key};
    return oldest;
}

static void note(struct caller *caller, int64_t now_ms)
{
    memmove(&caller->stops_ms[1], &caller->stops_ms[0], (GW_PENALTY_STOPS - 1) * sizeof(caller->stops_ms[0]));
    caller->stops_ms[0] = now_ms;
    if (caller->stop_count < GW_PENALTY_STOPS)
        caller->stop_count++;
    if (caller->stop_count == GW_PENALTY_STOPS &&
        now_ms - caller->stops_ms[GW_PENALTY_STOPS - 1] <= GW_PENALTY_WITHIN_MS)
        caller->until_ms = now_ms + GW_PENALTY_LASTS_MS;
}

void gw_penalty_note(struct gw_penalty *penalty, const struct gw_penalty_who *who, int64_t now_ms)
{
    uint64_t key = key_of(penalty, who);
    struct caller *row = row_of(penalty, key);
    struct caller *caller;

    (void)pthread_mutex_lock(&penalty->lock);
    caller = find(row, key);
    if (caller == NULL)
        caller = replace(row, key);
    note(caller, now_ms);
    if (caller->until_ms > atomic_load_explicit(&penalty->any_until_ms, memory_order_relaxed))
        atomic_store_explicit(&penalty->any_until_ms, caller->until_ms, memory_order_relaxed);
    (void)pthread_mutex_unlock(&penalty->lock);
}

bool gw_penalty_is_on(struct gw_penalty *penalty, const struct gw_penalty_who *who, int64_t now_ms)
{
    const struct caller *caller;
    uint64_t key;
    bool is_on;

    if (now_ms >= atomic_load_explicit(&penalty->any_until_ms, memory_order_relaxed))
        return false;
    key = key_of(penalty, who);
    (void)pthread_mutex_lock(&penalty->lock);
    caller = find(row_of(penalty, key), key);
    is_on = caller != NULL && now_ms < caller->until_ms;
    (void)pthread_mutex_unlock(&penalty->lock);
    return is_on;
}
