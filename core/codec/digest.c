/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 through OpenSSL's low-level functions. They are deprecated in OpenSSL 3
 * but need no context from the heap and no fetched algorithm, which costs several
 * times the hashing itself for messages of a few hundred bytes. This is the only
 * file that calls them.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "codec/digest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#define BLOCK 64

_Static_assert(sizeof(struct gw_sha256) >= sizeof(SHA256_CTX), "struct gw_sha256 is too small");
_Static_assert(_Alignof(struct gw_sha256) >= _Alignof(SHA256_CTX), "struct gw_sha256 is misaligned");
_Static_assert(GW_DIGEST_SIZE == SHA256_DIGEST_LENGTH, "SHA-256 has 32 bytes");

/* The state lives inside `storage`; fno-strict-aliasing makes the view legal. */
static SHA256_CTX *view(struct gw_sha256 *hash)
{
    return (SHA256_CTX *)(void *)hash->storage;
}

void gw_digest_init(struct gw_sha256 *hash)
{
    SHA256_Init(view(hash));
}

void gw_digest_update(struct gw_sha256 *hash, const void *bytes, size_t length)
{
    if (length > 0)
        SHA256_Update(view(hash), bytes, length);
}

void gw_digest_final(struct gw_sha256 *hash, unsigned char out[GW_DIGEST_SIZE])
{
    SHA256_Final(out, view(hash));
}

void gw_digest_sha256(struct gw_str bytes, unsigned char out[GW_DIGEST_SIZE])
{
    static const unsigned char of_nothing[GW_DIGEST_SIZE] = {
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
        0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    struct gw_sha256 hash;

    if (bytes.length == 0) {
        memcpy(out, of_nothing, sizeof(of_nothing));
        return;
    }
    gw_digest_init(&hash);
    gw_digest_update(&hash, bytes.at, bytes.length);
    gw_digest_final(&hash, out);
}

/* The state after one block of the key, each byte combined with `pad`. */
static void start_padded(struct gw_sha256 *hash, const unsigned char key[BLOCK], unsigned char pad)
{
    unsigned char block[BLOCK];

    for (size_t i = 0; i < BLOCK; i++)
        block[i] = key[i] ^ pad;
    gw_digest_init(hash);
    gw_digest_update(hash, block, BLOCK);
    gw_wipe(block, BLOCK);
}

void gw_digest_hmac_key(struct gw_hmac_key *key, const void *bytes, size_t length)
{
    unsigned char block[BLOCK] = {0};

    if (length > BLOCK)
        gw_digest_sha256((struct gw_str){bytes, length}, block);
    else if (length > 0)
        memcpy(block, bytes, length);
    start_padded(&key->inner, block, 0x36);
    start_padded(&key->outer, block, 0x5c);
    gw_wipe(block, BLOCK);
}

void gw_digest_hmac_finish(const struct gw_hmac_key *key, struct gw_sha256 *hash, unsigned char out[GW_DIGEST_SIZE])
{
    struct gw_sha256 outer = key->outer;
    unsigned char inner[GW_DIGEST_SIZE];

    gw_digest_final(hash, inner);
    gw_digest_update(&outer, inner, sizeof(inner));
    gw_digest_final(&outer, out);
}

void gw_digest_hmac(const struct gw_hmac_key *key, struct gw_str bytes, unsigned char out[GW_DIGEST_SIZE])
{
    struct gw_sha256 hash = key->inner;

    gw_digest_update(&hash, bytes.at, bytes.length);
    gw_digest_hmac_finish(key, &hash, out);
}

bool gw_digest_equal(const void *a, const void *b, size_t length)
{
    return CRYPTO_memcmp(a, b, length) == 0;
}

void gw_digest_hex(const unsigned char digest[GW_DIGEST_SIZE], char out[GW_DIGEST_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < GW_DIGEST_SIZE; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
}

enum gw_status gw_digest_from_hex(struct gw_str hex, unsigned char out[GW_DIGEST_SIZE])
{
    /* One more than the digit's value; 0 for everything that is no lower-case hexadecimal digit. */
    static const unsigned char values[256] = {
        ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
        ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    };
    unsigned char bytes[GW_DIGEST_SIZE];
    bool good = true;

    if (hex.length != GW_DIGEST_HEX_SIZE)
        return GW_E_SYNTAX;
    for (size_t i = 0; i < GW_DIGEST_SIZE; i++) {
        unsigned high = values[(unsigned char)hex.at[2 * i]];
        unsigned low = values[(unsigned char)hex.at[2 * i + 1]];

        good &= high != 0 && low != 0;
        bytes[i] = (unsigned char)((high - 1) << 4 | ((low - 1) & 15));
    }
    if (!good)
        return GW_E_SYNTAX;
    memcpy(out, bytes, sizeof(bytes));
    return GW_OK;
}
