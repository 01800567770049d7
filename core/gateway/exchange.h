/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_EXCHANGE_H
#define GW_GATEWAY_EXCHANGE_H

/*
 * Inside of the gateway: one request on its way through the stages, and the worker
 * it is on. Nothing outside core/gateway includes this.
 */

#include "auth/sign.h"
#include "gateway/gateway.h"
#include "gateway/lanes.h"
#include "gateway/penalty.h"
#include "journal/record.h"

/* What a stage answers. */
enum gw_step {
    GW_STEP_DONE,    /* on to the next */
    GW_STEP_WAITING, /* run is called again when something happened */
    GW_STEP_FAILED,  /* `answer` is a refusal: on to record */
    GW_STEP_AGAIN,   /* `stage` was set to where to go on */
};

enum gw_stage {
    GW_STAGE_ROUTE,
    GW_STAGE_ADMIT,
    GW_STAGE_BODY, /* the server reads it; on_request goes on behind it */
    GW_STAGE_VERIFY,
    GW_STAGE_DECODE,
    GW_STAGE_FAULT,
    GW_STAGE_AUTHORIZE,
    GW_STAGE_COMPLETE,
    GW_STAGE_CHECK,
    GW_STAGE_PREPARE,
    GW_STAGE_RECORD,
    GW_STAGE_APPLY,
    GW_STAGE_SETTLE,
    GW_STAGE_REPLY,
    GW_STAGE_COUNT
};

/* What the client will be told. */
struct gw_answer {
    unsigned status;
    const char *error_type; /* NULL: none */
    struct gw_str message;  /* of an error; for the record */
    struct gw_str body;
    size_t length;          /* of a body that goes out in pieces; 0: it is all in `body` */
    unsigned retry_after_s; /* 0: no such header */
    /* of an upstream's reply; {NULL,0} else */
    struct gw_str upstream_id;
    struct gw_str content_type;
    const struct gw_http1_request *passed; /* an upstream's fields, which go on as they came; NULL: none do */
};

/* One generation of settings and policies on one worker; exchanges hold it to their end. */
struct gw_worker_policies {
    struct gw_gateway_settings *settings; /* held */
    void *instance;
    const struct gw_policy_hooks *hooks; /* NULL: no policies */
    void *shadow_instance;
    const struct gw_policy_hooks *shadow_hooks; /* NULL: there is no second set */
    bool failed;                                /* they couldn't be made: whatever would be asked is refused */
    struct gw_fetcher *fetcher;                 /* NULL: there are no endpoints */
    size_t holders;
    _Atomic uint64_t *open; /* the worker's count of those that there are */
};

struct gw_keys_snapshot {
    struct gw_keyring *keyring;
    uint64_t generation;
};

struct gw_gateway {
    struct gw_gateway_options options;
    struct gw_epoch *epoch;
    struct gw_store *store;
    struct gw_journal *journal; /* the writer's; here for its counters. NULL: no audit */
    struct gw_commit *commit;
    struct gw_router *router;
    const struct gw_clock *clock;
    const struct gw_random *random;
    struct gw_counters *counters; /* of policies; outlive reloads */
    struct gw_penalty *penalty;   /* callers whose requests were stopped */
    struct gw_counters *shadow_counters;
    struct gw_mock *mock;              /* NULL: nothing is faked; the same for states */
    struct gw_states *states;          /* a mock's as a whole (states.h) */
    struct gw_overlay_memory *overlay; /* NULL: this gateway is none */
    struct gw_lanes *lanes;            /* of forwarded changes; NULL: nothing is forwarded */
    _Atomic(struct gw_gateway_settings *) settings;
    _Atomic(struct gw_keys_snapshot *) keys;
    _Atomic uint64_t generation;
    struct gw_worker *workers[GW_GATEWAY_WORKERS_MAX];
    _Atomic size_t worker_count;
};

struct gw_later_queue {
    struct gw_policy_call *first;
    struct gw_policy_call **last; /* where the next one is linked to; NULL: nothing was queued yet */
    size_t count;
};

/* What a worker keeps for the second set (shadow.h). */
struct gw_shadow_watch {
    struct gw_policy_services services;
    struct gw_policy_counters counters;
    int64_t rests_until_ms;
    bool has_told;
    int64_t told_ms;
    uint64_t untold; /* lines, since then */
};

/* Whose turn it is to run hooks. */
struct gw_later {
    struct gw_later_queue fresh; /* calls with something to run for which there was no time */
    struct gw_later_queue ran;   /* calls whose hooks had a slice and gave way */
    struct gw_policy_call *next; /* its turn has come; NULL: nobody's */
    uint64_t turn;               /* of the loop, in which hooks took spent_ns */
    int64_t spent_ns;
    int64_t began_ns; /* 0: no question is being asked */
};

