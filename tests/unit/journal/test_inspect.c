/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file: what was altered, is missing, out of order, there twice or no record
 * at all is named, first of all faults.
 */
#include "inspect_case.h"

static struct chain *chain_of(void **state, size_t count)
{
    struct chain *chain = *state;

    add_changes(chain, count);
    return chain;
}

/* Alters the byte at `needle` in the record. */
static void alter(struct chain *chain, unsigned sequence, const char *needle)
{
    char *hit = strstr(chain->lines[sequence], needle);

    assert_non_null(hit);
    *hit ^= 1;
}

/* Makes the record link to another than the one before it. */
static void break_link(struct chain *chain, unsigned sequence)
{
    char *hex = strstr(chain->lines[sequence], "\"previous\":\"") + strlen("\"previous\":\"");

    *hex = *hex == '0' ? '1' : '0';
}

static void inspect__whole_chain__is_good_and_counted(void **state)
{
    struct chain *chain = chain_of(state, 20);
    unsigned char hash[GW_DIGEST_SIZE];

    write_range(chain, "a", 1, 20);
    assert_good(chain);
    assert_int_equal(chain->report.records, 20);
    assert_int_equal(chain->report.files, 1);
    assert_int_equal(chain->report.changes, 20);
    assert_int_equal(chain->report.first, 1);
    gw_digest_sha256(gw_str_from(chain->lines[20]), hash);
    assert_int_equal(chain->report.last.sequence, 20);
    assert_memory_equal(chain->report.last.hash, hash, sizeof(hash));
}

static void inspect__one_record__is_good(void **state)
{
    struct chain *chain = chain_of(state, 1);

    write_range(chain, "a", 1, 1);
    assert_good(chain);
}

static void inspect__older_records_elsewhere__says_where_it_begins(void **state)
{
    struct chain *chain = chain_of(state, 20);

    write_range(chain, "a", 8, 20);
    assert_good(chain);
    assert_int_equal(chain->report.first, 8);
    assert_int_equal(chain->report.records, 13);
}

static void inspect__record_altered__is_named(void **state)
{
    struct chain *chain = chain_of(state, 20);

    alter(chain, 17, "CreateAccessEntry");
    write_range(chain, "a", 1, 20);
    assert_problem(chain, GW_INSPECT_ALTERED, 17, 17, "record 17 (a line 17) was altered");
    assert_int_equal(chain->report.line, 17);
    assert_int_equal(chain->report.records, 16);
}

static void inspect__first_record_altered__is_named(void **state)
{
    struct chain *chain = chain_of(state, 3);

    alter(chain, 1, "200");
    write_range(chain, "a", 1, 3);
    assert_problem(chain, GW_INSPECT_ALTERED, 1, 1, "record 1 (a line 1) was altered");
}

/* The link itself: the record that holds it is to blame, not the one that it names. */
static void inspect__link_altered__names_the_record_that_holds_it(void **state)
{
    struct chain *chain = chain_of(state, 20);

    break_link(chain, 7);
    write_range(chain, "a", 1, 20);
    assert_problem(chain, GW_INSPECT_ALTERED, 7, 7, "record 7 (a line 7) was altered");
}

static void inspect__number_altered__is_named(void **state)
{
    struct chain *chain = chain_of(state, 20);

    *strstr(chain->lines[7], "7") = '9';
    write_range(chain, "a", 1, 20);
    assert_problem(chain, GW_INSPECT_ALTERED, 7, 7, "record 7 (a line 7) was altered");
}

static void inspect__number_and_link_altered__is_named(void **state)
{
    struct chain *chain = chain_of(state, 20);

    *strstr(chain->lines[7], "7") = '9';
    break_link(chain, 7);
    write_range(chain, "a", 1, 20);
    assert_problem(chain, GW_INSPECT_ALTERED, 7, 7, "record 7 (a line 7) was altered");
}

static void inspect__first_number_altered__is_named(void **state)
{
    struct chain *chain = chain_of(state, 20);

    *strstr(chain->lines[1], "1,") = '5';
    write_range(chain, "a", 1, 20);
    assert_problem(chain, GW_INSPECT_ALTERED, 1, 1, "record 1 (a line 1) was altered");
    chain->file_count--;
    *strstr(chain->lines[8], "8") = '9';
    write_range(chain, "a", 8, 20);
    assert_problem(chain, GW_INSPECT_ALTERED, 8, 8, "record 8 (a line 1) was altered");
}

static void inspect__every_byte_of_a_record_altered__is_found(void **state)
{
    struct chain *chain = chain_of(state, 6);
    size_t length = strlen(chain->lines[3]);

    for (size_t i = 0; i < length; i++) {
        chain->lines[3][i] ^= 4;
        write_range(chain, "a", 1, 6);
        inspect(chain);
        chain->file_count--;
        if (chain->report.fault == GW_INSPECT_GOOD)
            fail_msg("byte %zu: not found", i);
        if (chain->report.fault == GW_INSPECT_ALTERED && chain->report.from != 3)
            fail_msg("byte %zu: %s", i, chain->report.problem);
        chain->lines[3][i] ^= 4;
    }
    write_range(chain, "a", 1, 6);
    assert_good(chain);
}

