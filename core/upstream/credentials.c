/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping the gateway's own credentials fresh. What is to be done next follows
 * from a few fields (gw_credentials_step), so that tests can drive it with a clock
 * of theirs; the threads do nothing but ask for it again and again.
 *
 *             due: none yet, refresh_ms reached, expired, doubted; and retry_ms reached
 *   fetch --> published: failures = 0
 *         --> failed: retry_ms = now + 1 s, 2 s, 4 s, ... 60 s; the old ones stay until they expire
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "codec/time.h"
#include "upstream/credentials_inner.h"

#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 60000
#define LOOK_MS        60000 /* at least this often, because the wall clock may jump */

static enum gw_status ask(void *ctx, const struct gw_ask *what, struct gw_ask_reply *reply, struct gw_err *err)
{
    (void)ctx;
    return gw_ask(what, reply, err);
}

static void pause_for(void *ctx, unsigned ms)
{
    const struct gw_credentials *credentials = ctx;
    struct pollfd stop = {.fd = credentials == NULL ? -1 : credentials->world.stop_fd, .events = POLLIN};

    (void)poll(&stop, 1, (int)ms);
}

static struct gw_str keep(struct gw_arena *arena, struct gw_str text)
{
    return text.at == NULL ? text : gw_arena_str(arena, text);
}

static void copy_options(struct gw_credentials *credentials, const struct gw_credentials_options *options)
{
    struct gw_arena *arena = &credentials->arena;
    struct gw_credentials_options *copy = &credentials->options;

    *copy = *options;
    copy->region = keep(arena, options->region);
    copy->sts_endpoint = keep(arena, options->sts_endpoint);
    copy->proxy = keep(arena, options->proxy);
    copy->no_proxy = keep(arena, options->no_proxy);
    if (options->fixed != NULL) {
        struct gw_credentials_key *key = gw_arena_zero(arena, 1, sizeof(*key));

        key->access_key = keep(arena, options->fixed->access_key);
        key->secret_access_key = keep(arena, options->fixed->secret_access_key);
        key->session_token = keep(arena, options->fixed->session_token);
        copy->fixed = key;
    }
}

static void publish_trouble(struct gw_credentials *credentials, const char *text)
{
    struct gw_credentials_trouble *trouble = gw_alloc_zero(1, sizeof(*trouble));

    (void)gw_fail(&trouble->why, GW_E_MISSING, "%s", text);
    gw_epoch_retire(credentials->options.epoch, atomic_exchange(&credentials->trouble, trouble), free);
}

struct gw_credentials *gw_credentials_make(const struct gw_credentials_options *options)
{
    struct gw_credentials *credentials = gw_alloc_zero(1, sizeof(*credentials));
    pthread_condattr_t attributes;

