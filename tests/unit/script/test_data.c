/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables beside a policy: which files may be read and when, that they are read
 * once for all workers, and that Lua pays nothing for them. What policies find in
 * them is in tests/lua/data_spec.lua.
 */
#include "bench_of_one.h"

#include "script/data.h"

static void write_text(struct bench *bench, const char *name, const char *text)
{
    bench_write(bench, name, text, strlen(text));
}

static void add_reader(struct bench *bench, const char *top, const char *body)
{
    char text[2000];
    snprintf(text, sizeof text,
             "local data = require('eksgate.data')\nlocal verdict = require('eksgate.verdict')\n%s\n"
             "return { name = 'p', authorize = function(req)\n%s\nend }\n",
             top, body);
    bench_add(bench, "p.lua", text);
}

static void load_fails(struct bench *bench, const char *message)
{
    assert_int_equal(bench_try_load(bench), GW_E_SCRIPT);
    if (strstr(bench->err.text, message) == NULL)
        fail_msg("%s", bench->err.text);
    bench_fini(bench);
}

static void reason_is(struct bench *bench, const char *reason)
{
    assert_int_equal(bench_authorize(bench), GW_POLICY_FAILED);
    if (!gw_str_is(bench->call.refusal.reason, reason))
        fail_msg("%.*s", GW_STR_ARG(bench->call.refusal.reason));
    bench_finish(bench);
}

static void load__a_file_that_is_wrong__says_which_and_where(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "t.json: line 1, column 0"},
        {"{\"a\":1,\n\"a\":2}", "t.json: line 2, column 3: duplicate object key"},
        {"[1,\nnull]", "t.json: item 2 of a list is null"},
        {"7", "t.json: must be an object or an array, not a integer"},
        {"{\"a\":\"\xff\"}", "t.json: line 1"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
         "t.json: JSON is nested deeper than 32 levels"},
    };
    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct bench bench;
        bench_init(&bench);
        write_text(&bench, "t.json", cases[i].text);
        add_reader(&bench, "data.json('t.json')", "");
        load_fails(&bench, cases[i].message);
    }
}

static void load__a_file_that_is_not_there__says_so(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    add_reader(&bench, "data.csv('t.csv')", "");
    load_fails(&bench, "t.csv: can't be opened: No such file or directory");
}

static void load__a_folder_or_a_pipe__is_refused(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    assert_int_equal(mkdir(bench_path(&bench, "t.json"), 0700), 0);
    add_reader(&bench, "data.json('t.json')", "");
    load_fails(&bench, "t.json: is no regular file");
    bench_init(&bench);
    assert_int_equal(mkfifo(bench_path(&bench, "t.json"), 0600), 0);
    add_reader(&bench, "data.json('t.json')", "");
    load_fails(&bench, "t.json: is no regular file");
}

static void load__a_file_behind_a_link__is_read(void **state)
{
    struct bench bench;
    char target[200];
    (void)state;
    bench_init(&bench);
    write_text(&bench, "real.json", "{\"a\":\"x\"}");
    snprintf(target, sizeof target, "%s", bench_path(&bench, "real.json"));
    assert_int_equal(symlink(target, bench_path(&bench, "t.json")), 0);
    add_reader(&bench, "local t = data.json('t.json')", "return verdict.deny(t.a)");
    bench_load(&bench);
    reason_is(&bench, "x");
    bench_fini(&bench);
}

static void load__from_a_helper__is_below_the_policys_folder(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    assert_int_equal(mkdir(bench_path(&bench, "helpers"), 0700), 0);
    write_text(&bench, "t.json", "{\"a\":\"beside the policy\"}");
    write_text(&bench, "helpers/t.json", "{\"a\":\"beside the helper\"}");
    write_text(&bench, "helpers/words.lua", "return { table = require('eksgate.data').json('t.json') }");
    add_reader(&bench, "local words = require('helpers.words')", "return verdict.deny(words.table.a)");
    bench_load(&bench);
    reason_is(&bench, "beside the policy");
    bench_fini(&bench);
}

