/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_TAKER_H
#define GW_TEST_TAKER_H

/*
 * A call that takes large replies in pieces, and bodies to send it whose every part
 * tells where it belongs. Behind upstream_fixture.h.
 */

#define LARGE 300000

struct taker {
    struct ask ask; /* first */
    struct gw_buf got;
    bool declines;
    enum gw_upstream_flow next; /* what on_piece says */
    unsigned heads;
    unsigned pieces;
};

static inline bool taker_on_head(void *ctx, struct gw_upstream_call *call)
{
    struct taker *taker = ctx;

    assert_int_equal(taker->heads++, 0);
    assert_int_equal(taker->ask.done, 0);
    assert_int_equal(call->reply.status, 200);
    return !taker->declines;
}

static inline enum gw_upstream_flow taker_on_piece(void *ctx, struct gw_upstream_call *call, struct gw_str piece)
{
    struct taker *taker = ctx;

    assert_int_equal(taker->heads, 1);
    assert_int_equal(taker->ask.done, 0);
    assert_ptr_equal(call, &taker->ask.call);
    assert_true(piece.length <= GW_UPSTREAM_LARGE);
    taker->pieces++;
    gw_buf_append_str(&taker->got, piece);
    return taker->next;
}

/* With the last bytes. */
static inline void taker_on_done(void *ctx, struct gw_upstream_call *call)
{
    struct taker *taker = ctx;

    ask_on_done(&taker->ask, call);
    if (call->outcome == GW_UPSTREAM_REPLIED)
        gw_buf_append_str(&taker->got, call->reply_body);
}

/* Calls are changed between this and ask_send. */
static inline void taker_init(struct taker *taker, const struct fixture *f, const char *head)
{
    memset(taker, 0, sizeof(*taker));
    gw_buf_init(&taker->got, 1 << 20);
    ask_init(&taker->ask, f, head);
    taker->ask.call.on_done = taker_on_done;
    taker->ask.call.on_head = taker_on_head;
    taker->ask.call.on_piece = taker_on_piece;
    taker->ask.call.ctx = taker;
}

static inline void taker_fini(struct taker *taker)
{
    gw_buf_fini(&taker->got);
    ask_fini(&taker->ask);
}

/* new: a reply with a body of LARGE bytes; `*head` bytes come before it. */
static inline char *large_reply(size_t *head)
{
    char *text = gw_alloc(LARGE + 256);

    *head = (size_t)snprintf(text, 256, "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: %d\r\n\r\n", LARGE);
    for (size_t i = 0; i < LARGE; i++)
        text[*head + i] = (char)(i * 7 + i / 251);
    return text;
}

static inline void require_large(const struct taker *taker)
{
    size_t head;
    char *reply = large_reply(&head);

    assert_true(gw_str_equal(gw_buf_str(&taker->got), (struct gw_str){reply + head, LARGE}));
    free(reply);
}

#endif
