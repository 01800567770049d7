/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Line by line, into one flat list in which each setting carries its section.
 * Where AWS's tools differ (comments behind values: the CLI keeps them, the SDKs
 * drop them), this is like the SDKs.
 */
#include "codec/ini.h"

#define VALUE_MAX 8192 /* bytes of a value that is put together from lines */

struct reader {
    struct gw_arena *arena;
    struct gw_ini *ini;
    struct gw_err *err;
    size_t line;
    bool in_section;
    struct gw_str kind;
    struct gw_str section;
    struct gw_ini_setting *open; /* what an indented line belongs to; NULL: nothing */
    bool nests;                  /* its indented lines are settings of their own */
    struct gw_str parent;
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\v' || byte == '\f';
}

static struct gw_str trim(struct gw_str text)
{
    while (text.length > 0 && is_blank(text.at[0]))
        text = gw_str_slice(text, 1, SIZE_MAX);
    while (text.length > 0 && is_blank(text.at[text.length - 1]))
        text.length--;
    return text;
}

/* Without the comment that a blank and # or ; begin. */
static struct gw_str cut_comment(struct gw_str text)
{
    for (size_t i = 1; i < text.length; i++) {
        if ((text.at[i] == '#' || text.at[i] == ';') && is_blank(text.at[i - 1]))
            return gw_str_slice(text, 0, i);
    }
    return text;
}

static enum gw_status fail(const struct reader *reader, const char *what)
{
    return gw_fail(reader->err, GW_E_SYNTAX, "line %zu: %s", reader->line, what);
}

static struct gw_ini_setting *add(struct reader *reader, struct gw_str name, struct gw_str value)
{
    struct gw_ini_setting *setting = &reader->ini->settings[reader->ini->count++];

    *setting = (struct gw_ini_setting){.kind = reader->kind, .section = reader->section, .name = name, .value = value};
    return setting;
}

static struct gw_str unquote(struct gw_str text)
{
    if (text.length >= 2 && (text.at[0] == '"' || text.at[0] == '\'') && text.at[text.length - 1] == text.at[0])
        return gw_str_slice(text, 1, text.length - 2);
    return text;
}

/* "[profile name]", comment behind it cut already. */
static enum gw_status read_section(struct reader *reader, struct gw_str line)
{
    size_t end = gw_str_find(line, ']', 0);
    struct gw_str inside = trim(gw_str_slice(line, 1, end - 1));
    struct gw_str rest = trim(gw_str_slice(line, end + 1, SIZE_MAX));
    size_t blank = 0;

    if (end == line.length)
        return fail(reader, "a section's name doesn't end: ] is missing");
    if (rest.length > 0 && rest.at[0] != '#' && rest.at[0] != ';')
        return fail(reader, "something stands behind a section's ]");
    while (blank < inside.length && !is_blank(inside.at[blank]))
        blank++;
    reader->kind = GW_STR("");
    if (blank < inside.length && inside.at[0] != '"' && inside.at[0] != '\'') {
        reader->kind = gw_str_slice(inside, 0, blank);
        inside = trim(gw_str_slice(inside, blank, SIZE_MAX));
    }
    reader->section = unquote(inside);
    if (reader->section.length == 0)
        return fail(reader, "a section has no name");
    reader->in_section = true;
    reader->open = NULL;
    (void)add(reader, GW_STR(""), GW_STR(""));
    return GW_OK;
}

static enum gw_status cut(const struct reader *reader, struct gw_str line, struct gw_str *name, struct gw_str *value)
{
    size_t equals = gw_str_find(line, '=', 0);

    *name = trim(gw_str_slice(line, 0, equals));
    *value = trim(cut_comment(gw_str_slice(line, equals + 1, SIZE_MAX)));
    if (value->at == NULL)
        *value = GW_STR("");
    if (equals == line.length || name->length == 0)
        return fail(reader, "is neither [SECTION] nor NAME = VALUE");
    return GW_OK;
}

