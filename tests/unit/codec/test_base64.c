/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64: the vectors of RFC 4648 section 10, and the strictness of the decoder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64.h"

static const struct {
    const char *bytes;
    const char *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xfe", "+//+"},
};

static void base64_encode__rfc4648_vectors__give_published_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(vectors); i++) {
        struct gw_buf out;

        gw_buf_init(&out, 100);
        gw_base64_encode(gw_str_from(vectors[i].bytes), &out);
        assert_true(gw_str_is(gw_buf_str(&out), vectors[i].text));
        assert_int_equal(out.length, GW_BASE64_SIZE(strlen(vectors[i].bytes)));
        gw_buf_fini(&out);
    }
}

static void base64_decode__rfc4648_vectors__give_the_bytes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_COUNT(vectors); i++) {
        struct gw_buf out;

        gw_buf_init(&out, 100);
        assert_int_equal(gw_base64_decode(gw_str_from(vectors[i].text), &out), GW_OK);
        assert_true(gw_str_is(gw_buf_str(&out), vectors[i].bytes));
        gw_buf_fini(&out);
    }
}

static void base64_decode__text_no_encoder_writes__is_syntax_error(void **state)
{
    static const char *bad[] = {
        "Z",      "Zg",    "Zg=",  "Zg===",    "Zh==", "Zm9=", "=Zg=",     "====",     "Z===", "Zg==Zm9v",
        "Zm9v\n", "Zm 9v", "Zm-_", "Zm9v====", "Zg=A", "*m9v", "Zm9vYm==", "Zm9vYmF=", "Zm9\0"};
    struct gw_buf out;

    (void)state;
    gw_buf_init(&out, 100);
    gw_buf_append_lit(&out, "kept");
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        assert_int_equal(gw_base64_decode(gw_str_from(bad[i]), &out), GW_E_SYNTAX);
        assert_true(gw_str_is(gw_buf_str(&out), "kept"));
    }
    gw_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_encode__rfc4648_vectors__give_published_text),
        cmocka_unit_test(base64_decode__rfc4648_vectors__give_the_bytes_back),
        cmocka_unit_test(base64_decode__text_no_encoder_writes__is_syntax_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
