/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_EKS_FIXTURE_H
#define GW_TEST_EKS_FIXTURE_H

/*
 * A cluster, a store, and calls that run through all three steps as the gateway
 * runs them. Time stands still and ids count up, so replies can be compared whole.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "eks/service.h"

#define ROLE     "arn:aws:iam::012345678910:role/my-role"
#define ROLE_RAW "arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fmy-role"
#define USER     "arn:aws:iam::012345678910:user/alice"
#define TOKEN    "0f3c1e0a-9d3b-4c56-8f0e-1234567890ab"
/* The id that the first entry of a test gets. */
#define FIRST_ID "fe000102-0304-0506-0708-090a0b0c0d0e"

#define T_INVALID  "InvalidParameterException"
#define T_REQUEST  "InvalidRequestException"
#define T_IN_USE   "ResourceInUseException"
#define T_MISSING  "ResourceNotFoundException"
#define T_LIMIT    "ResourceLimitExceededException"
#define T_REQUIRED "The principalArn parameter is required."

/* What the store is made to hold before a call runs. */
struct cluster_facts {
    bool is_left_alone; /* the test makes clusters by calls */
    bool exists;
    enum gw_eks_auth_mode mode;
};

struct fixture {
    struct gw_arena arena;
    struct gw_epoch *epoch;
    struct gw_epoch_reader *reader;
    struct gw_store *store;
    struct gw_random random;
    unsigned char ids; /* made so far */
    struct gw_eks_limits limits;
    struct cluster_facts cluster;
    int64_t now_ms;
    struct gw_str account;
    struct gw_str cluster_label;

    /* of the last call */
    struct gw_eks_call call;
    struct gw_eks_error error;
    struct gw_eks_result result;
    char text[65536]; /* reply or error body, NUL-terminated */

    /* what policies would choose */
    struct gw_str username;
    const struct gw_pair *tags;
    size_t tag_count;
};

static void fill_counting(void *ctx, void *bytes, size_t length)
{
    struct fixture *f = ctx;
    unsigned char *at = bytes;

    at[0] = 0xff;
    for (size_t i = 1; i < length; i++)
        at[i] = (unsigned char)(i - 1 + f->ids * 16U);
    f->ids++;
}

static inline int set_up(void **state)
{
    static const struct gw_store_options options = {
        .tokens_max = 1000, .tokens_per_entry_max = 16, .token_age_ms = 24 * 3600 * 1000};
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));

    gw_arena_init(&f->arena, 0);
    f->epoch = gw_epoch_new();
    f->reader = gw_epoch_register(f->epoch);
    gw_epoch_enter(f->reader);
    f->store = gw_store_open_memory(&options, f->epoch, gw_random_system());
    f->random = (struct gw_random){f, fill_counting};
    f->limits = (struct gw_eks_limits){
        .entries_per_cluster = 3000, .groups_per_entry = 100, .policies_per_entry = 20, .clusters = 10000};
    f->cluster = (struct cluster_facts){.exists = true, .mode = GW_EKS_MODE_API};
    f->now_ms = 1685475163532;
    f->account = GW_STR("012345678910");
    f->cluster_label = GW_STR("my-cluster");
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;

    gw_epoch_leave(f->reader);
    gw_epoch_unregister(f->reader);
    gw_store_close(&f->store);
    gw_epoch_free(&f->epoch);
    gw_arena_fini(&f->arena);
    free(f);
    return 0;
}

static inline void keep_text(struct fixture *f, struct gw_str text)
{
    assert_true(text.length < sizeof(f->text));
    if (text.length > 0)
        memcpy(f->text, text.at, text.length);
    f->text[text.length] = '\0';
}

static inline enum gw_status keep_error(struct fixture *f, enum gw_status status)
{
    struct gw_buf body;

    assert_int_equal(status, GW_E_DENIED);
    gw_buf_init(&body, sizeof(f->text));
    gw_eks_error_encode(&f->error, &body);
    keep_text(f, gw_buf_str(&body));
    gw_buf_fini(&body);
    return status;
}

/* Begins a call; the fields may be changed before it runs. */
static inline struct gw_eks_call *begin(struct fixture *f, enum gw_eks_op op)
{
    f->call = (struct gw_eks_call){
        .op = op,
        .arena = &f->arena,
        .partition = GW_STR("aws"),
        .account = f->account,
        .region = GW_STR("us-west-2"),
        .raw_labels = {f->cluster_label},
        .label_count = 1,
    };
    f->error = (struct gw_eks_error){0};
    f->result = (struct gw_eks_result){0};
    return &f->call;
}

static inline struct gw_eks_env make_env(struct fixture *f)
{
    return (struct gw_eks_env){
        .now_ms = f->now_ms, .wall_ms = f->now_ms, .random = &f->random, .limits = &f->limits, .store = f->store};
}

