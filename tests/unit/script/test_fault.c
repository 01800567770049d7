/* SPDX-License-Identifier: Apache-2.0 */
/* What the fault hook may answer, and what is refused. */
#include "bench_of_one.h"

static void with_fault(struct bench *bench, const char *body)
{
    bench_init(bench);
    bench_add_hook(bench, "fault", body);
    bench_load(bench);
}

static enum gw_policy_answer ask(struct bench *bench, struct gw_fault *fault)
{
    *fault = (struct gw_fault){.kind = GW_FAULT_NONE};
    return bench->hooks->fault(bench->hooks->ctx, &bench->call, fault);
}

/* What the record will say of it. */
static void check_change(struct bench *bench, const char *expected)
{
    struct gw_buf text;
    assert_int_equal(bench->call.change_count, 1);
    assert_int_equal(bench->call.changes[0].hook, GW_HOOK_FAULT);
    assert_string_equal(bench->call.changes[0].policy.at, "p");
    gw_buf_init(&text, 1024);
    gw_json_encode(&bench->call.changes[0].after, &text);
    gw_buf_append_byte(&text, '\0');
    assert_string_equal(text.at, expected);
    gw_buf_fini(&text);
}

static void fault__nil__is_none(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_fault fault;
    with_fault(&bench, "return nil");
    assert_true(bench.hooks->wants(bench.hooks->ctx, GW_HOOK_FAULT, bench.request.operation));
    assert_int_equal(ask(&bench, &fault), GW_POLICY_DONE);
    assert_int_equal(fault.kind, GW_FAULT_NONE);
    assert_int_equal(bench.call.change_count, 0);
    bench_fini(&bench);
}

static void fault__error__has_name_and_message(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_fault fault;
    with_fault(&bench, "return { error = 'ThrottlingException', message = 'Rate exceeded\\n' }");
    assert_int_equal(ask(&bench, &fault), GW_POLICY_DONE);
    assert_int_equal(fault.kind, GW_FAULT_ERROR);
    assert_true(gw_str_is(fault.error, "ThrottlingException"));
    assert_true(gw_str_is(fault.message, "Rate exceeded\\x0a"));
    check_change(&bench, "{\"error\":\"ThrottlingException\",\"message\":\"Rate exceeded\\\\x0a\"}");
    bench_fini(&bench);
    with_fault(&bench, "return { error = 'ServerException' }");
    assert_int_equal(ask(&bench, &fault), GW_POLICY_DONE);
    assert_null(fault.message.at);
    check_change(&bench, "{\"error\":\"ServerException\"}");
    bench_fini(&bench);
}

static void fault__delay__is_whole_milliseconds(void **state)
{
    (void)state;
    static const struct {
        const char *seconds;
        unsigned ms;
        const char *change;
    } rows[] = {
        {"0", 0, "{\"delay\":0}"},    {"0.0001", 1, "{\"delay\":0.001}"}, {"0.25", 250, "{\"delay\":0.25}"},
        {"2", 2000, "{\"delay\":2}"}, {"60", 60000, "{\"delay\":60}"},    {"60.0", 60000, "{\"delay\":60}"},
        {"-0.0", 0, "{\"delay\":0}"},
    };
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct bench bench;
        struct gw_fault fault;
        char body[64];
        snprintf(body, sizeof body, "return { delay = %s }", rows[i].seconds);
        with_fault(&bench, body);
        assert_int_equal(ask(&bench, &fault), GW_POLICY_DONE);
        assert_int_equal(fault.kind, GW_FAULT_DELAY);
        assert_int_equal(fault.delay_ms, rows[i].ms);
        check_change(&bench, rows[i].change);
        bench_fini(&bench);
    }
}

static void fault__drop__is_a_drop(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_fault fault;
    with_fault(&bench, "if req.operation == 'CreateAccessEntry' then return { drop = true } end");
    assert_int_equal(ask(&bench, &fault), GW_POLICY_DONE);
    assert_int_equal(fault.kind, GW_FAULT_DROP);
    check_change(&bench, "{\"drop\":true}");
    bench_fini(&bench);
}

static void fault__first_that_answers__wins(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_fault fault;
    bench_init(&bench);
    bench_add(&bench, "a.lua", "return { name = 'a', fault = function() end }");
    bench_add(&bench, "b.lua", "return { name = 'b', fault = function() return { delay = 1 } end }");
    bench_add(&bench, "c.lua", "return { name = 'c', fault = function() error('not asked') end }");
    bench_load(&bench);
    assert_int_equal(ask(&bench, &fault), GW_POLICY_DONE);
    assert_int_equal(fault.delay_ms, 1000);
    assert_string_equal(bench.call.changes[0].policy.at, "b");
    bench_fini(&bench);
}

static void fault__nonsense__is_a_refusal(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "return true",
        "return 'drop'",
        "return 1",
        "return {}",
        "return req",
        "return { 'drop' }",
        "return { drop = false }",
        "return { drop = 1 }",
        "return { drop = true, delay = 1 }",
        "return { drop = true, message = 'x' }",
        "return { drop = true, times = 2 }",
        "return { message = 'x' }",
        "return { delay = 1, message = 'x' }",
        "return { delay = '1' }",
        "return { delay = -1 }",
        "return { delay = 60.001 }",
        "return { delay = 0/0 }",
        "return { delay = 1/0 }",
        "return { delay = {} }",
        "return { error = 'Throttling' }",
        "return { error = '' }",
        "return { error = ('x'):rep(100000) }",
        "return { error = true }",
        "return { error = 'ServerException', message = 5 }",
        "return { error = 'ServerException', delay = 5 }",
        "return { error = 'ServerException', message = 'x', more = 1 }",
        "return setmetatable({}, { __index = { drop = true } })",
        "error('boom')",
        "while true do end",
    };
    for (size_t i = 0; i < GW_COUNT(answers); i++) {
        struct bench bench;
        struct gw_fault fault;
        with_fault(&bench, answers[i]);
        if (ask(&bench, &fault) != GW_POLICY_FAILED)
            fail_msg("taken for a fault: %s", answers[i]);
        assert_true(bench.call.refusal.failed);
        assert_int_equal(fault.kind, GW_FAULT_NONE);
        assert_int_equal(bench.call.change_count, 0);
        bench_fini(&bench);
    }
}

static void fault__long_message__is_cut(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_fault fault;
    with_fault(&bench, "return { error = 'ServerException', message = ('x'):rep(100000) }");
    assert_int_equal(ask(&bench, &fault), GW_POLICY_DONE);
    assert_int_equal(fault.message.length, 512);
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fault__nil__is_none),
        cmocka_unit_test(fault__error__has_name_and_message),
        cmocka_unit_test(fault__delay__is_whole_milliseconds),
        cmocka_unit_test(fault__drop__is_a_drop),
        cmocka_unit_test(fault__first_that_answers__wins),
        cmocka_unit_test(fault__nonsense__is_a_refusal),
        cmocka_unit_test(fault__long_message__is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
