/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles assumed with the gateway's own credentials, one entry per role, session
 * name, source identity and region. Entries are found by hash, go by last use, and
 * stand in a queue while they are to be fetched; one that is in the queue or being
 * fetched doesn't go.
 */
#include <stdlib.h>

#include "base/log.h"
#include "codec/sts.h"
#include "codec/time.h"
#include "upstream/credentials_inner.h"

#define FAILED_MS                                                                                                      \
    5000 /* how long a failure is remembered at least; a role that STS refuses isn't asked for more often */

void gw_credentials_roles_init(struct gw_credentials *credentials)
{
    gw_random_seed(credentials->options.random, &credentials->roles.seed);
    credentials->roles.queue_end = &credentials->roles.queue;
}

static void entry_free(struct gw_credentials_entry *entry)
{
    free(entry->waiters);
    free(entry);
}

/* Wakes and forgets them; the lock is held, so that a waker must not call back. */
static void wake_all(struct gw_credentials_entry *entry)
{
    for (size_t i = 0; i < entry->waiter_count; i++)
        entry->waiters[i].wake(entry->waiters[i].ctx);
    entry->waiter_count = 0;
}

void gw_credentials_roles_fini(struct gw_credentials *credentials)
{
    struct gw_credentials_entry *entry = credentials->roles.newest;

    while (entry != NULL) {
        struct gw_credentials_entry *older = entry->older;

        wake_all(entry);
        gw_credentials_set_drop(entry->set);
        entry_free(entry);
        entry = older;
    }
}

static void unlink_use(struct gw_credentials_roles *roles, struct gw_credentials_entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &roles->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &roles->oldest) = entry->newer;
    entry->newer = NULL;
    entry->older = NULL;
}

static void link_use(struct gw_credentials_roles *roles, struct gw_credentials_entry *entry)
{
    entry->older = roles->newest;
    *(roles->newest != NULL ? &roles->newest->newer : &roles->oldest) = entry;
    roles->newest = entry;
}

/* The least recently used one that nobody waits for; false: there is none. */
static bool forget_one(struct gw_credentials *credentials)
{
    struct gw_credentials_roles *roles = &credentials->roles;
    struct gw_credentials_entry *entry = roles->oldest;
    struct gw_credentials_entry **link;

    while (entry != NULL && entry->busy)
        entry = entry->newer;
    if (entry == NULL)
        return false;
    for (link = &roles->buckets[entry->bucket]; *link != entry; link = &(*link)->chain)
        ;
    *link = entry->chain;
    unlink_use(roles, entry);
    roles->count--;
    gw_credentials_set_retire(credentials->options.epoch, entry->set);
    entry_free(entry);
    return true;
}

static struct gw_str put(char **at, struct gw_str text)
{
    struct gw_str copy = {*at, text.length};

    if (text.at == NULL)
        return GW_STR_NONE;
    memcpy(*at, text.at, text.length);
    *at += text.length;
    return copy;
}

static bool is_same(const struct gw_credentials_role *a, const struct gw_credentials_role *b)
{
    return gw_str_equal(a->arn, b->arn) && gw_str_equal(a->session_name, b->session_name) &&
           gw_str_equal(a->source_identity, b->source_identity) && gw_str_equal(a->region, b->region);
}

static size_t bucket_of(const struct gw_credentials_roles *roles, const struct gw_credentials_role *role)
{
    uint64_t hash = gw_hash(&roles->seed, role->arn.at, role->arn.length);

    hash = hash * 31 + gw_hash(&roles->seed, role->session_name.at, role->session_name.length);
    hash = hash * 31 + gw_hash(&roles->seed, role->source_identity.at, role->source_identity.length);
    return (size_t)(hash % GW_CREDENTIALS_BUCKETS);
}

static struct gw_credentials_entry *entry_new(const struct gw_credentials_role *role, size_t bucket)
{
    size_t length = role->arn.length + role->session_name.length + role->source_identity.length + role->region.length;
    struct gw_credentials_entry *entry = gw_alloc_zero(1, sizeof(*entry) + length);
    char *at = entry->text;

    entry->role = (struct gw_credentials_role){.arn = put(&at, role->arn),
                                               .session_name = put(&at, role->session_name),
                                               .source_identity = put(&at, role->source_identity),
                                               .region = put(&at, role->region)};
    entry->bucket = bucket;
    return entry;
}

