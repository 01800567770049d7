/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_ENDPOINT_H
#define GW_GATEWAY_ENDPOINT_H

/*
 * Where a forwarded request goes: the setting `upstream.endpoint` with region and
 * account filled in.
 */

#include "base/arena.h"
#include "upstream/upstream.h"

#define GW_ENDPOINT_URL_MAX 512

struct gw_endpoint_place {
    struct gw_str region;
    struct gw_str account;
};

/* arena: a template with {region} and {account} filled in. {NULL,0}: longer than GW_ENDPOINT_URL_MAX. */
struct gw_str gw_endpoint_fill_in(struct gw_str template, const struct gw_endpoint_place *place,
                                  struct gw_arena *arena);

/* arena: the Host field: with a port that isn't the scheme's own, and brackets around an IPv6 address. */
struct gw_str gw_endpoint_host(const struct gw_upstream_target *target, struct gw_arena *arena);

#endif
