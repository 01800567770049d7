/* SPDX-License-Identifier: Apache-2.0 */
/* Facts: who declares them, who may read them, and what a policy sees. */
#include "bench_of_one.h"

static const char entry_text[] =
    "{\"clusterName\":\"my-cluster\",\"principalArn\":\"arn:aws:iam::012345678910:role/r\",\"kubernetesGroups\":[\"a\","
    "\"b\"],\"accessEntryArn\":\"arn:x\",\"createdAt\":1685475163.5,\"modifiedAt\":1685475164,\"tags\":{\"team\":"
    "\"red\"},"
    "\"username\":\"u\",\"type\":\"STANDARD\"}";
static const char associations_text[] =
    "[{\"policyArn\":\"arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy\",\"accessScope\":{\"type\":"
    "\"namespace\",\"namespaces\":[\"n\"]},\"associatedAt\":1685475163.5,\"modifiedAt\":1685475163.5}]";
static const char cluster_text[] =
    "{\"name\":\"my-cluster\",\"accessConfig\":{\"authenticationMode\":\"API\"},\"newMember\":1}";
static const char admins_text[] = "[\"arn:aws:iam::012345678910:role/a\",\"arn:aws:iam::012345678910:role/b\"]";

/* All four are known. */
struct known {
    struct gw_json entry;
    struct gw_json associations;
    struct gw_json cluster;
    struct gw_json admins;
};

static void parse(struct bench *bench, const char *text, struct gw_json *value)
{
    assert_int_equal(gw_json_parse(gw_str_from(text), &bench->arena, value, &bench->err), GW_OK);
}

static void tell(struct bench *bench, struct known *known)
{
    parse(bench, entry_text, &known->entry);
    parse(bench, associations_text, &known->associations);
    parse(bench, cluster_text, &known->cluster);
    parse(bench, admins_text, &known->admins);
    bench->request.facts = GW_FACT_ENTRY | GW_FACT_ASSOCIATIONS | GW_FACT_CLUSTER | GW_FACT_ADMINS;
    bench->request.entry = &known->entry;
    bench->request.associations = &known->associations;
    bench->request.cluster_info = &known->cluster;
    bench->request.admins = &known->admins;
}

/* A policy that declares `needs` and whose authorize is `body`. */
static void with_needs(struct bench *bench, struct known *known, const char *needs, const char *body)
{
    char text[4096];
    bench_init(bench);
    snprintf(text, sizeof text,
             "local verdict = require('eksgate.verdict')\nlocal kept = {}\n"
             "return { name = 'p', needs = { %s }, authorize = function(req)\n%s\nend }",
             needs, body);
    bench_add(bench, "p.lua", text);
    if (known != NULL)
        tell(bench, known);
    bench_load(bench);
}

static unsigned needs_of(struct bench *bench, const char *operation)
{
    return bench->hooks->needs(bench->hooks->ctx, gw_str_from(operation));
}

static void needs__of_policies_that_may_be_asked__are_united(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_add(&bench, "a.lua",
              "return { name = 'a', on = { 'CreateAccessEntry' }, needs = { 'entry' }, username = function() end }");
    bench_add(&bench, "b.lua",
              "return { name = 'b', needs = { 'cluster', 'associations' }, on = { 'UpdateAccessEntry' },\n"
              "authorize = function() end }");
    bench_add(&bench, "c.lua", "return { name = 'c', needs = { 'cluster' }, audit = function() end }");
    bench_add(&bench, "d.lua", "return { name = 'd', fault = function() end }");
    bench_add(&bench, "e.lua",
              "return { name = 'e', needs = { 'entry', 'entry' }, on = { 'AssociateAccessPolicy' },\n"
              "conflict = function() end }");
    bench_load(&bench);
    assert_int_equal(needs_of(&bench, "CreateAccessEntry"), GW_FACT_ENTRY);
    assert_int_equal(needs_of(&bench, "UpdateAccessEntry"), GW_FACT_CLUSTER | GW_FACT_ASSOCIATIONS);
    assert_int_equal(needs_of(&bench, "AssociateAccessPolicy"), GW_FACT_ENTRY);
    assert_int_equal(needs_of(&bench, "DescribeAccessEntry"), 0);
    bench_fini(&bench);
}