static void inspect__last_two_disagree__either_may_be_altered(void **state)
{
    struct chain *chain = chain_of(state, 9);

    alter(chain, 8, "200");
    write_range(chain, "a", 1, 9);
    assert_problem(chain, GW_INSPECT_ALTERED, 8, 9,
                   "record 8 (a line 8) or record 9 (a line 9) was altered; no record behind them says which");
    chain->options.head = &chain->head;
    assert_problem(chain, GW_INSPECT_ALTERED, 8, 8, "record 8 (a line 8) was altered");
    chain->file_count--;
    alter(chain, 8, "300");
    break_link(chain, 9);
    write_range(chain, "a", 1, 9);
    assert_problem(chain, GW_INSPECT_ALTERED, 9, 9, "record 9 (a line 9) was altered");
}

static void inspect__record_deleted__is_missing(void **state)
{
    static const unsigned left[] = {1, 2, 3, 5, 6, 7, 0};
    struct chain *chain = chain_of(state, 7);

    write_records(chain, "a", left);
    assert_problem(chain, GW_INSPECT_MISSING, 4, 4, "record 4 is missing between a line 3 and a line 4");
}

static void inspect__records_deleted__are_missing(void **state)
{
    static const unsigned left[] = {1, 2, 3, 7, 0};
    struct chain *chain = chain_of(state, 7);

    write_records(chain, "a", left);
    assert_problem(chain, GW_INSPECT_MISSING, 4, 6, "records 4 to 6 are missing between a line 3 and a line 4");
}

static void inspect__two_swapped__are_reordered(void **state)
{
    static const unsigned swapped[] = {1, 2, 4, 3, 5, 6, 0};
    struct chain *chain = chain_of(state, 6);

    write_records(chain, "a", swapped);
    assert_problem(chain, GW_INSPECT_REORDERED, 4, 4, "record 4 (a line 3) stands before record 3 (a line 4)");
}

static void inspect__first_moved_back__is_reordered(void **state)
{
    static const unsigned moved[] = {3, 4, 5, 2, 6, 0};
    struct chain *chain = chain_of(state, 6);

    write_records(chain, "a", moved);
    assert_problem(chain, GW_INSPECT_REORDERED, 2, 2, "record 2 (a line 4) stands behind record 5");
}

static void inspect__record_repeated__is_doubled(void **state)
{
    static const unsigned at_once[] = {1, 2, 3, 3, 4, 5, 0};
    static const unsigned later[] = {1, 2, 3, 4, 5, 2, 6, 0};
    struct chain *chain = chain_of(state, 6);

    write_records(chain, "a", at_once);
    assert_problem(chain, GW_INSPECT_DOUBLED, 3, 3, "record 3 is there a second time (a line 4, behind record 3)");
    chain->file_count--;
    write_records(chain, "a", later);
    assert_problem(chain, GW_INSPECT_DOUBLED, 2, 2, "record 2 is there a second time (a line 6, behind record 5)");
}

static void inspect__line_that_is_no_record__is_named(void **state)
{
    struct chain *chain = chain_of(state, 5);

    chain->lines[100] = gw_str_dup(GW_STR("{\"status\":200}"));
    write_records(chain, "a", (const unsigned[]){1, 2, 100, 3, 0});
    assert_problem(chain, GW_INSPECT_MALFORMED, 0, 0,
                   "a line 3, between record 2 and record 3, is no record: it doesn't begin as a record does");
    chain->file_count--;
    write_records(chain, "a", (const unsigned[]){100, 1, 2, 0});
    assert_problem(chain, GW_INSPECT_MALFORMED, 0, 0, "a line 1 is no record: it doesn't begin as a record does");
    chain->file_count--;
    write_records(chain, "a", (const unsigned[]){1, 2, 100, 4, 5, 0});
    assert_problem(chain, GW_INSPECT_MALFORMED, 3, 3,
                   "record 3 (a line 3) was altered: it doesn't begin as a record does");
    chain->file_count--;
    write_records(chain, "a", (const unsigned[]){100, 4, 5, 0});
    assert_problem(chain, GW_INSPECT_MALFORMED, 3, 3,
                   "record 3 (a line 1) was altered: it doesn't begin as a record does");
}

static void inspect__record_that_is_no_json__is_named(void **state)
{
    struct chain *chain = chain_of(state, 5);
    char words[96];

    (void)snprintf(words, sizeof(words), "record 4 (a line 4) was altered: byte %zu: is no JSON",
                   strlen(chain->lines[4]));
    chain->lines[4][strlen(chain->lines[4]) - 1] = ']';
    write_range(chain, "a", 1, 5);
    assert_problem(chain, GW_INSPECT_MALFORMED, 4, 4, words);
}

