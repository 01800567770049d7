/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks that give way, questions that wait: what the gateway's loop relies on, and what requests are to each other. */
#include "bench_of_one.h"

#include "script/ask.h"

/* A second request on the same instance. */
struct other {
    struct gw_arena arena;
    struct gw_policy_request request;
    struct gw_policy_call call;
};

static size_t later_count;

static void count_later(void *ctx, struct gw_policy_call *call)
{
    (void)ctx;
    (void)call;
    later_count++;
}

static void wake_nobody(void *ctx)
{
    (void)ctx;
}

static void begin_request(struct bench *bench)
{
    bench_begin_request(bench);
    bench->call.wake = wake_nobody;
}

static void load_with(struct bench *bench, uint64_t cpu_ms, const char *hook, const char *body)
{
    later_count = 0;
    bench_init(bench);
    bench->options.cpu_ms = cpu_ms;
    bench->services.later = count_later;
    bench_add_hook(bench, hook, body);
    bench_load(bench);
    begin_request(bench);
}

/* A budget that long hooks don't reach on a machine that is busy. */
static void load(struct bench *bench, const char *hook, const char *body)
{
    load_with(bench, 1000, hook, body);
}

static void begin_other(struct bench *bench, struct other *other, struct gw_str cluster)
{
    gw_arena_init(&other->arena, 0);
    other->request = bench->request;
    other->request.cluster = cluster;
    other->call = (struct gw_policy_call){.request = &other->request, .arena = &other->arena, .wake = wake_nobody};
}

static enum gw_policy_answer ask_other(struct bench *bench, struct other *other)
{
    return bench->hooks->authorize(bench->hooks->ctx, &other->call);
}

static void finish_other(struct bench *bench, struct other *other)
{
    bench->hooks->finish(bench->hooks->ctx, &other->call);
    gw_arena_fini(&other->arena);
}

#define FIVE_MS  "local n = 0 for i = 1, 1e9 do n = n + 1 if n == 400000 then break end end\n"
#define LONG_RUN "if req.cluster == 'long' then " FIVE_MS " end\n"

static void long_hook__gives_way_and_comes_to_its_end(void **state)
{
    (void)state;
    struct bench bench;
    enum gw_policy_answer answer;
    size_t goes = 0;
    load(&bench, "authorize", FIVE_MS "return verdict.deny(req.cluster .. ' ' .. n)");
    do {
        double began = bench_cpu_ms();
        answer = bench_authorize(&bench);
        assert_true(bench_cpu_ms() - began < 100);
        goes++;
        assert_int_equal(later_count, answer == GW_POLICY_WAITING ? goes : goes - 1);
    } while (answer == GW_POLICY_WAITING);
    assert_true(goes > 1);
    assert_int_equal(answer, GW_POLICY_FAILED);
    assert_false(bench.call.refusal.failed);
    assert_string_equal(bench.call.refusal.reason.at, "my-cluster 400000");
    assert_int_equal(bench.counters.calls, 1);
    bench_fini(&bench);
}

static void nobody_to_wake__runs_on_in_one_go(void **state)
{
    (void)state;
    struct bench bench;
    load(&bench, "authorize", FIVE_MS "return verdict.allow()");
    bench_begin_request(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_int_equal(later_count, 0);
    bench_fini(&bench);
}

static void gives_way_inside_pcall_tostring_and_metamethods(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "local ok, n = pcall(function() " FIVE_MS " return n end) return verdict.deny(tostring(ok) .. n)",
        "local ok, _, n = pcall(pcall, function() " FIVE_MS " return n end) return verdict.deny(tostring(ok) .. n)",
        "local t = setmetatable({}, { __tostring = function() " FIVE_MS " return 'true' .. n end })\n"
        "return verdict.deny(tostring(t))",
        "local t = setmetatable({}, { __index = function() " FIVE_MS " return 'true' .. n end })\n"
        "return verdict.deny(t.x)",
        "local r for k in pairs(setmetatable({}, { __pairs = function() " FIVE_MS "\n"
        "return next, { ['true' .. n] = 1 } end })) do r = k end return verdict.deny(r)",
        "local ok, e = pcall(function() local x <close> = setmetatable({}, { __close = function() " FIVE_MS "\n"
        "error('true' .. n, 0) end }) error('x') end) return verdict.deny(e)",
    };
    for (size_t i = 0; i < GW_COUNT(bodies); i++) {
        struct bench bench;
        enum gw_policy_answer answer;
        load(&bench, "authorize", bodies[i]);
        while ((answer = bench_authorize(&bench)) == GW_POLICY_WAITING)
            ;
        assert_int_equal(answer, GW_POLICY_FAILED);
        assert_true(later_count > 0);
        assert_string_equal(bench.call.refusal.reason.at, "true400000");
        bench_fini(&bench);
    }
}

