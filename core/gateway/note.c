/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mock keeps of a request: who asked for what and what was answered, as
 * one JSON object. Its input is the one that policies see.
 */
#include "codec/time.h"
#include "gateway/exchange.h"

static const char *const fault_names[] = {
    [GW_FAULT_ERROR] = "error",
    [GW_FAULT_DELAY] = "delay",
    [GW_FAULT_DROP] = "drop",
};

static void put_text(const char *member, struct gw_str text, struct gw_buf *out)
{
    if (text.at == NULL)
        return;
    gw_buf_printf(out, ",\"%s\":", member);
    gw_json_encode_string(text, out);
}

static struct gw_requests_names names_of(const struct gw_exchange *exchange)
{
    struct gw_requests_names names = {.operation = GW_STR_NONE};

    if (exchange->op_known)
        names.operation = gw_str_from(gw_eks_ops[exchange->route.op].name);
    if (!exchange->caller_known)
        return names;
    names.cluster = exchange->call.cluster;
    if (exchange->call.has_principal)
        names.principal = exchange->call.principal.arn;
    return names;
}

static void put_asked(struct gw_exchange *exchange, const struct gw_requests_names *names, struct gw_buf *out)
{
    char time[GW_TIME_ISO_SIZE];

    gw_time_iso(gw_clock_wall_ms(exchange->worker->gateway->clock), time);
    gw_buf_append_lit(out, "{\"id\":");
    gw_json_encode_string((struct gw_str){exchange->request_id, 36}, out);
    put_text("time", gw_str_from(time), out);
    put_text("operation", names->operation, out);
    put_text("principal", names->principal, out);
    put_text("cluster", names->cluster, out);
    if (!exchange->caller_known)
        return;
    put_text("account", exchange->call.account, out);
    put_text("region", exchange->call.region, out);
    put_text("caller", exchange->caller.identity.arn, out);
}

/* EKS's replies are JSON; those that aren't become a string. */
static void put_reply(struct gw_str body, struct gw_buf *out)
{
    gw_buf_append_lit(out, ",\"reply\":");
    if (body.length > 0 && body.at[0] == '{')
        gw_buf_append_str(out, body);
    else
        gw_json_encode_string(body, out);
}

static void put_bodies(struct gw_exchange *exchange, bool input, bool reply, struct gw_buf *out)
{
    if (input) {
        gw_eks_view_input(&exchange->call);
        gw_buf_append_lit(out, ",\"input\":");
        gw_json_encode(&exchange->call.input, out);
    }
    gw_buf_printf(out, ",\"status\":%u", exchange->answer.status);
    put_text("error", gw_str_from(exchange->answer.error_type), out);
    put_text("fault", gw_str_from(fault_names[exchange->fault]), out);
    if (exchange->result.replayed)
        gw_buf_append_lit(out, ",\"replayed\":true");
    if (reply)
        put_reply(exchange->answer.body, out);
    gw_buf_append_byte(out, '}');
}

void gw_note_request(struct gw_exchange *exchange)
{
    struct gw_requests *requests = gw_mock_requests(exchange->worker->gateway->mock);
    struct gw_requests_names names = names_of(exchange);
    bool replies = exchange->fault != GW_FAULT_DROP;
    struct gw_buf text;

    gw_buf_init(&text, GW_REQUESTS_ONE_MAX);
    put_asked(exchange, &names, &text);
    put_bodies(exchange, exchange->caller_known, replies, &text);
    if (text.overflowed) {
        gw_buf_clear(&text);
        put_asked(exchange, &names, &text);
        put_bodies(exchange, false, false, &text);
    }
    if (!text.overflowed)
        gw_requests_add(requests, &names, gw_buf_str(&text));
    gw_buf_fini(&text);
}
