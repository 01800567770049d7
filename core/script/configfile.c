/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files. A Lua one runs in a state that holds env() and nothing
 * else, not even string methods; a name that isn't a local raises, so that a
 * mistyped `tru` is an error. It doesn't know the settings (config.c does).
 */
#include "script/configfile.h"

#include <stdlib.h>

#include "script/bind.h"
#include "script/source.h"

#define STATE_BYTES ((size_t)64 << 20)
#define CPU_NS      ((int64_t)500000000)

static const struct gw_bind_json_limits table_limits = {
    .depth = GW_JSON_DEPTH_MAX, .values = 65536, .bytes = (size_t)64 << 20, .mixed = "policies"};

struct evaluation {
    const char *path;
    struct gw_str text;
    struct gw_arena *arena;
    struct gw_json *table;
};

static int l_env(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *value = getenv(name);
    if (value != NULL) {
        lua_pushstring(L, value);
        return 1;
    }
    if (lua_gettop(L) < 2)
        return luaL_error(L, "env(\"%s\"): the environment has no such variable, and no default is given", name);
    lua_settop(L, 2);
    return 1;
}

static const char *name_at(lua_State *L, int index)
{
    return lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : luaL_typename(L, index);
}

static int l_unknown(lua_State *L)
{
    return luaL_error(L, "unknown name '%s': a configuration file has env(name, default) and its own locals",
                      name_at(L, 2));
}

static int l_no_globals(lua_State *L)
{
    return luaL_error(L, "assignment to '%s', which isn't declared: write 'local %s'", name_at(L, 2), name_at(L, 2));
}

/* Pushes the environment of the file. */
static void push_env(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, l_env);
    lua_setfield(L, -2, "env");
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, l_unknown);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_no_globals);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
}

static int l_evaluate(lua_State *L)
{
    struct evaluation *evaluation = lua_touserdata(L, 1);
    const char *chunk = lua_pushfstring(L, "@%s", evaluation->path);
    if (luaL_loadbufferx(L, evaluation->text.at, evaluation->text.length, chunk, "t") != LUA_OK)
        return lua_error(L);
    push_env(L);
    if (lua_setupvalue(L, -2, 1) == NULL)
        return luaL_error(L, "%s: has no environment", evaluation->path);
    gw_host_invoke(L, 0, 1);
    if (lua_type(L, -1) != LUA_TTABLE)
        return luaL_error(L, "%s: must return a table, not a %s", evaluation->path, luaL_typename(L, -1));
    gw_bind_json_read(L, lua_gettop(L), evaluation->path, &table_limits, evaluation->arena, evaluation->table);
    return 0;
}

static enum gw_status evaluate(struct evaluation *evaluation, struct gw_err *err)
{
    struct gw_err why;
    struct gw_host *host = gw_host_new(STATE_BYTES);
    struct gw_host_budget budget = {.memory = STATE_BYTES, .cpu_ns = CPU_NS, .large_tables = true};
    enum gw_host_outcome outcome = gw_host_run(host, l_evaluate, evaluation, &budget, &why);
    gw_host_free(&host);
    if (outcome == GW_HOST_OK)
        return GW_OK;
    if (strstr(why.text, evaluation->path) != NULL)
        return gw_fail(err, GW_E_SCRIPT, "%s", why.text);
    return gw_fail(err, GW_E_SCRIPT, "%s: %s", evaluation->path, why.text);
}

static enum gw_status parse_json(const char *path, struct gw_str text, struct gw_arena *arena, struct gw_json *table,
                                 struct gw_err *err)
{
    struct gw_err why;
    struct gw_json value;
    enum gw_status status = gw_json_parse(text, arena, &value, &why);
    if (status != GW_OK)
        return gw_fail(err, status, "%s: %s", path, why.text);
    if (value.type != GW_JSON_OBJECT)
        return gw_fail(err, GW_E_TYPE, "%s: must hold an object, not %s", path, gw_json_type_name(value.type));
    *table = value;
    return GW_OK;
}

static bool is_json(const char *path)
{
    size_t length = strlen(path);
    return length > 5 && strcmp(path + length - 5, ".json") == 0;
}

enum gw_status gw_configfile_load(const char *path, struct gw_arena *arena, struct gw_json *table, struct gw_err *err)
{
    struct gw_buf bytes;
    gw_buf_init(&bytes, GW_CONFIGFILE_MAX + 8192);
    enum gw_status status = gw_source_read(path, &bytes, err);
    if (status == GW_OK && is_json(path)) {
        status = parse_json(path, gw_buf_str(&bytes), arena, table, err);
    } else if (status == GW_OK) {
        struct gw_json value;
        struct evaluation evaluation = {.path = path, .text = gw_buf_str(&bytes), .arena = arena, .table = &value};
        status = evaluate(&evaluation, err);
        if (status == GW_OK)
            *table = value;
    }
    gw_buf_fini(&bytes);
    return status;
}
