/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smoke request: sets that decide anything pass, sets that can't answer don't,
 * and the operator is told where.
 */
#include "bench_of_one.h"

#include "script/smoke.h"

static bool is_approval(const void *ctx, struct gw_str name)
{
    (void)ctx;
    return gw_str_is(name, "approval");
}

static const struct gw_smoke_place place = {.has_endpoint = is_approval,
                                            .partition = GW_STR_INIT("aws-cn"),
                                            .account = GW_STR_INIT("111122223333"),
                                            .region = GW_STR_INIT("cn-north-1"),
                                            .now_s = 1795363200};

static enum gw_status smoke(struct bench *bench, const char *policy)
{
    enum gw_status status;

    bench_add(bench, "p.lua", policy);
    if (gw_script_set_load(&bench->options, &bench->set, &bench->err) != GW_OK)
        fail_msg("%s", bench->err.text);
    status = gw_smoke_ask(bench->set, &place, &bench->err);
    bench_fini(bench);
    return status;
}

static void assert_passes(const char *policy)
{
    struct bench bench;

    bench_init(&bench);
    if (smoke(&bench, policy) != GW_OK)
        fail_msg("%s", bench.err.text);
}

static void assert_fails(const char *policy, const char *why)
{
    struct bench bench;

    bench_init(&bench);
    assert_int_equal(smoke(&bench, policy), GW_E_SCRIPT);
    if (strstr(bench.err.text, why) == NULL)
        fail_msg("%s", bench.err.text);
}

static void smoke__any_decision__is_good(void **state)
{
    (void)state;
    assert_passes("return { name = 'p' }");
    assert_passes("local verdict = require('eksgate.verdict')\n"
                  "return { name = 'p', authorize = function() return verdict.deny('never') end,\n"
                  "  username = function() error('not reached') end }");
    assert_passes("local verdict = require('eksgate.verdict')\n"
                  "return { name = 'p', authorize = function() return verdict.throttle(3, 'slow') end }");
    assert_passes("return { name = 'p', username = function(req) return 'u:' .. req.principal.name end,\n"
                  "  tags = function(req) return { by = req.caller.name, team = 'x' } end,\n"
                  "  audit = function(record) return { who = record.caller.arn, op = record.operation } end,\n"
                  "  conflict = function() return true end }");
}

static void smoke__hook_that_cannot_answer__is_told_with_its_line(void **state)
{
    static const char *const hooks[] = {"authorize", "username", "tags", "conflict", "audit"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(hooks); i++) {
        char policy[256];
        char why[128];

        (void)snprintf(policy, sizeof(policy),
                       "local p = { name = 'p' }\nfunction p.%s(req)\nerror('ouch')\nend\nreturn p", hooks[i]);
        (void)snprintf(why, sizeof(why), "p: %s failed on the smoke request, a CreateAccessEntry: /tmp/", hooks[i]);
        assert_fails(policy, why);
        assert_fails(policy, "p.lua:3: ouch");
    }
    assert_fails("return { name = 'p', authorize = function(req) if not req.principal then error('later') end end }",
                 "on the smoke request, a DescribeCluster");
}

/* A function that a hook calls as its last act has no caller any more. */
static void smoke__error_of_a_tail_call__has_the_line_of_its_hook(void **state)
{
    (void)state;
    assert_fails("local verdict = require('eksgate.verdict')\nlocal p = { name = 'p' }\n"
                 "function p.authorize()\n    return verdict.deny()\nend\nreturn p",
                 "p.lua:3: deny needs a reason");
    assert_fails("local verdict = require('eksgate.verdict')\nlocal p = { name = 'p' }\n"
                 "function p.authorize()\n    local said = verdict.deny()\n    return said\nend\nreturn p",
                 "p.lua:4: deny needs a reason");
    assert_fails("local p = { name = 'p' }\nfunction p.authorize()\n    error('at 10: no line', 0)\nend\nreturn p",
                 "p.lua:2: at 10: no line");
}

