/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is under way for policies. A fetch owns what it sends and what comes back,
 * so that nothing of a request is touched once that has ended:
 *
 *   begin -> [gw_upstream: waits, connects, sends] -> on_done -> fill -> wake -> free
 *              |        \-> its time is up: cancelled, on_done
 *              \-> forgotten: cancelled, on_done -> free
 *
 * Nobody is woken from within on_done: who wakes may end, and with it the last
 * request of a generation of policies, whose connections go then.
 */
#include "gateway/fetch.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/link.h"
#include "gateway/endpoint.h"

#define KEPT_MS        4000 /* less than what servers keep idle connections for: 5 s is common */
#define TICKS_MS       1000 /* gw_upstream notices late that time has passed; fetches have timers of their own */
#define REPLY_HEAD_MAX 16384

#define CONTENT_TYPE_MAX 256

struct gw_fetch_room {
    struct gw_loop *loop;
    struct gw_fetch_counters *counters;
    struct gw_loop_timer *waking; /* NULL: not set */
    struct gw_link done;          /* filled, to be woken */
    size_t under_way;
};

/* One endpoint's part. */
struct lane {
    struct gw_upstream *upstream; /* NULL: nothing was asked yet */
    size_t under_way;
};

struct gw_fetcher {
    struct gw_fetch_room *room;
    struct gw_fetch_endpoints *endpoints;
    struct lane lanes[];
};

struct gw_fetch {
    struct gw_link link; /* in room->done */
    struct gw_fetcher *fetcher;
    size_t index;                     /* of the endpoint */
    struct gw_policy_call *asked_for; /* NULL: nobody waits any more */
    struct gw_policy_fetched *fetched;
    struct gw_upstream_call call;
    struct gw_arena arena; /* of what is sent, a secret, and of the reply */
    struct gw_loop_timer *timer;
    int64_t began_ms;
    bool is_late;
};

static void count(_Atomic uint64_t *counter, int64_t change)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, value + (uint64_t)change, memory_order_relaxed);
}

static void free_fetch(struct gw_fetch *fetch)
{
    gw_loop_cancel(&fetch->timer);
    gw_link_cut(&fetch->link);
    gw_arena_wipe(&fetch->arena);
    free(fetch);
}

static void wake_all(void *ctx)
{
    struct gw_fetch_room *room = ctx;

    room->waking = NULL;
    while (!gw_link_is_empty(&room->done)) {
        struct gw_fetch *fetch = GW_LINK_OF(gw_link_take(&room->done), struct gw_fetch, link);
        struct gw_policy_call *call = fetch->asked_for;

        call->fetch = NULL;
        free_fetch(fetch);
        call->wake(call->wake_ctx);
    }
}

static void fail(struct gw_fetch *fetch, const char *why)
{
    fetch->fetched->error = gw_arena_str(fetch->asked_for->arena, gw_str_from(why));
    count(&fetch->fetcher->room->counters->failed, 1);
}

static void fill(struct gw_fetch *fetch)
{
    const struct gw_fetch_endpoint *endpoint = gw_fetch_endpoints_get(fetch->fetcher->endpoints, fetch->index);
    const struct gw_upstream_call *call = &fetch->call;
    struct gw_policy_fetched *fetched = fetch->fetched;
    struct gw_arena *arena = fetch->asked_for->arena;
    struct gw_err why;

    fetched->is_done = true;
    if (call->outcome != GW_UPSTREAM_REPLIED) {
        (void)gw_fail(&why, GW_E_IO, "no whole reply within %u ms", endpoint->timeout_ms);
        fail(fetch, fetch->is_late ? why.text : call->err.text);
        return;
    }
    fetched->status = call->reply.status;
    fetched->content_type = gw_arena_str(arena, gw_http1_header(&call->reply.fields, GW_HEADER_CONTENT_TYPE));
    fetched->body = gw_arena_str(arena, call->reply_body);
}

static void on_done(void *ctx, struct gw_upstream_call *call)
{
    struct gw_fetch *fetch = ctx;
    struct gw_fetch_room *room = fetch->fetcher->room;

    (void)call;
    room->under_way--;
    fetch->fetcher->lanes[fetch->index].under_way--;
    count(&room->counters->under_way, -1);
    count(&room->counters->ms, gw_loop_monotonic_ms(room->loop) - fetch->began_ms);
    gw_loop_cancel(&fetch->timer);
    if (fetch->asked_for == NULL) {
        free_fetch(fetch);
        return;
    }
    fill(fetch);
    gw_link_append(&room->done, &fetch->link);
    if (room->waking == NULL)
        room->waking = gw_loop_after(room->loop, 0, wake_all, room);
}

