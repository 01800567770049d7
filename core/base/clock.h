/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_CLOCK_H
#define GW_BASE_CLOCK_H

/*
 * Where the time comes from. Code that needs an instant takes a `struct gw_clock`
 * (or the instant itself), so that tests choose it.
 */

#include "base/gw.h"

struct gw_clock {
    void *ctx;
    int64_t (*wall_ms)(void *ctx);      /* milliseconds since 1970-01-01T00:00:00Z */
    int64_t (*monotonic_ms)(void *ctx); /* milliseconds that never go back; for deadlines */
};

/* The operating system's clocks; borrows, lives for ever. */
const struct gw_clock *gw_clock_system(void);

static inline int64_t gw_clock_wall_ms(const struct gw_clock *clock)
{
    return clock->wall_ms(clock->ctx);
}

static inline int64_t gw_clock_monotonic_ms(const struct gw_clock *clock)
{
    return clock->monotonic_ms(clock->ctx);
}

#endif
