/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block by block from the end, and in each block line by line from its end. Only
 * lines that hold one of three texts are parsed; these can't be part of a JSON
 * string, whose quotes are escaped. Links aren't followed, but where one file goes
 * on from another: that the end is the chain's is known by then.
 */
#include "journal/forwarded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "journal/history.h"
#include "journal/inner.h"
#include "journal/record_read.h"
#include "journal/walk.h"

#define BLOCK ((size_t)256 << 10)

struct numbers {
    uint64_t *items;
    size_t count;
    size_t capacity;
};

struct search {
    const struct gw_journal *journal;
    struct gw_chain_head head; /* the record from which on is read, it included */
    struct numbers forwarded;
    struct numbers settled;
    int64_t newest_ms; /* 0: not known yet */
    uint64_t read;     /* bytes */
    bool is_done;
    char *block;
    struct gw_arena arena; /* for the record that is looked at */
    struct gw_history files;
    bool has_files; /* they were looked for */
};

static enum gw_status fail_read(const char *path, struct gw_err *err)
{
    char text[128];
    int number = errno;

    return gw_fail(err, GW_E_IO, "audit file %s: cannot read it: %s", path, strerror_r(number, text, sizeof(text)));
}

static void add(struct numbers *numbers, uint64_t number)
{
    if (numbers->count == numbers->capacity) {
        numbers->capacity = numbers->capacity == 0 ? 64 : numbers->capacity * 2;
        numbers->items = gw_realloc(numbers->items, numbers->capacity * sizeof(*numbers->items));
    }
    numbers->items[numbers->count++] = number;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static void sort(struct numbers *numbers)
{
    if (numbers->count > 1)
        qsort(numbers->items, numbers->count, sizeof(*numbers->items), compare);
}

static bool has(struct gw_str line, struct gw_str text)
{
    return memmem(line.at, line.length, text.at, text.length) != NULL;
}

static bool parse(struct search *search, struct gw_str line, struct gw_record_read *record)
{
    struct gw_err ignored;

    gw_arena_reset(&search->arena);
    return gw_record_read(line, &search->arena, record, &ignored) == GW_OK;
}

static void take_line(struct search *search, struct gw_str line)
{
    struct gw_record_read record;

    if (!has(line, GW_STR("\"forwarded\":true")) && !has(line, GW_STR("\"settles\":")) &&
        !has(line, GW_STR("\"begun\":")))
        return;
    if (!parse(search, line, &record))
        return;
    search->is_done = record.is_begun;
    if (record.settles > 0)
        add(&search->settled, record.settles);
    if (record.is_forwarded)
        add(&search->forwarded, record.head.sequence);
}

/* Is the line so old that none before it can be open? */
static void check_age(struct search *search, struct gw_str line)
{
    struct gw_record_read record;

    if (!parse(search, line, &record) || record.time_ms == 0)
        return;
    if (search->newest_ms == 0)
        search->newest_ms = record.time_ms;
    if (search->newest_ms - record.time_ms > GW_FORWARDED_AGE_MS && search->read >= GW_FORWARDED_NEAR)
        search->is_done = true;
}

/* Whole lines, the last first. */
static void take_lines(struct search *search, struct gw_str lines)
{
    size_t end = lines.length;

    while (end > 0 && !search->is_done) {
        const char *newline = memrchr(lines.at, '\n', end - 1);

        size_t start = newline == NULL ? 0 : (size_t)(newline + 1 - lines.at);
        take_line(search, gw_str_slice(lines, start, end - 1 - start));
        end = start;
    }
    if (!search->is_done)
        check_age(search, gw_str_slice(lines, 0, gw_str_find(lines, '\n', 0)));
}

/* The file's records before `end`, which is behind a newline. GW_E_IO: errno. */
static enum gw_status read_back(struct search *search, int fd, off_t end)
{
    while (end > 0 && !search->is_done) {
        size_t length = end > (off_t)BLOCK ? BLOCK : (size_t)end;
        struct gw_str block = {search->block, length};
        ssize_t got = gw_walk_read(search->journal->io, fd, search->block, length, end - (off_t)length);
        size_t first = 0;

        if (got < (ssize_t)length) {
            errno = got < 0 ? errno : EIO;
            return GW_E_IO;
        }
        if (end > (off_t)length)
            first = gw_str_find(block, '\n', 0) + 1;
        if (first >= length) { /* longer than any record: it is no chain */
            search->is_done = true;
            break;
        }
        search->read += length - first;
        take_lines(search, gw_str_slice(block, first, length - first));
        search->is_done |= search->read >= GW_FORWARDED_FAR;
        end -= (off_t)(length - first);
    }
    return GW_OK;
}

/* Goes before the file's first record. */
static enum gw_status step_before(struct search *search, int fd)
{
    enum gw_status status = gw_walk_first(search->journal->io, fd, &search->head.sequence, search->head.hash);

    if (status == GW_E_IO)
        return status;
    search->is_done |= status != GW_OK || --search->head.sequence == 0;
    return GW_OK;
}

/* GW_E_MISSING: it isn't the file that holds the head. */
static enum gw_status read_file(struct search *search, int fd, const char *path, struct gw_err *err)
{
    struct gw_walk walk = {.io = search->journal->io};
    enum gw_status status = gw_walk_find(walk.io, fd, search->head.sequence, &walk.at);

    if (status == GW_OK)
        status = gw_walk_pass(&walk, fd, &search->head);
    if (status == GW_OK)
        status = read_back(search, fd, walk.at);
    if (status == GW_OK)
        status = step_before(search, fd);
    return status == GW_E_IO ? fail_read(path, err) : status;
}

/* The file beside the journal's that holds the head. */
static enum gw_status read_beside(struct search *search, struct gw_err *err)
{
    const struct gw_journal_io *io = search->journal->io;
    enum gw_status status = GW_E_MISSING;

    if (!search->has_files && gw_history_find(io, search->journal->path, &search->files, err) != GW_OK)
        return GW_E_IO;
    search->has_files = true;
    for (size_t i = search->files.count; i > 0 && status == GW_E_MISSING; i--) {
        const struct gw_history_file *file = &search->files.files[i - 1];
        int fd;

        if (file->first > search->head.sequence)
            continue;
        fd = io->open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
        if (fd < 0)
            return fail_read(file->path, err);
        status = read_file(search, fd, file->path, err);
        (void)io->close(fd);
    }
    if (status == GW_E_MISSING && search->files.is_failing)
        return gw_fail(err, GW_E_IO, "audit file %s: a file beside it cannot be read, and one is looked for",
                       search->journal->path);
    return status;
}

static enum gw_status read_files(struct search *search, struct gw_err *err)
{
    enum gw_status status = read_file(search, search->journal->fd, search->journal->path, err);

    if (status == GW_E_MISSING) /* it is empty */
        status = GW_OK;
    while (status == GW_OK && !search->is_done)
        status = read_beside(search, err);
    return status == GW_E_MISSING ? GW_OK : status;
}

/* Those of which nothing was said. */
static void keep_open(struct search *search, struct gw_forwarded *forwarded)
{
    const struct numbers *settled = &search->settled;
    size_t k = 0;

    sort(&search->forwarded);
    sort(&search->settled);
    forwarded->sequences = search->forwarded.items;
    forwarded->count = 0;
    for (size_t i = 0; i < search->forwarded.count; i++) {
        uint64_t sequence = search->forwarded.items[i];

        while (k < settled->count && settled->items[k] < sequence)
            k++;
        if (k == settled->count || settled->items[k] != sequence)
            forwarded->sequences[forwarded->count++] = sequence;
    }
    search->forwarded.items = NULL;
}

enum gw_status gw_forwarded_find(const struct gw_journal *journal, struct gw_forwarded *forwarded, struct gw_err *err)
{
    struct search search = {.journal = journal, .head = journal->synced};
    enum gw_status status;

    *forwarded = (struct gw_forwarded){NULL, 0};
    if (journal->is_stdout || journal->synced.sequence == 0)
        return GW_OK;
    search.block = gw_alloc(BLOCK);
    gw_arena_init(&search.arena, 0);
    status = read_files(&search, err);
    if (status == GW_OK)
        keep_open(&search, forwarded);
    free(search.forwarded.items);
    free(search.settled.items);
    free(search.block);
    gw_arena_fini(&search.arena);
    gw_history_fini(&search.files);
    return status;
}

void gw_forwarded_fini(struct gw_forwarded *forwarded)
{
    free(forwarded->sequences);
    *forwarded = (struct gw_forwarded){NULL, 0};
}
