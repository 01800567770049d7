/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Host field of what is sent to an endpoint.
 */
#include "gateway/endpoint.h"

struct gw_str gw_endpoint_host(const struct gw_upstream_target *target, struct gw_arena *arena)
{
    bool is_v6 = memchr(target->host.at, ':', target->host.length) != NULL;
    struct gw_str host = is_v6 ? gw_arena_printf(arena, "[%.*s]", GW_STR_ARG(target->host)) : target->host;

    if (target->port == (target->is_tls ? 443 : 80))
        return host;
    return gw_arena_printf(arena, "%.*s:%u", GW_STR_ARG(host), target->port);
}
