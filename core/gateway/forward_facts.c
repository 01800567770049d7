/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What policies need to know where an upstream knows it: at most three reads, side
 * by side, signed like everything else. What can't be told refuses the request; a
 * 404 is the knowledge that there is none.
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

enum gw_step gw_forward_facts(struct gw_exchange *exchange)
{
    struct gw_forward_facts *all;

    if (exchange->told)
        return GW_STEP_DONE;
    if (exchange->forward_facts == NULL) {
        exchange->facts.asked = gw_asks_needs(exchange);
        if (exchange->facts.asked == 0)
            return GW_STEP_DONE;
        begin(exchange);
        if ((exchange->facts.asked & GW_EKS_FACT_ADMINS) != 0)
            return refuse(exchange);
    }
    all = exchange->forward_facts;
    if (send_all(exchange))
        return GW_STEP_WAITING;
    for (size_t i = 0; i < FACTS; i++)
        all->failed = !take(exchange, facts[i], &all->reads[i]) || all->failed;
    return all->failed ? refuse(exchange) : GW_STEP_DONE;
}
