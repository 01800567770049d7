/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is let in: one pair of functions per enum gw_gateway_auth. `admit` has the
 * head alone, `verify` the body too and settles who the caller is.
 *
 * Where nobody is asked for a signature, what stands between a web page that
 * somebody has open and the gateway is what browsers say about themselves: Host,
 * Origin, Sec-Fetch-Site and the type of a body. An Authorization field is not
 * looked at.
 *
 * Where the upstream verifies, what is asked of a request is what can be told
 * without the caller's secret, and that it is meant for the upstream's host.
 */
#include "gateway/pass.h"

static const struct gw_http1_request *request_of(const struct gw_exchange *exchange)
{
    return gw_conn_request(exchange->conn);
}

static enum gw_step refuse_signature(struct gw_exchange *exchange, const struct gw_refusal *refusal)
{
    gw_metrics_count(&exchange->worker->metrics.refused_signature);
    return gw_answer_refusal(exchange, refusal);
}

/* The scopes that are good for this operation. */
static struct gw_verify_service verify_service_of(enum gw_eks_op op)
{
    const struct gw_eks_service *service = gw_eks_service_of(op);

    return (struct gw_verify_service){service->name, service->global};
}

enum gw_step gw_admit_signed(struct gw_exchange *exchange)
{
    struct gw_worker *worker = exchange->worker;
    const struct gw_keys_snapshot *keys = gw_exchange_keys(exchange);
    struct gw_refusal refusal;

    exchange->verify.service = verify_service_of(exchange->route.op);
    if (gw_verify_admit(worker->verifier, keys->keyring, request_of(exchange), gw_clock_wall_ms(worker->gateway->clock),
                        exchange->arena, &exchange->verify, &refusal) != GW_OK)
        return refuse_signature(exchange, &refusal);
    exchange->keys_generation = keys->generation;
    return GW_STEP_DONE;
}

enum gw_step gw_verify_signed(struct gw_exchange *exchange)
{
    struct gw_worker *worker = exchange->worker;
    struct gw_refusal refusal;

    /* The keys changed while the body came: what admit found may be gone, or no longer true. */
    if (gw_exchange_keys(exchange)->generation != exchange->keys_generation) {
        enum gw_step step = gw_admit_signed(exchange);

        if (step != GW_STEP_DONE)
            return step;
    }
    if (gw_verify_finish(worker->verifier, &exchange->verify, request_of(exchange), gw_conn_body(exchange->conn),
                         gw_clock_wall_ms(worker->gateway->clock), exchange->arena, &exchange->caller,
                         &refusal) != GW_OK)
        return refuse_signature(exchange, &refusal);
    return GW_STEP_DONE;
}

/* No name leads a browser to a unix socket. */
static bool is_host_ours(const struct gw_exchange *exchange)
{
    const struct gw_gateway_anybody *anybody = &exchange->worker->gateway->options.anybody;

    if (gw_conn_is_unix(exchange->conn))
        return true;
    for (size_t i = 0; i < anybody->listener_count; i++) {
        if (gw_foreign_is_named(&anybody->listeners[i], anybody->hosts, request_of(exchange)->host))
            return true;
    }
    return false;
}

enum gw_step gw_admit_anybody(struct gw_exchange *exchange)
{
    const char *why = is_host_ours(exchange) ? gw_foreign_why(request_of(exchange)) : gw_foreign_host_words;

    if (why != NULL) {
        gw_metrics_count(&exchange->worker->metrics.refused_foreign);
        return gw_answer_http(exchange, 403, "AccessDeniedException", gw_str_from(why));
    }
    /* STS, whose protocol is made of forms, is only read from. */
    if (!gw_foreign_is_body_good(request_of(exchange), gw_eks_service_of(exchange->route.op)->query)) {
        gw_metrics_count(&exchange->worker->metrics.refused_foreign);
        return gw_answer_http(exchange, 415, "UnsupportedMediaTypeException",
                              GW_STR("Bodies must be application/json."));
    }
    return GW_STEP_DONE;
}

enum gw_step gw_verify_anybody(struct gw_exchange *exchange)
{
    const struct gw_gateway_anybody *anybody = &exchange->worker->gateway->options.anybody;

    exchange->caller = (struct gw_caller){.identity = anybody->caller};
    exchange->verify.region = anybody->region;
    return GW_STEP_DONE;
}

/* Only what is asked of the endpoint for the region that was signed for goes there. */
enum gw_step gw_admit_passed(struct gw_exchange *exchange)
{
    static const struct gw_refusal unknown = {403, "UnrecognizedClientException",
                                              GW_STR_INIT("The security token included in the request is invalid.")};
    struct gw_worker *worker = exchange->worker;
    const struct gw_gateway_options *options = &worker->gateway->options;
    struct gw_refusal refusal;
    const char *why;

    if (gw_eks_service_of(exchange->route.op)->query)
        return gw_answer_error(exchange, GW_EKS_NotImplementedException,
                               GW_STR("Callers are verified by the EKS endpoint behind this gateway: STS is not "
                                      "answered here."));
    exchange->verify.service = verify_service_of(exchange->route.op);
    if (gw_verify_admit_unknown(worker->verifier, request_of(exchange), gw_clock_wall_ms(worker->gateway->clock),
                                exchange->arena, &exchange->verify, &refusal) != GW_OK)
        return refuse_signature(exchange, &refusal);
    if (!gw_passable_is_key_id(exchange->verify.access_key))
        return refuse_signature(exchange, &unknown);
    if (!gw_passable_is_host(options->upstream.endpoint, exchange->verify.region, request_of(exchange)->host)) {
        gw_metrics_count(&worker->metrics.refused_signature);
        return gw_answer_http(exchange, 403, "AccessDeniedException",
                              GW_STR("Host is not the EKS endpoint of the region that the request is signed for; "
                                     "this gateway forwards to that alone."));
    }
    why = gw_passable_why_not(request_of(exchange), exchange->verify.signed_headers);
    if (why != NULL)
        return gw_answer_http(exchange, 400, "BadRequestException", gw_str_from(why));
    return GW_STEP_DONE;
}

enum gw_step gw_verify_passed(struct gw_exchange *exchange)
{
    struct gw_refusal refusal;

    if (gw_verify_finish_unknown(&exchange->verify, request_of(exchange), gw_conn_body(exchange->conn), exchange->arena,
                                 &exchange->caller, &refusal) != GW_OK)
        return refuse_signature(exchange, &refusal);
    return GW_STEP_DONE;
}
