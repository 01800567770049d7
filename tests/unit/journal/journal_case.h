/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TESTS_JOURNAL_CASE_H
#define GW_TESTS_JOURNAL_CASE_H

/*
 * A journal in a folder of its own, on a disk that has faults, and an oracle that
 * reads files as a chain. Records are known by a word, their member "r"; the
 * journal's own by their eventName in angle brackets.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/journal.h"

#define RECORD(word) GW_CHAIN_FRONT "\"r\":\"" word "\"}}}"
#define PARTS_MAX    64

enum call {
    CALL_OPEN = 1 << 0,
    CALL_WRITE = 1 << 1,
    CALL_READ = 1 << 2,
    CALL_SYNC = 1 << 3,
    CALL_TRUNCATE = 1 << 4,
    CALL_RENAME = 1 << 5,
    CALL_REMOVE = 1 << 6,
    CALL_FOLDER = 1 << 7,
    CALL_SIZE = 1 << 8,
    CALL_ANY = (1 << 9) - 1,
};

/* A disk with faults: room for so many more bytes, pieces of so many at a time, calls of some kinds that fail, from one
 * on (counted from 0) and for as many as said. */
static struct {
    size_t room;
    size_t piece;
    int interrupts;
    unsigned kinds;
    unsigned from;
    unsigned count;
    unsigned seen; /* calls of these kinds */
    int error;
    bool tears; /* a write that fails has written half first */
    bool torn;  /* it has just done so */
    unsigned syncs;
    unsigned bad_sync; /* the number of one that fails besides, counted from 0 */
    bool odd_syncs_fail;
} disk;

static inline bool call_fails(enum call kind)
{
    unsigned number;

    if ((disk.kinds & (unsigned)kind) == 0)
        return false;
    number = disk.seen++;
    if (number < disk.from || number - disk.from >= disk.count)
        return false;
    errno = disk.error;
    return true;
}

static inline void let_fail(unsigned kinds, unsigned from, unsigned count, int error)
{
    disk.kinds = kinds;
    disk.from = from;
    disk.count = count;
    disk.seen = 0;
    disk.error = error;
}

static inline void let_work(void)
{
    let_fail(0, 0, 0, 0);
    disk.room = SIZE_MAX;
}

static inline int faulty_open(const char *path, int flags, mode_t mode)
{
    return call_fails(CALL_OPEN) ? -1 : gw_journal_io_system()->open(path, flags, mode);
}

static inline ssize_t faulty_write(int fd, const void *bytes, size_t length)
{
    if (disk.interrupts > 0) {
        disk.interrupts--;
        errno = EINTR;
        return -1;
    }
    if (disk.torn) {
        disk.torn = false;
        errno = disk.error;
        return -1;
    }
    if (call_fails(CALL_WRITE)) {
        if (!disk.tears || length < 2)
            return -1;
        disk.torn = true;
        return write(fd, bytes, length / 2);
    }
    if (disk.room == 0) {
        errno = ENOSPC;
        return -1;
    }
    if (length > disk.piece)
        length = disk.piece;
    if (length > disk.room)
        length = disk.room;
    disk.room -= length;
    return write(fd, bytes, length);
}

static inline ssize_t faulty_read_at(int fd, void *bytes, size_t length, off_t at)
{
    return call_fails(CALL_READ) ? -1 : pread(fd, bytes, length, at);
}

/* What a real sync would add is time. */
static inline int faulty_sync(int fd)
{
    (void)fd;
    if (disk.syncs++ == disk.bad_sync || (disk.odd_syncs_fail && disk.syncs % 2 == 1)) {
        errno = EIO;
        return -1;
    }
    return call_fails(CALL_SYNC) ? -1 : 0;
}

static inline int faulty_truncate(int fd, off_t length)
{
    return call_fails(CALL_TRUNCATE) ? -1 : ftruncate(fd, length);
}

static inline int faulty_rename(const char *from, const char *to)
{
    return call_fails(CALL_RENAME) ? -1 : rename(from, to);
}

static inline int faulty_remove(const char *path)
{
    return call_fails(CALL_REMOVE) ? -1 : unlink(path);
}

static inline int faulty_sync_folder(int fd)
{
    (void)fd;
    return call_fails(CALL_FOLDER) ? -1 : 0;
}

static inline off_t faulty_size(int fd)
{
    return call_fails(CALL_SIZE) ? -1 : gw_journal_io_system()->size(fd);
}

