/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_HOOKS_H
#define GW_SCRIPT_HOOKS_H

/*
 * Policies: Lua files behind the questions of gateway/policy.h. Sources are read
 * and compiled once into an immutable set that is checked as a whole; each worker
 * makes its own Lua state from it. A reload makes a new set; a bad one never
 * replaces a good one.
 */

#include "gateway/policy.h"

struct gw_script_watch; /* script/watch.h */

struct gw_script_options {
    const struct gw_str *files; /* policy files in order, absolute or relative to the current directory */
    size_t file_count;
    const char *library;                /* folder that holds eksgate/ (the runtime library), e.g. ".../lua" */
    bool default_allow;                 /* default_verdict = "allow" */
    uint64_t cpu_ms;                    /* budget per request, processor time of all hooks of all policies together */
    size_t memory_bytes;                /* growth per request, 1 MiB */
    size_t state_bytes;                 /* per Lua state, 8 MiB */
    const struct gw_str *known_members; /* every input member name of any operation: another name raises */
    size_t known_member_count;
    const struct gw_str *known_operations; /* an `on` that names another operation is an error at load */
    size_t known_operation_count;
    bool allow_faults;                 /* false: a policy with a `fault` hook is an error at load */
    bool is_pass_through;              /* auth = "upstream": nothing may change a request, and nothing can be asked */
    const struct gw_str *known_errors; /* the exceptions that a fault may be */
    size_t known_error_count;
    const struct gw_script_watch *watch; /* borrowed; NULL: nobody looks on */
};

/* Sources and options; shared by all workers, immutable, reference counted. */
struct gw_script_set;

/* new: reads every file and tries it in a throw-away state (loads, returns a policy table of the right shape). err
 * names file and line. At most 64 policies, 1 MiB each. Zero files give an empty set. */
GW_NODISCARD enum gw_status gw_script_set_load(const struct gw_script_options *options, struct gw_script_set **set,
                                               struct gw_err *err);
/* Any thread. free drops one reference. */
struct gw_script_set *gw_script_set_hold(struct gw_script_set *set);
void gw_script_set_free(struct gw_script_set **set);
size_t gw_script_set_count(const struct gw_script_set *set);

/* One worker's instance: a Lua state of its own (none when the set is empty). */
struct gw_script;

/* new: holds the set. `counters` and `services` are borrowed. */
GW_NODISCARD enum gw_status gw_script_new(struct gw_script_set *set, struct gw_policy_counters *counters,
                                          const struct gw_policy_services *services, struct gw_script **script,
                                          struct gw_err *err);
void gw_script_free(struct gw_script **script);

/* borrows: the questions, answered by this instance. */
const struct gw_policy_hooks *gw_script_hooks(struct gw_script *script);

#endif
