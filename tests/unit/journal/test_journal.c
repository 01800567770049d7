/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit file: what flush said is written is there, what it refused is not,
 * whatever the disk does in between.
 */
#include "journal_case.h"

/* A file with the record "old". */
static void write_chain(struct fixture *f)
{
    open_ok(f);
    record(f, "old");
    gw_journal_close(&f->journal);
}

static void journal_flush__batch_of_records__is_one_line_each(void **state)
{
    struct fixture *f = *state;
    struct stat info;

    open_ok(f);
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

    f->options.durable = false;
    open_ok(f);
    record(f, "x");
    assert_int_equal(disk.syncs, 0);
    assert_string_equal(words_of(f, f->path), "x");
    assert_int_equal(gw_journal_durable_head(f->journal).sequence, 1);
}

static void journal_flush__not_asked_to_sync__syncs_with_the_next_that_is(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    append(f, "a");
    assert_int_equal(flush_unsynced(f), GW_OK);
    assert_string_equal(words_of(f, f->path), "a");
    assert_int_equal(disk.syncs, 0);
    assert_int_equal(gw_journal_durable_head(f->journal).sequence, 0);
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(disk.syncs, 1);
    assert_int_equal(gw_journal_durable_head(f->journal).sequence, 1);
}

static void journal_flush__a_mebibyte_unsynced__syncs_unasked(void **state)
{
    struct fixture *f = *state;
    char more[256];
    size_t bytes = 0;

    open_ok(f);
    (void)snprintf(more, sizeof(more), ",\"more\":\"%0200d\"", 0);
    while (bytes < (size_t)1 << 20) {
        append_with(f, "x", more);
        assert_int_equal(disk.syncs, 0);
        assert_int_equal(flush_unsynced(f), GW_OK);
        bytes = (size_t)gw_journal_counters(f->journal)->bytes;
    }
    append_with(f, "x", more);
    assert_int_equal(flush_unsynced(f), GW_OK);
    assert_int_equal(disk.syncs, 1);
}

static void journal_append__record__is_told_its_place(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head head;
    uint64_t sequence = 0;

    open_ok(f);
    assert_int_equal(gw_journal_append(f->journal, GW_STR(RECORD("a")), &sequence), GW_OK);
    assert_int_equal(sequence, 1);
    assert_int_equal(gw_journal_append(f->journal, GW_STR(RECORD("b")), &sequence), GW_OK);
    assert_int_equal(sequence, 2);
    head = gw_journal_head(f->journal);
    assert_int_equal(head.sequence, 2);
    assert_int_equal(gw_journal_durable_head(f->journal).sequence, 0);
    assert_int_equal(flush(f), GW_OK);
    assert_memory_equal(gw_journal_durable_head(f->journal).hash, head.hash, sizeof(head.hash));
}

static void journal_append__too_large__is_refused_and_not_taken(void **state)
{
    struct fixture *f = *state;
    char *large = gw_alloc(GW_JOURNAL_TEXT_MAX + 1);

    memset(large, 'x', GW_JOURNAL_TEXT_MAX + 1);
    memcpy(large, GW_CHAIN_FRONT, sizeof(GW_CHAIN_FRONT) - 1);
    open_ok(f);
    assert_int_equal(gw_journal_append(f->journal, (struct gw_str){large, GW_JOURNAL_TEXT_MAX + 1}, NULL), GW_E_LIMIT);
    record(f, "x");
    assert_string_equal(words_of(f, f->path), "x");
    assert_int_equal(gw_journal_append(f->journal, (struct gw_str){large, GW_JOURNAL_TEXT_MAX}, NULL), GW_OK);
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->path), "x ");
    free(large);
}

