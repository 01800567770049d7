/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_HOST_H
#define GW_SCRIPT_HOST_H

/*
 * A Lua state with a lid on it. Everything that may raise runs behind a call of
 * this file, the project's only protected ones, under a budget of processor time
 * and memory. A call is a coroutine of ours: it may give way to others when its
 * slice is over, and wait for something. One that spends its budget is killed: no
 * pcall of a script outlives that, its pending <close> variables aren't closed, and
 * the state takes no new calls. One thread at a time.
 */

#include <lauxlib.h>
#include <lua.h>

#include "base/str.h"

enum gw_host_outcome {
    GW_HOST_OK,
    GW_HOST_GAVE_WAY,      /* its slice is over */
    GW_HOST_WAITS,         /* gw_host_wait: worth continuing when something has happened */
    GW_HOST_RAISED,        /* an error of the script's; err has its text, with file and line where Lua knows them */
    GW_HOST_OUT_OF_BUDGET, /* killed: processor time, or it couldn't give way; the state is dead */
    GW_HOST_OUT_OF_MEMORY, /* killed: growth or the state's size; the state is dead */
};

#define GW_HOST_SLICE_NS ((int64_t)1000000)

/* The longest text that a script can make: what one instruction or one function does to a text ends in milliseconds. */
#define GW_HOST_TEXT_MAX ((size_t)512 << 10)

/* Names (keys beyond 1..n) of one table: keys chosen so that they collide make Lua's growing of it quadratic. */
#define GW_HOST_NAMES_MAX 4096

/* What is left; one per request, shared by all of its calls. */
struct gw_host_budget {
    int64_t cpu_ns;   /* of the thread: a machine that stands still costs nothing */
    size_t memory;    /* bytes by which the state may still grow */
    size_t grown;     /* bytes that it grew by; what is collected comes off again */
    int64_t slice_ns; /* processor time up to giving way; 0: runs on in one go */
    bool may_wait;
    bool large_tables; /* with more than GW_HOST_NAMES_MAX names: for what runs before requests are served */
};

struct gw_host;
struct gw_host_call;

/* new: an empty state that never holds more than `state_bytes`; no library is open. */
struct gw_host *gw_host_new(size_t state_bytes);
/* Calls that gave way or wait end with it. */
void gw_host_free(struct gw_host **host);

/* From the next run on `on_line` is told of every line that a call runs; `source` as Lua calls it, '@' and a file's
 * path. It must not raise. Every instruction takes longer so. */
void gw_host_watch_lines(struct gw_host *host, void (*on_line)(void *ctx, const char *source, int line), void *ctx);

/* Calls function(L) with `argument` as light userdata at index 1, on an empty stack, to the end: the budget's slice and
 * may_wait aren't looked at. Not from inside another run. A dead state answers GW_HOST_OUT_OF_BUDGET at once. */
enum gw_host_outcome gw_host_run(struct gw_host *host, lua_CFunction function, void *argument,
                                 struct gw_host_budget *budget, struct gw_err *err);

/* The same for one that may give way or wait: GW_HOST_GAVE_WAY and GW_HOST_WAITS set `call`, everything else ends it.
 * A dead state takes it all the same: who began on it may go on. */
enum gw_host_outcome gw_host_begin(struct gw_host *host, lua_CFunction function, void *argument,
                                   struct gw_host_budget *budget, struct gw_host_call **call, struct gw_err *err);
/* Goes on; clears `call` when that was the end. */
enum gw_host_outcome gw_host_continue(struct gw_host *host, struct gw_host_budget *budget, struct gw_host_call **call,
                                      struct gw_err *err);
/* It never goes on. Accepts NULL, clears. */
void gw_host_drop(struct gw_host *host, struct gw_host_call **call);

/* True after a kill. */
bool gw_host_is_dead(const struct gw_host *host);

/* What the state takes of the process's memory, about: no less. */
size_t gw_host_bytes(const struct gw_host *host);

/* True when calls that gave way or wait hold so much of it that one more might not have its share. What was there when
 * `gw_host_settle` was called doesn't count. */
bool gw_host_is_crowded(const struct gw_host *host);
void gw_host_settle(struct gw_host *host);

/* Drops a registry reference from outside a run; doesn't raise. */
void gw_host_unref(struct gw_host *host, int reference);

/* The rest is for C functions behind a run; all of it may raise. */

/* lua_call for C functions: callbacks of gsub and sort, chunks. What it calls can neither give way nor wait. */
void gw_host_invoke(lua_State *L, int arguments, int results);

/* lua_callk: what it calls can. Returns when it didn't; else `then` runs when it is done. */
void gw_host_invoke_then(lua_State *L, int arguments, int results, lua_KContext ctx, lua_KFunction then);

/* "return gw_host_wait(...)": the question answers that it waits, and `then` runs when it is asked again. Raises a text
 * for the script's author where nothing may wait. */
int gw_host_wait(lua_State *L, lua_KContext ctx, lua_KFunction then);

/* Steps that a function may take before it charges them, about a millisecond's worth: more at once kill. */
#define GW_HOST_STEPS_AT_ONCE 200000

/* For C functions that loop: every so many steps (of some nanoseconds) the clock is looked at; kills the call when its
 * time is over. */
void gw_host_charge(lua_State *L, size_t steps);

/* The processor time that work(ctx) takes isn't the script's: what C does once, while policies are being loaded. */
void gw_host_excuse(lua_State *L, void (*work)(void *ctx), void *ctx);

/* pcall as scripts see it: catches errors, not kills. */
int gw_host_l_pcall(lua_State *L);

#endif
