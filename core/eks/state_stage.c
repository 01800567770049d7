/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Staging a state in the place of whatever the store holds: every cluster is
 * deleted, with its entries and tokens, and those of the state are put, in one
 * batch.
 */
#include "eks/state.h"

#define PAGE 256

static enum gw_status stage_delete(struct gw_store *store, const struct gw_store_key *key)
{
    struct gw_store_change change = {.key = *key, .cluster_act = GW_STORE_DELETE};
    const struct gw_cluster *cluster = gw_store_find_cluster(store, key);

    if (cluster == NULL)
        return GW_OK;
    change.expected_cluster = cluster->version;
    return gw_store_stage(store, &change);
}

static enum gw_status stage_deletes(struct gw_store *store, struct gw_str scope)
{
    struct gw_str items[PAGE];
    struct gw_store_page page = {.after = GW_STR_NONE, .max = PAGE, .items = items};
    struct gw_store_key key = {.principal = GW_STR_NONE};
    enum gw_status status = GW_OK;

    key.partition = gw_str_split(&scope, '/');
    key.account = gw_str_split(&scope, '/');
    key.region = scope;
    do {
        size_t count = gw_store_page_clusters(store, &key, &page);

        for (size_t i = 0; i < count && status == GW_OK; i++) {
            key.cluster = items[i];
            status = stage_delete(store, &key);
        }
        if (count > 0)
            page.after = items[count - 1];
    } while (page.more && status == GW_OK);
    return status;
}

static enum gw_status stage_all_deletes(struct gw_store *store)
{
    struct gw_str items[PAGE];
    struct gw_store_page page = {.after = GW_STR_NONE, .max = PAGE, .items = items};
    enum gw_status status = GW_OK;

    do {
        size_t count = gw_store_page_scopes(store, &page);

        for (size_t i = 0; i < count && status == GW_OK; i++)
            status = stage_deletes(store, items[i]);
        if (count > 0)
            page.after = items[count - 1];
    } while (page.more && status == GW_OK);
    return status;
}

static enum gw_status stage_put(struct gw_store *store, struct gw_eks_state_cluster *one)
{
    const struct gw_cluster *cluster = one->cluster; /* the store's, once it is staged */
    struct gw_store_change change = {.key = cluster->key, .cluster_act = GW_STORE_PUT, .cluster = one->cluster};
    enum gw_status status = gw_store_stage(store, &change);

    one->cluster = change.cluster;
    for (size_t i = 0; i < one->entry_count && status == GW_OK; i++) {
        change = (struct gw_store_change){.key = one->entries[i]->key,
                                          .expected_cluster = cluster->version,
                                          .entry_act = GW_STORE_PUT,
                                          .entry = one->entries[i],
                                          .cluster_entries_max = SIZE_MAX};
        status = gw_store_stage(store, &change);
        one->entries[i] = change.entry;
    }
    return status;
}

enum gw_status gw_eks_state_stage(struct gw_eks_state *state, struct gw_store *store)
{
    enum gw_status status = stage_all_deletes(store);

    for (size_t i = 0; i < state->count && status == GW_OK; i++)
        status = stage_put(store, &state->clusters[i]);
    return status;
}
