/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_HTTP1_REPLY_H
#define GW_CODEC_HTTP1_REPLY_H

/*
 * The head of an HTTP/1.1 reply (RFC 9112), for those of us who ask. As strict as
 * the reader of requests: a reply that could end in two places is refused, and so
 * is one that ends where the connection does, because a reply that was cut off
 * would look whole. A chunked body is for codec/http1.h.
 */

#include "codec/http1.h"

struct gw_http1_reply {
    unsigned status; /* 200 to 599: interim replies are refused, nobody here asks for them */
    unsigned minor;  /* HTTP/1.<minor>: 0 or 1 */
    bool chunked;
    uint64_t content_length;        /* 0 when chunked, and of 204 and 304 */
    size_t head_length;             /* bytes of the head, blank line included */
    struct gw_http1_request fields; /* headers, header_count and index; for gw_http1_header */
};

/* Reads a reply's head from the front of `data`, of a reply to anything but HEAD. GW_AGAIN: not complete; call again
 * with more bytes. GW_OK: `reply` is filled, its views point into `data`. GW_E_LIMIT: head or announced body are larger
 * than `limits` allow; GW_E_SYNTAX. `err` says what is wrong. Never reads past data.length. */
GW_NODISCARD enum gw_status gw_http1_reply_parse(struct gw_str data, const struct gw_http1_limits *limits,
                                                 struct gw_http1_reply *reply, struct gw_err *err);

/* The same of a proxy's reply to CONNECT, where what follows a 2xx is the tunnel (RFC 9110 9.3.6): no length is looked
 * for, content_length is 0. Another status is a refusal, whose body is of no interest. */
GW_NODISCARD enum gw_status gw_http1_reply_parse_tunnel(struct gw_str data, const struct gw_http1_limits *limits,
                                                        struct gw_http1_reply *reply, struct gw_err *err);

#endif
