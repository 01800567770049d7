/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_BATCH_H
#define GW_GATEWAY_BATCH_H

/*
 * What the writer does with a batch of jobs; for commit.c, on its thread.
 *
 *   stage all -> append their records -> prepare (rows, nothing durable) -> flush (records durable) -> commit, publish
 *
 * so that a lock, a full disk or a broken file shows, as far as it can, before a
 * record is written. Where the commit fails behind its records, further records
 * say so; those that can't be written yet are owed, and stand in front of whatever
 * is written next: no head that the store commits is newer than they are.
 *
 * A batch without changes is written and not synced; gw_batch_tick makes it
 * durable, within a second or so. One in which a job is awaited is synced, once
 * for all of them. Where that fails the journal gives the batch's numbers again:
 * what an awaited job's record said doesn't count, nothing is owed for it, and
 * what it was to precede must not happen.
 *
 * What became of something that was forwarded has happened, whatever the disk
 * says: such a record isn't refused for its age, and is owed where it can't be
 * written.
 */

#include "gateway/commit.h"

struct gw_job_list {
    struct gw_commit_job *first;
    struct gw_commit_job **end;
    size_t count;
};

#define GW_BATCH_REASON 128

/* A change whose record is written, and what became of it. */
struct gw_batch_owed {
    uint64_t sequence;
    enum gw_journal_outcome outcome;
    enum gw_journal_maker maker;
    char reason[GW_BATCH_REASON]; /* cut to fit */
};

struct gw_batch {
    const struct gw_commit_options *options;
    struct gw_store *store;
    struct gw_journal *journal; /* NULL: no audit */
    const struct gw_clock *clock;
    struct gw_commit_counters *counters;
    struct gw_batch_owed *owed;
    size_t owed_count;
    size_t owed_capacity;
    struct gw_err failure;          /* the last one */
    struct gw_chain_head committed; /* in the store's file */
    int64_t head_due_ms;            /* the head alone isn't committed before */
    int64_t told_ms;                /* when a failure was logged last */
    uint64_t untold;
    int64_t head_told_ms; /* when the head was logged last */
    uint64_t head_told;
};

/* The parts are borrowed. */
void gw_batch_init(struct gw_batch *batch, const struct gw_commit_options *options, struct gw_store *store,
                   struct gw_journal *journal, const struct gw_clock *clock, struct gw_commit_counters *counters);
void gw_batch_fini(struct gw_batch *batch);

/* Fills every job's status. */
void gw_batch_run(struct gw_batch *batch, const struct gw_job_list *jobs);

/* Once a second, and at the end: makes durable what was only written, signs a checkpoint that is due, tells what is
 * owed, commits the head. A store that doesn't take that is left alone for ten seconds, because waiting for a lock
 * keeps records waiting. */
void gw_batch_tick(struct gw_batch *batch);

#endif
