/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The role that stands for a caller: what the configuration says, with the
 * request's account and the caller's name put in.
 */
#include "codec/sts.h"
#include "upstream/credentials.h"
#include "upstream/template.h"

static struct gw_str name_for(struct gw_str wanted, struct gw_str caller, struct gw_arena *arena)
{
    char name[GW_STS_NAME_MAX + 1];
    size_t length;

    if (!gw_str_is(wanted, "caller"))
        return wanted;
    length = gw_sts_name_of(caller, name);
    return gw_arena_str(arena, (struct gw_str){name, length});
}

struct gw_credentials_role gw_credentials_role_of(const struct gw_credentials_role_options *options,
                                                  struct gw_str caller, struct gw_str account, struct gw_str region,
                                                  struct gw_arena *arena)
{
    const struct gw_template_place place = {.account = account};

    return (struct gw_credentials_role){
        .arn = gw_template_fill_in(options->arn, &place, arena),
        .session_name = name_for(options->session_name, caller, arena),
        .source_identity = name_for(options->source_identity, caller, arena),
        .region = region,
    };
}
