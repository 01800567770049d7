/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `eksgate check` and `serve` find in what a configuration names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "config_case.h"

#define EXAMPLE_KEYS                                                                                                   \
    "{ { AccessKeyId = 'AKIDEXAMPLE', SecretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',"                   \
    " Arn = 'arn:aws:iam::012345678910:user/quickstart' } }"
#define OWN_KEYS                                                                                                       \
    "{ { AccessKeyId = 'AKIAOWN', SecretAccessKey = 'only-this-test-knows-it',"                                        \
    " Arn = 'arn:aws:iam::012345678910:user/own' } }"

static void load(struct config_case *one, const char *text)
{
    config_case_open(one, "c.lua", text);
    config_case_assert_good(one, config_case_load(one, NULL, 0, NULL));
    gw_config_check(one->config, &one->problems);
}

static void config_check__example_key_on_loopback__is_good(void **state)
{
    struct config_case one;

    (void)state;
    load(&one, "return { keys = " EXAMPLE_KEYS ", listen = { '127.0.0.1:0', '[::1]:0', 'unix:s' } }");
    config_case_assert_good(&one, GW_OK);
    config_case_close(&one);
}

static void config_check__example_key_on_a_public_listener__is_refused(void **state)
{
    struct config_case one;

    (void)state;
    load(&one, "return { keys = " EXAMPLE_KEYS ", listen = { '127.0.0.1:0', '0.0.0.0:8080' } }");
    assert_int_equal(one.problems.count, 1);
    config_case_assert_says(&one, "/c.lua: listen: 0.0.0.0:8080 can be reached from outside, and keys holds a key that "
                                  "AWS has published");
    config_case_close(&one);
}

static void config_check__own_key_on_a_public_listener__is_good(void **state)
{
    struct config_case one;

    (void)state;
    load(&one, "return { keys = " OWN_KEYS ", listen = { '0.0.0.0:8080' } }");
    config_case_assert_good(&one, GW_OK);
    config_case_close(&one);
}

static void config_check__admin_in_public__is_refused_and_status_is_not(void **state)
{
    struct config_case one;

    (void)state;
    load(&one, "return { keys = " OWN_KEYS ", status = '0.0.0.0:9181', admin = '0.0.0.0:9180' }");
    assert_int_equal(one.problems.count, 1);
    config_case_assert_says(&one, "/c.lua: admin: 0.0.0.0:9180 can be reached from outside; accepted: a loopback");
    config_case_close(&one);
}

static void config_check__admin_in_public_with_a_token__is_good(void **state)
{
    struct config_case one;

    (void)state;
    load(&one, "return { keys = " OWN_KEYS ", admin = '0.0.0.0:9180', admin_token = '0123456789abcdef' }");
    config_case_assert_good(&one, GW_OK);
    config_case_close(&one);
}

static void config_check__admin_token_that_is_none__is_refused_and_not_shown(void **state)
{
    struct config_case one;

    (void)state;
    load(&one, "return { keys = " OWN_KEYS ", admin = '0.0.0.0:9180', admin_token = 'the short one' }");
    assert_int_equal(one.problems.count, 1);
    config_case_assert_says(&one, "/c.lua: admin_token: is no token; accepted: 16 to 512 of");
    assert_null(strstr(config_case_text(&one), "short"));
    config_case_close(&one);
}

static void config_check__admin_token_file_that_is_not_there__is_the_one_problem(void **state)
{
    struct config_case one;

    (void)state;
    load(&one, "return { keys = " OWN_KEYS ", admin = '0.0.0.0:9180', admin_token_file = 'none' }");
    assert_int_equal(one.problems.count, 1);
    config_case_assert_says(&one, "/c.lua: admin_token_file: ");
    config_case_assert_says(&one, "/none: No such file");
    config_case_close(&one);
}

static void config_load__token_and_file_of_a_token__is_refused(void **state)
{
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua", "return { admin_token = '0123456789abcdef', admin_token_file = 'f' }");
    assert_int_equal(config_case_load(&one, NULL, 0, NULL), GW_E_SYNTAX);
    config_case_assert_says(&one, "admin_token_file: there is an admin_token already");
    assert_null(strstr(config_case_text(&one), "0123456789abcdef"));
    config_case_close(&one);
}

static void config_check__more_addresses_than_a_worker_listens_at__are_refused(void **state)
{
    struct config_case one;

    (void)state;
    load(&one, "local listen = {} for i = 1, 16 do listen[i] = '127.0.0.1:0' end return { keys = " OWN_KEYS
               ", listen = listen }");
    config_case_assert_good(&one, GW_OK);
    config_case_close(&one);
    load(&one, "local listen = {} for i = 1, 17 do listen[i] = '127.0.0.1:0' end return { keys = " OWN_KEYS
               ", listen = listen }");
    assert_int_equal(one.problems.count, 1);
    config_case_assert_says(&one, "/c.lua: listen: has 17 addresses; accepted: at most 16");
    config_case_close(&one);
}

static void config_check__same_address_twice__is_refused(void **state)
{
    struct config_case one;

    (void)state;
    load(&one, "return { keys = " OWN_KEYS ", listen = { '127.0.0.1:8080', '127.0.0.1:8080' },"
               " status = '127.0.0.1:8080', admin = '127.0.0.1:8080' }");
    config_case_assert_says(&one, "listen: 127.0.0.1:8080 is there twice");
    config_case_assert_says(&one, "status: 127.0.0.1:8080 is in listen already");
    config_case_assert_says(&one, "admin: 127.0.0.1:8080 is the address of status already");
    config_case_close(&one);
}

