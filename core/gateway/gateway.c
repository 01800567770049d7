/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What workers share. Settings and keys are replaced by one atomic exchange each;
 * the old ones are retired and freed when no reader can see them any more.
 */
#include "gateway/gateway.h"

#include <stdlib.h>

#include "gateway/overlay.h"
#include "gateway/states.h"

struct gw_gateway_settings *gw_gateway_settings_new(void)
{
    struct gw_gateway_settings *settings = gw_alloc_zero(1, sizeof(*settings));

    gw_arena_init(&settings->arena, 0);
    return settings;
}

static void release_settings(void *object)
{
    struct gw_gateway_settings *settings = object;

    if (settings->policies.free_ctx != NULL)
        settings->policies.free_ctx(settings->policies.ctx);
    gw_fetch_endpoints_release(&settings->endpoints);
    if (settings->shadow.free_ctx != NULL)
        settings->shadow.free_ctx(settings->shadow.ctx);
    gw_map_fini(&settings->principals);
    gw_arena_fini(&settings->arena);
    free(settings);
}

void gw_gateway_settings_free(struct gw_gateway_settings **settings)
{
    if (*settings != NULL)
        release_settings(*settings);
    *settings = NULL;
}

void gw_gateway_settings_hold(struct gw_gateway_settings *settings)
{
    atomic_fetch_add_explicit(&settings->holders, 1, memory_order_relaxed);
}

void gw_gateway_settings_drop(struct gw_gateway_settings *settings)
{
    if (atomic_fetch_sub(&settings->holders, 1) == 1)
        release_settings(settings);
}

static void drop_settings(void *object)
{
    gw_gateway_settings_drop(object);
}

static void release_keys(void *object)
{
    struct gw_keys_snapshot *keys = object;

    gw_keyring_free(&keys->keyring);
    free(keys);
}

static void wake_workers(struct gw_gateway *gateway)
{
    size_t count = atomic_load(&gateway->worker_count);

    for (size_t i = 0; i < count; i++)
        gw_loop_wake(gateway->workers[i]->loop);
}

uint64_t gw_gateway_apply(struct gw_gateway *gateway, struct gw_gateway_settings **settings)
{
    struct gw_gateway_settings *fresh = *settings;
    uint64_t generation = atomic_fetch_add(&gateway->generation, 1) + 1;

    *settings = NULL;
    atomic_store(&fresh->holders, 1);
    fresh->generation = generation;
    gw_epoch_retire(gateway->epoch, atomic_exchange(&gateway->settings, fresh), drop_settings);
    wake_workers(gateway);
    return generation;
}

void gw_gateway_set_keyring(struct gw_gateway *gateway, struct gw_keyring **keyring)
{
    struct gw_keys_snapshot *fresh = gw_alloc_zero(1, sizeof(*fresh));

    fresh->keyring = *keyring;
    *keyring = NULL;
    fresh->generation = atomic_fetch_add(&gateway->generation, 1) + 1;
    gw_epoch_retire(gateway->epoch, atomic_exchange(&gateway->keys, fresh), release_keys);
}

struct gw_gateway *gw_gateway_new(const struct gw_gateway_options *options, struct gw_gateway_settings **settings,
                                  struct gw_keyring **keyring, struct gw_epoch *epoch, struct gw_store *store,
                                  struct gw_journal *journal, const struct gw_clock *clock,
                                  const struct gw_random *random)
{
    struct gw_gateway *gateway = gw_alloc_zero(1, sizeof(*gateway));
    struct gw_commit_options commit = options->commit;

    gateway->options = *options;
    gateway->epoch = epoch;
    gateway->store = store;
    gateway->journal = journal;
    gateway->clock = clock;
    gateway->random = random;
    gateway->router = gw_router_new();
    (void)gw_gateway_apply(gateway, settings);
    gateway->counters = gw_counters_new(random);
    gateway->penalty = gw_penalty_new(random);
    gateway->shadow_counters = gw_counters_new(random);
    gw_gateway_set_keyring(gateway, keyring);
    if (options->mock != NULL) {
        gateway->mock = gw_mock_new(options->mock, random);
        gateway->states = gw_states_new();
        commit.watch = gw_mock_watch(gateway->mock);
    }
    gateway->options.mock = NULL;
    if (options->mode == GW_GATEWAY_OVERLAY)
        gateway->overlay = gw_overlay_memory_new(random);
    if (options->mode == GW_GATEWAY_PROXY)
        gateway->lanes = gw_lanes_new(random);
    gateway->commit = gw_commit_new(&commit, store, journal, clock);
    return gateway;
}

