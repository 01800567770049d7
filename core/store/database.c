/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening goes from what changes nothing to what does: lock, look whose file it is,
 * and only then make it ours (WAL, schema). What a crash left in the log is settled
 * before anything new is written:
 *
 *   1. Its bytes are written once more and synced. After a sync that failed, frames
 *      of the log can stand in the kernel's cache, marked as written, and not on the
 *      disk; SQLite reads and trusts them. New frames behind them would be on the
 *      disk and still be lost with the next power cut, because a log ends for its
 *      reader at the first frame that is not there.
 *   2. quick_check reads the database as the log makes it.
 *   3. A checkpoint brings the log into the database, syncs that, and truncates the
 *      log: nothing old stands in front of what will be new.
 */
#include "store/database.h"

#include <stdlib.h>

#include "base/log.h"
#include "store/schema.h"

#ifndef SQLITE_OPEN_EXRESCODE
#define SQLITE_OPEN_EXRESCODE 0 /* of SQLite 3.37; sqlite3_extended_result_codes does the same, a little later */
#endif
#ifndef SQLITE_OPEN_NOFOLLOW
#define SQLITE_OPEN_NOFOLLOW 0
#endif

/* Bits of state.restored. */
#define RESTORED   1
#define UNRECORDED 2

#define CACHE_KIB  16384
#define COPY_BYTES 65536

#define CHECKPOINT_PAGES 1000 /* of 4 KiB in the log */

static const char *const sqls[GW_DATABASE_SQLS] = {
    [GW_DATABASE_BEGIN] = "BEGIN IMMEDIATE",
    [GW_DATABASE_COMMIT] = "COMMIT",
    [GW_DATABASE_ROLLBACK] = "ROLLBACK",
    [GW_DATABASE_PUT_STATE] =
        "INSERT OR REPLACE INTO state (id, audit_sequence, audit_hash, last_id, clusters, access_entries, tokens, "
        "restored, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [GW_DATABASE_PUT_CLUSTER] =
        "INSERT OR REPLACE INTO cluster (id, partition, account, region, name, mode, document, updates, checksum) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [GW_DATABASE_DELETE_CLUSTER] = "DELETE FROM cluster WHERE id = ?1",
    [GW_DATABASE_PUT_ENTRY] =
        "INSERT OR REPLACE INTO access_entry (id, cluster_id, principal_arn, access_entry_arn, type, username, "
        "kubernetes_groups, tags, associations, created_ms, modified_ms, checksum) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [GW_DATABASE_DELETE_ENTRY] = "DELETE FROM access_entry WHERE id = ?1",
    [GW_DATABASE_PUT_TOKEN] =
        "INSERT OR REPLACE INTO token (id, cluster_id, entry_id, scope, digest, created_ms, reply, checksum) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [GW_DATABASE_DELETE_TOKEN] = "DELETE FROM token WHERE id = ?1",
    [GW_DATABASE_FIND_SNAPSHOT] = "SELECT id FROM snapshot WHERE name = ?1",
    [GW_DATABASE_PUT_SNAPSHOT] =
        "INSERT OR REPLACE INTO snapshot (id, name, state, history, checksum) VALUES (?1, ?2, ?3, ?4, ?5)",
};

/* What a person can do, by SQLite's primary code. */
static const char *advice(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "; another program has locked it: end that one's transaction";
    case SQLITE_FULL:
        return "; make room where it lies";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return "; look whose the file and its folder are, and whether they may be written";
    case SQLITE_IOERR:
        return "; look into the kernel's log for errors of the disk";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "; restore a backup, or name another file";
    default:
        return "";
    }
}

enum gw_status gw_database_fail(sqlite3 *handle, const char *path, const char *what, int code, struct gw_err *err)
{
    const char *words = sqlite3_extended_errcode(handle) == code ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
    int system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN ? sqlite3_system_errno(handle) : 0;
    enum gw_status status = GW_E_IO;

    if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
        status = GW_E_BUSY;
    if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
        status = GW_E_SYNTAX;
    return gw_fail(err, status, "%s: can't %s: %s (SQLite code %d%s%s)%s", path, what, words, code,
                   system == 0 ? "" : ", ", system == 0 ? "" : strerror(system), advice(code));
}

static enum gw_status fail(struct gw_database *database, const char *what, int code, struct gw_err *err)
{
    return gw_database_fail(database->handle, database->path, what, code, err);
}

