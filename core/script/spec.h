/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_SPEC_H
#define GW_SCRIPT_SPEC_H

/*
 * Specs of policies, run without a gateway: busted's words in a sandboxed state of
 * their own, policies in the states that serve them, each hook under the budget of
 * a request. The spec of DIR/NAME.lua is DIR/NAME_spec.lua. Nothing is written, no
 * socket is opened. One thread per run; runs share nothing.
 */

#include "script/hooks.h"

enum gw_spec_outcome {
    GW_SPEC_PASSED,
    GW_SPEC_FAILED,  /* an assertion didn't hold */
    GW_SPEC_ERROR,   /* it raised, was killed, or the file can't be loaded */
    GW_SPEC_PENDING, /* it says itself that it isn't to be run */
};

/* One case; views are valid during the call that is told of it. */
struct gw_spec_case {
    struct gw_str file;
    struct gw_str name; /* with those of its blocks; "" where the file as a whole failed */
    enum gw_spec_outcome outcome;
    struct gw_str message; /* what was expected and got, why it is pending; may have several lines */
    struct gw_str where;   /* "FILE:LINE"; {NULL,0}: not known */
    int64_t wall_ns;
};

/* What was spent in one hook of one policy, over all calls. */
struct gw_spec_cost {
    struct gw_str policy;
    enum gw_policy_hook hook;
    size_t calls;
    int64_t cpu_ns; /* median, of the thread */
    int64_t cpu_max_ns;
    size_t memory; /* median growth of the state in bytes */
    size_t memory_max;
};

/* Which lines of one file were run. */
struct gw_spec_coverage {
    struct gw_str path;
    size_t lines;           /* that hold code */
    const unsigned *missed; /* those that weren't run, in order */
    size_t missed_count;
};

struct gw_spec_options {
    const struct gw_script_options *script; /* borrowed; `files` is left aside */
    const struct gw_sources *known;         /* borrowed: files that aren't read again; NULL: none */
    int64_t cpu_ns;       /* processor time of all cases of a run together; what is left then fails. 0: no end */
    struct gw_str filter; /* only cases with this in their name are run and told; {NULL,0}: all */
    bool coverage;        /* every line that a policy runs is looked at, which makes hooks slower */
    void *ctx;
    void (*on_case)(void *ctx, const struct gw_spec_case *one);
    void (*on_print)(void *ctx, struct gw_str who, struct gw_str text); /* print in a spec or policy */
};

struct gw_spec;

/* new: borrows what the options name. */
struct gw_spec *gw_spec_new(const struct gw_spec_options *options);
void gw_spec_free(struct gw_spec **spec);

/* Runs the cases of one file, in order; each is told to on_case. A file that can't be loaded is one case. */
void gw_spec_run(struct gw_spec *spec, const char *path);

/* borrows until the next run: by policy and hook. Returns their number. */
size_t gw_spec_costs(struct gw_spec *spec, const struct gw_spec_cost **costs);

/* borrows until the next run: of every policy that was loaded, and of what these required, by path. Returns their
 * number.
 */
size_t gw_spec_coverage(struct gw_spec *spec, const struct gw_spec_coverage **coverage);

/* Writes DIR/NAME_spec.lua for DIR/NAME.lua. False: it isn't such a name, or is too long. */
bool gw_spec_path_of(struct gw_str policy, char path[4096]);

struct gw_spec_totals {
    size_t passed;
    size_t failed; /* and raised */
    size_t pending;
    size_t without; /* policies that have no spec */
};

/* Runs the specs of a set's policies on the bytes that the set was loaded from, for 3 s of processor time: whoever
 * reloads waits for it, and 1,000 cases take a tenth of that. GW_E_SCRIPT: err says which case failed first, where,
 * and what was got. */
GW_NODISCARD enum gw_status gw_spec_self_test(const struct gw_script_set *set, struct gw_spec_totals *totals,
                                              struct gw_err *err);

#endif
