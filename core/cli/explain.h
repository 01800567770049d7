/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_EXPLAIN_H
#define GW_CLI_EXPLAIN_H

/*
 * Inside of eksgate explain: one request on its way through the same checks that
 * serve makes, each of which adds to a report. The report is one JSON object;
 * explain_print.c makes text of it. Nothing is sent and nothing stored.
 */

#include "auth/explain.h"
#include "cli/cli.h"
#include "codec/transcript.h"
#include "config/config.h"
#include "gateway/router.h"

struct gw_explain {
    /* given */
    const struct gw_config *config;
    const struct gw_keyring *keyring;
    struct gw_arena *arena;
    struct gw_transcript transcript;
    bool has_body; /* else nobody knows it */
    struct gw_str body;
    struct gw_str canonical; /* the client's own; {NULL,0}: not known */
    struct gw_str string_to_sign;
    struct gw_str source_ip;
    int64_t now_ms;

    /* found out */
    struct gw_http1_request request;
    bool has_operation;
    struct gw_route route;
    struct gw_explain_report signature;
    struct gw_caller caller;
    bool has_caller;
    struct gw_eks_call call;
    bool is_decoded;
    bool goes_on;              /* neither policies nor rules refuse it */
    bool is_open;              /* something can't be told */
    struct gw_refusal refused; /* the first; status 0: none */
    struct gw_json report;
};

/* Sets a member of the report. */
void gw_explain_say(struct gw_explain *explain, const char *name, struct gw_json value);
/* Appends to the report's array `name`. */
void gw_explain_add(struct gw_explain *explain, const char *name, struct gw_json value);
/* Adds a member to an object, with a copy of the text; {NULL,0} adds nothing. */
void gw_explain_text(struct gw_explain *explain, struct gw_json *object, const char *name, struct gw_str text);
/* The client's answer, if it is the first that isn't the operation's own. */
void gw_explain_refuse(struct gw_explain *explain, unsigned status, const char *type, struct gw_str message);
/* One check of the report: `finding`, with its remark. */
void gw_explain_check(struct gw_explain *explain, const char *name, const struct gw_explain_finding *finding);

/* explain_request.c: the bytes, the operation, who asks, the input. False: nothing else can be looked at. */
bool gw_explain_http(struct gw_explain *explain);
void gw_explain_operation(struct gw_explain *explain);
void gw_explain_admission(struct gw_explain *explain);
void gw_explain_input(struct gw_explain *explain);

/* explain_compare.c: the client's own canonical request beside ours. */
void gw_explain_compare(struct gw_explain *explain);

/* explain_policies.c: asks the policies, then EKS's rules, as serve would. GW_E_SCRIPT and the like: they can't be
 * loaded. */
GW_NODISCARD enum gw_status gw_explain_policies(struct gw_explain *explain, struct gw_err *err);

/* explain_upstream.c: whether an upstream answers, by the operation, and once it is decoded by what it is about; and
 * what it would be sent. */
bool gw_explain_is_forwarded(const struct gw_explain *explain);
void gw_explain_upstream(struct gw_explain *explain);

/* explain_print.c */
void gw_explain_print(const struct gw_explain *explain);

#endif
