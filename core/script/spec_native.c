/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the Lua side of specs (lua/eksgate/spec.lua, lua/eksgate/spec/runner.lua) is
 * given by the program: policies by path, the line of the spec that is running,
 * replies of endpoints. Only states that were made for a spec have it.
 */
#include <stdio.h>
#include <unistd.h>

#include "script/sandbox.h"
#include "script/spec_inner.h"

/* Registry key of the table. */
static const char native_key = 0;

static struct gw_spec *spec_of(lua_State *L)
{
    return gw_sandbox_of(L)->ctx;
}

void gw_spec_native_push(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &native_key) != LUA_TTABLE)
        luaL_error(L, "eksgate.spec is for specs");
}

/* Is the source one of the files that specs are run by? */
static bool is_runner(const struct gw_spec *spec, const char *source)
{
    size_t length = strlen(spec->modules.library);
    return source[0] == '@' && strncmp(source + 1, spec->modules.library, length) == 0 &&
           strncmp(source + 1 + length, "/eksgate/spec", strlen("/eksgate/spec")) == 0;
}

void gw_spec_push_where(lua_State *L, const struct gw_spec *spec)
{
    lua_Debug frame;
    for (int level = 0; lua_getstack(L, level, &frame) == 1; level++) {
        if (lua_getinfo(L, "Sl", &frame) == 0 || frame.currentline <= 0 || is_runner(spec, frame.source))
            continue;
        lua_pushfstring(L, "%s:%d", frame.source[0] == '@' ? frame.source + 1 : frame.short_src, frame.currentline);
        return;
    }
    lua_pushnil(L);
}

static int l_spec_where(lua_State *L)
{
    gw_spec_push_where(L, spec_of(L));
    return 1;
}

/* The spec's folder with the slash, "" for none. */
static struct gw_str folder_of(const struct gw_spec *spec)
{
    const char *slash = strrchr(spec->path, '/');
    return slash == NULL ? GW_STR("") : (struct gw_str){spec->path, (size_t)(slash + 1 - spec->path)};
}

/* Pushes folder and name as one; a name is absolute where it begins with a slash. */
static const char *push_path(lua_State *L, struct gw_str folder, const char *name)
{
    lua_pushlstring(L, folder.at, name[0] == '/' ? 0 : folder.length);
    lua_pushstring(L, name);
    if (lua_rawlen(L, -2) + lua_rawlen(L, -1) >= GW_SPEC_PATH_MAX)
        luaL_error(L, "the path is too long");
    return lua_pushfstring(L, "%s%s", lua_tostring(L, -2), lua_tostring(L, -1));
}

static const char *check_path(lua_State *L)
{
    size_t length;
    const char *name = luaL_checklstring(L, 1, &length);
    if (strlen(name) != length || length == 0)
        luaL_error(L, "that is no path");
    return name;
}

/* The path of the policy that the name at 1 means, pushed. */
static const char *push_policy_path(lua_State *L)
{
    const char *name = check_path(L);
    size_t length = strlen(name);
    if (length < 4 || strcmp(name + length - 4, ".lua") != 0)
        name = lua_pushfstring(L, "%s.lua", name);
    return push_path(L, folder_of(spec_of(L)), name);
}

static void push_names(lua_State *L, const struct gw_str *names, size_t count)
{
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushlstring(L, names[i].at, names[i].length);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_needs(lua_State *L, unsigned needs)
{
    lua_createtable(L, 4, 0);
    lua_Integer count = 0;
    for (size_t i = 0; i < GW_FACT_COUNT; i++) {
        if ((needs & 1U << i) == 0)
            continue;
        lua_pushstring(L, gw_policy_fact_name((enum gw_fact)(1U << i)));
        lua_rawseti(L, -2, ++count);
    }
}

/* The policy's table as its spec sees it. */
static void push_policy(lua_State *L, struct gw_spec_slot *slot)
{
    const struct gw_set_policy *policy = &slot->set->policies[0];
    lua_createtable(L, 0, 8);
    lua_pushlstring(L, policy->name.at, policy->name.length);
    lua_setfield(L, -2, "name");
    if (policy->on_count > 0) {
        push_names(L, policy->on, policy->on_count);
        lua_setfield(L, -2, "on");
    }
    if (policy->needs != 0) {
        push_needs(L, policy->needs);
        lua_setfield(L, -2, "needs");
    }
    for (int hook = 0; hook < GW_HOOK_COUNT; hook++) {
        if ((policy->hooks >> hook & 1) == 0)
            continue;
        lua_pushlightuserdata(L, slot);
        lua_pushinteger(L, hook);
        lua_pushcclosure(L, gw_spec_l_hook, 2);
        lua_setfield(L, -2, gw_policy_hook_name((enum gw_policy_hook)hook));
    }
}

/* path(name) */
static int l_spec_path(lua_State *L)
{
    (void)push_policy_path(L);
    return 1;
}

/* policy(name): its table, its path */
static int l_spec_policy(lua_State *L)
{
    const char *path = push_policy_path(L);
    int index = lua_gettop(L);
    push_policy(L, gw_spec_slot_anew(L, spec_of(L), gw_str_from(path)));
    lua_pushvalue(L, index);
    return 2;
}

/* dofile as specs know it, for policies: a path from the spec's folder or from the current one, else the policy of that
 * name beside the spec. What was read before is all there is in a self test. */
static int l_spec_dofile(lua_State *L)
{
    struct gw_spec *spec = spec_of(L);
    const char *name = check_path(L);
    const char *slash = strrchr(name, '/');
    const char *path = push_path(L, folder_of(spec), name);
    if (access(path, F_OK) != 0 && spec->options.known == NULL)
        path = push_path(L, GW_STR(""), name);
    if (access(path, F_OK) != 0)
        path = push_path(L, folder_of(spec), slash == NULL ? name : slash + 1);
    push_policy(L, gw_spec_slot_anew(L, spec, gw_str_from(path)));
    return 1;
}

/* reply(endpoint, function) */
static int l_spec_reply(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TSTRING);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, spec_of(L)->replies);
    lua_insert(L, 1);
    lua_rawset(L, 1);
    return 0;
}

/* reset(): before each case */
static int l_spec_reset(lua_State *L)
{
    struct gw_spec *spec = spec_of(L);
    lua_createtable(L, 0, 4);
    lua_rawseti(L, LUA_REGISTRYINDEX, spec->replies);
    gw_spec_forget_counts(spec);
    return 0;
}

void gw_spec_native_open(lua_State *L, struct gw_spec *spec)
{
    static const luaL_Reg functions[] = {
        {"where", l_spec_where}, {"path", l_spec_path},   {"policy", l_spec_policy}, {"dofile", l_spec_dofile},
        {"ask", gw_spec_l_ask},  {"reply", l_spec_reply}, {"reset", l_spec_reset},
    };
    lua_createtable(L, 0, 4);
    spec->replies = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_createtable(L, 0, GW_COUNT(functions));
    for (size_t i = 0; i < GW_COUNT(functions); i++) {
        lua_pushcfunction(L, functions[i].func);
        lua_setfield(L, -2, functions[i].name);
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, &native_key);
}
