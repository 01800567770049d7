/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statuses, explanations, and allocation that aborts. Nothing here keeps state.
 */
#include "base/gw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum gw_status gw_fail(struct gw_err *err, enum gw_status status, const char *format, ...)
{
    struct gw_err text; /* apart, because an argument may be what `err` holds: "%s: %s", name, err->text */
    va_list args;

    if (err == NULL)
        return status;
    va_start(args, format);
    if (vsnprintf(text.text, sizeof(text.text), format, args) < 0)
        text.text[0] = '\0';
    va_end(args);
    memcpy(err->text, text.text, strlen(text.text) + 1);
    return status;
}

const char *gw_status_name(enum gw_status status)
{
    switch (status) {
    case GW_OK:
        return "ok";
    case GW_AGAIN:
        return "again";
    case GW_E_SYNTAX:
        return "syntax";
    case GW_E_TYPE:
        return "type";
    case GW_E_RANGE:
        return "range";
    case GW_E_LIMIT:
        return "limit";
    case GW_E_MISSING:
        return "missing";
    case GW_E_DUPLICATE:
        return "duplicate";
    case GW_E_DENIED:
        return "denied";
    case GW_E_STALE:
        return "stale";
    case GW_E_IO:
        return "io";
    case GW_E_BUSY:
        return "busy";
    case GW_E_SCRIPT:
        return "script";
    case GW_E_UNKNOWN:
        return "unknown";
    }
    return "unknown";
}

void gw_fatal(const char *format, ...)
{
    va_list args;

    (void)fputs("eksgate: fatal: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    abort();
}

void *gw_alloc(size_t size)
{
    void *memory = malloc(size > 0 ? size : 1);

    if (GW_UNLIKELY(memory == NULL))
        gw_fatal("out of memory (%zu bytes)", size);
    return memory;
}

void *gw_alloc_zero(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    if (GW_UNLIKELY(memory == NULL))
        gw_fatal("out of memory (%zu times %zu bytes)", count, size);
    return memory;
}

void *gw_realloc(void *memory, size_t size)
{
    void *moved = realloc(memory, size > 0 ? size : 1);

    if (GW_UNLIKELY(moved == NULL))
        gw_fatal("out of memory (%zu bytes)", size);
    return moved;
}

void *gw_memdup(const void *bytes, size_t length)
{
    void *copy = gw_alloc(length);

    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

void gw_wipe(void *memory, size_t length)
{
    if (length > 0)
        explicit_bzero(memory, length);
}
