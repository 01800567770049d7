/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages of a forwarded exchange: building the request, sending it at its
 * time, and what the upstream's reply means for the client and for the record.
 */
#include "gateway/overlay.h"

#include "gateway/pass.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define REASON_MAX 640

/* A record's end: lives until the writer has it. */
struct settlement {
    struct gw_commit_job job;
    char reason[REASON_MAX];
};

bool gw_forward_wanted(const struct gw_exchange *exchange)
{
    return exchange->worker->gateway->options.mode == GW_GATEWAY_PROXY && !gw_eks_service_of(exchange->route.op)->query;
}

static bool is_read(const struct gw_exchange *exchange)
{
    return gw_eks_is_read_only(exchange->call.op);
}

static void on_reply(void *ctx, struct gw_upstream_call *call)
{
    struct gw_forward *forward = ctx;

    gw_forward_wipe(call);
    forward->has_ended = true;
    gw_exchange_resume(forward->exchange);
}

static struct gw_forward *new_forward(struct gw_exchange *exchange)
{
    struct gw_forward *forward = gw_arena_zero(exchange->arena, 1, sizeof(*forward));

    forward->exchange = exchange;
    forward->region = exchange->verify.region;
    forward->account = exchange->caller.identity.account;
    forward->sign.region = exchange->verify.region;
    forward->sign.service = gw_eks_service_eks.name;
    forward->call.on_done = on_reply;
    forward->call.ctx = forward;
    gw_forward_stream(forward);
    return forward;
}

void gw_forward_read(struct gw_exchange *exchange, struct gw_str path, struct gw_str query, struct gw_forward *forward)
{
    forward->exchange = exchange;
    forward->region = exchange->verify.region;
    forward->account = exchange->caller.identity.account;
    forward->sign = (struct gw_sign_request){.method = GW_STR("GET"),
                                             .path = path,
                                             .query = query,
                                             .region = exchange->verify.region,
                                             .service = gw_eks_service_eks.name};
    forward->call.may_repeat = true;
}

static enum gw_step refuse_invalid(struct gw_exchange *exchange, const char *text)
{
    return gw_answer_error(exchange, GW_EKS_InvalidParameterException, gw_str_from(text));
}

/* Path and query in one piece of the arena. */
static enum gw_status build_target(struct gw_exchange *exchange, struct gw_forward *forward)
{
    struct gw_buf text;
    enum gw_status status;
    struct gw_sigv4_query parsed = exchange->verify.query;
    struct gw_err err;

    gw_buf_init(&text, GW_FORWARD_HEAD_MAX);
    status = gw_eks_forward_path(&exchange->call, &text);
    if (status == GW_OK) {
        forward->sign.path = gw_arena_str(exchange->arena, gw_buf_str(&text));
        if (parsed.items == NULL && exchange->call.query.length > 0)
            status = gw_sigv4_parse_query(exchange->call.query, exchange->arena, &parsed, &err);
    }
    if (status == GW_OK && parsed.count > 0) {
        gw_buf_clear(&text);
        gw_eks_forward_query(&parsed, &text);
        if (text.length > 0)
            forward->sign.query = gw_arena_str(exchange->arena, gw_buf_str(&text));
        status = text.overflowed ? GW_E_LIMIT : GW_OK;
    }
    gw_buf_fini(&text);
    return status;
}

/* A change without a token of the caller's gets one, where the model has a place for it: it may be sent again then. */
static enum gw_status build_body(struct gw_exchange *exchange, struct gw_forward *forward)
{
    const struct gw_eks_call *call = &exchange->call;
    struct gw_str token = GW_STR_NONE;
    char id[37];

    if (gw_eks_takes_token(call->op) && !gw_eks_has_token(call)) {
        gw_answer_ids(exchange->worker, id);
        token = gw_arena_str(exchange->arena, (struct gw_str){id, 36});
    }
    forward->call.may_repeat = is_read(exchange) || gw_eks_takes_token(call->op);
    if (gw_eks_forward_body(call, token, exchange->worker->gateway->options.http.limits.body_bytes,
                            &forward->sign.body) != GW_OK)
        return GW_E_LIMIT;
    if (forward->sign.body.length > 0)
        forward->sign.content_type = GW_STR("application/json");
    return GW_OK;
}

/* The policies' values pass the rules that callers' values pass at the upstream. */
static enum gw_step check_choices(struct gw_exchange *exchange)
{
    struct gw_eks_error error = {0};

    if (!gw_eks_has_choices(&exchange->call) ||
        gw_eks_check(&exchange->call, &gw_exchange_settings(exchange)->limits, &error) == GW_OK)
        return GW_STEP_DONE;
    return gw_answer_eks_error(exchange, &error);
}

