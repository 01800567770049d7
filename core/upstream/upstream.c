/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls: how they begin, how they run out of time, how they end. Which connection
 * they go on is pool.c's business.
 *
 * All calls of a worker last equally long at most, so their list is in order of
 * deadline; connections are looked at one by one, ten times a second, since there
 * are few and their deadlines change with what they do.
 */
#include <stdlib.h>

#include "base/random.h"
#include "upstream/inner.h"

#define KEPT_WORKS 256

static struct gw_upstream_work *take_work(struct gw_upstream *upstream, struct gw_upstream_call *call)
{
    struct gw_upstream_work *work;

    if (gw_link_is_empty(&upstream->free_works)) {
        work = gw_alloc(sizeof(*work));
    } else {
        work = GW_LINK_OF(gw_link_take(&upstream->free_works), struct gw_upstream_work, link);
        upstream->free_work_count--;
    }
    memset(work, 0, sizeof(*work));
    work->call = call;
    gw_link_init(&work->link);
    gw_link_init(&work->queued);
    call->work = work;
    return work;
}

static void give_work(struct gw_upstream *upstream, struct gw_upstream_work *work)
{
    gw_link_cut(&work->link);
    if (upstream->free_work_count >= KEPT_WORKS) {
        free(work);
        return;
    }
    gw_link_prepend(&upstream->free_works, &work->link);
    upstream->free_work_count++;
}

void gw_upstream_deliver(struct gw_upstream_work *work)
{
    struct gw_upstream_call *call = work->call;

    call->outcome = GW_UPSTREAM_REPLIED;
    call->reply_body = work->exchange.reply_body;
    call->connected = true;
    call->work = NULL;
    give_work(work->pool->upstream, work);
    call->on_done(call->ctx, call);
}

static void append_ended(struct gw_upstream *upstream, struct gw_upstream_work *work)
{
    gw_link_cut(&work->link);
    gw_link_append(&upstream->ended, &work->link);
    if (!upstream->freeing)
        gw_alarm_soon(upstream->ended_alarm);
}

static void end_with(struct gw_upstream *upstream, struct gw_upstream_work *work)
{
    bool unknown = work->touched;

    work->call->outcome = unknown ? GW_UPSTREAM_UNKNOWN : GW_UPSTREAM_NOT_SENT;
    work->call->connected = unknown;
    if (!work->is_given_up)
        gw_upstream_count(unknown ? &upstream->counters.unknown : &upstream->counters.not_sent, 1);
    append_ended(upstream, work);
}

void gw_upstream_end(struct gw_upstream_work *work)
{
    end_with(work->pool->upstream, work);
}

static void deliver_ended(struct gw_upstream *upstream)
{
    while (!gw_link_is_empty(&upstream->ended)) {
        struct gw_upstream_work *work = GW_LINK_OF(gw_link_take(&upstream->ended), struct gw_upstream_work, link);
        struct gw_upstream_call *call = work->call;

        call->work = NULL;
        give_work(upstream, work);
        call->on_done(call->ctx, call);
    }
}

static void on_ended(void *ctx)
{
    deliver_ended(ctx);
}

/* Closing one may free others (pool.c), so the walk begins anew after each that had to be dealt with. */
static void expire_conns(struct gw_upstream *upstream, int64_t now_ms)
{
    struct gw_link *at = upstream->conns.after;

    while (at != &upstream->conns) {
        struct gw_upstream_conn *conn = GW_LINK_OF(at, struct gw_upstream_conn, all);

        at = at->after;
        if (conn->deadline_ms > now_ms)
            continue;
        gw_upstream_pool_expire(conn);
        at = upstream->conns.after;
    }
}

static void expire_works(struct gw_upstream *upstream, int64_t now_ms)
{
    while (!gw_link_is_empty(&upstream->works)) {
        struct gw_upstream_work *work = GW_LINK_OF(upstream->works.after, struct gw_upstream_work, link);

        if (work->ends_ms > now_ms)
            return;
        gw_upstream_pool_give_up(work);
    }
}

static void each_resolving(struct gw_upstream *upstream, void (*call)(struct gw_upstream_pool *pool))
{
    for (struct gw_link *at = upstream->pools.after; at != &upstream->pools;) {
        struct gw_upstream_pool *pool = GW_LINK_OF(at, struct gw_upstream_pool, all);

        at = at->after;
        if (pool->resolving)
            call(pool);
    }
}

