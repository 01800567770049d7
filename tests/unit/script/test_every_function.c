/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every function that a script can reach, called with bad arguments: libraries,
 * modules, metatables and what views have. Each call has a small budget of its own
 * and ends within it, by whatever error. Functions are found by walking from the
 * environment, so that a new one is among them.
 */
#include "bench_of_one.h"

#include "script/bind.h"
#include "script/bind_request.h"
#include "script/modules.h"
#include "script/sandbox.h"

#define BUDGET_NS   ((int64_t)1000000)
#define STATE_BYTES ((size_t)8 << 20)
#define PATHS_MAX   512
#define RANDOM_RUNS 400

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CALL_MS 1000
#else
#define CALL_MS 30
#endif

/* Makes the arguments; `view` and `dead` are requests. */
static const char values_source[] =
    "local view, dead, print, pcall = ...\n"
    "local self = {} self.self = self\n"
    "local lying = setmetatable({ 1, 2 }, { __len = function() return 1e9 end, __index = function(t, k) return k end "
    "})\n"
    "local spinning = setmetatable({}, { __index = function() while true do end end,\n"
    "__tostring = function() while true do end end, __lt = function() while true do end end,\n"
    "__pairs = function() while true do end end, __call = function() while true do end end })\n"
    "local many = {} for i = 1, 10000 do many[i] = i end\n"
    "return { true, 0, -1, 1e308, 0/0, math.maxinteger, math.mininteger, 0.5, '', 'a', ('a'):rep(400000),\n"
    "('\\0'):rep(200000), ('1'):rep(400000), '%b()', '.-.-.-b', '%99.99f', {}, self, lying, spinning, many,\n"
    "function() error({}) end, function() while true do end end, function(...) return ... end, print, pcall, view,\n"
    "dead, { verdict = 'deny' }, 'arn:aws:iam::012345678910:role/x' }, 30";

struct world {
    struct bench bench; /* for a request */
    struct gw_sandbox sandbox;
    struct gw_sources sources;
    struct gw_modules modules;
    struct gw_host *host;
    char *paths[PATHS_MAX];
    size_t path_count;
    size_t value_count;
    int values;    /* reference */
    int functions; /* reference: by path */
    const char *path;
    int arguments[4];
    int argument_count;
};

/* Notes function `path` at the top, and walks what is below the table at the top; `seen` and `found` are indices. */
static void walk(lua_State *L, struct world *world, const char *path, int seen, int found, int depth);

static void walk_field(lua_State *L, struct world *world, const char *path, const char *name, int seen, int found,
                       int depth)
{
    char below[256];
    snprintf(below, sizeof below, "%s.%s", path, name);
    walk(L, world, below, seen, found, depth + 1);
}

static void walk_table(lua_State *L, struct world *world, const char *path, int seen, int found, int depth)
{
    int table = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        if (lua_type(L, -2) == LUA_TSTRING)
            walk_field(L, world, path, lua_tostring(L, -2), seen, found, depth);
        lua_settop(L, table + 1);
    }
}

static void walk(lua_State *L, struct world *world, const char *path, int seen, int found, int depth)
{
    int value = lua_gettop(L);
    luaL_checkstack(L, 20, "walk");
    lua_pushvalue(L, value);
    bool known = lua_type(L, value) < LUA_TSTRING || (lua_rawget(L, seen) != LUA_TNIL) || depth > 12;
    lua_settop(L, value);
    if (known && lua_type(L, value) != LUA_TSTRING)
        return;
    if (lua_type(L, value) == LUA_TTABLE || lua_type(L, value) == LUA_TFUNCTION) {
        lua_pushvalue(L, value);
        lua_pushboolean(L, 1);
        lua_rawset(L, seen);
    }
    if (lua_type(L, value) == LUA_TFUNCTION) {
        lua_pushvalue(L, value);
        lua_setfield(L, found, path);
    }
    if (lua_type(L, value) == LUA_TTABLE)
        walk_table(L, world, path, seen, found, depth);
    lua_settop(L, value);
    if (lua_type(L, value) != LUA_TFUNCTION && lua_getmetatable(L, value))
        walk_field(L, world, path, "metatable", seen, found, depth);
    lua_settop(L, value);
}

static void require_all(lua_State *L, struct world *world, int env, int seen, int found)
{
    static const char *const files[] = {"eksgate.arn", "eksgate.tags", "eksgate.verdict", "eksgate.team"};
    for (size_t i = 0; gw_bind_modules[i].name != NULL || i < GW_COUNT(files); i++) {
        const char *names[] = {i < GW_COUNT(files) ? files[i] : NULL, gw_bind_modules[i].name};
        for (size_t k = 0; k < 2; k++) {
            if (names[k] == NULL || strcmp(names[k], "eksgate.spec.native") == 0)
                continue;
            lua_getfield(L, env, "require");
            lua_pushstring(L, names[k]);
            gw_host_invoke(L, 1, 1);
            walk(L, world, names[k], seen, found, 0);
            lua_pop(L, 1);
        }
        if (gw_bind_modules[i].name == NULL)
            break;
    }
}

