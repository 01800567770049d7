/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters of an upstream that knows no access entries: who answers, what is read of them, what the store keeps. */
#include "cluster_case.h"

#include "eks/cluster_input.h"
#include "eks/overlay.h"

#define ARN     "arn:aws:eks:us-west-2:123456789012:cluster/demo"
#define CLUSTER "{\"cluster\":{\"name\":\"demo\",\"arn\":\"" ARN "\",\"createdAt\":%s,\"status\":\"ACTIVE\"%s}}"

static struct gw_str shown(struct fixture *f, const char *created, const char *more)
{
    return gw_arena_printf(&f->arena, CLUSTER, created, more);
}

static struct gw_eks_seen see(struct fixture *f, const char *created, const char *more)
{
    struct gw_eks_seen seen;
    struct gw_err err;

    if (gw_eks_overlay_read(shown(f, created, more), GW_STR("demo"), &f->arena, &seen, &err) != GW_OK)
        fail_msg("%s", err.text);
    return seen;
}

static void expect_unreadable(struct fixture *f, const char *reply)
{
    struct gw_eks_seen seen;
    struct gw_err err;

    assert_int_equal(gw_eks_overlay_read(gw_str_from(reply), GW_STR("demo"), &f->arena, &seen, &err), GW_E_SYNTAX);
}

/* A decoded call about the cluster that was seen. */
static struct gw_eks_call *enter(struct fixture *f, enum gw_eks_op op, const char *body, const struct gw_eks_seen *seen)
{
    struct gw_eks_call *call = begin(f, op);

    call->caller = parse_caller(f, USER);
    call->body = gw_str_from(body);
    call->raw_labels[0] = GW_STR("demo");
    call->label_count = op == GW_EKS_CreateCluster ? 0 : 1;
    assert_int_equal(gw_eks_decode(call, &f->error), GW_OK);
    gw_eks_overlay_enter(call, seen);
    return call;
}

static void commit(struct fixture *f, struct gw_eks_overlay_change *change)
{
    struct gw_err err;

    assert_true(change->result.is_change);
    if (change->drops != 0) {
        struct gw_store_change drop = {
            .key = change->result.change.key, .expected_cluster = change->drops, .cluster_act = GW_STORE_DELETE};

        assert_int_equal(gw_store_stage(f->store, &drop), GW_OK);
    }
    assert_int_equal(gw_store_stage(f->store, &change->result.change), GW_OK);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
    change->result.is_change = false;
}

static struct gw_eks_overlay_change adopt(struct fixture *f, const struct gw_eks_seen *seen)
{
    struct gw_eks_call *call = enter(f, GW_EKS_ListAccessEntries, NULL, seen);
    struct gw_eks_env env = make_env(f);
    struct gw_eks_overlay_change change;

    assert_int_equal(gw_eks_overlay_adopt(call, &env, seen, GW_EKS_MODE_API_AND_CONFIG_MAP, &change, &f->error), GW_OK);
    return change;
}

static struct gw_eks_overlay_change make(struct fixture *f, const char *more, const struct gw_eks_seen *seen)
{
    const char *body =
        gw_arena_printf(&f->arena, "{\"name\":\"demo\",\"roleArn\":\"" ROLE_ARN "\"," VPC "%s}", more).at;
    struct gw_eks_call *call = enter(f, GW_EKS_CreateCluster, body, seen);
    struct gw_eks_env env = make_env(f);
    struct gw_eks_overlay_change change;

    assert_int_equal(gw_eks_overlay_create(call, &env, seen, GW_EKS_MODE_API_AND_CONFIG_MAP, &change, &f->error),
                     GW_OK);
    return change;
}

static const struct gw_cluster *row(struct fixture *f)
{
    return gw_eks_overlay_find(&f->call, f->store);
}

