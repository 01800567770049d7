/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_HTTP1_READER_H
#define GW_CODEC_HTTP1_READER_H

/*
 * A whole reply, put together from pieces as they come from a connection: head by
 * codec/http1_reply.h, body by its length or its chunks. The bytes are copied to
 * an arena, so the piece may go at once. A byte behind the reply is an error:
 * nothing was asked for that it could belong to.
 *
 * A large body may also be passed on as it comes: where its length, told by the
 * head, is above `offer_above` and not all of it is there, take gives GW_AGAIN with
 * `offered` set, and before it is called again the owner says gw_http1_reader_split
 * or gw_http1_reader_gather. Chunked bodies are never offered: their length isn't
 * known when the head is.
 */

#include "base/arena.h"
#include "codec/http1_reply.h"

struct gw_http1_reader {
    /* by the caller */
    struct gw_http1_limits limits;
    struct gw_arena *arena;
    struct gw_http1_reply *reply; /* GW_OK: filled, its views point into the arena */

    struct gw_str body; /* GW_OK: after transfer decoding, or the last bytes of one that was split; arena */
    size_t offer_above; /* set behind begin, which makes it SIZE_MAX: none is offered */
    bool offered;

    /* its own */
    char *at; /* the head and, unless it is chunked, the body */
    size_t length;
    size_t room;
    bool has_head;
    bool is_split;
    struct gw_http1_chunks chunks;
    struct gw_buf chunked; /* what the chunks held */
};

/* No memory is taken yet. */
void gw_http1_reader_init(struct gw_http1_reader *reader, const struct gw_http1_limits *limits);
void gw_http1_reader_fini(struct gw_http1_reader *reader);

/* Another reply begins. */
void gw_http1_reader_begin(struct gw_http1_reader *reader, struct gw_arena *arena, struct gw_http1_reply *reply);

/* GW_OK: the reply is whole, and nothing followed it. GW_AGAIN: more is needed. Else `err` says what is wrong with the
 * reply ("its ..."); nothing may be taken afterwards. */
GW_NODISCARD enum gw_status gw_http1_reader_take(struct gw_http1_reader *reader, struct gw_str bytes,
                                                 struct gw_err *err);

/* The body is passed on: gives what of it came with the head. From now on what take is given belongs to the body where
 * it gives GW_AGAIN, and nothing of it is kept; with GW_OK `body` has the last bytes. */
struct gw_str gw_http1_reader_split(struct gw_http1_reader *reader);
/* The body is put together as ever. */
void gw_http1_reader_gather(struct gw_http1_reader *reader);

/* The connection may carry another request: HTTP/1.1, and no "close" in any Connection field. */
bool gw_http1_reply_keeps(const struct gw_http1_reply *reply);

#endif
