/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_JOURNAL_H
#define GW_JOURNAL_JOURNAL_H

/*
 * The audit file: one JSON record per line, appended. Used by the writer thread
 * alone: append as many lines as a batch has, flush once.
 */

#include <sys/types.h>

#include "base/buf.h"

#define GW_JOURNAL_RECORD_MAX ((size_t)64 << 10)

/* The calls that can fail once a file is open, as the operating system has them; tests inject faults here. */
struct gw_journal_io {
    ssize_t (*write)(int fd, const void *bytes, size_t length);
    int (*sync)(int fd);
    int (*truncate)(int fd, off_t length);
};

struct gw_journal_options {
    const char *path;               /* "-" is stdout, never durable */
    bool durable;                   /* fdatasync in flush */
    const struct gw_journal_io *io; /* NULL: the operating system's */
};

struct gw_journal;

/* new: opens or creates (mode 0600, O_APPEND, O_CLOEXEC, not through a symlink, regular files only). A half line left
 * at the end by a crash is ended with a newline first, so that the next record stands alone. GW_E_IO; GW_E_BUSY when
 * another process has the file open as its journal: two writers would cut off each other's records. */
GW_NODISCARD enum gw_status gw_journal_open(const struct gw_journal_options *options, struct gw_journal **journal,
                                            struct gw_err *err);
void gw_journal_close(struct gw_journal **journal);

/* Takes one record without its newline into the batch; a newline inside becomes a space (JSON has none in strings).
 * GW_E_LIMIT past GW_JOURNAL_RECORD_MAX. */
GW_NODISCARD enum gw_status gw_journal_append(struct gw_journal *journal, struct gw_str record);

/* Writes the batch, and syncs it when durable. On failure nothing of the batch counts as written and the batch is
 * dropped: what reached the file is cut off again (ftruncate) or, where that fails too or stdout can't take it back,
 * the journal stays failed until reopened. An empty batch is GW_OK and touches nothing. */
GW_NODISCARD enum gw_status gw_journal_flush(struct gw_journal *journal, struct gw_err *err);

/* Drops the batch. */
void gw_journal_discard(struct gw_journal *journal);

/* Opens the path anew and closes the old file, for logrotate; the old file stays in use when that fails. A failed
 * journal first cuts off what the failed batch left behind, where the path still names the same file. */
GW_NODISCARD enum gw_status gw_journal_reopen(struct gw_journal *journal, struct gw_err *err);

#endif
