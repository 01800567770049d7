/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named texts. The store keeps none of them: they are read when somebody asks.
 */
#include "store/load.h"

enum gw_status gw_store_stage_snapshot(struct gw_store *store, const struct gw_store_snapshot *snapshot)
{
    if (store->database == NULL)
        return GW_OK;
    if (store->snapshot.name.at != NULL)
        return GW_E_BUSY;
    store->snapshot = *snapshot;
    return GW_OK;
}

/* The id of the row with that name, a new one when there is none. */
static int find_id(struct gw_store *store, int64_t *id)
{
    sqlite3_stmt *find = store->database->statements[GW_DATABASE_FIND_SNAPSHOT];
    struct gw_str name = store->snapshot.name;
    int code = sqlite3_bind_text64(find, 1, name.at, name.length, SQLITE_STATIC, SQLITE_UTF8);

    if (code == SQLITE_OK)
        code = sqlite3_step(find);
    if (code == SQLITE_ROW)
        *id = sqlite3_column_int64(find, 0);
    (void)sqlite3_reset(find);
    if (code == SQLITE_DONE)
        *id = (int64_t)++store->last_id;
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int gw_engine_write_snapshot(struct gw_store *store)
{
    struct gw_database *database = store->database;
    struct gw_rows_column columns[] = {{.number = 0},
                                       {.kind = GW_ROWS_KIND_TEXT, .text = store->snapshot.name},
                                       {.kind = GW_ROWS_KIND_TEXT, .text = store->snapshot.state},
                                       {.kind = GW_ROWS_KIND_TEXT, .text = store->snapshot.history}};
    int code = find_id(store, &columns[0].number);

    if (code == SQLITE_OK)
        code = gw_rows_bind(database->statements[GW_DATABASE_PUT_SNAPSHOT], columns, GW_COUNT(columns));
    if (code == SQLITE_OK)
        code = gw_database_run(database, GW_DATABASE_PUT_SNAPSHOT);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

enum gw_status gw_store_read_snapshots(struct gw_store *store,
                                       void (*take)(void *ctx, const struct gw_store_snapshot *snapshot), void *ctx,
                                       struct gw_err *err)
{
    struct gw_database *database = store->database;
    struct gw_load_rows rows = {.database = database, .table = "snapshot", .kinds = GW_ROWS_SNAPSHOT, .err = err};
    struct gw_rows_column columns[GW_ROWS_COUNT(GW_ROWS_SNAPSHOT)];
    sqlite3_stmt *statement = NULL;
    enum gw_status status = GW_OK;
    int code;

    if (database == NULL)
        return GW_OK;
    code = sqlite3_prepare_v2(database->handle, "SELECT id, name, state, history, checksum FROM snapshot ORDER BY id",
                              -1, &statement, NULL);
    while (code == SQLITE_OK && status == GW_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        status = gw_load_read(&rows, statement, columns);
        if (status == GW_OK)
            take(ctx, &(const struct gw_store_snapshot){columns[1].text, columns[2].text, columns[3].text});
        code = SQLITE_OK;
    }
    if (status == GW_OK && code != SQLITE_DONE)
        status = gw_database_fail(database->handle, database->path, "read it", code, err);
    (void)sqlite3_finalize(statement);
    return status;
}
