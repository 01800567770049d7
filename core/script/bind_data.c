/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate.data: views over what data.c keeps. A view is a userdata of one
 * pointer; reading a nested value makes another one, a scalar is copied. The
 * memory behind outlives the state.
 */
#include "script/data.h"

#include "script/bind.h"
#include "script/sandbox.h"

#define NAME_MAX_BYTES 128
#define STEPS          20 /* a look-up among a million */

struct view {
    const struct gw_json *value;
};

/* Registry key of the metatable. */
static const char metatable_key = 0;

static void push_value(lua_State *L, const struct gw_json *value)
{
    if (value->type != GW_JSON_OBJECT && value->type != GW_JSON_ARRAY) {
        gw_bind_json_push(L, value);
        return;
    }
    struct view *view = lua_newuserdatauv(L, sizeof *view, 0);
    view->value = value;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_setmetatable(L, -2);
}

static const struct gw_json *check_view(lua_State *L, int index)
{
    const struct view *view = lua_touserdata(L, index);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    if (view == NULL || !lua_getmetatable(L, index) || !lua_rawequal(L, -1, -2))
        luaL_error(L, "a table of eksgate.data expected, got %s", luaL_typename(L, index));
    lua_settop(L, -3);
    gw_host_charge(L, STEPS);
    return view->value;
}

static struct gw_str text_at(lua_State *L, int index)
{
    struct gw_str text;
    text.at = lua_tolstring(L, index, &text.length);
    return text;
}

/* The number at `index` as a place in a list, from 0; SIZE_MAX: it is none. */
static size_t place_at(lua_State *L, int index, size_t count)
{
    int is_integer = 0;
    lua_Integer number = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &is_integer) : 0;
    return is_integer && number >= 1 && (lua_Unsigned)number <= count ? (size_t)number - 1 : SIZE_MAX;
}

static int l_view_index(lua_State *L)
{
    const struct gw_json *value = check_view(L, 1);
    if (value->type == GW_JSON_OBJECT) {
        const struct gw_json_member *member = lua_type(L, 2) == LUA_TSTRING ? gw_data_find(value, text_at(L, 2)) : NULL;
        if (member != NULL)
            push_value(L, &member->value);
        else
            lua_pushnil(L);
        return 1;
    }
    size_t place = place_at(L, 2, value->as.array.count);
    if (place == SIZE_MAX)
        lua_pushnil(L);
    else
        push_value(L, &value->as.array.items[place]);
    return 1;
}

static int l_view_len(lua_State *L)
{
    const struct gw_json *value = check_view(L, 1);
    lua_pushinteger(L, value->type == GW_JSON_ARRAY ? (lua_Integer)value->as.array.count : 0);
    return 1;
}

/* The value behind the key at 2. */
static int l_view_next(lua_State *L)
{
    const struct gw_json *value = check_view(L, 1);
    lua_settop(L, 2);
    size_t next = 0;
    size_t count = value->type == GW_JSON_ARRAY ? value->as.array.count : value->as.object.count;
    if (value->type == GW_JSON_ARRAY && !lua_isnil(L, 2)) {
        next = place_at(L, 2, count);
        next = next == SIZE_MAX ? count : next + 1;
    } else if (!lua_isnil(L, 2)) {
        const struct gw_json_member *member = lua_type(L, 2) == LUA_TSTRING ? gw_data_find(value, text_at(L, 2)) : NULL;
        next = member == NULL ? count : (size_t)(member - value->as.object.members) + 1;
    }
    if (next >= count) {
        lua_pushnil(L);
        return 1;
    }
    if (value->type == GW_JSON_ARRAY) {
        lua_pushinteger(L, (lua_Integer)next + 1);
        push_value(L, &value->as.array.items[next]);
    } else {
        struct gw_str name = value->as.object.members[next].name;
        lua_pushlstring(L, name.at, name.length);
        push_value(L, &value->as.object.members[next].value);
    }
    return 2;
}

