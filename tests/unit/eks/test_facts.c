/* SPDX-License-Identifier: Apache-2.0 */
/* What policies can be told about a call's objects, and for how long it holds. */
#include "fixture.h"

#define USER_RAW    "arn%3Aaws%3Aiam%3A%3A012345678910%3Auser%2Falice"
#define VIEW_POLICY "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
#define ADMIN       "AmazonEKSClusterAdminPolicy"
#define ADMIN_ARN   "arn:aws:eks::aws:cluster-access-policy/" ADMIN
#define ALL         (GW_EKS_FACT_ENTRY | GW_EKS_FACT_ASSOCIATIONS | GW_EKS_FACT_CLUSTER)

static void decode_about_role(struct fixture *f, enum gw_eks_op op)
{
    begin(f, op)->raw_labels[1] = GW_STR(ROLE_RAW);
    f->call.label_count = 2;
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
}

static struct gw_eks_facts ask(struct fixture *f, unsigned asked)
{
    struct gw_eks_env env = make_env(f);
    struct gw_eks_facts facts;

    assert_int_equal(gw_eks_facts(&f->call, &env, asked, &f->arena, &facts), GW_OK);
    assert_int_equal(facts.asked, asked);
    return facts;
}

static bool hold(struct fixture *f, const struct gw_eks_facts *facts)
{
    struct gw_eks_env env = make_env(f);

    return gw_eks_facts_hold(&f->call, &env, facts);
}

static void associate(struct fixture *f, const char *body)
{
    struct gw_eks_call *call = begin(f, GW_EKS_AssociateAccessPolicy);

    call->raw_labels[1] = GW_STR(ROLE_RAW);
    call->label_count = 2;
    call->body = gw_str_from(body);
    if (run(f) != GW_OK)
        fail_msg("refused: %s", f->text);
}

static void facts__of_an_entry__are_what_describe_shows(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_facts facts;
    struct gw_buf text;

    expect_created(f, "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"g\"],\"tags\":{\"a\":\"1\"}}");
    decode_about_role(f, GW_EKS_DeleteAccessEntry);
    facts = ask(f, GW_EKS_FACT_ENTRY);
    assert_true(facts.has_entry);
    assert_int_not_equal(facts.entry_version, 0);
    gw_buf_init(&text, 65536);
    gw_buf_append_lit(&text, "{\"accessEntry\":");
    gw_json_encode(&facts.entry, &text);
    gw_buf_append_byte(&text, '}');
    gw_buf_append_byte(&text, '\0');
    assert_int_equal(describe(f, ROLE_RAW), GW_OK);
    assert_string_equal(text.at, f->text);
    gw_buf_fini(&text);
}

static void facts__of_associations__are_what_their_list_shows(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_facts facts;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    decode_about_role(f, GW_EKS_DescribeAccessEntry);
    facts = ask(f, GW_EKS_FACT_ASSOCIATIONS);
    assert_true(facts.has_entry);
    expect_json(&facts.associations, "[]");
    associate(f, "{\"policyArn\":\"" VIEW_POLICY "\",\"accessScope\":{\"type\":\"namespace\",\"namespaces\":[\"n\"]}}");
    decode_about_role(f, GW_EKS_DescribeAccessEntry);
    assert_false(hold(f, &facts));
    facts = ask(f, GW_EKS_FACT_ASSOCIATIONS);
    expect_json(&facts.associations,
                "[{\"policyArn\":\"" VIEW_POLICY "\",\"accessScope\":{\"type\":\"namespace\",\"namespaces\":[\"n\"]},"
                "\"associatedAt\":1685475163.532,\"modifiedAt\":1685475163.532}]");
    assert_true(hold(f, &facts));
}

static void facts__of_a_cluster__are_its_document(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_facts facts;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}"); /* the fixture's cluster is there now */
    decode_about_role(f, GW_EKS_DescribeAccessEntry);
    facts = ask(f, GW_EKS_FACT_CLUSTER);
    assert_true(facts.has_cluster);
    assert_false(facts.has_entry); /* not asked for */
    expect_json(&facts.cluster, "{\"tags\":{}}");
    assert_true(hold(f, &facts));
    f->cluster.mode = GW_EKS_MODE_API_AND_CONFIG_MAP;
    sync_cluster(f);
    assert_false(hold(f, &facts));
}

static void facts__of_what_is_absent__say_so_until_it_comes(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_facts facts;

    f->cluster.exists = false;
    decode_about_role(f, GW_EKS_DescribeAccessEntry);
    facts = ask(f, ALL);
    assert_false(facts.has_entry);
    assert_false(facts.has_cluster);
    assert_true(hold(f, &facts));
    f->cluster.exists = true;
    expect_created(f, "{\"principalArn\":\"" USER "\"}");
    decode_about_role(f, GW_EKS_DescribeAccessEntry);
    assert_false(hold(f, &facts)); /* the cluster came */
    facts = ask(f, ALL);
    assert_true(facts.has_cluster);
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    decode_about_role(f, GW_EKS_DescribeAccessEntry);
    assert_false(hold(f, &facts)); /* the entry came */
}

