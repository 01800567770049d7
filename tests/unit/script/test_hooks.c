/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway relies on when it asks policies, and what a policy sees. */
#include "bench_of_one.h"

#include "codec/username.h"

static void with_hook(struct bench *bench, const char *hook, const char *body)
{
    bench_init(bench);
    bench_add_hook(bench, hook, body);
    bench_load(bench);
}

static void check_failed(const struct bench *bench, enum gw_policy_answer answer)
{
    assert_int_equal(answer, GW_POLICY_FAILED);
    assert_true(bench->call.refusal.failed);
    assert_int_equal(bench->call.refusal.verdict, GW_VERDICT_DENY);
    assert_string_equal(bench->call.refusal.policy.at, "p");
    assert_true(gw_str_is(bench->call.refusal.reason, "policy failed"));
    assert_int_equal(bench->counters.failed, 1);
}

static void no_policies__nobody_is_asked(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_str username = GW_STR_NONE;
    bench_init(&bench);
    bench_load(&bench);
    assert_int_equal(gw_script_set_count(bench.set), 0);
    for (int hook = 0; hook < GW_HOOK_COUNT; hook++)
        assert_false(bench.hooks->wants(bench.hooks->ctx, (enum gw_policy_hook)hook, bench.request.operation));
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_int_equal(bench.hooks->username(bench.hooks->ctx, &bench.call, &username), GW_POLICY_DONE);
    assert_null(username.at);
    assert_int_equal(bench.counters.calls, 0);
    bench_fini(&bench);
}

static void no_policies__default_deny_refuses(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.default_allow = false;
    bench_load(&bench);
    assert_true(bench.hooks->wants(bench.hooks->ctx, GW_HOOK_AUTHORIZE, bench.request.operation));
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_true(gw_str_is(bench.call.refusal.policy, "default_verdict"));
    assert_true(gw_str_is(bench.call.refusal.reason, "no policy allowed it"));
    assert_false(bench.call.refusal.failed);
    bench_fini(&bench);
}

static void authorize__no_opinion__goes_on(void **state)
{
    (void)state;
    struct bench bench;
    with_hook(&bench, "authorize", "return nil");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_int_equal(bench.call.opinion_count, 0);
    assert_int_equal(bench.counters.calls, 1);
    bench_fini(&bench);
}

static void authorize__deny__refuses_with_policy_and_reason(void **state)
{
    (void)state;
    struct bench bench;
    with_hook(&bench, "authorize", "return verdict.deny('nodes are made elsewhere')");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_int_equal(bench.call.refusal.verdict, GW_VERDICT_DENY);
    assert_false(bench.call.refusal.failed);
    assert_string_equal(bench.call.refusal.policy.at, "p");
    assert_string_equal(bench.call.refusal.reason.at, "nodes are made elsewhere");
    assert_int_equal(bench.call.opinion_count, 1);
    assert_int_equal(bench.counters.denied, 1);
    bench_fini(&bench);
}

static void authorize__throttle__gives_whole_seconds(void **state)
{
    (void)state;
    struct bench bench;
    with_hook(&bench, "authorize", "return verdict.throttle(1.2, 'slow down')");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_int_equal(bench.call.refusal.verdict, GW_VERDICT_THROTTLE);
    assert_int_equal(bench.call.refusal.retry_after_s, 2);
    assert_int_equal(bench.counters.throttled, 1);
    bench_fini(&bench);
}

static void authorize__first_refusal__ends_the_question(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_add(&bench, "a.lua", "return { name = 'a', authorize = function() return { verdict = 'allow' } end }");
    bench_add(&bench, "b.lua",
              "return { name = 'b', authorize = function() return { verdict = 'deny', reason = 'no' } end }");
    bench_add(&bench, "c.lua", "return { name = 'c', authorize = function() error('not asked') end }");
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_string_equal(bench.call.refusal.policy.at, "b");
    assert_int_equal(bench.call.opinion_count, 2);
    assert_int_equal(bench.call.opinions[0].verdict, GW_VERDICT_ALLOW);
    assert_int_equal(bench.counters.calls, 2);
    bench_fini(&bench);
}

static void authorize__default_deny__needs_an_allow(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.default_allow = false;
    bench_add_hook(&bench, "authorize", "if req.region == 'us-west-2' then return verdict.allow() end");
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    bench_finish(&bench);
    bench.request.region = GW_STR("eu-west-1");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_true(gw_str_is(bench.call.refusal.policy, "default_verdict"));
    bench_fini(&bench);
}

