/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_FILE_H
#define GW_BASE_FILE_H

/*
 * A file that a person names and that is read whole.
 */

#include "base/buf.h"

/* Appends what the file holds, up to the buffer's cap. GW_E_IO: it can't be read or is no regular file (what a symlink
 * leads to counts); GW_E_LIMIT: it is larger. `err` begins with the path. */
GW_NODISCARD enum gw_status gw_file_read(const char *path, struct gw_buf *out, struct gw_err *err);

#endif
