/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_FILTER_H
#define GW_JOURNAL_FILTER_H

/*
 * What a person wants to know of a record, and which records they want to see.
 */

#include "journal/record_read.h"

/* What policies said, a bit each. */
enum gw_filter_verdict {
    GW_FILTER_ALLOWED = 1,
    GW_FILTER_DENIED = 2,
    GW_FILTER_THROTTLED = 4,
    GW_FILTER_FAILED = 8, /* a policy that failed, which is a deny too */
};

/* Texts are {NULL,0} where the record has none; views of it, or arena. */
struct gw_filter_view {
    uint64_t sequence;
    struct gw_str time; /* eventTime */
    int64_t time_ms;    /* 0: none that can be read */
    struct gw_str operation;
    struct gw_str caller;     /* an ARN; of a stranger the access key id */
    struct gw_str access_key; /* whoever it was */
    struct gw_str cluster;
    struct gw_str principal; /* the ARN of a principal, else of a tagged resource; decoded where it came in the path */
    struct gw_str request;
    struct gw_str error; /* errorCode; {NULL,0}: it was not refused */
    unsigned status;     /* 0: none */
    unsigned verdicts;
    bool is_own; /* the gateway's own */
    bool is_change;
    bool is_forwarded;
};

/* Takes a record apart that gw_record_read has taken. arena */
void gw_filter_view(struct gw_str line, const struct gw_record_read *read, struct gw_arena *arena,
                    struct gw_filter_view *view);

enum gw_filter_outcome {
    GW_FILTER_ANY,
    GW_FILTER_ALLOW,
    GW_FILTER_DENY,
    GW_FILTER_THROTTLE,
    GW_FILTER_NONE,   /* no policy said anything */
    GW_FILTER_FAIL,   /* a policy failed */
    GW_FILTER_REFUSE, /* refused, by whomever */
    GW_FILTER_APPLIED,
    GW_FILTER_NOT_APPLIED,
    GW_FILTER_UNKNOWN,
};

/* "allow", "deny", "throttle", "none", "failed", "refused", "applied", "not-applied", "unknown"; GW_E_SYNTAX for
 * another word. */
GW_NODISCARD enum gw_status gw_filter_parse_outcome(const char *word, enum gw_filter_outcome *outcome);

/* An instant as in 2026-01-31T12:00:00Z, or a date, which begins at midnight UTC. GW_E_SYNTAX. */
GW_NODISCARD enum gw_status gw_filter_parse_time(const char *text, int64_t *ms);

/* What isn't asked for is NULL, GW_FILTER_ANY, INT64_MIN, INT64_MAX. Patterns: '*' for any text, '?' for any byte. */
struct gw_filter {
    const char *principal; /* pattern */
    const char *caller;    /* pattern, also of the access key id */
    const char *operation; /* pattern */
    const char *request;
    enum gw_filter_outcome outcome;
    int64_t since_ms; /* from then on */
    int64_t until_ms; /* before then */
    bool own;         /* the gateway's own records too */
};

/* What became of the change that a record stands for: what was told later (`settled`), else that it was applied.
 * GW_RECORD_OUTCOMES: it stands for none, or for a forwarded one of which nothing was told yet. */
enum gw_record_outcome gw_filter_became(const struct gw_filter_view *view, enum gw_record_outcome settled);

bool gw_filter_takes(const struct gw_filter *filter, const struct gw_filter_view *view, enum gw_record_outcome settled);

#endif
