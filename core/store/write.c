/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is staged, as rows of one transaction. All that can meet a lock, a full disk
 * or a bad text is done before the audit is asked to write its records; the COMMIT
 * alone comes after.
 *
 * Tokens that are evicted while a batch is published leave the file with the next
 * transaction: a start drops those that are too many, so that nothing is wrong in
 * between.
 *
 * Whether a COMMIT that failed left nothing behind:
 *
 *   A commit is in the log when its last frame is, whole; before that, and for
 *   every reader that comes later, nothing of it is there. So it certainly isn't
 *   when writing a frame failed (SQLITE_FULL, SQLITE_IOERR_WRITE), when SQLite would
 *   not begin to write (SQLITE_READONLY...), or couldn't get a lock (SQLITE_BUSY...).
 *   Where SQLite pads the log to whole sectors (pads_log), the write that failed may
 *   be one behind the last frame: not certain.
 *   A sync that failed (SQLITE_IOERR_FSYNC, SQLITE_IOERR_DIR_FSYNC) says nothing: the
 *   frames may be on the disk, or come there. Memory for the log's index that can't
 *   be had (SQLITE_IOERR_SHM..., SQLITE_NOMEM) fails behind the sync: the commit is on
 *   the disk, though SQLite says no. Of every other code that isn't in this list it
 *   isn't known where it comes from. All of these are "unknown", and fence the file:
 *   nothing may overwrite those frames before a restart has read them.
 */
#include "base/log.h"
#include "store/engine.h"

#define CASCADE       256
#define HELD          8   /* times checkpoint_pages: a log of that size isn't emptied in passing */
#define HELD_MAX      256 /* the same: no more changes, 1,000 MiB */
#define HELD_WAIT_MS  100
#define PAGES_PER_MIB 256

static int delete_row(struct gw_database *database, enum gw_database_sql sql, uint64_t id, uint64_t *count)
{
    int code = sqlite3_bind_int64(database->statements[sql], 1, (int64_t)id);

    if (code == SQLITE_OK)
        code = gw_database_run(database, sql);
    if (code != SQLITE_DONE)
        return code;
    *count -= (uint64_t)sqlite3_changes(database->handle);
    return SQLITE_OK;
}