static void on_tick(void *ctx)
{
    struct gw_upstream *upstream = ctx;
    int64_t now_ms = gw_loop_monotonic_ms(upstream->loop);

    expire_works(upstream, now_ms);
    expire_conns(upstream, now_ms);
    each_resolving(upstream, gw_upstream_pool_expire_names);
    if (!gw_link_is_empty(&upstream->works) || !gw_link_is_empty(&upstream->conns))
        return;
    upstream->ticking = false;
    gw_alarm_stop(upstream->tick_alarm);
}

void gw_upstream_keep_ticking(struct gw_upstream *upstream)
{
    if (upstream->ticking)
        return;
    upstream->ticking = true;
    gw_alarm_every(upstream->tick_alarm, GW_UPSTREAM_TICK_MS);
}

/* From the resolver's thread. */
static void wake(void *ctx)
{
    const struct gw_upstream *upstream = ctx;

    gw_alarm_ring(upstream->names_alarm);
}

static void on_names(void *ctx)
{
    each_resolving(ctx, gw_upstream_pool_pump);
}

static void on_settled(void *ctx)
{
    struct gw_upstream *upstream = ctx;

    upstream->settling = false;
    for (struct gw_link *at = upstream->pools.after; at != &upstream->pools;) {
        struct gw_upstream_pool *pool = GW_LINK_OF(at, struct gw_upstream_pool, all);

        at = at->after;
        if (pool->waiting_count > 0)
            gw_upstream_pool_pump(pool);
    }
}

static void copy_options(struct gw_upstream *upstream, const struct gw_upstream_options *options)
{
    struct gw_err err;

    upstream->options = *options;
    if (options->tls != NULL)
        upstream->options.tls = gw_tls_context_hold(options->tls);
    upstream->proxy_text = gw_str_dup(options->proxy);
    upstream->no_proxy_text = gw_str_dup(options->no_proxy);
    upstream->options.proxy = gw_str_from(upstream->proxy_text);
    upstream->options.no_proxy = gw_str_from(upstream->no_proxy_text);
    upstream->has_proxy = options->proxy.length > 0;
    if (upstream->has_proxy)
        upstream->proxy_is_bad = gw_upstream_proxy_parse(upstream->options.proxy, &upstream->proxy, &err) != GW_OK;
    upstream->resolver = options->resolver != NULL ? gw_resolver_hold(options->resolver) : gw_resolver_shared();
}

struct gw_upstream *gw_upstream_new(struct gw_loop *loop, const struct gw_upstream_options *options)
{
    struct gw_upstream *upstream = gw_alloc_zero(1, sizeof(*upstream));

    upstream->loop = loop;
    gw_link_init(&upstream->conns);
    gw_link_init(&upstream->pools);
    gw_link_init(&upstream->works);
    gw_link_init(&upstream->ended);
    gw_link_init(&upstream->free_works);
    gw_random_seed(gw_random_system(), &upstream->seed);
    copy_options(upstream, options);
    upstream->room = (struct gw_client_room){
        .loop = loop,
        .limits = {options->reply_head_bytes, GW_HTTP1_HEADERS_MAX, options->reply_body_bytes},
        .on_event = gw_upstream_on_event,
        .on_head = gw_upstream_on_head,
        .on_piece = gw_upstream_on_piece,
    };
    gw_client_room_init(&upstream->room);
    upstream->names_alarm = gw_alarm_new_bell(loop, "upstream names", on_names, upstream);
    upstream->tick_alarm = gw_alarm_new(loop, "upstream tick", on_tick, upstream);
    upstream->settled_alarm = gw_alarm_new(loop, "upstream settled", on_settled, upstream);
    upstream->ended_alarm = gw_alarm_new(loop, "upstream ended", on_ended, upstream);
    upstream->waiter = (struct gw_resolver_waiter){.wake = wake, .ctx = upstream};
    gw_resolver_join(upstream->resolver, &upstream->waiter);
    return upstream;
}

/* A call that on_done sends while everything ends, ends too. */
static void end_calls(struct gw_upstream *upstream)
{
    while (!gw_link_is_empty(&upstream->works)) {
        struct gw_upstream_work *work = GW_LINK_OF(upstream->works.after, struct gw_upstream_work, link);

        (void)gw_fail(&work->call->err, GW_E_IO, "the gateway stops");
        gw_link_cut(&work->queued);
        if (work->conn != NULL)
            work->touched |= work->exchange.touched;
        end_with(upstream, work);
    }
}

