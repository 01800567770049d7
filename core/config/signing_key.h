/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CONFIG_SIGNING_KEY_H
#define GW_CONFIG_SIGNING_KEY_H

/*
 * The key that signs checkpoints of the audit chain.
 */

#include "codec/ed25519.h"
#include "config/config.h"

/* new: the key that audit.signing_key names; NULL when it names none. */
GW_NODISCARD enum gw_status gw_config_signing_key(const struct gw_config *config, struct gw_ed25519_key **key,
                                                  struct gw_err *err);

#endif
