/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_BIND_REQUEST_H
#define GW_SCRIPT_BIND_REQUEST_H

/*
 * What hooks are handed: req with its principal, caller, input and facts, and the
 * record. All are read-only views over C memory, turned into Lua values where
 * they are read, and dead once cleared: a script that kept one gets an error.
 */

#include "gateway/policy.h"
#include "script/host.h"

struct gw_bind_view;

/* Makes the metatables of a fresh state. `members`: every input member name that isn't an error. */
void gw_bind_request_open(lua_State *L, const struct gw_str *members, size_t member_count);

/* Pushes a view. borrows: the result lives as long as the value pushed; keep a reference. `needs` holds the facts (bit
 * mask of enum gw_fact) that the policy which runs has declared, and is looked at whenever one is read. */
struct gw_bind_view *gw_bind_request_push(lua_State *L, const struct gw_policy_request *request, const unsigned *needs);
struct gw_bind_view *gw_bind_record_push(lua_State *L, const struct gw_json *record);

/* Ends it. Doesn't raise; also outside a run. */
void gw_bind_view_clear(struct gw_bind_view *view);

#endif
