/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the file into the tables: clusters, then their entries, then tokens, each by
 * row id, and the listings.
 *
 * Two things are no error, because the file may be so between two transactions: a
 * token whose owner is gone, and more tokens than the options allow. They are
 * dropped, and leave the file with the next transaction.
 */
#include "store/load.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "codec/json_walk.h"

#define MODE_MAX 2 /* of enum gw_eks_auth_mode */

enum gw_status gw_load_refuse(const struct gw_load_rows *rows, int64_t id, const char *why)
{
    return gw_fail(rows->err, GW_E_SYNTAX, "%s: %s %lld: %s; restore a backup, or name another file",
                   rows->database->path, rows->table, (long long)id, why);
}

enum gw_status gw_load_read(struct gw_load_rows *rows, sqlite3_stmt *statement, struct gw_rows_column *columns)
{
    int64_t id = sqlite3_column_int64(statement, 0);

    if (!gw_rows_read(statement, rows->kinds, columns))
        return gw_load_refuse(rows, id, "isn't what was written: a type, a text or the checksum is wrong");
    if (id <= rows->last_id || id > (int64_t)rows->database->state.last_id)
        return gw_load_refuse(rows, id, "has a number that was never given");
    rows->last_id = id;
    return GW_OK;
}

/* Gives each row of the SELECT to `take`. */
static enum gw_status walk(struct gw_load *load, struct gw_load_rows *rows, const char *sql,
                           enum gw_status (*take)(struct gw_load *load, struct gw_load_rows *rows,
                                                  sqlite3_stmt *statement))
{
    struct gw_database *database = load->store->database;
    sqlite3_stmt *statement = NULL;
    enum gw_status status = GW_OK;
    int code = sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL);

    if (code == SQLITE_OK) {
        while (status == GW_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
            status = take(load, rows, statement);
    }
    if (status == GW_OK && code != SQLITE_DONE)
        status = gw_database_fail(database->handle, database->path, "read it", code, rows->err);
    (void)sqlite3_finalize(statement);
    return status;
}

static enum gw_status take_state(struct gw_load *load, struct gw_load_rows *rows, sqlite3_stmt *statement)
{
    if (!gw_database_read_state(statement, &load->store->database->state))
        return gw_load_refuse(rows, 1, "isn't what was written");
    rows->last_id = 1;
    return GW_OK;
}

static enum gw_status load_state(struct gw_load *load, struct gw_err *err)
{
    struct gw_load_rows rows = {.database = load->store->database, .table = "state", .err = err};
    enum gw_status status = walk(load, &rows, GW_DATABASE_SELECT_STATE, take_state);

    return status == GW_OK && rows.last_id != 1 ? gw_load_refuse(&rows, 1, "is missing") : status;
}

bool gw_load_is_key_text(struct gw_str text)
{
    return text.length > 0 && text.length <= GW_ROWS_KEY_MAX;
}

static bool is_object(struct gw_arena *arena, struct gw_str text)
{
    struct gw_json value;
    struct gw_err ignored;

    return gw_json_parse(text, arena, &value, &ignored) == GW_OK && value.type == GW_JSON_OBJECT;
}

/* arena: the objects of an array, one text each. */
static bool split_updates(struct gw_arena *arena, struct gw_cluster *cluster, struct gw_str text)
{
    struct gw_str *updates = gw_arena_alloc(arena, (text.length / 2 + 1) * sizeof(*updates)); /* {} at least */
    struct gw_json_walk walk_of_all;
    struct gw_json_item item;
    struct gw_err ignored;
    enum gw_status status = gw_json_walk_begin(&walk_of_all, text, GW_JSON_ARRAY, &ignored);

    cluster->updates = updates;
    if (status != GW_OK)
        return false;
    while ((status = gw_json_walk_next(&walk_of_all, arena, &item, &ignored)) == GW_OK) {
        if (!is_object(arena, item.text))
            return false;
        updates[cluster->update_count++] = item.text;
    }
    return status == GW_E_MISSING;
}

