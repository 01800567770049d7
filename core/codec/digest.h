/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_DIGEST_H
#define GW_CODEC_DIGEST_H

/*
 * SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104) for paths where every
 * microsecond counts: plain structs in the caller's storage, no allocation, no
 * lookup of algorithms. Structs may be copied by assignment. One that held key
 * material is wiped by its owner (gw_wipe).
 */

#include "base/str.h"

#define GW_DIGEST_SIZE     32
#define GW_DIGEST_HEX_SIZE 64 /* without a NUL */

/* A hash in progress. */
struct gw_sha256 {
    uint64_t storage[14];
};

/* An HMAC key as the two states that follow its padded blocks: each use costs two compressions less, and the key itself
 * needn't be kept. As secret as the key. */
struct gw_hmac_key {
    struct gw_sha256 inner;
    struct gw_sha256 outer;
};

void gw_digest_init(struct gw_sha256 *hash);
void gw_digest_update(struct gw_sha256 *hash, const void *bytes, size_t length);
/* Afterwards the state is spent; init it to use it again. */
void gw_digest_final(struct gw_sha256 *hash, unsigned char out[GW_DIGEST_SIZE]);

/* All at once. The empty input costs nothing. */
void gw_digest_sha256(struct gw_str bytes, unsigned char out[GW_DIGEST_SIZE]);

/* Keys longer than 64 bytes are hashed first, as RFC 2104 says. */
void gw_digest_hmac_key(struct gw_hmac_key *key, const void *bytes, size_t length);

/* Piecewise: start, then gw_digest_update, then finish. */
static inline void gw_digest_hmac_start(const struct gw_hmac_key *key, struct gw_sha256 *hash)
{
    *hash = key->inner;
}

void gw_digest_hmac_finish(const struct gw_hmac_key *key, struct gw_sha256 *hash, unsigned char out[GW_DIGEST_SIZE]);

/* All at once. */
void gw_digest_hmac(const struct gw_hmac_key *key, struct gw_str bytes, unsigned char out[GW_DIGEST_SIZE]);

/* True when both hold the same `length` bytes, in a time that depends on `length` alone. */
bool gw_digest_equal(const void *a, const void *b, size_t length);

/* Writes 64 lower-case hexadecimal digits, no NUL. */
void gw_digest_hex(const unsigned char digest[GW_DIGEST_SIZE], char out[GW_DIGEST_HEX_SIZE]);

/* Exactly 64 lower-case hexadecimal digits; anything else is GW_E_SYNTAX. */
GW_NODISCARD enum gw_status gw_digest_from_hex(struct gw_str hex, unsigned char out[GW_DIGEST_SIZE]);

#endif
