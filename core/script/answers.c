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

/* Another member is a mistake, and what was meant by it isn't known: `{ verdict = "allow", unless = ... }`. */
static void check_members(lua_State *L, int function, bool has_seconds)
{
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pop(L, 1);
        const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1);
        bool known = strcmp(name, "verdict") == 0 || strcmp(name, "reason") == 0 ||
                     (has_seconds && strcmp(name, "seconds") == 0);
        if (!known || lua_type(L, -1) != LUA_TSTRING)
            gw_answers_refuse(L, function, "a verdict has no member '%.64s'", name);
    }
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
    check_members(L, function, verdict->verdict == GW_VERDICT_THROTTLE);
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

static void refuse_no_table(lua_State *L, int function, const char *hook, int type)
{
    if (type == LUA_TUSERDATA)
        gw_answers_refuse(L, function, "%s returned what is read-only; data.copy of eksgate.data makes a table of data",
                          hook);
    gw_answers_refuse(L, function, "%s returned a %s; it may return a table or nil", hook, lua_typename(L, type));
}

size_t gw_answers_read_tags(lua_State *L, int function, struct gw_arena *arena, struct gw_pair **tags)
{
    size_t count = 0;
    int type = lua_type(L, -1);
    if (type == LUA_TNIL)
        return 0;
    if (type != LUA_TTABLE)
        refuse_no_table(L, function, "tags", type);
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

bool gw_answers_read_conflict(lua_State *L, int function)
{
    int type = lua_type(L, -1);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
        gw_answers_refuse(L, function, "conflict returned a %s; it may return true, false or nil",
                          lua_typename(L, type));
    return type == LUA_TBOOLEAN && lua_toboolean(L, -1);
}

static bool has(lua_State *L, const char *name)
{
    bool is = push_raw(L, name) != LUA_TNIL;
    lua_pop(L, 1);
    return is;
}

/* How many keys the table on top has; three stands for more. */
static int count_keys(lua_State *L)
{
    int count = 0;
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pop(L, 1);
        if (++count == 3) {
            lua_pop(L, 1);
            break;
        }
    }
    return count;
}

static struct gw_str read_error_name(lua_State *L, int function, const struct gw_str *errors, size_t error_count)
{
    struct gw_str name = GW_STR_NONE;
    int type = push_raw(L, "error");
    if (type != LUA_TSTRING)
        gw_answers_refuse(L, function, "fault returned an error that is a %s; it must be an exception's name",
                          lua_typename(L, type));
    name.at = lua_tolstring(L, -1, &name.length);
    for (size_t i = 0; i < error_count; i++) {
        if (gw_str_equal(errors[i], name)) {
            lua_pop(L, 1);
            return errors[i];
        }
    }
    gw_answers_refuse(L, function, "fault returned the error '%.64s', which EKS doesn't have", name.at);
}

static struct gw_str read_error_message(lua_State *L, int function, struct gw_arena *arena)
{
    struct gw_str message = GW_STR_NONE;
    int type = push_raw(L, "message");
    if (type != LUA_TNIL && type != LUA_TSTRING)
        gw_answers_refuse(L, function, "fault returned a message that is a %s; it must be text", lua_typename(L, type));
    if (type == LUA_TSTRING) {
        message.at = lua_tolstring(L, -1, &message.length);
        message = clean_reason(message, arena);
    }
    lua_pop(L, 1);
    return message;
}

/* A delay of less than a millisecond is one of a millisecond, unless it is none. */
static unsigned read_delay(lua_State *L, int function)
{
    int type = push_raw(L, "delay");
    lua_Number ms = type == LUA_TNUMBER ? lua_tonumber(L, -1) * 1000 : -1;
    lua_pop(L, 1);
    if (!(ms >= 0 && ms <= GW_FAULT_DELAY_MAX_MS))
        gw_answers_refuse(L, function, "fault returned a delay that isn't a number of seconds from 0 to %d",
                          GW_FAULT_DELAY_MAX_MS / 1000);
    unsigned whole = (unsigned)ms;
    return ms > whole ? whole + 1 : whole;
}

static void check_drop(lua_State *L, int function)
{
    if (push_raw(L, "drop") != LUA_TBOOLEAN || !lua_toboolean(L, -1))
        gw_answers_refuse(L, function, "fault returned a drop that isn't true");
    lua_pop(L, 1);
}

void gw_answers_read_fault(lua_State *L, int function, const struct gw_str *errors, size_t error_count,
                           struct gw_arena *arena, struct gw_fault *fault)
{
    *fault = (struct gw_fault){.kind = GW_FAULT_NONE};
    int type = lua_type(L, -1);
    if (type == LUA_TNIL)
        return;
    if (type != LUA_TTABLE)
        gw_answers_refuse(L, function, "fault returned a %s; it may return a table or nil", lua_typename(L, type));
    bool error = has(L, "error");
    bool message = has(L, "message");
    bool delay = has(L, "delay");
    if (error + delay + has(L, "drop") != 1 || count_keys(L) != 1 + message || (message && !error))
        gw_answers_refuse(L, function,
                          "fault returned a table that is no fault; it may have one of error, delay and drop, and "
                          "with error a message");
    if (error) {
        fault->kind = GW_FAULT_ERROR;
        fault->error = read_error_name(L, function, errors, error_count);
        fault->message = read_error_message(L, function, arena);
    } else if (delay) {
        fault->kind = GW_FAULT_DELAY;
        fault->delay_ms = read_delay(L, function);
    } else {
        check_drop(L, function);
        fault->kind = GW_FAULT_DROP;
    }
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
        refuse_no_table(L, function, "audit", type);
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