/* NULL, or what is wrong with the columns. arena: the updates. */
static const char *read_cluster(const struct gw_rows_column *columns, struct gw_arena *arena, struct gw_cluster *from)
{
    from->key = (struct gw_store_key){.partition = columns[1].text,
                                      .account = columns[2].text,
                                      .region = columns[3].text,
                                      .cluster = columns[4].text};
    from->mode = (unsigned)columns[5].number;
    from->document = columns[6].text;
    for (size_t i = 1; i <= 4; i++) {
        if (!gw_load_is_key_text(columns[i].text))
            return "has an empty or endless name";
    }
    if (columns[5].number < 0 || columns[5].number > MODE_MAX)
        return "mode: there is no such";
    if (!is_object(arena, from->document))
        return "document: must be a JSON object";
    if (!split_updates(arena, from, columns[7].text))
        return "updates: must be a JSON array of objects";
    return NULL;
}

static enum gw_status keep_cluster(struct gw_load *load, const struct gw_load_rows *rows, int64_t id,
                                   const struct gw_cluster *from)
{
    struct gw_store *store = load->store;
    struct gw_cluster_node *node = gw_engine_enter_node(store, &from->key);
    struct gw_cluster *cluster;

    if (atomic_load(&node->record) != NULL)
        return gw_load_refuse(rows, id, "is there twice");
    cluster = gw_cluster_new(from);
    gw_stored_cluster(cluster)->id = cluster->version = (uint64_t)id;
    gw_engine_add_cluster(store, node, cluster);
    if (load->cluster_count == load->cluster_capacity) {
        load->cluster_capacity = load->cluster_capacity == 0 ? 64 : load->cluster_capacity * 2;
        load->clusters = gw_realloc(load->clusters, load->cluster_capacity * sizeof(*load->clusters));
    }
    load->clusters[load->cluster_count++] = (struct gw_load_cluster){.id = (uint64_t)id, .node = node};
    return GW_OK;
}

static enum gw_status take_cluster(struct gw_load *load, struct gw_load_rows *rows, sqlite3_stmt *statement)
{
    struct gw_rows_column columns[GW_ROWS_COUNT(GW_ROWS_CLUSTER)];
    struct gw_cluster from = {.version = 0};
    enum gw_status status = gw_load_read(rows, statement, columns);
    struct gw_arena arena;
    const char *wrong;

    if (status != GW_OK)
        return status;
    gw_arena_init(&arena, 0);
    wrong = read_cluster(columns, &arena, &from);
    status = wrong == NULL ? keep_cluster(load, rows, columns[0].number, &from)
                           : gw_load_refuse(rows, columns[0].number, wrong);
    gw_arena_fini(&arena);
    return status;
}

