/* SPDX-License-Identifier: Apache-2.0 */
/* What C functions that wait rely on, and what authors of policies are told where nothing may wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "script/sandbox.h"

#define STATE_BYTES ((size_t)4 << 20)

/* A state with `wait()`, which returns what `answer` is when it is asked again. */
struct desk {
    struct gw_host *host;
    struct gw_sandbox sandbox;
    const char *code;
    int answer;
    int waits;
    char result[256];
};

static int then_answer(lua_State *L, int status, lua_KContext ctx)
{
    struct desk *desk = (struct desk *)ctx; // NOLINT(performance-no-int-to-ptr)
    assert_int_equal(status, LUA_YIELD);
    if (desk->answer == 0)
        return gw_host_wait(L, ctx, then_answer);
    lua_pushinteger(L, desk->answer);
    return 1;
}

static int l_wait(lua_State *L)
{
    struct desk *desk = gw_sandbox_of(L)->ctx;
    desk->waits++;
    return gw_host_wait(L, (lua_KContext)desk, then_answer);
}

static int l_desk_open(lua_State *L)
{
    struct desk *desk = lua_touserdata(L, 1);
    gw_sandbox_open(L, &desk->sandbox);
    return 0;
}

static int finish_code(lua_State *L, int status, lua_KContext ctx)
{
    struct desk *desk = (struct desk *)ctx; // NOLINT(performance-no-int-to-ptr)
    (void)status;
    snprintf(desk->result, sizeof desk->result, "%s", lua_tostring(L, -1));
    return 0;
}

static int l_desk_code(lua_State *L)
{
    struct desk *desk = lua_touserdata(L, 1);
    if (luaL_loadbufferx(L, desk->code, strlen(desk->code), "=code", "t") != LUA_OK)
        return lua_error(L);
    gw_sandbox_push_env(L);
    lua_pushliteral(L, "wait");
    lua_pushcfunction(L, l_wait);
    lua_rawset(L, -3);
    lua_setupvalue(L, -2, 1);
    gw_host_invoke_then(L, 0, 1, (lua_KContext)desk, finish_code);
    return finish_code(L, LUA_OK, (lua_KContext)desk);
}

static void desk_init(struct desk *desk, const char *code)
{
    struct gw_err err;
    struct gw_host_budget budget = {.cpu_ns = 1000000000, .memory = STATE_BYTES};
    *desk = (struct desk){.host = gw_host_new(STATE_BYTES), .code = code};
    desk->sandbox.ctx = desk;
    assert_int_equal(gw_host_run(desk->host, l_desk_open, desk, &budget, &err), GW_HOST_OK);
}

static struct gw_host_budget budget_that_waits(void)
{
    return (struct gw_host_budget){.cpu_ns = 1000000000, .memory = STATE_BYTES, .may_wait = true};
}

static void wait__goes_on_with_what_came_of_it(void **state)
{
    struct desk desk;
    struct gw_err err;
    struct gw_host_call *call;
    struct gw_host_budget budget = budget_that_waits();
    (void)state;
    desk_init(&desk,
              "local ok, first = pcall(wait) local t = setmetatable({}, { __index = function() return wait() end })\n"
              "return tostring(ok) .. first .. t.x");
    assert_int_equal(gw_host_begin(desk.host, l_desk_code, &desk, &budget, &call, &err), GW_HOST_WAITS);
    assert_int_equal(gw_host_continue(desk.host, &budget, &call, &err), GW_HOST_WAITS); /* nothing has happened */
    desk.answer = 7;
    assert_int_equal(gw_host_continue(desk.host, &budget, &call, &err), GW_HOST_WAITS);
    assert_int_equal(gw_host_continue(desk.host, &budget, &call, &err), GW_HOST_OK);
    assert_null(call);
    assert_string_equal(desk.result, "true77");
    assert_int_equal(desk.waits, 2);
    gw_host_free(&desk.host);
}

