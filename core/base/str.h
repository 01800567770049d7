/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_STR_H
#define GW_BASE_STR_H

/*
 * Text as a view: a pointer and a length, not NUL-terminated, never owning. A
 * view lives as long as what it points into, which the function that gave it
 * says. {NULL, 0} is "absent", {"" , 0} is "empty".
 */

#include <string.h>

#include "base/gw.h"

struct gw_str {
    const char *at;
    size_t length;
};

struct gw_pair {
    struct gw_str key;
    struct gw_str value;
};

#define GW_STR(literal) ((struct gw_str){(literal), sizeof(literal) - 1})
#define GW_STR_INIT(literal)                                                                                           \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    }
#define GW_STR_NONE ((struct gw_str){NULL, 0})
/* For printf: `"%.*s", GW_STR_ARG(view)`; never print unvetted client bytes this way (use gw_log's escaping). */
#define GW_STR_ARG(view) (int)((view).length), (view).at

static inline struct gw_str gw_str_from(const char *text)
{
    return (struct gw_str){text, text == NULL ? 0 : strlen(text)};
}

static inline bool gw_str_equal(struct gw_str a, struct gw_str b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

static inline bool gw_str_is(struct gw_str a, const char *literal)
{
    return gw_str_equal(a, gw_str_from(literal));
}

static inline bool gw_str_starts(struct gw_str a, struct gw_str prefix)
{
    return a.length >= prefix.length && (prefix.length == 0 || memcmp(a.at, prefix.at, prefix.length) == 0);
}

/* The part from `start` on, `length` bytes at most; both are clipped to what is there. */
static inline struct gw_str gw_str_slice(struct gw_str a, size_t start, size_t length)
{
    if (start > a.length)
        start = a.length;
    if (length > a.length - start)
        length = a.length - start;
    return (struct gw_str){a.at == NULL ? NULL : a.at + start, length};
}

/* Byte order, shorter first when one is a prefix: <0, 0, >0. */
int gw_str_compare(struct gw_str a, struct gw_str b);

/* ASCII letters fold, other bytes compare as they are. */
bool gw_str_equal_nocase(struct gw_str a, struct gw_str b);

/* True when one of `items` equals `wanted`. */
bool gw_str_is_among(const struct gw_str *items, size_t count, struct gw_str wanted);

/* Index of the first `byte` at or after `start`, or a.length. */
size_t gw_str_find(struct gw_str a, char byte, size_t start);

/* Index of the first occurrence of `needle`, or SIZE_MAX. */
size_t gw_str_search(struct gw_str a, struct gw_str needle);

/* Cuts spaces and tabs from both ends. */
struct gw_str gw_str_trim(struct gw_str a);

/* Takes the text before the first `separator` off `*rest` and returns it. The last piece is the remainder, after which
 * `rest->at` is NULL; call only while rest->at is not NULL. */
struct gw_str gw_str_split(struct gw_str *rest, char separator);

/* Digits only, no sign, no blanks, at least one: the number, at most `max`. GW_E_SYNTAX, GW_E_RANGE. */
GW_NODISCARD enum gw_status gw_str_parse_u64(struct gw_str a, uint64_t max, uint64_t *number);

/* new: a NUL-terminated copy; the caller frees. Bytes after an embedded NUL are copied too. */
char *gw_str_dup(struct gw_str a) __attribute__((returns_nonnull));

#endif