static void journal_append__other_front__is_refused_and_not_taken(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    assert_int_equal(gw_journal_append(f->journal, GW_STR("{}"), NULL), GW_E_SYNTAX);
    assert_int_equal(gw_journal_append(f->journal, GW_STR("{\n}"), NULL), GW_E_SYNTAX);
    assert_int_equal(gw_journal_append(f->journal, GW_STR_NONE, NULL), GW_E_SYNTAX);
    record(f, "x");
    assert_string_equal(words_of(f, f->path), "x");
}

static void journal_discard__batch__is_never_written(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    append(f, "gone");
    append(f, "too");
    gw_journal_discard(f->journal);
    assert_int_equal(gw_journal_head(f->journal).sequence, 0);
    record(f, "x");
    assert_string_equal(words_of(f, f->path), "x");
}

static void journal_discard__after_an_unsynced_flush__keeps_that(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    append(f, "a");
    assert_int_equal(flush_unsynced(f), GW_OK);
    append(f, "gone");
    gw_journal_discard(f->journal);
    record(f, "b");
    assert_string_equal(words_of(f, f->path), "a b");
}

static void journal_append_settled__change__is_told_like_cloudtrails_service_events(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    record(f, "a");
    gw_journal_append_settled(f->journal, 1, GW_JOURNAL_UNKNOWN, "gone with the batch");
    gw_journal_discard(f->journal);
    gw_journal_append_settled(f->journal, 1, GW_JOURNAL_NOT_APPLIED, "the database is full");
    record(f, "b");
    assert_string_equal(words_of(f, f->path), "a <ChangeSettled> b");
    assert_non_null(strstr(read_file(f, f->path),
                           "\"settles\":1,\"outcome\":\"not applied\",\"reason\":\"the database is full\"}},"
                           "\"userIdentity\":{\"type\":\"AWSService\",\"invokedBy\":\"eksgate\"},"
                           "\"eventTime\":\"2015-08-30T12:36:00Z\",\"eventSource\":\"eksgate\","));
    assert_non_null(strstr(f->text.at, "\"readOnly\":true,\"eventType\":\"AwsServiceEvent\""));
}

static void journal_open__existing_file__is_appended_to(void **state)
{
    struct fixture *f = *state;

    write_chain(f);
    disk.syncs = 0;
    open_ok(f);
    assert_int_equal(disk.syncs, 1); /* what is read must be on the disk */
    record(f, "x");
    assert_string_equal(words_of(f, f->path), "old x");
}

static void journal_open__file_that_was_being_made__is_removed(void **state)
{
    struct fixture *f = *state;
    char path[128];

    (void)snprintf(path, sizeof(path), "%s.new", f->path);
    write_chain(f);
    add_text(path, RECORD("unfinished"));
    open_ok(f);
    assert_int_equal(access(path, F_OK), -1);
    gw_journal_close(&f->journal);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(open_it(f), GW_E_IO);
    assert_non_null(strstr(f->err.text, ".new"));
    assert_int_equal(rmdir(path), 0);
}

static void journal_open__half_line_of_a_crash__is_cut_off(void **state)
{
    static const char *const halves[] = {"{", GW_CHAIN_FRONT "\"sequ", RECORD("cut")};
    struct fixture *f = *state;
    char expected[64] = "old";

    write_chain(f);
    for (size_t i = 0; i < GW_COUNT(halves); i++) {
        add_text(f->path, halves[i]);
        open_ok(f);
        record(f, "x");
        gw_journal_close(&f->journal);
        (void)snprintf(expected + strlen(expected), 3, " x");
        assert_string_equal(words_of(f, f->path), expected);
    }
}

static void journal_open__zeros_where_a_write_was_lost__are_cut_off(void **state)
{
    struct fixture *f = *state;

    write_chain(f);
    assert_int_equal(truncate(f->path, 300000), 0);
    open_ok(f);
    record(f, "x");
    assert_string_equal(words_of(f, f->path), "old x");
}

