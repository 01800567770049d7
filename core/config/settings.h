/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CONFIG_SETTINGS_H
#define GW_CONFIG_SETTINGS_H

/*
 * What the sources say: for each setting the winning source's words, not yet
 * understood; then the same, read as the setting's type. Private to config/.
 * Everything lives in the arena of the configuration that is being made.
 */

#include "config/config.h"
#include "config/options.h"

/* What the winning source says about one setting. */
struct gw_given {
    struct gw_str source; /* for messages: the file (of defaults too), "--set", "EKSGATE_HTTP__BODY_BYTES" */
    struct gw_str folder; /* relative paths start here */
    struct gw_str text;   /* as in --set; {NULL,0} when it is `json` */
    const struct gw_json *json;
};

/* clusters.NAME.PATH=VALUE, from --set or the environment. */
struct gw_given_cluster {
    struct gw_str source;
    struct gw_str name;
    struct gw_str path; /* "accessConfig.authenticationMode" */
    struct gw_str value;
    bool folds; /* the path may be in any case */
};

struct gw_settings {
    struct gw_arena *arena;
    struct gw_config_problems *problems;
    struct gw_str current_folder;
    bool is_mock;
    char *const *environment; /* of the process; may be NULL */
    struct gw_given given[GW_OPTION_COUNT];
    struct gw_given_cluster *clusters; /* on top of given[GW_OPTION_CLUSTERS] */
    size_t cluster_count;
    size_t cluster_room;
};

/* Collects defaults, file, environment, --set, in this order; unknown keys become problems. Gives the file's name, or
 * what stands for it where a mock has none. */
struct gw_str gw_settings_collect(struct gw_settings *settings, const struct gw_config_source *source);

/* borrows: of the environment; NULL when it isn't there. */
const char *gw_settings_variable(const struct gw_settings *settings, const char *name);

/* "SOURCE: KEY: what" */
void gw_settings_problem(const struct gw_settings *settings, enum gw_option_id id, const char *format, ...)
    GW_PRINTF(3, 4);

/* Readers: false after having reported what is wrong; the result is untouched then. */
bool gw_settings_boolean(const struct gw_settings *settings, enum gw_option_id id, bool *value);
bool gw_settings_integer(const struct gw_settings *settings, enum gw_option_id id, uint64_t *value);
bool gw_settings_seconds(const struct gw_settings *settings, enum gw_option_id id, unsigned *milliseconds);
/* Of a WORD one of its words; of a TEXT anything, {NULL,0} when empty. */
bool gw_settings_text(const struct gw_settings *settings, enum gw_option_id id, struct gw_str *value);
bool gw_settings_texts(const struct gw_settings *settings, enum gw_option_id id, const struct gw_str **items,
                       size_t *count);
/* Absolute; {NULL,0} when empty. */
bool gw_settings_path(const struct gw_settings *settings, enum gw_option_id id, struct gw_str *value);
/* arena: `path` below `folder` unless it is absolute; NUL behind it. */
struct gw_str gw_settings_resolve(struct gw_arena *arena, struct gw_str folder, struct gw_str path);

/* Who signs what goes upstream. */
void gw_settings_credentials(const struct gw_settings *settings, struct gw_config *config);

/* How the upstream is reached; of the environment what no setting says. */
void gw_settings_upstream_pool(const struct gw_settings *settings, struct gw_upstream_options *pool,
                               struct gw_str *ca_file);

/* Of `listen`: addresses and TLS as they are written; arena. */
bool gw_settings_listeners(const struct gw_settings *settings, struct gw_config_listener **listeners, size_t *count);

/* What stands behind the gateway, and its mode, once the clusters are there. */
void gw_settings_upstream(const struct gw_settings *settings, struct gw_config *config);

/* What only a mock has. */
void gw_settings_mock(const struct gw_settings *settings, struct gw_config *config);

/* Fills config->endpoints; arena. */
bool gw_settings_endpoints(const struct gw_settings *settings, struct gw_config *config);

/* Fills config->clusters, once partition, account and regions are there; arena. */
bool gw_settings_clusters(const struct gw_settings *settings, struct gw_config *config);

#endif
