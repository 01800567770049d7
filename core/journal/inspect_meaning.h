/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_INSPECT_MEANING_H
#define GW_JOURNAL_INSPECT_MEANING_H

/*
 * What records say about others, for inspect.c, which judges each by its place.
 */

#include "journal/inspect.h"
#include "journal/reader.h"

/* Which of the last records are changes, made here or forwarded; which of the forwarded are open: a bit each. */
#define GW_INSPECT_WINDOW ((uint64_t)1 << 23)

/* What has been said so far. */
struct gw_inspect_meaning {
    const struct gw_inspect_options *options;
    struct gw_inspect_report *report;
    uint64_t *changes;
    uint64_t *open;
    bool head_seen;
    uint64_t quiet_from; /* the first record behind the last checkpoint; 0: none yet */
    int64_t quiet_ms;    /* its time */
    bool in_gap;
};

void gw_inspect_meaning_init(struct gw_inspect_meaning *meaning, const struct gw_inspect_options *options,
                             struct gw_inspect_report *report);
void gw_inspect_meaning_fini(struct gw_inspect_meaning *meaning);

/* Takes the next record whose place is certain. False: what it says isn't so; the report has it. */
bool gw_inspect_meaning_take(struct gw_inspect_meaning *meaning, const struct gw_reader_line *seen);

/* Behind the last one. False: head or checkpoints are missing; the report has it. */
bool gw_inspect_meaning_end(struct gw_inspect_meaning *meaning);

/* Is it the record that the head names? There is a head. */
bool gw_inspect_is_head(const struct gw_inspect_options *options, const struct gw_chain_head *record);

/* Fills the report's problem; gives false. `seen` may be NULL. */
bool gw_inspect_fail(struct gw_inspect_report *report, enum gw_inspect_fault fault, const struct gw_reader_line *seen,
                     const char *format, ...) GW_PRINTF(4, 5);

#endif