static void refuses_to_open(struct fixture *f)
{
    struct gw_buf before;

    gw_buf_init(&before, (size_t)1 << 26);
    (void)read_file(f, f->path);
    gw_buf_append_str(&before, gw_buf_str(&f->text));
    assert_int_equal(open_it(f), GW_E_SYNTAX);
    assert_non_null(strstr(f->err.text, f->path));
    assert_non_null(strstr(f->err.text, "eksgate audit verify"));
    assert_non_null(strstr(f->err.text, "move it away"));
    assert_null(f->journal);
    (void)read_file(f, f->path);
    assert_true(gw_str_equal(gw_buf_str(&before), gw_buf_str(&f->text)));
    gw_buf_fini(&before);
}

static void journal_open__something_else_at_the_end__is_refused_and_left_alone(void **state)
{
    static const char *const ends[] = {"\n", "{\"eventVersion\":\"1.08\"}\n", RECORD("x") "\n", "not a record", "{}"};
    struct fixture *f = *state;
    char *text = gw_alloc(GW_JOURNAL_RECORD_MAX + 3);

    add_text(f->path, "PRECIOUS=1");
    refuses_to_open(f);
    assert_int_equal(truncate(f->path, 0), 0);
    write_chain(f);
    for (size_t i = 0; i < GW_COUNT(ends); i++) {
        struct stat info;

        assert_int_equal(stat(f->path, &info), 0);
        add_text(f->path, ends[i]);
        refuses_to_open(f);
        assert_int_equal(truncate(f->path, info.st_size), 0);
    }
    memset(text, 'x', GW_JOURNAL_RECORD_MAX + 1);
    memcpy(text + GW_JOURNAL_RECORD_MAX + 1, "\n", 2);
    add_text(f->path, text);
    refuses_to_open(f);
    free(text);
}

static void journal_open__symlink_folder_or_missing_folder__is_refused(void **state)
{
    struct fixture *f = *state;

    add_text(f->other, "");
    assert_int_equal(symlink(f->other, f->path), 0);
    assert_int_equal(open_it(f), GW_E_IO);
    assert_non_null(strstr(f->err.text, "symbolic link"));
    assert_null(f->journal);
    f->options.path = f->folder;
    assert_int_equal(open_it(f), GW_E_IO);
    f->options.path = "/dev/null";
    assert_int_equal(open_it(f), GW_E_IO);
    assert_non_null(strstr(f->err.text, "not a regular file"));
    assert_int_equal(unlink(f->path), 0);
    f->options.path = f->path;
    f->path[strlen(f->folder)] = 'x';
    f->path[strlen(f->folder) + 1] = '/';
    assert_int_equal(open_it(f), GW_E_IO);
    assert_non_null(strstr(f->err.text, f->path));
}

static void journal_open__file_of_another_journal__is_busy(void **state)
{
    struct fixture *f = *state;
    struct gw_journal *second = NULL;

    open_ok(f);
    assert_int_equal(gw_journal_open(&f->options, &second, &f->err), GW_E_BUSY);
    assert_null(second);
    gw_journal_close(&f->journal);
    assert_int_equal(open_it(f), GW_OK);
}

static void journal_open__disk_that_fails__is_an_error_each_time(void **state)
{
    struct fixture *f = *state;
    unsigned calls;

    write_chain(f);
    add_text(f->path, "{\"eventV");
    let_fail(CALL_ANY, UINT32_MAX, 1, EIO);
    open_ok(f);
    calls = disk.seen;
    gw_journal_close(&f->journal);
    assert_true(calls >= 7); /* open, size, sync, size, read, truncate, sync, folder */
    for (unsigned i = 0; i < calls; i++) {
        add_text(f->path, "{\"eventV");
        let_fail(CALL_ANY, i, 1, EIO);
        assert_int_equal(open_it(f), GW_E_IO);
        assert_non_null(strstr(f->err.text, f->path));
        let_work();
        open_ok(f);
        gw_journal_close(&f->journal);
    }
    assert_string_equal(words_of(f, f->path), "old");
}

