/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AUTH_VERIFY_LOOK_H
#define GW_AUTH_VERIFY_LOOK_H

/*
 * Inside of verification, shared by verify.c, which stops at the first refusal,
 * and explain.c, which tells of all of them. Nothing outside core/auth includes
 * this.
 */

#include "auth/signing_cache.h"
#include "auth/verify.h"

#define GW_VERIFY_INCOMPLETE "IncompleteSignatureException"
#define GW_VERIFY_INVALID    "InvalidSignatureException"
#define GW_VERIFY_MISSING    "MissingAuthenticationTokenException"
#define GW_VERIFY_UNKNOWN    "UnrecognizedClientException"

struct gw_verifier {
    struct gw_verify_options options;
    struct gw_arena arena; /* of the options */
    struct gw_signing_cache *cache;
};

/* One look at a request: what goes in, what is known so far. */
struct gw_verify_look {
    struct gw_verifier *verifier;
    const struct gw_keyring *keyring;
    const struct gw_http1_request *request;
    struct gw_arena *arena;
    struct gw_verify *state;
    struct gw_refusal *refusal;
    int64_t now_s;
    int64_t time_s;
    struct gw_sigv4_auth auth;
};

#define GW_VERIFY_STEPS 8

/* What needs no body, in order: escapes, form, time, clock, signed fields, claim about the body, scope, key. GW_OK, or
 * GW_E_DENIED with look->refusal filled. */
extern enum gw_status (*const gw_verify_steps[GW_VERIFY_STEPS])(struct gw_verify_look *look);

/* Takes over what the credential says, whether it is good or not. */
void gw_verify_take_scope(struct gw_verify_look *look, const struct gw_sigv4_credential *credential);

/* What is hashed, but for the payload. */
struct gw_sigv4_request gw_verify_canonical(const struct gw_verify_look *look);

/* x-amz-content-sha256, where it is there, is the body's hash. */
bool gw_verify_claim_is_true(const struct gw_http1_request *request, const unsigned char payload[GW_DIGEST_SIZE]);
bool gw_verify_token_is_right(const struct gw_verify *state, const struct gw_http1_request *request);
void gw_verify_fill_caller(const struct gw_key *key, struct gw_arena *arena, struct gw_caller *caller);

#endif
