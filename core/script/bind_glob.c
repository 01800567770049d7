/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate.glob: codec/glob.h for policies. A prepared pattern is a closure over
 * its text; there is nothing worth keeping beyond that.
 */
#include "codec/glob.h"
#include "script/bind.h"

#define PATTERNS_MAX 4096

static struct gw_str check_pattern(lua_State *L, int index, const char *what)
{
    struct gw_str pattern;
    if (lua_type(L, index) != LUA_TSTRING)
        luaL_error(L, "%s: a pattern must be a text, not a %s", what, luaL_typename(L, index));
    pattern.at = lua_tolstring(L, index, &pattern.length);
    if (pattern.length > GW_GLOB_PATTERN_MAX)
        luaL_error(L, "%s: a pattern must not be longer than %d bytes", what, GW_GLOB_PATTERN_MAX);
    return pattern;
}

static struct gw_str check_text(lua_State *L, int index, const char *what)
{
    struct gw_str text;
    if (lua_type(L, index) != LUA_TSTRING)
        luaL_error(L, "%s: the text must be a text, not a %s", what, luaL_typename(L, index));
    text.at = lua_tolstring(L, index, &text.length);
    return text;
}

static bool match(lua_State *L, struct gw_str pattern, struct gw_str text)
{
    size_t words = pattern.length / 64 + 1;
    gw_host_charge(L, 1 + pattern.length * 8 + text.length / 4 * words);
    return gw_glob_match(pattern, text);
}

static int l_glob_match(lua_State *L)
{
    struct gw_str pattern = check_pattern(L, 1, "glob.match");
    lua_pushboolean(L, match(L, pattern, check_text(L, 2, "glob.match")));
    return 1;
}

static int l_glob_compiled(lua_State *L)
{
    struct gw_str pattern;
    pattern.at = lua_tolstring(L, lua_upvalueindex(1), &pattern.length);
    lua_pushboolean(L, match(L, pattern, check_text(L, 1, "glob.compile")));
    return 1;
}

static int l_glob_compile(lua_State *L)
{
    (void)check_pattern(L, 1, "glob.compile");
    lua_settop(L, 1);
    lua_pushcclosure(L, l_glob_compiled, 1);
    return 1;
}

static int l_glob_any_of(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_pushboolean(L, 0);
        return 1;
    }
    struct gw_str text = check_text(L, 1, "glob.any");
    bool fits = false;
    for (lua_Integer i = 1; !fits && lua_rawgeti(L, lua_upvalueindex(1), i) == LUA_TSTRING; i++) {
        struct gw_str pattern;
        pattern.at = lua_tolstring(L, -1, &pattern.length);
        fits = match(L, pattern, text);
        lua_pop(L, 1);
    }
    lua_pushboolean(L, fits);
    return 1;
}

static int l_glob_any(lua_State *L)
{
    size_t count = gw_bind_list_length(L, 1, "glob.any", "patterns", PATTERNS_MAX);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 1; i <= count; i++) {
        gw_bind_push_item(L, 1, i);
        (void)check_pattern(L, -1, "glob.any");
        lua_rawseti(L, -2, (lua_Integer)i);
    }
    lua_pushcclosure(L, l_glob_any_of, 1);
    return 1;
}

static const struct gw_bind_entry entries[] = {
    {"match", l_glob_match, "linear in the text, pattern up to 1,024 bytes; charged"},
    {"compile", l_glob_compile, "constant; a call as match"},
    {"any", l_glob_any, "4,096 patterns; a call as so many matches"},
    {NULL, NULL, NULL},
};

void gw_bind_glob_push(lua_State *L)
{
    gw_bind_push_entries(L, entries);
}
