/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second set has an instance, services and counters of its own on each worker.
 * Its conversation is over when it has answered: nothing of it waits, and nothing
 * that it raises, chooses or spends reaches the request. What it says lives in the
 * request's arena.
 */
#include "gateway/shadow.h"

#include <stdio.h>

#include "base/counters.h"
#include "base/log.h"
#include "codec/username.h"
#include "gateway/differ.h"
#include "gateway/overlay.h"

/* What it said of one request. */
struct gw_shadow {
    unsigned asks;
    bool is_asked;
    bool is_compared;
    bool is_refused;
    bool differs;
    const char *unknown; /* why it has no opinion; NULL: it has */
    struct gw_eks_facts facts;
    struct gw_policy_request request;
    struct gw_policy_call call; /* zeroed by who asks; the report is whole or not read */
    struct gw_differ_report report;
};

static int64_t now_ms(const struct gw_worker *worker)
{
    return gw_clock_monotonic_ms(worker->gateway->clock);
}

/* One line more in this second? */
static bool may_tell(struct gw_worker *worker)
{
    int64_t now = now_ms(worker);

    if (worker->shadow.has_told && now - worker->shadow.told_ms < GW_SHADOW_TELL_MS) {
        worker->shadow.untold++;
        return false;
    }
    worker->shadow.has_told = true;
    worker->shadow.told_ms = now;
    return true;
}

/* Behind a line that is told. */
static const char *untold(struct gw_worker *worker, char text[48])
{
    text[0] = '\0';
    if (worker->shadow.untold > 0)
        (void)snprintf(text, 48, "; %llu more weren't told", (unsigned long long)worker->shadow.untold);
    worker->shadow.untold = 0;
    return text;
}

static void on_failed(void *ctx, const struct gw_policy_call *call, struct gw_str policy, enum gw_policy_hook hook,
                      const char *why)
{
    struct gw_worker *worker = ctx;
    char more[48];

    if (may_tell(worker))
        gw_log(GW_LOG_WARN, "shadow", "%.*s: %s failed: %s (request %.*s)%s", GW_STR_ARG(policy),
               gw_policy_hook_name(hook), why, GW_STR_ARG(call->request->request_id), untold(worker, more));
}

static void on_line(void *ctx, enum gw_log_level level, struct gw_str policy, struct gw_str text)
{
    (void)ctx;
    gw_log(level, "shadow", "%.*s: %.*s", GW_STR_ARG(policy), GW_STR_ARG(text));
}

/* Begun, and never done: the question waits, and is dropped. */
static enum gw_status on_fetch(void *ctx, struct gw_policy_call *call, const struct gw_policy_fetch *fetch,
                               struct gw_policy_fetched *fetched, struct gw_err *err)
{
    (void)ctx;
    (void)call;
    (void)fetch;
    (void)fetched;
    (void)err;
    return GW_OK;
}

static void on_wake(void *ctx)
{
    (void)ctx;
}

void gw_shadow_begin(struct gw_worker *worker)
{
    worker->shadow.services = (struct gw_policy_services){.ctx = worker,
                                                          .fetch = on_fetch,
                                                          .counters = worker->gateway->shadow_counters,
                                                          .log = on_line,
                                                          .failed = on_failed};
}

void gw_shadow_open(struct gw_worker *worker, struct gw_worker_policies *policies)
{
    const struct gw_policy_source *source = &policies->settings->shadow;
    struct gw_err err;

    if (source->open == NULL)
        return;
    if (source->open(source->ctx, &worker->shadow.counters, &worker->shadow.services, &policies->shadow_instance,
                     &policies->shadow_hooks, &err) != GW_OK) {
        policies->shadow_hooks = NULL;
        gw_log(GW_LOG_ERROR, "shadow", "%s; nothing is asked until the next reload", err.text);
    }
}

void gw_shadow_close(struct gw_worker_policies *policies)
{
    const struct gw_policy_source *source = &policies->settings->shadow;

    if (source->close != NULL && policies->shadow_instance != NULL)
        source->close(policies->shadow_instance);
}

