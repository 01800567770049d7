/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_SANDBOX_H
#define GW_SCRIPT_SANDBOX_H

/*
 * What a script finds around it: a base of reviewed functions that nobody can
 * change, and per policy an environment of its own in front of it. The functions
 * run behind gw_host_run and may raise.
 */

#include "gateway/policy.h"
#include "script/host.h"
#include "script/source.h"

/* What the functions of a state work with. Lives as long as the state; who runs a hook fills the second part before. */
struct gw_sandbox {
    void *ctx;
    void (*print)(void *ctx, enum gw_log_level level, struct gw_str text);
    const struct gw_policy_services *services; /* NULL: none */

    struct gw_sources *sources; /* of the policy that is being loaded; NULL: none is */
    struct gw_str folder;       /* its own */

    struct gw_policy_call *call; /* whose hook runs; NULL: policies are being loaded */
    struct gw_str policy;        /* its name */
    enum gw_policy_hook hook;
};

/* borrows: that of the state. */
struct gw_sandbox *gw_sandbox_of(lua_State *L);

/* Builds the base in a fresh state. Borrows `sandbox`. */
void gw_sandbox_open(lua_State *L, struct gw_sandbox *sandbox);

/* Pushes a new environment: reads fall through to the base, unknown names and writes raise. */
void gw_sandbox_push_env(lua_State *L);

/* Replaces the table on top by a read-only view of it. */
void gw_sandbox_freeze(lua_State *L, const char *name);

#endif
