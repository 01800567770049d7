/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A start: the chain and the store are joined, and what became of each change
 * stands in the chain.
 */
#include "journal_case.h"

static struct gw_journal_start kept(struct gw_chain_head committed)
{
    return (struct gw_journal_start){.is_durable = true, .committed = committed};
}

static enum gw_status begin(struct fixture *f, struct gw_journal_start start, size_t *settled)
{
    struct gw_journal_begun begun = {SIZE_MAX};
    enum gw_status status = gw_journal_begin(f->journal, &start, &begun, &f->err);

    *settled = begun.settled;
    return status;
}

/* Opens and begins; how many changes were settled. */
static size_t start_again(struct fixture *f, struct gw_journal_start start)
{
    size_t settled;

    gw_journal_close(&f->journal);
    open_ok(f);
    if (begin(f, start, &settled) != GW_OK)
        fail_msg("%s", f->err.text);
    return settled;
}

static void refuses(struct fixture *f, struct gw_journal_start start, enum gw_status expected, const char *words_of_it)
{
    struct gw_buf before;
    size_t settled;

    gw_buf_init(&before, (size_t)1 << 26);
    gw_journal_close(&f->journal);
    (void)read_file(f, f->path);
    gw_buf_append_str(&before, gw_buf_str(&f->text));
    open_ok(f);
    assert_int_equal(begin(f, start, &settled), expected);
    assert_non_null(strstr(f->err.text, f->path));
    if (strstr(f->err.text, words_of_it) == NULL)
        fail_msg("%s", f->err.text);
    gw_journal_close(&f->journal);
    (void)read_file(f, f->path);
    assert_true(gw_str_equal(gw_buf_str(&before), gw_buf_str(&f->text))); /* it is left alone */
    gw_buf_fini(&before);
}

/* A change's record, on the disk; the head that its batch is committed with. */
static struct gw_chain_head change(struct fixture *f, const char *word)
{
    append_with(f, word, ",\"change\":true");
    assert_int_equal(flush(f), GW_OK);
    return gw_journal_head(f->journal);
}

static bool says(struct fixture *f, const char *path, const char *text)
{
    (void)read_file(f, path);
    return gw_str_search(gw_buf_str(&f->text), gw_str_from(text)) != SIZE_MAX;
}

static void journal_begin__empty_file__begins_a_chain(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(start_again(f, (struct gw_journal_start){.is_durable = true, .is_new = true}), 0);
    assert_string_equal(words_of(f, f->path), "<AuditBegun>");
    assert_true(says(f, f->path, "\"begun\":{\"chain\":\"new\",\"id\":\""));
    assert_true(says(f, f->path, "\",\"store\":\"new\",\"settled\":0}"));
    assert_int_equal(gw_journal_durable_head(f->journal).sequence, 1);
}

static void journal_begin__no_durable_store__settles_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(start_again(f, (struct gw_journal_start){.is_durable = false}), 0);
    (void)change(f, "a");
    assert_int_equal(start_again(f, (struct gw_journal_start){.is_durable = false}), 0);
    assert_string_equal(words_of(f, f->path), "<AuditBegun> a <AuditBegun>");
    assert_true(says(f, f->path, "\"begun\":{\"chain\":\"continued\",\"store\":\"none\"}"));
}

static void journal_begin__changes_behind_the_commit__were_not_applied(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;

    open_ok(f);
    (void)change(f, "a");
    committed = change(f, "b");
    (void)change(f, "c");
    record(f, "no change");
    append_with(f, "neither", ",\"fields\":{\"change\":true,\"settles\":3,\"text\":\"\\\"change\\\":true\"}");
    (void)change(f, "d");
    assert_int_equal(start_again(f, kept(committed)), 2);
    assert_string_equal(words_of(f, f->path), "a b c no change neither d <ChangeSettled> <ChangeSettled> <AuditBegun>");
    assert_true(says(f, f->path, "\"settles\":3,\"outcome\":\"not applied\""));
    assert_true(says(f, f->path, "\"settles\":6,\"outcome\":\"not applied\""));
    assert_true(
        says(f, f->path, "\"begun\":{\"chain\":\"continued\",\"store\":\"kept\",\"committed\":2,\"settled\":2}"));
    /* A crash before the store has committed the new head tells nothing twice. */
    assert_int_equal(start_again(f, kept(committed)), 0);
    assert_int_equal(start_again(f, kept(gw_journal_head(f->journal))), 0);
}

