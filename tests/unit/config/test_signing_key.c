/* SPDX-License-Identifier: Apache-2.0 */
/* Which files give the key that signs checkpoints. The key is RFC 8032's first test vector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "config/signing_key.h"
#include "config_case.h"

#define GOOD                                                                                                           \
    "-----BEGIN PRIVATE KEY-----\n"                                                                                    \
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"                                               \
    "-----END PRIVATE KEY-----\n"

static enum gw_status load(const char *text, mode_t mode, struct gw_err *err)
{
    struct gw_ed25519_key *key = NULL;
    struct config_case one;
    char path[128];
    enum gw_status status;

    config_case_open(&one, "c.json", "{\"audit\":{\"signing_key\":\"key.pem\"}}");
    config_case_write(one.folder, "key.pem", text, path, sizeof(path));
    assert_int_equal(chmod(path, mode), 0);
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    status = gw_config_signing_key(one.config, &key, err);
    assert_true((key != NULL) == (status == GW_OK));
    gw_ed25519_free(&key);
    assert_int_equal(unlink(path), 0);
    config_case_close(&one);
    return status;
}

static void signing_key__private_key_in_pem__is_loaded(void **state)
{
    struct gw_err err;

    (void)state;
    assert_int_equal(load(GOOD, 0600, &err), GW_OK);
}

static void signing_key__anything_else__is_refused_in_words(void **state)
{
    struct gw_err err;

    (void)state;
    assert_int_equal(load("", 0600, &err), GW_E_SYNTAX);
    assert_non_null(strstr(err.text, "key.pem: holds no Ed25519 private key"));
    assert_int_equal(load("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0600, &err), GW_E_SYNTAX);
}

static void signing_key__file_that_everybody_reads__is_refused(void **state)
{
    struct gw_err err;

    (void)state;
    assert_int_equal(load(GOOD, 0644, &err), GW_E_DENIED);
    assert_non_null(strstr(err.text, "key.pem: mode 0644"));
}

static void signing_key__none_named__is_none(void **state)
{
    struct gw_ed25519_key *key = NULL;
    struct config_case one;
    struct gw_err err;

    (void)state;
    config_case_open(&one, "c.json", "{}");
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    assert_int_equal(gw_config_signing_key(one.config, &key, &err), GW_OK);
    assert_null(key);
    config_case_close(&one);
}

static void config_check__signing_key_that_is_not_there__is_a_problem(void **state)
{
    struct config_case one;

    (void)state;
    config_case_open(&one, "c.json", "{\"audit\":{\"file\":\"a\",\"signing_key\":\"no.pem\"}}");
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    gw_config_check(one.config, &one.problems);
    config_case_assert_says(&one, "/c.json: audit.signing_key: ");
    config_case_close(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signing_key__private_key_in_pem__is_loaded),
        cmocka_unit_test(signing_key__anything_else__is_refused_in_words),
        cmocka_unit_test(signing_key__file_that_everybody_reads__is_refused),
        cmocka_unit_test(signing_key__none_named__is_none),
        cmocka_unit_test(config_check__signing_key_that_is_not_there__is_a_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
