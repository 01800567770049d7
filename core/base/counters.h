/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_COUNTERS_H
#define GW_BASE_COUNTERS_H

/*
 * Counts and token buckets by name, shared by all threads, for limits on how
 * often something may happen. Bounded: at most GW_COUNTERS_MAX of them live at
 * any time; each is forgotten once it makes no difference any more (its window
 * is over, its bucket full). A name is kept as a keyed 128-bit hash of it.
 *
 * The instant comes from the caller, in seconds, and may differ between threads
 * by a little: what comes late counts in the newest window. An instant that lies
 * further back than a whole window says that the clock was set back, and begins
 * anew. Any thread; a lock is held for one look-up, or for one sweep of 1/64 of
 * all counters, at most once a second.
 */

#include "base/random.h"

#define GW_COUNTERS_MAX        65536
#define GW_COUNTERS_PER_MAX    2678400 /* seconds: 31 days */
#define GW_COUNTERS_AMOUNT_MAX 1000000000
#define GW_COUNTERS_RATE_MAX   1000000 /* and of bursts */

struct gw_counters;

/* Whose counter, and which. Texts of any length. */
struct gw_counters_name {
    struct gw_str owner;
    struct gw_str key;
};

/* `rate` tokens come in every `per_s` seconds, and `burst` are the most that wait. */
struct gw_counters_bucket {
    uint64_t rate;
    uint64_t per_s;
    uint64_t burst;
};

/* new. `random` seeds the hash; it isn't kept. */
struct gw_counters *gw_counters_new(const struct gw_random *random);
void gw_counters_free(struct gw_counters **counters);

/* Adds to what was counted in the window of `per_s` seconds that `now_s` lies in (windows begin at multiples of per_s)
 * and gives the total. The same key with another per_s is another counter. GW_E_LIMIT: too many counters. GW_E_RANGE:
 * per_s isn't 1 to GW_COUNTERS_PER_MAX, or amount more than GW_COUNTERS_AMOUNT_MAX. */
GW_NODISCARD enum gw_status gw_counters_add(struct gw_counters *counters, const struct gw_counters_name *name,
                                            int64_t now_s, uint64_t per_s, uint64_t amount, uint64_t *total);

/* Takes `amount` tokens, or none when there are fewer; then *wait_s says after how many seconds there will be enough,
 * else it is 0. A bucket begins full. The same key with another per_s is another bucket; another rate or burst counts
 * at once. GW_E_LIMIT: too many. GW_E_RANGE: rate or burst not 1 to GW_COUNTERS_RATE_MAX, per_s likewise, amount not 1
 * to burst. */
GW_NODISCARD enum gw_status gw_counters_take(struct gw_counters *counters, const struct gw_counters_name *name,
                                             int64_t now_s, const struct gw_counters_bucket *bucket, uint64_t amount,
                                             uint64_t *wait_s);

/* How many live; those that make no difference any more may be among them. */
size_t gw_counters_count(const struct gw_counters *counters);

#endif
