/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate.time: instants as whole seconds since 1970, and weekly windows. "Now"
 * is when the request came: no function reads a clock, so that an answer can be
 * repeated. Offsets are fixed; there is no time zone data.
 */
#include "codec/time.h"
#include "script/bind.h"

#define LAST_S         INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define DAY_S          86400
#define MINUTES_OF_DAY 1440

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* A window in minutes of the week's days; from > to passes midnight. */
struct window {
    unsigned days; /* bit per day on which it begins, Monday first */
    int from;
    int to; /* up to MINUTES_OF_DAY */
    int offset_s;
};

/* The instant at `index`, or that of the request. */
static int64_t check_instant(lua_State *L, int index, const char *what)
{
    if (lua_isnoneornil(L, index))
        return gw_bind_now(L, what);
    int is_integer = 0;
    lua_Integer seconds = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &is_integer) : 0;
    if (!is_integer || seconds < 0 || seconds > LAST_S)
        luaL_error(L, "%s: an instant must be whole seconds since 1970, up to the year 9999", what);
    return seconds;
}

/* "07:05" with hours up to `hours_max`; false when it is none. */
static bool read_clock(struct gw_str text, unsigned hours_max, int *minutes)
{
    uint64_t hour;
    uint64_t minute;
    if (text.length != 5 || text.at[2] != ':' ||
        gw_str_parse_u64(gw_str_slice(text, 0, 2), hours_max, &hour) != GW_OK ||
        gw_str_parse_u64(gw_str_slice(text, 3, 2), 59, &minute) != GW_OK)
        return false;
    *minutes = (int)(hour * 60 + minute);
    return true;
}

/* "Z", "+02:00", "-09:30"; absent: UTC. In seconds. */
static int read_offset(lua_State *L, struct gw_str text, const char *what)
{
    int minutes = 0;
    if (text.at == NULL || gw_str_is(text, "Z"))
        return 0;
    if (text.length != 6 || (text.at[0] != '+' && text.at[0] != '-') ||
        !read_clock(gw_str_slice(text, 1, SIZE_MAX), 23, &minutes))
        luaL_error(L, "%s: an offset must be like \"+02:00\", \"-09:30\" or \"Z\"", what);
    return (text.at[0] == '-' ? -60 : 60) * minutes;
}

static int check_offset(lua_State *L, int index, const char *what)
{
    struct gw_str text = GW_STR_NONE;
    if (lua_isnoneornil(L, index))
        return 0;
    if (lua_type(L, index) != LUA_TSTRING)
        luaL_error(L, "%s: an offset must be like \"+02:00\", \"-09:30\" or \"Z\"", what);
    text.at = lua_tolstring(L, index, &text.length);
    return read_offset(L, text, what);
}

/* The instant at 1 as seconds of the clock that the offset at 2 sets; never before 1970 or after 9999. */
static int64_t check_local(lua_State *L, const char *what)
{
    int64_t local = check_instant(L, 1, what) + check_offset(L, 2, what);
    return local < 0 ? 0 : local > LAST_S ? LAST_S : local;
}

/* 0: Monday. The first of January 1970 was a Thursday. */
static unsigned weekday_of(int64_t local)
{
    return (unsigned)((local / DAY_S + 3) % 7);
}

static int l_time_now(lua_State *L)
{
    lua_pushinteger(L, gw_bind_now(L, "time.now"));
    return 1;
}

static int l_time_parse(lua_State *L)
{
    struct gw_str text = GW_STR_NONE;
    int64_t ms = 0;
    if (lua_type(L, 1) == LUA_TSTRING)
        text.at = lua_tolstring(L, 1, &text.length);
    if (text.at == NULL || gw_time_parse_iso(text, &ms) != GW_OK)
        luaL_pushfail(L);
    else
        lua_pushinteger(L, ms / 1000);
    return 1;
}

static int l_time_format(lua_State *L)
{
    char text[24];
    int offset_s = check_offset(L, 2, "time.format");
    int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    gw_time_iso_seconds(check_local(L, "time.format") * 1000, text);
    if (offset_s == 0)
        lua_pushstring(L, text);
    else
        lua_pushfstring(L, "%s%s%d%d:%d%d", lua_pushlstring(L, text, 19), offset_s < 0 ? "-" : "+", minutes / 600,
                        minutes / 60 % 10, minutes % 60 / 10, minutes % 10);
    return 1;
}

static int l_time_date(lua_State *L)
{
    char text[24];
    gw_time_iso_seconds(check_local(L, "time.date") * 1000, text);
    lua_pushlstring(L, text, 10);
    return 1;
}

static int l_time_weekday(lua_State *L)
{
    lua_pushstring(L, day_names[weekday_of(check_local(L, "time.weekday"))]);
    return 1;
}

static int l_time_hour(lua_State *L)
{
    lua_pushinteger(L, check_local(L, "time.hour") / 3600 % 24);
    return 1;
}

