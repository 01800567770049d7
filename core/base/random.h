/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_RANDOM_H
#define GW_BASE_RANDOM_H

/*
 * Random bytes, injected like the clock so that tests repeat themselves.
 */

#include "base/hash.h"

struct gw_random {
    void *ctx;
    void (*fill)(void *ctx, void *bytes, size_t length);
};

/* The kernel's generator (getrandom), buffered per thread so that an id costs no system call; aborts when the kernel
 * has none to give. Fit for secrets and ids. Borrows, lives for ever; any thread. */
const struct gw_random *gw_random_system(void);

static inline void gw_random_fill(const struct gw_random *random, void *bytes, size_t length)
{
    random->fill(random->ctx, bytes, length);
}

/* Writes 36 characters, 8-4-4-4-12 lower-case hex, RFC 4122 version 4, and a NUL. */
void gw_random_uuid(const struct gw_random *random, char out[37]);

void gw_random_seed(const struct gw_random *random, struct gw_hash_seed *seed);

#endif
