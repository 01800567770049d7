/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunked bodies (RFC 9112 7.1), one byte of framing at a time and data in runs:
 *
 *   1*16HEX *(";" token ["=" (token | quoted-string)]) CRLF data CRLF ... "0" CRLF *(trailer CRLF) CRLF
 *
 * No white space, sign or "0x" near the size, CRLF only. Extensions and trailers
 * are checked, bounded and dropped; a trailer never becomes a header.
 */
#include "codec/http1_fields.h"

#define refuse gw_http1_fields_refuse

enum chunk_state {
    STATE_SIZE,
    STATE_EXTENSION, /* behind ';' */
    STATE_EXTENSION_NAME,
    STATE_EXTENSION_VALUE, /* behind '=' */
    STATE_EXTENSION_TOKEN,
    STATE_QUOTED,
    STATE_QUOTED_PAIR,
    STATE_QUOTED_END,
    STATE_SIZE_LF,
    STATE_DATA,
    STATE_DATA_CR,
    STATE_DATA_LF,
    STATE_TRAILER,
    STATE_TRAILER_NAME,
    STATE_TRAILER_VALUE,
    STATE_TRAILER_LF,
    STATE_END_LF,
    STATE_DONE,
    STATE_BAD,
};

void gw_http1_chunks_init(struct gw_http1_chunks *chunks)
{
    *chunks = (struct gw_http1_chunks){.state = STATE_SIZE};
}

static unsigned hex_value(char c)
{
    if (c <= '9')
        return (unsigned)(c - '0');
    return (unsigned)((c | 0x20) - 'a') + 10;
}

/* What may stand behind a size or a whole extension; STATE_BAD for anything else. */
static enum chunk_state after_extension(char byte)
{
    if (byte == ';')
        return STATE_EXTENSION;
    return byte == '\r' ? STATE_SIZE_LF : STATE_BAD;
}

static enum chunk_state step_size(struct gw_http1_chunks *chunks, char byte)
{
    /* line_bytes counts this digit already */
    if (gw_http1_is(byte, GW_HTTP1_HEX)) {
        chunks->left = chunks->left << 4 | hex_value(byte);
        return chunks->line_bytes <= 16 ? STATE_SIZE : STATE_BAD;
    }
    return chunks->line_bytes > 1 ? after_extension(byte) : STATE_BAD;
}

static enum chunk_state step_quoted(char byte)
{
    if (byte == '"')
        return STATE_QUOTED_END;
    if (byte == '\\')
        return STATE_QUOTED_PAIR;
    return gw_http1_is(byte, GW_HTTP1_VALUE) ? STATE_QUOTED : STATE_BAD;
}

/* A token's byte, or what `otherwise` makes of another one. */
static enum chunk_state token_or(char byte, enum chunk_state same, enum chunk_state otherwise)
{
    return gw_http1_is(byte, GW_HTTP1_TOKEN) ? same : otherwise;
}

static enum chunk_state after_size_line(struct gw_http1_chunks *chunks)
{
    chunks->line_bytes = 0;
    return chunks->left > 0 ? STATE_DATA : STATE_TRAILER;
}

static enum chunk_state step_trailer(struct gw_http1_chunks *chunks, char byte)
{
    if (byte == '\r')
        return STATE_END_LF;
    chunks->trailers++;
    return token_or(byte, STATE_TRAILER_NAME, STATE_BAD);
}

static enum chunk_state step_trailer_value(char byte)
{
    if (byte == '\r')
        return STATE_TRAILER_LF;
    return gw_http1_is(byte, GW_HTTP1_VALUE) ? STATE_TRAILER_VALUE : STATE_BAD;
}