static void load__a_file_that_is_too_large__is_refused(void **state)
{
    struct bench bench;
    size_t length = GW_DATA_BYTES_MAX + 1;
    char *text = gw_alloc(length);
    (void)state;
    memset(text, ' ', length);
    text[0] = '[';
    text[length - 1] = ']';
    bench_init(&bench);
    bench_write(&bench, "t.json", text, length);
    add_reader(&bench, "data.json('t.json')", "");
    load_fails(&bench, "t.json: is larger than 16777216 bytes");
    text[length - 2] = ']';
    bench_init(&bench);
    bench_write(&bench, "t.json", text, length - 1);
    bench_write(&bench, "u.json", text, length - 1);
    write_text(&bench, "v.json", "[]");
    add_reader(&bench, "data.json('t.json') data.json('u.json')", "");
    bench_load(&bench);
    bench_fini(&bench);
    bench_init(&bench);
    bench_write(&bench, "t.json", text, length - 1);
    bench_write(&bench, "u.json", text, length - 1);
    write_text(&bench, "v.json", "[]");
    add_reader(&bench, "data.json('t.json') data.json('u.json') data.json('v.json')", "");
    load_fails(&bench, "v.json: is larger than 0 bytes");
    free(text);
}

static void load__too_many_values__is_refused(void **state)
{
    struct bench bench;
    struct gw_buf text;
    (void)state;
    gw_buf_init(&text, SIZE_MAX);
    gw_buf_append_lit(&text, "[1");
    for (size_t i = 2; i < GW_DATA_VALUES_MAX; i++)
        gw_buf_append_lit(&text, ",1");
    gw_buf_append_lit(&text, "]");
    bench_init(&bench);
    bench_write(&bench, "t.json", text.at, text.length);
    write_text(&bench, "u.csv", "a\n1\n");
    add_reader(&bench, "data.json('t.json')", "");
    bench_load(&bench);
    bench_fini(&bench);
    bench_init(&bench);
    bench_write(&bench, "t.json", text.at, text.length);
    write_text(&bench, "u.csv", "a\n1\n");
    add_reader(&bench, "data.json('t.json') data.csv('u.csv')", "");
    load_fails(&bench, "u.csv: line 1: more than 0 values");
    gw_buf_fini(&text);
}

static void load__too_many_files__is_refused(void **state)
{
    struct bench bench;
    char name[32];
    (void)state;
    bench_init(&bench);
    for (int i = 0; i <= GW_DATA_COUNT_MAX; i++) {
        snprintf(name, sizeof name, "t%d.json", i);
        write_text(&bench, name, "[]");
    }
    add_reader(&bench, "for i = 0, 64 do data.json('t' .. i .. '.json') end", "");
    load_fails(&bench, "t64.json: more than 64 data files");
}

static void hooks__that_read_a_file__are_refused(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    write_text(&bench, "t.json", "[]");
    add_reader(&bench, "data.json('t.json')", "data.json('t.json') return verdict.allow()");
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_true(bench.call.refusal.failed);
    bench_fini(&bench);
}

static void load__a_file_that_changed_since__is_read_with_the_next_set(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    write_text(&bench, "t.json", "{\"a\":\"first\"}");
    add_reader(&bench, "local t = data.json('t.json')", "return verdict.deny(t.a)");
    bench_load(&bench);
    write_text(&bench, "t.json", "{\"a\":\"second\"}");
    struct gw_script *second = NULL;
    assert_int_equal(gw_script_new(bench.set, &bench.counters, &bench.services, &second, &bench.err), GW_OK);
    reason_is(&bench, "first");
    gw_script_free(&bench.script);
    bench.script = second;
    bench.hooks = gw_script_hooks(second);
    reason_is(&bench, "first");
    gw_script_free(&bench.script);
    gw_script_set_free(&bench.set);
    bench_load(&bench);
    reason_is(&bench, "second");
    bench_fini(&bench);
}

