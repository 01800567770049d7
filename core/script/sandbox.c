/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allow list. A script reaches what the tables below and the entries of
 * bind.h name, and nothing else: every row says why a call of it stays bounded.
 *
 * Not there on purpose: io, os, debug, package, coroutine, load, loadstring,
 * loadfile, dofile, collectgarbage, xpcall (its handler would run where no hook
 * fires), math.random (answers must repeat), string.dump.
 */
#include "script/sandbox.h"

#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "script/bind.h"

/* Lua's own functions that are offered as they are, and why they are harmless. */
static const struct gw_bind_entry stock_base[] = {
    {"assert", NULL, "constant"},
    {"error", NULL, "constant"},
    {"getmetatable", NULL, "constant; shared metatables have __metatable = false"},
    {"ipairs", NULL, "each round: one index, whose metamethod runs under the budget"},
    {"rawequal", NULL, "one comparison of memory"},
    {"rawget", NULL, "constant"},
    {"rawlen", NULL, "logarithmic"},
    {"type", NULL, "constant"},
    {NULL, NULL, NULL},
};

/* Of math: each one call of the C library; max and min as many steps as arguments. */
static const char *const stock_math[] = {
    "abs",  "acos", "asin", "atan", "ceil",       "cos",  "deg",        "exp",  "floor",
    "fmod", "huge", "log",  "max",  "maxinteger", "min",  "mininteger", "modf", "pi",
    "rad",  "sin",  "sqrt", "tan",  "tointeger",  "type", "ult",
};

/* Of what a table offers, in the message about what it doesn't: all, or none where there are more. */
#define NAMES_TOLD_MAX 16

/* Registry keys. */
static const char base_key = 0;
static const char sandbox_key = 0;

struct gw_sandbox *gw_sandbox_of(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &sandbox_key);
    struct gw_sandbox *sandbox = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return sandbox;
}

static int l_sandbox_unknown(lua_State *L)
{
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
    return luaL_error(L, "unknown name '%s': it is no local, and nothing that policies are offered", name);
}

static int l_sandbox_no_globals(lua_State *L)
{
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
    return luaL_error(L, "assignment to '%s', which isn't declared: write 'local %s' (policies have no globals)", name,
                      name);
}

static int l_frozen_write(lua_State *L)
{
    return luaL_error(L, "attempt to change '%s', which is read-only", lua_tostring(L, lua_upvalueindex(1)));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Pushes the names in the table at 1, sorted; "" where they are too many to be read, or it is another one than ours. */
static void push_offered(lua_State *L)
{
    const char *names[NAMES_TOLD_MAX];
    size_t count = 0;
    lua_pushliteral(L, "");
    if (!lua_istable(L, 1))
        return;
    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
        if (count == NAMES_TOLD_MAX || lua_type(L, -2) != LUA_TSTRING) {
            lua_pop(L, 2);
            return;
        }
        names[count++] = lua_tostring(L, -2);
    }
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++) {
        lua_pushfstring(L, "%s%s", i == 0 ? "; there are " : ", ", names[i]);
        lua_concat(L, 2);
    }
}

static int l_frozen_unknown(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    push_offered(L);
    return luaL_error(L, "'%s.%s' isn't offered to policies%s", lua_tostring(L, lua_upvalueindex(1)),
                      lua_tostring(L, 2), lua_tostring(L, -1));
}

static int l_frozen_next(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_next(L, lua_upvalueindex(1)) != 0)
        return 2;
    lua_pushnil(L);
    return 1;
}

static int l_frozen_pairs(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, l_frozen_next, 1);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int l_frozen_len(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, lua_upvalueindex(1)));
    return 1;
}

/* The metatable on top gets name = function with the value at `upvalue` (absolute). */
static void set_closure(lua_State *L, const char *name, lua_CFunction function, int upvalue)
{
    lua_pushvalue(L, upvalue);
    lua_pushcclosure(L, function, 1);
    lua_setfield(L, -2, name);
}

