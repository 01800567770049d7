/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document is kept as JSON text in the record, and read only where a cluster
 * is shown or changed: operations on access entries look at the record's mode.
 */
#include "eks/cluster_document.h"

#define DOCUMENT_MAX ((size_t)4 << 20)

static struct gw_json object(void)
{
    return (struct gw_json){.type = GW_JSON_OBJECT};
}

static void set_text(struct gw_arena *arena, struct gw_json *to, const char *name, struct gw_str text)
{
    gw_json_set(arena, to, gw_str_from(name), gw_json_string(text));
}

static struct gw_json made_document(const struct gw_eks_cluster_plan *plan, const struct gw_eks_env *env,
                                    struct gw_arena *arena)
{
    const struct gw_store_key *key = &plan->key;
    struct gw_json document = object();

    set_text(arena, &document, "name", key->cluster);
    set_text(arena, &document, "arn",
             gw_arena_printf(arena, "arn:%.*s:eks:%.*s:%.*s:cluster/%.*s", GW_STR_ARG(key->partition),
                             GW_STR_ARG(key->region), GW_STR_ARG(key->account), GW_STR_ARG(key->cluster)));
    gw_json_set(arena, &document, GW_STR("createdAt"),
                (struct gw_json){.type = GW_JSON_REAL, .as.real = (double)env->now_ms / 1000});
    set_text(arena, &document, "status", GW_STR("ACTIVE"));
    gw_json_set(arena, &document, GW_STR("tags"), object());
    return document;
}

/* Members of `members` go over those of `document`; accessConfig is the mode's. */
static void lay_over(struct gw_arena *arena, struct gw_json *document, const struct gw_json *members,
                     enum gw_eks_auth_mode mode)
{
    struct gw_json access = object();

    for (size_t i = 0; members != NULL && i < members->as.object.count; i++)
        gw_json_set(arena, document, members->as.object.members[i].name, members->as.object.members[i].value);
    set_text(arena, &access, "authenticationMode", gw_str_from(gw_eks_auth_mode_name(mode)));
    gw_json_set(arena, document, GW_STR("accessConfig"), access);
}

/* new */
static struct gw_cluster *record(const struct gw_cluster *like, const struct gw_json *document)
{
    struct gw_cluster cluster = *like;
    struct gw_cluster *made;
    struct gw_buf text;

    gw_buf_init(&text, DOCUMENT_MAX);
    gw_json_encode(document, &text);
    if (text.overflowed)
        gw_fatal("a cluster's document passes %zu bytes", DOCUMENT_MAX);
    cluster.document = gw_buf_str(&text);
    made = gw_cluster_new(&cluster);
    gw_buf_fini(&text);
    return made;
}

struct gw_cluster *gw_eks_cluster_make(const struct gw_eks_cluster_plan *plan, const struct gw_eks_env *env,
                                       struct gw_arena *arena)
{
    struct gw_json document = made_document(plan, env, arena);
    const struct gw_cluster cluster = {.key = plan->key, .mode = plan->mode};

    lay_over(arena, &document, plan->given, plan->mode);
    return record(&cluster, &document);
}

struct gw_cluster *gw_eks_cluster_change(const struct gw_cluster *cluster, const struct gw_json *members,
                                         enum gw_eks_auth_mode mode, struct gw_arena *arena)
{
    struct gw_json document = gw_eks_cluster_read(cluster, arena);
    struct gw_cluster like = *cluster;

    like.mode = mode;
    lay_over(arena, &document, members, mode);
    return record(&like, &document);
}

struct gw_json gw_eks_cluster_read(const struct gw_cluster *cluster, struct gw_arena *arena)
{
    struct gw_json document;
    struct gw_err err;

    if (gw_json_parse(cluster->document, arena, &document, &err) != GW_OK)
        gw_fatal("a cluster's document in the store: %s", err.text);
    return document;
}
