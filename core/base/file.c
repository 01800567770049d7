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

enum gw_status gw_file_read(const char *path, struct gw_buf *out, struct gw_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum gw_status status;
    struct stat info;

    if (fd < 0)
        return gw_fail(err, GW_E_IO, "%s: can't be opened: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        status = gw_fail(err, GW_E_IO, "%s: is no regular file", path);
    else
        status = read_all(fd, path, out, err);
    (void)close(fd);
    return status;
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