static enum gw_step build(struct gw_exchange *exchange)
{
    struct gw_forward *forward = new_forward(exchange);

    if (exchange->worker->gateway->options.auth == GW_GATEWAY_AUTH_UPSTREAM) {
        gw_pass_build(exchange, forward);
        exchange->forward = forward;
        return GW_STEP_DONE;
    }
    if (check_choices(exchange) != GW_STEP_DONE)
        return GW_STEP_FAILED;
    forward->sign.method = gw_conn_request(exchange->conn)->method_text;
    if (build_target(exchange, forward) != GW_OK)
        return refuse_invalid(exchange, "The path or the query of the request is not valid text.");
    if (build_body(exchange, forward) != GW_OK)
        return refuse_invalid(exchange, "The request body is too large.");
    exchange->forward = forward;
    return GW_STEP_DONE;
}

static enum gw_step answer_not_sent(struct gw_exchange *exchange, const char *why)
{
    gw_log(GW_LOG_WARN, "upstream", "request %s was not forwarded: %s", exchange->request_id, why);
    gw_metrics_count(&exchange->worker->metrics.forwards_not_sent);
    return gw_answer_error(exchange, GW_EKS_ServiceUnavailableException,
                           is_read(exchange)
                               ? GW_STR("The request could not be forwarded. Try again.")
                               : GW_STR("The request could not be forwarded; nothing was changed. Try again."));
}

/* Trying again doesn't help: 403, which SDKs don't retry. */
static enum gw_step answer_denied(struct gw_exchange *exchange, const char *why)
{
    gw_log(GW_LOG_WARN, "upstream", "request %s was not forwarded: %s", exchange->request_id, why);
    gw_metrics_count(&exchange->worker->metrics.forwards_not_sent);
    return gw_answer_error(
        exchange, GW_EKS_AccessDeniedException,
        gw_arena_printf(exchange->arena,
                        "User: %.*s is not authorized to perform: eks:%s: this gateway can't act for "
                        "it; nothing was done (request %s)",
                        GW_STR_ARG(exchange->caller.identity.arn), gw_eks_ops[exchange->call.op].name,
                        exchange->request_id));
}

static enum gw_step answer_unknown(struct gw_exchange *exchange, const char *why)
{
    gw_log(GW_LOG_WARN, "upstream", "request %s has no answer: %s", exchange->request_id, why);
    gw_metrics_count(&exchange->worker->metrics.forwards_unknown);
    return gw_answer_error(
        exchange, GW_EKS_ServerException,
        is_read(exchange) ? GW_STR("The upstream gave no whole answer.")
                          : GW_STR("The upstream gave no whole answer: outcome unknown. It may have made the change."));
}

struct gw_str gw_forward_error_type(const struct gw_upstream_call *call)
{
    const struct gw_http1_request *fields = &call->reply.fields;

    for (size_t i = 0; i < fields->header_count; i++) {
        struct gw_str value = fields->headers[i].value;
        size_t hash;

        if (!gw_str_equal_nocase(fields->headers[i].name, GW_STR("x-amzn-errortype")))
            continue;
        hash = gw_str_find(value, '#', 0);
        if (hash < value.length)
            value = gw_str_slice(value, hash + 1, value.length);
        return gw_str_slice(value, 0, gw_str_find(value, ':', 0));
    }
    return GW_STR_NONE;
}

static struct gw_str reply_field(const struct gw_upstream_call *call, const char *name)
{
    const struct gw_http1_request *fields = &call->reply.fields;

    for (size_t i = 0; i < fields->header_count; i++) {
        if (gw_str_equal_nocase(fields->headers[i].name, gw_str_from(name)))
            return fields->headers[i].value;
    }
    return GW_STR_NONE;
}

/* The upstream doesn't take the gateway's own credentials. */
static bool is_about_us(const struct gw_forward *forward)
{
    static const char *const types[] = {"ExpiredTokenException",        "ExpiredToken",
                                        "UnrecognizedClientException",  "InvalidClientTokenId",
                                        "InvalidSignatureException",    "SignatureDoesNotMatch",
                                        "IncompleteSignatureException", "MissingAuthenticationTokenException"};
    struct gw_str type;

    if (!forward->is_own ||
        (forward->call.reply.status != 403 && forward->call.reply.status != 401 && forward->call.reply.status != 400))
        return false;
    type = gw_forward_error_type(&forward->call);
    for (size_t i = 0; i < GW_COUNT(types); i++) {
        if (gw_str_is(type, types[i]))
            return true;
    }
    return false;
}

