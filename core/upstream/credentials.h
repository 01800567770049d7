/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_UPSTREAM_CREDENTIALS_H
#define GW_UPSTREAM_CREDENTIALS_H

/*
 * The gateway's own AWS credentials: where they come from, how they are kept
 * fresh. The chain is that of AWS's SDKs (environment, shared files and profiles
 * with credential_process, web identity, container, IMDSv2). One thread of its own
 * asks, so that neither workers nor the loop wait; a snapshot is read by workers
 * inside an epoch.
 *
 * Ahead of expiry they are fetched anew, one request at a time, with back-off; the
 * old ones serve until they really expire, then there are none.
 */

#include "auth/sign.h"
#include "base/clock.h"
#include "base/epoch.h"

struct gw_credentials;

/* One set. Immutable; of an epoch. */
struct gw_credentials_snapshot {
    struct gw_sign_identity identity; /* access key, secret, token, version */
    int64_t expires_ms;               /* INT64_MAX: never */
    struct gw_str provider;           /* "environment", "profile NAME", "web identity", "container", "imds", ... */
};

/* What assume_role is told of the caller; of gateway mode with `assume_role`. */
struct gw_credentials_role {
    struct gw_str arn;             /* with {account} filled in */
    struct gw_str session_name;    /* 2 to 64 of [A-Za-z0-9_=,.@-] */
    struct gw_str source_identity; /* the same; {NULL,0}: none */
    struct gw_str region;          /* whose STS is asked */
};

/* borrows, inside an epoch: NULL while there are none (503), `err` says why then. Any thread. */
const struct gw_credentials_snapshot *gw_credentials_get(const struct gw_credentials *credentials, struct gw_err *err);

/* The same for a role assumed with the gateway's own: NULL and GW_AGAIN: being fetched, `wake` is called (from another
 * thread, once) when asking again is worth it. Bounded: the least recently used roles go. */
GW_NODISCARD enum gw_status gw_credentials_assume(struct gw_credentials *credentials,
                                                  const struct gw_credentials_role *role, void (*wake)(void *ctx),
                                                  void *ctx, const struct gw_credentials_snapshot **snapshot,
                                                  struct gw_err *err);

/* The upstream has refused these as expired or unknown: they are fetched anew, once per version. */
void gw_credentials_doubt(struct gw_credentials *credentials, uint64_t version);

#endif