void gw_gateway_free(struct gw_gateway **gateway)
{
    struct gw_gateway *g = *gateway;

    if (g == NULL)
        return;
    *gateway = NULL;
    gw_commit_free(&g->commit);
    gw_states_free(&g->states);
    gw_mock_free(&g->mock);
    gw_gateway_settings_drop(atomic_load(&g->settings));
    release_keys(atomic_load(&g->keys));
    gw_router_free(&g->router);
    gw_counters_free(&g->counters);
    gw_penalty_free(&g->penalty);
    gw_counters_free(&g->shadow_counters);
    gw_overlay_memory_free(&g->overlay);
    gw_lanes_free(&g->lanes);
    free(g);
}

struct gw_eks_env gw_gateway_env(const struct gw_gateway *gateway, const struct gw_gateway_settings *settings)
{
    int64_t now_ms = gw_clock_wall_ms(gateway->clock);
    struct gw_eks_env env = {
        .now_ms = now_ms,
        .wall_ms = now_ms,
        .random = gateway->random,
        .limits = &settings->limits,
        .store = gateway->store,
        .principals = settings->has_principals ? &settings->principals : NULL,
    };

    if (gateway->mock != NULL)
        gw_mock_fill_env(gateway->mock, &env);
    if (gateway->options.mode != GW_GATEWAY_STANDALONE)
        env.makes_cluster = NULL; /* which there are is the upstream's to say */
    return env;
}

struct gw_commit *gw_gateway_commit(struct gw_gateway *gateway)
{
    return gateway->commit;
}

void gw_gateway_metrics(struct gw_gateway *gateway, struct gw_epoch_reader *reader, struct gw_arena *arena,
                        struct gw_metrics_sources *sources)
{
    size_t count = atomic_load(&gateway->worker_count);
    const struct gw_metrics **metrics = gw_arena_zero(arena, count, sizeof(*metrics));
    const struct gw_server_counters **servers = gw_arena_zero(arena, count, sizeof(*servers));
    const struct gw_stopwatch_counters **loops = gw_arena_zero(arena, count, sizeof(*loops));
    const struct gw_upstream_counters **upstreams = gw_arena_zero(arena, count, sizeof(*upstreams));

    for (size_t i = 0; i < count; i++) {
        metrics[i] = &gateway->workers[i]->metrics;
        servers[i] = gw_server_counters_get(gateway->workers[i]->server);
        loops[i] = gw_loop_counters_get(gateway->workers[i]->loop);
        if (gateway->workers[i]->upstream != NULL)
            upstreams[i] = gw_upstream_counters_get(gateway->workers[i]->upstream);
    }
    sources->workers = metrics;
    sources->servers = servers;
    sources->loops = loops;
    if (gateway->options.mode != GW_GATEWAY_STANDALONE)
        sources->upstreams = upstreams;
    sources->worker_count = count;
    sources->commit = gw_commit_counters_get(gateway->commit);
    if (gw_store_found(gateway->store)->is_durable)
        sources->store = gw_store_counters(gateway->store);
    if (gateway->journal != NULL)
        sources->journal = gw_journal_counters(gateway->journal);
    sources->entries = gw_store_count(gateway->store);
    sources->clusters = gw_store_count_clusters(gateway->store);
    sources->counters = gw_counters_count(gateway->counters);
    gw_epoch_enter(reader);
    sources->keys = gw_keyring_count(atomic_load(&gateway->keys)->keyring);
    sources->policies = atomic_load(&gateway->settings)->policies.count;
    sources->generation = atomic_load(&gateway->settings)->generation;
    gw_epoch_leave(reader);
}
