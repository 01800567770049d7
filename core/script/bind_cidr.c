/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate.cidr: codec/cidr.h for policies. A prepared list is a sorted array in a
 * userdata that only its closure holds. What is no address raises: a list that
 * keeps somebody out must not let them in because their address can't be read.
 */
#include "codec/cidr.h"
#include "script/bind.h"

#define RANGES_MAX  4096
#define PARSE_STEPS 50

struct list {
    size_t count;
    struct gw_cidr ranges[];
};

static struct gw_ip check_ip(lua_State *L, int index, const char *what)
{
    struct gw_str text = GW_STR_NONE;
    struct gw_ip ip;
    if (lua_type(L, index) != LUA_TSTRING)
        luaL_error(L, "%s: an IP address must be a text, not a %s", what, luaL_typename(L, index));
    text.at = lua_tolstring(L, index, &text.length);
    gw_host_charge(L, PARSE_STEPS);
    if (gw_ip_parse(text, &ip) != GW_OK)
        luaL_error(L, "%s: not an IP address: %s", what, text.at);
    return ip;
}

/* The text on top of the stack as a range. */
static struct gw_cidr check_range(lua_State *L, const char *what, size_t number)
{
    struct gw_cidr range;
    struct gw_str text;
    struct gw_err err;
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "%s: range %d must be a text, not a %s", what, (int)number, luaL_typename(L, -1));
    text.at = lua_tolstring(L, -1, &text.length);
    gw_host_charge(L, PARSE_STEPS);
    if (gw_cidr_parse(text, &range, &err) != GW_OK)
        luaL_error(L, "%s: range %d, '%s': %s", what, (int)number, text.at, err.text);
    return range;
}

/* Pushes the list at 1, prepared; one text is a list of one. */
static const struct list *push_list(lua_State *L, const char *what)
{
    bool is_text = lua_type(L, 1) == LUA_TSTRING;
    size_t count = is_text ? 1 : gw_bind_list_length(L, 1, what, "ranges", RANGES_MAX);
    struct list *list = lua_newuserdatauv(L, sizeof *list + count * sizeof *list->ranges, 0);
    for (size_t i = 0; i < count; i++) {
        if (is_text)
            lua_pushvalue(L, 1);
        else
            gw_bind_push_item(L, 1, i + 1);
        list->ranges[i] = check_range(L, what, i + 1);
        lua_pop(L, 1);
    }
    gw_host_charge(L, count * 16);
    list->count = gw_cidr_sort(list->ranges, count);
    return list;
}

static int l_cidr_parse(lua_State *L)
{
    struct gw_cidr range;
    struct gw_str text = GW_STR_NONE;
    struct gw_err err = {"no text"};
    char first[GW_IP_TEXT_SIZE];
    if (lua_type(L, 1) == LUA_TSTRING)
        text.at = lua_tolstring(L, 1, &text.length);
    gw_host_charge(L, PARSE_STEPS);
    if (text.at == NULL || gw_cidr_parse(text, &range, &err) != GW_OK) {
        luaL_pushfail(L);
        lua_pushstring(L, err.text);
        return 2;
    }
    gw_ip_format(&range.first, first);
    lua_createtable(L, 0, 3);
    lua_pushstring(L, first);
    lua_setfield(L, -2, "address");
    lua_pushinteger(L, range.prefix);
    lua_setfield(L, -2, "prefix");
    lua_pushinteger(L, range.first.is_v4 ? 4 : 6);
    lua_setfield(L, -2, "version");
    return 1;
}

static int l_cidr_contains(lua_State *L)
{
    lua_settop(L, 2);
    const struct list *list = push_list(L, "cidr.contains");
    struct gw_ip ip = check_ip(L, 2, "cidr.contains");
    lua_pushboolean(L, gw_cidr_has(list->ranges, list->count, &ip));
    return 1;
}

static int l_cidr_compiled(lua_State *L)
{
    const struct list *list = lua_touserdata(L, lua_upvalueindex(1));
    struct gw_ip ip = check_ip(L, 1, "cidr.compile");
    lua_pushboolean(L, gw_cidr_has(list->ranges, list->count, &ip));
    return 1;
}

static int l_cidr_compile(lua_State *L)
{
    lua_settop(L, 1);
    (void)push_list(L, "cidr.compile");
    lua_pushcclosure(L, l_cidr_compiled, 1);
    return 1;
}

static const struct gw_bind_entry entries[] = {
    {"parse", l_cidr_parse, "reads at most 49 bytes; 50 steps"},
    {"contains", l_cidr_contains, "4,096 ranges, 66 steps each"},
    {"compile", l_cidr_compile, "the same; a call: 50 steps and 12 comparisons"},
    {NULL, NULL, NULL},
};

void gw_bind_cidr_push(lua_State *L)
{
    gw_bind_push_entries(L, entries);
}
