/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a passed request's head goes on, and what of the reply's comes back. A head is copied from the bytes that
 * were read: the fields' views lie in one buffer, each line from its name to its CR, so that blanks around values stay
 * as they were.
 */
#include "gateway/pass.h"

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
        if (gw_passable_is_hop(request, field->name))
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

        if (gw_passable_is_hop(fields, field->name) || field->id == GW_HEADER_CONTENT_LENGTH ||
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
