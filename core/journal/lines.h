/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_LINES_H
#define GW_JOURNAL_LINES_H

/*
 * An audit file, line by line, in constant memory.
 */

#include "journal/journal.h"

#define GW_LINES_MAX GW_JOURNAL_RECORD_MAX /* bytes of a line, its newline not counted */

struct gw_lines;

/* new: opens a regular file (what a symlink leads to counts) for reading. `patience_ms`: how long the end of a line
 * that somebody is writing is waited for. GW_E_IO; err begins with the path. */
GW_NODISCARD enum gw_status gw_lines_open(const char *path, unsigned patience_ms, struct gw_lines **lines,
                                          struct gw_err *err);
/* new: the same, of what stdin still has, whatever it is; it ends where nobody writes any more. */
GW_NODISCARD enum gw_status gw_lines_open_stdin(struct gw_lines **lines, struct gw_err *err);
void gw_lines_close(struct gw_lines **lines);

/* The next line, without its newline; a view until the next call.
 *   GW_OK         a line
 *   GW_E_LIMIT    a longer one: `line` is its beginning
 *   GW_E_SYNTAX   the last one, which has no newline: `line` is what is there
 *   GW_E_MISSING  that was all
 *   GW_E_IO       err says why */
GW_NODISCARD enum gw_status gw_lines_next(struct gw_lines *lines, struct gw_str *line, struct gw_err *err);

/* Of the line that came last; from 1. */
uint64_t gw_lines_number(const struct gw_lines *lines);

#endif
