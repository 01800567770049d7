/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass, no recursion. Whatever could name something outside the text (an
 * entity of the document's own) isn't known here, so that there is nothing to
 * expand.
 */
#include "codec/xml_read.h"

static enum gw_status fail(const struct gw_xml_reader *reader, struct gw_err *err, const char *what)
{
    return gw_fail(err, GW_E_SYNTAX, "is no XML that is taken here: byte %zu: %s", reader->at, what);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '_' || byte == '-' || byte == '.' || byte == ':';
}

static bool is_all_blank(struct gw_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_blank(text.at[i]))
            return false;
    }
    return true;
}

static struct gw_str rest_of(const struct gw_xml_reader *reader)
{
    return gw_str_slice(reader->text, reader->at, SIZE_MAX);
}

void gw_xml_begin(struct gw_xml_reader *reader, struct gw_str text)
{
    *reader = (struct gw_xml_reader){.text = text};
    if (gw_str_starts(text, GW_STR("<?xml"))) {
        size_t end = gw_str_search(text, GW_STR("?>"));

        reader->at = end == SIZE_MAX ? 0 : end + 2; /* without an end it is refused when it is met */
    }
}

/* The end of a UTF-8 sequence is written behind `at`; the bytes written. */
static size_t put_point(uint32_t point, char *at)
{
    if (point < 0x80) {
        at[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        at[0] = (char)(0xc0 | point >> 6);
        at[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        at[0] = (char)(0xe0 | point >> 12);
        at[1] = (char)(0x80 | (point >> 6 & 0x3f));
        at[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    at[0] = (char)(0xf0 | point >> 18);
    at[1] = (char)(0x80 | (point >> 12 & 0x3f));
    at[2] = (char)(0x80 | (point >> 6 & 0x3f));
    at[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

/* "#38" or "#x26" to a character that XML allows; false otherwise. */
static bool parse_point(struct gw_str text, uint32_t *point)
{
    bool is_hex = text.length > 1 && text.at[1] == 'x';
    uint32_t value = 0;

    text = gw_str_slice(text, is_hex ? 2 : 1, SIZE_MAX);
    if (text.length == 0 || text.length > 7)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.at[i];
        uint32_t digit = 99;

        if (byte >= '0' && byte <= '9')
            digit = (uint32_t)(byte - '0');
        else if (byte >= 'a' && byte <= 'f')
            digit = (uint32_t)(byte - 'a') + 10;
        else if (byte >= 'A' && byte <= 'F')
            digit = (uint32_t)(byte - 'A') + 10;
        if (digit >= (is_hex ? 16U : 10U))
            return false;
        value = value * (is_hex ? 16U : 10U) + digit;
    }
    *point = value;
    return (value >= 0x20 || value == '\t' || value == '\n' || value == '\r') && value <= 0x10ffff &&
           (value < 0xd800 || value > 0xdfff) && value != 0xfffe && value != 0xffff;
}

/* What stands between & and ; as bytes; 0 when it isn't known. */
static size_t expand(struct gw_str name, char *at)
{
    static const struct {
        const char *name;
        char byte;
    } known[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    uint32_t point;

    for (size_t i = 0; i < GW_COUNT(known); i++) {
        if (gw_str_is(name, known[i].name)) {
            *at = known[i].byte;
            return 1;
        }
    }
    if (name.length == 0 || name.at[0] != '#' || !parse_point(name, &point))
        return 0;
    return put_point(point, at);
}

static enum gw_status decode(const struct gw_xml_reader *reader, struct gw_str raw, struct gw_arena *arena,
                             struct gw_str *decoded, struct gw_err *err)
{
    char *at;
    size_t length = 0;

    *decoded = raw;
    if (memchr(raw.at, '&', raw.length) == NULL)
        return GW_OK;
    at = gw_arena_alloc(arena, raw.length); /* no reference is shorter than what it stands for */
    for (size_t i = 0; i < raw.length; i++) {
        size_t end;
        size_t count;

        if (raw.at[i] != '&') {
            at[length++] = raw.at[i];
            continue;
        }
        end = gw_str_find(gw_str_slice(raw, 0, i + 12), ';', i);
        count = end < raw.length ? expand(gw_str_slice(raw, i + 1, end - i - 1), at + length) : 0;
        if (count == 0)
            return fail(reader, err, "a reference that isn't known");
        length += count;
        i = end;
    }
    *decoded = (struct gw_str){at, length};
    return GW_OK;
}

/* The '>' that ends the tag at `from`, past quoted values; text.length without one. */
static size_t find_tag_end(struct gw_str text, size_t from)
{
    char quote = '\0';

    for (size_t i = from; i < text.length; i++) {
        char byte = text.at[i];

        if (quote != '\0')
            quote = byte == quote ? '\0' : quote;
        else if (byte == '"' || byte == '\'')
            quote = byte;
        else if (byte == '>')
            return i;
        else if (byte == '<')
            return text.length;
    }
    return text.length;
}

static struct gw_str name_at(struct gw_str text)
{
    size_t length = 0;

    while (length < text.length && is_name_byte(text.at[length]))
        length++;
    return gw_str_slice(text, 0, length);
}

static enum gw_status close_tag(struct gw_xml_reader *reader, struct gw_xml_item *item, struct gw_err *err)
{
    size_t end = gw_str_find(reader->text, '>', reader->at);
    struct gw_str inside = gw_str_slice(reader->text, reader->at + 2, end - reader->at - 2);
    struct gw_str name = name_at(inside);

    if (end == reader->text.length || !is_all_blank(gw_str_slice(inside, name.length, SIZE_MAX)))
        return fail(reader, err, "a closing tag that has no end");
    if (reader->depth == 0 || !gw_str_equal(reader->open[reader->depth - 1], name))
        return fail(reader, err, "a closing tag that closes nothing");
    reader->depth--;
    reader->ended = reader->depth == 0;
    reader->at = end + 1;
    *item = (struct gw_xml_item){GW_XML_CLOSE, name};
    return GW_OK;
}

static enum gw_status open_tag(struct gw_xml_reader *reader, struct gw_xml_item *item, struct gw_err *err)
{
    size_t end = find_tag_end(reader->text, reader->at + 1);
    struct gw_str inside = gw_str_slice(reader->text, reader->at + 1, end - reader->at - 1);
    struct gw_str name = name_at(inside);
    bool is_empty = inside.length > name.length && inside.at[inside.length - 1] == '/';

    if (end == reader->text.length || name.length == 0)
        return fail(reader, err, "a tag that isn't an element's");
    if (inside.length > name.length + (is_empty ? 1 : 0) && !is_blank(inside.at[name.length]))
        return fail(reader, err, "an element's name holds something odd");
    if (reader->ended)
        return fail(reader, err, "something follows the document");
    if (reader->depth == GW_XML_DEPTH_MAX)
        return gw_fail(err, GW_E_LIMIT, "is XML that is nested more than %d deep", GW_XML_DEPTH_MAX);
    reader->open[reader->depth++] = name;
    reader->closes = is_empty;
    reader->at = end + 1;
    *item = (struct gw_xml_item){GW_XML_OPEN, name};
    return GW_OK;
}

static enum gw_status text_item(struct gw_xml_reader *reader, struct gw_arena *arena, struct gw_xml_item *item,
                                struct gw_err *err)
{
    size_t end = gw_str_find(reader->text, '<', reader->at);
    struct gw_str raw = gw_str_slice(reader->text, reader->at, end - reader->at);
    enum gw_status status;

    if (reader->depth == 0)
        return fail(reader, err, "text outside of the document");
    if (memchr(raw.at, '\0', raw.length) != NULL)
        return fail(reader, err, "text with a NUL byte");
    item->event = GW_XML_TEXT;
    status = decode(reader, raw, arena, &item->text, err);
    if (status == GW_OK)
        reader->at = end;
    return status;
}

enum gw_status gw_xml_next(struct gw_xml_reader *reader, struct gw_arena *arena, struct gw_xml_item *item,
                           struct gw_err *err)
{
    size_t next;

    if (reader->closes) {
        reader->closes = false;
        reader->depth--;
        reader->ended = reader->depth == 0;
        *item = (struct gw_xml_item){GW_XML_CLOSE, reader->open[reader->depth]};
        return GW_OK;
    }
    next = gw_str_find(reader->text, '<', reader->at);
    if (is_all_blank(gw_str_slice(reader->text, reader->at, next - reader->at)))
        reader->at = next;
    if (reader->at == reader->text.length)
        return reader->ended ? GW_E_MISSING : fail(reader, err, "the document doesn't end");
    if (reader->text.at[reader->at] != '<')
        return text_item(reader, arena, item, err);
    if (gw_str_starts(rest_of(reader), GW_STR("</")))
        return close_tag(reader, item, err);
    return open_tag(reader, item, err);
}
