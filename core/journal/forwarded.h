/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_FORWARDED_H
#define GW_JOURNAL_FORWARDED_H

/*
 * The changes that went to an upstream, and of which nothing says what became of
 * them: the process ended meanwhile. Looked for at a start, backwards from the
 * chain's end.
 *
 * How far back: an upstream is waited for at most minutes, and its answer, or that
 * there was none, is recorded right then; a journal that can't be written takes no
 * other record either. So an open one stands within minutes of the newest record,
 * and reading ends at
 *
 *   - the last start (AuditBegun): it has said what was open then;
 *   - a record that is an hour older than the newest. Clocks jump: what lies
 *     within GW_FORWARDED_NEAR of the end is read whatever it says of the time;
 *   - GW_FORWARDED_FAR behind the end, so that a start takes a few seconds at most, also
 *     where files are never full;
 *   - the beginning of a file when the one before it isn't beside it.
 */

#include "journal/journal.h"

#define GW_FORWARDED_AGE_MS INT64_C(3600000)
#define GW_FORWARDED_NEAR   ((uint64_t)8 << 20)   /* bytes */
#define GW_FORWARDED_FAR    ((uint64_t)256 << 20) /* bytes */

struct gw_forwarded {
    uint64_t *sequences; /* rising; new */
    size_t count;
};

/* The chain's end is the newest record that is in a file; nothing is found on stdout. GW_E_IO: a file can't be read;
 * err begins with it. One that isn't there is none. */
GW_NODISCARD enum gw_status gw_forwarded_find(const struct gw_journal *journal, struct gw_forwarded *forwarded,
                                              struct gw_err *err);
void gw_forwarded_fini(struct gw_forwarded *forwarded);

#endif
