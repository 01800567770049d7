/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools by target. Which targets there are may follow from what clients send (a
 * region, an account), so their number is bounded and the hash is keyed.
 */
#include <stdlib.h>

#include "upstream/inner.h"

/* Names are ASCII and compared without case; what is hashed is lower case. */
static uint64_t hash_target(const struct gw_upstream *upstream, const struct gw_upstream_target *target)
{
    char key[GW_UPSTREAM_HOST_MAX + 3];
    size_t length = target->host.length;

    for (size_t i = 0; i < length; i++) {
        char c = target->host.at[i];

        key[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    key[length++] = (char)(target->port >> 8);
    key[length++] = (char)(target->port & 0xff);
    key[length++] = (char)target->is_tls;
    return gw_hash(&upstream->seed, key, length);
}

static bool is_same(const struct gw_upstream_target *a, const struct gw_upstream_target *b)
{
    return a->port == b->port && a->is_tls == b->is_tls && gw_str_equal_nocase(a->host, b->host) &&
           a->connect_port == b->connect_port && gw_str_equal_nocase(a->connect_host, b->connect_host);
}

static void choose_peer(struct gw_upstream_pool *pool)
{
    const struct gw_upstream *upstream = pool->upstream;

    pool->peer_host = pool->target.host;
    pool->peer_port = pool->target.port;
    gw_buf_init(&pool->tunnel, GW_CLIENT_CONNECT);
    if (pool->target.connect_host.at != NULL) {
        pool->peer_host = pool->target.connect_host;
        pool->peer_port = pool->target.connect_port;
        return;
    }
    if (!pool->target.is_tls || !upstream->has_proxy ||
        gw_upstream_proxy_spares(upstream->options.no_proxy, &pool->target))
        return;
    pool->peer_host = upstream->proxy.host;
    pool->peer_port = upstream->proxy.port;
    gw_upstream_proxy_ask(&upstream->proxy, &pool->target, &pool->tunnel);
}

static struct gw_upstream_pool *new_pool(struct gw_upstream *upstream, const struct gw_upstream_target *target,
                                         uint64_t hash)
{
    struct gw_upstream_pool *pool = gw_alloc_zero(1, sizeof(*pool));
    struct gw_upstream_pool **bucket = &upstream->buckets[hash % GW_UPSTREAM_BUCKETS];

    pool->upstream = upstream;
    pool->hash = hash;
    pool->host = gw_str_dup(target->host);
    pool->target = *target;
    pool->target.host.at = pool->host;
    if (target->connect_host.at != NULL)
        pool->target.connect_host.at = pool->connect_host = gw_str_dup(target->connect_host);
    gw_link_init(&pool->all);
    gw_link_init(&pool->idle);
    gw_link_init(&pool->settling);
    gw_link_init(&pool->waiting);
    choose_peer(pool);
    pool->next = *bucket;
    *bucket = pool;
    gw_link_append(&upstream->pools, &pool->all);
    upstream->pool_count++;
    return pool;
}

void gw_upstream_pool_drop(struct gw_upstream_pool *pool)
{
    struct gw_upstream *upstream = pool->upstream;
    struct gw_upstream_pool **link = &upstream->buckets[pool->hash % GW_UPSTREAM_BUCKETS];

    while (*link != pool)
        link = &(*link)->next;
    *link = pool->next;
    gw_link_cut(&pool->all);
    upstream->pool_count--;
    if (pool->tunnel.capacity > 0)
        gw_wipe(pool->tunnel.at, pool->tunnel.capacity);
    gw_buf_fini(&pool->tunnel);
    free(pool->host);
    free(pool->connect_host);
    free(pool);
}

static size_t count_links(const struct gw_link *list)
{
    size_t count = 0;

    for (const struct gw_link *at = list->after; at != list; at = at->after)
        count++;
    return count;
}

/* Somebody waits for a connection of it, or has one. */
static bool is_in_use(const struct gw_upstream_pool *pool)
{
    return pool->waiting_count > 0 || pool->opening > 0 ||
           pool->open > count_links(&pool->idle) + count_links(&pool->settling);
}

/* The least recently used that nobody uses; unless `with_memory` one that there is nothing to remember of. False: there
 * is none. */
static bool evict(struct gw_upstream *upstream, bool with_memory)
{
    for (struct gw_link *at = upstream->pools.after; at != &upstream->pools; at = at->after) {
        struct gw_upstream_pool *pool = GW_LINK_OF(at, struct gw_upstream_pool, all);

        if (is_in_use(pool) || (!with_memory && (pool->open > 0 || pool->breaker.open)))
            continue;
        gw_upstream_pool_close_idle(pool);
        gw_upstream_pool_drop(pool);
        return true;
    }
    return false;
}

/* A caller that names target after target must not keep all others from theirs: rather than be full, one that has kept
 * connections, or is being left alone, is forgotten. */
static bool make_room(struct gw_upstream *upstream)
{
    return upstream->pool_count < GW_UPSTREAM_TARGETS || evict(upstream, false) || evict(upstream, true);
}

struct gw_upstream_pool *gw_upstream_pool_get(struct gw_upstream *upstream, const struct gw_upstream_target *target)
{
    uint64_t hash = hash_target(upstream, target);
    struct gw_upstream_pool *pool = upstream->buckets[hash % GW_UPSTREAM_BUCKETS];

    while (pool != NULL && (pool->hash != hash || !is_same(&pool->target, target)))
        pool = pool->next;
    if (GW_UNLIKELY(pool == NULL)) {
        if (!make_room(upstream))
            return NULL;
        return new_pool(upstream, target, hash);
    }
    gw_link_cut(&pool->all);
    gw_link_append(&upstream->pools, &pool->all);
    return pool;
}
