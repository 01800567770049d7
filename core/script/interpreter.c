/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter's release is read from the text that every Lua carries, because
 * lua.h's is that of the build; where a library hides it, a function that came with
 * 5.4.6 tells on which side of the line it is. The names are compared in a
 * throw-away state that has nothing but them.
 *
 * sandbox.c decides what scripts reach; the list here says of each name of Lua's
 * that this decision was taken, and a test holds the two together.
 */
#include "script/interpreter.h"

#include <lualib.h>
#include <stdio.h>

#include "script/host.h"

#define OLDEST      4 /* 5.4.x: older ones aren't taken */
#define UNTROUBLED  6 /* older ones come with a warning */
#define STATE_BYTES ((size_t)1 << 20)
#define CPU_NS      ((int64_t)1000000000)

const char gw_interpreter_warning[] =
    "is older than 5.4.6, which mended errors of the interpreter that scripts can reach (its stack while errors are "
    "handled, a stale pointer in lua_settop, wrong code for a constant _ENV): take a newer one, unless your "
    "distribution "
    "has mended these";

/* Weak: a library without them, or another than lua.h is of, can still be told apart. */
#pragma weak lua_ident
#pragma weak lua_closethread
#if LUA_VERSION_RELEASE_NUM < 50406
extern int lua_closethread(lua_State *L, lua_State *from);
#endif

#define ROW(library, name, fate)                                                                                       \
    {                                                                                                                  \
        library, name, GW_INTERPRETER_##fate                                                                           \
    }

