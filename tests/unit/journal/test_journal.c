/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit file: what flush said is written is there, what it refused is not,
 * whatever the disk does in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/journal.h"

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

static const struct gw_journal_io faulty = {faulty_write, faulty_sync, faulty_truncate};

struct fixture {
    char folder[64];
    char path[96];
    char other[96];
    struct gw_journal *journal;
    struct gw_err err;
    char text[512];
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
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    gw_journal_close(&f->journal);
    (void)unlink(f->path);
    (void)unlink(f->other);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static enum gw_status open_it(struct fixture *f, bool durable)
{
    struct gw_journal_options options = {.path = f->path, .durable = durable, .io = &faulty};

    return gw_journal_open(&options, &f->journal, &f->err);
}

static void open_ok(struct fixture *f, bool durable)
{
    if (open_it(f, durable) != GW_OK)
        fail_msg("%s", f->err.text);
}

static void append(struct fixture *f, const char *record)
{
    assert_int_equal(gw_journal_append(f->journal, gw_str_from(record)), GW_OK);
}

static enum gw_status flush(struct fixture *f)
{
    return gw_journal_flush(f->journal, &f->err);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

static const char *read_file(struct fixture *f, const char *path)
{
    FILE *file = fopen(path, "r");
    size_t length;

    assert_non_null(file);
    length = fread(f->text, 1, sizeof(f->text) - 1, file);
    f->text[length] = '\0';
    assert_int_equal(fclose(file), 0);
    return f->text;
}

static void journal_flush__batch_of_records__is_one_line_each(void **state)
{
    struct fixture *f = *state;
    struct stat info;

    open_ok(f, true);
    append(f, "{\"a\":1}");
    append(f, "{\"b\":\n2}");
    assert_string_equal(read_file(f, f->path), "");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(read_file(f, f->path), "{\"a\":1}\n{\"b\": 2}\n");
    assert_int_equal(disk.syncs, 1);
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(disk.syncs, 1);
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void journal_flush__not_durable__does_not_sync(void **state)
{
    struct fixture *f = *state;

    open_ok(f, false);
    append(f, "{}");
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(disk.syncs, 0);
    assert_string_equal(read_file(f, f->path), "{}\n");
}

static void journal_append__too_large__is_refused_and_not_taken(void **state)
{
    struct fixture *f = *state;
    char *large = gw_alloc_zero(1, GW_JOURNAL_RECORD_MAX + 1);

    open_ok(f, false);
    assert_int_equal(gw_journal_append(f->journal, (struct gw_str){large, GW_JOURNAL_RECORD_MAX + 1}), GW_E_LIMIT);
    append(f, "{}");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(read_file(f, f->path), "{}\n");
    free(large);
}

static void journal_discard__batch__is_never_written(void **state)
{
    struct fixture *f = *state;

    open_ok(f, false);
    append(f, "{\"gone\":1}");
    gw_journal_discard(f->journal);
    append(f, "{}");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(read_file(f, f->path), "{}\n");
}

static void journal_open__existing_file__is_appended_to(void **state)
{
    struct fixture *f = *state;

    write_file(f->path, "{\"old\":1}\n");
    open_ok(f, false);
    append(f, "{}");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(read_file(f, f->path), "{\"old\":1}\n{}\n");
}

static void journal_open__half_line_of_a_crash__is_ended_first(void **state)
{
    struct fixture *f = *state;

    write_file(f->path, "{\"old\":1}\n{\"ha");
    open_ok(f, true);
    append(f, "{}");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(read_file(f, f->path), "{\"old\":1}\n{\"ha\n{}\n");
}

static void journal_open__symlink_folder_or_missing_folder__is_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_journal_options options = {.path = f->folder};

    write_file(f->other, "");
    assert_int_equal(symlink(f->other, f->path), 0);
    assert_int_equal(open_it(f, false), GW_E_IO);
    assert_non_null(strstr(f->err.text, "symbolic link"));
    assert_null(f->journal);
    assert_int_equal(gw_journal_open(&options, &f->journal, &f->err), GW_E_IO);
    options.path = "/dev/null";
    assert_int_equal(gw_journal_open(&options, &f->journal, &f->err), GW_E_IO);
    assert_non_null(strstr(f->err.text, "not a regular file"));
    assert_int_equal(unlink(f->path), 0);
    options.path = f->path;
    f->path[strlen(f->folder)] = 'x';
    f->path[strlen(f->folder) + 1] = '/';
    assert_int_equal(gw_journal_open(&options, &f->journal, &f->err), GW_E_IO);
    assert_non_null(strstr(f->err.text, f->path));
}

static void journal_open__file_of_another_journal__is_busy(void **state)
{
    struct fixture *f = *state;
    struct gw_journal_options options = {.path = f->path};
    struct gw_journal *second = NULL;

    open_ok(f, false);
    assert_int_equal(gw_journal_open(&options, &second, &f->err), GW_E_BUSY);
    assert_null(second);
    gw_journal_close(&f->journal);
    assert_int_equal(gw_journal_open(&options, &f->journal, &f->err), GW_OK);
}

static void journal_flush__disk_in_small_pieces__writes_it_all(void **state)
{
    struct fixture *f = *state;

    open_ok(f, true);
    disk.piece = 3;
    disk.interrupts = 2;
    append(f, "{\"a\":1}");
    append(f, "{\"b\":2}");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(read_file(f, f->path), "{\"a\":1}\n{\"b\":2}\n");
}

static void journal_flush__disk_full__leaves_no_trace_and_recovers(void **state)
{
    struct fixture *f = *state;

    open_ok(f, true);
    append(f, "{\"a\":1}");
    assert_int_equal(flush(f), GW_OK);
    disk.room = 10;
    append(f, "{\"b\":2}");
    append(f, "{\"c\":3}");
    assert_int_equal(flush(f), GW_E_IO);
    assert_non_null(strstr(f->err.text, f->path));
    assert_non_null(strstr(f->err.text, strerror(ENOSPC)));
    assert_string_equal(read_file(f, f->path), "{\"a\":1}\n");
    disk.room = SIZE_MAX;
    append(f, "{\"d\":4}");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(read_file(f, f->path), "{\"a\":1}\n{\"d\":4}\n");
}

static void journal_flush__file_shortened_meanwhile__is_cut_at_its_real_end(void **state)
{
    struct fixture *f = *state;

    open_ok(f, false);
    append(f, "{\"a\":1}");
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(truncate(f->path, 0), 0); /* logrotate's copytruncate */
    disk.room = 4;
    append(f, "{\"b\":2}");
    assert_int_equal(flush(f), GW_E_IO);
    assert_string_equal(read_file(f, f->path), "");
}

static void journal_flush__sync_fails__stays_failed_until_reopened(void **state)
{
    struct fixture *f = *state;

    open_ok(f, true);
    disk.sync_fails = true;
    append(f, "{\"a\":1}");
    assert_int_equal(flush(f), GW_E_IO);
    assert_string_equal(read_file(f, f->path), "");
    disk.sync_fails = false;
    append(f, "{\"b\":2}");
    assert_int_equal(flush(f), GW_E_IO); /* whether the disk has the first is not known */
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    append(f, "{\"c\":3}");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(read_file(f, f->path), "{\"c\":3}\n");
}

static void journal_flush__truncate_fails_too__is_cut_off_when_reopened(void **state)
{
    struct fixture *f = *state;

    open_ok(f, false);
    append(f, "{\"a\":1}");
    assert_int_equal(flush(f), GW_OK);
    disk.room = 12;
    disk.truncate_fails = true;
    append(f, "{\"b\":2}");
    append(f, "{\"c\":3}");
    assert_int_equal(flush(f), GW_E_IO);
    disk.room = SIZE_MAX;
    append(f, "{\"d\":4}");
    assert_int_equal(flush(f), GW_E_IO);
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_E_IO);
    append(f, "{\"e\":5}");
    assert_int_equal(flush(f), GW_E_IO);
    disk.truncate_fails = false;
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    append(f, "{\"f\":6}");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(read_file(f, f->path), "{\"a\":1}\n{\"f\":6}\n");
}

static void journal_reopen__after_logrotate__writes_to_the_new_file(void **state)
{
    struct fixture *f = *state;

    open_ok(f, true);
    append(f, "{\"a\":1}");
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(rename(f->path, f->other), 0);
    append(f, "{\"b\":2}");
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(read_file(f, f->other), "{\"a\":1}\n");
    assert_string_equal(read_file(f, f->path), "{\"b\":2}\n");
}

static void journal_reopen__without_rotation__goes_on(void **state)
{
    struct fixture *f = *state;

    open_ok(f, false);
    append(f, "{\"a\":1}");
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    append(f, "{\"b\":2}");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(read_file(f, f->path), "{\"a\":1}\n{\"b\":2}\n");
}

static void journal_reopen__new_path_unusable__keeps_the_old_file(void **state)
{
    struct fixture *f = *state;

    open_ok(f, false);
    append(f, "{\"a\":1}");
    assert_int_equal(rename(f->path, f->other), 0);
    assert_int_equal(symlink("nowhere", f->path), 0);
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_E_IO);
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(read_file(f, f->other), "{\"a\":1}\n");
}