static void journal_begin__told_before__is_not_told_again(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;

    open_ok(f);
    committed = change(f, "a");
    (void)change(f, "b");
    gw_journal_append_settled(f->journal, 2, GW_JOURNAL_NOT_APPLIED, "the disk is full");
    (void)change(f, "c");
    assert_int_equal(start_again(f, kept(committed)), 1);
    assert_true(says(f, f->path, "\"settles\":4,\"outcome\":\"not applied\""));
}

static void journal_begin__unknown_and_committed__was_applied(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;

    open_ok(f);
    append_with(f, "a", ",\"change\":true");
    committed = change(f, "b");
    gw_journal_append_settled(f->journal, 1, GW_JOURNAL_UNKNOWN, "sync");
    gw_journal_append_settled(f->journal, 2, GW_JOURNAL_UNKNOWN, "sync");
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(start_again(f, kept(committed)), 2);
    assert_true(says(f, f->path, "\"settles\":1,\"outcome\":\"applied\""));
    assert_true(says(f, f->path, "\"settles\":2,\"outcome\":\"applied\""));
    assert_int_equal(start_again(f, kept(committed)), 0);
}

static void journal_begin__unknown_and_not_committed__was_not_applied(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;

    open_ok(f);
    committed = change(f, "a");
    (void)change(f, "b");
    gw_journal_append_settled(f->journal, 2, GW_JOURNAL_UNKNOWN, "sync");
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(start_again(f, kept(committed)), 1);
    assert_true(says(f, f->path, "\"settles\":2,\"outcome\":\"not applied\""));
    assert_false(says(f, f->path, "\"outcome\":\"applied\""));
}

static void journal_begin__new_store_and_old_file__settles_nothing(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    (void)change(f, "a");
    assert_int_equal(start_again(f, (struct gw_journal_start){.is_durable = true, .is_new = true}), 0);
    assert_string_equal(words_of(f, f->path), "a <AuditBegun>");
    assert_true(says(f, f->path, "\"chain\":\"continued\",\"store\":\"new\""));
}

static void journal_begin__new_store_that_crashed_before_its_first_commit__was_not_applied(void **state)
{
    struct fixture *f = *state;
    struct gw_journal_start start = {.is_durable = true, .is_new = true};

    open_ok(f);
    (void)change(f, "another store's");
    assert_int_equal(start_again(f, start), 0);
    (void)change(f, "a");
    assert_int_equal(start_again(f, start), 1);
    assert_true(says(f, f->path, "\"settles\":3,\"outcome\":\"not applied\""));
    assert_int_equal(start_again(f, start), 0);
}

static void journal_begin__changes_to_a_memory_store__are_not_this_ones(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;

    open_ok(f);
    committed = change(f, "a");
    (void)change(f, "b");
    assert_int_equal(start_again(f, (struct gw_journal_start){.is_durable = false}), 0);
    (void)change(f, "in memory");
    assert_int_equal(start_again(f, kept(committed)), 1);
    assert_true(says(f, f->path, "\"settles\":2,\"outcome\":\"not applied\""));
}

