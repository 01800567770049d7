/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_READER_H
#define GW_JOURNAL_READER_H

/*
 * The records of many audit files as one sequence, in constant memory: files come
 * in the order of their first records, in whatever order they were named.
 */

#include "journal/record_read.h"

/* A line, looked at. */
struct gw_reader_line {
    enum {
        GW_READER_NONE, /* there are no more */
        GW_READER_RECORD,
        GW_READER_BROKEN,
        GW_READER_HALF, /* the last one of its file, without a newline */
    } kind;
    const char *path;   /* one of those given */
    uint64_t line;      /* its number in the file, from 1 */
    struct gw_str text; /* without its newline, cut where it is too long; until the next call */
    struct gw_record_read record;
    struct gw_err why; /* what is wrong with one that is no record */
};

struct gw_reader;

/* new: finds out in which order the files stand. `paths` must outlive it; one that is named twice is read once.
 * `patience_ms`: how long the end of a line that somebody is writing is waited for. GW_E_IO; err begins with the path.
 */
GW_NODISCARD enum gw_status gw_reader_open(const char *const *paths, size_t count, unsigned patience_ms,
                                           struct gw_reader **reader, struct gw_err *err);
/* new: stdin, in the order in which it comes, its path being "-". GW_E_IO. */
GW_NODISCARD enum gw_status gw_reader_open_stdin(struct gw_reader **reader, struct gw_err *err);
void gw_reader_close(struct gw_reader **reader);

/* The next line. What stands behind the end of a file that was given up is passed over. GW_E_IO. */
GW_NODISCARD enum gw_status gw_reader_next(struct gw_reader *reader, struct gw_reader_line *line, struct gw_err *err);

size_t gw_reader_files(const struct gw_reader *reader);
/* Lines that were passed over so far. */
uint64_t gw_reader_given_up(const struct gw_reader *reader);

#endif
