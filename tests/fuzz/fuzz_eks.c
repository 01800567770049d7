/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a call of any operation that is served, against a store with a
 * cluster and an entry: a line with the operation's name, one with the path's
 * labels between blanks, one with the query, and the rest as the body.
 *
 * A refusal has an error that EKS or its front knows, and words; a reply is JSON
 * (XML of the Query protocol); what policies and records see can be written down.
 * Nothing is committed, so that each input meets the same store.
 */
#include <stdlib.h>

#include "codec/utf8.h"
#include "eks/service.h"

#define REPLY_MAX ((size_t)128 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char caller_arn[] = "arn:aws:iam::012345678910:user/alice";

static struct gw_epoch *epoch;
static struct gw_epoch_reader *reader;
static struct gw_store *store;
static const struct gw_eks_limits limits = {
    .entries_per_cluster = 3, .groups_per_entry = 100, .policies_per_entry = 1, .clusters = 2};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool makes_any(void *ctx, const struct gw_store_key *key)
{
    (void)ctx;
    (void)key;
    return true;
}

static struct gw_eks_call make_call(enum gw_eks_op op, const struct gw_principal *caller, struct gw_arena *arena)
{
    return (struct gw_eks_call){
        .op = op,
        .arena = arena,
        .partition = GW_STR("aws"),
        .account = caller->account,
        .region = GW_STR("us-west-2"),
        .caller = caller,
        .request_id = GW_STR("00000000-0000-4000-8000-000000000000"),
    };
}

static struct gw_eks_env make_env(bool is_mock)
{
    return (struct gw_eks_env){
        .now_ms = 1685475163532,
        .wall_ms = 1685475163532,
        .random = gw_random_system(),
        .limits = &limits,
        .store = store,
        .makes_cluster = is_mock ? makes_any : NULL,
    };
}

/* Carries a call out, so that there is something to find. */
static void commit(enum gw_eks_op op, const char *principal, const char *body, const struct gw_principal *caller)
{
    struct gw_eks_env env = make_env(true);
    struct gw_eks_error error = {0};
    struct gw_eks_result result;
    struct gw_eks_call call;
    struct gw_arena arena;
    struct gw_err err;

    gw_arena_init(&arena, 0);
    call = make_call(op, caller, &arena);
    call.raw_labels[0] = GW_STR("my-cluster");
    call.raw_labels[1] = gw_str_from(principal);
    call.label_count = principal == NULL ? 1 : 2;
    call.body = gw_str_from(body);
    require(gw_eks_decode(&call, &error) == GW_OK && gw_eks_check(&call, &limits, &error) == GW_OK);
    require(gw_eks_prepare(&call, &env, &result, &error) == GW_OK);
    require(gw_store_stage(store, &result.change) == GW_OK && gw_store_commit(store, &err) == GW_OK);
    gw_arena_fini(&arena);
}

static void open_store(const struct gw_principal *caller)
{
    static const struct gw_store_options options = {
        .tokens_max = 10, .tokens_per_entry_max = 16, .token_age_ms = 24 * 3600 * 1000};

    epoch = gw_epoch_new();
    reader = gw_epoch_register(epoch);
    store = gw_store_open_memory(&options, epoch, gw_random_system());
    gw_epoch_enter(reader);
    commit(GW_EKS_CreateAccessEntry, NULL,
           "{\"principalArn\":\"arn:aws:iam::012345678910:role/"
           "my-role\",\"tags\":{\"a\":\"1\"},\"kubernetesGroups\":[\"g\"],"
           "\"clientRequestToken\":\"0f3c1e0a-9d3b-4c56-8f0e-1234567890ab\"}",
           caller);
    commit(GW_EKS_CreateAccessEntry, NULL,
           "{\"principalArn\":\"arn:aws:iam::012345678910:role/node\",\"type\":\"EC2_LINUX\"}", caller);
    commit(GW_EKS_AssociateAccessPolicy, "arn:aws:iam::012345678910:role%2Fmy-role",
           "{\"policyArn\":\"arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy\",\"accessScope\":{\"type\":"
           "\"namespace\",\"namespaces\":[\"a\"]}}",
           caller);
    gw_epoch_leave(reader);
}

