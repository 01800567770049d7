/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds where values end, and leaves to the parser what is in them: strings are
 * skipped up to their quote, brackets are counted but not matched.
 */
#include "codec/json_walk.h"

static enum gw_status broken(const struct gw_json_walk *walk, const char *what, struct gw_err *err)
{
    return gw_fail(err, GW_E_SYNTAX, "byte %zu: %s", walk->at + 1, what);
}

static void skip_blanks(struct gw_json_walk *walk)
{
    while (walk->at < walk->text.length) {
        char c = walk->text.at[walk->at];

        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        walk->at++;
    }
}

/* The byte behind blanks, '\0' at the end: no JSON holds one outside of its strings. */
static char peek(struct gw_json_walk *walk)
{
    skip_blanks(walk);
    return walk->at < walk->text.length ? walk->text.at[walk->at] : '\0';
}

/* From a quote to behind the one that ends the string. */
static bool skip_string(struct gw_json_walk *walk)
{
    for (walk->at++; walk->at < walk->text.length; walk->at++) {
        char c = walk->text.at[walk->at];

        if (c == '\\')
            walk->at++;
        else if (c == '"')
            return walk->at++, true;
    }
    return false;
}

static bool skip_brackets(struct gw_json_walk *walk)
{
    size_t depth = 0;

    while (walk->at < walk->text.length) {
        char c = walk->text.at[walk->at];

        if (c == '"') {
            if (!skip_string(walk))
                return false;
            continue;
        }
        walk->at++;
        if (c == '[' || c == '{')
            depth++;
        if ((c == ']' || c == '}') && --depth == 0)
            return true;
    }
    return false;
}

static void skip_word(struct gw_json_walk *walk)
{
    while (walk->at < walk->text.length && memchr(",]} \t\n\r", walk->text.at[walk->at], 7) == NULL)
        walk->at++;
}

static enum gw_status take_value(struct gw_json_walk *walk, struct gw_str *text, struct gw_err *err)
{
    char first = peek(walk);
    size_t start = walk->at;
    bool ends = true;

    if (first == '"')
        ends = skip_string(walk);
    else if (first == '[' || first == '{')
        ends = skip_brackets(walk);
    else
        skip_word(walk);
    if (walk->at > walk->text.length)
        walk->at = walk->text.length; /* a backslash was the last byte */
    if (!ends)
        return broken(walk, "the text ends too early", err);
    if (walk->at == start)
        return broken(walk, "a value is missing", err);
    *text = gw_str_slice(walk->text, start, walk->at - start);
    return GW_OK;
}

static bool is_plain(struct gw_str quoted)
{
    for (size_t i = 1; i + 1 < quoted.length; i++) {
        unsigned char c = (unsigned char)quoted.at[i];

        if (c < 0x20 || c >= 0x7f || c == '\\')
            return false;
    }
    return true;
}

static enum gw_status take_name(struct gw_json_walk *walk, struct gw_arena *arena, struct gw_str *name,
                                struct gw_err *err)
{
    struct gw_json parsed;
    struct gw_str quoted = GW_STR_NONE;
    enum gw_status status;

    if (peek(walk) != '"')
        return broken(walk, "a member's name is missing", err);
    status = take_value(walk, &quoted, err);
    if (status != GW_OK)
        return status;
    if (is_plain(quoted)) {
        *name = gw_str_slice(quoted, 1, quoted.length - 2);
    } else {
        if (gw_json_parse(quoted, arena, &parsed, NULL) != GW_OK)
            return broken(walk, "a member's name is no JSON string", err);
        *name = parsed.as.string;
    }
    if (peek(walk) != ':')
        return broken(walk, "a colon is missing", err);
    walk->at++;
    return GW_OK;
}

enum gw_status gw_json_walk_begin(struct gw_json_walk *walk, struct gw_str text, enum gw_json_type type,
                                  struct gw_err *err)
{
    *walk = (struct gw_json_walk){.text = text, .is_object = type == GW_JSON_OBJECT};
    if (peek(walk) != (walk->is_object ? '{' : '['))
        return gw_fail(err, GW_E_TYPE, "is no %s", gw_json_type_name(type));
    walk->at++;
    return GW_OK;
}

/* At a closing bracket: only blanks may follow. */
static enum gw_status end(struct gw_json_walk *walk, struct gw_err *err)
{
    walk->at++;
    (void)peek(walk);
    if (walk->at < walk->text.length)
        return broken(walk, "something follows the end", err);
    return GW_E_MISSING;
}

enum gw_status gw_json_walk_next(struct gw_json_walk *walk, struct gw_arena *arena, struct gw_json_item *item,
                                 struct gw_err *err)
{
    char close = walk->is_object ? '}' : ']';
    enum gw_status status = GW_OK;

    if (peek(walk) == close)
        return end(walk, err);
    if (walk->begun) {
        if (peek(walk) != ',')
            return broken(walk, "a comma or a closing bracket is missing", err);
        walk->at++;
    }
    walk->begun = true;
    *item = (struct gw_json_item){.name = GW_STR_NONE};
    if (walk->is_object)
        status = take_name(walk, arena, &item->name, err);
    return status == GW_OK ? take_value(walk, &item->text, err) : status;
}
