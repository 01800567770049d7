/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_TAIL_H
#define GW_JOURNAL_TAIL_H

/*
 * Finding the end of the chain in a file.
 */

#include "journal/journal.h"

struct gw_tail {
    off_t end;                 /* behind the last whole line */
    off_t half;                /* bytes behind that: a line that a crash cut short */
    struct gw_chain_head head; /* of the last whole line; all zero when there is none, or when it is torn */
    bool is_torn;              /* the last whole line holds NUL bytes: a power cut lost pieces of what was written */
};

/* Reads the file's last line; nothing is written. err begins with `path`. GW_E_IO; GW_E_SYNTAX when the last whole line
 * is no record of a chain, and not torn, or what follows it isn't the beginning of one. */
GW_NODISCARD enum gw_status gw_tail_find(const struct gw_journal_io *io, int fd, const char *path, struct gw_tail *tail,
                                         struct gw_err *err);

#endif
