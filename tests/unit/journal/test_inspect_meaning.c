/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What records say of others: heads, settled changes, signed checkpoints.
 */
#include "inspect_case.h"

#include "codec/time.h"

/* RFC 8032 section 7.1, tests 1 and 3. */
#define KEY_1                                                                                                          \
    "-----BEGIN PRIVATE KEY-----\n"                                                                                    \
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"                                               \
    "-----END PRIVATE KEY-----\n"
#define KEY_3                                                                                                          \
    "-----BEGIN PRIVATE KEY-----\n"                                                                                    \
    "MC4CAQAwBQYDK2VwBCIEIMWqjfQ/n4N77bdELzHct7Fm04U1B28JS4XOOi4LRFj3\n"                                               \
    "-----END PRIVATE KEY-----\n"
#define KEY_1_ID "21fe31dfa154a261"

struct keys {
    struct gw_ed25519_key *one;
    struct gw_ed25519_key *three;
};

static void open_keys(struct keys *keys)
{
    assert_int_equal(gw_ed25519_private(GW_STR(KEY_1), &keys->one), GW_OK);
    assert_int_equal(gw_ed25519_private(GW_STR(KEY_3), &keys->three), GW_OK);
}

static void close_keys(struct keys *keys)
{
    gw_ed25519_free(&keys->one);
    gw_ed25519_free(&keys->three);
}

static void add_checkpoint(struct chain *chain, const struct gw_ed25519_key *key, const struct gw_chain_head *head,
                           int64_t time_ms)
{
    struct gw_json checkpoint;
    struct gw_arena arena;
    struct gw_buf members;
    char time[GW_TIME_ISO_SIZE];

    gw_arena_init(&arena, 0);
    gw_buf_init(&members, 4096);
    checkpoint = gw_checkpoint_sign(key, head, time_ms, &arena);
    gw_buf_append_lit(&members, "\"checkpoint\":");
    gw_json_encode(&checkpoint, &members);
    gw_buf_append_byte(&members, '\0');
    gw_time_iso(time_ms, time);
    add_at(chain, members.at, time);
    gw_buf_fini(&members);
    gw_arena_fini(&arena);
}

static void add_change_at(struct chain *chain, int64_t time_ms)
{
    char time[GW_TIME_ISO_SIZE];

    gw_time_iso(time_ms, time);
    add_at(chain, "\"change\":true", time);
}

static void inspect_meaning__head_in_the_chain__is_good(void **state)
{
    struct chain *chain = *state;
    struct gw_chain_head head;

    add_changes(chain, 9);
    head = chain->head;
    chain->options.head = &head;
    add_changes(chain, 1);
    write_range(chain, "a", 1, 10);
    assert_good(chain);
    memset(&head, 0, sizeof(head));
    assert_good(chain);
}

static void inspect_meaning__head_behind_the_end__tail_is_cut(void **state)
{
    struct chain *chain = *state;

    add_changes(chain, 100);
    chain->options.head = &chain->head;
    write_range(chain, "a", 1, 90);
    assert_problem(chain, GW_INSPECT_CUT, 91, 100, "the tail is cut: the records end at 90, the head is 100");
    chain->file_count--;
    write_text(chain, "a", GW_STR(""));
    assert_problem(chain, GW_INSPECT_CUT, 0, 0, "the tail is cut: there is no record, the head is 100");
}

static void inspect_meaning__head_known_in_part__is_compared_as_far(void **state)
{
    struct chain *chain = *state;
    struct gw_chain_head head;

    add_changes(chain, 9);
    head = chain->head;
    memset(head.hash + 6, 0, sizeof(head.hash) - 6);
    chain->options.head = &head;
    write_range(chain, "a", 1, 9);
    chain->options.head_bytes = 6;
    assert_good(chain);
    chain->options.head_bytes = 0;
    inspect(chain);
    assert_int_equal(chain->report.fault, GW_INSPECT_OTHER_HEAD);
    chain->options.head_bytes = 6;
    head.hash[5] ^= 1;
    inspect(chain);
    assert_int_equal(chain->report.fault, GW_INSPECT_OTHER_HEAD);
}

