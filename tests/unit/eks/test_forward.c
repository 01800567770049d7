/* SPDX-License-Identifier: Apache-2.0 */
/* What goes upstream is made from what was read: paths, queries, bodies, and facts from replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>

#include "eks/any.h"
#include "eks/forward.h"

struct forwarded {
    struct gw_arena arena;
    struct gw_eks_call call;
    struct gw_eks_error error;
    struct gw_buf text;
};

static void begin(struct forwarded *f, enum gw_eks_op op, const char *first, const char *second)
{
    *f = (struct forwarded){.call = {.op = op, .is_forwarded = true}};
    gw_arena_init(&f->arena, 0);
    gw_buf_init(&f->text, 65536);
    f->call.arena = &f->arena;
    if (first != NULL)
        f->call.raw_labels[f->call.label_count++] = gw_str_from(first);
    if (second != NULL)
        f->call.raw_labels[f->call.label_count++] = gw_str_from(second);
}

static void end(struct forwarded *f)
{
    gw_buf_fini(&f->text);
    gw_arena_fini(&f->arena);
}

static void assert_text(struct forwarded *f, const char *text)
{
    gw_buf_append_byte(&f->text, '\0');
    assert_string_equal(f->text.at, text);
}

static void assert_input(struct forwarded *f, const char *text)
{
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    gw_eks_view_input(&f->call);
    gw_json_encode(&f->call.input, &f->text);
    assert_text(f, text);
}

static void path__escapes_of_any_case__are_made_anew(void **state)
{
    struct forwarded f;

    (void)state;
    begin(&f, GW_EKS_DescribeAccessEntry, "prod", "arn%3aaws:iam%3A%3A111122223333%3Arole%2fmy-role");
    assert_int_equal(gw_eks_forward_path(&f.call, &f.text), GW_OK);
    assert_text(&f, "/clusters/prod/access-entries/arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fmy-role");
    end(&f);
}

static void path__label_that_is_a_dot_segment__is_refused(void **state)
{
    static const char *const labels[] = {".", "..", "%2e",   "%2E%2e", "a%0d%0ab", "%00",
                                         "",  "%",  "a%2fb", "a%5cb",  "a%252fb"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(labels); i++) {
        struct forwarded f;

        begin(&f, GW_EKS_DescribeAddon, "prod", labels[i]);
        if (gw_eks_forward_path(&f.call, &f.text) == GW_OK)
            fail_msg("%s goes into a path", labels[i]);
        end(&f);
    }
}

static void query__presigned_one__loses_what_presigning_added(void **state)
{
    struct forwarded f;
    struct gw_sigv4_query query;
    struct gw_err err;

    (void)state;
    begin(&f, GW_EKS_UntagResource, "x", NULL);
    assert_int_equal(gw_sigv4_parse_query(GW_STR("tagKeys=b&X-Amz-Signature=1&tagKeys=a%20b&X-amz-date=2&tagKeys=a"),
                                          &f.arena, &query, &err),
                     GW_OK);
    gw_eks_forward_query(&query, &f.text);
    assert_text(&f, "tagKeys=a&tagKeys=a%20b&tagKeys=b");
    end(&f);
}

static void input__of_an_operation_that_is_not_served__has_all_its_members(void **state)
{
    struct forwarded f;

    (void)state;
    begin(&f, GW_EKS_CreateNodegroup, "prod", NULL);
    f.call.body = GW_STR("{\"nodegroupName\":\"n\",\"subnets\":[\"a\"],\"new\":\"x\"}");
    assert_input(&f, "{\"clusterName\":\"prod\",\"nodegroupName\":\"n\",\"subnets\":[\"a\"],\"new\":\"x\"}");
    assert_true(gw_str_is(f.call.cluster, "prod"));
    end(&f);
}

static void input__query_members__have_the_models_types(void **state)
{
    struct forwarded f;

    (void)state;
    begin(&f, GW_EKS_DeleteAddon, "prod", "vpc-cni");
    f.call.query = GW_STR("preserve=true&types=a&types=b&maxResults=7&x=y");
    assert_input(&f, "{\"clusterName\":\"prod\",\"addonName\":\"vpc-cni\",\"preserve\":true,\"types\":[\"a\",\"b\"],"
                     "\"maxResults\":7,\"x\":\"y\"}");
    end(&f);
}

static void input__members_that_a_served_operation_does_not_know__are_there_too(void **state)
{
    struct forwarded f;

    (void)state;
    begin(&f, GW_EKS_CreateAccessEntry, "prod", NULL);
    f.call.body = GW_STR("{\"principalArn\":\"arn:aws:iam::012345678910:role/r\",\"UserName\":\"a\",\"new\":[1]}");
    assert_input(&f, "{\"clusterName\":\"prod\",\"principalArn\":\"arn:aws:iam::012345678910:role/r\","
                     "\"UserName\":\"a\",\"new\":[1]}");
    end(&f);
    begin(&f, GW_EKS_DeleteCluster, "prod", NULL);
    f.call.query = GW_STR("forc%65=true");
    assert_input(&f, "{\"name\":\"prod\",\"force\":\"true\"}");
    end(&f);
}

static void input__page_of_the_upstreams__is_left_to_it(void **state)
{
    struct forwarded f;

    (void)state;
    begin(&f, GW_EKS_ListAccessEntries, "prod", NULL);
    f.call.query = GW_STR("maxResults=50&nextToken=theirs");
    assert_input(&f, "{\"clusterName\":\"prod\",\"nextToken\":\"theirs\",\"maxResults\":50}");
    end(&f);
}

/* Where a parameter doesn't belong EKS ignores it; another server may take it, and policies saw the one that does. */
static void decode__parameter_in_the_wrong_place__is_refused(void **state)
{
    static const struct {
        enum gw_eks_op op;
        const char *labels[2];
        const char *query;
        const char *body;
    } wrong[] = {
        {GW_EKS_DeleteCluster, {"mine", NULL}, "name=theirs", ""},
        {GW_EKS_DeleteCluster, {"mine", NULL}, "Cluster%4eame=theirs", ""},
        {GW_EKS_DeleteCluster, {"mine", NULL}, "", "{\"name\":\"theirs\"}"},
        {GW_EKS_DeleteCluster, {"mine", NULL}, "", "{"},
        {GW_EKS_DescribeCluster, {"mine", NULL}, "", "{\"x\":1}"},
        {GW_EKS_DeleteAddon, {"mine", "a"}, "addonName=b", ""},
        {GW_EKS_CreateNodegroup, {"mine", NULL}, "nodegroupName=b", "{\"nodegroupName\":\"a\"}"},
        {GW_EKS_CreateCluster, {NULL, NULL}, "name=theirs", "{\"name\":\"mine\"}"},
        {GW_EKS_CreateAccessEntry, {"mine", NULL}, "username=b", "{}"},
        {GW_EKS_CreateAccessEntry, {"mine", NULL}, "", "{\"clusterName\":\"theirs\"}"},
        {GW_EKS_UpdateClusterConfig, {"mine", NULL}, "", "{\"name\":\"theirs\"}"},
        {GW_EKS_UpdateNodegroupConfig, {"mine", "a"}, "", "{\"NodegroupName\":\"b\"}"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(wrong); i++) {
        struct forwarded f;

        begin(&f, wrong[i].op, wrong[i].labels[0], wrong[i].labels[1]);
        f.call.query = gw_str_from(wrong[i].query);
        f.call.body = gw_str_from(wrong[i].body);
        if (gw_eks_decode(&f.call, &f.error) != GW_E_DENIED)
            fail_msg("%zu is let pass", i);
        assert_int_equal(gw_eks_error_status(f.error.code), 400);
        end(&f);
    }
}

static void decode__query_of_very_many_members__is_refused(void **state)
{
    struct forwarded f;
    struct gw_buf query;

    (void)state;
    begin(&f, GW_EKS_ListClusters, NULL, NULL);
    gw_buf_init(&query, 65536);
    for (int i = 0; i < 257; i++)
        gw_buf_append_lit(&query, "types=a&");
    f.call.query = gw_buf_str(&query);
    assert_int_equal(gw_eks_decode(&f.call, &f.error), GW_E_DENIED);
    gw_buf_fini(&query);
    end(&f);
}

static void body__empty_one_of_a_read_or_a_deletion__does_not_go_on(void **state)
{
    struct forwarded f;
    struct gw_str body;

    (void)state;
    begin(&f, GW_EKS_DeleteCluster, "mine", NULL);
    f.call.body = GW_STR(" {}");
    assert_int_equal(gw_eks_decode(&f.call, &f.error), GW_OK);
    assert_int_equal(gw_eks_forward_body(&f.call, GW_STR_NONE, 1000, &body), GW_OK);
    assert_int_equal(body.length, 0);
    end(&f);
}

static void decode__body_that_two_readers_could_read_differently__is_refused(void **state)
{
    static const char *const bodies[] = {"{\"a\":1,\"a\":2}", "[]", "{", "{}{}", "{\"a\":\"\xff\"}", "nul"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(bodies); i++) {
        struct forwarded f;

        begin(&f, GW_EKS_CreateAddon, "prod", NULL);
        f.call.body = gw_str_from(bodies[i]);
        if (gw_eks_decode(&f.call, &f.error) != GW_E_DENIED)
            fail_msg("%s is let pass", bodies[i]);
        assert_int_equal(gw_eks_error_status(f.error.code), 400);
        end(&f);
    }
}

static void decode__repeated_query_member__is_refused(void **state)
{
    struct forwarded f;

    (void)state;
    begin(&f, GW_EKS_ListAddons, "prod", NULL);
    f.call.query = GW_STR("nextToken=a&nextToken=b");
    assert_int_equal(gw_eks_decode(&f.call, &f.error), GW_E_DENIED);
    end(&f);
}

static void body__without_additions__is_the_callers(void **state)
{
    struct forwarded f;
    struct gw_str body;

    (void)state;
    begin(&f, GW_EKS_CreateAddon, "prod", NULL);
    f.call.body = GW_STR("{ \"addonName\" : \"x\" , \"clientRequestToken\":\"t\" }");
    assert_int_equal(gw_eks_decode(&f.call, &f.error), GW_OK);
    assert_true(gw_eks_has_token(&f.call));
    assert_int_equal(gw_eks_forward_body(&f.call, GW_STR_NONE, 1000, &body), GW_OK);
    assert_ptr_equal(body.at, f.call.body.at);
    end(&f);
}

static void body__token_and_choices__are_added(void **state)
{
    static const struct gw_pair tags[] = {{GW_STR_INIT("team"), GW_STR_INIT("a")}};
    struct forwarded f;
    struct gw_str body;

    (void)state;
    begin(&f, GW_EKS_CreateAccessEntry, "prod", NULL);
    f.call.body = GW_STR("{\"principalArn\":\"arn:aws:iam::012345678910:role/r\",\"tags\":{\"x\":\"y\"},\"new\":[1]}");
    assert_int_equal(gw_eks_decode(&f.call, &f.error), GW_OK);
    assert_false(gw_eks_has_token(&f.call));
    assert_false(gw_eks_has_choices(&f.call));
    gw_eks_set_username(&f.call, GW_STR("team:r"));
    gw_eks_add_tags(&f.call, tags, 1);
    assert_true(gw_eks_has_choices(&f.call));
    assert_int_equal(gw_eks_forward_body(&f.call, GW_STR("tok"), 1000, &body), GW_OK);
    assert_true(
        gw_str_is(body, "{\"principalArn\":\"arn:aws:iam::012345678910:role/r\",\"tags\":{\"x\":\"y\",\"team\":\"a\"},"
                        "\"new\":[1],\"clientRequestToken\":\"tok\",\"username\":\"team:r\"}"));
    assert_int_equal(gw_eks_forward_body(&f.call, GW_STR("tok"), 20, &body), GW_E_LIMIT);
    end(&f);
}

static void username__of_a_forwarded_update__goes_by_the_upstreams_entry(void **state)
{
    struct forwarded f;
    struct gw_json entry;

    (void)state;
    begin(&f, GW_EKS_UpdateAccessEntry, "prod", "arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fmy-role");
    f.call.body = GW_STR("{}");
    assert_int_equal(gw_eks_decode(&f.call, &f.error), GW_OK);
    assert_false(gw_eks_wants_username_of(&f.call, NULL));
    assert_int_equal(gw_json_parse(GW_STR("{\"type\":\"EC2_LINUX\"}"), &f.arena, &entry, NULL), GW_OK);
    assert_false(gw_eks_wants_username_of(&f.call, &entry));
    assert_int_equal(gw_json_parse(GW_STR("{\"type\":\"STANDARD\"}"), &f.arena, &entry, NULL), GW_OK);
    assert_true(gw_eks_wants_username_of(&f.call, &entry));
    end(&f);
}

static void fact__reply_of_another_shape__is_none(void **state)
{
    static const char *const replies[] = {"", "{}", "[]", "{\"cluster\":1}", "{\"cluster\":{}", "<html>"};
    struct gw_eks_facts facts = {0};
    struct forwarded f;

    (void)state;
    begin(&f, GW_EKS_DescribeCluster, "prod", NULL);
    for (size_t i = 0; i < GW_COUNT(replies); i++) {
        if (gw_eks_forward_fact(GW_EKS_FACT_CLUSTER, gw_str_from(replies[i]), &f.arena, &facts) == GW_OK)
            fail_msg("%s is a cluster", replies[i]);
    }
    assert_false(facts.has_cluster);
    assert_int_equal(gw_eks_forward_fact(GW_EKS_FACT_ASSOCIATIONS,
                                         GW_STR("{\"associatedAccessPolicies\":[],\"nextToken\":\"more\"}"), &f.arena,
                                         &facts),
                     GW_E_LIMIT);
    assert_false(facts.has_entry);
    assert_int_equal(
        gw_eks_forward_fact(GW_EKS_FACT_CLUSTER, GW_STR("{\"cluster\":{\"name\":\"a\"}}"), &f.arena, &facts), GW_OK);
    assert_true(facts.has_cluster);
    assert_int_equal(
        gw_eks_forward_fact(GW_EKS_FACT_ASSOCIATIONS, GW_STR("{\"associatedAccessPolicies\":[]}"), &f.arena, &facts),
        GW_OK);
    assert_true(facts.has_entry);
    end(&f);
}

static enum gw_status read_page(struct forwarded *f, const char *reply, struct gw_eks_forward_page *page)
{
    *page = (struct gw_eks_forward_page){.principals = NULL};
    return gw_eks_forward_entries(gw_str_from(reply), &f->arena, page);
}

static void entries__a_page__has_its_principals_and_where_it_goes_on(void **state)
{
    struct gw_eks_forward_page page;
    struct forwarded f;

    (void)state;
    begin(&f, GW_EKS_ListAccessEntries, "prod", NULL);
    assert_int_equal(read_page(&f, "{\"accessEntries\":[\"arn:a\",\"arn:b\"],\"nextToken\":\"t\"}", &page), GW_OK);
    assert_int_equal(page.principals->as.array.count, 2);
    assert_true(gw_str_is(page.principals->as.array.items[1].as.string, "arn:b"));
    assert_true(gw_str_is(page.next_token, "t"));
    assert_int_equal(read_page(&f, "{\"accessEntries\":[],\"nextToken\":null}", &page), GW_OK);
    assert_int_equal(page.principals->as.array.count, 0);
    assert_null(page.next_token.at);
    assert_int_equal(read_page(&f, "{\"accessEntries\":[]}", &page), GW_OK);
    assert_null(page.next_token.at);
    end(&f);
}

static void entries__reply_of_another_shape__is_none(void **state)
{
    static const char *const replies[] = {"",
                                          "<html>",
                                          "{}",
                                          "[]",
                                          "{\"accessEntries\":{}}",
                                          "{\"accessEntries\":[1]}",
                                          "{\"accessEntries\":[null]}",
                                          "{\"accessEntries\":[\"\"]}",
                                          "{\"accessEntries\":[\"..\"]}",
                                          "{\"accessEntries\":[\"arn:a\",\"role\"]}",
                                          "{\"accessEntries\":[],\"nextToken\":1}",
                                          "{\"accessEntries\":[],\"nextToken\":\"\"}",
                                          "{\"accessEntries\":[],\"nextToken\":{}}"};
    struct gw_eks_forward_page page;
    struct forwarded f;

    (void)state;
    begin(&f, GW_EKS_ListAccessEntries, "prod", NULL);
    for (size_t i = 0; i < GW_COUNT(replies); i++) {
        if (read_page(&f, replies[i], &page) == GW_OK)
            fail_msg("%s is a page", replies[i]);
        assert_null(page.principals);
    }
    end(&f);
}

#define OF(arn, type) "{\"policyArn\":\"" arn "\",\"accessScope\":{\"type\":\"" type "\",\"namespaces\":[]}}"
#define POLICY(name)  "arn:aws:eks::aws:cluster-access-policy/" name
#define ADMIN         POLICY("AmazonEKSClusterAdminPolicy")

static void administers__whoever_has_the_policy_for_the_whole_cluster(void **state)
{
    static const struct {
        const char *associations;
        bool administers;
    } rows[] = {
        {"", false},
        {OF(ADMIN, "cluster"), true},
        {OF(ADMIN, "namespace"), false},
        {OF(ADMIN, "Cluster"), false},
        {OF(POLICY("AmazonEKSAdminPolicy"), "cluster"), false},
        {OF(POLICY("AmazonEKSAdminPolicy"), "cluster") "," OF(ADMIN, "cluster"), true},
        {OF(ADMIN, "namespace") "," OF(POLICY("AmazonEKSViewPolicy"), "cluster"), false},
        {OF("arn:aws-us-gov:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", "cluster"), true},
        {OF("arn:aws-x:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", "cluster"), false},
        {OF("arn:aws:eks::aws:cluster-access-policy/x/AmazonEKSClusterAdminPolicy", "cluster"), false},
        {OF(ADMIN "x", "cluster"), false},
        {OF("AmazonEKSClusterAdminPolicy", "cluster"), false},
        {OF("", "cluster"), false},
        {OF("arn", "cluster"), false},
        {OF("arn:aws", "cluster"), false},
        {OF("arn:aws:", "cluster"), false},
    };
    struct forwarded f;

    (void)state;
    begin(&f, GW_EKS_ListAssociatedAccessPolicies, "prod", "arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fmy-role");
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        bool administers = !rows[i].administers;
        char text[1024];

        snprintf(text, sizeof(text), "{\"associatedAccessPolicies\":[%s],\"nextToken\":null}", rows[i].associations);
        assert_int_equal(gw_eks_forward_administers(gw_str_from(text), &f.arena, &administers), GW_OK);
        if (administers != rows[i].administers)
            fail_msg("%s", rows[i].associations);
    }
    end(&f);
}

