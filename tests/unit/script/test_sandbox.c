/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy finds in the sandbox and what it doesn't, and what the budget is
 * to the requests of one instance. Ways out are in test_ways_out*.c.
 */
#include "ways_out.h"

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
        attack(names[i], code, FAILED);
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
        attack(names[i], code, FAILED);
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
        attack(claims[i], code, HARMLESS_END);
    }
    attack(
        "gmatch",
        "local t = {} for w in ('a bb c'):gmatch('%a+') do t[#t + 1] = w end assert(table.concat(t, ',') == 'a,bb,c')",
        HARMLESS_END);
    attack("library",
           "local t = { 3, 1, 2 } table.sort(t) assert(table.concat(t) == '123')\n"
           "table.sort(t, function(a, b) return a > b end) assert(table.concat(t) == '321')",
           HARMLESS_END);
    attack("library",
           "local t = { 1, 2 } table.insert(t, 1, 0) table.insert(t, 3) assert(table.concat(t) == '0123')\n"
           "assert(table.remove(t, 1) == 0 and table.remove(t) == 3) assert(table.concat(t) == '12')\n"
           "assert(table.concat(table.move(t, 1, 2, 2)) == '112')",
           HARMLESS_END);
    attack("library",
           "local n = 0 for p, c in utf8.codes('aä€') do n = n + p * c end assert(n == 97 + 2 * 228 + 4 * 8364)",
           HARMLESS_END);
}

/* How Lua programs make classes, which the guards of metatables leave as they are. */
static void classes__work_as_everywhere(void **state)
{
    (void)state;
    static const char base[] = "local Base = {} Base.__index = Base\n"
                               "function Base.new(n) return setmetatable({ n = n }, Base) end\n"
                               "function Base:get() return self.n end\n";
    static const struct {
        const char *name;
        const char *code;
    } idioms[] = {
        {"class", "assert(Base.new(7):get() == 7)"},
        {"method_added_later",
         "local o = Base.new(7) function Base:twice() return 2 * self.n end assert(o:twice() == 14)"},
        {"inheritance", "local D = setmetatable({}, { __index = Base }) D.__index = D\n"
                        "function D:more() return self:get() + 1 end\n"
                        "local o = setmetatable({ n = 1 }, D) assert(o:more() == 2 and o:get() == 1)"},
        {"inheritance_from_the_class_itself",
         "local D = setmetatable({}, Base) D.__index = D local o = setmetatable({ n = 3 }, D) assert(o:get() == 3)"},
        {"three_levels", "local D = setmetatable({}, { __index = Base }) D.__index = D\n"
                         "local E = setmetatable({}, { __index = D }) E.__index = E\n"
                         "local o = setmetatable({ n = 4 }, E) assert(o:get() == 4)\n"
                         "function E:get() return -4 end assert(o:get() == -4)"},
        {"class_that_is_called",
         "local C = setmetatable({}, { __call = function(c, n) return setmetatable({ n = n }, c) end })\n"
         "C.__index = C function C:get() return self.n end assert(C(5):get() == 5)"},
        {"made_before_it_inherits", "local D = {} D.__index = D local o = setmetatable({ n = 6 }, D)\n"
                                    "setmetatable(D, { __index = Base }) assert(o:get() == 6)"},
        {"operators",
         "local V = {} V.__index = V V.__add = function(a, b) return setmetatable({ x = a.x + b.x }, V) end\n"
         "V.__eq = function(a, b) return a.x == b.x end V.__lt = function(a, b) return a.x < b.x end\n"
         "V.__tostring = function(v) return 'v' .. v.x end V.__len = function() return 9 end\n"
         "V.__concat = function(a, b) return 'c' end V.__unm = function(a) return -a.x end\n"
         "local a, b = setmetatable({ x = 1 }, V), setmetatable({ x = 2 }, V)\n"
         "assert((a + b).x == 3 and a ~= b and a < b and tostring(b) == 'v2' and #a == 9 and a .. b == 'c')\n"
         "assert(-b == -2)"},
        {"default_values",
         "local t = setmetatable({}, { __index = function(_, k) return k .. '!' end }) assert(t.x == 'x!')"},
        {"read_only", "local t = setmetatable({}, { __newindex = function() error('no', 0) end })\n"
                      "assert(select(2, pcall(function() t.x = 1 end)) == 'no')"},
        {"getmetatable", "local m = {} local t = setmetatable({}, m) assert(getmetatable(t) == m)"},
        {"protected", "local t = setmetatable({}, { __metatable = 'mine' }) assert(getmetatable(t) == 'mine')\n"
                      "assert(not pcall(setmetatable, t, {}))"},
        {"taken_away", "local t = setmetatable({}, { __index = { x = 1 } }) setmetatable(t, nil) assert(t.x == nil)"},
        {"iteration", "local t = setmetatable({}, { __pairs = function() return next, { a = 1 }, nil end })\n"
                      "for k, v in pairs(t) do assert(k == 'a' and v == 1) end assert(next({}) == nil)"},
        {"closing",
         "local closed do local x <close> = setmetatable({}, { __close = function() closed = true end }) end\n"
         "assert(closed)"},
    };
    for (size_t i = 0; i < GW_COUNT(idioms); i++)
        attack_with(idioms[i].name, base, idioms[i].code, HARMLESS_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(budget__is_shared_by_all_policies_of_a_request),
        cmocka_unit_test(killed_request__runs_nothing_more),
        cmocka_unit_test(state_of_a_killed_call__is_replaced),
        cmocka_unit_test(library_functions__answer_as_the_manual_says),
        cmocka_unit_test(classes__work_as_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
