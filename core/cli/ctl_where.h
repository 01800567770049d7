/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_CTL_WHERE_H
#define GW_CLI_CTL_WHERE_H

/*
 * Which admin listener eksgate ctl speaks to, and what token it shows:
 *
 *   address   --admin, else the setting `admin` (--set, $EKSGATE_ADMIN, file), else 127.0.0.1:9180
 *   token     --token-file, else $EKSGATE_ADMIN_TOKEN, else that of the configuration
 *
 * With --admin the configuration is looked at only where -c or --set name one: the
 * token of one gateway is not for another.
 */

#include "cli/args.h"
#include "cli/ctl_http.h"
#include "config/token.h"

struct gw_ctl_where {
    struct gw_ctl_address address;
    struct gw_config_token token; /* length 0: none. The caller wipes it */
};

struct gw_ctl_where_given {
    const struct gw_args_config *config;
    const char *admin;      /* --admin; NULL: not given */
    const char *token_file; /* --token-file; NULL: not given */
    bool health;            /* where there is no admin, the status listener will do */
};

/* What is wrong is in `problems`, one per line. */
GW_NODISCARD enum gw_status gw_ctl_where_find(const struct gw_ctl_where_given *given, struct gw_ctl_where *where,
                                              struct gw_config_problems *problems);

#endif
