/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_PASSABLE_H
#define GW_GATEWAY_PASSABLE_H

/*
 * Pass-through's rules for requests that come in (auth = "upstream"), on their own:
 * for admission, and for eksgate explain.
 */

#include "auth/verify.h"
#include "codec/http1.h"

/* True when `host` (a Host field, or what CONNECT names: with its port, which may be left out where it is the scheme's)
 * is that of the endpoint with this region filled in. */
bool gw_passable_is_host(struct gw_str endpoint, struct gw_str region, struct gw_str host);
/* The same for any of the regions that are accepted. */
bool gw_passable_is_any_host(struct gw_str endpoint, const struct gw_verify_options *options, struct gw_str host);

/* True for the id of an access key as AWS makes them, and such as emulators take: up to 128 letters, digits, '_', '-',
 * '.'. Another text may be one id to us and another to who takes the Authorization field apart elsewhere, and the
 * record would name the wrong one as verified. */
bool gw_passable_is_key_id(struct gw_str text);

/* Why the request can't go on: what was signed would be touched, or the upstream might read it otherwise than policies
 * did, since nothing is made anew on the way (fields that name another method or path, a '+' in the query, a ';', a
 * body of another type than JSON in UTF-8). NULL: it can. */
const char *gw_passable_why_not(const struct gw_http1_request *request, struct gw_str signed_headers);

/* True for a field that concerns one connection alone and stays behind: such names, and what Connection names, but for
 * what signers rely on. */
bool gw_passable_is_hop(const struct gw_http1_request *fields, struct gw_str name);

#endif
