/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins the chain to the store at a start. What the store has committed is a place
 * in the chain; the changes recorded behind it were not applied, since a batch's
 * records are written before it is committed.
 *
 * Reads the chain from that place to its end, in the file at the path and, where
 * the place isn't in it, in the files beside it. Where the end of the chain turns
 * out to be no chain (a power cut in the middle of a write), the file is given up
 * behind the last record that follows.
 *
 * What was forwarded and not answered has nothing to do with the store; it is
 * looked for by itself (forwarded.c), at the chain's end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "journal/forwarded.h"
#include "journal/history.h"
#include "journal/inner.h"
#include "journal/pending.h"
#include "journal/walk.h"

#define TEXT_AT_ONCE ((size_t)1 << 20)
#define BROKEN       "what follows is no record of the chain"
#define ADVICE       "put the right file back, or move this one away to begin a new one"

struct begin {
    struct gw_journal *journal;
    const struct gw_journal_start *start;
    struct gw_history files; /* the journal's own is the last, unless it is empty */
    bool is_empty;           /* the journal's own file */
    size_t *stops;           /* the files that the chain goes through, the last first */
    size_t stop_count;
    uint64_t gap; /* a record that was looked for and is in no file */
    struct gw_walk walk;
    struct gw_pending pending;
    struct gw_forwarded forwarded;
};

static enum gw_status fail_read(const char *path, struct gw_err *err)
{
    char text[128];
    int number = errno;

    return gw_fail(err, GW_E_IO, "audit file %s: cannot read it: %s", path, strerror_r(number, text, sizeof(text)));
}

/* The journal's own file as a part of the chain. One that is torn from its beginning is none. */
static enum gw_status read_own(struct begin *begin, struct gw_history_file *own, struct gw_err *err)
{
    struct gw_journal *journal = begin->journal;
    bool is_no_part = journal->state == GW_SEGMENT_GIVEN_UP && journal->synced.sequence == 0;
    enum gw_status status =
        is_no_part ? GW_E_MISSING : gw_walk_first(journal->io, journal->fd, &own->first, own->previous);

    if (status == GW_E_IO)
        return fail_read(journal->path, err);
    if (status == GW_E_SYNTAX)
        return gw_fail(err, GW_E_SYNTAX, "audit file %s: does not begin with a record of an audit chain; " ADVICE,
                       journal->path);
    if (status == GW_E_UNKNOWN)
        gw_segment_end_at(journal, (struct gw_chain_head){0}, BROKEN);
    begin->is_empty = status != GW_OK;
    own->path = gw_str_dup(gw_str_from(journal->path));
    return GW_OK;
}

/* Finds the files in which the chain goes on behind what the store has committed. */
static enum gw_status find_files(struct begin *begin, struct gw_err *err)
{
    struct gw_history *files = &begin->files;
    struct gw_history_file own = {.path = NULL};
    enum gw_status status = read_own(begin, &own, err);

    if (status == GW_OK && (begin->is_empty || own.first > begin->start->committed.sequence + 1))
        status = gw_history_find(begin->journal->io, begin->journal->path, files, err);
    if (status != GW_OK || begin->is_empty) {
        free(own.path);
        return status;
    }
    while (files->count > 0 && files->files[files->count - 1].first >= own.first)
        free(files->files[--files->count].path);
    files->files = gw_realloc(files->files, (files->count + 1) * sizeof(own));
    files->files[files->count++] = own;
    return GW_OK;
}

static bool is_own(const struct begin *begin, size_t i)
{
    return !begin->is_empty && i + 1 == begin->files.count;
}

/* A file beside the journal's; what is read of the newest must be on the disk, as nothing will sync it later. */
static enum gw_status open_part(const struct begin *begin, size_t i, int *fd, struct gw_err *err)
{
    const struct gw_journal *journal = begin->journal;
    const char *path = begin->files.files[i].path;

    if (is_own(begin, i)) {
        *fd = journal->fd;
        return GW_OK;
    }
    *fd = journal->io->open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (*fd < 0)
        return fail_read(path, err);
    if (journal->durable && begin->is_empty) {
        if (journal->io->sync(*fd) != 0) {
            (void)journal->io->close(*fd);
            return fail_read(path, err);
        }
        (void)posix_fadvise(*fd, 0, 0, POSIX_FADV_DONTNEED);
    }
    return GW_OK;
}

static void close_part(const struct begin *begin, size_t i, int fd)
{
    if (!is_own(begin, i))
        (void)begin->journal->io->close(fd);
}

/* Sets the walk behind a record, which may be in this file: GW_E_MISSING when it isn't. */
static enum gw_status stand_behind(struct begin *begin, size_t i, const struct gw_chain_head *record,
                                   struct gw_err *err)
{
    enum gw_status status;
    int fd = -1;

