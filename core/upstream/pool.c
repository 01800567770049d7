/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of one target, and those who wait for one.
 *
 *   take: kept connection, the last used first -> else wait -> pump
 *   pump: as many connections are opened as works wait, up to the bound
 *
 * What a failure means for the work on the connection:
 *
 *   not opened                       next address; after the last, the work that has waited longest ends, not sent
 *   no byte of it went out           again, once, on a fresh connection; then not sent
 *   kept, no byte of a reply came    the same if it may be repeated; else unknown
 *   anything else                    unknown
 *
 * A reply in pieces has been answered from its first on: the breaker hears of that,
 * and of its end where the upstream is to blame, not the receiver that took its
 * time or left.
 */
#include "upstream/inner.h"

static struct gw_upstream_work *first_waiting(struct gw_upstream_pool *pool)
{
    return gw_link_is_empty(&pool->waiting) ? NULL : GW_LINK_OF(pool->waiting.after, struct gw_upstream_work, queued);
}

/* What settled in an earlier turn is idle. */
static void settle(struct gw_upstream_pool *pool)
{
    uint64_t turn = gw_loop_turns(pool->upstream->loop);

    if (pool->settling_count == 0 || pool->settling_turn == turn)
        return;
    for (struct gw_link *at = pool->settling.after; at != &pool->settling; at = at->after)
        GW_LINK_OF(at, struct gw_upstream_conn, idle)->settling = false;
    gw_link_splice(&pool->idle, &pool->settling);
    pool->settling_count = 0;
}

static struct gw_upstream_conn *first_idle(struct gw_upstream_pool *pool)
{
    return gw_link_is_empty(&pool->idle) ? NULL : GW_LINK_OF(pool->idle.after, struct gw_upstream_conn, idle);
}

static void enqueue(struct gw_upstream_pool *pool, struct gw_upstream_work *work, bool in_front)
{
    work->queued_ms = gw_loop_monotonic_ms(pool->upstream->loop);
    if (in_front)
        gw_link_prepend(&pool->waiting, &work->queued);
    else
        gw_link_append(&pool->waiting, &work->queued);
    pool->waiting_count++;
    gw_upstream_count(&pool->upstream->counters.waiting, 1);
}

static void dequeue(struct gw_upstream_pool *pool, struct gw_upstream_work *work)
{
    gw_link_cut(&work->queued);
    pool->waiting_count--;
    gw_upstream_count(&pool->upstream->counters.waiting, -1);
    if (pool->waiting_count == 0)
        pool->resolving = false;
}

void gw_upstream_pool_close_idle(struct gw_upstream_pool *pool)
{
    struct gw_upstream_conn *conn;

    gw_link_splice(&pool->idle, &pool->settling);
    while ((conn = first_idle(pool)) != NULL)
        gw_upstream_conn_close(conn);
}

/* `why` is a view into what goes when the connection does: used first. */
static void explain(struct gw_upstream_work *work, const char *why)
{
    const struct gw_upstream_target *target = &work->pool->target;

    (void)gw_fail(&work->call->err, GW_E_IO, "%.*s:%u: %.400s", GW_STR_ARG(target->host), (unsigned)target->port, why);
}

static void end_waiting(struct gw_upstream_work *work, const char *why)
{
    if (work->is_probe)
        gw_breaker_abstain(&work->pool->breaker);
    dequeue(work->pool, work);
    explain(work, why);
    gw_upstream_end(work);
}

/* Nobody has to wait for what is known not to come. */
static void end_all_waiting(struct gw_upstream_pool *pool, const char *why)
{
    struct gw_upstream_work *work;

    while ((work = first_waiting(pool)) != NULL)
        end_waiting(work, why);
}

static bool count_failure(struct gw_upstream_pool *pool, bool is_probe)
{
    struct gw_upstream *upstream = pool->upstream;
    int64_t until_ms = gw_loop_monotonic_ms(upstream->loop) + upstream->options.breaker_open_ms;
    bool opened = gw_breaker_fail(&pool->breaker, is_probe, upstream->options.breaker_failures, until_ms);

    if (opened)
        gw_upstream_count(&upstream->counters.breaker_opened, 1);
    return opened;
}

/* A connection didn't come about: the one that has waited longest ends. */
static void fail_first(struct gw_upstream_pool *pool, const char *why)
{
    struct gw_upstream_work *work = first_waiting(pool);
    bool is_probe = work != NULL && work->is_probe;

    if (work != NULL) {
        work->is_probe = false;
        end_waiting(work, why);
    }
    if (count_failure(pool, is_probe))
        end_all_waiting(pool, why);
}

static void set_deadline(struct gw_upstream_conn *conn, unsigned delay_ms)
{
    conn->deadline_ms = gw_loop_monotonic_ms(conn->pool->upstream->loop) + 1 + delay_ms;
}