/* The state behind one byte of framing. */
static enum chunk_state step(struct gw_http1_chunks *chunks, char byte)
{
    switch ((enum chunk_state)chunks->state) {
    case STATE_SIZE:
        return step_size(chunks, byte);
    case STATE_EXTENSION:
        return token_or(byte, STATE_EXTENSION_NAME, STATE_BAD);
    case STATE_EXTENSION_NAME:
        return token_or(byte, STATE_EXTENSION_NAME, byte == '=' ? STATE_EXTENSION_VALUE : after_extension(byte));
    case STATE_EXTENSION_VALUE:
        return token_or(byte, STATE_EXTENSION_TOKEN, byte == '"' ? STATE_QUOTED : STATE_BAD);
    case STATE_EXTENSION_TOKEN:
        return token_or(byte, STATE_EXTENSION_TOKEN, after_extension(byte));
    case STATE_QUOTED:
        return step_quoted(byte);
    case STATE_QUOTED_PAIR:
        return gw_http1_is(byte, GW_HTTP1_VALUE) ? STATE_QUOTED : STATE_BAD;
    case STATE_QUOTED_END:
        return after_extension(byte);
    case STATE_SIZE_LF:
        return byte == '\n' ? after_size_line(chunks) : STATE_BAD;
    case STATE_DATA_CR:
        return byte == '\r' ? STATE_DATA_LF : STATE_BAD;
    case STATE_DATA_LF:
        chunks->line_bytes = 0;
        return byte == '\n' ? STATE_SIZE : STATE_BAD;
    case STATE_TRAILER:
        return step_trailer(chunks, byte);
    case STATE_TRAILER_NAME:
        return token_or(byte, STATE_TRAILER_NAME, byte == ':' ? STATE_TRAILER_VALUE : STATE_BAD);
    case STATE_TRAILER_VALUE:
        return step_trailer_value(byte);
    case STATE_TRAILER_LF:
        return byte == '\n' ? STATE_TRAILER : STATE_BAD;
    case STATE_END_LF:
        return byte == '\n' ? STATE_DONE : STATE_BAD;
    case STATE_DATA:
    case STATE_DONE:
    case STATE_BAD:
        break;
    }
    return STATE_BAD;
}

static enum gw_status step_framing(struct gw_http1_chunks *chunks, char byte, const struct gw_http1_limits *limits,
                                   struct gw_http1_error *error)
{
    bool in_trailers;

    chunks->line_bytes++;
    chunks->state = (int)step(chunks, byte);
    in_trailers = chunks->state >= STATE_TRAILER && chunks->state < STATE_DONE;
    if (chunks->state == STATE_BAD)
        return refuse(error, 400, "the chunked body is malformed");
    if (in_trailers && (chunks->line_bytes > GW_HTTP1_TRAILER_BYTES || chunks->trailers > limits->headers))
        return refuse(error, 431, "the trailers are too long");
    if (!in_trailers && chunks->line_bytes > GW_HTTP1_CHUNK_LINE)
        return refuse(error, 400, "a chunk's extensions are too long");
    if (chunks->state == STATE_DATA && chunks->left > limits->body_bytes - chunks->body_bytes)
        return refuse(error, 413, "the body is larger than this server accepts");
    return GW_OK;
}

static enum gw_status take_data(struct gw_http1_chunks *chunks, struct gw_str data, struct gw_buf *body, size_t *at,
                                struct gw_http1_error *error)
{
    size_t run = data.length - *at;

    if (run > chunks->left)
        run = (size_t)chunks->left;
    gw_buf_append(body, data.at + *at, run);
    if (body->overflowed)
        return refuse(error, 413, "the body is larger than this server accepts");
    *at += run;
    chunks->left -= run;
    chunks->body_bytes += run;
    if (chunks->left == 0)
        chunks->state = STATE_DATA_CR;
    return GW_OK;
}

enum gw_status gw_http1_chunks_decode(struct gw_http1_chunks *chunks, struct gw_str data,
                                      const struct gw_http1_limits *limits, struct gw_buf *body, size_t *consumed,
                                      struct gw_http1_error *error)
{
    enum gw_status status = GW_OK;
    size_t at = 0;

    if (chunks->state == STATE_BAD)
        status = refuse(error, 400, "the chunked body is malformed");
    while (status == GW_OK && chunks->state != STATE_DONE && at < data.length) {
        if (chunks->state == STATE_DATA)
            status = take_data(chunks, data, body, &at, error);
        else
            status = step_framing(chunks, data.at[at++], limits, error);
    }
    *consumed = at;
    if (status != GW_OK) {
        chunks->state = STATE_BAD;
        return status;
    }
    return chunks->state == STATE_DONE ? GW_OK : GW_AGAIN;
}
