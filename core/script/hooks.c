/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The questions of gateway/policy.h, answered by one worker's Lua state. Each
 * question is one protected call that walks the policies in order; results are
 * copied into the request's arena before it returns. Any failure refuses, and a
 * killed state is replaced before the next question.
 *
 * Nothing waits yet: every answer is DONE or FAILED. What a question needs to go
 * on (policy, views, budget) is in `struct ask` and `struct talk`, not on the C
 * stack, so that a hook that waits can be asked again.
 */
#include "script/hooks.h"

#include <stdlib.h>

#include "base/log.h"
#include "codec/username.h"
#include "script/answers.h"
#include "script/bind_request.h"
#include "script/set.h"
#include "script/watch.h"

/* Processor time of one request's hooks, for work that steps measure badly (comparing long texts). */
#define CPU_NS ((int64_t)20000000)

struct gw_script {
    struct gw_script_set *set;
    struct gw_policy_counters *counters;
    const struct gw_policy_services *services;
    struct gw_policy_hooks hooks;
    struct gw_sandbox sandbox;
    struct gw_host *host; /* NULL: to be made before the next question */
    uint64_t generation;  /* of the host */
    size_t current;       /* the policy that runs */
    unsigned needs;       /* facts that it declared */
    struct gw_set_functions functions[GW_SET_POLICIES_MAX];
};

/* One request's part, behind call->state; in the call's arena. */
struct talk {
    struct gw_host_budget budget;
    uint64_t generation; /* of the host that holds the view */
    struct gw_bind_view *view;
    int reference;
    bool killed; /* nothing more runs for this request */
};

/* One question. */
struct ask {
    struct gw_script *script;
    struct gw_policy_call *call;
    struct talk *talk;
    enum gw_policy_hook hook;
    struct gw_str operation;
    bool allowed; /* some policy said allow */
    bool refused;
    size_t next;    /* the policy to ask next */
    bool in_policy; /* script->current is meant by a failure */
    const struct gw_json *sent;
    struct gw_pair *tags;
    size_t tag_count;
    struct gw_str username;
    bool adopt;
    struct gw_fault fault;
    const struct gw_json *record;
    struct gw_bind_view *record_view;
    struct gw_json fields;
};

