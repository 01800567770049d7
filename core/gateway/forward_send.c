/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request that is ready to the bytes that leave: the endpoint with region
 * and account filled in, the head, and as the last step the signature.
 */
#include "gateway/forward.h"

#include "gateway/endpoint.h"
#include "upstream/template.h"

static void append_field(struct gw_buf *head, const char *name, struct gw_str value)
{
    gw_buf_append_str(head, gw_str_from(name));
    gw_buf_append_lit(head, ": ");
    gw_buf_append_str(head, value);
    gw_buf_append_lit(head, "\r\n");
}

/* What is connected to in the endpoint's place. */
static enum gw_status find_peer(struct gw_forward *forward, struct gw_err *err)
{
    struct gw_upstream_target *target = &forward->call.target;
    const struct gw_exchange *exchange = forward->exchange;
    struct gw_template_place place = {forward->region, forward->account};
    struct gw_str text =
        gw_template_fill_in(exchange->worker->gateway->options.upstream.connect, &place, exchange->arena);

    if (text.at == NULL ||
        gw_upstream_parse_authority(text, target->port, &target->connect_host, &target->connect_port) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "upstream.connect does not read as a host and a port");
    return GW_OK;
}

static enum gw_status find_target(struct gw_forward *forward, struct gw_err *err)
{
    const struct gw_exchange *exchange = forward->exchange;
    struct gw_template_place place = {forward->region, forward->account};
    struct gw_str url =
        gw_template_fill_in(exchange->worker->gateway->options.upstream.endpoint, &place, exchange->arena);
    enum gw_status status;

    if (url.at == NULL)
        return gw_fail(err, GW_E_LIMIT, "the endpoint is longer than %d bytes", GW_TEMPLATE_MAX);
    status = gw_upstream_parse_url(url, &forward->call.target, err);
    if (status == GW_OK)
        forward->sign.host = gw_endpoint_host(&forward->call.target, exchange->arena);
    return status == GW_OK && exchange->worker->gateway->options.upstream.connect.at != NULL ? find_peer(forward, err)
                                                                                             : status;
}

static void append_request_line(const struct gw_sign_request *sign, struct gw_buf *head)
{
    gw_buf_append_str(head, sign->method);
    gw_buf_append_byte(head, ' ');
    gw_buf_append_str(head, sign->path);
    if (sign->query.length > 0) {
        gw_buf_append_byte(head, '?');
        gw_buf_append_str(head, sign->query);
    }
    gw_buf_append_lit(head, " HTTP/1.1\r\n");
}

/* Who asked, for the upstream's own log: the client's program and this one. */
static void append_agent(const struct gw_exchange *exchange, struct gw_buf *head)
{
    const struct gw_http1_request *request = gw_conn_request(exchange->conn);
    struct gw_str agent = gw_str_slice(gw_http1_header(request, GW_HEADER_USER_AGENT), 0, 512);

    gw_buf_append_lit(head, "User-Agent: ");
    if (agent.length > 0) {
        gw_buf_append_str(head, agent);
        gw_buf_append_byte(head, ' ');
    }
    gw_buf_append_lit(head, "eksgate/" EKSGATE_VERSION "\r\n");
}

static enum gw_status write_head(struct gw_forward *forward, const struct gw_sign_identity *identity,
                                 struct gw_buf *head)
{
    struct gw_exchange *exchange = forward->exchange;
    struct gw_sign_request *sign = &forward->sign;

    gw_buf_clear(head);
    append_request_line(sign, head);
    append_field(head, "Host", sign->host);
    append_agent(exchange, head);
    if (sign->content_type.at != NULL)
        append_field(head, "Content-Type", sign->content_type);
    if (sign->body.length > 0 || !gw_str_is(sign->method, "GET")) {
        gw_buf_append_lit(head, "Content-Length: ");
        gw_buf_append_u64(head, sign->body.length);
        gw_buf_append_lit(head, "\r\n");
    }
    sign->now_ms = gw_clock_wall_ms(exchange->worker->gateway->clock);
    return gw_sign(exchange->worker->signer, identity, sign, exchange->arena, head);
}

static void send_on(struct gw_forward *forward)
{
    struct gw_exchange *exchange = forward->exchange;

    forward->call.body = forward->sign.body;
    forward->call.arena = exchange->arena;
    forward->is_sent = true;
    gw_upstream_send(exchange->worker->upstream, &forward->call);
}

static enum gw_status sign(struct gw_forward *forward, struct gw_err *err)
{
    struct gw_worker *worker = forward->exchange->worker;
    struct gw_sign_identity identity;
    enum gw_status status = gw_forward_identify(forward, &identity, err);

    if (status != GW_OK)
        return status;
    forward->secret_version = identity.secret_version;
    status = write_head(forward, &identity, &worker->upstream_head);
    if (status != GW_OK)
        return gw_fail(err, status, "the request can't be signed");
    forward->call.head = gw_arena_str(forward->exchange->arena, gw_buf_str(&worker->upstream_head));
    gw_wipe(worker->upstream_head.at, worker->upstream_head.length);
    return GW_OK;
}

void gw_forward_wipe(struct gw_upstream_call *call)
{
    gw_wipe((char *)(uintptr_t)call->head.at, call->head.length);
    call->head = GW_STR_NONE;
}

enum gw_status gw_forward_send(struct gw_forward *forward, struct gw_err *err)
{
    enum gw_status status = find_target(forward, err);

    if (status == GW_OK && forward->exchange->worker->upstream == NULL)
        status = gw_fail(err, GW_E_BUSY, "this worker ends");
    if (status == GW_OK && !forward->is_passed)
        status = sign(forward, err);
    if (status == GW_OK)
        send_on(forward);
    return status;
}
