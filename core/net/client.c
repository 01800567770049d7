/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges on an outgoing connection. In the usual case one is a writev, one
 * readable event and one read: the read event stays added for as long as the
 * connection lives, so that the end of one that nobody uses is seen too.
 *
 * HTTP/1.1 has nothing that ties a reply to its request but their order. So
 * whatever comes when nothing was asked ends the connection, and so do bytes that
 * were there before the request was: in a turn of the loop all that is handled as
 * ready was so when the turn began.
 */
#include "net/client.h"

#include <stdlib.h>
#include <unistd.h>

#define PIECES 8 /* read before others get their turn */

void gw_client_room_init(struct gw_client_room *room)
{
    room->scratch = gw_alloc(GW_CLIENT_SCRATCH);
}

void gw_client_room_fini(struct gw_client_room *room)
{
    free(room->scratch);
    room->scratch = NULL;
}

void gw_client_init(struct gw_client *client, struct gw_client_room *room)
{
    *client = (struct gw_client){.room = room, .fd = -1};
    gw_http1_reader_init(&client->reader, &room->limits);
}

void gw_client_fini(struct gw_client *client)
{
    gw_client_close(client);
    gw_http1_reader_fini(&client->reader);
}

void gw_client_close(struct gw_client *client)
{
    if (client->fd < 0)
        return;
    gw_client_set_reading(client, false);
    gw_client_set_writing(client, false);
    gw_tls_free(&client->tls);
    (void)close(client->fd);
    free(client->greeting);
    client->greeting = NULL;
    client->greeting_length = 0;
    client->fd = -1;
    client->exchange = NULL;
    client->state = GW_CLIENT_CLOSED;
}

void gw_client_end(struct gw_client *client)
{
    gw_client_close(client);
    client->room->on_event(client, GW_CLIENT_ENDED);
}

static enum gw_client_io push(struct gw_client *client)
{
    struct gw_client_exchange *exchange = client->exchange;
    const struct gw_str pieces[3] = {exchange->head, GW_STR("Connection: keep-alive\r\n\r\n"), exchange->body};
    enum gw_client_io got = gw_client_write(client, pieces, 3);

    /* TLS may have written part of a record of which it says nothing yet. */
    if (client->sent > 0 || (client->tls != NULL && got == GW_CLIENT_NONE))
        exchange->touched = true;
    return got;
}

enum gw_status gw_client_send(struct gw_client *client, struct gw_client_exchange *exchange)
{
    enum gw_client_io got;

    exchange->touched = exchange->answered = false;
    client->exchange = exchange;
    client->sent = 0;
    client->turn = gw_loop_turns(client->room->loop);
    gw_http1_reader_begin(&client->reader, exchange->arena, exchange->reply);
    if (exchange->large > 0)
        client->reader.offer_above = exchange->large;
    got = push(client);
    if (GW_LIKELY(got == GW_CLIENT_SOME)) {
        client->state = GW_CLIENT_WAITING;
        return GW_OK;
    }
    if (got == GW_CLIENT_NONE) {
        client->state = GW_CLIENT_WRITING;
        gw_client_set_writing(client, true);
        return GW_OK;
    }
    gw_client_close(client);
    return GW_E_IO;
}

/* Ends it: `what` is wrong with the reply, or with the connection. */
static void fail(struct gw_client *client, const char *what)
{
    (void)gw_fail(&client->err, GW_E_SYNTAX, "%s", what);
    gw_client_end(client);
}

static void end_early(struct gw_client *client, enum gw_client_io got)
{
    const char *where = client->exchange->answered ? "in the middle of its reply" : "before a byte of its reply";
    char why[256];

    memcpy(why, client->err.text, sizeof(why) - 1);
    why[sizeof(why) - 1] = '\0';
    if (got == GW_CLIENT_END)
        (void)gw_fail(&client->err, GW_E_IO, "it closed the connection %s", where);
    else
        (void)gw_fail(&client->err, GW_E_IO, "the connection ended %s: %s", where, why);
    gw_client_end(client);
}

