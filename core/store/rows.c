/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of its own, because an ordinary JSON parser takes a third of the time
 * that a start with a million entries may: it builds no tree, copies only texts
 * with escapes, and needs to know one form of each list.
 */
#include "store/rows.h"

#include <stdlib.h>

#include "codec/json.h"
#include "codec/utf8.h"

#define ONES UINT64_C(0x0101010101010101)

static uint64_t load_word(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

/* A lane's high bit is set where its byte is 0 or no ASCII; where none is, no lane's is. */
static uint64_t odd_lanes(uint64_t word)
{
    return (word | (word - ONES)) & (ONES * 0x80);
}

bool gw_rows_is_text(struct gw_str text)
{
    size_t at = 0;

    if (text.length > GW_ROWS_TEXT_MAX)
        return false;
    while (at < text.length) {
        size_t step;

        if (text.length - at >= 8 && odd_lanes(load_word(text.at + at)) == 0) {
            at += 8;
            continue;
        }
        step = text.at[at] == '\0' ? 0 : gw_utf8_step(gw_str_slice(text, at, SIZE_MAX), NULL);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

/* Each step gives different results for different words, and for different sums so far: what differs in one step
 * differs at the end. */
static uint64_t add_word(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ (sum >> 32);
}

/* The bytes as a number whose lowest byte comes first, on every machine. */
static uint64_t word_of(const char *at, size_t length)
{
    uint64_t word = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(&word, at, length);
#else
    for (size_t i = 0; i < length; i++)
        word |= (uint64_t)(unsigned char)at[i] << (8 * i);
#endif
    return word;
}

/* Adds the text; `*odd` gets a bit where a byte isn't ordinary ASCII, in the same pass. */
static uint64_t add_text(uint64_t sum, struct gw_str text, uint64_t *odd)
{
    size_t at = 0;

    sum = add_word(sum, text.length);
    for (; text.length - at >= 8; at += 8) {
        uint64_t word = word_of(text.at + at, 8);

        *odd |= odd_lanes(word);
        sum = add_word(sum, word);
    }
    if (at < text.length) {
        uint64_t word = word_of(text.at + at, text.length - at);

        *odd |= odd_lanes(word | (ONES << (8 * (text.length - at))));
        sum = add_word(sum, word);
    }
    return sum;
}

/* What add_text has seen of a text says whether it needs a closer look. */
static bool is_text(struct gw_str text, uint64_t odd)
{
    return (odd == 0 && text.length <= GW_ROWS_TEXT_MAX) || gw_rows_is_text(text);
}

static int bind_text(sqlite3_stmt *statement, int at, const struct gw_rows_column *column, uint64_t *sum)
{
    struct gw_str text = column->text.at == NULL ? GW_STR("") : column->text;
    uint64_t odd = 0;

    *sum = add_text(*sum, text, &odd);
    if (column->kind == GW_ROWS_KIND_BYTES)
        return sqlite3_bind_blob64(statement, at, text.at, text.length, SQLITE_STATIC);
    if (!is_text(text, odd))
        return SQLITE_MISMATCH;
    return sqlite3_bind_text64(statement, at, text.at, text.length, SQLITE_STATIC, SQLITE_UTF8);
}

int gw_rows_bind(sqlite3_stmt *statement, const struct gw_rows_column *columns, size_t count)
{
    int code = SQLITE_OK;
    uint64_t sum = 0;

    for (size_t i = 0; code == SQLITE_OK && i < count; i++) {
        if (columns[i].kind == GW_ROWS_KIND_NUMBER) {
            sum = add_word(sum, (uint64_t)columns[i].number);
            code = sqlite3_bind_int64(statement, (int)i + 1, columns[i].number);
        } else {
            code = bind_text(statement, (int)i + 1, &columns[i], &sum);
        }
    }
    return code == SQLITE_OK ? sqlite3_bind_int64(statement, (int)count + 1, (int64_t)sum) : code;
}

/* A value of the row that the connection is at: only this thread uses it, so that it needn't be protected. */
static bool read_bytes(sqlite3_value *value, int type, struct gw_rows_column *column)
{
    if (sqlite3_value_type(value) != type)
        return false;
    column->text.at = sqlite3_value_blob(value);
    column->text.length = (size_t)sqlite3_value_bytes(value);
    if (column->text.at == NULL)
        column->text = GW_STR("");
    return true;
}

static bool read_column(sqlite3_value *value, char kind, struct gw_rows_column *column, uint64_t *sum)
{
    uint64_t odd = 0;

    if (kind == 'n') {
        column->kind = GW_ROWS_KIND_NUMBER;
        column->number = sqlite3_value_int64(value);
        *sum = add_word(*sum, (uint64_t)column->number);
        return sqlite3_value_type(value) == SQLITE_INTEGER;
    }
    column->kind = kind == 't' ? GW_ROWS_KIND_TEXT : GW_ROWS_KIND_BYTES;
    if (!read_bytes(value, kind == 't' ? SQLITE_TEXT : SQLITE_BLOB, column))
        return false;
    *sum = add_text(*sum, column->text, &odd);
    return kind == 'b' || is_text(column->text, odd);
}

bool gw_rows_read(sqlite3_stmt *statement, const char *kinds, struct gw_rows_column *columns)
{
    uint64_t sum = 0;
    int count = 0;

    for (; kinds[count] != '\0'; count++) {
        if (!read_column(sqlite3_column_value(statement, count), kinds[count], &columns[count], &sum))
            return false;
    }
    return sqlite3_column_type(statement, count) == SQLITE_INTEGER &&
           (uint64_t)sqlite3_column_int64(statement, count) == sum;
}

void gw_rows_encode_texts(const struct gw_str *texts, size_t count, struct gw_buf *out)
{
    gw_buf_append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            gw_buf_append_byte(out, ',');
        gw_json_encode_string(texts[i], out);
    }
    gw_buf_append_byte(out, ']');
}

void gw_rows_encode_pairs(const struct gw_pair *pairs, size_t count, struct gw_buf *out)
{
    gw_buf_append_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            gw_buf_append_byte(out, ',');
        gw_json_encode_string(pairs[i].key, out);
        gw_buf_append_byte(out, ':');
        gw_json_encode_string(pairs[i].value, out);
    }
    gw_buf_append_byte(out, '}');
}

void gw_rows_encode_associations(const struct gw_association *associations, size_t count, struct gw_buf *out)
{
    gw_buf_append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        const struct gw_association *one = &associations[i];

        if (i > 0)
            gw_buf_append_byte(out, ',');
        gw_buf_append_lit(out, "{\"policyArn\":");
        gw_json_encode_string(one->policy_arn, out);
        gw_buf_append_lit(out, ",\"namespaces\":");
        if (one->is_cluster_wide)
            gw_buf_append_lit(out, "null");
        else
            gw_rows_encode_texts(one->namespaces, one->namespace_count, out);
        gw_buf_append_lit(out, ",\"associatedMs\":");
        gw_buf_append_u64(out, (uint64_t)one->associated_ms);
        gw_buf_append_lit(out, ",\"modifiedMs\":");
        gw_buf_append_u64(out, (uint64_t)one->modified_ms);
        gw_buf_append_byte(out, '}');
    }
    gw_buf_append_byte(out, ']');
}

