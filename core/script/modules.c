/* SPDX-License-Identifier: Apache-2.0 */
/*
 * require in the sandbox. Names are words joined by dots; there are no search
 * paths, no loaders and no package table. A file is looked for when policies are
 * loaded and never while requests are served (source.h).
 */
#include "script/modules.h"

#include "script/bind.h"
#include "script/sandbox.h"

#define NAME_MAX_BYTES 128

#define PIECE_BYTES 512
#define PIECE_STEPS 1000

/* Registry keys: modules of the library by name, and the environment they run in. */
static const char shared_cache_key = 0;
static const char shared_env_key = 0;

/* What the compiler was given so far. */
struct reading {
    const struct gw_source *source;
    size_t at;
};

/* Compiling runs no instruction, and a long chain of `or` takes the square of its length: the clock is looked at with
 * each piece. */
static const char *read_piece(lua_State *L, void *ctx, size_t *length)
{
    struct reading *reading = ctx;
    const char *piece = reading->source->bytes + reading->at;
    gw_host_charge(L, PIECE_STEPS);
    *length = reading->source->length - reading->at;
    if (*length > PIECE_BYTES)
        *length = PIECE_BYTES;
    reading->at += *length;
    return piece;
}

void gw_modules_run(lua_State *L, const struct gw_source *source, int env)
{
    struct reading reading = {.source = source};
    const char *chunk = lua_pushfstring(L, "@%s", source->path);
    if (lua_load(L, read_piece, &reading, chunk, "t") != LUA_OK)
        lua_error(L);
    lua_pushvalue(L, env);
    if (lua_setupvalue(L, -2, 1) == NULL)
        luaL_error(L, "%s: has no environment", source->path);
    gw_host_invoke(L, 0, 1);
    lua_remove(L, -2);
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool is_module_name(struct gw_str name)
{
    bool after_dot = true;
    for (size_t i = 0; i < name.length; i++) {
        if (name.at[i] == '.' ? after_dot : !is_word_byte(name.at[i]))
            return false;
        after_dot = name.at[i] == '.';
    }
    return !after_dot && name.length <= NAME_MAX_BYTES;
}

/* Pushes folder/a/b.lua for a.b. */
static const char *push_path(lua_State *L, const char *folder, const char *name)
{
    luaL_Buffer path;
    luaL_buffinit(L, &path);
    luaL_addstring(&path, folder);
    luaL_addchar(&path, '/');
    for (; *name != '\0'; name++)
        luaL_addchar(&path, *name == '.' ? '/' : *name);
    luaL_addstring(&path, ".lua");
    luaL_pushresult(&path);
    return lua_tostring(L, -1);
}

/* Pushes the module and keeps it in the cache at `cache` (absolute); false there says that it is being loaded. */
static void load_module(lua_State *L, const struct gw_modules *modules, const char *name, const char *folder, int cache,
                        int env)
{
    struct gw_err err;
    const struct gw_source *source;
    if (gw_sources_get(modules->sources, push_path(L, folder, name), &source, &err) != GW_OK)
        luaL_error(L, "require '%s': %s", name, err.text);
    lua_pushboolean(L, 0);
    lua_setfield(L, cache, name);
    gw_modules_run(L, source, env);
    if (lua_type(L, -1) != LUA_TTABLE)
        luaL_error(L, "require '%s': %s must return a table, not a %s", name, source->path, luaL_typename(L, -1));
    if (strncmp(name, "eksgate.", 8) == 0)
        gw_sandbox_freeze(L, name);
    lua_pushvalue(L, -1);
    lua_setfield(L, cache, name);
}

/* Pushes the module if it is one of C's, and keeps it in the cache at `cache` (absolute). */
static bool push_native(lua_State *L, const char *name, int cache)
{
    for (const struct gw_bind_module *module = gw_bind_modules; module->name != NULL; module++) {
        if (strcmp(module->name, name) != 0)
            continue;
        module->push(L);
        gw_sandbox_freeze(L, name);
        lua_pushvalue(L, -1);
        lua_setfield(L, cache, name);
        return true;
    }
    return false;
}

/* require: upvalues are the modules, the policy's folder, its cache and its environment. */
static int l_base_require(lua_State *L)
{
    const struct gw_modules *modules = lua_touserdata(L, lua_upvalueindex(1));
    const char *folder = lua_tostring(L, lua_upvalueindex(2));
    struct gw_str name;
    name.at = luaL_checklstring(L, 1, &name.length);
    lua_settop(L, 1);
    bool shared = gw_str_starts(name, GW_STR("eksgate."));
    if (!is_module_name(name) || (!shared && folder == NULL))
        return luaL_error(L,
                          "require '%s': names are eksgate.NAME, or words joined by dots for a file below the policy's "
                          "folder",
                          name.at);
    if (shared) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &shared_cache_key);
        lua_rawgetp(L, LUA_REGISTRYINDEX, &shared_env_key);
        folder = modules->library;
    } else {
        lua_pushvalue(L, lua_upvalueindex(3));
        lua_pushvalue(L, lua_upvalueindex(4));
    }
    int type = lua_getfield(L, 2, name.at);
    if (type == LUA_TBOOLEAN)
        return luaL_error(L, "require '%s': it requires itself", name.at);
    if (type == LUA_TNIL && !(shared && push_native(L, name.at, 2)))
        load_module(L, modules, name.at, folder, 2, 3);
    return 1;
}

/* Puts require into the environment at `env` (absolute). */
static void add_require(lua_State *L, const struct gw_modules *modules, struct gw_str folder, int env)
{
    lua_pushliteral(L, "require");
    lua_pushlightuserdata(L, (void *)modules);
    if (folder.at == NULL)
        lua_pushnil(L);
    else
        lua_pushlstring(L, folder.at, folder.length);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, env);
    lua_pushcclosure(L, l_base_require, 4);
    lua_rawset(L, env);
}

static struct gw_str folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return GW_STR(".");
    return (struct gw_str){path, slash == path ? 1 : (size_t)(slash - path)};
}

void gw_modules_push_env(lua_State *L, const struct gw_modules *modules, const char *path)
{
    gw_sandbox_push_env(L);
    add_require(L, modules, path == NULL ? GW_STR_NONE : folder_of(path), lua_gettop(L));
}

void gw_modules_open(lua_State *L, const struct gw_modules *modules)
{
    lua_createtable(L, 0, 8);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shared_cache_key);
    gw_modules_push_env(L, modules, NULL);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shared_env_key);
}

void gw_modules_run_policy(lua_State *L, const struct gw_modules *modules, const struct gw_source *source)
{
    gw_modules_push_env(L, modules, source->path);
    int env = lua_gettop(L);
    struct gw_sandbox *sandbox = gw_sandbox_of(L);
    sandbox->sources = modules->sources;
    sandbox->folder = folder_of(source->path);
    gw_modules_run(L, source, env);
    sandbox->sources = NULL; /* stays where it raises: nothing of the state runs after that */
    lua_remove(L, env);
}