    status = open_part(begin, i, &fd, err);
    if (status != GW_OK)
        return status;
    status = gw_walk_find(begin->journal->io, fd, record->sequence, &begin->walk.at);
    if (status == GW_OK)
        status = gw_walk_pass(&begin->walk, fd, record);
    if (status == GW_E_IO)
        status = fail_read(begin->files.files[i].path, err);
    close_part(begin, i, fd);
    return status;
}

/* Looks for the file in which the chain stood before file `i` was begun; what given-up files and other chains left
 * beside it doesn't hold that record. */
static enum gw_status find_before(struct begin *begin, size_t i, size_t *found, struct gw_err *err)
{
    const struct gw_history_file *files = begin->files.files;
    struct gw_chain_head wanted = {.sequence = files[i].first - 1};
    enum gw_status status = GW_E_MISSING;

    memcpy(wanted.hash, files[i].previous, sizeof(wanted.hash));
    for (size_t k = begin->files.count; k > 0 && status == GW_E_MISSING; k--) {
        if (files[k - 1].first > wanted.sequence)
            continue;
        status = stand_behind(begin, k - 1, &wanted, err);
        *found = k - 1;
    }
    if (status == GW_E_MISSING)
        begin->gap = wanted.sequence;
    return status;
}

/* The way from the committed record to the file `last`, found backwards by the links; the walk stands at its start.
 * GW_E_MISSING: there is none. */
static enum gw_status find_route(struct begin *begin, size_t last, struct gw_err *err)
{
    const struct gw_chain_head *committed = &begin->start->committed;
    const struct gw_history_file *files = begin->files.files;
    enum gw_status status;
    size_t i = last;

    begin->stop_count = 0;
    begin->stops[begin->stop_count++] = i;
    while (files[i].first > committed->sequence && !gw_history_follows(&files[i], committed)) {
        if (files[i].first == 1)
            return GW_E_MISSING;
        status = find_before(begin, i, &i, err);
        if (status != GW_OK)
            return status;
        begin->stops[begin->stop_count++] = i;
    }
    if (files[i].first <= committed->sequence)
        return stand_behind(begin, i, committed, err);
    begin->walk.head = *committed;
    begin->walk.at = 0;
    return GW_OK;
}

/* Reads the chain on through the files of the route. Each but the last counts up to where the next begins, and must
 * reach that. */
static enum gw_status walk_route(struct begin *begin, struct gw_err *err)
{
    struct gw_walk *walk = &begin->walk;

    for (size_t k = begin->stop_count; k > 0; k--) {
        size_t i = begin->stops[k - 1];
        const struct gw_history_file *next = k > 1 ? &begin->files.files[begin->stops[k - 2]] : NULL;
        enum gw_status status;
        int fd = -1;

        if (k < begin->stop_count)
            walk->at = 0;
        status = open_part(begin, i, &fd, err);
        if (status != GW_OK)
            return status;
        status = gw_walk_on(walk, fd, next != NULL ? next->first - 1 : UINT64_MAX);
        if (status != GW_OK)
            status = fail_read(begin->files.files[i].path, err);
        close_part(begin, i, fd);
        if (status != GW_OK)
            return status;
        if (next != NULL && !gw_history_follows(next, &walk->head)) {
            begin->gap = walk->head.sequence + 1;
            return GW_E_MISSING;
        }
    }
    return GW_OK;
}

static enum gw_status refuse_gap(const struct begin *begin, struct gw_err *err)
{
    return gw_fail(err, GW_E_MISSING,
                   "audit file %s: begins with record %llu, but record %llu, which comes before it and which the store "
                   "needs, is in no file beside it; put that file back, or move this one away to begin a new one",
                   begin->journal->path, (unsigned long long)begin->files.files[begin->files.count - 1].first,
                   (unsigned long long)begin->gap);
}

static enum gw_status refuse_place(const struct begin *begin, struct gw_err *err)
{
    unsigned long long committed = begin->start->committed.sequence;
    unsigned long long end = begin->journal->head.sequence;

    if (end < committed)
        return gw_fail(err, GW_E_MISSING,
                       "audit file %s: ends with record %llu, but the store has committed record %llu: its end was cut "
                       "off, or it is another store's; " ADVICE,
                       begin->journal->path, end, committed);
    return gw_fail(err, GW_E_MISSING,
                   "audit file %s: its record %llu is another than the one that the store has committed; " ADVICE,
                   begin->journal->path, committed);
}

/* A file with records in it: what the store has committed must be in the chain. */
static enum gw_status join_records(struct begin *begin, struct gw_err *err)
{
    bool is_restored = begin->start->is_restored;
    enum gw_status status = find_route(begin, begin->files.count - 1, err);

