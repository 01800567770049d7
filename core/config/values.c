/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a source says to a value of the setting's type. A text in the file is
 * read like the text behind --set KEY=, because what env() gives is always text.
 * Rules that are a setting's own (an account has 12 digits) are in config.c.
 */
#include "config/settings.h"

#include <math.h>
#include <stdio.h>

#define ITEMS_MAX 1024

static const char *kind_words(enum gw_option_kind kind)
{
    switch (kind) {
    case GW_KIND_INTEGER:
        return "a whole number, ";
    case GW_KIND_SECONDS:
        return "a number, ";
    case GW_KIND_TEXTS:
    case GW_KIND_PATHS:
        return "a list of ";
    default:
        return "";
    }
}

/* Always false, so that readers can return it. */
static bool wrong(const struct gw_settings *settings, enum gw_option_id id, const char *format, ...) GW_PRINTF(3, 4);

static bool wrong(const struct gw_settings *settings, enum gw_option_id id, const char *format, ...)
{
    const struct gw_option *option = &gw_option_rows[id];
    char text[512];
    va_list args;

    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    va_end(args);
    gw_settings_problem(settings, id, "%s; accepted: %s%s", text, kind_words(option->kind), option->accepted);
    return false;
}

static bool wrong_type(const struct gw_settings *settings, enum gw_option_id id, const struct gw_json *json)
{
    return wrong(settings, id, "is of type %s", gw_json_type_name(json->type));
}

static bool wrong_text(const struct gw_settings *settings, enum gw_option_id id, struct gw_str text)
{
    return wrong(settings, id, "is \"%.*s\"", text.length > 80 ? 80 : (int)text.length, text.at);
}

bool gw_settings_boolean(const struct gw_settings *settings, enum gw_option_id id, bool *value)
{
    const struct gw_given *given = &settings->given[id];

    if (given->json != NULL) {
        if (given->json->type != GW_JSON_BOOL)
            return wrong_type(settings, id, given->json);
        *value = given->json->as.boolean;
        return true;
    }
    if (!gw_str_is(given->text, "true") && !gw_str_is(given->text, "false"))
        return wrong_text(settings, id, given->text);
    *value = gw_str_is(given->text, "true");
    return true;
}

static bool out_of_range(enum gw_option_id id, double number)
{
    return !(number >= gw_option_rows[id].low && number <= gw_option_rows[id].high);
}

bool gw_settings_integer(const struct gw_settings *settings, enum gw_option_id id, uint64_t *value)
{
    const struct gw_given *given = &settings->given[id];
    uint64_t number = 0;

    if (given->json != NULL) {
        if (given->json->type != GW_JSON_INTEGER)
            return wrong_type(settings, id, given->json);
        if (out_of_range(id, (double)given->json->as.integer))
            return wrong(settings, id, "is %lld", (long long)given->json->as.integer);
        *value = (uint64_t)given->json->as.integer;
        return true;
    }
    if (gw_str_parse_u64(given->text, INT64_MAX, &number) != GW_OK || out_of_range(id, (double)number))
        return wrong_text(settings, id, given->text);
    *value = number;
    return true;
}

/* "2", "2.5", "0.125": seconds to milliseconds. */
static bool parse_seconds(struct gw_str text, double *seconds)
{
    struct gw_str rest = text;
    struct gw_str whole = gw_str_split(&rest, '.');
    uint64_t number;
    uint64_t thousandths = 0;

    if (gw_str_parse_u64(whole, UINT32_MAX, &number) != GW_OK)
        return false;
    if (rest.at != NULL && (rest.length > 3 || gw_str_parse_u64(rest, 999, &thousandths) != GW_OK))
        return false;
    for (size_t digits = rest.length; rest.at != NULL && digits < 3; digits++)
        thousandths *= 10;
    *seconds = (double)number + (double)thousandths / 1000;
    return true;
}

