/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CONFIG_CREDENTIALS_H
#define GW_CONFIG_CREDENTIALS_H

/*
 * From the configuration to what upstream/credentials.h is given.
 */

#include "config/config.h"

/* True where the gateway itself needs credentials: "default" or a key. */
bool gw_config_has_credentials(const struct gw_config *config);

/* Fills `options` but for the epoch; views into `config` and `environment`. */
void gw_config_credentials_options(const struct gw_config *config, char *const *environment,
                                   struct gw_credentials_options *options);

#endif