static void authorize__raise__is_a_refusal(void **state)
{
    (void)state;
    struct bench bench;
    with_hook(&bench, "authorize", "local t = nil; return t.x");
    check_failed(&bench, bench_authorize(&bench));
    bench_fini(&bench);
}

static void authorize__nonsense__is_a_refusal(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "return true",
        "return 'deny'",
        "return 0",
        "return verdict.deny",
        "return {}",
        "return req",
        "return { verdict = 'permit' }",
        "return { verdict = 1 }",
        "return { verdict = 'deny', reason = {} }",
        "return { verdict = 'throttle', reason = 'x' }",
        "return { verdict = 'throttle', seconds = -1 }",
        "return { verdict = 'throttle', seconds = 0/0 }",
        "return { verdict = 'throttle', seconds = 1e99 }",
        "return verdict.deny()",
        "return { verdict = 'allow', unless = 'x' }",
        "return { verdict = 'allow', seconds = 1 }",
        "return { verdict = 'deny', reason = 'x', [1] = 'y' }",
        "return verdict.deny('')",
        "return verdict.throttle('soon', 'x')",
    };
    for (size_t i = 0; i < GW_COUNT(answers); i++) {
        struct bench bench;
        with_hook(&bench, "authorize", answers[i]);
        check_failed(&bench, bench_authorize(&bench));
        bench_fini(&bench);
    }
}

static void authorize__unprintable_reason__is_escaped_and_cut(void **state)
{
    (void)state;
    struct bench bench;
    with_hook(&bench, "authorize", "return verdict.deny('a\\r\\n\\xff\\u{e4}' .. ('x'):rep(1000))");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_true(gw_str_starts(bench.call.refusal.reason, GW_STR("a\\x0d\\x0a\\xff\xc3\xa4xxx")));
    assert_int_equal(bench.call.refusal.reason.length, 512);
    bench_fini(&bench);
}

static void on__other_operation__is_not_asked(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_add(&bench, "p.lua",
              "return { name = 'p', on = { 'UpdateAccessEntry' }, authorize = function() error('asked') end }");
    bench_load(&bench);
    assert_false(bench.hooks->wants(bench.hooks->ctx, GW_HOOK_AUTHORIZE, GW_STR("CreateAccessEntry")));
    assert_true(bench.hooks->wants(bench.hooks->ctx, GW_HOOK_AUTHORIZE, GW_STR("UpdateAccessEntry")));
    assert_false(bench.hooks->wants(bench.hooks->ctx, GW_HOOK_TAGS, GW_STR("UpdateAccessEntry")));
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    bench_fini(&bench);
}

static enum gw_policy_answer ask_username(struct bench *bench, struct gw_str *username)
{
    *username = GW_STR_NONE;
    return bench->hooks->username(bench->hooks->ctx, &bench->call, username);
}

static void username__first_that_answers__wins(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_str username;
    bench_init(&bench);
    bench_add(&bench, "a.lua", "return { name = 'a', username = function() return nil end }");
    bench_add(&bench, "b.lua",
              "return { name = 'b', username = function(req) return 'team:' .. req.principal.name end }");
    bench_add(&bench, "c.lua", "return { name = 'c', username = function() return 'other' end }");
    bench_load(&bench);
    assert_int_equal(ask_username(&bench, &username), GW_POLICY_DONE);
    assert_string_equal(username.at, "team:deployer");
    assert_int_equal(bench.call.change_count, 1);
    assert_string_equal(bench.call.changes[0].policy.at, "b");
    assert_int_equal(bench.call.changes[0].hook, GW_HOOK_USERNAME);
    assert_int_equal(bench.call.changes[0].before.type, GW_JSON_NULL);
    assert_string_equal(bench.call.changes[0].after.as.string.at, "team:deployer");
    bench_fini(&bench);
}

static void username__nobody_answers__is_absent(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_str username;
    with_hook(&bench, "username", "return nil");
    assert_int_equal(ask_username(&bench, &username), GW_POLICY_DONE);
    assert_null(username.at);
    assert_int_equal(bench.call.change_count, 0);
    bench_fini(&bench);
}

static void username__eks_would_refuse__is_a_refusal(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "return 'system:masters'", "return ''",      "return 42",   "return {}",
        "return ('x'):rep(1000)",  "return 'a\\nb'", "return true", "return '{{SessionName}}'"};
    for (size_t i = 0; i < GW_COUNT(answers); i++) {
        struct bench bench;
        struct gw_str username;
        with_hook(&bench, "username", answers[i]);
        check_failed(&bench, ask_username(&bench, &username));
        assert_null(username.at);
        bench_fini(&bench);
    }
}

