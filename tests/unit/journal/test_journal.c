/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit file: what flush said is written is there, what it refused is not,
 * whatever the disk does in between.
 */
#include "journal_case.h"

/* A file with the record "old". */
static void write_chain(struct fixture *f)
{
    open_ok(f, false);
    append(f, "old");
    assert_int_equal(flush(f), GW_OK);
    gw_journal_close(&f->journal);
}

static void append_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "a");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void journal_flush__batch_of_records__is_one_line_each(void **state)
{
    struct fixture *f = *state;
    struct stat info;

    open_ok(f, true);
    append(f, "a");
    assert_int_equal(gw_journal_append(f->journal, GW_STR(GW_CHAIN_FRONT "\"r\":\"b\",\n\"s\":1}}}"), NULL), GW_OK);
    assert_string_equal(words_of(f, f->path), "");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->path), "a b");
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
    append(f, "x");
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(disk.syncs, 0);
    assert_string_equal(words_of(f, f->path), "x");
}

static void journal_append__too_large__is_refused_and_not_taken(void **state)
{
    struct fixture *f = *state;
    char *large = gw_alloc_zero(1, GW_JOURNAL_TEXT_MAX + 1);

    open_ok(f, false);
    assert_int_equal(gw_journal_append(f->journal, (struct gw_str){large, GW_JOURNAL_TEXT_MAX + 1}, NULL), GW_E_LIMIT);
    append(f, "x");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->path), "x");
    free(large);
}

static void journal_discard__batch__is_never_written(void **state)
{
    struct fixture *f = *state;

    open_ok(f, false);
    append(f, "{\"gone\":1}");
    gw_journal_discard(f->journal);
    append(f, "x");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->path), "x");
}

static void journal_open__existing_file__is_appended_to(void **state)
{
    struct fixture *f = *state;

    write_chain(f);
    open_ok(f, false);
    append(f, "x");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->path), "old x");
}

static void journal_open__half_line_of_a_crash__is_cut_off(void **state)
{
    struct fixture *f = *state;

    write_chain(f);
    append_text(f->path, GW_CHAIN_FRONT "\"sequ");
    open_ok(f, true);
    append(f, "x");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->path), "old x");
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
    append(f, "a");
    append(f, "b");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->path), "a b");
}

static void journal_flush__disk_full__leaves_no_trace_and_recovers(void **state)
{
    struct fixture *f = *state;

    open_ok(f, true);
    append(f, "a");
    assert_int_equal(flush(f), GW_OK);
    disk.room = 200;
    append(f, "b");
    append(f, "c");
    assert_int_equal(flush(f), GW_E_IO);
    assert_non_null(strstr(f->err.text, f->path));
    assert_non_null(strstr(f->err.text, strerror(ENOSPC)));
    assert_string_equal(words_of(f, f->path), "a");
    disk.room = SIZE_MAX;
    append(f, "d");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->path), "a d");
}

static void journal_flush__file_shortened_meanwhile__is_cut_at_its_real_end(void **state)
{
    struct fixture *f = *state;

    open_ok(f, false);
    append(f, "a");
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(truncate(f->path, 0), 0); /* logrotate's copytruncate */
    disk.room = 4;
    append(f, "b");
    assert_int_equal(flush(f), GW_E_IO);
    assert_string_equal(words_of(f, f->path), "");
}

static void journal_flush__sync_fails__stays_failed_until_reopened(void **state)
{
    struct fixture *f = *state;

    open_ok(f, true);
    disk.sync_fails = true;
    append(f, "a");
    assert_int_equal(flush(f), GW_E_IO);
    assert_string_equal(words_of(f, f->path), "");
    disk.sync_fails = false;
    append(f, "b");
    assert_int_equal(flush(f), GW_E_IO); /* whether the disk has the first is not known */
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    append(f, "c");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->path), "c");
}