static int put_row(struct gw_database *database, enum gw_database_sql sql, const struct gw_rows_column *columns,
                   size_t count)
{
    int code = gw_rows_bind(database->statements[sql], columns, count);

    if (code == SQLITE_OK)
        code = gw_database_run(database, sql);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int put_cluster(struct gw_database *database, const struct gw_staged *one)
{
    const struct gw_cluster *cluster = one->cluster;
    struct gw_rows_column columns[] = {
        {.number = (int64_t)one->cluster_id},
        {.kind = GW_ROWS_KIND_TEXT, .text = cluster->key.partition},
        {.kind = GW_ROWS_KIND_TEXT, .text = cluster->key.account},
        {.kind = GW_ROWS_KIND_TEXT, .text = cluster->key.region},
        {.kind = GW_ROWS_KIND_TEXT, .text = cluster->key.cluster},
        {.number = cluster->mode},
        {.kind = GW_ROWS_KIND_TEXT, .text = cluster->document},
        {.kind = GW_ROWS_KIND_TEXT},
    };

    gw_buf_clear(&database->text);
    gw_rows_encode_objects(cluster->updates, cluster->update_count, &database->text);
    columns[GW_COUNT(columns) - 1].text = gw_buf_str(&database->text);
    database->next.clusters += one->makes_cluster;
    return put_row(database, GW_DATABASE_PUT_CLUSTER, columns, GW_COUNT(columns));
}

/* The lists of an entry as texts; false when the reader wouldn't take them. */
static bool encode_lists(struct gw_database *database, const struct gw_access_entry *entry, struct gw_rows_lists *lists)
{
    struct gw_buf *text = &database->text;
    struct gw_access_entry again;
    size_t groups;
    size_t tags;

    gw_buf_clear(text);
    gw_rows_encode_texts(entry->groups, entry->group_count, text);
    groups = text->length;
    gw_rows_encode_pairs(entry->tags, entry->tag_count, text);
    tags = text->length;
    gw_rows_encode_associations(entry->associations, entry->association_count, text);
    lists->groups = (struct gw_str){text->at, groups};
    lists->tags = (struct gw_str){text->at + groups, tags - groups};
    lists->associations = (struct gw_str){text->at + tags, text->length - tags};
    return !text->overflowed && gw_rows_parse_lists(&database->rows, lists, &again) == NULL;
}

static int put_entry(struct gw_database *database, const struct gw_staged *one)
{
    const struct gw_access_entry *entry = one->entry;
    struct gw_rows_lists lists;

    if (!gw_rows_is_ms(entry->created_ms) || !gw_rows_is_ms(entry->modified_ms) ||
        !encode_lists(database, entry, &lists))
        return SQLITE_MISMATCH;
    database->next.access_entries += one->makes_entry;
    return put_row(database, GW_DATABASE_PUT_ENTRY,
                   (const struct gw_rows_column[]){{.number = (int64_t)one->entry_id},
                                                   {.number = (int64_t)one->cluster_id},
                                                   {.kind = GW_ROWS_KIND_TEXT, .text = entry->key.principal},
                                                   {.kind = GW_ROWS_KIND_TEXT, .text = entry->arn},
                                                   {.kind = GW_ROWS_KIND_TEXT, .text = entry->type},
                                                   {.kind = GW_ROWS_KIND_TEXT, .text = entry->username},
                                                   {.kind = GW_ROWS_KIND_TEXT, .text = lists.groups},
                                                   {.kind = GW_ROWS_KIND_TEXT, .text = lists.tags},
                                                   {.kind = GW_ROWS_KIND_TEXT, .text = lists.associations},
                                                   {.number = entry->created_ms},
                                                   {.number = entry->modified_ms}},
                   GW_ROWS_COUNT(GW_ROWS_ENTRY));
}

static int put_token(struct gw_database *database, const struct gw_staged *one)
{
    const struct gw_store_token *token = one->token;

    if (!gw_rows_is_ms(token->created_ms))
        return SQLITE_MISMATCH;
    database->next.tokens++;
    return put_row(database, GW_DATABASE_PUT_TOKEN,
                   (const struct gw_rows_column[]){
                       {.number = (int64_t)gw_stored_token(token)->id},
                       {.number = one->is_clusters_token ? (int64_t)one->cluster_id : 0},
                       {.number = one->is_clusters_token ? 0 : (int64_t)one->entry_id},
                       {.kind = GW_ROWS_KIND_BYTES, .text = {(const char *)token->scope, sizeof(token->scope)}},
                       {.kind = GW_ROWS_KIND_BYTES, .text = {(const char *)token->digest, sizeof(token->digest)}},
                       {.number = token->created_ms},
                       {.kind = GW_ROWS_KIND_TEXT, .text = token->reply}},
                   GW_ROWS_COUNT(GW_ROWS_TOKEN));
}

static int delete_entry(struct gw_database *database, uint64_t id)
{
    return delete_row(database, GW_DATABASE_DELETE_ENTRY, id, &database->next.access_entries);
}

/* The entries that a cluster's delete takes along: those that readers see, and those that the batch put before it. */
static int delete_entries(struct gw_store *store, size_t staged, const struct gw_cluster_node *node)
{
    struct gw_str principals[CASCADE];
    struct gw_store_page page = {.max = CASCADE, .items = principals};
    int code = SQLITE_OK;

    do {
        size_t count = gw_listing_page(&node->entries, &page);

        for (size_t i = 0; code == SQLITE_OK && i < count; i++) {
            struct gw_store_key key = node->key;
            const struct gw_access_entry *entry;

            key.principal = principals[i];
            entry = gw_table_find(&store->entries, gw_engine_hash_entry(store, &key), &key);
            code = delete_entry(store->database, gw_stored_entry(entry)->id);
        }
        if (count > 0)
            page.after = principals[count - 1];
    } while (code == SQLITE_OK && page.more);
    for (size_t i = 0; code == SQLITE_OK && i < staged; i++) {
        if (store->staged[i].node == node && store->staged[i].entry_act == GW_STORE_PUT)
            code = delete_entry(store->database, store->staged[i].entry_id);
    }
    return code;
}

/* In the order of apply.c. */
static int write_change(struct gw_store *store, size_t at)
{
    struct gw_database *database = store->database;
    const struct gw_staged *one = &store->staged[at];
    int code = SQLITE_OK;

    if (one->cluster_act == GW_STORE_DELETE) {
        code = delete_entries(store, at, one->node);
        return code == SQLITE_OK
                   ? delete_row(database, GW_DATABASE_DELETE_CLUSTER, one->cluster_id, &database->next.clusters)
                   : code;
    }
    if (one->cluster_act == GW_STORE_PUT)
        code = put_cluster(database, one);
    if (code == SQLITE_OK && one->entry_act == GW_STORE_PUT)
        code = put_entry(database, one);
    if (code == SQLITE_OK && one->entry_act == GW_STORE_DELETE)
        code = delete_entry(database, one->entry_id);
    if (code == SQLITE_OK && one->token != NULL && gw_engine_keeps_tokens(store))
        code = put_token(database, one);
    return code;
}

static int write_all(struct gw_store *store, const struct gw_chain_head *head)
{
    struct gw_database *database = store->database;
    sqlite3_stmt *put = database->statements[GW_DATABASE_PUT_STATE];
    int code = SQLITE_OK;

    database->next = database->state;
    if (head != NULL) {
        database->next.head = *head;
        database->next.is_restored = database->next.has_unrecorded = false;
    } else if (store->staged_count > 0) {
        database->next.has_unrecorded = true;
    }
    for (size_t i = 0; code == SQLITE_OK && i < store->staged_count; i++)
        code = write_change(store, i);
    for (size_t i = 0; code == SQLITE_OK && i < database->dropped.count; i++)
        code = delete_row(database, GW_DATABASE_DELETE_TOKEN, database->dropped.items[i], &database->next.tokens);
    database->dropped_written = database->dropped.count;
    if (code == SQLITE_OK && store->snapshot.name.at != NULL)
        code = gw_engine_write_snapshot(store);
    if (code != SQLITE_OK)
        return code;
    database->next.last_id = store->last_id;
    code = gw_database_bind_state(put, &database->next);
    if (code == SQLITE_OK)
        code = gw_database_run(database, GW_DATABASE_PUT_STATE);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Ends a transaction that came to nothing. */
static void roll_back(struct gw_database *database)
{
    struct gw_err why;
    int code;

    database->is_prepared = false;
    if (sqlite3_get_autocommit(database->handle) != 0)
        return; /* SQLite has done it by itself */
    code = gw_database_run(database, GW_DATABASE_ROLLBACK);
    if (sqlite3_get_autocommit(database->handle) != 0)
        return;
    (void)gw_database_fail(database->handle, database->path, "end a transaction", code, &why);
    gw_database_fence(database, why.text);
}

/* What the file can't be trusted after. */
static bool is_untrustworthy(int code)
{
    return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC || (code & 0xff) == SQLITE_CORRUPT ||
           (code & 0xff) == SQLITE_NOTADB;
}

/* Whatever `code` says, nothing of the transaction is in the file. */
static enum gw_status fail_definitely(struct gw_database *database, const char *what, int code, struct gw_err *err)
{
    struct gw_err why;
    enum gw_status status;

    if (code == SQLITE_MISMATCH)
        (void)gw_fail(&why, GW_E_IO,
                      "%s: a change has what can't be kept in a file: a text that isn't UTF-8, or an "
                      "instant out of range",
                      database->path);
    status = code == SQLITE_MISMATCH ? GW_E_IO : gw_database_fail(database->handle, database->path, what, code, &why);
    if (is_untrustworthy(code))
        gw_database_fence(database, why.text);
    (void)gw_fail(err, status, "%s", why.text);
    return status == GW_E_BUSY ? GW_E_BUSY : GW_E_IO;
}

static bool is_full(const struct gw_database *database, uint64_t pages)
{
    return pages > HELD_MAX * database->checkpoint_pages;
}

/* Refuses before anything is begun. */
static enum gw_status check_ready(struct gw_database *database, struct gw_err *err)
{
    uint64_t pages = atomic_load_explicit(&database->counters->log_pages, memory_order_relaxed);
    struct gw_err why;

    if (gw_files_identify(database->path, &database->files, &why) != GW_OK)
        gw_database_fence(database, why.text);
    if (gw_database_is_fenced(database))
        return gw_fail(err, GW_E_IO,
                       "%s: takes no changes since it failed (the log says how); restart eksgate to have "
                       "it checked",
                       database->path);
    if (is_full(database, pages))
        return gw_fail(err, GW_E_BUSY,
                       "%s: its write-ahead log has %llu MiB, because another program reads the file "
                       "without an end; end that one",
                       database->path, (unsigned long long)(pages / PAGES_PER_MIB));
    return GW_OK;
}

static enum gw_status prepare(struct gw_store *store, const struct gw_chain_head *head, struct gw_err *err)
{
    struct gw_database *database = store->database;
    enum gw_status status = check_ready(database, err);
    int code;

    if (status != GW_OK)
        return status;
    code = gw_database_run(database, GW_DATABASE_BEGIN);
    if (code == SQLITE_DONE)
        code = write_all(store, head);
    if (code == SQLITE_OK) {
        database->is_prepared = true;
        return GW_OK;
    }
    status = fail_definitely(database, "write to it", code, err);
    roll_back(database);
    return status;
}

enum gw_status gw_store_prepare(struct gw_store *store, const struct gw_chain_head *head, struct gw_err *err)
{
    enum gw_status status;

    if (store->database == NULL || store->database->is_prepared ||
        (store->staged_count == 0 && store->snapshot.name.at == NULL && head == NULL))
        return GW_OK;
    status = prepare(store, head, err);
    if (status != GW_OK)
        gw_engine_drop_staged(store);
    return status;
}

static bool is_definite(const struct gw_database *database, int code)
{
    if (code == SQLITE_FULL || code == SQLITE_IOERR_WRITE)
        return !database->pads_log;
    return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_READONLY;
}

static enum gw_status fail_commit(struct gw_database *database, int code, struct gw_err *err)
{
    enum gw_status status = GW_E_UNKNOWN;

    if (is_definite(database, code)) {
        status = fail_definitely(database, "commit to it", code, err);
    } else {
        struct gw_err why;

        (void)gw_database_fail(database->handle, database->path, "tell whether a commit is in it", code, &why);
        (void)gw_fail(err, status, "%s", why.text);
        gw_database_fence(database, why.text);
    }
    roll_back(database);
    return status;
}

static enum gw_status commit(struct gw_database *database, struct gw_err *err)
{
    struct gw_database_ids *dropped = &database->dropped;
    int code = gw_database_run(database, GW_DATABASE_COMMIT);

    if (code != SQLITE_DONE)
        return fail_commit(database, code, err);
    database->is_prepared = false;
    database->state = database->next;
    dropped->count -= database->dropped_written;
    (void)atomic_fetch_add_explicit(&database->counters->transactions, 1, memory_order_relaxed);
    return GW_OK;
}

enum gw_status gw_store_commit(struct gw_store *store, struct gw_err *err)
{
    enum gw_status status = gw_store_prepare(store, NULL, err);

    if (status == GW_OK && store->database != NULL && store->database->is_prepared)
        status = commit(store->database, err);
    if (status == GW_OK)
        gw_engine_publish(store);
    else
        gw_engine_drop_staged(store);
    return status;
}

void gw_store_rollback(struct gw_store *store)
{
    if (store->database != NULL && store->database->is_prepared)
        roll_back(store->database);
    gw_engine_drop_staged(store);
}

/* A log that doesn't begin anew by itself: waits a moment for its readers. One that is full is tried again and again.
 */
static int empty_log(struct gw_database *database, uint64_t pages)
{
    int code;

    (void)sqlite3_busy_timeout(database->handle, is_full(database, pages) ? 0 : HELD_WAIT_MS);
    code = sqlite3_wal_checkpoint_v2(database->handle, "main", SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    (void)sqlite3_busy_timeout(database->handle, (int)database->busy_ms);
    if (code == SQLITE_OK)
        atomic_store_explicit(&database->counters->log_pages, 0, memory_order_relaxed);
    return code;
}

static void tell_held(struct gw_database *database, uint64_t pages, const struct gw_err *why)
{
    if (pages < database->tell_at)
        return;
    gw_log(GW_LOG_WARN, "store", "%s; the log has %llu MiB, changes are refused past %llu", why->text,
           (unsigned long long)(pages / PAGES_PER_MIB),
           (unsigned long long)(HELD_MAX * database->checkpoint_pages / PAGES_PER_MIB));
    database->tell_at = pages * 2;
}

/* Whether a log that wasn't waited for begins anew is seen by the pages that the next commit finds in it. */
static void checkpoint(struct gw_database *database, uint64_t pages)
{
    struct gw_err why;
    int code = pages < HELD * database->checkpoint_pages
                   ? sqlite3_wal_checkpoint_v2(database->handle, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL)
                   : empty_log(database, pages);

    (void)atomic_fetch_add_explicit(&database->counters->checkpoints, 1, memory_order_relaxed);
    database->checkpoint_at = pages + database->checkpoint_pages;
    if (code == SQLITE_OK)
        return;
    (void)gw_database_fail(database->handle, database->path, "bring its write-ahead log into it", code, &why);
    if (is_untrustworthy(code))
        gw_database_fence(database, why.text);
    else
        tell_held(database, pages, &why);
}

void gw_store_tend(struct gw_store *store)
{
    struct gw_database *database = store->database;
    uint64_t pages;

    if (database == NULL || database->is_prepared || gw_database_is_fenced(database))
        return;
    pages = atomic_load_explicit(&database->counters->log_pages, memory_order_relaxed);
    if (pages < database->last_pages || database->checkpoint_at == 0) { /* it has begun anew */
        database->checkpoint_at = database->checkpoint_pages;
        database->tell_at = database->checkpoint_pages;
    }
    database->last_pages = pages;
    if (pages >= database->checkpoint_at || is_full(database, pages))
        checkpoint(database, pages);
}
