/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: which answers get one, what stands in it, what the audit hooks say to
 * it. Changes and refusals always do, reads with audit.record = "all". Refusals
 * from before the signature held never meet a script and are written at a bounded
 * rate; the rest is counted and told in one summary record.
 */
#include "base/log.h"
#include "codec/digest.h"
#include "gateway/shadow.h"
#include "journal/record.h"

#include <stdlib.h>

#define GW_AUDIT_SUMMARY_MS 10000
#define GW_AUDIT_MEMBERS    20

static const char *const fault_names[] = {
    [GW_FAULT_ERROR] = "error",
    [GW_FAULT_DELAY] = "delay",
    [GW_FAULT_DROP] = "drop",
};

/* An object of the members that this file gives it: room for all of them at once. */
static struct gw_json object_new(struct gw_exchange *exchange)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};

    object.as.object.members = gw_arena_alloc(exchange->arena, GW_AUDIT_MEMBERS * sizeof(struct gw_json_member));
    return object;
}

static void set(struct gw_json *object, const char *name, struct gw_json value)
{
    if (object->as.object.count == GW_AUDIT_MEMBERS)
        gw_fatal("audit: no room for %s", name);
    object->as.object.members[object->as.object.count++] = (struct gw_json_member){gw_str_from(name), value};
}

static void set_text(struct gw_json *object, const char *name, struct gw_str text)
{
    if (text.at != NULL)
        set(object, name, gw_json_string(text));
}

static struct gw_json verdicts(struct gw_exchange *exchange)
{
    const struct gw_policy_call *call = exchange->policy_call;
    struct gw_json array = {.type = GW_JSON_ARRAY};

    if (call == NULL)
        return array;
    array.as.array.count = call->opinion_count;
    array.as.array.items = gw_arena_zero(exchange->arena, call->opinion_count, sizeof(struct gw_json));
    for (size_t i = 0; i < call->opinion_count; i++) {
        struct gw_json *item = &array.as.array.items[i];

        *item = object_new(exchange);
        set_text(item, "policy", call->opinions[i].policy);
        set_text(item, "verdict", gw_str_from(gw_policy_verdict_name(call->opinions[i].verdict)));
        set_text(item, "reason", call->opinions[i].reason);
    }
    return array;
}

static struct gw_json changes(struct gw_exchange *exchange)
{
    const struct gw_policy_call *call = exchange->policy_call;
    struct gw_json array = {.type = GW_JSON_ARRAY};

    if (call == NULL)
        return array;
    array.as.array.count = call->change_count;
    array.as.array.items = gw_arena_zero(exchange->arena, call->change_count, sizeof(struct gw_json));
    for (size_t i = 0; i < call->change_count; i++) {
        struct gw_json *item = &array.as.array.items[i];

        *item = object_new(exchange);
        set_text(item, "policy", call->changes[i].policy);
        set_text(item, "hook", gw_str_from(gw_policy_hook_name(call->changes[i].hook)));
        set(item, "before", call->changes[i].before);
        set(item, "after", call->changes[i].after);
    }
    return array;
}

/* What audit and outcome hooks are given: HOUSE's `record`. */
static void build_view(struct gw_exchange *exchange)
{
    struct gw_json *view = &exchange->record_view;
    struct gw_json caller = object_new(exchange);

    *view = object_new(exchange);
    set_text(view, "operation", gw_str_from(gw_eks_ops[exchange->call.op].name));
    set_text(view, "cluster", exchange->call.cluster);
    if (exchange->call.has_principal)
        set_text(view, "principal", exchange->call.principal.arn);
    set_text(&caller, "access_key", exchange->caller.access_key);
    set_text(&caller, "arn", exchange->caller.identity.arn);
    set_text(&caller, "account", exchange->caller.identity.account);
    set_text(&caller, "name", exchange->caller.identity.name);
    set(&caller, "verified", gw_json_bool(exchange->caller.verified));
    set(view, "caller", caller);
    set(view, "input", exchange->call.input);
    set(view, "verdicts", verdicts(exchange));
    set(view, "changes", changes(exchange));
    set_text(view, "request_id", (struct gw_str){exchange->request_id, 36});
    set(view, "time", gw_json_integer(exchange->policy_request.time_s));
    set(view, "status", gw_json_integer(exchange->answer.status));
    if (exchange->refused)
        set_text(view, "error", gw_str_from(exchange->answer.error_type));
    else
        set_text(view, "reply", exchange->answer.body);
}

