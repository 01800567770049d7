/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which interpreters are taken: by their release, and by what their libraries
 * hold; and that the list of names is what the sandbox really does with them.
 */
#include "bench_of_one.h"

#include <lauxlib.h>
#include <lualib.h>

#include "script/interpreter.h"

#define IDENT(release) "$LuaVersion: Lua " release "  Copyright (C) 1994-2022 Lua.org, PUC-Rio $$LuaAuthors: somebody $"

static enum gw_status judge(const char *ident, bool has_closethread, int version, struct gw_interpreter *found,
                            struct gw_err *err)
{
    struct gw_interpreter_facts facts = {.ident = ident, .has_closethread = has_closethread, .version = version};

    memset(found, 0, sizeof(*found));
    return gw_interpreter_judge(&facts, found, err);
}

static void assert_taken(const char *ident, bool has_closethread, const char *release, bool is_old)
{
    struct gw_interpreter found;
    struct gw_err err = {""};

    if (judge(ident, has_closethread, 504, &found, &err) != GW_OK)
        fail_msg("%s", err.text);
    assert_string_equal(found.release, release);
    assert_int_equal(found.is_old, is_old);
}

static void assert_refused(const char *ident, bool has_closethread, int version, const char *why)
{
    struct gw_interpreter found;
    struct gw_err err = {""};

    assert_int_equal(judge(ident, has_closethread, version, &found, &err), GW_E_SCRIPT);
    if (strstr(err.text, why) == NULL)
        fail_msg("%s", err.text);
}

static void interpreter__release__decides(void **state)
{
    (void)state;
    assert_taken(IDENT("5.4.4"), false, "5.4.4", true);
    assert_taken(IDENT("5.4.5"), false, "5.4.5", true);
    assert_taken(IDENT("5.4.6"), true, "5.4.6", false);
    assert_taken(IDENT("5.4.8"), true, "5.4.8", false);
    assert_taken(IDENT("5.4.12"), true, "5.4.12", false);
    assert_refused(IDENT("5.4.3"), false, 504, "5.4.4 is the oldest");
    assert_refused(IDENT("5.4.0"), false, 504, "5.4.4 is the oldest");
}

static void interpreter__other_version__is_refused(void **state)
{
    (void)state;
    assert_refused(IDENT("5.3.6"), false, 503, "built for Lua 5.4, and the interpreter is 5.3");
    assert_refused(IDENT("5.5.0"), true, 505, "built for Lua 5.4, and the interpreter is 5.5");
    assert_refused(IDENT("5.5.0"), true, 504, "the interpreter is 5.5"); /* they contradict each other */
    assert_refused(NULL, true, 505, "the interpreter is 5.5");
}

static void interpreter__hidden_release__is_told_by_what_it_has(void **state)
{
    static const char *const hidden[] = {
        NULL, "", IDENT("5.4"), IDENT("5.4.x"), IDENT("5.4.6.1"), IDENT("5.4.-1"), "LuaJIT 2", "Lua 5."};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(hidden); i++) {
        assert_taken(hidden[i], true, "5.4.6 or later", false);
        assert_refused(hidden[i], false, 504, "doesn't say which release it is");
    }
}

static void interpreter__this_one__is_taken(void **state)
{
    struct gw_interpreter found;
    struct gw_err err = {""};

    (void)state;
    if (gw_interpreter_check(&found, &err) != GW_OK)
        fail_msg("%s", err.text);
    assert_memory_equal(found.release, "5.4.", 4);
}

static int open_with_surprise(lua_State *L)
{
    luaopen_base(L);
    lua_pushcfunction(L, luaopen_os);
    lua_setfield(L, -2, "system");
    return 1;
}

static int open_with_number(lua_State *L)
{
    luaopen_math(L);
    lua_pushboolean(L, 1);
    lua_rawseti(L, -2, 1);
    return 1;
}

static int open_without(lua_State *L)
{
    luaopen_math(L);
    lua_pushnil(L);
    lua_setfield(L, -2, "ult");
    return 1;
}

static int open_with_metamethod(lua_State *L)
{
    luaopen_string(L);
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushcfunction(L, luaopen_os);
    lua_setfield(L, -2, "__call");
    lua_settop(L, 1);
    return 1;
}

