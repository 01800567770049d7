/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering a cluster of the upstream: one small state machine per exchange, run
 * whenever the exchange is.
 *
 *   NEW -> [ASKED] -> TOLD -> [WRITES] -> TOLD -> THERE
 *                  -> GONE -> [WRITES] -> ABSENT
 *
 * Whoever was told of another incarnation than the row's can't know from that
 * which of them is the newer. Replies may overtake each other: if anything has
 * happened to a cluster of that name since this one was asked for, it is asked for
 * again, so that what replaces a row was seen behind it.
 */
#include "gateway/overlay.h"

#include "base/log.h"
#include "codec/uri.h"
#include "journal/record.h"

#define ATTEMPTS 16

struct gw_overlay *gw_overlay_of(struct gw_exchange *exchange)
{
    if (exchange->overlay == NULL)
        exchange->overlay = gw_arena_zero(exchange->arena, 1, sizeof(*exchange->overlay));
    return exchange->overlay;
}

struct gw_overlay_key gw_overlay_key_of(const struct gw_exchange *exchange)
{
    return (struct gw_overlay_key){.access_key = exchange->caller.access_key,
                                   .account = exchange->caller.identity.account,
                                   .region = exchange->verify.region,
                                   .cluster = exchange->call.cluster};
}

static struct gw_overlay_memory *memory_of(const struct gw_exchange *exchange)
{
    return exchange->worker->gateway->overlay;
}

void gw_overlay_choose(struct gw_exchange *exchange)
{
    struct gw_eks_call *call = &exchange->call;

    switch (gw_eks_overlay_side(call)) {
    case GW_EKS_SIDE_HERE:
    case GW_EKS_SIDE_STORE:
    case GW_EKS_SIDE_SHOWN:
        call->is_forwarded = false;
        break;
    case GW_EKS_SIDE_BOTH: /* until `enter` knows */
    case GW_EKS_SIDE_UPSTREAM:
        call->is_forwarded = true;
        break;
    }
}

void gw_overlay_touch(const struct gw_exchange *exchange)
{
    struct gw_overlay_key key = gw_overlay_key_of(exchange);

    if (key.cluster.at != NULL)
        gw_overlay_memory_touch(memory_of(exchange), &key);
}

bool gw_overlay_is_absent(const struct gw_exchange *exchange)
{
    return exchange->overlay != NULL && exchange->overlay->phase == GW_OVERLAY_ABSENT;
}

bool gw_overlay_is_there(const struct gw_exchange *exchange)
{
    return exchange->overlay != NULL && exchange->overlay->phase == GW_OVERLAY_THERE;
}

void gw_overlay_leave(struct gw_exchange *exchange)
{
    if (exchange->overlay == NULL)
        return;
    exchange->overlay->phase = GW_OVERLAY_NEW;
    exchange->overlay->attempts = 0;
}

static bool wants_document(struct gw_exchange *exchange)
{
    return exchange->call.op == GW_EKS_DescribeCluster || (gw_asks_needs(exchange) & GW_EKS_FACT_CLUSTER) != 0;
}

static enum gw_step refuse_untold(struct gw_exchange *exchange, const char *why)
{
    gw_log(GW_LOG_WARN, "upstream", "whether the cluster is there can't be told (request %s): %s", exchange->request_id,
           why);
    return gw_answer_error(exchange, GW_EKS_ServiceUnavailableException,
                           GW_STR("Whether the upstream has the cluster could not be told; nothing was done. Try "
                                  "again."));
}

static void on_reply(void *ctx, struct gw_upstream_call *call)
{
    struct gw_exchange *exchange = ctx;

    gw_forward_wipe(call);
    exchange->overlay->read.has_ended = true;
    gw_exchange_resume(exchange);
}

static struct gw_str path_of(const struct gw_exchange *exchange)
{
    struct gw_buf text;
    struct gw_str path;

    gw_buf_init(&text, GW_FORWARD_HEAD_MAX);
    gw_buf_append_lit(&text, "/clusters/");
    gw_uri_encode(exchange->call.cluster, false, &text);
    path = gw_arena_str(exchange->arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return path;
}

static enum gw_step ask(struct gw_exchange *exchange)
{
    struct gw_overlay *overlay = exchange->overlay;
    struct gw_overlay_key key = gw_overlay_key_of(exchange);
    enum gw_status status;

