/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_BACKUP_H
#define GW_STORE_BACKUP_H

/*
 * What is done with the durable engine's file from outside: copies of it while a
 * gateway runs, putting one back when none does, a look at its audit head.
 *
 * A backup is an SQLite database of its own, the state after one commit, without
 * the log and the free pages of the original; mode 0600.
 */

#include "codec/chain.h"

struct gw_backup_source {
    const char *path;
    unsigned busy_ms; /* how long a lock that another process holds is waited for */
    const char *vfs;  /* a registered SQLite VFS; NULL: the system's */
};

#define GW_BACKUP_NAME_SIZE 4224 /* bytes, the NUL included, that a name made of a path may take */

struct gw_backup_report {
    struct gw_chain_head head; /* the newest audit record that was committed with it */
    uint64_t clusters;
    uint64_t access_entries;
    uint64_t bytes;                 /* of the copy */
    char kept[GW_BACKUP_NAME_SIZE]; /* of a restore: what the database before it is called now; "": there was none */
};

/* Copies the database to the new file `to`. The copy has been read back, every row of it, and is on the disk when it
 * gets its name. GW_E_DUPLICATE: there is a `to`; GW_E_MISSING: there is no database; GW_E_SYNTAX: it is corrupt, or
 * none of eksgate's; GW_E_RANGE: a newer eksgate's; GW_E_BUSY, GW_E_IO. */
GW_NODISCARD enum gw_status gw_backup_make(const struct gw_backup_source *source, const char *to,
                                           struct gw_backup_report *report, struct gw_err *err);

/* Puts a backup, or any other database of eksgate's, into the place of `path`, which is kept beside it as
 * PATH.replaced-TIME, its log along with it; `path` needn't exist. Run as root, it gives the new one to the old one's
 * owner, else to its folder's. As above, and GW_E_BUSY: a gateway, or another program has `path` open. When this is cut
 * off, nothing has changed, or PATH.restoring is there and the store refuses to open until it is done again. */
GW_NODISCARD enum gw_status gw_backup_restore(const char *path, const struct gw_backup_source *from,
                                              struct gw_backup_report *report, struct gw_err *err);

/* The newest audit record that was committed with the database; also while a gateway runs. */
GW_NODISCARD enum gw_status gw_backup_read_head(const struct gw_backup_source *source, struct gw_chain_head *head,
                                                struct gw_err *err);

#endif
