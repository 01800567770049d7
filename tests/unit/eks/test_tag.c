/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags: whose resource an ARN names, clusters that a mock makes by being tagged,
 * and changes that another overtakes.
 */
#include "fixture.h"

#include "eks/tag.h"

#define CLUSTER      "arn:aws:eks:us-west-2:012345678910:cluster/my-cluster"
#define CLUSTER_RAW  "arn:aws:eks:us-west-2:012345678910:cluster%2Fmy-cluster"
#define OTHER_RAW    "arn:aws:eks:us-west-2:012345678910:cluster%2Fother"
#define NO_RESOURCE  "The specified resourceArn could not be found."
#define BAD_RESOURCE "The resourceArn parameter format is not valid"
#define T_BAD        "BadRequestException"
#define T_NOT_FOUND  "NotFoundException"

static struct gw_eks_call *begin_tags(struct fixture *f, enum gw_eks_op op, const char *label, const char *body)
{
    struct gw_eks_call *call = begin(f, op);

    call->raw_labels[0] = gw_str_from(label);
    call->body = gw_str_from(body);
    f->cluster.is_left_alone = true;
    return call;
}

static enum gw_status list_tags(struct fixture *f, const char *label)
{
    (void)begin_tags(f, GW_EKS_ListTagsForResource, label, NULL);
    return run(f);
}

static enum gw_status tag(struct fixture *f, const char *label, const char *body)
{
    (void)begin_tags(f, GW_EKS_TagResource, label, body);
    return run(f);
}

/* The label of the entry that the last reply shows; arena. */
static const char *entry_label(struct fixture *f)
{
    const char *at = strstr(f->text, "\"accessEntryArn\":\"");
    struct gw_buf out;
    struct gw_str label;

    assert_non_null(at);
    at += strlen("\"accessEntryArn\":\"");
    gw_buf_init(&out, 4096);
    for (; *at != '"'; at++) {
        if (*at == '/')
            gw_buf_append_lit(&out, "%2F");
        else
            gw_buf_append_byte(&out, *at);
    }
    gw_buf_append_byte(&out, '\0');
    label = gw_arena_str(&f->arena, gw_buf_str(&out));
    gw_buf_fini(&out);
    return label.at;
}

/* Every entry is in one table by ARN, whoever asks: the scope decides. */
static void find__an_entry_of_another_scope__isnt_there(void **state)
{
    struct fixture *f = *state;
    const char *label;

    expect_created(f, "{\"principalArn\":\"" ROLE "\",\"tags\":{\"a\":\"1\"}}");
    label = entry_label(f);
    assert_int_equal(list_tags(f, label), GW_OK);
    assert_string_equal(f->text, "{\"tags\":{\"a\":\"1\"}}");
    for (int i = 0; i < 3; i++) {
        struct gw_eks_call *call = begin_tags(f, GW_EKS_TagResource, label, "{\"tags\":{\"b\":\"1\"}}");

        if (i == 0)
            call->account = GW_STR("999999999999");
        if (i == 1)
            call->region = GW_STR("eu-central-1");
        if (i == 2)
            call->partition = GW_STR("aws-cn");
        assert_int_equal(run(f), GW_E_DENIED);
        expect_error(f, T_NOT_FOUND, NO_RESOURCE);
    }
    assert_int_equal(list_tags(f, label), GW_OK);
    assert_string_equal(f->text, "{\"tags\":{\"a\":\"1\"}}");
}

/* Nothing shorter than an ARN is one, whatever follows it in memory. */
static void decode__every_beginning_of_an_arn__is_read_to_its_end_only(void **state)
{
    struct fixture *f = *state;
    struct gw_str whole = GW_STR(CLUSTER_RAW);

    for (size_t length = 0; length < whole.length; length++) {
        begin_tags(f, GW_EKS_ListTagsForResource, "", NULL)->raw_labels[0] = gw_str_slice(whole, 0, length);
        assert_int_equal(run(f), GW_E_DENIED);
        if (length <= strlen("arn:aws:eks:us-west-2:012345678910:cluster%2F"))
            expect_error(f, T_BAD, BAD_RESOURCE);
        else
            expect_error(f, T_NOT_FOUND, NO_RESOURCE);
    }
}

static bool makes_any(void *ctx, const struct gw_store_key *key)
{
    (void)ctx;
    (void)key;
    return true;
}

/* As run(), in a mock. */
static enum gw_status run_mock(struct fixture *f)
{
    struct gw_eks_env env = make_env(f);
    enum gw_status status = decode_and_check(f);
    struct gw_err err;

