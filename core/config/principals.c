/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of the setting `principals`: who exists in IAM. One ARN per line, with
 * blank lines and lines that begin with # between, or a JSON array of ARNs. What
 * is a JSON array begins with a bracket, which no ARN does.
 */
#include "base/file.h"
#include "codec/arn.h"
#include "codec/json_walk.h"
#include "config/config.h"

#define FILE_MAX       ((size_t)64 << 20)
#define PRINCIPALS_MAX 1000000

struct principals {
    const char *path;
    struct gw_arena *arena;
    struct gw_map *map;
    struct gw_err *err;
};

/* `place` counts lines or items from 1. Twice the same ARN is one principal. */
static enum gw_status add(const struct principals *into, const char *unit, size_t place, struct gw_str arn)
{
    static char known;
    struct gw_principal principal;

    if (gw_arn_parse_principal(arn, &principal) != GW_OK || principal.kind == GW_PRINCIPAL_ASSUMED_ROLE ||
        principal.kind == GW_PRINCIPAL_FEDERATED_USER)
        return gw_fail(into->err, GW_E_SYNTAX, "%s: %s %zu: is no ARN of an IAM role, user or root", into->path, unit,
                       place);
    if (gw_map_add(into->map, arn, &known) == GW_OK && into->map->count > PRINCIPALS_MAX)
        return gw_fail(into->err, GW_E_LIMIT, "%s: more than %d principals", into->path, PRINCIPALS_MAX);
    return GW_OK;
}

static enum gw_status add_lines(const struct principals *into, struct gw_str text)
{
    struct gw_str rest = gw_arena_str(into->arena, text);
    size_t line = 0;

    while (rest.at != NULL) {
        struct gw_str arn = gw_str_split(&rest, '\n');
        enum gw_status status = GW_OK;

        line++;
        if (arn.length > 0 && arn.at[arn.length - 1] == '\r')
            arn.length--;
        arn = gw_str_trim(arn);
        if (arn.length > 0 && arn.at[0] != '#')
            status = add(into, "line", line, arn);
        if (status != GW_OK)
            return status;
    }
    return GW_OK;
}

static enum gw_status add_array(const struct principals *into, struct gw_str text)
{
    struct gw_json_walk walk;
    struct gw_json_item item;
    struct gw_json value;
    struct gw_err err = {""};
    size_t count = 0;
    enum gw_status status = gw_json_walk_begin(&walk, text, GW_JSON_ARRAY, &err);

    while (status == GW_OK) {
        status = gw_json_walk_next(&walk, into->arena, &item, &err);
        if (status != GW_OK)
            break;
        count++;
        if (gw_json_parse(item.text, into->arena, &value, NULL) != GW_OK || value.type != GW_JSON_STRING)
            return gw_fail(into->err, GW_E_TYPE, "%s: item %zu: is no JSON string", into->path, count);
        status = add(into, "item", count, value.as.string);
        if (status != GW_OK)
            return status;
    }
    return status == GW_E_MISSING ? GW_OK : gw_fail(into->err, status, "%s: %s", into->path, err.text);
}

static bool is_array(struct gw_str text)
{
    size_t at = 0;

    while (at < text.length && memchr(" \t\r\n", text.at[at], 4) != NULL)
        at++;
    return at < text.length && text.at[at] == '[';
}

enum gw_status gw_config_principals(const struct gw_config *config, struct gw_arena *arena, struct gw_map *map,
                                    struct gw_err *err)
{
    struct principals into = {.path = config->principals.at, .arena = arena, .map = map, .err = err};
    struct gw_hash_seed seed;
    struct gw_buf text;
    enum gw_status status;

    gw_random_seed(gw_random_system(), &seed);
    gw_map_init(map, seed);
    gw_buf_init(&text, FILE_MAX);
    status = gw_file_read(into.path, &text, err);
    if (status == GW_OK)
        status = (is_array(gw_buf_str(&text)) ? add_array : add_lines)(&into, gw_buf_str(&text));
    gw_buf_fini(&text);
    if (status != GW_OK)
        gw_map_fini(map);
    return status;
}