static void count(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

static const struct gw_set_policy *current_policy(const struct gw_script *script)
{
    return &script->set->policies[script->current];
}

static int current_function(const struct ask *ask)
{
    return ask->script->functions[ask->script->current].hooks[ask->hook];
}

static void add_change(struct ask *ask, struct gw_json after)
{
    struct gw_policy_call *call = ask->call;
    if (call->change_count == GW_POLICY_CHANGES_MAX)
        return;
    call->changes[call->change_count++] = (struct gw_policy_change){
        .policy = current_policy(ask->script)->name,
        .hook = ask->hook,
        .before = {.type = GW_JSON_NULL},
        .after = after,
    };
}

/* The answer is on top of the stack in all of these; true ends the question. */
static bool take_verdict(lua_State *L, struct ask *ask)
{
    struct gw_policy_call *call = ask->call;
    struct gw_answers_verdict answer;
    struct gw_str policy = current_policy(ask->script)->name;
    gw_answers_read_verdict(L, current_function(ask), call->arena, &answer);
    if (answer.verdict == GW_VERDICT_NONE)
        return false;
    if (call->opinion_count < GW_POLICY_OPINIONS_MAX)
        call->opinions[call->opinion_count++] =
            (struct gw_policy_opinion){.policy = policy, .verdict = answer.verdict, .reason = answer.reason};
    if (answer.verdict == GW_VERDICT_ALLOW) {
        ask->allowed = true;
        return false;
    }
    ask->refused = true;
    count(answer.verdict == GW_VERDICT_DENY ? &ask->script->counters->denied : &ask->script->counters->throttled);
    call->refusal = (struct gw_policy_refusal){
        .verdict = answer.verdict,
        .policy = policy,
        .reason = answer.reason.at == NULL ? GW_STR("no reason given") : answer.reason,
        .retry_after_s = answer.retry_after_s,
    };
    return true;
}

static bool take_username(lua_State *L, struct ask *ask)
{
    ask->username = gw_answers_read_username(L, current_function(ask), ask->call->arena);
    if (ask->username.at == NULL)
        return false;
    add_change(ask, gw_json_string(ask->username));
    return true;
}

static bool has_tag(const struct ask *ask, struct gw_str key)
{
    const struct gw_json *sent = ask->sent;
    for (size_t i = 0; sent != NULL && sent->type == GW_JSON_OBJECT && i < sent->as.object.count; i++) {
        if (gw_str_equal(sent->as.object.members[i].name, key))
            return true;
    }
    for (size_t i = 0; i < ask->tag_count; i++) {
        if (gw_str_equal(ask->tags[i].key, key))
            return true;
    }
    return false;
}

/* What the caller sent and what an earlier policy added stay as they are. */
static bool take_tags(lua_State *L, struct ask *ask)
{
    struct gw_arena *arena = ask->call->arena;
    struct gw_pair *answered = NULL;
    size_t sent = ask->sent != NULL && ask->sent->type == GW_JSON_OBJECT ? ask->sent->as.object.count : 0;
    size_t added = 0;
    size_t answered_count = gw_answers_read_tags(L, current_function(ask), arena, &answered);
    for (size_t i = 0; i < answered_count; i++) {
        if (!has_tag(ask, answered[i].key))
            answered[added++] = answered[i];
    }
    if (added == 0)
        return false;
    if (sent + ask->tag_count + added > GW_TAGS_MAX)
        gw_answers_refuse(L, current_function(ask), "with its tags there would be more than %d", GW_TAGS_MAX);
    if (ask->tags == NULL)
        ask->tags = gw_arena_zero(arena, GW_TAGS_MAX, sizeof *ask->tags);
    memcpy(&ask->tags[ask->tag_count], answered, added * sizeof *answered);
    ask->tag_count += added;
    add_change(ask, gw_json_pairs(arena, answered, added));
    return false;
}

static bool take_conflict(lua_State *L, struct ask *ask)
{
    ask->adopt = gw_answers_read_conflict(L, current_function(ask));
    if (ask->adopt)
        add_change(ask, gw_json_bool(true));
    return ask->adopt;
}

static struct gw_json seconds_as_json(unsigned ms)
{
    if (ms % 1000 == 0)
        return gw_json_integer(ms / 1000);
    return (struct gw_json){.type = GW_JSON_REAL, .as.real = ms / 1000.0};
}

/* What the record says of a fault: the table that the hook returned. */
static struct gw_json fault_as_json(struct gw_arena *arena, const struct gw_fault *fault)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    if (fault->kind == GW_FAULT_ERROR)
        gw_json_set(arena, &object, GW_STR("error"), gw_json_string(fault->error));
    if (fault->message.at != NULL)
        gw_json_set(arena, &object, GW_STR("message"), gw_json_string(fault->message));
    if (fault->kind == GW_FAULT_DELAY)
        gw_json_set(arena, &object, GW_STR("delay"), seconds_as_json(fault->delay_ms));
    if (fault->kind == GW_FAULT_DROP)
        gw_json_set(arena, &object, GW_STR("drop"), gw_json_bool(true));
    return object;
}

static bool take_fault(lua_State *L, struct ask *ask)
{
    const struct gw_script_options *options = &ask->script->set->options;
    struct gw_arena *arena = ask->call->arena;
    gw_answers_read_fault(L, current_function(ask), options->known_errors, options->known_error_count, arena,
                          &ask->fault);
    if (ask->fault.kind == GW_FAULT_NONE)
        return false;
    add_change(ask, fault_as_json(arena, &ask->fault));
    return true;
}

static bool take_fields(lua_State *L, struct ask *ask)
{
    struct gw_json fields;
    if (gw_answers_read_fields(L, current_function(ask), ask->call->arena, &fields)) {
        ask->fields.type = GW_JSON_OBJECT;
        gw_json_set(ask->call->arena, &ask->fields, current_policy(ask->script)->name, fields);
    }
    return false;
}

static bool take_answer(lua_State *L, struct ask *ask)
{
    switch (ask->hook) {
    case GW_HOOK_AUTHORIZE:
        return take_verdict(L, ask);
    case GW_HOOK_USERNAME:
        return take_username(L, ask);
    case GW_HOOK_TAGS:
        return take_tags(L, ask);
    case GW_HOOK_CONFLICT:
        return take_conflict(L, ask);
    case GW_HOOK_FAULT:
        return take_fault(L, ask);
    case GW_HOOK_AUDIT:
        return take_fields(L, ask);
    default:
        return false;
    }
}

