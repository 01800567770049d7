/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate.http: authorize hooks ask one of the configured endpoints and wait for
 * its answer; other requests go on meanwhile.
 *
 * What was misused raises, like any mistake of a script. An endpoint that gives no
 * answer is noted in the call, too, so that its question is refused whatever a
 * pcall makes of the error: an approval that nobody gave must not look like one
 * that wasn't needed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "codec/uri.h"
#include "script/bind.h"
#include "script/sandbox.h"
#include "script/set.h"

#define BODY_DEPTH_MAX  16
#define BODY_VALUES_MAX 8192
#define ENCODED_MAX     1024
#define NAME_MAX_BYTES  64

/* A question under way; in the call's arena. */
struct question {
    struct gw_policy_call *call;
    struct gw_str endpoint;
    struct gw_policy_fetched fetched;
};

static void note_error(struct gw_policy_call *call, lua_State *L)
{
    struct gw_str text;
    text.at = lua_tolstring(L, -1, &text.length);
    if (call->fetch_error.at == NULL)
        call->fetch_error = gw_arena_str(call->arena, text);
}

/* The script's line that asked, also where pcall itself called. */
static void push_where(lua_State *L)
{
    lua_Debug frame;
    for (int level = 1; level <= 8 && lua_getstack(L, level, &frame) == 1; level++) {
        if (lua_getinfo(L, "Sl", &frame) != 0 && frame.currentline > 0) {
            lua_pushfstring(L, "%s:%d: ", frame.short_src, frame.currentline);
            return;
        }
    }
    lua_pushliteral(L, "");
}

/* Until it is disarmed: whatever raises meanwhile refuses. A body is copied while it is read, and a script that went on
 * with the next would fill the memory. */
static void arm(lua_State *L, struct gw_policy_call *call)
{
    push_where(L);
    lua_pushliteral(L, "a body that can't be sent");
    lua_concat(L, 2);
    note_error(call, L);
    lua_pop(L, 1);
}

static void disarm(struct gw_policy_call *call)
{
    call->fetch_error = GW_STR_NONE;
}

/* With file and line, and the endpoint's name. */
static GW_NORETURN void refuse(lua_State *L, const struct question *question, const char *why)
{
    push_where(L);
    lua_pushfstring(L, "endpoint ");
    lua_pushlstring(L, question->endpoint.at, question->endpoint.length);
    lua_pushfstring(L, ": %s", why);
    lua_concat(L, 4);
    note_error(question->call, L);
    lua_error(L);
    abort();
}

void gw_bind_http_check(lua_State *L, const struct gw_policy_call *call)
{
    if (call->fetch_error.at == NULL)
        return;
    lua_pushlstring(L, call->fetch_error.at, call->fetch_error.length);
    lua_error(L);
}

static bool is_json(struct gw_str content_type)
{
    struct gw_str type = gw_str_trim(gw_str_split(&content_type, ';'));
    struct gw_str suffix = gw_str_slice(type, type.length > 5 ? type.length - 5 : 0, 5);
    return gw_str_equal_nocase(type, GW_STR("application/json")) || gw_str_equal_nocase(suffix, GW_STR("+json"));
}

static void push_json(lua_State *L, const struct question *question)
{
    const struct gw_policy_fetched *fetched = &question->fetched;
    struct gw_json value;
    struct gw_err err;
    char why[sizeof err.text + 64];
    gw_host_charge(L, fetched->body.length / 16);
    if (gw_json_parse(fetched->body, question->call->arena, &value, &err) != GW_OK) {
        snprintf(why, sizeof why, "its reply says that it is JSON and isn't: %s", err.text);
        refuse(L, question, why);
    }
    gw_bind_json_push(L, &value);
}

static int push_reply(lua_State *L, const struct question *question)
{
    const struct gw_policy_fetched *fetched = &question->fetched;
    if (fetched->error.at != NULL)
        refuse(L, question, fetched->error.at);
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, fetched->status);
    lua_setfield(L, -2, "status");
    lua_pushlstring(L, fetched->body.at == NULL ? "" : fetched->body.at, fetched->body.length);
    lua_setfield(L, -2, "body");
    if (fetched->content_type.length > 0) {
        lua_pushlstring(L, fetched->content_type.at, fetched->content_type.length);
        lua_setfield(L, -2, "content_type");
    }
    if (fetched->body.length > 0 && is_json(fetched->content_type)) {
        push_json(L, question);
        lua_setfield(L, -2, "json");
    }
    return 1;
}

/* Woken; perhaps for nothing. */
static int go_on(lua_State *L, int status, lua_KContext ctx)
{
    const struct question *question = (struct question *)ctx; // NOLINT(performance-no-int-to-ptr)
    (void)status;
    if (!question->fetched.is_done)
        return gw_host_wait(L, ctx, go_on);
    return push_reply(L, question);
}

static const char *name_of(bool is_post)
{
    return is_post ? "http.post" : "http.get";
}