/* No error of Lua's about yields reaches an author. */
static void wait__where_nothing_can__raises_a_text_for_authors(void **state)
{
    static const char *const codes[] = {
        "table.sort({ 2, 1 }, function() return wait() end)",
        "return (('a'):gsub('a', wait))",
        "return (('a'):gsub('a', function() return wait() end))",
        "return (('a'):gsub('a', setmetatable({}, { __index = wait })))",
        "return ('%s'):format(setmetatable({}, { __tostring = function() return wait() end }))",
        "print(setmetatable({}, { __tostring = function() return wait() end }))",
        "for _ in ipairs(setmetatable({}, { __index = function() return wait() end })) do end",
        "table.sort({ setmetatable({}, { __lt = wait }), 1 })",
        "table.sort({ 2, 1 }, function() local ok, text = pcall(wait) error(text, 0) end)",
    };
    (void)state;
    for (size_t i = 0; i < GW_COUNT(codes); i++) {
        struct desk desk;
        struct gw_err err;
        struct gw_host_call *call;
        struct gw_host_budget budget = budget_that_waits();
        desk_init(&desk, codes[i]);
        assert_int_equal(gw_host_begin(desk.host, l_desk_code, &desk, &budget, &call, &err), GW_HOST_RAISED);
        if (strstr(err.text, "nothing can be waited for inside a function that") == NULL || strstr(err.text, "yield"))
            fail_msg("%s: %s", codes[i], err.text);
        assert_false(gw_host_is_dead(desk.host));
        gw_host_free(&desk.host);
    }
}

static void wait__in_a_call_that_may_not__raises(void **state)
{
    struct desk desk;
    struct gw_err err;
    struct gw_host_budget budget = budget_that_waits();
    (void)state;
    desk_init(&desk, "return wait()");
    assert_int_equal(gw_host_run(desk.host, l_desk_code, &desk, &budget, &err), GW_HOST_RAISED);
    assert_non_null(strstr(err.text, "nothing can be waited for here"));
    gw_host_free(&desk.host);
}

static void calls_that_wait__are_dropped_or_end_with_the_state(void **state)
{
    struct desk desk;
    struct gw_err err;
    struct gw_host_call *dropped;
    struct gw_host_call *left;
    struct gw_host_budget budget = budget_that_waits();
    (void)state;
    desk_init(&desk, "local x <close> = setmetatable({}, { __close = function() error('closed') end }) return wait()");
    assert_int_equal(gw_host_begin(desk.host, l_desk_code, &desk, &budget, &dropped, &err), GW_HOST_WAITS);
    assert_int_equal(gw_host_begin(desk.host, l_desk_code, &desk, &budget, &left, &err), GW_HOST_WAITS);
    gw_host_drop(desk.host, &dropped);
    assert_null(dropped);
    gw_host_drop(desk.host, &dropped);
    gw_host_free(&desk.host);
}

static void dead_state__takes_no_run(void **state)
{
    struct desk desk;
    struct gw_err err;
    struct gw_host_budget budget = {.cpu_ns = 1000000, .memory = STATE_BYTES};
    (void)state;
    desk_init(&desk, "while true do end");
    assert_int_equal(gw_host_run(desk.host, l_desk_code, &desk, &budget, &err), GW_HOST_OUT_OF_BUDGET);
    assert_string_equal(err.text, "code:1: ran longer than it may");
    assert_true(gw_host_is_dead(desk.host));
    budget.cpu_ns = 1000000000;
    desk.code = "return 1";
    assert_int_equal(gw_host_run(desk.host, l_desk_code, &desk, &budget, &err), GW_HOST_OUT_OF_BUDGET);
    gw_host_free(&desk.host);
}

static void table_with_very_many_names__only_where_it_may(void **state)
{
    static const char code[] = "local t = {} for i = 1, 5000 do t['k' .. i] = i end return 'made'";
    struct desk desk;
    struct gw_err err;
    struct gw_host_budget budget = {.cpu_ns = 1000000000, .memory = STATE_BYTES};
    (void)state;
    desk_init(&desk, code);
    assert_int_equal(gw_host_run(desk.host, l_desk_code, &desk, &budget, &err), GW_HOST_OUT_OF_MEMORY);
    gw_host_free(&desk.host);
    desk_init(&desk, code);
    budget = (struct gw_host_budget){.cpu_ns = 1000000000, .memory = STATE_BYTES, .large_tables = true};
    assert_int_equal(gw_host_run(desk.host, l_desk_code, &desk, &budget, &err), GW_HOST_OK);
    assert_string_equal(desk.result, "made");
    gw_host_free(&desk.host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait__goes_on_with_what_came_of_it),
        cmocka_unit_test(wait__where_nothing_can__raises_a_text_for_authors),
        cmocka_unit_test(wait__in_a_call_that_may_not__raises),
        cmocka_unit_test(calls_that_wait__are_dropped_or_end_with_the_state),
        cmocka_unit_test(dead_state__takes_no_run),
        cmocka_unit_test(table_with_very_many_names__only_where_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
