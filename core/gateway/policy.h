/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_POLICY_H
#define GW_GATEWAY_POLICY_H

/*
 * What the gateway asks of policies (filled by script/hooks.c, faked in C tests),
 * and what policies may ask back (filled by the gateway). One instance of the
 * questions per worker; everything on the worker's thread.
 *
 * A failing policy is a refusal: GW_POLICY_FAILED is never treated as consent.
 */

#include "base/arena.h"
#include "base/counters.h"
#include "base/log.h"
#include "codec/arn.h"
#include "codec/json.h"

/* What policies may ask to be told before they decide (`needs`). */
enum gw_fact {
    GW_FACT_ENTRY = 1,        /* the principal's access entry */
    GW_FACT_ASSOCIATIONS = 2, /* the access policies associated with it */
    GW_FACT_CLUSTER = 4,      /* the cluster as DescribeCluster shows it */
    GW_FACT_ADMINS = 8,       /* who administers the cluster */
};

#define GW_FACT_COUNT 4 /* 1 << 0 to 1 << 3 */

/* Facts that a policy declared and wanted to read though nobody had fetched them: what it would have said isn't known.
 */
struct gw_policy_missed {
    unsigned facts;       /* bit mask of enum gw_fact */
    struct gw_str policy; /* the first that wanted one */
};

/* What a policy sees as `req`. Views into the request; valid while the call lasts. */
struct gw_policy_request {
    struct gw_str operation;
    struct gw_str account; /* of the cluster asked for */
    struct gw_str region;
    struct gw_str cluster;                /* {NULL,0}: nil */
    const struct gw_principal *principal; /* NULL: nil */
    struct gw_str caller_access_key;
    const struct gw_principal *caller; /* NULL: nil (not known) */
    const struct gw_pair *caller_tags;
    size_t caller_tag_count;
    bool caller_verified;
    const struct gw_json *input;     /* object: the operation's members under their SDK names */
    unsigned facts;                  /* bit mask of enum gw_fact: what was fetched */
    struct gw_policy_missed *missed; /* filled by the hooks; NULL: what policies need was fetched */
    /* Facts under their SDK names; NULL: known to be absent, or not fetched. */
    const struct gw_json *entry;        /* object */
    const struct gw_json *associations; /* array of objects */
    const struct gw_json *cluster_info; /* object */
    /* array of ARNs, sorted: principals that have AmazonEKSClusterAdminPolicy for the whole cluster */
    const struct gw_json *admins;
    int64_t time_s;
    struct gw_str source_ip;
    struct gw_str client_subject; /* of the client's verified TLS certificate; {NULL,0}: there is none */
    struct gw_str user_agent;
    struct gw_str request_id;
};

enum gw_policy_answer {
    GW_POLICY_DONE,
    GW_POLICY_WAITING, /* `wake` of the call is called on this thread when asking the same question again is worth it */
    GW_POLICY_FAILED,  /* `refusal` of the call says who and why */
};

enum gw_policy_verdict {
    GW_VERDICT_NONE, /* no opinion */
    GW_VERDICT_ALLOW,
    GW_VERDICT_DENY,
    GW_VERDICT_THROTTLE,
};

enum gw_policy_hook {
    GW_HOOK_AUTHORIZE,
    GW_HOOK_USERNAME,
    GW_HOOK_TAGS,
    GW_HOOK_CONFLICT,
    GW_HOOK_FAULT,
    GW_HOOK_AUDIT, /* from here on nothing is asked, only told or completed */
    GW_HOOK_OUTCOME,
    GW_HOOK_COUNT
};

/* What they are called in policies, records and reports. Inline: of this room script has nothing but this file. */
static inline const char *gw_policy_verdict_name(enum gw_policy_verdict verdict)
{
    static const char *const names[] = {
        [GW_VERDICT_NONE] = "none",
        [GW_VERDICT_ALLOW] = "allow",
        [GW_VERDICT_DENY] = "deny",
        [GW_VERDICT_THROTTLE] = "throttle",
    };

    return names[verdict];
}

static inline const char *gw_policy_hook_name(enum gw_policy_hook hook)
{
    static const char *const names[GW_HOOK_COUNT] = {
        [GW_HOOK_AUTHORIZE] = "authorize", [GW_HOOK_USERNAME] = "username", [GW_HOOK_TAGS] = "tags",
        [GW_HOOK_CONFLICT] = "conflict",   [GW_HOOK_FAULT] = "fault",       [GW_HOOK_AUDIT] = "audit",
        [GW_HOOK_OUTCOME] = "outcome",
    };

    return names[hook];
}

