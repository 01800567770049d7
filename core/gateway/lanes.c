/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of queues under one lock: there are as few as changes under way, and none is held for long. */
#include "gateway/lanes.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"

#define BUCKETS 256

struct gw_lane {
    struct gw_lane *next; /* in its bucket */
    size_t bucket;
    struct gw_lane_place *first;
    struct gw_lane_place **end;
    size_t count;
    struct gw_str name; /* points behind the struct */
};

struct gw_lanes {
    struct gw_hash_seed seed;
    pthread_mutex_t lock;
    struct gw_lane *buckets[BUCKETS];
};

struct gw_lanes *gw_lanes_new(const struct gw_random *random)
{
    struct gw_lanes *lanes = gw_alloc_zero(1, sizeof(*lanes));

    gw_random_seed(random, &lanes->seed);
    (void)pthread_mutex_init(&lanes->lock, NULL);
    return lanes;
}

void gw_lanes_free(struct gw_lanes **lanes)
{
    if (*lanes == NULL)
        return;
    (void)pthread_mutex_destroy(&(*lanes)->lock);
    free(*lanes);
    *lanes = NULL;
}

static struct gw_lane *lane_new(struct gw_str name, size_t bucket)
{
    struct gw_lane *lane = gw_alloc_zero(1, sizeof(*lane) + name.length);

    lane->bucket = bucket;
    lane->end = &lane->first;
    lane->name = (struct gw_str){(char *)(lane + 1), name.length};
    if (name.length > 0)
        memcpy(lane + 1, name.at, name.length);
    return lane;
}

static struct gw_lane *find(struct gw_lanes *lanes, struct gw_str name)
{
    size_t bucket = (size_t)(gw_hash(&lanes->seed, name.at, name.length) % BUCKETS);
    struct gw_lane *lane = lanes->buckets[bucket];

    while (lane != NULL && !gw_str_equal(lane->name, name))
        lane = lane->next;
    if (lane == NULL) {
        lane = lane_new(name, bucket);
        lane->next = lanes->buckets[bucket];
        lanes->buckets[bucket] = lane;
    }
    return lane;
}

static void drop(struct gw_lanes *lanes, struct gw_lane *lane)
{
    struct gw_lane **at = &lanes->buckets[lane->bucket];

    while (*at != lane)
        at = &(*at)->next;
    *at = lane->next;
    free(lane);
}

static enum gw_status join(struct gw_lane *lane, struct gw_lane_place *place)
{
    if (lane->count > GW_LANES_BEHIND_MAX)
        return GW_E_BUSY;
    place->lane = lane;
    place->behind = NULL;
    *lane->end = place;
    lane->end = &place->behind;
    lane->count++;
    atomic_store(&place->is_first, lane->first == place);
    return lane->first == place ? GW_OK : GW_AGAIN;
}

enum gw_status gw_lanes_enter(struct gw_lanes *lanes, struct gw_str name, struct gw_lane_place *place)
{
    enum gw_status status;

    (void)pthread_mutex_lock(&lanes->lock);
    status = join(find(lanes, name), place);
    (void)pthread_mutex_unlock(&lanes->lock);
    return status;
}

static void leave(struct gw_lanes *lanes, struct gw_lane_place *place)
{
    struct gw_lane *lane = place->lane;
    struct gw_lane_place **at = &lane->first;
    bool was_first = lane->first == place;

    while (*at != place)
        at = &(*at)->behind;
    *at = place->behind;
    if (lane->end == &place->behind)
        lane->end = at;
    lane->count--;
    place->lane = NULL;
    atomic_store(&place->is_first, false);
    if (lane->first == NULL) {
        drop(lanes, lane);
    } else if (was_first) {
        atomic_store(&lane->first->is_first, true);
        lane->first->wake(lane->first->ctx);
    }
}

void gw_lanes_leave(struct gw_lanes *lanes, struct gw_lane_place *place)
{
    if (place->lane == NULL) /* written by its owner's thread alone */
        return;
    (void)pthread_mutex_lock(&lanes->lock);
    leave(lanes, place);
    (void)pthread_mutex_unlock(&lanes->lock);
}
