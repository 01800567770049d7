/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_COMMIT_H
#define GW_GATEWAY_COMMIT_H

/*
 * The writer thread: turns many workers' changes and records into batches. Per
 * batch it stages the changes (versions, limits), makes their records durable, and
 * only then commits and publishes; a record that can't be written takes its change
 * with it, and one whose change then fails is followed by one that says so
 * (batch.h). Workers collect jobs during a turn of their loop, hand them over
 * together, and are woken once per batch.
 *
 *   worker turn: add, add, ... submit  --queue-->  writer: stage, append, prepare, flush, commit  --done list, wake-->
 * worker
 */

#include "base/clock.h"
#include "journal/journal.h"
#include "store/store.h"

struct gw_commit;
struct gw_commit_port;

/* One job. Whoever adds it keeps it in place until `done` was called. */
struct gw_commit_job {
    struct gw_store_change *change; /* NULL: only a record */
    /* NULL, or in the place of `change`: called on the writer's thread, alone in its batch, stages as many changes as
     * it likes; those of one that isn't GW_OK are taken back. The watch hears nothing of them. */
    enum gw_status (*stage)(struct gw_commit_job *job, struct gw_store *store);
    /* Without a change: the record is on the disk (where the journal is durable) before `done` is called; for what
     * happens elsewhere and must not happen unrecorded. */
    bool is_awaited;
    /* 0, or the sequence number of a record whose forwarded change has come to an end: a record that says so is made
     * of it, in the place of `record`. It isn't refused by gw_commit_add, nor for its age; GW_E_IO says that it can't
     * be written now, and that the writer will as soon as it can: there is nothing to try again. Such jobs have no
     * change, and don't wait for a sync. */
    uint64_t settles;
    enum gw_journal_outcome outcome;
    enum gw_journal_maker maker;             /* with `settles`: one of the upstream's */
    const char *reason;                      /* one line; NULL: none; borrowed until done */
    struct gw_str record;                    /* a line without newline; {NULL,0}: only a change; borrowed until done */
    void (*done)(struct gw_commit_job *job); /* on the worker's thread, inside no epoch */
    void *ctx;
    struct gw_err *err; /* NULL, or filled with what the disk said when the status is one of the disk's; borrowed */

    /* filled by the writer: GW_OK; GW_E_STALE, GW_E_LIMIT (staging); GW_E_IO (record or commit failed); GW_E_BUSY
     * (waited longer than the queue's age, or the store's file is locked); GW_E_UNKNOWN (gw_store_commit) */
    enum gw_status status;
    uint64_t sequence; /* the record's; 0: none was made */

    /* the commit's own */
    struct gw_commit_job *next;
    struct gw_commit_port *port;
    int64_t queued_ms;
    bool staged;
};

/* Who wants to hear of changes; called on the writer's thread. */
struct gw_commit_watch {
    void *ctx;
    /* A staged change whose record is written, before any reader can see it. Its objects are the store's by now. */
    void (*on_publish)(void *ctx, const struct gw_store_change *change);
    /* Around the publication of what a job's `stage` staged: readers that take part see all of it or nothing. */
    void (*on_exclusive)(void *ctx, bool begins);
};

struct gw_commit_options {
    size_t queue_max;                    /* jobs waiting at most, over all workers */
    unsigned queue_age_ms;               /* a job older than this when its turn comes is GW_E_BUSY */
    const struct gw_commit_watch *watch; /* borrowed; NULL: nobody */
};

#define GW_COMMIT_HASH_PREFIX 6 /* so many that a double holds them exactly */

struct gw_commit_counters {
    _Atomic uint64_t batches;
    _Atomic uint64_t changes;
    _Atomic uint64_t records;
    _Atomic uint64_t refused_full; /* jobs turned away at the cap */
    _Atomic uint64_t failed_io;
    _Atomic uint64_t queued; /* jobs waiting now */
    /* the newest record that is durable */
    _Atomic uint64_t head_sequence;
    _Atomic uint64_t head_hash; /* the first GW_COMMIT_HASH_PREFIX bytes of its hash, as a number */
};

/* new: starts the thread. `journal` may be NULL (no audit). Store, journal and clock are borrowed; the store's writer
 * side and the journal belong to this thread from now on. */
struct gw_commit *gw_commit_new(const struct gw_commit_options *options, struct gw_store *store,
                                struct gw_journal *journal, const struct gw_clock *clock);
/* Finishes what is queued, ends the thread, frees. Ports must be closed first. */
void gw_commit_free(struct gw_commit **commit);

/* new: one per worker. `wake` is called by the writer's thread when done jobs wait. */
struct gw_commit_port *gw_commit_port_open(struct gw_commit *commit, void (*wake)(void *ctx), void *ctx);
/* Submits what was added, waits until all of it is through, calls `done` for it (which may add again), closes. */
void gw_commit_port_close(struct gw_commit_port **port);

/* Worker's thread. GW_E_BUSY when the queue is full, or the writer hasn't finished a batch for longer than the queue's
 * age: nothing was queued and `done` isn't called. Never for a job that settles. */
GW_NODISCARD enum gw_status gw_commit_add(struct gw_commit_port *port, struct gw_commit_job *job);
/* Hands over what was added; call at the end of a turn. */
void gw_commit_submit(struct gw_commit_port *port);
/* Calls `done` for finished jobs, a few of them; if others are left the port is woken again. Call after a wake. */
void gw_commit_collect(struct gw_commit_port *port);

/* Runs one job and waits for it; `done` may be NULL. Neither on a worker's nor on the writer's thread. Gives the job's
 * status. */
GW_NODISCARD enum gw_status gw_commit_run(struct gw_commit *commit, struct gw_commit_job *job);

/* Asks the writer to open the audit file anew; any thread. */
void gw_commit_reopen(struct gw_commit *commit);

const struct gw_commit_counters *gw_commit_counters_get(const struct gw_commit *commit);

#endif
