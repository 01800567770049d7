/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_RECORD_READ_H
#define GW_JOURNAL_RECORD_READ_H

/*
 * What a record of the audit file says of the chain: its place, and the members of
 * additionalEventData.eksgate that others of its records depend on.
 *
 *   "change":true                                                      it stands for a change
 *   "forwarded":true                                                   it stands for one that an upstream makes
 *   "settles":N,"outcome":"applied"|"not applied"|"unknown"            what became of record N's
 *   "checkpoint":{...}                                                 a signature (checkpoint.h)
 *   "continues":{"after":N,...}                                        the file before ends at N, the rest of it is
 * void "begun":{...}                                                      a gateway started
 */

#include "base/arena.h"
#include "journal/checkpoint.h"

enum gw_record_outcome {
    GW_RECORD_APPLIED,
    GW_RECORD_NOT_APPLIED,
    GW_RECORD_UNKNOWN,
    GW_RECORD_OUTCOMES, /* how many there are */
};

/* "applied", "not applied", "unknown" */
const char *gw_record_outcome_name(enum gw_record_outcome outcome);

#define GW_RECORD_TIME_MAX 32 /* bytes of a checkpoint's time */

struct gw_record_checkpoint {
    struct gw_chain_head head; /* the record that it vouches for, and all before */
    char time[GW_RECORD_TIME_MAX + 1];
    char key[GW_CHECKPOINT_KEY_ID + 1];
    unsigned char signature[GW_ED25519_SIGNATURE];
};

/* Points to nothing. */
struct gw_record_read {
    struct gw_chain_head head; /* its own sequence number, and the hash of its line */
    unsigned char previous[GW_DIGEST_SIZE];
    int64_t time_ms; /* eventTime; 0: none that can be read */
    bool is_change;
    bool is_forwarded; /* not of a record that says what became of one */
    bool is_begun;
    struct {
        uint64_t after;
        uint64_t up_to; /* 0: none */
    } undone;
    uint64_t settles; /* 0: nothing */
    enum gw_record_outcome outcome;
    bool continues;
    uint64_t after;
    bool has_checkpoint;
    struct gw_record_checkpoint checkpoint;
};

/* Reads a line without its newline. GW_E_SYNTAX: it doesn't begin as records do, is no JSON, or one of the members
 * above isn't as above; err says what. `arena` is used during the call. */
GW_NODISCARD enum gw_status gw_record_read(struct gw_str line, struct gw_arena *arena, struct gw_record_read *read,
                                           struct gw_err *err);

/* The text of an object's member; {NULL,0} when there is none, or `object` is no object. A view of `object`, which is
 * JSON. */
struct gw_str gw_record_member(struct gw_str object, const char *name, struct gw_arena *arena);

/* The string that a member's text stands for: a view of it, or arena. {NULL,0} when it is no string, or one with a NUL.
 */
struct gw_str gw_record_string(struct gw_str text, struct gw_arena *arena);

#endif
