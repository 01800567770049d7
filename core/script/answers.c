/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks what hooks return, with the codecs that check callers' input too. It
 * doesn't decide what an answer leads to (hooks.c does). A verdict is the table
 * that eksgate.verdict makes: { verdict = "deny", reason = ..., seconds = ... };
 * one that a script made by hand says the same.
 */
#include "script/answers.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/username.h"
#include "codec/utf8.h"
#include "script/bind.h"

#define FIELDS_BYTES_MAX 4096

static const struct gw_bind_json_limits fields_limits = {.depth = 8, .values = 1024, .bytes = FIELDS_BYTES_MAX};

void gw_answers_refuse(lua_State *L, int function, const char *format, ...)
{
    char text[400];
    va_list arguments;
    lua_Debug about;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
    lua_getinfo(L, ">S", &about);
    luaL_error(L, "%s:%d: %s", about.short_src, about.linedefined, text);
    abort();
}

/* Printable UTF-8; everything else as \xNN; cut where it would get too long. */
static struct gw_str clean_reason(struct gw_str text, struct gw_arena *arena)
{
    char clean[GW_ANSWERS_REASON_MAX];
    size_t length = 0;
    for (size_t at = 0; at < text.length;) {
        uint32_t point = 0;
        size_t step = gw_utf8_step(gw_str_slice(text, at, SIZE_MAX), &point);
        bool printable = step > 0 && point >= 0x20 && (point < 0x7f || point > 0x9f);
        size_t needed = printable ? step : 4;
        if (needed > sizeof clean - length)
            break;
        if (printable) {
            memcpy(clean + length, text.at + at, step);
        } else {
            static const char hex[] = "0123456789abcdef";
            unsigned char byte = (unsigned char)text.at[at];
            memcpy(clean + length, (char[]){'\\', 'x', hex[byte >> 4], hex[byte & 15]}, 4);
            step = 1;
        }
        length += needed;
        at += step;
    }
    return gw_arena_str(arena, (struct gw_str){clean, length});
}

static int push_raw(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    return lua_rawget(L, -2);
}

static enum gw_policy_verdict read_word(lua_State *L, int function)
{
    const char *word = push_raw(L, "verdict") == LUA_TSTRING ? lua_tostring(L, -1) : "";
    lua_pop(L, 1);
    if (strcmp(word, "allow") == 0)
        return GW_VERDICT_ALLOW;
    if (strcmp(word, "deny") == 0)
        return GW_VERDICT_DENY;
    if (strcmp(word, "throttle") == 0)
        return GW_VERDICT_THROTTLE;
    gw_answers_refuse(L, function, "authorize returned a table that is no verdict of eksgate.verdict");
}

static struct gw_str read_reason(lua_State *L, int function, struct gw_arena *arena)
{
    struct gw_str reason = GW_STR_NONE;
    int type = push_raw(L, "reason");
    if (type != LUA_TNIL && type != LUA_TSTRING)
        gw_answers_refuse(L, function, "a verdict's reason must be text, not a %s", lua_typename(L, type));
    if (type == LUA_TSTRING) {
        reason.at = lua_tolstring(L, -1, &reason.length);
        reason = clean_reason(reason, arena);
    }
    lua_pop(L, 1);
    return reason;
}

static unsigned read_seconds(lua_State *L, int function)
{
    int type = push_raw(L, "seconds");
    lua_Number seconds = type == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
    lua_pop(L, 1);
    if (!(seconds > 0 && seconds <= GW_ANSWERS_RETRY_MAX))
        gw_answers_refuse(L, function, "throttle needs a number of seconds, more than 0 and at most %d",
                          GW_ANSWERS_RETRY_MAX);
    unsigned whole = (unsigned)seconds;
    return seconds > whole ? whole + 1 : whole;
}

