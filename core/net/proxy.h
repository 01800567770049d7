/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NET_PROXY_H
#define GW_NET_PROXY_H

/*
 * Where a request really comes from, as trusted intermediaries tell it: the
 * PROXY protocol, version 2 (binary), and X-Forwarded-For.
 */

#include "codec/http1.h"
#include "net/address.h"

#define GW_PROXY_MAX 2048 /* bytes of a header at most, type-length-values included */

/* Bytes of the header, as far as `data` (GW_AGAIN of gw_proxy_parse) tells: more than it has, no more than the header.
 */
size_t gw_proxy_wanted(struct gw_str data);

/* Reads a header from the front of `data`. GW_AGAIN: incomplete. GW_OK: `*length` bytes are the header; `*source` is
 * the address it carries, unchanged when it carries none (LOCAL, or a family it doesn't name). Else not one. */
GW_NODISCARD enum gw_status gw_proxy_parse(struct gw_str data, size_t *length, struct gw_address *source);

/* The source of a request that came from `peer`: unless peer is trusted, peer itself; else the rightmost address of
 * X-Forwarded-For that isn't trusted, the leftmost if all are. An element that isn't an address (a port may follow it)
 * stops the search and leaves peer. */
struct gw_address gw_proxy_source(const struct gw_http1_request *request, const struct gw_address *peer,
                                  const struct gw_cidr *trusted, size_t count);

#endif
