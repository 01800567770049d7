/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of config/ are what people copy: each one loads, and the quickstart
 * is in order with all that it names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>

#include "config_case.h"

#define CONFIG_FOLDER GW_SOURCE_DIR "/config/"

/* What config/examples read with env(). */
static const char *const variables[][2] = {
    {"CLUSTER_ACCOUNT", "012345678910"},
    {"CLUSTER_NAME", "my-cluster"},
    {"DEPLOYER_KEY_ID", "AKIAOWN"},
    {"DEPLOYER_SECRET", "only-this-test-knows-it"},
};

static int set_variables(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(variables); i++)
        assert_int_equal(setenv(variables[i][0], variables[i][1], 1), 0);
    return 0;
}

static struct gw_config *load(const char *file, bool check)
{
    struct gw_config_source source = {.file = file};
    struct gw_config_problems problems;
    struct gw_config *config = NULL;

    gw_config_problems_init(&problems);
    if (gw_config_load(&source, &config, &problems) == GW_OK && check)
        gw_config_check(config, &problems);
    if (problems.count > 0)
        fail_msg("%s: %.*s", file, GW_STR_ARG(gw_buf_str(&problems.text)));
    gw_config_problems_fini(&problems);
    return config;
}

static void config_files__all__load(void **state)
{
    static const char *const patterns[] = {CONFIG_FOLDER "*.lua", CONFIG_FOLDER "examples/*.lua",
                                           CONFIG_FOLDER "examples/*.json"};
    size_t seen = 0;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(patterns); i++) {
        glob_t found;

        assert_int_equal(glob(patterns[i], 0, NULL, &found), 0);
        for (size_t k = 0; k < found.gl_pathc; k++, seen++) {
            struct gw_config *config = load(found.gl_pathv[k], false);

            gw_config_free(&config);
        }
        globfree(&found);
    }
    assert_true(seen >= 5);
}

static void config_files__quickstart__is_in_order_and_local(void **state)
{
    struct gw_config *config = load(CONFIG_FOLDER "quickstart.lua", true);

    (void)state;
    assert_int_equal(config->cluster_count, 1);
    assert_int_equal(config->policies.file_count, 0);
    assert_true(config->policies.default_allow);
    assert_true(gw_str_is(config->account, "012345678910"));
    assert_true(gw_str_is(config->regions[0], "us-west-2"));
    gw_config_free(&config);
}

static void config_files__annotated_one__denies_what_no_policy_allows(void **state)
{
    struct gw_config *config = load(CONFIG_FOLDER "eksgate.lua", false);

    (void)state;
    assert_false(config->policies.default_allow);
    gw_config_free(&config);
}

static void config_files__container__takes_its_key_from_the_environment(void **state)
{
    struct gw_config *config = load(CONFIG_FOLDER "examples/container.lua", true);

    (void)state;
    assert_non_null(config->keys);
    assert_null(config->keys_file.at);
    assert_true(gw_str_is(config->audit_file, "-"));
    gw_config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_files__all__load),
        cmocka_unit_test(config_files__quickstart__is_in_order_and_local),
        cmocka_unit_test(config_files__annotated_one__denies_what_no_policy_allows),
        cmocka_unit_test(config_files__container__takes_its_key_from_the_environment),
    };

    return cmocka_run_group_tests(tests, set_variables, NULL);
}
