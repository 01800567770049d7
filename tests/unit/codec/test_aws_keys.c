/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials in JSON: three dialects, and nothing that couldn't stand in a header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/aws_keys.h"

static struct gw_arena arena;

static int start(void **state)
{
    (void)state;
    gw_arena_init(&arena, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    gw_arena_fini(&arena);
    return 0;
}

static void keys__of_each_dialect__are_read(void **state)
{
    static const struct {
        enum gw_aws_keys_dialect dialect;
        const char *json;
    } rows[] = {
        {GW_AWS_KEYS_CONTAINER, "{\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"se+/=\",\"Token\":\"to\",\"Expiration\":"
                                "\"2026-01-01T00:00:00Z\",\"AccountId\":\"012345678910\"}"},
        {GW_AWS_KEYS_IMDS,
         "{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"se+/="
         "\",\"Token\":\"to\",\"Expiration\":\"2026-01-01T00:00:00Z\"}"},
        {GW_AWS_KEYS_PROCESS,
         "{\"Version\":1,\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"se+/=\",\"SessionToken\":\"to\","
         "\"Expiration\":\"2026-01-01T01:00:00+01:00\"}\n"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct gw_aws_keys keys;
        struct gw_err err = {""};

        assert_int_equal(gw_aws_keys_parse(gw_str_from(rows[i].json), rows[i].dialect, &arena, &keys, &err), GW_OK);
        assert_true(gw_str_is(keys.access_key, "AK"));
        assert_true(gw_str_is(keys.secret_access_key, "se+/="));
        assert_true(gw_str_is(keys.session_token, "to"));
        assert_int_equal(keys.expires_ms, INT64_C(1767225600000));
    }
}

static void keys__of_a_process__may_last_for_ever(void **state)
{
    struct gw_aws_keys keys;

    (void)state;
    assert_int_equal(gw_aws_keys_parse(GW_STR("{\"Version\":1,\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"s\","
                                              "\"SessionToken\":\"\",\"Expiration\":null}"),
                                       GW_AWS_KEYS_PROCESS, &arena, &keys, NULL),
                     GW_OK);
    assert_int_equal(keys.expires_ms, GW_AWS_KEYS_NEVER);
    assert_null(keys.session_token.at);
}

#define REST "\"SecretAccessKey\":\"SECRET\",\"Token\":\"t\",\"Expiration\":\"2026-01-01T00:00:00Z\"}"

static void keys__bad_answers__are_refused_and_not_quoted(void **state)
{
    static const struct {
        enum gw_aws_keys_dialect dialect;
        const char *json;
        const char *said;
    } rows[] = {
        {GW_AWS_KEYS_CONTAINER, "", "no JSON"},
        {GW_AWS_KEYS_CONTAINER, "[\"SECRET\"]", "no JSON object"},
        {GW_AWS_KEYS_CONTAINER, "{\"SecretAccessKey\":\"SECRET\"", "no JSON"},
        {GW_AWS_KEYS_CONTAINER, "{" REST, "AccessKeyId is missing"},
        {GW_AWS_KEYS_CONTAINER, "{\"AccessKeyId\":7," REST, "AccessKeyId is of type"},
        {GW_AWS_KEYS_CONTAINER, "{\"AccessKeyId\":\"A\\r\\nX: SECRET\"," REST, "AccessKeyId holds a byte"},
        {GW_AWS_KEYS_CONTAINER, "{\"AccessKeyId\":\"A/b\"," REST, "AccessKeyId holds a byte"},
        {GW_AWS_KEYS_CONTAINER, "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"SECRET\"}", "Expiration"},
        {GW_AWS_KEYS_CONTAINER,
         "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"SECRET\",\"Expiration\":\"tomorrow SECRET\"}", "Expiration"},
        {GW_AWS_KEYS_CONTAINER,
         "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":\"a "
         "SECRET\",\"Expiration\":\"2026-01-01T00:00:00Z\"}",
         "session token holds"},
        {GW_AWS_KEYS_IMDS, "{\"AccessKeyId\":\"A\"," REST, "Code"},
        {GW_AWS_KEYS_IMDS, "{\"Code\":\"Failed\",\"AccessKeyId\":\"A\"," REST, "\"Failed\""},
        {GW_AWS_KEYS_PROCESS, "{\"Version\":2,\"AccessKeyId\":\"A\"," REST, "Version"},
        {GW_AWS_KEYS_PROCESS, "{\"AccessKeyId\":\"A\"," REST, "Version"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct gw_aws_keys keys;
        struct gw_err err = {""};

        assert_int_not_equal(gw_aws_keys_parse(gw_str_from(rows[i].json), rows[i].dialect, &arena, &keys, &err), GW_OK);
        assert_non_null(strstr(err.text, rows[i].said));
        assert_null(strstr(err.text, "SECRET"));
    }
}

static void keys__too_long__are_refused(void **state)
{
    static char long_text[GW_AWS_KEYS_TOKEN_MAX + 2];
    struct gw_aws_keys keys = {.access_key = GW_STR("A"), .secret_access_key = GW_STR("s")};

    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    keys.session_token = (struct gw_str){long_text, GW_AWS_KEYS_TOKEN_MAX};
    assert_int_equal(gw_aws_keys_check(&keys, NULL), GW_OK);
    keys.session_token.length++;
    assert_int_equal(gw_aws_keys_check(&keys, NULL), GW_E_LIMIT);
    keys.session_token = GW_STR_NONE;
    keys.secret_access_key = (struct gw_str){long_text, GW_AWS_KEYS_SECRET_MAX + 1};
    assert_int_equal(gw_aws_keys_check(&keys, NULL), GW_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys__of_each_dialect__are_read, start, stop),
        cmocka_unit_test_setup_teardown(keys__of_a_process__may_last_for_ever, start, stop),
        cmocka_unit_test_setup_teardown(keys__bad_answers__are_refused_and_not_quoted, start, stop),
        cmocka_unit_test_setup_teardown(keys__too_long__are_refused, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
