/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NET_CONN_H
#define GW_NET_CONN_H

/*
 * What the files of the HTTP server share; for core/net only.
 *
 *   server.c         options, listeners, accepting, draining
 *   conn.c           the life of a connection: states, requests
 *   conn_reply.c     replies, whole or in pieces
 *   conn_io.c        bytes in and out of the socket
 *   conn_tls.c       the same through a TLS session, and its handshake
 *   conn_connect.c   what a proxy's clients say before it
 *   conn_facts.c     what a handler asks of one
 *   conn_pool.c      memory that connections borrow, and connections themselves
 *   conn_deadline.c  who has to be done by when
 *
 * States of a connection, and what moves it on:
 *
 *   PROXY -> CONNECT -> HANDSHAKE -> HEAD -> [BODY] -> WAIT -> REPLIED -> HEAD ...
 *                                            |  \-> WRITE (short write) -> REPLIED
 *                                            |-> STREAM (a reply in pieces) -> REPLIED, or WRITE
 *                                            \-> (lost: stays until the handler has replied; the same in STREAM)
 *   REPLIED -> LINGER when it closes with bytes of the client unread; HANDSHAKE -> LINGER when it failed
 *   CONNECT -> WAIT when it is refused
 */

#include <stdatomic.h>
#include <sys/uio.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/link.h"
#include "net/address.h"
#include "net/server.h"
#include "net/tls.h"

#define GW_CONN_INPUT      16384  /* bytes of an input buffer; a larger head gets one of its own */
#define GW_CONN_CHUNK_ROOM 4096   /* bytes at least that a chunked body is read in */
#define GW_CONN_PIPELINED  32     /* requests answered before others get their turn */
#define GW_CONN_ARENA      16384  /* bytes of an arena's first block: a request with policies fits */
#define GW_CONN_KEPT       65536  /* bytes of body or arena that are kept for the next request */
#define GW_CONN_LINGER     262144 /* bytes read and thrown away before closing */
#define GW_CONN_LINGER_MS  1000
#define GW_CONN_TICK_MS    100 /* how late a deadline may be noticed */

enum gw_conn_state {
    GW_CONN_PROXY,
    GW_CONN_CONNECT,
    GW_CONN_HANDSHAKE,
    GW_CONN_HEAD,
    GW_CONN_BODY,
    GW_CONN_WAIT,
    GW_CONN_STREAM,
    GW_CONN_WRITE,
    GW_CONN_REPLIED,
    GW_CONN_LINGERING,
};

/* Each kind has one constant duration, so that a list in order of arrival is in order of deadline. */
enum gw_conn_deadline {
    GW_DEADLINE_HEAD,
    GW_DEADLINE_BODY,
    GW_DEADLINE_REPLY,
    GW_DEADLINE_IDLE,
    GW_DEADLINE_LINGER,
    GW_DEADLINE_COUNT,
    GW_DEADLINE_NONE = GW_DEADLINE_COUNT,
};

/* What a request needs and an idle connection does without. */
struct gw_conn_work {
    struct gw_conn_work *next_free;
    struct gw_arena arena;
    struct gw_buf body; /* a body that doesn't fit behind its head */
    struct gw_str body_view;
    struct gw_http1_chunks chunks;
    size_t source_length; /* of `source`; 0: the connection's */
    char source[GW_ADDRESS_TEXT];
    struct gw_http1_request request;
};

struct gw_conn_input {
    struct gw_conn_input *next_free;
    size_t capacity;
    char bytes[];
};

struct gw_conn {
    struct gw_server *server;
    struct gw_link all;
    struct gw_link by_deadline;
    struct gw_link resumed; /* in server->resumes: goes on in the next turn */
    int64_t deadline_ms;
    enum gw_conn_deadline deadline;
    enum gw_conn_state state;
    int fd; /* -1 once the client is lost */
    /* input->bytes: [start, next) the present request, [next, end) what follows it */
    struct gw_conn_input *input;
    size_t start;
    size_t next;
    size_t end;
    size_t scanned;
    struct gw_conn_work *work;
    void *user;
    struct gw_tls *tls;       /* NULL: plain. Outlives the socket: its facts are asked for until the reply */
    struct gw_tls_slot *slot; /* of the listener; NULL: plain */
    bool tunnels;             /* of the listener: CONNECT comes first */
    bool read_again;          /* the session has more than was read: bytes, or the end */
    bool read_waits;          /* reading goes on when the socket takes bytes */
    bool write_waits;         /* writing goes on when the socket has bytes */
    bool processing;          /* gw_conn_process is on the stack */
    bool told;                /* the handler knows of the request: on_done is owed */
    bool has_request;         /* work->request is filled */
    bool body_apart;          /* the body is in work->body */
    bool body_unread;         /* bytes of a body may still come that nobody wants */
    bool closing;             /* after the present reply */
    bool served;              /* replied since the deadline was last set */
    bool fresh;               /* nothing replied yet */
    bool reading;             /* read_event is added */
    bool eof;                 /* the client sends no more; it may still read */
    uint64_t reply_left;      /* STREAM: bytes of the body that are to be handed over */
    struct gw_buf out;        /* what the kernel didn't take */
    size_t out_at;
    size_t lingered;
    struct gw_address peer;
    size_t source_length;
    char source[GW_ADDRESS_TEXT];
    struct event read_event;
    struct event write_event;
};