    if (overlay->attempts++ == ATTEMPTS)
        return refuse_untold(exchange, "it keeps changing");
    overlay->read = (struct gw_forward){.exchange = NULL};
    overlay->is_remembered = false;
    overlay->mark = gw_overlay_memory_mark(memory_of(exchange), &key);
    overlay->asked_ms = gw_clock_monotonic_ms(exchange->worker->gateway->clock);
    gw_forward_read(exchange, path_of(exchange), GW_STR_NONE, &overlay->read);
    overlay->read.call.on_done = on_reply;
    overlay->read.call.ctx = exchange;
    status = gw_forward_send(&overlay->read, &overlay->read.call.err);
    if (status == GW_E_DENIED) {
        overlay->read.is_denied = true;
        overlay->read.call.outcome = GW_UPSTREAM_NOT_SENT;
        return gw_forward_take(exchange, &overlay->read);
    }
    if (status != GW_OK && status != GW_AGAIN)
        return refuse_untold(exchange, overlay->read.call.err.text);
    overlay->phase = status == GW_OK ? GW_OVERLAY_ASKED : GW_OVERLAY_ASKS; /* once there are credentials */
    return GW_STEP_WAITING;
}

/* What was seen lately will do, where nobody wants to see the cluster itself. */
static enum gw_step begin(struct gw_exchange *exchange)
{
    struct gw_overlay *overlay = exchange->overlay;
    struct gw_overlay_key key = gw_overlay_key_of(exchange);
    int64_t now_ms = gw_clock_monotonic_ms(exchange->worker->gateway->clock);

    if (wants_document(exchange) || !gw_overlay_memory_recall(memory_of(exchange), &key, exchange->arena,
                                                              &overlay->seen, &overlay->asked_ms, &overlay->mark))
        return ask(exchange);
    if (now_ms - overlay->asked_ms >= (int64_t)exchange->worker->gateway->options.overlay.cluster_ttl_ms ||
        overlay->mark != gw_overlay_memory_mark(memory_of(exchange), &key))
        return ask(exchange);
    overlay->is_remembered = true;
    overlay->phase = GW_OVERLAY_TOLD;
    return GW_STEP_AGAIN;
}

static enum gw_step hear(struct gw_exchange *exchange)
{
    struct gw_overlay *overlay = exchange->overlay;
    struct gw_forward *read = &overlay->read;
    struct gw_overlay_key key = gw_overlay_key_of(exchange);
    struct gw_err err;

    if (!read->has_ended)
        return GW_STEP_WAITING;
    if (read->call.outcome != GW_UPSTREAM_REPLIED)
        return refuse_untold(exchange, read->call.err.text);
    if (gw_forward_says_absent(read, exchange->arena)) {
        overlay->phase = GW_OVERLAY_GONE;
        return GW_STEP_AGAIN;
    }
    if (read->call.reply.status != 200)
        return read->call.reply.status >= 400 && read->call.reply.status < 500 && read->call.reply.status != 404
                   ? gw_forward_take(exchange, read)
                   : refuse_untold(exchange, "the upstream's answer isn't DescribeCluster's");
    if (gw_eks_overlay_read(read->call.reply_body, key.cluster, exchange->arena, &overlay->seen, &err) != GW_OK)
        return refuse_untold(exchange, err.text);
    gw_overlay_memory_keep(memory_of(exchange), &key, &overlay->seen, overlay->asked_ms, overlay->mark);
    overlay->phase = GW_OVERLAY_TOLD;
    return GW_STEP_AGAIN;
}

/* The record of what the gateway does by itself, as for clusters of the configuration. arena */
static struct gw_str record_of(const struct gw_exchange *exchange, const struct gw_eks_overlay_change *change)
{
    const struct gw_store_change *store = &change->result.change;
    bool is_drop = store->cluster_act == GW_STORE_DELETE;
    struct gw_json eksgate = {.type = GW_JSON_OBJECT};
    struct gw_json parameters = {.type = GW_JSON_OBJECT};
    struct gw_record record = {.time_ms = gw_clock_wall_ms(exchange->worker->gateway->clock),
                               .operation = is_drop ? GW_STR("DeleteCluster") : GW_STR("CreateCluster"),
                               .region = store->key.region,
                               .account = store->key.account,
                               .is_own = true,
                               .request_parameters = &parameters,
                               .response_elements = is_drop ? GW_STR_NONE : store->cluster->document,
                               .eksgate = &eksgate};
    struct gw_str line = GW_STR_NONE;
    char id[37];
    struct gw_buf text;

