/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_JOURNAL_H
#define GW_JOURNAL_JOURNAL_H

/*
 * The audit chain: one JSON record per line (record.h), appended to a file, each
 * with its sequence number and the hash of the one before (codec/chain.h). Used by
 * the writer thread alone: append as many records as a batch has, flush once.
 *
 *   open -> begin(what the store has committed) -> append... flush, append... flush -> close
 *
 * Files: `path` is the one being written. One that is full (max_size) is renamed
 * to PATH.NNNNNNNNNNNN, the number of its first record with twelve digits (".1"
 * behind it where that name is taken), and so is one that isn't trusted any longer
 * since a sync of it failed; the chain runs on in a new file at `path`.
 *
 * Besides what it is given the journal writes records of its own (event.h). They
 * are in the chain like others: a head that was asked for before a flush need not
 * be the newest record after it. README.md has the whole story.
 */

#include <stdatomic.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"
#include "codec/chain.h"
#include "codec/ed25519.h"

#define GW_JOURNAL_RECORD_MAX ((size_t)64 << 10) /* a line in the file, its newline not counted */
/* What a record may have before it is given its place. */
#define GW_JOURNAL_TEXT_MAX (GW_JOURNAL_RECORD_MAX - GW_CHAIN_ROOM)

/* The calls on files, as the operating system has them; tests inject faults here. */
struct gw_journal_io {
    int (*open)(const char *path, int flags, mode_t mode); /* of files, not of their folder */
    ssize_t (*write)(int fd, const void *bytes, size_t length);
    ssize_t (*read_at)(int fd, void *bytes, size_t length, off_t at); /* pread */
    int (*sync)(int fd);                                              /* fdatasync */
    int (*truncate)(int fd, off_t length);
    int (*rename)(const char *from, const char *to);
    int (*remove)(const char *path); /* unlink */
    int (*sync_folder)(int fd);      /* fsync of a directory */
    off_t (*size)(int fd);           /* -1: errno */
    int (*close)(int fd);
};
/* borrows, lives for ever */
const struct gw_journal_io *gw_journal_io_system(void);

struct gw_journal_options {
    const char *path;                 /* "-" is stdout: never durable, never renamed, a chain of its own */
    bool durable;                     /* flushes that ask for it sync */
    uint64_t max_size;                /* bytes after which a new file is begun; 0: never */
    const struct gw_journal_io *io;   /* NULL: the operating system's */
    const struct gw_ed25519_key *key; /* signs checkpoints; borrowed; NULL: none */
    const struct gw_clock *clock;     /* borrowed; NULL: the system's */
    const struct gw_random *random;   /* ids of the journal's own records; borrowed; NULL: the system's */
};

struct gw_journal;

/* new: opens or creates (mode 0600, not through a symlink, regular files only) and finds the end of the chain. A half
 * line at the end, left by a crash, is cut off. GW_E_IO; GW_E_BUSY when another process has the file open as its
 * journal; GW_E_SYNTAX when its end is no record of a chain: nothing is changed then. err names the file and what to
 * do. */
GW_NODISCARD enum gw_status gw_journal_open(const struct gw_journal_options *options, struct gw_journal **journal,
                                            struct gw_err *err);
/* Makes durable what was flushed, ends with a checkpoint where a key is given, closes. What wasn't flushed is lost. One
 * that couldn't be begun is closed as it was. */
void gw_journal_close(struct gw_journal **journal);

/* What the store says of its last commit. */
struct gw_journal_start {
    bool is_durable;                /* there is a store that outlives the process; else the other members aren't read */
    bool is_new;                    /* nothing was ever committed to it: no record is its */
    bool is_restored;               /* it has been put back to `committed` from a backup */
    bool has_unrecorded;            /* it has changes behind `committed` that were made without an audit file */
    struct gw_chain_head committed; /* the newest record that it has committed */
};
struct gw_journal_begun {
    size_t settled; /* changes that were told to be applied or not */
    size_t unknown; /* forwarded ones of which it was told that nobody knows */
};
/* Once, before anything is appended: joins the chain to the store and makes that durable.
 *   - `committed` must be in the chain, with that hash: in the file, or in one beside it (any whose name is the path's
 *     and a dot or hyphen and something) from which the links lead to it. GW_E_MISSING when the chain ends before it,
 *     has another record in its place, or a file between them is gone. An empty file goes on from the chain's end
 *     beside it, else from `committed`.
 *   - a record with "change":true behind `committed` gets a record that says "not applied", unless one has said so; one
 *     that was told to be "unknown" gets "applied" or "not applied", whichever holds. Of a restored store one record
 *     says that what is behind `committed` isn't in it, and so of one that lacks changes behind a start of the journal
 *     that it doesn't know: it is an older copy, another's, or new after the one that was there was lost.
 *   - a record with "forwarded":true of which nothing was said gets one that says "unknown", whether or not there is
 *     such a store (forwarded.h says how far back these are looked for).
 *   - a record says that the journal was begun, and how.
 *   - where the chain ends before the file does, the file is given up behind its last record.
 * Commit the head to the store right afterwards, before any change. GW_E_IO, GW_E_LIMIT (a million changes). */
