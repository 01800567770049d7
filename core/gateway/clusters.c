/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clusters of the configuration: made at start and reload where they are absent,
 * brought up to what is given of them where they are there, never deleted. They
 * go through the writer like every other change, one after the other; that they
 * were wanted stands in the configuration, so no record is written.
 */
#include "eks/cluster_document.h"
#include "gateway/exchange.h"

#define STALE_ATTEMPTS 3

static struct gw_store_key key_of(const struct gw_gateway_settings *settings, const struct gw_gateway_cluster *cluster)
{
    return (struct gw_store_key){
        .partition = settings->partition,
        .account = settings->account,
        .region = settings->region,
        .cluster = cluster->name,
        .principal = GW_STR_NONE,
    };
}

/* The change that brings the cluster about; false when there is none to make. Inside an epoch. */
static bool plan(const struct gw_gateway *gateway, const struct gw_gateway_settings *settings,
                 const struct gw_gateway_cluster *configured, struct gw_arena *arena, struct gw_store_change *change)
{
    struct gw_eks_env env = gw_gateway_env(gateway, settings);
    struct gw_eks_cluster_plan made = {
        .key = key_of(settings, configured), .mode = configured->mode, .given = configured->given};
    const struct gw_cluster *there = gw_store_find_cluster(gateway->store, &made.key);

    *change = (struct gw_store_change){.key = made.key, .cluster_act = GW_STORE_PUT, .now_ms = env.wall_ms};
    if (there == NULL) {
        change->cluster = gw_eks_cluster_make(&made, &env, arena);
        return true;
    }
    change->expected_cluster = there->version;
    change->cluster = gw_eks_cluster_change(
        there, configured->given, configured->has_mode ? configured->mode : (enum gw_eks_auth_mode)there->mode, arena);
    if (change->cluster->mode != there->mode || !gw_str_equal(change->cluster->document, there->document))
        return true;
    gw_store_change_drop(change);
    return false;
}

static enum gw_status make_one(struct gw_gateway *gateway, struct gw_epoch_reader *reader, size_t index,
                               struct gw_arena *arena)
{
    enum gw_status status = GW_E_STALE;

    for (int i = 0; i < STALE_ATTEMPTS && status == GW_E_STALE; i++) {
        const struct gw_gateway_settings *settings;
        struct gw_store_change change;
        bool is_wanted = false;

        gw_epoch_enter(reader);
        settings = atomic_load(&gateway->settings);
        if (index < settings->cluster_count) {
            is_wanted = plan(gateway, settings, &settings->clusters[index], arena, &change);
            if (is_wanted)
                change.key = change.cluster->key; /* the settings may go while the writer works */
        }
        gw_epoch_leave(reader);
        if (!is_wanted)
            return GW_OK;
        status = gw_commit_run(gateway->commit, &(struct gw_commit_job){.change = &change});
        gw_store_change_drop(&change);
    }
    return status;
}

static size_t count_configured(struct gw_gateway *gateway, struct gw_epoch_reader *reader)
{
    size_t count;

    gw_epoch_enter(reader);
    count = atomic_load(&gateway->settings)->cluster_count;
    gw_epoch_leave(reader);
    return count;
}

enum gw_status gw_gateway_make_clusters(struct gw_gateway *gateway, struct gw_err *err)
{
    struct gw_epoch_reader *reader = gw_epoch_register(gateway->epoch);
    size_t count = count_configured(gateway, reader);
    enum gw_status status = GW_OK;
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    for (size_t i = 0; i < count && status == GW_OK; i++) {
        status = make_one(gateway, reader, i, &arena);
        gw_arena_reset(&arena);
    }
    gw_arena_fini(&arena);
    gw_epoch_unregister(reader);
    return status == GW_OK
               ? GW_OK
               : gw_fail(err, status, "clusters: the configured ones could not be stored (%s)", gw_status_name(status));
}
