/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson reads, this file keeps: the tree that jansson builds on the heap is
 * copied into the arena and given back at once, so that nothing behind this file
 * counts references. It is the only file that may call jansson's loader.
 *
 * Before jansson sees a text, its nesting and its number of values are measured
 * in one pass that knows strings from the rest and nothing more. For text that
 * jansson then accepts the measure is exact; for other text it doesn't matter.
 *
 * Messages name line and column and never repeat the text: it may hold secrets.
 */
#include "codec/json.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/utf8.h"

#define VALUES_MAX       65536
#define ENCODE_DEPTH_MAX (2 * GW_JSON_DEPTH_MAX) /* replies and records wrap what was parsed a few levels deeper */

static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void free_any(void *memory)
{
    free(memory);
}

static void prepare_jansson(void)
{
    json_set_alloc_funcs(gw_alloc, free_any);
    json_object_seed(0);
}

/* The index behind the string that begins before `at`, or text.length when it doesn't end. */
static size_t skip_string(struct gw_str text, size_t at)
{
    for (; at < text.length; at++) {
        if (text.at[at] == '\\')
            at++;
        else if (text.at[at] == '"')
            return at + 1;
    }
    return text.length;
}

/* A value stands behind each comma and behind each bracket that isn't closed at once. */
static enum gw_status measure(struct gw_str text, size_t values_max, size_t *count, struct gw_err *err)
{
    size_t depth = 0;
    size_t values = 1;
    bool opened = false;

    for (size_t i = 0; i < text.length;) {
        char c = text.at[i++];

        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            continue;
        if (opened && c != ']' && c != '}')
            values++;
        opened = c == '[' || c == '{';
        if (c == '"')
            i = skip_string(text, i);
        else if (c == ',')
            values++;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
        if (opened && ++depth > GW_JSON_DEPTH_MAX)
            return gw_fail(err, GW_E_LIMIT, "JSON is nested deeper than %d levels", GW_JSON_DEPTH_MAX);
    }
    if (values > values_max)
        return gw_fail(err, GW_E_LIMIT, "JSON has more than %zu values", values_max);
    *count = values;
    return GW_OK;
}

static void convert(json_t *from, struct gw_arena *arena, struct gw_json *to);

static struct gw_str copy_text(struct gw_arena *arena, const char *text, size_t length)
{
    return gw_arena_str(arena, (struct gw_str){text, length});
}

static void convert_array(json_t *from, struct gw_arena *arena, struct gw_json *to)
{
    size_t count = json_array_size(from);

    to->as.array.count = count;
    to->as.array.items = count == 0 ? NULL : gw_arena_zero(arena, count, sizeof(*to->as.array.items));
    for (size_t i = 0; i < count; i++)
        convert(json_array_get(from, i), arena, &to->as.array.items[i]);
}

/* jansson's iteration follows the order in which members were added, hence that of the text. */
static void convert_object(json_t *from, struct gw_arena *arena, struct gw_json *to)
{
    size_t count = json_object_size(from);
    struct gw_json_member *member = count == 0 ? NULL : gw_arena_zero(arena, count, sizeof(*member));

    to->as.object.count = count;
    to->as.object.members = member;
    for (void *at = json_object_iter(from); at != NULL; at = json_object_iter_next(from, at), member++) {
        const char *name = json_object_iter_key(at);

        member->name = copy_text(arena, name, strlen(name));
        convert(json_object_iter_value(at), arena, &member->value);
    }
}

static void convert(json_t *from, struct gw_arena *arena, struct gw_json *to)
{
    *to = (struct gw_json){.type = GW_JSON_NULL};
    switch (json_typeof(from)) {
    case JSON_NULL:
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        *to = gw_json_bool(json_is_true(from));
        break;
    case JSON_INTEGER:
        *to = gw_json_integer((int64_t)json_integer_value(from));
        break;
    case JSON_REAL:
        to->type = GW_JSON_REAL;
        to->as.real = json_real_value(from);
        break;
    case JSON_STRING:
        *to = gw_json_string(copy_text(arena, json_string_value(from), json_string_length(from)));
        break;
    case JSON_ARRAY:
        to->type = GW_JSON_ARRAY;
        convert_array(from, arena, to);
        break;
    case JSON_OBJECT:
        to->type = GW_JSON_OBJECT;
        convert_object(from, arena, to);
        break;
    }
}

static enum gw_status explain(const json_error_t *error, struct gw_err *err)
{
    const char *near = strstr(error->text, " near ");
    int length = near == NULL ? (int)strlen(error->text) : (int)(near - error->text);

