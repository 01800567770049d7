/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in PEM and their signatures: RFC 8032's vectors, and what people put in
 * place of a key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/ed25519.h"

/* RFC 8032 section 7.1, tests 1 and 3, their keys wrapped as PKCS#8 and SubjectPublicKeyInfo (RFC 8410). */
#define PRIVATE_1                                                                                                      \
    "-----BEGIN PRIVATE KEY-----\n"                                                                                    \
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"                                               \
    "-----END PRIVATE KEY-----\n"
#define PUBLIC_1                                                                                                       \
    "-----BEGIN PUBLIC KEY-----\n"                                                                                     \
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"                                                   \
    "-----END PUBLIC KEY-----\n"
#define PRIVATE_3                                                                                                      \
    "-----BEGIN PRIVATE KEY-----\n"                                                                                    \
    "MC4CAQAwBQYDK2VwBCIEIMWqjfQ/n4N77bdELzHct7Fm04U1B28JS4XOOi4LRFj3\n"                                               \
    "-----END PRIVATE KEY-----\n"
#define PUBLIC_3                                                                                                       \
    "-----BEGIN PUBLIC KEY-----\n"                                                                                     \
    "MCowBQYDK2VwAyEA/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU=\n"                                                   \
    "-----END PUBLIC KEY-----\n"

