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
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "journal/event.h"
#include "journal/tail.h"

#define TEXT_MAX       ((size_t)1 << 30)
#define TEXT_KEPT      ((size_t)4 << 20) /* memory kept between batches */
#define STDOUT_WAIT_MS 5000              /* for a reader of stdout that is behind */

struct gw_journal {
    char *path;
    const struct gw_journal_io *io;
    const struct gw_clock *clock;
    const struct gw_random *random;
    struct gw_journal_counters counters;
    struct gw_buf text;          /* the batch */
    struct gw_chain_head head;   /* with the batch */
    struct gw_chain_head kept;   /* without it */
    struct gw_chain_head synced; /* the newest that is durable */
    int fd;
    bool is_stdout;
    bool durable;
    bool failed;
    bool half_line; /* stdout: the last write ended inside a line */
    off_t cut_at;   /* when failed: where the batch that failed begins */
};

static int open_file(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

static off_t size_of(int fd)
{
    struct stat info;

    return fstat(fd, &info) == 0 ? info.st_size : -1;
}

static const struct gw_journal_io system_io = {.open = open_file,
                                               .write = write,
                                               .read_at = pread,
                                               .sync = fdatasync,
                                               .truncate = ftruncate,
                                               .rename = rename,
                                               .remove = unlink,
                                               .sync_folder = fsync,
                                               .size = size_of,
                                               .close = close};

const struct gw_journal_io *gw_journal_io_system(void)
{
    return &system_io;
}

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

/* Finds the end of the chain; cuts off a line that a crash cut short. */
static enum gw_status take_end(const struct gw_journal *journal, int fd, struct gw_chain_head *head, struct gw_err *err)
{
    struct gw_tail tail;
    enum gw_status status = gw_tail_find(journal->io, fd, journal->path, &tail, err);

    if (status != GW_OK)
        return status;
    if (tail.half > 0 && journal->io->truncate(fd, tail.end) != 0)
        return fail_errno(err, journal->path, "cut off its last line, which is half");
    if (tail.half > 0)
        gw_log(GW_LOG_WARN, "audit", "%s: %lld bytes of a half line at its end were cut off", journal->path,
               (long long)tail.half);
    if (journal->durable && tail.end + tail.half > 0 && journal->io->sync(fd) != 0)
        return fail_errno(err, journal->path, "sync it");
    *head = tail.head;
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

    if (fd < 0 || (journal->io->sync_folder(fd) != 0 && errno != EINVAL))
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
static enum gw_status adopt(const struct gw_journal *journal, int fd, struct gw_chain_head *head, struct gw_err *err)
{
    enum gw_status status;

    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return gw_fail(err, GW_E_BUSY, "audit file %s: is in use by another process", journal->path);
    status = take_end(journal, fd, head, err);
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
    j->clock = options->clock != NULL ? options->clock : gw_clock_system();
    j->random = options->random != NULL ? options->random : gw_random_system();
    j->is_stdout = strcmp(options->path, "-") == 0;
    j->durable = options->durable && !j->is_stdout;
    j->fd = j->is_stdout ? STDOUT_FILENO : -1;
    gw_buf_init(&j->text, TEXT_MAX);
    if (!j->is_stdout)
        status = open_path(j, &j->fd, err);
    if (status == GW_OK && !j->is_stdout)
        status = adopt(j, j->fd, &j->kept, err);
    if (status != GW_OK) {
        gw_journal_close(&j);
        return status;
    }
    j->head = j->kept;
    j->synced = j->kept;
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
        (void)j->io->close(j->fd);
    gw_buf_fini(&j->text);
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

/* A record with newlines in it, which no encoder makes. */
static enum gw_status link_without_newlines(struct gw_journal *journal, struct gw_str record)
{
    char *copy = gw_memdup(record.at, record.length);
    enum gw_status status;

    replace_newlines(copy, record.length);
    status = gw_chain_link(&journal->head, (struct gw_str){copy, record.length}, &journal->text);
    free(copy);
    return status;
}

enum gw_status gw_journal_append(struct gw_journal *journal, struct gw_str record, uint64_t *sequence)
{
    enum gw_status status;

    if (record.length > GW_JOURNAL_TEXT_MAX ||
        gw_buf_reserve(&journal->text, record.length + GW_CHAIN_ROOM + 1) != GW_OK)
        return GW_E_LIMIT;
    status = record.length > 0 && memchr(record.at, '\n', record.length) != NULL
                 ? link_without_newlines(journal, record)
                 : gw_chain_link(&journal->head, record, &journal->text);
    if (status != GW_OK)
        return status;
    gw_buf_append_byte(&journal->text, '\n');
    if (sequence != NULL)
        *sequence = journal->head.sequence;
    return GW_OK;
}

/* Takes a record of the journal's own into the batch. */
static void append_event(struct gw_journal *journal, const char *name, const struct gw_json *eksgate)
{
    struct gw_event event = {name, eksgate, journal->clock, journal->random};
    struct gw_buf record;

    gw_buf_init(&record, GW_JOURNAL_TEXT_MAX);
    gw_event_encode(&event, &record);
    if (record.overflowed || gw_journal_append(journal, gw_buf_str(&record), NULL) != GW_OK)
        gw_fatal("a record of the journal's own was refused");
    gw_buf_fini(&record);
}

void gw_journal_append_settled(struct gw_journal *journal, uint64_t sequence, enum gw_journal_outcome outcome,
                               const char *reason)
{
    static const char *const outcomes[] = {"applied", "not applied", "unknown"};
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    gw_json_set(&arena, &object, GW_STR("settles"), gw_json_integer((int64_t)sequence));
    gw_json_set(&arena, &object, GW_STR("outcome"), gw_json_string(gw_str_from(outcomes[outcome])));
    gw_json_set(&arena, &object, GW_STR("reason"), gw_json_string(gw_str_from(reason)));
    append_event(journal, GW_EVENT_SETTLED, &object);
    gw_arena_fini(&arena);
}

enum gw_status gw_journal_begin(struct gw_journal *journal, const struct gw_journal_start *start,
                                struct gw_journal_begun *begun, struct gw_err *err)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_json said = {.type = GW_JSON_OBJECT};
    enum gw_status status;
    struct gw_arena arena;

    if (start->is_durable && journal->kept.sequence == 0 && !journal->is_stdout)
        journal->head = journal->kept = journal->synced = start->committed;
    gw_arena_init(&arena, 0);
    gw_json_set(&arena, &said, GW_STR("store"), gw_json_string(start->is_durable ? GW_STR("durable") : GW_STR("none")));
    gw_json_set(&arena, &object, GW_STR("begun"), said);
    append_event(journal, GW_EVENT_BEGUN, &object);
    gw_arena_fini(&arena);
    status = gw_journal_flush(journal, true, err);
    if (status == GW_OK)
        *begun = (struct gw_journal_begun){0};
    return status;
}

struct gw_chain_head gw_journal_head(const struct gw_journal *journal)
{
    return journal->head;
}

struct gw_chain_head gw_journal_durable_head(const struct gw_journal *journal)
{
    return journal->synced;
}

void gw_journal_tick(struct gw_journal *journal)
{
    (void)journal;
}

const struct gw_journal_counters *gw_journal_counters(const struct gw_journal *journal)
{
    return &journal->counters;
}

/* Empties the batch; `head` is the newest record then. */
static void end_batch(struct gw_journal *journal, struct gw_chain_head head)
{
    journal->head = journal->kept = head;
    if (journal->text.capacity > TEXT_KEPT)
        gw_buf_fini(&journal->text);
    gw_buf_clear(&journal->text);
}

void gw_journal_discard(struct gw_journal *journal)
{
    end_batch(journal, journal->kept);
}

/* What went out can't be taken back: go on only where nothing did. */
static enum gw_status flush_stdout(struct gw_journal *journal, struct gw_err *err)
{
    size_t written = 0;

    if (journal->half_line && !write_all(journal, journal->fd, GW_STR("\n"), &written))
        return fail_errno(err, "-", "write to stdout");
    journal->half_line = false;
    if (write_all(journal, journal->fd, gw_buf_str(&journal->text), &written))
        return GW_OK;
    journal->failed = written > 0;
    journal->half_line = written > 0 && journal->text.at[written - 1] != '\n';
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

static void count(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static enum gw_status sync_it(struct gw_journal *journal, struct gw_err *err)
{
    if (journal->io->sync(journal->fd) != 0)
        return fail_errno(err, journal->path, "sync it");
    count(&journal->counters.syncs, 1);
    return GW_OK;
}

static enum gw_status flush_file(struct gw_journal *journal, bool sync, struct gw_err *err)
{
    off_t start = journal->io->size(journal->fd);
    size_t written = 0;
    enum gw_status status = GW_OK;

    if (start < 0)
        return fail_errno(err, journal->path, "look at it");
    if (!write_all(journal, journal->fd, gw_buf_str(&journal->text), &written))
        status = fail_errno(err, journal->path, "write to it");
    if (status == GW_OK && journal->durable && sync)
        status = sync_it(journal, err);
    if (status != GW_OK && written > 0)
        (void)cut_off(journal, start);
    count(&journal->counters.bytes, written);
    return status;
}

enum gw_status gw_journal_flush(struct gw_journal *journal, bool sync, struct gw_err *err)
{
    enum gw_status status;

    if (journal->text.length == 0 && (!sync || gw_chain_equal(&journal->synced, &journal->kept)))
        return GW_OK;
    if (journal->failed)
        status = gw_fail(err, GW_E_IO, "audit file %s: failed earlier; reopen it (SIGUSR1) when its disk is well again",
                         journal->path);
    else
        status = journal->is_stdout ? flush_stdout(journal, err) : flush_file(journal, sync, err);
    end_batch(journal, status == GW_OK ? journal->head : journal->kept);
    if (status == GW_OK && (sync || !journal->durable))
        journal->synced = journal->head;
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
    return GW_OK;
}

enum gw_status gw_journal_reopen(struct gw_journal *journal, struct gw_err *err)
{
    struct gw_chain_head head;
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
    status = adopt(journal, fd, &head, err);
    if (status == GW_OK && head.sequence != 0)
        status = gw_fail(err, GW_E_SYNTAX, "audit file %s: holds records already; move it away", journal->path);
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
