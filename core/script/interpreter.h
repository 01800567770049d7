/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_INTERPRETER_H
#define GW_SCRIPT_INTERPRETER_H

/*
 * Which Lua runs here, and whether it is one that the sandbox was reviewed for: the
 * shared library may be another than the headers that this was built with. Looked
 * at whenever policies are loaded, before any of them.
 *
 * 5.4.4 is the oldest that is taken, below 5.4.6 there is a warning. What base,
 * string, table, math and utf8 hold is compared with the list of all that Lua 5.4
 * ever had there: a name that nobody has reviewed refuses.
 */

#include <lua.h>

#include "base/str.h"

struct gw_interpreter {
    char release[24]; /* "5.4.4" */
    bool is_old;      /* below 5.4.6: to be told to the operator, with gw_interpreter_warning */
};

/* Says what is wrong with an old one, behind its release. */
extern const char gw_interpreter_warning[];

/* GW_E_SCRIPT: nothing runs on this one; err says why. Any thread. */
GW_NODISCARD enum gw_status gw_interpreter_check(struct gw_interpreter *found, struct gw_err *err);

/* The rest is the check's parts, for its test. */

/* What the sandbox makes of a name of Lua's. */
enum gw_interpreter_fate {
    GW_INTERPRETER_OFFERED,  /* as it is: it has to be there */
    GW_INTERPRETER_REPLACED, /* by a function of ours */
    GW_INTERPRETER_LEFT_OUT,
};

struct gw_interpreter_name {
    const char *library; /* "base", "string", ...; "string metatable" for what strings have */
    const char *name;
    enum gw_interpreter_fate fate;
};
extern const struct gw_interpreter_name gw_interpreter_names[];
extern const size_t gw_interpreter_name_count;

struct gw_interpreter_library {
    const char *name;
    lua_CFunction open; /* leaves its table on top */
};

/* What the interpreter says of itself. */
struct gw_interpreter_facts {
    const char *ident;    /* "$LuaVersion: Lua 5.4.4 ..."; NULL: it says nothing */
    bool has_closethread; /* lua_closethread came with 5.4.6 */
    int version;          /* of lua_version: 504 */
};

GW_NODISCARD enum gw_status gw_interpreter_judge(const struct gw_interpreter_facts *facts, struct gw_interpreter *found,
                                                 struct gw_err *err);
GW_NODISCARD enum gw_status gw_interpreter_compare(const struct gw_interpreter_library *libraries, size_t count,
                                                   struct gw_err *err);

#endif
