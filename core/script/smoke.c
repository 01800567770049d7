/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests are plausible ones, so that a policy that reads what most requests
 * have finds it: a role in a path, groups, a tag, a caller from IAM Identity Center
 * (nobody where auth = "upstream", as there). Facts are told as of an empty cluster
 * with one administrator. Nothing is logged, and what is counted is forgotten.
 */
#include "script/smoke.h"

#include "base/counters.h"
#include "script/set.h"

#define ANY_ACCOUNT "012345678910"
#define CLUSTER     "my-cluster"

struct smoke {
    const struct gw_policy_hooks *hooks;
    const struct gw_smoke_place *place;
    struct gw_str account;
    struct gw_arena arena;
    struct gw_principal principal;
    struct gw_principal caller;
    struct gw_json input;
    struct gw_json cluster;
    struct gw_json admins;
    struct gw_policy_request request;
    struct gw_policy_call call;
    bool is_asking_elsewhere; /* a hook waits for an endpoint */
    struct gw_err why;        /* of the hook that failed last */
};

static void on_failed(void *ctx, const struct gw_policy_call *call, struct gw_str policy, enum gw_policy_hook hook,
                      const char *why)
{
    struct smoke *smoke = ctx;
    (void)gw_fail(&smoke->why, GW_E_SCRIPT, "%.*s: %s failed on the smoke request, a %.*s: %s", GW_STR_ARG(policy),
                  gw_policy_hook_name(hook), GW_STR_ARG(call->request->operation), why);
}

static void on_line(void *ctx, enum gw_log_level level, struct gw_str policy, struct gw_str text)
{
    (void)ctx;
    (void)level;
    (void)policy;
    (void)text;
}

/* It never comes back. */
static enum gw_status on_fetch(void *ctx, struct gw_policy_call *call, const struct gw_policy_fetch *fetch,
                               struct gw_policy_fetched *fetched, struct gw_err *err)
{
    struct smoke *smoke = ctx;
    const struct gw_smoke_place *place = smoke->place;
    (void)call;
    (void)fetched;
    if (place->has_endpoint != NULL && !place->has_endpoint(place->ctx, fetch->endpoint))
        return gw_fail(err, GW_E_MISSING, "there is no such endpoint in policy.endpoints");
    smoke->is_asking_elsewhere = true;
    return GW_OK;
}

static void on_wake(void *ctx)
{
    (void)ctx;
}

static struct gw_json parse(struct smoke *smoke, const char *text)
{
    struct gw_json json;
    struct gw_err err;
    if (gw_json_parse(gw_str_from(text), &smoke->arena, &json, &err) != GW_OK)
        gw_fatal("smoke: %s", err.text);
    return json;
}

static struct gw_str iam(struct smoke *smoke, const char *resource)
{
    return gw_arena_printf(&smoke->arena, "arn:%.*s:iam::%.*s:%s", GW_STR_ARG(smoke->place->partition),
                           GW_STR_ARG(smoke->account), resource);
}

static struct gw_str session(struct smoke *smoke)
{
    return gw_arena_printf(&smoke->arena,
                           "arn:%.*s:sts::%.*s:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/anna",
                           GW_STR_ARG(smoke->place->partition), GW_STR_ARG(smoke->account));
}

static void read_principal(struct gw_str arn, struct gw_principal *principal)
{
    if (gw_arn_parse_principal(arn, principal) != GW_OK)
        gw_fatal("smoke: %.*s is no principal", GW_STR_ARG(arn));
}

static void fill_people(struct smoke *smoke)
{
    struct gw_str *admin = gw_arena_zero(&smoke->arena, 1, sizeof *admin);
    read_principal(iam(smoke, "role/team-a/deployer"), &smoke->principal);
    read_principal(session(smoke), &smoke->caller);
    *admin = iam(smoke, "role/admin");
    smoke->admins = gw_json_strings(&smoke->arena, admin, 1);
    smoke->cluster = parse(smoke, "{\"name\":\"" CLUSTER "\",\"status\":\"ACTIVE\",\"version\":\"1.33\","
                                  "\"accessConfig\":{\"authenticationMode\":\"API\"},\"tags\":{}}");
}

static void fill_create(struct smoke *smoke)
{
    struct gw_buf text;
    gw_buf_init(&text, 4096);
    gw_buf_printf(&text,
                  "{\"clusterName\":\"" CLUSTER "\",\"principalArn\":\"%.*s\","
                  "\"type\":\"STANDARD\",\"kubernetesGroups\":[\"developers\"],\"tags\":{\"team\":\"team-a\"}}",
                  GW_STR_ARG(smoke->principal.arn));
    smoke->input = parse(smoke, gw_arena_str(&smoke->arena, gw_buf_str(&text)).at);
    gw_buf_fini(&text);
}

/* A conversation about `operation` begins. */
static void begin(struct smoke *smoke, struct gw_str operation, bool has_principal, bool has_caller)
{
    smoke->request = (struct gw_policy_request){
        .operation = operation,
        .account = smoke->account,
        .region = smoke->place->region,
        .cluster = GW_STR(CLUSTER),
        .principal = has_principal ? &smoke->principal : NULL,
        .caller_access_key = GW_STR("AKIDEXAMPLE"),
        .caller = has_caller ? &smoke->caller : NULL,
        .caller_verified = has_caller,
        .input = &smoke->input,
        .facts = smoke->hooks->needs(smoke->hooks->ctx, operation),
        .cluster_info = &smoke->cluster,
        .admins = &smoke->admins,
        .time_s = smoke->place->now_s,
        .source_ip = GW_STR("127.0.0.1"),
        .user_agent = GW_STR("eksgate-smoke"),
        .request_id = GW_STR("00000000-0000-4000-8000-000000000000"),
    };
    smoke->call = (struct gw_policy_call){.request = &smoke->request, .arena = &smoke->arena, .wake = on_wake};
    smoke->is_asking_elsewhere = false;
}