/* A chain that holds in itself and isn't the one that was. */
static void inspect_meaning__chain_written_anew__head_is_another(void **state)
{
    struct chain *chain = *state;
    struct gw_chain_head head;

    add_changes(chain, 9);
    head = chain->head;
    memset(&chain->head, 0, sizeof(chain->head));
    add(chain, "\"status\":403");
    add_changes(chain, 9);
    chain->options.head = &head;
    write_range(chain, "a", 1, 10);
    assert_problem(chain, GW_INSPECT_OTHER_HEAD, 9, 9,
                   "record 9 (a line 9) isn't the one that the head names: it was altered, or the records were written "
                   "anew");
}

static void inspect_meaning__head_before_the_first__is_not_there(void **state)
{
    struct chain *chain = *state;
    struct gw_chain_head head;

    add_changes(chain, 3);
    head = chain->head;
    chain->options.head = &head;
    add_changes(chain, 4);
    write_range(chain, "a", 5, 7);
    assert_problem(chain, GW_INSPECT_NO_HEAD, 0, 0,
                   "the head, record 3, is in none of these files: they begin at record 5");
}

static void inspect_meaning__settled_changes__are_counted(void **state)
{
    struct chain *chain = *state;

    add_changes(chain, 3);
    add(chain, "\"settles\":2,\"outcome\":\"not applied\",\"reason\":\"no\"");
    add(chain, "\"settles\":3,\"outcome\":\"unknown\"");
    add(chain, "\"settles\":3,\"outcome\":\"applied\"");
    write_range(chain, "a", 1, 6);
    assert_good(chain);
    assert_int_equal(chain->report.settled[GW_RECORD_NOT_APPLIED], 1);
    assert_int_equal(chain->report.settled[GW_RECORD_UNKNOWN], 1);
    assert_int_equal(chain->report.settled[GW_RECORD_APPLIED], 1);
    chain->file_count--;
    write_range(chain, "a", 3, 6);
    assert_good(chain);
    assert_int_equal(chain->report.settled_elsewhere, 1);
}

static void inspect_meaning__settled_what_is_no_change__is_an_error(void **state)
{
    struct chain *chain = *state;

    add(chain, "\"status\":403");
    add(chain, "\"settles\":1,\"outcome\":\"not applied\"");
    add(chain, "\"settles\":3,\"outcome\":\"not applied\"");
    write_range(chain, "a", 1, 2);
    assert_problem(chain, GW_INSPECT_SETTLEMENT, 2, 2,
                   "record 2 (a line 2) tells what became of record 1, which is no change before it");
    chain->file_count--;
    write_range(chain, "a", 3, 3);
    assert_problem(chain, GW_INSPECT_SETTLEMENT, 3, 3,
                   "record 3 (a line 1) tells what became of record 3, which is no change before it");
}

static void inspect_meaning__members_malformed__are_named(void **state)
{
    static const char *const members[] = {
        "\"settles\":0,\"outcome\":\"applied\"",
        "\"settles\":1",
        "\"settles\":1,\"outcome\":\"maybe\"",
        "\"settles\":\"1\",\"outcome\":\"applied\"",
        "\"settles\":-1,\"outcome\":\"applied\"",
        "\"begun\":{\"notApplied\":{}}",
        "\"begun\":{\"notApplied\":{\"after\":1,\"upTo\":1}}",
        "\"begun\":{\"notApplied\":{\"after\":1,\"upTo\":2}}",
        "\"continues\":1",
        "\"continues\":{}",
        "\"continues\":{\"after\":\"1\"}",
        "\"checkpoint\":{}",
        "\"checkpoint\":[1]",
        "\"checkpoint\":null",
        "\"checkpoint\":{\"sequence\":1,\"hash\":\"00\",\"time\":\"t\",\"key\":\"0\",\"signature\":\"\"}",
    };

    for (size_t i = 0; i < GW_COUNT(members); i++) {
        struct chain *chain = *state;

        memset(&chain->head, 0, sizeof(chain->head));
        add_changes(chain, 1);
        add(chain, members[i]);
        add_changes(chain, 1);
        write_range(chain, "a", 1, 3);
        inspect(chain);
        chain->file_count = i + 1 == GW_COUNT(members);
        if (chain->report.fault != GW_INSPECT_MALFORMED)
            fail_msg("taken: %s (%s)", members[i], chain->report.problem);
        assert_int_equal(chain->report.from, 2);
    }
}

