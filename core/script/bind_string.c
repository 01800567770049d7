/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The string library without patterns (bind_pattern.c) and format
 * (bind_format.c). Each function charges for the bytes it walks; what it makes
 * is charged by the allocator. dump, pack and unpack aren't offered.
 */
#include "script/bind.h"

#define RESULTS_MAX    4096
#define REPEAT_MAX     ((size_t)1 << 20)
#define BYTES_PER_STEP 8

static size_t charge_subject(lua_State *L, size_t length)
{
    gw_host_charge(L, 1 + length / BYTES_PER_STEP);
    return length;
}

/* 1-based, negative from the end; the first byte of a range, at least 1. */
static size_t range_start(lua_Integer position, size_t length)
{
    if (position > 0)
        return (size_t)position;
    if (position == 0 || position < -(lua_Integer)length)
        return 1;
    return length + (size_t)position + 1;
}

static size_t range_end(lua_Integer position, size_t length)
{
    if (position > (lua_Integer)length)
        return length;
    if (position >= 0)
        return (size_t)position;
    if (position < -(lua_Integer)length)
        return 0;
    return length + (size_t)position + 1;
}

static int l_string_byte(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer first = luaL_optinteger(L, 2, 1);
    size_t start = range_start(first, length);
    size_t end = range_end(luaL_optinteger(L, 3, (lua_Integer)start), length);
    if (start > end)
        return 0;
    size_t count = end - start + 1;
    if (count > RESULTS_MAX)
        return luaL_error(L, "more than %d results", RESULTS_MAX);
    gw_host_charge(L, count);
    luaL_checkstack(L, (int)count, "too many results");
    for (size_t i = start - 1; i < end; i++)
        lua_pushinteger(L, (unsigned char)text[i]);
    return (int)count;
}

static int l_string_char(lua_State *L)
{
    int count = lua_gettop(L);
    luaL_Buffer out;
    gw_host_charge(L, (size_t)count);
    char *bytes = luaL_buffinitsize(L, &out, (size_t)count);
    for (int i = 1; i <= count; i++) {
        lua_Integer code = luaL_checkinteger(L, i);
        luaL_argcheck(L, code >= 0 && code <= 255, i, "value out of range");
        bytes[i - 1] = (char)code;
    }
    luaL_pushresultsize(&out, (size_t)count);
    return 1;
}

static int l_string_len(lua_State *L)
{
    size_t length;
    luaL_checklstring(L, 1, &length);
    lua_pushinteger(L, (lua_Integer)length);
    return 1;
}

static int change_case(lua_State *L, char low, char high)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    luaL_Buffer out;
    charge_subject(L, length);
    char *bytes = luaL_buffinitsize(L, &out, length);
    for (size_t i = 0; i < length; i++)
        bytes[i] = text[i] >= low && text[i] <= high ? (char)(text[i] ^ 0x20) : text[i];
    luaL_pushresultsize(&out, length);
    return 1;
}

static int l_string_lower(lua_State *L)
{
    return change_case(L, 'A', 'Z');
}

static int l_string_upper(lua_State *L)
{
    return change_case(L, 'a', 'z');
}

static int l_string_reverse(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    luaL_Buffer out;
    charge_subject(L, length);
    char *bytes = luaL_buffinitsize(L, &out, length);
    for (size_t i = 0; i < length; i++)
        bytes[i] = text[length - 1 - i];
    luaL_pushresultsize(&out, length);
    return 1;
}

/* Bytes of `count` times the text and the separators between; more than REPEAT_MAX when it doesn't fit. */
static size_t repeated_size(size_t length, size_t separator, size_t count)
{
    size_t one;
    size_t all;
    if (gw_add_overflows(length, separator, &one) || gw_mul_overflows(one, count, &all))
        return REPEAT_MAX + 1;
    return all - separator;
}

static int l_string_rep(lua_State *L)
{
    size_t length;
    size_t separator_length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer count = luaL_checkinteger(L, 2);
    const char *separator = luaL_optlstring(L, 3, "", &separator_length);
    if (count <= 0 || length + separator_length == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    size_t size = repeated_size(length, separator_length, (size_t)count);
    if (size > REPEAT_MAX)
        return luaL_error(L, "resulting string too large");
    luaL_Buffer out;
    charge_subject(L, size);
    char *at = luaL_buffinitsize(L, &out, size);
    for (lua_Integer i = 0; i < count; i++) {
        memcpy(at, text, length);
        at += length;
        if (separator_length > 0 && i + 1 < count) {
            memcpy(at, separator, separator_length);
            at += separator_length;
        }
    }
    luaL_pushresultsize(&out, size);
    return 1;
}

static int l_string_sub(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    size_t start = range_start(luaL_checkinteger(L, 2), length);
    size_t end = range_end(luaL_optinteger(L, 3, -1), length);
    if (start > end)
        lua_pushliteral(L, "");
    else
        lua_pushlstring(L, text + start - 1, charge_subject(L, end - start + 1));
    return 1;
}

const struct gw_bind_entry gw_bind_string_entries[] = {
    {"byte", l_string_byte, "4,096 results"},
    {"char", l_string_char, "as many as arguments"},
    {"len", l_string_len, "constant"},
    {"lower", l_string_lower, "charged by byte"},
    {"upper", l_string_upper, "charged by byte"},
    {"reverse", l_string_reverse, "charged by byte"},
    {"rep", l_string_rep, "1 MiB, charged by byte before it is made"},
    {"sub", l_string_sub, "charged by byte"},
    {NULL, NULL, NULL},
};