/* Runs `body` with stdout going to f->path; cmocka's own output stays where it was. */
static void with_stdout(struct fixture *f, void (*body)(struct fixture *f))
{
    int kept = dup(STDOUT_FILENO);
    int fd = open(f->path, O_CREAT | O_WRONLY | O_APPEND, 0600);

    assert_true(kept >= 0 && fd >= 0);
    (void)fflush(stdout);
    assert_true(dup2(fd, STDOUT_FILENO) >= 0);
    body(f);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(fd);
    (void)close(kept);
}

static void write_to_stdout(struct fixture *f)
{
    struct gw_journal_options options = {.path = "-", .durable = true, .io = &faulty};

    assert_int_equal(gw_journal_open(&options, &f->journal, &f->err), GW_OK);
    append(f, "{\"a\":1}");
    assert_int_equal(flush(f), GW_OK);
    disk.room = 10;
    append(f, "{\"b\":2}");
    append(f, "{\"c\":3}");
    assert_int_equal(flush(f), GW_E_IO);
    disk.room = SIZE_MAX;
    append(f, "{\"d\":4}");
    assert_int_equal(flush(f), GW_E_IO);
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    append(f, "{\"e\":5}");
    assert_int_equal(flush(f), GW_OK);
    disk.room = 0;
    append(f, "{\"f\":6}");
    assert_int_equal(flush(f), GW_E_IO); /* nothing went out: no need to reopen */
    disk.room = SIZE_MAX;
    append(f, "{\"g\":7}");
    assert_int_equal(flush(f), GW_OK);
    gw_journal_close(&f->journal);
}

