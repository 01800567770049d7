/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every file has the list of what was done to it since its last sync; a read is
 * the file's bytes with the list laid over them. Lists are short: a database is
 * synced after every batch. An operation that was written to the file stays in
 * the list only while a doomed one is in front of it.
 *
 * Each file is opened once more for this, and stays open: closing any descriptor
 * of a database would drop the locks that SQLite has on it.
 */
#include "lost.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/gw.h"

#define SECTOR 512

enum fate { PENDING, DOOMED, WRITTEN };

struct operation {
    enum fate fate;
    uint64_t serial;      /* over all files and names */
    unsigned char *bytes; /* NULL: a truncation to `at` */
    size_t length;
    off_t at;
};

struct faults_file {
    struct faults_file *next;
    dev_t device;
    ino_t inode;
    int fd;
    off_t size;
    struct operation *operations;
    size_t count;
    size_t room;
};

struct name {
    uint64_t serial;
    char *to;
    char *from; /* NULL: it was made */
    dev_t folder_device;
    ino_t folder_inode;
};

static struct {
    struct faults_file *files;
    struct name *names;
    size_t name_count;
    uint64_t serial;
} disk;

static void lock(void)
{
    (void)pthread_mutex_lock(&faults_lock);
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&faults_lock);
}

/* The folder of a path, as stat gives it; false when there is none. */
static bool folder_of(const char *path, struct stat *folder)
{
    char copy[PATH_MAX];
    char *slash;

    if (strlen(path) >= sizeof(copy))
        return false;
    memcpy(copy, path, strlen(path) + 1);
    slash = strrchr(copy, '/');
    if (slash == NULL)
        return stat(".", folder) == 0;
    slash[slash == copy] = '\0';
    return stat(copy, folder) == 0;
}

static void add_name(const char *from, const char *to)
{
    struct stat folder;
    struct name *name;

    if (!folder_of(to, &folder))
        return;
    disk.names = gw_realloc(disk.names, (disk.name_count + 1) * sizeof(*disk.names));
    name = &disk.names[disk.name_count++];
    *name = (struct name){.serial = ++disk.serial,
                          .to = gw_memdup(to, strlen(to) + 1),
                          .from = from == NULL ? NULL : gw_memdup(from, strlen(from) + 1),
                          .folder_device = folder.st_dev,
                          .folder_inode = folder.st_ino};
}

static void keep_names(const struct stat *folder)
{
    size_t left = 0;

    for (size_t i = 0; i < disk.name_count; i++) {
        struct name *name = &disk.names[i];

        if (name->folder_device != folder->st_dev || name->folder_inode != folder->st_ino) {
            disk.names[left++] = *name;
            continue;
        }
        free(name->to);
        free(name->from);
    }
    disk.name_count = left;
}

static struct faults_file *find(const struct stat *what)
{
    struct faults_file *file = disk.files;

    while (file != NULL && (file->device != what->st_dev || file->inode != what->st_ino))
        file = file->next;
    return file;
}

/* `path` may be one of /proc; it isn't the file's name. */
static struct faults_file *add(const struct stat *what, const char *path)
{
    struct faults_file *file = gw_alloc_zero(1, sizeof(*file));

    file->fd = open(path, O_RDWR | O_CLOEXEC);
    if (file->fd < 0)
        file->fd = open(path, O_RDONLY | O_CLOEXEC);
    file->device = what->st_dev;
    file->inode = what->st_ino;
    file->size = what->st_size;
    file->next = disk.files;
    disk.files = file;
    return file;
}

struct faults_file *faults_file_of_fd(int fd)
{
    struct faults_file *file;
    struct stat what;
    char link[32];

    if (fstat(fd, &what) != 0 || !S_ISREG(what.st_mode))
        return NULL;
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    lock();
    file = find(&what);
    if (file == NULL)
        file = add(&what, link);
    unlock();
    return file;
}

struct faults_file *faults_file_of_path(const char *path)
{
    struct faults_file *file;
    struct stat what;

    if (stat(path, &what) != 0 || !S_ISREG(what.st_mode))
        return NULL;
    lock();
    file = find(&what);
    if (file == NULL)
        file = add(&what, path);
    unlock();
    return file;
}

/* Lays one operation over what was read so far: `bytes` holds the file from `at` on. */
static void lay_over(const struct operation *operation, unsigned char *bytes, size_t length, off_t at)
{
    off_t begin = operation->at > at ? operation->at : at;
    off_t end = at + (off_t)length;

    if (operation->bytes != NULL && operation->at + (off_t)operation->length < end)
        end = operation->at + (off_t)operation->length;
    if (begin >= end)
        return;
    if (operation->bytes == NULL)
        memset(bytes + (begin - at), 0, (size_t)(end - begin));
    else
        memcpy(bytes + (begin - at), operation->bytes + (begin - operation->at), (size_t)(end - begin));
}

ssize_t faults_file_read(struct faults_file *file, void *bytes, size_t length, off_t at)
{
    size_t have = 0;
    ssize_t part = 1;

    lock();
    if (at >= file->size)
        length = 0;
    else if ((off_t)length > file->size - at)
        length = (size_t)(file->size - at);
    while (have < length && part > 0) {
        part = pread(file->fd, (unsigned char *)bytes + have, length - have, at + (off_t)have);
        have += part > 0 ? (size_t)part : 0;
    }
    memset((unsigned char *)bytes + have, 0, length - have);
    for (size_t i = 0; i < file->count; i++)
        lay_over(&file->operations[i], bytes, length, at);
    unlock();
    return part < 0 ? -1 : (ssize_t)length;
}

