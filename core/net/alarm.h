/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NET_ALARM_H
#define GW_NET_ALARM_H

/*
 * A call on a loop's thread that others ask for, and that can be taken off the
 * loop again: every so often, at the end of the present turn's events, or because
 * another thread rang. What gw_loop_every and gw_loop_on_wake are for a loop's
 * owner, this is for whoever comes and goes.
 */

#include "net/loop.h"

struct gw_alarm;

/* new: nothing is called yet. `what` (lives for ever) names the call for the stopwatch. */
struct gw_alarm *gw_alarm_new(struct gw_loop *loop, const char *what, gw_loop_cb call, void *ctx);
/* new: the same, of which gw_alarm_ring may be used, and nothing else. Costs a descriptor. */
struct gw_alarm *gw_alarm_new_bell(struct gw_loop *loop, const char *what, gw_loop_cb call, void *ctx);
/* Before the loop is. Accepts NULL. */
void gw_alarm_free(struct gw_alarm **alarm);

/* Every `period_ms`, until gw_alarm_stop. */
void gw_alarm_every(struct gw_alarm *alarm, unsigned period_ms);
void gw_alarm_stop(struct gw_alarm *alarm);
/* Once, behind what is handled in this turn already: costs no system call. Several before that are one. */
void gw_alarm_soon(struct gw_alarm *alarm);
/* The same in the next turn, behind what became ready in between; of an alarm that isn't a periodic one. */
void gw_alarm_next(struct gw_alarm *alarm);

/* Any thread: several before the call are one. */
void gw_alarm_ring(const struct gw_alarm *alarm);

#endif
