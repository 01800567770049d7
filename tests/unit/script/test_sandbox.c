/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways out of a sandbox, one test each. A hostile hook is refused within a bound of
 * processor time, and the same instance answers the next request.
 */
#include "bench_of_one.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CPU_MS 1000
#else
#define CPU_MS 100
#endif

#define HARMLESS "if req.cluster ~= 'hostile' then return nil end\n"

enum ending {
    KILLED, /* by time or memory */
    KILLED_TIME,
    KILLED_MEMORY,
    FAILED,       /* an ordinary error, or any kill */
    HARMLESS_END, /* refused by Lua or answered: the hook returns deny('survived') */
};

static void check_ending(const struct bench *bench, enum ending ending, enum gw_policy_answer answer)
{
    uint64_t by_time = bench->counters.killed_time;
    uint64_t by_memory = bench->counters.killed_memory;
    assert_int_equal(answer, GW_POLICY_FAILED);
    if (ending == HARMLESS_END) {
        assert_false(bench->call.refusal.failed);
        return;
    }
    assert_true(bench->call.refusal.failed);
    assert_int_equal(bench->call.refusal.reason.length, strlen("policy failed"));
    assert_int_equal(by_time + by_memory + bench->counters.failed, 1);
    if (ending == KILLED)
        assert_int_equal(by_time + by_memory, 1);
    if (ending == KILLED_TIME)
        assert_int_equal(by_time, 1);
    if (ending == KILLED_MEMORY)
        assert_int_equal(by_memory, 1);
}

static void attack(const char *code, enum ending ending)
{
    struct bench bench;
    char body[3000];
    bench_init(&bench);
    snprintf(body, sizeof body, HARMLESS "do\n%s\nend\nreturn verdict.deny('survived')", code);
    bench_add_hook(&bench, "authorize", body);
    bench_load(&bench);
    bench.request.cluster = GW_STR("hostile");
    double began = bench_cpu_ms();
    enum gw_policy_answer answer = bench_authorize(&bench);
    double took = bench_cpu_ms() - began;
    check_ending(&bench, ending, answer);
    if (took > CPU_MS)
        fail_msg("took %.1f ms", took);
    bench_finish(&bench);
    bench.request.cluster = GW_STR("my-cluster");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    bench_fini(&bench);
}

#define ATTACK(name, code, ending)                                                                                     \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        attack(code, ending);                                                                                          \
    }

ATTACK(endless_loop__is_killed, "while true do end", KILLED_TIME)
ATTACK(pattern_with_three_wildcards__is_killed, "return ('a'):rep(30000):find('.-.-.-b')", KILLED_TIME)
ATTACK(pattern_of_many_balanced_items__is_killed, "return ('('):rep(1e5):find(('%b()'):rep(30))", KILLED_TIME)
ATTACK(pattern_in_gmatch__is_killed, "for _ in ('a'):rep(30000):gmatch('.-.-.-b') do end", KILLED_TIME)
ATTACK(pattern_in_gsub__is_killed, "return ('a'):rep(30000):gsub('.-.-.-b', '')", KILLED_TIME)
ATTACK(pattern_in_match__is_killed, "return ('a'):rep(30000):match('.-.-.-b')", KILLED_TIME)
ATTACK(spinning_gc_metamethod__is_refused, "setmetatable({}, { __gc = function() while true do end end })", FAILED)
ATTACK(gc_set_after_setmetatable__is_refused,
       "local m = {} setmetatable({}, m) m.__gc = function() while true do end end", FAILED)
ATTACK(weak_tables__are_refused, "setmetatable({}, { __mode = 'k' })", FAILED)
ATTACK(xpcall__is_not_there, "xpcall(error, function() while true do end end)", FAILED)
ATTACK(loop_around_pcall__is_killed, "while true do pcall(function() while true do end end) end", KILLED_TIME)
ATTACK(recursion_through_pcall__is_killed, "local function f() pcall(f) while true do end end f()", KILLED_TIME)
ATTACK(memory_error_behind_pcall__is_killed,
       "while true do pcall(function() local t = {} while true do t[#t + 1] = {} end end) end", KILLED)
