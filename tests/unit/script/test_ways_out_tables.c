/* SPDX-License-Identifier: Apache-2.0 */
/* Ways out by tables: lengths that lie, loops in C, and what the collector and the hash part do. */
#include "ways_out.h"

ATTACK(move_of_all__is_refused, "table.move({}, 1, math.maxinteger, 2)", FAILED)
ATTACK(move_to_the_end_of_integers__is_refused, "table.move({ 1, 2 }, 1, 2, math.maxinteger)", FAILED)
ATTACK(move_of_a_hundred_thousand_in_a_loop__is_killed, "while true do table.move({}, 1, 1e5, 2) end", KILLED_TIME)
ATTACK(move_with_lying_metamethods__sees_none,
       "local t = setmetatable({}, { __index = function() while true do end end, __newindex = error })\n"
       "table.move(t, 1, 10, 2)",
       HARMLESS_END)
ATTACK(concat_with_lying_length__sees_the_raw_one,
       "local t = setmetatable({}, { __len = function() return 1e9 end }) assert(table.concat(t) == '')", HARMLESS_END)
ATTACK(concat_of_all__is_refused, "return table.concat({}, \"\", 1, math.maxinteger)", FAILED)
ATTACK(concat_in_a_loop__is_killed, "local t = {} for i = 1, 2e4 do t[i] = 'x' end while true do table.concat(t) end",
       KILLED)
ATTACK(insert_with_lying_length__sees_the_raw_one,
       "local t = setmetatable({}, { __len = function() return 1e9 end }) table.insert(t, 1, 1) assert(t[1] == 1)",
       HARMLESS_END)
ATTACK(insert_in_front_in_a_loop__is_killed, "local t = {} while true do table.insert(t, 1, 1) end", KILLED)
ATTACK(remove_with_lying_length__sees_the_raw_one,
       "local t = setmetatable({1}, { __len = function() return 1e9 end }) assert(table.remove(t, 1) == 1)",
       HARMLESS_END)
ATTACK(remove_in_front_in_a_loop__is_killed,
       "local t = {} for i = 1, 3e4 do t[i] = i end while true do table.insert(t, 1, table.remove(t, 1)) end",
       KILLED_TIME)
ATTACK(sort_with_lying_length__sees_the_raw_one,
       "local t = setmetatable({2, 1}, { __len = function() return 1e9 end }) table.sort(t) assert(t[1] == 1)",
       HARMLESS_END)
ATTACK(sort_with_a_lying_order__ends,
       "local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function() return true end)", HARMLESS_END)
ATTACK(sort_that_changes_what_it_sorts__ends,
       "local t = {} for i = 1, 100 do t[i] = i end\n"
       "table.sort(t, function(a, b) for i = 1, 100 do t[i] = nil end return a ~= nil end)",
       HARMLESS_END)
ATTACK(sort_of_very_many__is_killed, "local t = {} for i = 1, 3e4 do t[i] = -i end while true do table.sort(t) end",
       KILLED_TIME)
ATTACK(unpack_of_ten_million__is_refused, "return table.unpack({}, 1, 1e7)", FAILED)
ATTACK(unpack_of_all_integers__is_refused, "return table.unpack({}, math.mininteger, math.maxinteger)", FAILED)
ATTACK(unpack_with_lying_length__sees_the_raw_one,
       "local t = setmetatable({}, { __len = function() return 1e9 end }) assert(select('#', table.unpack(t)) == 0)",
       HARMLESS_END)
ATTACK(arguments_by_the_thousand__are_killed,
       "local function f(...) return select('#', ...) end\n"
       "local function g(...) while true do f(...) end end\n"
       "local t = {} for i = 1, 4000 do t[i] = i end g(table.unpack(t))",
       KILLED_TIME)
ATTACK(next_over_an_emptied_table__is_killed,
       "local t = {} for i = 1, 2e4 do t[i] = i end for i = 1, 2e4 do t[i] = nil end while true do next(t) end",
       KILLED_TIME)
ATTACK_WITH(next_over_a_large_table_emptied_when_loading__is_killed,
            "local t = {} for i = 1, 5e4 do t[i] = i end for i = 1, 5e4 do t[i] = nil end", "while true do next(t) end",
            KILLED_TIME)
ATTACK_WITH(pairs_over_a_large_table_emptied_when_loading__is_killed,
            "local t = {} for i = 1, 5e4 do t[i] = i end for i = 1, 5e4 do t[i] = nil end",
            "while true do for _ in pairs(t) do end end", KILLED_TIME)
ATTACK_WITH(length_of_a_table_of_holes__is_killed,
            "local t = {} for i = 1, 5e4 do t[i] = i end for i = 2, 5e4 do t[i] = nil end",
            "while true do local n = #t end", KILLED_TIME)
ATTACK(weak_tables__are_refused, "setmetatable({}, { __mode = 'k' })", FAILED)
ATTACK(weak_tables_made_later__are_refused, "local m = {} setmetatable({}, m) m.__mode = 'k'", FAILED)
ATTACK(weak_tables_made_later_below_another_metatable__are_refused,
       "local m = setmetatable({}, { __index = {} }) setmetatable({}, m) m.__mode = 'k'", FAILED)
ATTACK(weak_tables_made_raw__are_refused, "local m = {} setmetatable({}, m) rawset(m, '__mode', 'k')", FAILED)
ATTACK(weak_tables_made_through_newindex__are_refused,
       "local m = setmetatable({}, { __newindex = rawset }) setmetatable({}, m)", FAILED)
