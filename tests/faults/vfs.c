/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One method for each of SQLite's: what changes files asks the engine first, what
 * reads or changes their bytes goes to lost.c where writes are kept back, and the
 * rest is handed on. A file of ours is followed in memory by the default VFS's.
 */
#include "vfs.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "lost.h"

struct shim {
    sqlite3_file base;
    enum faults_role role;
    const char *name;              /* SQLite's, as long as the file is open */
    struct faults_file *lost;      /* NULL: calls go through */
    bool names_kept;               /* its folder was synced, as SQLite does with a log's first sync */
    int regions;                   /* of shared memory, that are there */
    _Alignas(void *) char real[1]; /* the default's sqlite3_file */
};

static sqlite3_vfs *default_vfs;
static const sqlite3_io_methods shim_methods;

static struct shim *shim_of(sqlite3_file *file)
{
    return (struct shim *)(void *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)(void *)shim_of(file)->real;
}

/* SQLite's code for an errno; `io` is the call's own. */
static int code_of(int problem, int io)
{
    return problem == ENOSPC && io == SQLITE_IOERR_WRITE ? SQLITE_FULL : io;
}

static int on_close(sqlite3_file *file)
{
    return real_of(file)->pMethods == NULL ? SQLITE_OK : real_of(file)->pMethods->xClose(real_of(file));
}

static int on_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 at)
{
    struct shim *shim = shim_of(file);
    ssize_t have;

    if (shim->lost == NULL)
        return real_of(file)->pMethods->xRead(real_of(file), bytes, length, at);
    have = faults_file_read(shim->lost, bytes, (size_t)length, at);
    if (have < 0)
        return SQLITE_IOERR_READ;
    if (have == length)
        return SQLITE_OK;
    memset((char *)bytes + have, 0, (size_t)(length - have));
    return SQLITE_IOERR_SHORT_READ;
}

static int write_through(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 at)
{
    if (shim_of(file)->lost == NULL)
        return real_of(file)->pMethods->xWrite(real_of(file), bytes, length, at);
    faults_file_write(shim_of(file)->lost, bytes, (size_t)length, at);
    return SQLITE_OK;
}

/* A write that fails has written its first half. */
static int on_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 at)
{
    struct shim *shim = shim_of(file);
    int problem = faults_take(FAULTS_WRITE, shim->role, shim->name, (size_t)length);

    if (problem == 0)
        return write_through(file, bytes, length, at);
    if (problem != EROFS && length > 1)
        (void)write_through(file, bytes, length / 2, at);
    return code_of(problem, SQLITE_IOERR_WRITE);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 length)
{
    struct shim *shim = shim_of(file);

    if (faults_take(FAULTS_TRUNCATE, shim->role, shim->name, 0) != 0)
        return SQLITE_IOERR_TRUNCATE;
    if (shim->lost == NULL)
        return real_of(file)->pMethods->xTruncate(real_of(file), length);
    faults_file_truncate(shim->lost, length);
    return SQLITE_OK;
}

static int on_sync(sqlite3_file *file, int flags)
{
    struct shim *shim = shim_of(file);
    bool fails = faults_take(FAULTS_SYNC, shim->role, shim->name, 0) != 0;
    int problem;

    if (shim->lost == NULL)
        return fails ? SQLITE_IOERR_FSYNC : real_of(file)->pMethods->xSync(real_of(file), flags);
    problem = faults_file_sync(shim->lost, fails);
    if (fails || problem != 0)
        return SQLITE_IOERR_FSYNC;
    if (!shim->names_kept && shim->role == FAULTS_LOG)
        faults_names_keep_beside(shim->name);
    shim->names_kept = true;
    return SQLITE_OK;
}

static int on_size(sqlite3_file *file, sqlite3_int64 *size)
{
    if (shim_of(file)->lost == NULL)
        return real_of(file)->pMethods->xFileSize(real_of(file), size);
    *size = faults_file_size(shim_of(file)->lost);
    return SQLITE_OK;
}