static void set_metatable_fields(lua_State *L, int real, const char *name)
{
    lua_pushstring(L, name);
    int name_index = lua_gettop(L);
    lua_createtable(L, 0, 5);
    lua_pushvalue(L, real);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    set_closure(L, "__newindex", l_frozen_write, name_index);
    set_closure(L, "__pairs", l_frozen_pairs, real);
    set_closure(L, "__len", l_frozen_len, real);
    lua_remove(L, name_index);
}

/* A field that isn't there raises, too, unless the table already decides that itself. */
static void set_unknown(lua_State *L, int real, const char *name)
{
    if (lua_getmetatable(L, real)) {
        lua_pop(L, 1);
        return;
    }
    lua_createtable(L, 0, 1);
    lua_pushstring(L, name);
    lua_pushcclosure(L, l_frozen_unknown, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, real);
}

void gw_sandbox_freeze(lua_State *L, const char *name)
{
    int real = lua_gettop(L);
    set_unknown(L, real, name);
    lua_createtable(L, 0, 0);
    set_metatable_fields(L, real, name);
    lua_setmetatable(L, -2);
    lua_remove(L, real);
}

void gw_bind_push_text(lua_State *L, int index)
{
    if (luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) {
        lua_pushvalue(L, index);
        gw_host_invoke(L, 1, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "'__tostring' must return a string");
        return;
    }
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        lua_pushvalue(L, index);
        return;
    case LUA_TNUMBER:
        lua_pushvalue(L, index);
        (void)lua_tostring(L, -1);
        return;
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
        return;
    default:
        lua_pushstring(L, luaL_typename(L, index));
    }
}

static int check_text(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    if (lua_type(L, -1) != LUA_TSTRING)
        return luaL_error(L, "'__tostring' must return a string");
    return 1;
}

static int l_base_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__tostring") == LUA_TNIL) {
        gw_bind_push_text(L, 1);
        return 1;
    }
    lua_pushvalue(L, 1);
    gw_host_invoke_then(L, 1, 1, 0, check_text);
    return check_text(L, LUA_OK, 0);
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 36;
}

/* Digits in a base, with a sign and blanks around; false when it isn't that. */
static bool parse_in_base(struct gw_str text, int base, lua_Integer *number)
{
    lua_Unsigned value = 0;
    text = gw_str_trim(text);
    bool negative = text.length > 0 && text.at[0] == '-';
    text = gw_str_slice(text, negative ? 1 : 0, SIZE_MAX);
    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        int digit = digit_value(text.at[i]);
        if (digit >= base)
            return false;
        value = value * (lua_Unsigned)base + (lua_Unsigned)digit;
    }
    *number = (lua_Integer)(negative ? 0 - value : value);
    return true;
}

#define NUMBER_TEXT_MAX 200

static int l_base_tonumber(lua_State *L)
{
    struct gw_str text;
    lua_Integer number;
    luaL_checkany(L, 1);
    if (lua_isnoneornil(L, 2)) {
        if (lua_type(L, 1) == LUA_TNUMBER) {
            lua_settop(L, 1);
            return 1;
        }
        text.at = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &text.length) : NULL;
        if (text.at != NULL && text.length <= NUMBER_TEXT_MAX && lua_stringtonumber(L, text.at) == text.length + 1)
            return 1;
    } else {
        lua_Integer base = luaL_checkinteger(L, 2);
        luaL_checktype(L, 1, LUA_TSTRING);
        luaL_argcheck(L, base >= 2 && base <= 36, 2, "base out of range");
        text.at = lua_tolstring(L, 1, &text.length);
        if (text.length <= NUMBER_TEXT_MAX && parse_in_base(text, (int)base, &number)) {
            lua_pushinteger(L, number);
            return 1;
        }
    }
    luaL_pushfail(L);
    return 1;
}

static int l_base_select(lua_State *L)
{
    int count = lua_gettop(L);
    if (lua_type(L, 1) == LUA_TSTRING && *lua_tostring(L, 1) == '#') {
        lua_pushinteger(L, count - 1);
        return 1;
    }
    lua_Integer from = luaL_checkinteger(L, 1);
    if (from < 0)
        from = count + from;
    else if (from > count)
        from = count;
    luaL_argcheck(L, from >= 1, 1, "index out of range");
    gw_host_charge(L, (size_t)count / 8);
    return count - (int)from;
}

