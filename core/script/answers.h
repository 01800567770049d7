/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_ANSWERS_H
#define GW_SCRIPT_ANSWERS_H

/*
 * What hooks return, read as hostile input: raw fields, checked types, checked
 * sizes. The value is on top of the stack. Nonsense raises a text that begins
 * with file and line of the hook, whose registry reference is `function`.
 */

#include "gateway/policy.h"
#include "script/host.h"

#define GW_ANSWERS_REASON_MAX 512
#define GW_ANSWERS_RETRY_MAX  86400

struct gw_answers_verdict {
    enum gw_policy_verdict verdict; /* NONE: no opinion */
    struct gw_str reason;           /* arena: printable; {NULL,0}: none */
    unsigned retry_after_s;
};

void gw_answers_read_verdict(lua_State *L, int function, struct gw_arena *arena, struct gw_answers_verdict *verdict);

/* arena: {NULL,0} for nil. */
struct gw_str gw_answers_read_username(lua_State *L, int function, struct gw_arena *arena);

/* arena: at most GW_TAGS_MAX, sorted by key; none for nil. Returns their number. */
size_t gw_answers_read_tags(lua_State *L, int function, struct gw_arena *arena, struct gw_pair **tags);

/* False for nil. */
bool gw_answers_read_conflict(lua_State *L, int function);

/* arena: GW_FAULT_NONE for nil. `errors`: the exceptions that it may name; fault->error is one of them. */
void gw_answers_read_fault(lua_State *L, int function, const struct gw_str *errors, size_t error_count,
                           struct gw_arena *arena, struct gw_fault *fault);

/* arena: an object; false for nil and for an empty one. */
bool gw_answers_read_fields(lua_State *L, int function, struct gw_arena *arena, struct gw_json *fields);

/* Raises "FILE:LINE: TEXT" with the place of the hook. */
GW_NORETURN void gw_answers_refuse(lua_State *L, int function, const char *format, ...) GW_PRINTF(3, 4);

#endif