static void journal_flush__disk_in_small_pieces__writes_it_all(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
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

    open_ok(f);
    record(f, "a");
    append(f, "rides along");
    assert_int_equal(flush_unsynced(f), GW_OK);
    disk.room = 200;
    append(f, "b");
    append(f, "c");
    assert_int_equal(flush(f), GW_E_IO);
    assert_non_null(strstr(f->err.text, f->path));
    assert_non_null(strstr(f->err.text, strerror(ENOSPC)));
    assert_int_equal(gw_journal_head(f->journal).sequence, 2);
    assert_string_equal(words_of(f, f->path), "a rides along");
    disk.room = SIZE_MAX;
    record(f, "d");
    assert_string_equal(words_of(f, f->path), "a rides along d");
    assert_int_equal(count_files(f->folder), 1);
}

static void journal_flush__file_shortened_meanwhile__is_cut_at_its_real_end(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head head;

    f->options.durable = false;
    open_ok(f);
    record(f, "a");
    head = gw_journal_head(f->journal);
    assert_int_equal(truncate(f->path, 0), 0); /* logrotate's copytruncate */
    disk.room = 4;
    append(f, "b");
    assert_int_equal(flush(f), GW_E_IO);
    assert_string_equal(words_of(f, f->path), "");
    disk.room = SIZE_MAX;
    record(f, "c");
    gw_buf_clear(&f->words);
    assert_true(walk_file(f, f->path, &head, UINT64_MAX));
    assert_string_equal(words(f), "c");
}

static void journal_reopen__after_logrotate__chain_runs_on_in_the_new_file(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    record(f, "a");
    append(f, "unsynced");
    assert_int_equal(flush_unsynced(f), GW_OK);
    assert_int_equal(rename(f->path, f->other), 0);
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    assert_int_equal(disk.syncs, 3); /* "a", the old file, the new one */
    record(f, "b");
    assert_string_equal(words_of(f, f->other), "a unsynced");
    assert_string_equal(chain_words(f), "a unsynced <AuditRotated> b");
    assert_int_equal(count_files(f->folder), 2);
}

static void journal_reopen__with_a_batch__writes_it_to_the_new_file(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    record(f, "a");
    assert_int_equal(rename(f->path, f->other), 0);
    append(f, "b");
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(chain_words(f), "a b <AuditRotated>");
}

static void journal_reopen__without_rotation__goes_on(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    record(f, "a");
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    record(f, "b");
    assert_string_equal(words_of(f, f->path), "a b");
}

static void journal_reopen__new_path_unusable__keeps_the_old_file(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    append(f, "a");
    assert_int_equal(rename(f->path, f->other), 0);
    assert_int_equal(symlink("nowhere", f->path), 0);
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_E_IO);
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->other), "a");
}

static void journal_reopen__other_records_at_the_path__keeps_the_old_file(void **state)
{
    struct fixture *f = *state;
    char third[128];

    (void)snprintf(third, sizeof(third), "%s/third", f->folder);
    write_chain(f);
    assert_int_equal(rename(f->path, third), 0);
    open_ok(f);
    record(f, "a");
    assert_int_equal(rename(f->path, f->other), 0);
    assert_int_equal(rename(third, f->path), 0);
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_E_SYNTAX);
    assert_non_null(strstr(f->err.text, "move it away"));
    record(f, "b");
    assert_string_equal(words_of(f, f->other), "a b");
    assert_string_equal(words_of(f, f->path), "old");
}