/* False: the answer at 3 ends the question. */
static bool goes_on(lua_State *L, struct ask *ask)
{
    const struct gw_script_watch *watch = ask->script->set->options.watch;
    bool ends = take_answer(L, ask);
    lua_settop(L, 3);
    if (watch != NULL)
        watch->on_answer(watch->ctx, L);
    lua_settop(L, 2);
    return !ends;
}

/* Pushes what the hook is called with. The request's view is the same one for all of its questions. */
static void push_argument(lua_State *L, struct ask *ask)
{
    struct talk *talk = ask->talk;
    if (ask->record != NULL) {
        ask->record_view = gw_bind_record_push(L, ask->record);
        return;
    }
    if (talk->view != NULL && talk->generation == ask->script->generation) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, talk->reference);
        return;
    }
    struct gw_bind_view *view = gw_bind_request_push(L, ask->call->request, &ask->script->needs);
    lua_pushvalue(L, -1);
    talk->reference = luaL_ref(L, LUA_REGISTRYINDEX);
    talk->generation = ask->script->generation;
    talk->view = view;
}

/* Goes on at ask->next. */
static int l_ask(lua_State *L)
{
    struct ask *ask = lua_touserdata(L, 1);
    struct gw_script *script = ask->script;
    const struct gw_script_watch *watch = script->set->options.watch;
    push_argument(L, ask);
    while (ask->next < script->set->count) {
        script->current = ask->next++;
        if (!gw_set_applies(current_policy(script), ask->hook, ask->operation))
            continue;
        ask->in_policy = true;
        script->needs = current_policy(script)->needs;
        script->sandbox.policy = current_policy(script)->name;
        count(&script->counters->calls);
        if (watch != NULL)
            watch->on_call(watch->ctx, L, current_policy(script)->name, ask->hook);
        lua_rawgeti(L, LUA_REGISTRYINDEX, current_function(ask));
        lua_pushvalue(L, 2);
        gw_host_invoke(L, 1, 1);
        if (!goes_on(L, ask))
            break;
    }
    return 0;
}

static enum gw_status make_state(struct gw_script *script, struct gw_err *err)
{
    gw_host_free(&script->host);
    script->generation++;
    script->host = gw_host_new(script->set->options.state_bytes);
    enum gw_status status = gw_set_open_state(script->set, script->host, &script->sandbox, script->functions, err);
    if (status != GW_OK)
        gw_host_free(&script->host);
    return status;
}

static struct talk *talk_of(const struct gw_script *script, struct gw_policy_call *call)
{
    if (call->state == NULL) {
        struct talk *talk = gw_arena_zero(call->arena, 1, sizeof *talk);
        talk->budget.steps = (int64_t)script->set->options.instructions;
        talk->budget.memory = script->set->options.memory_bytes;
        talk->budget.cpu_ns = CPU_NS;
        call->state = talk;
    }
    return call->state;
}

static bool wants(void *ctx, enum gw_policy_hook hook, struct gw_str operation)
{
    const struct gw_script *script = ctx;
    if (hook == GW_HOOK_AUTHORIZE && !script->set->options.default_allow)
        return true;
    for (size_t i = 0; i < script->set->count; i++) {
        if (gw_set_applies(&script->set->policies[i], hook, operation))
            return true;
    }
    return false;
}

/* Of policies with a hook that is given a request. */
static unsigned needs(void *ctx, struct gw_str operation)
{
    const struct gw_script *script = ctx;
    unsigned facts = 0;
    for (size_t i = 0; i < script->set->count; i++) {
        const struct gw_set_policy *policy = &script->set->policies[i];
        for (int hook = 0; policy->needs != 0 && hook < GW_HOOK_AUDIT; hook++) {
            if (gw_set_applies(policy, (enum gw_policy_hook)hook, operation))
                facts |= policy->needs;
        }
    }
    return facts;
}

static void count_failure(struct gw_policy_counters *counters, enum gw_host_outcome outcome)
{
    if (outcome == GW_HOST_OUT_OF_BUDGET)
        count(&counters->killed_time);
    else if (outcome == GW_HOST_OUT_OF_MEMORY)
        count(&counters->killed_memory);
    else
        count(&counters->failed);
}

