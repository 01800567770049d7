/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What strangers chose doesn't reach a terminal as more than text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/terminal.h"

static struct gw_buf out;

static const char *shown(void (*put)(struct gw_buf *out, struct gw_str text), struct gw_str text)
{
    gw_buf_clear(&out);
    put(&out, text);
    gw_buf_append_byte(&out, '\0');
    assert_false(out.overflowed);
    return out.at;
}

static void put_word__controls_and_blanks__are_escaped(void **unused)
{
    (void)unused;
    assert_string_equal(shown(gw_terminal_put_word, GW_STR("a b\x1b[2J\n\\")), "a\\x20b\\x1b[2J\\x0a\\x5c");
    assert_string_equal(shown(gw_terminal_put_word, GW_STR("gr\xc3\xbc\xc3\x9f"
                                                           "e")),
                        "gr\xc3\xbc\xc3\x9f"
                        "e");
    assert_string_equal(shown(gw_terminal_put_word, GW_STR("\xe2\x80\xae\xff")), "\\u202e\\xff");
    assert_string_equal(shown(gw_terminal_put_word, GW_STR("")), "-");
    assert_string_equal(shown(gw_terminal_put_word, GW_STR_NONE), "-");
}

static void put_text__spaces__stay(void **unused)
{
    (void)unused;
    assert_string_equal(shown(gw_terminal_put_text, GW_STR("a b\tc")), "a b\\x09c");
    assert_string_equal(shown(gw_terminal_put_text, GW_STR("")), "");
}

static void put_line__backslashes__stay(void **unused)
{
    (void)unused;
    assert_string_equal(shown(gw_terminal_put_line, GW_STR("a \\d\n\0\x1b")), "a \\d\\x0a\\x00\\x1b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_word__controls_and_blanks__are_escaped),
        cmocka_unit_test(put_text__spaces__stay),
        cmocka_unit_test(put_line__backslashes__stay),
    };
    int failed;

    gw_buf_init(&out, 4096);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    gw_buf_fini(&out);
    return failed;
}
