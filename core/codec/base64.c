/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 both ways. The decoder is strict, so that a text has one meaning and a
 * value one text.
 */
#include "codec/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void gw_base64_encode(struct gw_str bytes, struct gw_buf *out)
{
    const unsigned char *at = (const unsigned char *)bytes.at;

    for (size_t i = 0; i < bytes.length; i += 3) {
        size_t left = bytes.length - i;
        unsigned group = (unsigned)at[i] << 16;
        char four[4];

        if (left > 1)
            group |= (unsigned)at[i + 1] << 8;
        if (left > 2)
            group |= at[i + 2];
        four[0] = alphabet[group >> 18];
        four[1] = alphabet[group >> 12 & 63];
        four[2] = left > 1 ? alphabet[group >> 6 & 63] : '=';
        four[3] = left > 2 ? alphabet[group & 63] : '=';
        gw_buf_append(out, four, sizeof(four));
    }
}

/* 0 to 63, or -1. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

/* Four characters to one, two or three bytes; 0 when they are no group. Padding is allowed in the `last` one only. */
static size_t decode_group(const char *at, bool last, unsigned char out[3])
{
    size_t padding = 0;
    unsigned group = 0;

    if (last && at[3] == '=')
        padding = at[2] == '=' ? 2 : 1;
    for (size_t i = 0; i < 4; i++) {
        int value = i >= 4 - padding ? 0 : value_of(at[i]);

        if (value < 0)
            return 0;
        group = group << 6 | (unsigned)value;
    }
    out[0] = (unsigned char)(group >> 16);
    out[1] = (unsigned char)(group >> 8);
    out[2] = (unsigned char)group;
    if ((padding == 2 && out[1] != 0) || (padding >= 1 && out[2] != 0))
        return 0;
    return 3 - padding;
}

enum gw_status gw_base64_decode(struct gw_str text, struct gw_buf *out)
{
    size_t before = out->length;

    if (text.length % 4 != 0)
        return GW_E_SYNTAX;
    for (size_t i = 0; i < text.length; i += 4) {
        unsigned char three[3];
        size_t count = decode_group(text.at + i, i + 4 == text.length, three);

        if (count == 0) {
            out->length = before;
            return GW_E_SYNTAX;
        }
        gw_buf_append(out, three, count);
    }
    return GW_OK;
}
