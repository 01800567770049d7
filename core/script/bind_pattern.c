/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find, match, gmatch and gsub over pattern.h. The matcher gets what is left of
 * the call's budget and gives back what it didn't use.
 */
#include "script/bind.h"
#include "script/pattern.h"

#define PLAIN_BYTES_PER_STEP 8

static struct gw_str check_str(lua_State *L, int index)
{
    struct gw_str text;
    text.at = luaL_checklstring(L, index, &text.length);
    return text;
}

static void compile(lua_State *L, int index, bool literal_caret, struct gw_pattern *pattern)
{
    struct gw_err err;
    struct gw_str text = check_str(L, index);
    gw_host_charge(L, 1 + text.length);
    if (gw_pattern_compile(text, literal_caret, pattern, &err) != GW_OK)
        luaL_error(L, "%s", err.text);
}

/* True when there was a match; charges the steps. */
static bool settle_steps(lua_State *L, const struct gw_pattern_match *match, enum gw_status status)
{
    gw_host_charge(L, (size_t)(GW_HOST_STEPS_AT_ONCE - match->steps));
    return status == GW_OK;
}

static bool find_from(lua_State *L, const struct gw_pattern *pattern, struct gw_pattern_match *match, size_t from)
{
    match->steps = GW_HOST_STEPS_AT_ONCE;
    return settle_steps(L, match, gw_pattern_find(pattern, match, from));
}

static bool match_at(lua_State *L, const struct gw_pattern *pattern, struct gw_pattern_match *match, size_t at)
{
    match->steps = GW_HOST_STEPS_AT_ONCE;
    return settle_steps(L, match, gw_pattern_match_at(pattern, match, at));
}

static void push_capture(lua_State *L, const struct gw_pattern_match *match, size_t index)
{
    const struct gw_pattern_capture *capture = &match->captures[index];
    if (capture->position)
        lua_pushinteger(L, (lua_Integer)capture->start + 1);
    else
        lua_pushlstring(L, match->subject.at + capture->start, capture->length);
}

static void push_whole(lua_State *L, const struct gw_pattern_match *match)
{
    lua_pushlstring(L, match->subject.at + match->start, match->end - match->start);
}

/* The captures, or the whole match when there are none and `whole`. */
static int push_captures(lua_State *L, const struct gw_pattern *pattern, const struct gw_pattern_match *match,
                         bool whole)
{
    if (pattern->capture_count == 0) {
        if (whole)
            push_whole(L, match);
        return whole ? 1 : 0;
    }
    luaL_checkstack(L, GW_PATTERN_CAPTURES_MAX, "too many captures");
    for (size_t i = 0; i < pattern->capture_count; i++)
        push_capture(L, match, i);
    return (int)pattern->capture_count;
}

/* The third argument as an offset; past the end gives length + 1. */
static size_t start_offset(lua_State *L, int index, size_t length)
{
    lua_Integer start = luaL_optinteger(L, index, 1);
    if (start > (lua_Integer)length)
        return start == (lua_Integer)length + 1 ? length : length + 1;
    if (start > 0)
        return (size_t)start - 1;
    return start == 0 || start < -(lua_Integer)length ? 0 : length + (size_t)start;
}

static bool has_no_specials(struct gw_str pattern)
{
    for (size_t i = 0; i < pattern.length; i++) {
        if (pattern.at[i] == '\0' || strchr("^$*+?.([%-", pattern.at[i]) != NULL)
            return false;
    }
    return true;
}

/* memmem is linear in both lengths. */
static int find_plain(lua_State *L, struct gw_str subject, struct gw_str needle, size_t from)
{
    gw_host_charge(L, 1 + (subject.length - from + needle.length) / PLAIN_BYTES_PER_STEP);
    const char *found = subject.at + from;
    if (needle.length > 0)
        found = memmem(subject.at + from, subject.length - from, needle.at, needle.length);
    if (found == NULL) {
        luaL_pushfail(L);
        return 1;
    }
    lua_pushinteger(L, found - subject.at + 1);
    lua_pushinteger(L, found - subject.at + (lua_Integer)needle.length);
    return 2;
}

static int search_pattern(lua_State *L, struct gw_str subject, size_t from, bool positions)
{
    struct gw_pattern pattern;
    struct gw_pattern_match match = {.subject = subject};
    compile(L, 2, false, &pattern);
    if (!find_from(L, &pattern, &match, from)) {
        luaL_pushfail(L);
        return 1;
    }
    if (!positions)
        return push_captures(L, &pattern, &match, true);
    lua_pushinteger(L, (lua_Integer)match.start + 1);
    lua_pushinteger(L, (lua_Integer)match.end);
    return 2 + push_captures(L, &pattern, &match, false);
}

static int l_string_find(lua_State *L)
{
    struct gw_str subject = check_str(L, 1);
    struct gw_str needle = check_str(L, 2);
    size_t from = start_offset(L, 3, subject.length);
    if (from > subject.length) {
        luaL_pushfail(L);
        return 1;
    }
    if (lua_toboolean(L, 4) || (needle.length <= GW_PATTERN_BYTES_MAX && has_no_specials(needle)))
        return find_plain(L, subject, needle, from);
    return search_pattern(L, subject, from, true);
}

static int l_string_match(lua_State *L)
{
    struct gw_str subject = check_str(L, 1);
    size_t from = start_offset(L, 3, subject.length);
    if (from > subject.length) {
        luaL_pushfail(L);
        return 1;
    }
    return search_pattern(L, subject, from, false);
}