static void config_check__port_0_twice__is_good(void **state)
{
    struct config_case one;

    (void)state;
    load(&one, "return { keys = " OWN_KEYS ", listen = { '127.0.0.1:0', '127.0.0.1:0' }, admin = '127.0.0.1:0' }");
    config_case_assert_good(&one, GW_OK);
    config_case_close(&one);
}

static void config_check__several_things_wrong__all_are_listed(void **state)
{
    struct config_case one;

    (void)state;
    load(&one, "return { listen = { 'nonsense', '127.0.0.1:99999' }, policies = { 'none.lua', 'neither.lua' },"
               " policy = { library = '" GW_SOURCE_DIR "/lua' } }");
    config_case_assert_says(&one, "/c.lua: keys: is missing; accepted: the path of a key file");
    config_case_assert_says(&one, "/c.lua: listen: ");
    config_case_assert_says(&one, "nonsense");
    config_case_assert_says(&one, "127.0.0.1:99999");
    config_case_assert_says(&one, "none.lua");
    config_case_assert_says(&one, "neither.lua");
    assert_int_equal(one.problems.count, 5);
    config_case_close(&one);
}

static void config_load__wrong_settings__problems_of_the_others_are_listed_too(void **state)
{
    static const char *const sets[] = {"nonsense=1", "http.body_bytes=x", "policy.cpu_ms=0"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua",
                     "return { listen = { 'nowhere' }, admin = '0.0.0.0:1', keys = 'none.json', policies = 'p.lua' }");
    assert_int_equal(config_case_load(&one, sets, GW_COUNT(sets), NULL), GW_E_SYNTAX);
    config_case_assert_says(&one, "--set: nonsense: no such setting");
    config_case_assert_says(&one, "--set: http.body_bytes: is \"x\"");
    config_case_assert_says(&one, "--set: policy.cpu_ms: ");
    config_case_assert_says(&one, "/c.lua: listen: ");
    config_case_assert_says(&one, "/c.lua: admin: 0.0.0.0:1 can be reached from outside");
    config_case_assert_says(&one, "/c.lua: keys: ");
    assert_int_equal(one.problems.count, 6);
    config_case_close(&one);
}

static void config_check__bad_key_table__says_so_and_never_the_secret(void **state)
{
    struct config_case one;

    (void)state;
    load(&one,
         "return { keys = { { AccessKeyId = 'AKIAOWN', SecretAccessKey = 'only-this-test-knows-it', Arn = 'x' } } }");
    assert_int_equal(one.problems.count, 1);
    config_case_assert_says(&one, "/c.lua: keys: ");
    assert_null(strstr(config_case_text(&one), "only-this-test-knows-it"));
    config_case_close(&one);
}

static void config_check__key_file_missing__is_named(void **state)
{
    struct config_case one;
    char expected[160];

    (void)state;
    load(&one, "return { keys = 'none.json' }");
    (void)snprintf(expected, sizeof(expected), "%s/none.json", one.folder);
    assert_int_equal(one.problems.count, 1);
    config_case_assert_says(&one, expected);
    config_case_close(&one);
}

static void config_keyring__file_of_the_configuration__is_loaded(void **state)
{
    struct config_case one;
    struct gw_keyring *keyring = NULL;
    struct gw_err err = {""};
    char path[128];

    (void)state;
    config_case_open(&one, "c.lua", "return { keys = 'k.json' }");
    config_case_write(
        one.folder, "k.json",
        "{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"AKIAOWN\",\"SecretAccessKey\":\"only-this-test-knows-it\","
        "\"Arn\":\"arn:aws:iam::012345678910:user/own\"}]}",
        path, sizeof(path));
    assert_int_equal(chmod(path, 0600), 0);
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    if (gw_config_keyring(one.config, &keyring, &err) != GW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(gw_keyring_count(keyring), 1);
    assert_non_null(gw_keyring_find(keyring, GW_STR("AKIAOWN")));
    gw_keyring_free(&keyring);
    assert_int_equal(unlink(path), 0);
    config_case_close(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_check__example_key_on_loopback__is_good),
        cmocka_unit_test(config_check__example_key_on_a_public_listener__is_refused),
        cmocka_unit_test(config_check__own_key_on_a_public_listener__is_good),
        cmocka_unit_test(config_check__admin_in_public__is_refused_and_status_is_not),
        cmocka_unit_test(config_check__admin_in_public_with_a_token__is_good),
        cmocka_unit_test(config_check__admin_token_that_is_none__is_refused_and_not_shown),
        cmocka_unit_test(config_check__admin_token_file_that_is_not_there__is_the_one_problem),
        cmocka_unit_test(config_load__token_and_file_of_a_token__is_refused),
        cmocka_unit_test(config_check__more_addresses_than_a_worker_listens_at__are_refused),
        cmocka_unit_test(config_check__same_address_twice__is_refused),
        cmocka_unit_test(config_check__port_0_twice__is_good),
        cmocka_unit_test(config_check__several_things_wrong__all_are_listed),
        cmocka_unit_test(config_load__wrong_settings__problems_of_the_others_are_listed_too),
        cmocka_unit_test(config_check__bad_key_table__says_so_and_never_the_secret),
        cmocka_unit_test(config_check__key_file_missing__is_named),
        cmocka_unit_test(config_keyring__file_of_the_configuration__is_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
