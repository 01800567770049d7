/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What policies share and what they don't: each has an environment of its own, and
 * nobody changes what all of them use.
 */
#include "bench_of_one.h"

/* Policies that assert for themselves; the second one is asked behind the first. */
static void assert_good(const char *first, const char *second)
{
    struct bench bench;

    bench_init(&bench);
    gw_log_set_level(GW_LOG_WARN);
    bench_add(&bench, "one.lua", first);
    if (second != NULL)
        bench_add(&bench, "two.lua", second);
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    bench_fini(&bench);
}

static void environment__of_a_policy__takes_no_names(void **state)
{
    (void)state;
    assert_good("local written = {\n"
                "  pcall(function() leak = 1 end),\n"
                "  pcall(function() _ENV.leak = 1 end),\n"
                "  pcall(rawset, _ENV, 'leak', 1),\n"
                "  pcall(setmetatable, _ENV, {}),\n"
                "  pcall(function() getmetatable(_ENV).__newindex = nil end),\n"
                "  pcall(function() _G.leak = 1 end),\n"
                "}\n"
                "return { name = 'one', authorize = function()\n"
                "  for i = 1, 6 do assert(written[i] == false, tostring(i)) end\n"
                "  assert(rawget(_ENV, 'leak') == nil and getmetatable(_ENV) == false)\n"
                "  for name in pairs(_ENV) do assert(name == 'require', name) end\n"
                "end }",
                "return { name = 'two', authorize = function() assert(not pcall(function() return leak end)) end }");
}

/* An environment that a policy puts in the place of its own is nobody else's. */
static void environment__of_a_policys_making__is_its_alone(void **state)
{
    (void)state;
    assert_good("local _ENV = setmetatable({}, { __index = _ENV })\n"
                "function tostring() return 'forged' end\n"
                "string = { format = function() return 'forged' end }\n"
                "mine = 7\n"
                "return { name = 'one', authorize = function()\n"
                "  assert(mine == 7 and tostring(1) == 'forged' and string.format('x') == 'forged')\n"
                "  assert(('%d'):format(1) == '1')\n"
                "end }",
                "local arn = require('eksgate.arn')\n"
                "return { name = 'two', authorize = function()\n"
                "  assert(not pcall(function() return mine end))\n"
                "  assert(tostring(1) == '1' and string.format('%d', 1) == '1')\n"
                "  assert(arn.parse('arn:aws:iam::012345678910:role/r').account == '012345678910')\n"
                "end }");
}

/* Every way to write that a policy has, at every table that all policies see. */
static void shared_tables__no_way_to_write__changes_them(void **state)
{
    (void)state;
    assert_good("local shared = { string = string, table = table, math = math, utf8 = utf8 }\n"
                "for _, name in ipairs({ 'arn', 'verdict', 'tags', 'team', 'glob', 'time', 'log', 'counter' }) do\n"
                "  shared[name] = require('eksgate.' .. name)\n"
                "end\n"
                "local writes = {\n"
                "  function(t) t.x = 1 end,\n"
                "  function(t) t[1] = 1 end,\n"
                "  function(t) t.insert = print end,\n"
                "  function(t) rawset(t, 'x', 1) end,\n"
                "  function(t) setmetatable(t, {}) end,\n"
                "  function(t) setmetatable(t, nil) end,\n"
                "  function(t) getmetatable(t).__index = nil end,\n"
                "  function(t) table.insert(t, 1) end,\n"
                "  function(t) table.move({ 1 }, 1, 1, 1, t) end,\n"
                "}\n"
                "return { name = 'one', authorize = function()\n"
                "  for name, t in pairs(shared) do\n"
                "    for i, write in ipairs(writes) do\n"
                "      assert(not pcall(write, t), name .. ' by ' .. i)\n"
                "    end\n"
                "    assert(rawget(t, 'x') == nil and rawget(t, 1) == nil, name)\n"
                "    assert(getmetatable(t) == false, name)\n"
                "  end\n"
                "  assert(getmetatable('') == false)\n"
                "  assert(not pcall(function() getmetatable('').__index = {} end))\n"
                "end }",
                "return { name = 'two', authorize = function()\n"
                "  assert(('x'):upper() == 'X' and string.upper('x') == 'X')\n"
                "  assert(table.concat({ 1, 2 }) == '12' and math.max(1, 2) == 2)\n"
                "end }");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(environment__of_a_policy__takes_no_names),
        cmocka_unit_test(environment__of_a_policys_making__is_its_alone),
        cmocka_unit_test(shared_tables__no_way_to_write__changes_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