static void inspect_meaning__signed_chain__says_how_far(void **state)
{
    struct chain *chain = *state;
    struct keys keys;

    open_keys(&keys);
    add_changes(chain, 3);
    add_checkpoint(chain, keys.one, &chain->head, 1000);
    add_changes(chain, 3);
    add_checkpoint(chain, keys.three, &chain->head, 2000);
    add_changes(chain, 2);
    write_range(chain, "a", 1, 10);
    assert_good(chain);
    assert_int_equal(chain->report.checkpoints, 2);
    chain->options.keys = (const struct gw_ed25519_key *const[]){keys.three, keys.one};
    chain->options.key_count = 2;
    assert_good(chain);
    assert_int_equal(chain->report.checkpoints, 2);
    assert_int_equal(chain->report.vouched, 7);
    assert_int_equal(chain->report.gaps, 0);
    chain->options.key_count = 1;
    assert_problem(chain, GW_INSPECT_CHECKPOINT, 4, 4,
                   "the checkpoint in record 4 (a line 4) is signed by another key, " KEY_1_ID);
    close_keys(&keys);
}

static void inspect_meaning__checkpoint_of_another_record__is_an_error(void **state)
{
    struct chain *chain = *state;
    struct gw_chain_head wrong;
    struct keys keys;

    open_keys(&keys);
    add_changes(chain, 3);
    wrong = chain->head;
    wrong.hash[5] ^= 1;
    add_checkpoint(chain, keys.one, &wrong, 1000);
    add_changes(chain, 2);
    write_range(chain, "a", 1, 6);
    assert_problem(chain, GW_INSPECT_CHECKPOINT, 4, 4,
                   "the checkpoint in record 4 (a line 4) is not about the record before it");
    close_keys(&keys);
}

/* An old signature behind a chain that was written anew, and one whose time was changed. */
static void inspect_meaning__signature_of_another_text__is_an_error(void **state)
{
    struct chain *chain = *state;
    struct keys keys;
    char *time;

    open_keys(&keys);
    add_changes(chain, 3);
    add_checkpoint(chain, keys.one, &chain->head, 1000);
    time = strstr(chain->lines[4], "1970-01-01T00:00:01.000Z");
    assert_non_null(time);
    time[3] = '1';
    gw_digest_sha256(gw_str_from(chain->lines[4]), chain->head.hash);
    add_changes(chain, 2);
    write_range(chain, "a", 1, 6);
    assert_good(chain);
    chain->options.keys = (const struct gw_ed25519_key *const[]){keys.one};
    chain->options.key_count = 1;
    assert_problem(chain, GW_INSPECT_CHECKPOINT, 4, 4,
                   "the checkpoint in record 4 (a line 4) has a signature that doesn't hold");
    close_keys(&keys);
}

static void inspect_meaning__no_checkpoint_at_all__is_an_error(void **state)
{
    struct chain *chain = *state;
    struct keys keys;

    open_keys(&keys);
    add_changes(chain, 3);
    write_range(chain, "a", 1, 3);
    chain->options.keys = (const struct gw_ed25519_key *const[]){keys.one};
    chain->options.key_count = 1;
    assert_problem(chain, GW_INSPECT_UNSIGNED, 0, 0,
                   "there is no checkpoint in records 1 to 3; the key " KEY_1_ID " is to have signed some");
    close_keys(&keys);
}

static void inspect_meaning__minutes_without_a_checkpoint__are_a_gap(void **state)
{
    struct chain *chain = *state;
    struct keys keys;

    open_keys(&keys);
    add_change_at(chain, 1000);
    add_checkpoint(chain, keys.one, &chain->head, 60000);
    add_change_at(chain, 70000);
    add_change_at(chain, 200000);
    add_checkpoint(chain, keys.one, &chain->head, 220000);
    add_change_at(chain, 9000000);
    add_change_at(chain, 9200000);
    add_change_at(chain, 9900000);
    add_checkpoint(chain, keys.one, &chain->head, 9900000);
    write_range(chain, "a", 1, 9);
    chain->options.keys = (const struct gw_ed25519_key *const[]){keys.one};
    chain->options.key_count = 1;
    assert_good(chain);
    assert_int_equal(chain->report.gaps, 1);
    assert_int_equal(chain->report.gap_from, 6);
    assert_int_equal(chain->report.gap_to, 7);
    close_keys(&keys);
}

static void inspect_meaning__killed_and_started_again__is_no_gap(void **state)
{
    struct chain *chain = *state;
    struct keys keys;

    open_keys(&keys);
    add_change_at(chain, 1000);
    add_at(chain, "\"begun\":{}", "1970-01-01T05:00:00Z");
    add_checkpoint(chain, keys.one, &chain->head, 5 * 3600 * 1000);
    write_range(chain, "a", 1, 3);
    chain->options.keys = (const struct gw_ed25519_key *const[]){keys.one};
    chain->options.key_count = 1;
    assert_good(chain);
    assert_int_equal(chain->report.gaps, 0);
    close_keys(&keys);
}

