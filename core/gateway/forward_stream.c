/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large replies to reads that nobody here looks into: they go to the client as they
 * come, as fast as it takes them, and no more than a piece is held. The exchange
 * waits in `prepare` meanwhile. When the call has ended the stages run on with the
 * reply's last bytes, or with what broke it; `reply` sends them, or breaks off.
 *
 * Changes aren't streamed: their records must be settled before the client knows.
 */
#include "gateway/overlay.h"

/* Whether the reply is needed as a whole, or something must be done between its last byte and the client. Inside an
 * epoch. */
static bool is_needed_whole(struct gw_exchange *exchange)
{
    if (!gw_eks_is_read_only(exchange->call.op) || exchange->worker->gateway->mock != NULL ||
        gw_exchange_settings(exchange)->record_reads)
        return true;
    if (gw_overlay_is_on(exchange) && gw_eks_overlay_side(&exchange->call) == GW_EKS_SIDE_BOTH)
        return true;
    return gw_asks_wanted(exchange, GW_HOOK_AUDIT) || gw_asks_wanted(exchange, GW_HOOK_OUTCOME);
}

static bool on_head(void *ctx, struct gw_upstream_call *call)
{
    struct gw_forward *forward = ctx;
    struct gw_epoch_reader *reader = forward->exchange->worker->reader;
    bool streams;

    gw_epoch_enter(reader);
    streams = call->reply.status == 200 && !is_needed_whole(forward->exchange);
    gw_epoch_leave(reader);
    return streams;
}

static enum gw_conn_flow begin(const struct gw_forward *forward, struct gw_str first)
{
    struct gw_exchange *exchange = forward->exchange;
    struct gw_epoch_reader *reader = exchange->worker->reader;
    enum gw_conn_flow flow;

    gw_epoch_enter(reader);
    gw_forward_show(exchange, forward);
    flow = gw_answer_begin(exchange, (size_t)forward->call.reply.content_length, first);
    gw_epoch_leave(reader);
    return flow;
}

static enum gw_upstream_flow on_piece(void *ctx, struct gw_upstream_call *call, struct gw_str piece)
{
    struct gw_forward *forward = ctx;
    struct gw_exchange *exchange = forward->exchange;

    (void)call;
    switch (exchange->in_pieces ? gw_conn_reply_piece(exchange->conn, piece) : begin(forward, piece)) {
    case GW_CONN_FLOWS:
        return GW_UPSTREAM_GO_ON;
    case GW_CONN_FULL:
        return GW_UPSTREAM_PAUSE;
    case GW_CONN_LOST:
        break;
    }
    forward->is_given_up = true;
    return GW_UPSTREAM_GIVE_UP;
}

void gw_forward_stream(struct gw_forward *forward)
{
    forward->call.on_head = on_head;
    forward->call.on_piece = on_piece;
}

void gw_forward_drained(struct gw_exchange *exchange)
{
    struct gw_forward *forward = exchange->forward;

    if (forward->has_ended)
        return;
    if (gw_conn_is_alive(exchange->conn)) {
        gw_upstream_resume(&forward->call);
        return;
    }
    forward->is_given_up = true;
    gw_upstream_cancel(&forward->call);
}
