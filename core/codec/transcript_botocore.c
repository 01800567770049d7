/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs of botocore, a line at a time:
 *
 *   ... Making request for OperationModel(name=X) with params: {'url_path': ..., 'body': b'...', ...}
 *   ... CanonicalRequest:             followed by its lines
 *   ... StringToSign:                 followed by four lines
 *   ... Sending http request: <AWSPreparedRequest stream_output=False, method=GET, url=..., headers={...}>
 *
 * "Sending" ends a request and takes what stood before it. The Host field isn't in
 * the log: http.client makes it of the URL, without the port that is the scheme's
 * own.
 */
#include "codec/transcript.h"

#include "base/buf.h"
#include "codec/python.h"
#include "codec/uri.h"

#define SIGNED_LINES  4 /* of a string to sign */
#define CANONICAL_MAX ((size_t)1 << 20)

/* What has been read of the request that comes next. */
struct draft {
    struct gw_arena *arena;
    bool has_body;
    struct gw_str body;
    struct gw_str canonical;
    struct gw_str string_to_sign;
};

static struct gw_str next_line(struct gw_str *rest)
{
    struct gw_str line = gw_str_split(rest, '\n');

    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    return line;
}

/* What stands behind `marker`; {NULL,0} when the line doesn't have it. */
static struct gw_str behind(struct gw_str line, const char *marker)
{
    size_t at = gw_str_search(line, gw_str_from(marker));

    return at == SIZE_MAX ? GW_STR_NONE : gw_str_slice(line, at + strlen(marker), SIZE_MAX);
}

static bool is_heading(struct gw_str line, const char *heading)
{
    struct gw_str tail = behind(line, heading);

    return tail.at != NULL && tail.length == 0;
}

/* arena: the lines up to the heading of what follows, or `most` of them. */
static struct gw_str read_block(struct gw_str *rest, struct gw_arena *arena, const char *next, size_t most)
{
    struct gw_str block;
    struct gw_buf text;

    gw_buf_init(&text, CANONICAL_MAX);
    for (size_t i = 0; i < most && rest->at != NULL; i++) {
        struct gw_str ahead = *rest;
        struct gw_str line = next_line(&ahead);

        if (is_heading(line, next))
            break;
        if (i > 0)
            gw_buf_append_byte(&text, '\n');
        gw_buf_append_str(&text, line);
        *rest = ahead;
    }
    block = text.overflowed ? GW_STR_NONE : gw_arena_str(arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return block;
}

/* A dictionary of texts, numbers and words, as urllib.parse.urlencode writes it: a blank becomes '+'. */
static enum gw_status read_form(struct gw_python *cursor, struct gw_arena *arena, struct gw_buf *form)
{
    struct gw_str key;
    struct gw_str value;
    enum gw_status status;

    while ((status = gw_python_key(cursor, arena, &key)) == GW_OK) {
        struct gw_python ahead = *cursor;

        if (gw_python_string(&ahead, arena, &value) == GW_OK)
            *cursor = ahead;
        else
            value = gw_python_word(cursor);
        if (form->length > 0)
            gw_buf_append_byte(form, '&');
        gw_uri_encode(key, false, form);
        gw_buf_append_byte(form, '=');
        gw_uri_encode(value, false, form);
    }
    return status == GW_E_MISSING ? GW_OK : status;
}

static struct gw_str plus_for_blanks(struct gw_str encoded, struct gw_arena *arena)
{
    char *text = gw_arena_alloc(arena, encoded.length + 1);
    size_t length = 0;

    for (size_t i = 0; i < encoded.length; i++) {
        bool blank = encoded.length - i >= 3 && memcmp(encoded.at + i, "%20", 3) == 0;

        text[length++] = blank ? '+' : encoded.at[i];
        i += blank ? 2 : 0;
    }
    text[length] = '\0';
    return (struct gw_str){text, length};
}

/* The value of 'body': bytes, a text, or the members of a form. Anything else (a file) isn't in the log. */
static enum gw_status read_body(struct draft *draft, struct gw_python *cursor)
{
    struct gw_python ahead = *cursor;
    struct gw_buf form;
    enum gw_status status;

    if (gw_python_string(&ahead, draft->arena, &draft->body) == GW_OK) {
        *cursor = ahead;
        draft->has_body = true;
        return GW_OK;
    }
    if (!gw_python_take(&ahead, '{'))
        return gw_python_skip(cursor);
    gw_buf_init(&form, (size_t)(cursor->end - cursor->at) * 12 + 1);
    status = read_form(&ahead, draft->arena, &form);
    draft->has_body = status == GW_OK;
    draft->body = plus_for_blanks(gw_buf_str(&form), draft->arena);
    gw_buf_fini(&form);
    *cursor = ahead;
    return status;
}

static enum gw_status read_params(struct draft *draft, struct gw_str text)
{
    struct gw_python cursor = {text.at, text.at + text.length};
    struct gw_str key;
    enum gw_status status;

    *draft = (struct draft){.arena = draft->arena};
    if (!gw_python_take(&cursor, '{'))
        return GW_E_SYNTAX;
    while ((status = gw_python_key(&cursor, draft->arena, &key)) == GW_OK) {
        if (gw_str_is(key, "body"))
            return read_body(draft, &cursor);
        status = gw_python_skip(&cursor);
        if (status != GW_OK)
            return status;
    }
    return status == GW_E_MISSING ? GW_OK : status;
}

/* "method=GET, url=...": the value up to `end`, behind which the text goes on. */
static struct gw_str take_field(struct gw_str *text, const char *name, const char *end)
{
    struct gw_str value = behind(*text, name);
    size_t length = gw_str_search(value, gw_str_from(end));

