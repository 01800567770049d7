/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks policies about a recorded request: the questions of the gateway's stages
 * authorize, complete, where a create met an entry conflict, and of a change that
 * was made audit, in their order, in the sandbox that serve has. Faults aren't
 * asked for: they are no decisions. Nor are audit hooks of reads, whose replies
 * aren't recorded, and outcome hooks, which change nothing.
 *
 * Two things aren't there: what a policy would fetch by HTTP, and facts that
 * nobody had asked for at the time. Where a policy reaches for one, what it would
 * have said isn't known, and what comes behind it isn't either.
 */
#include "cli/replay.h"

#include <stdlib.h>

#include "base/counters.h"
#include "base/log.h"
#include "codec/username.h"

/* Of a request's budget, so that nothing but a policy that has no end runs out of it, however slow the machine. */
#define BUDGET_TIMES 10

struct gw_replay_policies {
    struct gw_script_set *set;
    struct gw_script *script;
    const struct gw_policy_hooks *hooks;
    struct gw_policy_counters counters;
    struct gw_policy_services services;
    struct gw_counters *shared_counts; /* from zero on; time is the records' */
    struct gw_policy_missed missed;
    bool has_fetched; /* tried to */
    struct gw_str endpoint;
    struct gw_buf text;
};

static void log_line(void *ctx, enum gw_log_level level, struct gw_str policy, struct gw_str text)
{
    (void)ctx;
    gw_log(level, "policy", "%.*s: %.*s", GW_STR_ARG(policy), GW_STR_ARG(text));
}

static enum gw_status fetch(void *ctx, struct gw_policy_call *call, const struct gw_policy_fetch *fetch,
                            struct gw_policy_fetched *fetched, struct gw_err *err)
{
    struct gw_replay_policies *policies = ctx;

    (void)fetched;
    if (!policies->has_fetched)
        policies->endpoint = gw_arena_str(call->arena, fetch->endpoint);
    policies->has_fetched = true;
    return gw_fail(err, GW_E_DENIED, "nothing is fetched in a replay");
}

enum gw_status gw_replay_policies_open(const struct gw_script_options *options, struct gw_replay_policies **policies,
                                       struct gw_err *err)
{
    struct gw_script_options generous = *options;
    struct gw_replay_policies *made = gw_alloc_zero(1, sizeof(*made));
    enum gw_status status;

    generous.cpu_ms *= BUDGET_TIMES;
    generous.allow_faults = true;
    made->shared_counts = gw_counters_new(gw_random_system());
    made->services =
        (struct gw_policy_services){.ctx = made, .fetch = fetch, .counters = made->shared_counts, .log = log_line};
    gw_buf_init(&made->text, (size_t)1 << 16);
    status = gw_script_set_load(&generous, &made->set, err);
    if (status == GW_OK)
        status = gw_script_new(made->set, &made->counters, &made->services, &made->script, err);
    if (status != GW_OK) {
        gw_replay_policies_close(&made);
        return status;
    }
    made->hooks = gw_script_hooks(made->script);
    *policies = made;
    return GW_OK;
}

void gw_replay_policies_close(struct gw_replay_policies **policies)
{
    struct gw_replay_policies *closed = *policies;

    if (closed == NULL)
        return;
    *policies = NULL;
    gw_script_free(&closed->script);
    if (closed->set != NULL)
        gw_script_set_free(&closed->set);
    gw_counters_free(&closed->shared_counts);
    gw_buf_fini(&closed->text);
    free(closed);
}

static void wake(void *ctx)
{
    (void)ctx;
}

/* One question after the other. */
struct asking {
    struct gw_replay_policies *policies;
    struct gw_replay_record *record;
    struct gw_replay_decision *decision;
    struct gw_policy_call *call;
    bool is_refused;
};

static bool wants(const struct asking *asking, enum gw_policy_hook hook)
{
    const struct gw_policy_hooks *hooks = asking->policies->hooks;

    return hooks->wants(hooks->ctx, hook, asking->record->request.operation);
}

static void cannot_tell(struct asking *asking, struct gw_str policy, struct gw_str why)
{
    struct gw_replay_decision *decision = asking->decision;

    if (decision->is_unknown)
        return;
    decision->is_unknown = true;
    decision->unknown_to = policy;
    decision->why = why;
}

/* "needs entry, cluster" */
static struct gw_str name_missed(struct asking *asking)
{
    struct gw_buf *text = &asking->policies->text;
    const char *before = "needs ";

    gw_buf_clear(text);
    for (size_t i = 0; i < GW_FACT_COUNT; i++) {
        enum gw_fact fact = (enum gw_fact)(1U << i);

        if ((asking->policies->missed.facts & fact) == 0)
            continue;
        gw_buf_printf(text, "%s%s", before, gw_policy_fact_name(fact));
        before = ", ";
    }
    return gw_arena_str(asking->call->arena, gw_buf_str(text));
}

