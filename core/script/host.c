/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lid. Three watchers share one budget:
 *
 *   count hook   every 1,000 instructions: steps, and the thread's CPU clock
 *   allocator    bytes against two caps, and steps for each fresh piece, so that
 *                one instruction that copies a long string costs what it costs
 *   charge       what C functions report of their own loops
 *
 * A spent budget arms the hook at every instruction: whatever catches the error
 * is raised again by the next instruction. It doesn't decide what scripts can
 * reach (sandbox.c) and knows no policy.
 */
#include "script/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "script/pool.h"

#define COUNT_PERIOD   1000
#define BYTES_PER_STEP 64

struct gw_host {
    lua_State *lua;
    struct gw_pool pool;
    size_t used;
    size_t state_bytes;
    size_t limit; /* of `used`, for the call that runs now */
    struct gw_host_budget budget;
    int period;           /* instructions between two calls of the hook */
    int64_t cpu_began_ns; /* 0: the hook hasn't fired in this call */
    bool running;
    enum gw_host_outcome killed; /* GW_HOST_OK: alive */
    char where[128];             /* file:line of the kill */
};

static const char kill_token = 0;

static struct gw_host *host_of(lua_State *L)
{
    return *(struct gw_host **)lua_getextraspace(L);
}

static int64_t thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void note_where(struct gw_host *host, lua_State *L)
{
    lua_Debug frame;
    for (int level = 0; level < 8 && lua_getstack(L, level, &frame) == 1; level++) {
        if (lua_getinfo(L, "Sl", &frame) != 0 && frame.currentline > 0) {
            snprintf(host->where, sizeof host->where, "%s:%d: ", frame.short_src, frame.currentline);
            return;
        }
    }
}

static void on_count(lua_State *L, lua_Debug *record);

static void arm(struct gw_host *host, int period)
{
    host->period = period;
    lua_sethook(host->lua, on_count, LUA_MASKCOUNT, period);
}

/* Raises a value that no script makes: pcall lets it through, and the armed hook raises it again. */
static GW_NORETURN void kill_call(lua_State *L, enum gw_host_outcome outcome)
{
    struct gw_host *host = host_of(L);
    if (host->killed == GW_HOST_OK) {
        host->killed = outcome;
        note_where(host, L);
    }
    arm(host, 1);
    lua_pushlightuserdata(L, (void *)&kill_token);
    lua_error(L);
    abort();
}

static void on_count(lua_State *L, lua_Debug *record)
{
    (void)record;
    struct gw_host *host = host_of(L);
    host->budget.steps -= host->period;
    if (host->killed != GW_HOST_OK || host->budget.steps < 0)
        kill_call(L, GW_HOST_OUT_OF_BUDGET);
    int64_t now = thread_cpu_ns();
    if (host->cpu_began_ns == 0)
        host->cpu_began_ns = now;
    else if (now - host->cpu_began_ns > host->budget.cpu_ns)
        kill_call(L, GW_HOST_OUT_OF_BUDGET);
}

static bool may_grow(struct gw_host *host, size_t more)
{
    if (more > host->limit || host->used > host->limit - more)
        return false;
    if (host->pool.slab_bytes > host->state_bytes) /* free pieces of the wrong sizes: time for a new state */
        return false;
    if (host->running) {
        host->budget.steps -= (int64_t)(more / BYTES_PER_STEP);
        if (host->budget.steps < 0 && host->period != 1)
            arm(host, 1);
    }
    return true;
}

/* Lua relies on shrinking never failing. */
static void *allocate(void *ctx, void *old, size_t old_size, size_t new_size)
{
    struct gw_host *host = ctx;
    if (old == NULL)
        old_size = 0; /* Lua tells the kind of object here */
    if (new_size > old_size && !may_grow(host, new_size - old_size))
        return NULL;
    void *fresh = gw_pool_resize(&host->pool, old, old_size, new_size);
    host->used = host->used - old_size + new_size;
    return fresh;
}

static int on_panic(lua_State *L)
{
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "no text";
    gw_fatal("script: error outside a protected call: %s", text);
}

struct gw_host *gw_host_new(size_t state_bytes)
{
    struct gw_host *host = gw_alloc_zero(1, sizeof *host);
    host->state_bytes = state_bytes;
    host->limit = SIZE_MAX;
    host->lua = lua_newstate(allocate, host);
    if (host->lua == NULL)
        gw_fatal("script: out of memory");
    *(struct gw_host **)lua_getextraspace(host->lua) = host;
    lua_atpanic(host->lua, on_panic);
    lua_gc(host->lua, LUA_GCINC, 0, 0, 0);
    return host;
}

