/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_RECORD_H
#define GW_JOURNAL_RECORD_H

/*
 * One audit record in CloudTrail's shape (eks-access-entries.md section 14), with
 * eksgate's own members under additionalEventData.eksgate.
 */

#include "codec/arn.h"
#include "codec/json.h"

struct gw_record {
    bool is_own; /* the gateway's own event: no call, nobody's */
    int64_t time_ms;
    struct gw_str event_id;     /* UUID */
    struct gw_str request_id;   /* UUID */
    struct gw_str operation;    /* eventName; "Unknown" where none was matched */
    struct gw_str event_source; /* of the operation's service; {NULL,0}: EKS */
    struct gw_str region;
    struct gw_str account; /* recipientAccountId; may be {NULL,0} */
    struct gw_str source_ip;
    struct gw_str user_agent;
    bool has_caller;
    struct gw_principal caller;
    struct gw_str access_key; /* as claimed when the caller is not verified */
    bool read_only;
    struct gw_str error_code; /* {NULL,0}: it succeeded */
    struct gw_str error_message;
    const struct gw_json
        *request_parameters;         /* NULL writes null; the cluster stands under `name`, path labels stay encoded */
    struct gw_str response_elements; /* JSON text; {NULL,0} writes null */
    const struct gw_json *eksgate;   /* object, not empty: verdicts, changes, fields, ... */
};

/* Appends one line without newline; it begins with GW_CHAIN_FRONT (codec/chain.h). */
void gw_record_encode(const struct gw_record *record, struct gw_buf *out);

#endif
