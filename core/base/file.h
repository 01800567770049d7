/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_FILE_H
#define GW_BASE_FILE_H

/*
 * A file that a person names and that is read whole; the folder that a name is in.
 */

#include "base/buf.h"

/* Appends what the file holds, up to the buffer's cap. GW_E_IO: it can't be read or is no regular file (what a symlink
 * leads to counts); GW_E_LIMIT: it is larger. `err` begins with the path. */
GW_NODISCARD enum gw_status gw_file_read(const char *path, struct gw_buf *out, struct gw_err *err);

/* The same for a file that holds a secret. GW_E_DENIED where everybody may read it, others than its owner may write it,
 * or it belongs to somebody who is neither root nor who runs this. The caller wipes what it got, also after a failure.
 */
GW_NODISCARD enum gw_status gw_file_read_secret(const char *path, struct gw_buf *out, struct gw_err *err);

/* The path's last part: where its name begins in its folder. borrows */
const char *gw_file_name(const char *path);

/* Makes durable which names the folder of `path` has: what was made, renamed or removed there. On file systems that
 * can't, nothing. GW_E_IO; `err` begins with the path. */
GW_NODISCARD enum gw_status gw_file_sync_folder(const char *path, struct gw_err *err);

#endif
