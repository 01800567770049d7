/* SPDX-License-Identifier: Apache-2.0 */
/* Ways out by running on: past errors, past closing, past the collector, where nothing can give way. */
#include "ways_out.h"

ATTACK(endless_loop__is_killed, "while true do end", KILLED_TIME)
ATTACK(endless_numeric_loop__is_killed, "for i = 1, math.huge do end", KILLED_TIME)
ATTACK(loop_around_pcall__is_killed, "while true do pcall(function() while true do end end) end", KILLED_TIME)
ATTACK(loop_around_pcall_of_an_error__is_killed, "while true do pcall(error) end", KILLED_TIME)
ATTACK(recursion_through_pcall__is_killed, "local function f() pcall(f) while true do end end f()", KILLED_TIME)
ATTACK(pcall_of_pcall_of_pcall__is_killed, "local function f() while true do pcall(pcall, pcall, f) end end f()",
       KILLED)
ATTACK(xpcall_whose_handler_spins__is_not_there, "xpcall(error, function() while true do end end)", FAILED)
ATTACK(finalizer_that_spins__is_refused, "setmetatable({}, { __gc = function() while true do end end })", FAILED)
ATTACK(finalizer_set_after_setmetatable__is_refused,
       "local m = {} setmetatable({}, m) m.__gc = function() while true do end end", FAILED)
ATTACK(finalizer_set_raw_after_setmetatable__is_refused,
       "local m = {} setmetatable({}, m) rawset(m, '__gc', function() while true do end end)", FAILED)
ATTACK(close_that_spins_after_an_error__is_killed,
       "local x <close> = setmetatable({}, { __close = function() while true do end end }) error('x')", KILLED_TIME)
ATTACK(close_that_spins_at_the_end_of_its_block__is_killed,
       "do local x <close> = setmetatable({}, { __close = function() while true do end end }) end", KILLED_TIME)
ATTACK(close_that_spins_while_its_call_is_killed__never_runs,
       "local x <close> = setmetatable({}, { __close = function() while true do end end }) while true do end",
       KILLED_TIME)
ATTACK(close_set_after_the_variable__is_bounded,
       "local m = { __close = function() end }\n"
       "local x <close> = setmetatable({}, m) m.__close = function() while true do end end",
       KILLED_TIME)
ATTACK(close_that_makes_more_to_close__is_killed,
       "local function more()\n"
       "local x <close> = setmetatable({}, { __close = more }) error(\"x\") end\n"
       "more()",
       KILLED)
ATTACK(very_many_variables_to_close_below_a_kill__end_soon,
       "local function f(n)\n"
       "local a <close> = setmetatable({}, { __close = type })\n"
       "local b <close> = setmetatable({}, { __close = type })\n"
       "if n == 0 then table.sort({ 3, 2, 1 }, function() while true do end end) end\n"
       "f(n - 1) end\n"
       "pcall(f, 2000)",
       KILLED_TIME)
ATTACK(coroutines__are_not_there, "coroutine.wrap(function() while true do end end)()", FAILED)
ATTACK(gsub_callback_that_spins__is_killed, "(('a'):rep(10)):gsub('a', function() while true do end end)", KILLED_TIME)
ATTACK(gsub_callback_that_spins_behind_pcall__is_killed,
       "while true do pcall(string.gsub, 'aaa', 'a', function() while true do end end) end", KILLED_TIME)
ATTACK(gsub_table_whose_index_spins__is_killed,
       "('aaa'):gsub('a', setmetatable({}, { __index = function() while true do end end }))", KILLED_TIME)
ATTACK(order_of_sort_that_spins__is_killed, "table.sort({3, 2, 1}, function() while true do end end)", KILLED_TIME)
ATTACK(order_of_sort_that_spins_behind_pcall__is_killed,
       "while true do pcall(table.sort, {3, 2, 1}, function() while true do end end) end", KILLED_TIME)
