/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hosts a passed request may be for, what of its head goes on, and what of
 * the reply's comes back. A head is copied from the bytes that were read: the
 * fields' views lie in one buffer, each line from its name to its CR, so that blanks
 * around values stay as they were.
 */
#include "gateway/pass.h"

#define REGION_MAX 64

static const struct gw_str gap = GW_STR_INIT("{region}");

/* HOST[:PORT] of the endpoint, still with its gaps; `*port` is its scheme's, with the colon. */
static struct gw_str authority_of(struct gw_str endpoint, struct gw_str *port)
{
    bool is_tls = gw_str_equal_nocase(gw_str_slice(endpoint, 0, 8), GW_STR("https://"));
    struct gw_str authority = gw_str_slice(endpoint, is_tls ? 8 : 7, SIZE_MAX);

    *port = is_tls ? GW_STR(":443") : GW_STR(":80");
    return gw_str_slice(authority, 0, gw_str_find(authority, '/', 0));
}

static struct gw_str without(struct gw_str text, struct gw_str end)
{
    size_t length = text.length > end.length ? text.length - end.length : 0;

    if (length > 0 && gw_str_equal(gw_str_slice(text, length, SIZE_MAX), end))
        return gw_str_slice(text, 0, length);
    return text;
}

/* Names are compared without case. */
static bool fits(struct gw_str template, struct gw_str region, struct gw_str text)
{
    while (template.length > 0) {
        bool is_region = gw_str_starts(template, gap);
        struct gw_str wanted = is_region ? region : gw_str_slice(template, 0, 1);

        if (!gw_str_equal_nocase(gw_str_slice(text, 0, wanted.length), wanted))
            return false;
        template = gw_str_slice(template, is_region ? gap.length : 1, SIZE_MAX);
        text = gw_str_slice(text, wanted.length, SIZE_MAX);
    }
    return text.length == 0;
}

bool gw_pass_is_host(struct gw_str endpoint, struct gw_str region, struct gw_str host)
{
    struct gw_str port;
    struct gw_str authority = authority_of(endpoint, &port);

    return host.length > 0 && fits(without(authority, port), region, without(host, port));
}

/* The text that stands where the template, which has a gap, has its region; well formed or not. {NULL,0}: there
 * is no room for one. */
static struct gw_str region_in(struct gw_str template, struct gw_str text)
{
    size_t first = gw_str_search(template, gap);
    size_t count = 0;
    size_t fixed = template.length;

    for (size_t at = 0; at + gap.length <= template.length; at++)
        count += gw_str_starts(gw_str_slice(template, at, SIZE_MAX), gap) ? 1 : 0;
    fixed -= count * gap.length;
    if (count == 0 || text.length <= fixed)
        return GW_STR_NONE;
    return gw_str_slice(text, first, (text.length - fixed) / count);
}

static bool is_region(struct gw_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return text.length > 0 && text.length <= REGION_MAX;
}

bool gw_pass_is_any_host(struct gw_str endpoint, const struct gw_verify_options *options, struct gw_str host)
{
    struct gw_str port;
    struct gw_str template = without(authority_of(endpoint, &port), port);
    struct gw_str region;

    for (size_t i = 0; i < options->region_count; i++) {
        if (gw_pass_is_host(endpoint, options->regions[i], host))
            return true;
    }
    if (options->region_count > 0)
        return false;
    if (gw_str_search(template, gap) == SIZE_MAX)
        return gw_pass_is_host(endpoint, GW_STR_NONE, host);
    region = region_in(template, without(host, port));
    return is_region(region) && gw_pass_is_host(endpoint, region, host);
}

/* Fields of one connection, by name. */
static bool is_hop(struct gw_str name)
{
    static const struct gw_str names[] = {
        GW_STR_INIT("connection"),        GW_STR_INIT("keep-alive"), GW_STR_INIT("te"),
        GW_STR_INIT("trailer"),           GW_STR_INIT("upgrade"),    GW_STR_INIT("expect"),
        GW_STR_INIT("transfer-encoding"),
    };

    for (size_t i = 0; i < GW_COUNT(names); i++) {
        if (gw_str_equal_nocase(names[i], name))
            return true;
    }
    return gw_str_equal_nocase(gw_str_slice(name, 0, 6), GW_STR("proxy-"));
}

