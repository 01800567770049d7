/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock is flock's: it ends with the process, however that ends, and no other
 * descriptor for the same file disturbs it. The lock's file holds the number of
 * the process that has it, for the words of the one that is refused.
 */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define NAME_MAX_BYTES (PATH_MAX + 16)

static enum gw_status fail_io(const char *path, const char *what, struct gw_err *err)
{
    return gw_fail(err, GW_E_IO, "%s: can't %s: %s", path, what, strerror(errno));
}

/* "" for one in the current directory. */
static bool folder_of(const char *path, char out[PATH_MAX])
{
    size_t length = (size_t)(gw_file_name(path) - path);

    if (length >= PATH_MAX)
        return false;
    memcpy(out, path, length);
    out[length] = '\0';
    return true;
}

enum gw_status gw_files_resolve(const char *path, char **resolved, struct gw_err *err)
{
    const char *name = gw_file_name(path);
    char folder[PATH_MAX];
    char found[PATH_MAX];
    char *joined;
    size_t length;

    if (*name == '\0' || !folder_of(path, folder))
        return gw_fail(err, GW_E_IO, "%s: is no file's name", path);
    if (realpath(folder[0] == '\0' ? "." : folder, found) == NULL)
        return gw_fail(err, GW_E_IO, "%s: can't find its folder: %s; make it, or name another file", path,
                       strerror(errno));
    if (strcmp(found, "/") == 0)
        found[0] = '\0';
    length = strlen(found) + 1 + strlen(name) + 1;
    if (length > PATH_MAX)
        return gw_fail(err, GW_E_IO, "%s: is too long", path);
    joined = gw_alloc(length);
    if (snprintf(joined, length, "%s/%s", found, name) != (int)length - 1)
        gw_fatal("%s: a path of another length", path);
    *resolved = joined;
    return GW_OK;
}

static enum gw_status refuse_second(const char *path, int lock, struct gw_err *err)
{
    char text[32];
    ssize_t length;

    if (errno != EWOULDBLOCK)
        return fail_io(path, "lock its .lock file", err);
    length = pread(lock, text, sizeof(text) - 1, 0);
    if (length <= 0)
        return gw_fail(err, GW_E_BUSY, "%s: another process has it; end that one, or name another file", path);
    text[length] = '\0';
    return gw_fail(err, GW_E_BUSY, "%s: process %d has it; end that one, or name another file", path,
                   (int)strtol(text, NULL, 10));
}

enum gw_status gw_files_lock(const char *path, int *lock, struct gw_err *err)
{
    char name[NAME_MAX_BYTES];
    char text[32];
    int length;
    int fd;

    (void)snprintf(name, sizeof(name), "%s.lock", path);
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (fd < 0)
        return fail_io(name, "open it", err);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum gw_status status = refuse_second(path, fd, err);

        (void)close(fd);
        return status;
    }
    length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length)
        (void)0; /* on a full disk the number is missing: the lock holds without */
    *lock = fd;
    return GW_OK;
}

void gw_files_unlock(int *lock)
{
    if (*lock >= 0)
        (void)close(*lock);
    *lock = -1;
}

enum gw_status gw_files_check_restored(const char *path, struct gw_err *err)
{
    char name[NAME_MAX_BYTES];
    struct stat found;

    (void)snprintf(name, sizeof(name), "%s" GW_FILES_RESTORING, path);
    if (lstat(name, &found) != 0)
        return GW_OK;
    return gw_fail(err, GW_E_SYNTAX, "%s: restoring it was cut off; run eksgate restore again", path);
}

enum gw_status gw_files_create(const char *path, struct gw_err *err)
{
    struct stat found;
    int fd;

    if (lstat(path, &found) == 0) {
        if (!S_ISREG(found.st_mode))
            return gw_fail(err, GW_E_SYNTAX, "%s: is no regular file; name the file itself, or another", path);
        /* Its log and its lock go by its name. */
        if (found.st_nlink > 1)
            return gw_fail(err, GW_E_SYNTAX,
                           "%s: has another name, by which another process may have it; make it a copy, or remove the "
                           "other name",
                           path);
        /* SQLite would make its log with the same permissions, and that would stay. */
        if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) != 0)
            return fail_io(path, "read and write it", err);
        return gw_file_sync_folder(path, err); /* whoever made it may not have come that far */
    }
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail_io(path, "create it", err);
    (void)close(fd);
    return gw_file_sync_folder(path, err);
}

enum gw_status gw_files_identify(const char *path, struct gw_files *files, struct gw_err *err)
{
    char name[NAME_MAX_BYTES];
    struct gw_files now = {.device = 0};
    struct stat found;

    if (stat(path, &found) == 0) {
        now.device = found.st_dev;
        now.database = found.st_ino;
    }
    (void)snprintf(name, sizeof(name), "%s-wal", path);
    if (stat(name, &found) == 0)
        now.log = found.st_ino;
    if (files->database == 0)
        *files = now;
    if (files->device != now.device || files->database != now.database || files->log != now.log)
        return gw_fail(err, GW_E_MISSING, "%s: it, or its log, was removed or replaced while eksgate had it", path);
    return GW_OK;
}

bool gw_files_has_log(const char *path)
{
    char name[NAME_MAX_BYTES];
    struct stat found;

    (void)snprintf(name, sizeof(name), "%s-wal", path);
    return stat(name, &found) == 0 && found.st_size > 0;
}