void gw_rows_encode_objects(const struct gw_str *objects, size_t count, struct gw_buf *out)
{
    gw_buf_append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            gw_buf_append_byte(out, ',');
        gw_buf_append_str(out, objects[i]);
    }
    gw_buf_append_byte(out, ']');
}

void gw_rows_init(struct gw_rows *rows)
{
    memset(rows, 0, sizeof(*rows));
}

void gw_rows_fini(struct gw_rows *rows)
{
    free(rows->texts);
    free(rows->tags);
    free(rows->associations);
    free(rows->decoded);
    gw_rows_init(rows);
}

/* Room for one more. */
static void *grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? 16 : *capacity * 2;
    return gw_realloc(items, *capacity * size);
}

struct reader {
    struct gw_rows *rows;
    const char *at;
    const char *end;
};

static bool takes(struct reader *reader, struct gw_str expected)
{
    if (!gw_str_starts((struct gw_str){reader->at, (size_t)(reader->end - reader->at)}, expected))
        return false;
    reader->at += expected.length;
    return true;
}

static bool takes_byte(struct reader *reader, char expected)
{
    if (reader->at == reader->end || *reader->at != expected)
        return false;
    reader->at++;
    return true;
}

/* The high bit of a lane is set where its byte is a control byte, a quote, a backslash or no ASCII. Lanes above the
 * lowest of these may have it set, too. */