    gw_json_set(exchange->arena, &eksgate, GW_STR("change"), gw_json_bool(true));
    gw_json_set(exchange->arena, &eksgate, GW_STR("source"), gw_json_string(GW_STR("upstream")));
    if (change->drops != 0)
        gw_json_set(exchange->arena, &eksgate, GW_STR("replaces"), gw_json_bool(true));
    gw_json_set(exchange->arena, &eksgate, GW_STR("causedBy"),
                gw_json_string((struct gw_str){(char *)exchange->request_id, 36}));
    gw_json_set(exchange->arena, &eksgate, GW_STR("generation"),
                gw_json_integer((int64_t)gw_exchange_settings(exchange)->generation));
    gw_json_set(exchange->arena, &parameters, GW_STR("name"), gw_json_string(store->key.cluster));
    gw_random_uuid(exchange->worker->gateway->random, id);
    record.event_id = (struct gw_str){id, 36};
    gw_buf_init(&text, GW_JOURNAL_TEXT_MAX);
    gw_record_encode(&record, &text);
    if (!text.overflowed)
        line = gw_arena_str(exchange->arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return line;
}

static void on_written(struct gw_commit_job *job)
{
    struct gw_exchange *exchange = job->ctx;

    exchange->overlay->is_written = true;
    gw_exchange_resume(exchange);
}

/* On the writer's thread: the old row and all its entries go, the new one comes, both or none. */
static enum gw_status replace(struct gw_commit_job *job, struct gw_store *store)
{
    struct gw_overlay *overlay = ((struct gw_exchange *)job->ctx)->overlay;
    enum gw_status status = gw_store_stage(store, &overlay->drop);

    return status == GW_OK ? gw_store_stage(store, &overlay->change.result.change) : status;
}

enum gw_status gw_overlay_write(struct gw_exchange *exchange)
{
    struct gw_overlay *overlay = exchange->overlay;
    struct gw_store_change *change = &overlay->change.result.change;

    overlay->is_written = false;
    overlay->job = (struct gw_commit_job){.done = on_written, .ctx = exchange};
    if (overlay->change.drops != 0) {
        overlay->drop = (struct gw_store_change){.key = change->key,
                                                 .expected_cluster = overlay->change.drops,
                                                 .cluster_act = GW_STORE_DELETE,
                                                 .now_ms = change->now_ms};
        overlay->job.stage = replace;
    } else {
        overlay->job.change = change;
    }
    if (gw_exchange_settings(exchange)->audit)
        overlay->job.record = record_of(exchange, &overlay->change);
    gw_overlay_touch(exchange);
    return gw_commit_add(exchange->worker->port, &overlay->job);
}

static enum gw_step write_down(struct gw_exchange *exchange, enum gw_overlay_phase behind)
{
    struct gw_overlay *overlay = exchange->overlay;

    overlay->behind = behind;
    overlay->phase = GW_OVERLAY_WRITES;
    if (gw_overlay_write(exchange) == GW_OK)
        return GW_STEP_WAITING;
    gw_eks_result_drop(&overlay->change.result);
    return refuse_untold(exchange, "the writer takes no change");
}

/* Since the upstream was asked, another exchange has done something to a cluster of that name. */
static bool is_overtaken(const struct gw_exchange *exchange)
{
    struct gw_overlay_key key = gw_overlay_key_of(exchange);

    return exchange->overlay->is_remembered ||
           exchange->overlay->mark != gw_overlay_memory_mark(memory_of(exchange), &key);
}

static enum gw_step compare(struct gw_exchange *exchange)
{
    struct gw_overlay *overlay = exchange->overlay;
    struct gw_eks_env env = gw_exchange_env(exchange);
    struct gw_eks_error error = {0};