bool gw_database_read_state(sqlite3_stmt *statement, struct gw_database_state *state)
{
    struct gw_rows_column columns[GW_ROWS_COUNT(GW_ROWS_STATE)];

    if (!gw_rows_read(statement, GW_ROWS_STATE, columns) || columns[0].number != 1 ||
        columns[2].text.length != sizeof(state->head.hash) || columns[7].number > (RESTORED | UNRECORDED))
        return false;
    for (size_t i = 1; i < GW_COUNT(columns); i++) {
        if (columns[i].kind == GW_ROWS_KIND_NUMBER && (columns[i].number < 0 || columns[i].number > GW_ROWS_ID_MAX))
            return false;
    }
    state->head.sequence = (uint64_t)columns[1].number;
    memcpy(state->head.hash, columns[2].text.at, sizeof(state->head.hash));
    state->last_id = (uint64_t)columns[3].number;
    state->clusters = (uint64_t)columns[4].number;
    state->access_entries = (uint64_t)columns[5].number;
    state->tokens = (uint64_t)columns[6].number;
    state->is_restored = (columns[7].number & RESTORED) != 0;
    state->has_unrecorded = (columns[7].number & UNRECORDED) != 0;
    return true;
}

int gw_database_bind_state(sqlite3_stmt *statement, const struct gw_database_state *state)
{
    const struct gw_rows_column columns[GW_ROWS_COUNT(GW_ROWS_STATE)] = {
        {.number = 1},
        {.number = (int64_t)state->head.sequence},
        {.kind = GW_ROWS_KIND_BYTES, .text = {(const char *)state->head.hash, sizeof(state->head.hash)}},
        {.number = (int64_t)state->last_id},
        {.number = (int64_t)state->clusters},
        {.number = (int64_t)state->access_entries},
        {.number = (int64_t)state->tokens},
        {.number = (state->is_restored ? RESTORED : 0) | (state->has_unrecorded ? UNRECORDED : 0)},
    };

    return gw_rows_bind(statement, columns, GW_COUNT(columns));
}

/* Steps through the only row of `select`, changes it, and puts it back. */
static int mark_restored(sqlite3_stmt *select, sqlite3_stmt *put, bool *is_sound)
{
    struct gw_database_state state;
    int code = sqlite3_step(select);

    *is_sound = code == SQLITE_ROW && gw_database_read_state(select, &state);
    if (code == SQLITE_ROW)
        code = sqlite3_reset(select);
    if (!*is_sound || code != SQLITE_OK)
        return code;
    state.is_restored = true;
    code = gw_database_bind_state(put, &state);
    return code == SQLITE_OK ? sqlite3_step(put) : code;
}

enum gw_status gw_database_mark_restored(sqlite3 *handle, const char *path, struct gw_err *err)
{
    sqlite3_stmt *select = NULL;
    sqlite3_stmt *put = NULL;
    bool is_sound = true;
    enum gw_status status = GW_OK;
    int code = sqlite3_prepare_v2(handle, GW_DATABASE_SELECT_STATE, -1, &select, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(handle, sqls[GW_DATABASE_PUT_STATE], -1, &put, NULL);
    if (code == SQLITE_OK)
        code = mark_restored(select, put, &is_sound);
    if (!is_sound && (code == SQLITE_OK || code == SQLITE_DONE))
        status = gw_fail(err, GW_E_SYNTAX, "%s: its state isn't what was written; use another backup", path);
    else if (code != SQLITE_DONE)
        status = gw_database_fail(handle, path, "mark it as restored", code, err);
    (void)sqlite3_finalize(select);
    (void)sqlite3_finalize(put);
    return status;
}

void gw_database_ids_add(struct gw_database_ids *ids, uint64_t id)
{
    if (ids->count == ids->capacity) {
        ids->capacity = ids->capacity == 0 ? 64 : ids->capacity * 2;
        ids->items = gw_realloc(ids->items, ids->capacity * sizeof(*ids->items));
    }
    ids->items[ids->count++] = id;
}

void gw_database_fence(struct gw_database *database, const char *why)
{
    if (atomic_exchange(&database->counters->is_fenced, true))
        return;
    gw_log(GW_LOG_ERROR, "store", "%s; no more changes until a restart has checked the file, reads go on", why);
}

bool gw_database_is_fenced(const struct gw_database *database)
{
    return atomic_load_explicit(&database->counters->is_fenced, memory_order_relaxed);
}

int gw_database_run(struct gw_database *database, enum gw_database_sql sql)
{
    sqlite3_stmt *statement = database->statements[sql];
    int code = sqlite3_step(statement);

    (void)sqlite3_reset(statement);
    return code;
}

static int on_commit(void *ctx, sqlite3 *handle, const char *name, int pages)
{
    struct gw_database *database = ctx;

    (void)handle;
    (void)name;
    atomic_store_explicit(&database->counters->log_pages, (uint64_t)pages, memory_order_relaxed);
    return SQLITE_OK;
}

/* The first column of the first row that the SQL gives, as text. */
static int ask_text(sqlite3 *handle, const char *sql, char *text, size_t size)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);

    if (code != SQLITE_OK)
        return code;
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        (void)sqlite3_snprintf((int)size, text, "%s", sqlite3_column_text(statement, 0));
    (void)sqlite3_finalize(statement);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

