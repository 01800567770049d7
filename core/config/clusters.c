/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setting `clusters`: a table in DescribeCluster's shape, of which this
 * version knows accessConfig.authenticationMode, and on top of it the clusters
 * given one by one. EKS itself makes clusters in mode CONFIG_MAP when nothing is
 * said; a gateway for access entries takes API, because CONFIG_MAP refuses them.
 */
#include "config/settings.h"

#define CLUSTERS_MAX 10000
#define NAME_MAX_EKS 100

struct clusters {
    const struct gw_settings *settings;
    struct gw_config_cluster *items;
    size_t count;
    bool good;
};

static bool is_name_byte(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* EKS service model: 1 to 100 of ^[0-9A-Za-z][A-Za-z0-9\-_]* */
static bool is_name(struct gw_str name)
{
    if (name.length == 0 || name.length > NAME_MAX_EKS || !is_name_byte(name.at[0]))
        return false;
    for (size_t i = 1; i < name.length; i++) {
        if (!is_name_byte(name.at[i]) && name.at[i] != '-' && name.at[i] != '_')
            return false;
    }
    return true;
}

static void report(struct clusters *clusters, struct gw_str source, struct gw_str name, const char *text)
{
    clusters->good = false;
    gw_config_problem(clusters->settings->problems, "%.*s: clusters.%.*s%s", GW_STR_ARG(source), GW_STR_ARG(name),
                      text);
}

static void add(struct clusters *clusters, struct gw_str source, struct gw_str name, struct gw_str mode)
{
    struct gw_config_cluster cluster = {.name = name, .has_mode = mode.at != NULL, .mode = GW_EKS_MODE_API};
    size_t at = 0;

    if (!is_name(name)) {
        report(clusters, source, name,
               ": a cluster's name is 1 to 100 letters, digits, - and _, a letter or digit first");
        return;
    }
    if (mode.at != NULL && gw_eks_auth_mode_parse(mode, &cluster.mode) != GW_OK) {
        report(clusters, source, name,
               ".accessConfig.authenticationMode: no such mode; accepted: API, API_AND_CONFIG_MAP, CONFIG_MAP");
        return;
    }
    while (at < clusters->count && !gw_str_equal(clusters->items[at].name, name))
        at++;
    clusters->items[at] = cluster;
    clusters->count += at == clusters->count;
}

/* Every member of `object` must be `known`; gives that member's value. */
static const struct gw_json *only_member(struct clusters *clusters, struct gw_str source, struct gw_str name,
                                         const struct gw_json *object, const char *known)
{
    if (object->type != GW_JSON_OBJECT) {
        report(clusters, source, name, ": accepted: { accessConfig = { authenticationMode = \"API\" } }");
        return NULL;
    }
    for (size_t i = 0; i < object->as.object.count; i++) {
        struct gw_str member = object->as.object.members[i].name;

        if (!gw_str_is(member, known)) {
            clusters->good = false;
            gw_config_problem(clusters->settings->problems, "%.*s: clusters.%.*s: no such member: %.*s; accepted: %s",
                              GW_STR_ARG(source), GW_STR_ARG(name), GW_STR_ARG(member), known);
        }
    }
    return gw_json_get(object, known);
}

static void add_json(struct clusters *clusters, struct gw_str source, const struct gw_json_member *member)
{
    const struct gw_json *access = only_member(clusters, source, member->name, &member->value, "accessConfig");
    const struct gw_json *mode = NULL;

    if (access != NULL)
        mode = only_member(clusters, source, member->name, access, "authenticationMode");
    if (mode != NULL && mode->type != GW_JSON_STRING)
        report(clusters, source, member->name, ".accessConfig.authenticationMode: is no text; accepted: \"API\"");
    else
        add(clusters, source, member->name, mode != NULL ? mode->as.string : GW_STR_NONE);
}

static void add_table(struct clusters *clusters, const struct gw_given *given)
{
    const struct gw_json *json = given->json;

    if (json == NULL && given->text.length == 0)
        return;
    if (json == NULL || json->type != GW_JSON_OBJECT || json->as.object.count > CLUSTERS_MAX) {
        clusters->good = false;
        gw_settings_problem(clusters->settings, GW_OPTION_CLUSTERS, "is no table of at most %d clusters; accepted: %s",
                            CLUSTERS_MAX, gw_option_rows[GW_OPTION_CLUSTERS].accepted);
        return;
    }
    for (size_t i = 0; i < json->as.object.count; i++)
        add_json(clusters, given->source, &json->as.object.members[i]);
}

bool gw_settings_clusters(const struct gw_settings *settings, const struct gw_config_cluster **clusters, size_t *count)
{
    const struct gw_given *given = &settings->given[GW_OPTION_CLUSTERS];
    struct clusters found = {.settings = settings, .good = true};
    size_t room = settings->cluster_count;

    if (given->json != NULL && given->json->type == GW_JSON_OBJECT && given->json->as.object.count <= CLUSTERS_MAX)
        room += given->json->as.object.count;
    found.items = gw_arena_zero(settings->arena, room + 1, sizeof(*found.items));
    add_table(&found, given);
    for (size_t i = 0; i < settings->cluster_count; i++) {
        const struct gw_given_cluster *one = &settings->clusters[i];

        add(&found, one->source, one->name, one->mode.length > 0 ? one->mode : GW_STR_NONE);
    }
    if (!found.good)
        return false;
    *clusters = found.items;
    *count = found.count;
    return true;
}
