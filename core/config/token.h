/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CONFIG_TOKEN_H
#define GW_CONFIG_TOKEN_H

/*
 * The token of the admin listener (RFC 6750, section 2.1): from the settings
 * admin_token and admin_token_file for the listener, from a file for those who
 * speak to it. Its text is in no message. Whoever holds one wipes it (gw_wipe).
 */

#include "config/config.h"

#define GW_CONFIG_TOKEN_MIN 16
#define GW_CONFIG_TOKEN_MAX 512

struct gw_config_token {
    size_t length;                      /* 0: none */
    char text[GW_CONFIG_TOKEN_MAX + 1]; /* NUL behind it */
};

/* 16 to 512 of A-Z a-z 0-9 - . _ ~ + /, then any number of =. `where` is for messages (NULL: they go without). */
GW_NODISCARD enum gw_status gw_config_token_parse(struct gw_str text, const char *where, struct gw_config_token *token,
                                                  struct gw_err *err);

/* What the file holds, but for a line's end behind it. A regular file must not be readable by everybody nor writable by
 * others than its owner, who is root or who runs this. `any_file`: whoever it belongs to; a pipe may stand for one. */
GW_NODISCARD enum gw_status gw_config_token_load(const char *path, bool any_file, struct gw_config_token *token,
                                                 struct gw_err *err);

/* The token of the configuration; length 0 when it has none. */
GW_NODISCARD enum gw_status gw_config_admin_token(const struct gw_config *config, struct gw_config_token *token,
                                                  struct gw_err *err);

#endif