int gw_database_harden(sqlite3 *handle, unsigned busy_ms)
{
    static const int switches[][2] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                      {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                                      {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
                                      {SQLITE_DBCONFIG_ENABLE_FKEY, 0}};
    int code = sqlite3_extended_result_codes(handle, 1);

    for (size_t i = 0; code == SQLITE_OK && i < GW_COUNT(switches); i++)
        code = sqlite3_db_config(handle, switches[i][0], switches[i][1], NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(handle, (int)busy_ms);
    return code == SQLITE_OK ? sqlite3_exec(handle,
                                            "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
                                            "PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL",
                                            NULL, NULL, NULL)
                             : code;
}

static int configure(sqlite3 *handle, unsigned busy_ms)
{
    char text[64];
    int code = gw_database_harden(handle, busy_ms);

    (void)sqlite3_snprintf(sizeof(text), text, "PRAGMA page_size = 4096; PRAGMA cache_size = -%d", CACHE_KIB);
    return code == SQLITE_OK ? sqlite3_exec(handle, text, NULL, NULL, NULL) : code;
}

enum gw_status gw_database_connect(const char *path, const struct gw_store_file *file, sqlite3 **handle,
                                   struct gw_err *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(path, handle, flags, file->vfs);

    if (*handle == NULL)
        gw_fatal("out of memory (SQLite)");
    if (code == SQLITE_OK)
        code = configure(*handle, file->busy_ms);
    return code == SQLITE_OK ? GW_OK : gw_database_fail(*handle, path, "open it", code, err);
}

/* True unless the file system promises that a write disturbs no byte beside it; SQLite asks the same. */
static bool pads_log(sqlite3 *handle)
{
    sqlite3_file *file = NULL;

    return sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || file == NULL ||
           file->pMethods == NULL ||
           (file->pMethods->xDeviceCharacteristics(file) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) == 0;
}

static enum gw_status set_wal(struct gw_database *database, struct gw_err *err)
{
    char mode[16] = "";
    int code;

    if (sqlite3_db_readonly(database->handle, "main") != 0)
        return gw_fail(err, GW_E_IO, "%s: may only be read; look whose it is, and whether it may be written",
                       database->path);
    code = ask_text(database->handle, "PRAGMA journal_mode = WAL", mode, sizeof(mode));
    if (code != SQLITE_OK)
        return fail(database, "begin a write-ahead log", code, err);
    if (strcmp(mode, "wal") != 0)
        return gw_fail(err, GW_E_IO, "%s: its file system can't have a write-ahead log (SQLite stays with %s)",
                       database->path, mode);
    (void)sqlite3_wal_hook(database->handle, on_commit, database); /* in the place of automatic checkpoints, too */
    database->pads_log = pads_log(database->handle);
    return GW_OK;
}

static enum gw_status check_quickly(struct gw_database *database, struct gw_err *err)
{
    char words[256] = "";
    int code = ask_text(database->handle, "PRAGMA quick_check(1)", words, sizeof(words));

    if (code != SQLITE_OK)
        return fail(database, "check it", code, err);
    if (strcmp(words, "ok") == 0)
        return GW_OK;
    return gw_fail(err, GW_E_SYNTAX, "%s: is corrupt (%s); restore a backup, or name another file", database->path,
                   words);
}

static int copy_onto_itself(sqlite3_file *file)
{
    unsigned char bytes[COPY_BYTES];
    sqlite3_int64 size = 0;
    int code = file->pMethods->xFileSize(file, &size);

    for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += COPY_BYTES) {
        int length = size - at < COPY_BYTES ? (int)(size - at) : COPY_BYTES;

        code = file->pMethods->xRead(file, bytes, length, at);
        if (code == SQLITE_OK)
            code = file->pMethods->xWrite(file, bytes, length, at);
    }
    return code == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY) : code;
}

