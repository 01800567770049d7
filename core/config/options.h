/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CONFIG_OPTIONS_H
#define GW_CONFIG_OPTIONS_H

/*
 * The rows of options.def as the parser reads them. Private to config/; others
 * see gw_config_options.
 */

#include "base/str.h"

enum gw_option_kind {
    GW_KIND_BOOLEAN,
    GW_KIND_INTEGER,
    GW_KIND_SECONDS,
    GW_KIND_WORD,
    GW_KIND_TEXT,
    GW_KIND_TEXTS, /* a list; one text stands for a list of one */
    GW_KIND_PATH,
    GW_KIND_PATHS,
    GW_KIND_WORKERS,
    GW_KIND_KEYS,
    GW_KIND_CLUSTERS,
    GW_KIND_CREDENTIALS, /* a word or a table */
    GW_KIND_ENDPOINTS,
};

enum gw_option_id {
#define GW_OPTION_NUMBER(id, key, kind, preset, low, high, unit, reloads, meaning) GW_OPTION_##id,
#define GW_OPTION_TEXT(id, key, kind, preset, accepted, reloads, meaning)          GW_OPTION_##id,
#include "config/options.def"
#undef GW_OPTION_NUMBER
#undef GW_OPTION_TEXT
    GW_OPTION_COUNT
};

struct gw_option {
    const char *key;
    enum gw_option_kind kind;
    const char *preset;
    double low; /* numbers: inclusive bounds, in the unit of the setting */
    double high;
    const char *accepted; /* numbers: "1..256 bytes"; others: what is taken, in words */
};

/* The default of a setting: of a mock, where that has another. */
const char *gw_option_preset(enum gw_option_id id, bool is_mock);

/* True for settings that are refused where nothing is faked. */
bool gw_option_is_mock_only(enum gw_option_id id);

extern const struct gw_option gw_option_rows[GW_OPTION_COUNT];

/* GW_OPTION_COUNT when there is none; `fold` takes upper case for lower case. */
enum gw_option_id gw_option_find(struct gw_str key, bool fold);

/* True when settings begin with "KEY.": "http", "audit". */
bool gw_option_is_group(struct gw_str key);

/* The setting whose name is nearest to `key`, NULL when none is near. */
const char *gw_option_nearest(struct gw_str key);

/* Words of a WORD row, split at " | ": true when `word` is one. */
bool gw_option_has_word(const struct gw_option *option, struct gw_str word);

#endif