    gw_eks_overlay_enter(&exchange->call, &overlay->seen);
    if (gw_eks_overlay_is_same(gw_eks_overlay_find(&exchange->call, env.store), &overlay->seen)) {
        overlay->phase = GW_OVERLAY_THERE;
        return GW_STEP_AGAIN;
    }
    if (is_overtaken(exchange))
        return ask(exchange);
    if (gw_eks_overlay_adopt(&exchange->call, &env, &overlay->seen,
                             exchange->worker->gateway->options.overlay.authentication_mode, &overlay->change,
                             &error) != GW_OK)
        return gw_answer_eks_error(exchange, &error);
    return write_down(exchange, GW_OVERLAY_TOLD);
}

/* Whose row it was is known where the cluster was seen as this caller before. */
static enum gw_step forget(struct gw_exchange *exchange)
{
    struct gw_overlay *overlay = exchange->overlay;
    struct gw_overlay_key key = gw_overlay_key_of(exchange);
    struct gw_eks_env env = gw_exchange_env(exchange);
    struct gw_eks_call call = exchange->call;
    struct gw_eks_seen seen;
    int64_t asked_ms;
    uint64_t mark;

    overlay->phase = GW_OVERLAY_ABSENT;
    if (!gw_overlay_memory_recall(memory_of(exchange), &key, exchange->arena, &seen, &asked_ms, &mark))
        return GW_STEP_AGAIN;
    gw_eks_overlay_enter(&call, &seen);
    if (gw_eks_overlay_find(&call, env.store) == NULL)
        return GW_STEP_AGAIN;
    if (is_overtaken(exchange))
        return ask(exchange);
    gw_eks_overlay_drop(&call, &env, NULL, &overlay->change);
    return write_down(exchange, GW_OVERLAY_GONE);
}

/* Behind the writer: the row is looked at again, or where another change came first the upstream is. */
static enum gw_step look_again(struct gw_exchange *exchange)
{
    struct gw_overlay *overlay = exchange->overlay;

    if (!overlay->is_written)
        return GW_STEP_WAITING;
    if (overlay->job.status == GW_OK)
        overlay->change.result.is_change = false; /* the store owns its objects now */
    else
        gw_eks_result_drop(&overlay->change.result);
    if (overlay->job.status != GW_OK && overlay->job.status != GW_E_STALE)
        return refuse_untold(exchange, "what is known of it could not be stored");
    overlay->phase = overlay->behind;
    return GW_STEP_AGAIN;
}

static enum gw_step run(struct gw_exchange *exchange)
{
    switch (exchange->overlay->phase) {
    case GW_OVERLAY_NEW:
        return begin(exchange);
    case GW_OVERLAY_ASKS:
        return ask(exchange);
    case GW_OVERLAY_ASKED:
        return hear(exchange);
    case GW_OVERLAY_TOLD:
        return compare(exchange);
    case GW_OVERLAY_GONE:
        return forget(exchange);
    case GW_OVERLAY_WRITES:
        return look_again(exchange);
    case GW_OVERLAY_THERE:
    case GW_OVERLAY_ABSENT:
        break;
    }
    return GW_STEP_DONE;
}

static bool is_wanted(struct gw_exchange *exchange)
{
    if (exchange->call.cluster.at == NULL)
        return false;
    switch (gw_eks_overlay_side(&exchange->call)) {
    case GW_EKS_SIDE_HERE:
        return false;
    case GW_EKS_SIDE_STORE:
    case GW_EKS_SIDE_SHOWN:
    case GW_EKS_SIDE_BOTH:
        return true;
    case GW_EKS_SIDE_UPSTREAM:
        break;
    }
    return gw_asks_needs(exchange) != 0;
}

enum gw_step gw_overlay_enter(struct gw_exchange *exchange)
{
    enum gw_step step = GW_STEP_AGAIN;

    if (!is_wanted(exchange))
        return GW_STEP_DONE;
    (void)gw_overlay_of(exchange);
    while (step == GW_STEP_AGAIN)
        step = run(exchange);
    if (step == GW_STEP_DONE && gw_eks_overlay_side(&exchange->call) == GW_EKS_SIDE_BOTH)
        exchange->call.is_forwarded =
            !gw_overlay_is_absent(exchange) &&
            gw_eks_overlay_settle(&exchange->call,
                                  gw_eks_overlay_find(&exchange->call, exchange->worker->gateway->store));
    return step;
}
