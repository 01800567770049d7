/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The role that stands for a caller: what the configuration says, with the
 * request's account and the caller's name put in.
 */
#include "codec/sts.h"
#include "upstream/credentials.h"

static struct gw_str name_for(struct gw_str wanted, struct gw_str caller, struct gw_arena *arena)
{
    char name[GW_STS_NAME_MAX + 1];
    size_t length;

    if (!gw_str_is(wanted, "caller"))
        return wanted;
    length = gw_sts_name_of(caller, name);
    return gw_arena_str(arena, (struct gw_str){name, length});
}

static struct gw_str fill_account(struct gw_str arn, struct gw_str account, struct gw_arena *arena)
{
    size_t at = gw_str_search(arn, GW_STR("{account}"));

    if (at == SIZE_MAX)
        return arn;
    return gw_arena_printf(arena, "%.*s%.*s%.*s", (int)at, arn.at, GW_STR_ARG(account),
                           GW_STR_ARG(gw_str_slice(arn, at + strlen("{account}"), SIZE_MAX)));
}

struct gw_credentials_role gw_credentials_role_of(const struct gw_credentials_role_options *options,
                                                  struct gw_str caller, struct gw_str account, struct gw_str region,
                                                  struct gw_arena *arena)
{
    return (struct gw_credentials_role){
        .arn = fill_account(options->arn, account, arena),
        .session_name = name_for(options->session_name, caller, arena),
        .source_identity = name_for(options->source_identity, caller, arena),
        .region = region,
    };
}