    if (status == GW_E_MISSING && begin->gap != 0 && is_restored) {
        gw_log(GW_LOG_WARN, "audit", "%s: record %llu, which the restored store has committed, is in no file beside it",
               begin->journal->path, (unsigned long long)begin->start->committed.sequence);
        return GW_OK;
    }
    if (status == GW_OK && !is_restored)
        status = walk_route(begin, err);
    if (status == GW_E_MISSING)
        return begin->gap != 0 ? refuse_gap(begin, err) : refuse_place(begin, err);
    if (status == GW_OK && begin->walk.is_broken)
        gw_segment_end_at(begin->journal, begin->walk.head, BROKEN);
    return status;
}

/* The journal's own file is empty, or torn from its beginning. */
static void go_on_from(struct begin *begin, struct gw_chain_head head)
{
    if (begin->journal->state == GW_SEGMENT_GIVEN_UP)
        gw_segment_end_at(begin->journal, head, BROKEN);
    else
        gw_journal_settle_on(begin->journal, head);
}

/* An empty file: the chain goes on from its end in the files beside it, else from what the store has committed. */
static enum gw_status join_empty(struct begin *begin, struct gw_err *err)
{
    enum gw_status status = GW_E_MISSING;

    for (size_t i = begin->files.count; i > 0 && status == GW_E_MISSING; i--) {
        gw_pending_reset(&begin->pending);
        begin->walk.is_broken = begin->walk.is_torn = false;
        status = find_route(begin, i - 1, err);
        if (status == GW_OK)
            status = walk_route(begin, err);
    }
    if (status == GW_E_MISSING) {
        gw_pending_reset(&begin->pending);
        gw_log(GW_LOG_WARN, "audit", "%s: record %llu, which the store has committed, is in no file beside it",
               begin->journal->path, (unsigned long long)begin->start->committed.sequence);
        go_on_from(begin, begin->start->committed);
        return GW_OK;
    }
    if (status != GW_OK)
        return status;
    go_on_from(begin, begin->walk.head);
    if (begin->walk.is_broken)
        gw_event_append_continued(begin->journal, begin->walk.head.sequence,
                                  gw_file_name(begin->files.files[begin->stops[0]].path), BROKEN);
    return GW_OK;
}

/* A new store: only records of an earlier start with it, which committed nothing, are its. */
static enum gw_status join_new(struct begin *begin, struct gw_err *err)
{
    struct gw_history_file own = {.path = NULL};
    enum gw_status status = read_own(begin, &own, err);

    free(own.path);
    if (status != GW_OK || begin->is_empty)
        return status;
    begin->walk.head.sequence = own.first - 1;
    memcpy(begin->walk.head.hash, own.previous, sizeof(own.previous));
    if (gw_walk_on(&begin->walk, begin->journal->fd, UINT64_MAX) != GW_OK)
        return fail_read(begin->journal->path, err);
    if (begin->walk.is_torn)
        gw_segment_end_at(begin->journal, begin->walk.head, BROKEN);
    return GW_OK;
}

/* What the records of the last process say that the store had must still be there. An older copy is another matter: the
 * record of a start that it doesn't know tells it apart. */
static enum gw_status check_store(const struct begin *begin, struct gw_err *err)
{
    const struct gw_pending *pending = &begin->pending;
    uint64_t committed = begin->start->committed.sequence;

    if (begin->start->is_restored || pending->is_older || pending->committed <= committed)
        return GW_OK;
    return gw_fail(
        err, GW_E_MISSING,
        "audit file %s: by its record %llu the store had committed record %llu, but the newest that it knows "
        "is %llu: its -wal file is gone or damaged; put that back, or a backup (eksgate restore), or move "
        "this file away to go on without what is lost",
        begin->journal->path, (unsigned long long)pending->said_by, (unsigned long long)pending->committed,
        (unsigned long long)committed);
}

static enum gw_status join(struct begin *begin, struct gw_err *err)
{
    enum gw_status status;

    if (begin->journal->is_stdout)
        return GW_OK;
    if (!begin->start->is_durable)
        return gw_segment_check_end(begin->journal, err);
    if (begin->start->is_new)
        return join_new(begin, err);
    status = find_files(begin, err);
    if (status != GW_OK)
        return status;
    begin->stops = gw_alloc_zero(begin->files.count + 1, sizeof(*begin->stops));
    if (begin->is_empty)
        return join_empty(begin, err); /* moving the file away is how a person goes on */
    status = join_records(begin, err);
    return status == GW_OK ? check_store(begin, err) : status;
}