/* NULL: there is no room. */
static struct gw_credentials_entry *find(struct gw_credentials *credentials, const struct gw_credentials_role *role)
{
    struct gw_credentials_roles *roles = &credentials->roles;
    size_t bucket = bucket_of(roles, role);
    struct gw_credentials_entry *entry = roles->buckets[bucket];

    while (entry != NULL && !is_same(&entry->role, role))
        entry = entry->chain;
    if (entry != NULL) {
        unlink_use(roles, entry);
        link_use(roles, entry);
        return entry;
    }
    if (roles->count == GW_CREDENTIALS_ROLES_MAX && !forget_one(credentials))
        return NULL;
    entry = entry_new(role, bucket);
    entry->chain = roles->buckets[bucket];
    roles->buckets[bucket] = entry;
    link_use(roles, entry);
    roles->count++;
    return entry;
}

static void enqueue(struct gw_credentials *credentials, struct gw_credentials_entry *entry)
{
    struct gw_credentials_roles *roles = &credentials->roles;

    if (entry->busy)
        return;
    entry->busy = true;
    entry->next = NULL;
    *roles->queue_end = entry;
    roles->queue_end = &entry->next;
    roles->queued++;
    gw_credentials_spread(credentials);
}

static enum gw_status add_waiter(struct gw_credentials_entry *entry, void (*wake)(void *ctx), void *ctx,
                                 struct gw_err *err)
{
    if (entry->waiter_count == GW_CREDENTIALS_WAITERS)
        return gw_fail(err, GW_E_BUSY, "too many requests wait for the role");
    if (entry->waiter_count == entry->waiter_room) {
        entry->waiter_room = entry->waiter_room * 2 + 4;
        entry->waiters = gw_realloc(entry->waiters, entry->waiter_room * sizeof(*entry->waiters));
    }
    entry->waiters[entry->waiter_count++] = (struct gw_credentials_waiter){wake, ctx};
    return GW_AGAIN;
}

static bool is_good(const struct gw_credentials *credentials, const struct gw_credentials_set *set)
{
    return set != NULL && gw_clock_wall_ms(credentials->options.clock) < set->snapshot.expires_ms;
}

static enum gw_status check_role(const struct gw_credentials_role *role, struct gw_err *err)
{
    if (role->arn.length < 20 || role->arn.length > 2048 || !gw_str_starts(role->arn, GW_STR("arn:")))
        return gw_fail(err, GW_E_SYNTAX, "the role to assume is no ARN");
    if (!gw_sts_is_name(role->session_name))
        return gw_fail(err, GW_E_SYNTAX, "the session name is none that STS takes");
    if (role->source_identity.at != NULL && !gw_sts_is_name(role->source_identity))
        return gw_fail(err, GW_E_SYNTAX, "the source identity is none that STS takes");
    return role->region.length <= 64 ? GW_OK : gw_fail(err, GW_E_SYNTAX, "the region is too long");
}

/* The lock is held. */
static enum gw_status look(struct gw_credentials *credentials, struct gw_credentials_entry *entry,
                           const struct gw_credentials_snapshot **snapshot, struct gw_err *err)
{
    bool may_ask = gw_clock_monotonic_ms(credentials->options.clock) >= entry->retry_ms;

    if (is_good(credentials, entry->set)) {
        if (may_ask && gw_clock_wall_ms(credentials->options.clock) >= entry->set->refresh_ms)
            enqueue(credentials, entry);
        *snapshot = &entry->set->snapshot;
        return GW_OK;
    }
    if (!may_ask && !entry->busy && entry->failure != GW_OK)
        return gw_fail(err, entry->failure, "%s", entry->why.text);
    return GW_AGAIN;
}

enum gw_status gw_credentials_assume(struct gw_credentials *credentials, const struct gw_credentials_role *role,
                                     void (*wake)(void *ctx), void *ctx,
                                     const struct gw_credentials_snapshot **snapshot, struct gw_err *err)
{
    enum gw_status status = check_role(role, err);
    struct gw_credentials_entry *entry;

    if (status != GW_OK)
        return status;
    (void)pthread_mutex_lock(&credentials->lock);
    entry = find(credentials, role);
    status = entry == NULL ? gw_fail(err, GW_E_BUSY, "too many roles are being assumed")
                           : look(credentials, entry, snapshot, err);
    if (status == GW_AGAIN) {
        status = add_waiter(entry, wake, ctx, err);
        if (status == GW_AGAIN)
            enqueue(credentials, entry);
    }
    (void)pthread_mutex_unlock(&credentials->lock);
    return status;
}