/* A wait leaves the epoch: what the reply and the view have of the store is copied. */
static void keep_reply(struct gw_exchange *exchange)
{
    struct gw_json *view = &exchange->record_view;

    exchange->result.cluster = NULL;
    exchange->answer.body = gw_arena_str(exchange->arena, exchange->answer.body);
    for (size_t i = 0; i < view->as.object.count; i++) {
        if (gw_str_is(view->as.object.members[i].name, "reply"))
            view->as.object.members[i].value = gw_json_string(exchange->answer.body);
    }
}

/* Asks the audit hooks. One that fails turns the answer into a refusal; nothing has happened yet. */
static enum gw_step ask_audit(struct gw_exchange *exchange)
{
    const struct gw_policy_hooks *hooks;
    struct gw_policy_call *call = gw_asks_call(exchange);
    struct gw_json fields = {.type = GW_JSON_NULL};
    enum gw_policy_answer answer;

    if (call == NULL) {
        if (!exchange->refused)
            (void)gw_asks_refused(exchange);
        gw_exchange_refuse(exchange);
        return GW_STEP_DONE;
    }
    if (!exchange->record_waits)
        build_view(exchange);
    hooks = exchange->policies->hooks;
    answer =
        gw_asks_begin(exchange) ? hooks->audit(hooks->ctx, call, &exchange->record_view, &fields) : GW_POLICY_WAITING;
    gw_later_end(exchange->worker);
    if (answer == GW_POLICY_WAITING && !exchange->record_waits)
        keep_reply(exchange);
    exchange->record_waits = answer == GW_POLICY_WAITING;
    if (exchange->record_waits)
        return GW_STEP_WAITING;
    gw_later_forget(call);
    if (answer == GW_POLICY_DONE) {
        exchange->fields = fields;
        return GW_STEP_DONE;
    }
    if (exchange->refused)
        return GW_STEP_DONE; /* it stays the refusal that it was */
    gw_eks_result_drop(&exchange->result);
    (void)gw_asks_refused(exchange);
    gw_exchange_refuse(exchange);
    return GW_STEP_DONE;
}

static struct gw_str hex_of(struct gw_exchange *exchange, const unsigned char digest[GW_DIGEST_SIZE])
{
    char hex[GW_DIGEST_HEX_SIZE];

    gw_digest_hex(digest, hex);
    return gw_arena_str(exchange->arena, (struct gw_str){hex, sizeof(hex)});
}

/* SHA-256 over "METHOD TARGET\n" and the body as it came, or as far as it was read: whoever kept the request can tell
 * that it is this one. */
static struct gw_str hash_request(struct gw_exchange *exchange, const struct gw_http1_request *request)
{
    struct gw_str body = gw_conn_body(exchange->conn);
    unsigned char digest[GW_DIGEST_SIZE];
    struct gw_sha256 hash;

    gw_digest_init(&hash);
    gw_digest_update(&hash, request->method_text.at, request->method_text.length);
    gw_digest_update(&hash, " ", 1);
    gw_digest_update(&hash, request->target.at, request->target.length);
    gw_digest_update(&hash, "\n", 1);
    gw_digest_update(&hash, body.at, body.length);
    gw_digest_final(&hash, digest);
    return hex_of(exchange, digest);
}

static struct gw_json client_certificate(struct gw_exchange *exchange)
{
    struct gw_json object = object_new(exchange);

    set_text(&object, "subject", gw_conn_tls_subject(exchange->conn));
    return object;
}

static bool is_passed(const struct gw_exchange *exchange)
{
    return exchange->worker->gateway->options.auth == GW_GATEWAY_AUTH_UPSTREAM;
}

/* What the second set would have decided otherwise; where that is too long, that it would have. */
static void set_shadow(struct gw_exchange *exchange, bool is_kept, struct gw_json *object)
{
    struct gw_json shadow = gw_shadow_member(exchange);

    if (shadow.type != GW_JSON_OBJECT)
        return;
    if (!is_kept) {
        shadow = object_new(exchange);
        set(&shadow, "omitted", gw_json_bool(true));
    }
    set(object, "shadow", shadow);
}

