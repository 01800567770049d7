/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CONFIG_SECRET_H
#define GW_CONFIG_SECRET_H

/*
 * Files that hold a secret.
 */

#include "base/gw.h"

/* The file's first `size` bytes; one that fills them all may be longer. The caller wipes them. A regular file must not
 * be readable by everybody nor writable by others than its owner, who is root or who runs this (GW_E_DENIED).
 * `any_file`: whoever it belongs to; a pipe may stand for one. err begins with the path. */
GW_NODISCARD enum gw_status gw_config_secret_read(const char *path, bool any_file, char *bytes, size_t size,
                                                  size_t *length, struct gw_err *err);

#endif
