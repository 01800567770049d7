/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies as a spec reaches them: loaded in a state of their own and asked by the
 * questions that the gateway asks. A spec's tables are copied in, what hooks answer
 * is copied out once it was found good; a failure is an error in the spec. Nothing
 * here decides what a question means (hooks.c does).
 */
#include <stdio.h>
#include <stdlib.h>

#include "script/spec_inner.h"

#define WAITS_MAX 1000

/* What a chain of questions came to. */
struct result {
    struct gw_str username;
    const struct gw_pair *tags;
    size_t tag_count;
};

static void on_call(void *ctx, lua_State *L, struct gw_str policy, enum gw_policy_hook hook)
{
    struct gw_spec *spec = ctx;
    spec->ask.has_answer = false;
    gw_spec_cost_begin(spec, L, policy, hook);
}

static void on_answer(void *ctx, lua_State *L)
{
    struct gw_spec *spec = ctx;
    gw_spec_cost_end(spec, L);
    if (lua_isnil(L, -1))
        return;
    gw_spec_read_json(L, lua_gettop(L), "the answer", &spec->arena, &spec->ask.answer);
    spec->ask.has_answer = true;
}

static void on_failure(void *ctx, struct gw_str policy, enum gw_policy_hook hook, const char *why)
{
    struct gw_spec *spec = ctx;
    (void)policy;
    (void)hook;
    gw_spec_cost_end(spec, NULL);
    (void)snprintf(spec->ask.why, sizeof spec->ask.why, "%s", why);
}

static void on_log(void *ctx, enum gw_log_level level, struct gw_str policy, struct gw_str text)
{
    (void)level;
    const struct gw_spec *spec = ctx;
    if (spec->options.on_print != NULL)
        spec->options.on_print(spec->options.ctx, policy, text);
}

/* Notes what is asked for; the spec answers behind the question. */
static enum gw_status fetch(void *ctx, struct gw_policy_call *call, const struct gw_policy_fetch *fetch,
                            struct gw_policy_fetched *fetched, struct gw_err *err)
{
    struct gw_spec *spec = ctx;
    struct gw_policy_fetch *copy = gw_arena_zero(call->arena, 1, sizeof *copy);
    (void)err;
    *copy = *fetch;
    copy->endpoint = gw_arena_str(call->arena, fetch->endpoint);
    copy->path = gw_arena_str(call->arena, fetch->path);
    copy->content_type = gw_arena_str(call->arena, fetch->content_type);
    copy->body = gw_arena_str(call->arena, fetch->body);
    spec->ask.fetch = copy;
    spec->ask.fetched = fetched;
    return GW_OK;
}

void gw_spec_watch_init(struct gw_spec *spec)
{
    spec->watch =
        (struct gw_script_watch){.ctx = spec, .on_call = on_call, .on_answer = on_answer, .on_failure = on_failure};
    spec->services = (struct gw_policy_services){
        .ctx = spec, .fetch = fetch, .log = on_log, .counters = gw_counters_new(gw_random_system())};
    spec->script = *spec->options.script;
    spec->script.watch = &spec->watch;
}

static void do_nothing(void *ctx)
{
    (void)ctx;
}

void gw_spec_end_ask(struct gw_spec *spec)
{
    struct gw_spec_ask *ask = &spec->ask;
    const struct gw_policy_hooks *hooks = ask->hooks;
    ask->hooks = NULL;
    if (hooks != NULL)
        hooks->finish(hooks->ctx, &ask->call);
    spec->current = NULL;
}

static void begin_ask(lua_State *L, struct gw_spec *spec, struct gw_spec_slot *slot)
{
    struct gw_spec_ask *ask = &spec->ask;
    const struct gw_set_policy *first = &slot->set->policies[0];
    if (ask->hooks != NULL)
        luaL_error(L, "a policy can't be asked while another one waits for its reply");
    gw_arena_reset(&spec->arena);
    *ask = (struct gw_spec_ask){.call = {.request = &ask->request, .arena = &spec->arena, .wake = do_nothing}};
    ask->request.operation = slot->set->count > 0 && first->on_count > 0 ? first->on[0] : GW_STR("CreateAccessEntry");
    ask->request.facts = ~0U;
    spec->failed_why[0] = '\0';
}

