/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The questions of gateway/policy.h, answered by one worker's Lua states. A
 * question is one call behind the host that walks the policies in order; what its
 * answers do is ask.c's. Any failure refuses.
 *
 * A question whose hook gave way or waits stays in the request's talk until it is
 * asked again, or the request ends. Requests take turns on one state. One that was
 * killed spoils its state for requests that begin later; those that began on it go
 * on there, and the last of them frees it.
 */
#include "script/hooks.h"

#include <stdlib.h>

#include "base/log.h"
#include "script/ask.h"
#include "script/bind_request.h"
#include "script/watch.h"

/* Of an outcome hook, which can't give way: the reply waits for it. */
#define OUTCOME_NS ((int64_t)2000000)

#define SPOILED_BYTES_MAX ((size_t)64 << 20)

static const struct gw_set_policy *current_policy(const struct gw_ask *ask)
{
    return &ask->script->set->policies[ask->current];
}

/* False: the answer at 3 ends the question. */
static bool goes_on(lua_State *L, struct gw_ask *ask)
{
    const struct gw_script_watch *watch = ask->script->set->options.watch;
    bool ends = gw_ask_take(L, ask);
    lua_settop(L, 3);
    if (watch != NULL)
        watch->on_answer(watch->ctx, L);
    lua_settop(L, 2);
    return !ends;
}

/* Pushes what the hook is called with. The request's view is the same one for all of its questions. */
static void push_argument(lua_State *L, struct gw_ask *ask)
{
    struct gw_talk *talk = ask->talk;
    if (ask->record != NULL) {
        ask->record_view = gw_bind_record_push(L, ask->record);
        return;
    }
    if (talk->view != NULL) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, talk->reference);
        return;
    }
    struct gw_bind_view *view = gw_bind_request_push(L, ask->call->request, &ask->script->needs);
    lua_pushvalue(L, -1);
    talk->reference = luaL_ref(L, LUA_REGISTRYINDEX);
    talk->view = view;
}

/* What functions that scripts call take the running hook for; before every go, since requests take turns. */
static void show_current(struct gw_ask *ask)
{
    struct gw_sandbox *sandbox = &ask->script->sandbox;
    sandbox->call = ask->call;
    sandbox->hook = ask->hook;
    sandbox->policy = current_policy(ask)->name;
    ask->script->needs = current_policy(ask)->needs;
}

/* The next policy that has something to say; false when there is none. */
static bool choose_next(struct gw_ask *ask)
{
    const struct gw_script_set *set = ask->script->set;
    while (ask->next < set->count) {
        ask->current = ask->next++;
        if (gw_set_applies(current_policy(ask), ask->hook, ask->call->request->operation))
            return true;
    }
    return false;
}

/* Goes on at ask->next; after a wait, with the answer of the hook that waited on top. */
static int l_ask_on(lua_State *L, int status, lua_KContext ctx)
{
    struct gw_ask *ask = (struct gw_ask *)ctx; // NOLINT(performance-no-int-to-ptr): what lua_KContext is for
    const struct gw_script_watch *watch = ask->script->set->options.watch;
    bool more = status != LUA_YIELD || goes_on(L, ask);
    while (more && choose_next(ask)) {
        ask->in_policy = true;
        show_current(ask);
        gw_ask_count(&ask->script->counters->calls);
        if (watch != NULL)
            watch->on_call(watch->ctx, L, current_policy(ask)->name, ask->hook);
        lua_rawgeti(L, LUA_REGISTRYINDEX, ask->talk->state->functions[ask->current].hooks[ask->hook]);
        lua_pushvalue(L, 2);
        gw_host_invoke_then(L, 1, 1, ctx, l_ask_on);
        more = goes_on(L, ask);
    }
    return 0;
}

static int l_ask(lua_State *L)
{
    struct gw_ask *ask = lua_touserdata(L, 1);
    push_argument(L, ask);
    return l_ask_on(L, LUA_OK, (lua_KContext)ask);
}

static void drop_state(struct gw_script_state *state)
{
    if (state == NULL || --state->holders > 0)
        return;
    if (state->spoiled_link != NULL)
        *state->spoiled_link = state->next_spoiled;
    if (state->spoiled_link != NULL && state->next_spoiled != NULL)
        state->next_spoiled->spoiled_link = state->spoiled_link;
    gw_host_free(&state->host);
    free(state);
}