/* Each is true where all facts are declared and known. */
static void facts__declared_and_known__are_seen(void **state)
{
    (void)state;
    static const char *const claims[] = {
        "req.entry.username == 'u' and req.entry.type == 'STANDARD' and req.entry.clusterName == 'my-cluster'",
        "req.entry.kubernetesGroups[2] == 'b' and #req.entry.kubernetesGroups == 2 and req.entry.tags.team == 'red'",
        "req.entry.createdAt == 1685475163.5 and req.entry.modifiedAt == 1685475164",
        "req.entry.accessEntryArn == 'arn:x' and req.entry.principalArn == 'arn:aws:iam::012345678910:role/r'",
        "#req.associations == 1 and req.associations[1].accessScope.namespaces[1] == 'n'",
        "req.associations[1].policyArn:find('ViewPolicy', 1, true) ~= nil",
        "req.cluster == 'my-cluster' and req.cluster_info.name == 'my-cluster'",
        "req.cluster_info.accessConfig.authenticationMode == 'API' and req.cluster_info.version == nil",
        "req.cluster_info.newMember == 1",
        "#req.admins == 2 and req.admins[1] == 'arn:aws:iam::012345678910:role/a' and req.admins[3] == nil",
        "(function() local t = req.admins t[1] = nil return #req.admins end)() == 2",
        "(function() for k, v in pairs(req) do if k == 'admins' then return #v == 2 end end end)()",
        "not pcall(function() req.admins = {} end)",
        "not pcall(function() return req.entry.groups end)",
        "select(2, pcall(function() return req.entry.groups end)):find('no such field: req.entry.groups', 1, true)",
        "not pcall(function() return req.cluster_info.mode end) and not pcall(function() return req.entry[1] end)",
        "not pcall(function() req.entry.username = 'x' end) and not pcall(function() req.entry = nil end)",
        "select(2, pcall(function() req.entry.x = 1 end)):find('req.entry is read-only', 1, true)",
        "(function() local t = req.entry.tags t.team = 'x' return req.entry.tags.team end)() == 'red'",
        "(function() local t = req.associations t[1] = nil return #req.associations end)() == 1",
        "(function() local n = 0 for k, v in pairs(req.entry) do n = n + 1 end return n end)() == 9",
        "(function() local n = 0 for k, v in pairs(req.cluster_info) do n = n + 1 end return n end)() == 3",
        "(function() for k, v in pairs(req) do if k == 'entry' then return v.username == 'u' end end end)()",
        "(function() for k, v in pairs(req) do if k == 'associations' then return #v == 1 end end end)()",
        "type(req.entry) == 'userdata' and req.entry == req.entry and getmetatable(req.entry) == false",
    };
    for (size_t i = 0; i < GW_COUNT(claims); i++) {
        struct bench bench;
        struct known known;
        char body[1024];
        snprintf(body, sizeof body, "if %s then return nil end\nreturn verdict.deny('untrue')", claims[i]);
        with_needs(&bench, &known, "'entry', 'associations', 'cluster', 'admins'", body);
        if (bench_authorize(&bench) != GW_POLICY_DONE)
            fail_msg("%s", claims[i]);
        bench_fini(&bench);
    }
}

static void facts__known_to_be_absent__are_nil(void **state)
{
    (void)state;
    struct bench bench;
    with_needs(
        &bench, NULL, "'entry', 'associations', 'cluster', 'admins'",
        "assert(req.entry == nil and req.associations == nil and req.cluster_info == nil and req.admins == nil)\n"
        "for k in pairs(req) do assert(k ~= 'entry' and k ~= 'admins') end");
    bench.request.facts = GW_FACT_ENTRY | GW_FACT_ASSOCIATIONS | GW_FACT_CLUSTER | GW_FACT_ADMINS;
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    bench_fini(&bench);
}

static void check_raises(struct bench *bench, const char *part)
{
    assert_int_equal(bench_authorize(bench), GW_POLICY_FAILED);
    assert_true(bench->call.refusal.failed);
    if (strstr(bench->printed, part) == NULL)
        fail_msg("printed: %s", bench->printed);
}

