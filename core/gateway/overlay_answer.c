/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of an answer is ours: a cluster's accessConfig, updates of it, what the
 * store makes of a cluster that was created or deleted upstream.
 */
#include "gateway/overlay.h"

#include "base/log.h"
#include "eks/cluster.h"

#define ATTEMPTS 16

static enum gw_eks_auth_mode default_mode(const struct gw_exchange *exchange)
{
    return exchange->worker->gateway->options.overlay.authentication_mode;
}

/* Of what was seen; a row of another incarnation says nothing of it. */
static enum gw_eks_auth_mode mode_of(const struct gw_exchange *exchange)
{
    const struct gw_cluster *row = gw_eks_overlay_find(&exchange->call, exchange->worker->gateway->store);

    return gw_eks_overlay_is_same(row, &exchange->overlay->seen) ? (enum gw_eks_auth_mode)row->mode
                                                                 : default_mode(exchange);
}

static enum gw_step refuse_large(struct gw_exchange *exchange)
{
    return gw_answer_error(exchange, GW_EKS_ServerException, GW_STR("The upstream's reply is too large."));
}

void gw_overlay_fill_facts(const struct gw_exchange *exchange, struct gw_eks_facts *facts)
{
    if ((facts->asked & GW_EKS_FACT_CLUSTER) == 0 || !facts->has_cluster)
        return;
    facts->cluster = gw_eks_overlay_merge(&exchange->overlay->seen, mode_of(exchange), exchange->arena);
}

enum gw_step gw_overlay_check(struct gw_exchange *exchange)
{
    struct gw_eks_env env = gw_exchange_env(exchange);
    struct gw_eks_error error = {0};

    if (exchange->call.op != GW_EKS_CreateCluster || gw_eks_cluster_check_room(&exchange->call, &env, &error) == GW_OK)
        return GW_STEP_DONE;
    return gw_answer_eks_error(exchange, &error);
}

bool gw_overlay_answers(const struct gw_exchange *exchange)
{
    return gw_overlay_is_on(exchange) && !exchange->call.is_forwarded &&
           (gw_overlay_is_absent(exchange) || exchange->call.op == GW_EKS_DescribeCluster);
}

enum gw_step gw_overlay_answer(struct gw_exchange *exchange)
{
    struct gw_eks_error error = {0};
    struct gw_str body;

    if (gw_overlay_is_absent(exchange)) {
        (void)gw_eks_overlay_refuse_absent(&exchange->call, &error);
        return gw_answer_eks_error(exchange, &error);
    }
    body = gw_eks_overlay_reply(&exchange->overlay->seen, mode_of(exchange), exchange->arena);
    if (body.at == NULL)
        return refuse_large(exchange);
    exchange->answer = (struct gw_answer){.status = 200, .body = body};
    return GW_STEP_DONE;
}

/* The upstream has it, this gateway doesn't know it as it was asked for. */
static enum gw_step refuse_half(struct gw_exchange *exchange, const char *why)
{
    gw_log(GW_LOG_ERROR, "upstream", "a cluster was made upstream, and its accessConfig is lost (request %s): %s",
           exchange->request_id, why);
    return gw_answer_error(exchange, GW_EKS_ServerException,
                           GW_STR("The upstream made the cluster, but its accessConfig and its creator's access entry "
                                  "could not be stored. Delete the cluster and try again."));
}

static enum gw_step fail_follow(struct gw_exchange *exchange, const char *why)
{
    gw_eks_result_drop(&exchange->overlay->change.result);
    if (exchange->call.op == GW_EKS_CreateCluster)
        return refuse_half(exchange, why);
    /* The row stays, and is noticed when another cluster of that name is met. */
    gw_log(GW_LOG_WARN, "upstream", "the entries of a deleted cluster stay for now (request %s): %s",
           exchange->request_id, why);
    return GW_STEP_DONE;
}

/* DONE: there is nothing to change (any more). */
static enum gw_step change_row(struct gw_exchange *exchange)
{
    struct gw_overlay *overlay = exchange->overlay;
    struct gw_eks_env env = gw_exchange_env(exchange);
    struct gw_eks_error error = {0};

