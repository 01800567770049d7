/* SPDX-License-Identifier: Apache-2.0 */
/* Who signs what goes upstream: what is accepted, what is refused, and that no message holds a secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/credentials.h"
#include "config_case.h"

static void credentials__unsaid__can_be_told_from_said(void **state)
{
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    assert_int_equal(one.config->credentials, GW_CONFIG_CREDENTIALS_ABSENT);
    assert_false(gw_config_has_credentials(one.config));
    assert_null(one.config->assumes.arn.at);
    assert_true(gw_str_is(one.config->assumes.session_name, "caller"));
    assert_true(gw_str_is(one.config->assumes.source_identity, "caller"));
    config_case_close(&one);
}

static void credentials__words__are_read(void **state)
{
    static const struct {
        const char *set;
        enum gw_config_credentials wanted;
    } rows[] = {{"upstream.credentials=default", GW_CONFIG_CREDENTIALS_DEFAULT},
                {"upstream.credentials=caller", GW_CONFIG_CREDENTIALS_CALLER}};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct config_case one;

        config_case_open(&one, "c.json", "{}");
        config_case_assert_good(&one, config_case_load(&one, &rows[i].set, 1, NULL));
        assert_int_equal(one.config->credentials, rows[i].wanted);
        config_case_close(&one);
    }
}

static void credentials__table__is_a_key(void **state)
{
    struct gw_credentials_options options;
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua",
                     "return { region = 'eu-west-1', upstream = { credentials = { access_key_id = 'AKID', "
                     "secret_access_key = 'se/cret', session_token = env('NONE_OF_THESE', '') }, "
                     "assume_role = 'arn:aws:iam::{account}:role/x/gw', source_identity = '', "
                     "sts_endpoint = 'https://sts.{region}.example:8443' } }");
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    assert_int_equal(one.config->credentials, GW_CONFIG_CREDENTIALS_KEY);
    gw_config_credentials_options(one.config, NULL, &options);
    assert_true(gw_str_is(options.fixed->access_key, "AKID"));
    assert_true(gw_str_is(options.fixed->secret_access_key, "se/cret"));
    assert_null(options.fixed->session_token.at);
    assert_true(gw_str_is(options.region, "eu-west-1"));
    assert_true(gw_str_is(options.sts_endpoint, "https://sts.{region}.example:8443"));
    assert_null(one.config->assumes.source_identity.at);
    config_case_close(&one);
}

static void credentials__wrong__are_refused_and_never_quoted(void **state)
{
    static const struct {
        const char *text;
        const char *said;
    } rows[] = {
        {"{\"credentials\":\"SECRET\"}", "upstream.credentials: is another text"},
        {"{\"credentials\":{\"access_key_id\":\"A\"}}",
         "upstream.credentials: is a table in which SecretAccessKey is missing"},
        {"{\"credentials\":{\"access_key_id\":\"A\",\"secret_access_key\":\"SECRET x\"}}",
         "SecretAccessKey holds a byte"},
        {"{\"credentials\":{\"access_key_id\":\"A\",\"secret_access_key\":[\"SECRET\"]}}", "a member that is no text"},
        {"{\"credentials\":{\"secret\":\"SECRET\"}}", "another member"},
        {"{\"assume_role\":\"arn:aws:iam::1:role/x\"}", "upstream.assume_role: is no role's ARN"},
        {"{\"assume_role\":\"arn:aws:iam::{account}:user/x\"}", "upstream.assume_role: is no role's ARN"},
        {"{\"assume_role\":\"arn:aws:iam::{account}:role/x\",\"credentials\":\"caller\"}",
         "upstream.assume_role: is set, but"},
        {"{\"session_name\":\"a b\"}", "upstream.session_name: is no such name"},
        {"{\"session_name\":\"\"}", "upstream.session_name: is empty"},
        {"{\"source_identity\":\"x\"}", "upstream.source_identity: is no such name"},
        {"{\"sts_endpoint\":\"sts.example\"}", "upstream.sts_endpoint: is sts.example"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct config_case one;
        char text[256];

        (void)snprintf(text, sizeof(text), "{\"upstream\":%s}", rows[i].text);
        config_case_open(&one, "c.json", text);
        assert_int_equal(config_case_load(&one, NULL, 0, NULL), GW_E_SYNTAX);
        config_case_assert_says(&one, rows[i].said);
        assert_null(strstr(config_case_text(&one), "SECRET"));
        assert_int_equal(one.problems.count, 1);
        config_case_close(&one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials__unsaid__can_be_told_from_said),
        cmocka_unit_test(credentials__words__are_read),
        cmocka_unit_test(credentials__table__is_a_key),
        cmocka_unit_test(credentials__wrong__are_refused_and_never_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