static enum gw_policy_answer ask_tags(struct bench *bench, const char *sent, const struct gw_pair **tags, size_t *count)
{
    struct gw_json *given = NULL;
    *tags = NULL;
    *count = 0;
    if (sent != NULL) {
        given = gw_arena_zero(&bench->arena, 1, sizeof *given);
        assert_int_equal(gw_json_parse(gw_str_from(sent), &bench->arena, given, NULL), GW_OK);
    }
    return bench->hooks->tags(bench->hooks->ctx, &bench->call, given, tags, count);
}

static void tags__callers_and_earlier_ones_win(void **state)
{
    (void)state;
    struct bench bench;
    const struct gw_pair *tags;
    size_t count;
    bench_init(&bench);
    bench_add(&bench, "a.lua", "return { name = 'a', tags = function() return { z = 'a', own = 'a', m = 'a' } end }");
    bench_add(&bench, "b.lua", "return { name = 'b', tags = function() return { z = 'b', c = 'b' } end }");
    bench_load(&bench);
    assert_int_equal(ask_tags(&bench, "{\"own\":\"mine\"}", &tags, &count), GW_POLICY_DONE);
    assert_int_equal(count, 3);
    assert_string_equal(tags[0].key.at, "c");
    assert_string_equal(tags[1].key.at, "m");
    assert_string_equal(tags[2].key.at, "z");
    assert_string_equal(tags[2].value.at, "a");
    assert_int_equal(bench.call.change_count, 2);
    assert_int_equal(bench.call.changes[0].after.as.object.count, 2);
    bench_fini(&bench);
}

static void tags__none__changes_nothing(void **state)
{
    (void)state;
    struct bench bench;
    const struct gw_pair *tags;
    size_t count;
    with_hook(&bench, "tags", "return {}");
    assert_int_equal(ask_tags(&bench, NULL, &tags, &count), GW_POLICY_DONE);
    assert_int_equal(count, 0);
    assert_int_equal(bench.call.change_count, 0);
    bench_fini(&bench);
}

static void tags__that_eks_would_refuse__are_a_refusal(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "return { ['aws:x'] = 'y' }",
        "return { [1] = 'y' }",
        "return { x = 1 }",
        "return { x = {} }",
        "return { [''] = 'y' }",
        "return { x = ('y'):rep(257) }",
        "return { [('x'):rep(129)] = 'y' }",
        "return 'x'",
        "return { x = 'a\\nb\\1' }",
        "local t = {} for i = 1, 51 do t['k' .. i] = 'v' end return t",
    };
    for (size_t i = 0; i < GW_COUNT(answers); i++) {
        struct bench bench;
        const struct gw_pair *tags;
        size_t count;
        with_hook(&bench, "tags", answers[i]);
        check_failed(&bench, ask_tags(&bench, NULL, &tags, &count));
        bench_fini(&bench);
    }
}

static void tags__51_with_those_sent__are_a_refusal(void **state)
{
    (void)state;
    struct bench bench;
    const struct gw_pair *tags;
    size_t count;
    with_hook(&bench, "tags", "local t = {} for i = 1, 50 do t['k' .. i] = 'v' end return t");
    check_failed(&bench, ask_tags(&bench, "{\"own\":\"mine\"}", &tags, &count));
    bench_fini(&bench);
    with_hook(&bench, "tags", "local t = {} for i = 1, 50 do t['k' .. i] = 'v' end return t");
    assert_int_equal(ask_tags(&bench, "{\"k1\":\"mine\"}", &tags, &count), GW_POLICY_DONE);
    assert_int_equal(count, 49);
    bench_fini(&bench);
}

static const char record_text[] = "{\"operation\":\"CreateAccessEntry\",\"input\":{\"tags\":{\"ticket\":\"T-1\"}},"
                                  "\"caller\":{\"name\":\"anna\"},\"time\":1}";

static enum gw_policy_answer ask_audit(struct bench *bench, char out[6000])
{
    struct gw_json record;
    struct gw_json fields = {.type = GW_JSON_NULL};
    struct gw_buf text;
    assert_int_equal(gw_json_parse(gw_str_from(record_text), &bench->arena, &record, NULL), GW_OK);
    enum gw_policy_answer answer = bench->hooks->audit(bench->hooks->ctx, &bench->call, &record, &fields);
    gw_buf_init(&text, 5999);
    gw_json_encode(&fields, &text);
    snprintf(out, 6000, "%.*s", GW_STR_ARG(gw_buf_str(&text)));
    gw_buf_fini(&text);
    return answer;
}

