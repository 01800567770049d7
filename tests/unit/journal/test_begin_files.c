/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A start with the chain in several files, or with an end that a power cut tore.
 */
#include "base/file.h"
#include "begin_case.h"

static void journal_begin__restored_from_before_the_oldest_file__goes_on(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[6];
    struct gw_journal_start start;
    char path[128];

    write_three_files(f, heads);
    name_part(f, 1, path);
    assert_int_equal(unlink(path), 0);
    name_part(f, 3, path);
    assert_int_equal(unlink(path), 0);
    start = kept(heads[1]);
    refuses(f, start, GW_E_MISSING, "begins with record 9, but record 5,");
    start.is_restored = true;
    assert_int_equal(start_again(f, start), 0);
    assert_true(says(f, f->path, "\"notApplied\":{\"after\":2,\"upTo\":9}}"));
}

static void journal_begin__commit_in_a_rotated_file__is_found_there(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[6];

    write_three_files(f, heads);
    assert_int_equal(count_files(f->folder), 4);
    assert_int_equal(start_again(f, kept(heads[1])), 4);
    assert_string_equal(chain_words(f), "a b <AuditRotated> c d <AuditRotated> e f <AuditRotated> "
                                        "<ChangeSettled> <ChangeSettled> <ChangeSettled> <ChangeSettled> <AuditBegun>");
}

static void journal_begin__rotated_file_is_gone__is_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[6];
    char second[128];

    write_three_files(f, heads);
    name_part(f, 3, second);
    assert_int_equal(rename(second, f->other), 0); /* a name that logrotate gives is as good */
    assert_int_equal(start_again(f, kept(heads[1])), 4);
    gw_journal_close(&f->journal);
    assert_int_equal(unlink(f->other), 0);
    refuses(f, kept(heads[1]), GW_E_MISSING, "but record 5,");
    refuses(f, kept(heads[2]), GW_E_MISSING, "but record 5,");
    assert_int_equal(start_again(f, kept(heads[3])), 0); /* what it held is all committed */
}

/* The first `length` bytes of a file as another one; the first line where `length` is 0. */
static void copy_part(const char *from, size_t length, const char *to)
{
    struct gw_buf text;
    struct gw_err err;
    FILE *file = fopen(to, "w");

    gw_buf_init(&text, (size_t)1 << 20);
    assert_non_null(file);
    assert_int_equal(gw_file_read(from, &text, &err), GW_OK);
    if (length == 0)
        length = gw_str_find(gw_buf_str(&text), '\n', 0) + 1;
    assert_true(length <= text.length);
    assert_int_equal(fwrite(text.at, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    gw_buf_fini(&text);
}

static void journal_begin__other_files_beside_it__are_passed_over(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[6];
    char from[128];
    char part[160];
    char to[160];

    open_ok(f);
    for (int i = 0; i < 8; i++)
        record(f, "another chain");
    gw_journal_close(&f->journal);
    (void)snprintf(to, sizeof(to), "%s.9-of-another-chain", f->path);
    assert_int_equal(rename(f->path, to), 0);
    write_three_files(f, heads);
    (void)snprintf(to, sizeof(to), "%s.text", f->path);
    add_text(to, "no record");
    (void)snprintf(to, sizeof(to), "%s.folder", f->path);
    assert_int_equal(mkdir(to, 0700), 0);
    /* Dead ends: copies that end too early. */
    name_part(f, 3, from);
    (void)snprintf(part, sizeof(part), "%s.copy", f->path);
    copy_part(from, 0, part);
    (void)snprintf(part, sizeof(part), "%s.half", f->path);
    copy_part(from, 700, part);
    assert_int_equal(start_again(f, kept(heads[1])), 4);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(start_again(f, kept(heads[1])), 4);
    assert_int_equal(rmdir(to), 0);
}

static void journal_begin__crash_between_renaming_and_making_anew__goes_on_from_the_renamed(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[6];

    write_three_files(f, heads);
    assert_int_equal(unlink(f->path), 0);
    disk.syncs = 0;
    assert_int_equal(start_again(f, kept(heads[3])), 2);
    assert_int_equal(disk.syncs, 2); /* the renamed one, since this goes on from its end, and this */
    assert_string_equal(chain_words(f), "a b <AuditRotated> c d <AuditRotated> e f "
                                        "<ChangeSettled> <ChangeSettled> <AuditBegun>");
}

static void journal_begin__empty_file_and_a_renamed_one_with_a_torn_end__goes_on_behind_its_records(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[6];
    char third[128];

    write_three_files(f, heads);
    assert_int_equal(unlink(f->path), 0);
    name_part(f, 6, third);
    add_text(third, GW_CHAIN_FRONT "\"sequence\":9,\"previous");
    assert_int_equal(start_again(f, kept(heads[5])), 0);
    assert_string_equal(chain_words(f), "a b <AuditRotated> c d <AuditRotated> e f <AuditContinued> <AuditBegun>");
    assert_true(says(f, f->path, "\"continues\":{\"after\":8,\"file\":\"audit.jsonl.000000000006\""));
}

static off_t size_of(const char *path)
{
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return info.st_size;
}

/* The records a to e; where each begins. */
static void write_five(struct fixture *f, off_t *starts, struct gw_chain_head *heads)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};

    open_ok(f);
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        starts[i] = size_of(f->path);
        heads[i] = change(f, names[i]);
    }
    gw_journal_close(&f->journal);
}