/* The log gets what the client must not see. */
static enum gw_policy_answer fail(struct ask *ask, enum gw_host_outcome outcome, const struct gw_err *err)
{
    struct gw_str policy = ask->in_policy ? current_policy(ask->script)->name : GW_STR("policies");
    const struct gw_script_watch *watch = ask->script->set->options.watch;
    struct gw_str id = ask->call->request == NULL ? GW_STR_NONE : ask->call->request->request_id;
    ask->talk->killed = ask->talk->killed || outcome > GW_HOST_RAISED;
    count_failure(ask->script->counters, outcome);
    if (watch != NULL)
        watch->on_failure(watch->ctx, policy, ask->hook, err->text);
    else
        gw_log(GW_LOG_WARN, "policy", "%.*s: %s failed: %s (request %.*s)", GW_STR_ARG(policy),
               gw_set_hook_name(ask->hook), err->text, GW_STR_ARG(id));
    if (ask->hook != GW_HOOK_OUTCOME)
        ask->call->refusal = (struct gw_policy_refusal){
            .verdict = GW_VERDICT_DENY,
            .failed = true,
            .policy = policy,
            .reason = GW_STR("policy failed"),
        };
    return GW_POLICY_FAILED;
}

/* Runs the question from ask->next on. */
static enum gw_policy_answer run_question(struct ask *ask)
{
    struct gw_script *script = ask->script;
    struct gw_err err;
    if (script->host == NULL || gw_host_is_dead(script->host)) {
        if (make_state(script, &err) != GW_OK)
            return fail(ask, GW_HOST_RAISED, &err);
    }
    script->sandbox.call = ask->call;
    script->sandbox.hook = ask->hook;
    enum gw_host_outcome outcome = gw_host_run(script->host, l_ask, ask, &ask->talk->budget, &err);
    script->sandbox.call = NULL;
    if (ask->record_view != NULL)
        gw_bind_view_clear(ask->record_view);
    ask->record_view = NULL;
    if (outcome != GW_HOST_OK)
        return fail(ask, outcome, &err);
    return ask->refused ? GW_POLICY_FAILED : GW_POLICY_DONE;
}

/* A request that was killed once runs nothing more: what still has to be asked is refused, what is only told is done.
 */
static enum gw_policy_answer put_question(struct ask *ask)
{
    if (!wants(ask->script, ask->hook, ask->operation) || ask->script->set->count == 0)
        return GW_POLICY_DONE;
    ask->talk = talk_of(ask->script, ask->call);
    if (!ask->talk->killed)
        return run_question(ask);
    return ask->hook >= GW_HOOK_AUDIT ? GW_POLICY_DONE : GW_POLICY_FAILED;
}

static struct ask begin(void *ctx, struct gw_policy_call *call, enum gw_policy_hook hook)
{
    return (struct ask){.script = ctx, .call = call, .hook = hook, .operation = call->request->operation};
}

static enum gw_policy_answer authorize(void *ctx, struct gw_policy_call *call)
{
    struct gw_script *script = ctx;
    struct ask ask = begin(ctx, call, GW_HOOK_AUTHORIZE);
    enum gw_policy_answer answer = put_question(&ask);
    if (answer != GW_POLICY_DONE || ask.allowed || script->set->options.default_allow)
        return answer;
    count(&script->counters->denied);
    call->refusal = (struct gw_policy_refusal){
        .verdict = GW_VERDICT_DENY,
        .policy = GW_STR("default_verdict"),
        .reason = GW_STR("no policy allowed it"),
    };
    return GW_POLICY_FAILED;
}

static enum gw_policy_answer username(void *ctx, struct gw_policy_call *call, struct gw_str *chosen)
{
    struct ask ask = begin(ctx, call, GW_HOOK_USERNAME);
    enum gw_policy_answer answer = put_question(&ask);
    if (answer == GW_POLICY_DONE)
        *chosen = ask.username;
    return answer;
}

static int compare_tags(const void *a, const void *b)
{
    const struct gw_pair *left = a;
    const struct gw_pair *right = b;
    return gw_str_compare(left->key, right->key);
}

