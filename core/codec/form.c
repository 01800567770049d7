/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms, one piece at a time. What a piece may hold is for whoever asked for it;
 * here only the spelling is undone.
 */
#include "codec/form.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the escape at `at` stands for; -1 for a broken one. */
static int escaped_byte(struct gw_str text, size_t at)
{
    int high;
    int low;

    if (text.length - at < 3)
        return -1;
    high = hex_value(text.at[at + 1]);
    low = hex_value(text.at[at + 2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

enum gw_status gw_form_decode(struct gw_str piece, struct gw_arena *arena, struct gw_str *decoded)
{
    size_t length = 0;
    char *out;

    if (gw_str_find(piece, '%', 0) == piece.length && gw_str_find(piece, '+', 0) == piece.length) {
        *decoded = piece;
        return GW_OK;
    }
    out = gw_arena_alloc(arena, piece.length + 1);
    for (size_t at = 0; at < piece.length; at++) {
        int c = (unsigned char)piece.at[at];

        if (c == '%') {
            c = escaped_byte(piece, at);
            at += 2;
        } else if (c == '+') {
            c = ' ';
        }
        if (c < 0)
            return GW_E_SYNTAX;
        out[length++] = (char)c;
    }
    out[length] = '\0';
    *decoded = (struct gw_str){out, length};
    return GW_OK;
}
