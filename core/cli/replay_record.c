/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record's line becomes the request that policies saw: the path's labels, the
 * query or body are put together again from requestParameters and decoded by the
 * code that decoded them first; what else a hook can read stands in the record
 * (gateway/audit_kept.c). Who may write audit files may write anything into them,
 * so every member is looked at like a client's input, and what doesn't fit makes
 * the record unreplayable, never another request.
 */
#include "cli/replay.h"

#include "codec/json_walk.h"
#include "codec/uri.h"

/* Texts of the line's members. */
struct members {
    struct gw_str additional;
    struct gw_str identity;
    struct gw_str time;
    struct gw_str operation;
    struct gw_str region;
    struct gw_str source_ip;
    struct gw_str user_agent;
    struct gw_str error;
    struct gw_str parameters;
    struct gw_str response;
    struct gw_str request_id;
    struct gw_str type;
    struct gw_str account;
};

static const struct {
    const char *name;
    size_t offset;
} member_rows[] = {
    {"additionalEventData", offsetof(struct members, additional)},
    {"userIdentity", offsetof(struct members, identity)},
    {"eventTime", offsetof(struct members, time)},
    {"eventName", offsetof(struct members, operation)},
    {"awsRegion", offsetof(struct members, region)},
    {"sourceIPAddress", offsetof(struct members, source_ip)},
    {"userAgent", offsetof(struct members, user_agent)},
    {"errorCode", offsetof(struct members, error)},
    {"requestParameters", offsetof(struct members, parameters)},
    {"responseElements", offsetof(struct members, response)},
    {"requestID", offsetof(struct members, request_id)},
    {"eventType", offsetof(struct members, type)},
    {"recipientAccountId", offsetof(struct members, account)},
};

struct reading {
    struct gw_arena *arena;
    struct members members;
    struct gw_json eksgate;
    struct gw_replay_record *record;
};

/* The first of each name. */
static void find_members(struct gw_str line, struct gw_arena *arena, struct members *members)
{
    struct gw_json_walk walk;
    struct gw_json_item item;

    if (gw_json_walk_begin(&walk, line, GW_JSON_OBJECT, NULL) != GW_OK)
        return;
    while (gw_json_walk_next(&walk, arena, &item, NULL) == GW_OK) {
        for (size_t i = 0; i < GW_COUNT(member_rows); i++) {
            struct gw_str *place = (struct gw_str *)(void *)((unsigned char *)members + member_rows[i].offset);

            if (place->at == NULL && gw_str_is(item.name, member_rows[i].name))
                *place = item.text;
        }
    }
}

static bool fail(struct reading *reading, const char *why)
{
    reading->record->kind = GW_REPLAY_UNREPLAYABLE;
    reading->record->why = why;
    return false;
}

static bool pass(struct reading *reading, enum gw_replay_kind kind)
{
    reading->record->kind = kind;
    return false;
}

static struct gw_str text_of(const struct gw_json *object, const char *name)
{
    const struct gw_json *member = gw_json_get(object, name);

    return member != NULL && member->type == GW_JSON_STRING ? member->as.string : GW_STR_NONE;
}

static bool is_true(const struct gw_json *object, const char *name)
{
    const struct gw_json *member = gw_json_get(object, name);

    return member != NULL && member->type == GW_JSON_BOOL && member->as.boolean;
}

/* Is it one of the stages that come before a policy is asked whether the request may go on? */
static bool is_early(struct gw_str stage)
{
    static const char *const stages[] = {"receive", "route", "admit", "read body", "verify", "decode", "fault"};

    for (size_t i = 0; i < GW_COUNT(stages); i++) {
        if (gw_str_is(stage, stages[i]))
            return true;
    }
    return false;
}

/* The policy's own words stand among the verdicts. */
static struct gw_str find_reason(const struct gw_json *verdicts, struct gw_str policy)
{
    struct gw_str reason = GW_STR_NONE;

    for (size_t i = 0; verdicts != NULL && verdicts->type == GW_JSON_ARRAY && i < verdicts->as.array.count; i++) {
        const struct gw_json *row = &verdicts->as.array.items[i];

        if (gw_str_equal(text_of(row, "policy"), policy) && text_of(row, "reason").at != NULL)
            reason = text_of(row, "reason");
    }
    return reason;
}

