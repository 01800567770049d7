/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print and eksgate.log: lines for the operator, at a level. A request gets a few
 * of them; behind the last one a line says that more are dropped.
 */
#include "script/bind.h"
#include "script/sandbox.h"

#define BYTES_MAX 512
#define LINES_MAX 16
#define STEPS     1000

static void push_line(lua_State *L)
{
    int count = lua_gettop(L);
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&out, ' ');
        gw_bind_push_text(L, i);
        luaL_addvalue(&out);
    }
    luaL_pushresult(&out);
}

/* How many the request has left, this one among them. What is loaded is bounded by its time. */
static unsigned take_line(struct gw_policy_call *call)
{
    if (call == NULL)
        return LINES_MAX;
    if (call->lines == LINES_MAX)
        return 0;
    return LINES_MAX - call->lines++;
}

static int write_line(lua_State *L, enum gw_log_level level)
{
    const struct gw_sandbox *sandbox = gw_sandbox_of(L);
    struct gw_str text;
    unsigned left;
    gw_host_charge(L, STEPS);
    push_line(L);
    left = take_line(sandbox->call);
    if (sandbox->print == NULL || left == 0)
        return 0;
    text.at = lua_tolstring(L, -1, &text.length);
    sandbox->print(sandbox->ctx, level, gw_str_slice(text, 0, BYTES_MAX));
    if (left == 1)
        sandbox->print(sandbox->ctx, GW_LOG_WARN, GW_STR("further lines of this request are dropped"));
    return 0;
}

int gw_bind_l_print(lua_State *L)
{
    return write_line(L, GW_LOG_INFO);
}

static int l_log_warn(lua_State *L)
{
    return write_line(L, GW_LOG_WARN);
}

static int l_log_error(lua_State *L)
{
    return write_line(L, GW_LOG_ERROR);
}

static const struct gw_bind_entry entries[] = {
    {"info", gw_bind_l_print, "512 bytes, 1,000 steps; 16 lines per request, print's among them"},
    {"warn", l_log_warn, "the same"},
    {"error", l_log_error, "the same"},
    {NULL, NULL, NULL},
};

void gw_bind_log_push(lua_State *L)
{
    gw_bind_push_entries(L, entries);
}
