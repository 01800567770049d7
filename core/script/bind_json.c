/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON values to Lua values and back. What scripts give is hostile: lengths are
 * raw, metatables are ignored, cycles, depth and the number of values are
 * checked on the way, and an error names the path of what doesn't fit.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "script/bind.h"

/* Enough for a look at the clock: a table may be large and have next to nothing in it, and it is gone over thrice. */
#define TABLE_STEPS 1000

static void push_value(lua_State *L, const struct gw_json *value, unsigned depth);

static void push_object(lua_State *L, const struct gw_json *value, unsigned depth)
{
    size_t count = value->as.object.count;
    gw_host_charge(L, count);
    lua_createtable(L, 0, (int)count);
    for (size_t i = 0; i < count; i++) {
        const struct gw_json_member *member = &value->as.object.members[i];
        lua_pushlstring(L, member->name.at, member->name.length);
        push_value(L, &member->value, depth + 1);
        lua_rawset(L, -3);
    }
}

static void push_array(lua_State *L, const struct gw_json *value, unsigned depth)
{
    size_t count = value->as.array.count;
    gw_host_charge(L, count);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        push_value(L, &value->as.array.items[i], depth + 1);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_value(lua_State *L, const struct gw_json *value, unsigned depth)
{
    luaL_checkstack(L, 4, "JSON nested too deeply");
    if (depth > GW_JSON_DEPTH_MAX + 1)
        luaL_error(L, "JSON nested too deeply");
    switch (value->type) {
    case GW_JSON_NULL:
        lua_pushnil(L);
        return;
    case GW_JSON_BOOL:
        lua_pushboolean(L, value->as.boolean);
        return;
    case GW_JSON_INTEGER:
        lua_pushinteger(L, value->as.integer);
        return;
    case GW_JSON_REAL:
        lua_pushnumber(L, value->as.real);
        return;
    case GW_JSON_STRING:
        lua_pushlstring(L, value->as.string.at == NULL ? "" : value->as.string.at, value->as.string.length);
        return;
    case GW_JSON_ARRAY:
        push_array(L, value, depth);
        return;
    case GW_JSON_OBJECT:
        push_object(L, value, depth);
        return;
    }
}

void gw_bind_json_push(lua_State *L, const struct gw_json *value)
{
    push_value(L, value, 1);
}

/* One table on the way from the root, for paths and cycles. */
struct frame {
    const struct frame *outer;
    const void *table;
    struct gw_str name; /* of the value looked at; {NULL,0}: `number` */
    lua_Integer number;
    unsigned depth;
};

struct reader {
    const char *root;
    const struct gw_bind_json_limits *limits;
    unsigned values;
    size_t bytes;
    struct gw_arena *arena;
};

static void read_value(lua_State *L, int index, struct reader *reader, const struct frame *outer,
                       struct gw_json *value);

static void write_path(const struct frame *frame, struct gw_buf *path)
{
    if (frame == NULL)
        return;
    write_path(frame->outer, path);
    if (frame->name.at != NULL)
        gw_buf_printf(path, ".%.*s", (int)(frame->name.length < 64 ? frame->name.length : 64), frame->name.at);
    else
        gw_buf_printf(path, "[%lld]", (long long)frame->number);
}

static GW_NORETURN void refuse(lua_State *L, const struct reader *reader, const struct frame *frame, const char *why)
{
    char text[256];
    struct gw_buf path;
    gw_buf_init(&path, sizeof text - 1);
    write_path(frame, &path);
    snprintf(text, sizeof text, "%.*s", GW_STR_ARG(gw_buf_str(&path)));
    gw_buf_fini(&path);
    luaL_error(L, "%s%s: %s", reader->root, text, why);
    abort();
}

/* The text at `index`, copied. */
static struct gw_str copy_text(lua_State *L, int index, struct reader *reader, const struct frame *outer)
{
    struct gw_str text;
    text.at = lua_tolstring(L, index, &text.length);
    if (text.length > reader->limits->bytes - reader->bytes)
        refuse(L, reader, outer, "too many bytes");
    reader->bytes += text.length;
    return gw_arena_str(reader->arena, text);
}

/* False when the table holds more than 1..n. */
static bool has_only_items(lua_State *L, int index, size_t count)
{
    size_t seen = 0;
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        lua_pop(L, 1);
        if (++seen > count) {
            lua_pop(L, 1);
            return false;
        }
    }
    return seen == count;
}

static void read_array(lua_State *L, int index, struct reader *reader, struct frame *frame, size_t count,
                       struct gw_json *value)
{
    if (count > reader->limits->values)
        refuse(L, reader, frame->outer, "too many values");
    gw_host_charge(L, count);
    struct gw_json *items = gw_arena_zero(reader->arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        frame->name = GW_STR_NONE;
        frame->number = (lua_Integer)i + 1;
        if (lua_rawgeti(L, index, (lua_Integer)i + 1) == LUA_TNIL)
            refuse(L, reader, frame->outer, "a list must have the keys 1 to n and no other");
        read_value(L, lua_gettop(L), reader, frame, &items[i]);
        lua_pop(L, 1);
    }
    *value = (struct gw_json){.type = GW_JSON_ARRAY, .as.array = {items, count}};
}

/* True for the key at `index`, where it is one of 1 to `items`. */
static bool is_item(lua_State *L, int index, size_t items)
{
    return lua_isinteger(L, index) && lua_tointeger(L, index) >= 1 && (size_t)lua_tointeger(L, index) <= items;
}

