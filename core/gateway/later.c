/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks that gave way. They queue on their worker and get one slice in each turn of
 * its loop, all of them together, behind the events that were ready: whoever runs
 * long stands behind whoever doesn't, and they take turns among themselves.
 */
#include "gateway/exchange.h"

void gw_later_add(void *ctx, struct gw_policy_call *call)
{
    struct gw_later *later = &((struct gw_worker *)ctx)->later;

    if (call->later_link != NULL)
        return;
    call->later_next = NULL;
    call->later_link = later->last == NULL ? &later->first : later->last;
    *call->later_link = call;
    later->last = &call->later_next;
    later->count++;
}

void gw_later_forget(struct gw_worker *worker, struct gw_policy_call *call)
{
    struct gw_later *later = &worker->later;

    if (call == NULL || call->later_link == NULL)
        return;
    *call->later_link = call->later_next;
    if (call->later_next != NULL)
        call->later_next->later_link = call->later_link;
    else
        later->last = call->later_link;
    call->later_link = NULL;
    later->count--;
}

/* Who gives way again meanwhile has had its turn. */
void gw_later_run(struct gw_worker *worker)
{
    const struct gw_clock *clock = worker->gateway->clock;
    struct gw_later *later = &worker->later;
    size_t left = later->count;
    int64_t began_ms;

    if (left == 0)
        return;
    gw_loop_begin(worker->loop, "policies");
    began_ms = gw_clock_monotonic_ms(clock);
    for (; left > 0 && later->first != NULL; left--) {
        struct gw_policy_call *call = later->first;

        gw_later_forget(worker, call);
        call->wake(call->wake_ctx);
        if (gw_clock_monotonic_ms(clock) != began_ms)
            break;
    }
    if (later->first != NULL)
        gw_loop_wake(worker->loop); /* the next turn doesn't wait for events */
}
