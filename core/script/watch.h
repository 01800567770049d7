/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_WATCH_H
#define GW_SCRIPT_WATCH_H

/*
 * For those who look on while policies are asked: eksgate test. Called on the
 * thread that asks, in the midst of it: what is given is valid during the call,
 * and nothing may be asked from inside.
 */

#include "gateway/policy.h"

struct lua_State;

struct gw_script_watch {
    void *ctx;
    /* A hook is about to be called. */
    void (*on_call)(void *ctx, struct lua_State *L, struct gw_str policy, enum gw_policy_hook hook);
    /* It answered, and the answer, which is on top of the stack, is a good one. May raise. */
    void (*on_answer)(void *ctx, struct lua_State *L);
    /* A line is about to run; `source` as Lua calls it, '@' and the path of a file. NULL: lines aren't watched, which
     * costs nothing. Must not raise. */
    void (*on_line)(void *ctx, const char *source, int line);
    /* It failed; takes the place of the line in the log. */
    void (*on_failure)(void *ctx, struct gw_str policy, enum gw_policy_hook hook, const char *why);
};

#endif