static void facts__of_an_entry_made_anew__do_not_hold(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_facts facts;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    decode_about_role(f, GW_EKS_DescribeAccessEntry);
    facts = ask(f, GW_EKS_FACT_ENTRY);
    decode_about_role(f, GW_EKS_DeleteAccessEntry);
    assert_int_equal(run(f), GW_OK);
    assert_false(hold(f, &facts));
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    decode_about_role(f, GW_EKS_DescribeAccessEntry);
    assert_false(hold(f, &facts));
}

static void facts__of_a_tagged_entry__are_found_by_its_arn(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_facts facts;
    const struct gw_json *arn;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    f->cluster_label = GW_STR("arn%3Aaws%3Aeks%3Aus-west-2%3A012345678910%3Aaccess-entry%2Fmy-cluster%2Frole%2F"
                              "012345678910%2Fmy-role%2F" FIRST_ID);
    begin(f, GW_EKS_TagResource)->body = GW_STR("{\"tags\":{\"a\":\"1\"}}");
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    facts = ask(f, ALL);
    assert_true(facts.has_entry);
    assert_true(facts.has_cluster);
    arn = gw_json_get(&facts.entry, "principalArn");
    assert_true(gw_str_is(arn->as.string, ROLE));
    f->account = GW_STR("999999999999"); /* whose call finds nothing */
    begin(f, GW_EKS_TagResource)->body = GW_STR("{\"tags\":{\"a\":\"1\"}}");
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    facts = ask(f, ALL);
    assert_false(facts.has_entry);
    assert_false(facts.has_cluster);
}

static void facts__of_a_call_without_a_principal__have_no_entry(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_facts facts;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    begin(f, GW_EKS_ListAccessEntries);
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    facts = ask(f, ALL);
    assert_false(facts.has_entry);
    assert_true(facts.has_cluster);
}

static void associate_with(struct fixture *f, const char *principal_raw, const char *body)
{
    struct gw_eks_call *call = begin(f, GW_EKS_AssociateAccessPolicy);

    call->raw_labels[1] = gw_str_from(principal_raw);
    call->label_count = 2;
    call->body = gw_str_from(body);
    if (run(f) != GW_OK)
        fail_msg("refused: %s", f->text);
}

#define EVERYWHERE "{\"policyArn\":\"" ADMIN_ARN "\",\"accessScope\":{\"type\":\"cluster\"}}"
#define SOMEWHERE  "{\"policyArn\":\"" ADMIN_ARN "\",\"accessScope\":{\"type\":\"namespace\",\"namespaces\":[\"n\"]}}"

static void facts__of_administrators__are_those_of_the_whole_cluster(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_facts facts;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    expect_created(f, "{\"principalArn\":\"" USER "\"}");
    decode_about_role(f, GW_EKS_DeleteAccessEntry);
    facts = ask(f, GW_EKS_FACT_ADMINS);
    assert_true(facts.has_admins);
    expect_json(&facts.admins, "[]");
    associate_with(f, USER_RAW, EVERYWHERE);
    associate_with(f, ROLE_RAW, SOMEWHERE);
    associate_with(f, ROLE_RAW, "{\"policyArn\":\"" VIEW_POLICY "\",\"accessScope\":{\"type\":\"cluster\"}}");
    decode_about_role(f, GW_EKS_DeleteAccessEntry);
    assert_false(hold(f, &facts));
    facts = ask(f, GW_EKS_FACT_ADMINS);
    expect_json(&facts.admins, "[\"" USER "\"]");
    associate_with(f, ROLE_RAW, EVERYWHERE);
    decode_about_role(f, GW_EKS_DeleteAccessEntry);
    assert_false(hold(f, &facts));
    facts = ask(f, GW_EKS_FACT_ADMINS);
    expect_json(&facts.admins, "[\"" ROLE "\",\"" USER "\"]");
    assert_true(hold(f, &facts));
    begin(f, GW_EKS_ListAccessEntries); /* no principal is needed */
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    facts = ask(f, GW_EKS_FACT_ADMINS);
    expect_json(&facts.admins, "[\"" ROLE "\",\"" USER "\"]");
}

static void facts__of_administrators__are_absent_without_a_cluster(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_facts facts;

    f->cluster.exists = false;
    decode_about_role(f, GW_EKS_DeleteAccessEntry);
    facts = ask(f, GW_EKS_FACT_ADMINS);
    assert_false(facts.has_admins);
    assert_true(hold(f, &facts));
    f->cluster.exists = true;
    sync_cluster(f);
    assert_false(hold(f, &facts)); /* there is nobody now, where there was no cluster */
    begin(f, GW_EKS_ListClusters);
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    facts = ask(f, GW_EKS_FACT_ADMINS);
    assert_false(facts.has_admins);
    assert_true(hold(f, &facts));
}

