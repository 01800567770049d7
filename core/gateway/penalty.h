/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_PENALTY_H
#define GW_GATEWAY_PENALTY_H

/*
 * Callers whose requests make hooks run out of their budget: three times in ten
 * seconds, and they are refused for a second without any hook running. Whom to
 * refuse is remembered for a bounded number of callers; who comes last is kept.
 * Any thread.
 */

#include "base/random.h"
#include "base/str.h"

#define GW_PENALTY_STOPS     3
#define GW_PENALTY_WITHIN_MS 10000
#define GW_PENALTY_LASTS_MS  1000

struct gw_penalty;

/* new */
struct gw_penalty *gw_penalty_new(const struct gw_random *random);
void gw_penalty_free(struct gw_penalty **penalty);

/* Who is meant: of a verified caller its access key and ARN; of anybody else, who could use another's, the access key
 * that was named and where it came from. */
struct gw_penalty_who {
    struct gw_str access_key;
    struct gw_str is; /* ARN or address */
};

/* A request of theirs was stopped. Times of a clock that never goes back. */
void gw_penalty_note(struct gw_penalty *penalty, const struct gw_penalty_who *who, int64_t now_ms);

/* True while they are refused. Costs one load while nobody is. */
bool gw_penalty_is_on(struct gw_penalty *penalty, const struct gw_penalty_who *who, int64_t now_ms);

#endif
