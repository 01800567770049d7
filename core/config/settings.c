/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where settings come from: the default, the file, EKSGATE_... and --set, each
 * over the one before. Only keys are looked at here; values are read later, once
 * it is known which one wins. Clusters given one by one are kept beside the
 * table of the file, because they add to it.
 */
#include "config/settings.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "script/configfile.h"

#define DEFAULT_FILE GW_CONFIG_FILE
#define PREFIX       "EKSGATE_"

/* What messages call the source of a mock's settings that nobody gave. */
#define MOCK_DEFAULTS "eksgate mock"

/* EKSGATE_ variables that aren't settings: the file's name, and what tests/run gives to its tests. */
static const char *const other_variables[] = {"CONFIG", "ROOT", "PRESET", "BUILD", "FULL"};

void gw_settings_problem(const struct gw_settings *settings, enum gw_option_id id, const char *format, ...)
{
    const struct gw_given *given = &settings->given[id];
    char text[1024];
    va_list args;

    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    va_end(args);
    gw_config_problem(settings->problems, "%.*s: %s: %s", GW_STR_ARG(given->source), gw_option_rows[id].key, text);
}

struct gw_str gw_settings_resolve(struct gw_arena *arena, struct gw_str folder, struct gw_str path)
{
    if (path.length > 0 && path.at[0] == '/')
        return gw_arena_str(arena, path);
    while (gw_str_starts(path, GW_STR("./")))
        path = gw_str_slice(path, 2, path.length);
    if (gw_str_is(folder, "/"))
        folder.length = 0;
    return gw_arena_printf(arena, "%.*s/%.*s", GW_STR_ARG(folder), GW_STR_ARG(path));
}

static struct gw_str current_folder(struct gw_arena *arena)
{
    char path[PATH_MAX];

    if (getcwd(path, sizeof(path)) == NULL)
        return GW_STR("/");
    return gw_arena_str(arena, gw_str_from(path));
}

static struct gw_str folder_of(struct gw_str path)
{
    size_t end = path.length;

    while (end > 0 && path.at[end - 1] != '/')
        end--;
    return end <= 1 ? GW_STR("/") : gw_str_slice(path, 0, end - 1);
}

static void report_unknown(const struct gw_settings *settings, struct gw_str source, struct gw_str key)
{
    const char *nearest = gw_option_nearest(key);

    if (nearest != NULL)
        gw_config_problem(settings->problems, "%.*s: %.*s: no such setting; did you mean %s?", GW_STR_ARG(source),
                          GW_STR_ARG(key), nearest);
    else
        gw_config_problem(settings->problems, "%.*s: %.*s: no such setting; eksgate options lists them all",
                          GW_STR_ARG(source), GW_STR_ARG(key));
}

static void collect_presets(struct gw_settings *settings, struct gw_str file)
{
    for (size_t i = 0; i < GW_OPTION_COUNT; i++) {
        settings->given[i] = (struct gw_given){
            .source = file, /* where one would go to change it */
            .folder = settings->current_folder,
            .text = gw_str_from(gw_option_preset((enum gw_option_id)i, settings->is_mock)),
        };
    }
}

/* True when it is a mock's setting and this is none; said then. */
static bool is_out_of_place(const struct gw_settings *settings, enum gw_option_id id, struct gw_str source)
{
    if (settings->is_mock || !gw_option_is_mock_only(id))
        return false;
    gw_config_problem(settings->problems, "%.*s: %s: is for eksgate mock; leave it out", GW_STR_ARG(source),
                      gw_option_rows[id].key);
    return true;
}

static void give_value(struct gw_settings *settings, enum gw_option_id id, struct gw_str file, struct gw_str folder,
                       const struct gw_json *value)
{
    struct gw_given *given = &settings->given[id];

    if (is_out_of_place(settings, id, file))
        return;
    *given = (struct gw_given){.source = file, .folder = folder};
    if (value->type == GW_JSON_STRING)
        given->text = gw_arena_str(settings->arena, value->as.string);
    else
        given->json = value;
}

/* A list that has settings of its own: { "a.lua", self_test = true }, in JSON {"files":["a.lua"],"self_test":true}. */
static bool has_list_and_members(const struct gw_json *value, struct gw_str key)
{
    return value->type == GW_JSON_OBJECT && value->as.object.count > 0 && gw_option_is_group(key);
}

