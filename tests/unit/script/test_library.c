/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The modules of eksgate.* that are C, as policies see them: what their stand-ins
 * for plain busted can't give. The rest is in tests/lua, for both.
 */
#include "bench_of_one.h"

#include "base/random.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CPU_MS 1000
#else
#define CPU_MS 100
#endif

static void begin(struct bench *bench)
{
    bench_init(bench);
    bench->services.counters = gw_counters_new(gw_random_system());
}

static void end(struct bench *bench)
{
    bench_fini(bench);
    gw_counters_free(&bench->services.counters);
}

/* A hook's body that raises where something is wrong, and denies at its end. */
static void check_hook(struct bench *bench, const char *body)
{
    char text[3000];
    snprintf(text, sizeof text, "%s\nreturn verdict.deny('all is well')", body);
    bench_add_hook(bench, "authorize", text);
    bench_load(bench);
    gw_log_set_level(GW_LOG_WARN);
    assert_int_equal(bench_authorize(bench), GW_POLICY_FAILED);
    gw_log_set_level(GW_LOG_ERROR);
    assert_false(bench->call.refusal.failed);
    bench_finish(bench);
}

static void hook_passes(const char *body)
{
    struct bench bench;
    begin(&bench);
    check_hook(&bench, body);
    end(&bench);
}

static void load_fails(const char *text, const char *reason)
{
    struct bench bench;
    begin(&bench);
    bench_add(&bench, "p.lua", text);
    assert_int_equal(bench_try_load(&bench), GW_E_SCRIPT);
    if (strstr(bench.err.text, reason) == NULL)
        fail_msg("%s", bench.err.text);
    end(&bench);
}

static void time__now__is_when_the_request_came(void **state)
{
    (void)state;
    hook_passes("local time = require('eksgate.time')\n"
                "assert(time.now() == req.time and time.now() == 1795363200)\n"
                "assert(time.format() == '2026-11-22T16:00:00Z')\n"
                "assert(time.format(nil, '+02:00') == '2026-11-22T18:00:00+02:00')\n"
                "assert(time.within({ days = { 'sun' }, from = '16:00', to = '16:01' }))\n"
                "assert(time.window({ days = { 'sun' }, from = '16:00', to = '16:01' })())\n"
                "assert(time.weekday() == 'sun' and time.hour() == 16 and time.minute() == 0)\n"
                "assert(not pcall(function() return time.set end))");
}

static void time__while_loading__there_is_no_now(void **state)
{
    (void)state;
    load_fails("require('eksgate.time').now()", "p.lua:1: time.now: no request is being handled");
    load_fails("require('eksgate.time').within({})", "no request is being handled");
    load_fails("local t = require('eksgate.time')\nt.window({ days = { 'Monday' } })", "p.lua:2: time.window: 'days'");
}

static void counter__for_several_requests__goes_by_their_time(void **state)
{
    struct bench bench;
    (void)state;
    begin(&bench);
    bench_add_hook(&bench, "authorize",
                   "local counter = require('eksgate.counter')\n"
                   "local total, left = counter.add(req.caller.arn, { per = 60 })\n"
                   "return verdict.deny(total .. ' ' .. left)");
    bench_load(&bench);
    static const struct {
        int64_t time_s;
        const char *reason;
    } steps[] = {{1795363200, "1 60"}, {1795363259, "2 1"}, {1795363260, "1 60"}};
    for (size_t i = 0; i < GW_COUNT(steps); i++) {
        bench.request.time_s = steps[i].time_s;
        assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
        assert_true(gw_str_is(bench.call.refusal.reason, steps[i].reason));
        bench_finish(&bench);
    }
    end(&bench);
}

static void counter__asked_anew__counts_once(void **state)
{
    struct bench bench;
    (void)state;
    begin(&bench);
    bench_add_hook(&bench, "authorize",
                   "local counter = require('eksgate.counter')\n"
                   "local first = counter.add('k', { per = 60 })\n"
                   "local second = counter.add('k', { per = 60 })\n"
                   "local taken, wait = counter.take('k', { rate = 1, per = 60 })\n"
                   "local again = counter.take('k', { rate = 1, per = 60 })\n"
                   "return verdict.deny(('%d %d %s %d %s'):format(first, second, tostring(taken), wait, "
                   "tostring(again)))");
    bench_load(&bench);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
        if (!gw_str_is(bench.call.refusal.reason, "1 2 true 0 false"))
            fail_msg("%.*s", GW_STR_ARG(bench.call.refusal.reason));
        bench.call.passes++;
    }
    bench_finish(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_true(gw_str_is(bench.call.refusal.reason, "3 4 false 60 false"));
    end(&bench);
}

