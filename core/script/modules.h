/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_MODULES_H
#define GW_SCRIPT_MODULES_H

/*
 * Running Lua files inside the sandbox, and require: "eksgate.NAME" is a file of
 * the runtime library, shared by the state's policies and read-only; any other
 * name is a file below the policy's own folder, and the policy's own copy.
 * Functions run behind gw_host_run and may raise.
 */

#include "script/host.h"
#include "script/source.h"

struct gw_modules {
    struct gw_sources *sources;
    const char *library; /* holds eksgate/ */
};

/* Makes the shared part; after gw_sandbox_open. Borrows `modules` for the state's life. */
void gw_modules_open(lua_State *L, const struct gw_modules *modules);

/* Pushes a new environment that can require files below the folder of `path`; NULL: of the library only. */
void gw_modules_push_env(lua_State *L, const struct gw_modules *modules, const char *path);

/* Runs a file in the environment at `env` (absolute); pushes its first result. */
void gw_modules_run(lua_State *L, const struct gw_source *source, int env);

/* Runs a file in a new environment that can require files below its own folder; pushes its first result. */
void gw_modules_run_policy(lua_State *L, const struct gw_modules *modules, const struct gw_source *source);

#endif