static void overwrite(struct fixture *f, off_t at, const char *bytes, size_t length)
{
    int fd = open(f->path, O_WRONLY);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, length, at), length);
    assert_int_equal(close(fd), 0);
}

static void journal_begin__torn_behind_the_commit__goes_on_in_a_new_file(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[5];
    off_t starts[5];
    char first[128];

    write_five(f, starts, heads);
    overwrite(f, starts[2] + 20, "\0\0\0\0", 4);
    assert_int_equal(start_again(f, kept(heads[0])), 1);
    assert_string_equal(chain_words(f), "a b <AuditContinued> <ChangeSettled> <AuditBegun>");
    assert_true(says(f, f->path, "\"settles\":2,"));
    assert_true(says(f, f->path, "\"continues\":{\"after\":2,\"file\":\"audit.jsonl.000000000001\""));
    name_part(f, 1, first);
    assert_true(says(f, first, "\"r\":\"d\"")); /* the evidence is kept */
}

static void journal_begin__altered_behind_the_commit__goes_on_in_a_new_file(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[5];
    off_t starts[5];

    write_five(f, starts, heads);
    overwrite(f, starts[3] - 5, "x", 1); /* "c" still follows and is no change; what follows "c" doesn't */
    assert_int_equal(start_again(f, kept(heads[0])), 1);
    assert_string_equal(chain_words(f), "a b c <AuditContinued> <ChangeSettled> <AuditBegun>");
}

static void journal_open__last_record_torn__goes_on_in_a_new_file(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[5];
    off_t starts[5];

    write_five(f, starts, heads);
    overwrite(f, starts[3] - 20, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 30);
    overwrite(f, starts[4] + 150, "\0", 1);
    open_ok(f);
    record(f, "f");
    assert_string_equal(chain_words(f), "a b <AuditContinued> f");
    assert_int_equal(gw_journal_counters(f->journal)->given_up, 1);
}

static void journal_begin__torn_and_no_store_to_ask__goes_on_in_a_new_file(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[5];
    off_t starts[5];

    write_five(f, starts, heads);
    overwrite(f, starts[3] + 10, "\0", 1);
    assert_int_equal(start_again(f, (struct gw_journal_start){.is_durable = false}), 0);
    assert_string_equal(chain_words(f), "a b c <AuditContinued> <AuditBegun>");
}