static struct gw_json record_of(struct smoke *smoke)
{
    struct gw_arena *arena = &smoke->arena;
    struct gw_json record =
        parse(smoke, "{\"cluster\":\"" CLUSTER "\",\"verdicts\":[],\"changes\":[],\"status\":200,\"reply\":\"{}\"}");
    struct gw_json caller = {.type = GW_JSON_OBJECT};
    const struct gw_policy_request *request = &smoke->request;
    gw_json_set(arena, &caller, GW_STR("access_key"), gw_json_string(request->caller_access_key));
    if (request->caller != NULL) {
        gw_json_set(arena, &caller, GW_STR("arn"), gw_json_string(request->caller->arn));
        gw_json_set(arena, &caller, GW_STR("account"), gw_json_string(request->caller->account));
        gw_json_set(arena, &caller, GW_STR("name"), gw_json_string(request->caller->name));
    }
    gw_json_set(arena, &caller, GW_STR("verified"), gw_json_bool(request->caller_verified));
    gw_json_set(arena, &record, GW_STR("operation"), gw_json_string(request->operation));
    if (request->principal != NULL)
        gw_json_set(arena, &record, GW_STR("principal"), gw_json_string(request->principal->arn));
    gw_json_set(arena, &record, GW_STR("caller"), caller);
    gw_json_set(arena, &record, GW_STR("input"), smoke->input);
    gw_json_set(arena, &record, GW_STR("request_id"), gw_json_string(request->request_id));
    gw_json_set(arena, &record, GW_STR("time"), gw_json_integer(request->time_s));
    return record;
}

static enum gw_policy_answer ask(struct smoke *smoke, enum gw_policy_hook hook)
{
    const struct gw_policy_hooks *hooks = smoke->hooks;
    const struct gw_json *sent = gw_json_get(&smoke->input, "tags");
    const struct gw_pair *tags;
    struct gw_json record;
    struct gw_json fields;
    struct gw_str username;
    size_t count;
    bool adopt;
    switch (hook) {
    case GW_HOOK_AUTHORIZE:
        return hooks->authorize(hooks->ctx, &smoke->call);
    case GW_HOOK_USERNAME:
        return hooks->username(hooks->ctx, &smoke->call, &username);
    case GW_HOOK_TAGS:
        return hooks->tags(hooks->ctx, &smoke->call, sent, &tags, &count);
    case GW_HOOK_CONFLICT:
        return hooks->conflict(hooks->ctx, &smoke->call, &adopt);
    default:
        record = record_of(smoke);
        return hooks->audit(hooks->ctx, &smoke->call, &record, &fields);
    }
}

/* Up to the refusal or the end. */
static enum gw_status run(struct smoke *smoke, const enum gw_policy_hook *order, size_t count)
{
    enum gw_policy_answer answer = GW_POLICY_DONE;
    for (size_t i = 0; i < count && answer == GW_POLICY_DONE; i++) {
        if (smoke->hooks->wants(smoke->hooks->ctx, order[i], smoke->request.operation))
            answer = ask(smoke, order[i]);
    }
    bool failed = answer == GW_POLICY_FAILED && smoke->call.refusal.failed && !smoke->is_asking_elsewhere;
    smoke->hooks->finish(smoke->hooks->ctx, &smoke->call);
    return failed ? GW_E_SCRIPT : GW_OK;
}

static enum gw_status ask_all(struct smoke *smoke, bool has_caller)
{
    static const enum gw_policy_hook create[] = {GW_HOOK_AUTHORIZE, GW_HOOK_USERNAME, GW_HOOK_TAGS, GW_HOOK_CONFLICT,
                                                 GW_HOOK_AUDIT};
    static const enum gw_policy_hook describe[] = {GW_HOOK_AUTHORIZE, GW_HOOK_AUDIT};
    fill_people(smoke);
    fill_create(smoke);
    begin(smoke, GW_STR("CreateAccessEntry"), true, has_caller);
    enum gw_status status = run(smoke, create, GW_COUNT(create));
    if (status != GW_OK)
        return status;
    smoke->input = parse(smoke, "{\"name\":\"" CLUSTER "\"}");
    begin(smoke, GW_STR("DescribeCluster"), false, has_caller);
    return run(smoke, describe, GW_COUNT(describe));
}

enum gw_status gw_smoke_ask(struct gw_script_set *set, const struct gw_smoke_place *place, struct gw_err *err)
{
    struct smoke smoke = {.place = place, .account = place->account.at != NULL ? place->account : GW_STR(ANY_ACCOUNT)};
    struct gw_policy_services services = {.ctx = &smoke, .fetch = on_fetch, .log = on_line, .failed = on_failed};
    struct gw_policy_counters counters = {0};
    struct gw_script *script = NULL;
    if (gw_script_set_count(set) == 0)
        return GW_OK;
    enum gw_status status = gw_script_new(set, &counters, &services, &script, err);
    if (status != GW_OK)
        return status;
    services.counters = gw_counters_new(gw_random_system());
    gw_arena_init(&smoke.arena, 0);
    smoke.hooks = gw_script_hooks(script);
    status = ask_all(&smoke, !set->options.is_pass_through);
    if (status != GW_OK)
        (void)gw_fail(err, status, "%s", smoke.why.text);
    gw_script_free(&script);
    gw_counters_free(&services.counters);
    gw_arena_fini(&smoke.arena);
    return status;
}