bool gw_settings_seconds(const struct gw_settings *settings, enum gw_option_id id, unsigned *milliseconds)
{
    const struct gw_given *given = &settings->given[id];
    double seconds = 0;

    if (given->json == NULL) {
        if (!parse_seconds(given->text, &seconds) || out_of_range(id, seconds))
            return wrong_text(settings, id, given->text);
    } else if (given->json->type == GW_JSON_INTEGER) {
        seconds = (double)given->json->as.integer;
    } else if (given->json->type == GW_JSON_REAL) {
        seconds = given->json->as.real;
    } else {
        return wrong_type(settings, id, given->json);
    }
    if (out_of_range(id, seconds))
        return wrong(settings, id, "is %g", seconds);
    *milliseconds = (unsigned)lround(seconds * 1000);
    return true;
}

static bool check_word(const struct gw_settings *settings, enum gw_option_id id, struct gw_str word)
{
    if (gw_option_has_word(&gw_option_rows[id], word))
        return true;
    return wrong_text(settings, id, word);
}

bool gw_settings_text(const struct gw_settings *settings, enum gw_option_id id, struct gw_str *value)
{
    const struct gw_given *given = &settings->given[id];

    if (given->json != NULL)
        return wrong_type(settings, id, given->json);
    if (memchr(given->text.at, '\0', given->text.length) != NULL)
        return wrong(settings, id, "holds a NUL byte");
    if (gw_option_rows[id].kind == GW_KIND_WORD && !check_word(settings, id, given->text))
        return false;
    *value = given->text.length > 0 ? given->text : GW_STR_NONE;
    return true;
}

bool gw_settings_path(const struct gw_settings *settings, enum gw_option_id id, struct gw_str *value)
{
    struct gw_str text = GW_STR_NONE;

    if (!gw_settings_text(settings, id, &text))
        return false;
    *value = text.at == NULL ? text : gw_settings_resolve(settings->arena, settings->given[id].folder, text);
    return true;
}

static bool split_items(const struct gw_settings *settings, enum gw_option_id id, struct gw_str *items, size_t *count)
{
    struct gw_str rest = settings->given[id].text;

    if (rest.length == 0)
        return true;
    while (rest.at != NULL) {
        struct gw_str item = gw_str_trim(gw_str_split(&rest, ','));

        if (item.length == 0)
            return wrong(settings, id, "has an empty item between commas");
        if (*count == ITEMS_MAX)
            return wrong(settings, id, "has more than %d items", ITEMS_MAX);
        items[(*count)++] = gw_arena_str(settings->arena, item);
    }
    return true;
}

static bool wrong_item(const struct gw_settings *settings, enum gw_option_id id, const struct gw_json *item, size_t at)
{
    return wrong(settings, id, "item %zu is of type %s", at + 1, gw_json_type_name(item->type));
}

static bool read_items(const struct gw_settings *settings, enum gw_option_id id, struct gw_str *items, size_t *count)
{
    const struct gw_json *json = settings->given[id].json;

    if (json->type == GW_JSON_OBJECT && json->as.object.count == 0)
        return true;
    if (json->type != GW_JSON_ARRAY)
        return wrong_type(settings, id, json);
    if (json->as.array.count > ITEMS_MAX)
        return wrong(settings, id, "has more than %d items", ITEMS_MAX);
    for (size_t i = 0; i < json->as.array.count; i++) {
        const struct gw_json *item = &json->as.array.items[i];

        if (item->type != GW_JSON_STRING)
            return wrong_item(settings, id, item, i);
        if (item->as.string.length == 0 || memchr(item->as.string.at, '\0', item->as.string.length) != NULL)
            return wrong(settings, id, "item %zu is empty or holds a NUL byte", i + 1);
        items[(*count)++] = gw_arena_str(settings->arena, item->as.string);
    }
    return true;
}

bool gw_settings_texts(const struct gw_settings *settings, enum gw_option_id id, const struct gw_str **items,
                       size_t *count)
{
    const struct gw_given *given = &settings->given[id];
    struct gw_str *found = gw_arena_zero(settings->arena, ITEMS_MAX, sizeof(*found));
    size_t found_count = 0;

    if (!(given->json != NULL ? read_items : split_items)(settings, id, found, &found_count))
        return false;
    for (size_t i = 0; gw_option_rows[id].kind == GW_KIND_PATHS && i < found_count; i++)
        found[i] = gw_settings_resolve(settings->arena, given->folder, found[i]);
    *items = found;
    *count = found_count;
    return true;
}