static const struct gw_bind_entry own_base[] = {
    {"pcall", gw_host_l_pcall, "what it calls runs under the budget; kills go through it"},
    {"print", gw_bind_l_print, "512 bytes to the log, 1,000 steps; 16 lines per request"},
    {"select", l_base_select, "as many as arguments, charged"},
    {"tonumber", l_base_tonumber, "texts up to 200 bytes"},
    {"tostring", l_base_tostring, "constant; __tostring runs under the budget"},
    {NULL, NULL, NULL},
};

/* Into the table on top. */
static void add_entries(lua_State *L, const struct gw_bind_entry *entries)
{
    for (; entries->name != NULL; entries++) {
        lua_pushcfunction(L, entries->function);
        lua_setfield(L, -2, entries->name);
    }
}

static void add_frozen(lua_State *L, int base, const char *name)
{
    gw_sandbox_freeze(L, name);
    lua_setfield(L, base, name);
}

static void add_string(lua_State *L, int base)
{
    lua_createtable(L, 0, 16);
    add_entries(L, gw_bind_string_entries);
    add_entries(L, gw_bind_pattern_entries);
    add_entries(L, gw_bind_format_entries);
    lua_pushliteral(L, "");
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
    add_frozen(L, base, "string");
}

static void add_stock(lua_State *L, int base)
{
    luaopen_base(L);
    for (const struct gw_bind_entry *entry = stock_base; entry->name != NULL; entry++) {
        lua_getfield(L, -1, entry->name);
        lua_setfield(L, base, entry->name);
    }
    lua_pop(L, 1);
    luaopen_math(L);
    lua_createtable(L, 0, GW_COUNT(stock_math));
    for (size_t i = 0; i < GW_COUNT(stock_math); i++) {
        lua_getfield(L, -2, stock_math[i]);
        lua_setfield(L, -2, stock_math[i]);
    }
    add_frozen(L, base, "math");
    lua_pop(L, 1);
}

/* Lua's own table of globals, which luaopen_base filled, is out of reach of scripts; emptied all the same. */
static void drop_globals(lua_State *L)
{
    lua_createtable(L, 0, 0);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

static void set_guard(lua_State *L, int table, lua_CFunction read, lua_CFunction write)
{
    lua_createtable(L, 0, 3);
    if (read != NULL) {
        lua_pushcfunction(L, read);
        lua_setfield(L, -2, "__index");
    }
    lua_pushcfunction(L, write);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, table);
}

void gw_sandbox_open(lua_State *L, struct gw_sandbox *sandbox)
{
    lua_pushlightuserdata(L, sandbox);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &sandbox_key);
    lua_createtable(L, 0, 32);
    int base = lua_gettop(L);
    add_stock(L, base);
    add_entries(L, own_base);
    add_entries(L, gw_bind_base_entries);
    add_string(L, base);
    lua_createtable(L, 0, 8);
    add_entries(L, gw_bind_table_entries);
    add_frozen(L, base, "table");
    lua_createtable(L, 0, 8);
    add_entries(L, gw_bind_utf8_entries);
    lua_pushliteral(L, "[\0-\x7F\xC2-\xFD][\x80-\xBF]*");
    lua_setfield(L, -2, "charpattern");
    add_frozen(L, base, "utf8");
    lua_pushliteral(L, LUA_VERSION);
    lua_setfield(L, base, "_VERSION");
    set_guard(L, base, l_sandbox_unknown, l_sandbox_no_globals);
    drop_globals(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &base_key);
}

void gw_sandbox_push_env(lua_State *L)
{
    lua_createtable(L, 0, 1);
    set_guard(L, lua_gettop(L), NULL, l_sandbox_no_globals);
    if (!lua_getmetatable(L, -1))
        return;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &base_key);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