/* The reply is whole, and what was read with it ended there. `open`: the peer hasn't closed behind it. */
static void complete(struct gw_client *client, bool open)
{
    struct gw_client_exchange *exchange = client->exchange;
    bool early = client->state == GW_CLIENT_WRITING;

    if (early && exchange->reply->status < 400) {
        fail(client, "it answered before it had the whole request");
        return;
    }
    exchange->reply_body = client->reader.body;
    client->exchange = NULL;
    client->used = true;
    client->state = GW_CLIENT_IDLE;
    if (early || !open || !gw_http1_reply_keeps(exchange->reply))
        gw_client_close(client);
    client->room->on_event(client, GW_CLIENT_REPLIED);
}

/* True: nothing more is there to be read; else it has ended. */
static bool is_drained(struct gw_client *client)
{
    size_t length;
    enum gw_client_io got = gw_client_read(client, &length);

    if (got == GW_CLIENT_SOME)
        (void)gw_fail(&client->err, GW_E_SYNTAX, "it sent what nobody had asked for");
    else if (got == GW_CLIENT_END)
        (void)gw_fail(&client->err, GW_E_IO, "it closed the connection");
    return got == GW_CLIENT_NONE;
}

bool gw_client_check(struct gw_client *client)
{
    if (is_drained(client))
        return true;
    gw_client_close(client);
    return false;
}

/* GW_AGAIN: more of the reply is to come. */
static enum gw_status take(struct gw_client *client, size_t length)
{
    struct gw_str bytes = {client->room->scratch, length};
    struct gw_err err = {""};
    enum gw_status status;

    /* Of this request's reply that is no byte. */
    if (client->used && !client->exchange->answered && client->turn == gw_loop_turns(client->room->loop))
        return gw_fail(&client->err, GW_E_SYNTAX, "it sent what nobody had asked for");
    client->exchange->answered = true;
    status = gw_http1_reader_take(&client->reader, bytes, &err);
    if (status == GW_OK || status == GW_AGAIN)
        return status;
    return gw_fail(&client->err, status, "its reply is not as it must be: %.400s", err.text);
}

/* Looks behind a whole reply where more of what the peer sent may be at hand. False: something is. */
static bool look_behind(struct gw_client *client, size_t length, bool *open)
{
    size_t more;
    enum gw_client_io got;

    *open = true;
    if (client->tls != NULL ? !gw_tls_has_pending(client->tls) : length < GW_CLIENT_SCRATCH)
        return true;
    got = gw_client_read(client, &more);
    *open = got == GW_CLIENT_NONE;
    return got != GW_CLIENT_SOME;
}

static void finish_reading(struct gw_client *client, size_t length)
{
    bool open;

    if (look_behind(client, length, &open))
        complete(client, open);
    else
        fail(client, "bytes follow its reply");
}

/* More may be at hand of which the socket tells nothing: it is read in a turn of its own. */
static void come_back(struct gw_client *client)
{
    if (client->reading && client->tls != NULL && gw_tls_has_pending(client->tls))
        event_active(&client->read_event, EV_READ, 0);
}

void gw_client_pause(struct gw_client *client)
{
    gw_client_set_reading(client, false);
    gw_client_set_writing(client, false); /* it was for TLS to read on */
}

void gw_client_resume(struct gw_client *client)
{
    gw_client_set_reading(client, true);
    come_back(client);
}

/* The head of a large reply is there; not of one that comes before its request is out. */
static void offer(struct gw_client *client)
{
    bool begins = client->state == GW_CLIENT_WAITING;

    if (begins)
        client->state = GW_CLIENT_READING;
    if (client->state == GW_CLIENT_READING && client->room->on_head(client)) {
        if (client->room->on_piece(client, gw_http1_reader_split(&client->reader)))
            come_back(client);
        return;
    }
    gw_http1_reader_gather(&client->reader);
    come_back(client);
    if (begins)
        client->room->on_event(client, GW_CLIENT_BEGUN);
}

