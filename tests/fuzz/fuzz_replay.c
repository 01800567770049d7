/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a record that is to be replayed. What is taken for a request must
 * be whole, and the same each time.
 *
 *   '=' BYTES    a line
 *   BYTES        what follows a record's place in the chain
 */
#include <stdlib.h>

#include "cli/replay.h"

#define FRONT                                                                                                          \
    GW_CHAIN_FRONT "\"sequence\":1,\"previous\":\"0000000000000000000000000000000000000000000000000000000000000000\""

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_whole(const struct gw_replay_record *record)
{
    const struct gw_policy_request *request = &record->request;

    require(request->operation.at != NULL && request->input->type == GW_JSON_OBJECT);
    require(request->principal == NULL || request->principal->arn.length > 0);
    require(request->entry == NULL || request->entry->type == GW_JSON_OBJECT);
    require(request->cluster_info == NULL || request->cluster_info->type == GW_JSON_OBJECT);
    require(request->associations == NULL || request->associations->type == GW_JSON_ARRAY);
    require(request->admins == NULL || request->admins->type == GW_JSON_ARRAY);
    require((record->before.verdict == GW_DIFFER_ALLOW) == (record->before.policy.at == NULL));
}

/* Nothing of a decision may be another than itself. */
static void require_no_difference(const struct gw_replay_record *record, struct gw_arena *arena)
{
    struct gw_differ_report *report = gw_arena_zero(arena, 1, sizeof(*report));

    gw_differ_compare(&record->before, &record->before, GW_STR_NONE, arena, report);
    require(report->kinds == 0 && report->row_count == 0);
}

static void check(struct gw_str text)
{
    struct gw_reader_line line = {.kind = GW_READER_RECORD, .path = "fuzz", .line = 1, .text = text};
    struct gw_replay_record records[2];
    struct gw_buf inputs[2];
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    if (gw_record_read(text, &arena, &line.record, &line.why) == GW_OK) {
        for (size_t i = 0; i < 2; i++) {
            gw_buf_init(&inputs[i], (size_t)16 << 20);
            gw_replay_record_read(&line, &arena, &records[i]);
            if (records[i].kind == GW_REPLAY_ASKED) {
                require_whole(&records[i]);
                require_no_difference(&records[i], &arena);
                gw_json_encode(records[i].request.input, &inputs[i]);
            } else if (records[i].kind == GW_REPLAY_UNREPLAYABLE) {
                require(records[i].why != NULL);
            }
        }
        require(records[0].kind == records[1].kind);
        require(gw_str_equal(gw_buf_str(&inputs[0]), gw_buf_str(&inputs[1])));
        gw_buf_fini(&inputs[0]);
        gw_buf_fini(&inputs[1]);
    }
    gw_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_buf line;

    if (size > GW_JOURNAL_RECORD_MAX - sizeof(FRONT) || memchr(data, '\n', size) != NULL)
        return 0;
    if (size > 0 && data[0] == '=') {
        check((struct gw_str){(const char *)data + 1, size - 1});
        return 0;
    }
    gw_buf_init(&line, GW_JOURNAL_RECORD_MAX);
    gw_buf_append_lit(&line, FRONT);
    gw_buf_append(&line, data, size);
    check(gw_buf_str(&line));
    gw_buf_fini(&line);
    return 0;
}