/* Whatever Connection says, these reach the other end: who signs or is answered relies on them. */
static bool is_kept(struct gw_str name)
{
    return gw_str_equal_nocase(gw_str_slice(name, 0, 6), GW_STR("x-amz-")) ||
           gw_str_equal_nocase(gw_str_slice(name, 0, 7), GW_STR("x-amzn-")) ||
           gw_str_equal_nocase(gw_str_slice(name, 0, 8), GW_STR("content-")) ||
           gw_str_equal_nocase(name, GW_STR("host")) || gw_str_equal_nocase(name, GW_STR("date")) ||
           gw_str_equal_nocase(name, GW_STR("authorization"));
}

static bool lists(struct gw_str value, struct gw_str name)
{
    while (value.at != NULL) {
        if (gw_str_equal_nocase(gw_str_trim(gw_str_split(&value, ',')), name))
            return true;
    }
    return false;
}

/* A Connection field names it. */
static bool is_named(const struct gw_http1_request *fields, struct gw_str name)
{
    size_t first = fields->index[GW_HEADER_CONNECTION];

    for (size_t i = first == 0 ? fields->header_count : first - 1; i < fields->header_count; i++) {
        if (fields->headers[i].id == GW_HEADER_CONNECTION && lists(fields->headers[i].value, name))
            return true;
    }
    return false;
}

/* Stays behind. */
static bool stays(const struct gw_http1_request *fields, struct gw_str name)
{
    return is_hop(name) || (!is_kept(name) && is_named(fields, name));
}

/* What some servers take for the method or the path in the place of the request line's. */
static bool means_another(struct gw_str name)
{
    static const struct gw_str names[] = {
        GW_STR_INIT("x-http-method"),  GW_STR_INIT("x-http-method-override"), GW_STR_INIT("x-method-override"),
        GW_STR_INIT("x-original-url"), GW_STR_INIT("x-rewrite-url"),          GW_STR_INIT("x-amz-target"),
    };

    for (size_t i = 0; i < GW_COUNT(names); i++) {
        if (gw_str_equal_nocase(names[i], name))
            return true;
    }
    return false;
}

/* JSON in UTF-8, as SDKs say it. */
static bool is_body_plain(const struct gw_http1_request *request)
{
    struct gw_str type = gw_http1_header(request, GW_HEADER_CONTENT_TYPE);
    struct gw_str parameter = type;

    (void)gw_str_split(&parameter, ';');
    for (size_t i = 0; i < request->header_count; i++) {
        if (gw_str_equal_nocase(request->headers[i].name, GW_STR("content-encoding")))
            return false;
    }
    return gw_foreign_is_body_good(request, false) &&
           (parameter.at == NULL || gw_str_equal_nocase(gw_str_trim(parameter), GW_STR("charset=utf-8")));
}

static const char *why_ambiguous(const struct gw_http1_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (means_another(request->headers[i].name))
            return "A header names another method or path than the request line.";
    }
    if (gw_str_find(request->query, '+', 0) < request->query.length)
        return "A '+' in the query means one character or another: write %2B or %20.";
    if (gw_str_find(request->target, ';', 0) < request->target.length)
        return "A ';' in path or query separates for some and doesn't for others: write %3B.";
    if (gw_foreign_has_body(request) && !is_body_plain(request))
        return "Bodies must be application/json in UTF-8, without a Content-Encoding.";
    return NULL;
}

const char *gw_pass_why_not(const struct gw_http1_request *request, struct gw_str signed_headers)
{
    struct gw_str rest = signed_headers;

    while (rest.at != NULL) {
        if (stays(request, gw_str_split(&rest, ';')))
            return "A header that concerns this connection alone is signed: the request can't be forwarded as it is.";
    }
    if (request->chunked && gw_sigv4_lists(signed_headers, GW_STR("content-length")))
        return "Content-Length is signed and isn't there: the request can't be forwarded as it is.";
    return why_ambiguous(request);
}

/* A field's line as it came, up to its CR, which the reader has seen. */
static struct gw_str line_of(const struct gw_header *field)
{
    const char *end = field->value.at + field->value.length;

    while (*end != '\r')
        end++;
    return (struct gw_str){field->name.at, (size_t)(end - field->name.at)};
}

static void append_length(size_t length, struct gw_buf *head)
{
    gw_buf_append_lit(head, "Content-Length: ");
    gw_buf_append_u64(head, length);
    gw_buf_append_lit(head, "\r\n");
}

