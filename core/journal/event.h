/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_EVENT_H
#define GW_JOURNAL_EVENT_H

/*
 * The eventNames of the records that the journal makes of itself; eventType is
 * "AwsServiceEvent", eventSource "eksgate". README.md lists what they say.
 */

#define GW_EVENT_BEGUN      "AuditBegun"     /* a process has taken up the chain */
#define GW_EVENT_CONTINUED  "AuditContinued" /* the chain goes on in a new file, since the old one is given up */
#define GW_EVENT_ROTATED    "AuditRotated" /* the chain goes on in a new file, since the old one is full or was moved */
#define GW_EVENT_SETTLED    "ChangeSettled"   /* what became of the change of an earlier record */
#define GW_EVENT_CHECKPOINT "AuditCheckpoint" /* signs the record before it */

#endif
