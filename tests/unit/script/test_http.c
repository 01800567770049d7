/* SPDX-License-Identifier: Apache-2.0 */
/* eksgate.http as policies use it, before an endpoint that the test plays. */
#include "bench_of_one.h"

/* What was asked last, and what is said at once. */
static struct {
    struct gw_policy_fetch asked;
    unsigned times;
    struct gw_policy_fetched *fetched;
    const char *refused;           /* NULL: it begins */
    struct gw_policy_fetched says; /* is_done: at once */
} endpoint;

static enum gw_status fetch(void *ctx, struct gw_policy_call *call, const struct gw_policy_fetch *asked,
                            struct gw_policy_fetched *fetched, struct gw_err *err)
{
    (void)ctx;
    assert_false(fetched->is_done);
    endpoint.times++;
    endpoint.fetched = fetched;
    endpoint.asked = (struct gw_policy_fetch){.endpoint = gw_arena_str(call->arena, asked->endpoint),
                                              .path = gw_arena_str(call->arena, asked->path),
                                              .is_post = asked->is_post,
                                              .content_type = gw_arena_str(call->arena, asked->content_type),
                                              .body = gw_arena_str(call->arena, asked->body)};
    if (endpoint.refused != NULL)
        return gw_fail(err, GW_E_BUSY, "%s", endpoint.refused);
    if (endpoint.says.is_done)
        *fetched = endpoint.says;
    return GW_OK;
}

static void on_wake(void *ctx)
{
    (void)ctx;
}

static void say(unsigned status, const char *content_type, const char *body)
{
    endpoint.says = (struct gw_policy_fetched){
        .is_done = true, .status = status, .content_type = gw_str_from(content_type), .body = gw_str_from(body)};
}

static void with_hook(struct bench *bench, const char *hook, const char *body)
{
    char text[2048];
    memset(&endpoint, 0, sizeof endpoint);
    snprintf(text, sizeof text, "local http = require('eksgate.http')\n%s", body);
    bench_init(bench);
    bench->services.fetch = fetch;
    bench->call.wake = on_wake;
    bench_add_hook(bench, hook, text);
    bench_load(bench);
}

static void check_reason(struct bench *bench, const char *reason)
{
    enum gw_policy_answer answer = bench_authorize(bench);
    assert_int_equal(answer, GW_POLICY_FAILED);
    if (!gw_str_is(bench->call.refusal.reason, reason))
        fail_msg("%.*s", GW_STR_ARG(bench->call.refusal.reason));
}

static void get__the_hook_waits_and_goes_on_with_the_reply(void **state)
{
    (void)state;
    struct bench bench;
    with_hook(&bench, "authorize",
              "local r = http.get('opa', { path = '/x' })\n"
              "return verdict.deny(r.status .. ' ' .. r.content_type .. ' ' .. r.body .. ' ' .. r.json.list[2])");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_WAITING);
    assert_int_equal(endpoint.times, 1);
    assert_true(gw_str_is(endpoint.asked.endpoint, "opa"));
    assert_true(gw_str_is(endpoint.asked.path, "/x"));
    assert_false(endpoint.asked.is_post);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_WAITING); /* woken for nothing */
    assert_int_equal(endpoint.times, 1);
    *endpoint.fetched = (struct gw_policy_fetched){.is_done = true,
                                                   .status = 201,
                                                   .content_type = GW_STR("application/json; charset=utf-8"),
                                                   .body = GW_STR("{\"list\":[1,\"x\"],\"no\":null}")};
    check_reason(&bench, "201 application/json; charset=utf-8 {\"list\":[1,\"x\"],\"no\":null} x");
    bench_fini(&bench);
}

static void get__replies__are_tables(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *content_type;
        const char *body;
        const char *shown;
    } cases[] = {
        {200, "application/json", "{\"a\":[1,{\"b\":true}]}", "200 application/json table 1"},
        {200, "APPLICATION/JSON ; x=y", "{\"a\":[2,{\"b\":true}]}", "200 APPLICATION/JSON ; x=y table 2"},
        {500, "application/problem+json", "{\"a\":[3]}", "500 application/problem+json table 3"},
        {404, "text/html", "{\"a\":[1]}", "404 text/html nil -"},
        {200, "", "{\"a\":[1]}", "200 nil nil -"},
        {204, "application/json", "", "204 application/json nil -"},
        {200, "+json", "4", "200 +json number -"},
    };
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct bench bench;
        with_hook(&bench, "authorize",
                  "local r = http.get('opa')\n"
                  "local first = type(r.json) == 'table' and r.json.a[1] or '-'\n"
                  "return verdict.deny(('%d %s %s %s'):format(r.status, tostring(r.content_type), type(r.json), "
                  "tostring(first)))");
        say(cases[i].status, cases[i].content_type, cases[i].body);
        check_reason(&bench, cases[i].shown);
        assert_null(endpoint.asked.path.length > 0 ? endpoint.asked.path.at : NULL);
        bench_fini(&bench);
    }
}

