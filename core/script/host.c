/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lid. Wall time wakes, the thread's processor time judges: the clock that
 * costs little is read often, and the one that counts only when that says that a
 * limit may have been reached.
 *
 *   count hook   every 100 instructions, more often while the state holds long texts
 *   charge       what C functions report of their own loops
 *   allocator    bytes against two caps; a refusal is looked into at the next instruction
 *
 * A call whose time is over yields from the hook, which no pcall can catch, and is
 * never resumed. Where it can't yield (below sort, gsub, a metamethod that C
 * called) it is ended by an error that the hook raises again at every instruction,
 * up to where it can. It doesn't decide what scripts can reach (sandbox.c) and
 * knows no policy.
 */
#include "script/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "script/pool.h"

#define COUNT_PERIOD   100
#define STEPS_PER_LOOK 1000

#define NODE_BYTES      ((size_t)24)
#define TEXT_HEAD_BYTES ((size_t)64) /* at most: of a text's object */

/* Into a run: shorter ones never read the thread's clock. */
#define FIRST_LOOK_NS ((int64_t)100000)
#define UNSEEN_NS     ((int64_t)250000) /* the most that is charged for wall time nobody looked at */
#define GRACE_NS      GW_HOST_SLICE_NS  /* beyond the slice, for what can't give way */
#define LOOK_MIN_NS   ((int64_t)10000)

struct gw_host_call {
    lua_State *lua; /* NULL: to be made */
    int reference;
    struct gw_host_call *next_of_all;
    struct gw_host_call *next_idle;
    int status; /* of the function, once it has ended */
    bool has_begun;
    bool waits;
    enum gw_host_outcome killed; /* GW_HOST_OK: it isn't */
    char where[128];             /* file:line of the kill */
};

struct gw_host {
    lua_State *lua;
    struct gw_pool pool;
    size_t used;
    size_t state_bytes;
    bool dead;
    size_t settled;                                           /* of `used` */
    size_t suspended;                                         /* calls that gave way or wait */
    void (*on_line)(void *ctx, const char *source, int line); /* NULL: lines aren't watched */
    void *line_ctx;
    struct gw_host_call *all;
    struct gw_host_call *idle;
    /* while a call runs */
    struct gw_host_call *current; /* NULL: none does */
    struct gw_host_budget *budget;
    size_t limit;  /* of `used` */
    size_t denied; /* bytes last refused; 0: none since */
    bool is_due;   /* a C function found the slice over: the next instruction gives way */
    size_t steps;  /* charged since the last look */
    int64_t wall_began_ns;
    int64_t cpu_began_ns; /* -1: not read yet */
    int64_t look_at_ns;   /* wall time before which no limit can be reached */
};

static const char kill_token = 0;