static void free_pools(struct gw_upstream *upstream)
{
    while (!gw_link_is_empty(&upstream->conns))
        gw_upstream_conn_close(GW_LINK_OF(upstream->conns.after, struct gw_upstream_conn, all));
    while (!gw_link_is_empty(&upstream->pools))
        gw_upstream_pool_drop(GW_LINK_OF(upstream->pools.after, struct gw_upstream_pool, all));
}

void gw_upstream_free(struct gw_upstream **upstream)
{
    struct gw_upstream *dying = *upstream;

    if (dying == NULL)
        return;
    dying->freeing = true;
    gw_resolver_leave(dying->resolver, &dying->waiter);
    end_calls(dying);
    free_pools(dying);
    deliver_ended(dying);
    *upstream = NULL;
    gw_resolver_release(&dying->resolver);
    gw_alarm_free(&dying->names_alarm);
    gw_alarm_free(&dying->tick_alarm);
    gw_alarm_free(&dying->ended_alarm);
    gw_alarm_free(&dying->settled_alarm);
    while (!gw_link_is_empty(&dying->free_works))
        free(GW_LINK_OF(gw_link_take(&dying->free_works), struct gw_upstream_work, link));
    gw_client_room_fini(&dying->room);
    gw_tls_context_release(&dying->options.tls);
    gw_wipe(dying->proxy_text, strlen(dying->proxy_text));
    free(dying->proxy_text);
    free(dying->no_proxy_text);
    free(dying);
}

/* NULL where it can't go anywhere: `err` says why. */
static struct gw_upstream_pool *find_pool(struct gw_upstream *upstream, const struct gw_upstream_target *target,
                                          struct gw_err *err)
{
    struct gw_upstream_pool *pool = NULL;

    if (upstream->freeing)
        (void)gw_fail(err, GW_E_BUSY, "the gateway stops");
    else if (target->host.length == 0 || target->host.length > GW_UPSTREAM_HOST_MAX)
        (void)gw_fail(err, GW_E_SYNTAX, "the upstream's name is empty or too long");
    else if (target->connect_host.length > GW_UPSTREAM_HOST_MAX)
        (void)gw_fail(err, GW_E_SYNTAX, "the name to connect to is too long");
    else if (target->is_tls && upstream->options.tls == NULL)
        (void)gw_fail(err, GW_E_MISSING, "there are no certificates to verify an https upstream with");
    else if (target->is_tls && target->connect_host.at == NULL && upstream->proxy_is_bad)
        (void)gw_fail(err, GW_E_SYNTAX, "the proxy's URL can't be read");
    else if ((pool = gw_upstream_pool_get(upstream, target)) == NULL)
        (void)gw_fail(err, GW_E_BUSY, "more than %d upstreams at once", GW_UPSTREAM_TARGETS);
    return pool;
}

void gw_upstream_send(struct gw_upstream *upstream, struct gw_upstream_call *call)
{
    struct gw_upstream_work *work = take_work(upstream, call);

    call->err.text[0] = '\0';
    call->connected = false;
    gw_upstream_count(&upstream->counters.requests, 1);
    work->pool = find_pool(upstream, &call->target, &call->err);
    if (work->pool == NULL) {
        end_with(upstream, work);
        return;
    }
    work->exchange = (struct gw_client_exchange){.head = call->head,
                                                 .body = call->body,
                                                 .arena = call->arena,
                                                 .reply = &call->reply,
                                                 .large = call->on_head != NULL ? GW_UPSTREAM_LARGE : 0};
    work->ends_ms = gw_loop_monotonic_ms(upstream->loop) + 1 + upstream->options.total_timeout_ms;
    gw_link_append(&upstream->works, &work->link);
    gw_upstream_keep_ticking(upstream);
    gw_upstream_pool_take(work->pool, work);
}

void gw_upstream_resume(struct gw_upstream_call *call)
{
    struct gw_upstream_work *work = call->work;

    if (work == NULL || work->conn == NULL || !work->is_paused)
        return;
    work->is_paused = false;
    gw_client_resume(&work->conn->client);
}

void gw_upstream_cancel(struct gw_upstream_call *call)
{
    if (call->work != NULL)
        gw_upstream_pool_cancel(call->work);
}

const struct gw_upstream_counters *gw_upstream_counters_get(const struct gw_upstream *upstream)
{
    return &upstream->counters;
}
