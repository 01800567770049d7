/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What policies need to know where an upstream knows it: at most three reads, side
 * by side, signed like everything else, and behind them who administers the cluster
 * (forward_admins.c). What can't be told refuses the request; a 404 is the
 * knowledge that there is none.
 */
#include "gateway/forward.h"

#include "base/log.h"
#include "codec/uri.h"

#define FACTS 3

/* The reads of one exchange. */
struct gw_forward_facts {
    struct gw_forward reads[FACTS];
    size_t under_way;
    bool failed;
    bool are_taken;
};

static const enum gw_eks_fact facts[FACTS] = {GW_EKS_FACT_ENTRY, GW_EKS_FACT_ASSOCIATIONS, GW_EKS_FACT_CLUSTER};

static void on_fact(void *ctx, struct gw_upstream_call *call)
{
    struct gw_exchange *exchange = ctx;

    gw_forward_wipe(call);
    if (--exchange->forward_facts->under_way == 0)
        gw_exchange_resume(exchange);
}

static struct gw_str path_of(const struct gw_exchange *exchange, enum gw_eks_fact fact)
{
    struct gw_buf text;
    struct gw_str path;

    gw_buf_init(&text, GW_FORWARD_HEAD_MAX);
    gw_buf_append_lit(&text, "/clusters/");
    gw_uri_encode(exchange->call.cluster, false, &text);
    if (fact != GW_EKS_FACT_CLUSTER) {
        gw_buf_append_lit(&text, "/access-entries/");
        gw_uri_encode(exchange->call.principal.arn, false, &text);
    }
    if (fact == GW_EKS_FACT_ASSOCIATIONS)
        gw_buf_append_lit(&text, "/access-policies");
    path = gw_arena_str(exchange->arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return path;
}

static bool is_asked(const struct gw_exchange *exchange, enum gw_eks_fact fact)
{
    if ((exchange->facts.asked & (unsigned)fact) == 0 || exchange->call.cluster.at == NULL)
        return false;
    return fact == GW_EKS_FACT_CLUSTER || exchange->call.has_principal;
}

static void begin(struct gw_exchange *exchange)
{
    struct gw_forward_facts *all = gw_arena_zero(exchange->arena, 1, sizeof(*all));

    exchange->forward_facts = all;
    for (size_t i = 0; i < FACTS; i++) {
        if (!is_asked(exchange, facts[i]))
            continue;
        gw_forward_read(exchange, path_of(exchange, facts[i]),
                        facts[i] == GW_EKS_FACT_ASSOCIATIONS ? GW_STR("maxResults=100") : GW_STR_NONE, &all->reads[i]);
        all->reads[i].call.on_done = on_fact;
        all->reads[i].call.ctx = exchange;
    }
}

/* Sends what isn't under way. True: something is, or waits for credentials. */
static bool send_all(struct gw_exchange *exchange)
{
    struct gw_forward_facts *all = exchange->forward_facts;
    bool waits = false;

    for (size_t i = 0; i < FACTS && !all->failed; i++) {
        struct gw_forward *read = &all->reads[i];
        enum gw_status status;
        struct gw_err err;

        if (read->exchange == NULL || read->is_sent)
            continue;
        status = gw_forward_send(read, &err);
        all->under_way += status == GW_OK;
        waits = waits || status == GW_AGAIN;
        if (status == GW_OK || status == GW_AGAIN)
            continue;
        all->failed = true;
        gw_log(GW_LOG_WARN, "upstream", "what policies need to know isn't asked (request %s): %s", exchange->request_id,
               err.text);
    }
    return waits || all->under_way > 0;
}

bool gw_forward_says_absent(const struct gw_forward *read, struct gw_arena *arena)
{
    struct gw_json body;
    const struct gw_json *type;

    if (read->call.reply.status != 404)
        return false;
    if (gw_str_is(gw_forward_error_type(&read->call), "ResourceNotFoundException"))
        return true;
    if (gw_json_parse(read->call.reply_body, arena, &body, NULL) != GW_OK)
        return false;
    type = gw_json_get(&body, "__type");
    return type != NULL && type->type == GW_JSON_STRING &&
           gw_str_is(gw_str_slice(type->as.string, gw_str_find(type->as.string, '#', 0) + 1, SIZE_MAX),
                     "ResourceNotFoundException");
}

static bool take(struct gw_exchange *exchange, enum gw_eks_fact fact, const struct gw_forward *read)
{
    const struct gw_upstream_call *call = &read->call;

    if (!read->is_sent)
        return true;
    if (call->outcome != GW_UPSTREAM_REPLIED) {
        gw_log(GW_LOG_WARN, "upstream", "what policies need to know has no answer (request %s): %s",
               exchange->request_id, call->err.text);
        return false;
    }
    if (call->reply.status == 404)
        return true;
    if (call->reply.status == 200 &&
        gw_eks_forward_fact(fact, call->reply_body, exchange->arena, &exchange->facts) == GW_OK)
        return true;
    (void)gw_forward_doubt(exchange, read);
    gw_log(GW_LOG_WARN, "upstream", "what policies need to know isn't told: the upstream answered %u %.*s (request %s)",
           call->reply.status, GW_STR_ARG(gw_forward_error_type(call)), exchange->request_id);
    return false;
}

static enum gw_step refuse(struct gw_exchange *exchange)
{
    return gw_answer_error(exchange, GW_EKS_ServiceUnavailableException,
                           GW_STR("What policies need to know of the cluster could not be fetched; nothing was done. "
                                  "Try again."));
}

static enum gw_step read_all(struct gw_exchange *exchange)
{
    struct gw_forward_facts *all = exchange->forward_facts;

    if (all->are_taken)
        return GW_STEP_DONE;
    if (send_all(exchange))
        return GW_STEP_WAITING;
    for (size_t i = 0; i < FACTS; i++)
        all->failed = !take(exchange, facts[i], &all->reads[i]) || all->failed;
    all->are_taken = true;
    return all->failed ? refuse(exchange) : GW_STEP_DONE;
}

static enum gw_step read_admins(struct gw_exchange *exchange)
{
    enum gw_step step = gw_forward_admins(exchange);

    return step == GW_STEP_FAILED ? refuse(exchange) : step;
}

enum gw_step gw_forward_facts(struct gw_exchange *exchange)
{
    enum gw_step step;

    if (exchange->told)
        return GW_STEP_DONE;
    if (exchange->forward_facts == NULL) {
        exchange->facts.asked = gw_asks_needs(exchange);
        if (exchange->facts.asked == 0)
            return GW_STEP_DONE;
        begin(exchange);
    }
    step = gw_forward_lane_enter(exchange);
    if (step == GW_STEP_DONE)
        step = read_all(exchange);
    if (step == GW_STEP_DONE && (exchange->facts.asked & GW_EKS_FACT_ADMINS) != 0)
        step = read_admins(exchange);
    return step;
}