static inline const char *gw_policy_fact_name(enum gw_fact fact)
{
    switch (fact) {
    case GW_FACT_ENTRY:
        return "entry";
    case GW_FACT_ASSOCIATIONS:
        return "associations";
    case GW_FACT_CLUSTER:
        return "cluster";
    case GW_FACT_ADMINS:
        return "admins";
    }
    return "";
}

/* One policy's opinion, for the record. */
struct gw_policy_opinion {
    struct gw_str policy;
    enum gw_policy_verdict verdict;
    struct gw_str reason; /* {NULL,0}: none */
};

/* What a hook changed, for the record. */
struct gw_policy_change {
    struct gw_str policy;
    enum gw_policy_hook hook;
    struct gw_json before; /* null: was absent */
    struct gw_json after;
};

struct gw_policy_refusal {
    enum gw_policy_verdict verdict; /* DENY or THROTTLE; a failed script is DENY */
    bool failed;                    /* the script failed: reason is "policy failed", the log has file and line */
    struct gw_str policy;           /* "default_verdict" where no policy allowed */
    struct gw_str reason;           /* printable, at most 512 bytes */
    unsigned retry_after_s;         /* of a throttle */
};

/* What happens to a request in place of its ordinary life (mocks only); asked of policies, and given by operators. */
enum gw_fault_kind {
    GW_FAULT_NONE,
    GW_FAULT_ERROR, /* it is answered with an exception and has no effect */
    GW_FAULT_DELAY, /* it waits, then goes on */
    GW_FAULT_DROP,  /* its connection is closed without a reply and it has no effect */
};

#define GW_FAULT_DELAY_MAX_MS 60000

struct gw_fault {
    enum gw_fault_kind kind;
    struct gw_str error;   /* the exception's name, one of eks/errors.def */
    struct gw_str message; /* {NULL,0}: one that says what it is */
    unsigned delay_ms;     /* at most GW_FAULT_DELAY_MAX_MS */
};

#define GW_POLICY_OPINIONS_MAX 64
#define GW_POLICY_CHANGES_MAX  64

struct gw_fetcher;
struct gw_fetch;
struct gw_later_queue;

/* What a hook has counted for this call; the hooks' own. */
struct gw_policy_count;

/* One request's conversation with the policies. The gateway zeroes it, fills the first part, and keeps it to the end.
 */
struct gw_policy_call {
    const struct gw_policy_request *request;
    struct gw_arena *arena; /* results live here */
    void (*wake)(void *ctx);
    void *wake_ctx;

    /* filled by the hooks */
    size_t opinion_count;
    size_t change_count;
    struct gw_policy_refusal refusal;
    bool stopped;   /* a hook ran out of its budget, or couldn't give way */
    unsigned lines; /* that hooks have printed */
    void *state;    /* the hooks' own, freed by `finish` */
    struct gw_policy_count *counts;
    /* An endpoint gave no answer: the question that asked it is refused, whatever its hook makes of that. {NULL,0}:
     * nothing of the kind */
    struct gw_str fetch_error;

    /* the gateway's own */
    unsigned passes;            /* times that policies were asked from the beginning again: nothing is counted twice */
    struct gw_fetcher *fetcher; /* the endpoints; NULL: there are none */
    struct gw_fetch *fetch;     /* under way; NULL: nothing is */
    unsigned fetch_count;       /* begun since policies were asked from the beginning */
    unsigned fetch_count_all;   /* begun in all */

    /* the gateway's own, while the call waits for its turn */
    struct gw_later_queue *later_queue; /* NULL: it doesn't */
    struct gw_policy_call *later_next;
    struct gw_policy_call **later_link; /* what points to this one */

    struct gw_policy_opinion opinions[GW_POLICY_OPINIONS_MAX];
    struct gw_policy_change changes[GW_POLICY_CHANGES_MAX];
};

