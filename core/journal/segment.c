/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file at the path: opening it, moving it out of the way when it is full or
 * not to be trusted, making the next one.
 *
 * A file whose sync failed is never written to again: the kernel has forgotten
 * which of its pages are not on the disk, and a second sync would say that all is
 * well. It is renamed, so that a later start doesn't take it up either; one in
 * which nothing was durable yet holds nothing that isn't in memory, and is removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "journal/inner.h"
#include "journal/tail.h"

#define FIRST_LINE 256  /* bytes that surely hold a record's place */
#define NAMES_MAX  1000 /* tried for a file that is moved */

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Does the path still name the file that is open? */
static bool is_in_place(const struct gw_journal *journal)
{
    struct stat open_one;
    struct stat named;

    return fstat(journal->fd, &open_one) == 0 && lstat(journal->path, &named) == 0 && is_same_file(&open_one, &named);
}

/* Opens the path; the file is regular, and not yet locked or looked at. */
static enum gw_status open_path(const struct gw_journal *journal, int *fd, struct gw_err *err)
{
    struct stat info;
    int opened = journal->io->open(journal->path,
                                   O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);

    if (opened < 0 && errno == ELOOP)
        return gw_fail(err, GW_E_IO, "audit file %s: is a symbolic link; name the file itself", journal->path);
    if (opened < 0)
        return gw_journal_fail(journal, "open it", err);
    if (fstat(opened, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)journal->io->close(opened);
        return gw_fail(err, GW_E_IO, "audit file %s: is not a regular file; \"-\" writes to stdout", journal->path);
    }
    *fd = opened;
    return GW_OK;
}

static enum gw_status lock(const struct gw_journal *journal, int fd, struct gw_err *err)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return gw_fail(err, GW_E_BUSY, "audit file %s: is in use by another process", journal->path);
    return GW_OK;
}

/* A name is only durable when its folder is. Some file systems can't sync a folder and say EINVAL. */
static enum gw_status sync_folder(struct gw_journal *journal, struct gw_err *err)
{
    size_t length = (size_t)(journal->name - journal->path);
    char *folder = gw_str_dup(length == 0 ? GW_STR(".") : (struct gw_str){journal->path, length});
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum gw_status status = GW_OK;

    if (fd < 0 || (journal->io->sync_folder(fd) != 0 && errno != EINVAL))
        status = gw_journal_fail(journal, "sync its folder", err);
    else
        journal->folder_due = false;
    if (fd >= 0)
        (void)close(fd);
    free(folder);
    return status;
}

/* Finds the end of the chain in a file just opened, and cuts off what a crash left behind it. What is read after the
 * sync comes from the disk, not from memory: pages that an earlier process failed to write look well there. */
static enum gw_status find_end(const struct gw_journal *journal, int fd, struct gw_tail *tail, struct gw_err *err)
{
    off_t size = journal->io->size(fd);
    enum gw_status status;

    if (size < 0)
        return gw_journal_fail(journal, "look at it", err);
    if (journal->durable && size > 0) {
        if (journal->io->sync(fd) != 0)
            return gw_journal_fail(journal, "sync it", err);
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    }
    status = gw_tail_find(journal->io, fd, journal->path, tail, err);
    if (status != GW_OK || tail->half == 0)
        return status;
    if (journal->io->truncate(fd, tail->end) != 0 || (journal->durable && journal->io->sync(fd) != 0))
        return gw_journal_fail(journal, "cut off the half line at its end", err);
    gw_log(GW_LOG_WARN, "audit", "%s: %lld bytes of a half line at its end were cut off", journal->path,
           (long long)tail->half);
    return GW_OK;
}

enum gw_status gw_segment_open(struct gw_journal *journal, struct gw_err *err)
{
    struct gw_tail tail = {0};
    enum gw_status status = open_path(journal, &journal->fd, err);

    if (status == GW_OK)
        status = lock(journal, journal->fd, err);
    if (status == GW_OK)
        status = find_end(journal, journal->fd, &tail, err);
    if (status == GW_OK && journal->durable)
        status = sync_folder(journal, err);
    if (status != GW_OK)
        return status;
    journal->size = tail.end;
    journal->holds_durable = tail.end > 0;
    gw_journal_count(&journal->counters.files, tail.end == 0);
    gw_journal_settle_on(journal, tail.head);
    return GW_OK;
}

