/* SPDX-License-Identifier: Apache-2.0 */
/* AWS's shared files, as its SDKs read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/ini.h"

static struct gw_arena arena;
static struct gw_ini ini;

static int start(void **state)
{
    (void)state;
    gw_arena_init(&arena, 0);
    ini = (struct gw_ini){0};
    return 0;
}

static int stop(void **state)
{
    (void)state;
    gw_arena_fini(&arena);
    return 0;
}

static void read_good(const char *text)
{
    struct gw_err err = {""};

    assert_int_equal(gw_ini_parse(gw_str_from(text), &arena, &ini, &err), GW_OK);
}

static void assert_value(const char *kind, const char *section, const char *name, const char *wanted)
{
    struct gw_str value = gw_ini_get(&ini, gw_str_from(kind), gw_str_from(section), name);

    if (wanted == NULL) {
        assert_null(value.at);
        return;
    }
    assert_non_null(value.at);
    assert_int_equal(value.length, strlen(wanted));
    assert_memory_equal(value.at, wanted, value.length);
}

static void ini__sections_of_both_files__have_kind_and_name(void **state)
{
    (void)state;
    read_good("[default]\nregion=a\n[profile dev]\nregion = b\n[ profile \"two words\" ] # why\nregion=\tc \n"
              "[sso-session s]\nsso_region = d\n[prod]\nregion=e");
    assert_value("", "default", "region", "a");
    assert_value("profile", "dev", "region", "b");
    assert_value("profile", "two words", "region", "c");
    assert_value("sso-session", "s", "sso_region", "d");
    assert_value("", "prod", "region", "e");
    assert_value("", "dev", "region", NULL);
    assert_true(gw_ini_has(&ini, GW_STR("profile"), GW_STR("dev")));
    assert_false(gw_ini_has(&ini, GW_STR(""), GW_STR("dev")));
}

static void ini__comments__are_lines_or_stand_behind_a_blank(void **state)
{
    (void)state;
    read_good("# region = x\n; y\n[a]\nk1 = v # c\nk2 = v;w#x\nk3 = v\t; c\nk4 = # nothing\n  \n");
    assert_value("", "a", "k1", "v");
    assert_value("", "a", "k2", "v;w#x");
    assert_value("", "a", "k3", "v");
    assert_value("", "a", "k4", "");
    assert_value("", "a", "region", NULL);
}

static void ini__nested_settings__are_not_the_sections_own(void **state)
{
    (void)state;
    read_good("[a]\ns3 =\n  region = inner\n\trole_arn=inner\nregion = outer\n");
    assert_value("", "a", "s3.region", "inner");
    assert_value("", "a", "region", "outer");
    assert_value("", "a", "role_arn", NULL);
}

static void ini__continued_value__is_joined(void **state)
{
    (void)state;
    read_good("[a]\ncredential_process = x\n  --flag y # c\nk = v\n");
    assert_value("", "a", "credential_process", "x\n--flag y");
    assert_value("", "a", "k", "v");
}

static void ini__repetition__merges_and_the_last_counts(void **state)
{
    (void)state;
    read_good("[a]\nk = 1\nl = 2\n[b]\nk = 3\n[a]\nK = 4\r\n");
    assert_value("", "a", "k", "4");
    assert_value("", "a", "L", "2");
    assert_value("", "b", "k", "3");
}

static void ini__odd_values__stay_as_they_are(void **state)
{
    (void)state;
    read_good("\xef\xbb\xbf[a]\nk = a=b= c\nq = \"quoted\"\n");
    assert_value("", "a", "k", "a=b= c");
    assert_value("", "a", "q", "\"quoted\"");
}

static void ini__bad_text__is_refused_with_its_line_and_without_its_value(void **state)
{
    static const struct {
        const char *text;
        const char *line;
    } rows[] = {
        {"key = SECRET", "line 1: "},      {"[a]\nSECRET\n", "line 2: "},     {"[a\nk = SECRET", "line 1: "},
        {"[]\nk=SECRET", "line 1: "},      {"[a] SECRET\n", "line 1: "},      {"[a]\n\n = SECRET\n", "line 3: "},
        {"[a]\n  k = SECRET", "line 2: "}, {"[a]\nn =\n SECRET", "line 3: "}, {"[profile ]x", "line 1: "},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct gw_err err = {""};

        assert_int_equal(gw_ini_parse(gw_str_from(rows[i].text), &arena, &ini, &err), GW_E_SYNTAX);
        assert_memory_equal(err.text, rows[i].line, strlen(rows[i].line));
        assert_null(strstr(err.text, "SECRET"));
    }
    assert_int_equal(gw_ini_parse(GW_STR("[a]\nk=\0"), &arena, &ini, NULL), GW_E_SYNTAX);
}

static void ini__too_much__is_refused(void **state)
{
    size_t length = GW_INI_LINES_MAX + 1;
    char *lines = gw_alloc(length);
    struct gw_buf text;

    (void)state;
    memset(lines, '\n', length);
    assert_int_equal(gw_ini_parse((struct gw_str){lines, length}, &arena, &ini, NULL), GW_E_LIMIT);
    free(lines);
    gw_buf_init(&text, 1 << 20);
    gw_buf_append_lit(&text, "[a]\nk = v\n");
    for (size_t i = 0; i < 2000; i++)
        gw_buf_append_lit(&text, "  and so on\n");
    assert_int_equal(gw_ini_parse(gw_buf_str(&text), &arena, &ini, NULL), GW_E_LIMIT);
    gw_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ini__sections_of_both_files__have_kind_and_name, start, stop),
        cmocka_unit_test_setup_teardown(ini__comments__are_lines_or_stand_behind_a_blank, start, stop),
        cmocka_unit_test_setup_teardown(ini__nested_settings__are_not_the_sections_own, start, stop),
        cmocka_unit_test_setup_teardown(ini__continued_value__is_joined, start, stop),
        cmocka_unit_test_setup_teardown(ini__repetition__merges_and_the_last_counts, start, stop),
        cmocka_unit_test_setup_teardown(ini__odd_values__stay_as_they_are, start, stop),
        cmocka_unit_test_setup_teardown(ini__bad_text__is_refused_with_its_line_and_without_its_value, start, stop),
        cmocka_unit_test_setup_teardown(ini__too_much__is_refused, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