struct iteration {
    size_t at;
    size_t last_end; /* SIZE_MAX: no match yet */
    struct gw_pattern pattern;
};

/* An empty match where the last one ended is not a new one. */
static int l_gmatch_next(lua_State *L)
{
    struct iteration *iteration = lua_touserdata(L, lua_upvalueindex(2));
    struct gw_pattern_match match = {.subject = check_str(L, lua_upvalueindex(1))};
    while (iteration->at <= match.subject.length && find_from(L, &iteration->pattern, &match, iteration->at)) {
        if (match.end == iteration->last_end) {
            iteration->at = match.start + 1;
            continue;
        }
        iteration->at = iteration->last_end = match.end;
        return push_captures(L, &iteration->pattern, &match, true);
    }
    iteration->at = SIZE_MAX;
    return 0;
}

static int l_string_gmatch(lua_State *L)
{
    struct gw_str subject = check_str(L, 1);
    size_t from = start_offset(L, 3, subject.length);
    struct gw_pattern pattern;
    compile(L, 2, true, &pattern);
    lua_pushvalue(L, 1);
    struct iteration *iteration = lua_newuserdatauv(L, sizeof *iteration, 0);
    iteration->at = from;
    iteration->last_end = SIZE_MAX;
    iteration->pattern = pattern;
    lua_pushcclosure(L, l_gmatch_next, 2);
    return 1;
}

static void add_capture(lua_State *L, luaL_Buffer *out, const struct gw_pattern *pattern,
                        const struct gw_pattern_match *match, char digit)
{
    size_t index = (size_t)(digit - '1');
    if (digit == '0' || (index == 0 && pattern->capture_count == 0)) {
        luaL_addlstring(out, match->subject.at + match->start, match->end - match->start);
        return;
    }
    if (index >= pattern->capture_count)
        luaL_error(L, "invalid capture index %%%c in replacement string", digit);
    push_capture(L, match, index);
    luaL_addvalue(out);
}

static void add_template(lua_State *L, luaL_Buffer *out, const struct gw_pattern *pattern,
                         const struct gw_pattern_match *match)
{
    struct gw_str template;
    template.at = lua_tolstring(L, 3, &template.length);
    gw_host_charge(L, 1 + template.length / 4);
    for (size_t i = 0; i < template.length; i++) {
        char c = template.at[i];
        if (c != '%') {
            luaL_addchar(out, c);
            continue;
        }
        c = ++i < template.length ? template.at[i] : '\0';
        if (c == '%')
            luaL_addchar(out, '%');
        else if (c >= '0' && c <= '9')
            add_capture(L, out, pattern, match, c);
        else
            luaL_error(L, "invalid use of '%%' in replacement string");
    }
}

/* Leaves the table's or function's answer on the stack. */
static void ask_replacement(lua_State *L, const struct gw_pattern *pattern, const struct gw_pattern_match *match)
{
    if (lua_type(L, 3) == LUA_TTABLE) {
        if (pattern->capture_count == 0)
            push_whole(L, match);
        else
            push_capture(L, match, 0);
        lua_gettable(L, 3);
        return;
    }
    lua_pushvalue(L, 3);
    gw_host_invoke(L, push_captures(L, pattern, match, true), 1);
}

static void add_replacement(lua_State *L, luaL_Buffer *out, const struct gw_pattern *pattern,
                            const struct gw_pattern_match *match)
{
    if (lua_type(L, 3) == LUA_TSTRING || lua_type(L, 3) == LUA_TNUMBER) {
        add_template(L, out, pattern, match);
        return;
    }
    ask_replacement(L, pattern, match);
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        push_whole(L, match);
    } else if (!lua_isstring(L, -1)) {
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    }
    luaL_addvalue(out);
}

static int l_string_gsub(lua_State *L)
{
    struct gw_pattern pattern;
    struct gw_pattern_match match = {.subject = check_str(L, 1)};
    int type = lua_type(L, 3);
    luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
                     "string/function/table");
    lua_Integer most = luaL_optinteger(L, 4, LUA_MAXINTEGER);
    lua_Integer count = 0;
    size_t last_end = SIZE_MAX;
    luaL_Buffer out;
    compile(L, 2, false, &pattern);
    luaL_buffinit(L, &out);
    size_t at = 0;
    while (count < most) {
        if (match_at(L, &pattern, &match, at) && match.end != last_end) {
            count++;
            add_replacement(L, &out, &pattern, &match);
            at = last_end = match.end;
        } else if (at < match.subject.length) {
            luaL_addchar(&out, match.subject.at[at++]);
        } else {
            break;
        }
        if (pattern.anchored)
            break;
    }
    if (at < match.subject.length)
        luaL_addlstring(&out, match.subject.at + at, match.subject.length - at);
    luaL_pushresult(&out);
    lua_pushinteger(L, count);
    return 2;
}

const struct gw_bind_entry gw_bind_pattern_entries[] = {
    {"find", l_string_find, "matcher's steps; plain: linear, charged by byte"},
    {"match", l_string_match, "matcher's steps"},
    {"gmatch", l_string_gmatch, "each round: matcher's steps"},
    {"gsub", l_string_gsub, "matcher's steps, callbacks under the same budget"},
    {NULL, NULL, NULL},
};
