/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting a backup in the place of the database:
 *
 *   1. A copy of it, checked and on the disk, gets the name PATH.restoring. From
 *      here on a store refuses to open PATH.
 *   2. PATH and PATH-wal become PATH.replaced-TIME and PATH.replaced-TIME-wal;
 *      PATH-shm, which is made anew from these, goes.
 *   3. PATH.restoring becomes PATH.
 *
 * Cut off in 2, PATH may be there without its log, or not at all: opened then it
 * would be an older state, or an empty one. Doing it again brings all of it to its end.
 *
 * A program that still had the old file open would, when it closes that as the
 * last one, remove PATH-wal by its name: the new one's. SQLite holds a lock on a
 * file with a log for as long as it has it open, so that is seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "codec/time.h"
#include "store/copy.h"
#include "store/files.h"

#define NAME_SIZE GW_BACKUP_NAME_SIZE

/* SQLite's locks: pending, reserved, shared (its file format, "locking bytes"). */
#define LOCK_FIRST  0x40000000
#define LOCK_LENGTH 512

struct restore {
    char *path;
    int lock;
    bool is_root;
    struct gw_copy_owner owner; /* when is_root */
    char part[NAME_SIZE];
    char restoring[NAME_SIZE];
    char replaced[NAME_SIZE];
};

static enum gw_status fail_io(const char *path, const char *what, struct gw_err *err)
{
    return gw_fail(err, GW_E_IO, "%s: can't %s: %s", path, what, strerror(errno));
}

/* Whether another program has the file open; the lock on PATH.lock is ours. */
static enum gw_status refuse_readers(const char *path, struct gw_err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_FIRST, .l_len = LOCK_LENGTH};
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    enum gw_status status = GW_OK;

    if (fd < 0)
        return errno == ENOENT ? GW_OK : fail_io(path, "open it", err);
    if (fcntl(fd, F_GETLK, &lock) != 0)
        status = fail_io(path, "look at its locks", err);
    else if (lock.l_type != F_UNLCK)
        status = gw_fail(err, GW_E_BUSY, "%s: process %d has it open; end that one", path, (int)lock.l_pid);
    (void)close(fd);
    return status;
}

static enum gw_status refuse_itself(const char *path, const char *from, struct gw_err *err)
{
    struct stat first;
    struct stat second;

    if (stat(path, &first) == 0 && stat(from, &second) == 0 && first.st_dev == second.st_dev &&
        first.st_ino == second.st_ino)
        return gw_fail(err, GW_E_DUPLICATE, "%s: is the database itself; name a backup", from);
    return GW_OK;
}

static bool is_there(const char *path, const char *suffix)
{
    char name[NAME_SIZE + 8];
    struct stat info;

    (void)snprintf(name, sizeof(name), "%s%s", path, suffix);
    return lstat(name, &info) == 0;
}

static void name_files(struct restore *restore)
{
    char time[GW_TIME_AMZ_SIZE];

    gw_time_amz(gw_clock_wall_ms(gw_clock_system()), time);
    (void)snprintf(restore->part, NAME_SIZE, "%s.restoring-part", restore->path);
    (void)snprintf(restore->restoring, NAME_SIZE, "%s" GW_FILES_RESTORING, restore->path);
    (void)snprintf(restore->replaced, NAME_SIZE, "%s.replaced-%s", restore->path, time);
    for (int i = 2; is_there(restore->replaced, "") || is_there(restore->replaced, "-wal"); i++)
        (void)snprintf(restore->replaced, NAME_SIZE, "%s.replaced-%s.%d", restore->path, time, i);
}

/* Root puts it back for the one who will open it. */
static enum gw_status find_owner(struct restore *restore, struct gw_err *err)
{
    struct stat info;
    char folder[NAME_SIZE];

    restore->is_root = geteuid() == 0;
    if (!restore->is_root)
        return GW_OK;
    if (lstat(restore->path, &info) != 0) {
        (void)snprintf(folder, sizeof(folder), "%s", restore->path);
        *(strrchr(folder, '/') + 1) = '\0';
        if (stat(folder, &info) != 0)
            return fail_io(folder, "look at it", err);
    }
    restore->owner = (struct gw_copy_owner){info.st_uid, info.st_gid};
    return fchown(restore->lock, info.st_uid, info.st_gid) == 0 ? GW_OK
                                                                : fail_io(restore->path, "own its .lock file", err);
}

