/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setting `clusters`: a table in DescribeCluster's shape, and members given
 * one by one on top of it:
 *
 *   clusters = { ["my-cluster"] = { version = "1.34", tags = { team = "a" } } }
 *   --set clusters.my-cluster.resourcesVpcConfig.subnetIds=subnet-1,subnet-2
 *
 * Types are checked, and values of enumerations; EKS's rules between members
 * aren't: who configures a cluster may want one that EKS wouldn't make. EKS itself
 * makes clusters in mode CONFIG_MAP when nothing is said; a gateway for access
 * entries takes API, because CONFIG_MAP refuses them.
 */
#include "config/settings.h"
#include "eks/cluster.h"
#include "eks/cluster_document.h"
#include "eks/cluster_fields.h"
#include "eks/cluster_logging.h"

#define CLUSTERS_MAX 10000
#define TEXT_MAX     65536
#define ITEMS_MAX    100
#define TAGS_MAX     50
#define GIVEN_MAX    ((size_t)256 << 10) /* bytes of one cluster as JSON */

struct clusters {
    const struct gw_settings *settings;
    const struct gw_config *config;
    struct gw_config_cluster *items;
    size_t count;
    bool good;
};

/* Whose members are looked at, for messages. */
struct look {
    struct clusters *clusters;
    struct gw_str source;
    struct gw_str name;
};

static void report(const struct look *look, const char *text)
{
    look->clusters->good = false;
    gw_config_problem(look->clusters->settings->problems, "%.*s: clusters.%.*s%s", GW_STR_ARG(look->source),
                      GW_STR_ARG(look->name), text);
}

static void on_problem(void *ctx, const char *path, const char *text)
{
    const struct look *look = ctx;

    look->clusters->good = false;
    gw_config_problem(look->clusters->settings->problems, "%.*s: clusters.%.*s.%s: %s", GW_STR_ARG(look->source),
                      GW_STR_ARG(look->name), path, text);
}

static bool take(struct look *look, const struct gw_json *object, struct gw_json *taken)
{
    const struct gw_eks_walk walk = {.use = GW_EKS_IN_SHOWN,
                                     .is_strict = true,
                                     .text_max = TEXT_MAX,
                                     .items_max = ITEMS_MAX,
                                     .arena = look->clusters->settings->arena,
                                     .problem = on_problem,
                                     .ctx = look};

    return gw_eks_fields_take(&walk, gw_eks_cluster_fields, object, taken);
}

/* A member that says what the cluster is called anyway may say nothing else. */
static void check_said(const struct look *look, const struct gw_json *given, const char *member, struct gw_str wanted)
{
    const struct gw_json *said = gw_json_get(given, member);

    if (said == NULL || gw_str_equal(said->as.string, wanted))
        return;
    look->clusters->good = false;
    gw_config_problem(look->clusters->settings->problems, "%.*s: clusters.%.*s.%s: is %.*s by the other settings",
                      GW_STR_ARG(look->source), GW_STR_ARG(look->name), member, GW_STR_ARG(wanted));
}

static void check_names(const struct look *look, const struct gw_json *given)
{
    const struct gw_config *config = look->clusters->config;

    check_said(look, given, "name", look->name);
    if (config->account.at == NULL || config->region_count == 0)
        return; /* told of where it is missing */
    check_said(look, given, "arn",
               gw_arena_printf(look->clusters->settings->arena, "arn:%.*s:eks:%.*s:%.*s:cluster/%.*s",
                               GW_STR_ARG(config->partition), GW_STR_ARG(config->regions[0]),
                               GW_STR_ARG(config->account), GW_STR_ARG(look->name)));
}