struct gw_server_socket {
    struct gw_server *server;
    struct event *event;
    int fd;
    struct gw_tls_slot *tls; /* NULL: plain */
    bool tunnels;
    bool is_unix;
    bool listening;
};

struct gw_server {
    struct gw_loop *loop;
    struct gw_server_options options;
    struct gw_server_handler handler;
    struct gw_server_counters counters;
    struct gw_cidr *trusted;
    size_t trusted_count;
    struct gw_server_socket sockets[GW_SERVER_SOCKETS];
    size_t socket_count;
    bool at_cap;     /* sockets pause until a connection ends */
    bool out_of_fds; /* sockets pause until the next tick */
    bool draining;
    bool freeing;
    bool ticking;
    int64_t warn_after_ms; /* no second warning of the same before */
    gw_loop_cb drained;
    void *drained_ctx;
    size_t open;
    struct gw_link all;
    struct gw_link resumes;
    struct gw_link deadlines[GW_DEADLINE_COUNT];
    struct event *tick_event;
    struct event *resume_event;
    struct gw_conn *free_conns; /* linked through `user` */
    struct gw_conn_work *free_works;
    struct gw_conn_input *free_inputs;
    size_t free_conn_count;
    size_t free_work_count;
    size_t free_input_count;
};

/* One thread writes, so no locked instruction is needed. */
static inline void gw_conn_count(_Atomic uint64_t *counter, int64_t change)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, value + (uint64_t)change, memory_order_relaxed);
}

/* conn.c */
void gw_conn_start(struct gw_conn *conn);
void gw_conn_process(struct gw_conn *conn); /* may free it */
void gw_conn_resume(struct gw_conn *conn);  /* the next turn of gw_server_resume_later; may free it */
void gw_conn_expire(struct gw_conn *conn, enum gw_conn_deadline kind);
void gw_conn_destroy(struct gw_conn *conn); /* on_done if owed; free */

/* The deadline that fits where the connection has come to; one that is running goes on. */
void gw_conn_settle_deadline(struct gw_conn *conn);
/* The reply is given, in another callback than its request's: on with what follows it. May free the connection. */
void gw_conn_finish_later(struct gw_conn *conn);

/* conn_reply.c: a reply in pieces may go on, or nobody is there to take it. May free the connection. */
void gw_conn_tell_drained(struct gw_conn *conn);

/* conn_io.c */
enum gw_conn_read {
    GW_CONN_READ_SOME,
    GW_CONN_READ_NONE, /* nothing there at present */
    GW_CONN_READ_END,
    GW_CONN_READ_LOST,
};
enum gw_conn_read gw_conn_fill(struct gw_conn *conn);    /* one read into the input or the body */
enum gw_conn_read gw_conn_discard(struct gw_conn *conn); /* one read into nowhere */
bool gw_conn_peek(const struct gw_conn *conn);           /* bytes wait in the socket */
void gw_conn_send(struct gw_conn *conn, struct iovec *pieces, size_t count);
bool gw_conn_flush(struct gw_conn *conn);       /* true when nothing is left to send, or nobody to send it to */
void gw_conn_drop_socket(struct gw_conn *conn); /* the client is gone */
void gw_conn_set_reading(struct gw_conn *conn, bool on);
void gw_conn_make_room(struct gw_conn *conn, size_t room); /* moves the input: views into it must not exist */

/* conn_facts.c */
void gw_conn_find_source(struct gw_conn *conn); /* as a trusted proxy tells it */

/* conn_connect.c: reads CONNECT, answers 200 and begins the session. GW_OK: the handshake is next. GW_AGAIN: more must
 * come. Anything else: `error` says what to answer; nothing was sent, and all that came is used up. */
enum gw_status gw_conn_connect(struct gw_conn *conn, struct gw_http1_error *error);

/* conn_tls.c */
void gw_conn_tls_begin(struct gw_conn *conn); /* a session on the socket */
/* GW_AGAIN: something must happen first. GW_E_SYNTAX: no session comes of it; a client that speaks plain HTTP has been
 * answered. */
enum gw_status gw_conn_tls_handshake(struct gw_conn *conn);
/* Reads until the room is full or nothing is left inside. */
enum gw_conn_read gw_conn_tls_read(struct gw_conn *conn, char *at, size_t room, size_t *length);
size_t gw_conn_tls_send(struct gw_conn *conn, const struct iovec *pieces, size_t count); /* bytes taken */
/* There is more to read, of which the socket tells nothing. */
static inline bool gw_conn_tls_waits(const struct gw_conn *conn)
{
    return GW_UNLIKELY(conn->read_again) && conn->reading;
}

/* conn_pool.c */
struct gw_conn *gw_conn_pool_take(struct gw_server *server);
void gw_conn_pool_give(struct gw_conn *conn);
void gw_conn_pool_take_work(struct gw_conn *conn);
void gw_conn_pool_give_work(struct gw_conn *conn);
void gw_conn_pool_take_input(struct gw_conn *conn);
void gw_conn_pool_give_input(struct gw_conn *conn);
void gw_conn_pool_fini(struct gw_server *server);

/* conn_deadline.c */
void gw_conn_deadline_set(struct gw_conn *conn, enum gw_conn_deadline kind); /* from now on */
void gw_conn_deadline_clear(struct gw_conn *conn);
void gw_conn_deadline_check(struct gw_server *server);

/* server.c */
void gw_server_resume_later(struct gw_conn *conn);
void gw_server_conn_ended(struct gw_server *server);

#endif