static void journal_begin__restored_store__tells_all_at_once(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;
    struct gw_journal_start start;

    open_ok(f);
    committed = change(f, "a");
    (void)change(f, "b");
    (void)change(f, "c");
    start = kept(committed);
    start.is_restored = true;
    assert_int_equal(start_again(f, start), 0);
    assert_string_equal(words_of(f, f->path), "a b c <AuditBegun>");
    assert_true(says(f, f->path,
                     "\"store\":\"restored\",\"committed\":1,\"settled\":0,"
                     "\"notApplied\":{\"after\":1,\"upTo\":3}}"));
    (void)change(f, "d");
    assert_int_equal(start_again(f, kept(committed)), 1); /* it crashed before its first commit */
    assert_true(says(f, f->path, "\"settles\":5,\"outcome\":\"not applied\""));
}

/* Three files: 1 a, 2 b | 3 (own), 4 c, 5 d | 6 (own), 7 e, 8 f, and the journal's, which begins with 9; the heads
 * after each change. */
static void write_three_files(struct fixture *f, struct gw_chain_head *heads)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};

    f->options.max_size = 1; /* each flush fills a file */
    open_ok(f);
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        append_with(f, names[i], ",\"change\":true");
        heads[i] = gw_journal_head(f->journal);
        if (i % 2 == 1)
            assert_int_equal(flush(f), GW_OK);
    }
    gw_journal_close(&f->journal);
    f->options.max_size = 0;
}

static void name_part(struct fixture *f, unsigned first, char path[128])
{
    (void)snprintf(path, 128, "%s.%012u", f->path, first);
}

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

static void journal_begin__chain_ends_before_the_commit__is_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;
    struct stat info;

    open_ok(f);
    (void)change(f, "a");
    assert_int_equal(stat(f->path, &info), 0);
    committed = change(f, "b");
    gw_journal_close(&f->journal);
    assert_int_equal(truncate(f->path, info.st_size), 0);
    refuses(f, kept(committed), GW_E_MISSING, "ends with record 1, but the store has committed record 2");
    assert_int_equal(rename(f->path, f->other), 0); /* as the words say */
    assert_int_equal(start_again(f, kept(committed)), 0);
    record(f, "c");
    gw_buf_clear(&f->words);
    assert_true(walk_file(f, f->path, &committed, UINT64_MAX));
    assert_string_equal(words(f), "<AuditBegun> c");
}

static void journal_begin__another_record_in_its_place__is_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;

    open_ok(f);
    (void)change(f, "a");
    committed = change(f, "b");
    (void)change(f, "c");
    gw_journal_close(&f->journal);
    committed.hash[0] ^= 1;
    refuses(f, kept(committed), GW_E_MISSING, "its record 2 is another");
    committed.sequence = 0; /* nothing committed, but not new: its first record must begin the chain */
    refuses(f, kept(committed), GW_E_MISSING, "");
}

static void journal_begin__commit_is_the_newest_record__needs_no_reading_back(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;
    char more[300];
    size_t settled;

    (void)snprintf(more, sizeof(more), ",\"more\":\"%0200d\"", 0);
    open_ok(f);
    for (int i = 0; i < 10000; i++)
        append_with(f, "x", more);
    assert_int_equal(flush(f), GW_OK);
    committed = gw_journal_head(f->journal);
    gw_journal_close(&f->journal);
    open_ok(f);
    let_fail(CALL_READ, UINT32_MAX, 1, EIO);
    assert_int_equal(begin(f, kept(committed), &settled), GW_OK);
    assert_true(disk.seen < 10);
}

