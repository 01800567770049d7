/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NET_LOOP_H
#define GW_NET_LOOP_H

/*
 * One thread's event loop: libevent's, with the two things it lacks: a wake-up
 * from other threads that coalesces, and a call at the end of each turn (after the
 * ready events were handled, before waiting again), where a worker hands on what
 * the turn collected. All but stop and wake is for the loop's own thread.
 */

#include "base/clock.h"
#include "net/stopwatch.h"

struct gw_loop;
struct event_base;

typedef void (*gw_loop_cb)(void *ctx);

/* new */
struct gw_loop *gw_loop_new(const struct gw_clock *clock);
void gw_loop_free(struct gw_loop **loop);

/* Runs until gw_loop_stop. The thread that calls is the loop's thread. */
void gw_loop_run(struct gw_loop *loop);
/* One turn: handles what is ready, waiting for something if `wait`, and calls on_turn. */
void gw_loop_turn(struct gw_loop *loop, bool wait);
/* Any thread, and signal-safe: the loop ends after the present turn; one that isn't running ends when it is run. */
void gw_loop_stop(struct gw_loop *loop);

/* Called on the loop's thread after gw_loop_wake; several wakes before it runs give one call. Set before running. */
void gw_loop_on_wake(struct gw_loop *loop, gw_loop_cb call, void *ctx);
/* Any thread, signal-safe. */
void gw_loop_wake(struct gw_loop *loop);

/* Called after every turn. Set before running. */
void gw_loop_on_turn(struct gw_loop *loop, gw_loop_cb call, void *ctx);

/* Called every `period_ms` until the loop is freed; at most 16 per loop. */
void gw_loop_every(struct gw_loop *loop, unsigned period_ms, gw_loop_cb call, void *ctx);

struct gw_loop_timer;

/* new: calls once, `delay_ms` from now. The handle is dead as soon as the call begins; a loop that is freed drops the
 * calls that still wait. */
struct gw_loop_timer *gw_loop_after(struct gw_loop *loop, unsigned delay_ms, gw_loop_cb call, void *ctx);
/* Before the call began: it isn't made. Accepts NULL. */
void gw_loop_cancel(struct gw_loop_timer **timer);

/* How long this loop's callbacks took. borrows; any thread may read it. */
const struct gw_stopwatch_counters *gw_loop_counters_get(const struct gw_loop *loop);

/* Times read once per turn: cheap, at most one turn old. */
int64_t gw_loop_wall_ms(const struct gw_loop *loop);
int64_t gw_loop_monotonic_ms(const struct gw_loop *loop);

/* How many turns have begun. What is handled as ready in a turn was ready before any of the turn's callbacks ran. */
uint64_t gw_loop_turns(const struct gw_loop *loop);

/* For the other files of net/. borrows. Whatever they give the base to call begins with gw_loop_begin, which names it
 * for the stopwatch (a literal). */
struct event_base *gw_loop_base(struct gw_loop *loop);
void gw_loop_begin(struct gw_loop *loop, const char *what);

#endif