ATTACK(rep_of_a_hundred_million__is_refused, "return ('a'):rep(1e8)", FAILED)
ATTACK(rep_in_a_loop__is_killed, "local t = {} while true do t[#t + 1] = ('a'):rep(1e6) end", KILLED_MEMORY)
ATTACK(rep_through_string_metatable__is_ours, "local s = 'a' return s.rep(s, 1e9)", FAILED)
ATTACK(rep_of_nothing__ends, "(''):rep(2e9)", HARMLESS_END)
ATTACK(rep_of_nothing_between_separators__is_refused, "return (''):rep(2e9, ',')", FAILED)
ATTACK(gsub_over_much__is_killed, "local s = ('a'):rep(1e5) while true do s:gsub('a', '%0') end", KILLED)
ATTACK(coroutines__are_not_there, "coroutine.wrap(function() while true do end end)()", FAILED)
ATTACK(spinning_close_variable__is_killed,
       "local x <close> = setmetatable({}, { __close = function() while true do end end }) error('x')", KILLED_TIME)
ATTACK(close_variable_that_spins_while_killed__is_killed,
       "local x <close> = setmetatable({}, { __close = function() while true do end end }) while true do end",
       KILLED_TIME)
ATTACK(spinning_gsub_callback__is_killed, "(('a'):rep(10)):gsub('a', function() while true do end end)", KILLED_TIME)
ATTACK(format_of_a_text_without_conversions__ends, "assert(('x'):format('%500d') == 'x')", HARMLESS_END)
ATTACK(format_with_a_wide_number__is_refused, "return ('%500d'):format(1)", FAILED)
ATTACK(unpack_of_ten_million__is_refused, "return table.unpack({}, 1, 1e7)", FAILED)
ATTACK(unpack_of_all_integers__is_refused, "return table.unpack({}, math.mininteger, math.maxinteger)", FAILED)
ATTACK(deep_recursion__is_killed, "local function f() return 1 + f() end f()", KILLED_MEMORY)
ATTACK(deep_recursion_through_c__fails, "local function f() return (('a'):gsub('a', f)) end f()", FAILED)
ATTACK(concatenation_that_doubles__is_killed, "local s = 'a' while true do s = s .. s end", KILLED_MEMORY)
ATTACK(concatenation_of_long_text__is_killed, "local s = ('a'):rep(3e5) while true do local t = s .. 'b' end", KILLED)
ATTACK(comparison_of_long_texts__is_killed,
       "local a, b = ('a'):rep(3e5) .. 'x', ('a'):rep(3e5) .. 'y' while true do local c = a == b end", KILLED_TIME)
ATTACK(order_of_long_texts__is_killed,
       "local a, b = ('a'):rep(3e5) .. 'x', ('a'):rep(3e5) .. 'y' while true do local c = a < b end", KILLED_TIME)
ATTACK(table_move_of_all__is_refused, "table.move({}, 1, math.maxinteger, 2)", FAILED)
ATTACK(table_concat_with_lying_length__sees_the_raw_one,
       "local t = setmetatable({}, { __len = function() return 1e9 end }) assert(table.concat(t) == '')", HARMLESS_END)
ATTACK(table_insert_with_lying_length__sees_the_raw_one,
       "local t = setmetatable({}, { __len = function() return 1e9 end }) table.insert(t, 1, 1) assert(t[1] == 1)",
       HARMLESS_END)
ATTACK(table_remove_with_lying_length__sees_the_raw_one,
       "local t = setmetatable({1}, { __len = function() return 1e9 end }) assert(table.remove(t, 1) == 1)",
       HARMLESS_END)
ATTACK(table_sort_with_lying_length__sees_the_raw_one,
       "local t = setmetatable({2, 1}, { __len = function() return 1e9 end }) table.sort(t) assert(t[1] == 1)",
       HARMLESS_END)