/* The members of one table of the file; `group` is "" or "http". Tables nest once. */
static void collect_table(struct gw_settings *settings, struct gw_str file, struct gw_str folder, struct gw_str group,
                          const struct gw_json *table)
{
    for (size_t i = 0; i < table->as.object.count; i++) {
        const struct gw_json_member *member = &table->as.object.members[i];
        struct gw_str key = member->name;
        bool dotted = gw_str_find(key, '.', 0) < key.length;
        bool is_list = gw_str_is(key, "files") && gw_option_find(group, false) < GW_OPTION_COUNT;
        enum gw_option_id id;

        if (member->value.type == GW_JSON_NULL)
            continue;
        if (is_list)
            key = group;
        else if (group.length > 0)
            key = gw_arena_printf(settings->arena, "%.*s.%.*s", GW_STR_ARG(group), GW_STR_ARG(key));
        id = dotted ? GW_OPTION_COUNT : gw_option_find(key, false);
        if (id < GW_OPTION_COUNT && !is_list && has_list_and_members(&member->value, key))
            collect_table(settings, file, folder, key, &member->value);
        else if (id < GW_OPTION_COUNT)
            give_value(settings, id, file, folder, &member->value);
        else if (group.length > 0 || !gw_option_is_group(key))
            report_unknown(settings, file, key);
        else if (member->value.type == GW_JSON_OBJECT)
            collect_table(settings, file, folder, key, &member->value);
        else
            gw_config_problem(settings->problems, "%.*s: %.*s: is %s; a table is accepted", GW_STR_ARG(file),
                              GW_STR_ARG(key), gw_json_type_name(member->value.type));
    }
}

static void collect_file(struct gw_settings *settings, struct gw_str file)
{
    struct gw_str absolute = gw_settings_resolve(settings->arena, settings->current_folder, file);
    struct gw_json *table = gw_arena_zero(settings->arena, 1, sizeof(*table));
    struct gw_err err;

    if (gw_configfile_load(file.at, settings->arena, table, &err) != GW_OK) {
        gw_config_problem(settings->problems, "%s%s", err.text,
                          gw_str_is(file, DEFAULT_FILE) ? "; -c FILE or $EKSGATE_CONFIG names another" : "");
        return;
    }
    if (table->type != GW_JSON_OBJECT) {
        gw_config_problem(settings->problems, "%.*s: holds %s; a table of settings is accepted", GW_STR_ARG(file),
                          gw_json_type_name(table->type));
        return;
    }
    collect_table(settings, file, folder_of(absolute), GW_STR(""), table);
}

static void add_cluster(struct gw_settings *settings, const struct gw_given_cluster *cluster)
{
    struct gw_given_cluster *more;

    if (settings->cluster_count == settings->cluster_room) {
        settings->cluster_room = settings->cluster_room * 2 + 8;
        more = gw_arena_zero(settings->arena, settings->cluster_room, sizeof(*more));
        if (settings->cluster_count > 0)
            memcpy(more, settings->clusters, settings->cluster_count * sizeof(*more));
        settings->clusters = more;
    }
    settings->clusters[settings->cluster_count++] = *cluster;
}

/* "clusters.NAME.PATH"; false when it has another form. */
static bool collect_cluster(struct gw_settings *settings, struct gw_str source, struct gw_str key, struct gw_str value,
                            bool fold)
{
    struct gw_str rest = key;
    struct gw_str head = gw_str_split(&rest, '.');
    struct gw_str name;

    if (!gw_str_equal_nocase(head, GW_STR("clusters")) || rest.at == NULL)
        return false;
    name = gw_str_split(&rest, '.');
    if (rest.at == NULL)
        gw_config_problem(settings->problems, "%.*s: %.*s: no such setting; clusters.NAME.MEMBER is accepted",
                          GW_STR_ARG(source), GW_STR_ARG(key));
    else
        add_cluster(settings, &(struct gw_given_cluster){
                                  .source = source, .name = name, .path = rest, .value = value, .folds = fold});
    return true;
}

