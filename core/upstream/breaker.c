/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The circuit breaker of one target; see breaker.h. It knows no clock.
 */
#include "upstream/breaker.h"

enum gw_breaker_verdict gw_breaker_ask(struct gw_breaker *breaker, int64_t now_ms)
{
    if (!breaker->open)
        return GW_BREAKER_GO;
    if (breaker->probing || now_ms < breaker->until_ms)
        return GW_BREAKER_STOP;
    breaker->probing = true;
    return GW_BREAKER_PROBE;
}

void gw_breaker_succeed(struct gw_breaker *breaker)
{
    *breaker = (struct gw_breaker){0};
}

bool gw_breaker_fail(struct gw_breaker *breaker, bool is_probe, unsigned limit, int64_t until_ms)
{
    if (is_probe)
        breaker->probing = false;
    if (breaker->failures < limit)
        breaker->failures++;
    if (limit == 0 || breaker->failures < limit || (breaker->open && !is_probe))
        return false;
    breaker->open = true;
    breaker->until_ms = until_ms;
    return true;
}

void gw_breaker_abstain(struct gw_breaker *breaker)
{
    breaker->probing = false;
}