/* The longest slice in ms of a hook that calls `function`, an expression, with a table that was emptied, over and over.
 */
/* `more` comes behind what makes t, a large table without elements; `body` is the hook's. The longest slice, in ms. */
static double longest_over_what_was_emptied(const char *more, const char *body)
{
    struct bench bench;
    double longest = 0;
    char text[1024];
    later_count = 0;
    bench_init(&bench);
    bench.services.later = count_later;
    snprintf(text, sizeof text,
             "local t, time, http = {}, require('eksgate.time'), require('eksgate.http')\n"
             "for i = 1, 260000 do t[i] = i end for i = 1, 260000 do t[i] = nil end\n%s\n"
             "return { name = 'p', authorize = function(req) %s end }",
             more, body);
    bench_add(&bench, "p.lua", text);
    bench_load(&bench);
    begin_request(&bench);
    for (enum gw_policy_answer answer = GW_POLICY_WAITING; answer == GW_POLICY_WAITING;) {
        double began = bench_cpu_ms();
        answer = bench_authorize(&bench);
        double took = bench_cpu_ms() - began;
        longest = took > longest ? took : longest;
    }
    assert_true(bench.call.stopped);
    bench_fini(&bench);
    return longest;
}

#define CALLS "n(t) n(t) n(t) n(t) n(t) n(t) n(t) n(t) n(t) n(t) n(t) n(t) n(t) n(t) n(t) n(t) n(t) n(t) n(t) n(t)\n"

/* What one call passes over isn't in its instructions. */
static void functions_that_go_over_a_table__of_what_was_emptied__keep_to_their_slice(void **state)
{
    (void)state;
    static const char *const functions[] = {"pairs(req)", "pairs({})", "time.within"};
    for (size_t i = 0; i < GW_COUNT(functions); i++) {
        char body[512];
        snprintf(body, sizeof body, "local n = %s while true do " CALLS CALLS "end", functions[i]);
        double longest = longest_over_what_was_emptied("", body);
        assert_true(later_count >= 5 || longest < 3); /* 3, and up to 15 ms, where it isn't charged */
    }
}

static void value_of_one_emptied_table_many_times__is_stopped(void **state)
{
    (void)state;
    double longest = longest_over_what_was_emptied("local many = {} for i = 1, 4000 do many['k' .. i] = t end",
                                                   "http.post('opa', { body = many })");
    assert_true(longest < 100); /* 870 where it isn't charged */
}

static void concat_of_many_numbers__is_stopped(void **state)
{
    (void)state;
    double longest = longest_over_what_was_emptied("local f = {} for i = 1, 85000 do f[i] = 1.5e300 end",
                                                   "while true do table.concat(f) end");
    assert_true(longest < 15); /* 33 to 59 where it isn't charged */
}

static void sort_that_cant_give_way__is_killed_within_two_slices(void **state)
{
    (void)state;
    struct bench bench;
    load(&bench, "authorize", "table.sort({ 3, 2, 1 }, function() while true do end end)");
    double began = bench_cpu_ms();
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(bench_cpu_ms() - began < 5);
#endif
    (void)began;
    assert_int_equal(later_count, 0);
    assert_int_equal(bench.counters.killed_time, 1);
    assert_true(bench.call.stopped);
    bench_fini(&bench);
}

static void endless_hook__is_killed_when_its_slices_have_used_the_budget(void **state)
{
    (void)state;
    struct bench bench;
    enum gw_policy_answer answer;
    load_with(&bench, 10, "authorize", "while true do pcall(function() while true do end end) end");
    double began = bench_cpu_ms();
    while ((answer = bench_authorize(&bench)) == GW_POLICY_WAITING)
        assert_true(bench_cpu_ms() - began < 100);
    assert_int_equal(answer, GW_POLICY_FAILED);
    assert_in_range(later_count, 5, 10);
    assert_true(bench.call.stopped);
    assert_int_equal(bench.counters.killed_time, 1);
    bench_fini(&bench);
}

