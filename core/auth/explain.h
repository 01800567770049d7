/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AUTH_EXPLAIN_H
#define GW_AUTH_EXPLAIN_H

/*
 * The same checks as verify.h's, one by one and past the first that fails, for a
 * person who wants to know why a request is refused. Not for requests on their
 * way: nothing is cached, and the texts are made each time.
 */

#include "auth/verify.h"

enum gw_explain_check {
    GW_EXPLAIN_ESCAPES,
    GW_EXPLAIN_FORM,
    GW_EXPLAIN_DATE,
    GW_EXPLAIN_CLOCK,
    GW_EXPLAIN_SIGNED_HEADERS,
    GW_EXPLAIN_BODY_CLAIM,
    GW_EXPLAIN_SCOPE,
    GW_EXPLAIN_KEY,
    GW_EXPLAIN_BODY_HASH,
    GW_EXPLAIN_SIGNATURE,
    GW_EXPLAIN_TOKEN,
    GW_EXPLAIN_EXPIRY,
    GW_EXPLAIN_CHECKS
};

const char *gw_explain_check_name(enum gw_explain_check check); /* "signed headers" */

enum gw_explain_outcome {
    GW_EXPLAIN_HOLDS,
    GW_EXPLAIN_FAILS,
    GW_EXPLAIN_OPEN, /* can't be told, because an earlier check failed or something isn't known; `why` says which */
};

struct gw_explain_finding {
    enum gw_explain_outcome outcome;
    struct gw_refusal refusal; /* FAILS: as the client gets it */
    const char *why;           /* OPEN: what is missing; HOLDS and FAILS: a remark, or NULL */
};

/* What to look at. All borrowed. */
struct gw_explain_request {
    const struct gw_http1_request *request;
    bool has_body; /* false: nobody knows it */
    struct gw_str body;
    struct gw_verify_service service;
    int64_t now_ms;
};

struct gw_explain_report {
    struct gw_explain_finding findings[GW_EXPLAIN_CHECKS];
    struct gw_str canonical; /* {NULL,0}: none can be made. As hashed, so it may hold a session token; without a body
                                its last line is empty */
    struct gw_str shown;     /* the same for people: values of tokens are "..." */
    struct gw_str string_to_sign; /* {NULL,0}: none can be made */
    bool has_caller;              /* the key is known: whose it is, whether the signature held or not */
    struct gw_caller caller;
    struct gw_str region; /* of the scope; {NULL,0}: it can't be read */
};

/* arena. The keyring must outlive the report. */
void gw_explain_signature(struct gw_verifier *verifier, const struct gw_keyring *keyring,
                          const struct gw_explain_request *what, struct gw_arena *arena,
                          struct gw_explain_report *report);

#endif
