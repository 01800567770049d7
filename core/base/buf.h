/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_BUF_H
#define GW_BASE_BUF_H

/*
 * Bytes that grow, up to a cap. Writing past the cap sets `overflowed` and drops
 * the rest, so that a run of appends is checked once, at its end.
 */

#include "base/str.h"

struct gw_buf {
    char *at;
    size_t length;
    size_t capacity;
    size_t cap; /* bytes at most */
    bool overflowed;
};

/* No memory is taken yet. `cap` is the most bytes it will ever hold. */
void gw_buf_init(struct gw_buf *buf, size_t cap);

/* Frees the memory; the buffer is empty and usable afterwards. */
void gw_buf_fini(struct gw_buf *buf);

/* Empties it and keeps the memory; clears `overflowed`. */
void gw_buf_clear(struct gw_buf *buf);

/* Room for `extra` more bytes at buf->at + buf->length. GW_E_LIMIT past the cap. */
GW_NODISCARD enum gw_status gw_buf_reserve(struct gw_buf *buf, size_t extra);

/* What gw_buf_append does where there is no room yet. */
void gw_buf_append_growing(struct gw_buf *buf, const void *bytes, size_t length);

static inline void gw_buf_append(struct gw_buf *buf, const void *bytes, size_t length)
{
    if (GW_UNLIKELY(length > buf->capacity - buf->length || buf->overflowed)) {
        gw_buf_append_growing(buf, bytes, length);
        return;
    }
    if (length > 0)
        memcpy(buf->at + buf->length, bytes, length);
    buf->length += length;
}

static inline void gw_buf_append_str(struct gw_buf *buf, struct gw_str text)
{
    gw_buf_append(buf, text.at, text.length);
}

static inline void gw_buf_append_byte(struct gw_buf *buf, char byte)
{
    gw_buf_append(buf, &byte, 1);
}

void gw_buf_append_u64(struct gw_buf *buf, uint64_t number);
void gw_buf_printf(struct gw_buf *buf, const char *format, ...) GW_PRINTF(2, 3);
#define gw_buf_append_lit(buf, literal) gw_buf_append((buf), (literal), sizeof(literal) - 1)

/* borrows: what it holds, valid until the next change. */
static inline struct gw_str gw_buf_str(const struct gw_buf *buf)
{
    return (struct gw_str){buf->at, buf->length};
}

/* Drops `count` bytes from the front. */
void gw_buf_consume(struct gw_buf *buf, size_t count);

#endif
