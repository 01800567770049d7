/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor over the text of a repr(). Strings come out of the arena, as large as
 * their source at most: every escape is longer than what it stands for.
 */
#include "codec/python.h"

static void skip_blanks(struct gw_python *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
        cursor->at++;
}

bool gw_python_take(struct gw_python *cursor, char byte)
{
    skip_blanks(cursor);
    if (cursor->at == cursor->end || *cursor->at != byte)
        return false;
    cursor->at++;
    return true;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads `count` hexadecimal digits. */
static enum gw_status read_code(struct gw_python *cursor, size_t count, uint32_t *code)
{
    uint32_t value = 0;

    if ((size_t)(cursor->end - cursor->at) < count)
        return GW_E_SYNTAX;
    for (size_t i = 0; i < count; i++) {
        int digit = digit_of(*cursor->at++);

        if (digit < 0)
            return GW_E_SYNTAX;
        value = value << 4 | (uint32_t)digit;
    }
    *code = value;
    return GW_OK;
}

static enum gw_status put_utf8(uint32_t code, char **out)
{
    char *at = *out;

    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return GW_E_SYNTAX;
    if (code < 0x80) {
        *at++ = (char)code;
    } else if (code < 0x800) {
        *at++ = (char)(0xc0 | code >> 6);
        *at++ = (char)(0x80 | (code & 63));
    } else if (code < 0x10000) {
        *at++ = (char)(0xe0 | code >> 12);
        *at++ = (char)(0x80 | (code >> 6 & 63));
        *at++ = (char)(0x80 | (code & 63));
    } else {
        *at++ = (char)(0xf0 | code >> 18);
        *at++ = (char)(0x80 | (code >> 12 & 63));
        *at++ = (char)(0x80 | (code >> 6 & 63));
        *at++ = (char)(0x80 | (code & 63));
    }
    *out = at;
    return GW_OK;
}

/* Behind a backslash. repr() writes no octal escapes, no names and no line ends. */
static enum gw_status read_escape(struct gw_python *cursor, bool is_bytes, char **out)
{
    static const char from[] = "\\'\"nrtabfv";
    static const char to[] = "\\'\"\n\r\t\a\b\f\v";
    uint32_t code = 0;
    const char *hit;
    char kind;
    enum gw_status status;

    if (cursor->at == cursor->end)
        return GW_E_SYNTAX;
    kind = *cursor->at++;
    hit = memchr(from, kind, sizeof(from) - 1);
    if (hit != NULL) {
        *(*out)++ = to[hit - from];
        return GW_OK;
    }
    if (kind == 'x')
        status = read_code(cursor, 2, &code);
    else if (!is_bytes && (kind == 'u' || kind == 'U'))
        status = read_code(cursor, kind == 'u' ? 4 : 8, &code);
    else
        status = GW_E_SYNTAX;
    if (status == GW_OK && is_bytes)
        *(*out)++ = (char)code;
    else if (status == GW_OK)
        status = put_utf8(code, out);
    return status;
}

enum gw_status gw_python_string(struct gw_python *cursor, struct gw_arena *arena, struct gw_str *value)
{
    bool is_bytes = gw_python_take(cursor, 'b');
    char quote = '\'';
    const char *end;
    char *start;
    char *out;

    if (!gw_python_take(cursor, quote)) {
        quote = '"';
        if (!gw_python_take(cursor, quote))
            return GW_E_SYNTAX;
    }
    for (end = cursor->at; end < cursor->end && *end != quote; end++)
        end += *end == '\\' && end + 1 < cursor->end ? 1 : 0;
    if (end >= cursor->end)
        return GW_E_SYNTAX;
    start = gw_arena_alloc(arena, (size_t)(end - cursor->at) + 1);
    out = start;
    while (cursor->at < end) {
        char byte = *cursor->at++;

        if (byte != '\\')
            *out++ = byte;
        else if (read_escape(cursor, is_bytes, &out) != GW_OK)
            return GW_E_SYNTAX;
    }
    if (cursor->at != end)
        return GW_E_SYNTAX;
    cursor->at++;
    *out = '\0';
    *value = (struct gw_str){start, (size_t)(out - start)};
    return GW_OK;
}

enum gw_status gw_python_key(struct gw_python *cursor, struct gw_arena *arena, struct gw_str *key)
{
    if (gw_python_take(cursor, '}'))
        return GW_E_MISSING;
    (void)gw_python_take(cursor, ',');
    if (gw_python_take(cursor, '}'))
        return GW_E_MISSING;
    if (gw_python_string(cursor, arena, key) != GW_OK || !gw_python_take(cursor, ':'))
        return GW_E_SYNTAX;
    return GW_OK;
}

struct gw_str gw_python_word(struct gw_python *cursor)
{
    const char *start;

    skip_blanks(cursor);
    start = cursor->at;
    while (cursor->at < cursor->end && memchr(" ,:'\"()[]{}<>", *cursor->at, 13) == NULL)
        cursor->at++;
    return (struct gw_str){start, (size_t)(cursor->at - start)};
}

/* Behind an opening quote, to behind the closing one. */
static bool skip_quoted(struct gw_python *cursor, char quote)
{
    for (; cursor->at < cursor->end; cursor->at++) {
        if (*cursor->at == quote) {
            cursor->at++;
            return true;
        }
        if (*cursor->at == '\\' && cursor->at + 1 < cursor->end)
            cursor->at++;
    }
    return false;
}

enum gw_status gw_python_skip(struct gw_python *cursor)
{
    static const char opening[] = "{[(<";
    static const char closing[] = "}])>";
    char open[GW_PYTHON_DEPTH_MAX];
    size_t depth = 0;

    while (cursor->at < cursor->end) {
        char byte = *cursor->at;
        const char *hit = memchr(opening, byte, 4);

        if (depth == 0 && (byte == ',' || memchr(closing, byte, 4) != NULL))
            return GW_OK;
        cursor->at++;
        if (hit != NULL) {
            if (depth == GW_PYTHON_DEPTH_MAX)
                return GW_E_LIMIT;
            open[depth++] = closing[hit - opening];
        } else if (depth > 0 && byte == open[depth - 1]) {
            depth--;
        } else if ((byte == '\'' || byte == '"') && !skip_quoted(cursor, byte)) {
            return GW_E_SYNTAX;
        }
    }
    return depth == 0 ? GW_OK : GW_E_SYNTAX;
}
