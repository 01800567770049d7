/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the file into the tables: clusters, then their entries, then tokens, each by
 * row id, and last the listings, which are sorted and built at once instead of
 * being changed a million times.
 *
 * Every row is looked at as if a stranger had written it. What isn't as the writer
 * writes it is refused with table and row; nothing is mended or left out. Two
 * things are no error, because the file may be so between two transactions: a
 * token whose owner is gone, and more tokens than the options allow. They are
 * dropped, and leave the file with the next transaction.
 */
#include <limits.h>
#include <stdlib.h>

#include "base/clock.h"
#include "codec/json_walk.h"
#include "store/engine.h"
#include "store/order.h"

#define ENTRY_BYTES_MIN 64 /* of a row in the file, so that a number in it can't ask for any amount of memory */
#define POLICIES_MAX    1000
#define MODE_MAX        2 /* of enum gw_eks_auth_mode */

struct loaded_cluster {
    uint64_t id;
    struct gw_cluster_node *node;
    size_t entries; /* how many */
};

struct loaded_entry {
    uint64_t id;
    struct gw_access_entry *entry;
    size_t cluster;
};

struct loader {
    struct gw_store *store;
    const struct gw_store_file *file;
    struct gw_err *err;
    struct gw_arena arena; /* of one row */
    struct gw_buf reply;
    struct loaded_cluster *clusters; /* by id */
    size_t cluster_count;
    size_t cluster_capacity;
    struct loaded_entry *entries; /* by id */
    size_t entry_count;
    size_t entry_capacity;
    uint64_t token_count;
    uint64_t last_id; /* of the row before, in the same table */
};

static enum gw_status refuse(struct loader *loader, const char *table, int64_t id, const char *why)
{
    return gw_fail(loader->err, GW_E_SYNTAX, "%s: %s %lld: %s; restore a backup, or name another file",
                   loader->store->database->path, table, (long long)id, why);
}

/* Reads the row's columns and checks its id. */
static enum gw_status read_row(struct loader *loader, const char *table, sqlite3_stmt *statement, const char *kinds,
                               struct gw_rows_column *columns)
{
    int64_t id = sqlite3_column_int64(statement, 0);

    if (!gw_rows_read(statement, kinds, columns))
        return refuse(loader, table, id, "isn't what was written: a type, a text or the checksum is wrong");
    if (id <= (int64_t)loader->last_id || id > (int64_t)loader->store->database->state.last_id)
        return refuse(loader, table, id, "has a number that was never given");
    loader->last_id = (uint64_t)id;
    return GW_OK;
}

/* Gives each row of the SELECT to `take`. */
static enum gw_status walk(struct loader *loader, const char *sql,
                           enum gw_status (*take)(struct loader *loader, sqlite3_stmt *statement))
{
    struct gw_database *database = loader->store->database;
    sqlite3_stmt *statement = NULL;
    enum gw_status status = GW_OK;
    int code = sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL);

    loader->last_id = 0;
    if (code == SQLITE_OK) {
        while (status == GW_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
            status = take(loader, statement);
    }
    if (status == GW_OK && code != SQLITE_DONE)
        status = gw_database_fail(database->handle, database->path, "read it", code, loader->err);
    (void)sqlite3_finalize(statement);
    return status;
}

static enum gw_status take_state(struct loader *loader, sqlite3_stmt *statement)
{
    if (!gw_database_read_state(statement, &loader->store->database->state))
        return refuse(loader, "state", 1, "isn't what was written");
    loader->last_id = 1;
    return GW_OK;
}

static bool is_key_text(struct gw_str text)
{
    return text.length > 0 && text.length <= GW_ROWS_KEY_MAX;
}

static bool is_object(struct loader *loader, struct gw_str text)
{
    struct gw_json value;
    struct gw_err ignored;

    return gw_json_parse(text, &loader->arena, &value, &ignored) == GW_OK && value.type == GW_JSON_OBJECT;
}

