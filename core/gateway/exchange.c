/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a request: the table below names the stages in their order. A stage
 * answers done, waiting or failed; a failed one has filled the answer with a
 * refusal, which is recorded like everything else before it leaves.
 *
 *   receive -> route -> admit -> read body -> verify -> decode -> fault -> authorize -> complete -> check -> prepare
 *           -> record -> apply -> settle -> reply
 *
 * The server calls in with a head (route, admit), then with the whole request (the
 * rest); the writer thread's answer comes in through the worker's wake-up. Each
 * call runs inside one epoch.
 */
#include "gateway/pass.h"

#include "base/log.h"

static const struct {
    const char *name;
    enum gw_step (*run)(struct gw_exchange *exchange); /* NULL: the server's work */
} stages[GW_STAGE_COUNT] = {
    [GW_STAGE_ROUTE] = {"route", gw_stage_route},
    [GW_STAGE_ADMIT] = {"admit", gw_stage_admit},
    [GW_STAGE_BODY] = {"read body", NULL},
    [GW_STAGE_VERIFY] = {"verify", gw_stage_verify},
    [GW_STAGE_DECODE] = {"decode", gw_stage_decode},
    [GW_STAGE_FAULT] = {"fault", gw_stage_fault},
    [GW_STAGE_AUTHORIZE] = {"authorize", gw_stage_authorize},
    [GW_STAGE_COMPLETE] = {"complete", gw_stage_complete},
    [GW_STAGE_CHECK] = {"check", gw_stage_check},
    [GW_STAGE_PREPARE] = {"prepare", gw_stage_prepare},
    [GW_STAGE_RECORD] = {"record", gw_stage_record},
    [GW_STAGE_APPLY] = {"apply", gw_stage_apply},
    [GW_STAGE_SETTLE] = {"settle", gw_stage_settle},
    [GW_STAGE_REPLY] = {"reply", gw_stage_reply},
};

/* From the whole request on, or its refusal: while a body is awaited nothing old is kept. */
static void hold_generation(struct gw_exchange *exchange)
{
    if (exchange->policies == NULL && exchange->stage >= GW_STAGE_VERIFY)
        exchange->policies = gw_worker_policies_hold(exchange->worker);
}

void gw_exchange_refuse(struct gw_exchange *exchange)
{
    exchange->refused = true;
    exchange->refusal.at = stages[exchange->stage].name;
}

/* Runs stages from the exchange's on, up to one that waits or the end. Inside an epoch. */
static void run(struct gw_exchange *exchange)
{
    hold_generation(exchange);
    while (exchange->stage < GW_STAGE_COUNT && stages[exchange->stage].run != NULL) {
        enum gw_step step = stages[exchange->stage].run(exchange);

        if (step == GW_STEP_WAITING)
            return;
        if (step == GW_STEP_DONE) {
            exchange->stage++;
        } else if (step == GW_STEP_FAILED) {
            gw_log(GW_LOG_DEBUG, "request", "%s: %u %s at %s", exchange->request_id, exchange->answer.status,
                   exchange->answer.error_type, stages[exchange->stage].name);
            gw_exchange_refuse(exchange);
            exchange->stage = exchange->stage < GW_STAGE_RECORD ? GW_STAGE_RECORD : GW_STAGE_SETTLE;
            hold_generation(exchange);
        }
    }
}

void gw_exchange_resume(void *ctx)
{
    struct gw_exchange *exchange = ctx;
    struct gw_epoch_reader *reader = exchange->worker->reader;

    gw_epoch_enter(reader);
    run(exchange);
    gw_epoch_leave(reader);
}

static void on_job_done(struct gw_commit_job *job)
{
    struct gw_exchange *exchange = job->ctx;
    struct gw_epoch_reader *reader = exchange->worker->reader;

    gw_epoch_enter(reader);
    switch (gw_stage_applied(exchange)) {
    case GW_STEP_DONE:
        exchange->stage = GW_STAGE_SETTLE;
        break;
    case GW_STEP_FAILED:
        gw_exchange_refuse(exchange);
        exchange->stage = GW_STAGE_RECORD;
        break;
    case GW_STEP_AGAIN:
    case GW_STEP_WAITING:
        break;
    }
    run(exchange);
    gw_epoch_leave(reader);
}