/* The last bytes aren't handed over before it is known that nothing follows them. */
static void read_pieces(struct gw_client *client)
{
    for (int left = PIECES; left > 0; left--) {
        size_t length = 0;
        enum gw_client_io got = gw_client_read(client, &length);
        enum gw_status status = got == GW_CLIENT_SOME ? take(client, length) : GW_AGAIN;

        if (got == GW_CLIENT_END || got == GW_CLIENT_LOST)
            end_early(client, got);
        else if (status == GW_OK)
            finish_reading(client, length);
        else if (status != GW_AGAIN)
            gw_client_end(client);
        if (got != GW_CLIENT_SOME || status != GW_AGAIN)
            return;
        if (!client->room->on_piece(client, (struct gw_str){client->room->scratch, length}))
            return;
        if (client->tls == NULL || !gw_tls_has_pending(client->tls))
            return;
    }
    come_back(client);
}

static void go_on_reading(struct gw_client *client)
{
    size_t length = 0;
    enum gw_client_io got;
    enum gw_status status = GW_AGAIN;

    do {
        got = gw_client_read(client, &length);
        if (got == GW_CLIENT_SOME)
            status = take(client, length);
    } while (got == GW_CLIENT_SOME && status == GW_AGAIN && client->tls != NULL && !client->reader.offered &&
             gw_tls_has_pending(client->tls));
    if (GW_UNLIKELY(client->reader.offered)) {
        offer(client);
    } else if (status == GW_OK) {
        finish_reading(client, length);
    } else if (status != GW_AGAIN) {
        gw_client_end(client);
    } else if (got == GW_CLIENT_END || got == GW_CLIENT_LOST) {
        end_early(client, got);
    } else if (client->exchange->answered && client->state == GW_CLIENT_WAITING) {
        client->state = GW_CLIENT_READING;
        client->room->on_event(client, GW_CLIENT_BEGUN);
    }
}

static void go_on_writing(struct gw_client *client)
{
    switch (push(client)) {
    case GW_CLIENT_SOME:
        gw_client_set_writing(client, false);
        client->state = client->exchange->answered ? GW_CLIENT_READING : GW_CLIENT_WAITING;
        client->room->on_event(client, GW_CLIENT_WRITTEN);
        return;
    case GW_CLIENT_NONE:
        return;
    case GW_CLIENT_END:
    case GW_CLIENT_LOST:
        break;
    }
    /* What the peer said before it closed is read; its end is read behind that. */
    gw_client_set_writing(client, false);
}

void gw_client_on_readable(struct gw_client *client)
{
    switch (client->state) {
    case GW_CLIENT_CONNECTING:
    case GW_CLIENT_PROXYING:
    case GW_CLIENT_HANDSHAKING:
        gw_client_open_on(client);
        return;
    case GW_CLIENT_IDLE:
        if (!is_drained(client))
            gw_client_end(client);
        return;
    case GW_CLIENT_READING:
        if (client->reader.is_split)
            read_pieces(client);
        else
            go_on_reading(client);
        return;
    case GW_CLIENT_WRITING:
    case GW_CLIENT_WAITING:
        go_on_reading(client);
        return;
    case GW_CLIENT_CLOSED:
        break;
    }
}

void gw_client_on_writable(struct gw_client *client)
{
    switch (client->state) {
    case GW_CLIENT_CONNECTING:
    case GW_CLIENT_PROXYING:
    case GW_CLIENT_HANDSHAKING:
        gw_client_open_on(client);
        return;
    case GW_CLIENT_WRITING:
        go_on_writing(client);
        return;
    case GW_CLIENT_IDLE:
    case GW_CLIENT_WAITING:
    case GW_CLIENT_READING:
        /* TLS had something of its own to write, which its next read does. */
        gw_client_set_writing(client, false);
        gw_client_on_readable(client);
        return;
    case GW_CLIENT_CLOSED:
        break;
    }
}
