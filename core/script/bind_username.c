/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate.username: codec/username.h for policies.
 */
#include "codec/username.h"

#include "script/bind.h"

#define TEXT_MAX 1024 /* of a username, in bytes: 256 characters */
#define WORD_MAX 256
#define OUT_MAX  2048

/* The text at `index`, short enough to be looked at byte by byte. */
static struct gw_str check_text(lua_State *L, int index, const char *what, size_t most)
{
    struct gw_str text;
    if (lua_type(L, index) != LUA_TSTRING)
        luaL_error(L, "%s needs a text, not a %s", what, luaL_typename(L, index));
    text.at = lua_tolstring(L, index, &text.length);
    if (text.length > most)
        luaL_error(L, "%s: a text of more than %d bytes", what, (int)most);
    gw_host_charge(L, 1 + text.length);
    return text;
}

/* Gives the buffer's memory back before anything can raise, and pushes what it held. */
static void push_and_free(lua_State *L, struct gw_buf *buf, const char *what)
{
    char copy[OUT_MAX];
    size_t length = buf->length;
    bool overflowed = buf->overflowed;
    if (length > 0)
        memcpy(copy, buf->at, length);
    gw_buf_fini(buf);
    if (overflowed)
        luaL_error(L, "%s: more than %d bytes come out", what, OUT_MAX);
    lua_pushlstring(L, copy, length);
}

static int l_username_check(lua_State *L)
{
    struct gw_err err;
    if (gw_username_check(check_text(L, 1, "username.check", TEXT_MAX), &err) == GW_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    luaL_pushfail(L);
    lua_pushstring(L, err.text);
    return 2;
}

/* What the arguments say of the session: its name at 2, a table at 3. */
static struct gw_username_session read_session(lua_State *L, const char *what)
{
    static const char *const names[] = {"account", "private_dns_name"};
    struct gw_username_session session = {.name = GW_STR_NONE};
    if (!lua_isnil(L, 2))
        session.name = check_text(L, 2, what, WORD_MAX);
    if (lua_isnil(L, 3))
        return session;
    if (lua_type(L, 3) != LUA_TTABLE)
        luaL_error(L, "%s: the third argument must be a table such as { account = \"012345678910\" }", what);
    gw_bind_check_names(L, 3, what, names, GW_COUNT(names));
    session.account = gw_bind_text_of(L, 3, what, "account");
    session.private_dns_name = gw_bind_text_of(L, 3, what, "private_dns_name");
    return session;
}

static int l_username_render(lua_State *L)
{
    static const char what[] = "username.render";
    struct gw_buf out;
    struct gw_err err;
    lua_settop(L, 3);
    struct gw_str username = check_text(L, 1, what, TEXT_MAX);
    if (gw_username_check(username, &err) != GW_OK)
        return luaL_error(L, "%s: %s", what, err.text);
    struct gw_username_session session = read_session(L, what);
    gw_host_charge(L, OUT_MAX / 4);
    gw_buf_init(&out, OUT_MAX);
    if (gw_username_render(username, &session, &out, &err) != GW_OK) {
        gw_buf_fini(&out);
        return luaL_error(L, "%s: %s", what, err.text);
    }
    push_and_free(L, &out, what);
    return 1;
}

static int l_username_sanitize(lua_State *L)
{
    struct gw_str text = check_text(L, 1, "username.sanitize", WORD_MAX);
    struct gw_buf out;
    gw_buf_init(&out, OUT_MAX);
    gw_username_sanitize(text, &out);
    push_and_free(L, &out, "username.sanitize");
    return 1;
}

static bool is_template(struct gw_str part)
{
    return gw_str_is(part, "{{SessionName}}") || gw_str_is(part, "{{SessionNameRaw}}") ||
           gw_str_is(part, "{{AccountID}}") || gw_str_is(part, "{{EC2PrivateDNSName}}");
}

static int l_username_join(lua_State *L)
{
    static const char what[] = "username.join";
    int count = lua_gettop(L);
    struct gw_buf out;
    struct gw_err err;
    for (int i = 1; i <= count; i++) {
        if (check_text(L, i, what, WORD_MAX).length == 0)
            return luaL_error(L, "%s: part %d is empty", what, i);
    }
    gw_buf_init(&out, OUT_MAX);
    for (int i = 1; i <= count; i++) {
        struct gw_str part;
        part.at = lua_tolstring(L, i, &part.length); /* a text: converts nothing, raises nothing */
        if (i > 1)
            gw_buf_append_byte(&out, ':');
        if (is_template(part))
            gw_buf_append_str(&out, part);
        else
            gw_username_sanitize(part, &out);
    }
    push_and_free(L, &out, what);
    struct gw_str username;
    username.at = lua_tolstring(L, -1, &username.length);
    if (gw_username_check(username, &err) != GW_OK)
        return luaL_error(L, "%s: %s", what, err.text);
    return 1;
}

static const struct gw_bind_entry entries[] = {
    {"check", l_username_check, "1,024 bytes, charged"},
    {"render", l_username_render, "1,024 bytes in and 2,048 out, charged"},
    {"sanitize", l_username_sanitize, "256 bytes, charged"},
    {"join", l_username_join, "256 bytes an argument, charged; 2,048 out"},
    {NULL, NULL, NULL},
};

void gw_bind_username_push(lua_State *L)
{
    gw_bind_push_entries(L, entries);
}
