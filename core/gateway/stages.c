/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages of an exchange, in the order of the table in exchange.c (fault is in
 * fault.c, record in audit.c). Each reads what earlier ones left in the exchange and either adds to
 * it or fills the answer.
 */
#include "gateway/overlay.h"
#include "gateway/shadow.h"

/* Of changes to one object that come together one gets through in each round, and Terraform sends ten at a time: the
 * associations of one entry, say. */
#define GW_STALE_ATTEMPTS 64

static const struct gw_http1_request *request_of(const struct gw_exchange *exchange)
{
    return gw_conn_request(exchange->conn);
}

enum gw_step gw_stage_route(struct gw_exchange *exchange)
{
    const struct gw_http1_request *request = request_of(exchange);

    if (gw_router_match(exchange->worker->gateway->router, request->method, request->path, &exchange->route) != GW_OK) {
        gw_metrics_count(&exchange->worker->metrics.requests_unrouted);
        return gw_answer_error(exchange, GW_EKS_MissingAuthenticationTokenException,
                               GW_STR("Missing Authentication Token"));
    }
    exchange->op_known = true;
    return GW_STEP_DONE;
}

static const struct {
    enum gw_step (*admit)(struct gw_exchange *exchange);
    enum gw_step (*verify)(struct gw_exchange *exchange);
} admissions[] = {
    [GW_GATEWAY_AUTH_SIGV4] = {gw_admit_signed, gw_verify_signed},
    [GW_GATEWAY_AUTH_UPSTREAM] = {gw_admit_passed, gw_verify_passed},
    [GW_GATEWAY_AUTH_NONE] = {gw_admit_anybody, gw_verify_anybody},
};

enum gw_step gw_stage_admit(struct gw_exchange *exchange)
{
    return admissions[exchange->worker->gateway->options.auth].admit(exchange);
}

static void fill_call(struct gw_exchange *exchange)
{
    struct gw_eks_call *call = &exchange->call;

    call->op = exchange->route.op;
    call->arena = exchange->arena;
    call->partition = exchange->caller.identity.partition;
    call->account = exchange->caller.identity.account;
    call->region = exchange->verify.region;
    call->caller = &exchange->caller.identity;
    call->request_id = (struct gw_str){exchange->request_id, 36};
    memcpy(call->raw_labels, exchange->route.labels, sizeof(call->raw_labels));
    call->label_count = exchange->route.label_count;
    call->query = request_of(exchange)->query;
    call->body = gw_conn_body(exchange->conn);
    call->is_forwarded = gw_forward_wanted(exchange);
    if (gw_overlay_is_on(exchange))
        gw_overlay_choose(exchange); /* by the operation; once more when it is decoded */
}

enum gw_step gw_stage_verify(struct gw_exchange *exchange)
{
    enum gw_step step = admissions[exchange->worker->gateway->options.auth].verify(exchange);

    if (step != GW_STEP_DONE)
        return step;
    exchange->caller_known = true;
    fill_call(exchange);
    return GW_STEP_DONE;
}

enum gw_step gw_stage_decode(struct gw_exchange *exchange)
{
    struct gw_eks_error error = {0};

    if (!gw_eks_is_served(exchange->call.op) && !exchange->call.is_forwarded)
        return gw_answer_error(exchange, GW_EKS_NotImplementedException,
                               gw_arena_printf(exchange->arena,
                                               "%s is not served here: without the setting `upstream`, which would "
                                               "forward it to an EKS endpoint, only operations on access entries and "
                                               "on clusters are answered.",
                                               gw_eks_ops[exchange->call.op].name));
    if (gw_eks_decode(&exchange->call, &error) != GW_OK)
        return gw_answer_eks_error(exchange, &error);
    if (gw_overlay_is_on(exchange))
        gw_overlay_choose(exchange);
    return GW_STEP_DONE;
}

/* Nobody but the second set. It takes its turn all the same. */
static enum gw_step ask_shadow(struct gw_exchange *exchange)
{
    if (!gw_shadow_is_due(exchange))
        return GW_STEP_DONE;
    if (!gw_asks_begin(exchange))
        return gw_asks_step(exchange, GW_POLICY_WAITING);
    gw_shadow_ask(exchange);
    return gw_asks_step(exchange, GW_POLICY_DONE);
}