static struct gw_host *host_of(lua_State *L)
{
    return *(struct gw_host **)lua_getextraspace(L);
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void on_count(lua_State *L, lua_Debug *record);

/* Instructions between two looks. One that compares two long texts takes 8 ns a byte (lua_strcoll, zero by zero). */
static int period_of(const struct gw_host *host)
{
    size_t longest = gw_pool_longest_text(&host->pool);
    if (host->denied > 0 || host->is_due || (host->current != NULL && host->current->killed != GW_HOST_OK))
        return 1;
    if (longest < ((size_t)128 << 10) / COUNT_PERIOD)
        return COUNT_PERIOD;
    return longest >= (size_t)128 << 10 ? 1 : (int)(((size_t)128 << 10) / longest);
}

static void arm(struct gw_host *host)
{
    lua_State *L = host->current->lua;
    int period = period_of(host);
    if (lua_gethookcount(L) != period || lua_gethook(L) == NULL)
        lua_sethook(L, on_count, LUA_MASKCOUNT | (host->on_line != NULL ? LUA_MASKLINE : 0), period);
}

static void note_where(struct gw_host_call *call, lua_State *L)
{
    lua_Debug frame;
    for (int level = 0; level < 8 && lua_getstack(L, level, &frame) == 1; level++) {
        if (lua_getinfo(L, "Sl", &frame) != 0 && frame.currentline > 0) {
            snprintf(call->where, sizeof call->where, "%s:%d: ", frame.short_src, frame.currentline);
            return;
        }
    }
}

/* From a hook it returns, and so must the hook, at once; from a C function it doesn't. The token is a value that no
 * script makes: pcall lets it through, and the armed hook raises it again. */
static void kill_call(lua_State *L, enum gw_host_outcome outcome)
{
    struct gw_host *host = host_of(L);
    struct gw_host_call *call = host->current;
    if (call->killed == GW_HOST_OK) {
        call->killed = outcome;
        host->dead = true;
        note_where(call, L);
    }
    arm(host);
    if (lua_isyieldable(L)) {
        (void)lua_yield(L, 0);
        return;
    }
    lua_pushlightuserdata(L, (void *)&kill_token);
    lua_error(L);
}

/* Processor time since the run began. What was before the first look can only be guessed from wall time. */
static int64_t used_ns(struct gw_host *host, int64_t wall_ns)
{
    if (host->cpu_began_ns < 0)
        host->cpu_began_ns = read_clock(CLOCK_THREAD_CPUTIME_ID) - smaller(wall_ns - host->wall_began_ns, UNSEEN_NS);
    return read_clock(CLOCK_THREAD_CPUTIME_ID) - host->cpu_began_ns;
}

enum look {
    LOOK_GO_ON,
    LOOK_GIVE_WAY, /* if it can */
    LOOK_LATE,     /* the slice is long over: stop what can't give way */
    LOOK_STOP,
};

static enum look look(struct gw_host *host)
{
    const struct gw_host_budget *budget = host->budget;
    int64_t wall_ns = read_clock(CLOCK_MONOTONIC);
    host->steps = 0;
    if (wall_ns < host->look_at_ns)
        return LOOK_GO_ON;
    int64_t used = used_ns(host, wall_ns);
    int64_t left = budget->cpu_ns - used;
    if (left < 0)
        return LOOK_STOP;
    if (budget->slice_ns > 0)
        left = smaller(left, budget->slice_ns - used);
    host->look_at_ns = wall_ns + (left < LOOK_MIN_NS ? LOOK_MIN_NS : left);
    if (budget->slice_ns == 0 || used < budget->slice_ns)
        return LOOK_GO_ON;
    return used < budget->slice_ns + GRACE_NS ? LOOK_GIVE_WAY : LOOK_LATE;
}

static void tell_line(const struct gw_host *host, lua_State *L, lua_Debug *record)
{
    if (lua_getinfo(L, "S", record) != 0)
        host->on_line(host->line_ctx, record->source, record->currentline);
}

static void on_count(lua_State *L, lua_Debug *record)
{
    struct gw_host *host = host_of(L);
    if (record->event == LUA_HOOKLINE) {
        tell_line(host, L, record);
        return;
    }
    if (host->current->killed != GW_HOST_OK || host->denied > 0) {
        kill_call(L, GW_HOST_OUT_OF_MEMORY);
        return;
    }
    enum look what = host->is_due ? LOOK_GIVE_WAY : look(host);
    bool can_yield = lua_isyieldable(L) != 0;
    host->is_due = false;
    arm(host);
    if (what == LOOK_STOP || (what == LOOK_LATE && !can_yield))
        kill_call(L, GW_HOST_OUT_OF_BUDGET);
    else if (what != LOOK_GO_ON && can_yield)
        (void)lua_yield(L, 0);
}

/* A refusal arms the hook: Lua collects all garbage and asks once more, and gives up if that is refused too. */
static void deny(struct gw_host *host, size_t more)
{
    if (host->current == NULL)
        return;
    host->denied = more;
    host->look_at_ns = 0;
    arm(host);
}

/* The part of a table that holds names, by its size: Lua's nodes are 24 bytes and come in powers of two. */
static bool is_large_table(size_t size)
{
    size_t names = size / NODE_BYTES;
    return names > GW_HOST_NAMES_MAX && names * NODE_BYTES == size && (names & (names - 1)) == 0;
}

static bool may_be_made(const struct gw_host *host, int kind, size_t size)
{
    if (kind == LUA_TSTRING)
        return size <= GW_HOST_TEXT_MAX + TEXT_HEAD_BYTES;
    return kind != LUA_TNIL || host->budget->large_tables || !is_large_table(size);
}

/* `kind`: of a fresh object, LUA_TNIL for its parts; LUA_TNONE: a piece that grows. */
static bool may_grow(struct gw_host *host, size_t more, int kind)
{
    if (host->current == NULL)
        return true;
    /* Free pieces of the wrong sizes fill slabs too: time for a new state. */
    if (more > host->limit || host->used > host->limit - more || host->pool.slab_bytes > host->state_bytes ||
        !may_be_made(host, kind, more)) {
        deny(host, more);
        return false;
    }
    if (host->denied == more)
        host->denied = 0;
    return true;
}

/* Lua relies on shrinking never failing. */
static void *allocate(void *ctx, void *old, size_t old_size, size_t new_size)
{
    struct gw_host *host = ctx;
    int kind = old == NULL ? (int)old_size : LUA_TNONE;
    void *fresh;
    if (old == NULL)
        old_size = 0;
    if (new_size > old_size && !may_grow(host, new_size - old_size, kind))
        return NULL;
    if (kind == LUA_TSTRING && new_size >= GW_POOL_LONG) {
        fresh = gw_pool_take_text(&host->pool, new_size);
        if (host->current != NULL)
            arm(host);
    } else {
        fresh = gw_pool_resize(&host->pool, old, old_size, new_size);
    }
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
    host->lua = lua_newstate(allocate, host);
    if (host->lua == NULL)
        gw_fatal("script: out of memory");
    *(struct gw_host **)lua_getextraspace(host->lua) = host;
    lua_atpanic(host->lua, on_panic);
    lua_gc(host->lua, LUA_GCINC, 0, 0, 0);
    return host;
}

void gw_host_watch_lines(struct gw_host *host, void (*on_line)(void *ctx, const char *source, int line), void *ctx)
{
    host->on_line = on_line;
    host->line_ctx = ctx;
}

/* Closing runs nothing of a script's: the main thread has no variables of theirs, and other threads are freed only. */
void gw_host_free(struct gw_host **host)
{
    struct gw_host *old = *host;
    *host = NULL;
    if (old == NULL)
        return;
    lua_close(old->lua);
    gw_pool_fini(&old->pool);
    while (old->all != NULL) {
        struct gw_host_call *next = old->all->next_of_all;
        free(old->all);
        old->all = next;
    }
    free(old);
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

/* The bottom of every call: errors close the script's variables here, where the hook still fires. */
static int body_done(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    host_of(L)->current->status = status == LUA_YIELD ? LUA_OK : status;
    return lua_gettop(L) > 0 ? 1 : 0;
}

static int l_body(lua_State *L)
{
    return body_done(L, lua_pcallk(L, 1, 0, 0, 0, body_done), 0);
}

static struct gw_host_call *take_call(struct gw_host *host)
{
    struct gw_host_call *call = host->idle;
    if (call != NULL) {
        host->idle = call->next_idle;
    } else {
        call = gw_alloc_zero(1, sizeof *call);
        call->next_of_all = host->all;
        host->all = call;
    }
    if (call->lua == NULL) {
        call->lua = lua_newthread(host->lua);
        call->reference = luaL_ref(host->lua, LUA_REGISTRYINDEX);
    }
    call->has_begun = false;
    call->killed = GW_HOST_OK;
    call->where[0] = '\0';
    return call;
}

/* Its coroutine serves the next call if it came to its end. */
static void put_back(struct gw_host *host, struct gw_host_call *call, bool reusable)
{
    if (!reusable) {
        luaL_unref(host->lua, LUA_REGISTRYINDEX, call->reference);
        call->lua = NULL;
    }
    call->next_idle = host->idle;
    host->idle = call;
}

static enum gw_host_outcome tell_killed(enum gw_host_outcome killed, const char *where, struct gw_err *err)
{
    (void)gw_fail(err, GW_E_SCRIPT,
                  killed == GW_HOST_OUT_OF_MEMORY ? "%sneeds more memory than it may have" : "%sran longer than it may",
                  where);
    return killed;
}

/* How a call that won't go on ended; an error object is on top. */
static enum gw_host_outcome tell(struct gw_host *host, struct gw_host_call *call, int status, struct gw_err *err)
{
    lua_State *L = call->lua;
    if (call->killed == GW_HOST_OK && status == LUA_OK)
        return GW_HOST_OK;
    if (call->killed == GW_HOST_OK && is_memory_error(L, status))
        call->killed = GW_HOST_OUT_OF_MEMORY;
    if (call->killed != GW_HOST_OK) {
        host->dead = true;
        return tell_killed(call->killed, call->where, err);
    }
    if (lua_type(L, -1) == LUA_TSTRING)
        (void)gw_fail(err, GW_E_SCRIPT, "%s", lua_tostring(L, -1));
    else
        (void)gw_fail(err, GW_E_SCRIPT, "raised a %s instead of a text", luaL_typename(L, -1));
    return GW_HOST_RAISED;
}

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A go that collected garbage of earlier ones has their memory back. */
static void settle_memory(struct gw_host_budget *budget, size_t before, size_t after)
{
    size_t taken = after > before ? at_most(after - before, budget->memory) : 0;
    size_t given = before > after ? at_most(before - after, budget->grown) : 0;
    budget->memory = budget->memory - taken + given;
    budget->grown = budget->grown + taken - given;
}

static int resume(struct gw_host *host, struct gw_host_call *call, int arguments, struct gw_host_budget *budget)
{
    size_t before = host->used;
    int results;
    host->budget = budget;
    host->limit = limit_of(host, budget->memory);
    host->steps = 0;
    host->denied = 0;
    host->is_due = false;
    host->wall_began_ns = read_clock(CLOCK_MONOTONIC);
    host->cpu_began_ns = call->has_begun ? read_clock(CLOCK_THREAD_CPUTIME_ID) : -1;
    host->look_at_ns = host->wall_began_ns + FIRST_LOOK_NS;
    host->current = call;
    call->waits = false;
    call->has_begun = true;
    arm(host);
    int status = lua_resume(call->lua, host->lua, arguments, &results);
    host->current = NULL;
    if (host->cpu_began_ns < 0)
        budget->cpu_ns -= smaller(read_clock(CLOCK_MONOTONIC) - host->wall_began_ns, UNSEEN_NS);
    else
        budget->cpu_ns -= read_clock(CLOCK_THREAD_CPUTIME_ID) - host->cpu_began_ns;
    settle_memory(budget, before, host->used);
    return status;
}

/* Runs it, and clears `*call` unless it will go on. */
static enum gw_host_outcome go(struct gw_host *host, struct gw_host_call **call, int arguments,
                               struct gw_host_budget *budget, struct gw_err *err)
{
    struct gw_host_call *mine = *call;
    if (host->current != NULL)
        gw_fatal("script: a run inside a run");
    host->suspended -= mine->has_begun;
    int status = resume(host, mine, arguments, budget);
    if (status == LUA_YIELD && mine->killed == GW_HOST_OK) {
        host->suspended++;
        return mine->waits ? GW_HOST_WAITS : GW_HOST_GAVE_WAY;
    }
    *call = NULL;
    bool reusable = status == LUA_OK && mine->killed == GW_HOST_OK;
    enum gw_host_outcome outcome = tell(host, mine, status == LUA_OK ? mine->status : status, err);
    if (reusable)
        lua_settop(mine->lua, 0);
    put_back(host, mine, reusable);
    return outcome;
}

enum gw_host_outcome gw_host_begin(struct gw_host *host, lua_CFunction function, void *argument,
                                   struct gw_host_budget *budget, struct gw_host_call **call, struct gw_err *err)
{
    *call = take_call(host);
    lua_pushcfunction((*call)->lua, l_body);
    lua_pushcfunction((*call)->lua, function);
    lua_pushlightuserdata((*call)->lua, argument);
    return go(host, call, 2, budget, err);
}

enum gw_host_outcome gw_host_continue(struct gw_host *host, struct gw_host_budget *budget, struct gw_host_call **call,
                                      struct gw_err *err)
{
    return go(host, call, 0, budget, err);
}

void gw_host_drop(struct gw_host *host, struct gw_host_call **call)
{
    if (*call == NULL)
        return;
    host->suspended--;
    put_back(host, *call, false);
    *call = NULL;
}

enum gw_host_outcome gw_host_run(struct gw_host *host, lua_CFunction function, void *argument,
                                 struct gw_host_budget *budget, struct gw_err *err)
{
    struct gw_host_call *call;
    struct gw_host_budget whole = *budget;
    whole.slice_ns = 0;
    whole.may_wait = false;
    if (host->dead)
        return tell_killed(GW_HOST_OUT_OF_BUDGET, "", err);
    enum gw_host_outcome outcome = gw_host_begin(host, function, argument, &whole, &call, err);
    budget->cpu_ns = whole.cpu_ns;
    budget->memory = whole.memory;
    budget->grown = whole.grown;
    return outcome;
}

bool gw_host_is_dead(const struct gw_host *host)
{
    return host->dead;
}

size_t gw_host_bytes(const struct gw_host *host)
{
    return host->used + host->pool.slab_bytes;
}

void gw_host_settle(struct gw_host *host)
{
    host->settled = host->used;
}

bool gw_host_is_crowded(const struct gw_host *host)
{
    return host->suspended > 0 && host->settled < host->state_bytes &&
           host->used > host->settled + (host->state_bytes - host->settled) / 2;
}

void gw_host_unref(struct gw_host *host, int reference)
{
    luaL_unref(host->lua, LUA_REGISTRYINDEX, reference);
}

void gw_host_invoke(lua_State *L, int arguments, int results)
{
    lua_call(L, arguments, results);
}

void gw_host_invoke_then(lua_State *L, int arguments, int results, lua_KContext ctx, lua_KFunction then)
{
    lua_callk(L, arguments, results, ctx, then);
}

int gw_host_wait(lua_State *L, lua_KContext ctx, lua_KFunction then)
{
    struct gw_host *host = host_of(L);
    if (!host->budget->may_wait)
        return luaL_error(L, "nothing can be waited for here");
    if (!lua_isyieldable(L))
        return luaL_error(L,
                          "nothing can be waited for inside a function that sort, gsub, require or a metamethod calls");
    host->current->waits = true;
    return lua_yieldk(L, 0, ctx, then);
}

void gw_host_charge(lua_State *L, size_t steps)
{
    struct gw_host *host = host_of(L);
    host->steps += steps > GW_HOST_STEPS_AT_ONCE ? GW_HOST_STEPS_AT_ONCE + 1 : steps;
    if (host->steps < STEPS_PER_LOOK)
        return;
    enum look what = host->steps > GW_HOST_STEPS_AT_ONCE ? LOOK_STOP : look(host);
    if (what == LOOK_STOP || what == LOOK_LATE)
        kill_call(L, GW_HOST_OUT_OF_BUDGET);
    if (what != LOOK_GIVE_WAY)
        return;
    host->is_due = true;
    arm(host);
}

void gw_host_excuse(lua_State *L, void (*work)(void *ctx), void *ctx)
{
    struct gw_host *host = host_of(L);
    int64_t began_ns = read_clock(CLOCK_THREAD_CPUTIME_ID);
    work(ctx);
    host->budget->cpu_ns += read_clock(CLOCK_THREAD_CPUTIME_ID) - began_ns;
}

static int finish_pcall(lua_State *L, int status, lua_KContext ctx)
{
    struct gw_host *host = host_of(L);
    (void)ctx;
    if (host->current->killed != GW_HOST_OK)
        kill_call(L, host->current->killed);
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L);
    if (is_memory_error(L, status))
        kill_call(L, GW_HOST_OUT_OF_MEMORY);
    lua_pushboolean(L, 0);
    lua_pushvalue(L, -2);
    return 2;
}

int gw_host_l_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    return finish_pcall(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_pcall), 0);
}