static void read__reply__gives_scope_and_incarnation(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_seen seen = see(f, "1795686337.5364", "");

    assert_true(gw_str_is(seen.partition, "aws"));
    assert_true(gw_str_is(seen.region, "us-west-2"));
    assert_true(gw_str_is(seen.account, "123456789012"));
    assert_true(gw_str_is(seen.front, "{\"name\":\"demo\",\"arn\":\"" ARN "\",\"createdAt\":1795686337.536,"));
    assert_false(seen.has_mode);
}

static void read__time_in_any_form__is_one_incarnation(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_seen seconds = see(f, "1795686337", "");
    struct gw_eks_seen text = see(f, "\"2026-11-26T09:45:37Z\"", "");

    assert_true(gw_str_equal(seconds.front, text.front));
}

static void read__mode_that_is_shown__is_taken(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_seen seen = see(f, "1", ",\"accessConfig\":{\"authenticationMode\":\"API\"}");

    assert_true(seen.has_mode);
    assert_int_equal(seen.mode, GW_EKS_MODE_API);
    assert_false(see(f, "1", ",\"accessConfig\":{\"authenticationMode\":\"OTHER\"}").has_mode);
    assert_false(see(f, "1", ",\"accessConfig\":7").has_mode);
}

static void read__what_is_no_cluster_of_that_name__is_refused(void **state)
{
    static const char *const replies[] = {
        "",
        "{}",
        "[]",
        "{\"cluster\":[]}",
        "{\"cluster\":{\"createdAt\":1}}",
        "{\"cluster\":{\"arn\":\"" ARN "\"}}",
        "{\"cluster\":{\"arn\":\"" ARN "\",\"createdAt\":null}}",
        "{\"cluster\":{\"arn\":\"" ARN "\",\"createdAt\":-1}}",
        "{\"cluster\":{\"arn\":\"" ARN "\",\"createdAt\":1e300}}",
        "{\"cluster\":{\"arn\":\"" ARN "\",\"createdAt\":\"now\"}}",
        "{\"cluster\":{\"arn\":7,\"createdAt\":1}}",
        "{\"cluster\":{\"arn\":\"" ARN "2\",\"createdAt\":1}}",
        "{\"cluster\":{\"arn\":\"arn:aws:eks:us-west-2:123456789012\",\"createdAt\":1}}",
        "{\"cluster\":{\"arn\":\"arn:aws:ecs:us-west-2:123456789012:cluster/demo\",\"createdAt\":1}}",
        "{\"cluster\":{\"arn\":\"arn:moto:eks:us-west-2:123456789012:cluster/demo\",\"createdAt\":1}}",
        "{\"cluster\":{\"arn\":\"arn:aws:eks:US:123456789012:cluster/demo\",\"createdAt\":1}}",
        "{\"cluster\":{\"arn\":\"arn:aws:eks:us-west-2:12345678901:cluster/demo\",\"createdAt\":1}}",
    };

    for (size_t i = 0; i < GW_COUNT(replies); i++)
        expect_unreadable(*state, replies[i]);
}

static enum gw_eks_side side_of(struct fixture *f, enum gw_eks_op op, const char *label, const char *body)
{
    struct gw_eks_call *call = begin(f, op);

    call->is_forwarded = true;
    call->raw_labels[0] = gw_str_from(label);
    call->raw_labels[1] = GW_STR("0f3c1e0a-9d3b-4c56-8f0e-1234567890ab");
    call->label_count = 2;
    call->body = gw_str_from(body);
    assert_int_equal(gw_eks_decode(call, &f->error), GW_OK);
    return gw_eks_overlay_side(call);
}

#define TAG_ARN(resource) "arn%3Aaws%3Aeks%3Aus-west-2%3A123456789012%3A" resource

