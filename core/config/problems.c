/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of what is wrong, one problem per line: control bytes of names and
 * values are written as '?', so that none makes a line of its own.
 */
#include <stdio.h>

#include "config/config.h"

#define TEXT_MAX ((size_t)1 << 18)

void gw_config_problems_init(struct gw_config_problems *problems)
{
    *problems = (struct gw_config_problems){0};
    gw_buf_init(&problems->text, TEXT_MAX);
}

void gw_config_problems_fini(struct gw_config_problems *problems)
{
    gw_buf_fini(&problems->text);
    problems->count = 0;
}

void gw_config_problem(struct gw_config_problems *problems, const char *format, ...)
{
    char text[2048];
    va_list args;

    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    va_end(args);
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
    problems->count++;
    gw_buf_printf(&problems->text, "%s\n", text);
}