ATTACK(weak_tables_by_being_their_own_metatable__are_refused, "local m = {} setmetatable(m, m) m.__mode = 'k'", FAILED)
ATTACK(weak_tables_by_a_protected_metatable__are_refused,
       "local m = setmetatable({}, { __metatable = false }) setmetatable({}, m) m.__mode = 'k'", FAILED)
ATTACK(weak_tables_by_a_new_metatable_of_the_metatable__are_refused,
       "local m = {} setmetatable({}, m) setmetatable(m, nil) m.__mode = 'k'", FAILED)
ATTACK(weak_tables_by_another_metatable_of_the_metatable__are_refused,
       "local m = {} setmetatable({}, m) setmetatable(m, { __index = {} }) m.__mode = 'k'", FAILED)
ATTACK(names_that_collide__cannot_be_very_many,
       "local t = {} for i = 1, 8192 do t[i * 16383] = 1 end t[8193 * 16383] = 1", KILLED_MEMORY)
ATTACK(names_that_collide__are_killed,
       "while true do local t = {} for i = 1, 2048 do t[i * 4095] = 1 end t[2049 * 4095] = 1 end", KILLED_TIME)
ATTACK_WITH(lookups_of_names_that_collide__are_killed, "local t = {} for i = 1, 16384 do t[i * 32767] = 1 end",
            "while true do local x = t[9000 * 16383] end", KILLED_TIME)
ATTACK(memory_error_behind_pcall__is_killed,
       "while true do pcall(function() local t = {} while true do t[#t + 1] = {} end end) end", KILLED)
ATTACK(close_after_a_memory_error__is_killed,
       "local x <close> = setmetatable({}, { __close = function() while true do end end })\n"
       "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
       KILLED)
ATTACK_WITH(garbage_in_a_full_state__is_killed, "local keep = {} for i = 1, 20000 do keep[i] = { i } end",
            "while true do local t = {} end", KILLED_TIME)
ATTACK_WITH(collections_in_need_in_a_full_state__are_killed, "local keep = {} for i = 1, 20000 do keep[i] = { i } end",
            "while true do local t = ('x'):rep(4e5) end", KILLED)
ATTACK_WITH(barriers_on_a_large_table__are_killed, "local t = {} for i = 1, 20000 do t[i] = {} end",
            "while true do t[1] = {} end", KILLED_TIME)
ATTACK(closures_without_end__are_killed, "while true do local x = 1 local f = function() return x end end", KILLED_TIME)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(move_of_all__is_refused),
        cmocka_unit_test(move_to_the_end_of_integers__is_refused),
        cmocka_unit_test(move_of_a_hundred_thousand_in_a_loop__is_killed),
        cmocka_unit_test(move_with_lying_metamethods__sees_none),
        cmocka_unit_test(concat_with_lying_length__sees_the_raw_one),
        cmocka_unit_test(concat_of_all__is_refused),
        cmocka_unit_test(concat_in_a_loop__is_killed),
        cmocka_unit_test(insert_with_lying_length__sees_the_raw_one),
        cmocka_unit_test(insert_in_front_in_a_loop__is_killed),
        cmocka_unit_test(remove_with_lying_length__sees_the_raw_one),
        cmocka_unit_test(remove_in_front_in_a_loop__is_killed),
        cmocka_unit_test(sort_with_lying_length__sees_the_raw_one),
        cmocka_unit_test(sort_with_a_lying_order__ends),
        cmocka_unit_test(sort_that_changes_what_it_sorts__ends),
        cmocka_unit_test(sort_of_very_many__is_killed),
        cmocka_unit_test(unpack_of_ten_million__is_refused),
        cmocka_unit_test(unpack_of_all_integers__is_refused),
        cmocka_unit_test(unpack_with_lying_length__sees_the_raw_one),
        cmocka_unit_test(arguments_by_the_thousand__are_killed),
        cmocka_unit_test(next_over_an_emptied_table__is_killed),
        cmocka_unit_test(next_over_a_large_table_emptied_when_loading__is_killed),
        cmocka_unit_test(pairs_over_a_large_table_emptied_when_loading__is_killed),
        cmocka_unit_test(length_of_a_table_of_holes__is_killed),
        cmocka_unit_test(weak_tables__are_refused),
        cmocka_unit_test(weak_tables_made_later__are_refused),
        cmocka_unit_test(weak_tables_made_later_below_another_metatable__are_refused),
        cmocka_unit_test(weak_tables_made_raw__are_refused),
        cmocka_unit_test(weak_tables_made_through_newindex__are_refused),
        cmocka_unit_test(weak_tables_by_being_their_own_metatable__are_refused),
        cmocka_unit_test(weak_tables_by_a_protected_metatable__are_refused),
        cmocka_unit_test(weak_tables_by_a_new_metatable_of_the_metatable__are_refused),
        cmocka_unit_test(weak_tables_by_another_metatable_of_the_metatable__are_refused),
        cmocka_unit_test(names_that_collide__cannot_be_very_many),
        cmocka_unit_test(names_that_collide__are_killed),
        cmocka_unit_test(lookups_of_names_that_collide__are_killed),
        cmocka_unit_test(memory_error_behind_pcall__is_killed),
        cmocka_unit_test(close_after_a_memory_error__is_killed),
        cmocka_unit_test(garbage_in_a_full_state__is_killed),
        cmocka_unit_test(collections_in_need_in_a_full_state__are_killed),
        cmocka_unit_test(barriers_on_a_large_table__are_killed),
        cmocka_unit_test(closures_without_end__are_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