/* Makes the store's cluster what f->cluster says. */
static inline void sync_cluster(struct fixture *f)
{
    struct gw_store_key key = {GW_STR("aws"), f->account, GW_STR("us-west-2"), f->call.cluster, GW_STR_NONE};
    const struct gw_cluster *there = gw_store_find_cluster(f->store, &key);
    struct gw_cluster wanted = {.key = key, .mode = f->cluster.mode, .document = GW_STR_INIT("{\"tags\":{}}")};
    struct gw_store_change change = {.key = key, .expected_cluster = there == NULL ? 0 : there->version};
    struct gw_err err;

    if (f->cluster.exists ? there != NULL && there->mode == f->cluster.mode : there == NULL)
        return;
    change.cluster_act = f->cluster.exists ? GW_STORE_PUT : GW_STORE_DELETE;
    change.cluster = f->cluster.exists ? gw_cluster_new(&wanted) : NULL;
    assert_int_equal(gw_store_stage(f->store, &change), GW_OK);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
}

static inline enum gw_status decode_and_check(struct fixture *f)
{
    enum gw_status status = gw_eks_decode(&f->call, &f->error);

    if (status != GW_OK)
        return status;
    if (f->username.at != NULL)
        gw_eks_set_username(&f->call, f->username);
    gw_eks_add_tags(&f->call, f->tags, f->tag_count);
    return gw_eks_check(&f->call, &f->limits, &f->error);
}

/* All steps but the commit. The result is the caller's. */
static inline enum gw_status run_to_prepare(struct fixture *f)
{
    struct gw_eks_env env = make_env(f);
    enum gw_status status = decode_and_check(f);

    if (f->call.cluster.at != NULL && !f->cluster.is_left_alone)
        sync_cluster(f);
    if (status == GW_OK)
        status = gw_eks_prepare(&f->call, &env, &f->result, &f->error);
    if (status != GW_OK)
        return keep_error(f, status);
    keep_text(f, f->result.reply);
    return GW_OK;
}

static inline enum gw_status run(struct fixture *f)
{
    enum gw_status status = run_to_prepare(f);
    struct gw_err err;

    if (status != GW_OK || !f->result.is_change)
        return status;
    assert_int_equal(gw_store_stage(f->store, &f->result.change), GW_OK);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
    return GW_OK;
}

static inline enum gw_status create(struct fixture *f, const char *body)
{
    begin(f, GW_EKS_CreateAccessEntry)->body = gw_str_from(body);
    return run(f);
}

static inline enum gw_status describe(struct fixture *f, const char *label)
{
    struct gw_eks_call *call = begin(f, GW_EKS_DescribeAccessEntry);

    call->raw_labels[1] = gw_str_from(label);
    call->label_count = 2;
    return run(f);
}

/* The last call was refused with this code and exactly this message. */
static inline void expect_error(const struct fixture *f, const char *code, const char *message)
{
    assert_string_equal(gw_eks_error_name(f->error.code), code);
    assert_int_equal(f->error.message.length, strlen(message));
    assert_memory_equal(f->error.message.at, message, strlen(message));
}

static inline void expect_refused(struct fixture *f, const char *body, const char *code, const char *message)
{
    assert_int_equal(create(f, body), GW_E_DENIED);
    expect_error(f, code, message);
    assert_int_equal(gw_store_count(f->store), 0);
}

static inline void expect_created(struct fixture *f, const char *body)
{
    if (create(f, body) != GW_OK)
        fail_msg("refused: %s", f->text);
    assert_int_equal(f->result.status, 200);
}

/* The last reply has this piece of JSON in it. */
static inline void expect_reply_has(const struct fixture *f, const char *piece)
{
    if (strstr(f->text, piece) == NULL)
        fail_msg("%s\nlacks\n%s", f->text, piece);
}

static inline void expect_json(const struct gw_json *value, const char *text)
{
    struct gw_buf out;

    gw_buf_init(&out, 65536);
    gw_json_encode(value, &out);
    gw_buf_append_byte(&out, '\0');
    assert_string_equal(out.at, text);
    gw_buf_fini(&out);
}

/* `count` tags or groups as JSON text; heap, the caller frees. */
static inline char *repeat_json(const char *before, const char *format, size_t count, const char *after)
{
    struct gw_buf out;
    char item[64];

    gw_buf_init(&out, 1 << 20);
    gw_buf_append_str(&out, gw_str_from(before));
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(item, sizeof(item), "%zu", i);
        if (i > 0)
            gw_buf_append_byte(&out, ',');
        gw_buf_append_byte(&out, '"');
        gw_buf_append_str(&out, gw_str_from(item));
        gw_buf_append_str(&out, gw_str_from(format));
    }
    gw_buf_append_str(&out, gw_str_from(after));
    gw_buf_append_byte(&out, '\0');
    return out.at;
}

#define EKS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
