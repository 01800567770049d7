/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_HOST_H
#define GW_SCRIPT_HOST_H

/*
 * A Lua state with a lid on it. Everything that may raise runs behind
 * gw_host_run, the project's only protected call, under a budget of steps,
 * memory and processor time. A call that spends its budget is killed: no pcall
 * of a script outlives that, and the state is not used again.
 *
 * A step is one VM instruction, 64 bytes of fresh memory, or what a C function
 * charges for its own loops. One thread at a time.
 */

#include <lauxlib.h>
#include <lua.h>

#include "base/str.h"

enum gw_host_outcome {
    GW_HOST_OK,
    GW_HOST_RAISED,        /* an error of the script's; err has its text, with file and line where Lua knows them */
    GW_HOST_OUT_OF_BUDGET, /* killed: steps or processor time; the state is dead */
    GW_HOST_OUT_OF_MEMORY, /* killed: growth or the state's size; the state is dead */
};

/* What is left; one per request, shared by all of its calls. */
struct gw_host_budget {
    int64_t steps;
    size_t memory;  /* bytes by which the state may still grow */
    int64_t cpu_ns; /* looked at only by calls that run long enough to meet the count hook */
    bool begun;
};

struct gw_host;

/* new: an empty state that never holds more than `state_bytes`; no library is open. */
struct gw_host *gw_host_new(size_t state_bytes);
void gw_host_free(struct gw_host **host);

/* Calls function(L) with `argument` as light userdata at index 1, on an empty stack, and empties the stack afterwards.
 * Not from inside another run. A dead state answers GW_HOST_OUT_OF_BUDGET at once. */
enum gw_host_outcome gw_host_run(struct gw_host *host, lua_CFunction function, void *argument,
                                 struct gw_host_budget *budget, struct gw_err *err);

/* True after a kill. */
bool gw_host_is_dead(const struct gw_host *host);

/* Drops a registry reference from outside a run; doesn't raise. */
void gw_host_unref(struct gw_host *host, int reference);

/* The rest is for C functions behind gw_host_run; all of it may raise. */

/* lua_call for C functions: callbacks of gsub and sort, hooks, chunks. */
void gw_host_invoke(lua_State *L, int arguments, int results);

/* Takes `steps` off the budget; kills the call when that was too much. */
void gw_host_charge(lua_State *L, size_t steps);

/* Steps left, for code that counts its own and charges them afterwards. */
int64_t gw_host_left(lua_State *L);

/* pcall as scripts see it: catches errors, not kills. */
int gw_host_l_pcall(lua_State *L);

#endif
