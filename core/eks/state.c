/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a state: the outer levels are walked, since they may be far longer than
 * one JSON tree, and each cluster and each entry is parsed by itself. Nothing is
 * trusted: a state is a file that somebody edited.
 */
#include "eks/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/json_walk.h"
#include "codec/time.h"
#include "codec/username.h"
#include "eks/cluster.h"
#include "eks/cluster_document.h"
#include "eks/cluster_fields.h"
#include "eks/state_reader.h"

#define CLUSTER_TEXT_MAX ((size_t)4 << 20) /* past what requests make; escaped, below a document's bound */
#define FIELD_TEXT_MAX   16384
#define FIELD_ITEMS_MAX  1000
#define ID_LENGTH        36
#define TIME_MAX_S       253402300799.0 /* 9999-12-31T23:59:59Z */

enum gw_status gw_state_wrong(const struct gw_state_reader *reader, enum gw_status status, const char *member,
                              const char *format, ...)
{
    char text[400];
    char entry[64] = "";
    va_list args;

    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    va_end(args);
    if (reader->is_in_entry)
        (void)snprintf(entry, sizeof(entry), ".accessEntries[%zu]", reader->entry_at);
    return gw_fail(reader->err, status, "clusters[%zu]%s%s%s: %s", reader->cluster_at, entry,
                   member[0] == '\0' ? "" : ".", member, text);
}

enum gw_status gw_state_only(const struct gw_state_reader *reader, const char *where, const struct gw_json *object,
                             const char *const *names)
{
    if (object->type != GW_JSON_OBJECT)
        return gw_state_wrong(reader, GW_E_TYPE, where, "must be an object");
    for (size_t i = 0; i < object->as.object.count; i++) {
        struct gw_str name = object->as.object.members[i].name;
        size_t at = 0;

        while (names[at] != NULL && !gw_str_is(name, names[at]))
            at++;
        if (names[at] == NULL)
            return gw_state_wrong(reader, GW_E_SYNTAX, where, "has no member %.*s",
                                  name.length > 60 ? 60 : (int)name.length, name.at);
    }
    return GW_OK;
}

const struct gw_json *gw_state_get(const struct gw_json *object, const char *name)
{
    const struct gw_json *value = gw_json_get(object, name);

    return value == NULL || value->type == GW_JSON_NULL ? NULL : value;
}

static enum gw_status wrong_at(const struct gw_state_reader *reader, const char *where, const char *name,
                               const char *what)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s.%s", where, name);
    return gw_state_wrong(reader, GW_E_TYPE, path, "%s", what);
}

enum gw_status gw_state_text(const struct gw_state_reader *reader, const char *where, const struct gw_json *object,
                             const char *name, struct gw_str *text)
{
    const struct gw_json *value = gw_state_get(object, name);

    if (value == NULL)
        return GW_OK;
    if (value->type != GW_JSON_STRING)
        return wrong_at(reader, where, name, "must be a string");
    *text = value->as.string;
    return GW_OK;
}

/* GW_E_TYPE for what is no instant. */
static enum gw_status read_time(const struct gw_json *value, int64_t *ms)
{
    double seconds = -1;

    if (value->type == GW_JSON_STRING)
        return gw_time_parse_iso(value->as.string, ms) == GW_OK && *ms >= 0 ? GW_OK : GW_E_TYPE;
    if (value->type == GW_JSON_INTEGER)
        seconds = (double)value->as.integer;
    else if (value->type == GW_JSON_REAL)
        seconds = value->as.real;
    if (!(seconds >= 0 && seconds <= TIME_MAX_S))
        return GW_E_TYPE;
    *ms = (int64_t)(seconds * 1000 + 0.5);
    return GW_OK;
}

enum gw_status gw_state_time(const struct gw_state_reader *reader, const char *where, const struct gw_json *object,
                             const char *name, int64_t *ms)
{
    const struct gw_json *value = gw_state_get(object, name);
    int64_t found;

    if (value == NULL)
        return GW_OK;
    if (read_time(value, &found) != GW_OK)
        return wrong_at(reader, where, name, "must be seconds since 1970, or an ISO 8601 text");
    *ms = found;
    return GW_OK;
}

