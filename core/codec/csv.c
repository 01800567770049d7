/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads field by field. A quote stands at a field's very begin and its end, and
 * twice for itself; anywhere else it is an error, as is text behind the closing
 * one: a file that was put together by hand says so instead of meaning something
 * else.
 */
#include "codec/csv.h"

#include <stdlib.h>

#include "codec/utf8.h"

struct parser {
    struct gw_str text;
    size_t at;
    size_t line; /* of `at`, from 1 */
    size_t values;
    const struct gw_csv_options *options;
    struct gw_arena *arena;
    struct gw_err *err;
    struct gw_str names[GW_CSV_COLUMNS_MAX];
    size_t places[GW_CSV_COLUMNS_MAX]; /* of the columns among the sorted names */
    size_t columns;
    size_t key; /* SIZE_MAX: none */
};

/* Lines under their keys, on the heap while their number isn't known. */
struct rows {
    struct gw_json_member *items;
    size_t count;
    size_t capacity;
};

static bool is_at_end(const struct parser *p)
{
    return p->at == p->text.length;
}

/* Takes a line break off; true where there is one, or the text's end. */
static bool take_line_end(struct parser *p)
{
    struct gw_str rest = gw_str_slice(p->text, p->at, SIZE_MAX);
    size_t length = gw_str_starts(rest, GW_STR("\r\n")) ? 2 : gw_str_starts(rest, GW_STR("\n")) ? 1 : 0;

    p->at += length;
    p->line += length > 0;
    return length > 0 || rest.length == 0;
}

static enum gw_status read_quoted(struct parser *p, struct gw_str *field)
{
    size_t begin = ++p->at;
    size_t line = p->line;
    size_t doubled = 0;
    char *copy;
    size_t length = 0;

    for (;; p->at++) {
        if (is_at_end(p))
            return gw_fail(p->err, GW_E_SYNTAX, "line %zu: a quoted field doesn't end", line);
        p->line += p->text.at[p->at] == '\n';
        if (p->text.at[p->at] != '"')
            continue;
        if (p->at + 1 == p->text.length || p->text.at[p->at + 1] != '"')
            break;
        doubled++;
        p->at++;
    }
    *field = gw_str_slice(p->text, begin, p->at++ - begin);
    if (doubled == 0)
        return GW_OK;
    copy = gw_arena_alloc(p->arena, field->length - doubled);
    for (size_t i = 0; i < field->length; i++) {
        copy[length++] = field->at[i];
        i += field->at[i] == '"';
    }
    *field = (struct gw_str){copy, length};
    return GW_OK;
}

static enum gw_status read_plain(struct parser *p, struct gw_str *field)
{
    size_t begin = p->at;

    for (; !is_at_end(p) && p->text.at[p->at] != ',' && p->text.at[p->at] != '\n'; p->at++) {
        if (p->text.at[p->at] == '"')
            return gw_fail(p->err, GW_E_SYNTAX, "line %zu: a quote within a field that doesn't begin with one",
                           p->line);
        if (p->text.at[p->at] != '\r')
            continue;
        if (gw_str_starts(gw_str_slice(p->text, p->at, 2), GW_STR("\r\n")))
            break;
        return gw_fail(p->err, GW_E_SYNTAX, "line %zu: a carriage return without a line feed", p->line);
    }
    *field = gw_str_slice(p->text, begin, p->at - begin);
    return GW_OK;
}

/* `is_last`: a line break or the text's end stands behind it, and was taken. */
static enum gw_status read_field(struct parser *p, struct gw_str *field, bool *is_last)
{
    bool quoted = !is_at_end(p) && p->text.at[p->at] == '"';
    size_t line = p->line;
    enum gw_status status = quoted ? read_quoted(p, field) : read_plain(p, field);

    if (status != GW_OK)
        return status;
    if (++p->values > p->options->values_max)
        return gw_fail(p->err, GW_E_LIMIT, "line %zu: more than %zu values", line, p->options->values_max);
    *is_last = is_at_end(p) || p->text.at[p->at] != ',';
    if (!*is_last) {
        p->at++;
        return GW_OK;
    }
    if (!take_line_end(p))
        return gw_fail(p->err, GW_E_SYNTAX, "line %zu: text behind a field's closing quote", line);
    return GW_OK;
}

static enum gw_status check_name(const struct parser *p, struct gw_str name)
{
    if (name.length == 0)
        return gw_fail(p->err, GW_E_SYNTAX, "column %zu has no name", p->columns + 1);
    if (gw_str_is_among(p->names, p->columns, name))
        return gw_fail(p->err, GW_E_DUPLICATE, "column '%.*s' is there twice", GW_STR_ARG(name));
    if (p->columns == GW_CSV_COLUMNS_MAX)
        return gw_fail(p->err, GW_E_LIMIT, "more than %d columns", GW_CSV_COLUMNS_MAX);
    return GW_OK;
}

/* Where each column's name stands among all of them. */
static void place_columns(struct parser *p)
{
    for (size_t i = 0; i < p->columns; i++) {
        for (size_t k = 0; k < p->columns; k++)
            p->places[i] += gw_str_compare(p->names[k], p->names[i]) < 0;
    }
}

static enum gw_status read_header(struct parser *p)
{
    struct gw_str wanted = p->options->key;
    bool is_last = false;

