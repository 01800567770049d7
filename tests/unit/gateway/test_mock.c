/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock, ids and clusters of a mock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "gateway/mock.h"

#define NEW_YEAR INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

static const struct gw_mock_options seeded = {.ids = {.seeded = true, .seed = 7}};

static struct gw_store_key key_of(const char *cluster, const char *principal)
{
    return (struct gw_store_key){GW_STR("aws"), GW_STR("012345678910"), GW_STR("us-west-2"), gw_str_from(cluster),
                                 gw_str_from(principal)};
}

static struct gw_eks_env env_of(struct gw_mock *mock)
{
    struct gw_eks_env env = {.now_ms = 1234, .wall_ms = 1234};

    gw_mock_fill_env(mock, &env);
    return env;
}

struct id {
    unsigned char bytes[16];
};

static struct id make(struct gw_mock *mock, const char *what, const char *cluster, const char *principal)
{
    struct gw_eks_env env = env_of(mock);
    struct gw_store_key key = key_of(cluster, principal);
    struct id id;

    assert_non_null(env.ids);
    env.ids->make(env.ids->ctx, gw_str_from(what), &key, id.bytes);
    return id;
}

static bool same(struct id a, struct id b)
{
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

static void publish(struct gw_mock *mock, struct gw_store_change change)
{
    const struct gw_commit_watch *watch = gw_mock_watch(mock);

    watch->on_publish(watch->ctx, &change);
}

static void publish_entry(struct gw_mock *mock, const char *principal, uint64_t expected)
{
    publish(mock, (struct gw_store_change){.key = key_of("c", principal),
                                           .expected_cluster = 1,
                                           .entry_act = GW_STORE_PUT,
                                           .expected_entry = expected});
}

static void publish_cluster(struct gw_mock *mock, const char *cluster, enum gw_store_act act, uint64_t expected)
{
    publish(mock,
            (struct gw_store_change){.key = key_of(cluster, "p"), .cluster_act = act, .expected_cluster = expected});
}

static bool is_made(struct gw_mock *mock, const char *cluster)
{
    struct gw_eks_env env = env_of(mock);
    struct gw_store_key key = key_of(cluster, "p");

    return env.makes_cluster(env.makes_cluster_ctx, &key);
}

static void clock_parse__its_two_forms__are_taken(void **unused)
{
    struct gw_mock_clock clock = {.frozen = true};

    (void)unused;
    assert_int_equal(gw_mock_clock_parse(GW_STR("system"), &clock), GW_OK);
    assert_false(clock.frozen);
    assert_int_equal(gw_mock_clock_parse(GW_STR("frozen:2026-01-01T00:00:00Z"), &clock), GW_OK);
    assert_true(clock.frozen);
    assert_true(clock.ms == NEW_YEAR);
    assert_int_equal(gw_mock_clock_parse(GW_STR("frozen:2026-01-01T00:00:00.250+00:00"), &clock), GW_OK);
    assert_true(clock.ms == NEW_YEAR + 250);
}

static void clock_parse__anything_else__is_refused(void **unused)
{
    static const char *const texts[] = {"",
                                        "System",
                                        "frozen",
                                        "frozen:",
                                        "frozen:now",
                                        "frozen:2026-02-30T00:00:00Z",
                                        "frozen:2026-01-01",
                                        "system ",
                                        "frozen:2026-01-01T00:00:00Z "};
    struct gw_mock_clock clock;

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(texts); i++)
        assert_int_not_equal(gw_mock_clock_parse(gw_str_from(texts[i]), &clock), GW_OK);
}

static void ids_parse__forms__are_told_apart(void **unused)
{
    static const char *const wrong[] = {
        "", "seeded", "seeded:", "seeded:-1", "seeded:1x", "seeded:18446744073709551616", "Random"};
    struct gw_mock_ids ids;

    (void)unused;
    assert_int_equal(gw_mock_ids_parse(GW_STR("random"), &ids), GW_OK);
    assert_false(ids.seeded);
    assert_int_equal(gw_mock_ids_parse(GW_STR("seeded:18446744073709551615"), &ids), GW_OK);
    assert_true(ids.seeded && ids.seed == UINT64_MAX);
    for (size_t i = 0; i < GW_COUNT(wrong); i++)
        assert_int_not_equal(gw_mock_ids_parse(gw_str_from(wrong[i]), &ids), GW_OK);
}

