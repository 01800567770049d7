/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_TERMINAL_H
#define GW_CLI_TERMINAL_H

/*
 * Text that strangers chose, for a terminal, which obeys: controls, blanks other
 * than a space, and what changes the direction of text come out as \xNN or \uNNNN,
 * a backslash too.
 */

#include "base/buf.h"

/* A column: spaces are escaped too, and what is empty or absent is "-". */
void gw_terminal_put_word(struct gw_buf *out, struct gw_str text);

/* Words: spaces stay. */
void gw_terminal_put_text(struct gw_buf *out, struct gw_str text);

/* The same where backslashes are common and nothing is read back: they stay, too. */
void gw_terminal_put_line(struct gw_buf *out, struct gw_str text);

#endif
