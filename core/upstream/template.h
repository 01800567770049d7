/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_UPSTREAM_TEMPLATE_H
#define GW_UPSTREAM_TEMPLATE_H

/*
 * Settings that serve many regions and accounts: {region} and {account} in an
 * endpoint, in a role's ARN.
 */

#include "base/arena.h"

#define GW_TEMPLATE_MAX 2048 /* bytes, filled in */

/* {NULL,0}: there is none, and the gap stays as it is. */
struct gw_template_place {
    struct gw_str region;
    struct gw_str account;
};

/* Every {region} and {account} filled in: arena, or `template` itself where it has none. What is filled in isn't
 * looked at again. {NULL,0}: longer than GW_TEMPLATE_MAX. */
struct gw_str gw_template_fill_in(struct gw_str template, const struct gw_template_place *place,
                                  struct gw_arena *arena);

#endif
