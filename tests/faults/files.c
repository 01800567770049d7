/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that is full takes the first half of a write and says so; the write of
 * the rest is told why. Descriptors that aren't regular files (the audit on
 * stdout) are left alone but for the counting.
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "engine.h"
#include "lost.h"

static _Atomic bool is_full; /* the last write was cut short: the next one fails */

static const struct gw_journal_io *system_io(void)
{
    return gw_journal_io_system();
}

static struct faults_file *lost_of(int fd)
{
    return faults_loss() == FAULTS_LOSS_NONE ? NULL : faults_file_of_fd(fd);
}

static ssize_t fail(int problem)
{
    errno = problem;
    return -1;
}

/* For people: the name of an open file. */
static const char *name_of(int fd, char *room, size_t size)
{
    char link[32];
    ssize_t length;

    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    length = readlink(link, room, size - 1);
    if (length < 0)
        return "?";
    room[length] = '\0';
    return room;
}

static int take(enum faults_kind kind, int fd, size_t bytes)
{
    char room[512];

    return faults_take(kind, FAULTS_AUDIT, name_of(fd, room, sizeof(room)), bytes);
}

/* Where the next write goes, as the system has it. */
static off_t take_place(int fd, const struct faults_file *file, size_t length)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0 && (flags & O_APPEND) != 0)
        return faults_file_size((struct faults_file *)file);
    return lseek(fd, (off_t)length, SEEK_CUR) - (off_t)length;
}

static ssize_t write_through(int fd, const void *bytes, size_t length)
{
    struct faults_file *file = lost_of(fd);

    if (file == NULL)
        return system_io()->write(fd, bytes, length);
    faults_file_write(file, bytes, length, take_place(fd, file, length));
    return (ssize_t)length;
}

static int on_open(const char *path, int flags, mode_t mode)
{
    bool was_there = access(path, F_OK) == 0;
    int problem = faults_take(FAULTS_OPEN, FAULTS_AUDIT, path, 0);
    int fd;

    if (problem != 0)
        return (int)fail(problem);
    fd = system_io()->open(path, flags, mode);
    if (fd >= 0 && !was_there && faults_loss() != FAULTS_LOSS_NONE)
        faults_names_made(path);
    if (fd >= 0 && was_there && (flags & O_TRUNC) != 0 && lost_of(fd) != NULL)
        faults_file_truncate(lost_of(fd), 0);
    return fd;
}

static ssize_t on_write(int fd, const void *bytes, size_t length)
{
    int problem = take(FAULTS_WRITE, fd, length);

    if (atomic_exchange(&is_full, false) && problem == 0)
        return fail(ENOSPC);
    if (problem == 0)
        return write_through(fd, bytes, length);
    if (problem != ENOSPC || length < 2)
        return fail(problem);
    atomic_store(&is_full, true);
    return write_through(fd, bytes, length / 2);
}

static ssize_t on_read_at(int fd, void *bytes, size_t length, off_t at)
{
    struct faults_file *file = lost_of(fd);

    return file == NULL ? system_io()->read_at(fd, bytes, length, at) : faults_file_read(file, bytes, length, at);
}

static int on_sync(int fd)
{
    struct faults_file *file = lost_of(fd);
    int problem = take(FAULTS_SYNC, fd, 0);
    int broken;

    if (file == NULL)
        return problem != 0 ? (int)fail(problem) : system_io()->sync(fd);
    broken = faults_file_sync(file, problem != 0);
    if (problem == 0)
        problem = broken;
    return problem != 0 ? (int)fail(problem) : 0;
}

static int on_truncate(int fd, off_t length)
{
    struct faults_file *file = lost_of(fd);
    int problem = take(FAULTS_TRUNCATE, fd, 0);

    if (problem != 0)
        return (int)fail(problem);
    if (file == NULL)
        return system_io()->truncate(fd, length);
    faults_file_truncate(file, length);
    return 0;
}

static int on_rename(const char *from, const char *to)
{
    int problem = faults_take(FAULTS_RENAME, FAULTS_AUDIT, from, 0);

    if (problem != 0)
        return (int)fail(problem);
    if (system_io()->rename(from, to) != 0)
        return -1;
    if (faults_loss() != FAULTS_LOSS_NONE)
        faults_names_renamed(from, to);
    return 0;
}

static int on_remove(const char *path)
{
    int problem = faults_take(FAULTS_RENAME, FAULTS_AUDIT, path, 0);

    return problem != 0 ? (int)fail(problem) : system_io()->remove(path);
}

static int on_sync_folder(int fd)
{
    int problem = take(FAULTS_SYNC, fd, 0);

    if (problem != 0)
        return (int)fail(problem);
    if (faults_loss() == FAULTS_LOSS_NONE)
        return system_io()->sync_folder(fd);
    faults_names_keep_fd(fd);
    return 0;
}

static off_t on_size(int fd)
{
    struct faults_file *file = lost_of(fd);

    return file == NULL ? system_io()->size(fd) : faults_file_size(file);
}

static int on_close(int fd)
{
    return system_io()->close(fd);
}

const struct gw_journal_io *faults_journal_io(void)
{
    static const struct gw_journal_io io = {
        .open = on_open,
        .write = on_write,
        .read_at = on_read_at,
        .sync = on_sync,
        .truncate = on_truncate,
        .rename = on_rename,
        .remove = on_remove,
        .sync_folder = on_sync_folder,
        .size = on_size,
        .close = on_close,
    };

    return &io;
}
