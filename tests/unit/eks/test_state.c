/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a store as text: what is written and read again is the same, what
 * is left out is made as EKS makes it, and what isn't a state is refused by name.
 */
#include "cluster_case.h"
#include "eks/state.h"

#define VIEW  "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
#define ADMIN "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy"

static struct gw_eks_env env_of(struct fixture *f)
{
    return (struct gw_eks_env){
        .now_ms = f->now_ms, .wall_ms = f->now_ms, .random = &f->random, .limits = &f->limits, .store = f->store};
}

static enum gw_status decode(struct fixture *f, const char *text, struct gw_eks_state *state, struct gw_err *err)
{
    const struct gw_eks_state_place place = {GW_STR("aws"), GW_STR("012345678910"), GW_STR("us-west-2")};
    struct gw_eks_env env = env_of(f);

    return gw_eks_state_decode(gw_str_from(text), &place, &env, state, err);
}

/* Makes the store hold what the text says. */
static void load(struct fixture *f, const char *text)
{
    struct gw_eks_state state;
    struct gw_err err = {""};

    f->cluster.is_left_alone = true;
    if (decode(f, text, &state, &err) != GW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(gw_eks_state_stage(&state, f->store), GW_OK);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
    gw_eks_state_free(&state);
}

/* new: what the store holds; the caller frees. */
static char *dump(struct fixture *f)
{
    struct gw_buf out;

    gw_buf_init(&out, (size_t)64 << 20);
    gw_eks_state_encode(f->store, &out);
    assert_false(out.overflowed);
    gw_buf_append_byte(&out, '\0');
    return out.at;
}

static void assert_holds(struct fixture *f, const char *text)
{
    char *found = dump(f);

    assert_string_equal(found, text);
    free(found);
}

/* A call on the cluster demo, a little later than the one before. */
static void expect_call(struct fixture *f, enum gw_eks_op op, const char *label, const char *body)
{
    f->now_ms += 7;
    if (call_cluster(f, op, "demo", label, body) != GW_OK)
        fail_msg("%s: %s", body, f->text);
}

/* A store of many kinds of things, made by calls. */
static void make_things(struct fixture *f)
{
    expect_cluster(
        f,
        BODY(",\"accessConfig\":{\"authenticationMode\":\"API_AND_CONFIG_MAP\"},\"tags\":{\"b\":\"1\",\"a\":\"2\"}"));
    expect_cluster(f,
                   "{\"name\":\"six\",\"roleArn\":\"" ROLE_ARN "\"," VPC
                   ",\"kubernetesNetworkConfig\":{\"ipFamily\":\"ipv6\"},\"logging\":{\"clusterLogging\":[{\"types\":"
                   "[\"api\"],\"enabled\":true}]}}");
    assert_int_equal(call_cluster(f, GW_EKS_UpdateClusterConfig, "demo", NULL,
                                  "{\"accessConfig\":{\"authenticationMode\":\"API\"}}"),
                     GW_OK);
    f->now_ms += 1001;
    f->account = GW_STR("111122223333");
    expect_cluster(f, "{\"name\":\"demo\",\"roleArn\":\"arn:aws:iam::111122223333:role/eks\"," VPC "}");
    f->account = GW_STR("012345678910");
    expect_call(f, GW_EKS_CreateAccessEntry, NULL,
                "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"z\",\"a\"],\"tags\":{\"k\":\"\xc3\xa9 +\"}}");
    expect_call(f, GW_EKS_CreateAccessEntry, NULL,
                "{\"principalArn\":\"arn:aws:iam::012345678910:role/a/x\",\"username\":\"team:{{SessionName}}\"}");
    expect_call(f, GW_EKS_CreateAccessEntry, NULL,
                "{\"principalArn\":\"arn:aws:iam::012345678910:role/b/x\",\"type\":\"EC2_LINUX\"}");
    expect_call(f, GW_EKS_CreateAccessEntry, NULL, "{\"principalArn\":\"arn:aws:iam::999988887777:root\"}");
    expect_call(f, GW_EKS_AssociateAccessPolicy, ROLE_RAW,
                "{\"policyArn\":\"" VIEW "\",\"accessScope\":{\"type\":\"namespace\",\"namespaces\":[\"b\",\"a-*\"]}}");
    expect_call(f, GW_EKS_AssociateAccessPolicy, ROLE_RAW,
                "{\"policyArn\":\"" ADMIN "\",\"accessScope\":{\"type\":\"cluster\"}}");
}

static void state__written_and_read_again__is_the_same(void **state)
{
    struct fixture *f = *state;
    char *before;

    make_things(f);
    before = dump(f);
    f->now_ms += 100000;
    load(f, before);
    assert_holds(f, before);
    load(f, before);
    assert_holds(f, before);
    free(before);
}

static void state__read__replaces_all_that_there_was(void **state)
{
    struct fixture *f = *state;

    make_things(f);
    load(f, "{\"clusters\":[]}");
    assert_holds(f, "{\"clusters\":[]}\n");
    assert_int_equal(gw_store_count(f->store), 0);
    assert_int_equal(gw_store_count_clusters(f->store), 0);
}

static void state__names_alone__become_what_eks_makes(void **state)
{
    static const char entry[] = "{\"accessEntry\":{\"clusterName\":\"c\",\"principalArn\":\"" ROLE
                                "\",\"kubernetesGroups\":[],\"accessEntryArn\":"
                                "\"arn:aws:eks:us-west-2:012345678910:access-entry/c/role/012345678910/my-role/";
    static const char rest[] =
        "\",\"createdAt\":1685475163.532,\"modifiedAt\":1685475163.532,\"tags\":{},\"username\":"
        "\"arn:aws:sts::012345678910:assumed-role/my-role/{{SessionName}}\",\"type\":\"STANDARD\"},"
        "\"associatedAccessPolicies\":[]}]}]}\n";
    struct fixture *f = *state;
    char *text;

    load(f, "{\"clusters\":[{\"cluster\":{\"name\":\"c\"},\"accessEntries\":[{\"accessEntry\":{\"principalArn\":\"" ROLE
            "\"}}]}]}");
    text = dump(f);
    assert_non_null(
        strstr(text, "\"arn\":\"arn:aws:eks:us-west-2:012345678910:cluster/c\",\"createdAt\":1685475163.532"));
    assert_non_null(strstr(text, "\"accessConfig\":{\"authenticationMode\":\"API\"}"));
    assert_non_null(strstr(text, entry));
    assert_string_equal(strstr(text, entry) + sizeof(entry) - 1 + 36, rest);
    free(text);
}

static void state__what_the_cli_prints__is_read(void **state)
{
    struct fixture *f = *state;
    char *text;

    load(f, " { \"clusters\" : [ { \"accessEntries\":[{\"associatedAccessPolicies\":[{\"policyArn\":\"" VIEW
            "\",\"accessScope\":{\"type\":\"cluster\",\"namespaces\":[]},\"associatedAt\":\"2024-05-01T10:00:00.250000+"
            "02:00\"}],"
            "\"accessEntry\":{\"principalArn\":\"" USER
            "\",\"clusterName\":\"c\",\"createdAt\":\"2024-05-01T08:00:00+00:00\"}}],"
            "\"cluster\":{\"name\":\"c\",\"arn\":\"arn:aws:eks:eu-west-1:111122223333:cluster/c\",\"createdAt\":"
            "\"2024-05-01T08:00:00Z\",\"version\":\"1.30\"}} ] } ");
    text = dump(f);
    assert_non_null(
        strstr(text, "\"arn\":\"arn:aws:eks:eu-west-1:111122223333:cluster/c\",\"createdAt\":1714550400.000"));
    assert_non_null(strstr(text, "\"version\":\"1.30\""));
    assert_non_null(strstr(text, "access-entry/c/user/012345678910/alice/"));
    assert_non_null(strstr(text, "\"createdAt\":1714550400.000,\"modifiedAt\":1714550400.000,\"tags\":{},"));
    assert_non_null(strstr(text, "\"associatedAt\":1714550400.250,\"modifiedAt\":1714550400.250}"));
    free(text);
}

static void state__principal_of_another_partition__is_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_state read;
    struct gw_err err;

    assert_int_not_equal(
        decode(f,
               "{\"clusters\":[{\"cluster\":{\"name\":\"c\",\"arn\":\"arn:aws-cn:eks:cn-north-1:"
               "111122223333:cluster/c\"},\"accessEntries\":[{\"accessEntry\":{\"principalArn\":\"" ROLE "\"}}]}]}",
               &read, &err),
        GW_OK);
    assert_non_null(strstr(err.text, "is of another partition"));
}

