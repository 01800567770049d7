/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_PATTERN_H
#define GW_SCRIPT_PATTERN_H

/*
 * Lua's patterns (reference manual 6.4.1), matched by counted steps, so that a
 * pattern that backtracks without end is stopped like a loop that doesn't end.
 * Written from the manual; knows no Lua state. Letters and digits are ASCII's.
 */

#include "base/str.h"

#define GW_PATTERN_BYTES_MAX    1024
#define GW_PATTERN_ITEMS_MAX    256
#define GW_PATTERN_SETS_MAX     32
#define GW_PATTERN_CAPTURES_MAX 32

struct gw_pattern_item {
    uint8_t kind;
    uint8_t repeat;    /* 0, '*', '+', '-', '?' */
    uint8_t argument;  /* byte, class letter, set, capture */
    uint8_t argument2; /* second byte of %b */
};

struct gw_pattern {
    struct gw_pattern_item items[GW_PATTERN_ITEMS_MAX];
    size_t item_count;
    uint32_t sets[GW_PATTERN_SETS_MAX][8];
    size_t set_count;
    size_t capture_count;
    bool anchored;
};

struct gw_pattern_capture {
    size_t start;
    size_t length;
    bool position; /* "()": only `start` counts */
};

struct gw_pattern_match {
    struct gw_str subject;
    int64_t steps; /* in: the most; out: what is left, negative when they ran out */
    size_t start;  /* of the match */
    size_t end;
    struct gw_pattern_capture captures[GW_PATTERN_CAPTURES_MAX];
};

/* GW_E_SYNTAX or GW_E_LIMIT with a text for the script's author, also where a match wouldn't get as far as the
 * fault. A '^' at the start anchors unless `literal_caret`
 * (gmatch). */
GW_NODISCARD enum gw_status gw_pattern_compile(struct gw_str text, bool literal_caret, struct gw_pattern *pattern,
                                               struct gw_err *err);

/* The first match at or after `from`. GW_E_MISSING: none. GW_E_LIMIT: out of steps. */
GW_NODISCARD enum gw_status gw_pattern_find(const struct gw_pattern *pattern, struct gw_pattern_match *match,
                                            size_t from);

/* The same, at `from` only. */
GW_NODISCARD enum gw_status gw_pattern_match_at(const struct gw_pattern *pattern, struct gw_pattern_match *match,
                                                size_t from);

#endif
