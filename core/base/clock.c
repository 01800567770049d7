/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system's clocks behind the injectable interface.
 */
#include "base/clock.h"

#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec now;

    if (clock_gettime(id, &now) != 0)
        gw_fatal("clock_gettime failed");
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void *ctx)
{
    (void)ctx;
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_monotonic_ms(void *ctx)
{
    (void)ctx;
    return read_ms(CLOCK_MONOTONIC);
}

const struct gw_clock *gw_clock_system(void)
{
    static const struct gw_clock clock = {NULL, system_wall_ms, system_monotonic_ms};

    return &clock;
}
