/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_SHADOW_H
#define GW_GATEWAY_SHADOW_H

/*
 * A second set of policies that runs beside the first, without effect: each
 * request is put to it too (authorize, username, tags), and where it decides
 * otherwise the record says so (`eksgate.shadow`), in the form of differ.h; of
 * requests without a record the log does, at most once a second and worker.
 *
 * It costs a request at most GW_SHADOW_CPU_MS of processor time, in one go. After a
 * hook that took that, or all of its memory, it rests for GW_SHADOW_REST_MS. What
 * can't be known isn't guessed: that it asks an endpoint, or needs facts that an
 * upstream would have to be asked for and the first set doesn't need. Then
 * `eksgate.shadow` is {"unknown":"..."}; where a record has no room for it,
 * {"omitted":true}.
 */

#include "gateway/exchange.h"

#define GW_SHADOW_REST_MS  100
#define GW_SHADOW_TELL_MS  1000
#define GW_SHADOW_ASKS_MAX 3 /* per request: decisions that are taken back */

/* Of a worker that is made. */
void gw_shadow_begin(struct gw_worker *worker);

/* Opens the second set of a generation, if there is one. A set that can't be opened is logged and left out. */
void gw_shadow_open(struct gw_worker *worker, struct gw_worker_policies *policies);
void gw_shadow_close(struct gw_worker_policies *policies);

/* The second set is to be asked about this decision. */
bool gw_shadow_is_due(const struct gw_exchange *exchange);

/* In the stage authorize, once the first set has been told what it needs. Once per decision. */
void gw_shadow_ask(struct gw_exchange *exchange);

/* The decision is taken back: what the second set said, too. */
void gw_shadow_forget(struct gw_exchange *exchange);

/* In the stage record: compares and counts. Once per request. */
void gw_shadow_compare(struct gw_exchange *exchange);

/* The record's member; null: there is nothing to say. */
struct gw_json gw_shadow_member(const struct gw_exchange *exchange);

/* There will be no record. */
void gw_shadow_tell(struct gw_exchange *exchange);

#endif
