/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_FAULTS_ENGINE_H
#define GW_FAULTS_ENGINE_H

/*
 * What eksgate_faults does to calls on files: counts them, makes some of them
 * fail, and keeps writes back until they are synced (lost.h). Told by the
 * environment:
 *
 *   GW_FAULTS_FAIL=N:ERROR[:sticky]   the N-th call that changes something fails (from 1 on; opens, writes, syncs,
 *                                     truncations and renames of all files counted together), with sticky all after
 *                                     it, too; ERROR is ENOSPC, EIO or EROFS
 *   GW_FAULTS_OFF=PATH                while this file exists no call fails
 *   GW_FAULTS_ON=PATH                 while this file exists calls fail that it names: "ERROR [KIND [ROLE]]", where *
 * is any; kinds: open write sync truncate rename; roles: database log audit GW_FAULTS_LOSE=all|prefix|sectors what is
 * lost with the power (lost.h) GW_FAULTS_SEED=NUMBER             of what is random in that GW_FAULTS_LOG=PATH a line
 * for each fault GW_FAULTS_COUNTS=PATH             the counts as JSON, written when the process ends and at SIGRTMIN
 *
 * SIGUSR2 is a power failure. Any thread; what is wrong in the environment ends the process with 2.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum faults_kind {
    FAULTS_OPEN,
    FAULTS_WRITE,
    FAULTS_SYNC,
    FAULTS_TRUNCATE,
    FAULTS_RENAME,
    FAULTS_KINDS,
};

enum faults_role {
    FAULTS_DATABASE,
    FAULTS_LOG, /* the database's write-ahead log, its index, its rollback journal */
    FAULTS_AUDIT,
    FAULTS_ROLES,
};

enum faults_loss {
    FAULTS_LOSS_NONE, /* writes go to the file at once */
    FAULTS_LOSS_ALL,
    FAULTS_LOSS_PREFIX,
    FAULTS_LOSS_SECTORS,
};

/* Reads the environment and takes the two signals: before the process has threads. */
void faults_start(void);
enum faults_loss faults_loss(void);

/* Counts a call on the file called `name`; gives the errno that it shall fail with, or 0. `bytes` are those of a write.
 */
int faults_take(enum faults_kind kind, enum faults_role role, const char *name, size_t bytes);

/* A number from 0 to below - 1. Under faults_lock. */
uint64_t faults_random(uint64_t below);

/* Whoever looks at lost.h's files holds it; after the power failed nobody gets it any more. */
extern pthread_mutex_t faults_lock;

void faults_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
