/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_LINES_H
#define GW_SCRIPT_LINES_H

/*
 * Which lines of a Lua file hold code, also of functions that nobody has called:
 * what coverage is measured against. Read from the interpreter's own dump of the
 * compiled file, which never leaves the process.
 */

#include "script/source.h"

/* new: a byte per line, 1 where there is code, [0] unused; `count` of them. The caller frees. GW_E_SYNTAX: the file
 * doesn't compile, or the interpreter's dump isn't that of Lua 5.4. */
GW_NODISCARD enum gw_status gw_lines_of(const struct gw_source *source, unsigned char **lines, size_t *count,
                                        struct gw_err *err);

#endif
