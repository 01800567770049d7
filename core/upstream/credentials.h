/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_UPSTREAM_CREDENTIALS_H
#define GW_UPSTREAM_CREDENTIALS_H

/*
 * The gateway's own AWS credentials: where they come from, how they are kept
 * fresh. The chain is that of AWS's SDKs (environment, shared files and profiles
 * with credential_process, web identity, container, IMDSv2). Threads of its own
 * ask, so that neither workers nor the loop wait; a snapshot is read by workers
 * inside an epoch.
 *
 * Ahead of expiry (a quarter of their time, 15 minutes at most) they are fetched
 * anew, one request at a time, with back-off from 1 to 60 s; the old ones serve
 * until they really expire, then there are none.
 */

#include "auth/sign.h"
#include "base/clock.h"
#include "base/epoch.h"
#include "base/random.h"

#define GW_CREDENTIALS_ROLES_MAX 1000 /* roles, sessions and source identities that are remembered at once */

struct gw_credentials;

/* A key of the configuration's own. */
struct gw_credentials_key {
    struct gw_str access_key;
    struct gw_str secret_access_key;
    struct gw_str session_token; /* {NULL,0}: none */
};

struct gw_credentials_options {
    const struct gw_credentials_key *fixed; /* NULL: the chain */
    struct gw_str region; /* whose STS is asked where AWS_REGION, AWS_DEFAULT_REGION and the profile say nothing */
    struct gw_str
        sts_endpoint;    /* "https://HOST", may hold {region}; goes before AWS_ENDPOINT_URL_STS; {NULL,0}: AWS's */
    struct gw_str proxy; /* that STS is asked through, as gw_upstream_options'; {NULL,0}: none */
    struct gw_str no_proxy;
    char *const *environment;       /* as environ; borrowed for ever */
    struct gw_epoch *epoch;         /* that its readers are in; borrowed */
    const struct gw_clock *clock;   /* borrowed */
    const struct gw_random *random; /* borrowed */
};

/* One set. Immutable; of an epoch. */
struct gw_credentials_snapshot {
    struct gw_sign_identity identity; /* access key, secret, token, version */
    int64_t expires_ms;               /* INT64_MAX: never */
    struct gw_str provider; /* "environment", "profile NAME", "web identity (ARN)", "container (HOST)", "imds", ... */
};

/* What assume_role is told of the caller; of gateway mode with `assume_role`. */
struct gw_credentials_role {
    struct gw_str arn;             /* with {account} filled in */
    struct gw_str session_name;    /* 2 to 64 of [A-Za-z0-9_+=,.@-]; gw_sts_name_of (codec/sts.h) makes one of an ARN */
    struct gw_str source_identity; /* the same; {NULL,0}: none */
    struct gw_str region;          /* whose STS is asked; {NULL,0}: as for the gateway's own */
};

/* How roles are assumed, as the configuration says it. */
struct gw_credentials_role_options {
    struct gw_str arn;             /* may hold {account} */
    struct gw_str session_name;    /* "caller": made from the caller's ARN */
    struct gw_str source_identity; /* the same; {NULL,0}: none */
};

/* arena: the role for a request of `caller` (an ARN, or a name where there is none) in that account; `region` is put in
 * as it is. */
struct gw_credentials_role gw_credentials_role_of(const struct gw_credentials_role_options *options,
                                                  struct gw_str caller, struct gw_str account, struct gw_str region,
                                                  struct gw_arena *arena);

/* new: copies the options; a thread begins to ask at once. */
struct gw_credentials *gw_credentials_new(const struct gw_credentials_options *options);
/* Ends its threads (an exchange under way is given up), then wipes and frees. No reader may be inside with its
 * snapshots, and the epoch must still be there. Those who wait for a role are woken. */
void gw_credentials_free(struct gw_credentials **credentials);

/* Waits until the first round is over, `timeout_ms` at most. True: it is, well or not. */
bool gw_credentials_wait(struct gw_credentials *credentials, unsigned timeout_ms);

/* borrows, inside an epoch: NULL while there are none (503), `err` says why then. Any thread. */
const struct gw_credentials_snapshot *gw_credentials_get(const struct gw_credentials *credentials, struct gw_err *err);

/* The same for a role assumed with the gateway's own. GW_OK: borrows, inside the same epoch. GW_AGAIN: it is being
 * fetched, and `wake` is called (from another thread, once) when asking again is worth it; it must not call back in
 * here. GW_E_DENIED: STS refuses it, `err` has STS's code. GW_E_IO: it can't be had now (STS doesn't answer, the
 * gateway has no credentials). GW_E_BUSY: too many wait. GW_E_SYNTAX: not a role as above. What failed is remembered
 * for a few seconds. Bounded: the least recently used roles go. */
GW_NODISCARD enum gw_status gw_credentials_assume(struct gw_credentials *credentials,
                                                  const struct gw_credentials_role *role, void (*wake)(void *ctx),
                                                  void *ctx, const struct gw_credentials_snapshot **snapshot,
                                                  struct gw_err *err);

/* The upstream has refused these, the gateway's own or an assumed role's, as expired or unknown: they are fetched anew,
 * once per version. The old ones serve until the new are there. Any thread. */
void gw_credentials_doubt(struct gw_credentials *credentials, uint64_t version);

/* Asks once, on this thread, for `eksgate check`: GW_OK: `provider` and `expires_ms` of the set that would be used.
 * Otherwise `err` says why there is none. A line per provider that was passed over or failed is appended to `report`.
 * Nothing of a secret is in any of them. */
struct gw_credentials_found {
    char provider[512];
    char access_key[132];
    int64_t expires_ms;
};
GW_NODISCARD enum gw_status gw_credentials_try(const struct gw_credentials_options *options,
                                               struct gw_credentials_found *found, struct gw_buf *report,
                                               struct gw_err *err);

#endif
