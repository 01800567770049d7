/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_REQUESTS_H
#define GW_GATEWAY_REQUESTS_H

/*
 * The last requests that a mock has answered, for tests that ask what their
 * subject did. Bounded by number and by bytes: the oldest fall out, and how many
 * did is told. Any thread.
 */

#include "base/buf.h"

#define GW_REQUESTS_BYTES_MAX ((size_t)4 << 20)
/* A request's bytes at most; longer ones are noted without their bodies. */
#define GW_REQUESTS_ONE_MAX ((size_t)256 << 10)

struct gw_requests;

/* What can be asked for; of a note {NULL,0} where it has none, of a question where it doesn't matter. */
struct gw_requests_names {
    struct gw_str operation;
    struct gw_str principal;
    struct gw_str cluster;
};

/* new: keeps `max` at most; 0 keeps none. */
struct gw_requests *gw_requests_new(size_t max);
void gw_requests_free(struct gw_requests **requests);

/* Notes one; `text` is its JSON object. Copies. */
void gw_requests_add(struct gw_requests *requests, const struct gw_requests_names *names, struct gw_str text);
void gw_requests_clear(struct gw_requests *requests);

/* {"requests":[...],"dropped":N}: those with these names, oldest first; of all that ever were, how many fell out. */
void gw_requests_encode(struct gw_requests *requests, const struct gw_requests_names *names, struct gw_buf *out);

#endif