    if (overlay->attempts++ == ATTEMPTS)
        return fail_follow(exchange, "it keeps changing");
    if (exchange->call.op == GW_EKS_DeleteCluster)
        gw_eks_overlay_drop(&exchange->call, &env, &overlay->seen, &overlay->change);
    else if (gw_eks_overlay_create(&exchange->call, &env, &overlay->seen, default_mode(exchange), &overlay->change,
                                   &error) != GW_OK)
        return fail_follow(exchange, gw_arena_str(exchange->arena, error.message).at);
    if (!overlay->change.result.is_change)
        return GW_STEP_DONE;
    if (gw_overlay_write(exchange) != GW_OK)
        return fail_follow(exchange, "the writer takes no change");
    return GW_STEP_WAITING;
}

static enum gw_step go_on(struct gw_exchange *exchange)
{
    struct gw_overlay *overlay = exchange->overlay;

    if (!overlay->change.result.is_change)
        return change_row(exchange);
    if (!overlay->is_written)
        return GW_STEP_WAITING;
    if (overlay->job.status == GW_E_STALE) {
        gw_eks_result_drop(&overlay->change.result);
        return change_row(exchange);
    }
    if (overlay->job.status != GW_OK)
        return fail_follow(exchange, gw_status_name(overlay->job.status));
    overlay->change.result.is_change = false; /* the store owns its objects now */
    return GW_STEP_DONE;
}

/* Reads the cluster that the reply shows. False: it shows none, and goes to the client as it is. */
static bool begin_follow(struct gw_exchange *exchange)
{
    struct gw_overlay *overlay = gw_overlay_of(exchange);
    struct gw_err err;

    if (gw_eks_overlay_read(exchange->answer.body, exchange->call.cluster, exchange->arena, &overlay->seen, &err) !=
        GW_OK) {
        gw_log(GW_LOG_WARN, "upstream", "the upstream's reply to %s isn't one (request %s): %s",
               gw_eks_ops[exchange->call.op].name, exchange->request_id, err.text);
        return false;
    }
    gw_eks_overlay_enter(&exchange->call, &overlay->seen);
    overlay->follows = true;
    overlay->attempts = 0;
    overlay->change = (struct gw_eks_overlay_change){.drops = 0};
    overlay->mode = mode_of(exchange);
    return true;
}

enum gw_step gw_overlay_follow(struct gw_exchange *exchange)
{
    bool is_create = exchange->call.op == GW_EKS_CreateCluster;
    struct gw_overlay *overlay;
    struct gw_str body;
    enum gw_step step;

    if (!is_create && exchange->call.op != GW_EKS_DeleteCluster)
        return GW_STEP_DONE;
    overlay = gw_overlay_of(exchange);
    if (!overlay->follows && !begin_follow(exchange))
        return GW_STEP_DONE;
    step = go_on(exchange);
    if (step != GW_STEP_DONE)
        return step;
    body = gw_eks_overlay_reply(&overlay->seen, is_create ? mode_of(exchange) : overlay->mode, exchange->arena);
    if (body.at == NULL)
        return refuse_large(exchange);
    exchange->answer.body = body;
    return GW_STEP_DONE;
}

enum gw_step gw_overlay_join(struct gw_exchange *exchange, enum gw_step step)
{
    const struct gw_upstream_call *call = &exchange->forward->call;
    const struct gw_cluster *row;

    if (step == GW_STEP_WAITING || gw_eks_overlay_side(&exchange->call) != GW_EKS_SIDE_BOTH ||
        call->outcome != GW_UPSTREAM_REPLIED)
        return step;
    if (gw_eks_overlay_is_unknown_operation(call->reply.status, gw_forward_error_type(call))) {
        exchange->call.is_forwarded = false; /* the stage runs again, with the store */
        return GW_STEP_AGAIN;
    }
    if (step != GW_STEP_DONE || exchange->call.op != GW_EKS_ListUpdates)
        return step;
    row = gw_eks_overlay_find(&exchange->call, exchange->worker->gateway->store);
    if (gw_eks_overlay_list_updates(&exchange->call, row, exchange->answer.body, &exchange->answer.body) == GW_OK)
        return GW_STEP_DONE;
    return gw_answer_error(exchange, GW_EKS_ServerException, GW_STR("The upstream's reply isn't one of ListUpdates."));
}
