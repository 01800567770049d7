/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record keeps so that other policies can be asked about the request later:
 * whatever a hook can read that stands nowhere else in the record. Each member is
 * there only where it says something:
 *
 *   "refused":{"at":"authorize","by":"required-tags","failed":true}
 *       at which stage, and whose word it was; `failed` where that policy's script failed
 *   "region":"eu-west-1"              req.region, where it isn't awsRegion
 *   "asked":1440938160                req.time, where it isn't the second of eventTime
 *   "callerTags":{"team":"a"}         req.caller.tags
 *   "facts":{"entry":{...},...}       what was fetched for policies (`needs`): null is known to be absent
 *   "factsOmitted":["admins"]         what was fetched and is too large to be kept
 *
 * Nothing of it is a secret: policies see none.
 */
#include "gateway/exchange.h"

static struct gw_json refused(struct gw_exchange *exchange)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};

    gw_json_set(exchange->arena, &object, GW_STR("at"), gw_json_string(gw_str_from(exchange->refusal.at)));
    if (exchange->refusal.by.at != NULL)
        gw_json_set(exchange->arena, &object, GW_STR("by"), gw_json_string(exchange->refusal.by));
    if (exchange->refusal.failed)
        gw_json_set(exchange->arena, &object, GW_STR("failed"), gw_json_bool(true));
    return object;
}

static void keep_fact(struct gw_exchange *exchange, const struct gw_json *value, struct gw_str name, bool is_kept,
                      struct gw_json *object)
{
    if (is_kept)
        gw_json_set(exchange->arena, object, name, value == NULL ? (struct gw_json){.type = GW_JSON_NULL} : *value);
    else
        object->as.array.items[object->as.array.count++] = gw_json_string(name);
}

/* All that was fetched, by name: an object of them, or an array of their names. */
static struct gw_json facts(struct gw_exchange *exchange, bool is_kept)
{
    const struct gw_policy_request *request = &exchange->policy_request;
    struct gw_json all = {.type = is_kept ? GW_JSON_OBJECT : GW_JSON_ARRAY};
    const struct {
        enum gw_fact fact;
        const struct gw_json *value;
    } rows[GW_FACT_COUNT] = {
        {GW_FACT_ENTRY, request->entry},
        {GW_FACT_ASSOCIATIONS, request->associations},
        {GW_FACT_CLUSTER, request->cluster_info},
        {GW_FACT_ADMINS, request->admins},
    };

    if (!is_kept)
        all.as.array.items = gw_arena_zero(exchange->arena, GW_FACT_COUNT, sizeof(*all.as.array.items));
    for (size_t i = 0; i < GW_FACT_COUNT; i++) {
        if ((request->facts & rows[i].fact) != 0)
            keep_fact(exchange, rows[i].value, gw_str_from(gw_policy_fact_name(rows[i].fact)), is_kept, &all);
    }
    return all;
}

static void keep_told(struct gw_exchange *exchange, const struct gw_record *record, bool with_facts,
                      struct gw_json *object)
{
    struct gw_arena *arena = exchange->arena;

    if (exchange->policy_request.time_s != record->time_ms / 1000)
        gw_json_set(arena, object, GW_STR("asked"), gw_json_integer(exchange->policy_request.time_s));
    if (exchange->policy_request.facts != 0)
        gw_json_set(arena, object, with_facts ? GW_STR("facts") : GW_STR("factsOmitted"), facts(exchange, with_facts));
}

void gw_audit_keep(struct gw_exchange *exchange, const struct gw_record *record, bool with_facts,
                   struct gw_json *object)
{
    const struct gw_caller *caller = &exchange->caller;
    struct gw_str region = exchange->call.region;
    struct gw_arena *arena = exchange->arena;

    if (exchange->refused)
        gw_json_set(arena, object, GW_STR("refused"), refused(exchange));
    if (!exchange->caller_known)
        return;
    if (region.at != NULL && !gw_str_equal(region, record->region))
        gw_json_set(arena, object, GW_STR("region"), gw_json_string(region));
    if (caller->tag_count > 0)
        gw_json_set(arena, object, GW_STR("callerTags"), gw_json_pairs(arena, caller->tags, caller->tag_count));
    if (exchange->told)
        keep_told(exchange, record, with_facts, object);
}
