/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A start: the chain and the store are joined, and what became of each change
 * stands in the chain.
 */
#include "begin_case.h"

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

/* Its changes were made and told: the database was removed since. */
static void journal_begin__new_store_where_one_was__tells_what_is_lost(void **state)
{
    struct fixture *f = *state;
    struct gw_journal_start start = {.is_durable = true, .is_new = true};

    assert_int_equal(start_again(f, start), 0);
    (void)change(f, "a");
    assert_int_equal(start_again(f, start), 0);
    assert_string_equal(words_of(f, f->path), "<AuditBegun> a <AuditBegun>");
    assert_true(says(f, f->path, "\"store\":\"new\",\"settled\":0,\"notApplied\":{\"after\":0,\"upTo\":2}}"));
}

/* A start that failed behind its record: nothing was changed, nothing is lost. */
static void journal_begin__new_store_again__tells_nothing(void **state)
{
    struct fixture *f = *state;
    struct gw_journal_start start = {.is_durable = true, .is_new = true};

    assert_int_equal(start_again(f, start), 0);
    assert_int_equal(start_again(f, start), 0);
    assert_false(says(f, f->path, "notApplied"));
}

static void journal_begin__store_older_than_a_start_with_changes__tells_all_at_once(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;

    open_ok(f);
    committed = change(f, "a");
    (void)change(f, "b");
    assert_int_equal(start_again(f, kept(committed)), 1);
    (void)change(f, "c");
    assert_int_equal(start_again(f, kept(committed)), 0);
    assert_string_equal(words_of(f, f->path), "a b <ChangeSettled> <AuditBegun> c <AuditBegun>");
    assert_true(says(f, f->path,
                     "\"store\":\"older\",\"committed\":1,\"settled\":0,"
                     "\"notApplied\":{\"after\":1,\"upTo\":5}}"));
    assert_int_equal(start_again(f, kept(gw_journal_head(f->journal))), 0);
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
    committed = gw_journal_head(f->journal);
    (void)change(f, "d");
    assert_int_equal(start_again(f, kept(committed)), 1); /* it crashed before its first change was committed */
    assert_true(says(f, f->path, "\"settles\":5,\"outcome\":\"not applied\""));
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

static void journal_begin__store_has_lost_a_commit__is_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_journal_start start;
    struct gw_chain_head committed;
    struct gw_chain_head first;

    open_ok(f);
    first = change(f, "a");
    gw_journal_committed(f->journal, first.sequence);
    committed = change(f, "b");
    gw_journal_committed(f->journal, committed.sequence);
    (void)change(f, "c");
    start = kept(first);
    refuses(f, start, GW_E_MISSING,
            "by its record 3 the store had committed record 2, but the newest that it knows is 1");
    start.is_restored = true;
    assert_int_equal(start_again(f, start), 0);
    gw_journal_close(&f->journal);
}

static void journal_begin__store_is_as_the_records_say__goes_on(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;

    open_ok(f);
    committed = change(f, "a");
    gw_journal_committed(f->journal, committed.sequence);
    (void)change(f, "b");
    assert_int_equal(start_again(f, kept(committed)), 1);
    assert_int_equal(start_again(f, kept(committed)), 0);
}

/* ... as far as the last start. */
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
    (void)start_again(f, kept(gw_journal_head(f->journal)));
    committed = gw_journal_head(f->journal);
    gw_journal_close(&f->journal);
    open_ok(f);
    let_fail(CALL_READ, UINT32_MAX, 1, EIO);
    assert_int_equal(begin(f, kept(committed), &settled), GW_OK);
    assert_true(disk.seen < 15); /* 17 would be all of it */
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
        T(journal_begin__new_store_where_one_was__tells_what_is_lost),
        T(journal_begin__new_store_again__tells_nothing),
        T(journal_begin__store_older_than_a_start_with_changes__tells_all_at_once),
        T(journal_begin__changes_to_a_memory_store__are_not_this_ones),
        T(journal_begin__restored_store__tells_all_at_once),
        T(journal_begin__chain_ends_before_the_commit__is_refused),
        T(journal_begin__another_record_in_its_place__is_refused),
        T(journal_begin__store_has_lost_a_commit__is_refused),
        T(journal_begin__store_is_as_the_records_say__goes_on),
        T(journal_begin__commit_is_the_newest_record__needs_no_reading_back),
        T(journal_begin__commit_far_back__is_found),
        T(journal_begin__stdout__is_a_chain_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