static bool find_hook(struct gw_str name, enum gw_policy_hook *hook)
{
    for (int i = 0; i < GW_HOOK_COUNT; i++) {
        *hook = (enum gw_policy_hook)i;
        if (gw_str_is(name, gw_policy_hook_name(*hook)))
            return true;
    }
    return false;
}

static void read_changes(struct reading *reading)
{
    const struct gw_json *rows = gw_json_get(&reading->eksgate, "changes");
    struct gw_differ_decision *before = &reading->record->before;
    struct gw_policy_change *changes;

    if (rows == NULL || rows->type != GW_JSON_ARRAY || rows->as.array.count == 0)
        return;
    before->changes = changes = gw_arena_zero(reading->arena, rows->as.array.count, sizeof(*changes));
    for (size_t i = 0; i < rows->as.array.count; i++) {
        const struct gw_json *row = &rows->as.array.items[i];
        const struct gw_json *after = gw_json_get(row, "after");
        struct gw_policy_change *change = &changes[before->change_count];

        if (after == NULL || !find_hook(text_of(row, "hook"), &change->hook))
            continue;
        change->policy = text_of(row, "policy");
        change->after = *after;
        before->change_count++;
    }
}

/* What was decided then. False: nothing was, by policies. */
static bool read_decision(struct reading *reading)
{
    const struct gw_json *refused = gw_json_get(&reading->eksgate, "refused");
    const struct gw_json *status = gw_json_get(&reading->eksgate, "status");
    struct gw_differ_decision *before = &reading->record->before;
    struct gw_str at = text_of(refused, "at");

    read_changes(reading);
    if (reading->members.error.at == NULL)
        return true;
    if (at.at == NULL)
        return fail(reading, "it doesn't say at which stage the request was refused");
    if (is_early(at))
        return pass(reading, GW_REPLAY_EARLY);
    before->policy = text_of(refused, "by");
    if (before->policy.at == NULL)
        return gw_str_is(at, "authorize") || gw_str_is(at, "complete") ? pass(reading, GW_REPLAY_EARLY) : true;
    before->reason = find_reason(gw_json_get(&reading->eksgate, "verdicts"), before->policy);
    if (is_true(refused, "failed"))
        before->verdict = GW_DIFFER_FAILED;
    else if (status != NULL && status->type == GW_JSON_INTEGER && status->as.integer == 429)
        before->verdict = GW_DIFFER_THROTTLE;
    else
        before->verdict = GW_DIFFER_DENY;
    return true;
}

static bool find_operation(struct gw_str name, enum gw_eks_op *op)
{
    for (int i = 0; i < GW_EKS_OP_COUNT; i++) {
        *op = (enum gw_eks_op)i;
        if (gw_str_is(name, gw_eks_ops[i].name))
            return true;
    }
    return false;
}

/* Takes the path's labels, still encoded, off the parameters; the rest are members of query or body. */
static bool take_labels(struct gw_eks_call *call, struct gw_json *parameters)
{
    struct gw_str rest = gw_str_from(gw_eks_ops[call->op].path + 1);

    while (rest.at != NULL) {
        struct gw_str segment = gw_str_split(&rest, '/');
        struct gw_str name = gw_str_slice(segment, 1, segment.length < 2 ? 0 : segment.length - 2);
        struct gw_json_member *member = NULL;

        if (segment.length < 3 || segment.at[0] != '{')
            continue;
        for (size_t i = 0; i < parameters->as.object.count && member == NULL; i++) {
            if (gw_str_equal(parameters->as.object.members[i].name, name))
                member = &parameters->as.object.members[i];
        }
        if (member == NULL || member->value.type != GW_JSON_STRING || call->label_count == GW_EKS_LABELS_MAX)
            return false;
        call->raw_labels[call->label_count++] = member->value.as.string;
        member->value.type = GW_JSON_NULL;
        member->name = GW_STR_NONE;
    }
    return true;
}