enum gw_status gw_pass_append_head(const struct gw_http1_request *request, size_t body_length, struct gw_buf *head)
{
    gw_buf_append_str(head, request->method_text);
    gw_buf_append_byte(head, ' ');
    gw_buf_append_str(head, request->target);
    gw_buf_append_lit(head, " HTTP/1.1\r\n");
    for (size_t i = 0; i < request->header_count; i++) {
        const struct gw_header *field = &request->headers[i];

        if (field->id == GW_HEADER_TRANSFER_ENCODING)
            append_length(body_length, head);
        if (stays(request, field->name))
            continue;
        gw_buf_append_str(head, line_of(field));
        gw_buf_append_lit(head, "\r\n");
    }
    return head->overflowed ? GW_E_LIMIT : GW_OK;
}

void gw_pass_build(struct gw_exchange *exchange, struct gw_forward *forward)
{
    const struct gw_http1_request *request = gw_conn_request(exchange->conn);
    const struct gw_eks_call *call = &exchange->call;
    struct gw_buf head;

    /* What came within its limits, and a length. */
    gw_buf_init(&head, exchange->worker->gateway->options.http.limits.head_bytes + 64);
    if (gw_pass_append_head(request, call->body.length, &head) != GW_OK)
        gw_fatal("a request's head has grown on its way");
    forward->call.head = gw_arena_str(exchange->arena, gw_buf_str(&head));
    gw_wipe(head.at, head.length);
    gw_buf_fini(&head);
    forward->sign.body = call->body;
    forward->is_passed = true;
    forward->call.may_repeat =
        gw_eks_is_read_only(call->op) || (gw_eks_takes_token(call->op) && gw_eks_has_token(call));
}

/* Errors of EKS's about what was asked. Any other may come from before it was settled who asks
 * (InvalidSignatureException, UnknownOperationException, SerializationException), or from anybody in front
 * (ThrottlingException, BadRequestException). */
static bool is_about_what_was_asked(struct gw_str type)
{
    static const char *const types[] = {
        "ClientException",
        "InvalidParameterException",
        "InvalidRequestException",
        "InvalidStateException",
        "NotFoundException",
        "ResourceInUseException",
        "ResourceNotFoundException",
        "ResourceLimitExceededException",
        "ResourcePropagationDelayException",
        "UnsupportedAvailabilityZoneException",
    };

    for (size_t i = 0; i < GW_COUNT(types); i++) {
        if (gw_str_is(type, types[i]))
            return true;
    }
    return false;
}

bool gw_pass_is_vouched_for(const struct gw_upstream_call *call, struct gw_str message)
{
    unsigned status = call->reply.status;
    struct gw_str type = gw_forward_error_type(call);

    if (call->outcome != GW_UPSTREAM_REPLIED)
        return false;
    if (status / 100 == 2)
        return true;
    /* IAM's own words name whom it has denied; others deny what nobody has signed. */
    if (status == 403 && gw_str_is(type, "AccessDeniedException"))
        return gw_str_starts(message, GW_STR("User: arn:"));
    return status / 100 == 4 && is_about_what_was_asked(type);
}

enum gw_journal_maker gw_pass_maker(const struct gw_exchange *exchange)
{
    const struct gw_forward *forward = exchange->forward;

    if (!forward->is_passed || forward->call.outcome != GW_UPSTREAM_REPLIED)
        return GW_JOURNAL_UPSTREAM;
    return exchange->caller.verified ? GW_JOURNAL_UPSTREAM_VERIFIED : GW_JOURNAL_UPSTREAM_UNVERIFIED;
}

void gw_pass_put_head(const struct gw_exchange *exchange, struct gw_buf *head)
{
    const struct gw_answer *answer = &exchange->answer;
    const struct gw_http1_request *fields = answer->passed;

    gw_buf_append_lit(head, "HTTP/1.1 ");
    gw_buf_append_u64(head, answer->status);
    gw_buf_append_byte(head, ' ');
    gw_buf_append_str(head, gw_str_from(gw_http1_reason(answer->status)));
    gw_buf_append_lit(head, "\r\n");
    for (size_t i = 0; i < fields->header_count; i++) {
        const struct gw_header *field = &fields->headers[i];

        if (stays(fields, field->name) || field->id == GW_HEADER_CONTENT_LENGTH ||
            gw_str_equal_nocase(field->name, GW_STR("x-eksgate-requestid")))
            continue;
        gw_buf_append_str(head, field->name);
        gw_buf_append_lit(head, ": ");
        gw_buf_append_str(head, field->value);
        gw_buf_append_lit(head, "\r\n");
    }
    if (answer->status != 204 && answer->status != 304)
        append_length(gw_answer_length(answer), head);
    gw_buf_append_lit(head, "x-eksgate-RequestId: ");
    gw_buf_append(head, exchange->request_id, 36);
    gw_buf_append_lit(head, "\r\n");
}