/* The region's form, as settings have it. */
static bool is_region(struct gw_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.at[i];

        if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') && byte != '-')
            return false;
    }
    return text.length > 0 && text.length <= 64;
}

/* arn:PARTITION:eks:REGION:ACCOUNT:cluster/NAME tells where the cluster is. */
static enum gw_status read_place(const struct gw_state_reader *reader, struct gw_str arn, struct gw_store_key *key)
{
    struct gw_str rest = arn;
    struct gw_str parts[5];
    struct gw_str kind = GW_STR("cluster/");

    for (size_t i = 0; i < GW_COUNT(parts); i++)
        parts[i] = rest.at == NULL ? GW_STR_NONE : gw_str_split(&rest, ':');
    if (!gw_str_is(parts[0], "arn") || !gw_arn_is_partition(parts[1]) || !gw_str_is(parts[2], "eks") ||
        !is_region(parts[3]) || !gw_arn_is_account(parts[4]) || rest.at == NULL || !gw_str_starts(rest, kind) ||
        !gw_str_equal(gw_str_slice(rest, kind.length, SIZE_MAX), key->cluster))
        return gw_state_wrong(reader, GW_E_SYNTAX, "cluster.arn",
                              "must be arn:PARTITION:eks:REGION:ACCOUNT:cluster/%.*s", GW_STR_ARG(key->cluster));
    key->partition = parts[1];
    key->region = parts[3];
    key->account = parts[4];
    return GW_OK;
}

static enum gw_status read_key(struct gw_state_reader *reader, const struct gw_json *cluster, struct gw_store_key *key)
{
    struct gw_str name = GW_STR_NONE;
    struct gw_str arn = GW_STR_NONE;
    enum gw_status status = gw_state_text(reader, "cluster", cluster, "name", &name);

    if (status == GW_OK && !gw_eks_cluster_is_name(name))
        status = gw_state_wrong(reader, GW_E_SYNTAX, "cluster.name",
                                "must be 1 to 100 letters, digits, - and _, a letter or digit first");
    if (status == GW_OK)
        status = gw_state_text(reader, "cluster", cluster, "arn", &arn);
    if (status != GW_OK)
        return status;
    *key = (struct gw_store_key){.partition = reader->place->partition,
                                 .account = reader->place->account,
                                 .region = reader->place->region,
                                 .cluster = name,
                                 .principal = GW_STR_NONE};
    return arn.at == NULL ? GW_OK : read_place(reader, arn, key);
}

static enum gw_status read_mode(const struct gw_state_reader *reader, const struct gw_json *cluster,
                                enum gw_eks_auth_mode *mode)
{
    const struct gw_json *access = gw_state_get(cluster, "accessConfig");
    struct gw_str text = GW_STR_NONE;
    enum gw_status status;

    *mode = GW_EKS_MODE_API;
    if (access == NULL)
        return GW_OK;
    status = gw_state_text(reader, "cluster.accessConfig", access, "authenticationMode", &text);
    if (status != GW_OK || text.at == NULL)
        return status;
    if (gw_eks_auth_mode_parse(text, mode) != GW_OK)
        return gw_state_wrong(reader, GW_E_SYNTAX, "cluster.accessConfig.authenticationMode",
                              "must be one of [API, API_AND_CONFIG_MAP, CONFIG_MAP]");
    return GW_OK;
}

/* What the walk over the members finds wrong first. */
struct problem {
    const struct gw_state_reader *reader;
    bool is_told;
};

static void on_problem(void *ctx, const char *path, const char *text)
{
    struct problem *problem = ctx;
    char member[300];

    if (problem->is_told)
        return;
    problem->is_told = true;
    (void)snprintf(member, sizeof(member), "cluster.%s", path);
    (void)gw_state_wrong(problem->reader, GW_E_SYNTAX, member, "%s", text);
}