static void side__of_every_kind_of_call(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(side_of(f, GW_EKS_ListAccessEntries, "demo", NULL), GW_EKS_SIDE_STORE);
    assert_int_equal(side_of(f, GW_EKS_ListAccessPolicies, NULL, NULL), GW_EKS_SIDE_HERE);
    assert_int_equal(side_of(f, GW_EKS_DescribeCluster, "demo", NULL), GW_EKS_SIDE_SHOWN);
    assert_int_equal(side_of(f, GW_EKS_DeleteCluster, "demo", NULL), GW_EKS_SIDE_UPSTREAM);
    assert_int_equal(side_of(f, GW_EKS_ListNodegroups, "demo", NULL), GW_EKS_SIDE_UPSTREAM);
    assert_int_equal(
        side_of(f, GW_EKS_UpdateClusterConfig, "demo", "{\"accessConfig\":{\"authenticationMode\":\"API\"}}"),
        GW_EKS_SIDE_STORE);
    assert_int_equal(side_of(f, GW_EKS_UpdateClusterConfig, "demo", "{\"deletionProtection\":true}"),
                     GW_EKS_SIDE_UPSTREAM);
    assert_int_equal(side_of(f, GW_EKS_DescribeUpdate, "demo", NULL), GW_EKS_SIDE_BOTH);
    assert_int_equal(side_of(f, GW_EKS_TagResource, TAG_ARN("cluster%2Fdemo"), "{\"tags\":{\"a\":\"b\"}}"),
                     GW_EKS_SIDE_UPSTREAM);
    assert_int_equal(side_of(f, GW_EKS_ListTagsForResource, TAG_ARN("access-entry%2Fdemo%2Frole%2F1%2Fr%2F2"), NULL),
                     GW_EKS_SIDE_STORE);
    assert_int_equal(side_of(f, GW_EKS_ListTagsForResource, TAG_ARN("nodegroup%2Fdemo%2Fng%2F2"), NULL),
                     GW_EKS_SIDE_UPSTREAM);
}

static void adopt__new_cluster__gets_a_row_once(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_seen seen = see(f, "1795686337.536", "");
    struct gw_eks_overlay_change change = adopt(f, &seen);

    commit(f, &change);
    assert_int_equal(row(f)->mode, GW_EKS_MODE_API_AND_CONFIG_MAP);
    assert_true(gw_str_is(row(f)->document, "{\"name\":\"demo\",\"arn\":\"" ARN "\",\"createdAt\":1795686337.536,"
                                            "\"accessConfig\":{\"authenticationMode\":\"API_AND_CONFIG_MAP\"}}"));
    assert_true(gw_eks_overlay_is_same(row(f), &seen));
    change = adopt(f, &seen);
    assert_false(change.result.is_change);
}

static void adopt__other_incarnation__replaces_the_row_and_its_entries(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_seen first = see(f, "1", "");
    struct gw_eks_seen second = see(f, "1.001", "");
    struct gw_eks_overlay_change change = make(f, ",\"accessConfig\":{\"authenticationMode\":\"API\"}", &first);

    commit(f, &change);
    assert_int_equal(gw_store_count(f->store), 1);
    change = adopt(f, &second);
    assert_int_not_equal(change.drops, 0);
    commit(f, &change);
    assert_int_equal(gw_store_count(f->store), 0);
    assert_int_equal(row(f)->mode, GW_EKS_MODE_API_AND_CONFIG_MAP);
    assert_true(gw_eks_overlay_is_same(row(f), &second));
    assert_false(gw_eks_overlay_is_same(row(f), &first));
}

static void adopt__as_many_clusters_as_there_may_be__is_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_seen seen = see(f, "1", "");
    struct gw_eks_call *call = enter(f, GW_EKS_ListAccessEntries, NULL, &seen);
    struct gw_eks_overlay_change change;
    struct gw_eks_env env;

    f->limits.clusters = 0;
    env = make_env(f);
    assert_int_equal(gw_eks_overlay_adopt(call, &env, &seen, GW_EKS_MODE_API, &change, &f->error), GW_E_DENIED);
    assert_int_equal(f->error.code, GW_EKS_ResourceLimitExceededException);
}

