/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_SPEC_INNER_H
#define GW_SCRIPT_SPEC_INNER_H

/*
 * What the files of spec_*.c share: one run of spec files. A spec has a state of its
 * own, each set of policies that it loads another; values pass between them by copy.
 */

#include "script/bind.h"
#include "script/set.h"
#include "script/spec.h"
#include "script/watch.h"

#define GW_SPEC_PATH_MAX 4096

/* Policies that were loaded together. */
struct gw_spec_slot {
    struct gw_spec_slot *next;
    char *key;
    struct gw_script_set *set;
    struct gw_script *script;
    struct gw_policy_counters counters;
};

/* Samples of one hook of one policy. */
struct gw_spec_samples {
    char *policy;
    enum gw_policy_hook hook;
    size_t calls;
    size_t capacity;
    int64_t *cpu_ns;
    size_t *memory; /* as many */
};

/* The lines of one file. */
struct gw_spec_lines {
    struct gw_spec_lines *next;
    char *path;
    size_t count;
    unsigned char *code; /* a byte per line, from 0; 1: it holds code */
    unsigned char *run;
    unsigned *missed;
};

/* The hook call that is under way. */
struct gw_spec_ask {
    struct gw_policy_request request;
    struct gw_policy_call call;
    const struct gw_policy_hooks *hooks; /* NULL: none is under way */
    const struct gw_json *record;
    bool has_answer;
    struct gw_json answer; /* as the hook gave it */
    char why[512];         /* of a failure */
    const struct gw_policy_fetch *fetch;
    struct gw_policy_fetched *fetched;
};

struct gw_spec {
    struct gw_spec_options options;
    int64_t began_cpu_ns;
    struct gw_script_options script; /* of single policies: default_allow, watch */
    struct gw_script_watch watch;
    struct gw_policy_services services;

    /* one spec file */
    const char *path;
    struct gw_sources sources;
    struct gw_modules modules;
    struct gw_sandbox sandbox;
    struct gw_host *host;
    int runner; /* registry references in its state */
    int replies;
    struct gw_spec_slot *slots;

    /* one hook call */
    struct gw_arena arena;
    struct gw_spec_ask ask;
    char failed_at[GW_SPEC_PATH_MAX]; /* the spec's line that called a hook which failed, and what it raised */
    char failed_why[512];

    /* the costs */
    struct gw_spec_samples *samples;
    size_t sample_count;
    struct gw_spec_samples *current;
    int64_t began_ns;
    int64_t spent_ns; /* before a wait */
    size_t began_bytes;
    struct gw_spec_cost *costs;

    /* the coverage */
    struct gw_spec_lines *lines;
    struct gw_spec_lines *covered; /* the last one that was looked for */
    struct gw_spec_coverage *coverage;
};

/* spec_native.c: makes the table of what the Lua side works with, which gw_spec_native_push (bind.h) pushes. */
void gw_spec_native_open(lua_State *L, struct gw_spec *spec);

/* "FILE:LINE" of the innermost frame that isn't of the runner; pushes nil where there is none. */
void gw_spec_push_where(lua_State *L, const struct gw_spec *spec);

/* spec_request.c: arena: the table at `index` (absolute) as a request; nil is an empty one. Raises. */
void gw_spec_read_request(lua_State *L, int index, const struct gw_script_options *options, struct gw_arena *arena,
                          struct gw_policy_request *request);
/* arena: any value as JSON; raises with a path that begins with `root`. */
void gw_spec_read_json(lua_State *L, int index, const char *root, struct gw_arena *arena, struct gw_json *value);

/* spec_slot.c: policies of a spec file. Slots live until the file ends. */
/* borrows: the slot of these policies; loads them when they are new. Raises. */
struct gw_spec_slot *gw_spec_slot_of(lua_State *L, struct gw_spec *spec, const struct gw_str *paths, size_t count,
                                     bool default_allow);
/* The same for one policy, always in a new state; nothing has been counted yet. */
struct gw_spec_slot *gw_spec_slot_anew(lua_State *L, struct gw_spec *spec, struct gw_str path);
void gw_spec_free_slots(struct gw_spec *spec);
/* What policies have counted so far. */
void gw_spec_forget_counts(struct gw_spec *spec);

/* spec_ask.c */
/* policy.HOOK(argument): upvalues are the slot and the hook. */
int gw_spec_l_hook(lua_State *L);
/* ask(paths, request, default_verdict) */
int gw_spec_l_ask(lua_State *L);
/* Ends the hook call that is under way, if one is. */
void gw_spec_end_ask(struct gw_spec *spec);
void gw_spec_watch_init(struct gw_spec *spec);

/* spec_cost.c */
void gw_spec_cost_begin(struct gw_spec *spec, lua_State *L, struct gw_str policy, enum gw_policy_hook hook);
void gw_spec_cost_pause(struct gw_spec *spec);
void gw_spec_cost_go_on(struct gw_spec *spec);
/* L is NULL where the state isn't to be looked at any more. */
void gw_spec_cost_end(struct gw_spec *spec, lua_State *L);
void gw_spec_cost_fini(struct gw_spec *spec);

/* spec_cover.c: behind gw_spec_watch_init. */
void gw_spec_cover_init(struct gw_spec *spec);
/* From here on lines of the set's files count. */
void gw_spec_cover(struct gw_spec *spec, const struct gw_script_set *set);
void gw_spec_cover_fini(struct gw_spec *spec);

#endif
