/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, their addresses, and the thread that asks; see resolver.h.
 *
 *   find -> known and fresh                          answered
 *        -> in `queue` (unless it is there already)  answered from what is known, or AGAIN
 *   thread: takes a name off `queue`, asks without the lock, notes the answer, wakes
 *
 * The thread is started with the first name and detached: it holds the resolver
 * itself, and the last one to leave, it or a user, frees it.
 */
#include "net/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>

#define SHARED_FRESH_MS  30000
#define SHARED_STALE_MS  3600000
#define SHARED_FAILED_MS 2000

struct name {
    struct gw_link all;    /* the last one asked for is the last */
    struct gw_link queued; /* in `queue` */
    char host[GW_RESOLVER_HOST + 1];
    size_t length;
    bool asking; /* queued, or with the thread */
    bool known;
    bool failed;
    bool doubted;
    struct gw_resolver_answer answer;
    int64_t known_ms;
    int64_t failed_ms;
    struct gw_err err;
};

struct gw_resolver {
    struct gw_resolver_options options;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t filled;
    unsigned holders; /* the thread is one */
    bool has_thread;
    struct gw_link names;
    size_t name_count;
    struct gw_link queue;
    size_t queue_length;
    struct gw_link waiters;
};

static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static struct gw_resolver *shared; /* not held: goes with the last holder */

static void add_address(struct gw_resolver_answer *answer, const struct addrinfo *info)
{
    struct gw_address address = gw_address_from_socket(info->ai_addr);

    if (answer->count == GW_RESOLVER_ADDRESSES || (address.kind != GW_ADDRESS_IPV4 && address.kind != GW_ADDRESS_IPV6))
        return;
    answer->addresses[answer->count++] = address;
}

static enum gw_status ask_system(void *ctx, const char *host, struct gw_resolver_answer *answer, struct gw_err *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int error = getaddrinfo(host, NULL, &hints, &list);

    (void)ctx;
    if (error != 0)
        return gw_fail(err, GW_E_MISSING, "%s", gai_strerror(error));
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
        add_address(answer, at);
    freeaddrinfo(list);
    return answer->count > 0 ? GW_OK : gw_fail(err, GW_E_MISSING, "the name has no address");
}

static void free_resolver(struct gw_resolver *resolver)
{
    while (!gw_link_is_empty(&resolver->names))
        free(GW_LINK_OF(gw_link_take(&resolver->names), struct name, all));
    (void)pthread_mutex_destroy(&resolver->lock);
    (void)pthread_cond_destroy(&resolver->filled);
    free(resolver);
}

/* With the lock held, which goes. */
static void let_go(struct gw_resolver *resolver)
{
    bool last = --resolver->holders == 0;

    (void)pthread_cond_signal(&resolver->filled);
    (void)pthread_mutex_unlock(&resolver->lock);
    if (last)
        free_resolver(resolver);
}

static void wake_waiters(struct gw_resolver *resolver)
{
    for (struct gw_link *at = resolver->waiters.after; at != &resolver->waiters; at = at->after) {
        struct gw_resolver_waiter *waiter = GW_LINK_OF(at, struct gw_resolver_waiter, link);

        if (waiter->waits)
            waiter->wake(waiter->ctx);
        waiter->waits = false;
    }
}

static void note(struct gw_resolver *resolver, struct name *name, const struct gw_resolver_answer *answer)
{
    int64_t now_ms = gw_clock_monotonic_ms(resolver->options.clock);

    name->asking = false;
    name->failed = answer->count == 0;
    if (name->failed) {
        name->failed_ms = now_ms;
    } else {
        name->answer = *answer;
        name->known = true;
        name->doubted = false;
        name->known_ms = now_ms;
    }
    wake_waiters(resolver);
}

/* With the lock held, which is let go of while it asks. A name that is being asked for isn't thrown away. */
static void ask_next(struct gw_resolver *resolver)
{
    struct name *name = GW_LINK_OF(resolver->queue.after, struct name, queued);
    struct gw_resolver_answer answer = {.count = 0};
    struct gw_err err = {""};

    gw_link_cut(&name->queued);
    resolver->queue_length--;
    (void)pthread_mutex_unlock(&resolver->lock);
    if (resolver->options.look_up(resolver->options.ctx, name->host, &answer, &err) != GW_OK)
        answer.count = 0;
    (void)pthread_mutex_lock(&resolver->lock);
    name->err = err;
    note(resolver, name, &answer);
}