static void on_late(void *ctx)
{
    struct gw_fetch *fetch = ctx;

    fetch->timer = NULL;
    fetch->is_late = true;
    gw_upstream_cancel(&fetch->call);
}

/* No proxy, nothing sent twice but what does no harm, and no breaker: what fails refuses, and says so. */
static struct gw_upstream *open_upstream(const struct gw_fetcher *fetcher, size_t index)
{
    const struct gw_fetch_endpoint *endpoint = gw_fetch_endpoints_get(fetcher->endpoints, index);
    const struct gw_upstream_options options = {
        .tls = gw_fetch_endpoints_tls(fetcher->endpoints, index),
        .connect_timeout_ms = endpoint->timeout_ms,
        .write_timeout_ms = endpoint->timeout_ms,
        .first_byte_timeout_ms = endpoint->timeout_ms,
        .total_timeout_ms = endpoint->timeout_ms + TICKS_MS,
        .idle_timeout_ms = KEPT_MS,
        .connections_max = GW_FETCH_PER_ENDPOINT,
        .waiting_max = GW_FETCH_PER_ENDPOINT,
        .reply_head_bytes = REPLY_HEAD_MAX,
        .reply_body_bytes = endpoint->reply_bytes,
    };

    return gw_upstream_new(fetcher->room->loop, &options);
}

/* Request line and fields. What isn't of the endpoint has been checked. */
static struct gw_str write_head(const struct gw_fetch_endpoint *endpoint, const struct gw_policy_fetch *asked,
                                struct gw_arena *arena)
{
    bool has_path = asked->path.length > 0 || endpoint->base.length > 0;
    struct gw_str host = gw_endpoint_host(&endpoint->target, arena);
    struct gw_str of_body = GW_STR("");

    if (asked->is_post)
        of_body = gw_arena_printf(arena, "Content-Type: %.*s\r\nContent-Length: %zu\r\n",
                                  GW_STR_ARG(asked->content_type), asked->body.length);
    return gw_arena_printf(arena, "%s %.*s%.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: eksgate/%s\r\n%.*s%.*s",
                           asked->is_post ? "POST" : "GET", GW_STR_ARG(endpoint->base),
                           GW_STR_ARG(has_path ? asked->path : GW_STR("/")), GW_STR_ARG(host), EKSGATE_VERSION,
                           GW_STR_ARG(endpoint->fields), GW_STR_ARG(of_body));
}

static enum gw_status check(const struct gw_policy_call *call, const struct gw_policy_fetch *asked, size_t *index,
                            struct gw_err *err)
{
    const struct gw_fetcher *fetcher = call->fetcher;

    if (fetcher != NULL)
        *index = gw_fetch_endpoints_find(fetcher->endpoints, asked->endpoint);
    if (fetcher == NULL || *index == gw_fetch_endpoints_count(fetcher->endpoints))
        return gw_fail(err, GW_E_MISSING, "there is no such endpoint in policy.endpoints");
    if (asked->path.length > 0 && !gw_fetch_is_path(asked->path))
        return gw_fail(err, GW_E_SYNTAX,
                       "the path must begin with a slash, be at most %d printable bytes, and hold no dot segments, "
                       "empty segments or broken escapes",
                       GW_FETCH_PATH_MAX);
    if (asked->body.length > GW_POLICY_FETCH_BODY_MAX)
        return gw_fail(err, GW_E_LIMIT, "the body has more than %zu bytes", GW_POLICY_FETCH_BODY_MAX);
    if (asked->is_post &&
        (asked->content_type.length > CONTENT_TYPE_MAX || !gw_fetch_is_field_value(asked->content_type)))
        return gw_fail(err, GW_E_SYNTAX, "the content type is empty, too long or not printable");
    if (call->fetch != NULL)
        return gw_fail(err, GW_E_BUSY, "another is under way for this request");
    if (call->fetch_count == GW_FETCH_PER_REQUEST || call->fetch_count_all == GW_FETCH_PER_REQUEST_ALL)
        return gw_fail(err, GW_E_LIMIT, "policies have asked %u times for this request already",
                       call->fetch_count == GW_FETCH_PER_REQUEST ? call->fetch_count : call->fetch_count_all);
    if (fetcher->lanes[*index].under_way == GW_FETCH_PER_ENDPOINT || fetcher->room->under_way == GW_FETCH_PER_WORKER)
        return gw_fail(err, GW_E_BUSY, "too many requests wait for it, or for others");
    return GW_OK;
}