ATTACK(table_sort_with_a_spinning_order__is_killed, "table.sort({3, 2, 1}, function() while true do end end)",
       KILLED_TIME)
ATTACK(table_sort_with_a_lying_order__ends,
       "local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function() return true end)", HARMLESS_END)
ATTACK(plain_find_of_long_in_long__is_killed,
       "local s, n = ('a'):rep(4e5), ('a'):rep(2e5) .. 'b' while true do s:find(n, 1, true) end", KILLED_TIME)
ATTACK(utf8_len_in_a_loop__is_killed, "local s = ('a'):rep(5e5) while true do utf8.len(s) end", KILLED_TIME)
ATTACK(upper_in_a_loop__is_killed, "local s = ('a'):rep(4e5) while true do s:upper() end", KILLED)
ATTACK(next_over_emptied_table__is_killed,
       "local t = {} for i = 1, 2e4 do t[i] = i end for i = 1, 2e4 do t[i] = nil end while true do next(t) end",
       KILLED_TIME)
ATTACK(error_object_that_is_a_table__fails, "error({})", FAILED)
ATTACK(error_object_that_is_nil__fails, "error(nil)", FAILED)
ATTACK(error_object_that_spins_as_text__fails,
       "error(setmetatable({}, { __tostring = function() while true do end end }))", FAILED)
ATTACK(spinning_index_metamethod__is_killed,
       "local t = setmetatable({}, { __index = function() while true do end end }) return t.x", KILLED_TIME)
ATTACK(spinning_pairs_metamethod__is_killed,
       "for _ in pairs(setmetatable({}, { __pairs = function() while true do end end })) do end", KILLED_TIME)
ATTACK(spinning_tostring__is_killed,
       "return tostring(setmetatable({}, { __tostring = function() while true do end end }))", KILLED_TIME)
ATTACK(endless_print__is_killed, "while true do print('x') end", KILLED_TIME)
ATTACK(returned_table_with_metamethods__is_read_raw,
       "return setmetatable({}, { __index = function() while true do end end })", FAILED)

/* Names that must not be there: reading one raises. */
static void dangerous_globals__are_not_there(void **state)
{
    (void)state;
    static const char *const names[] = {"io",         "os",     "debug",    "package",        "load",
                                        "loadstring", "dofile", "loadfile", "collectgarbage", "_G",
                                        "coroutine",  "xpcall", "warn",     "utf16",          "arg"};
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        char code[128];
        snprintf(code, sizeof code, "return %s", names[i]);
        attack(code, FAILED);
    }
}

static void dangerous_fields__are_not_there(void **state)
{
    (void)state;
    static const char *const names[] = {"string.dump",     "string.pack",  "string.unpack", "math.random",
                                        "math.randomseed", "table.create", "utf8.offset"};
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        char code[128];
        snprintf(code, sizeof code, "return %s", names[i]);
        attack(code, FAILED);
    }
}

ATTACK(write_to_a_library__raises, "string.rep = function() end", FAILED)
ATTACK(rawset_on_a_library__raises, "rawset(string, 'rep', 1)", FAILED)
ATTACK(insert_into_a_library__raises, "table.insert(string, 1)", FAILED)
ATTACK(setmetatable_on_a_library__raises, "setmetatable(string, {})", FAILED)
ATTACK(string_metatable__is_hidden, "assert(getmetatable('') == false)", HARMLESS_END)
ATTACK(view_metatable__is_hidden, "assert(getmetatable(req) == false)", HARMLESS_END)
ATTACK(write_to_a_global__raises, "leak = 1", FAILED)
ATTACK(tostring__shows_no_address, "assert(tostring({}) == 'table' and tostring(print) == 'function')", HARMLESS_END)