static void *run(void *ctx)
{
    struct gw_resolver *resolver = ctx;

    (void)pthread_mutex_lock(&resolver->lock);
    while (resolver->holders > 1) {
        if (gw_link_is_empty(&resolver->queue))
            (void)pthread_cond_wait(&resolver->filled, &resolver->lock);
        else
            ask_next(resolver);
    }
    let_go(resolver);
    return NULL;
}

static void start_thread(struct gw_resolver *resolver)
{
    pthread_attr_t attributes;
    pthread_t thread;

    resolver->has_thread = true;
    resolver->holders++;
    if (pthread_attr_init(&attributes) != 0 || pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) != 0 ||
        pthread_create(&thread, &attributes, run, resolver) != 0)
        gw_fatal("no thread to look up names");
    (void)pthread_attr_destroy(&attributes);
}

struct gw_resolver *gw_resolver_new(const struct gw_resolver_options *options)
{
    struct gw_resolver *resolver = gw_alloc_zero(1, sizeof(*resolver));

    resolver->options = *options;
    if (options->look_up == NULL)
        resolver->options.look_up = ask_system;
    if (pthread_mutex_init(&resolver->lock, NULL) != 0 || pthread_cond_init(&resolver->filled, NULL) != 0)
        gw_fatal("no lock");
    resolver->holders = 1;
    gw_link_init(&resolver->names);
    gw_link_init(&resolver->queue);
    gw_link_init(&resolver->waiters);
    return resolver;
}

struct gw_resolver *gw_resolver_shared(void)
{
    const struct gw_resolver_options options = {
        gw_clock_system(), SHARED_FRESH_MS, SHARED_STALE_MS, SHARED_FAILED_MS, NULL, NULL};
    struct gw_resolver *found;

    (void)pthread_mutex_lock(&shared_lock);
    if (shared == NULL)
        found = shared = gw_resolver_new(&options);
    else
        found = gw_resolver_hold(shared);
    (void)pthread_mutex_unlock(&shared_lock);
    return found;
}

struct gw_resolver *gw_resolver_hold(struct gw_resolver *resolver)
{
    (void)pthread_mutex_lock(&resolver->lock);
    resolver->holders++;
    (void)pthread_mutex_unlock(&resolver->lock);
    return resolver;
}

void gw_resolver_release(struct gw_resolver **resolver)
{
    struct gw_resolver *held = *resolver;

    *resolver = NULL;
    if (held == NULL)
        return;
    (void)pthread_mutex_lock(&shared_lock);
    (void)pthread_mutex_lock(&held->lock);
    if (held == shared && held->holders == (held->has_thread ? 2U : 1U))
        shared = NULL;
    (void)pthread_mutex_unlock(&shared_lock);
    let_go(held);
}

void gw_resolver_join(struct gw_resolver *resolver, struct gw_resolver_waiter *waiter)
{
    (void)pthread_mutex_lock(&resolver->lock);
    waiter->waits = false;
    gw_link_init(&waiter->link);
    gw_link_append(&resolver->waiters, &waiter->link);
    (void)pthread_mutex_unlock(&resolver->lock);
}

void gw_resolver_leave(struct gw_resolver *resolver, struct gw_resolver_waiter *waiter)
{
    (void)pthread_mutex_lock(&resolver->lock);
    gw_link_cut(&waiter->link);
    (void)pthread_mutex_unlock(&resolver->lock);
}

static struct name *find_name(struct gw_resolver *resolver, struct gw_str host)
{
    for (struct gw_link *at = resolver->names.after; at != &resolver->names; at = at->after) {
        struct name *name = GW_LINK_OF(at, struct name, all);

        if (gw_str_equal_nocase((struct gw_str){name->host, name->length}, host))
            return name;
    }
    return NULL;
}