static void audit__fields__stand_under_the_policys_name(void **state)
{
    (void)state;
    struct bench bench;
    char fields[6000];
    bench_init(&bench);
    bench_add(&bench, "a.lua",
              "return { name = 'a', audit = function(record)\n"
              "return { ticket = record.input.tags.ticket, by = record.caller.name, n = 1, f = 0.5, ok = true,\n"
              "list = { 'x', 'y' }, none = record.nothing } end }");
    bench_add(&bench, "b.lua", "return { name = 'b', audit = function() return {} end }");
    bench_add(&bench, "c.lua", "return { name = 'c', audit = function(record) return { t = record.time } end }");
    bench_load(&bench);
    assert_int_equal(ask_audit(&bench, fields), GW_POLICY_DONE);
    assert_string_equal(fields, "{\"a\":{\"by\":\"anna\",\"f\":0.5,\"list\":[\"x\",\"y\"],\"n\":1,\"ok\":true,"
                                "\"ticket\":\"T-1\"},\"c\":{\"t\":1}}");
    bench_fini(&bench);
}

static void audit__nothing_to_add__is_null(void **state)
{
    (void)state;
    struct bench bench;
    char fields[6000];
    with_hook(&bench, "audit", "return nil");
    assert_int_equal(ask_audit(&bench, fields), GW_POLICY_DONE);
    assert_string_equal(fields, "null");
    bench_fini(&bench);
}

static void audit__fields_that_dont_fit__are_a_refusal(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "return 'x'",
        "return { 'list' }",
        "return { f = function() end }",
        "return { r = req }",
        "return { x = ('y'):rep(5000) }",
        "local t = {} t.t = t return t",
        "local t = {} for i = 1, 9 do t = { t = t } end return t",
        "return { n = 0/0 }",
        "return { [1] = 'a', b = 'c' }",
        "local a = {} for i = 1, 5 do a = { a, a, a, a, a, a } end return { a = a }",
        "error('no')",
    };
    for (size_t i = 0; i < GW_COUNT(answers); i++) {
        struct bench bench;
        char fields[6000];
        with_hook(&bench, "audit", answers[i]);
        check_failed(&bench, ask_audit(&bench, fields));
        assert_string_equal(fields, "null");
        bench_fini(&bench);
    }
}

static void audit__one_long_text_under_many_names__takes_no_memory_of_the_process(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "local s = ('x'):rep(500000) local t = {} for i = 1, 1000 do t['k' .. i] = s end return t",
        "local s = ('x'):rep(500000) local t = {} for i = 1, 300 do t[i] = { [s] = 1 } end return { a = t }",
    };
    for (size_t i = 0; i < GW_COUNT(answers); i++) {
        struct bench bench;
        char fields[6000];
        with_hook(&bench, "audit", answers[i]);
        check_failed(&bench, ask_audit(&bench, fields));
        assert_true(bench.arena.taken < 256 * 1024);
        bench_fini(&bench);
    }
}

static void audit__record_kept_by_a_script__is_dead_later(void **state)
{
    (void)state;
    struct bench bench;
    char fields[6000];
    bench_init(&bench);
    bench_add(&bench, "p.lua",
              "local kept\nreturn { name = 'p', audit = function(record) kept = record end,\n"
              "authorize = function() return kept and kept.time end }");
    bench_load(&bench);
    assert_int_equal(ask_audit(&bench, fields), GW_POLICY_DONE);
    bench_finish(&bench);
    check_failed(&bench, bench_authorize(&bench));
    bench_fini(&bench);
}

static enum gw_policy_answer ask_conflict(struct bench *bench, bool *adopt)
{
    *adopt = false;
    return bench->hooks->conflict(bench->hooks->ctx, &bench->call, adopt);
}