/* arena: the objects of an array, one text each. */
static bool split_updates(struct loader *loader, struct gw_cluster *cluster, struct gw_str text)
{
    struct gw_str *updates = gw_arena_alloc(&loader->arena, (text.length / 2 + 1) * sizeof(*updates)); /* {} at least */
    struct gw_json_walk walk;
    struct gw_json_item item;
    struct gw_err ignored;
    enum gw_status status = gw_json_walk_begin(&walk, text, GW_JSON_ARRAY, &ignored);

    cluster->updates = updates;
    if (status != GW_OK)
        return false;
    while ((status = gw_json_walk_next(&walk, &loader->arena, &item, &ignored)) == GW_OK) {
        if (!is_object(loader, item.text))
            return false;
        updates[cluster->update_count++] = item.text;
    }
    return status == GW_E_MISSING;
}

static void keep_cluster(struct loader *loader, uint64_t id, struct gw_cluster_node *node)
{
    if (loader->cluster_count == loader->cluster_capacity) {
        loader->cluster_capacity = loader->cluster_capacity == 0 ? 64 : loader->cluster_capacity * 2;
        loader->clusters = gw_realloc(loader->clusters, loader->cluster_capacity * sizeof(*loader->clusters));
    }
    loader->clusters[loader->cluster_count++] = (struct loaded_cluster){.id = id, .node = node};
}

static enum gw_status take_cluster(struct loader *loader, sqlite3_stmt *statement)
{
    struct gw_rows_column columns[GW_ROWS_COUNT(GW_ROWS_CLUSTER)];
    struct gw_store *store = loader->store;
    struct gw_cluster from = {.version = 0};
    struct gw_cluster_node *node;
    struct gw_cluster *cluster;
    enum gw_status status = read_row(loader, "cluster", statement, GW_ROWS_CLUSTER, columns);

    if (status != GW_OK)
        return status;
    from.key = (struct gw_store_key){.partition = columns[1].text,
                                     .account = columns[2].text,
                                     .region = columns[3].text,
                                     .cluster = columns[4].text};
    from.document = columns[6].text;
    gw_arena_reset(&loader->arena);
    for (size_t i = 1; i <= 4; i++) {
        if (!is_key_text(columns[i].text))
            return refuse(loader, "cluster", columns[0].number, "has an empty or endless name");
    }
    if (columns[5].number < 0 || columns[5].number > MODE_MAX)
        return refuse(loader, "cluster", columns[0].number, "mode: there is no such");
    if (!is_object(loader, from.document))
        return refuse(loader, "cluster", columns[0].number, "document: must be a JSON object");
    if (!split_updates(loader, &from, columns[7].text))
        return refuse(loader, "cluster", columns[0].number, "updates: must be a JSON array of objects");
    node = gw_engine_enter_node(store, &from.key);
    if (atomic_load(&node->record) != NULL)
        return refuse(loader, "cluster", columns[0].number, "is there twice");
    from.mode = (unsigned)columns[5].number;
    from.version = ++store->last_version;
    cluster = gw_cluster_new(&from);
    gw_stored_cluster(cluster)->id = (uint64_t)columns[0].number;
    gw_engine_add_cluster(store, node, cluster);
    keep_cluster(loader, (uint64_t)columns[0].number, node);
    return GW_OK;
}

