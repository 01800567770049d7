/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_DISK_VFS_H
#define GW_TEST_DISK_VFS_H

/*
 * An SQLite VFS that is a disk with faults: the n-th call of some kinds fails, and
 * a power cut leaves what was synced, with any of the writes that weren't. It lies
 * over the system's VFS, whose files have what was written, synced or not.
 *
 * As with a kernel's cache, a sync that failed has lost its writes for good: the
 * next sync doesn't bring them to the disk, though everybody reads them.
 *
 *   disk_begin(DISK_WRITE, 3, SQLITE_FULL)   the third write from now on fails
 *   disk_cut(folder, keeps, ctx)             puts what a power cut leaves into another folder
 *   disk_end()                               forgets all files
 *
 * One program includes it once.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/gw.h"

#define DISK_NAME "eksgate-disk"

enum disk_kind {
    DISK_READ = 1,
    DISK_WRITE = 2,
    DISK_SYNC = 4,
    DISK_TRUNCATE = 8,
    DISK_OPEN = 16,
    DISK_MAP = 32, /* of the log's index */
};

/* Bytes that were written or, where `bytes` is NULL, a truncation to `at`. */
struct disk_change {
    struct disk_change *next;
    sqlite3_int64 at;
    size_t length;
    char *bytes;
    bool is_lost;
};

struct disk_bytes {
    char *at;
    size_t length;
    size_t capacity;
};

struct disk_image {
    struct disk_image *next;
    char name[256];
    struct disk_bytes synced;
    struct disk_change *changes; /* since, oldest first */
    struct disk_change **end;
    bool has_lost;
};

struct disk_file {
    sqlite3_file base;
    struct disk_image *image; /* NULL: nobody's who is asked about */
    sqlite3_file *real;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    struct disk_image *images;
    unsigned kinds;
    unsigned countdown; /* 0: no fault is to come */
    int code;
    unsigned hits;
    unsigned syncs;
    bool is_deaf; /* what is done now was never done: the process is dead, and its files will be put back */
} disk;

/* True when this call is the one that fails. */
static inline bool disk_fails(enum disk_kind kind)
{
    if ((disk.kinds & (unsigned)kind) == 0 || disk.countdown == 0 || --disk.countdown > 0)
        return false;
    disk.hits++;
    return true;
}

/* Makes them longer; what is new is zero. */
static inline void disk_extend(struct disk_bytes *bytes, size_t length)
{
    if (length > bytes->capacity) {
        bytes->capacity = length * 2;
        bytes->at = gw_realloc(bytes->at, bytes->capacity);
    }
    if (length > bytes->length) {
        memset(bytes->at + bytes->length, 0, length - bytes->length);
        bytes->length = length;
    }
}

/* What is there when a file is met is on the disk. */
static inline void disk_load(struct disk_image *image)
{
    FILE *in = fopen(image->name, "rb");
    char some[4096];
    size_t got;

    while (in != NULL && (got = fread(some, 1, sizeof(some), in)) > 0) {
        disk_extend(&image->synced, image->synced.length + got);
        memcpy(image->synced.at + image->synced.length - got, some, got);
    }
    if (in != NULL)
        (void)fclose(in);
}

static inline struct disk_image *disk_image_of(const char *name)
{
    struct disk_image *image;

    for (image = disk.images; image != NULL; image = image->next) {
        if (strcmp(image->name, name) == 0)
            return image;
    }
    image = gw_alloc_zero(1, sizeof(*image));
    (void)snprintf(image->name, sizeof(image->name), "%s", name);
    image->next = disk.images;
    image->end = &image->changes;
    disk.images = image;
    disk_load(image);
    return image;
}

static inline void disk_change_free(struct disk_change **link)
{
    struct disk_change *change = *link;

    *link = change->next;
    free(change->bytes);
    free(change);
}

static inline void disk_forget_changes(struct disk_image *image)
{
    while (image->changes != NULL)
        disk_change_free(&image->changes);
    image->end = &image->changes;
    image->has_lost = false;
}

/* Writes over bytes that were lost bring them back. */
static inline void disk_cover_lost(struct disk_image *image, sqlite3_int64 at, size_t length)
{
    struct disk_change **link = &image->changes;

    while (image->has_lost && *link != NULL) {
        struct disk_change *one = *link;

        if (one->is_lost && one->bytes != NULL && one->at < at + (sqlite3_int64)length &&
            at < one->at + (sqlite3_int64)one->length)
            disk_change_free(link);
        else
            link = &one->next;
    }
    if (image->has_lost)
        image->end = link;
}

