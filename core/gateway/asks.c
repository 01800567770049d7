/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policies' side of an exchange: what they see, the conversation that is begun
 * when the first question is asked, and what a refusal says to the client.
 */
#include "gateway/overlay.h"
#include "gateway/shadow.h"

#include "base/log.h"

/* Those of the exchange's generation; NULL: they couldn't be made. */
static const struct gw_worker_policies *policies_of(const struct gw_exchange *exchange)
{
    return exchange->policies->failed ? NULL : exchange->policies;
}

bool gw_asks_wanted(struct gw_exchange *exchange, enum gw_policy_hook hook)
{
    const struct gw_worker_policies *policies = policies_of(exchange);

    if (policies == NULL)
        return true; /* asking refuses */
    if (policies->hooks == NULL)
        return false;
    return policies->hooks->wants(policies->hooks->ctx, hook, gw_str_from(gw_eks_ops[exchange->call.op].name));
}

/* An update of an entry takes a username from policies where its type does, which only the upstream knows. */
static unsigned needs_for_username(struct gw_exchange *exchange)
{
    bool is_asked = exchange->call.is_forwarded && exchange->call.op == GW_EKS_UpdateAccessEntry;

    return is_asked && gw_asks_wanted(exchange, GW_HOOK_USERNAME) ? GW_EKS_FACT_ENTRY : 0;
}

unsigned gw_asks_needs(struct gw_exchange *exchange)
{
    const struct gw_worker_policies *policies = policies_of(exchange);

    if (policies == NULL || policies->hooks == NULL || policies->hooks->needs == NULL)
        return 0;
    return policies->hooks->needs(policies->hooks->ctx, gw_str_from(gw_eks_ops[exchange->call.op].name)) |
           needs_for_username(exchange);
}

/* Fetches what the policies need. Not for records, whose hooks see no request; those of an upstream are there. */
static enum gw_status fetch_facts(struct gw_exchange *exchange)
{
    struct gw_eks_env env;
    unsigned asked;
    enum gw_status status;

    if ((exchange->call.is_forwarded && !gw_overlay_is_on(exchange)) || exchange->stage >= GW_STAGE_RECORD)
        return GW_OK;
    asked = gw_asks_needs(exchange);
    if (asked == 0)
        return GW_OK;
    exchange->facts = (struct gw_eks_facts){.asked = asked};
    if (gw_overlay_is_on(exchange) && !gw_overlay_is_there(exchange))
        return GW_OK;
    env = gw_exchange_env(exchange);
    gw_arena_reset(&exchange->facts_arena);
    status = gw_eks_facts(&exchange->call, &env, asked, &exchange->facts_arena, &exchange->facts);
    if (status != GW_OK)
        gw_log(GW_LOG_ERROR, "policy", "what policies need to know can't be told (request %s): %s",
               exchange->request_id,
               status == GW_E_LIMIT ? "there is more of it than is told" : gw_status_name(status));
    else if (gw_overlay_is_on(exchange))
        gw_overlay_fill_facts(exchange, &exchange->facts);
    return status;
}

void gw_asks_tell_facts(struct gw_policy_request *request, const struct gw_eks_facts *facts)
{
    _Static_assert((int)GW_FACT_ENTRY == (int)GW_EKS_FACT_ENTRY, "one numbering");
    _Static_assert((int)GW_FACT_ASSOCIATIONS == (int)GW_EKS_FACT_ASSOCIATIONS, "one numbering");
    _Static_assert((int)GW_FACT_CLUSTER == (int)GW_EKS_FACT_CLUSTER, "one numbering");
    _Static_assert((int)GW_FACT_ADMINS == (int)GW_EKS_FACT_ADMINS, "one numbering");
    request->facts = facts->asked;
    if ((facts->asked & GW_EKS_FACT_ENTRY) != 0 && facts->has_entry)
        request->entry = &facts->entry;
    if ((facts->asked & GW_EKS_FACT_ASSOCIATIONS) != 0 && facts->has_entry)
        request->associations = &facts->associations;
    if ((facts->asked & GW_EKS_FACT_CLUSTER) != 0 && facts->has_cluster)
        request->cluster_info = &facts->cluster;
    if ((facts->asked & GW_EKS_FACT_ADMINS) != 0 && facts->has_admins)
        request->admins = &facts->admins;
}