/* One KEY=VALUE of --set or the environment; the latter is in any case. */
static void collect_text(struct gw_settings *settings, struct gw_str source, struct gw_str key, struct gw_str value,
                         bool fold)
{
    enum gw_option_id id = gw_option_find(key, fold);

    if (id == GW_OPTION_COUNT) {
        if (!collect_cluster(settings, source, key, value, fold))
            report_unknown(settings, source, key);
        return;
    }
    if (is_out_of_place(settings, id, source))
        return;
    if (id == GW_OPTION_CLUSTERS)
        settings->cluster_count = 0;
    settings->given[id] = (struct gw_given){.source = source, .folder = settings->current_folder, .text = value};
}

/* Kubernetes puts EKSGATE_SERVICE_HOST, EKSGATE_PORT, EKSGATE_PORT_8080_TCP_ADDR, ... into every pod beside a Service
 * that is called eksgate. */
static bool is_other_variable(struct gw_str name)
{
    for (size_t i = 0; i < GW_COUNT(other_variables); i++) {
        if (gw_str_is(name, other_variables[i]))
            return true;
    }
    return gw_str_is(name, "PORT") || gw_str_starts(name, GW_STR("PORT_")) || gw_str_starts(name, GW_STR("SERVICE_"));
}

/* "HTTP__BODY_BYTES" to "http.body_bytes"; what may be a cluster's name keeps its case. */
static struct gw_str key_of_variable(struct gw_arena *arena, struct gw_str name)
{
    struct gw_str key = gw_arena_str(arena, name);
    char *at = gw_arena_alloc(arena, name.length + 1);
    bool keep = name.length > 10 && gw_str_equal_nocase(gw_str_slice(name, 0, 10), GW_STR("CLUSTERS__"));
    size_t length = 0;

    for (size_t i = 0; i < key.length; i++) {
        bool separates = key.at[i] == '_' && i + 1 < key.length && key.at[i + 1] == '_';
        bool upper = key.at[i] >= 'A' && key.at[i] <= 'Z';

        if (separates) {
            at[length++] = '.';
            i++;
        } else {
            at[length++] = upper && !keep ? (char)(key.at[i] + ('a' - 'A')) : key.at[i];
        }
    }
    at[length] = '\0';
    return (struct gw_str){at, length};
}

static void collect_environment(struct gw_settings *settings, char *const *environment)
{
    for (; environment != NULL && *environment != NULL; environment++) {
        struct gw_str value = gw_str_from(*environment);
        struct gw_str name = gw_str_split(&value, '=');
        struct gw_str rest = gw_str_slice(name, sizeof(PREFIX) - 1, name.length);

        if (!gw_str_starts(name, GW_STR(PREFIX)) || is_other_variable(rest) || value.at == NULL)
            continue;
        collect_text(settings, gw_arena_str(settings->arena, name), key_of_variable(settings->arena, rest),
                     gw_arena_str(settings->arena, value), true);
    }
}

static void collect_sets(struct gw_settings *settings, const struct gw_config_source *source)
{
    for (size_t i = 0; i < source->set_count; i++) {
        struct gw_str value = gw_arena_str(settings->arena, gw_str_from(source->sets[i]));
        struct gw_str key = gw_str_split(&value, '=');

        if (value.at == NULL || key.length == 0)
            gw_config_problem(settings->problems, "--set %s: no value; KEY=VALUE is accepted", source->sets[i]);
        else
            collect_text(settings, GW_STR("--set"), key, value, false);
    }
}

const char *gw_settings_variable(const struct gw_settings *settings, const char *name)
{
    char *const *environment = settings->environment;
    size_t length = strlen(name);

    for (; environment != NULL && *environment != NULL; environment++) {
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    }
    return NULL;
}

struct gw_str gw_settings_collect(struct gw_settings *settings, const struct gw_config_source *source)
{
    const char *name = source->file;
    bool has_file = name != NULL || !source->is_mock;
    struct gw_str file;

    settings->is_mock = source->is_mock;
    settings->environment = source->environment;
    if (!has_file)
        name = MOCK_DEFAULTS;
    if (name == NULL)
        name = gw_settings_variable(settings, PREFIX "CONFIG");
    if (name == NULL || name[0] == '\0')
        name = DEFAULT_FILE;
    file = gw_arena_str(settings->arena, gw_str_from(name));
    settings->current_folder = current_folder(settings->arena);
    collect_presets(settings, file);
    if (has_file)
        collect_file(settings, file);
    collect_environment(settings, source->environment);
    collect_sets(settings, source);
    return file;
}