/* The number of the file's first record; of the next one where that can't be told. */
static uint64_t first_sequence(const struct gw_journal *journal)
{
    unsigned char previous[GW_DIGEST_SIZE];
    char line[FIRST_LINE];
    uint64_t sequence;
    ssize_t got = journal->io->read_at(journal->fd, line, sizeof(line), 0);

    if (got > 0 && gw_chain_parse((struct gw_str){line, (size_t)got}, &sequence, previous) == GW_OK)
        return sequence;
    return journal->synced.sequence + 1;
}

static bool is_taken(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0 || errno != ENOENT;
}

/* new: the path that the file gets when it is moved; NULL when all are taken. */
static char *choose_name(const struct gw_journal *journal)
{
    unsigned long long first = first_sequence(journal);
    size_t size = strlen(journal->path) + 32;
    char *path = gw_alloc(size);

    (void)snprintf(path, size, "%s.%012llu", journal->path, first);
    for (unsigned i = 1; i < NAMES_MAX && is_taken(path); i++)
        (void)snprintf(path, size, "%s.%012llu.%u", journal->path, first, i);
    return path;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

void gw_segment_give_up(struct gw_journal *journal, const char *reason)
{
    uint64_t after = journal->synced.sequence;

    journal->state = GW_SEGMENT_GIVEN_UP;
    journal->written = (struct gw_journal_mark){0, journal->synced};
    gw_journal_count(&journal->counters.given_up, 1);
    free(journal->moves_to);
    journal->moves_to = NULL;
    if (!journal->holds_durable)
        return;
    journal->moves_to = choose_name(journal);
    gw_event_append_continued(journal, after, last_part(journal->moves_to), reason);
    gw_log(GW_LOG_ERROR, "audit",
           "%s: %s; it is given up behind record %llu and becomes %s, the chain goes on in a new file", journal->path,
           reason, (unsigned long long)after, last_part(journal->moves_to));
}

static enum gw_status move_away(struct gw_journal *journal, const char *to, struct gw_err *err)
{
    if (is_taken(to))
        return gw_fail(err, GW_E_IO, "audit file %s: cannot be renamed, %s is in the way; move that one", journal->path,
                       to);
    if (journal->io->rename(journal->path, to) != 0)
        return gw_journal_fail(journal, "rename it", err);
    journal->folder_due = journal->durable;
    return GW_OK;
}

/* Takes the file that was given up out of the way. Somebody else may have done so. */
static enum gw_status put_aside(struct gw_journal *journal, struct gw_err *err)
{
    enum gw_status status = GW_OK;

    if (is_in_place(journal)) {
        if (journal->moves_to != NULL)
            status = move_away(journal, journal->moves_to, err);
        else if (journal->io->remove(journal->path) != 0)
            status = gw_journal_fail(journal, "remove it", err);
    }
    if (status != GW_OK)
        return status;
    (void)journal->io->close(journal->fd);
    journal->fd = -1;
    journal->state = GW_SEGMENT_GONE;
    return GW_OK;
}

/* A new file at the path, which is free, or empty. */
static enum gw_status make_new(struct gw_journal *journal, int *fd, struct gw_err *err)
{
    enum gw_status status = open_path(journal, fd, err);

    if (status != GW_OK)
        return status;
    status = lock(journal, *fd, err);
    if (status == GW_OK && journal->io->size(*fd) != 0)
        status = gw_fail(err, GW_E_IO, "audit file %s: a new one is to be made, but another is there; move it away",
                         journal->path);
    if (status != GW_OK)
        (void)journal->io->close(*fd);
    return status;
}

/* Writes go to this file from now on. */
static void take_up(struct gw_journal *journal, int fd, off_t size)
{
    journal->fd = fd;
    journal->state = GW_SEGMENT_READY;
    journal->size = size;
    journal->holds_durable = size > 0;
    journal->folder_due = journal->durable;
    gw_journal_count(&journal->counters.files, 1);
}

enum gw_status gw_segment_ready(struct gw_journal *journal, struct gw_err *err)
{
    enum gw_status status = GW_OK;
    int fd = -1;

    if (journal->state == GW_SEGMENT_GIVEN_UP)
        status = put_aside(journal, err);
    if (status == GW_OK && journal->state == GW_SEGMENT_GONE) {
        status = make_new(journal, &fd, err);
        if (status == GW_OK)
            take_up(journal, fd, 0);
    }
    if (status == GW_OK && journal->folder_due)
        status = sync_folder(journal, err);
    return status;
}

/* Makes the old file's name free and a new one at the path; where there can't be one, the old goes on. */
static enum gw_status exchange(struct gw_journal *journal, const char *to, struct gw_err *err)
{
    int old = journal->fd;
    enum gw_status status = move_away(journal, to, err);
    int fd = -1;

    if (status != GW_OK)
        return status;
    status = make_new(journal, &fd, err);
    if (status == GW_OK) {
        take_up(journal, fd, 0);
        (void)journal->io->close(old);
    } else if (journal->io->rename(to, journal->path) != 0) {
        (void)journal->io->close(old);
        journal->fd = -1;
        journal->state = GW_SEGMENT_GONE;
    }
    return status;
}

enum gw_status gw_segment_rotate(struct gw_journal *journal, struct gw_err *err)
{
    enum gw_status status;
    char *to;

    if (!is_in_place(journal))
        return gw_segment_reopen(journal, err);
    gw_event_append_checkpoint(journal);
    status = gw_output_flush(journal, true, err);
    if (status != GW_OK)
        return status;
    to = choose_name(journal);
    status = exchange(journal, to, err);
    if (status == GW_OK) {
        gw_event_append_rotated(journal, last_part(to));
        gw_event_append_checkpoint(journal);
        status = gw_output_flush(journal, true, err);
    }
    free(to);
    return status;
}

/* A file that somebody put at the path while this one was open: empty, or the same chain up to here. */
static enum gw_status adopt(struct gw_journal *journal, int fd, off_t *size, struct gw_err *err)
{
    struct gw_tail tail = {0};
    enum gw_status status = lock(journal, fd, err);

    if (status == GW_OK)
        status = find_end(journal, fd, &tail, err);
    if (status != GW_OK)
        return status;
    if (tail.end > 0 && !gw_chain_equal(&tail.head, &journal->written.head))
        return gw_fail(err, GW_E_SYNTAX,
                       "audit file %s: holds records after which this chain doesn't go on; move it away",
                       journal->path);
    *size = tail.end;
    return GW_OK;
}

/* Leaves the file, which somebody has moved, for another. What isn't known to be on its disk goes there. */
static void move_on(struct gw_journal *journal, int fd, off_t size)
{
    uint64_t after = journal->synced.sequence;
    bool is_safe = size > 0 || gw_output_sync(journal);

    if (is_safe) {
        gw_output_release(journal);
        if (size == 0)
            gw_event_append_rotated(journal, NULL);
    } else {
        journal->written = (struct gw_journal_mark){0, journal->synced};
        gw_journal_count(&journal->counters.given_up, 1);
        gw_event_append_continued(journal, after, NULL, "sync failed");
    }
    gw_event_append_checkpoint(journal);
    (void)journal->io->close(journal->fd);
    take_up(journal, fd, size);
}

enum gw_status gw_segment_reopen(struct gw_journal *journal, struct gw_err *err)
{
    struct gw_err ignored;
    enum gw_status status;
    off_t size = 0;
    int fd = -1;

    if (journal->state != GW_SEGMENT_READY)
        return gw_segment_ready(journal, err);
    if (is_in_place(journal))
        return GW_OK;
    status = open_path(journal, &fd, err);
    if (status != GW_OK)
        return status;
    status = adopt(journal, fd, &size, err);
    if (status != GW_OK) {
        (void)journal->io->close(fd);
        return status;
    }
    move_on(journal, fd, size);
    if (journal->text.length == journal->owed.length && gw_output_flush(journal, true, &ignored) != GW_OK)
        gw_log(GW_LOG_WARN, "audit", "%s", ignored.text); /* the next flush tries again */
    return GW_OK;
}