static void administers__reply_of_another_shape__tells_nothing(void **state)
{
    static const char *const replies[] = {
        "",
        "{}",
        "{\"associatedAccessPolicies\":{}}",
        "{\"associatedAccessPolicies\":[1]}",
        "{\"associatedAccessPolicies\":[{}]}",
        "{\"associatedAccessPolicies\":[{\"policyArn\":\"" ADMIN "\"}]}",
        "{\"associatedAccessPolicies\":[{\"policyArn\":\"" ADMIN "\",\"accessScope\":\"cluster\"}]}",
        "{\"associatedAccessPolicies\":[{\"policyArn\":\"" ADMIN "\",\"accessScope\":{\"type\":1}}]}",
        "{\"associatedAccessPolicies\":[{\"policyArn\":1,\"accessScope\":{\"type\":\"cluster\"}}]}",
        "{\"associatedAccessPolicies\":[],\"nextToken\":\"more\"}",
    };
    struct forwarded f;

    (void)state;
    begin(&f, GW_EKS_ListAssociatedAccessPolicies, "prod", "arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fmy-role");
    for (size_t i = 0; i < GW_COUNT(replies); i++) {
        bool administers = true;

        if (gw_eks_forward_administers(gw_str_from(replies[i]), &f.arena, &administers) == GW_OK)
            fail_msg("%s tells", replies[i]);
        assert_true(administers);
    }
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path__escapes_of_any_case__are_made_anew),
        cmocka_unit_test(path__label_that_is_a_dot_segment__is_refused),
        cmocka_unit_test(query__presigned_one__loses_what_presigning_added),
        cmocka_unit_test(input__of_an_operation_that_is_not_served__has_all_its_members),
        cmocka_unit_test(input__query_members__have_the_models_types),
        cmocka_unit_test(input__members_that_a_served_operation_does_not_know__are_there_too),
        cmocka_unit_test(input__page_of_the_upstreams__is_left_to_it),
        cmocka_unit_test(decode__parameter_in_the_wrong_place__is_refused),
        cmocka_unit_test(decode__query_of_very_many_members__is_refused),
        cmocka_unit_test(body__empty_one_of_a_read_or_a_deletion__does_not_go_on),
        cmocka_unit_test(decode__body_that_two_readers_could_read_differently__is_refused),
        cmocka_unit_test(decode__repeated_query_member__is_refused),
        cmocka_unit_test(body__without_additions__is_the_callers),
        cmocka_unit_test(body__token_and_choices__are_added),
        cmocka_unit_test(username__of_a_forwarded_update__goes_by_the_upstreams_entry),
        cmocka_unit_test(fact__reply_of_another_shape__is_none),
        cmocka_unit_test(entries__a_page__has_its_principals_and_where_it_goes_on),
        cmocka_unit_test(entries__reply_of_another_shape__is_none),
        cmocka_unit_test(administers__whoever_has_the_policy_for_the_whole_cluster),
        cmocka_unit_test(administers__reply_of_another_shape__tells_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
