/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages: what a token is bound to beyond one client's reach, listings in memory,
 * and what of a query anybody gets to see.
 */
#include "fixture.h"

#include "eks/page.h"

static enum gw_status list(struct fixture *f, const char *query)
{
    begin(f, GW_EKS_ListAccessEntries)->query = gw_str_from(query);
    return run(f);
}

static void make_two_entries(struct fixture *f)
{
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    expect_created(f, "{\"principalArn\":\"" USER "\"}");
}

/* "nextToken=..." of a first page of one item; arena. */
static const char *first_token(struct fixture *f)
{
    const char *at;
    size_t length;

    assert_int_equal(list(f, "maxResults=1"), GW_OK);
    at = strstr(f->text, "\"nextToken\":\"");
    assert_non_null(at);
    at += strlen("\"nextToken\":\"");
    length = strcspn(at, "\"");
    return gw_arena_printf(&f->arena, "nextToken=%.*s", (int)length, at).at;
}

static void token__of_another_account_region_or_partition__is_refused(void **state)
{
    struct fixture *f = *state;
    const char *query;

    make_two_entries(f);
    query = first_token(f);
    for (int i = 0; i < 4; i++) {
        struct gw_eks_call *call = begin(f, GW_EKS_ListAccessEntries);

        call->query = gw_str_from(query);
        if (i == 1)
            call->account = GW_STR("999999999999");
        if (i == 2)
            call->region = GW_STR("eu-central-1");
        if (i == 3)
            call->partition = GW_STR("aws-cn");
        assert_int_equal(gw_eks_decode(call, &f->error), i == 0 ? GW_OK : GW_E_DENIED);
    }
}

static void token__bytes_that_only_look_like_one__are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const tokens[] = {
        "AAAAAAAAAAAAAAAA",                 /* a mark and no item */
        "AAAAAAAAAAAAAAAAYQ==",             /* a wrong mark before an item */
        "AAAAAAAAAAAAAAAAYQ=",  "=", "%3D", /* no base64 */
        "AAAA%0AAAAA",
    };

    make_two_entries(f);
    for (size_t i = 0; i < GW_COUNT(tokens); i++) {
        struct gw_str query = gw_arena_printf(&f->arena, "nextToken=%s", tokens[i]);

        assert_int_equal(list(f, query.at), GW_E_DENIED);
        assert_string_equal(gw_eks_error_name(f->error.code), T_INVALID);
    }
}

static void expect_slice(struct fixture *f, struct gw_str after, size_t max, size_t first, size_t found, bool more)
{
    static const struct gw_str texts[] = {GW_STR_INIT("b"), GW_STR_INIT("d"), GW_STR_INIT("f")};
    struct gw_eks_call *call = begin(f, GW_EKS_ListAccessPolicies);
    size_t count = 99;

    assert_int_equal(gw_eks_decode(call, &f->error), GW_OK);
    call->paging->page.after = after;
    call->paging->page.max = max;
    assert_int_equal(gw_eks_page_array(call, texts, GW_COUNT(texts), &count), first);
    assert_int_equal(count, found);
    assert_int_equal(call->paging->page.more, more);
}

static void array__page__begins_behind_the_item_whether_it_is_there_or_not(void **state)
{
    struct fixture *f = *state;

    expect_slice(f, GW_STR_NONE, 100, 0, 3, false);
    expect_slice(f, GW_STR_NONE, 3, 0, 3, false);
    expect_slice(f, GW_STR_NONE, 2, 0, 2, true);
    expect_slice(f, GW_STR("a"), 1, 0, 1, true);
    expect_slice(f, GW_STR("b"), 1, 1, 1, true);
    expect_slice(f, GW_STR("c"), 2, 1, 2, false);
    expect_slice(f, GW_STR("f"), 1, 3, 0, false);
    expect_slice(f, GW_STR("z"), 1, 3, 0, false);
    expect_slice(f, GW_STR(""), 1, 0, 1, true);
}

static void expect_view(struct fixture *f, enum gw_eks_op op, const char *query, enum gw_status status,
                        const char *input)
{
    struct gw_eks_call *call = begin(f, op);

    call->query = gw_str_from(query);
    call->label_count = op == GW_EKS_ListAccessEntries;
    assert_int_equal(gw_eks_decode(call, &f->error), status);
    gw_eks_view_input(call);
    expect_json(&call->input, input);
}

static void view__shows_the_members_that_the_operation_has(void **state)
{
    struct fixture *f = *state;
    static const char query[] = "include=a&include=b&maxResults=7&associatedPolicyArn=arn%3Ax&nextToken=&other=1";

    expect_view(
        f, GW_EKS_ListAccessEntries, query, GW_OK,
        "{\"clusterName\":\"my-cluster\",\"associatedPolicyArn\":\"arn:x\",\"nextToken\":\"\",\"maxResults\":7}");
    expect_view(f, GW_EKS_ListAccessPolicies, query, GW_OK, "{\"nextToken\":\"\",\"maxResults\":7}");
    expect_view(f, GW_EKS_ListClusters, query, GW_OK,
                "{\"nextToken\":\"\",\"include\":[\"a\",\"b\"],\"maxResults\":7}");
    expect_view(f, GW_EKS_ListAccessPolicies, "", GW_OK, "{}");
}

static void view__of_a_query_that_was_refused__shows_what_was_read(void **state)
{
    struct fixture *f = *state;

    expect_view(f, GW_EKS_ListAccessEntries, "nextToken=a&maxResults=0", GW_E_DENIED,
                "{\"clusterName\":\"my-cluster\",\"nextToken\":\"a\"}");
    expect_view(f, GW_EKS_ListAccessEntries, "associatedPolicyArn=x&nextToken=%00&maxResults=5", GW_E_DENIED,
                "{\"clusterName\":\"my-cluster\",\"associatedPolicyArn\":\"x\"}");
}

static void members__of_other_operations__may_be_there_twice_or_unreadable(void **state)
{
    struct fixture *f = *state;
    static const char query[] = "associatedPolicyArn=a&associatedPolicyArn=b&include=%FF";

    begin(f, GW_EKS_ListAccessPolicies)->query = GW_STR(query);
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    assert_int_equal(list(f, query), GW_E_DENIED);
    expect_error(f, T_INVALID, "The associatedPolicyArn parameter must not be given more than once.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(token__of_another_account_region_or_partition__is_refused),
        EKS_TEST(token__bytes_that_only_look_like_one__are_refused),
        EKS_TEST(array__page__begins_behind_the_item_whether_it_is_there_or_not),
        EKS_TEST(view__shows_the_members_that_the_operation_has),
        EKS_TEST(view__of_a_query_that_was_refused__shows_what_was_read),
        EKS_TEST(members__of_other_operations__may_be_there_twice_or_unreadable),
    };

    return cmocka_run_group_tests_name("eks/page", tests, NULL, NULL);
}
