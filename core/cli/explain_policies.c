/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second half of explain: the policies, in the sandbox that serve runs them in,
 * then EKS's rules for the completed input. The store isn't opened: what policies
 * need to know of it comes from one in memory that has the configured clusters and
 * no entries.
 */
#include "cli/explain.h"
#include "cli/reload.h"

#include "base/log.h"
#include "eks/forward.h"
#include "gateway/policy.h"

/* Everything that the policies stand on; made and taken down per run. */
struct stage {
    struct gw_explain *explain;
    struct gw_epoch *epoch;
    struct gw_epoch_reader *reader;
    struct gw_store *store;
    struct gw_gateway *gateway;
    struct gw_gateway_settings *settings;
    void *instance;
    const struct gw_policy_hooks *hooks;
    struct gw_policy_counters counters;
    struct gw_policy_services services;
    struct gw_policy_request request;
    struct gw_policy_call call;
    struct gw_eks_facts facts;
    struct gw_str asked; /* what a policy would have asked of an endpoint; {NULL,0}: nothing */
};

static void log_line(void *ctx, enum gw_log_level level, struct gw_str policy, struct gw_str text)
{
    (void)ctx;
    gw_log(level, "policy", "%.*s: %.*s", GW_STR_ARG(policy), GW_STR_ARG(text));
}

/* What an endpoint would say isn't known; that there is none of that name is. */
static enum gw_status fetch(void *ctx, struct gw_policy_call *call, const struct gw_policy_fetch *fetch,
                            struct gw_policy_fetched *fetched, struct gw_err *err)
{
    struct stage *stage = ctx;
    const struct gw_config *config = stage->explain->config;
    size_t at = 0;

    (void)fetched;
    while (at < config->endpoint_count && !gw_str_equal(config->endpoints[at].name, fetch->endpoint))
        at++;
    if (at == config->endpoint_count)
        return gw_fail(err, GW_E_MISSING, "there is no such endpoint in policy.endpoints");
    stage->asked = gw_arena_printf(call->arena, "asks endpoint %.*s, %s %.*s, and goes by what it answers",
                                   GW_STR_ARG(fetch->endpoint), fetch->is_post ? "POST" : "GET",
                                   GW_STR_ARG(fetch->path.at != NULL ? fetch->path : GW_STR("/")));
    return gw_fail(err, GW_E_MISSING, "explain asks nobody");
}

static enum gw_status open_store(struct stage *stage, struct gw_err *err)
{
    const struct gw_config *config = stage->explain->config;
    struct gw_gateway_options options = {
        .verify = config->verify,
        .commit = {.queue_max = config->commit_queue_max, .queue_age_ms = config->commit_queue_age_ms},
        .http = config->http};
    struct gw_gateway_settings *settings = NULL;
    struct gw_keyring *keyring = NULL;
    enum gw_status status = gw_reload_settings(config, 1, &settings, err);

    if (status == GW_OK)
        status = gw_config_keyring(config, &keyring, err);
    if (status != GW_OK) {
        gw_gateway_settings_free(&settings);
        return status;
    }
    stage->epoch = gw_epoch_new();
    stage->store = gw_store_open_memory(&config->store, stage->epoch, gw_random_system());
    stage->gateway = gw_gateway_new(&options, &settings, &keyring, stage->epoch, stage->store, NULL, gw_clock_system(),
                                    gw_random_system());
    stage->reader = gw_epoch_register(stage->epoch);
    return gw_gateway_make_clusters(stage->gateway, err);
}

static enum gw_status open_policies(struct stage *stage, struct gw_err *err)
{
    enum gw_status status = gw_reload_settings(stage->explain->config, 1, &stage->settings, err);

    stage->services = (struct gw_policy_services){
        .ctx = stage, .fetch = fetch, .log = log_line, .counters = gw_counters_new(gw_random_system())};
    if (status != GW_OK || stage->settings->policies.open == NULL)
        return status;
    return stage->settings->policies.open(stage->settings->policies.ctx, &stage->counters, &stage->services,
                                          &stage->instance, &stage->hooks, err);
}

