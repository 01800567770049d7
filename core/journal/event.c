/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope of the journal's own records. It doesn't know what they say.
 */
#include "journal/event.h"

#include "journal/record.h"

void gw_event_encode(const struct gw_event *event, struct gw_buf *out)
{
    char id[37];
    struct gw_record record = {.is_own = true,
                               .time_ms = gw_clock_wall_ms(event->clock),
                               .operation = gw_str_from(event->name),
                               .event_source = GW_STR_INIT("eksgate"),
                               .read_only = true,
                               .eksgate = event->eksgate};

    gw_random_uuid(event->random, id);
    record.event_id = (struct gw_str){id, sizeof(id) - 1};
    gw_record_encode(&record, out);
}