static void assert_differs(const char *library, lua_CFunction open, const char *why)
{
    struct gw_interpreter_library one = {library, open};
    struct gw_err err = {""};

    assert_int_equal(gw_interpreter_compare(&one, 1, &err), GW_E_SCRIPT);
    if (strstr(err.text, why) == NULL)
        fail_msg("%s", err.text);
}

static void interpreter__unknown_name__is_refused_by_name(void **state)
{
    (void)state;
    assert_differs("base", open_with_surprise, "'system' in base");
    assert_differs("math", open_with_number, "'number' in math");
    assert_differs("string", open_with_metamethod, "'__call' in string metatable");
    assert_differs("table", luaopen_os, "in table");
    assert_differs("math", open_without, "no 'ult' in math");
}

/* Where Lua code finds a name of that library. */
static const char *prefix_of(const char *library)
{
    static char prefix[32];

    if (strcmp(library, "base") == 0)
        return "";
    (void)snprintf(prefix, sizeof(prefix), "%s.", library);
    return prefix;
}

/* Each name in the sandbox: offered and replaced ones are there, the others raise. */
static void interpreter__list__is_what_the_sandbox_does(void **state)
{
    struct gw_buf body;
    struct bench bench;

    (void)state;
    gw_buf_init(&body, (size_t)64 << 10);
    gw_buf_append_lit(&body,
                      "return { name = 'p', authorize = function()\nlocal function has(f) return pcall(f) end\n");
    for (size_t i = 0; i < gw_interpreter_name_count; i++) {
        const struct gw_interpreter_name *row = &gw_interpreter_names[i];

        if (strcmp(row->library, "string metatable") == 0)
            continue;
        gw_buf_printf(&body, "if has(function() return %s%s end) ~= %s then error('%s.%s') end\n",
                      prefix_of(row->library), row->name, row->fate == GW_INTERPRETER_LEFT_OUT ? "false" : "true",
                      row->library, row->name);
    }
    gw_buf_append_lit(&body, "end }\n");
    bench_init(&bench);
    gw_log_set_level(GW_LOG_WARN);
    bench_add(&bench, "p.lua", gw_arena_str(&bench.arena, gw_buf_str(&body)).at);
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    bench_fini(&bench);
    gw_buf_fini(&body);
}

/* And nothing of the shared tables is there that the list doesn't offer. */
static void interpreter__shared_tables__hold_what_is_listed(void **state)
{
    static const char *const libraries[] = {"string", "table", "math", "utf8"};
    struct gw_buf body;
    struct bench bench;

    (void)state;
    gw_buf_init(&body, (size_t)64 << 10);
    gw_buf_append_lit(&body, "local listed = {\n");
    for (size_t i = 0; i < gw_interpreter_name_count; i++) {
        if (gw_interpreter_names[i].fate != GW_INTERPRETER_LEFT_OUT)
            gw_buf_printf(&body, "['%s.%s'] = true,\n", gw_interpreter_names[i].library, gw_interpreter_names[i].name);
    }
    gw_buf_append_lit(&body, "}\nreturn { name = 'p', authorize = function()\nlocal seen = 0\n");
    for (size_t i = 0; i < GW_COUNT(libraries); i++)
        gw_buf_printf(&body,
                      "for name in pairs(%s) do\nseen = seen + 1\n"
                      "if not listed['%s.' .. name] then error(name) end\nend\n",
                      libraries[i], libraries[i]);
    gw_buf_append_lit(&body, "if seen < 50 then error('only ' .. seen) end\nend }\n");
    bench_init(&bench);
    gw_log_set_level(GW_LOG_WARN);
    bench_add(&bench, "p.lua", gw_arena_str(&bench.arena, gw_buf_str(&body)).at);
    bench_load(&bench);
    assert_int_equal(bench_authorize(&bench), GW_POLICY_DONE);
    bench_fini(&bench);
    gw_buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interpreter__release__decides),
        cmocka_unit_test(interpreter__other_version__is_refused),
        cmocka_unit_test(interpreter__hidden_release__is_told_by_what_it_has),
        cmocka_unit_test(interpreter__this_one__is_taken),
        cmocka_unit_test(interpreter__unknown_name__is_refused_by_name),
        cmocka_unit_test(interpreter__list__is_what_the_sandbox_does),
        cmocka_unit_test(interpreter__shared_tables__hold_what_is_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
