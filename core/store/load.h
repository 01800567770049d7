/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_LOAD_H
#define GW_STORE_LOAD_H

/*
 * What the files that read the database into the tables share; for core/store only.
 *
 *   load.c            the order of things; clusters and tokens
 *   load_entries.c    access entries, by several threads where there are many
 *   load_listings.c   listings, built at once from sorted texts
 *
 * Every row is looked at as if a stranger had written it. What isn't as the writer
 * writes it is refused with table and row; nothing is mended or left out.
 */

#include "store/engine.h"

struct gw_load_cluster {
    uint64_t id;
    struct gw_cluster_node *node;
    size_t entries; /* how many */
};

struct gw_load_entry {
    uint64_t id;
    struct gw_access_entry *entry;
    struct gw_str principal;
    size_t cluster; /* index */
    uint64_t key_hash;
    uint64_t arn_hash;
};

struct gw_load {
    struct gw_store *store;
    const struct gw_store_file *file;
    struct gw_load_cluster *clusters; /* by id */
    size_t cluster_count;
    size_t cluster_capacity;
    struct gw_load_entry *entries; /* by id */
    size_t entry_count;
    bool has_associations; /* some entry */
    uint64_t token_count;
};

/* The rows of a table, one after the other. */
struct gw_load_rows {
    struct gw_database *database;
    const char *table;
    const char *kinds;
    int64_t last_id; /* of the row before */
    struct gw_err *err;
};
enum gw_status gw_load_refuse(const struct gw_load_rows *rows, int64_t id, const char *why);
/* Reads the columns of a row and checks its id. */
GW_NODISCARD enum gw_status gw_load_read(struct gw_load_rows *rows, sqlite3_stmt *statement,
                                         struct gw_rows_column *columns);

bool gw_load_is_key_text(struct gw_str text);
/* Index of the cluster; cluster_count when there is none. */
size_t gw_load_find_cluster(const struct gw_load *load, int64_t id);

/* Processors that may be used for a database of so many entries. */
size_t gw_load_workers(uint64_t entries);

/* Fills load->entries and counts them in their clusters. Where it fails there are none. */
GW_NODISCARD enum gw_status gw_load_entries(struct gw_load *load, struct gw_err *err);
/* Takes the entries into the table of keys, which owns them from now on; GW_E_SYNTAX: a key is there twice. */
GW_NODISCARD enum gw_status gw_load_fill_keys(struct gw_load *load, struct gw_err *err);
void gw_load_fill_arns(struct gw_load *load);

/* Of what is loaded, where it isn't the object's id: one more than any of those. */
static inline uint64_t gw_load_version(const struct gw_store *store)
{
    return store->database->state.last_id + 1;
}

/* Fills the listings of all clusters, and of their policies. */
GW_NODISCARD enum gw_status gw_load_listings(const struct gw_load *load, struct gw_err *err);

#endif