static struct gw_json eksgate_member(struct gw_exchange *exchange, bool with_shadow)
{
    const struct gw_http1_request *request = gw_conn_request(exchange->conn);
    struct gw_json object = object_new(exchange);

    if (exchange->answer.status != 0)
        set(&object, "status", gw_json_integer(exchange->answer.status));
    set(&object, "verified", gw_json_bool(exchange->caller.verified));
    if (exchange->caller.verified && is_passed(exchange))
        set_text(&object, "verifiedBy", GW_STR("upstream"));
    if (exchange->result.is_change && !exchange->refused)
        set(&object, "change", gw_json_bool(true));
    if (gw_stage_forwards(exchange))
        set(&object, "forwarded", gw_json_bool(true));
    if (exchange->answer.upstream_id.at != NULL)
        set_text(&object, "upstreamRequestId", exchange->answer.upstream_id);
    if (request != NULL)
        set_text(&object, "requestSha256", hash_request(exchange, request));
    if (gw_conn_tls_subject(exchange->conn).at != NULL)
        set(&object, "clientCertificate", client_certificate(exchange));
    set(&object, "generation", gw_json_integer((int64_t)gw_exchange_settings(exchange)->generation));
    set(&object, "verdicts", verdicts(exchange));
    set(&object, "changes", changes(exchange));
    if (exchange->fields.type == GW_JSON_OBJECT)
        set(&object, "fields", exchange->fields);
    if (exchange->result.replayed)
        set(&object, "replayed", gw_json_bool(true));
    if (exchange->adopted)
        set(&object, "adopted", gw_json_bool(true));
    if (exchange->fault != GW_FAULT_NONE)
        set_text(&object, "fault", gw_str_from(fault_names[exchange->fault]));
    set_shadow(exchange, with_shadow, &object);
    return object;
}

/* The caller as far as it is known: verified, or only claimed. */
static void fill_caller(const struct gw_exchange *exchange, struct gw_record *record)
{
    const struct gw_gateway_settings *settings = gw_exchange_settings(exchange);

    record->region = exchange->verify.region.at != NULL ? exchange->verify.region : settings->region;
    record->access_key = exchange->verify.access_key;
    if (!exchange->caller_known)
        return;
    record->has_caller = exchange->caller.identity.arn.at != NULL;
    record->caller = exchange->caller.identity;
    record->access_key = exchange->caller.access_key;
    record->account = exchange->call.account;
}

static struct gw_json size_and_hash(struct gw_exchange *exchange, struct gw_str body)
{
    struct gw_json object = object_new(exchange);
    unsigned char digest[GW_DIGEST_SIZE];

    gw_digest_sha256(body, digest);
    set(&object, "omittedBytes", gw_json_integer((int64_t)body.length));
    set_text(&object, "sha256", hex_of(exchange, digest));
    return object;
}

/* How much of a request goes into its record. */
enum part {
    PART_ALL,
    PART_BODIES, /* not what policies were told of the world */
    PART_SIZES,  /* nor the bodies, but for their size and hash; nor what audit hooks added */
    PARTS,
};

/* The bodies: whole, or by size and hash. `parameters` is room for what the record points to. */
static void fill_bodies(struct gw_exchange *exchange, bool whole, struct gw_record *record, struct gw_json *parameters)
{
    bool has_reply = !exchange->refused && !record->read_only;
    struct gw_json reply;
    struct gw_buf text;

    if (exchange->caller_known) {
        *parameters = whole ? exchange->call.request_parameters : size_and_hash(exchange, exchange->call.body);
        record->request_parameters = parameters;
    }
    if (has_reply && whole)
        record->response_elements = exchange->answer.body;
    if (!has_reply || whole)
        return;
    reply = size_and_hash(exchange, exchange->answer.body);
    gw_buf_init(&text, 1024);
    gw_json_encode(&reply, &text);
    record->response_elements = gw_arena_str(exchange->arena, gw_buf_str(&text));
    gw_buf_fini(&text);
}