static void journal_begin__altered_and_no_store_to_ask__is_left_for_the_verifier(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[5];
    off_t starts[5];

    write_five(f, starts, heads);
    overwrite(f, starts[3] - 5, "x", 1);
    assert_int_equal(start_again(f, (struct gw_journal_start){.is_durable = false}), 0);
    assert_null(chain_words(f));
    assert_int_equal(count_files(f->folder), 1);
    assert_int_equal(start_again(f, (struct gw_journal_start){.is_durable = true, .is_new = true}), 0);
    assert_int_equal(count_files(f->folder), 1);
}

static void journal_begin__torn_from_the_beginning__goes_on_from_where_the_chain_was(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[6];
    char torn[128];

    write_three_files(f, heads);
    overwrite(f, 0, "\0\0\0\0", 4);
    add_text(f->path, RECORD("x") "\n");
    overwrite(f, size_of(f->path) - 4, "\0", 1);
    assert_int_equal(start_again(f, kept(heads[3])), 2);
    assert_string_equal(chain_words(f), "a b <AuditRotated> c d <AuditRotated> e f <AuditContinued> "
                                        "<ChangeSettled> <ChangeSettled> <AuditBegun>");
    name_part(f, 9, torn);
    assert_true(says(f, torn, "\"r\":\"x\""));
}

static void journal_begin__first_start_torn__begins_a_chain(void **state)
{
    struct fixture *f = *state;
    struct gw_journal_start start = {.is_durable = true, .is_new = true};

    assert_int_equal(start_again(f, start), 0);
    record(f, "a");
    gw_journal_close(&f->journal);
    overwrite(f, 0, "\0\0\0\0", 4);
    assert_int_equal(start_again(f, start), 0);
    assert_string_equal(chain_words(f), "<AuditContinued> <AuditBegun>");
    assert_true(says(f, f->path, "\"begun\":{\"chain\":\"new\",\"id\""));
}

static void journal_begin__disk_that_fails__is_an_error_each_time(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[6];
    unsigned calls;
    size_t settled;

    write_three_files(f, heads);
    open_ok(f);
    let_fail(CALL_ANY, UINT32_MAX, 1, EIO);
    assert_int_equal(begin(f, kept(heads[1]), &settled), GW_OK);
    calls = disk.seen;
    gw_journal_close(&f->journal);
    for (unsigned i = 0; i < calls; i++) {
        open_ok(f);
        let_fail(CALL_ANY, i, 1, EIO);
        if (begin(f, kept(heads[1]), &settled) != GW_OK)
            assert_non_null(strstr(f->err.text, "audit.jsonl"));
        let_work();
        gw_journal_close(&f->journal);
        assert_int_equal(start_again(f, kept(heads[1])), 0);
        assert_non_null(chain_words(f));
        gw_journal_close(&f->journal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(journal_begin__restored_from_before_the_oldest_file__goes_on),
        T(journal_begin__commit_in_a_rotated_file__is_found_there),
        T(journal_begin__rotated_file_is_gone__is_refused),
        T(journal_begin__other_files_beside_it__are_passed_over),
        T(journal_begin__crash_between_renaming_and_making_anew__goes_on_from_the_renamed),
        T(journal_begin__empty_file_and_a_renamed_one_with_a_torn_end__goes_on_behind_its_records),
        T(journal_begin__torn_behind_the_commit__goes_on_in_a_new_file),
        T(journal_begin__altered_behind_the_commit__goes_on_in_a_new_file),
        T(journal_open__last_record_torn__goes_on_in_a_new_file),
        T(journal_begin__torn_and_no_store_to_ask__goes_on_in_a_new_file),
        T(journal_begin__altered_and_no_store_to_ask__is_left_for_the_verifier),
        T(journal_begin__torn_from_the_beginning__goes_on_from_where_the_chain_was),
        T(journal_begin__first_start_torn__begins_a_chain),
        T(journal_begin__disk_that_fails__is_an_error_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
