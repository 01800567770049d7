/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_REPLAY_H
#define GW_CLI_REPLAY_H

/*
 * Inside of eksgate replay: the records of audit files, one after the other, become
 * requests again; other policies are asked about each; what they decide is held
 * against what the record says was decided.
 *
 *   replay_files.c    which policies
 *   replay_record.c   a record's line as a request, and the decision that it tells of
 *   replay_ask.c      the policies' decision, made as the gateway's stages make it
 *   replay_view.c     what audit hooks are given
 *   replay_report.c   what differs, and the totals
 */

#include "cli/args.h"
#include "cli/cli.h"
#include "gateway/differ.h"
#include "journal/reader.h"

/* What becomes of a record. */
enum gw_replay_kind {
    GW_REPLAY_ASKED,
    GW_REPLAY_OWN,          /* the gateway's own: no request */
    GW_REPLAY_EARLY,        /* it was answered before policies had a say */
    GW_REPLAY_UNREPLAYABLE, /* policies had a say, and the record doesn't hold what they saw */
    GW_REPLAY_DAMAGED,      /* it is no record */
    GW_REPLAY_KINDS,
};

/* Is an entry whose update is asked for one that policies may choose a username of? */
enum gw_replay_type {
    GW_REPLAY_TYPE_UNKNOWN,
    GW_REPLAY_TYPE_STANDARD,
    GW_REPLAY_TYPE_OTHER,
};

/* Is what audit hooks were given recorded? */
enum gw_replay_end {
    GW_REPLAY_END_REFUSED,  /* they can't have changed it: the request was refused before them */
    GW_REPLAY_END_RECORDED, /* all of it is */
    GW_REPLAY_END_READ,     /* replies to reads aren't */
    GW_REPLAY_END_FAILED,   /* one of them failed: the reply that it saw isn't */
};

/* A record, as a request. Views of the line, or arena. */
struct gw_replay_record {
    enum gw_replay_kind kind;
    const char *why; /* of an unreplayable one */
    const char *path;
    uint64_t line;
    uint64_t sequence;
    struct gw_str time; /* eventTime */
    struct gw_str request_id;
    struct gw_str caller_arn; /* {NULL,0}: not known */
    struct gw_eks_call call;  /* decoded */
    struct gw_principal caller;
    struct gw_policy_request request;
    enum gw_replay_type type;
    bool met_conflict; /* the create was refused because there is an entry, or that entry was the answer */
    struct gw_differ_decision before;
    enum gw_replay_end end;
    int64_t status;      /* 0: it had none yet */
    struct gw_str reply; /* JSON text; {NULL,0}: none */
};

/* What the policies that are asked now decided. */
struct gw_replay_decision {
    struct gw_differ_decision after;
    bool is_unknown;          /* it can't be told */
    struct gw_str why;        /* it can't */
    struct gw_str unknown_to; /* the policy; {NULL,0}: none in particular */
};

/* Reads a line that is a record. arena: what it points to. */
void gw_replay_record_read(const struct gw_reader_line *line, struct gw_arena *arena, struct gw_replay_record *record);

/* The policies that are asked. */
struct gw_replay_policies;

/* new: loads `options->files`; what counts are the settings of `options`, but for the budget, of which there is ten
 * times as much. */
GW_NODISCARD enum gw_status gw_replay_policies_open(const struct gw_script_options *options,
                                                    struct gw_replay_policies **policies, struct gw_err *err);
void gw_replay_policies_close(struct gw_replay_policies **policies);

/* Asks about a record of GW_REPLAY_ASKED. */
void gw_replay_ask(struct gw_replay_policies *policies, struct gw_replay_record *record, struct gw_arena *arena,
                   struct gw_replay_decision *decision);

/* What audit hooks see of a record of GW_REPLAY_END_RECORDED. `call` has what policies have said to it. arena */
void gw_replay_view(const struct gw_replay_record *record, const struct gw_policy_call *call, struct gw_arena *arena,
                    struct gw_json *view);

/* Appends the policy files of a folder, by name, or those of a list; `given` is what --policies has. arena. GW_E_IO,
 * GW_E_MISSING: there is none. */
GW_NODISCARD enum gw_status gw_replay_files(const char *given, struct gw_arena *arena, const struct gw_str **files,
                                            size_t *count, struct gw_err *err);

/* Differences and totals. */
struct gw_replay_report;

/* new: prints to stdout as it goes. */
struct gw_replay_report *gw_replay_report_new(bool is_json);
void gw_replay_report_free(struct gw_replay_report **report);
/* A record that nobody was asked about: counted, and told on stderr where that is a loss. */
void gw_replay_report_passed(struct gw_replay_report *report, const struct gw_replay_record *record);
void gw_replay_report_asked(struct gw_replay_report *report, const struct gw_replay_record *record,
                            const struct gw_replay_decision *decision, struct gw_arena *arena);
/* The totals. True when nothing would change, and everything could be told. */
bool gw_replay_report_end(struct gw_replay_report *report);
/* Records so far. */
uint64_t gw_replay_report_records(const struct gw_replay_report *report);

#endif