static void fill_env__no_options__leaves_clock_and_ids(void **unused)
{
    static const struct gw_mock_options plain = {.ids = {.seeded = false}};
    struct gw_mock *mock = gw_mock_new(&plain, gw_random_system());
    struct gw_eks_env env = env_of(mock);

    (void)unused;
    assert_true(env.now_ms == 1234);
    assert_null(env.ids);
    gw_mock_free(&mock);
}

static void fill_env__frozen_clock__is_the_time_in_data_only(void **unused)
{
    static const struct gw_mock_options frozen = {.clock = {.frozen = true, .ms = NEW_YEAR}};
    struct gw_mock *mock = gw_mock_new(&frozen, gw_random_system());
    struct gw_eks_env env = env_of(mock);

    (void)unused;
    assert_true(env.now_ms == NEW_YEAR);
    assert_true(env.wall_ms == 1234);
    gw_mock_free(&mock);
}

static void seeded_ids__another_process__makes_the_same(void **unused)
{
    struct gw_mock *one = gw_mock_new(&seeded, gw_random_system());
    struct gw_mock *two = gw_mock_new(&seeded, gw_random_system());
    static const struct gw_mock_options other_seed = {.ids = {.seeded = true, .seed = 8}};
    struct gw_mock *other = gw_mock_new(&other_seed, gw_random_system());

    (void)unused;
    publish_entry(two, "someone else", 0);
    publish_cluster(two, "another", GW_STORE_PUT, 0);
    assert_true(same(make(one, "access-entry", "c", "p"), make(two, "access-entry", "c", "p")));
    assert_false(same(make(one, "access-entry", "c", "p"), make(other, "access-entry", "c", "p")));
    gw_mock_free(&one);
    gw_mock_free(&two);
    gw_mock_free(&other);
}

static void seeded_ids__each_thing__has_its_own(void **unused)
{
    struct gw_mock *mock = gw_mock_new(&seeded, gw_random_system());
    const struct id ids[] = {make(mock, "access-entry", "c", "p"), make(mock, "access-entry", "c", "q"),
                             make(mock, "access-entry", "d", "p"), make(mock, "access-entry", "cp", ""),
                             make(mock, "cluster", "c", ""),       make(mock, "update", "c", "")};

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(ids); i++) {
        for (size_t j = 0; j < i; j++)
            assert_false(same(ids[i], ids[j]));
    }
    gw_mock_free(&mock);
}

static void seeded_ids__prepared_again__stay(void **unused)
{
    struct gw_mock *mock = gw_mock_new(&seeded, gw_random_system());
    struct id first = make(mock, "access-entry", "c", "p");

    (void)unused;
    assert_true(same(first, make(mock, "access-entry", "c", "p")));
    publish_entry(mock, "p", 17); /* an update of the entry is no creation */
    assert_true(same(first, make(mock, "access-entry", "c", "p")));
    gw_mock_free(&mock);
}

static void seeded_ids__made_again__are_new_and_repeat(void **unused)
{
    struct gw_mock *one = gw_mock_new(&seeded, gw_random_system());
    struct gw_mock *two = gw_mock_new(&seeded, gw_random_system());
    struct id first = make(one, "access-entry", "c", "p");

    (void)unused;
    publish_entry(one, "p", 0);
    publish_entry(two, "p", 0);
    assert_false(same(first, make(one, "access-entry", "c", "p")));
    assert_true(same(make(two, "access-entry", "c", "p"), make(one, "access-entry", "c", "p")));
    gw_mock_free(&one);
    gw_mock_free(&two);
}