/* 5.4.0 to 5.4.8, what LUA_COMPAT_5_3 and LUA_COMPAT_MATHLIB add included. */
const struct gw_interpreter_name gw_interpreter_names[] = {
    ROW("base", "assert", OFFERED),
    ROW("base", "error", OFFERED),
    ROW("base", "getmetatable", OFFERED),
    ROW("base", "ipairs", OFFERED),
    ROW("base", "next", OFFERED),
    ROW("base", "pairs", OFFERED),
    ROW("base", "rawequal", OFFERED),
    ROW("base", "rawget", OFFERED),
    ROW("base", "rawlen", OFFERED),
    ROW("base", "type", OFFERED),
    ROW("base", "pcall", REPLACED),
    ROW("base", "print", REPLACED),
    ROW("base", "rawset", REPLACED),
    ROW("base", "select", REPLACED),
    ROW("base", "setmetatable", REPLACED),
    ROW("base", "tonumber", REPLACED),
    ROW("base", "tostring", REPLACED),
    ROW("base", "_VERSION", REPLACED),
    ROW("base", "_G", LEFT_OUT),
    ROW("base", "collectgarbage", LEFT_OUT),
    ROW("base", "dofile", LEFT_OUT),
    ROW("base", "load", LEFT_OUT),
    ROW("base", "loadfile", LEFT_OUT),
    ROW("base", "warn", LEFT_OUT),
    ROW("base", "xpcall", LEFT_OUT),
    ROW("string", "byte", REPLACED),
    ROW("string", "char", REPLACED),
    ROW("string", "find", REPLACED),
    ROW("string", "format", REPLACED),
    ROW("string", "gmatch", REPLACED),
    ROW("string", "gsub", REPLACED),
    ROW("string", "len", REPLACED),
    ROW("string", "lower", REPLACED),
    ROW("string", "match", REPLACED),
    ROW("string", "rep", REPLACED),
    ROW("string", "reverse", REPLACED),
    ROW("string", "sub", REPLACED),
    ROW("string", "upper", REPLACED),
    ROW("string", "dump", LEFT_OUT),
    ROW("string", "pack", LEFT_OUT),
    ROW("string", "packsize", LEFT_OUT),
    ROW("string", "unpack", LEFT_OUT),
    ROW("string metatable", "__index", REPLACED),
    ROW("string metatable", "__add", LEFT_OUT),
    ROW("string metatable", "__div", LEFT_OUT),
    ROW("string metatable", "__idiv", LEFT_OUT),
    ROW("string metatable", "__mod", LEFT_OUT),
    ROW("string metatable", "__mul", LEFT_OUT),
    ROW("string metatable", "__pow", LEFT_OUT),
    ROW("string metatable", "__sub", LEFT_OUT),
    ROW("string metatable", "__unm", LEFT_OUT),
    ROW("table", "concat", REPLACED),
    ROW("table", "insert", REPLACED),
    ROW("table", "move", REPLACED),
    ROW("table", "pack", REPLACED),
    ROW("table", "remove", REPLACED),
    ROW("table", "sort", REPLACED),
    ROW("table", "unpack", REPLACED),
    ROW("math", "abs", OFFERED),
    ROW("math", "acos", OFFERED),
    ROW("math", "asin", OFFERED),
    ROW("math", "atan", OFFERED),
    ROW("math", "ceil", OFFERED),
    ROW("math", "cos", OFFERED),
    ROW("math", "deg", OFFERED),
    ROW("math", "exp", OFFERED),
    ROW("math", "floor", OFFERED),
    ROW("math", "fmod", OFFERED),
    ROW("math", "huge", OFFERED),
    ROW("math", "log", OFFERED),
    ROW("math", "max", OFFERED),
    ROW("math", "maxinteger", OFFERED),
    ROW("math", "min", OFFERED),
    ROW("math", "mininteger", OFFERED),
    ROW("math", "modf", OFFERED),
    ROW("math", "pi", OFFERED),
    ROW("math", "rad", OFFERED),
    ROW("math", "sin", OFFERED),
    ROW("math", "sqrt", OFFERED),
    ROW("math", "tan", OFFERED),
    ROW("math", "tointeger", OFFERED),
    ROW("math", "type", OFFERED),
    ROW("math", "ult", OFFERED),
    ROW("math", "random", LEFT_OUT),
    ROW("math", "randomseed", LEFT_OUT),
    ROW("math", "cosh", LEFT_OUT),
    ROW("math", "frexp", LEFT_OUT),
    ROW("math", "ldexp", LEFT_OUT),
    ROW("math", "log10", LEFT_OUT),
    ROW("math", "pow", LEFT_OUT),
    ROW("math", "sinh", LEFT_OUT),
    ROW("math", "tanh", LEFT_OUT),
    ROW("math", "atan2", LEFT_OUT),
    ROW("utf8", "char", REPLACED),
    ROW("utf8", "charpattern", REPLACED),
    ROW("utf8", "codepoint", REPLACED),
    ROW("utf8", "codes", REPLACED),
    ROW("utf8", "len", REPLACED),
    ROW("utf8", "offset", LEFT_OUT),
};
const size_t gw_interpreter_name_count = GW_COUNT(gw_interpreter_names);

static const struct gw_interpreter_name *find_name(const char *library, const char *name)
{
    for (size_t i = 0; i < gw_interpreter_name_count; i++) {
        const struct gw_interpreter_name *row = &gw_interpreter_names[i];
        if (strcmp(row->library, library) == 0 && strcmp(row->name, name) == 0)
            return row;
    }
    return NULL;
}

/* The table on top holds no name that isn't in the list. */
static void check_names(lua_State *L, const char *library)
{
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pop(L, 1);
        const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1);
        if (lua_type(L, -1) != LUA_TSTRING || find_name(library, name) == NULL)
            luaL_error(
                L,
                "this Lua has '%s' in %s, which this version of eksgate doesn't know: nobody has decided whether "
                "policies may have it",
                name, library);
    }
}

/* The table on top holds what is offered as it is. */
static void check_offered(lua_State *L, const char *library)
{
    for (size_t i = 0; i < gw_interpreter_name_count; i++) {
        const struct gw_interpreter_name *row = &gw_interpreter_names[i];
        if (row->fate != GW_INTERPRETER_OFFERED || strcmp(row->library, library) != 0)
            continue;
        if (lua_getfield(L, -1, row->name) == LUA_TNIL)
            luaL_error(L, "this Lua has no '%s' in %s, which policies are offered", row->name, library);
        lua_pop(L, 1);
    }
}

struct comparison {
    const struct gw_interpreter_library *libraries;
    size_t count;
};

