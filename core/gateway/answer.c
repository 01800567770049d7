/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an answer to bytes: error bodies, and the head with EKS's fields in EKS's
 * order (eks-access-entries.md section 2). Operations of the Query protocol get
 * XML, and the few fields that STS sends. Ids come from a generator per worker,
 * seeded by the kernel: unique, no secrets, no system call.
 */
#include "codec/time.h"
#include "gateway/pass.h"

#define GW_ANSWER_BODY_MAX ((size_t)256 << 10)

static const char cors_before_id[] =
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Allow-Headers: *,Authorization,Date,X-Amz-Date,X-Amz-Security-Token,X-Amz-Target,content-type,"
    "x-amz-content-sha256,x-amz-user-agent,x-amzn-platform-id,x-amzn-trace-id\r\n";
static const char cors_after_id[] =
    "Access-Control-Allow-Methods: GET,HEAD,PUT,POST,DELETE,OPTIONS\r\n"
    "Access-Control-Expose-Headers: x-amzn-errortype,x-amzn-errormessage,x-amzn-trace-id,x-amzn-requestid,"
    "x-amz-apigw-id,date\r\n";

static inline uint64_t rotate(uint64_t word, int bits)
{
    return (word << bits) | (word >> (64 - bits));
}

/* xoshiro256** (Blackman and Vigna, 2018): period 2^256 - 1. */
static uint64_t next_word(struct gw_worker *worker)
{
    uint64_t *s = worker->id_state;
    uint64_t word = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return word;
}

static char *put_hex(char *out, uint64_t word, unsigned digits)
{
    static const char hex[] = "0123456789abcdef";

    for (unsigned i = 0; i < digits; i++)
        out[i] = hex[(word >> (4 * i)) & 15];
    return out + digits;
}

void gw_answer_ids(struct gw_worker *worker, char request_id[37])
{
    uint64_t a = next_word(worker);
    uint64_t b = next_word(worker);
    char *at = put_hex(request_id, a, 8);

    *at++ = '-';
    at = put_hex(at, a >> 32, 4);
    *at++ = '-';
    *at++ = '4';
    at = put_hex(at, a >> 48, 3);
    *at++ = '-';
    *at++ = "89ab"[a >> 62];
    at = put_hex(at, b >> 48, 3);
    *at++ = '-';
    at = put_hex(at, b, 12);
    *at = '\0';
}

static struct gw_str keep(struct gw_exchange *exchange, struct gw_buf *body)
{
    struct gw_str kept = gw_arena_str(exchange->arena, gw_buf_str(body));

    gw_buf_fini(body);
    return kept;
}

static bool is_query(const struct gw_exchange *exchange)
{
    return exchange->op_known && gw_eks_service_of(exchange->route.op)->query;
}

static enum gw_step answer_query(struct gw_exchange *exchange, unsigned status, const char *error_type,
                                 struct gw_str message)
{
    struct gw_eks_query_error error = {.status = status, .request_id = {exchange->request_id, 36}};
    struct gw_buf body;

    gw_eks_query_translate(error_type, message, exchange->arena, &error);
    gw_buf_init(&body, GW_ANSWER_BODY_MAX);
    gw_eks_query_error_encode(&error, &body);
    exchange->answer = (struct gw_answer){
        .status = status, .error_type = error.code, .message = error.message, .body = keep(exchange, &body)};
    return GW_STEP_FAILED;
}

enum gw_step gw_answer_eks_error(struct gw_exchange *exchange, const struct gw_eks_error *error)
{
    struct gw_buf body;

    if (is_query(exchange))
        return answer_query(exchange, gw_eks_error_status(error->code), gw_eks_error_name(error->code), error->message);
    gw_buf_init(&body, GW_ANSWER_BODY_MAX);
    gw_eks_error_encode(error, &body);
    exchange->answer = (struct gw_answer){.status = gw_eks_error_status(error->code),
                                          .error_type = gw_eks_error_name(error->code),
                                          .message = error->message,
                                          .body = keep(exchange, &body)};
    return GW_STEP_FAILED;
}

enum gw_step gw_answer_error(struct gw_exchange *exchange, enum gw_eks_error_code code, struct gw_str message)
{
    struct gw_eks_error error = {.code = code, .message = message};

    return gw_answer_eks_error(exchange, &error);
}

enum gw_step gw_answer_http(struct gw_exchange *exchange, unsigned status, const char *error_type,
                            struct gw_str message)
{
    struct gw_buf body;

    if (is_query(exchange))
        return answer_query(exchange, status, error_type, message);
    gw_buf_init(&body, GW_ANSWER_BODY_MAX);
    gw_buf_append_lit(&body, "{\"message\":");
    gw_json_encode_string(message, &body);
    gw_buf_append_byte(&body, '}');
    exchange->answer = (struct gw_answer){
        .status = status, .error_type = error_type, .message = message, .body = keep(exchange, &body)};
    return GW_STEP_FAILED;
}

enum gw_step gw_answer_refusal(struct gw_exchange *exchange, const struct gw_refusal *refusal)
{
    return gw_answer_http(exchange, refusal->status, refusal->error_type, refusal->message);
}

/* "Date: ...\r\n", made once a second. */
static struct gw_str date_line(struct gw_worker *worker)
{
    int64_t now_ms = gw_loop_wall_ms(worker->loop);

    if (now_ms / 1000 != worker->date_s) {
        memcpy(worker->date, "Date: ", 6);
        gw_time_http(now_ms, worker->date + 6);
        memcpy(worker->date + 6 + GW_TIME_HTTP_SIZE - 1, "\r\n", 2);
        worker->date_s = now_ms / 1000;
    }
    return (struct gw_str){worker->date, 6 + GW_TIME_HTTP_SIZE - 1 + 2};
}

