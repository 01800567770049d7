/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces before the first and behind the last '*' are compared where they
 * must stand. Each piece between is looked for from where the one before it
 * ended, at its first place: if all fit anywhere, they fit so. The search is
 * Shift-And (Baeza-Yates and Gonnet, 1992): a bit per byte of the piece says
 * that the text read last fits the piece up to there, and one shift and one mask
 * per byte of text keep all of them, where '?' is a bit that every mask has.
 */
#include "codec/glob.h"

static bool fits_at(struct gw_str piece, const char *at)
{
    for (size_t i = 0; i < piece.length; i++) {
        if (piece.at[i] != '?' && piece.at[i] != at[i])
            return false;
    }
    return true;
}

/* masks[byte * words ...]: which bytes of the piece it fits. */
static void make_masks(struct gw_str piece, size_t words, uint64_t *masks)
{
    memset(masks, 0, 256 * words * sizeof(*masks));
    for (size_t i = 0; i < piece.length; i++) {
        uint64_t bit = UINT64_C(1) << (i % 64);

        if (piece.at[i] != '?') {
            masks[(unsigned char)piece.at[i] * words + i / 64] |= bit;
            continue;
        }
        for (size_t byte = 0; byte < 256; byte++)
            masks[byte * words + i / 64] |= bit;
    }
}

/* Where the piece's first place in the text ends; SIZE_MAX: it has none. */
static size_t find_end(struct gw_str piece, struct gw_str text)
{
    uint64_t masks[256 * GW_GLOB_WORDS];
    uint64_t state[GW_GLOB_WORDS] = {0};
    size_t words = (piece.length + 63) / 64;
    size_t last = piece.length - 1;

    if (piece.length > text.length)
        return SIZE_MAX;
    make_masks(piece, words, masks);
    for (size_t at = 0; at < text.length; at++) {
        const uint64_t *mask = &masks[(unsigned char)text.at[at] * words];
        uint64_t carry = 1;

        for (size_t i = 0; i < words; i++) {
            uint64_t next = state[i] >> 63;

            state[i] = (state[i] << 1 | carry) & mask[i];
            carry = next;
        }
        if ((state[last / 64] >> (last % 64) & 1) != 0)
            return at + 1;
    }
    return SIZE_MAX;
}

/* The pieces between two '*', in the text between the outer pieces. */
static bool fits_between(struct gw_str pattern, struct gw_str text)
{
    while (pattern.at != NULL) {
        struct gw_str piece = gw_str_split(&pattern, '*');
        size_t end = piece.length == 0 ? 0 : find_end(piece, text);

        if (end == SIZE_MAX)
            return false;
        text = gw_str_slice(text, end, SIZE_MAX);
    }
    return true;
}

bool gw_glob_match(struct gw_str pattern, struct gw_str text)
{
    size_t first = gw_str_find(pattern, '*', 0);
    size_t tail = pattern.length;

    if (pattern.length > GW_GLOB_PATTERN_MAX)
        return false;
    if (first == pattern.length)
        return pattern.length == text.length && fits_at(pattern, text.at);
    while (pattern.at[tail - 1] != '*')
        tail--;
    size_t behind = pattern.length - tail;
    if (first + behind > text.length || !fits_at(gw_str_slice(pattern, 0, first), text.at) ||
        !fits_at(gw_str_slice(pattern, tail, SIZE_MAX), text.at + (text.length - behind)))
        return false;
    if (tail == first + 1)
        return true;
    return fits_between(gw_str_slice(pattern, first + 1, tail - first - 2),
                        gw_str_slice(text, first, text.length - first - behind));
}