static inline void disk_note(struct disk_image *image, sqlite3_int64 at, const void *bytes, size_t length)
{
    struct disk_change *change = gw_alloc_zero(1, sizeof(*change));

    if (bytes != NULL)
        disk_cover_lost(image, at, length);
    change->at = at;
    change->length = length;
    change->bytes = bytes == NULL ? NULL : gw_memdup(bytes, length);
    *image->end = change;
    image->end = &change->next;
}

static inline void disk_apply(const struct disk_change *change, struct disk_bytes *bytes)
{
    size_t end = (size_t)change->at + change->length;

    if (change->bytes == NULL) {
        bytes->length = end < bytes->length ? end : bytes->length;
        return;
    }
    disk_extend(bytes, end);
    memcpy(bytes->at + change->at, change->bytes, change->length);
}

static inline void disk_on_sync(struct disk_image *image)
{
    struct disk_change **link = &image->changes;

    while (*link != NULL) {
        if ((*link)->is_lost) {
            link = &(*link)->next;
            continue;
        }
        disk_apply(*link, &image->synced);
        disk_change_free(link);
    }
    image->end = link;
    image->has_lost = image->changes != NULL;
}

static inline struct disk_file *disk_file_of(sqlite3_file *file)
{
    return (struct disk_file *)(void *)file;
}

static inline int disk_close(sqlite3_file *file)
{
    struct disk_file *f = disk_file_of(file);

    return f->real->pMethods->xClose(f->real);
}

static inline int disk_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 at)
{
    struct disk_file *f = disk_file_of(file);

    return disk_fails(DISK_READ) ? disk.code : f->real->pMethods->xRead(f->real, bytes, length, at);
}

/* A write that fails may have done a part. */
static inline int disk_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 at)
{
    struct disk_file *f = disk_file_of(file);
    bool fails = disk_fails(DISK_WRITE);
    int code;

    if (fails)
        length /= 2;
    code = f->real->pMethods->xWrite(f->real, bytes, length, at);
    if (code == SQLITE_OK && f->image != NULL && !disk.is_deaf)
        disk_note(f->image, at, bytes, (size_t)length);
    return fails ? disk.code : code;
}

static inline int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct disk_file *f = disk_file_of(file);

    if (disk_fails(DISK_TRUNCATE))
        return disk.code;
    if (f->image != NULL && !disk.is_deaf)
        disk_note(f->image, size, NULL, 0);
    return f->real->pMethods->xTruncate(f->real, size);
}

static inline int disk_sync(sqlite3_file *file, int flags)
{
    struct disk_file *f = disk_file_of(file);

    (void)flags;
    disk.syncs++;
    if (disk_fails(DISK_SYNC)) {
        for (struct disk_change *one = f->image == NULL ? NULL : f->image->changes; one != NULL; one = one->next)
            one->is_lost = f->image->has_lost = true;
        return disk.code;
    }
    if (f->image != NULL && !disk.is_deaf)
        disk_on_sync(f->image);
    return SQLITE_OK;
}

static inline int disk_size(sqlite3_file *file, sqlite3_int64 *size)
{
    struct disk_file *f = disk_file_of(file);

    return f->real->pMethods->xFileSize(f->real, size);
}

static inline int disk_lock(sqlite3_file *file, int lock)
{
    struct disk_file *f = disk_file_of(file);

    return f->real->pMethods->xLock(f->real, lock);
}

static inline int disk_unlock(sqlite3_file *file, int lock)
{
    struct disk_file *f = disk_file_of(file);

    return f->real->pMethods->xUnlock(f->real, lock);
}

static inline int disk_check_lock(sqlite3_file *file, int *result)
{
    struct disk_file *f = disk_file_of(file);

    return f->real->pMethods->xCheckReservedLock(f->real, result);
}

static inline int disk_control(sqlite3_file *file, int operation, void *argument)
{
    struct disk_file *f = disk_file_of(file);

    return f->real->pMethods->xFileControl(f->real, operation, argument);
}

static inline int disk_sector(sqlite3_file *file)
{
    struct disk_file *f = disk_file_of(file);

    return f->real->pMethods->xSectorSize(f->real);
}

static inline int disk_device(sqlite3_file *file)
{
    struct disk_file *f = disk_file_of(file);

    return f->real->pMethods->xDeviceCharacteristics(f->real);
}

