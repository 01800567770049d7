/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first half of explain: what arrives is a request, it asks for an operation,
 * it is let in (by signature, or where auth = "none" because no page sent it), and
 * its input can be read.
 */
#include "cli/explain.h"

#include "codec/uri.h"
#include "gateway/foreign.h"
#include "gateway/passable.h"

#define BODY_MAX ((size_t)64 << 20)

static void fail_http(struct gw_explain *explain, unsigned status, const char *type, const char *reason)
{
    struct gw_explain_finding finding = {.outcome = GW_EXPLAIN_FAILS, .refusal = {status, type, gw_str_from(reason)}};

    gw_explain_check(explain, "http", &finding);
}

/* arena: a chunked body as it is after decoding; what isn't one is a refusal. */
static bool decode_chunks(struct gw_explain *explain)
{
    struct gw_http1_chunks chunks;
    struct gw_http1_error error;
    struct gw_buf body;
    size_t consumed;
    enum gw_status status;

    gw_buf_init(&body, BODY_MAX);
    gw_http1_chunks_init(&chunks);
    status = gw_http1_chunks_decode(&chunks, explain->body, &explain->config->http.limits, &body, &consumed, &error);
    explain->body = gw_arena_str(explain->arena, gw_buf_str(&body));
    gw_buf_fini(&body);
    if (status == GW_AGAIN)
        fail_http(explain, 408, "RequestTimeoutException", "The chunked body has no end.");
    else if (status != GW_OK)
        fail_http(explain, error.status, "BadRequestException", error.reason);
    return status == GW_OK;
}

/* What stands behind the head, as far as it is the body. A newline more is the editor's. */
static bool measure_body(struct gw_explain *explain, const char **remark)
{
    uint64_t length = explain->request.content_length;
    struct gw_str rest;

    if (explain->request.chunked && explain->transcript.kind == GW_TRANSCRIPT_RAW)
        return decode_chunks(explain);
    if (explain->request.chunked)
        return true;
    if (explain->body.length < length) {
        fail_http(explain, 408, "RequestTimeoutException", "The body is shorter than Content-Length says.");
        return false;
    }
    rest = gw_str_slice(explain->body, (size_t)length, SIZE_MAX);
    if (rest.length > 0 && !gw_str_is(rest, "\n") && !gw_str_is(rest, "\r\n"))
        *remark = "what is longer than Content-Length says is not of this request";
    explain->body.length = (size_t)length;
    return true;
}

bool gw_explain_http(struct gw_explain *explain)
{
    struct gw_explain_finding finding = {.outcome = GW_EXPLAIN_HOLDS};
    const struct gw_http1_limits *limits = &explain->config->http.limits;
    struct gw_http1_error error = {400, "The head has no end."};
    size_t scanned = 0;
    enum gw_status status;

    status = gw_http1_parse_head(explain->transcript.head, limits, &scanned, &explain->request, &error);
    if (status != GW_OK) {
        fail_http(explain, error.status, "BadRequestException", error.reason);
        return false;
    }
    if (explain->has_body && !measure_body(explain, &finding.why))
        return false;
    if (explain->body.length > limits->body_bytes || explain->request.content_length > limits->body_bytes) {
        fail_http(explain, 413, "RequestEntityTooLargeException", "The body is larger than http.body_bytes.");
        return false;
    }
    if (!explain->has_body)
        finding.why = "the text holds no body; --body FILE gives it";
    gw_explain_check(explain, "http", &finding);
    return true;
}

/* "{principalArn}" of the path is ARN, other labels are names. */
static struct gw_json labels(struct gw_explain *explain)
{
    struct gw_str path = gw_str_from(gw_eks_ops[explain->route.op].path);
    struct gw_json object = {.type = GW_JSON_OBJECT};
    size_t at = 0;

    for (size_t i = 0; i < explain->route.label_count; i++) {
        size_t open = gw_str_find(path, '{', at);
        struct gw_str name = gw_str_slice(path, open + 1, gw_str_find(path, '}', open) - open - 1);
        bool is_arn = gw_str_is(name, "principalArn") || gw_str_is(name, "resourceArn") || gw_str_is(name, "policyArn");
        struct gw_str text;

        at = open + 1;
        if (gw_uri_decode(explain->route.labels[i], is_arn ? GW_URI_ARN : GW_URI_NAME, explain->arena, &text) != GW_OK)
            text = gw_arena_printf(explain->arena, "%.*s (can't be decoded)", GW_STR_ARG(explain->route.labels[i]));
        gw_json_set(explain->arena, &object, name, gw_json_string(text));
    }
    return object;
}