static void journal_stdout__broken_write__never_joins_two_records(void **state)
{
    struct fixture *f = *state;

    with_stdout(f, write_to_stdout);
    assert_int_equal(disk.syncs, 0);
    assert_string_equal(read_file(f, f->path), "{\"a\":1}\n{\"b\":2}\n{\"\n{\"e\":5}\n{\"g\":7}\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(journal_flush__batch_of_records__is_one_line_each),
        T(journal_flush__not_durable__does_not_sync),
        T(journal_append__too_large__is_refused_and_not_taken),
        T(journal_discard__batch__is_never_written),
        T(journal_open__existing_file__is_appended_to),
        T(journal_open__half_line_of_a_crash__is_ended_first),
        T(journal_open__symlink_folder_or_missing_folder__is_refused),
        T(journal_open__file_of_another_journal__is_busy),
        T(journal_flush__disk_in_small_pieces__writes_it_all),
        T(journal_flush__disk_full__leaves_no_trace_and_recovers),
        T(journal_flush__file_shortened_meanwhile__is_cut_at_its_real_end),
        T(journal_flush__sync_fails__stays_failed_until_reopened),
        T(journal_flush__truncate_fails_too__is_cut_off_when_reopened),
        T(journal_reopen__after_logrotate__writes_to_the_new_file),
        T(journal_reopen__without_rotation__goes_on),
        T(journal_reopen__new_path_unusable__keeps_the_old_file),
        T(journal_stdout__broken_write__never_joins_two_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