static void state__what_eks_makes_itself__is_allowed(void **state)
{
    struct fixture *f = *state;
    char *text;

    load(f,
         "{\"clusters\":[{\"cluster\":{\"name\":\"c\",\"accessConfig\":{\"authenticationMode\":\"CONFIG_MAP\"}},"
         "\"accessEntries\":[{\"accessEntry\":{\"principalArn\":\"arn:aws:iam::012345678910:role/aws-service-role/"
         "eks.amazonaws.com/AWSServiceRoleForAmazonEKS\",\"username\":\"eks:auto\",\"kubernetesGroups\":[\"eks:x\"]}},"
         "{\"accessEntry\":{\"principalArn\":\"" ROLE "\",\"type\":\"EC2_LINUX\"}}]}]}");
    text = dump(f);
    assert_non_null(strstr(text, "\"username\":\"eks:auto\""));
    assert_non_null(strstr(text, "\"authenticationMode\":\"CONFIG_MAP\""));
    assert_non_null(strstr(text, "\"kubernetesGroups\":[\"system:nodes\"]"));
    free(text);
}

#define ONE(members)   "{\"clusters\":[{\"cluster\":{\"name\":\"c\"}," members "}]}"
#define ENTRY(members) ONE("\"accessEntries\":[{\"accessEntry\":{\"principalArn\":\"" ROLE "\"" members "}}]")
#define ASSOCIATED(text)                                                                                               \
    ONE("\"accessEntries\":[{\"accessEntry\":{\"principalArn\":\"" ROLE "\"},"                                         \
        "\"associatedAccessPolicies\":" text "}]")