/* The facts that it needs: those of the first set, others where the store has them. False: they aren't known. */
static bool tell(struct gw_exchange *exchange, struct gw_shadow *shadow, unsigned needs)
{
    unsigned missing;
    unsigned known;
    struct gw_eks_env env;

    gw_asks_describe(exchange, &shadow->request);
    if (exchange->told)
        gw_asks_tell_facts(&shadow->request, &exchange->facts);
    known = shadow->request.facts;
    missing = needs & ~known;
    if (missing == 0)
        return true;
    if (exchange->call.is_forwarded || gw_overlay_is_on(exchange))
        return false;
    env = gw_exchange_env(exchange);
    shadow->facts = (struct gw_eks_facts){.asked = missing};
    if (gw_eks_facts(&exchange->call, &env, missing, exchange->arena, &shadow->facts) != GW_OK)
        return false;
    gw_asks_tell_facts(&shadow->request, &shadow->facts);
    shadow->request.facts |= known;
    return true;
}

/* The questions of one decision, up to a refusal. */
static enum gw_policy_answer put_questions(struct gw_exchange *exchange, struct gw_shadow *shadow,
                                           const struct gw_policy_hooks *hooks)
{
    struct gw_policy_call *call = &shadow->call;
    struct gw_str operation = shadow->request.operation;
    enum gw_policy_answer answer = GW_POLICY_DONE;
    const struct gw_pair *tags = NULL;
    struct gw_str username = GW_STR_NONE;
    size_t count = 0;

    if (hooks->wants(hooks->ctx, GW_HOOK_AUTHORIZE, operation))
        answer = hooks->authorize(hooks->ctx, call);
    if (answer == GW_POLICY_DONE && hooks->wants(hooks->ctx, GW_HOOK_USERNAME, operation) &&
        gw_stage_takes_username(exchange))
        answer = hooks->username(hooks->ctx, call, &username);
    if (answer == GW_POLICY_DONE && hooks->wants(hooks->ctx, GW_HOOK_TAGS, operation) &&
        gw_eks_wants_tags(&exchange->call))
        answer = hooks->tags(hooks->ctx, call, gw_eks_sent_tags(&exchange->call), &tags, &count);
    return answer;
}

static void ask(struct gw_exchange *exchange, struct gw_shadow *shadow)
{
    const struct gw_policy_hooks *hooks = exchange->policies->shadow_hooks;
    struct gw_worker *worker = exchange->worker;
    enum gw_policy_answer answer;

    memset(&shadow->call, 0, offsetof(struct gw_policy_call, opinions));
    shadow->call.request = &shadow->request;
    shadow->call.arena = exchange->arena;
    shadow->call.wake = on_wake;
    answer = put_questions(exchange, shadow, hooks);
    hooks->finish(hooks->ctx, &shadow->call);
    shadow->is_refused = answer == GW_POLICY_FAILED;
    if (answer == GW_POLICY_WAITING)
        shadow->unknown = "it asks an endpoint";
    if (shadow->call.stopped)
        worker->shadow.rests_until_ms = now_ms(worker) + GW_SHADOW_REST_MS;
}

static bool is_wanted(const struct gw_policy_hooks *hooks, struct gw_str operation)
{
    return hooks != NULL &&
           (hooks->wants(hooks->ctx, GW_HOOK_AUTHORIZE, operation) ||
            hooks->wants(hooks->ctx, GW_HOOK_USERNAME, operation) || hooks->wants(hooks->ctx, GW_HOOK_TAGS, operation));
}

bool gw_shadow_is_due(const struct gw_exchange *exchange)
{
    const struct gw_policy_hooks *hooks = exchange->policies->shadow_hooks;
    struct gw_str operation = gw_str_from(gw_eks_ops[exchange->call.op].name);

    return hooks != NULL && !exchange->is_barred && (exchange->shadow == NULL || !exchange->shadow->is_asked) &&
           (is_wanted(hooks, operation) || is_wanted(exchange->policies->hooks, operation));
}

void gw_shadow_ask(struct gw_exchange *exchange)
{
    const struct gw_policy_hooks *hooks = exchange->policies->shadow_hooks;
    struct gw_str operation = gw_str_from(gw_eks_ops[exchange->call.op].name);
    struct gw_shadow *shadow = exchange->shadow;

    if (!gw_shadow_is_due(exchange))
        return;
    if (shadow == NULL) {
        shadow = exchange->shadow = gw_arena_alloc(exchange->arena, sizeof(*shadow));
        memset(shadow, 0, offsetof(struct gw_shadow, call));
    }
    shadow->is_asked = true;
    shadow->unknown = NULL;
    if (now_ms(exchange->worker) < exchange->worker->shadow.rests_until_ms)
        shadow->unknown = "it rests after a hook that was stopped";
    else if (shadow->asks++ == GW_SHADOW_ASKS_MAX)
        shadow->unknown = "the decision was taken back too often";
    else if (!tell(exchange, shadow, hooks->needs == NULL ? 0 : hooks->needs(hooks->ctx, operation)))
        shadow->unknown = "it needs facts that weren't fetched";
    else
        ask(exchange, shadow);
}