static void encode(struct gw_exchange *exchange, enum part part, bool with_shadow)
{
    const struct gw_http1_request *request = gw_conn_request(exchange->conn);
    struct gw_json eksgate = eksgate_member(exchange, with_shadow);
    struct gw_record record = {.time_ms = gw_clock_wall_ms(exchange->worker->gateway->clock),
                               .request_id = {exchange->request_id, 36},
                               .source_ip = gw_conn_source_ip(exchange->conn),
                               .eksgate = &eksgate};
    struct gw_json parameters;
    char event_id[37];

    gw_answer_ids(exchange->worker, event_id);
    record.event_id = (struct gw_str){event_id, 36};
    if (request != NULL)
        record.user_agent = gw_str_slice(gw_http1_header(request, GW_HEADER_USER_AGENT), 0, 1024);
    record.operation = exchange->op_known ? gw_str_from(gw_eks_ops[exchange->route.op].name) : GW_STR("Unknown");
    if (exchange->op_known)
        record.event_source = gw_eks_service_of(exchange->route.op)->event_source;
    record.read_only = !exchange->op_known || gw_eks_is_read_only(exchange->route.op);
    fill_caller(exchange, &record);
    if (exchange->caller_known && !exchange->viewed) {
        gw_eks_view_input(&exchange->call);
        exchange->viewed = true;
    }
    fill_bodies(exchange, part != PART_SIZES, &record, &parameters);
    gw_audit_keep(exchange, &record, part == PART_ALL, &eksgate);
    if (exchange->refused) {
        record.error_code = gw_str_from(exchange->answer.error_type);
        record.error_message = gw_str_slice(exchange->answer.message, 0, 1024);
    }
    gw_record_encode(&record, &exchange->worker->record);
}

/* What is too large for a record goes in less and less of it; first of all what the second set says, which has no
 * effect. The line is kept in the arena. */
static void encode_within_cap(struct gw_exchange *exchange)
{
    struct gw_buf *line = &exchange->worker->record;
    bool has_shadow = gw_shadow_member(exchange).type == GW_JSON_OBJECT;
    bool with_shadow = has_shadow;
    enum part part = PART_ALL;

    do {
        if (part == PART_SIZES)
            exchange->fields = (struct gw_json){.type = GW_JSON_NULL};
        gw_buf_clear(line);
        encode(exchange, part, with_shadow);
        if (!with_shadow)
            part++;
        with_shadow = has_shadow && !with_shadow;
    } while (line->overflowed && part < PARTS);
    if (!line->overflowed)
        exchange->record = gw_arena_str(exchange->arena, gw_buf_str(line));
}

/* One more record of a stranger? A bucket that fills with time and holds one second's worth. */
static bool stranger_may_be_recorded(struct gw_exchange *exchange)
{
    struct gw_worker *worker = exchange->worker;
    int64_t rate = (int64_t)gw_exchange_settings(exchange)->strangers_per_s;
    int64_t now_ms = gw_clock_monotonic_ms(worker->gateway->clock);
    int64_t filled = worker->strangers_tokens + (now_ms - worker->strangers_filled_ms) * rate;

    worker->strangers_filled_ms = now_ms;
    worker->strangers_tokens = filled > rate * 1000 ? rate * 1000 : filled;
    if (worker->strangers_tokens < 1000) {
        worker->strangers_suppressed++;
        gw_metrics_count(&worker->metrics.records_suppressed);
        return false;
    }
    worker->strangers_tokens -= 1000;
    return true;
}

static bool wants_record(struct gw_exchange *exchange)
{
    const struct gw_gateway_settings *settings = gw_exchange_settings(exchange);

    if (exchange->unrecordable)
        return false;
    if (!exchange->caller_known || (exchange->refused && is_passed(exchange) && !exchange->caller.verified))
        return settings->audit && stranger_may_be_recorded(exchange);
    return exchange->refused || exchange->result.is_change || settings->record_reads ||
           !gw_eks_is_read_only(exchange->call.op);
}

enum gw_step gw_stage_record(struct gw_exchange *exchange)
{
    bool is_wanted = exchange->record_waits || wants_record(exchange);