    return gw_fail(err, GW_E_SYNTAX, "line %d, column %d: %.*s", error->line, error->column, length, error->text);
}

enum gw_status gw_json_parse(struct gw_str text, struct gw_arena *arena, struct gw_json *value, struct gw_err *err)
{
    size_t values;

    return gw_json_parse_many(text, VALUES_MAX, arena, value, &values, err);
}

enum gw_status gw_json_parse_many(struct gw_str text, size_t values_max, struct gw_arena *arena, struct gw_json *value,
                                  size_t *values, struct gw_err *err)
{
    json_error_t error;
    json_t *root;
    enum gw_status status;

    (void)pthread_once(&prepared, prepare_jansson);
    if (text.length > 0 && memchr(text.at, '\0', text.length) != NULL) /* jansson takes one behind a number */
        return gw_fail(err, GW_E_SYNTAX, "there is a NUL byte");
    status = measure(text, values_max, values, err);
    if (status != GW_OK)
        return status;
    root = json_loadb(text.at == NULL ? "" : text.at, text.length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (root == NULL)
        return explain(&error, err);
    convert(root, arena, value);
    json_decref(root);
    return GW_OK;
}

const struct gw_json *gw_json_get(const struct gw_json *object, const char *name)
{
    struct gw_str wanted = gw_str_from(name);

    if (object == NULL || object->type != GW_JSON_OBJECT)
        return NULL;
    for (size_t i = 0; i < object->as.object.count; i++) {
        if (gw_str_equal(object->as.object.members[i].name, wanted))
            return &object->as.object.members[i].value;
    }
    return NULL;
}

const char *gw_json_type_name(enum gw_json_type type)
{
    static const char *const names[] = {
        [GW_JSON_NULL] = "null",     [GW_JSON_BOOL] = "boolean",  [GW_JSON_INTEGER] = "integer",
        [GW_JSON_REAL] = "number",   [GW_JSON_STRING] = "string", [GW_JSON_ARRAY] = "array",
        [GW_JSON_OBJECT] = "object",
    };

    return (size_t)type < GW_COUNT(names) ? names[type] : "unknown";
}

struct gw_json gw_json_string(struct gw_str text)
{
    return (struct gw_json){.type = GW_JSON_STRING, .as.string = text};
}

struct gw_json gw_json_bool(bool boolean)
{
    return (struct gw_json){.type = GW_JSON_BOOL, .as.boolean = boolean};
}

struct gw_json gw_json_integer(int64_t integer)
{
    return (struct gw_json){.type = GW_JSON_INTEGER, .as.integer = integer};
}

struct gw_json gw_json_strings(struct gw_arena *arena, const struct gw_str *items, size_t count)
{
    struct gw_json array = {.type = GW_JSON_ARRAY};

    if (count > 0)
        array.as.array.items = gw_arena_zero(arena, count, sizeof(*array.as.array.items));
    array.as.array.count = count;
    for (size_t i = 0; i < count; i++)
        array.as.array.items[i] = gw_json_string(items[i]);
    return array;
}

struct gw_json gw_json_pairs(struct gw_arena *arena, const struct gw_pair *pairs, size_t count)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};

    if (count > 0)
        object.as.object.members = gw_arena_zero(arena, count, sizeof(*object.as.object.members));
    object.as.object.count = count;
    for (size_t i = 0; i < count; i++)
        object.as.object.members[i] = (struct gw_json_member){pairs[i].key, gw_json_string(pairs[i].value)};
    return object;
}

void gw_json_set(struct gw_arena *arena, struct gw_json *object, struct gw_str name, struct gw_json value)
{
    struct gw_json_member *members = object->as.object.members;
    size_t count = object->as.object.count;
    struct gw_json_member *grown;

    for (size_t i = 0; i < count; i++) {
        if (gw_str_equal(members[i].name, name)) {
            members[i].value = value;
            return;
        }
    }
    grown = gw_arena_zero(arena, count + 1, sizeof(*grown));
    if (count > 0)
        memcpy(grown, members, count * sizeof(*grown));
    grown[count] = (struct gw_json_member){name, value};
    object->as.object.members = grown;
    object->as.object.count = count + 1;
}

