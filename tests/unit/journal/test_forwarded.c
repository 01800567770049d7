/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A start behind a process that ended while an upstream was asked: what was open
 * is told to be unknown, once, whatever store there is.
 */
#include "begin_case.h"

#include "journal/forwarded.h"

#define REASON "\"reason\":\"eksgate ended before the upstream answered\",\"forwarded\":true"

static const struct gw_journal_start no_store = {.is_durable = false};

/* A record of something that is about to be forwarded, on the disk; its number. */
static uint64_t forward(struct fixture *f, const char *word)
{
    uint64_t sequence;

    append_with(f, word, ",\"forwarded\":true");
    sequence = gw_journal_head(f->journal).sequence;
    assert_int_equal(flush(f), GW_OK);
    return sequence;
}

static void answer(struct fixture *f, uint64_t sequence, enum gw_journal_outcome outcome)
{
    gw_journal_append_settled_upstream(f->journal, sequence, outcome, GW_JOURNAL_UPSTREAM, "so it is");
    assert_int_equal(flush(f), GW_OK);
}

/* Starts again; how many were told to be unknown. */
static size_t start_counting(struct fixture *f, struct gw_journal_start start)
{
    struct gw_journal_begun begun;

    gw_journal_close(&f->journal);
    open_ok(f);
    if (gw_journal_begin(f->journal, &start, &begun, &f->err) != GW_OK)
        fail_msg("%s", f->err.text);
    return begun.unknown;
}

static bool says_unknown(struct fixture *f, uint64_t sequence)
{
    char text[160];

    (void)snprintf(text, sizeof(text), "\"settles\":%llu,\"outcome\":\"unknown\"," REASON,
                   (unsigned long long)sequence);
    return says(f, f->path, text);
}

static void forwarded__open_at_the_end__is_unknown_once(void **state)
{
    struct fixture *f = *state;
    uint64_t open;

    open_ok(f);
    answer(f, forward(f, "answered"), GW_JOURNAL_APPLIED);
    open = forward(f, "open");
    answer(f, forward(f, "refused"), GW_JOURNAL_NOT_APPLIED);
    record(f, "other");
    assert_int_equal(start_counting(f, no_store), 1);
    assert_string_equal(words_of(f, f->path), "answered <ChangeSettled> open refused <ChangeSettled> other "
                                              "<ChangeSettled> <AuditBegun>");
    assert_true(says_unknown(f, open));
    assert_int_equal(start_counting(f, no_store), 0);
}

static void forwarded__answered_without_a_store__is_not_told(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    answer(f, forward(f, "a"), GW_JOURNAL_UNKNOWN);
    assert_int_equal(start_counting(f, no_store), 0);
}

/* What callers and policies put into records. */
static void forwarded__words_elsewhere_in_a_record__mean_nothing(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    append_with(f, "a", ",\"fields\":{\"forwarded\":true,\"begun\":{}}");
    append_with(f, "b", ",\"forwarded\":\"true\",\"text\":\"\\\"forwarded\\\":true\"");
    (void)forward(f, "open"); /* 3 */
    append_with(f, "c", ",\"fields\":{\"settles\":3,\"outcome\":\"applied\",\"begun\":{}}");
    assert_int_equal(flush(f), GW_OK);
    assert_int_equal(start_counting(f, no_store), 1);
    assert_true(says_unknown(f, 3));
}

/* The store's head is committed with others' changes. */
static void forwarded__before_what_the_store_has_committed__is_unknown(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;
    uint64_t open;

    open_ok(f);
    open = forward(f, "open");
    committed = change(f, "b");
    (void)change(f, "c");
    assert_int_equal(start_counting(f, kept(committed)), 1);
    assert_true(says_unknown(f, open));
    assert_true(says(f, f->path, "\"settles\":3,\"outcome\":\"not applied\""));
}

/* Where a change to the store was unknown, what the store has tells; of an upstream it doesn't. */
static void forwarded__told_unknown_behind_the_commit__stays_unknown(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;
    uint64_t sequence;

    open_ok(f);
    sequence = forward(f, "a");
    committed = change(f, "b");
    answer(f, sequence, GW_JOURNAL_UNKNOWN);
    assert_int_equal(start_again(f, kept(committed)), 0);
    assert_false(says(f, f->path, "\"outcome\":\"applied\""));
}

static void forwarded__restored_store__is_unknown_all_the_same(void **state)
{
    struct fixture *f = *state;
    struct gw_journal_start start = {.is_durable = true, .is_restored = true};

    open_ok(f);
    start.committed = change(f, "a");
    (void)forward(f, "open");
    assert_int_equal(start_counting(f, start), 1);
    assert_true(says_unknown(f, 2));
}

/* Each flush fills a file. */
static void forwarded__in_an_older_file__is_found_by_the_links(void **state)
{
    struct fixture *f = *state;

    f->options.max_size = 1;
    open_ok(f);
    (void)forward(f, "a");
    record(f, "b");
    answer(f, forward(f, "c"), GW_JOURNAL_APPLIED);
    (void)forward(f, "d");
    add_text(f->other, "no record\n");
    f->options.max_size = 0;
    assert_int_equal(start_counting(f, no_store), 2);
    assert_true(says_unknown(f, 1));
    assert_non_null(chain_words(f));
    assert_int_equal(start_counting(f, no_store), 0);
}

