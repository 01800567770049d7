/* SPDX-License-Identifier: Apache-2.0 */
/* When credentials are fetched, how long they serve, and what is said when there are none. */
#include "credentials_case.h"

static void ask_a_container(void)
{
    set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.23/v1/credentials");
    make();
}

static void get__before_the_first_round__says_that_they_are_being_fetched(void **state)
{
    struct gw_err why = {""};

    (void)state;
    make();
    assert_string_equal(key_in_use(&why), "");
    assert_non_null(strstr(why.text, "being fetched"));
}

static void get__fixed_key__needs_no_round_more_than_one(void **state)
{
    const struct gw_credentials_key fixed = {GW_STR("AKIDFIXED"), GW_STR("secret"), GW_STR_NONE};
    struct gw_err why;

    (void)state;
    it.options.fixed = &fixed;
    set_variable("AWS_ACCESS_KEY_ID=AKIDENV");
    set_variable("AWS_SECRET_ACCESS_KEY=x");
    make();
    (void)work();
    assert_string_equal(key_in_use(&why), "AKIDFIXED");
    pass(1000 * MINUTE_MS);
    (void)work();
    assert_string_equal(key_in_use(&why), "AKIDFIXED");
    assert_int_equal(it.credentials->rounds, 1);
    assert_int_equal(it.asked, 0);
}

static void refresh__15_minutes_ahead__once(void **state)
{
    struct gw_err why;

    (void)state;
    ask_a_container();
    answer(200, container_answer("A1", NOW_MS + 360 * MINUTE_MS));
    (void)work();
    pass(344 * MINUTE_MS);
    assert_int_equal(work(), MINUTE_MS);
    assert_int_equal(it.asked, 1);
    answer_anew(200, container_answer("A2", NOW_MS + 720 * MINUTE_MS));
    pass(MINUTE_MS);
    (void)work();
    assert_int_equal(it.asked, 1);
    assert_string_equal(key_in_use(&why), "A2");
}

static void refresh__short_lived__a_quarter_ahead(void **state)
{
    (void)state;
    ask_a_container();
    answer(200, container_answer("A1", NOW_MS + 16 * MINUTE_MS));
    (void)work();
    pass(12 * MINUTE_MS - 1);
    assert_int_equal(work(), 1);
    pass(1);
    (void)work();
    assert_int_equal(it.asked, 2);
}

static void refresh__that_fails__backs_off_and_the_old_serve_until_they_expire(void **state)
{
    static const int64_t waits_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct gw_err why = {""};

    (void)state;
    ask_a_container();
    answer(200, container_answer("A1", NOW_MS + 60 * MINUTE_MS));
    (void)work();
    answer_anew(404, "");
    pass(45 * MINUTE_MS);
    for (size_t i = 0; i < GW_COUNT(waits_ms); i++) {
        assert_int_equal(work(), waits_ms[i]);
        assert_int_equal(it.asked, i + 1);
        assert_string_equal(key_in_use(&why), "A1");
        pass(waits_ms[i]);
    }
    it.wall_ms = NOW_MS + 60 * MINUTE_MS - 1;
    assert_string_equal(key_in_use(&why), "A1");
    it.wall_ms++;
    assert_string_equal(key_in_use(&why), "");
    assert_non_null(strstr(why.text, "container: answered with status 404"));
    answer_anew(200, container_answer("A2", NOW_MS + 600 * MINUTE_MS));
    pass(60000);
    (void)work();
    assert_string_equal(key_in_use(&why), "A2");
}

static void refresh__same_again__is_not_asked_without_end(void **state)
{
    (void)state;
    ask_a_container();
    answer(200, container_answer("A1", NOW_MS + 2000));
    for (int64_t ms = 0; ms < 1900; ms += 100) {
        (void)work();
        pass(100);
    }
    assert_in_range(it.asked, 1, 3);
}

static void find__expired_already__is_no_success(void **state)
{
    struct gw_err why = {""};

    (void)state;
    ask_a_container();
    answer(200, container_answer("A1", NOW_MS));
    (void)work();
    assert_string_equal(key_in_use(&why), "");
    assert_non_null(strstr(why.text, "expired at 2026-01-01T00:00:00Z"));
}

static void doubt__fetches_at_once_and_once_per_version(void **state)
{
    struct gw_err why;
    uint64_t version;

    (void)state;
    ask_a_container();
    answer(200, container_answer("A1", NOW_MS + 360 * MINUTE_MS));
    (void)work();
    version = version_in_use();
    pass(MINUTE_MS);
    for (int i = 0; i < 5; i++) { /* the same are given again: they stay what they are */
        gw_credentials_doubt(it.credentials, version);
        (void)work();
        pass(MINUTE_MS);
    }
    assert_int_equal(it.asked, 2);
    assert_int_equal(version_in_use(), version);
    answer_anew(200, container_answer("A2", NOW_MS + 360 * MINUTE_MS));
    gw_credentials_doubt(it.credentials, version + 1000);
    (void)work();
    assert_int_equal(it.asked, 0);
    pass(346 * MINUTE_MS);
    (void)work();
    assert_string_equal(key_in_use(&why), "A2");
    assert_int_not_equal(version_in_use(), version);
}

static void fetched__identity__signs_with_key_and_token(void **state)
{
    const struct gw_credentials_snapshot *snapshot;
    struct gw_err why;

    (void)state;
    ask_a_container();
    answer(200, container_answer("A1", NOW_MS + 360 * MINUTE_MS));
    (void)work();
    gw_epoch_enter(it.reader);
    snapshot = gw_credentials_get(it.credentials, &why);
    assert_true(gw_str_is(snapshot->identity.session_token, "t"));
    assert_non_null(snapshot->identity.secret);
    assert_true(gw_str_is(snapshot->provider, "container (169.254.170.23)"));
    assert_int_equal(snapshot->expires_ms, NOW_MS + 360 * MINUTE_MS);
    gw_epoch_leave(it.reader);
}

static void threads__of_the_real_one__fetch_and_end(void **state)
{
    struct gw_err why;

    (void)state;
    set_variable("AWS_ACCESS_KEY_ID=AKIDENV");
    set_variable("AWS_SECRET_ACCESS_KEY=x");
    it.options.clock = gw_clock_system();
    it.options.random = gw_random_system();
    it.credentials = gw_credentials_new(&it.options);
    assert_true(gw_credentials_wait(it.credentials, 20000));
    assert_string_equal(key_in_use(&why), "AKIDENV");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(get__before_the_first_round__says_that_they_are_being_fetched, begin, end),
        cmocka_unit_test_setup_teardown(get__fixed_key__needs_no_round_more_than_one, begin, end),
        cmocka_unit_test_setup_teardown(refresh__15_minutes_ahead__once, begin, end),
        cmocka_unit_test_setup_teardown(refresh__short_lived__a_quarter_ahead, begin, end),
        cmocka_unit_test_setup_teardown(refresh__that_fails__backs_off_and_the_old_serve_until_they_expire, begin, end),
        cmocka_unit_test_setup_teardown(refresh__same_again__is_not_asked_without_end, begin, end),
        cmocka_unit_test_setup_teardown(find__expired_already__is_no_success, begin, end),
        cmocka_unit_test_setup_teardown(doubt__fetches_at_once_and_once_per_version, begin, end),
        cmocka_unit_test_setup_teardown(fetched__identity__signs_with_key_and_token, begin, end),
        cmocka_unit_test_setup_teardown(threads__of_the_real_one__fetch_and_end, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