/* The fewest digits that read back as the same number; a point or exponent keeps it a real. */
static void encode_real(double real, struct gw_buf *out)
{
    char text[40];

    if (!isfinite(real)) { /* the parser makes none; arithmetic of a policy might */
        gw_buf_append_lit(out, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
    gw_buf_append_str(out, gw_str_from(text));
    if (strpbrk(text, ".e") == NULL)
        gw_buf_append_lit(out, ".0");
}

static void encode_integer(int64_t integer, struct gw_buf *out)
{
    if (integer < 0)
        gw_buf_append_byte(out, '-');
    gw_buf_append_u64(out, integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer);
}

static void encode(const struct gw_json *value, struct gw_buf *out, unsigned depth);

static void encode_array(const struct gw_json *value, struct gw_buf *out, unsigned depth)
{
    gw_buf_append_byte(out, '[');
    for (size_t i = 0; i < value->as.array.count; i++) {
        if (i > 0)
            gw_buf_append_byte(out, ',');
        encode(&value->as.array.items[i], out, depth);
    }
    gw_buf_append_byte(out, ']');
}

static void encode_object(const struct gw_json *value, struct gw_buf *out, unsigned depth)
{
    gw_buf_append_byte(out, '{');
    for (size_t i = 0; i < value->as.object.count; i++) {
        if (i > 0)
            gw_buf_append_byte(out, ',');
        gw_json_encode_string(value->as.object.members[i].name, out);
        gw_buf_append_byte(out, ':');
        encode(&value->as.object.members[i].value, out, depth);
    }
    gw_buf_append_byte(out, '}');
}

static void encode(const struct gw_json *value, struct gw_buf *out, unsigned depth)
{
    if (depth > ENCODE_DEPTH_MAX) {
        out->overflowed = true;
        return;
    }
    switch (value->type) {
    case GW_JSON_NULL:
        gw_buf_append_lit(out, "null");
        break;
    case GW_JSON_BOOL:
        gw_buf_append_str(out, value->as.boolean ? GW_STR("true") : GW_STR("false"));
        break;
    case GW_JSON_INTEGER:
        encode_integer(value->as.integer, out);
        break;
    case GW_JSON_REAL:
        encode_real(value->as.real, out);
        break;
    case GW_JSON_STRING:
        gw_json_encode_string(value->as.string, out);
        break;
    case GW_JSON_ARRAY:
        encode_array(value, out, depth + 1);
        break;
    case GW_JSON_OBJECT:
        encode_object(value, out, depth + 1);
        break;
    }
}

void gw_json_encode(const struct gw_json *value, struct gw_buf *out)
{
    encode(value, out, 0);
}

/* True when none of eight bytes needs a look: all are printable ASCII, no quote, no backslash. The high bit of a lane
 * tells; lanes can only disturb one another where one of them tells already. */
static bool is_plain_word(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return ((word | (word - ones * 0x20) | ((word ^ (ones * '"')) - ones) | ((word ^ (ones * '\\')) - ones)) &
            (ones * 0x80)) == 0;
}

/* Bytes at the front that may stand in a string as they are. */
static size_t plain_run(struct gw_str text)
{
    size_t at = 0;

    while (at < text.length) {
        unsigned char c = (unsigned char)text.at[at];
        size_t step = 1;

        if (text.length - at >= 8 && is_plain_word(text.at + at)) {
            at += 8;
            continue;
        }
        if (text.length - at < 8 && text.length >= 8 && is_plain_word(text.at + text.length - 8))
            return text.length; /* the last bytes, some of them looked at before */
        if (c < 0x20 || c == '"' || c == '\\')
            break;
        if (c >= 0x80 && (step = gw_utf8_step(gw_str_slice(text, at, SIZE_MAX), NULL)) == 0)
            break;
        at += step;
    }
    return at;
}

/* A byte that can't stand as it is. */
static void escape_byte(unsigned char c, struct gw_buf *out)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* byte, letter, byte, letter, ... */
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (c >= 0x80) {
        gw_buf_append_lit(out, "\xef\xbf\xbd");
        return;
    }
    for (size_t i = 0; i < sizeof(shorts) - 1; i += 2) {
        if (shorts[i] == (char)c) {
            escape[1] = shorts[i + 1];
            gw_buf_append(out, escape, 2);
            return;
        }
    }
    gw_buf_append(out, escape, sizeof(escape));
}

void gw_json_encode_string(struct gw_str text, struct gw_buf *out)
{
    gw_buf_append_byte(out, '"');
    while (text.length > 0) {
        size_t run = plain_run(text);

        gw_buf_append(out, text.at, run);
        if (run == text.length)
            break;
        escape_byte((unsigned char)text.at[run], out);
        text = gw_str_slice(text, run + 1, SIZE_MAX);
    }
    gw_buf_append_byte(out, '"');
}