static void smoke__endless_greedy_and_nonsense__are_told(void **state)
{
    (void)state;
    assert_fails("return { name = 'p', authorize = function() while true do end end }", "ran longer than it may");
    assert_fails("return { name = 'p', authorize = function() local s = 'x' while true do s = s .. s end end }",
                 "needs more memory");
    assert_fails("return { name = 'p', authorize = function() return 'yes' end }", "p: authorize");
    assert_fails("return { name = 'p', username = function() return 'system:masters' end }", "p: username");
    assert_fails("return { name = 'p', username = function() return 7 end }", "p: username");
    assert_fails("return { name = 'p', tags = function() return { ['aws:x'] = 'y' } end }", "p: tags");
    assert_fails("return { name = 'p', audit = function() return 'text' end }", "p: audit");
    assert_fails("return { name = 'p', tags = function(req) return req end }",
                 "p.lua:1: tags returned what is read-only; data.copy");
}

static void smoke__request__is_a_plausible_one(void **state)
{
    (void)state;
    assert_passes(
        "local function check(what, is, shall) if is ~= shall then error(what .. ' is ' .. tostring(is)) end end\n"
        "return { name = 'p', needs = { 'entry', 'associations', 'cluster' }, authorize = function(req)\n"
        "  check('account', req.account, '111122223333')\n"
        "  check('region', req.region, 'cn-north-1')\n"
        "  check('time', req.time, 1795363200)\n"
        "  check('entry', req.entry, nil)\n"
        "  check('mode', req.cluster_info and req.cluster_info.accessConfig.authenticationMode or 'API', 'API')\n"
        "  check('caller', req.caller.account, '111122223333')\n"
        "  if req.operation == 'CreateAccessEntry' then\n"
        "    check('path', req.principal.path, '/team-a/')\n"
        "    check('arn', req.principal.arn, 'arn:aws-cn:iam::111122223333:role/team-a/deployer')\n"
        "    check('group', req.input.kubernetesGroups[1], 'developers')\n"
        "    check('tag', req.input.tags.team, 'team-a')\n"
        "  else\n"
        "    check('principal', req.principal, nil)\n"
        "  end\n"
        "end }");
}

/* As in life, policies are told of nobody whom only the upstream can verify. */
static void smoke__pass_through__has_no_caller(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench.options.is_pass_through = true;
    assert_int_equal(smoke(&bench, "return { name = 'p', authorize = function(req)\n"
                                   "if req.caller.verified then error('verified') end end }"),
                     GW_OK);
}

static void smoke__default_deny__is_no_failure(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    bench.options.default_allow = false;
    assert_int_equal(smoke(&bench, "return { name = 'p', authorize = function() return nil end }"), GW_OK);
}

/* What an endpoint would say isn't known, nor what the hook would make of it. */
static void smoke__question_to_an_endpoint__ends_it(void **state)
{
    (void)state;
    assert_passes("local http = require('eksgate.http')\n"
                  "return { name = 'p', authorize = function()\n"
                  "  http.get('approval', { path = '/x' })\n"
                  "  error('not reached')\n"
                  "end }");
    assert_fails("local http = require('eksgate.http')\n"
                 "return { name = 'p', authorize = function() http.get(7) end }",
                 "p: authorize");
}

static void smoke__endpoint_that_is_not_there__is_told(void **state)
{
    (void)state;
    assert_fails("local http = require('eksgate.http')\n"
                 "return { name = 'p', authorize = function() http.post('aproval') end }",
                 "p.lua:2: endpoint aproval: there is no such endpoint in policy.endpoints");
}

static void smoke__lines_of_policies__are_not_printed(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench);
    assert_int_equal(smoke(&bench, "return { name = 'p', authorize = function() print('shout') end }"), GW_OK);
    assert_string_equal(bench.printed, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smoke__any_decision__is_good),
        cmocka_unit_test(smoke__hook_that_cannot_answer__is_told_with_its_line),
        cmocka_unit_test(smoke__error_of_a_tail_call__has_the_line_of_its_hook),
        cmocka_unit_test(smoke__endless_greedy_and_nonsense__are_told),
        cmocka_unit_test(smoke__request__is_a_plausible_one),
        cmocka_unit_test(smoke__pass_through__has_no_caller),
        cmocka_unit_test(smoke__default_deny__is_no_failure),
        cmocka_unit_test(smoke__question_to_an_endpoint__ends_it),
        cmocka_unit_test(smoke__endpoint_that_is_not_there__is_told),
        cmocka_unit_test(smoke__lines_of_policies__are_not_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
