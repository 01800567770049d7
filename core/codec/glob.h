/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_GLOB_H
#define GW_CODEC_GLOB_H

/*
 * Patterns over bytes: '*' stands for any text, also none, '?' for any one byte,
 * everything else for itself; nothing is escaped. All of the text must fit.
 *
 * Time: at most (text + pattern) times GW_GLOB_WORDS operations on words, however
 * many '*' and '?' there are; 64 bytes of pattern between two '*' are one word.
 */

#include "base/str.h"

#define GW_GLOB_PATTERN_MAX 1024 /* bytes; a longer one fits nothing */
#define GW_GLOB_WORDS       (GW_GLOB_PATTERN_MAX / 64)

bool gw_glob_match(struct gw_str pattern, struct gw_str text);

#endif
