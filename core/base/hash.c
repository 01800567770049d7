/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash-2-4 over little-endian words, as its paper and reference vectors say.
 */
#include "base/hash.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t word, int bits)
{
    return (word << bits) | (word >> (64 - bits));
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline uint64_t load_le64(const unsigned char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline void absorb(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

uint64_t gw_hash(const struct gw_hash_seed *seed, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    struct sip s = {seed->k0 ^ 0x736f6d6570736575ULL, seed->k1 ^ 0x646f72616e646f6dULL,
                    seed->k0 ^ 0x6c7967656e657261ULL, seed->k1 ^ 0x7465646279746573ULL};
    uint64_t last = (uint64_t)length << 56;
    size_t left = length;

    for (; left >= 8; left -= 8, at += 8)
        absorb(&s, load_le64(at));
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)at[i] << (8 * i);
    absorb(&s, last);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