static void inspect_meaning__forwarded_and_settled__is_good(void **state)
{
    struct chain *chain = *state;

    add(chain, "\"forwarded\":true");
    add(chain, "\"forwarded\":true");
    add(chain, "\"settles\":2,\"outcome\":\"applied\",\"forwarded\":true");
    add(chain, "\"settles\":1,\"outcome\":\"unknown\",\"forwarded\":true");
    add(chain, "\"begun\":{}");
    write_range(chain, "a", 1, 5);
    assert_good(chain);
    assert_int_equal(chain->report.forwarded, 2);
    assert_int_equal(chain->report.changes, 0);
    assert_int_equal(chain->report.open, 0);
    assert_int_equal(chain->report.open_first[0], 0);
    assert_int_equal(chain->report.settled[GW_RECORD_UNKNOWN], 1);
}

/* They may be under way. */
static void inspect_meaning__forwarded_and_open_at_the_end__are_named(void **state)
{
    struct chain *chain = *state;

    add_changes(chain, 1);
    for (size_t i = 0; i < 20; i++)
        add(chain, "\"forwarded\":true");
    add(chain, "\"settles\":3,\"outcome\":\"applied\",\"forwarded\":true");
    write_range(chain, "a", 1, 22);
    assert_good(chain);
    assert_int_equal(chain->report.open, 19);
    assert_int_equal(chain->report.open_first[0], 2);
    assert_int_equal(chain->report.open_first[1], 4);
    assert_int_equal(chain->report.open_first[GW_INSPECT_NAMED - 1], 18);
}

static void inspect_meaning__forwarded_and_a_start_says_nothing__is_named(void **state)
{
    struct chain *chain = *state;

    add_changes(chain, 1);
    add(chain, "\"forwarded\":true");
    add(chain, "\"forwarded\":true");
    add(chain, "\"settles\":2,\"outcome\":\"applied\",\"forwarded\":true");
    add(chain, "\"begun\":{}");
    add(chain, "\"settles\":3,\"outcome\":\"unknown\",\"forwarded\":true");
    write_range(chain, "a", 1, 6);
    assert_problem(chain, GW_INSPECT_UNSETTLED, 3, 3,
                   "record 3 stands for a change that was forwarded, and no record before record 5 (a line 5) tells "
                   "what became of it");
}

static void inspect_meaning__settles_what_only_looks_forwarded__is_named(void **state)
{
    struct chain *chain = *state;

    add(chain, "\"fields\":{\"forwarded\":true}");
    add(chain, "\"settles\":1,\"outcome\":\"applied\",\"forwarded\":true");
    add(chain, "\"settles\":2,\"outcome\":\"applied\",\"forwarded\":true");
    write_range(chain, "a", 1, 3);
    inspect(chain);
    assert_int_equal(chain->report.fault, GW_INSPECT_SETTLEMENT);
    assert_int_equal(chain->report.from, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_chain, close_chain)
        T(inspect_meaning__head_in_the_chain__is_good),
        T(inspect_meaning__forwarded_and_settled__is_good),
        T(inspect_meaning__forwarded_and_open_at_the_end__are_named),
        T(inspect_meaning__forwarded_and_a_start_says_nothing__is_named),
        T(inspect_meaning__settles_what_only_looks_forwarded__is_named),
        T(inspect_meaning__head_behind_the_end__tail_is_cut),
        T(inspect_meaning__head_known_in_part__is_compared_as_far),
        T(inspect_meaning__chain_written_anew__head_is_another),
        T(inspect_meaning__head_before_the_first__is_not_there),
        T(inspect_meaning__settled_changes__are_counted),
        T(inspect_meaning__settled_what_is_no_change__is_an_error),
        T(inspect_meaning__members_malformed__are_named),
        T(inspect_meaning__signed_chain__says_how_far),
        T(inspect_meaning__checkpoint_of_another_record__is_an_error),
        T(inspect_meaning__signature_of_another_text__is_an_error),
        T(inspect_meaning__no_checkpoint_at_all__is_an_error),
        T(inspect_meaning__minutes_without_a_checkpoint__are_a_gap),
        T(inspect_meaning__killed_and_started_again__is_no_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