static void inspect__line_past_the_cap__is_an_error(void **state)
{
    struct chain *chain = chain_of(state, 2);
    char *members = gw_alloc(70000);

    (void)snprintf(members, 70000, "\"a\":\"%065000d\"", 0);
    add(chain, members);
    write_range(chain, "a", 1, 3);
    assert_good(chain);
    (void)snprintf(members, 70000, "\"a\":\"%066000d\"", 0);
    add(chain, members);
    add_changes(chain, 1);
    chain->file_count--;
    write_range(chain, "a", 1, 5);
    assert_problem(chain, GW_INSPECT_MALFORMED, 4, 4, "record 4 (a line 4) was altered: it is longer than 65536 bytes");
    free(members);
}

/* What audit hooks may add, and bodies that are nested as deeply as is taken. */
static void inspect__record_stranger_than_input_may_be__is_good(void **state)
{
    struct chain *chain = *state;

    add(chain, "\"fields\":{\"a\":\"\\u0000\",\"\\u0000\":1,\"b\":1,\"b\":2}");
    add(chain, "\"fields\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    write_range(chain, "a", 1, 2);
    assert_good(chain);
}

static void inspect__half_line_at_the_end__is_told_apart(void **state)
{
    struct chain *chain = chain_of(state, 3);
    struct gw_buf text;

    gw_buf_init(&text, (size_t)1 << 20);
    gw_buf_printf(&text, "%s\n%s\n", chain->lines[1], chain->lines[2]);
    for (size_t length = 1; length <= strlen(chain->lines[3]); length += 7) {
        size_t whole = text.length;

        gw_buf_append(&text, chain->lines[3], length);
        write_text(chain, "a", gw_buf_str(&text));
        assert_problem(chain, GW_INSPECT_HALF, 0, 0,
                       "a line 3, behind record 2, has no end: a crash came while it was written (the gateway removes "
                       "it when it starts), or somebody cut the file");
        chain->file_count--;
        text.length = whole;
    }
    write_text(chain, "a", gw_buf_str(&text));
    gw_buf_fini(&text);
}

static void inspect__no_record__is_empty(void **state)
{
    struct chain *chain = *state;

    write_text(chain, "a", GW_STR(""));
    inspect(chain);
    assert_int_equal(chain->report.fault, GW_INSPECT_EMPTY);
    assert_non_null(strstr(chain->report.problem, "there is no record in /"));
}

static void inspect__first_of_two_faults__is_the_one_named(void **state)
{
    static const unsigned left[] = {1, 2, 3, 5, 6, 7, 8, 0};
    struct chain *chain = chain_of(state, 8);

    alter(chain, 7, "200");
    write_records(chain, "a", left);
    assert_problem(chain, GW_INSPECT_MISSING, 4, 4, "record 4 is missing between a line 3 and a line 4");
    chain->file_count--;
    alter(chain, 2, "200");
    write_records(chain, "a", left);
    assert_problem(chain, GW_INSPECT_ALTERED, 2, 3,
                   "record 2 (a line 2) or record 3 (a line 3) was altered; no record behind them says which");
}

static void inspect__file_that_is_not_there__is_io_error(void **state)
{
    const char *path = "/nowhere/audit.jsonl";
    struct gw_inspect_options options = {.paths = &path, .path_count = 1};
    struct gw_inspect_report report;
    struct gw_err err;

    (void)state;
    assert_int_equal(gw_inspect_files(&options, &report, &err), GW_E_IO);
    assert_string_equal(err.text, "/nowhere/audit.jsonl: can't be opened: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_chain, close_chain)
        T(inspect__whole_chain__is_good_and_counted),
        T(inspect__one_record__is_good),
        T(inspect__older_records_elsewhere__says_where_it_begins),
        T(inspect__record_altered__is_named),
        T(inspect__first_record_altered__is_named),
        T(inspect__link_altered__names_the_record_that_holds_it),
        T(inspect__number_altered__is_named),
        T(inspect__number_and_link_altered__is_named),
        T(inspect__first_number_altered__is_named),
        T(inspect__every_byte_of_a_record_altered__is_found),
        T(inspect__last_two_disagree__either_may_be_altered),
        T(inspect__record_deleted__is_missing),
        T(inspect__records_deleted__are_missing),
        T(inspect__two_swapped__are_reordered),
        T(inspect__first_moved_back__is_reordered),
        T(inspect__record_repeated__is_doubled),
        T(inspect__line_that_is_no_record__is_named),
        T(inspect__record_that_is_no_json__is_named),
        T(inspect__line_past_the_cap__is_an_error),
        T(inspect__record_stranger_than_input_may_be__is_good),
        T(inspect__half_line_at_the_end__is_told_apart),
        T(inspect__no_record__is_empty),
        T(inspect__first_of_two_faults__is_the_one_named),
        T(inspect__file_that_is_not_there__is_io_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
