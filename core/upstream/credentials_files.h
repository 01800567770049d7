/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_UPSTREAM_CREDENTIALS_FILES_H
#define GW_UPSTREAM_CREDENTIALS_FILES_H

/*
 * AWS's two shared files as one: a profile is [NAME] of the credentials file over
 * [profile NAME] (or [default]) of the configuration file.
 */

#include "upstream/credentials_chain.h"

/* The files of the chain, read at the first call; one that isn't there is empty, one that can't be read fails. */
GW_NODISCARD enum gw_status gw_chain_files_read(struct gw_chain *chain, struct gw_err *err);

/* AWS_PROFILE's profile, else "default"; *is_named: somebody asked for it. */
struct gw_str gw_chain_profile_name(const struct gw_chain *chain, bool *is_named);

bool gw_chain_files_has(const struct gw_chain *chain, struct gw_str profile);
/* {NULL,0}: not set, or empty. */
struct gw_str gw_chain_files_get(const struct gw_chain *chain, struct gw_str profile, const char *name);

#endif
