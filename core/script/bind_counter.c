/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate.counter: base/counters.h for policies. Counters belong to the policy
 * whose hook runs, by its name. The time is the request's.
 */
#include "script/bind.h"
#include "script/sandbox.h"

#define KEY_MAX  128
#define STEPS    200   /* a lock, three hashes and a look-up */
#define WAIT_MAX 86400 /* the longest Retry-After */

static struct gw_counters *check_counters(lua_State *L, const char *what)
{
    const struct gw_sandbox *sandbox = gw_sandbox_of(L);
    gw_host_charge(L, STEPS);
    if (sandbox->services == NULL || sandbox->services->counters == NULL)
        luaL_error(L, "%s: nothing is counted here", what);
    return sandbox->services->counters;
}

static struct gw_counters_name check_name(lua_State *L, const char *what)
{
    struct gw_counters_name name = {.owner = gw_sandbox_of(L)->policy};
    if (lua_type(L, 1) != LUA_TSTRING)
        luaL_error(L, "%s: the key must be a text, not a %s", what, luaL_typename(L, 1));
    name.key.at = lua_tolstring(L, 1, &name.key.length);
    if (name.key.length < 1 || name.key.length > KEY_MAX)
        luaL_error(L, "%s: the key must have 1 to %d bytes", what, KEY_MAX);
    return name;
}

static void check_options(lua_State *L, const char *what, const char *const *names, size_t count)
{
    if (lua_type(L, 2) != LUA_TTABLE)
        luaL_error(L, "%s: the second argument must be a table such as { per = 60 }", what);
    gw_bind_check_names(L, 2, what, names, count);
}

static void check_status(lua_State *L, const char *what, enum gw_status status)
{
    if (status == GW_E_LIMIT)
        luaL_error(L, "%s: there are %d counters already", what, GW_COUNTERS_MAX);
    if (status != GW_OK)
        luaL_error(L, "%s: out of range", what);
}

static int64_t wait_of(uint64_t seconds)
{
    return seconds < WAIT_MAX ? (int64_t)seconds : WAIT_MAX;
}

static int l_counter_add(lua_State *L)
{
    static const char what[] = "counter.add";
    static const char *const names[] = {"per", "amount"};
    uint64_t total = 0;
    struct gw_counters *counters = check_counters(L, what);
    int64_t now = gw_bind_now(L, what);
    struct gw_counters_name name = check_name(L, what);
    check_options(L, what, names, GW_COUNT(names));
    lua_Integer per = gw_bind_integer_of(L, 2, what, "per", 1, GW_COUNTERS_PER_MAX, 0);
    lua_Integer amount = gw_bind_integer_of(L, 2, what, "amount", 0, GW_COUNTERS_AMOUNT_MAX, 1);
    check_status(L, what, gw_counters_add(counters, &name, now, (uint64_t)per, (uint64_t)amount, &total));
    lua_pushinteger(L, (lua_Integer)total);
    lua_pushinteger(L, wait_of((uint64_t)(per - now % per)));
    return 2;
}

static int l_counter_take(lua_State *L)
{
    static const char what[] = "counter.take";
    static const char *const names[] = {"rate", "per", "burst", "amount"};
    uint64_t wait = 0;
    struct gw_counters *counters = check_counters(L, what);
    int64_t now = gw_bind_now(L, what);
    struct gw_counters_name name = check_name(L, what);
    check_options(L, what, names, GW_COUNT(names));
    lua_Integer rate = gw_bind_integer_of(L, 2, what, "rate", 1, GW_COUNTERS_RATE_MAX, 0);
    lua_Integer per = gw_bind_integer_of(L, 2, what, "per", 1, GW_COUNTERS_PER_MAX, 0);
    lua_Integer burst = gw_bind_integer_of(L, 2, what, "burst", 1, GW_COUNTERS_RATE_MAX, rate);
    lua_Integer amount = gw_bind_integer_of(L, 2, what, "amount", 1, burst, 1);
    struct gw_counters_bucket bucket = {(uint64_t)rate, (uint64_t)per, (uint64_t)burst};
    check_status(L, what, gw_counters_take(counters, &name, now, &bucket, (uint64_t)amount, &wait));
    lua_pushboolean(L, wait == 0);
    lua_pushinteger(L, wait_of(wait));
    return 2;
}

static const struct gw_bind_entry entries[] = {
    {"add", l_counter_add, "one look-up, 200 steps"},
    {"take", l_counter_take, "one look-up, 200 steps"},
    {NULL, NULL, NULL},
};

void gw_bind_counter_push(lua_State *L)
{
    gw_bind_push_entries(L, entries);
}
