/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One worker: its server, verifier, policies, counters, and its port to the writer
 * thread. Everything here runs on the worker's loop but gw_worker_drain.
 */
#include "base/log.h"
#include "gateway/forward.h"
#include "gateway/shadow.h"

#include <stdlib.h>

#define GW_WORKER_HEAD_MAX          ((size_t)80 << 10) /* an upstream's fields pass through it */
#define GW_WORKER_TICK_MS           1000
#define GW_WORKER_UPSTREAM_HEAD_MAX ((size_t)128 << 10)

static void log_from_policy(void *ctx, enum gw_log_level level, struct gw_str policy, struct gw_str text)
{
    (void)ctx;
    gw_log(level, "policy", "%.*s: %.*s", GW_STR_ARG(policy), GW_STR_ARG(text));
}

static void count_open(_Atomic uint64_t *open, int more)
{
    atomic_store_explicit(open, atomic_load_explicit(open, memory_order_relaxed) + (uint64_t)more,
                          memory_order_relaxed);
}

/* The generation of this moment, with one holder. Inside an epoch. */
static struct gw_worker_policies *open_policies(struct gw_worker *worker, struct gw_err *err)
{
    struct gw_gateway_settings *settings = atomic_load_explicit(&worker->gateway->settings, memory_order_acquire);
    struct gw_worker_policies *fresh = gw_alloc_zero(1, sizeof(*fresh));

    gw_gateway_settings_hold(settings);
    fresh->settings = settings;
    fresh->holders = 1;
    fresh->open = &worker->metrics.policy_generations;
    fresh->failed = settings->policies.open != NULL &&
                    settings->policies.open(settings->policies.ctx, &worker->metrics.policy, &worker->services,
                                            &fresh->instance, &fresh->hooks, err) != GW_OK;
    gw_shadow_open(worker, fresh);
    fresh->fetcher = gw_fetcher_new(worker->fetches, settings->endpoints);
    count_open(fresh->open, 1);
    return fresh;
}

void gw_worker_policies_drop(struct gw_worker_policies *policies)
{
    const struct gw_policy_source *source;

    if (policies == NULL || --policies->holders > 0)
        return;
    source = &policies->settings->policies;
    if (source->close != NULL && policies->instance != NULL)
        source->close(policies->instance);
    gw_shadow_close(policies);
    gw_fetcher_free(&policies->fetcher);
    gw_gateway_settings_drop(policies->settings);
    count_open(policies->open, -1);
    free(policies);
}

/* The old generation goes with the last request that began under it, at once where there is none. Inside an epoch. */
static void take_up_settings(struct gw_worker *worker)
{
    uint64_t generation = atomic_load_explicit(&worker->gateway->settings, memory_order_acquire)->generation;
    struct gw_worker_policies *fresh;
    struct gw_err err;

    if (worker->policies->settings->generation == generation)
        return;
    fresh = open_policies(worker, &err);
    if (fresh->failed)
        gw_log(GW_LOG_ERROR, "policy", "%s; requests are refused until the next reload", err.text);
    gw_worker_policies_drop(worker->policies);
    worker->policies = fresh;
}

struct gw_worker_policies *gw_worker_policies_hold(struct gw_worker *worker)
{
    take_up_settings(worker);
    worker->policies->holders++;
    return worker->policies;
}

static void stop_loop(void *ctx)
{
    struct gw_worker *worker = ctx;

    gw_loop_stop(worker->loop);
}

static void on_wake(void *ctx)
{
    struct gw_worker *worker = ctx;

    gw_commit_collect(worker->port);
    gw_forward_wake(worker);
    gw_forward_lane_wake(worker);
    gw_epoch_enter(worker->reader);
    take_up_settings(worker); /* a worker that has nothing to do shall not keep what nobody needs */
    gw_epoch_leave(worker->reader);
    if (atomic_load(&worker->drain) && !worker->draining) {
        worker->draining = true;
        gw_server_drain(worker->server, stop_loop, worker);
        gw_fault_hurry(worker);
        atomic_store(&worker->accepts_no_more, true);
    }
}

static void on_turn(void *ctx)
{
    struct gw_worker *worker = ctx;

    gw_later_run(worker);
    gw_commit_submit(worker->port);
}