enum gw_step gw_stage_authorize(struct gw_exchange *exchange)
{
    const struct gw_policy_hooks *hooks;
    struct gw_policy_call *call;
    enum gw_step step = GW_STEP_DONE;

    if (exchange->policies_wait)
        step = GW_STEP_DONE; /* what they were told stands */
    else if (gw_overlay_is_on(exchange))
        step = gw_overlay_enter(exchange);
    else if (exchange->call.is_forwarded)
        step = gw_forward_facts(exchange);
    if (step != GW_STEP_DONE)
        return step;
    if (!gw_asks_wanted(exchange, GW_HOOK_AUTHORIZE))
        return ask_shadow(exchange);
    call = gw_asks_call(exchange);
    if (call == NULL)
        return gw_asks_refused(exchange);
    if (!gw_asks_begin(exchange))
        return gw_asks_step(exchange, GW_POLICY_WAITING);
    gw_shadow_ask(exchange);
    hooks = exchange->policies->hooks;
    return gw_asks_step(exchange, hooks->authorize(hooks->ctx, call));
}

bool gw_stage_takes_username(const struct gw_exchange *exchange)
{
    if (gw_overlay_is_absent(exchange))
        return false;
    if (exchange->call.is_forwarded && exchange->call.op == GW_EKS_UpdateAccessEntry)
        return gw_eks_wants_username_of(&exchange->call, exchange->facts.has_entry ? &exchange->facts.entry : NULL);
    return gw_eks_wants_username(&exchange->call, exchange->worker->gateway->store);
}

static enum gw_step complete_username(struct gw_exchange *exchange)
{
    const struct gw_policy_hooks *hooks;
    struct gw_str username = GW_STR_NONE;
    struct gw_policy_call *call;
    enum gw_step step;

    if (exchange->username_asked || !gw_stage_takes_username(exchange) || !gw_asks_wanted(exchange, GW_HOOK_USERNAME))
        return GW_STEP_DONE;
    call = gw_asks_call(exchange);
    if (call == NULL)
        return gw_asks_refused(exchange);
    hooks = exchange->policies->hooks;
    step = gw_asks_step(exchange,
                        gw_asks_begin(exchange) ? hooks->username(hooks->ctx, call, &username) : GW_POLICY_WAITING);
    exchange->username_asked = step == GW_STEP_DONE; /* the stage runs again where the tags had to wait */
    if (step == GW_STEP_DONE && username.at != NULL)
        gw_eks_set_username(&exchange->call, username);
    return step;
}

static enum gw_step complete_tags(struct gw_exchange *exchange)
{
    const struct gw_policy_hooks *hooks;
    const struct gw_pair *tags = NULL;
    size_t count = 0;
    struct gw_policy_call *call;
    enum gw_step step;

    if (!gw_eks_wants_tags(&exchange->call) || !gw_asks_wanted(exchange, GW_HOOK_TAGS))
        return GW_STEP_DONE;
    call = gw_asks_call(exchange);
    if (call == NULL)
        return gw_asks_refused(exchange);
    hooks = exchange->policies->hooks;
    step = gw_asks_step(exchange, gw_asks_begin(exchange)
                                      ? hooks->tags(hooks->ctx, call, gw_eks_sent_tags(&exchange->call), &tags, &count)
                                      : GW_POLICY_WAITING);
    if (step == GW_STEP_DONE && count > 0)
        gw_eks_add_tags(&exchange->call, tags, count);
    return step;
}

enum gw_step gw_stage_complete(struct gw_exchange *exchange)
{
    enum gw_step step = complete_username(exchange);

    return step == GW_STEP_DONE ? complete_tags(exchange) : step;
}

enum gw_step gw_stage_check(struct gw_exchange *exchange)
{
    struct gw_eks_error error = {0};

    /* The rules are the upstream's; what policies chose is checked when the request is built. */
    if (exchange->call.is_forwarded)
        return gw_overlay_is_on(exchange) ? gw_overlay_check(exchange) : GW_STEP_DONE;
    if (gw_eks_check(&exchange->call, &gw_exchange_settings(exchange)->limits, &error) != GW_OK)
        return gw_answer_eks_error(exchange, &error);
    return GW_STEP_DONE;
}

