/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: what a user may write, and what the message says otherwise. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "script/configfile.h"

struct file {
    char path[64];
    struct gw_arena arena;
    struct gw_json table;
    struct gw_err err;
};

static enum gw_status load(struct file *file, const char *suffix, const char *text)
{
    memset(file, 0, sizeof *file);
    snprintf(file->path, sizeof file->path, "/tmp/eksgate-config-XXXXXX%s", suffix);
    int fd = mkstemps(file->path, (int)strlen(suffix));
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    gw_arena_init(&file->arena, 0);
    return gw_configfile_load(file->path, &file->arena, &file->table, &file->err);
}

static void drop(struct file *file)
{
    gw_arena_fini(&file->arena);
    unlink(file->path);
}

static void check_value(const char *suffix, const char *text, const char *expected)
{
    struct file file;
    struct gw_buf encoded;
    if (load(&file, suffix, text) != GW_OK)
        fail_msg("%s", file.err.text);
    gw_buf_init(&encoded, 4096);
    gw_json_encode(&file.table, &encoded);
    gw_buf_append_byte(&encoded, '\0');
    assert_string_equal(encoded.at, expected);
    gw_buf_fini(&encoded);
    drop(&file);
}

static void check_refused(const char *text, const char *part)
{
    struct file file;
    assert_int_equal(load(&file, ".lua", text), GW_E_SCRIPT);
    if (strstr(file.err.text, file.path) == NULL || strstr(file.err.text, part) == NULL)
        fail_msg("message is: %s", file.err.text);
    drop(&file);
}

static void load__lua_table__keeps_types_and_sorts_names(void **state)
{
    (void)state;
    check_value(".lua", "return { b = { 'x', 'y' }, a = 1, c = 1.5, d = true, e = { f = 'g' }, ['my-key'] = {} }",
                "{\"a\":1,\"b\":[\"x\",\"y\"],\"c\":1.5,\"d\":true,\"e\":{\"f\":\"g\"},\"my-key\":{}}");
}

static void load__locals_and_functions_of_its_own__are_fine(void **state)
{
    (void)state;
    check_value(".lua", "local function port(n) return '127.0.0.1:' .. n end\nreturn { listen = { port(1), port(2) } }",
                "{\"listen\":[\"127.0.0.1:1\",\"127.0.0.1:2\"]}");
}

static void load__nil_values__are_absent(void **state)
{
    (void)state;
    check_value(".lua", "return { a = nil, b = 1 }", "{\"b\":1}");
}

static void load__env__gives_variable_or_default(void **state)
{
    (void)state;
    setenv("EKSGATE_TEST_NAME", "value", 1);
    unsetenv("EKSGATE_TEST_ABSENT");
    check_value(".lua",
                "return { a = env('EKSGATE_TEST_NAME'), b = env('EKSGATE_TEST_ABSENT', 'default'),\n"
                "c = env('EKSGATE_TEST_ABSENT', 7), d = env('EKSGATE_TEST_ABSENT', nil),\n"
                "e = env('EKSGATE_TEST_NAME', 'default') }",
                "{\"a\":\"value\",\"b\":\"default\",\"c\":7,\"e\":\"value\"}");
    check_refused("return {\n a = env('EKSGATE_TEST_ABSENT') }", ".lua:2: env(\"EKSGATE_TEST_ABSENT\")");
}

static void load__json__is_the_same_table(void **state)
{
    (void)state;
    struct file file;
    check_value(".json", "{\"listen\":[\"127.0.0.1:8080\"],\"n\":1}", "{\"listen\":[\"127.0.0.1:8080\"],\"n\":1}");
    assert_int_equal(load(&file, ".json", "{\"a\":1,}"), GW_E_SYNTAX);
    assert_non_null(strstr(file.err.text, file.path));
    drop(&file);
    assert_int_equal(load(&file, ".json", "[1]"), GW_E_TYPE);
    drop(&file);
}

static void load__what_is_no_value__is_named_by_its_path(void **state)
{
    (void)state;
    check_refused("return { a = { b = { 1, function() end } } }", ".a.b[2]: a function is no value");
    check_refused("return { a = env }", ".a: a function is no value");
    check_refused("local t = {} t.t = { t } return { x = t }", ".x.t[1]: a table that holds itself");
    check_refused("return { a = { 1, 2, x = 3 } }", ".a: a list must have the keys 1 to n");
    check_refused("return { a = { [1] = 1, [3] = 3 } }", ".a: a list must have the keys 1 to n");
    check_refused("return { a = { [0] = 1 } }", ".a: a list must have the keys 1 to n");
    check_refused("return { a = { [true] = 1 } }", ".a: keys must be text");
    check_refused("return { a = 0/0 }", ".a: not a finite number");
    check_refused("local t = {} for i = 1, 40 do t = { t } end return { a = t }", "nested too deeply");
    check_refused("local t = {} for i = 1, 20 do t = { t, t } end return { a = t }", "too many values");
}

static void load__mistakes__name_file_and_line(void **state)
{
    (void)state;
    check_refused("return {\n a = = 1 }", ".lua:2:");
    check_refused("return {\n\n a = tru }", ".lua:3: unknown name 'tru'");
    check_refused("a = 1\nreturn {}", "write 'local a'");
    check_refused("return os.getenv('HOME')", "unknown name 'os'");
    check_refused("return 1", "must return a table, not a number");
    check_refused("return ('x'):rep(10)", ".lua:1:");
    check_refused("\033Lua", "binary");
}

static void load__endless_file__ends(void **state)
{
    (void)state;
    check_refused("while true do end", "ran longer");
    check_refused("local s = 'a' while true do s = s .. s end", "memory");
}

static void load__missing_file__is_missing(void **state)
{
    (void)state;
    struct gw_arena arena;
    struct gw_json table;
    struct gw_err err;
    gw_arena_init(&arena, 0);
    assert_int_equal(gw_configfile_load("/nonexistent/eksgate.lua", &arena, &table, &err), GW_E_MISSING);
    assert_non_null(strstr(err.text, "/nonexistent/eksgate.lua"));
    gw_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load__lua_table__keeps_types_and_sorts_names),
        cmocka_unit_test(load__locals_and_functions_of_its_own__are_fine),
        cmocka_unit_test(load__nil_values__are_absent),
        cmocka_unit_test(load__env__gives_variable_or_default),
        cmocka_unit_test(load__json__is_the_same_table),
        cmocka_unit_test(load__what_is_no_value__is_named_by_its_path),
        cmocka_unit_test(load__mistakes__name_file_and_line),
        cmocka_unit_test(load__endless_file__ends),
        cmocka_unit_test(load__missing_file__is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