/* Did a policy reach for what isn't there? */
static bool look_for_gaps(struct asking *asking)
{
    struct gw_replay_policies *policies = asking->policies;
    const struct gw_policy_refusal *refusal = &asking->call->refusal;

    if (policies->missed.facts != 0)
        cannot_tell(asking, policies->missed.policy, name_missed(asking));
    else if (policies->has_fetched)
        cannot_tell(asking, asking->is_refused ? refusal->policy : GW_STR_NONE,
                    gw_arena_printf(asking->call->arena, "asks %.*s", GW_STR_ARG(policies->endpoint)));
    return asking->decision->is_unknown;
}

/* True to go on. */
static bool may_go_on(struct asking *asking, enum gw_policy_answer answer)
{
    asking->is_refused = answer == GW_POLICY_FAILED;
    if (look_for_gaps(asking))
        return false;
    if (answer == GW_POLICY_WAITING)
        cannot_tell(asking, GW_STR_NONE, GW_STR("a hook waits for what doesn't come"));
    return answer == GW_POLICY_DONE;
}

static bool authorize(struct asking *asking)
{
    const struct gw_policy_hooks *hooks = asking->policies->hooks;

    return !wants(asking, GW_HOOK_AUTHORIZE) || may_go_on(asking, hooks->authorize(hooks->ctx, asking->call));
}

/* Whether the entry that is updated is of the type that policies may name depends on facts. */
static bool takes_username(struct asking *asking)
{
    const struct gw_replay_record *record = asking->record;

    if (record->call.op != GW_EKS_UpdateAccessEntry)
        return gw_eks_wants_username(&record->call, NULL);
    if (record->call.entry == NULL || gw_json_get(&record->call.input, "username") != NULL)
        return false;
    if (record->type == GW_REPLAY_TYPE_UNKNOWN)
        cannot_tell(asking, GW_STR_NONE, GW_STR("the entry's type isn't recorded"));
    return record->type == GW_REPLAY_TYPE_STANDARD;
}

static bool username(struct asking *asking)
{
    const struct gw_policy_hooks *hooks = asking->policies->hooks;
    struct gw_str chosen = GW_STR_NONE;

    if (!wants(asking, GW_HOOK_USERNAME) || !takes_username(asking))
        return !asking->decision->is_unknown;
    return may_go_on(asking, hooks->username(hooks->ctx, asking->call, &chosen));
}

static bool tags(struct asking *asking)
{
    const struct gw_policy_hooks *hooks = asking->policies->hooks;
    const struct gw_eks_call *call = &asking->record->call;
    const struct gw_pair *chosen = NULL;
    size_t count = 0;

    if (!wants(asking, GW_HOOK_TAGS) || !gw_eks_wants_tags(call))
        return true;
    return may_go_on(asking, hooks->tags(hooks->ctx, asking->call, gw_eks_sent_tags(call), &chosen, &count));
}

static bool conflict(struct asking *asking)
{
    const struct gw_policy_hooks *hooks = asking->policies->hooks;
    bool adopt = false;

    if (!asking->record->met_conflict || !wants(asking, GW_HOOK_CONFLICT))
        return true;
    return may_go_on(asking, hooks->conflict(hooks->ctx, asking->call, &adopt));
}

/* One that fails refuses the request; what it adds to the record is no decision. */
static bool audit(struct asking *asking)
{
    const struct gw_policy_hooks *hooks = asking->policies->hooks;
    const struct gw_replay_record *record = asking->record;
    struct gw_json fields = {.type = GW_JSON_NULL};
    struct gw_json view;

    if (!wants(asking, GW_HOOK_AUDIT) || record->end == GW_REPLAY_END_REFUSED || record->end == GW_REPLAY_END_READ)
        return true;
    if (record->end == GW_REPLAY_END_FAILED || record->before.verdict != GW_DIFFER_ALLOW) {
        cannot_tell(asking, GW_STR_NONE, GW_STR("what audit hooks would see isn't recorded"));
        return false;
    }
    gw_replay_view(record, asking->call, asking->call->arena, &view);
    return may_go_on(asking, hooks->audit(hooks->ctx, asking->call, &view, &fields));
}

void gw_replay_ask(struct gw_replay_policies *policies, struct gw_replay_record *record, struct gw_arena *arena,
                   struct gw_replay_decision *decision)
{
    struct gw_policy_call *call = gw_arena_alloc(arena, sizeof(*call));
    struct asking asking = {.policies = policies, .record = record, .decision = decision, .call = call};

    memset(call, 0, offsetof(struct gw_policy_call, opinions));
    call->request = &record->request;
    call->arena = arena;
    call->wake = wake;
    policies->missed = (struct gw_policy_missed){.facts = 0};
    policies->has_fetched = false;
    record->request.missed = &policies->missed;
    *decision = (struct gw_replay_decision){.is_unknown = false};
    (void)(authorize(&asking) && username(&asking) && tags(&asking) && conflict(&asking) && audit(&asking));
    policies->hooks->finish(policies->hooks->ctx, call);
    gw_differ_of_call(call, asking.is_refused, &decision->after);
}
