/* SPDX-License-Identifier: Apache-2.0 */
/* Ways out by texts: one call, or one instruction, that works on very much. */
#include "ways_out.h"

ATTACK(pattern_with_three_wildcards__is_killed, "return ('a'):rep(300):find('.-.-.-b')", KILLED_TIME)
ATTACK(pattern_with_three_wildcards_on_much__is_killed, "return ('a'):rep(30000):find('.-.-.-b')", KILLED_TIME)
ATTACK(pattern_of_many_balanced_items__is_killed, "return ('('):rep(1e5):find(('%b()'):rep(30))", KILLED_TIME)
ATTACK(pattern_in_gmatch__is_killed, "for _ in ('a'):rep(30000):gmatch('.-.-.-b') do end", KILLED_TIME)
ATTACK(pattern_in_gsub__is_killed, "return ('a'):rep(30000):gsub('.-.-.-b', '')", KILLED_TIME)
ATTACK(pattern_in_match__is_killed, "return ('a'):rep(30000):match('.-.-.-b')", KILLED_TIME)
ATTACK(pattern_behind_pcall__is_killed, "while true do pcall(string.find, ('a'):rep(30000), '.-.-.-b') end",
       KILLED_TIME)
ATTACK(back_references_to_long_captures__are_killed, "while true do (('ab'):rep(5e4)):find('^(.*)%1%1%1$') end",
       KILLED_TIME)
ATTACK(frontiers_in_a_loop__are_killed, "local s = ('a '):rep(1e5) while true do s:find('%f[%d]') end", KILLED_TIME)
ATTACK(rep_of_a_hundred_million__is_refused, "return ('a'):rep(1e8)", FAILED)
ATTACK(rep_of_sixty_megabytes__is_refused, "return ('a'):rep(6e7)", FAILED)
ATTACK(rep_in_a_loop__is_killed, "local t = {} while true do t[#t + 1] = ('a'):rep(1e5) end", KILLED_MEMORY)
ATTACK(rep_thrown_away_in_a_loop__is_killed, "while true do local s = ('x'):rep(5e5) end", KILLED)
ATTACK(rep_through_the_string_metatable__is_ours, "local s = 'a' return s.rep(s, 1e9)", FAILED)
ATTACK(rep_of_nothing__ends, "(''):rep(2e9)", HARMLESS_END)
ATTACK(rep_of_nothing_between_separators__is_refused, "return (''):rep(2e9, ',')", FAILED)
ATTACK(rep_whose_size_wraps__is_refused, "return ('ab'):rep(math.maxinteger, 'cd')", FAILED)
ATTACK(gsub_over_twenty_megabytes__cannot_be_had, "return ('a'):rep(2e7):gsub('a', 'b')", FAILED)
ATTACK(gsub_over_much__is_killed, "local s = ('a'):rep(1e5) while true do s:gsub('a', '%0') end", KILLED)
ATTACK(gsub_that_doubles__is_killed, "local s = 'aa' while true do s = s:gsub('a', '%0%0') end", KILLED)
ATTACK(format_with_a_wide_number__is_refused, "return ('%500d'):format(1)", FAILED)
ATTACK(format_of_a_text_without_conversions__ends, "assert(('x'):format('%500d') == 'x')", HARMLESS_END)
ATTACK(format_of_long_texts__is_killed, "local s = ('x'):rep(1e5) while true do local t = ('%s%s'):format(s, s) end",
       KILLED)
ATTACK(format_with_very_many_conversions__is_killed,
       "local f = ('%99.99f'):rep(1000) while true do pcall(f.format, f, 1e308) end", KILLED)
ATTACK(plain_find_of_long_in_long__is_killed,
       "local s, n = ('a'):rep(4e5), ('a'):rep(2e5) .. 'b' while true do s:find(n, 1, true) end", KILLED_TIME)
ATTACK(plain_find_of_long_in_zeros__is_killed,
       "local s, n = ('\\0'):rep(4e5), ('\\0'):rep(2e5) .. 'b' while true do s:find(n, 1, true) end", KILLED_TIME)
ATTACK(comparison_of_long_texts__is_killed,
       "local a, b = ('a'):rep(3e5) .. 'x', ('a'):rep(3e5) .. 'y' while true do local c = a == b end", KILLED)
ATTACK(order_of_long_texts__is_killed,
       "local a, b = ('a'):rep(2e5) .. 'x', ('a'):rep(2e5) .. 'y' while true do local c = a < b end", KILLED_TIME)
ATTACK(order_of_long_texts_of_zeros__is_killed,
       "local a, b = ('\\0'):rep(2e5) .. 'x', ('\\0'):rep(2e5) .. 'y' while true do local c = a < b end", KILLED_TIME)
ATTACK_WITH(order_of_the_longest_texts_kept_from_loading__is_killed,
            "local a, b = ('\\0'):rep(5e5) .. 'x', ('\\0'):rep(5e5) .. 'y'", "while true do local c = a < b end",
            KILLED_TIME)
ATTACK(sort_of_long_texts__is_killed,
       "local t, s = {}, ('\\0'):rep(1e5) for i = 1, 5 do t[i] = s .. i end while true do table.sort(t) end",
       KILLED_TIME)