/* The members that were given, as the document takes them. `tree` is the cluster; its createdAt becomes a number. */
static enum gw_status read_members(const struct gw_state_reader *reader, struct gw_json *tree, struct gw_json *given)
{
    struct problem problem = {.reader = reader};
    const struct gw_eks_walk walk = {.use = GW_EKS_IN_SHOWN,
                                     .is_strict = true,
                                     .text_max = FIELD_TEXT_MAX,
                                     .items_max = FIELD_ITEMS_MAX,
                                     .arena = reader->arena,
                                     .problem = on_problem,
                                     .ctx = &problem};
    const struct gw_pair *tags;
    size_t tag_count;
    int64_t created_ms = -1;
    enum gw_status status = gw_state_time(reader, "cluster", tree, "createdAt", &created_ms);

    if (status == GW_OK)
        status = gw_state_tags(reader, "cluster.tags", tree, &tags, &tag_count);

    if (status != GW_OK)
        return status;
    if (created_ms >= 0)
        gw_json_set(reader->arena, tree, GW_STR("createdAt"),
                    (struct gw_json){.type = GW_JSON_REAL, .as.real = (double)created_ms / 1000});
    return gw_eks_fields_take(&walk, gw_eks_cluster_fields, tree, given) ? GW_OK : GW_E_SYNTAX;
}

