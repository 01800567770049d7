/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One chain in many files: in whatever order they are named, with one missing,
 * with one that was given up.
 */
#include "inspect_case.h"

static void reader__named_in_any_order__are_one_chain(void **state)
{
    struct chain *chain = *state;

    add_changes(chain, 40);
    write_range(chain, "audit.jsonl", 31, 40);
    write_range(chain, "audit.jsonl.000000000011", 11, 30);
    write_text(chain, "audit.jsonl.new", GW_STR(""));
    write_range(chain, "audit.jsonl.000000000001", 1, 10);
    assert_good(chain);
    assert_int_equal(chain->report.files, 4);
    assert_int_equal(chain->report.records, 40);
}

static void reader__file_named_twice__counts_once(void **state)
{
    struct chain *chain = *state;

    add_changes(chain, 4);
    write_range(chain, "a", 1, 4);
    chain->named[1] = chain->named[0];
    chain->options.paths = chain->named;
    chain->options.path_count = 2;
    assert_int_equal(gw_inspect_files(&chain->options, &chain->report, NULL), GW_OK);
    assert_int_equal(chain->report.fault, GW_INSPECT_GOOD);
    assert_int_equal(chain->report.files, 1);
}

static void reader__one_left_out__its_records_are_missing(void **state)
{
    struct chain *chain = *state;

    add_changes(chain, 40);
    write_range(chain, "c", 31, 40);
    write_range(chain, "a", 1, 10);
    assert_problem(chain, GW_INSPECT_MISSING, 11, 30, "records 11 to 30 are missing between a line 10 and c line 1");
}

static void reader__tail_of_an_older_one_cut__is_missing(void **state)
{
    struct chain *chain = *state;

    add_changes(chain, 40);
    write_range(chain, "a", 1, 8);
    write_range(chain, "b", 11, 40);
    assert_problem(chain, GW_INSPECT_MISSING, 9, 10, "records 9 to 10 are missing between a line 8 and b line 1");
}

static void reader__half_line_in_an_older_one__is_no_crash(void **state)
{
    struct chain *chain = *state;
    struct gw_buf text;

    add_changes(chain, 4);
    gw_buf_init(&text, (size_t)1 << 20);
    gw_buf_printf(&text, "%s\n%.100s", chain->lines[1], chain->lines[2]);
    write_text(chain, "a", gw_buf_str(&text));
    gw_buf_fini(&text);
    write_range(chain, "b", 3, 4);
    assert_problem(chain, GW_INSPECT_MALFORMED, 2, 2, "record 2 (a line 2) was altered: it has no end");
}

static void reader__altered_across_the_border__is_named(void **state)
{
    struct chain *chain = *state;

    add_changes(chain, 9);
    *strstr(chain->lines[5], "200") = '3';
    write_range(chain, "a", 1, 5);
    write_range(chain, "b", 6, 9);
    assert_problem(chain, GW_INSPECT_ALTERED, 5, 5, "record 5 (a line 5) was altered");
}

static void reader__first_line_of_one_broken__stays_in_its_place(void **state)
{
    struct chain *chain = *state;

    add_changes(chain, 9);
    chain->lines[4][0] = '[';
    write_range(chain, "b", 4, 9);
    write_range(chain, "a", 1, 3);
    assert_problem(chain, GW_INSPECT_MALFORMED, 4, 4,
                   "record 4 (b line 1) was altered: it doesn't begin as a record does");
    chain->file_count = 0;
    chain->lines[4][0] = '{';
    *strstr(chain->lines[4], ":4") = ':';
    strstr(chain->lines[4], ":4")[1] = '1';
    write_range(chain, "b", 4, 9);
    write_range(chain, "a", 1, 3);
    assert_problem(chain, GW_INSPECT_ALTERED, 4, 4, "record 4 (b line 1) was altered");
}