static void requests_that_take_turns__see_their_own(void **state)
{
    (void)state;
    struct bench bench;
    struct other other;
    enum gw_policy_answer answer;
    load(&bench, "authorize", FIVE_MS "print(req.cluster) return verdict.deny(req.cluster)");
    begin_other(&bench, &other, GW_STR("second"));
    assert_int_equal(bench_authorize(&bench), GW_POLICY_WAITING);
    while ((answer = ask_other(&bench, &other)) == GW_POLICY_WAITING)
        ;
    assert_int_equal(answer, GW_POLICY_FAILED);
    assert_string_equal(other.call.refusal.reason.at, "second");
    assert_string_equal(bench.printed, "p: second");
    while ((answer = bench_authorize(&bench)) == GW_POLICY_WAITING)
        ;
    assert_int_equal(answer, GW_POLICY_FAILED);
    assert_string_equal(bench.call.refusal.reason.at, "my-cluster");
    assert_string_equal(bench.printed, "p: my-cluster");
    finish_other(&bench, &other);
    bench_fini(&bench);
}

static void request_that_ends_while_it_waits__leaves_nothing(void **state)
{
    (void)state;
    struct bench bench;
    load(&bench, "authorize", LONG_RUN "return nil");
    for (int i = 0; i < 200; i++) {
        bench.request.cluster = GW_STR("long");
        assert_int_equal(bench_authorize(&bench), GW_POLICY_WAITING);
        bench.hooks->finish(bench.hooks->ctx, &bench.call);
        gw_arena_reset(&bench.arena);
        begin_request(&bench);
        bench.request.cluster = GW_STR("short");
        assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
        bench.hooks->finish(bench.hooks->ctx, &bench.call);
        begin_request(&bench);
    }
    assert_int_equal(bench.counters.killed_memory, 0);
    bench_fini(&bench);
}

static void kept_view_of_a_request_that_left__is_dead(void **state)
{
    (void)state;
    struct bench bench;
    load(&bench, "authorize",
         "if req.cluster == 'long' then policy.kept = req " FIVE_MS " end\n"
         "local ok, text = pcall(function() return policy.kept.cluster end) return verdict.deny(text)");
    bench.request.cluster = GW_STR("long");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_WAITING);
    bench.hooks->finish(bench.hooks->ctx, &bench.call);
    begin_request(&bench);
    bench.request.cluster = GW_STR("short");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_FAILED);
    assert_non_null(strstr(bench.call.refusal.reason.at, "req"));
    bench_fini(&bench);
}

static void kill__leaves_others_on_the_state_and_gives_new_ones_another(void **state)
{
    (void)state;
    struct bench bench;
    struct other other;
    struct other third;
    enum gw_policy_answer answer;
    load_with(&bench, 100, "authorize",
              "policy.calls = (policy.calls or 0) + 1\nlocal mine = policy.calls\n" LONG_RUN
              "if req.cluster == 'hostile' then while true do end end return verdict.deny('call ' .. mine)");
    bench.request.cluster = GW_STR("long");
    assert_int_equal(bench_authorize(&bench), GW_POLICY_WAITING);
    begin_other(&bench, &other, GW_STR("hostile"));
    while ((answer = ask_other(&bench, &other)) == GW_POLICY_WAITING)
        ;
    assert_int_equal(answer, GW_POLICY_FAILED);
    assert_true(other.call.refusal.failed);
    begin_other(&bench, &third, GW_STR("short"));
    assert_int_equal(ask_other(&bench, &third), GW_POLICY_FAILED);
    assert_string_equal(third.call.refusal.reason.at, "call 1");
    while ((answer = bench_authorize(&bench)) == GW_POLICY_WAITING)
        ;
    assert_int_equal(answer, GW_POLICY_FAILED);
    assert_string_equal(bench.call.refusal.reason.at, "call 1");
    assert_false(bench.call.refusal.failed);
    assert_false(bench.call.stopped);
    finish_other(&bench, &other);
    finish_other(&bench, &third);
    bench_fini(&bench);
}

static void killed_request__leaves_its_state_before_it_ends(void **state)
{
    (void)state;
    struct bench bench;
    struct other other;
    load_with(&bench, 10, "authorize", "if req.cluster == 'long' then while true do end end return verdict.allow()");
    begin_other(&bench, &other, GW_STR("long"));
    while (ask_other(&bench, &other) == GW_POLICY_WAITING)
        ;
    assert_true(other.call.stopped);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    assert_null(bench.script->spoiled); /* it is gone, though the request isn't */
    assert_int_equal(ask_other(&bench, &other), GW_POLICY_FAILED);
    finish_other(&bench, &other);
    bench_fini(&bench);
}