void gw_shadow_forget(struct gw_exchange *exchange)
{
    if (exchange->shadow != NULL)
        exchange->shadow->is_asked = false;
}

/* By a hook that the second set is asked, too. */
static bool is_refused_alike(const struct gw_exchange *exchange)
{
    return exchange->refused && exchange->refusal.by.at != NULL &&
           (strcmp(exchange->refusal.at, "authorize") == 0 || strcmp(exchange->refusal.at, "complete") == 0);
}

/* What the first set decided, up to where the second was asked. */
static void decision_of(const struct gw_exchange *exchange, struct gw_differ_decision *decision)
{
    static const struct gw_policy_call nobody;
    const struct gw_policy_call *call = exchange->policy_call == NULL ? &nobody : exchange->policy_call;

    gw_differ_of_call(call, is_refused_alike(exchange), decision);
    for (size_t i = 0; i < decision->change_count; i++) {
        if (decision->changes[i].hook == GW_HOOK_CONFLICT)
            decision->change_count = i;
    }
}

static void count(struct gw_exchange *exchange)
{
    struct gw_metrics *metrics = &exchange->worker->metrics;
    const struct gw_shadow *shadow = exchange->shadow;

    if (shadow->unknown != NULL)
        gw_metrics_count(&metrics->shadow_unknown);
    else if (shadow->is_refused && shadow->call.refusal.failed)
        gw_metrics_count(&metrics->shadow_failed);
    else if (shadow->differs)
        gw_metrics_count(&metrics->shadow_differed);
    else
        gw_metrics_count(&metrics->shadow_agreed);
}

/* The name that EKS makes, where it makes one; of an update it stays as it was. */
static struct gw_str generated_username(const struct gw_exchange *exchange)
{
    if (exchange->call.op != GW_EKS_CreateAccessEntry || !exchange->call.has_principal)
        return GW_STR_NONE;
    return gw_username_default(&exchange->call.principal, exchange->arena);
}

void gw_shadow_compare(struct gw_exchange *exchange)
{
    struct gw_shadow *shadow = exchange->shadow;
    struct gw_differ_decision before;
    struct gw_differ_decision after;

    if (shadow == NULL || !shadow->is_asked || shadow->is_compared)
        return;
    shadow->is_compared = true;
    if (shadow->unknown == NULL) {
        decision_of(exchange, &before);
        gw_differ_of_call(&shadow->call, shadow->is_refused, &after);
        gw_differ_compare(&before, &after, generated_username(exchange), exchange->arena, &shadow->report);
        shadow->differs = shadow->report.kinds != 0;
    }
    count(exchange);
}

struct gw_json gw_shadow_member(const struct gw_exchange *exchange)
{
    const struct gw_shadow *shadow = exchange->shadow;
    struct gw_json object = {.type = GW_JSON_OBJECT};

    if (shadow == NULL || !shadow->is_compared || (shadow->unknown == NULL && !shadow->differs))
        return (struct gw_json){.type = GW_JSON_NULL};
    if (shadow->unknown == NULL)
        return shadow->report.json;
    gw_json_set(exchange->arena, &object, GW_STR("unknown"), gw_json_string(gw_str_from(shadow->unknown)));
    return object;
}

void gw_shadow_tell(struct gw_exchange *exchange)
{
    const struct gw_shadow *shadow = exchange->shadow;
    struct gw_buf text;
    char more[48];

    if (shadow == NULL || !shadow->differs || !may_tell(exchange->worker))
        return;
    gw_buf_init(&text, 2048);
    gw_json_encode(&shadow->report.json, &text);
    gw_log(GW_LOG_INFO, "shadow", "%.*s would be decided otherwise: %.*s (request %s)%s",
           GW_STR_ARG(shadow->request.operation), GW_STR_ARG(gw_buf_str(&text)), exchange->request_id,
           untold(exchange->worker, more));
    gw_buf_fini(&text);
}
