/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AUTH_SIGN_H
#define GW_AUTH_SIGN_H

/*
 * AWS Signature Version 4, client side: what the gateway sends upstream gets the
 * gateway's own signature, or the caller's where its key is known here. The last
 * step, after all changes. One signer per worker; it keeps derived signing keys.
 *
 * Signed are host, x-amz-date, content-type (with a body) and
 * x-amz-security-token (of temporary credentials): sigv4.md section 7.1.
 */

#include "auth/keyring.h"
#include "base/arena.h"
#include "base/buf.h"
#include "codec/sigv4.h"

/* Whose signature: an access key and what signing needs of it. */
struct gw_sign_identity {
    struct gw_str access_key;
    struct gw_str session_token; /* {NULL,0}: none */
    const struct gw_secret *secret;
    uint64_t secret_version; /* as gw_key's: never reused within the process */
};

/* new: a secret of its own, from a secret access key; `*version` differs from every other's. The text isn't kept. */
struct gw_secret *gw_sign_secret_new(struct gw_str secret_access_key, uint64_t *version);
/* Wipes and frees. */
void gw_sign_secret_free(struct gw_secret **secret);

struct gw_sign_request {
    struct gw_str method;
    struct gw_str path;         /* as it goes out: percent-encoded, with a leading '/' */
    struct gw_str query;        /* as it goes out, without '?'; {NULL,0}: none */
    struct gw_str host;         /* the Host field's value, with a port that isn't the scheme's own */
    struct gw_str content_type; /* {NULL,0}: none */
    struct gw_str body;
    struct gw_str region;
    struct gw_str service;
    int64_t now_ms;
};

struct gw_signer;

/* new */
struct gw_signer *gw_sign_new(void);
void gw_sign_free(struct gw_signer **signer);

/* Appends to `head` the fields that carry the signature, each with its CRLF: X-Amz-Date, X-Amz-Security-Token where
 * there is one, Authorization. Host and Content-Type are the caller's to write, as they are given here. arena: scratch.
 * GW_E_SYNTAX, GW_E_LIMIT: a query that can't be read, too many parameters. */
GW_NODISCARD enum gw_status gw_sign(struct gw_signer *signer, const struct gw_sign_identity *identity,
                                    const struct gw_sign_request *request, struct gw_arena *arena, struct gw_buf *head);

/* The same request's canonical form and string to sign, for explain. Values of session tokens are left out. */
GW_NODISCARD enum gw_status gw_sign_explain(const struct gw_sign_identity *identity,
                                            const struct gw_sign_request *request, struct gw_arena *arena,
                                            struct gw_buf *canonical, struct gw_buf *string_to_sign);

#endif
