/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources and their order, nesting, lists, paths, and what is said about what is
 * wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_case.h"

#define NO_SETS NULL, 0

static void assert_str(struct gw_str text, const char *expected)
{
    if (!gw_str_is(text, expected))
        fail_msg("\"%.*s\" is not \"%s\"", GW_STR_ARG(text), expected);
}

static void config_load__empty_file__gives_the_defaults(void **state)
{
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua", "return {}");
    config_case_assert_good(&one, config_case_load(&one, NO_SETS, NULL));
    assert_int_equal(one.config->listen_count, 1);
    assert_str(one.config->listen[0].address, "127.0.0.1:8080");
    assert_null(one.config->status.at);
    assert_null(one.config->admin.at);
    assert_null(one.config->account.at);
    assert_null(one.config->audit_file.at);
    assert_int_equal(one.config->workers, 0);
    assert_int_equal(one.config->unix_mode, 0660);
    assert_str(one.config->data, "/var/lib/eksgate");
    assert_str(one.config->regions[0], "us-east-1");
    assert_int_equal(one.config->verify.region_count, 1);
    assert_int_equal(one.config->verify.clock_window_s, 300);
    assert_int_equal(one.config->http.limits.body_bytes, 1048576);
    assert_int_equal(one.config->http.head_timeout_ms, 10000);
    assert_int_equal(one.config->store.token_age_ms, 86400000);
    assert_int_equal(one.config->limits.entries_per_cluster, 3000);
    assert_int_equal(one.config->commit_queue_age_ms, 5000);
    assert_true(one.config->cors_headers);
    assert_true(one.config->audit_durable);
    assert_true(one.config->policies.default_allow);
    assert_true(one.config->policies.known_operation_count > 0);
    assert_str(one.config->log_level, "info");
    config_case_close(&one);
}

