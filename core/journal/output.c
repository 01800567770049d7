/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gets the text into the file: as few writes as the system allows, one sync. Where
 * a write begins is asked of the file itself each time, so that a file that
 * something else has shortened (logrotate's copytruncate) is cut at the right
 * place after a failure.
 *
 * It doesn't retry what failed, but for what is owed: the callers of a batch have
 * been refused and have not applied anything.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "journal/inner.h"

#define UNSYNCED_MAX   ((size_t)1 << 20) /* kept in memory; past it a sync is made unasked */
#define STDOUT_WAIT_MS 5000              /* for a reader of stdout that is behind */

/* Waits until a non-blocking descriptor takes more. */
static bool wait_writable(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLOUT};

    return poll(&poller, 1, STDOUT_WAIT_MS) == 1 && (poller.revents & POLLOUT) != 0;
}

/* Writes it all; `*written` says how much went out, also on failure. errno is set then. */
static bool write_all(struct gw_journal *journal, int fd, struct gw_str bytes, size_t *written)
{
    *written = 0;
    while (*written < bytes.length) {
        ssize_t count = journal->io->write(fd, bytes.at + *written, bytes.length - *written);

        if (count > 0) {
            *written += (size_t)count;
            gw_journal_count(&journal->counters.bytes, (uint64_t)count);
        } else if (count == 0) {
            errno = EIO;
            return false;
        } else if (errno == EAGAIN) {
            if (!wait_writable(fd)) {
                errno = EAGAIN;
                return false;
            }
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

static bool sync_file(struct gw_journal *journal, int fd)
{
    int failed = 0;

    if (!journal->durable)
        return true;
    do
        failed = journal->io->sync(fd);
    while (failed != 0 && errno == EINTR);
    if (failed == 0)
        gw_journal_count(&journal->counters.syncs, 1);
    return failed == 0;
}

bool gw_output_sync(struct gw_journal *journal)
{
    return sync_file(journal, journal->fd);
}

enum gw_status gw_output_copy_owed(struct gw_journal *journal, int fd, struct gw_err *err)
{
    size_t count;

    if (!write_all(journal, fd, (struct gw_str){journal->text.at, journal->owed.length}, &count))
        return gw_journal_fail(journal, "write to a new one", err);
    if (!sync_file(journal, fd))
        return gw_journal_fail(journal, "sync a new one", err);
    return GW_OK;
}

void gw_output_release(struct gw_journal *journal)
{
    size_t length = journal->written.length;

    if (length == 0)
        return;
    journal->synced = journal->written.head;
    journal->holds_durable = true;
    gw_buf_consume(&journal->text, length);
    journal->written.length = 0;
    journal->owed.length -= length;
}

static void give_up(struct gw_journal *journal, const char *what)
{
    char words[128];
    char reason[192];
    int number = errno;

    (void)snprintf(reason, sizeof(reason), "%s: %s", what, strerror_r(number, words, sizeof(words)));
    gw_journal_drop(journal);
    gw_segment_give_up(journal, reason);
}

/* Makes the file as long as it was before a write that failed, durably where records are. */
static void cut_off(struct gw_journal *journal, off_t start)
{
    if (journal->io->truncate(journal->fd, start) != 0) {
        give_up(journal, "cutting off what was half written failed");
    } else if (gw_output_sync(journal)) {
        gw_output_release(journal);
    } else {
        give_up(journal, "sync failed");
    }
}

static enum gw_status write_text(struct gw_journal *journal, struct gw_err *err)
{
    size_t from = journal->written.length;
    struct gw_str text = gw_str_slice(gw_buf_str(&journal->text), from, journal->text.length - from);
    off_t start = journal->io->size(journal->fd);
    enum gw_status status;
    size_t count;

    if (start < 0)
        return gw_journal_fail(journal, "look at it", err);
    if (write_all(journal, journal->fd, text, &count)) {
        journal->size = start + (off_t)count;
        journal->written = (struct gw_journal_mark){journal->text.length, journal->head};
        return GW_OK;
    }
    status = gw_journal_fail(journal, "write to it", err);
    gw_journal_drop(journal);
    if (count > 0)
        cut_off(journal, start);
    return status;
}

enum gw_status gw_output_put(struct gw_journal *journal, bool sync, struct gw_err *err)
{
    enum gw_status status = gw_segment_ready(journal, err);

    if (status == GW_OK && gw_segment_is_lost(journal)) {
        gw_journal_drop(journal);
        gw_segment_lose(journal);
        return gw_fail(err, GW_E_IO, "audit file %s: was removed while eksgate had it", journal->path);
    }
    if (status == GW_OK && journal->text.length > journal->written.length)
        status = write_text(journal, err);
    if (status != GW_OK || journal->written.length == 0)
        return status;
    if (journal->durable && !sync && journal->text.length <= UNSYNCED_MAX)
        return GW_OK;
    if (!gw_output_sync(journal)) {
        status = gw_journal_fail(journal, "sync it", err);
        give_up(journal, "sync failed");
        return status;
    }
    journal->owed = journal->written;
    gw_output_release(journal);
    return GW_OK;
}

/* What went out can't be taken back: what follows says that it doesn't count. */
static enum gw_status put_stdout(struct gw_journal *journal, struct gw_err *err)
{
    struct gw_str text = gw_buf_str(&journal->text);
    enum gw_status status;
    char last = '\n';
    size_t count = 0;

    if (journal->half_line && !write_all(journal, journal->fd, GW_STR("\n"), &count))
        return gw_journal_fail(journal, "write to it", err);
    journal->half_line = false;
    if (write_all(journal, journal->fd, text, &count)) {
        journal->written = (struct gw_journal_mark){journal->text.length, journal->head};
        journal->owed = journal->written;
        gw_output_release(journal);
        return GW_OK;
    }
    status = gw_journal_fail(journal, "write to it", err);
    if (count > 0)
        last = text.at[count - 1];
    journal->half_line = last != '\n';
    gw_journal_drop(journal);
    if (count > 0)
        gw_event_append_continued(journal, journal->written.head.sequence, NULL, "writing to stdout failed");
    return status;
}

enum gw_status gw_output_flush(struct gw_journal *journal, bool sync, struct gw_err *err)
{
    enum gw_status status = journal->is_stdout ? put_stdout(journal, err) : gw_output_put(journal, sync, err);
    struct gw_err ignored;

    if (status == GW_OK) {
        journal->owed = (struct gw_journal_mark){journal->text.length, journal->head};
        return GW_OK;
    }
    gw_journal_drop(journal);
    /* The next flush tries again where this doesn't help. */
    if (journal->state != GW_SEGMENT_READY && gw_output_put(journal, true, &ignored) != GW_OK)
        gw_journal_drop(journal);
    return status;
}
