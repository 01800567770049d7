/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_FORWARD_H
#define GW_GATEWAY_FORWARD_H

/*
 * Requests that an upstream answers. The request that goes on is made from what was
 * read of the one that came, and signed last, when it leaves; nothing of the
 * caller's signature goes along.
 *
 *   reads    prepare: build, send, wait, take the reply; the record knows the answer
 *   changes  prepare: build; record; apply: the record on the disk, then send, wait, take the reply, settle the record
 *
 * A read's large reply that nobody here looks into is passed on while it comes, within prepare.
 *
 * Inside of the gateway, like exchange.h.
 */

#include "auth/sign.h"
#include "eks/forward.h"
#include "gateway/exchange.h"
#include "upstream/upstream.h"

#define GW_FORWARD_HEAD_MAX ((size_t)64 << 10)

/* A request for an upstream: what is signed, and the call that carries it. In the exchange's arena. */
struct gw_forward {
    struct gw_exchange *exchange;
    struct gw_sign_request sign; /* method to service; the time is filled in when it is sent */
    struct gw_str region;        /* that fill in the endpoint's template */
    struct gw_str account;
    struct gw_upstream_call call;
    uint64_t secret_version; /* of the credentials that it was signed with */
    uint64_t sequence;       /* of its record; 0: none */
    bool is_recorded;        /* the record is on the disk, or none is wanted */
    bool is_sent;
    bool has_ended; /* call's outcome is there */
    bool is_taken;  /* of a change: into the answer and the record, with `taken` */
    enum gw_step taken;
    bool is_denied;   /* nobody signs it: the caller's key is gone, or STS doesn't let the gateway act for the caller */
    bool is_given_up; /* the client has left a reply that it was given in pieces */
    bool is_own;      /* signed with the gateway's own credentials */
    bool is_passed;   /* the caller's own request, as it came: call.head is there, nothing is signed */
};

/* True for an operation that the upstream answers in this gateway's mode. */
bool gw_forward_wanted(const struct gw_exchange *exchange);

/* The stages of an exchange that is forwarded. */
enum gw_step gw_forward_prepare(struct gw_exchange *exchange);
enum gw_step gw_forward_apply(struct gw_exchange *exchange);
/* Fills the answer from the reply. */
void gw_forward_show(struct gw_exchange *exchange, const struct gw_forward *forward);
/* forward_stream.c: the reply may go to the client in pieces, if it turns out to be large. */
void gw_forward_stream(struct gw_forward *forward);
/* The client has taken what there was of it, or is lost. */
void gw_forward_drained(struct gw_exchange *exchange);
/* The record's job is through: GW_OK goes on to send. */
enum gw_step gw_forward_recorded(struct gw_exchange *exchange);

/* Fetches what policies need to know with requests of the gateway's own, once. WAITING: the stage runs again. FAILED:
 * the answer is filled. */
enum gw_step gw_forward_facts(struct gw_exchange *exchange);

/* Only an error of EKS's says that there is no such thing: a 404 alone may come from anybody on the way. arena: scratch
 */
bool gw_forward_says_absent(const struct gw_forward *read, struct gw_arena *arena);
/* forward_admins.c: who administers the cluster, the same way: into exchange->facts. FAILED: untold, the answer isn't
 * filled. */
enum gw_step gw_forward_admins(struct gw_exchange *exchange);

/* forward_lane.c: changes that are decided on who administers a cluster come one after the other, over all workers.
 * DONE: it is this one's turn, to the exchange's end or gw_forward_lane_leave. FAILED: the answer is filled. */
enum gw_step gw_forward_lane_enter(struct gw_exchange *exchange);
void gw_forward_lane_leave(struct gw_exchange *exchange);
/* After a wake of the loop: runs the exchanges whose turn has come. */
void gw_forward_lane_wake(struct gw_worker *worker);

/* Builds a GET of that path, for `forward` (zeroed), in the exchange's region and account. */
void gw_forward_read(struct gw_exchange *exchange, struct gw_str path, struct gw_str query, struct gw_forward *forward);
/* The call has ended: nothing stays of the session token and the signature that went out with it. */
void gw_forward_wipe(struct gw_upstream_call *call);
/* Signs and sends; GW_OK: call.on_done will be called. GW_AGAIN: the credentials are being fetched, and the exchange is
 * run again when it is worth trying anew. Else `err` says why nothing was sent. Inside an epoch. */
GW_NODISCARD enum gw_status gw_forward_send(struct gw_forward *forward, struct gw_err *err);

/* forward_identity.c: whose signature the request gets. Statuses as gw_forward_send. */
GW_NODISCARD enum gw_status gw_forward_identify(struct gw_forward *forward, struct gw_sign_identity *identity,
                                                struct gw_err *err);
/* new: how credentials reach a worker that waits for them. */
struct gw_forward_bell *gw_forward_bell_new(struct gw_loop *loop);
void gw_forward_bell_close(struct gw_forward_bell **bell);
/* After a wake of the loop: runs the exchanges that waited for credentials. */
void gw_forward_wake(struct gw_worker *worker);
/* The worker ends: they are run without having been woken. */
void gw_forward_hurry(struct gw_worker *worker);
/* Takes the upstream's answer, or why there is none, as the client's. FAILED: it is an error. */
enum gw_step gw_forward_take(struct gw_exchange *exchange, const struct gw_forward *forward);

/* True: the reply is a refusal of the gateway's own credentials, which are fetched anew then. */
bool gw_forward_doubt(const struct gw_exchange *exchange, const struct gw_forward *forward);

/* The error's type in a reply of AWS: {NULL,0} when it names none. View. */
struct gw_str gw_forward_error_type(const struct gw_upstream_call *call);

#endif