/* One that a kill spoiled, or that is full of others' texts and tables, is left to those that are on it. */
static void put_aside(struct gw_script *script)
{
    struct gw_script_state *state = script->state;
    script->state = NULL;
    if (state == NULL)
        return;
    state->next_spoiled = script->spoiled;
    state->spoiled_link = &script->spoiled;
    if (script->spoiled != NULL)
        script->spoiled->spoiled_link = &state->next_spoiled;
    script->spoiled = state;
    drop_state(state);
}

/* Requests that wait keep theirs: who has others killed meanwhile can't have so many that memory ends. */
static enum gw_status check_spoiled(const struct gw_script *script, struct gw_err *err)
{
    size_t bytes = 0;
    for (const struct gw_script_state *state = script->spoiled; state != NULL; state = state->next_spoiled)
        bytes += gw_host_bytes(state->host);
    if (bytes <= SPOILED_BYTES_MAX)
        return GW_OK;
    return gw_fail(err, GW_E_LIMIT, "requests that wait keep %zu bytes of states in which others were stopped", bytes);
}

/* The state for requests that begin. */
static enum gw_status make_state(struct gw_script *script, struct gw_err *err)
{
    put_aside(script);
    if (check_spoiled(script, err) != GW_OK)
        return GW_E_LIMIT;
    struct gw_script_state *fresh = gw_alloc_zero(1, sizeof *fresh);
    fresh->holders = 1;
    fresh->host = gw_host_new(script->set->options.state_bytes);
    enum gw_status status = gw_set_open_state(script->set, fresh->host, &script->sandbox, fresh->functions, err);
    if (status == GW_OK) {
        gw_host_settle(fresh->host);
        script->state = fresh;
    } else {
        drop_state(fresh);
    }
    return status;
}

/* Where too many are kept already, one that is full has to do. */
static bool wants_room(const struct gw_script *script)
{
    struct gw_err why;
    return gw_host_is_crowded(script->state->host) && check_spoiled(script, &why) == GW_OK;
}

static enum gw_status hold_state(struct gw_script *script, struct gw_talk *talk, struct gw_err *err)
{
    enum gw_status status = GW_OK;
    if (talk->state != NULL)
        return GW_OK;
    if (script->state == NULL || gw_host_is_dead(script->state->host) || wants_room(script))
        status = make_state(script, err);
    if (status != GW_OK)
        return status;
    talk->state = script->state;
    talk->state->holders++;
    return GW_OK;
}