/* The call whose authorize hook runs, where it may wait. */
static struct gw_policy_call *check_place(lua_State *L, const struct gw_sandbox *sandbox)
{
    if (sandbox->call == NULL)
        luaL_error(L, "endpoints are asked by authorize hooks, not while policies are loaded");
    if (sandbox->hook != GW_HOOK_AUTHORIZE)
        luaL_error(L, "endpoints are asked by authorize hooks, not by %s", gw_policy_hook_name(sandbox->hook));
    if (!lua_isyieldable(L))
        luaL_error(L,
                   "endpoints can't be asked inside a function that sort, gsub, require or the like call: ask before, "
                   "and use the answer there");
    return sandbox->call;
}

/* A misspelt option must not go unnoticed. */
static void check_options(lua_State *L, bool is_post)
{
    static const char *const names[] = {"path", "body", "content_type"};
    if (lua_isnoneornil(L, 2)) {
        lua_settop(L, 1);
        lua_createtable(L, 0, 0);
    }
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    gw_bind_check_names(L, 2, name_of(is_post), names, is_post ? GW_COUNT(names) : 1);
}

/* Tables are JSON, views of the request too. */
static void read_body(lua_State *L, struct gw_policy_call *call, struct gw_policy_fetch *fetch)
{
    static const struct gw_bind_json_limits limits = {
        .depth = BODY_DEPTH_MAX, .values = BODY_VALUES_MAX, .bytes = GW_POLICY_FETCH_BODY_MAX, .views = true};
    struct gw_json value;
    struct gw_buf text;
    int type;
    lua_pushliteral(L, "body");
    type = lua_rawget(L, 2);
    fetch->content_type = GW_STR("text/plain; charset=utf-8");
    fetch->body = GW_STR("");
    if (type == LUA_TSTRING) {
        fetch->body.at = lua_tolstring(L, -1, &fetch->body.length);
    } else if (type == LUA_TTABLE || type == LUA_TUSERDATA) {
        arm(L, call);
        gw_bind_json_read(L, lua_gettop(L), "body", &limits, call->arena, &value);
        disarm(call);
        gw_buf_init(&text, GW_POLICY_FETCH_BODY_MAX + 1); /* one more: it is refused as too long */
        gw_json_encode(&value, &text);
        fetch->body = gw_arena_str(call->arena, gw_buf_str(&text));
        gw_buf_fini(&text);
        fetch->content_type = GW_STR("application/json");
    } else if (type != LUA_TNIL) {
        luaL_error(L, "body must be a text or a table, not a %s", luaL_typename(L, -1));
    }
    gw_host_charge(L, fetch->body.length / 16);
    lua_pop(L, 1);
}

static int ask(lua_State *L, bool is_post)
{
    const struct gw_sandbox *sandbox = gw_sandbox_of(L);
    struct gw_policy_fetch fetch = {.is_post = is_post};
    struct gw_policy_call *call = check_place(L, sandbox);
    struct question *question;
    struct gw_str content_type;
    struct gw_err err;
    gw_bind_http_check(L, call);
    luaL_checktype(L, 1, LUA_TSTRING);
    fetch.endpoint.at = lua_tolstring(L, 1, &fetch.endpoint.length);
    luaL_argcheck(L, fetch.endpoint.length <= NAME_MAX_BYTES, 1, "no endpoint has so long a name");
    check_options(L, is_post);
    fetch.path = gw_bind_text_of(L, 2, name_of(is_post), "path");
    content_type = gw_bind_text_of(L, 2, name_of(is_post), "content_type");
    if (is_post)
        read_body(L, call, &fetch);
    if (content_type.at != NULL)
        fetch.content_type = content_type;
    question = gw_arena_zero(call->arena, 1, sizeof *question);
    question->call = call;
    question->endpoint = gw_arena_str(call->arena, fetch.endpoint);
    if (sandbox->services == NULL || sandbox->services->fetch == NULL)
        refuse(L, question, "nothing is asked here");
    if (sandbox->services->fetch(sandbox->services->ctx, call, &fetch, &question->fetched, &err) != GW_OK)
        refuse(L, question, err.text);
    return go_on(L, LUA_OK, (lua_KContext)question);
}

static int l_http_get(lua_State *L)
{
    return ask(L, false);
}

static int l_http_post(lua_State *L)
{
    return ask(L, true);
}

/* What a text looks like as one segment of a path, or in a query. */
static int l_http_encode(lua_State *L)
{
    struct gw_str text;
    char bytes[3 * ENCODED_MAX];
    struct gw_buf out;
    luaL_checktype(L, 1, LUA_TSTRING);
    text.at = lua_tolstring(L, 1, &text.length);
    luaL_argcheck(L, text.length <= ENCODED_MAX, 1, "longer than 1,024 bytes");
    gw_host_charge(L, text.length);
    gw_buf_init(&out, sizeof bytes);
    gw_uri_encode(text, false, &out);
    text.length = out.length;
    if (out.length > 0)
        memcpy(bytes, out.at, out.length);
    gw_buf_fini(&out);
    lua_pushlstring(L, bytes, text.length);
    return 1;
}

static const struct gw_bind_entry entries[] = {
    {"get", l_http_get, "8 per request; waits without running, its time and its reply's size are the endpoint's"},
    {"post", l_http_post, "the same; a body of 256 KiB, charged"},
    {"encode", l_http_encode, "texts up to 1,024 bytes, charged"},
    {NULL, NULL, NULL},
};

void gw_bind_http_push(lua_State *L)
{
    gw_bind_push_entries(L, entries);
}