    env.makes_cluster = makes_any;
    if (status == GW_OK)
        status = gw_eks_prepare(&f->call, &env, &f->result, &f->error);
    if (status != GW_OK)
        return keep_error(f, status);
    keep_text(f, f->result.reply);
    if (f->result.is_change) {
        assert_int_equal(gw_store_stage(f->store, &f->result.change), GW_OK);
        assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
    }
    return GW_OK;
}

static void mock__a_cluster_that_is_tagged_first__is_made_with_its_tags(void **state)
{
    struct fixture *f = *state;

    (void)begin_tags(f, GW_EKS_TagResource, CLUSTER_RAW, "{\"tags\":{\"a\":\"1\"}}");
    assert_int_equal(run_mock(f), GW_OK);
    (void)begin_tags(f, GW_EKS_ListTagsForResource, CLUSTER_RAW, NULL);
    assert_int_equal(run_mock(f), GW_OK);
    assert_string_equal(f->text, "{\"tags\":{\"a\":\"1\"}}");
    assert_false(f->result.is_change);
    (void)begin_tags(f, GW_EKS_ListTagsForResource, OTHER_RAW, NULL);
    assert_int_equal(run_mock(f), GW_OK);
    assert_string_equal(f->text, "{\"tags\":{}}");
    assert_int_equal(gw_store_count_clusters(f->store), 2);
}

static void mock__other_accounts_clusters_and_entries__arent_made(void **state)
{
    struct fixture *f = *state;
    static const char *const labels[] = {
        "arn:aws:eks:us-west-2:999999999999:cluster%2Fmy-cluster",
        "arn:aws:eks:eu-central-1:012345678910:cluster%2Fmy-cluster",
        "arn:aws-cn:eks:us-west-2:012345678910:cluster%2Fmy-cluster",
        "arn:aws:eks:us-west-2:012345678910:cluster%2Fmy-cluster%2Fx",
        "arn:aws:eks:us-west-2:012345678910:access-entry%2Fmy-cluster%2Frole%2F012345678910%2Fr%2Fx",
    };

    for (size_t i = 0; i < GW_COUNT(labels); i++) {
        (void)begin_tags(f, GW_EKS_TagResource, labels[i], "{\"tags\":{\"a\":\"1\"}}");
        assert_int_equal(run_mock(f), GW_E_DENIED);
        expect_error(f, T_NOT_FOUND, NO_RESOURCE);
    }
    assert_int_equal(gw_store_count_clusters(f->store), 0);
    f->limits.clusters = 0;
    (void)begin_tags(f, GW_EKS_TagResource, CLUSTER_RAW, "{\"tags\":{\"a\":\"1\"}}");
    assert_int_equal(run_mock(f), GW_E_DENIED);
    assert_string_equal(gw_eks_error_name(f->error.code), T_LIMIT);
}

static void tag__prepared_again_after_another__has_both(void **state)
{
    struct fixture *f = *state;
    const char *labels[2] = {CLUSTER_RAW, NULL};

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    labels[1] = entry_label(f);
    for (size_t i = 0; i < GW_COUNT(labels); i++) {
        struct gw_eks_env env = make_env(f);
        struct gw_store_change late;
        struct gw_eks_call waiting;
        struct gw_err err;

        (void)begin_tags(f, GW_EKS_TagResource, labels[i], "{\"tags\":{\"a\":\"1\"}}");
        assert_int_equal(run_to_prepare(f), GW_OK);
        late = f->result.change;
        waiting = f->call;
        assert_int_equal(tag(f, labels[i], "{\"tags\":{\"b\":\"2\"}}"), GW_OK);
        assert_int_equal(gw_store_stage(f->store, &late), GW_E_STALE);
        gw_store_change_drop(&late);
        assert_int_equal(gw_eks_prepare(&waiting, &env, &f->result, &f->error), GW_OK);
        assert_int_equal(gw_store_stage(f->store, &f->result.change), GW_OK);
        assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
        assert_int_equal(list_tags(f, labels[i]), GW_OK);
        assert_string_equal(f->text, "{\"tags\":{\"b\":\"2\",\"a\":\"1\"}}");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(find__an_entry_of_another_scope__isnt_there),
        EKS_TEST(decode__every_beginning_of_an_arn__is_read_to_its_end_only),
        EKS_TEST(mock__a_cluster_that_is_tagged_first__is_made_with_its_tags),
        EKS_TEST(mock__other_accounts_clusters_and_entries__arent_made),
        EKS_TEST(tag__prepared_again_after_another__has_both),
    };

    return cmocka_run_group_tests_name("eks/tag", tests, NULL, NULL);
}
