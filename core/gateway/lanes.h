/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_LANES_H
#define GW_GATEWAY_LANES_H

/*
 * Lanes: what must happen one after the other although several workers are at it.
 * A lane has a name, and is there while somebody is in it. The first in it goes;
 * those behind wait in their order, and are woken when they come to the front.
 *
 * Any thread; a lock is held for a few pointer moves.
 */

#include "base/random.h"
#include "base/str.h"

#include <stdatomic.h>

#define GW_LANES_BEHIND_MAX 64 /* that wait in one lane */

struct gw_lanes;
struct gw_lane;

/* Somebody's place. Zeroed before its first use; stays where it is from enter to leave. */
struct gw_lane_place {
    /* Called when it comes to the front; by the thread that leaves, under the lock: it only wakes. */
    void (*wake)(void *ctx);
    void *ctx;

    /* the lanes' own */
    _Atomic bool is_first;
    struct gw_lane *lane; /* NULL: in none */
    struct gw_lane_place *behind;
};

/* new */
struct gw_lanes *gw_lanes_new(const struct gw_random *random);
/* Nobody may be in one. Accepts NULL. */
void gw_lanes_free(struct gw_lanes **lanes);

/* Joins the lane of that name at its end. GW_OK: it is the first. GW_AGAIN: it waits. GW_E_BUSY: too many do; it is in
 * none. */
GW_NODISCARD enum gw_status gw_lanes_enter(struct gw_lanes *lanes, struct gw_str name, struct gw_lane_place *place);
/* True once it is at the front, until it leaves. */
static inline bool gw_lanes_is_first(const struct gw_lane_place *place)
{
    return atomic_load(&place->is_first);
}
/* Leaves it, from the front or from behind; nothing for who is in none. Its wake isn't called any more. */
void gw_lanes_leave(struct gw_lanes *lanes, struct gw_lane_place *place);

#endif