struct fixture {
    char folder[64];
    char path[96];
    char other[96];
    struct gw_journal_io io;
    struct gw_journal_options options;
    struct gw_clock clock;
    int64_t now_ms;
    struct gw_journal *journal;
    struct gw_err err;
    struct gw_buf text; /* of the file read last */
    struct gw_buf words;
};

static inline int64_t fixed_now(void *ctx)
{
    return *(int64_t *)ctx;
}

static inline int set_up(void **state)
{
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));
    const char *base = getenv("TMPDIR");

    (void)snprintf(f->folder, sizeof(f->folder), "%.40s/gw-journal-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/audit.jsonl", f->folder);
    (void)snprintf(f->other, sizeof(f->other), "%s/audit.jsonl.1", f->folder);
    memset(&disk, 0, sizeof(disk));
    disk.room = SIZE_MAX;
    disk.piece = SIZE_MAX;
    disk.bad_sync = UINT32_MAX;
    f->io = (struct gw_journal_io){.open = faulty_open,
                                   .write = faulty_write,
                                   .read_at = faulty_read_at,
                                   .sync = faulty_sync,
                                   .truncate = faulty_truncate,
                                   .rename = faulty_rename,
                                   .remove = faulty_remove,
                                   .sync_folder = faulty_sync_folder,
                                   .size = faulty_size,
                                   .close = close};
    f->now_ms = INT64_C(1440938160000);
    f->clock = (struct gw_clock){&f->now_ms, fixed_now, fixed_now};
    f->options = (struct gw_journal_options){.path = f->path, .durable = true, .io = &f->io, .clock = &f->clock};
    gw_buf_init(&f->text, (size_t)1 << 26);
    gw_buf_init(&f->words, (size_t)1 << 20);
    *state = f;
    return 0;
}

static inline void empty_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    char path[512];

    assert_non_null(entries);
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        (void)unlink(path);
    }
    (void)closedir(entries);
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;

    gw_journal_close(&f->journal);
    empty_folder(f->folder);
    assert_int_equal(rmdir(f->folder), 0);
    gw_buf_fini(&f->text);
    gw_buf_fini(&f->words);
    free(f);
    return 0;
}

static inline enum gw_status open_it(struct fixture *f)
{
    return gw_journal_open(&f->options, &f->journal, &f->err);
}

static inline void open_ok(struct fixture *f)
{
    if (open_it(f) != GW_OK)
        fail_msg("%s", f->err.text);
}

/* `more`: further members, beginning with a comma. */
static inline void append_with(struct fixture *f, const char *word, const char *more)
{
    char record[512];

    (void)snprintf(record, sizeof(record), GW_CHAIN_FRONT "\"r\":\"%s\"%s}}}", word, more);
    assert_int_equal(gw_journal_append(f->journal, gw_str_from(record), NULL), GW_OK);
}

static inline void append(struct fixture *f, const char *word)
{
    append_with(f, word, "");
}

static inline enum gw_status flush(struct fixture *f)
{
    return gw_journal_flush(f->journal, true, &f->err);
}

static inline enum gw_status flush_unsynced(struct fixture *f)
{
    return gw_journal_flush(f->journal, false, &f->err);
}

/* One record, on the disk. */
static inline void record(struct fixture *f, const char *word)
{
    append(f, word);
    if (flush(f) != GW_OK)
        fail_msg("%s", f->err.text);
}

static inline void add_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "a");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The file's text, NUL behind it. */
static inline const char *read_file(struct fixture *f, const char *path)
{
    FILE *file = fopen(path, "r");
    size_t got;

    assert_non_null(file);
    gw_buf_clear(&f->text);
    do {
        assert_int_equal(gw_buf_reserve(&f->text, 65536), GW_OK);
        got = fread(f->text.at + f->text.length, 1, 65536, file);
        f->text.length += got;
    } while (got > 0);
    gw_buf_append_byte(&f->text, '\0');
    f->text.length--;
    assert_int_equal(fclose(file), 0);
    return f->text.at;
}

/* What stands between `before` and the next quote, where the line has it. */
static inline struct gw_str text_behind(struct gw_str line, const char *before)
{
    size_t at = gw_str_search(line, gw_str_from(before));
    struct gw_str rest;

    if (at == SIZE_MAX)
        return GW_STR_NONE;
    rest = gw_str_slice(line, at + strlen(before), line.length);
    return gw_str_slice(rest, 0, gw_str_find(rest, '"', 0));
}