static void create__takes_the_accessConfig_and_makes_the_creators_entry(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_seen seen = see(f, "1", ",\"accessConfig\":{\"authenticationMode\":\"CONFIG_MAP\"}");
    struct gw_eks_overlay_change change = make(f, ",\"accessConfig\":{\"authenticationMode\":\"API\"}", &seen);
    const struct gw_access_entry *entry = change.result.change.entry;

    assert_true(gw_str_is(entry->key.principal, USER));
    assert_true(gw_str_is(entry->key.account, "123456789012"));
    assert_int_equal(entry->association_count, 1);
    commit(f, &change);
    assert_int_equal(row(f)->mode, GW_EKS_MODE_API);
}

static void create__without_wish_or_mode_for_it__makes_no_entry(void **state)
{
    static const char *const bodies[] = {
        ",\"accessConfig\":{\"bootstrapClusterCreatorAdminPermissions\":false}",
        ",\"accessConfig\":{\"authenticationMode\":\"CONFIG_MAP\"}",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(bodies); i++) {
        struct gw_eks_seen seen = see(f, i == 0 ? "1" : "2", "");
        struct gw_eks_overlay_change change = make(f, bodies[i], &seen);

        assert_null(change.result.change.entry);
        commit(f, &change);
    }
}

static void create__row_that_somebody_saw_first__is_laid_over(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_seen seen = see(f, "1", "");
    struct gw_eks_overlay_change change = adopt(f, &seen);

    commit(f, &change);
    change = make(f, ",\"accessConfig\":{\"authenticationMode\":\"API\"}", &seen);
    assert_int_equal(change.drops, 0);
    commit(f, &change);
    assert_int_equal(row(f)->mode, GW_EKS_MODE_API);
    assert_int_equal(gw_store_count(f->store), 1);
    change = make(f, ",\"accessConfig\":{\"authenticationMode\":\"API\"}", &seen);
    assert_null(change.result.change.entry); /* it is there */
    gw_eks_result_drop(&change.result);
}

static void create__repeated_request__changes_nothing(void **state)
{
    static const char body[] =
        ",\"clientRequestToken\":\"" TOKEN "\",\"accessConfig\":{\"authenticationMode\":\"CONFIG_MAP\"}";
    struct fixture *f = *state;
    struct gw_eks_seen seen = see(f, "1", "");
    struct gw_eks_overlay_change change = make(f, body, &seen);

    commit(f, &change);
    change = make(f, body, &seen);
    assert_false(change.result.is_change);
    seen = see(f, "2", ""); /* the token went with the cluster */
    change = make(f, body, &seen);
    assert_true(change.result.is_change);
    gw_eks_result_drop(&change.result);
}

static void drop__row_of_another_incarnation__stays(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_seen first = see(f, "1", "");
    struct gw_eks_seen second = see(f, "2", "");
    struct gw_eks_overlay_change change = adopt(f, &first);
    struct gw_eks_env env = make_env(f);

    commit(f, &change);
    gw_eks_overlay_drop(&f->call, &env, &second, &change);
    assert_false(change.result.is_change);
    gw_eks_overlay_drop(&f->call, &env, &first, &change);
    commit(f, &change);
    assert_null(row(f));
    gw_eks_overlay_drop(&f->call, &env, NULL, &change);
    assert_false(change.result.is_change);
}

static void update_config__of_a_row__keeps_its_incarnation(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_seen seen = see(f, "1", "");
    struct gw_eks_overlay_change change = adopt(f, &seen);
    struct gw_eks_env env;
    struct gw_err err;

    commit(f, &change);
    enter(f, GW_EKS_UpdateClusterConfig, "{\"accessConfig\":{\"authenticationMode\":\"API\"}}", &seen);
    env = make_env(f);
    assert_int_equal(gw_eks_check(&f->call, &f->limits, &f->error), GW_OK);
    assert_int_equal(gw_eks_prepare(&f->call, &env, &f->result, &f->error), GW_OK);
    assert_int_equal(gw_store_stage(f->store, &f->result.change), GW_OK);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
    assert_true(gw_eks_overlay_is_same(row(f), &seen));
    assert_int_equal(row(f)->mode, GW_EKS_MODE_API);
    assert_int_equal(row(f)->update_count, 1);
}