struct gw_worker {
    struct gw_gateway *gateway;
    struct gw_loop *loop;
    struct gw_server *server;
    struct gw_epoch_reader *reader;
    struct gw_verifier *verifier;
    struct gw_signer *signer;
    struct gw_upstream *upstream; /* NULL: there is none, or the worker ends */
    struct gw_forward_bell *bell; /* with `upstream` */
    struct gw_exchange *awaiting; /* exchanges that wait for credentials */
    struct gw_exchange *in_lane;  /* exchanges that wait for other changes (forward_lane.c) */
    struct gw_buf upstream_head;  /* scratch for the heads of forwarded requests; wiped after use */
    struct gw_commit_port *port;
    struct gw_worker_policies *policies;
    struct gw_policy_services services;
    struct gw_fetch_room *fetches;
    struct gw_later later;
    struct gw_shadow_watch shadow;
    struct gw_metrics metrics;
    struct gw_exchange *delayed; /* exchanges that an injected delay holds up */
    struct gw_buf head;          /* scratch for reply heads */
    struct gw_buf record;        /* scratch for records */
    int64_t date_s;              /* second that `date` is of */
    char date[40];               /* "Date: ...\r\n" */
    uint64_t id_state[4];
    /* bounded records of strangers */
    int64_t strangers_tokens; /* thousandths of a record */
    int64_t strangers_filled_ms;
    uint64_t strangers_suppressed;
    int64_t strangers_told_ms;
    _Atomic bool drain;
    _Atomic bool accepts_no_more;
    bool draining;
};

struct gw_exchange {
    struct gw_worker *worker;
    struct gw_conn *conn;
    struct gw_arena *arena;
    enum gw_stage stage;
    char request_id[37];
    bool op_known;
    bool caller_known; /* who asks is settled: its signature held, nobody is asked for one, or the upstream will tell */
    bool refused;
    struct {
        const char *at;   /* the stage; NULL: it wasn't */
        struct gw_str by; /* the policy whose word it is; {NULL,0}: nobody's */
        bool failed;      /* that policy has failed */
    } refusal;
    bool unrecordable; /* the writer could not take its record: none is made for the answer either */
    bool viewed;       /* call.input and call.request_parameters are filled */
    bool username_asked;
    bool in_pieces;           /* the reply has begun: what is left of it follows, or it breaks off */
    bool adopted;             /* the answer to a create is the entry that was there */
    bool fault_taken;         /* the operator's faults have counted it */
    enum gw_fault_kind fault; /* what was injected; NONE: nothing was */
    unsigned attempts;
    unsigned restarts; /* times that policies were asked anew because what they were told no longer held */
    struct gw_route route;
    struct gw_verify verify;
    uint64_t keys_generation;
    struct gw_caller caller;
    struct gw_eks_call call;
    struct gw_eks_result result;
    struct gw_answer answer;
    struct gw_worker_policies *policies; /* its generation, held from VERIFY on; NULL before */
    struct gw_policy_request policy_request;
    struct gw_eks_facts facts;          /* what policies were told; nothing asked: none needed any */
    struct gw_arena facts_arena;        /* theirs: fetched again, they take no more memory */
    struct gw_policy_call *policy_call; /* NULL: no question was asked */
    bool told;                          /* policy_request and facts are filled */
    bool policies_wait;                 /* a question answered that it waits */
    bool is_barred;                     /* the caller's requests were stopped too often: no hook runs */
    bool record_waits;                  /* the audit hooks' did */
    struct gw_shadow *shadow;           /* what the second set said; NULL: it wasn't asked */
    struct gw_json record_view;         /* what audit and outcome hooks see; null until built */
    struct gw_json fields;              /* what audit hooks added */
    struct gw_str record;               /* the line for the audit file; {NULL,0}: none */
    struct gw_commit_job job;
    struct gw_forward *forward; /* NULL: the store answers, or it isn't built yet */
    struct gw_forward_facts *forward_facts;
    struct gw_forward_admins *forward_admins;
    /* a change that is one of several in a lane */
    bool is_in_lane;
    bool is_late_in_lane;
    struct gw_lane_place lane_place;
    struct gw_loop_timer *lane_timer; /* while it waits; the same for the next two */
    struct gw_exchange *next_in_lane;
    struct gw_exchange **in_lane_link;
    struct gw_exchange *next_awaiting; /* of the worker's `awaiting` */
    bool is_awaiting;
    struct gw_overlay *overlay; /* NULL: not begun, or this gateway is none */
    /* while an injected delay lasts */
    struct gw_loop_timer *delay;
    struct gw_exchange *next_delayed;
    struct gw_exchange **delayed_link; /* what points to this one */
};

