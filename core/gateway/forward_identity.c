/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose signature a forwarded request gets: the caller's own key where it is known
 * here, the gateway's, or that of a role which the gateway assumes for the caller.
 * A role may have to be fetched first: the exchange waits in its worker's list, and
 * all that do are run again when any role has come.
 *
 * Credentials wake from a thread of theirs, perhaps when the worker is gone: what
 * they hold is a bell with a lock, counted by those who may still ring it.
 */
#include "gateway/forward.h"

#include <pthread.h>
#include <stdlib.h>

struct gw_forward_bell {
    pthread_mutex_t lock;
    struct gw_loop *loop; /* NULL: the worker has ended */
    size_t holders;
    bool has_rung;
};

struct gw_forward_bell *gw_forward_bell_new(struct gw_loop *loop)
{
    struct gw_forward_bell *bell = gw_alloc_zero(1, sizeof(*bell));

    (void)pthread_mutex_init(&bell->lock, NULL);
    bell->loop = loop;
    bell->holders = 1;
    return bell;
}

static void let_go(struct gw_forward_bell *bell)
{
    bool is_last;

    (void)pthread_mutex_lock(&bell->lock);
    is_last = --bell->holders == 0;
    (void)pthread_mutex_unlock(&bell->lock);
    if (!is_last)
        return;
    (void)pthread_mutex_destroy(&bell->lock);
    free(bell);
}

void gw_forward_bell_close(struct gw_forward_bell **bell)
{
    if (*bell == NULL)
        return;
    (void)pthread_mutex_lock(&(*bell)->lock);
    (*bell)->loop = NULL;
    (void)pthread_mutex_unlock(&(*bell)->lock);
    let_go(*bell);
    *bell = NULL;
}

static void ring(void *ctx)
{
    struct gw_forward_bell *bell = ctx;

    (void)pthread_mutex_lock(&bell->lock);
    bell->has_rung = true;
    if (bell->loop != NULL)
        gw_loop_wake(bell->loop);
    (void)pthread_mutex_unlock(&bell->lock);
    let_go(bell);
}

static bool has_rung(struct gw_forward_bell *bell)
{
    bool rung;

    (void)pthread_mutex_lock(&bell->lock);
    rung = bell->has_rung;
    bell->has_rung = false;
    (void)pthread_mutex_unlock(&bell->lock);
    return rung;
}

/* Those that wait are run again; they join anew where it was another's role that came. */
static void run_waiting(struct gw_worker *worker)
{
    struct gw_exchange *waiting = worker->awaiting;

    worker->awaiting = NULL;
    while (waiting != NULL) {
        struct gw_exchange *next = waiting->next_awaiting;

        waiting->is_awaiting = false;
        gw_exchange_resume(waiting);
        waiting = next;
    }
}

void gw_forward_wake(struct gw_worker *worker)
{
    if (worker->bell != NULL && has_rung(worker->bell))
        run_waiting(worker);
}

void gw_forward_hurry(struct gw_worker *worker)
{
    run_waiting(worker);
}

static void wait_for_bell(struct gw_exchange *exchange)
{
    if (exchange->is_awaiting)
        return;
    exchange->is_awaiting = true;
    exchange->next_awaiting = exchange->worker->awaiting;
    exchange->worker->awaiting = exchange;
}

static enum gw_status find_callers(const struct gw_exchange *exchange, struct gw_sign_identity *identity,
                                   struct gw_err *err)
{
    const struct gw_key *key =
        gw_keyring_resolve(gw_exchange_keys(exchange)->keyring, exchange->caller.access_key, exchange->arena);

    if (key == NULL || key->disabled)
        return gw_fail(err, GW_E_DENIED, "the caller's key is gone");
    *identity = (struct gw_sign_identity){.access_key = key->id,
                                          .session_token = key->session_token,
                                          .secret = key->secret,
                                          .secret_version = key->secret_version};
    return GW_OK;
}

static enum gw_status assume(struct gw_forward *forward, const struct gw_credentials_snapshot **snapshot,
                             struct gw_err *err)
{
    struct gw_exchange *exchange = forward->exchange;
    struct gw_forward_bell *bell = exchange->worker->bell;
    struct gw_credentials_role role =
        gw_credentials_role_of(&exchange->worker->gateway->options.upstream.assumes, exchange->caller.identity.arn,
                               forward->account, forward->region, exchange->arena);
    enum gw_status status;

    (void)pthread_mutex_lock(&bell->lock);
    bell->holders++;
    (void)pthread_mutex_unlock(&bell->lock);
    status = gw_credentials_assume(exchange->worker->gateway->options.upstream.credentials, &role, ring, bell, snapshot,
                                   err);
    if (status == GW_AGAIN)
        wait_for_bell(exchange);
    else
        let_go(bell);
    return status;
}

enum gw_status gw_forward_identify(struct gw_forward *forward, struct gw_sign_identity *identity, struct gw_err *err)
{
    const struct gw_gateway_upstream *upstream = &forward->exchange->worker->gateway->options.upstream;
    const struct gw_credentials_snapshot *snapshot = NULL;
    enum gw_status status = GW_OK;

    if (upstream->credentials == NULL)
        return find_callers(forward->exchange, identity, err);
    forward->is_own = true;
    if (upstream->assumes.arn.at != NULL)
        status = assume(forward, &snapshot, err);
    else
        snapshot = gw_credentials_get(upstream->credentials, err);
    if (status == GW_OK && snapshot == NULL)
        status = GW_E_MISSING;
    if (status == GW_OK)
        *identity = snapshot->identity;
    return status;
}