/* Of the exchange, as far as it is. */
static void follow_exchange(struct gw_upstream_conn *conn)
{
    const struct gw_upstream_options *options = &conn->pool->upstream->options;

    if (conn->client.state == GW_CLIENT_WAITING)
        set_deadline(conn, options->first_byte_timeout_ms);
    else if (conn->client.state == GW_CLIENT_WRITING)
        set_deadline(conn, options->write_timeout_ms);
    else
        conn->deadline_ms = INT64_MAX;
}

/* The work's connection has failed it. Gives whether it waits again. */
static bool settle_failed(struct gw_upstream_work *work, bool was_kept, const char *why)
{
    const struct gw_client_exchange *exchange = &work->exchange;
    bool safe = !exchange->touched || (was_kept && !exchange->answered && work->call->may_repeat);

    work->conn = NULL;
    work->touched |= exchange->touched;
    if (safe && !work->repeated) {
        work->repeated = true;
        gw_upstream_count(&work->pool->upstream->counters.retries, 1);
        enqueue(work->pool, work, true);
        return true;
    }
    explain(work, why);
    gw_upstream_end(work);
    return false;
}

/* The work on the connection goes again or ends; the other kept ones are suspect then. `why` may be of the connection,
 * which is gone afterwards. */
static void fail_exchange(struct gw_upstream_conn *conn, const char *why)
{
    struct gw_upstream_pool *pool = conn->pool;
    bool is_probe = conn->work->is_probe;
    bool is_there = conn->work->is_paused || conn->work->exchange.answered;

    if (settle_failed(conn->work, conn->kept, why))
        gw_upstream_pool_close_idle(pool);
    else if (is_there && is_probe)
        gw_breaker_abstain(&pool->breaker);
    else if (!is_there && count_failure(pool, is_probe))
        end_all_waiting(pool, why);
    gw_upstream_conn_close(conn);
    gw_upstream_pool_pump(pool);
}

/* Where that fails at once the connection is gone, and the work waits again or has ended. */
static void start(struct gw_upstream_conn *conn, struct gw_upstream_work *work)
{
    conn->work = work;
    work->conn = conn;
    if (GW_LIKELY(gw_client_send(&conn->client, &work->exchange) == GW_OK)) {
        follow_exchange(conn);
        return;
    }
    fail_exchange(conn, conn->client.err.text);
}

static void keep(struct gw_upstream_conn *conn)
{
    conn->kept = true;
    conn->idle_ms = gw_loop_monotonic_ms(conn->pool->upstream->loop);
    set_deadline(conn, conn->pool->upstream->options.idle_timeout_ms);
    settle(conn->pool);
    conn->pool->settling_turn = gw_loop_turns(conn->pool->upstream->loop);
    conn->pool->settling_count++;
    conn->settling = true;
    gw_link_prepend(&conn->pool->settling, &conn->idle);
}

/* A connection that is worth a request: one that was idle for long, or is to carry a change, is looked at first, so
 * that its end, known here already, doesn't leave the change unknown. */
static struct gw_upstream_conn *take_idle(struct gw_upstream_pool *pool, const struct gw_upstream_work *work)
{
    int64_t since_ms = gw_loop_monotonic_ms(pool->upstream->loop) - GW_UPSTREAM_TRUST_MS;
    struct gw_upstream_conn *conn;

    settle(pool);
    while ((conn = first_idle(pool)) != NULL) {
        bool trusted = work->call->may_repeat && conn->idle_ms >= since_ms;

        if (trusted || gw_client_check(&conn->client)) {
            gw_link_cut(&conn->idle);
            return conn;
        }
        gw_upstream_conn_close(conn);
    }
    return NULL;
}

static void explain_opening(const struct gw_upstream_conn *conn, struct gw_err *err)
{
    char address[GW_ADDRESS_TEXT];

    (void)gw_address_print(&conn->client.peer.address, address);
    (void)gw_fail(err, GW_E_IO, "no connection to %s: %.300s", address, conn->client.err.text);
}

/* No address answered. Why is the last one's reason, or that of a handshake, which says more than that nobody is at
 * another address. */
static void give_up_opening(struct gw_upstream_conn *conn)
{
    struct gw_upstream_pool *pool = conn->pool;
    struct gw_err err;

    explain_opening(conn, &err);
    if (conn->tls_why != NULL)
        (void)gw_fail(&err, GW_E_IO, "%s", conn->tls_why);
    gw_upstream_conn_close(conn);
    gw_resolver_doubt(pool->upstream->resolver, pool->peer_host);
    fail_first(pool, err.text);
}