static void seeded_ids__updates_of_a_cluster__follow_each_other(void **unused)
{
    struct gw_mock *mock = gw_mock_new(&seeded, gw_random_system());
    struct id cluster = make(mock, "cluster", "c", NULL);
    struct id first = make(mock, "update", "c", NULL);

    (void)unused;
    publish_cluster(mock, "c", GW_STORE_PUT, 0);
    assert_false(same(cluster, make(mock, "cluster", "c", NULL)));
    assert_true(same(first, make(mock, "update", "c", NULL)));
    publish_cluster(mock, "c", GW_STORE_PUT, 3);
    assert_false(same(first, make(mock, "update", "c", NULL)));
    gw_mock_free(&mock);
}

static void makes_cluster__deleted_ones__are_not_made_until_created(void **unused)
{
    struct gw_mock *mock = gw_mock_new(&seeded, gw_random_system());

    (void)unused;
    assert_true(is_made(mock, "c"));
    publish_cluster(mock, "c", GW_STORE_DELETE, 5);
    assert_false(is_made(mock, "c"));
    assert_true(is_made(mock, "d"));
    publish_cluster(mock, "c", GW_STORE_PUT, 0);
    assert_true(is_made(mock, "c"));
    gw_mock_free(&mock);
}

static void makes_cluster__ten_thousand_deletions__are_remembered(void **unused)
{
    struct gw_mock *mock = gw_mock_new(&seeded, gw_random_system());
    char name[32];

    (void)unused;
    for (unsigned i = 0; i < 10001; i++) {
        (void)snprintf(name, sizeof(name), "cluster-%u", i);
        publish_cluster(mock, name, GW_STORE_DELETE, 1);
    }
    assert_true(is_made(mock, "cluster-0"));
    assert_false(is_made(mock, "cluster-1"));
    assert_false(is_made(mock, "cluster-10000"));
    gw_mock_free(&mock);
}

static void history__offered__is_the_mocks_when_it_is_published(void **unused)
{
    struct gw_mock *mock = gw_mock_new(&seeded, gw_random_system());
    const struct gw_commit_watch *watch = gw_mock_watch(mock);
    struct id first = make(mock, "access-entry", "c", "p");
    struct gw_mock_history history;
    struct gw_mock_history fresh;
    struct id second;

    (void)unused;
    gw_mock_history_init(&history);
    gw_mock_history_init(&fresh);
    publish_entry(mock, "p", 0);
    publish_cluster(mock, "gone", GW_STORE_DELETE, 1);
    second = make(mock, "access-entry", "c", "p");
    gw_mock_history_get(mock, &history);
    gw_mock_history_offer(mock, &fresh);
    assert_true(same(second, make(mock, "access-entry", "c", "p")));
    watch->on_exclusive(watch->ctx, true);
    watch->on_exclusive(watch->ctx, false);
    assert_true(same(first, make(mock, "access-entry", "c", "p")));
    assert_true(is_made(mock, "gone"));
    gw_mock_history_offer(mock, &history);
    watch->on_exclusive(watch->ctx, true);
    watch->on_exclusive(watch->ctx, false);
    assert_true(same(second, make(mock, "access-entry", "c", "p")));
    assert_false(is_made(mock, "gone"));
    gw_mock_history_offer(mock, NULL);
    watch->on_exclusive(watch->ctx, true);
    watch->on_exclusive(watch->ctx, false);
    assert_false(is_made(mock, "gone"));
    gw_mock_history_fini(&history);
    gw_mock_history_fini(&fresh);
    gw_mock_free(&mock);
}

