/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_INSPECT_H
#define GW_JOURNAL_INSPECT_H

/*
 * Verifies audit files: one chain, in however many files and in whatever order
 * these are named, without a gateway. Constant memory: a few lines at a time.
 *
 * What it finds is named by record, file and line, the first fault only. That a
 * record was altered shows in the link of the one behind it; the newest has none,
 * so only a head (what the database, the log or /metrics knew) or a checkpoint
 * says anything of the end.
 */

#include "codec/chain.h"
#include "codec/ed25519.h"
#include "journal/record_read.h"

#define GW_INSPECT_NAMED 16

enum gw_inspect_fault {
    GW_INSPECT_GOOD,
    GW_INSPECT_EMPTY,      /* there is no record */
    GW_INSPECT_MALFORMED,  /* a line that is no record */
    GW_INSPECT_HALF,       /* the last line has no newline */
    GW_INSPECT_ALTERED,    /* a record isn't what it was */
    GW_INSPECT_MISSING,    /* records aren't there */
    GW_INSPECT_REORDERED,  /* a record stands in another place */
    GW_INSPECT_DOUBLED,    /* a record is there again */
    GW_INSPECT_CUT,        /* the chain ends before the head */
    GW_INSPECT_OTHER_HEAD, /* the record with the head's number is another */
    GW_INSPECT_NO_HEAD,    /* the chain begins behind the head */
    GW_INSPECT_SETTLEMENT, /* a record tells what became of a change that is none */
    GW_INSPECT_UNSETTLED,  /* no record tells what became of a forwarded change, and one should */
    GW_INSPECT_CHECKPOINT, /* a checkpoint doesn't hold, or is by a key that wasn't given */
    GW_INSPECT_UNSIGNED,   /* a key was given, and no checkpoint */
};

/* "good", "empty", "malformed", ...: for JSON */
const char *gw_inspect_fault_name(enum gw_inspect_fault fault);

struct gw_inspect_options {
    const char *const *paths; /* at least one; the same file twice counts once */
    size_t path_count;
    const struct gw_chain_head *head;         /* must be in the chain; NULL: none is known */
    size_t head_bytes;                        /* of its hash that are known, the first ones; 0: all */
    const struct gw_ed25519_key *const *keys; /* one of these signs every checkpoint */
    size_t key_count;                         /* 0: signatures aren't looked at */
    unsigned patience_ms;                     /* how long a line that is being written is waited for */
};

struct gw_inspect_report {
    enum gw_inspect_fault fault;
    char problem[1024]; /* in words; "" when all is good */
    uint64_t from;      /* the records that it is about; 0: none */
    uint64_t to;
    const char *path; /* where it shows; one of the options' paths, NULL: nowhere */
    uint64_t line;

    /* Up to there: */
    uint64_t files;
    uint64_t records;
    uint64_t first; /* sequence number; past 1 when older files aren't among these */
    struct gw_chain_head last;
    uint64_t changes;
    uint64_t forwarded; /* changes that went to an upstream */
    uint64_t open;      /* of these: those of which nothing is said by the end, which may be under way */
    uint64_t open_first[GW_INSPECT_NAMED]; /* the first ones */
    uint64_t settled[GW_RECORD_OUTCOMES];  /* records that say what became of one */
    uint64_t settled_elsewhere;            /* of these: of records that are too far back to look at */
    uint64_t given_up;                     /* records and broken lines behind the end of a file that was given up */
    uint64_t checkpoints;
    uint64_t vouched;  /* the newest record that a checkpoint is about, signed by a key that was given if any was */
    uint64_t gaps;     /* with keys: stretches of minutes without a checkpoint, although there were records */
    uint64_t gap_from; /* the first of them, by the records that it lies between */
    uint64_t gap_to;
};

/* GW_OK: the report says whether the chain is good. GW_E_IO: a file can't be read; err begins with its path. */
GW_NODISCARD enum gw_status gw_inspect_files(const struct gw_inspect_options *options, struct gw_inspect_report *report,
                                             struct gw_err *err);

#endif
