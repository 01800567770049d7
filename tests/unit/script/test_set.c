/* SPDX-License-Identifier: Apache-2.0 */
/* Loading policies: what is refused, in which words, and what require reaches. */
#include "bench_of_one.h"

/* A worker does it again while requests wait. */
static void set_load__that_takes_long__is_refused(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_add(&bench, "slow.lua", "for _ = 1, 5e7 do end return { name = 'slow' }");
    assert_int_equal(bench_try_load(&bench), GW_E_LIMIT);
    assert_non_null(strstr(bench.err.text, " ms of processor time"));
    assert_null(bench.set);
    bench_fini(&bench);
}

/* The compiler runs no instruction that anything could count. */
static void set_load__that_takes_long_to_compile__is_refused(void **state)
{
    (void)state;
    static char text[900000];
    struct bench bench;
    size_t length = (size_t)snprintf(text, sizeof text, "local a\nlocal x = a");
    while (length < sizeof text - 64)
        length += (size_t)snprintf(text + length, 8, " or a");
    snprintf(text + length, 64, "\nreturn { name = 'slow' }");
    bench_init(&bench);
    bench_add(&bench, "slow.lua", text);
    double began = bench_cpu_ms();
    assert_int_equal(bench_try_load(&bench), GW_E_SCRIPT);
    assert_true(bench_cpu_ms() - began < 5000); /* 20,000 to its end */
    assert_non_null(strstr(bench.err.text, "slow.lua: ran longer than it may"));
    bench_fini(&bench);
}

/* Loading `text` as bad.lua fails with a message that has the file's name and `part`. */
static void check_refused(const char *text, size_t length, const char *part)
{
    struct bench bench;
    bench_init(&bench);
    bench_add(&bench, "bad.lua", "");
    bench_write(&bench, "bad.lua", text, length);
    assert_int_equal(bench_try_load(&bench), GW_E_SCRIPT);
    assert_null(bench.set);
    if (strstr(bench.err.text, "bad.lua") == NULL || strstr(bench.err.text, part) == NULL)
        fail_msg("message is: %s", bench.err.text);
    bench_fini(&bench);
}

static void set_load__bad_policy__names_file_and_fault(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        {"return {\n name = 'p',\n oops oops\n}", "bad.lua:3:"},
        {"local x = nil\nreturn x.y", "bad.lua:2:"},
        {"return 1", "must return a table, not a number"},
        {"local policy = { name = 'p' }", "returns nothing: its last line must return the policy's table"},
        {"", "returns nothing"},
        {"return {}", "name must be"},
        {"return { name = 'a b' }", "name must be"},
        {"return { name = 1 }", "name must be"},
        {"return { name = 'p', authorise = function() end }", "unknown key 'authorise'"},
        {"return { name = 'p', authorise = function() end }", "accepted are name, on, needs, authorize"},
        {"return { name = 'p', [1] = 2 }", "unknown key 'number'"},
        {"return { name = 'p', tags = {} }", "tags must be a function, not a table"},
        {"return { name = 'p', needs = 'entry' }",
         "needs must be a list of facts: entry, associations, cluster, admins"},
        {"return { name = 'p', needs = {} }", "needs must be a list of facts"},
        {"return { name = 'p', needs = { entry = true } }", "needs must be a list of facts"},
        {"return { name = 'p', needs = { 'entries' } }", "needs[1]: there is no fact 'entries'; accepted are entry, "},
        {"return { name = 'p', needs = { 1 } }", "needs[1]: there is no fact 'number'"},
        {"return { name = 'p', needs = { 'entry', 'entry', 'entry', 'entry', 'entry' } }",
         "needs must be a list of facts"},
        {"return { name = 'p', conflict = true }", "conflict must be a function, not a boolean"},
        {"return { name = 'p', fault = { delay = 1 } }", "fault must be a function, not a table"},
        {"return { name = 'p', on = 'CreateAccessEntry' }", "on must be a list"},
        {"return { name = 'p', on = {} }", "on must be a list"},
        {"return { name = 'p', on = { 1 } }", "on[1] must be an operation name"},
        {"return { name = 'p', on = { 'CreateAccesEntry' } }", "EKS has no operation 'CreateAccesEntry'"},
        {"while true do end", "ran longer"},
        {"local s = 'a' while true do s = s .. s end", "memory"},
        {"x = 1", "write 'local x'"},
        {"return print(os)", "unknown name 'os'"},
        {"\33Lua", "binary"},
        {"return require('io')", "require 'io'"},
        {"return require('../secret')", "names are eksgate.NAME"},
        {"return require('/etc/passwd')", "names are eksgate.NAME"},
        {"return require('a..b')", "names are eksgate.NAME"},
        {"return require('eksgate.nothing')", "require 'eksgate.nothing'"},
        {"return require('helpers.nothing')", "require 'helpers.nothing'"},
        {"error({})", "raised a table"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++)
        check_refused(rows[i].text, strlen(rows[i].text), rows[i].part);
}