static void config_load__same_setting_everywhere__set_beats_environment_beats_file(void **state)
{
    char set_in_environment[] = "EKSGATE_HTTP__BODY_BYTES=3072";
    char region[] = "EKSGATE_REGION=eu-west-1";
    char *environment[] = {set_in_environment, region, NULL};
    const char *const sets[] = {"http.body_bytes=4096"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua", "return { http = { body_bytes = 2048, headers = 32 }, region = 'us-west-2' }");
    config_case_assert_good(&one, config_case_load(&one, sets, 1, environment));
    assert_int_equal(one.config->http.limits.body_bytes, 4096);
    assert_int_equal(one.config->http.limits.headers, 32);
    assert_str(one.config->regions[0], "eu-west-1");
    config_case_close(&one);
}

static void config_load__set_twice__last_one_counts(void **state)
{
    const char *const sets[] = {"workers=2", "workers=3"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    config_case_assert_good(&one, config_case_load(&one, sets, 2, NULL));
    assert_int_equal(one.config->workers, 3);
    config_case_close(&one);
}

static void config_load__commas_in_set__make_a_list(void **state)
{
    const char *const sets[] = {"listen=127.0.0.1:0, [::1]:0", "region=us-west-2,eu-west-1"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    config_case_assert_good(&one, config_case_load(&one, sets, 2, NULL));
    assert_int_equal(one.config->listen_count, 2);
    assert_str(one.config->listen[1].address, "[::1]:0");
    assert_int_equal(one.config->verify.region_count, 2);
    config_case_close(&one);
}

static void config_load__empty_set__turns_off(void **state)
{
    const char *const sets[] = {"admin=", "audit.file=", "policies=", "clusters="};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua",
                     "return { admin = '127.0.0.1:1', audit = { file = 'a' }, policies = { 'a.lua' },"
                     " account = '012345678910', clusters = { one = {} } }");
    config_case_assert_good(&one, config_case_load(&one, sets, 4, NULL));
    assert_null(one.config->admin.at);
    assert_null(one.config->audit_file.at);
    assert_int_equal(one.config->policies.file_count, 0);
    assert_int_equal(one.config->cluster_count, 0);
    config_case_close(&one);
}

static void config_load__any_region__default_is_us_east_1(void **state)
{
    const char *const sets[] = {"region=*"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    config_case_assert_good(&one, config_case_load(&one, sets, 1, NULL));
    assert_true(one.config->any_region);
    assert_int_equal(one.config->verify.region_count, 0);
    assert_int_equal(one.config->region_count, 1);
    assert_str(one.config->regions[0], "us-east-1");
    config_case_close(&one);
}

static void config_load__unknown_keys__are_named_with_a_near_match(void **state)
{
    char variable[] = "EKSGATE_HTTP__BODYBYTES=1";
    char *environment[] = {variable, NULL};
    const char *const sets[] = {"polices=a.lua", "body_bytes=4096", "quite_another_thing=1"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua", "return { lisen = {}, http = { idle_timout = 3 }, upstream = { endpont = 1 } }");
    assert_int_equal(config_case_load(&one, sets, 3, environment), GW_E_SYNTAX);
    config_case_assert_says(&one, "/c.lua: lisen: no such setting; did you mean listen?");
    config_case_assert_says(&one, "/c.lua: http.idle_timout: no such setting; did you mean http.idle_timeout?");
    config_case_assert_says(&one, "/c.lua: upstream.endpont: no such setting; did you mean upstream.endpoint?");
    config_case_assert_says(&one, "EKSGATE_HTTP__BODYBYTES: http.bodybytes: no such setting; did you mean "
                                  "http.body_bytes?");
    config_case_assert_says(&one, "--set: polices: no such setting; did you mean policies?");
    config_case_assert_says(&one, "--set: body_bytes: no such setting; did you mean http.body_bytes?");
    config_case_assert_says(&one, "--set: quite_another_thing: no such setting; eksgate options lists them all");
    assert_int_equal(one.problems.count, 7);
    config_case_close(&one);
}

static void config_load__variables_that_are_no_settings__are_left_alone(void **state)
{
    char config[] = "EKSGATE_CONFIG=/nowhere.lua";
    char port[] = "EKSGATE_PORT=tcp://10.0.0.1:8080";
    char detail[] = "EKSGATE_PORT_8080_TCP_ADDR=10.0.0.1";
    char host[] = "EKSGATE_SERVICE_HOST=10.0.0.1";
    char other[] = "EKSGATED=1";
    char *environment[] = {config, port, detail, host, other, NULL};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    config_case_assert_good(&one, config_case_load(&one, NO_SETS, environment));
    config_case_close(&one);
}

static void config_load__wrong_types_and_ranges__are_all_listed_at_once(void **state)
{
    const char *const sets[] = {
        "workers=0",        "http.headers=129",      "audit.durable=yes", "drain_timeout=1.2345",
        "account=12345678", "default_verdict=maybe", "unix_mode=888",     "region=,",
        "nothing"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json",
                     "{\"http\":{\"body_bytes\":1.5,\"idle_timeout\":\"soon\",\"cors_headers\":1},\"policies\":[1],"
                     "\"keys\":7,\"limits\":3,\"log\":{\"level\":[]},\"partition\":\"mars\"}");
    assert_int_equal(config_case_load(&one, sets, GW_COUNT(sets), NULL), GW_E_SYNTAX);
    config_case_assert_says(&one, "--set: workers: is no such number; accepted: auto, or a whole number, 1..256\n");
    config_case_assert_says(&one, "--set: http.headers: is \"129\"; accepted: a whole number, 8..128\n");
    config_case_assert_says(&one, "--set: audit.durable: is \"yes\"; accepted: true or false\n");
    config_case_assert_says(&one, "--set: drain_timeout: is \"1.2345\"; accepted: a number, 0..3600 seconds\n");
    config_case_assert_says(&one, "--set: account: is \"12345678\"; accepted: 12 digits\n");
    config_case_assert_says(&one, "--set: default_verdict: is \"maybe\"; accepted: allow | deny\n");
    config_case_assert_says(&one, "--set: unix_mode: is \"888\"; accepted:");
    config_case_assert_says(&one, "--set: region: has an empty item between commas; accepted: a list of region names");
    config_case_assert_says(&one, "--set nothing: no value; KEY=VALUE is accepted\n");
    config_case_assert_says(&one, "/c.json: http.body_bytes: is of type number; accepted: a whole number, 1024..");
    config_case_assert_says(&one, "/c.json: http.idle_timeout: is \"soon\"; accepted: a number");
    config_case_assert_says(&one, "/c.json: http.cors_headers: is of type integer; accepted: true or false\n");
    config_case_assert_says(&one, "/c.json: policies: item 1 is of type integer; accepted: a list of Lua files\n");
    config_case_assert_says(&one, "/c.json: keys: is of type integer; accepted: the path of a key file");
    config_case_assert_says(&one, "/c.json: limits: is integer; a table is accepted\n");
    config_case_assert_says(&one, "/c.json: log.level: is of type array; accepted: error | warn");
    config_case_assert_says(&one, "/c.json: partition: is \"mars\"; accepted:");
    assert_int_equal(one.problems.count, 17);
    config_case_close(&one);
}

static void config_load__texts_in_the_file__are_read_like_set(void **state)
{
    struct config_case one;

    (void)state;
    assert_int_equal(setenv("GW_TEST_BODY", "2048", 1), 0);
    config_case_open(&one, "c.lua",
                     "return { http = { body_bytes = env('GW_TEST_BODY', 1), idle_timeout = '0.25' },"
                     " listen = env('GW_TEST_NONE', '127.0.0.1:0,[::1]:0'), audit = { durable = 'false' } }");
    config_case_assert_good(&one, config_case_load(&one, NO_SETS, NULL));
    assert_int_equal(one.config->http.limits.body_bytes, 2048);
    assert_int_equal(one.config->http.idle_timeout_ms, 250);
    assert_int_equal(one.config->listen_count, 2);
    assert_false(one.config->audit_durable);
    config_case_close(&one);
    assert_int_equal(unsetenv("GW_TEST_BODY"), 0);
}

static void config_load__relative_paths__start_where_they_are_written(void **state)
{
    const char *const sets[] = {"policies=one.lua,/two.lua", "policy.library=lib"};
    struct config_case one;
    char expected[256];
    char here[128];

    (void)state;
    assert_non_null(getcwd(here, sizeof(here)));
    config_case_open(&one, "c.lua",
                     "return { data = 'state', keys = './k.json', listen = { 'unix:s.sock' },"
                     " audit = { file = 'a.jsonl' } }");
    config_case_assert_good(&one, config_case_load(&one, sets, 2, NULL));
    (void)snprintf(expected, sizeof(expected), "%s/state", one.folder);
    assert_str(one.config->data, expected);
    (void)snprintf(expected, sizeof(expected), "%s/state/a.jsonl", one.folder);
    assert_str(one.config->audit_file, expected);
    (void)snprintf(expected, sizeof(expected), "%s/k.json", one.folder);
    assert_str(one.config->keys_file, expected);
    (void)snprintf(expected, sizeof(expected), "unix:%s/s.sock", one.folder);
    assert_str(one.config->listen[0].address, expected);
    (void)snprintf(expected, sizeof(expected), "%s/one.lua", here);
    assert_str(one.config->policies.files[0], expected);
    assert_str(one.config->policies.files[1], "/two.lua");
    (void)snprintf(expected, sizeof(expected), "%s/lib", here);
    assert_string_equal(one.config->policies.library, expected);
    config_case_close(&one);
}

static void config_load__store__is_a_file_below_data(void **state)
{
    const char *const sets[] = {"data=/d", "store.driver=sqlite"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    config_case_assert_good(&one, config_case_load(&one, sets, 2, NULL));
    assert_true(one.config->store_is_durable);
    assert_str(one.config->store_file, "/d/eksgate.db");
    assert_int_equal(one.config->store_busy_ms, 2000);
    config_case_close(&one);
}

static void config_load__memory_store__has_no_file(void **state)
{
    const char *const sets[] = {"store.driver=memory", "store.file=x"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    config_case_assert_good(&one, config_case_load(&one, sets, 2, NULL));
    assert_false(one.config->store_is_durable);
    assert_null(one.config->store_file.at);
    config_case_close(&one);
}

static void config_load__mock__keeps_its_store_in_memory(void **state)
{
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    one.is_mock = true;
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    assert_false(one.config->store_is_durable);
    config_case_close(&one);
}

static void config_load__store_without_a_file__is_refused(void **state)
{
    const char *const sets[] = {"store.file=", "store.driver=sqlite"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    assert_int_equal(config_case_load(&one, sets, 2, NULL), GW_E_SYNTAX);
    config_case_assert_says(&one, "store.file: is \"\"; accepted: a file");
    config_case_close(&one);
}

static void config_load__audit_to_stdout__stays_a_dash(void **state)
{
    const char *const sets[] = {"audit.file=-"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    config_case_assert_good(&one, config_case_load(&one, sets, 1, NULL));
    assert_str(one.config->audit_file, "-");
    config_case_close(&one);
}

static void config_load__trusted_proxies__single_addresses_become_blocks(void **state)
{
    const char *const sets[] = {"http.trusted_proxies=10.1.2.3,10.0.0.0/8,::1,fd00::/8", "http.proxy_protocol=true"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    config_case_assert_good(&one, config_case_load(&one, sets, 2, NULL));
    assert_int_equal(one.config->http.trusted_proxy_count, 4);
    assert_str(one.config->http.trusted_proxies[0], "10.1.2.3/32");
    assert_str(one.config->http.trusted_proxies[1], "10.0.0.0/8");
    assert_str(one.config->http.trusted_proxies[2], "::1/128");
    assert_str(one.config->http.trusted_proxies[3], "fd00::/8");
    config_case_close(&one);
}

static void config_load__wrong_proxies_and_headers__are_refused(void **state)
{
    const char *const sets[] = {"http.trusted_proxies=10.0.0.0/33,proxy.example",
                                "sigv4.unsigned_headers=host,x-amz-date", "hosts=a/b"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    assert_int_equal(config_case_load(&one, sets, 3, NULL), GW_E_SYNTAX);
    assert_int_equal(one.problems.count, 5);
    config_case_close(&one);
}

static void config_load__proxy_protocol_from_anybody__is_refused(void **state)
{
    const char *const sets[] = {"http.proxy_protocol=true"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    assert_int_equal(config_case_load(&one, sets, 1, NULL), GW_E_SYNTAX);
    config_case_assert_says(&one, "http.proxy_protocol: needs http.trusted_proxies");
    config_case_close(&one);
}

static void config_load__no_file__is_a_problem_that_names_it(void **state)
{
    char variable[] = "EKSGATE_CONFIG=/nowhere/eksgate.lua";
    char *environment[] = {variable, NULL};
    struct gw_config_source source = {.environment = environment};
    struct gw_config_problems problems;
    struct gw_config *config = NULL;

    (void)state;
    gw_config_problems_init(&problems);
    assert_int_equal(gw_config_load(&source, &config, &problems), GW_E_SYNTAX);
    assert_null(config);
    assert_int_equal(problems.count, 1);
    assert_true(gw_str_search(gw_buf_str(&problems.text), GW_STR("/nowhere/eksgate.lua")) != SIZE_MAX);
    gw_config_problems_fini(&problems);
}

static void config_load__control_bytes__make_no_line_of_their_own(void **state)
{
    const char *const sets[] = {"account=1\n2", "a\033[1mb=1"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    assert_int_equal(config_case_load(&one, sets, 2, NULL), GW_E_SYNTAX);
    config_case_assert_says(&one, "account: is \"1?2\"; accepted: 12 digits\n");
    config_case_assert_says(&one, "a?[1mb: no such setting");
    config_case_close(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_load__empty_file__gives_the_defaults),
        cmocka_unit_test(config_load__same_setting_everywhere__set_beats_environment_beats_file),
        cmocka_unit_test(config_load__set_twice__last_one_counts),
        cmocka_unit_test(config_load__commas_in_set__make_a_list),
        cmocka_unit_test(config_load__empty_set__turns_off),
        cmocka_unit_test(config_load__any_region__default_is_us_east_1),
        cmocka_unit_test(config_load__unknown_keys__are_named_with_a_near_match),
        cmocka_unit_test(config_load__variables_that_are_no_settings__are_left_alone),
        cmocka_unit_test(config_load__wrong_types_and_ranges__are_all_listed_at_once),
        cmocka_unit_test(config_load__texts_in_the_file__are_read_like_set),
        cmocka_unit_test(config_load__relative_paths__start_where_they_are_written),
        cmocka_unit_test(config_load__store__is_a_file_below_data),
        cmocka_unit_test(config_load__memory_store__has_no_file),
        cmocka_unit_test(config_load__mock__keeps_its_store_in_memory),
        cmocka_unit_test(config_load__store_without_a_file__is_refused),
        cmocka_unit_test(config_load__audit_to_stdout__stays_a_dash),
        cmocka_unit_test(config_load__trusted_proxies__single_addresses_become_blocks),
        cmocka_unit_test(config_load__wrong_proxies_and_headers__are_refused),
        cmocka_unit_test(config_load__proxy_protocol_from_anybody__is_refused),
        cmocka_unit_test(config_load__no_file__is_a_problem_that_names_it),
        cmocka_unit_test(config_load__control_bytes__make_no_line_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
