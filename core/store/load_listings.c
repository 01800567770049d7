/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listings are sorted and built at once, instead of being changed a million times:
 * the entries are put together by cluster, and each cluster's are sorted.
 */
#include <stdlib.h>

#include "store/load.h"
#include "store/order.h"

#define POLICIES_MAX 1000 /* of a cluster */

/* Room for the entries of all clusters. */
struct room {
    const struct gw_load_entry **entries; /* by cluster */
    const struct gw_load_entry **sorted;  /* of one cluster, like all that follow */
    struct gw_str *texts;
    size_t *order;
};

static void room_init(struct room *room, size_t count)
{
    room->entries = gw_alloc(count * sizeof(const struct gw_load_entry *));
    room->sorted = gw_alloc(count * sizeof(const struct gw_load_entry *));
    room->texts = gw_alloc(count * sizeof(*room->texts));
    room->order = gw_alloc(count * sizeof(*room->order));
}

static void room_fini(struct room *room)
{
    free(room->entries);
    free(room->sorted);
    free(room->texts);
    free(room->order);
}

static enum gw_status enter_policies(const struct gw_load *load, const struct gw_load_cluster *cluster,
                                     const struct room *room, struct gw_err *err)
{
    const struct gw_load_rows rows = {.database = load->store->database, .table = "cluster", .err = err};

    for (size_t i = 0; i < cluster->entries; i++) {
        const struct gw_access_entry *entry = room->sorted[i]->entry;

        for (size_t k = 0; k < entry->association_count; k++) {
            (void)gw_engine_enter_policy(load->store, cluster->node, entry->associations[k].policy_arn);
            if (atomic_load(&cluster->node->policies)->count > POLICIES_MAX)
                return gw_load_refuse(&rows, (int64_t)cluster->id, "has too many different policies");
        }
    }
    return GW_OK;
}

static enum gw_status fill_policies(const struct gw_load *load, const struct gw_load_cluster *cluster,
                                    struct room *room, struct gw_err *err)
{
    enum gw_status status = enter_policies(load, cluster, room, err);
    struct gw_policy_listings *policies = atomic_load(&cluster->node->policies);

    for (size_t i = 0; status == GW_OK && policies != NULL && i < policies->count; i++) {
        size_t count = 0;

        for (size_t k = 0; k < cluster->entries; k++) {
            if (gw_engine_has_policy(room->sorted[k]->entry, policies->items[i]->policy_arn))
                room->texts[count++] = room->sorted[k]->principal;
        }
        gw_listing_fill(&policies->items[i]->entries, room->texts, count);
        atomic_store(&policies->items[i]->version, gw_load_version(load->store));
    }
    return status;
}

static enum gw_status fill_cluster(const struct gw_load *load, const struct gw_load_cluster *cluster,
                                   const struct gw_load_entry **entries, struct room *room, struct gw_err *err)
{
    for (size_t i = 0; i < cluster->entries; i++)
        room->texts[i] = entries[i]->principal;
    gw_order_texts(room->texts, cluster->entries, room->order);
    for (size_t i = 0; i < cluster->entries; i++)
        room->sorted[i] = entries[room->order[i]];
    for (size_t i = 0; i < cluster->entries; i++)
        room->texts[i] = room->sorted[i]->principal;
    gw_listing_fill(&cluster->node->entries, room->texts, cluster->entries);
    return load->has_associations ? fill_policies(load, cluster, room, err) : GW_OK;
}

enum gw_status gw_load_listings(const struct gw_load *load, struct gw_err *err)
{
    size_t *ends = gw_alloc((load->cluster_count + 1) * sizeof(*ends));
    enum gw_status status = GW_OK;
    struct room room;

    room_init(&room, load->entry_count);
    ends[0] = 0;
    for (size_t i = 0; i < load->cluster_count; i++)
        ends[i + 1] = ends[i] + load->clusters[i].entries;
    for (size_t i = 0; i < load->entry_count; i++)
        room.entries[ends[load->entries[i].cluster]++] = &load->entries[i];
    for (size_t i = 0; status == GW_OK && i < load->cluster_count; i++) {
        const struct gw_load_cluster *cluster = &load->clusters[i];

        status = fill_cluster(load, cluster, room.entries + ends[i] - cluster->entries, &room, err);
    }
    room_fini(&room);
    free(ends);
    return status;
}
