/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AUTH_VERIFY_H
#define GW_AUTH_VERIFY_H

/*
 * AWS Signature Version 4, server side: a request in, a caller or a refusal out.
 * Rules, order, statuses and messages: sigv4.md section 2 (see core/auth/README.md
 * for the sources). Two steps, because the first needs no body: `admit` looks at
 * the form, scope, clock and key; `finish` hashes the body and compares the
 * signature.
 *
 * One verifier per worker; it keeps the derived signing keys (bounded) and
 * scratch memory. No allocation on the path of a request whose key is cached.
 */

#include "auth/keyring.h"
#include "base/arena.h"
#include "codec/http1.h"
#include "codec/sigv4.h"

#define GW_VERIFY_SERVICE_MAX 15

struct gw_verify_options {
    const struct gw_str *regions; /* accepted scope regions; count 0 accepts any well-formed one */
    size_t region_count;
    unsigned clock_window_s;               /* 300 */
    bool query_auth;                       /* accept presigned requests; default false */
    unsigned query_expires_max_s;          /* 900 */
    const struct gw_str *unsigned_headers; /* x-amz-* names (lower case) that may be present unsigned */
    size_t unsigned_header_count;
};

/* Which credential scopes are good for a request; depends on what it asks for. */
struct gw_verify_service {
    struct gw_str name; /* "eks"; at most GW_VERIFY_SERVICE_MAX bytes; outlives the request */
    bool any_region;    /* every well-formed region, not only those of the options */
};

struct gw_caller {
    struct gw_str access_key;
    struct gw_principal identity; /* parsed ARN of the caller */
    const struct gw_pair *tags;
    size_t tag_count;
    bool verified;
};

/* A refusal as the client sees it: sigv4.md 2.1 and 2.2. */
struct gw_refusal {
    unsigned status;
    const char *error_type; /* x-amzn-ErrorType */
    struct gw_str message;  /* arena or constant; never holds a secret, a token, or the expected signature */
};

/* What admit found out, for finish. Views into the request, the keyring and the arena. */
struct gw_verify {
    /* by the caller, before admit */
    struct gw_verify_service service;

    /* by admit */
    const struct gw_key *key;
    struct gw_str access_key;
    struct gw_str date;           /* YYYYMMDD */
    struct gw_str region;         /* of the scope, accepted */
    struct gw_str place;          /* region/service of the scope: with the date, what a signing key is good for */
    struct gw_str scope;          /* date/region/service/aws4_request */
    char timestamp[17];           /* YYYYMMDDTHHMMSSZ and NUL */
    struct gw_str signed_headers; /* as sent */
    unsigned char signature[32];  /* as sent, decoded */
    bool signature_formed;        /* it was 64 lower-case hexadecimal digits; else it can't match */
    bool in_query;
    struct gw_str token;         /* session token as sent where this form carries it; {NULL,0} */
    struct gw_sigv4_query query; /* parsed */
};

struct gw_verifier;

/* new; copies the options. */
struct gw_verifier *gw_verify_new(const struct gw_verify_options *options);
void gw_verify_free(struct gw_verifier **verifier);

/* Signing keys in its cache, for tests and metrics. */
size_t gw_verify_cached(const struct gw_verifier *verifier);

/* Everything that needs no body; state->service says which scopes are good. GW_E_DENIED with `refusal` filled
 * otherwise. `keyring` must stay valid (epoch) until finish returned. */
GW_NODISCARD enum gw_status gw_verify_admit(struct gw_verifier *verifier, const struct gw_keyring *keyring,
                                            const struct gw_http1_request *request, int64_t now_ms,
                                            struct gw_arena *arena, struct gw_verify *state,
                                            struct gw_refusal *refusal);

/* Body hash and signature, then token and expiry. On success `caller` is filled with copies in the arena, so that it
 * outlives the keyring. */
GW_NODISCARD enum gw_status gw_verify_finish(struct gw_verifier *verifier, const struct gw_verify *state,
                                             const struct gw_http1_request *request, struct gw_str body, int64_t now_ms,
                                             struct gw_arena *arena, struct gw_caller *caller,
                                             struct gw_refusal *refusal);

/* The same two steps for callers whose secrets are unknown here, because somebody behind verifies them: all that can be
 * told without a key. admit: steps 1 to 7 (core/auth/README.md). finish: the body is what x-amz-content-sha256 claims;
 * the caller is an access key id, copied to the arena, that nothing vouches for: `verified` is false, the identity
 * empty. */
GW_NODISCARD enum gw_status gw_verify_admit_unknown(struct gw_verifier *verifier,
                                                    const struct gw_http1_request *request, int64_t now_ms,
                                                    struct gw_arena *arena, struct gw_verify *state,
                                                    struct gw_refusal *refusal);
GW_NODISCARD enum gw_status gw_verify_finish_unknown(const struct gw_verify *state,
                                                     const struct gw_http1_request *request, struct gw_str body,
                                                     struct gw_arena *arena, struct gw_caller *caller,
                                                     struct gw_refusal *refusal);

#endif
