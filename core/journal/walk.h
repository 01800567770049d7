/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_WALK_H
#define GW_JOURNAL_WALK_H

/*
 * Reading a file of the chain at a start: where a record is, and the records
 * behind it, each checked to follow the one before. Files are as large as they
 * are; memory is bounded.
 */

#include "journal/journal.h"

struct gw_walk {
    const struct gw_journal_io *io;
    struct gw_chain_head head; /* the newest record that followed */
    off_t at;                  /* where the line behind it begins */
    bool is_broken;            /* what is there isn't the next record */
    bool is_torn;              /* likewise, and it holds NUL bytes: pieces of a write were lost in a power cut */
    void *ctx;
    void (*on_record)(void *ctx, uint64_t sequence, struct gw_str line);
};

/* Reads up to `length` bytes, fewer only at the file's end: the count, -1 with errno. */
ssize_t gw_walk_read(const struct gw_journal_io *io, int fd, char *bytes, size_t length, off_t at);
/* Bytes that no record has: a power cut lost what was written there. */
bool gw_walk_has_nul(struct gw_str bytes);

/* Where the line of record `sequence` begins, looked for from the file's end: GW_E_MISSING when the file has none. err
 * isn't filled; GW_E_IO: errno. */
GW_NODISCARD enum gw_status gw_walk_find(const struct gw_journal_io *io, int fd, uint64_t sequence, off_t *at);

/* What the file's first line says of its place; GW_E_MISSING when it is empty, GW_E_SYNTAX when it isn't a chain's,
 * GW_E_UNKNOWN when it is torn, GW_E_IO: errno. */
GW_NODISCARD enum gw_status gw_walk_first(const struct gw_journal_io *io, int fd, uint64_t *sequence,
                                          unsigned char previous[GW_DIGEST_SIZE]);

/* Sets the walk before the first whole record that begins at `from` or behind it; what comes before that is believed.
 * GW_E_MISSING: there is none. GW_E_IO: errno. */
GW_NODISCARD enum gw_status gw_walk_anchor(struct gw_walk *walk, int fd, off_t from);

/* Is the line at `walk->at` this record? Goes behind it then, with it as `head`. */
GW_NODISCARD enum gw_status gw_walk_pass(struct gw_walk *walk, int fd, const struct gw_chain_head *record);

/* Reads on from `walk->at`, up to record `last`, the file's end, or a line that doesn't follow. GW_E_IO: errno. */
GW_NODISCARD enum gw_status gw_walk_on(struct gw_walk *walk, int fd, uint64_t last);

#endif