/* "name=value&", once for each item of an array. */
static bool put_param(struct gw_str name, const struct gw_json *value, struct gw_buf *query)
{
    bool is_good = true;

    if (value->type == GW_JSON_ARRAY) {
        for (size_t i = 0; i < value->as.array.count && is_good; i++)
            is_good =
                value->as.array.items[i].type != GW_JSON_ARRAY && put_param(name, &value->as.array.items[i], query);
        return is_good;
    }
    if (value->type == GW_JSON_NULL || value->type == GW_JSON_REAL || value->type == GW_JSON_OBJECT)
        return false;
    gw_uri_encode(name, false, query);
    gw_buf_append_byte(query, '=');
    if (value->type == GW_JSON_STRING)
        gw_uri_encode(value->as.string, false, query);
    else
        gw_json_encode(value, query);
    gw_buf_append_byte(query, '&');
    return true;
}

static bool put_rest(struct gw_arena *arena, struct gw_eks_call *call, const struct gw_json *parameters)
{
    bool has_body = gw_eks_ops[call->op].method == GW_METHOD_POST || gw_eks_ops[call->op].method == GW_METHOD_PUT;
    struct gw_json rest = {.type = GW_JSON_OBJECT};
    struct gw_buf text;
    bool is_good = true;

    rest.as.object.members = gw_arena_zero(arena, parameters->as.object.count + 1, sizeof(*rest.as.object.members));
    for (size_t i = 0; i < parameters->as.object.count; i++) {
        if (parameters->as.object.members[i].name.at != NULL)
            rest.as.object.members[rest.as.object.count++] = parameters->as.object.members[i];
    }
    if (rest.as.object.count == 0)
        return true;
    gw_buf_init(&text, 4 * (size_t)GW_JOURNAL_RECORD_MAX);
    if (has_body)
        gw_json_encode(&rest, &text);
    for (size_t i = 0; !has_body && is_good && i < rest.as.object.count; i++)
        is_good = put_param(rest.as.object.members[i].name, &rest.as.object.members[i].value, &text);
    is_good = is_good && !text.overflowed;
    if (has_body)
        call->body = gw_arena_str(arena, gw_buf_str(&text));
    else
        call->query = gw_arena_str(arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return is_good;
}

/* Of the caller, else of the region: they go together. */
static struct gw_str find_partition(const struct gw_replay_record *record)
{
    static const struct {
        const char *before;
        const char *partition;
    } rows[] = {{"cn-", "aws-cn"},         {"us-gov-", "aws-us-gov"}, {"us-iso-", "aws-iso"}, {"us-isob-", "aws-iso-b"},
                {"eu-isoe-", "aws-iso-e"}, {"us-isof-", "aws-iso-f"}, {"eusc-", "aws-eusc"}};

    if (record->caller.partition.at != NULL)
        return record->caller.partition;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        if (gw_str_starts(record->request.region, gw_str_from(rows[i].before)))
            return gw_str_from(rows[i].partition);
    }
    return GW_STR("aws");
}

/* Decodes as for an upstream, which leaves EKS's rules alone: they were held then, or are the upstream's. */
static bool decode(struct reading *reading, struct gw_json *parameters)
{
    struct gw_replay_record *record = reading->record;
    struct gw_eks_call *call = &record->call;
    struct gw_eks_error error = {0};

    call->arena = reading->arena;
    call->partition = find_partition(record);
    call->account = record->request.account;
    call->region = record->request.region;
    call->caller = &record->caller;
    call->request_id = record->request_id;
    call->is_forwarded = true;
    if (gw_eks_service_of(call->op)->query) { /* it has no members */
        call->input.type = GW_JSON_OBJECT;
        return true;
    }
    if (parameters->type != GW_JSON_OBJECT)
        return fail(reading, "it holds no parameters");
    if (gw_json_get(parameters, "omittedBytes") != NULL)
        return fail(reading, "the request was too large to be recorded whole");
    if (!take_labels(call, parameters) || !put_rest(reading->arena, call, parameters) ||
        gw_eks_decode(call, &error) != GW_OK)
        return fail(reading, "its parameters are none of the operation's");
    gw_eks_view_input(call);
    return true;
}

