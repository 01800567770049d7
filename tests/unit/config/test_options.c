/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of settings against the parser that walks it, and against the files
 * of config/ that show it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/options.h"
#include "config_case.h"

static void options__each_set_to_its_default__is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < gw_config_option_count; i++) {
        struct config_case one;
        char set[256];
        const char *const sets[] = {set};

        (void)snprintf(set, sizeof(set), "%s=%s", gw_config_options[i].key, gw_config_options[i].preset);
        config_case_open(&one, "c.json", "{}");
        one.is_mock = gw_config_is_mock_only(i);
        config_case_assert_good(&one, config_case_load(&one, sets, 1, NULL));
        config_case_close(&one);
    }
}

static void options__each_set_to_nonsense__is_refused_under_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_OPTION_COUNT; i++) {
        enum gw_option_kind kind = gw_option_rows[i].kind;
        struct config_case one;
        char text[256];
        char group[64] = "";
        struct gw_str key = gw_str_from(gw_option_rows[i].key);
        size_t dot = gw_str_find(key, '.', 0);

        if (dot < key.length)
            (void)snprintf(group, sizeof(group), "\"%.*s\":{", (int)dot, key.at);
        (void)snprintf(text, sizeof(text), "{%s\"%s\":%s}%s", group, key.at + (dot < key.length ? dot + 1 : 0),
                       kind == GW_KIND_BOOLEAN ? "7" : "true", group[0] != '\0' ? "}" : "");
        config_case_open(&one, "c.json", text);
        one.is_mock = gw_option_is_mock_only((enum gw_option_id)i);
        assert_int_equal(config_case_load(&one, NULL, 0, NULL), GW_E_SYNTAX);
        (void)snprintf(text, sizeof(text), "/c.json: %s: is ", key.at);
        config_case_assert_says(&one, text);
        assert_int_equal(one.problems.count, 1);
        config_case_close(&one);
    }
}

static void options__bounds__are_accepted_and_one_past_them_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_OPTION_COUNT; i++) {
        const struct gw_option *option = &gw_option_rows[i];
        const double steps[] = {option->low, option->high, option->low - 1, option->high + 1};

        for (size_t k = 0; option->kind == GW_KIND_INTEGER && k < GW_COUNT(steps); k++) {
            struct config_case one;
            char set[256];
            const char *const sets[] = {set};
            enum gw_status status;

            (void)snprintf(set, sizeof(set), "%s=%.0f", option->key, steps[k]);
            config_case_open(&one, "c.json", "{}");
            one.is_mock = gw_option_is_mock_only((enum gw_option_id)i);
            status = config_case_load(&one, sets, 1, NULL);
            if ((status == GW_OK) != (k < 2))
                fail_msg("%s: %s", set, gw_status_name(status));
            config_case_close(&one);
        }
    }
}

static void options__rows__have_meaning_and_what_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(gw_config_option_count, GW_OPTION_COUNT);
    for (size_t i = 0; i < gw_config_option_count; i++) {
        const struct gw_config_option *option = &gw_config_options[i];

        assert_string_equal(option->key, gw_option_rows[i].key);
        assert_true(strlen(option->meaning) > 20);
        assert_int_equal(option->meaning[strlen(option->meaning) - 1], '.');
        assert_true(strlen(option->range) > 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(option->key, gw_config_options[j].key);
    }
}

static void options__annotated_file__shows_every_setting(void **state)
{
    static char text[32768];
    FILE *file = fopen(GW_SOURCE_DIR "/config/eksgate.lua", "r");

    (void)state;
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    for (size_t i = 0; i < gw_config_option_count; i++) {
        const char *dot = strchr(gw_config_options[i].key, '.');
        char assignment[128];

        (void)snprintf(assignment, sizeof(assignment), " %s = ", dot != NULL ? dot + 1 : gw_config_options[i].key);
        if (strstr(text, assignment) == NULL)
            fail_msg("config/eksgate.lua doesn't show %s", gw_config_options[i].key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options__each_set_to_its_default__is_accepted),
        cmocka_unit_test(options__each_set_to_nonsense__is_refused_under_its_name),
        cmocka_unit_test(options__bounds__are_accepted_and_one_past_them_refused),
        cmocka_unit_test(options__rows__have_meaning_and_what_is_accepted),
        cmocka_unit_test(options__annotated_file__shows_every_setting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