/* Function number req.time of all libraries, in the order of their names, with every triple of bad arguments. */
static const char adversary[] =
    "local bad = { {}, ('a'):rep(1e5), 2e9, -1, math.mininteger, math.maxinteger, 0/0, print, '%b()', false }\n"
    "local all = {}\n"
    "for _, lib in ipairs({ string, table, utf8, math, { pcall = pcall, select = select, next = next, pairs = pairs,\n"
    "tonumber = tonumber, tostring = tostring, setmetatable = setmetatable, rawset = rawset, ipairs = ipairs,\n"
    "rawlen = rawlen, rawequal = rawequal, rawget = rawget, assert = assert, error = error, print = print,\n"
    "getmetatable = getmetatable, require = require, type = type } }) do\n"
    "for name, f in pairs(lib) do if type(f) == 'function' then all[#all + 1] = { name, f } end end end\n"
    "table.sort(all, function(a, b) return a[1] < b[1] end)\n"
    "local one = all[req.time]\n"
    "if not one then return verdict.throttle(1, 'no more') end\n"
    "for i = 1, #bad do for j = 1, #bad do for k = 1, #bad do pcall(one[2], bad[i], bad[j], bad[k]) end end end\n"
    "return verdict.deny('survived')";

static void every_function__bad_arguments__stays_bounded(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
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
    assert_in_range(bench.request.time_s, 60, 100);
    bench_fini(&bench);
}

static void burn_six_ms(void *ctx, enum gw_log_level level, struct gw_str policy, struct gw_str text)
{
    double began = bench_cpu_ms();
    (void)ctx;
    (void)level;
    (void)policy;
    (void)text;
    while (bench_cpu_ms() < began + 6)
        ;
}

static void budget__is_shared_by_all_policies_of_a_request(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.services.log = burn_six_ms;
    bench.options.cpu_ms = 10; /* what the first one burns before anybody looks isn't charged */
    for (int name = 'a'; name <= 'c'; name++) {
        char text[128];
        char file[16];
        snprintf(text, sizeof text, "return { name = '%c', authorize = function() print() for i = 1, 1e5 do end end }",
                 name);
        snprintf(file, sizeof file, "%c.lua", name);
        bench_add(&bench, file, text);
    }
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_string_equal(bench.call.refusal.policy.at, "c");
    assert_int_equal(bench.counters.killed_time, 1);
    bench_fini(&bench);
}

static void killed_request__runs_nothing_more(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_str username = GW_STR_NONE;
    struct gw_json record = {.type = GW_JSON_OBJECT};
    struct gw_json fields = {.type = GW_JSON_NULL};
    bench_init(&bench);
    bench_add(&bench, "p.lua",
              "return { name = 'p', authorize = function() while true do end end,\n"
              "username = function() return 'x' end, audit = function() return { a = 1 } end }");
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_int_equal(bench.hooks->username(bench.hooks->ctx, &bench.call, &username), GW_POLICY_FAILED);
    assert_int_equal(bench.hooks->audit(bench.hooks->ctx, &bench.call, &record, &fields), GW_POLICY_DONE);
    assert_int_equal(fields.type, GW_JSON_NULL);
    assert_int_equal(bench.counters.calls, 1);
    bench_fini(&bench);
}

