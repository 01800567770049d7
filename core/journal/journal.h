/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_JOURNAL_H
#define GW_JOURNAL_JOURNAL_H

/*
 * The audit file: one JSON record per line, appended. Used by the writer thread
 * alone: append as many lines as a batch has, flush once.
 */

#include "base/buf.h"

#define GW_JOURNAL_RECORD_MAX ((size_t)64 << 10)

struct gw_journal_options {
    const char *path; /* "-" is stdout, never durable */
    bool durable;     /* fdatasync in flush */
};

struct gw_journal;

/* new: opens or creates (mode 0600, O_APPEND, O_CLOEXEC, not through a symlink). A half line left at the end by a crash
 * is ended with a newline first, so that the next record stands alone. */
GW_NODISCARD enum gw_status gw_journal_open(const struct gw_journal_options *options, struct gw_journal **journal,
                                            struct gw_err *err);
void gw_journal_close(struct gw_journal **journal);

/* Takes one record without its newline into the batch. GW_E_LIMIT past GW_JOURNAL_RECORD_MAX. */
GW_NODISCARD enum gw_status gw_journal_append(struct gw_journal *journal, struct gw_str record);

/* Writes the batch, and syncs it when durable. On failure nothing of the batch counts as written: what reached the file
 * is cut off again (ftruncate) or, where that fails too, the journal stays failed until reopened. */
GW_NODISCARD enum gw_status gw_journal_flush(struct gw_journal *journal, struct gw_err *err);

/* Drops the batch. */
void gw_journal_discard(struct gw_journal *journal);

/* Closes and opens the path anew, for logrotate; the old file stays in use when that fails. */
GW_NODISCARD enum gw_status gw_journal_reopen(struct gw_journal *journal, struct gw_err *err);

#endif