/* x-amz-apigw-id: 15 URL-safe base64 characters and '='. */
static void put_gateway_id(struct gw_worker *worker, struct gw_buf *head)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint64_t a = next_word(worker);
    uint64_t b = next_word(worker);
    char text[16];

    for (unsigned i = 0; i < 10; i++)
        text[i] = letters[(a >> (6 * i)) & 63];
    for (unsigned i = 0; i < 5; i++)
        text[10 + i] = letters[(b >> (6 * i)) & 63];
    text[15] = '=';
    gw_buf_append_lit(head, "x-amz-apigw-id: ");
    gw_buf_append(head, text, sizeof(text));
    gw_buf_append_lit(head, "\r\n");
}

/* X-Amzn-Trace-Id: Root=1-<seconds>-<24 hex>. */
static void put_trace_id(struct gw_worker *worker, struct gw_buf *head)
{
    uint64_t a = next_word(worker);
    uint64_t b = next_word(worker);
    uint64_t seconds = (uint64_t)worker->date_s;
    char text[33];
    char *at = text;

    for (int shift = 28; shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[(seconds >> shift) & 15];
    *at++ = '-';
    at = put_hex(at, a, 16);
    at = put_hex(at, b, 8);
    gw_buf_append_lit(head, "X-Amzn-Trace-Id: Root=1-");
    gw_buf_append(head, text, (size_t)(at - text));
    gw_buf_append_lit(head, "\r\n");
}

/* What EKS's front adds, behind the request's id. */
static void put_front_fields(struct gw_exchange *exchange, struct gw_buf *head)
{
    bool cors = gw_exchange_settings(exchange)->cors_headers;

    if (exchange->answer.error_type != NULL) {
        gw_buf_append_lit(head, "x-amzn-ErrorType: ");
        gw_buf_append_str(head, gw_str_from(exchange->answer.error_type));
        gw_buf_append_lit(head, "\r\n");
    }
    if (cors)
        gw_buf_append_lit(head, cors_before_id);
    put_gateway_id(exchange->worker, head);
    if (cors)
        gw_buf_append_lit(head, cors_after_id);
    put_trace_id(exchange->worker, head);
}

static void put_content_type(const struct gw_answer *answer, bool query, struct gw_buf *head)
{
    if (answer->content_type.at != NULL) {
        gw_buf_append_lit(head, "Content-Type: ");
        gw_buf_append_str(head, answer->content_type);
        gw_buf_append_lit(head, "\r\n");
    } else {
        gw_buf_append_str(head,
                          query ? GW_STR("Content-Type: text/xml\r\n") : GW_STR("Content-Type: application/json\r\n"));
    }
}

/* The upstream's own, which its owner can look up; the gateway's goes beside it then. */
static void put_request_id(const struct gw_exchange *exchange, struct gw_buf *head)
{
    gw_buf_append_lit(head, "\r\nx-amzn-RequestId: ");
    if (exchange->answer.upstream_id.at != NULL) {
        gw_buf_append_str(head, exchange->answer.upstream_id);
        gw_buf_append_lit(head, "\r\nx-eksgate-RequestId: ");
    }
    gw_buf_append(head, exchange->request_id, 36);
    gw_buf_append_lit(head, "\r\n");
}

static void put_head(struct gw_exchange *exchange, struct gw_buf *head)
{
    struct gw_worker *worker = exchange->worker;
    const struct gw_answer *answer = &exchange->answer;
    bool query = is_query(exchange);

    gw_buf_append_lit(head, "HTTP/1.1 ");
    gw_buf_append_u64(head, answer->status);
    gw_buf_append_byte(head, ' ');
    gw_buf_append_str(head, gw_str_from(gw_http1_reason(answer->status)));
    gw_buf_append_lit(head, "\r\n");
    gw_buf_append_str(head, date_line(worker));
    put_content_type(answer, query, head);
    gw_buf_append_lit(head, "Content-Length: ");
    gw_buf_append_u64(head, gw_answer_length(answer));
    put_request_id(exchange, head);
    if (!query)
        put_front_fields(exchange, head);
    if (answer->retry_after_s > 0)
        gw_buf_printf(head, "Retry-After: %u\r\n", answer->retry_after_s);
}

/* Valid until the worker's next. */
static struct gw_str write_head(struct gw_exchange *exchange)
{
    struct gw_buf *head = &exchange->worker->head;

    gw_buf_clear(head);
    if (exchange->answer.passed != NULL)
        gw_pass_put_head(exchange, head);
    else
        put_head(exchange, head);
    return gw_buf_str(head);
}

static void end_pieces(struct gw_exchange *exchange)
{
    if (exchange->refused || !gw_conn_is_alive(exchange->conn))
        gw_conn_reply_break(exchange->conn);
    else
        gw_conn_reply_end(exchange->conn, exchange->answer.body);
}

void gw_answer_send(struct gw_exchange *exchange)
{
    struct gw_reply reply = {.body = exchange->answer.body};

    if (GW_UNLIKELY(exchange->in_pieces)) {
        end_pieces(exchange);
        return;
    }
    reply.head = write_head(exchange);
    gw_conn_reply(exchange->conn, &reply);
}

enum gw_conn_flow gw_answer_begin(struct gw_exchange *exchange, size_t length, struct gw_str first)
{
    struct gw_reply reply = {.body = first};

    exchange->in_pieces = true;
    exchange->answer.length = length;
    reply.head = write_head(exchange);
    return gw_conn_reply_begin(exchange->conn, &reply, length);
}