static void open_conn(struct gw_upstream_pool *pool, const struct gw_resolver_answer *answer, int64_t since_ms)
{
    struct gw_upstream_conn *conn = gw_upstream_conn_new(pool, answer, since_ms);

    if (gw_upstream_conn_open(conn) != GW_OK)
        give_up_opening(conn);
}

/* True: something was begun or ended, so pumping goes on. */
static bool open_one(struct gw_upstream_pool *pool)
{
    struct gw_upstream *upstream = pool->upstream;
    struct gw_resolver_answer answer;
    struct gw_err err = {""};
    int64_t now_ms = gw_loop_monotonic_ms(upstream->loop);
    enum gw_status status = gw_resolver_find(upstream->resolver, &upstream->waiter, pool->peer_host, &answer, &err);

    if (status == GW_AGAIN) {
        if (!pool->resolving)
            pool->resolving_ms = now_ms;
        pool->resolving = true;
        return false;
    }
    if (status == GW_OK)
        open_conn(pool, &answer, pool->resolving ? pool->resolving_ms : now_ms);
    else
        fail_first(pool, err.text);
    return true;
}

void gw_upstream_pool_pump(struct gw_upstream_pool *pool)
{
    size_t most = pool->upstream->options.connections_max;
    struct gw_upstream_work *work;
    bool resolved = false;

    while ((work = first_waiting(pool)) != NULL) {
        struct gw_upstream_conn *conn = work->repeated ? NULL : take_idle(pool, work);

        if (conn != NULL) {
            dequeue(pool, work);
            start(conn, work);
            continue;
        }
        if (pool->open >= most && first_idle(pool) != NULL)
            gw_upstream_conn_close(first_idle(pool));
        if (pool->opening + pool->settling_count >= pool->waiting_count || pool->open >= most)
            break;
        if (!open_one(pool))
            break;
        resolved = true;
    }
    if (resolved && pool->resolving)
        pool->resolving = false;
    if (pool->waiting_count > 0 && pool->settling_count > 0 && !pool->upstream->settling) {
        pool->upstream->settling = true;
        gw_alarm_next(pool->upstream->settled_alarm);
    }
}

/* Those that a connection is being opened for, or can be, don't count: on the whole there are never more than
 * connections_max and waiting_max. */
static bool is_full(const struct gw_upstream_pool *pool)
{
    const struct gw_upstream_options *options = &pool->upstream->options;
    size_t established = pool->open - pool->opening - pool->settling_count;

    return pool->waiting_count + established >= options->connections_max + options->waiting_max;
}

void gw_upstream_pool_take(struct gw_upstream_pool *pool, struct gw_upstream_work *work)
{
    enum gw_breaker_verdict verdict = gw_breaker_ask(&pool->breaker, gw_loop_monotonic_ms(pool->upstream->loop));
    struct gw_upstream_conn *conn = NULL;

    if (GW_UNLIKELY(verdict == GW_BREAKER_STOP)) {
        explain(work, "it has failed too often, and is left alone for a while");
        gw_upstream_end(work);
        return;
    }
    work->is_probe = verdict == GW_BREAKER_PROBE;
    if (pool->waiting_count == 0)
        conn = take_idle(pool, work);
    if (GW_LIKELY(conn != NULL)) {
        start(conn, work);
    } else if (is_full(pool)) {
        if (work->is_probe)
            gw_breaker_abstain(&pool->breaker);
        explain(work, "too many requests wait for a connection");
        gw_upstream_end(work);
    } else {
        enqueue(pool, work, false);
        gw_upstream_pool_pump(pool);
    }
}

void gw_upstream_pool_give_up(struct gw_upstream_work *work)
{
    if (work->conn == NULL) {
        end_waiting(work, "the time for it passed while it waited for a connection");
        return;
    }
    work->repeated = true;
    fail_exchange(work->conn, "the time for its reply has passed");
}

void gw_upstream_pool_cancel(struct gw_upstream_work *work)
{
    static const char why[] = "nobody waits for its reply any more";
    struct gw_upstream_conn *conn = work->conn;

    if (conn == NULL && gw_link_is_empty(&work->queued))
        return; /* it has ended */
    work->is_given_up = true;
    if (conn == NULL) {
        end_waiting(work, why);
        return;
    }
    if (work->is_probe)
        gw_breaker_abstain(&work->pool->breaker);
    work->conn = NULL;
    work->touched |= work->exchange.touched;
    explain(work, why);
    gw_upstream_end(work);
    gw_upstream_conn_close(conn);
    gw_upstream_pool_pump(work->pool);
}

void gw_upstream_pool_expire_names(struct gw_upstream_pool *pool)
{
    int64_t before_ms =
        gw_loop_monotonic_ms(pool->upstream->loop) - 1 - (int64_t)pool->upstream->options.connect_timeout_ms;
    struct gw_upstream_work *work;

    while ((work = first_waiting(pool)) != NULL && work->queued_ms <= before_ms)
        fail_first(pool, "no name server has answered in time");
}