static void journal_begin__commit_far_back__is_found(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed = {0};
    char more[300];

    (void)snprintf(more, sizeof(more), ",\"more\":\"%0*d\"", 180, 0);
    open_ok(f);
    for (int i = 0; i < 6000; i++) {
        append_with(f, "x", i % 1000 == 999 ? ",\"change\":true" : more);
        if (i == 2500)
            committed = gw_journal_head(f->journal);
    }
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(start_again(f, kept(committed)), 4);
    assert_true(says(f, f->path, "\"settles\":3000,"));
    assert_true(says(f, f->path, "\"settles\":6000,"));
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

static void journal_begin__other_files_beside_it__are_passed_over(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head heads[6];
    char command[512];
    char from[128];
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
    (void)snprintf(command, sizeof(command), "head -n 1 %s >%s.copy; head -c 700 %s >%s.half", from, f->path, from,
                   f->path);
    assert_int_equal(system(command), 0);
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
    assert_int_equal(start_again(f, kept(heads[3])), 2);
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

static void journal_begin__torn_behind_the_commit__goes_on_in_a_new_file(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;
    struct stat info;
    char first[128];
    int fd;

    open_ok(f);
    committed = change(f, "a");
    (void)change(f, "b");
    assert_int_equal(stat(f->path, &info), 0);
    (void)change(f, "torn");
    (void)change(f, "d");
    gw_journal_close(&f->journal);
    fd = open(f->path, O_WRONLY);
    assert_int_equal(pwrite(fd, "\0\0\0\0", 4, info.st_size + 20), 4);
    assert_int_equal(close(fd), 0);
    assert_int_equal(start_again(f, kept(committed)), 1);
    assert_string_equal(chain_words(f), "a b <AuditContinued> <ChangeSettled> <AuditBegun>");
    assert_true(says(f, f->path, "\"settles\":2,"));
    assert_true(says(f, f->path, "\"continues\":{\"after\":2,\"file\":\"audit.jsonl.000000000001\""));
    name_part(f, 1, first);
    assert_true(says(f, first, "\"r\":\"d\"")); /* the evidence is kept */
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

static void write_to_stdout(struct fixture *f)
{
    struct gw_journal_start start = kept((struct gw_chain_head){.sequence = 7});

    f->options.path = "-";
    assert_int_equal(start_again(f, start), 0);
    record(f, "a");
    gw_journal_close(&f->journal);
}

static void journal_begin__stdout__is_a_chain_of_its_own(void **state)
{
    struct fixture *f = *state;
    int kept_fd = dup(STDOUT_FILENO);
    int fd = open(f->path, O_CREAT | O_WRONLY | O_APPEND, 0600);

    (void)fflush(stdout);
    assert_true(dup2(fd, STDOUT_FILENO) >= 0);
    write_to_stdout(f);
    assert_true(dup2(kept_fd, STDOUT_FILENO) >= 0);
    (void)close(fd);
    (void)close(kept_fd);
    assert_string_equal(words_of(f, f->path), "<AuditBegun> a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(journal_begin__empty_file__begins_a_chain),
        T(journal_begin__no_durable_store__settles_nothing),
        T(journal_begin__changes_behind_the_commit__were_not_applied),
        T(journal_begin__told_before__is_not_told_again),
        T(journal_begin__unknown_and_committed__was_applied),
        T(journal_begin__unknown_and_not_committed__was_not_applied),
        T(journal_begin__new_store_and_old_file__settles_nothing),
        T(journal_begin__new_store_that_crashed_before_its_first_commit__was_not_applied),
        T(journal_begin__changes_to_a_memory_store__are_not_this_ones),
        T(journal_begin__restored_store__tells_all_at_once),
        T(journal_begin__restored_from_before_the_oldest_file__goes_on),
        T(journal_begin__chain_ends_before_the_commit__is_refused),
        T(journal_begin__another_record_in_its_place__is_refused),
        T(journal_begin__commit_is_the_newest_record__needs_no_reading_back),
        T(journal_begin__commit_far_back__is_found),
        T(journal_begin__commit_in_a_rotated_file__is_found_there),
        T(journal_begin__rotated_file_is_gone__is_refused),
        T(journal_begin__other_files_beside_it__are_passed_over),
        T(journal_begin__crash_between_renaming_and_making_anew__goes_on_from_the_renamed),
        T(journal_begin__empty_file_and_a_renamed_one_with_a_torn_end__goes_on_behind_its_records),
        T(journal_begin__torn_behind_the_commit__goes_on_in_a_new_file),
        T(journal_begin__disk_that_fails__is_an_error_each_time),
        T(journal_begin__stdout__is_a_chain_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