bool gw_state_is_id(struct gw_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        char byte = text.at[i];

        if (is_dash ? byte != '-' : !((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f')))
            return false;
    }
    return text.length == ID_LENGTH;
}

enum gw_status gw_state_tags(const struct gw_state_reader *reader, const char *where, const struct gw_json *object,
                             const struct gw_pair **tags, size_t *count)
{
    const struct gw_json *map = gw_state_get(object, "tags");
    struct gw_pair *pairs;
    struct gw_err why;

    if (map == NULL)
        return GW_OK;
    if (map->type != GW_JSON_OBJECT || map->as.object.count > GW_TAGS_MAX)
        return gw_state_wrong(reader, GW_E_TYPE, where, "must be an object of at most %d strings", GW_TAGS_MAX);
    pairs = gw_arena_zero(reader->arena, map->as.object.count, sizeof(*pairs));
    for (size_t i = 0; i < map->as.object.count; i++) {
        const struct gw_json_member *member = &map->as.object.members[i];

        if (member->value.type != GW_JSON_STRING)
            return gw_state_wrong(reader, GW_E_TYPE, where, "must be an object of strings");
        if (gw_username_check_tag(member->name, member->value.as.string, &why) != GW_OK)
            return gw_state_wrong(reader, GW_E_SYNTAX, where, "%s", why.text);
        pairs[i] = (struct gw_pair){member->name, member->value.as.string};
    }
    *tags = pairs;
    *count = map->as.object.count;
    return GW_OK;
}

/* new */
static enum gw_status read_cluster(struct gw_state_reader *reader, struct gw_str text, struct gw_str updates,
                                   struct gw_cluster **cluster)
{
    struct gw_eks_cluster_plan plan = {.given = NULL};
    struct gw_cluster *made;
    struct gw_cluster like;
    struct gw_json given;
    struct gw_json tree;
    struct gw_err why;
    enum gw_status status;

    if (text.length > CLUSTER_TEXT_MAX)
        return gw_state_wrong(reader, GW_E_LIMIT, "cluster", "is larger than %zu bytes", CLUSTER_TEXT_MAX);
    if (gw_json_parse(text, reader->arena, &tree, &why) != GW_OK)
        return gw_state_wrong(reader, GW_E_SYNTAX, "cluster", "%s", why.text);
    if (tree.type != GW_JSON_OBJECT)
        return gw_state_wrong(reader, GW_E_TYPE, "cluster", "must be an object");
    status = read_key(reader, &tree, &plan.key);
    if (status == GW_OK)
        status = read_mode(reader, &tree, &plan.mode);
    if (status == GW_OK)
        status = read_members(reader, &tree, &given);
    if (status != GW_OK)
        return status;
    plan.given = &given;
    made = gw_eks_cluster_make(&plan, reader->env, reader->arena);
    like = *made;
    status = gw_state_updates(reader, updates, &like);
    if (status == GW_OK)
        *cluster = gw_cluster_new(&like);
    gw_cluster_free(&made);
    return status;
}

static enum gw_status read_entries(struct gw_state_reader *reader, struct gw_str text,
                                   struct gw_eks_state_cluster *into)
{
    struct gw_json_walk walk;
    struct gw_json_item item;
    struct gw_err why;
    enum gw_status status = gw_json_walk_begin(&walk, text, GW_JSON_ARRAY, &why);

    for (reader->entry_at = 0; status == GW_OK; reader->entry_at++) {
        status = gw_json_walk_next(&walk, reader->arena, &item, &why);
        if (status != GW_OK)
            break;
        if (into->entry_count == reader->env->limits->entries_per_cluster)
            return gw_state_wrong(reader, GW_E_LIMIT, "accessEntries", "has more than %zu entries", into->entry_count);
        if (into->entry_count == into->entry_room) {
            into->entry_room = into->entry_room * 2 + 16;
            into->entries = gw_realloc(into->entries, into->entry_room * sizeof(struct gw_access_entry *));
        }
        gw_arena_reset(reader->arena);
        reader->is_in_entry = true;
        status = gw_state_entry(reader, into->cluster, item.text, &into->entries[into->entry_count]);
        reader->is_in_entry = false;
        if (status != GW_OK)
            return status;
        into->entry_count++;
    }
    return status == GW_E_MISSING ? GW_OK : gw_state_wrong(reader, status, "accessEntries", "%s", why.text);
}

/* The three members of an element of `clusters`. */
struct element {
    struct gw_str cluster;
    struct gw_str updates;
    struct gw_str entries;
};

static enum gw_status split_element(struct gw_state_reader *reader, struct gw_str text, struct element *element)
{
    struct gw_json_walk walk;
    struct gw_json_item item;
    struct gw_err why;
    enum gw_status status = gw_json_walk_begin(&walk, text, GW_JSON_OBJECT, &why);

    *element = (struct element){.cluster = GW_STR_NONE};
    while (status == GW_OK) {
        struct gw_str *into = NULL;

        status = gw_json_walk_next(&walk, reader->arena, &item, &why);
        if (status != GW_OK)
            break;
        if (gw_str_is(item.name, "cluster"))
            into = &element->cluster;
        else if (gw_str_is(item.name, "updates"))
            into = &element->updates;
        else if (gw_str_is(item.name, "accessEntries"))
            into = &element->entries;
        if (into == NULL || into->at != NULL)
            return gw_state_wrong(reader, GW_E_SYNTAX, "", "has cluster, updates and accessEntries, each once");
        *into = item.text;
    }
    if (status != GW_E_MISSING)
        return gw_state_wrong(reader, status, "", "%s", why.text);
    if (element->cluster.at == NULL)
        return gw_state_wrong(reader, GW_E_SYNTAX, "cluster", "is missing");
    return GW_OK;
}

/* Where a cluster is and what it is called, as one text; arena of the names' map. */
static enum gw_status note_cluster(struct gw_state_reader *reader, const struct gw_cluster *cluster,
                                   struct gw_arena *names)
{
    static char known;
    const struct gw_store_key *key = &cluster->key;
    struct gw_str name = gw_arena_printf(names, "%.*s/%.*s/%.*s/%.*s", GW_STR_ARG(key->partition),
                                         GW_STR_ARG(key->account), GW_STR_ARG(key->region), GW_STR_ARG(key->cluster));

    if (gw_map_add(&reader->names, name, &known) != GW_OK)
        return gw_state_wrong(reader, GW_E_DUPLICATE, "cluster.name", "is there twice");
    return GW_OK;
}

static enum gw_status read_element(struct gw_state_reader *reader, struct gw_str text, struct gw_arena *names,
                                   struct gw_eks_state_cluster *into)
{
    struct gw_hash_seed seed = reader->names.seed;
    struct element element;
    enum gw_status status = split_element(reader, text, &element);

    if (status == GW_OK)
        status = read_cluster(reader, element.cluster, element.updates, &into->cluster);
    if (status == GW_OK)
        status = note_cluster(reader, into->cluster, names);
    if (status != GW_OK || element.entries.at == NULL)
        return status;
    gw_map_init(&reader->principals, seed);
    status = read_entries(reader, element.entries, into);
    gw_map_fini(&reader->principals);
    return status;
}

/* The next element of `clusters`; GW_E_MISSING behind the last, and only there. */
static enum gw_status read_next(struct gw_state_reader *reader, struct gw_json_walk *walk, struct gw_arena *names,
                                struct gw_eks_state *state)
{
    struct gw_json_item item;
    struct gw_err why;
    enum gw_status status = gw_json_walk_next(walk, reader->arena, &item, &why);

    if (status == GW_E_MISSING)
        return status;
    if (status != GW_OK)
        return gw_fail(reader->err, status, "clusters: %s", why.text);
    if (state->count == reader->env->limits->clusters)
        return gw_fail(reader->err, GW_E_LIMIT, "clusters: has more than %zu", state->count);
    if (state->count == state->room) {
        state->room = state->room * 2 + 16;
        state->clusters = gw_realloc(state->clusters, state->room * sizeof(*state->clusters));
    }
    state->clusters[state->count] = (struct gw_eks_state_cluster){.cluster = NULL};
    gw_arena_reset(reader->arena);
    status = read_element(reader, item.text, names, &state->clusters[state->count]);
    state->entry_count += state->clusters[state->count++].entry_count;
    return status;
}

static enum gw_status read_clusters(struct gw_state_reader *reader, struct gw_str text, struct gw_eks_state *state)
{
    struct gw_json_walk walk;
    struct gw_arena names;
    struct gw_err why;
    enum gw_status status = gw_json_walk_begin(&walk, text, GW_JSON_ARRAY, &why);

    if (status != GW_OK)
        return gw_fail(reader->err, status, "clusters: %s", why.text);
    gw_arena_init(&names, 0);
    for (reader->cluster_at = 0; status == GW_OK; reader->cluster_at++)
        status = read_next(reader, &walk, &names, state);
    gw_arena_fini(&names);
    return status == GW_E_MISSING ? GW_OK : status;
}

static enum gw_status read_root(struct gw_state_reader *reader, struct gw_str text, struct gw_eks_state *state)
{
    struct gw_json_walk walk;
    struct gw_json_item item;
    struct gw_str clusters = GW_STR_NONE;
    enum gw_status status = gw_json_walk_begin(&walk, text, GW_JSON_OBJECT, NULL);

    while (status == GW_OK) {
        status = gw_json_walk_next(&walk, reader->arena, &item, reader->err);
        if (status == GW_OK && (!gw_str_is(item.name, "clusters") || clusters.at != NULL))
            status = GW_E_TYPE;
        else if (status == GW_OK)
            clusters = item.text;
        else if (status != GW_E_MISSING)
            return status;
    }
    if (status != GW_E_MISSING || clusters.at == NULL)
        return gw_fail(reader->err, GW_E_TYPE, "must be {\"clusters\":[...]}");
    return read_clusters(reader, clusters, state);
}

enum gw_status gw_eks_state_decode(struct gw_str text, const struct gw_eks_state_place *place,
                                   const struct gw_eks_env *env, struct gw_eks_state *state, struct gw_err *err)
{
    struct gw_state_reader reader = {.place = place, .env = env, .err = err};
    struct gw_eks_state fresh = {.clusters = NULL};
    struct gw_hash_seed seed;
    struct gw_arena arena;
    enum gw_status status;

    gw_random_seed(env->random, &seed);
    gw_map_init(&reader.names, seed);
    gw_map_init(&reader.arns, seed);
    gw_arena_init(&arena, (size_t)16 << 10);
    reader.arena = &arena;
    status = read_root(&reader, text, &fresh);
    gw_arena_fini(&arena);
    gw_map_fini(&reader.names);
    gw_map_fini(&reader.arns);
    if (status == GW_OK)
        *state = fresh;
    else
        gw_eks_state_free(&fresh);
    return status;
}

void gw_eks_state_free(struct gw_eks_state *state)
{
    for (size_t i = 0; i < state->count; i++) {
        struct gw_eks_state_cluster *one = &state->clusters[i];

        gw_cluster_free(&one->cluster);
        for (size_t k = 0; k < one->entry_count; k++)
            gw_access_entry_free(&one->entries[k]);
        free(one->entries);
    }
    free(state->clusters);
    *state = (struct gw_eks_state){.clusters = NULL};
}