/* Ten thousand owners, of whom a state with little memory of its own knows every one. */
static void tables__however_large__take_no_memory_of_a_state(void **state)
{
    struct bench bench;
    struct gw_buf text;
    (void)state;
    bench_init(&bench);
    gw_buf_init(&text, SIZE_MAX);
    gw_buf_append_lit(&text, "principal,owner\n");
    for (int i = 0; i < 100000; i++)
        gw_buf_printf(&text, "arn:aws:iam::012345678910:role/r%d,owner of number %d\n", i, i);
    bench_write(&bench, "owners.csv", text.at, text.length);
    assert_true(text.length > (size_t)5 << 20);
    gw_buf_fini(&text);
    add_reader(&bench, "local owners = data.csv('owners.csv', { key = 'principal' })\n",
               "local sum = 0\n"
               "for i = 0, 99999, 991 do\n"
               "  assert(owners['arn:aws:iam::012345678910:role/r' .. i].owner == 'owner of number ' .. i)\n"
               "end\n"
               "assert(owners['arn:aws:iam::012345678910:role/r100000'] == nil)\n"
               "return verdict.deny(tostring(data.count(owners)))");
    bench.options.state_bytes = (size_t)512 << 10;
    bench.options.memory_bytes = (size_t)128 << 10;
    bench_load(&bench);
    reason_is(&bench, "100000");
    bench_fini(&bench);
}

static void tables__gone_through_for_ever__are_stopped(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    write_text(&bench, "t.json", "[1,2,3]");
    add_reader(&bench, "local t = data.json('t.json')",
               "while true do for i, v in pairs(t) do t:x() end local n = #t end");
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_true(bench.call.refusal.failed);
    bench_fini(&bench);
}

static void metamethods__asked_about_strangers__raise(void **state)
{
    struct bench bench;
    (void)state;
    bench_init(&bench);
    write_text(&bench, "t.json", "{\"a\":[1]}");
    add_reader(&bench, "local t = data.json('t.json')",
               "local following = pairs(t)\n"
               "for _, stranger in ipairs({ 1, 'a', {}, print, req, true }) do\n"
               "  assert(not pcall(following, stranger))\n"
               "  assert(not pcall(data.count, stranger))\n"
               "  assert(not pcall(data.copy, stranger))\n"
               "end\n"
               "assert(not pcall(data.copy))\n"
               "assert(following(t, 'nonsense') == nil and following(t, 1) == nil and following(t.a, 7) == nil)\n"
               "assert(following(t.a, 0/0) == nil and following(t, {}) == nil)\n"
               "assert(getmetatable(t) == false)\n"
               "return verdict.deny('fine')");
    bench_load(&bench);
    reason_is(&bench, "fine");
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load__a_file_that_is_wrong__says_which_and_where),
        cmocka_unit_test(load__a_file_that_is_not_there__says_so),
        cmocka_unit_test(load__a_folder_or_a_pipe__is_refused),
        cmocka_unit_test(load__a_file_behind_a_link__is_read),
        cmocka_unit_test(load__from_a_helper__is_below_the_policys_folder),
        cmocka_unit_test(load__a_file_that_is_too_large__is_refused),
        cmocka_unit_test(load__too_many_values__is_refused),
        cmocka_unit_test(load__too_many_files__is_refused),
        cmocka_unit_test(hooks__that_read_a_file__are_refused),
        cmocka_unit_test(load__a_file_that_changed_since__is_read_with_the_next_set),
        cmocka_unit_test(tables__however_large__take_no_memory_of_a_state),
        cmocka_unit_test(tables__gone_through_for_ever__are_stopped),
        cmocka_unit_test(metamethods__asked_about_strangers__raise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