static void journal_flush__truncate_fails_too__is_cut_off_when_reopened(void **state)
{
    struct fixture *f = *state;

    open_ok(f, false);
    append(f, "a");
    assert_int_equal(flush(f), GW_OK);
    disk.room = 200;
    disk.truncate_fails = true;
    append(f, "b");
    append(f, "c");
    assert_int_equal(flush(f), GW_E_IO);
    disk.room = SIZE_MAX;
    append(f, "d");
    assert_int_equal(flush(f), GW_E_IO);
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_E_IO);
    append(f, "e");
    assert_int_equal(flush(f), GW_E_IO);
    disk.truncate_fails = false;
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    append(f, "f");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->path), "a f");
}

static void journal_reopen__after_logrotate__chain_runs_on_in_the_new_file(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head head;

    open_ok(f, true);
    append(f, "a");
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(rename(f->path, f->other), 0);
    append(f, "b");
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->other), "a");
    head = chain_of(f, f->other);
    walk_file(f, f->path, &head);
    assert_string_equal(words(f), "a b");
}

static void journal_reopen__without_rotation__goes_on(void **state)
{
    struct fixture *f = *state;

    open_ok(f, false);
    append(f, "a");
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    append(f, "b");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->path), "a b");
}

static void journal_reopen__new_path_unusable__keeps_the_old_file(void **state)
{
    struct fixture *f = *state;

    open_ok(f, false);
    append(f, "a");
    assert_int_equal(rename(f->path, f->other), 0);
    assert_int_equal(symlink("nowhere", f->path), 0);
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_E_IO);
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->other), "a");
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
    struct gw_journal_options options = {.path = "-", .durable = true, .io = &f->io};

    assert_int_equal(gw_journal_open(&options, &f->journal, &f->err), GW_OK);
    append(f, "a");
    assert_int_equal(flush(f), GW_OK);
    disk.room = 200;
    append(f, "b");
    append(f, "c");
    assert_int_equal(flush(f), GW_E_IO);
    disk.room = SIZE_MAX;
    append(f, "d");
    assert_int_equal(flush(f), GW_E_IO);
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    append(f, "e");
    assert_int_equal(flush(f), GW_OK);
    disk.room = 0;
    append(f, "f");
    assert_int_equal(flush(f), GW_E_IO); /* nothing went out: no need to reopen */
    disk.room = SIZE_MAX;
    append(f, "g");
    assert_int_equal(flush(f), GW_OK);
    gw_journal_close(&f->journal);
}

static void journal_stdout__broken_write__never_joins_two_records(void **state)
{
    struct fixture *f = *state;

    with_stdout(f, write_to_stdout);
    assert_int_equal(disk.syncs, 0);
    assert_non_null(strstr(read_file(f, f->path), "\n{\"eventVersion\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(journal_flush__batch_of_records__is_one_line_each),
        T(journal_flush__not_durable__does_not_sync),
        T(journal_append__too_large__is_refused_and_not_taken),
        T(journal_discard__batch__is_never_written),
        T(journal_open__existing_file__is_appended_to),
        T(journal_open__half_line_of_a_crash__is_cut_off),
        T(journal_open__symlink_folder_or_missing_folder__is_refused),
        T(journal_open__file_of_another_journal__is_busy),
        T(journal_flush__disk_in_small_pieces__writes_it_all),
        T(journal_flush__disk_full__leaves_no_trace_and_recovers),
        T(journal_flush__file_shortened_meanwhile__is_cut_at_its_real_end),
        T(journal_flush__sync_fails__stays_failed_until_reopened),
        T(journal_flush__truncate_fails_too__is_cut_off_when_reopened),
        T(journal_reopen__after_logrotate__chain_runs_on_in_the_new_file),
        T(journal_reopen__without_rotation__goes_on),
        T(journal_reopen__new_path_unusable__keeps_the_old_file),
        T(journal_stdout__broken_write__never_joins_two_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