static enum gw_policy_answer tags(void *ctx, struct gw_policy_call *call, const struct gw_json *sent,
                                  const struct gw_pair **chosen, size_t *chosen_count)
{
    struct ask ask = begin(ctx, call, GW_HOOK_TAGS);
    ask.sent = sent;
    enum gw_policy_answer answer = put_question(&ask);
    if (answer != GW_POLICY_DONE)
        return answer;
    if (ask.tag_count > 1)
        qsort(ask.tags, ask.tag_count, sizeof *ask.tags, compare_tags);
    *chosen = ask.tags;
    *chosen_count = ask.tag_count;
    return answer;
}

static enum gw_policy_answer conflict(void *ctx, struct gw_policy_call *call, bool *adopt)
{
    struct ask ask = begin(ctx, call, GW_HOOK_CONFLICT);
    enum gw_policy_answer answer = put_question(&ask);
    if (answer == GW_POLICY_DONE)
        *adopt = ask.adopt;
    return answer;
}

static enum gw_policy_answer fault(void *ctx, struct gw_policy_call *call, struct gw_fault *chosen)
{
    struct ask ask = begin(ctx, call, GW_HOOK_FAULT);
    enum gw_policy_answer answer = put_question(&ask);
    if (answer == GW_POLICY_DONE)
        *chosen = ask.fault;
    return answer;
}

static enum gw_policy_answer audit(void *ctx, struct gw_policy_call *call, const struct gw_json *record,
                                   struct gw_json *fields)
{
    struct ask ask = begin(ctx, call, GW_HOOK_AUDIT);
    ask.record = record;
    enum gw_policy_answer answer = put_question(&ask);
    if (answer == GW_POLICY_DONE)
        *fields = ask.fields;
    return answer;
}

/* One policy's failure doesn't keep the next from being told. */
static void outcome(void *ctx, struct gw_policy_call *call, const struct gw_json *record)
{
    struct ask ask = begin(ctx, call, GW_HOOK_OUTCOME);
    ask.record = record;
    while (put_question(&ask) == GW_POLICY_FAILED && ask.in_policy && !ask.talk->killed)
        ask.in_policy = false;
}

static void finish(void *ctx, struct gw_policy_call *call)
{
    struct gw_script *script = ctx;
    struct talk *talk = call->state;
    call->state = NULL;
    if (talk == NULL || talk->view == NULL || script->host == NULL || talk->generation != script->generation)
        return;
    gw_bind_view_clear(talk->view);
    if (!gw_host_is_dead(script->host))
        gw_host_unref(script->host, talk->reference);
}

static void print_line(void *ctx, enum gw_log_level level, struct gw_str text)
{
    const struct gw_script *script = ctx;
    struct gw_str policy = current_policy(script)->name;
    if (script->services != NULL && script->services->log != NULL)
        script->services->log(script->services->ctx, level, policy, text);
    else
        gw_log(level, "policy", "%.*s: %.*s", GW_STR_ARG(policy), GW_STR_ARG(text));
}

enum gw_status gw_script_new(struct gw_script_set *set, struct gw_policy_counters *counters,
                             const struct gw_policy_services *services, struct gw_script **script, struct gw_err *err)
{
    struct gw_script *fresh = gw_alloc_zero(1, sizeof *fresh);
    fresh->set = gw_script_set_hold(set);
    fresh->counters = counters;
    fresh->services = services;
    fresh->sandbox = (struct gw_sandbox){.ctx = fresh, .print = print_line, .services = services};
    fresh->hooks = (struct gw_policy_hooks){
        .ctx = fresh,
        .authorize = authorize,
        .username = username,
        .tags = tags,
        .conflict = conflict,
        .fault = fault,
        .audit = audit,
        .outcome = outcome,
        .finish = finish,
        .wants = wants,
        .needs = needs,
    };
    enum gw_status status = set->count == 0 ? GW_OK : make_state(fresh, err);
    if (status != GW_OK)
        gw_script_free(&fresh);
    else
        *script = fresh;
    return status;
}

void gw_script_free(struct gw_script **script)
{
    if (*script == NULL)
        return;
    gw_host_free(&(*script)->host);
    gw_script_set_free(&(*script)->set);
    free(*script);
    *script = NULL;
}

const struct gw_policy_hooks *gw_script_hooks(struct gw_script *script)
{
    return &script->hooks;
}
