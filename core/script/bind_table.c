/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table library, on raw lengths and raw elements: a metamethod can't lie
 * about how long a loop must be. Element counts are capped and charged before
 * the loop starts; what costs more than an element, within.
 */
#include "script/bind.h"

#define ELEMENTS_MAX 100000
#define RESULTS_MAX  4096

#define NUMBER_STEPS   50 /* to make a text of it */
#define BYTES_PER_STEP 16

static lua_Integer check_table(lua_State *L, int index)
{
    luaL_checktype(L, index, LUA_TTABLE);
    return (lua_Integer)lua_rawlen(L, index);
}

void gw_bind_check_writable(lua_State *L, int index)
{
    luaL_checktype(L, index, LUA_TTABLE);
    if (luaL_getmetafield(L, index, "__metatable") != LUA_TNIL)
        luaL_error(L, "attempt to change a read-only table");
}

/* The number of elements from first to last, charged. */
static lua_Integer check_count(lua_State *L, lua_Integer first, lua_Integer last, lua_Integer most)
{
    if (first > last)
        return 0;
    lua_Unsigned count = (lua_Unsigned)last - (lua_Unsigned)first + 1;
    if (count == 0 || count > (lua_Unsigned)most)
        luaL_error(L, "more than %d elements", (int)most);
    gw_host_charge(L, (size_t)count);
    return (lua_Integer)count;
}

static int l_table_concat(lua_State *L)
{
    lua_Integer length = check_table(L, 1);
    size_t separator_length;
    const char *separator = luaL_optlstring(L, 2, "", &separator_length);
    lua_Integer first = luaL_optinteger(L, 3, 1);
    lua_Integer last = luaL_optinteger(L, 4, length);
    lua_Integer count = check_count(L, first, last, ELEMENTS_MAX);
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, 1, first + i);
        if (!lua_isstring(L, -1))
            return luaL_error(L, "invalid value (at index %I) in table for 'concat'", (LUAI_UACINT)(first + i));
        gw_host_charge(L, lua_type(L, -1) == LUA_TNUMBER ? NUMBER_STEPS : 1 + lua_rawlen(L, -1) / BYTES_PER_STEP);
        luaL_addvalue(&out);
        if (separator_length > 0 && i + 1 < count)
            luaL_addlstring(&out, separator, separator_length);
    }
    luaL_pushresult(&out);
    return 1;
}

static int l_table_insert(lua_State *L)
{
    gw_bind_check_writable(L, 1);
    lua_Integer end = check_table(L, 1) + 1;
    lua_Integer position = end;
    int arguments = lua_gettop(L);
    if (arguments != 2 && arguments != 3)
        return luaL_error(L, "wrong number of arguments to 'insert'");
    if (arguments == 3) {
        position = luaL_checkinteger(L, 2);
        luaL_argcheck(L, position >= 1 && position <= end, 2, "position out of bounds");
        check_count(L, position, end, ELEMENTS_MAX);
    }
    for (lua_Integer i = end; i > position; i--) {
        lua_rawgeti(L, 1, i - 1);
        lua_rawseti(L, 1, i);
    }
    lua_pushvalue(L, arguments);
    lua_rawseti(L, 1, position);
    return 0;
}

static int l_table_remove(lua_State *L)
{
    gw_bind_check_writable(L, 1);
    lua_Integer length = check_table(L, 1);
    lua_Integer position = luaL_optinteger(L, 2, length);
    if (lua_gettop(L) > 1 && position != length)
        luaL_argcheck(L, position >= 1 && position <= length + 1, 2, "position out of bounds");
    check_count(L, position, length, ELEMENTS_MAX);
    lua_rawgeti(L, 1, position);
    for (; position < length; position++) {
        lua_rawgeti(L, 1, position + 1);
        lua_rawseti(L, 1, position);
    }
    lua_pushnil(L);
    lua_rawseti(L, 1, position);
    return 1;
}

static int l_table_pack(lua_State *L)
{
    int count = lua_gettop(L);
    gw_host_charge(L, (size_t)count);
    lua_createtable(L, count, 1);
    lua_insert(L, 1);
    for (int i = count; i >= 1; i--)
        lua_rawseti(L, 1, i);
    lua_pushinteger(L, count);
    lua_setfield(L, 1, "n");
    return 1;
}

