/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What audit hooks are given, made of a record: the same object as the gateway's
 * (audit.c), with what the policies that are asked now have said and changed.
 */
#include "cli/replay.h"

static void set_text(struct gw_arena *arena, struct gw_json *object, const char *name, struct gw_str text)
{
    if (text.at != NULL)
        gw_json_set(arena, object, gw_str_from(name), gw_json_string(text));
}

static struct gw_json caller_of(const struct gw_replay_record *record, struct gw_arena *arena)
{
    const struct gw_policy_request *request = &record->request;
    struct gw_json caller = {.type = GW_JSON_OBJECT};

    set_text(arena, &caller, "access_key", request->caller_access_key);
    set_text(arena, &caller, "arn", record->caller_arn);
    if (request->caller != NULL) {
        set_text(arena, &caller, "account", request->caller->account);
        set_text(arena, &caller, "name", request->caller->name);
    }
    gw_json_set(arena, &caller, GW_STR("verified"), gw_json_bool(request->caller_verified));
    return caller;
}

static struct gw_json verdicts_of(const struct gw_policy_call *call, struct gw_arena *arena)
{
    struct gw_json array = {.type = GW_JSON_ARRAY};

    array.as.array.items = gw_arena_zero(arena, call->opinion_count, sizeof(struct gw_json));
    for (; array.as.array.count < call->opinion_count; array.as.array.count++) {
        const struct gw_policy_opinion *opinion = &call->opinions[array.as.array.count];
        struct gw_json *row = &array.as.array.items[array.as.array.count];

        row->type = GW_JSON_OBJECT;
        set_text(arena, row, "policy", opinion->policy);
        set_text(arena, row, "verdict", gw_str_from(gw_policy_verdict_name(opinion->verdict)));
        set_text(arena, row, "reason", opinion->reason);
    }
    return array;
}

static struct gw_json changes_of(const struct gw_policy_call *call, struct gw_arena *arena)
{
    struct gw_json array = {.type = GW_JSON_ARRAY};

    array.as.array.items = gw_arena_zero(arena, call->change_count, sizeof(struct gw_json));
    for (; array.as.array.count < call->change_count; array.as.array.count++) {
        const struct gw_policy_change *change = &call->changes[array.as.array.count];
        struct gw_json *row = &array.as.array.items[array.as.array.count];

        row->type = GW_JSON_OBJECT;
        set_text(arena, row, "policy", change->policy);
        set_text(arena, row, "hook", gw_str_from(gw_policy_hook_name(change->hook)));
        gw_json_set(arena, row, GW_STR("before"), change->before);
        gw_json_set(arena, row, GW_STR("after"), change->after);
    }
    return array;
}

void gw_replay_view(const struct gw_replay_record *record, const struct gw_policy_call *call, struct gw_arena *arena,
                    struct gw_json *view)
{
    const struct gw_policy_request *request = &record->request;

    *view = (struct gw_json){.type = GW_JSON_OBJECT};
    set_text(arena, view, "operation", request->operation);
    set_text(arena, view, "cluster", request->cluster);
    if (request->principal != NULL)
        set_text(arena, view, "principal", request->principal->arn);
    gw_json_set(arena, view, GW_STR("caller"), caller_of(record, arena));
    gw_json_set(arena, view, GW_STR("input"), *request->input);
    gw_json_set(arena, view, GW_STR("verdicts"), verdicts_of(call, arena));
    gw_json_set(arena, view, GW_STR("changes"), changes_of(call, arena));
    set_text(arena, view, "request_id", request->request_id);
    gw_json_set(arena, view, GW_STR("time"), gw_json_integer(request->time_s));
    gw_json_set(arena, view, GW_STR("status"), gw_json_integer(record->status));
    set_text(arena, view, "reply", record->reply);
}