/* The old file has records 1 to 9, of which 6 was the last that was durable; the chain goes on behind that. */
static void write_given_up(struct chain *chain, const char *tail)
{
    struct gw_buf text;
    char *kept;

    add_changes(chain, 6);
    gw_buf_init(&text, (size_t)1 << 20);
    for (unsigned i = 1; i <= 6; i++)
        gw_buf_printf(&text, "%s\n", chain->lines[i]);
    kept = gw_memdup(&chain->head, sizeof(chain->head));
    for (unsigned i = 7; i <= 9; i++) {
        add(chain, "\"status\":201,\"change\":true");
        gw_buf_printf(&text, "%s\n", chain->lines[i]);
    }
    gw_buf_append_str(&text, gw_str_from(tail));
    write_text(chain, "old", gw_buf_str(&text));
    memcpy(&chain->head, kept, sizeof(chain->head));
    free(kept);
    gw_buf_fini(&text);
}

static void reader__one_given_up__its_rest_is_passed_over(void **state)
{
    struct chain *chain = *state;

    write_given_up(chain, "");
    add(chain, "\"status\":200");
    add(chain, "\"continues\":{\"after\":6,\"file\":\"old\"}");
    add_changes(chain, 4);
    write_range(chain, "new", 7, 12);
    assert_good(chain);
    assert_int_equal(chain->report.records, 12);
    assert_int_equal(chain->report.given_up, 3);
    assert_int_equal(chain->report.changes, 10);
}

/* What a lost write leaves: zeros, half a line. */
static void reader__one_given_up_with_garbage_behind__is_good(void **state)
{
    struct chain *chain = *state;

    write_given_up(chain, "nonsense\n{\"eventVersion\":\"1.11\",\"addi");
    add(chain, "\"continues\":{\"after\":6,\"file\":\"old\"}");
    write_range(chain, "new", 7, 7);
    assert_good(chain);
    assert_int_equal(chain->report.given_up, 5);
}

static void reader__one_given_up_that_lost_its_rest__is_good(void **state)
{
    struct chain *chain = *state;

    add_changes(chain, 6);
    write_range(chain, "old", 1, 6);
    add(chain, "\"continues\":{\"after\":6,\"file\":\"old\"}");
    write_range(chain, "new", 7, 7);
    assert_good(chain);
    assert_int_equal(chain->report.given_up, 0);
}

static void reader__overlap_that_no_record_explains__is_an_error(void **state)
{
    struct chain *chain = *state;

    write_given_up(chain, "");
    add_changes(chain, 4);
    write_range(chain, "new", 7, 10);
    assert_problem(chain, GW_INSPECT_DOUBLED, 7, 7, "record 7 is there a second time (new line 1, behind record 9)");
}

static void reader__record_that_explains_another_overlap__is_an_error(void **state)
{
    struct chain *chain = *state;

    write_given_up(chain, "");
    add(chain, "\"continues\":{\"after\":5,\"file\":\"old\"}");
    add_changes(chain, 4);
    write_range(chain, "new", 7, 11);
    assert_problem(chain, GW_INSPECT_DOUBLED, 7, 7, "record 7 is there a second time (new line 1, behind record 9)");
}

static void reader__one_given_up_whole__is_passed_over(void **state)
{
    struct chain *chain = *state;
    struct gw_chain_head head;

    add_changes(chain, 4);
    head = chain->head;
    add_changes(chain, 3);
    write_range(chain, "given-up", 5, 7);
    chain->head = head;
    add(chain, "\"continues\":{\"after\":4,\"file\":\"given-up\"}");
    add_changes(chain, 3);
    write_range(chain, "new", 5, 8);
    assert_good(chain);
    assert_int_equal(chain->report.given_up, 3);
    write_range(chain, "old", 1, 4);
    assert_good(chain);
    assert_int_equal(chain->report.records, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_chain, close_chain)
        T(reader__named_in_any_order__are_one_chain),
        T(reader__file_named_twice__counts_once),
        T(reader__one_left_out__its_records_are_missing),
        T(reader__tail_of_an_older_one_cut__is_missing),
        T(reader__half_line_in_an_older_one__is_no_crash),
        T(reader__altered_across_the_border__is_named),
        T(reader__first_line_of_one_broken__stays_in_its_place),
        T(reader__one_given_up__its_rest_is_passed_over),
        T(reader__one_given_up_with_garbage_behind__is_good),
        T(reader__one_given_up_that_lost_its_rest__is_good),
        T(reader__overlap_that_no_record_explains__is_an_error),
        T(reader__record_that_explains_another_overlap__is_an_error),
        T(reader__one_given_up_whole__is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
