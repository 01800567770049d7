/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_SIGV4_H
#define GW_CODEC_SIGV4_H

/*
 * AWS Signature Version 4 as bytes: reading an Authorization field or a presigned
 * query, the canonical request, the string to sign, signing keys, signatures. No
 * clock, no keys of its own, no decisions: those are auth's. Source: "Signature
 * Version 4 signing process" of AWS, its test suite, and what AWS answers
 * (core/auth/README.md).
 *
 *   CanonicalRequest = METHOD \n path \n query \n {name:value\n}... \n
 *                      SignedHeaders \n hex(SHA256(body))
 *   StringToSign     = AWS4-HMAC-SHA256 \n time \n scope \n
 *                      hex(SHA256(CanonicalRequest))
 *
 * The path is that of services other than S3: dot and empty segments removed,
 * then every byte as sent is percent-encoded once more, '%' too. Hashing walks
 * the request and allocates nothing; the same walker writes the text.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "codec/digest.h"
#include "codec/http1.h"

#define GW_SIGV4_ALGORITHM    "AWS4-HMAC-SHA256"
#define GW_SIGV4_NAMES_MAX    128 /* of SignedHeaders */
#define GW_SIGV4_PARAMS_MAX   256 /* of a query */
#define GW_SIGV4_SEGMENTS_MAX 512 /* of a path that holds dot or empty segments */

/* One query parameter: decoded, and as the canonical query has it. */
struct gw_sigv4_param {
    struct gw_str name;
    struct gw_str value;
    struct gw_str canonical_name;
    struct gw_str canonical_value;
};

/* The parameters in canonical order: by encoded name, then by encoded value. */
struct gw_sigv4_query {
    const struct gw_sigv4_param *items;
    size_t count;
};

/* What a request says about its signature. Views into the field, or for a presigned query into the arena. */
struct gw_sigv4_auth {
    struct gw_str credential; /* KEYID/DATE/REGION/SERVICE/TERMINATOR */
    struct gw_str signed_headers;
    struct gw_str signature;
    struct gw_str time;    /* presigned only, like the next two: X-Amz-Date */
    struct gw_str expires; /* X-Amz-Expires */
    struct gw_str token;   /* X-Amz-Security-Token; {NULL,0} when absent */
};

struct gw_sigv4_credential {
    struct gw_str access_key;
    struct gw_str scope; /* the other four, as sent */
    struct gw_str date;
    struct gw_str region;
    struct gw_str service;
    struct gw_str terminator;
};

/* Reads the value of an Authorization field. `has_date`: there is an X-Amz-Date or Date field (its absence is reported
 * together with other missing parts). GW_E_SYNTAX with AWS's own words in `err`; parts that are repeated or unknown,
 * and SignedHeaders that is no ascending list of lower-case names, are refused too, in ours. The words never hold the
 * field itself, only its hash. */
GW_NODISCARD enum gw_status gw_sigv4_parse_authorization(struct gw_str value, bool has_date, struct gw_sigv4_auth *auth,
                                                         struct gw_err *err);

/* arena: decodes, encodes and sorts a raw query ({NULL,0}: none). GW_E_SYNTAX for a broken escape, GW_E_LIMIT past
 * GW_SIGV4_PARAMS_MAX; `err` is fit for a client. */
GW_NODISCARD enum gw_status gw_sigv4_parse_query(struct gw_str text, struct gw_arena *arena,
                                                 struct gw_sigv4_query *query, struct gw_err *err);

/* borrows: the first parameter with that decoded name, NULL when absent. */
const struct gw_sigv4_param *gw_sigv4_query_find(const struct gw_sigv4_query *query, struct gw_str name);

/* GW_E_SYNTAX when one of the names that presigning reserves is there twice, or in another case (CVE-2022-2385). */
GW_NODISCARD enum gw_status gw_sigv4_check_reserved(const struct gw_sigv4_query *query, struct gw_err *err);

/* Reads the presigned form. GW_E_SYNTAX with AWS's own words for missing parameters. */
GW_NODISCARD enum gw_status gw_sigv4_parse_presigned(const struct gw_sigv4_query *query, struct gw_sigv4_auth *auth,
                                                     struct gw_err *err);

/* Five parts, none empty; GW_E_SYNTAX with AWS's words else. Separate from the above because AWS looks at the time
 * first. */
GW_NODISCARD enum gw_status gw_sigv4_parse_credential(struct gw_str text, struct gw_sigv4_credential *credential,
                                                      struct gw_err *err);

/* True when `name` (any case) is one of a SignedHeaders list. */
bool gw_sigv4_lists(struct gw_str signed_headers, struct gw_str name);

/* What gets signed. */
struct gw_sigv4_request {
    struct gw_str method;
    struct gw_str path; /* as sent, undecoded; "" counts as "/" */
    struct gw_sigv4_query query;
    bool presigned; /* the parameter X-Amz-Signature is left out */
    const struct gw_header *headers;
    size_t header_count;
    struct gw_str signed_headers;
    unsigned char payload[GW_DIGEST_SIZE]; /* SHA-256 of the body */
};

/* SHA-256 of the canonical request. GW_E_MISSING: a signed header isn't there; GW_E_LIMIT: the path has dot or empty
 * segments and more than GW_SIGV4_SEGMENTS_MAX others. Allocates nothing. */
GW_NODISCARD enum gw_status gw_sigv4_canonical_hash(const struct gw_sigv4_request *request,
                                                    unsigned char out[GW_DIGEST_SIZE]);

/* Appends the canonical request as text; a missing header shows as empty. With `redact`, values of session tokens and
 * credentials are replaced by "...", for text that leaves the process. Statuses as above; the text is written anyway.
 */
enum gw_status gw_sigv4_canonical_text(const struct gw_sigv4_request *request, bool redact, struct gw_buf *out);

/* Appends the string to sign. `time` is YYYYMMDDTHHMMSSZ; `hash` that of the canonical request. */
void gw_sigv4_string_to_sign(struct gw_str time, struct gw_str scope, const unsigned char hash[GW_DIGEST_SIZE],
                             struct gw_buf *out);

/* The signing key of a day, region and service. `secret` is "AWS4" followed by the secret access key. */
void gw_sigv4_derive_key(struct gw_str secret, struct gw_str date, struct gw_str region, struct gw_str service,
                         struct gw_hmac_key *key);

void gw_sigv4_signature(const struct gw_hmac_key *key, struct gw_str time, struct gw_str scope,
                        const unsigned char hash[GW_DIGEST_SIZE], unsigned char out[GW_DIGEST_SIZE]);

/* Who signs, for the other direction. */
struct gw_sigv4_signer {
    struct gw_str access_key;
    struct gw_str time; /* YYYYMMDDTHHMMSSZ, the value of the x-amz-date among the headers */
    struct gw_str region;
    struct gw_str service;
    const struct gw_hmac_key *key; /* of this day, region and service */
};

/* Appends the value of an Authorization field that signs every header given (so give host, x-amz-date, content-type,
 * x-amz-security-token and no more). `request->signed_headers` is not looked at. arena: scratch. GW_E_LIMIT for more
 * than GW_SIGV4_NAMES_MAX headers, or as gw_sigv4_canonical_hash. */
GW_NODISCARD enum gw_status gw_sigv4_sign(const struct gw_sigv4_signer *signer, const struct gw_sigv4_request *request,
                                          struct gw_arena *arena, struct gw_buf *authorization);

#endif
