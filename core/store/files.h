/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_FILES_H
#define GW_STORE_FILES_H

/*
 * What the durable engine does with files beside SQLite: who may have them, and
 * that they are there. `path` is the database's; beside it lie PATH-wal and
 * PATH-shm, which are SQLite's, and PATH.lock, which is never removed. Every err
 * names the file and what to do.
 */

#include <sys/types.h>

#include "base/gw.h"

/* new: the path with its folder resolved, so that only the file's own name is left to be a symlink. GW_E_IO. */
GW_NODISCARD enum gw_status gw_files_resolve(const char *path, char **resolved, struct gw_err *err);

/* Takes the lock that keeps a second eksgate from the file; SQLite's own locks stay free for those who read. GW_E_BUSY:
 * another process has it; GW_E_IO. `*lock` is a descriptor. */
GW_NODISCARD enum gw_status gw_files_lock(const char *path, int *lock, struct gw_err *err);
/* Of what isn't locked (-1): nothing. */
void gw_files_unlock(int *lock);

/* PATH with this behind it is a backup that is being put into the place of PATH (restore.c); where it is left, that was
 * cut off, and PATH isn't to be used: GW_E_SYNTAX. */
#define GW_FILES_RESTORING ".restoring"
GW_NODISCARD enum gw_status gw_files_check_restored(const char *path, struct gw_err *err);

/* Makes an empty file of mode 0600 where there is none, and its name durable. GW_E_IO; GW_E_SYNTAX where something else
 * than a file has the name. */
GW_NODISCARD enum gw_status gw_files_create(const char *path, struct gw_err *err);

/* Which files the names stand for; all zero: not known yet. */
struct gw_files {
    dev_t device;
    ino_t database;
    ino_t log; /* 0: there was none */
};
/* Fills `files` when nothing is known yet, else compares. GW_E_MISSING: a name stands for another file now, or none. */
GW_NODISCARD enum gw_status gw_files_identify(const char *path, struct gw_files *files, struct gw_err *err);

/* True when a log was left behind: whoever had the file open last didn't close it. */
bool gw_files_has_log(const char *path);

#endif