ATTACK(lt_metamethod_that_spins_in_sort__is_killed,
       "local m = { __lt = function() while true do end end }\n"
       "table.sort({ setmetatable({}, m), setmetatable({}, m) })",
       KILLED_TIME)
ATTACK(index_metamethod_that_spins__is_killed,
       "local t = setmetatable({}, { __index = function() while true do end end }) return t.x", KILLED_TIME)
ATTACK(index_metamethod_that_spins_below_ipairs__is_killed,
       "for _ in ipairs(setmetatable({}, { __index = function() while true do end end })) do end", KILLED_TIME)
ATTACK(index_that_never_ends_below_ipairs__is_killed,
       "for _ in ipairs(setmetatable({}, { __index = function() return 1 end })) do end", KILLED_TIME)
ATTACK(pairs_metamethod_that_spins__is_killed,
       "for _ in pairs(setmetatable({}, { __pairs = function() while true do end end })) do end", KILLED_TIME)
ATTACK(tostring_that_spins__is_killed,
       "return tostring(setmetatable({}, { __tostring = function() while true do end end }))", KILLED_TIME)
ATTACK(tostring_that_spins_below_format__is_killed,
       "return ('%s'):format(setmetatable({}, { __tostring = function() while true do end end }))", KILLED_TIME)
ATTACK(tostring_that_spins_below_print__is_killed,
       "print(setmetatable({}, { __tostring = function() while true do end end }))", KILLED_TIME)
ATTACK(call_metamethod_of_itself__is_refused, "local m = {} m.__call = setmetatable({}, m) setmetatable({}, m)()",
       FAILED)
ATTACK(call_metamethod_set_later__is_refused, "local m = {} local t = setmetatable({}, m) m.__call = t t()", FAILED)
ATTACK(call_metamethod_set_raw_later__is_refused,
       "local m = {} local t = setmetatable({}, m) rawset(m, \"__call\", t) t()", FAILED)
ATTACK(call_metamethod_that_was_a_function__stays_it,
       "local m = { __call = function() return 7 end } local t = setmetatable({}, m) m.__call = t assert(t() == 7)",
       HARMLESS_END)
ATTACK(call_metamethod_of_a_class_that_was_a_function__stays_it,
       "local m = { __call = function() return 7 end } local c = {} setmetatable({}, c) setmetatable(c, m) m.__call = "
       "c assert(c() == 7)",
       HARMLESS_END)
ATTACK(chain_of_index_of_two_thousand__is_killed,
       "local t = {} for i = 1, 1999 do t = setmetatable({}, { __index = t }) end while true do local x = t.y end",
       KILLED_TIME)
ATTACK(endless_print__is_killed, "while true do print('x') end", KILLED_TIME)
ATTACK(deep_recursion__is_killed, "local function f() return 1 + f() end f()", KILLED_MEMORY)
ATTACK(deep_recursion_through_c__fails, "local function f() return (('a'):gsub('a', f)) end f()", FAILED)
ATTACK(deep_recursion_through_metamethods__fails,
       "local m = {} m.__index = function(t, k) return t[k + 1] end return setmetatable({}, m)[1]", FAILED)
ATTACK(error_object_that_is_a_table__fails, "error({})", FAILED)
ATTACK(error_object_that_is_nil__fails, "error(nil)", FAILED)
ATTACK(error_object_that_is_a_function__fails, "error(print)", FAILED)
ATTACK(error_object_that_is_the_request__fails, "error(req)", FAILED)
ATTACK(error_object_that_spins_as_text__fails,
       "error(setmetatable({}, { __tostring = function() while true do end end }))", FAILED)
ATTACK(error_text_of_half_a_megabyte__fails, "error(('x'):rep(5e5))", FAILED)
ATTACK(error_with_a_level_beyond_the_stack__fails, "error('x', 1 << 40)", FAILED)
ATTACK(assert_with_an_object_that_spins_as_text__fails,
       "assert(false, setmetatable({}, { __tostring = function() while true do end end }))", FAILED)
