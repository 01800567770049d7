/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy sees as req, and how long it may see it. */
#include "bench_of_one.h"

static void with_hook(struct bench *bench, const char *hook, const char *body)
{
    bench_init(bench);
    bench_add_hook(bench, hook, body);
    bench_load(bench);
}

static enum gw_policy_answer ask_username(struct bench *bench, struct gw_str *username)
{
    *username = GW_STR_NONE;
    return bench->hooks->username(bench->hooks->ctx, &bench->call, username);
}

/* Each is true inside authorize. */
static void req__holds_what_was_asked(void **state)
{
    (void)state;
    static const char *const claims[] = {
        "req.operation == 'CreateAccessEntry' and req.account == '012345678910' and req.region == 'us-west-2'",
        "req.cluster == 'my-cluster' and req.time == 1795363200 and math.type(req.time) == 'integer'",
        "req.source_ip == '127.0.0.1' and req.user_agent == 'aws-cli/2' and #req.request_id == 36",
        "req.client_certificate.subject == 'CN=ci,O=Example'",
        "not pcall(function() return req.client_certificate.foo end)",
        "(function() for k, v in pairs(req.client_certificate) do return k .. v end end)() == 'subjectCN=ci,O=Example'",
        "req.principal.arn == 'arn:aws:iam::012345678910:role/team-a/deployer' and req.principal.kind == 'role'",
        "req.principal.partition == 'aws' and req.principal.path == '/team-a/' and req.principal.name == 'deployer'",
        "req.principal.account == '012345678910' and req.caller.account == '012345678910'",
        "req.caller.access_key == 'AKIDEXAMPLE' and req.caller.verified == true and req.caller.tags.team == 'red'",
        "req.caller.name == 'admin' and req.caller.arn == 'arn:aws:sts::012345678910:assumed-role/admin/anna'",
        "req.input.tags.ticket == 'T-1' and req.input.kubernetesGroups[2] == 'b' and #req.input.kubernetesGroups == 2",
        "req.input.username == nil and req.input.maxResults == nil",
        "not pcall(function() return req.foo end) and not pcall(function() return req.input.foo end)",
        "not pcall(function() return req.principal.foo end) and not pcall(function() return req.caller.foo end)",
        "not pcall(function() return req[1] end) and not pcall(function() return req.input[1] end)",
        "select(2, pcall(function() return req.foo end)):find('no such field: req.foo', 1, true)",
        "not pcall(function() req.time = 0 end) and not pcall(function() req.input.tags = {} end)",
        "(function() local n = 0 for k, v in pairs(req.input) do n = n + 1 end return n end)() == 3",
        "(function() local n = 0 for k, v in pairs(req.principal) do n = n + #v end return n end)() > 20",
        "(function() local t = req.input.tags t.ticket = 'x' return req.input.tags.ticket end)() == 'T-1'",
        "type(req) == 'userdata' and req.principal == req.principal",
    };
    for (size_t i = 0; i < GW_COUNT(claims); i++) {
        struct bench bench;
        char body[512];
        snprintf(body, sizeof body, "if %s then return nil end\nreturn verdict.deny('untrue')", claims[i]);
        with_hook(&bench, "authorize", body);
        if (bench_authorize(&bench) != GW_POLICY_DONE)
            fail_msg("%s", claims[i]);
        bench_fini(&bench);
    }
}

static void req__unknown_things__are_nil(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.request.principal = NULL;
    bench.request.caller = NULL;
    bench.request.cluster = GW_STR_NONE;
    bench.request.input = NULL;
    bench.request.caller_tag_count = 0;
    bench_add_hook(&bench, "authorize",
                   "assert(req.principal == nil and req.cluster == nil and req.caller.arn == nil)\n"
                   "assert(next(req.caller.tags) == nil and req.input.tags == nil)");
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    bench_fini(&bench);
}

static void req__kept_by_a_script__is_dead_later(void **state)
{
    (void)state;
    static const char *const keeps[] = {"req", "req.principal", "req.caller", "req.input"};
    static const char *const reads[] = {"kept.time", "kept.arn", "kept.tags", "kept.tags"};
    for (size_t i = 0; i < GW_COUNT(keeps); i++) {
        struct bench bench;
        char text[512];
        bench_init(&bench);
        snprintf(text, sizeof text,
                 "local kept\nreturn { name = 'p', authorize = function(req)\n"
                 "if kept then print(pcall(function() return %s end)) end\nkept = %s end }",
                 reads[i], keeps[i]);
        bench_add(&bench, "p.lua", text);
        bench_load(&bench);
        assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
        bench_finish(&bench);
        assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
        assert_non_null(strstr(bench.printed, "false"));
        assert_non_null(strstr(bench.printed, "has ended"));
        bench_fini(&bench);
    }
}

static void requests__interleaved__keep_their_own_view(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_str username;
    bench_init(&bench);
    bench_add(&bench, "p.lua",
              "return { name = 'p', authorize = function() end,\n"
              "username = function(req) return 'x:' .. req.region end }");
    bench_load(&bench);
    struct gw_policy_request second = bench.request;
    second.region = GW_STR("eu-west-1");
    struct gw_policy_call other = {.request = &second, .arena = &bench.arena};
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_int_equal(bench.hooks->authorize(bench.hooks->ctx, &other), GW_POLICY_DONE);
    assert_int_equal(ask_username(&bench, &username), GW_POLICY_DONE);
    assert_string_equal(username.at, "x:us-west-2");
    bench.hooks->finish(bench.hooks->ctx, &other);
    bench_finish(&bench);
    assert_int_equal(bench.hooks->username(bench.hooks->ctx, &other, &username), GW_POLICY_DONE);
    assert_string_equal(username.at, "x:eu-west-1");
    bench.hooks->finish(bench.hooks->ctx, &other);
    bench_fini(&bench);
}

static void request__open_while_the_state_is_replaced__goes_on(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_str username;
    bench_init(&bench);
    bench_add(&bench, "p.lua",
              "return { name = 'p', authorize = function(req) while req.region == 'x' do end end,\n"
              "username = function(req) return 'x:' .. req.region end }");
    bench_load(&bench);
    struct gw_policy_request second = bench.request;
    second.region = GW_STR("x");
    struct gw_policy_call other = {.request = &second, .arena = &bench.arena};
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_int_equal(bench.hooks->authorize(bench.hooks->ctx, &other), GW_POLICY_FAILED);
    bench.hooks->finish(bench.hooks->ctx, &other);
    assert_int_equal(ask_username(&bench, &username), GW_POLICY_DONE);
    assert_string_equal(username.at, "x:us-west-2");
    bench_fini(&bench);
}

static void many_requests__leave_no_memory_behind(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.state_bytes = 256 * 1024;
    bench_add_hook(&bench, "authorize", "assert(req.input.tags.ticket .. req.principal.arn .. req.caller.arn)");
    bench_load(&bench);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
        bench_finish(&bench);
        gw_arena_reset(&bench.arena);
        bench_set_input(&bench, "{\"tags\":{\"ticket\":\"T-1\"}}");
    }
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(req__holds_what_was_asked),
        cmocka_unit_test(req__unknown_things__are_nil),
        cmocka_unit_test(req__kept_by_a_script__is_dead_later),
        cmocka_unit_test(requests__interleaved__keep_their_own_view),
        cmocka_unit_test(request__open_while_the_state_is_replaced__goes_on),
        cmocka_unit_test(many_requests__leave_no_memory_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
