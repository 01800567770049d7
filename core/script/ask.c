/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hook's answer does to the question that it was asked: opinions, changes,
 * the refusal. Results are copied into the request's arena. It runs no hook.
 */
#include "script/ask.h"

#include "codec/username.h"
#include "script/answers.h"
#include "script/bind.h"

static const struct gw_set_policy *current_policy(const struct gw_ask *ask)
{
    return &ask->script->set->policies[ask->current];
}

static int current_function(const struct gw_ask *ask)
{
    return ask->talk->state->functions[ask->current].hooks[ask->hook];
}

static void add_change(struct gw_ask *ask, struct gw_json after)
{
    struct gw_policy_call *call = ask->call;
    if (call->change_count == GW_POLICY_CHANGES_MAX)
        return;
    call->changes[call->change_count++] = (struct gw_policy_change){
        .policy = current_policy(ask)->name,
        .hook = ask->hook,
        .before = {.type = GW_JSON_NULL},
        .after = after,
    };
}

/* The answer is on top of the stack in all of these; true ends the question. */
static bool take_verdict(lua_State *L, struct gw_ask *ask)
{
    struct gw_policy_call *call = ask->call;
    struct gw_answers_verdict answer;
    struct gw_str policy = current_policy(ask)->name;
    gw_bind_http_check(L, call);
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
    gw_ask_count(answer.verdict == GW_VERDICT_DENY ? &ask->script->counters->denied
                                                   : &ask->script->counters->throttled);
    call->refusal = (struct gw_policy_refusal){
        .verdict = answer.verdict,
        .policy = policy,
        .reason = answer.reason.at == NULL ? GW_STR("no reason given") : answer.reason,
        .retry_after_s = answer.retry_after_s,
    };
    return true;
}

static bool take_username(lua_State *L, struct gw_ask *ask)
{
    ask->username = gw_answers_read_username(L, current_function(ask), ask->call->arena);
    if (ask->username.at == NULL)
        return false;
    add_change(ask, gw_json_string(ask->username));
    return true;
}

static bool has_tag(const struct gw_ask *ask, struct gw_str key)
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
static bool take_tags(lua_State *L, struct gw_ask *ask)
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

static bool take_conflict(lua_State *L, struct gw_ask *ask)
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

static bool take_fault(lua_State *L, struct gw_ask *ask)
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

static bool take_fields(lua_State *L, struct gw_ask *ask)
{
    struct gw_json fields;
    if (gw_answers_read_fields(L, current_function(ask), ask->call->arena, &fields)) {
        ask->fields.type = GW_JSON_OBJECT;
        gw_json_set(ask->call->arena, &ask->fields, current_policy(ask)->name, fields);
    }
    return false;
}

bool gw_ask_take(lua_State *L, struct gw_ask *ask)
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