/* exchange.c */
void gw_exchange_handler(struct gw_worker *worker, struct gw_server_handler *handler);
/* Runs a waiting exchange on, from the stage that waited; on the worker's thread, from the loop (not from inside a
 * stage). */
void gw_exchange_resume(void *ctx);
/* The answer is a refusal, of the stage that the exchange is at. */
void gw_exchange_refuse(struct gw_exchange *exchange);

/* stages.c: one function per stage, listed in exchange.c */
enum gw_step gw_stage_route(struct gw_exchange *exchange);
enum gw_step gw_stage_admit(struct gw_exchange *exchange);
enum gw_step gw_stage_verify(struct gw_exchange *exchange);
enum gw_step gw_stage_decode(struct gw_exchange *exchange);
enum gw_step gw_stage_authorize(struct gw_exchange *exchange);
enum gw_step gw_stage_complete(struct gw_exchange *exchange);
enum gw_step gw_stage_check(struct gw_exchange *exchange);
enum gw_step gw_stage_prepare(struct gw_exchange *exchange);
enum gw_step gw_stage_apply(struct gw_exchange *exchange);
enum gw_step gw_stage_settle(struct gw_exchange *exchange);
enum gw_step gw_stage_reply(struct gw_exchange *exchange);
/* True where policies may choose the username. */
bool gw_stage_takes_username(const struct gw_exchange *exchange);
/* True for a change that goes to an upstream, unless it was refused here. */
bool gw_stage_forwards(const struct gw_exchange *exchange);
/* The writer didn't take the job: a refusal stays a refusal, anything else is not done. */
enum gw_step gw_stage_not_written(struct gw_exchange *exchange, enum gw_status status);
/* Takes up what the writer did with the job. */
enum gw_step gw_stage_applied(struct gw_exchange *exchange);

/* admission.c: who is let in, before the body is there and behind it; a pair per enum gw_gateway_auth. */
enum gw_step gw_admit_signed(struct gw_exchange *exchange);
enum gw_step gw_verify_signed(struct gw_exchange *exchange);
enum gw_step gw_admit_anybody(struct gw_exchange *exchange);
enum gw_step gw_verify_anybody(struct gw_exchange *exchange);
enum gw_step gw_admit_passed(struct gw_exchange *exchange);
enum gw_step gw_verify_passed(struct gw_exchange *exchange);

/* gateway.c: what core/eks is told of the world. Inside an epoch. */
struct gw_eks_env gw_gateway_env(const struct gw_gateway *gateway, const struct gw_gateway_settings *settings);

/* stages.c: the same, for the exchange's gateway. */
struct gw_eks_env gw_exchange_env(const struct gw_exchange *exchange);

/* fault.c: injected faults */
enum gw_step gw_stage_fault(struct gw_exchange *exchange);
/* Carries out a fault of a request whose call is decoded, in a stage of its own: DONE: go on (no fault, no delay left);
 * WAITING: the stage runs again when the delay is over; FAILED: the answer is the fault. At most one per request. */
enum gw_step gw_fault_carry_out(struct gw_exchange *exchange, const struct gw_fault *fault);
/* The exchange ends: nothing wakes it any more. */
void gw_fault_forget(struct gw_exchange *exchange);
/* Ends all delays of a worker that drains. */
void gw_fault_hurry(struct gw_worker *worker);

/* note.c: a mock keeps what was asked and answered; nothing elsewhere. */
void gw_note_request(struct gw_exchange *exchange);

/* asks.c: the policies' side of an exchange */
/* What a stage answers after a question; a failed one has filled the answer. */
enum gw_step gw_asks_step(struct gw_exchange *exchange, enum gw_policy_answer answer);
bool gw_asks_wanted(struct gw_exchange *exchange, enum gw_policy_hook hook);
/* What policies need to know before they are asked: bits of enum gw_eks_fact. */
unsigned gw_asks_needs(struct gw_exchange *exchange);
/* Fills what every policy is told, facts aside; and facts. */
void gw_asks_describe(struct gw_exchange *exchange, struct gw_policy_request *request);
void gw_asks_tell_facts(struct gw_policy_request *request, const struct gw_eks_facts *facts);
/* The conversation, begun on first use. */
struct gw_policy_call *gw_asks_call(struct gw_exchange *exchange);
/* True while what policies were told holds. Inside an epoch. */
bool gw_asks_facts_hold(const struct gw_exchange *exchange);
/* Takes back what policies said and chose: the next question is asked on fresh facts. Their budget stays what is left.
 */