void gw_credentials_roles_doubt(struct gw_credentials *credentials, uint64_t version)
{
    struct gw_credentials_entry *entry = credentials->roles.newest;

    while (entry != NULL && (entry->set == NULL || entry->set->snapshot.identity.secret_version != version))
        entry = entry->older;
    if (entry == NULL || entry->doubted == version)
        return;
    entry->doubted = version;
    enqueue(credentials, entry);
}

/* The lock is held. */
static void on_fetched(struct gw_credentials *credentials, struct gw_credentials_entry *entry,
                       const struct gw_chain_found *found)
{
    struct gw_credentials_set *before = entry->set;

    entry->set = gw_credentials_set_new(found, before, &credentials->options);
    gw_credentials_set_retire(credentials->options.epoch, before);
    entry->failures = 0;
    entry->failure = GW_OK;
    entry->retry_ms = gw_clock_monotonic_ms(credentials->options.clock) + 1000;
}

/* The lock is held. */
static void on_refused(struct gw_credentials *credentials, struct gw_credentials_entry *entry, enum gw_status status,
                       const struct gw_err *why)
{
    int64_t wait_ms = gw_credentials_backoff(credentials, ++entry->failures);

    entry->failure = status == GW_E_DENIED ? GW_E_DENIED : GW_E_IO;
    entry->why = *why;
    entry->retry_ms = gw_clock_monotonic_ms(credentials->options.clock) + (wait_ms > FAILED_MS ? wait_ms : FAILED_MS);
    gw_log(GW_LOG_WARN, "credentials", "role %.*s as %.*s: %s", GW_STR_ARG(entry->role.arn),
           GW_STR_ARG(entry->role.session_name), why->text);
}

static enum gw_status ask_sts(struct gw_chain *chain, const struct gw_credentials_entry *entry,
                              const struct gw_credentials_set *own, struct gw_chain_found *found, struct gw_err *err)
{
    struct gw_chain_assume assume = {.role_arn = entry->role.arn,
                                     .session_name = entry->role.session_name,
                                     .source_identity = entry->role.source_identity,
                                     .region = entry->role.region,
                                     .by = own != NULL ? &own->snapshot.identity : NULL};

    if (own == NULL)
        return gw_fail(err, GW_E_IO, "the gateway has no credentials of its own to assume it with");
    found->provider = gw_arena_printf(&chain->arena, "assumed role (%.*s)", GW_STR_ARG(entry->role.arn));
    return gw_chain_assume_role(chain, &assume, &found->keys, err);
}

/* They would be asked for again at once, for as long as somebody waits. */
static enum gw_status check_expiry(const struct gw_credentials *credentials, const struct gw_chain_found *found,
                                   struct gw_err *why)
{
    char when[21];

    if (gw_clock_wall_ms(credentials->options.clock) < found->keys.expires_ms)
        return GW_OK;
    gw_time_iso_seconds(found->keys.expires_ms, when);
    return gw_fail(why, GW_E_STALE, "STS: gave credentials that expired at %s", when);
}

bool gw_credentials_roles_step(struct gw_credentials *credentials)
{
    struct gw_credentials_roles *roles = &credentials->roles;
    struct gw_credentials_entry *entry = roles->queue;
    struct gw_credentials_set *own = atomic_load(&credentials->current);
    struct gw_chain_found found = {0};
    struct gw_err why = {""};
    struct gw_chain chain;
    enum gw_status status;

    if (entry == NULL)
        return false;
    roles->queue = entry->next;
    if (roles->queue == NULL)
        roles->queue_end = &roles->queue;
    roles->queued--;
    own = is_good(credentials, own) ? gw_credentials_set_hold(own) : NULL;
    (void)pthread_mutex_unlock(&credentials->lock);
    gw_chain_init(&chain, &credentials->world, NULL);
    status = ask_sts(&chain, entry, own, &found, &why);
    if (status == GW_OK)
        status = check_expiry(credentials, &found, &why);
    gw_credentials_set_drop(own);
    (void)pthread_mutex_lock(&credentials->lock);
    entry->busy = false;
    if (status == GW_OK)
        on_fetched(credentials, entry, &found);
    else if (!credentials->stopping)
        on_refused(credentials, entry, status, &why);
    gw_chain_fini(&chain);
    wake_all(entry);
    return true;
}
