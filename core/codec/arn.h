/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_ARN_H
#define GW_CODEC_ARN_H

/*
 * Amazon Resource Names of IAM principals. Limits from the IAM and STS service
 * models: ARN 20 to 2,048 bytes, names 1 to 64 of [A-Za-z0-9_+=,.@-], paths up
 * to 512 bytes of printable ASCII, accounts 12 digits.
 */

#include "base/str.h"

enum gw_principal_kind {
    GW_PRINCIPAL_ROLE,
    GW_PRINCIPAL_USER,
    GW_PRINCIPAL_ROOT,
    GW_PRINCIPAL_ASSUMED_ROLE,   /* arn:P:sts::A:assumed-role/NAME/SESSION: a caller, never an entry's principal */
    GW_PRINCIPAL_FEDERATED_USER, /* arn:P:sts::A:federated-user/NAME: likewise */
};

struct gw_principal {
    enum gw_principal_kind kind;
    struct gw_str arn;       /* the whole text */
    struct gw_str partition; /* "aws", "aws-cn", ... */
    struct gw_str account;   /* 12 digits */
    struct gw_str kind_text; /* "role", "user", "root", "assumed-role", "federated-user" */
    struct gw_str path;      /* "/" or "/team/dev/"; of assumed roles and root "/" */
    struct gw_str name;      /* last segment: role, user; of an assumed role the role's; of root "root" */
    struct gw_str session;   /* of an assumed role; else {NULL,0} */
};

/* Takes apart the ARN of any principal above; views point into `arn`. GW_E_SYNTAX for everything else. */
GW_NODISCARD enum gw_status gw_arn_parse_principal(struct gw_str arn, struct gw_principal *principal);

/* True for a partition that AWS has: aws, aws-cn, aws-us-gov, aws-iso, aws-iso-b, aws-iso-e, aws-iso-f, aws-eusc. */
bool gw_arn_is_partition(struct gw_str text);

/* True for exactly 12 ASCII digits. */
bool gw_arn_is_account(struct gw_str text);

/* True for roles whose path is /aws-service-role/ or below. */
bool gw_arn_is_service_linked(const struct gw_principal *principal);

#endif
