/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libevent base driven one turn at a time:
 *
 *   wait for events -> handle them -> on_turn -> forget the cached times -> again
 *
 * Callbacks tell the stopwatch when they begin; see net/stopwatch.h.
 *
 * Waking is an eventfd and a flag: whoever sets the flag writes, all others see
 * that a wake-up is on its way. The base has no locks: nothing but the two
 * atomics and the eventfd is touched by other threads.
 */
#include "net/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#define GW_LOOP_PERIODS 16

/* Read at the first question of a turn. */
struct turn_times {
    bool known;
    int64_t wall_ms;
    int64_t monotonic_ms;
};

struct call {
    gw_loop_cb run;
    void *ctx;
};

struct period {
    struct gw_loop *loop;
    struct event *event;
    struct call call;
};

/* A call that waits; in its loop's list until it is made or cancelled. */
struct gw_loop_timer {
    struct gw_loop_timer *next;
    struct gw_loop_timer **link; /* what points to this one */
    struct gw_loop *loop;
    struct event *event;
    struct call call;
};

struct gw_loop {
    const struct gw_clock *clock;
    struct event_base *base;
    struct event *wake_event;
    struct period periods[GW_LOOP_PERIODS];
    size_t period_count;
    struct gw_loop_timer *timers;
    struct call on_wake;
    struct call on_turn;
    int wake_fd;
    atomic_bool woken;
    atomic_bool stopped;
    uint64_t turns;
    struct turn_times *times; /* behind a pointer: questions are asked of a const loop */
    struct gw_stopwatch stopwatch;
};

static void run_call(const struct call *call)
{
    if (call->run != NULL)
        call->run(call->ctx);
}

static void on_wake_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct gw_loop *loop = ctx;
    uint64_t count;

    (void)what;
    gw_loop_begin(loop, "wake");
    if (read((int)fd, &count, sizeof(count)) < 0 && errno != EAGAIN && errno != EINTR)
        gw_fatal("eventfd can't be read");
    if (atomic_exchange(&loop->woken, false))
        run_call(&loop->on_wake);
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        base = event_base_new_with_config(config);
    if (base == NULL)
        gw_fatal("no event loop");
    event_config_free(config);
    return base;
}

struct gw_loop *gw_loop_new(const struct gw_clock *clock)
{
    struct gw_loop *loop = gw_alloc_zero(1, sizeof(*loop));

    loop->clock = clock;
    loop->times = gw_alloc_zero(1, sizeof(*loop->times));
    loop->base = new_base();
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->wake_fd < 0)
        gw_fatal("no eventfd");
    loop->wake_event = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake_readable, loop);
    if (loop->wake_event == NULL || event_add(loop->wake_event, NULL) != 0)
        gw_fatal("no event");
    return loop;
}

static void free_timers(struct gw_loop_timer *timer)
{
    while (timer != NULL) {
        struct gw_loop_timer *next = timer->next;

        event_free(timer->event);
        free(timer);
        timer = next;
    }
}

void gw_loop_free(struct gw_loop **loop)
{
    struct gw_loop *dying = *loop;

    *loop = NULL;
    if (dying == NULL)
        return;
    free_timers(dying->timers);
    for (size_t i = 0; i < dying->period_count; i++)
        event_free(dying->periods[i].event);
    event_free(dying->wake_event);
    event_base_free(dying->base);
    (void)close(dying->wake_fd);
    free(dying->times);
    free(dying);
}

void gw_loop_turn(struct gw_loop *loop, bool wait)
{
    loop->turns++;
    if (event_base_loop(loop->base, wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK) < 0)
        gw_fatal("the event loop failed");
    if (loop->on_turn.run != NULL) {
        gw_loop_begin(loop, "turn");
        run_call(&loop->on_turn);
    }
    gw_stopwatch_end(&loop->stopwatch);
    loop->times->known = false;
}

void gw_loop_run(struct gw_loop *loop)
{
    while (!atomic_load_explicit(&loop->stopped, memory_order_relaxed))
        gw_loop_turn(loop, true);
    atomic_store(&loop->stopped, false);
}

