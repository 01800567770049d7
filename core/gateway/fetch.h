/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_FETCH_H
#define GW_GATEWAY_FETCH_H

/*
 * Questions of policies to other services: `fetch` of struct gw_policy_services.
 * Operators name the services (policy.endpoints), policies say which of them and a
 * path below its URL; nothing that a policy or a client says leads elsewhere.
 *
 * Everything is on the worker's loop. The number under way is bounded, each ends
 * within its endpoint's time, and none outlives its request. What doesn't bring a
 * whole reply is an error; the script's side makes a refusal of that.
 *
 *   fetch.c            what is under way
 *   fetch_endpoints.c  the endpoints, and which paths go behind their URLs
 */

#include "gateway/policy.h"
#include "upstream/upstream.h"

#define GW_FETCH_ENDPOINTS_MAX   32
#define GW_FETCH_NAME_MAX        64
#define GW_FETCH_PATH_MAX        1024
#define GW_FETCH_PER_REQUEST     8   /* each time that its policies are asked from the beginning */
#define GW_FETCH_PER_REQUEST_ALL 64  /* of all these times */
#define GW_FETCH_PER_ENDPOINT    128 /* under way at once, of one worker */
#define GW_FETCH_PER_WORKER      512
#define GW_FETCH_TIMEOUT_MS      1000
#define GW_FETCH_TIMEOUT_MIN_MS  10
#define GW_FETCH_TIMEOUT_MAX_MS  10000
#define GW_FETCH_REPLY_BYTES     65536
#define GW_FETCH_REPLY_BYTES_MIN 64
#define GW_FETCH_REPLY_BYTES_MAX 1048576
#define GW_FETCH_FIELDS_MAX      16
#define GW_FETCH_FIELD_BYTES_MAX 8192 /* name and value */

/* One of policy.endpoints. */
struct gw_fetch_endpoint {
    struct gw_str name;
    struct gw_upstream_target target;
    struct gw_str base; /* of its URL, in front of every path: "" or "/v1/data" */
    struct gw_str
        ca_file; /* of an https one: authorities in the place of the system's; NUL behind it; {NULL,0}: those */
    struct gw_str fields; /* header fields, each with its CRLF; a secret */
    unsigned timeout_ms;
    size_t reply_bytes;
};

/* Letters, digits, '.', '_' and '-'. */
bool gw_fetch_is_name(struct gw_str text);
/* What may go behind an endpoint's URL: it begins with '/', is printable ASCII and, however it is decoded, stays below
 * that URL; a query may follow. */
bool gw_fetch_is_path(struct gw_str text);
/* A field's name that isn't one of those that are filled in, or that decide where a message ends. */
bool gw_fetch_is_field_name(struct gw_str text);
bool gw_fetch_is_field_value(struct gw_str text);

/* Endpoints as they are at one time; immutable, counted, any thread. */
struct gw_fetch_endpoints;

/* new: a copy, with the certificates that the files of authorities hold now. err begins with the endpoint's name. */
GW_NODISCARD enum gw_status gw_fetch_endpoints_new(const struct gw_fetch_endpoint *items, size_t count,
                                                   struct gw_fetch_endpoints **endpoints, struct gw_err *err);
struct gw_fetch_endpoints *gw_fetch_endpoints_hold(struct gw_fetch_endpoints *endpoints); /* NULL gives NULL */
void gw_fetch_endpoints_release(struct gw_fetch_endpoints **endpoints);                   /* accepts NULL */

size_t gw_fetch_endpoints_count(const struct gw_fetch_endpoints *endpoints);
/* `count` when there is no such endpoint. */
size_t gw_fetch_endpoints_find(const struct gw_fetch_endpoints *endpoints, struct gw_str name);
const struct gw_fetch_endpoint *gw_fetch_endpoints_get(const struct gw_fetch_endpoints *endpoints, size_t index);
/* borrows; NULL for http */
struct gw_tls_context *gw_fetch_endpoints_tls(const struct gw_fetch_endpoints *endpoints, size_t index);

/* Counters of one worker; written by its thread, read by any. */
struct gw_fetch_counters {
    _Atomic uint64_t begun;
    _Atomic uint64_t failed; /* those that weren't begun too */
    _Atomic uint64_t ms;     /* that all which ended took together */
    _Atomic uint64_t under_way;
};

/* What is under way on one worker, of whatever generation of its policies. */
struct gw_fetch_room;

/* new; `counters` is borrowed. */
struct gw_fetch_room *gw_fetch_room_new(struct gw_loop *loop, struct gw_fetch_counters *counters);
/* After every fetcher of it. */
void gw_fetch_room_free(struct gw_fetch_room **room);

/* The endpoints of one generation, with the connections that are kept to them. */
struct gw_fetcher;

/* new: holds the endpoints; NULL for NULL. */
struct gw_fetcher *gw_fetcher_new(struct gw_fetch_room *room, struct gw_fetch_endpoints *endpoints);
/* Once no call has it any more. From the loop, not from within `wake` of one of its calls' fetches. Accepts NULL. */
void gw_fetcher_free(struct gw_fetcher **fetcher);

/* As `fetch` of struct gw_policy_services; goes by call->fetcher. */
enum gw_status gw_fetch_begin(void *ctx, struct gw_policy_call *call, const struct gw_policy_fetch *asked,
                              struct gw_policy_fetched *fetched, struct gw_err *err);
/* The request ends: what is under way for it is given up, nothing is filled or woken any more. */
void gw_fetch_forget(struct gw_policy_call *call);

#endif
