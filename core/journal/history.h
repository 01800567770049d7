/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_HISTORY_H
#define GW_JOURNAL_HISTORY_H

/*
 * The files beside the journal's that hold earlier parts of the chain: rotated
 * ones, ones that were given up, ones that logrotate moved; also files of other
 * chains.
 */

#include "journal/journal.h"

struct gw_history_file {
    char *path;
    uint64_t first;                         /* the number of its first record */
    unsigned char previous[GW_DIGEST_SIZE]; /* the hash before that */
};

struct gw_history {
    struct gw_history_file *files; /* by `first`, then by name */
    size_t count;
    bool is_failing; /* the machine failed where a file was looked at, not its permissions: one may be missing here */
};

#define GW_HISTORY_FILES_MAX 100000

/* Does the file begin with the record behind `head`? */
bool gw_history_follows(const struct gw_history_file *file, const struct gw_chain_head *head);

/* new: the regular files in the path's folder whose names are its name, a dot or hyphen, and something, and that begin
 * with a record. GW_E_IO, GW_E_LIMIT. */
GW_NODISCARD enum gw_status gw_history_find(const struct gw_journal_io *io, const char *path,
                                            struct gw_history *history, struct gw_err *err);
void gw_history_fini(struct gw_history *history);

#endif
