/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NET_CLIENT_H
#define GW_NET_CLIENT_H

/*
 * One outgoing connection: to an address, through a proxy if need be (CONNECT),
 * with TLS if need be, then one HTTP/1.1 request after the other, each with its
 * whole reply before the next. No deadlines and no names here: whoever keeps
 * connections (upstream/) has these.
 *
 *   CLOSED -> CONNECTING -> [PROXYING] -> [HANDSHAKING] -> IDLE
 *   IDLE -> [WRITING] -> WAITING -> [READING] -> IDLE
 *
 * A connection on which anything is out of order is closed, never used again:
 * bytes that nobody asked for, a reply that came too early or holds more than it
 * says, a reply that isn't HTTP/1.1 to the letter.
 *
 * Events come from the loop, never from within a call; the handler may free or
 * reuse the connection, which isn't touched after it.
 *
 * The body of a large reply may be handed over as it comes (room's on_head and
 * on_piece) and its reading paused; REPLIED then comes with the last bytes, after
 * it is certain that nothing follows them.
 *
 *   client.c       the states, and exchanges
 *   client_open.c  until it is IDLE
 *   client_io.c    bytes in and out, over TLS or not
 */

#include <event2/event.h>
#include <event2/event_struct.h>

#include "codec/http1_reader.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/tls.h"

#define GW_CLIENT_SCRATCH 65536 /* bytes read at once */
#define GW_CLIENT_CONNECT 2048  /* bytes of the request for a tunnel */

enum gw_client_state {
    GW_CLIENT_CLOSED,
    GW_CLIENT_CONNECTING,
    GW_CLIENT_PROXYING,
    GW_CLIENT_HANDSHAKING,
    GW_CLIENT_IDLE,
    GW_CLIENT_WRITING, /* the kernel hasn't taken all of the request */
    GW_CLIENT_WAITING, /* it has; no byte of the reply is there */
    GW_CLIENT_READING,
};

enum gw_client_event {
    GW_CLIENT_OPENED,  /* IDLE, for the first time */
    GW_CLIENT_WRITTEN, /* WRITING came to its end */
    GW_CLIENT_BEGUN,   /* the reply's first bytes came, more are to come */
    GW_CLIENT_REPLIED, /* whole; IDLE, or CLOSED where another request can't follow */
    GW_CLIENT_ENDED,   /* CLOSED in any other way: `err` */
};

struct gw_client;

/* What the connections of one loop share. */
struct gw_client_room {
    /* by the owner */
    struct gw_loop *loop;
    struct gw_http1_limits limits; /* of replies */
    void (*on_event)(struct gw_client *client, enum gw_client_event event);
    /* With exchange->large. The reply is READING, its head is there (exchange->reply): true: its body goes to on_piece.
     * Nothing may be done to the client from within. */
    bool (*on_head)(struct gw_client *client);
    /* Some of the body, perhaps nothing yet; a view of the scratch. False: the client is paused, or closed, or gone. */
    bool (*on_piece)(struct gw_client *client, struct gw_str piece);
    /* its own */
    char *scratch;
};

/* What to connect to. Views and context are borrowed until the connection is IDLE. */
struct gw_client_peer {
    struct gw_address address;
    uint16_t port;
    struct gw_str tunnel;       /* the request for a tunnel, CONNECT to the blank line; {NULL,0}: no proxy there */
    struct gw_tls_context *tls; /* NULL: plain */
    struct gw_str name;         /* that the certificate must be for */
};

/* One request and what becomes of it. In place until REPLIED or ENDED. */
struct gw_client_exchange {
    struct gw_str head; /* without Connection and the blank line */
    struct gw_str body;
    struct gw_arena *arena;
    struct gw_http1_reply *reply; /* filled by REPLIED */
    struct gw_str reply_body;     /* by REPLIED; the last bytes of one that went to on_piece. In the arena */
    size_t large;                 /* a body that is longer and not there with its head is for on_head; 0: none is */
    bool touched;                 /* bytes of it may have reached the peer */
    bool answered;                /* bytes of its reply came */
};

struct gw_client {
    struct gw_client_room *room;
    enum gw_client_state state;
    int fd;
    struct gw_client_peer peer;
    struct gw_tls *tls;
    struct gw_client_exchange *exchange;
    size_t sent;    /* bytes of the exchange, or of the tunnel's request */
    bool used;      /* an exchange has gone through it */
    bool reading;   /* read_event is added */
    bool writing;   /* write_event is added */
    uint64_t turn;  /* of the loop, when the exchange began */
    char *greeting; /* what the proxy said so far; new */
    size_t greeting_length;
    struct gw_http1_reader reader;
    struct gw_err err; /* why it ended */
    bool tls_failed;   /* it ended in the handshake */
    struct event read_event;
    struct event write_event;
};

void gw_client_room_init(struct gw_client_room *room);
void gw_client_room_fini(struct gw_client_room *room);

/* CLOSED. The room outlives it. */
void gw_client_init(struct gw_client *client, struct gw_client_room *room);
void gw_client_fini(struct gw_client *client);

/* Of a CLOSED one. GW_OK: OPENED or ENDED will come. GW_E_IO: it ended at once (`client->err`), no event comes. */
GW_NODISCARD enum gw_status gw_client_open(struct gw_client *client, const struct gw_client_peer *peer);

/* Of an IDLE one. GW_OK: REPLIED or ENDED will come. GW_E_IO: it ended at once, no event comes; exchange->touched
 * says whether bytes went out all the same. */
GW_NODISCARD enum gw_status gw_client_send(struct gw_client *client, struct gw_client_exchange *exchange);

/* Whether an IDLE one is still what it was: nothing came from the peer, its end neither. Costs a system call. False: it
 * is CLOSED now, no event comes. */
bool gw_client_check(struct gw_client *client);

/* CLOSED, no event comes. */
void gw_client_close(struct gw_client *client);

/* From within on_piece: no further pieces before it is resumed; meanwhile the peer's end isn't seen either. */
void gw_client_pause(struct gw_client *client);
void gw_client_resume(struct gw_client *client); /* not from within on_piece */

/* client_io.c; for client*.c */
enum gw_client_io {
    GW_CLIENT_SOME,
    GW_CLIENT_NONE, /* at present */
    GW_CLIENT_END,
    GW_CLIENT_LOST,
};
/* One read into the scratch. */
enum gw_client_io gw_client_read(struct gw_client *client, size_t *length);
/* One write of what is left of the pieces behind client->sent, which grows. SOME: all of it is out. */
enum gw_client_io gw_client_write(struct gw_client *client, const struct gw_str *pieces, size_t count);
void gw_client_set_reading(struct gw_client *client, bool on);
void gw_client_set_writing(struct gw_client *client, bool on);

/* client_open.c; for client.c: the socket is ready for the next step. */
void gw_client_open_on(struct gw_client *client);

/* client.c: the socket is ready. */
void gw_client_on_readable(struct gw_client *client);
void gw_client_on_writable(struct gw_client *client);
/* client.c: closes, and tells. `err` is filled. */
void gw_client_end(struct gw_client *client);

#endif