static int l_view_pairs(lua_State *L)
{
    (void)check_view(L, 1);
    lua_pushcfunction(L, l_view_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int l_view_eq(lua_State *L)
{
    lua_pushboolean(L, check_view(L, 1) == check_view(L, 2));
    return 1;
}

static int l_view_write(lua_State *L)
{
    return luaL_error(L, "tables of eksgate.data are read-only");
}

static const struct gw_bind_entry metamethods[] = {
    {"__index", l_view_index, "a binary search, 20 steps"},
    {"__len", l_view_len, "constant"},
    {"__pairs", l_view_pairs, "constant; each round a binary search, 20 steps"},
    {"__eq", l_view_eq, "constant"},
    {"__newindex", l_view_write, "constant"},
    {NULL, NULL, NULL},
};

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
}

/* Words joined by '/', none of which begins with '.', the last one with the ending. */
static bool is_file_name(struct gw_str name, struct gw_str ending)
{
    bool begins = true;
    for (size_t i = 0; i < name.length; i++) {
        if (begins ? name.at[i] == '.' || !is_name_byte(name.at[i]) : name.at[i] != '/' && !is_name_byte(name.at[i]))
            return false;
        begins = name.at[i] == '/';
    }
    return !begins && name.length <= NAME_MAX_BYTES && name.length > ending.length &&
           gw_str_equal(gw_str_slice(name, name.length - ending.length, SIZE_MAX), ending);
}

struct job {
    struct gw_sources *sources;
    const struct gw_data_wanted *wanted;
    const struct gw_data *data;
    enum gw_status status;
    struct gw_err err;
};

static void do_job(void *ctx)
{
    struct job *job = ctx;
    job->status = gw_data_get(job->sources, job->wanted, &job->data, &job->err);
}

static int push_data(lua_State *L, const char *what, struct gw_str ending, struct gw_data_wanted *wanted)
{
    const struct gw_sandbox *sandbox = gw_sandbox_of(L);
    struct gw_str name = GW_STR_NONE;
    if (lua_type(L, 1) == LUA_TSTRING)
        name = text_at(L, 1);
    if (name.at == NULL || !is_file_name(name, ending))
        return luaL_error(
            L, "%s needs the name of a file beside the policy or below, such as \"teams%s\" or \"data/teams%s\"", what,
            ending.at, ending.at);
    if (sandbox->call != NULL || sandbox->sources == NULL)
        return luaL_error(L, "%s: files are read when policies are loaded (call it at the policy's top)", what);
    lua_pushlstring(L, sandbox->folder.at, sandbox->folder.length);
    wanted->path = lua_pushfstring(L, "%s/%s", lua_tostring(L, -1), name.at);
    struct job job = {.sources = sandbox->sources, .wanted = wanted};
    gw_host_excuse(L, do_job, &job);
    if (job.status != GW_OK)
        return luaL_error(L, "%s: %s", what, job.err.text);
    push_value(L, &job.data->root);
    return 1;
}

static int l_data_json(lua_State *L)
{
    struct gw_data_wanted wanted = {.is_csv = false};
    return push_data(L, "data.json", GW_STR(".json"), &wanted);
}

static int l_data_csv(lua_State *L)
{
    static const char *const names[] = {"key"};
    struct gw_data_wanted wanted = {.is_csv = true};
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        if (lua_type(L, 2) != LUA_TTABLE)
            return luaL_error(L, "data.csv: the second argument must be a table such as { key = \"principal\" }");
        gw_bind_check_names(L, 2, "data.csv", names, GW_COUNT(names));
        wanted.key = gw_bind_text_of(L, 2, "data.csv", "key");
    }
    return push_data(L, "data.csv", GW_STR(".csv"), &wanted);
}

static int l_data_count(lua_State *L)
{
    const struct gw_json *value = check_view(L, 1);
    lua_pushinteger(L, (lua_Integer)(value->type == GW_JSON_ARRAY ? value->as.array.count : value->as.object.count));
    return 1;
}

static int l_data_copy(lua_State *L)
{
    gw_bind_json_push(L, check_view(L, 1));
    return 1;
}

static const struct gw_bind_entry entries[] = {
    {"json", l_data_json, "only while loading: 16 MiB a file, 32 MiB and a million values a set"},
    {"csv", l_data_csv, "the same"},
    {"count", l_data_count, "constant"},
    {"copy", l_data_copy, "charged by value"},
    {NULL, NULL, NULL},
};

void gw_bind_data_push(lua_State *L)
{
    gw_bind_push_entries(L, metamethods);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "data");
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
    gw_bind_push_entries(L, entries);
}