#define CLUSTER(members) "{\"clusters\":[{\"cluster\":{\"name\":\"c\"" members "}}]}"
#define UPDATE(members)  ONE("\"updates\":[{" members "}]")
#define ID               "00000000-0000-4000-8000-000000000000"
#define AT               "clusters[0]."
#define AT_ENTRY         AT "accessEntries[0]."

/* What is no state, and what is said of it. */
static const struct {
    const char *text;
    const char *words;
} hostile[] = {
    {"", "must be {\"clusters\":[...]}"},
    {"[]", "must be {\"clusters\":[...]}"},
    {"{}", "must be {\"clusters\":[...]}"},
    {"{\"clusters\":{}}", "clusters: is no array"},
    {"{\"clusters\":[],\"clusters\":[]}", "must be {\"clusters\":[...]}"},
    {"{\"clusters\":[],\"more\":1}", "must be {\"clusters\":[...]}"},
    {"{\"clusters\":[]", "a comma or a closing bracket is missing"},
    {"{\"clusters\":[]}x", "something follows the end"},
    {"{\"clusters\":[7]}", "clusters[0]: is no object"},
    {"{\"clusters\":[{}]}", "clusters[0].cluster: is missing"},
    {"{\"clusters\":[{\"cluster\":{\"name\":\"c\"},\"x\":1}]}", "clusters[0]: has cluster, updates and accessEntries"},
    {"{\"clusters\":[{\"cluster\":{\"name\":\"c\"},\"cluster\":{\"name\":\"c\"}}]}", "each once"},
    {"{\"clusters\":[{\"cluster\":[]}]}", AT "cluster: must be an object"},
    {"{\"clusters\":[{\"cluster\":{}}]}", AT "cluster.name: must be 1 to 100 letters"},
    {"{\"clusters\":[{\"cluster\":{\"name\":\"-c\"}}]}", AT "cluster.name: must be 1 to 100 letters"},
    {"{\"clusters\":[{\"cluster\":{\"name\":7}}]}", AT "cluster.name: must be a string"},
    {"{\"clusters\":[{\"cluster\":{\"name\":\"c\"}},{\"cluster\":{\"name\":\"c\"}}]}",
     "clusters[1].cluster.name: is there twice"},
    {CLUSTER(",\"name\":\"c\""), AT "cluster: line 1"},
    {CLUSTER(",\"arn\":\"arn:aws:eks:us-west-2:012345678910:cluster/d\""), AT "cluster.arn: must be arn:"},
    {CLUSTER(",\"arn\":\"arn:aws:eks:us-west-2:01234567891:cluster/c\""), AT "cluster.arn: must be arn:"},
    {CLUSTER(",\"arn\":\"arn:aws:eks:US:012345678910:cluster/c\""), AT "cluster.arn: must be arn:"},
    {CLUSTER(",\"arn\":\"arn:mars:eks:us-west-2:012345678910:cluster/c\""), AT "cluster.arn: must be arn:"},
    {CLUSTER(",\"arn\":\"x\""), AT "cluster.arn: must be arn:"},
    {CLUSTER(",\"createdAt\":-1"), AT "cluster.createdAt: must be seconds"},
    {CLUSTER(",\"createdAt\":1e300"), AT "cluster.createdAt: must be seconds"},
    {CLUSTER(",\"createdAt\":\"yesterday\""), AT "cluster.createdAt: must be seconds"},
    {CLUSTER(",\"accessConfig\":{\"authenticationMode\":\"ALL\"}"), AT "cluster.accessConfig.authenticationMode: must"},
    {CLUSTER(",\"accessConfig\":7"), AT "cluster.accessConfig: must be an object"},
    {CLUSTER(",\"tags\":{\"a\":1}"), AT "cluster.tags: must be an object of strings"},
    {CLUSTER(",\"tags\":{\"aws:a\":\"1\"}"), AT "cluster.tags: "},
    {CLUSTER(",\"nmae\":1"), AT "cluster.nmae: no such member"},
    {CLUSTER(",\"resourcesVpcConfig\":{\"subnetIds\":[1]}"),
     AT "cluster.resourcesVpcConfig.subnetIds: must be an array"},
    {CLUSTER(",\"kubernetesNetworkConfig\":{\"ipFamily\":[]}"), AT "cluster.kubernetesNetworkConfig.ipFamily: must"},
    {ONE("\"updates\":{}"), AT "updates: must be a JSON array of at most 100"},
    {UPDATE(""), AT "updates.id: must be a UUID"},
    {UPDATE("\"id\":\"" ID "0\""), AT "updates.id: must be a UUID"},
    {UPDATE("\"id\":\"" ID "\",\"x\":1"), AT "updates: has no member x"},
    {UPDATE("\"id\":\"" ID "\",\"params\":{}"), AT "updates.params: must be an array"},
    {UPDATE("\"id\":\"" ID "\",\"params\":[{\"type\":1}]"), AT "updates.params.type: must be a string"},
    {UPDATE("\"id\":\"" ID "\",\"createdAt\":[]"), AT "updates.createdAt: must be seconds"},
    {ONE("\"accessEntries\":{}"), AT "accessEntries: is no array"},
    {ONE("\"accessEntries\":[1]"), AT "accessEntries[0]: must be an object"},
    {ONE("\"accessEntries\":[{}]"), AT_ENTRY "accessEntry: is missing"},
    {ONE("\"accessEntries\":[{\"accessEntry\":null}]"), AT_ENTRY "accessEntry: is missing"},
    {ONE("\"accessEntries\":[{\"accessEntry\":{}}]"), AT_ENTRY "accessEntry.principalArn: must be the ARN"},
    {ONE("\"accessEntries\":[{\"accessEntry\":{\"principalArn\":\"arn:aws:sts::012345678910:assumed-role/r/s\"}}]"),
     AT_ENTRY "accessEntry.principalArn: must be the ARN"},
    {ONE("\"accessEntries\":[{\"accessEntry\":{\"principalArn\":\"" ROLE
         "\"}},{\"accessEntry\":{\"principalArn\":\"" ROLE "\"}}]"),
     AT "accessEntries[1].accessEntry.principalArn: is there twice"},
    {ENTRY(",\"clusterName\":\"d\""), AT_ENTRY "accessEntry.clusterName: is not the cluster's"},
    {ENTRY(",\"kubernetesGroup\":[]"), AT_ENTRY "accessEntry: has no member kubernetesGroup"},
    {ENTRY(",\"kubernetesGroups\":\"g\""), AT_ENTRY "accessEntry.kubernetesGroups: must be an array"},
    {ENTRY(",\"kubernetesGroups\":[\"\"]"), AT_ENTRY "accessEntry.kubernetesGroups: item 0 must be"},
    {ENTRY(",\"kubernetesGroups\":[\"g\",\"a\\u0007\"]"), AT_ENTRY "accessEntry.kubernetesGroups: item 1 must be"},
    {ENTRY(",\"username\":\"\""), AT_ENTRY "accessEntry.username: must have 1 to 256 characters"},
    {ENTRY(",\"username\":7"), AT_ENTRY "accessEntry.username: must be a string"},
    {ENTRY(",\"type\":\"standard\""), AT_ENTRY "accessEntry.type: there is no such type"},
    {ENTRY(",\"tags\":[]"), AT_ENTRY "accessEntry.tags: must be an object"},
    {ENTRY(",\"tags\":{\"k\":\"\\u0001\"}"), AT_ENTRY "accessEntry.tags: "},
    {ENTRY(",\"accessEntryArn\":\"x\""), AT_ENTRY "accessEntry.accessEntryArn: must be arn:aws:eks:us-west-2:"},
    {ENTRY(",\"accessEntryArn\":\"arn:aws:eks:us-west-2:012345678910:access-entry/c/role/012345678910/my-role/" ID
           "x\""),
     AT_ENTRY "accessEntry.accessEntryArn: must be arn:aws:eks:us-west-2:"},
    {ENTRY(",\"accessEntryArn\":\"arn:aws:eks:us-west-2:012345678910:access-entry/d/role/012345678910/my-role/" ID
           "\""),
     AT_ENTRY "accessEntry.accessEntryArn: must be arn:aws:eks:us-west-2:"},
    {ENTRY(",\"modifiedAt\":true"), AT_ENTRY "accessEntry.modifiedAt: must be seconds"},
    {ASSOCIATED("{}"), AT_ENTRY "associatedAccessPolicies: must be an array of at most 20"},
    {ASSOCIATED("[7]"), AT_ENTRY "associatedAccessPolicies: must be an object"},
    {ASSOCIATED("[{}]"), AT_ENTRY "associatedAccessPolicies.policyArn: must be the ARN of an access policy"},
    {ASSOCIATED("[{\"policyArn\":\"" VIEW "\"}]"), AT_ENTRY "associatedAccessPolicies.accessScope: is missing"},
    {ASSOCIATED("[{\"policyArn\":\"" VIEW "\",\"accessScope\":{\"type\":\"all\"}}]"),
     AT_ENTRY "associatedAccessPolicies.accessScope: The accessScope.type parameter must be one of"},
    {ASSOCIATED("[{\"policyArn\":\"" VIEW "\",\"accessScope\":{\"type\":\"namespace\"}}]"),
     AT_ENTRY "associatedAccessPolicies.accessScope: At least 1 namespace"},
    {ASSOCIATED("[{\"policyArn\":\"" VIEW "\",\"accessScope\":{\"type\":\"namespace\",\"namespaces\":{\"a\":1}}}]"),
     AT_ENTRY "associatedAccessPolicies.accessScope.namespaces: must be an array of strings"},
    {ASSOCIATED("[{\"policyArn\":\"" VIEW "\",\"accessScope\":{\"type\":\"namespace\",\"namespaces\":[7]}}]"),
     AT_ENTRY "associatedAccessPolicies.accessScope.namespaces: must be an array of strings"},
    {ASSOCIATED("[{\"policyArn\":\"" VIEW "\",\"accessScope\":{\"type\":\"cluster\"}},{\"policyArn\":\"" VIEW
                "\",\"accessScope\":{\"type\":\"cluster\"}}]"),
     AT_ENTRY "associatedAccessPolicies.policyArn: is there twice"},
    {ONE("\"accessEntries\":[{\"accessEntry\":{\"principalArn\":\"" ROLE "\",\"type\":\"EC2_LINUX\"},"
         "\"associatedAccessPolicies\":[{\"policyArn\":\"" VIEW "\",\"accessScope\":{\"type\":\"cluster\"}}]}]"),
     AT_ENTRY "associatedAccessPolicies: are for entries of the types STANDARD and EC2"},
};

