/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One character at a time, after the table of RFC 3629 section 4: the first byte
 * fixes the length and the range of the second, all others are 80..BF.
 */
#include "codec/utf8.h"

/* Length by first byte and the bounds of the second; 0 where none may begin so. */
static size_t shape(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if ((first & 0xf0) == 0xe0)
        return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

size_t gw_utf8_step(struct gw_str text, uint32_t *point)
{
    const unsigned char *at = (const unsigned char *)text.at;
    unsigned char low;
    unsigned char high;
    uint32_t value;
    size_t length;

    if (text.length == 0)
        return 0;
    if (at[0] < 0x80) {
        if (point != NULL)
            *point = at[0];
        return 1;
    }
    length = shape(at[0], &low, &high);
    if (length == 0 || length > text.length || at[1] < low || at[1] > high)
        return 0;
    value = at[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (at[i] & 0x3fU);
    }
    if (point != NULL)
        *point = value;
    return length;
}

bool gw_utf8_count(struct gw_str text, size_t *characters)
{
    size_t count = 0;

    while (text.length > 0) {
        size_t step = gw_utf8_step(text, NULL);

        if (step == 0)
            return false;
        text = gw_str_slice(text, step, SIZE_MAX);
        count++;
    }
    *characters = count;
    return true;
}
