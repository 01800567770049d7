/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lua 5.4's dump (ldump.c), as far as line numbers need it:
 *
 *   file      "\x1bLua" 0x54 0x00, 6 bytes of data, 3 sizes, an integer, a number; upvalues; function
 *   function  source, line, last line, 3 bytes, code, constants, upvalues, functions,
 *             line information: a signed step per instruction, -128: see the absolute ones
 *             absolute lines: pairs of instruction and line
 *             names of locals and upvalues
 *
 * Numbers are 7 bits per byte, the highest first, the last byte with its high bit
 * set; texts are their size plus one, and bytes. The last instruction of a function
 * is the return that Lua adds behind its end: no line is counted for it. Nor is one
 * for the first instruction of a vararg function, which has none.
 */
#include "script/lines.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>

#define DUMP_BYTES_MAX ((size_t)64 << 20)
#define STEP_ABSOLUTE  (-128)
#define DEPTH_MAX      250

struct reader {
    const unsigned char *at;
    size_t left;
    bool broken;
    unsigned char *lines;
    size_t count;
};

static int write_dump(lua_State *L, const void *bytes, size_t length, void *ctx)
{
    struct gw_buf *out = ctx;
    (void)L;
    gw_buf_append(out, bytes, length);
    return out->overflowed ? 1 : 0;
}

static const unsigned char *take(struct reader *reader, size_t length)
{
    const unsigned char *at = reader->at;
    if (length > reader->left) {
        reader->broken = true;
        reader->left = 0;
        return NULL;
    }
    reader->at += length;
    reader->left -= length;
    return at;
}

static size_t take_number(struct reader *reader)
{
    size_t number = 0;
    for (int i = 0; i < 10; i++) {
        const unsigned char *byte = take(reader, 1);
        if (byte == NULL)
            return 0;
        number = number << 7 | (*byte & 0x7f);
        if ((*byte & 0x80) != 0)
            return number;
    }
    reader->broken = true;
    return 0;
}

/* As many as the rest can hold at `least` bytes each. */
static size_t take_count(struct reader *reader, size_t least)
{
    size_t count = take_number(reader);
    if (count > reader->left / least) {
        reader->broken = true;
        return 0;
    }
    return count;
}

static void skip_text(struct reader *reader)
{
    size_t size = take_number(reader);
    if (size > 1)
        (void)take(reader, size - 1);
}

static void skip_constants(struct reader *reader)
{
    size_t count = take_count(reader, 1);
    for (size_t i = 0; i < count && !reader->broken; i++) {
        const unsigned char *type = take(reader, 1);
        switch (type == NULL ? 0xff : *type) {
        case LUA_TNIL:
        case LUA_TBOOLEAN:
        case LUA_TBOOLEAN | 1 << 4:
            break;
        case LUA_TNUMBER:
            (void)take(reader, sizeof(lua_Integer));
            break;
        case LUA_TNUMBER | 1 << 4:
            (void)take(reader, sizeof(lua_Number));
            break;
        case LUA_TSTRING:
        case LUA_TSTRING | 1 << 4:
            skip_text(reader);
            break;
        default:
            reader->broken = true;
        }
    }
}

static void mark(struct reader *reader, int64_t line)
{
    if (line > 0 && (size_t)line < reader->count)
        reader->lines[line] = 1;
    else
        reader->broken = true;
}

/* The absolute lines stand behind the steps that refer to them. */
static void read_lines(struct reader *reader, int64_t line, bool is_vararg)
{
    size_t count = take_count(reader, 1);
    const signed char *steps = (const signed char *)take(reader, count);
    size_t absolute = take_count(reader, 2);
    size_t seen = 0;
    for (size_t pc = 0; pc < count && !reader->broken; pc++) {
        if (steps[pc] == STEP_ABSOLUTE) {
            if (seen++ == absolute || take_number(reader) != pc) {
                reader->broken = true;
                return;
            }
            line = (int64_t)take_number(reader);
        } else {
            line += steps[pc];
        }
        if (pc + 1 < count && !(is_vararg && pc == 0))
            mark(reader, line);
    }
    if (seen != absolute)
        reader->broken = true;
}

static void skip_names(struct reader *reader)
{
    size_t count = take_count(reader, 3);
    for (size_t i = 0; i < count; i++) {
        skip_text(reader);
        (void)take_number(reader);
        (void)take_number(reader);
    }
    count = take_count(reader, 1);
    for (size_t i = 0; i < count; i++)
        skip_text(reader);
}

/* NOLINTNEXTLINE(misc-no-recursion): functions stand in functions, no deeper than Lua compiles */
static void read_function(struct reader *reader, unsigned depth)
{
    skip_text(reader);
    int64_t line = (int64_t)take_number(reader);
    (void)take_number(reader);
    const unsigned char *bytes = take(reader, 3);
    bool is_vararg = bytes != NULL && bytes[1] != 0;
    (void)take(reader, take_count(reader, 4) * 4);
    skip_constants(reader);
    (void)take(reader, take_count(reader, 3) * 3);
    size_t count = take_count(reader, 1);
    if (depth == DEPTH_MAX)
        reader->broken = true;
    for (size_t i = 0; i < count && !reader->broken; i++)
        read_function(reader, depth + 1);
    read_lines(reader, line, is_vararg);
    skip_names(reader);
}

/* False: not the format above. */
static bool read_dump(struct reader *reader)
{
    static const char head[] = "\x1bLua\x54\x00\x19\x93\r\n\x1a\n";
    const unsigned char *bytes = take(reader, sizeof head - 1);
    const unsigned char sizes[] = {4, sizeof(lua_Integer), sizeof(lua_Number)};
    if (bytes == NULL || memcmp(bytes, head, sizeof head - 1) != 0)
        return false;
    bytes = take(reader, sizeof sizes);
    if (bytes == NULL || memcmp(bytes, sizes, sizeof sizes) != 0)
        return false;
    (void)take(reader, sizeof(lua_Integer) + sizeof(lua_Number) + 1);
    read_function(reader, 0);
    return !reader->broken && reader->left == 0;
}

static size_t count_lines(const struct gw_source *source)
{
    size_t count = 2;
    for (size_t i = 0; i < source->length; i++)
        count += source->bytes[i] == '\n' || source->bytes[i] == '\r';
    return count;
}

enum gw_status gw_lines_of(const struct gw_source *source, unsigned char **lines, size_t *count, struct gw_err *err)
{
    lua_State *L = luaL_newstate();
    struct gw_buf dump;
    enum gw_status status = GW_OK;
    if (L == NULL)
        gw_fatal("script: out of memory");
    gw_buf_init(&dump, DUMP_BYTES_MAX);
    if (luaL_loadbufferx(L, source->bytes, source->length, source->path, "t") != LUA_OK)
        status = gw_fail(err, GW_E_SYNTAX, "%s: doesn't compile", source->path);
    else if (lua_dump(L, write_dump, &dump, 0) != 0)
        status = gw_fail(err, GW_E_LIMIT, "%s: too large for coverage", source->path);
    lua_close(L);
    if (status == GW_OK) {
        struct reader reader = {
            .at = (const unsigned char *)dump.at, .left = dump.length, .count = count_lines(source)};
        reader.lines = gw_alloc_zero(reader.count, 1);
        if (read_dump(&reader)) {
            *lines = reader.lines;
            *count = reader.count;
        } else {
            free(reader.lines);
            status =
                gw_fail(err, GW_E_SYNTAX, "%s: the interpreter's compiled form isn't that of Lua 5.4", source->path);
        }
    }
    gw_buf_fini(&dump);
    return status;
}