static void forget_oldest(struct gw_resolver *resolver)
{
    for (struct gw_link *at = resolver->names.after; at != &resolver->names; at = at->after) {
        struct name *name = GW_LINK_OF(at, struct name, all);

        if (name->asking)
            continue;
        gw_link_cut(&name->all);
        free(name);
        resolver->name_count--;
        return;
    }
}

static struct name *add_name(struct gw_resolver *resolver, struct gw_str host)
{
    struct name *name = gw_alloc_zero(1, sizeof(*name));

    if (resolver->name_count >= GW_RESOLVER_NAMES)
        forget_oldest(resolver);
    resolver->name_count++;
    memcpy(name->host, host.at, host.length);
    name->length = host.length;
    gw_link_init(&name->all);
    gw_link_init(&name->queued);
    return name;
}

/* False: too many wait. */
static bool enqueue(struct gw_resolver *resolver, struct name *name)
{
    if (name->asking)
        return true;
    if (resolver->queue_length >= GW_RESOLVER_QUEUE)
        return false;
    name->asking = true;
    gw_link_append(&resolver->queue, &name->queued);
    resolver->queue_length++;
    if (!resolver->has_thread)
        start_thread(resolver);
    (void)pthread_cond_signal(&resolver->filled);
    return true;
}

/* With the lock held. */
static enum gw_status find_locked(struct gw_resolver *resolver, struct gw_str host, struct gw_resolver_answer *answer,
                                  struct gw_err *err)
{
    int64_t now_ms = gw_clock_monotonic_ms(resolver->options.clock);
    struct name *name = find_name(resolver, host);
    bool usable, fresh, failed, queued;

    if (name == NULL)
        name = add_name(resolver, host);
    gw_link_cut(&name->all);
    gw_link_append(&resolver->names, &name->all);
    usable = name->known && now_ms - name->known_ms < resolver->options.stale_ms;
    fresh = usable && !name->doubted && now_ms - name->known_ms < resolver->options.fresh_ms;
    failed = name->failed && now_ms - name->failed_ms < resolver->options.failed_ms;
    queued = fresh || failed || enqueue(resolver, name);
    if (usable) {
        *answer = name->answer;
        return GW_OK;
    }
    if (failed)
        return gw_fail(err, GW_E_MISSING, "%s: %.200s", name->host, name->err.text);
    return queued ? GW_AGAIN : gw_fail(err, GW_E_BUSY, "%s: too many names are being looked up", name->host);
}

static bool find_at_once(struct gw_str host, struct gw_resolver_answer *answer)
{
    const uint8_t four[4] = {127, 0, 0, 1};
    const uint8_t six[16] = {[15] = 1};

    answer->count = 1;
    if (gw_address_parse(host, &answer->addresses[0]) == GW_OK)
        return true;
    if (!gw_str_equal_nocase(host, GW_STR("localhost")))
        return false;
    answer->addresses[0] = gw_address_from_bytes(four, sizeof(four));
    answer->addresses[1] = gw_address_from_bytes(six, sizeof(six));
    answer->count = 2;
    return true;
}

enum gw_status gw_resolver_find(struct gw_resolver *resolver, struct gw_resolver_waiter *waiter, struct gw_str host,
                                struct gw_resolver_answer *answer, struct gw_err *err)
{
    enum gw_status status;

    if (host.length == 0 || host.length > GW_RESOLVER_HOST || memchr(host.at, '\0', host.length) != NULL)
        return gw_fail(err, GW_E_SYNTAX, "the host has no name that can be looked up");
    if (find_at_once(host, answer))
        return GW_OK;
    (void)pthread_mutex_lock(&resolver->lock);
    status = find_locked(resolver, host, answer, err);
    if (status == GW_AGAIN)
        waiter->waits = true;
    (void)pthread_mutex_unlock(&resolver->lock);
    return status;
}

void gw_resolver_doubt(struct gw_resolver *resolver, struct gw_str host)
{
    struct name *name;

    (void)pthread_mutex_lock(&resolver->lock);
    name = find_name(resolver, host);
    if (name != NULL)
        name->doubted = true;
    (void)pthread_mutex_unlock(&resolver->lock);
}