static void counter__more_often_than_a_request_may__raises(void **state)
{
    (void)state;
    hook_passes("local counter = require('eksgate.counter')\n"
                "for i = 1, 64 do assert(counter.add('k' .. i, { per = 60 }) == 1) end\n"
                "local ok, why = pcall(counter.add, 'k65', { per = 60 })\n"
                "assert(not ok and why:find('counter.add: more than 64 times for one request', 1, true))\n"
                "assert(not pcall(counter.take, 'k', { rate = 1, per = 60 }))");
}

static void counter__of_another_policy__is_another(void **state)
{
    struct bench bench;
    (void)state;
    begin(&bench);
    bench_add(&bench, "a.lua",
              "return { name = 'a', authorize = function()\n"
              "assert(require('eksgate.counter').add('k', { per = 60 }) == 1) return nil end }");
    check_hook(&bench, "assert(require('eksgate.counter').add('k', { per = 60 }) == 1)");
    end(&bench);
}

static void counter__of_two_instances__is_shared_and_outlives_them(void **state)
{
    struct bench one;
    struct bench two;
    (void)state;
    begin(&one);
    bench_init(&two);
    two.services.counters = one.services.counters;
    check_hook(&one, "assert(require('eksgate.counter').add('k', { per = 60 }) == 1)");
    bench_fini(&one);
    check_hook(&two, "assert(require('eksgate.counter').add('k', { per = 60 }) == 2)");
    end(&two);
}

static void counter__a_bucket__says_when(void **state)
{
    (void)state;
    hook_passes("local counter = require('eksgate.counter')\n"
                "local ok, wait = counter.take('k', { rate = 10, per = 60, burst = 1 })\n"
                "assert(ok == true and wait == 0)\n"
                "ok, wait = counter.take('k', { rate = 10, per = 60, burst = 1 })\n"
                "assert(ok == false and wait == 6)\n"
                "counter.take('l', { rate = 1, per = 2000000 })\n"
                "ok, wait = counter.take('l', { rate = 1, per = 2000000 })\n"
                "assert(ok == false and wait == 86400)");
}

static void counter__wrong_arguments__raise(void **state)
{
    (void)state;
    hook_passes("local counter = require('eksgate.counter')\n"
                "local function refused(call, message, ...)\n"
                "  local ok, why = pcall(call, ...)\n"
                "  if ok or not why:find(message, 1, true) then error(tostring(why) .. ' / ' .. message) end\n"
                "end\n"
                "refused(counter.add, 'must be a text, not a no value')\n"
                "refused(counter.add, 'must be a text, not a number', 1, { per = 60 })\n"
                "refused(counter.add, '1 to 128 bytes', '', { per = 60 })\n"
                "refused(counter.add, '1 to 128 bytes', ('k'):rep(129), { per = 60 })\n"
                "refused(counter.add, 'must be a table', 'k')\n"
                "refused(counter.add, \"'per' must be a whole number from 1 to 2678400\", 'k', {})\n"
                "refused(counter.add, \"'per' must be\", 'k', { per = '60' })\n"
                "refused(counter.add, \"'per' must be\", 'k', { per = 0 })\n"
                "refused(counter.add, \"'per' must be\", 'k', { per = 2678401 })\n"
                "refused(counter.add, \"'amount' must be\", 'k', { per = 60, amount = 0/0 })\n"
                "refused(counter.add, \"there is no 'amuont'\", 'k', { per = 60, amuont = 1 })\n"
                "refused(counter.take, \"'rate' must be\", 'k', { per = 60 })\n"
                "refused(counter.take, \"'amount' must be\", 'k', { rate = 1, per = 60, amount = 2 })\n"
                "refused(counter.take, \"'burst' must be\", 'k', { rate = 1, per = 60, burst = 1000001 })\n"
                "local lying = setmetatable({}, { __index = function() error('asked') end, __pairs = error })\n"
                "refused(counter.add, \"'per' must be\", 'k', lying)\n"
                "counter.add('k', { per = 60.0, amount = 0 })");
}