bool gw_forward_doubt(const struct gw_exchange *exchange, const struct gw_forward *forward)
{
    struct gw_str type;

    if (!is_about_us(forward))
        return false;
    type = gw_forward_error_type(&forward->call);
    gw_credentials_doubt(exchange->worker->gateway->options.upstream.credentials, forward->secret_version);
    gw_log(GW_LOG_ERROR, "upstream", "the upstream refuses the gateway's own credentials: %u %.*s (request %s)",
           forward->call.reply.status, GW_STR_ARG(type), exchange->request_id);
    return true;
}

/* That is no answer for the caller. */
static enum gw_step answer_about_us(struct gw_exchange *exchange)
{
    return gw_answer_error(
        exchange, GW_EKS_ServiceUnavailableException,
        GW_STR("The upstream did not accept this gateway's own credentials; nothing was done. Try again."));
}

/* The text of an error, wherever the service put it. */
static struct gw_str error_message(struct gw_exchange *exchange, struct gw_str body)
{
    struct gw_json parsed;
    const struct gw_json *message;

    if (body.length > (size_t)64 << 10 || gw_json_parse(body, exchange->arena, &parsed, NULL) != GW_OK)
        return GW_STR("");
    message = gw_json_get(&parsed, "message");
    if (message == NULL)
        message = gw_json_get(&parsed, "Message");
    return message != NULL && message->type == GW_JSON_STRING ? message->as.string : GW_STR("");
}

static unsigned retry_after(const struct gw_upstream_call *call)
{
    uint64_t seconds;

    return gw_str_parse_u64(reply_field(call, "retry-after"), 86400, &seconds) == GW_OK ? (unsigned)seconds : 0;
}

void gw_forward_show(struct gw_exchange *exchange, const struct gw_forward *forward)
{
    const struct gw_upstream_call *call = &forward->call;

    exchange->answer = (struct gw_answer){.status = call->reply.status,
                                          .body = call->reply_body,
                                          .upstream_id = gw_str_slice(reply_field(call, "x-amzn-requestid"), 0, 128),
                                          .content_type = reply_field(call, "content-type"),
                                          .retry_after_s = retry_after(call),
                                          .passed = forward->is_passed ? &call->reply.fields : NULL};
}

static enum gw_step answer_reply(struct gw_exchange *exchange, const struct gw_forward *forward)
{
    const struct gw_upstream_call *call = &forward->call;
    struct gw_answer *answer = &exchange->answer;
    struct gw_str type;

    if (!forward->is_passed && call->reply.status >= 300 && call->reply.status < 400) {
        gw_log(GW_LOG_WARN, "upstream", "%u is no answer of EKS (request %s)", call->reply.status,
               exchange->request_id);
        return gw_answer_error(exchange, GW_EKS_ServerException, GW_STR("The upstream answered with a redirect."));
    }
    gw_forward_show(exchange, forward);
    if (call->reply.status >= 300)
        answer->message = error_message(exchange, call->reply_body);
    if (forward->is_passed)
        exchange->caller.verified = gw_pass_is_vouched_for(call, answer->message);
    if (call->reply.status < 300)
        return GW_STEP_DONE;
    type = gw_forward_error_type(call);
    answer->error_type = type.at == NULL ? "" : gw_arena_str(exchange->arena, gw_str_slice(type, 0, 128)).at;
    return GW_STEP_FAILED;
}

enum gw_step gw_forward_take(struct gw_exchange *exchange, const struct gw_forward *forward)
{
    switch (forward->call.outcome) {
    case GW_UPSTREAM_NOT_SENT:
        if (forward->is_denied)
            return answer_denied(exchange, forward->call.err.text);
        return answer_not_sent(exchange, forward->call.err.text);
    case GW_UPSTREAM_UNKNOWN:
        if (forward->is_given_up)
            break;
        return answer_unknown(exchange, forward->call.err.text);
    case GW_UPSTREAM_REPLIED:
        break;
    }
    gw_metrics_count(&exchange->worker->metrics.forwards_answered);
    return gw_forward_doubt(exchange, forward) ? answer_about_us(exchange) : answer_reply(exchange, forward);
}

/* Sends at once; what can't be sent is a reply too. */
static enum gw_step send(struct gw_exchange *exchange)
{
    struct gw_forward *forward = exchange->forward;
    enum gw_status status;

    if (forward->is_sent)
        return GW_STEP_WAITING;
    status = gw_forward_send(forward, &forward->call.err);
    if (status == GW_OK || status == GW_AGAIN)
        return GW_STEP_WAITING;
    forward->has_ended = true;
    forward->is_denied = status == GW_E_DENIED;
    forward->call.outcome = GW_UPSTREAM_NOT_SENT;
    return GW_STEP_DONE;
}

