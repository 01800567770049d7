/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling in what a request is for; see template.h. Whether the outcome is an
 * endpoint or an ARN is for those to say who read it.
 */
#include "upstream/template.h"

#include "base/buf.h"

/* The value for the gap that `text` begins with, and the gap's length; {NULL,0}: it begins with none. */
static struct gw_str value_at(struct gw_str text, const struct gw_template_place *place, size_t *length)
{
    static const struct gw_str region = GW_STR_INIT("{region}");
    static const struct gw_str account = GW_STR_INIT("{account}");

    *length = gw_str_starts(text, region) ? region.length : account.length;
    if (gw_str_starts(text, region))
        return place->region;
    return gw_str_starts(text, account) ? place->account : GW_STR_NONE;
}

struct gw_str gw_template_fill_in(struct gw_str template, const struct gw_template_place *place, struct gw_arena *arena)
{
    struct gw_buf text;
    struct gw_str filled;

    if (gw_str_find(template, '{', 0) == template.length)
        return template;
    gw_buf_init(&text, GW_TEMPLATE_MAX);
    while (template.length > 0) {
        size_t length;
        struct gw_str value = value_at(template, place, &length);

        if (value.at == NULL) {
            length = 1;
            value = gw_str_slice(template, 0, 1);
        }
        gw_buf_append_str(&text, value);
        template = gw_str_slice(template, length, SIZE_MAX);
    }
    filled = text.overflowed ? GW_STR_NONE : gw_arena_str(arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return filled;
}
