/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate.log: lines for the operator, at a level. A request gets a few of them;
 * the last one says that more are dropped.
 */
#include "script/bind.h"
#include "script/sandbox.h"

#define BYTES_MAX 512
#define LINES_MAX 16
#define STEPS     1000

/* Whose lines were counted last; userdata, the functions' upvalue. */
struct tally {
    char request[40];
    unsigned lines;
};

/* The lines of this request, this one among them. */
static unsigned count_line(struct tally *tally, const struct gw_sandbox *sandbox)
{
    char id[sizeof tally->request] = "";
    struct gw_str text = sandbox->call == NULL ? GW_STR_NONE : sandbox->call->request->request_id;
    text = gw_str_slice(text, 0, sizeof id - 1);
    if (text.length > 0)
        memcpy(id, text.at, text.length);
    if (memcmp(id, tally->request, sizeof id) != 0) {
        memcpy(tally->request, id, sizeof id);
        tally->lines = 0;
    }
    if (tally->lines <= LINES_MAX)
        tally->lines++;
    return tally->lines;
}

static int write_line(lua_State *L, enum gw_log_level level)
{
    int count = lua_gettop(L);
    luaL_Buffer out;
    gw_host_charge(L, STEPS);
    luaL_buffinit(L, &out);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&out, ' ');
        gw_bind_push_text(L, i);
        luaL_addvalue(&out);
    }
    luaL_pushresult(&out);
    struct gw_str text;
    text.at = lua_tolstring(L, -1, &text.length);
    const struct gw_sandbox *sandbox = gw_sandbox_of(L);
    unsigned line = count_line(lua_touserdata(L, lua_upvalueindex(1)), sandbox);
    if (sandbox->print == NULL || line > LINES_MAX)
        return 0;
    sandbox->print(sandbox->ctx, level, gw_str_slice(text, 0, BYTES_MAX));
    if (line == LINES_MAX)
        sandbox->print(sandbox->ctx, GW_LOG_WARN, GW_STR("further lines of this request are dropped"));
    return 0;
}

static int l_log_info(lua_State *L)
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
    {"info", l_log_info, "512 bytes, 1,000 steps; 16 lines per request"},
    {"warn", l_log_warn, "the same"},
    {"error", l_log_error, "the same"},
    {NULL, NULL, NULL},
};

void gw_bind_log_push(lua_State *L)
{
    lua_createtable(L, 0, 4);
    struct tally *tally = lua_newuserdatauv(L, sizeof *tally, 0);
    *tally = (struct tally){.lines = 0};
    for (const struct gw_bind_entry *entry = entries; entry->name != NULL; entry++) {
        lua_pushvalue(L, -1);
        lua_pushcclosure(L, entry->function, 1);
        lua_setfield(L, -3, entry->name);
    }
    lua_pop(L, 1);
}
