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

/* A disk with faults: room for so many more bytes, pieces of so many at a time, calls that fail. */
static struct {
    size_t room;
    size_t piece;
    int interrupts;
    bool sync_fails;
    bool truncate_fails;
    unsigned syncs;
} disk;

static ssize_t faulty_write(int fd, const void *bytes, size_t length)
{
    if (disk.interrupts > 0) {
        disk.interrupts--;
        errno = EINTR;
        return -1;
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

static int faulty_sync(int fd)
{
    disk.syncs++;
    if (!disk.sync_fails)
        return fdatasync(fd);
    errno = EIO;
    return -1;
}

static int faulty_truncate(int fd, off_t length)
{
    if (!disk.truncate_fails)
        return ftruncate(fd, length);
    errno = EIO;
    return -1;
}

struct fixture {
    char folder[64];
    char path[96];
    char other[96];
    struct gw_journal_io io;
    struct gw_journal *journal;
    struct gw_err err;
    struct gw_buf text; /* of the file read last */
    struct gw_buf words;
};

static int set_up(void **state)
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
    f->io = *gw_journal_io_system();
    f->io.write = faulty_write;
    f->io.sync = faulty_sync;
    f->io.truncate = faulty_truncate;
    gw_buf_init(&f->text, (size_t)1 << 26);
    gw_buf_init(&f->words, (size_t)1 << 20);
    *state = f;
    return 0;
}

static void empty_folder(const char *folder)
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

static int tear_down(void **state)
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

static enum gw_status open_it(struct fixture *f, bool durable)
{
    struct gw_journal_options options = {.path = f->path, .durable = durable, .io = &f->io};

    return gw_journal_open(&options, &f->journal, &f->err);
}

static void open_ok(struct fixture *f, bool durable)
{
    if (open_it(f, durable) != GW_OK)
        fail_msg("%s", f->err.text);
}

static void append(struct fixture *f, const char *word)
{
    char record[256];

    (void)snprintf(record, sizeof(record), GW_CHAIN_FRONT "\"r\":\"%s\"}}}", word);
    assert_int_equal(gw_journal_append(f->journal, gw_str_from(record), NULL), GW_OK);
}

static enum gw_status flush(struct fixture *f)
{
    return gw_journal_flush(f->journal, true, &f->err);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

/* The file's text, NUL behind it. */
static const char *read_file(struct fixture *f, const char *path)
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
static struct gw_str text_behind(struct gw_str line, const char *before)
{
    size_t at = gw_str_search(line, gw_str_from(before));
    struct gw_str rest;

    if (at == SIZE_MAX)
        return GW_STR_NONE;
    rest = gw_str_slice(line, at + strlen(before), line.length);
    return gw_str_slice(rest, 0, gw_str_find(rest, '"', 0));
}

static void add_word(struct fixture *f, struct gw_str line)
{
    struct gw_str own = text_behind(line, "\"eventName\":\"");

    if (f->words.length > 0)
        gw_buf_append_byte(&f->words, ' ');
    if (own.at != NULL)
        gw_buf_printf(&f->words, "<%.*s>", GW_STR_ARG(own));
    else
        gw_buf_append_str(&f->words, text_behind(line, "\"r\":\""));
}

/* Reads one file as a chain that goes on from `head`, which follows; the words of its records are added to f->words. */
static void walk_file(struct fixture *f, const char *path, struct gw_chain_head *head)
{
    struct gw_str rest = gw_str_from(read_file(f, path));
    unsigned char previous[GW_DIGEST_SIZE];
    uint64_t sequence;

    while (rest.length > 0) {
        struct gw_str line = gw_str_slice(rest, 0, gw_str_find(rest, '\n', 0));

        assert_true(line.length < rest.length); /* whole lines only */
        rest = gw_str_slice(rest, line.length + 1, rest.length);
        assert_int_equal(gw_chain_parse(line, &sequence, previous), GW_OK);
        assert_int_equal(sequence, head->sequence + 1);
        assert_memory_equal(previous, head->hash, sizeof(previous));
        head->sequence = sequence;
        gw_digest_sha256(line, head->hash);
        add_word(f, line);
    }
}

static const char *words(struct fixture *f)
{
    gw_buf_append_byte(&f->words, '\0');
    f->words.length--;
    return f->words.at;
}

/* The head of one file, which begins a chain. */
static struct gw_chain_head chain_of(struct fixture *f, const char *path)
{
    struct gw_chain_head head = {0};

    gw_buf_clear(&f->words);
    walk_file(f, path, &head);
    return head;
}

static const char *words_of(struct fixture *f, const char *path)
{
    (void)chain_of(f, path);
    return words(f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