static void take_down(struct stage *stage)
{
    if (stage->hooks != NULL && stage->call.request != NULL)
        stage->hooks->finish(stage->hooks->ctx, &stage->call);
    if (stage->instance != NULL)
        stage->settings->policies.close(stage->instance);
    gw_counters_free(&stage->services.counters);
    gw_gateway_settings_free(&stage->settings);
    gw_gateway_free(&stage->gateway);
    if (stage->reader != NULL)
        gw_epoch_unregister(stage->reader);
    gw_store_close(&stage->store);
    gw_epoch_free(&stage->epoch);
}

/* Inside an epoch. */
static void fetch_facts(struct stage *stage)
{
    struct gw_explain *explain = stage->explain;
    struct gw_eks_env env = {.now_ms = explain->now_ms,
                             .wall_ms = explain->now_ms,
                             .random = gw_random_system(),
                             .limits = &explain->config->limits,
                             .store = stage->store};
    struct gw_policy_request *request = &stage->request;
    struct gw_eks_facts *facts = &stage->facts;
    unsigned asked = 0;

    if (stage->hooks->needs != NULL)
        asked = stage->hooks->needs(stage->hooks->ctx, request->operation);
    if (asked == 0 || gw_eks_facts(&explain->call, &env, asked, explain->arena, facts) != GW_OK)
        return;
    request->facts = facts->asked;
    if ((facts->asked & GW_EKS_FACT_CLUSTER) != 0 && facts->has_cluster)
        request->cluster_info = &facts->cluster;
    if ((facts->asked & GW_EKS_FACT_ADMINS) != 0 && facts->has_admins)
        request->admins = &facts->admins;
    gw_explain_say(
        explain, "facts",
        gw_json_string(GW_STR("policies need to know what the store holds, which isn't opened here: they are "
                              "told of the configured clusters as they are at first, and of no entry and no "
                              "administrator")));
}

static void begin_call(struct stage *stage)
{
    struct gw_explain *explain = stage->explain;
    const struct gw_eks_call *call = &explain->call;

    stage->request = (struct gw_policy_request){
        .operation = gw_str_from(gw_eks_ops[call->op].name),
        .account = call->account,
        .region = call->region,
        .cluster = call->cluster,
        .principal = call->has_principal ? &call->principal : NULL,
        .caller_access_key = explain->caller.access_key,
        .caller = explain->has_caller ? &explain->caller.identity : NULL,
        .caller_tags = explain->caller.tags,
        .caller_tag_count = explain->caller.tag_count,
        .caller_verified = explain->caller.verified,
        .input = &call->input,
        .time_s = explain->now_ms / 1000,
        .source_ip = explain->source_ip,
        .user_agent = gw_http1_header(&explain->request, GW_HEADER_USER_AGENT),
        .request_id = call->request_id,
    };
    fetch_facts(stage);
    stage->call.request = &stage->request;
    stage->call.arena = explain->arena;
}

/* True to go on. */
static bool may_go_on(struct stage *stage, enum gw_policy_answer answer)
{
    const struct gw_policy_refusal *refusal = &stage->call.refusal;
    struct gw_explain *explain = stage->explain;
    struct gw_str words;

    if (answer == GW_POLICY_DONE)
        return true;
    if (answer == GW_POLICY_WAITING || (refusal->failed && stage->asked.at != NULL)) {
        explain->is_open = true;
        return false;
    }
    words = gw_arena_printf(explain->arena, "eksgate policy %.*s: %.*s%s", GW_STR_ARG(refusal->policy),
                            GW_STR_ARG(refusal->reason), refusal->failed ? " (the log has file and line)" : "");
    if (refusal->verdict == GW_VERDICT_THROTTLE)
        gw_explain_refuse(explain, 429, "TooManyRequestsException", words);
    else
        gw_explain_refuse(explain, 403, "AccessDeniedException", words);
    return false;
}

static bool wants(const struct stage *stage, enum gw_policy_hook hook)
{
    return stage->hooks->wants(stage->hooks->ctx, hook, stage->request.operation);
}

/* Of a forwarded update the entry isn't known: nobody is asked. */
static bool takes_username(const struct stage *stage)
{
    const struct gw_eks_call *call = &stage->explain->call;

    if (call->is_forwarded && call->op == GW_EKS_UpdateAccessEntry)
        return gw_eks_wants_username_of(call, NULL);
    return gw_eks_wants_username(call, stage->store);
}

