/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The utf8 library, strict (no surrogates, nothing past U+10FFFF). Charged by
 * byte. The `lax` arguments of Lua's own are not offered.
 */
#include "codec/utf8.h"
#include "script/bind.h"

#define RESULTS_MAX 4096

static struct gw_str check_subject(lua_State *L)
{
    struct gw_str text;
    text.at = luaL_checklstring(L, 1, &text.length);
    return text;
}

/* 1-based, negative from the end; 0 when it is before the first byte. */
static lua_Integer position_of(lua_Integer position, size_t length)
{
    if (position >= 0)
        return position;
    return position < -(lua_Integer)length ? 0 : (lua_Integer)length + position + 1;
}

static size_t encode_point(lua_Unsigned point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)((0xf0 << (4 - length) & 0xff) | (point & 0x3f));
    return length;
}

static int l_utf8_char(lua_State *L)
{
    int count = lua_gettop(L);
    luaL_Buffer out;
    gw_host_charge(L, (size_t)count);
    luaL_buffinit(L, &out);
    for (int i = 1; i <= count; i++) {
        lua_Unsigned point = (lua_Unsigned)luaL_checkinteger(L, i);
        char bytes[4];
        luaL_argcheck(L, point <= 0x10ffff && (point < 0xd800 || point > 0xdfff), i, "value out of range");
        luaL_addlstring(&out, bytes, encode_point(point, bytes));
    }
    luaL_pushresult(&out);
    return 1;
}

static int l_utf8_codepoint(lua_State *L)
{
    struct gw_str text = check_subject(L);
    lua_Integer first = position_of(luaL_optinteger(L, 2, 1), text.length);
    lua_Integer last = position_of(luaL_optinteger(L, 3, first), text.length);
    int count = 0;
    luaL_argcheck(L, first >= 1, 2, "out of bounds");
    luaL_argcheck(L, last <= (lua_Integer)text.length, 3, "out of bounds");
    if (last - first >= RESULTS_MAX)
        return luaL_error(L, "more than %d results", RESULTS_MAX);
    gw_host_charge(L, first > last ? 1 : (size_t)(last - first) + 1);
    luaL_checkstack(L, RESULTS_MAX, "too many results");
    for (size_t at = (size_t)first - 1; at < (size_t)last; count++) {
        uint32_t point;
        size_t step = gw_utf8_step(gw_str_slice(text, at, SIZE_MAX), &point);
        if (step == 0)
            return luaL_error(L, "invalid UTF-8 code");
        lua_pushinteger(L, point);
        at += step;
    }
    return count;
}

static int l_utf8_len(lua_State *L)
{
    struct gw_str text = check_subject(L);
    lua_Integer first = position_of(luaL_optinteger(L, 2, 1), text.length);
    lua_Integer last = position_of(luaL_optinteger(L, 3, -1), text.length);
    lua_Integer count = 0;
    luaL_argcheck(L, first >= 1 && first <= (lua_Integer)text.length + 1, 2, "initial position out of bounds");
    luaL_argcheck(L, last <= (lua_Integer)text.length, 3, "final position out of bounds");
    gw_host_charge(L, 1 + text.length / 4);
    for (size_t at = (size_t)first - 1; (lua_Integer)at < last; count++) {
        size_t step = gw_utf8_step(gw_str_slice(text, at, SIZE_MAX), NULL);
        if (step == 0) {
            luaL_pushfail(L);
            lua_pushinteger(L, (lua_Integer)at + 1);
            return 2;
        }
        at += step;
    }
    lua_pushinteger(L, count);
    return 1;
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The position of the next character after the one that begins at the control value. */
static int l_utf8_codes_next(lua_State *L)
{
    struct gw_str text = check_subject(L);
    lua_Integer control = luaL_checkinteger(L, 2);
    size_t at = control < 0 || control > (lua_Integer)text.length ? text.length : (size_t)control;
    uint32_t point;
    for (size_t skipped = 0; at > 0 && at < text.length && skipped < 4 && is_continuation(text.at[at]); skipped++)
        at++;
    if (at >= text.length)
        return 0;
    if (gw_utf8_step(gw_str_slice(text, at, SIZE_MAX), &point) == 0)
        return luaL_error(L, "invalid UTF-8 code");
    lua_pushinteger(L, (lua_Integer)at + 1);
    lua_pushinteger(L, point);
    return 2;
}

static int l_utf8_codes(lua_State *L)
{
    check_subject(L);
    lua_pushcfunction(L, l_utf8_codes_next);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

const struct gw_bind_entry gw_bind_utf8_entries[] = {
    {"char", l_utf8_char, "as many as arguments"},
    {"codepoint", l_utf8_codepoint, "4,096 results"},
    {"len", l_utf8_len, "charged by byte"},
    {"codes", l_utf8_codes, "each round: one character"},
    {NULL, NULL, NULL},
};
