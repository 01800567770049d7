/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AUTH_SIGNING_CACHE_H
#define GW_AUTH_SIGNING_CACHE_H

/*
 * Derived signing keys of callers whose signature held: at most
 * GW_SIGNING_CACHE_MAX, in sets of four, the least recently used of a set goes
 * first. Looked up by secret version (which stands for access key and secret,
 * since it is never reused), date, and place: region and service, as they stand in
 * a credential scope ("us-west-2/eks"). Keys are wiped when they go. One thread at
 * a time.
 */

#include "codec/digest.h"

#define GW_SIGNING_CACHE_MAX       1024
#define GW_SIGNING_CACHE_PLACE_MAX 80 /* longer places are not kept */

struct gw_signing_cache;

struct gw_signing_cache *gw_signing_cache_new(void);
void gw_signing_cache_free(struct gw_signing_cache **cache);

/* borrows until the next add: NULL when absent. `date` has 8 bytes. */
const struct gw_hmac_key *gw_signing_cache_find(struct gw_signing_cache *cache, uint64_t version, struct gw_str date,
                                                struct gw_str place);

/* Keeps a copy of a key that find didn't find. */
void gw_signing_cache_add(struct gw_signing_cache *cache, uint64_t version, struct gw_str date, struct gw_str place,
                          const struct gw_hmac_key *key);

/* For tests: keys held. */
size_t gw_signing_cache_count(const struct gw_signing_cache *cache);

#endif