static void state_of_a_killed_call__is_replaced(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_add(&bench, "p.lua",
              "local verdict, calls = require('eksgate.verdict'), 0\n"
              "return { name = 'p', authorize = function(req)\n calls = calls + 1\n"
              "if req.cluster == 'hostile' then while true do end end\nreturn verdict.deny('call ' .. calls) end }");
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_string_equal(bench.call.refusal.reason.at, "call 1");
    bench.request.cluster = GW_STR("hostile");
    bench_finish(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    bench.request.cluster = GW_STR("my-cluster");
    bench_finish(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_string_equal(bench.call.refusal.reason.at, "call 1");
    bench_fini(&bench);
}

/* The standard functions that policies count on, against Lua's own results. */
static void library_functions__answer_as_the_manual_says(void **state)
{
    (void)state;
    static const char *const claims[] = {
        "('hello'):find('l') == 3",
        "select('#', ('hello'):find('(l)(l)')) == 4",
        "('key = value'):match('^(%w+)%s*=%s*(%w+)$') == 'key'",
        "('a.b'):find('.', 1, true) == 2",
        "('abc'):gsub('%w', '%0%0') == 'aabbcc'",
        "('hello world'):gsub('o', { o = '0' }) == 'hell0 w0rld'",
        "('abc'):gsub('', '-') == '-a-b-c-'",
        "select(2, ('abc'):gsub('%w', function(c) return c:upper() end)) == 3",
        "('THE (quick) fox'):find('%((%a+)%)') == 5",
        "('f(a(b)c)d'):match('%b()') == '(a(b)c)'",
        "('THE (quick) fox'):gsub('%f[%a]%a+', 'x') == 'x (x) x'",
        "('xx'):match('^(.)%1$') == 'x'",
        "('  x '):match('^%s*(.-)%s*$') == 'x'",
        "('abc'):match('()b()') == 2",
        "('%d'):format(3) == '3' and ('%5.1f|%-3s|%x'):format(3.14159, 'a', 255) == '  3.1|a  |ff'",
        "('%s %s %s'):format(nil, true, {}) == 'nil true table'",
        "('abc'):sub(-2) == 'bc' and ('abc'):sub(2, 2) == 'b' and ('abc'):sub(0) == 'abc'",
        "('abc'):byte(-1) == 99 and string.char(65, 66) == 'AB' and ('ab'):rep(3, ',') == 'ab,ab,ab'",
        "('aB'):upper() == 'AB' and ('aB'):lower() == 'ab' and ('abc'):reverse() == 'cba'",
        "table.concat({ 1, 2, 'x' }, '-') == '1-2-x'",
        "select('#', table.unpack({ 1, 2, 3 })) == 3 and table.pack(1, nil).n == 2",
        "tonumber('0x10') == 16 and tonumber('z', 36) == 35 and tonumber('1e1') == 10.0 and tonumber('x') == nil",
        "math.floor(3.7) == 3 and math.max(1, 5, 2) == 5 and math.tointeger(3.0) == 3",
        "utf8.char(228, 8364) == 'ä€' and utf8.len('ä€') == 2 and utf8.codepoint('€') == 8364",
        "select(2, pcall(error, { 1 }))[1] == 1",
        "next({}) == nil and rawlen({ 1 }) == 1 and type(nil) == 'nil'",
    };
    for (size_t i = 0; i < GW_COUNT(claims); i++) {
        char code[256];
        snprintf(code, sizeof code, "assert(%s)", claims[i]);
        attack(code, HARMLESS_END);
    }
    attack(
        "local t = {} for w in ('a bb c'):gmatch('%a+') do t[#t + 1] = w end assert(table.concat(t, ',') == 'a,bb,c')",
        HARMLESS_END);
    attack("local t = { 3, 1, 2 } table.sort(t) assert(table.concat(t) == '123')\n"
           "table.sort(t, function(a, b) return a > b end) assert(table.concat(t) == '321')",
           HARMLESS_END);
    attack("local t = { 1, 2 } table.insert(t, 1, 0) table.insert(t, 3) assert(table.concat(t) == '0123')\n"
           "assert(table.remove(t, 1) == 0 and table.remove(t) == 3) assert(table.concat(t) == '12')\n"
           "assert(table.concat(table.move(t, 1, 2, 2)) == '112')",
           HARMLESS_END);
    attack("local n = 0 for p, c in utf8.codes('aä€') do n = n + p * c end assert(n == 97 + 2 * 228 + 4 * 8364)",
           HARMLESS_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endless_loop__is_killed),
        cmocka_unit_test(pattern_with_three_wildcards__is_killed),
        cmocka_unit_test(pattern_of_many_balanced_items__is_killed),
        cmocka_unit_test(pattern_in_gmatch__is_killed),
        cmocka_unit_test(pattern_in_gsub__is_killed),
        cmocka_unit_test(pattern_in_match__is_killed),
        cmocka_unit_test(spinning_gc_metamethod__is_refused),
        cmocka_unit_test(gc_set_after_setmetatable__is_refused),
        cmocka_unit_test(weak_tables__are_refused),
        cmocka_unit_test(xpcall__is_not_there),
        cmocka_unit_test(loop_around_pcall__is_killed),
        cmocka_unit_test(recursion_through_pcall__is_killed),
        cmocka_unit_test(memory_error_behind_pcall__is_killed),
        cmocka_unit_test(rep_of_a_hundred_million__is_refused),
        cmocka_unit_test(rep_in_a_loop__is_killed),
        cmocka_unit_test(rep_through_string_metatable__is_ours),
        cmocka_unit_test(rep_of_nothing__ends),
        cmocka_unit_test(rep_of_nothing_between_separators__is_refused),
        cmocka_unit_test(gsub_over_much__is_killed),
        cmocka_unit_test(coroutines__are_not_there),
        cmocka_unit_test(spinning_close_variable__is_killed),
        cmocka_unit_test(close_variable_that_spins_while_killed__is_killed),
        cmocka_unit_test(spinning_gsub_callback__is_killed),
        cmocka_unit_test(format_of_a_text_without_conversions__ends),
        cmocka_unit_test(format_with_a_wide_number__is_refused),
        cmocka_unit_test(unpack_of_ten_million__is_refused),
        cmocka_unit_test(unpack_of_all_integers__is_refused),
        cmocka_unit_test(deep_recursion__is_killed),
        cmocka_unit_test(deep_recursion_through_c__fails),
        cmocka_unit_test(concatenation_that_doubles__is_killed),
        cmocka_unit_test(concatenation_of_long_text__is_killed),
        cmocka_unit_test(comparison_of_long_texts__is_killed),
        cmocka_unit_test(order_of_long_texts__is_killed),
        cmocka_unit_test(table_move_of_all__is_refused),
        cmocka_unit_test(table_concat_with_lying_length__sees_the_raw_one),
        cmocka_unit_test(table_insert_with_lying_length__sees_the_raw_one),
        cmocka_unit_test(table_remove_with_lying_length__sees_the_raw_one),
        cmocka_unit_test(table_sort_with_lying_length__sees_the_raw_one),
        cmocka_unit_test(table_sort_with_a_spinning_order__is_killed),
        cmocka_unit_test(table_sort_with_a_lying_order__ends),
        cmocka_unit_test(plain_find_of_long_in_long__is_killed),
        cmocka_unit_test(utf8_len_in_a_loop__is_killed),
        cmocka_unit_test(upper_in_a_loop__is_killed),
        cmocka_unit_test(next_over_emptied_table__is_killed),
        cmocka_unit_test(error_object_that_is_a_table__fails),
        cmocka_unit_test(error_object_that_is_nil__fails),
        cmocka_unit_test(error_object_that_spins_as_text__fails),
        cmocka_unit_test(spinning_index_metamethod__is_killed),
        cmocka_unit_test(spinning_pairs_metamethod__is_killed),
        cmocka_unit_test(spinning_tostring__is_killed),
        cmocka_unit_test(endless_print__is_killed),
        cmocka_unit_test(returned_table_with_metamethods__is_read_raw),
        cmocka_unit_test(dangerous_globals__are_not_there),
        cmocka_unit_test(dangerous_fields__are_not_there),
        cmocka_unit_test(write_to_a_library__raises),
        cmocka_unit_test(rawset_on_a_library__raises),
        cmocka_unit_test(insert_into_a_library__raises),
        cmocka_unit_test(setmetatable_on_a_library__raises),
        cmocka_unit_test(string_metatable__is_hidden),
        cmocka_unit_test(view_metatable__is_hidden),
        cmocka_unit_test(write_to_a_global__raises),
        cmocka_unit_test(tostring__shows_no_address),
        cmocka_unit_test(every_function__bad_arguments__stays_bounded),
        cmocka_unit_test(budget__is_shared_by_all_policies_of_a_request),
        cmocka_unit_test(killed_request__runs_nothing_more),
        cmocka_unit_test(state_of_a_killed_call__is_replaced),
        cmocka_unit_test(library_functions__answer_as_the_manual_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