static inline void add_word(struct fixture *f, struct gw_str line)
{
    struct gw_str own = text_behind(line, "\"eventName\":\"");

    if (f->words.length > 0)
        gw_buf_append_byte(&f->words, ' ');
    if (own.at != NULL)
        gw_buf_printf(&f->words, "<%.*s>", GW_STR_ARG(own));
    else
        gw_buf_append_str(&f->words, text_behind(line, "\"r\":\""));
}

/* Reads one file up to record `last` as a chain that goes on from `head`, which follows; the words of its records are
 * added to f->words. False when a line isn't the next record. */
static inline bool walk_file(struct fixture *f, const char *path, struct gw_chain_head *head, uint64_t last)
{
    struct gw_str rest = gw_str_from(read_file(f, path));
    unsigned char previous[GW_DIGEST_SIZE];
    uint64_t sequence;

    while (rest.length > 0 && head->sequence < last) {
        struct gw_str line = gw_str_slice(rest, 0, gw_str_find(rest, '\n', 0));

        if (line.length == rest.length || line.length > GW_JOURNAL_RECORD_MAX)
            return false;
        rest = gw_str_slice(rest, line.length + 1, rest.length);
        if (gw_chain_parse(line, &sequence, previous) != GW_OK || sequence != head->sequence + 1 ||
            memcmp(previous, head->hash, sizeof(previous)) != 0)
            return false;
        head->sequence = sequence;
        gw_digest_sha256(line, head->hash);
        add_word(f, line);
    }
    return true;
}

static inline const char *words(struct fixture *f)
{
    gw_buf_append_byte(&f->words, '\0');
    f->words.length--;
    return f->words.at;
}

/* The words of one file, which begins a chain. */
static inline const char *words_of(struct fixture *f, const char *path)
{
    struct gw_chain_head head = {0};

    gw_buf_clear(&f->words);
    assert_true(walk_file(f, path, &head, UINT64_MAX));
    return words(f);
}

struct part {
    char path[400];
    uint64_t first;
};

static inline int compare_parts(const void *a, const void *b)
{
    const struct part *left = a;
    const struct part *right = b;

    if (left->first != right->first)
        return left->first < right->first ? -1 : 1;
    return strcmp(left->path, right->path);
}

static inline bool read_part(struct fixture *f, struct part *part)
{
    unsigned char previous[GW_DIGEST_SIZE];

    return gw_chain_parse(gw_str_from(read_file(f, part->path)), &part->first, previous) == GW_OK;
}

/* Every file that begins with a record, by its number; the journal's own is the last. */
static inline size_t find_parts(struct fixture *f, struct part *parts)
{
    DIR *entries = opendir(f->folder);
    size_t count = 0;

    assert_non_null(entries);
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        assert_true(count + 1 < PARTS_MAX);
        (void)snprintf(parts[count].path, sizeof(parts[count].path), "%s/%s", f->folder, entry->d_name);
        if (strncmp(entry->d_name, "audit.jsonl.", 12) == 0 && read_part(f, &parts[count]))
            count++;
    }
    (void)closedir(entries);
    qsort(parts, count, sizeof(*parts), compare_parts);
    (void)snprintf(parts[count].path, sizeof(parts[count].path), "%s", f->path);
    if (access(f->path, F_OK) == 0 && read_part(f, &parts[count]))
        count++;
    return count;
}

/* The words of the whole chain: each file up to where the next begins. NULL when it isn't one chain from record 1. */
static inline const char *chain_words(struct fixture *f)
{
    struct part *parts = gw_alloc(PARTS_MAX * sizeof(*parts));
    size_t count = find_parts(f, parts);
    struct gw_chain_head head = {0};
    bool holds = true;

    gw_buf_clear(&f->words);
    for (size_t i = 0; i < count && holds; i++) {
        uint64_t last = i + 1 < count ? parts[i + 1].first - 1 : UINT64_MAX;

        holds = walk_file(f, parts[i].path, &head, last) && (i + 1 == count || head.sequence >= last);
    }
    free(parts);
    return holds ? words(f) : NULL;
}

static inline size_t count_files(const char *folder)
{
    DIR *entries = opendir(folder);
    size_t count = 0;

    assert_non_null(entries);
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries))
        count += entry->d_name[0] != '.';
    (void)closedir(entries);
    return count;
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
