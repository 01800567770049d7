/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_STATES_H
#define GW_GATEWAY_STATES_H

/*
 * The state of a mock as a whole: written out, replaced, kept under names and
 * brought back. The text is eks/state.h's. Each replacement is one change: a
 * request sees what there was before it or after it, nothing in between, and one
 * that was prepared before it is prepared anew. With a state that comes back
 * comes what the mock remembers of its making (gw_mock_history).
 *
 * Idempotency tokens go with the entries that a replacement takes away.
 * All on one thread, the admin's; before it runs, on the one that starts it.
 */

#include "gateway/gateway.h"

#define GW_STATES_NAMED_MAX 16
#define GW_STATES_NAME_MAX  64
#define GW_STATES_TEXT_MAX  ((size_t)64 << 20)  /* bytes of one */
#define GW_STATES_BYTES_MAX ((size_t)256 << 20) /* of all that have names */

struct gw_states;

struct gw_states *gw_states_new(void);
void gw_states_free(struct gw_states **states);

/* The functions below give GW_OK, or err with one line for a person: GW_E_BUSY or GW_E_IO where the writer took
 * nothing. */

/* Appends what there is now. GW_E_LIMIT: it is larger than the buffer's cap. */
GW_NODISCARD enum gw_status gw_states_write(struct gw_gateway *gateway, struct gw_buf *out, struct gw_err *err);
/* Puts the text's state in the place of what there is; gives how much that is. Anything but GW_OK, GW_E_BUSY and
 * GW_E_IO: the text is no state. */
GW_NODISCARD enum gw_status gw_states_put(struct gw_gateway *gateway, struct gw_str text, size_t *clusters,
                                          size_t *entries, struct gw_err *err);

/* True for 1 to GW_STATES_NAME_MAX letters, digits, - and _. */
bool gw_states_is_name(struct gw_str name);
/* Keeps what there is under a name, in the place of what the name stood for, and where the store is durable also for
 * the next process. GW_E_LIMIT: too many, or too large. */
GW_NODISCARD enum gw_status gw_states_keep(struct gw_gateway *gateway, struct gw_str name, struct gw_err *err);
/* GW_E_MISSING: nothing has that name. */
GW_NODISCARD enum gw_status gw_states_restore(struct gw_gateway *gateway, struct gw_str name, struct gw_err *err);
/* {"snapshots":[{"name":...,"bytes":N}]} */
void gw_states_list(const struct gw_gateway *gateway, struct gw_buf *out);

/* Back to what gw_gateway_begin_mock left, with the clusters that the configuration names now. */
GW_NODISCARD enum gw_status gw_states_reset(struct gw_gateway *gateway, struct gw_err *err);

#endif
