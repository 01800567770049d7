/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_FAULTS_VFS_H
#define GW_FAULTS_VFS_H

/*
 * SQLite's default VFS with the faults of engine.h and lost.h in front of it: the
 * database, its write-ahead log and its rollback journal. Locks and shared memory
 * are the default's own.
 */

#define FAULTS_VFS "faults"

/* Once, before SQLite is used otherwise. */
void faults_vfs_register(void);

#endif