    if (value.at == NULL || length == SIZE_MAX)
        return GW_STR_NONE;
    *text = gw_str_slice(value, length, SIZE_MAX);
    return gw_str_slice(value, 0, length);
}

/* "http://host:80" has "host" as Host. */
static struct gw_str host_of(struct gw_str authority, bool is_tls)
{
    struct gw_str own = is_tls ? GW_STR(":443") : GW_STR(":80");

    if (authority.length > own.length &&
        gw_str_equal(gw_str_slice(authority, authority.length - own.length, SIZE_MAX), own))
        authority.length -= own.length;
    return authority;
}

static enum gw_status put_target(struct gw_str method, struct gw_str url, struct gw_buf *head)
{
    bool is_tls = gw_str_starts(url, GW_STR("https://"));
    struct gw_str rest = gw_str_slice(url, is_tls ? 8 : 7, SIZE_MAX);
    size_t end = 0;

    if (!is_tls && !gw_str_starts(url, GW_STR("http://")))
        return GW_E_SYNTAX;
    while (end < rest.length && rest.at[end] != '/' && rest.at[end] != '?')
        end++;
    gw_buf_append_str(head, method);
    gw_buf_append_byte(head, ' ');
    if (end == rest.length || rest.at[end] == '?')
        gw_buf_append_byte(head, '/');
    gw_buf_append_str(head, gw_str_slice(rest, end, SIZE_MAX));
    gw_buf_append_lit(head, " HTTP/1.1\r\nHost: ");
    gw_buf_append_str(head, host_of(gw_str_slice(rest, 0, end), is_tls));
    gw_buf_append_lit(head, "\r\n");
    return GW_OK;
}

/* A value with a line end in it would be another field. */
static bool is_one_line(struct gw_str text)
{
    return memchr(text.length > 0 ? text.at : "", '\n', text.length) == NULL &&
           memchr(text.length > 0 ? text.at : "", '\r', text.length) == NULL;
}

static enum gw_status put_fields(struct gw_str text, struct gw_arena *arena, struct gw_buf *head)
{
    struct gw_python cursor = {text.at, text.at + text.length};
    struct gw_str name;
    struct gw_str value;
    enum gw_status status;

    if (!gw_python_take(&cursor, '{'))
        return GW_E_SYNTAX;
    while ((status = gw_python_key(&cursor, arena, &name)) == GW_OK) {
        if (gw_python_string(&cursor, arena, &value) != GW_OK || !is_one_line(name) || !is_one_line(value))
            return GW_E_SYNTAX;
        if (gw_str_equal_nocase(name, GW_STR("host")))
            continue;
        gw_buf_append_str(head, name);
        gw_buf_append_lit(head, ": ");
        gw_buf_append_str(head, value);
        gw_buf_append_lit(head, "\r\n");
    }
    gw_buf_append_lit(head, "\r\n");
    return status == GW_E_MISSING ? GW_OK : status;
}

static enum gw_status read_sent(const struct draft *draft, struct gw_str text, struct gw_transcript *transcript)
{
    struct gw_str method = take_field(&text, "method=", ", url=");
    struct gw_str url = take_field(&text, ", url=", ", headers=");
    struct gw_buf head;
    enum gw_status status = GW_E_SYNTAX;

    gw_buf_init(&head, text.length * 4 + url.length + 1024);
    if (url.at != NULL)
        status = put_target(method, url, &head);
    if (status == GW_OK)
        status = put_fields(behind(text, ", headers="), draft->arena, &head);
    if (status == GW_OK) {
        transcript->requests++;
        transcript->head = gw_arena_str(draft->arena, gw_buf_str(&head));
        transcript->has_body = draft->has_body;
        transcript->body = draft->body;
        transcript->canonical = draft->canonical;
        transcript->string_to_sign = draft->string_to_sign;
    }
    gw_buf_fini(&head);
    return status;
}

enum gw_status gw_transcript_read_botocore(struct gw_str text, struct gw_arena *arena, struct gw_transcript *transcript,
                                           struct gw_err *err)
{
    struct draft draft = {.arena = arena};
    struct gw_str rest = text;

    while (rest.at != NULL) {
        struct gw_str line = next_line(&rest);
        struct gw_str tail;
        enum gw_status status = GW_OK;

        if (is_heading(line, " CanonicalRequest:") || is_heading(line, ":CanonicalRequest:"))
            draft.canonical = read_block(&rest, arena, "StringToSign:", SIZE_MAX);
        else if (is_heading(line, " StringToSign:") || is_heading(line, ":StringToSign:"))
            draft.string_to_sign = read_block(&rest, arena, "Signature:", SIGNED_LINES);
        else if ((tail = behind(line, " with params: ")).at != NULL &&
                 behind(line, "Making request for OperationModel(").at != NULL)
            status = read_params(&draft, tail);
        else if ((tail = behind(line, "Sending http request: <AWSPreparedRequest ")).at != NULL)
            status = read_sent(&draft, tail, transcript);
        if (status != GW_OK)
            return gw_fail(err, GW_E_SYNTAX, "a request in the log can't be read: %.*s",
                           GW_STR_ARG(gw_str_slice(line, 0, 80)));
    }
    if (transcript->requests == 0)
        return gw_fail(err, GW_E_MISSING, "is a log of botocore in which no request is sent");
    return GW_OK;
}
