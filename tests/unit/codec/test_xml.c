/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text in documents: nothing in it is markup, and every document stays one that
 * a parser takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/xml.h"

#define UNKNOWN "\xef\xbf\xbd"

static void assert_text(struct gw_str text, const char *wanted)
{
    struct gw_buf out;

    gw_buf_init(&out, 4096);
    gw_xml_append_text(text, &out);
    gw_buf_append_byte(&out, '\0');
    assert_string_equal(out.at, wanted);
    gw_buf_fini(&out);
}

static void xml_text__markup__is_escaped(void **unused)
{
    (void)unused;
    assert_text(GW_STR("</Message><Code>\"a\" & 'b'"), "&lt;/Message&gt;&lt;Code&gt;&quot;a&quot; &amp; &apos;b&apos;");
    assert_text(GW_STR("]]>&amp;"), "]]&gt;&amp;amp;");
}

static void xml_text__line_ends_and_tabs__are_kept(void **unused)
{
    (void)unused;
    assert_text(GW_STR("a\n\tb\r\nc"), "a\n\tb&#xD;\nc");
}

static void xml_text__what_xml_cannot_say__is_replaced(void **unused)
{
    (void)unused;
    assert_text(GW_STR("a\0b\x01\x1b\x1f\x7f"), "a" UNKNOWN "b" UNKNOWN UNKNOWN UNKNOWN "\x7f");
    assert_text(GW_STR("\xff\xc3"), UNKNOWN UNKNOWN);
    assert_text(GW_STR("\xc0\xaf"), UNKNOWN UNKNOWN);
    assert_text(GW_STR("\xed\xa0\x80"), UNKNOWN UNKNOWN UNKNOWN);
    assert_text(GW_STR("\xef\xbf\xbe\xef\xbf\xbf"), UNKNOWN UNKNOWN);
}

static void xml_text__other_characters__are_themselves(void **unused)
{
    (void)unused;
    assert_text(GW_STR(""), "");
    assert_text(GW_STR("\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80 \xef\xbf\xbd"),
                "\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80 \xef\xbf\xbd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xml_text__markup__is_escaped),
        cmocka_unit_test(xml_text__line_ends_and_tabs__are_kept),
        cmocka_unit_test(xml_text__what_xml_cannot_say__is_replaced),
        cmocka_unit_test(xml_text__other_characters__are_themselves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