void gw_answers_read_verdict(lua_State *L, int function, struct gw_arena *arena, struct gw_answers_verdict *verdict)
{
    *verdict = (struct gw_answers_verdict){.verdict = GW_VERDICT_NONE};
    int type = lua_type(L, -1);
    if (type == LUA_TNIL)
        return;
    if (type != LUA_TTABLE)
        gw_answers_refuse(L, function, "authorize returned a %s; it may return nil or a verdict of eksgate.verdict",
                          lua_typename(L, type));
    verdict->verdict = read_word(L, function);
    verdict->reason = read_reason(L, function, arena);
    if (verdict->verdict == GW_VERDICT_THROTTLE)
        verdict->retry_after_s = read_seconds(L, function);
}

struct gw_str gw_answers_read_username(lua_State *L, int function, struct gw_arena *arena)
{
    struct gw_str username;
    struct gw_err err;
    int type = lua_type(L, -1);
    if (type == LUA_TNIL)
        return GW_STR_NONE;
    if (type != LUA_TSTRING)
        gw_answers_refuse(L, function, "username returned a %s; it may return text or nil", lua_typename(L, type));
    username.at = lua_tolstring(L, -1, &username.length);
    if (gw_username_check(username, &err) != GW_OK)
        gw_answers_refuse(L, function, "username returned one that EKS refuses: %s", err.text);
    return gw_arena_str(arena, username);
}

static int compare_tags(const void *a, const void *b)
{
    const struct gw_pair *left = a;
    const struct gw_pair *right = b;
    return gw_str_compare(left->key, right->key);
}

/* The pair on top of the stack, left there. */
static struct gw_pair read_tag(lua_State *L, int function, struct gw_arena *arena)
{
    struct gw_pair tag;
    struct gw_err err;
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
        gw_answers_refuse(L, function, "tags returned a %s under a key that is a %s; both must be text",
                          luaL_typename(L, -1), luaL_typename(L, -2));
    tag.key.at = lua_tolstring(L, -2, &tag.key.length);
    tag.value.at = lua_tolstring(L, -1, &tag.value.length);
    if (gw_username_check_tag(tag.key, tag.value, &err) != GW_OK)
        gw_answers_refuse(L, function, "tags returned one that EKS refuses: %s", err.text);
    tag.key = gw_arena_str(arena, tag.key);
    tag.value = gw_arena_str(arena, tag.value);
    return tag;
}

size_t gw_answers_read_tags(lua_State *L, int function, struct gw_arena *arena, struct gw_pair **tags)
{
    size_t count = 0;
    int type = lua_type(L, -1);
    if (type == LUA_TNIL)
        return 0;
    if (type != LUA_TTABLE)
        gw_answers_refuse(L, function, "tags returned a %s; it may return a table or nil", lua_typename(L, type));
    *tags = gw_arena_zero(arena, GW_TAGS_MAX, sizeof **tags);
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        if (count == GW_TAGS_MAX)
            gw_answers_refuse(L, function, "tags returned more than %d", GW_TAGS_MAX);
        (*tags)[count++] = read_tag(L, function, arena);
        lua_pop(L, 1);
    }
    if (count > 1)
        qsort(*tags, count, sizeof **tags, compare_tags);
    return count;
}

static bool fits(const struct gw_json *fields)
{
    struct gw_buf encoded;
    gw_buf_init(&encoded, FIELDS_BYTES_MAX);
    gw_json_encode(fields, &encoded);
    bool all = !encoded.overflowed;
    gw_buf_fini(&encoded);
    return all;
}

bool gw_answers_read_fields(lua_State *L, int function, struct gw_arena *arena, struct gw_json *fields)
{
    char root[160];
    lua_Debug about;
    int type = lua_type(L, -1);
    if (type == LUA_TNIL)
        return false;
    if (type != LUA_TTABLE)
        gw_answers_refuse(L, function, "audit returned a %s; it may return a table or nil", lua_typename(L, type));
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
    lua_getinfo(L, ">S", &about);
    snprintf(root, sizeof root, "%s:%d: audit returned fields", about.short_src, about.linedefined);
    gw_bind_json_read(L, lua_gettop(L), root, &fields_limits, arena, fields);
    if (fields->type != GW_JSON_OBJECT)
        gw_answers_refuse(L, function, "audit returned a list; fields need names");
    if (!fits(fields))
        gw_answers_refuse(L, function, "audit returned more than %d bytes of fields", FIELDS_BYTES_MAX);
    return fields->as.object.count > 0;
}