GW_NODISCARD enum gw_status gw_journal_begin(struct gw_journal *journal, const struct gw_journal_start *start,
                                             struct gw_journal_begun *begun, struct gw_err *err);

/* Takes one record (GW_CHAIN_FRONT...) without its newline into the batch and gives it its place; a newline inside
 * becomes a space (JSON has none in strings). `sequence` may be NULL. GW_E_LIMIT past GW_JOURNAL_TEXT_MAX, GW_E_SYNTAX
 * when it doesn't begin as records do. */
GW_NODISCARD enum gw_status gw_journal_append(struct gw_journal *journal, struct gw_str record, uint64_t *sequence);

enum gw_journal_outcome {
    GW_JOURNAL_APPLIED,
    GW_JOURNAL_NOT_APPLIED,
    GW_JOURNAL_UNKNOWN, /* a restart will tell */
};
/* Who made, or was to make, a change. */
enum gw_journal_maker {
    GW_JOURNAL_UPSTREAM,            /* nothing is said of its caller, who was verified here */
    GW_JOURNAL_UPSTREAM_VERIFIED,   /* its reply tells that it has verified the caller, whom nobody here could */
    GW_JOURNAL_UPSTREAM_UNVERIFIED, /* its reply tells nothing of the kind */
    GW_JOURNAL_STORE,
};
/* Takes a record into the batch that says what became of the change of record `sequence`. `reason` is cut at 1,024
 * bytes. */
void gw_journal_append_settled(struct gw_journal *journal, uint64_t sequence, enum gw_journal_outcome outcome,
                               const char *reason);
/* Likewise of one that was forwarded, whose record carries "forwarded":true: the store knows nothing of it, and no
 * later start can tell more. */
void gw_journal_append_settled_upstream(struct gw_journal *journal, uint64_t sequence, enum gw_journal_outcome outcome,
                                        enum gw_journal_maker maker, const char *reason);

/* A store that lasts has committed up to this record: the records that follow say so, and a start that finds a store
 * which has committed less is refused. gw_journal_begin does it for what the store has at the start. */
void gw_journal_committed(struct gw_journal *journal, uint64_t sequence);

/* Of the newest record, those of the batch included. */
struct gw_chain_head gw_journal_head(const struct gw_journal *journal);
/* Of the newest record that a sync has made durable (that was written, where not `durable`). */
struct gw_chain_head gw_journal_durable_head(const struct gw_journal *journal);
/* False for stdout: its chain ends with the process, and a store needn't know its head. */
bool gw_journal_is_kept(const struct gw_journal *journal);

/* Writes the batch; with `sync` (and `durable`) everything written so far is on the disk afterwards. Without, what was
 * written is kept in memory until a sync covers it; past 1 MiB of it a sync is made unasked. On failure nothing of the
 * batch counts as written: it is dropped, and the head goes back. The file is cut to where it was, or, where that fails
 * or the sync did, given up: the chain goes on in a new file, behind the last durable record, with what had been
 * written behind that without a sync, and a record that says so. Where no new file can be made every flush fails, and
 * tries again. On stdout, what went out of a batch that failed is behind a record that says that it doesn't count. An
 * empty batch without `sync` touches nothing, unless the journal has a record of its own to write.
 * A file that is full after the flush is followed by a new one then; that this fails is no failure of the flush. */
GW_NODISCARD enum gw_status gw_journal_flush(struct gw_journal *journal, bool sync, struct gw_err *err);

/* Drops the batch; the head goes back. */
void gw_journal_discard(struct gw_journal *journal);

/* A signed checkpoint if one is due (a key, a minute since the last, records since). Call once a second or so, between
 * batches; it is appended, not flushed. */
void gw_journal_tick(struct gw_journal *journal);

/* Opens the path anew and closes the old file, for logrotate; call between batches. The old file stays in use when that
 * fails, or when what is at the path is neither empty nor this chain up to here. */
GW_NODISCARD enum gw_status gw_journal_reopen(struct gw_journal *journal, struct gw_err *err);

/* Any thread. */
struct gw_journal_counters {
    _Atomic uint64_t syncs;
    _Atomic uint64_t bytes;
    _Atomic uint64_t files;    /* begun */
    _Atomic uint64_t given_up; /* files whose sync failed, or that couldn't be cut off after a failed write */
};
const struct gw_journal_counters *gw_journal_counters(const struct gw_journal *journal);

#endif
