/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setting `listen` with tables: what is read of them, and what is said of
 * those that are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certificates.h"
#include "config_case.h"

#define KEYS                                                                                                           \
    "keys = { { AccessKeyId = 'AKIDOWN', SecretAccessKey = 'secret', Arn = 'arn:aws:iam::012345678910:user/a' } }"

static void assert_path(struct gw_str path, const struct config_case *one, const char *name)
{
    char expected[256];

    (void)snprintf(expected, sizeof(expected), "%s/%s", one->folder, name);
    assert_true(gw_str_is(path, expected));
}

static void listen__tables_and_addresses__are_read_side_by_side(void **state)
{
    const struct gw_config_listener *listen;
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua",
                     "return { " KEYS ", listen = { '127.0.0.1:0', {"
                     " address = '0.0.0.0:8443', certificate = 'a.crt', key = '/etc/a.key',"
                     " certificates = { { certificate = 'b.crt', key = 'b.key' } },"
                     " client_ca = 'ca.crt', client_certificates = 'optional' } } }");
    assert_int_equal(config_case_load(&one, NULL, 0, NULL), GW_OK);
    listen = one.config->listen;
    assert_int_equal(one.config->listen_count, 2);
    assert_true(gw_str_is(listen[0].address, "127.0.0.1:0"));
    assert_int_equal(listen[0].tls.certificate_count, 0);
    assert_true(gw_str_is(listen[1].address, "0.0.0.0:8443"));
    assert_int_equal(listen[1].tls.certificate_count, 2);
    assert_path(listen[1].tls.certificates[0].certificate, &one, "a.crt");
    assert_true(gw_str_is(listen[1].tls.certificates[0].key, "/etc/a.key"));
    assert_path(listen[1].tls.certificates[1].key, &one, "b.key");
    assert_path(listen[1].tls.client_ca, &one, "ca.crt");
    assert_int_equal(listen[1].tls.clients, GW_TLS_CLIENTS_OPTIONAL);
    config_case_close(&one);
}

static void listen__one_table_in_json__is_a_list_of_one_and_a_client_ca_demands_certificates(void **state)
{
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json",
                     "{\"listen\": {\"address\": \"[::1]:8443\", \"certificates\": [{\"certificate\": \"a\", \"key\": "
                     "\"b\"}], \"client_ca\": \"c\"}, \"keys\": \"k.json\"}");
    assert_int_equal(config_case_load(&one, NULL, 0, NULL), GW_OK);
    assert_int_equal(one.config->listen_count, 1);
    assert_int_equal(one.config->listen[0].tls.certificate_count, 1);
    assert_int_equal(one.config->listen[0].tls.clients, GW_TLS_CLIENTS_REQUIRED);
    config_case_close(&one);
}

static void listen__wrong_tables__are_refused_each_with_its_reason(void **state)
{
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua",
                     "return { " KEYS ", listen = {"
                     " { certificate = 'a', key = 'b' },"
                     " { address = 'a:1', certificate = 'a' },"
                     " { address = 'a:1' },"
                     " { address = 'unix:/s', certificate = 'a', key = 'b' },"
                     " { address = 'a:1', certificate = 'a', key = 'b', client_certificates = 'optional' },"
                     " { address = 'a:1', certificate = 'a', key = 'b', client_ca = 'c', client_certificates = 'no' },"
                     " { address = 'a:1', certificate = 'a', key = 'b', ciphers = 'ALL' },"
                     " { address = 'a:1', certificate = 7, key = 'b' },"
                     " { address = 'a:1', certificates = { 'a', { certificate = 'a', keys = 'b' } } },"
                     " 7 } }");
    assert_int_equal(config_case_load(&one, NULL, 0, NULL), GW_E_SYNTAX);
    config_case_assert_says(&one, "listen: item 1: has no address");
    config_case_assert_says(&one, "listen: item 2: a certificate and its key are given together");
    config_case_assert_says(&one, "listen: item 3: has no certificate");
    config_case_assert_says(&one, "listen: item 4: a unix socket needs no TLS");
    config_case_assert_says(&one, "listen: item 5: client_certificates needs client_ca");
    config_case_assert_says(&one, "listen: item 6: client_certificates is \"no\"; accepted: optional | required");
    config_case_assert_says(&one, "listen: item 7: there is no ciphers; accepted: address");
    config_case_assert_says(&one, "listen: item 8: certificate is no text");
    config_case_assert_says(&one, "listen: item 9: certificates holds what is no table");
    config_case_assert_says(&one, "listen: item 9: there is no keys");
    config_case_assert_says(&one, "listen: item 10: is of type integer");
    config_case_close(&one);
}

static void listen__public_table_with_an_example_key__is_refused_like_a_plain_one(void **state)
{
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua",
                     "return { keys = { { AccessKeyId = 'AKIDEXAMPLE', SecretAccessKey = "
                     "'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', Arn = 'arn:aws:iam::012345678910:user/a' } },"
                     " listen = { { address = '0.0.0.0:8443', certificate = 'a.crt', key = 'a.key' } } }");
    assert_int_equal(config_case_load(&one, NULL, 0, NULL), GW_OK);
    gw_config_check(one.config, &one.problems);
    config_case_assert_says(&one, "listen: 0.0.0.0:8443 can be reached from outside");
    config_case_close(&one);
}

static void check__certificates__each_that_is_wrong_or_expired_is_named(void **state)
{
    struct certificate ca = certificate_make(&(struct certificate_spec){.common_name = "ca"});
    struct certificate old = certificate_make(
        &(struct certificate_spec){.common_name = "old", .issuer = &ca, .from_s = -7200, .to_s = -3600});
    char certificate[128];
    char key[128];
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.lua",
                     "return { " KEYS
                     ", listen = { { address = '127.0.0.1:0', certificate = 'old.crt', key = 'old.key',"
                     " certificates = { { certificate = 'none.crt', key = 'none.key' } }, client_ca = 'none.ca' } } }");
    (void)snprintf(certificate, sizeof(certificate), "%s/old.crt", one.folder);
    (void)snprintf(key, sizeof(key), "%s/old.key", one.folder);
    certificate_write(&old, certificate, key);
    assert_int_equal(config_case_load(&one, NULL, 0, NULL), GW_OK);
    gw_config_check(one.config, &one.problems);
    assert_int_equal(one.problems.count, 2); /* an expired certificate keeps nobody from starting */
    config_case_assert_says(&one, "/none.crt: can't be opened");
    config_case_assert_says(&one, "/none.ca: can't be opened");
    gw_config_check_dates(one.config, &one.problems);
    assert_int_equal(one.problems.count, 3);
    config_case_assert_says(&one, "/old.crt: the certificate has expired");
    (void)unlink(certificate);
    (void)unlink(key);
    certificate_free(&old);
    certificate_free(&ca);
    config_case_close(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listen__tables_and_addresses__are_read_side_by_side),
        cmocka_unit_test(listen__one_table_in_json__is_a_list_of_one_and_a_client_ca_demands_certificates),
        cmocka_unit_test(listen__wrong_tables__are_refused_each_with_its_reason),
        cmocka_unit_test(listen__public_table_with_an_example_key__is_refused_like_a_plain_one),
        cmocka_unit_test(check__certificates__each_that_is_wrong_or_expired_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