static int l_world_open(lua_State *L)
{
    struct world *world = lua_touserdata(L, 1);
    gw_sandbox_open(L, &world->sandbox);
    gw_modules_open(L, &world->modules);
    gw_bind_request_open(L, bench_members, GW_COUNT(bench_members));
    gw_modules_push_env(L, &world->modules, NULL);
    int env = lua_gettop(L);
    lua_createtable(L, 0, 0);
    lua_createtable(L, 0, 0);
    int seen = lua_gettop(L) - 1;
    int found = lua_gettop(L);
    require_all(L, world, env, seen, found);
    lua_pushvalue(L, env);
    walk(L, world, "env", seen, found, 0);
    lua_pushliteral(L, "");
    walk(L, world, "text", seen, found, 0);
    gw_bind_request_push(L, &world->bench.request, &world->bench.request.facts);
    walk(L, world, "req", seen, found, 0);
    lua_pushvalue(L, found);
    world->functions = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static int l_world_values(lua_State *L)
{
    struct world *world = lua_touserdata(L, 1);
    luaL_unref(L, LUA_REGISTRYINDEX, world->values);
    assert_int_equal(luaL_loadbufferx(L, values_source, sizeof values_source - 1, "@values", "t"), LUA_OK);
    gw_sandbox_push_env(L);
    lua_setupvalue(L, -2, 1);
    gw_bind_request_push(L, &world->bench.request, &world->bench.request.facts);
    gw_bind_view_clear(gw_bind_request_push(L, &world->bench.request, &world->bench.request.facts));
    lua_rawgeti(L, LUA_REGISTRYINDEX, world->functions);
    lua_getfield(L, -1, "env.metatable.__index.print");
    lua_getfield(L, -2, "env.metatable.__index.pcall");
    lua_remove(L, -3);
    gw_host_invoke(L, 4, 2);
    world->value_count = (size_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    world->values = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static int l_world_call(lua_State *L)
{
    const struct world *world = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, world->functions);
    if (lua_getfield(L, -1, world->path) != LUA_TFUNCTION)
        return luaL_error(L, "%s isn't there", world->path);
    lua_rawgeti(L, LUA_REGISTRYINDEX, world->values);
    int values = lua_gettop(L);
    lua_pushvalue(L, -2);
    for (int i = 0; i < world->argument_count; i++)
        lua_rawgeti(L, values, world->arguments[i]);
    gw_host_invoke(L, world->argument_count, LUA_MULTRET);
    return 0;
}

static void run(struct world *world, lua_CFunction function)
{
    struct gw_err err;
    struct gw_host_budget budget = {.cpu_ns = 10000000000, .memory = STATE_BYTES, .large_tables = true};
    world->sandbox.call = &world->bench.call;
    if (gw_host_run(world->host, function, world, &budget, &err) != GW_HOST_OK)
        fail_msg("after %s: %s", world->path, err.text);
}

static void open_world(struct world *world)
{
    gw_host_free(&world->host);
    world->host = gw_host_new(STATE_BYTES);
    world->values = LUA_NOREF;
    run(world, l_world_open);
    run(world, l_world_values);
}

/* Its error, if any, is its own affair; how long it takes isn't. */
static void call(struct world *world)
{
    struct gw_err err;
    struct gw_host_call *pending = NULL;
    struct gw_host_budget budget = {
        .cpu_ns = BUDGET_NS, .memory = (size_t)1 << 20, .slice_ns = BUDGET_NS / 2, .may_wait = true};
    double began = bench_cpu_ms();
    enum gw_host_outcome outcome = gw_host_begin(world->host, l_world_call, world, &budget, &pending, &err);
    while (outcome == GW_HOST_GAVE_WAY)
        outcome = gw_host_continue(world->host, &budget, &pending, &err);
    double took = bench_cpu_ms() - began;
    gw_host_drop(world->host, &pending);
    if (took > CALL_MS)
        fail_msg("%s(%d: %d, %d, %d) took %.1f ms", world->path, world->argument_count, world->arguments[0],
                 world->arguments[1], world->arguments[2], took);
    gw_arena_reset(&world->bench.arena);
    if (gw_host_is_dead(world->host))
        open_world(world);
}

static int note_path(lua_State *L)
{
    struct world *world = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, world->functions);
    lua_pushnil(L);
    while (lua_next(L, 2) != 0) {
        assert_true(world->path_count < PATHS_MAX);
        world->paths[world->path_count++] = strdup(lua_tostring(L, 3));
        lua_settop(L, 3);
    }
    return 0;
}

static void call_with_all(struct world *world, uint64_t *seed)
{
    int count = (int)world->value_count;
    if (count < 1) {
        fail_msg("no values");
        return;
    }
    world->argument_count = 0;
    call(world);
    world->argument_count = 1;
    for (world->arguments[0] = 1; world->arguments[0] <= count; world->arguments[0]++)
        call(world);
    for (int i = 0; i < RANDOM_RUNS; i++) {
        world->argument_count = 2 + i % 3;
        for (int k = 0; k < world->argument_count; k++) {
            *seed = *seed * 6364136223846793005U + 1442695040888963407U;
            world->arguments[k] = 1 + (int)((*seed >> 33) % (uint64_t)count);
        }
        call(world);
    }
    run(world, l_world_values); /* fresh ones for the next: calls change tables */
}

static void every_function__bad_arguments__ends_within_its_budget(void **state)
{
    (void)state;
    struct world world = {.path = "nothing"};
    uint64_t seed = 42;
    bench_init(&world.bench);
    world.bench.call.wake = NULL;
    world.sources = (struct gw_sources){0};
    world.modules = (struct gw_modules){.sources = &world.sources, .library = GW_SOURCE_DIR "/lua"};
    open_world(&world);
    run(&world, note_path);
    printf("%zu functions\n", world.path_count);
    assert_in_range(world.path_count, 80, PATHS_MAX);
    for (size_t i = 0; i < world.path_count; i++) {
        world.path = world.paths[i];
        double began = bench_cpu_ms();
        call_with_all(&world, &seed);
        if (bench_cpu_ms() - began > 500)
            printf("%s: %.0f ms\n", world.path, bench_cpu_ms() - began);
    }
    for (size_t i = 0; i < world.path_count; i++)
        free(world.paths[i]);
    gw_host_free(&world.host);
    gw_sources_fini(&world.sources);
    bench_fini(&world.bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function__bad_arguments__ends_within_its_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