ATTACK(returned_table_with_metamethods__is_read_raw,
       "return setmetatable({}, { __index = function() while true do end end })", FAILED)
ATTACK(load_of_bytecode__is_not_there, "load('\\27Lua')()", FAILED)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endless_loop__is_killed),
        cmocka_unit_test(endless_numeric_loop__is_killed),
        cmocka_unit_test(loop_around_pcall__is_killed),
        cmocka_unit_test(loop_around_pcall_of_an_error__is_killed),
        cmocka_unit_test(recursion_through_pcall__is_killed),
        cmocka_unit_test(pcall_of_pcall_of_pcall__is_killed),
        cmocka_unit_test(xpcall_whose_handler_spins__is_not_there),
        cmocka_unit_test(finalizer_that_spins__is_refused),
        cmocka_unit_test(finalizer_set_after_setmetatable__is_refused),
        cmocka_unit_test(finalizer_set_raw_after_setmetatable__is_refused),
        cmocka_unit_test(close_that_spins_after_an_error__is_killed),
        cmocka_unit_test(close_that_spins_at_the_end_of_its_block__is_killed),
        cmocka_unit_test(close_that_spins_while_its_call_is_killed__never_runs),
        cmocka_unit_test(close_set_after_the_variable__is_bounded),
        cmocka_unit_test(close_that_makes_more_to_close__is_killed),
        cmocka_unit_test(very_many_variables_to_close_below_a_kill__end_soon),
        cmocka_unit_test(coroutines__are_not_there),
        cmocka_unit_test(gsub_callback_that_spins__is_killed),
        cmocka_unit_test(gsub_callback_that_spins_behind_pcall__is_killed),
        cmocka_unit_test(gsub_table_whose_index_spins__is_killed),
        cmocka_unit_test(order_of_sort_that_spins__is_killed),
        cmocka_unit_test(order_of_sort_that_spins_behind_pcall__is_killed),
        cmocka_unit_test(lt_metamethod_that_spins_in_sort__is_killed),
        cmocka_unit_test(index_metamethod_that_spins__is_killed),
        cmocka_unit_test(index_metamethod_that_spins_below_ipairs__is_killed),
        cmocka_unit_test(index_that_never_ends_below_ipairs__is_killed),
        cmocka_unit_test(pairs_metamethod_that_spins__is_killed),
        cmocka_unit_test(tostring_that_spins__is_killed),
        cmocka_unit_test(tostring_that_spins_below_format__is_killed),
        cmocka_unit_test(tostring_that_spins_below_print__is_killed),
        cmocka_unit_test(call_metamethod_of_itself__is_refused),
        cmocka_unit_test(call_metamethod_set_later__is_refused),
        cmocka_unit_test(call_metamethod_set_raw_later__is_refused),
        cmocka_unit_test(call_metamethod_that_was_a_function__stays_it),
        cmocka_unit_test(call_metamethod_of_a_class_that_was_a_function__stays_it),
        cmocka_unit_test(chain_of_index_of_two_thousand__is_killed),
        cmocka_unit_test(endless_print__is_killed),
        cmocka_unit_test(deep_recursion__is_killed),
        cmocka_unit_test(deep_recursion_through_c__fails),
        cmocka_unit_test(deep_recursion_through_metamethods__fails),
        cmocka_unit_test(error_object_that_is_a_table__fails),
        cmocka_unit_test(error_object_that_is_nil__fails),
        cmocka_unit_test(error_object_that_is_a_function__fails),
        cmocka_unit_test(error_object_that_is_the_request__fails),
        cmocka_unit_test(error_object_that_spins_as_text__fails),
        cmocka_unit_test(error_text_of_half_a_megabyte__fails),
        cmocka_unit_test(error_with_a_level_beyond_the_stack__fails),
        cmocka_unit_test(assert_with_an_object_that_spins_as_text__fails),
        cmocka_unit_test(returned_table_with_metamethods__is_read_raw),
        cmocka_unit_test(load_of_bytecode__is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
