/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_ASK_H
#define GW_SCRIPT_ASK_H

/*
 * hooks.c from the inside: the instance, its Lua states, a request's conversation
 * with one of them, and the question that is being asked. A question that waits
 * keeps everything here, nothing on the C stack. One thread.
 */

#include "script/set.h"

struct gw_bind_view;

/* A Lua state with the set's policies in it; kept while a request that began on it lasts. */
struct gw_script_state {
    struct gw_host *host;
    size_t holders;
    struct gw_script_state *next_spoiled;
    struct gw_script_state **spoiled_link; /* what points to this one; NULL: it isn't among them */
    struct gw_set_functions functions[GW_SET_POLICIES_MAX];
};

struct gw_script {
    struct gw_script_set *set;
    struct gw_policy_counters *counters;
    const struct gw_policy_services *services;
    struct gw_policy_hooks hooks;
    struct gw_sandbox sandbox;
    struct gw_script_state *state;   /* for requests that begin; NULL: to be made */
    struct gw_script_state *spoiled; /* those that take no more, until the last request on them ends */
    unsigned needs;                  /* facts that the policy which runs declared */
};

/* One question. */
struct gw_ask {
    struct gw_script *script;
    struct gw_policy_call *call;
    struct gw_talk *talk;
    enum gw_policy_hook hook;
    bool allowed; /* some policy said allow */
    bool refused;
    bool in_policy; /* `current` is meant by a failure */
    size_t next;    /* the policy to ask next */
    size_t current; /* the one that was asked last */
    const struct gw_json *sent;
    struct gw_pair *tags;
    size_t tag_count;
    struct gw_str username;
    bool adopt;
    struct gw_fault fault;
    const struct gw_json *record;
    struct gw_bind_view *record_view;
    struct gw_json fields;
};

/* One request's part, behind call->state; in the call's arena. */
struct gw_talk {
    struct gw_host_budget budget;
    struct gw_script_state *state; /* held */
    struct gw_bind_view *view;     /* of the request; lives in the state */
    int reference;
    bool killed; /* nothing more runs for this request */
    struct gw_ask ask;
    struct gw_host_call *pending; /* of `ask`; NULL: nothing waits */
};

static inline void gw_ask_count(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* The answer is on top of the stack; true ends the question. Raises for nonsense. */
bool gw_ask_take(lua_State *L, struct gw_ask *ask);

#endif