static void on_tick(void *ctx)
{
    gw_audit_tick(ctx);
}

static void wake_loop(void *ctx)
{
    gw_loop_wake(ctx);
}

static void open_upstream(struct gw_worker *worker)
{
    const struct gw_gateway_options *options = &worker->gateway->options;

    if (options->mode == GW_GATEWAY_STANDALONE)
        return;
    gw_buf_init(&worker->upstream_head, GW_WORKER_UPSTREAM_HEAD_MAX);
    worker->signer = gw_sign_new();
    worker->bell = gw_forward_bell_new(worker->loop);
    worker->upstream = gw_upstream_new(worker->loop, &options->upstream.pool);
}

enum gw_status gw_worker_new(struct gw_gateway *gateway, struct gw_loop *loop, struct gw_worker **worker,
                             struct gw_err *err)
{
    struct gw_worker *w = gw_alloc_zero(1, sizeof(*w));
    struct gw_server_handler handler;
    size_t index = atomic_load(&gateway->worker_count);

    if (index == GW_GATEWAY_WORKERS_MAX)
        gw_fatal("more than %d workers", GW_GATEWAY_WORKERS_MAX);
    w->gateway = gateway;
    w->loop = loop;
    w->services.ctx = w;
    w->services.later = gw_later_add;
    w->services.log = log_from_policy;
    w->services.counters = gateway->counters;
    w->services.fetch = gw_fetch_begin;
    gw_shadow_begin(w);
    w->fetches = gw_fetch_room_new(loop, &w->metrics.fetch);
    w->strangers_filled_ms = gw_clock_monotonic_ms(gateway->clock);
    w->strangers_tokens = 1000000; /* clipped to one second's worth at first use */
    w->reader = gw_epoch_register(gateway->epoch);
    gw_epoch_enter(w->reader);
    w->policies = open_policies(w, err);
    gw_epoch_leave(w->reader);
    if (w->policies->failed) {
        gw_worker_policies_drop(w->policies);
        gw_epoch_unregister(w->reader);
        gw_fetch_room_free(&w->fetches);
        free(w);
        return GW_E_SCRIPT;
    }
    gw_buf_init(&w->head, GW_WORKER_HEAD_MAX);
    gw_buf_init(&w->record, GW_JOURNAL_TEXT_MAX);
    gw_random_fill(gateway->random, w->id_state, sizeof(w->id_state));
    w->id_state[0] |= 1; /* the generator's one forbidden state is all zeros */
    w->verifier = gw_verify_new(&gateway->options.verify);
    open_upstream(w);
    w->port = gw_commit_port_open(gateway->commit, wake_loop, loop);
    gw_exchange_handler(w, &handler);
    w->server = gw_server_new(loop, &gateway->options.http, &handler);
    gw_loop_on_wake(loop, on_wake, w);
    gw_loop_on_turn(loop, on_turn, w);
    gw_loop_every(loop, GW_WORKER_TICK_MS, on_tick, w);
    gateway->workers[index] = w;
    atomic_store(&gateway->worker_count, index + 1);
    *worker = w;
    return GW_OK;
}

void gw_worker_free(struct gw_worker **worker)
{
    struct gw_worker *w = *worker;

    if (w == NULL)
        return;
    *worker = NULL;
    gw_upstream_free(&w->upstream); /* its calls end, and add what settles their records */
    gw_forward_hurry(w);
    gw_commit_port_close(&w->port);
    gw_server_free(&w->server);
    gw_worker_policies_drop(w->policies);
    gw_fetch_room_free(&w->fetches);
    gw_verify_free(&w->verifier);
    gw_sign_free(&w->signer);
    gw_forward_bell_close(&w->bell);
    gw_buf_fini(&w->upstream_head);
    gw_epoch_unregister(w->reader);
    gw_buf_fini(&w->head);
    gw_buf_fini(&w->record);
    free(w);
}

struct gw_server *gw_worker_server(struct gw_worker *worker)
{
    return worker->server;
}

void gw_worker_drain(struct gw_worker *worker)
{
    atomic_store(&worker->drain, true);
    gw_loop_wake(worker->loop);
}

bool gw_worker_accepts_no_more(const struct gw_worker *worker)
{
    return atomic_load(&worker->accepts_no_more);
}