void gw_explain_operation(struct gw_explain *explain)
{
    struct gw_router *router = gw_router_new();

    explain->has_operation =
        gw_router_match(router, explain->request.method, explain->request.path, &explain->route) == GW_OK;
    gw_router_free(&router);
    if (!explain->has_operation) {
        struct gw_explain_finding finding = {
            .outcome = GW_EXPLAIN_FAILS,
            .refusal = {403, "MissingAuthenticationTokenException", GW_STR("Missing Authentication Token")},
            .why = "no operation has this method and path"};

        gw_explain_check(explain, "operation", &finding);
        return;
    }
    gw_explain_say(explain, "operation", gw_json_string(gw_str_from(gw_eks_ops[explain->route.op].name)));
    gw_explain_say(explain, "labels", labels(explain));
}

/* With auth = "upstream" what takes the secret is the upstream's to say. */
static void tell_check(struct gw_explain *explain, enum gw_explain_check check,
                       const struct gw_explain_finding *finding)
{
    static const struct gw_explain_finding theirs = {.outcome = GW_EXPLAIN_OPEN, .why = "the upstream knows"};
    bool takes_secret = check == GW_EXPLAIN_KEY || check == GW_EXPLAIN_SIGNATURE || check == GW_EXPLAIN_TOKEN ||
                        check == GW_EXPLAIN_EXPIRY;
    bool is_theirs = takes_secret && explain->config->auth == GW_GATEWAY_AUTH_UPSTREAM;
    bool was_open = explain->is_open;

    gw_explain_check(explain, gw_explain_check_name(check), is_theirs ? &theirs : finding);
    if (is_theirs)
        explain->is_open = was_open;
}

static void look_at_signature(struct gw_explain *explain)
{
    const struct gw_eks_service *service =
        explain->has_operation ? gw_eks_service_of(explain->route.op) : &gw_eks_service_eks;
    struct gw_verifier *verifier = gw_verify_new(&explain->config->verify);
    struct gw_explain_request what = {.request = &explain->request,
                                      .has_body = explain->has_body,
                                      .body = explain->body,
                                      .service = {service->name, service->global},
                                      .now_ms = explain->now_ms};
    struct gw_explain_report *report = &explain->signature;

    gw_explain_signature(verifier, explain->keyring, &what, explain->arena, report);
    gw_verify_free(&verifier);
    for (int i = 0; i < GW_EXPLAIN_CHECKS; i++)
        tell_check(explain, (enum gw_explain_check)i, &report->findings[i]);
    if (report->shown.at != NULL)
        gw_explain_say(explain, "canonicalRequest", gw_json_string(report->shown));
    if (report->string_to_sign.at != NULL)
        gw_explain_say(explain, "stringToSign", gw_json_string(report->string_to_sign));
    explain->has_caller = report->has_caller;
    explain->caller = report->caller;
    explain->call.region = report->region;
}

/* The id that a record would name. Where the field can't be read, the signature's form has failed. */
static void look_at_key_id(struct gw_explain *explain, struct gw_str text)
{
    struct gw_explain_finding finding = {.outcome = GW_EXPLAIN_HOLDS,
                                         .refusal = {403, "UnrecognizedClientException",
                                                     GW_STR("The security token included in the request is invalid.")}};
    struct gw_sigv4_credential credential;
    struct gw_err err;

    if (gw_sigv4_parse_credential(text, &credential, &err) == GW_OK && !gw_passable_is_key_id(credential.access_key)) {
        finding.outcome = GW_EXPLAIN_FAILS;
        finding.why = "no access key has an id like that";
    }
    gw_explain_check(explain, "key id", &finding);
}

/* What a request must be that goes on as it came, beside its signature. */
static void look_at_passage(struct gw_explain *explain)
{
    const struct gw_config *config = explain->config;
    struct gw_str authorization = gw_http1_header(&explain->request, GW_HEADER_AUTHORIZATION);
    struct gw_sigv4_auth auth = {.signed_headers = GW_STR_NONE};
    struct gw_explain_finding host = {
        .outcome = GW_EXPLAIN_HOLDS,
        .refusal = {403, "AccessDeniedException",
                    GW_STR("Host is not the EKS endpoint of the region that the request is "
                           "signed for.")}};
    struct gw_explain_finding head = {.outcome = GW_EXPLAIN_HOLDS, .refusal = {400, "BadRequestException", GW_STR("")}};
    struct gw_err err;
    const char *why;

    if (gw_sigv4_parse_authorization(authorization, true, &auth, &err) != GW_OK)
        auth.signed_headers = GW_STR_NONE;
    if (!gw_passable_is_host(config->upstream.endpoint, explain->call.region, explain->request.host))
        host.outcome = GW_EXPLAIN_FAILS;
    why = gw_passable_why_not(&explain->request, auth.signed_headers);
    if (why != NULL) {
        head.outcome = GW_EXPLAIN_FAILS;
        head.refusal.message = gw_str_from(why);
    }
    look_at_key_id(explain, auth.credential);
    gw_explain_check(explain, "endpoint's host", &host);
    gw_explain_check(explain, "goes on as it came", &head);
}