/* One question as the gateway puts it. */
static enum gw_policy_answer put(struct gw_spec_ask *ask, enum gw_policy_hook hook, const struct gw_json *sent,
                                 struct result *result)
{
    const struct gw_policy_hooks *hooks = ask->hooks;
    struct gw_json fields = {.type = GW_JSON_NULL};
    struct gw_fault fault = {.kind = GW_FAULT_NONE};
    bool adopt = false;
    switch (hook) {
    case GW_HOOK_AUTHORIZE:
        return hooks->authorize(hooks->ctx, &ask->call);
    case GW_HOOK_USERNAME:
        return hooks->username(hooks->ctx, &ask->call, &result->username);
    case GW_HOOK_TAGS:
        return hooks->tags(hooks->ctx, &ask->call, sent, &result->tags, &result->tag_count);
    case GW_HOOK_CONFLICT:
        return hooks->conflict(hooks->ctx, &ask->call, &adopt);
    case GW_HOOK_FAULT:
        return hooks->fault(hooks->ctx, &ask->call, &fault);
    case GW_HOOK_AUDIT:
        return hooks->audit(hooks->ctx, &ask->call, ask->record, &fields);
    default:
        hooks->outcome(hooks->ctx, &ask->call, ask->record);
        return GW_POLICY_DONE;
    }
}

static void push_text(lua_State *L, const char *name, struct gw_str text)
{
    if (text.at == NULL)
        return;
    lua_pushlstring(L, text.at, text.length);
    lua_setfield(L, -2, name);
}

/* What the function of spec.reply is called with. */
static void push_fetch(lua_State *L, struct gw_spec *spec)
{
    const struct gw_policy_fetch *asked = spec->ask.fetch;
    struct gw_json json;
    lua_createtable(L, 0, 6);
    push_text(L, "endpoint", asked->endpoint);
    push_text(L, "path", asked->path);
    push_text(L, "method", asked->is_post ? GW_STR("POST") : GW_STR("GET"));
    push_text(L, "content_type", asked->content_type);
    push_text(L, "body", asked->body);
    if (asked->body.length > 0 && gw_json_parse(asked->body, &spec->arena, &json, NULL) == GW_OK) {
        gw_bind_json_push(L, &json);
        lua_setfield(L, -2, "json");
    }
}

/* The text of a field of the table on top; {NULL,0}: there is none. */
static struct gw_str text_field(lua_State *L, struct gw_spec *spec, const char *name)
{
    struct gw_str text = GW_STR_NONE;
    lua_pushstring(L, name);
    if (lua_rawget(L, -2) == LUA_TSTRING) {
        text.at = lua_tolstring(L, -1, &text.length);
        text = gw_arena_str(&spec->arena, text);
    }
    lua_pop(L, 1);
    return text;
}

/* The table on top as the endpoint's answer. */
static void take_reply(lua_State *L, struct gw_spec *spec)
{
    struct gw_policy_fetched *fetched = spec->ask.fetched;
    struct gw_json json;
    struct gw_buf text;
    if (lua_type(L, -1) != LUA_TTABLE) {
        gw_spec_end_ask(spec);
        luaL_error(L, "the function of spec.reply must return a table, not a %s", luaL_typename(L, -1));
    }
    fetched->error = text_field(L, spec, "error");
    fetched->body = text_field(L, spec, "body");
    fetched->content_type = text_field(L, spec, "content_type");
    lua_pushliteral(L, "status");
    fetched->status = lua_rawget(L, -2) == LUA_TNUMBER ? (unsigned)lua_tointeger(L, -1) : 200;
    lua_pop(L, 1);
    lua_pushliteral(L, "json");
    if (lua_rawget(L, -2) != LUA_TNIL) {
        gw_spec_read_json(L, lua_gettop(L), "json", &spec->arena, &json);
        gw_buf_init(&text, (size_t)4 << 20);
        gw_json_encode(&json, &text);
        fetched->body = gw_arena_str(&spec->arena, gw_buf_str(&text));
        gw_buf_fini(&text);
        fetched->content_type = GW_STR("application/json");
    }
    lua_pop(L, 1);
    fetched->is_done = true;
}

