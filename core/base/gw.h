/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_GW_H
#define GW_BASE_GW_H

/*
 * What every file of eksgate may count on: the status that functions return, the
 * buffer that carries an explanation to a person, compiler attributes, and
 * allocation that aborts when memory runs out (STYLE 6: limits are errors, out
 * of memory is not).
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GW_NODISCARD         __attribute__((warn_unused_result))
#define GW_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define GW_NORETURN          __attribute__((noreturn))
#define GW_LIKELY(x)         __builtin_expect(!!(x), 1)
#define GW_UNLIKELY(x)       __builtin_expect(!!(x), 0)
#define GW_COUNT(array)      (sizeof(array) / sizeof((array)[0]))

/* What a function that can fail returns. GW_OK is 0; GW_AGAIN is not a failure. */
enum gw_status {
    GW_OK = 0,
    GW_AGAIN,       /* not finished: more input, or a later answer, is needed */
    GW_E_SYNTAX,    /* the bytes don't follow their grammar */
    GW_E_TYPE,      /* well formed, of the wrong type */
    GW_E_RANGE,     /* a number or instant outside what is allowed */
    GW_E_LIMIT,     /* larger or more than a cap allows */
    GW_E_MISSING,   /* something required or looked for isn't there */
    GW_E_DUPLICATE, /* something is there twice, or already */
    GW_E_DENIED,    /* refused on purpose: policy, signature, permission */
    GW_E_STALE,     /* the version it was based on is no longer current */
    GW_E_IO,        /* the operating system said no */
    GW_E_BUSY,      /* a bounded queue is full; trying later may work */
    GW_E_SCRIPT,    /* a Lua script raised, ran out of budget or answered nonsense */
    GW_E_UNKNOWN,   /* whether it was done can't be told */
};

/* One line for a person; no trailing newline, always NUL-terminated. */
struct gw_err {
    char text[512];
};

/* Fills `err` (may be NULL) and returns `status`, so that callers write
 * `return gw_fail(err, GW_E_SYNTAX, "...")`. Longer text is cut. */
enum gw_status gw_fail(struct gw_err *err, enum gw_status status, const char *format, ...) GW_PRINTF(3, 4);

/* The name of a status, for logs: "syntax", "missing", ... */
const char *gw_status_name(enum gw_status status);

/* Heap memory or abort; never NULL, size 0 gives a valid pointer. new: the caller frees. */
void *gw_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *gw_alloc_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *gw_realloc(void *memory, size_t size) __attribute__((returns_nonnull));
void *gw_memdup(const void *bytes, size_t length) __attribute__((malloc, returns_nonnull));

/* Overwrites memory in a way the compiler keeps. */
void gw_wipe(void *memory, size_t length);

/* Writes "eksgate: fatal: ..." to stderr and aborts. For broken invariants only, never for input. */
GW_NORETURN void gw_fatal(const char *format, ...) GW_PRINTF(1, 2);

/* True when a + b or a * b would not fit; `*sum`/`*product` is written otherwise. */
static inline bool gw_add_overflows(size_t a, size_t b, size_t *sum)
{
    return __builtin_add_overflow(a, b, sum);
}

static inline bool gw_mul_overflows(size_t a, size_t b, size_t *product)
{
    return __builtin_mul_overflow(a, b, product);
}

#endif
