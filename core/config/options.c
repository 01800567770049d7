/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.def twice: as the table that the parser walks, and as the one that is
 * shown to people. Finds settings by name, also near misses.
 */
#include "config/options.h"

#include "config/config.h"

const struct gw_option gw_option_rows[GW_OPTION_COUNT] = {
#define GW_OPTION_NUMBER(id, key, kind, preset, low, high, unit, reloads, meaning)                                     \
    {key, GW_KIND_##kind, preset, low, high, #low ".." #high unit},
#define GW_OPTION_TEXT(id, key, kind, preset, accepted, reloads, meaning) {key, GW_KIND_##kind, preset, 0, 0, accepted},
#include "config/options.def"
#undef GW_OPTION_NUMBER
#undef GW_OPTION_TEXT
};

/* The same order as the enumeration. */
static const struct {
    const char *preset; /* NULL: as everywhere */
    bool only;
} mock_rows[GW_OPTION_COUNT] = {
#define GW_MOCK_PRESET(id, preset) [GW_OPTION_##id] = {preset, false},
#define GW_MOCK_ONLY(id)           [GW_OPTION_##id] = {NULL, true},
#include "config/mock.def"
#undef GW_MOCK_PRESET
#undef GW_MOCK_ONLY
};

const char *gw_option_preset(enum gw_option_id id, bool is_mock)
{
    return is_mock && mock_rows[id].preset != NULL ? mock_rows[id].preset : gw_option_rows[id].preset;
}

bool gw_option_is_mock_only(enum gw_option_id id)
{
    return mock_rows[id].only;
}

const char *gw_config_mock_preset(size_t option)
{
    return mock_rows[option].preset;
}

bool gw_config_is_mock_only(size_t option)
{
    return mock_rows[option].only;
}

#define TYPE_BOOLEAN     "boolean"
#define TYPE_INTEGER     "integer"
#define TYPE_SECONDS     "seconds"
#define TYPE_WORD        "word"
#define TYPE_TEXT        "string"
#define TYPE_TEXTS       "list of strings"
#define TYPE_PATH        "path"
#define TYPE_PATHS       "list of paths"
#define TYPE_WORKERS     "integer or auto"
#define TYPE_KEYS        "path or table"
#define TYPE_CLUSTERS    "table"
#define TYPE_CREDENTIALS "word or table"
#define TYPE_ENDPOINTS   "table"

const struct gw_config_option gw_config_options[] = {
#define GW_OPTION_NUMBER(id, key, kind, preset, low, high, unit, reloads, meaning)                                     \
    {key, TYPE_##kind, preset, #low ".." #high unit, meaning, reloads},
#define GW_OPTION_TEXT(id, key, kind, preset, accepted, reloads, meaning)                                              \
    {key, TYPE_##kind, preset, accepted, meaning, reloads},
#include "config/options.def"
#undef GW_OPTION_NUMBER
#undef GW_OPTION_TEXT
};

const size_t gw_config_option_count = GW_COUNT(gw_config_options);

enum gw_option_id gw_option_find(struct gw_str key, bool fold)
{
    for (size_t i = 0; i < GW_OPTION_COUNT; i++) {
        struct gw_str name = gw_str_from(gw_option_rows[i].key);

        if (fold ? gw_str_equal_nocase(name, key) : gw_str_equal(name, key))
            return (enum gw_option_id)i;
    }
    return GW_OPTION_COUNT;
}

bool gw_option_is_group(struct gw_str key)
{
    for (size_t i = 0; i < GW_OPTION_COUNT; i++) {
        struct gw_str name = gw_str_from(gw_option_rows[i].key);

        if (name.length > key.length && gw_str_starts(name, key) && name.at[key.length] == '.')
            return true;
    }
    return false;
}

#define NAME_MAX_BYTES 48

/* Edits (insert, delete, replace a byte) that lead from one name to the other; both at most NAME_MAX_BYTES. */
static size_t distance(struct gw_str a, struct gw_str b)
{
    size_t row[NAME_MAX_BYTES + 1];

    for (size_t j = 0; j <= b.length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.length; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.length; j++) {
            size_t best = corner + (a.at[i - 1] != b.at[j - 1]);

            corner = row[j];
            best = best < row[j] + 1 ? best : row[j] + 1;
            row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
        }
    }
    return row[b.length];
}

/* The part after the last dot. */
static struct gw_str last_part(struct gw_str key)
{
    size_t start = key.length;

    while (start > 0 && key.at[start - 1] != '.')
        start--;
    return gw_str_slice(key, start, key.length);
}

const char *gw_option_nearest(struct gw_str key)
{
    const char *nearest = NULL;
    size_t best = key.length < 8 ? 2 + key.length / 4 : 4; /* edits, one more than allowed */

    if (key.length == 0 || key.length > NAME_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i < GW_OPTION_COUNT; i++) {
        struct gw_str name = gw_str_from(gw_option_rows[i].key);
        size_t away = distance(key, name);
        size_t astray = distance(last_part(key), last_part(name)) + 1; /* the right name in the wrong table */

        away = away < astray ? away : astray;
        if (away < best) {
            best = away;
            nearest = gw_option_rows[i].key;
        }
    }
    return nearest;
}

bool gw_option_has_word(const struct gw_option *option, struct gw_str word)
{
    struct gw_str rest = gw_str_from(option->accepted);

    while (rest.at != NULL) {
        if (gw_str_equal(gw_str_trim(gw_str_split(&rest, '|')), word))
            return true;
    }
    return false;
}
