/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of certificates, keys and authorities that are missing or wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tls_fixture.h"

static enum gw_status load(struct fixture *f, struct gw_err *err)
{
    struct gw_tls_certificate files = {gw_str_from(f->certificate[0]), gw_str_from(f->key[0])};
    struct gw_tls_server_options options = {.certificates = &files, .certificate_count = 1};
    struct gw_tls_context *context = NULL;
    enum gw_status status;

    err->text[0] = '\0';
    status = gw_tls_server_new(&options, &context, err);
    gw_tls_context_release(&context);
    return status;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void server_new__bad_files__are_named_with_what_is_wrong(void **state)
{
    struct fixture *f = *state;
    struct gw_err err;
    struct certificate other;

    assert_int_equal(load(f, &err), GW_E_IO);
    assert_contains(err.text, f->certificate[0]);
    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:a.example"});
    assert_int_equal(load(f, &err), GW_OK);
    assert_string_equal(err.text, "");
    assert_int_equal(chmod(f->key[0], 0644), 0);
    assert_int_equal(load(f, &err), GW_E_DENIED);
    assert_contains(err.text, "mode 0644");
    assert_int_equal(chmod(f->key[0], 0600), 0);
    other = certificate_make(&(struct certificate_spec){.common_name = "other"});
    certificate_write(&other, f->certificate[0], NULL);
    assert_int_equal(load(f, &err), GW_E_SYNTAX);
    assert_contains(err.text, "isn't the key");
    write_text(f->certificate[0], "nonsense\n");
    assert_int_equal(load(f, &err), GW_E_SYNTAX);
    assert_contains(err.text, "holds no certificate");
    write_text(f->certificate[0], "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_int_equal(load(f, &err), GW_E_SYNTAX);
    assert_contains(err.text, "certificate 1 can't be read");
    certificate_write(&other, f->certificate[0], NULL);
    write_text(f->key[0], "nonsense\n");
    assert_int_equal(load(f, &err), GW_E_SYNTAX);
    assert_contains(err.text, "holds no private key");
    certificate_free(&other);
}

static void server_new__encrypted_or_weak_key__is_refused(void **state)
{
    struct fixture *f = *state;
    struct certificate made = certificate_make(&(struct certificate_spec){.common_name = "server", .issuer = &f->ca});
    FILE *file = fopen(f->key[0], "w");
    struct gw_err err;

    certificate_write(&made, f->certificate[0], NULL);
    assert_int_equal(
        PEM_write_PKCS8PrivateKey(file, made.key, EVP_aes_128_cbc(), "secret", sizeof("secret") - 1, NULL, NULL), 1);
    (void)fclose(file);
    assert_int_equal(chmod(f->key[0], 0600), 0);
    assert_int_equal(load(f, &err), GW_E_SYNTAX);
    assert_contains(err.text, "the key is encrypted");
    certificate_free(&made);
    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:a.example", .rsa_bits = 1024});
    assert_int_equal(load(f, &err), GW_E_SYNTAX);
    assert_contains(err.text, "key too small");
}

static void server_new__expired_certificate__is_loaded_with_a_note(void **state)
{
    struct fixture *f = *state;
    struct gw_err err;

    make(f, 0,
         (struct certificate_spec){.common_name = "server", .names = "DNS:a.example", .from_s = -7200, .to_s = -3600});
    assert_int_equal(load(f, &err), GW_OK);
    assert_contains(err.text, "has expired");
    assert_contains(err.text, f->certificate[0]);
}

static void client_new__system_authorities_or_a_bad_file(void **state)
{
    struct fixture *f = *state;
    struct gw_tls_client_options options = {.ca_file = GW_STR_NONE};
    struct gw_tls_context *context = NULL;
    struct gw_err err;

    assert_int_equal(gw_tls_client_new(&options, &context, &err), GW_OK);
    gw_tls_context_release(&context);
    options.ca_file = gw_str_from(f->key[0]);
    assert_int_equal(gw_tls_client_new(&options, &context, &err), GW_E_IO);
    assert_contains(err.text, f->key[0]);
    write_text(f->key[0], "");
    assert_int_equal(gw_tls_client_new(&options, &context, &err), GW_E_SYNTAX);
    assert_null(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(server_new__bad_files__are_named_with_what_is_wrong),
        TEST(server_new__encrypted_or_weak_key__is_refused),
        TEST(server_new__expired_certificate__is_loaded_with_a_note),
        TEST(client_new__system_authorities_or_a_bad_file),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
