/* SPDX-License-Identifier: Apache-2.0 */
/* Specs of policies: what runs them, and that nothing in one keeps the others from being heard. */
#include "bench_of_one.h"

#include "script/spec.h"

#define DENIES                                                                                                         \
    "local verdict = require('eksgate.verdict')\n"                                                                     \
    "local policy = { name = 'p', on = { 'CreateAccessEntry' } }\n"                                                    \
    "function policy.authorize(req)\n"                                                                                 \
    "    if req.principal.name == 'loop' then while true do end end\n"                                                 \
    "    return verdict.deny('no ' .. req.principal.name)\n"                                                           \
    "end\n"                                                                                                            \
    "return policy\n"

#define HEAD                                                                                                           \
    "local spec = require('eksgate.spec')\n"                                                                           \
    "local p = spec.policy('p')\n"                                                                                     \
    "local function ask(name)\n"                                                                                       \
    "    return p.authorize(spec.request({ principal = 'arn:aws:iam::012345678910:role/' .. name }))\n"                \
    "end\n"

static void write_spec(struct bench *bench, const char *text)
{
    bench_write(bench, "p_spec.lua", text, strlen(text));
}

static void load_with_spec(struct bench *bench, const char *text)
{
    bench_init(bench);
    bench_add(bench, "p.lua", DENIES);
    write_spec(bench, text);
    bench_load(bench);
}

static enum gw_status self_test(struct bench *bench, struct gw_spec_totals *totals)
{
    bench->err.text[0] = '\0';
    return gw_spec_self_test(bench->set, totals, &bench->err);
}

static void expect_err(const struct bench *bench, const char *part)
{
    if (strstr(bench->err.text, part) == NULL)
        fail_msg("'%s' is not in: %s", part, bench->err.text);
}

static void self_test__counts_cases_and_policies_without_a_spec(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_spec_totals totals;
    bench_init(&bench);
    bench_add(&bench, "p.lua", DENIES);
    bench_add(&bench, "q.lua", "return { name = 'q' }");
    write_spec(&bench,
               HEAD "it('denies', function() assert.same({ verdict = 'deny', reason = 'no x' }, ask('x')) end)\n"
                    "pending('more')\n");
    bench_load(&bench);
    assert_int_equal(self_test(&bench, &totals), GW_OK);
    assert_int_equal(totals.passed, 1);
    assert_int_equal(totals.pending, 1);
    assert_int_equal(totals.failed, 0);
    assert_int_equal(totals.without, 1);
    bench_fini(&bench);
}

static void self_test__says_which_case_failed_first_and_where(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_spec_totals totals;
    load_with_spec(&bench, HEAD "describe('p', function()\n"
                                "it('is right', function() assert.equal('deny', ask('x').verdict) end)\n"
                                "it('is wrong', function() assert.equal('allow', ask('x').verdict) end)\n"
                                "it('is worse', function() error('x') end)\n"
                                "end)\n");
    assert_int_equal(self_test(&bench, &totals), GW_E_SCRIPT);
    assert_int_equal(totals.passed, 1);
    assert_int_equal(totals.failed, 2);
    expect_err(&bench, "p_spec.lua:8: p is wrong: expected \"allow\"");
    expect_err(&bench, "got \"deny\"");
    bench_fini(&bench);
}

static void self_test__a_spec_without_a_case__has_failed(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_spec_totals totals;
    load_with_spec(&bench, "describe('p', function() end)\n");
    assert_int_equal(self_test(&bench, &totals), GW_E_SCRIPT);
    assert_int_equal(totals.failed, 1);
    expect_err(&bench, "p_spec.lua: there is no case in it");
    bench_fini(&bench);
}

static void self_test__runs_on_the_bytes_that_were_loaded(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_spec_totals totals;
    static const char other[] = "return { name = 'p' }";
    load_with_spec(&bench,
                   HEAD "it('denies', function() assert.equal('deny', ask('x').verdict) end)\n"
                        "it('does by dofile', function() assert.is_function(dofile('elsewhere/p.lua').authorize) end)");
    bench_write(&bench, "p.lua", other, sizeof other - 1);
    if (self_test(&bench, &totals) != GW_OK)
        fail_msg("%s", bench.err.text);
    assert_int_equal(totals.passed, 2);
    bench_fini(&bench);
}

static void a_hook_that_loops__fails_its_case_and_no_other(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_spec_totals totals;
    load_with_spec(&bench,
                   HEAD "it('loops', function() ask('loop') end)\n"
                        "it('cannot catch it', function() assert.has_no.errors(function() ask('loop') end) end)\n"
                        "it('goes on', function() assert.equal('deny', ask('x').verdict) end)\n");
    double began = bench_cpu_ms();
    assert_int_equal(self_test(&bench, &totals), GW_E_SCRIPT);
    assert_true(bench_cpu_ms() - began < 1000);
    assert_int_equal(totals.passed, 1);
    assert_int_equal(totals.failed, 2);
    expect_err(&bench, "p_spec.lua:4: loops: ");
    expect_err(&bench, "p.lua:4: ran longer than it may");
    bench_fini(&bench);
}

