/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal from outside: records are taken into a batch, which is flushed or
 * dropped as a whole. Each record gets its place in the chain when it is taken, so
 * that the head is known before anything is written.
 *
 * It doesn't know what a record says (gateway, event.c), how it gets into the file
 * (output.c), or which file that is (segment.c).
 */
#include "journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "journal/inner.h"

#define TEXT_MAX      ((size_t)1 << 30)
#define TEXT_KEPT     ((size_t)4 << 20) /* memory kept between batches */
#define CHECKPOINT_MS 60000
#define ROTATE_MS     1000 /* between attempts */

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

enum gw_status gw_journal_fail(const struct gw_journal *journal, const char *what, struct gw_err *err)
{
    char text[128];
    int number = errno;
    enum gw_status status = gw_fail(err, GW_E_IO, "audit file %s: cannot %s: %s", journal->path, what,
                                    strerror_r(number, text, sizeof(text)));

    errno = number;
    return status;
}

void gw_journal_count(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

void gw_journal_drop(struct gw_journal *journal)
{
    journal->text.length = journal->owed.length;
    journal->text.overflowed = false;
    journal->head = journal->owed.head;
}

void gw_journal_settle_on(struct gw_journal *journal, struct gw_chain_head head)
{
    gw_buf_clear(&journal->text);
    journal->synced = journal->head = head;
    journal->written = journal->owed = (struct gw_journal_mark){0, head};
    journal->checkpointed = head;
}

static struct gw_journal *new_journal(const struct gw_journal_options *options)
{
    struct gw_journal *journal = gw_alloc_zero(1, sizeof(*journal));

    journal->path = gw_str_dup(gw_str_from(options->path));
    journal->name = gw_file_name(journal->path);
    journal->new_path = gw_alloc(strlen(journal->path) + sizeof(".new"));
    (void)snprintf(journal->new_path, strlen(journal->path) + sizeof(".new"), "%s.new", journal->path);
    journal->io = options->io != NULL ? options->io : &system_io;
    journal->key = options->key;
    journal->clock = options->clock != NULL ? options->clock : gw_clock_system();
    journal->random = options->random != NULL ? options->random : gw_random_system();
    journal->max_size = options->max_size;
    journal->is_stdout = strcmp(options->path, "-") == 0;
    journal->durable = options->durable && !journal->is_stdout;
    journal->fd = journal->is_stdout ? STDOUT_FILENO : -1;
    gw_buf_init(&journal->text, TEXT_MAX);
    return journal;
}

enum gw_status gw_journal_open(const struct gw_journal_options *options, struct gw_journal **journal,
                               struct gw_err *err)
{
    struct gw_journal *fresh = new_journal(options);
    enum gw_status status = fresh->is_stdout ? GW_OK : gw_segment_open(fresh, err);

    if (status != GW_OK) {
        gw_journal_close(&fresh);
        return status;
    }
    fresh->is_open = true;
    fresh->checkpoint_ms = gw_clock_monotonic_ms(fresh->clock);
    *journal = fresh;
    return GW_OK;
}

/* Makes durable what was flushed, behind a checkpoint. */
static void finish(struct gw_journal *journal)
{
    struct gw_err err;

    gw_journal_drop(journal);
    gw_event_append_checkpoint(journal);
    if (journal->text.length > 0 && gw_output_flush(journal, true, &err) != GW_OK)
        gw_log(GW_LOG_ERROR, "audit", "%s; the last records may be lost", err.text);
}

void gw_journal_close(struct gw_journal **journal)
{
    struct gw_journal *j = *journal;

    if (j == NULL)
        return;
    *journal = NULL;
    if (j->is_open)
        finish(j);
    if (!j->is_stdout && j->fd >= 0)
        (void)j->io->close(j->fd);
    gw_buf_fini(&j->text);
    free(j->moves_to);
    free(j->new_path);
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
    status = gw_chain_link(&journal->head, journal->committed, (struct gw_str){copy, record.length}, &journal->text);
    free(copy);
    return status;
}

enum gw_status gw_journal_append(struct gw_journal *journal, struct gw_str record, uint64_t *sequence)
{
    enum gw_status status;

    if (record.length > GW_JOURNAL_TEXT_MAX ||
        gw_buf_reserve(&journal->text, record.length + GW_CHAIN_ROOM + 1) != GW_OK)
        return GW_E_LIMIT;
    if (record.length > 0 && memchr(record.at, '\n', record.length) != NULL)
        status = link_without_newlines(journal, record);
    else
        status = gw_chain_link(&journal->head, journal->committed, record, &journal->text);
    if (status != GW_OK)
        return status;
    gw_buf_append_byte(&journal->text, '\n');
    if (sequence != NULL)
        *sequence = journal->head.sequence;
    return GW_OK;
}

void gw_journal_append_settled(struct gw_journal *journal, uint64_t sequence, enum gw_journal_outcome outcome,
                               const char *reason)
{
    gw_event_append_settled(journal, sequence, outcome, GW_JOURNAL_STORE, reason);
}

void gw_journal_append_settled_upstream(struct gw_journal *journal, uint64_t sequence, enum gw_journal_outcome outcome,
                                        enum gw_journal_maker maker, const char *reason)
{
    gw_event_append_settled(journal, sequence, outcome, maker, reason);
}

void gw_journal_committed(struct gw_journal *journal, uint64_t sequence)
{
    journal->committed = journal->is_stdout ? 0 : sequence;
}

struct gw_chain_head gw_journal_head(const struct gw_journal *journal)
{
    return journal->head;
}

struct gw_chain_head gw_journal_durable_head(const struct gw_journal *journal)
{
    return journal->synced;
}

bool gw_journal_is_kept(const struct gw_journal *journal)
{
    return !journal->is_stdout;
}

void gw_journal_discard(struct gw_journal *journal)
{
    gw_journal_drop(journal);
}

static void rotate_if_full(struct gw_journal *journal)
{
    int64_t now_ms;
    struct gw_err err;

    if (journal->max_size == 0 || journal->is_stdout || (uint64_t)journal->size < journal->max_size)
        return;
    now_ms = gw_clock_monotonic_ms(journal->clock);
    if (now_ms < journal->rotate_ms)
        return;
    if (gw_segment_rotate(journal, &err) == GW_OK)
        return;
    journal->rotate_ms = now_ms + ROTATE_MS;
    gw_log(GW_LOG_WARN, "audit", "%s; the file is full, a new one is not begun yet", err.text);
}

enum gw_status gw_journal_flush(struct gw_journal *journal, bool sync, struct gw_err *err)
{
    enum gw_status status;

    if (journal->text.length == journal->written.length && (!sync || journal->text.length == 0))
        return GW_OK;
    status = gw_output_flush(journal, sync, err);
    if (status == GW_OK)
        rotate_if_full(journal);
    if (journal->text.length == 0 && journal->text.capacity > TEXT_KEPT)
        gw_buf_fini(&journal->text);
    return status;
}

void gw_journal_tick(struct gw_journal *journal)
{
    if (journal->key == NULL || journal->text.length > journal->owed.length)
        return;
    if (gw_clock_monotonic_ms(journal->clock) - journal->checkpoint_ms >= CHECKPOINT_MS)
        gw_event_append_checkpoint(journal);
}

enum gw_status gw_journal_reopen(struct gw_journal *journal, struct gw_err *err)
{
    return journal->is_stdout ? GW_OK : gw_segment_reopen(journal, err);
}

const struct gw_journal_counters *gw_journal_counters(const struct gw_journal *journal)
{
    return &journal->counters;
}