static void post__tables_and_views__are_json(void **state)
{
    (void)state;
    struct bench bench;
    with_hook(&bench, "authorize",
              "http.post('opa', { path = '/x', body = { list = { 1, 'two', 2.5, true }, empty = {}, who = "
              "req.principal, tags = req.caller.tags, input = req.input } })\n");
    say(200, "", "");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_true(endpoint.asked.is_post);
    assert_true(gw_str_is(endpoint.asked.content_type, "application/json"));
    assert_string_equal(
        endpoint.asked.body.at,
        "{\"empty\":{},\"input\":{\"kubernetesGroups\":[\"a\",\"b\"],\"name\":\"my-cluster\",\"tags\":{\"ticket\":\"T-"
        "1\"}},\"list\":[1,\"two\",2.5,true],\"tags\":{\"team\":\"red\"},\"who\":{\"account\":\"012345678910\",\"arn\":"
        "\"arn:aws:iam::012345678910:role/team-a/deployer\",\"kind\":\"role\",\"name\":\"deployer\",\"partition\":"
        "\"aws\",\"path\":\"/team-a/\"}}");
    bench_fini(&bench);
}

static void post__a_view_alone__is_an_object_and_text_is_itself(void **state)
{
    (void)state;
    struct bench bench;
    with_hook(&bench, "authorize", "http.post('opa', { body = req })");
    say(200, "", "");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_memory_equal(endpoint.asked.body.at, "{\"account\":\"012345678910\",\"caller\":{", 36);
    bench_fini(&bench);
    with_hook(&bench, "authorize", "http.post('opa', { body = 'a=b', content_type = 'x/y' })");
    say(200, "", "");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_string_equal(endpoint.asked.body.at, "a=b");
    assert_string_equal(endpoint.asked.content_type.at, "x/y");
    bench_fini(&bench);
    with_hook(&bench, "authorize", "http.post('opa', { body = '' })");
    say(200, "", "");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_int_equal(endpoint.asked.body.length, 0);
    assert_string_equal(endpoint.asked.content_type.at, "text/plain; charset=utf-8");
    bench_fini(&bench);
}

static void check_failed(struct bench *bench)
{
    assert_int_equal(bench_authorize(bench), GW_POLICY_FAILED);
    assert_true(bench->call.refusal.failed);
    assert_true(gw_str_is(bench->call.refusal.policy, "p"));
    assert_int_equal(bench->counters.failed, 1);
}

static void error__whatever_a_script_makes_of_it__refuses(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "http.get('opa')",
        "pcall(http.get, 'opa'); return verdict.allow()",
        "local ok = pcall(function() pcall(http.get, 'opa'); error('x') end); return verdict.allow()",
        "for i = 1, 3 do pcall(http.get, 'opa') end; return nil",
        "pcall(http.post, 'opa', { body = {} }); return verdict.deny('mine')",
    };
    for (size_t i = 0; i < GW_COUNT(bodies); i++) {
        struct bench bench;
        with_hook(&bench, "authorize", bodies[i]);
        endpoint.says = (struct gw_policy_fetched){.is_done = true, .error = GW_STR("no whole reply within 5 ms")};
        check_failed(&bench);
        assert_true(gw_str_search(bench.call.fetch_error, GW_STR("endpoint opa: no whole reply within 5 ms")) <
                    bench.call.fetch_error.length);
        assert_true(gw_str_search(bench.call.fetch_error, GW_STR("p.lua:")) < bench.call.fetch_error.length);
        bench_fini(&bench);
        with_hook(&bench, "authorize", bodies[i]);
        endpoint.refused = "too many";
        check_failed(&bench);
        bench_fini(&bench);
        with_hook(&bench, "authorize", bodies[i]);
        say(200, "application/json", "{");
        check_failed(&bench);
        bench_fini(&bench);
        with_hook(&bench, "authorize", bodies[i]);
        bench.services.fetch = NULL;
        check_failed(&bench);
        bench_fini(&bench);
    }
}

static void error__behind_a_wait__refuses_and_no_later_policy_is_asked(void **state)
{
    (void)state;
    struct bench bench;
    memset(&endpoint, 0, sizeof endpoint);
    bench_init(&bench);
    bench.services.fetch = fetch;
    bench.call.wake = on_wake;
    bench_add(&bench, "a.lua",
              "local http = require('eksgate.http')\n"
              "return { name = 'a', authorize = function() pcall(http.get, 'opa') return { verdict = 'allow' } end }");
    bench_add(&bench, "b.lua", "return { name = 'b', authorize = function() return { verdict = 'allow' } end }");
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_WAITING);
    *endpoint.fetched = (struct gw_policy_fetched){.is_done = true, .error = GW_STR("reset")};
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_true(bench.call.refusal.failed);
    assert_string_equal(bench.call.refusal.policy.at, "a");
    assert_int_equal(bench.counters.calls, 1);
    bench_fini(&bench);
}

