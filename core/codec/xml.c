/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML 1.0 (fifth edition): section 2.2 says which characters a document may hold,
 * 2.4 which must be escaped; a bare carriage return would be read as a line feed
 * (2.11).
 */
#include "codec/xml.h"

#include "codec/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* What stands for the character that `text` begins with, `step` bytes of it; {NULL,0}: itself. */
static struct gw_str substitute(struct gw_str text, size_t step, uint32_t point)
{
    if (step == 0)
        return GW_STR(REPLACEMENT);
    if (step > 1)
        return point == 0xfffe || point == 0xffff ? GW_STR(REPLACEMENT) : GW_STR_NONE;
    switch (text.at[0]) {
    case '&':
        return GW_STR("&amp;");
    case '<':
        return GW_STR("&lt;");
    case '>':
        return GW_STR("&gt;");
    case '"':
        return GW_STR("&quot;");
    case '\'':
        return GW_STR("&apos;");
    case '\r':
        return GW_STR("&#xD;");
    default:
        return point < 0x20 && point != '\t' && point != '\n' ? GW_STR(REPLACEMENT) : GW_STR_NONE;
    }
}

void gw_xml_append_text(struct gw_str text, struct gw_buf *out)
{
    while (text.length > 0) {
        uint32_t point = 0;
        size_t step = gw_utf8_step(text, &point);
        struct gw_str instead = substitute(text, step, point);

        gw_buf_append_str(out, instead.at != NULL ? instead : gw_str_slice(text, 0, step));
        text = gw_str_slice(text, step > 0 ? step : 1, SIZE_MAX);
    }
}
