/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that says which IAM principals exist.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_case.h"

#define ROLE "arn:aws:iam::111122223333:role/team/r"
#define USER "arn:aws:iam::111122223333:user/u"
#define ROOT "arn:aws:iam::111122223333:root"

static struct gw_arena arena;
static struct gw_map map;
static struct gw_err err;

/* Reads `text` as the file; the map and the arena are to be given back when GW_OK. */
static enum gw_status read_principals(const char *text)
{
    struct config_case one;
    char path[128];
    enum gw_status status;

    config_case_open(&one, "c.lua", "return { principals = 'who' }");
    config_case_write(one.folder, "who", text, path, sizeof(path));
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    gw_arena_init(&arena, 0);
    status = gw_config_principals(one.config, &arena, &map, &err);
    if (status != GW_OK)
        gw_arena_fini(&arena);
    assert_int_equal(unlink(path), 0);
    config_case_close(&one);
    return status;
}

static void assert_has(const char *text, size_t count)
{
    if (read_principals(text) != GW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(map.count, count);
    if (count > 0)
        assert_non_null(gw_map_get(&map, GW_STR(ROLE)));
    assert_null(gw_map_get(&map, GW_STR("arn:aws:iam::111122223333:role/r")));
    gw_map_fini(&map);
    gw_arena_fini(&arena);
}

static void principals__lines__are_arns_blanks_and_comments(void **unused)
{
    (void)unused;
    assert_has("# who is there\n\n  " ROLE "\r\n" USER "\n\t" ROOT "  \n" ROLE "\n", 3);
    assert_has(ROLE, 1);
    assert_has("", 0);
    assert_has("# nobody\n", 0);
}

static void principals__json_array__is_arns(void **unused)
{
    (void)unused;
    assert_has("\n [\"" ROLE "\",\n\"" USER "\", \"arn:aws:iam::111122223333:ro\\u006ft\"]\n", 3);
    assert_has("[]", 0);
}

static void assert_refused(const char *text, const char *words)
{
    assert_int_not_equal(read_principals(text), GW_OK);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" doesn't say \"%s\"", err.text, words);
}

static void principals__anything_else__is_refused_with_its_place(void **unused)
{
    (void)unused;
    assert_refused(ROLE "\nnobody\n", "/who: line 2: is no ARN of an IAM role, user or root");
    assert_refused("\n\narn:aws:sts::111122223333:assumed-role/r/s", "/who: line 3: is no ARN");
    assert_refused("{\"a\":1}", "/who: line 1: is no ARN");
    assert_refused("[\"" ROLE "\", 7]", "/who: item 2: is no JSON string");
    assert_refused("[\"" ROLE "\", \"x\"]", "/who: item 2: is no ARN");
    assert_refused("[\"" ROLE "\"", "a comma or a closing bracket is missing");
    assert_refused("[\"" ROLE "\"] x", "something follows the end");
}

static void config_check__principals_that_cant_be_read__are_a_problem(void **unused)
{
    struct config_case one;

    (void)unused;
    config_case_open(&one, "c.lua",
                     "return { principals = 'gone', keys = { { AccessKeyId = 'AKIAOWN', SecretAccessKey = 'secret',"
                     " Arn = 'arn:aws:iam::012345678910:user/own' } } }");
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    gw_config_check(one.config, &one.problems);
    assert_int_equal(one.problems.count, 1);
    config_case_assert_says(&one, "/c.lua: principals: ");
    config_case_assert_says(&one, "/gone: can't be opened: No such file");
    config_case_close(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(principals__lines__are_arns_blanks_and_comments),
        cmocka_unit_test(principals__json_array__is_arns),
        cmocka_unit_test(principals__anything_else__is_refused_with_its_place),
        cmocka_unit_test(config_check__principals_that_cant_be_read__are_a_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
