/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_HASH_H
#define GW_BASE_HASH_H

/*
 * A keyed hash for tables whose keys strangers choose: SipHash-2-4 (Aumasson and
 * Bernstein, 2012). With a secret random seed nobody can aim for collisions.
 */

#include "base/str.h"

struct gw_hash_seed {
    uint64_t k0;
    uint64_t k1;
};

uint64_t gw_hash(const struct gw_hash_seed *seed, const void *bytes, size_t length);

#endif