static void ring(struct gw_loop *loop)
{
    const uint64_t one = 1;
    int saved = errno;

    /* EAGAIN means that the counter is full, so the loop will wake anyway. */
    while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
    errno = saved;
}

void gw_loop_stop(struct gw_loop *loop)
{
    atomic_store(&loop->stopped, true);
    ring(loop);
}

void gw_loop_wake(struct gw_loop *loop)
{
    if (!atomic_exchange(&loop->woken, true))
        ring(loop);
}

void gw_loop_on_wake(struct gw_loop *loop, gw_loop_cb call, void *ctx)
{
    loop->on_wake = (struct call){call, ctx};
}

void gw_loop_on_turn(struct gw_loop *loop, gw_loop_cb call, void *ctx)
{
    loop->on_turn = (struct call){call, ctx};
}

static void on_period(evutil_socket_t fd, short what, void *ctx)
{
    const struct period *period = ctx;

    (void)fd;
    (void)what;
    gw_loop_begin(period->loop, "period");
    run_call(&period->call);
}

static struct timeval to_timeval(unsigned ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

void gw_loop_every(struct gw_loop *loop, unsigned period_ms, gw_loop_cb call, void *ctx)
{
    struct timeval delay = to_timeval(period_ms);
    struct period *period;

    if (loop->period_count == GW_LOOP_PERIODS)
        gw_fatal("more than %d periodic calls of one loop", GW_LOOP_PERIODS);
    period = &loop->periods[loop->period_count++];
    *period = (struct period){loop, event_new(loop->base, -1, EV_PERSIST, on_period, period), {call, ctx}};
    if (period->event == NULL || event_add(period->event, &delay) != 0)
        gw_fatal("no timer");
}

static void drop_timer(struct gw_loop_timer *timer)
{
    *timer->link = timer->next;
    if (timer->next != NULL)
        timer->next->link = timer->link;
    event_free(timer->event);
    free(timer);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct gw_loop_timer *timer = ctx;
    struct call call = timer->call;

    (void)fd;
    (void)what;
    gw_loop_begin(timer->loop, "timer");
    drop_timer(timer);
    run_call(&call);
}

struct gw_loop_timer *gw_loop_after(struct gw_loop *loop, unsigned delay_ms, gw_loop_cb call, void *ctx)
{
    struct gw_loop_timer *timer = gw_alloc_zero(1, sizeof(*timer));
    struct timeval delay = to_timeval(delay_ms);

    timer->loop = loop;
    timer->call = (struct call){call, ctx};
    timer->event = event_new(loop->base, -1, 0, on_timer, timer);
    if (timer->event == NULL || event_add(timer->event, &delay) != 0)
        gw_fatal("no timer");
    timer->next = loop->timers;
    timer->link = &loop->timers;
    if (timer->next != NULL)
        timer->next->link = &timer->next;
    loop->timers = timer;
    return timer;
}

void gw_loop_cancel(struct gw_loop_timer **timer)
{
    if (*timer != NULL)
        drop_timer(*timer);
    *timer = NULL;
}

static const struct turn_times *read_times(const struct gw_loop *loop)
{
    struct turn_times *times = loop->times;

    if (!times->known) {
        times->wall_ms = gw_clock_wall_ms(loop->clock);
        times->monotonic_ms = gw_clock_monotonic_ms(loop->clock);
        times->known = true;
    }
    return times;
}

int64_t gw_loop_wall_ms(const struct gw_loop *loop)
{
    return read_times(loop)->wall_ms;
}

int64_t gw_loop_monotonic_ms(const struct gw_loop *loop)
{
    return read_times(loop)->monotonic_ms;
}

uint64_t gw_loop_turns(const struct gw_loop *loop)
{
    return loop->turns;
}

const struct gw_stopwatch_counters *gw_loop_counters_get(const struct gw_loop *loop)
{
    return &loop->stopwatch.counters;
}

struct event_base *gw_loop_base(struct gw_loop *loop)
{
    return loop->base;
}

void gw_loop_begin(struct gw_loop *loop, const char *what)
{
    gw_stopwatch_begin(&loop->stopwatch, what);
}
