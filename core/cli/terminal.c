/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character by character; what isn't UTF-8 is shown byte by byte.
 */
#include "cli/terminal.h"

#include "codec/utf8.h"

/* Characters that a terminal doesn't show as they are: controls, blanks (which part the columns), and those that change
 * the direction of text. */
static bool is_plain(uint32_t point)
{
    if (point <= 0x20 || (point >= 0x7f && point <= 0xa0))
        return false;
    if ((point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e))
        return false;
    return !(point >= 0x2060 && point <= 0x206f) && point != 0xfeff && point != '\\';
}

static void put(struct gw_buf *out, struct gw_str text, const char *as_they_are)
{
    while (text.length > 0) {
        uint32_t point;
        size_t length = gw_utf8_step(text, &point);

        if (length == 0)
            gw_buf_printf(out, "\\x%02x", (unsigned char)text.at[0]);
        else if (is_plain(point) || (point != 0 && point < 0x80 && strchr(as_they_are, (int)point) != NULL))
            gw_buf_append(out, text.at, length);
        else
            gw_buf_printf(out, point < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)point);
        text = gw_str_slice(text, length > 0 ? length : 1, text.length);
    }
}

void gw_terminal_put_word(struct gw_buf *out, struct gw_str text)
{
    if (text.length == 0)
        gw_buf_append_byte(out, '-');
    put(out, text, "");
}

void gw_terminal_put_text(struct gw_buf *out, struct gw_str text)
{
    put(out, text, " ");
}

void gw_terminal_put_line(struct gw_buf *out, struct gw_str text)
{
    put(out, text, " \\");
}