void gw_asks_restart(struct gw_exchange *exchange);
/* True when policies would be asked, but not for this caller now: gw_asks_refused says why. */
bool gw_asks_barred(struct gw_exchange *exchange);
/* Around a question: gw_asks_step(exchange, gw_asks_begin(exchange) ? hooks->authorize(...) : GW_POLICY_WAITING). */
bool gw_asks_begin(struct gw_exchange *exchange);
/* Fills the answer from the call's refusal; returns GW_STEP_FAILED. */
enum gw_step gw_asks_refused(struct gw_exchange *exchange);
void gw_asks_finish(struct gw_exchange *exchange);

/* later.c */
/* `later` of gw_policy_services; ctx is the worker. */
void gw_later_add(void *ctx, struct gw_policy_call *call);
/* It isn't woken any more. Accepts NULL. */
void gw_later_forget(struct gw_policy_call *call);
/* Before a question is asked for the call, or goes on. False: not in this turn of the loop; the call is woken when it
 * may. */
bool gw_later_begin(struct gw_worker *worker, struct gw_policy_call *call);
/* The same for what can't wait. */
void gw_later_watch(struct gw_worker *worker);
/* After the question, asked or not. */
void gw_later_end(struct gw_worker *worker);
/* At the end of a turn of the loop, outside an epoch. */
void gw_later_run(struct gw_worker *worker);

/* audit.c */
enum gw_step gw_stage_record(struct gw_exchange *exchange);
/* True: hooks are to be told, in another turn of the loop; the exchange goes on then. Inside an epoch. */
bool gw_audit_outcome_queues(struct gw_exchange *exchange);
void gw_audit_outcome(struct gw_exchange *exchange, const char *outcome);
/* audit_kept.c: adds to a record's own members what another set of policies would have to know about the request, to be
 * asked about it later (eksgate replay), and who refused it at which stage. `with_facts`: what the policies were told
 * of the world goes in, too. */
void gw_audit_keep(struct gw_exchange *exchange, const struct gw_record *record, bool with_facts,
                   struct gw_json *object);
/* Every second: tells how many strangers' refusals were only counted. */
void gw_audit_tick(struct gw_worker *worker);

/* answer.c */
static inline size_t gw_answer_length(const struct gw_answer *answer)
{
    return answer->length > 0 ? answer->length : answer->body.length;
}
enum gw_step gw_answer_error(struct gw_exchange *exchange, enum gw_eks_error_code code, struct gw_str message);
enum gw_step gw_answer_eks_error(struct gw_exchange *exchange, const struct gw_eks_error *error);
enum gw_step gw_answer_refusal(struct gw_exchange *exchange, const struct gw_refusal *refusal);
/* A refusal whose type is no exception of the EKS model (HTTP level). */
enum gw_step gw_answer_http(struct gw_exchange *exchange, unsigned status, const char *error_type,
                            struct gw_str message);
/* The head, with a Content-Length of `length`, and the body's first bytes. Inside an epoch. */
enum gw_conn_flow gw_answer_begin(struct gw_exchange *exchange, size_t length, struct gw_str first);
/* The whole answer; or the end of one that has begun, which is broken off if it turned into a refusal. */
void gw_answer_send(struct gw_exchange *exchange);
void gw_answer_ids(struct gw_worker *worker, char request_id[37]);

/* gateway.c: inside an epoch. Those of the exchange's generation, once it has one. */
static inline const struct gw_gateway_settings *gw_exchange_settings(const struct gw_exchange *exchange)
{
    if (exchange->policies != NULL)
        return exchange->policies->settings;
    return atomic_load_explicit(&exchange->worker->gateway->settings, memory_order_acquire);
}

static inline const struct gw_keys_snapshot *gw_exchange_keys(const struct gw_exchange *exchange)
{
    return atomic_load_explicit(&exchange->worker->gateway->keys, memory_order_acquire);
}

/* gateway.c: one holder more, inside an epoch that saw them as the gateway's; one less. */
void gw_gateway_settings_hold(struct gw_gateway_settings *settings);
void gw_gateway_settings_drop(struct gw_gateway_settings *settings);

/* worker.c: the current generation, for a request; opened when the settings changed. Inside an epoch. */
struct gw_worker_policies *gw_worker_policies_hold(struct gw_worker *worker);
void gw_worker_policies_drop(struct gw_worker_policies *policies);

#endif
