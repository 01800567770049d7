/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_JSON_H
#define GW_CODEC_JSON_H

/*
 * JSON as a tree of values in an arena. The parser is jansson's, strict: UTF-8
 * only, no duplicate members, no NUL in strings, nothing after the value, depth
 * and size bounded. The same tree carries request bodies, configuration, key
 * files, and what policies see and answer.
 */

#include "base/arena.h"
#include "base/buf.h"

enum gw_json_type {
    GW_JSON_NULL,
    GW_JSON_BOOL,
    GW_JSON_INTEGER,
    GW_JSON_REAL,
    GW_JSON_STRING,
    GW_JSON_ARRAY,
    GW_JSON_OBJECT,
};

struct gw_json_member;

struct gw_json {
    enum gw_json_type type;
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct gw_str string;
        struct {
            struct gw_json *items;
            size_t count;
        } array;
        struct {
            struct gw_json_member *members; /* in the order of the text */
            size_t count;
        } object;
    } as;
};

struct gw_json_member {
    struct gw_str name;
    struct gw_json value;
};

#define GW_JSON_DEPTH_MAX 32

/* Parses one value; its memory is the arena's. GW_E_SYNTAX (line and column in err), GW_E_LIMIT (deeper than
 * GW_JSON_DEPTH_MAX or more than 65,536 values). */
GW_NODISCARD enum gw_status gw_json_parse(struct gw_str text, struct gw_arena *arena, struct gw_json *value,
                                          struct gw_err *err);

/* The same for a file of an operator's: up to `values_max` values; `values` gets their number, or more. */
GW_NODISCARD enum gw_status gw_json_parse_many(struct gw_str text, size_t values_max, struct gw_arena *arena,
                                               struct gw_json *value, size_t *values, struct gw_err *err);

/* The member's value, NULL when absent or when `object` is NULL or no object. borrows */
const struct gw_json *gw_json_get(const struct gw_json *object, const char *name);

/* "string", "object", ... for messages. */
const char *gw_json_type_name(enum gw_json_type type);

struct gw_json gw_json_string(struct gw_str text);
struct gw_json gw_json_bool(bool boolean);
struct gw_json gw_json_integer(int64_t integer);

/* An array of strings; arena: the items. */
struct gw_json gw_json_strings(struct gw_arena *arena, const struct gw_str *items, size_t count);
/* An object of strings; arena: the members. */
struct gw_json gw_json_pairs(struct gw_arena *arena, const struct gw_pair *pairs, size_t count);

/* Sets or replaces a member of an object in the arena (grows by copying; for small objects). */
void gw_json_set(struct gw_arena *arena, struct gw_json *object, struct gw_str name, struct gw_json value);

/* Compact JSON text, members in their order. */
void gw_json_encode(const struct gw_json *value, struct gw_buf *out);

/* A quoted string: '"', '\\' and control bytes escaped, UTF-8 as it is; a byte that isn't UTF-8 becomes U+FFFD. */
void gw_json_encode_string(struct gw_str text, struct gw_buf *out);

#endif