    gw_arena_init(&credentials->arena, 0);
    copy_options(credentials, options);
    credentials->world = (struct gw_chain_world){.options = &credentials->options,
                                                 .ctx = credentials,
                                                 .ask = ask,
                                                 .pause = pause_for,
                                                 .tls = &credentials->tls,
                                                 .stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    gw_chain_tls_init(&credentials->tls);
    atomic_init(&credentials->current, NULL);
    atomic_init(&credentials->trouble, NULL);
    (void)pthread_mutex_init(&credentials->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&credentials->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    gw_credentials_roles_init(credentials);
    publish_trouble(credentials, "they are being fetched");
    return credentials;
}

int64_t gw_credentials_backoff(const struct gw_credentials *credentials, unsigned failures)
{
    int64_t wait_ms = failures > 6 ? BACKOFF_MAX_MS : BACKOFF_MIN_MS << (failures - 1);
    uint32_t random = 0;

    if (wait_ms > BACKOFF_MAX_MS)
        wait_ms = BACKOFF_MAX_MS;
    gw_random_fill(credentials->options.random, &random, sizeof(random));
    return wait_ms - (int64_t)(random % (uint32_t)(wait_ms / 4 + 1));
}

static void tell(const struct gw_credentials_snapshot *snapshot)
{
    char when[21] = "never";

    if (snapshot->expires_ms != GW_AWS_KEYS_NEVER)
        gw_time_iso_seconds(snapshot->expires_ms, when);
    gw_log(GW_LOG_INFO, "credentials", "from %.*s, key %.*s, expire: %s", GW_STR_ARG(snapshot->provider),
           GW_STR_ARG(snapshot->identity.access_key), when);
}

/* The lock is held. */
static void on_found(struct gw_credentials *credentials, const struct gw_chain_found *found)
{
    struct gw_credentials_set *before = atomic_load(&credentials->current);
    struct gw_credentials_set *set = gw_credentials_set_new(found, before, &credentials->options);
    int64_t now_ms = gw_clock_monotonic_ms(credentials->options.clock);
    bool is_new = before == NULL || before->snapshot.identity.secret_version != set->snapshot.identity.secret_version;

    atomic_store(&credentials->current, set);
    gw_credentials_set_retire(credentials->options.epoch, before);
    credentials->failures = 0;
    credentials->retry_ms = now_ms + BACKOFF_MIN_MS; /* whoever gives the same again isn't asked without end */
    if (is_new)
        tell(&set->snapshot);
    publish_trouble(credentials, "the last ones have expired");
}

/* The lock is held. */
static void on_failed(struct gw_credentials *credentials, const struct gw_err *why)
{
    const struct gw_credentials_trouble *trouble = atomic_load(&credentials->trouble);
    bool is_news = strcmp(trouble->why.text, why->text) != 0;

    credentials->failures++;
    credentials->retry_ms =
        gw_clock_monotonic_ms(credentials->options.clock) + gw_credentials_backoff(credentials, credentials->failures);
    if (is_news || credentials->failures % 10 == 0)
        gw_log(GW_LOG_WARN, "credentials", "not fetched: %s", why->text);
    publish_trouble(credentials, why->text);
}

/* The lock is held, but not while it asks. */
static void fetch(struct gw_credentials *credentials)
{
    struct gw_chain chain;
    struct gw_chain_found found = {0};
    struct gw_err why = {""};
    enum gw_status status;

    credentials->fetching = true;
    credentials->doubted = false;
    (void)pthread_mutex_unlock(&credentials->lock);
    gw_chain_init(&chain, &credentials->world, NULL);
    status = gw_chain_find(&chain, &found, &why);
    (void)pthread_mutex_lock(&credentials->lock);
    credentials->fetching = false;
    credentials->rounds++;
    if (status == GW_OK)
        on_found(credentials, &found);
    else if (!credentials->stopping)
        on_failed(credentials, &why);
    gw_chain_fini(&chain);
    gw_epoch_reclaim(credentials->options.epoch);
    (void)pthread_cond_broadcast(&credentials->changed);
}

/* How long until the gateway's own are to be fetched; 0: now. The lock is held. */
static int64_t until_due(const struct gw_credentials *credentials)
{
    const struct gw_credentials_set *set = atomic_load(&credentials->current);
    int64_t retry_ms = credentials->retry_ms - gw_clock_monotonic_ms(credentials->options.clock);
    int64_t wait_ms = 0;

    if (credentials->fetching)
        return LOOK_MS;
    if (set != NULL && !credentials->doubted) {
        if (set->refresh_ms == GW_AWS_KEYS_NEVER)
            return LOOK_MS;
        wait_ms = set->refresh_ms - gw_clock_wall_ms(credentials->options.clock);
    }
    if (wait_ms < retry_ms)
        wait_ms = retry_ms;
    return wait_ms < 0 ? 0 : wait_ms < LOOK_MS ? wait_ms : LOOK_MS;
}

bool gw_credentials_step(struct gw_credentials *credentials, int64_t *wait_ms)
{
    *wait_ms = until_due(credentials);
    if (*wait_ms == 0) {
        fetch(credentials);
        return true;
    }
    return gw_credentials_roles_step(credentials);
}

static void wait_on(struct gw_credentials *credentials, int64_t ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&credentials->changed, &credentials->lock, &until);
}

static void *run(void *ctx)
{
    struct gw_credentials *credentials = ctx;

    (void)pthread_mutex_lock(&credentials->lock);
    while (!credentials->stopping) {
        int64_t wait_ms;

        if (gw_credentials_step(credentials, &wait_ms))
            continue;
        credentials->idle++;
        wait_on(credentials, wait_ms);
        credentials->idle--;
    }
    (void)pthread_mutex_unlock(&credentials->lock);
    return NULL;
}

/* Signals are the main thread's. */
static void start_thread(struct gw_credentials *credentials)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&credentials->threads[credentials->thread_count], NULL, run, credentials) == 0)
        credentials->thread_count++;
    else if (credentials->thread_count == 0)
        gw_fatal("no thread for credentials");
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void gw_credentials_spread(struct gw_credentials *credentials)
{
    if (credentials->thread_count > 0 && credentials->idle < credentials->roles.queued &&
        credentials->thread_count < GW_CREDENTIALS_THREADS)
        start_thread(credentials);
    (void)pthread_cond_signal(&credentials->changed);
}