static void check_size(const struct look *look, const struct gw_json *given)
{
    const struct gw_json *tags = gw_json_get(given, "tags");
    struct gw_buf text;

    if (tags != NULL && tags->as.object.count > TAGS_MAX)
        report(look, ".tags: must not have more than 50 tags");
    gw_buf_init(&text, GIVEN_MAX);
    gw_json_encode(given, &text);
    if (text.overflowed)
        report(look, ": is larger than 256 KiB");
    gw_buf_fini(&text);
}

/* The cluster's place, made when it is new; NULL when nothing can have that name. */
static struct gw_config_cluster *enter(const struct look *look)
{
    struct clusters *clusters = look->clusters;
    size_t at = 0;

    if (!gw_eks_cluster_is_name(look->name)) {
        report(look, ": a cluster's name is 1 to 100 letters, digits, - and _, a letter or digit first");
        return NULL;
    }
    while (at < clusters->count && !gw_str_equal(clusters->items[at].name, look->name))
        at++;
    if (at == clusters->count) {
        clusters->items[at] = (struct gw_config_cluster){.name = look->name, .given = {.type = GW_JSON_OBJECT}};
        clusters->count++;
    }
    return &clusters->items[at];
}

/* Lays `object`, of whatever types, over what is given of the cluster already. */
static void add(struct look *look, const struct gw_json *object)
{
    struct gw_config_cluster *cluster = enter(look);
    struct gw_json taken;

    if (cluster == NULL || !take(look, object, &taken))
        return;
    check_names(look, &taken);
    gw_eks_cluster_lay_over(look->clusters->settings->arena, &cluster->given, &taken);
    check_size(look, &cluster->given);
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
    for (size_t i = 0; i < json->as.object.count; i++) {
        struct look look = {clusters, given->source, json->as.object.members[i].name};

        if (json->as.object.members[i].value.type != GW_JSON_OBJECT)
            report(&look, ": accepted: { accessConfig = { authenticationMode = \"API\" } } and other members of "
                          "DescribeCluster");
        else
            add(&look, &json->as.object.members[i].value);
    }
}

static const struct gw_eks_field *find_field(const struct gw_eks_field *fields, struct gw_str name, bool folds)
{
    for (; fields->name != NULL; fields++) {
        if ((fields->uses & GW_EKS_IN_SHOWN) != 0 &&
            (folds ? gw_str_equal_nocase(name, gw_str_from(fields->name)) : gw_str_is(name, fields->name)))
            return fields;
    }
    return NULL;
}

/* "a,b" to an array. arena */
static struct gw_json split_list(struct gw_arena *arena, struct gw_str text)
{
    struct gw_json array = {.type = GW_JSON_ARRAY};

    array.as.array.items = gw_arena_zero(arena, text.length + 1, sizeof(struct gw_json));
    while (text.length > 0)
        array.as.array.items[array.as.array.count++] = gw_json_string(gw_str_trim(gw_str_split(&text, ',')));
    return array;
}

/* The text as the field's type; a text where it is none of that, which the walk then reports. arena */
static struct gw_json read_text(struct gw_arena *arena, const struct gw_eks_field *field, struct gw_str text)
{
    struct gw_json value;
    struct gw_err err;

    if (field->kind == GW_EKS_FIELD_TEXTS)
        return split_list(arena, text);
    if ((field->kind == GW_EKS_FIELD_BOOLEAN || field->kind == GW_EKS_FIELD_TIME) &&
        gw_json_parse(text, arena, &value, &err) == GW_OK)
        return value;
    return gw_json_string(text);
}

