/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_SET_H
#define GW_SCRIPT_SET_H

/*
 * What hooks.h calls a set, from the inside: the sources and facts of a list of
 * policies, immutable once loaded, and the way to fill a fresh state from it.
 */

#include <stdatomic.h>

#include "script/hooks.h"
#include "script/host.h"
#include "script/modules.h"
#include "script/sandbox.h"

#define GW_SET_POLICIES_MAX 64

struct gw_set_policy {
    struct gw_str path;
    struct gw_str name;
    unsigned hooks;           /* bit per enum gw_policy_hook */
    int lines[GW_HOOK_COUNT]; /* where each hook begins; below 1: no line of a file */
    const struct gw_str *on;  /* none: every operation */
    size_t on_count;
    unsigned needs; /* bit mask of enum gw_fact */
};

struct gw_script_set {
    atomic_uint references;
    struct gw_arena arena;
    struct gw_script_options options; /* a copy */
    struct gw_sources sources;
    struct gw_modules modules;
    struct gw_set_policy policies[GW_SET_POLICIES_MAX];
    size_t count;
};

/* Registry references of one policy's hooks in one state; LUA_NOREF where it has none. */
struct gw_set_functions {
    int hooks[GW_HOOK_COUNT];
};

/* True when the policy has the hook and wants to be asked about the operation. */
bool gw_set_applies(const struct gw_set_policy *policy, enum gw_policy_hook hook, struct gw_str operation);

/* gw_script_set_load with files that aren't read again (NULL: none). */
GW_NODISCARD enum gw_status gw_set_load(const struct gw_script_options *options, const struct gw_sources *known,
                                        struct gw_script_set **set, struct gw_err *err);

/* Fills a fresh state: sandbox, then every policy in order; `functions` has room for set->count. GW_E_SCRIPT: err says
 * which file and line. */
GW_NODISCARD enum gw_status gw_set_open_state(struct gw_script_set *set, struct gw_host *host,
                                              struct gw_sandbox *sandbox, struct gw_set_functions *functions,
                                              struct gw_err *err);

#endif