static void set_load__fault_outside_a_mock__is_refused(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.options.allow_faults = false;
    bench_add(&bench, "p.lua", "return { name = 'p', fault = function() end }");
    assert_int_equal(bench_try_load(&bench), GW_E_SCRIPT);
    assert_non_null(strstr(bench.err.text, "p.lua: fault hooks are for eksgate mock"));
    bench_fini(&bench);
}

static void check_pass_through(const char *text, const char *part)
{
    struct bench bench;
    bench_init(&bench);
    bench.options.is_pass_through = true;
    bench_add(&bench, "p.lua", text);
    assert_int_equal(bench_try_load(&bench), part == NULL ? GW_OK : GW_E_SCRIPT);
    if (part != NULL)
        assert_non_null(strstr(bench.err.text, part));
    bench_fini(&bench);
}

static void set_load__what_changes_requests_that_pass_through__is_refused(void **state)
{
    (void)state;
    check_pass_through("return { name = 'p', username = function() end }", "has a username hook");
    check_pass_through("return { name = 'p', tags = function() end }", "has a tags hook");
    check_pass_through("return { name = 'p', conflict = function() end }", "has a conflict hook");
    check_pass_through("return { name = 'p', needs = { 'entry' } }", "has needs, and with auth = \"upstream\"");
    check_pass_through("local f = function() end return { name = 'p', authorize = f, audit = f, outcome = f }", NULL);
}

static void set_load__bytecode__is_refused(void **state)
{
    (void)state;
    static const char chunk[] = "\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08";
    check_refused(chunk, sizeof chunk - 1, "binary chunk");
}

static void set_load__missing_file__is_missing(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_add(&bench, "p.lua", "");
    assert_int_equal(unlink(bench.paths[0]), 0);
    assert_int_equal(bench_try_load(&bench), GW_E_MISSING);
    assert_non_null(strstr(bench.err.text, "p.lua"));
    bench_fini(&bench);
}

static void set_load__pipe_or_folder__is_refused(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_add(&bench, "p.lua", "");
    assert_int_equal(unlink(bench.paths[0]), 0);
    assert_int_equal(mkfifo(bench.paths[0], 0600), 0);
    assert_int_equal(bench_try_load(&bench), GW_E_TYPE);
    assert_int_equal(unlink(bench.paths[0]), 0);
    assert_int_equal(mkdir(bench.paths[0], 0700), 0);
    assert_int_equal(bench_try_load(&bench), GW_E_TYPE);
    bench_fini(&bench);
}

static void set_load__over_one_mebibyte__is_a_limit(void **state)
{
    (void)state;
    struct bench bench;
    size_t length = ((size_t)1 << 20) + 1;
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, ' ', length);
    bench_init(&bench);
    bench_add(&bench, "p.lua", "");
    bench_write(&bench, "p.lua", text, length);
    assert_int_equal(bench_try_load(&bench), GW_E_LIMIT);
    free(text);
    bench_fini(&bench);
}

static void set_load__same_name_twice__is_refused(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_add(&bench, "a.lua", "return { name = 'p' }");
    bench_add(&bench, "b.lua", "return { name = 'p' }");
    assert_int_equal(bench_try_load(&bench), GW_E_SCRIPT);
    assert_non_null(strstr(bench.err.text, "already that of"));
    assert_non_null(strstr(bench.err.text, "a.lua"));
    bench_fini(&bench);
}

static void set_load__65_files__is_a_limit(void **state)
{
    (void)state;
    struct gw_str files[65] = {{0}};
    struct gw_script_options options = {.files = files, .file_count = GW_COUNT(files)};
    struct gw_script_set *set = NULL;
    struct gw_err err;
    assert_int_equal(gw_script_set_load(&options, &set, &err), GW_E_LIMIT);
    assert_null(set);
}

static void write_helper(struct bench *bench, const char *name, const char *text)
{
    mkdir(bench_path(bench, "helpers"), 0700);
    bench_write(bench, name, text, strlen(text));
}

static void require__file_below_the_policy__is_loaded(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    write_helper(&bench, "helpers/words.lua", "return { reason = 'from ' .. require('helpers.more').word }");
    write_helper(&bench, "helpers/more.lua", "return { word = 'helper' }");
    bench_add(&bench, "p.lua",
              "local verdict, words = require('eksgate.verdict'), require('helpers.words')\n"
              "assert(words == require('helpers.words'))\n"
              "return { name = 'p', authorize = function() return verdict.deny(words.reason) end }");
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_string_equal(bench.call.refusal.reason.at, "from helper");
    bench_fini(&bench);
}

