/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests against the published vectors: FIPS 180-4 examples and RFC 4231.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/digest.h"

static void assert_hex(const unsigned char digest[GW_DIGEST_SIZE], const char *expected)
{
    char hex[GW_DIGEST_HEX_SIZE + 1] = {0};

    gw_digest_hex(digest, hex);
    assert_string_equal(hex, expected);
}

static void digest_sha256__published_messages__give_published_digests(void **state)
{
    unsigned char out[GW_DIGEST_SIZE];

    (void)state;
    gw_digest_sha256(GW_STR(""), out);
    assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    gw_digest_sha256(GW_STR_NONE, out);
    assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    gw_digest_sha256(GW_STR("abc"), out);
    assert_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    gw_digest_sha256(GW_STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), out);
    assert_hex(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void digest_update__any_split__gives_the_same_digest(void **state)
{
    char text[200];
    unsigned char whole[GW_DIGEST_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)i;
    gw_digest_sha256((struct gw_str){text, sizeof(text)}, whole);
    for (size_t cut = 0; cut <= sizeof(text); cut++) {
        struct gw_sha256 hash;
        unsigned char out[GW_DIGEST_SIZE];

        gw_digest_init(&hash);
        gw_digest_update(&hash, text, cut);
        gw_digest_update(&hash, text + cut, sizeof(text) - cut);
        gw_digest_final(&hash, out);
        assert_true(gw_digest_equal(out, whole, sizeof(out)));
    }
}

static void digest_update__nothing_first__is_the_empty_digest(void **state)
{
    struct gw_sha256 hash;
    unsigned char out[GW_DIGEST_SIZE];

    (void)state;
    gw_digest_init(&hash);
    gw_digest_update(&hash, NULL, 0);
    gw_digest_final(&hash, out);
    assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void digest_hmac__rfc4231_cases__give_published_codes(void **state)
{
    unsigned char long_key[131];
    unsigned char twenty[20];
    unsigned char out[GW_DIGEST_SIZE];
    struct gw_hmac_key key;

    (void)state;
    memset(twenty, 0x0b, sizeof(twenty));
    gw_digest_hmac_key(&key, twenty, sizeof(twenty));
    gw_digest_hmac(&key, GW_STR("Hi There"), out);
    assert_hex(out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    gw_digest_hmac_key(&key, "Jefe", 4);
    gw_digest_hmac(&key, GW_STR("what do ya want for nothing?"), out);
    assert_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(long_key, 0xaa, sizeof(long_key));
    gw_digest_hmac_key(&key, long_key, sizeof(long_key));
    gw_digest_hmac(&key, GW_STR("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    assert_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void digest_hmac_start__used_twice__keeps_the_key(void **state)
{
    struct gw_hmac_key key;
    unsigned char first[GW_DIGEST_SIZE];
    unsigned char second[GW_DIGEST_SIZE];

    (void)state;
    gw_digest_hmac_key(&key, "Jefe", 4);
    for (int round = 0; round < 2; round++) {
        struct gw_sha256 hash;

        gw_digest_hmac_start(&key, &hash);
        gw_digest_update(&hash, "what do ya want ", 16);
        gw_digest_update(&hash, "for nothing?", 12);
        gw_digest_hmac_finish(&key, &hash, round == 0 ? first : second);
    }
    assert_hex(first, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_memory_equal(first, second, sizeof(first));
}

static void digest_from_hex__anything_but_64_lower_case_digits__is_syntax_error(void **state)
{
    static const char good[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    unsigned char out[GW_DIGEST_SIZE] = {7};
    char text[66];

    (void)state;
    assert_int_equal(gw_digest_from_hex(gw_str_from(good), out), GW_OK);
    assert_hex(out, good);
    assert_int_equal(gw_digest_from_hex((struct gw_str){good, 63}, out), GW_E_SYNTAX);
    assert_int_equal(gw_digest_from_hex(GW_STR_NONE, out), GW_E_SYNTAX);
    memcpy(text, good, 64);
    text[64] = '0';
    assert_int_equal(gw_digest_from_hex((struct gw_str){text, 65}, out), GW_E_SYNTAX);
    for (int c = 0; c < 256; c++) {
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');

        text[63] = (char)c;
        assert_int_equal(gw_digest_from_hex((struct gw_str){text, 64}, out), digit ? GW_OK : GW_E_SYNTAX);
        text[63] = good[63];
        text[0] = (char)c;
        assert_int_equal(gw_digest_from_hex((struct gw_str){text, 64}, out), digit ? GW_OK : GW_E_SYNTAX);
        text[0] = good[0];
    }
}

static void digest_equal__one_bit_off__is_false(void **state)
{
    unsigned char a[GW_DIGEST_SIZE] = {1, 2, 3};
    unsigned char b[GW_DIGEST_SIZE] = {1, 2, 3};

    (void)state;
    assert_true(gw_digest_equal(a, b, sizeof(a)));
    for (size_t i = 0; i < sizeof(b); i++) {
        b[i] ^= 1;
        assert_false(gw_digest_equal(a, b, sizeof(a)));
        b[i] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_sha256__published_messages__give_published_digests),
        cmocka_unit_test(digest_update__any_split__gives_the_same_digest),
        cmocka_unit_test(digest_update__nothing_first__is_the_empty_digest),
        cmocka_unit_test(digest_hmac__rfc4231_cases__give_published_codes),
        cmocka_unit_test(digest_hmac_start__used_twice__keeps_the_key),
        cmocka_unit_test(digest_from_hex__anything_but_64_lower_case_digits__is_syntax_error),
        cmocka_unit_test(digest_equal__one_bit_off__is_false),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