static uint64_t special_lanes(uint64_t word)
{
    return (word | (word - ONES * 0x20) | ((word ^ (ONES * '"')) - ONES) | ((word ^ (ONES * '\\')) - ONES)) &
           (ONES * 0x80);
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* Where the run of bytes that stand for themselves ends. */
static const char *skip_plain(const char *at, const char *end)
{
    for (;;) {
        if (end - at >= 8) {
            uint64_t special = special_lanes(word_of(at, 8));

            at += special == 0 ? 8 : __builtin_ctzll(special) / 8;
            if (special == 0)
                continue;
        }
        if (at == end || !is_plain(*at))
            return at;
        at++;
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \u00XX, of a control byte that has no letter. */
static bool decode_hex(struct reader *reader, char *byte)
{
    int high;
    int low;

    if (reader->end - reader->at < 5 || memcmp(reader->at, "u00", 3) != 0)
        return false;
    high = hex_value(reader->at[3]);
    low = hex_value(reader->at[4]);
    reader->at += 5;
    *byte = (char)(high * 16 + low);
    return (high == 0 || high == 1) && low >= 0 && *byte != '\0' && strchr("\b\f\n\r\t", *byte) == NULL;
}

/* What stands behind a backslash. */
static bool decode_escape(struct reader *reader, char *byte)
{
    static const char shorts[] = "\"\"\\\\b\bf\fn\nr\rt\t"; /* letter, byte, letter, byte, ... */

    for (size_t i = 0; i < sizeof(shorts) - 1; i += 2) {
        if (takes_byte(reader, shorts[i])) {
            *byte = shorts[i + 1];
            return true;
        }
    }
    return decode_hex(reader, byte);
}

/* The rest of a string whose first `plain` bytes stand for themselves. There is room: what is decoded is shorter. */
static bool decode_string(struct reader *reader, struct gw_str plain, struct gw_str *text)
{
    struct gw_rows *rows = reader->rows;
    char *start = rows->decoded + rows->decoded_used;
    char *to = start;

    for (;;) {
        memcpy(to, plain.at, plain.length);
        to += plain.length;
        if (takes_byte(reader, '"'))
            break;
        if (!takes_byte(reader, '\\') || !decode_escape(reader, to))
            return false;
        to++;
        plain.at = reader->at;
        reader->at = skip_plain(reader->at, reader->end);
        plain.length = (size_t)(reader->at - plain.at);
    }
    *text = (struct gw_str){start, (size_t)(to - start)};
    rows->decoded_used += text->length;
    return true;
}

static bool parse_string(struct reader *reader, struct gw_str *text)
{
    struct gw_str plain;

    if (!takes_byte(reader, '"'))
        return false;
    plain.at = reader->at;
    reader->at = skip_plain(reader->at, reader->end);
    plain.length = (size_t)(reader->at - plain.at);
    if (takes_byte(reader, '"')) {
        *text = plain;
        return true;
    }
    return decode_string(reader, plain, text);
}

/* An instant; no sign, no leading zeros. */
static bool parse_ms(struct reader *reader, int64_t *ms)
{
    const char *start = reader->at;
    uint64_t number;

    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
        reader->at++;
    if (reader->at - start > 1 && *start == '0')
        return false;
    if (gw_str_parse_u64((struct gw_str){start, (size_t)(reader->at - start)}, (uint64_t)GW_ROWS_MS_MAX, &number) !=
        GW_OK)
        return false;
    *ms = (int64_t)number;
    return true;
}

/* Appends the texts of a list to rows->texts. */
static bool parse_texts(struct reader *reader, size_t *count)
{
    struct gw_rows *rows = reader->rows;
    size_t before = rows->text_count;

    *count = 0;
    if (!takes_byte(reader, '['))
        return false;
    if (takes_byte(reader, ']'))
        return true;
    do {
        rows->texts = grow(rows->texts, rows->text_count, &rows->text_capacity, sizeof(*rows->texts));
        if (!parse_string(reader, &rows->texts[rows->text_count++]))
            return false;
    } while (takes_byte(reader, ','));
    *count = rows->text_count - before;
    return takes_byte(reader, ']');
}

static bool is_new_tag(const struct gw_rows *rows, struct gw_str key)
{
    for (size_t i = 0; i < rows->tag_count; i++) {
        if (gw_str_equal(rows->tags[i].key, key))
            return false;
    }
    return rows->tag_count < GW_ROWS_TAGS_MAX;
}

static bool parse_tags(struct reader *reader)
{
    struct gw_rows *rows = reader->rows;

    if (!takes_byte(reader, '{'))
        return false;
    if (takes_byte(reader, '}'))
        return true;
    do {
        struct gw_pair tag;

        if (!parse_string(reader, &tag.key) || !takes_byte(reader, ':') || !parse_string(reader, &tag.value) ||
            !is_new_tag(rows, tag.key))
            return false;
        rows->tags = grow(rows->tags, rows->tag_count, &rows->tag_capacity, sizeof(*rows->tags));
        rows->tags[rows->tag_count++] = tag;
    } while (takes_byte(reader, ','));
    return takes_byte(reader, '}');
}

static bool parse_association(struct reader *reader, struct gw_association *one)
{
    *one = (struct gw_association){.is_cluster_wide = false};
    if (!takes(reader, GW_STR("{\"policyArn\":")) || !parse_string(reader, &one->policy_arn) ||
        !takes(reader, GW_STR(",\"namespaces\":")))
        return false;
    one->is_cluster_wide = takes(reader, GW_STR("null"));
    if (!one->is_cluster_wide && !parse_texts(reader, &one->namespace_count))
        return false;
    return takes(reader, GW_STR(",\"associatedMs\":")) && parse_ms(reader, &one->associated_ms) &&
           takes(reader, GW_STR(",\"modifiedMs\":")) && parse_ms(reader, &one->modified_ms) && takes_byte(reader, '}');
}

/* One per policy, by policy in byte order. */
static bool parse_associations(struct reader *reader)
{
    struct gw_rows *rows = reader->rows;

    if (!takes_byte(reader, '['))
        return false;
    if (takes_byte(reader, ']'))
        return true;
    do {
        struct gw_association *one;

        rows->associations =
            grow(rows->associations, rows->association_count, &rows->association_capacity, sizeof(*rows->associations));
        one = &rows->associations[rows->association_count];
        if (!parse_association(reader, one) ||
            (rows->association_count > 0 && gw_str_compare(one[-1].policy_arn, one->policy_arn) >= 0))
            return false;
        rows->association_count++;
    } while (takes_byte(reader, ','));
    return takes_byte(reader, ']');
}

static void begin(struct gw_rows *rows, size_t bytes)
{
    rows->text_count = rows->tag_count = rows->association_count = rows->decoded_used = 0;
    if (bytes > rows->decoded_capacity) {
        rows->decoded_capacity = bytes;
        rows->decoded = gw_realloc(rows->decoded, bytes);
    }
}

static struct reader reader_of(struct gw_rows *rows, struct gw_str text)
{
    return (struct reader){rows, text.at, text.at + text.length};
}

const char *gw_rows_parse_lists(struct gw_rows *rows, const struct gw_rows_lists *lists, struct gw_access_entry *entry)
{
    struct reader groups = reader_of(rows, lists->groups);
    struct reader tags = reader_of(rows, lists->tags);
    struct reader associations = reader_of(rows, lists->associations);
    size_t used;

    begin(rows, lists->groups.length + lists->tags.length + lists->associations.length);
    if (!parse_texts(&groups, &entry->group_count) || groups.at != groups.end)
        return "kubernetes_groups";
    if (!parse_tags(&tags) || tags.at != tags.end)
        return "tags";
    if (!parse_associations(&associations) || associations.at != associations.end)
        return "associations";
    entry->groups = rows->texts;
    entry->tags = rows->tags;
    entry->tag_count = rows->tag_count;
    entry->associations = rows->associations;
    entry->association_count = rows->association_count;
    used = entry->group_count;
    for (size_t i = 0; i < rows->association_count; i++) {
        rows->associations[i].namespaces = rows->texts + used;
        used += rows->associations[i].namespace_count;
    }
    return NULL;
}
