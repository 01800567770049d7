/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_ED25519_H
#define GW_CODEC_ED25519_H

/*
 * Ed25519 signatures (RFC 8032) with keys in PEM: PKCS#8 "PRIVATE KEY" as
 * `openssl genpkey -algorithm ed25519` writes it, SubjectPublicKeyInfo "PUBLIC
 * KEY" as `openssl pkey -pubout` does.
 */

#include "base/str.h"

#define GW_ED25519_SIGNATURE 64
#define GW_ED25519_PUBLIC    32

/* A private key, or a public one, which can only verify. A secret: wiped when freed. */
struct gw_ed25519_key;

/* new: from a PEM text. GW_E_SYNTAX: no such PEM; GW_E_TYPE: a key of another algorithm, or encrypted. */
GW_NODISCARD enum gw_status gw_ed25519_private(struct gw_str pem, struct gw_ed25519_key **key);
GW_NODISCARD enum gw_status gw_ed25519_public(struct gw_str pem, struct gw_ed25519_key **key);
void gw_ed25519_free(struct gw_ed25519_key **key);

/* The public half as raw bytes. */
void gw_ed25519_public_bytes(const struct gw_ed25519_key *key, unsigned char out[GW_ED25519_PUBLIC]);

/* `key` is a private one. */
void gw_ed25519_sign(const struct gw_ed25519_key *key, struct gw_str message,
                     unsigned char signature[GW_ED25519_SIGNATURE]);
bool gw_ed25519_verify(const struct gw_ed25519_key *key, struct gw_str message,
                       const unsigned char signature[GW_ED25519_SIGNATURE]);

#endif
