/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes with a cap. Doubles as it grows; never shrinks by itself.
 * One byte more than `capacity` is allocated: the NUL that vsnprintf insists on.
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

void gw_buf_init(struct gw_buf *buf, size_t cap)
{
    *buf = (struct gw_buf){.cap = cap};
}

void gw_buf_fini(struct gw_buf *buf)
{
    free(buf->at);
    gw_buf_init(buf, buf->cap);
}

void gw_buf_clear(struct gw_buf *buf)
{
    buf->length = 0;
    buf->overflowed = false;
}

enum gw_status gw_buf_reserve(struct gw_buf *buf, size_t extra)
{
    size_t needed;
    size_t capacity;
    size_t size;

    if (gw_add_overflows(buf->length, extra, &needed) || needed > buf->cap)
        return GW_E_LIMIT;
    if (needed <= buf->capacity)
        return GW_OK;
    capacity = buf->capacity > 0 ? buf->capacity : 256;
    if (capacity > buf->cap) /* never past the cap: appending looks at the capacity alone */
        capacity = buf->cap;
    while (capacity < needed)
        capacity = capacity > buf->cap / 2 ? buf->cap : capacity * 2;
    if (gw_add_overflows(capacity, 1, &size))
        return GW_E_LIMIT;
    buf->at = gw_realloc(buf->at, size);
    buf->capacity = capacity;
    return GW_OK;
}

void gw_buf_append_growing(struct gw_buf *buf, const void *bytes, size_t length)
{
    if (length == 0)
        return;
    if (buf->overflowed || gw_buf_reserve(buf, length) != GW_OK) {
        buf->overflowed = true;
        return;
    }
    memcpy(buf->at + buf->length, bytes, length);
    buf->length += length;
}

void gw_buf_append_u64(struct gw_buf *buf, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    gw_buf_append(buf, digits + at, sizeof(digits) - at);
}

void gw_buf_printf(struct gw_buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    int length;

    va_start(args, format);
    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        gw_fatal("bad format in gw_buf_printf");
    if (length == 0) {
        va_end(again);
        return;
    }
    if (buf->overflowed || gw_buf_reserve(buf, (size_t)length) != GW_OK) {
        buf->overflowed = true;
    } else {
        (void)vsnprintf(buf->at + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
}

void gw_buf_consume(struct gw_buf *buf, size_t count)
{
    if (count > buf->length)
        count = buf->length;
    buf->length -= count;
    if (buf->length > 0)
        memmove(buf->at, buf->at + count, buf->length);
}
