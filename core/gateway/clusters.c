/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clusters of the configuration: made at start and reload where they are absent,
 * brought up to what is given of them where they are there, never deleted. They
 * go through the writer like every other change, with a record that names the
 * configuration in the place of a caller, one after the other.
 */
#include "eks/cluster_document.h"
#include "gateway/exchange.h"
#include "journal/record.h"

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

/* arena: the record of the change, {NULL,0} where it is larger than records may be. */
static struct gw_str record_of(const struct gw_gateway *gateway, uint64_t generation,
                               const struct gw_store_change *change, struct gw_arena *arena)
{
    struct gw_json eksgate = {.type = GW_JSON_OBJECT};
    struct gw_json parameters = {.type = GW_JSON_OBJECT};
    struct gw_record record = {.time_ms = gw_clock_wall_ms(gateway->clock),
                               .operation = change->expected_cluster == 0 ? GW_STR("CreateCluster")
                                                                          : GW_STR("UpdateClusterConfig"),
                               .region = change->key.region,
                               .account = change->key.account,
                               .is_own = true,
                               .request_parameters = &parameters,
                               .response_elements = change->cluster->document,
                               .eksgate = &eksgate};
    struct gw_str line = GW_STR_NONE;
    char id[37];
    struct gw_buf text;

    gw_json_set(arena, &eksgate, GW_STR("change"), gw_json_bool(true));
    gw_json_set(arena, &eksgate, GW_STR("source"), gw_json_string(GW_STR("configuration")));
    gw_json_set(arena, &eksgate, GW_STR("generation"), gw_json_integer((int64_t)generation));
    gw_json_set(arena, &parameters, GW_STR("name"), gw_json_string(change->key.cluster));
    gw_random_uuid(gateway->random, id);
    record.event_id = (struct gw_str){id, 36};
    gw_buf_init(&text, GW_JOURNAL_TEXT_MAX);
    gw_record_encode(&record, &text);
    if (text.overflowed) { /* a document of many texts */
        record.response_elements = GW_STR_NONE;
        gw_buf_clear(&text);
        gw_record_encode(&record, &text);
    }
    if (!text.overflowed)
        line = gw_arena_str(arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return line;
}

static enum gw_status make_one(struct gw_gateway *gateway, struct gw_epoch_reader *reader, size_t index,
                               struct gw_arena *arena, struct gw_err *why)
{
    enum gw_status status = GW_E_STALE;

    for (int i = 0; i < STALE_ATTEMPTS && status == GW_E_STALE; i++) {
        const struct gw_gateway_settings *settings;
        uint64_t generation;
        struct gw_store_change change;
        struct gw_commit_job job = {.change = &change, .err = why};
        bool is_wanted = false;

        gw_epoch_enter(reader);
        settings = atomic_load(&gateway->settings);
        generation = settings->generation;
        if (index < settings->cluster_count) {
            is_wanted = plan(gateway, settings, &settings->clusters[index], arena, &change);
            if (is_wanted)
                change.key = change.cluster->key; /* the settings may go while the writer works */
        }
        gw_epoch_leave(reader);
        if (!is_wanted)
            return GW_OK;
        job.record = record_of(gateway, generation, &change, arena);
        status = gw_commit_run(gateway->commit, &job);
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
    struct gw_err why = {""};
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    for (size_t i = 0; i < count && status == GW_OK; i++) {
        status = make_one(gateway, reader, i, &arena, &why);
        gw_arena_reset(&arena);
    }
    gw_arena_fini(&arena);
    gw_epoch_unregister(reader);
    return status == GW_OK ? GW_OK
                           : gw_fail(err, status, "clusters: the configured ones could not be stored: %s",
                                     why.text[0] != '\0' ? why.text : gw_status_name(status));
}
