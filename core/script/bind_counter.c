/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate.counter: base/counters.h for policies. Counters belong to the policy
 * whose hook runs, by its name. The time is the request's. What a request has
 * counted is remembered, so that policies which are asked anew get the same
 * answers and it counts once.
 */
#include "script/bind.h"
#include "script/sandbox.h"

#define KEY_MAX    128
#define STEPS      200   /* a lock, three hashes and a look-up */
#define COUNTS_MAX 64    /* of one request */
#define WAIT_MAX   86400 /* the longest Retry-After */

/* One call of a function here, by its arguments. */
struct gw_policy_count {
    struct gw_policy_count *next;
    const char *what;
    struct gw_str policy;
    struct gw_str key;
    uint64_t numbers[4]; /* rate, per, burst, amount */
    unsigned pass;       /* in which it was asked for last */
    uint64_t result;     /* the total, or the seconds to wait */
};

static bool is_same(const struct gw_policy_count *a, const struct gw_policy_count *b)
{
    return a->what == b->what && gw_str_equal(a->policy, b->policy) && gw_str_equal(a->key, b->key) &&
           memcmp(a->numbers, b->numbers, sizeof a->numbers) == 0;
}

/* The same call of an earlier pass, which this one repeats; else a new one, at the end. */
static struct gw_policy_count *find_or_add(lua_State *L, const struct gw_policy_count *wanted, bool *is_new)
{
    struct gw_policy_call *call = gw_sandbox_of(L)->call;
    struct gw_policy_count **link = &call->counts;
    size_t count = 0;
    *is_new = false;
    for (; *link != NULL; link = &(*link)->next, count++) {
        struct gw_policy_count *one = *link;
        if (one->pass == call->passes || !is_same(one, wanted))
            continue;
        one->pass = call->passes;
        return one;
    }
    if (count == COUNTS_MAX)
        luaL_error(L, "%s: more than %d times for one request", wanted->what, COUNTS_MAX);
    struct gw_policy_count *fresh = gw_arena_zero(call->arena, 1, sizeof *fresh);
    *fresh = *wanted;
    fresh->next = NULL;
    fresh->pass = call->passes;
    fresh->key = gw_arena_str(call->arena, wanted->key);
    *link = fresh;
    *is_new = true;
    return fresh;
}

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

/* Nothing is remembered of a call that failed. */
static void check_status(lua_State *L, const char *what, enum gw_status status, struct gw_policy_count *one)
{
    if (status != GW_OK)
        one->what = NULL;
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
    struct gw_counters *counters = check_counters(L, what);
    int64_t now = gw_bind_now(L, what);
    struct gw_counters_name name = check_name(L, what);
    check_options(L, what, names, GW_COUNT(names));
    lua_Integer per = gw_bind_integer_of(L, 2, what, "per", 1, GW_COUNTERS_PER_MAX, 0);
    lua_Integer amount = gw_bind_integer_of(L, 2, what, "amount", 0, GW_COUNTERS_AMOUNT_MAX, 1);
    struct gw_policy_count wanted = {
        .what = what, .policy = name.owner, .key = name.key, .numbers = {0, (uint64_t)per, 0, (uint64_t)amount}};
    bool is_new;
    struct gw_policy_count *one = find_or_add(L, &wanted, &is_new);
    if (is_new)
        check_status(L, what, gw_counters_add(counters, &name, now, (uint64_t)per, (uint64_t)amount, &one->result),
                     one);
    lua_pushinteger(L, (lua_Integer)one->result);
    lua_pushinteger(L, wait_of((uint64_t)(per - now % per)));
    return 2;
}

static int l_counter_take(lua_State *L)
{
    static const char what[] = "counter.take";
    static const char *const names[] = {"rate", "per", "burst", "amount"};
    struct gw_counters *counters = check_counters(L, what);
    int64_t now = gw_bind_now(L, what);
    struct gw_counters_name name = check_name(L, what);
    check_options(L, what, names, GW_COUNT(names));
    lua_Integer rate = gw_bind_integer_of(L, 2, what, "rate", 1, GW_COUNTERS_RATE_MAX, 0);
    lua_Integer per = gw_bind_integer_of(L, 2, what, "per", 1, GW_COUNTERS_PER_MAX, 0);
    lua_Integer burst = gw_bind_integer_of(L, 2, what, "burst", 1, GW_COUNTERS_RATE_MAX, rate);
    lua_Integer amount = gw_bind_integer_of(L, 2, what, "amount", 1, burst, 1);
    struct gw_counters_bucket bucket = {(uint64_t)rate, (uint64_t)per, (uint64_t)burst};
    struct gw_policy_count wanted = {.what = what,
                                     .policy = name.owner,
                                     .key = name.key,
                                     .numbers = {bucket.rate, bucket.per_s, bucket.burst, (uint64_t)amount}};
    bool is_new;
    struct gw_policy_count *one = find_or_add(L, &wanted, &is_new);
    if (is_new)
        check_status(L, what, gw_counters_take(counters, &name, now, &bucket, (uint64_t)amount, &one->result), one);
    lua_pushboolean(L, one->result == 0);
    lua_pushinteger(L, wait_of(one->result));
    return 2;
}

static const struct gw_bind_entry entries[] = {
    {"add", l_counter_add, "64 times a request; one look-up, 200 steps"},
    {"take", l_counter_take, "64 times a request; one look-up, 200 steps"},
    {NULL, NULL, NULL},
};

void gw_bind_counter_push(lua_State *L)
{
    gw_bind_push_entries(L, entries);
}