static void require__while_a_request_runs__reads_no_file(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    write_helper(&bench, "helpers/late.lua", "return {}");
    bench_add(&bench, "p.lua", "return { name = 'p', authorize = function() return require('helpers.late') end }");
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_true(bench.call.refusal.failed);
    bench_fini(&bench);
}

static void require__of_itself__is_refused(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    write_helper(&bench, "helpers/a.lua", "return require('helpers.b')");
    write_helper(&bench, "helpers/b.lua", "return require('helpers.a')");
    bench_add(&bench, "p.lua", "require('helpers.a') return { name = 'p' }");
    assert_int_equal(bench_try_load(&bench), GW_E_SCRIPT);
    assert_non_null(strstr(bench.err.text, "requires itself"));
    bench_fini(&bench);
}

static void require__missing_file_asked_for_again__is_still_missing(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_add(&bench, "p.lua", "pcall(require, 'helpers.none') require('helpers.none') return { name = 'p' }");
    assert_int_equal(bench_try_load(&bench), GW_E_SCRIPT);
    assert_null(strstr(bench.err.text, "requires itself"));
    assert_non_null(strstr(bench.err.text, "helpers/none.lua"));
    bench_fini(&bench);
}

static void require__library__is_shared_and_read_only(void **state)
{
    (void)state;
    check_refused("require('eksgate.verdict').allow = nil", strlen("require('eksgate.verdict').allow = nil"),
                  "read-only");
    check_refused("return math.flor", strlen("return math.flor"), "'math.flor' isn't offered to policies");
    check_refused("return require('eksgate.verdict').alow", strlen("return require('eksgate.verdict').alow"),
                  "'eksgate.verdict.alow' isn't offered to policies; there are allow, deny, throttle");
}

static void require__helper__is_each_policys_own(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    write_helper(&bench, "helpers/shared.lua", "return {}");
    bench_add(&bench, "a.lua", "require('helpers.shared').mark = true return { name = 'a' }");
    bench_add(&bench, "b.lua", "assert(require('helpers.shared').mark == nil) return { name = 'b' }");
    bench_load(&bench);
    bench_fini(&bench);
}

static void workers__compile_what_was_loaded(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_script *second = NULL;
    bench_init(&bench);
    bench_add_hook(&bench, "authorize", "return verdict.deny('first')");
    bench_load(&bench);
    bench_write(&bench, "p.lua", "return nonsense", 15);
    assert_int_equal(gw_script_new(bench.set, &bench.counters, NULL, &second, &bench.err), GW_OK);
    const struct gw_policy_hooks *hooks = gw_script_hooks(second);
    assert_int_equal(hooks->authorize(hooks->ctx, &bench.call), GW_POLICY_FAILED);
    assert_string_equal(bench.call.refusal.reason.at, "first");
    hooks->finish(hooks->ctx, &bench.call);
    gw_script_free(&second);
    bench_fini(&bench);
}

static void set__outlives_its_loader_while_held(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_add_hook(&bench, "authorize", "return verdict.deny('still here')");
    bench_load(&bench);
    gw_script_set_free(&bench.set);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_string_equal(bench.call.refusal.reason.at, "still here");
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_load__bad_policy__names_file_and_fault),
        cmocka_unit_test(set_load__fault_outside_a_mock__is_refused),
        cmocka_unit_test(set_load__what_changes_requests_that_pass_through__is_refused),
        cmocka_unit_test(set_load__bytecode__is_refused),
        cmocka_unit_test(set_load__missing_file__is_missing),
        cmocka_unit_test(set_load__pipe_or_folder__is_refused),
        cmocka_unit_test(set_load__over_one_mebibyte__is_a_limit),
        cmocka_unit_test(set_load__that_takes_long__is_refused),
        cmocka_unit_test(set_load__that_takes_long_to_compile__is_refused),
        cmocka_unit_test(set_load__same_name_twice__is_refused),
        cmocka_unit_test(set_load__65_files__is_a_limit),
        cmocka_unit_test(require__file_below_the_policy__is_loaded),
        cmocka_unit_test(require__while_a_request_runs__reads_no_file),
        cmocka_unit_test(require__of_itself__is_refused),
        cmocka_unit_test(require__missing_file_asked_for_again__is_still_missing),
        cmocka_unit_test(require__library__is_shared_and_read_only),
        cmocka_unit_test(require__helper__is_each_policys_own),
        cmocka_unit_test(workers__compile_what_was_loaded),
        cmocka_unit_test(set__outlives_its_loader_while_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