struct gw_credentials *gw_credentials_new(const struct gw_credentials_options *options)
{
    struct gw_credentials *credentials = gw_credentials_make(options);

    start_thread(credentials);
    return credentials;
}

static void stop_threads(struct gw_credentials *credentials)
{
    const uint64_t one = 1;
    size_t count;

    (void)pthread_mutex_lock(&credentials->lock);
    credentials->stopping = true;
    count = credentials->thread_count;
    if (write(credentials->world.stop_fd, &one, sizeof(one)) < 0)
        gw_log(GW_LOG_WARN, "credentials", "exchanges under way run to their deadline");
    (void)pthread_cond_broadcast(&credentials->changed);
    (void)pthread_mutex_unlock(&credentials->lock);
    for (size_t i = 0; i < count; i++)
        (void)pthread_join(credentials->threads[i], NULL);
}

void gw_credentials_free(struct gw_credentials **credentials)
{
    struct gw_credentials *c = *credentials;

    if (c == NULL)
        return;
    *credentials = NULL;
    stop_threads(c);
    gw_credentials_roles_fini(c);
    gw_credentials_set_drop(atomic_load(&c->current));
    free(atomic_load(&c->trouble));
    gw_chain_tls_fini(&c->tls);
    (void)close(c->world.stop_fd);
    (void)pthread_cond_destroy(&c->changed);
    (void)pthread_mutex_destroy(&c->lock);
    gw_arena_wipe(&c->arena);
    free(c);
}

bool gw_credentials_wait(struct gw_credentials *credentials, unsigned timeout_ms)
{
    int64_t until_ms = gw_clock_monotonic_ms(gw_clock_system()) + timeout_ms;
    int64_t left_ms = timeout_ms;
    bool is_over;

    (void)pthread_mutex_lock(&credentials->lock);
    while (credentials->rounds == 0 && left_ms > 0) {
        wait_on(credentials, left_ms);
        left_ms = until_ms - gw_clock_monotonic_ms(gw_clock_system());
    }
    is_over = credentials->rounds > 0;
    (void)pthread_mutex_unlock(&credentials->lock);
    return is_over;
}

const struct gw_credentials_snapshot *gw_credentials_get(const struct gw_credentials *credentials, struct gw_err *err)
{
    const struct gw_credentials_set *set = atomic_load(&credentials->current);

    if (set != NULL && (set->snapshot.expires_ms == GW_AWS_KEYS_NEVER ||
                        gw_clock_wall_ms(credentials->options.clock) < set->snapshot.expires_ms))
        return &set->snapshot;
    (void)gw_fail(err, GW_E_MISSING, "no credentials: %s", atomic_load(&credentials->trouble)->why.text);
    return NULL;
}

void gw_credentials_doubt(struct gw_credentials *credentials, uint64_t version)
{
    const struct gw_credentials_set *set;

    (void)pthread_mutex_lock(&credentials->lock);
    set = atomic_load(&credentials->current);
    if (set != NULL && set->snapshot.identity.secret_version == version) {
        if (credentials->doubt != version && credentials->options.fixed == NULL)
            credentials->doubted = true;
        credentials->doubt = version;
    } else {
        gw_credentials_roles_doubt(credentials, version);
    }
    (void)pthread_cond_broadcast(&credentials->changed);
    (void)pthread_mutex_unlock(&credentials->lock);
}

enum gw_status gw_credentials_try(const struct gw_credentials_options *options, struct gw_credentials_found *found,
                                  struct gw_buf *report, struct gw_err *err)
{
    const struct gw_chain_world world = {.options = options, .ask = ask, .pause = pause_for, .stop_fd = -1};
    struct gw_chain_found got = {0};
    struct gw_chain chain;
    enum gw_status status;

    gw_chain_init(&chain, &world, report);
    status = gw_chain_find(&chain, &got, err);
    if (status == GW_OK) {
        (void)snprintf(found->provider, sizeof(found->provider), "%.*s", GW_STR_ARG(got.provider));
        (void)snprintf(found->access_key, sizeof(found->access_key), "%.*s", GW_STR_ARG(got.keys.access_key));
        found->expires_ms = got.keys.expires_ms;
    }
    gw_chain_fini(&chain);
    return status;
}