ATTACK(concatenation_that_doubles__is_killed, "local s = 'a' while true do s = s .. s end", KILLED_MEMORY)
ATTACK(concatenation_of_long_text__is_killed, "local s = ('a'):rep(3e5) while true do local t = s .. 'b' end", KILLED)
ATTACK(numbers_of_half_a_megabyte__are_killed, "local s = ('1'):rep(4e5) while true do pcall(string.rep, 'x', s) end",
       KILLED_TIME)
ATTACK(limits_of_loops_of_half_a_megabyte__are_killed,
       "local s = ('1'):rep(4e5) while true do pcall(function() for i = 1, s do break end end) end", KILLED_TIME)
ATTACK(tonumber_of_long_texts__ends,
       "assert(tonumber(('1'):rep(4e5)) == nil) assert(tonumber(('z'):rep(4e5), 36) == nil)", HARMLESS_END)
ATTACK(long_texts_as_keys__are_killed,
       "local t, s = {}, ('a'):rep(1e5) local i = 0 while true do i = i + 1 t[s .. i % 4] = i end", KILLED)
ATTACK(upper_in_a_loop__is_killed, "local s = ('a'):rep(2e5) while true do s:upper() end", KILLED)
ATTACK(reverse_in_a_loop__is_killed, "local s = ('a'):rep(2e5) while true do s:reverse() end", KILLED)
ATTACK(utf8_len_in_a_loop__is_killed, "local s = ('a'):rep(4e5) while true do utf8.len(s) end", KILLED_TIME)
ATTACK(utf8_codes_in_a_loop__is_killed, "local s = ('a'):rep(4e5) while true do for _ in utf8.codes(s) do end end",
       KILLED_TIME)
ATTACK(byte_of_all__is_refused, "return ('a'):rep(4e5):byte(1, -1)", FAILED)
ATTACK(char_of_very_many__is_refused,
       "local t = {} for i = 1, 4096 do t[i] = 65 end while true do string.char(table.unpack(t)) end", KILLED_TIME)
ATTACK(print_of_long_texts__is_killed, "local s = ('x'):rep(2e5) while true do print(s) end", KILLED)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pattern_with_three_wildcards__is_killed),
        cmocka_unit_test(pattern_with_three_wildcards_on_much__is_killed),
        cmocka_unit_test(pattern_of_many_balanced_items__is_killed),
        cmocka_unit_test(pattern_in_gmatch__is_killed),
        cmocka_unit_test(pattern_in_gsub__is_killed),
        cmocka_unit_test(pattern_in_match__is_killed),
        cmocka_unit_test(pattern_behind_pcall__is_killed),
        cmocka_unit_test(back_references_to_long_captures__are_killed),
        cmocka_unit_test(frontiers_in_a_loop__are_killed),
        cmocka_unit_test(rep_of_a_hundred_million__is_refused),
        cmocka_unit_test(rep_of_sixty_megabytes__is_refused),
        cmocka_unit_test(rep_in_a_loop__is_killed),
        cmocka_unit_test(rep_thrown_away_in_a_loop__is_killed),
        cmocka_unit_test(rep_through_the_string_metatable__is_ours),
        cmocka_unit_test(rep_of_nothing__ends),
        cmocka_unit_test(rep_of_nothing_between_separators__is_refused),
        cmocka_unit_test(rep_whose_size_wraps__is_refused),
        cmocka_unit_test(gsub_over_twenty_megabytes__cannot_be_had),
        cmocka_unit_test(gsub_over_much__is_killed),
        cmocka_unit_test(gsub_that_doubles__is_killed),
        cmocka_unit_test(format_with_a_wide_number__is_refused),
        cmocka_unit_test(format_of_a_text_without_conversions__ends),
        cmocka_unit_test(format_of_long_texts__is_killed),
        cmocka_unit_test(format_with_very_many_conversions__is_killed),
        cmocka_unit_test(plain_find_of_long_in_long__is_killed),
        cmocka_unit_test(plain_find_of_long_in_zeros__is_killed),
        cmocka_unit_test(comparison_of_long_texts__is_killed),
        cmocka_unit_test(order_of_long_texts__is_killed),
        cmocka_unit_test(order_of_long_texts_of_zeros__is_killed),
        cmocka_unit_test(order_of_the_longest_texts_kept_from_loading__is_killed),
        cmocka_unit_test(sort_of_long_texts__is_killed),
        cmocka_unit_test(concatenation_that_doubles__is_killed),
        cmocka_unit_test(concatenation_of_long_text__is_killed),
        cmocka_unit_test(numbers_of_half_a_megabyte__are_killed),
        cmocka_unit_test(limits_of_loops_of_half_a_megabyte__are_killed),
        cmocka_unit_test(tonumber_of_long_texts__ends),
        cmocka_unit_test(long_texts_as_keys__are_killed),
        cmocka_unit_test(upper_in_a_loop__is_killed),
        cmocka_unit_test(reverse_in_a_loop__is_killed),
        cmocka_unit_test(utf8_len_in_a_loop__is_killed),
        cmocka_unit_test(utf8_codes_in_a_loop__is_killed),
        cmocka_unit_test(byte_of_all__is_refused),
        cmocka_unit_test(char_of_very_many__is_refused),
        cmocka_unit_test(print_of_long_texts__is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