static int on_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int on_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int on_check_reserved(sqlite3_file *file, int *reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

/* Hints about sizes to come would change the real file. */
static int on_control(sqlite3_file *file, int op, void *argument)
{
    if (shim_of(file)->lost != NULL && (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE))
        return SQLITE_OK;
    return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}

static int on_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int on_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

/* The index of the log grows by regions; the first use of each writes to its file. */
static int on_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory)
{
    struct shim *shim = shim_of(file);

    if (extend && region >= shim->regions) {
        if (faults_take(FAULTS_WRITE, FAULTS_LOG, shim->name, (size_t)size) != 0)
            return SQLITE_IOERR_SHMSIZE;
        shim->regions = region + 1;
    }
    return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, memory);
}

static int on_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void on_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int on_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

/* Without a mapping SQLite reads. */
static int on_fetch(sqlite3_file *file, sqlite3_int64 at, int length, void **memory)
{
    (void)file;
    (void)at;
    (void)length;
    *memory = NULL;
    return SQLITE_OK;
}

static int on_unfetch(sqlite3_file *file, sqlite3_int64 at, void *memory)
{
    (void)file;
    (void)at;
    (void)memory;
    return SQLITE_OK;
}

static const sqlite3_io_methods shim_methods = {
    .iVersion = 3,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_check_reserved,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_characteristics,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
    .xFetch = on_fetch,
    .xUnfetch = on_unfetch,
};

static int open_shim(const char *name, struct shim *shim, int flags, int *given)
{
    sqlite3_file *real = real_of(&shim->base);
    bool was_there = access(name, F_OK) == 0;
    int code;

    shim->role = (flags & SQLITE_OPEN_MAIN_DB) != 0 ? FAULTS_DATABASE : FAULTS_LOG;
    shim->name = name;
    if (faults_take(FAULTS_OPEN, shim->role, name, 0) != 0)
        return SQLITE_CANTOPEN;
    code = default_vfs->xOpen(default_vfs, name, real, flags, given);
    if (code != SQLITE_OK)
        return code;
    if (faults_loss() != FAULTS_LOSS_NONE)
        shim->lost = faults_file_of_path(name);
    if (shim->lost != NULL && !was_there)
        faults_names_made(name);
    shim->base.pMethods = &shim_methods;
    return SQLITE_OK;
}

/* Temporary files are the default's alone. */
static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *given)
{
    struct shim *shim = shim_of(file);

    (void)vfs;
    if (name == NULL || (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) == 0)
        return default_vfs->xOpen(default_vfs, name, file, flags, given);
    memset(shim, 0, sizeof(*shim) + (size_t)default_vfs->szOsFile);
    return open_shim(name, shim, flags, given);
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    return default_vfs->xDelete(default_vfs, name, sync_folder);
}

static int on_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    (void)vfs;
    return default_vfs->xAccess(default_vfs, name, flags, result);
}

static int on_full_pathname(sqlite3_vfs *vfs, const char *name, int length, char *out)
{
    (void)vfs;
    return default_vfs->xFullPathname(default_vfs, name, length, out);
}

void faults_vfs_register(void)
{
    static sqlite3_vfs shim;

    default_vfs = sqlite3_vfs_find(NULL);
    if (default_vfs == NULL)
        abort();
    shim = *default_vfs; /* clocks, random bytes, libraries: they take no file */
    shim.zName = FAULTS_VFS;
    shim.pNext = NULL;
    shim.szOsFile = (int)sizeof(struct shim) + default_vfs->szOsFile;
    shim.xOpen = on_open;
    shim.xDelete = on_delete;
    shim.xAccess = on_access;
    shim.xFullPathname = on_full_pathname;
    if (sqlite3_vfs_register(&shim, 0) != SQLITE_OK)
        abort();
}