static void counter__that_is_one_too_many__refuses_the_request(void **state)
{
    struct bench bench;
    struct gw_counters_name name = {GW_STR("other"), GW_STR_NONE};
    uint64_t total;
    char key[16];
    (void)state;
    begin(&bench);
    for (unsigned i = 0; i < GW_COUNTERS_MAX; i++) {
        snprintf(key, sizeof key, "%u", i);
        name.key = gw_str_from(key);
        assert_int_equal(gw_counters_add(bench.services.counters, &name, 1795363200, 3600, 1, &total), GW_OK);
    }
    bench_add_hook(&bench, "authorize", "require('eksgate.counter').add('k', { per = 60 }) return verdict.allow()");
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_true(bench.call.refusal.failed);
    end(&bench);
}

static void counter__that_failed_once__fails_when_asked_anew(void **state)
{
    struct bench bench;
    struct gw_counters_name name = {GW_STR("other"), GW_STR_NONE};
    uint64_t total;
    char key[16];
    (void)state;
    begin(&bench);
    for (unsigned i = 0; i < GW_COUNTERS_MAX; i++) {
        snprintf(key, sizeof key, "%u", i);
        name.key = gw_str_from(key);
        assert_int_equal(gw_counters_add(bench.services.counters, &name, 1795363200, 3600, 1, &total), GW_OK);
    }
    bench_add_hook(&bench, "authorize",
                   "local ok = pcall(require('eksgate.counter').take, 'k', { rate = 1, per = 60 })\n"
                   "return ok and verdict.allow() or verdict.deny('not counted')");
    bench_load(&bench);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
        assert_true(gw_str_is(bench.call.refusal.reason, "not counted"));
        bench.call.passes++;
    }
    end(&bench);
}

static void counter__where_nothing_is_counted__refuses_the_request(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    bench_add_hook(&bench, "authorize", "require('eksgate.counter').add('k', { per = 60 }) return verdict.allow()");
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_true(bench.call.refusal.failed);
    bench_fini(&bench);
    load_fails("require('eksgate.counter').add('k', { per = 60 })", "nothing is counted here");
}

static void counter__in_a_loop__is_stopped_by_the_budget(void **state)
{
    struct bench bench;
    (void)state;
    begin(&bench);
    bench_add_hook(&bench, "authorize",
                   "local counter = require('eksgate.counter')\n"
                   "while true do pcall(counter.add, 'k', { per = 60 }) end");
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_int_equal(bench.counters.killed_time + bench.counters.killed_memory, 1);
    end(&bench);
}

static void log__a_line__has_its_level_and_the_policy(void **state)
{
    struct bench bench;
    (void)state;
    begin(&bench);
    check_hook(&bench, "require('eksgate.log').warn('slow', 1, nil, true, {})");
    assert_string_equal(bench.printed, "p: slow 1 nil true table");
    assert_int_equal(bench.printed_level, GW_LOG_WARN);
    end(&bench);
}

static void log__levels_and_length__are_kept(void **state)
{
    struct bench bench;
    (void)state;
    begin(&bench);
    check_hook(&bench, "local log = require('eksgate.log')\n"
                       "if req.time % 2 == 0 then log.error(('x'):rep(2000)) else log.info('') end");
    assert_int_equal(bench.printed_level, GW_LOG_ERROR);
    assert_int_equal(strlen(bench.printed), sizeof bench.printed - 1);
    bench.request.time_s++;
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_int_equal(bench.printed_level, GW_LOG_INFO);
    assert_string_equal(bench.printed, "p: ");
    end(&bench);
}

static void log__of_one_request__ends_after_sixteen_lines(void **state)
{
    struct bench bench;
    (void)state;
    begin(&bench);
    check_hook(&bench, "local log = require('eksgate.log') for i = 1, 100 do log.info(i) end");
    assert_int_equal(bench.printed_lines, 17);
    assert_string_equal(bench.printed, "p: further lines of this request are dropped");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_int_equal(bench.printed_lines, 34);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_int_equal(bench.printed_lines, 34);
    end(&bench);
}

static void print__of_one_request__counts_among_the_log(void **state)
{
    struct bench bench;
    (void)state;
    begin(&bench);
    check_hook(&bench, "for i = 1, 100 do print(i, 'x') end require('eksgate.log').error('no')");
    assert_int_equal(bench.printed_lines, 17);
    assert_int_equal(bench.printed_level, GW_LOG_WARN);
    end(&bench);
}