/* authorize, username, tags: the order of the gateway's stages. False: refused. */
static bool ask(struct stage *stage)
{
    const struct gw_policy_hooks *hooks = stage->hooks;
    struct gw_eks_call *call = &stage->explain->call;
    const struct gw_pair *tags = NULL;
    struct gw_str username = GW_STR_NONE;
    size_t count = 0;

    if (wants(stage, GW_HOOK_AUTHORIZE) && !may_go_on(stage, hooks->authorize(hooks->ctx, &stage->call)))
        return false;
    if (wants(stage, GW_HOOK_USERNAME) && takes_username(stage)) {
        if (!may_go_on(stage, hooks->username(hooks->ctx, &stage->call, &username)))
            return false;
        if (username.at != NULL)
            gw_eks_set_username(call, username);
    }
    if (wants(stage, GW_HOOK_TAGS) && gw_eks_wants_tags(call)) {
        if (!may_go_on(stage, hooks->tags(hooks->ctx, &stage->call, gw_eks_sent_tags(call), &tags, &count)))
            return false;
        if (count > 0)
            gw_eks_add_tags(call, tags, count);
    }
    return true;
}

static void tell(struct stage *stage)
{
    struct gw_explain *explain = stage->explain;
    const struct gw_policy_call *call = &stage->call;

    for (size_t i = 0; i < call->opinion_count; i++) {
        struct gw_json row = {.type = GW_JSON_OBJECT};

        gw_explain_text(explain, &row, "policy", call->opinions[i].policy);
        gw_explain_text(explain, &row, "verdict", gw_str_from(gw_policy_verdict_name(call->opinions[i].verdict)));
        gw_explain_text(explain, &row, "reason", call->opinions[i].reason);
        gw_explain_add(explain, "verdicts", row);
    }
    if (call->refusal.failed) {
        struct gw_json row = {.type = GW_JSON_OBJECT};
        bool is_open = stage->asked.at != NULL;

        gw_explain_text(explain, &row, "policy", call->refusal.policy);
        gw_explain_text(explain, &row, "verdict", is_open ? GW_STR("open") : GW_STR("failed"));
        gw_explain_text(explain, &row, "reason", is_open ? stage->asked : call->refusal.reason);
        gw_explain_add(explain, "verdicts", row);
    }
    for (size_t i = 0; i < call->change_count; i++) {
        struct gw_json row = {.type = GW_JSON_OBJECT};

        gw_explain_text(explain, &row, "policy", call->changes[i].policy);
        gw_explain_text(explain, &row, "hook", gw_str_from(gw_policy_hook_name(call->changes[i].hook)));
        gw_json_set(explain->arena, &row, GW_STR("before"), call->changes[i].before);
        gw_json_set(explain->arena, &row, GW_STR("after"), call->changes[i].after);
        gw_explain_add(explain, "changes", row);
    }
}

/* Callers' own input is the upstream's to judge. */
static void check_rules(struct gw_explain *explain)
{
    struct gw_explain_finding finding = {.outcome = GW_EXPLAIN_HOLDS};
    struct gw_eks_error error = {0};

    explain->goes_on = true;
    if (explain->call.is_forwarded && !gw_eks_has_choices(&explain->call))
        return;
    if (gw_eks_check(&explain->call, &explain->config->limits, &error) != GW_OK) {
        finding.outcome = GW_EXPLAIN_FAILS;
        finding.refusal =
            (struct gw_refusal){gw_eks_error_status(error.code), gw_eks_error_name(error.code), error.message};
        explain->goes_on = false;
    }
    gw_explain_check(explain, "EKS's rules", &finding);
}

enum gw_status gw_explain_policies(struct gw_explain *explain, struct gw_err *err)
{
    struct stage stage = {.explain = explain};
    enum gw_status status = open_store(&stage, err);
    bool goes_on = true;

    if (status == GW_OK)
        status = open_policies(&stage, err);
    if (status == GW_OK && explain->is_decoded) {
        gw_epoch_enter(stage.reader);
        if (stage.hooks != NULL && (explain->has_caller || explain->config->auth == GW_GATEWAY_AUTH_UPSTREAM)) {
            begin_call(&stage);
            goes_on = ask(&stage);
            tell(&stage);
        }
        gw_epoch_leave(stage.reader);
        if (goes_on)
            check_rules(explain);
    }
    take_down(&stage);
    return status;
}
