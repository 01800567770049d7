/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string.format: %c %d %i %o %x %X %a %A %e %E %f %F %g %G %s %%. Width and
 * precision have two digits at most, as in Lua. %p would show addresses and %q
 * is for writing source; neither is offered.
 */
#include <stdio.h>

#include "script/bind.h"

#define PIECE_MAX 512 /* the longest: %99.99f of the largest double */

struct spec {
    char text[32]; /* "%-08.3" and the conversion, with its length modifier, for snprintf */
    size_t length;
    bool plain; /* no flags, width or precision */
    bool has_precision;
    char conversion;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void keep(struct spec *spec, char c)
{
    spec->text[spec->length++] = c;
    spec->plain = false;
}

static const char *read_digits(lua_State *L, struct spec *spec, const char *at)
{
    for (int i = 0; is_digit(*at); i++) {
        if (i == 2)
            luaL_error(L, "invalid format (width or precision too long)");
        keep(spec, *at++);
    }
    return at;
}

/* `at` is behind the '%'; Lua's strings end in NUL, so that looking at one byte past the last is fine. */
static const char *read_spec(lua_State *L, const char *at, struct spec *spec)
{
    *spec = (struct spec){.text = "%", .length = 1, .plain = true};
    for (int flags = 0; *at != '\0' && strchr("-+ #0", *at) != NULL; flags++) {
        if (flags == 5)
            luaL_error(L, "invalid format (repeated flags)");
        keep(spec, *at++);
    }
    at = read_digits(L, spec, at);
    if (*at == '.') {
        spec->has_precision = true;
        keep(spec, *at++);
        at = read_digits(L, spec, at);
    }
    spec->conversion = *at;
    return at + 1;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
/* The format is one that read_spec let through, with a conversion that fits the argument. */
static size_t print_piece(char piece[PIECE_MAX], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(piece, PIECE_MAX, format, arguments);
    va_end(arguments);
    return length < 0 ? 0 : (size_t)length < PIECE_MAX ? (size_t)length : PIECE_MAX - 1;
}
#pragma GCC diagnostic pop

static void add_integer(lua_State *L, luaL_Buffer *out, struct spec *spec, int argument)
{
    lua_Integer number = luaL_checkinteger(L, argument);
    memcpy(spec->text + spec->length, LUA_INTEGER_FRMLEN, sizeof LUA_INTEGER_FRMLEN - 1);
    spec->length += sizeof LUA_INTEGER_FRMLEN - 1;
    spec->text[spec->length] = spec->conversion == 'i' ? 'd' : spec->conversion;
    char piece[PIECE_MAX];
    luaL_addlstring(out, piece, print_piece(piece, spec->text, number));
}

static void add_text(lua_State *L, luaL_Buffer *out, struct spec *spec, int argument)
{
    size_t length;
    gw_bind_push_text(L, argument);
    const char *text = lua_tolstring(L, -1, &length);
    gw_host_charge(L, 1 + length / 16);
    if (spec->plain || (!spec->has_precision && length >= 100)) {
        luaL_addvalue(out);
        return;
    }
    if (strlen(text) != length)
        luaL_error(L, "bad argument #%d to 'format' (string contains zeros)", argument);
    char piece[PIECE_MAX];
    spec->text[spec->length] = 's';
    size_t piece_length = print_piece(piece, spec->text, text);
    lua_pop(L, 1);
    luaL_addlstring(out, piece, piece_length);
}

static void add_number(lua_State *L, luaL_Buffer *out, struct spec *spec, int argument)
{
    char piece[PIECE_MAX];
    spec->text[spec->length] = spec->conversion;
    luaL_addlstring(out, piece, print_piece(piece, spec->text, luaL_checknumber(L, argument)));
}

static void add_argument(lua_State *L, luaL_Buffer *out, struct spec *spec, int argument)
{
    switch (spec->conversion) {
    case 'c':
        luaL_addchar(out, (char)luaL_checkinteger(L, argument));
        return;
    case 'd':
    case 'i':
    case 'o':
    case 'x':
    case 'X':
        add_integer(L, out, spec, argument);
        return;
    case 'a':
    case 'A':
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
        add_number(L, out, spec, argument);
        return;
    case 's':
        add_text(L, out, spec, argument);
        return;
    default:
        luaL_error(L, "invalid conversion '%%%c' to 'format'", spec->conversion == '\0' ? ' ' : spec->conversion);
    }
}

static int l_string_format(lua_State *L)
{
    size_t length;
    const char *at = luaL_checklstring(L, 1, &length);
    const char *end = at + length;
    int argument = 1;
    luaL_Buffer out;
    gw_host_charge(L, 1 + length / 4);
    luaL_buffinit(L, &out);
    while (at < end) {
        if (*at != '%') {
            luaL_addchar(&out, *at++);
        } else if (at[1] == '%') {
            luaL_addchar(&out, '%');
            at += 2;
        } else {
            struct spec spec;
            at = read_spec(L, at + 1, &spec);
            gw_host_charge(L, 8);
            luaL_checkany(L, ++argument);
            add_argument(L, &out, &spec, argument);
        }
    }
    luaL_pushresult(&out);
    return 1;
}

const struct gw_bind_entry gw_bind_format_entries[] = {
    {"format", l_string_format, "512 bytes per conversion besides the texts given, charged"},
    {NULL, NULL, NULL},
};