static int l_time_minute(lua_State *L)
{
    lua_pushinteger(L, check_local(L, "time.minute") / 60 % 60);
    return 1;
}

static unsigned read_day(lua_State *L, const char *what)
{
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    for (unsigned i = 0; i < GW_COUNT(day_names); i++) {
        if (strcmp(name, day_names[i]) == 0)
            return 1U << i;
    }
    luaL_error(L, "%s: 'days' must be a list of mon, tue, wed, thu, fri, sat and sun", what);
    return 0;
}

static unsigned read_days(lua_State *L, int index, const char *what)
{
    unsigned days = 0;
    lua_pushliteral(L, "days");
    int type = lua_rawget(L, index);
    if (type == LUA_TNIL)
        return (1U << GW_COUNT(day_names)) - 1;
    size_t count = type == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
    if (count < 1 || count > GW_COUNT(day_names))
        luaL_error(L, "%s: 'days' must be a list of mon, tue, wed, thu, fri, sat and sun", what);
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i);
        days |= read_day(L, what);
        lua_pop(L, 1);
    }
    return days;
}

static int read_edge(lua_State *L, int index, const char *what, const char *name, int absent)
{
    int minutes = absent;
    struct gw_str text = gw_bind_text_of(L, index, what, name);
    if (text.at != NULL && !read_clock(text, 23, &minutes) && !(gw_str_is(text, "24:00") && absent == MINUTES_OF_DAY))
        luaL_error(L, "%s: '%s' must be like \"22:00\"", what, name);
    return gw_str_is(text, "24:00") ? MINUTES_OF_DAY : minutes;
}

/* The window described by the table at 1. */
static struct window read_window(lua_State *L, const char *what)
{
    static const char *const names[] = {"days", "from", "to", "offset"};
    if (lua_type(L, 1) != LUA_TTABLE)
        luaL_error(L, "%s: a window is a table such as { days = { \"sat\" }, from = \"22:00\", to = \"04:00\" }", what);
    gw_bind_check_names(L, 1, what, names, GW_COUNT(names));
    struct window window = {
        .days = read_days(L, 1, what),
        .from = read_edge(L, 1, what, "from", 0),
        .to = read_edge(L, 1, what, "to", MINUTES_OF_DAY),
        .offset_s = read_offset(L, gw_bind_text_of(L, 1, what, "offset"), what),
    };
    if (window.from == window.to)
        luaL_error(L, "%s: 'from' and 'to' are the same; leave both out for the whole day", what);
    return window;
}

static bool holds(const struct window *window, int64_t instant)
{
    int64_t local = instant + window->offset_s + 7 * DAY_S; /* a week later is the same, and never negative */
    int minute = (int)(local / 60 % MINUTES_OF_DAY);
    unsigned today = weekday_of(local);
    unsigned yesterday = (today + 6) % 7;
    if (window->from < window->to)
        return (window->days >> today & 1) != 0 && minute >= window->from && minute < window->to;
    return ((window->days >> today & 1) != 0 && minute >= window->from) ||
           ((window->days >> yesterday & 1) != 0 && minute < window->to);
}

static int l_time_window_holds(lua_State *L)
{
    struct window window = {
        .days = (unsigned)lua_tointeger(L, lua_upvalueindex(1)),
        .from = (int)lua_tointeger(L, lua_upvalueindex(2)),
        .to = (int)lua_tointeger(L, lua_upvalueindex(3)),
        .offset_s = (int)lua_tointeger(L, lua_upvalueindex(4)),
    };
    lua_pushboolean(L, holds(&window, check_instant(L, 1, "time.window")));
    return 1;
}

static int l_time_window(lua_State *L)
{
    struct window window = read_window(L, "time.window");
    lua_pushinteger(L, window.days);
    lua_pushinteger(L, window.from);
    lua_pushinteger(L, window.to);
    lua_pushinteger(L, window.offset_s);
    lua_pushcclosure(L, l_time_window_holds, 4);
    return 1;
}

static int l_time_within(lua_State *L)
{
    lua_settop(L, 2);
    struct window window = read_window(L, "time.within");
    lua_pushboolean(L, holds(&window, check_instant(L, 2, "time.within")));
    return 1;
}

static const struct gw_bind_entry entries[] = {
    {"now", l_time_now, "constant"},
    {"parse", l_time_parse, "reads at most 35 bytes"},
    {"format", l_time_format, "constant"},
    {"date", l_time_date, "constant"},
    {"weekday", l_time_weekday, "constant"},
    {"hour", l_time_hour, "constant"},
    {"minute", l_time_minute, "constant"},
    {"window", l_time_window, "at most 7 days, 4 names"},
    {"within", l_time_within, "at most 7 days, 4 names"},
    {NULL, NULL, NULL},
};

void gw_bind_time_push(lua_State *L)
{
    gw_bind_push_entries(L, entries);
}
