/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_PYTHON_H
#define GW_CODEC_PYTHON_H

/*
 * What Python's repr() writes, as far as logs of its AWS SDK need it: strings and
 * bytes are read, dictionaries walked, everything else stepped over ("<object at
 * 0x...>", tuples, calls). No evaluation. Strict where it reads, tolerant where it
 * skips.
 */

#include "base/arena.h"

/* What is left to read. */
struct gw_python {
    const char *at;
    const char *end;
};

#define GW_PYTHON_DEPTH_MAX 32

/* True, and the cursor is behind it, when the next byte that isn't a blank is `byte`. */
bool gw_python_take(struct gw_python *cursor, char byte);

/* arena: 'text', "text" or b'bytes'; \xNN of a text is the character, as UTF-8, of bytes the byte. GW_E_SYNTAX. */
GW_NODISCARD enum gw_status gw_python_string(struct gw_python *cursor, struct gw_arena *arena, struct gw_str *value);

/* The next key of a dictionary, whose '{' is read; the cursor is at its value then, which must be read or skipped.
 * GW_E_MISSING: that was the last, and the '}' is read. arena. GW_E_SYNTAX. */
GW_NODISCARD enum gw_status gw_python_key(struct gw_python *cursor, struct gw_arena *arena, struct gw_str *key);

/* Steps over one value. GW_E_SYNTAX; GW_E_LIMIT past GW_PYTHON_DEPTH_MAX. */
GW_NODISCARD enum gw_status gw_python_skip(struct gw_python *cursor);

/* A view of the number or word ("None", "3") that is next; empty when something else is. */
struct gw_str gw_python_word(struct gw_python *cursor);

#endif