/* Lets the spec's function answer for the endpoint. */
static void reply(lua_State *L, struct gw_spec *spec)
{
    int top = lua_gettop(L);
    struct gw_str endpoint = spec->ask.fetch->endpoint;
    lua_pushcfunction(L, gw_host_l_pcall);
    lua_rawgeti(L, LUA_REGISTRYINDEX, spec->replies);
    lua_pushlstring(L, endpoint.at, endpoint.length);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    if (!lua_isfunction(L, -1)) {
        gw_spec_end_ask(spec);
        luaL_error(L, "the policy asks endpoint '%s', and nothing answers for it: spec.reply(\"%s\", function...)",
                   endpoint.at, endpoint.at);
    }
    push_fetch(L, spec);
    gw_host_invoke(L, 2, 2);
    if (!lua_toboolean(L, -2)) {
        gw_spec_end_ask(spec);
        lua_error(L);
    }
    take_reply(L, spec);
    spec->ask.fetched = NULL;
    lua_settop(L, top);
}

static enum gw_policy_answer ask_until_done(lua_State *L, struct gw_spec *spec, enum gw_policy_hook hook,
                                            const struct gw_json *sent, struct result *result)
{
    for (int i = 0; i < WAITS_MAX; i++) {
        enum gw_policy_answer answer = put(&spec->ask, hook, sent, result);
        if (answer != GW_POLICY_WAITING)
            return answer;
        gw_spec_cost_pause(spec);
        if (spec->ask.fetched != NULL)
            reply(L, spec);
        gw_spec_cost_go_on(spec);
    }
    gw_spec_end_ask(spec);
    luaL_error(L, "the hook waits and waits");
    return GW_POLICY_FAILED;
}

/* Raises what the hook raised, and notes where in the spec it was called. */
static int raise_failure(lua_State *L, struct gw_spec *spec)
{
    (void)snprintf(spec->failed_why, sizeof spec->failed_why, "%s", spec->ask.why);
    gw_spec_end_ask(spec);
    gw_spec_push_where(L, spec);
    (void)snprintf(spec->failed_at, sizeof spec->failed_at, "%s", lua_isnil(L, -1) ? "" : lua_tostring(L, -1));
    lua_pushstring(L, spec->failed_why);
    return lua_error(L);
}

/* The argument at 1, as the hook takes it. */
static void read_argument(lua_State *L, struct gw_spec *spec, enum gw_policy_hook hook)
{
    struct gw_spec_ask *ask = &spec->ask;
    if (hook < GW_HOOK_AUDIT) {
        gw_spec_read_request(L, 1, &spec->script, &spec->arena, &ask->request);
        return;
    }
    struct gw_json *record = gw_arena_zero(&spec->arena, 1, sizeof *record);
    record->type = GW_JSON_OBJECT;
    if (!lua_isnil(L, 1)) {
        luaL_checktype(L, 1, LUA_TTABLE);
        gw_spec_read_json(L, 1, "record", &spec->arena, record);
    }
    const struct gw_json *operation = gw_json_get(record, "operation");
    if (operation != NULL && operation->type == GW_JSON_STRING)
        ask->request.operation = operation->as.string;
    const struct gw_json *time = gw_json_get(record, "time");
    if (time != NULL && time->type == GW_JSON_INTEGER)
        ask->request.time_s = time->as.integer;
    ask->record = record;
}

int gw_spec_l_hook(lua_State *L)
{
    struct gw_spec *spec = gw_sandbox_of(L)->ctx;
    struct gw_spec_slot *slot = lua_touserdata(L, lua_upvalueindex(1));
    enum gw_policy_hook hook = (enum gw_policy_hook)lua_tointeger(L, lua_upvalueindex(2));
    struct result result = {.username = GW_STR_NONE};
    lua_settop(L, 1);
    begin_ask(L, spec, slot);
    read_argument(L, spec, hook);
    spec->ask.hooks = gw_script_hooks(slot->script);
    (void)ask_until_done(L, spec, hook, NULL, &result);
    if (spec->ask.why[0] != '\0')
        return raise_failure(L, spec);
    if (spec->ask.has_answer)
        gw_bind_json_push(L, &spec->ask.answer);
    else
        lua_pushnil(L);
    gw_spec_end_ask(spec);
    return 1;
}

static bool takes_username(const struct gw_policy_request *request)
{
    const struct gw_json *type = gw_json_get(request->input, "type");
    return (gw_str_is(request->operation, "CreateAccessEntry") || gw_str_is(request->operation, "UpdateAccessEntry")) &&
           gw_json_get(request->input, "username") == NULL &&
           (type == NULL || (type->type == GW_JSON_STRING && gw_str_is(type->as.string, "STANDARD")));
}

