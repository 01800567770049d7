/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks take turns. All questions that are asked in one turn of the loop have one
 * slice together: one that comes when that is spent queues, and so do hooks that
 * gave way. The queues get theirs behind the events that were ready, so that
 * whoever runs long stands behind whoever doesn't.
 */
#include "gateway/exchange.h"

#include <time.h>

#define GW_LATER_SLICE_NS 1000000

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void append(struct gw_later_queue *queue, struct gw_policy_call *call)
{
    if (call->later_queue != NULL)
        return;
    call->later_queue = queue;
    call->later_next = NULL;
    call->later_link = queue->last == NULL ? &queue->first : queue->last;
    *call->later_link = call;
    queue->last = &call->later_next;
    queue->count++;
}

void gw_later_add(void *ctx, struct gw_policy_call *call)
{
    append(&((struct gw_worker *)ctx)->later.ran, call);
}

void gw_later_forget(struct gw_policy_call *call)
{
    struct gw_later_queue *queue = call == NULL ? NULL : call->later_queue;

    if (queue == NULL)
        return;
    *call->later_link = call->later_next;
    if (call->later_next != NULL)
        call->later_next->later_link = call->later_link;
    else
        queue->last = call->later_link;
    call->later_queue = NULL;
    queue->count--;
}

void gw_later_watch(struct gw_worker *worker)
{
    struct gw_later *later = &worker->later;
    uint64_t turn = gw_loop_turns(worker->loop);

    if (later->turn != turn)
        later->spent_ns = 0;
    later->turn = turn;
    later->began_ns = now_ns();
}

bool gw_later_begin(struct gw_worker *worker, struct gw_policy_call *call)
{
    struct gw_later *later = &worker->later;
    bool has_turn = later->next == call;

    gw_later_watch(worker);
    later->next = NULL;
    if (has_turn || later->spent_ns < GW_LATER_SLICE_NS)
        return true;
    later->began_ns = 0;
    append(&later->fresh, call);
    return false;
}

void gw_later_end(struct gw_worker *worker)
{
    struct gw_later *later = &worker->later;

    if (later->began_ns != 0)
        later->spent_ns += now_ns() - later->began_ns;
    later->began_ns = 0;
}

/* One after the other until a slice is spent. Who gives way again meanwhile has had its turn. */
static void run(struct gw_worker *worker, struct gw_later_queue *queue)
{
    struct gw_later *later = &worker->later;
    size_t left = queue->count;

    for (later->spent_ns = 0; left > 0 && queue->first != NULL && later->spent_ns < GW_LATER_SLICE_NS; left--) {
        struct gw_policy_call *call = queue->first;

        gw_later_forget(call);
        later->next = call;
        call->wake(call->wake_ctx);
    }
}

void gw_later_run(struct gw_worker *worker)
{
    struct gw_later *later = &worker->later;

    if (later->fresh.first == NULL && later->ran.first == NULL)
        return;
    gw_loop_begin(worker->loop, "policies");
    run(worker, &later->fresh);
    run(worker, &later->ran);
    later->next = NULL;
    if (later->fresh.first != NULL || later->ran.first != NULL)
        gw_loop_wake(worker->loop); /* the next turn doesn't wait for events */
}
