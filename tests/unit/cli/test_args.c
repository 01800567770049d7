/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments: every form in which an option may be written, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "cli/args.h"
#include "cli/cli.h"

struct parsed {
    struct gw_args_config given;
    struct gw_args_list operands;
    bool json;
    int code;
};

#define PARSE(parsed, ...)                                                                                             \
    parse((parsed), (char *[]){"try", __VA_ARGS__}, (int)(sizeof((char *[]){"try", __VA_ARGS__}) / sizeof(char *)))

static void parse(struct parsed *parsed, char **argv, int argc)
{
    const struct gw_args_option options[] = {GW_ARGS_CONFIG(parsed->given), GW_ARGS_JSON(parsed->json)};
    const struct gw_args_verb verb = {
        .name = "try",
        .operands = "ID",
        .operands_min = 1,
        .operands_max = 2,
        .summary = "Tries.",
        .options = options,
        .option_count = GW_COUNT(options),
    };

    parsed->code = gw_args_parse(&verb, argc, argv, &parsed->operands);
}

static int open_parsed(void **state)
{
    *state = gw_alloc_zero(1, sizeof(struct parsed));
    return 0;
}

static int close_parsed(void **state)
{
    struct parsed *parsed = *state;

    gw_args_config_fini(&parsed->given);
    gw_args_list_fini(&parsed->operands);
    free(parsed);
    return 0;
}

static void args_parse__options_and_operands_mixed__are_told_apart(void **state)
{
    struct parsed *parsed = *state;

    PARSE(parsed, "one", "-c", "a.lua", "--set", "k=1", "two", "--json", "--set=k=2");
    assert_int_equal(parsed->code, GW_ARGS_GO);
    assert_string_equal(parsed->given.file, "a.lua");
    assert_int_equal(parsed->given.sets.count, 2);
    assert_string_equal(parsed->given.sets.items[0], "k=1");
    assert_string_equal(parsed->given.sets.items[1], "k=2");
    assert_true(parsed->json);
    assert_int_equal(parsed->operands.count, 2);
    assert_string_equal(parsed->operands.items[1], "two");
}

static void args_parse__behind_two_dashes__everything_is_an_operand(void **state)
{
    struct parsed *parsed = *state;

    PARSE(parsed, "--", "--json", "-c");
    assert_int_equal(parsed->code, GW_ARGS_GO);
    assert_false(parsed->json);
    assert_int_equal(parsed->operands.count, 2);
}

static void args_parse__single_dash__is_an_operand(void **state)
{
    struct parsed *parsed = *state;

    PARSE(parsed, "-");
    assert_int_equal(parsed->code, GW_ARGS_GO);
    assert_string_equal(parsed->operands.items[0], "-");
}

static void args_parse__help__ends_with_0(void **state)
{
    struct parsed *parsed = *state;

    PARSE(parsed, "--help", "--nonsense");
    assert_int_equal(parsed->code, GW_EXIT_DONE);
}

static void args_parse__unknown_option__is_wrong_usage(void **state)
{
    struct parsed *parsed = *state;

    PARSE(parsed, "one", "--sets", "a=b");
    assert_int_equal(parsed->code, GW_EXIT_USAGE);
}

static void args_parse__option_without_its_value__is_wrong_usage(void **state)
{
    struct parsed *parsed = *state;

    PARSE(parsed, "one", "--set");
    assert_int_equal(parsed->code, GW_EXIT_USAGE);
}

static void args_parse__switch_with_a_value__is_wrong_usage(void **state)
{
    struct parsed *parsed = *state;

    PARSE(parsed, "one", "--json=yes");
    assert_int_equal(parsed->code, GW_EXIT_USAGE);
}

static void args_parse__operands_too_few_or_too_many__are_wrong_usage(void **state)
{
    struct parsed *parsed = *state;

    PARSE(parsed, "--json");
    assert_int_equal(parsed->code, GW_EXIT_USAGE);
    PARSE(parsed, "one", "two", "three");
    assert_int_equal(parsed->code, GW_EXIT_USAGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_parsed, close_parsed)
    const struct CMUnitTest tests[] = {
        TEST(args_parse__options_and_operands_mixed__are_told_apart),
        TEST(args_parse__behind_two_dashes__everything_is_an_operand),
        TEST(args_parse__single_dash__is_an_operand),
        TEST(args_parse__help__ends_with_0),
        TEST(args_parse__unknown_option__is_wrong_usage),
        TEST(args_parse__option_without_its_value__is_wrong_usage),
        TEST(args_parse__switch_with_a_value__is_wrong_usage),
        TEST(args_parse__operands_too_few_or_too_many__are_wrong_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