    while (!is_at_end(p) && take_line_end(p)) {
    }
    if (is_at_end(p))
        return gw_fail(p->err, GW_E_SYNTAX, "there is no line that names the columns");
    while (!is_last) {
        struct gw_str name = GW_STR_NONE;
        enum gw_status status = read_field(p, &name, &is_last);

        if (status == GW_OK)
            status = check_name(p, name);
        if (status != GW_OK)
            return status;
        if (wanted.at != NULL && gw_str_equal(name, wanted))
            p->key = p->columns;
        p->names[p->columns++] = name;
    }
    if (wanted.at != NULL && p->key == SIZE_MAX)
        return gw_fail(p->err, GW_E_MISSING, "there is no column '%.*s'", GW_STR_ARG(wanted));
    place_columns(p);
    return GW_OK;
}

static enum gw_status read_row(struct parser *p, struct gw_json_member *row)
{
    struct gw_json_member *members = gw_arena_zero(p->arena, p->columns, sizeof(*members));
    size_t line = p->line;
    bool is_last = false;
    size_t count = 0;

    for (; !is_last; count++) {
        struct gw_str field;
        enum gw_status status = read_field(p, &field, &is_last);

        if (status != GW_OK)
            return status;
        if (count == p->columns) {
            count++;
            break;
        }
        members[p->places[count]] = (struct gw_json_member){p->names[count], gw_json_string(field)};
    }
    if (count != p->columns || !is_last)
        return gw_fail(p->err, GW_E_SYNTAX, "line %zu: it has %s fields than the first line, which has %zu", line,
                       count < p->columns ? "fewer" : "more", p->columns);
    *row =
        (struct gw_json_member){.name = p->key == SIZE_MAX ? GW_STR_NONE : members[p->places[p->key]].value.as.string,
                                .value = {.type = GW_JSON_OBJECT, .as.object = {members, p->columns}}};
    if (p->key != SIZE_MAX && row->name.length == 0)
        return gw_fail(p->err, GW_E_SYNTAX, "line %zu: column '%.*s' is empty", line, GW_STR_ARG(p->options->key));
    if (++p->values > p->options->values_max)
        return gw_fail(p->err, GW_E_LIMIT, "line %zu: more than %zu values", line, p->options->values_max);
    return GW_OK;
}

static enum gw_status read_rows(struct parser *p, struct rows *rows)
{
    while (!is_at_end(p)) {
        struct gw_json_member row;
        enum gw_status status;

        if (take_line_end(p))
            continue;
        status = read_row(p, &row);
        if (status != GW_OK)
            return status;
        if (rows->count == rows->capacity) {
            rows->capacity = rows->capacity == 0 ? 64 : rows->capacity * 2;
            rows->items = gw_realloc(rows->items, rows->capacity * sizeof(*rows->items));
        }
        rows->items[rows->count++] = row;
    }
    return GW_OK;
}

static void make_array(const struct parser *p, const struct rows *rows, struct gw_json *value)
{
    struct gw_json *items = gw_arena_zero(p->arena, rows->count, sizeof(*items));

    for (size_t i = 0; i < rows->count; i++)
        items[i] = rows->items[i].value;
    *value = (struct gw_json){.type = GW_JSON_ARRAY, .as.array = {items, rows->count}};
}

static int compare_members(const void *a, const void *b)
{
    const struct gw_json_member *left = a;
    const struct gw_json_member *right = b;

    return gw_str_compare(left->name, right->name);
}

static enum gw_status make_object(const struct parser *p, struct rows *rows, struct gw_json *value)
{
    struct gw_json_member *members = gw_arena_zero(p->arena, rows->count, sizeof(*members));

    if (rows->count > 1)
        qsort(rows->items, rows->count, sizeof(*rows->items), compare_members);
    for (size_t i = 0; i < rows->count; i++) {
        if (i > 0 && gw_str_equal(rows->items[i].name, rows->items[i - 1].name))
            return gw_fail(p->err, GW_E_DUPLICATE, "'%.*s' is there twice in column '%.*s'",
                           GW_STR_ARG(rows->items[i].name), GW_STR_ARG(p->options->key));
        members[i] = rows->items[i];
    }
    *value = (struct gw_json){.type = GW_JSON_OBJECT, .as.object = {members, rows->count}};
    return GW_OK;
}

static enum gw_status check_utf8(struct gw_str text, struct gw_err *err)
{
    size_t line = 1;

    for (size_t at = 0; at < text.length;) {
        size_t step = gw_utf8_step(gw_str_slice(text, at, SIZE_MAX), NULL);

        if (step == 0 || text.at[at] == '\0')
            return gw_fail(err, GW_E_SYNTAX, "line %zu: it isn't UTF-8 text", line);
        line += text.at[at] == '\n';
        at += step;
    }
    return GW_OK;
}

enum gw_status gw_csv_parse(struct gw_str text, const struct gw_csv_options *options, struct gw_arena *arena,
                            struct gw_json *value, size_t *values, struct gw_err *err)
{
    struct parser p = {.options = options, .arena = arena, .err = err, .line = 1, .key = SIZE_MAX};
    struct rows rows = {0};
    enum gw_status status = check_utf8(text, err);

    p.text = gw_str_starts(text, GW_STR("\xef\xbb\xbf")) ? gw_str_slice(text, 3, SIZE_MAX) : text;
    if (status == GW_OK)
        status = read_header(&p);
    if (status == GW_OK)
        status = read_rows(&p, &rows);
    if (status == GW_OK && options->key.at == NULL)
        make_array(&p, &rows, value);
    else if (status == GW_OK)
        status = make_object(&p, &rows, value);
    if (status == GW_OK)
        *values = p.values;
    free(rows.items);
    return status;
}
