/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `policies`: a list that has settings of its own beside it, in each form in which
 * they may be given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_case.h"

#define NO_SETS NULL, 0

struct expected {
    const char *first; /* NULL: there are none */
    const char *second;
    bool self_test;
    bool smoke_test;
};

static void assert_file(const struct config_case *one, size_t at, const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", one->folder, name);
    assert_true(at < one->config->policies.file_count);
    assert_string_equal(one->config->policies.files[at].at, path);
}

static void assert_policies(const char *file, const char *text, const char *const *sets, size_t set_count,
                            char *const *environment, struct expected expected)
{
    struct config_case one;

    config_case_open(&one, file, text);
    config_case_assert_good(&one, config_case_load(&one, sets, set_count, environment));
    assert_int_equal(one.config->policies.file_count, (expected.first != NULL) + (expected.second != NULL));
    if (expected.first != NULL)
        assert_file(&one, 0, expected.first);
    if (expected.second != NULL)
        assert_file(&one, 1, expected.second);
    assert_int_equal(one.config->policies_self_test, expected.self_test);
    assert_int_equal(one.config->policies_smoke_test, expected.smoke_test);
    config_case_close(&one);
}

static void policies__each_form__says_the_same(void **state)
{
    static const struct expected tested = {"a.lua", "b.lua", true, true};

    (void)state;
    assert_policies("c.lua", "return { policies = { 'a.lua', 'b.lua', self_test = true } }", NO_SETS, NULL, tested);
    assert_policies("c.lua", "return { policies = { files = { 'a.lua', 'b.lua' }, self_test = true } }", NO_SETS, NULL,
                    tested);
    assert_policies("c.lua", "return { policies = { files = 'a.lua,b.lua', self_test = 'true' } }", NO_SETS, NULL,
                    tested);
    assert_policies("c.json", "{\"policies\":{\"files\":[\"a.lua\",\"b.lua\"],\"self_test\":true}}", NO_SETS, NULL,
                    tested);
}

static void policies__list_or_settings_alone__leave_the_other_as_it_is(void **state)
{
    (void)state;
    assert_policies("c.lua", "return {}", NO_SETS, NULL, (struct expected){NULL, NULL, false, true});
    assert_policies("c.lua", "return { policies = {} }", NO_SETS, NULL, (struct expected){NULL, NULL, false, true});
    assert_policies("c.lua", "return { policies = 'a.lua' }", NO_SETS, NULL,
                    (struct expected){"a.lua", NULL, false, true});
    assert_policies("c.lua", "return { policies = { 'a.lua' } }", NO_SETS, NULL,
                    (struct expected){"a.lua", NULL, false, true});
    assert_policies("c.lua", "return { policies = { self_test = true } }", NO_SETS, NULL,
                    (struct expected){NULL, NULL, true, true});
    assert_policies("c.lua", "return { policies = { 'a.lua', smoke_test = false } }", NO_SETS, NULL,
                    (struct expected){"a.lua", NULL, false, false});
    assert_policies("c.json", "{\"policies\":[\"a.lua\"]}", NO_SETS, NULL,
                    (struct expected){"a.lua", NULL, false, true});
}

static void policies__set_and_environment__are_over_the_file_one_by_one(void **state)
{
    const char *const sets[] = {"policies.self_test=true"};
    char *const environment[] = {(char *)"EKSGATE_POLICIES__SELF_TEST=true",
                                 (char *)"EKSGATE_POLICIES__SMOKE_TEST=false", NULL};

    (void)state;
    assert_policies("c.lua", "return { policies = { 'a.lua', self_test = false } }", sets, 1, NULL,
                    (struct expected){"a.lua", NULL, true, true});
    assert_policies("c.lua", "return { policies = { 'a.lua' } }", NO_SETS, environment,
                    (struct expected){"a.lua", NULL, true, false});
}

static void assert_wrong(const char *file, const char *text, const char *why)
{
    struct config_case one;

    config_case_open(&one, file, text);
    assert_int_equal(config_case_load(&one, NO_SETS, NULL), GW_E_SYNTAX);
    config_case_assert_says(&one, why);
    config_case_close(&one);
}

static void policies__mistakes__are_named(void **state)
{
    (void)state;
    assert_wrong("c.lua", "return { policies = { 'a.lua', self_tets = true } }",
                 "policies.self_tets: no such setting; did you mean policies.self_test?");
    assert_wrong("c.lua", "return { policies = { 'a.lua', self_test = 7 } }",
                 "policies.self_test: is of type integer; accepted: true or false");
    assert_wrong("c.lua", "return { policies = { 'a.lua', files = { 'b.lua' } } }", "has items and the name files");
    assert_wrong("c.lua", "return { policies = { 'a.lua', [7] = 'b.lua', self_test = true } }",
                 "a list must have the keys 1 to n");
    assert_wrong("c.lua", "return { policies = { 'a.lua', [true] = 'b.lua' } }", "keys must be text, or 1 to n");
    assert_wrong("c.lua", "return { policies = { 7, self_test = true } }", "item 1 is of type integer");
    assert_wrong("c.json", "{\"policies\":{\"files\":{\"self_test\":true}}}", "policies: is of type object");
    assert_wrong("c.json", "{\"policies\":{\"files\":7}}", "policies: is of type integer");
    assert_wrong("c.lua", "return { policies = 7 }", "policies: is of type integer");
    /* Other lists have nothing beside them. */
    assert_wrong("c.lua", "return { hosts = { 'a', self_test = true } }", ".hosts: a list must have the keys 1 to n");
    assert_wrong("c.lua", "return { audit = { policies = { 'a', x = 1 } } }",
                 ".audit.policies: a list must have the keys 1 to n");
    assert_wrong("c.lua", "return { hosts = { files = { 'a' } } }", "hosts: is of type object");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies__each_form__says_the_same),
        cmocka_unit_test(policies__list_or_settings_alone__leave_the_other_as_it_is),
        cmocka_unit_test(policies__set_and_environment__are_over_the_file_one_by_one),
        cmocka_unit_test(policies__mistakes__are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