static int l_table_unpack(lua_State *L)
{
    lua_Integer length = check_table(L, 1);
    lua_Integer first = luaL_optinteger(L, 2, 1);
    lua_Integer last = luaL_optinteger(L, 3, length);
    lua_Integer count = check_count(L, first, last, RESULTS_MAX);
    luaL_checkstack(L, (int)count, "too many results");
    for (lua_Integer i = 0; i < count; i++)
        lua_rawgeti(L, 1, first + i);
    return (int)count;
}

static int l_table_move(lua_State *L)
{
    int target = lua_isnoneornil(L, 5) ? 1 : 5;
    lua_Integer first = luaL_checkinteger(L, 2);
    lua_Integer last = luaL_checkinteger(L, 3);
    lua_Integer to = luaL_checkinteger(L, 4);
    check_table(L, 1);
    gw_bind_check_writable(L, target);
    lua_Integer count = check_count(L, first, last, ELEMENTS_MAX);
    luaL_argcheck(L, to <= LUA_MAXINTEGER - count, 4, "destination wrap around");
    lua_settop(L, 5);
    bool backwards = to > first && (target == 1 || lua_rawequal(L, 1, 5));
    for (lua_Integer i = 0; i < count; i++) {
        lua_Integer offset = backwards ? count - 1 - i : i;
        lua_rawgeti(L, 1, first + offset);
        lua_rawseti(L, target, to + offset);
    }
    lua_pushvalue(L, target);
    return 1;
}

/* Comparing two texts looks at each byte of the shorter one. */
static size_t comparison_steps(lua_State *L, int a, int b)
{
    if (lua_type(L, a) != LUA_TSTRING || lua_type(L, b) != LUA_TSTRING)
        return 4;
    size_t left = lua_rawlen(L, a);
    size_t right = lua_rawlen(L, b);
    return 4 + (left < right ? left : right);
}

/* The order of sort: the function at 2, else <. Values at the two indices. */
static bool comes_before(lua_State *L, int a, int b)
{
    gw_host_charge(L, comparison_steps(L, a, b));
    if (lua_isnil(L, 2))
        return lua_compare(L, a, b, LUA_OPLT) != 0;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    gw_host_invoke(L, 2, 1);
    bool before = lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    return before;
}

/* Heap sort: any comparator, however wrong, makes at most 2 n log n calls. Moves the value at stack index 3 down from
 * `hole`. */
static void sift_down(lua_State *L, lua_Integer hole, lua_Integer length)
{
    for (lua_Integer child = 2 * hole; child <= length; child = 2 * hole) {
        lua_rawgeti(L, 1, child);
        if (child < length) {
            lua_rawgeti(L, 1, child + 1);
            if (comes_before(L, 4, 5)) {
                lua_replace(L, 4);
                child++;
            } else {
                lua_pop(L, 1);
            }
        }
        if (!comes_before(L, 3, 4)) {
            lua_pop(L, 1);
            break;
        }
        lua_rawseti(L, 1, hole);
        hole = child;
    }
    lua_rawseti(L, 1, hole);
}

static int l_table_sort(lua_State *L)
{
    gw_bind_check_writable(L, 1);
    lua_Integer length = check_table(L, 1);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    check_count(L, 1, length, ELEMENTS_MAX);
    luaL_checkstack(L, 16, "sort");
    for (lua_Integer i = length / 2; i >= 1; i--) {
        lua_rawgeti(L, 1, i);
        sift_down(L, i, length);
    }
    for (lua_Integer end = length; end > 1; end--) {
        lua_rawgeti(L, 1, end);
        lua_rawgeti(L, 1, 1);
        lua_rawseti(L, 1, end);
        sift_down(L, 1, end - 1);
    }
    return 0;
}

const struct gw_bind_entry gw_bind_table_entries[] = {
    {"concat", l_table_concat, "100,000 elements, raw, charged; result under the memory cap"},
    {"insert", l_table_insert, "100,000 elements moved, charged"},
    {"remove", l_table_remove, "100,000 elements moved, charged"},
    {"pack", l_table_pack, "as many as arguments"},
    {"unpack", l_table_unpack, "4,096 results"},
    {"move", l_table_move, "100,000 elements, raw, charged"},
    {"sort", l_table_sort, "100,000 elements; each comparison charged"},
    {NULL, NULL, NULL},
};
