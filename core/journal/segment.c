/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file at the path: opening it, moving it out of the way when it is full or
 * not to be trusted, making the next one.
 *
 * A file whose sync failed is never written to again: the kernel has forgotten
 * which of its pages are not on the disk, and a second sync would say that all is
 * well. It is renamed, so that a later start doesn't take it up either; one in
 * which nothing was durable yet holds nothing that isn't in memory, and is removed.
 *
 * The next file is made as PATH.new, gets what is owed, is synced, and only then
 * its name: whatever comes in between, a file at the path begins by saying what it
 * continues.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "journal/inner.h"
#include "journal/tail.h"
#include "journal/walk.h"

#define FIRST_LINE 256  /* bytes that surely hold a record's place */
#define NAMES_MAX  1000 /* tried for a file that is moved */
#define TORN_MAX                                                                                                       \
    ((off_t)66 << 20) /* bytes at a file's end that a power cut can have torn: what isn't synced at once               \
                       */
#define TORN "its end was torn by a power cut"

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

/* Opens or makes a file; it is regular, and not yet locked or looked at. */
static enum gw_status open_path(const struct gw_journal *journal, const char *path, int flags, int *fd,
                                struct gw_err *err)
{
    struct stat info;
    int opened = journal->io->open(
        path, flags | O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);

    if (opened < 0 && errno == ELOOP)
        return gw_fail(err, GW_E_IO, "audit file %s: is a symbolic link; name the file itself", path);
    if (opened < 0)
        return gw_journal_fail(journal, "open it", err);
    if (fstat(opened, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)journal->io->close(opened);
        return gw_fail(err, GW_E_IO, "audit file %s: is not a regular file; \"-\" writes to stdout", path);
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
    if (status != GW_OK || tail->half == 0 || tail->is_torn)
        return status;
    if (journal->io->truncate(fd, tail->end) != 0 || (journal->durable && journal->io->sync(fd) != 0))
        return gw_journal_fail(journal, "cut off the half line at its end", err);
    gw_log(GW_LOG_WARN, "audit", "%s: %lld bytes of a half line at its end were cut off", journal->path,
           (long long)tail->half);
    return GW_OK;
}

/* A new file that a crash left unfinished: nobody was told of what is in it. */
static enum gw_status remove_unfinished(const struct gw_journal *journal, struct gw_err *err)
{
    if (journal->io->remove(journal->new_path) == 0 || errno == ENOENT)
        return GW_OK;
    return gw_journal_fail(journal, "remove what stands beside it as .new", err);
}

/* Where the chain ends in a file whose end is torn: nowhere in it, where even its first record isn't whole. */
static enum gw_status end_torn(struct gw_journal *journal, off_t end, struct gw_err *err)
{
    struct gw_walk walk = {.io = journal->io};
    enum gw_status status = gw_walk_anchor(&walk, journal->fd, end > TORN_MAX ? end - TORN_MAX : 0);

    if (status == GW_OK && walk.at > 0 && end <= TORN_MAX)
        walk.head = (struct gw_chain_head){0};
    else if (status == GW_OK)
        status = gw_walk_on(&walk, journal->fd, UINT64_MAX);
    if (status == GW_E_IO)
        return gw_journal_fail(journal, "read its end", err);
    journal->holds_durable = true;
    gw_segment_end_at(journal, walk.head, TORN);
    return GW_OK;
}

enum gw_status gw_segment_open(struct gw_journal *journal, struct gw_err *err)
{
    struct gw_tail tail = {0};
    enum gw_status status = open_path(journal, journal->path, 0, &journal->fd, err);

    if (status == GW_OK)
        status = lock(journal, journal->fd, err);
    if (status == GW_OK)
        status = find_end(journal, journal->fd, &tail, err);
    if (status == GW_OK)
        status = remove_unfinished(journal, err);
    if (status == GW_OK && journal->durable)
        status = sync_folder(journal, err);
    if (status != GW_OK)
        return status;
    journal->size = tail.end;
    journal->holds_durable = tail.end > 0;
    gw_journal_count(&journal->counters.files, tail.end == 0);
    gw_journal_settle_on(journal, tail.head);
    return tail.is_torn ? end_torn(journal, tail.end + tail.half, err) : GW_OK;
}

enum gw_status gw_segment_check_end(struct gw_journal *journal, struct gw_err *err)
{
    struct gw_walk walk = {.io = journal->io};
    off_t size = journal->io->size(journal->fd);
    enum gw_status status;