static void conflict__first_that_says_true__adopts(void **state)
{
    (void)state;
    struct bench bench;
    bool adopt;
    bench_init(&bench);
    bench_add(&bench, "a.lua", "return { name = 'a', conflict = function() return false end }");
    bench_add(&bench, "b.lua", "return { name = 'b', conflict = function(req) return req.region == 'us-west-2' end }");
    bench_add(&bench, "c.lua", "return { name = 'c', conflict = function() error('not asked') end }");
    bench_load(&bench);
    assert_true(bench.hooks->wants(bench.hooks->ctx, GW_HOOK_CONFLICT, bench.request.operation));
    assert_int_equal(ask_conflict(&bench, &adopt), GW_POLICY_DONE);
    assert_true(adopt);
    assert_int_equal(bench.call.change_count, 1);
    assert_int_equal(bench.call.changes[0].hook, GW_HOOK_CONFLICT);
    assert_string_equal(bench.call.changes[0].policy.at, "b");
    assert_true(bench.call.changes[0].after.as.boolean);
    bench_fini(&bench);
}

static void conflict__nil_or_false__adopts_nothing(void **state)
{
    (void)state;
    static const char *const answers[] = {"", "return nil", "return false"};
    for (size_t i = 0; i < GW_COUNT(answers); i++) {
        struct bench bench;
        bool adopt;
        with_hook(&bench, "conflict", answers[i]);
        assert_int_equal(ask_conflict(&bench, &adopt), GW_POLICY_DONE);
        assert_false(adopt);
        assert_int_equal(bench.call.change_count, 0);
        bench_fini(&bench);
    }
}

static void conflict__nonsense__is_a_refusal(void **state)
{
    (void)state;
    static const char *const answers[] = {"return 1",   "return 'true'", "return {}", "return verdict.allow()",
                                          "return req", "error('boom')"};
    for (size_t i = 0; i < GW_COUNT(answers); i++) {
        struct bench bench;
        bool adopt;
        with_hook(&bench, "conflict", answers[i]);
        check_failed(&bench, ask_conflict(&bench, &adopt));
        assert_false(adopt);
        bench_fini(&bench);
    }
}

static void outcome__failure__is_counted_and_the_next_is_told(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_json record;
    bench_init(&bench);
    bench_add(&bench, "a.lua", "return { name = 'a', outcome = function() error('x') end }");
    bench_add(&bench, "b.lua", "return { name = 'b', outcome = function(record) print(record.outcome) end }");
    bench_load(&bench);
    assert_int_equal(gw_json_parse(GW_STR("{\"outcome\":\"applied\"}"), &bench.arena, &record, NULL), GW_OK);
    bench.hooks->outcome(bench.hooks->ctx, &bench.call, &record);
    assert_int_equal(bench.counters.failed, 1);
    assert_int_equal(bench.counters.calls, 2);
    assert_string_equal(bench.printed, "b: applied");
    assert_false(bench.call.refusal.failed);
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_policies__nobody_is_asked),
        cmocka_unit_test(no_policies__default_deny_refuses),
        cmocka_unit_test(authorize__no_opinion__goes_on),
        cmocka_unit_test(authorize__deny__refuses_with_policy_and_reason),
        cmocka_unit_test(authorize__throttle__gives_whole_seconds),
        cmocka_unit_test(authorize__first_refusal__ends_the_question),
        cmocka_unit_test(authorize__default_deny__needs_an_allow),
        cmocka_unit_test(authorize__raise__is_a_refusal),
        cmocka_unit_test(authorize__nonsense__is_a_refusal),
        cmocka_unit_test(authorize__unprintable_reason__is_escaped_and_cut),
        cmocka_unit_test(on__other_operation__is_not_asked),
        cmocka_unit_test(username__first_that_answers__wins),
        cmocka_unit_test(username__nobody_answers__is_absent),
        cmocka_unit_test(username__eks_would_refuse__is_a_refusal),
        cmocka_unit_test(tags__callers_and_earlier_ones_win),
        cmocka_unit_test(tags__none__changes_nothing),
        cmocka_unit_test(tags__that_eks_would_refuse__are_a_refusal),
        cmocka_unit_test(tags__51_with_those_sent__are_a_refusal),
        cmocka_unit_test(audit__fields__stand_under_the_policys_name),
        cmocka_unit_test(audit__nothing_to_add__is_null),
        cmocka_unit_test(audit__fields_that_dont_fit__are_a_refusal),
        cmocka_unit_test(audit__one_long_text_under_many_names__takes_no_memory_of_the_process),
        cmocka_unit_test(audit__record_kept_by_a_script__is_dead_later),
        cmocka_unit_test(conflict__first_that_says_true__adopts),
        cmocka_unit_test(conflict__nil_or_false__adopts_nothing),
        cmocka_unit_test(conflict__nonsense__is_a_refusal),
        cmocka_unit_test(outcome__failure__is_counted_and_the_next_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
