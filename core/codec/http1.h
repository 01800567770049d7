/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_HTTP1_H
#define GW_CODEC_HTTP1_H

/*
 * HTTP/1.1 messages: bytes to a request head, chunked bodies to bytes, a reply to
 * bytes. No I/O. The reader is strict: whatever two parsers could read
 * differently is refused (RFC 9110, RFC 9112; http-front-door notes in
 * core/README.md). Views point into the bytes given, which must stay in place.
 */

#include "base/buf.h"
#include "base/str.h"

#define GW_HTTP1_HEADERS_MAX   128  /* hard bound of header fields; the setting may be lower */
#define GW_HTTP1_CHUNK_LINE    4096 /* bytes of a chunk's size line, extensions and CRLF included */
#define GW_HTTP1_TRAILER_BYTES 8192 /* bytes of the trailer section */

enum gw_method {
    GW_METHOD_GET,
    GW_METHOD_HEAD,
    GW_METHOD_POST,
    GW_METHOD_PUT,
    GW_METHOD_DELETE,
    GW_METHOD_OPTIONS,
    GW_METHOD_PATCH,
    GW_METHOD_OTHER, /* a token that is none of these; CONNECT and TRACE too */
};

/* Header fields that the program looks at; each at most once in a request, a repeated one is refused. */
enum gw_header_id {
    GW_HEADER_OTHER = 0, /* any other name; may repeat */
    GW_HEADER_HOST,
    GW_HEADER_AUTHORIZATION,
    GW_HEADER_CONTENT_LENGTH,
    GW_HEADER_CONTENT_TYPE,
    GW_HEADER_TRANSFER_ENCODING,
    GW_HEADER_EXPECT,
    GW_HEADER_DATE,
    GW_HEADER_X_AMZ_DATE,
    GW_HEADER_X_AMZ_SECURITY_TOKEN,
    GW_HEADER_X_AMZ_CONTENT_SHA256,
    GW_HEADER_USER_AGENT,
    GW_HEADER_ORIGIN,
    GW_HEADER_SEC_FETCH_SITE,
    GW_HEADER_X_EKSGATE_ADMIN,
    GW_HEADER_CONNECTION,      /* may repeat */
    GW_HEADER_X_FORWARDED_FOR, /* may repeat */
    GW_HEADER_COUNT
};

struct gw_header {
    struct gw_str name;  /* as sent, a token */
    struct gw_str value; /* optional whitespace around it cut; no control bytes inside but HTAB */
    enum gw_header_id id;
};

struct gw_http1_limits {
    size_t head_bytes; /* request line, fields and the blank line */
    size_t headers;    /* at most GW_HTTP1_HEADERS_MAX */
    size_t body_bytes; /* after transfer decoding */
};

struct gw_http1_request {
    enum gw_method method;
    struct gw_str method_text;
    struct gw_str target; /* origin form, as sent; of absolute form the part from the path on, or "/" */
    struct gw_str path;   /* target up to the first '?', undecoded */
    struct gw_str query;  /* behind the '?'; {NULL,0} when there is none */
    struct gw_str host;   /* the one Host value, as sent */
    unsigned minor;       /* HTTP/1.<minor>: 0 or 1 */
    bool keep_alive;      /* the connection may serve another request; never in HTTP/1.0 */
    bool expect_continue;
    bool chunked;
    bool has_length;
    uint64_t content_length; /* 0 without one */
    size_t head_length;      /* bytes of the head, blank line included */
    size_t header_count;
    struct gw_header headers[GW_HTTP1_HEADERS_MAX];
    uint8_t index[GW_HEADER_COUNT]; /* 1 + place of the (first) field with that id, 0 when absent */
};

/* The value of a field that the program knows; {NULL,0} when absent. */
static inline struct gw_str gw_http1_header(const struct gw_http1_request *request, enum gw_header_id id)
{
    uint8_t at = request->index[id];

    return at == 0 ? GW_STR_NONE : request->headers[at - 1].value;
}

/* Why a message was refused: what to answer, and one line for the body. The connection closes afterwards. */
struct gw_http1_error {
    unsigned status; /* 400, 408, 413, 417, 431, 505 */
    const char *reason;
};

/* Reads a request head from the front of `data`. GW_AGAIN: not complete; call again with more bytes and the same
 * `*scanned` (starts at 0, lets the search for the end go on where it stopped). GW_OK: `request` is filled, its views
 * point into `data`. Anything else: `error` says what to answer. A leading CRLF before the request line is skipped once
 * (RFC 9112 2.2). Never reads past data.length. */
GW_NODISCARD enum gw_status gw_http1_parse_head(struct gw_str data, const struct gw_http1_limits *limits,
                                                size_t *scanned, struct gw_http1_request *request,
                                                struct gw_http1_error *error);

/* The same of a request for a tunnel (RFC 9110 9.3.6), which a proxy's clients begin with: CONNECT HOST:PORT, in
 * HTTP/1.0 or 1.1, with or without Host. Fills method to host (the target, its port included), minor, head_length and
 * the fields. Any other method is refused. */
GW_NODISCARD enum gw_status gw_http1_parse_connect(struct gw_str data, const struct gw_http1_limits *limits,
                                                   size_t *scanned, struct gw_http1_request *request,
                                                   struct gw_http1_error *error);

/* Decoder of a chunked body. Extensions are parsed and dropped; trailer fields are parsed, bounded and dropped. */
struct gw_http1_chunks {
    int state;
    uint64_t left;       /* bytes of the current chunk to come */
    size_t line_bytes;   /* bytes of the size line or trailers so far; bounded */
    size_t trailers;     /* trailer fields so far; bounded */
    uint64_t body_bytes; /* decoded so far */
};

void gw_http1_chunks_init(struct gw_http1_chunks *chunks);

/* Decodes what it can from `data`, appends it to `body`; `*consumed` bytes of data are done with. GW_OK: the body is
 * complete. GW_AGAIN: all of data was consumed, more is needed. Else `error`. */
GW_NODISCARD enum gw_status gw_http1_chunks_decode(struct gw_http1_chunks *chunks, struct gw_str data,
                                                   const struct gw_http1_limits *limits, struct gw_buf *body,
                                                   size_t *consumed, struct gw_http1_error *error);

/* "OK" for 200 and so on; "Unknown" for a status that eksgate doesn't send. */
const char *gw_http1_reason(unsigned status);

/* GW_HEADER_OTHER for a name that isn't in the list. Case doesn't matter. */
enum gw_header_id gw_http1_header_id(struct gw_str name);

#endif