static const unsigned char public_1[GW_ED25519_PUBLIC] = {
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
    0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
static const unsigned char signature_1[GW_ED25519_SIGNATURE] = {
    0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72, 0x90, 0x86, 0xe2, 0xcc, 0x80, 0x6e, 0x82, 0x8a,
    0x84, 0x87, 0x7f, 0x1e, 0xb8, 0xe5, 0xd9, 0x74, 0xd8, 0x73, 0xe0, 0x65, 0x22, 0x49, 0x01, 0x55,
    0x5f, 0xb8, 0x82, 0x15, 0x90, 0xa3, 0x3b, 0xac, 0xc6, 0x1e, 0x39, 0x70, 0x1c, 0xf9, 0xb4, 0x6b,
    0xd2, 0x5b, 0xf5, 0xf0, 0x59, 0x5b, 0xbe, 0x24, 0x65, 0x51, 0x41, 0x43, 0x8e, 0x7a, 0x10, 0x0b};
static const unsigned char signature_3[GW_ED25519_SIGNATURE] = {
    0x62, 0x91, 0xd6, 0x57, 0xde, 0xec, 0x24, 0x02, 0x48, 0x27, 0xe6, 0x9c, 0x3a, 0xbe, 0x01, 0xa3,
    0x0c, 0xe5, 0x48, 0xa2, 0x84, 0x74, 0x3a, 0x44, 0x5e, 0x36, 0x80, 0xd7, 0xdb, 0x5a, 0xc3, 0xac,
    0x18, 0xff, 0x9b, 0x53, 0x8d, 0x16, 0xf2, 0x90, 0xae, 0x67, 0xf7, 0x60, 0x98, 0x4d, 0xc6, 0x59,
    0x4a, 0x7c, 0x15, 0xe9, 0x71, 0x6e, 0xd2, 0x8d, 0xc0, 0x27, 0xbe, 0xce, 0xea, 0x1e, 0xc4, 0x0a};

/* `openssl genpkey -algorithm ed25519 -aes256`, password "secret". */
#define ENCRYPTED                                                                                                      \
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"                                                                          \
    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjnlC6Mpas/wQICCAAw\n"                                               \
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEEMhUdKah3Smn5rVdSNECyEEQK1P\n"                                               \
    "B6uMhQGmqy0QNAEaPSodpt0kiu13CpcAq9vS1G5Eu053DN27U2yhnD/G8GdBrn62\n"                                               \
    "wL72XQ1t95B7DGfiDHw=\n"                                                                                           \
    "-----END ENCRYPTED PRIVATE KEY-----\n"
/* The other key of the same curve, for agreement and not for signing; and RSA's. */
#define X25519                                                                                                         \
    "-----BEGIN PRIVATE KEY-----\n"                                                                                    \
    "MC4CAQAwBQYDK2VuBCIEIBD+FkbYBk5kY5Pb/K4evpRcSsUWzjn2S8/QPp1GkHZk\n"                                               \
    "-----END PRIVATE KEY-----\n"
#define RSA_PRIVATE                                                                                                    \
    "-----BEGIN PRIVATE KEY-----\n"                                                                                    \
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAKZb3ftl4Yw037kz\n"                                               \
    "lcyUbwuHsJndwfaPitXPXlLl8pNGyMz8OGngl5g3cRjZj7wb1GqXiLoMAzopcplB\n"                                               \
    "g5537ykBrJ50ZSP69BuhhDa4eawq5kb2DxdmIG6+4kNc1rBM2/94U7SS7n999z03\n"                                               \
    "dCMYsm4vDAhliRfNVGfrZxeEsqV7AgMBAAECgYEAlfqEqj0zln+kowdKqeG4KyDt\n"                                               \
    "qgou7+aBODl3xCzjALv0FDnfcjS09tok8E5UMzazzlVHQtPJpQnw8xIJYzilN1J1\n"                                               \
    "XP/DOsOJrCUR9kQPhUvnU0yZ2UQcm9fZ26B9NdjVgqNfz9uXYANeULIr3J2bg+gt\n"                                               \
    "ihgFXftzrI5n7e5nyAECQQDYNi3GHaLMKEj+nF3fgCP7ZUv3hNSTigT/9FliiV0V\n"                                               \
    "ZPNJJN13ZPXhivU7Ex0urF1C1GYIhEnG138qXEQbFT8BAkEAxPkaVOI6JbZ0aWij\n"                                               \
    "dWGv2/tXsxMnDKgOdci5Lhn/QVRM+2dlPmk72eMI4XGdR2vYlIPQBkLFzokTYUSF\n"                                               \
    "Jt1gewJAPgC7e7b/+qAK3skkunVa3DseX+r9sxm/eU8vWuydfwcmJXGm+RhA0t8w\n"                                               \
    "mDJRChNv4zxZzlNxfM5Lr3AqL8IWAQJASfEhO2A5Z9LYXIGVawki1TfDMkwsSooD\n"                                               \
    "859INNA5jDKzO2UTEpy6hQ6/VLIr0pXfldDtlIwYaXH3vnnUakSMZQJAdKbAvnMR\n"                                               \
    "Hu0tXKcnTP3/GrBNopLrPSd6NfejvR0YqL8+AJuIjY3D7F9MOLRtzMdWLYmeW3XS\n"                                               \
    "0xlUxx79GkelFg==\n"                                                                                               \
    "-----END PRIVATE KEY-----\n"
#define RSA_PUBLIC                                                                                                     \
    "-----BEGIN PUBLIC KEY-----\n"                                                                                     \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCmW937ZeGMNN+5M5XMlG8Lh7CZ\n"                                               \
    "3cH2j4rVz15S5fKTRsjM/Dhp4JeYN3EY2Y+8G9Rql4i6DAM6KXKZQYOed+8pAaye\n"                                               \
    "dGUj+vQboYQ2uHmsKuZG9g8XZiBuvuJDXNawTNv/eFO0ku5/ffc9N3QjGLJuLwwI\n"                                               \
    "ZYkXzVRn62cXhLKlewIDAQAB\n"                                                                                       \
    "-----END PUBLIC KEY-----\n"

static void assert_signs(const char *private_pem, const char *public_pem, struct gw_str message,
                         const unsigned char expected[GW_ED25519_SIGNATURE])
{
    struct gw_ed25519_key *private_key = NULL;
    struct gw_ed25519_key *public_key = NULL;
    unsigned char signature[GW_ED25519_SIGNATURE];

    assert_int_equal(gw_ed25519_private(gw_str_from(private_pem), &private_key), GW_OK);
    assert_int_equal(gw_ed25519_public(gw_str_from(public_pem), &public_key), GW_OK);
    gw_ed25519_sign(private_key, message, signature);
    assert_memory_equal(signature, expected, sizeof(signature));
    assert_true(gw_ed25519_verify(public_key, message, signature));
    assert_true(gw_ed25519_verify(private_key, message, signature));
    gw_ed25519_free(&private_key);
    gw_ed25519_free(&public_key);
    assert_null(public_key);
}

static void ed25519__vectors_of_rfc_8032__sign_and_verify(void **state)
{
    (void)state;
    assert_signs(PRIVATE_1, PUBLIC_1, GW_STR(""), signature_1);
    assert_signs(PRIVATE_3, PUBLIC_3, GW_STR("\xaf\x82"), signature_3);
}

static void ed25519_public_bytes__either_half__are_the_same(void **state)
{
    struct gw_ed25519_key *key = NULL;
    unsigned char bytes[GW_ED25519_PUBLIC];

    (void)state;
    assert_int_equal(gw_ed25519_private(GW_STR(PRIVATE_1), &key), GW_OK);
    gw_ed25519_public_bytes(key, bytes);
    assert_memory_equal(bytes, public_1, sizeof(bytes));
    gw_ed25519_free(&key);
    assert_int_equal(gw_ed25519_public(GW_STR(PUBLIC_1), &key), GW_OK);
    gw_ed25519_public_bytes(key, bytes);
    assert_memory_equal(bytes, public_1, sizeof(bytes));
    gw_ed25519_free(&key);
}

static void ed25519_verify__anything_changed__does_not_hold(void **state)
{
    struct gw_ed25519_key *key = NULL;
    struct gw_ed25519_key *other = NULL;
    unsigned char signature[GW_ED25519_SIGNATURE];

    (void)state;
    assert_int_equal(gw_ed25519_public(GW_STR(PUBLIC_3), &key), GW_OK);
    assert_int_equal(gw_ed25519_public(GW_STR(PUBLIC_1), &other), GW_OK);
    assert_false(gw_ed25519_verify(other, GW_STR("\xaf\x82"), signature_3));
    assert_false(gw_ed25519_verify(key, GW_STR("\xaf\x83"), signature_3));
    assert_false(gw_ed25519_verify(key, GW_STR(""), signature_3));
    for (size_t i = 0; i < sizeof(signature); i++) {
        memcpy(signature, signature_3, sizeof(signature));
        signature[i] ^= 1;
        assert_false(gw_ed25519_verify(key, GW_STR("\xaf\x82"), signature));
    }
    gw_ed25519_free(&key);
    gw_ed25519_free(&other);
}

static void ed25519__key_of_another_kind__is_type_error(void **state)
{
    struct gw_ed25519_key *key = NULL;

    (void)state;
    assert_int_equal(gw_ed25519_private(GW_STR(RSA_PRIVATE), &key), GW_E_TYPE);
    assert_int_equal(gw_ed25519_private(GW_STR(X25519), &key), GW_E_TYPE);
    assert_int_equal(gw_ed25519_public(GW_STR(RSA_PUBLIC), &key), GW_E_TYPE);
    assert_null(key);
}

/* And nobody is asked for the password. */
static void ed25519_private__encrypted__is_type_error(void **state)
{
    struct gw_ed25519_key *key = NULL;

    (void)state;
    assert_int_equal(gw_ed25519_private(GW_STR(ENCRYPTED), &key), GW_E_TYPE);
    assert_null(key);
}

static void ed25519__what_is_no_such_pem__is_syntax_error(void **state)
{
    static const char *const texts[] = {
        "",
        "garbage",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nMCowBQYDK2Vw\n-----END CERTIFICATE-----\n",
    };
    struct gw_ed25519_key *key = NULL;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        assert_int_equal(gw_ed25519_private(gw_str_from(texts[i]), &key), GW_E_SYNTAX);
        assert_int_equal(gw_ed25519_public(gw_str_from(texts[i]), &key), GW_E_SYNTAX);
    }
    assert_int_equal(gw_ed25519_private(GW_STR(PUBLIC_1), &key), GW_E_SYNTAX);
    assert_int_equal(gw_ed25519_public(GW_STR(PRIVATE_1), &key), GW_E_SYNTAX);
    assert_null(key);
    gw_ed25519_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519__vectors_of_rfc_8032__sign_and_verify),
        cmocka_unit_test(ed25519_public_bytes__either_half__are_the_same),
        cmocka_unit_test(ed25519_verify__anything_changed__does_not_hold),
        cmocka_unit_test(ed25519__key_of_another_kind__is_type_error),
        cmocka_unit_test(ed25519_private__encrypted__is_type_error),
        cmocka_unit_test(ed25519__what_is_no_such_pem__is_syntax_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