/* With SQLite's lock for writers, so that nobody adds to the log meanwhile. */
static enum gw_status rewrite_log(struct gw_database *database, struct gw_err *err)
{
    sqlite3_file *file = NULL;
    enum gw_status status = GW_OK;
    int code = sqlite3_exec(database->handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (code != SQLITE_OK)
        return fail(database, "lock it", code, err);
    code = sqlite3_file_control(database->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    if (code == SQLITE_OK && file != NULL && file->pMethods != NULL)
        code = copy_onto_itself(file);
    if (code != SQLITE_OK)
        status = fail(database, "write its write-ahead log once more", code, err);
    code = sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
    return status == GW_OK && code != SQLITE_OK ? fail(database, "unlock it", code, err) : status;
}

static enum gw_status settle_log(struct gw_database *database, bool was_left, struct gw_err *err)
{
    enum gw_status status = GW_OK;
    int code;

    if (was_left) {
        gw_log(GW_LOG_INFO, "store", "%s: wasn't closed the last time; checking it", database->path);
        status = rewrite_log(database, err);
        if (status == GW_OK)
            status = check_quickly(database, err);
    }
    if (status != GW_OK)
        return status;
    code = sqlite3_wal_checkpoint_v2(database->handle, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if ((code & 0xff) == SQLITE_BUSY) { /* what is in the log is on the disk: it can stay there */
        gw_log(GW_LOG_WARN, "store", "%s: another program reads it; its write-ahead log grows on", database->path);
        return GW_OK;
    }
    return code == SQLITE_OK ? GW_OK : fail(database, "empty its write-ahead log", code, err);
}

static enum gw_status prepare_all(struct gw_database *database, struct gw_err *err)
{
    for (size_t i = 0; i < GW_DATABASE_SQLS; i++) {
        int code = sqlite3_prepare_v3(database->handle, sqls[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &database->statements[i], NULL);

        if (code == SQLITE_ERROR)
            return gw_fail(err, GW_E_SYNTAX, "%s: its tables aren't what they should be (%s); restore a backup",
                           database->path, sqlite3_errmsg(database->handle));
        if (code != SQLITE_OK)
            return fail(database, "read its schema", code, err);
    }
    return GW_OK;
}

static enum gw_status set_up(struct gw_database *database, const struct gw_store_file *file, struct gw_err *err)
{
    bool was_left = gw_files_has_log(database->path);
    enum gw_status status = gw_files_create(database->path, err);
    int version = 0;

    if (status == GW_OK)
        status = gw_database_connect(database->path, file, &database->handle, err);
    if (status == GW_OK)
        status = gw_schema_check(database->handle, database->path, &version, err);
    if (status == GW_OK)
        status = set_wal(database, err);
    if (status == GW_OK)
        status = settle_log(database, was_left, err);
    if (status == GW_OK)
        status = gw_schema_migrate(database->handle, database->path, version, err);
    if (status == GW_OK)
        status = prepare_all(database, err);
    return status == GW_OK ? gw_files_identify(database->path, &database->files, err) : status;
}

enum gw_status gw_database_open(const struct gw_store_file *file, struct gw_store_counters *counters,
                                struct gw_database **database, struct gw_err *err)
{
    struct gw_database *made = gw_alloc_zero(1, sizeof(*made));
    enum gw_status status;

    made->lock = -1;
    made->counters = counters;
    made->busy_ms = file->busy_ms;
    made->checkpoint_pages = CHECKPOINT_PAGES;
    gw_buf_init(&made->text, 4 * GW_ROWS_TEXT_MAX);
    gw_rows_init(&made->rows);
    status = gw_files_resolve(file->path, &made->path, err);
    if (status == GW_OK)
        status = gw_files_lock(made->path, &made->lock, err);
    if (status == GW_OK)
        status = gw_files_check_restored(made->path, err);
    if (status == GW_OK)
        status = set_up(made, file, err);
    if (status == GW_OK)
        *database = made;
    else
        gw_database_close(&made);
    return status;
}

void gw_database_close(struct gw_database **database)
{
    struct gw_database *d = *database;

    if (d == NULL)
        return;
    *database = NULL;
    for (size_t i = 0; i < GW_DATABASE_SQLS; i++)
        (void)sqlite3_finalize(d->statements[i]);
    if (d->handle != NULL && (!d->is_loaded || gw_database_is_fenced(d)))
        (void)sqlite3_db_config(d->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_close(d->handle);
    gw_files_unlock(&d->lock);
    gw_buf_fini(&d->text);
    gw_rows_fini(&d->rows);
    free(d->dropped.items);
    free(d->path);
    free(d);
}