static void forwarded__older_file_was_taken_away__is_no_reason_to_refuse(void **state)
{
    struct fixture *f = *state;
    char part[128];

    f->options.max_size = 1;
    open_ok(f);
    (void)forward(f, "a");
    (void)forward(f, "b"); /* behind the record that the file begins with */
    f->options.max_size = 0;
    name_part(f, 1, part);
    assert_int_equal(unlink(part), 0);
    assert_int_equal(start_counting(f, no_store), 1);
}

/* The empty file goes on from the one that somebody moved. */
static void forwarded__own_file_is_empty__is_found_beside_it(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head committed;

    open_ok(f);
    committed = change(f, "a");
    (void)forward(f, "open");
    gw_journal_close(&f->journal);
    assert_int_equal(rename(f->path, f->other), 0);
    assert_int_equal(start_counting(f, kept(committed)), 1);
    assert_true(says_unknown(f, 2));
}

static void forwarded__behind_a_torn_end__doesnt_count(void **state)
{
    struct fixture *f = *state;
    char line[512];
    FILE *file;

    open_ok(f);
    (void)forward(f, "open");
    gw_journal_close(&f->journal);
    (void)snprintf(
        line, sizeof(line),
        "{\"eventVersion\":\"1.11\",\"additionalEventData\":{\"eksgate\":{\"sequence\":3,\"previous\":\"%064d\","
        "\"forwarded\":true}}}\n",
        0);
    file = fopen(f->path, "a");
    assert_non_null(file);
    assert_int_equal(fwrite("{\"ev\0\0\0\0\n", 1, 9, file), 9);
    assert_true(fputs(line, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(start_counting(f, no_store), 1);
    assert_true(says_unknown(f, 1));
    assert_non_null(chain_words(f));
}

/* Adds records of 16 KiB whose time is so many minutes past an hour. */
static void append_bulk(struct fixture *f, size_t bytes, unsigned minutes)
{
    char *record = gw_alloc((size_t)17 << 10);

    (void)snprintf(record, (size_t)17 << 10,
                   GW_CHAIN_FRONT "\"r\":\"x\"}},\"eventTime\":\"2026-01-02T%02u:%02u:00Z\",\"more\":\"%016384d\"}",
                   3 + minutes / 60, minutes % 60, 0);
    for (size_t i = 0; i < bytes >> 14; i++)
        assert_int_equal(gw_journal_append(f->journal, gw_str_from(record), NULL), GW_OK);
    assert_int_equal(flush(f), GW_OK);
    free(record);
}

/* Reading goes back for an hour of the records' own time, and over some MiB whatever that says. */
static void forwarded__far_back__is_looked_for_within_an_hour(void **state)
{
    static const struct {
        unsigned minutes; /* between what is old and what is new */
        size_t bytes;     /* behind what is open */
        size_t found;
    } cases[] = {{59, 2 * GW_FORWARDED_NEAR, 1}, {90, 2 * GW_FORWARDED_NEAR, 0}, {90, GW_FORWARDED_NEAR / 2, 1}};
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        open_ok(f);
        (void)forward(f, "open");
        append_bulk(f, cases[i].bytes / 2, 0);
        append_bulk(f, cases[i].bytes / 2, cases[i].minutes);
        assert_int_equal(start_counting(f, no_store), cases[i].found);
        gw_journal_close(&f->journal);
        assert_int_equal(unlink(f->path), 0);
    }
}

/* The process died where its record was synced and its file about to be: each call of the next start fails in turn, and
 * the one after that finds what it left. */
static void forwarded__each_call_of_a_start_fails__is_told_exactly_once(void **state)
{
    struct fixture *f = *state;
    struct gw_journal_begun begun;
    unsigned failed = 0;
    bool went_on = false;

    for (unsigned at = 0; !went_on; at++) {
        f->options.max_size = 1;
        open_ok(f);
        (void)forward(f, "a");
        (void)forward(f, "b");
        f->options.max_size = 0;
        gw_journal_close(&f->journal);
        let_fail(CALL_ANY, at, 1, EIO);
        if (open_it(f) == GW_OK && gw_journal_begin(f->journal, &no_store, &begun, &f->err) != GW_OK)
            failed++;
        went_on = disk.seen <= at;
        let_work();
        (void)start_counting(f, no_store);
        (void)chain_words(f);
        assert_int_equal(start_counting(f, no_store), 0);
        gw_buf_clear(&f->words);
        if (strstr(chain_words(f), "<ChangeSettled> <ChangeSettled> ") == NULL)
            fail_msg("call %u: %s", at, words(f));
        assert_null(strstr(strstr(words(f), "<ChangeSettled> <ChangeSettled> ") + 32, "<ChangeSettled>"));
        gw_journal_close(&f->journal);
        empty_folder(f->folder);
    }
    assert_true(failed > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(forwarded__open_at_the_end__is_unknown_once),
        T(forwarded__answered_without_a_store__is_not_told),
        T(forwarded__words_elsewhere_in_a_record__mean_nothing),
        T(forwarded__before_what_the_store_has_committed__is_unknown),
        T(forwarded__told_unknown_behind_the_commit__stays_unknown),
        T(forwarded__restored_store__is_unknown_all_the_same),
        T(forwarded__in_an_older_file__is_found_by_the_links),
        T(forwarded__older_file_was_taken_away__is_no_reason_to_refuse),
        T(forwarded__own_file_is_empty__is_found_beside_it),
        T(forwarded__behind_a_torn_end__doesnt_count),
        T(forwarded__far_back__is_looked_for_within_an_hour),
        T(forwarded__each_call_of_a_start_fails__is_told_exactly_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