/* Also where another policy has declared it, and it was fetched for that one. */
static void facts__not_declared__raise(void **state)
{
    (void)state;
    static const struct {
        const char *needs;
        const char *read;
        const char *part;
    } rows[] = {
        {"'associations', 'cluster'", "req.entry",
         "req.entry must be declared in the policy's table: needs = { \"entry\" }"},
        {"'entry', 'cluster'", "req.associations", "needs = { \"associations\" }"},
        {"'entry', 'associations'", "req.cluster_info",
         "req.cluster_info must be declared in the policy's table: needs = { \"cluster\" }"},
        {"'entry', 'associations', 'cluster'", "req.admins",
         "req.admins must be declared in the policy's table: needs = { \"admins\" }"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct bench bench;
        struct known known;
        char body[256];
        snprintf(body, sizeof body, "print(pcall(function() return %s end)) error('raised')", rows[i].read);
        with_needs(&bench, &known, rows[i].needs, body);
        check_raises(&bench, rows[i].part);
        bench_fini(&bench);
    }
}

static void facts__of_one_policy__are_not_the_others(void **state)
{
    (void)state;
    struct bench bench;
    struct known known;
    bench_init(&bench);
    bench_add(&bench, "a.lua",
              "return { name = 'a', needs = { 'entry' }, authorize = function(req)\n"
              "assert(req.entry.username == 'u') end }");
    bench_add(&bench, "b.lua",
              "return { name = 'b', authorize = function(req)\n"
              "for k in pairs(req) do assert(k ~= 'entry') end\n"
              "print(pcall(function() return req.entry end)) end }");
    bench_add(&bench, "c.lua",
              "return { name = 'c', needs = { 'entry' }, authorize = function(req)\n"
              "assert(req.entry.type == 'STANDARD') end }");
    tell(&bench, &known);
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_non_null(strstr(bench.printed, "must be declared"));
    bench_fini(&bench);
}

static void facts__kept_by_a_script__are_dead_later(void **state)
{
    (void)state;
    static const char *const keeps[] = {"req.entry", "req.cluster_info"};
    static const char *const reads[] = {"kept.username", "kept.name"};
    for (size_t i = 0; i < GW_COUNT(keeps); i++) {
        struct bench bench;
        struct known known;
        char text[512];
        bench_init(&bench);
        snprintf(text, sizeof text,
                 "local kept\nreturn { name = 'p', needs = { 'entry', 'cluster' }, authorize = function(req)\n"
                 "if kept then print(pcall(function() return %s end)) end\nkept = %s end }",
                 reads[i], keeps[i]);
        bench_add(&bench, "p.lua", text);
        tell(&bench, &known);
        bench_load(&bench);
        assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
        bench_finish(&bench);
        assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
        assert_non_null(strstr(bench.printed, "has ended"));
        bench_fini(&bench);
    }
}

/* Where policies are asked anew they see what is there now, also through what they kept. */
static void facts__fetched_again__are_seen(void **state)
{
    (void)state;
    struct bench bench;
    struct known known;
    struct gw_json other;
    with_needs(&bench, &known, "'entry'",
               "kept.entry = kept.entry or req.entry\n"
               "print(req.entry and req.entry.username or 'none', kept.entry.username)");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_string_equal(bench.printed, "p: u u");
    parse(&bench, "{\"username\":\"v\"}", &other);
    bench.request.entry = &other;
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_string_equal(bench.printed, "p: v v");
    bench.request.entry = NULL;
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_string_equal(bench.printed, "p: none nil");
    bench_fini(&bench);
}

static void facts__large_ones__are_paid_from_the_budget(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_json groups = {.type = GW_JSON_ARRAY};
    struct gw_json entry = {.type = GW_JSON_OBJECT};
    with_needs(&bench, NULL, "'entry'", "for i = 1, 1000 do local g = req.entry.kubernetesGroups end");
    groups.as.array.count = 10000;
    groups.as.array.items = gw_arena_zero(&bench.arena, groups.as.array.count, sizeof *groups.as.array.items);
    for (size_t i = 0; i < groups.as.array.count; i++)
        groups.as.array.items[i] = gw_json_string(GW_STR("g"));
    gw_json_set(&bench.arena, &entry, GW_STR("kubernetesGroups"), groups);
    bench.request.facts = GW_FACT_ENTRY;
    bench.request.entry = &entry;
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_true(bench.call.refusal.failed);
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(needs__of_policies_that_may_be_asked__are_united),
        cmocka_unit_test(facts__declared_and_known__are_seen),
        cmocka_unit_test(facts__known_to_be_absent__are_nil),
        cmocka_unit_test(facts__not_declared__raise),
        cmocka_unit_test(facts__of_one_policy__are_not_the_others),
        cmocka_unit_test(facts__kept_by_a_script__are_dead_later),
        cmocka_unit_test(facts__fetched_again__are_seen),
        cmocka_unit_test(facts__large_ones__are_paid_from_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