static const char *store_word(const struct begin *begin)
{
    const struct gw_journal_start *start = begin->start;

    if (!start->is_durable)
        return "none";
    if (start->is_new)
        return "new";
    if (start->is_restored)
        return "restored";
    return begin->pending.is_older ? "older" : "kept";
}

/* Changes that were told to be made aren't in the store. Restoring a backup has said so itself. */
static void warn_older(const struct begin *begin)
{
    if (begin->start->is_new)
        gw_log(
            GW_LOG_WARN, "audit",
            "%s: tells of changes to a store, and the store is new: if it isn't meant to be, end eksgate and put the "
            "database back",
            begin->journal->path);
    else
        gw_log(GW_LOG_WARN, "audit",
               "%s: tells of changes to a store behind record %llu, which are not in this one: it is an older copy, or "
               "another gateway's",
               begin->journal->path, (unsigned long long)begin->start->committed.sequence);
}

static enum gw_status settle(struct begin *begin, struct gw_err *err)
{
    static const char *const reasons[] = {[GW_JOURNAL_APPLIED] = "found in the store at a start",
                                          [GW_JOURNAL_NOT_APPLIED] = "not found in the store at a start"};
    struct gw_journal *journal = begin->journal;
    enum gw_status status = GW_OK;

    if (begin->pending.is_full)
        return gw_fail(err, GW_E_LIMIT,
                       "audit file %s: more than %zu changes are behind the store's last commit; " ADVICE,
                       journal->path, GW_PENDING_MAX);
    for (size_t i = 0; i < begin->pending.count && status == GW_OK; i++) {
        const struct gw_pending_change *change = &begin->pending.changes[i];

        gw_event_append_settled(journal, change->sequence, change->outcome, GW_JOURNAL_STORE, reasons[change->outcome]);
        if (journal->text.length > TEXT_AT_ONCE)
            status = gw_output_flush(journal, true, err);
    }
    return status;
}

/* What was forwarded when the last process ended: whoever it went to may have done it, or not. */
static enum gw_status settle_forwarded(struct begin *begin, struct gw_err *err)
{
    struct gw_journal *journal = begin->journal;
    enum gw_status status = gw_forwarded_find(journal, &begin->forwarded, err);

    for (size_t i = 0; i < begin->forwarded.count && status == GW_OK; i++) {
        gw_event_append_settled(journal, begin->forwarded.sequences[i], GW_JOURNAL_UNKNOWN, GW_JOURNAL_UPSTREAM,
                                "eksgate ended before the upstream answered");
        if (journal->text.length > TEXT_AT_ONCE)
            status = gw_output_flush(journal, true, err);
    }
    return status;
}

static enum gw_status tell(struct begin *begin, struct gw_err *err)
{
    struct gw_journal *journal = begin->journal;
    const struct gw_journal_start *start = begin->start;
    struct gw_event_begun begun = {.is_new_chain = journal->synced.sequence == 0,
                                   .store = store_word(begin),
                                   .start = start,
                                   .settled = begin->pending.count};
    enum gw_status status;

    if (begin->pending.is_older)
        warn_older(begin);
    if (start->is_durable && start->has_unrecorded && !journal->is_stdout)
        gw_log(GW_LOG_WARN, "audit", "%s: the store was changed while there was no audit file; a record says so",
               journal->path);
    if (start->is_durable && ((start->is_restored && !start->is_new) || begin->pending.is_older)) {
        begun.up_to = journal->head.sequence;
        begun.settled = 0;
        gw_pending_reset(&begin->pending);
    }
    status = settle_forwarded(begin, err);
    if (status == GW_OK)
        status = settle(begin, err);
    if (status != GW_OK)
        return status;
    gw_event_append_begun(journal, &begun);
    gw_event_append_checkpoint(journal);
    return gw_output_flush(journal, true, err);
}

enum gw_status gw_journal_begin(struct gw_journal *journal, const struct gw_journal_start *start,
                                struct gw_journal_begun *begun, struct gw_err *err)
{
    struct begin begin = {.journal = journal, .start = start};
    enum gw_status status;

    gw_pending_init(&begin.pending, start);
    begin.walk = (struct gw_walk){.io = journal->io, .ctx = &begin.pending, .on_record = gw_pending_on_record};
    status = join(&begin, err);
    gw_journal_committed(journal, start->is_durable ? start->committed.sequence : 0);
    if (status == GW_OK)
        status = tell(&begin, err);
    if (status == GW_OK)
        *begun = (struct gw_journal_begun){.settled = begin.pending.count, .unknown = begin.forwarded.count};
    else
        journal->is_open = false;
    free(begin.stops);
    gw_pending_fini(&begin.pending);
    gw_forwarded_fini(&begin.forwarded);
    gw_history_fini(&begin.files);
    return status;
}
