/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mock alone may be told: its clock and where its ids come from.
 */
#include "config/settings.h"

#define TEXT_SHOWN 80

static void refuse(const struct gw_settings *settings, enum gw_option_id id, struct gw_str text)
{
    gw_settings_problem(settings, id, "is \"%.*s\"; accepted: %s",
                        text.length > TEXT_SHOWN ? TEXT_SHOWN : (int)text.length, text.at, gw_option_rows[id].accepted);
}

void gw_settings_mock(const struct gw_settings *settings, struct gw_mock_options *mock)
{
    struct gw_str text = GW_STR_NONE;

    if (gw_settings_text(settings, GW_OPTION_CLOCK, &text) && gw_mock_clock_parse(text, &mock->clock) != GW_OK)
        refuse(settings, GW_OPTION_CLOCK, text);
    if (gw_settings_text(settings, GW_OPTION_IDS, &text) && gw_mock_ids_parse(text, &mock->ids) != GW_OK)
        refuse(settings, GW_OPTION_IDS, text);
}
