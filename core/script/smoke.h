/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_SMOKE_H
#define GW_SCRIPT_SMOKE_H

/*
 * Whether a set that loads can answer at all: it is asked about two requests that
 * nobody has sent, in an instance of its own, before any request of somebody meets
 * it.
 *
 *   CreateAccessEntry   authorize, username, tags, conflict, audit
 *   DescribeCluster     authorize, audit
 *
 * Whatever it decides is good; a hook that raises, spends its budget or answers
 * nonsense is not. A refusal ends the request as it would in life. What an endpoint
 * would say isn't known here: a hook that asks one ends it too, if there is such a one.
 */

#include "script/hooks.h"

/* Where the requests are from. */
struct gw_smoke_place {
    struct gw_str partition;
    struct gw_str account; /* {NULL,0}: any */
    struct gw_str region;
    int64_t now_s;
    bool (*has_endpoint)(const void *ctx, struct gw_str name); /* NULL: whatever a hook asks is there */
    const void *ctx;
};

/* GW_E_SCRIPT: err says which request, policy and hook, file and line, and why. */
GW_NODISCARD enum gw_status gw_smoke_ask(struct gw_script_set *set, const struct gw_smoke_place *place,
                                         struct gw_err *err);

#endif
