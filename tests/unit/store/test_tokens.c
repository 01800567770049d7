/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of the memory engine: they come and go with their entries, and leave
 * when there are too many or when they are too old.
 */
#include "store_case.h"

static void store_token__of_a_committed_change__is_found_until_it_is_too_old(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "x", "t1", NOW);
    assert_true(gw_str_is(find_token(f, "t1", NOW)->reply, "x"));
    assert_non_null(find_token(f, "t1", NOW + 1000));
    assert_null(find_token(f, "t1", NOW + 1001));
    assert_null(find_token(f, "t2", NOW));
}

static void store_token__every_byte_of_its_scope__counts(void **state)
{
    struct fixture *f = *state;
    struct gw_store_token wanted = scope("t1");

    put(f, "a", "x", "t1", NOW);
    for (size_t i = 0; i < sizeof(wanted.scope); i++) {
        wanted.scope[i] ^= 1;
        assert_null(gw_store_find_token(f->store, wanted.scope, NOW));
        wanted.scope[i] ^= 1;
    }
    assert_non_null(gw_store_find_token(f->store, wanted.scope, NOW));
}

static void store_token__taken_by_another_change__makes_the_second_stale(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key a = key("a");
    struct gw_store_key b = key("b");

    assert_int_equal(stage_at(f, &a, 0, "one", "t1", NOW), GW_OK);
    assert_int_equal(stage_at(f, &b, 0, "two", "t1", NOW), GW_E_STALE);
    gw_store_rollback(f->store);
    assert_int_equal(stage_at(f, &b, 0, "two", "t1", NOW), GW_OK);
    commit(f);
    assert_int_equal(stage_at(f, &a, 0, "one", "t1", NOW + 1000), GW_E_STALE);
    assert_int_equal(stage_at(f, &a, 0, "one", "t1", NOW + 1001), GW_OK);
}

static void store_token__deleted_entry__takes_its_tokens_along(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "x", "t1", NOW);
    put(f, "a", "y", "t2", NOW);
    put(f, "b", "x", "t3", NOW);
    assert_non_null(find_token(f, "t1", NOW));
    assert_int_equal(stage(f, "a", find(f, "a")->version, NULL), GW_OK);
    commit(f);
    assert_null(find_token(f, "t1", NOW));
    assert_null(find_token(f, "t2", NOW));
    assert_non_null(find_token(f, "t3", NOW));
}

static void store_token__too_many_at_one_entry__drops_its_oldest(void **state)
{
    struct fixture *f = *state;

    put(f, "b", "x", "t0", NOW);
    put(f, "a", "x", "t1", NOW);
    put(f, "a", "x", "t2", NOW);
    put(f, "a", "x", "t3", NOW);
    put(f, "a", "x", "t4", NOW);
    assert_non_null(find_token(f, "t0", NOW));
    assert_null(find_token(f, "t1", NOW));
    assert_non_null(find_token(f, "t2", NOW));
    assert_non_null(find_token(f, "t4", NOW));
}

static void store_token__too_many_altogether__drops_the_oldest(void **state)
{
    struct fixture f;
    struct gw_store_options few = {.tokens_max = 2, .tokens_per_entry_max = 16, .token_age_ms = 1000};

    (void)state;
    open_with(&f, &few);
    put(&f, "a", "x", "t1", NOW);
    put(&f, "b", "x", "t2", NOW);
    put(&f, "c", "x", "t3", NOW);
    assert_null(find_token(&f, "t1", NOW));
    assert_non_null(find_token(&f, "t2", NOW));
    assert_non_null(find_token(&f, "t3", NOW));
    close_it(&f);
}

static void store_token__none_allowed__keeps_the_entry_and_no_token(void **state)
{
    struct fixture f;
    struct gw_store_options none = {.tokens_max = 0, .tokens_per_entry_max = 16, .token_age_ms = 1000};

    (void)state;
    open_with(&f, &none);
    put(&f, "a", "x", "t1", NOW);
    assert_non_null(find(&f, "a"));
    assert_null(find_token(&f, "t1", NOW));
    close_it(&f);
}

static void store_token__used_again_after_its_age__stands_for_the_new_change(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "x", "t1", NOW);
    put(f, "b", "y", "t1", NOW + 5000);
    assert_true(gw_str_is(find_token(f, "t1", NOW + 5000)->reply, "y"));
    assert_int_equal(stage(f, "a", find(f, "a")->version, NULL), GW_OK);
    commit(f);
    assert_non_null(find_token(f, "t1", NOW + 5000)); /* no longer a's */
}

/* A mock's clock may be set back: tokens don't come in the order of their ages then. */
static void store_token__clock_set_back__is_used_again_all_the_same(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "x", "t1", NOW + 5000);
    put(f, "b", "old", "t2", NOW);
    assert_null(find_token(f, "t2", NOW + 1500));
    put(f, "c", "new", "t2", NOW + 1500);
    assert_true(gw_str_is(find_token(f, "t2", NOW + 1500)->reply, "new"));
    assert_int_equal(stage(f, "b", find(f, "b")->version, NULL), GW_OK);
    commit(f);
    assert_non_null(find_token(f, "t2", NOW + 1500)); /* no longer b's */
    assert_non_null(find_token(f, "t1", NOW + 1500));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(store_token__of_a_committed_change__is_found_until_it_is_too_old),
        STORE_TEST(store_token__every_byte_of_its_scope__counts),
        STORE_TEST(store_token__taken_by_another_change__makes_the_second_stale),
        STORE_TEST(store_token__deleted_entry__takes_its_tokens_along),
        STORE_TEST(store_token__too_many_at_one_entry__drops_its_oldest),
        cmocka_unit_test(store_token__too_many_altogether__drops_the_oldest),
        cmocka_unit_test(store_token__none_allowed__keeps_the_entry_and_no_token),
        STORE_TEST(store_token__used_again_after_its_age__stands_for_the_new_change),
        STORE_TEST(store_token__clock_set_back__is_used_again_all_the_same),
    };

    return cmocka_run_group_tests_name("store/tokens", tests, NULL, NULL);
}
