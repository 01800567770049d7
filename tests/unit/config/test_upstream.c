/* SPDX-License-Identifier: Apache-2.0 */
/* The mode follows from the upstream and from who answers for access entries; what can't be is refused in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_case.h"

static void assert_mode(const char *endpoint, const char *entries, enum gw_gateway_mode mode)
{
    const char *const sets[] = {endpoint, entries};
    struct config_case one;

    config_case_open(&one, "c.json", "{}");
    config_case_assert_good(&one, config_case_load(&one, sets, GW_COUNT(sets), NULL));
    assert_int_equal(one.config->mode, mode);
    config_case_close(&one);
}

static void upstream__and_who_answers__make_the_mode(void **state)
{
    (void)state;
    assert_mode("upstream.endpoint=", "access_entries=store", GW_GATEWAY_STANDALONE);
    assert_mode("upstream.endpoint=http://127.0.0.1:5000", "access_entries=store", GW_GATEWAY_OVERLAY);
    assert_mode("upstream.endpoint=http://127.0.0.1:5000", "access_entries=upstream", GW_GATEWAY_PROXY);
    assert_mode("upstream.endpoint=https://eks.{region}.amazonaws.com", "access_entries=upstream", GW_GATEWAY_PROXY);
    assert_mode("upstream.endpoint=https://{account}.eks.{region}.example", "access_entries=upstream",
                GW_GATEWAY_PROXY);
}

static void assert_refused(const char *text, const char *says, bool is_mock)
{
    struct config_case one;

    config_case_open(&one, "c.lua", text);
    one.is_mock = is_mock;
    assert_int_equal(config_case_load(&one, NULL, 0, NULL), GW_E_SYNTAX);
    config_case_assert_says(&one, says);
    config_case_close(&one);
}

static void upstream__that_cannot_be__is_refused_in_words(void **state)
{
    (void)state;
    assert_refused("return { access_entries = 'upstream' }",
                   "access_entries: is upstream, and upstream.endpoint is missing", false);
    assert_refused("return { upstream = { endpoint = 'eks' } }", "upstream.endpoint: is eks; accepted: https://HOST",
                   false);
    assert_refused("return { upstream = { endpoint = 'https://eks.{regoin}.amazonaws.com' } }",
                   "upstream.endpoint: is https://eks.{regoin}", false);
    assert_refused("return { upstream = { endpoint = 'https://EKS.us-east-1.AmazonAWS.com' } }",
                   "access_entries: is store, and upstream.endpoint is AWS's", false);
    assert_refused(
        "return { access_entries = 'upstream', upstream = { endpoint = 'http://eks.{region}.amazonaws.com' } }",
        "upstream.endpoint: is AWS's and not https", false);
    assert_refused(
        "return { access_entries = 'upstream', upstream = { endpoint = 'https://eks.{region}.amazonaws.com' } }",
        "which no mock stands in front of", true);
    assert_refused(
        "return { access_entries = 'upstream', upstream = { endpoint = 'https://a' }, account = '012345678910', "
        "clusters = { a = {} } }",
        "clusters: are the upstream's", false);
}

static void upstream__of_everything__needs_no_store(void **state)
{
    const char *const sets[] = {"upstream.endpoint=http://127.0.0.1:1", "access_entries=upstream"};
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    config_case_assert_good(&one, config_case_load(&one, sets, GW_COUNT(sets), NULL));
    assert_false(one.config->store_is_durable);
    config_case_close(&one);
}

#define PASS "auth = 'upstream', access_entries = 'upstream', "
#define AWS  "endpoint = 'https://eks.{region}.amazonaws.com'"

static void pass_through__with_an_upstream__needs_no_keys_and_has_no_credentials(void **state)
{
    struct config_case one;
    struct gw_keyring *keyring = NULL;
    struct gw_err err;

    (void)state;
    config_case_open(&one, "c.lua",
                     "return { " PASS "upstream = { " AWS ", connect = 'vpce-1.eks.{region}.vpce.amazonaws.com' },"
                     " listen = { { address = '[::]:443', certificate = 'a', key = 'b', connect = true } } }");
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    assert_int_equal(one.config->auth, GW_GATEWAY_AUTH_UPSTREAM);
    assert_int_equal(one.config->mode, GW_GATEWAY_PROXY);
    assert_int_equal(one.config->credentials, GW_CONFIG_CREDENTIALS_ABSENT);
    assert_true(one.config->policies.is_pass_through);
    assert_true(one.config->listen[0].is_proxy);
    assert_true(gw_str_is(one.config->upstream.connect, "vpce-1.eks.{region}.vpce.amazonaws.com"));
    assert_int_equal(gw_config_keyring(one.config, &keyring, &err), GW_OK);
    gw_keyring_free(&keyring);
    config_case_close(&one);
}

static void pass_through__what_has_no_meaning_for_it__is_refused_in_words(void **state)
{
    (void)state;
    assert_refused("return { auth = 'upstream' }", "auth: is upstream, and the upstream doesn't answer everything",
                   false);
    assert_refused("return { auth = 'upstream', upstream = { endpoint = 'http://a' } }",
                   "auth: is upstream, and the upstream doesn't answer everything", false);
    assert_refused("return { " PASS "upstream = { " AWS " }, caller = 'arn:aws:iam::012345678910:user/a' }",
                   "caller: is for auth = \"none\"", false);
    assert_refused("return { " PASS "upstream = { " AWS ", credentials = 'default' } }",
                   "upstream.credentials: has no use", false);
    assert_refused("return { " PASS "upstream = { " AWS ", credentials = { access_key_id = 'AKIDOWNKEY000000', "
                   "secret_access_key = 'x' } } }",
                   "upstream.credentials: has no use", false);
    assert_refused("return { " PASS "upstream = { " AWS ", assume_role = 'arn:aws:iam::012345678910:role/r' } }",
                   "upstream.assume_role: has no use", false);
    assert_refused("return { " PASS "upstream = { endpoint = 'https://{account}.example' } }",
                   "upstream.endpoint: holds {account}", false);
    assert_refused("return { " PASS "upstream = { " AWS ", connect = 'a/b' } }",
                   "upstream.connect: is a/b; accepted: HOST or HOST:PORT", false);
    assert_refused("return { upstream = { connect = 'a' } }",
                   "upstream.connect: is set, and upstream.endpoint is missing", false);
    assert_refused("return { listen = { { address = '127.0.0.1:1', certificate = 'a', key = 'b', connect = true } } }",
                   "listen: item 1: connect is for auth = \"upstream\"", false);
    assert_refused("return { listen = { { address = '127.0.0.1:1', certificate = 'a', key = 'b', connect = 1 } } }",
                   "listen: item 1: connect is of type integer; accepted: true or false", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upstream__and_who_answers__make_the_mode),
        cmocka_unit_test(upstream__that_cannot_be__is_refused_in_words),
        cmocka_unit_test(upstream__of_everything__needs_no_store),
        cmocka_unit_test(pass_through__with_an_upstream__needs_no_keys_and_has_no_credentials),
        cmocka_unit_test(pass_through__what_has_no_meaning_for_it__is_refused_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