static struct gw_talk *talk_of(const struct gw_script *script, struct gw_policy_call *call)
{
    if (call->state == NULL) {
        struct gw_talk *talk = gw_arena_zero(call->arena, 1, sizeof *talk);
        bool gives_way = call->wake != NULL && script->services != NULL && script->services->later != NULL;
        talk->budget = (struct gw_host_budget){
            .cpu_ns = (int64_t)script->set->options.cpu_ms * 1000000,
            .memory = script->set->options.memory_bytes,
            .slice_ns = gives_way ? GW_HOST_SLICE_NS : 0,
            .may_wait = call->wake != NULL,
        };
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
        gw_ask_count(&counters->killed_time);
    else if (outcome == GW_HOST_OUT_OF_MEMORY)
        gw_ask_count(&counters->killed_memory);
    else
        gw_ask_count(&counters->failed);
}

/* Is "LINE: " of a file in it? */
static bool names_line(const char *text)
{
    for (const char *at = strchr(text, ':'); at != NULL; at = strchr(at + 1, ':')) {
        size_t digits = strspn(at + 1, "0123456789");
        if (digits > 0 && strncmp(at + 1 + digits, ": ", 2) == 0)
            return true;
    }
    return false;
}

/* `return verdict.deny()` leaves the hook before deny raises, and Lua knows no line: then it is that of the hook. */
static struct gw_err with_line(const struct gw_ask *ask, enum gw_host_outcome outcome, const struct gw_err *err)
{
    struct gw_err told = *err;
    int line = ask->in_policy ? current_policy(ask)->lines[ask->hook] : 0;
    if (outcome == GW_HOST_RAISED && line > 0 && !names_line(err->text))
        (void)gw_fail(&told, GW_E_SCRIPT, "%.*s:%d: %s", GW_STR_ARG(current_policy(ask)->path), line, err->text);
    return told;
}

/* The log gets what the client must not see. */
static enum gw_policy_answer fail(struct gw_ask *ask, enum gw_host_outcome outcome, const struct gw_err *why)
{
    const struct gw_err err = with_line(ask, outcome, why);
    struct gw_str policy = ask->in_policy ? current_policy(ask)->name : GW_STR("policies");
    const struct gw_script_watch *watch = ask->script->set->options.watch;
    const struct gw_policy_services *services = ask->script->services;
    bool was_killed = outcome > GW_HOST_RAISED;
    ask->talk->killed = ask->talk->killed || was_killed;
    ask->call->stopped = ask->call->stopped || was_killed;
    count_failure(ask->script->counters, outcome);
    if (watch != NULL)
        watch->on_failure(watch->ctx, policy, ask->hook, err.text);
    else if (services != NULL && services->failed != NULL)
        services->failed(services->ctx, ask->call, policy, ask->hook, err.text);
    else
        gw_log(GW_LOG_WARN, "policy", "%.*s: %s failed: %s (request %.*s)", GW_STR_ARG(policy),
               gw_policy_hook_name(ask->hook), err.text, GW_STR_ARG(ask->call->request->request_id));
    if (ask->hook != GW_HOOK_OUTCOME)
        ask->call->refusal = (struct gw_policy_refusal){
            .verdict = GW_VERDICT_DENY,
            .failed = true,
            .policy = policy,
            .reason = GW_STR("policy failed"),
        };
    return GW_POLICY_FAILED;
}

static void clear_record(struct gw_ask *ask)
{
    if (ask->record_view != NULL)
        gw_bind_view_clear(ask->record_view);
    ask->record_view = NULL;
}

static void drop_pending(struct gw_talk *talk)
{
    if (talk->pending == NULL)
        return;
    clear_record(&talk->ask);
    gw_host_drop(talk->state->host, &talk->pending);
}

static void leave_state(struct gw_talk *talk)
{
    if (talk->state == NULL)
        return;
    drop_pending(talk);
    if (talk->view != NULL) {
        gw_bind_view_clear(talk->view);
        gw_host_unref(talk->state->host, talk->reference);
    }
    talk->view = NULL;
    drop_state(talk->state);
    talk->state = NULL;
}

static enum gw_host_outcome go(struct gw_ask *ask, struct gw_host_budget *budget, struct gw_err *err)
{
    struct gw_talk *talk = ask->talk;
    struct gw_host *host = talk->state->host;
    show_current(ask);
    enum gw_host_outcome outcome = talk->pending == NULL ? gw_host_begin(host, l_ask, ask, budget, &talk->pending, err)
                                                         : gw_host_continue(host, budget, &talk->pending, err);
    ask->script->sandbox.call = NULL;
    return outcome;
}

/* Telling an outcome takes no longer than a bystander can bear. */
static enum gw_host_outcome go_in_one(struct gw_ask *ask, struct gw_err *err)
{
    struct gw_host_budget *all = &ask->talk->budget;
    struct gw_host_budget budget = {.cpu_ns = all->cpu_ns < OUTCOME_NS ? all->cpu_ns : OUTCOME_NS,
                                    .memory = all->memory};
    int64_t given = budget.cpu_ns;
    enum gw_host_outcome outcome = go(ask, &budget, err);
    all->cpu_ns -= given - budget.cpu_ns;
    all->memory = budget.memory;
    return outcome;
}

/* Runs the question from where it is. */
static enum gw_policy_answer run_question(struct gw_ask *ask)
{
    struct gw_script *script = ask->script;
    struct gw_err err;
    if (hold_state(script, ask->talk, &err) != GW_OK)
        return fail(ask, GW_HOST_RAISED, &err);
    enum gw_host_outcome outcome =
        ask->hook == GW_HOOK_OUTCOME ? go_in_one(ask, &err) : go(ask, &ask->talk->budget, &err);
    if (outcome == GW_HOST_GAVE_WAY)
        script->services->later(script->services->ctx, ask->call);
    if (outcome == GW_HOST_GAVE_WAY || outcome == GW_HOST_WAITS)
        return GW_POLICY_WAITING;
    clear_record(ask);
    if (outcome != GW_HOST_OK) {
        enum gw_policy_answer answer = fail(ask, outcome, &err);
        if (ask->talk->killed)
            leave_state(ask->talk); /* at once: the reply may leave late */
        return answer;
    }
    return ask->refused ? GW_POLICY_FAILED : GW_POLICY_DONE;
}

/* A request that was killed once runs nothing more: what still has to be asked is refused, what is only told is done.
 */
static enum gw_policy_answer put_question(struct gw_ask *ask)
{
    if (!ask->talk->killed)
        return run_question(ask);
    return ask->hook >= GW_HOOK_AUDIT ? GW_POLICY_DONE : GW_POLICY_FAILED;
}

/* The question that waits if it is this one, else a new one; NULL: nobody wants to be asked. */
static struct gw_ask *begin(struct gw_script *script, struct gw_policy_call *call, enum gw_policy_hook hook)
{
    struct gw_talk *talk;
    if (script->set->count == 0 || !wants(script, hook, call->request->operation))
        return NULL;
    talk = talk_of(script, call);
    if (talk->pending != NULL && talk->ask.hook == hook)
        return &talk->ask;
    drop_pending(talk);
    talk->ask = (struct gw_ask){.script = script, .call = call, .talk = talk, .hook = hook};
    return &talk->ask;
}

static enum gw_policy_answer authorize(void *ctx, struct gw_policy_call *call)
{
    struct gw_script *script = ctx;
    struct gw_ask *ask = begin(script, call, GW_HOOK_AUTHORIZE);
    enum gw_policy_answer answer = ask == NULL ? GW_POLICY_DONE : put_question(ask);
    if (answer != GW_POLICY_DONE || script->set->options.default_allow || (ask != NULL && ask->allowed))
        return answer;
    gw_ask_count(&script->counters->denied);
    call->refusal = (struct gw_policy_refusal){
        .verdict = GW_VERDICT_DENY,
        .policy = GW_STR("default_verdict"),
        .reason = GW_STR("no policy allowed it"),
    };
    return GW_POLICY_FAILED;
}

static enum gw_policy_answer username(void *ctx, struct gw_policy_call *call, struct gw_str *chosen)
{
    struct gw_ask *ask = begin(ctx, call, GW_HOOK_USERNAME);
    enum gw_policy_answer answer = ask == NULL ? GW_POLICY_DONE : put_question(ask);
    if (ask != NULL && answer == GW_POLICY_DONE)
        *chosen = ask->username;
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
    struct gw_ask *ask = begin(ctx, call, GW_HOOK_TAGS);
    if (ask == NULL)
        return GW_POLICY_DONE;
    ask->sent = sent;
    enum gw_policy_answer answer = put_question(ask);
    if (answer != GW_POLICY_DONE)
        return answer;
    if (ask->tag_count > 1)
        qsort(ask->tags, ask->tag_count, sizeof *ask->tags, compare_tags);
    *chosen = ask->tags;
    *chosen_count = ask->tag_count;
    return answer;
}

static enum gw_policy_answer conflict(void *ctx, struct gw_policy_call *call, bool *adopt)
{
    struct gw_ask *ask = begin(ctx, call, GW_HOOK_CONFLICT);
    enum gw_policy_answer answer = ask == NULL ? GW_POLICY_DONE : put_question(ask);
    if (ask != NULL && answer == GW_POLICY_DONE)
        *adopt = ask->adopt;
    return answer;
}

static enum gw_policy_answer fault(void *ctx, struct gw_policy_call *call, struct gw_fault *chosen)
{
    struct gw_ask *ask = begin(ctx, call, GW_HOOK_FAULT);
    enum gw_policy_answer answer = ask == NULL ? GW_POLICY_DONE : put_question(ask);
    if (ask != NULL && answer == GW_POLICY_DONE)
        *chosen = ask->fault;
    return answer;
}

static enum gw_policy_answer audit(void *ctx, struct gw_policy_call *call, const struct gw_json *record,
                                   struct gw_json *fields)
{
    struct gw_ask *ask = begin(ctx, call, GW_HOOK_AUDIT);
    if (ask == NULL)
        return GW_POLICY_DONE;
    ask->record = record;
    enum gw_policy_answer answer = put_question(ask);
    if (answer == GW_POLICY_DONE)
        *fields = ask->fields;
    return answer;
}

/* One policy's failure doesn't keep the next from being told. */
static void outcome(void *ctx, struct gw_policy_call *call, const struct gw_json *record)
{
    struct gw_ask *ask = begin(ctx, call, GW_HOOK_OUTCOME);
    if (ask == NULL)
        return;
    ask->record = record;
    while (put_question(ask) == GW_POLICY_FAILED && ask->in_policy && !ask->talk->killed)
        ask->in_policy = false;
}

static void finish(void *ctx, struct gw_policy_call *call)
{
    struct gw_talk *talk = call->state;
    (void)ctx;
    call->state = NULL;
    if (talk != NULL)
        leave_state(talk);
}

static void print_line(void *ctx, enum gw_log_level level, struct gw_str text)
{
    const struct gw_script *script = ctx;
    struct gw_str policy = script->sandbox.policy;
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
    drop_state((*script)->state);
    gw_script_set_free(&(*script)->set);
    free(*script);
    *script = NULL;
}

const struct gw_policy_hooks *gw_script_hooks(struct gw_script *script)
{
    return &script->hooks;
}
