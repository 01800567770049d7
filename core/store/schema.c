/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One text per version: what makes it from the version before. A text that has
 * been released isn't changed any more; a new column is a new text at the end,
 * and one more in GW_SCHEMA_VERSION.
 *
 * SQLite serves as a log by row id: no other index is kept, because uniqueness is
 * the hash tables' business, and random keys would make each commit write all over
 * the file. Views are for people.
 */
#include "store/schema.h"

#include "store/database.h"

static const char *const migrations[] = {
    /* 1 */
    "CREATE TABLE state (" /* one row */
    "  id INTEGER PRIMARY KEY CHECK (id = 1),"
    "  audit_sequence INTEGER NOT NULL," /* the newest audit record that was committed */
    "  audit_hash BLOB NOT NULL,"
    "  last_id INTEGER NOT NULL,"  /* the highest that was given to a row of any table */
    "  clusters INTEGER NOT NULL," /* how many rows there are */
    "  access_entries INTEGER NOT NULL,"
    "  tokens INTEGER NOT NULL,"
    "  restored INTEGER NOT NULL," /* since an audit record was committed: 1 put back from a backup, 2 changed */
    "  checksum INTEGER NOT NULL);"
    "INSERT INTO state VALUES (1, 0, zeroblob(32), 0, 0, 0, 0, 0, -2274428187611125502);"
    "CREATE TABLE cluster ("
    "  id INTEGER PRIMARY KEY,"
    "  partition TEXT NOT NULL,"
    "  account TEXT NOT NULL,"
    "  region TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  mode INTEGER NOT NULL,"
    "  document TEXT NOT NULL," /* JSON, what DescribeCluster gives */
    "  updates TEXT NOT NULL,"  /* JSON, an array of what DescribeUpdate gives, oldest first */
    "  checksum INTEGER NOT NULL);"
    "CREATE TABLE access_entry ("
    "  id INTEGER PRIMARY KEY,"
    "  cluster_id INTEGER NOT NULL,"
    "  principal_arn TEXT NOT NULL,"
    "  access_entry_arn TEXT NOT NULL,"
    "  type TEXT NOT NULL,"
    "  username TEXT NOT NULL,"
    "  kubernetes_groups TEXT NOT NULL," /* JSON, an array of texts */
    "  tags TEXT NOT NULL,"              /* JSON, an object of texts */
    "  associations TEXT NOT NULL,"      /* JSON, an array of objects, by policy */
    "  created_ms INTEGER NOT NULL,"     /* milliseconds since 1970, as all times */
    "  modified_ms INTEGER NOT NULL,"
    "  checksum INTEGER NOT NULL);"
    "CREATE TABLE token ("
    "  id INTEGER PRIMARY KEY,"
    "  cluster_id INTEGER NOT NULL," /* whose it is: either a cluster's, else 0 */
    "  entry_id INTEGER NOT NULL,"   /* or an entry's, else 0 */
    "  scope BLOB NOT NULL,"
    "  digest BLOB NOT NULL,"
    "  created_ms INTEGER NOT NULL,"
    "  reply TEXT NOT NULL,"
    "  checksum INTEGER NOT NULL);"
    "CREATE TABLE snapshot ("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL,"
    "  state TEXT NOT NULL,"
    "  history TEXT NOT NULL,"
    "  checksum INTEGER NOT NULL);"
    "CREATE VIEW entry AS"
    "  SELECT e.id, c.partition, c.account, c.region, c.name AS cluster, e.principal_arn, e.access_entry_arn, e.type,"
    "    e.username, e.kubernetes_groups, e.tags, e.associations,"
    "    strftime('%Y-%m-%dT%H:%M:%fZ', e.created_ms / 1000.0, 'unixepoch') AS created,"
    "    strftime('%Y-%m-%dT%H:%M:%fZ', e.modified_ms / 1000.0, 'unixepoch') AS modified"
    "  FROM access_entry e JOIN cluster c ON c.id = e.cluster_id;"
    "CREATE VIEW tag AS"
    "  SELECT e.id AS entry_id, c.name AS cluster, e.principal_arn, t.key, t.value"
    "  FROM access_entry e JOIN cluster c ON c.id = e.cluster_id, json_each(e.tags) t;"
    "CREATE VIEW association AS"
    "  SELECT e.id AS entry_id, c.name AS cluster, e.principal_arn, json_extract(a.value, '$.policyArn') AS policy_arn,"
    "    json_extract(a.value, '$.namespaces') AS namespaces" /* NULL: in all of them */
    "  FROM access_entry e JOIN cluster c ON c.id = e.cluster_id, json_each(e.associations) a;",
};

_Static_assert(GW_COUNT(migrations) == GW_SCHEMA_VERSION, "a text for each version");

/* The first number of what the SQL gives. */
static int ask_number(sqlite3 *handle, const char *sql, int64_t *number)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);

    if (code != SQLITE_OK)
        return code;
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

enum gw_status gw_schema_check(sqlite3 *handle, const char *path, int *version, struct gw_err *err)
{
    int64_t application = 0;
    int64_t found = 0;
    int64_t objects = 0;
    int code = ask_number(handle, "PRAGMA application_id", &application);

    if (code == SQLITE_OK)
        code = ask_number(handle, "PRAGMA user_version", &found);
    if (code == SQLITE_OK)
        code = ask_number(handle, "SELECT count(*) FROM sqlite_master", &objects);
    if (code != SQLITE_OK)
        return gw_database_fail(handle, path, "read it", code, err);
    if (application == 0 && found == 0 && objects == 0) {
        *version = 0;
        return GW_OK;
    }
    if (application != GW_SCHEMA_APPLICATION || found < 1)
        return gw_fail(err, GW_E_SYNTAX, "%s: is a database of another program; name another file", path);
    if (found > GW_SCHEMA_VERSION)
        return gw_fail(
            err, GW_E_RANGE,
            "%s: was written by a newer eksgate (schema %lld, this one knows %d); use that one, or restore a "
            "backup from before",
            path, (long long)found, GW_SCHEMA_VERSION);
    *version = (int)found;
    return GW_OK;
}

static int apply(sqlite3 *handle, int version)
{
    char text[64];
    int code = SQLITE_OK;

    for (; code == SQLITE_OK && version < GW_SCHEMA_VERSION; version++)
        code = sqlite3_exec(handle, migrations[version], NULL, NULL, NULL);
    (void)sqlite3_snprintf(sizeof(text), text, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                           GW_SCHEMA_APPLICATION, GW_SCHEMA_VERSION);
    return code == SQLITE_OK ? sqlite3_exec(handle, text, NULL, NULL, NULL) : code;
}

enum gw_status gw_schema_migrate(sqlite3 *handle, const char *path, int version, struct gw_err *err)
{
    enum gw_status status;
    int code;

    if (version == GW_SCHEMA_VERSION)
        return GW_OK;
    code = sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = apply(handle, version);
    if (code == SQLITE_OK)
        code = sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        return GW_OK;
    status = gw_database_fail(handle, path, "make its tables", code, err);
    if (sqlite3_get_autocommit(handle) == 0)
        (void)sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    return status;
}
