/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_PASS_H
#define GW_GATEWAY_PASS_H

/*
 * Pass-through (auth = "upstream"): a request that its caller has signed for the
 * upstream's own host goes on as the bytes that it came as, and the upstream's reply
 * comes back as it is. What concerns one connection alone (RFC 9110 7.6.1) is left
 * out on both ways; none of it may be signed, so that a signature holds behind us
 * exactly when it would without us.
 *
 * Inside of the gateway, like exchange.h.
 */

#include "gateway/forward.h"
#include "gateway/passable.h"

/* The head that goes on: the request line and the fields as they came, in their order, without those of the connection.
 * A body that came in chunks gets its length in their place. GW_E_LIMIT: larger than the buffer takes. */
GW_NODISCARD enum gw_status gw_pass_append_head(const struct gw_http1_request *request, size_t body_length,
                                                struct gw_buf *head);

/* Fills `forward` with the exchange's own request. */
void gw_pass_build(struct gw_exchange *exchange, struct gw_forward *forward);

/* True when the reply, whose error says `message`, is one that only a caller gets whom the upstream has verified: a
 * success, an error of EKS's about what was asked, a denial that names the caller. A refusal of the signature isn't,
 * nor is a failure, a throttling, a denial in other words, or a type of error that isn't known. */
bool gw_pass_is_vouched_for(const struct gw_upstream_call *call, struct gw_str message);

/* What the record that settles a forwarded change says of its caller. */
enum gw_journal_maker gw_pass_maker(const struct gw_exchange *exchange);

/* Appends the head of the upstream's reply, with this gateway's request id. */
void gw_pass_put_head(const struct gw_exchange *exchange, struct gw_buf *head);

#endif