    exchange->record = GW_STR_NONE;
    gw_shadow_compare(exchange);
    if (!is_wanted || !gw_exchange_settings(exchange)->audit)
        gw_shadow_tell(exchange);
    if (!is_wanted)
        return GW_STEP_DONE;
    if (exchange->caller_known && gw_asks_wanted(exchange, GW_HOOK_AUDIT) && ask_audit(exchange) == GW_STEP_WAITING)
        return GW_STEP_WAITING;
    if (!gw_exchange_settings(exchange)->audit)
        return GW_STEP_DONE;
    encode_within_cap(exchange);
    if (exchange->record.at == NULL) {
        exchange->unrecordable = true;
        gw_log(GW_LOG_ERROR, "audit", "a record of %s doesn't fit into %zu bytes; request %s is refused",
               gw_eks_ops[exchange->call.op].name, (size_t)GW_JOURNAL_TEXT_MAX, exchange->request_id);
        gw_eks_result_drop(&exchange->result);
        return exchange->refused ? GW_STEP_DONE
                                 : gw_answer_error(exchange, GW_EKS_ServerException,
                                                   GW_STR("The request could not be recorded; nothing was changed."));
    }
    return GW_STEP_DONE;
}

/* Who is to be told of the outcome; NULL: nobody. */
static struct gw_policy_call *outcome_call(struct gw_exchange *exchange)
{
    if (!exchange->caller_known || !gw_asks_wanted(exchange, GW_HOOK_OUTCOME))
        return NULL;
    return gw_asks_call(exchange);
}

bool gw_audit_outcome_queues(struct gw_exchange *exchange)
{
    if (outcome_call(exchange) == NULL || gw_asks_begin(exchange))
        return false;
    /* A wait leaves the epoch. */
    exchange->result.cluster = NULL;
    exchange->answer.body = gw_arena_str(exchange->arena, exchange->answer.body);
    return true;
}

void gw_audit_outcome(struct gw_exchange *exchange, const char *outcome)
{
    const struct gw_policy_hooks *hooks;
    struct gw_policy_call *call = outcome_call(exchange);

    if (call == NULL)
        return;
    build_view(exchange);
    set_text(&exchange->record_view, "outcome", gw_str_from(outcome));
    hooks = exchange->policies->hooks;
    gw_later_watch(exchange->worker);
    hooks->outcome(hooks->ctx, call, &exchange->record_view);
    gw_later_end(exchange->worker);
}

struct summary {
    struct gw_commit_job job;
    struct gw_buf record;
};

static void on_summary_done(struct gw_commit_job *job)
{
    struct summary *summary = job->ctx;

    gw_buf_fini(&summary->record);
    free(summary);
}

void gw_audit_tick(struct gw_worker *worker)
{
    int64_t now_ms = gw_clock_monotonic_ms(worker->gateway->clock);
    struct gw_arena arena;
    struct gw_json object = {.type = GW_JSON_OBJECT};
    char id[37];
    struct gw_record record;
    struct summary *summary;

    if (worker->strangers_suppressed == 0 || now_ms - worker->strangers_told_ms < GW_AUDIT_SUMMARY_MS)
        return;
    worker->strangers_told_ms = now_ms;
    gw_answer_ids(worker, id);
    gw_arena_init(&arena, 0);
    gw_json_set(&arena, &object, GW_STR("suppressedRefusals"), gw_json_integer((int64_t)worker->strangers_suppressed));
    record = (struct gw_record){.time_ms = gw_clock_wall_ms(worker->gateway->clock),
                                .event_id = {id, 36},
                                .operation = GW_STR_INIT("Unknown"),
                                .read_only = true,
                                .eksgate = &object};
    summary = gw_alloc_zero(1, sizeof(*summary));
    gw_buf_init(&summary->record, GW_JOURNAL_TEXT_MAX);
    gw_record_encode(&record, &summary->record);
    gw_arena_fini(&arena);
    summary->job =
        (struct gw_commit_job){.record = gw_buf_str(&summary->record), .done = on_summary_done, .ctx = summary};
    if (gw_commit_add(worker->port, &summary->job) != GW_OK) {
        on_summary_done(&summary->job);
        return;
    }
    worker->strangers_suppressed = 0;
}
