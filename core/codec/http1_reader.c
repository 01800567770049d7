/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual reply comes as one piece: it is copied to the arena and read there,
 * once. Where more is to come the copy moves to where all of it has room, and the
 * head is read again, because its views point into the copy. A body that is split is
 * only counted.
 */
#include "codec/http1_reader.h"

#define KEPT 65536 /* bytes that a chunked body's buffer keeps for the next */

void gw_http1_reader_init(struct gw_http1_reader *reader, const struct gw_http1_limits *limits)
{
    *reader = (struct gw_http1_reader){.limits = *limits};
    gw_buf_init(&reader->chunked, limits->body_bytes);
}

void gw_http1_reader_fini(struct gw_http1_reader *reader)
{
    gw_buf_fini(&reader->chunked);
}

void gw_http1_reader_begin(struct gw_http1_reader *reader, struct gw_arena *arena, struct gw_http1_reply *reply)
{
    reader->arena = arena;
    reader->reply = reply;
    reader->body = GW_STR("");
    reader->at = NULL;
    reader->length = reader->room = 0;
    reader->has_head = reader->offered = reader->is_split = false;
    reader->offer_above = SIZE_MAX;
    if (reader->chunked.capacity > KEPT)
        gw_buf_fini(&reader->chunked);
    gw_buf_clear(&reader->chunked);
}

/* Moves what is there to where `room` bytes fit. */
static void move(struct gw_http1_reader *reader, size_t room)
{
    char *at = gw_arena_alloc(reader->arena, room);

    if (reader->length > 0)
        memcpy(at, reader->at, reader->length);
    reader->at = at;
    reader->room = room;
}

static void append(struct gw_http1_reader *reader, struct gw_str bytes)
{
    size_t needed = reader->length + bytes.length;

    if (needed > reader->room)
        move(reader, reader->at == NULL || needed > 2 * reader->room ? needed : 2 * reader->room);
    if (bytes.length > 0)
        memcpy(reader->at + reader->length, bytes.at, bytes.length);
    reader->length = needed;
}

static enum gw_status parse_head(struct gw_http1_reader *reader, struct gw_err *err)
{
    return gw_http1_reply_parse((struct gw_str){reader->at, reader->length}, &reader->limits, reader->reply, err);
}

static enum gw_status take_chunks(struct gw_http1_reader *reader, struct gw_str bytes, struct gw_err *err)
{
    struct gw_http1_error error;
    size_t consumed = 0;
    enum gw_status status =
        gw_http1_chunks_decode(&reader->chunks, bytes, &reader->limits, &reader->chunked, &consumed, &error);

    if (status == GW_AGAIN)
        return GW_AGAIN;
    if (status != GW_OK)
        return gw_fail(err, status, "%s", error.reason);
    if (consumed < bytes.length)
        return gw_fail(err, GW_E_SYNTAX, "bytes follow its end");
    if (reader->chunked.length > 0)
        reader->body = gw_arena_str(reader->arena, gw_buf_str(&reader->chunked));
    return GW_OK;
}

static enum gw_status check_length(struct gw_http1_reader *reader, struct gw_err *err)
{
    size_t head = reader->reply->head_length;
    size_t whole = head + (size_t)reader->reply->content_length;

    if (reader->length < whole)
        return GW_AGAIN;
    if (reader->length > whole)
        return gw_fail(err, GW_E_SYNTAX, "bytes follow its end");
    reader->body = (struct gw_str){reader->at + head, whole - head};
    return GW_OK;
}

void gw_http1_reader_gather(struct gw_http1_reader *reader)
{
    size_t whole = reader->reply->head_length + (size_t)reader->reply->content_length;
    struct gw_err err;

    reader->offered = false;
    if (whole <= reader->room)
        return;
    move(reader, whole);
    if (parse_head(reader, &err) != GW_OK)
        gw_fatal("a reply's head reads differently when it has moved");
}

struct gw_str gw_http1_reader_split(struct gw_http1_reader *reader)
{
    size_t head = reader->reply->head_length;

    reader->offered = false;
    reader->is_split = true;
    return (struct gw_str){reader->at + head, reader->length - head};
}

static enum gw_status take_head(struct gw_http1_reader *reader, struct gw_err *err)
{
    enum gw_status status = parse_head(reader, err);
    size_t head;

    if (status != GW_OK)
        return status;
    reader->has_head = true;
    head = reader->reply->head_length;
    if (reader->reply->chunked) {
        gw_http1_chunks_init(&reader->chunks);
        return take_chunks(reader, (struct gw_str){reader->at + head, reader->length - head}, err);
    }
    status = check_length(reader, err);
    if (status == GW_AGAIN && reader->reply->content_length > reader->offer_above)
        reader->offered = true;
    else if (status == GW_AGAIN)
        gw_http1_reader_gather(reader);
    return status;
}

static enum gw_status take_split(struct gw_http1_reader *reader, struct gw_str bytes)
{
    reader->length += bytes.length;
    if (reader->length < reader->reply->head_length + reader->reply->content_length)
        return GW_AGAIN;
    reader->body = gw_arena_str(reader->arena, bytes);
    return GW_OK;
}

enum gw_status gw_http1_reader_take(struct gw_http1_reader *reader, struct gw_str bytes, struct gw_err *err)
{
    if (reader->has_head && reader->reply->chunked)
        return take_chunks(reader, bytes, err);
    if (reader->has_head && bytes.length > reader->reply->head_length + reader->reply->content_length - reader->length)
        return gw_fail(err, GW_E_SYNTAX, "bytes follow its end");
    if (reader->is_split)
        return take_split(reader, bytes);
    append(reader, bytes);
    return reader->has_head ? check_length(reader, err) : take_head(reader, err);
}

bool gw_http1_reply_keeps(const struct gw_http1_reply *reply)
{
    const struct gw_http1_request *fields = &reply->fields;

    if (reply->minor == 0)
        return false;
    for (size_t i = 0; fields->index[GW_HEADER_CONNECTION] != 0 && i < fields->header_count; i++) {
        struct gw_str rest = fields->headers[i].value;

        while (fields->headers[i].id == GW_HEADER_CONNECTION && rest.at != NULL) {
            if (gw_str_equal_nocase(gw_str_trim(gw_str_split(&rest, ',')), GW_STR("close")))
                return false;
        }
    }
    return true;
}
