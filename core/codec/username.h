/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_USERNAME_H
#define GW_CODEC_USERNAME_H

/*
 * Kubernetes usernames, groups and tags as EKS accepts them, apart from any one
 * call: the same rules hold for what callers send and for what policies answer.
 * Source: EKS user guide "Create access entries"; probed messages in the
 * access-entry reference (E10, E11).
 */

#include "base/arena.h"
#include "base/buf.h"
#include "codec/arn.h"

#define GW_USERNAME_MAX  256 /* Unicode characters, of a group too; ours, EKS documents none */
#define GW_TAGS_MAX      50  /* per resource */
#define GW_TAG_KEY_MAX   128 /* Unicode characters */
#define GW_TAG_VALUE_MAX 256 /* Unicode characters */

/* The prefix that neither usernames nor groups may have (system: eks: aws: amazon: iam:) where the text begins with
 * one; else {NULL,0}. */
struct gw_str gw_username_reserved(struct gw_str text);

/* GW_OK, or GW_E_SYNTAX with EKS's own words in err: a reserved prefix, no colon before {{SessionName}} or
 * {{SessionNameRaw}}, empty, longer than GW_USERNAME_MAX, control characters, not UTF-8. */
GW_NODISCARD enum gw_status gw_username_check(struct gw_str username, struct gw_err *err);

/* The same for one Kubernetes group name, but for reserved prefixes: their message repeats the name, which err may be
 * too short for. */
GW_NODISCARD enum gw_status gw_username_check_group(struct gw_str group, struct gw_err *err);

/* The same for one tag: key 1 to 128 characters, value up to 256, no key that starts with aws: in any case, UTF-8,
 * letters, digits, white space and _ . : / = + - @ (the tagging rules of AWS). */
GW_NODISCARD enum gw_status gw_username_check_tag(struct gw_str key, struct gw_str value, struct gw_err *err);

/* What a template is filled in with; {NULL,0}: not known. */
struct gw_username_session {
    struct gw_str name;             /* RoleSessionName: 2 to 64 of [A-Za-z0-9_+=,.@-] (STS service model) */
    struct gw_str account;          /* 12 digits */
    struct gw_str private_dns_name; /* of the EC2 instance: 1 to 253 of [A-Za-z0-9.-] */
};

/* Appends what Kubernetes sees of a username in a session: {{SessionName}} with '-' for '@', {{SessionNameRaw}},
 * {{AccountID}}, {{EC2PrivateDNSName}} (aws-iam-authenticator); other text as it is. GW_E_MISSING: the template names
 * what isn't known. GW_E_SYNTAX: the session's name, account or DNS name is none. */
GW_NODISCARD enum gw_status gw_username_render(struct gw_str username, const struct gw_username_session *session,
                                               struct gw_buf *out, struct gw_err *err);

/* Appends text as one word of a username: letters, digits, '.', '-' and '_' stay, other bytes become _xx in
 * hexadecimal, and so does a '_' that two hexadecimal digits follow. Different texts never become the same word. */
void gw_username_sanitize(struct gw_str text, struct gw_buf *out);

/* arena: what EKS generates for a STANDARD entry: a role's assumed-role ARN with {{SessionName}}, path dropped; a
 * user's or root's own ARN. */
struct gw_str gw_username_default(const struct gw_principal *principal, struct gw_arena *arena);

#endif