    if (journal->state != GW_SEGMENT_READY || size == 0)
        return GW_OK;
    status = size < 0 ? GW_E_IO : gw_walk_anchor(&walk, journal->fd, size > TORN_MAX ? size - TORN_MAX : 0);
    if (status == GW_OK)
        status = gw_walk_on(&walk, journal->fd, UINT64_MAX);
    if (status == GW_E_IO)
        return gw_journal_fail(journal, "read its end", err);
    if (walk.is_torn)
        gw_segment_end_at(journal, walk.head, TORN);
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

void gw_segment_give_up(struct gw_journal *journal, const char *reason)
{
    uint64_t after = journal->synced.sequence;

    gw_journal_count(&journal->counters.given_up, journal->state == GW_SEGMENT_READY);
    journal->state = GW_SEGMENT_GIVEN_UP;
    journal->written = (struct gw_journal_mark){0, journal->synced};
    free(journal->moves_to);
    journal->moves_to = NULL;
    if (!journal->holds_durable)
        return;
    journal->moves_to = choose_name(journal);
    gw_event_append_continued(journal, after, gw_file_name(journal->moves_to), reason);
    gw_log(GW_LOG_ERROR, "audit",
           "%s: %s; it is given up behind record %llu and becomes %s, the chain goes on in a new file", journal->path,
           reason, (unsigned long long)after, gw_file_name(journal->moves_to));
}

bool gw_segment_is_lost(const struct gw_journal *journal)
{
    struct stat info;

    return fstat(journal->fd, &info) == 0 && info.st_nlink == 0;
}

void gw_segment_lose(struct gw_journal *journal)
{
    uint64_t after = journal->synced.sequence;

    gw_journal_count(&journal->counters.given_up, 1);
    journal->written = (struct gw_journal_mark){0, journal->synced};
    (void)journal->io->close(journal->fd);
    journal->fd = -1;
    journal->state = GW_SEGMENT_GONE;
    gw_event_append_continued(journal, after, NULL, "the file was removed");
    gw_log(GW_LOG_ERROR, "audit",
           "%s: was removed, with what it held up to record %llu; the chain goes on in a new file", journal->path,
           (unsigned long long)after);
}

void gw_segment_end_at(struct gw_journal *journal, struct gw_chain_head head, const char *reason)
{
    if (journal->state == GW_SEGMENT_GIVEN_UP && gw_chain_equal(&journal->synced, &head))
        return;
    gw_journal_settle_on(journal, head);
    gw_segment_give_up(journal, reason);
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

/* Closes a file that was to be the next. */
static void drop_new(struct gw_journal *journal, int fd)
{
    (void)journal->io->remove(journal->new_path);
    (void)journal->io->close(fd);
}

/* Makes the file that is to follow, with what is owed in it; it has no place yet. */
static enum gw_status make_new(struct gw_journal *journal, int *fd, struct gw_err *err)
{
    enum gw_status status = open_path(journal, journal->new_path, O_TRUNC, fd, err);

    if (status != GW_OK)
        return status;
    status = lock(journal, *fd, err);
    if (status == GW_OK && journal->owed.length > 0)
        status = gw_output_copy_owed(journal, *fd, err);
    if (status != GW_OK)
        drop_new(journal, *fd);
    return status;
}

/* Gives the new file the path; an empty file that somebody has made there goes. */
static enum gw_status place_new(struct gw_journal *journal, struct gw_err *err)
{
    struct stat info;

    if (lstat(journal->path, &info) == 0 && (!S_ISREG(info.st_mode) || info.st_size > 0))
        return gw_fail(err, GW_E_IO, "audit file %s: a new one is to be made, but another is there; move it away",
                       journal->path);
    if (journal->io->rename(journal->new_path, journal->path) != 0)
        return gw_journal_fail(journal, "give a new one its name", err);
    return GW_OK;
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

/* Likewise, of one that make_new has made: what was owed is in it, but not durable before its name is. */
static void take_up_new(struct gw_journal *journal, int fd)
{
    take_up(journal, fd, (off_t)journal->owed.length);
    journal->holds_durable = false;
    journal->written = journal->owed;
}

/* The old file goes out of the way, a new one takes its place. */
static enum gw_status replace(struct gw_journal *journal, struct gw_err *err)
{
    enum gw_status status;
    int fd = -1;

    status = make_new(journal, &fd, err);
    if (status != GW_OK)
        return status;
    if (journal->state == GW_SEGMENT_GIVEN_UP)
        status = put_aside(journal, err);
    if (status == GW_OK)
        status = place_new(journal, err);
    if (status != GW_OK) {
        drop_new(journal, fd);
        return status;
    }
    take_up_new(journal, fd);
    return GW_OK;
}

enum gw_status gw_segment_ready(struct gw_journal *journal, struct gw_err *err)
{
    enum gw_status status = GW_OK;

    if (journal->state != GW_SEGMENT_READY)
        status = replace(journal, err);
    if (status == GW_OK && journal->folder_due)
        status = sync_folder(journal, err);
    return status;
}

/* Makes the old file's name free and a new one at the path; where there can't be one, the old goes on. */
static enum gw_status exchange(struct gw_journal *journal, const char *to, struct gw_err *err)
{
    enum gw_status status;
    int fd = -1;

    status = make_new(journal, &fd, err);
    if (status != GW_OK)
        return status;
    status = move_away(journal, to, err);
    if (status != GW_OK) {
        drop_new(journal, fd);
        return status;
    }
    status = place_new(journal, err);
    if (status == GW_OK) {
        (void)journal->io->close(journal->fd);
        take_up_new(journal, fd);
        return GW_OK;
    }
    drop_new(journal, fd);
    if (journal->io->rename(to, journal->path) != 0) {
        (void)journal->io->close(journal->fd);
        journal->fd = -1;
        journal->state = GW_SEGMENT_GONE;
    }
    return status;
}

enum gw_status gw_segment_rotate(struct gw_journal *journal, struct gw_err *err)
{
    struct gw_journal_mark end;
    struct gw_chain_head checkpointed;
    enum gw_status status;
    char *to;

    if (!is_in_place(journal))
        return gw_segment_reopen(journal, err);
    gw_event_append_checkpoint(journal);
    status = gw_output_flush(journal, true, err);
    if (status != GW_OK)
        return status;
    end = journal->owed;
    checkpointed = journal->checkpointed;
    to = choose_name(journal);
    gw_event_append_rotated(journal, gw_file_name(to));
    gw_event_append_checkpoint(journal);
    status = exchange(journal, to, err);
    free(to);
    if (status == GW_OK)
        return gw_output_flush(journal, true, err);
    if (journal->state == GW_SEGMENT_READY) { /* in the old file, which is none that follows */
        journal->owed = end;
        journal->checkpointed = checkpointed;
        gw_journal_drop(journal);
    }
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

/* Leaves the file, which somebody has moved, for another. What isn't known to be on its disk is written again; that
 * other, which is empty then, is replaced by one that begins with it. */
static void move_on(struct gw_journal *journal, int fd, off_t size)
{
    bool is_safe = size > 0 || gw_output_sync(journal);

    if (!is_safe) {
        free(journal->moves_to);
        journal->moves_to = NULL;
        gw_journal_count(&journal->counters.given_up, 1);
        journal->written = (struct gw_journal_mark){0, journal->synced};
        gw_event_append_continued(journal, journal->synced.sequence, NULL, "sync failed");
        (void)journal->io->close(fd);
        (void)journal->io->close(journal->fd);
        journal->fd = -1;
        journal->state = GW_SEGMENT_GONE;
        return;
    }
    gw_output_release(journal);
    (void)journal->io->close(journal->fd);
    take_up(journal, fd, size);
    if (size == 0)
        gw_event_append_rotated(journal, NULL);
    gw_event_append_checkpoint(journal);
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
    status = open_path(journal, journal->path, 0, &fd, err);
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
