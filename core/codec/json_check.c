/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recursive descent, as deep as the limit says. A lone half of a surrogate pair
 * is refused, as the parser refuses it.
 */
#include "codec/json_check.h"

#include "codec/utf8.h"

struct check {
    struct gw_str text;
    size_t at;
    bool is_too_deep;
};

static bool check_value(struct check *check, unsigned depth);

/* The byte at hand, '\0' behind the last: no JSON holds one outside of its strings, nor inside. */
static char peek(const struct check *check)
{
    return check->at < check->text.length ? check->text.at[check->at] : '\0';
}

static void skip_blanks(struct check *check)
{
    for (char c = peek(check); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek(check))
        check->at++;
}

static bool take(struct check *check, char byte)
{
    if (peek(check) != byte)
        return false;
    check->at++;
    return true;
}

static bool take_word(struct check *check, struct gw_str word)
{
    if (!gw_str_starts(gw_str_slice(check->text, check->at, word.length), word))
        return false;
    check->at += word.length;
    return true;
}

static bool take_digits(struct check *check)
{
    size_t start = check->at;

    while (peek(check) >= '0' && peek(check) <= '9')
        check->at++;
    return check->at > start;
}

static bool check_number(struct check *check)
{
    (void)take(check, '-');
    if (!take(check, '0') && !take_digits(check))
        return false;
    if (take(check, '.') && !take_digits(check))
        return false;
    if (!take(check, 'e') && !take(check, 'E'))
        return true;
    if (!take(check, '+'))
        (void)take(check, '-');
    return take_digits(check);
}

/* Four digits behind "\u". */
static bool take_unit(struct check *check, unsigned *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = peek(check);

        if (c >= '0' && c <= '9')
            *unit = *unit * 16 + (unsigned)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            *unit = *unit * 16 + (unsigned)((c | 0x20) - 'a') + 10;
        else
            return false;
        check->at++;
    }
    return true;
}

/* Behind a backslash. */
static bool check_escape(struct check *check)
{
    unsigned unit;
    char c = peek(check);

    if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
        return false;
    check->at++;
    if (c != 'u')
        return true;
    if (!take_unit(check, &unit) || (unit >= 0xdc00 && unit < 0xe000))
        return false;
    if (unit < 0xd800 || unit >= 0xdc00)
        return true;
    return take_word(check, GW_STR("\\u")) && take_unit(check, &unit) && unit >= 0xdc00 && unit < 0xe000;
}

static bool check_string(struct check *check)
{
    if (!take(check, '"'))
        return false;
    while (check->at < check->text.length) {
        unsigned char c = (unsigned char)check->text.at[check->at];
        size_t length = c < 0x80 ? 1 : gw_utf8_step(gw_str_slice(check->text, check->at, 4), NULL);

        if (c < 0x20 || length == 0)
            return false;
        check->at += length;
        if (c == '"')
            return true;
        if (c == '\\' && !check_escape(check))
            return false;
    }
    return false;
}

static bool check_member(struct check *check, unsigned depth)
{
    skip_blanks(check);
    if (!check_string(check))
        return false;
    skip_blanks(check);
    return take(check, ':') && check_value(check, depth);
}

/* Behind an opening bracket; what `close` closes is an object or an array. */
static bool check_items(struct check *check, char close, unsigned depth)
{
    if (depth > GW_JSON_CHECK_DEPTH_MAX) {
        check->is_too_deep = true;
        return false;
    }
    skip_blanks(check);
    if (take(check, close))
        return true;
    do {
        if (!(close == '}' ? check_member(check, depth) : check_value(check, depth)))
            return false;
        skip_blanks(check);
    } while (take(check, ','));
    return take(check, close);
}

static bool check_value(struct check *check, unsigned depth)
{
    skip_blanks(check);
    switch (peek(check)) {
    case '{':
        check->at++;
        return check_items(check, '}', depth + 1);
    case '[':
        check->at++;
        return check_items(check, ']', depth + 1);
    case '"':
        return check_string(check);
    case 't':
        return take_word(check, GW_STR("true"));
    case 'f':
        return take_word(check, GW_STR("false"));
    case 'n':
        return take_word(check, GW_STR("null"));
    default:
        return check_number(check);
    }
}

enum gw_status gw_json_check(struct gw_str text, struct gw_err *err)
{
    struct check check = {.text = text};

    if (check_value(&check, 0)) {
        skip_blanks(&check);
        if (check.at == text.length)
            return GW_OK;
    }
    if (check.is_too_deep)
        return gw_fail(err, GW_E_LIMIT, "JSON is nested deeper than %d levels", GW_JSON_CHECK_DEPTH_MAX);
    return gw_fail(err, GW_E_SYNTAX, "byte %zu: is no JSON", check.at + 1);
}