static void state__hostile_texts__are_refused_by_name(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(hostile); i++) {
        struct gw_eks_state read;
        struct gw_err err = {""};

        if (decode(f, hostile[i].text, &read, &err) == GW_OK)
            fail_msg("%s was taken", hostile[i].text);
        if (strstr(err.text, hostile[i].words) == NULL)
            fail_msg("%s: \"%s\" doesn't say \"%s\"", hostile[i].text, err.text, hostile[i].words);
    }
}

static void state__equal_arns_of_two_entries__are_refused(void **state)
{
    static const char text[] =
        ONE("\"accessEntries\":[{\"accessEntry\":{\"principalArn\":\"arn:aws:iam::012345678910:role/a/x\","
            "\"accessEntryArn\":\"arn:aws:eks:us-west-2:012345678910:access-entry/c/role/012345678910/x/" ID "\"}},"
            "{\"accessEntry\":{\"principalArn\":\"arn:aws:iam::012345678910:role/b/x\","
            "\"accessEntryArn\":\"arn:aws:eks:us-west-2:012345678910:access-entry/c/role/012345678910/x/" ID "\"}}]");
    struct gw_eks_state read;
    struct gw_err err;

    assert_int_not_equal(decode(*state, text, &read, &err), GW_OK);
    assert_string_equal(err.text, "clusters[0].accessEntries[1].accessEntry.accessEntryArn: is there twice");
}