static void misuse__is_an_error_and_asks_nobody(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "http.get()",
        "http.get(5)",
        "http.get('opa', 'x')",
        "http.get('opa', { pth = '/x' })",
        "http.get('opa', { '/x' })",
        "http.get('opa', { path = 5 })",
        "http.get('opa', { path = {} })",
        "http.get('opa', { body = 'x' })",
        "http.post('opa', { body = 5 })",
        "http.post('opa', { body = true })",
        "http.post('opa', { body = print })",
        "http.post('opa', { body = { print } })",
        "http.post('opa', { body = { 0/0 } })",
        "http.post('opa', { body = { [1] = 1, [3] = 3 } })",
        "http.post('opa', { content_type = 5 })",
        "local t = {}; t.t = t; http.post('opa', { body = t })",
        "local t = {}; for i = 1, 20 do t = { t } end; http.post('opa', { body = t })",
        "local t = {}; for i = 1, 9000 do t[i] = i end; http.post('opa', { body = t })",
        "local t = {}; for i = 1, 300 do t[i] = ('x'):rep(1000) end; http.post('opa', { body = t })",
        "table.sort({ 2, 1 }, function(a, b) http.get('opa') return a < b end)",
        "http.encode()",
        "http.encode({})",
        "http.encode(('x'):rep(1025))",
        "http.get = nil",
    };
    for (size_t i = 0; i < GW_COUNT(bodies); i++) {
        struct bench bench;
        with_hook(&bench, "authorize", bodies[i]);
        say(200, "", "");
        if (bench_authorize(&bench) != GW_POLICY_FAILED || !bench.call.refusal.failed)
            fail_msg("%s", bodies[i]);
        if (endpoint.times != 0)
            fail_msg("asked: %s", bodies[i]);
        bench_fini(&bench);
    }
}

/* What the request's memory holds: 10 ms of processor time could copy a lot. */
static void misuse__again_and_again__takes_no_memory(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "local t = {}; for i = 1, 200 do t[i] = ('x'):rep(1000) end; t[201] = print; "
        "while true do pcall(http.post, 'opa', { body = t }) end",
        "local name = ('x'):rep(100000); while true do pcall(http.get, name) end",
        "local t = {}; for i = 1, 200 do t[i] = ('x'):rep(1000) end; while true do pcall(http.post, 'opa', { body = t "
        "}) end",
        "while true do pcall(http.get, 'opa', { path = ('x'):rep(100000) }) end",
    };
    for (size_t i = 0; i < GW_COUNT(bodies); i++) {
        struct bench bench;
        with_hook(&bench, "authorize", bodies[i]);
        endpoint.refused = "too many";
        assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
        assert_true(bench.call.refusal.failed);
        assert_true(bench.arena.taken < (size_t)1 << 20);
        bench_fini(&bench);
    }
}

static void misuse__in_another_hook_or_at_load__is_an_error(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_str username = GW_STR_NONE;
    with_hook(&bench, "username", "return http.get('opa').body");
    say(200, "", "anna");
    assert_int_equal(bench.hooks->username(bench.hooks->ctx, &bench.call, &username), GW_POLICY_FAILED);
    assert_true(bench.call.refusal.failed);
    assert_int_equal(endpoint.times, 0);
    bench_fini(&bench);
    bench_init(&bench);
    bench.services.fetch = fetch;
    bench_add(&bench, "p.lua", "require('eksgate.http').get('opa')\nreturn { name = 'p' }");
    assert_int_not_equal(bench_try_load(&bench), GW_OK);
    assert_non_null(strstr(bench.err.text, "not while policies are loaded"));
    bench_fini(&bench);
}

static void finish__while_a_hook_waits__drops_it(void **state)
{
    (void)state;
    struct bench bench;
    with_hook(&bench, "authorize",
              "local r <close> = setmetatable({}, { __close = function() error('x') end })\n"
              "return verdict.deny(http.get('opa').body)");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_WAITING);
    bench_finish(&bench);
    bench.call.wake = on_wake;
    assert_int_equal(bench_authorize(&bench), GW_POLICY_WAITING);
    assert_int_equal(endpoint.times, 2);
    bench_fini(&bench);
}

static void encode__leaves_one_segment(void **state)
{
    (void)state;
    struct bench bench;
    with_hook(&bench, "authorize", "return verdict.deny(http.encode('a/b?c=d%&\\xc3\\xa4..~') .. http.encode(''))");
    check_reason(&bench, "a%2Fb%3Fc%3Dd%25%26%C3%A4..~");
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get__the_hook_waits_and_goes_on_with_the_reply),
        cmocka_unit_test(get__replies__are_tables),
        cmocka_unit_test(post__tables_and_views__are_json),
        cmocka_unit_test(post__a_view_alone__is_an_object_and_text_is_itself),
        cmocka_unit_test(error__whatever_a_script_makes_of_it__refuses),
        cmocka_unit_test(error__behind_a_wait__refuses_and_no_later_policy_is_asked),
        cmocka_unit_test(misuse__is_an_error_and_asks_nobody),
        cmocka_unit_test(misuse__again_and_again__takes_no_memory),
        cmocka_unit_test(misuse__in_another_hook_or_at_load__is_an_error),
        cmocka_unit_test(finish__while_a_hook_waits__drops_it),
        cmocka_unit_test(encode__leaves_one_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