static bool read_tags(struct reading *reading, struct gw_policy_request *request)
{
    const struct gw_json *given = gw_json_get(&reading->eksgate, "callerTags");
    struct gw_pair *tags;

    if (given == NULL)
        return true;
    if (given->type != GW_JSON_OBJECT)
        return false;
    request->caller_tags = tags = gw_arena_zero(reading->arena, given->as.object.count, sizeof(*tags));
    for (size_t i = 0; i < given->as.object.count; i++) {
        const struct gw_json_member *member = &given->as.object.members[i];

        if (member->value.type != GW_JSON_STRING)
            return false;
        tags[request->caller_tag_count++] = (struct gw_pair){member->name, member->value.as.string};
    }
    return true;
}

/* NULL: it isn't there, or is null, which is told apart by request->facts. */
static const struct gw_json *take_fact(struct reading *reading, enum gw_fact fact, enum gw_json_type type,
                                       bool *is_good)
{
    const struct gw_json *value = gw_json_get(gw_json_get(&reading->eksgate, "facts"), gw_policy_fact_name(fact));

    if (value == NULL)
        return NULL;
    reading->record->request.facts |= fact;
    if (value->type == GW_JSON_NULL)
        return NULL;
    *is_good = *is_good && value->type == type;
    return value;
}

static bool read_facts(struct reading *reading, struct gw_policy_request *request)
{
    bool is_good = true;

    request->entry = take_fact(reading, GW_FACT_ENTRY, GW_JSON_OBJECT, &is_good);
    request->associations = take_fact(reading, GW_FACT_ASSOCIATIONS, GW_JSON_ARRAY, &is_good);
    request->cluster_info = take_fact(reading, GW_FACT_CLUSTER, GW_JSON_OBJECT, &is_good);
    request->admins = take_fact(reading, GW_FACT_ADMINS, GW_JSON_ARRAY, &is_good);
    return is_good;
}

static bool read_caller(struct reading *reading, struct gw_policy_request *request)
{
    struct gw_replay_record *record = reading->record;
    struct gw_str identity = reading->members.identity;
    struct gw_str verified_by = text_of(&reading->eksgate, "verifiedBy");

    record->caller_arn = gw_record_string(gw_record_member(identity, "arn", reading->arena), reading->arena);
    request->caller_access_key =
        gw_record_string(gw_record_member(identity, "accessKeyId", reading->arena), reading->arena);
    /* Policies were asked before an upstream said so. */
    request->caller_verified = is_true(&reading->eksgate, "verified") && verified_by.at == NULL;
    if (record->caller_arn.at == NULL)
        return true;
    request->caller = &record->caller;
    return gw_arn_parse_principal(record->caller_arn, &record->caller) == GW_OK;
}

static bool read_request(struct reading *reading, int64_t time_ms)
{
    struct gw_replay_record *record = reading->record;
    struct gw_policy_request *request = &record->request;
    const struct members *members = &reading->members;
    const struct gw_json *asked = gw_json_get(&reading->eksgate, "asked");
    struct gw_str region = text_of(&reading->eksgate, "region");
    struct gw_arena *arena = reading->arena;

    request->operation = gw_str_from(gw_eks_ops[record->call.op].name);
    request->account = gw_record_string(members->account, arena);
    request->region = region.at != NULL ? region : gw_record_string(members->region, arena);
    request->time_s = asked != NULL && asked->type == GW_JSON_INTEGER ? asked->as.integer : time_ms / 1000;
    request->source_ip = gw_record_string(members->source_ip, arena);
    request->client_subject = text_of(gw_json_get(&reading->eksgate, "clientCertificate"), "subject");
    request->user_agent = gw_record_string(members->user_agent, arena);
    request->request_id = record->request_id;
    if (!read_caller(reading, request) || !read_tags(reading, request) || !read_facts(reading, request))
        return fail(reading, "who asked, or what policies were told, is malformed");
    return true;
}

/* The type of the entry that an update is about, from whatever tells of it. */
static enum gw_replay_type find_type(struct reading *reading)
{
    struct gw_replay_record *record = reading->record;
    struct gw_str response = gw_record_member(reading->members.response, "accessEntry", reading->arena);
    struct gw_str type = gw_record_string(gw_record_member(response, "type", reading->arena), reading->arena);

