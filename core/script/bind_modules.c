/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The modules of the runtime library that are C, and how they read arguments.
 * Those of the same name in lua/eksgate stand in for them where policies run
 * without eksgate (plain busted).
 */
#include "script/bind.h"
#include "script/sandbox.h"

const struct gw_bind_module gw_bind_modules[] = {
    {"eksgate.spec.native", gw_spec_native_push},
    {"eksgate.cidr", gw_bind_cidr_push},
    {"eksgate.counter", gw_bind_counter_push},
    {"eksgate.data", gw_bind_data_push},
    {"eksgate.glob", gw_bind_glob_push},
    {"eksgate.http", gw_bind_http_push},
    {"eksgate.log", gw_bind_log_push},
    {"eksgate.time", gw_bind_time_push},
    {"eksgate.username", gw_bind_username_push},
    {NULL, NULL},
};

void gw_bind_push_entries(lua_State *L, const struct gw_bind_entry *entries)
{
    lua_createtable(L, 0, 8);
    for (; entries->name != NULL; entries++) {
        lua_pushcfunction(L, entries->function);
        lua_setfield(L, -2, entries->name);
    }
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

void gw_bind_check_names(lua_State *L, int index, const char *what, const char *const *names, size_t count)
{
    lua_pushnil(L);
    gw_host_charge(L, GW_BIND_NEXT_STEPS);
    while (lua_next(L, index) != 0) {
        gw_host_charge(L, GW_BIND_NEXT_STEPS);
        lua_pop(L, 1);
        const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1);
        if (lua_type(L, -1) != LUA_TSTRING || !is_among(name, names, count))
            luaL_error(L, "%s: there is no '%s'", what, name);
    }
}

lua_Integer gw_bind_integer_of(lua_State *L, int index, const char *what, const char *name, lua_Integer least,
                               lua_Integer most, lua_Integer absent)
{
    lua_pushstring(L, name);
    int type = lua_rawget(L, index);
    int is_integer = 0;
    lua_Integer number = type == LUA_TNUMBER ? lua_tointegerx(L, -1, &is_integer) : absent;
    lua_pop(L, 1);
    if (type == LUA_TNIL && absent >= least)
        return absent;
    if (!is_integer || number < least || number > most)
        luaL_error(L, "%s: '%s' must be a whole number from %I to %I", what, name, (LUAI_UACINT)least,
                   (LUAI_UACINT)most);
    return number;
}

struct gw_str gw_bind_text_of(lua_State *L, int index, const char *what, const char *name)
{
    struct gw_str text = GW_STR_NONE;
    lua_pushstring(L, name);
    int type = lua_rawget(L, index);
    if (type == LUA_TSTRING)
        text.at = lua_tolstring(L, -1, &text.length);
    else if (type != LUA_TNIL)
        luaL_error(L, "%s: '%s' must be a text, not a %s", what, name, lua_typename(L, type));
    return text;
}

size_t gw_bind_list_length(lua_State *L, int index, const char *what, const char *items, size_t most)
{
    size_t count = 0;
    if (lua_type(L, index) == LUA_TTABLE)
        count = lua_rawlen(L, index);
    else if (lua_type(L, index) == LUA_TUSERDATA)
        count = (size_t)luaL_len(L, index);
    else
        luaL_error(L, "%s needs a list of %s, not a %s", what, items, luaL_typename(L, index));
    if (count > most)
        luaL_error(L, "%s: more than %d %s", what, (int)most, items);
    return count;
}

void gw_bind_push_item(lua_State *L, int index, size_t number)
{
    if (lua_type(L, index) == LUA_TTABLE)
        lua_rawgeti(L, index, (lua_Integer)number);
    else
        lua_geti(L, index, (lua_Integer)number);
}

int64_t gw_bind_now(lua_State *L, const char *what)
{
    const struct gw_sandbox *sandbox = gw_sandbox_of(L);
    if (sandbox->call == NULL || sandbox->call->request == NULL)
        luaL_error(L, "%s: no request is being handled (call it in a hook)", what);
    return sandbox->call->request->time_s;
}
