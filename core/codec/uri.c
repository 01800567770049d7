/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request targets: split, decode once, encode. Splitting happens on the bytes as
 * they came and decoding afterwards, so that an escaped separator never
 * separates. Nothing here turns '+' into a space or decodes twice.
 */
#include "codec/uri.h"

#include "codec/utf8.h"

/* What RFC 3986 2.3 calls unreserved. */
static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte at `*at`, an escape taken as one; -1 for a broken escape. */
static int take_byte(struct gw_str text, size_t *at)
{
    int high;
    int low;

    if (text.at[*at] != '%')
        return (unsigned char)text.at[(*at)++];
    if (text.length - *at < 3)
        return -1;
    high = hex_value(text.at[*at + 1]);
    low = hex_value(text.at[*at + 2]);
    if (high < 0 || low < 0)
        return -1;
    *at += 3;
    return high << 4 | low;
}

static bool is_dot_segment(struct gw_str text)
{
    return gw_str_equal(text, GW_STR(".")) || gw_str_equal(text, GW_STR(".."));
}

static bool is_allowed(int c, enum gw_uri_kind kind)
{
    if (kind == GW_URI_TEXT)
        return c >= 0x20 && c != 0x7f;
    if (c < 0x20 || c > 0x7e)
        return false;
    return kind == GW_URI_ARN || (c != '/' && c != '\\' && c != '%');
}

enum gw_status gw_uri_decode(struct gw_str piece, enum gw_uri_kind kind, struct gw_arena *arena, struct gw_str *decoded)
{
    struct gw_str text = piece;
    size_t length = 0;
    char *out = NULL;

    if (gw_str_find(piece, '%', 0) < piece.length)
        out = gw_arena_alloc(arena, piece.length + 1);
    for (size_t at = 0; at < piece.length;) {
        int c = take_byte(piece, &at);

        if (c < 0 || !is_allowed(c, kind))
            return GW_E_SYNTAX;
        if (out != NULL)
            out[length++] = (char)c;
    }
    if (out != NULL) {
        out[length] = '\0';
        text = (struct gw_str){out, length};
    }
    if (kind == GW_URI_NAME && is_dot_segment(text))
        return GW_E_SYNTAX;
    if (kind == GW_URI_TEXT && !gw_utf8_count(text, &length))
        return GW_E_SYNTAX;
    *decoded = text;
    return GW_OK;
}

/* "." or "..", any of the dots escaped. */
static bool is_encoded_dot_segment(struct gw_str piece)
{
    size_t dots = 0;

    for (size_t at = 0; at < piece.length; dots++) {
        if (take_byte(piece, &at) != '.')
            return false;
    }
    return dots == 1 || dots == 2;
}

enum gw_status gw_uri_split_path(struct gw_str path, struct gw_str *segments, size_t max, size_t *count)
{
    struct gw_str rest = gw_str_slice(path, 1, path.length);
    size_t found = 0;

    if (path.length == 0 || path.at[0] != '/')
        return GW_E_SYNTAX;
    if (path.length == 1) {
        *count = 0;
        return GW_OK;
    }
    while (rest.at != NULL) {
        struct gw_str segment = gw_str_split(&rest, '/');

        if (segment.length == 0 || is_encoded_dot_segment(segment))
            return GW_E_SYNTAX;
        if (found == max)
            return GW_E_LIMIT;
        segments[found++] = segment;
    }
    *count = found;
    return GW_OK;
}

bool gw_uri_query_next(struct gw_str *rest, struct gw_str *name, struct gw_str *value)
{
    while (rest->at != NULL) {
        struct gw_str piece = gw_str_split(rest, '&');
        size_t equals = gw_str_find(piece, '=', 0);

        if (piece.length == 0)
            continue;
        *name = gw_str_slice(piece, 0, equals);
        *value = equals < piece.length ? gw_str_slice(piece, equals + 1, piece.length) : GW_STR("");
        return true;
    }
    return false;
}

void gw_uri_encode(struct gw_str text, bool keep_slash, struct gw_buf *out)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        char escape[3] = {'%', digits[c >> 4], digits[c & 15]};

        if (is_unreserved(c) || (keep_slash && c == '/'))
            gw_buf_append_byte(out, (char)c);
        else
            gw_buf_append(out, escape, sizeof(escape));
    }
}
