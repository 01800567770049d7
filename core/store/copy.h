/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_COPY_H
#define GW_STORE_COPY_H

/*
 * Whole copies of the database, for core/store only: what backup.c and restore.c
 * have in common.
 */

#include <sys/types.h>

#include "store/backup.h"
#include "store/database.h"

/* new: a connection that only reads, also beside a running gateway. The caller closes it. GW_E_MISSING: there is no
 * such file; GW_E_SYNTAX, GW_E_RANGE: none of eksgate's, or a newer one's; GW_E_BUSY, GW_E_IO. */
GW_NODISCARD enum gw_status gw_copy_open(const struct gw_backup_source *source, sqlite3 **handle, struct gw_err *err);

/* Reads everything: SQLite's own structure, the checksum of each row, how many there are. GW_E_SYNTAX: something isn't
 * what was written; GW_E_BUSY, GW_E_IO. */
GW_NODISCARD enum gw_status gw_copy_check(sqlite3 *handle, const char *path, struct gw_database_state *state,
                                          struct gw_err *err);

/* The one row of the table `state`. GW_E_SYNTAX, GW_E_BUSY, GW_E_IO. */
GW_NODISCARD enum gw_status gw_copy_read_state(sqlite3 *handle, const char *path, struct gw_database_state *state,
                                               struct gw_err *err);

/* Writes what `from` sees at one moment into the new file `to` (mode 0600), brings that to this schema, marks it as
 * restored if wanted, checks it, and syncs it; its name isn't durable yet. On failure there is no `to`. GW_E_DUPLICATE:
 * there was one before. */
struct gw_copy_owner {
    uid_t user;
    gid_t group;
};
struct gw_copy {
    sqlite3 *from;
    const char *from_path;
    const char *to;
    const char *vfs;
    bool mark_restored;
    const struct gw_copy_owner *owner; /* who gets it; NULL: whoever makes it */
};
GW_NODISCARD enum gw_status gw_copy_write(const struct gw_copy *copy, struct gw_database_state *state,
                                          struct gw_err *err);

/* Gives `from` the name `to`, which nothing has. GW_E_DUPLICATE, GW_E_IO. */
GW_NODISCARD enum gw_status gw_copy_rename(const char *from, const char *to, struct gw_err *err);

#endif