static void modules__in_the_sandbox__are_read_only(void **state)
{
    (void)state;
    hook_passes("for _, name in ipairs({ 'time', 'counter', 'log' }) do\n"
                "  local module = require('eksgate.' .. name)\n"
                "  assert(not pcall(function() module.now = print end))\n"
                "  assert(not pcall(rawset, module, 'x', 1))\n"
                "  assert(not pcall(function() return module.nonsense end))\n"
                "end");
}

/* Function number req.time of all modules, and what it makes, with every triple of bad arguments. */
static const char adversary[] =
    "local lying = setmetatable({}, { __index = function() return 'x' end, __len = function() return 1e9 end,\n"
    "__pairs = error, __tostring = function() while true do end end })\n"
    "local bad = { {}, ('a'):rep(1e5), ('*?'):rep(512), lying, -1, 0/0, print, '::/0', { per = 1, rate = 1 }, req, "
    "false }\n"
    "local all = {}\n"
    "for _, name in ipairs({ 'arn', 'cidr', 'counter', 'data', 'glob', 'http', 'log', 'tags', 'team', 'time', "
    "'username',\n"
    "'verdict' }) do\n"
    "for key, f in pairs(require('eksgate.' .. name)) do all[#all + 1] = { name .. '.' .. key, f } end end\n"
    "table.sort(all, function(a, b) return a[1] < b[1] end)\n"
    "local one = all[req.time]\n"
    "if not one then return verdict.throttle(1, 'no more') end\n"
    "for i = 1, #bad do for j = 1, #bad do for k = 1, #bad do\n"
    "local ok, made = pcall(one[2], bad[i], bad[j], bad[k])\n"
    "if ok and type(made) == 'function' then pcall(made, bad[j]) end\n"
    "end end end\n"
    "return verdict.deny('survived')";

static void every_function__bad_arguments__stays_bounded(void **state)
{
    struct bench bench;
    (void)state;
    begin(&bench);
    bench_add(&bench, "q.lua",
              "for _, name in ipairs({ 'arn', 'tags', 'team' }) do require('eksgate.' .. name) end\n"
              "return { name = 'q' }");
    bench_add_hook(&bench, "authorize", adversary);
    bench_load(&bench);
    for (bench.request.time_s = 1; bench.request.time_s < 200; bench.request.time_s++) {
        double began = bench_cpu_ms();
        assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
        double took = bench_cpu_ms() - began;
        if (took > CPU_MS)
            fail_msg("function %d took %.1f ms", (int)bench.request.time_s, took);
        if (bench.call.refusal.verdict == GW_VERDICT_THROTTLE)
            break;
        bench_finish(&bench);
        gw_arena_reset(&bench.arena);
        bench_set_input(&bench, "{}");
    }
    assert_in_range(bench.request.time_s, 40, 100);
    end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time__now__is_when_the_request_came),
        cmocka_unit_test(time__while_loading__there_is_no_now),
        cmocka_unit_test(counter__for_several_requests__goes_by_their_time),
        cmocka_unit_test(counter__asked_anew__counts_once),
        cmocka_unit_test(counter__more_often_than_a_request_may__raises),
        cmocka_unit_test(counter__of_another_policy__is_another),
        cmocka_unit_test(counter__of_two_instances__is_shared_and_outlives_them),
        cmocka_unit_test(counter__a_bucket__says_when),
        cmocka_unit_test(counter__wrong_arguments__raise),
        cmocka_unit_test(counter__that_is_one_too_many__refuses_the_request),
        cmocka_unit_test(counter__that_failed_once__fails_when_asked_anew),
        cmocka_unit_test(counter__where_nothing_is_counted__refuses_the_request),
        cmocka_unit_test(counter__in_a_loop__is_stopped_by_the_budget),
        cmocka_unit_test(log__a_line__has_its_level_and_the_policy),
        cmocka_unit_test(log__levels_and_length__are_kept),
        cmocka_unit_test(log__of_one_request__ends_after_sixteen_lines),
        cmocka_unit_test(print__of_one_request__counts_among_the_log),
        cmocka_unit_test(modules__in_the_sandbox__are_read_only),
        cmocka_unit_test(every_function__bad_arguments__stays_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