static void a_case_that_loops__is_stopped_and_the_next_one_runs(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_spec_totals totals;
    load_with_spec(&bench, HEAD "local begun = 0\n"
                                "setup(function() begun = begun + 1 end)\n"
                                "it('loops', function() pcall(function() while true do end end) end)\n"
                                "it('goes on', function() assert.equal(1, begun) end)\n"
                                "it('and on', function() assert.equal(1, begun) end)\n");
    assert_int_equal(self_test(&bench, &totals), GW_E_SCRIPT);
    assert_int_equal(totals.passed, 2);
    assert_int_equal(totals.failed, 1);
    expect_err(&bench, "loops: ");
    expect_err(&bench, "ran longer than it may");
    bench_fini(&bench);
}

static void a_case_that_takes_all_memory__is_stopped_and_the_next_one_runs(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_spec_totals totals;
    load_with_spec(&bench, HEAD "it('grows', function() local s = ('x'):rep(1000) while true do s = s .. s end end)\n"
                                "it('goes on', function() assert.equal('deny', ask('x').verdict) end)\n");
    assert_int_equal(self_test(&bench, &totals), GW_E_SCRIPT);
    assert_int_equal(totals.passed, 1);
    assert_int_equal(totals.failed, 1);
    bench_fini(&bench);
}

static void a_spec__has_no_way_out(void **state)
{
    (void)state;
    static const char *const names[] = {"io", "os", "debug", "load", "package", "coroutine", "_G"};
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        struct bench bench;
        struct gw_spec_totals totals;
        char text[256];
        snprintf(text, sizeof text, "it('gets out', function() return %s.x end)\n", names[i]);
        load_with_spec(&bench, text);
        assert_int_equal(self_test(&bench, &totals), GW_E_SCRIPT);
        expect_err(&bench, "unknown name");
        bench_fini(&bench);
    }
}

static void a_spec_that_cannot_be_loaded__has_failed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } specs[] = {
        {"it('x', function(", "p_spec.lua:1:"},
        {"local p = require('eksgate.spec').policy('missing')", "p_spec.lua:1: "},
        {"local p = require('eksgate.spec').policy('missing')", "missing.lua: No such file"},
        {"while true do end", "ran longer than it may"},
        {"describe('x')", "describe needs a name and a function"},
        {"dofile('/etc/hostname')", "/etc/hostname"},
        {"dofile('/dev/zero')", "not a regular file"},
    };
    for (size_t i = 0; i < GW_COUNT(specs); i++) {
        struct bench bench;
        struct gw_spec_totals totals;
        load_with_spec(&bench, specs[i].text);
        assert_int_equal(self_test(&bench, &totals), GW_E_SCRIPT);
        assert_int_equal(totals.failed, 1);
        expect_err(&bench, specs[i].why);
        bench_fini(&bench);
    }
}

static void policies__are_not_offered_what_specs_are(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_add(&bench, "p.lua", "require('eksgate.spec')\nreturn { name = 'p' }");
    assert_int_not_equal(bench_try_load(&bench), GW_OK);
    expect_err(&bench, "eksgate.spec is for specs");
    bench_fini(&bench);
}

static void keep_last(void *ctx, const struct gw_spec_case *one)
{
    *(enum gw_spec_outcome *)ctx = one->outcome;
}

static void costs__are_told_by_policy_and_hook(void **state)
{
    (void)state;
    struct bench bench;
    const struct gw_spec_cost *costs;
    enum gw_spec_outcome last = GW_SPEC_PENDING;
    load_with_spec(&bench, HEAD "it('asks', function() for i = 1, 5 do ask('x') end end)\n");
    struct gw_spec_options options = {.script = &bench.options, .ctx = &last, .on_case = keep_last};
    struct gw_spec *spec = gw_spec_new(&options);
    gw_spec_run(spec, bench_path(&bench, "p_spec.lua"));
    assert_int_equal(last, GW_SPEC_PASSED);
    assert_int_equal(gw_spec_costs(spec, &costs), 1);
    assert_true(gw_str_is(costs[0].policy, "p"));
    assert_int_equal(costs[0].hook, GW_HOOK_AUTHORIZE);
    assert_int_equal(costs[0].calls, 5);
    assert_true(costs[0].cpu_ns > 0 && costs[0].cpu_max_ns >= costs[0].cpu_ns);
    assert_true(costs[0].memory_max > 0 && costs[0].memory_max >= costs[0].memory);
    gw_spec_free(&spec);
    bench_fini(&bench);
}

