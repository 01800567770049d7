/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kind of text it is, and the two simple kinds. The third is in
 * transcript_botocore.c.
 */
#include "codec/transcript.h"

#include "base/buf.h"

const char *gw_transcript_kind_name(enum gw_transcript_kind kind)
{
    static const char *const names[] = {[GW_TRANSCRIPT_RAW] = "raw request",
                                        [GW_TRANSCRIPT_BOTOCORE] = "aws --debug",
                                        [GW_TRANSCRIPT_CURL] = "curl -v"};

    return names[kind];
}

static struct gw_str without_cr(struct gw_str line)
{
    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    return line;
}

/* Appends a line; what has LF ends gets CRLF ones. */
static void put_line(struct gw_buf *head, struct gw_str line)
{
    gw_buf_append_str(head, without_cr(line));
    gw_buf_append_lit(head, "\r\n");
}

static void read_raw(struct gw_str text, struct gw_arena *arena, struct gw_transcript *transcript)
{
    struct gw_str rest = text;
    struct gw_buf head;

    gw_buf_init(&head, text.length * 2 + 2);
    while (rest.at != NULL) {
        struct gw_str line = gw_str_split(&rest, '\n');

        put_line(&head, line);
        if (without_cr(line).length == 0 && head.length > 2)
            break;
    }
    transcript->requests = 1;
    transcript->head = gw_arena_str(arena, gw_buf_str(&head));
    transcript->has_body = true;
    transcript->body = rest;
    gw_buf_fini(&head);
}

/* "> METHOD TARGET HTTP/x" */
static bool begins_request(struct gw_str line)
{
    return gw_str_starts(line, GW_STR("> ")) && gw_str_search(line, GW_STR(" HTTP/")) != SIZE_MAX;
}

/* "GET / HTTP/2" is what curl shows of a request that has no such line. */
static void put_request_line(struct gw_buf *head, struct gw_str line)
{
    size_t version = gw_str_search(line, GW_STR(" HTTP/2"));

    if (version == SIZE_MAX) {
        put_line(head, line);
        return;
    }
    gw_buf_append_str(head, gw_str_slice(line, 0, version));
    gw_buf_append_lit(head, " HTTP/1.1\r\n");
}

/* True when the fields declare a body, which `curl -v` doesn't print. */
static bool declares_body(struct gw_str head)
{
    struct gw_str rest = head;

    while (rest.at != NULL) {
        struct gw_str value = without_cr(gw_str_split(&rest, '\n'));
        struct gw_str name = gw_str_split(&value, ':');

        if (value.at == NULL)
            continue;
        if (gw_str_equal_nocase(name, GW_STR("transfer-encoding")) ||
            (gw_str_equal_nocase(name, GW_STR("content-length")) && !gw_str_is(gw_str_trim(value), "0")))
            return true;
    }
    return false;
}

static enum gw_status read_curl(struct gw_str text, struct gw_arena *arena, struct gw_transcript *transcript)
{
    struct gw_str rest = text;
    struct gw_buf head;
    bool open = false;

    gw_buf_init(&head, text.length * 2 + 16);
    while (rest.at != NULL) {
        struct gw_str line = without_cr(gw_str_split(&rest, '\n'));

        if (begins_request(line)) {
            gw_buf_clear(&head);
            transcript->requests++;
            put_request_line(&head, gw_str_slice(line, 2, SIZE_MAX));
            open = true;
        } else if (open && (gw_str_is(line, ">") || gw_str_is(line, "> "))) {
            gw_buf_append_lit(&head, "\r\n");
            open = false;
        } else if (open && gw_str_starts(line, GW_STR("> "))) {
            put_line(&head, gw_str_slice(line, 2, SIZE_MAX));
        }
    }
    if (open)
        gw_buf_append_lit(&head, "\r\n");
    transcript->head = gw_arena_str(arena, gw_buf_str(&head));
    gw_buf_fini(&head);
    transcript->has_body = !declares_body(transcript->head);
    return transcript->requests > 0 ? GW_OK : GW_E_MISSING;
}

static bool looks_like_curl(struct gw_str text)
{
    struct gw_str rest = text;

    while (rest.at != NULL) {
        if (begins_request(gw_str_split(&rest, '\n')))
            return true;
    }
    return false;
}

static bool looks_like_botocore(struct gw_str text)
{
    return gw_str_search(text, GW_STR("<AWSPreparedRequest ")) != SIZE_MAX ||
           gw_str_search(text, GW_STR("Making request for OperationModel(")) != SIZE_MAX ||
           gw_str_search(text, GW_STR("botocore.")) < 256;
}

enum gw_status gw_transcript_read(struct gw_str text, struct gw_arena *arena, struct gw_transcript *transcript,
                                  struct gw_err *err)
{
    struct gw_str begin = gw_str_trim(gw_str_slice(text, 0, 256));

    *transcript = (struct gw_transcript){.kind = GW_TRANSCRIPT_RAW};
    if (begin.length == 0)
        return gw_fail(err, GW_E_MISSING,
                       "is empty; a raw request, or the output of aws --debug or curl -v is accepted");
    if (looks_like_botocore(text)) {
        transcript->kind = GW_TRANSCRIPT_BOTOCORE;
        return gw_transcript_read_botocore(text, arena, transcript, err);
    }
    if (looks_like_curl(text)) {
        transcript->kind = GW_TRANSCRIPT_CURL;
        return read_curl(text, arena, transcript);
    }
    read_raw(text, arena, transcript);
    return GW_OK;
}