/* Which listener it comes in through isn't known: one of them must do. */
static bool is_host_good(const struct gw_explain *explain)
{
    const struct gw_config *config = explain->config;

    for (size_t i = 0; i < config->listen_count; i++) {
        struct gw_listener listener = {.is_loopback = true};
        struct gw_str address = config->listen[i].address;

        if (gw_str_starts(address, GW_STR("unix:")))
            return true;
        if (address.length >= sizeof(listener.address))
            continue;
        memcpy(listener.address, address.at, address.length);
        if (gw_foreign_is_named(&listener, (struct gw_foreign_names){config->hosts, config->host_count},
                                explain->request.host))
            return true;
    }
    return false;
}

static void look_at_anybody(struct gw_explain *explain)
{
    const char *why = gw_foreign_why(&explain->request);
    struct gw_explain_finding host = {.outcome = is_host_good(explain) ? GW_EXPLAIN_HOLDS : GW_EXPLAIN_FAILS,
                                      .refusal = {403, "AccessDeniedException", gw_str_from(gw_foreign_host_words)}};
    struct gw_explain_finding page = {.outcome = why == NULL ? GW_EXPLAIN_HOLDS : GW_EXPLAIN_FAILS,
                                      .refusal = {403, "AccessDeniedException", gw_str_from(why == NULL ? "" : why)}};
    struct gw_explain_finding type = {
        .outcome = GW_EXPLAIN_HOLDS,
        .refusal = {415, "UnsupportedMediaTypeException", GW_STR("Bodies must be application/json.")}};
    const struct gw_eks_service *service =
        explain->has_operation ? gw_eks_service_of(explain->route.op) : &gw_eks_service_eks;

    if (!gw_foreign_is_body_good(&explain->request, service->query))
        type.outcome = GW_EXPLAIN_FAILS;
    gw_explain_check(explain, "host", &host);
    gw_explain_check(explain, "page", &page);
    gw_explain_check(explain, "body type", &type);
    explain->has_caller = true;
    explain->caller = (struct gw_caller){.identity = explain->config->caller};
    explain->call.region = explain->config->regions[0];
}

void gw_explain_admission(struct gw_explain *explain)
{
    struct gw_json caller = {.type = GW_JSON_OBJECT};

    if (explain->config->auth == GW_GATEWAY_AUTH_NONE)
        look_at_anybody(explain);
    else
        look_at_signature(explain);
    if (explain->config->auth == GW_GATEWAY_AUTH_UPSTREAM)
        look_at_passage(explain);
    if (!explain->has_caller)
        return;
    gw_explain_text(explain, &caller, "arn", explain->caller.identity.arn);
    gw_explain_text(explain, &caller, "accessKeyId", explain->caller.access_key);
    gw_explain_say(explain, "caller", caller);
}

void gw_explain_input(struct gw_explain *explain)
{
    struct gw_explain_finding finding = {.outcome = GW_EXPLAIN_HOLDS};
    struct gw_eks_call *call = &explain->call;
    struct gw_eks_error error = {0};

    if (!explain->has_operation)
        return;
    call->op = explain->route.op;
    call->arena = explain->arena;
    call->partition = explain->has_caller ? explain->caller.identity.partition : explain->config->partition;
    call->account = explain->has_caller ? explain->caller.identity.account : GW_STR("000000000000");
    if (call->region.at == NULL)
        call->region = explain->config->regions[0];
    call->caller = explain->has_caller ? &explain->caller.identity : NULL;
    call->request_id = GW_STR("00000000-0000-4000-8000-000000000000");
    memcpy(call->raw_labels, explain->route.labels, sizeof(call->raw_labels));
    call->label_count = explain->route.label_count;
    call->query = explain->request.query;
    call->body = explain->body;
    call->is_forwarded = gw_explain_is_forwarded(explain);
    if (!explain->has_body) {
        finding = (struct gw_explain_finding){.outcome = GW_EXPLAIN_OPEN, .why = "the body isn't known"};
    } else if (!gw_eks_is_served(call->op) && !call->is_forwarded) {
        finding = (struct gw_explain_finding){
            .outcome = GW_EXPLAIN_FAILS,
            .refusal = {501, "NotImplementedException", GW_STR("The operation is not served here.")}};
    } else if (gw_eks_decode(call, &error) != GW_OK) {
        finding.outcome = GW_EXPLAIN_FAILS;
        finding.refusal =
            (struct gw_refusal){gw_eks_error_status(error.code), gw_eks_error_name(error.code), error.message};
    } else {
        explain->is_decoded = true;
        call->is_forwarded = gw_explain_is_forwarded(explain);
    }
    gw_explain_check(explain, "input", &finding);
    gw_eks_view_input(call);
    gw_explain_say(explain, "input", call->input);
}
