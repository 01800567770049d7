/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_UTF8_H
#define GW_CODEC_UTF8_H

/*
 * UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing past
 * U+10FFFF.
 */

#include "base/str.h"

/* Bytes of the character that `text` begins with, 1 to 4; 0 when it is empty or doesn't begin with a whole character.
 * `point` (may be NULL) receives its code point. */
size_t gw_utf8_step(struct gw_str text, uint32_t *point);

/* Counts characters (code points). False when `text` isn't UTF-8 throughout. */
bool gw_utf8_count(struct gw_str text, size_t *characters);

#endif