enum gw_step gw_forward_prepare(struct gw_exchange *exchange)
{
    enum gw_step step = exchange->forward == NULL ? build(exchange) : GW_STEP_DONE;

    if (step != GW_STEP_DONE || !is_read(exchange))
        return step;
    if (!exchange->forward->has_ended && send(exchange) == GW_STEP_WAITING)
        return GW_STEP_WAITING;
    step = gw_forward_take(exchange, exchange->forward);
    return gw_overlay_is_on(exchange) ? gw_overlay_join(exchange, step) : step;
}

enum gw_step gw_forward_recorded(struct gw_exchange *exchange)
{
    exchange->forward->sequence = exchange->job.sequence;
    exchange->forward->is_recorded = true;
    exchange->stage = GW_STAGE_APPLY;
    return GW_STEP_AGAIN;
}

static void on_settled(struct gw_commit_job *job)
{
    if (job->status != GW_OK)
        gw_log(GW_LOG_ERROR, "audit", "what became of the change of record %llu could not be recorded",
               (unsigned long long)job->settles);
    free(job->ctx);
}

static enum gw_journal_outcome outcome_of(const struct gw_exchange *exchange, enum gw_step step)
{
    if (exchange->forward->call.outcome == GW_UPSTREAM_UNKNOWN)
        return GW_JOURNAL_UNKNOWN;
    if (step == GW_STEP_DONE)
        return GW_JOURNAL_APPLIED;
    /* A service that failed says nothing of how far it got. */
    return exchange->forward->call.outcome == GW_UPSTREAM_REPLIED && exchange->forward->call.reply.status >= 500
               ? GW_JOURNAL_UNKNOWN
               : GW_JOURNAL_NOT_APPLIED;
}

static void describe_end(const struct gw_exchange *exchange, char reason[REASON_MAX])
{
    const struct gw_upstream_call *call = &exchange->forward->call;
    struct gw_str type;
    struct gw_str id;

    if (call->outcome != GW_UPSTREAM_REPLIED) {
        (void)snprintf(reason, REASON_MAX, "%s", call->err.text);
        return;
    }
    type = call->reply.status < 300 ? GW_STR_NONE : gw_str_slice(gw_forward_error_type(call), 0, 128);
    id = gw_str_slice(reply_field(call, "x-amzn-requestid"), 0, 128);
    (void)snprintf(reason, REASON_MAX, "upstream answered %u %.*s%srequest %.*s", call->reply.status, GW_STR_ARG(type),
                   type.length > 0 ? ", " : "", GW_STR_ARG(id));
}

static void settle(struct gw_exchange *exchange, enum gw_step step)
{
    struct settlement *settlement;

    if (exchange->forward->sequence == 0)
        return;
    settlement = gw_alloc_zero(1, sizeof(*settlement));
    describe_end(exchange, settlement->reason);
    settlement->job = (struct gw_commit_job){.settles = exchange->forward->sequence,
                                             .outcome = outcome_of(exchange, step),
                                             .maker = gw_pass_maker(exchange),
                                             .reason = settlement->reason,
                                             .done = on_settled,
                                             .ctx = settlement};
    settlement->job.status = gw_commit_add(exchange->worker->port, &settlement->job);
    if (settlement->job.status != GW_OK)
        on_settled(&settlement->job);
}

enum gw_step gw_forward_apply(struct gw_exchange *exchange)
{
    struct gw_forward *forward = exchange->forward;
    enum gw_status status;

    if (!forward->is_recorded && exchange->record.at != NULL) {
        exchange->job.record = exchange->record;
        exchange->job.is_awaited = true;
        status = gw_commit_add(exchange->worker->port, &exchange->job);
        return status == GW_OK ? GW_STEP_WAITING : gw_stage_not_written(exchange, status);
    }
    if (!forward->has_ended && !forward->is_sent && gw_overlay_is_on(exchange))
        gw_overlay_touch(exchange);
    if (!forward->has_ended && send(exchange) == GW_STEP_WAITING)
        return GW_STEP_WAITING;
    if (!forward->is_taken) {
        forward->is_taken = true;
        forward->taken = gw_forward_take(exchange, forward);
        settle(exchange, forward->taken);
        if (gw_overlay_is_on(exchange))
            gw_overlay_touch(exchange);
    }
    return gw_overlay_is_on(exchange) && forward->taken == GW_STEP_DONE ? gw_overlay_follow(exchange) : forward->taken;
}