#define CROWD 40

/* 2 MiB each; what may be put aside is 64. */
static void states_that_kills_spoiled__are_bounded(void **state)
{
    (void)state;
    static struct other waiting[CROWD];
    struct bench bench;
    size_t count = 0;
    later_count = 0;
    bench_init(&bench);
    bench.services.later = count_later;
    bench_add(&bench, "p.lua",
              "local t = {} for i = 1, 4 do t[i] = ('x'):rep(500000 + i) end\n"
              "return { name = 'p', authorize = function(req)\n"
              "if req.cluster == 'long' then while true do end end\n"
              "if req.cluster == 'kill' then t[5] = ('x'):rep(5e5) t[6] = t[5] .. 'y' t[7] = t[6] .. 'z' end\n"
              "end }");
    bench_load(&bench);
    for (bool goes_on = true; goes_on && count < CROWD; count++) {
        struct other killed;
        begin_other(&bench, &waiting[count], GW_STR("long"));
        goes_on = ask_other(&bench, &waiting[count]) == GW_POLICY_WAITING;
        begin_other(&bench, &killed, GW_STR("kill"));
        while (ask_other(&bench, &killed) == GW_POLICY_WAITING)
            ;
        assert_true(killed.call.refusal.failed);
        finish_other(&bench, &killed);
    }
    assert_in_range(count, 16, 39);
    assert_true(waiting[count - 1].call.refusal.failed);
    for (size_t i = 0; i < count; i++)
        finish_other(&bench, &waiting[i]);
    begin_request(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    bench_fini(&bench);
}

static void other_question__drops_the_one_that_waits(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_str username = GW_STR_NONE;
    later_count = 0;
    bench_init(&bench);
    bench.options.cpu_ms = 1000;
    bench.services.later = count_later;
    bench_add(&bench, "p.lua",
              "return { name = 'p', authorize = function(req)\n" FIVE_MS "error('not reached') end,\n"
              "username = function() return 'x' end }");
    bench_load(&bench);
    begin_request(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_WAITING);
    assert_int_equal(bench.hooks->username(bench.hooks->ctx, &bench.call, &username), GW_POLICY_DONE);
    assert_string_equal(username.at, "x");
    assert_int_equal(bench.counters.failed, 0);
    bench_fini(&bench);
}

static void audit_hook__waits_with_its_record(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_json record;
    struct gw_json fields = {.type = GW_JSON_NULL};
    enum gw_policy_answer answer;
    load(&bench, "audit", FIVE_MS "return { by = req.caller.name, n = n }");
    assert_int_equal(gw_json_parse(GW_STR("{\"caller\":{\"name\":\"anna\"}}"), &bench.arena, &record, NULL), GW_OK);
    while ((answer = bench.hooks->audit(bench.hooks->ctx, &bench.call, &record, &fields)) == GW_POLICY_WAITING)
        ;
    assert_int_equal(answer, GW_POLICY_DONE);
    assert_true(later_count > 0);
    assert_true(gw_str_is(gw_json_get(gw_json_get(&fields, "p"), "by")->as.string, "anna"));
    bench_fini(&bench);
}

static void endless_outcome_hook__is_stopped_in_one_go(void **state)
{
    (void)state;
    struct bench bench;
    struct gw_json record = {.type = GW_JSON_OBJECT};
    load(&bench, "outcome", "while true do end");
    double began = bench_cpu_ms();
    bench.hooks->outcome(bench.hooks->ctx, &bench.call, &record);
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(bench_cpu_ms() - began < 5);
#endif
    (void)began;
    assert_int_equal(later_count, 0);
    assert_int_equal(bench.counters.killed_time, 1);
    bench_fini(&bench);
}

#define HOLDERS 24

static void requests_that_hold_much__leave_room_for_others(void **state)
{
    (void)state;
    struct bench bench;
    struct other *others = calloc(HOLDERS, sizeof *others);
    struct other calm;
    assert_non_null(others);
    load(&bench, "authorize",
         "if req.cluster == 'calm' then local t = {} for i = 1, 5000 do t[i] = { i } end return nil end\n"
         "local t = {} for i = 1, 10000 do t[i] = { i } end while true do t[1] = {} end");
    for (size_t i = 0; i < HOLDERS; i++) {
        begin_other(&bench, &others[i], GW_STR("much"));
        assert_int_equal(ask_other(&bench, &others[i]), GW_POLICY_WAITING);
        assert_int_equal(ask_other(&bench, &others[i]), GW_POLICY_WAITING);
        begin_other(&bench, &calm, GW_STR("calm"));
        while (ask_other(&bench, &calm) == GW_POLICY_WAITING)
            ;
        assert_false(calm.call.refusal.failed);
        finish_other(&bench, &calm);
    }
    for (size_t i = 0; i < HOLDERS; i++)
        finish_other(&bench, &others[i]);
    free(others);
    assert_int_equal(bench.counters.killed_memory, 0);
    bench_fini(&bench);
}

static void garbage_of_many_slices__is_no_growth(void **state)
{
    (void)state;
    struct bench bench;
    enum gw_policy_answer answer;
    later_count = 0;
    bench_init(&bench);
    bench.options.cpu_ms = 1000;
    bench.services.later = count_later;
    bench_add(&bench, "p.lua",
              "local keep = {} for i = 1, 15000 do keep[i] = { i } end\n"
              "return { name = 'p', authorize = function() for i = 1, 400000 do local t = { i, keep } end end }");
    bench_load(&bench);
    begin_request(&bench);
    while ((answer = bench_authorize(&bench)) == GW_POLICY_WAITING)
        ;
    assert_int_equal(answer, GW_POLICY_DONE);
    assert_true(later_count > 5);
    bench_fini(&bench);
}

static void memory_taken_in_many_slices__is_growth(void **state)
{
    (void)state;
    struct bench bench;
    enum gw_policy_answer answer;
    load(&bench, "authorize",
         "local t = {} for i = 1, 40000 do t[i] = { i } for k = 1, 100 do local x = k end end return verdict.allow()");
    while ((answer = bench_authorize(&bench)) == GW_POLICY_WAITING)
        ;
    assert_int_equal(answer, GW_POLICY_FAILED);
    assert_int_equal(bench.counters.killed_memory, 1);
    bench_fini(&bench);
}

static void sleep_long(void *ctx, enum gw_log_level level, struct gw_str policy, struct gw_str text)
{
    (void)ctx;
    (void)level;
    (void)policy;
    (void)text;
    usleep(50000);
}

static void machine_that_stands_still__refuses_nobody(void **state)
{
    (void)state;
    struct bench bench;
    load(&bench, "authorize", "for i = 1, 5 do print('x') for j = 1, 2000 do end end return verdict.allow()");
    bench.services.log = sleep_long;
    enum gw_policy_answer answer = bench_authorize(&bench);
    while (answer == GW_POLICY_WAITING && later_count <= 2)
        answer = bench_authorize(&bench);
    assert_int_equal(answer, GW_POLICY_DONE); /* 250 ms by the wall, of 10 */
    assert_true(later_count <= 2);            /* a busy machine's caches are cold behind each sleep */
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_hook__gives_way_and_comes_to_its_end),
        cmocka_unit_test(nobody_to_wake__runs_on_in_one_go),
        cmocka_unit_test(gives_way_inside_pcall_tostring_and_metamethods),
        cmocka_unit_test(functions_that_go_over_a_table__of_what_was_emptied__keep_to_their_slice),
        cmocka_unit_test(value_of_one_emptied_table_many_times__is_stopped),
        cmocka_unit_test(concat_of_many_numbers__is_stopped),
        cmocka_unit_test(sort_that_cant_give_way__is_killed_within_two_slices),
        cmocka_unit_test(endless_hook__is_killed_when_its_slices_have_used_the_budget),
        cmocka_unit_test(requests_that_take_turns__see_their_own),
        cmocka_unit_test(request_that_ends_while_it_waits__leaves_nothing),
        cmocka_unit_test(kept_view_of_a_request_that_left__is_dead),
        cmocka_unit_test(kill__leaves_others_on_the_state_and_gives_new_ones_another),
        cmocka_unit_test(killed_request__leaves_its_state_before_it_ends),
        cmocka_unit_test(states_that_kills_spoiled__are_bounded),
        cmocka_unit_test(other_question__drops_the_one_that_waits),
        cmocka_unit_test(audit_hook__waits_with_its_record),
        cmocka_unit_test(endless_outcome_hook__is_stopped_in_one_go),
        cmocka_unit_test(requests_that_hold_much__leave_room_for_others),
        cmocka_unit_test(garbage_of_many_slices__is_no_growth),
        cmocka_unit_test(memory_taken_in_many_slices__is_growth),
        cmocka_unit_test(machine_that_stands_still__refuses_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
