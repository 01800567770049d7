/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions about tables that Lua keeps among its globals, in ways that stay
 * bounded.
 *
 * A metatable that gained __mode or __gc after it was set would make the
 * collector's work depend on the script. So a table that serves as one is guarded:
 * its own metatable sees every new key. Where it has a metatable already (classes
 * that inherit), that is replaced by a guarded copy.
 *
 * What calls a table whose __call is a table with a __call walks that chain in one
 * instruction, in quadratic time: __call must be a function, and stays it, because a
 * metatable that has one is copied.
 */
#include "script/bind.h"

/* Registry key of the guard; also the mark inside of guards. */
static const char guard_key = 0;

static const char *const refused[] = {"__gc", "__mode"};

/* What a guarded copy takes over. */
static const char *const events[] = {
    "__index", "__call", "__tostring", "__name", "__eq",   "__lt",    "__le",    "__len",  "__concat",
    "__unm",   "__add",  "__sub",      "__mul",  "__div",  "__mod",   "__pow",   "__idiv", "__band",
    "__bor",   "__bxor", "__shl",      "__shr",  "__bnot", "__close", "__pairs",
};

static void check_key(lua_State *L, int key)
{
    for (size_t i = 0; lua_type(L, key) == LUA_TSTRING && i < GW_COUNT(refused); i++) {
        if (strcmp(lua_tostring(L, key), refused[i]) == 0)
            luaL_error(L, "%s isn't offered to policies", refused[i]);
    }
}

static bool is_call(lua_State *L, int key)
{
    return lua_type(L, key) == LUA_TSTRING && strcmp(lua_tostring(L, key), "__call") == 0;
}

static int l_guard_newindex(lua_State *L)
{
    check_key(L, 2);
    if (is_call(L, 2))
        luaL_error(L, "__call must be there when the metatable is set");
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 0;
}

static void push_new_guard(lua_State *L)
{
    lua_createtable(L, 0, 4);
    lua_pushcfunction(L, l_guard_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushboolean(L, 1);
    lua_rawsetp(L, -2, &guard_key);
}

static void push_guard(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &guard_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    push_new_guard(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &guard_key);
}

static int raw_field(lua_State *L, int table, const char *name)
{
    lua_pushstring(L, name);
    return lua_rawget(L, table);
}

static void copy_field(lua_State *L, int from, int to, const char *name)
{
    if (raw_field(L, from, name) != LUA_TNIL)
        lua_setfield(L, to, name);
    else
        lua_pop(L, 1);
}

static void copy_events(lua_State *L, int from, int to)
{
    int type = raw_field(L, from, "__call");
    if (type != LUA_TNIL && type != LUA_TFUNCTION)
        luaL_error(L, "__call must be a function, not a %s", lua_typename(L, type));
    lua_pop(L, 1);
    for (size_t i = 0; i < GW_COUNT(events); i++)
        copy_field(L, from, to, events[i]);
}

/* Pushes one of the metatable at `index` (absolute), for a table that serves as one. */
static void push_guarded_copy(lua_State *L, int index)
{
    push_new_guard(L);
    int copy = lua_gettop(L);
    if (raw_field(L, index, "__newindex") != LUA_TNIL)
        luaL_error(L, "a metatable whose metatable has __newindex isn't offered to policies");
    lua_pop(L, 1);
    copy_events(L, index, copy);
}

/* The same for one that doesn't. */
static void push_copy(lua_State *L, int index)
{
    lua_createtable(L, 0, 4);
    int copy = lua_gettop(L);
    copy_events(L, index, copy);
    copy_field(L, index, copy, "__newindex");
    copy_field(L, index, copy, "__metatable");
}

static bool is_guarded(lua_State *L, int table)
{
    if (!lua_getmetatable(L, table))
        return false;
    bool guarded = lua_rawgetp(L, -1, &guard_key) != LUA_TNIL;
    lua_pop(L, 2);
    return guarded;
}

/* The table at `table` (absolute) is to serve as a metatable. */
static void guard(lua_State *L, int table)
{
    for (size_t i = 0; i < GW_COUNT(refused); i++) {
        if (raw_field(L, table, refused[i]) != LUA_TNIL)
            luaL_error(L, "metatables with %s aren't offered to policies", refused[i]);
        lua_pop(L, 1);
    }
    if (is_guarded(L, table))
        return;
    if (lua_getmetatable(L, table)) {
        push_guarded_copy(L, lua_gettop(L));
        lua_setmetatable(L, table);
        lua_pop(L, 1);
    } else {
        push_guard(L);
        lua_setmetatable(L, table);
    }
}

static int l_base_setmetatable(lua_State *L)
{
    int type = lua_type(L, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    lua_settop(L, 2);
    bool serves = is_guarded(L, 1);
    if (!serves && luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    if (lua_rawequal(L, 1, 2))
        return luaL_error(L, "a table that is its own metatable isn't offered to policies");
    if (type == LUA_TTABLE)
        guard(L, 2);
    lua_settop(L, 2);
    if (serves && type == LUA_TTABLE)
        push_guarded_copy(L, 2);
    else if (serves)
        push_guard(L);
    else if (type == LUA_TTABLE && raw_field(L, 2, "__call") != LUA_TNIL)
        push_copy(L, 2);
    else
        lua_settop(L, 2);
    lua_setmetatable(L, 1);
    lua_settop(L, 1);
    return 1;
}

static int l_base_rawset(lua_State *L)
{
    gw_bind_check_writable(L, 1);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    check_key(L, 2);
    if (is_call(L, 2))
        luaL_error(L, "__call isn't set with rawset");
    lua_rawset(L, 1);
    return 1;
}

int gw_bind_l_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    gw_host_charge(L, GW_BIND_NEXT_STEPS);
    if (lua_next(L, 1) != 0)
        return 2;
    lua_pushnil(L);
    return 1;
}

static int finish_pairs(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 3;
}

static int l_base_pairs(lua_State *L)
{
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") == LUA_TNIL) {
        lua_pushcfunction(L, gw_bind_l_next);
        lua_pushvalue(L, 1);
        lua_pushnil(L);
        return 3;
    }
    lua_pushvalue(L, 1);
    gw_host_invoke_then(L, 1, 3, 0, finish_pairs);
    return 3;
}

const struct gw_bind_entry gw_bind_base_entries[] = {
    {"next", gw_bind_l_next, "at most the table's slots, 524,288 in the largest state (0.6 ms), charged"},
    {"pairs", l_base_pairs, "constant; __pairs runs under the budget"},
    {"rawset", l_base_rawset, "constant; not on shared tables, no __gc, no __mode"},
    {"setmetatable", l_base_setmetatable, "constant; no __gc, no __mode, not later either"},
    {NULL, NULL, NULL},
};