static int l_compare(lua_State *L)
{
    const struct comparison *comparison = lua_touserdata(L, 1);
    for (size_t i = 0; i < comparison->count; i++) {
        const struct gw_interpreter_library *library = &comparison->libraries[i];
        lua_pushcfunction(L, library->open);
        gw_host_invoke(L, 0, 1);
        luaL_checktype(L, -1, LUA_TTABLE);
        check_names(L, library->name);
        check_offered(L, library->name);
        lua_settop(L, 1);
    }
    lua_pushliteral(L, "");
    if (lua_getmetatable(L, -1))
        check_names(L, "string metatable");
    return 0;
}

enum gw_status gw_interpreter_compare(const struct gw_interpreter_library *libraries, size_t count, struct gw_err *err)
{
    struct comparison comparison = {libraries, count};
    struct gw_host_budget budget = {.memory = STATE_BYTES, .cpu_ns = CPU_NS};
    struct gw_host *host = gw_host_new(STATE_BYTES);
    struct gw_err why;
    enum gw_host_outcome outcome = gw_host_run(host, l_compare, &comparison, &budget, &why);
    gw_host_free(&host);
    return outcome == GW_HOST_OK ? GW_OK : gw_fail(err, GW_E_SCRIPT, "lua: %s", why.text);
}

/* "... Lua 5.4.4  Copyright ..." to its three numbers. */
static bool parse_ident(const char *ident, unsigned numbers[3])
{
    const char *at = ident == NULL ? NULL : strstr(ident, "Lua 5.");
    struct gw_str text;
    uint64_t number;
    if (at == NULL)
        return false;
    text = gw_str_from(at + 4);
    text = gw_str_split(&text, ' ');
    for (int i = 0; i < 3; i++) {
        if (gw_str_parse_u64(gw_str_split(&text, '.'), 99, &number) != GW_OK)
            return false;
        numbers[i] = (unsigned)number;
    }
    return text.at == NULL;
}

enum gw_status gw_interpreter_judge(const struct gw_interpreter_facts *facts, struct gw_interpreter *found,
                                    struct gw_err *err)
{
    unsigned numbers[3] = {0};
    bool is_told = parse_ident(facts->ident, numbers);
    if (facts->version != LUA_VERSION_NUM || (is_told && numbers[0] * 100 + numbers[1] != LUA_VERSION_NUM))
        return gw_fail(
            err, GW_E_SCRIPT, "lua: this eksgate was built for " LUA_VERSION ", and the interpreter is %d.%d",
            is_told ? (int)numbers[0] : facts->version / 100, is_told ? (int)numbers[1] : facts->version % 100);
    if (!is_told && !facts->has_closethread)
        return gw_fail(err, GW_E_SCRIPT,
                       "lua: the interpreter doesn't say which release it is, and it is older than 5.4.6");
    if (is_told && numbers[2] < OLDEST)
        return gw_fail(err, GW_E_SCRIPT, "lua: the interpreter is Lua 5.4.%u; 5.4.%d is the oldest that is accepted",
                       numbers[2], OLDEST);
    found->is_old = is_told && numbers[2] < UNTROUBLED;
    if (is_told)
        (void)snprintf(found->release, sizeof found->release, "%u.%u.%u", numbers[0], numbers[1], numbers[2]);
    else
        (void)snprintf(found->release, sizeof found->release, "5.4.%d or later", UNTROUBLED);
    return GW_OK;
}

enum gw_status gw_interpreter_check(struct gw_interpreter *found, struct gw_err *err)
{
    static const struct gw_interpreter_library libraries[] = {
        {"base", luaopen_base}, {"string", luaopen_string}, {"table", luaopen_table},
        {"math", luaopen_math}, {"utf8", luaopen_utf8},
    };
    struct gw_interpreter_facts facts = {
        .ident = lua_ident, .has_closethread = lua_closethread != NULL, .version = (int)lua_version(NULL)};
    enum gw_status status = gw_interpreter_judge(&facts, found, err);
    return status == GW_OK ? gw_interpreter_compare(libraries, GW_COUNT(libraries), err) : status;
}