static void journal_reopen__old_file_fails_to_sync__writes_its_last_records_again(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    record(f, "a");
    append(f, "unsynced");
    assert_int_equal(flush_unsynced(f), GW_OK);
    assert_int_equal(rename(f->path, f->other), 0);
    let_fail(CALL_SYNC, 0, 1, EIO);
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    record(f, "b");
    assert_string_equal(chain_words(f), "a unsynced <AuditContinued> b");
    assert_null(strstr(read_file(f, f->path), "\"r\":\"a\""));
    assert_non_null(strstr(f->text.at, "\"r\":\"unsynced\""));
    assert_non_null(strstr(f->text.at, "\"continues\":{\"after\":1,\"reason\":\"sync failed\"}"));
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
    f->options.path = "-";
    assert_int_equal(open_it(f), GW_OK);
    record(f, "a");
    disk.room = 200;
    append(f, "b");
    append(f, "c");
    assert_int_equal(flush(f), GW_E_IO);
    assert_non_null(strstr(f->err.text, "audit file -"));
    disk.room = SIZE_MAX;
    record(f, "d");
    disk.room = 0;
    append(f, "e");
    assert_int_equal(flush(f), GW_E_IO); /* nothing went out: nothing to be told */
    disk.room = SIZE_MAX;
    record(f, "f");
    assert_int_equal(gw_journal_reopen(f->journal, &f->err), GW_OK);
    gw_journal_close(&f->journal);
}

static void journal_stdout__broken_write__never_joins_two_records(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head head = {0};
    struct gw_chain_head first;
    const char *behind;

    with_stdout(f, write_to_stdout);
    assert_int_equal(disk.syncs, 0);
    assert_false(walk_file(f, f->path, &head, UINT64_MAX));
    assert_string_equal(words(f), "a b");
    /* Behind the half line the chain goes on from "a", and says so. */
    behind = strstr(f->text.at, "\n{\"eventV");
    behind = behind != NULL ? strstr(behind + 1, "\"}}}\n") : NULL;
    assert_non_null(behind);
    behind = strchr(strchr(behind + 5, '\n') + 1, '{');
    add_text(f->other, behind);
    gw_buf_clear(&f->words);
    memset(&first, 0, sizeof(first));
    assert_true(walk_file(f, f->path, &first, 1));
    assert_true(walk_file(f, f->other, &first, UINT64_MAX));
    assert_string_equal(words(f), "a <AuditContinued> d f");
    assert_non_null(strstr(read_file(f, f->other), "\"continues\":{\"after\":1,\"reason\":"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(journal_flush__batch_of_records__is_one_line_each),
        T(journal_flush__not_durable__does_not_sync),
        T(journal_flush__not_asked_to_sync__syncs_with_the_next_that_is),
        T(journal_flush__a_mebibyte_unsynced__syncs_unasked),
        T(journal_append__record__is_told_its_place),
        T(journal_append__too_large__is_refused_and_not_taken),
        T(journal_append__other_front__is_refused_and_not_taken),
        T(journal_discard__batch__is_never_written),
        T(journal_discard__after_an_unsynced_flush__keeps_that),
        T(journal_append_settled__change__is_told_like_cloudtrails_service_events),
        T(journal_open__existing_file__is_appended_to),
        T(journal_open__file_that_was_being_made__is_removed),
        T(journal_open__half_line_of_a_crash__is_cut_off),
        T(journal_open__zeros_where_a_write_was_lost__are_cut_off),
        T(journal_open__something_else_at_the_end__is_refused_and_left_alone),
        T(journal_open__symlink_folder_or_missing_folder__is_refused),
        T(journal_open__file_of_another_journal__is_busy),
        T(journal_open__disk_that_fails__is_an_error_each_time),
        T(journal_flush__disk_in_small_pieces__writes_it_all),
        T(journal_flush__disk_full__leaves_no_trace_and_recovers),
        T(journal_flush__file_shortened_meanwhile__is_cut_at_its_real_end),
        T(journal_reopen__after_logrotate__chain_runs_on_in_the_new_file),
        T(journal_reopen__with_a_batch__writes_it_to_the_new_file),
        T(journal_reopen__without_rotation__goes_on),
        T(journal_reopen__new_path_unusable__keeps_the_old_file),
        T(journal_reopen__other_records_at_the_path__keeps_the_old_file),
        T(journal_reopen__old_file_fails_to_sync__writes_its_last_records_again),
        T(journal_stdout__broken_write__never_joins_two_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