/* The writer compares what the change itself doesn't touch. */
static void facts__of_administrators__are_watched_by_the_change(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_env env = make_env(f);
    struct gw_eks_facts facts;
    struct gw_eks_result stale;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    expect_created(f, "{\"principalArn\":\"" USER "\"}");
    decode_about_role(f, GW_EKS_DeleteAccessEntry);
    facts = ask(f, GW_EKS_FACT_ADMINS);
    assert_int_equal(gw_eks_prepare(&f->call, &env, &f->result, &f->error), GW_OK);
    gw_eks_facts_watch(&facts, &f->result.change);
    stale = f->result;
    stale.change.key.principal = GW_STR(ROLE);
    f->result = (struct gw_eks_result){.status = 0};
    associate_with(f, USER_RAW, EVERYWHERE);
    assert_int_equal(gw_store_stage(f->store, &stale.change), GW_E_STALE);
    facts = (struct gw_eks_facts){.asked = GW_EKS_FACT_ENTRY}; /* who wasn't told of them isn't bound to them */
    gw_eks_facts_watch(&facts, &stale.change);
    assert_int_equal(gw_store_stage(f->store, &stale.change), GW_OK);
    gw_store_rollback(f->store);
}

static void facts__of_more_administrators_than_are_told__are_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_env env;
    struct gw_eks_facts facts;

    f->limits.entries_per_cluster = 2000;
    for (int i = 0; i <= GW_EKS_ADMINS_MAX; i++) {
        char text[256];

        snprintf(text, sizeof(text), "{\"principalArn\":\"arn:aws:iam::012345678910:role/r%d\"}", i);
        expect_created(f, text);
        snprintf(text, sizeof(text), "arn%%3Aaws%%3Aiam%%3A%%3A012345678910%%3Arole%%2Fr%d", i);
        associate_with(f, text, i % 2 == 0 ? SOMEWHERE : EVERYWHERE);
        if (i < GW_EKS_ADMINS_MAX - 1)
            continue;
        begin(f, GW_EKS_ListAccessEntries);
        assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
        env = make_env(f);
        assert_int_equal(gw_eks_facts(&f->call, &env, GW_EKS_FACT_ADMINS, &f->arena, &facts),
                         i < GW_EKS_ADMINS_MAX ? GW_OK : GW_E_LIMIT);
        if (i < GW_EKS_ADMINS_MAX)
            assert_int_equal(facts.admins.as.array.count, GW_EKS_ADMINS_MAX / 2);
    }
}

static void choices__forgotten__leave_what_was_sent(void **state)
{
    struct fixture *f = *state;
    const struct gw_pair tags[] = {{GW_STR_INIT("stage"), GW_STR_INIT("dev")}};
    struct gw_eks_env env = make_env(f);

    begin(f, GW_EKS_CreateAccessEntry)->body = GW_STR("{\"principalArn\":\"" ROLE "\",\"tags\":{\"a\":\"1\"}}");
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    sync_cluster(f);
    gw_eks_set_username(&f->call, GW_STR("first"));
    gw_eks_add_tags(&f->call, tags, 1);
    gw_eks_forget_choices(&f->call);
    assert_true(gw_eks_wants_username(&f->call, f->store));
    assert_int_equal(gw_eks_check(&f->call, &f->limits, &f->error), GW_OK);
    assert_int_equal(gw_eks_prepare(&f->call, &env, &f->result, &f->error), GW_OK);
    keep_text(f, f->result.reply);
    gw_eks_result_drop(&f->result);
    expect_reply_has(f, "\"tags\":{\"a\":\"1\"}");
    expect_reply_has(f, "\"username\":\"arn:aws:sts::012345678910:assumed-role/my-role/{{SessionName}}\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(facts__of_an_entry__are_what_describe_shows),
        EKS_TEST(facts__of_associations__are_what_their_list_shows),
        EKS_TEST(facts__of_a_cluster__are_its_document),
        EKS_TEST(facts__of_what_is_absent__say_so_until_it_comes),
        EKS_TEST(facts__of_an_entry_made_anew__do_not_hold),
        EKS_TEST(facts__of_a_tagged_entry__are_found_by_its_arn),
        EKS_TEST(facts__of_a_call_without_a_principal__have_no_entry),
        EKS_TEST(facts__of_administrators__are_those_of_the_whole_cluster),
        EKS_TEST(facts__of_administrators__are_absent_without_a_cluster),
        EKS_TEST(facts__of_administrators__are_watched_by_the_change),
        EKS_TEST(facts__of_more_administrators_than_are_told__are_refused),
        EKS_TEST(choices__forgotten__leave_what_was_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
