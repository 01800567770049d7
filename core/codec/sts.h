/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_STS_H
#define GW_CODEC_STS_H

/*
 * Two calls of the AWS Security Token Service (API version 2011-06-15, Query
 * protocol): AssumeRole and AssumeRoleWithWebIdentity, as forms, and their
 * answers, in XML or in JSON.
 */

#include "base/buf.h"
#include "codec/aws_keys.h"

#define GW_STS_NAME_MIN    2 /* of session names and source identities: [A-Za-z0-9_+=,.@-] */
#define GW_STS_NAME_MAX    64
#define GW_STS_ANSWER_MAX  ((size_t)64 << 10)
#define GW_STS_MESSAGE_MAX 240 /* bytes of an error's message that are kept */

struct gw_sts_request {
    struct gw_str role_arn;
    struct gw_str session_name;
    struct gw_str web_identity_token; /* {NULL,0}: AssumeRole, else AssumeRoleWithWebIdentity */
    struct gw_str external_id;        /* these two of AssumeRole only; {NULL,0}: none */
    struct gw_str source_identity;
    unsigned duration_s; /* 0: STS's own, an hour */
};

/* Appends the form, application/x-www-form-urlencoded. */
void gw_sts_encode(const struct gw_sts_request *request, struct gw_buf *out);

struct gw_sts_answer {
    struct gw_aws_keys keys; /* of a success; checked, with an expiry */
    struct gw_str code;      /* of an error: "AccessDenied", at most 64 of [A-Za-z0-9.]; {NULL,0}: a success */
    struct gw_str message;   /* of an error: printable, cut at GW_STS_MESSAGE_MAX; may be empty */
};

/* The answer to one of the two: which of both it is follows from the text. Its texts are views or the arena's.
 * GW_E_SYNTAX, GW_E_MISSING, GW_E_LIMIT: it is neither credentials nor an error; `err` quotes nothing. */
GW_NODISCARD enum gw_status gw_sts_parse(struct gw_str text, struct gw_arena *arena, struct gw_sts_answer *answer,
                                         struct gw_err *err);

/* True for what STS takes as a session name and as a source identity. */
bool gw_sts_is_name(struct gw_str text);

/* The session name for a caller: out of its ARN, always one that STS takes; callers with different ARNs have different
 * ones. "arn:aws:iam::012345678910:user/team/alice" is "user=alice@012345678910" (IAM's user names are unique in their
 * account, whatever their path); an assumed role's is "role=NAME=SESSION@ACCOUNT". What doesn't fit, or could be read
 * in two ways, is cut and ends in - and 16 hexadecimal digits of the ARN's SHA-256. NUL-terminated; returns the length.
 */
size_t gw_sts_name_of(struct gw_str arn, char out[GW_STS_NAME_MAX + 1]);

#endif