/* Step 1. */
static enum gw_status copy_from(const struct restore *restore, const struct gw_backup_source *from,
                                struct gw_database_state *state, struct gw_err *err)
{
    sqlite3 *handle = NULL;
    struct gw_copy copy = {.from_path = from->path,
                           .to = restore->part,
                           .vfs = from->vfs,
                           .mark_restored = true,
                           .owner = restore->is_root ? &restore->owner : NULL};
    enum gw_status status = gw_copy_open(from, &handle, err);

    (void)unlink(restore->part); /* of an earlier one that was cut off: the lock is ours */
    copy.from = handle;
    if (status == GW_OK)
        status = gw_copy_write(&copy, state, err);
    (void)sqlite3_close(handle);
    if (status != GW_OK)
        return status;
    if (rename(restore->part, restore->restoring) != 0) {
        status = fail_io(restore->restoring, "create it", err);
        (void)unlink(restore->part);
        return status;
    }
    return gw_file_sync_folder(restore->path, err);
}

/* Renames PATH with this suffix, where there is one. */
static enum gw_status move_along(const struct restore *restore, const char *suffix, bool *moved, struct gw_err *err)
{
    char from[NAME_SIZE];
    char to[NAME_SIZE];

    (void)snprintf(from, sizeof(from), "%s%s", restore->path, suffix);
    if ((size_t)snprintf(to, sizeof(to), "%s%s", restore->replaced, suffix) >= sizeof(to))
        return gw_fail(err, GW_E_IO, "%s: is too long", restore->replaced);
    if (!is_there(restore->path, suffix))
        return GW_OK;
    *moved = true;
    return gw_copy_rename(from, to, err);
}

/* Steps 2 and 3. */
static enum gw_status put_in_place(const struct restore *restore, bool *was_there, struct gw_err *err)
{
    char shared[NAME_SIZE];
    bool had_log = false;
    enum gw_status status = move_along(restore, "", was_there, err);

    if (status == GW_OK)
        status = move_along(restore, "-wal", &had_log, err);
    (void)snprintf(shared, sizeof(shared), "%s-shm", restore->path);
    if (status == GW_OK && unlink(shared) != 0 && errno != ENOENT)
        status = fail_io(shared, "remove it", err);
    if (status == GW_OK)
        status = gw_file_sync_folder(restore->path, err);
    if (status == GW_OK && rename(restore->restoring, restore->path) != 0)
        status = fail_io(restore->path, "create it", err);
    return status == GW_OK ? gw_file_sync_folder(restore->path, err) : status;
}

static enum gw_status run(struct restore *restore, const struct gw_backup_source *from, struct gw_backup_report *report,
                          struct gw_err *err)
{
    struct gw_database_state state;
    struct stat info;
    bool was_there = false;
    enum gw_status status = gw_files_lock(restore->path, &restore->lock, err);

    name_files(restore);
    if (status == GW_OK)
        status = find_owner(restore, err);
    if (status == GW_OK)
        status = refuse_itself(restore->path, from->path, err);
    if (status == GW_OK)
        status = refuse_readers(restore->path, err);
    if (status == GW_OK)
        status = copy_from(restore, from, &state, err);
    if (status == GW_OK)
        status = put_in_place(restore, &was_there, err);
    if (status != GW_OK)
        return status;
    *report = (struct gw_backup_report){
        .head = state.head, .clusters = state.clusters, .access_entries = state.access_entries};
    if (stat(restore->path, &info) == 0)
        report->bytes = (uint64_t)info.st_size;
    if (was_there)
        memcpy(report->kept, restore->replaced, sizeof(report->kept));
    return GW_OK;
}

enum gw_status gw_backup_restore(const char *path, const struct gw_backup_source *from, struct gw_backup_report *report,
                                 struct gw_err *err)
{
    struct restore *restore = gw_alloc_zero(1, sizeof(*restore));
    enum gw_status status;

    restore->lock = -1;
    status = gw_files_resolve(path, &restore->path, err);
    if (status == GW_OK)
        status = run(restore, from, report, err);
    gw_files_unlock(&restore->lock);
    free(restore->path);
    free(restore);
    return status;
}