static void history__as_text__goes_on_in_another_process(void **unused)
{
    struct gw_mock *mock = gw_mock_new(&seeded, gw_random_system());
    struct gw_mock *other = gw_mock_new(&seeded, gw_random_system());
    const struct gw_commit_watch *watch = gw_mock_watch(other);
    struct gw_mock_history history;
    struct gw_buf text;
    struct id second;

    (void)unused;
    gw_mock_history_init(&history);
    gw_buf_init(&text, 65536);
    publish_entry(mock, "p", 0);
    publish_cluster(mock, "gone", GW_STORE_DELETE, 1);
    second = make(mock, "access-entry", "c", "p");
    gw_mock_history_get(mock, &history);
    gw_mock_history_encode(mock, &history, &text);
    gw_mock_history_fini(&history);
    gw_mock_history_init(&history);
    assert_int_equal(gw_mock_history_decode(other, gw_buf_str(&text), &history), GW_OK);
    gw_mock_history_offer(other, &history);
    watch->on_exclusive(watch->ctx, true);
    watch->on_exclusive(watch->ctx, false);
    assert_true(same(second, make(other, "access-entry", "c", "p")));
    assert_false(is_made(other, "gone"));
    gw_mock_history_fini(&history);
    gw_buf_fini(&text);
    gw_mock_free(&mock);
    gw_mock_free(&other);
}

static void history_decode__not_as_it_is_written__is_refused(void **unused)
{
    static const char *const texts[] = {
        "",
        "0011223344556677889900aabbccddeg\n0\n0\n",
        "0011223344556677889900aabbccddeeff\n0\n0\n",
        "00112233445566778899aabbccddeeff\n0\n",
        "00112233445566778899aabbccddeeff\n0\n0\n\n",
        "00112233445566778899aabbccddeeff 0\n0\n",
        "00112233445566778899aabbccddeeff\n10001\n0\n",
    };
    const struct gw_str good = GW_STR("0011223344556677889900aabbccddee\n0\n0\n");
    struct gw_mock *mock = gw_mock_new(&seeded, gw_random_system());
    struct gw_mock_history history;

    (void)unused;
    gw_mock_history_init(&history);
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        assert_int_equal(gw_mock_history_decode(mock, gw_str_from(texts[i]), &history), GW_E_SYNTAX);
    }
    assert_int_equal(gw_mock_history_decode(mock, good, &history), GW_OK);
    assert_int_equal(gw_mock_history_decode(mock, good, &history), GW_OK);
    assert_int_equal(gw_mock_history_decode(mock, GW_STR("ff11223344556677889900aabbccddee\n0\n0\n"), &history),
                     GW_E_STALE);
    gw_mock_history_fini(&history);
    gw_mock_free(&mock);
}

static void fill_new__ids__are_those_of_the_first(void **unused)
{
    struct gw_mock *mock = gw_mock_new(&seeded, gw_random_system());
    struct gw_store_key key = key_of("c", "p");
    struct id first = make(mock, "access-entry", "c", "p");
    struct gw_eks_env env = {.now_ms = 1};
    struct id id;

    (void)unused;
    publish_entry(mock, "p", 0);
    gw_mock_fill_new(mock, &env);
    env.ids->make(env.ids->ctx, GW_STR("access-entry"), &key, id.bytes);
    assert_true(same(first, id));
    gw_mock_free(&mock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_parse__its_two_forms__are_taken),
        cmocka_unit_test(clock_parse__anything_else__is_refused),
        cmocka_unit_test(ids_parse__forms__are_told_apart),
        cmocka_unit_test(fill_env__no_options__leaves_clock_and_ids),
        cmocka_unit_test(fill_env__frozen_clock__is_the_time_in_data_only),
        cmocka_unit_test(seeded_ids__another_process__makes_the_same),
        cmocka_unit_test(seeded_ids__each_thing__has_its_own),
        cmocka_unit_test(seeded_ids__prepared_again__stay),
        cmocka_unit_test(seeded_ids__made_again__are_new_and_repeat),
        cmocka_unit_test(seeded_ids__updates_of_a_cluster__follow_each_other),
        cmocka_unit_test(makes_cluster__deleted_ones__are_not_made_until_created),
        cmocka_unit_test(makes_cluster__ten_thousand_deletions__are_remembered),
        cmocka_unit_test(history__as_text__goes_on_in_another_process),
        cmocka_unit_test(history_decode__not_as_it_is_written__is_refused),
        cmocka_unit_test(history__offered__is_the_mocks_when_it_is_published),
        cmocka_unit_test(fill_new__ids__are_those_of_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