static enum gw_status read_setting(struct reader *reader, struct gw_str line)
{
    struct gw_str name;
    struct gw_str value;
    enum gw_status status = cut(reader, line, &name, &value);

    if (status != GW_OK)
        return status;
    if (!reader->in_section)
        return fail(reader, "a setting stands before the first section");
    reader->open = add(reader, name, value);
    reader->nests = value.length == 0;
    reader->parent = name;
    return GW_OK;
}

static enum gw_status read_indented(struct reader *reader, struct gw_str line)
{
    struct gw_str name;
    struct gw_str value;
    enum gw_status status;

    if (reader->open == NULL)
        return fail(reader, "an indented line has no setting that it belongs to");
    if (!reader->nests && reader->open->value.length + line.length > VALUE_MAX)
        return gw_fail(reader->err, GW_E_LIMIT, "line %zu: a value is longer than %d bytes", reader->line, VALUE_MAX);
    if (!reader->nests) {
        reader->open->value = gw_arena_printf(reader->arena, "%.*s\n%.*s", GW_STR_ARG(reader->open->value),
                                              GW_STR_ARG(trim(cut_comment(line))));
        return GW_OK;
    }
    status = cut(reader, line, &name, &value);
    if (status == GW_OK)
        (void)add(reader, gw_arena_printf(reader->arena, "%.*s.%.*s", GW_STR_ARG(reader->parent), GW_STR_ARG(name)),
                  value);
    return status;
}

static enum gw_status read_line(struct reader *reader, struct gw_str line)
{
    struct gw_str text = trim(line);

    if (text.length == 0 || text.at[0] == '#' || text.at[0] == ';')
        return GW_OK;
    if (is_blank(line.at[0]))
        return read_indented(reader, text);
    return text.at[0] == '[' ? read_section(reader, text) : read_setting(reader, text);
}

static size_t count_lines(struct gw_str text)
{
    size_t count = 1;

    for (size_t i = 0; i < text.length; i++)
        count += text.at[i] == '\n';
    return count;
}

enum gw_status gw_ini_parse(struct gw_str text, struct gw_arena *arena, struct gw_ini *ini, struct gw_err *err)
{
    struct gw_ini found = {0};
    struct reader reader = {.arena = arena, .ini = &found, .err = err};
    size_t lines = count_lines(text);
    enum gw_status status = GW_OK;

    if (lines > GW_INI_LINES_MAX)
        return gw_fail(err, GW_E_LIMIT, "line %d: there are more lines than that", GW_INI_LINES_MAX);
    if (memchr(text.length > 0 ? text.at : "", '\0', text.length) != NULL)
        return gw_fail(err, GW_E_SYNTAX, "line 1: the text holds a NUL byte somewhere");
    if (gw_str_starts(text, GW_STR("\xef\xbb\xbf"))) /* what editors on Windows begin files with */
        text = gw_str_slice(text, 3, SIZE_MAX);
    found.settings = gw_arena_zero(arena, lines, sizeof(*found.settings));
    while (status == GW_OK && text.at != NULL) {
        reader.line++;
        status = read_line(&reader, gw_str_split(&text, '\n'));
    }
    if (status == GW_OK)
        *ini = found;
    return status;
}

bool gw_ini_has(const struct gw_ini *ini, struct gw_str kind, struct gw_str section)
{
    for (size_t i = 0; i < ini->count; i++) {
        if (gw_str_equal(ini->settings[i].kind, kind) && gw_str_equal(ini->settings[i].section, section))
            return true;
    }
    return false;
}

struct gw_str gw_ini_get(const struct gw_ini *ini, struct gw_str kind, struct gw_str section, const char *name)
{
    struct gw_str wanted = gw_str_from(name);

    for (size_t i = ini->count; i > 0; i--) {
        const struct gw_ini_setting *one = &ini->settings[i - 1];

        if (gw_str_equal_nocase(one->name, wanted) && gw_str_equal(one->kind, kind) &&
            gw_str_equal(one->section, section))
            return one->value;
    }
    return GW_STR_NONE;
}