static struct gw_exchange *begin(struct gw_worker *worker, struct gw_conn *conn)
{
    struct gw_arena *arena = gw_conn_arena(conn);
    struct gw_exchange *exchange = gw_arena_zero(arena, 1, sizeof(*exchange));

    exchange->worker = worker;
    exchange->conn = conn;
    exchange->arena = arena;
    exchange->job.done = on_job_done;
    exchange->job.ctx = exchange;
    gw_answer_ids(worker, exchange->request_id);
    gw_conn_set_user(conn, exchange);
    return exchange;
}

static enum gw_status on_head(void *ctx, struct gw_conn *conn)
{
    struct gw_worker *worker = ctx;
    struct gw_exchange *exchange = begin(worker, conn);
    bool goes_on;

    gw_epoch_enter(worker->reader);
    run(exchange);
    goes_on = exchange->stage == GW_STAGE_BODY;
    gw_epoch_leave(worker->reader);
    return goes_on ? GW_OK : GW_E_DENIED;
}

static void on_request(void *ctx, struct gw_conn *conn)
{
    struct gw_worker *worker = ctx;
    struct gw_exchange *exchange = gw_conn_user(conn);

    gw_epoch_enter(worker->reader);
    exchange->stage = GW_STAGE_VERIFY;
    run(exchange);
    gw_epoch_leave(worker->reader);
}

/* The error type of what the HTTP layer refuses. */
static const char *http_error_type(unsigned status)
{
    switch (status) {
    case 403:
        return "AccessDeniedException";
    case 408:
        return "RequestTimeoutException";
    case 413:
        return "RequestEntityTooLargeException";
    case 417:
        return "ExpectationFailedException";
    case 431:
        return "HeadersTooLargeException";
    case 505:
        return "HTTPVersionNotSupportedException";
    default:
        return "BadRequestException";
    }
}

static void on_refused(void *ctx, struct gw_conn *conn, const struct gw_http1_error *error)
{
    struct gw_worker *worker = ctx;
    struct gw_exchange *exchange = gw_conn_user(conn);

    if (exchange == NULL)
        exchange = begin(worker, conn);
    gw_epoch_enter(worker->reader);
    (void)gw_answer_http(exchange, error->status, http_error_type(error->status), gw_str_from(error->reason));
    gw_exchange_refuse(exchange);
    exchange->refusal.at = "receive";
    exchange->stage = GW_STAGE_RECORD;
    run(exchange);
    gw_epoch_leave(worker->reader);
}

static void on_done(void *ctx, struct gw_conn *conn)
{
    struct gw_exchange *exchange = gw_conn_user(conn);

    (void)ctx;
    if (exchange == NULL)
        return;
    gw_fault_forget(exchange);
    gw_forward_lane_leave(exchange);
    gw_asks_finish(exchange);
    gw_eks_result_drop(&exchange->result);
    gw_conn_set_user(conn, NULL);
}

/* Tunnels lead to ourselves, in the upstream's name, and nowhere else. */
static bool on_connect(void *ctx, struct gw_str authority)
{
    const struct gw_worker *worker = ctx;
    const struct gw_gateway_options *options = &worker->gateway->options;

    return options->auth == GW_GATEWAY_AUTH_UPSTREAM &&
           gw_passable_is_any_host(options->upstream.endpoint, &options->verify, authority);
}

static void on_drained(void *ctx, struct gw_conn *conn)
{
    (void)ctx;
    gw_forward_drained(gw_conn_user(conn));
}

void gw_exchange_handler(struct gw_worker *worker, struct gw_server_handler *handler)
{
    *handler = (struct gw_server_handler){.ctx = worker,
                                          .on_head = on_head,
                                          .on_request = on_request,
                                          .on_refused = on_refused,
                                          .on_done = on_done,
                                          .on_connect = on_connect,
                                          .on_drained = on_drained};
}
