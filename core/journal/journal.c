/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending to the audit file. A batch is collected in memory, written by as few
 * calls as the system allows, synced once. Where the batch begins is asked of the
 * file itself each time, so a file that something else has shortened (logrotate's
 * copytruncate) is cut at the right place after a failure.
 *
 * It doesn't know what a record holds, and it doesn't retry: a batch that failed
 * is refused to its callers, who have not applied anything yet.
 */
#include "journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH_MAX      ((size_t)1 << 30)
#define BATCH_KEPT     ((size_t)1 << 20) /* memory kept between batches */
#define STDOUT_WAIT_MS 5000              /* for a reader of stdout that is behind */

struct gw_journal {
    char *path;
    const struct gw_journal_io *io;
    struct gw_buf batch;
    int fd;
    bool is_stdout;
    bool durable;
    bool failed;
    bool half_line; /* stdout: the last write ended inside a line */
    off_t cut_at;   /* when failed: where the batch that failed begins */
};

static const struct gw_journal_io system_io = {.write = write, .sync = fdatasync, .truncate = ftruncate};

static enum gw_status fail_errno(struct gw_err *err, const char *path, const char *what)
{
    char text[128];
    int number = errno;

    return gw_fail(err, GW_E_IO, "audit file %s: cannot %s: %s", path, what, strerror_r(number, text, sizeof(text)));
}

/* Waits until a non-blocking descriptor takes more. */
static bool wait_writable(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLOUT};

    return poll(&poller, 1, STDOUT_WAIT_MS) == 1 && (poller.revents & POLLOUT) != 0;
}