struct gw_eks_env gw_exchange_env(const struct gw_exchange *exchange)
{
    return gw_gateway_env(exchange->worker->gateway, gw_exchange_settings(exchange));
}

/* Whether a policy wants the principal's entry to be the answer to a create. DONE: `adopt` says so. */
static enum gw_step ask_conflict(struct gw_exchange *exchange, bool *adopt)
{
    const struct gw_policy_hooks *hooks;
    struct gw_policy_call *call;

    *adopt = false;
    if (!gw_asks_wanted(exchange, GW_HOOK_CONFLICT))
        return GW_STEP_DONE;
    call = gw_asks_call(exchange);
    if (call == NULL)
        return gw_asks_refused(exchange);
    hooks = exchange->policies->hooks;
    return gw_asks_step(exchange,
                        gw_asks_begin(exchange) ? hooks->conflict(hooks->ctx, call, adopt) : GW_POLICY_WAITING);
}

/* Policies decided on what no longer holds: they are asked again, unless that keeps happening. */
static enum gw_step decide_anew(struct gw_exchange *exchange)
{
    struct gw_eks_error error = {0};

    gw_metrics_count(&exchange->worker->metrics.decisions_overtaken);
    gw_eks_result_drop(&exchange->result);
    if (exchange->restarts == GW_STALE_ATTEMPTS) {
        gw_eks_stage_error(&exchange->call, GW_E_STALE, &gw_exchange_settings(exchange)->limits, &error);
        return gw_answer_eks_error(exchange, &error);
    }
    exchange->restarts++;
    gw_asks_restart(exchange);
    gw_overlay_leave(exchange);
    exchange->stage = GW_STAGE_AUTHORIZE;
    return GW_STEP_AGAIN;
}

static enum gw_step refuse_or_adopt(struct gw_exchange *exchange, const struct gw_eks_env *env,
                                    const struct gw_eks_error *error)
{
    struct gw_eks_result *result = &exchange->result;
    bool adopt;

    if (gw_eks_may_adopt(&exchange->call, error)) {
        enum gw_step step = ask_conflict(exchange, &adopt);

        if (step != GW_STEP_DONE)
            return step;
        exchange->adopted = adopt && gw_eks_adopt(&exchange->call, env, &result->reply) == GW_OK;
        if (exchange->adopted && !gw_asks_facts_hold(exchange)) {
            exchange->adopted = false;
            return decide_anew(exchange);
        }
    }
    if (!exchange->adopted)
        return gw_answer_eks_error(exchange, error);
    exchange->answer = (struct gw_answer){.status = 200, .body = result->reply};
    return GW_STEP_DONE;
}

/* A mock's state may be replaced as a whole, but not while it is looked at. */
static enum gw_status prepare(struct gw_exchange *exchange, const struct gw_eks_env *env, struct gw_eks_error *error)
{
    struct gw_mock *mock = exchange->worker->gateway->mock;
    enum gw_status status;

    if (mock != NULL)
        gw_mock_hold(mock);
    status = gw_eks_prepare(&exchange->call, env, &exchange->result, error);
    if (mock != NULL)
        gw_mock_let_go(mock);
    return status;
}

enum gw_step gw_stage_prepare(struct gw_exchange *exchange)
{
    struct gw_eks_env env = gw_exchange_env(exchange);
    struct gw_eks_error error = {0};
    enum gw_status status;

    if (exchange->call.is_forwarded)
        return gw_forward_prepare(exchange);
    if (gw_overlay_answers(exchange))
        return gw_overlay_answer(exchange);
    status = prepare(exchange, &env, &error);
    /* Looked at behind prepare: what holds now held when it read the store. */
    if (!gw_asks_facts_hold(exchange))
        return decide_anew(exchange);
    if (status != GW_OK)
        return refuse_or_adopt(exchange, &env, &error);
    gw_eks_facts_watch(&exchange->facts, &exchange->result.change);
    exchange->answer = (struct gw_answer){.status = exchange->result.status, .body = exchange->result.reply};
    return GW_STEP_DONE;
}

bool gw_stage_forwards(const struct gw_exchange *exchange)
{
    return exchange->call.is_forwarded && !exchange->refused && !gw_eks_is_read_only(exchange->call.op);
}

