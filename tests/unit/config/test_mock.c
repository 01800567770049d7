/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `eksgate mock` makes of its settings, and what elsewhere is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_case.h"

struct mock_case {
    struct gw_config *config;
    struct gw_config_problems problems;
};

static enum gw_status load(struct mock_case *one, const char *const *sets, size_t set_count, char *const *environment)
{
    const struct gw_config_source source = {
        .sets = sets, .set_count = set_count, .environment = environment, .is_mock = true};
    enum gw_status status;

    *one = (struct mock_case){NULL};
    gw_config_problems_init(&one->problems);
    status = gw_config_load(&source, &one->config, &one->problems);
    if (status == GW_OK)
        gw_config_check(one->config, &one->problems);
    gw_buf_append_byte(&one->problems.text, '\0');
    return one->problems.count == 0 ? status : GW_E_SYNTAX;
}

static void close_case(struct mock_case *one)
{
    gw_config_free(&one->config);
    gw_config_problems_fini(&one->problems);
}

static void assert_says(struct mock_case *one, const char *words)
{
    if (strstr(one->problems.text.at, words) == NULL)
        fail_msg("the problems don't say \"%s\":\n%s", words, one->problems.text.at);
}

static void config_load__mock_without_a_file__has_all_it_needs(void **unused)
{
    struct gw_keyring *keyring = NULL;
    struct mock_case one;
    struct gw_err err;

    (void)unused;
    assert_int_equal(load(&one, NULL, 0, NULL), GW_OK);
    assert_true(one.config->is_mock && one.config->any_region);
    assert_true(gw_str_is(one.config->listen[0].address, "127.0.0.1:8080"));
    assert_true(gw_str_is(one.config->admin, "127.0.0.1:9180"));
    assert_null(one.config->status.at);
    assert_true(gw_str_is(one.config->account, "012345678910"));
    assert_int_equal(one.config->workers, 1);
    assert_false(one.config->audit_durable);
    assert_false(one.config->mock.clock.frozen || one.config->mock.ids.seeded);
    assert_int_equal(gw_config_keyring(one.config, &keyring, &err), GW_OK);
    assert_non_null(gw_keyring_find(keyring, GW_STR("testing")));
    gw_keyring_free(&keyring);
    close_case(&one);
}

static void config_load__mock__reads_environment_and_sets_but_no_file(void **unused)
{
    char *environment[] = {(char *)(uintptr_t) "EKSGATE_CONFIG=/nonexistent/file.lua",
                           (char *)(uintptr_t) "EKSGATE_ACCOUNT=111122223333", NULL};
    static const char *const sets[] = {"region=eu-west-1", "clock=frozen:2026-01-01T00:00:00Z", "ids=seeded:5"};
    struct mock_case one;

    (void)unused;
    assert_int_equal(load(&one, sets, GW_COUNT(sets), environment), GW_OK);
    assert_true(gw_str_is(one.config->account, "111122223333"));
    assert_false(one.config->any_region);
    assert_true(gw_str_is(one.config->regions[0], "eu-west-1"));
    assert_true(one.config->mock.clock.frozen && one.config->mock.clock.ms == INT64_C(1767225600000));
    assert_true(one.config->mock.ids.seeded && one.config->mock.ids.seed == 5);
    close_case(&one);
}

static void config_load__mock_with_a_file__reads_it(void **unused)
{
    struct config_case file;
    struct gw_config_source source = {.is_mock = true};

    (void)unused;
    config_case_open(&file, "c.lua", "return { ids = 'seeded:9', workers = 3 }");
    source.file = file.file;
    config_case_assert_good(&file, gw_config_load(&source, &file.config, &file.problems));
    assert_int_equal(file.config->workers, 3);
    assert_true(file.config->mock.ids.seed == 9);
    assert_true(file.config->any_region);
    config_case_close(&file);
}

static void config_check__mock__takes_known_keys_on_any_address(void **unused)
{
    static const char *const sets[] = {"listen=0.0.0.0:8080"};
    struct mock_case one;

    (void)unused;
    assert_int_equal(load(&one, sets, 1, NULL), GW_OK);
    close_case(&one);
}

static void config_load__mock__names_what_is_wrong(void **unused)
{
    static const char *const sets[] = {"clock=frozen:tomorrow", "ids=4711",
                                       "upstream.endpoint=https://eks.us-east-1.amazonaws.com", "account=1"};
    struct mock_case one;

    (void)unused;
    assert_int_equal(load(&one, sets, GW_COUNT(sets), NULL), GW_E_SYNTAX);
    assert_says(&one, "--set: clock: is \"frozen:tomorrow\"; accepted: system, or frozen:INSTANT");
    assert_says(&one, "--set: ids: is \"4711\"; accepted: random, or seeded:NUMBER");
    assert_says(&one, "--set: upstream.endpoint: is AWS's, which no mock stands in front of");
    assert_says(&one, "--set: account: is \"1\"");
    close_case(&one);
}

static void config_load__settings_of_a_mock__are_refused_elsewhere(void **unused)
{
    static const char *const sets[] = {"ids=random"};
    char *environment[] = {(char *)(uintptr_t) "EKSGATE_CLOCK=system", NULL};
    struct config_case one;

    (void)unused;
    config_case_open(&one, "c.lua", "return { clock = 'system' }");
    assert_int_equal(config_case_load(&one, sets, 1, environment), GW_E_SYNTAX);
    config_case_assert_says(&one, "c.lua: clock: is for eksgate mock; leave it out");
    config_case_assert_says(&one, "EKSGATE_CLOCK: clock: is for eksgate mock; leave it out");
    config_case_assert_says(&one, "--set: ids: is for eksgate mock; leave it out");
    config_case_close(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_load__mock_without_a_file__has_all_it_needs),
        cmocka_unit_test(config_load__mock__reads_environment_and_sets_but_no_file),
        cmocka_unit_test(config_load__mock_with_a_file__reads_it),
        cmocka_unit_test(config_check__mock__takes_known_keys_on_any_address),
        cmocka_unit_test(config_load__mock__names_what_is_wrong),
        cmocka_unit_test(config_load__settings_of_a_mock__are_refused_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
