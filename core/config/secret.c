/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a secret with as few copies as can be: the file goes straight into the
 * caller's buffer.
 */
#include "config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum gw_status check_file(const char *path, int fd, bool any_file, struct gw_err *err)
{
    struct stat found;

    if (fstat(fd, &found) != 0)
        return gw_fail(err, GW_E_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(found.st_mode)) {
        if (any_file && !S_ISDIR(found.st_mode))
            return GW_OK;
        return gw_fail(err, GW_E_IO, "%s: is no file", path);
    }
    if ((found.st_mode & (S_IWGRP | S_IWOTH | S_IROTH)) != 0)
        return gw_fail(err, GW_E_DENIED,
                       "%s: mode %04o lets everybody read it, or others write it; chmod go-w,o-rwx %s", path,
                       (unsigned)found.st_mode & 07777, path);
    if (!any_file && found.st_uid != 0 && found.st_uid != geteuid())
        return gw_fail(err, GW_E_DENIED, "%s: belongs to user %u; it must belong to root or to user %u, who runs this",
                       path, (unsigned)found.st_uid, (unsigned)geteuid());
    return GW_OK;
}

/* At most `size` bytes; a longer file is none that is read to its end. */
static enum gw_status read_all(const char *path, int fd, char *text, size_t size, size_t *length, struct gw_err *err)
{
    *length = 0;
    while (*length < size) {
        ssize_t got = read(fd, text + *length, size - *length);

        if (got == 0)
            return GW_OK;
        if (got < 0 && errno != EINTR)
            return gw_fail(err, GW_E_IO, "%s: %s", path, strerror(errno));
        *length += got > 0 ? (size_t)got : 0;
    }
    return GW_OK;
}

enum gw_status gw_config_secret_read(const char *path, bool any_file, char *bytes, size_t size, size_t *length,
                                     struct gw_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | (any_file ? 0 : O_NONBLOCK));
    enum gw_status status;

    if (fd < 0)
        return gw_fail(err, GW_E_IO, "%s: %s", path, strerror(errno));
    status = check_file(path, fd, any_file, err);
    if (status == GW_OK)
        status = read_all(path, fd, bytes, size, length, err);
    (void)close(fd);
    return status;
}
