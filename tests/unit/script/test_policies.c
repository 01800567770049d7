/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped policies in the sandbox that serves them; their rules are tested beside them. */
#include "bench_of_one.h"

#include "codec/username.h"

static void use(struct bench *bench, const char *name)
{
    size_t i = bench->file_count++;
    assert_true(i < BENCH_FILES);
    snprintf(bench->paths[i], sizeof bench->paths[i], GW_SOURCE_DIR "/lua/policies/%s.lua", name);
    bench->files[i] = gw_str_from(bench->paths[i]);
    bench->options.file_count = bench->file_count;
}

static void load_all(struct bench *bench)
{
    bench_init(bench);
    use(bench, "deny_glob");
    use(bench, "only_these_principals");
    use(bench, "forbidden_groups");
    use(bench, "no_nodes");
    use(bench, "last_admin");
    use(bench, "required_tags");
    use(bench, "team_username");
    use(bench, "default_tags");
    use(bench, "audit_enrich");
    use(bench, "adopt_on_conflict");
    use(bench, "allowed_callers");
    bench_load(bench);
    bench_set_input(bench, "{\"tags\":{\"team\":\"blue\",\"cost-centre\":\"1\",\"ticket\":\"T-1\"}}");
}

static void shipped_policies__complete_a_role_of_a_team(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_str username = GW_STR_NONE;
    const struct gw_pair *tags = NULL;
    size_t count = 0;
    load_all(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_int_equal(bench.hooks->username(bench.hooks->ctx, &bench.call, &username), GW_POLICY_DONE);
    assert_true(gw_str_is(username, "team-a:{{SessionName}}"));
    const struct gw_json *sent = gw_json_get(&bench.input, "tags");
    assert_int_equal(bench.hooks->tags(bench.hooks->ctx, &bench.call, sent, &tags, &count), GW_POLICY_DONE);
    assert_int_equal(count, 1);
    assert_true(gw_str_is(tags[0].key, "managed-by"));
    bench_fini(&bench);
}

static void shipped_policies__add_team_and_ticket_to_the_record(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_json record;
    struct gw_json fields = {.type = GW_JSON_NULL};
    load_all(&bench);
    assert_int_equal(
        gw_json_parse(GW_STR("{\"principal\":\"arn:aws:iam::012345678910:role/team-a/x\",\"caller\":{\"name\":\"a\"},"
                             "\"input\":{\"tags\":{\"ticket\":\"T-1\"}}}"),
                      &bench.arena, &record, NULL),
        GW_OK);
    assert_int_equal(bench.hooks->audit(bench.hooks->ctx, &bench.call, &record, &fields), GW_POLICY_DONE);
    const struct gw_json *mine = gw_json_get(&fields, "audit-enrich");
    assert_true(gw_str_is(gw_json_get(mine, "team")->as.string, "team-a"));
    assert_true(gw_str_is(gw_json_get(mine, "ticket")->as.string, "T-1"));
    bench_fini(&bench);
}

static void shipped_policies__refuse_missing_tags_and_users(void **state)
{
    (void)state;
    struct bench bench;
    load_all(&bench);
    bench_set_input(&bench, "{\"tags\":{\"team\":\"blue\"}}");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_string_equal(bench.call.refusal.policy.at, "required-tags");
    assert_false(bench.call.refusal.failed);
    bench_finish(&bench);
    bench_set_principal(&bench, "arn:aws:iam::012345678910:user/anna");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_string_equal(bench.call.refusal.policy.at, "deny-glob");
    assert_false(bench.call.refusal.failed);
    bench_fini(&bench);
}

/* Expects a deny of that policy, and that it didn't fail. */
static void assert_denied(struct bench *bench, const char *policy)
{
    assert_int_equal(bench_authorize(bench), GW_POLICY_FAILED);
    assert_string_equal(bench->call.refusal.policy.at, policy);
    assert_false(bench->call.refusal.failed);
    bench_finish(bench);
}

static void shipped_policies__refuse_groups_types_and_principals(void **state)
{
    (void)state;
    struct bench bench;
    load_all(&bench);
    bench_set_input(&bench, "{\"kubernetesGroups\":[\"viewers\",\"platform:on-call\"]}");
    assert_denied(&bench, "forbidden-groups");
    bench_set_input(&bench, "{\"type\":\"EC2_LINUX\"}");
    assert_denied(&bench, "no-nodes");
    bench_set_principal(&bench, "arn:aws:iam::666666666666:role/:iam::111122223333:role/platform/x");
    assert_denied(&bench, "only-these-principals");
    bench_fini(&bench);
}

static void shipped_policies__adopt_for_pipelines_only(void **state)
{
    (void)state;
    struct bench bench;
    bool adopt = true;
    load_all(&bench);
    assert_int_equal(bench.hooks->conflict(bench.hooks->ctx, &bench.call, &adopt), GW_POLICY_DONE);
    assert_false(adopt);
    assert_int_equal(
        gw_arn_parse_principal(GW_STR("arn:aws:sts::012345678910:assumed-role/ci-deploy/run"), &bench.caller), GW_OK);
    assert_int_equal(bench.hooks->conflict(bench.hooks->ctx, &bench.call, &adopt), GW_POLICY_DONE);
    assert_true(adopt);
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_policies__complete_a_role_of_a_team),
        cmocka_unit_test(shipped_policies__add_team_and_ticket_to_the_record),
        cmocka_unit_test(shipped_policies__refuse_missing_tags_and_users),
        cmocka_unit_test(shipped_policies__refuse_groups_types_and_principals),
        cmocka_unit_test(shipped_policies__adopt_for_pipelines_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