static struct operation *add_operation(struct faults_file *file, off_t at)
{
    struct operation *operation;

    if (file->count == file->room) {
        file->room = file->room * 2 + 16;
        file->operations = gw_realloc(file->operations, file->room * sizeof(*file->operations));
    }
    operation = &file->operations[file->count++];
    *operation = (struct operation){.serial = ++disk.serial, .at = at};
    return operation;
}

void faults_file_write(struct faults_file *file, const void *bytes, size_t length, off_t at)
{
    struct operation *operation;

    lock();
    operation = add_operation(file, at);
    operation->bytes = gw_memdup(bytes, length);
    operation->length = length;
    if (at + (off_t)length > file->size)
        file->size = at + (off_t)length;
    unlock();
}

void faults_file_truncate(struct faults_file *file, off_t length)
{
    lock();
    (void)add_operation(file, length);
    file->size = length;
    unlock();
}

off_t faults_file_size(struct faults_file *file)
{
    off_t size;

    lock();
    size = file->size;
    unlock();
    return size;
}

static int write_part(const struct faults_file *file, const struct operation *operation, size_t from, size_t length)
{
    while (length > 0) {
        ssize_t part = pwrite(file->fd, operation->bytes + from, length, operation->at + (off_t)from);

        if (part <= 0)
            return part < 0 ? errno : EIO;
        from += (size_t)part;
        length -= (size_t)part;
    }
    return 0;
}

static int carry_out(const struct faults_file *file, const struct operation *operation)
{
    if (operation->bytes != NULL)
        return write_part(file, operation, 0, operation->length);
    return ftruncate(file->fd, operation->at) == 0 ? 0 : errno;
}

/* Forgets the list's front up to the first doomed operation. */
static void forget_written(struct faults_file *file)
{
    size_t gone = 0;

    while (gone < file->count && file->operations[gone].fate == WRITTEN)
        free(file->operations[gone++].bytes);
    file->count -= gone;
    if (gone > 0 && file->count > 0)
        memmove(file->operations, file->operations + gone, file->count * sizeof(*file->operations));
}

int faults_file_sync(struct faults_file *file, bool fails)
{
    int problem = 0;

    lock();
    for (size_t i = 0; i < file->count && problem == 0; i++) {
        struct operation *operation = &file->operations[i];

        if (operation->fate != PENDING)
            continue;
        if (!fails)
            problem = carry_out(file, operation);
        operation->fate = fails || problem != 0 ? DOOMED : WRITTEN;
    }
    forget_written(file);
    unlock();
    return problem;
}

void faults_names_made(const char *path)
{
    lock();
    add_name(NULL, path);
    unlock();
}

void faults_names_renamed(const char *from, const char *to)
{
    lock();
    add_name(from, to);
    unlock();
}

void faults_names_keep_fd(int folder)
{
    struct stat what;

    lock();
    if (fstat(folder, &what) == 0)
        keep_names(&what);
    unlock();
}

void faults_names_keep_beside(const char *path)
{
    struct stat what;

    lock();
    if (folder_of(path, &what))
        keep_names(&what);
    unlock();
}

/* Those sectors of a write that happened to reach the disk. */
static void write_some_sectors(const struct faults_file *file, const struct operation *operation)
{
    size_t from = 0;

    while (from < operation->length) {
        size_t length = SECTOR - (size_t)((operation->at + (off_t)from) % SECTOR);

        if (length > operation->length - from)
            length = operation->length - from;
        if (faults_random(2) == 0)
            (void)write_part(file, operation, from, length);
        from += length;
    }
}

/* What is left of a pending operation; `last` is the serial of the one that the power failed in. */
static void leave(const struct faults_file *file, const struct operation *operation, uint64_t last)
{
    if (faults_loss() == FAULTS_LOSS_SECTORS) {
        if (operation->bytes != NULL)
            write_some_sectors(file, operation);
        else if (faults_random(2) == 0)
            (void)carry_out(file, operation);
    } else if (faults_loss() == FAULTS_LOSS_PREFIX && operation->serial < last) {
        (void)carry_out(file, operation);
    } else if (faults_loss() == FAULTS_LOSS_PREFIX && operation->serial == last && operation->bytes != NULL) {
        (void)write_part(file, operation, 0, (size_t)faults_random(operation->length));
    }
}

static uint64_t oldest_serial(void)
{
    uint64_t oldest = disk.name_count > 0 ? disk.names[0].serial : disk.serial;

    for (const struct faults_file *file = disk.files; file != NULL; file = file->next) {
        for (size_t i = 0; i < file->count; i++) {
            if (file->operations[i].fate == PENDING && file->operations[i].serial < oldest)
                oldest = file->operations[i].serial;
        }
    }
    return oldest;
}

static void take_names_back(uint64_t last)
{
    while (disk.name_count > 0) {
        const struct name *name = &disk.names[--disk.name_count];

        if (faults_loss() != FAULTS_LOSS_ALL && name->serial < last)
            return;
        if (name->from == NULL)
            (void)unlink(name->to);
        else
            (void)rename(name->to, name->from);
        faults_say("power failure: the name %s is gone", name->to);
    }
}

void faults_lose_power(void)
{
    size_t pending = 0;
    uint64_t last;

    lock();
    last = oldest_serial();
    last += faults_random(disk.serial - last + 2);
    for (const struct faults_file *file = disk.files; file != NULL; file = file->next) {
        for (size_t i = 0; i < file->count; i++) {
            if (file->operations[i].fate != PENDING)
                continue;
            pending++;
            leave(file, &file->operations[i], last);
        }
    }
    take_names_back(last);
    faults_say("power failure: %zu operations were not synced", pending);
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}