void gw_host_free(struct gw_host **host)
{
    if (*host == NULL)
        return;
    lua_sethook((*host)->lua, NULL, 0, 0);
    (*host)->running = false;
    lua_close((*host)->lua);
    gw_pool_fini(&(*host)->pool);
    free(*host);
    *host = NULL;
}

static size_t limit_of(const struct gw_host *host, size_t growth)
{
    size_t limit;
    if (gw_add_overflows(host->used, growth, &limit) || limit > host->state_bytes)
        limit = host->state_bytes;
    return limit;
}

/* What a buffer of lauxlib raises as text is out of memory too. */
static bool is_memory_error(lua_State *L, int status)
{
    if (status == LUA_ERRMEM)
        return true;
    return lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "not enough memory") == 0;
}

static enum gw_host_outcome tell(struct gw_host *host, int status, struct gw_err *err)
{
    lua_State *L = host->lua;
    if (status == LUA_OK && host->killed == GW_HOST_OK)
        return GW_HOST_OK;
    if (host->killed == GW_HOST_OK && is_memory_error(L, status))
        host->killed = GW_HOST_OUT_OF_MEMORY;
    if (host->killed == GW_HOST_OUT_OF_MEMORY)
        (void)gw_fail(err, GW_E_SCRIPT, "%sneeds more memory than it may have", host->where);
    else if (host->killed != GW_HOST_OK)
        (void)gw_fail(err, GW_E_SCRIPT, "%sran longer than it may", host->where);
    else if (lua_type(L, -1) == LUA_TSTRING)
        (void)gw_fail(err, GW_E_SCRIPT, "%s", lua_tostring(L, -1));
    else
        (void)gw_fail(err, GW_E_SCRIPT, "raised a %s instead of a text", luaL_typename(L, -1));
    return host->killed == GW_HOST_OK ? GW_HOST_RAISED : host->killed;
}

enum gw_host_outcome gw_host_run(struct gw_host *host, lua_CFunction function, void *argument,
                                 struct gw_host_budget *budget, struct gw_err *err)
{
    lua_State *L = host->lua;
    if (host->running)
        gw_fatal("script: a run inside a run");
    if (host->killed != GW_HOST_OK)
        return tell(host, LUA_ERRRUN, err);
    size_t before = host->used;
    host->budget = *budget;
    host->limit = limit_of(host, budget->memory);
    host->cpu_began_ns = 0;
    host->running = true;
    if (!budget->begun || host->period != COUNT_PERIOD)
        arm(host, COUNT_PERIOD);
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, argument);
    int status = lua_pcall(L, 1, 0, 0);
    enum gw_host_outcome outcome = tell(host, status, err);
    lua_settop(L, 0);
    host->running = false;
    host->limit = SIZE_MAX;
    *budget = host->budget;
    budget->begun = true;
    if (host->cpu_began_ns != 0)
        budget->cpu_ns -= thread_cpu_ns() - host->cpu_began_ns;
    if (host->used > before)
        budget->memory -= host->used - before < budget->memory ? host->used - before : budget->memory;
    return outcome;
}

bool gw_host_is_dead(const struct gw_host *host)
{
    return host->killed != GW_HOST_OK;
}

void gw_host_unref(struct gw_host *host, int reference)
{
    luaL_unref(host->lua, LUA_REGISTRYINDEX, reference);
}

void gw_host_invoke(lua_State *L, int arguments, int results)
{
    lua_call(L, arguments, results);
}

void gw_host_charge(lua_State *L, size_t steps)
{
    struct gw_host *host = host_of(L);
    host->budget.steps -= steps > INT32_MAX ? INT32_MAX : (int64_t)steps;
    if (host->budget.steps < 0)
        kill_call(L, GW_HOST_OUT_OF_BUDGET);
}

int64_t gw_host_left(lua_State *L)
{
    return host_of(L)->budget.steps;
}

int gw_host_l_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
    if (host_of(L)->killed != GW_HOST_OK)
        kill_call(L, host_of(L)->killed);
    if (status == LUA_OK)
        return lua_gettop(L);
    if (is_memory_error(L, status))
        kill_call(L, GW_HOST_OUT_OF_MEMORY);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}