void gw_asks_describe(struct gw_exchange *exchange, struct gw_policy_request *request)
{
    const struct gw_caller *caller = &exchange->caller;
    const struct gw_eks_call *call = &exchange->call;

    if (!exchange->viewed) {
        gw_eks_view_input(&exchange->call);
        exchange->viewed = true;
    }
    *request = (struct gw_policy_request){
        .operation = gw_str_from(gw_eks_ops[call->op].name),
        .account = call->account,
        .region = call->region,
        .cluster = call->cluster,
        .principal = call->has_principal ? &call->principal : NULL,
        .caller_access_key = caller->access_key,
        .caller = &caller->identity,
        .caller_tags = caller->tags,
        .caller_tag_count = caller->tag_count,
        .caller_verified = caller->verified,
        .input = &call->input,
        .time_s = gw_clock_wall_ms(exchange->worker->gateway->clock) / 1000,
        .source_ip = gw_conn_source_ip(exchange->conn),
        .client_subject = gw_conn_tls_subject(exchange->conn),
        .user_agent = gw_http1_header(gw_conn_request(exchange->conn), GW_HEADER_USER_AGENT),
        .request_id = {exchange->request_id, 36},
    };
}

static struct gw_policy_call *new_call(struct gw_exchange *exchange)
{
    struct gw_policy_call *call = gw_arena_alloc(exchange->arena, sizeof(*call));

    memset(call, 0, offsetof(struct gw_policy_call, opinions));
    call->request = &exchange->policy_request;
    call->arena = exchange->arena;
    call->wake = gw_exchange_resume;
    call->wake_ctx = exchange;
    call->fetcher = exchange->policies->fetcher;
    return call;
}

struct gw_policy_call *gw_asks_call(struct gw_exchange *exchange)
{
    if (exchange->is_barred || policies_of(exchange) == NULL || exchange->policies->hooks == NULL)
        return NULL;
    if (!exchange->told) {
        if (fetch_facts(exchange) != GW_OK)
            return NULL;
        gw_asks_describe(exchange, &exchange->policy_request);
        gw_asks_tell_facts(&exchange->policy_request, &exchange->facts);
        exchange->told = true;
    }
    if (exchange->policy_call == NULL)
        exchange->policy_call = new_call(exchange);
    return exchange->policy_call;
}

bool gw_asks_facts_hold(const struct gw_exchange *exchange)
{
    struct gw_eks_env env;

    if (exchange->facts.asked == 0 || exchange->call.is_forwarded)
        return true;
    env = gw_exchange_env(exchange);
    return gw_eks_facts_hold(&exchange->call, &env, &exchange->facts);
}

/* A fault that was injected stays in the record. */
static size_t keep_faults(struct gw_policy_call *call)
{
    size_t kept = 0;

    for (size_t i = 0; i < call->change_count; i++) {
        if (call->changes[i].hook == GW_HOOK_FAULT)
            call->changes[kept++] = call->changes[i];
    }
    return kept;
}

void gw_asks_restart(struct gw_exchange *exchange)
{
    struct gw_policy_call *call = exchange->policy_call;

    gw_later_forget(call);
    exchange->policies_wait = false;
    exchange->told = false;
    exchange->facts = (struct gw_eks_facts){.asked = 0};
    exchange->username_asked = false;
    gw_eks_forget_choices(&exchange->call);
    gw_shadow_forget(exchange);
    if (call != NULL) {
        call->passes++;
        call->opinion_count = 0;
        call->change_count = keep_faults(call);
        call->fetch_count = 0;
        call->refusal = (struct gw_policy_refusal){.failed = false};
    }
}

static struct gw_str signed_off(struct gw_exchange *exchange, struct gw_str policy, struct gw_str reason)
{
    return gw_arena_printf(exchange->arena, "(eksgate policy %.*s: %.*s, request %s)", GW_STR_ARG(policy),
                           GW_STR_ARG(reason), exchange->request_id);
}

/* A policy that failed has said no: its row stands among the verdicts too. */
static void note_failure(struct gw_policy_call *call)
{
    if (!call->refusal.failed || call->opinion_count == GW_POLICY_OPINIONS_MAX)
        return;
    call->opinions[call->opinion_count++] = (struct gw_policy_opinion){
        .policy = call->refusal.policy, .verdict = GW_VERDICT_DENY, .reason = call->refusal.reason};
}

/* IAM's words; of somebody who isn't verified they can name neither who it is nor whose resource. */
static struct gw_str not_authorized(struct gw_exchange *exchange, struct gw_str tail)
{
    const struct gw_caller *caller = &exchange->caller;
    const char *operation = gw_eks_ops[exchange->call.op].name;
    struct gw_str service = gw_eks_service_of(exchange->call.op)->name;
    struct gw_str resource;

    if (caller->identity.arn.length == 0)
        return gw_arena_printf(exchange->arena, "The user of %.*s is not authorized to perform: %.*s:%s %.*s",
                               GW_STR_ARG(caller->access_key), GW_STR_ARG(service), operation, GW_STR_ARG(tail));
    resource = gw_eks_resource_arn(&exchange->call, exchange->worker->gateway->store);
    return gw_arena_printf(exchange->arena, "User: %.*s is not authorized to perform: %.*s:%s on resource: %.*s %.*s",
                           GW_STR_ARG(caller->identity.arn), GW_STR_ARG(service), operation, GW_STR_ARG(resource),
                           GW_STR_ARG(tail));
}