/* Opening: on to the next address. */
static void reopen(struct gw_upstream_conn *conn)
{
    struct gw_upstream_pool *pool = conn->pool;

    if (gw_upstream_conn_open(conn) == GW_OK)
        return;
    give_up_opening(conn);
    gw_upstream_pool_pump(pool);
}

static void expire_opening(struct gw_upstream_conn *conn)
{
    enum gw_client_state state = conn->client.state;
    const char *what = state == GW_CLIENT_PROXYING ? "the proxy" : "the connection";

    if (state == GW_CLIENT_HANDSHAKING) {
        what = "the TLS handshake";
        gw_upstream_count(&conn->pool->upstream->counters.handshakes_failed, 1);
    }
    (void)gw_fail(&conn->client.err, GW_E_IO, "%s took too long", what);
    gw_client_close(&conn->client);
    reopen(conn);
}

void gw_upstream_pool_expire(struct gw_upstream_conn *conn)
{
    bool is_writing = conn->client.state == GW_CLIENT_WRITING;

    if (conn->opening) {
        expire_opening(conn);
    } else if (conn->work == NULL) {
        gw_upstream_conn_close(conn);
    } else {
        conn->work->repeated = true;
        fail_exchange(conn,
                      is_writing ? "it took too long to take the request" : "it took too long to begin its reply");
    }
}

static void on_opened(struct gw_upstream_conn *conn)
{
    struct gw_upstream_pool *pool = conn->pool;
    struct gw_upstream_work *work = first_waiting(pool);

    conn->opening = false;
    pool->opening--;
    pool->good = conn->client.peer.address;
    if (work == NULL) {
        keep(conn);
        return;
    }
    dequeue(pool, work);
    start(conn, work);
}

bool gw_upstream_on_head(struct gw_client *client)
{
    struct gw_upstream_conn *conn = (struct gw_upstream_conn *)client;
    struct gw_upstream_call *call = conn->work->call;

    if (!call->on_head(call->ctx, call))
        return false;
    gw_breaker_succeed(&conn->pool->breaker);
    conn->work->is_probe = false;
    follow_exchange(conn);
    return true;
}

bool gw_upstream_on_piece(struct gw_client *client, struct gw_str piece)
{
    struct gw_upstream_work *work = ((struct gw_upstream_conn *)client)->work;

    switch (work->call->on_piece(work->call->ctx, work->call, piece)) {
    case GW_UPSTREAM_GO_ON:
        return true;
    case GW_UPSTREAM_PAUSE:
        work->is_paused = true;
        gw_client_pause(client);
        return false;
    case GW_UPSTREAM_GIVE_UP:
        break;
    }
    gw_upstream_pool_cancel(work);
    return false;
}

static void on_replied(struct gw_upstream_conn *conn)
{
    struct gw_upstream_pool *pool = conn->pool;
    struct gw_upstream_work *work = conn->work;

    gw_breaker_succeed(&pool->breaker);
    conn->work = NULL;
    work->conn = NULL;
    if (GW_LIKELY(conn->client.state == GW_CLIENT_IDLE))
        keep(conn);
    else
        gw_upstream_conn_close(conn);
    if (pool->waiting_count > 0)
        gw_upstream_pool_pump(pool);
    gw_upstream_deliver(work);
}

static void take_tls_failure(struct gw_upstream_conn *conn)
{
    struct gw_err err;

    gw_upstream_count(&conn->pool->upstream->counters.handshakes_failed, 1);
    if (conn->tls_why != NULL)
        return;
    explain_opening(conn, &err);
    conn->tls_why = gw_str_dup(gw_str_from(err.text));
}

static void on_ended(struct gw_upstream_conn *conn)
{
    if (conn->opening) {
        if (conn->client.tls_failed)
            take_tls_failure(conn);
        reopen(conn);
    } else if (conn->work == NULL) {
        gw_upstream_conn_close(conn);
    } else {
        fail_exchange(conn, conn->client.err.text);
    }
}

void gw_upstream_on_event(struct gw_client *client, enum gw_client_event event)
{
    struct gw_upstream_conn *conn = (struct gw_upstream_conn *)client;

    switch (event) {
    case GW_CLIENT_OPENED:
        on_opened(conn);
        return;
    case GW_CLIENT_WRITTEN:
    case GW_CLIENT_BEGUN:
        follow_exchange(conn);
        return;
    case GW_CLIENT_REPLIED:
        on_replied(conn);
        return;
    case GW_CLIENT_ENDED:
        on_ended(conn);
        return;
    }
}