/* Writes it all; `*written` says how much went out, also on failure. errno is set then. */
static bool write_all(const struct gw_journal *journal, int fd, struct gw_str bytes, size_t *written)
{
    *written = 0;
    while (*written < bytes.length) {
        ssize_t count = journal->io->write(fd, bytes.at + *written, bytes.length - *written);

        if (count > 0) {
            *written += (size_t)count;
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

/* Ends a line that a crash cut short. */
static enum gw_status end_half_line(const struct gw_journal *journal, int fd, struct gw_err *err)
{
    struct stat info;
    size_t written;
    char last = '\n';

    if (fstat(fd, &info) != 0)
        return fail_errno(err, journal->path, "look at it");
    if (info.st_size > 0 && pread(fd, &last, 1, info.st_size - 1) != 1)
        return fail_errno(err, journal->path, "read its end");
    if (last != '\n' && !write_all(journal, fd, GW_STR("\n"), &written))
        return fail_errno(err, journal->path, "end its last line");
    return GW_OK;
}

/* A new file is only durable when its folder is. Some file systems can't sync a folder and say EINVAL. */
static enum gw_status sync_folder(const struct gw_journal *journal, struct gw_err *err)
{
    const char *slash = strrchr(journal->path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - journal->path);
    char *folder = gw_str_dup(slash == NULL ? GW_STR(".") : (struct gw_str){journal->path, length > 0 ? length : 1});
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum gw_status status = GW_OK;

    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        status = fail_errno(err, journal->path, "sync its folder");
    if (fd >= 0)
        (void)close(fd);
    free(folder);
    return status;
}

/* Opens the path; the file is regular, not yet locked or looked at. */
static enum gw_status open_path(const struct gw_journal *journal, int *fd, struct gw_err *err)
{
    struct stat info;
    int opened =
        open(journal->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);

    if (opened < 0 && errno == ELOOP)
        return gw_fail(err, GW_E_IO, "audit file %s: is a symbolic link; name the file itself", journal->path);
    if (opened < 0)
        return fail_errno(err, journal->path, "open it");
    if (fstat(opened, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)close(opened);
        return gw_fail(err, GW_E_IO, "audit file %s: is not a regular file; \"-\" writes to stdout", journal->path);
    }
    *fd = opened;
    return GW_OK;
}

/* Locks the file and makes it ready for the next record. */
static enum gw_status adopt(const struct gw_journal *journal, int fd, struct gw_err *err)
{
    enum gw_status status;

    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return gw_fail(err, GW_E_BUSY, "audit file %s: is in use by another process", journal->path);
    status = end_half_line(journal, fd, err);
    if (status == GW_OK && journal->durable)
        status = sync_folder(journal, err);
    return status;
}

enum gw_status gw_journal_open(const struct gw_journal_options *options, struct gw_journal **journal,
                               struct gw_err *err)
{
    struct gw_journal *j = gw_alloc_zero(1, sizeof(*j));
    enum gw_status status = GW_OK;

    j->path = gw_str_dup(gw_str_from(options->path));
    j->io = options->io != NULL ? options->io : &system_io;
    j->is_stdout = strcmp(options->path, "-") == 0;
    j->durable = options->durable && !j->is_stdout;
    j->fd = j->is_stdout ? STDOUT_FILENO : -1;
    gw_buf_init(&j->batch, BATCH_MAX);
    if (!j->is_stdout)
        status = open_path(j, &j->fd, err);
    if (status == GW_OK && !j->is_stdout)
        status = adopt(j, j->fd, err);
    if (status != GW_OK) {
        gw_journal_close(&j);
        return status;
    }
    *journal = j;
    return GW_OK;
}

void gw_journal_close(struct gw_journal **journal)
{
    struct gw_journal *j = *journal;

    if (j == NULL)
        return;
    *journal = NULL;
    if (!j->is_stdout && j->fd >= 0)
        (void)close(j->fd);
    gw_buf_fini(&j->batch);
    free(j->path);
    free(j);
}

static void replace_newlines(char *at, size_t length)
{
    for (char *hit = memchr(at, '\n', length); hit != NULL; hit = memchr(at, '\n', length)) {
        *hit++ = ' ';
        length -= (size_t)(hit - at);
        at = hit;
    }
}

enum gw_status gw_journal_append(struct gw_journal *journal, struct gw_str record)
{
    size_t start = journal->batch.length;

    if (record.length > GW_JOURNAL_RECORD_MAX || gw_buf_reserve(&journal->batch, record.length + 1) != GW_OK)
        return GW_E_LIMIT;
    gw_buf_append_str(&journal->batch, record);
    gw_buf_append_byte(&journal->batch, '\n');
    replace_newlines(journal->batch.at + start, record.length);
    return GW_OK;
}

void gw_journal_discard(struct gw_journal *journal)
{
    if (journal->batch.capacity > BATCH_KEPT)
        gw_buf_fini(&journal->batch);
    gw_buf_clear(&journal->batch);
}

/* What went out can't be taken back: go on only where nothing did. */
static enum gw_status flush_stdout(struct gw_journal *journal, struct gw_err *err)
{
    size_t written = 0;

    if (journal->half_line && !write_all(journal, journal->fd, GW_STR("\n"), &written))
        return fail_errno(err, "-", "write to stdout");
    journal->half_line = false;
    if (write_all(journal, journal->fd, gw_buf_str(&journal->batch), &written))
        return GW_OK;
    journal->failed = written > 0;
    journal->half_line = written > 0 && journal->batch.at[written - 1] != '\n';
    return fail_errno(err, "-", "write to stdout");
}

/* Makes the file as long as it was before the batch, durably where records are. */
static bool cut_off(struct gw_journal *journal, off_t start)
{
    if (journal->io->truncate(journal->fd, start) == 0 && (!journal->durable || journal->io->sync(journal->fd) == 0))
        return true;
    journal->failed = true;
    journal->cut_at = start;
    return false;
}

static enum gw_status flush_file(struct gw_journal *journal, struct gw_err *err)
{
    struct stat info;
    size_t written = 0;
    const char *what = "write to it";
    enum gw_status status;

    if (fstat(journal->fd, &info) != 0)
        return fail_errno(err, journal->path, "look at it");
    if (write_all(journal, journal->fd, gw_buf_str(&journal->batch), &written)) {
        if (!journal->durable || journal->io->sync(journal->fd) == 0)
            return GW_OK;
        what = "sync it";
    }
    status = fail_errno(err, journal->path, what);
    if (written > 0)
        (void)cut_off(journal, info.st_size);
    return status;
}

enum gw_status gw_journal_flush(struct gw_journal *journal, struct gw_err *err)
{
    enum gw_status status;

    if (journal->batch.length == 0)
        return GW_OK;
    if (journal->failed)
        status = gw_fail(err, GW_E_IO, "audit file %s: failed earlier; reopen it (SIGUSR1) when its disk is well again",
                         journal->path);
    else
        status = journal->is_stdout ? flush_stdout(journal, err) : flush_file(journal, err);
    gw_journal_discard(journal);
    return status;
}

static bool is_same_file(int a, int b)
{
    struct stat first;
    struct stat second;

    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* The path still names the file that is open: keep it, and its lock. */
static enum gw_status resume(struct gw_journal *journal, struct gw_err *err)
{
    if (journal->failed && !cut_off(journal, journal->cut_at))
        return fail_errno(err, journal->path, "cut off the batch that failed");
    journal->failed = false;
    return end_half_line(journal, journal->fd, err);
}

enum gw_status gw_journal_reopen(struct gw_journal *journal, struct gw_err *err)
{
    enum gw_status status;
    int fd = -1;

    if (journal->is_stdout) {
        journal->failed = false;
        return GW_OK;
    }
    status = open_path(journal, &fd, err);
    if (status != GW_OK)
        return status;
    if (is_same_file(journal->fd, fd)) {
        (void)close(fd);
        return resume(journal, err);
    }
    status = adopt(journal, fd, err);
    if (status != GW_OK) {
        (void)close(fd);
        return status;
    }
    if (journal->failed)
        (void)cut_off(journal, journal->cut_at);
    (void)close(journal->fd);
    journal->fd = fd;
    journal->failed = false;
    return GW_OK;
}