/* The keys of the table at `index` behind 1 to `items`, all of which are text. */
static size_t count_members(lua_State *L, int index, const struct reader *reader, struct frame *frame, size_t items)
{
    size_t count = 0;
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        lua_pop(L, 1);
        if (is_item(L, -1, items))
            continue;
        if (++count > reader->limits->values)
            refuse(L, reader, frame->outer, "too many values");
        if (lua_type(L, -1) != LUA_TSTRING)
            refuse(L, reader, frame->outer,
                   lua_type(L, -1) == LUA_TNUMBER ? "a list must have the keys 1 to n and no other"
                                                  : "keys must be text, or 1 to n");
    }
    gw_host_charge(L, count);
    return count;
}

static int compare_members(const void *a, const void *b)
{
    const struct gw_json_member *left = a;
    const struct gw_json_member *right = b;
    return gw_str_compare(left->name, right->name);
}

/* With items they become the member `files`. */
static void read_object(lua_State *L, int index, struct reader *reader, struct frame *frame, struct gw_json *value)
{
    size_t items = lua_rawlen(L, index);
    size_t count = count_members(L, index, reader, frame, items);
    struct gw_json_member *members = gw_arena_zero(reader->arena, count + 1, sizeof *members);
    size_t i = 0;
    if (items > 0) {
        members[i].name = GW_STR("files");
        read_array(L, index, reader, frame, items, &members[i++].value);
        count++;
    }
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        if (is_item(L, -2, items)) {
            lua_pop(L, 1);
            continue;
        }
        members[i].name = copy_text(L, -2, reader, frame->outer);
        frame->name = members[i].name;
        read_value(L, lua_gettop(L), reader, frame, &members[i].value);
        i++;
        lua_pop(L, 1);
    }
    if (count > 1)
        qsort(members, count, sizeof *members, compare_members);
    for (i = 1; items > 0 && i < count; i++) {
        if (gw_str_equal(members[i - 1].name, members[i].name))
            refuse(L, reader, frame->outer, "has items and the name files; one of the two is accepted");
    }
    *value = (struct gw_json){.type = GW_JSON_OBJECT, .as.object = {members, count}};
}

/* The table is the one that may have names behind its items, and has. */
static bool may_be_mixed(lua_State *L, int index, const struct reader *reader, const struct frame *outer, size_t items)
{
    const char *name = reader->limits->mixed;
    return name != NULL && outer != NULL && outer->outer == NULL && outer->name.at != NULL &&
           gw_str_is(outer->name, name) && !has_only_items(L, index, items);
}

static void read_table(lua_State *L, int index, struct reader *reader, const struct frame *outer, struct gw_json *value)
{
    gw_host_charge(L, TABLE_STEPS);
    struct frame frame = {
        .outer = outer, .table = lua_topointer(L, index), .depth = outer == NULL ? 1 : outer->depth + 1};
    for (const struct frame *above = outer; above != NULL; above = above->outer) {
        if (above->table == frame.table)
            refuse(L, reader, outer, "a table that holds itself");
    }
    if (frame.depth > reader->limits->depth)
        refuse(L, reader, outer, "nested too deeply");
    luaL_checkstack(L, 6, "nested too deeply");
    size_t items = lua_rawlen(L, index);
    if (items == 0 || may_be_mixed(L, index, reader, outer, items))
        read_object(L, index, reader, &frame, value);
    else if (items > reader->limits->values || has_only_items(L, index, items))
        read_array(L, index, reader, &frame, items, value);
    else
        refuse(L, reader, outer, "a list must have the keys 1 to n and no other");
}

/* Of a view of the request, or of a part of it: what pairs goes over. Userdata are all ours, and so are their
 * functions. */
static void read_view(lua_State *L, int index, struct reader *reader, const struct frame *outer, struct gw_json *value)
{
    luaL_checkstack(L, 6, "nested too deeply");
    if (!reader->limits->views || luaL_getmetafield(L, index, "__pairs") == LUA_TNIL)
        refuse(L, reader, outer, "a userdata is no value");
    lua_pushvalue(L, index);
    gw_host_invoke(L, 1, 2);
    read_table(L, lua_gettop(L), reader, outer, value);
    lua_pop(L, 2);
}

static void read_number(lua_State *L, int index, const struct reader *reader, const struct frame *outer,
                        struct gw_json *value)
{
    if (lua_isinteger(L, index)) {
        *value = gw_json_integer(lua_tointeger(L, index));
        return;
    }
    value->type = GW_JSON_REAL;
    value->as.real = lua_tonumber(L, index);
    if (!isfinite(value->as.real))
        refuse(L, reader, outer, "not a finite number");
}

static void read_value(lua_State *L, int index, struct reader *reader, const struct frame *outer, struct gw_json *value)
{
    if (++reader->values > reader->limits->values)
        refuse(L, reader, outer, "too many values");
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        *value = gw_json_bool(lua_toboolean(L, index) != 0);
        return;
    case LUA_TNUMBER:
        read_number(L, index, reader, outer, value);
        return;
    case LUA_TSTRING:
        *value = gw_json_string(copy_text(L, index, reader, outer));
        return;
    case LUA_TTABLE:
        read_table(L, index, reader, outer, value);
        return;
    case LUA_TUSERDATA:
        read_view(L, index, reader, outer, value);
        return;
    default:
        refuse(L, reader, outer, lua_pushfstring(L, "a %s is no value", luaL_typename(L, index)));
    }
}

void gw_bind_json_read(lua_State *L, int index, const char *root, const struct gw_bind_json_limits *limits,
                       struct gw_arena *arena, struct gw_json *value)
{
    struct reader reader = {.root = root, .limits = limits, .arena = arena};
    read_value(L, index, &reader, NULL, value);
}