static void reply__shows_our_mode_and_leaves_the_rest(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_seen seen =
        see(f, "1795686337.536", ",\"accessConfig\":{\"authenticationMode\":\"API\"},\"x\":[1.5]");

    keep_text(f, gw_eks_overlay_reply(&seen, GW_EKS_MODE_CONFIG_MAP, &f->arena));
    assert_string_equal(f->text,
                        "{\"cluster\":{\"name\":\"demo\",\"arn\":\"" ARN "\",\"createdAt\":1795686337.536,"
                        "\"status\":\"ACTIVE\",\"x\":[1.5],\"accessConfig\":{\"authenticationMode\":\"CONFIG_MAP\"}}}");
}

static void list_updates__what_isnt_a_listing__is_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_seen seen = see(f, "1", "");
    struct gw_eks_call *call = enter(f, GW_EKS_ListUpdates, NULL, &seen);
    struct gw_str reply;

    assert_int_equal(gw_eks_overlay_list_updates(call, NULL, GW_STR("{"), &reply), GW_E_SYNTAX);
    assert_int_equal(gw_eks_overlay_list_updates(call, NULL, GW_STR("{\"updateIds\":{}}"), &reply), GW_E_SYNTAX);
    assert_int_equal(gw_eks_overlay_list_updates(call, NULL, GW_STR("{\"updateIds\":[]}"), &reply), GW_OK);
    assert_true(gw_str_is(reply, "{\"updateIds\":[]}"));
}

static void page_token__of_an_upstream__is_taken_only_where_it_answers(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_call *call = begin(f, GW_EKS_ListAccessEntries);

    call->query = GW_STR("nextToken=theirs");
    assert_int_equal(gw_eks_decode(call, &f->error), GW_E_DENIED);
    call = begin(f, GW_EKS_ListAccessEntries);
    call->query = GW_STR("nextToken=theirs");
    call->is_forwarded = true;
    assert_int_equal(gw_eks_decode(call, &f->error), GW_OK);
}

static void is_unknown_operation__only_without_an_error_of_EKS(void **state)
{
    (void)state;
    assert_true(gw_eks_overlay_is_unknown_operation(404, GW_STR_NONE));
    assert_true(gw_eks_overlay_is_unknown_operation(501, GW_STR("NotImplementedException")));
    assert_false(gw_eks_overlay_is_unknown_operation(404, GW_STR("ResourceNotFoundException")));
    assert_false(gw_eks_overlay_is_unknown_operation(200, GW_STR_NONE));
    assert_false(gw_eks_overlay_is_unknown_operation(500, GW_STR_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(read__reply__gives_scope_and_incarnation),
        EKS_TEST(read__time_in_any_form__is_one_incarnation),
        EKS_TEST(read__mode_that_is_shown__is_taken),
        EKS_TEST(read__what_is_no_cluster_of_that_name__is_refused),
        EKS_TEST(side__of_every_kind_of_call),
        EKS_TEST(adopt__new_cluster__gets_a_row_once),
        EKS_TEST(adopt__other_incarnation__replaces_the_row_and_its_entries),
        EKS_TEST(adopt__as_many_clusters_as_there_may_be__is_refused),
        EKS_TEST(create__takes_the_accessConfig_and_makes_the_creators_entry),
        EKS_TEST(create__without_wish_or_mode_for_it__makes_no_entry),
        EKS_TEST(create__row_that_somebody_saw_first__is_laid_over),
        EKS_TEST(create__repeated_request__changes_nothing),
        EKS_TEST(drop__row_of_another_incarnation__stays),
        EKS_TEST(update_config__of_a_row__keeps_its_incarnation),
        EKS_TEST(reply__shows_our_mode_and_leaves_the_rest),
        EKS_TEST(list_updates__what_isnt_a_listing__is_refused),
        EKS_TEST(page_token__of_an_upstream__is_taken_only_where_it_answers),
        EKS_TEST(is_unknown_operation__only_without_an_error_of_EKS),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
