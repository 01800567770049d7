/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a state, scope by scope and cluster by cluster in the order of the
 * listings, from texts that the store has ready-made.
 */
#include "eks/access_policy.h"
#include "eks/state.h"

#define PAGE 256

static void encode_associations(const struct gw_access_entry *entry, struct gw_buf *out)
{
    gw_buf_append_lit(out, ",\"associatedAccessPolicies\":[");
    for (size_t i = 0; i < entry->association_count; i++) {
        if (i > 0)
            gw_buf_append_byte(out, ',');
        gw_eks_policy_encode(&entry->associations[i], out);
    }
    gw_buf_append_byte(out, ']');
}

/* The reply of Describe is {"accessEntry":{...}}: what comes besides goes before its last bracket. */
static void encode_entry(const struct gw_access_entry *entry, struct gw_buf *out)
{
    gw_buf_append_str(out, gw_str_slice(entry->reply, 0, entry->reply.length - 1));
    encode_associations(entry, out);
    gw_buf_append_byte(out, '}');
}

static void encode_entries(const struct gw_store *store, const struct gw_store_key *cluster, struct gw_buf *out)
{
    struct gw_str items[PAGE];
    struct gw_store_page page = {.after = GW_STR_NONE, .max = PAGE, .items = items};
    struct gw_store_key key = *cluster;
    const char *comma = "";

    do {
        size_t count = gw_store_page_entries(store, cluster, GW_STR_NONE, &page);

        for (size_t i = 0; i < count; i++) {
            const struct gw_access_entry *entry;

            key.principal = items[i];
            entry = gw_store_find(store, &key);
            if (entry == NULL)
                continue;
            gw_buf_append_str(out, gw_str_from(comma));
            encode_entry(entry, out);
            comma = ",";
        }
        if (count > 0)
            page.after = items[count - 1];
    } while (page.more && !out->overflowed);
}

static void encode_cluster(const struct gw_store *store, const struct gw_cluster *cluster, struct gw_buf *out)
{
    gw_buf_append_lit(out, "{\"cluster\":");
    gw_buf_append_str(out, cluster->document);
    gw_buf_append_lit(out, ",\"updates\":[");
    for (size_t i = 0; i < cluster->update_count; i++) {
        if (i > 0)
            gw_buf_append_byte(out, ',');
        gw_buf_append_str(out, cluster->updates[i]);
    }
    gw_buf_append_lit(out, "],\"accessEntries\":[");
    encode_entries(store, &cluster->key, out);
    gw_buf_append_lit(out, "]}");
}

/* "PARTITION/ACCOUNT/REGION" */
static struct gw_store_key scope_key(struct gw_str scope)
{
    struct gw_store_key key = {.principal = GW_STR_NONE};

    key.partition = gw_str_split(&scope, '/');
    key.account = gw_str_split(&scope, '/');
    key.region = scope;
    return key;
}

static void encode_scope(const struct gw_store *store, struct gw_str scope, const char **comma, struct gw_buf *out)
{
    struct gw_str items[PAGE];
    struct gw_store_page page = {.after = GW_STR_NONE, .max = PAGE, .items = items};
    struct gw_store_key key = scope_key(scope);

    do {
        size_t count = gw_store_page_clusters(store, &key, &page);

        for (size_t i = 0; i < count; i++) {
            const struct gw_cluster *cluster;

            key.cluster = items[i];
            cluster = gw_store_find_cluster(store, &key);
            if (cluster == NULL)
                continue;
            gw_buf_append_str(out, gw_str_from(*comma));
            encode_cluster(store, cluster, out);
            *comma = ",\n";
        }
        if (count > 0)
            page.after = items[count - 1];
    } while (page.more && !out->overflowed);
}

void gw_eks_state_encode(const struct gw_store *store, struct gw_buf *out)
{
    struct gw_str items[PAGE];
    struct gw_store_page page = {.after = GW_STR_NONE, .max = PAGE, .items = items};
    const char *comma = "";

    gw_buf_append_lit(out, "{\"clusters\":[");
    do {
        size_t count = gw_store_page_scopes(store, &page);

        for (size_t i = 0; i < count; i++)
            encode_scope(store, items[i], &comma, out);
        if (count > 0)
            page.after = items[count - 1];
    } while (page.more && !out->overflowed);
    gw_buf_append_lit(out, "]}\n");
}
