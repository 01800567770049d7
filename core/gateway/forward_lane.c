/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's writer compares what a change was decided on when it commits; an
 * upstream doesn't. So changes that policies decide on a cluster's administrators go
 * one at a time, from before these are asked for until the upstream has answered.
 * Those behind wait in their worker's list, for as long as the deadline allows.
 *
 * Who changes the cluster past this process isn't held up by this.
 */
#include "gateway/forward.h"

#include "base/log.h"

/* Some reads and a change take half a second; who waits for so long is better off to try again. No longer than for an
 * upstream. */
#define WAIT_MS 20000

static void wake_worker(void *ctx)
{
    struct gw_exchange *exchange = ctx;

    gw_loop_wake(exchange->worker->loop);
}

static void leave_list(struct gw_exchange *exchange)
{
    gw_loop_cancel(&exchange->lane_timer);
    if (exchange->in_lane_link == NULL)
        return;
    *exchange->in_lane_link = exchange->next_in_lane;
    if (exchange->next_in_lane != NULL)
        exchange->next_in_lane->in_lane_link = exchange->in_lane_link;
    exchange->in_lane_link = NULL;
}

static void on_late(void *ctx)
{
    struct gw_exchange *exchange = ctx;

    exchange->lane_timer = NULL;
    exchange->is_late_in_lane = true;
    gw_exchange_resume(exchange);
}

static void join_list(struct gw_exchange *exchange)
{
    struct gw_worker *worker = exchange->worker;
    unsigned total_ms = worker->gateway->options.upstream.pool.total_timeout_ms;

    exchange->lane_timer = gw_loop_after(worker->loop, total_ms < WAIT_MS ? total_ms : WAIT_MS, on_late, exchange);
    exchange->next_in_lane = worker->in_lane;
    exchange->in_lane_link = &worker->in_lane;
    if (exchange->next_in_lane != NULL)
        exchange->next_in_lane->in_lane_link = &exchange->next_in_lane;
    worker->in_lane = exchange;
}

static enum gw_step refuse(struct gw_exchange *exchange, const char *why)
{
    gw_forward_lane_leave(exchange);
    gw_log(GW_LOG_WARN, "upstream", "request %s waits no longer for other changes of administrators of %.*s: %s",
           exchange->request_id, GW_STR_ARG(exchange->call.cluster), why);
    return gw_answer_error(exchange, GW_EKS_ServiceUnavailableException,
                           GW_STR("Other changes of who administers the cluster are under way; nothing was done. Try "
                                  "again."));
}

/* By the cluster's name alone: whose it is, and where, the upstream says. */
static enum gw_step join(struct gw_exchange *exchange)
{
    exchange->is_in_lane = true;
    exchange->lane_place = (struct gw_lane_place){.wake = wake_worker, .ctx = exchange};
    switch (gw_lanes_enter(exchange->worker->gateway->lanes, exchange->call.cluster, &exchange->lane_place)) {
    case GW_OK:
        return GW_STEP_DONE;
    case GW_AGAIN:
        join_list(exchange);
        return GW_STEP_WAITING;
    default:
        return refuse(exchange, "there are too many");
    }
}

enum gw_step gw_forward_lane_enter(struct gw_exchange *exchange)
{
    if ((exchange->facts.asked & GW_EKS_FACT_ADMINS) == 0 || exchange->call.cluster.at == NULL ||
        gw_eks_is_read_only(exchange->call.op))
        return GW_STEP_DONE;
    if (!exchange->is_in_lane)
        return join(exchange);
    if (gw_lanes_is_first(&exchange->lane_place)) {
        leave_list(exchange);
        return GW_STEP_DONE;
    }
    return exchange->is_late_in_lane ? refuse(exchange, "it has waited for long") : GW_STEP_WAITING;
}

void gw_forward_lane_leave(struct gw_exchange *exchange)
{
    leave_list(exchange);
    if (exchange->is_in_lane)
        gw_lanes_leave(exchange->worker->gateway->lanes, &exchange->lane_place);
}

/* From the front again behind each that ran: what it did may have changed the list. */
void gw_forward_lane_wake(struct gw_worker *worker)
{
    struct gw_exchange *exchange = worker->in_lane;

    while (exchange != NULL) {
        if (!gw_lanes_is_first(&exchange->lane_place)) {
            exchange = exchange->next_in_lane;
            continue;
        }
        leave_list(exchange);
        gw_exchange_resume(exchange);
        exchange = worker->in_lane;
    }
}
