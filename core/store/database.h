/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_DATABASE_H
#define GW_STORE_DATABASE_H

/*
 * The connection to the durable engine's file; for core/store only.
 *
 *   files.c      the lock, the file's mode, the log's bytes
 *   schema.c     whose file it is, its tables, migrations
 *   database.c   the connection and its statements, SQLite's codes as ours
 *   load*.c      read the file into the tables
 *   write.c      writes what is staged into it
 *   rows.c       lists as JSON text, checksums
 *   copy.c       whole copies; backup.c and restore.c make them and put them back
 *
 * README.md has the order of things and their reasons.
 */

#include <sqlite3.h>

#include "store/files.h"
#include "store/rows.h"
#include "store/store.h"

enum gw_database_sql {
    GW_DATABASE_BEGIN,
    GW_DATABASE_COMMIT,
    GW_DATABASE_ROLLBACK,
    GW_DATABASE_PUT_STATE,
    GW_DATABASE_PUT_CLUSTER,
    GW_DATABASE_DELETE_CLUSTER,
    GW_DATABASE_PUT_ENTRY,
    GW_DATABASE_DELETE_ENTRY,
    GW_DATABASE_PUT_TOKEN,
    GW_DATABASE_DELETE_TOKEN,
    GW_DATABASE_FIND_SNAPSHOT,
    GW_DATABASE_PUT_SNAPSHOT,
    GW_DATABASE_SQLS,
};

/* The one row of the table `state`. */
struct gw_database_state {
    struct gw_chain_head head;
    uint64_t last_id;
    uint64_t clusters; /* rows of the tables */
    uint64_t access_entries;
    uint64_t tokens;
    bool is_restored;
    bool has_unrecorded; /* changes were committed without a head since `head` was */
};
#define GW_DATABASE_SELECT_STATE                                                                                       \
    "SELECT id, audit_sequence, audit_hash, last_id, clusters, access_entries, tokens, restored, checksum FROM state"
#define GW_DATABASE_SELECT_CLUSTERS                                                                                    \
    "SELECT id, partition, account, region, name, mode, document, updates, checksum FROM cluster"
#define GW_DATABASE_SELECT_ENTRIES                                                                                     \
    "SELECT id, cluster_id, principal_arn, access_entry_arn, type, username, kubernetes_groups, tags, associations, "  \
    "created_ms, modified_ms, checksum FROM access_entry"
#define GW_DATABASE_SELECT_TOKENS                                                                                      \
    "SELECT id, cluster_id, entry_id, scope, digest, created_ms, reply, checksum FROM token"
/* Reads a row of the first SELECT; false when it isn't as it was written. */
GW_NODISCARD bool gw_database_read_state(sqlite3_stmt *statement, struct gw_database_state *state);
/* Binds the row to the statement that puts it; `state` must last until that was stepped. Gives SQLite's code. */
GW_NODISCARD int gw_database_bind_state(sqlite3_stmt *statement, const struct gw_database_state *state);

/* In a file that no store has open: the next start will find that it is restored from a backup. GW_E_SYNTAX: it is no
 * store of this schema; GW_E_BUSY, GW_E_IO. */
GW_NODISCARD enum gw_status gw_database_mark_restored(sqlite3 *handle, const char *path, struct gw_err *err);

/* Row ids. */
struct gw_database_ids {
    uint64_t *items;
    size_t count;
    size_t capacity;
};
void gw_database_ids_add(struct gw_database_ids *ids, uint64_t id);

struct gw_database {
    sqlite3 *handle;
    char *path;
    int lock;
    struct gw_files files;
    sqlite3_stmt *statements[GW_DATABASE_SQLS];
    struct gw_database_state state;     /* committed */
    struct gw_database_state next;      /* of the transaction that is open */
    struct gw_database_ids dropped;     /* tokens that have left the tables and are still in the file */
    size_t dropped_written;             /* of them, deleted by the open transaction */
    bool is_loaded;                     /* all of the file is good */
    bool is_prepared;                   /* a transaction is open */
    bool pads_log;                      /* SQLite may write to the log behind a commit */
    struct gw_buf text;                 /* lists of the row that is written */
    struct gw_rows rows;                /* they are read back here */
    struct gw_store_counters *counters; /* the store's */
    unsigned busy_ms;
    uint64_t checkpoint_pages; /* by which the log may grow until a checkpoint */
    uint64_t last_pages;       /* in the log when it was looked at */
    uint64_t checkpoint_at;    /* pages in the log at which the next checkpoint is due */
    uint64_t tell_at;          /* pages at which a person is told that the log grows */
};

/* new: locks the file, opens or creates it, brings it to this schema, empties its log. `counters` outlives it. As
 * gw_store_open_sqlite. */
GW_NODISCARD enum gw_status gw_database_open(const struct gw_store_file *file, struct gw_store_counters *counters,
                                             struct gw_database **database, struct gw_err *err);
/* Opens the file, which is there, as all connections of the store are: for one thread. The caller closes `*handle`,
 * also where this failed. As gw_database_fail. */
GW_NODISCARD enum gw_status gw_database_connect(const char *path, const struct gw_store_file *file, sqlite3 **handle,
                                                struct gw_err *err);

/* No more changes until a restart has checked the file; said in the log, once. `why` names the file. */
void gw_database_fence(struct gw_database *database, const char *why);
bool gw_database_is_fenced(const struct gw_database *database);

/* What holds for every connection, whatever is in its file: triggers and views that somebody else has made run no code
 * here. Gives SQLite's code. */
GW_NODISCARD int gw_database_harden(sqlite3 *handle, unsigned busy_ms);

/* One that is fenced, or wasn't loaded, leaves its log for the next start to look at. */
void gw_database_close(struct gw_database **database);

/* Says in err that `what` failed: the path, SQLite's words, the operating system's, what to do. Gives GW_E_BUSY (locked
 * by others), GW_E_SYNTAX (corrupt, or no database), GW_E_IO. */
enum gw_status gw_database_fail(sqlite3 *handle, const char *path, const char *what, int code, struct gw_err *err);

/* Steps the statement once, with what was bound to it, and resets it. Gives SQLite's code, SQLITE_DONE when all is
 * well.
 */
int gw_database_run(struct gw_database *database, enum gw_database_sql sql);

#endif
