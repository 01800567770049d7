/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_AWS_KEYS_H
#define GW_CODEC_AWS_KEYS_H

/*
 * A set of AWS credentials as others hand it out, in JSON of three dialects. What
 * comes out can stand in a header: printable ASCII without blanks, and bounded.
 */

#include "base/arena.h"

#define GW_AWS_KEYS_ID_MAX     128
#define GW_AWS_KEYS_SECRET_MAX 512
#define GW_AWS_KEYS_TOKEN_MAX  12288 /* nobody documents a limit; 4,096 is what AWS names usual */
#define GW_AWS_KEYS_NEVER      INT64_MAX

struct gw_aws_keys {
    struct gw_str access_key;
    struct gw_str secret_access_key;
    struct gw_str session_token; /* {NULL,0}: none */
    int64_t expires_ms;          /* GW_AWS_KEYS_NEVER: nobody says */
};

enum gw_aws_keys_dialect {
    GW_AWS_KEYS_CONTAINER, /* AccessKeyId SecretAccessKey Token Expiration: ECS, EKS Pod Identity */
    GW_AWS_KEYS_IMDS,      /* the same, and Code, which must be Success */
    GW_AWS_KEYS_PROCESS,   /* Version (1) AccessKeyId SecretAccessKey SessionToken Expiration: credential_process */
};

/* Forms and lengths. GW_E_MISSING, GW_E_LIMIT, GW_E_SYNTAX; `err` names the member and nothing of its value. An empty
 * session token is none. */
GW_NODISCARD enum gw_status gw_aws_keys_check(struct gw_aws_keys *keys, struct gw_err *err);

/* Reads and checks; the texts are the arena's. A container and IMDS must say when theirs expire. */
GW_NODISCARD enum gw_status gw_aws_keys_parse(struct gw_str json, enum gw_aws_keys_dialect dialect,
                                              struct gw_arena *arena, struct gw_aws_keys *keys, struct gw_err *err);

#endif
