/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Injected faults: a request is answered with an exception, waits, or loses its
 * connection. They come between decode and authorize, so that they are about a
 * known operation and have no effect. What was injected is recorded and counted
 * like a refusal; a delayed request goes on and is recorded as what it becomes.
 */
#include "gateway/exchange.h"

static void leave_delayed(struct gw_exchange *exchange)
{
    if (exchange->delayed_link == NULL)
        return;
    *exchange->delayed_link = exchange->next_delayed;
    if (exchange->next_delayed != NULL)
        exchange->next_delayed->delayed_link = exchange->delayed_link;
    exchange->delayed_link = NULL;
}

static void on_delay_over(void *ctx)
{
    struct gw_exchange *exchange = ctx;

    exchange->delay = NULL;
    leave_delayed(exchange);
    gw_exchange_resume(exchange);
}

static enum gw_step delay(struct gw_exchange *exchange, unsigned delay_ms)
{
    struct gw_worker *worker = exchange->worker;

    if (delay_ms == 0 || worker->draining)
        return GW_STEP_DONE;
    exchange->delay = gw_loop_after(worker->loop, delay_ms, on_delay_over, exchange);
    exchange->next_delayed = worker->delayed;
    exchange->delayed_link = &worker->delayed;
    if (exchange->next_delayed != NULL)
        exchange->next_delayed->delayed_link = &exchange->next_delayed;
    worker->delayed = exchange;
    return GW_STEP_WAITING;
}

static enum gw_step answer_error(struct gw_exchange *exchange, const struct gw_fault *fault)
{
    struct gw_eks_error error = {.code = GW_EKS_ServerException,
                                 .message = fault->message.at == NULL ? GW_STR("An injected fault.") : fault->message,
                                 .cluster_name = exchange->call.cluster};

    if (gw_eks_error_find(fault->error, &error.code) != GW_OK)
        error.message = GW_STR("An injected fault names an unknown exception.");
    return gw_answer_eks_error(exchange, &error);
}

/* What the record says of a reply that never leaves. */
static enum gw_step drop(struct gw_exchange *exchange)
{
    exchange->answer =
        (struct gw_answer){.error_type = "ConnectionDropped", .message = GW_STR("The connection was dropped.")};
    return GW_STEP_FAILED;
}

enum gw_step gw_fault_carry_out(struct gw_exchange *exchange, const struct gw_fault *fault)
{
    if (fault->kind == GW_FAULT_NONE)
        return GW_STEP_DONE;
    exchange->fault = fault->kind;
    gw_metrics_count(&exchange->worker->metrics.faults);
    if (fault->kind == GW_FAULT_DELAY)
        return delay(exchange, fault->delay_ms);
    return fault->kind == GW_FAULT_ERROR ? answer_error(exchange, fault) : drop(exchange);
}

/* What an operator ordered; looked at once, because looking counts. */
static void take_ordered(struct gw_exchange *exchange, struct gw_fault *fault)
{
    struct gw_mock *mock = exchange->worker->gateway->mock;

    if (mock == NULL || exchange->fault_taken)
        return;
    exchange->fault_taken = true;
    gw_fault_table_take(gw_mock_faults(mock), gw_str_from(gw_eks_ops[exchange->call.op].name), exchange->call.cluster,
                        exchange->arena, fault);
}

enum gw_step gw_stage_fault(struct gw_exchange *exchange)
{
    struct gw_fault fault = {.kind = GW_FAULT_NONE};
    const struct gw_policy_hooks *hooks;
    struct gw_policy_call *call;
    enum gw_step step;

    if (exchange->fault != GW_FAULT_NONE) { /* the delay is over: what policies were told may not hold any more */
        if (!gw_asks_facts_hold(exchange))
            gw_asks_restart(exchange);
        return GW_STEP_DONE;
    }
    if (gw_asks_barred(exchange))
        return gw_asks_refused(exchange);
    take_ordered(exchange, &fault);
    if (fault.kind != GW_FAULT_NONE)
        return gw_fault_carry_out(exchange, &fault);
    if (!gw_asks_wanted(exchange, GW_HOOK_FAULT))
        return GW_STEP_DONE;
    call = gw_asks_call(exchange);
    if (call == NULL)
        return gw_asks_refused(exchange);
    hooks = exchange->policies->hooks;
    step = gw_asks_step(exchange, gw_asks_begin(exchange) ? hooks->fault(hooks->ctx, call, &fault) : GW_POLICY_WAITING);
    return step == GW_STEP_DONE ? gw_fault_carry_out(exchange, &fault) : step;
}

void gw_fault_forget(struct gw_exchange *exchange)
{
    gw_loop_cancel(&exchange->delay);
    leave_delayed(exchange);
}

void gw_fault_hurry(struct gw_worker *worker)
{
    while (worker->delayed != NULL) {
        struct gw_exchange *exchange = worker->delayed;

        gw_fault_forget(exchange);
        gw_exchange_resume(exchange);
    }
}
