/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_BIND_H
#define GW_SCRIPT_BIND_H

/*
 * The C functions that scripts see, by library. Each row says why a call of it
 * stays bounded; the rows are the whole list, sandbox.c adds only those of Lua's
 * own functions that it names. All of them run behind gw_host_run.
 */

#include "codec/json.h"
#include "gateway/policy.h"
#include "script/host.h"

struct gw_bind_entry {
    const char *name; /* NULL ends the list */
    lua_CFunction function;
    const char *bound;
};

extern const struct gw_bind_entry gw_bind_base_entries[];
extern const struct gw_bind_entry gw_bind_string_entries[];
extern const struct gw_bind_entry gw_bind_pattern_entries[]; /* of string */
extern const struct gw_bind_entry gw_bind_format_entries[];  /* of string */
extern const struct gw_bind_entry gw_bind_table_entries[];
extern const struct gw_bind_entry gw_bind_utf8_entries[];

/* A module of eksgate.* that is C: `push` makes its table, which is then read-only. */
struct gw_bind_module {
    const char *name; /* "eksgate.time"; NULL ends the list */
    void (*push)(lua_State *L);
};

void gw_spec_native_push(lua_State *L); /* spec_native.c: raises outside of a spec's state */

/* Looked at before the runtime library's files. */
extern const struct gw_bind_module gw_bind_modules[];

void gw_bind_cidr_push(lua_State *L);
void gw_bind_counter_push(lua_State *L);
void gw_bind_data_push(lua_State *L);
void gw_bind_glob_push(lua_State *L);
void gw_bind_http_push(lua_State *L);
void gw_bind_log_push(lua_State *L);
void gw_bind_time_push(lua_State *L);
void gw_bind_username_push(lua_State *L);

/* Pushes a table of the entries' functions. */
void gw_bind_push_entries(lua_State *L, const struct gw_bind_entry *entries);

/* Arguments by name, of the table at `index` (absolute). Metatables are ignored. check_names raises where there is a
 * name that isn't among `names`. `what` is the function as messages call it. */
void gw_bind_check_names(lua_State *L, int index, const char *what, const char *const *names, size_t count);
/* The whole number under `name`; raises where it is none, below `least` or above `most`. absent: what nil stands for;
 * below `least`: it must be there. */
lua_Integer gw_bind_integer_of(lua_State *L, int index, const char *what, const char *name, lua_Integer least,
                               lua_Integer most, lua_Integer absent);
/* The text under `name`, {NULL,0} for nil, left on the stack; raises for everything else. */
struct gw_str gw_bind_text_of(lua_State *L, int index, const char *what, const char *name);

/* How long the list at `index` (absolute) is: a table's raw length, or that of a view of eksgate.data. Raises for other
 * things, and where there are more than `most`. push_item pushes one of its items; metatables of tables are ignored. */
size_t gw_bind_list_length(lua_State *L, int index, const char *what, const char *items, size_t most);
void gw_bind_push_item(lua_State *L, int index, size_t number);

/* When the request that runs came, seconds since 1970; raises while policies are being loaded. */
int64_t gw_bind_now(lua_State *L, const char *what);

/* For an authorize hook that has returned: raises when an endpoint that it asked gave no answer. */
void gw_bind_http_check(lua_State *L, const struct gw_policy_call *call);

/* Raises when the table at `index` is one of the shared, read-only ones. */
void gw_bind_check_writable(lua_State *L, int index);

/* print(...): a line for the operator. */
int gw_bind_l_print(lua_State *L);

/* next(table, key) as scripts have it, charged. */
int gw_bind_l_next(lua_State *L);

/* What passing to the next key is charged with: how many free places lie in between can't be told beforehand. */
#define GW_BIND_NEXT_STEPS 250

/* Pushes what tostring gives: no addresses, so that a script can't tell one run from another. */
void gw_bind_push_text(lua_State *L, int index);

/* JSON values. push: a fresh value, null as nil, objects and arrays as tables. */
void gw_bind_json_push(lua_State *L, const struct gw_json *value);

struct gw_bind_json_limits {
    unsigned depth;  /* tables within tables */
    unsigned values; /* in total */
    size_t bytes;    /* of names and texts in total: a text that stands in many places is copied for each */
    bool views;      /* a view of the request, or of a part of it, is the table that pairs goes over */
    /* The one member of the value itself whose table may have items and names: an object that has the items as `files`.
     * NULL: none may. */
    const char *mixed;
};

/* arena: the value at `index` (absolute). Keys 1..n make an array, text keys an object (members sorted by name), no key
 * an empty object. Raises with the path of what doesn't fit, which begins with `root`. */
void gw_bind_json_read(lua_State *L, int index, const char *root, const struct gw_bind_json_limits *limits,
                       struct gw_arena *arena, struct gw_json *value);

#endif