static bool find_op(struct gw_str name, enum gw_eks_op *op)
{
    for (int i = 0; i < GW_EKS_OP_COUNT; i++) {
        *op = (enum gw_eks_op)i;
        if (gw_str_is(name, gw_eks_ops[i].name))
            return gw_eks_is_served(*op);
    }
    return false;
}

/* As many as the operation's path has; those that are missing are empty, as no router would let pass. */
static void take_labels(struct gw_eks_call *call, struct gw_str line)
{
    for (const char *at = gw_eks_ops[call->op].path; (at = strchr(at, '{')) != NULL; at++)
        call->raw_labels[call->label_count++] = line.at == NULL ? GW_STR("") : gw_str_split(&line, ' ');
}

static void check_view(struct gw_eks_call *call)
{
    struct gw_buf text;

    gw_buf_init(&text, REPLY_MAX);
    gw_eks_view_input(call);
    gw_json_encode(&call->input, &text);
    gw_json_encode(&call->request_parameters, &text);
    require(!text.overflowed && gw_utf8_count(gw_buf_str(&text), &(size_t){0}));
    gw_buf_fini(&text);
}

static void check_error(const struct gw_eks_error *error)
{
    size_t characters = 0;
    struct gw_buf body;

    require(error->code < GW_EKS_ERROR_COUNT && gw_eks_error_status(error->code) >= 400);
    require(error->message.length > 0);
    gw_buf_init(&body, REPLY_MAX);
    gw_eks_error_encode(error, &body);
    require(!body.overflowed && gw_utf8_count(gw_buf_str(&body), &characters));
    gw_buf_fini(&body);
}

static void check_reply(const struct gw_eks_call *call, const struct gw_eks_result *result)
{
    struct gw_json reply;
    struct gw_err err;

    require(result->status == 200 && result->reply.length > 0);
    if (!gw_eks_service_of(call->op)->query)
        require(gw_json_parse(result->reply, call->arena, &reply, &err) == GW_OK && reply.type == GW_JSON_OBJECT);
    if (result->is_change)
        require(result->change.cluster_act != GW_STORE_KEEP || result->change.entry_act != GW_STORE_KEEP);
    require(result->is_change || result->change.entry == NULL);
}

static void run(struct gw_eks_call *call, bool is_mock)
{
    struct gw_eks_env env = make_env(is_mock);
    struct gw_eks_error error = {0};
    struct gw_eks_result result;
    enum gw_status status = gw_eks_decode(call, &error);

    check_view(call);
    if (status == GW_OK) {
        (void)gw_eks_resource_arn(call, store);
        status = gw_eks_check(call, &limits, &error);
    }
    if (status != GW_OK) {
        check_error(&error);
        return;
    }
    if (gw_eks_prepare(call, &env, &result, &error) != GW_OK) {
        check_error(&error);
        return;
    }
    check_reply(call, &result);
    gw_eks_result_drop(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str rest = {(const char *)data, size};
    struct gw_str lines[3] = {GW_STR_NONE, GW_STR_NONE, GW_STR_NONE};
    struct gw_principal caller;
    enum gw_eks_op op;

    require(gw_arn_parse_principal(GW_STR(caller_arn), &caller) == GW_OK);
    if (store == NULL)
        open_store(&caller);
    for (size_t i = 0; i < GW_COUNT(lines) && rest.at != NULL; i++)
        lines[i] = gw_str_split(&rest, '\n');
    if (!find_op(lines[0], &op))
        return 0;
    for (int is_mock = 0; is_mock < 2; is_mock++) {
        struct gw_arena arena;
        struct gw_eks_call call;

        gw_arena_init(&arena, 0);
        call = make_call(op, &caller, &arena);
        take_labels(&call, lines[1]);
        call.query = lines[2];
        call.body = rest;
        gw_epoch_enter(reader);
        run(&call, is_mock != 0);
        gw_epoch_leave(reader);
        gw_arena_fini(&arena);
    }
    return 0;
}