static void state__past_the_limits__is_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_state read;
    struct gw_err err;

    f->limits =
        (struct gw_eks_limits){.entries_per_cluster = 1, .groups_per_entry = 1, .policies_per_entry = 1, .clusters = 1};
    assert_int_not_equal(
        decode(f,
               ONE("\"accessEntries\":[{\"accessEntry\":{\"principalArn\":\"" ROLE "\"}},{\"accessEntry\":"
                   "{\"principalArn\":\"" USER "\"}}]"),
               &read, &err),
        GW_OK);
    assert_string_equal(err.text, "clusters[0].accessEntries: has more than 1 entries");
    assert_int_not_equal(decode(f, ENTRY(",\"kubernetesGroups\":[\"a\",\"b\"]"), &read, &err), GW_OK);
    assert_int_not_equal(
        decode(f, "{\"clusters\":[{\"cluster\":{\"name\":\"c\"}},{\"cluster\":{\"name\":\"d\"}}]}", &read, &err),
        GW_OK);
    assert_string_equal(err.text, "clusters: has more than 1");
}

static void state__as_many_as_a_tree_may_not_hold__are_read(void **state)
{
    enum { COUNT = 30000 };
    struct fixture *f = *state;
    struct gw_buf text;
    char *found;

    f->limits.entries_per_cluster = COUNT;
    gw_buf_init(&text, (size_t)16 << 20);
    gw_buf_append_lit(&text, "{\"clusters\":[{\"cluster\":{\"name\":\"c\"},\"accessEntries\":[");
    for (unsigned i = 0; i < COUNT; i++)
        gw_buf_printf(&text, "%s{\"accessEntry\":{\"principalArn\":\"arn:aws:iam::012345678910:role/r%u\"}}",
                      i == 0 ? "" : ",", i);
    gw_buf_append_lit(&text, "]}]}");
    gw_buf_append_byte(&text, '\0');
    load(f, text.at);
    assert_int_equal(gw_store_count(f->store), COUNT);
    found = dump(f);
    load(f, found);
    assert_holds(f, found);
    free(found);
    gw_buf_fini(&text);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(state__written_and_read_again__is_the_same),
        WITH_FIXTURE(state__read__replaces_all_that_there_was),
        WITH_FIXTURE(state__names_alone__become_what_eks_makes),
        WITH_FIXTURE(state__what_the_cli_prints__is_read),
        WITH_FIXTURE(state__principal_of_another_partition__is_refused),
        WITH_FIXTURE(state__what_eks_makes_itself__is_allowed),
        WITH_FIXTURE(state__hostile_texts__are_refused_by_name),
        WITH_FIXTURE(state__equal_arns_of_two_entries__are_refused),
        WITH_FIXTURE(state__past_the_limits__is_refused),
        WITH_FIXTURE(state__as_many_as_a_tree_may_not_hold__are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