static inline int disk_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
    struct disk_file *f = disk_file_of(file);

    return disk_fails(DISK_MAP) ? disk.code : f->real->pMethods->xShmMap(f->real, page, size, extend, memory);
}

static inline int disk_map_lock(sqlite3_file *file, int offset, int count, int flags)
{
    struct disk_file *f = disk_file_of(file);

    return f->real->pMethods->xShmLock(f->real, offset, count, flags);
}

static inline void disk_map_barrier(sqlite3_file *file)
{
    struct disk_file *f = disk_file_of(file);

    f->real->pMethods->xShmBarrier(f->real);
}

static inline int disk_unmap(sqlite3_file *file, int remove)
{
    struct disk_file *f = disk_file_of(file);

    return f->real->pMethods->xShmUnmap(f->real, remove);
}

static const sqlite3_io_methods disk_methods = {.iVersion = 2,
                                                .xClose = disk_close,
                                                .xRead = disk_read,
                                                .xWrite = disk_write,
                                                .xTruncate = disk_truncate,
                                                .xSync = disk_sync,
                                                .xFileSize = disk_size,
                                                .xLock = disk_lock,
                                                .xUnlock = disk_unlock,
                                                .xCheckReservedLock = disk_check_lock,
                                                .xFileControl = disk_control,
                                                .xSectorSize = disk_sector,
                                                .xDeviceCharacteristics = disk_device,
                                                .xShmMap = disk_map,
                                                .xShmLock = disk_map_lock,
                                                .xShmBarrier = disk_map_barrier,
                                                .xShmUnmap = disk_unmap};

static inline int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *got)
{
    struct disk_file *f = disk_file_of(file);
    int code;

    (void)vfs;
    f->base.pMethods = NULL;
    f->image = name == NULL ? NULL : disk_image_of(name);
    f->real = (sqlite3_file *)(void *)(f + 1);
    if (disk_fails(DISK_OPEN))
        return disk.code;
    code = disk.real->xOpen(disk.real, name, f->real, flags, got);
    if (code == SQLITE_OK)
        f->base.pMethods = &disk_methods;
    return code;
}

static inline int disk_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    struct disk_image *image = disk_image_of(name);

    (void)vfs;
    if (!disk.is_deaf) {
        disk_forget_changes(image);
        image->synced.length = 0;
    }
    return disk.real->xDelete(disk.real, name, sync);
}

static inline void disk_register(void)
{
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.pNext = NULL;
    disk.vfs.zName = DISK_NAME;
    disk.vfs.szOsFile = (int)sizeof(struct disk_file) + disk.real->szOsFile;
    disk.vfs.xOpen = disk_open;
    disk.vfs.xDelete = disk_delete;
    (void)sqlite3_vfs_register(&disk.vfs, 0);
}

/* `at` 1: the next call of one of the kinds fails; 0: none does. */
static inline void disk_begin(unsigned kinds, unsigned at, int code)
{
    disk.kinds = kinds;
    disk.countdown = at;
    disk.code = code;
    disk.hits = 0;
}

static inline void disk_end(void)
{
    disk_begin(0, 0, 0);
    while (disk.images != NULL) {
        struct disk_image *image = disk.images;

        disk.images = image->next;
        disk_forget_changes(image);
        free(image->synced.at);
        free(image);
    }
}

/* Writes what a power cut leaves of each file into `folder`: what was synced, and each other change for which `keeps`
 * says so. */
static inline void disk_cut(const char *folder, bool (*keeps)(void *ctx), void *ctx)
{
    for (const struct disk_image *image = disk.images; image != NULL; image = image->next) {
        struct disk_bytes bytes = {.length = 0};
        char name[512];
        FILE *out;

        if (image->synced.length > 0) {
            disk_extend(&bytes, image->synced.length);
            memcpy(bytes.at, image->synced.at, bytes.length);
        }
        for (const struct disk_change *one = image->changes; one != NULL; one = one->next) {
            if (keeps(ctx))
                disk_apply(one, &bytes);
        }
        (void)snprintf(name, sizeof(name), "%s%s", folder, strrchr(image->name, '/'));
        out = bytes.length > 0 ? fopen(name, "wb") : NULL;
        if (out != NULL) {
            (void)fwrite(bytes.at, 1, bytes.length, out);
            (void)fclose(out);
        }
        free(bytes.at);
    }
}

#endif
