/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_INNER_H
#define GW_JOURNAL_INNER_H

/*
 * The journal's state, for the files of this room that write.
 *
 * `text` holds, in this order, records that are
 *
 *   written, not durable | owed: the journal's own, not written yet | the batch
 *                        ^ written                                  ^ owed
 *
 * What is durable isn't kept. Discarding drops the batch; giving a file up makes
 * what was written owed again; a sync that went well empties all three.
 */

#include "journal/journal.h"

struct gw_journal_mark {
    size_t length;             /* of `text`, up to here */
    struct gw_chain_head head; /* of the newest record before here */
};

enum gw_segment_state {
    GW_SEGMENT_READY,
    GW_SEGMENT_GIVEN_UP, /* open, not to be written to; to be moved out of the way */
    GW_SEGMENT_GONE,     /* a new file is to be made */
};

struct gw_journal {
    char *path;
    const char *name; /* the path's last part */
    char *new_path;   /* of a file that is being made */
    const struct gw_journal_io *io;
    const struct gw_ed25519_key *key;
    const struct gw_clock *clock;
    const struct gw_random *random;
    uint64_t max_size;
    bool is_stdout;
    bool durable;
    bool is_open;
    struct gw_journal_counters counters;

    struct gw_buf text;
    struct gw_chain_head synced; /* before `text` */
    struct gw_journal_mark written;
    struct gw_journal_mark owed;
    struct gw_chain_head head; /* the batch included */
    uint64_t committed;        /* by a store that lasts; 0: nothing, or there is none */

    int fd;
    enum gw_segment_state state;
    bool holds_durable; /* something in the file is durable (is written, where not `durable`) */
    bool folder_due;    /* a name in the folder isn't durable yet */
    char *moves_to;     /* when given up: the file's new path; NULL: it is removed */
    off_t size;         /* after the last write */
    bool half_line;     /* stdout: the last write ended inside a line */

    struct gw_chain_head checkpointed; /* the newest record at the last checkpoint: its own */
    int64_t checkpoint_ms;             /* when that was; monotonic */
    int64_t rotate_ms;                 /* not before; monotonic */
};

/* err says "audit file PATH: cannot WHAT: ..." with errno's words. */
enum gw_status gw_journal_fail(const struct gw_journal *journal, const char *what, struct gw_err *err);

void gw_journal_count(_Atomic uint64_t *counter, uint64_t by);

/* Forgets the batch. */
void gw_journal_drop(struct gw_journal *journal);

/* The newest record is this one, and durable; nothing is kept. */
void gw_journal_settle_on(struct gw_journal *journal, struct gw_chain_head head);

/* output.c: getting the text into the file. */

/* Writes what isn't written; where durable, syncs when asked to or when much is unsynced. A failed write is cut off
 * again or the file given up; a failed sync gives it up. The batch is still in `text` after a failure: the caller drops
 * it. */
GW_NODISCARD enum gw_status gw_output_put(struct gw_journal *journal, bool sync, struct gw_err *err);
/* What gw_journal_flush does, but rotation: a batch that failed is dropped, and a file given up is followed by a new
 * one where that is possible. */
GW_NODISCARD enum gw_status gw_output_flush(struct gw_journal *journal, bool sync, struct gw_err *err);

/* Syncs the file where `durable`; false: errno. */
bool gw_output_sync(struct gw_journal *journal);
/* Writes what is written and what is owed to another file, and syncs that where `durable`. */
GW_NODISCARD enum gw_status gw_output_copy_owed(struct gw_journal *journal, int fd, struct gw_err *err);
/* What was written is durable (or was never to be): it needn't be kept. */
void gw_output_release(struct gw_journal *journal);

/* segment.c: the file at the path. */

/* Finds the end of the chain. A file whose end is torn is given up right away. */
GW_NODISCARD enum gw_status gw_segment_open(struct gw_journal *journal, struct gw_err *err);
/* For a store that can't say where the chain is sound: gives the file up where its end is torn. */
GW_NODISCARD enum gw_status gw_segment_check_end(struct gw_journal *journal, struct gw_err *err);
/* Makes sure that there is a file to write to, durably named. */
GW_NODISCARD enum gw_status gw_segment_ready(struct gw_journal *journal, struct gw_err *err);
/* The file isn't trusted any longer: what was written behind `synced` is owed again. There is no batch. */
void gw_segment_give_up(struct gw_journal *journal, const char *reason);
/* Has somebody removed the file that is open? What is written to it goes with it. */
bool gw_segment_is_lost(const struct gw_journal *journal);
/* Leaves such a file. There is no batch. */
void gw_segment_lose(struct gw_journal *journal);
/* The chain ends at this record, and the file doesn't. There is no batch, and nothing else is owed. */
void gw_segment_end_at(struct gw_journal *journal, struct gw_chain_head head, const char *reason);
/* Closes the file under another name and goes on in a new one. There is no batch. */
GW_NODISCARD enum gw_status gw_segment_rotate(struct gw_journal *journal, struct gw_err *err);
GW_NODISCARD enum gw_status gw_segment_reopen(struct gw_journal *journal, struct gw_err *err);

/* event.c: the journal's own records. They are owed, or part of the batch where there is one; what became of a change
 * is always part of the batch. */

struct gw_event_begun {
    bool is_new_chain;
    const char *store; /* "none", "new", "kept", "restored", "older" */
    const struct gw_journal_start *start;
    size_t settled;
    uint64_t up_to; /* of a store that lacks changes which were made: the newest record before */
};
void gw_event_append_begun(struct gw_journal *journal, const struct gw_event_begun *begun);
/* Records behind `after` in the file that was given up don't count. `name` may be NULL. */
void gw_event_append_continued(struct gw_journal *journal, uint64_t after, const char *name, const char *reason);
/* The records up to here stand in another file. `name` may be NULL. */
void gw_event_append_rotated(struct gw_journal *journal, const char *name);
void gw_event_append_settled(struct gw_journal *journal, uint64_t sequence, enum gw_journal_outcome outcome,
                             enum gw_journal_maker maker, const char *reason);
/* Nothing where there is no key, or no record since the last. */
void gw_event_append_checkpoint(struct gw_journal *journal);

#endif
