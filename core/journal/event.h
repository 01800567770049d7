/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_EVENT_H
#define GW_JOURNAL_EVENT_H

/*
 * The records that the journal makes of itself: eventType "AwsServiceEvent",
 * eventSource "eksgate", readOnly. What they say stands under
 * additionalEventData.eksgate (README.md lists the members).
 */

#include "base/clock.h"
#include "base/random.h"
#include "codec/json.h"

#define GW_EVENT_BEGUN      "AuditBegun"     /* a process has taken up the chain */
#define GW_EVENT_CONTINUED  "AuditContinued" /* the chain goes on in a new file, since the old one is given up */
#define GW_EVENT_ROTATED    "AuditRotated" /* the chain goes on in a new file, since the old one is full or was moved */
#define GW_EVENT_SETTLED    "ChangeSettled"   /* what became of the change of an earlier record */
#define GW_EVENT_CHECKPOINT "AuditCheckpoint" /* signs the record before it */

struct gw_event {
    const char *name;
    const struct gw_json *eksgate; /* object, not empty */
    const struct gw_clock *clock;
    const struct gw_random *random; /* for its id */
};

/* Appends the record, without its place in the chain, without newline. */
void gw_event_encode(const struct gw_event *event, struct gw_buf *out);

#endif