/* Index of the cluster, cluster_count when there is none. */
static size_t find_cluster(const struct loader *loader, int64_t id)
{
    size_t low = 0;
    size_t high = loader->cluster_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (loader->clusters[middle].id < (uint64_t)id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < loader->cluster_count && loader->clusters[low].id == (uint64_t)id ? low : loader->cluster_count;
}

static struct gw_access_entry *find_entry(const struct loader *loader, int64_t id)
{
    size_t low = 0;
    size_t high = loader->entry_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (loader->entries[middle].id < (uint64_t)id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < loader->entry_count && loader->entries[low].id == (uint64_t)id ? loader->entries[low].entry : NULL;
}

/* Takes the entry into the tables; false when its key is there. */
static bool keep_entry(struct loader *loader, uint64_t id, size_t cluster, const struct gw_access_entry *from)
{
    struct gw_store *store = loader->store;
    struct gw_access_entry *entry = gw_access_entry_new(from);
    uint64_t hash = gw_engine_hash_entry(store, &entry->key);

    gw_stored_entry(entry)->id = id;
    entry->version = ++store->last_version;
    if (gw_table_find(&store->entries, hash, &entry->key) != NULL) {
        gw_access_entry_free(&entry);
        return false;
    }
    (void)gw_table_put(&store->entries, hash, &entry->key, entry);
    (void)gw_table_put(&store->arns, gw_engine_hash_arn(store, entry->arn), &entry->arn, entry);
    if (loader->entry_count == loader->entry_capacity) {
        loader->entry_capacity = loader->entry_capacity == 0 ? 1024 : loader->entry_capacity * 2;
        loader->entries = gw_realloc(loader->entries, loader->entry_capacity * sizeof(*loader->entries));
    }
    loader->entries[loader->entry_count++] = (struct loaded_entry){id, entry, cluster};
    loader->clusters[cluster].entries++;
    return true;
}

static enum gw_status take_entry(struct loader *loader, sqlite3_stmt *statement)
{
    struct gw_rows_column columns[GW_ROWS_COUNT(GW_ROWS_ENTRY)];
    struct gw_access_entry from = {.version = 0};
    enum gw_status status = read_row(loader, "access_entry", statement, GW_ROWS_ENTRY, columns);
    const char *wrong;
    int64_t id;
    size_t cluster;

    if (status != GW_OK)
        return status;
    id = columns[0].number;
    cluster = find_cluster(loader, columns[1].number);
    if (cluster == loader->cluster_count)
        return refuse(loader, "access_entry", id, "is of a cluster that isn't there");
    if (!is_key_text(columns[2].text) || !is_key_text(columns[3].text))
        return refuse(loader, "access_entry", id, "has an empty or endless ARN");
    if (!gw_rows_is_ms(columns[9].number) || !gw_rows_is_ms(columns[10].number))
        return refuse(loader, "access_entry", id, "has a time before 1970 or after 9999");
    wrong =
        gw_rows_parse_lists(&loader->store->database->rows,
                            &(const struct gw_rows_lists){
                                .groups = columns[6].text, .tags = columns[7].text, .associations = columns[8].text},
                            &from);
    if (wrong != NULL)
        return refuse(loader, "access_entry", id, wrong);
    from.key = loader->clusters[cluster].node->key;
    from.key.principal = columns[2].text;
    from.arn = columns[3].text;
    from.type = columns[4].text;
    from.username = columns[5].text;
    from.created_ms = columns[9].number;
    from.modified_ms = columns[10].number;
    gw_buf_clear(&loader->reply);
    loader->file->encode_reply(&from, &loader->reply);
    if (loader->reply.overflowed)
        return refuse(loader, "access_entry", id, "is too large");
    from.reply = gw_buf_str(&loader->reply);
    return keep_entry(loader, (uint64_t)id, cluster, &from) ? GW_OK
                                                            : refuse(loader, "access_entry", id, "is there twice");
}

/* The tokens of the owner that the row names, NULL when it is gone. */
static struct gw_link *find_owner(const struct loader *loader, int64_t cluster_id, int64_t entry_id,
                                  const struct gw_access_entry **entry)
{
    size_t cluster = loader->cluster_count;

    *entry = entry_id > 0 ? find_entry(loader, entry_id) : NULL;
    if (*entry != NULL)
        return &gw_stored_entry(*entry)->tokens;
    if (cluster_id > 0)
        cluster = find_cluster(loader, cluster_id);
    return cluster == loader->cluster_count
               ? NULL
               : &gw_stored_cluster(atomic_load(&loader->clusters[cluster].node->record))->tokens;
}

static enum gw_status take_token(struct loader *loader, sqlite3_stmt *statement)
{
    struct gw_rows_column columns[GW_ROWS_COUNT(GW_ROWS_TOKEN)];
    struct gw_store *store = loader->store;
    struct gw_store_token from = {.created_ms = 0};
    const struct gw_access_entry *entry;
    struct gw_store_token *token;
    struct gw_link *owner;
    enum gw_status status = read_row(loader, "token", statement, GW_ROWS_TOKEN, columns);

    if (status != GW_OK)
        return status;
    if (columns[3].text.length != GW_STORE_DIGEST || columns[4].text.length != GW_STORE_DIGEST ||
        !gw_rows_is_ms(columns[5].number) || columns[1].number < 0 || columns[2].number < 0 ||
        (columns[1].number == 0) == (columns[2].number == 0))
        return refuse(loader, "token", columns[0].number, "has a digest, a time or an owner that can't be");
    loader->token_count++;
    owner = find_owner(loader, columns[1].number, columns[2].number, &entry);
    if (owner == NULL || !gw_engine_keeps_tokens(store)) {
        gw_database_ids_add(&store->database->dropped, (uint64_t)columns[0].number);
        return GW_OK;
    }
    memcpy(from.scope, columns[3].text.at, sizeof(from.scope));
    memcpy(from.digest, columns[4].text.at, sizeof(from.digest));
    from.created_ms = columns[5].number;
    from.reply = columns[6].text;
    token = gw_store_token_new(&from, entry);
    gw_stored_token(token)->id = (uint64_t)columns[0].number;
    gw_engine_keep_token(store, owner, token, from.created_ms);
    return GW_OK;
}

/* What the entries of one cluster, in the order of its listing, are put into listings by. */
static enum gw_status fill_policies(struct loader *loader, const struct loaded_cluster *cluster,
                                    struct gw_access_entry *const *entries, struct gw_str *texts)
{
    struct gw_policy_listings *policies;
    size_t count = 0;

    for (size_t i = 0; i < cluster->entries; i++) {
        for (size_t k = 0; k < entries[i]->association_count; k++) {
            (void)gw_engine_enter_policy(loader->store, cluster->node, entries[i]->associations[k].policy_arn);
            if (atomic_load(&cluster->node->policies)->count > POLICIES_MAX)
                return refuse(loader, "cluster", (int64_t)cluster->id, "has too many different policies");
        }
    }
    policies = atomic_load(&cluster->node->policies);
    for (size_t i = 0; policies != NULL && i < policies->count; i++, count = 0) {
        for (size_t k = 0; k < cluster->entries; k++) {
            if (gw_engine_has_policy(entries[k], policies->items[i]->policy_arn))
                texts[count++] = entries[k]->key.principal;
        }
        gw_listing_fill(&policies->items[i]->entries, texts, count);
    }
    return GW_OK;
}

static enum gw_status fill_cluster(struct loader *loader, const struct loaded_cluster *cluster,
                                   struct gw_access_entry **entries, struct gw_str *texts)
{
    gw_order_entries(entries, cluster->entries);
    for (size_t i = 0; i < cluster->entries; i++)
        texts[i] = entries[i]->key.principal;
    gw_listing_fill(&cluster->node->entries, texts, cluster->entries);
    return fill_policies(loader, cluster, entries, texts);
}

/* Sorts the entries by cluster first, where they are counted already. */
static enum gw_status fill_listings(struct loader *loader)
{
    struct gw_access_entry **entries = gw_alloc(loader->entry_count * sizeof(struct gw_access_entry *));
    struct gw_str *texts = gw_alloc(loader->entry_count * sizeof(*texts));
    size_t *ends = gw_alloc((loader->cluster_count + 1) * sizeof(*ends));
    enum gw_status status = GW_OK;

    ends[0] = 0;
    for (size_t i = 0; i < loader->cluster_count; i++)
        ends[i + 1] = ends[i] + loader->clusters[i].entries;
    for (size_t i = 0; i < loader->entry_count; i++)
        entries[ends[loader->entries[i].cluster]++] = loader->entries[i].entry;
    for (size_t i = 0; status == GW_OK && i < loader->cluster_count; i++)
        status = fill_cluster(loader, &loader->clusters[i], entries + ends[i] - loader->clusters[i].entries, texts);
    free(ends);
    free(texts);
    free(entries);
    return status;
}

static enum gw_status check_counts(struct loader *loader)
{
    const struct gw_database_state *state = &loader->store->database->state;

    if (loader->cluster_count != state->clusters || loader->entry_count != state->access_entries ||
        loader->token_count != state->tokens)
        return gw_fail(
            loader->err, GW_E_SYNTAX,
            "%s: rows are missing or too many: %zu clusters, %zu access entries and %llu tokens of %llu, %llu "
            "and %llu; restore a backup, or name another file",
            loader->store->database->path, loader->cluster_count, loader->entry_count,
            (unsigned long long)loader->token_count, (unsigned long long)state->clusters,
            (unsigned long long)state->access_entries, (unsigned long long)state->tokens);
    return GW_OK;
}

/* Room in the tables for what the file says it has, and can have at its size. */
static void reserve(struct loader *loader)
{
    struct gw_store *store = loader->store;
    uint64_t entries = store->database->state.access_entries;
    uint64_t most = gw_database_bytes(store->database) / ENTRY_BYTES_MIN;

    if (entries > most)
        entries = most;
    gw_table_reserve(&store->entries, (size_t)entries);
    gw_table_reserve(&store->arns, (size_t)entries);
}

static enum gw_status load(struct loader *loader)
{
    enum gw_status status = walk(loader, GW_DATABASE_SELECT_STATE, take_state);

    if (status == GW_OK && loader->last_id != 1)
        status = refuse(loader, "state", 1, "is missing");
    if (status == GW_OK) {
        reserve(loader);
        status = walk(loader,
                      "SELECT id, partition, account, region, name, mode, document, updates, checksum FROM cluster "
                      "ORDER BY id",
                      take_cluster);
    }
    if (status == GW_OK)
        status =
            walk(loader,
                 "SELECT id, cluster_id, principal_arn, access_entry_arn, type, username, kubernetes_groups, tags, "
                 "associations, created_ms, modified_ms, checksum FROM access_entry ORDER BY id",
                 take_entry);
    if (status == GW_OK)
        status = walk(loader,
                      "SELECT id, cluster_id, entry_id, scope, digest, created_ms, reply, checksum FROM token ORDER BY "
                      "id",
                      take_token);
    if (status == GW_OK)
        status = check_counts(loader);
    return status == GW_OK ? fill_listings(loader) : status;
}

static enum gw_status load_all(struct gw_store *store, const struct gw_store_file *file, struct gw_err *err)
{
    struct loader loader = {.store = store, .file = file, .err = err};
    const struct gw_database_state *state = &store->database->state;
    enum gw_status status;

    gw_arena_init(&loader.arena, 0);
    gw_buf_init(&loader.reply, GW_ROWS_TEXT_MAX);
    status = load(&loader);
    gw_arena_fini(&loader.arena);
    gw_buf_fini(&loader.reply);
    free(loader.clusters);
    free(loader.entries);
    store->last_id = state->last_id;
    store->found = (struct gw_store_found){.is_durable = true,
                                           .is_new = state->last_id == 0 && state->head.sequence == 0,
                                           .is_restored = state->is_restored,
                                           .has_unrecorded = state->has_unrecorded,
                                           .head = state->head};
    return status;
}

enum gw_status gw_store_open_sqlite(const struct gw_store_options *options, const struct gw_store_file *file,
                                    struct gw_epoch *epoch, const struct gw_random *random, struct gw_store **store,
                                    struct gw_err *err)
{
    int64_t begun_ms = gw_clock_monotonic_ms(gw_clock_system());
    struct gw_store *made = gw_store_open_memory(options, epoch, random);
    enum gw_status status = gw_database_open(file, &made->counters, &made->database, err);

    if (status == GW_OK)
        status = load_all(made, file, err);
    if (status != GW_OK) {
        gw_store_close(&made);
        return status;
    }
    made->database->is_loaded = true;
    atomic_store(&made->counters.load_ms, (uint64_t)(gw_clock_monotonic_ms(gw_clock_system()) - begun_ms));
    *store = made;
    return GW_OK;
}
