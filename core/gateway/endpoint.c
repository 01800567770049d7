/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoint's template, and the Host field of what is sent there.
 */
#include "gateway/endpoint.h"

#include "base/buf.h"

struct gw_str gw_endpoint_fill_in(struct gw_str template, const struct gw_endpoint_place *place, struct gw_arena *arena)
{
    static const struct gw_str region = GW_STR_INIT("{region}");
    static const struct gw_str account = GW_STR_INIT("{account}");
    struct gw_buf text;
    struct gw_str filled;

    gw_buf_init(&text, GW_ENDPOINT_URL_MAX);
    while (template.length > 0) {
        if (gw_str_starts(template, region)) {
            gw_buf_append_str(&text, place->region);
            template = gw_str_slice(template, region.length, template.length);
        } else if (gw_str_starts(template, account)) {
            gw_buf_append_str(&text, place->account);
            template = gw_str_slice(template, account.length, template.length);
        } else {
            gw_buf_append_byte(&text, template.at[0]);
            template = gw_str_slice(template, 1, template.length);
        }
    }
    filled = text.overflowed ? GW_STR_NONE : gw_arena_str(arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return filled;
}

struct gw_str gw_endpoint_host(const struct gw_upstream_target *target, struct gw_arena *arena)
{
    bool is_v6 = memchr(target->host.at, ':', target->host.length) != NULL;
    struct gw_str host = is_v6 ? gw_arena_printf(arena, "[%.*s]", GW_STR_ARG(target->host)) : target->host;

    if (target->port == (target->is_tls ? 443 : 80))
        return host;
    return gw_arena_printf(arena, "%.*s:%u", GW_STR_ARG(host), target->port);
}