/* The questions. A NULL function or a policy set without such hooks means: nobody has an opinion. */
struct gw_policy_hooks {
    void *ctx;
    /* May it go on? DONE: yes. FAILED: refusal is filled (deny, throttle, failure, or nobody allowed under default
     * deny). */
    enum gw_policy_answer (*authorize)(void *ctx, struct gw_policy_call *call);
    /* A username for a STANDARD entry whose caller sent none. DONE with {NULL,0}: no policy chose one. Checked like
     * input. */
    enum gw_policy_answer (*username)(void *ctx, struct gw_policy_call *call, struct gw_str *username);
    /* Default tags; the caller's own (`sent`, may be NULL) win. DONE: `tags` holds only the additions, checked like
     * input, at most GW_TAGS_MAX together with those sent; FAILED otherwise. */
    enum gw_policy_answer (*tags)(void *ctx, struct gw_policy_call *call, const struct gw_json *sent,
                                  const struct gw_pair **tags, size_t *count);
    /* A create was refused because its principal has an entry: `adopt` says whether that entry may be the answer, which
     * it then is if it is as asked for. */
    enum gw_policy_answer (*conflict)(void *ctx, struct gw_policy_call *call, bool *adopt);
    /* A fault for this request, before `authorize`. DONE with GW_FAULT_NONE: no policy wants one. Texts live in the
     * call's arena. Only sets that were loaded for a mock have such hooks. */
    enum gw_policy_answer (*fault)(void *ctx, struct gw_policy_call *call, struct gw_fault *fault);
    /* Sees the record (object: operation, cluster, principal, caller, input, verdicts, changes, request_id, time,
     * reply?) before the reply leaves. DONE: `fields` is an object of extra fields by policy name, or null. */
    enum gw_policy_answer (*audit)(void *ctx, struct gw_policy_call *call, const struct gw_json *record,
                                   struct gw_json *fields);
    /* Told what happened (the same record with `outcome`: "applied", "answered", "refused", "failed"); can't change
     * or refuse it. A failure is logged and counted. */
    void (*outcome)(void *ctx, struct gw_policy_call *call, const struct gw_json *record);
    /* The request ended: frees call->state, clears what scripts still hold. Called once if any question was asked. */
    void (*finish)(void *ctx, struct gw_policy_call *call);
    /* True when some loaded policy has this hook for this operation: lets the gateway skip building what nobody reads.
     */
    bool (*wants)(void *ctx, enum gw_policy_hook hook, struct gw_str operation);
    /* The facts (bit mask of enum gw_fact) that the policies need which may be asked about this operation. NULL: none.
     */
    unsigned (*needs)(void *ctx, struct gw_str operation);
};

/* Counters of one worker's policies; written by its thread, read by any. */
struct gw_policy_counters {
    _Atomic uint64_t calls; /* hooks run */
    _Atomic uint64_t denied;
    _Atomic uint64_t throttled;
    _Atomic uint64_t failed;      /* raised, answered nonsense */
    _Atomic uint64_t killed_time; /* processor time */
    _Atomic uint64_t killed_memory;
};

#define GW_POLICY_FETCH_BODY_MAX ((size_t)256 << 10)

/* What an authorize hook asks of one of the configured endpoints (policy.endpoints). */
struct gw_policy_fetch {
    struct gw_str endpoint; /* its name */
    struct gw_str path;     /* goes behind the endpoint's URL; {NULL,0}: nothing does */
    bool is_post;
    struct gw_str content_type; /* of the body */
    struct gw_str body;
};

/* What came of it; zeroed by who asks. */
struct gw_policy_fetched {
    bool is_done;
    struct gw_str error; /* why there is no reply; {NULL,0}: there is one */
    unsigned status;
    struct gw_str content_type;
    struct gw_str body;
};

/* What policies may ask of the gateway. NULL functions mean it isn't offered. */
struct gw_policy_services {
    void *ctx;
    /* The hook that runs for `call` has had its slice: `wake` of the call is to be called, from the loop, once the
     * events that are ready have had their turn. NULL: nothing gives way, a hook runs on in one go (tests, replay). */
    void (*later)(void *ctx, struct gw_policy_call *call);
    /* Begins; `fetched` is filled, texts in the call's arena, and `wake` of the call called from the loop when it is
     * done. GW_OK: begun. Else err says why not: no such endpoint, too many at once. One at a time per call; what is
     * under way when the request ends is given up. */
    enum gw_status (*fetch)(void *ctx, struct gw_policy_call *call, const struct gw_policy_fetch *fetch,
                            struct gw_policy_fetched *fetched, struct gw_err *err);
    /* Of all workers; NULL: a policy that counts is refused. Runs without effect (explain, tests, replay, shadows) have
     * their own. */
    struct gw_counters *counters;
    /* A line for the operator's log from a policy; already bounded and escaped by the logger. */
    void (*log)(void *ctx, enum gw_log_level level, struct gw_str policy, struct gw_str text);
    /* A hook failed. `why` is for the operator alone: it names file and line. NULL: the log is told. */
    void (*failed)(void *ctx, const struct gw_policy_call *call, struct gw_str policy, enum gw_policy_hook hook,
                   const char *why);
};

#endif
