/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opened without waiting, so that a FIFO or device that somebody names by mistake
 * is an error and not a process that hangs.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_CHUNK ((size_t)64 << 10)

static enum gw_status read_all(int fd, const char *path, struct gw_buf *out, struct gw_err *err)
{
    for (;;) {
        size_t room = out->cap - out->length < FILE_CHUNK ? out->cap - out->length : FILE_CHUNK;
        char beyond;
        ssize_t got;

        if (room > 0 && gw_buf_reserve(out, room) != GW_OK)
            room = 0;
        got = room > 0 ? read(fd, out->at + out->length, room) : read(fd, &beyond, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return gw_fail(err, GW_E_IO, "%s: can't be read: %s", path, strerror(errno));
        if (got == 0)
            return GW_OK;
        if (room == 0)
            return gw_fail(err, GW_E_LIMIT, "%s: is larger than %zu bytes", path, out->cap);
        out->length += (size_t)got;
    }
}

static enum gw_status check_secrecy(const char *path, const struct stat *info, struct gw_err *err)
{
    unsigned mode = (unsigned)info->st_mode & 07777;

    if ((mode & (S_IWGRP | S_IWOTH)) != 0)
        return gw_fail(err, GW_E_DENIED, "%s: mode %04o lets others write it; chmod go-w %s", path, mode, path);
    if ((mode & S_IROTH) != 0)
        return gw_fail(err, GW_E_DENIED, "%s: mode %04o lets everybody read it; chmod o-rwx %s", path, mode, path);
    if (info->st_uid != 0 && info->st_uid != geteuid())
        return gw_fail(err, GW_E_DENIED, "%s: belongs to user %u; it must belong to root or to user %u, who runs this",
                       path, (unsigned)info->st_uid, (unsigned)geteuid());
    return GW_OK;
}

static enum gw_status read_file(const char *path, bool is_secret, struct gw_buf *out, struct gw_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum gw_status status = GW_OK;
    struct stat info;

    if (fd < 0)
        return gw_fail(err, GW_E_IO, "%s: can't be opened: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        status = gw_fail(err, GW_E_IO, "%s: is no regular file", path);
    else if (is_secret)
        status = check_secrecy(path, &info, err);
    if (status == GW_OK)
        status = read_all(fd, path, out, err);
    (void)close(fd);
    return status;
}

enum gw_status gw_file_read(const char *path, struct gw_buf *out, struct gw_err *err)
{
    return read_file(path, false, out, err);
}

enum gw_status gw_file_read_secret(const char *path, struct gw_buf *out, struct gw_err *err)
{
    return read_file(path, true, out, err);
}

const char *gw_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

enum gw_status gw_file_sync_folder(const char *path, struct gw_err *err)
{
    size_t length = (size_t)(gw_file_name(path) - path);
    char *folder = gw_str_dup(length == 0 ? GW_STR(".") : (struct gw_str){path, length});
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum gw_status status = GW_OK;

    free(folder);
    if (fd < 0)
        return gw_fail(err, GW_E_IO, "%s: can't open its folder: %s", path, strerror(errno));
    if (fsync(fd) != 0 && errno != EINVAL)
        status = gw_fail(err, GW_E_IO, "%s: can't sync its folder: %s", path, strerror(errno));
    (void)close(fd);
    return status;
}