size_t gw_load_find_cluster(const struct gw_load *load, int64_t id)
{
    size_t low = 0;
    size_t high = load->cluster_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (load->clusters[middle].id < (uint64_t)id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < load->cluster_count && load->clusters[low].id == (uint64_t)id ? low : load->cluster_count;
}

static struct gw_access_entry *find_entry(const struct gw_load *load, int64_t id)
{
    size_t low = 0;
    size_t high = load->entry_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (load->entries[middle].id < (uint64_t)id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < load->entry_count && load->entries[low].id == (uint64_t)id ? load->entries[low].entry : NULL;
}

/* The tokens of the owner that the row names, NULL when it is gone. */
static struct gw_link *find_owner(const struct gw_load *load, int64_t cluster_id, int64_t entry_id,
                                  const struct gw_access_entry **entry)
{
    size_t cluster = load->cluster_count;

    *entry = entry_id > 0 ? find_entry(load, entry_id) : NULL;
    if (*entry != NULL)
        return &gw_stored_entry(*entry)->tokens;
    if (cluster_id > 0)
        cluster = gw_load_find_cluster(load, cluster_id);
    return cluster == load->cluster_count
               ? NULL
               : &gw_stored_cluster(atomic_load(&load->clusters[cluster].node->record))->tokens;
}

static enum gw_status take_token(struct gw_load *load, struct gw_load_rows *rows, sqlite3_stmt *statement)
{
    struct gw_rows_column columns[GW_ROWS_COUNT(GW_ROWS_TOKEN)];
    struct gw_store *store = load->store;
    struct gw_store_token from = {.created_ms = 0};
    const struct gw_access_entry *entry;
    struct gw_store_token *token;
    struct gw_link *owner;
    enum gw_status status = gw_load_read(rows, statement, columns);

    if (status != GW_OK)
        return status;
    if (columns[3].text.length != GW_STORE_DIGEST || columns[4].text.length != GW_STORE_DIGEST ||
        !gw_rows_is_ms(columns[5].number) || columns[1].number < 0 || columns[2].number < 0 ||
        (columns[1].number == 0) == (columns[2].number == 0))
        return gw_load_refuse(rows, columns[0].number, "has a digest, a time or an owner that can't be");
    load->token_count++;
    owner = find_owner(load, columns[1].number, columns[2].number, &entry);
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

static enum gw_status check_counts(const struct gw_load *load, struct gw_err *err)
{
    const struct gw_database_state *state = &load->store->database->state;

    if (load->cluster_count != state->clusters || load->entry_count != state->access_entries ||
        load->token_count != state->tokens)
        return gw_fail(
            err, GW_E_SYNTAX,
            "%s: rows are missing or too many: %zu clusters, %zu access entries and %llu tokens of %llu, %llu "
            "and %llu; restore a backup, or name another file",
            load->store->database->path, load->cluster_count, load->entry_count, (unsigned long long)load->token_count,
            (unsigned long long)state->clusters, (unsigned long long)state->access_entries,
            (unsigned long long)state->tokens);
    return GW_OK;
}

/* Listings, on a thread of their own beside the rest. */
struct listing_job {
    const struct gw_load *load;
    enum gw_status status;
    struct gw_err err;
};

static void *run_listings(void *ctx)
{
    struct listing_job *job = ctx;

    job->status = gw_load_listings(job->load, &job->err);
    return NULL;
}

static enum gw_status load_tokens(struct gw_load *load, struct gw_err *err)
{
    struct gw_load_rows rows = {
        .database = load->store->database, .table = "token", .kinds = GW_ROWS_TOKEN, .err = err};

    return walk(load, &rows, GW_DATABASE_SELECT_TOKENS " ORDER BY id", take_token);
}

/* What comes when the entries are there. */
static enum gw_status finish(struct gw_load *load, struct gw_err *err)
{
    struct listing_job job = {.load = load};
    bool is_beside = gw_load_workers(load->entry_count) > 1;
    enum gw_status status;
    pthread_t thread;

    if (is_beside)
        is_beside = pthread_create(&thread, NULL, run_listings, &job) == 0;
    gw_load_fill_arns(load);
    status = load_tokens(load, err);
    if (is_beside)
        (void)pthread_join(thread, NULL);
    else if (status == GW_OK)
        (void)run_listings(&job);
    if (status == GW_OK && job.status != GW_OK)
        status = gw_fail(err, job.status, "%s", job.err.text);
    return status == GW_OK ? check_counts(load, err) : status;
}

static enum gw_status load_rows(struct gw_load *load, struct gw_err *err)
{
    struct gw_load_rows clusters = {
        .database = load->store->database, .table = "cluster", .kinds = GW_ROWS_CLUSTER, .err = err};
    enum gw_status status = load_state(load, err);

    if (status == GW_OK)
        status = walk(load, &clusters, GW_DATABASE_SELECT_CLUSTERS " ORDER BY id", take_cluster);
    if (status == GW_OK)
        status = gw_load_entries(load, err);
    if (status == GW_OK)
        status = gw_load_fill_keys(load, err);
    return status == GW_OK ? finish(load, err) : status;
}

static enum gw_status load_all(struct gw_store *store, const struct gw_store_file *file, struct gw_err *err)
{
    struct gw_load load = {.store = store, .file = file};
    const struct gw_database_state *state = &store->database->state;
    enum gw_status status = load_rows(&load, err);

    free(load.clusters);
    free(load.entries);
#ifdef __GLIBC__
    (void)malloc_trim(0); /* what reading took beside the entries */
#endif
    store->last_id = state->last_id;
    store->last_version = gw_load_version(store);
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