/* Makes {first = {second = value}} of "first.second". False when there is no such member that a text can say. arena */
static bool nest(struct gw_arena *arena, const struct gw_given_cluster *one, struct gw_json *object)
{
    const struct gw_eks_field *fields = gw_eks_cluster_fields;
    struct gw_str rest = one->path;
    struct gw_json *at = object;

    *object = (struct gw_json){.type = GW_JSON_OBJECT};
    while (rest.at != NULL) {
        const struct gw_eks_field *field = find_field(fields, gw_str_split(&rest, '.'), one->folds);
        struct gw_json inner = {.type = GW_JSON_OBJECT};
        bool has_inner = field != NULL && (field->kind == GW_EKS_FIELD_OBJECT || field->kind == GW_EKS_FIELD_TEXT_MAP);

        if (field == NULL || field->kind == GW_EKS_FIELD_OBJECTS || has_inner != (rest.at != NULL))
            return false;
        if (field->kind == GW_EKS_FIELD_TEXT_MAP) {
            gw_json_set(arena, &inner, rest, gw_json_string(one->value)); /* the key of a tag, dots and all */
            rest = GW_STR_NONE;
        }
        gw_json_set(arena, at, gw_str_from(field->name), has_inner ? inner : read_text(arena, field, one->value));
        at = &at->as.object.members[0].value;
        fields = field->fields;
    }
    return true;
}

/* Tags are laid over whole; one that is given by itself joins those that are there. */
static void join_tags(const struct look *look, struct gw_json *object)
{
    const struct gw_json *tags = gw_json_get(object, "tags");
    struct gw_config_cluster *cluster = tags == NULL ? NULL : enter(look);
    const struct gw_json *there = cluster == NULL ? NULL : gw_json_get(&cluster->given, "tags");
    struct gw_json joined;

    if (there == NULL)
        return;
    joined = *there;
    gw_json_set(look->clusters->settings->arena, &joined, tags->as.object.members[0].name,
                tags->as.object.members[0].value);
    gw_json_set(look->clusters->settings->arena, object, GW_STR("tags"), joined);
}

static void add_one(struct clusters *clusters, const struct gw_given_cluster *one)
{
    struct look look = {clusters, one->source, one->name};
    struct gw_json object;

    if (one->value.length == 0) {
        (void)enter(&look); /* it is mentioned, no more */
    } else if (nest(clusters->settings->arena, one, &object)) {
        join_tags(&look, &object);
        add(&look, &object);
    } else {
        on_problem(&look, gw_arena_str(clusters->settings->arena, one->path).at,
                   "no such setting; clusters.NAME.accessConfig.authenticationMode is accepted, and so are others of "
                   "DescribeCluster's members that are texts, numbers, true or false, lists of texts, or tags");
    }
}

/* The mode is kept apart, and log types are listed as EKS lists them. */
static void finish(struct clusters *clusters, struct gw_config_cluster *cluster)
{
    struct gw_arena *arena = clusters->settings->arena;
    const struct gw_json *mode = gw_json_get(gw_json_get(&cluster->given, "accessConfig"), "authenticationMode");
    const struct gw_json *logging = gw_json_get(&cluster->given, "logging");

    cluster->mode = GW_EKS_MODE_API;
    cluster->has_mode = mode != NULL && gw_eks_auth_mode_parse(mode->as.string, &cluster->mode) == GW_OK;
    if (logging != NULL)
        gw_json_set(arena, &cluster->given, GW_STR("logging"), gw_eks_logging_lay_over(NULL, logging, arena));
}

bool gw_settings_clusters(const struct gw_settings *settings, struct gw_config *config)
{
    const struct gw_given *given = &settings->given[GW_OPTION_CLUSTERS];
    struct clusters found = {.settings = settings, .config = config, .good = true};
    size_t room = settings->cluster_count;

    if (given->json != NULL && given->json->type == GW_JSON_OBJECT && given->json->as.object.count <= CLUSTERS_MAX)
        room += given->json->as.object.count;
    found.items = gw_arena_zero(settings->arena, room + 1, sizeof(*found.items));
    add_table(&found, given);
    for (size_t i = 0; i < settings->cluster_count; i++)
        add_one(&found, &settings->clusters[i]);
    if (!found.good)
        return false;
    for (size_t i = 0; i < found.count; i++)
        finish(&found, &found.items[i]);
    config->clusters = found.items;
    config->cluster_count = found.count;
    return true;
}