static enum gw_step answer_unavailable(struct gw_exchange *exchange, struct gw_str message)
{
    struct gw_eks_error error = {.code = GW_EKS_ServiceUnavailableException, .message = message};

    gw_metrics_count(&exchange->worker->metrics.records_refused);
    exchange->unrecordable = true;
    gw_eks_result_drop(&exchange->result);
    return gw_answer_eks_error(exchange, &error);
}

enum gw_step gw_stage_not_written(struct gw_exchange *exchange, enum gw_status status)
{
    if (exchange->refused) {
        gw_metrics_count(&exchange->worker->metrics.refusals_unrecorded);
        return GW_STEP_DONE;
    }
    if (status == GW_E_UNKNOWN)
        return answer_unavailable(
            exchange, GW_STR("Whether the change was stored can't be told until this gateway has been restarted."));
    return answer_unavailable(
        exchange, status == GW_E_BUSY ? GW_STR("No change can be taken at the moment; nothing was changed. Try again.")
                                      : GW_STR("The change could not be stored and recorded; nothing was changed."));
}

enum gw_step gw_stage_apply(struct gw_exchange *exchange)
{
    struct gw_commit_job *job = &exchange->job;
    enum gw_status status;

    if (gw_stage_forwards(exchange))
        return gw_forward_apply(exchange);
    job->change = exchange->result.is_change && !exchange->refused ? &exchange->result.change : NULL;
    job->record = exchange->record;
    if (job->change == NULL && job->record.at == NULL)
        return GW_STEP_DONE;
    /* The reply may be bytes of the store, like the cluster; they don't outlive this epoch. */
    exchange->result.cluster = NULL;
    if (!exchange->refused)
        exchange->answer.body = gw_arena_str(exchange->arena, exchange->answer.body);
    status = gw_commit_add(exchange->worker->port, job);
    if (status == GW_OK)
        return GW_STEP_WAITING;
    return gw_stage_not_written(exchange, status);
}

enum gw_step gw_stage_applied(struct gw_exchange *exchange)
{
    struct gw_eks_error error = {0};

    exchange->record = GW_STR_NONE;
    switch (exchange->job.status) {
    case GW_OK:
        if (gw_stage_forwards(exchange))
            return gw_forward_recorded(exchange);
        if (exchange->job.change != NULL)
            exchange->result.is_change = false; /* the store owns entry and token now */
        return GW_STEP_DONE;
    case GW_E_STALE:
        gw_metrics_count(&exchange->worker->metrics.commits_stale);
        if (++exchange->attempts < GW_STALE_ATTEMPTS) {
            gw_eks_result_drop(&exchange->result);
            exchange->stage = GW_STAGE_PREPARE;
            return GW_STEP_AGAIN;
        }
        break;
    case GW_E_LIMIT:
        break;
    default:
        return gw_stage_not_written(exchange, exchange->job.status);
    }
    gw_eks_stage_error(&exchange->call, exchange->job.status, &gw_exchange_settings(exchange)->limits, &error);
    gw_eks_result_drop(&exchange->result);
    return gw_answer_eks_error(exchange, &error);
}

enum gw_step gw_stage_settle(struct gw_exchange *exchange)
{
    const char *outcome = "answered";

    gw_forward_lane_leave(exchange);
    if (gw_audit_outcome_queues(exchange))
        return GW_STEP_WAITING;
    if (exchange->op_known)
        gw_metrics_count_request(&exchange->worker->metrics, exchange->route.op, exchange->answer.status);
    if (exchange->answer.status >= 500)
        outcome = "failed";
    else if (exchange->refused)
        outcome = "refused";
    else if (exchange->job.change != NULL || gw_stage_forwards(exchange))
        outcome = "applied";
    gw_audit_outcome(exchange, outcome);
    if (exchange->worker->gateway->mock != NULL)
        gw_note_request(exchange);
    return GW_STEP_DONE;
}

enum gw_step gw_stage_reply(struct gw_exchange *exchange)
{
    exchange->stage = GW_STAGE_COUNT; /* on_done may free the exchange inside the call */
    if (exchange->fault == GW_FAULT_DROP)
        gw_conn_drop(exchange->conn);
    else
        gw_answer_send(exchange);
    return GW_STEP_WAITING;
}