    if ((record->request.facts & GW_FACT_ENTRY) != 0)
        type = record->request.entry == NULL ? GW_STR("") : text_of(record->request.entry, "type");
    for (size_t i = 0; type.at == NULL && i < record->before.change_count; i++) {
        if (record->before.changes[i].hook == GW_HOOK_USERNAME)
            return GW_REPLAY_TYPE_STANDARD;
    }
    if (type.at == NULL) /* of what EKS's rules refused nothing comes, whatever its username */
        return reading->members.error.at == NULL ? GW_REPLAY_TYPE_UNKNOWN : GW_REPLAY_TYPE_OTHER;
    return gw_str_is(type, "STANDARD") ? GW_REPLAY_TYPE_STANDARD : GW_REPLAY_TYPE_OTHER;
}

static bool met_conflict(const struct reading *reading)
{
    struct gw_str error = gw_record_string(reading->members.error, reading->arena);

    if (reading->record->call.op != GW_EKS_CreateAccessEntry)
        return false;
    return is_true(&reading->eksgate, "adopted") || (error.at != NULL && gw_str_is(error, "ResourceInUseException"));
}

/* What audit hooks saw of the answer. */
static void read_answer(struct reading *reading)
{
    const struct gw_json *status = gw_json_get(&reading->eksgate, "status");
    struct gw_replay_record *record = reading->record;
    struct gw_str at = text_of(gw_json_get(&reading->eksgate, "refused"), "at");
    struct gw_str response = reading->members.response;

    if (status != NULL && status->type == GW_JSON_INTEGER)
        record->status = status->as.integer;
    if (response.at != NULL && !gw_str_is(response, "null"))
        record->reply = response;
    if (at.at != NULL)
        record->end = gw_str_is(at, "record") ? GW_REPLAY_END_FAILED : GW_REPLAY_END_REFUSED;
    else if (gw_eks_is_read_only(record->call.op))
        record->end = GW_REPLAY_END_READ;
    else
        record->end = GW_REPLAY_END_RECORDED;
}

static bool read_rest(struct reading *reading, int64_t time_ms)
{
    struct gw_replay_record *record = reading->record;
    struct gw_str operation = gw_record_string(reading->members.operation, reading->arena);
    struct gw_json parameters = {.type = GW_JSON_NULL};

    if (operation.at == NULL || !find_operation(operation, &record->call.op))
        return fail(reading, "no operation has its name");
    if (reading->members.parameters.at != NULL &&
        gw_json_parse(reading->members.parameters, reading->arena, &parameters, NULL) != GW_OK)
        return fail(reading, "its parameters can't be read");
    if (!read_request(reading, time_ms) || !decode(reading, &parameters))
        return false;
    record->request.cluster = record->call.cluster;
    record->request.principal = record->call.has_principal ? &record->call.principal : NULL;
    record->request.input = &record->call.input;
    record->type = find_type(reading);
    record->met_conflict = met_conflict(reading);
    read_answer(reading);
    return true;
}

void gw_replay_record_read(const struct gw_reader_line *line, struct gw_arena *arena, struct gw_replay_record *record)
{
    struct reading reading = {.arena = arena, .record = record, .eksgate = {.type = GW_JSON_NULL}};
    struct gw_str eksgate;
    struct gw_str type;

    *record = (struct gw_replay_record){
        .path = line->path, .line = line->line, .sequence = line->record.head.sequence, .kind = GW_REPLAY_ASKED};
    if (line->kind != GW_READER_RECORD) {
        record->kind = GW_REPLAY_DAMAGED;
        record->why = line->why.text;
        return;
    }
    find_members(line->text, arena, &reading.members);
    record->time = gw_record_string(reading.members.time, arena);
    record->request_id = gw_record_string(reading.members.request_id, arena);
    type = gw_record_string(reading.members.type, arena);
    eksgate = gw_record_member(reading.members.additional, "eksgate", arena);
    if (type.at != NULL && gw_str_is(type, "AwsServiceEvent"))
        record->kind = GW_REPLAY_OWN;
    else if (gw_json_parse(eksgate, arena, &reading.eksgate, NULL) != GW_OK)
        (void)fail(&reading, "its own members can't be read");
    else if (read_decision(&reading))
        (void)read_rest(&reading, line->record.time_ms);
}