static bool takes_tags(const struct gw_policy_request *request)
{
    return gw_str_is(request->operation, "CreateAccessEntry") || gw_str_is(request->operation, "CreateCluster");
}

/* authorize, username, tags: the order of the gateway's stages. */
static enum gw_policy_answer ask_chain(lua_State *L, struct gw_spec *spec, struct result *result)
{
    const struct gw_policy_request *request = &spec->ask.request;
    enum gw_policy_answer answer = ask_until_done(L, spec, GW_HOOK_AUTHORIZE, NULL, result);
    if (answer == GW_POLICY_DONE && takes_username(request))
        answer = ask_until_done(L, spec, GW_HOOK_USERNAME, NULL, result);
    if (answer == GW_POLICY_DONE && takes_tags(request))
        answer = ask_until_done(L, spec, GW_HOOK_TAGS, gw_json_get(request->input, "tags"), result);
    return answer;
}

static void push_refusal(lua_State *L, const struct gw_spec_ask *ask)
{
    const struct gw_policy_refusal *refusal = &ask->call.refusal;
    push_text(L, "verdict", gw_str_from(gw_policy_verdict_name(refusal->verdict)));
    push_text(L, "policy", refusal->policy);
    push_text(L, "reason", refusal->reason);
    if (refusal->verdict == GW_VERDICT_THROTTLE) {
        lua_pushinteger(L, refusal->retry_after_s);
        lua_setfield(L, -2, "seconds");
    }
    if (refusal->failed)
        push_text(L, "failure", gw_str_from(ask->why));
}

static void push_opinions(lua_State *L, const struct gw_policy_call *call)
{
    lua_createtable(L, (int)call->opinion_count, 0);
    for (size_t i = 0; i < call->opinion_count; i++) {
        lua_createtable(L, 0, 3);
        push_text(L, "policy", call->opinions[i].policy);
        push_text(L, "verdict", gw_str_from(gw_policy_verdict_name(call->opinions[i].verdict)));
        push_text(L, "reason", call->opinions[i].reason);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "verdicts");
}

static void push_result(lua_State *L, const struct gw_spec_ask *ask, enum gw_policy_answer answer,
                        const struct result *result)
{
    lua_createtable(L, 0, 6);
    if (answer == GW_POLICY_DONE)
        push_text(L, "verdict", GW_STR("allow"));
    else
        push_refusal(L, ask);
    push_opinions(L, &ask->call);
    push_text(L, "username", result->username);
    lua_createtable(L, 0, (int)result->tag_count);
    for (size_t i = 0; i < result->tag_count; i++) {
        lua_pushlstring(L, result->tags[i].key.at, result->tags[i].key.length);
        lua_pushlstring(L, result->tags[i].value.at, result->tags[i].value.length);
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, "tags");
}

int gw_spec_l_ask(lua_State *L)
{
    struct gw_spec *spec = gw_sandbox_of(L)->ctx;
    struct gw_str paths[GW_SET_POLICIES_MAX];
    struct result result = {.username = GW_STR_NONE};
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t count = lua_rawlen(L, 1);
    if (count > GW_SET_POLICIES_MAX)
        luaL_error(L, "spec.ask: more than %d policies", GW_SET_POLICIES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (lua_rawgeti(L, 1, (lua_Integer)i + 1) != LUA_TSTRING)
            luaL_error(L, "spec.ask: policies must be a list");
        paths[i].at = lua_tolstring(L, -1, &paths[i].length);
        lua_pop(L, 1); /* the list at 1 keeps it */
    }
    bool default_allow = strcmp(luaL_checkstring(L, 3), "deny") != 0;
    lua_settop(L, 2);
    struct gw_spec_slot *slot = gw_spec_slot_of(L, spec, paths, count, default_allow);
    begin_ask(L, spec, slot);
    gw_spec_read_request(L, 2, &spec->script, &spec->arena, &spec->ask.request);
    spec->ask.hooks = gw_script_hooks(slot->script);
    enum gw_policy_answer answer = ask_chain(L, spec, &result);
    push_result(L, &spec->ask, answer, &result);
    gw_spec_end_ask(spec);
    return 1;
}
