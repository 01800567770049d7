/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event each: a timer, or an eventfd that is read.
 */
#include "net/alarm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

struct gw_alarm {
    struct gw_loop *loop;
    struct event *event;
    int fd; /* -1: no bell */
    const char *what;
    gw_loop_cb call;
    void *ctx;
};

static void on_event(evutil_socket_t fd, short what, void *ctx)
{
    const struct gw_alarm *alarm = ctx;
    uint64_t count;

    (void)fd;
    (void)what;
    gw_loop_begin(alarm->loop, alarm->what);
    if (alarm->fd >= 0 && read(alarm->fd, &count, sizeof(count)) < 0 && errno != EAGAIN && errno != EINTR)
        gw_fatal("eventfd can't be read");
    alarm->call(alarm->ctx);
}

static struct gw_alarm *new_alarm(struct gw_loop *loop, const char *what, gw_loop_cb call, void *ctx)
{
    struct gw_alarm *alarm = gw_alloc_zero(1, sizeof(*alarm));

    *alarm = (struct gw_alarm){.loop = loop, .fd = -1, .what = what, .call = call, .ctx = ctx};
    return alarm;
}

static void add(struct gw_alarm *alarm, const struct timeval *period)
{
    if (alarm->event == NULL || event_add(alarm->event, period) != 0)
        gw_fatal("no event");
}

struct gw_alarm *gw_alarm_new(struct gw_loop *loop, const char *what, gw_loop_cb call, void *ctx)
{
    struct gw_alarm *alarm = new_alarm(loop, what, call, ctx);

    alarm->event = event_new(gw_loop_base(loop), -1, EV_PERSIST, on_event, alarm);
    if (alarm->event == NULL)
        gw_fatal("no event");
    return alarm;
}

struct gw_alarm *gw_alarm_new_bell(struct gw_loop *loop, const char *what, gw_loop_cb call, void *ctx)
{
    struct gw_alarm *alarm = new_alarm(loop, what, call, ctx);

    alarm->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (alarm->fd < 0)
        gw_fatal("no eventfd");
    alarm->event = event_new(gw_loop_base(loop), alarm->fd, EV_READ | EV_PERSIST, on_event, alarm);
    add(alarm, NULL);
    return alarm;
}

void gw_alarm_free(struct gw_alarm **alarm)
{
    struct gw_alarm *dying = *alarm;

    *alarm = NULL;
    if (dying == NULL)
        return;
    event_free(dying->event);
    if (dying->fd >= 0)
        (void)close(dying->fd);
    free(dying);
}

void gw_alarm_every(struct gw_alarm *alarm, unsigned period_ms)
{
    struct timeval period = {.tv_sec = period_ms / 1000, .tv_usec = (suseconds_t)(period_ms % 1000) * 1000};

    add(alarm, &period);
}

void gw_alarm_stop(struct gw_alarm *alarm)
{
    (void)event_del(alarm->event);
}

void gw_alarm_soon(struct gw_alarm *alarm)
{
    event_active(alarm->event, EV_TIMEOUT, 1);
}

void gw_alarm_next(struct gw_alarm *alarm)
{
    const struct timeval now = {.tv_sec = 0};

    add(alarm, &now); /* which a persistent event isn't added again for */
}

void gw_alarm_ring(const struct gw_alarm *alarm)
{
    const uint64_t one = 1;

    while (write(alarm->fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}
