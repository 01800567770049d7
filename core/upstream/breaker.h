/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_UPSTREAM_BREAKER_H
#define GW_UPSTREAM_BREAKER_H

/*
 * When to leave a target alone. Failures are connections that don't come about
 * and requests without a byte of a reply; a reply of any status is none, a 5xx
 * neither: a service that refuses is there, its clients are to hear what it says,
 * and one failing operation must not take the others along. A reply that breaks
 * off, or is too large, says nothing: it may be due to what was asked, and who asks
 * that must not shut others out.
 *
 *   closed --failures in a row--> open --after a while--> one request tries
 *      ^---------------------- its reply ----------------------'
 */

#include "base/gw.h"

struct gw_breaker {
    unsigned failures; /* in a row */
    bool open;
    bool probing;
    int64_t until_ms; /* open: nobody tries before */
};

/* What a request is told. */
enum gw_breaker_verdict {
    GW_BREAKER_GO,
    GW_BREAKER_PROBE, /* it is the one that tries: its end is told with is_probe */
    GW_BREAKER_STOP,
};

enum gw_breaker_verdict gw_breaker_ask(struct gw_breaker *breaker, int64_t now_ms);
void gw_breaker_succeed(struct gw_breaker *breaker);
/* `limit` 0: never opens. True: it has opened, for `open_ms`. */
bool gw_breaker_fail(struct gw_breaker *breaker, bool is_probe, unsigned limit, int64_t until_ms);
/* The one that tried has ended and says nothing about the target. */
void gw_breaker_abstain(struct gw_breaker *breaker);

#endif