static struct gw_fetch *new_fetch(struct gw_policy_call *call, const struct gw_policy_fetch *asked, size_t index)
{
    struct gw_fetcher *fetcher = call->fetcher;
    const struct gw_fetch_endpoint *endpoint = gw_fetch_endpoints_get(fetcher->endpoints, index);
    struct gw_fetch *fetch = gw_alloc_zero(1, sizeof(*fetch));

    gw_link_init(&fetch->link);
    gw_arena_init(&fetch->arena, 0);
    fetch->fetcher = fetcher;
    fetch->index = index;
    fetch->asked_for = call;
    fetch->began_ms = gw_loop_monotonic_ms(fetcher->room->loop);
    fetch->call = (struct gw_upstream_call){
        .target = endpoint->target,
        .head = write_head(endpoint, asked, &fetch->arena),
        .body = asked->is_post ? gw_arena_str(&fetch->arena, asked->body) : GW_STR_NONE,
        .may_repeat = !asked->is_post,
        .arena = &fetch->arena,
        .on_done = on_done,
        .ctx = fetch,
    };
    return fetch;
}

enum gw_status gw_fetch_begin(void *ctx, struct gw_policy_call *call, const struct gw_policy_fetch *asked,
                              struct gw_policy_fetched *fetched, struct gw_err *err)
{
    struct gw_fetcher *fetcher = call->fetcher;
    struct gw_fetch *fetch;
    struct lane *lane;
    size_t index = 0;
    enum gw_status status = check(call, asked, &index, err);

    (void)ctx;
    if (status != GW_OK) {
        if (fetcher != NULL)
            count(&fetcher->room->counters->failed, 1);
        return status;
    }
    lane = &fetcher->lanes[index];
    if (lane->upstream == NULL)
        lane->upstream = open_upstream(fetcher, index);
    fetch = new_fetch(call, asked, index);
    fetch->fetched = fetched;
    call->fetch = fetch;
    call->fetch_count++;
    call->fetch_count_all++;
    lane->under_way++;
    fetcher->room->under_way++;
    count(&fetcher->room->counters->begun, 1);
    count(&fetcher->room->counters->under_way, 1);
    fetch->timer = gw_loop_after(fetcher->room->loop, gw_fetch_endpoints_get(fetcher->endpoints, index)->timeout_ms,
                                 on_late, fetch);
    gw_upstream_send(lane->upstream, &fetch->call);
    return GW_OK;
}

void gw_fetch_forget(struct gw_policy_call *call)
{
    struct gw_fetch *fetch = call->fetch;

    if (fetch == NULL)
        return;
    call->fetch = NULL;
    fetch->asked_for = NULL;
    gw_loop_cancel(&fetch->timer);
    if (fetch->fetched->is_done)
        free_fetch(fetch);
    else
        gw_upstream_cancel(&fetch->call);
}

struct gw_fetch_room *gw_fetch_room_new(struct gw_loop *loop, struct gw_fetch_counters *counters)
{
    struct gw_fetch_room *room = gw_alloc_zero(1, sizeof(*room));

    room->loop = loop;
    room->counters = counters;
    gw_link_init(&room->done);
    return room;
}

void gw_fetch_room_free(struct gw_fetch_room **room)
{
    struct gw_fetch_room *dying = *room;

    *room = NULL;
    if (dying == NULL)
        return;
    gw_loop_cancel(&dying->waking);
    free(dying);
}

struct gw_fetcher *gw_fetcher_new(struct gw_fetch_room *room, struct gw_fetch_endpoints *endpoints)
{
    struct gw_fetcher *fetcher;

    if (endpoints == NULL)
        return NULL;
    fetcher = gw_alloc_zero(1, sizeof(*fetcher) + gw_fetch_endpoints_count(endpoints) * sizeof(struct lane));
    fetcher->room = room;
    fetcher->endpoints = gw_fetch_endpoints_hold(endpoints);
    return fetcher;
}

void gw_fetcher_free(struct gw_fetcher **fetcher)
{
    struct gw_fetcher *dying = *fetcher;

    *fetcher = NULL;
    if (dying == NULL)
        return;
    for (size_t i = 0; i < gw_fetch_endpoints_count(dying->endpoints); i++)
        gw_upstream_free(&dying->lanes[i].upstream);
    gw_fetch_endpoints_release(&dying->endpoints);
    free(dying);
}