static void count_all(void *ctx, const struct gw_spec_case *one)
{
    struct gw_spec_totals *totals = ctx;
    if (one->outcome == GW_SPEC_PASSED)
        totals->passed++;
    else
        totals->failed++;
}

static void a_run__ends_when_its_time_is_over(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_spec_totals totals = {0};
    load_with_spec(&bench, "for i = 1, 60 do it('loops', function() while true do end end) end\n");
    struct gw_spec_options options = {
        .script = &bench.options, .cpu_ns = 1500000000, .ctx = &totals, .on_case = count_all};
    struct gw_spec *spec = gw_spec_new(&options);
    gw_spec_run(spec, bench_path(&bench, "p_spec.lua"));
    assert_int_equal(totals.passed, 0);
    assert_int_equal(totals.failed, 3); /* two that were stopped, and that the rest didn't run */
    gw_spec_free(&spec);
    bench_fini(&bench);
}

/* The order of keys is another one in many a state; which one nobody chooses. So several are tried, often. */
static void policies_that_load_now_and_then__leave_what_was_handed_out_alone(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_spec_totals totals = {0};
    char name[16];
    char text[256];
    bench_init(&bench);
    for (unsigned char i = 1; i <= 20; i++) {
        snprintf(name, sizeof name, "q%d.lua", i);
        snprintf(text, sizeof text,
                 "local first = next({ a%d = 1, b%d = 2, c%d = 3, d%d = 4 })\n"
                 "if first:byte() == 97 then error('unlucky') end\n"
                 "return { name = 'q%d', authorize = function() return nil end }\n",
                 i, i, i, i, i);
        bench_add(&bench, name, text);
    }
    write_spec(&bench, "local spec = require('eksgate.spec')\n"
                       "for i = 1, 20 do\n"
                       "    it('asks', function()\n"
                       "        local loaded, q = pcall(spec.policy, 'q' .. i)\n"
                       "        for _ = 1, loaded and 60 or 0 do\n"
                       "            pcall(spec.policy, 'q' .. i)\n"
                       "            assert.is_nil(q.authorize(spec.request({})))\n"
                       "        end\n"
                       "    end)\n"
                       "end\n");
    struct gw_spec_options options = {.script = &bench.options, .ctx = &totals, .on_case = count_all};
    struct gw_spec *spec = gw_spec_new(&options);
    gw_spec_run(spec, bench_path(&bench, "p_spec.lua"));
    assert_int_equal(totals.passed, 20);
    gw_spec_free(&spec);
    bench_fini(&bench);
}

static void self_test__keeps_who_reloads_waiting_for_so_long_at_most(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_spec_totals totals;
    load_with_spec(&bench, "for i = 1, 60 do it('loops', function() while true do end end) end\n");
    double began = bench_cpu_ms();
    assert_int_equal(self_test(&bench, &totals), GW_E_SCRIPT);
    assert_true(bench_cpu_ms() - began < 5000);
    assert_in_range(totals.failed, 4, 5);
    expect_err(&bench, "p_spec.lua:1: loops: ran longer than it may");
    bench_fini(&bench);
}

static void path_of__is_the_name_with_spec(void **state)
{
    (void)state;
    char path[4096];
    assert_true(gw_spec_path_of(GW_STR("a/b.lua"), path));
    assert_string_equal(path, "a/b_spec.lua");
    assert_false(gw_spec_path_of(GW_STR("a/b"), path));
    assert_false(gw_spec_path_of(GW_STR(".lua"), path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(self_test__counts_cases_and_policies_without_a_spec),
        cmocka_unit_test(self_test__says_which_case_failed_first_and_where),
        cmocka_unit_test(self_test__a_spec_without_a_case__has_failed),
        cmocka_unit_test(self_test__runs_on_the_bytes_that_were_loaded),
        cmocka_unit_test(a_hook_that_loops__fails_its_case_and_no_other),
        cmocka_unit_test(a_case_that_loops__is_stopped_and_the_next_one_runs),
        cmocka_unit_test(a_case_that_takes_all_memory__is_stopped_and_the_next_one_runs),
        cmocka_unit_test(a_spec__has_no_way_out),
        cmocka_unit_test(a_spec_that_cannot_be_loaded__has_failed),
        cmocka_unit_test(policies__are_not_offered_what_specs_are),
        cmocka_unit_test(costs__are_told_by_policy_and_hook),
        cmocka_unit_test(a_run__ends_when_its_time_is_over),
        cmocka_unit_test(policies_that_load_now_and_then__leave_what_was_handed_out_alone),
        cmocka_unit_test(self_test__keeps_who_reloads_waiting_for_so_long_at_most),
        cmocka_unit_test(path_of__is_the_name_with_spec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