/* Whoever can name somebody else's key and ARN must not have them refused. */
static struct gw_penalty_who who_asks(const struct gw_exchange *exchange)
{
    const struct gw_caller *caller = &exchange->caller;
    bool is_known = caller->verified && exchange->worker->gateway->options.auth == GW_GATEWAY_AUTH_SIGV4;

    return (struct gw_penalty_who){.access_key = caller->access_key,
                                   .is = is_known ? caller->identity.arn : gw_conn_source_ip(exchange->conn)};
}

bool gw_asks_barred(struct gw_exchange *exchange)
{
    const struct gw_gateway *gateway = exchange->worker->gateway;
    struct gw_penalty_who who = who_asks(exchange);

    if (!gw_penalty_is_on(gateway->penalty, &who, gw_clock_monotonic_ms(gateway->clock)))
        return false;
    for (int hook = 0; hook < GW_HOOK_COUNT && !exchange->is_barred; hook++)
        exchange->is_barred = gw_asks_wanted(exchange, (enum gw_policy_hook)hook);
    if (exchange->is_barred)
        gw_metrics_count(&exchange->worker->metrics.callers_barred);
    return exchange->is_barred;
}

static void note_stop(const struct gw_exchange *exchange)
{
    const struct gw_gateway *gateway = exchange->worker->gateway;
    struct gw_penalty_who who = who_asks(exchange);

    gw_penalty_note(gateway->penalty, &who, gw_clock_monotonic_ms(gateway->clock));
}

static const struct gw_policy_refusal *refusal_of(const struct gw_exchange *exchange)
{
    static const struct gw_policy_refusal unavailable = {.verdict = GW_VERDICT_DENY,
                                                         .failed = true,
                                                         .policy = GW_STR_INIT("policies"),
                                                         .reason = GW_STR_INIT("policy failed")};
    static const struct gw_policy_refusal barred = {
        .verdict = GW_VERDICT_DENY,
        .failed = true,
        .policy = GW_STR_INIT("policies"),
        .reason = GW_STR_INIT("they had to be stopped for this caller three times in ten seconds: wait a second")};

    if (exchange->is_barred)
        return &barred;
    return exchange->told ? &exchange->policy_call->refusal : &unavailable;
}

enum gw_step gw_asks_refused(struct gw_exchange *exchange)
{
    const struct gw_policy_refusal *refusal = refusal_of(exchange);
    struct gw_str tail = signed_off(exchange, refusal->policy, refusal->reason);

    gw_metrics_count(&exchange->worker->metrics.refused_policy);
    if (exchange->policy_call != NULL && refusal == &exchange->policy_call->refusal) { /* else nobody was asked */
        exchange->refusal.by = refusal->policy;
        exchange->refusal.failed = refusal->failed;
    }
    if (exchange->told)
        note_failure(exchange->policy_call);
    if (refusal->verdict == GW_VERDICT_THROTTLE) {
        (void)gw_answer_error(exchange, GW_EKS_TooManyRequestsException,
                              gw_arena_printf(exchange->arena, "Too Many Requests %.*s", GW_STR_ARG(tail)));
        exchange->answer.retry_after_s = refusal->retry_after_s;
        return GW_STEP_FAILED;
    }
    return gw_answer_error(exchange, GW_EKS_AccessDeniedException, not_authorized(exchange, tail));
}

bool gw_asks_begin(struct gw_exchange *exchange)
{
    if (exchange->policy_call == NULL)
        exchange->policy_call = new_call(exchange); /* only the second set is asked */
    return gw_later_begin(exchange->worker, exchange->policy_call);
}

enum gw_step gw_asks_step(struct gw_exchange *exchange, enum gw_policy_answer answer)
{
    gw_later_end(exchange->worker);
    exchange->policies_wait = answer == GW_POLICY_WAITING;
    if (!exchange->policies_wait)
        gw_later_forget(exchange->policy_call);
    switch (answer) {
    case GW_POLICY_DONE:
        return GW_STEP_DONE;
    case GW_POLICY_WAITING:
        return GW_STEP_WAITING;
    case GW_POLICY_FAILED:
        break;
    }
    return gw_asks_refused(exchange);
}

void gw_asks_finish(struct gw_exchange *exchange)
{
    gw_arena_fini(&exchange->facts_arena);
    if (exchange->policies == NULL)
        return;
    gw_later_forget(exchange->policy_call);
    if (exchange->policy_call != NULL)
        gw_fetch_forget(exchange->policy_call);
    if (exchange->policy_call != NULL && exchange->policies->hooks != NULL)
        exchange->policies->hooks->finish(exchange->policies->hooks->ctx, exchange->policy_call);
    if (exchange->policy_call != NULL && exchange->policy_call->stopped)
        note_stop(exchange);
    gw_worker_policies_drop(exchange->policies);
    exchange->policies = NULL;
}
