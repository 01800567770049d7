/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_ENDPOINT_H
#define GW_GATEWAY_ENDPOINT_H

/*
 * How what is sent to an endpoint names it.
 */

#include "base/arena.h"
#include "upstream/upstream.h"

/* arena: the Host field: with a port that isn't the scheme's own, and brackets around an IPv6 address. */
struct gw_str gw_endpoint_host(const struct gw_upstream_target *target, struct gw_arena *arena);

#endif
